// limits.js - how long and how many: what Slack's types do not say.
// SPDX-License-Identifier: Apache-2.0
//
// From the comments of @slack/types 3.2.0 and Block Kit's reference.  Slack
// counts characters, not bytes.

const text = (max) => ({ text: max });
const plain = (max) => ({ text: max, plain: true });
const list = (max, min = 1) => ({ max, min });
const id = { chars: 255 };

const options = { options: list(100), option_groups: list(100) };
const select = { action_id: id, placeholder: plain(150), ...options };

// For each thing that says its type: its members.
export const table = {
	actions: { block_id: id, elements: list(25) },
	section: { block_id: id, text: text(3000), fields: { ...list(10),
		each: text(2000) } },
	header: { block_id: id, text: plain(150) },
	context: { block_id: id, elements: { ...list(10), each: text(2000) } },
	divider: { block_id: id },
	input: { block_id: id, label: plain(2000), hint: plain(2000) },
	markdown: { block_id: id, text: { chars: 12000 } },
	image: { alt_text: { chars: 2000 }, title: plain(2000),
		image_url: { chars: 3000 } },
	context_actions: { block_id: id, elements: list(5) },
	button: { action_id: id, text: plain(75), value: { chars: 2000 },
		url: { chars: 3000 }, accessibility_label: { chars: 75 } },
	overflow: { action_id: id, options: list(5) },
	static_select: select,
	external_select: { action_id: id, placeholder: plain(150) },
	multi_static_select: select,
	multi_external_select: { action_id: id, placeholder: plain(150) },
	radio_buttons: { action_id: id, options: list(10) },
	checkboxes: { action_id: id, options: list(10) },
	plain_text_input: { action_id: id, placeholder: plain(150),
		initial_value: { chars: 3000, empty: true },
		max_length: { upTo: 3000 }, min_length: { upTo: 3000 } },
	table: { rows: list(100) },
	modal: { title: plain(24), submit: plain(24), close: plain(24),
		callback_id: id, external_id: id,
		private_metadata: { chars: 3000, empty: true },
		blocks: list(100), size: 250 * 1024 },
	home: { callback_id: id, external_id: id,
		private_metadata: { chars: 3000, empty: true },
		blocks: list(100, 0), size: 250 * 1024 },
	message: { text: { chars: 4000 }, blocks: list(50),
		size: 250 * 1024 },
	option: { text: text(75), value: { chars: 75 }, description: plain(75),
		url: { chars: 3000 } },
	option_group: { label: plain(75), options: list(100) },
	confirm: { title: plain(100), text: text(300), confirm: plain(30),
		deny: plain(30) },
};

export function length(text) {
	return [...text].length;
}

function checkText(value, { text: max, plain }, where, bad) {
	if (typeof value?.text !== 'string')
		return;			// an image in a context
	if (length(value.text) > max)
		bad.push(`${where}: ${length(value.text)} characters, not ${max}`);
	if (value.text === '')
		bad.push(`${where}: empty`);
	if (plain && value.type !== 'plain_text')
		bad.push(`${where}: is ${value.type}, not plain_text`);
}

function checkMember(value, rule, where, bad) {
	if (rule.text !== undefined) {
		checkText(value, rule, where, bad);
	} else if (rule.chars !== undefined && typeof value === 'string') {
		if (length(value) > rule.chars)
			bad.push(`${where}: ${length(value)} characters, not ` +
				rule.chars);
		if (value === '' && !rule.empty)
			bad.push(`${where}: empty`);
	} else if (rule.upTo !== undefined) {
		if (!Number.isInteger(value) || value < 0 || value > rule.upTo)
			bad.push(`${where}: ${value}, not 0 to ${rule.upTo}`);
	} else if (rule.max !== undefined && Array.isArray(value)) {
		if (value.length > rule.max || value.length < rule.min)
			bad.push(`${where}: ${value.length} of them, not ` +
				`${rule.min} to ${rule.max}`);
		if (rule.each !== undefined)
			value.forEach((v, i) => checkText(v, rule.each,
				`${where}[${i}]`, bad));
	}
}

// Members of `value` against the rules for things of that kind.
export function checkLimits(value, kind, bad) {
	for (const [member, rule] of Object.entries(table[kind] ?? {}))
		if (member === 'size') {
			const size = Buffer.byteLength(JSON.stringify(value));
			if (size > rule)
				bad.push(`${kind}: ${size} bytes, not ${rule}`);
		} else if (value[member] !== undefined && value[member] !== null) {
			checkMember(value[member], rule, `${kind}.${member}`, bad);
		}
}

// Every text there is: whole characters, no control codes.
export function checkTexts(value, where, bad) {
	if (typeof value === 'string') {
		if (!value.isWellFormed())
			bad.push(`${where}: half a character in ` +
				JSON.stringify(value.slice(0, 80)));
		// eslint-disable-next-line no-control-regex
		if (/[\0-\x08\x0b-\x1f\x7f]/.test(value))
			bad.push(`${where}: a control code in ` +
				JSON.stringify(value.slice(0, 80)));
	} else if (value !== null && typeof value === 'object') {
		for (const [k, v] of Object.entries(value))
			checkTexts(v, `${where}.${k}`, bad);
	}
}
