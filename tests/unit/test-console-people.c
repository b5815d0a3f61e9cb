/* test-console-people.c - the console's settings, good and bad.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/console/console.h"

static struct bh_buf said = BH_BUF(65536);

static const struct bh_value *settings;

static const struct bh_value *
fake_settings(struct bh_check *check)
{
	(void)check;
	return settings;
}

static void BH_PRINTF(3, 4)
fake_complain(struct bh_check *check, const struct bh_value *at,
    const char *fmt, ...)
{
	va_list ap;

	(void)check;
	bh_buf_add(&said, "%s: ", at != NULL && at->key != NULL ? at->key :
	    "-");
	va_start(ap, fmt);
	bh_buf_vadd(&said, fmt, ap);
	va_end(ap);
	bh_buf_puts(&said, "\n");
}

/* What check() says about a block, written as JSON. */
static const char *
complaints(const char *json)
{
	static const struct bh_api api = { .size = sizeof(api),
		.check_settings = fake_settings, .complain = fake_complain };
	struct bh_check check = { &api };
	const char *error = NULL;
	struct bh_value *v = json_parse(json, strlen(json), &error);

	ck_assert_msg(v != NULL, "%s", error);
	bh_buf_clear(&said);
	settings = v;
	console_check(&check);
	value_free(v);
	return bh_buf_text(&said);
}

START_TEST(a_good_block_passes)
{
	ck_assert_str_eq(complaints("{\"plugin\":\"console\",\"me\":\"ada\","
	    "\"room\":\"#payments\",\"rooms\":[\"#a\",\"#b-c\"],\"people\":["
	    "{\"name\":\"ada\",\"display\":\"Ada Lovelace\","
	    "\"email\":\"ada@acme.example\",\"guest\":false},"
	    "{\"name\":\"grace\"}]}"), "");
}
END_TEST

static void
says(const char *json, const char *what)
{
	ck_assert_msg(strstr(complaints(json), what) != NULL,
	    "\"%s\" is not in: %s", what, bh_buf_text(&said));
}

START_TEST(each_mistake_has_its_sentence)
{
	says("{\"people\":[{\"name\":\"a\",\"mail\":\"x@y\"}]}",
	    "mail: a person has no \"mail\": use name, display, email and "
	    "guest\n");
	says("{\"people\":[{\"display\":\"A\"}]}", "needs a name");
	says("{\"people\":[{\"name\":\"a b\"}]}", "\"a b\" cannot be used");
	says("{\"people\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
	    "two people named \"a\"");
	says("{\"people\":[{\"name\":\"a\",\"email\":\"nobody\"}]}",
	    "email: \"nobody\" is no e-mail address");
	says("{\"people\":[{\"name\":\"a\",\"guest\":\"yes\"}]}",
	    "guest: guest of a person must be true or false");
	says("{\"people\":[{\"name\":7}]}", "name of a person must be text");
	says("{\"people\":[\"ada\"]}", "must be written as");
	says("{\"people\":[]}", "people is empty");
	says("{\"people\":{\"ada\":1}}", "people must be a list");
	says("{\"people\":[{\"name\":\"a\"}],\"me\":\"b\"}",
	    "me: \"b\" is not among the people");
	says("{\"people\":[{\"name\":\"a\"}],\"room\":\"payments\"}",
	    "room: \"payments\" is no room");
	says("{\"people\":[{\"name\":\"a\"}],\"rooms\":[\"#ok\",\"# no\"]}",
	    "\"# no\" is no room");
}
END_TEST

static void
fail_test(void *arg, const struct bh_value *at, const char *sentence)
{
	(void)arg;
	(void)at;
	ck_abort_msg("%s", sentence);
}

START_TEST(people_are_read)
{
	static const char json[] = "[{\"name\":\"ada\",\"display\":"
	    "\"Ada Lovelace\",\"email\":\"ada@acme.example\"},"
	    "{\"name\":\"eve\",\"guest\":true}]";
	const char *error = NULL;
	struct bh_value *v = json_parse(json, strlen(json), &error);
	struct console_people people;

	ck_assert_int_eq(console_people_read(v, &people, fail_test, NULL),
	    BH_OK);
	value_free(v);
	ck_assert_uint_eq(people.count, 2);
	const struct console_person *ada = console_person(&people, "ada");
	const struct console_person *eve = console_person(&people, "eve");
	ck_assert_str_eq(ada->display, "Ada Lovelace");
	ck_assert_str_eq(ada->email, "ada@acme.example");
	ck_assert(!ada->guest);
	ck_assert_str_eq(eve->display, "eve");
	ck_assert_ptr_null(eve->email);
	ck_assert(eve->guest);
	ck_assert_ptr_null(console_person(&people, "Ada"));
	console_people_release(&people);
}
END_TEST

START_TEST(rooms_have_a_hash_and_no_blanks)
{
	ck_assert(console_room_ok("#payments"));
	ck_assert(console_room_ok("#zürich"));
	ck_assert(!console_room_ok("payments"));
	ck_assert(!console_room_ok("#"));
	ck_assert(!console_room_ok("#a b"));
	ck_assert(!console_room_ok("##a"));
	ck_assert(!console_room_ok("#a\033"));
}
END_TEST

START_TEST(words_and_quotes)
{
	char line[] = "account=prod  reason=\"two words\" 'I''m' "
	    "x=\"a \\\"b\\\"\"";
	char *rest = line;

	ck_assert_str_eq(console_word(&rest), "account=prod");
	ck_assert_str_eq(console_word(&rest), "reason=two words");
	ck_assert_str_eq(console_word(&rest), "Im");
	ck_assert_str_eq(console_word(&rest), "x=a \"b\"");
	ck_assert_ptr_null(console_word(&rest));
}
END_TEST

START_TEST(commands_are_whole_words)
{
	ck_assert_str_eq(console_command("/as grace")->name, "as");
	ck_assert_str_eq(console_command("/QUIT")->name, "quit");
	ck_assert_ptr_null(console_command("/ask"));
	ck_assert_ptr_null(console_command("/a"));
	ck_assert_ptr_null(console_command("as"));
	ck_assert_ptr_null(console_command("/"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("console-people");
	TCase *t = tcase_create("people");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_test(t, a_good_block_passes);
	tcase_add_test(t, each_mistake_has_its_sentence);
	tcase_add_test(t, people_are_read);
	tcase_add_test(t, rooms_have_a_hash_and_no_blanks);
	tcase_add_test(t, words_and_quotes);
	tcase_add_test(t, commands_are_whole_words);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	bh_buf_release(&said);
	return failed == 0 ? 0 : 1;
}
