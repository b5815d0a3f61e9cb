// chromium.test.js - what somebody sees in the Playground's page: the card drawn, required input enforced, a press that swaps the card.
// SPDX-License-Identifier: Apache-2.0
//
// Screenshots stay in PEERS_OUTPUT, or in the folder peers of the build.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { Bellhop } from './bellhop.js';
import { people, read } from './client.js';
import { Playground, fetchPlayground } from './playground.js';

const { ada, grace } = people;
const browser = process.env.CHROMIUM ?? '/usr/bin/chromium';
const output = process.env.PEERS_OUTPUT ??
	join(dirname(process.env.BELLHOP ?? '.'), 'peers');
const missing = !existsSync(browser) ?
	`no ${browser}: install chromium, or name one in CHROMIUM` :
	fetchPlayground();

describe('Grace\'s desk', { skip: missing ?? false }, () => {
	let playground, bellhop, chrome, page;

	before(async () => {
		mkdirSync(output, { recursive: true });
		playground = new Playground(grace);
		await playground.start();
		bellhop = await new Bellhop(playground, {
			team: { rooms: [`corp/${playground.places.group.id}`] },
			main: { 'shared-rooms': ['corp/*'] } }).start();
		chrome = await chromium.launch({ executablePath: browser,
			args: ['--no-sandbox', '--disable-dev-shm-usage'] });
		page = await chrome.newPage({ locale: 'en-GB',
			timezoneId: 'Europe/Berlin',
			viewport: { width: 1280, height: 1000 } });
		await page.goto(playground.page);
		await page.getByText('Night watch').first().waitFor();
	});

	after(async () => {
		await chrome?.close();
		await bellhop?.stop();
		await playground?.close();
		assert.deepEqual(playground.complaints, []);
	});

	const shot = (name) => page.screenshot({
		path: join(output, `teams-${name}.png`) });
	const invokes = () => playground.delivered.filter((d) =>
		d.activity.type === 'invoke');

	test('a form with nothing in it is not sent', async () => {
		await page.getByText('Personal Chat').first().click();
		await playground.says(playground.places.grace, '!elevate');
		const request = page.getByRole('button', { name: 'Request' });
		await request.waitFor();
		await request.click();
		const complaint = page.getByText('Please choose one.');
		await complaint.first().waitFor();
		assert.equal(await complaint.count(), 3);
		await shot('form');
		assert.equal(invokes().length, 0);
	});

	test('a card is drawn, and changes when she approves', async () => {
		await page.getByText('Night watch').first().click();
		await playground.fromAfar(ada, playground.places.group, '!elevate ' +
			'prod-payments PowerUser --for 30m --reason "PAY-1 stuck job"');
		const approve = page.getByRole('button', { name: 'approve' });
		await approve.waitFor();
		for (const words of ['waiting for approval', 'prod-payments',
			'PAY-1 stuck job', 'Asked by'])
			await page.getByText(words).first().waitFor();
		// Mentions and times are drawn, not shown as they are written.
		const seen = await page.evaluate(() => document.body.innerText);
		assert.doesNotMatch(seen, /<at>|\{\{(TIME|DATE)/);
		await shot('waiting');
		await approve.click();
		await page.getByText(/granted until/).first().waitFor();
		assert.equal(await approve.count(), 0);
		await page.getByRole('button', { name: 'I\'m done' }).waitFor();
		await shot('granted');
		const [pressed] = invokes();
		assert.equal(pressed.activity.from.aadObjectId, grace.aadObjectId);
		assert.match(read(playground.sent.at(-1).activity), /granted until/);
	});
});
