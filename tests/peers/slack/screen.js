// screen.js - what people see: channels with their messages, what is shown to one person alone, modals, home pages.
// SPDX-License-Identifier: Apache-2.0

import { Modal, readable } from './modal.js';

let ephemerals = 0;

// Slack names the blocks that the app did not.
function named(blocks) {
	return blocks?.map((b, i) => ({ block_id: `b${i}`, ...b }));
}

export class Screen {
	messages = new Map();	// "channel ts" -> message
	private = [];		// ephemeral messages: { user, channel, text ... }
	modals = [];		// every one ever opened, the newest last
	homes = new Map();	// user -> Modal of type home
	triggers = new Map();	// trigger id -> { user, view }

	constructor(slack) {
		this.slack = slack;
	}

	// The messages of a channel, oldest first; with `thread`, its replies.
	in(channel, thread) {
		return [...this.messages.values()].filter((m) =>
			m.channel.id === channel.id && (thread === undefined ||
			m.thread_ts === thread)).sort((a, b) => a.ts < b.ts ? -1 : 1);
	}

	view(id) {
		return this.modals.find((m) => m.id === id && m.open);
	}

	stack(user) {
		return this.modals.filter((m) => m.user === user && m.open);
	}

	#message(channelId, ts, body, more) {
		const key = `${channelId} ${ts}`;
		const known = this.messages.get(key);
		const version = { text: body.text ?? '', blocks: named(body.blocks),
			metadata: body.metadata ?? known?.metadata };
		if (known !== undefined) {
			Object.assign(known, version);
			known.versions.push(readableMessage(version));
			return known;
		}
		const message = { ts, channel: this.slack.channelById(channelId),
			thread_ts: body.thread_ts, at: Date.now(), ...version, ...more,
			versions: [readableMessage(version)] };
		this.messages.set(key, message);
		return message;
	}

	ephemeral(user, channelId, body, more = {}) {
		const message = { user, channel: this.slack.channelById(channelId),
			text: body.text ?? '', blocks: named(body.blocks), ephemeral: true,
			thread_ts: body.thread_ts, at: Date.now(),
			ts: `1700000000.${String(++ephemerals).padStart(6, '0')}`, ...more };
		this.private.push(message);
		return message;
	}

	// A call of the Web API, or a POST to a response_url, that went well.
	show(call) {
		if (call.shown)
			return;
		call.shown = true;
		const { method, body, answer } = call;
		switch (method) {
		case 'chat.postMessage':
			this.#message(answer.channel, answer.ts, body, { mine: true });
			break;
		case 'chat.update':
			this.#message(body.channel, body.ts, body);
			break;
		case 'chat.delete':
			this.messages.delete(`${body.channel} ${body.ts}`);
			break;
		case 'chat.postEphemeral':
			this.ephemeral(body.user, body.channel, body);
			break;
		case 'views.open':
		case 'views.push':
			this.#open(body, answer);
			break;
		case 'views.update':
			this.view(answer.view.id)?.show(body.view, answer.view.hash);
			break;
		case 'views.publish':
			this.#home(body, answer);
			break;
		case 'response_url':
			this.respond(call.origin, body);
			break;
		}
		this.slack.changed();
	}

	#open(body, { view }) {
		const id = body.trigger_id ?? body.interactivity_pointer;
		const { user } = this.triggers.get(id);
		this.modals.push(new Modal(view.id, user, body.view, view.hash, {
			root: view.root_view_id, previous: view.previous_view_id }));
	}

	#home({ user_id: user, view }, answer) {
		const known = this.homes.get(user);
		if (known !== undefined)
			known.show(view, answer.view.hash);
		else
			this.homes.set(user, new Modal(answer.view.id, user, view,
				answer.view.hash));
	}

	respond(origin, body) {
		const { user, channel, message } = origin;
		if (body.delete_original) {
			if (message?.ephemeral)
				message.gone = true;
			else if (message)
				this.messages.delete(`${channel.id} ${message.ts}`);
		} else if (message !== undefined && body.replace_original === true) {
			if (message.ephemeral)
				Object.assign(message, { text: body.text,
					blocks: named(body.blocks) });
			else
				this.#message(channel.id, message.ts, body);
		} else if (body.response_type === 'in_channel') {
			this.#message(channel.id, `${Date.now() / 1000}0000`.slice(0, 17),
				body, { mine: true });
		} else {
			this.ephemeral(user, channel.id, body, { by: 'response_url' });
		}
		this.slack.changed();
	}

	// What people wrote themselves.
	said(person, channel, ts, text, thread) {
		this.#message(channel.id, ts, { text, thread_ts: thread },
			{ user: person.id });
	}
}

export function readableMessage({ text, blocks }) {
	return blocks?.length > 0 ? readable(blocks) : text ?? '';
}
