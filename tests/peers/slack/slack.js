// slack.js - a Slack of our own: the Web API, the ways in to the app, and the people.
// SPDX-License-Identifier: Apache-2.0
//
//	const slack = await new Slack({ mode: 'socket' }).start();
//	const ada = slack.person('ada');
//	await ada.slash('/elevate');
//	(await ada.asked(/access/)).write('Reason', 'PAY-812');
//
// Whatever the app does that Slack would not take stands in slack.complaints,
// and stop() throws if there is anything.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmulator } from 'emulate';
import { app, channels, people, seed } from './company.js';
import { Faults } from './faults.js';
import { HttpDelivery } from './http-delivery.js';
import { controls } from './modal.js';
import { payloadComplaints } from './payloads.js';
import { Person } from './person.js';
import { Record } from './record.js';
import { Responses } from './responses.js';
import { readableMessage, Screen } from './screen.js';
import { prepare } from './schema.js';
import { SocketMode } from './socket-mode.js';
import { WebApi } from './web-api.js';

export class Slack extends Record {
	faults = new Faults();
	responses = new Responses(this);
	screen = new Screen(this);
	retryAfter = [0, 60_000, 300_000];	// of events, ms
	#people = new Map();
	#channels = new Map();
	#dms = new Map();
	#triggers = 0;

	// mode: how payloads reach the app.  plain: emulate's Web API as it is,
	// only watched.
	constructor({ mode = 'socket', plain = false, paced = true } = {}) {
		super();
		this.mode = mode;
		this.web = new WebApi(this, { plain, paced });
		this.http = new HttpDelivery(this);
	}

	async start() {
		prepare();	// takes seconds: not while somebody waits
		this.emulate = await createEmulator({ service: 'slack', port: 0,
			seed: seed() });
		await this.web.start();
		this.sockets = new SocketMode(this);
		this.api = `${this.web.url}/api/`;
		await this.#learn();
		return this;
	}

	// emulate made the ids up.
	async #learn() {
		const { members } = await this.as(app.botToken, 'users.list', {});
		for (const { id, name } of members)
			if (people[name] !== undefined)
				this.#people.set(name, new Person(this, name, id));
		const { channels: list } = await this.as('xoxp-ada',
			'conversations.list', { types: 'public_channel,private_channel' });
		for (const { id, name, is_private: hidden } of list)
			this.#channels.set(`#${name}`, { id, name: `#${name}`,
				private: hidden, over: channels[`#${name}`]?.over });
		for (const person of this.#people.values()) {
			const { channel } = await this.as(app.botToken,
				'conversations.open', { users: person.id });
			this.#dms.set(person.id, { id: channel.id, im: true,
				name: `@${person.name}` });
		}
		for (const c of this.#channels.values())
			if (c.private)
				await this.as('xoxp-ada', 'conversations.invite',
					{ channel: c.id, users: app.botUser });
	}

	// A call of emulate, past the app's eyes.
	async as(token, method, body) {
		const answer = await (await fetch(`${this.emulate.url}/api/${method}`, {
			method: 'POST', headers: { 'content-type': 'application/json',
				authorization: `Bearer ${token}` }, body:
				JSON.stringify(body) })).json();
		if (!answer.ok)
			throw new Error(`${method}: ${answer.error}`);
		return answer;
	}

	async stop() {
		await this.sockets.close();
		this.http.close();
		await this.web.close();
		await this.emulate.close();
		if (this.complaints.length > 0)
			throw new Error(`${this.complaints.length} complaints:\n` +
				this.complaints.slice(0, 20).join('\n'));
	}

	// ------------------------------------------------- people and channels

	person(name) {
		return this.#people.get(name);
	}

	// '#name', or 'dm' for the one with the app.
	channel(name, person) {
		return name === 'dm' ? this.dm(person) : this.#channels.get(name);
	}

	dm(person) {
		return this.#dms.get(person.id);
	}

	channelById(id) {
		return [...this.#channels.values(), ...this.#dms.values()]
			.find((c) => c.id === id) ?? { id, name: id };
	}

	text(shown) {
		return shown.view !== undefined ? shown.text : readableMessage(shown);
	}

	buttons(shown) {
		return [...controls(shown.blocks)].filter(({ element }) =>
			element.type === 'button').map(({ element }) => element.text.text);
	}

	// The app's messages in a channel.
	messages(name, person) {
		return this.screen.in(this.channel(name, person))
			.filter((m) => m.mine);
	}

	// Waits for a message of the app that reads as `what` (an expression).
	shown(what, { where = '#payments', person, seconds = 30, since = 0 } = {}) {
		return this.until(() => this.messages(where, person)
			.filter((m) => m.at >= since).findLast((m) =>
				what.test(this.text(m))), () => `${what} in ${where}; there is ` +
			JSON.stringify(this.messages(where, person).map((m) =>
				this.text(m))), seconds);
	}

	async write(person, channel, text, thread) {
		const { ts } = await this.as(`xoxp-${person.name}`,
			'chat.postMessage', { channel: channel.id, text,
				thread_ts: thread });
		this.screen.said(person, channel, ts, text, thread);
		return ts;
	}

	// A trigger of this moment: good once, within three seconds.
	async trigger(person, view, life = 3000) {
		const id = this.web.plain ? (await this.as(app.botToken,
			'views.generateTriggerId', { user_id: person.id,
				view_id: view })).trigger_id :
			`${Date.now()}.${++this.#triggers}.${randomUUID().slice(-12)}`;
		this.screen.triggers.set(id, { user: person.id, view,
			until: performance.now() + life });
		return id;
	}

	// What a submission was answered with: another view, here or on top.
	async showView(person, modal, { response_action: action, view }) {
		if (action === 'update') {
			const answer = await this.as(app.botToken, 'views.update',
				{ view_id: modal.id, view });
			modal.show(view, answer.view.hash);
			return;
		}
		const { trigger_id: id } = await this.as(app.botToken,
			'views.generateTriggerId', { user_id: person.id,
				view_id: modal.id });
		const body = { trigger_id: id, view };
		const answer = await this.as(app.botToken, 'views.push', body);
		this.screen.triggers.set(id, { user: person.id });
		this.screen.show({ method: 'views.push', body, answer });
	}

	// ------------------------------------------------------------ delivery

	get way() {
		return this.mode === 'socket' ? this.sockets : this.http;
	}

	// Gives a payload to the app.  Events that are not acknowledged come
	// again; the rest does not.  `copies`: as many more, although the first
	// was acknowledged, under the same envelope id or new ones.
	async deliver(kind, payload, { copies = 0, sameEnvelope = false,
		...options } = {}) {
		const delivery = { kind, payload, at: Date.now(), attempts: [] };
		this.deliveries.push(delivery);
		this.complain(...payloadComplaints(kind, payload));
		let result;
		for (let retry = 0; ; retry++) {
			result = await this.way.attempt(kind, payload, { ...options,
				retry, reason: this.#reason(result),
				envelope: retry % 2 === 1 ? result.envelope : undefined });
			delivery.attempts.push(result);
			this.changed();
			if (result.ok || kind !== 'events' ||
			    retry === this.retryAfter.length)
				break;
			await sleep(this.retryAfter[retry], undefined, { ref: false });
		}
		for (let i = 0; i < copies; i++)
			delivery.attempts.push(await this.way.attempt(kind, payload, {
				...options, envelope: sameEnvelope ? result.envelope :
					undefined, retry: kind === 'events' ? i + 1 : undefined,
				reason: this.mode === 'socket' ? 'timeout' : 'http_timeout' }));
		Object.assign(delivery, result);
		return result;
	}

	#reason(result) {
		return this.mode === 'socket' ? 'timeout' : result?.why ??
			'http_timeout';
	}
}
