// connector.js - a double of the Bot Framework connector as Teams runs it: places, people, messages.
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as sleep } from 'node:timers/promises';
import { Answer } from './server.js';
import { Login } from './login.js';
import { bot, messageId, people, places, tenant } from './company.js';
import { activityComplaints } from './check.js';

const audience = 'https://api.botframework.com';
// Sends to one conversation in so many ms; Teams' published limits.
const paces = [[7, 1000], [8, 2000], [60, 30000]];

function no(status, code, message, headers) {
	return new Answer(status, { error: { code, message } }, headers);
}

// "19:...;messageid=17..." is a thread of the channel "19:...".
export function split(id) {
	const [conversation, thread] = id.split(';messageid=');
	return { conversation, thread };
}

export class Connector extends Login {
	complaints = [];	// what was wrong with what the bot sent
	sent = [];		// { how, conversation, id, activity }
	latency = 0;		// ms that a write takes
	throttle = true;
	#writes = new Map();	// conversation -> writes under way
	#times = new Map();	// conversation -> when there were sends

	constructor() {
		super();
		({ list: this.places, teams: this.teams } = places());
		for (const region of ['', '/amer'])
			this.#routes(`/teams${region}/v3`);
		this.on('GET', '/graph/v1.0/users/:id', (seen, { id }) =>
			this.#graph(seen, id));
	}

	#routes(top) {
		const at = `${top}/conversations/:id`;
		this.on('POST', `${top}/conversations`, (seen) =>
			this.#create(seen));
		this.on('POST', `${at}/activities`, (seen, { id }) =>
			this.#post(seen, id));
		this.on('POST', `${at}/activities/:to`, (seen, { id, to }) =>
			this.#post(seen, id, to));
		this.on('PUT', `${at}/activities/:message`, (seen, names) =>
			this.#put(seen, names.id, names.message));
		this.on('DELETE', `${at}/activities/:message`, (seen, names) =>
			this.#delete(seen, names.id, names.message));
		this.on('GET', `${at}/members`, (seen, { id }) =>
			this.#place(seen, id).members.map((p) => this.#member(p)));
		this.on('GET', `${at}/pagedmembers`, (seen, { id }) => ({
			members: this.#place(seen, id).members
				.map((p) => this.#member(p)) }));
		this.on('GET', `${at}/members/:user`, (seen, names) =>
			this.#one(this.#place(seen, names.id), names.user));
		this.on('GET', `${top}/teams/:id`, (seen, { id }) => {
			this.bearer(seen, audience);
			const team = this.teams[id];
			if (team === undefined)
				throw no(404, 'TeamNotFound', 'no such team');
			return { ...team, channelCount: 2, memberCount: 7 };
		});
		this.on('GET', `${top}/teams/:id/conversations`, (seen, { id }) => {
			this.bearer(seen, audience);
			return { conversations: Object.values(this.places).filter((p) =>
				p.team === id).map((p) => p.id === id ? { id } :
				{ id: p.id, name: p.name }) };
		});
	}

	get serviceUrl() {
		return `${this.url}/teams/`;
	}

	#find(conversation) {
		return Object.values(this.places).find((p) => p.id === conversation);
	}

	#place(seen, id) {
		this.bearer(seen, audience);
		const place = this.#find(split(id).conversation);
		if (place === undefined)
			throw no(404, 'ConversationNotFound', 'Conversation not found.');
		if (!place.installed)
			throw no(403, 'BotNotInConversationRoster', 'The bot is not part ' +
				'of the conversation roster.');
		return place;
	}

	#member({ id, aadObjectId, name, email, userPrincipalName, tenantId,
		userRole }) {
		const [givenName, surname] = name.split(' ');
		return { id, objectId: aadObjectId, aadObjectId, name, givenName,
			surname, email, userPrincipalName, tenantId, userRole };
	}

	#one(place, user) {
		const found = place.members.find((p) => p.id === user ||
			p.aadObjectId === user);
		if (found === undefined)
			throw no(404, 'MemberNotFoundInConversation', 'Member not found.');
		return this.#member(found);
	}

	#graph(seen, id) {
		this.bearer(seen, 'https://graph.microsoft.com');
		const p = Object.values(people).find((x) => x.aadObjectId === id &&
			x.tenantId === tenant);
		if (p === undefined)
			throw no(404, 'Request_ResourceNotFound', 'does not exist');
		return { id, mail: p.email, userPrincipalName: p.userPrincipalName,
			displayName: p.name, accountEnabled: p.accountEnabled ?? true,
			userType: p.userRole === 'guest' ? 'Guest' : 'Member' };
	}

	// One writer per conversation, so many a second, so many bytes.
	async #write(seen, id, work) {
		const place = this.#place(seen, id);
		const size = seen.text.length * 2;
		if (size > 100 * 1024)
			throw no(413, 'MessageSizeTooBig', 'Message size too large.');
		const times = (this.#times.get(place.id) ?? []).filter((t) =>
			t > Date.now() - 30000);
		this.#times.set(place.id, [...times, Date.now()]);
		for (const [count, span] of this.throttle ? paces : [])
			if (times.filter((t) => t > Date.now() - span).length >= count)
				throw no(429, 'Throttled', 'Too many requests.',
					{ 'retry-after': '1' });
		if (this.#writes.get(place.id))
			throw no(412, 'PreconditionFailed', 'Another write to this ' +
				'conversation is under way.');
		this.#writes.set(place.id, true);
		try {
			await sleep(this.latency);
			return work(place);
		} finally {
			this.#writes.delete(place.id);
		}
	}

	#note(how, place, id, activity, thread) {
		for (const bad of activityComplaints(activity))
			this.complaints.push(`${how} ${place.name ?? place.id}: ${bad}`);
		this.sent.push({ at: Date.now(), how, conversation: place.id, id,
			thread, activity });
	}

	#create(seen) {
		this.bearer(seen, audience);
		const { members, isGroup, channelData, activity, bot: by } = seen.body;
		if (channelData?.channel?.id !== undefined) {
			const place = this.#find(channelData.channel.id);
			if (place === undefined || activity === undefined)
				throw no(400, 'BadArgument', 'channel or activity missing');
			return this.#write(seen, place.id, () => {
				const id = messageId();
				place.messages.push({ id, activity, thread: id, edits: 0 });
				this.#note('create', place, id, activity, id);
				return new Answer(201, { id: `${place.id};messageid=${id}`,
					activityId: id });
			});
		}
		if (isGroup || members?.length !== 1)
			throw no(400, 'BadArgument', 'a bot can only begin a conversation ' +
				'with one member');
		if (by !== undefined && by.id !== bot.id)
			throw no(400, 'BadArgument', 'unknown bot');
		const place = Object.values(this.places).find((p) =>
			p.conversationType === 'personal' &&
			(p.members[0].id === members[0].id ||
			p.members[0].aadObjectId === members[0].id));
		if ((channelData?.tenant?.id ?? seen.body.tenantId) !== tenant)
			throw no(400, 'BadArgument', 'tenant missing');
		if (place === undefined)
			throw no(400, 'BadArgument', 'Failed to decrypt pairwise id');
		if (!place.installed)
			throw no(403, 'BotNotInConversationRoster', 'The bot is not part ' +
				'of the conversation roster.');
		return new Answer(201, { id: place.id });
	}

	#post(seen, id, to) {
		const activity = seen.body;
		if (activity?.type === 'typing') {
			this.#place(seen, id);
			return new Answer(202, {});
		}
		return this.#write(seen, id, (place) => {
			if (activity?.type !== 'message')
				throw no(400, 'BadSyntax', 'an activity needs a type');
			const message = { id: messageId(), activity, edits: 0 };
			message.thread = split(id).thread ?? to ?? activity.replyToId ??
				message.id;
			place.messages.push(message);
			this.#note('post', place, message.id, activity, message.thread);
			return new Answer(201, { id: message.id });
		});
	}

	#put(seen, id, which) {
		return this.#write(seen, id, (place) => {
			const message = place.messages.find((m) => m.id === which);
			if (message === undefined || message.gone)
				throw no(404, 'ActivityNotFoundInConversation',
					'The activity does not exist.');
			if (message.from !== undefined)
				throw no(403, 'NotEnoughPermissions', 'not the bot\'s own');
			message.activity = seen.body;
			message.edits++;
			this.#note('put', place, which, seen.body, message.thread);
			return { id: which };
		});
	}

	#delete(seen, id, which) {
		const place = this.#place(seen, id);
		const message = place.messages.find((m) => m.id === which);
		if (message === undefined)
			throw no(404, 'ActivityNotFoundInConversation', 'not there');
		message.gone = true;
		return {};
	}

	// What stands in a place now.
	shown(place) {
		return place.messages.filter((m) => !m.gone);
	}
}

