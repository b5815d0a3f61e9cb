/* test-teams-http.c - the door: what gets in, and what the others are told.
 * SPDX-License-Identifier: Apache-2.0
 */

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

static void
open_with_keys(void)
{
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
}

static struct fake_incoming *
post(const char *const *headers, const char *body, size_t len)
{
	struct fake_incoming *r = fake_incoming(w.fake, "POST",
	    "/api/messages", headers, body, len);

	fake_run(w.fake, 20);
	return r;
}

/* Refused with this status, an empty body, and nothing delivered. */
static void
refused(const struct fake_incoming *r, int status, const char *name)
{
	ck_assert_msg(r->status == status, "%s: %d, not %d; %s", name,
	    r->status, status, w.fake->log);
	ck_assert_msg(*r->body == '\0', "%s", name);
	ck_assert_msg(w.fake->inbound.events_count == 0, "%s", name);
}

/* ------------------------------------------------------------------ */
/* The set of tokens, the whole way                                    */

static void
serve_file(const struct bh_value *set, char **jwks, char **entra)
{
	const char *const members[] = { "jwks", "entra" };

	for (size_t i = 0; i < 2; i++) {
		struct bh_buf text = BH_BUF(1u << 20);
		const char *comma = "";

		bh_buf_puts(&text, "{\"keys\":[");
		for (BH_EACH(k, bh_get(bh_get(set, members[i]), "keys"))) {
			bh_buf_add(&text, "%s{\"use\":\"sig\"", comma);
			comma = ",";
			for (BH_EACH(m, k)) {
				const char *c = "[";

				if (strcmp(m->key, "use") == 0)
					continue;
				bh_buf_add(&text, ",\"%s\":", m->key);
				if (m->kind == BH_TEXT) {
					bh_buf_quote(&text, m->text);
					continue;
				}
				for (BH_EACH(e, m)) {
					bh_buf_puts(&text, c);
					bh_buf_quote(&text, e->text);
					c = ",";
				}
				bh_buf_puts(&text, *c == '[' ? "[]" : "]");
			}
			bh_buf_puts(&text, "}");
		}
		bh_buf_puts(&text, "]}");
		*(i == 0 ? jwks : entra) = text.data;
	}
	fake_ok(w.fake, METADATA, "{\"jwks_uri\":\"" JWKS_URI "\"}");
	fake_ok(w.fake, JWKS_URI, *jwks);
	fake_ok(w.fake, "openid-configuration", "{\"jwks_uri\":"
	    "\"https://login.microsoftonline.com/d/keys\"}");
	fake_ok(w.fake, "/d/keys", *entra);
}

static char *
activity_of(const struct bh_value *row)
{
	const struct bh_value *a = bh_get(row, "activity");
	struct bh_buf out = BH_BUF(1u << 16);

	bh_buf_puts(&out, "{\"type\":\"message\",\"text\":\"hi\",");
	for (BH_EACH(m, a)) {
		bh_buf_add(&out, "\"%s\":", m->key);
		bh_buf_quote(&out, m->text);
		bh_buf_puts(&out, ",");
	}
	bh_buf_add(&out, "\"from\":{\"id\":\"29:ada\",\"aadObjectId\":\"ada\"},"
	    "\"conversation\":{\"id\":\"a:1\",\"tenantId\":\"%s\"}}",
	    bh_get_text(row, "tenant"));
	return out.data;
}

static void
whole_set(bool emulator)
{
	BH_AUTO_FREE char *text = world_file("tests/data/teams-tokens.json");
	struct bh_value *set = bh_json(&w.fake->host, text, strlen(text), NULL);
	BH_AUTO_FREE char *jwks = NULL;
	BH_AUTO_FREE char *entra = NULL;
	size_t bad = 0, events;

	ck_assert_ptr_nonnull(set);
	world_set(&w, "app-id", bh_get_text(set, "app_id"));
	world_set(&w, "tenant", bh_get_text(set, "tenant"));
	world_set(&w, "emulator", emulator ? "true" : "false");
	world_open(&w);
	serve_file(set, &jwks, &entra);
	world_connect(&w);
	ck_assert_int_eq((int)(bh_now(&w.fake->host) / 1000),
	    (int)bh_get_number(set, "now", 0));
	for (BH_EACH(row, bh_get(set, "tokens"))) {
		const char *name = bh_get_text(row, "name");
		const char *const headers[] = { "authorization",
		    bh_get_text(row, "authorization"), "content-type",
		    "application/json", NULL };
		BH_AUTO_FREE char *body = activity_of(row);
		bool ours = bh_get_bool(row, "ours", true) || (emulator &&
		    bh_get_bool(row, "emulator", false) &&
		    bh_get_bool(row, "microsoft", false));
		struct fake_incoming *r;

		events = w.fake->inbound.events_count;
		r = fake_incoming(w.fake, "POST", "/api/messages", headers,
		    body, strlen(body));
		/* The clock stands still: at its edges a second counts. */
		fake_run(w.fake, 2);
		ck_assert_msg((r->status == 200) == ours, "%s: %d", name,
		    r->status);
		ck_assert_uint_eq(w.fake->inbound.events_count, events + ours);
		if (!ours) {
			ck_assert_msg(*r->body == '\0', "%s", name);
			ck_assert_msg(r->status == 401 || r->status == 403 ||
			    r->status == 400, "%s: %d", name, r->status);
			bad++;
		}
		w.fake->now = FAKE_START + 200;
	}
	ck_assert_uint_ge(bad, 60);
	bh_json_free(&w.fake->host, set);
}

START_TEST(every_token)
{
	whole_set(false);
	/* No piece of any token is in the log. */
	ck_assert_ptr_null(strstr(w.fake->log, "eyJ"));
}
END_TEST

START_TEST(every_token_with_the_emulator)
{
	whole_set(true);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(good_ones_get_in)
{
	struct fake_incoming *r;

	open_with_keys();
	r = world_says(&w, "\"id\":\"1\",\"text\":\"status\",");
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "");
	ck_assert_uint_eq(w.fake->inbound.events_count, 1);
	ck_assert_str_eq(fake_event(w.fake, 0)->text, "status");
	ck_assert_str_eq(fake_event(w.fake, 0)->user,
	    "ada00000-0000-4000-8000-000000000001");
	ck_assert_str_eq(fake_event(w.fake, 0)->id, "a:ada|1");
}
END_TEST

START_TEST(heads)
{
	open_with_keys();

	BH_AUTO_FREE char *token = world_token(&w, 0, NULL);
	BH_AUTO_FREE char *auth = xasprintf("Bearer %s", token);
	BH_AUTO_FREE char *body = world_activity("\"text\":\"hi\",");
	const struct { const char *name; const char *headers[9]; int status; }
	    rows[] = {
		{ "none", { "content-type", "application/json" }, 401 },
		{ "two tokens", { "authorization", auth, "authorization", auth,
		    "content-type", "application/json" }, 401 },
		{ "a bad one and a good one", { "authorization", "Bearer x",
		    "authorization", auth, "content-type",
		    "application/json" }, 401 },
		{ "another header", { "x-authorization", auth,
		    "content-type", "application/json" }, 401 },
		{ "no type", { "authorization", auth }, 415 },
		{ "two types", { "authorization", auth, "content-type",
		    "application/json", "content-type",
		    "application/json" }, 415 },
		{ "a form", { "authorization", auth, "content-type",
		    "application/x-www-form-urlencoded" }, 415 },
		{ "nearly", { "authorization", auth, "content-type",
		    "application/jsonp" }, 415 },
		{ "packed", { "authorization", auth, "content-type",
		    "application/json", "content-encoding", "gzip" }, 415 },
		{ "fine", { "authorization", auth, "content-type",
		    "Application/JSON; charset=utf-8", "content-encoding",
		    "identity" }, 200 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_incoming *r = post(rows[i].headers, body,
		    strlen(body));

		if (rows[i].status == 200)
			ck_assert_int_eq(r->status, 200);
		else
			refused(r, rows[i].status, rows[i].name);
	}
}
END_TEST

START_TEST(bodies)
{
	static const struct { const char *name, *body; int status; } rows[] = {
		{ "empty", "", 400 }, { "nonsense", "hello", 400 },
		{ "a list", "[{\"type\":\"message\"}]", 400 },
		{ "null", "null", 400 }, { "a text", "\"message\"", 400 },
		{ "an empty object", "{}", 400 },
		{ "no type", "{\"channelId\":\"msteams\",\"serviceUrl\":\""
		    SERVICE "\"}", 400 },
		{ "type as a number", "{\"type\":1,\"channelId\":\"msteams\","
		    "\"serviceUrl\":\"" SERVICE "\"}", 400 },
		{ "no channel", "{\"type\":\"message\",\"serviceUrl\":\""
		    SERVICE "\"}", 400 },
		{ "channel as a list", "{\"type\":\"message\",\"channelId\":"
		    "[\"msteams\"],\"serviceUrl\":\"" SERVICE "\"}", 400 },
		{ "no service URL", "{\"type\":\"message\",\"channelId\":"
		    "\"msteams\"}", 400 },
		{ "two service URLs", "{\"type\":\"message\",\"channelId\":"
		    "\"msteams\",\"serviceUrl\":\"" SERVICE "\",\"serviceUrl\":"
		    "\"https://evil.example/\"}", 400 },
		{ "two channels", "{\"type\":\"message\",\"channelId\":\"slack\""
		    ",\"channelId\":\"msteams\",\"serviceUrl\":\"" SERVICE
		    "\"}", 400 },
		{ "something after it", "{\"type\":\"message\",\"channelId\":"
		    "\"msteams\",\"serviceUrl\":\"" SERVICE "\"} {}", 400 },
		{ "another channel", "{\"type\":\"message\",\"channelId\":"
		    "\"directline\",\"serviceUrl\":\"" SERVICE "\"}", 403 },
		{ "the service URL in other case", "{\"type\":\"message\","
		    "\"channelId\":\"msteams\",\"serviceUrl\":\"https://SMBA."
		    "trafficmanager.net/teams/\"}", 403 },
		{ "no tenant", "{\"type\":\"message\",\"channelId\":\"msteams\""
		    ",\"serviceUrl\":\"" SERVICE "\"}", 403 },
	};

	open_with_keys();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_incoming *r = world_post(&w, rows[i].body);

		fake_run(w.fake, 20);
		refused(r, rows[i].status, rows[i].name);
	}
}
END_TEST

/* A key without endorsements is good for every channel; we are not. */
START_TEST(other_channels)
{
	static const char *const channels[] = { "directline", "webchat",
	    "emulator", "slack", "MSTEAMS", "msteams ", "" };
	BH_AUTO_FREE char *jwks = world_jwks(1, NULL);

	world_open(&w);
	world_serve_token(&w);
	fake_ok(w.fake, METADATA, "{\"jwks_uri\":\"" JWKS_URI "\"}");
	fake_ok(w.fake, JWKS_URI, jwks);
	world_connect(&w);
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		BH_AUTO_FREE char *a = xasprintf("{\"type\":\"message\","
		    "\"text\":\"hi\",\"channelId\":\"%s\",\"serviceUrl\":\""
		    SERVICE "\",\"from\":{\"id\":\"1\",\"aadObjectId\":"
		    "\"ada\"},\"conversation\":{\"id\":\"a:1\",\"tenantId\":"
		    "\"" TENANT "\"}}", channels[i]);

		refused(world_post(&w, a), 403, channels[i]);
	}
	ck_assert_int_eq(world_says(&w, "\"text\":\"hi\",")->status, 200);
}
END_TEST

START_TEST(sizes)
{
	struct bh_buf text = BH_BUF(1u << 20);

	open_with_keys();
	bh_buf_puts(&text, "\"text\":\"");
	for (size_t i = 0; i < 3000; i++)
		bh_buf_puts(&text, "x");
	bh_buf_puts(&text, "\",\"filler\":[\"");
	while (text.len < 250u * 1024u) {
		for (size_t i = 0; i < 1000; i++)
			bh_buf_puts(&text, "x");
		bh_buf_puts(&text, "\",\"");
	}
	bh_buf_puts(&text, "\"],");
	ck_assert_int_eq(world_says(&w, text.data)->status, 200);
	for (size_t i = 0; i < 10000; i++)
		bh_buf_puts(&text, " ");
	ck_assert_int_eq(world_says(&w, text.data)->status, 413);
	ck_assert_uint_eq(w.fake->inbound.events_count, 1);
	bh_buf_release(&text);
}
END_TEST

/* A service URL that the token names as well is not believed for that. */
START_TEST(hostile_urls)
{
	BH_AUTO_FREE char *text = world_file("tests/data/hostile-urls.json");
	struct bh_value *set = bh_json(&w.fake->host, text, strlen(text), NULL);
	size_t n = 0;

	open_with_keys();
	ck_assert_ptr_nonnull(set);
	for (BH_EACH(row, bh_get(set, "urls"))) {
		struct bh_buf claims = BH_BUF(1u << 16),
		    activity = BH_BUF(1u << 16);
		const char *url = bh_get_text(row, "url");
		struct fake_incoming *r;
		char *token;

		bh_buf_puts(&claims, "{\"iss\":\"https://api.botframework.com\""
		    ",\"aud\":\"" APP "\",\"exp\":1767610800,\"serviceurl\":");
		bh_buf_quote(&claims, url);
		bh_buf_puts(&claims, "}");
		bh_buf_puts(&activity, "{\"type\":\"message\",\"channelId\":"
		    "\"msteams\",\"text\":\"hi\",\"id\":\"1\",\"from\":{\"id\":"
		    "\"29:ada\",\"aadObjectId\":\"ada\"},\"conversation\":"
		    "{\"id\":\"a:1\",\"tenantId\":\"" TENANT "\"},"
		    "\"serviceUrl\":");
		bh_buf_quote(&activity, url);
		bh_buf_puts(&activity, "}");
		token = world_signed(0, "{\"alg\":\"RS256\","
		    "\"kid\":\"key-0\"}", claims.data);
		r = world_post_as(&w, token, activity.data);
		fake_run(w.fake, 5);
		/* An empty claim is a bad token already. */
		refused(r, *url != '\0' ? 403 : 401, url);
		free(token);
		bh_buf_release(&claims);
		bh_buf_release(&activity);
		n++;
	}
	ck_assert_uint_ge(n, 200);
	/* Nothing of them was learnt either. */
	ck_assert_uint_eq(fake_sql_count(w.fake, "teams_place"), 0);
	ck_assert_ptr_null(teams_place_find(w.teams, "a:1"));
	bh_json_free(&w.fake->host, set);
}
END_TEST

START_TEST(tenants)
{
	static const struct { const char *more; int status; } rows[] = {
		{ "\"conversation\":{\"id\":\"a:1\",\"tenantId\":\"" TENANT
		    "\"},", 200 },
		{ "\"conversation\":{\"id\":\"a:1\",\"tenantId\":"
		    "\"A9ACCA4F-ECA5-431C-8386-CC4C0FE3C0F5\"},", 200 },
		{ "\"conversation\":{\"id\":\"a:1\"},\"channelData\":"
		    "{\"tenant\":{\"id\":\"" TENANT "\"}},", 200 },
		{ "\"conversation\":{\"id\":\"a:1\",\"tenantId\":"
		    "\"c6fbc78f-388e-43f2-828e-cb2fcec07207\"},", 403 },
		/* The conversation's own says where it is, not the other. */
		{ "\"conversation\":{\"id\":\"a:1\",\"tenantId\":"
		    "\"c6fbc78f-388e-43f2-828e-cb2fcec07207\"},"
		    "\"channelData\":{\"tenant\":{\"id\":\"" TENANT "\"}},",
		    403 },
		{ "\"conversation\":{\"id\":\"a:1\",\"tenantId\":\"\"},", 403 },
		{ "\"conversation\":{\"id\":\"a:1\",\"tenantId\":\"" TENANT
		    " \"},", 403 },
		{ "\"conversation\":{\"id\":\"a:1\"},", 403 },
	};

	open_with_keys();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_FREE char *more = xasprintf("\"id\":\"%zu\","
		    "\"text\":\"hi\",%s", i, rows[i].more);
		struct fake_incoming *r = world_says(&w, more);

		ck_assert_msg(r->status == rows[i].status, "%s: %d",
		    rows[i].more, r->status);
	}
}
END_TEST

START_TEST(several_tenants)
{
	down();
	world_new(&w, "{\"tenants\":[\"t-1\",\"T-2\"],\"service-hosts\":"
	    "[\"smba.trafficmanager.net\"],\"commands\":[]}");
	open_with_keys();
	ck_assert(teams_tenant_ok(w.teams, "t-1"));
	ck_assert(teams_tenant_ok(w.teams, "t-2"));
	ck_assert(!teams_tenant_ok(w.teams, "t-3"));
	ck_assert(!teams_tenant_ok(w.teams, TENANT));
	ck_assert(!teams_tenant_ok(w.teams, NULL));
}
END_TEST

/* A token is judged once; after that its bytes are known, for this activity's
 * URL and channel alone, and not a minute longer than it lasts. */
START_TEST(remembered_tokens)
{
	BH_AUTO_FREE char *other = world_activity("\"text\":\"hi\",");
	BH_AUTO_FREE char *foreign = world_activity("\"text\":\"hi\",");
	struct fake_incoming *r;

	open_with_keys();

	BH_AUTO_FREE char *token = world_token(&w, 0, NULL);

	for (int i = 0; i < 20; i++) {
		r = world_post_as(&w, token, other);
		fake_run(w.fake, 20);
		ck_assert_int_eq(r->status, 200);
	}
	memcpy(strstr(foreign, "/teams/"), "/emea//", 7);
	r = world_post_as(&w, token, foreign);
	ck_assert_int_eq(r->status, 403);
	memcpy(strstr(foreign, "msteams"), "skypeee", 7);
	r = world_post_as(&w, token, foreign);
	ck_assert_int_eq(r->status, 403);
	/* Good for an hour and five minutes of skew. */
	fake_run(w.fake, 3890000);
	r = world_post_as(&w, token, other);
	fake_run(w.fake, 20);
	ck_assert_int_eq(r->status, 200);
	fake_run(w.fake, 20000);
	r = world_post_as(&w, token, other);
	fake_run(w.fake, 20);
	ck_assert_int_eq(r->status, 401);
}
END_TEST

/* More tokens than we remember: they are judged again, that is all. */
START_TEST(many_tokens)
{
	char *tokens[600];

	open_with_keys();
	for (int i = 0; i < 600; i++) {
		BH_AUTO_FREE char *claims = xasprintf("{\"iss\":"
		    "\"https://api.botframework.com\",\"aud\":\"" APP "\","
		    "\"exp\":1767610800,\"jti\":\"%d\",\"serviceurl\":\""
		    SERVICE "\"}", i);

		tokens[i] = world_token(&w, 0, claims);
	}
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 600; i++) {
			BH_AUTO_FREE char *a = world_activity("\"text\":"
			    "\"hi\",");
			struct fake_incoming *r = world_post_as(&w, tokens[i],
			    a);

			fake_run(w.fake, 2);
			ck_assert_int_eq(r->status, 200);
		}
	for (int i = 0; i < 600; i++)
		free(tokens[i]);
}
END_TEST

/* Strangers cannot fill the log. */
START_TEST(quiet_about_strangers)
{
	size_t lines = 0;

	open_with_keys();
	for (int i = 0; i < 1000; i++) {
		struct fake_incoming *r = world_post_as(&w, "a.b.c", "{}");

		ck_assert_int_eq(r->status, 401);
	}
	fake_run(w.fake, 10000);
	world_post_as(&w, "a.b.c", "{}");
	for (const char *p = w.fake->log; (p = strstr(p, "refused with")) !=
	    NULL; p++)
		lines++;
	ck_assert_uint_eq(lines, 2);
	ck_assert_ptr_nonnull(strstr(w.fake->log, "(999 more"));
}
END_TEST

START_TEST(no_listener)
{
	world_open(&w);
	w.fake->inbound.route_result = BH_EIO;
	ck_assert_int_eq(bellhop_plugin.transport->connect(w.teams), BH_EIO);
	ck_assert_ptr_nonnull(strstr(w.fake->log, "set `listen`"));
	ck_assert_uint_eq(w.fake->requests_count, 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_token, every_token_with_the_emulator, good_ones_get_in,
		heads, bodies, other_channels, sizes, hostile_urls, tenants, several_tenants,
		remembered_tokens, many_tokens, quiet_about_strangers,
		no_listener,
	};
	Suite *s = suite_create("teams-http");
	TCase *tc = tcase_create("http");
	SRunner *runner = srunner_create(s);
	int failed;

	world_key(0);	/* once, for all that fork */
	tcase_add_checked_fixture(tc, up, down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
