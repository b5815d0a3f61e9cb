/* teams-jwt.c - fuzz target: tokens, raw and rightly signed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: a header, a newline, claims: signed, so that what lies behind the
 * signature is reached; or "raw", a newline, and a token as it is.
 */

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/teams/teams.h"
#include "tests/fuzz/fuzz.h"

#define NOW	INT64_C(1767607200000)

static void
free_value(struct bh_value *v)
{
	value_free(v);
}

static const struct bh_api api = { .size = sizeof(api), .json = json_parse,
	.json_free = free_value };
static struct bh_host host = { &api };
static char kid[] = "k";
/* Too small to be read from a key set; here it only has to be fast. */
static struct teams_key key = { .kid = kid };

static void
sign(struct bh_buf *token, const char *header, const char *claims)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char signature[64];
	size_t len = sizeof(signature);

	bh_buf_base64(token, header, strlen(header), true);
	bh_buf_puts(token, ".");
	bh_buf_base64(token, claims, strlen(claims), true);
	check(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key.key) == 1);
	check(EVP_DigestSign(md, signature, &len, (const unsigned char *)
	    bh_buf_text(token), token->len) == 1);
	bh_buf_puts(token, ".");
	bh_buf_base64(token, signature, len, true);
	EVP_MD_CTX_free(md);
}

/* Whatever was accepted said all this, once each. */
static void
was_good(const char *header, const char *claims, const struct teams_claims *c)
{
	struct bh_value *h = json_parse(header, strlen(header), NULL);
	struct bh_value *v = json_parse(claims, strlen(claims), NULL);

	check(h != NULL && v != NULL);
	check(strcmp(bh_get_text(h, "alg"), "RS256") == 0);
	check(strcmp(bh_get_text(h, "kid"), "k") == 0);
	check(strcmp(bh_get_text(v, "iss"), "i") == 0);
	check(strcmp(bh_get_text(v, "aud"), "a") == 0);
	check(bh_get_number(v, "exp", 0) > (double)NOW / 1000 - 300);
	check(bh_get_number(v, "nbf", 0) <= (double)NOW / 1000 + 300);
	check(strcmp(bh_get_text(v, "serviceurl"), c->service_url) == 0);
	check(c->key == &key);
	for (BH_EACH(m, h))
		check(strcmp(m->key, "crit") != 0);
	value_free(h);
	value_free(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const issuers[] = { "i", NULL };
	struct teams_expect expect = { .issuers = issuers, .audience = "a",
	    .now = NOW };
	struct bh_buf token = BH_BUF(1u << 20), issuer = BH_BUF(1u << 20);
	char *header = fuzz_line(&data, &len), *claims;
	struct teams_claims c = { 0 };
	const char *why = NULL;
	int verdict;

	if (key.key == NULL)
		key.key = EVP_RSA_gen(512);
	claims = fuzz_text(data, len);
	if (strcmp(header, "raw") == 0)
		bh_buf_puts(&token, claims);
	else
		sign(&token, header, claims);
	verdict = teams_jwt_judge(&host, bh_buf_text(&token), token.len, &key,
	    &expect, &c, &why);
	if (verdict == TEAMS_GOOD) {
		check(strcmp(header, "raw") != 0);
		was_good(header, claims, &c);
		check(teams_jwt_covers(&c, c.service_url, "msteams", &why));
		check(!teams_jwt_covers(&c, "x", NULL, &why));
		check(teams_jwt_issuer(&host, token.data, token.len, &issuer));
		check(strcmp(bh_buf_text(&issuer), "i") == 0);
		/* Not for the emulator, too. */
		expect.emulator = true;
		teams_claims_release(&c);
		if (teams_jwt_judge(&host, token.data, token.len, &key,
		    &expect, &c, &why) == TEAMS_GOOD)
			check(strstr(claims, "\"appid\"") != NULL ||
			    strstr(claims, "\"azp\"") != NULL ||
			    strstr(claims, "\\u") != NULL);
	} else
		check(why != NULL && *why != '\0' && c.key == NULL);
	teams_claims_release(&c);
	bh_buf_release(&issuer);
	bh_buf_release(&token);
	free(header);
	free(claims);
	return 0;
}
