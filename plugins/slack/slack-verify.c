/* slack-verify.c - is a delivery over HTTP really Slack's?
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/authentication/verifying-requests-from-slack.  The signature
 * is an HMAC-SHA256 over "v0:", the time, ":" and the body's bytes as they
 * came.  A time in the future is as wrong as one in the past: who could
 * choose it would sign today what is to pass tomorrow.
 */

#include "plugins/slack/slack.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define SKEW		300			/* s, either way */
#define MAC_LEN		32u

const char *
slack_header(const struct bh_http_in *in, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < in->headers_count; i++) {
		if (strcmp(in->headers[i].name, name) != 0)
			continue;
		if (value != NULL)
			return NULL;
		value = in->headers[i].value;
	}
	return value;
}

/* Seconds since 1970 in plain digits; negative if it is anything else. */
static int64_t
read_time(const char *text)
{
	int64_t seconds = 0;
	size_t len = strlen(text);

	if (len == 0 || len > 12)
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		seconds = seconds * 10 + (*text - '0');
	}
	return seconds;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_signature(const char *text, unsigned char mac[MAC_LEN])
{
	if (strncmp(text, "v0=", 3) != 0 || strlen(text) != 3 + 2 * MAC_LEN)
		return false;
	for (size_t i = 0; i < MAC_LEN; i++) {
		int high = hex_digit(text[3 + 2 * i]);
		int low = hex_digit(text[4 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		mac[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

struct slack_signer {
	EVP_MAC_CTX *ctx;
};

/* Finding HMAC and SHA-256 takes longer than using them: once is enough. */
struct slack_signer *
slack_signer_new(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    digest, 0), OSSL_PARAM_construct_end() };
	struct slack_signer *signer = bh_zero(sizeof(*signer));
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	signer->ctx = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	if (signer->ctx == NULL ||
	    EVP_MAC_CTX_set_params(signer->ctx, params) != 1)
		abort();
	return signer;
}

void
slack_signer_free(struct slack_signer *signer)
{
	if (signer != NULL)
		EVP_MAC_CTX_free(signer->ctx);
	free(signer);
}

static bool
sign(EVP_MAC_CTX *ctx, const char *secret, const char *time,
    const struct bh_http_in *in, unsigned char mac[MAC_LEN])
{
	size_t len = 0;

	return EVP_MAC_init(ctx, (const unsigned char *)secret,
	    strlen(secret), NULL) == 1 &&
	    EVP_MAC_update(ctx, (const unsigned char *)"v0:", 3) == 1 &&
	    EVP_MAC_update(ctx, (const unsigned char *)time,
	    strlen(time)) == 1 &&
	    EVP_MAC_update(ctx, (const unsigned char *)":", 1) == 1 &&
	    EVP_MAC_update(ctx, (const unsigned char *)in->body,
	    in->body_len) == 1 &&
	    EVP_MAC_final(ctx, mac, &len, MAC_LEN) == 1 && len == MAC_LEN;
}

/* Every secret is tried, also after one that fits. */
static bool
signed_by_any(EVP_MAC_CTX *ctx, const char *const *secrets, const char *time,
    const struct bh_http_in *in, const unsigned char claimed[MAC_LEN])
{
	unsigned char mac[MAC_LEN];
	bool fits = false;

	for (size_t i = 0; secrets[i] != NULL; i++)
		if (*secrets[i] != '\0' &&
		    sign(ctx, secrets[i], time, in, mac) &&
		    CRYPTO_memcmp(mac, claimed, MAC_LEN) == 0)
			fits = true;
	OPENSSL_cleanse(mac, sizeof(mac));
	return fits;
}

int
slack_verify(struct slack_signer *signer, const char *const *secrets,
    const struct bh_http_in *in, int64_t now_ms, const char **why)
{
	const char *time = slack_header(in, "x-slack-request-timestamp");
	const char *signature = slack_header(in, "x-slack-signature");
	unsigned char claimed[MAC_LEN];
	int64_t then, now = now_ms / 1000;

	if (time == NULL || signature == NULL) {
		*why = "it has not exactly one signature and one time";
		return BH_EPERM;
	}
	then = read_time(time);
	if (then < 0 || !read_signature(signature, claimed)) {
		*why = "its signature or its time is malformed";
		return BH_EPERM;
	}
	if (then > now + SKEW || then < now - SKEW) {
		*why = "its time is more than five minutes off: is this "
		    "machine's clock right?";
		return BH_EPERM;
	}
	if (!signed_by_any(signer->ctx, secrets, time, in, claimed)) {
		*why = "its signature is not by our signing-secret";
		return BH_EPERM;
	}
	return BH_OK;
}
