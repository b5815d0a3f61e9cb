// power.test.js - the power goes between an acknowledgement and what was asked for, again and again.
// SPDX-License-Identifier: Apache-2.0
//
// What was acknowledged happens, once.  What was not may have been lost by
// whoever sent it, or comes again; it happens once at most.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { together } from './bellhop.js';

const rounds = process.env.PEERS_LONG === 'yes' ? 60 : 12;

for (const mode of ['socket', 'http'])
	test(`kill -9 after the acknowledgement, ${rounds} times, ${mode}`, (t) =>
		together({ mode, paced: false, main: { flood: 'off' } }, async (
			{ slack, bot, ada, grace }) => {
			// Slack tries again until we are back.
			slack.retryAfter = [0, ...Array(60).fill(500)];
			const asked = [], said = [], pressed = [];
			const request = (n) => ada.slash('/elevate', 'prod-payments ' +
				`ReadOnly --for 1h --reason "PAY-${n} round"`);
			for (let n = 101; n < 101 + rounds; n++) {
				await request(1000 + n);
				const card = await slack.shown(new RegExp(`PAY-${1000 + n}`),
					{ seconds: 60 });
				const press = grace.click(card, 'approve');
				const ask = request(n);
				const dm = ada.says(`hello Round${n}`, { where: 'dm' });
				pressed.push({ card, press });
				asked.push({ like: new RegExp(`PAY-${n}\\b`), ask });
				said.push(`Hello, Round${n}!`);
				await Promise.race([press, ask]);
				await sleep(n % 4 === 0 ? 0 : Math.random() * 30);
				await bot.kill();
				await bot.start();
				await Promise.all([press, ask, dm]);
				// Nobody may have too many that wait.
				if ((await ask).ok)
					await grace.click(await slack.shown(asked.at(-1).like,
						{ seconds: 60 }), 'deny');
			}
			const lost = { asked: 0, pressed: 0 };
			const cards = (like) => slack.messages('#payments').filter((m) =>
				like.test(slack.text(m)));
			for (const { like, ask } of asked) {
				const { ok } = await ask;
				lost.asked += ok ? 0 : 1;
				if (ok)
					await slack.until(() => cards(like).length > 0, `${like}`,
						60);
				assert.ok(cards(like).length <= 1, `${like} is there twice`);
			}
			for (const { card: old, press } of pressed) {
				lost.pressed += (await press).ok ? 0 : 1;
				if ((await press).ok)
					await slack.until(() => /granted until|granting/.test(
						slack.text(old)), () => 'what was pressed to be ' +
						`approved; it reads ${slack.text(old)}; told: ` +
						[...grace.ephemerals, ...grace.dms].map((m) =>
							slack.text(m)).join('; '), 60);
			}
			for (const text of said)
				await slack.until(() => ada.dms.some((m) =>
					slack.text(m) === text), `${text}`, 60);
			await sleep(1000);	// for what may come twice
			for (const text of said)
				assert.equal(ada.dms.filter((m) => slack.text(m) === text)
					.length, 1, `${text} was said once`);
			await bot.end();
			t.diagnostic(`measured: ${rounds} kills: ` +
				`${rounds - lost.asked} of ${rounds} commands and ` +
				`${rounds - lost.pressed} of ${rounds} presses were ` +
				'acknowledged and done once; ' +
				`${rounds} messages came again and were answered once; ` +
				await bot.audit());
		}));
