/* teams-jwt.c - is this token Microsoft's, and for us?
 * SPDX-License-Identifier: Apache-2.0
 *
 *   three parts of strict base64url -> header: RS256, kid, nothing critical
 *     -> key -> signature over the bytes as they came -> claims
 *
 * No claim is believed before the signature holds, and nothing in a token
 * chooses how it is judged: not the algorithm, not the key's place, not a
 * second way to write the same bytes.  Where the key is not known the claims
 * can only do harm: a token that is bad whoever signed it is bad at once.
 *
 * RFC 7515 (JWS compact), RFC 7519 (JWT), RFC 8725 (their traps);
 * https://learn.microsoft.com/azure/bot-service/rest-api/
 * bot-framework-rest-connector-authentication
 */

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "plugins/teams/teams.h"

#define TOKEN_MAX	(8u * 1024u)
#define HEADER_MAX	(2u * 1024u)	/* decoded, as the others */
#define CLAIMS_MAX	(6u * 1024u)
#define SIGNATURE_MAX	1024u
#define SKEW		300000		/* ms */

struct parts {
	const char *header, *claims, *signature;
	size_t header_len, claims_len, signature_len;
	size_t signed_len;		/* of what the signature is over */
};

static const char *
split(const char *token, size_t len, struct parts *p)
{
	const char *dot, *end = token + len;

	if (len > TOKEN_MAX)
		return "the token is too long";
	dot = memchr(token, '.', len);
	if (dot == NULL)
		return "the token has no parts";
	p->header = token;
	p->header_len = (size_t)(dot - token);
	p->claims = dot + 1;
	dot = memchr(p->claims, '.', (size_t)(end - p->claims));
	if (dot == NULL)
		return "the token has two parts, not three";
	p->claims_len = (size_t)(dot - p->claims);
	p->signed_len = (size_t)(dot - token);
	p->signature = dot + 1;
	p->signature_len = (size_t)(end - p->signature);
	if (memchr(p->signature, '.', p->signature_len) != NULL)
		return "the token has more than three parts";
	if (p->header_len == 0 || p->claims_len == 0 || p->signature_len == 0)
		return "a part of the token is empty";
	return NULL;
}

/* One part as a JSON object; NULL with a sentence. */
static struct bh_value *
part_json(struct bh_host *host, const char *text, size_t len, size_t max,
    const char **why)
{
	size_t bytes_len;
	unsigned char *bytes = teams_base64url(text, len, max, &bytes_len);
	struct bh_value *v;

	if (bytes == NULL) {
		*why = "a part of the token is not strict base64url, or too "
		    "long";
		return NULL;
	}
	v = bh_json(host, (const char *)bytes, bytes_len, NULL);
	free(bytes);
	if (v == NULL)
		*why = "a part of the token is not strict JSON";
	else if (v->kind != BH_MAP) {
		bh_json_free(host, v);
		v = NULL;
		*why = "a part of the token is no JSON object";
	}
	return v;
}

/* Is there any member of this name, null too? */
static bool
has(const struct bh_value *map, const char *key)
{
	for (BH_EACH(c, map))
		if (strcmp(c->key, key) == 0)
			return true;
	return false;
}

static const struct teams_key *
find_key(const struct teams_key *keys, const char *kid)
{
	while (keys != NULL && strcmp(keys->kid, kid) != 0)
		keys = keys->next;
	return keys;
}

static int
judge_header(const struct bh_value *header, const struct teams_key *keys,
    const struct teams_key **key, const char **why)
{
	const char *alg = bh_get_text(header, "alg");
	const char *kid = bh_get_text(header, "kid");
	const char *typ = bh_get_text(header, "typ");

	if (alg == NULL || strcmp(alg, "RS256") != 0)
		*why = "the token's algorithm is not RS256";
	else if (has(header, "crit"))
		*why = "the token has critical extensions";
	else if (has(header, "cty") || has(header, "zip") || has(header, "enc"))
		*why = "the token is nested, packed or encrypted";
	else if (has(header, "typ") && (typ == NULL ||
	    strcasecmp(typ, "JWT") != 0))
		*why = "the token is of another type";
	else if (kid == NULL || *kid == '\0')
		*why = "the token names no key";
	else if ((*key = find_key(keys, kid)) == NULL) {
		*why = "the token's key is not among the published ones";
		return TEAMS_NO_KEY;
	} else
		return TEAMS_GOOD;
	return TEAMS_BAD;
}

static bool
signature_holds(const struct teams_key *key, const char *text, size_t len,
    const struct parts *p)
{
	size_t size;
	unsigned char *signature = teams_base64url(p->signature,
	    p->signature_len, SIGNATURE_MAX, &size);
	EVP_MD_CTX *md = signature != NULL ? EVP_MD_CTX_new() : NULL;
	EVP_PKEY_CTX *way = NULL;
	bool ok = md != NULL &&
	    EVP_DigestVerifyInit(md, &way, EVP_sha256(), NULL, key->key) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(way, RSA_PKCS1_PADDING) == 1 &&
	    EVP_DigestVerify(md, signature, size,
	    (const unsigned char *)text, len) == 1;

	EVP_MD_CTX_free(md);
	free(signature);
	ERR_clear_error();
	return ok;
}

/* A NumericDate in ms; false if it is none that makes sense. */
static bool
date(const struct bh_value *claims, const char *name, int64_t *out)
{
	const struct bh_value *v = bh_get(claims, name);

	if (v == NULL || v->kind != BH_NUMBER || !(v->number >= 0) ||
	    v->number > 1e11)
		return false;
	*out = (int64_t)(v->number * 1000);
	return true;
}

static bool
text_is(const char *text, const char *wanted)
{
	return text != NULL && strcmp(text, wanted) == 0;
}

/* Tokens of the login service name the app twice. */
static bool
emulator_app(const struct bh_value *claims, const char *audience)
{
	const char *version = bh_get_text(claims, "ver");

	if (version == NULL || strcmp(version, "1.0") == 0)
		return text_is(bh_get_text(claims, "appid"), audience);
	return strcmp(version, "2.0") == 0 &&
	    text_is(bh_get_text(claims, "azp"), audience);
}

static const char *
judge_claims(const struct bh_value *claims, const struct teams_expect *expect,
    int64_t *expires)
{
	const char *issuer = bh_get_text(claims, "iss");
	const char *service_url = bh_get_text(claims, "serviceurl");
	const char *const *known = expect->issuers;
	int64_t from;

	while (*known != NULL && !text_is(issuer, *known))
		known++;
	if (*known == NULL)
		return "the token has another issuer";
	/* One audience: a list of them is a token that others hold too. */
	if (!text_is(bh_get_text(claims, "aud"), expect->audience))
		return "the token is for another audience";
	if (!date(claims, "exp", expires))
		return "the token does not say when it expires";
	if (expect->now >= *expires + SKEW)
		return "the token has expired";
	if (has(claims, "nbf") && !date(claims, "nbf", &from))
		return "the token's beginning is no time";
	if (has(claims, "nbf") && expect->now < from - SKEW)
		return "the token is not valid yet";
	if (expect->emulator)
		return emulator_app(claims, expect->audience) ? NULL :
		    "the token was made for another app";
	return service_url != NULL && *service_url != '\0' ? NULL :
	    "the token names no service URL";
}

int
teams_jwt_judge(struct bh_host *host, const char *token, size_t len,
    const struct teams_key *keys, const struct teams_expect *expect,
    struct teams_claims *claims, const char **why)
{
	const struct teams_key *key = NULL;
	struct bh_value *json;
	struct parts p;
	const char *wrong;
	int64_t expires;
	int ret;

	if ((*why = split(token, len, &p)) != NULL ||
	    (json = part_json(host, p.header, p.header_len, HEADER_MAX,
	    why)) == NULL)
		return TEAMS_BAD;
	ret = judge_header(json, keys, &key, why);
	bh_json_free(host, json);
	if (ret == TEAMS_BAD)
		return ret;
	if (ret == TEAMS_GOOD &&
	    !signature_holds(key, token, p.signed_len, &p)) {
		*why = "the token's signature is not its key's";
		return TEAMS_BAD;
	}
	if ((json = part_json(host, p.claims, p.claims_len, CLAIMS_MAX,
	    why)) == NULL)
		return TEAMS_BAD;
	wrong = judge_claims(json, expect, &expires);
	if (wrong != NULL) {
		*why = wrong;
		ret = TEAMS_BAD;
	} else if (ret == TEAMS_GOOD) {
		claims->service_url = expect->emulator ? NULL :
		    bh_copy(bh_get_text(json, "serviceurl"));
		claims->expires = expires;
		claims->key = key;
	}
	bh_json_free(host, json);
	return ret;
}

void
teams_claims_release(struct teams_claims *claims)
{
	free(claims->service_url);
	*claims = (struct teams_claims){ 0 };
}

bool
teams_jwt_covers(const struct teams_claims *claims, const char *service_url,
    const char *channel, const char **why)
{
	const struct teams_key *key = claims->key;
	bool endorsed = key->endorsements_count == 0;

	if (service_url == NULL || channel == NULL) {
		*why = "the activity names no service URL or no channel";
		return false;
	}
	if (claims->service_url == NULL)
		return true;		/* the emulator's have neither */
	if (strcmp(claims->service_url, service_url) != 0) {
		*why = "the activity's service URL is not the token's";
		return false;
	}
	for (size_t i = 0; i < key->endorsements_count; i++)
		endorsed = endorsed ||
		    strcmp(key->endorsements[i], channel) == 0;
	if (!endorsed)
		*why = "the token's key is not endorsed for this channel";
	return endorsed;
}

bool
teams_jwt_issuer(struct bh_host *host, const char *token, size_t len,
    struct bh_buf *issuer)
{
	struct bh_value *json;
	struct parts p;
	const char *why, *text;
	bool ok;

	if (split(token, len, &p) != NULL || (json = part_json(host, p.claims,
	    p.claims_len, CLAIMS_MAX, &why)) == NULL)
		return false;
	text = bh_get_text(json, "iss");
	ok = text != NULL;
	if (ok)
		bh_buf_puts(issuer, text);
	bh_json_free(host, json);
	return ok && !issuer->overflow;
}
