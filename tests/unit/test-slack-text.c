/* test-slack-text.c - what is written to Slack, and what was typed there.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

static void
escaped(const char *in, size_t chars, const char *want)
{
	struct bh_buf b = BH_BUF(100000);

	slack_escape(&b, in, chars);
	ck_assert_str_eq(bh_buf_text(&b), want);
	bh_buf_release(&b);
}

START_TEST(three_characters_are_escaped)
{
	escaped("a & b <!here> *c*", 100, "a &amp; b &lt;!here&gt; *c*");
	escaped("&amp;", 100, "&amp;amp;");
	escaped("one\r\ntwo\tthree", 100, "one\ntwo three");
	escaped("pay\xe2\x80\xaeload\xff", 100, "payload\xef\xbf\xbd");
	escaped("", 100, "");
}
END_TEST

/* The limit is for what is sent; nothing is ever cut in two. */
START_TEST(what_is_cut_ends_well)
{
	escaped("abcdef", 6, "abcdef");
	escaped("abcdefg", 6, "abcde…");
	escaped("ééééé", 3, "éé…");
	escaped("ab&cd", 9, "ab&amp;cd");
	escaped("ab&cde", 9, "ab&amp;c…");
	escaped("ab&cd", 7, "ab…");
	escaped("&&", 5, "…");
	escaped("abc", 0, "");
}
END_TEST

START_TEST(what_was_typed)
{
	static const struct { const char *in, *want; } rows[] = {
		{ "elevate prod", "elevate prod" },
		{ "a &lt;b&gt; &amp;amp; c", "a <b> &amp; c" },
		{ "<@U1> status", "@U1 status" },
		{ "<@U1|ada> status", "@U1 status" },
		{ "<#C1|payments>", "#payments" },
		{ "<#C1>", "#C1" }, { "<#C1|>", "#C1" },
		{ "<!here> <!channel|channel>", "@here channel" },
		{ "<!subteam^S1|@admins>", "@admins" },
		{ "<!subteam^S1>", "@subteam^S1" },
		{ "<!date^1^{date}|6 Jan>", "6 Jan" },
		{ "<http://prod.example|prod.example>", "prod.example" },
		{ "<https://x.example/a?b=c&amp;d=e>",
		  "https://x.example/a?b=c&d=e" },
		{ "<https://x.example/|a label>", "https://x.example/" },
		{ "<mailto:a@b.example|a@b.example>", "a@b.example" },
		{ "<mailto:a@b.example>", "a@b.example" },
		{ "<tel:+441|+44 1>", "+44 1" },
		{ "a < b", "a < b" }, { "<", "<" }, { "<>", "<>" },
		{ "<@U1", "<@U1" }, { "<a <@U1>", "<a @U1" },
		{ "&lt;@U1&gt;", "<@U1>" },	/* typed so: no mention */
		{ "&amp;lt;", "&lt;" }, { "&", "&" }, { "&am", "&am" },
		{ "<|>", "" }, { "<!>", "@" }, { "<#>", "#" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bh_buf b = BH_BUF(1000);

		slack_unescape(&b, rows[i].in);
		ck_assert_str_eq(bh_buf_text(&b), rows[i].want);
		bh_buf_release(&b);
	}
}
END_TEST

static void
rich(const struct bh_span *spans, size_t count, size_t chars,
    const char *want)
{
	struct bh_buf b = BH_BUF(100000);
	struct slack_rich r = { .slack = slack, .out = &b, .left = chars };

	slack_rich_spans(&r, spans, count);
	ck_assert_str_eq(bh_buf_text(&b), want);
	bh_buf_release(&b);
}

#define RICH(spans, chars, want) rich((spans), COUNT(spans), (chars), (want))

START_TEST(spans_are_elements)
{
	const struct bh_span spans[] = { { BH_SPAN_TEXT, "a *b* <!here>",
	    NULL, 0 }, { BH_SPAN_STRONG, "c", NULL, 0 }, { BH_SPAN_CODE, "d",
	    NULL, 0 }, { BH_SPAN_TIME, NULL, NULL, FAKE_START + 1980000 },
	    { BH_SPAN_LINK, "e", "https://x.example/?a=\"", 0 },
	    { BH_SPAN_LINK, "f", "https://x.example/?a=1&b=2", 0 } };

	RICH(spans, 1000,
"{\"type\":\"text\",\"text\":\"a *b* <!here>\"},"
"{\"type\":\"text\",\"text\":\"c\",\"style\":{\"bold\":true}},"
"{\"type\":\"text\",\"text\":\"d\",\"style\":{\"code\":true}},"
"{\"type\":\"date\",\"timestamp\":1767609180,"
"\"format\":\"{date_short_pretty} {time}\",\"fallback\":\"10:33 UTC\"},"
"{\"type\":\"text\",\"text\":\"e\"},"
"{\"type\":\"link\",\"url\":\"https://x.example/?a=1&b=2\",\"text\":\"f\"}");
}
END_TEST

/* Who has no account here is named and not mentioned. */
START_TEST(people_are_mentioned_where_they_are)
{
	const struct bh_span spans[] = {
	    { BH_SPAN_PERSON, "Ada Lovelace", "P1", 0 },
	    { BH_SPAN_PERSON, "Grace Hopper", "P2", 0 },
	    { BH_SPAN_PERSON, "Nobody", "P9", 0 },
	    { BH_SPAN_PERSON, "No one", NULL, 0 } };
	const struct bh_span ada[] = { spans[0] };

	RICH(spans, 1000, "{\"type\":\"user\",\"user_id\":\"U0ADA\"},"
	    "{\"type\":\"text\",\"text\":\"Grace Hopper\"},"
	    "{\"type\":\"text\",\"text\":\"Nobody\"},"
	    "{\"type\":\"text\",\"text\":\"No one\"}");
	/* An id that is none of Slack's is no mention. */
	fake->people[0].id = "U1\"},{\"type\":\"broadcast\"";
	RICH(ada, 1000, "{\"type\":\"text\",\"text\":\"Ada Lovelace\"}");
	fake->people[0].id = "B0BOT";
	RICH(ada, 1000, "{\"type\":\"text\",\"text\":\"Ada Lovelace\"}");
}
END_TEST

START_TEST(nothing_empty_is_written)
{
	const struct bh_span spans[] = { { BH_SPAN_TEXT, "", NULL, 0 },
	    { BH_SPAN_STRONG, "\xe2\x80\x8b", NULL, 0 },
	    { BH_SPAN_LINK, "", "https://x.example", 0 },
	    { BH_SPAN_PERSON, NULL, NULL, 0 },
	    { BH_SPAN_TIME, NULL, NULL, 0 } };
	const struct bh_span none[] = { { BH_SPAN_TEXT, NULL, NULL, 0 } };

	RICH(spans, 1000, "{\"type\":\"link\",\"url\":\"https://x.example\","
	    "\"text\":\"https://x.example\"},"
	    "{\"type\":\"text\",\"text\":\"at an unknown time\"}");
	RICH(none, 1000, "");
}
END_TEST

START_TEST(spans_share_their_room)
{
	const struct bh_span spans[] = { { BH_SPAN_TEXT, "éé", NULL, 0 },
	    { BH_SPAN_TEXT, "abcdef", NULL, 0 }, { BH_SPAN_TEXT, "g", NULL,
	    0 }, { BH_SPAN_TIME, NULL, NULL, FAKE_START }, { BH_SPAN_PERSON,
	    "Ada", "P1", 0 } };

	RICH(spans, 5, "{\"type\":\"text\",\"text\":\"éé\"},"
	    "{\"type\":\"text\",\"text\":\"ab…\"}");
}
END_TEST

static void
text_block(const char *text, const char *want)
{
	struct bh_buf b = BH_BUF(100000);
	struct bh_value *v;

	slack_text_blocks(slack, &b, text);
	ck_assert_str_eq(bh_buf_text(&b), want);
	v = parsed(bh_buf_text(&b));
	ck_assert_ptr_null(slack_limits_blocks(v, 50));
	bh_json_free(&fake->host, v);
	bh_buf_release(&b);
}

#define RICH_TEXT	"[{\"type\":\"rich_text\",\"elements\":["
#define SECTION		"{\"type\":\"rich_text_section\",\"elements\":["
#define PREFORMATTED	"{\"type\":\"rich_text_preformatted\",\"elements\":["

START_TEST(tables_stand_in_columns)
{
	text_block("Hello *you*.\nBye.\n", RICH_TEXT SECTION
	    "{\"type\":\"text\",\"text\":\"Hello *you*.\\u000aBye.\"}]}]}]");
	text_block("You have:\n\nprod   PowerUser  29 min\n"
	    "stage  ReadOnly   1 h\nThat is all.", RICH_TEXT SECTION
	    "{\"type\":\"text\",\"text\":\"You have:\"}]}," PREFORMATTED
	    "{\"type\":\"text\",\"text\":\"prod   PowerUser  29 min\\u000a"
	    "stage  ReadOnly   1 h\"}]}," SECTION
	    "{\"type\":\"text\",\"text\":\"That is all.\"}]}]}]");
	text_block(" \n", RICH_TEXT SECTION
	    "{\"type\":\"text\",\"text\":\"(nothing)\"}]}]}]");
}
END_TEST

/* What Slack counts is the JSON, with all beyond ASCII written out. */
START_TEST(weight)
{
	ck_assert_uint_eq(slack_weight("abc"), 3);
	ck_assert_uint_eq(slack_weight("é"), 6);
	ck_assert_uint_eq(slack_weight("😀"), 12);
	ck_assert_uint_eq(slack_weight("a/b"), 4);
}
END_TEST

START_TEST(long_text_is_cut_to_its_weight)
{
	struct bh_buf text = BH_BUF(100000), b = BH_BUF(1000000);

	for (int i = 0; i < 3000; i++)
		bh_buf_puts(&text, "😀");
	slack_text_blocks(slack, &b, bh_buf_text(&text));
	ck_assert_uint_le(slack_weight(bh_buf_text(&b)), 12100);
	ck_assert_uint_ge(slack_weight(bh_buf_text(&b)), 8000);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&b), "…\"}]}]}]"));
	bh_buf_release(&text);
	bh_buf_release(&b);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { three_characters_are_escaped,
		what_is_cut_ends_well, what_was_typed, spans_are_elements,
		people_are_mentioned_where_they_are, nothing_empty_is_written,
		spans_share_their_room, tables_stand_in_columns, weight,
		long_text_is_cut_to_its_weight, NULL };

	return run_suite("slack-text", tests);
}
