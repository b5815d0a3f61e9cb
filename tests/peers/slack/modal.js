// modal.js - one view as a person has it before him: what is written in it, and what he is told about it.
// SPDX-License-Identifier: Apache-2.0

import { length } from './limits.js';

function labelOf(block) {
	return block.label?.text ?? block.text?.text ??
		block.elements?.[0]?.text?.text ?? '';
}

function elementsOf(block) {
	return [block.element ?? [], block.accessory ?? [], block.type ===
		'actions' ? block.elements : []].flat();
}

export class Modal {
	values = new Map();	// "block action" -> ViewStateValue
	offered = new Map();	// the options that were loaded while typing
	errors = {};		// block id -> sentence, as the app said
	open = true;
	shown = 0;		// versions so far

	constructor(id, user, view, hash, more = {}) {
		Object.assign(this, { id, user, ...more });
		this.show(view, hash);
	}

	// A version of it.  What was written stays where block and action are
	// still called the same.
	show(view, hash) {
		Object.assign(this, { view, hash, errors: {} });
		this.shown++;
		this.blocks = view.blocks.map((b, i) => ({ block_id: `b${i}`, ...b }));
		const before = this.values;
		this.values = new Map();
		for (const block of this.blocks)
			for (const e of elementsOf(block)) {
				const key = `${block.block_id} ${e.action_id}`;
				const first = this.#initial(e);
				if (before.has(key))
					this.values.set(key, before.get(key));
				else if (first !== undefined)
					this.values.set(key, first);
			}
	}

	#initial(e) {
		if (e.type === 'plain_text_input')
			return { type: e.type, value: e.initial_value ?? null };
		if (e.type === 'checkboxes')
			return { type: e.type, selected_options: e.initial_options ?? [] };
		if (e.type?.endsWith('_select') || e.type === 'radio_buttons')
			return { type: e.type, selected_option: e.initial_option ?? null };
		return undefined;
	}

	get title() {
		return this.view.title?.text ?? '';
	}

	get labels() {
		return this.blocks.filter((b) => b.type === 'input').map(labelOf);
	}

	// All that can be read on it.
	get text() {
		return readable(this.blocks);
	}

	get hasInputs() {
		return this.blocks.some((b) => b.type === 'input');
	}

	// The input with a label (or the beginning of one).
	find(label) {
		for (const block of this.blocks)
			if (block.type === 'input' && labelOf(block).toLowerCase()
				.startsWith(label.toLowerCase()))
				return { block, element: block.element,
					key: `${block.block_id} ${block.element.action_id}` };
		throw new Error(`no input "${label}" in "${this.title}": ` +
			this.labels.join(', '));
	}

	// What the app complains of at the input with that label.
	errorAt(label) {
		return this.errors[this.find(label).block.block_id];
	}

	write(label, text) {
		const { element, key } = this.find(label);
		if (element.type !== 'plain_text_input')
			throw new Error(`"${label}" is ${element.type}`);
		if (length(text) > (element.max_length ?? 3000))
			throw new Error(`"${label}" takes ${element.max_length} ` +
				'characters');
		this.values.set(key, { type: element.type, value: text || null });
	}

	optionsOf({ element, key }) {
		return this.offered.get(key) ?? [...(element.options ?? []),
			...(element.option_groups ?? []).flatMap((g) => g.options)];
	}

	// Picks the option whose text or value is, or begins with, `what`.
	choose(label, what) {
		const input = this.find(label);
		const options = this.optionsOf(input);
		const option = options.find((o) => o.text.text === what ||
			o.value === what) ?? options.find((o) =>
			o.text.text.toLowerCase().startsWith(what.toLowerCase()));
		if (option === undefined)
			throw new Error(`"${label}" has no "${what}", but ` +
				options.map((o) => o.text.text).join(', '));
		const { type } = input.element;
		this.values.set(input.key, type === 'checkboxes' ?
			{ type, selected_options: [...this.values.get(input.key)
				?.selected_options ?? [], option] } :
			{ type, selected_option: option });
		return option;
	}

	// What Slack itself keeps people from sending.
	get missing() {
		return this.blocks.filter((b) => b.type === 'input' && !b.optional)
			.filter((b) => {
				const v = this.values.get(
					`${b.block_id} ${b.element.action_id}`);
				return !v?.value && !v?.selected_option &&
					!v?.selected_options?.length;
			}).map(labelOf);
	}

	state() {
		const state = {};
		for (const [key, value] of this.values) {
			const [block, action] = key.split(' ');
			state[block] ??= {};
			state[block][action] = value;
		}
		return state;
	}
}

// An element of rich text, as it reads.
function richly(e) {
	switch (e.type) {
	case 'text': return e.text;
	case 'user': return `<@${e.user_id}>`;
	case 'date': return e.fallback ?? '';
	case 'link': return e.text ?? e.url;
	case 'emoji': return `:${e.name}:`;
	default: return (e.elements ?? []).map(richly)
		.join(e.type === 'rich_text' || e.type === 'rich_text_list' ?
			'\n' : '');
	}
}

// The texts in blocks, as one string.
export function readable(value) {
	if (Array.isArray(value))
		return value.map(readable).filter((t) => t !== '').join('\n');
	if (value === null || typeof value !== 'object')
		return '';
	if (value.type === 'rich_text')
		return richly(value);
	const own = typeof value.text === 'string' ? value.text :
		readable(value.text);
	return [own, value.title, value.label, value.fields, value.elements,
		value.element, value.accessory, value.description]
		.map((v) => typeof v === 'string' ? v : readable(v))
		.filter((t) => t !== '').join('\n');
}

// Every button, menu and link in blocks, with the block it stands in.
export function* controls(blocks) {
	for (const block of blocks ?? [])
		for (const element of elementsOf(block))
			yield { block, element };
}
