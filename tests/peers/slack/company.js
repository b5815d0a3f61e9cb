// company.js - Acme on Slack: its workspace, its channels, its people of every kind, and the app.
// SPDX-License-Identifier: Apache-2.0

export const team = 'T000000001';		// emulate's own
export const foreignTeam = 'T0STRANGER';
export const domain = 'acme';

export const app = {
	id: 'A0BELLHOP', clientId: '1.2', clientSecret: 'peers-client-secret',
	signingSecret: 'peers-signing-secret',
	botUser: 'U0BELLHOP', botId: 'B0BELLHOP', name: 'bellhop',
	botToken: 'xoxb-peers-bot', appToken: 'xapp-1-A0BELLHOP-peers-app',
	refreshToken: 'xoxe-1-peers-first',
};

// What bellhop's manifest asks for; emulate refuses calls that need more.
export const scopes = ['app_mentions:read', 'channels:history',
	'channels:read', 'chat:write', 'chat:write.public', 'commands',
	'groups:history', 'groups:read', 'im:history', 'im:read', 'im:write',
	'metadata.message:read', 'mpim:history', 'mpim:read', 'users:read',
	'users:read.email'];

const member = (real, email = `${real.split(' ')[0].toLowerCase()}` +
	'@acme.example') => ({ real, email, over: {} });

// `over` is what users.info says besides: emulate knows members alone.
export const people = {
	ada: member('Ada Lovelace'),
	grace: member('Grace Hopper'),
	katherine: member('Katherine Johnson'),
	margaret: member('Margaret Hamilton'),
	annie: member('Annie Easley'),
	barbara: member('Barbara Liskov'),
	edsger: member('Edsger Dijkstra'),
	radia: member('Radia Perlman'),
	dennis: member('Dennis Ritchie'),
	alan: member('Alan Turing'),
	hedy: member('Hedy Lamarr'),
	joan: { ...member('Joan Clarke'), over: { is_restricted: true } },
	gus: { ...member('Gus Single'), over: { is_restricted: true,
		is_ultra_restricted: true } },
	steve: { ...member('Steve Stranger', 'steve@other.example'), over: {
		team_id: foreignTeam, is_stranger: true } },
	fay: { ...member('Fay Foreign', 'grace@acme.example'), over: {
		team_id: foreignTeam } },
	robot: { ...member('Robot Helper'), over: { is_bot: true } },
	gone: { ...member('Gone Former'), over: { deleted: true } },
};

export const channels = {
	'#payments': {},
	'#platform': {},
	'#random': {},
	'#security': { is_private: true },
	'#shared': { over: { is_shared: true, is_ext_shared: true } },
};

// For emulate.  It makes up the ids of people and channels itself.
export function seed() {
	return { slack: {
		team: { name: 'Acme', domain },
		users: Object.entries(people).map(([name, p]) => ({ name,
			real_name: p.real, email: p.email })),
		channels: Object.entries(channels).map(([name, c]) => ({
			name: name.slice(1), is_private: c.is_private })),
		oauth_apps: [{ app_id: app.id, client_id: app.clientId,
			client_secret: app.clientSecret, name: app.name,
			redirect_uris: [], scopes, user_scopes: [], bot_id: app.botId,
			bot_user_id: app.botUser, bot_name: app.name }],
		tokens: [{ token: app.botToken, type: 'bot', user_id: app.botUser,
			scopes, app_id: app.id, client_id: app.clientId,
			bot_id: app.botId, bot_user_id: app.botUser },
		...Object.keys(people).map((name) => ({ token: `xoxp-${name}`,
			type: 'user', user: name, app_id: 'A0CLIENT' }))],
		signing_secret: app.signingSecret, strict_scopes: true,
	} };
}
