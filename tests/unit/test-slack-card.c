/* test-slack-card.c - cards as Block Kit, compared whole.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

#define MINUTES	INT64_C(60000)

static struct bh_buf out = BH_BUF(4u * 1024u * 1024u);

static const char *
blocks(const struct bh_card *card)
{
	struct bh_buf message = BH_BUF(4u * 1024u * 1024u);
	struct bh_value *v;

	bh_buf_clear(&out);
	slack_card_blocks(slack, &out, card, 0);
	ck_assert(!out.overflow);
	bh_buf_add(&message, "{\"text\":\"x\",\"blocks\":%s}",
	    bh_buf_text(&out));
	v = parsed(bh_buf_text(&message));
	ck_assert_pstr_eq(slack_limits_message(v), NULL);
	bh_json_free(&fake->host, v);
	bh_buf_release(&message);
	return bh_buf_text(&out);
}

static void
has(const char *part)
{
	ck_assert_msg(strstr(bh_buf_text(&out), part) != NULL,
	    "%s\nis not in\n%s", part, bh_buf_text(&out));
}

static void
lacks(const char *part)
{
	ck_assert_ptr_null(strstr(bh_buf_text(&out), part));
}

static struct bh_card
waiting(void)
{
	static const struct bh_span title[] = { { BH_SPAN_STRONG, "7QK2",
	    NULL, 0 }, { BH_SPAN_TEXT, " · waiting for approval", NULL, 0 } };
	static const struct bh_span account[] = { { BH_SPAN_STRONG,
	    "prod-payments", NULL, 0 }, { BH_SPAN_TEXT, "  (111122223333)",
	    NULL, 0 } };
	static const struct bh_span who[] = { { BH_SPAN_PERSON,
	    "Ada Lovelace", "P1", 0 }, { BH_SPAN_TEXT,
	    " · PAY-812 stuck settlement job", NULL, 0 } };
	static const struct bh_span note[] = { { BH_SPAN_TEXT, "asked ",
	    NULL, 0 }, { BH_SPAN_TIME, NULL, NULL, FAKE_START + 2 * MINUTES },
	    { BH_SPAN_TEXT, " · lapses ", NULL, 0 },
	    { BH_SPAN_TIME, NULL, NULL, FAKE_START + 1440 * MINUTES } };
	static const struct bh_field fields[] = { { "Account", account, 2 },
	    { "Asked by", who, 2 } };
	static const struct bh_button buttons[] = {
	    { "approve", "approve", "7QK2", BH_PRIMARY, "t1" },
	    { "deny", "deny", "7QK2", BH_DANGER, "t2" },
	    { "cancel", "cancel", "7QK2", BH_PLAIN, "t3" } };

	return (struct bh_card){ .title = title, .title_count = COUNT(title),
	    .colour = BH_YELLOW, .fields = fields,
	    .fields_count = COUNT(fields), .buttons = buttons,
	    .buttons_count = COUNT(buttons), .note = note,
	    .note_count = COUNT(note) };
}

#define DATE(at, utc) "{\"type\":\"date\",\"timestamp\":" at "," \
	"\"format\":\"{date_short_pretty} {time}\",\"fallback\":\"" utc "\"}"
#define PLAIN(text) "{\"type\":\"plain_text\",\"emoji\":false,\"text\":\"" \
	text "\"}"

START_TEST(the_card_of_a_request)
{
	struct bh_card card = waiting();

	ck_assert_str_eq(blocks(&card),
"[{\"type\":\"rich_text\",\"elements\":["
"{\"type\":\"rich_text_section\",\"elements\":["
"{\"type\":\"emoji\",\"name\":\"large_yellow_circle\"},"
"{\"type\":\"text\",\"text\":\" \"},"
"{\"type\":\"text\",\"text\":\"7QK2\",\"style\":{\"bold\":true}},"
"{\"type\":\"text\",\"text\":\" · waiting for approval\"}]},"
"{\"type\":\"rich_text_quote\",\"elements\":["
"{\"type\":\"text\",\"text\":\"Account\",\"style\":{\"italic\":true}},"
"{\"type\":\"text\",\"text\":\"  \"},"
"{\"type\":\"text\",\"text\":\"prod-payments\",\"style\":{\"bold\":true}},"
"{\"type\":\"text\",\"text\":\"  (111122223333)\"},"
"{\"type\":\"text\",\"text\":\"\\n\"},"
"{\"type\":\"text\",\"text\":\"Asked by\",\"style\":{\"italic\":true}},"
"{\"type\":\"text\",\"text\":\"  \"},"
"{\"type\":\"user\",\"user_id\":\"U0ADA\"},"
"{\"type\":\"text\",\"text\":\" · PAY-812 stuck settlement job\"}]}]},"
"{\"type\":\"actions\",\"elements\":["
"{\"type\":\"button\",\"action_id\":\"b0\",\"text\":" PLAIN("approve")
",\"value\":\"t1\","
"\"accessibility_label\":\"approve: 7QK2 · waiting for approval\","
"\"style\":\"primary\"},"
"{\"type\":\"button\",\"action_id\":\"b1\",\"text\":" PLAIN("deny")
",\"value\":\"t2\","
"\"accessibility_label\":\"deny: 7QK2 · waiting for approval\","
"\"style\":\"danger\",\"confirm\":{\"title\":" PLAIN("deny?") ",\"text\":"
PLAIN("7QK2 · waiting for approval") ",\"confirm\":" PLAIN("deny")
",\"deny\":" PLAIN("go back") ",\"style\":\"danger\"}},"
"{\"type\":\"button\",\"action_id\":\"b2\",\"text\":" PLAIN("cancel")
",\"value\":\"t3\","
"\"accessibility_label\":\"cancel: 7QK2 · waiting for approval\"}]},"
"{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":"
"\"asked <!date^1767607320^{date_short_pretty} {time}|10:02 UTC>"
" · lapses <!date^1767693600^{date_short_pretty} {time}|6 Jan 10:00 UTC>\","
"\"verbatim\":true}]}]");
}
END_TEST

START_TEST(the_colour_is_a_dot)
{
	static const char *const dots[] = { "white_circle",
		"large_blue_circle", "large_yellow_circle",
		"large_green_circle", "red_circle" };
	struct bh_card card = waiting();

	for (int i = BH_GREY; i <= BH_RED; i++) {
		struct bh_buf want = BH_BUF(100);

		card.colour = i;
		blocks(&card);
		bh_buf_add(&want, "\"name\":\"%s\"", dots[i]);
		has(bh_buf_text(&want));
		bh_buf_release(&want);
	}
	card.colour = 99;
	blocks(&card);
	has("\"name\":\"white_circle\"");
}
END_TEST

/* A title may say a time; every reader sees it in his own zone. */
START_TEST(times_in_the_title)
{
	const struct bh_span title[] = { { BH_SPAN_STRONG, "7QK2", NULL, 0 },
	    { BH_SPAN_TEXT, " · granted until ", NULL, 0 }, { BH_SPAN_TIME,
	    NULL, NULL, FAKE_START + 33 * MINUTES } };
	const struct bh_button revoke = { "revoke", "revoke", "7QK2",
	    BH_DANGER, "t" };
	struct bh_card card = { .title = title, .title_count = 3,
	    .buttons = &revoke, .buttons_count = 1 };

	blocks(&card);
	has("{\"type\":\"text\",\"text\":\" · granted until \"},"
	    DATE("1767609180", "10:33 UTC"));
	has("\"accessibility_label\":\"revoke: 7QK2 · granted until 10:33 "
	    "UTC\"");
}
END_TEST

START_TEST(parts_may_be_missing)
{
	const struct bh_span text = { BH_SPAN_TEXT, "x", NULL, 0 };
	const struct bh_field field = { NULL, &text, 1 };
	const struct bh_field empty = { "Reason", NULL, 0 };
	struct bh_card card = { .title = &text, .title_count = 1 };

	blocks(&card);
	lacks("rich_text_quote");
	lacks("actions");
	card = (struct bh_card){ .fields = &field, .fields_count = 1 };
	ck_assert_str_eq(blocks(&card), "[{\"type\":\"rich_text\","
	    "\"elements\":[{\"type\":\"rich_text_quote\",\"elements\":["
	    "{\"type\":\"text\",\"text\":\"x\"}]}]}]");
	card.fields = &empty;
	blocks(&card);
	has("\"Reason\",\"style\":{\"italic\":true}},"
	    "{\"type\":\"text\",\"text\":\"  \"},"
	    "{\"type\":\"text\",\"text\":\"–\"}");
	card = (struct bh_card){ .colour = BH_GREEN };
	blocks(&card);
	has("\"–\"");
}
END_TEST

/* Nothing stands behind such a button, so that it is not shown. */
START_TEST(buttons_have_tokens)
{
	const struct bh_button buttons[] = { { "a", "a", NULL, BH_PLAIN, NULL },
	    { "b", "b", NULL, BH_PLAIN, "" }, { "", "c", NULL, BH_DANGER,
	    "t" } };
	struct bh_card card = waiting();

	card.buttons = buttons;
	blocks(&card);
	has("\"elements\":[{\"type\":\"button\",\"action_id\":\"f0\","
	    "\"text\":" PLAIN("–") ",\"value\":\"t\","
	    "\"accessibility_label\":\"–: 7QK2 ");
	lacks("\"f1\"");
}
END_TEST

START_TEST(wild_notes_are_plain_text)
{
	const struct bh_span note[] = { { BH_SPAN_TEXT, "asked by ", NULL, 0 },
	    { BH_SPAN_PERSON, "Ada Lovelace", "P1", 0 },
	    { BH_SPAN_TEXT, " for *x* <!here> evil.example ", NULL, 0 },
	    { BH_SPAN_LINK, "the console", "https://aws.example/?a&b", 0 },
	    { BH_SPAN_LINK, "*not*", "https://aws.example/", 0 },
	    { BH_SPAN_LINK, "nor this", "http://aws.example/", 0 } };
	struct bh_card card = waiting();

	card.note = note;
	card.note_count = COUNT(note);
	blocks(&card);
	has("\"elements\":[{\"type\":\"mrkdwn\",\"text\":\"asked by <@U0ADA>\","
	    "\"verbatim\":true},"
	    "{\"type\":\"plain_text\",\"text\":\" for *x* <!here> evil.example "
	    "\",\"emoji\":false},"
	    "{\"type\":\"mrkdwn\",\"text\":"
	    "\"<https://aws.example/?a&amp;b|the console>\",\"verbatim\":true},"
	    "{\"type\":\"plain_text\",\"text\":\"*not*\",\"emoji\":false},"
	    "{\"type\":\"mrkdwn\",\"text\":\"nor this\",\"verbatim\":true}]");
}
END_TEST

START_TEST(a_note_of_many_pieces_is_whole)
{
	struct bh_span note[40];
	struct bh_card card = waiting();

	for (size_t i = 0; i < COUNT(note); i++)
		note[i] = i % 2 == 0 ? (struct bh_span){ BH_SPAN_TEXT, "*a* ",
		    NULL, 0 } : (struct bh_span){ BH_SPAN_TIME, NULL, NULL,
		    FAKE_START };
	card.note = note;
	card.note_count = COUNT(note);
	blocks(&card);
	has("10:00 UTC*a* 10:00 UTC\",\"emoji\":false}]}]");
}
END_TEST

/* Long lines give way before buttons do, and what is left out is said. */
START_TEST(long_cards_keep_their_buttons)
{
	struct bh_buf text = BH_BUF(100000);
	struct bh_field fields[40];
	struct bh_button buttons[12];
	struct bh_span span;
	struct bh_card card = waiting();

	for (int i = 0; i < 4000; i++)
		bh_buf_puts(&text, "日");
	span = (struct bh_span){ BH_SPAN_TEXT, bh_buf_text(&text), NULL, 0 };
	for (size_t i = 0; i < COUNT(fields); i++)
		fields[i] = (struct bh_field){ bh_buf_text(&text), &span, 1 };
	for (size_t i = 0; i < COUNT(buttons); i++)
		buttons[i] = (struct bh_button){ "revoke", "revoke", NULL,
		    BH_DANGER, "0123456789abcdef0123456789abcdef" };
	card.fields = fields;
	card.fields_count = COUNT(fields);
	card.buttons = buttons;
	card.buttons_count = COUNT(buttons);
	blocks(&card);
	has("\"f11\"");
	has("more lines do not fit in here)");
	card.fields_count = 3;
	blocks(&card);
	lacks("do not fit");
	bh_buf_release(&text);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { the_card_of_a_request,
		the_colour_is_a_dot, times_in_the_title, parts_may_be_missing,
		buttons_have_tokens, wild_notes_are_plain_text,
		a_note_of_many_pieces_is_whole, long_cards_keep_their_buttons,
		NULL };
	int ret = run_suite("slack-card", tests);

	bh_buf_release(&out);
	return ret;
}
