// playground.test.js - the life of a request in Microsoft's own Agents Playground, driven by its REST interface.
// SPDX-License-Identifier: Apache-2.0

import { after, before, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Bellhop } from './bellhop.js';
import { action, cardOf, people, read } from './client.js';
import { cardType } from './check.js';
import { Playground, fetchPlayground } from './playground.js';

const { ada, grace, katherine, margaret, gus, fay } = people;
const wanted = { 'in-account': 'prod-payments',
	'in-permission-set': 'PowerUser', 'in-for': '30m',
	'in-reason': 'PAY-1 stuck job' };
const missing = fetchPlayground();

describe('in the Playground', { skip: missing ?? false }, () => {
	let playground, bellhop;

	before(async () => {
		playground = new Playground();
		const { general, group, ada: own } = playground.places;
		await playground.start();
		bellhop = await new Bellhop(playground, { team: { rooms: [
			'corp/Payments/General', `corp/${group.id}`, `corp/${general.id}`,
			`corp/${own.id}`] },
		main: { 'shared-rooms': ['corp/*'] },
		rules: [{ name: 'stage', accounts: ['stage-payments'],
			access: ['ReadOnly'], 'may-ask': ['everyone'],
			approval: 'not-required', longest: '4h' }] }).start();
	});

	after(async () => {
		await bellhop.stop();
		await playground.close();
		assert.deepEqual(playground.complaints, []);
	});

	beforeEach(() => {
		playground.sent = [];
	});

	function message(like) {
		return playground.until(() => playground.sent.find((m) =>
			like.test(read(m.activity))), () => `${like}; there: ` +
			playground.sent.map((m) => read(m.activity)).join('\n--\n'));
	}

	function becomes(card, like, seconds) {
		return playground.until(() => like.test(read(card.activity)) && card,
			() => `${like}; it reads:\n${read(card.activity)}`, seconds);
	}

	// Presses; the words that came back.
	async function presses(person, card, title, data) {
		await playground.invoke(person, card, action(cardOf(card.activity),
			title), data);
		const { status, body } = playground.delivered.filter((d) =>
			d.activity.type === 'invoke').at(-1);
		assert.equal(status, 200);
		return body.type === cardType ? read({ attachments: [
			{ contentType: cardType, content: body.value }] }) : body.value;
	}

	for (const kind of ['general', 'group'])
		test(`${kind}: form, approval, granting, granted, released`,
			async () => {
				const place = playground.places[kind];
				await playground.says(place, '!elevate');
				const form = await message(/Get AWS access/);
				assert.match(await presses(ada, form, 'Request', wanted),
					/was sent/);
				const card = await message(/waiting for approval/);
				assert.match(read(card.activity),
					/Ada Lovelace · PAY-1 stuck job/);
				assert.match(await presses(grace, card, 'approve'),
					/granting|granted/);
				await becomes(card, /granted until .* UTC/);
				assert.match(read(card.activity), /Approved by\nGrace Hopper/);
				await presses(ada, card, 'I\'m done');
				await becomes(card, /ended|released/);
			});

	test('granted, and over when its time is', async () => {
		await playground.says(playground.places.general, '!elevate ' +
			'prod-payments PowerUser --for 4s --reason "PAY-2 quick look"');
		const card = await message(/waiting for approval/);
		await presses(katherine, card, 'approve');
		await becomes(card, /granted until/);
		await becomes(card, /ended/, 60);
	});

	test('personal: granted without an approval', async () => {
		await playground.says(playground.places.ada,
			'!elevate stage-payments ReadOnly --for 30m --reason "a look"');
		const card = await message(/granting|granted/);
		await becomes(card, /granted until/);
		await presses(ada, card, 'I\'m done');
		await becomes(card, /ended|released/);
	});

	test('refused: her own, no approver, a guest, another tenant',
		async () => {
			await playground.says(playground.places.general, '!elevate ' +
				'prod-payments PowerUser --for 30m --reason "PAY-3 x"');
			const card = await message(/waiting for approval/);
			for (const [person, why] of [[ada, /You asked for it yourself/],
				[margaret, /not an approver/], [gus, /guest|not know|may not/i],
				[fay, /guest|not know|may not/i]])
				assert.match(await presses(person, card, 'approve'), why,
					person.name);
			assert.match(read(card.activity), /waiting for approval/);
			await presses(ada, card, 'cancel');
			await becomes(card, /cancel|taken back/);
		});

	test('a button of before does nothing', async () => {
		await playground.says(playground.places.general, '!elevate ' +
			'prod-payments PowerUser --for 30m --reason "PAY-4 x"');
		const card = await message(/waiting for approval/);
		const old = { ...card, activity: structuredClone(card.activity) };
		await presses(grace, card, 'deny');
		await becomes(card, /denied/);
		assert.match(await presses(katherine, old, 'approve'),
			/changed|already/);
		assert.match(read(card.activity), /denied/);
	});
});
