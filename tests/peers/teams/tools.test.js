// tools.test.js - the app's package against Microsoft's published schemas, and the doctor before the doubles.
// SPDX-License-Identifier: Apache-2.0

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { AppManifestUtils } from '@microsoft/app-manifest';
import { Bellhop } from './bellhop.js';
import { Teams } from './client.js';
import { appId, tenant } from './company.js';

const teams = new Teams();
const { resolve } = createRequire(import.meta.url);
const schemas = join(resolve('@microsoft/app-manifest'), '..', 'json-schemas',
	'teams');
const site = { 'public-url': 'https://bellhop.acme.example' };

before(() => teams.start());
after(() => teams.close());

async function withTool(options, body) {
	const bellhop = new Bellhop(teams, { main: site, ...options });
	try {
		await body((...words) => bellhop.tool('teams', ...words), bellhop);
	} finally {
		await bellhop.stop();
	}
}

// The files of a zip by name: its directory at the end, then each.
function unzip(bytes) {
	const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06'));
	const files = {};
	let at = bytes.readUInt32LE(end + 16);
	for (let n = bytes.readUInt16LE(end + 10); n > 0; n--) {
		const [method, crc, packed, size] = [bytes.readUInt16LE(at + 10),
			bytes.readUInt32LE(at + 16), bytes.readUInt32LE(at + 20),
			bytes.readUInt32LE(at + 24)];
		const names = bytes.readUInt16LE(at + 28);
		const name = bytes.toString('utf8', at + 46, at + 46 + names);
		const local = bytes.readUInt32LE(at + 42);
		const from = local + 30 + bytes.readUInt16LE(local + 26) +
			bytes.readUInt16LE(local + 28);
		const raw = bytes.subarray(from, from + packed);
		files[name] = method === 8 ? zlib.inflateRawSync(raw) : raw;
		assert.equal(files[name].length, size, name);
		if (zlib.crc32 !== undefined)	// since Node 20.15
			assert.equal(zlib.crc32(files[name]), crc, name);
		at += 46 + names + bytes.readUInt16LE(at + 30) +
			bytes.readUInt16LE(at + 32);
	}
	return files;
}

// A PNG of 8 bits with alpha: { width, height, pixels of [r, g, b, a] }.
function png(bytes) {
	assert.equal(bytes.toString('latin1', 1, 4), 'PNG');
	const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
	assert.deepEqual([bytes[24], bytes[25]], [8, 6], '8 bits, RGBA');
	const parts = [];
	for (let at = 8; at < bytes.length;) {
		const size = bytes.readUInt32BE(at);
		if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT')
			parts.push(bytes.subarray(at + 8, at + 8 + size));
		at += size + 12;
	}
	const raw = zlib.inflateSync(Buffer.concat(parts));
	const out = Buffer.alloc(width * height * 4), line = width * 4;
	for (let y = 0; y < height; y++)
		for (let x = 0; x < line; x++) {
			const i = y * line + x;
			const a = x >= 4 ? out[i - 4] : 0, b = y > 0 ? out[i - line] : 0;
			const c = x >= 4 && y > 0 ? out[i - line - 4] : 0;
			const p = a + b - c;
			const [pa, pb, pc] = [a, b, c].map((v) => Math.abs(p - v));
			const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
			out[i] = raw[y * (line + 1) + 1 + x] + [0, a, b, (a + b) >> 1,
				paeth][raw[y * (line + 1)]];
		}
	return { width, height, pixels: Array.from({ length: width * height },
		(_, i) => [...out.subarray(i * 4, i * 4 + 4)]) };
}

async function complaints(manifest, version) {
	const schema = JSON.parse(readFileSync(join(schemas, `v${version}`,
		'MicrosoftTeams.schema.json'), 'utf8').replace(/\\\\a/g, '\\\\x07'));
	return AppManifestUtils.validateAgainstSchema({ ...manifest,
		manifestVersion: version, $schema: manifest.$schema.replace(
			/v1\.\d+/, `v${version}`) }, schema);
}

describe('the manifest', () => {
	for (const [name, words] of [['as it is', []],
		['that hears all', ['--all-messages']],
		['under another name', ['--name=Acme access']],
		['with a page of its own', ['--site=https://wiki.acme.example/b']]])
		test(`${name} is valid as 1.19 and later`, () =>
			withTool({}, async (tool) => {
				const { status, out } = await tool('manifest', ...words);
				assert.equal(status, 0);
				const manifest = JSON.parse(out);
				for (const version of [manifest.manifestVersion, '1.19', '1.25',
					'1.29'])
					assert.deepEqual(await complaints(manifest, version), [],
						version);
				assert.equal(manifest.bots[0].botId, appId);
				assert.deepEqual([...manifest.bots[0].scopes].sort(),
					['groupChat', 'personal', 'team']);
				assert.ok(manifest.composeExtensions[0].commands.length > 0);
			}));

	test('is worth checking: what is wrong is seen', () =>
		withTool({}, async (tool) => {
			const manifest = JSON.parse((await tool('manifest')).out);
			for (const spoil of [(m) => { delete m.icons; },
				(m) => { m.bots[0].scopes = ['everywhere']; },
				(m) => { m.name.short = 'x'.repeat(31); }]) {
				const copy = structuredClone(manifest);
				spoil(copy);
				assert.notDeepEqual(await complaints(copy, '1.19'), []);
			}
		}));

	test('in its package, with both icons', () =>
		withTool({}, async (tool, bellhop) => {
			const file = join(bellhop.directory, 'app.zip');
			const { status, out } = await tool('manifest', `--output=${file}`);
			assert.equal(status, 0);
			assert.match(out, /https:\/\/bellhop\.acme\.example\/api\/messages/);
			const files = unzip(readFileSync(file));
			const manifest = JSON.parse(files['manifest.json']);
			assert.deepEqual(Object.keys(files).sort(), ['manifest.json',
				manifest.icons.color, manifest.icons.outline].sort());
			const color = png(files[manifest.icons.color]);
			assert.deepEqual([color.width, color.height], [192, 192]);
			const outline = png(files[manifest.icons.outline]);
			assert.deepEqual([outline.width, outline.height], [32, 32]);
			const colours = new Set(outline.pixels.filter(([, , , a]) => a > 0)
				.map((p) => p.slice(0, 3).join()));
			assert.deepEqual([...colours], ['255,255,255'], 'white alone');
			assert.ok(outline.pixels.some(([, , , a]) => a === 0));
		}));
});

// The doubles are on this machine, which is a problem by itself.
const usual = /service-hosts has http:\/\/127\.0\.0\.1:\d+: the bot's token/;

// What the doctor says of these settings; no secret is ever among it.
async function doctor(options = {}, ...rooms) {
	let said;
	await withTool(options, async (tool) => {
		said = await tool('doctor', ...rooms);
	});
	const all = said.out + said.err;
	for (const secret of [...teams.secrets, ...teams.expiredSecrets,
		...teams.issued.keys(), options.secret ?? 'guessed'])
		assert.ok(!all.includes(secret), 'a secret is shown');
	const lines = said.out.split('\n').filter((l) => l !== '');
	for (const line of lines)
		assert.match(line, /^(ok {7}|problem {2})[ -~]+$/);
	return { ...said, problems: lines.filter((l) =>
		l.startsWith('problem') && !usual.test(l)) };
}

const nobody = '00000000-0000-4000-8000-000000000000';
const nowhere = 'http://127.0.0.1:9';

// One thing is wrong at a time, and it is named, with what to do or to click.
const wrong = {
	'a wrong secret': [{ secret: 'guessed' },
		/by client secret: the client secret is wrong.*Certificates & secrets/],
	'an expired secret': [{ secret: 'last year\'s secret' },
		/the client secret has expired.*Certificates & secrets/],
	'another app': [{ teams: { 'app-id': nobody } },
		/there is no app 0000.*app registration's overview/],
	'another directory': [{ teams: { tenant: nobody } },
		/there is no directory 0000.*app registration's overview/],
	'no login service': [{ teams: { 'login-url': nowhere } },
		/the login service is not reached .*compare login-url/],
	'no metadata': [{ teams: { 'metadata-url': `${nowhere}/x` } },
		/the metadata of Microsoft's keys is not at .*compare metadata-url/],
	'another cloud': [{ teams: { issuer: 'https://api.botframework.us' } },
		/issuer and metadata-url belong together/],
	'a bot for many tenants': [{ teams: { tenant: 'botframework.com',
		tenants: [tenant] } }, /multi-tenant bot.*single-tenant/],
	'no address': [{ main: {} }, /public-url is not set in the main file/],
	'the emulator': [{ teams: { emulator: true } },
		/emulator is on.*switch it off/],
};

describe('the doctor', () => {
	test('finds a good set-up in order', async () => {
		const { out, problems, status } = await doctor();
		assert.deepEqual(problems, []);
		assert.equal(status, 1);	// for the usual one
		for (const like of [/the app is \S+, of the directory/,
			/endpoint must be https:\/\/bellhop\.acme\.example\/api\/messages$/m,
			/the metadata of Microsoft's keys is there/,
			/the clock agrees/, /Microsoft's keys are there: 1, 1 of them/,
			/a token can be had by client secret/,
			/the connector answers, and takes the bot's token/])
			assert.match(out, new RegExp(`ok +.*${like.source}`, like.flags));
	});

	for (const [what, [options, like]] of Object.entries(wrong))
		test(`says what to do about ${what}`, async () => {
			const { problems, status, err } = await doctor(options);
			assert.equal(status, 1);
			assert.equal(problems.length, 1, problems.join('\n'));
			assert.match(problems[0], like);
			assert.match(err, /\d problems?\n/);
		});

	for (const [what, fault, like] of [
		['the connector takes no token', { path: /members/, status: 401 },
			/Azure Bot with this app id, and its Microsoft Teams channel/],
		['the connector is down', { path: /members/, status: 503 },
			/the connector is not reached/],
		['the keys are not there', { path: /keys$/, status: 503 },
			/keys cannot be had .*may this machine go there/],
		['Graph may not be read', { path: /graph/, status: 403 },
			/grant the app .* User\.Read\.All, with admin consent/],
		['a terminal is attacked', { path: /members/, status: 401, body: {
			error: { code: 'x\u001b[2J\u202e\r\nok       all is well' } } },
			/does not take the bot's token \(x\[2J ok {7}all is well\)/],
	])
		test(`says so when ${what}`, async () => {
			teams.fault({ times: 99, ...fault });
			const { problems } = await doctor({ teams: what.startsWith('Graph') ?
				{ email: 'graph' } : {} });
			teams.calm();
			assert.equal(problems.length, 1, problems.join('\n'));
			assert.match(problems[0], like);
		});

	test('says whether the bot is in a room', async () => {
		const { general, access } = teams.places;
		access.installed = false;
		const { out, problems } = await doctor({}, general.id, access.id,
			'19:nowhere@thread.tacv2');
		access.installed = true;
		assert.match(out, /^ok +the bot is in 19:\S+, with \d+ others$/m);
		assert.equal(problems.length, 2, out);
		assert.match(problems[0],
			/not in .*BotNotInConversationRoster.*add the app to that team/);
		assert.match(problems[1], /not in 19:nowhere.*ConversationNotFound/);
	});

	test('asks nothing when the settings cannot be right', async () => {
		for (const [own, like] of [[{ secret: undefined }, /nothing says how/],
			[{ 'managed-identity': appId }, /in one way; keep one/]])
			await withTool({ teams: own }, async (tool) => {
				const { status, out, err } = await tool('doctor');
				assert.notEqual(status, 0);
				assert.match(err, like);
				assert.equal(out, '');
			});
	});
});
