// bellhop.js - a real `bellhop run` with the slack plugin and the local AWS, on the double of Slack.
// SPDX-License-Identifier: Apache-2.0

import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { app } from './company.js';
import { Slack } from './slack.js';

const bellhop = process.env.BELLHOP ?? 'bellhop';
const plugins = process.env.BELLHOP_PLUGIN_DIRECTORY ?? '.libs';
const env = { AWS_ACCESS_KEY_ID: 'AKIDSANDBOX000000001',
	AWS_SECRET_ACCESS_KEY: 'sandbox-secret-key', SLACK_BOT: app.botToken,
	SLACK_APP: app.appToken, SLACK_SIGNING: app.signingSecret,
	SLACK_REFRESH: app.refreshToken, SLACK_CLIENT: app.clientSecret };

// The slack block of the configuration, on the double; plain: on emulate.
export function slackBlock(slack, more = {}) {
	return { plugin: 'slack', mode: slack.mode, 'bot-token': 'env:SLACK_BOT',
		...(slack.mode === 'socket' ? { 'app-token': 'env:SLACK_APP' } :
			{ 'signing-secret': 'env:SLACK_SIGNING' }),
		'api-url': slack.api, 'response-hosts': [slack.web.url], ...more };
}

// The whole main file; JSON is YAML.
function mainFile(directory, chat, more) {
	return { store: `sqlite:${directory}/bellhop.db`,
		listen: '127.0.0.1:0', 'public-url': 'https://bellhop.acme.example',
		admins: ['hedy@acme.example'], chat,
		access: [{ commands: ['*'], who: ['members'] }],
		hello: { greeting: 'Hello' },
		'aws-sandbox': { local: { state: `${directory}/aws`, delay: '300ms',
			jitter: '0s', rate: 0 } },
		'aws-sso': { main: { region: 'eu-west-1', endpoint: 'sandbox/local',
			credentials: 'environment', longest: '12h',
			'identity-mapping': { attribute: 'email' } } },
		delegate: { payments: { rooms: ['acme/#*'],
			accounts: ['prod-payments', 'ou:/Payments/**'],
			'permission-sets': ['*', '!AdministratorAccess'],
			longest: '8h' } }, ...more };
}

const team = { rooms: ['acme/#payments', 'acme/#shared'], 'aws-sso': { rules: [
	{ name: 'prod', accounts: ['prod-payments'],
		access: ['ReadOnly', 'PowerUser'],
		'may-ask': ['group:Payments Engineers'],
		approvers: ['grace@acme.example', 'katherine@acme.example'],
		approvals: 1, longest: '4h', reason: { pattern: '[A-Z]+-[0-9]+',
			example: 'PAY-812 what broke' } },
	{ name: 'stage', accounts: ['stage-payments'], access: ['PowerUser'],
		'may-ask': ['group:Payments Engineers'],
		approvers: ['grace@acme.example'], approvals: 1, longest: '1h' }] } };

export class Bellhop {
	// `acme` adds to the slack block, `main` to the main file, `team` to the
	// team's; `secrets` to the environment.
	constructor(slack, { acme, main = {}, team: own = {}, secrets = {} } = {}) {
		this.directory = mkdtempSync(join(tmpdir(), 'bellhop-'));
		this.env = { ...process.env, ...env, ...secrets };
		this.write('bellhop.yaml', mainFile(this.directory,
			{ acme: slackBlock(slack, acme) }, main));
		this.write('team.d/payments.yaml', { ...team, ...own });
		this.slack = slack;
		this.log = '';
	}

	write(name, content) {
		const path = join(this.directory, name);
		mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
		writeFileSync(path, typeof content === 'string' ? content :
			JSON.stringify(content, null, '\t'));
		chmodSync(path, 0o600);
		return path;
	}

	#arguments(verb) {
		return [...verb, '--config', join(this.directory, 'bellhop.yaml'),
			'--plugin-directory', plugins];
	}

	// Starts it, again on the same state; ready when /readyz says so, and
	// Slack knows where it is.
	async start(...extra) {
		this.port = undefined;
		const { made } = this.slack.sockets;
		const child = spawn(bellhop, [...this.#arguments(['run']), '--log',
			'json', ...extra], { env: this.env,
			stdio: ['ignore', 'ignore', 'pipe'] });
		this.process = child;
		child.stderr.on('data', (data) => {
			this.log += data;
			if (process.env.PEERS_LOG)
				process.stderr.write(data);
			this.port ??= /listening on \S+ port (\d+)/.exec(data)?.[1];
		});
		this.ended = new Promise((done) => child.on('close', done));
		for (const end = Date.now() + 60_000; Date.now() < end &&
			child.exitCode === null;) {
			if (this.port !== undefined) {
				this.url = `http://127.0.0.1:${this.port}`;
				const { text } = await this.ready();
				if (/^host ready$/m.test(text) && this.#inTouch(text, made))
					return this;
			}
			await sleep(50);
		}
		throw new Error(`bellhop did not start: ${(await this.ready()).text}\n` +
			this.log);
	}

	#inTouch(text, made) {
		if (this.slack.mode === 'socket')
			return this.slack.sockets.made >= made + 2;
		this.slack.http.url = `${this.url}/slack/acme`;
		return /acme up$/m.test(text);
	}

	async ready() {
		const answer = await fetch(`${this.url}/readyz`)
			.catch((error) => ({ status: 0, text: async () => String(error) }));
		return { status: answer.status, text: await answer.text() };
	}

	// As a power switch would.
	async kill() {
		this.process.kill('SIGKILL');
		await this.ended;
	}

	async end() {
		if (this.process?.exitCode === null && !this.process.killed) {
			this.process.kill('SIGTERM');
			await this.ended;
		}
		return this.process?.exitCode;	// null: it was killed
	}

	// An orderly end, and what it kept is gone.
	async stop() {
		const code = await this.end();
		if (process.env.PEERS_KEEP !== 'yes')
			rmSync(this.directory, { recursive: true, force: true });
		if (code)
			throw new Error(`bellhop ended with ${code}:\n${this.log}`);
		for (const secret of Object.values(env).concat('hooks/', '/response/'))
			if (this.log.includes(secret))
				throw new Error(`a secret in the log: ${secret}`);
	}

	// A line of the log like that, now or later.
	async logs(like, seconds = 30) {
		for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
			const line = this.log.split('\n').find((l) => like.test(l));
			if (line !== undefined)
				return line;
			await sleep(50);
		}
		throw new Error(`no ${like} in the log:\n${this.log}`);
	}

	// Another subcommand on the same configuration: what it printed.
	async tool(...words) {
		return promisify(execFile)(bellhop, this.#arguments(words),
			{ env: this.env });
	}

	// The audit chain is whole: what the check of it says.
	async audit() {
		const { stdout } = await promisify(execFile)(bellhop, ['audit',
			'verify', '--config', join(this.directory, 'bellhop.yaml')]);
		return stdout.trim().split('\n').at(-1);
	}
}

// A Slack and a bellhop on it, for as long as `use` takes.
export async function together({ mode = 'socket', paced, ...options }, use) {
	const slack = await new Slack({ mode, paced }).start();
	const bot = new Bellhop(slack, options);
	try {
		await bot.start();
		await use({ slack, bot, ada: slack.person('ada'),
			grace: slack.person('grace') });
	} catch (error) {
		await bot.kill();
		console.log(bot.log.split('\n').slice(-60).join('\n'));
		throw error;
	} finally {
		await bot.stop().finally(() => slack.stop());
	}
}
