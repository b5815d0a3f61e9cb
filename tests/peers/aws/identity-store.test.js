// identity-store.test.js - identitystore: people, groups, memberships.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
	CreateGroupMembershipCommand, DeleteGroupMembershipCommand,
	DescribeGroupCommand, DescribeGroupMembershipCommand,
	DescribeUserCommand, GetGroupIdCommand, GetGroupMembershipIdCommand,
	GetUserIdCommand, IsMemberInGroupsCommand,
	ListGroupMembershipsCommand, ListGroupMembershipsForMemberCommand,
	ListGroupsCommand, ListUsersCommand,
} from '@aws-sdk/client-identitystore';
import { ListInstancesCommand } from '@aws-sdk/client-sso-admin';
import { Sandbox, all } from './sandbox.js';

const sandbox = new Sandbox();
let store, IdentityStoreId;

function by(AttributePath, AttributeValue) {
	return { IdentityStoreId, AlternateIdentifier: {
		UniqueAttribute: { AttributePath, AttributeValue } } };
}

async function user(name) {
	return (await store.send(new GetUserIdCommand(by('userName', name)))).UserId;
}

async function group(name) {
	return (await store.send(new GetGroupIdCommand(
		by('displayName', name)))).GroupId;
}

before(async () => {
	await sandbox.start('--users', '240');
	await sandbox.control('settings', { rate: 0 });
	const clients = sandbox.clients();
	store = clients.store;
	const { Instances } = await clients.sso.send(new ListInstancesCommand({}));
	({ IdentityStoreId } = Instances[0]);
});

after(() => sandbox.stop());

test('everybody is listed once, in pages', async () => {
	const { rows, pages } = await all(store, ListUsersCommand,
		{ IdentityStoreId, MaxResults: 100 }, 'Users');
	assert.equal(rows.length, 254);
	assert.equal(pages, 3);
	assert.equal(new Set(rows.map((u) => u.UserId)).size, 254);
	const ada = rows.find((u) => u.UserName === 'ada');
	assert.equal(ada.Emails[0].Value, 'ada@acme.example');
	assert.equal(ada.Name.FamilyName, 'Lovelace');
	assert.equal(ada.UserStatus, 'ENABLED');
	assert.equal(rows.find((u) => u.UserName === 'joan').UserStatus, 'DISABLED');
});

test('tokens may be very long', async () => {
	await sandbox.control('settings', { 'long-tokens': true });
	const page = await store.send(new ListUsersCommand({ IdentityStoreId,
		MaxResults: 1 }));
	assert.ok(page.NextToken.length > 60000);
	const { rows } = await all(store, ListUsersCommand,
		{ IdentityStoreId, MaxResults: 50 }, 'Users');
	assert.equal(rows.length, 254);
	await sandbox.control('settings', { 'long-tokens': false });
});

test('people are found by name, e-mail and external id', async () => {
	const id = await user('grace');
	assert.equal((await store.send(new GetUserIdCommand(
		by('emails.value', 'grace@acme.example')))).UserId, id);
	const grace = await store.send(new DescribeUserCommand({ IdentityStoreId,
		UserId: id }));
	assert.equal(grace.DisplayName, 'Grace Hopper');
	assert.equal((await store.send(new GetUserIdCommand({ IdentityStoreId,
		AlternateIdentifier: { ExternalId: grace.ExternalIds[0] } }))).UserId,
		id);
	const { Users } = await store.send(new ListUsersCommand({ IdentityStoreId,
		Filters: [{ AttributePath: 'UserName', AttributeValue: 'grace' }] }));
	assert.deepEqual(Users.map((u) => u.UserId), [id]);
});

test('who is not there is said so, with type and id', async () => {
	await assert.rejects(user('nobody'), { name: 'ResourceNotFoundException',
		ResourceType: 'USER', ResourceId: 'nobody' });
	await assert.rejects(store.send(new GetUserIdCommand(
		by('nickName', 'ada'))), { name: 'ValidationException',
		message: /is not a unique attribute/ });
	await assert.rejects(store.send(new DescribeUserCommand({
		IdentityStoreId: 'd-0000000000', UserId: await user('ada') })),
		{ name: 'ResourceNotFoundException', ResourceType: 'IDENTITY_STORE' });
	await assert.rejects(store.send(new DescribeUserCommand({ IdentityStoreId,
		UserId: 'x' })), { name: 'ValidationException' });
});

test('groups and their members', async () => {
	const { rows } = await all(store, ListGroupsCommand,
		{ IdentityStoreId, MaxResults: 3 }, 'Groups');
	assert.ok(rows.some((g) => g.DisplayName === 'Payments Engineers'));
	const leads = await group('Payments Leads');
	assert.equal((await store.send(new DescribeGroupCommand({
		IdentityStoreId, GroupId: leads }))).DisplayName, 'Payments Leads');
	const { rows: members } = await all(store, ListGroupMembershipsCommand,
		{ IdentityStoreId, GroupId: leads, MaxResults: 1 },
		'GroupMemberships');
	assert.deepEqual(members.map((m) => m.MemberId.UserId).sort(),
		[await user('grace'), await user('katherine')].sort());
	const { rows: of } = await all(store,
		ListGroupMembershipsForMemberCommand,
		{ IdentityStoreId, MemberId: { UserId: await user('ada') } },
		'GroupMemberships');
	assert.deepEqual(of.map((m) => m.GroupId),
		[await group('Payments Engineers')]);
});

test('a membership comes, is a conflict the second time, and goes', async () => {
	const what = { IdentityStoreId, GroupId: await group('Payments Leads'),
		MemberId: { UserId: await user('annie') } };
	const { MembershipId } = await store.send(
		new CreateGroupMembershipCommand(what));
	await assert.rejects(store.send(new CreateGroupMembershipCommand(what)),
		{ name: 'ConflictException',
			Reason: 'UNIQUENESS_CONSTRAINT_VIOLATION' });
	assert.equal((await store.send(new GetGroupMembershipIdCommand(
		what))).MembershipId, MembershipId);
	assert.equal((await store.send(new DescribeGroupMembershipCommand({
		IdentityStoreId, MembershipId }))).GroupId, what.GroupId);
	const asks = { IdentityStoreId, MemberId: what.MemberId,
		GroupIds: [what.GroupId, await group('Security')] };
	const { Results } = await store.send(new IsMemberInGroupsCommand(asks));
	assert.deepEqual(Results.map((x) => x.MembershipExists), [true, false]);
	const gone = { IdentityStoreId, MembershipId };
	await store.send(new DeleteGroupMembershipCommand(gone));
	await store.send(new DeleteGroupMembershipCommand(gone));
	await assert.rejects(store.send(new GetGroupMembershipIdCommand(what)),
		{ name: 'ResourceNotFoundException',
			ResourceType: 'GROUP_MEMBERSHIP' });
});

test('each operation has a quota of its own', async () => {
	const id = await user('ada');
	await sandbox.control('settings', { rate: 20, burst: 20 });
	await sandbox.control('reset', {});
	const answers = await Promise.allSettled(Array.from({ length: 40 },
		() => store.send(new DescribeUserCommand({ IdentityStoreId,
			UserId: id }))));
	const refused = answers.filter((a) => a.status === 'rejected');
	assert.ok(refused.length >= 5 && refused.length <= 20);
	assert.equal(refused[0].reason.name, 'ThrottlingException');
	assert.equal(refused[0].reason.RetryAfterSeconds, 1);
	await store.send(new ListGroupsCommand({ IdentityStoreId }));
	await sandbox.control('settings', { rate: 0 });
});
