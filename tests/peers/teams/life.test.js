// life.test.js - the life of a request in Teams: form, card, approval by somebody else, granted, over.
// SPDX-License-Identifier: Apache-2.0
//
// On the doubles, which have what the Playground lacks: dialogs, search while
// typing, message extensions, threads, throttling.

import { after, afterEach, before, beforeEach, describe, test,
} from 'node:test';
import assert from 'node:assert/strict';
import { Bellhop } from './bellhop.js';
import { Teams, action, cardOf, inputs, people, read } from './client.js';
import { bot, elsewhere, messageId } from './company.js';
import { cardType } from './check.js';

const { ada, hedy, grace, katherine, margaret, gus, fay } = people;
const teams = new Teams();
const { general, group, shared } = teams.places;
const wanted = { account: 'prod-payments', 'permission-set': 'PowerUser',
	for: '30m', reason: 'PAY-1 stuck job' };
let bellhop;

before(async () => {
	await teams.start();
	bellhop = await new Bellhop(teams, { team: { rooms: [
		'corp/Payments/General', `corp/${group.id}`, `corp/${shared.id}`] },
	main: { 'shared-rooms': [`corp/${shared.id}`] },
	rules: [{ name: 'stage', accounts: ['stage-payments'],
		access: ['ReadOnly'], 'may-ask': ['everyone'],
		approvers: ['grace@acme.example'], approvals: 1,
		longest: '4h' }] }).start();
});

after(async () => {
	await bellhop.stop();
	await teams.close();
});

beforeEach(() => {
	for (const place of Object.values(teams.places))
		place.messages = [];
	teams.sent = [];
	teams.throttle = false;
});

afterEach(() => {
	assert.deepEqual(teams.complaints, []);
	teams.complaints = [];
});

// The words of an invoke's answer, card or text.
function said({ status, body }) {
	assert.equal(status, 200);
	const { value, type } = body;
	return type === cardType ? read({ attachments: [{ contentType: cardType,
		content: value }] }) : value;
}

// The form or card that this invoke was answered, as the message it replaces.
function answered(message, { body }) {
	const content = body.task?.value.card.content ?? body.value;
	return { ...message, activity: { attachments: [{ contentType: cardType,
		content }] } };
}

// Ada asks by a line of text; gives the card that stands there.
async function asks(place, more = '', who = ada) {
	await teams.says(who, place, '!elevate prod-payments PowerUser --for 30m ' +
		`--reason "PAY-1 stuck job"${more}`);
	return teams.message(place, /waiting for approval/);
}

for (const [kind, place] of [['a channel', general], ['a group chat', group]])
	describe(`in ${kind}`, () => {
		test('form, approval, granting, granted, released', async () => {
			const { activity } = await teams.says(ada, place, '!elevate');
			const form = await teams.message(place, /Get AWS access/);
			if (place === general)
				assert.equal(form.thread, activity.id);
			const filled = await teams.presses(ada, place, form, 'Request',
				wanted);
			assert.match(said(filled), /was sent/);
			const card = await teams.message(place, /waiting for approval/);
			assert.match(read(card.activity), /Ada Lovelace · PAY-1 stuck job/);
			assert.match(said(await teams.presses(grace, place, card,
				'approve')), /granting|granted/);
			await teams.becomes(card, /granted until .* UTC/);
			assert.match(read(card.activity), /Grace Hopper/);
			assert.match(read(card.activity), /seen in AWS/);
			await teams.presses(ada, place, card, 'I\'m done');
			await teams.becomes(card, /ended|released/);
			assert.throws(() => action(cardOf(card.activity), 'I\'m done'));
		});

		test('granted, and over when its time is', async () => {
			await teams.says(ada, place, '!elevate prod-payments PowerUser ' +
				'--for 4s --reason "PAY-2 quick look"');
			const card = await teams.message(place, /waiting for approval/);
			await teams.presses(grace, place, card, 'approve');
			await teams.becomes(card, /granted until/);
			await teams.becomes(card, /ended/, 60);
			assert.equal(card.edits >= 2, true);
		});

		test('denied', async () => {
			const card = await asks(place);
			await teams.presses(katherine, place, card, 'deny');
			await teams.becomes(card, /denied/);
		});
	});

test('in personal chats: asked in one, approved in another', async () => {
	const own = teams.places.ada, hers = teams.places.grace;
	await teams.says(ada, own, '!elevate stage-payments ReadOnly --for 30m ' +
		'--reason "a look"');
	const card = await teams.message(own, /waiting for approval/);
	const [, id] = /(\w+) · waiting/.exec(read(card.activity));
	await teams.says(grace, hers, `!approve ${id}`);
	await teams.becomes(card, /granted until/);
	await teams.presses(ada, own, card, 'I\'m done');
	await teams.becomes(card, /ended|released/);
});

test('nobody approves but who may, and each is told why', async () => {
	const card = await asks(general);
	const before = read(card.activity);
	for (const [person, why] of [[ada, /You asked for it yourself/],
		[margaret, /not an approver of rule prod/]])
		assert.match(said(await teams.presses(person, general, card,
			'approve')), why, person.name);
	assert.equal(read(card.activity), before);
	assert.equal(card.edits, 0);
	await teams.presses(ada, general, card, 'cancel');
});

test('guests and people of other tenants neither ask nor approve', async () => {
	const card = await asks(shared);
	for (const person of [gus, fay]) {
		const answer = await teams.presses(person, shared, card, 'approve');
		if (answer.status === 200)
			assert.match(said(answer), /guest|other compan|may not|not know/i);
		await teams.says(person, shared, '!elevate prod-payments PowerUser ' +
			'--for 30m --reason "PAY-3 me too"');
	}
	// One who came by another tenant's door altogether.
	const there = teams.activity('message', fay, shared, { text: '!access' });
	there.conversation.tenantId = elsewhere;
	assert.equal((await teams.deliver(there)).status, 403);
	await teams.presses(grace, shared, card, 'approve');
	await teams.becomes(card, /granted until/);
	assert.equal(teams.shown(shared).filter((m) => m.from === undefined &&
		/PAY-3/.test(read(m.activity))).length, 0);
	await teams.presses(ada, shared, card, 'I\'m done');
	await teams.becomes(card, /ended|released/);
});

test('two approvers at once: one decision, and both see it', async () => {
	const card = await asks(general);
	const old = { ...card, activity: structuredClone(card.activity) };
	const both = await Promise.all([grace, katherine].map((p) =>
		teams.presses(p, general, old, 'approve')));
	await teams.becomes(card, /granted until/);
	const texts = both.map(said);
	assert.equal(texts.filter((t) => /granting|granted/.test(t)).length >= 1,
		true, texts.join('\n--\n'));
	assert.match(read(card.activity), /Grace Hopper|Katherine Johnson/);
	const late = said(await teams.presses(katherine, general, old, 'approve'));
	assert.match(late, /changed|already/);
	await teams.presses(ada, general, card, 'I\'m done');
	await teams.becomes(card, /ended|released/);
});

test('a form is its asker\'s, and says at the field what is wrong', async () => {
	await teams.says(ada, general, '!elevate');
	const form = await teams.message(general, /Get AWS access/);
	assert.match(said(await teams.presses(grace, general, form, 'Request',
		wanted)), /somebody else/);
	const again = await teams.presses(ada, general, form, 'Request',
		{ ...wanted, reason: 'because' });
	assert.match(said(again), /The reason must contain/);
	assert.equal(inputs(cardOf(answered(form, again).activity))
		.find((i) => i.id === 'in-reason').value, 'because');
	await teams.presses(ada, general, answered(form, again), 'Request', wanted);
	const card = await teams.message(general, /waiting for approval/);
	await teams.presses(ada, general, card, 'cancel');
	await teams.becomes(card, /cancel|taken back/);
	assert.match(said(await teams.presses(ada, general, answered(form, again),
		'Request', wanted)), /was sent already/);
});

test('accounts are found while they are typed, by the asker alone',
	async () => {
		await teams.says(ada, general, '!elevate');
		const form = await teams.message(general, /Get AWS access/);
		const [account] = inputs(cardOf(form.activity));
		const search = async (person, queryText) => (await teams.invoke(person,
			general, 'application/search', { kind: 'search', queryText,
				queryOptions: { skip: 0, top: 15 },
				dataset: account['choices.data'].dataset }, {
				replyToId: form.id })).body.value.results;
		assert.deepEqual((await search(ada, 'prod-pay')).map((r) => r.value),
			['prod-payments']);
		assert.ok((await search(ada, '')).length >= 1);
		assert.deepEqual(await search(ada, 'no such account'), []);
		assert.deepEqual(await search(grace, 'prod-pay'), []);
	});

test('a request from the compose box: dialog, error, then the card',
	async () => {
		const fetched = await teams.invoke(ada, general,
			'composeExtension/fetchTask', { commandId: 'elevate',
				commandContext: 'compose', context: { theme: 'default' } });
		const submit = ({ body }, values) => {
			const { content } = body.task.value.card;
			return teams.invoke(ada, general, 'composeExtension/submitAction', {
				commandId: 'elevate', commandContext: 'compose',
				context: { theme: 'default' }, data: {
					...action(content, 'Request').data,
					...Object.fromEntries(inputs(content).map((i) =>
						[i.id, values[i.id.replace('in-', '')]])) } });
		};
		const wrong = await submit(fetched, { ...wanted, reason: 'because' });
		assert.equal(wrong.body.task.type, 'continue');
		assert.match(JSON.stringify(wrong.body), /The reason must contain/);
		assert.equal((await submit(wrong, wanted)).status, 200);
		const card = await teams.message(general, /waiting for approval/);
		await teams.presses(ada, general, card, 'cancel');
		await teams.becomes(card, /cancel/);
	});

test('the same activity twice has one effect', async () => {
	const activity = teams.activity('message', ada, general, {
		text: '<at>bellhop</at> !elevate prod-payments PowerUser --for 30m ' +
		'--reason "PAY-4 once"', entities: [{ type: 'mention',
			mentioned: bot,
			text: '<at>bellhop</at>' }] });
	for (let i = 0; i < 5; i++)
		assert.equal((await teams.deliver(activity)).status, 200);
	const card = await teams.message(general, /waiting for approval/);
	const pressed = teams.activity('invoke', grace, general, {
		name: 'adaptiveCard/action', replyToId: card.id, value: { action: {
			...action(cardOf(card.activity), 'approve') },
		trigger: 'manual' } });
	await Promise.all([1, 2, 3].map(() => teams.deliver(pressed)));
	await teams.becomes(card, /granted until/);
	assert.equal(teams.shown(general).filter((m) => m.from === undefined &&
		/PAY-4/.test(read(m.activity))).length, 1);
	await teams.presses(ada, general, card, 'I\'m done');
	await teams.becomes(card, /ended|released/);
});

test('old clients press Action.Submit, and it does the same', async () => {
	const card = await asks(general);
	const { fallback } = action(cardOf(card.activity), 'approve');
	assert.equal(fallback.type, 'Action.Submit');
	const { status } = await teams.deliver(teams.activity('message', grace,
		general, { value: fallback.data, replyToId: card.id,
			thread: card.thread }));
	assert.equal(status, 200);
	await teams.becomes(card, /granted until/);
	await teams.presses(ada, general, card, 'I\'m done');
	await teams.becomes(card, /ended|released/);
});

test('what people write stays text on the card', async () => {
	const evil = '[click](https://evil.example) **bold** <at>Grace Hopper</at>' +
		' {{DATE(2020-01-01T00:00:00Z)}} <script>';
	await teams.says(ada, general, '!elevate prod-payments PowerUser --for ' +
		`30m --reason "PAY-5 ${evil}"`);
	const card = await teams.message(general, /waiting for approval/);
	const wild = [], runs = [];
	(function walk(v) {
		if (Array.isArray(v))
			v.forEach(walk);
		else if (v !== null && typeof v === 'object') {
			if (JSON.stringify(v.text ?? '').includes('evil.example'))
				(v.type === 'TextRun' ? runs : wild).push(v);
			Object.values(v).forEach(walk);
		}
	})(cardOf(card.activity));
	assert.deepEqual(wild, []);
	assert.equal(runs.length >= 1, true);
	assert.equal(runs.every((r) => r.selectAction === undefined), true);
	const mentions = cardOf(card.activity).msteams.entities ?? [];
	assert.equal(mentions.length, 1);
	assert.ok([ada.id, ada.aadObjectId].includes(mentions[0].mentioned.id));
	await teams.presses(ada, general, card, 'cancel');
});

test('installed: help, once; in a chat and in a team', async () => {
	// Somebody whom the bot has never heard.
	assert.equal((await teams.installs(hedy, teams.places.hedy)).status, 200);
	await teams.message(teams.places.hedy, /!elevate/);
	const { access } = teams.places;
	assert.equal((await teams.installs(ada, access)).status, 200);
	assert.equal((await teams.joins(ada, access)).status, 200);
	await teams.message(access, /!elevate/);
	await teams.says(ada, access, '!about');
	await teams.message(access, /bellhop \d/);
	assert.equal(teams.sent.filter((s) => /!elevate/.test(read(s.activity)))
		.length, 2);
});

test('what else Teams tells is taken without a word', async () => {
	const before = teams.sent.length;
	const quiet = [
		['messageReaction', { reactionsAdded: [{ type: 'like' }],
			replyToId: messageId() }],
		['conversationUpdate', { channelData: { eventType: 'channelRenamed',
			tenant: { id: ada.tenantId }, team: { id: general.team },
			channel: { id: general.id } } }],
		['messageUpdate', { text: 'edited', channelData: {
			eventType: 'editMessage', tenant: { id: ada.tenantId } } }],
		['messageDelete', { channelData: { eventType: 'softDeleteMessage',
			tenant: { id: ada.tenantId } } }],
		['typing', {}], ['event', { name: 'x' }], ['nonsense', {}],
	];
	for (const [type, more] of quiet) {
		const { status, body } = await teams.deliver(teams.activity(type, ada,
			general, more));
		assert.equal(status, 200, type);
		assert.equal(body, undefined, type);
	}
	// Every invoke is answered, also one that nobody knows.
	const { status } = await teams.invoke(ada, general, 'signin/verifyState',
		{ state: 'x' });
	assert.ok([200, 400, 404, 501].includes(status), String(status));
	assert.equal(teams.sent.length, before);
});

test('an automatic refresh changes nothing', async () => {
	const card = await asks(general);
	const { edits } = card;
	const { type, verb, data } = action(cardOf(card.activity), 'approve');
	await teams.invoke(grace, general, 'adaptiveCard/action', { action: { type,
		verb, data }, trigger: 'automatic' }, { replyToId: card.id });
	await teams.says(ada, general, '!about');
	await teams.message(general, /bellhop \d/);
	assert.equal(card.edits, edits);
	assert.match(read(card.activity), /waiting for approval/);
	await teams.presses(ada, general, card, 'cancel');
});
