/* test-chat-over.c - when an event is over, and what a home page gets.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/chat-common.h"

static void
up(void)
{
	stage_up();
	open_chat(usual, NULL);
}

static void
says_under(const char *user, const char *text, const char *reply)
{
	struct bh_event event = event_of(user, text);

	event.reply = reply;
	deliver(event);
	pass(0);
}

static int64_t
command_rows(void)
{
	return number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '%\"command%'");
}

START_TEST(every_event_is_over_once)
{
	struct bh_event twice = event_of("ada", "!echo twice");

	says_under("ada", "just talk", "talk");
	says_under("ada", "!echo hi", "run");
	says_under("ada", "!nothing", "unknown");
	says_under("ada", "!vault", "refused");
	says_under("ada", "!order closed", "failed");
	says_under("ada", "!wipe all", "sure");
	ck_assert_str_eq(acme->over, "talk:0 run:0 unknown:-1 refused:-3 "
	    "failed:-1 sure:0 ");
	acme->over[0] = '\0';
	twice.id = "E1";
	twice.reply = "first";
	deliver(twice);
	twice.reply = "second";
	deliver(twice);
	pass(0);
	twice.reply = "third";
	deliver(twice);
	pass(0);
	ck_assert_uint_eq(runs, 3);
	ck_has(acme->over, "first:0 ");
	ck_has(acme->over, "second:0 ");
	ck_has(acme->over, "third:0 ");
	/* Without a reply there is nothing to hear. */
	acme->over[0] = '\0';
	says("ada", "!echo hi");
	ck_assert_str_eq(acme->over, "");
}
END_TEST

START_TEST(over_waits_for_the_answers)
{
	acme->holding = true;
	says_under("ada", "!echo hi", "r1");
	ck_assert_str_eq(acme->posts[0].reply, "r1");
	ck_assert_str_eq(acme->over, "");
	net_release(acme, BH_OK);
	/* Never from within the answer itself. */
	ck_assert_str_eq(acme->over, "");
	pass(0);
	ck_assert_str_eq(acme->over, "r1:0 ");
	/* Given up after three tries, and then it is over, too. */
	acme->over[0] = '\0';
	acme->failing = 3;
	acme->failure = BH_ENET;
	says_under("ada", "!echo hi", "r2");
	ck_assert_str_eq(acme->over, "");
	pass(10000);
	ck_assert_str_eq(acme->over, "r2:0 ");
	/* A card waits for its buttons to be written. */
	acme->over[0] = '\0';
	says_under("ada", "!card", "r3");
	ck_assert_str_eq(acme->over, "r3:0 ");
}
END_TEST

START_TEST(over_waits_for_a_slow_command)
{
	says_under("ada", "!slow", "r1");
	pass(70000);
	ck_has(last_text(acme), "has not answered within");
	ck_assert_str_eq(acme->over, "");
	bh_end(slow_call, BH_ENET);
	pass(0);
	ck_assert_str_eq(acme->over, "r1:-8 ");
}
END_TEST

START_TEST(over_of_forms)
{
	struct bh_event form = event_of("ada", NULL);
	struct bh_pair fields[2] = { { "account", "" }, { "days", "1" } };

	says_under("ada", "!ask", "r1");
	ck_assert_uint_eq(acme->forms, 1);
	ck_assert_str_eq(acme->over, "r1:0 ");
	form.kind = BH_EV_FORM;
	form.token = acme->form_token;
	form.fields = fields;
	form.fields_count = 2;
	form.reply = "r2";
	deliver(form);
	pass(0);
	/* It came back with an error, so it has not succeeded. */
	ck_assert_uint_eq(acme->forms, 2);
	ck_assert_str_eq(acme->over, "r1:0 r2:-1 ");
	fields[0].value = "alpha";
	form.reply = "r3";
	deliver(form);
	pass(0);
	ck_assert_str_eq(acme->over, "r1:0 r2:-1 r3:0 ");
}
END_TEST

START_TEST(over_after_completion)
{
	struct bh_event event = event_of("ada", "!order al");

	event.kind = BH_EV_COMPLETE;
	event.reply = "c1";
	deliver(event);
	pass(0);
	ck_assert_str_eq(acme->offers, "alpha alps ");
	ck_assert_str_eq(acme->over, "c1:0 ");
}
END_TEST

START_TEST(over_of_floods)
{
	close_chat();
	open_chat("{\"flood\": \"1/min\", \"access\": [{\"commands\": "
	    "[\"echo\"], \"who\": [\"members\"]}]}", NULL);
	says_under("ada", "!echo 1", "r1");
	says_under("ada", "!echo 2", "r2");
	says_under("ada", "!echo 3", "r3");
	ck_assert_str_eq(acme->over, "r1:0 r2:-11 r3:-11 ");
}
END_TEST

START_TEST(nobody_hears_after_the_end)
{
	acme->holding = true;
	says_under("ada", "!echo hi", "r1");
	says_under("ada", "!slow", "r2");
	close_chat();
	open_chat(usual, NULL);
	pass(1000);
	ck_assert_str_eq(acme->over, "");
	net_release(acme, BH_OK);
	pass(1000);
	ck_assert_str_eq(acme->over, "");
}
END_TEST

START_TEST(home_page)
{
	struct bh_event event = event_of("ada", NULL);
	int64_t before = command_rows();

	event.kind = BH_EV_HOME;
	event.room = event.room_name = NULL;
	event.reply = "h1";
	deliver(event);
	ck_assert_uint_eq(acme->received_count, 1);
	pass(0);
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_str_eq(acme->posts[0].text, "mine of Ada");
	ck_assert_str_eq(acme->posts[0].reply, "h1");
	ck_assert(acme->posts[1].card);
	ck_assert_str_eq(acme->posts[1].reply, "h1");
	ck_assert_str_eq(acme->over, "h1:0 ");
	ck_assert_int_eq(command_rows(), before);
	/* Its buttons go the way of all buttons. */
	struct bh_event press = event_of("ada", NULL);

	press.kind = BH_EV_BUTTON;
	press.room = press.room_name = NULL;
	press.token = acme->posts[1].tokens[0];
	deliver(press);
	pass(0);
	ck_assert_str_eq(last_text(acme), "echo pressed");
}
END_TEST

START_TEST(home_page_of_others)
{
	struct bh_event event = event_of("eve", NULL);

	/* A guest's page is empty, but it is over. */
	event.kind = BH_EV_HOME;
	event.room = event.room_name = NULL;
	event.user_flags = BH_USER_GUEST;
	event.reply = "h1";
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 0);
	ck_assert_uint_eq(acme->count, 0);
	ck_assert_str_eq(acme->over, "h1:0 ");
}
END_TEST

START_TEST(home_page_costs_one)
{
	struct bh_event event = event_of("ada", NULL);

	close_chat();
	open_chat("{\"flood\": \"2/min\", \"access\": [{\"commands\": "
	    "[\"echo\", \"mine\", \"todo\"], \"who\": [\"members\"]}]}", NULL);
	event.kind = BH_EV_HOME;
	event.room = event.room_name = NULL;
	event.reply = "h1";
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 2);
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 4);
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 4);
	ck_assert_str_eq(acme->over, "h1:0 h1:0 h1:-11 ");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chat-over");
	TCase *tests = tcase_create("over");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, up, stage_down);
	tcase_add_test(tests, every_event_is_over_once);
	tcase_add_test(tests, over_waits_for_the_answers);
	tcase_add_test(tests, over_waits_for_a_slow_command);
	tcase_add_test(tests, over_of_forms);
	tcase_add_test(tests, over_after_completion);
	tcase_add_test(tests, over_of_floods);
	tcase_add_test(tests, nobody_hears_after_the_end);
	tcase_add_test(tests, home_page);
	tcase_add_test(tests, home_page_of_others);
	tcase_add_test(tests, home_page_costs_one);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
