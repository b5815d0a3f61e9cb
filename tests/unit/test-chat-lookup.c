/* test-chat-lookup.c - asking networks who somebody is, and what room it is.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/chat-common.h"

#define MINUTE	(60 * (int64_t)1000)
#define HOUR	(60 * MINUTE)

static void
up(void)
{
	stage_up();
	acme_plugin = &keep_plugin;
	open_chat(usual, NULL);
}

/* As such a network reports it: ids, and nothing else. */
static struct bh_event
bare(const char *user, const char *text)
{
	return (struct bh_event){ .kind = BH_EV_MESSAGE, .user = user,
	    .room = "C1", .text = text };
}

static void
types(const char *user, const char *text)
{
	deliver(bare(user, text));
	pass(0);
}

static int64_t
audits(const char *action)
{
	BH_AUTO_FREE char *sql = xasprintf("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '{\"action\":\"%s\"%%'", action);

	return number(sql);
}

START_TEST(asked_once_then_known)
{
	types("ada", "!echo one");
	ck_assert_str_eq(last_text(acme), "echo one");
	ck_assert_uint_eq(acme->who_asked, 1);
	ck_assert_uint_eq(acme->where_asked, 1);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_person "
	    "WHERE email = 'ada@x.example' AND name = 'Ada'"), 1);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_room "
	    "WHERE name = '#general' AND room = 'C1'"), 1);
	types("ada", "!echo two");
	pass(14 * MINUTE);
	types("ada", "!echo three");
	ck_assert_uint_eq(acme->who_asked, 1);
	ck_assert_uint_eq(acme->where_asked, 1);
	/* After a quarter of an hour it is asked anew. */
	pass(2 * MINUTE);
	acme->who_name = "Ada L.";
	acme->who_email = "somebody@else.example";
	types("ada", "!echo four");
	ck_assert_uint_eq(acme->who_asked, 2);
	ck_assert_uint_eq(acme->where_asked, 2);
	/* The name follows; the e-mail was pinned when she was enrolled. */
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_person "
	    "WHERE email = 'ada@x.example' AND name = 'Ada L.'"), 1);
	ck_assert_int_eq(audits("person.enrolled"), 1);
	/* What was learnt outlives a restart. */
	close_chat();
	open_chat(usual, NULL);
	types("ada", "!echo five");
	ck_assert_str_eq(last_text(acme), "echo five");
	ck_assert_uint_eq(acme->who_asked, 2);
	ck_assert_uint_eq(acme->where_asked, 2);
}
END_TEST

START_TEST(safe_before_it_is_asked)
{
	acme->who_holding = true;
	types("ada", "!echo hi");
	ck_assert_uint_eq(acme->received_count, 1);
	ck_assert_int_eq(acme->received[0], BH_OK);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_inbox"), 1);
	ck_assert_uint_eq(runs, 0);
	net_tell(acme);
	pass(0);
	ck_assert_uint_eq(runs, 1);
	ck_assert_uint_eq(acme->received_count, 1);
	pass(1000);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_inbox"), 0);
}
END_TEST

START_TEST(one_question_for_all_in_order)
{
	acme->who_holding = acme->where_holding = true;
	types("ada", "!echo 1");
	types("ada", "!echo 2");
	/* A DM needs no room, and waits for the two before all the same. */
	struct bh_event dm = bare("ada", "!echo 3");

	dm.room = NULL;
	deliver(dm);
	pass(0);
	types("bob", "!echo 4");
	ck_assert_uint_eq(acme->who_asked, 2);
	ck_assert_uint_eq(acme->where_asked, 1);
	ck_assert_uint_eq(runs, 0);
	net_tell(acme);
	pass(0);
	ck_assert_uint_eq(runs, 4);

	const char *expected[] = { "echo 1", "echo 2", "echo 3" };
	size_t n = 0;

	for (size_t i = 0; i < acme->count; i++)
		if (strcmp(acme->posts[i].text, "echo 4") != 0)
			ck_assert_str_eq(acme->posts[i].text, expected[n++]);
	ck_assert_uint_eq(n, 3);
}
END_TEST

/* Of the first two, the second was heard before anybody knew the account, and
 * is on the disk after the answer came. */
START_TEST(known_meanwhile)
{
	struct bh_event home = { .kind = BH_EV_HOME, .user = "bob",
	    .reply = "h" };

	deliver(bare("ada", "!echo 1"));
	deliver(bare("ada", "!echo 2"));
	pass(0);
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(acme->who_asked, 1);
	ck_assert_uint_eq(acme->where_asked, 1);
	/* Opening the home page is not kept, and asks at once. */
	deliver(bare("bob", "!echo 3"));
	deliver(home);
	pass(0);
	ck_assert_uint_eq(acme->who_asked, 2);
	ck_has(last_text(acme), "echo 3");
}
END_TEST

START_TEST(silence_about_strangers)
{
	acme->who_result = BH_ENET;
	types("ada", "!echo hi");
	/* It is tried again for as long as people are patient. */
	ck_assert_uint_eq(acme->count, 0);
	pass(11 * 1000);
	ck_assert_uint_eq(acme->who_asked, 5);
	ck_has(last_text(acme), "I could not ask acme who you are");
	ck_has(last_text(acme), "ask again in a minute");
	ck_assert_uint_eq(runs, 0);
	ck_assert_int_eq(audits("command.refused"), 1);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_person"), 0);
	/* It is not held against anybody later. */
	acme->who_result = BH_OK;
	types("ada", "!echo hi");
	ck_assert_uint_eq(runs, 1);
	/* A short trouble is nobody's business. */
	acme->who_result = BH_ENET;
	types("bob", "!echo hi");
	pass(3 * 1000);
	acme->who_result = BH_OK;
	pass(3 * 1000);
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(acme->count, 3);
}
END_TEST

START_TEST(no_answer_at_all)
{
	acme->who_holding = true;
	types("ada", "!echo hi");
	pass(9 * 1000);
	ck_assert_uint_eq(acme->count, 0);
	pass(2 * 1000);
	ck_has(last_text(acme), "ask again in a minute");
	/* No second question before the first is answered ... */
	types("ada", "!echo again");
	ck_assert_uint_eq(acme->who_asked, 1);
	ck_assert_uint_eq(acme->count, 1);
	/* ... and a late answer is an answer. */
	net_tell(acme);
	pass(0);
	ck_assert_str_eq(last_text(acme), "echo again");
	ck_assert_uint_eq(acme->who_asked, 1);
}
END_TEST

START_TEST(silence_about_known_people)
{
	types("ada", "!echo hi");
	acme->who_result = acme->where_result = BH_ENET;
	pass(HOUR);
	types("ada", "!echo one");
	ck_assert_str_eq(last_text(acme), "echo one");
	ck_assert_uint_eq(acme->who_asked, 2);
	/* Not asked for each event while it is silent. */
	types("ada", "!echo two");
	ck_assert_uint_eq(acme->who_asked, 2);
	pass(2 * MINUTE);
	types("ada", "!echo three");
	ck_assert_uint_eq(acme->who_asked, 3);
	ck_assert_uint_eq(runs, 4);
	/* A day is the most; also over a restart. */
	close_chat();
	open_chat(usual, NULL);
	pass(22 * HOUR);
	types("ada", "!echo four");
	ck_assert_uint_eq(runs, 5);
	pass(HOUR);
	types("ada", "!echo five");
	pass(11 * 1000);
	ck_assert_uint_eq(runs, 5);
	ck_has(last_text(acme), "ask again in a minute");
	acme->who_result = BH_OK;
	types("ada", "!echo six");
	pass(11 * 1000);
	ck_assert_uint_eq(runs, 5);
	ck_has(last_text(acme), "about this room");
	acme->where_result = BH_OK;
	types("ada", "!echo seven");
	ck_assert_uint_eq(runs, 6);
}
END_TEST

START_TEST(nobody_of_that_id)
{
	acme->who_result = BH_ENOENT;
	types("ada", "!echo hi");
	ck_has(last_text(acme), "acme does not know your account");
	types("ada", "!echo hi");
	ck_assert_uint_eq(acme->who_asked, 1);
	ck_assert_uint_eq(acme->count, 2);
	pass(2 * MINUTE);
	acme->who_result = BH_OK;
	types("ada", "!echo hi");
	ck_assert_uint_eq(acme->who_asked, 2);
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(guests_and_bots)
{
	acme->who_flags = BH_USER_GUEST;
	types("eve", "!echo hi");
	ck_has(last_text(acme), "only to members");
	/* A guest is nobody's other account, whatever the e-mail says. */
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_person "
	    "WHERE email IS NOT NULL"), 0);
	acme->who_flags = BH_USER_BOT;
	types("robot", "!echo hi");
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_uint_eq(runs, 0);
	/* Who becomes a guest is one when it is next asked. */
	acme->who_flags = 0;
	types("ada", "!echo hi");
	ck_assert_uint_eq(runs, 1);
	acme->who_flags = BH_USER_GUEST;
	pass(HOUR);
	types("ada", "!echo hi");
	ck_has(last_text(acme), "only to members");
	/* The flag is kept, and held against them after a restart. */
	close_chat();
	open_chat(usual, NULL);
	types("ada", "!echo hi");
	ck_has(last_text(acme), "only to members");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(the_event_says_guest)
{
	struct bh_event event = bare("ada", "!echo hi");

	event.user_flags = BH_USER_GUEST;
	deliver(event);
	pass(0);
	ck_has(last_text(acme), "only to members");
	types("ada", "!echo hi");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(gone)
{
	types("ada", "!echo hi");
	acme->who_flags = BH_USER_GONE;
	pass(HOUR);
	types("ada", "!echo hi");
	types("ada", "!help");
	struct bh_event home = bare("ada", NULL);

	home.kind = BH_EV_HOME;
	home.room = NULL;
	home.reply = "h";
	deliver(home);
	pass(0);
	ck_assert_str_eq(acme->over, "h:-3 ");
	ck_assert_uint_eq(runs, 1);
	/* Not a word, but it is written down. */
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_int_eq(audits("command.refused"), 2);
	/* Whoever was never known is not enrolled for it. */
	types("eve", "!echo hi");
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_person"), 1);
	/* A network that no longer knows the account says the same. */
	acme->who_flags = 0;
	pass(HOUR);
	types("ada", "!echo hi");
	ck_assert_uint_eq(runs, 2);
	acme->who_result = BH_ENOENT;
	pass(HOUR);
	types("ada", "!echo hi");
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(acme->count, 3);
}
END_TEST

START_TEST(whose_account)
{
	struct bh_event event = bare("ada2", "!echo hi");

	types("ada", "!echo hi");
	acme->who_email = "ada@x.example";
	deliver(event);
	pass(0);
	ck_has(last_text(acme), "already belongs to another account");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(rooms_belong_to_teams_by_name)
{
	close_chat();
	open_chat("{\"access\": [{\"commands\": [\"where\"], "
	    "\"who\": [\"members\"]}], \"delegate\": {\"pay\": {\"rooms\": "
	    "[\"acme/*\"]}}, \"chat\": {\"acme\": {\"plugin\": \"net\"}}}",
	    "{\"rooms\": [\"acme/#payments\"], \"members\": "
	    "[\"ada@x.example\"]}");
	acme->where_name = "#payments";
	types("ada", "!where");
	ck_assert_str_eq(last_text(acme), "acme/#C1 team=pay");
	/* Renamed: no longer that team's, once it is asked again. */
	acme->where_name = "#lunch";
	types("ada", "!where");
	ck_assert_str_eq(last_text(acme), "acme/#C1 team=pay");
	pass(HOUR);
	types("ada", "!where");
	ck_assert_str_eq(last_text(acme), "acme/#C1 team=");
}
END_TEST

START_TEST(rooms_belong_to_teams_by_id)
{
	static const char *const ids[] = { "acme/C1", "acme/#C1" };

	for (size_t i = 0; i < 2; i++) {
		BH_AUTO_FREE char *team = xasprintf("{\"rooms\": [\"%s\"], "
		    "\"members\": [\"ada@x.example\"]}", ids[i]);

		close_chat();
		open_chat("{\"access\": [{\"commands\": [\"where\"], "
		    "\"who\": [\"members\"]}], \"delegate\": {\"pay\": "
		    "{\"rooms\": [\"acme/*\"]}}, \"chat\": {\"acme\": "
		    "{\"plugin\": \"net\"}}}", team);
		types("ada", "!where");
		ck_assert_str_eq(last_text(acme), "acme/#C1 team=pay");
	}
}
END_TEST

START_TEST(rooms_of_other_companies)
{
	acme->where_flags = BH_ROOM_SHARED;
	types("ada", "!echo hi");
	ck_has(last_text(acme), "people of other companies are in this room");
	ck_has(last_text(acme), "acme/#general is not listed under "
	    "shared-rooms:");
	types("ada", "!help");
	ck_has(last_text(acme), "people of other companies");
	ck_assert_uint_eq(runs, 0);

	struct bh_event dm = bare("ada", "!echo hi");

	dm.room = NULL;
	deliver(dm);
	pass(0);
	ck_assert_uint_eq(runs, 1);
	/* Still so after a restart; then it is listed: by name, by id. */
	for (size_t i = 0; i < 4; i++) {
		static const char *const lists[] = { "acme/#other",
			"acme/#gen*", "acme/#C1", "acme/C1" };
		BH_AUTO_FREE char *config = xasprintf("{\"shared-rooms\": "
		    "[\"%s\"], \"access\": [{\"commands\": [\"echo\"], "
		    "\"who\": [\"members\"]}]}", lists[i]);

		close_chat();
		open_chat(config, NULL);
		types("ada", "!echo hi");
		ck_assert_uint_eq(runs, 1 + i);
	}
	ck_assert_uint_eq(acme->where_asked, 1);
}
END_TEST

START_TEST(rooms_that_cannot_be_seen)
{
	acme->where_result = BH_ENOENT;
	types("ada", "!echo hi");
	ck_has(last_text(acme), "invite me to it");
	ck_assert_uint_eq(runs, 0);
	acme->where_result = BH_ETIMEOUT;
	pass(2 * MINUTE);
	types("ada", "!echo hi");
	pass(11 * 1000);
	ck_has(last_text(acme), "about this room");
	ck_assert_uint_eq(runs, 0);
	acme->where_result = BH_OK;
	types("ada", "!echo hi");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(home_and_completion)
{
	struct bh_event home = bare("ada", NULL);
	struct bh_event typed = bare("ada", "!order al");

	home.kind = BH_EV_HOME;
	home.room = NULL;
	home.reply = "h";
	acme->who_result = BH_ENET;
	deliver(home);
	pass(11 * 1000);
	ck_assert_uint_eq(runs, 0);
	ck_assert_str_eq(acme->over, "h:-3 ");
	acme->who_result = BH_OK;
	deliver(home);
	pass(0);
	ck_assert_uint_eq(runs, 2);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_inbox"), 0);
	typed.kind = BH_EV_COMPLETE;
	typed.reply = "c";
	deliver(typed);
	pass(0);
	ck_assert_str_eq(acme->offers, "alpha alps ");
	/* Offers are not worth a question as long as there is an answer. */
	pass(HOUR);
	acme->offers[0] = '\0';
	acme->who_asked = 0;
	deliver(typed);
	pass(0);
	ck_assert_str_eq(acme->offers, "alpha alps ");
	ck_assert_uint_eq(acme->who_asked, 0);
}
END_TEST

START_TEST(the_network_goes_away)
{
	acme->who_holding = true;
	types("ada", "!echo hi");
	close_chat();
	/* The answer comes to nobody. */
	net_tell(acme);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_inbox"), 1);
	open_chat(usual, NULL);
	ck_assert_str_eq(last_text(acme), "echo hi");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(strangers_do_not_fill_the_memory)
{
	struct bh_event event = bare("", "!echo a");

	/* Neither is ever written down: a page, and offers. */
	for (int i = 0; i < 25000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "x%d", i);
		event.kind = BH_EV_HOME;
		event.user = id;
		event.room = NULL;
		deliver(event);
		event.kind = BH_EV_COMPLETE;
		event.user = "ada";
		event.room = id;
		deliver(event);
		acme->received_count = 0;
		if (i % 1000 == 0) {
			pass(0);
			for (size_t n = 0; n < acme->count; n++) {
				free(acme->posts[n].key);
				free(acme->posts[n].user);
				free(acme->posts[n].room);
				free(acme->posts[n].message);
				free(acme->posts[n].text);
				free(acme->posts[n].reply);
			}
			acme->count = 0;
		}
	}
	pass(0);
	ck_assert_uint_le(chat->people.count, 10001);

	size_t rooms = 0;

	for (struct room *r = chat->rooms; r != NULL; r = r->next)
		rooms++;
	ck_assert_uint_le(rooms, 10000);
	ck_assert_uint_le(chat->lookups_count, 1000);
	types("ada", "!echo still here");
	ck_assert_str_eq(last_text(acme), "echo still here");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chat-lookup");
	TCase *tests = tcase_create("lookup");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, up, stage_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, asked_once_then_known);
	tcase_add_test(tests, safe_before_it_is_asked);
	tcase_add_test(tests, one_question_for_all_in_order);
	tcase_add_test(tests, known_meanwhile);
	tcase_add_test(tests, silence_about_strangers);
	tcase_add_test(tests, no_answer_at_all);
	tcase_add_test(tests, silence_about_known_people);
	tcase_add_test(tests, nobody_of_that_id);
	tcase_add_test(tests, guests_and_bots);
	tcase_add_test(tests, the_event_says_guest);
	tcase_add_test(tests, gone);
	tcase_add_test(tests, whose_account);
	tcase_add_test(tests, rooms_belong_to_teams_by_name);
	tcase_add_test(tests, rooms_belong_to_teams_by_id);
	tcase_add_test(tests, rooms_of_other_companies);
	tcase_add_test(tests, rooms_that_cannot_be_seen);
	tcase_add_test(tests, home_and_completion);
	tcase_add_test(tests, the_network_goes_away);
	tcase_add_test(tests, strangers_do_not_fill_the_memory);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
