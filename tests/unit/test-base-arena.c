/* test-base-arena.c - memory that is given back all at once.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "host/base/arena.h"

START_TEST(texts_stay_where_they_are)
{
	struct arena *arena = NULL;
	const char *texts[500];

	for (size_t i = 0; i < 500; i++)
		texts[i] = arena_join(&arena, i % 2 == 0 ? "even" : "odd", "/",
		    "number");
	for (size_t i = 0; i < 500; i++)
		ck_assert_str_eq(texts[i], i % 2 == 0 ? "even/number" :
		    "odd/number");
	ck_assert_ptr_null(arena_copy(&arena, NULL));
	ck_assert_str_eq(arena_copy(&arena, ""), "");
	ck_assert_str_eq(arena_copy_n(&arena, "payments", 3), "pay");
	ck_assert_str_eq(arena_copy_n(&arena, "pay", 8), "pay");
	arena_free(&arena);
	ck_assert_ptr_null(arena);
	arena_free(&arena);
}
END_TEST

START_TEST(memory_is_aligned_and_zero)
{
	struct arena *arena = NULL;

	for (size_t size = 1; size < 5000; size += 7) {
		unsigned char *p = arena_take(&arena, size);

		ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, size);
		memset(arena_copy(&arena, "odd"), 'x', 3);
	}
	arena_free(&arena);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base-arena");
	TCase *t = tcase_create("arena");
	SRunner *runner;
	int failed;

	tcase_add_test(t, texts_stay_where_they_are);
	tcase_add_test(t, memory_is_aligned_and_zero);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
