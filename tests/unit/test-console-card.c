/* test-console-card.c - cards of the console, drawn and compared whole.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <time.h>

#include "plugins/console/console.h"

#define NOON	1767607200000	/* 2026-01-05 10:00 UTC */
#define MINUTES	60000

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct bh_buf out = BH_BUF(65536);

static const char *
draw(const struct bh_card *card, size_t columns, bool colour)
{
	struct console_look look = { .columns = columns, .colour = colour,
		.now = NOON };

	bh_buf_clear(&out);
	console_card(&out, card, &look);
	return bh_buf_text(&out);
}

/* Every line of a drawing is as wide as it should be. */
static void
same_width(const char *drawing, size_t columns)
{
	while (*drawing != '\0') {
		size_t len = strcspn(drawing, "\n");

		ck_assert_uint_eq(console_width(drawing, len), columns);
		drawing += len + 1;
	}
}

static struct bh_card
grant_card(void)
{
	static const struct bh_span title[] = { { BH_SPAN_STRONG, "7QK2",
	    NULL, 0 }, { BH_SPAN_TEXT, " · waiting for approval", NULL, 0 } };
	static const struct bh_span account[] = { { BH_SPAN_STRONG,
	    "prod-payments", NULL, 0 }, { BH_SPAN_TEXT, "  (111122223333)",
	    NULL, 0 } };
	static const struct bh_span who[] = { { BH_SPAN_PERSON,
	    "Ada Lovelace", "p1", 0 }, { BH_SPAN_TEXT,
	    " · PAY-812 stuck settlement job", NULL, 0 } };
	static const struct bh_span note[] = { { BH_SPAN_TEXT, "asked ",
	    NULL, 0 }, { BH_SPAN_TIME, NULL, NULL, NOON + 2 * MINUTES },
	    { BH_SPAN_TEXT, " · lapses ", NULL, 0 },
	    { BH_SPAN_TIME, NULL, NULL, NOON + 1440 * MINUTES } };
	static const struct bh_field fields[] = { { "Account", account, 2 },
	    { "Asked by", who, 2 } };
	static const struct bh_button buttons[] = {
	    { "approve", "approve", "7QK2", BH_PRIMARY, "t1" },
	    { "deny", "deny", "7QK2", BH_DANGER, "t2" } };

	return (struct bh_card){ .title = title, .title_count = COUNT(title),
	    .colour = BH_YELLOW, .fields = fields,
	    .fields_count = COUNT(fields), .buttons = buttons,
	    .buttons_count = COUNT(buttons), .note = note,
	    .note_count = COUNT(note) };
}

START_TEST(a_card_is_a_box)
{
	struct bh_card card = grant_card();

	ck_assert_str_eq(draw(&card, 66, false),
"╭ 7QK2 · waiting for approval ───────────────────────────────────╮\n"
"│ Account     prod-payments  (111122223333)                      │\n"
"│ Asked by    Ada Lovelace · PAY-812 stuck settlement job        │\n"
"│ [approve] [deny]      asked 10:02 UTC · lapses 6 Jan 10:00 UTC │\n"
"╰────────────────────────────────────────────────────────────────╯\n");
}
END_TEST

START_TEST(long_values_wrap_and_the_note_goes_below)
{
	struct bh_card card = grant_card();

	ck_assert_str_eq(draw(&card, 44, false),
"╭ 7QK2 · waiting for approval ─────────────╮\n"
"│ Account     prod-payments                │\n"
"│             (111122223333)               │\n"
"│ Asked by    Ada Lovelace · PAY-812 stuck │\n"
"│             settlement job               │\n"
"│ [approve] [deny]                         │\n"
"│ asked 10:02 UTC · lapses 6 Jan 10:00 UTC │\n"
"╰──────────────────────────────────────────╯\n");
	ck_assert_ptr_nonnull(strstr(draw(&card, 40, false),
"│ [approve] [deny]                     │\n"
"│ asked 10:02 UTC · lapses 6 Jan 10:00 │\n"
"│                                  UTC │\n"));
}
END_TEST

START_TEST(the_line_form_holds_title_and_note)
{
	struct bh_card card = grant_card();
	struct console_look look = { .columns = 78, .now = NOON };

	/* With both buttons it would be too long: then nothing is left out,
	 * but the box is drawn. */
	bh_buf_clear(&out);
	ck_assert(!console_card_line(&out, &card, &look));
	card.buttons_count = 0;
	ck_assert(console_card_line(&out, &card, &look));
	ck_assert_str_eq(bh_buf_text(&out), "╭ 7QK2 · waiting for approval "
	    "──── asked 10:02 UTC · lapses 6 Jan 10:00 UTC ─╮\n");
	card.note_count = 0;
	look.columns = 34;
	bh_buf_clear(&out);
	ck_assert(console_card_line(&out, &card, &look));
	ck_assert_str_eq(bh_buf_text(&out),
	    "╭ 7QK2 · waiting for approval ───╮\n");
	/* A note that does not fit is not left out: the box is drawn. */
	card.note_count = 2;
	bh_buf_clear(&out);
	ck_assert(!console_card_line(&out, &card, &look));
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

static struct bh_card
one_field(const char *title, const char *label, const char *value)
{
	static struct bh_span t, v;
	static struct bh_field f;

	t = (struct bh_span){ BH_SPAN_TEXT, title, NULL, 0 };
	v = (struct bh_span){ BH_SPAN_TEXT, value, NULL, 0 };
	f = (struct bh_field){ label, &v, 1 };
	return (struct bh_card){ .title = &t, .title_count = 1,
	    .colour = BH_GREY, .fields = &f, .fields_count = 1 };
}

START_TEST(wide_and_combining_characters_keep_the_border_straight)
{
	struct bh_card card = one_field("申請 e\xcc\x81", "理由",
	    "日本語日本語日本語 cafe\xcc\x81");

	ck_assert_str_eq(draw(&card, 34, false),
"╭ 申請 e\xcc\x81 ────────────────────────╮\n"
"│ 理由      日本語日本語日本語   │\n"
"│           cafe\xcc\x81                 │\n"
"╰────────────────────────────────╯\n");
	same_width(draw(&card, 34, false), 34);
}
END_TEST

START_TEST(one_long_word_is_cut_between_characters)
{
	struct bh_card card = one_field("x", NULL,
	    "ééééééééééééééééééééééééé日日日日日日日日日日");

	ck_assert_str_eq(draw(&card, 24, false),
"╭ x ───────────────────╮\n"
"│ éééééééééééééééééééé │\n"
"│ ééééé日日日日日日日  │\n"
"│ 日日日               │\n"
"╰──────────────────────╯\n");
}
END_TEST

START_TEST(any_width_gives_straight_boxes)
{
	struct bh_card card = grant_card();

	for (size_t columns = 24; columns <= 100; columns++)
		same_width(draw(&card, columns, false), columns);
}
END_TEST

START_TEST(a_long_title_is_cut_with_a_mark)
{
	struct bh_card card = one_field(
	    "a title that is longer than the box has room", "A", "b");
	const char *drawing = draw(&card, 30, false);

	same_width(drawing, 30);
	ck_assert_ptr_nonnull(strstr(drawing, "that is longer…"));
}
END_TEST

START_TEST(controls_are_neutralised)
{
	struct bh_card card = one_field("a\033[2Jb", "c\rd",
	    "e\nf\tg\x9bh\xe2\x80\xaei\xe2\x80\x8bj\xffk");
	const char *drawing = draw(&card, 60, false);

	ck_assert_ptr_null(strchr(drawing, '\033'));
	ck_assert_ptr_null(strchr(drawing, '\r'));
	ck_assert_ptr_null(strchr(drawing, '\t'));
	ck_assert_ptr_null(strstr(drawing, "\xe2\x80\xae"));
	ck_assert_ptr_null(strstr(drawing, "\xe2\x80\x8b"));
	ck_assert_ptr_nonnull(strstr(drawing,
	    "e f g\xef\xbf\xbdh\xef\xbf\xbdij\xef\xbf\xbdk"));
	same_width(drawing, 60);
}
END_TEST

START_TEST(colours_only_when_wanted)
{
	struct bh_card card = grant_card();

	ck_assert_ptr_null(strchr(draw(&card, 78, false), '\033'));
	ck_assert_ptr_nonnull(strstr(draw(&card, 78, true), "\033[33m╭"));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&out),
	    "\033[1m7QK2\033[0m"));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&out),
	    "\033[31mdeny\033[0m"));
}
END_TEST

START_TEST(links_say_where_they_lead)
{
	struct bh_span link = { BH_SPAN_LINK, "the console",
		"https://aws.example/x", 0 };
	struct bh_card card = one_field("t", "l", "v");
	struct bh_field f = { "Go", &link, 1 };

	card.fields = &f;
	ck_assert_ptr_nonnull(strstr(draw(&card, 78, false),
	    "the console (https://aws.example/x)"));
}
END_TEST

START_TEST(words_are_whole_whatever_the_width)
{
	struct bh_card card = grant_card();

	bh_buf_clear(&out);
	console_card_words(&out, &card, NOON);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&out),
	    "7QK2 · waiting for approval\n"));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&out),
	    "Asked by  Ada Lovelace · PAY-812 stuck settlement job\n"));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&out),
	    "[approve] [deny] "));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("console-card");
	TCase *t = tcase_create("card");
	SRunner *runner = srunner_create(s);
	int failed;

	setenv("TZ", "UTC", 1);
	tzset();
	tcase_add_test(t, a_card_is_a_box);
	tcase_add_test(t, long_values_wrap_and_the_note_goes_below);
	tcase_add_test(t, the_line_form_holds_title_and_note);
	tcase_add_test(t,
	    wide_and_combining_characters_keep_the_border_straight);
	tcase_add_test(t, one_long_word_is_cut_between_characters);
	tcase_add_test(t, any_width_gives_straight_boxes);
	tcase_add_test(t, a_long_title_is_cut_with_a_mark);
	tcase_add_test(t, controls_are_neutralised);
	tcase_add_test(t, colours_only_when_wanted);
	tcase_add_test(t, links_say_where_they_lead);
	tcase_add_test(t, words_are_whole_whatever_the_width);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	bh_buf_release(&out);
	return failed == 0 ? 0 : 1;
}
