// tokens.test.js - the set of tokens before Microsoft's validators and before bellhop: the verdicts differ only where a row says why.
// SPDX-License-Identifier: Apache-2.0

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import botbuilder from 'botbuilder';
import connector from 'botframework-connector';
import { appId, bot, tenant } from './company.js';
import { Login } from './login.js';
import { makeKeys, published, tokens } from './tokens.js';

const { AuthenticationConfiguration, ChannelValidation,
	JwtTokenValidation, SimpleCredentialProvider,
	PasswordServiceClientCredentialFactory } = connector;
const login = new Login();
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
		const file = JSON.parse(readFileSync(fileURLToPath(new URL(
			'../../data/teams-tokens.json', import.meta.url)), 'utf8'));
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
