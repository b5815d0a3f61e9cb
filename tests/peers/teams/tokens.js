// tokens.js - a set of tokens, good and bad, with Microsoft's verdict on each and ours.
// SPDX-License-Identifier: Apache-2.0
//
//	node tokens.js FILE		writes them with fresh keys, for the C tests
//
// Verdicts are the same but in the rows that say `stricter`, and why.  That
// Microsoft's are true is tokens.test.js's to prove.

import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { appId, elsewhere, guid, tenant } from './company.js';
import { channelIssuer, jws, makeKey } from './login.js';

const emulatorIssuer =
	'https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/';
const emulatorIssuer2 = 'https://login.microsoftonline.com/' +
	'd6d49420-f39b-4df7-a1dc-d59a935871db/v2.0';
const b64 = (text) => Buffer.from(text).toString('base64url');

// The keys that the set is signed with: `channel` and `entra` are published.
export function makeKeys() {
	const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	return { good: makeKey({ endorsements: ['msteams', 'emulator'] }),
		plain: makeKey({ endorsements: null }),
		empty: makeKey({ endorsements: [] }),
		slack: makeKey({ endorsements: ['slack', 'msteams2', 'MSTEAMS'] }),
		rogue: makeKey(), entra: makeKey({ endorsements: null }),
		ec: { kid: 'elliptic', privateKey: ec.privateKey,
			jwk: { ...ec.publicKey.export({ format: 'jwk' }),
				kid: 'elliptic', use: 'sig', endorsements: ['msteams'] } } };
}

export function published({ good, plain, empty, slack, ec }) {
	return [good, plain, empty, slack, ec].map((k) => k.jwk);
}

// All of them at the time `now` (seconds).  `edge` seconds is what is left out
// at either side of the 300 of skew, for who cannot stop the clock.
export function tokens({ now, keys, serviceUrl, edge = 0 }) {
	const { good, plain, empty, slack, rogue, entra, ec } = keys;
	const list = [];
	const base = { serviceurl: serviceUrl, nbf: now - 60, exp: now + 3600,
		iss: channelIssuer, aud: appId };
	const head = (key) => ({ alg: 'RS256', typ: 'JWT', kid: key.kid,
		x5t: key.kid });
	const without = (name, claims = base) => {
		const { [name]: _, ...rest } = claims;
		return rest;
	};
	const token = (claims = {}, header = {}, key = good) =>
		jws({ ...head(key), ...header }, { ...base, ...claims },
			key.privateKey);
	// Signed over exactly these two texts.
	const raw = (header, claims, key = good) => {
		const text = `${b64(header)}.${b64(claims)}`;
		return `${text}.${createSign('RSA-SHA256').update(text)
			.sign(key.privateKey).toString('base64url')}`;
	};
	const hmac = (secret) => {
		const text = `${b64(JSON.stringify({ ...head(good), alg: 'HS256' }))}.` +
			b64(JSON.stringify(base));
		return `${text}.${createHmac('sha256', secret).update(text)
			.digest('base64url')}`;
	};
	// Adds a row; `more` may change the activity or the header itself.
	const row = (name, microsoft, ours, jwt, more = {}) => {
		const { channelId = 'msteams', url = serviceUrl, scheme = 'Bearer ',
			...rest } = more;
		list.push({ name, microsoft, ours, authorization:
			jwt === undefined ? '' : scheme + jwt,
		activity: { ...(channelId === null ? {} : { channelId }),
			...(url === null ? {} : { serviceUrl: url }) }, tenant, ...rest });
	};
	const yes = (...rest) => row(rest[0], true, true, ...rest.slice(1));
	const no = (...rest) => row(rest[0], false, false, ...rest.slice(1));
	const stricter = (name, why, jwt, more) => row(name, true, false, jwt,
		{ ...more, stricter: why });

	// What is good.
	yes('good', token());
	yes('expired within the skew', token({ exp: now - 299 + edge }));
	yes('valid soon, within the skew', token({ nbf: now + 299 - edge }));
	yes('no nbf', jws(head(good), without('nbf'), good.privateKey));
	yes('no typ', jws({ alg: 'RS256', kid: good.kid }, base,
		good.privateKey));
	yes('claims that nobody asked for', token({ oid: guid('x'), ver: '3.0' }));
	yes('key without endorsements', token({}, {}, plain));
	yes('key with an empty list of endorsements', token({}, {}, empty));
	yes('kid\'s members in another order', raw(`{"kid":"${good.kid}",` +
		'"alg":"RS256"}', JSON.stringify(base)));
	yes('a serviceurl with a path of its own', token({ serviceurl:
		`${serviceUrl}amer/` }), { url: `${serviceUrl}amer/` });

	// Where Microsoft is laxer than its own page.
	stricter('RS512', 'the metadata names RS256 alone', token({},
		{ alg: 'RS512' }));
	stricter('RS384', 'the metadata names RS256 alone', token({},
		{ alg: 'RS384' }));
	stricter('no exp', 'such a token would be good for ever', jws(head(good),
		without('exp'), good.privateKey));
	stricter('a critical extension', 'RFC 7515, 4.1.11: who does not know it ' +
		'refuses', token({}, { crit: ['urn:example'], 'urn:example': 1 }));
	stricter('crit without a list', 'the same', token({}, { crit: [] }));
	stricter('claim iss twice', 'readers differ in which one counts',
		raw(JSON.stringify(head(good)), `{"iss":"https://evil.example",` +
			JSON.stringify(base).slice(1)));
	stricter('header alg twice', 'readers differ in which one counts',
		raw(`{"alg":"none",${JSON.stringify(head(good)).slice(1)}`,
			JSON.stringify(base)));
	stricter('typ of another kind', 'RFC 8725, 3.11: made for something else',
		token({}, { typ: 'at+jwt' }));
	stricter('a nested token\'s cty', 'RFC 8725: nested tokens are not read',
		token({}, { cty: 'JWT' }));
	stricter('packed', 'zip is for encrypted tokens; ours are none',
		token({}, { zip: 'DEF' }));
	stricter('over 8 KB', 'no channel makes such', token({ filler:
		'x'.repeat(9000) }));
	stricter('of a foreign tenant', 'a channel\'s token holds for any tenant ' +
		'that installed the app', token(), { tenant: elsewhere, jwt: true });
	for (const [version, claims, iss] of [['1.0', { appid: appId },
		emulatorIssuer], ['2.0', { azp: appId }, emulatorIssuer2]])
		stricter(`emulator ${version}`, 'unless `emulator` is switched on',
			jws(head(entra), { ...without('serviceurl'), ...claims,
				ver: version, iss }, entra.privateKey), { emulator: true });

	// Bad, for both.
	no('aud of another app', token({ aud: guid('another app') }));
	no('no aud', jws(head(good), without('aud'), good.privateKey));
	no('empty aud', token({ aud: '' }));
	no('aud in capitals', token({ aud: appId.toUpperCase() }));
	no('aud with a blank', token({ aud: `${appId} ` }));
	no('aud as a list', token({ aud: [appId] }));
	no('aud as a list of two', token({ aud: [appId, guid('other')] }));
	no('aud as an object', token({ aud: { [appId]: true } }));
	no('aud of the scope', token({ aud: 'https://api.botframework.com' }));
	no('iss of another', token({ iss: 'https://evil.example' }));
	no('no iss', jws(head(good), without('iss'), good.privateKey));
	no('iss with a slash more', token({ iss: `${channelIssuer}/` }));
	no('iss by http', token({ iss: 'http://api.botframework.com' }));
	no('iss in capitals', token({ iss: 'https://API.botframework.com' }));
	no('iss as a list', token({ iss: [channelIssuer] }));
	no('iss of the government\'s', token({ iss:
		'https://api.botframework.us' }));
	no('iss of a tenant', token({ iss: `https://sts.windows.net/${tenant}/` }));
	no('iss of a look-alike', token({ iss:
		'https://api.botframework.com.evil.example' }));
	no('iss with a NUL', token({ iss: `${channelIssuer}\u0000` }));
	no('expired', token({ exp: now - 301 - edge }));
	no('expired long ago', token({ exp: 1 }));
	no('exp as text', token({ exp: String(now + 3600) }));
	no('exp null', token({ exp: null }));
	no('exp true', token({ exp: true }));
	no('valid later', token({ nbf: now + 301 + edge }));
	no('nbf as text', token({ nbf: String(now - 60) }));
	no('serviceurl of another', token({ serviceurl: 'https://evil.example/' }));
	no('no serviceurl', jws(head(good), without('serviceurl'),
		good.privateKey));
	no('serviceurl without its slash', token({ serviceurl:
		serviceUrl.slice(0, -1) }));
	no('serviceurl in other case', token({ serviceurl:
		serviceUrl.replace('teams', 'Teams') }));
	no('serviceurl under its other name', token({ serviceurl: undefined,
		serviceUrl }));
	no('empty serviceurl', token({ serviceurl: '' }));
	no('serviceurl as a list', token({ serviceurl: [serviceUrl] }));
	no('activity with another serviceUrl', token(),
		{ url: 'https://smba.trafficmanager.net/emea/' });
	no('key that is not published', token({}, {}, rogue));
	no('a stranger\'s key under a known kid', token({}, { kid: good.kid,
		x5t: good.kid }, rogue));
	no('a known key under another\'s kid', token({}, { kid: plain.kid }));
	no('no kid', jws({ alg: 'RS256', typ: 'JWT' }, base, good.privateKey));
	no('unknown kid', token({}, { kid: 'nobody' }));
	no('empty kid', token({}, { kid: '' }));
	no('kid as a list', token({}, { kid: [good.kid] }));
	no('kid as a path', token({}, { kid: '../../../../dev/null' }));
	no('kid of the elliptic key', token({}, { kid: ec.kid }));
	no('a jwk brought along', token({}, { kid: rogue.kid, jwk: rogue.jwk },
		rogue));
	no('a jku brought along', token({}, { kid: rogue.kid,
		jku: 'https://evil.example/keys' }, rogue));
	no('an x5u brought along', token({}, { kid: rogue.kid,
		x5u: 'https://evil.example/cert' }, rogue));
	no('alg none', token({}, { alg: 'none' }));
	no('alg none with a signature', token({}, { alg: 'none' }) +
		token().split('.')[2]);
	for (const alg of ['None', 'NONE', 'rs256', 'RS1', '', 'ES256', 'HS256'])
		no(`alg "${alg}" over an RS256 signature`, raw(JSON.stringify({
			...head(good), alg }), JSON.stringify(base)));
	no('alg missing', raw(JSON.stringify({ typ: 'JWT', kid: good.kid }),
		JSON.stringify(base)));
	no('alg as a number', raw(JSON.stringify({ ...head(good), alg: 256 }),
		JSON.stringify(base)));
	no('HS256 by the public key as PEM', hmac(good.publicKey.export({
		type: 'spki', format: 'pem' })));
	no('HS256 by the public key as PKCS 1', hmac(good.publicKey.export({
		type: 'pkcs1', format: 'pem' })));
	no('HS256 by the modulus', hmac(good.jwk.n));
	no('HS256 by nothing', hmac(''));
	no('PS256', token({}, { alg: 'PS256' }));
	no('RSA-PSS under the name RS256', pss(token, good));
	no('ES256 by the elliptic key', es256(head(ec), base, ec));
	no('one bit of the signature', flip(token(), 2));
	no('one bit of the claims', flip(token(), 1));
	no('one bit of the header', flip(token(), 0));
	no('padding after the signature', `${token()}==`);
	no('a tab after the signature', `${token()}\t`, { http: false });
	no('a signature in the other base64', swap(token));
	no('signature cut off', token().split('.').slice(0, 2).join('.') + '.');
	no('signature cut short', token().slice(0, -8));
	no('signature of another token', [...token({ nbf: now - 61 }).split('.')
		.slice(0, 2), token().split('.')[2]].join('.'));
	no('two parts', token().split('.').slice(0, 2).join('.'));
	no('four parts', `${token()}.${token().split('.')[2]}`);
	no('five parts, as if encrypted', `${token()}.AA.AA`);
	no('one part', token().split('.')[0]);
	no('dots alone', '..');
	no('claims that are no JSON', raw(JSON.stringify(head(good)), 'nonsense'));
	no('claims that are a list', raw(JSON.stringify(head(good)),
		JSON.stringify([base])));
	no('claims that are a token', raw(JSON.stringify({ ...head(good),
		cty: 'JWT' }), token()));
	no('claims with something after', raw(JSON.stringify(head(good)),
		`${JSON.stringify(base)} true`));
	no('header that is no JSON', raw('nonsense', JSON.stringify(base)));
	no('empty claims', raw(JSON.stringify(head(good)), '{}'));
	no('no token at all', undefined);
	no('a scheme alone', '', { scheme: 'Bearer' });
	no('a scheme and a blank', '', { http: false });
	no('scheme in small letters', token(), { scheme: 'bearer ' });
	no('scheme in capitals', token(), { scheme: 'BEARER ' });
	no('scheme Basic', token(), { scheme: 'Basic ' });
	no('no scheme', token(), { scheme: '' });
	no('two blanks after the scheme', token(), { scheme: 'Bearer  ' });
	no('two tokens', `${token()} ${token()}`);
	no('a channel without endorsement', token(), { channelId: 'slack' });
	no('a channel in capitals', token(), { channelId: 'MSTeams' });
	no('no channel', token(), { channelId: null });
	no('key of another channel', token({}, {}, slack));
	no('the login service\'s key under the channel\'s issuer',
		token({}, {}, entra));
	no('emulator with another app\'s azp', jws(head(entra), {
		...without('serviceurl'), azp: guid('other'), ver: '2.0',
		iss: emulatorIssuer2 }, entra.privateKey), { emulator: true });
	no('emulator without version and app', jws(head(entra), {
		...without('serviceurl'), iss: emulatorIssuer }, entra.privateKey),
	{ emulator: true });
	no('emulator by the channel\'s key', jws(head(good), {
		...without('serviceurl'), appid: appId, ver: '1.0',
		iss: emulatorIssuer }, good.privateKey), { emulator: true });
	return list;
}

// The last of many tokens whose signature differs in the two alphabets.
function swap(token) {
	for (let i = 0; ; i++) {
		const parts = token({ jti: String(i) }).split('.');
		if (/[-_]/.test(parts[2]))
			return [parts[0], parts[1], parts[2].replace(/-/g, '+')
				.replace(/_/g, '/')].join('.');
	}
}

function flip(token, part) {
	const parts = token.split('.');
	const bytes = Buffer.from(parts[part], 'base64url');
	bytes[Math.floor(bytes.length / 2)] ^= 1;
	parts[part] = bytes.toString('base64url');
	return parts.join('.');
}

// What a PS256 signature would look like if its header said RS256.
function pss(token, key) {
	const [header, claims] = token().split('.');
	const other = jws({ alg: 'PS256', kid: key.kid }, {}, key.privateKey);
	return [header, claims, other.split('.')[2]].join('.');
}

function es256(header, claims, key) {
	const text = `${b64(JSON.stringify({ ...header, alg: 'ES256' }))}.` +
		b64(JSON.stringify(claims));
	return `${text}.${createSign('SHA256').update(text).sign({
		key: key.privateKey, dsaEncoding: 'ieee-p1363' })
		.toString('base64url')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const keys = makeKeys();
	const now = Date.parse('2026-01-05T10:00:00Z') / 1000;
	const serviceUrl = 'https://smba.trafficmanager.net/teams/';
	const rows = tokens({ now, keys, serviceUrl });
	const text = JSON.stringify({ made_by: 'tests/peers/teams/tokens.js', now,
		app_id: appId, tenant, issuer: channelIssuer,
		jwks: { keys: published(keys) }, entra: { keys: [keys.entra.jwk] },
		emulator_issuers: [emulatorIssuer, emulatorIssuer2], tokens: rows },
	null, 1);
	writeFileSync(process.argv[2], `${text}\n`);
	console.log(`${rows.length} tokens, ${rows.filter((r) => !r.ours).length}` +
		' of them bad');
}
