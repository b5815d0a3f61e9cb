// faults.test.js - what goes wrong on purpose, as the SDK sees it.
// SPDX-License-Identifier: Apache-2.0

import { after, before, beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
	CreateAccountAssignmentCommand, DescribeInstanceCommand,
	DescribeAccountAssignmentCreationStatusCommand, ListInstancesCommand,
	ListPermissionSetsCommand, SSOAdminClient,
} from '@aws-sdk/client-sso-admin';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { GetUserIdCommand } from '@aws-sdk/client-identitystore';
import { Sandbox, key, until } from './sandbox.js';

const sandbox = new Sandbox();
let clients, InstanceArn, set, ada;

function fault(kind, more = {}) {
	return sandbox.control('fault', { operation: 'CreateAccountAssignment',
		kind, ...more });
}

function create() {
	return clients.sso.send(new CreateAccountAssignmentCommand({ InstanceArn,
		TargetId: '111122223333', TargetType: 'AWS_ACCOUNT',
		PermissionSetArn: set, PrincipalType: 'USER', PrincipalId: ada }));
}

async function has() {
	const { assignments } = await sandbox.control('assignments');
	return assignments.some((a) => a['principal-id'] === ada &&
		a['account-id'] === '111122223333');
}

before(async () => {
	await sandbox.start();
	await sandbox.control('settings', { rate: 0, delay: 50, jitter: 0 });
	clients = sandbox.clients();
	const { Instances } = await clients.sso.send(new ListInstancesCommand({}));
	({ InstanceArn } = Instances[0]);
	({ PermissionSets: [set] } = await clients.sso.send(
		new ListPermissionSetsCommand({ InstanceArn })));
	({ UserId: ada } = await clients.store.send(new GetUserIdCommand({
		IdentityStoreId: Instances[0].IdentityStoreId,
		AlternateIdentifier: { UniqueAttribute: {
			AttributePath: 'userName', AttributeValue: 'ada' } } })));
});

beforeEach(async () => {
	await until(async () => (await sandbox.control('assignments'))
		.outstanding === 0 || undefined);
	await sandbox.control('reset', { state: true });
});

after(() => sandbox.stop());

for (const [kind, name] of [['throttle', 'ThrottlingException'],
	['error500', 'InternalServerException'],
	['conflict', 'ConflictException'],
	['access-denied', 'AccessDeniedException'],
	['expired-token', 'ExpiredTokenException'],
	['expired-signature', 'InvalidSignatureException']])
	test(`${kind} is ${name}, once, and changes nothing`, async () => {
		await fault(kind);
		await assert.rejects(create(), { name });
		assert.equal(await has(), false);
		await create();
	});

test('an answer of HTML is survived', async () => {
	await fault('html500');
	await assert.rejects(create(), (error) =>
		error.$metadata?.httpStatusCode === 500);
});

test('reset-before applies nothing', async () => {
	await fault('reset-before');
	await assert.rejects(create());
	await sleep(300);
	assert.equal(await has(), false);
});

for (const kind of ['reset-after', 'truncate', 'malformed'])
	test(`${kind} loses the answer, not the work`, async () => {
		await fault(kind);
		await assert.rejects(create());
		await until(async () => await has() || undefined);
	});

test('late: the answer is lost, and it is applied afterwards', async () => {
	await fault('late', { ms: 700 });
	await assert.rejects(create());
	await sleep(200);
	assert.equal(await has(), false);
	await until(async () => await has() || undefined);
});

test('slow takes its time', async () => {
	await fault('slow', { ms: 600 });
	const begin = Date.now();
	await create();
	assert.ok(Date.now() - begin >= 590);
});

test('async-fail is accepted and fails later, with the reason', async () => {
	await fault('async-fail', { message: 'the role quota is used up' });
	const { AccountAssignmentCreationStatus: begun } = await create();
	assert.equal(begun.Status, 'IN_PROGRESS');
	assert.equal(begun.FailureReason, undefined);
	const ended = await until(async () => {
		const { AccountAssignmentCreationStatus: s } = await clients.sso.send(
			new DescribeAccountAssignmentCreationStatusCommand({
				InstanceArn,
				AccountAssignmentCreationRequestId: begun.RequestId }));
		return s.Status === 'IN_PROGRESS' ? undefined : s;
	});
	assert.equal(ended.Status, 'FAILED');
	assert.equal(ended.FailureReason, 'the role quota is used up');
});

test('times and after say how often and when', async () => {
	await sandbox.control('fault', { operation: 'sso-admin',
		kind: 'throttle', after: 1, times: 2 });
	const outcome = [];
	for (let i = 0; i < 4; i++)
		outcome.push(await clients.sso.send(new DescribeInstanceCommand({
			InstanceArn })).then(() => 'ok', (error) => error.name));
	assert.deepEqual(outcome, ['ok', 'ThrottlingException',
		'ThrottlingException', 'ok']);
});

test('the SDK gets over two throttles by itself', async () => {
	await sandbox.control('fault', { operation: '*', kind: 'throttle',
		times: 2 });
	const patient = new SSOAdminClient({ region: 'eu-west-1',
		endpoint: sandbox.url, credentials: key });
	assert.equal((await patient.send(new DescribeInstanceCommand({
		InstanceArn }))).InstanceArn, InstanceArn);
});

test('STS has faults, too', async () => {
	await sandbox.control('fault', { operation: 'sts', kind: 'access-denied' });
	await assert.rejects(clients.sts.send(new GetCallerIdentityCommand({})),
		{ name: 'AccessDenied' });
});

test('faults that do not exist are refused', async () => {
	await assert.rejects(fault('earthquake'), /kind of fault/);
	await assert.rejects(sandbox.control('fault', { operation: 'Nothing',
		kind: 'slow' }), /kind of fault/);
});

test('the log has every call, who signed it and when', async () => {
	const { last } = await sandbox.control('log');
	await create();
	const { calls } = await sandbox.control(`log?since=${last}`);
	assert.equal(calls.length, 1);
	const [call] = calls;
	assert.equal(call.operation, 'CreateAccountAssignment');
	assert.equal(call.write, true);
	assert.equal(call.who, 'ada');
	assert.equal(call.outcome, 'ok');
	assert.equal(call.principal, 'arn:aws:iam::100000000002:user/bellhop');
	assert.match(call.signed, /^\d{8}T\d{6}Z$/);
});

test('web pages may not steer it', async () => {
	const answer = await fetch(`${sandbox.url}/_control/reset`, {
		method: 'POST', body: '{}', headers: { origin: 'http://evil.example' } });
	assert.equal(answer.status, 403);
});
