/*
 * test-base-log.c - the log's mask, the clock, ids, magic numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <signal.h>

#include "host/base/ids.h"
#include "host/base/json.h"
#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/value.h"
#include "host/base/world.h"

static void
expect_redacted(const char *in, const char *want)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(1024);

	log_redact(&b, in);
	ck_assert_str_eq(bh_buf_text(&b), want);
}

START_TEST(redact)
{
	expect_redacted("nothing to hide", "nothing to hide");
	expect_redacted("token xoxb-12345-abcDEF!", "token ****!");
	expect_redacted("xapp-1-A0-99-abc", "****");
	expect_redacted("key AKIAIOSFODNN7EXAMPLE.", "key ****.");
	expect_redacted("ASIAIOSFODNN7EXAMPLE", "****");
	expect_redacted("AKIA is short", "AKIA is short");
	expect_redacted("got eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln ok",
	    "got **** ok");
	expect_redacted("Authorization: AWS4-HMAC-SHA256 Credential=a/b, x=y",
	    "Authorization: ****");
	expect_redacted("{\"authorization\":\"Bearer abc\",\"n\":1}",
	    "{\"authorization\":\"****\",\"n\":1}");
	expect_redacted("aws_secret_access_key=wJalrXU&n=1",
	    "aws_secret_access_key=****&n=1");
	log_redact_add("hunter22");
	log_redact_add("abc");		/* too short to be masked */
	expect_redacted("pw=hunter22hunter22 abc", "pw=******** abc");
	expect_redacted("xhunter22x", "x****x");
	log_redact_remove("hunter22");
	log_redact_remove("never was there");
	expect_redacted("hunter22", "hunter22");
}
END_TEST

START_TEST(control)
{
	expect_redacted("a\nb\tc\x1b[2J\x7f", "a\\nb\\tc\\x1b[2J\\x7f");
	expect_redacted("x\xc2\x9by", "x\\x9by");
	expect_redacted("\xe2\x80\xaegnp", "\\u202egnp");
	expect_redacted("bad \xff", "bad \\xff");
	expect_redacted("fine é 😀", "fine é 😀");
}
END_TEST

static char seen[8192];
static int seen_level, seen_count;

static void
sink(void *arg, int level, const char *line)
{
	(void)arg;
	snprintf(seen, sizeof(seen), "%s", line);
	seen_level = level;
	seen_count++;
}

START_TEST(lines)
{
	world_freeze(1767607200123);		/* 2026-01-05T10:00:00.123Z */
	log_sink(sink, NULL);
	log_setup(LOG_JSON, BH_LOG_INFO);
	log_warn("a \"quoted\"\nline with xoxb-123456-abc");
	ck_assert_int_eq(seen_level, BH_LOG_WARN);
	struct bh_value *v = json_parse(seen, strlen(seen), NULL);
	ck_assert_ptr_nonnull(v);
	ck_assert_str_eq(bh_get_text(v, "text"),
	    "a \"quoted\"\\nline with ****");
	ck_assert_str_eq(bh_get_text(v, "level"), "warning");
	ck_assert_str_eq(bh_get_text(v, "source"), "host");
	ck_assert_str_eq(bh_get_text(v, "time"), "2026-01-05T10:00:00.123Z");
	value_free(v);

	int before = seen_count;
	log_debug("not wanted");
	ck_assert_int_eq(seen_count, before);
	ck_assert(!log_wants(BH_LOG_DEBUG));

	log_setup(LOG_JOURNAL, BH_LOG_DEBUG);
	log_at(BH_LOG_ERROR, "aws-sso/main", "it is %d", 3);
	ck_assert_str_eq(seen, "<3>aws-sso/main: it is 3");
	log_setup(LOG_HUMAN, BH_LOG_DEBUG);
	log_debug("hello");
	ck_assert_ptr_nonnull(strstr(seen, "10:00:00Z"));
	ck_assert_ptr_nonnull(strstr(seen, "host: hello"));
	log_sink(NULL, NULL);
}
END_TEST

START_TEST(long_line)
{
	BH_AUTO_FREE char *big = xcalloc(100001, 1);

	memset(big, 'x', 100000);
	log_sink(sink, NULL);
	log_setup(LOG_JOURNAL, BH_LOG_INFO);
	seen_count = 0;
	log_info("%s", big);
	ck_assert_int_eq(seen_count, 1);
	ck_assert_uint_gt(strlen(seen), 8000);
	log_sink(NULL, NULL);
}
END_TEST

START_TEST(names)
{
	enum log_format format;
	int level;

	ck_assert(log_format_parse("json", &format) && format == LOG_JSON);
	ck_assert(!log_format_parse("xml", &format));
	ck_assert(log_level_parse("debug", &level) && level == BH_LOG_DEBUG);
	ck_assert(!log_level_parse("loud", &level));
}
END_TEST

START_TEST(clock_frozen)
{
	int64_t real = world_now(), mono = world_mono();

	ck_assert_int_gt(real, 1600000000000);
	world_advance(60000);
	ck_assert_int_ge(world_now(), real + 60000);
	ck_assert_int_ge(world_mono(), mono + 60000);
	world_freeze(5000);
	mono = world_mono();
	ck_assert_int_eq(world_now(), 5000);
	ck_assert_int_eq(world_mono(), mono);
	world_advance(250);
	world_advance(-1000);
	ck_assert_int_eq(world_now(), 5250);
	ck_assert_int_eq(world_mono(), mono + 250);
	world_thaw();
	ck_assert_int_ge(world_now(), real);
}
END_TEST

static void
expect_time(int64_t ms, const char *text)
{
	char out[WORLD_TIME_SIZE];
	int64_t back = -1;

	ck_assert_str_eq(world_time_text(ms, true, out), text);
	ck_assert(world_time_parse(text, &back));
	ck_assert_int_eq(back, ms);
}

START_TEST(time_text)
{
	static const char *const bad[] = { "", "2026-01-05",
	    "2026-02-30T10:00:00Z", "2026-01-05T25:00:00Z",
	    "2026-01-05T10:00:00", "2026-01-05T10:00:00Zx",
	    "2026-1-5T10:00:00Z", "2026-13-05T10:00:00Z" };
	char out[WORLD_TIME_SIZE];
	int64_t ms;

	expect_time(0, "1970-01-01T00:00:00.000Z");
	expect_time(1767607200123, "2026-01-05T10:00:00.123Z");
	expect_time(4102444799999, "2099-12-31T23:59:59.999Z");
	expect_time(-1, "1969-12-31T23:59:59.999Z");
	ck_assert(world_time_parse("2026-01-05 10:00:00Z", &ms));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!world_time_parse(bad[i], &ms), "%s", bad[i]);
	ck_assert_ptr_nonnull(world_time_text(INT64_MAX, false, out));
}
END_TEST

static unsigned char dice;

static void
loaded_dice(void *out, size_t len)
{
	unsigned char *p = out;

	while (len-- > 0)
		*p++ = dice++;
}

START_TEST(ids)
{
	char id[9], hex[33], hash[SHA256_HEX_SIZE];
	unsigned count[256] = { 0 };

	world.random = loaded_dice;
	for (int i = 0; i < 31 * 8; i++) {
		ids_short(id, 1);
		count[(unsigned char)id[0]]++;
	}
	/* Loaded so that each byte comes once: fair means eight of each. */
	for (int c = 0; c < 256; c++)
		ck_assert(count[c] == 0 || count[c] == 8);
	for (const char *c = "0O1ILil"; *c != '\0'; c++)
		ck_assert_uint_eq(count[(unsigned char)*c], 0);
	ids_short(id, 8);
	ck_assert_uint_eq(strlen(id), 8);
	dice = 0xfe;
	ids_hex(hex, 3);
	ck_assert_str_eq(hex, "feff00");
	sha256_hex(hash, "abc", 3);
	ck_assert_str_eq(hash, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(random_bytes)
{
	unsigned char a[5000] = { 0 }, b[5000] = { 0 };

	world_random(a, sizeof(a));
	world_random(b, sizeof(b));
	ck_assert(memcmp(a, b, sizeof(a)) != 0);
	ck_assert(memcmp(a + 4950, b + 4950, 50) != 0);
}
END_TEST

struct thing {
	unsigned magic;
#define THING_MAGIC 0x7468696eu
	int x;
};

START_TEST(magic_right)
{
	struct thing t = { THING_MAGIC, 7 };
	void *p = &t;

	ck_assert_int_eq(CAST(struct thing, p, THING_MAGIC)->x, 7);
	CHECK_MAGIC(&t, THING_MAGIC);
}
END_TEST

START_TEST(magic_wrong)
{
	struct thing t = { THING_MAGIC, 7 };
	void *p = &t;

	KILL_MAGIC(&t);
	(void)CAST(struct thing, p, THING_MAGIC);
}
END_TEST

START_TEST(magic_null)
{
	void *p = NULL;

	(void)CAST(struct thing, p, THING_MAGIC);
}
END_TEST

START_TEST(memory)
{
	BH_AUTO_FREE char *a = xasprintf("%s-%d", "a", 1);
	BH_AUTO_FREE char *b = xstrndup("abcdef", 3);
	BH_AUTO_FREE int *c = xcalloc(3, sizeof(int));

	ck_assert_str_eq(a, "a-1");
	ck_assert_str_eq(b, "abc");
	ck_assert_int_eq(c[2], 0);
	ck_assert_ptr_null(xstrdup(NULL));
	xfree_secret(NULL, 3);
	xfree_secret(xstrdup("secret"), 6);
}
END_TEST

START_TEST(memory_overflow)
{
	free(xrealloc(NULL, SIZE_MAX / 2, 4));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-log");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tc, redact);
	tcase_add_test(tc, control);
	tcase_add_test(tc, lines);
	tcase_add_test(tc, long_line);
	tcase_add_test(tc, names);
	tcase_add_test(tc, clock_frozen);
	tcase_add_test(tc, time_text);
	tcase_add_test(tc, ids);
	tcase_add_test(tc, random_bytes);
	tcase_add_test(tc, magic_right);
	tcase_add_test_raise_signal(tc, magic_wrong, SIGABRT);
	tcase_add_test_raise_signal(tc, magic_null, SIGABRT);
	tcase_add_test(tc, memory);
	tcase_add_test_raise_signal(tc, memory_overflow, SIGABRT);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
