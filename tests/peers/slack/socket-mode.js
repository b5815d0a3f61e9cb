// socket-mode.js - Slack's end of Socket Mode: up to ten connections, envelopes and their acknowledgements.
// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { accept, refuse } from './websocket.js';
import { app } from './company.js';

const types = { events: 'events_api', commands: 'slash_commands',
	interactive: 'interactive', options: 'interactive' };
// Which acknowledgements may say something.
const answers = new Set(['commands', 'options', 'interactive']);

export class SocketMode {
	connections = new Set();
	made = 0;		// connections that got a hello, in all
	opened = [];		// when connections were asked for
	uncovered = [];		// spans without any connection: [from, to]
	perFrame = undefined;	// cut messages in pieces of so many bytes
	helloAfter = 0;		// ms
	pingEvery = 5000;	// ms
	#waiting = new Map();	// envelope id -> what waits for its ack
	#acked = new Map();	// envelope id -> how often
	#missing;
	#ends = new Set();	// connections that are not quite gone, too

	constructor(slack) {
		this.slack = slack;
		slack.web.server.on('upgrade', (request, socket, head) =>
			this.#upgrade(request, socket, head));
	}

	#upgrade(request, socket, head) {
		const url = new URL(request.url, this.slack.web.url);
		const { tickets } = this.slack.web;
		this.opened.push(Date.now());
		if (this.refusing !== undefined)
			return refuse(socket, this.refusing);
		if (url.pathname !== '/link/' ||
		    !tickets.delete(url.searchParams.get('ticket')))
			return refuse(socket, 403);
		const end = accept(request, socket, head);
		if (end !== undefined)
			this.#welcome(end);
		return undefined;
	}

	#welcome(end) {
		const c = { end, id: `applink-${++this.made}`, ready: false,
			retiring: false, pongs: 0, pings: 0 };
		end.on('message', (text) => this.#message(c, text));
		end.on('pong', () => { c.pongs++; });
		end.on('ping', () => { c.pings++; });
		end.on('broken', (why) => this.slack.complain(`socket: ${why}`));
		end.on('closing', (code) => {
			c.saidGoodbye = code;
			this.#left(c);
		});
		end.on('gone', () => {
			this.#ends.delete(end);
			this.#left(c);
		});
		this.#ends.add(end);
		if (this.full || this.connections.size >= 10) {
			this.#say(c, { type: 'disconnect',
				reason: 'too_many_websockets' });
			end.close(1000);
			return;
		}
		this.connections.add(c);
		c.pinging = setInterval(() => {
			if (!end.silent)
				end.ping(`ping ${Date.now()}`);
		}, this.pingEvery);
		setTimeout(() => {
			if (!end.open)
				return;
			this.#say(c, { type: 'hello', num_connections:
				this.connections.size, connection_info: { app_id: app.id },
			debug_info: { host: c.id, build_number: 10,
				approximate_connection_time: 18060 } });
			this.#ready(c);
		}, this.helloAfter);
		this.slack.changed();
	}

	// Once another is ready, one that is to go gets nothing new.
	#ready(c) {
		c.ready = true;
		for (const other of this.connections)
			if (other.retiring)
				other.over = true;
		if (this.#missing !== undefined) {
			this.uncovered.push([this.#missing, Date.now()]);
			this.#missing = undefined;
		}
		this.slack.changed();
	}

	#left(c) {
		clearInterval(c.pinging);
		this.connections.delete(c);
		if (c.ready && this.ready.length === 0)
			this.#missing ??= Date.now();
		for (const [id, wait] of this.#waiting)
			if (wait.connection === c)
				setImmediate(() => wait.lost(id));
		this.slack.changed();
	}

	get ready() {
		return [...this.connections].filter((c) => c.ready && c.end.open);
	}

	#say(c, value) {
		return c.end.send(JSON.stringify(value), { pieces: this.perFrame });
	}

	#message(c, text) {
		let ack;
		try {
			ack = JSON.parse(text);
		} catch {
			this.slack.complain(`socket: no JSON: ${text.slice(0, 200)}`);
			return;
		}
		const { envelope_id: id, payload } = ack;
		const wait = this.#waiting.get(id);
		this.#acked.set(id, (this.#acked.get(id) ?? 0) + 1);
		if (this.#acked.get(id) > 1)
			this.slack.complain(`socket: envelope ${id} acknowledged twice`);
		else if (wait === undefined && !this.late.delete(id))
			this.slack.complain(`socket: ack of no envelope: ` +
				text.slice(0, 200));
		wait?.done(payload);
	}

	late = new Set();	// envelopes given up on: their acks may yet come

	// Sends one envelope once; what came back within 3 s, or why nothing did.
	attempt(kind, payload, { retry, reason, envelope = randomUUID() } = {}) {
		const can = this.ready.filter((c) => !c.over && !c.end.silent);
		const c = can[Math.floor(Math.random() * can.length)];
		if (c === undefined)
			return Promise.resolve({ ok: false, why: 'no_connection',
				envelope });
		const begin = performance.now();
		// A second copy under the same id is acknowledged by itself.
		this.#acked.delete(envelope);
		return new Promise((done) => {
			const end = (how) => {
				clearTimeout(timer);
				this.#waiting.delete(envelope);
				done({ envelope, ms: performance.now() - begin, ...how });
			};
			const timer = setTimeout(() => {
				this.late.add(envelope);
				end({ ok: false, why: 'timeout' });
			}, 3000);
			this.#waiting.set(envelope, { connection: c,
				done: (body) => end({ ok: true, body:
					body !== undefined && Object.keys(body).length > 0 ?
						body : undefined }),
				lost: () => end({ ok: false, why: 'connection_lost' }) });
			this.#say(c, { envelope_id: envelope, payload, type: types[kind],
				accepts_response_payload: answers.has(kind),
				...(kind === 'events' ? { retry_attempt: retry ?? 0,
					retry_reason: reason ?? '' } : {}) });
		});
	}

	// Tells one connection (the oldest that was not told yet) to go, and hangs
	// up after `grace` ms.
	disconnect(reason = 'refresh_requested', grace = 3000,
		c = this.ready.find((one) => !one.retiring)) {
		if (c === undefined)
			return undefined;
		c.retiring = reason !== 'link_disabled';
		this.#say(c, { type: 'disconnect', reason,
			debug_info: { host: c.id } });
		setTimeout(() => c.end.close(), grace).unref();
		setTimeout(() => c.end.socket.destroy(), grace + 1000).unref();
		return c;
	}

	// Half of what a close needs: the answer to a goodbye never comes.
	neverFinishClose() {
		for (const c of this.connections)
			c.end.answersClose = false;
	}

	// Clients that are on their way out may leave in order.
	async close() {
		for (const end = Date.now() + 1000; this.#ends.size > 0 &&
			Date.now() < end;)
			await sleep(20);
		for (const end of this.#ends)
			end.socket.destroy();
	}
}
