/* test-teams-token.c - our tokens: four ways to them, and what goes wrong.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-world.h"

#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "host/base/mem.h"

#define LOGIN	"https://login.microsoftonline.com/" TENANT \
		"/oauth2/v2.0/token"
#define SCOPE	"https://api.botframework.com/.default"
#define MINUTE	(60 * 1000)

static struct teams_world w;
static char got[32][200];
static size_t got_count;

static void
clean(void)
{
	unsetenv("IDENTITY_ENDPOINT");
	unsetenv("IDENTITY_HEADER");
	unsetenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	got_count = 0;
	world_new(&w, NULL);
}

static void
down(void)
{
	world_free(&w);
}

static void
take(void *arg, const char *token)
{
	(void)arg;
	ck_assert_uint_lt(got_count, 32);
	snprintf(got[got_count++], sizeof(got[0]), "%s",
	    token != NULL ? token : "NONE");
}

static void
want(void)
{
	teams_token(w.teams, SCOPE, take, NULL);
}

/* Answers with this token from now on. */
static void
gives(const char *token, int64_t delay)
{
	static char bodies[8][300];
	static size_t n;
	char *body = bodies[n++ % 8];

	fake_forget_answers(w.fake);
	snprintf(body, sizeof(bodies[0]), "{\"token_type\":\"Bearer\","
	    "\"expires_in\":3599,\"access_token\":\"%s\"}", token);
	fake_answer(w.fake, &(struct fake_answer){ .match = LOGIN,
	    .body = body, .delay = delay });
}

static void
refuses(int status, const char *body, const char *retry)
{
	fake_forget_answers(w.fake);
	fake_answer(w.fake, &(struct fake_answer){ .match = LOGIN,
	    .status = status, .body = body,
	    .headers = { retry != NULL ? "retry-after" : NULL, retry } });
}

static void
ck_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part,
	    text);
}

/* One part of a form, decoded; the caller frees it. */
static char *
form_part(const char *form, const char *name)
{
	struct bh_buf value = BH_BUF(1u << 16);
	size_t len = strlen(name);

	for (const char *p = form; p != NULL; p = strchr(p, '&')) {
		p += *p == '&';
		if (strncmp(p, name, len) != 0 || p[len] != '=')
			continue;
		for (p += len + 1; *p != '\0' && *p != '&'; p++) {
			char two[3] = { p[0] == '%' ? p[1] : '0',
			    p[0] == '%' ? p[2] : '0', '\0' };
			char byte = *p == '%' ? (char)strtol(two, NULL, 16) :
			    *p;

			bh_buf_put(&value, &byte, 1);
			p += *p == '%' ? 2 : 0;
		}
		return value.data;
	}
	return NULL;
}

static void
form_is(size_t request, const char *name, const char *value)
{
	const struct fake_request *r = fake_find(w.fake, LOGIN, request);
	BH_AUTO_FREE char *part = NULL;

	ck_assert_ptr_nonnull(r);
	part = form_part(r->body, name);
	ck_assert_ptr_nonnull(part);
	ck_assert_str_eq(part, value);
}

/* ------------------------------------------------------------------ */
/* A secret                                                            */

START_TEST(secret)
{
	world_open(&w);
	gives("one", 0);
	want();
	fake_run(w.fake, 10);
	ck_assert_uint_eq(got_count, 1);
	ck_assert_str_eq(got[0], "one");
	form_is(0, "grant_type", "client_credentials");
	form_is(0, "client_id", APP);
	form_is(0, "client_secret", "correct horse battery staple");
	form_is(0, "scope", SCOPE);
	ck_assert_str_eq(fake_find(w.fake, LOGIN, 0)->method, "POST");
	/* Neither stands in a log. */
	ck_assert_ptr_null(strstr(w.fake->log, "staple"));
	ck_assert_ptr_null(strstr(w.fake->log, "one"));
	ck_assert_int_eq(w.fake->health, BH_UP);
}
END_TEST

START_TEST(one_question_for_all)
{
	world_open(&w);
	gives("one", 500);
	for (int i = 0; i < 10; i++)
		want();
	ck_assert_uint_eq(got_count, 0);
	fake_run(w.fake, 1000);
	ck_assert_uint_eq(got_count, 10);
	for (size_t i = 0; i < 10; i++)
		ck_assert_str_eq(got[i], "one");
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 1);
	want();
	ck_assert_str_eq(got[10], "one");
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 1);
}
END_TEST

START_TEST(renewed_five_minutes_before_its_end)
{
	world_open(&w);
	gives("one", 0);
	want();
	fake_run(w.fake, 1000);
	gives("two", 0);
	fake_run(w.fake, 54 * MINUTE);
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 1);
	fake_run(w.fake, MINUTE);
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 2);
	want();
	ck_assert_str_eq(got[1], "two");
}
END_TEST

START_TEST(a_bad_one_is_asked_for_anew)
{
	world_open(&w);
	gives("one", 0);
	want();
	fake_run(w.fake, MINUTE);
	gives("two", 0);
	teams_token_bad(w.teams, "another");
	want();
	ck_assert_str_eq(got[1], "one");
	teams_token_bad(w.teams, "one");
	want();
	fake_run(w.fake, 10);
	ck_assert_str_eq(got[2], "two");
	/* One that is new is not the trouble: no question for each 401. */
	teams_token_bad(w.teams, "two");
	want();
	ck_assert_str_eq(got[3], "two");
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 2);
}
END_TEST

START_TEST(scopes_have_their_own)
{
	world_open(&w);
	gives("one", 0);
	want();
	fake_run(w.fake, 10);
	gives("two", 0);
	teams_token(w.teams, "https://graph.microsoft.com/.default", take,
	    NULL);
	fake_run(w.fake, 10);
	want();
	ck_assert_str_eq(got[1], "two");
	ck_assert_str_eq(got[2], "one");
	form_is(1, "scope", "https://graph.microsoft.com/.default");
}
END_TEST

/* ------------------------------------------------------------------ */
/* Refusals                                                            */

START_TEST(refusals_say_what_to_do)
{
	static const struct { long code; const char *says; } cases[] = {
		{ 7000222, "the client secret has expired: make a new one" },
		{ 7000215, "`secret` wants its value, not its id" },
		{ 700016, "there is no app " APP " in the directory " TENANT },
		{ 90002, "there is no directory " TENANT },
		{ 900023, TENANT " is no directory" },
		{ 700027, "upload it" },
		{ 700021, "the assertion is not for app " APP },
		{ 700023, "compare tenant and login-url" },
		{ 700024, "clock" },
		{ 50027, "federated-token-file" },
		{ 70021, "issuer, subject and audience" },
		{ 700211, "has the token's issuer" },
		{ 700212, "api://AzureADTokenExchange" },
		{ 700213, "has the token's subject" },
		{ 7000112, "the app " APP " is disabled" },
		{ 7000229, "az ad sp create --id " APP },
		{ 500011, "compare `scope` with your cloud's" },
		{ 1002012, "it ends in /.default" },
		{ 53003, "Conditional Access" },
		{ 123456789, "the login service refuses (HTTP 400): "
		    "AADSTS123456789: Something else." },
	};

	world_open(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		BH_AUTO_FREE char *body = xasprintf("{\"error\":\"x\","
		    "\"error_description\":\"AADSTS%ld: Something else. Trace "
		    "ID: 0 Correlation ID: 1\",\"error_codes\":[%ld]}",
		    cases[i].code, cases[i].code);

		refuses(400, body, NULL);
		if (i == 0)
			want();
		fake_run(w.fake, 61 * 1000);
		ck_assert_int_eq(w.fake->health, BH_DOWN);
		ck_has(w.fake->health_text, cases[i].says);
		ck_has(w.fake->log, cases[i].says);
	}
	ck_assert_str_eq(got[0], "NONE");
	/* Without the list the text says the code. */
	refuses(401, "{\"error\":\"invalid_client\",\"error_description\":"
	    "\"AADSTS7000222: The provided client secret keys are expired.\"}",
	    NULL);
	fake_run(w.fake, 61 * 1000);
	ck_has(w.fake->health_text, "has expired");
}
END_TEST

START_TEST(it_mends_by_itself)
{
	world_open(&w);
	refuses(401, "{\"error_codes\":[7000222]}", NULL);
	teams_token_connect(w.teams);
	fake_run(w.fake, 10 * MINUTE);
	/* Not in a hot loop, and not for ever silent. */
	ck_assert_uint_ge(fake_count(w.fake, LOGIN), 10);
	ck_assert_uint_le(fake_count(w.fake, LOGIN), 13);
	/* Said once, however often it was tried. */
	ck_assert_ptr_null(strstr(strstr(w.fake->log, "has expired") + 1,
	    "has expired"));
	want();
	ck_assert_str_eq(got[0], "NONE");
	gives("one", 0);
	fake_run(w.fake, 61 * 1000);
	want();
	ck_assert_str_eq(got[1], "one");
	ck_assert_int_eq(w.fake->health, BH_UP);
	ck_has(w.fake->log, "can be had again");
}
END_TEST

START_TEST(the_old_one_serves_to_its_end)
{
	world_open(&w);
	gives("one", 0);
	want();
	fake_run(w.fake, MINUTE);
	refuses(503, "busy", NULL);
	fake_run(w.fake, 57 * MINUTE);
	ck_assert_int_eq(w.fake->health, BH_DEGRADED);
	ck_has(w.fake->health_text, "cannot answer just now (HTTP 503)");
	want();
	ck_assert_str_eq(got[1], "one");
	fake_run(w.fake, 3 * MINUTE);
	ck_assert_int_eq(w.fake->health, BH_DOWN);
	want();
	ck_assert_str_eq(got[2], "NONE");
}
END_TEST

START_TEST(retry_after_is_kept)
{
	world_open(&w);
	refuses(429, "{}", "90");
	teams_token_connect(w.teams);
	fake_run(w.fake, 89 * 1000);
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 1);
	fake_run(w.fake, 2 * 1000);
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 2);
}
END_TEST

START_TEST(answers_of_no_use)
{
	static const char *const bodies[] = { "", "{}", "not json",
	    "{\"access_token\":5}", "{\"access_token\":\"\"}",
	    "{\"access_token\":\"a b\"}", "{\"access_token\":\"a\\r\\nX: y\"}",
	    "[]" };

	world_open(&w);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		refuses(200, bodies[i], NULL);
		if (i == 0)
			teams_token_connect(w.teams);
		fake_run(w.fake, 61 * 1000);
		ck_assert_int_eq(w.fake->health, BH_DOWN);
	}
	fake_forget_answers(w.fake);
	fake_answer(w.fake, &(struct fake_answer){ .match = LOGIN,
	    .result = BH_ENET, .unsent = true });
	fake_run(w.fake, 61 * 1000);
	ck_has(w.fake->health_text, "the login service is not reached");
}
END_TEST

START_TEST(one_that_says_no_end)
{
	world_open(&w);
	refuses(200, "{\"access_token\":\"one\"}", NULL);
	want();
	fake_run(w.fake, 10);
	ck_assert_str_eq(got[0], "one");
	fake_run(w.fake, 3 * MINUTE);
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 2);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Settings                                                            */

static int
open_with(const char *key, const char *value, bool keep_secret)
{
	void *state = NULL;
	int ret;

	if (!keep_secret)
		world_set(&w, "secret", NULL);
	if (key != NULL)
		world_set(&w, key, value);
	ret = bellhop_plugin.open(&w.fake->host, &state);
	if (ret == BH_PENDING) {
		fake_run(w.fake, 10);
		w.teams = teams_of(state);
	}
	return ret;
}

START_TEST(one_way_must_be_set)
{
	ck_assert_int_eq(open_with(NULL, NULL, false), BH_EINVAL);
	ck_has(w.fake->log, "set one of secret, certificate, "
	    "federated-token-file, managed-identity");
	ck_assert_int_eq(open_with("managed-identity", "x", false),
	    BH_PENDING);
}
END_TEST

START_TEST(two_ways_are_one_too_many)
{
	ck_assert_int_eq(open_with("managed-identity", "x", true),
	    BH_EINVAL);
	ck_has(w.fake->log, "keep one of");
}
END_TEST

/* The playground's connector asks for no token. */
START_TEST(the_emulator_needs_none)
{
	ck_assert_int_eq(open_with("emulator", "true", false), BH_PENDING);
	want();
	ck_assert_str_eq(got[0], "");
	teams_token_connect(w.teams);
	fake_run(w.fake, MINUTE);
	ck_assert_uint_eq(fake_count(w.fake, "login"), 0);
}
END_TEST

/* ------------------------------------------------------------------ */
/* A certificate                                                       */

static EVP_PKEY *
read_key(void)
{
	BIO *bio = BIO_new_mem_buf(world_key(0), -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	ck_assert_ptr_nonnull(key);
	return key;
}

/* A certificate of key 0, as PEM, and its thumbprint. */
static char *
certificate(unsigned char print[32])
{
	EVP_PKEY *key = read_key();
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	char *text, *copy;
	long len;
	int n;

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 1000000);
	X509_set_pubkey(x, key);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	n = i2d_X509(x, &der);
	SHA256(der, (size_t)n, print);
	OPENSSL_free(der);
	PEM_write_bio_X509(bio, x);
	len = BIO_get_mem_data(bio, &text);
	copy = xstrndup(text, (size_t)len);
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
	return copy;
}

static bool
verified(const char *token)
{
	const char *dot = strrchr(token, '.');
	size_t len = 0;
	unsigned char *sig = teams_base64url(dot + 1, strlen(dot + 1), 1024,
	    &len);
	EVP_PKEY *key = read_key();
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *way = NULL;
	bool ok = sig != NULL && EVP_DigestVerifyInit(md, &way, EVP_sha256(),
	    NULL, key) == 1 && EVP_PKEY_CTX_set_rsa_padding(way,
	    RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(way, RSA_PSS_SALTLEN_DIGEST) ==
	    1 && EVP_DigestVerify(md, sig, len, (const unsigned char *)token,
	    (size_t)(dot - token)) == 1;

	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	free(sig);
	return ok;
}

/* Part n of a token, as JSON. */
static struct bh_value *
part_of(const char *token, int n)
{
	const char *error = NULL;
	size_t len = 0;
	unsigned char *text;
	struct bh_value *v;

	while (n-- > 0)
		token = strchr(token, '.') + 1;
	text = teams_base64url(token, strcspn(token, "."), 8192, &len);
	ck_assert_ptr_nonnull(text);
	v = bh_json(&w.fake->host, (const char *)text, len, &error);
	ck_assert_msg(v != NULL, "%s", error);
	free(text);
	return v;
}

static void
check_assertion(const char *pem, const char *key,
    const unsigned char print[32])
{
	struct bh_buf x5t = BH_BUF(100);
	BH_AUTO_FREE char *assertion = NULL;
	struct bh_value *header, *claims;
	double now;

	ck_assert_int_eq(open_with("certificate", pem, false), BH_PENDING);
	world_set(&w, "key", key);
	gives("one", 0);
	now = (double)(bh_now(&w.fake->host) / 1000);
	want();
	fake_run(w.fake, 10);
	ck_assert_str_eq(got[0], "one");
	form_is(0, "client_assertion_type",
	    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	assertion = form_part(fake_find(w.fake, LOGIN, 0)->body,
	    "client_assertion");
	ck_assert(verified(assertion));
	header = part_of(assertion, 0);
	claims = part_of(assertion, 1);
	bh_buf_base64(&x5t, print, 32, true);
	ck_assert_str_eq(bh_get_text(header, "alg"), "PS256");
	ck_assert_str_eq(bh_get_text(header, "x5t#S256"), bh_buf_text(&x5t));
	ck_assert_str_eq(bh_get_text(claims, "iss"), APP);
	ck_assert_str_eq(bh_get_text(claims, "sub"), APP);
	ck_assert_str_eq(bh_get_text(claims, "aud"), LOGIN);
	ck_assert_uint_ge(strlen(bh_get_text(claims, "jti")), 20);
	ck_assert(bh_get_number(claims, "exp", 0) > now);
	ck_assert(bh_get_number(claims, "exp", 0) <= now + 600);
	ck_assert_ptr_null(form_part(fake_find(w.fake, LOGIN, 0)->body,
	    "client_secret"));
	bh_json_free(&w.fake->host, header);
	bh_json_free(&w.fake->host, claims);
	bh_buf_release(&x5t);
}

START_TEST(certificate_and_key_in_one)
{
	unsigned char print[32];
	BH_AUTO_FREE char *cert = certificate(print);
	BH_AUTO_FREE char *both = xasprintf("%s%s", world_key(0), cert);

	check_assertion(both, NULL, print);
}
END_TEST

START_TEST(certificate_and_key_apart)
{
	unsigned char print[32];
	BH_AUTO_FREE char *cert = certificate(print);

	check_assertion(cert, world_key(0), print);
}
END_TEST

START_TEST(bad_certificates)
{
	unsigned char print[32];
	BH_AUTO_FREE char *cert = certificate(print);

	ck_assert_int_eq(open_with("certificate", "rubbish", false),
	    BH_PENDING);
	teams_token_connect(w.teams);
	fake_run(w.fake, 10);
	ck_has(w.fake->health_text, "the certificate cannot be read");
	world_set(&w, "certificate", cert);
	fake_run(w.fake, 61 * 1000);
	ck_has(w.fake->health_text, "the private key cannot be read");
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 0);
}
END_TEST

/* ------------------------------------------------------------------ */
/* A federated token                                                   */

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(federated_is_read_each_time)
{
	char path[] = "/tmp/teams-token-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	write_file(path, "aaa.bbb.ccc\n");
	ck_assert_int_eq(open_with("federated-token-file", path, false),
	    BH_PENDING);
	gives("one", 0);
	want();
	fake_run(w.fake, 10);
	ck_assert_str_eq(got[0], "one");
	form_is(0, "client_assertion", "aaa.bbb.ccc");
	write_file(path, "ddd.eee.fff");
	fake_run(w.fake, 56 * MINUTE);
	form_is(1, "client_assertion", "ddd.eee.fff");
	write_file(path, "no token at all");
	fake_run(w.fake, 56 * MINUTE);
	ck_has(w.fake->health_text, "holds no token");
	unlink(path);
	fake_run(w.fake, 2 * MINUTE);
	ck_has(w.fake->health_text, "federated-token-file cannot be read");
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 2);
}
END_TEST

/* ------------------------------------------------------------------ */
/* A managed identity                                                  */

START_TEST(managed_identity_of_the_bot)
{
	const struct fake_request *r;

	ck_assert_int_eq(open_with("managed-identity", APP, false),
	    BH_PENDING);
	fake_ok(w.fake, "/metadata/identity", "{\"access_token\":\"one\","
	    "\"expires_in\":\"3599\",\"resource\":\"x\"}");
	want();
	fake_run(w.fake, 10);
	ck_assert_str_eq(got[0], "one");
	ck_assert_uint_eq(w.fake->requests_count, 1);
	r = &w.fake->requests[0];
	ck_assert_str_eq(r->url, "http://169.254.169.254/metadata/identity/"
	    "oauth2/token?api-version=2018-02-01&resource="
	    "https%3A%2F%2Fapi.botframework.com&client_id=" APP);
	ck_assert_str_eq(r->method, "GET");
	ck_has(r->headers, "Metadata: true\n");
}
END_TEST

START_TEST(managed_identity_that_the_app_trusts)
{
	ck_assert_int_eq(open_with("managed-identity", "some-identity",
	    false), BH_PENDING);
	gives("two", 0);
	fake_ok(w.fake, "/metadata/identity", "{\"access_token\":\"a.b.c\","
	    "\"expires_in\":\"3599\"}");
	want();
	fake_run(w.fake, 10);
	ck_assert_str_eq(got[0], "two");
	ck_has(w.fake->requests[0].url, "resource=api%3A%2F%2F"
	    "AzureADTokenExchange&client_id=some-identity");
	form_is(0, "client_assertion", "a.b.c");
}
END_TEST

START_TEST(app_service_has_its_own_address)
{
	setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:41234/msi/token", 1);
	setenv("IDENTITY_HEADER", "sesame", 1);
	ck_assert_int_eq(open_with("managed-identity", APP, false),
	    BH_PENDING);
	fake_ok(w.fake, "/msi/token", "{\"access_token\":\"one\","
	    "\"expires_in\":3599}");
	want();
	fake_run(w.fake, 10);
	ck_assert_str_eq(got[0], "one");
	ck_has(w.fake->requests[0].url, "http://127.0.0.1:41234/msi/token"
	    "?api-version=2019-08-01&resource=");
	ck_has(w.fake->requests[0].headers, "X-IDENTITY-HEADER: sesame\n");
}
END_TEST

START_TEST(no_identity_here)
{
	ck_assert_int_eq(open_with("managed-identity", APP, false),
	    BH_PENDING);
	fake_answer(w.fake, &(struct fake_answer){ .match = "169.254",
	    .status = 400, .body = "{\"error\":\"invalid_request\","
	    "\"error_description\":\"Identity not found\"}", .times = 1 });
	fake_answer(w.fake, &(struct fake_answer){ .match = "169.254",
	    .status = 429, .body = "", .times = 1 });
	teams_token_connect(w.teams);
	fake_run(w.fake, 10);
	ck_has(w.fake->health_text, "has no such managed identity (HTTP 400)");
	ck_has(w.fake->health_text, "Identity not found");
	fake_run(w.fake, 31 * 1000);
	ck_has(w.fake->health_text, "cannot be had just now (HTTP 429)");
	fake_run(w.fake, 61 * 1000);
	ck_has(w.fake->health_text, "is this a machine in Azure");
}
END_TEST

START_TEST(closing_answers_who_waits)
{
	world_open(&w);
	gives("one", 5000);
	want();
	bellhop_plugin.close(w.teams);
	w.teams = NULL;
	ck_assert_uint_eq(got_count, 1);
	ck_assert_str_eq(got[0], "NONE");
	fake_run(w.fake, 10000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("teams-token");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, clean, down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, secret);
	tcase_add_test(tc, one_question_for_all);
	tcase_add_test(tc, renewed_five_minutes_before_its_end);
	tcase_add_test(tc, a_bad_one_is_asked_for_anew);
	tcase_add_test(tc, scopes_have_their_own);
	tcase_add_test(tc, refusals_say_what_to_do);
	tcase_add_test(tc, it_mends_by_itself);
	tcase_add_test(tc, the_old_one_serves_to_its_end);
	tcase_add_test(tc, retry_after_is_kept);
	tcase_add_test(tc, answers_of_no_use);
	tcase_add_test(tc, one_that_says_no_end);
	tcase_add_test(tc, one_way_must_be_set);
	tcase_add_test(tc, two_ways_are_one_too_many);
	tcase_add_test(tc, the_emulator_needs_none);
	tcase_add_test(tc, certificate_and_key_in_one);
	tcase_add_test(tc, certificate_and_key_apart);
	tcase_add_test(tc, bad_certificates);
	tcase_add_test(tc, federated_is_read_each_time);
	tcase_add_test(tc, managed_identity_of_the_bot);
	tcase_add_test(tc, managed_identity_that_the_app_trusts);
	tcase_add_test(tc, app_service_has_its_own_address);
	tcase_add_test(tc, no_identity_here);
	tcase_add_test(tc, closing_answers_who_waits);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
