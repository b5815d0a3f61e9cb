/*
 * test-conf-yaml.c - YAML into trees, and all that is refused on the way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/mem.h"
#include "host/base/value.h"
#include "host/conf/conf.h"

static void
expect_tree(const char *text, const char *want)
{
	struct conf_errors *errors = conf_errors_new();
	BH_AUTO_BUF struct bh_buf b = BH_BUF(1 << 20);
	struct bh_value *v = conf_yaml("f.yaml", text, strlen(text), errors);

	ck_assert_msg(v != NULL, "%s: %s", text, conf_errors_at(errors, 0));
	ck_assert_uint_eq(conf_errors_count(errors), 0);
	value_print_json(&b, v, false);
	ck_assert_str_eq(bh_buf_text(&b), want);
	value_free(v);
	conf_errors_free(&errors);
	ck_assert_ptr_null(errors);
}

START_TEST(trees)
{
	expect_tree("", "null");
	expect_tree("# only a comment\n", "null");
	expect_tree("a: b\nc: [d, 'e', \"f\"]\n",
	    "{\"a\":\"b\",\"c\":[\"d\",\"e\",\"f\"]}");
	expect_tree("a:\n  - x: 1\n    y: two\n  - z\n",
	    "{\"a\":[{\"x\":1,\"y\":\"two\"},\"z\"]}");
	expect_tree("room: acme/#payments # comment\n",
	    "{\"room\":\"acme/#payments\"}");
	expect_tree("t: |\n  one\n  two\n",
	    "{\"t\":\"one\\u000atwo\\u000a\"}");
	expect_tree("---\na: 1\n", "{\"a\":1}");
	expect_tree("a: ! quoted", "{\"a\":\"quoted\"}");
}
END_TEST

START_TEST(scalars)
{
	expect_tree("[yes, no, true, false]", "[true,false,true,false]");
	expect_tree("[NO, Yes, on, 'yes', \"true\"]",
	    "[\"NO\",\"Yes\",\"on\",\"yes\",\"true\"]");
	expect_tree("[~, null, 'null', ]", "[null,null,\"null\"]");
	expect_tree("[0, 42, -7, 1.5, 123456789]", "[0,42,-7,1.5,123456789]");
	/* Ids stay as they are. */
	expect_tree("[012345678901, 111122223333, 000000000042, 007]",
	    "[\"012345678901\",\"111122223333\",\"000000000042\",\"007\"]");
	expect_tree("[1e3, 0x10, 1., .5, '5', +1, 1_000]",
	    "[\"1e3\",\"0x10\",\"1.\",\".5\",\"5\",\"+1\",\"1_000\"]");
}
END_TEST

START_TEST(places)
{
	static const char text[] = "# head\naws-sso:\n  main:\n"
	    "    region:   eu\n    list: [ a, bc ]\n";
	struct conf_errors *errors = conf_errors_new();
	struct bh_value *v = conf_yaml("x.yaml", text, sizeof(text) - 1,
	    errors);
	const struct bh_value *m = bh_get(bh_get(v, "aws-sso"), "main");
	const struct bh_value *region = bh_get(m, "region");
	int line, column;

	ck_assert_str_eq(region->file, "x.yaml");
	ck_assert_int_eq(region->line, 4);
	ck_assert_int_eq(region->column, 15);
	ck_assert_str_eq(region->key, "region");
	value_key_at(region, &line, &column);
	ck_assert_int_eq(line, 4);
	ck_assert_int_eq(column, 5);
	ck_assert_int_eq(bh_get(m, "list")->first->next->line, 5);
	ck_assert_int_eq(bh_get(m, "list")->first->next->column, 16);
	value_free(v);
	conf_errors_free(&errors);
}
END_TEST

static void
expect_bad(const char *text, const char *want)
{
	struct conf_errors *errors = conf_errors_new();
	struct bh_value *v = conf_yaml("f.yaml", text, strlen(text), errors);
	const char *line = conf_errors_at(errors, 0);

	ck_assert_msg(v == NULL, "taken: %s", text);
	ck_assert_ptr_nonnull(line);
	ck_assert_msg(strstr(line, want) != NULL, "%s: got: %s", text, line);
	conf_errors_free(&errors);
}

START_TEST(refused)
{
	expect_bad("a: &x 1\n", "f.yaml:1:4: anchors (&x)");
	expect_bad("a: b\nc: *x\n", "f.yaml:2:4: aliases (*x)");
	expect_bad("a: &x [1]\nb: *x\n", "f.yaml:1:4: anchors (&x)");
	expect_bad("a: !secret b\n", "f.yaml:1:4: tags (!secret)");
	expect_bad("a: !!str b\n", "tags (tag:yaml.org");
	expect_bad("a: !!map {}\n", "tags");
	expect_bad("a:\n  - !Admin\n", "f.yaml:2:5: tags (!Admin)");
	expect_bad("a: [!Admin]\n", "quotes round what begins with !");
	expect_bad("a:\n  <<: {b: 1}\n", "f.yaml:2:3: merge keys");
	expect_bad("a: 1\nb: 2\na: 3\n",
	    "f.yaml:3:1: key \"a\" stands twice (first in line 1)");
	expect_bad("a: {x: 1, x: 2}\n", "f.yaml:1:11: key \"x\"");
	expect_bad("a: 1\n\"a\": 2\n", "stands twice");
	expect_bad("? [a]\n: b\n", "a key must be a word");
	expect_bad("a: [*]\n", "quotes round what begins with *");
	expect_bad("a:\n\tb: 1\n", "no tabs");
	expect_bad("a: b: c\n", "f.yaml:1:5: mapping values");
	expect_bad("a: [1, 2\n", "f.yaml:2:1:");
	expect_bad("a: \"x\\0y\"\n", "control characters");
	expect_bad("a: \"x\\e[2J\"\n", "control characters");
	expect_bad("a: \xff\n", "UTF-8");
	expect_bad("\xff\xfe" "a", "UTF-8");
	expect_bad("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document");
}
END_TEST

START_TEST(all_at_once)
{
	static const char text[] = "a: &x 1\nb: *x\nb: 2\nc: !t 3\n";
	struct conf_errors *errors = conf_errors_new();

	ck_assert_ptr_null(conf_yaml("f.yaml", text, sizeof(text) - 1,
	    errors));
	ck_assert_uint_eq(conf_errors_count(errors), 4);
	ck_assert_ptr_nonnull(strstr(conf_errors_at(errors, 3), "f.yaml:4:4"));
	ck_assert_ptr_null(conf_errors_at(errors, 4));
	conf_errors_free(&errors);
}
END_TEST

START_TEST(limits)
{
	struct conf_errors *errors = conf_errors_new();
	BH_AUTO_BUF struct bh_buf b = BH_BUF(4 << 20);

	for (int i = 0; i < 24; i++)
		bh_buf_puts(&b, "[");
	for (int i = 0; i < 24; i++)
		bh_buf_puts(&b, "]");
	struct bh_value *v = conf_yaml("f", b.data, b.len, errors);
	ck_assert_ptr_nonnull(v);
	value_free(v);

	bh_buf_clear(&b);
	for (int i = 0; i < 5000; i++)
		bh_buf_puts(&b, "[");
	expect_bad(b.data, "more than 24 levels");

	bh_buf_clear(&b);
	bh_buf_puts(&b, "[a");
	for (int i = 0; i < 50000; i++)
		bh_buf_puts(&b, ",a");
	bh_buf_puts(&b, "]");
	expect_bad(b.data, "too many values");

	bh_buf_clear(&b);
	for (int i = 0; i < 2001; i++)
		bh_buf_add(&b, "k%d: 1\n", i);
	expect_bad(b.data, "more than 2000 keys");

	bh_buf_clear(&b);
	bh_buf_puts(&b, "a: ");
	for (int i = 0; i < 70000; i++)
		bh_buf_puts(&b, "x");
	expect_bad(b.data, "over 64 KiB");

	bh_buf_clear(&b);
	while (b.len <= 1 << 20)
		bh_buf_puts(&b, "# comment comment comment comment\n");
	expect_bad(b.data, "over 1 MiB");
	conf_errors_free(&errors);
}
END_TEST

START_TEST(error_list)
{
	struct conf_errors *errors = conf_errors_new();

	conf_complain_at(errors, "b.yaml", 2, 1, "late");
	conf_complain_at(errors, "a.yaml", 10, 3, "ten");
	conf_complain_at(errors, "a.yaml", 9, 17, "nine\nlines \x1b[31m");
	conf_complain_at(errors, "a.yaml", 0, 0, "no place");
	conf_complain_at(errors, NULL, 0, 0, "nowhere");
	ck_assert_str_eq(conf_errors_at(errors, 0), "nowhere");
	ck_assert_str_eq(conf_errors_at(errors, 1), "a.yaml: no place");
	ck_assert_str_eq(conf_errors_at(errors, 2),
	    "a.yaml:9:17: nine lines [31m");
	ck_assert_str_eq(conf_errors_at(errors, 3), "a.yaml:10:3: ten");
	ck_assert_str_eq(conf_errors_at(errors, 4), "b.yaml:2:1: late");
	for (int i = 0; i < 300; i++)
		conf_complain_at(errors, "z", i, 1, "x");
	ck_assert_uint_eq(conf_errors_count(errors), 305);
	ck_assert_str_eq(conf_errors_at(errors, 200), "and 105 more");
	ck_assert_ptr_null(conf_errors_at(errors, 201));
	conf_errors_free(&errors);
	conf_errors_free(&errors);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf-yaml");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tc, trees);
	tcase_add_test(tc, scalars);
	tcase_add_test(tc, places);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, all_at_once);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, error_list);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
