/* teams-world.c - a Teams plugin in a fake host, with keys and tokens.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-world.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "host/base/mem.h"

#define KEYS	4

static EVP_PKEY *keys[KEYS];
static char *pems[KEYS];

static EVP_PKEY *
key_of(int n)
{
	BIO *bio;
	char *text;
	long len;

	/* Also outside of any test: no ck_assert(). */
	if (n >= KEYS)
		abort();
	if (keys[n] != NULL)
		return keys[n];
	keys[n] = EVP_RSA_gen(2048);
	bio = BIO_new(BIO_s_mem());
	if (PEM_write_bio_PrivateKey(bio, keys[n], NULL, NULL, 0, NULL,
	    NULL) != 1)
		abort();
	len = BIO_get_mem_data(bio, &text);
	pems[n] = xstrndup(text, (size_t)len);
	BIO_free(bio);
	return keys[n];
}

const char *
world_key(int n)
{
	key_of(n);
	return pems[n];
}

static void
add_number(struct bh_buf *out, const EVP_PKEY *key, const char *name)
{
	BIGNUM *bn = NULL;
	unsigned char bytes[1024];
	int len;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &bn), 1);
	len = BN_bn2bin(bn, bytes);
	bh_buf_base64(out, bytes, (size_t)len, true);
	BN_free(bn);
}

char *
world_jwks(unsigned bits, const char *endorsements)
{
	struct bh_buf out = BH_BUF(1u << 16);
	const char *comma = "";

	bh_buf_puts(&out, "{\"keys\":[");
	for (int n = 0; n < KEYS; n++) {
		if ((bits & 1u << n) == 0)
			continue;
		bh_buf_add(&out, "%s{\"kty\":\"RSA\",\"use\":\"sig\","
		    "\"kid\":\"key-%d\",\"n\":\"", comma, n);
		add_number(&out, key_of(n), OSSL_PKEY_PARAM_RSA_N);
		bh_buf_puts(&out, "\",\"e\":\"");
		add_number(&out, key_of(n), OSSL_PKEY_PARAM_RSA_E);
		bh_buf_puts(&out, "\"");
		if (endorsements != NULL)
			bh_buf_add(&out, ",\"endorsements\":%s", endorsements);
		bh_buf_puts(&out, "}");
		comma = ",";
	}
	bh_buf_puts(&out, "]}");
	return out.data;
}

char *
world_signed(int n, const char *header, const char *claims)
{
	struct bh_buf out = BH_BUF(1u << 16);
	const char *why;

	ck_assert_int_eq(teams_jwt_assert(&out, header, claims, world_key(n),
	    false, &why), BH_OK);
	return out.data;
}

char *
world_token(struct teams_world *w, int n, const char *claims)
{
	BH_AUTO_FREE char *header = xasprintf("{\"alg\":\"RS256\","
	    "\"typ\":\"JWT\",\"kid\":\"key-%d\"}", n);
	int64_t now = bh_now(&w->fake->host) / 1000;
	BH_AUTO_FREE char *good = xasprintf("{\"iss\":\"https://api."
	    "botframework.com\",\"aud\":\"" APP "\",\"exp\":%lld,\"nbf\":%lld,"
	    "\"serviceurl\":\"" SERVICE "\"}", (long long)now + 3600,
	    (long long)now - 60);

	return world_signed(n, header, claims != NULL ? claims : good);
}

/* ------------------------------------------------------------------ */

void
world_new(struct teams_world *w, const char *lists)
{
	static const char *const preset[] = {
		"app-id", APP, "tenant", TENANT, "path", "/api/messages",
		"login-url", "https://login.microsoftonline.com",
		"metadata-url", METADATA,
		"issuer", "https://api.botframework.com",
		"scope", "https://api.botframework.com/.default",
		"graph-url", "https://graph.microsoft.com/",
		"secret", "correct horse battery staple", "email", "roster",
		NULL
	};
	const char *error = NULL;

	*w = (struct teams_world){ .fake = fake_new() };
	for (size_t i = 0; preset[i] != NULL; i++)
		w->fake->config[i] = preset[i];
	if (lists == NULL)
		lists = "{\"service-hosts\":[\"smba.trafficmanager.net\","
		    "\"*.botframework.com\",\"*.teams.microsoft.com\"],"
		    "\"commands\":[\"elevate\"]}";
	w->settings = bh_json(&w->fake->host, lists, strlen(lists), &error);
	ck_assert_msg(w->settings != NULL, "%s", error);
	w->fake->settings = w->settings;
}

void
world_set(struct teams_world *w, const char *key, const char *value)
{
	const char **at = w->fake->config;

	while (*at != NULL && strcmp(*at, key) != 0)
		at += 2;
	at[0] = key;
	at[1] = value;
}

void
world_open(struct teams_world *w)
{
	void *state = NULL;
	int ret = bellhop_plugin.open(&w->fake->host, &state);

	ck_assert_int_eq(ret, BH_PENDING);
	fake_run(w->fake, 10);
	ck_assert_int_eq(w->fake->opened, BH_OK);
	w->teams = teams_of(state);
}

void
world_serve(struct teams_world *w, unsigned bits)
{
	free(w->jwks);
	free(w->metadata);
	w->jwks = world_jwks(bits, "[\"msteams\"]");
	w->metadata = xstrdup("{\"issuer\":\"https://api.botframework.com\","
	    "\"jwks_uri\":\"" JWKS_URI "\"}");
	world_serve_token(w);
	fake_ok(w->fake, METADATA, w->metadata);
	fake_ok(w->fake, JWKS_URI, w->jwks);
}

void
world_serve_token(struct teams_world *w)
{
	fake_forget_answers(w->fake);
	fake_ok(w->fake, "/oauth2/v2.0/token", "{\"token_type\":\"Bearer\","
	    "\"expires_in\":2592000,\"access_token\":\"our-token\"}");
}

void
world_connect(struct teams_world *w)
{
	ck_assert_int_eq(bellhop_plugin.transport->connect(w->teams), BH_OK);
	fake_run(w->fake, 100);
}

void
world_free(struct teams_world *w)
{
	if (w->teams != NULL) {
		if (bellhop_plugin.transport->disconnect != NULL)
			bellhop_plugin.transport->disconnect(w->teams);
		bellhop_plugin.close(w->teams);
	}
	bh_json_free(&w->fake->host, w->settings);
	fake_free(&w->fake);
	free(w->jwks);
	free(w->metadata);
}

/* ------------------------------------------------------------------ */

char *
world_activity(const char *more)
{
	return xasprintf("{%s%s\"channelId\":\"msteams\","
	    "\"serviceUrl\":\"" SERVICE "\"%s%s%s}", more,
	    strncmp(more, "\"type\":", 7) != 0 ? "\"type\":\"message\"," : "",
	    strstr(more, "\"from\":") == NULL ? ",\"from\":{\"id\":\"29:ada\","
	    "\"name\":\"Ada\",\"aadObjectId\":"
	    "\"ADA00000-0000-4000-8000-000000000001\"}" : "",
	    strstr(more, "\"conversation\":") == NULL ? ",\"conversation\":"
	    "{\"id\":\"a:ada\",\"conversationType\":\"personal\","
	    "\"tenantId\":\"" TENANT "\"}" : "",
	    strstr(more, "\"recipient\":") == NULL ? ",\"recipient\":"
	    "{\"id\":\"28:" APP "\",\"name\":\"bellhop\"}" : "");
}

struct fake_incoming *
world_post_as(struct teams_world *w, const char *token, const char *activity)
{
	BH_AUTO_FREE char *auth = xasprintf("Bearer %s", token);
	const char *const headers[] = { "authorization", auth,
	    "content-type", "application/json; charset=utf-8", NULL };
	struct fake_incoming *r = fake_incoming(w->fake, "POST",
	    "/api/messages", headers, activity, strlen(activity));

	ck_assert_ptr_nonnull(r);
	return r;
}

struct fake_incoming *
world_post(struct teams_world *w, const char *activity)
{
	BH_AUTO_FREE char *token = world_token(w, 0, NULL);

	return world_post_as(w, token, activity);
}

struct fake_incoming *
world_says(struct teams_world *w, const char *more)
{
	BH_AUTO_FREE char *activity = world_activity(more);
	struct fake_incoming *r = world_post(w, activity);

	fake_run(w->fake, 20);
	return r;
}

char *
world_file(const char *path)
{
	BH_AUTO_FREE char *full = xasprintf("%s/%s", TEST_SRCDIR, path);
	FILE *f = fopen(full, "r");
	struct bh_buf out = BH_BUF(8u << 20);
	char piece[4096];
	size_t n;

	ck_assert_msg(f != NULL, "%s", full);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		bh_buf_put(&out, piece, n);
	fclose(f);
	ck_assert(!out.overflow);
	return out.data;
}
