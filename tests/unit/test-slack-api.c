/* test-slack-api.c - requests to the Web API, their turns and their ends.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

struct got {
	int count, result;
	bool sent;
	char error[100], user[100];
};

static void
answered(void *arg, const struct slack_answer *a)
{
	struct got *g = arg;
	const char *user = bh_get_text(a->body, "user_id");

	g->count++;
	g->result = a->result;
	g->sent = a->sent;
	snprintf(g->error, sizeof(g->error), "%s", a->error != NULL ?
	    a->error : "");
	snprintf(g->user, sizeof(g->user), "%s", user != NULL ? user : "");
}

static struct got
ask(const struct slack_ask *a, int64_t ms)
{
	static struct got g;

	g = (struct got){ 0 };
	slack_api(slack, a, answered, &g);
	fake_run(fake, ms);
	return g;
}

static void
up(void)
{
	slack_up();
	slack_tokens_open(slack);
}

START_TEST(a_request_has_a_token_and_a_body)
{
	struct got g;
	const struct fake_request *r;

	fake_ok(fake, "auth.test", "{\"ok\":true,\"user_id\":\"U0BOT\"}");
	g = ask(&(struct slack_ask){ .method = "auth.test" }, 10);
	ck_assert_int_eq(g.count, 1);
	ck_assert_int_eq(g.result, BH_OK);
	ck_assert(g.sent);
	ck_assert_str_eq(g.user, "U0BOT");
	r = fake_find(fake, "auth.test", 0);
	ck_assert_str_eq(r->method, "POST");
	ck_assert_str_eq(r->url, "https://slack.example/api/auth.test");
	ck_assert_int_eq(strncmp(fake_header(r, "Authorization"),
	    "Bearer xoxb-1\n", 14), 0);
	ck_assert_int_eq(strncmp(fake_header(r, "Content-Type"),
	    "application/x-www-form-urlencoded\n", 34), 0);
	ask(&(struct slack_ask){ .method = "auth.test", .json = "{}" }, 10);
	r = fake_find(fake, "auth.test", 1);
	ck_assert_str_eq(r->body, "{}");
	ck_assert_ptr_nonnull(strstr(r->headers, "application/json"));
	/* The app-level token is for its own methods. */
	fake->config[2] = "app-token";
	fake->config[3] = "xapp-1";
	ask(&(struct slack_ask){ .method = "auth.test", .app = true }, 10);
	r = fake_find(fake, "auth.test", 2);
	ck_assert_ptr_nonnull(strstr(r->headers, "Bearer xapp-1\n"));
}
END_TEST

START_TEST(a_refusal_is_told_with_its_word)
{
	struct got g;

	fake_answer(fake, &(struct fake_answer){ .match = "chat.update",
	    .body = "{\"ok\":false,\"error\":\"message_not_found\","
	    "\"response_metadata\":{\"messages\":[\"[ERROR] no\\nway\"]}}",
	    .headers = { "x-slack-req-id", "abc123" } });
	g = ask(&(struct slack_ask){ .method = "chat.update",
	    .json = "{\"text\":\"secret words\"}" }, 10);
	ck_assert_int_eq(g.result, BH_EINVAL);
	ck_assert_str_eq(g.error, "message_not_found");
	ck_assert_uint_eq(fake->requests_count, 1);
	/* What helps to find it at Slack's; nothing that is secret. */
	ck_assert_ptr_nonnull(strstr(fake->log, "abc123"));
	ck_assert_ptr_nonnull(strstr(fake->log, "[ERROR] no way"));
	ck_assert_ptr_null(strstr(fake->log, "xoxb"));
	ck_assert_ptr_null(strstr(fake->log, "secret words"));
}
END_TEST

START_TEST(a_missing_scope_is_named)
{
	struct got g;

	fake_ok(fake, "users.info", "{\"ok\":false,\"error\":"
	    "\"missing_scope\",\"needed\":\"users:read\","
	    "\"provided\":\"chat:write\"}");
	g = ask(&(struct slack_ask){ .method = "users.info" }, 10);
	ck_assert_int_eq(g.result, BH_EBUSY);
	ck_assert_ptr_nonnull(strstr(fake->log, "scope users:read"));
}
END_TEST

/* Of what may happen twice, three tries; of what may not, one. */
START_TEST(server_errors)
{
	struct got g;

	fake_answer(fake, &(struct fake_answer){ .match = "users.info",
	    .status = 503, .body = "<html>" });
	g = ask(&(struct slack_ask){ .method = "users.info" }, 60000);
	ck_assert_int_eq(g.count, 1);
	ck_assert_int_eq(g.result, BH_ENET);
	ck_assert_uint_eq(fake->requests_count, 3);
	/* With growing pauses between them. */
	ck_assert_int_ge(fake->requests[1].at - fake->requests[0].at, 1000);
	ck_assert_int_ge(fake->requests[2].at - fake->requests[1].at, 2000);
	fake_answer(fake, &(struct fake_answer){ .match = "chat.postMessage",
	    .status = 500, .body = "" });
	g = ask(&(struct slack_ask){ .method = "chat.postMessage",
	    .json = "{}", .channel = "C1", .once = true }, 60000);
	ck_assert_int_eq(g.result, BH_ENET);
	ck_assert(g.sent);
	ck_assert_uint_eq(fake_count(fake, "chat.postMessage"), 1);
}
END_TEST

START_TEST(slacks_own_troubles)
{
	static const char *const words[] = { "internal_error", "fatal_error",
		"service_unavailable", "request_timeout" };

	for (size_t i = 0; i < COUNT(words); i++) {
		struct bh_buf body = BH_BUF(200);
		struct got g;
		size_t before = fake->requests_count;

		bh_buf_add(&body, "{\"ok\":false,\"error\":\"%s\"}",
		    words[i]);
		fake_forget_answers(fake);
		fake_answer(fake, &(struct fake_answer){ .match = "x.y",
		    .body = bh_buf_text(&body), .times = 1 });
		fake_ok(fake, "x.y", "{\"ok\":true}");
		g = ask(&(struct slack_ask){ .method = "x.y" }, 10000);
		ck_assert_int_eq(g.result, BH_OK);
		ck_assert_uint_eq(fake->requests_count, before + 2);
		fake_forget_answers(fake);
		fake_ok(fake, "x.y", bh_buf_text(&body));
		g = ask(&(struct slack_ask){ .method = "x.y", .once = true },
		    10000);
		ck_assert_int_eq(g.result, BH_ENET);
		ck_assert(g.sent);
		ck_assert_str_eq(g.error, words[i]);
		bh_buf_release(&body);
	}
}
END_TEST

/* A connection that never came about did nothing. */
START_TEST(network_failures)
{
	struct got g;

	fake_answer(fake, &(struct fake_answer){ .match = "chat.post",
	    .result = BH_ENET, .unsent = true, .times = 1 });
	fake_ok(fake, "chat.post", "{\"ok\":true}");
	g = ask(&(struct slack_ask){ .method = "chat.postMessage",
	    .once = true }, 10000);
	ck_assert_int_eq(g.result, BH_OK);
	ck_assert_uint_eq(fake->requests_count, 2);
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "chat.post",
	    .result = BH_ENET });
	g = ask(&(struct slack_ask){ .method = "chat.postMessage",
	    .once = true }, 10000);
	ck_assert_int_eq(g.result, BH_ENET);
	ck_assert(g.sent);
	ck_assert_uint_eq(fake->requests_count, 3);
}
END_TEST

START_TEST(rubbish)
{
	static const char *const bodies[] = { "", "ok", "[]", "{\"ok\":1}",
		"{\"ok\":false}", "{\"ok\":\"true\"}", "<html></html>",
		"{\"ok\":true}x", "{\"ok\":true,\"ok\":false}" };

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct got g;

		fake_forget_answers(fake);
		fake_ok(fake, NULL, bodies[i]);
		g = ask(&(struct slack_ask){ .method = "x.y", .once = true },
		    10000);
		ck_assert_int_eq(g.count, 1);
		ck_assert_int_eq(g.result, BH_ENET);
	}
}
END_TEST

/* ------------------------------------------------------------------ */
/* Limits                                                              */

/* One method rests, others go on. */
START_TEST(retry_after_stops_one_method)
{
	static struct got a, b, c;

	fake_answer(fake, &(struct fake_answer){ .match = "users.info",
	    .status = 429, .body = "{\"ok\":false,\"error\":\"ratelimited\"}",
	    .headers = { "retry-after", "30" }, .times = 1 });
	fake_ok(fake, NULL, "{\"ok\":true}");
	slack_api(slack, &(struct slack_ask){ .method = "users.info" },
	    answered, &a);
	fake_run(fake, 1000);
	slack_api(slack, &(struct slack_ask){ .method = "users.info" },
	    answered, &b);
	slack_api(slack, &(struct slack_ask){ .method = "views.open" },
	    answered, &c);
	fake_run(fake, 28000);
	ck_assert_int_eq(a.count + b.count, 0);
	ck_assert_int_eq(c.count, 1);
	fake_run(fake, 2000);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(a.result, BH_OK);
	ck_assert_int_eq(b.result, BH_OK);
	ck_assert_int_eq(b.count, 1);
}
END_TEST

START_TEST(retry_after_stops_one_channel)
{
	static struct got a, b;

	fake_answer(fake, &(struct fake_answer){ .match = "C1",
	    .status = 429, .body = "", .headers = { "retry-after", "7" },
	    .times = 1 });
	fake_ok(fake, NULL, "{\"ok\":true}");
	slack_api(slack, &(struct slack_ask){ .method = "chat.postMessage",
	    .channel = "C1", .json = "{\"channel\":\"C1\"}", .once = true },
	    answered, &a);
	fake_run(fake, 100);
	slack_api(slack, &(struct slack_ask){ .method = "chat.postMessage",
	    .channel = "C2", .json = "{\"channel\":\"C2\"}", .once = true },
	    answered, &b);
	fake_run(fake, 100);
	ck_assert_int_eq(a.count, 0);
	ck_assert_int_eq(b.count, 1);
	fake_run(fake, 7000);
	/* It was turned away before anything was done: it goes again. */
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(a.result, BH_OK);
}
END_TEST

START_TEST(a_limit_in_the_body)
{
	struct got g;

	fake_answer(fake, &(struct fake_answer){ .match = "x.y",
	    .body = "{\"ok\":false,\"error\":\"ratelimited\"}", .times = 2 });
	fake_ok(fake, "x.y", "{\"ok\":true}");
	g = ask(&(struct slack_ask){ .method = "x.y", .once = true }, 5000);
	ck_assert_int_eq(g.result, BH_OK);
	ck_assert_uint_eq(fake->requests_count, 3);
}
END_TEST

START_TEST(a_long_rest_is_the_callers)
{
	struct got g;

	fake_answer(fake, &(struct fake_answer){ .match = "x.y",
	    .status = 429, .headers = { "retry-after", "3600" } });
	g = ask(&(struct slack_ask){ .method = "x.y" }, 5000);
	ck_assert_int_eq(g.result, BH_ELIMIT);
	ck_assert(!g.sent);
	/* Ten times too often is enough. */
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "z.z",
	    .status = 429, .headers = { "retry-after", "1" } });
	g = ask(&(struct slack_ask){ .method = "z.z" }, 60000);
	ck_assert_int_eq(g.result, BH_ELIMIT);
	ck_assert_uint_eq(fake_count(fake, "z.z"), 10);
}
END_TEST

/* Approvals stand before notices in the same lane. */
START_TEST(ranks)
{
	static struct got got[3];

	fake_answer(fake, &(struct fake_answer){ .match = NULL,
	    .body = "{\"ok\":true}", .delay = 100 });
	for (int i = 0; i < 3; i++) {
		char json[32];

		snprintf(json, sizeof(json), "{\"n\":%d}", i);
		slack_api(slack, &(struct slack_ask){
		    .method = "chat.postMessage", .channel = "C1",
		    .json = json, .rank = i == 2 ? SLACK_APPROVAL :
		    SLACK_NOTICE, .once = true }, answered, &got[i]);
	}
	fake_run(fake, 1000);
	ck_assert_str_eq(fake->requests[1].body, "{\"n\":0}");
	ck_assert_str_eq(fake->requests[0].body, "{\"n\":2}");
	/* One at once in a channel, so that they stay in order. */
	ck_assert_int_ge(fake->requests[1].at - fake->requests[0].at, 100);
	ck_assert_str_eq(fake->turns[0].lane, "chat.postMessage C1");
	ck_assert_str_eq(fake->turns[0].limits, "1 at once, 5/5s, 60/60s");
}
END_TEST

START_TEST(what_comes_too_late_is_not_sent)
{
	struct got g;

	fake_answer(fake, &(struct fake_answer){ .match = "views.open",
	    .status = 429, .headers = { "retry-after", "2" } });
	g = ask(&(struct slack_ask){ .method = "views.open",
	    .until = bh_mono(&fake->host) + 1500 }, 10000);
	ck_assert_int_eq(g.count, 1);
	ck_assert_int_eq(g.result, BH_ELIMIT);
	/* One that waits in the lane is told when its time is over. */
	g = ask(&(struct slack_ask){ .method = "views.open",
	    .until = bh_mono(&fake->host) - 1 }, 0);
	ck_assert_int_eq(g.result, BH_ETIMEOUT);
	ck_assert(!g.sent);
	ck_assert_uint_eq(fake->requests_count, 1);
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "views.open",
	    .status = 429, .headers = { "retry-after", "60" }, .times = 1 });
	ask(&(struct slack_ask){ .method = "views.open" }, 10);
	g = ask(&(struct slack_ask){ .method = "views.open",
	    .until = bh_mono(&fake->host) + 3000 }, 3000);
	ck_assert_int_eq(g.result, BH_ETIMEOUT);
	ck_assert_uint_eq(fake->requests_count, 2);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Tokens                                                              */

START_TEST(a_refused_token_is_left_alone)
{
	struct got g;

	fake_answer(fake, &(struct fake_answer){ .match = "x.y", .body =
	    "{\"ok\":false,\"error\":\"token_revoked\"}" });
	g = ask(&(struct slack_ask){ .method = "x.y" }, 10000);
	ck_assert_int_eq(g.result, BH_EBUSY);
	ck_assert_uint_eq(fake->requests_count, 1);
	ck_assert_int_eq(fake->health, BH_DOWN);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "token_revoked"));
	ck_assert_ptr_nonnull(strstr(fake->health_text, "install"));
	g = ask(&(struct slack_ask){ .method = "x.y" }, 10000);
	ck_assert_int_eq(g.result, BH_EBUSY);
	ck_assert_uint_eq(fake->requests_count, 1);
	/* A minute later it is tried: an admin may have mended it. */
	fake_forget_answers(fake);
	fake_ok(fake, "x.y", "{\"ok\":true}");
	fake_run(fake, 60000);
	g = ask(&(struct slack_ask){ .method = "x.y" }, 10000);
	ck_assert_int_eq(g.result, BH_OK);
	ck_assert_int_eq(fake->health, BH_UP);
	/* Or there is another one in the configuration. */
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "x.y", .body =
	    "{\"ok\":false,\"error\":\"invalid_auth\"}", .times = 1 });
	fake_ok(fake, "x.y", "{\"ok\":true}");
	ask(&(struct slack_ask){ .method = "x.y" }, 10000);
	fake->config[1] = "xoxb-2";
	g = ask(&(struct slack_ask){ .method = "x.y" }, 10000);
	ck_assert_int_eq(g.result, BH_OK);
}
END_TEST

START_TEST(closing_answers_everybody)
{
	static struct got sent, waiting;

	fake_answer(fake, &(struct fake_answer){ .match = NULL,
	    .body = "{\"ok\":true}", .delay = 100000 });
	slack_api(slack, &(struct slack_ask){ .method = "chat.postMessage",
	    .channel = "C1", .json = "{}" }, answered, &sent);
	slack_api(slack, &(struct slack_ask){ .method = "chat.postMessage",
	    .channel = "C1", .json = "{}" }, answered, &waiting);
	fake_run(fake, 10);
	slack->closing = true;
	slack_api_close(slack);
	ck_assert_int_eq(sent.count, 1);
	ck_assert_int_eq(sent.result, BH_ECANCELLED);
	ck_assert_int_eq(waiting.count, 1);
	slack_api(slack, &(struct slack_ask){ .method = "x.y" }, answered,
	    &waiting);
	ck_assert_int_eq(waiting.count, 2);
	ck_assert_int_eq(waiting.result, BH_ECANCELLED);
}
END_TEST

/* ------------------------------------------------------------------ */
/* The response URL                                                    */

static struct slack_reply *
reply(const char *url)
{
	struct slack_reply *r = slack_reply_new(slack, SLACK_SLASH);

	r->response_url = bh_copy(url);
	r->responses = 5;
	r->response_until = bh_mono(&fake->host) + 1800000;
	return r;
}

START_TEST(response_urls_are_pinned)
{
	static const struct { const char *url; bool ok; } rows[] = {
		{ "https://hooks.slack.example/actions/T1/1/x", true },
		{ "http://127.0.0.1:3001/actions/x", true },
		{ "http://hooks.slack.example/actions/x", false },
		{ "https://hooks.slack.example", false },
		{ "https://hooks.slack.example:8443/x", false },
		{ "https://hooks.slack.example@evil.example/", false },
		{ "https://hooks.slack.example.evil.example/", false },
		{ "https://evil.example/hooks.slack.example/", false },
		{ "https://user@hooks.slack.example/", false },
		{ "https://HOOKS.slack.example/", false },
		{ "https:/hooks.slack.example/", false },
		{ "https://hooks.slack.example\\@evil.example/", false },
		{ "http://127.0.0.1:3002/x", false },
		{ "http://127.0.0.1/x", false },
		{ "https://127.0.0.1:3001/x", false },
		{ "http://169.254.169.254/latest/", false },
		{ "https://hooks.slack.com/x", false },	/* not listed here */
		{ "//hooks.slack.example/x", false }, { "", false },
		{ "file:///etc/passwd", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slack_reply *r = reply(rows[i].url);
		size_t before = fake->requests_count;
		static struct got g;

		g = (struct got){ 0 };
		ck_assert(slack_respond_ok(slack, rows[i].url) == rows[i].ok);
		fake_ok(fake, NULL, "ok");
		slack_respond(r, "{}", answered, &g);
		fake_run(fake, 10);
		fake_forget_answers(fake);
		ck_assert_int_eq(g.count, 1);
		ck_assert_int_eq(g.result, rows[i].ok ? BH_OK : BH_ENOENT);
		ck_assert_uint_eq(fake->requests_count - before, rows[i].ok);
	}
	/* Plain http is for loopback alone, whatever is listed. */
	free(slack->response_hosts[1]);
	slack->response_hosts[1] = bh_copy("http://intern.example");
	ck_assert(!slack_respond_ok(slack, "http://intern.example/x"));
	/* The secret is in no log. */
	ck_assert_ptr_null(strstr(fake->log, "/actions/"));
}
END_TEST

START_TEST(response_urls_are_spent)
{
	static struct got g;
	struct slack_reply *r = reply("https://hooks.slack.example/x");
	const struct fake_request *q;

	fake_ok(fake, NULL, "ok");
	for (int i = 0; i < 5; i++) {
		slack_respond(r, "{\"text\":\"x\"}", answered, &g);
		fake_run(fake, 10);
		ck_assert_int_eq(g.result, BH_OK);
	}
	q = fake_find(fake, "hooks", 0);
	ck_assert_str_eq(q->body, "{\"text\":\"x\"}");
	ck_assert_ptr_null(fake_header(q, "Authorization"));
	slack_respond(r, "{}", answered, &g);
	ck_assert_int_eq(g.result, BH_ENOENT);
	ck_assert_uint_eq(fake->requests_count, 5);
	/* Half an hour is all. */
	r = reply("https://hooks.slack.example/x");
	fake_run(fake, 1800000);
	ck_assert(!slack_can_respond(r));
}
END_TEST

START_TEST(response_urls_that_are_over)
{
	static const struct { int status; const char *body; int result; }
	    rows[] = {
		{ 404, "{\"ok\":false,\"error\":\"used_url\"}", BH_ENOENT },
		{ 404, "expired_url", BH_ENOENT },
		{ 200, "{\"ok\":false,\"error\":\"expired_url\"}", BH_ENOENT },
		{ 200, "{\"ok\":true}", BH_OK }, { 200, "ok", BH_OK },
		{ 200, "", BH_OK }, { 200, "<html>", BH_ENOENT },
		{ 500, "", BH_ENET }, { 429, "", BH_ELIMIT },
		{ 302, "", BH_ENOENT },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		static struct got g;
		struct slack_reply *r = reply("https://hooks.slack.example/x");

		fake_forget_answers(fake);
		fake_answer(fake, &(struct fake_answer){
		    .status = rows[i].status, .body = rows[i].body });
		slack_respond(r, "{}", answered, &g);
		fake_run(fake, 10);
		ck_assert_int_eq(g.result, rows[i].result);
		ck_assert(slack_can_respond(r) ==
		    (rows[i].result != BH_ENOENT));
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_request_has_a_token_and_a_body,
		a_refusal_is_told_with_its_word, a_missing_scope_is_named,
		server_errors, slacks_own_troubles, network_failures, rubbish,
		retry_after_stops_one_method, retry_after_stops_one_channel,
		a_limit_in_the_body, a_long_rest_is_the_callers, ranks,
		what_comes_too_late_is_not_sent,
		a_refused_token_is_left_alone, closing_answers_everybody,
		response_urls_are_pinned, response_urls_are_spent,
		response_urls_that_are_over, NULL };

	return run_suite_with("slack-api", tests, up);
}
