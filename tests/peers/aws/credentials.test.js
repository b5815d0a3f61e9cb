// credentials.test.js - signatures and temporary credentials.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
	AssumeRoleCommand, AssumeRoleWithWebIdentityCommand,
	GetCallerIdentityCommand,
} from '@aws-sdk/client-sts';
import {
	ListInstancesCommand, ListPermissionSetsCommand,
} from '@aws-sdk/client-sso-admin';
import { Sandbox, key } from './sandbox.js';

const sandbox = new Sandbox();
const management = 'arn:aws:iam::100000000001:role/bellhop';

function keys({ AccessKeyId, SecretAccessKey, SessionToken }) {
	return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey,
		sessionToken: SessionToken };
}

function assume(input = {}) {
	return new AssumeRoleCommand({ RoleArn: management,
		RoleSessionName: 'peers', ...input });
}

function token(claims) {
	const part = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
	return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`;
}

before(async () => {
	await sandbox.start();
	await sandbox.control('settings', { rate: 0 });
});

after(() => sandbox.stop());

test('the key says who it is', async () => {
	const { sts } = sandbox.clients();
	const me = await sts.send(new GetCallerIdentityCommand({}));
	assert.equal(me.Account, '100000000002');
	assert.equal(me.Arn, 'arn:aws:iam::100000000002:user/bellhop');
	assert.ok(me.UserId.length > 0);
});

test('an assumed role works, and only with its token', async () => {
	const { sts } = sandbox.clients();
	const { Credentials, AssumedRoleUser } = await sts.send(assume());
	assert.ok(Credentials.Expiration > new Date());
	assert.match(AssumedRoleUser.Arn,
		/^arn:aws:sts::100000000001:assumed-role\/bellhop\/peers$/);
	const role = sandbox.clients(keys(Credentials));
	const me = await role.sts.send(new GetCallerIdentityCommand({}));
	assert.equal(me.Arn, AssumedRoleUser.Arn);
	assert.equal((await role.sso.send(
		new ListInstancesCommand({}))).Instances.length, 1);
	const bare = sandbox.clients({ ...keys(Credentials),
		sessionToken: undefined });
	await assert.rejects(bare.sso.send(new ListInstancesCommand({})),
		{ name: 'UnrecognizedClientException' });
	const other = sandbox.clients({ ...keys(Credentials),
		sessionToken: 'A'.repeat(200) });
	await assert.rejects(other.sts.send(new GetCallerIdentityCommand({})),
		{ name: 'InvalidClientTokenId' });
	// A role assumed by a role lasts an hour at most.
	await assert.rejects(role.sts.send(assume({ DurationSeconds: 7200 })),
		{ name: 'ValidationError' });
});

test('a session survives a restart of the sandbox', async () => {
	const { Credentials } = await sandbox.clients().sts.send(assume());
	await sandbox.kill();
	await sandbox.start();
	await sandbox.control('settings', { rate: 0 });
	const { sts } = sandbox.clients(keys(Credentials));
	assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account,
		'100000000001');
});

test('a web identity needs no signature, but a token', async () => {
	const { sts } = sandbox.clients();
	const web = (WebIdentityToken) => sts.send(
		new AssumeRoleWithWebIdentityCommand({ RoleArn: management,
			RoleSessionName: 'pod-1', WebIdentityToken }));
	const now = Math.floor(Date.now() / 1000);
	const { Credentials, SubjectFromWebIdentityToken } = await web(token({
		sub: 'system:serviceaccount:bots:bellhop', exp: now + 600 }));
	assert.equal(SubjectFromWebIdentityToken,
		'system:serviceaccount:bots:bellhop');
	const role = sandbox.clients(keys(Credentials));
	assert.match((await role.sts.send(new GetCallerIdentityCommand({}))).Arn,
		/assumed-role\/bellhop\/pod-1$/);
	await assert.rejects(web(token({ sub: 'x', exp: now - 600 })),
		{ name: 'ExpiredTokenException' });
	await assert.rejects(web('not a token'), { name: /InvalidIdentityToken/ });
});

test('wrong keys are refused, each in its own words', async () => {
	const wrong = sandbox.clients({ ...key, secretAccessKey: 'guess' });
	await assert.rejects(wrong.sso.send(new ListInstancesCommand({})),
		{ name: 'InvalidSignatureException' });
	await assert.rejects(wrong.sts.send(new GetCallerIdentityCommand({})),
		{ name: 'SignatureDoesNotMatch' });
	const unknown = sandbox.clients({ ...key,
		accessKeyId: 'AKIDNOBODYKNOWS00001' });
	await assert.rejects(unknown.sso.send(new ListInstancesCommand({})),
		{ name: 'UnrecognizedClientException' });
	await assert.rejects(unknown.sts.send(new GetCallerIdentityCommand({})),
		{ name: 'InvalidClientTokenId' });
});

test('a clock that is six minutes off is refused', async () => {
	for (const [minutes, text] of [[-6, /Signature expired/],
		[6, /not yet current/]]) {
		const { sso } = sandbox.clients();
		sso.config.systemClockOffset = minutes * 60000;
		await assert.rejects(sso.send(new ListInstancesCommand({})),
			{ name: 'InvalidSignatureException', message: text });
		// The SDK has learned the time from that answer.
		await sso.send(new ListInstancesCommand({}));
	}
});

test('unsigned, changed and mis-scoped requests are refused', async () => {
	const headers = { 'content-type': 'application/x-amz-json-1.1',
		'x-amz-target': 'SWBExternalService.ListInstances' };
	const post = async (more, body = '{}') => {
		const answer = await fetch(sandbox.url, { method: 'POST', body,
			headers: { ...headers, ...more } });
		return { status: answer.status, ...await answer.json() };
	};
	assert.equal((await post({})).__type, 'MissingAuthenticationTokenException');
	assert.equal((await post({ authorization: 'AWS4-HMAC-SHA256 nonsense',
		'x-amz-date': '20260101T000000Z' })).__type,
		'IncompleteSignatureException');

	// What the SDK signed is sent again with another body.
	const { sso } = sandbox.clients();
	let signed;
	sso.middlewareStack.add((next) => async (args) => {
		signed = args.request;
		return next(args);
	}, { step: 'finalizeRequest', priority: 'low' });
	await sso.send(new ListInstancesCommand({}));
	const { host, ...rest } = signed.headers;
	delete rest['content-length'];
	assert.equal((await post(rest, '{"MaxResults":1}')).__type,
		'InvalidSignatureException');
	// Another header that AWS reads must be signed, too.
	assert.equal((await post({ ...rest, 'x-amz-extra': '1' })).__type,
		'InvalidSignatureException');
});

test('another Region than the primary has no permission sets', async () => {
	const { sso } = sandbox.clients(key, 'us-east-1');
	const { Instances } = await sso.send(new ListInstancesCommand({}));
	assert.equal(Instances[0].PrimaryRegion, 'eu-west-1');
	await assert.rejects(sso.send(new ListPermissionSetsCommand({
		InstanceArn: Instances[0].InstanceArn })),
		{ name: 'AccessDeniedException' });
});
