// web-api.js - Slack's Web API: emulate, and before it what emulate lacks.
// SPDX-License-Identifier: Apache-2.0
//
// Refuses tokens that it did not give out and blocks that Slack would not
// draw, hands out tickets for Socket Mode, knows what kinds of people there
// are, keeps people waiting (429), breaks (500) when told to, and takes what
// is sent to response_urls.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestComplaints } from './check.js';
import { app, channels, people, scopes, team } from './company.js';

// Methods that read take no JSON: they do not see it.
const reads = /^(users|conversations)\.|^auth\.|^team\./;
const encoded = ['blocks', 'view', 'metadata', 'attachments'];

function decode(name, text) {
	if (!encoded.includes(name))
		return text;
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function parse(text, type, method) {
	if (!type.startsWith('application/json'))
		return Object.fromEntries([...new URLSearchParams(text)]
			.map(([k, v]) => [k, decode(k, v)]));
	if (reads.test(method) && method !== 'conversations.open')
		return {};
	try {
		return JSON.parse(text);
	} catch {
		return {};
	}
}

function refusal(error, more = {}) {
	return { ok: false, error, ...more };
}

// Slack's words for what a request has wrong with its blocks or its view.
function refusalFor(method, complaints) {
	const word = method.startsWith('views.') ? 'invalid_arguments' :
		complaints.some((c) => /message\.text.*characters/.test(c)) ?
			'msg_too_long' : 'invalid_blocks';
	return refusal(word, { response_metadata: { messages:
		complaints.map((c) => `[ERROR] ${c}`) } });
}

export class WebApi {
	// Posts of a channel in the last seconds, for `paced`.
	#posts = new Map();
	#hanging = new Set();

	constructor(slack, { plain = false, paced = true } = {}) {
		Object.assign(this, { slack, plain, paced });
		this.botTokens = new Map([[app.botToken, 'valid']]);
		this.refreshTokens = new Map([[app.refreshToken, 'valid']]);
		this.appTokens = new Set([app.appToken]);
		this.tickets = new Set();
		this.rotations = 0;
	}

	async start() {
		this.server = createServer((request, response) => {
			this.#answer(request, response).catch((error) => {
				this.slack.complain(`the double broke: ${error.stack}`);
				response.destroy();
			});
		});
		// The longest a client may keep a connection for its next call.
		this.server.keepAliveTimeout = 20_000;
		await new Promise((done) =>
			this.server.listen(0, '127.0.0.1', done));
		this.url = `http://127.0.0.1:${this.server.address().port}`;
	}

	async close() {
		for (const response of this.#hanging)
			response.destroy();
		this.server.closeAllConnections();
		await new Promise((done) => this.server.close(done));
	}

	async #answer(request, response) {
		const chunks = [];
		for await (const chunk of request)
			chunks.push(chunk);
		const text = this.#decode(Buffer.concat(chunks));
		const url = new URL(request.url, this.url);
		const method = url.pathname.replace(/^\/api\//, '');
		const type = request.headers['content-type'] ?? '';
		const query = Object.fromEntries(url.searchParams);
		const call = { at: Date.now(), method, headers: request.headers, text,
			token: request.headers.authorization?.replace(/^Bearer /, ''),
			body: { ...query, ...parse(text, type, method) } };
		this.slack.requests.push(call);
		const fault = this.slack.faults.of(call);
		const answer = await this.#faulty(call, fault, response, () =>
			url.pathname.startsWith('/response/') ?
				this.slack.responses.take(call, url.pathname) :
				this.#method(call));
		if (answer === undefined)
			return;
		Object.assign(call, { status: answer.status ?? 200,
			answer: answer.body });
		// The people see it before the app reads that it worked.
		if (answer.body?.ok === true)
			this.slack.screen.show(call);
		response.writeHead(call.status, { 'content-type':
			'application/json; charset=utf-8', 'x-slack-req-id': randomUUID(),
		...(this.plain ? {} : { 'x-oauth-scopes': scopes.join(',') }),
		...answer.headers });
		response.end(typeof answer.body === 'string' ? answer.body :
			JSON.stringify(answer.body));
		this.slack.changed();
	}

	#decode(bytes) {
		try {
			return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
		} catch {
			this.slack.complain('a request that is not UTF-8');
			return bytes.toString();
		}
	}

	// Does what the fault says before or after the work; undefined: no answer
	// is to be given.
	async #faulty(call, fault, response, work) {
		if (fault === undefined)
			return work();
		call.fault = fault;
		let done;
		if (fault.delay !== undefined)
			await sleep(fault.delay);
		if (fault.done || (fault.delay !== undefined && !fault.status &&
		    !fault.error))
			done = await work();
		if (fault.done && done.body?.ok)
			this.slack.screen.show({ ...call, answer: done.body });
		if (fault.reset || fault.hang) {
			call.status = 0;
			if (fault.reset)
				response.socket.resetAndDestroy();
			else
				this.#hanging.add(response);
			this.slack.changed();
			return undefined;
		}
		if (fault.status !== undefined)
			return { status: fault.status, headers: fault.headers, body:
				fault.error ? refusal(fault.error) : 'broken on purpose' };
		if (fault.error !== undefined)
			return { body: refusal(fault.error, fault.more) };
		return done;
	}

	async #method(call) {
		if (this.plain)
			return this.forward(call, call.token);
		const refused = this.#authorize(call) ?? this.#inspect(call) ??
			this.#pace(call);
		if (refused !== undefined)
			return refused;
		const own = this[call.method];
		if (own !== undefined)
			return own.call(this, call);
		return this.forward(call, app.botToken);
	}

	#authorize({ method, token }) {
		if (method === 'oauth.v2.access')
			return undefined;
		if (token === undefined)
			return { body: refusal('not_authed') };
		const wantsApp = method === 'apps.connections.open';
		if (wantsApp && this.appTokens.has(token))
			return undefined;
		if (this.appTokens.has(token) || (wantsApp &&
		    this.botTokens.has(token)))
			return { body: refusal('not_allowed_token_type') };
		const state = this.botTokens.get(token);
		return state === 'valid' ? undefined :
			{ body: refusal(state === 'expired' ? 'token_expired' :
				'invalid_auth') };
	}

	#inspect(call) {
		const bad = requestComplaints(call.method, call.body);
		if (bad.length === 0)
			return undefined;
		this.slack.complain(...bad);
		return { body: refusalFor(call.method, bad) };
	}

	// About one message a second in a channel; short bursts are let pass.
	#pace({ method, body }) {
		if (method !== 'chat.postMessage' || !this.paced)
			return undefined;
		const now = Date.now();
		const recent = (this.#posts.get(body.channel) ?? [])
			.filter((at) => now - at < 10_000);
		this.#posts.set(body.channel, [...recent, now]);
		return recent.length < 12 ? undefined : { status: 429,
			headers: { 'retry-after': '1' }, body: refusal('ratelimited') };
	}

	async forward(call, token) {
		const answer = await fetch(`${this.slack.emulate.url}/api/` +
			call.method, { method: 'POST', headers: {
			'content-type': 'application/json; charset=utf-8',
			...(token ? { authorization: `Bearer ${token}` } : {}) },
		body: JSON.stringify(call.body) });
		return { status: answer.status, body: await answer.json() };
	}

	async 'auth.test'(call) {
		const answer = await this.forward(call, app.botToken);
		return { ...answer, body: { ...answer.body,
			is_enterprise_install: false } };
	}

	async 'users.info'(call) {
		const answer = await this.forward(call, app.botToken);
		const { user } = answer.body;
		if (user === undefined)
			return answer;
		const over = people[user.name]?.over ?? {};
		Object.assign(user, { team_id: team, is_restricted: false,
			is_ultra_restricted: false, is_stranger: false, tz: 'Europe/London',
			updated: 1795230000, ...over });
		user.profile.team = user.team_id;
		if (user.deleted || user.is_stranger)
			delete user.profile.email;
		return answer;
	}

	async 'conversations.info'(call) {
		const answer = await this.forward(call, app.botToken);
		const { channel } = answer.body;
		if (channel !== undefined)
			Object.assign(channel, { is_shared: false, is_ext_shared: false,
				is_org_shared: false, context_team_id: team },
			channels[`#${channel.name}`]?.over);
		return answer;
	}

	// Metadata is shown to those who ask for it.
	async 'conversations.history'(call) {
		const answer = await this.forward(call, app.botToken);
		if (String(call.body.include_all_metadata) !== 'true')
			for (const m of answer.body.messages ?? [])
				delete m.metadata;
		return answer;
	}

	async 'conversations.replies'(call) {
		return this['conversations.history'](call);
	}

	// A trigger is good once, within three seconds of what was done.  (emulate
	// knows this too, but in whole seconds: two of them may be enough.)
	async #exchange(call) {
		const id = call.body.trigger_id ?? call.body.interactivity_pointer;
		const trigger = this.slack.screen.triggers.get(id);
		if (trigger === undefined)
			return { body: refusal('invalid_trigger_id') };
		if (trigger.used)
			return { body: refusal('exchanged_trigger_id') };
		if (performance.now() > trigger.until)
			return { body: refusal('expired_trigger_id') };
		trigger.used = true;
		const { trigger_id: real } = await this.slack.as(app.botToken,
			'views.generateTriggerId', { user_id: trigger.user,
				view_id: trigger.view });
		return this.forward({ ...call, body: { ...call.body,
			trigger_id: real } }, app.botToken);
	}

	'views.open'(call) {
		return this.#exchange(call);
	}

	'views.push'(call) {
		return this.#exchange(call);
	}

	// A view that nobody looks at any more cannot be changed.
	async 'views.update'(call) {
		const shown = this.slack.screen.view(call.body.view_id);
		if (shown === undefined)
			return { body: refusal('not_found') };
		return this.forward(call, app.botToken);
	}

	'apps.connections.open'() {
		const ticket = randomUUID();
		this.tickets.add(ticket);
		return { body: { ok: true, url: `${this.url.replace(/^http/, 'ws')}` +
			`/link/?ticket=${ticket}&app_id=${app.id}` } };
	}

	// Token rotation: what was valid stays so until expireTokens(); a refresh
	// token is good for once.
	'oauth.v2.access'({ body }) {
		if (body.client_id !== app.clientId ||
		    body.client_secret !== app.clientSecret)
			return { body: refusal('invalid_client_id') };
		if (body.grant_type !== 'refresh_token')
			return { body: refusal('invalid_grant_type') };
		if (this.refreshTokens.get(body.refresh_token) !== 'valid')
			return { body: refusal('invalid_refresh_token') };
		this.refreshTokens.set(body.refresh_token, 'used');
		const n = ++this.rotations;
		const fresh = { access_token: `xoxe.xoxb-peers-${n}`,
			refresh_token: `xoxe-1-peers-${n}` };
		this.botTokens.set(fresh.access_token, 'valid');
		this.refreshTokens.set(fresh.refresh_token, 'valid');
		return { body: { ok: true, ...fresh, token_type: 'bot',
			expires_in: 43200, scope: scopes.join(','), bot_user_id: app.botUser,
			app_id: app.id, team: { id: team, name: 'Acme' },
			enterprise: null, is_enterprise_install: false } };
	}

	expireTokens() {
		for (const token of this.botTokens.keys())
			this.botTokens.set(token, 'expired');
	}
}
