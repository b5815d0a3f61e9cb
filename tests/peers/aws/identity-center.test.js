// identity-center.test.js - sso-admin: who has what, and changing it.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
	CreateAccountAssignmentCommand, DeleteAccountAssignmentCommand,
	DescribeAccountAssignmentCreationStatusCommand,
	DescribeAccountAssignmentDeletionStatusCommand,
	DescribeInstanceCommand, DescribePermissionSetCommand,
	ListAccountAssignmentCreationStatusCommand,
	ListAccountAssignmentDeletionStatusCommand,
	ListAccountAssignmentsCommand, ListAccountAssignmentsForPrincipalCommand,
	ListAccountsForProvisionedPermissionSetCommand, ListInstancesCommand,
	ListPermissionSetsCommand, ListPermissionSetsProvisionedToAccountCommand,
} from '@aws-sdk/client-sso-admin';
import { GetUserIdCommand } from '@aws-sdk/client-identitystore';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { Sandbox, all, until } from './sandbox.js';

const sandbox = new Sandbox();
const account = '111122223333';
let sso, store, management, InstanceArn, IdentityStoreId, sets;

async function user(name) {
	const { UserId } = await store.send(new GetUserIdCommand({
		IdentityStoreId, AlternateIdentifier: { UniqueAttribute: {
			AttributePath: 'userName', AttributeValue: name } } }));
	return UserId;
}

function triple(PrincipalId, set = 'PowerUser', TargetId = account) {
	return { InstanceArn, TargetId, TargetType: 'AWS_ACCOUNT',
		PermissionSetArn: sets[set], PrincipalType: 'USER', PrincipalId };
}

async function create(what) {
	const answer = await sso.send(new CreateAccountAssignmentCommand(what));
	return answer.AccountAssignmentCreationStatus;
}

async function remove(what) {
	const answer = await sso.send(new DeleteAccountAssignmentCommand(what));
	return answer.AccountAssignmentDeletionStatus;
}

async function created({ RequestId }) {
	return until(async () => {
		const { AccountAssignmentCreationStatus: s } = await sso.send(
			new DescribeAccountAssignmentCreationStatusCommand({
				InstanceArn,
				AccountAssignmentCreationRequestId: RequestId }));
		return s.Status === 'IN_PROGRESS' ? undefined : s;
	});
}

async function removed({ RequestId }) {
	return until(async () => {
		const { AccountAssignmentDeletionStatus: s } = await sso.send(
			new DescribeAccountAssignmentDeletionStatusCommand({
				InstanceArn,
				AccountAssignmentDeletionRequestId: RequestId }));
		return s.Status === 'IN_PROGRESS' ? undefined : s;
	});
}

async function has(PrincipalId, set = 'PowerUser') {
	const { rows } = await all(sso, ListAccountAssignmentsCommand, {
		InstanceArn, AccountId: account, PermissionSetArn: sets[set] },
		'AccountAssignments');
	return rows.some((row) => row.PrincipalId === PrincipalId);
}

before(async () => {
	await sandbox.start('--accounts', '130', '--permission-sets', '120',
		'--users', '150', '--set', 'assignments=250');
	await sandbox.control('settings', { rate: 0, delay: 300, jitter: 100 });
	const clients = sandbox.clients();
	({ sso, store } = clients);
	const { Credentials } = await clients.sts.send(new AssumeRoleCommand({
		RoleArn: 'arn:aws:iam::100000000001:role/bellhop',
		RoleSessionName: 'peers' }));
	management = sandbox.clients({
		accessKeyId: Credentials.AccessKeyId,
		secretAccessKey: Credentials.SecretAccessKey,
		sessionToken: Credentials.SessionToken }).sso;
	const { Instances } = await sso.send(new ListInstancesCommand({}));
	({ InstanceArn, IdentityStoreId } = Instances[0]);
	sets = {};
	for (const PermissionSetArn of (await all(sso, ListPermissionSetsCommand,
		{ InstanceArn }, 'PermissionSets')).rows) {
		const { PermissionSet: s } = await sso.send(
			new DescribePermissionSetCommand({ InstanceArn,
				PermissionSetArn }));
		sets[s.Name] = s.PermissionSetArn;
	}
});

after(() => sandbox.stop());

test('the instance says where it is and that it is active', async () => {
	const { Instances } = await sso.send(new ListInstancesCommand({}));
	assert.equal(Instances.length, 1);
	assert.equal(Instances[0].Status, 'ACTIVE');
	assert.equal(Instances[0].PrimaryRegion, 'eu-west-1');
	assert.equal(Instances[0].Regions[0].IsPrimaryRegion, true);
	assert.ok(Instances[0].CreatedDate instanceof Date);
	const one = await sso.send(new DescribeInstanceCommand({ InstanceArn }));
	assert.equal(one.IdentityStoreId, IdentityStoreId);
	assert.equal(one.PermissionSetsEnabled, true);
});

test('permission sets come in pages of a hundred and have names', async () => {
	const { rows, pages } = await all(sso, ListPermissionSetsCommand,
		{ InstanceArn }, 'PermissionSets');
	assert.equal(rows.length, 126);
	assert.equal(pages, 2);
	assert.equal(new Set(rows).size, 126);
	const { PermissionSet } = await sso.send(new DescribePermissionSetCommand({
		InstanceArn, PermissionSetArn: sets.Billing }));
	assert.equal(PermissionSet.SessionDuration, 'PT4H');
	assert.ok(PermissionSet.Description.length > 0);
});

test('a token of one list is refused by another', async () => {
	const { NextToken } = await sso.send(new ListPermissionSetsCommand({
		InstanceArn, MaxResults: 3 }));
	await assert.rejects(sso.send(new ListAccountAssignmentsCommand({
		InstanceArn, AccountId: account, NextToken,
		PermissionSetArn: sets.PowerUser })), { name: 'ValidationException' });
});

test('provisioned lists follow from assignments', async () => {
	const { rows: sets_ } = await all(sso,
		ListPermissionSetsProvisionedToAccountCommand,
		{ InstanceArn, AccountId: account }, 'PermissionSets');
	assert.deepEqual(sets_, [sets.ReadOnly]);
	const { rows: accounts, pages } = await all(sso,
		ListAccountsForProvisionedPermissionSetCommand,
		{ InstanceArn, PermissionSetArn: sets['Set-001'] }, 'AccountIds');
	assert.equal(accounts.length, 130);
	assert.equal(pages, 2);
	const { rows: none } = await all(sso,
		ListAccountsForProvisionedPermissionSetCommand,
		{ InstanceArn, PermissionSetArn: sets['Set-120'] }, 'AccountIds');
	assert.deepEqual(none, []);
});

test('an assignment is made and removed asynchronously', async () => {
	const ada = await user('ada');
	const begun = await create(triple(ada));
	assert.equal(begun.Status, 'IN_PROGRESS');
	assert.equal(begun.TargetId, account);
	assert.equal(begun.PrincipalId, ada);
	assert.ok(begun.CreatedDate instanceof Date);
	assert.equal(await has(ada), false);
	const { rows } = await all(sso,
		ListAccountAssignmentCreationStatusCommand,
		{ InstanceArn, Filter: { Status: 'IN_PROGRESS' } },
		'AccountAssignmentsCreationStatus');
	assert.ok(rows.some((row) => row.RequestId === begun.RequestId));
	assert.equal((await created(begun)).Status, 'SUCCEEDED');
	assert.equal(await has(ada), true);

	// A duplicate has no second effect.
	assert.equal((await created(await create(triple(ada)))).Status,
		'SUCCEEDED');

	const ending = await remove(triple(ada));
	assert.equal(ending.Status, 'IN_PROGRESS');
	assert.equal((await removed(ending)).Status, 'SUCCEEDED');
	assert.equal(await has(ada), false);
	const { rows: ended } = await all(sso,
		ListAccountAssignmentDeletionStatusCommand,
		{ InstanceArn, Filter: { Status: 'SUCCEEDED' } },
		'AccountAssignmentsDeletionStatus');
	assert.ok(ended.some((row) => row.RequestId === ending.RequestId));
});

test('the same triple twice at once is a conflict', async () => {
	const grace = await user('grace');
	const begun = await create(triple(grace));
	await assert.rejects(create(triple(grace)), { name: 'ConflictException' });
	await assert.rejects(remove(triple(grace)), { name: 'ConflictException' });
	await created(begun);
	await removed(await remove(triple(grace)));
});

test('deleting what is not there ends FAILED with a 404', async () => {
	const status = await removed(await remove(triple(await user('annie'))));
	assert.equal(status.Status, 'FAILED');
	assert.match(status.FailureReason, /Received a 404 status error: Entitlement/);
});

test('an assignee that was deleted ends FAILED as an orphan', async () => {
	const donald = await user('donald');
	await created(await create(triple(donald)));
	await sandbox.control('person', { who: 'donald', status: 'DELETED' });
	const status = await removed(await remove(triple(donald)));
	assert.equal(status.Status, 'FAILED');
	assert.match(status.FailureReason, /USER assignee .* was not found in directory d-/);
	assert.equal(await has(donald), true);
});

test('fifteen at once, the sixteenth is throttled', async () => {
	await sandbox.control('settings', { delay: 3000, jitter: 0 });
	const who = [];
	for (let i = 1; i <= 16; i++)
		who.push(await user(`user-000${String(i).padStart(2, '0')}`));
	const begun = await Promise.all(who.slice(0, 15).map(
		(id) => create(triple(id, 'SupportUser'))));
	await assert.rejects(create(triple(who[15], 'SupportUser')), {
		name: 'ThrottlingException',
		message: 'There are too many requests processing. Please try again later.' });
	for (const status of await Promise.all(begun.map(created)))
		assert.equal(status.Status, 'SUCCEEDED');
	await sandbox.control('settings', { delay: 300, jitter: 100 });
});

test('a new assignment can take its time to be listed', async () => {
	await sandbox.control('settings', { 'visible-after': 1500 });
	const alan = await user('alan');
	assert.equal((await created(await create(triple(alan)))).Status,
		'SUCCEEDED');
	assert.equal(await has(alan), false);
	await until(async () => await has(alan) || undefined);
	await sandbox.control('settings', { 'visible-after': 0 });
});

test('a delegated administrator keeps off the management account', async () => {
	const ada = await user('ada');
	await assert.rejects(create(triple(ada, 'ReadOnly', '100000000001')),
		{ name: 'AccessDeniedException' });
	await assert.rejects(create(triple(ada, 'Billing')),
		{ name: 'AccessDeniedException' });
	await assert.rejects(sso.send(
		new ListAccountAssignmentsForPrincipalCommand({ InstanceArn,
			PrincipalId: ada, PrincipalType: 'USER' })),
		{ name: 'AccessDeniedException' });
});

test('the management account sees a person, groups included', async () => {
	const ada = await user('ada');
	const { rows } = await all(management,
		ListAccountAssignmentsForPrincipalCommand, { InstanceArn,
			PrincipalId: ada, PrincipalType: 'USER', MaxResults: 1 },
		'AccountAssignments');
	assert.ok(rows.length >= 2);
	assert.ok(rows.every((row) => row.PrincipalType === 'GROUP'));
	const { rows: one } = await all(management,
		ListAccountAssignmentsForPrincipalCommand, { InstanceArn,
			PrincipalId: ada, PrincipalType: 'USER',
			Filter: { AccountId: '111122225555' } }, 'AccountAssignments');
	assert.equal(one.length, 1);
});

test('members that are not well formed are named', async () => {
	await assert.rejects(create({ ...triple('nobody') }), {
		name: 'ValidationException', message: /'principalId'/ });
	await assert.rejects(create({ ...triple(await user('ada')),
		TargetId: '12' }), { name: 'ValidationException',
		message: /'targetId'.*length/ });
	await assert.rejects(create({ ...triple(await user('ada')),
		PrincipalType: 'ROBOT' }), { name: 'ValidationException',
		message: /enum value set/ });
	await assert.rejects(sso.send(new ListPermissionSetsCommand({
		InstanceArn, MaxResults: 101 })), { name: 'ValidationException',
		message: /less than or equal to 100/ });
	await assert.rejects(sso.send(new ListPermissionSetsCommand({})),
		{ name: 'ValidationException', message: /must not be null/ });
	await assert.rejects(sso.send(new DescribePermissionSetCommand({
		InstanceArn, PermissionSetArn: sets.ReadOnly.slice(0, -4) + 'zzzz' })),
		{ name: 'ResourceNotFoundException' });
	await assert.rejects(sso.send(
		new DescribeAccountAssignmentCreationStatusCommand({ InstanceArn,
			AccountAssignmentCreationRequestId:
				'00000000-0000-0000-0000-000000000000' })),
		{ name: 'ResourceNotFoundException' });
});

test('more than twenty calls in a second are throttled', async () => {
	await sandbox.control('settings', { rate: 20, burst: 20 });
	await sandbox.control('reset', {});
	const answers = await Promise.allSettled(Array.from({ length: 40 },
		() => sso.send(new DescribeInstanceCommand({ InstanceArn }))));
	const refused = answers.filter((a) => a.status === 'rejected');
	await sandbox.control('settings', { rate: 0 });
	assert.ok(refused.length >= 5 && refused.length <= 20,
		`${refused.length} of 40 were refused`);
	assert.ok(refused.every((a) => a.reason.name === 'ThrottlingException'));
});

test('a killed sandbox finishes what it had accepted', async () => {
	await sandbox.control('settings', { delay: 1500, jitter: 0 });
	const hedy = await user('hedy'), radia = await user('radia');
	await created(await create(triple(radia)));
	const begun = await create(triple(hedy));
	await sandbox.kill();
	await sandbox.start('--accounts', '130', '--permission-sets', '120',
		'--users', '150', '--set', 'assignments=250');
	({ sso, store } = sandbox.clients());
	assert.equal((await created(begun)).Status, 'SUCCEEDED');
	assert.equal(await has(hedy), true);
	assert.equal(await has(radia), true);
});
