/* test-teams-zip.c - the app's package, read back as APPNOTE.TXT says.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-world.h"

static uint32_t
number(const struct bh_buf *b, size_t at, size_t bytes)
{
	uint32_t v = 0;

	ck_assert_uint_le(at + bytes, b->len);
	while (bytes-- > 0)
		v = v << 8 | (unsigned char)b->data[at + bytes];
	return v;
}

/* The member that the directory's entry at `at` speaks of; gives where the
 * next entry is. */
static size_t
check_member(const struct bh_buf *b, size_t at, const char *name,
    const char *data, size_t len, uint32_t crc)
{
	size_t local, n = strlen(name);

	ck_assert_uint_eq(number(b, at, 4), 0x02014b50);
	ck_assert_uint_eq(number(b, at + 10, 2), 0);	/* stored */
	ck_assert_uint_eq(number(b, at + 16, 4), crc);
	ck_assert_uint_eq(number(b, at + 20, 4), len);
	ck_assert_uint_eq(number(b, at + 24, 4), len);
	ck_assert_uint_eq(number(b, at + 28, 2), n);
	ck_assert_uint_eq(number(b, at + 38, 4), 0100644u << 16);
	local = number(b, at + 42, 4);
	ck_assert_int_eq(memcmp(b->data + at + 46, name, n), 0);
	ck_assert_uint_eq(number(b, local, 4), 0x04034b50);
	/* Both say the same of it. */
	ck_assert_int_eq(memcmp(b->data + local + 4, b->data + at + 6, 26), 0);
	ck_assert_int_eq(memcmp(b->data + local + 30, name, n), 0);
	ck_assert_int_eq(memcmp(b->data + local + 30 + n, data, len), 0);
	return at + 46 + n;
}

START_TEST(members)
{
	struct teams_zip z = { .file = BH_BUF(4096),
		.directory = BH_BUF(4096) };
	size_t end, at;

	teams_zip_add(&z, "a.txt", "123456789", 9);
	teams_zip_add(&z, "empty", "", 0);
	teams_zip_add(&z, "b.bin", "\0\xff\0", 3);
	ck_assert(teams_zip_end(&z));
	end = z.file.len - 22;
	ck_assert_uint_eq(number(&z.file, end, 4), 0x06054b50);
	ck_assert_uint_eq(number(&z.file, end + 8, 2), 3);
	ck_assert_uint_eq(number(&z.file, end + 10, 2), 3);
	at = number(&z.file, end + 16, 4);
	ck_assert_uint_eq(at + number(&z.file, end + 12, 4), end);
	at = check_member(&z.file, at, "a.txt", "123456789", 9, 0xcbf43926);
	at = check_member(&z.file, at, "empty", "", 0, 0);
	at = check_member(&z.file, at, "b.bin", "\0\xff\0", 3, 0x6c652460);
	ck_assert_uint_eq(at, end);
	teams_zip_release(&z);
}
END_TEST

START_TEST(too_large)
{
	struct teams_zip z = { .file = BH_BUF(100), .directory = BH_BUF(100) };
	char data[200] = "";

	teams_zip_add(&z, "a", data, sizeof(data));
	ck_assert(!teams_zip_end(&z));
	teams_zip_release(&z);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("teams-zip");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tc, members);
	tcase_add_test(tc, too_large);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
