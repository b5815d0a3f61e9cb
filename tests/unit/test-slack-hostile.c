/* test-slack-hostile.c - nothing that people wrote is more than text.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each text of tests/data/hostile.json stands wherever text can stand in a
 * card, a form and a message; then the JSON is read back: no mention, link,
 * date or markup that a typed span did not ask for, the lines in their order,
 * every limit kept.  What it looks like is compared with
 * tests/data/slack-hostile.golden; GOLDEN_WRITE=FILE writes that anew.  After
 * that, random cards and forms of any size.
 */

#include "tests/unit/slack-common.h"
#include "tests/unit/hostile.h"

#include <openssl/evp.h>

#define ROUNDS	1000

static struct bh_buf out = BH_BUF(16u * 1024u * 1024u);

static bool
is(const struct bh_value *v, const char *key, const char *text)
{
	const char *t = bh_get_text(v, key);

	return t != NULL && strcmp(t, text) == 0;
}

/* ------------------------------------------------------------------ */
/* What the JSON may hold                                              */

struct seen {
	const char *url;		/* also asked for */
	size_t users, links, dates;
	const char *first_label, *second_label;
	size_t lines;			/* line ends between fields */
};

/* Typed tokens taken out, mrkdwn has nothing that could be markup. */
static void
look_mrkdwn(struct seen *seen, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (strncmp(p, "<@U0ADA>", 8) == 0) {
			seen->users++;
			p += 7;
		} else if (strncmp(p, "<!date^1767607200^{date_short_pretty} "
		    "{time}|10:00 UTC>", 55) == 0) {
			seen->dates++;
			p += 54;
		} else if (strncmp(p, "<https://typed.example/|", 24) == 0) {
			seen->links++;
			p += 23;
			while (*p != '>') {
				ck_assert(*p != '\0' &&
				    strchr("<*_~`", *p) == NULL);
				p++;
			}
		} else {
			ck_assert_msg(strchr("<>*_~`@#:&", *p) == NULL,
			    "'%c' in %s", *p, text);
		}
	}
}

static void
look(struct seen *seen, const struct bh_value *v)
{
	if (v->kind == BH_MAP) {
		if (is(v, "type", "user")) {
			ck_assert_str_eq(bh_get_text(v, "user_id"), "U0ADA");
			seen->users++;
		} else if (is(v, "type", "link")) {
			ck_assert(is(v, "url", "https://typed.example/") ||
			    (seen->url != NULL && bh_link_ok(seen->url) &&
			    is(v, "url", seen->url)));
			seen->links++;
		} else if (is(v, "type", "date")) {
			seen->dates++;
		} else if (is(v, "type", "mrkdwn")) {
			look_mrkdwn(seen, bh_get_text(v, "text"));
		} else if (is(v, "type", "text")) {
			const char *text = bh_get_text(v, "text");

			if (strcmp(text, "\n") == 0)
				seen->lines++;
			else
				ck_assert_ptr_null(strchr(text, '\n'));
			if (bh_get_bool(bh_get(v, "style"), "italic", false)) {
				if (seen->first_label == NULL)
					seen->first_label = text;
				else
					seen->second_label = text;
			}
		} else {
			ck_assert(!is(v, "type", "broadcast"));
			ck_assert(!is(v, "type", "usergroup"));
			ck_assert(!is(v, "type", "channel"));
		}
	}
	for (BH_EACH(c, v))
		look(seen, c);
}

/* ------------------------------------------------------------------ */

static struct bh_value *
message(const struct bh_card *card, const char *text)
{
	struct bh_buf fallback = BH_BUF(65536);
	struct bh_value *v;

	slack_escape(&fallback, text, 3900);
	bh_buf_clear(&out);
	bh_buf_puts(&out, "{\"text\":");
	bh_buf_quote(&out, bh_buf_text(&fallback));
	bh_buf_puts(&out, ",\"blocks\":");
	if (card != NULL)
		slack_card_blocks(slack, &out, card, 0);
	else
		slack_text_blocks(slack, &out, text);
	bh_buf_puts(&out, "}");
	ck_assert(!out.overflow);
	bh_buf_release(&fallback);
	v = parsed(bh_buf_text(&out));
	ck_assert_pstr_eq(slack_limits_message(v), NULL);
	return v;
}

/* Every place of a card. */
static struct seen
card_with(const char *text)
{
	const struct bh_span all[] = { { BH_SPAN_TEXT, text, NULL, 0 },
	    { BH_SPAN_STRONG, text, NULL, 0 },
	    { BH_SPAN_CODE, text, NULL, 0 },
	    { BH_SPAN_PERSON, text, text, 0 },
	    { BH_SPAN_PERSON, text, "P1", 0 },
	    { BH_SPAN_LINK, text, text, 0 },
	    { BH_SPAN_LINK, text, "https://typed.example/", 0 },
	    { BH_SPAN_TIME, text, text, FAKE_START } };
	const struct bh_field fields[] = { { "First", all, COUNT(all) },
	    { "Second", all, 1 } };
	const struct bh_button buttons[] = { { text, text, text, BH_PLAIN,
	    "token" }, { text, text, text, BH_DANGER, "token" } };
	const struct bh_card card = { .title = all, .title_count = COUNT(all),
	    .fields = fields, .fields_count = 2, .buttons = buttons,
	    .buttons_count = 2, .note = all, .note_count = COUNT(all) };
	struct bh_value *v = message(&card, text);
	struct seen seen = { .url = text };

	look(&seen, bh_get(v, "blocks"));
	ck_assert_pstr_eq(seen.first_label, "First");
	ck_assert_pstr_eq(seen.second_label, "Second");
	ck_assert_uint_eq(seen.lines, 1);
	/* Three places of each; cut ones may have lost some. */
	ck_assert_uint_le(seen.users, 3);
	ck_assert_uint_le(seen.links, bh_link_ok(text) ? 6 : 3);
	ck_assert_uint_le(seen.dates, 3);
	if (strlen(text) < 30) {
		ck_assert_uint_eq(seen.users, 3);
		ck_assert_uint_ge(seen.links, 2);
		ck_assert_uint_ge(seen.dates, 2);
	}
	bh_json_free(&fake->host, v);
	return seen;
}

static void
form_with(const char *text)
{
	const struct bh_choice choices[] = { { text, text }, { "x", text },
	    { text, NULL } };
	const struct bh_input inputs[] = {
	    { .name = "a", .label = text, .hint = text, .value = text,
	      .error = text, .type = BH_LINE },
	    { .name = "b", .label = text, .value = text, .type = BH_LINES },
	    { .name = "c", .label = text, .value = text, .type = BH_CHOOSE,
	      .choices = choices, .choices_count = 3 },
	    { .name = "d", .label = text, .value = text, .type = BH_SEARCH },
	    { .name = "e", .label = text, .value = text, .type = BH_TICK } };
	const struct bh_form form = { .title = text, .submit = text,
	    .command = "x", .inputs = inputs, .inputs_count = 5,
	    .token = "f" };
	struct seen seen = { 0 };
	struct bh_value *v;

	bh_buf_clear(&out);
	slack_form_view(slack, &out, &form);
	v = parsed(bh_buf_text(&out));
	ck_assert_pstr_eq(slack_limits_view(v), NULL);
	look(&seen, v);
	ck_assert_uint_eq(seen.users + seen.links + seen.dates, 0);
	bh_json_free(&fake->host, v);
	bh_buf_clear(&out);
	ck_assert(slack_form_errors(&out, &form));
	bh_json_free(&fake->host, parsed(bh_buf_text(&out)));
	bh_buf_clear(&out);
	slack_options(slack, &out, choices, 3);
	v = parsed(bh_buf_text(&out));
	ck_assert_pstr_eq(slack_limits_options(v), NULL);
	bh_json_free(&fake->host, v);
}

/* The words of a message: line ends are its own. */
static void
text_with(const char *text)
{
	struct bh_value *v = message(NULL, text);
	const char *fallback = bh_get_text(v, "text");

	for (BH_EACH(part, bh_get(bh_get(v, "blocks")->first, "elements")))
		for (BH_EACH(e, bh_get(part, "elements")))
			ck_assert(is(e, "type", "text"));
	for (const char *p = fallback; *p != '\0'; p++) {
		ck_assert(*p != '<' && *p != '>');
		ck_assert(*p != '&' || strncmp(p, "&amp;", 5) == 0 ||
		    strncmp(p, "&lt;", 4) == 0 || strncmp(p, "&gt;", 4) == 0);
	}
	bh_json_free(&fake->host, v);
}

START_TEST(hostile_texts_stay_text)
{
	size_t count;
	struct hostile *list = hostile_load(&count);

	for (size_t i = 0; i < count; i++) {
		(void)card_with(list[i].text);
		form_with(list[i].text);
		text_with(list[i].text);
	}
	hostile_free(list);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Goldens                                                             */

static void
digest(struct bh_buf *line)
{
	unsigned char d[EVP_MAX_MD_SIZE];
	size_t len = line->len;

	ck_assert_int_eq(EVP_Digest(line->data, len, d, NULL, EVP_sha256(),
	    NULL), 1);
	bh_buf_clear(line);
	bh_buf_add(line, "%zu bytes, sha256 ", len);
	for (size_t i = 0; i < 32; i++)
		bh_buf_add(line, "%02x", d[i]);
}

/* A field, a note and a message with it, as they go out. */
static void
golden(struct bh_buf *all, const char *text)
{
	const struct bh_span span = { BH_SPAN_TEXT, text, NULL, 0 };
	const struct bh_field field = { "Reason", &span, 1 };
	const struct bh_card card = { .fields = &field, .fields_count = 1,
	    .note = &span, .note_count = 1 };
	struct bh_buf line = BH_BUF(1u << 20), words = BH_BUF(65536);

	slack_escape(&words, text, 3900);
	slack_card_blocks(slack, &line, &card, 0);
	bh_buf_puts(&line, " ");
	bh_buf_quote(&line, bh_buf_text(&words));
	if (line.len > 900)
		digest(&line);
	bh_buf_puts(all, bh_buf_text(&line));
	bh_buf_puts(all, "\n");
	bh_buf_release(&line);
	bh_buf_release(&words);
}

START_TEST(hostile_texts_look_as_before)
{
	const char *path = TEST_SRCDIR "/tests/data/slack-hostile.golden";
	const char *write_to = getenv("GOLDEN_WRITE");
	struct bh_buf all = BH_BUF(1u << 22);
	size_t count, line = 0;
	struct hostile *list = hostile_load(&count);
	char *want = NULL;
	size_t size = 0;
	FILE *f;

	for (size_t i = 0; i < count; i++)
		golden(&all, list[i].text);
	if (write_to != NULL) {
		f = fopen(write_to, "w");
		ck_assert_ptr_nonnull(f);
		fwrite(all.data, 1, all.len, f);
		fclose(f);
	}
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s cannot be read", path);
	for (const char *p = bh_buf_text(&all); *p != '\0';
	    p += strcspn(p, "\n") + 1, line++) {
		ssize_t n = getline(&want, &size, f);

		ck_assert_msg(n > 0 && strncmp(p, want, (size_t)n) == 0,
		    "line %zu (%s): %.*s\nwas: %s", line + 1, list[line].what,
		    (int)strcspn(p, "\n"), p, n > 0 ? want : "");
	}
	ck_assert_int_lt(getline(&want, &size, f), 0);
	fclose(f);
	free(want);
	hostile_free(list);
	bh_buf_release(&all);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Anything at all                                                     */

static uint64_t dice = 1;

static size_t
roll(size_t below)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (size_t)(dice % below);
}

/* Mostly small, now and then beyond every limit. */
static size_t
some(size_t most)
{
	return roll(10) > 0 ? roll(6) : roll(most + 1);
}

static const char *texts[64];

static void
make_texts(const struct hostile *list, size_t count)
{
	for (size_t i = 0; i < COUNT(texts); i++)
		texts[i] = roll(8) == 0 ? NULL : list[roll(count)].text;
}

static const char *
a_text(void)
{
	return texts[roll(COUNT(texts))];
}

static const struct bh_span *
a_line(struct bh_span *spans, size_t count)
{
	static const char *const refs[] = { NULL, "P1", "P2",
		"https://typed.example/", "http://x", "" };

	for (size_t i = 0; i < count; i++)
		spans[i] = (struct bh_span){ (int)roll(8), a_text(),
		    roll(3) > 0 ? refs[roll(COUNT(refs))] : a_text(),
		    roll(4) > 0 ? FAKE_START : (int64_t)(dice *
		    (roll(2) > 0 ? 1 : 0)) };
	return spans;
}

static void
any_card(void)
{
	static struct bh_span spans[300], title[100], note[100];
	static struct bh_field fields[60];
	static struct bh_button buttons[60];
	struct bh_card card = { .title = title, .title_count = some(100),
	    .colour = (int)roll(8) - 1, .fields = fields,
	    .fields_count = some(60), .buttons = buttons,
	    .buttons_count = some(60), .note = note,
	    .note_count = some(100) };
	const char *text = a_text();

	a_line(spans, 300);
	a_line(title, card.title_count);
	a_line(note, card.note_count);
	for (size_t i = 0; i < card.fields_count; i++)
		fields[i] = (struct bh_field){ a_text(), spans + roll(100),
		    some(60) };
	for (size_t i = 0; i < card.buttons_count; i++)
		buttons[i] = (struct bh_button){ a_text(), "x", NULL,
		    (int)roll(5) - 1, roll(9) > 0 ?
		    "0123456789abcdef0123456789abcdef" : NULL };
	bh_json_free(&fake->host, message(&card, text != NULL ? text : ""));
}

static void
any_form(void)
{
	static struct bh_choice choices[300];
	static struct bh_input inputs[120];
	static char names[120][32];
	struct bh_form form = { .title = a_text(), .submit = a_text(),
	    .command = "x", .inputs = inputs, .inputs_count = 1 + some(119),
	    .token = "0123456789abcdef0123456789abcdef" };
	struct bh_value *v;

	for (size_t i = 0; i < COUNT(choices); i++) {
		const char *value = a_text();

		choices[i] = (struct bh_choice){ value != NULL ? value : "v",
		    a_text() };
	}
	for (size_t i = 0; i < form.inputs_count; i++) {
		snprintf(names[i], sizeof(names[i]), "input-%zu", i);
		inputs[i] = (struct bh_input){ .name = names[i],
		    .label = a_text(), .hint = a_text(), .value = a_text(),
		    .error = roll(3) == 0 ? a_text() : NULL,
		    .type = (int)roll(5), .required = roll(2) > 0,
		    .choices = choices, .choices_count = some(300) };
	}
	bh_buf_clear(&out);
	slack_form_view(slack, &out, &form);
	ck_assert(!out.overflow);
	v = parsed(bh_buf_text(&out));
	ck_assert_pstr_eq(slack_limits_view(v), NULL);
	bh_json_free(&fake->host, v);
}

START_TEST(anything_keeps_to_the_limits)
{
	size_t count;
	struct hostile *list = hostile_load(&count);

	for (int i = 0; i < ROUNDS; i++) {
		if (i % 50 == 0)
			make_texts(list, count);
		any_card();
		if (i % 10 == 0)
			any_form();
	}
	hostile_free(list);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { hostile_texts_stay_text,
		hostile_texts_look_as_before, anything_keeps_to_the_limits,
		NULL };
	int ret = run_suite("slack-hostile", tests);

	bh_buf_release(&out);
	return ret;
}
