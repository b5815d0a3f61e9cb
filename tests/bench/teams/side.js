// side.js - the processes beside the generator: botbuilder's bot, or Microsoft's cloud for bellhop.
// SPDX-License-Identifier: Apache-2.0
//
//	node side.js PEERS bot|cloud PEOPLE
//
// PEERS is tests/peers/teams, with its packages.  Prints one line of JSON: what
// there is to know to send to it; when its standard input ends another, with how
// many messages were sent to it, and ends.

import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , peers, what, count] = process.argv;
const load = (name) => import(pathToFileURL(join(peers, name)));
const { Teams, people } = await load('client.js');
const { appId, tenant } = await load('company.js');
const { startBot } = await load('referee.js');

// As http-load numbers its connections.
function person(i) {
	const number = String(i).padStart(4, '0');
	return { nick: `p${number}`, name: `Person ${number}`,
		id: `29:1bench${number}`, tenantId: tenant, userRole: 'user',
		aadObjectId: `00000000-0000-4000-8000-00000000${number}`,
		email: `p${number}@acme.example`,
		userPrincipalName: `p${number}@acme.example` };
}

const cloud = new Teams();
cloud.throttle = false;
for (let i = 0; i < Number(count); i++) {
	const p = person(i);
	people[p.nick] = p;
	cloud.places[p.nick] = { conversationType: 'personal', members: [p],
		id: `a:1bench${String(i).padStart(4, '0')}`, installed: true,
		messages: [] };
}
await cloud.start();
let endpoint = null;
if (what === 'bot') {
	const { ActivityHandler } = createRequire(join(peers, 'package.json'))(
		'botbuilder');
	const handler = new ActivityHandler();
	handler.onMessage(async (context, next) => { await next(); });
	({ url: endpoint } = await startBot(cloud, handler));
}
const activity = cloud.activity('message', { ...person(0),
	id: '29:1bench{{conn}}', name: 'Person {{conn}}',
	aadObjectId: '00000000-0000-4000-8000-00000000{{conn}}' },
{ conversationType: 'personal', id: 'a:1bench{{conn}}' }, { id: '{{id}}',
	text: '!note the settlement job is stuck again', textFormat: 'plain',
	attachments: [{ contentType: 'text/html',
		content: '<p>!note the settlement job is stuck again</p>' }] });
console.log(JSON.stringify({ endpoint, appId, tenant, url: cloud.url,
	metadataUrl: cloud.metadataUrl, secret: [...cloud.secrets][0],
	service: cloud.url, activity: JSON.stringify(activity),
	token: cloud.channelToken(activity, { exp:
		Math.floor(Date.now() / 1000) + 7200 }) }));
process.stdin.on('end', () => {
	console.log(JSON.stringify({ sent: cloud.sent.length,
		first: cloud.sent[0]?.activity.text }));
	process.exit();
}).resume();
