// forged.test.js - deliveries that are not Slack's, or are Slack's and come again and again.
// SPDX-License-Identifier: Apache-2.0

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { together } from './bellhop.js';
import { app } from './company.js';
import { encode, sign } from './http-delivery.js';
import * as payloads from './payloads.js';

const many = 10_000;

// Another character in its place, so that something is different.
function flip(text, at) {
	const i = at % text.length;
	return text.slice(0, i) + (text[i] === 'a' ? 'b' : 'a') +
		text.slice(i + 1);
}

const signature = 'x-slack-signature', stamp = 'x-slack-request-timestamp';

// Each makes a delivery wrong: (text, signed headers, number, now) -> [text,
// headers].
const forgeries = [
	(text, good, n) => [flip(text, n * 31), good],
	(text, good, n) => [text, { ...good, [signature]: 'v0=' +
		flip(good[signature].slice(3), n) }],
	(text, good, n) => [text, { ...good,
		[stamp]: String(Number(good[stamp]) - 1 - n % 200) }],
	(text, good, n) => [text, sign(text, { secret: flip(
		app.signingSecret, n) })],
	(text, good, n, now) => [text, sign(text, { at: now - 301 - n })],
	(text, good, n, now) => [text, sign(text, { at: now + 301 + n })],
	(text, good) => [text, { [stamp]: good[stamp] }],
	(text, good) => [text, { [signature]: good[signature] }],
	(text) => [text, {}],
	(text, good) => [text, { ...good, [signature]: '' }],
	(text, good) => [text, { ...good, [signature]: 'v0=' }],
	(text, good) => [text, { ...good, [signature]:
		good[signature].replace('v0=', 'v1=') }],
	(text, good) => [text, { ...good, [signature]:
		good[signature].slice(3) }],
	(text, good) => [text, { ...good, [signature]: `${good[signature]}00` }],
	(text, good) => [text, { ...good, [signature]:
		good[signature].slice(0, -2) }],
	(text, good) => [text, { ...good, [signature]:
		good[signature].toUpperCase() }],
	(text, good) => [text, { ...good, [signature]: [good[signature],
		good[signature]] }],
	(text, good) => [text, { ...good, [stamp]: `${good[stamp]}.0` }],
	(text, good) => [text, { ...good, [stamp]: `-${good[stamp]}` }],
	(text, good) => [text, { ...good, [stamp]: '99999999999999999999' }],
	(text, good) => [text, { ...good, [stamp]: '' }],
	(text) => [text, sign(text, { secret: '' })],
	(text, good) => [`${text}&ssl_check=1`, good],
	() => ['ssl_check=1&command=%2Fbellhop', {}],
];

// What !status says of the way in: { read, refused }.
async function counters(slack, hedy, refused) {
	for (let i = 0; i < 30; i++) {
		const since = Date.now();
		await hedy.says('status', { where: 'dm' });
		const text = await hedy.told(/slack\/acme: /, { since });
		const [, a, b] = /(\d+) read, (\d+) refused/.exec(text) ?? [];
		if (Number(b) >= refused)
			return { read: Number(a), refused: Number(b) };
		await slack.until(() => Date.now() - since > 1000, 'a while');
	}
	throw new Error(`never ${refused} refused`);
}

test(`${many} forged or stale deliveries`, (t) => together({ mode: 'http',
	main: { flood: 'off' } }, async ({ slack, ada, bot }) => {
	const hedy = slack.person('hedy');
	const begin = Date.now();
	const answers = new Map();
	let next = 0;
	const one = async () => {
		while (next < many) {
			const n = next++;
			const { url } = slack.responses.link({ user: ada.id,
				channel: slack.channel('#payments') });
			const { type, text } = n % 2 === 0 ? encode('commands',
				payloads.slash(ada, '/bellhop', `hello Forged${n}`,
					slack.channel('#payments'), `1.${n}.f`, url)) :
				encode('events', payloads.envelope(payloads.message(ada,
					slack.dm(ada), `1.${n}`, `hello Forged${n}`)));
			const now = Math.floor(Date.now() / 1000);
			const [body, headers] = forgeries[n % forgeries.length](text,
				sign(text), n, now);
			const { status, why } = await slack.http.post(body,
				{ 'content-type': type, ...headers });
			answers.set(status ?? why, (answers.get(status ?? why) ?? 0) + 1);
		}
	};
	await Promise.all(Array.from({ length: 16 }, one));
	const took = Date.now() - begin;
	assert.deepEqual([...answers], [[401, many]]);
	const { read, refused } = await counters(slack, hedy, many);
	const ours = slack.deliveries.flatMap((d) => d.attempts).length;
	assert.equal(refused, many);
	assert.ok(read <= ours, `${read} were read, of ${ours} that are good`);
	assert.doesNotMatch(bot.log, /Forged/);
	assert.ok(bot.log.split('refused what').length < 20,
		'nobody can fill the log');
	t.diagnostic(`measured: ${many} forged or stale deliveries in ` +
		`${(took / 1000).toFixed(1)} s: ${refused} refused, none read`);
	const texts = [...slack.screen.messages.values()]
		.map((m) => slack.text(m));
	assert.ok(!texts.some((text) => text.includes('Forged')));
}));

test('1,000 replays, over a restart: one effect each', (t) => together(
	{ mode: 'http', main: { flood: 'off' } },
	async ({ slack, ada, grace, bot }) => {
		await ada.slash('/elevate', 'prod-payments PowerUser --for 1h ' +
			'--reason "PAY-1 replayed"');
		const card = await slack.shown(/waiting for approval/);
		const room = slack.channel('#payments');
		const approve = card.blocks.find((b) => b.type === 'actions');
		const link = () => slack.responses.link({ user: ada.id,
			channel: room });
		const who = link();
		const deliveries = [
			encode('commands', payloads.slash(ada, '/bellhop',
				'hello Replay', room, '1.1.replay', link().url)),
			encode('commands', payloads.slash(ada, '/bellhop', 'whoami',
				room, '1.2.replay', who.url)),
			encode('commands', payloads.slash(ada, '/elevate',
				'prod-payments ReadOnly --for 1h --reason "PAY-2 replayed"',
				room, '1.3.replay', link().url)),
			encode('interactive', payloads.messageAction(grace, card, approve,
				approve.elements[0], '1.4.replay', link().url)),
			encode('events', payloads.envelope(payloads.message(ada,
				slack.dm(ada), '1.5', 'hello Direct'))),
		].map(({ type, text }) => [text, { 'content-type': type,
			...sign(text) }]);
		const answers = new Map();
		const send = async (count) => {
			let next = 0;
			const one = async () => {
				while (next < count) {
					const [text, headers] = deliveries[next++ %
						deliveries.length];
					const { status, why } = await slack.http.post(text,
						headers);
					answers.set(status ?? why,
						(answers.get(status ?? why) ?? 0) + 1);
				}
			};
			await Promise.all(Array.from({ length: 8 }, one));
		};
		await send(500);
		await bot.kill();
		await bot.start();
		await send(500);
		const there = (like, name, person) => slack.messages(name, person)
			.filter((m) => like.test(slack.text(m))).length;
		await slack.until(() => /granted until/.test(slack.text(card)),
			'it to be granted', 60);
		await slack.until(() => there(/Hello, Replay!/, '#payments') > 0 &&
			there(/PAY-2/, '#payments') > 0 && who.link.uses > 0 &&
			there(/Hello, Direct!/, 'dm', ada) > 0, 'all of them', 60);
		// Whatever else there is to come has come before this.
		await ada.slash('/bellhop', 'hello Last');
		await slack.shown(/Hello, Last!/, { seconds: 60 });
		assert.deepEqual([...answers], [[200, 1000]]);
		assert.equal(there(/Hello, Replay!/, '#payments'), 1);
		assert.equal(there(/Hello, Direct!/, 'dm', ada), 1);
		assert.equal(there(/PAY-2/, '#payments'), 1);
		assert.equal(there(/PAY-1/, '#payments'), 1);
		assert.equal(who.link.uses, 1);
		t.diagnostic('measured: 1,000 replays of 5 deliveries over a ' +
			'restart: 5 effects');
	}));
