// http-delivery.js - Slack's deliveries over HTTP: signed, three seconds, and nothing more to be had.
// SPDX-License-Identifier: Apache-2.0

import { Agent, request as httpRequest } from 'node:http';
import { createHmac } from 'node:crypto';
import { app } from './company.js';

export function sign(body, { secret = app.signingSecret,
	at = Math.floor(Date.now() / 1000) } = {}) {
	const hmac = createHmac('sha256', secret).update(`v0:${at}:`)
		.update(body).digest('hex');
	return { 'x-slack-request-timestamp': String(at),
		'x-slack-signature': `v0=${hmac}` };
}

// The bytes of a delivery, as Slack writes them.
export function encode(kind, payload) {
	if (kind === 'events')
		return { type: 'application/json', text: JSON.stringify(payload) };
	const form = new URLSearchParams(kind === 'commands' ? payload :
		{ payload: JSON.stringify(payload) });
	return { type: 'application/x-www-form-urlencoded', text: String(form) };
}

export class HttpDelivery {
	// Connections that were not used for long may be closed by the app at any
	// moment.
	#agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 3500 });

	constructor(slack) {
		this.slack = slack;
		this.url = undefined;	// set when the app listens
	}

	// One POST; { status, body } or { why }.
	post(text, headers, timeout = 3000) {
		return new Promise((done) => {
			const request = httpRequest(this.url, { method: 'POST',
				agent: this.#agent, timeout, headers: { accept: '*/*',
					'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
					'content-length': Buffer.byteLength(text), ...headers } },
			(response) => {
				const chunks = [];
				response.on('data', (c) => chunks.push(c));
				response.on('end', () => done({ status: response.statusCode,
					headers: response.headers,
					text: Buffer.concat(chunks).toString() }));
				response.on('error', () => done({ why: 'connection_failed' }));
			});
			const timer = setTimeout(() => request.destroy(
				Object.assign(new Error('late'), { code: 'LATE' })), timeout);
			request.on('close', () => clearTimeout(timer));
			request.on('error', (error) => done({ why: error.code === 'LATE' ?
				'http_timeout' : 'connection_failed' }));
			request.end(text);
		});
	}

	async attempt(kind, payload, { retry, reason, secret, at } = {}) {
		const { type, text } = encode(kind, payload);
		const begin = performance.now();
		if (this.url === undefined)
			return { ok: false, why: 'connection_failed' };
		const answer = await this.post(text, { 'content-type': type,
			...sign(text, { secret, at }), ...(retry ? {
				'x-slack-retry-num': String(retry),
				'x-slack-retry-reason': reason } : {}) });
		const ms = performance.now() - begin;
		if (answer.status === undefined)
			return { ok: false, why: answer.why, ms };
		if (answer.status < 200 || answer.status > 299)
			return { ok: false, why: 'http_error', status: answer.status, ms };
		try {
			return { ok: true, ms, status: answer.status, body:
				answer.text === '' ? undefined : JSON.parse(answer.text) };
		} catch {
			this.slack.complain(`${kind}: answered with no JSON: ` +
				answer.text.slice(0, 200));
			return { ok: true, ms };
		}
	}

	close() {
		this.#agent.destroy();
	}
}
