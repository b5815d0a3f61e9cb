// organizations.test.js - organizations: accounts, their tree, their tags.
// SPDX-License-Identifier: Apache-2.0

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import {
	DescribeAccountCommand, DescribeOrganizationCommand,
	DescribeOrganizationalUnitCommand, ListAccountsCommand,
	ListAccountsForParentCommand, ListChildrenCommand,
	ListOrganizationalUnitsForParentCommand, ListParentsCommand,
	ListRootsCommand, ListTagsForResourceCommand,
} from '@aws-sdk/client-organizations';
import { Sandbox, all } from './sandbox.js';

const sandbox = new Sandbox();
let organizations;

before(async () => {
	await sandbox.start('--accounts', '50');
	await sandbox.control('settings', { rate: 0 });
	({ organizations } = sandbox.clients());
});

after(() => sandbox.stop());

test('accounts come twenty a page, with state and path', async () => {
	const { rows, pages } = await all(organizations, ListAccountsCommand, {},
		'Accounts');
	assert.equal(rows.length, 62);
	assert.equal(pages, 4);
	const prod = rows.find((a) => a.Name === 'prod-payments');
	assert.equal(prod.Id, '111122223333');
	assert.equal(prod.State, 'ACTIVE');
	assert.equal(prod.Status, undefined);
	assert.match(prod.Paths[0], /^o-\w+\/r-\w+\/ou-\w+-\w+\/ou-\w+-\w+\/111122223333\/$/);
	assert.ok(prod.JoinedTimestamp instanceof Date);
});

test('an empty page with a token is not the end', async () => {
	await sandbox.control('fault', { operation: 'ListAccounts',
		kind: 'empty-page' });
	const { rows, pages } = await all(organizations, ListAccountsCommand, {},
		'Accounts');
	assert.equal(rows.length, 62);
	assert.equal(pages, 5);
});

test('the tree can be walked down and up', async () => {
	const { Roots } = await organizations.send(new ListRootsCommand({}));
	const { rows: units } = await all(organizations,
		ListOrganizationalUnitsForParentCommand, { ParentId: Roots[0].Id },
		'OrganizationalUnits');
	const payments = units.find((u) => u.Name === 'Payments');
	const { rows: below } = await all(organizations, ListChildrenCommand,
		{ ParentId: payments.Id, ChildType: 'ORGANIZATIONAL_UNIT' },
		'Children');
	const names = [];
	for (const { Id } of below) {
		const { OrganizationalUnit } = await organizations.send(
			new DescribeOrganizationalUnitCommand({
				OrganizationalUnitId: Id }));
		names.push(OrganizationalUnit.Name);
	}
	assert.deepEqual(names.sort(), ['Dev', 'Prod', 'Staging']);
	const { Parents } = await organizations.send(new ListParentsCommand({
		ChildId: '111122223333' }));
	assert.equal(Parents[0].Type, 'ORGANIZATIONAL_UNIT');
	const { rows: accounts } = await all(organizations,
		ListAccountsForParentCommand, { ParentId: Parents[0].Id },
		'Accounts');
	assert.deepEqual(accounts.map((a) => a.Name), ['prod-payments']);
	const { Parents: above } = await organizations.send(
		new ListParentsCommand({ ChildId: Parents[0].Id }));
	assert.equal(above[0].Id, payments.Id);
});

test('an account has tags, the organisation an owner', async () => {
	const { Tags } = await organizations.send(new ListTagsForResourceCommand({
		ResourceId: '111122223333' }));
	assert.deepEqual(Object.fromEntries(Tags.map((t) => [t.Key, t.Value])),
		{ team: 'payments', env: 'prod', data: 'cardholder' });
	const { Organization } = await organizations.send(
		new DescribeOrganizationCommand({}));
	assert.equal(Organization.MasterAccountId, '100000000001');
	await sandbox.control('settings', { 'status-too': true });
	const { Account } = await organizations.send(new DescribeAccountCommand({
		AccountId: '100000000001' }));
	assert.equal(Account.Name, 'acme-management');
	assert.equal(Account.Status, 'ACTIVE');
});

test('what is not there has a name of its own', async () => {
	await assert.rejects(organizations.send(new DescribeAccountCommand({
		AccountId: '999999999999' })), { name: 'AccountNotFoundException' });
	await assert.rejects(organizations.send(new ListAccountsForParentCommand({
		ParentId: 'r-none' })), { name: 'ParentNotFoundException' });
	await assert.rejects(organizations.send(new ListParentsCommand({
		ChildId: '999999999999' })), { name: 'ChildNotFoundException' });
	await assert.rejects(organizations.send(new ListTagsForResourceCommand({
		ResourceId: '999999999999' })), { name: 'TargetNotFoundException' });
	await assert.rejects(organizations.send(
		new DescribeOrganizationalUnitCommand({
			OrganizationalUnitId: 'ou-acme-00000000' })),
		{ name: 'OrganizationalUnitNotFoundException' });
	await assert.rejects(organizations.send(new ListAccountsCommand({
		MaxResults: 21 })), { name: 'InvalidInputException' });
});

test('too many calls are refused as Organizations does', async () => {
	await sandbox.control('settings', { rate: 20 });
	await sandbox.control('reset', {});
	const answers = await Promise.allSettled(Array.from({ length: 6 },
		() => organizations.send(new ListRootsCommand({}))));
	const refused = answers.filter((a) => a.status === 'rejected');
	await sandbox.control('settings', { rate: 0 });
	assert.ok(refused.length >= 3);
	assert.equal(refused[0].reason.name, 'TooManyRequestsException');
});
