// referee.js - Microsoft's own bot (botbuilder 4.23) and login library (MSAL) on the doubles.
// SPDX-License-Identifier: Apache-2.0
//
// What holds the doubles to the truth: a bot that knows nothing of bellhop
// must work with them as it does with Microsoft's services.

import { createServer } from 'node:http';
import * as msal from '@azure/msal-node';
import connector from 'botframework-connector';
import botbuilder from 'botbuilder';
import { appId, tenant } from './company.js';

// MSAL wants https; it gets it as far as it can see.
export function application(login, auth) {
	const go = async (url, options, method) => {
		const answer = await fetch(url.replace('https://login.example',
			login.url), { method, headers: options?.headers,
			body: method === 'POST' ? options.body : undefined });
		const text = await answer.text();
		return { status: answer.status, body: JSON.parse(text || '{}'),
			headers: Object.fromEntries(answer.headers) };
	};
	return new msal.ConfidentialClientApplication({
		auth: { clientId: appId, knownAuthorities: ['login.example'],
			authority: `https://login.example/${tenant}`, ...auth },
		system: { networkClient: {
			sendGetRequestAsync: (url, options) => go(url, options, 'GET'),
			sendPostRequestAsync: (url, options) => go(url, options, 'POST'),
		}, loggerOptions: { loggerCallback: () => {}, logLevel: 0 } } });
}

// A bot with TeamsActivityHandler's callbacks in `handler`; gives its server,
// with the endpoint's url.
export async function startBot(login, handler) {
	const credentials = new connector.MsalServiceClientCredentialsFactory(
		appId, application(login, { clientSecret: [...login.secrets][0] }));
	const auth = new botbuilder.ConfigurationBotFrameworkAuthentication({
		ToBotFromChannelOpenIdMetadataUrl: login.metadataUrl,
		ToChannelFromBotLoginUrl: 'https://login.microsoftonline.com/' +
			tenant,
		ToChannelFromBotOAuthScope: 'https://api.botframework.com',
		ToBotFromChannelTokenIssuer: 'https://api.botframework.com',
		ToBotFromEmulatorOpenIdMetadataUrl: `${login.url}/${tenant}/v2.0/` +
			'.well-known/openid-configuration',
		CallerId: 'urn:botframework:azure', OAuthUrl: login.url,
		ValidateAuthority: 'true',
	}, credentials, undefined, undefined, { allowInsecureConnection: true });
	const adapter = new botbuilder.CloudAdapter(auth);
	const errors = [];
	adapter.onTurnError = async (context, error) => { errors.push(error); };
	const server = createServer(async (request, response) => {
		const chunks = [];
		for await (const chunk of request)
			chunks.push(chunk);
		request.body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
		response.status = (code) => { response.statusCode = code; };
		response.send = (body) => {
			if (typeof body === 'object') {
				response.setHeader('content-type', 'application/json');
				response.write(JSON.stringify(body));
			} else {
				response.write(String(body));
			}
		};
		response.header = () => {};
		await adapter.process(request, response, (context) =>
			handler.run(context));
	});
	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	return { server, adapter, errors,
		url: `http://127.0.0.1:${server.address().port}/api/messages`,
		close: () => new Promise((done) => {
			server.closeAllConnections();
			server.close(done);
		}) };
}
