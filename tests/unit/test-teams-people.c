/* test-teams-people.c - who accounts are, and what rooms are called.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-world.h"

#include "host/base/mem.h"

#define ADA	"ada00000-0000-4000-8000-000000000001"
#define OTHER	"11111111-2222-4333-8444-555555555555"
#define CHANNEL(id, team) "\"conversation\":{\"id\":\"" id "\"," \
		"\"conversationType\":\"channel\",\"tenantId\":\"" TENANT "\"}," \
		"\"channelData\":{\"team\":{\"id\":\"" team "\"}," \
		"\"channel\":{\"id\":\"" id "\"}},\"id\":\"6\",\"text\":\"hi\","
#define OURS	"\"tenantId\":\"" TENANT "\","
#define GROUP	"\"conversation\":{\"id\":\"19:group@thread.v2\"," \
		"\"conversationType\":\"groupChat\",\"tenantId\":\"" TENANT \
		"\"},\"id\":\"7\",\"text\":\"hi\","

static struct teams_world w;

static struct {
	int result;
	bool some;
	unsigned flags;
	char name[300], email[300];
} got;

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
start(void)
{
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
}

static void
is_who(void *arg, int result, const struct bh_who *who)
{
	(void)arg;
	got.result = result;
	got.some = who != NULL;
	got.flags = who != NULL ? who->flags : 0;
	snprintf(got.name, sizeof(got.name), "%s", who != NULL &&
	    who->name != NULL ? who->name : "(none)");
	snprintf(got.email, sizeof(got.email), "%s", who != NULL &&
	    who->email != NULL ? who->email : "(none)");
}

static void
is_where(void *arg, int result, const struct bh_where *where)
{
	struct bh_who who = { .name = where != NULL ? where->name : NULL,
		.flags = where != NULL ? where->flags : 0 };

	is_who(arg, result, where != NULL ? &who : NULL);
}

static void
ask_who(const char *user)
{
	got.result = 99;
	bellhop_plugin.transport->who(w.teams, user, is_who, NULL);
	fake_run(w.fake, 60 * 1000);
	ck_assert_int_ne(got.result, 99);
}

static void
ask_where(const char *room)
{
	got.result = 99;
	bellhop_plugin.transport->where(w.teams, room, is_where, NULL);
	fake_run(w.fake, 60 * 1000);
	ck_assert_int_ne(got.result, 99);
}

/* ------------------------------------------------------------------ */
/* The roster                                                          */

START_TEST(kinds_of_people)
{
	static const struct { const char *says, *email; unsigned flags; }
	    all[] = {
		{ OURS "\"email\":\"ada@acme.example\",\"userPrincipalName\""
		    ":\"ada.l@acme.example\",\"userRole\":\"user\"",
		    "ada@acme.example", 0 },
		{ OURS "\"userPrincipalName\":\"ada.l@acme.example\"",
		    "ada.l@acme.example", 0 },
		{ "\"email\":\"ada@acme.example\",\"tenantId\":\"" TENANT
		    "\"", "ada@acme.example", 0 },
		{ OURS "\"email\":\"not an address\",\"userPrincipalName\":"
		    "\"ada\"", "(none)", 0 },
		{ OURS "\"email\":\"<x@y.example>\"", "(none)", 0 },
		{ OURS "\"email\":\"gus@partner.example\",\"userPrincipalName\":"
		    "\"gus_partner.example#EXT#@acme.example\"", "(none)",
		    BH_USER_GUEST },
		{ OURS "\"email\":\"gus@acme.example\",\"userPrincipalName\":"
		    "\"gus_partner.example#ext#@acme.example\"", "(none)",
		    BH_USER_GUEST },
		{ OURS "\"email\":\"gus@acme.example\","
		    "\"userRole\":\"guest\"", "(none)", BH_USER_GUEST },
		{ OURS "\"email\":\"x@acme.example\","
		    "\"userRole\":\"anonymous\"", "(none)", BH_USER_GUEST },
		{ "\"email\":\"fay@acme.example\",\"tenantId\":\"" OTHER
		    "\"", "(none)", BH_USER_GUEST },
		{ OURS "\"email\":\"b@acme.example\",\"userRole\":\"bot\"",
		    "(none)", BH_USER_BOT },
		/* Anybody's directory can say that this is the address. */
		{ "\"email\":\"ada@acme.example\",\"userRole\":\"user\"",
		    "(none)", BH_USER_GUEST },
	};

	start();
	world_says(&w, "\"id\":\"1\",\"text\":\"hi\",");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		BH_AUTO_FREE char *body = xasprintf("{\"id\":\"29:ada\","
		    "\"name\":\"Ada Lovelace\",\"aadObjectId\":"
		    "\"ADA00000-0000-4000-8000-000000000001\",%s}",
		    all[i].says);

		world_serve_token(&w);
		fake_ok(w.fake, "a%3Aada/members/29%3Aada", body);
		ask_who(ADA);
		ck_assert_int_eq(got.result, BH_OK);
		ck_assert_str_eq(got.name, "Ada Lovelace");
		ck_assert_msg(strcmp(got.email, all[i].email) == 0, "%zu: %s",
		    i, got.email);
		ck_assert_uint_eq(got.flags, all[i].flags);
	}
}
END_TEST

/* Where they were heard last is asked first; where they are not, the next. */
START_TEST(asks_where_they_are)
{
	start();
	world_says(&w, CHANNEL("19:pay@thread.tacv2", "19:t"));
	world_says(&w, "\"from\":{\"id\":\"29:bob\",\"name\":\"Bob\","
	    "\"aadObjectId\":\"" OTHER "\"}," GROUP);
	fake_ok(w.fake, "19%3Agroup%40thread.v2/members/29%3Abob",
	    "{\"id\":\"29:bob\",\"name\":\"Bob\",\"aadObjectId\":\"" OTHER
	    "\",\"tenantId\":\"" TENANT
	    "\",\"email\":\"bob@acme.example\"}");
	ask_who(OTHER);
	ck_assert_str_eq(got.email, "bob@acme.example");
	ck_assert_uint_eq(fake_count(w.fake, "/members/"), 1);
	/* He left that chat. */
	world_serve_token(&w);
	fake_answer(w.fake, &(struct fake_answer){ .match = "19%3Agroup",
	    .status = 404, .body = "{\"error\":{\"code\":"
	    "\"MemberNotFoundInConversation\"}}" });
	fake_ok(w.fake, "19%3Apay%40thread.tacv2/members/" OTHER,
	    "{\"id\":\"29:bob\",\"name\":\"Bob\",\"aadObjectId\":\"" OTHER
	    "\",\"tenantId\":\"" TENANT
	    "\",\"email\":\"bob@acme.example\"}");
	ask_who(OTHER);
	ck_assert_int_eq(got.result, BH_OK);
	ck_assert_uint_eq(fake_count(w.fake, "/members/"), 3);
}
END_TEST

START_TEST(nobody_and_not_now)
{
	start();
	ask_who(OTHER);
	ck_assert_int_eq(got.result, BH_ENOENT);
	world_says(&w, "\"id\":\"1\",\"text\":\"hi\",");
	fake_answer(w.fake, &(struct fake_answer){ .match = "/members/",
	    .status = 404 });
	ask_who(ADA);
	ck_assert_int_eq(got.result, BH_ENOENT);
	ck_assert(!got.some);
	world_serve_token(&w);
	fake_answer(w.fake, &(struct fake_answer){ .match = "/members/",
	    .status = 500 });
	ask_who(ADA);
	ck_assert_int_eq(got.result, BH_ENET);
	/* An answer about somebody else is none. */
	world_serve_token(&w);
	fake_ok(w.fake, "/members/", "{\"id\":\"29:bob\",\"name\":\"Bob\","
	    "\"aadObjectId\":\"" OTHER "\",\"tenantId\":\"" TENANT
	    "\",\"email\":\"bob@acme.example\"}");
	ask_who(ADA);
	ck_assert_int_eq(got.result, BH_EPARSE);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Graph                                                               */

START_TEST(by_graph)
{
	static const struct { const char *says, *email; unsigned flags; }
	    all[] = {
		{ "\"mail\":\"ada@acme.example\",\"accountEnabled\":true,"
		    "\"userType\":\"Member\"", "ada@acme.example", 0 },
		{ "\"mail\":null,\"userPrincipalName\":"
		    "\"ada@acme.example\"", "ada@acme.example", 0 },
		{ "\"mail\":\"ada@acme.example\",\"accountEnabled\":false",
		    "(none)", BH_USER_GONE },
		{ "\"mail\":\"g@x.example\",\"userType\":\"Guest\"",
		    "(none)", BH_USER_GUEST },
	};
	const struct fake_request *r;

	world_set(&w, "email", "graph");
	start();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		BH_AUTO_FREE char *body = xasprintf("{\"id\":\"" ADA "\","
		    "\"displayName\":\"Ada Lovelace\",%s}", all[i].says);

		world_serve_token(&w);
		fake_ok(w.fake, "https://graph.microsoft.com/v1.0/users/" ADA,
		    body);
		ask_who(ADA);
		ck_assert_int_eq(got.result, BH_OK);
		ck_assert_str_eq(got.name, "Ada Lovelace");
		ck_assert_str_eq(got.email, all[i].email);
		ck_assert_uint_eq(got.flags, all[i].flags);
	}
	r = fake_find(w.fake, "graph.microsoft.com/v1.0", 0);
	ck_assert_str_eq(r->url, "https://graph.microsoft.com/v1.0/users/" ADA
	    "?$select=id,displayName,mail,userPrincipalName,accountEnabled,"
	    "userType");
}
END_TEST

START_TEST(graph_refuses)
{
	world_set(&w, "email", "graph");
	start();
	fake_answer(w.fake, &(struct fake_answer){
	    .match = "graph.microsoft.com/v1.0", .status = 403,
	    .body = "{\"error\":{\"code\":\"Authorization_RequestDenied\"}}" });
	ask_who(ADA);
	ck_assert_int_eq(got.result, BH_EPERM);
	ck_assert_ptr_nonnull(strstr(w.fake->log, "User.Read.All"));
	world_serve_token(&w);
	fake_answer(w.fake, &(struct fake_answer){
	    .match = "graph.microsoft.com/v1.0", .status = 404 });
	ask_who(ADA);
	ck_assert_int_eq(got.result, BH_ENOENT);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Rooms                                                               */

#define LIST	"{\"conversations\":[{\"id\":\"19:t@thread.tacv2\"}," \
		"{\"id\":\"19:access@thread.tacv2\",\"name\":\"Access\"," \
		"\"type\":\"standard\"},{\"id\":\"19:ext@thread.tacv2\"," \
		"\"name\":\"A/B\",\"type\":\"shared\"}]}"

static void
payments(void)
{
	fake_ok(w.fake, "v3/teams/19%3At%40thread.tacv2/conversations",
	    LIST);
	fake_ok(w.fake, "v3/teams/19%3At%40thread.tacv2",
	    "{\"id\":\"19:t@thread.tacv2\",\"name\":\"Payments\"}");
}

START_TEST(channels)
{
	static const struct { const char *room, *name; unsigned flags; }
	    all[] = {
		{ "19:t@thread.tacv2", "Payments/General", 0 },
		{ "19:access@thread.tacv2", "Payments/Access", 0 },
		{ "19:ext@thread.tacv2", "Payments/A∕B", BH_ROOM_SHARED },
		/* Not in the list: who knows who is in it. */
		{ "19:private@thread.tacv2", "19:private@thread.tacv2",
		    BH_ROOM_SHARED },
	};

	start();
	world_says(&w, CHANNEL("19:t@thread.tacv2", "19:t@thread.tacv2"));
	world_says(&w, CHANNEL("19:access@thread.tacv2",
	    "19:t@thread.tacv2"));
	world_says(&w, CHANNEL("19:ext@thread.tacv2", "19:t@thread.tacv2"));
	world_says(&w, CHANNEL("19:private@thread.tacv2",
	    "19:t@thread.tacv2"));
	payments();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ask_where(all[i].room);
		ck_assert_int_eq(got.result, BH_OK);
		ck_assert_str_eq(got.name, all[i].name);
		ck_assert_uint_eq(got.flags, all[i].flags);
	}
	/* From now on the name leads there, and stands in events. */
	ck_assert_ptr_eq(teams_place_named(w.teams, "Payments/Access"),
	    teams_place_find(w.teams, "19:access@thread.tacv2"));
	world_says(&w, CHANNEL("19:access@thread.tacv2",
	    "19:t@thread.tacv2"));
	ck_assert_str_eq(fake_event(w.fake,
	    w.fake->inbound.events_count - 1)->room_name, "Payments/Access");
}
END_TEST

/* Anybody may found a team and call it "Payments". */
START_TEST(a_namesake_has_no_name)
{
	const struct bh_event *e;

	start();
	world_says(&w, CHANNEL("19:t@thread.tacv2", "19:t@thread.tacv2"));
	payments();
	ask_where("19:t@thread.tacv2");
	ck_assert_str_eq(got.name, "Payments/General");
	world_says(&w, CHANNEL("19:evil@thread.tacv2",
	    "19:evil@thread.tacv2"));
	fake_ok(w.fake, "v3/teams/19%3Aevil%40thread.tacv2/conversations",
	    "{\"conversations\":[{\"id\":\"19:evil@thread.tacv2\"}]}");
	fake_ok(w.fake, "v3/teams/19%3Aevil%40thread.tacv2",
	    "{\"id\":\"19:evil@thread.tacv2\",\"name\":\"Payments\"}");
	ask_where("19:evil@thread.tacv2");
	ck_assert_str_eq(got.name,
	    "Payments/General (19:evil@thread.tacv2)");
	ck_assert_ptr_nonnull(strstr(w.fake->log, "several channels are called "
	    "Payments/General"));
	world_says(&w, CHANNEL("19:evil@thread.tacv2",
	    "19:evil@thread.tacv2"));
	e = fake_event(w.fake, w.fake->inbound.events_count - 1);
	ck_assert_str_eq(e->room, "19:evil@thread.tacv2");
	ck_assert_ptr_null(e->room_name);
	/* And the name leads nowhere any more, rather than astray. */
	ck_assert_ptr_null(teams_place_named(w.teams, "Payments/General"));
}
END_TEST

START_TEST(chats)
{
	start();
	world_says(&w, GROUP);
	fake_ok(w.fake, "19%3Agroup%40thread.v2/pagedmembers?pageSize=500",
	    "{\"members\":[{\"name\":\"Ada\"},{\"name\":\"Payments/General\"},"
	    "{\"name\":\"Cy\"},{\"name\":\"Di\"},{\"name\":\"Ed\"}]}");
	ask_where("19:group@thread.v2");
	ck_assert_str_eq(got.name,
	    "(Ada, Payments/General, Cy and 2 more)");
	ck_assert_uint_eq(got.flags, 0);
	world_serve_token(&w);
	fake_ok(w.fake, "pagedmembers", "{\"members\":[{\"name\":\"Ada\","
	    "\"tenantId\":\"" TENANT "\"},{\"name\":\"Fay\",\"tenantId\":\""
	    OTHER "\"}]}");
	ask_where("19:group@thread.v2");
	ck_assert_str_eq(got.name, "(Ada, Fay)");
	ck_assert_uint_eq(got.flags, BH_ROOM_SHARED);
	/* Who stands on the next page may be anybody. */
	world_serve_token(&w);
	fake_ok(w.fake, "pagedmembers", "{\"continuationToken\":\"2\","
	    "\"members\":[{\"name\":\"Ada\",\"tenantId\":\"" TENANT
	    "\"}]}");
	ask_where("19:group@thread.v2");
	ck_assert_str_eq(got.name, "(Ada)");
	ck_assert_uint_eq(got.flags, BH_ROOM_SHARED);
}
END_TEST

START_TEST(rooms_not_known_now)
{
	start();
	ask_where("19:nowhere@thread.tacv2");
	ck_assert_int_eq(got.result, BH_ENOENT);
	world_says(&w, CHANNEL("19:t@thread.tacv2", "19:t@thread.tacv2"));
	fake_answer(w.fake, &(struct fake_answer){ .match = "v3/teams",
	    .status = 403, .body = "{\"error\":{\"code\":"
	    "\"BotNotInConversationRoster\"}}" });
	ask_where("19:t@thread.tacv2");
	ck_assert_int_eq(got.result, BH_EPERM);
	ck_assert(!got.some);
}
END_TEST

/* What is no list of people does not say that nobody else is there. */
START_TEST(chats_without_members)
{
	static const char *const bodies[] = { "", "nonsense", "[]", "{}",
		"{\"members\":{}}", "{\"members\":\"none\"}" };

	start();
	world_says(&w, GROUP);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		world_serve_token(&w);
		fake_ok(w.fake, "pagedmembers", bodies[i]);
		ask_where("19:group@thread.v2");
		ck_assert_msg(got.result == BH_EPARSE, "%s: %d", bodies[i],
		    got.result);
		ck_assert(!got.some);
	}
}
END_TEST

START_TEST(closing_answers_who_asks)
{
	start();
	world_says(&w, "\"id\":\"1\",\"text\":\"hi\",");
	fake_answer(w.fake, &(struct fake_answer){ .match = "/members/",
	    .delay = 5000 });
	got.result = 99;
	bellhop_plugin.transport->who(w.teams, ADA, is_who, NULL);
	fake_run(w.fake, 10);
	bellhop_plugin.close(w.teams);
	w.teams = NULL;
	ck_assert_int_eq(got.result, BH_ECANCELLED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("teams-people");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, up, down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, kinds_of_people);
	tcase_add_test(tc, asks_where_they_are);
	tcase_add_test(tc, nobody_and_not_now);
	tcase_add_test(tc, by_graph);
	tcase_add_test(tc, graph_refuses);
	tcase_add_test(tc, channels);
	tcase_add_test(tc, a_namesake_has_no_name);
	tcase_add_test(tc, chats);
	tcase_add_test(tc, rooms_not_known_now);
	tcase_add_test(tc, chats_without_members);
	tcase_add_test(tc, closing_answers_who_asks);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
