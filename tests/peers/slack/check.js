// check.js - what is wrong with something that an app sends to Slack, by Slack's types and Slack's limits.
// SPDX-License-Identifier: Apache-2.0

import { checkLimits, checkTexts } from './limits.js';
import { misfit } from './schema.js';

const inputs = new Set(['plain_text_input', 'static_select',
	'external_select', 'multi_static_select', 'multi_external_select',
	'radio_buttons', 'checkboxes', 'users_select', 'conversations_select',
	'channels_select', 'datepicker', 'timepicker', 'number_input',
	'email_text_input', 'url_text_input', 'datetimepicker']);

function optionsOf(element) {
	return [...(element.options ?? []),
		...(element.option_groups ?? []).flatMap((g) => g.options ?? [])];
}

function checkOptions(element, bad) {
	for (const group of element.option_groups ?? [])
		checkLimits(group, 'option_group', bad);
	const options = optionsOf(element);
	const values = options.map((o) => o.value);
	if (new Set(values).size !== values.length)
		bad.push(`${element.type} ${element.action_id}: two options have ` +
			'one value');
	for (const option of options)
		checkLimits(option, 'option', bad);
	const initial = [element.initial_option ?? [],
		element.initial_options ?? []].flat();
	for (const one of initial) {
		checkLimits(one, 'option', bad);
		if (options.length > 0 && !options.some((o) =>
			o.value === one.value && o.text?.text === one.text?.text))
			bad.push(`${element.type} ${element.action_id}: what is ` +
				'chosen at first is not among the options');
	}
}

function checkElement(element, bad) {
	checkLimits(element, element.type, bad);
	if (element.confirm !== undefined)
		checkLimits(element.confirm, 'confirm', bad);
	checkOptions(element, bad);
}

function elementsOf(block) {
	return [...(block.type === 'rich_text' ? [] : block.elements ?? []),
		block.element ?? [], block.accessory ?? []].flat();
}

function unique(ids, what, bad) {
	const seen = new Set();
	for (const id of ids.filter((i) => i !== undefined)) {
		if (seen.has(id))
			bad.push(`two ${what} "${id}"`);
		seen.add(id);
	}
}

export function blocksComplaints(blocks) {
	const bad = [];
	if (!Array.isArray(blocks))
		return ['blocks: no list'];
	for (const block of blocks) {
		bad.push(...misfit(block, 'TheBlock'));
		checkLimits(block, block.type, bad);
		if (block.type === 'section' && !block.text && !block.fields)
			bad.push('section: neither text nor fields');
		if (block.type === 'input' && !inputs.has(block.element?.type))
			bad.push(`input: cannot hold ${block.element?.type}`);
		const elements = elementsOf(block);
		for (const element of elements)
			checkElement(element, bad);
		unique(elements.map((e) => e.action_id), 'action_id', bad);
	}
	unique(blocks.map((b) => b.block_id), 'block_id', bad);
	if (blocks.filter((b) => b.type === 'table').length > 1)
		bad.push('two tables in one message');
	return bad;
}

export function viewComplaints(view, type = view?.type) {
	if (view === null || typeof view !== 'object' || view.type !== type)
		return [`view: no ${type}`];
	const bad = misfit(view, type === 'home' ? 'TheHome' : 'TheModal');
	checkLimits(view, type, bad);
	bad.push(...blocksComplaints(view.blocks));
	if (type === 'modal' && !view.submit &&
	    view.blocks?.some((b) => b.type === 'input'))
		bad.push('modal: inputs, but no submit');
	checkTexts(view, 'view', bad);
	return bad;
}

// A message, without where it goes.  `text` stands beside blocks always.
function messageComplaints(message) {
	const bad = [];
	checkLimits(message, 'message', bad);
	if (typeof message.text !== 'string' || message.text === '')
		bad.push('message: no text, which notifications show');
	if (message.blocks !== undefined)
		bad.push(...blocksComplaints(message.blocks));
	return bad;
}

const types = {
	'chat.postMessage': 'ThePostMessage',
	'chat.postEphemeral': 'ThePostEphemeral',
	'chat.update': 'TheUpdate',
	'views.open': 'TheOpen',
	'views.push': 'ThePush',
	'views.update': 'TheUpdateView',
	'views.publish': 'ThePublish',
};

// The arguments of a call of the Web API.
export function requestComplaints(method, body) {
	const bad = [];
	// Bolt names the workspace in every call, and Slack lets it.
	const { team_id: _, ...rest } = body;
	if (types[method] !== undefined)
		bad.push(...misfit(rest, types[method]));
	if (method.startsWith('chat.'))
		bad.push(...messageComplaints(body));
	if (method.startsWith('views.'))
		bad.push(...viewComplaints(body.view,
			method === 'views.publish' ? 'home' : 'modal'));
	checkTexts(body, method, bad);
	return bad.map((b) => `${method}: ${b}`);
}

// What is POSTed to a response_url, or answers a slash command.
export function responseComplaints(body) {
	const bad = misfit(body, 'TheResponse');
	if (!body.delete_original)
		bad.push(...messageComplaints(body));
	checkTexts(body, 'response', bad);
	return bad.map((b) => `response: ${b}`);
}

// The acknowledgement of a submission; `view` is what was submitted.
export function submissionComplaints(body, view) {
	const bad = [];
	if (body.response_action === 'errors') {
		const ids = view.blocks.filter((b) => b.type === 'input')
			.map((b) => b.block_id);
		for (const [id, text] of Object.entries(body.errors ?? {})) {
			if (!ids.includes(id))
				bad.push(`errors: no input block "${id}"`);
			if (typeof text !== 'string' || text === '')
				bad.push(`errors: nothing to say at "${id}"`);
		}
		if (Object.keys(body.errors ?? {}).length === 0)
			bad.push('errors: none');
	} else {
		bad.push(...misfit(body, 'TheViewAnswer'));
		if (body.view !== undefined)
			bad.push(...viewComplaints(body.view, 'modal'));
	}
	checkTexts(body, 'answer', bad);
	return bad.map((b) => `view_submission: ${b}`);
}

export function suggestionComplaints(body) {
	const bad = misfit(body, 'TheSuggestions');
	const count = optionsOf(body).length;
	checkOptions({ type: 'suggestions', ...body }, bad);
	if (count > 100)
		bad.push(`${count} options, not 100`);
	checkTexts(body, 'suggestions', bad);
	return bad.map((b) => `block_suggestion: ${b}`);
}
