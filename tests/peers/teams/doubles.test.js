// doubles.test.js - the doubles of login and connector, refereed by Microsoft's own packages.
// SPDX-License-Identifier: Apache-2.0

import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import botbuilder from 'botbuilder';
import connectorPackage from 'botframework-connector';
import { Teams, cardOf, people } from './client.js';
import { appId, bot, guid, tenant } from './company.js';
import { jws, makeKey } from './login.js';
import { application, startBot } from './referee.js';

const { CardFactory, MessageFactory, TeamsActivityHandler,
	TeamsInfo, TurnContext } = botbuilder;
const { ada, grace } = people;
const scopes = ['https://api.botframework.com/.default'];
const teams = new Teams();
let referee;

const card = (title) => CardFactory.adaptiveCard({ type: 'AdaptiveCard',
	version: '1.5', body: [{ type: 'TextBlock', text: title, wrap: true }],
	actions: [{ type: 'Action.Execute', title: 'Press', verb: 'press',
		data: { of: title } }] });

class Referee extends TeamsActivityHandler {
	constructor() {
		super();
		this.onMessage(async (context, next) => {
			const said = TurnContext.removeRecipientMention(context.activity) ??
				context.activity.text;
			await this.heard(context, said?.trim());
			await next();
		});
	}

	async heard(context, said) {
		this.said = said;
		if (said === 'card') {
			const { id } = await context.sendActivity(MessageFactory.attachment(
				card('one')));
			await context.updateActivity({ ...MessageFactory.attachment(
				card('two')), id });
		} else if (said === 'who') {
			const m = await TeamsInfo.getMember(context,
				context.activity.from.id);
			await context.sendActivity(`${m.email} ${m.aadObjectId}`);
		} else if (said === 'team') {
			const team = await TeamsInfo.getTeamDetails(context);
			const channels = await TeamsInfo.getTeamChannels(context);
			await context.sendActivity(`${team.name}: ` +
				channels.map((c) => c.name ?? 'General').join());
		} else if (said === 'proactive') {
			const reference = TurnContext.getConversationReference(
				context.activity);
			await context.adapter.createConversationAsync(appId, 'msteams',
				context.activity.serviceUrl, scopes[0].replace('/.default', ''),
				{ members: [{ id: grace.id }], isGroup: false, bot,
					tenantId: tenant, channelData: { tenant: { id: tenant } } },
				async (turn) => { await turn.sendActivity('hello Grace'); });
			assert.ok(reference.conversation.id);
		} else if (said === 'thread') {
			await TeamsInfo.sendMessageToTeamsChannel(context,
				MessageFactory.text('a new thread'),
				context.activity.channelData.channel.id, appId);
		} else if (said !== undefined) {
			await context.sendActivity(`you said ${said}`);
		}
	}

	async onAdaptiveCardInvoke(context, value) {
		return { statusCode: 200, value: card(`pressed ${value.action.data.of}`)
			.content, type: 'application/vnd.microsoft.card.adaptive' };
	}

	async handleTeamsTaskModuleFetch() {
		return { task: { type: 'continue', value: { title: 'Form',
			card: card('form') } } };
	}
}

before(async () => {
	await teams.start();
	referee = await startBot(teams, new Referee());
	teams.endpoint = referee.url;
});

after(async () => {
	await referee.close();
	await teams.close();
});

beforeEach(() => {
	teams.throttle = false;
	teams.complaints = [];
	teams.calm();
});

function said(place) {
	return teams.shown(place).filter((m) => m.from === undefined);
}

test('MSAL gets a token for a secret', async () => {
	const token = await application(teams, { clientSecret:
		[...teams.secrets][0] }).acquireTokenByClientCredential({ scopes });
	assert.equal(teams.issued.get(token.accessToken).aud,
		'https://api.botframework.com');
	assert.ok(token.expiresOn - Date.now() > 3500000);
});

for (const [what, secret, code] of [['a wrong', 'guessed', 7000215],
	['an expired', 'last year\'s secret', 7000222]])
	test(`MSAL is refused with ${what} secret, by its number`, async () => {
		await assert.rejects(application(teams, { clientSecret: secret })
			.acquireTokenByClientCredential({ scopes }), (error) =>
			error.errorCode === 'invalid_client' &&
			error.errorMessage.includes(`AADSTS${code}: `));
	});

test('MSAL is refused in an unknown tenant', async () => {
	await assert.rejects(application(teams, { clientSecret: 'x',
		authority: `https://login.example/${guid('nobody')}` })
		.acquireTokenByClientCredential({ scopes }));
});

test('MSAL gets a token for a certificate, and not for a stranger\'s',
	async () => {
		const directory = mkdtempSync(join(tmpdir(), 'teams-'));
		const make = (name) => {
			const file = (end) => join(directory, `${name}.${end}`);
			execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048',
				'-nodes', '-subj', `/CN=${name}`, '-days', '2', '-keyout',
				file('key'), '-out', file('pem')], { stdio: 'ignore' });
			const pem = readFileSync(file('pem'), 'utf8');
			return { pem, clientCertificate: { x5c: pem,
				privateKey: readFileSync(file('key'), 'utf8'),
				thumbprintSha256: createHash('sha256').update(
					new X509Certificate(pem).raw).digest('hex') } };
		};
		const own = make('own'), other = make('other');
		rmSync(directory, { recursive: true });
		teams.certificates.push(own.pem);
		const ask = ({ clientCertificate }) => application(teams, {
			clientCertificate }).acquireTokenByClientCredential({ scopes });
		assert.ok((await ask(own)).accessToken);
		await assert.rejects(ask(other), /AADSTS700027/);
	});

test('MSAL gets a token for a federated one, and for no other subject',
	async () => {
		const key = makeKey();
		teams.federated.push({ issuer: 'https://cluster.example',
			subject: 'system:serviceaccount:chat:bellhop',
			key: key.publicKey });
		const ask = (sub) => application(teams, { clientAssertion: jws(
			{ alg: 'RS256', kid: key.kid }, { iss: 'https://cluster.example',
				sub, aud: 'api://AzureADTokenExchange',
				exp: Math.floor(Date.now() / 1000) + 600 }, key.privateKey) })
			.acquireTokenByClientCredential({ scopes });
		assert.ok((await ask('system:serviceaccount:chat:bellhop'))
			.accessToken);
		await assert.rejects(ask('system:serviceaccount:chat:other'),
			/AADSTS700213/);
	});

test('MSAL hears of a 429', async () => {
	teams.fault({ method: 'POST', path: /token$/, status: 429, times: 9,
		headers: { 'retry-after': '7' }, body: { error: 'throttled' } });
	await assert.rejects(application(teams, { clientSecret:
		[...teams.secrets][0] }).acquireTokenByClientCredential({ scopes }));
});

test('the connector package accepts what a channel sends', async () => {
	const { AuthenticationConfiguration, ChannelValidation,
		JwtTokenValidation, SimpleCredentialProvider } = connectorPackage;
	ChannelValidation.OpenIdMetadataEndpoint = teams.metadataUrl;
	const activity = teams.activity('message', ada, teams.places.ada);
	const identity = await JwtTokenValidation.authenticateRequest(activity,
		`Bearer ${teams.channelToken(activity)}`,
		new SimpleCredentialProvider(appId, ''), '',
		new AuthenticationConfiguration());
	assert.equal(identity.isAuthenticated, true);
});

test('botbuilder answers in a personal chat', async () => {
	const { status } = await teams.says(ada, teams.places.ada, 'hi');
	assert.equal(status, 200);
	const [message] = said(teams.places.ada);
	assert.equal(message.activity.text, 'you said hi');
	assert.deepEqual(teams.complaints, []);
});

test('botbuilder answers in a thread, and reads its mention away',
	async () => {
		const { general } = teams.places;
		const { activity } = await teams.says(ada, general, 'hi all');
		const message = said(general).at(-1);
		assert.equal(message.activity.text, 'you said hi all');
		assert.equal(message.thread, activity.id);
	});

test('botbuilder shows a card and changes it', async () => {
	await teams.says(ada, teams.places.group, 'card');
	const message = said(teams.places.group).at(-1);
	assert.equal(message.edits, 1);
	assert.equal(cardOf(message.activity).body[0].text, 'two');
	const { status, body } = await teams.presses(grace, teams.places.group,
		message, 'Press');
	assert.equal(status, 200);
	assert.equal(body.value.body[0].text, 'pressed two');
	assert.deepEqual(teams.complaints, []);
});

test('botbuilder opens a dialog', async () => {
	const { body } = await teams.invoke(ada, teams.places.ada, 'task/fetch',
		{ data: {} });
	assert.equal(body.task.value.card.content.body[0].text, 'form');
	assert.deepEqual(teams.complaints, []);
});

test('botbuilder finds people, teams and channels', async () => {
	await teams.says(ada, teams.places.ada, 'who');
	assert.equal(said(teams.places.ada).at(-1).activity.text,
		`ada@acme.example ${ada.aadObjectId}`);
	await teams.says(ada, teams.places.general, 'team');
	assert.equal(said(teams.places.general).at(-1).activity.text,
		'Payments: General,Access');
});

test('botbuilder begins a conversation and a thread', async () => {
	await teams.says(ada, teams.places.ada, 'proactive');
	assert.equal(said(teams.places.grace).at(-1).activity.text, 'hello Grace');
	await teams.says(ada, teams.places.access, 'thread');
	const message = said(teams.places.access).at(-1);
	assert.equal(message.activity.text, 'a new thread');
	assert.equal(message.thread, message.id);
	assert.deepEqual(referee.errors, []);
});

test('botbuilder hears no where it is not installed', async () => {
	teams.places.group.installed = false;
	await teams.says(ada, teams.places.group, 'hi');
	teams.places.group.installed = true;
	assert.equal(referee.errors.pop().code, 'BotNotInConversationRoster');
});

test('botbuilder hears of a 412',
	async () => {
		teams.fault({ method: 'POST', path: /activities/, status: 412,
			body: { error: { code: 'PreconditionFailed' } } });
		await teams.says(ada, teams.places.ada, 'again');
		assert.equal(referee.errors.pop().statusCode, 412);
	});

test('its verdict on tokens reaches the sender as 401', async () => {
	const activity = teams.activity('message', ada, teams.places.ada,
		{ text: 'hi' });
	assert.equal((await teams.deliver(activity, 'x.y.z')).status, 401);
	assert.equal((await teams.deliver(activity, null)).status, 401);
	assert.equal((await teams.deliver(activity,
		teams.channelToken(activity, { aud: guid('another') }))).status, 401);
});

test('two writers to one conversation: one is told 412', async () => {
	teams.latency = 200;
	const token = (await application(teams, { clientSecret:
		[...teams.secrets][0] }).acquireTokenByClientCredential({ scopes }))
		.accessToken;
	const write = () => fetch(`${teams.serviceUrl}v3/conversations/` +
		`${encodeURIComponent(teams.places.ada.id)}/activities`, {
		method: 'POST', headers: { authorization: `Bearer ${token}`,
			'content-type': 'application/json' },
		body: JSON.stringify({ type: 'message', text: 'x' }) });
	const answers = await Promise.all([write(), write()]);
	teams.latency = 0;
	assert.deepEqual(answers.map((a) => a.status).sort(), [201, 412]);
});

test('eight messages in a second: one is told 429, and to wait', async () => {
	teams.throttle = true;
	for (let i = 0; i < 9; i++)
		await teams.says(grace, teams.places.katherine, 'hi');
	const late = teams.requests.filter((r) => r.status === 429);
	assert.ok(late.length >= 1);
	assert.equal(said(teams.places.katherine).length, 9);
	assert.deepEqual(referee.errors, []);
});
