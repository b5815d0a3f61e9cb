// refresh.test.js - Slack takes a connection away every second, while people press on.
// SPDX-License-Identifier: Apache-2.0
//
// Ten seconds of it; with PEERS_LONG=yes a minute.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { together } from './bellhop.js';
import { people } from './company.js';

const seconds = process.env.PEERS_LONG === 'yes' ? 60 : 10;
const rate = 50;

const deadButton = (slack) => ({ ts: '1700000000.000001',
	channel: slack.channel('#payments'), text: 'old', blocks: [{
		type: 'actions', block_id: 'b1', elements: [{ type: 'button',
			action_id: 'b0', value: '0'.repeat(32), text: {
				type: 'plain_text', text: 'approve' } }] }] });

test(`${rate} interactions a second, a refresh every second`, async (t) => {
	await together({ main: { flood: 'off' } }, async ({ slack, ada }) => {
		const crowd = Object.keys(people).slice(0, 10)
			.map((name) => slack.person(name));
		for (const person of crowd)		// known from now on
			await person.slash('/bellhop', 'whoami');
		await slack.until(() => ada.ephemerals.length > 0, 'an answer');
		slack.sockets.uncovered.length = 0;
		const { made } = slack.sockets;
		const jobs = [];
		const refresh = setInterval(() => slack.sockets.disconnect(), 1000);
		for (let i = 0; i < seconds * rate; i++) {
			const person = crowd[i % crowd.length];
			const { url, link } = slack.responses.link({ user: person.id,
				channel: slack.channel('#payments') });
			jobs.push({ link, done: i % 5 === 0 ?
				person.click(deadButton(slack), 'approve', { url }) :
				person.slash('/bellhop', 'whoami', { link: { url, link } }) });
			await sleep(1000 / rate);
		}
		clearInterval(refresh);
		const acks = await Promise.all(jobs.map((j) => j.done));
		await slack.until(() => jobs.every((j) => j.link.uses > 0), () =>
			`${jobs.filter((j) => j.link.uses === 0).length} answers`);
		const times = acks.map((a) => a.ms).sort((a, b) => a - b);
		const renewed = slack.sockets.made - made;
		t.diagnostic(`measured: ${jobs.length} interactions during ` +
			`${renewed} refreshes in ${seconds} s: acknowledged in ` +
			`${times[times.length >> 1].toFixed(1)} ms, 99 % in ` +
			`${times[Math.floor(times.length * 0.99)].toFixed(1)} ms, ` +
			`the last in ${times.at(-1).toFixed(1)} ms`);
		assert.ok(renewed >= seconds - 2, `${renewed} refreshes`);
		assert.ok(acks.every((a) => a.ok), 'every one acknowledged');
		assert.ok(jobs.every((j) => j.link.uses === 1), 'answered once');
		assert.deepEqual(slack.sockets.uncovered, [],
			'never without a connection');
	});
});
