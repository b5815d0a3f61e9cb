// sandbox.js - starts `bellhop sandbox`, and clients of the SDK that call it.
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SSOAdminClient } from '@aws-sdk/client-sso-admin';
import { IdentitystoreClient } from '@aws-sdk/client-identitystore';
import { OrganizationsClient } from '@aws-sdk/client-organizations';
import { STSClient } from '@aws-sdk/client-sts';

const bellhop = process.env.BELLHOP ?? 'bellhop';

export const key = {
	accessKeyId: 'AKIDSANDBOX000000001',
	secretAccessKey: 'sandbox-secret-key',
};

export class Sandbox {
	constructor() {
		this.directory = mkdtempSync(join(tmpdir(), 'sandbox-'));
	}

	// Starts it (again) on the same state; extra are more options.
	async start(...extra) {
		const portFile = join(this.directory, 'port');
		rmSync(portFile, { force: true });
		this.process = spawn(bellhop, ['sandbox', '--listen', '127.0.0.1:0',
			'--port-file', portFile, '--state', join(this.directory, 'state'),
			...extra], { stdio: ['ignore', 'ignore', 'pipe'] });
		let said = '';
		this.process.stderr.on('data', (data) => { said += data; });
		this.ended = new Promise((done) => this.process.on('close', done));
		for (let i = 0; i < 500; i++) {
			if (existsSync(portFile)) {
				const port = readFileSync(portFile, 'utf8').trim();
				if (port !== '') {
					this.url = `http://127.0.0.1:${port}`;
					return this;
				}
			}
			if (this.process.exitCode !== null)
				break;
			await sleep(20);
		}
		throw new Error(`the sandbox did not start: ${said}`);
	}

	// As a power switch would.
	async kill() {
		this.process.kill('SIGKILL');
		await this.ended;
	}

	async stop() {
		this.process?.kill('SIGTERM');
		await this.ended;
		rmSync(this.directory, { recursive: true });
	}

	clients(credentials = key, region = 'eu-west-1') {
		const config = { region, endpoint: this.url, credentials,
			maxAttempts: 1 };
		return {
			sso: new SSOAdminClient(config),
			store: new IdentitystoreClient(config),
			organizations: new OrganizationsClient(config),
			sts: new STSClient(config),
		};
	}

	async control(what, body) {
		const answer = await fetch(`${this.url}/_control/${what}`,
			body === undefined ? {} :
			{ method: 'POST', body: JSON.stringify(body) });
		const value = await answer.json();
		if (!answer.ok)
			throw new Error(`${what}: ${value.error}`);
		return value;
	}
}

// Walks all pages of a List operation; gives the rows and how many pages.
export async function all(client, Command, input, member) {
	const rows = [];
	let pages = 0, NextToken;
	do {
		const page = await client.send(new Command({ ...input, NextToken }));
		rows.push(...page[member]);
		NextToken = page.NextToken ?? undefined;
		pages++;
	} while (NextToken !== undefined);
	return { rows, pages };
}

// Asks until it says something else than undefined.
export async function until(ask, seconds = 20) {
	for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
		const answer = await ask();
		if (answer !== undefined)
			return answer;
		await sleep(50);
	}
	throw new Error(`waited ${seconds} s for nothing`);
}
