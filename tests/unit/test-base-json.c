/*
 * test-base-json.c - strict JSON, and trees of values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/value.h"

static void
expect_json(const char *in, const char *want)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(4096);
	const char *error = "";
	struct bh_value *v = json_parse(in, strlen(in), &error);

	ck_assert_msg(v != NULL, "%s: %s", in, error);
	value_print_json(&b, v, true);
	ck_assert_str_eq(bh_buf_text(&b), want);
	value_free(v);
}

START_TEST(good)
{
	expect_json("null", "null");
	expect_json(" [ ] ", "[]");
	expect_json("{\"b\":1,\"a\":[true,false,null]}",
	    "{\"a\":[true,false,null],\"b\":1}");
	expect_json("12345678901234567890", "12345678901234567890");
	expect_json("9007199254740993", "9007199254740993");
	expect_json("[-0,1e2,1.50,-12.5E-3]", "[-0,1e2,1.50,-12.5E-3]");
	expect_json("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"é😀\\u000a/\"");
	expect_json("{\"A\":1,\"a\":2}", "{\"A\":1,\"a\":2}");
	expect_json("{\"\":1}", "{\"\":1}");
}
END_TEST

START_TEST(reading)
{
	static const char text[] = "{\"id\":111122223333,\"n\":null,"
	    "\"on\":true,\"tags\":[{\"k\":\"v\"},2]}";
	struct bh_value *v = json_parse(text, sizeof(text) - 1, NULL);

	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(v->count, 4);
	ck_assert_str_eq(bh_get(v, "id")->text, "111122223333");
	ck_assert(bh_get_number(v, "id", 0) > 111122223332.0);
	ck_assert_ptr_null(bh_get(v, "n"));
	ck_assert(bh_get_bool(v, "on", false));
	ck_assert_uint_eq(bh_get(v, "tags")->count, 2);
	ck_assert_str_eq(bh_get_text(bh_get(v, "tags")->first, "k"), "v");
	value_free(v);
}
END_TEST

static void
expect_bad(const char *in, size_t len)
{
	const char *error = NULL;
	struct bh_value *v = json_parse(in, len, &error);

	ck_assert_msg(v == NULL, "taken: %s", in);
	ck_assert_ptr_nonnull(error);
}

START_TEST(bad)
{
	static const char *const list[] = {
		"", " ", "{", "[", "[1,]", "{\"a\":1,}", "[1 2]", "{\"a\" 1}",
		"{a:1}", "'a'", "012", "-", "+1", "1.", ".5", "1e", "1e999",
		"-1e999", "NaN", "Infinity", "tru", "nul", "[1]x", "1 2",
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
		"\"\\u0000\"", "\"x\\u0000y\"", "\"\\ud800\"", "\"\\udc00\"",
		"\"\\ud800\\u0041\"", "\"\\u12g4\"", "\"\\x\"", "\"a\nb\"",
		"\"abc", "\"\\", "\xef\xbb\xbf[]", "\"\xff\"", "\"\xc0\x80\"",
		"\"\xed\xa0\x80\"", "[\"a\" \x01]", "/* c */ 1", "]",
		"0.00000000000000000000000000000000000000000000000000000000001",
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		expect_bad(list[i], strlen(list[i]));
	expect_bad("\"a\0b\"", 5);
	expect_bad("[]\0", 3);
}
END_TEST

static char *
nested(int levels)
{
	char *text = xcalloc((size_t)levels * 2 + 1, 1);

	memset(text, '[', (size_t)levels);
	memset(text + levels, ']', (size_t)levels);
	return text;
}

/* Whichever two of however many keys are the same. */
START_TEST(keys_twice)
{
	for (size_t n = 2; n < 40; n += 3)
		for (size_t first = 0; first < n - 1; first++)
			for (size_t second = first; second < n;
			    second += n / 2) {
				struct bh_buf b = BH_BUF(4096);

				for (size_t i = 0; i < n; i++)
					bh_buf_add(&b, "%s\"key%zu\":%zu",
					    i == 0 ? "{" : ",",
					    i == second ? first : i, i);
				bh_buf_puts(&b, "}");

				struct bh_value *v = json_parse(
				    bh_buf_text(&b), b.len, NULL);

				ck_assert_msg((v != NULL) == (first == second),
				    "%s", bh_buf_text(&b));
				value_free(v);
				bh_buf_release(&b);
			}
}
END_TEST

START_TEST(limits)
{
	BH_AUTO_FREE char *deep = nested(JSON_MAX_DEPTH);
	BH_AUTO_FREE char *deeper = nested(JSON_MAX_DEPTH + 1);
	BH_AUTO_FREE char *abyss = nested(400000);
	BH_AUTO_BUF struct bh_buf b = BH_BUF(1 << 20);

	expect_json(deep, deep);
	expect_bad(deeper, strlen(deeper));
	expect_bad(abyss, strlen(abyss));

	bh_buf_puts(&b, "[0");
	for (int i = 2; i < JSON_MAX_NODES; i++)
		bh_buf_puts(&b, ",0");
	bh_buf_puts(&b, "]");
	struct bh_value *v = json_parse(b.data, b.len, NULL);
	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(v->count, JSON_MAX_NODES - 1);
	value_free(v);
	b.data[b.len - 1] = ',';
	bh_buf_puts(&b, "0]");
	expect_bad(b.data, b.len);
	v = json_parse_big(b.data, b.len, 20000, NULL);
	ck_assert_ptr_nonnull(v);
	value_free(v);

	bh_buf_clear(&b);
	bh_buf_puts(&b, "\"");
	for (unsigned i = 0; i < JSON_MAX_STRING; i++)
		bh_buf_puts(&b, "x");
	bh_buf_puts(&b, "\"");
	v = json_parse(b.data, b.len, NULL);
	ck_assert_ptr_nonnull(v);
	value_free(v);
	b.data[b.len - 1] = 'x';
	bh_buf_puts(&b, "\"");
	expect_bad(b.data, b.len);
}
END_TEST

START_TEST(building)
{
	struct value_arena *arena = value_arena_new(4096);
	struct bh_value *map = value_new(arena, BH_MAP);
	struct bh_value *list = value_new(arena, BH_LIST);
	BH_AUTO_BUF struct bh_buf b = BH_BUF(4096);

	ck_assert(value_add(list, NULL, value_new_text(arena, "a\"b")));
	ck_assert(value_add(list, NULL, value_new_number(arena, "42")));
	ck_assert(value_add(map, "z", list));
	ck_assert(value_add(map, "a", value_new_bool(arena, true)));
	ck_assert(!value_add(map, "x", NULL));
	value_print_json(&b, map, false);
	ck_assert_str_eq(bh_buf_text(&b), "{\"z\":[\"a\\\"b\",42],\"a\":true}");

	struct bh_value *copy = value_clone(map);
	ck_assert(value_equal(map, copy));
	ck_assert_uint_eq(copy->count, 2);
	struct bh_value *part = value_clone(list);
	ck_assert(!value_equal(map, part));
	value_free(map);
	bh_buf_clear(&b);
	value_print_json(&b, copy, true);
	ck_assert_str_eq(bh_buf_text(&b), "{\"a\":true,\"z\":[\"a\\\"b\",42]}");
	value_free(copy);
	value_free(part);
	value_free(NULL);
}
END_TEST

START_TEST(arena_limit)
{
	struct value_arena *arena = value_arena_new(1000);
	struct bh_value *list = value_new(arena, BH_LIST);
	int n = 0;

	while (value_add(list, NULL, value_new_text(arena, "twelve bytes")))
		n++;
	ck_assert_int_gt(n, 2);
	ck_assert_int_lt(n, 12);
	ck_assert_uint_eq(list->count, (size_t)n);
	ck_assert_ptr_null(value_alloc(arena, SIZE_MAX));
	value_arena_free(&arena);
	ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(equality)
{
	struct bh_value *a = json_parse("{\"x\":1,\"y\":[1,2]}", 17, NULL);
	struct bh_value *b = json_parse("{\"y\":[1,2],\"x\":1}", 17, NULL);
	struct bh_value *c = json_parse("{\"y\":[2,1],\"x\":1}", 17, NULL);

	ck_assert(value_equal(a, b));
	ck_assert(!value_equal(a, c));
	ck_assert(!value_equal(a, NULL));
	ck_assert(value_equal(NULL, NULL));
	value_free(a);
	value_free(b);
	value_free(c);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-json");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tc, good);
	tcase_add_test(tc, reading);
	tcase_add_test(tc, bad);
	tcase_add_test(tc, keys_twice);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, building);
	tcase_add_test(tc, arena_limit);
	tcase_add_test(tc, equality);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
