// person.js - somebody with Slack before him, who can do what Slack lets him do and sees what Slack shows him.
// SPDX-License-Identifier: Apache-2.0

import { suggestionComplaints, submissionComplaints, responseComplaints }
	from './check.js';
import { app, people } from './company.js';
import { controls } from './modal.js';
import * as payloads from './payloads.js';

export class Person {
	troubles = [];		// what Slack told him when the app did not answer

	constructor(slack, name, id) {
		const { real, email, over } = people[name];
		Object.assign(this, { slack, name, id, real, email, over });
	}

	// ---------------------------------------------------------------- sees

	get modals() {
		return this.slack.screen.stack(this.id);
	}

	get modal() {
		return this.modals.at(-1);
	}

	get home() {
		return this.slack.screen.homes.get(this.id);
	}

	get ephemerals() {
		return this.slack.screen.private.filter((m) =>
			m.user === this.id && !m.gone);
	}

	get dms() {
		return this.slack.screen.in(this.slack.dm(this)).filter((m) => m.mine);
	}

	// Waits until he sees `what`: a text or an expression among all that was
	// shown to him alone, ephemerally or in a DM, from now on or after `since`.
	told(what, { since = 0, seconds = 30 } = {}) {
		const fits = (text) => typeof what === 'string' ?
			text.includes(what) : what.test(text);
		const all = () => [...this.ephemerals, ...this.dms]
			.filter((m) => m.at >= since)
			.map((m) => this.slack.text(m));
		return this.slack.until(() => all().find(fits), () =>
			`${this.name} to be told ${what}; was told: ` +
			JSON.stringify(all()), seconds);
	}

	// Waits for a modal whose title or text is, or fits, `what`.
	asked(what, { seconds = 30 } = {}) {
		return this.slack.until(() => {
			const m = this.modal;
			return m !== undefined && (what === undefined ||
				(typeof what === 'function' ? what(m) :
					what.test(`${m.title}\n${m.text}`))) ? m : undefined;
		}, () => `a modal ${what} before ${this.name}; there is ` +
			`${this.modal?.title}: ${this.modal?.text}`, seconds);
	}

	// ---------------------------------------------------------------- does

	async #deliver(kind, payload, doing, options) {
		const result = await this.slack.deliver(kind, payload, options);
		if (!result.ok)
			this.troubles.push({ doing, why: result.why });
		return result;
	}

	#trigger(view) {
		return this.slack.trigger(this, view);
	}

	// A slash command; what came back at once is shown to him.
	async slash(command, text = '', { where = '#payments', trigger, link,
		...options } = {}) {
		const channel = this.slack.channel(where, this);
		const { url, link: made } = link ?? this.slack.responses.link({
			user: this.id, channel });
		const result = await this.#deliver('commands', payloads.slash(this,
			command, text, channel, trigger ?? await this.#trigger(), url),
		`${command} ${text}`, options);
		if (result.body !== undefined) {
			this.slack.complain(...responseComplaints(result.body));
			this.slack.screen.respond({ user: this.id, channel }, result.body);
		}
		return { ...result, link: made };
	}

	// Presses the button of a message (or of his home page or modal) that
	// says `label`.
	async click(where, label, { trigger, url, ...options } = {}) {
		const found = [...controls(where.blocks)].find(({ element }) =>
			element.type === 'button' && element.text.text === label);
		if (found === undefined)
			throw new Error(`no button "${label}" in "` +
				`${this.slack.text(where)}", but ` +
				this.slack.buttons(where).join(', '));
		return this.#act(where, found, { trigger, url }, options);
	}

	async #act(where, { block, element }, { value, trigger, url }, options) {
		const view = where.view !== undefined;
		const id = trigger ?? await this.#trigger(view ? where.id : undefined);
		const payload = view ? payloads.viewAction(this, where, block, element,
			id, value) : payloads.messageAction(this, where, block, element, id,
			url ?? this.slack.responses.link({ user: this.id,
				channel: where.channel, message: where }).url, value);
		const result = await this.#deliver('interactive', payload,
			`pressing ${element.text?.text ?? element.action_id}`, options);
		if (result.body !== undefined)
			this.slack.complain('block_actions: the acknowledgement is not ' +
				`empty: ${JSON.stringify(result.body)}`);
		return result;
	}

	// Types into a menu that loads its options; gives what is offered.
	async type(label, text, modal = this.modal) {
		const input = modal.find(label);
		const { element, block, key } = input;
		if (element.type !== 'external_select')
			throw new Error(`"${label}" is ${element.type}`);
		if (text.length < (element.min_query_length ?? 3))
			return [];
		const result = await this.#deliver('options', payloads.suggestion(
			this, modal, block, element, text), `typing ${text}`);
		if (!result.ok)
			return [];
		this.slack.complain(...suggestionComplaints(result.body ?? {}));
		const { options, option_groups: groups } = result.body ?? {};
		const all = options ?? groups?.flatMap((g) => g.options) ?? [];
		modal.offered.set(key, all);
		return all;
	}

	async choose(label, what, modal = this.modal) {
		const option = modal.choose(label, what);
		const { block, element } = modal.find(label);
		if (block.dispatch_action)
			await this.#act(modal, { block, element }, { value: option });
		return option;
	}

	// Fills in inputs by their labels: text, or what is to be chosen; where
	// options are loaded, he types it first.
	async fill(values, modal = this.modal) {
		for (const [label, value] of Object.entries(values)) {
			const { element } = modal.find(label);
			if (element.type === 'plain_text_input') {
				modal.write(label, value);
				continue;
			}
			if (element.type === 'external_select')
				await this.type(label, value, modal);
			await this.choose(label, value, modal);
		}
	}

	// Sends the modal.  Slack itself refuses it when something is missing.
	async submit(modal = this.modal, { trigger, ...options } = {}) {
		if (modal.missing.length > 0)
			throw new Error(`missing in "${modal.title}": ` +
				modal.missing.join(', '));
		if (!modal.view.submit)
			throw new Error(`"${modal.title}" cannot be sent`);
		modal.errors = {};
		const result = await this.#deliver('interactive', payloads.submission(
			this, modal, trigger ?? await this.#trigger(modal.id)),
		`sending ${modal.title}`, options);
		if (result.ok)
			await this.#answered(modal, result.body);
		return result;
	}

	async #answered(modal, body) {
		if (body === undefined) {
			modal.open = false;
		} else {
			const bad = submissionComplaints(body, modal.view);
			this.slack.complain(...bad);
			if (bad.length > 0)
				return;
			if (body.response_action === 'errors')
				modal.errors = body.errors;
			else if (body.response_action === 'clear')
				for (const m of this.modals)
					m.open = false;
			else
				await this.slack.showView(this, modal, body);
		}
		this.slack.changed();
	}

	async close(modal = this.modal) {
		modal.open = false;
		if (modal.view.notify_on_close)
			await this.#deliver('interactive', payloads.closed(this, modal),
				'closing');
	}

	// Writes in a channel, a thread or (where 'dm') to the app.  Slack tells
	// the app of a mention twice: as such, and as a message.
	async says(text, { where = '#payments', thread, ...options } = {}) {
		const channel = this.slack.channel(where, this);
		const ts = await this.slack.write(this, channel, text, thread);
		const shared = channel.over?.is_ext_shared === true;
		const send = (event) => this.slack.deliver('events',
			payloads.envelope(event, { shared }), options);
		const mentioned = text.includes(`<@${app.botUser}>`);
		await Promise.all([
			mentioned && !channel.im ? send(payloads.mention(this, channel, ts,
				text, thread)) : undefined,
			send(payloads.message(this, channel, ts, text, thread))]);
		return ts;
	}

	async openHome(options) {
		return this.slack.deliver('events', payloads.envelope(
			payloads.homeOpened(this, this.slack.dm(this), this.home)), options);
	}

	async shortcut(callback, options) {
		return this.#deliver('interactive', payloads.shortcut(this, callback,
			await this.#trigger()), callback, options);
	}

	async shortcutOn(message, callback, options) {
		const { url } = this.slack.responses.link({ user: this.id,
			channel: message.channel });
		return this.#deliver('interactive', payloads.messageShortcut(this,
			callback, message, await this.#trigger(), url), callback, options);
	}
}
