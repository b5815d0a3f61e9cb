/* test-teams-keys.c - Microsoft's keys: renewed, missed, missing.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/mem.h"
#include "tests/unit/teams-world.h"

#define MINUTE	INT64_C(60000)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)

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

/* Ada says hello under key n: what Teams is answered, 0 if not yet. */
static struct fake_incoming *
hello(int n)
{
	BH_AUTO_FREE char *token = world_token(&w, n, NULL);
	static int id;
	BH_AUTO_FREE char *more = xasprintf("\"id\":\"m%d\",\"text\":\"hi\",",
	    ++id);
	BH_AUTO_FREE char *activity = world_activity(more);

	return world_post_as(&w, token, activity);
}

static int
hello_now(int n)
{
	struct fake_incoming *r = hello(n);

	fake_run(w.fake, 50);
	return r->status;
}

static bool
logged(const char *text)
{
	return strstr(w.fake->log, text) != NULL;
}

static bool
health_is(int health, const char *text)
{
	return w.fake->health == health &&
	    strstr(w.fake->health_text, text) != NULL;
}

static void
serve_nothing(int status)
{
	world_serve_token(&w);
	fake_answer(w.fake, &(struct fake_answer){ .status = status,
	    .result = status > 0 ? BH_OK : BH_ENET });
}

START_TEST(first_keys)
{
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	ck_assert_uint_eq(fake_count(w.fake, METADATA), 1);
	ck_assert_uint_eq(fake_count(w.fake, JWKS_URI), 1);
	ck_assert_int_eq(hello_now(0), 200);
	ck_assert(health_is(BH_UP, "/api/messages"));
	ck_assert(logged("a new signing key was published: key-0"));
	/* They are written down, for a bad day. */
	ck_assert_uint_eq(fake_sql_count(w.fake, "INSERT INTO teams_keys"), 1);
	ck_assert_uint_eq(fake_sql_count(w.fake, "\"kid\":\"key-0\""), 1);
}
END_TEST

/* The token that brings the news waits for the new key, and is answered. */
START_TEST(rollover)
{
	struct fake_incoming *r;

	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	fake_run(w.fake, 2 * MINUTE);
	world_serve(&w, 2);
	r = hello(1);
	ck_assert_int_eq(r->status, 0);
	fake_run(w.fake, 50);
	ck_assert_int_eq(r->status, 200);
	ck_assert_uint_eq(w.fake->inbound.events_count, 1);
	ck_assert(logged("a new signing key was published: key-1"));
	ck_assert(logged("a signing key was taken away: key-0"));
	ck_assert_int_eq(hello_now(0), 401);
}
END_TEST

/* What waited is delivered in the order in which it was said. */
START_TEST(in_their_order)
{
	static const char *const words[] = { "one", "two", "three" };
	BH_AUTO_FREE char *token = NULL;

	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	fake_run(w.fake, 2 * MINUTE);
	world_serve(&w, 2);
	token = world_token(&w, 1, NULL);
	for (size_t i = 0; i < 3; i++) {
		BH_AUTO_FREE char *more = xasprintf("\"text\":\"%s\",",
		    words[i]);
		BH_AUTO_FREE char *activity = world_activity(more);

		ck_assert_int_eq(world_post_as(&w, token, activity)->status,
		    0);
	}
	fake_run(w.fake, 50);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(fake_event(w.fake, i)->text, words[i]);
}
END_TEST

/* Strangers with made up kids make us ask once a minute at most. */
START_TEST(once_a_minute)
{
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(hello_now(1), 401);
	ck_assert_uint_eq(fake_count(w.fake, JWKS_URI), 1);
	fake_run(w.fake, MINUTE);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(hello_now(1), 401);
	ck_assert_uint_eq(fake_count(w.fake, JWKS_URI), 2);
	ck_assert_int_eq(hello_now(0), 200);
}
END_TEST

START_TEST(single_flight)
{
	struct fake_incoming *r[300];
	int answered = 0;

	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	fake_run(w.fake, 2 * MINUTE);
	world_serve(&w, 3);
	world_serve_token(&w);
	fake_answer(w.fake, &(struct fake_answer){ .match = METADATA,
	    .body = w.metadata, .delay = 3000 });
	fake_ok(w.fake, JWKS_URI, w.jwks);
	for (int i = 0; i < 300; i++)
		r[i] = hello(1);
	/* The ones that are too many come again; nobody hangs. */
	for (int i = 0; i < 300; i++)
		answered += r[i]->status == 503;
	ck_assert_int_eq(answered, 44);
	fake_run(w.fake, 2000);
	ck_assert_int_eq(r[0]->status, 0);
	/* Who needs no new key waits for nobody. */
	ck_assert_int_eq(hello_now(0), 200);
	fake_run(w.fake, 2000);
	for (int i = 0; i < 256; i++)
		ck_assert_int_eq(r[i]->status, 200);
	ck_assert_uint_eq(fake_count(w.fake, METADATA), 2);
}
END_TEST

/* What strangers make us hold is little, however large each of it. */
START_TEST(large_ones_wait)
{
	BH_AUTO_FREE char *body = xcalloc(1, 255u * 1024u + 1);
	BH_AUTO_FREE char *token = NULL;
	int held = 0;

	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	fake_run(w.fake, 2 * MINUTE);
	token = world_token(&w, 1, NULL);
	memset(body, ' ', 255u * 1024u);
	for (int i = 0; i < 100; i++)
		held += world_post_as(&w, token, body)->status == 0;
	ck_assert_int_le(held, 17);
	ck_assert_int_ge(held, 10);
	fake_run(w.fake, 50);
	ck_assert_int_eq(hello_now(0), 200);
}
END_TEST

START_TEST(closed_while_waiting)
{
	struct fake_incoming *r;

	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	fake_run(w.fake, 2 * MINUTE);
	r = hello(1);
	ck_assert_int_eq(r->status, 0);
	bellhop_plugin.close(w.teams);
	w.teams = NULL;
	ck_assert_int_eq(r->status, 503);
	ck_assert_uint_eq(r->body != NULL ? strlen(r->body) : 0, 0);
}
END_TEST

/* An hour without the endpoint: nothing changes but what operators read. */
START_TEST(dead_for_an_hour)
{
	size_t asked;

	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	fake_run(w.fake, DAY - MINUTE);
	serve_nothing(503);
	fake_run(w.fake, 2 * MINUTE);
	ck_assert(logged("its metadata: HTTP status 503; the last ones go on"));
	ck_assert_int_eq(hello_now(0), 200);
	fake_run(w.fake, 57 * MINUTE);
	ck_assert(health_is(BH_UP, "/api/messages"));
	ck_assert(!logged("for an hour"));
	fake_run(w.fake, 15 * MINUTE);
	ck_assert(logged("has given no signing keys for an hour"));
	ck_assert(health_is(BH_DEGRADED, "no keys for"));
	ck_assert(health_is(BH_DEGRADED, "used until they are 168 h"));
	ck_assert_int_eq(hello_now(0), 200);
	asked = fake_count(w.fake, METADATA);
	ck_assert_uint_le(asked, 16);
	world_serve(&w, 1);
	fake_run(w.fake, 11 * MINUTE);
	ck_assert(health_is(BH_UP, "/api/messages"));
	ck_assert(logged("signing keys come again"));
	ck_assert_int_eq(hello_now(0), 200);
}
END_TEST

/* But not for ever: keys are taken away because they leaked. */
START_TEST(dead_for_a_week)
{
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	ck_assert_int_eq(hello_now(0), 200);
	serve_nothing(0);
	fake_run(w.fake, 7 * DAY - HOUR);
	ck_assert_int_eq(hello_now(0), 200);
	fake_run(w.fake, 2 * HOUR);
	ck_assert_int_eq(hello_now(0), 503);
	ck_assert(health_is(BH_DOWN, "nothing from Teams can be verified"));
	world_serve(&w, 1);
	fake_run(w.fake, 11 * MINUTE);
	ck_assert_int_eq(hello_now(0), 200);
	ck_assert(health_is(BH_UP, "/api/messages"));
}
END_TEST

static void
stored(int64_t age)
{
	static char fetched[32];
	static char *jwks;
	const char *cells[3];
	static const char *kept[3];

	free(jwks);
	jwks = world_jwks(1, "[\"msteams\"]");
	snprintf(fetched, sizeof(fetched), "%lld",
	    (long long)(FAKE_START - age));
	cells[0] = METADATA;
	cells[1] = jwks;
	cells[2] = fetched;
	memcpy(kept, cells, sizeof(cells));
	fake_rows(w.fake, "FROM teams_keys", 3, 1, kept);
}

START_TEST(restart_while_it_is_dead)
{
	serve_nothing(0);
	stored(6 * DAY);
	world_open(&w);
	world_connect(&w);
	ck_assert_int_eq(hello_now(0), 200);
	ck_assert_int_eq(hello_now(1), 401);
	ck_assert(health_is(BH_UP, "/api/messages"));
	fake_run(w.fake, DAY + MINUTE);
	ck_assert_int_eq(hello_now(0), 503);
	ck_assert(health_is(BH_DOWN, "nothing from Teams can be verified"));
}
END_TEST

START_TEST(restart_with_keys_too_old)
{
	serve_nothing(0);
	stored(8 * DAY);
	world_open(&w);
	world_connect(&w);
	ck_assert_int_eq(hello_now(0), 503);
	ck_assert_int_eq(w.fake->health, BH_DOWN);
}
END_TEST

/* A clock that was wrong when they were written makes them no younger. */
START_TEST(restart_with_keys_from_tomorrow)
{
	serve_nothing(0);
	stored(-30 * DAY);
	world_open(&w);
	world_connect(&w);
	ck_assert_int_eq(hello_now(0), 200);
	fake_run(w.fake, 7 * DAY + HOUR);
	ck_assert_int_eq(hello_now(0), 503);
}
END_TEST

/* What may be Microsoft's is to come again: a 401 would lose it for ever. */
START_TEST(no_keys_at_all)
{
	struct fake_incoming *r;

	serve_nothing(500);
	world_open(&w);
	world_connect(&w);
	r = hello(0);
	fake_run(w.fake, 50);
	ck_assert_int_eq(r->status, 503);
	ck_assert_str_eq(r->body, "");
	ck_assert_uint_eq(w.fake->inbound.events_count, 0);
	ck_assert(health_is(BH_DOWN, "HTTP status 500"));
	ck_assert(logged("nothing is accepted meanwhile"));
	ck_assert(logged("there are no signing keys to check it with"));
	world_serve(&w, 1);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(hello_now(0), 200);
}
END_TEST

#define CLAIMS(iss, aud, exp, more) "{\"iss\":\"https://api." iss "\"," \
	"\"aud\":\"" aud "\",\"exp\":" exp more "}"
#define URL	",\"serviceurl\":\"" SERVICE "\""
#define CLOUD	"botframework.com"
#define LATER	"1767610800"

/* A token that no key could make good is refused for good all the same, and
 * nobody waits for keys because of it. */
START_TEST(bad_whoever_signed_it)
{
	static const struct { const char *name, *header, *claims; } rows[] = {
		{ "another issuer", "RS256", CLAIMS("example", APP, LATER,
		    URL) },
		{ "another app", "RS256", CLAIMS(CLOUD, "x", LATER, URL) },
		{ "expired", "RS256", CLAIMS(CLOUD, APP, "1767600000", URL) },
		{ "no end", "RS256", CLAIMS(CLOUD, APP, "null", URL) },
		{ "from tomorrow on", "RS256", CLAIMS(CLOUD, APP, LATER,
		    URL ",\"nbf\":1767697200") },
		{ "no service URL", "RS256", CLAIMS(CLOUD, APP, LATER, "") },
		{ "no claims", "RS256", "[]" },
		{ "no signature", "none", CLAIMS(CLOUD, APP, LATER, URL) },
		{ "a shared secret", "HS256", CLAIMS(CLOUD, APP, LATER, URL) },
	};
	BH_AUTO_FREE char *activity = world_activity("\"text\":\"hi\",");
	size_t asked;

	serve_nothing(0);
	world_open(&w);
	world_connect(&w);
	fake_run(w.fake, 30 * 1000);
	asked = fake_count(w.fake, METADATA);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_FREE char *header = xasprintf("{\"alg\":\"%s\","
		    "\"kid\":\"key-0\"}", rows[i].header);
		BH_AUTO_FREE char *token = world_signed(0, header,
		    rows[i].claims);
		struct fake_incoming *r = world_post_as(&w, token, activity);

		ck_assert_msg(r->status == 401, "%s: %d", rows[i].name,
		    r->status);
		ck_assert_msg(*r->body == '\0', "%s", rows[i].name);
	}
	ck_assert_uint_eq(fake_count(w.fake, METADATA), asked);
	ck_assert_uint_eq(w.fake->inbound.events_count, 0);
}
END_TEST

/* Nor is one of them let in once there are keys. */
START_TEST(forged_before_there_were_keys)
{
	BH_AUTO_FREE char *activity = world_activity("\"text\":\"hi\",");
	BH_AUTO_FREE char *forged = world_signed(1, "{\"alg\":\"RS256\","
	    "\"kid\":\"key-0\"}", CLAIMS(CLOUD, APP, LATER, URL));
	struct fake_incoming *r;

	serve_nothing(0);
	world_open(&w);
	world_connect(&w);
	r = world_post_as(&w, forged, activity);
	fake_run(w.fake, 50);
	ck_assert_int_eq(r->status, 503);
	fake_run(w.fake, MINUTE);
	world_serve(&w, 1);
	fake_run(w.fake, 11 * MINUTE);
	r = world_post_as(&w, forged, activity);
	fake_run(w.fake, 50);
	ck_assert_int_eq(r->status, 401);
	ck_assert_uint_eq(w.fake->inbound.events_count, 0);
	ck_assert_int_eq(hello_now(0), 200);
	/* And a kid that is not among them is no secret of tomorrow's. */
	ck_assert_int_eq(hello_now(1), 401);
}
END_TEST

/* A token that is remembered dies with its key. */
START_TEST(key_taken_away)
{
	world_open(&w);
	world_serve(&w, 3);
	world_connect(&w);

	BH_AUTO_FREE char *token = world_signed(0, "{\"alg\":\"RS256\","
	    "\"kid\":\"key-0\"}", "{\"iss\":\"https://api.botframework.com\","
	    "\"aud\":\"" APP "\",\"exp\":1777607200,\"serviceurl\":\"" SERVICE
	    "\"}");
	BH_AUTO_FREE char *activity = world_activity("\"text\":\"hi\",");
	struct fake_incoming *r = world_post_as(&w, token, activity);

	fake_run(w.fake, 50);
	ck_assert_int_eq(r->status, 200);
	world_serve(&w, 2);
	fake_run(w.fake, DAY);
	r = world_post_as(&w, token, activity);
	fake_run(w.fake, 50);
	ck_assert_int_eq(r->status, 401);
}
END_TEST

/* Where keys may come from. */
START_TEST(bad_metadata)
{
	static const struct { const char *metadata, *why; } rows[] = {
		{ "{}", "names no jwks_uri" },
		{ "{\"jwks_uri\":1}", "names no jwks_uri" },
		{ "nonsense", "not strict JSON" },
		{ "{\"jwks_uri\":\"a\",\"jwks_uri\":\"b\"}", "strict JSON" },
		{ "{\"jwks_uri\":\"http://login.botframework.com/keys\"}",
		    "not https" },
		{ "{\"jwks_uri\":\"https://evil.example/keys\"}",
		    "on another host" },
		{ "{\"jwks_uri\":\"https://login.botframework.com.evil.example"
		    "/keys\"}", "on another host" },
		{ "{\"jwks_uri\":\"https://login.botframework.com@evil.example"
		    "/keys\"}", "not https" },
		{ "{\"jwks_uri\":\"https://login.botframework.com:444/keys\"}",
		    "on another host" },
		{ "{\"jwks_uri\":\"https://evil.example\\\\.login."
		    "botframework.com/\"}", "not https" },
		{ "{\"jwks_uri\":\"file:///etc/passwd\"}", "not https" },
	};

	world_open(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_serve_token(&w);
		fake_ok(w.fake, METADATA, rows[i].metadata);
		if (i == 0)
			world_connect(&w);
		else
			fake_run(w.fake, 11 * MINUTE);
		ck_assert_msg(health_is(BH_DOWN, rows[i].why), "%s: %s",
		    rows[i].metadata, w.fake->health_text);
	}
	/* Nothing but the metadata and our token was asked for. */
	ck_assert_uint_eq(fake_count(w.fake, METADATA) +
	    fake_count(w.fake, "/oauth2/v2.0/token"), w.fake->requests_count);
}
END_TEST

START_TEST(keys_of_the_login_service)
{
	BH_AUTO_FREE char *jwks = world_jwks(1, NULL);

	world_open(&w);
	world_serve_token(&w);
	fake_ok(w.fake, METADATA, "{\"jwks_uri\":"
	    "\"https://login.microsoftonline.com/keys\"}");
	fake_ok(w.fake, "login.microsoftonline.com/keys", jwks);
	world_connect(&w);
	ck_assert_int_eq(hello_now(0), 200);
}
END_TEST

/* The settings of two clouds mixed: said, since every token will be refused. */
START_TEST(issuer_of_another_cloud)
{
	world_open(&w);
	fake_ok(w.fake, METADATA, "{\"issuer\":\"https://api.botframework.us\","
	    "\"jwks_uri\":\"" JWKS_URI "\"}");
	world_connect(&w);
	ck_assert(logged("take both of one cloud"));
}
END_TEST

START_TEST(emulators_keys)
{
	BH_AUTO_FREE char *jwks = world_jwks(2, NULL);
	BH_AUTO_FREE char *good = world_signed(1, "{\"alg\":\"RS256\","
	    "\"kid\":\"key-1\"}", "{\"iss\":\"https://sts.windows.net/"
	    TENANT "/\",\"aud\":\"" APP "\",\"appid\":\"" APP "\","
	    "\"ver\":\"1.0\",\"exp\":1767610800}");
	/* The login service's key under the channel's issuer, and the reverse:
	 * each source has its own keys. */
	BH_AUTO_FREE char *crossed = world_signed(1, "{\"alg\":\"RS256\","
	    "\"kid\":\"key-1\"}", "{\"iss\":\"https://api.botframework.com\","
	    "\"aud\":\"" APP "\",\"exp\":1767610800,\"serviceurl\":\""
	    SERVICE "\"}");
	BH_AUTO_FREE char *other = world_signed(0, "{\"alg\":\"RS256\","
	    "\"kid\":\"key-0\"}", "{\"iss\":\"https://sts.windows.net/"
	    TENANT "/\",\"aud\":\"" APP "\",\"appid\":\"" APP "\","
	    "\"ver\":\"1.0\",\"exp\":1767610800}");
	BH_AUTO_FREE char *activity = world_activity("\"text\":\"hi\",");
	const char *const tokens[] = { good, crossed, other };
	const int want[] = { 200, 401, 401 };

	world_set(&w, "emulator", "true");
	world_open(&w);
	world_serve(&w, 1);
	fake_ok(w.fake, "botframework.com/v2.0/.well-known/openid-configuration",
	    "{\"jwks_uri\":\"https://login.microsoftonline.com/d/keys\"}");
	fake_ok(w.fake, "login.microsoftonline.com/d/keys", jwks);
	world_connect(&w);
	ck_assert(logged("EMULATOR TOKENS ARE ACCEPTED"));
	ck_assert(health_is(BH_UP, "EMULATOR TOKENS ARE ACCEPTED"));
	for (size_t i = 0; i < 3; i++) {
		struct fake_incoming *r = world_post_as(&w, tokens[i],
		    activity);

		fake_run(w.fake, 50);
		ck_assert_int_eq(r->status, want[i]);
	}
	ck_assert_int_eq(hello_now(0), 200);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		first_keys, rollover, in_their_order, once_a_minute, single_flight,
		large_ones_wait,
		closed_while_waiting, dead_for_an_hour, dead_for_a_week,
		restart_while_it_is_dead, restart_with_keys_too_old,
		restart_with_keys_from_tomorrow, no_keys_at_all,
		bad_whoever_signed_it, forged_before_there_were_keys,
		key_taken_away, bad_metadata, keys_of_the_login_service,
		issuer_of_another_cloud, emulators_keys,
	};
	Suite *s = suite_create("teams-keys");
	TCase *tc = tcase_create("keys");
	SRunner *runner = srunner_create(s);
	int failed;

	world_key(1);
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
