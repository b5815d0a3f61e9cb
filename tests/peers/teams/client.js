// client.js - people in front of Teams: they write, press and fill in; the bot is told as Teams tells it.
// SPDX-License-Identifier: Apache-2.0

import { Connector } from './connector.js';
import { bot, messageId, people, tenant } from './company.js';
import { cardType, invokeComplaints } from './check.js';

// All texts of a card, in order, one per line.
export function words(value) {
	if (Array.isArray(value))
		return value.map(words).filter((w) => w !== '').join('\n');
	if (value === null || typeof value !== 'object')
		return '';
	if (value.type === 'RichTextBlock')
		return value.inlines.map((i) => i.text ?? i).join('');
	const own = [value.text, value.title, value.label, value.value,
		value.errorMessage].filter((t) => typeof t === 'string');
	return [...own, ...['body', 'items', 'columns', 'facts', 'rows', 'cells',
		'actions', 'choices'].map((k) => words(value[k] ?? []))]
		.filter((w) => w !== '').join('\n');
}

export function cardOf(activity) {
	return activity?.attachments?.find((a) => a.contentType === cardType)
		?.content;
}

// Text and cards of an activity, as somebody would read them.
export function read(activity) {
	return [activity.text ?? '', words(cardOf(activity) ?? {})]
		.filter((w) => w !== '').join('\n');
}

function* within(value) {
	if (Array.isArray(value)) {
		for (const v of value)
			yield* within(v);
	} else if (value !== null && typeof value === 'object') {
		yield value;
		for (const v of Object.values(value))
			yield* within(v);
	}
}

export function inputs(card) {
	return [...within(card)].filter((v) =>
		String(v.type).startsWith('Input.'));
}

export function action(card, title) {
	const found = [...within(card)].find((v) =>
		String(v.type).startsWith('Action.') && v.title === title);
	if (found === undefined)
		throw new Error(`no "${title}" on the card:\n${words(card)}`);
	return found;
}

export class Teams extends Connector {
	// Where the bot listens: the whole URL of its endpoint.
	constructor(endpoint) {
		super();
		this.endpoint = endpoint;
	}

	// An activity as Teams makes it; `more` overrides anything.
	activity(type, person, place, more = {}) {
		const { thread: of, ...rest } = more;
		const id = messageId();
		const thread = place.conversationType === 'channel' &&
			['message', 'invoke'].includes(type) ?
			`;messageid=${of ?? id}` : '';
		return { type, id, timestamp: new Date().toISOString(),
			localTimestamp: new Date().toISOString(),
			serviceUrl: this.serviceUrl, channelId: 'msteams',
			from: { id: person.id, name: person.name,
				aadObjectId: person.aadObjectId },
			conversation: { id: place.id + thread, tenantId: tenant,
				conversationType: place.conversationType,
				...(place.conversationType === 'personal' ? {} :
					{ isGroup: true, name: place.name }) },
			recipient: bot, locale: 'en-US',
			entities: [{ type: 'clientInfo', locale: 'en-US', country: 'US',
				platform: 'Web', timezone: 'Europe/London' }],
			channelData: { tenant: { id: person.tenantId },
				...(place.team ? { team: { id: place.team },
					channel: { id: place.id } } : {}),
				source: { name: 'message' } }, ...rest };
	}

	// Delivers; gives { status, body } of the bot's answer.
	async deliver(activity, token = this.channelToken(activity)) {
		const answer = await fetch(this.endpoint, { method: 'POST',
			body: JSON.stringify(activity), headers: {
				'content-type': 'application/json; charset=utf-8',
				...(token === null ? {} :
					{ authorization: `Bearer ${token}` }) } });
		const text = await answer.text();
		const body = text === '' ? undefined :
			/json/.test(answer.headers.get('content-type') ?? '') ?
				JSON.parse(text) : text;
		if (activity.type === 'invoke' && answer.status === 200)
			for (const bad of invokeComplaints(activity.name, body))
				this.complaints.push(`answer to ${activity.name}: ${bad}`);
		return { status: answer.status, body };
	}

	// What somebody writes; in group and channel with the bot's mention.
	async says(person, place, text, more = {}) {
		const typed = place.conversationType === 'personal' ? { text,
			textFormat: 'plain' } : { text: `<at>bellhop</at>\u00a0${text}\n`,
			textFormat: 'plain', entities: [{ type: 'mention',
				mentioned: bot, text: '<at>bellhop</at>' }] };
		const activity = this.activity('message', person, place,
			{ ...typed, attachments: [{ contentType: 'text/html',
				content: `<p>${text}</p>` }], ...more });
		place.messages.push({ id: activity.id, from: person, activity,
			thread: more.thread ?? activity.id, edits: 0 });
		return { activity, ...await this.deliver(activity) };
	}

	invoke(person, place, name, value, more = {}) {
		return this.deliver(this.activity('invoke', person, place,
			{ name, value, ...more }));
	}

	// Presses a button of a card that stands somewhere; `filled` are what the
	// inputs hold, by the end of their ids or their labels.
	async presses(person, place, message, title, filled = {}, more = {}) {
		const card = message.attachments ? cardOf(message) :
			message.activity ? cardOf(message.activity) : message;
		const { type, verb, id, data = {} } = action(card, title);
		const merged = { ...data };
		for (const [name, value] of Object.entries(filled)) {
			const input = inputs(card).find((i) => i.id === name ||
				i.id.endsWith(`-${name}`) || i.label === name);
			if (input === undefined)
				throw new Error(`no input "${name}" on:\n${words(card)}`);
			merged[input.id] = value;
		}
		const thread = message.thread ?? undefined;
		if (type === 'Action.Submit') {
			const dialog = data.msteams?.type === 'task/fetch';
			if (dialog)
				return this.invoke(person, place, 'task/fetch', { data: merged,
					context: { theme: 'default' } },
				{ replyToId: message.id, thread });
			return this.deliver(this.activity('message', person, place,
				{ value: merged, replyToId: message.id, thread, ...more }));
		}
		return this.invoke(person, place, 'adaptiveCard/action', {
			action: { type, title, verb, ...(id ? { id } : {}), data: merged },
			trigger: 'manual' }, { replyToId: message.id, thread, ...more });
	}

	installs(person, place) {
		place.installed = true;
		return this.deliver(this.activity('installationUpdate', person, place,
			{ action: 'add' }));
	}

	joins(person, place) {
		return this.deliver(this.activity('conversationUpdate', person, place,
			{ membersAdded: [bot] }));
	}

	// Waits until a message of the bot in this place reads like that.
	message(place, like, seconds) {
		return this.until(() => this.shown(place).find((m) =>
			m.from === undefined && like.test(read(m.activity))),
		() => `${like} in ${place.name ?? place.members[0].name}; there: ` +
			this.shown(place).map((m) => read(m.activity)).join('\n--\n'),
		seconds);
	}

	// Waits until this message reads like that.
	becomes(message, like, seconds) {
		return this.until(() => like.test(read(message.activity)) && message,
			() => `${like}; it reads:\n${read(message.activity)}`, seconds);
	}
}

export { people };
