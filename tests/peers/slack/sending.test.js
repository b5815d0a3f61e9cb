// sending.test.js - what goes wrong on the way out to Slack, and what people see of it.
// SPDX-License-Identifier: Apache-2.0

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { together } from './bellhop.js';
import { app } from './company.js';

const elevate = (person, reason) => person.slash('/elevate',
	`prod-payments PowerUser --for 1h --reason "${reason}"`);

describe('on the way out', { concurrency: true }, () => {
	test('429 holds up one room, and approvals go first after it', () =>
		together({}, async ({ slack, ada }) => {
			// Rooms and people are known from now on.
			await ada.says('!hello', { where: '#platform' });
			await slack.shown(/Hello/, { where: '#platform' });
			slack.faults.limit('chat.postMessage', 4, {
				channel: slack.channel('#payments').id });
			await ada.says('!hello one');
			const limited = await slack.until(() => slack.calls(
				'chat.postMessage').find((c) => c.status === 429), '429');
			for (const n of ['two', 'three'])
				await ada.says(`!hello ${n}`);
			await elevate(ada, 'PAY-1 first');
			await ada.says('!hello elsewhere', { where: '#platform' });
			const other = await slack.shown(/elsewhere/,
				{ where: '#platform' });
			assert.ok(other.at - limited.at < 3500, 'the other room waited');
			await slack.shown(/Hello, three!/);
			const order = slack.messages('#payments').map((m) =>
				/PAY-1|one|two|three/.exec(slack.text(m))[0]);
			assert.deepEqual(order, ['PAY-1', 'one', 'two', 'three']);
			const [first] = slack.messages('#payments');
			assert.ok(first.at - limited.at >= 3900,
				`posted after ${first.at - limited.at} ms`);
		}));

	for (const [what, fault] of [['500, and it was posted', { status: 500,
		done: true }], ['500, and it was not', { status: 500 }],
	['the answer is lost', { reset: true, done: true }],
	['the request is lost', { reset: true }],
	['Slack says that it broke', { error: 'internal_error', done: true }]])
		test(`${what}: it is there once`, () => together({},
			async ({ slack, ada, grace }) => {
				slack.faults.add({ method: 'chat.postMessage', ...fault });
				await elevate(ada, 'PAY-2 once');
				const card = await slack.shown(/PAY-2/, { seconds: 90 });
				slack.faults.add({ method: 'chat.update', ...fault });
				// What is known to be there is edited.
				await slack.until(() => slack.calls('chat.postMessage')
					.length > 1 || slack.calls('conversations.history')
					.length > 0, 'another look', 90);
				await slack.until(() => slack.buttons(card).length > 0,
					'buttons');
				await grace.click(card, 'approve');
				await slack.until(() => /granted until/.test(slack.text(
					slack.messages('#payments').findLast((m) =>
						/PAY-2/.test(slack.text(m))))), 'it to be granted',
				90);
				assert.equal(slack.messages('#payments').filter((m) =>
					/PAY-2/.test(slack.text(m))).length, 1);
			}));

	test('what is said is said once, too', () => together({},
		async ({ slack, ada }) => {
			slack.faults.add({ method: 'chat.postMessage', status: 503,
				done: true });
			await ada.says('!hello Once');
			await ada.says('!hello After');
			await slack.shown(/Hello, After!/, { seconds: 60 });
			assert.equal(slack.messages('#payments').filter((m) =>
				/Once/.test(slack.text(m))).length, 1);
		}));

	test('a trigger that ran out: a button opens the form', () => together({},
		async ({ slack, ada }) => {
			const late = await slack.trigger(ada, undefined, -1);
			await ada.slash('/elevate', '', { trigger: late });
			const offer = await slack.until(() => ada.ephemerals.find((m) =>
				slack.buttons(m).length === 1), 'a button');
			await ada.click(offer, slack.buttons(offer)[0]);
			const modal = await ada.asked((m) => m.hasInputs);
			await ada.fill({ Account: 'prod-payments', Access: 'PowerUser',
				'For how long': '1 h', Reason: 'PAY-3 late' });
			await ada.submit();
			await slack.shown(/PAY-3/);
			assert.equal(modal.open, false);
		}));

	test('views.open fails: nothing is lost', () => together({},
		async ({ slack, ada }) => {
			slack.faults.add({ method: 'views.open', status: 500, times: 9 });
			await ada.slash('/elevate');
			await slack.until(() => ada.ephemerals.length > 0,
				'to be told', 60);
			slack.faults.calm();
			const offer = ada.ephemerals.at(-1);
			await ada.click(offer, slack.buttons(offer)[0]);
			await ada.asked((m) => m.hasInputs);
		}));

	test('a response_url that is used up: another way is found', () =>
		together({}, async ({ slack, ada }) => {
			const made = slack.responses.link({ user: ada.id,
				channel: slack.channel('#payments') });
			made.link.uses = 5;
			await ada.slash('/bellhop', 'whoami', { link: made });
			await ada.told(/You are Ada Lovelace/);
			assert.equal(slack.calls('chat.postEphemeral').length, 1);
		}));

	test('who somebody is cannot be found out: nothing is granted', () =>
		together({}, async ({ slack, ada }) => {
			slack.faults.add({ method: 'users.info', error: 'fatal_error',
				times: 1000 });
			const begin = Date.now();
			await elevate(ada, 'PAY-4 unknown');
			await ada.told(/cannot tell|does not know|who you are/i,
				{ since: begin, seconds: 60 });
			assert.deepEqual(slack.messages('#payments'), []);
			slack.faults.calm();
		}));

	const uninvited = (slack) => slack.faults.add({
		method: 'chat.postMessage', times: 1000, error: 'not_in_channel',
		channel: slack.channel('#payments').id });
	const refused = (slack) => slack.calls('chat.postMessage').filter((c) =>
		c.answer.error === 'not_in_channel').length;

	test('a room without the bot: a slash command is answered there', () =>
		together({}, async ({ slack, ada }) => {
			uninvited(slack);
			await ada.slash('/bellhop', 'hello Bob');
			const answer = await slack.until(() => slack.calls(
				'response_url').find((c) => /Hello, Bob!/.test(
				c.body.text)), 'an answer');
			assert.equal(answer.body.response_type, 'in_channel');
			assert.equal(refused(slack), 1);
			await slack.shown(/Hello, Bob!/);
			assert.equal(slack.messages('#payments').length, 1);
			assert.equal(slack.calls('users.info').length, 1);
			slack.faults.calm();
			await ada.slash('/bellhop', 'whoami');
			await ada.told(/You are Ada/);
			assert.equal(slack.calls('users.info').length, 1);
		}));

	test('a card for a room without the bot waits for its invitation', () =>
		together({}, async ({ slack, ada, grace }) => {
			uninvited(slack);
			await elevate(ada, 'PAY-5 early');
			await slack.until(() => refused(slack) > 1, 'another try');
			assert.deepEqual(slack.messages('#payments'), []);
			slack.faults.calm();
			const card = await slack.shown(/PAY-5/);
			await grace.click(card, 'approve');
			await slack.until(() => /granted until/.test(slack.text(
				slack.messages('#payments')[0])), 'it to be granted');
			assert.equal(slack.messages('#payments').length, 1);
		}));

	test('what a slash command tells of us is for the one who asked', () =>
		together({}, async ({ slack, ada }) => {
			await ada.slash('/bellhop');
			await ada.told(/help COMMAND tells more/);
			await ada.slash('/bellhop', 'status');
			await ada.told(/store: ok/);
			assert.deepEqual(slack.messages('#payments'), []);
			await ada.says('!status');
			await slack.shown(/store: ok/);
		}));
});

test('tokens that rotate: renewed when they end, kept over restarts', () =>
	together({ acme: { 'bot-token': undefined,
		'refresh-token': 'env:SLACK_REFRESH', 'client-id': app.clientId,
		'client-secret': 'env:SLACK_CLIENT' } },
	async ({ slack, bot, ada }) => {
		for (let i = 1; i <= 3; i++) {
			slack.web.expireTokens();
			await Promise.all(['a', 'b', 'c'].map((n) =>
				ada.slash('/bellhop', `hello ${n}${i}`)));
			await slack.until(() => ['a', 'b', 'c'].every((n) =>
				slack.messages('#payments').some((m) => slack.text(m) ===
					`Hello, ${n}${i}!`)), 'three answers', 60);
		}
		const { rotations } = slack.web;
		assert.ok(rotations >= 3 && rotations <= 5,
			`${rotations} renewals`);
		// The one in the settings is used up since long.
		assert.equal(await bot.end(), 0);
		slack.web.expireTokens();
		await bot.start();
		await ada.slash('/bellhop', 'hello again');
		await slack.shown(/Hello, again!/);
		assert.ok(slack.calls('oauth.v2.access').every((c) => c.answer.ok),
			'no refresh token was used twice');
	}));
