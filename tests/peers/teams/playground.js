// playground.js - Microsoft's Agents Playground, and the gate between it and bellhop.
// SPDX-License-Identifier: Apache-2.0
//
//	playground -> gate: signs as the channel does -> bellhop
//	bellhop -> gate: looks at the token, checks the activity -> playground
//
// The Playground itself neither signs nor checks.  Its licence is for
// evaluation: it is fetched when the test runs, and where it cannot be had the
// test says so.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync, chmodSync,
} from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bot, messageId, people, places, tenant } from './company.js';
import { activityComplaints, invokeComplaints } from './check.js';
import { Answer } from './server.js';
import { Login } from './login.js';

const folder = fileURLToPath(new URL('playground/', import.meta.url));
const cli = join(folder,
	'node_modules/@microsoft/m365agentsplayground/cli.js');

// Fetches it if need be; a sentence if that cannot be.
export function fetchPlayground() {
	if (existsSync(cli))
		return null;
	try {
		execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit',
			'--no-fund'], { cwd: folder, stdio: 'pipe', timeout: 120000 });
		return null;
	} catch (error) {
		return 'the Agents Playground cannot be had: ' +
			`${error.stderr ?? error}`.trim().split('\n').pop();
	}
}

// On a connection of its own: the Playground hangs up on idle ones just when
// they are used again.
function ask(url, method, body) {
	return new Promise((done, fail) => {
		const sent = request(url, { method, agent: false,
			headers: { 'content-type': 'application/json' } }, (answer) => {
			let text = '';
			answer.on('data', (data) => { text += data; });
			answer.on('end', () => done({ status: answer.statusCode, text }));
		});
		sent.on('error', fail);
		sent.end(body === undefined ? undefined : JSON.stringify(body));
	});
}

function freePort() {
	return new Promise((done) => {
		const server = createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => done(port));
		});
	});
}

function user({ id, name, userPrincipalName, aadObjectId, email }) {
	const [givenName, surname] = name.split(' ');
	return { id, name, userPrincipleName: userPrincipalName, aadObjectId,
		givenName, surname, email };
}

export class Playground extends Login {
	complaints = [];
	sent = [];		// activities of the bot: { how, conversation, id, activity }
	delivered = [];		// { activity, status, body }

	// `current` sits before the Playground's page.
	constructor(current = people.ada) {
		super();
		this.current = current;
		const { list, teams } = places();
		this.places = list;
		[this.team] = Object.values(teams);
		this.directory = mkdtempSync(join(tmpdir(), 'playground-'));
		this.on('POST', '/api/messages', (seen) => this.#inbound(seen));
		this.on('*', '/_connector/*', (seen) => this.#outbound(seen));
	}

	get serviceUrl() {
		return `${this.url}/_connector`;
	}

	// `endpoint` is bellhop's, known by the time the first activity comes.
	async start() {
		await super.start();
		const port = await freePort();
		const inside = (name) => join(this.directory, name);
		// JSON is YAML.  It wants five users beside the current one.
		writeFileSync(inside('.m365agentsplayground.yml'), JSON.stringify({
			version: '0.1.1', tenantId: tenant, bot,
			currentUser: user(this.current),
			users: ['ada', 'grace', 'katherine', 'margaret', 'gus', 'fay']
				.filter((nick) => nick !== this.current.nick)
				.map((nick) => user(people[nick])),
			personalChat: { id: this.places[this.current.nick].id },
			groupChat: { id: this.places.group.id,
				name: this.places.group.name },
			team: { id: this.team.id, name: this.team.name,
				aadGroupId: this.team.aadGroupId, channels: [
					{ id: this.places.access.id, name: 'Access' }] } }));
		// It would open a browser.
		writeFileSync(inside('xdg-open'), '#!/bin/sh\nexit 0\n');
		chmodSync(inside('xdg-open'), 0o700);
		this.page = `http://127.0.0.1:${port}`;
		this.process = spawn(process.execPath, [cli, 'start', '--app-endpoint',
			`${this.url}/api/messages`, '--channel-id', 'msteams', '--port',
			port, '--service-url', this.serviceUrl, '--disable-telemetry'], {
			cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, PATH: this.directory + delimiter +
				process.env.PATH } });
		this.said = '';
		for (const stream of [this.process.stdout, this.process.stderr])
			stream.on('data', (data) => { this.said += data; });
		for (let i = 0; i < 600; i++) {
			const pong = await fetch(`${this.page}/_debug/ping`)
				.then((a) => a.text(), () => '');
			if (pong === 'pong')
				return this;
			if (this.process.exitCode !== null)
				break;
			await sleep(100);
		}
		throw new Error(`the Playground did not start: ${this.said}`);
	}

	async close() {
		if (this.process?.exitCode === null) {
			this.process.kill();
			await new Promise((done) => this.process.on('close', done));
		}
		await super.close();
		rmSync(this.directory, { recursive: true });
	}

	async #inbound(seen) {
		const activity = seen.body;
		// All its people are of one tenant; Fay is not.
		if (activity.from?.id === people.fay.id)
			activity.channelData = { ...activity.channelData,
				tenant: { id: people.fay.tenantId } };
		const answer = await fetch(this.endpoint, { method: 'POST',
			body: JSON.stringify(activity), headers: {
				'content-type': 'application/json',
				authorization: `Bearer ${this.channelToken(activity)}` } });
		const text = await answer.text();
		const body = text === '' ? undefined : JSON.parse(text);
		if (activity.type === 'invoke' && answer.status === 200)
			for (const bad of invokeComplaints(activity.name, body))
				this.complaints.push(`answer to ${activity.name}: ${bad}`);
		this.delivered.push({ activity, status: answer.status, body });
		return new Answer(answer.status, body);
	}

	async #outbound(seen) {
		this.bearer(seen, 'https://api.botframework.com');
		const { method, path, body } = seen;
		const activity = body?.type ? body : body?.activity;
		if (activity !== undefined)
			for (const bad of activityComplaints(activity))
				this.complaints.push(`${method} ${path}: ${bad}`);
		const query = new URLSearchParams(seen.query).toString();
		const { status, text } = await ask(this.page + path + (query === '' ?
			'' : `?${query}`), method, body);
		let value = text;
		try {
			value = JSON.parse(text);
		} catch { /* an error page */ }
		if (activity?.type === 'message' && status < 300) {
			const [, conversation, id] =
				/conversations\/([^/]+)\/activities(?:\/([^/]+))?/.exec(path);
			const known = method === 'PUT' &&
				this.sent.find((m) => m.id === decodeURIComponent(id));
			if (known) {
				known.activity = activity;
				known.edits++;
			} else {
				const where = decodeURIComponent(conversation);
				// What stands in a channel by itself begins a thread.
				this.sent.push({ conversation: /@thread.tacv2$/.test(where) ?
					`${where};messageid=${value.id}` : where,
				id: value.id, activity, edits: 0 });
			}
		}
		return new Answer(status, value === '' ? undefined : value);
	}

	async #post(path, body) {
		const { status, text } = await ask(this.page + path, 'POST', body);
		if (status >= 300)
			throw new Error(`${path}: ${status} ${text}`);
		return text === '' ? undefined : JSON.parse(text);
	}

	// What somebody else writes to bellhop, at a desk of their own.
	fromAfar(person, place, text) {
		return this.#inbound({ body: { type: 'message', id: messageId(),
			timestamp: new Date().toISOString(), channelId: 'msteams',
			serviceUrl: this.serviceUrl, recipient: bot, text,
			textFormat: 'plain', from: { id: person.id, name: person.name,
				aadObjectId: person.aadObjectId },
			conversation: { id: place.id, tenantId: tenant, isGroup: true,
				conversationType: place.conversationType },
			channelData: { tenant: { id: tenant } } } });
	}

	// What the current user writes, with a mention where that is needed.
	says(place, text) {
		const at = `<at>${bot.name}</at>`;
		return this.#post(`/_conversation/v1/conversations/` +
			`${encodeURIComponent(place.id)}/messages`, { textFormat: 'plain',
			from: { id: this.current.id }, ...(place.conversationType ===
			'personal' ? { text } : { text: `${at} ${text}`,
				mentions: [{ mentioned: bot, text: at }] }) });
	}

	// Anybody presses an Action.Execute of this message.
	invoke(person, message, action, data = {}) {
		return this.#post('/_conversation/v1/invoke', { type: 'invoke',
			name: 'adaptiveCard/action', replyToId: message.id,
			conversation: { id: message.conversation }, from: {
				id: person.id, name: person.name,
				aadObjectId: person.aadObjectId },
			value: { action: { ...action, data: { ...action.data, ...data } },
				trigger: 'manual' } });
	}
}
