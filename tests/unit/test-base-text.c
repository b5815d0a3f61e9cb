/*
 * test-base-text.c - text, globs, nearness, durations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <time.h>

#include "host/base/duration.h"
#include "host/base/mem.h"
#include "host/base/text.h"

START_TEST(utf8)
{
	ck_assert(text_utf8_ok("", 0));
	ck_assert(text_utf8_ok("aé€😀", strlen("aé€😀")));
	ck_assert(text_utf8_ok("a\0b", 3));
	ck_assert(!text_utf8_ok("\xc0\x80", 2));	/* overlong NUL */
	ck_assert(!text_utf8_ok("\xe0\x80\xaf", 3));
	ck_assert(!text_utf8_ok("\xed\xa0\x80", 3));	/* surrogate */
	ck_assert(!text_utf8_ok("\xf4\x90\x80\x80", 4));	/* over 10FFFF */
	ck_assert(!text_utf8_ok("\xf5\x80\x80\x80", 4));
	ck_assert(!text_utf8_ok("\xe2\x82", 2));	/* cut short */
	ck_assert(!text_utf8_ok("\x80", 1));
	ck_assert(!text_utf8_ok("\xff", 1));

	const char *s = "\xe2\x82";
	ck_assert_uint_eq(text_next(&s), 0xfffd);
	ck_assert_uint_eq(text_next(&s), 0xfffd);
	ck_assert_uint_eq(text_next(&s), 0);
	ck_assert_uint_eq(text_next(&s), 0);
}
END_TEST

static void
expect_clean(const char *in, size_t max, bool lines, const char *want)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(1024);

	(lines ? text_clean_lines : text_clean)(&b, in, max);
	ck_assert_str_eq(bh_buf_text(&b), want);
}

/* Wherever in a run of ASCII it stands, and however much follows. */
START_TEST(utf8_anywhere)
{
	for (size_t at = 0; at < 24; at++)
		for (size_t len = at + 1; len < 32; len++) {
			char text[32];

			memset(text, 'a', sizeof(text));
			text[at] = (char)0x80;
			ck_assert(!text_utf8_ok(text, len));
			text[at] = (char)0xff;
			ck_assert(!text_utf8_ok(text, len));
			text[at] = (char)0xc3;
			text[at + 1] = (char)0xa9;
			ck_assert(text_utf8_ok(text, len) == (len > at + 1));
		}
}
END_TEST

START_TEST(clean)
{
	expect_clean("  plain  text ", 100, false, "plain text");
	expect_clean("a\nb\r\n\tc", 100, false, "a b c");
	expect_clean("pay\xe2\x80\xaeload", 100, false, "payload");
	expect_clean("a\xe2\x80\x8b \xe2\x80\x8b b", 100, false, "a b");
	expect_clean("\x1b[31mred\x07", 100, false, "[31mred");
	expect_clean("x\xc2\x9bz", 100, false, "xz");		/* C1 CSI */
	expect_clean("bad\xff", 100, false, "bad\xef\xbf\xbd");
	expect_clean("tag\xf3\xa0\x81\x81!", 100, false, "tag!");
	expect_clean("\xef\xbb\xbfmark", 100, false, "mark");
	expect_clean("Zoë 😀", 100, false, "Zoë 😀");
	expect_clean("abcdef", 6, false, "abcdef");
	expect_clean("abcdefg", 6, false, "abcde…");
	expect_clean("éééé", 3, false, "éé…");
	expect_clean("abc   ", 3, false, "abc");
	expect_clean("abc", 0, false, "");
	expect_clean("\xe2\x80\x8b\n ", 5, false, "");
	expect_clean("one\ntwo\n\n\n\nthree\n", 100, true,
	    "one\ntwo\n\nthree");
}
END_TEST

/* What plugins have: the same eyes, but blanks stay as they are. */
START_TEST(sdk_clean)
{
	static const struct { const char *in; bool lines; const char *want; }
	    rows[] = {
		{ "  two  blanks ", false, "  two  blanks " },
		{ "a\nb\r\n\tc", false, "a b  c" },
		{ "a\nb\r\n\tc\rd", true, "a\nb\n c\nd" },
		{ "x\xc2\x85y\xe2\x80\xa8z", true, "x\ny\nz" },
		{ "pay\xe2\x80\xaeload\xe2\x80\x8b\x1b", true, "payload" },
		{ "bad\xff\xed\xa0\x80\xc3", false, "bad\xef\xbf\xbd"
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "tag\xf3\xa0\x81\x81 Zo\xc3\xab \xf0\x9f\x98\x80", false,
		  "tag Zo\xc3\xab \xf0\x9f\x98\x80" },
		{ "over\xc0\xaflong\xf0\x8f\xbf\xbf", false, "over\xef\xbf"
		  "\xbd\xef\xbf\xbdlong\xef\xbf\xbd\xef\xbf\xbd"
		  "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\xbf\xbe", false, "" },	/* no character */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_BUF struct bh_buf b = BH_BUF(1000);

		bh_buf_clean(&b, rows[i].in, rows[i].lines);
		ck_assert_str_eq(bh_buf_text(&b), rows[i].want);
	}
}
END_TEST

START_TEST(glob)
{
	ck_assert(text_glob("*", ""));
	ck_assert(text_glob("", ""));
	ck_assert(!text_glob("", "a"));
	ck_assert(!text_glob("?", ""));
	ck_assert(text_glob("?", "é"));
	ck_assert(!text_glob("?", "ab"));
	ck_assert(text_glob("acme/#pay*", "acme/#payments"));
	ck_assert(!text_glob("acme/#pay*", "acme/#platform"));
	ck_assert(text_glob("/Payments/**", "/Payments/Prod/EU"));
	ck_assert(!text_glob("/Payments/**", "/Payment"));
	ck_assert(text_glob("a*b*c", "aXbYbZc"));
	ck_assert(!text_glob("a*b*c", "aXbYbZ"));
	ck_assert(text_glob("*b", "ababab"));
	ck_assert(text_glob("a\\*b", "a*b"));
	ck_assert(!text_glob("a\\*b", "axb"));
	ck_assert(text_glob("a\\", "a\\"));
	ck_assert(!text_glob("Prod", "prod"));
	ck_assert(text_glob_fold("Prod*", "pRODuct"));
	ck_assert(text_glob("*é*", "caféX"));
}
END_TEST

/* A pattern made to go back for ever stays cheap. */
START_TEST(glob_bomb)
{
	char pattern[201], text[20001];

	for (size_t i = 0; i < 200; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[199] = 'b';
	pattern[200] = '\0';
	memset(text, 'a', 20000);
	text[20000] = '\0';
	ck_assert(!text_glob(pattern, text));
	text[19999] = 'b';
	ck_assert(text_glob(pattern, text));
}
END_TEST

START_TEST(distance)
{
	static const char *const names[] = { "approve", "deny", NULL,
	    "elevate", "revoke", "prod-payments" };

	ck_assert_uint_eq(text_distance("", ""), 0);
	ck_assert_uint_eq(text_distance("", "abc"), 3);
	ck_assert_uint_eq(text_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(text_distance("elevaet", "elevate"), 1);
	ck_assert_uint_eq(text_distance("DENY", "deny"), 0);
	ck_assert_str_eq(text_nearest("aprove", names, 6), "approve");
	ck_assert_str_eq(text_nearest("elvate", names, 6), "elevate");
	ck_assert_str_eq(text_nearest("prod", names, 6), "prod-payments");
	ck_assert_str_eq(text_nearest("prod-pay", names, 6), "prod-payments");
	ck_assert_ptr_null(text_nearest("zzzzzz", names, 6));
	ck_assert_ptr_null(text_nearest("", names, 6));
}
END_TEST

START_TEST(width)
{
	ck_assert_uint_eq(text_width("abc"), 3);
	ck_assert_uint_eq(text_width("Zoë"), 3);
	ck_assert_uint_eq(text_width("e\xcc\x81"), 1);
	ck_assert_uint_eq(text_width("日本"), 4);
	ck_assert_uint_eq(text_width("╭─╮"), 3);
	ck_assert_uint_eq(text_width("😀"), 2);
	ck_assert_uint_eq(text_width("…·"), 2);
}
END_TEST

START_TEST(email)
{
	char out[64];

	ck_assert_int_eq(text_fold_email(out, sizeof(out), "Ada@Acme.Example"),
	    BH_OK);
	ck_assert_str_eq(out, "ada@acme.example");
	ck_assert_int_lt(text_fold_email(out, sizeof(out), "ada"), 0);
	ck_assert_str_eq(out, "");
	ck_assert_int_lt(text_fold_email(out, sizeof(out), "a@b@c"), 0);
	ck_assert_int_lt(text_fold_email(out, sizeof(out), "@b"), 0);
	ck_assert_int_lt(text_fold_email(out, sizeof(out), "a@"), 0);
	ck_assert_int_lt(text_fold_email(out, sizeof(out), "a b@c"), 0);
	ck_assert_int_lt(text_fold_email(out, sizeof(out), "a\xe2\x80\x8b@c"),
	    0);
	ck_assert_int_lt(text_fold_email(out, sizeof(out), "<a@c>"), 0);
	ck_assert_int_lt(text_fold_email(out, 5, "ada@acme.example"), 0);
	ck_assert(text_same_fold("A", "a"));
	ck_assert(!text_same_fold(NULL, "a"));
	ck_assert(text_same_secret("abc", "abc"));
	ck_assert(!text_same_secret("abc", "abd"));
	ck_assert(!text_same_secret("abc", "ab"));
	ck_assert(!text_same_secret(NULL, NULL));
}
END_TEST

START_TEST(duration)
{
	static const struct { const char *text; int64_t ms; } good[] = {
		{ "90s", 90000 }, { "30m", 1800000 }, { "1h30m", 5400000 },
		{ "1h 30m", 5400000 }, { "2d", 172800000 }, { "250ms", 250 },
		{ "PT1H", 3600000 }, { "PT1H30M", 5400000 },
		{ "P1DT2H", 93600000 }, { "0s", 0 }, { "45 min", 2700000 },
		{ "2 hours", 7200000 }, { "1H", 3600000 },
	};
	static const char *const bad[] = { "", "30", "m", "h1", "1h2h", "30x",
	    "-5m", "1.5h", "P", "PT", "PT1", "P1H", "PT1D", "5m1h",
	    "99999999999999999999s", "4000d", "1h,", "PT1H ", "400000000000h",
	    "PTT1H" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(duration_parse(good[i].text, NULL) == good[i].ms,
		    "%s", good[i].text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *error = NULL;

		ck_assert_msg(duration_parse(bad[i], &error) < 0, "%s", bad[i]);
		ck_assert_ptr_nonnull(error);
	}
	ck_assert_int_lt(duration_parse(NULL, NULL), 0);
}
END_TEST

static void
expect_format(int64_t ms, const char *want)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(64);

	duration_format(&b, ms);
	ck_assert_str_eq(bh_buf_text(&b), want);
}

START_TEST(duration_text)
{
	expect_format(0, "0 ms");
	expect_format(250, "250 ms");
	expect_format(45000, "45 s");
	expect_format(90000, "1 min 30 s");
	expect_format(5400000, "1 h 30 min");
	expect_format(3600000, "1 h");
	expect_format(3601000, "1 h");
	expect_format(183600000, "2 d 3 h");
	expect_format(-60000, "-1 min");
	expect_format(INT64_MIN, "-106751991167 d 7 h");
}
END_TEST

#define DAY	(24 * 3600 * INT64_C(1000))
#define NOON	INT64_C(1767614400000)		/* 2026-01-05 12:00 UTC */

static void
expect_when(int64_t ms, int64_t now, const char *want, bool known)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(64);

	ck_assert_int_eq(bh_buf_when(&b, ms, now), known);
	ck_assert_str_eq(bh_buf_text(&b), want);
}

START_TEST(sdk_when)
{
	expect_when(NOON, NOON, "12:00 UTC", true);
	expect_when(NOON + DAY / 2 - 1, NOON, "23:59 UTC", true);
	expect_when(NOON + DAY / 2, NOON, "6 Jan 00:00 UTC", true);
	expect_when(NOON - 5 * DAY, NOON, "31 Dec 2025 12:00 UTC", true);
	expect_when(NOON + 54 * DAY, NOON, "28 Feb 12:00 UTC", true);
	expect_when(NOON + 55 * DAY, NOON, "1 Mar 12:00 UTC", true);
	expect_when(INT64_C(1835352000000), NOON, "28 Feb 2028 12:00 UTC",
	    true);
	expect_when(INT64_C(1835438400000), INT64_C(1835352000000),
	    "29 Feb 12:00 UTC", true);
	expect_when(0, NOON, "at an unknown time", false);
	expect_when(-1, NOON, "at an unknown time", false);
	expect_when(INT64_MAX, NOON, "at an unknown time", false);
	expect_when(INT64_C(253402300799999), NOON, "31 Dec 9999 23:59 UTC",
	    true);
	/* The C library agrees about every day of four centuries. */
	for (int64_t day = 366; day < 146097; day++) {
		time_t at = (time_t)(day * 86400);
		struct tm tm;
		char want[64];
		BH_AUTO_BUF struct bh_buf b = BH_BUF(64);

		gmtime_r(&at, &tm);
		strftime(want, sizeof(want), "%d %b %Y %H:%M UTC", &tm);
		bh_buf_when(&b, day * DAY, 0);
		ck_assert_str_eq(bh_buf_text(&b), want + (*want == '0'));
	}
}
END_TEST

START_TEST(sdk_http_date)
{
	static const char *const bad[] = { NULL, "", "yesterday",
	    "Mon, 05 Jan 2026 10:00:00", "Mon, 05 Jan 2026 10:00:00 CET",
	    "Mon, 05 anF 2026 10:00:00 GMT", "Mon, 05 Xxx 2026 10:00:00 GMT",
	    "Mon, 32 Jan 2026 10:00:00 GMT", "Mon, 05 Jan 2026 24:00:00 GMT",
	    "Mon, 05 Jan 2026 10:60:00 GMT", "Mon, 05 Jan 1969 10:00:00 GMT",
	    "Mon, 05 J 2026 10:00:00 GMT", "Mon, 05 Jan 2026 10:00:00 GMT+1",
	    "Monday, 05-Jan-26 10:00:00 GMT" };

	ck_assert_int_eq(bh_http_date("Mon, 05 Jan 2026 12:00:00 GMT"), NOON);
	ck_assert_int_eq(bh_http_date("Thu, 01 Jan 1970 00:00:01 GMT"), 1000);
	ck_assert_int_eq(bh_http_date("Tue, 29 Feb 2028 12:00:00 GMT"),
	    INT64_C(1835438400000));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(bh_http_date(bad[i]) == -1, "%zu", i);
}
END_TEST

START_TEST(sdk_link)
{
	static const char *const bad[] = { NULL, "", "http://a.example/",
	    "https://", "https:///x", "HTTPS://a.example", "javascript:x",
	    "https://a.example/ b", "https://a.example/\n",
	    "https://a.example/\"", "https://a.example/<b>",
	    "https://a.example/\xc3\xa4", "https://a.example|b" };
	BH_AUTO_BUF struct bh_buf longest = BH_BUF(4000);

	ck_assert(bh_link_ok("https://a.example"));
	ck_assert(bh_link_ok("https://a.example/b?c=d&e=(f)#g%20"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!bh_link_ok(bad[i]), "%zu", i);
	bh_buf_puts(&longest, "https://a");
	while (longest.len < 2000)
		bh_buf_puts(&longest, "b");
	ck_assert(bh_link_ok(longest.data));
	bh_buf_puts(&longest, "b");
	ck_assert(!bh_link_ok(longest.data));
}
END_TEST

START_TEST(sdk_part)
{
	const char *text = "Two of them:\nprod  Ada\ntest  Bob\n\nThat is all.";
	bool columns;
	size_t n = bh_text_part(text, &columns);

	ck_assert(!columns);
	ck_assert_uint_eq(n, strlen("Two of them:\n"));
	text += n;
	n = bh_text_part(text, &columns);
	ck_assert(columns);
	ck_assert_uint_eq(n, strlen("prod  Ada\ntest  Bob\n\n"));
	text += n;
	n = bh_text_part(text, &columns);
	ck_assert(!columns);
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_uint_eq(bh_text_part("", &columns), 0);
	/* The end of a sentence, and blanks at the end of a line, are none. */
	bh_text_part("So it is.  And so on.", &columns);
	ck_assert(!columns);
	bh_text_part("so  \n", &columns);
	ck_assert(!columns);
	bh_text_part("  so", &columns);
	ck_assert(columns);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-text");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tc, utf8);
	tcase_add_test(tc, utf8_anywhere);
	tcase_add_test(tc, clean);
	tcase_add_test(tc, sdk_clean);
	tcase_add_test(tc, sdk_when);
	tcase_add_test(tc, sdk_http_date);
	tcase_add_test(tc, sdk_link);
	tcase_add_test(tc, sdk_part);
	tcase_add_test(tc, glob);
	tcase_add_test(tc, glob_bomb);
	tcase_add_test(tc, distance);
	tcase_add_test(tc, width);
	tcase_add_test(tc, email);
	tcase_add_test(tc, duration);
	tcase_add_test(tc, duration_text);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
