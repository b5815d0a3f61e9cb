// company.js - the people of Acme in Microsoft Teams, and the places they meet.
// SPDX-License-Identifier: Apache-2.0

import { createHash, randomUUID } from 'node:crypto';

// The same GUID for the same words.
export function guid(words) {
	const h = createHash('sha256').update(words).digest('hex');
	return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8` +
		`${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

export const appId = guid('app bellhop');
export const tenant = guid('tenant acme');
export const elsewhere = guid('tenant partner');
export const bot = { id: `28:${appId}`, name: 'bellhop' };

function person(nick, name, more = {}) {
	return { nick, name, id: `29:1${createHash('sha256').update(nick)
		.digest('base64url')}`, aadObjectId: guid(`person ${nick}`),
		email: `${nick}@acme.example`,
		userPrincipalName: `${nick}@acme.example`, tenantId: tenant,
		userRole: 'user', ...more };
}

export const people = Object.fromEntries([
	person('ada', 'Ada Lovelace'),
	person('grace', 'Grace Hopper'),
	person('katherine', 'Katherine Johnson'),
	person('margaret', 'Margaret Hamilton'),
	person('hedy', 'Hedy Lamarr'),
	person('gus', 'Gus Guest', { email: 'gus@partner.example',
		userPrincipalName: 'gus_partner.example#EXT#@acme.example',
		userRole: 'guest' }),
	person('fay', 'Fay Foreign', { email: 'fay@partner.example',
		userPrincipalName: 'fay@partner.example', tenantId: elsewhere }),
].map((p) => [p.nick, p]));

function thread(words) {
	return createHash('sha256').update(words).digest('hex').slice(0, 32);
}

// What the connector knows of a place: who is in it, what was said there.
function place(conversationType, id, more) {
	return { conversationType, id, installed: true, messages: [],
		members: Object.values(people).filter((p) =>
			p.tenantId === tenant && p.userRole === 'user'), ...more };
}

export function places() {
	const team = `19:${thread('team payments')}@thread.tacv2`;
	const list = {
		general: place('channel', team, { team, name: 'General' }),
		access: place('channel', `19:${thread('access')}@thread.tacv2`,
			{ team, name: 'Access' }),
		group: place('groupChat', `19:${thread('group')}@thread.v2`,
			{ name: 'Night watch' }),
		shared: place('groupChat', `19:${thread('shared')}@thread.v2`,
			{ name: 'With partners', members: Object.values(people) }),
	};
	for (const p of Object.values(people))
		list[p.nick] = place('personal', `a:1${thread(`dm ${p.nick}`)}`,
			{ members: [p] });
	return { list, teams: { [team]: { id: team, name: 'Payments',
		aadGroupId: guid('group payments'), tenantId: tenant } } };
}

let last = 0;

// Ids of messages: milliseconds, never twice.
export function messageId() {
	last = Math.max(Date.now(), last + 1);
	return String(last);
}

export { randomUUID as uuid };
