// payloads.js - what Slack tells an app, member by member.
// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from 'node:crypto';
import { app, domain, foreignTeam, team } from './company.js';
import { misfit } from './schema.js';

const token = 'legacy-verification-token';	// of no use, as it is in Slack

function stamp() {
	return (performance.timeOrigin + performance.now()) / 1000;
}

function user(person) {
	return { id: person.id, username: person.name, name: person.name,
		team_id: person.over.team_id ?? team };
}

function common(person) {
	return { team: { id: person.over.team_id ?? team, domain },
		user: user(person), api_app_id: app.id, token,
		is_enterprise_install: false, enterprise: null };
}

export function slash(person, command, text, channel, trigger, url) {
	return { token, team_id: team, team_domain: domain,
		channel_id: channel.id, channel_name: channel.im ? 'directmessage' :
			channel.name.slice(1), user_id: person.id, user_name: person.name,
		command, text, api_app_id: app.id, is_enterprise_install: 'false',
		response_url: url, trigger_id: trigger };
}

// A view as it comes back in payloads.
export function viewOf(modal) {
	const { view } = modal;
	const home = view.type === 'home';
	return { id: modal.id, team_id: team, app_id: app.id,
		app_installed_team_id: team, bot_id: app.botId, type: view.type,
		title: view.title ?? { type: 'plain_text', text: 'View Title',
			emoji: true }, close: view.close ?? null,
		submit: view.submit ?? null, blocks: modal.blocks,
		private_metadata: view.private_metadata ?? '',
		callback_id: view.callback_id ?? '',
		external_id: view.external_id ?? '', state: { values: home ? {} :
			modal.state() }, hash: modal.hash, clear_on_close:
			view.clear_on_close ?? false, notify_on_close:
			view.notify_on_close ?? false, root_view_id: modal.root ?? modal.id,
		previous_view_id: modal.previous ?? null };
}

function actionOf(block, element, value) {
	const base = { action_id: element.action_id, block_id: block.block_id,
		type: element.type, action_ts: stamp().toFixed(6) };
	if (element.type === 'button')
		return { ...base, text: element.text, ...(element.value !== undefined ?
			{ value: element.value } : {}) };
	if (element.type === 'overflow' || element.type.endsWith('_select'))
		return { ...base, selected_option: value };
	return { ...base, value };
}

// A button (or a menu) of a message was used.
export function messageAction(person, message, block, element, trigger, url,
	value) {
	const { channel, ts, thread_ts: thread, ephemeral } = message;
	return { type: 'block_actions', ...common(person),
		container: { type: 'message', message_ts: ts, channel_id: channel.id,
			is_ephemeral: ephemeral === true,
			...(thread ? { thread_ts: thread } : {}) },
		trigger_id: trigger, channel: { id: channel.id, name: channel.im ?
			'directmessage' : channel.name.slice(1) },
		...(ephemeral ? {} : { message: { type: 'message', user: app.botUser,
			bot_id: app.botId, app_id: app.id, team, ts, text: message.text,
			blocks: message.blocks, ...(thread ? { thread_ts: thread } : {}) } }),
		state: { values: {} }, response_url: url,
		actions: [actionOf(block, element, value)] };
}

// The same in a modal or on the home page: no message, no response_url.
export function viewAction(person, modal, block, element, trigger, value) {
	return { type: 'block_actions', ...common(person), container: {
		type: 'view', view_id: modal.id }, trigger_id: trigger,
	view: viewOf(modal), actions: [actionOf(block, element, value)] };
}

export function submission(person, modal, trigger) {
	return { type: 'view_submission', ...common(person),
		trigger_id: trigger, view: viewOf(modal), response_urls: [] };
}

export function closed(person, modal, cleared = false) {
	return { type: 'view_closed', ...common(person),
		view: viewOf(modal), is_cleared: cleared };
}

export function suggestion(person, modal, block, element, value) {
	return { type: 'block_suggestion', ...common(person),
		container: { type: 'view', view_id: modal.id },
		action_id: element.action_id, block_id: block.block_id, value,
		view: viewOf(modal) };
}

export function shortcut(person, callback, trigger) {
	return { type: 'shortcut', ...common(person), callback_id: callback,
		trigger_id: trigger, action_ts: stamp().toFixed(6) };
}

export function messageShortcut(person, callback, message, trigger, url) {
	return { type: 'message_action', ...common(person),
		callback_id: callback, trigger_id: trigger, response_url: url,
		action_ts: stamp().toFixed(6), message_ts: message.ts,
		channel: { id: message.channel.id, name: message.channel.im ?
			'directmessage' : message.channel.name.slice(1) },
		message: { type: 'message', user: message.user, ts: message.ts,
			text: message.text } };
}

// The envelope of the Events API around an event.
export function envelope(event, { shared = false } = {}) {
	const now = Math.floor(stamp());
	return { token, team_id: team, context_team_id: team,
		context_enterprise_id: null, api_app_id: app.id, event,
		type: 'event_callback',
		event_id: `Ev${randomUUID().replaceAll('-', '').slice(0, 10)}`
			.toUpperCase().replace('EV', 'Ev'),
		event_time: now, event_context: `4-${randomUUID()}`,
		is_ext_shared_channel: shared, authorizations: [{
			enterprise_id: null, team_id: team, user_id: app.botUser,
			is_bot: true, is_enterprise_install: false }] };
}

function words(text) {
	return [{ type: 'rich_text', block_id: Math.random().toString(36).slice(2),
		elements: [{ type: 'rich_text_section', elements: [{ type: 'text',
			text }] }] }];
}

// Somebody wrote something.  Where people of other companies are, it says
// whose they are.
export function message(person, channel, ts, text, thread) {
	const stranger = person.over.team_id === foreignTeam;
	return { type: 'message', user: person.id, ts, text,
		client_msg_id: randomUUID(), team, blocks: words(text),
		...(thread ? { thread_ts: thread } : {}),
		...(stranger ? { user_team: foreignTeam, source_team: foreignTeam } :
			{}), channel: channel.id, event_ts: ts, channel_type: channel.im ?
			'im' : channel.private ? 'group' : 'channel' };
}

export function mention(person, channel, ts, text, thread) {
	const { channel_type: _, ...rest } = message(person, channel, ts, text,
		thread);
	return { ...rest, type: 'app_mention' };
}

export function homeOpened(person, channel, view) {
	return { type: 'app_home_opened', user: person.id, channel: channel.id,
		tab: 'home', event_ts: stamp().toFixed(6),
		...(view ? { view: viewOf(view) } : {}) };
}

const types = { slash_commands: 'FromCommand', block_actions: 'FromButton',
	block_suggestion: 'FromSuggestion', view_submission: 'FromSubmission',
	shortcut: 'FromShortcut', message_action: 'FromMessageShortcut',
	event_callback: 'FromEvent' };

// Does Bolt's idea of this payload agree?  Ours, never the app's, fault.
export function payloadComplaints(kind, payload) {
	const type = types[kind === 'commands' ? 'slash_commands' : payload.type];
	if (type === undefined)
		return [];
	// In views there is no response_url, whatever Bolt's type says; and Slack
	// says null where Bolt has nothing.
	const said = Object.entries(payload).filter(([, value]) => value !== null);
	return misfit({ response_url: '', ...Object.fromEntries(said) },
		type)
		.map((bad) => `the double's own ${payload.type ?? kind}: ${bad}`);
}
