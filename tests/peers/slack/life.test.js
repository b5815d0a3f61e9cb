// life.test.js - the whole life of a request in Slack: over Socket Mode, over HTTP, and on emulate as it is.
// SPDX-License-Identifier: Apache-2.0

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Bellhop } from './bellhop.js';
import { app, scopes } from './company.js';
import { Slack } from './slack.js';

const ways = [{ name: 'Socket Mode', mode: 'socket' },
	{ name: 'HTTP', mode: 'http' },
	{ name: 'HTTP, and emulate alone for the Web API', mode: 'http',
		plain: true }];

for (const { name, ...way } of ways)
	describe(name, () => {
		const slack = new Slack(way);
		let bellhop, ada, grace;

		before(async () => {
			await slack.start();
			bellhop = new Bellhop(slack);
			await bellhop.start();
			ada = slack.person('ada');
			grace = slack.person('grace');
		});
		after(async () => {
			await bellhop.stop();
			await slack.stop();
			for (const who of ['ada', 'grace', 'margaret'])
				assert.deepEqual(slack.person(who).troubles, []);
		});

		// The card of a request, whose id it is to begin with.
		async function card(like, more) {
			const message = await slack.shown(like, more);
			const [, id] = /([A-Z0-9]{4,})/.exec(slack.text(message)
				.replace(/:\w+:/g, ''));
			return { message, id };
		}

		async function asks(reason, duration = '1h') {
			await ada.slash('/elevate', 'prod-payments PowerUser ' +
				`--for ${duration} --reason "${reason}"`);
			return card(new RegExp(`waiting for approval[^]*${reason}`));
		}

		const turns = (message, like, seconds) => slack.until(() =>
			like.test(slack.text(message)), () => `${like}; it reads ` +
			slack.text(message), seconds);

		test('asked by a form, approved, granted, given back early',
			async () => {
				await ada.slash('/elevate');
				const modal = await ada.asked((m) => m.hasInputs);
				assert.equal(modal.title, 'Get AWS access');
				// At once there was a view that said: one moment.
				assert.equal(modal.shown, 2);
				const offered = await ada.type('Account', 'pay');
				assert.ok(offered.length >= 2, 'accounts of payments');
				await ada.fill({ Account: 'prod-payments' });
				const sets = await ada.type('Access', '');
				assert.ok(sets.some((o) => /PowerUser/.test(o.text.text)));
				await ada.fill({ Access: 'PowerUser',
					'For how long': '30 min', Reason: 'just because' });
				await ada.submit();
				assert.match(modal.errorAt('Reason'), /PAY-812 what broke/);
				assert.ok(modal.open);
				await ada.fill({ Reason: 'PAY-812 <!channel> *stuck* & co' });
				await ada.submit();
				assert.equal(modal.open, false);

				const { message, id } = await card(/waiting for approval/);
				assert.match(slack.text(message), new RegExp(ada.id));
				assert.match(slack.text(message),
					/PAY-812 <!channel> \*stuck\* & co/);
				assert.doesNotMatch(message.text, /<!channel>/);
				await grace.click(message, 'approve');
				await turns(message, /granted until/);
				assert.ok(message.versions.some((v) => /granting/.test(v)));
				assert.match(slack.text(message), new RegExp(grace.id));
				await ada.click(message, 'I\'m done');
				await turns(message, /ended/);
				assert.deepEqual(slack.buttons(message), []);
				const cards = slack.messages('#payments').filter((m) =>
					slack.text(m).includes(id));
				assert.equal(cards.length, 1, 'one message, edited in place');
			});

		test('granted, and ended by its time', async () => {
			const { message } = await asks('PAY-1 short', '8s');
			await grace.click(message, 'approve');
			await turns(message, /granted until/);
			await turns(message, /ended/, 60);
		});

		test('denied, and who may not decide is told so alone', async () => {
			const { message } = await asks('PAY-2 no');
			const begin = Date.now();
			const margaret = slack.person('margaret');
			await margaret.click(message, 'approve');
			await margaret.told(/may not|cannot|approver/i, { since: begin });
			await ada.click(message, 'approve');
			await ada.told(/yourself|own/i, { since: begin });
			assert.match(slack.text(message), /waiting for approval/);
			assert.equal(grace.ephemerals.filter((m) => m.at >= begin)
				.length, 0);
			await grace.click(message, 'deny');
			await turns(message, /denied/);
			// A press on what is old by now is told so.
			const old = { ...message, blocks: [{ type: 'actions',
				block_id: 'b1', elements: [{ type: 'button',
					action_id: 'b0', value: '0'.repeat(32), text: {
						type: 'plain_text', text: 'approve' } }] }] };
			await grace.click(old, 'approve');
			await grace.told(/changed|old|no longer/i, { since: begin });
		});

		test('from one line, by the one command for all', async () => {
			await ada.slash('/bellhop', 'hello Bob');
			await slack.shown(/Hello, Bob!/);
			// What it can do is for the one who asked.
			await ada.slash('/bellhop', '');
			await ada.told(/ask for access to an AWS account/);
			assert.ok(!slack.messages('#payments').some((m) =>
				/ask for access to an AWS/.test(slack.text(m))));
			const begin = Date.now();
			await ada.slash('/bellhop', 'nonsense');
			await ada.told(/nonsense/, { since: begin });
		});

		test('by mention, in a DM and with the prefix', async () => {
			await ada.says(`<@${app.botUser}> hello Mention`);
			await slack.shown(/Hello, Mention!/);
			await ada.says('!hello Prefix');
			await slack.shown(/Hello, Prefix!/);
			const begin = Date.now();
			await ada.says('hello DM', { where: 'dm' });
			await ada.told('Hello, DM!', { since: begin });
			await ada.says('this is <not> a command & nothing follows');
			const thread = await ada.says('!hello Thread', { thread:
				await ada.says('a thread') });
			const answer = await slack.shown(/Hello, Thread!/);
			assert.equal(answer.thread_ts, slack.screen.in(
				slack.channel('#payments')).find((m) => m.ts === thread)
				.thread_ts);
			const said = slack.messages('#payments').map((m) =>
				slack.text(m)).filter((t) => t.includes('Hello, Mention!'));
			assert.equal(said.length, 1, 'a mention comes as two events');
		});

		test('the home page', async () => {
			await grace.openHome();
			await slack.until(() => grace.home?.text.length > 0, 'a home');
			const { shown } = grace.home;
			await grace.openHome();
			await slack.until(() => grace.home.shown > shown, 'a fresh one');
		});

		test('shortcuts open the form', async () => {
			await ada.shortcut('elevate');
			await ada.asked((m) => m.hasInputs);
			await ada.close();
		});

		if (way.plain)
			return;

		test('guests, strangers, bots and those who left are refused',
			async () => {
				const { message } = await asks('PAY-4 not for all');
				// Nobody talks to a bot: it could talk back.
				const robot = slack.person('robot');
				await robot.slash('/elevate', 'prod-payments PowerUser ' +
					'--for 1h --reason "PAY-5 no"');
				await robot.click(message, 'approve');
				for (const who of ['joan', 'gus', 'steve', 'fay', 'gone']) {
					const person = slack.person(who);
					const begin = Date.now();
					await person.slash('/elevate', 'prod-payments PowerUser ' +
						'--for 1h --reason "PAY-5 no"');
					await person.click(message, 'approve');
					await person.click(message, 'deny');
					await slack.until(() => person.ephemerals.filter((m) =>
						m.at >= begin).length >= 3, `${who} to be refused`);
				}
				assert.match(slack.text(message), /waiting for approval/);
				assert.deepEqual(robot.ephemerals, []);
				assert.equal(slack.messages('#payments').filter((m) =>
					/PAY-5/.test(slack.text(m))).length, 0);
				await ada.click(message, 'cancel');
				await turns(message, /cancelled/);
			});

		test('the manifest asks for the scopes that this took', async () => {
			const { stdout } = await bellhop.tool('slack', 'manifest',
				'--format=json');
			assert.deepEqual(JSON.parse(stdout).oauth_config.scopes.bot,
				scopes);
		});
	});
