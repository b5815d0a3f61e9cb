// bolt.mjs - an app on Slack's Bolt with one empty slash command, as it comes, or durable before it acknowledges.
// SPDX-License-Identifier: Apache-2.0
//
//	node bolt.mjs SECRET [FILE]		prints "listening on port N"
//
// With FILE, each command is written to it and fdatasync'ed first.  Bolt is
// the one of tests/peers/slack.

import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../peers/slack/', import.meta.url));
const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');

const [secret, path] = process.argv.slice(2);
const file = path === undefined ? undefined : await open(path, 'a');
const app = new App({ logLevel: LogLevel.ERROR,
	authorize: async () => ({ botToken: 'xoxb-bench', botId: 'B0BELLHOP',
		botUserId: 'U0BELLHOP' }),
	receiver: new HTTPReceiver({ signingSecret: secret,
		logLevel: LogLevel.ERROR }) });

app.command('/note', async ({ ack, body }) => {
	if (file !== undefined) {
		await file.write(`${JSON.stringify(body)}\n`);
		await file.datasync();
	}
	await ack();
});

const server = await app.start({ port: 0, host: '127.0.0.1' });
console.log(`listening on port ${server.address().port}`);
