// double.test.js - the double of Slack, refereed by Slack's own Bolt and clients.
// SPDX-License-Identifier: Apache-2.0

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { SocketModeClient } from '@slack/socket-mode';
import { WebClient } from '@slack/web-api';
import { app as ours, team } from './company.js';
import { encode, sign } from './http-delivery.js';
import { startReferee } from './referee.js';
import { Slack } from './slack.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {},
	getLevel: () => 'error', setName() {} };

for (const mode of ['socket', 'http'])
	describe(`Bolt, ${mode} mode`, () => {
		const slack = new Slack({ mode });
		let bolt, ada, grace;

		before(async () => {
			await slack.start();
			bolt = await startReferee(slack);
			ada = slack.person('ada');
			grace = slack.person('grace');
		});
		after(async () => {
			await bolt.stop();
			await slack.stop();
			assert.deepEqual(bolt.errors, []);
		});

		test('a command, a modal, options, an error, a card, a button',
			async () => {
				await ada.slash('/referee');
				const modal = await ada.asked((m) => m.hasInputs);
				assert.equal(modal.shown, 2);
				const offered = await ada.type('What', 'pr');
				assert.deepEqual(offered.map((o) => o.value), ['prod']);
				await ada.fill({ What: 'prod', Why: 'no' });
				await ada.submit();
				assert.equal(modal.errorAt('Why'), 'say a little more');
				assert.ok(modal.open);
				await ada.fill({ Why: 'because of this' });
				await ada.submit();
				assert.equal(modal.open, false);
				const card = await slack.shown(/Ada Lovelace prod.*open/);
				await grace.click(card, 'Close');
				await slack.shown(/closed, 1 such/);
				assert.match(card.versions.join(), /closing/);
				assert.deepEqual([ada.troubles, grace.troubles], [[], []]);
			});

		test('an answer at once is seen by the one who asked', async () => {
			await ada.slash('/referee', 'now');
			assert.equal(ada.ephemerals.at(-1).text, 'at once');
			assert.equal(grace.ephemerals.length, 0);
		});

		test('a home page, and again', async () => {
			await ada.openHome();
			await slack.until(() => ada.home?.text === 'At home', 'a home');
			await ada.openHome();
			await slack.until(() => ada.home.shown === 2, 'a new home');
		});

		test('mentions, direct messages, shortcuts', async () => {
			await ada.says(`<@${ours.botUser}> status`);
			await slack.shown(/heard status/);
			await ada.says('ping', { where: 'dm' });
			await ada.told('pong');
			await ada.shortcut('glance');
			await ada.asked(/One moment/);
			await ada.close();
		});
	});

describe('signatures', () => {
	const slack = new Slack({ mode: 'http' });
	let bolt;

	before(async () => {
		await slack.start();
		bolt = await startReferee(slack);
	});
	after(async () => {
		await bolt.stop();
		await slack.stop();
	});

	async function knock(change) {
		const payload = { type: 'url_verification', challenge: 'c', token: 't' };
		const { type, text } = encode('events', payload);
		const now = Math.floor(Date.now() / 1000);
		const { body = text, ...headers } = change(text, now);
		return (await slack.http.post(body, { 'content-type': type,
			...headers })).status;
	}

	test('Bolt takes ours', async () => {
		assert.equal(await knock((text) => sign(text)), 200);
		assert.equal(await knock((text, now) =>
			sign(text, { at: now - 298 })), 200);
	});

	test('Bolt refuses what is wrong', async () => {
		assert.equal(await knock((text) =>
			sign(text, { secret: 'another' })), 401);
		assert.equal(await knock((text, now) =>
			sign(text, { at: now - 302 })), 401);
		assert.equal(await knock((text) => ({ ...sign(text),
			body: text.replace('"c"', '"d"') })), 401);
		assert.equal(await knock(() => ({})), 401);
	});
});

describe('the Web API, by Slack\'s own client', () => {
	const slack = new Slack();
	let client, strange;

	before(async () => {
		await slack.start();
		const options = { slackApiUrl: slack.api, logger: quiet,
			retryConfig: { retries: 0 }, rejectRateLimitedCalls: true };
		client = new WebClient(ours.botToken, options);
		strange = new WebClient('xoxb-unknown', options);
	});
	after(() => slack.stop());

	const fails = (promise, word) => assert.rejects(promise,
		(error) => error.data?.error === word);

	test('tokens: each for its own', async () => {
		const me = await client.auth.test();
		assert.deepEqual([me.user_id, me.bot_id, me.team_id],
			[ours.botUser, ours.botId, team]);
		await fails(strange.auth.test(), 'invalid_auth');
		await fails(client.apps.connections.open(), 'not_allowed_token_type');
		await fails(client.apps.connections.open({ token: 'xapp-no' }),
			'invalid_auth');
		await fails(client.auth.test({ token: ours.appToken }),
			'not_allowed_token_type');
	});

	test('people of every kind', async () => {
		const kind = async (name) => (await client.users.info({
			user: slack.person(name).id })).user;
		assert.equal((await kind('ada')).profile.email, 'ada@acme.example');
		assert.ok((await kind('joan')).is_restricted);
		assert.ok((await kind('gus')).is_ultra_restricted);
		assert.ok((await kind('steve')).is_stranger);
		assert.notEqual((await kind('fay')).team_id, team);
		assert.ok((await kind('robot')).is_bot);
		assert.ok((await kind('gone')).deleted);
		await fails(client.users.info({ user: 'U0NOBODY' }), 'user_not_found');
	});

	test('rooms: shared and hidden ones', async () => {
		const info = async (name) => (await client.conversations.info({
			channel: slack.channel(name).id })).channel;
		assert.equal((await info('#payments')).is_ext_shared, false);
		assert.equal((await info('#shared')).is_ext_shared, true);
		assert.equal((await info('#security')).is_private, true);
	});

	test('tokens rotate, and a refresh token is good once', async () => {
		const { clientId, clientSecret, refreshToken } = ours;
		const refresh = (token) => client.oauth.v2.access({
			client_id: clientId, client_secret: clientSecret,
			grant_type: 'refresh_token', refresh_token: token });
		const fresh = await refresh(refreshToken);
		await client.auth.test({ token: fresh.access_token });
		slack.web.expireTokens();
		await fails(client.auth.test(), 'token_expired');
		await fails(refresh(refreshToken), 'invalid_refresh_token');
		const again = await refresh(fresh.refresh_token);
		await client.auth.test({ token: again.access_token });
		slack.web.botTokens.set(ours.botToken, 'valid');
	});

	test('429 keeps one waiting, 500 is one, and more', async () => {
		slack.faults.limit('chat.postMessage', 7);
		const channel = slack.channel('#payments').id;
		const post = () => client.chat.postMessage({ channel, text: 'hi' });
		await assert.rejects(post(), { retryAfter: 7 });
		slack.faults.add({ method: 'chat.postMessage', status: 500 });
		await assert.rejects(post());
		assert.equal(slack.messages('#payments').length, 0);
		slack.faults.add({ method: 'chat.postMessage', status: 500,
			done: true });
		await assert.rejects(post());
		assert.equal(slack.messages('#payments').length, 1);
		slack.faults.add({ method: 'chat.postMessage', reset: true });
		await assert.rejects(post());
		await post();
		assert.equal(slack.messages('#payments').length, 2);
	});

	test('blocks that Slack would not draw', async () => {
		const channel = slack.channel('#payments').id;
		const section = (text, more) => ({ type: 'section', text: {
			type: 'mrkdwn', text }, ...more });
		const button = (text, id, value) => ({ type: 'button',
			action_id: id, value, text: { type: 'plain_text', text } });
		const bad = [
			[section('x'.repeat(3001))], [section('')],
			[section('a', { block_id: 'b' }), section('b', { block_id: 'b' })],
			[{ type: 'actions', elements: [button('a', 'x'), button('b', 'x')] }],
			[{ type: 'actions', elements: [button('a'.repeat(76), 'x')] }],
			[{ type: 'actions', elements: [button('a', 'x', 'v'.repeat(2001))] }],
			[{ type: 'actions', elements: [] }],
			[{ type: 'header', text: { type: 'mrkdwn', text: 'a' } }],
			[section('a', { colour: 'red' })], [{ type: 'sektion' }],
			[section('half \ud83d')], [section('a\u0007')],
			Array.from({ length: 51 }, () => ({ type: 'divider' })),
		];
		for (const blocks of bad)
			await fails(client.chat.postMessage({ channel, text: 't', blocks }),
				'invalid_blocks');
		assert.ok(slack.complaints.length >= bad.length);
		await client.chat.postMessage({ channel, text: 't', blocks: [
			section('\u{1f511}'.repeat(3000))] });
		await fails(client.chat.postMessage({ channel, blocks: [
			section('no text beside them')] }), 'invalid_blocks');
		slack.complaints.length = 0;
	});

	test('views: triggers, hashes and what may be in them', async () => {
		const grace = slack.person('grace');
		const view = { type: 'modal', title: { type: 'plain_text', text: 'T' },
			blocks: [{ type: 'section', text: { type: 'mrkdwn',
				text: 'hello' } }] };
		const trigger = await slack.trigger(grace);
		const open = (more) => client.views.open({ trigger_id: trigger, view,
			...more });
		await fails(open({ view: { ...view, title: { type: 'plain_text',
			text: 'T'.repeat(25) } } }), 'invalid_arguments');
		const { view: { id, hash } } = await open();
		await fails(open(), 'exchanged_trigger_id');
		await fails(open({ trigger_id: '1.2.3' }), 'invalid_trigger_id');
		await client.views.update({ view_id: id, hash, view });
		await fails(client.views.update({ view_id: id, hash, view }),
			'hash_conflict');
		await grace.close();
		await fails(client.views.update({ view_id: id, view }), 'not_found');
		slack.complaints.length = 0;
	});

	test('a response_url is good for five answers', async () => {
		const ada = slack.person('ada');
		const { url } = slack.responses.link({ user: ada.id,
			channel: slack.channel('#payments') });
		const send = async (text) => (await fetch(url, { method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ text }) })).status;
		for (let i = 1; i <= 5; i++)
			assert.equal(await send(`answer ${i}`), 200);
		assert.equal(await send('answer 6'), 404);
		assert.equal(ada.ephemerals.length, 5);
	});
});

describe('Socket Mode, by Slack\'s own client', () => {
	const slack = new Slack();
	const seen = [];
	let client, grace;

	before(async () => {
		await slack.start();
		grace = slack.person('grace');
		client = new SocketModeClient({ appToken: ours.appToken,
			clientOptions: { slackApiUrl: slack.api }, logger: quiet });
		client.on('slash_commands', async ({ ack, body }) => {
			seen.push(body.text);
			await ack();
		});
		client.on('message', async ({ ack, event, retry_num: retry }) => {
			seen.push(`${event.text} ${retry}`);
			if (!event.text.startsWith('late') || retry > 0)
				await ack();
		});
		await client.start();
	});
	after(async () => {
		await client.disconnect();
		await slack.stop();
	});

	test('envelopes of every size, whole and in pieces', async () => {
		const long = 'x'.repeat(150_000);
		for (const pieces of [undefined, 65_536, 1000]) {
			slack.sockets.perFrame = pieces;
			const { ok } = await grace.slash('/referee', long);
			assert.ok(ok);
			assert.equal(seen.pop(), long);
		}
		slack.sockets.perFrame = undefined;
		assert.ok(slack.sockets.ready[0].pongs >= 2);
	});

	test('an event without an acknowledgement comes again', async () => {
		slack.retryAfter = [0, 100, 100];
		await grace.says('late', { where: 'dm' });
		assert.deepEqual(seen.splice(0), ['late 0', 'late 1']);
	});

	test('it comes back after a refresh', async () => {
		const { made } = slack.sockets;
		slack.sockets.disconnect();
		await slack.until(() => slack.sockets.made > made &&
			slack.sockets.ready.length === 1, 'a new connection');
		assert.ok((await grace.slash('/referee', 'back')).ok);
		assert.equal(seen.pop(), 'back');
		// What bellhop must do better: no connection for seconds.
		assert.equal(slack.sockets.uncovered.length, 1);
	});
});
