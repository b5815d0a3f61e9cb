// bellhop.js - a real `bellhop run` with the teams plugin, the local AWS, and the doubles for Microsoft.
// SPDX-License-Identifier: Apache-2.0

import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { appId, tenant } from './company.js';

const bellhop = process.env.BELLHOP ?? 'bellhop';
const keys = { AWS_ACCESS_KEY_ID: 'AKIDSANDBOX000000001',
	AWS_SECRET_ACCESS_KEY: 'sandbox-secret-key' };

// The teams block of the configuration, on the doubles of `cloud`.
export function teamsBlock(cloud, more = {}) {
	return { plugin: 'teams', 'app-id': appId, tenant,
		secret: 'env:TEAMS_SECRET', 'login-url': cloud.url,
		'metadata-url': cloud.metadataUrl, 'graph-url': `${cloud.url}/graph`,
		'service-hosts': [new URL(cloud.serviceUrl).origin], ...more };
}

// The whole main file; JSON is YAML.
function mainFile(directory, chat, rules, more) {
	return { store: `sqlite:${directory}/bellhop.db`,
		listen: '127.0.0.1:0', flood: 'off', admins: ['hedy@acme.example'], chat,
		access: [{ commands: ['*'], who: ['members'] }],
		'aws-sandbox': { local: { state: `${directory}/aws`, delay: '0s',
			jitter: '0s', rate: 0 } },
		'aws-sso': { main: { region: 'eu-west-1', endpoint: 'sandbox/local',
			credentials: 'environment', longest: '12h',
			'identity-mapping': { attribute: 'email' }, rules } },
		delegate: { payments: { rooms: Object.keys(chat).map((c) => `${c}/*`),
			accounts: ['prod-payments', 'ou:/Payments/**'],
			'permission-sets': ['*', '!AdministratorAccess'],
			longest: '8h' } }, ...more };
}

const team = { rooms: ['corp/Payments/General', 'corp/Night watch'],
	'aws-sso': { rules: [{ name: 'prod', accounts: ['prod-payments'],
		access: ['ReadOnly', 'PowerUser'], 'may-ask': ['everyone'],
		approvers: ['grace@acme.example', 'katherine@acme.example'],
		approvals: 1, longest: '4h', reason: { pattern: '[A-Z]+-[0-9]+.*',
			example: 'PAY-812 what broke' } }] } };

export class Bellhop {
	// `cloud` is the doubles; `teams`, `chat`, `main` and `team` add to or
	// replace parts of the configuration; `rules` are the main file's, and
	// `announce` names the team's rooms for its requests.
	constructor(cloud, { teams, chat = {}, main = {}, rules = [], announce,
		team: own = {}, secret = [...cloud.secrets][0], env = {} } = {}) {
		this.directory = mkdtempSync(join(tmpdir(), 'bellhop-'));
		this.env = { ...process.env, ...keys, TEAMS_SECRET: secret, ...env };
		this.write('bellhop.yaml', mainFile(this.directory,
			{ corp: teamsBlock(cloud, teams), ...chat }, rules, main));
		this.write('team.d/payments.yaml', { ...team, ...own,
			'aws-sso': { ...team['aws-sso'], announce } });
		this.cloud = cloud;
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

	// Starts it, again on the same state; ready when /readyz says so.
	async start(...extra) {
		this.port = undefined;
		this.process = spawn(bellhop, ['run', '--config',
			join(this.directory, 'bellhop.yaml'), '--plugin-directory',
			process.env.BELLHOP_PLUGIN_DIRECTORY ?? '.libs', '--log', 'json',
			...extra], { env: this.env, stdio: ['ignore', 'ignore', 'pipe'] });
		this.process.stderr.on('data', (data) => {
			this.log += data;
			if (process.env.PEERS_LOG)
				process.stderr.write(data);
			this.port ??= /listening on \S+ port (\d+)/.exec(data)?.[1];
		});
		this.ended = new Promise((done) => this.process.on('close', done));
		for (let i = 0; i < 600 && this.process.exitCode === null; i++) {
			if (this.port !== undefined) {
				this.url = `http://127.0.0.1:${this.port}`;
				this.cloud.endpoint = `${this.url}/api/messages`;
				const said = await fetch(`${this.url}/readyz`)
					.then((a) => a.text(), () => '');
				if (/^host ready$/m.test(said))
					return this;
			}
			await sleep(50);
		}
		throw new Error(`bellhop did not start:\n${this.log}`);
	}

	async kill() {
		this.process.kill('SIGKILL');
		await this.ended;
	}

	// An orderly end, and what it kept is gone.
	async stop() {
		if (this.process?.exitCode === null) {
			this.process.kill('SIGTERM');
			await this.ended;
		}
		rmSync(this.directory, { recursive: true });
		if (this.process?.exitCode)
			throw new Error(`bellhop ended with ${this.process.exitCode}:\n` +
				this.log);
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

	// Another subcommand on the same configuration: what it printed, and its
	// exit status.
	tool(...words) {
		return new Promise((done) => execFile(bellhop, [...words, '--config',
			join(this.directory, 'bellhop.yaml'), '--plugin-directory',
			process.env.BELLHOP_PLUGIN_DIRECTORY ?? '.libs'],
		{ env: this.env }, (error, out, err) =>
			done({ status: error?.code ?? 0, out, err })));
	}

	async ready() {
		const answer = await fetch(`${this.url}/readyz`);
		return { status: answer.status, text: await answer.text() };
	}
}
