// goldens.test.js - what the unit tests keep of our blocks, under the eyes of Slack's types and limits.
// SPDX-License-Identifier: Apache-2.0

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { blocksComplaints, requestComplaints } from './check.js';

const golden = readFileSync(new URL(
	'../../data/slack-hostile.golden', import.meta.url), 'utf8')
	.split('\n').filter((line) => line.startsWith('['))	// others are hashes
	.map((line) => line.split(/(?<=\]) (?=")/).map((half) =>
		JSON.parse(half)));

test('hundreds of hostile strings make blocks that Slack draws', (t) => {
	for (const [blocks, text] of golden) {
		assert.deepEqual(blocksComplaints(blocks), [], text);
		assert.deepEqual(requestComplaints('chat.postMessage',
			{ channel: 'C1', text: text || 'empty', blocks }), [], text);
	}
	assert.ok(golden.length >= 300);
	t.diagnostic(`measured: ${golden.length} hostile strings`);
});

// What somebody wrote is never a mention, a link or markup of Slack's: nothing
// in brackets but times, which we write.
test('none of them is a mention or a link', () => {
	const kinds = new Set();
	const plain = (text) => assert.doesNotMatch(text
		.replaceAll(/<!date\^\d+\^\{date_short_pretty\} \{time\}\|[\d: A-Z]+>/g,
			''), /[<>]/);
	const walk = (value) => {
		if (value === null || typeof value !== 'object')
			return;
		kinds.add(value.type);
		if (value.type === 'mrkdwn')
			plain(value.text);
		for (const child of Object.values(value))
			walk(child);
	};
	for (const [blocks, text] of golden) {
		walk(blocks);
		plain(text);
	}
	for (const kind of ['user', 'usergroup', 'broadcast', 'link', 'channel'])
		assert.ok(!kinds.has(kind), kind);
});
