/* test-teams-person.c - where people were heard, over restarts too.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/mem.h"
#include "tests/unit/teams-world.h"

#define ADA	"ada00000-0000-4000-8000-000000000001"
#define GRACE	"11111111-2222-4333-8444-555555555555"
#define PARTNER	"c6fbc78f-388e-43f2-828e-cb2fcec07207"
#define NOBODYS	"99999999-388e-43f2-828e-cb2fcec07207"
#define EMEA	"https://smba.trafficmanager.net/emea/"
#define LISTS	"{\"tenants\":[\"" TENANT "\",\"" PARTNER "\"]," \
		"\"service-hosts\":[\"smba.trafficmanager.net\"]," \
		"\"commands\":[]}"
#define CHANNEL(thread, tenant) "\"conversation\":{\"id\":" \
		"\"19:ch@thread.tacv2;messageid=" thread "\"," \
		"\"conversationType\":\"channel\",\"tenantId\":\"" tenant \
		"\"},\"text\":\"hi\","
#define DM	"\"text\":\"hi\","

static struct teams_world w;

static void
up(void)
{
	world_new(&w, LISTS);
}

static void
down(void)
{
	world_free(&w);
}

static void
start(void)
{
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
}

static size_t
written(void)
{
	return fake_sql_count(w.fake, "INSERT INTO teams_person");
}

static void
sent(void *arg, int result, const char *message)
{
	(void)arg;
	(void)message;
	ck_assert_int_eq(result, BH_OK);
}

/* What becomes of a message to Grace, with whom there is no chat yet: the
 * question for one. */
static const struct fake_request *
write_to_grace(void)
{
	const struct bh_post post = { .user = GRACE, .text = "hello",
		.key = "k" };

	fake_ok(w.fake, "a%3Agrace", "{\"id\":\"17\"}");
	fake_ok(w.fake, "\"members\"", "{\"id\":\"a:grace\"}");
	bellhop_plugin.transport->send(w.teams, &post, sent, NULL);
	fake_run(w.fake, 1000);
	return fake_find(w.fake, "\"members\":[{\"id\":\"" GRACE "\"}]", 0);
}

#define GRACE_SAYS(where, from) "\"from\":{\"id\":\"29:grace\"," \
		"\"aadObjectId\":\"" GRACE "\"" from "}," where

START_TEST(written_when_it_changes)
{
	start();
	world_says(&w, DM);
	ck_assert_uint_eq(written(), 1);
	ck_assert_uint_eq(fake_sql_count(w.fake, "main|" ADA "|29:ada|a:ada|"
	    TENANT "|"), 1);
	for (int i = 0; i < 10; i++)
		world_says(&w, DM);
	ck_assert_uint_eq(written(), 1);
	world_says(&w, CHANNEL("5", TENANT));
	ck_assert_uint_eq(written(), 2);
	/* Another thread is the same roster. */
	world_says(&w, CHANNEL("6", TENANT));
	ck_assert_uint_eq(written(), 2);
	ck_assert_str_eq(teams_person_find(w.teams, ADA)->conversation,
	    "19:ch@thread.tacv2");
	world_says(&w, DM);
	ck_assert_uint_eq(written(), 3);
}
END_TEST

START_TEST(disk_is_full)
{
	start();
	w.fake->commit_result = BH_EFULL;
	world_says(&w, DM);
	w.fake->commit_result = BH_OK;
	fake_run(w.fake, 1000);
	world_says(&w, DM);
	ck_assert_uint_eq(written(), 2);
	world_says(&w, DM);
	ck_assert_uint_eq(written(), 2);
}
END_TEST

static int who_result;

static void
is_who(void *arg, int result, const struct bh_who *who)
{
	(void)arg;
	(void)who;
	who_result = result;
}

/* The roster that knows somebody is asked first, and not all there are. */
START_TEST(after_a_restart)
{
	static const char *const places[] = {
		"19:a@thread.v2", SERVICE, TENANT, "groupChat", NULL, NULL,
		    NULL, NULL, NULL, "1", "1767000003000",
		"19:b@thread.v2", EMEA, TENANT, "groupChat", NULL, NULL, NULL,
		    NULL, NULL, "1", "1767000002000",
		"19:c@thread.v2", SERVICE, TENANT, "groupChat", NULL, NULL,
		    NULL, NULL, NULL, "1", "1767000001000",
	};
	static const char *const people[] = { GRACE, "29:grace",
		"19:b@thread.v2", PARTNER, "1767000000000" };
	const struct fake_request *r;

	fake_rows(w.fake, "FROM teams_place", 11, 3, places);
	fake_rows(w.fake, "FROM teams_person", 5, 1, people);
	start();
	fake_ok(w.fake, "/members/29%3Agrace", "{\"id\":\"29:grace\","
	    "\"aadObjectId\":\"" GRACE "\",\"tenantId\":\"" PARTNER "\"}");
	bellhop_plugin.transport->who(w.teams, GRACE, is_who, NULL);
	fake_run(w.fake, 1000);
	ck_assert_int_eq(who_result, BH_OK);
	ck_assert_uint_eq(fake_count(w.fake, "/members/"), 1);
	ck_assert_ptr_nonnull(fake_find(w.fake, "19%3Ab%40thread.v2", 0));
	/* A chat is opened in her directory, by its connector. */
	r = write_to_grace();
	ck_assert_ptr_nonnull(strstr(r->body, "\"tenantId\":\"" PARTNER "\""));
	ck_assert_ptr_nonnull(strstr(r->url, EMEA));
	ck_assert_uint_eq(written(), 0);
}
END_TEST

/* Where a chat is opened with somebody who was heard like that. */
START_TEST(whose_people)
{
	static const struct { const char *says, *tenant; } rows[] = {
		/* Nothing is known: the first one's. */
		{ NULL, TENANT },
		{ GRACE_SAYS(CHANNEL("5", PARTNER), ""), PARTNER },
		/* A guest's or a shared channel is of others. */
		{ GRACE_SAYS(CHANNEL("5", TENANT), ",\"tenantId\":\"" PARTNER
		    "\""), PARTNER },
		{ GRACE_SAYS(CHANNEL("5", PARTNER), ",\"tenantId\":\"" NOBODYS
		    "\""), TENANT },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fake_request *r;
		BH_AUTO_FREE char *want = xasprintf("\"tenantId\":\"%s\","
		    "\"channelData\":{\"tenant\":{\"id\":\"%s\"}}",
		    rows[i].tenant, rows[i].tenant);

		if (i > 0) {
			down();
			up();
		}
		start();
		if (rows[i].says != NULL)
			world_says(&w, rows[i].says);
		r = write_to_grace();
		ck_assert_msg(strstr(r->body, want) != NULL, "%zu: %s", i,
		    r->body);
		ck_assert_str_eq(teams_place_find(w.teams, "a:grace")->tenant,
		    rows[i].tenant);
	}
}
END_TEST

/* What a roster says is not a guess; what the list says is the law. */
START_TEST(by_the_roster)
{
	start();
	world_says(&w, GRACE_SAYS(CHANNEL("5", TENANT), ""));
	ck_assert_str_eq(teams_person_find(w.teams, GRACE)->tenant, TENANT);
	teams_person_is_of(w.teams, GRACE, PARTNER);
	ck_assert_uint_eq(written(), 2);
	world_says(&w, GRACE_SAYS(CHANNEL("5", TENANT), ""));
	ck_assert_str_eq(teams_person_find(w.teams, GRACE)->tenant, PARTNER);
	teams_person_is_of(w.teams, GRACE, NOBODYS);
	teams_person_is_of(w.teams, GRACE, NULL);
	teams_person_is_of(w.teams, "nobody", TENANT);
	ck_assert_str_eq(teams_person_find(w.teams, GRACE)->tenant, PARTNER);
	ck_assert_uint_eq(written(), 2);
}
END_TEST

/* The oldest go. */
START_TEST(too_many)
{
	static const char *cells[20000 * 5];
	char (*names)[16] = xcalloc(20000, sizeof(*names));

	for (size_t i = 0; i < 20000; i++) {
		snprintf(names[i], sizeof(names[i]), "u-%zu", i);
		cells[5 * i] = names[i];
		cells[5 * i + 2] = "a:1";
		cells[5 * i + 4] = i == 7 ? "1766000000000" : "1767000000000";
	}
	fake_rows(w.fake, "FROM teams_person", 5, 20000, cells);
	start();
	ck_assert_ptr_nonnull(teams_person_find(w.teams, "u-7"));
	world_says(&w, DM);
	ck_assert_ptr_null(teams_person_find(w.teams, "u-7"));
	ck_assert_ptr_nonnull(teams_person_find(w.teams, "u-8"));
	ck_assert_ptr_nonnull(teams_person_find(w.teams, ADA));
	free(names);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		written_when_it_changes, disk_is_full, after_a_restart,
		whose_people, by_the_roster, too_many,
	};
	Suite *s = suite_create("teams-person");
	TCase *tc = tcase_create("person");
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
