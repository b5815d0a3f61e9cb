/* test-teams-card.c - cards for Teams: what they show, and what they cannot.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-card.h"

static const struct bh_span title[] = { { BH_SPAN_STRONG, "7QK2", NULL, 0 },
    { BH_SPAN_TEXT, " · waiting for approval", NULL, 0 } };
static const struct bh_span account[] = { { BH_SPAN_STRONG, "prod-payments",
    NULL, 0 }, { BH_SPAN_TEXT, "  (111122223333)", NULL, 0 } };
static const struct bh_span asked[] = { { BH_SPAN_PERSON, "Ada Lovelace",
    "P1", 0 }, { BH_SPAN_TEXT, " · PAY-812 stuck", NULL, 0 } };
static const struct bh_span more[] = { { BH_SPAN_CODE, "sts:AssumeRole", NULL,
    0 }, { BH_SPAN_TEXT, " see ", NULL, 0 }, { BH_SPAN_LINK, "the runbook",
    "https://wiki.acme.example/runbook?a=1&b=2", 0 } };
static const struct bh_span note[] = { { BH_SPAN_TEXT, "asked ", NULL, 0 },
    { BH_SPAN_TIME, NULL, NULL, FAKE_START + 120000 },
    { BH_SPAN_TEXT, " · lapses ", NULL, 0 },
    { BH_SPAN_TIME, NULL, NULL, FAKE_START + 24 * 3600 * 1000 } };
static const struct bh_field fields[] = { { "Account", account, 2 },
    { "Asked by", asked, 2 }, { "", more, 3 } };
static const struct bh_button buttons[] = {
    { "approve", "approve", "7QK2", BH_PRIMARY, "token-1" },
    { "deny", "deny", "7QK2", BH_DANGER, "token-2" },
    { "show", "show", "7QK2", BH_PLAIN, "token-3" } };
static const struct bh_card usual = { .title = title, .title_count = 2,
    .colour = BH_YELLOW, .fields = fields, .fields_count = 3,
    .buttons = buttons, .buttons_count = 3, .note = note, .note_count = 4 };

static struct bh_value *
draw(const struct bh_card *card)
{
	bh_buf_clear(&out);
	teams_card_json(w.teams, &out, card);
	return read_out();
}

START_TEST(says_all)
{
	struct bh_value *v = draw(&usual);
	struct bh_buf words = BH_BUF(1u << 16);

	ck_assert_str_eq(bh_get_text(v, "type"), "AdaptiveCard");
	ck_assert_str_eq(bh_get_text(v, "version"), "1.5");
	ck_assert_str_eq(bh_get_text(bh_get(v, "msteams"), "width"), "Full");
	ck_assert_str_eq(bh_get_text(nth(v, "Container", 0), "style"),
	    "warning");
	words_of(v, "RichTextBlock", &words);
	ck_assert_str_eq(bh_buf_text(&words), "7QK2 · waiting for approval\n"
	    "Account\nprod-payments  (111122223333)\n"
	    "Asked by\nAda Lovelace · PAY-812 stuck\n"
	    "sts:AssumeRole see the runbook\n"
	    "asked 10:02 UTC · lapses 6 Jan 10:00 UTC\n");
	words_of(v, "TextBlock", &words);
	ck_assert_str_eq(bh_buf_text(&words), "<at>Ada Lovelace</at>\n"
	    "10:02 UTC = {{TIME(2026-01-05T10:02:00Z)}} "
	    "{{DATE(2026-01-05T10:02:00Z,SHORT)}} · 6 Jan 10:00 UTC = "
	    "{{TIME(2026-01-06T10:00:00Z)}} "
	    "{{DATE(2026-01-06T10:00:00Z,SHORT)}} where you are\n");
	ck_assert_uint_eq(count_type(v, "FactSet"), 0);
	ck_assert_uint_eq(count_type(v, "Action.OpenUrl"), 1);
	ck_assert_str_eq(bh_get_text(nth(v, "Action.OpenUrl", 0), "url"),
	    "https://wiki.acme.example/runbook?a=1&b=2");
	bh_buf_release(&words);
	bh_json_free(&w.fake->host, v);
}
END_TEST

START_TEST(buttons_carry_tokens)
{
	static const char *const styles[] = { "positive", "destructive",
	    NULL };
	struct bh_value *v = draw(&usual);

	ck_assert_uint_eq(bh_get(v, "actions")->count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct bh_value *e = nth(v, "Action.Execute", i);
		const struct bh_value *f = bh_get(e, "fallback");

		ck_assert_str_eq(bh_get_text(e, "title"), buttons[i].label);
		ck_assert_str_eq(bh_get_text(e, "verb"), "bellhop");
		ck_assert_str_eq(bh_get_text(bh_get(e, "data"),
		    "bellhop-button"), buttons[i].token);
		ck_assert_uint_eq(bh_get(e, "data")->count, 1);
		ck_assert_ptr_null(bh_get(e, "mode"));
		ck_assert_str_eq(bh_get_text(f, "type"), "Action.Submit");
		ck_assert_str_eq(bh_get_text(bh_get(f, "data"),
		    "bellhop-button"), buttons[i].token);
		if (styles[i] != NULL)
			ck_assert_str_eq(bh_get_text(e, "style"), styles[i]);
		else
			ck_assert_ptr_null(bh_get(e, "style"));
	}
	/* What the command is stays here. */
	ck_assert_ptr_null(strstr(bh_buf_text(&out), "\"deny 7QK2"));
	bh_json_free(&w.fake->host, v);
}
END_TEST

START_TEST(seven_buttons_overflow)
{
	struct bh_button many[12];
	struct bh_card card = usual;
	size_t shown = 0;
	struct bh_value *v;

	for (size_t i = 0; i < 12; i++)
		many[i] = (struct bh_button){ "go", "go", NULL, 0, "token" };
	card.buttons = many;
	card.buttons_count = 6;
	v = draw(&card);
	ck_assert_ptr_null(strstr(bh_buf_text(&out), "secondary"));
	bh_json_free(&w.fake->host, v);
	card.buttons_count = 12;
	v = draw(&card);
	for (BH_EACH(a, bh_get(v, "actions")))
		shown += bh_get(a, "mode") == NULL;
	/* And the menu itself is the sixth. */
	ck_assert_uint_eq(shown, 5);
	ck_assert_uint_eq(bh_get(v, "actions")->count, 12);
	bh_json_free(&w.fake->host, v);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Mentions                                                            */

static const struct bh_value *
entities(const struct bh_value *v)
{
	return bh_get(bh_get(v, "msteams"), "entities");
}

static struct bh_value *
draw_people(const struct bh_span *spans, size_t count)
{
	struct bh_field field = { "Who", spans, count };
	struct bh_card card = { .fields = &field, .fields_count = 1 };

	return draw(&card);
}

START_TEST(mentions_accounts_of_ours)
{
	const struct bh_span spans[] = { { BH_SPAN_PERSON, "Ada Lovelace",
	    "P1", 0 }, { BH_SPAN_PERSON, "Grace Hopper", "P2", 0 },
	    { BH_SPAN_PERSON, "Nobody", "P9", 0 }, { BH_SPAN_PERSON,
	    "Ada Lovelace", "P1", 0 } };
	struct bh_value *v = draw_people(spans, 4);
	const struct bh_value *e = entities(v);

	/* Grace is elsewhere, Nobody is nobody, Ada is named once. */
	ck_assert_uint_eq(e->count, 1);
	ck_assert_str_eq(bh_get_text(e->first, "text"),
	    "<at>Ada Lovelace</at>");
	ck_assert_str_eq(bh_get_text(bh_get(e->first, "mentioned"), "id"),
	    "ada00000-0000-4000-8000-000000000001");
	ck_assert_str_eq(bh_get_text(nth(v, "TextBlock", 0), "text"),
	    "<at>Ada Lovelace</at>");
	bh_json_free(&w.fake->host, v);
}
END_TEST

START_TEST(mentions_by_the_id_of_the_chat)
{
	const struct bh_span span = { BH_SPAN_PERSON, "Ada Lovelace", "P1",
	    0 };
	struct bh_value *v;

	teams_place_add(w.teams, "a:1", SERVICE, TENANT,
	    "ada00000-0000-4000-8000-000000000001", "29:1abc-_D");
	v = draw_people(&span, 1);
	ck_assert_str_eq(bh_get_text(bh_get(entities(v)->first, "mentioned"),
	    "id"), "29:1abc-_D");
	bh_json_free(&w.fake->host, v);
}
END_TEST

/* Teams finds whom a name means by the name alone. */
START_TEST(namesakes_are_not_mixed_up)
{
	const struct bh_span spans[] = { { BH_SPAN_PERSON, "Ada Lovelace",
	    "P1", 0 }, { BH_SPAN_PERSON, "Ada *Lovelace*", "P3", 0 } };
	struct bh_value *v = draw_people(spans, 2);

	ck_assert_uint_eq(entities(v)->count, 1);
	ck_assert_str_eq(bh_get_text(bh_get(entities(v)->first, "mentioned"),
	    "id"), "ada00000-0000-4000-8000-000000000001");
	bh_json_free(&w.fake->host, v);
}
END_TEST

START_TEST(names_keep_their_letters)
{
	static const struct { const char *name, *safe; } names[] = {
		{ "Ada Lovelace", "Ada Lovelace" },
		{ "Zoë O'Neill-Łukasz", "Zoë O'Neill-Łukasz" },
		{ "山田 太郎", "山田 太郎" },
		{ "Ада", "Ада" },
		{ "**Ada** [x](https://e.example)",
		    "Ada x https e example" },
		{ "</at><at>Bob</at>", "at at Bob at" },
		{ "{{DATE(2020-01-01T00:00:00Z)}}", "DATE 2020-01-01T00 00 00Z" },
	};

	for (size_t i = 0; i < COUNT(names); i++) {
		const struct bh_span span = { BH_SPAN_PERSON, names[i].name,
		    "P1", 0 };
		struct bh_value *v = draw_people(&span, 1);

		ck_assert_str_eq(bh_get_text(bh_get(entities(v)->first,
		    "mentioned"), "name"), names[i].safe);
		bh_json_free(&w.fake->host, v);
	}
}
END_TEST

/* ------------------------------------------------------------------ */
/* Hostile texts                                                       */

/* All but what a span says stays as it is with a harmless text. */
static void
hostile_text(const char *text)
{
	static const char *const harmless = "x";
	struct bh_buf words[2] = { BH_BUF(1u << 20), BH_BUF(1u << 20) };
	struct bh_buf clean = BH_BUF(1u << 20), runs = BH_BUF(1u << 20);
	size_t parts[2], rich[2];

	if (*text == '\0')
		return;
	for (int i = 0; i < 2; i++) {
		const char *t = i == 0 ? harmless : text;
		struct bh_span spans[] = { { BH_SPAN_TEXT, t, NULL, 0 },
		    { BH_SPAN_STRONG, t, NULL, 0 }, { BH_SPAN_CODE, t, NULL,
		    0 }, { BH_SPAN_LINK, t, t, 0 }, { BH_SPAN_PERSON, t, t, 0 },
		    { BH_SPAN_TIME, t, t, FAKE_START } };
		struct bh_field two[] = { { t, spans, 6 }, { "last", spans,
		    1 } };
		struct bh_button button = { t, t, t, 0, "token" };
		struct bh_card card = { .title = spans, .title_count = 6,
		    .fields = two, .fields_count = 2, .buttons = &button,
		    .buttons_count = 1, .note = spans, .note_count = 6 };
		struct bh_value *v = draw(&card);

		words_of(v, "TextBlock", &words[i]);
		parts[i] = count_type(v, "") - count_type(v, "TextRun");
		rich[i] = count_type(v, "RichTextBlock");
		ck_assert_ptr_null(entities(v));
		ck_assert_uint_le(bh_utf16_len(bh_buf_text(&out)),
		    TEAMS_WEIGHT);
		if (i == 1)
			words_of(v, "RichTextBlock", &runs);
		bh_json_free(&w.fake->host, v);
	}
	/* No mark-up, no mention, no element more, and none less. */
	ck_assert_str_eq(bh_buf_text(&words[0]), bh_buf_text(&words[1]));
	ck_assert_uint_eq(rich[0], rich[1]);
	ck_assert_msg(parts[0] == parts[1] || bh_link_ok(text), "%s", text);
	/* A text that fits is shown to the letter. */
	bh_buf_clean(&clean, text, true);
	if (bh_utf8_len(bh_buf_text(&clean)) <= 100 && clean.len > 0)
		ck_assert_msg(strstr(bh_buf_text(&runs),
		    bh_buf_text(&clean)) != NULL, "%s", text);
	bh_buf_release(&words[0]);
	bh_buf_release(&words[1]);
	bh_buf_release(&clean);
	bh_buf_release(&runs);
}

START_TEST(hostile_texts_stay_texts)
{
	each_hostile(hostile_text);
}
END_TEST

/* The name of somebody who can be mentioned: nothing of it is mark-up. */
static void
hostile_name(const char *text)
{
	const struct bh_span span = { BH_SPAN_PERSON, text, "P1", 0 };
	struct bh_value *v = draw_people(&span, 1);
	const struct bh_value *e = entities(v);

	if (e != NULL) {
		const char *t = bh_get_text(nth(v, "TextBlock", 0), "text");
		size_t len = strlen(t);

		ck_assert_uint_eq(e->count, 1);
		ck_assert_int_eq(strncmp(t, "<at>", 4), 0);
		ck_assert_str_eq(t + len - 5, "</at>");
		for (const char *p = t + 4; p < t + len - 5; p++)
			ck_assert_msg(strchr("<>[](){}*_~`#|\\!&:/.@$%\"\n\t=+",
			    *p) == NULL, "%s", t);
		ck_assert_str_eq(bh_get_text(e->first, "text"), t);
	} else
		ck_assert_uint_eq(count_type(v, "TextBlock"), 0);
	bh_json_free(&w.fake->host, v);
}

START_TEST(hostile_names_make_one_mention)
{
	each_hostile(hostile_name);
}
END_TEST

/* The renderer that Microsoft gives away puts dates into TextRuns. */
START_TEST(dates_of_others_are_not_drawn)
{
	const struct bh_span span = { BH_SPAN_TEXT, "at "
	    "{{DATE(2026-01-01T00:00:00Z)}} {{{{TIME(x)}}", NULL, 0 };
	struct bh_value *v = draw_people(&span, 1);
	struct bh_buf words = BH_BUF(4096);

	for (size_t n = 0; nth(v, "TextRun", n) != NULL; n++)
		ck_assert_ptr_null(strstr(bh_get_text(nth(v, "TextRun", n),
		    "text"), "{{"));
	words_of(v, "RichTextBlock", &words);
	ck_assert_str_eq(bh_buf_text(&words), "Who\nat "
	    "{{DATE(2026-01-01T00:00:00Z)}} {{{{TIME(x)}}\n");
	bh_buf_release(&words);
	bh_json_free(&w.fake->host, v);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Limits                                                              */

START_TEST(huge_cards_keep_their_buttons)
{
	static char text[9001];
	struct bh_span spans[60];
	struct bh_field many[40];
	struct bh_button twelve[12];
	struct bh_card card = { .title = spans, .title_count = 60,
	    .fields = many, .fields_count = 40, .buttons = twelve,
	    .buttons_count = 12, .note = spans, .note_count = 60 };
	struct bh_buf words = BH_BUF(1u << 20);
	struct bh_value *v;

	memset(text, '"', sizeof(text) - 1);
	for (size_t i = 0; i < 60; i++)
		spans[i] = (struct bh_span){ i % 2 == 0 ? BH_SPAN_TEXT :
		    i % 4 == 1 ? BH_SPAN_PERSON : BH_SPAN_TIME, text, "P1",
		    FAKE_START + (int64_t)i * 60000 };
	for (size_t i = 0; i < 40; i++)
		many[i] = (struct bh_field){ text, spans, 60 };
	for (size_t i = 0; i < 12; i++)
		twelve[i] = (struct bh_button){ text, "go", NULL, 0,
		    "0123456789abcdef0123456789abcdef" };
	v = draw(&card);
	ck_assert_uint_le(bh_utf16_len(bh_buf_text(&out)), TEAMS_WEIGHT -
	    1500);
	ck_assert_uint_eq(bh_get(v, "actions")->count, 12);
	words_of(v, "TextBlock", &words);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&words),
	    "more lines do not fit in here)"));
	bh_json_free(&w.fake->host, v);
	/* One line of it, too. */
	card.fields_count = card.buttons_count = 1;
	v = draw(&card);
	ck_assert_uint_le(bh_utf16_len(bh_buf_text(&out)), TEAMS_WEIGHT -
	    1500);
	bh_json_free(&w.fake->host, v);
	bh_buf_release(&words);
}
END_TEST

START_TEST(weight_is_utf16)
{
	struct bh_buf wide = BH_BUF(1u << 20);
	struct bh_span span = { BH_SPAN_TEXT, NULL, NULL, 0 };
	struct bh_field many[12];
	struct bh_card card = { .fields = many, .fields_count = 12 };
	struct bh_value *v;

	/* 1,500 of these are 3,000 units. */
	for (int i = 0; i < 1500; i++)
		bh_buf_puts(&wide, "😀");
	span.text = bh_buf_text(&wide);
	for (size_t i = 0; i < 12; i++)
		many[i] = (struct bh_field){ "f", &span, 1 };
	v = draw(&card);
	ck_assert_uint_le(bh_utf16_len(bh_buf_text(&out)), TEAMS_WEIGHT);
	ck_assert_uint_eq(count_type(v, "ColumnSet"), 12);
	bh_json_free(&w.fake->host, v);
	bh_buf_release(&wide);
}
END_TEST

START_TEST(empty_things_are_drawn)
{
	struct bh_field nothing = { NULL, NULL, 0 };
	struct bh_span empty = { BH_SPAN_TEXT, "", NULL, 0 };
	struct bh_span unseen = { BH_SPAN_TEXT, "\xe2\x80\x8b", NULL, 0 };
	struct bh_button button = { "", "x", NULL, 0, "t" };
	struct bh_card cards[] = { { .title = &empty, .title_count = 1 },
	    { .title = &unseen, .title_count = 1 },
	    { .fields = &nothing, .fields_count = 1 },
	    { .title = &empty, .title_count = 1, .buttons = &button,
	    .buttons_count = 1 }, { .colour = 99, .title = title,
	    .title_count = 2 } };

	for (size_t i = 0; i < COUNT(cards); i++) {
		struct bh_value *v = draw(&cards[i]);
		const struct bh_value *r;

		ck_assert_uint_ge(bh_get(v, "body")->count, 1);
		for (size_t n = 0; (r = nth(v, "TextRun", n)) != NULL; n++)
			ck_assert_str_ne(bh_get_text(r, "text"), "");
		for (size_t n = 0; (r = nth(v, "Action.Execute", n)) != NULL;
		    n++)
			ck_assert_str_eq(bh_get_text(r, "title"), "–");
		bh_json_free(&w.fake->host, v);
	}
}
END_TEST

/* ------------------------------------------------------------------ */
/* Texts                                                               */

static struct bh_value *
say(const char *text)
{
	bh_buf_clear(&out);
	teams_activity_text(w.teams, &out, text);
	return read_out();
}

static void
hostile_message(const char *text)
{
	struct bh_value *v = say(text);
	struct bh_buf clean = BH_BUF(1u << 20), fits = BH_BUF(1u << 20);

	ck_assert_uint_le(bh_utf16_len(bh_buf_text(&out)), TEAMS_WEIGHT);
	ck_assert_ptr_null(bh_get(v, "entities"));
	bh_buf_clean(&clean, text, true);
	bh_buf_clip(&fits, bh_buf_text(&clean), 5000);
	if (bh_get(v, "attachments") == NULL) {
		ck_assert_str_eq(bh_get_text(v, "textFormat"), "plain");
		ck_assert_str_eq(bh_get_text(v, "text"),
		    strspn(bh_buf_text(&clean), " \n") == clean.len ?
		    "(nothing)" : bh_buf_text(&fits));
	} else
		ck_assert_uint_eq(count_type(v, "TextBlock"), 0);
	bh_json_free(&w.fake->host, v);
	bh_buf_release(&clean);
	bh_buf_release(&fits);
}

START_TEST(texts_are_plain)
{
	each_hostile(hostile_message);
}
END_TEST

START_TEST(tables_keep_their_columns)
{
	struct bh_value *v = say("Open requests:\nprod  Ada\ntest  Bob\n\n"
	    "That is all.");
	struct bh_buf words = BH_BUF(4096);

	words_of(v, "RichTextBlock", &words);
	ck_assert_str_eq(bh_buf_text(&words),
	    "Open requests:\nprod  Ada\ntest  Bob\nThat is all.\n");
	ck_assert_ptr_null(bh_get(nth(v, "TextRun", 0), "fontType"));
	ck_assert_str_eq(bh_get_text(nth(v, "TextRun", 1), "fontType"),
	    "Monospace");
	ck_assert_ptr_null(bh_get(nth(v, "TextRun", 2), "fontType"));
	ck_assert_ptr_null(bh_get(v, "text"));
	bh_buf_release(&words);
	bh_json_free(&w.fake->host, v);
}
END_TEST

START_TEST(cards_go_alone_with_a_summary)
{
	struct bh_value *v;

	bh_buf_clear(&out);
	teams_activity_card(w.teams, &out, &usual, "7QK2 waits\nfor you");
	v = read_out();
	ck_assert_str_eq(bh_get_text(v, "type"), "message");
	ck_assert_str_eq(bh_get_text(v, "summary"), "7QK2 waits for you");
	ck_assert_ptr_null(bh_get(v, "text"));
	ck_assert_uint_eq(bh_get(v, "attachments")->count, 1);
	ck_assert_str_eq(bh_get_text(bh_get(v, "attachments")->first,
	    "contentType"), "application/vnd.microsoft.card.adaptive");
	bh_json_free(&w.fake->host, v);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("teams-card");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, up, down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, says_all);
	tcase_add_test(tc, buttons_carry_tokens);
	tcase_add_test(tc, seven_buttons_overflow);
	tcase_add_test(tc, mentions_accounts_of_ours);
	tcase_add_test(tc, mentions_by_the_id_of_the_chat);
	tcase_add_test(tc, namesakes_are_not_mixed_up);
	tcase_add_test(tc, names_keep_their_letters);
	tcase_add_test(tc, hostile_texts_stay_texts);
	tcase_add_test(tc, hostile_names_make_one_mention);
	tcase_add_test(tc, dates_of_others_are_not_drawn);
	tcase_add_test(tc, huge_cards_keep_their_buttons);
	tcase_add_test(tc, weight_is_utf16);
	tcase_add_test(tc, empty_things_are_drawn);
	tcase_add_test(tc, texts_are_plain);
	tcase_add_test(tc, tables_keep_their_columns);
	tcase_add_test(tc, cards_go_alone_with_a_summary);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
