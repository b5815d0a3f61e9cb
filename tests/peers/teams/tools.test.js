// tools.test.js - `bellhop teams manifest` against Microsoft's schema, and `bellhop teams doctor` against a directory with one thing wrong at a time.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync,
	writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Ajv from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import { teamsBlock } from './bellhop.js';
import { Teams } from './client.js';
import { appId, tenant } from './company.js';

const directory = mkdtempSync(join(tmpdir(), 'bellhop-tools-'));
const cloud = new Teams();
const secret = [...cloud.secrets][0];
const site = 'https://bellhop.acme.example';

before(() => cloud.start());
after(async () => {
	await cloud.close();
	rmSync(directory, { recursive: true });
});

// Runs a tool with this block; JSON is YAML.
function teams(words, block, { main = {}, env = {} } = {}) {
	const file = join(directory, 'bellhop.yaml');
	writeFileSync(file, JSON.stringify({ store: 'sqlite::memory:',
		admins: ['a@acme.example'], 'public-url': site,
		chat: { corp: block }, ...main }, null, '\t'));
	chmodSync(file, 0o600);
	return new Promise((done) => execFile(process.env.BELLHOP ?? 'bellhop',
		['teams', ...words, '--config', file, '--plugin-directory',
			process.env.BELLHOP_PLUGIN_DIRECTORY ?? '.libs'],
		{ env: { ...process.env, TEAMS_SECRET: secret, ...env } },
		(error, out, err) => done({ status: error?.code ?? 0, out, err })));
}

// ---------------------------------------------------------------------------
// The manifest

const plain = { plugin: 'teams', 'app-id': appId, tenant,
	secret: 'env:TEAMS_SECRET' };
const schemas = join(dirname(createRequire(import.meta.url)
	.resolve('@microsoft/app-manifest')), '..');

function schema(version) {
	for (const at of ['json-schemas', 'build/json-schemas'])
		try {
			return JSON.parse(readFileSync(join(schemas, at,
				`teams/v${version}/MicrosoftTeams.schema.json`), 'utf8'));
		} catch { /* another layout of the package */ }
	throw new Error(`no schema ${version} below ${schemas}`);
}

function fits(manifest, version) {
	const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
	addFormats(ajv);
	const copy = { ...manifest, manifestVersion: version, $schema:
		manifest.$schema.replace(manifest.manifestVersion, version) };
	assert.ok(ajv.validate(schema(version), copy),
		JSON.stringify(ajv.errors, null, '\t'));
}

async function manifest(block = plain, words = [], more) {
	const { status, out, err } = await teams(['manifest', ...words], block,
		more);
	assert.equal(status, 0, err);
	const m = JSON.parse(out);
	assert.equal(m.manifestVersion, '1.19');
	fits(m, '1.19');
	fits(m, '1.29');
	return m;
}

test('the manifest is what Microsoft says one is', async () => {
	const m = await manifest();
	assert.equal(m.id, appId);
	assert.equal(m.bots[0].botId, appId);
	assert.deepEqual(m.bots[0].scopes, ['personal', 'team', 'groupChat']);
	assert.deepEqual(m.composeExtensions[0].commands.map((c) =>
		[c.id, c.type, c.fetchTask]), [['elevate', 'action', true]]);
	assert.equal(m.developer.websiteUrl, site);
	assert.equal(m.authorization, undefined);
	assert.ok(!JSON.stringify(m).includes(secret));
});

test('it asks for what the settings need', async () => {
	const m = await manifest({ ...plain, commands: Array.from({ length: 10 },
		(_, i) => `command-${i}-is-called-so`) },
	['--all-messages', '--name=Porter', '--site=https://wiki.acme.example/p']);
	assert.equal(m.composeExtensions[0].commands.length, 10);
	assert.equal(m.bots[0].commandLists[0].commands.length, 10);
	assert.deepEqual(m.authorization.permissions.resourceSpecific.map((r) =>
		r.name), ['ChannelMessage.Read.Group', 'ChatMessage.Read.Chat']);
	assert.equal(m.name.short, 'Porter');
	assert.equal(m.developer.privacyUrl, 'https://wiki.acme.example/p');
	assert.equal((await manifest({ ...plain, commands: [] }))
		.composeExtensions, undefined);
});

test('what cannot be a package says why', async () => {
	for (const [block, words, more, like] of [
		[{ ...plain, 'app-id': 'bellhop' }, [], {},
			/app-id must be the bot's application/],
		[plain, [`--name=${'x'.repeat(31)}`], {}, /one to 30 characters/],
		[plain, ['--site=http://a.example'], {}, /an https page/],
		[plain, [], { main: { 'public-url': undefined } }, /an https page/],
		[plain, ['--output=/nowhere/x.zip'], {}, /cannot be written/],
	]) {
		const { status, err } = await teams(['manifest', ...words], block,
			more);
		assert.equal(status, 1);
		assert.match(err, like);
	}
});

// The members of a ZIP file, by its directory.
function unzip(file) {
	const b = readFileSync(file), members = {};
	let at = b.readUInt32LE(b.length - 6);
	for (let n = b.readUInt16LE(b.length - 12); n > 0; n--) {
		assert.equal(b.readUInt32LE(at), 0x02014b50);
		assert.equal(b.readUInt16LE(at + 10), 0);	// stored
		const [size, name, local] = [b.readUInt32LE(at + 24),
			b.readUInt16LE(at + 28), b.readUInt32LE(at + 42)];
		const data = local + 30 + name;
		members[b.toString('utf8', at + 46, at + 46 + name)] =
			b.subarray(data, data + size);
		at += 46 + name;
	}
	return members;
}

test('the package has the manifest and two icons', async () => {
	const file = join(directory, 'bellhop.zip');
	const { status, out, err } = await teams(['manifest',
		`--output=${file}`], plain);
	assert.equal(status, 0, err);
	assert.match(out, /bellhop\.zip written: upload it in Teams/);
	assert.match(out, /messaging endpoint +https:\/\/bellhop\.acme\.example\/api\/messages/);
	assert.match(out, new RegExp(`az bot create .*--appid ${appId} ` +
		`--tenant-id ${tenant}`));
	const members = unzip(file);
	assert.deepEqual(Object.keys(members), ['manifest.json', 'color.png',
		'outline.png']);
	assert.deepEqual(JSON.parse(members['manifest.json']), await manifest());
	for (const [name, size] of [['color.png', 192], ['outline.png', 32]]) {
		assert.equal(members[name].toString('latin1', 1, 4), 'PNG');
		assert.equal(members[name].readUInt32BE(16), size);
		assert.equal(members[name].readUInt32BE(20), size);
		assert.equal(members[name][25], 6);	// with transparency
	}
	// Another program reads it, too, where there is one.
	try {
		execFileSync('unzip', ['-tq', file]);
	} catch (error) {
		assert.equal(error.code, 'ENOENT', error.message);
	}
	const before = readFileSync(file);
	await teams(['manifest', `--output=${file}`], plain);
	assert.deepEqual(readFileSync(file), before);
	assert.equal(statSync(file).mode & 0o022, 0);
});

// ---------------------------------------------------------------------------
// The doctor

// The doubles are on this machine, which is a problem by itself.
const usual = /service-hosts has http:\/\/127\.0\.0\.1:\d+: the bot's token/;

async function doctor({ block = {}, words = [], main, env } = {}) {
	const said = await teams(['doctor', ...words],
		teamsBlock(cloud, block), { main, env });
	assert.ok(!(said.out + said.err).includes(secret), 'a secret is shown');
	for (const token of cloud.issued.keys())
		assert.ok(!(said.out + said.err).includes(token), 'a token is shown');
	const lines = said.out.split('\n').filter((l) => l !== '');
	for (const line of lines)
		assert.match(line, /^(ok {7}|problem {2})\S/);
	return { ...said, problems: lines.filter((l) =>
		l.startsWith('problem') && !usual.test(l)) };
}

test('all is well', async () => {
	const { out, problems, status } = await doctor();
	assert.deepEqual(problems, []);
	assert.equal(status, 1);	// for the usual one
	for (const like of [/ok +the app is \S+, of the directory/,
		/messaging endpoint must be https:\/\/bellhop\.acme\.example\/api\/mess/,
		/ok +the metadata of Microsoft's keys is there/,
		/ok +the clock agrees/, /ok +Microsoft's keys are there: 1, 1 of them/,
		/ok +a token can be had by client secret/,
		/ok +the connector answers, and takes the bot's token/])
		assert.match(out, like);
});

// A certificate that ends so many days from now, and its key.
function certificate(days) {
	const at = (name) => join(directory, name);
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes',
		'-days', String(days), '-subj', '/CN=bellhop', '-keyout', at('key'),
		'-out', at('crt')], { stdio: 'ignore' });
	chmodSync(at('key'), 0o600);
	chmodSync(at('crt'), 0o600);
	cloud.certificates = [readFileSync(at('crt'), 'utf8')];
	return { secret: undefined, certificate: `file:${at('crt')}`,
		key: `file:${at('key')}` };
}

test('a certificate: its token, and its end', async () => {
	const { out, problems } = await doctor({ block: certificate(365) });
	assert.deepEqual(problems, []);
	assert.match(out, /ok +the certificate is good for 36[45] days/);
	assert.match(out, /ok +a token can be had by certificate/);
	const soon = await doctor({ block: certificate(10) });
	assert.equal(soon.problems.length, 1);
	assert.match(soon.problems[0], /ends in (9|10) days: make a new one/);
	const block = certificate(365);
	cloud.certificates = [];
	const unknown = await doctor({ block });
	assert.match(unknown.problems.join(), /does not know the certificate/);
});

test('rooms: is the bot in there?', async () => {
	const { general, access } = cloud.places;
	access.installed = false;
	const { out, problems } = await doctor({ words: [general.id, access.id,
		'19:nowhere@thread.tacv2'] });
	access.installed = true;
	assert.match(out, /ok +the bot is in 19:\S+, with \d+ others/);
	assert.equal(problems.length, 2);
	assert.match(problems[0], /not in .*BotNotInConversationRoster.*add the/);
	assert.match(problems[1], /not in 19:nowhere.*ConversationNotFound/);
});

test('Graph, if it is asked', async () => {
	cloud.on('GET', '/graph/v1.0/users', () => ({ value: [{ id: 'x' }] }));
	const { out, problems } = await doctor({ block: { email: 'graph' } });
	assert.deepEqual(problems, []);
	assert.match(out, /ok +Graph says who people are/);
	cloud.fault({ path: /graph/, status: 403, times: 9 });
	const no = await doctor({ block: { email: 'graph' } });
	cloud.calm();
	assert.match(no.problems.join(), /grant the app .*User\.Read\.All/);
});

// Another clock, or other keys, in front of the double's.
async function served(metadata, headers, work) {
	const server = createServer((request, response) => {
		for (const [name, value] of Object.entries(headers))
			response.setHeader(name, value);
		response.end(JSON.stringify(request.url.endsWith('/keys') ?
			metadata.keys : { issuer: 'https://api.botframework.com',
				jwks_uri: `http://127.0.0.1:${server.address().port}/keys`,
				...metadata }));
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	try {
		return await work(`http://127.0.0.1:${server.address().port}/`);
	} finally {
		server.close();
	}
}

const keys = () => ({ keys: cloud.keys.map((k) => k.jwk) });
const wrong = {
	'a wrong secret': [{ env: { TEAMS_SECRET: 'another' } },
		/no token can be had by client secret: the client secret is wrong/],
	'an expired secret': [{ env: { TEAMS_SECRET:
		[...cloud.expiredSecrets][0] } }, /the client secret has expired/],
	'an unknown directory': [{ block: { tenant:
		'00000000-0000-4000-8000-000000000000' } }, /there is no directory/],
	'an unknown app': [{ block: { 'app-id':
		'00000000-0000-4000-8000-000000000000' } }, /there is no app 0000/],
	'a bot for many': [{ block: { tenant: 'botframework.com',
		tenants: [tenant] } }, /multi-tenant bot/],
	'no address': [{ main: { 'public-url': undefined } },
		/public-url is not set/],
	'the emulator': [{ block: { emulator: true } }, /emulator is on/],
	'another signer': [{ block: { issuer: 'https://api.botframework.us' } },
		/issuer and metadata-url belong together/],
	'no metadata': [{ block: { 'metadata-url': 'http://127.0.0.1:9/x' } },
		/the metadata of Microsoft's keys is not at/],
	'no login service': [{ block: { 'login-url': 'http://127.0.0.1:9' } },
		/the login service is not reached/],
};

for (const [what, [how, like]] of Object.entries(wrong))
	test(`wrong: ${what}`, async () => {
		const { problems, status, err } = await doctor(how);
		assert.equal(status, 1);
		assert.match(problems.join('\n'), like);
		assert.match(err, /\d+ problems?/);
	});

test('wrong: the clock', async () => {
	const late = new Date(Date.now() + 600_000).toUTCString();
	const { problems } = await served({ keys: keys() }, { date: late },
		(url) => doctor({ block: { 'metadata-url': url } }));
	assert.equal(problems.length, 1);
	assert.match(problems[0], /clock is (59\d|60\d) s behind: start a time/);
});

test('wrong: keys of another channel, or none', async () => {
	const others = { keys: keys().keys.map((k) => ({ ...k,
		endorsements: ['webchat'] })) };
	const { problems } = await served({ keys: others }, {},
		(url) => doctor({ block: { 'metadata-url': url } }));
	assert.match(problems.join(), /none of the 1 keys is for Teams/);
	const none = await served({ keys: {} }, {},
		(url) => doctor({ block: { 'metadata-url': url } }));
	assert.match(none.problems.join(), /keys cannot be had/);
});

test('wrong: the connector', async () => {
	cloud.fault({ path: /members/, status: 401, times: 9 });
	const { problems } = await doctor();
	cloud.calm();
	assert.match(problems.join(), /does not take the bot's token/);
	cloud.fault({ path: /members/, status: 503, times: 99 });
	const down = await doctor();
	cloud.calm();
	assert.match(down.problems.join(), /connector is not reached/);
});

test('what cannot be right is said before anything is asked', async () => {
	for (const [block, like] of [[{ secret: undefined }, /nothing says how/],
		[{ 'managed-identity': appId }, /in one way; keep one/],
		[{ tenant: 'acme' }, /tenant must be the directory/]]) {
		const { status, out, err } = await teams(['doctor'],
			teamsBlock(cloud, block));
		assert.notEqual(status, 0);
		assert.match(err, like);
		assert.equal(out, '');
	}
});
