// tools.test.js - `bellhop slack manifest` against Slack's own type and limits, and `bellhop slack doctor` against a workspace with one thing wrong at a time.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const directory = mkdtempSync(join(tmpdir(), 'bellhop-tools-'));
const secrets = { SLACK_BOT: 'xoxb-1-doctor', SLACK_APP: 'xapp-1-doctor',
	SLACK_SIGNING: '0123456789abcdef0123456789abcdef' };
const socket = { plugin: 'slack', mode: 'socket', 'bot-token': 'env:SLACK_BOT',
	'app-token': 'env:SLACK_APP' };
const http = { plugin: 'slack', mode: 'http', 'bot-token': 'env:SLACK_BOT',
	'signing-secret': 'env:SLACK_SIGNING' };

after(() => rmSync(directory, { recursive: true }));

// Runs a tool with this block; JSON is YAML.
function slack(tool, block, { main = {}, env = {}, rooms = [] } = {}) {
	const file = join(directory, 'bellhop.yaml');
	const write = (name, value) => {
		writeFileSync(name, JSON.stringify(value, null, '\t'));
		chmodSync(name, 0o600);
	};
	write(file, { store: 'sqlite::memory:', admins: ['a@acme.example'],
		chat: { acme: block }, delegate: { payments: { rooms } }, ...main });
	mkdirSync(join(directory, 'team.d'), { recursive: true, mode: 0o700 });
	write(join(directory, 'team.d/payments.yaml'), { rooms });
	return new Promise((done) => execFile(process.env.BELLHOP ?? 'bellhop',
		['slack', ...tool, '--config', file, '--plugin-directory',
			process.env.BELLHOP_PLUGIN_DIRECTORY ?? '.libs'],
		{ env: { ...process.env, ...secrets, ...env } },
		(error, out, err) => done({ status: error?.code ?? 0, out, err })));
}

// ---------------------------------------------------------------------------
// The manifest

const strict = new Ajv({ strict: false, allErrors: true });
let fits;

before(() => {
	const schema = createGenerator({ path: fileURLToPath(new URL(
		'manifest.ts', import.meta.url)), type: 'TheManifest',
	skipTypeCheck: true, additionalProperties: false, jsDoc: 'none',
	expose: 'all' }).createSchema('TheManifest');
	// Its outermost type takes anything; Slack takes these.
	for (const d of Object.values(schema.definitions))
		if (d.properties?.display_information !== undefined)
			d.additionalProperties = false;
	fits = strict.compile(schema);
});

// What the types do not say: docs.slack.dev/reference/app-manifest.
function withinLimits(m) {
	const at = (text, most, least = 1) => assert.ok([...text].length <= most &&
		[...text].length >= least, `"${text}" is not ${least} to ${most}`);
	at(m.display_information.name, 35);
	at(m.display_information.description, 140);
	assert.match(m.display_information.background_color, /^#[0-9a-f]{6}$/);
	at(m.features.bot_user.display_name, 80);
	for (const c of m.features.slash_commands ?? []) {
		at(c.command, 32, 2);
		assert.match(c.command, /^\//);
		at(c.description, 2000);
		at(c.usage_hint, 1000);
	}
	assert.ok((m.features.slash_commands?.length ?? 1) <= 50);
	for (const s of m.features.shortcuts ?? []) {
		at(s.name, 24);
		at(s.description, 150);
		at(s.callback_id, 255);
	}
	assert.ok((m.features.shortcuts?.length ?? 1) <= 10);
	const ids = (m.features.shortcuts ?? []).map((s) => s.callback_id);
	assert.equal(new Set(ids).size, ids.length);
}

async function manifest(block, more) {
	const { status, out, err } = await slack(['manifest', '--format=json'],
		block, more);
	assert.equal(status, 0, err);
	const m = JSON.parse(out);
	assert.ok(fits(m), JSON.stringify(fits.errors, null, '\t'));
	withinLimits(m);
	return m;
}

const urls = (m) => JSON.stringify(m).match(/https?:\/\/[^"]*/g) ?? [];

test('Socket Mode needs no address', async () => {
	const m = await manifest(socket);
	assert.deepEqual(urls(m), []);
	assert.equal(m.settings.socket_mode_enabled, true);
	assert.equal(m.settings.token_rotation_enabled, false);
	assert.equal(m.settings.interactivity.is_enabled, true);
	assert.deepEqual(m.features.slash_commands.map((c) => c.command),
		['/elevate', '/bellhop']);
	assert.deepEqual(m.features.shortcuts.map((s) => [s.type, s.callback_id]),
		[['global', 'elevate'], ['message', 'elevate:message']]);
	assert.ok(m.features.app_home.home_tab_enabled);
});

test('HTTP has one address everywhere', async () => {
	const m = await manifest(http, { main: {
		'public-url': 'https://bellhop.acme.example' } });
	assert.equal(m.settings.socket_mode_enabled, false);
	assert.deepEqual(new Set(urls(m)),
		new Set(['https://bellhop.acme.example/slack/acme']));
	assert.equal(urls(m).length, 5);
});

test('HTTP without an address says what to write', async () => {
	const { status, err } = await slack(['manifest'], http);
	assert.equal(status, 1);
	assert.match(err, /needs public-url: in the main file/);
});

test('only what the configuration needs', async () => {
	const quiet = await manifest({ ...socket, 'channel-messages': false,
		commands: ['bellhop'] });
	const scopes = quiet.oauth_config.scopes.bot;
	assert.ok(!scopes.includes('channels:history'), `${scopes}`);
	assert.ok(!quiet.settings.event_subscriptions.bot_events
		.includes('message.channels'));
	assert.ok(scopes.includes('im:history'));
	assert.equal(quiet.features.shortcuts, undefined);
	const grid = await manifest({ ...socket, workspaces: ['E012AB'],
		'refresh-token': 'env:R', 'client-id': '1.2',
		'client-secret': 'env:C' });
	assert.equal(grid.settings.org_deploy_enabled, true);
	assert.equal(grid.settings.token_rotation_enabled, true);
});

test('of several blocks one is to be named', async () => {
	const chat = { acme: http, globex: { ...socket,
		'app-token': 'env:SLACK_APP' } };
	const main = { chat, 'public-url': 'https://bellhop.acme.example' };
	const { status, err } = await slack(['manifest'], undefined, { main });
	assert.equal(status, 2);
	assert.match(err, /say --block and one of acme, globex/);
	const named = async (block) => JSON.parse((await slack(['manifest',
		'--format=json', '--block', block], undefined, { main })).out);
	assert.equal((await named('acme')).settings.socket_mode_enabled, false);
	assert.equal((await named('globex')).settings.socket_mode_enabled, true);
});

test('YAML says the same, and needs no secret to be there', async () => {
	const block = { ...socket, 'bot-token': 'file:/nowhere' };
	const json = await manifest(block);
	const yaml = await slack(['manifest'], block);
	assert.equal(yaml.status, 0, yaml.err);
	assert.deepEqual(parseYaml(yaml.out), json);
});

// As much of YAML as a manifest has: indents, "- ", JSON strings and words.
function parseYaml(text) {
	const lines = text.split('\n').filter((l) => l !== '')
		.map((l) => [l.search(/\S/), l.trim()]);
	const scalar = (s) => JSON.parse(s);
	const block = (indent) => {
		const list = lines[0][1].startsWith('-');
		const all = list ? [] : {};
		while (lines.length > 0 && lines[0][0] === indent) {
			const [, line] = lines.shift();
			const [, key, rest] = /^(-|[\w.]+:) ?(.*)$/.exec(line);
			const value = rest !== '' ? scalar(rest) : block(lines[0][0]);
			if (list)
				all.push(value);
			else
				all[key.slice(0, -1)] = value;
		}
		return all;
	};
	return block(0);
}

// ---------------------------------------------------------------------------
// The doctor

// A workspace where all is well; a test changes what shall be wrong.
let workspace;
let server;
let asked;

before(async () => {
	const { oauth_config: { scopes } } = await manifest(socket);
	workspace = () => ({
		'auth.test': { ok: true, user: 'bellhop', bot_id: 'B1', team: 'Acme',
			team_id: 'T1' },
		'apps.connections.open': { ok: true, url: 'wss://example.invalid/?ticket=1' },
		'users.conversations': { ok: true, channels: [
			{ id: 'C1', name: 'payments' }, { id: 'C2', name: 'partners',
				is_ext_shared: true }] },
		'conversations.list': { ok: true, channels: [] },
		scopes: scopes.bot.join(), date: () => new Date(),
		tokens: { 'auth.test': secrets.SLACK_BOT,
			'users.conversations': secrets.SLACK_BOT,
			'conversations.list': secrets.SLACK_BOT,
			'apps.connections.open': secrets.SLACK_APP } });
	server = createServer((request, response) => {
		const method = request.url.replace('/api/', '');
		asked.push(method);
		let form = '';
		request.on('data', (piece) => { form += piece; });
		request.on('end', () => server.forms.push(
			new URLSearchParams(form)));
		const good = request.headers.authorization ===
			`Bearer ${server.now.tokens[method]}`;
		response.setHeader('x-oauth-scopes', server.now.scopes);
		response.setHeader('date', server.now.date().toUTCString());
		response.end(JSON.stringify(good ? server.now[method] :
			{ ok: false, error: 'invalid_auth' }));
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
});

after(() => server?.close());

async function doctor(change = () => {}, block = socket, more = {}) {
	server.now = workspace();
	asked = [];
	server.forms = [];
	change(server.now);
	const said = await slack(['doctor', ...more.channels ?? []], { ...block,
		'api-url': `http://127.0.0.1:${server.address().port}/api` },
	{ rooms: ['acme/#payments'], ...more });
	for (const secret of Object.values(secrets))
		assert.ok(!(said.out + said.err).includes(secret), 'a secret is shown');
	return said;
}

test('all is well', async () => {
	const { status, out, err } = await doctor();
	assert.equal(status, 0, out + err);
	assert.ok(!/problem/.test(out), out);
	assert.match(out, /ok +the bot token is @bellhop in Acme \(T1\)/);
	assert.match(out, /ok +#payments \(C1\): the bot is in it/);
	assert.deepEqual(asked,
		['auth.test', 'apps.connections.open', 'users.conversations']);
});

const wrong = {
	'a token that is not good': [(w) => {
		w.tokens['auth.test'] = 'xoxb-other';
	}, /the bot token does not work \(invalid_auth\): copy the token again/],
	'a missing scope': [(w) => {
		w.scopes = w.scopes.replace('users:read.email', 'emoji:read');
	}, /scope users:read\.email is missing/],
	'a person\'s token': [(w) => {
		delete w['auth.test'].bot_id;
	}, /a person's token/],
	'a clock that is off': [(w) => {
		w.date = () => new Date(Date.now() + 90000);
	}, /clock is \d+ s behind/],
	'Socket Mode switched off': [(w) => {
		w['apps.connections.open'] = { ok: false, error: 'feature_not_enabled' };
	}, /switch on "Socket Mode"/],
	'a public channel without the bot': [(w) => {
		w['users.conversations'].channels = [];
		w['conversations.list'].channels = [{ id: 'C1', name: 'payments' }];
	}, /the bot is not in #payments \(C1\): write \/invite @bellhop there/],
	'a channel that nobody sees': [(w) => {
		w['users.conversations'].channels = [];
	}, /not in #payments, and no public channel is called that/],
	'channels that may not be listed': [(w) => {
		w['users.conversations'].channels = [];
		w['conversations.list'] = { ok: false, error: 'ratelimited' };
	}, /the bot is not in #payments: if it is private/],
	'an archived channel': [(w) => {
		w['users.conversations'].channels[0].is_archived = true;
	}, /#payments \(C1\) is archived/],
	'an answer that is no JSON': [(w) => {
		w['auth.test'] = undefined;
	}, /the bot token does not work/],
};

for (const [what, [change, sentence]] of Object.entries(wrong))
	test(`wrong: ${what}`, async () => {
		const { status, out, err } = await doctor(change);
		assert.match(out, sentence);
		assert.equal(status, 1, out);
		assert.match(err, /1 problem|problems/);
	});

test('a channel that is shared, and one by its id', async () => {
	const { status, out } = await doctor(undefined, socket,
		{ channels: ['partners', 'C1'] });
	assert.equal(status, 0);
	assert.match(out, /note +#partners \(C2\) is shared with other companies/);
	assert.match(out, /ok +#payments/);
});

test('a pattern means each channel that it fits', async () => {
	const { status, out } = await doctor(undefined, socket,
		{ channels: ['pa*', 'payments'] });
	assert.equal(status, 0, out);
	assert.equal(out.match(/the bot is in it/g).length, 2, out);
});

test('Slack\'s words cannot command the terminal', async () => {
	const { out } = await doctor((w) => {
		w['auth.test'].team = 'A\u001b]0;owned\u0007\u202eme';
	});
	// eslint-disable-next-line no-control-regex
	assert.ok(!/[\u0000-\u0009\u000b-\u001f\u202e]/.test(out), out);
	assert.match(out, /in A\]0;ownedme \(T1\)/);
});

test('an organisation\'s workspaces are asked one by one', async () => {
	const grid = (w) => {
		w['auth.test'].is_enterprise_install = true;
	};
	const one = await doctor(grid, { ...socket,
		workspaces: ['E1', 'T1', 'T2'] });
	assert.equal(one.status, 0, one.out);
	assert.deepEqual(server.forms.filter((f) => f.has('team_id'))
		.map((f) => f.get('team_id')), ['T1', 'T2']);
	const none = await doctor(grid, { ...socket, workspaces: ['E1'] });
	assert.equal(none.status, 0);
	assert.match(none.out, /note .*wants the T\.\.\. ids/);
});

// A refresh by the doctor would take the running bot its only token away.
test('rotating tokens are not spent', async () => {
	const rotating = { ...socket, 'refresh-token': 'env:SLACK_REFRESH',
		'client-id': '1.2', 'client-secret': 'env:SLACK_CLIENT' };
	const env = { SLACK_REFRESH: 'xoxe-1-refresh', SLACK_CLIENT: 'c0ffee' };
	const late = await doctor((w) => {
		w['auth.test'] = { ok: false, error: 'token_expired' };
	}, rotating, { env });
	assert.equal(late.status, 0, late.out + late.err);
	const unseen = (out) => {
		assert.match(out, /note +the tokens rotate: .* were not looked at/);
		assert.match(out, /note +ask the running bot: !status /);
		assert.match(out, /ok +the clock agrees/);
		assert.ok(!/#payments|scope that is needed/.test(out), out);
	};
	unseen(late.out);
	assert.deepEqual(asked, ['auth.test', 'apps.connections.open']);
	delete rotating['bot-token'];
	const none = await doctor(undefined, rotating, { env });
	assert.equal(none.status, 0, none.out + none.err);
	unseen(none.out);
	assert.deepEqual(asked, ['apps.connections.open']);
	const off = await doctor((w) => {
		w.date = () => new Date(Date.now() + 90000);
	}, rotating, { env });
	assert.match(off.out, /problem +this machine's clock is/);
	const dead = await doctor((w) => {
		w['auth.test'] = { ok: false, error: 'token_revoked' };
	}, { ...rotating, 'bot-token': 'env:SLACK_BOT' }, { env });
	assert.equal(dead.status, 1);
	assert.match(dead.out, /does not work \(token_revoked\)/);
});

test('wrong: tokens of the wrong kind, nothing reachable', async () => {
	const { status, out } = await slack(['doctor'], { ...socket,
		'api-url': 'http://127.0.0.1:1/api' },
	{ env: { SLACK_BOT: 'xapp-x', SLACK_APP: 'xoxb-x' } });
	assert.equal(status, 1);
	assert.match(out, /bot-token is not a bot token/);
	assert.match(out, /app-token is not an app-level token/);
	assert.match(out, /check that this machine reaches Slack/);
});

test('over HTTP: secret and address', async () => {
	const good = await doctor(undefined, http, { main: {
		'public-url': 'https://bellhop.acme.example' } });
	assert.equal(good.status, 0, good.out + good.err);
	assert.match(good.out,
		/deliver to https:\/\/bellhop\.acme\.example\/slack\/acme/);
	const bad = await doctor(undefined, http, { env: { SLACK_SIGNING: 'x' } });
	assert.equal(bad.status, 1);
	assert.match(bad.out, /signing-secret does not look like one/);
	assert.match(bad.out, /needs public-url:/);
});
