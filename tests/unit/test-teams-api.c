/* test-teams-api.c - the connector: lanes, the retry table, and its hosts.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-world.h"

#include "host/base/mem.h"

#define LOGIN	"oauth2/v2.0/token"
#define PATH	"v3/conversations/19%3Ax/activities"
#define MINUTE	(60 * 1000)

static struct teams_world w;

static struct {
	int result, status;
	bool sent;
	char code[200], id[100];
} got[64];
static size_t got_count;

static void
logins(void)
{
	fake_ok(w.fake, LOGIN, "{\"access_token\":\"one\","
	    "\"expires_in\":3599}");
}

static void
up(void)
{
	got_count = 0;
	world_new(&w, NULL);
	world_open(&w);
	logins();
}

static void
down(void)
{
	world_free(&w);
}

static void
take(void *arg, const struct teams_answer *answer)
{
	const char *id = bh_get_text(answer->body, "id");

	(void)arg;
	ck_assert_uint_lt(got_count, 64);
	got[got_count].result = answer->result;
	got[got_count].status = answer->status;
	got[got_count].sent = answer->sent;
	snprintf(got[got_count].code, sizeof(got[0].code), "%s",
	    answer->code != NULL ? answer->code : "");
	snprintf(got[got_count++].id, sizeof(got[0].id), "%s",
	    id != NULL ? id : "");
}

static void
ask(const char *method, bool once)
{
	struct teams_ask ask = { .method = method, .service_url = SERVICE,
	    .path = PATH, .conversation = "19:x", .rank = TEAMS_CARD,
	    .json = "{\"type\":\"message\"}", .once = once };

	if (strcmp(method, "GET") == 0)
		ask.json = NULL;
	teams_api(w.teams, &ask, take, NULL);
}

/* The next `times` answers are this one, then all is well. */
static void
first(int status, const char *body, const char *retry, int times)
{
	fake_forget_answers(w.fake);
	logins();
	fake_answer(w.fake, &(struct fake_answer){ .match = PATH,
	    .status = status, .body = body, .times = times,
	    .headers = { retry != NULL ? "retry-after" : NULL, retry } });
	fake_ok(w.fake, PATH, "{\"id\":\"17\"}");
}

static size_t
asked(void)
{
	return fake_count(w.fake, PATH);
}

START_TEST(posts_with_a_token)
{
	const struct fake_request *r;

	first(201, "{\"id\":\"17\"}", NULL, 0);
	ask("POST", true);
	fake_run(w.fake, 10);
	ck_assert_uint_eq(got_count, 1);
	ck_assert_int_eq(got[0].result, BH_OK);
	ck_assert_str_eq(got[0].id, "17");
	r = fake_find(w.fake, PATH, 0);
	ck_assert_str_eq(r->url, SERVICE PATH);
	ck_assert_str_eq(r->method, "POST");
	ck_assert_str_eq(r->body, "{\"type\":\"message\"}");
	ck_assert_ptr_nonnull(strstr(r->headers,
	    "Authorization: Bearer one\n"));
	ck_assert_ptr_nonnull(strstr(r->headers, "Content-Type: "
	    "application/json; charset=utf-8\n"));
	ck_assert_ptr_null(strstr(w.fake->log, "one"));
}
END_TEST

START_TEST(ids_are_encoded)
{
	struct bh_buf path = BH_BUF(1000);

	teams_api_path(&path, "19:a/b@thread.tacv2;messageid=1?x#y",
	    "activities", "1/../2");
	ck_assert_str_eq(bh_buf_text(&path), "v3/conversations/"
	    "19%3Aa%2Fb%40thread.tacv2%3Bmessageid%3D1%3Fx%23y/activities/"
	    "1%2F..%2F2");
	bh_buf_release(&path);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Lanes                                                               */

START_TEST(one_writer_at_once)
{
	fake_answer(w.fake, &(struct fake_answer){ .match = PATH,
	    .body = "{}", .delay = 300 });
	for (int i = 0; i < 3; i++)
		ask("POST", true);
	fake_run(w.fake, 10);
	ck_assert_uint_eq(asked(), 1);
	fake_run(w.fake, 300);
	ck_assert_uint_eq(asked(), 2);
	fake_run(w.fake, 1000);
	ck_assert_uint_eq(asked(), 3);
	ck_assert_uint_eq(got_count, 3);
}
END_TEST

START_TEST(lanes_by_conversation)
{
	struct teams_ask thread = { .method = "PUT", .service_url = SERVICE,
	    .path = PATH, .conversation = "19:x;messageid=7", .json = "{}",
	    .rank = TEAMS_APPROVAL };
	const struct fake_turn *turns = w.fake->turns;

	ask("POST", true);
	teams_api(w.teams, &thread, take, NULL);
	ask("GET", false);
	fake_run(w.fake, 0);
	ck_assert_str_eq(turns[0].lane, "write 19:x");
	ck_assert_str_eq(turns[0].limits,
	    "1 at once, 7/2s, 60/30s, 1800/1h");
	ck_assert_int_eq(turns[0].rank, TEAMS_CARD);
	/* A thread counts with its channel. */
	ck_assert_str_eq(turns[1].lane, "write 19:x");
	ck_assert_int_eq(turns[1].rank, TEAMS_APPROVAL);
	ck_assert_str_eq(turns[2].lane, "read 19:x");
	ck_assert_str_eq(turns[2].limits, "14/1s, 16/2s, 120/30s, 3600/1h");
	/* And everything with the app. */
	ck_assert_str_eq(turns[3].lane, "app");
	ck_assert_str_eq(turns[3].limits, "30/1s");
}
END_TEST

/* ------------------------------------------------------------------ */
/* The retry table                                                     */

START_TEST(tried_again)
{
	static const struct { int status; bool once; } cases[] = {
		{ 412, true }, { 412, false }, { 429, true }, { 429, false },
		{ 503, true }, { 503, false }, { 502, false }, { 504, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t before = asked();

		first(cases[i].status, "", NULL, 2);
		ask(cases[i].once ? "POST" : "PUT", cases[i].once);
		fake_run(w.fake, MINUTE);
		ck_assert_int_eq(got[i].result, BH_OK);
		ck_assert_uint_eq(asked() - before, 3);
	}
}
END_TEST

/* A post that may have been taken is not made a second time. */
START_TEST(not_posted_twice)
{
	static const struct { int status, result; } cases[] = {
		{ 500, BH_ENET }, { 502, BH_ENET }, { 504, BH_ENET },
		{ 408, BH_ENET },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t before = asked();

		first(cases[i].status, "", NULL, 0);
		ask("POST", true);
		fake_run(w.fake, MINUTE);
		ck_assert_int_eq(got[i].result, cases[i].result);
		ck_assert(got[i].sent);
		ck_assert_uint_eq(asked() - before, 1);
	}
	/* The answer was lost on the way. */
	fake_forget_answers(w.fake);
	logins();
	fake_answer(w.fake, &(struct fake_answer){ .match = PATH,
	    .result = BH_ETIMEOUT });
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[4].result, BH_ETIMEOUT);
	ck_assert(got[4].sent);
	ck_assert_uint_eq(asked(), 5);
	/* An edit does no harm. */
	ask("PUT", false);
	fake_run(w.fake, 5 * MINUTE);
	ck_assert_int_eq(got[5].result, BH_ETIMEOUT);
	ck_assert_uint_eq(asked(), 11);
}
END_TEST

START_TEST(unsent_is_tried_again)
{
	fake_answer(w.fake, &(struct fake_answer){ .match = PATH,
	    .result = BH_ENET, .unsent = true, .times = 3 });
	fake_ok(w.fake, PATH, "{\"id\":\"17\"}");
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[0].result, BH_OK);
	ck_assert_uint_eq(asked(), 4);
}
END_TEST

START_TEST(final)
{
	static const struct { int status, result; const char *code; } all[] = {
		{ 400, BH_EINVAL, "BadArgument" },
		{ 403, BH_EPERM, "BotDisabledByAdmin" },
		{ 403, BH_EPERM, "BotNotInConversationRoster" },
		{ 403, BH_EPERM, "ConversationBlockedByUser" },
		{ 403, BH_EPERM, "NotEnoughPermissions" },
		{ 403, BH_EPERM, "MessageWritesBlocked" },
		{ 404, BH_ENOENT, "ActivityNotFoundInConversation" },
		{ 404, BH_ENOENT, "ConversationNotFound" },
		{ 405, BH_EINVAL, "" }, { 410, BH_ENOENT, "" },
		{ 413, BH_EINVAL, "MessageSizeTooBig" },
		{ 500, BH_ENET, "ServiceError" },
		{ 301, BH_ENET, "" }, { 302, BH_ENET, "" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		BH_AUTO_FREE char *body = xasprintf("{\"error\":{\"code\":"
		    "\"%s\",\"message\":\"m\"}}", all[i].code);
		size_t before = asked();

		first(all[i].status, *all[i].code != '\0' ? body : "", NULL,
		    0);
		ask("PUT", false);
		fake_run(w.fake, MINUTE);
		ck_assert_int_eq(got[i].result, all[i].result);
		ck_assert_int_eq(got[i].status, all[i].status);
		if (*all[i].code != '\0')
			ck_assert_str_eq(got[i].code, all[i].code);
		else
			ck_assert_ptr_nonnull(strstr(got[i].code,
			    "HTTP status"));
		ck_assert_uint_eq(asked() - before, 1);
	}
}
END_TEST

START_TEST(given_up_in_the_end)
{
	static const struct { int status, result; } cases[] = {
		{ 412, BH_EBUSY }, { 429, BH_ELIMIT }, { 503, BH_EBUSY } };

	for (size_t i = 0; i < 3; i++) {
		size_t before = asked();
		int64_t began = w.fake->now;

		first(cases[i].status, "", NULL, 0);
		ask("POST", true);
		while (got_count == i)
			fake_run(w.fake, 100);
		ck_assert_int_eq(got[i].result, cases[i].result);
		ck_assert_uint_eq(asked() - before, 6);
		/* Slower and slower: 0.5, 1, 2, 4, 8 s, give or take. */
		ck_assert_int_ge(w.fake->now - began, 7000);
		ck_assert_int_le(w.fake->now - began, 24000);
	}
}
END_TEST

START_TEST(back_off_has_jitter)
{
	int64_t spans[8];

	for (size_t i = 0; i < 8; i++) {
		size_t before = asked();

		first(503, "", NULL, 1);
		ask("PUT", false);
		fake_run(w.fake, MINUTE);
		spans[i] = fake_find(w.fake, PATH, before + 1)->at -
		    fake_find(w.fake, PATH, before)->at;
		ck_assert_int_ge(spans[i], 250);
		ck_assert_int_le(spans[i], 750);
		if (i > 0 && spans[i] != spans[0])
			return;
	}
	ck_abort_msg("eight times the same");
}
END_TEST

START_TEST(retry_after_is_kept)
{
	first(429, "", "7", 1);
	ask("POST", true);
	/* Nothing overtakes it. */
	ask("POST", true);
	fake_run(w.fake, 6990);
	ck_assert_uint_eq(asked(), 1);
	fake_run(w.fake, 20);
	ck_assert_uint_ge(asked(), 2);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[0].result, BH_OK);
	ck_assert_int_eq(got[1].result, BH_OK);
}
END_TEST

/* So long a time is for whoever asked to wait; others of this conversation
 * wait too. */
START_TEST(a_long_retry_after_pauses_the_lane)
{
	first(429, "", "300", 1);
	ask("POST", true);
	fake_run(w.fake, 100);
	ck_assert_int_eq(got[0].result, BH_ELIMIT);
	ask("POST", true);
	fake_run(w.fake, 299 * 1000);
	ck_assert_uint_eq(asked(), 1);
	fake_run(w.fake, 2 * 1000);
	ck_assert_uint_eq(asked(), 2);
	ck_assert_int_eq(got[1].result, BH_OK);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Tokens and hosts                                                    */

START_TEST(one_new_token_on_401)
{
	fake_answer(w.fake, &(struct fake_answer){ .match = PATH,
	    .body = "{}", .times = 1 });
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	fake_forget_answers(w.fake);
	fake_ok(w.fake, LOGIN, "{\"access_token\":\"two\","
	    "\"expires_in\":3599}");
	fake_answer(w.fake, &(struct fake_answer){ .match = PATH,
	    .status = 401, .body = "{}", .times = 1 });
	fake_ok(w.fake, PATH, "{\"id\":\"17\"}");
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[1].result, BH_OK);
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 2);
	ck_assert_ptr_nonnull(strstr(fake_find(w.fake, PATH, 1)->headers,
	    "Bearer one"));
	ck_assert_ptr_nonnull(strstr(fake_find(w.fake, PATH, 2)->headers,
	    "Bearer two"));
}
END_TEST

START_TEST(a_second_401_is_final)
{
	first(401, "{\"error\":{\"code\":\"BotNotRegistered\"}}", NULL, 0);
	for (int i = 0; i < 5; i++)
		ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_uint_eq(got_count, 5);
	ck_assert_int_eq(got[4].result, BH_EPERM);
	ck_assert_uint_eq(asked(), 10);
	/* The token is new, so it is not that: no storm of log-ins. */
	ck_assert_uint_eq(fake_count(w.fake, LOGIN), 1);
}
END_TEST

START_TEST(a_bad_token_may_be_mended)
{
	first(401, "{\"error\":{\"code\":\"Unauthorized\"}}", NULL, 0);
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[0].result, BH_EBUSY);
}
END_TEST

START_TEST(no_token_no_message)
{
	fake_forget_answers(w.fake);
	fake_answer(w.fake, &(struct fake_answer){ .match = LOGIN,
	    .status = 401, .body = "{\"error_codes\":[7000222]}" });
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[0].result, BH_ENET);
	ck_assert(!got[0].sent);
	ck_assert_uint_eq(asked(), 0);
	ck_assert_int_eq(w.fake->health, BH_DOWN);
}
END_TEST

START_TEST(the_token_goes_to_listed_hosts_alone)
{
	static const char *const urls[] = { "https://evil.example/",
	    "http://smba.trafficmanager.net/", "https://169.254.169.254/",
	    "https://smba.trafficmanager.net@evil.example/",
	    "https://smba.trafficmanager.net.evil.example/" };
	struct teams_ask bad = { .method = "POST", .path = PATH,
	    .conversation = "19:x", .json = "{}" };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		bad.service_url = urls[i];
		teams_api(w.teams, &bad, take, NULL);
		fake_run(w.fake, MINUTE);
		ck_assert_int_eq(got[i].result, BH_EPERM);
	}
	ck_assert_uint_eq(w.fake->requests_count, 0);
}
END_TEST

START_TEST(over_28_kb_is_refused)
{
	struct bh_buf json = BH_BUF(1u << 20);
	struct teams_ask big = { .method = "POST", .service_url = SERVICE,
	    .path = PATH, .conversation = "19:x" };

	/* In UTF-16: 14,336 letters, or half as many of these. */
	for (int i = 0; i < 7169; i++)
		bh_buf_puts(&json, "😀");
	big.json = bh_buf_text(&json);
	teams_api(w.teams, &big, take, NULL);
	ck_assert_int_eq(got[0].result, BH_EINVAL);
	fake_run(w.fake, MINUTE);
	ck_assert_uint_eq(w.fake->requests_count, 0);
	bh_buf_release(&json);
}
END_TEST

static void
open_gcc(const char *lists)
{
	world_free(&w);
	world_new(&w, lists);
	world_open(&w);
	got_count = 0;
	logins();
	fake_answer(w.fake, &(struct fake_answer){
	    .match = "smba.trafficmanager.net", .status = 403,
	    .body = "{\"error\":{\"code\":\"InvalidBotApiHost\"}}" });
	fake_ok(w.fake, "smba.infra.gcc.teams.microsoft.com",
	    "{\"id\":\"17\"}");
}

START_TEST(gcc_has_its_own_host)
{
	open_gcc(NULL);
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[0].result, BH_OK);
	ck_assert_str_eq(fake_find(w.fake, PATH, 1)->url,
	    "https://smba.infra.gcc.teams.microsoft.com/teams/" PATH);
	/* And it is remembered. */
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[1].result, BH_OK);
	ck_assert_uint_eq(asked(), 3);
}
END_TEST

START_TEST(gcc_only_if_it_is_listed)
{
	open_gcc("{\"service-hosts\":[\"smba.trafficmanager.net\"]}");
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[0].result, BH_EPERM);
	ck_assert_str_eq(got[0].code, "InvalidBotApiHost");
	ck_assert_uint_eq(asked(), 1);
}
END_TEST

START_TEST(graph_has_its_own_token)
{
	struct teams_ask graph = { .method = "GET", .graph = true,
	    .path = "v1.0/users/x" };

	fake_ok(w.fake, "https://graph.microsoft.com/v1.0/users/x",
	    "{\"id\":\"x\"}");
	teams_api(w.teams, &graph, take, NULL);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(got[0].result, BH_OK);
	ck_assert_ptr_nonnull(strstr(fake_find(w.fake, LOGIN, 0)->body,
	    "graph.microsoft.com%2F.default"));
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(strain_shows)
{
	first(500, "", NULL, 3);
	for (int i = 0; i < 2; i++)
		ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(w.fake->health, BH_UP);
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(w.fake->health, BH_DEGRADED);
	ck_assert_ptr_nonnull(strstr(w.fake->health_text,
	    "the connector fails: HTTP status 500"));
	ask("POST", true);
	fake_run(w.fake, MINUTE);
	ck_assert_int_eq(w.fake->health, BH_UP);
}
END_TEST

START_TEST(closing_answers_all)
{
	fake_answer(w.fake, &(struct fake_answer){ .match = PATH,
	    .body = "{}", .delay = 5000 });
	for (int i = 0; i < 4; i++)
		ask("POST", true);
	fake_run(w.fake, 10);
	bellhop_plugin.close(w.teams);
	w.teams = NULL;
	ck_assert_uint_eq(got_count, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(got[i].result, BH_ECANCELLED);
	fake_run(w.fake, 10000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("teams-api");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, up, down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, posts_with_a_token);
	tcase_add_test(tc, ids_are_encoded);
	tcase_add_test(tc, one_writer_at_once);
	tcase_add_test(tc, lanes_by_conversation);
	tcase_add_test(tc, tried_again);
	tcase_add_test(tc, not_posted_twice);
	tcase_add_test(tc, unsent_is_tried_again);
	tcase_add_test(tc, final);
	tcase_add_test(tc, given_up_in_the_end);
	tcase_add_test(tc, back_off_has_jitter);
	tcase_add_test(tc, retry_after_is_kept);
	tcase_add_test(tc, a_long_retry_after_pauses_the_lane);
	tcase_add_test(tc, one_new_token_on_401);
	tcase_add_test(tc, a_second_401_is_final);
	tcase_add_test(tc, a_bad_token_may_be_mended);
	tcase_add_test(tc, no_token_no_message);
	tcase_add_test(tc, the_token_goes_to_listed_hosts_alone);
	tcase_add_test(tc, over_28_kb_is_refused);
	tcase_add_test(tc, gcc_has_its_own_host);
	tcase_add_test(tc, gcc_only_if_it_is_listed);
	tcase_add_test(tc, graph_has_its_own_token);
	tcase_add_test(tc, strain_shows);
	tcase_add_test(tc, closing_answers_all);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
