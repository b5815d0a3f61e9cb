// server.js - an HTTP server for doubles: routes, a record of all that came, and faults on request.
// SPDX-License-Identifier: Apache-2.0

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

// What a handler throws to answer something else than 200.
export class Answer extends Error {
	constructor(status, body, headers = {}) {
		super(`answer ${status}`);
		Object.assign(this, { status, body, headers });
	}
}

// '/a/:name/b' matches one segment, decoded; a '*' at the end the rest.
function pattern(path) {
	return new RegExp(`^${path.replace(/[.?+()]/g, '\\$&')
		.replace(/:(\w+)/g, '(?<$1>[^/]+)').replace(/\*$/, '.*')}$`);
}

function parse(text, type = '') {
	if (text === '')
		return undefined;
	if (type.startsWith('application/x-www-form-urlencoded'))
		return Object.fromEntries(new URLSearchParams(text));
	try {
		return JSON.parse(text);
	} catch {
		throw new Answer(400, { error: { code: 'BadSyntax',
			message: 'the body is no JSON' } });
	}
}

export class Server {
	#routes = [];
	#faults = [];
	#waiting = new Set();
	requests = [];		// { at, method, path, query, headers, body, status }

	on(method, path, handle) {
		this.#routes.push({ method, path: pattern(path), handle });
	}

	// The next `times` requests that fit `method` and `path` (a regular
	// expression) get `status` instead of an answer; or, with `hang`, no
	// answer, with `reset` a broken connection, and with `lost` the answer is
	// lost after the work was done.  `after` lets that many pass first.
	fault(what) {
		const fault = { times: 1, after: 0, path: /./, ...what };
		this.#faults.push(fault);
		return fault;
	}

	calm() {
		this.#faults = [];
	}

	#fault(method, path) {
		for (const fault of this.#faults) {
			if ((fault.method && fault.method !== method) ||
			    !fault.path.test(path) || fault.times <= 0)
				continue;
			if (fault.after-- > 0)
				return null;
			fault.times--;
			return fault;
		}
		return null;
	}

	async #answer(request, response) {
		const chunks = [];
		for await (const chunk of request)
			chunks.push(chunk);
		const text = Buffer.concat(chunks).toString();
		const url = new URL(request.url, 'http://x');
		const seen = { at: Date.now(), method: request.method,
			path: url.pathname, query: Object.fromEntries(url.searchParams),
			headers: request.headers, text };
		this.requests.push(seen);
		const fault = this.#fault(seen.method, seen.path);
		let answer;
		try {
			if (fault?.delay)
				await sleep(fault.delay);
			if (fault?.hang)
				return;
			if (fault?.reset) {
				request.socket.resetAndDestroy();
				return;
			}
			if (fault?.status)
				throw new Answer(fault.status, fault.body, fault.headers);
			seen.body = parse(text, request.headers['content-type']);
			answer = await this.#route(seen);
			if (fault?.lost) {
				request.socket.resetAndDestroy();
				return;
			}
		} catch (error) {
			if (!(error instanceof Answer))
				console.error(error);
			answer = error instanceof Answer ? error :
				new Answer(500, { error: { code: 'Defect',
					message: String(error) } });
		}
		if (!(answer instanceof Answer))
			answer = new Answer(200, answer);
		seen.status = answer.status;
		const plain = typeof answer.body === 'string';
		response.writeHead(answer.status, { ...(answer.body === undefined ? {} :
			{ 'content-type': plain ? 'text/plain' : 'application/json' }),
			...answer.headers });
		response.end(plain || answer.body === undefined ? answer.body :
			JSON.stringify(answer.body));
		for (const look of this.#waiting)
			look();
	}

	async #route(seen) {
		for (const { method, path, handle } of this.#routes) {
			const match = path.exec(seen.path);
			if (match === null || (method !== '*' && method !== seen.method))
				continue;
			const names = Object.fromEntries(Object.entries(match.groups ?? {})
				.map(([name, value]) => [name, decodeURIComponent(value)]));
			return handle(seen, names);
		}
		throw new Answer(404, { error: { code: 'NotFound',
			message: `nothing at ${seen.method} ${seen.path}` } });
	}

	async start(port = 0) {
		this.server = createServer((request, response) => {
			this.#answer(request, response).catch(() => response.destroy());
		});
		await new Promise((done) =>
			this.server.listen(port, '127.0.0.1', done));
		this.port = this.server.address().port;
		this.url = `http://127.0.0.1:${this.port}`;
		return this;
	}

	async close() {
		this.server?.closeAllConnections();
		await new Promise((done) => this.server?.close(done) ?? done());
	}

	// Looks whenever something was answered, until it sees something; `what` it
	// waits for is a text or a function that gives one.
	until(look, what = 'something', seconds = 30) {
		return new Promise((done, fail) => {
			const end = (how, value) => {
				clearTimeout(timer);
				this.#waiting.delete(attempt);
				how(value);
			};
			const attempt = () => {
				const found = look();
				if (found !== undefined && found !== false && found !== null)
					end(done, found);
			};
			const timer = setTimeout(() => end(fail, new Error(
				`waited ${seconds} s for ${typeof what === 'function' ? what() :
					what}`)), seconds * 1000);
			this.#waiting.add(attempt);
			attempt();
		});
	}

	saw(method, path) {
		return this.requests.filter((r) => r.method === method &&
			path.test(r.path));
	}
}
