// credentials.test.js - the four ways in which bellhop gets the bot's own token, and what it says when one is refused.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bellhop } from './bellhop.js';
import { Teams, people } from './client.js';
import { appId, guid, tenant } from './company.js';
import { jws, makeKey } from './login.js';

const { ada } = people;
const teams = new Teams();
const own = teams.places.ada;
const directory = mkdtempSync(join(tmpdir(), 'credentials-'));
const file = (name, content) => {
	const path = join(directory, name);
	writeFileSync(path, content, { mode: 0o600 });
	return path;
};

function certificate(name, bits = 2048) {
	const [key, pem] = ['key', 'crt'].map((e) =>
		join(directory, `${name}.${e}`));
	execFileSync('openssl', ['req', '-x509', '-newkey', `rsa:${bits}`,
		'-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out',
		pem], { stdio: 'ignore' });
	execFileSync('chmod', ['600', key, pem]);
	return { key, pem };
}

before(() => teams.start());
after(async () => {
	await teams.close();
	rmSync(directory, { recursive: true });
});

// With these settings it answers; `how` looks at the form it sent.
async function answers(settings, how = () => {}, env = {}) {
	teams.requests = [];
	own.messages = [];
	const bellhop = await new Bellhop(teams, { teams: { secret: undefined,
		...settings }, env }).start();
	try {
		await teams.says(ada, own, '!about');
		await teams.message(own, /bellhop \d/).catch((error) => {
			error.message += bellhop.log;
			throw error;
		});
		how(teams.saw('POST', /oauth2\/v2.0\/token$/)[0]?.body);
		assert.doesNotMatch(bellhop.log, /eyJ|PRIVATE KEY/);
	} finally {
		await bellhop.stop();
	}
}

async function refused(settings, like, env = {}) {
	const bellhop = await new Bellhop(teams, { teams: { secret: undefined,
		...settings }, env }).start();
	try {
		await bellhop.logs(like);
		assert.match((await bellhop.ready()).text, /teams\/corp down/);
		assert.doesNotMatch(bellhop.log, /eyJ|PRIVATE KEY/);
	} finally {
		await bellhop.stop();
	}
}

test('a secret', () => answers({ secret: 'env:TEAMS_SECRET' }, (form) => {
	assert.equal(form.grant_type, 'client_credentials');
	assert.equal(form.scope, 'https://api.botframework.com/.default');
	assert.equal(form.client_secret, [...teams.secrets][0]);
}));

test('a certificate and its key', async () => {
	const { key, pem } = certificate('own');
	teams.certificates.push(readFileSync(pem, 'utf8'));
	await answers({ certificate: `file:${pem}`, key: `file:${key}` },
		(form) => {
			assert.equal(form.client_secret, undefined);
			const [header, claims] = form.client_assertion.split('.').map((p) =>
				Buffer.from(p, 'base64url').toString());
			assert.match(JSON.parse(header).alg, /^[RP]S256$/);
			assert.ok(JSON.parse(claims).exp - Date.now() / 1000 <= 605);
		});
});

test('both in one file', async () => {
	const { key, pem } = certificate('both', 3072);
	teams.certificates.push(readFileSync(pem, 'utf8'));
	await answers({ certificate: `file:${file('both.pem',
		readFileSync(pem, 'utf8') + readFileSync(key, 'utf8'))}` });
});

test('a certificate that is not the app\'s', async () => {
	const { key, pem } = certificate('other');
	await refused({ certificate: `file:${pem}`, key: `file:${key}` },
		/does not know the certificate/);
});

const cluster = makeKey();
const account = (sub, more = {}) => jws({ alg: 'RS256', kid: cluster.kid }, {
	iss: 'https://cluster.example', sub, aud: 'api://AzureADTokenExchange',
	exp: Math.floor(Date.now() / 1000) + 3600, ...more }, cluster.privateKey);

test('a federated token, read anew each time', async () => {
	teams.federated.push({ issuer: 'https://cluster.example',
		subject: 'system:serviceaccount:chat:bellhop',
		key: cluster.publicKey });
	const path = file('token', account('system:serviceaccount:chat:bellhop'));
	await answers({ 'federated-token-file': path }, (form) => {
		assert.match(form.client_assertion_type, /jwt-bearer$/);
	});
});

test('a federated token of somebody else', () => refused({
	'federated-token-file': file('stranger',
		account('system:serviceaccount:chat:stranger')) },
/no federated credential of app .* has the token's subject/));

test('a federated token for something else', () => refused({
	'federated-token-file': file('audience', account(
		'system:serviceaccount:chat:bellhop', { aud: 'https://x.example' })) },
/no federated credential of app .* has the token's audience/));

const azure = () => ({ IDENTITY_ENDPOINT: `${teams.url}/msi/token`,
	IDENTITY_HEADER: 'identity-header' });

test('a managed identity that is the bot', async () => {
	teams.identities.add(appId);
	await answers({ 'managed-identity': appId }, (form) => {
		assert.equal(form, undefined, 'no login beside');
		assert.equal(teams.saw('GET', /msi/)[0].query.resource,
			'https://api.botframework.com');
	}, azure());
});

test('a managed identity that the app trusts', async () => {
	const identity = guid('identity');
	teams.identities.add(identity);
	teams.federated.push({ subject: identity,
		issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
		key: teams.entraKeys[0].publicKey });
	await answers({ 'managed-identity': identity }, (form) => {
		assert.ok(form.client_assertion);
		assert.equal(form.client_id, appId);
	}, azure());
});

test('a managed identity that this machine has not', () => refused({
	'managed-identity': guid('nobody') }, /identity/, azure()));
