// both.test.js - one bellhop in Slack and in Teams: a request seen in both, decided in one, edited in both.
// SPDX-License-Identifier: Apache-2.0
//
// With the doubles of both; Slack's stand in the folder slack beside this one.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Bellhop } from './bellhop.js';
import { Teams, people, read } from './client.js';

const beside = fileURLToPath(new URL('../slack/', import.meta.url));

// What this needs of the other folder; a sentence if it cannot be had.
function fetchSlack() {
	if (existsSync(`${beside}node_modules/emulate`))
		return null;
	try {
		execFileSync('npm', ['ci', '--no-audit', '--no-fund'],
			{ cwd: beside, stdio: 'pipe', timeout: 240000 });
		return null;
	} catch (error) {
		return `the packages of slack cannot be had: ${error.message}`;
	}
}

const missing = fetchSlack();

describe('Slack and Teams at once', { skip: missing ?? false }, () => {
	const teams = new Teams();
	const { general } = teams.places;
	let slack, bellhop, ada, grace;

	before(async () => {
		const { Slack } = await import('../slack/slack.js');
		const { slackBlock } = await import('../slack/bellhop.js');
		const { app } = await import('../slack/company.js');
		slack = new Slack({ mode: 'socket' });
		await slack.start();
		await teams.start();
		teams.throttle = false;
		bellhop = new Bellhop(teams, { chat: { acme: slackBlock(slack) },
			env: { SLACK_BOT: app.botToken, SLACK_APP: app.appToken },
			team: { rooms: ['acme/#payments', 'corp/Payments/General'] },
			announce: ['acme/#payments', 'corp/Payments/General'] });
		await bellhop.start();
		await bellhop.logs(/acme.*up|up: /);
		ada = slack.person('ada');
		grace = slack.person('grace');
		// The channel is known once somebody spoke in it.
		await teams.says(people.ada, general, '!about');
		await teams.message(general, /bellhop \d/);
		general.messages = [];
	});

	after(async () => {
		await bellhop?.stop();
		await slack?.stop();
		await teams.close();
		assert.deepEqual(teams.complaints, []);
	});

	// The one card in each that holds this reason.
	async function cards(reason) {
		const there = await slack.shown(new RegExp(reason));
		const here = await teams.message(general, new RegExp(reason));
		return { there, here };
	}

	async function bothRead({ there, here }, like, seconds) {
		await teams.becomes(here, like, seconds);
		await slack.until(() => like.test(slack.text(there)), () =>
			`${like}; it reads ${slack.text(there)}`, seconds);
	}

	function once(reason) {
		const like = new RegExp(reason);
		assert.equal(slack.messages('#payments').filter((m) =>
			like.test(slack.text(m))).length, 1);
		assert.equal(teams.shown(general).filter((m) => m.from === undefined &&
			like.test(read(m.activity))).length, 1);
	}

	test('asked in Slack, approved in Teams, given back in Slack', async () => {
		await ada.slash('/elevate', 'prod-payments PowerUser --for 30m ' +
			'--reason "PAY-1 from Slack"');
		const both = await cards('PAY-1 from Slack');
		await bothRead(both, /waiting for approval/);
		await teams.presses(people.grace, general, both.here, 'approve');
		await bothRead(both, /granted until/);
		assert.match(read(both.here.activity), /Ada Lovelace/);
		await ada.click(both.there, 'I\'m done');
		await bothRead(both, /ended|released/);
		once('PAY-1 from Slack');
	});

	test('asked in Teams, approved in Slack, ended by time', async () => {
		await teams.says(people.ada, general, '!elevate prod-payments ' +
			'PowerUser --for 6s --reason "PAY-2 from Teams"');
		const both = await cards('PAY-2 from Teams');
		await grace.click(both.there, 'approve');
		await bothRead(both, /granted until/);
		await bothRead(both, /ended/, 60);
		once('PAY-2 from Teams');
	});

	test('she cannot approve in Slack what she asked for in Teams',
		async () => {
			await teams.says(people.grace, general, '!elevate prod-payments ' +
				'PowerUser --for 30m --reason "PAY-3 her own"');
			const both = await cards('PAY-3 her own');
			await grace.click(both.there, 'approve');
			await grace.told(/You asked for it yourself/);
			await bothRead(both, /waiting for approval/);
			await slack.person('katherine').click(both.there, 'deny');
			await bothRead(both, /denied/);
			once('PAY-3 her own');
		});

	test('two approve at once, one here, one there: one decision', async () => {
		await ada.slash('/elevate', 'prod-payments PowerUser --for 30m ' +
			'--reason "PAY-4 race"');
		const both = await cards('PAY-4 race');
		await Promise.all([
			teams.presses(people.grace, general, both.here, 'approve'),
			slack.person('katherine').click(both.there, 'approve')]);
		await bothRead(both, /granted until/);
		const by = /Approved by\s*\n?\s*([A-Z]\w+ [A-Z]\w+)/.exec(
			read(both.here.activity));
		assert.match(by[1], /Grace Hopper|Katherine Johnson/);
		await ada.click(both.there, 'I\'m done');
		await bothRead(both, /ended|released/);
		once('PAY-4 race');
	});

	test('while Teams is down Slack goes on, and Teams catches up', async () => {
		teams.fault({ method: 'POST', path: /activities/, status: 503,
			times: 1e9, body: { error: { code: 'x' } } });
		await ada.slash('/elevate', 'prod-payments PowerUser --for 30m ' +
			'--reason "PAY-5 alone"');
		const there = await slack.shown(/PAY-5 alone/);
		await grace.click(there, 'approve');
		await slack.until(() => /granted until/.test(slack.text(there)),
			'granted in Slack');
		teams.calm();
		const here = await teams.message(general, /PAY-5 alone/, 120);
		await bothRead({ here, there }, /granted until/, 60);
		await ada.click(there, 'I\'m done');
		await bothRead({ here, there }, /ended|released/, 60);
	});
});
