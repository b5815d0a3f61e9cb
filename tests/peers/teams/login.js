// login.js - a double of Microsoft's login services: keys, their metadata, and tokens for programs.
// SPDX-License-Identifier: Apache-2.0

import { X509Certificate, createHash, createSign,
	constants, generateKeyPairSync, randomUUID, verify,
} from 'node:crypto';
import { Answer, Server } from './server.js';
import { appId, tenant } from './company.js';

export const channelIssuer = 'https://api.botframework.com';
const b64 = (value) => Buffer.from(typeof value === 'string' ? value :
	JSON.stringify(value)).toString('base64url');

// A compact JWS.  `alg` may be none, or RS256 with whatever key is given.
export function jws(header, claims, key) {
	const text = `${b64(header)}.${b64(claims)}`;
	if (header.alg === 'none')
		return `${text}.`;
	const hash = { 256: 'RSA-SHA256', 384: 'RSA-SHA384',
		512: 'RSA-SHA512' }[header.alg.slice(2)];
	const pss = header.alg.startsWith('PS') ? {
		padding: constants.RSA_PKCS1_PSS_PADDING,
		saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
	return `${text}.${createSign(hash).update(text)
		.sign({ key, ...pss }).toString('base64url')}`;
}

// An RSA key pair as a key server publishes it.
export function makeKey({ endorsements = ['msteams'], bits = 2048 } = {}) {
	const { publicKey, privateKey } = generateKeyPairSync('rsa',
		{ modulusLength: bits });
	const kid = createHash('sha1').update(publicKey.export({ type: 'spki',
		format: 'der' })).digest('base64url');
	const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', kid,
		x5t: kid, ...(endorsements ? { endorsements } : {}) };
	return { kid, publicKey, privateKey, jwk };
}

function decode(text) {
	return JSON.parse(Buffer.from(text, 'base64url').toString());
}

export class Login extends Server {
	secrets = new Set(['correct horse battery staple']);
	expiredSecrets = new Set(['last year\'s secret']);
	certificates = [];	// PEM, registered with the app
	federated = [];		// { issuer, subject, key }
	identities = new Set();	// client ids of managed identities
	lifetime = 3599;
	issued = new Map();	// token -> { aud, appid, exp }

	constructor() {
		super();
		this.keys = [makeKey()];	// of the Bot Framework
		this.entraKeys = [makeKey({ endorsements: null })];
		this.on('GET', '/v1/.well-known/openidconfiguration', () => ({
			issuer: channelIssuer,
			authorization_endpoint: 'https://invalid.example',
			jwks_uri: `${this.url}/v1/.well-known/keys`,
			id_token_signing_alg_values_supported: ['RS256'],
			token_endpoint_auth_methods_supported: ['private_key_jwt'] }));
		this.on('GET', '/v1/.well-known/keys', () => ({
			keys: this.keys.map((k) => k.jwk) }));
		this.on('GET', '/:tenant/v2.0/.well-known/openid-configuration',
			(_, names) => this.#metadata(names.tenant));
		this.on('GET', '/discovery/keys', () => ({
			keys: this.entraKeys.map((k) => k.jwk) }));
		this.on('POST', '/:tenant/oauth2/v2.0/token', (seen, names) =>
			this.#token(seen.body ?? {}, names.tenant));
		this.on('GET', '/metadata/identity/oauth2/token', (seen) =>
			this.#instance(seen));
		this.on('GET', '/msi/token', (seen) => this.#appService(seen));
	}

	get metadataUrl() {
		return `${this.url}/v1/.well-known/openidconfiguration`;
	}

	// A new signing key; the old one leaves at once unless it is to stay.
	rollover({ keep = false } = {}) {
		this.keys = [makeKey(), ...(keep ? this.keys : [])];
		return this.keys[0];
	}

	// What a channel sends along with an activity.
	channelToken(activity, more = {}, header = {}) {
		const now = Math.floor(Date.now() / 1000);
		const [key] = this.keys;
		return jws({ alg: 'RS256', typ: 'JWT', kid: key.kid, x5t: key.kid,
			...header }, { serviceurl: activity.serviceUrl, nbf: now - 10,
			exp: now + 3600, iss: channelIssuer, aud: appId, ...more },
		key.privateKey);
	}

	#metadata(name) {
		if (![tenant, 'botframework.com', 'common', 'organizations',
			'd6d49420-f39b-4df7-a1dc-d59a935871db'].includes(name))
			throw this.#no(400, 'invalid_tenant', 90002, `Tenant '${name}' ` +
				'not found. Check to make sure you have the correct tenant ID');
		const base = `${this.url}/${name}`;
		return { token_endpoint: `${base}/oauth2/v2.0/token`,
			token_endpoint_auth_methods_supported: ['client_secret_post',
				'private_key_jwt', 'client_secret_basic'],
			jwks_uri: `${this.url}/discovery/keys`,
			issuer: `https://login.microsoftonline.com/${name}/v2.0`,
			authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
			end_session_endpoint: `${base}/oauth2/v2.0/logout`,
			id_token_signing_alg_values_supported: ['RS256'],
			response_types_supported: ['code', 'id_token', 'token'],
			subject_types_supported: ['pairwise'],
			scopes_supported: ['openid'], claims_supported: ['sub'],
			tenant_region_scope: null,
			cloud_instance_name: 'microsoftonline.com' };
	}

	#no(status, error, code, text) {
		return new Answer(status, { error, error_description:
			`AADSTS${code}: ${text} Trace ID: ${randomUUID()} Correlation ` +
			`ID: ${randomUUID()} Timestamp: ${new Date().toISOString()
				.replace('T', ' ')}`, error_codes: [code],
			timestamp: new Date().toISOString(), trace_id: randomUUID(),
			correlation_id: randomUUID(), error_uri:
			`https://login.microsoftonline.com/error?code=${code}` });
	}

	#token(form, name) {
		if (name !== tenant && name !== 'botframework.com')
			throw this.#no(400, 'invalid_request', 90002,
				`Tenant '${name}' not found.`);
		if (form.grant_type !== 'client_credentials')
			throw this.#no(400, 'unsupported_grant_type', 70003,
				`The app requested an unsupported grant type ` +
				`'${form.grant_type}'.`);
		if (form.client_id !== appId)
			throw this.#no(400, 'unauthorized_client', 700016,
				`Application with identifier '${form.client_id}' was not ` +
				`found in the directory '${name}'.`);
		// MSAL asks for openid and profile as well.
		const scope = (form.scope ?? '').split(' ').find((s) =>
			s.endsWith('/.default'));
		if (scope === undefined)
			throw this.#no(400, 'invalid_scope', 1002012, 'The provided value ' +
				`for scope ${form.scope} is not valid.`);
		this.#credential(form, name);
		return this.#issue(scope.replace(/\/\.default$/, ''));
	}

	#credential(form, name) {
		if (form.client_assertion !== undefined) {
			if (form.client_assertion_type !== 'urn:ietf:params:oauth:' +
			    'client-assertion-type:jwt-bearer')
				throw this.#no(400, 'invalid_request', 900144, 'The request ' +
					'body must contain client_assertion_type.');
			this.#assertion(form.client_assertion, name);
		} else if (this.expiredSecrets.has(form.client_secret)) {
			throw this.#no(401, 'invalid_client', 7000222, 'The provided ' +
				`client secret keys for app '${appId}' are expired. Visit ` +
				'the Azure portal to create new keys for your app.');
		} else if (!this.secrets.has(form.client_secret)) {
			throw this.#no(401, 'invalid_client', 7000215, 'Invalid client ' +
				'secret provided. Ensure the secret being sent in the request ' +
				'is the client secret value, not the client secret ID.');
		}
	}

	// RFC 7523: by one of the app's certificates, or by somebody it trusts.
	#assertion(token, name) {
		const bad = (code, text) => {
			throw this.#no(401, 'invalid_client', code, text);
		};
		const [h, c, s, rest] = token.split('.');
		if (s === undefined || rest !== undefined)
			bad(50027, 'JWT token is invalid or malformed.');
		const header = decode(h), claims = decode(c);
		const now = Date.now() / 1000;
		if (!(claims.exp > now))
			bad(700024, 'Client assertion is not within its valid time range.');
		const signed = (key) => verify('sha256', Buffer.from(`${h}.${c}`),
			header.alg === 'PS256' ? { key, saltLength: 32,
				padding: constants.RSA_PKCS1_PSS_PADDING } : { key },
			Buffer.from(s, 'base64url'));
		if (!['RS256', 'PS256'].includes(header.alg))
			bad(5002723, `Invalid JWT token: algorithm ${header.alg}.`);
		const trusted = this.federated.find((f) => f.issuer === claims.iss);
		if (trusted !== undefined) {
			if (trusted.subject !== claims.sub)
				bad(700213, 'No matching federated identity record found for ' +
					`presented assertion subject '${claims.sub}'.`);
			if (claims.aud !== 'api://AzureADTokenExchange')
				bad(700212, 'No matching federated identity record found for ' +
					`presented assertion audience '${claims.aud}'.`);
			if (!signed(trusted.key))
				bad(700211, 'signature');
			return;
		}
		const certificate = this.certificates.find((pem) => {
			const x = new X509Certificate(pem);
			const print = (how) => createHash(how).update(x.raw)
				.digest('base64url');
			return header['x5t#S256'] === print('sha256') ||
				header.x5t === print('sha1');
		});
		if (certificate === undefined)
			bad(700027, 'The certificate with identifier used to sign the ' +
				'client assertion is not registered on application.');
		if (!signed(new X509Certificate(certificate).publicKey))
			bad(700027, 'Client assertion failed signature validation.');
		if (claims.iss !== appId || claims.sub !== appId)
			bad(700021, 'Client assertion application identifier doesn\'t ' +
				'match \'client_id\' parameter.');
		const audience = `/${name}/oauth2/v2.0/token`;
		if (!String(claims.aud).endsWith(audience) || !claims.jti)
			bad(700023, 'Client assertion audience claim does not match ' +
				'Realm issuer.');
		if (claims.exp - now > 605)
			bad(700024, 'Client assertion lives for more than ten minutes.');
	}

	// A virtual machine's metadata service.
	#instance(seen) {
		if (seen.headers.metadata !== 'true' ||
		    seen.query['api-version'] !== '2018-02-01')
			throw new Answer(400, { error: 'invalid_request',
				error_description: 'Required metadata header not specified' });
		return { ...this.#managed(seen), expires_in: '3599' };
	}

	// App Service's, at IDENTITY_ENDPOINT.
	#appService(seen) {
		if (seen.headers['x-identity-header'] !== 'identity-header' ||
		    seen.query['api-version'] !== '2019-08-01')
			throw new Answer(401, { statusCode: 401,
				message: 'not from this app' });
		return this.#managed(seen);
	}

	#managed(seen) {
		const { resource, client_id: id } = seen.query;
		if (!this.identities.has(id))
			throw new Answer(400, { error: 'invalid_request',
				error_description: 'Identity not found' });
		const end = Math.floor(Date.now() / 1000) + 3599;
		const [key] = this.entraKeys;
		return { token_type: 'Bearer', client_id: id, resource,
			expires_on: String(end), access_token:
			resource !== 'api://AzureADTokenExchange' ?
				this.#issue(resource).access_token :
				jws({ alg: 'RS256', kid: key.kid, typ: 'JWT' }, { aud: resource,
					iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
					sub: id, exp: end }, key.privateKey) };
	}

	// Opaque to us and to all; the connector asks who it is by #issued.
	#issue(aud) {
		const now = Math.floor(Date.now() / 1000);
		const claims = { aud, appid: appId, exp: now + this.lifetime,
			tid: tenant, jti: randomUUID() };
		const [key] = this.entraKeys;
		const token = jws({ alg: 'RS256', kid: key.kid, typ: 'JWT' }, claims,
			key.privateKey);
		this.issued.set(token, claims);
		return { token_type: 'Bearer', expires_in: this.lifetime,
			ext_expires_in: this.lifetime, access_token: token };
	}

	// All tokens that were given out are worth nothing from now on.
	revokeAll() {
		this.issued.clear();
	}

	// The claims of the token of this request, or a 401.
	bearer(seen, audience) {
		const [, token] = /^Bearer (\S+)$/.exec(seen.headers.authorization ??
			'') ?? [];
		const claims = this.issued.get(token);
		if (claims === undefined || claims.exp * 1000 < Date.now() ||
		    claims.aud !== audience)
			throw new Answer(401, { error: { code: 'Unauthorized', message:
				'Authorization has been denied for this request.' } });
		return claims;
	}
}

