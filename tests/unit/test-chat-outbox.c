/* test-chat-outbox.c - posts that fail, get stuck, or may have arrived.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/chat-common.h"

#include "host/base/log.h"

#define DAY	(24 * 3600 * (int64_t)1000)

static void
up(void)
{
	stage_up();
	open_chat(usual, NULL);
}

static void
posts(const char *place, const char *key, int rank, const char *text)
{
	BH_AUTO_BUF struct bh_buf json = BH_BUF(4096);
	const struct bh_span title = { .text = text };
	const struct bh_button b = { .label = "go", .command = "echo",
	    .args = text };
	const struct bh_card card = { .title = &title, .title_count = 1,
	    .buttons = &b, .buttons_count = rank == STORE_BUTTONS ? 1 : 0 };
	const char *error;
	struct bh_tx *tx = store_tx(store, "demo/demo");

	ck_assert_int_eq(card_json(&json, &card, &error), BH_OK);
	store_tx_post(tx, place, key, rank, rank == STORE_TEXT ? NULL :
	    bh_buf_text(&json), text);
	store_commit(tx, NULL, NULL);
	pass(0);
}

static int64_t
waiting(void)
{
	return number("SELECT COUNT(*) FROM bh_outbox "
	    "WHERE version > sent_version");
}

static int64_t
given_up(void)
{
	return number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '{\"action\":\"post.given_up\"%'");
}

/* ------------------------------------------------------------------ */

START_TEST(lost_answers)
{
	char key[64];
	int rank = _i;

	acme->failing = 2;
	acme->failure = BH_ENET;
	posts("acme/#C1", "R1", rank, "one");
	ck_assert_uint_eq(acme->tried, 1);
	ck_assert(!acme->last_again);
	snprintf(key, sizeof(key), "%s", acme->last_key);
	pass(2500);
	ck_assert_uint_eq(acme->tried, 2);
	ck_assert(acme->last_again);
	pass(10000);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert(acme->posts[0].again);
	/* The same name each time. */
	ck_assert_str_eq(acme->last_key, key);
	/* The next version is another one, and certainly not there. */
	posts("acme/#C1", "R1", rank, "two");
	ck_assert(!acme->last_again);
	ck_assert_str_ne(acme->last_key, key);
	ck_assert_str_eq(acme->posts[1].message, "m0");
}
END_TEST

START_TEST(refused_for_now)
{
	acme->failing = 2;
	acme->failure = BH_ELIMIT;
	posts("acme/#C1", "R1", STORE_CARD, "one");
	pass(10000);
	ck_assert_uint_eq(acme->count, 1);
	/* It said no: it has not taken it. */
	ck_assert(!acme->posts[0].again);
	acme->failing = 1;
	acme->failure = BH_ENET;
	posts("acme/#C1", "R2", STORE_CARD, "two");
	acme->failing = 1;
	acme->failure = BH_ELIMIT;
	pass(2500);
	/* A "no" now says nothing about the try before. */
	pass(10000);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert(acme->posts[1].again);
}
END_TEST

START_TEST(dead_while_it_is_sent)
{
	int rank = _i;

	acme->holding = true;
	posts("acme/#C1", "R1", rank, "one");
	ck_assert_uint_eq(acme->count, 1);
	ck_assert(!acme->posts[0].again);
	/* It was durable before the network saw it. */
	ck_assert_int_eq(number("SELECT tried FROM bh_outbox"), 1);
	acme->holding = false;
	close_chat();
	open_chat(usual, NULL);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert(acme->posts[1].again);
	ck_assert_str_eq(acme->posts[1].key, acme->posts[0].key);
	ck_assert_int_eq(number("SELECT tried FROM bh_outbox"), 0);
	ck_assert_int_eq(waiting(), 0);
	net_release(acme, BH_OK);
	pass(0);
}
END_TEST

/* The network may have shown the first version: it is found under that name,
 * and then the second takes its place. */
START_TEST(dead_and_changed)
{
	acme->holding = true;
	posts("acme/#C1", "R1", STORE_BUTTONS, "one");
	acme->holding = false;
	close_chat();
	posts("acme/#C1", "R1", STORE_BUTTONS, "two");
	open_chat(usual, NULL);
	ck_assert_uint_eq(acme->count, 3);
	ck_assert(acme->posts[1].again);
	ck_assert_str_eq(acme->posts[1].key, acme->posts[0].key);
	ck_assert_str_eq(acme->posts[1].text, "two");
	ck_assert_ptr_null(acme->posts[1].message);
	ck_assert_str_eq(acme->posts[2].message, "m1");
	ck_assert_str_eq(acme->posts[2].text, "two");
	ck_assert(!acme->posts[2].again);
	ck_assert_int_eq(waiting(), 0);
	/* Its buttons are those of the second. */
	presses("ada", acme->posts[2].tokens[0]);
	ck_assert_str_eq(last_text(acme), "echo two");
	net_release(acme, BH_OK);
	pass(0);
}
END_TEST

START_TEST(changed_while_it_fails)
{
	acme->failing = 1;
	acme->failure = BH_ETIMEOUT;
	posts("acme/#C1", "R1", STORE_CARD, "one");
	posts("acme/#C1", "R1", STORE_CARD, "two");
	pass(0);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert(acme->posts[0].again);
	ck_assert_str_eq(acme->posts[0].text, "two");
	ck_assert_str_eq(acme->posts[1].message, "m0");
	ck_assert_int_eq(waiting(), 0);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(a_stuck_room_holds_up_nobody)
{
	char key[16], place[16];

	acme->holding = true;
	acme->holding_room = "C1";
	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "K%d", i);
		posts("acme/#C1", key, STORE_BUTTONS, key);
	}
	ck_assert_uint_eq(acme->held_count, 4);
	for (int i = 2; i < 40; i++) {
		snprintf(place, sizeof(place), "acme/#C%d", i);
		posts(place, "T", STORE_TEXT, "text");
	}
	ck_assert_uint_eq(acme->count, 4 + 38);
	pass(30 * 60000);
	ck_assert_uint_eq(acme->held_count, 4);
	net_release(acme, BH_OK);
	pass(0);
	ck_assert_uint_eq(acme->count, 60 + 38);
	ck_assert_int_eq(waiting(), 0);
}
END_TEST

START_TEST(what_can_be_pressed_goes_first)
{
	chat_health(acme_in, BH_DOWN, "no network");
	posts("acme/#C1", "t1", STORE_TEXT, "t1");
	posts("acme/#C2", "t2", STORE_TEXT, "t2");
	pass(10);
	posts("acme/#C1", "c", STORE_CARD, "c");
	pass(10);
	posts("acme/#C2", "b", STORE_BUTTONS, "b");
	chat_health(acme_in, BH_UP, "");
	pass(60000);
	ck_assert_uint_eq(acme->count, 4);
	ck_assert_str_eq(acme->posts[0].text, "b");
	ck_assert_str_eq(acme->posts[1].text, "c");
}
END_TEST

START_TEST(refused_for_good)
{
	acme->failing = 1;
	acme->failure = BH_EPERM;
	posts("acme/#C1", "R1", STORE_CARD, "one");
	pass(DAY);
	ck_assert_uint_eq(acme->tried, 1);
	ck_assert_int_eq(given_up(), 1);
	ck_assert_int_eq(waiting(), 0);
	/* What comes later is tried. */
	posts("acme/#C1", "R1", STORE_CARD, "two");
	ck_assert_uint_eq(acme->count, 1);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Rooms that the bot is not in                                        */

static size_t told, told_again;

static void
on_log(void *arg, int level, const char *line)
{
	(void)arg;
	told += level == BH_LOG_WARN &&
	    strstr(line, "the bot is not in acme/#C9") != NULL &&
	    strstr(line, "invite the bot to it") != NULL;
	told_again += strstr(line, "the bot is in acme/#C9 now") != NULL;
}

START_TEST(the_bot_is_not_in_the_room)
{
	struct bh_event press = event_of("ada", NULL);

	told = told_again = 0;
	log_sink(on_log, NULL);
	acme->absent = "C9";
	for (int i = 0; i < 6; i++) {
		static const char *const keys[] = { "R0", "R1", "R2", "R3",
			"R4", "R5" };

		posts("acme/#C9", keys[i], STORE_BUTTONS, "approve");
	}
	/* What is for others is shown meanwhile. */
	posts("acme/#C1", "R1", STORE_TEXT, "here");
	ck_assert_str_eq(last_text(acme), "here");
	pass(2 * 3600 * 1000);
	posts("acme/#C1", "R2", STORE_TEXT, "still here");
	ck_assert_str_eq(last_text(acme), "still here");
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_int_eq(given_up(), 0);
	ck_assert_int_eq(waiting(), 6);
	/* Every five minutes in the end, and told once. */
	ck_assert_uint_le(acme->tried, 2 + 6 * (9 + 24));
	ck_assert_uint_eq(told, 1);
	/* Invited. */
	acme->absent = NULL;
	pass(5 * 60 * 1000);
	ck_assert_uint_eq(acme->count, 8);
	ck_assert_int_eq(waiting(), 0);
	ck_assert_uint_eq(told_again, 1);
	ck_assert(!acme->posts[7].again);
	press.kind = BH_EV_BUTTON;
	press.room = "C9";
	press.token = acme->posts[7].tokens[0];
	deliver(press);
	pass(0);
	ck_assert_str_eq(last_text(acme), "echo approve");
	/* Thrown out: told anew. */
	acme->absent = "C9";
	posts("acme/#C9", "R0", STORE_BUTTONS, "approve");
	ck_assert_uint_eq(told, 2);
	log_sink(NULL, NULL);
}
END_TEST

START_TEST(nobody_invites_the_bot)
{
	size_t tried;

	acme->absent = "C9";
	posts("acme/#C9", "R1", STORE_BUTTONS, "approve");
	pass(DAY - 60000);
	ck_assert_int_eq(given_up(), 0);
	pass(6 * 60000);
	ck_assert_int_eq(given_up(), 1);
	ck_assert_int_eq(waiting(), 0);
	tried = acme->tried;
	pass(DAY);
	ck_assert_uint_eq(acme->tried, tried);
	/* A host that was away does not give up at its first try. */
	posts("acme/#C9", "R2", STORE_BUTTONS, "approve");
	close_chat();
	pass(2 * DAY);
	open_chat(usual, NULL);
	pass(60000);
	ck_assert_int_eq(given_up(), 1);
	acme->absent = NULL;
	pass(5 * 60000);
	ck_assert_uint_eq(acme->count, 1);
}
END_TEST

/* Nobody can invite the bot to a person. */
START_TEST(a_person_who_is_not_there)
{
	acme->failing = 1;
	acme->failure = BH_ENOENT;
	posts("acme/@U9", "R1", STORE_CARD, "one");
	pass(DAY);
	ck_assert_uint_eq(acme->tried, 1);
	ck_assert_int_eq(given_up(), 1);
}
END_TEST

START_TEST(given_up_after_three_days)
{
	size_t tried;

	acme->failing = 1000000;
	acme->failure = BH_ENET;
	posts("acme/#C1", "R1", STORE_CARD, "one");
	pass(3 * DAY - 60000);
	ck_assert_int_eq(given_up(), 0);
	ck_assert_int_eq(waiting(), 1);
	pass(5 * 60000);
	ck_assert_int_eq(given_up(), 1);
	ck_assert_int_eq(waiting(), 0);
	tried = acme->tried;
	pass(2 * DAY);
	ck_assert_uint_eq(acme->tried, tried);
	/* News is tried, and may still find what was sent long ago. */
	acme->failing = 0;
	posts("acme/#C1", "R1", STORE_CARD, "two");
	ck_assert_uint_eq(acme->count, 2);
	ck_assert(acme->posts[0].again);
	ck_assert_str_eq(acme->posts[1].message, "m0");
	ck_assert_int_eq(waiting(), 0);
}
END_TEST

/* A host that was away for a week still tries for a while. */
START_TEST(not_given_up_unheard)
{
	acme->failing = 1000000;
	acme->failure = BH_ENET;
	posts("acme/#C1", "R1", STORE_CARD, "one");
	close_chat();
	pass(7 * DAY);
	open_chat(usual, NULL);
	pass(60000);
	ck_assert_int_eq(given_up(), 0);
	acme->failing = 0;
	pass(120000);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_int_eq(given_up(), 0);
}
END_TEST

START_TEST(nobody_is_there_any_more)
{
	posts("gone/#C1", "R1", STORE_CARD, "one");
	pass(2 * DAY);
	ck_assert_int_eq(given_up(), 0);
	pass(2 * DAY);
	ck_assert_int_eq(given_up(), 1);
	ck_assert_int_eq(waiting(), 0);
}
END_TEST

/* Answers that are tried again say so, too. */
START_TEST(answers_again)
{
	acme->failing = 1;
	acme->failure = BH_ENET;
	says("ada", "!echo hi");
	pass(5000);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert(acme->posts[0].again);
	acme->failing = 1;
	acme->failure = BH_ELIMIT;
	says("ada", "!echo hi");
	pass(5000);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert(!acme->posts[1].again);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chat-outbox");
	TCase *tests = tcase_create("outbox");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, up, stage_down);
	tcase_add_loop_test(tests, lost_answers, STORE_BUTTONS,
	    STORE_TEXT + 1);
	tcase_add_test(tests, refused_for_now);
	tcase_add_loop_test(tests, dead_while_it_is_sent, STORE_BUTTONS,
	    STORE_TEXT + 1);
	tcase_add_test(tests, dead_and_changed);
	tcase_add_test(tests, changed_while_it_fails);
	tcase_add_test(tests, a_stuck_room_holds_up_nobody);
	tcase_add_test(tests, what_can_be_pressed_goes_first);
	tcase_add_test(tests, refused_for_good);
	tcase_add_test(tests, the_bot_is_not_in_the_room);
	tcase_add_test(tests, nobody_invites_the_bot);
	tcase_add_test(tests, a_person_who_is_not_there);
	tcase_add_test(tests, given_up_after_three_days);
	tcase_add_test(tests, not_given_up_unheard);
	tcase_add_test(tests, nobody_is_there_any_more);
	tcase_add_test(tests, answers_again);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
