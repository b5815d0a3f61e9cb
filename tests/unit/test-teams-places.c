/* test-teams-places.c - what is known of conversations, and for how long.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/mem.h"
#include "tests/unit/teams-world.h"

#define ADA	"ada00000-0000-4000-8000-000000000001"
#define EMEA	"https://smba.trafficmanager.net/emea/"

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

/* Learns from an activity as if it had been verified. */
static const struct teams_place *
see(const char *more)
{
	BH_AUTO_FREE char *text = world_activity(more);
	struct bh_value *a = bh_json(&w.fake->host, text, strlen(text), NULL);
	const struct teams_place *p;

	ck_assert_msg(a != NULL, "%s", text);
	p = teams_place_see(w.teams, a);
	bh_json_free(&w.fake->host, a);
	fake_run(w.fake, 5);
	return p;
}

static size_t
written(void)
{
	return fake_sql_count(w.fake, "INSERT INTO teams_place");
}

START_TEST(learnt)
{
	const struct teams_place *p;

	world_open(&w);
	p = see("");
	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->conversation, "a:ada");
	ck_assert_str_eq(p->service_url, SERVICE);
	ck_assert_str_eq(p->tenant, TENANT);
	ck_assert_str_eq(p->type, "personal");
	ck_assert_str_eq(p->user, ADA);
	ck_assert_str_eq(p->from_id, "29:ada");
	ck_assert(p->installed);
	ck_assert_uint_eq(written(), 1);
	ck_assert_uint_eq(fake_sql_count(w.fake, "main|a:ada|" SERVICE "|"
	    TENANT "|personal|NULL|NULL|NULL|" ADA "|29:ada|1|"), 1);
	/* Nothing new, nothing written. */
	for (int i = 0; i < 100; i++)
		see("");
	ck_assert_uint_eq(written(), 1);
	/* Where answers go changes sometimes: the newest counts. */
	ck_assert_ptr_eq(see("\"serviceUrl2\":1,"), p);
	BH_AUTO_FREE char *text = world_activity("");
	struct bh_value *a;

	memcpy(strstr(text, "/teams/"), "/emeas/", 7);
	a = bh_json(&w.fake->host, text, strlen(text), NULL);
	ck_assert_ptr_eq(teams_place_see(w.teams, a), p);
	bh_json_free(&w.fake->host, a);
	ck_assert_str_eq(p->service_url,
	    "https://smba.trafficmanager.net/emeas/");
	ck_assert_uint_eq(written(), 2);
}
END_TEST

START_TEST(found)
{
	const struct teams_place *p, *bob;

	world_open(&w);
	p = see("\"conversation\":{\"id\":\"19:x@thread.tacv2;messageid=5\","
	    "\"conversationType\":\"channel\",\"tenantId\":\"" TENANT "\"},");
	ck_assert_str_eq(p->conversation, "19:x@thread.tacv2");
	ck_assert_ptr_null(p->user);
	ck_assert_ptr_eq(teams_place_find(w.teams, "19:x@thread.tacv2"), p);
	ck_assert_ptr_eq(teams_place_find(w.teams,
	    "19:x@thread.tacv2;messageid=77"), p);
	ck_assert_ptr_null(teams_place_find(w.teams, "19:x@thread.tacv"));
	ck_assert_ptr_null(teams_place_find(w.teams, "19:x@thread.tacv2x"));
	ck_assert_ptr_null(teams_place_find(w.teams, ""));
	ck_assert_ptr_null(teams_place_of_user(w.teams, ADA));
	bob = see("\"from\":{\"id\":\"29:bob\",\"aadObjectId\":\"BOB\"},"
	    "\"conversation\":{\"id\":\"a:bob\",\"tenantId\":\"t\"},");
	ck_assert_ptr_eq(teams_place_of_user(w.teams, "bob"), bob);
	/* He speaks elsewhere later: that is where he is. */
	fake_run(w.fake, 1000);
	p = see("\"from\":{\"id\":\"29:bob\",\"aadObjectId\":\"bob\"},"
	    "\"conversation\":{\"id\":\"a:bob2\",\"tenantId\":\"t\"},");
	ck_assert_ptr_eq(teams_place_of_user(w.teams, "bob"), p);
	/* But not where the app is no more. */
	teams_place_gone(w.teams, "a:bob2");
	ck_assert_ptr_eq(teams_place_of_user(w.teams, "bob"), bob);
	teams_place_gone(w.teams, "a:bob");
	ck_assert_ptr_eq(teams_place_of_user(w.teams, "bob"), p);
	ck_assert(!p->installed);
	teams_place_gone(w.teams, "a:nobody");
}
END_TEST

START_TEST(kinds_of_conversations)
{
	static const struct { const char *more, *type; } rows[] = {
		{ "\"conversation\":{\"id\":\"1\"},", "personal" },
		{ "\"conversation\":{\"id\":\"2\",\"isGroup\":true},",
		    "groupChat" },
		{ "\"conversation\":{\"id\":\"3\"},\"channelData\":"
		    "{\"channel\":{\"id\":\"3\"}},", "channel" },
		{ "\"conversation\":{\"id\":\"4\",\"conversationType\":"
		    "\"groupChat\"},", "groupChat" },
		{ "\"conversation\":{\"id\":\"5\",\"conversationType\":"
		    "\"\",\"isGroup\":true},", "groupChat" },
		{ "\"conversation\":{\"id\":\"6\",\"conversationType\":"
		    "\"Personal\"},", "personal" },
		{ "\"conversation\":{\"id\":\"7\",\"conversationType\":"
		    "7},", "personal" },
	};

	world_open(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct teams_place *p = see(rows[i].more);

		ck_assert_str_eq(p->type, rows[i].type);
		ck_assert_int_eq(p->user != NULL,
		    strcmp(p->type, "personal") == 0);
	}
}
END_TEST

#define BARE(id) "\"conversation\":{\"id\":\"" id "\"},"

/* Where it is not said, nothing that is meant for one person leads to a room. */
START_TEST(kinds_that_are_not_said)
{
	static const struct { const char *more, *type; } rows[] = {
		{ BARE("19:a@thread.tacv2;messageid=1"), "channel" },
		{ BARE("19:b@thread.skype"), "channel" },
		{ BARE("19:c@thread.v2"), "groupChat" },
		{ BARE("19:meeting_x@thread.v2"), "groupChat" },
		{ BARE("19:d_e@unq.gbl.spaces"), "personal" },
		{ BARE("a:1"), "personal" },
	};
	const struct teams_place *p;

	world_open(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_str_eq(see(rows[i].more)->type, rows[i].type);
	/* What is known stays. */
	p = see("\"conversation\":{\"id\":\"x:ch\",\"conversationType\":"
	    "\"channel\"},\"from\":{\"id\":\"29:bob\",\"aadObjectId\":"
	    "\"bob\"},");
	see("\"conversation\":{\"id\":\"x:ch\"},\"from\":{\"id\":\"29:bob\","
	    "\"aadObjectId\":\"bob\"},");
	see("\"conversation\":{\"id\":\"x:ch\",\"isGroup\":true},\"from\":"
	    "{\"id\":\"29:bob\",\"aadObjectId\":\"bob\"},");
	ck_assert_str_eq(p->type, "channel");
	ck_assert_ptr_null(p->user);
	ck_assert_ptr_null(teams_place_of_user(w.teams, "bob"));
	/* What was guessed wrongly is mended. */
	p = see("\"from\":{\"id\":\"29:eve\",\"aadObjectId\":\"eve\"},"
	    BARE("x:group"));
	ck_assert_ptr_eq(teams_place_of_user(w.teams, "eve"), p);
	see("\"from\":{\"id\":\"29:eve\",\"aadObjectId\":\"eve\"},"
	    "\"conversation\":{\"id\":\"x:group\",\"isGroup\":true},");
	ck_assert_str_eq(p->type, "groupChat");
	ck_assert_ptr_null(teams_place_of_user(w.teams, "eve"));
	ck_assert_ptr_null(p->user);
}
END_TEST

#define TEAM(id, name) "\"conversation\":{\"id\":\"19:" id "\"," \
	"\"conversationType\":\"channel\"},\"channelData\":{\"team\":" \
	"{\"id\":\"19:team-" name "\",\"name\":\"" name "\"},\"channel\":" \
	"{\"id\":\"19:" id "\",\"name\":\"General\"}},"

START_TEST(names)
{
	const struct teams_place *pay, *ops;

	world_open(&w);
	pay = see(TEAM("a", "Payments"));
	ops = see(TEAM("b", "Ops"));
	ck_assert_ptr_eq(teams_place_named(w.teams, "Payments/General"), pay);
	ck_assert_ptr_eq(teams_place_named(w.teams, "#Ops/General"), ops);
	ck_assert_ptr_null(teams_place_named(w.teams, "Ops/Generals"));
	ck_assert_ptr_null(teams_place_named(w.teams, "ops/General"));
	ck_assert_ptr_null(teams_place_named(w.teams, "Ops"));
	ck_assert_ptr_null(teams_place_named(w.teams, ""));
	/* A channel is renamed, then the team; both are told elsewhere. */
	see("\"type\":\"conversationUpdate\",\"conversation\":{\"id\":"
	    "\"19:b\"},\"channelData\":{\"eventType\":\"channelRenamed\","
	    "\"channel\":{\"id\":\"19:a\",\"name\":\"Alarms\"}},");
	ck_assert_ptr_eq(teams_place_named(w.teams, "Payments/Alarms"), pay);
	see("\"type\":\"conversationUpdate\",\"conversation\":{\"id\":"
	    "\"19:b\"},\"channelData\":{\"eventType\":\"teamRenamed\",\"team\":"
	    "{\"id\":\"19:team-Payments\",\"name\":\"Money\"}},");
	ck_assert_ptr_eq(teams_place_named(w.teams, "Money/Alarms"), pay);
	/* Looked up. */
	teams_place_name(w.teams, "19:b;messageid=1", "Operations", NULL);
	ck_assert_ptr_eq(teams_place_named(w.teams, "Operations/General"), ops);
	teams_place_name(w.teams, "19:nobody", "x", "y");
	ck_assert_ptr_null(teams_place_named(w.teams, "x/y"));
	/* Somebody calls a team like another: neither is meant. */
	see(TEAM("c", "Operations"));
	ck_assert_ptr_null(teams_place_named(w.teams, "Operations/General"));
}
END_TEST

/* A team's name with a slash could be read in two ways; so it is. */
START_TEST(names_with_slashes)
{
	world_open(&w);
	see(TEAM("a", "A/B"));
	see("\"conversation\":{\"id\":\"19:b\"},\"channelData\":{\"team\":"
	    "{\"id\":\"t\",\"name\":\"A\"},\"channel\":{\"id\":\"19:b\","
	    "\"name\":\"B/General\"}},");
	ck_assert_ptr_null(teams_place_named(w.teams, "A/B/General"));
}
END_TEST

START_TEST(nothing_to_learn)
{
	static const char *const rows[] = {
		"\"conversation\":null,", "\"conversation\":{},",
		"\"conversation\":{\"id\":1},", "\"conversation\":[],",
		"\"conversation\":{\"id\":\"\"},",
		"\"conversation\":{\"id\":\";messageid=7\"},",
	};
	struct bh_buf text = BH_BUF(2000);

	world_open(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(see(rows[i]) == NULL, "%s", rows[i]);
	bh_buf_puts(&text, "\"conversation\":{\"id\":\"");
	for (int i = 0; i < 600; i++)
		bh_buf_puts(&text, "x");
	bh_buf_puts(&text, "\"},");
	ck_assert_ptr_null(see(text.data));
	bh_buf_release(&text);
	/* The door lets no such URL pass; neither do we. */
	BH_AUTO_FREE char *bad = world_activity("");
	struct bh_value *a;

	memcpy(strstr(bad, "\"serviceUrl\":\"") + 14, "\",\"x\":\"", 7);
	a = bh_json(&w.fake->host, bad, strlen(bad), NULL);
	ck_assert_str_eq(bh_get_text(a, "serviceUrl"), "");
	ck_assert_ptr_null(teams_place_see(w.teams, a));
	bh_json_free(&w.fake->host, a);
	ck_assert_uint_eq(written(), 0);
}
END_TEST

START_TEST(opened_by_us)
{
	const struct teams_place *p;

	world_open(&w);
	teams_place_add(w.teams, "a:new", EMEA, TENANT, "bob", "29:bob");
	p = teams_place_of_user(w.teams, "bob");
	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->conversation, "a:new");
	ck_assert_str_eq(p->service_url, EMEA);
	ck_assert_str_eq(p->type, "personal");
	ck_assert_uint_eq(written(), 1);
	/* Again for another: the same place, found by the new one only. */
	teams_place_add(w.teams, "a:new", EMEA, TENANT, "eve", "29:eve");
	ck_assert_ptr_null(teams_place_of_user(w.teams, "bob"));
	ck_assert_ptr_eq(teams_place_of_user(w.teams, "eve"), p);
}
END_TEST

#define ROW(id, url, user, installed) id, url, "t", "personal", NULL, NULL, \
	NULL, user, "29:x", installed, "1767000000000"

/* Which of somebody's chats was heard last is so after a restart, too. */
START_TEST(order_is_stored)
{
	static const char one[] = "\"conversation\":{\"id\":\"a:1\","
	    "\"tenantId\":\"t\"},", two[] = "\"conversation\":{\"id\":"
	    "\"a:2\",\"tenantId\":\"t\"},";
	const char *last;

	world_open(&w);
	see(one);
	see(two);
	ck_assert_uint_eq(written(), 2);
	/* The same again is no news; the other is. */
	see(two);
	see(two);
	ck_assert_uint_eq(written(), 2);
	w.fake->now++;
	see(one);
	see(one);
	ck_assert_uint_eq(written(), 3);
	last = w.fake->sql[w.fake->sql_count - 1].params;
	ck_assert_ptr_nonnull(strstr(last, "|a:1|"));
	ck_assert_str_eq(teams_place_of_user(w.teams, ADA)->conversation,
	    "a:1");
	/* One in a millisecond with another comes after it all the same. */
	ck_assert_int_gt(teams_place_find(w.teams, "a:1")->seen,
	    teams_place_find(w.teams, "a:2")->seen);
	/* So that what is loaded is what was heard lately. */
	fake_run(w.fake, INT64_C(3600) * 1000);
	see(one);
	ck_assert_uint_eq(written(), 4);
}
END_TEST

START_TEST(order_is_loaded)
{
	static const char *const cells[] = {
		"a:1", EMEA, "t", "personal", NULL, NULL, NULL, "ada", "29:x",
		    "1", "1767000002000",
		"a:2", SERVICE, "t", "personal", NULL, NULL, NULL, "ada",
		    "29:x", "1", "1767000001000",
	};

	fake_rows(w.fake, "FROM teams_place", 11, 2, cells);
	world_open(&w);
	ck_assert_str_eq(teams_place_of_user(w.teams, "ada")->conversation,
	    "a:1");
}
END_TEST

START_TEST(after_a_restart)
{
	static const char *const cells[] = {
		ROW("a:1", EMEA, "ada", "1"),
		ROW("a:2", "https://evil.example/", "bob", "1"),
		ROW("a:3", SERVICE, "eve", "0"),
	};
	const struct teams_place *p;

	fake_rows(w.fake, "FROM teams_place", 11, 3, cells);
	world_open(&w);
	p = teams_place_of_user(w.teams, "ada");
	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->service_url, EMEA);
	ck_assert_str_eq(p->from_id, "29:x");
	ck_assert(p->installed);
	ck_assert_int_eq((int)(p->seen / 1000), 1767000000);
	/* The list of hosts is today's. */
	ck_assert_ptr_null(teams_place_of_user(w.teams, "bob"));
	ck_assert(!teams_place_of_user(w.teams, "eve")->installed);
	ck_assert_uint_eq(written(), 0);
}
END_TEST

/* Where to answer is known all the same, but that should be said. */
START_TEST(disk_is_full)
{
	world_open(&w);
	w.fake->commit_result = BH_EFULL;
	ck_assert_ptr_nonnull(see(""));
	ck_assert_ptr_nonnull(strstr(w.fake->log, "could not be written down"));
	ck_assert_ptr_nonnull(teams_place_of_user(w.teams, ADA));
	/* It is written down when there is room again, news or not. */
	w.fake->commit_result = BH_OK;
	fake_run(w.fake, 1000);
	see("");
	ck_assert_uint_eq(written(), 2);
	see("");
	ck_assert_uint_eq(written(), 2);
}
END_TEST

/* The oldest go; memory is bounded whatever people found. */
START_TEST(too_many)
{
	struct bh_buf more = BH_BUF(1000);
	const struct teams_place *first;
	size_t n = 0;

	world_open(&w);
	/* A room where nobody has spoken for long, but cards are awaited. */
	see(TEAM("a", "Payments"));
	for (int i = 0; i < 20002; i++) {
		BH_AUTO_FREE char *id = xasprintf("a:%d", i);
		BH_AUTO_FREE char *user = xasprintf("u-%d", i);

		w.fake->now++;
		teams_place_add(w.teams, id, SERVICE, TENANT, user, "29:x");
		/* What is written down is not what is looked at here. */
		for (size_t k = 0; k < w.fake->sql_count; k++) {
			free(w.fake->sql[k].sql);
			free(w.fake->sql[k].params);
		}
		w.fake->sql_count = 0;
		if (i % 1000 == 0)
			fake_run(w.fake, 5);
	}
	first = teams_place_find(w.teams, "a:0");
	ck_assert_ptr_null(first);
	ck_assert_ptr_null(teams_place_of_user(w.teams, "u-2"));
	ck_assert_ptr_nonnull(teams_place_of_user(w.teams, "u-3"));
	ck_assert_ptr_nonnull(teams_place_named(w.teams, "Payments/General"));
	for (const struct teams_place *p = NULL;
	    (p = teams_place_next(w.teams, p)) != NULL;)
		n++;
	ck_assert_uint_eq(n, 20000);
	bh_buf_release(&more);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		learnt, found, kinds_of_conversations,
		kinds_that_are_not_said, names,
		names_with_slashes, nothing_to_learn, opened_by_us,
		order_is_stored, order_is_loaded, after_a_restart, disk_is_full, too_many,
	};
	Suite *s = suite_create("teams-places");
	TCase *tc = tcase_create("places");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, up, down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
