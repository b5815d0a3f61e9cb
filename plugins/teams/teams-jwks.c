/* teams-jwks.c - published keys, read strictly.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 7517 (JWKS), RFC 7518 6.3 (RSA keys).  What is no RSA signature key for
 * RS256 is passed over: the login service publishes others beside them.
 */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "plugins/teams/teams.h"

#define JWKS_MAX	(512u * 1024u)
#define KEYS_MAX	64
#define ENDORSEMENTS_MAX 256
#define MODULUS_MIN	2048		/* bits */
#define MODULUS_MAX	8192
#define EXPONENT_MAX	32

/* -1: not of the alphabet. */
static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

unsigned char *
teams_base64url(const char *text, size_t len, size_t max, size_t *out_len)
{
	size_t size = len / 4 * 3 + (len % 4 > 1 ? len % 4 - 1 : 0), n = 0;
	unsigned char *out;
	uint32_t bits = 0;
	int have = 0;

	if (len == 0 || len % 4 == 1 || size > max)
		return NULL;
	out = bh_zero(size + 1);
	for (size_t i = 0; i < len; i++) {
		int v = sextet(text[i]);

		if (v < 0) {
			free(out);
			return NULL;
		}
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (unsigned char)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	/* Bits that are left over would write the same bytes in other ways. */
	if (bits != 0) {
		free(out);
		return NULL;
	}
	*out_len = n;
	return out;
}

/* ------------------------------------------------------------------ */

static BIGNUM *
number(const struct bh_value *jwk, const char *name)
{
	const char *text = bh_get_text(jwk, name);
	size_t len;
	unsigned char *bytes = text != NULL ? teams_base64url(text,
	    strlen(text), MODULUS_MAX / 8, &len) : NULL;
	BIGNUM *n = bytes != NULL ? BN_bin2bn(bytes, (int)len, NULL) : NULL;

	free(bytes);
	return n;
}

static EVP_PKEY *
make_key(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *way = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (build != NULL && way != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
	    EVP_PKEY_fromdata_init(way) == 1 &&
	    EVP_PKEY_fromdata(way, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(way);
	ERR_clear_error();
	return key;
}

static void
print_key(const struct bh_value *jwk, char out[65])
{
	struct bh_buf text = BH_BUF(8u * 1024u);
	unsigned char hash[32] = { 0 };

	bh_buf_add(&text, "%s.%s", bh_get_text(jwk, "n"),
	    bh_get_text(jwk, "e"));
	if (EVP_Digest(bh_buf_text(&text), text.len, hash, NULL, EVP_sha256(),
	    NULL) != 1)
		abort();
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
	bh_buf_release(&text);
}

static bool
is_or_absent(const struct bh_value *jwk, const char *name, const char *value)
{
	const char *text = bh_get_text(jwk, name);

	return bh_get(jwk, name) == NULL ||
	    (text != NULL && strcmp(text, value) == 0);
}

/* NULL: none of endorsements, or one that makes no sense: then the key is
 * endorsed for nothing that Teams has. */
static void
read_endorsements(struct teams_key *k, const struct bh_value *list)
{
	if (list == NULL)
		return;
	k->endorsements = bh_zero((ENDORSEMENTS_MAX + 2) *
	    sizeof(*k->endorsements));
	for (BH_EACH(c, list))
		if (bh_text(c) != NULL &&
		    k->endorsements_count < ENDORSEMENTS_MAX)
			k->endorsements[k->endorsements_count++] =
			    bh_copy(bh_text(c));
	if (k->endorsements_count == 0 && (list->kind != BH_LIST ||
	    list->count > 0))
		k->endorsements[k->endorsements_count++] = bh_copy("");
}

static struct teams_key *
read_one(const struct bh_value *jwk)
{
	const char *kty = bh_get_text(jwk, "kty");
	const char *kid = bh_get_text(jwk, "kid");
	BIGNUM *n, *e;
	struct teams_key *k = NULL;

	if (kty == NULL || strcmp(kty, "RSA") != 0 || kid == NULL ||
	    *kid == '\0' || strlen(kid) > 256 ||
	    !is_or_absent(jwk, "use", "sig") ||
	    !is_or_absent(jwk, "alg", "RS256"))
		return NULL;
	n = number(jwk, "n");
	e = number(jwk, "e");
	if (n != NULL && e != NULL && BN_num_bits(n) >= MODULUS_MIN &&
	    BN_num_bits(n) <= MODULUS_MAX && BN_is_odd(n) && BN_is_odd(e) &&
	    !BN_is_one(e) && BN_num_bits(e) <= EXPONENT_MAX) {
		EVP_PKEY *key = make_key(n, e);

		if (key != NULL) {
			k = bh_zero(sizeof(*k));
			k->key = key;
			k->kid = bh_copy(kid);
			print_key(jwk, k->print);
			read_endorsements(k, bh_get(jwk, "endorsements"));
		}
	}
	BN_free(n);
	BN_free(e);
	return k;
}

struct teams_key *
teams_keys_read(struct bh_host *host, const char *json, size_t len,
    const char **why)
{
	struct bh_value *doc = NULL;
	const struct bh_value *list;
	struct teams_key *keys = NULL, **at = &keys, *k;
	size_t count = 0;

	*why = "it is not strict JSON";
	if (len > JWKS_MAX || (doc = bh_json(host, json, len, NULL)) == NULL)
		return NULL;
	list = bh_get(doc, "keys");
	*why = "it is no list of keys";
	if (list != NULL && list->kind == BH_LIST) {
		*why = "it has no RSA key for signatures";
		for (BH_EACH(jwk, list)) {
			if (count == KEYS_MAX)
				break;
			if ((k = read_one(jwk)) == NULL)
				continue;
			*at = k;
			at = &k->next;
			count++;
		}
	}
	bh_json_free(host, doc);
	return keys;
}

void
teams_keys_free(struct teams_key *keys)
{
	while (keys != NULL) {
		struct teams_key *next = keys->next;

		EVP_PKEY_free(keys->key);
		for (size_t i = 0; i < keys->endorsements_count; i++)
			free(keys->endorsements[i]);
		free(keys->endorsements);
		free(keys->kid);
		free(keys);
		keys = next;
	}
}
