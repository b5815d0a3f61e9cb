// hostile.test.js - service URLs that would have the bot's token: nobody is called, a listening trap sees nothing.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bellhop } from './bellhop.js';
import { Teams, people } from './client.js';

const { ada } = people;
const teams = new Teams();
const { urls } = JSON.parse(readFileSync(join(process.env.PEERS_DATA ??
	fileURLToPath(new URL('../../data', import.meta.url)),
'hostile-urls.json'), 'utf8'));
const caught = [];
let trap, bellhop;

// On every address of this machine, of both families where there are two.
function listen(host) {
	const server = createServer((socket) => {
		caught.push(`${socket.localAddress} from ${socket.remotePort}`);
		socket.destroy();
	});
	return new Promise((done, fail) => {
		server.on('error', fail);
		server.listen(0, host, () => done(server));
	});
}

before(async () => {
	trap = await listen('::').catch(() => listen('0.0.0.0'));
	await teams.start();
	bellhop = await new Bellhop(teams, { teams: { 'service-hosts': [
		teams.url, 'smba.trafficmanager.net', '*.botframework.com',
		'*.teams.microsoft.com'] } }).start();
	// The token is there and people are known: nothing else holds it back.
	await teams.says(ada, teams.places.ada, '!whoami');
	await teams.message(teams.places.ada, /You are Ada/);
});

after(async () => {
	await bellhop.stop();
	await teams.close();
	trap.close();
});

test(`${urls.length} hostile service URLs: refused, no connection`, async () => {
	assert.ok(urls.length >= 200);
	const before = teams.requests.length;
	const wrong = [];
	for (const { url, why } of urls) {
		const activity = { ...teams.activity('message', ada,
			teams.places.ada, { text: '!whoami' }),
		serviceUrl: url.replaceAll('{port}', trap.address().port) };
		const { status, body } = await teams.deliver(activity);
		if (![400, 401, 403].includes(status) || body !== undefined)
			wrong.push(`${status} ${why}: ${url.slice(0, 100)}`);
	}
	assert.deepEqual(wrong, []);
	assert.deepEqual(caught, []);
	assert.equal(teams.requests.length, before);
});

test('the same in invokes, which are answered at once', async () => {
	for (const { url } of urls.slice(0, 40)) {
		const { status } = await teams.deliver({ ...teams.activity('invoke',
			ada, teams.places.ada, { name: 'task/fetch', value: { data: {} } }),
		serviceUrl: url.replaceAll('{port}', trap.address().port) });
		assert.ok([400, 401, 403].includes(status), `${status} ${url}`);
	}
	assert.deepEqual(caught, []);
});

for (const status of [301, 302, 307, 308])
	test(`a ${status} of the connector leads nowhere`, async () => {
		teams.fault({ method: 'POST', path: /activities$/, status, times: 9,
			headers: { location:
				`http://127.0.0.1:${trap.address().port}/` } });
		await teams.says(ada, teams.places.ada, '!whoami');
		await teams.until(() => teams.requests.some((r) =>
			r.status === status), `a ${status}`);
		await teams.says(ada, teams.places.ada, '!about');
		teams.calm();
		await teams.says(ada, teams.places.ada, '!about');
		await teams.message(teams.places.ada, /bellhop \d/);
		assert.deepEqual(caught, []);
	});

test('the bot\'s token went nowhere but to the connector', () => {
	for (const { path, headers } of teams.requests)
		if (headers.authorization !== undefined)
			assert.match(path, /^\/teams\//);
	assert.deepEqual(caught, []);
});
