// sockets.test.js - what goes wrong with connections of Socket Mode, and what bellhop makes of it.
// SPDX-License-Identifier: Apache-2.0

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { together } from './bellhop.js';

// Two connections that are good; `more` have been made since `made`.
const two = (slack, made = 0, more = 0) => slack.until(() =>
	slack.sockets.made >= made + more && slack.sockets.ready.filter((c) =>
		!c.end.silent && !c.retiring).length >= 2, 'two connections again',
90);

// Somebody asks, and is answered once.
async function works(slack, person) {
	const { url, link } = slack.responses.link({ user: person.id,
		channel: slack.channel('#payments') });
	const { ok } = await person.slash('/bellhop', 'whoami',
		{ link: { url, link } });
	assert.ok(ok, 'acknowledged');
	await slack.until(() => link.uses > 0, 'an answer');
}

const status = async (bot) => {
	const hedy = bot.slack.person('hedy');
	const begin = Date.now();
	await hedy.says('status', { where: 'dm' });
	return hedy.told(/slack\/acme: .*/, { since: begin });
};

// These wait for one another's time, not for the processor.
describe('connections', { concurrency: true }, () => {
	test('one that fell silent is noticed and replaced', () => together({},
		async ({ slack, ada }) => {
			const { made } = slack.sockets;
			const begin = Date.now();
			slack.sockets.ready[0].end.silence();
			await two(slack, made, 1);
			assert.ok(Date.now() - begin < 60_000);
			await works(slack, ada);
		}));

	test('a reset of all of them', () => together({},
		async ({ slack, ada }) => {
			const { made } = slack.sockets;
			for (const c of slack.sockets.ready)
				c.end.reset();
			await two(slack, made, 2);
			await works(slack, ada);
			const [[from, to]] = slack.sockets.uncovered;
			assert.ok(to - from < 5000, `${to - from} ms without any`);
		}));

	test('a reset of one leaves no gap', () => together({},
		async ({ slack, ada }) => {
			const { made } = slack.sockets;
			const [first] = slack.sockets.ready;
			first.end.reset();
			await slack.until(() => !first.end.open, 'it to be gone');
			await works(slack, ada);
			await two(slack, made, 1);
			assert.deepEqual(slack.sockets.uncovered, []);
		}));

	test('a close that is never finished', () => together({},
		async ({ slack, bot, ada }) => {
			slack.sockets.neverFinishClose();
			const old = slack.sockets.disconnect('refresh_requested', 60_000);
			await slack.until(() => !old.end.open, 'it to be hung up', 30);
			await works(slack, ada);
			slack.sockets.neverFinishClose();
			const begin = Date.now();
			assert.equal(await bot.end(), 0);
			assert.ok(Date.now() - begin < 20_000);
		}));

	test('a warning is a reason to go, too', () => together({},
		async ({ slack, ada }) => {
			const { made } = slack.sockets;
			slack.sockets.disconnect('warning');
			await slack.until(() => slack.sockets.made > made, 'another');
			await works(slack, ada);
			assert.deepEqual(slack.sockets.uncovered, []);
		}));

	test('Socket Mode switched off: it stops, and says so', () => together({},
		async ({ slack, bot }) => {
			for (const c of slack.sockets.ready)
				slack.sockets.disconnect('link_disabled', 500, c);
			await slack.until(() => slack.sockets.connections.size === 0,
				'all to go');
			const asked = slack.calls('apps.connections.open').length;
			const { text } = await bot.ready();
			assert.match(text, /slack\/acme down/);
			await bot.logs(/Socket Mode was switched off/);
			await sleep(5000);
			assert.equal(slack.calls('apps.connections.open').length, asked);
		}));

	test('too many connections: it waits for minutes', () => together({},
		async ({ slack, bot, ada }) => {
			slack.sockets.full = true;
			slack.sockets.ready[0].end.reset();
			await bot.logs(/ten connections/);
			const asked = slack.calls('apps.connections.open').length;
			await sleep(8000);
			assert.equal(slack.calls('apps.connections.open').length, asked);
			await works(slack, ada);	// by the other one
		}));

	test('a token that Slack does not know: it stops, and says so', () =>
		together({}, async ({ slack, bot }) => {
			slack.web.appTokens.clear();
			for (const c of slack.sockets.ready)
				c.end.reset();
			await bot.logs(/does not know the app-token/);
			const asked = slack.calls('apps.connections.open').length;
			assert.match((await bot.ready()).text, /slack\/acme down/);
			await sleep(5000);
			assert.equal(slack.calls('apps.connections.open').length, asked);
		}));

	test('a storm: tickets are asked for less and less often', (t) =>
		together({}, async ({ slack, ada }) => {
			slack.sockets.refusing = 503;
			const before = slack.calls('apps.connections.open').length;
			for (const c of slack.sockets.ready)
				c.end.reset();
			await sleep(30_000);
			const asked = slack.calls('apps.connections.open').slice(before);
			t.diagnostic(`measured: ${asked.length} tickets in a storm of ` +
				'30 s');
			assert.ok(asked.length >= 3 && asked.length <= 16,
				`${asked.length} tickets`);
			slack.sockets.refusing = undefined;
			await two(slack);
			await works(slack, ada);
		}));

	test('no ticket for now (429): not before it is time', () => together({},
		async ({ slack, ada }) => {
			slack.faults.limit('apps.connections.open', 6);
			for (const c of slack.sockets.ready)
				c.end.reset();
			const limited = await slack.until(() => slack.calls(
				'apps.connections.open').find((c) => c.status === 429), '429');
			await two(slack);
			const next = slack.calls('apps.connections.open').find((c) =>
				c.at > limited.at && c.status === 200);
			assert.ok(next.at - limited.at >= 5900,
				`asked after ${next.at - limited.at} ms`);
			await works(slack, ada);
		}));
});

test('what comes twice is done once, whatever the envelope is called', () =>
	together({}, async ({ slack, bot, ada }) => {
		for (const sameEnvelope of [true, false]) {
			const link = slack.responses.link({ user: ada.id,
				channel: slack.channel('#payments') });
			await ada.slash('/bellhop', 'whoami', { link, copies: 3,
				sameEnvelope });
			await ada.says(`hello ${sameEnvelope}`, { where: 'dm', copies: 2,
				sameEnvelope });
			await ada.told(`Hello, ${sameEnvelope}!`);
			await slack.until(() => link.link.uses > 0, 'an answer');
			// Whatever comes of the copies comes before this is answered.
			await works(slack, ada);
			assert.equal(link.link.uses, 1);
			assert.equal(ada.dms.filter((m) => slack.text(m) ===
				`Hello, ${sameEnvelope}!`).length, 1);
		}
		assert.match(await status(bot), /2 connections/);
	}));

test('envelopes over 100 KB, in pieces, and with pings between', () =>
	together({}, async ({ slack, bot, ada, grace }) => {
		await ada.slash('/elevate', 'prod-payments PowerUser --for 1h ' +
			'--reason "PAY-1 large"');
		const card = await slack.shown(/waiting for approval/);
		const large = { ...card, blocks: [...card.blocks, ...Array.from(
			{ length: 45 }, (_, i) => ({ type: 'section', block_id: `p${i}`,
				text: { type: 'mrkdwn', text: 'é'.repeat(3000) } }))] };
		slack.sockets.perFrame = 1000;
		await grace.click(large, 'approve');
		await slack.until(() => /granted until/.test(slack.text(card)),
			'it to be granted');
		slack.sockets.perFrame = undefined;
		// More than any command has: refused in words, and life goes on.
		await ada.slash('/bellhop', `hello ${'x'.repeat(200_000)}`);
		await works(slack, ada);
		assert.equal((await bot.ready()).status, 200);
	}));
