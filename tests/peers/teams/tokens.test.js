// tokens.test.js - the set of tokens before Microsoft's validators and before bellhop: the verdicts differ only where a row says why.
// SPDX-License-Identifier: Apache-2.0

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import botbuilder from 'botbuilder';
import connector from 'botframework-connector';
import { Bellhop } from './bellhop.js';
import { Teams, people } from './client.js';
import { appId, bot, tenant } from './company.js';
import { makeKeys, published, tokens } from './tokens.js';

const { AuthenticationConfiguration, ChannelValidation,
	JwtTokenValidation, SimpleCredentialProvider,
	PasswordServiceClientCredentialFactory } = connector;
const login = new Teams();
const quiet = console.error;
let keys, list;

before(async () => {
	await login.start();
	keys = makeKeys();
	login.keys = published(keys).map((jwk) => ({ jwk }));
	login.entraKeys = [keys.entra];
	ChannelValidation.OpenIdMetadataEndpoint = login.metadataUrl;
	console.error = () => {};	// the package writes tokens there
});

after(async () => {
	console.error = quiet;
	await login.close();
});

// Its validators take nothing less than an activity.
function activityOf(row) {
	return { type: 'message', id: '1', recipient: bot, text: 'hi',
		...row.activity };
}

async function verdict(judge) {
	try {
		return (await judge()).isAuthenticated === true;
	} catch {
		return false;
	}
}

// The one that CloudAdapter uses.  It keeps keys by the URL of the metadata:
// `more` makes it another.
function modern(more = '') {
	const auth = new botbuilder.ConfigurationBotFrameworkAuthentication({
		ToBotFromChannelOpenIdMetadataUrl: login.metadataUrl + more,
		ToBotFromEmulatorOpenIdMetadataUrl: `${login.url}/${tenant}/v2.0/` +
			`.well-known/openid-configuration${more}`,
		ToChannelFromBotLoginUrl: 'https://login.microsoftonline.com/x',
		ToChannelFromBotOAuthScope: 'https://api.botframework.com',
		ToBotFromChannelTokenIssuer: 'https://api.botframework.com',
		CallerId: 'x', OAuthUrl: 'https://x.example', ValidateAuthority: 'true',
	}, new PasswordServiceClientCredentialFactory(appId, 'secret'));
	return async (activity, header) => (await auth.authenticateRequest(
		activity, header)).claimsIdentity;
}

function classic() {
	const credentials = new SimpleCredentialProvider(appId, '');
	return (activity, header) => JwtTokenValidation.authenticateRequest(
		activity, header, credentials, '', new AuthenticationConfiguration());
}

describe('Microsoft\'s validators agree with the set', () => {
	for (const [name, make, emulator] of [['CloudAdapter\'s', modern, true],
		['JwtTokenValidation', classic, false]])
		test(name, async () => {
			list = tokens({ now: Date.now() / 1000 | 0, keys, edge: 30,
				serviceUrl: 'https://smba.trafficmanager.net/teams/' });
			const judge = make();
			const wrong = [];
			for (const row of list) {
				if (row.emulator && !emulator)
					continue;
				const said = await verdict(() => judge(activityOf(row),
					row.authorization));
				if (said !== row.microsoft)
					wrong.push(`${row.name}: ${said ? 'accepts' : 'rejects'}`);
			}
			assert.deepEqual(wrong, []);
		});

	test('on the tokens of the file, at their time', async (t) => {
		const file = JSON.parse(readFileSync(join(process.env.PEERS_DATA ??
			fileURLToPath(new URL('../../data', import.meta.url)),
		'teams-tokens.json'), 'utf8'));
		login.keys = file.jwks.keys.map((jwk) => ({ jwk }));
		login.entraKeys = file.entra.keys.map((jwk) => ({ jwk }));
		t.mock.timers.enable({ apis: ['Date'], now: file.now * 1000 });
		const judge = modern('?file');
		const wrong = [];
		for (const row of file.tokens) {
			const said = await verdict(() => judge(activityOf(row),
				row.authorization));
			if (said !== row.microsoft)
				wrong.push(`${row.name}: ${said ? 'accepts' : 'rejects'}`);
		}
		assert.deepEqual(wrong, []);
		assert.deepEqual(file.tokens.map((r) => [r.name, r.ours]),
			list.map((r) => [r.name, r.ours]),
			'make it anew: node tokens.js ../../data/teams-tokens.json');
	});

	test('the set is large enough, and says why it is stricter', () => {
		assert.ok(list.filter((r) => !r.ours && !r.microsoft).length >= 60);
		for (const row of list)
			assert.equal(row.microsoft !== row.ours,
				row.stricter !== undefined, row.name);
		assert.equal(new Set(list.map((r) => r.name)).size, list.length);
	});
});

// Sends as it is: fetch() would make headers pretty.  { status, body }
function send(url, { method = 'POST', headers = {}, body = '' } = {}) {
	return new Promise((done, fail) => {
		const ask = request(url, { method, headers: {
			'content-type': 'application/json', ...headers } }, (answer) => {
			let text = '';
			answer.on('data', (data) => { text += data; });
			answer.on('end', () => done({ status: answer.statusCode,
				body: text }));
		});
		ask.on('error', fail);
		ask.end(body);
	});
}

// The row as an activity of Ada's, in a chat of her own.
function activityFrom(row) {
	const activity = login.activity('message', people.ada, login.places.ada,
		{ text: '!whoami', textFormat: 'plain',
			channelData: { tenant: { id: row.tenant } } });
	activity.conversation.tenantId = row.tenant;
	delete activity.serviceUrl;
	delete activity.channelId;
	return { ...activity, ...row.activity };
}

for (const emulator of [false, true])
	describe(`bellhop agrees over HTTP, emulator ${emulator ? 'on' : 'off'}`,
		() => {
			let bellhop, rows;

			before(async () => {
				login.keys = published(keys).map((jwk) => ({ jwk }));
				login.entraKeys = [keys.entra];
				login.requests = [];
				login.sent = [];
				login.throttle = false;
				rows = tokens({ now: Date.now() / 1000 | 0, keys, edge: 60,
					serviceUrl: login.serviceUrl })
					.filter((r) => r.http !== false);
				bellhop = await new Bellhop(login, { teams: { emulator } })
					.start();
			});

			after(() => bellhop.stop());

			test('on all tokens, and says nothing to bad ones', async () => {
				const wrong = [];
				for (const row of rows) {
					const wanted = emulator && row.emulator ? row.microsoft :
						row.ours;
					const { status, body } = await send(login.endpoint, {
						headers: row.authorization === '' ? {} :
							{ authorization: row.authorization },
						body: JSON.stringify(activityFrom(row)) });
					// Without a channel it is no activity.
					const no = row.activity.channelId === undefined ?
						[400, 401, 403] : [401, 403];
					if (wanted ? status !== 200 : !no.includes(status))
						wrong.push(`${row.name}: ${status}`);
					if (!wanted && body !== '')
						wrong.push(`${row.name}: says ${body}`);
				}
				assert.deepEqual(wrong, []);
			});

			test('and did nothing for bad ones', async () => {
				const good = rows.filter((r) => r.ours || (emulator &&
					r.emulator && r.microsoft)).length;
				await login.until(() => login.sent.length >= good,
					() => `${good} answers, there are ${login.sent.length}`, 60);
				assert.equal(login.sent.length, good);
				assert.deepEqual(login.complaints, []);
			});

			if (emulator)
				test('and says in the log that desks are let in', () =>
					bellhop.logs(/EMULATOR/));
		});

describe('bellhop refuses what is no delivery', () => {
	let bellhop, good;

	before(async () => {
		bellhop = await new Bellhop(login).start();
		login.keys = [keys.good];
	});
	after(() => bellhop.stop());

	const cases = {
		'two tokens in two headers': () => ({ headers: { authorization:
			[good, good] } }),
		'a token in the query': () => ({ query: `?access_token=${good}`,
			headers: {} }),
		'a GET': () => ({ method: 'GET', body: '' }),
		'a body that is no JSON': () => ({ body: 'hello' }),
		'a list': () => ({ body: '[]' }),
		'an empty body': () => ({ body: '' }),
		'an activity twice in one': (a) => ({ body: JSON.stringify(a) +
			JSON.stringify(a) }),
		'a key twice': (a) => ({ body: `{"serviceUrl":"https://evil.example/",` +
			JSON.stringify(a).slice(1) }),
		'JSON that is too deep': (a) => ({ body: JSON.stringify({ ...a,
			value: JSON.parse('['.repeat(100) + ']'.repeat(100)) }) }),
		'bad UTF-8': (a) => ({ body: Buffer.from(JSON.stringify({ ...a,
			text: 'X' }).replace('"X"', '"\xff"'), 'latin1') }),
		'two megabytes': (a) => ({ body: JSON.stringify({ ...a,
			text: 'x'.repeat(2 << 20) }) }),
	};
	for (const [name, change] of Object.entries(cases))
		test(name, async () => {
			const activity = login.activity('message', people.ada,
				login.places.ada, { text: '!whoami' });
			good = `Bearer ${login.channelToken(activity)}`;
			const how = { headers: { authorization: good },
				body: JSON.stringify(activity), ...change(activity) };
			const { status, body } = await send(login.endpoint +
				(how.query ?? ''), how).catch((error) => ({ status: 400,
				body: /EPIPE|ECONNRESET/.test(error.code) ? '' : error }));
			assert.ok(status >= 400 && status < 500, `${status}`);
			// These two are the host's own, before anybody looks at a token.
			if (status !== 405 && status !== 413)
				assert.equal(body, '');
		});
});
