// responses.js - response_urls: five answers within half an hour, and then none.
// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from 'node:crypto';
import { responseComplaints } from './check.js';

export class Responses {
	#links = new Map();

	constructor(slack) {
		this.slack = slack;
	}

	// `origin` is what is answered: { user, channel, message (ts of the
	// message with the button) or undefined, ephemeral }.
	link(origin) {
		const path = `/response/${randomUUID()}`;
		const link = { origin, uses: 0, until: Date.now() + 30 * 60_000 };
		this.#links.set(path, link);
		return { url: this.slack.web.url + path, link };
	}

	take(call, path) {
		const link = this.#links.get(path);
		call.method = 'response_url';
		if (link === undefined)
			return { status: 404, body: { ok: false, error: 'no_such_url' } };
		if (link.uses >= 5)
			return { status: 404, body: { ok: false, error: 'used_url' } };
		if (link.until < Date.now())
			return { status: 404, body: { ok: false, error: 'expired_url' } };
		if (call.token !== undefined)
			this.slack.complain('response_url: got a token, which its host ' +
				'has no use for');
		const bad = responseComplaints(call.body);
		this.slack.complain(...bad);
		if (bad.length > 0)
			return { status: 400, body: { ok: false,
				error: 'invalid_payload', bad } };
		link.uses++;
		call.origin = link.origin;
		return { body: { ok: true } };
	}
}
