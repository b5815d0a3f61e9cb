// referee.js - Slack's own framework (Bolt) as an app on the double, in both modes.
// SPDX-License-Identifier: Apache-2.0
//
// What holds the double to the truth: an app that knows nothing of bellhop
// must work with it as it does with Slack.

import bolt from '@slack/bolt';
import { app as ours } from './company.js';

const { App, HTTPReceiver, LogLevel, SocketModeReceiver } = bolt;

const words = (text) => ({ type: 'plain_text', text });
const loading = { type: 'modal', title: words('Referee'), blocks: [
	{ type: 'section', text: { type: 'mrkdwn', text: 'One moment' } }] };
const form = { type: 'modal', callback_id: 'form', title: words('Referee'),
	submit: words('Send'), private_metadata: 'kept', blocks: [
		{ type: 'input', block_id: 'what', label: words('What'), element: {
			type: 'external_select', action_id: 'pick', min_query_length: 2 } },
		{ type: 'input', block_id: 'why', label: words('Why'), element: {
			type: 'plain_text_input', action_id: 'text' } }] };

function card(who, state) {
	return { text: `${who}: ${state}`, blocks: [
		{ type: 'section', block_id: 's', text: { type: 'mrkdwn',
			text: `*${who}*: ${state}` } },
		...(state === 'open' ? [{ type: 'actions', block_id: 'a', elements: [
			{ type: 'button', action_id: 'close', value: who,
				text: words('Close') }] }] : [])] };
}

function listen(app) {
	app.command('/referee', async ({ ack, body, client }) => {
		if (body.text === 'now') {
			await ack({ response_type: 'ephemeral', text: 'at once' });
			return;
		}
		await ack();
		const { view } = await client.views.open({
			trigger_id: body.trigger_id, view: loading });
		await client.views.update({ view_id: view.id, hash: view.hash,
			view: { ...form, private_metadata: body.channel_id } });
	});
	app.options('pick', ({ ack, payload }) => ack({ options: ['prod', 'stage',
		'dev'].filter((name) => name.startsWith(payload.value))
		.map((name) => ({ text: words(name), value: name })) }));
	app.view('form', async ({ ack, view, client, body }) => {
		const { why, what } = view.state.values;
		if (why.text.value.length < 5) {
			await ack({ response_action: 'errors',
				errors: { why: 'say a little more' } });
			return;
		}
		await ack();
		const { user } = await client.users.info({ user: body.user.id });
		await client.chat.postMessage({ channel: view.private_metadata,
			...card(`${user.real_name} ${what.pick.selected_option.value}`,
				'open'), metadata: { event_type: 'referee',
				event_payload: { key: 'one' } } });
	});
	app.action('close', async ({ ack, action, respond, body, client }) => {
		await ack();
		await respond({ replace_original: true, ...card(action.value,
			'closing') });
		const history = await client.conversations.history({
			channel: body.channel.id, limit: 5, include_all_metadata: true });
		await client.chat.update({ channel: body.channel.id,
			ts: body.message.ts, ...card(action.value, `closed, ${history
				.messages.filter((m) => m.metadata?.event_payload?.key === 'one')
				.length} such`) });
	});
	app.event('app_home_opened', async ({ event, client }) => {
		await client.views.publish({ user_id: event.user, view: { type: 'home',
			blocks: [{ type: 'header', text: words('At home') }] } });
	});
	app.event('app_mention', ({ event, say }) => say({
		text: `heard ${event.text.replace(/<.*?>\s*/, '')}`,
		thread_ts: event.ts }));
	app.message(/^ping/, ({ say }) => say('pong'));
	app.shortcut('glance', async ({ ack, shortcut, client }) => {
		await ack();
		await client.views.open({ trigger_id: shortcut.trigger_id,
			view: loading });
	});
}

// Starts it; `more` are more options of the receiver.
export async function startReferee(slack, more = {}) {
	const common = { logLevel: LogLevel.ERROR, ...more };
	const receiver = slack.mode === 'socket' ? new SocketModeReceiver({
		appToken: ours.appToken, ...common, installerOptions: {
			clientOptions: { slackApiUrl: slack.api } } }) :
		new HTTPReceiver({ signingSecret: ours.signingSecret, ...common,
			unhandledRequestTimeoutMillis: 2500 });
	const app = new App({ token: ours.botToken, receiver,
		clientOptions: { slackApiUrl: slack.api }, logLevel: LogLevel.ERROR });
	app.errors = [];
	app.error(async (error) => { app.errors.push(error); });
	listen(app);
	const server = await app.start(0);
	if (slack.mode === 'http')
		slack.http.url = `http://127.0.0.1:${server.address().port}` +
			'/slack/events';
	else
		await slack.until(() => slack.sockets.ready.length > 0, 'Bolt to come');
	return app;
}
