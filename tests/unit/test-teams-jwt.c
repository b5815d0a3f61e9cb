/* test-teams-jwt.c - tokens, good and bad, before our judge alone.
 * SPDX-License-Identifier: Apache-2.0
 *
 * tests/data/teams-tokens.json is a set of tokens with Microsoft's verdict and
 * ours (tests/peers/teams); the whole way of the same set, headers and all, is
 * in test-teams-http.c.
 */

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "host/base/mem.h"
#include "tests/unit/teams-world.h"

static struct teams_world w;

static void
up(void)
{
	world_new(&w, NULL);
}

static void
down(void)
{
	world_free(&w);
}

static struct bh_value *
set_of_tokens(void)
{
	BH_AUTO_FREE char *text = world_file("tests/data/teams-tokens.json");
	const char *error = NULL;
	struct bh_value *set = bh_json(&w.fake->host, text, strlen(text),
	    &error);

	ck_assert_msg(set != NULL, "%s", error);
	return set;
}

/* A key set that stands in the file as JSON's values. */
static struct teams_key *
keys_in(const struct bh_value *set, const char *member)
{
	struct bh_buf text = BH_BUF(1u << 20);
	const char *comma = "", *why;
	struct teams_key *keys;

	bh_buf_puts(&text, "{\"keys\":[");
	for (BH_EACH(k, bh_get(bh_get(set, member), "keys"))) {
		bh_buf_add(&text, "%s{", comma);
		comma = "";
		for (BH_EACH(m, k)) {
			bh_buf_add(&text, "%s\"%s\":", comma, m->key);
			if (m->kind == BH_TEXT)
				bh_buf_quote(&text, m->text);
			else {
				const char *c = "";

				bh_buf_puts(&text, "[");
				for (BH_EACH(e, m)) {
					bh_buf_puts(&text, c);
					bh_buf_quote(&text, e->text);
					c = ",";
				}
				bh_buf_puts(&text, "]");
			}
			comma = ",";
		}
		bh_buf_puts(&text, "}");
		comma = ",";
	}
	bh_buf_puts(&text, "]}");
	keys = teams_keys_read(&w.fake->host, text.data, text.len, &why);
	ck_assert_msg(keys != NULL, "%s", why);
	bh_buf_release(&text);
	return keys;
}

/* The set, row by row; rows about other headers are the door's. */
START_TEST(microsofts_set)
{
	struct bh_value *set = set_of_tokens();
	struct teams_key *keys = keys_in(set, "jwks");
	const char *const issuers[] = { bh_get_text(set, "issuer"), NULL };
	const struct teams_expect expect = { .issuers = issuers,
	    .audience = bh_get_text(set, "app_id"),
	    .now = (int64_t)bh_get_number(set, "now", 0) * 1000 };
	size_t bad = 0;

	for (BH_EACH(row, bh_get(set, "tokens"))) {
		const char *name = bh_get_text(row, "name");
		const char *auth = bh_get_text(row, "authorization");
		const struct bh_value *activity = bh_get(row, "activity");
		bool ours = bh_get_bool(row, "ours", true) ||
		    bh_get_bool(row, "jwt", false);
		struct teams_claims claims = { 0 };
		const char *why = NULL;
		bool good;

		if (strncmp(auth, "Bearer ", 7) != 0)
			continue;
		good = teams_jwt_judge(&w.fake->host, auth + 7,
		    strlen(auth + 7), keys, &expect, &claims, &why) ==
		    TEAMS_GOOD && teams_jwt_covers(&claims,
		    bh_get_text(activity, "serviceUrl"),
		    bh_get_text(activity, "channelId"), &why);
		/* That it comes from Teams at all is asked at the door. */
		ck_assert_msg(good == ours, "%s: %s (%s)", name,
		    good ? "accepted" : "refused", why);
		ck_assert_msg(good || (why != NULL && *why != '\0'), "%s",
		    name);
		bad += !good;
		teams_claims_release(&claims);
	}
	ck_assert_uint_ge(bad, 60);
	teams_keys_free(keys);
	bh_json_free(&w.fake->host, set);
}
END_TEST

/* The emulator's rows, with its keys and issuers: only they pass. */
START_TEST(emulators_set)
{
	struct bh_value *set = set_of_tokens();
	struct teams_key *keys = keys_in(set, "entra");
	const char *issuers[8] = { NULL };
	struct teams_expect expect = { .issuers = issuers, .emulator = true,
	    .audience = bh_get_text(set, "app_id"),
	    .now = (int64_t)bh_get_number(set, "now", 0) * 1000 };
	size_t n = 0, good = 0;

	for (BH_EACH(i, bh_get(set, "emulator_issuers")))
		issuers[n++] = bh_text(i);
	for (BH_EACH(row, bh_get(set, "tokens"))) {
		const char *auth = bh_get_text(row, "authorization");
		struct teams_claims claims = { 0 };
		bool wanted = bh_get_bool(row, "emulator", false) &&
		    bh_get_bool(row, "microsoft", false), is;
		const char *why = NULL;

		if (strncmp(auth, "Bearer ", 7) != 0)
			continue;
		is = teams_jwt_judge(&w.fake->host, auth + 7, strlen(auth + 7),
		    keys, &expect, &claims, &why) == TEAMS_GOOD;
		ck_assert_msg(is == wanted, "%s: %s",
		    bh_get_text(row, "name"), why);
		ck_assert_ptr_null(claims.service_url);
		good += is;
		teams_claims_release(&claims);
	}
	ck_assert_uint_eq(good, 2);
	teams_keys_free(keys);
	bh_json_free(&w.fake->host, set);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Tokens of our own making                                            */

static const char *const issuers[] = { "https://api.botframework.com", NULL };

static int
judge(const char *token, size_t len, const struct teams_key *keys,
    const char **why)
{
	const struct teams_expect expect = { .issuers = issuers,
	    .audience = APP, .now = bh_now(&w.fake->host) };
	struct teams_claims claims = { 0 };
	int ret = teams_jwt_judge(&w.fake->host, token, len, keys, &expect,
	    &claims, why);

	ck_assert_int_eq(ret == TEAMS_GOOD, claims.key != NULL);
	teams_claims_release(&claims);
	return ret;
}

static struct teams_key *
keys_of(unsigned bits)
{
	BH_AUTO_FREE char *jwks = world_jwks(bits, "[\"msteams\"]");
	const char *why;
	struct teams_key *keys = teams_keys_read(&w.fake->host, jwks,
	    strlen(jwks), &why);

	ck_assert_msg(keys != NULL, "%s", why);
	return keys;
}

/* Not one bit may differ, and not one byte may be missing or too many. */
START_TEST(every_bit_counts)
{
	struct teams_key *keys = keys_of(1);
	BH_AUTO_FREE char *token = world_token(&w, 0, NULL);
	size_t len = strlen(token);
	BH_AUTO_FREE char *other = xcalloc(1, len + 2);
	const char *why;

	ck_assert_int_eq(judge(token, len, keys, &why), TEAMS_GOOD);
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(other, token, len + 1);
			other[i] = (char)(other[i] ^ 1 << bit);
			ck_assert_msg(judge(other, len, keys, &why) !=
			    TEAMS_GOOD, "byte %zu, bit %d", i, bit);
		}
	for (size_t i = 0; i < len; i++)
		ck_assert_int_ne(judge(token, i, keys, &why), TEAMS_GOOD);
	for (int c = 1; c < 256; c++) {
		memcpy(other, token, len);
		other[len] = (char)c;
		ck_assert_int_ne(judge(other, len + 1, keys, &why),
		    TEAMS_GOOD);
	}
	teams_keys_free(keys);
}
END_TEST

#define GOOD_TIMES "\"exp\":1767610800,\"nbf\":1767607140"
#define GOOD_REST "\"serviceurl\":\"" SERVICE "\""
#define GOOD_CLAIMS "{\"iss\":\"https://api.botframework.com\"," \
	"\"aud\":\"" APP "\"," GOOD_TIMES "," GOOD_REST "}"
#define HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"key-0\"}"

START_TEST(more_bad_tokens)
{
	static const struct { const char *name, *header, *claims; } rows[] = {
		{ "exp beyond all years", HEADER, "{\"iss\":\"https://api."
		    "botframework.com\",\"aud\":\"" APP "\",\"exp\":1e300,"
		    GOOD_REST "}" },
		{ "negative exp", HEADER, "{\"iss\":\"https://api.botframework"
		    ".com\",\"aud\":\"" APP "\",\"exp\":-1," GOOD_REST "}" },
		{ "exp as a list", HEADER, "{\"iss\":\"https://api.botframework"
		    ".com\",\"aud\":\"" APP "\",\"exp\":[1767610800],"
		    GOOD_REST "}" },
		{ "nbf null", HEADER, "{\"iss\":\"https://api.botframework"
		    ".com\",\"aud\":\"" APP "\",\"exp\":1767610800,"
		    "\"nbf\":null," GOOD_REST "}" },
		{ "exp twice", HEADER, "{\"iss\":\"https://api.botframework"
		    ".com\",\"aud\":\"" APP "\",\"exp\":1,\"exp\":1767610800,"
		    GOOD_REST "}" },
		{ "kid twice", "{\"alg\":\"RS256\",\"kid\":\"key-1\","
		    "\"kid\":\"key-0\"}", GOOD_CLAIMS },
		{ "typ null", "{\"alg\":\"RS256\",\"typ\":null,"
		    "\"kid\":\"key-0\"}", GOOD_CLAIMS },
		{ "crit null", "{\"alg\":\"RS256\",\"crit\":null,"
		    "\"kid\":\"key-0\"}", GOOD_CLAIMS },
		{ "b64 false, critical", "{\"alg\":\"RS256\",\"b64\":false,"
		    "\"crit\":[\"b64\"],\"kid\":\"key-0\"}", GOOD_CLAIMS },
		{ "enc", "{\"alg\":\"RS256\",\"enc\":\"A128GCM\","
		    "\"kid\":\"key-0\"}", GOOD_CLAIMS },
		{ "a comment in the header", "{\"alg\":\"RS256\"/**/,"
		    "\"kid\":\"key-0\"}", GOOD_CLAIMS },
		{ "a byte order mark", "\xef\xbb\xbf" HEADER, GOOD_CLAIMS },
		{ "bad UTF-8 in a claim", HEADER, "{\"iss\":\"https://api."
		    "botframework.com\",\"aud\":\"" APP "\"," GOOD_TIMES ","
		    GOOD_REST ",\"x\":\"\xff\"}" },
		{ "a lone surrogate", HEADER, "{\"iss\":\"https://api."
		    "botframework.com\",\"aud\":\"" APP "\"," GOOD_TIMES ","
		    GOOD_REST ",\"x\":\"\\ud800\"}" },
		{ "a list for a header", "[" HEADER "]", GOOD_CLAIMS },
		{ "text for claims", HEADER, "\"" APP "\"" },
		{ "the number of the beast", HEADER, "666" },
	};
	struct teams_key *keys = keys_of(3);
	BH_AUTO_FREE char *good = world_signed(0, HEADER, GOOD_CLAIMS);
	const char *why;

	ck_assert_int_eq(judge(good, strlen(good), keys, &why), TEAMS_GOOD);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_FREE char *token = world_signed(0, rows[i].header,
		    rows[i].claims);

		ck_assert_msg(judge(token, strlen(token), keys, &why) ==
		    TEAMS_BAD, "%s", rows[i].name);
	}
	teams_keys_free(keys);
}
END_TEST

/* Deep and long ones are refused without much work, and without a crash. */
START_TEST(monsters)
{
	struct teams_key *keys = keys_of(1);
	struct bh_buf text = BH_BUF(1u << 20);
	const char *why;

	for (size_t i = 0; i < 20000; i++)
		bh_buf_puts(&text, ".");
	ck_assert_int_eq(judge(text.data, text.len, keys, &why), TEAMS_BAD);
	bh_buf_clear(&text);
	for (size_t i = 0; i < 900; i++)
		bh_buf_puts(&text, "[");
	for (size_t i = 0; i < 900; i++)
		bh_buf_puts(&text, "]");
	BH_AUTO_FREE char *deep = world_signed(0, text.data, GOOD_CLAIMS);
	BH_AUTO_FREE char *deeper = world_signed(0, HEADER, text.data);

	ck_assert_int_eq(judge(deep, strlen(deep), keys, &why), TEAMS_BAD);
	ck_assert_int_eq(judge(deeper, strlen(deeper), keys, &why),
	    TEAMS_BAD);
	ck_assert_int_eq(judge("", 0, keys, &why), TEAMS_BAD);
	bh_buf_release(&text);
	teams_keys_free(keys);
}
END_TEST

START_TEST(no_key_yet)
{
	struct teams_key *keys = keys_of(1);
	BH_AUTO_FREE char *token = world_token(&w, 1, NULL);
	const char *why;

	ck_assert_int_eq(judge(token, strlen(token), keys, &why),
	    TEAMS_NO_KEY);
	ck_assert_int_eq(judge(token, strlen(token), NULL, &why),
	    TEAMS_NO_KEY);
	teams_keys_free(keys);
}
END_TEST

START_TEST(what_a_token_covers)
{
	static const struct { const char *endorsements, *channel; bool ok; }
	    rows[] = {
		{ NULL, "msteams", true }, { "[]", "msteams", true },
		{ "[\"msteams\"]", "msteams", true },
		{ "[\"slack\",\"msteams\"]", "msteams", true },
		{ "[\"msteams\"]", "slack", false },
		{ "[\"slack\"]", "msteams", false },
		{ "[\"MSTEAMS\"]", "msteams", false },
		{ "[\"msteams \"]", "msteams", false },
		{ "[\"\"]", "msteams", false },
		{ "[1]", "msteams", false }, { "[null]", "msteams", false },
		{ "{}", "msteams", false }, { "\"msteams\"", "msteams", false },
		{ "[\"msteams\"]", NULL, false },
	};
	const char *why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_FREE char *jwks = world_jwks(1, rows[i].endorsements);
		struct teams_key *keys = teams_keys_read(&w.fake->host, jwks,
		    strlen(jwks), &why);
		struct teams_claims claims = { bh_copy(SERVICE), 0, keys };

		ck_assert_msg(keys != NULL, "%s", rows[i].endorsements);
		ck_assert_msg(teams_jwt_covers(&claims, SERVICE,
		    rows[i].channel, &why) == rows[i].ok, "%s, %s",
		    rows[i].endorsements, rows[i].channel);
		ck_assert(!teams_jwt_covers(&claims, NULL, rows[i].channel,
		    &why));
		teams_claims_release(&claims);
		teams_keys_free(keys);
	}
}
END_TEST

/* ------------------------------------------------------------------ */
/* Key sets                                                            */

static size_t
count_keys(const char *jwks)
{
	const char *why;
	struct teams_key *keys = teams_keys_read(&w.fake->host, jwks,
	    strlen(jwks), &why);
	size_t n = 0;

	for (struct teams_key *k = keys; k != NULL; k = k->next)
		n++;
	teams_keys_free(keys);
	return n;
}

/* A key of this size and exponent as JWKS. */
static char *
jwks_of(unsigned bits, unsigned long e)
{
	struct bh_buf out = BH_BUF(1u << 16);
	unsigned char bytes[2048], small[8];
	size_t len = bits / 8;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)(i * 37 + 129);
	bytes[0] |= 0x80;
	bytes[len - 1] |= 1;
	for (size_t i = 0; i < 8; i++)
		small[i] = (unsigned char)(e >> (56 - 8 * i));
	bh_buf_puts(&out, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\","
	    "\"n\":\"");
	bh_buf_base64(&out, bytes, len, true);
	bh_buf_puts(&out, "\",\"e\":\"");
	bh_buf_base64(&out, small, 8, true);
	bh_buf_puts(&out, "\"}]}");
	return out.data;
}

START_TEST(which_keys)
{
	static const struct { unsigned bits; unsigned long e; size_t want; }
	    sizes[] = {
		{ 2048, 65537, 1 }, { 3072, 65537, 1 }, { 4096, 3, 1 },
		{ 8192, 65537, 1 }, { 2040, 65537, 0 }, { 1024, 65537, 0 },
		{ 512, 65537, 0 }, { 8200, 65537, 0 }, { 16384, 65537, 0 },
		{ 2048, 1, 0 }, { 2048, 0, 0 }, { 2048, 2, 0 },
		{ 2048, 65536, 0 }, { 2048, 0x100000001ul, 0 },
	};
	static const char *const none[] = {
		"", "{", "[]", "null", "{}", "{\"keys\":{}}",
		"{\"keys\":[]}", "{\"keys\":[null]}", "{\"keys\":[1,\"x\"]}",
		"{\"keys\":[{\"kty\":\"RSA\"}]}",
		"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AA\"}]}",
		"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"AQ==\"}]}",
		"{\"keys\":[]} ,", "{\"keys\":[],\"keys\":[]}",
	};
	BH_AUTO_FREE char *both = world_jwks(3, NULL);
	char *use;

	ck_assert_uint_eq(count_keys(both), 2);
	use = strstr(both, "\"use\":\"sig\"");
	memcpy(use + 7, "enc", 3);
	ck_assert_uint_eq(count_keys(both), 1);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		BH_AUTO_FREE char *jwks = jwks_of(sizes[i].bits, sizes[i].e);

		ck_assert_msg(count_keys(jwks) == sizes[i].want, "%u bits, %lu",
		    sizes[i].bits, sizes[i].e);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_msg(count_keys(none[i]) == 0, "%s", none[i]);
}
END_TEST

START_TEST(strict_base64url)
{
	static const struct { const char *text, *bytes; } rows[] = {
		{ "Zg", "f" }, { "Zm8", "fo" }, { "Zm9v", "foo" },
		{ "Zm9vYg", "foob" }, { "_-_-", "\xff\xef\xfe" },
		{ "", NULL }, { "Z", NULL }, { "Zg==", NULL }, { "Zg=", NULL },
		{ "Zh", NULL }, { "Zm9", NULL }, { "Zm8=", NULL },
		{ "Zm9v\n", NULL }, { " Zm9v", NULL }, { "Zm 9v", NULL },
		{ "/+/+", NULL }, { "Zm9vY", NULL }, { "Zm9v.", NULL },
		{ "Zm9vZm9vZm9v", NULL },	/* over the maximum */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = 0;
		unsigned char *bytes = teams_base64url(rows[i].text,
		    strlen(rows[i].text), 8, &len);

		if (rows[i].bytes == NULL)
			ck_assert_msg(bytes == NULL, "%s", rows[i].text);
		else {
			ck_assert_uint_eq(len, strlen(rows[i].bytes));
			ck_assert_mem_eq(bytes, rows[i].bytes, len);
		}
		free(bytes);
	}
}
END_TEST

/* ------------------------------------------------------------------ */
/* Assertions of ours                                                  */

static bool
verifies(const char *token, bool pss)
{
	BIO *bio = BIO_new_mem_buf(world_key(0), -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	const char *dot = strrchr(token, '.');
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *way = NULL;
	size_t len;
	unsigned char *signature = teams_base64url(dot + 1, strlen(dot + 1),
	    1024, &len);
	bool ok;

	EVP_DigestVerifyInit(md, &way, EVP_sha256(), NULL, key);
	EVP_PKEY_CTX_set_rsa_padding(way, pss ? RSA_PKCS1_PSS_PADDING :
	    RSA_PKCS1_PADDING);
	if (pss)
		EVP_PKEY_CTX_set_rsa_pss_saltlen(way, RSA_PSS_SALTLEN_DIGEST);
	ok = EVP_DigestVerify(md, signature, len,
	    (const unsigned char *)token, (size_t)(dot - token)) == 1;
	free(signature);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return ok;
}

START_TEST(assertions)
{
	for (int pss = 0; pss < 2; pss++) {
		struct bh_buf out = BH_BUF(8192);
		const char *why = NULL;

		ck_assert_int_eq(teams_jwt_assert(&out, "{\"alg\":\"X\"}",
		    "{\"sub\":\"" APP "\"}", world_key(0), pss == 1, &why),
		    BH_OK);
		ck_assert(verifies(out.data, pss == 1));
		ck_assert(!verifies(out.data, pss == 0));
		ck_assert_int_eq(strncmp(out.data, "eyJhbGciOiJYIn0.", 16), 0);
		bh_buf_release(&out);
	}
}
END_TEST

static char *
pem_of(EVP_PKEY *key, const EVP_CIPHER *cipher, const char *password)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *copy;
	long len;

	PEM_write_bio_PrivateKey(bio, key, cipher,
	    (const unsigned char *)password, (int)strlen(password), NULL,
	    NULL);
	len = BIO_get_mem_data(bio, &text);
	copy = xstrndup(text, (size_t)len);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return copy;
}

START_TEST(keys_that_cannot_sign)
{
	BH_AUTO_FREE char *locked = pem_of(EVP_RSA_gen(2048),
	    EVP_aes_128_cbc(), "secret");
	BH_AUTO_FREE char *weak = pem_of(EVP_RSA_gen(1024), NULL, "");
	BH_AUTO_FREE char *elliptic = pem_of(EVP_EC_gen("P-256"), NULL, "");
	const char *const pems[] = { locked, weak, elliptic, "", "nonsense",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };

	for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
		struct bh_buf out = BH_BUF(8192);
		const char *why = NULL;

		ck_assert_int_eq(teams_jwt_assert(&out, "{}", "{}", pems[i],
		    false, &why), BH_EINVAL);
		ck_assert_ptr_nonnull(strstr(why, "private key"));
		bh_buf_release(&out);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		microsofts_set, emulators_set, every_bit_counts,
		more_bad_tokens, monsters, no_key_yet, what_a_token_covers,
		which_keys, strict_base64url, assertions,
		keys_that_cannot_sign,
	};
	Suite *s = suite_create("teams-jwt");
	TCase *tc = tcase_create("jwt");
	SRunner *runner = srunner_create(s);
	int failed;

	world_key(0);	/* once, for all that fork */
	tcase_add_checked_fixture(tc, up, down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
