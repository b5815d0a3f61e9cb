/* test-teams-url.c - where the bot's token may go, with a trap that listens.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Here the fake host's HTTP is the real client on a real loop: whatever is
 * connected to is connected to.
 */

#include <signal.h>

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/http-client.h"
#include "host/io/http-server.h"
#include "host/io/loop.h"
#include "tests/unit/teams-world.h"

static struct teams_world w;
static struct bh_api api;
static struct loop *loop;
static struct http_client *client;
static struct bh_server *trap;
static int port, visits;

static struct bh_xfer *
real_http(struct bh_host *host, const struct bh_http *req, bh_http_cb *cb,
    void *arg)
{
	(void)host;
	return http_send(client, req, cb, arg);
}

static struct bh_xfer *
real_http_public(struct bh_host *host, const struct bh_http *req,
    bh_http_cb *cb, void *arg)
{
	(void)host;
	return http_send_public(client, req, cb, arg);
}

static void
trapped(void *arg, struct bh_request *rq, const struct bh_http_in *in)
{
	/* Whoever came is sent on to the metadata service. */
	static const char *const headers[] =
	    { "Location: http://169.254.169.254/latest/meta-data/", NULL };
	const struct bh_http_out out = { .status = 302, .headers = headers };

	(void)arg;
	(void)in;
	visits++;
	http_respond(rq, &out);
}

/* With these service-hosts. */
static void
begin(const char *hosts)
{
	BH_AUTO_FREE char *lists = xasprintf("{\"service-hosts\":%s,"
	    "\"commands\":[]}", hosts);

	world_new(&w, lists);
	world_open(&w);
	api = *w.fake->host.api;
	api.http = real_http;
	api.http_public = real_http_public;
	w.fake->host.api = &api;
}

static void
up(void)
{
	const char *error = NULL;

	world_freeze(INT64_C(1767607200000));
	loop = loop_new();
	client = http_client_new(loop);
	port = visits = 0;
	trap = http_listen(loop, "127.0.0.1", &port, &error);
	ck_assert_msg(trap != NULL, "%s", error);
	http_route(trap, "*", "/*", trapped, NULL);
}

static void
down(void)
{
	world_free(&w);
	http_client_free(&client);
	http_close(&trap);
	loop_free(&loop);
}

struct result { int calls, result, status; char error[200]; };

static void
answered(void *arg, const struct bh_answer *a)
{
	struct result *r = arg;

	r->calls++;
	r->result = a->result;
	r->status = a->status;
	snprintf(r->error, sizeof(r->error), "%s",
	    a->error != NULL ? a->error : "");
}

static bool
is_answered(void *arg)
{
	return ((struct result *)arg)->calls > 0;
}

/* Sends the token there; false if it was refused at once. */
static bool
send_to(const char *service_url, struct result *r)
{
	static const char *const headers[] =
	    { "Authorization: Bearer the token", NULL };
	const struct bh_http http = { .method = "POST", .headers = headers,
	    .timeout = 2000 };

	*r = (struct result){ 0 };
	if (teams_url_http(w.teams, service_url, "v3/conversations", &http,
	    answered, r) == NULL)
		return false;
	ck_assert(loop_settle(loop, is_answered, r, 60000));
	return true;
}

static const char presets[] = "[\"smba.trafficmanager.net\","
    "\"*.botframework.com\",\"*.teams.microsoft.com\"]";

START_TEST(good_urls)
{
	static const char *const urls[] = {
		"https://smba.trafficmanager.net",
		"https://smba.trafficmanager.net/",
		"https://smba.trafficmanager.net:443/",
		"https://smba.trafficmanager.net/teams/",
		"https://smba.trafficmanager.net/amer/" TENANT "/",
		"https://smba.trafficmanager.net/emea/a_b-c.d~e/F9",
		"https://europe.webchat.botframework.com/",
		"https://a.b.c.botframework.com/",
		"https://smba.infra.gcc.teams.microsoft.com/teams",
		"https://canary.botapi.teams.microsoft.com:443/amer/",
	};
	const char *why = NULL;

	begin(presets);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		ck_assert_msg(teams_url_ok(w.teams, urls[i], &why), "%s: %s",
		    urls[i], why);
}
END_TEST

/* As they are, and as if the list of hosts let everybody in: the client that
 * the plugin uses must not reach the trap either. */
START_TEST(nothing_hostile)
{
	BH_AUTO_FREE char *text = world_file("tests/data/hostile-urls.json");
	struct bh_value *set;
	struct result r;
	size_t n = 0;

	begin(presets);
	set = bh_json(&w.fake->host, text, strlen(text), NULL);
	for (BH_EACH(row, bh_get(set, "urls"))) {
		struct bh_buf url = BH_BUF(2000);
		const char *why = NULL, *at;
		const char *raw = bh_get_text(row, "url");

		at = strstr(raw, "{port}");
		bh_buf_put(&url, raw, at != NULL ? (size_t)(at - raw) :
		    strlen(raw));
		if (at != NULL)
			bh_buf_add(&url, "%d%s", port, at + 6);
		ck_assert_msg(!teams_url_ok(w.teams, bh_buf_text(&url), &why),
		    "%s", raw);
		ck_assert_ptr_nonnull(why);
		ck_assert_msg(!send_to(bh_buf_text(&url), &r), "%s", raw);
		bh_buf_release(&url);
		n++;
	}
	ck_assert_uint_ge(n, 200);
	ck_assert_int_eq(visits, 0);
	bh_json_free(&w.fake->host, set);
}
END_TEST

/* A name that is on the list leads home now: DNS is not what is believed. */
START_TEST(rebound)
{
	struct result r;

	begin("[\"*.localhost\",\"smba.localhost\"]");
	ck_assert(send_to("https://smba.localhost/teams/", &r));
	ck_assert_int_eq(r.result, BH_EPERM);
	ck_assert_ptr_nonnull(strstr(r.error, "not a public address"));
	ck_assert(!send_to("http://smba.localhost/", &r));
	ck_assert_int_eq(visits, 0);
}
END_TEST

/* Tests name their double's very origin, and nothing else opens by that. */
START_TEST(origin_of_a_double)
{
	BH_AUTO_FREE char *list = xasprintf("[\"http://127.0.0.1:%d\"]", port);
	BH_AUTO_FREE char *good = xasprintf("http://127.0.0.1:%d/emea/", port);
	BH_AUTO_FREE char *longer = xasprintf("http://127.0.0.1:%d0/", port);
	BH_AUTO_FREE char *user = xasprintf("http://127.0.0.1:%d@evil.example/",
	    port);
	BH_AUTO_FREE char *name = xasprintf("http://localhost:%d/", port);
	BH_AUTO_FREE char *tls = xasprintf("https://127.0.0.1:%d/", port);
	BH_AUTO_FREE char *turn = xasprintf("http://127.0.0.1:%d/../", port);
	const char *const bad[] = { longer, user, name, tls, turn,
	    "http://127.0.0.1/", "https://smba.trafficmanager.net/" };
	struct result r;

	begin(list);
	ck_assert(send_to(good, &r));
	/* And where it sends us on to, we do not go. */
	ck_assert_int_eq(r.result, BH_OK);
	ck_assert_int_eq(r.status, 302);
	ck_assert_int_eq(visits, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!send_to(bad[i], &r), "%s", bad[i]);
	ck_assert_int_eq(visits, 1);
}
END_TEST

/* An origin elsewhere than on this machine is no test's. */
START_TEST(origins_elsewhere)
{
	static const char *const hosts[] = {
		"[\"http://10.0.0.1:80\"]", "[\"http://evil.example\"]",
		"[\"http://localhost.evil.example\"]",
		"[\"http://127.0.0.1.evil.example\"]",
		"[\"http://169.254.169.254\"]", "[\"https://[::2]:443\"]",
		/* Nor is an address a name, whoever listed it. */
		"[\"10.0.0.1\"]", "[\"*.0.0.1\"]", "[\"0x7f.1\"]",
	};
	static const char *const urls[] = {
		"http://10.0.0.1:80/", "http://evil.example/",
		"http://localhost.evil.example/",
		"http://127.0.0.1.evil.example/", "http://169.254.169.254/",
		"https://[::2]:443/", "https://10.0.0.1/",
		"https://10.0.0.1/", "https://0x7f.1/",
	};
	const char *why;

	begin(presets);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		world_free(&w);
		begin(hosts[i]);
		ck_assert_msg(!teams_url_ok(w.teams, urls[i], &why), "%s",
		    urls[i]);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		good_urls, nothing_hostile, rebound, origin_of_a_double,
		origins_elsewhere,
	};
	Suite *s = suite_create("teams-url");
	TCase *tc = tcase_create("url");
	SRunner *runner = srunner_create(s);
	int failed;

	signal(SIGPIPE, SIG_IGN);
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
