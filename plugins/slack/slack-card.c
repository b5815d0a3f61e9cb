/* slack-card.c - cards as Block Kit.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   (o) 7QK2 · waiting for approval		rich text; the colour is a dot
 *   | Account  prod-payments  (111122223333)	a quote: one line each
 *   | Asked by  @Ada Lovelace · PAY-812 ...
 *   [approve] [deny] [cancel]			actions
 *   asked today at 10:02 · lapses ...		context: the small line
 *
 * Attachments would give a bar of any colour, but Slack calls them legacy,
 * folds them up, and tells nobody who is mentioned in them; a dot is read
 * aloud, too.  A message's blocks weigh about 13,000 characters at most
 * (msg_blocks_too_long, not documented), so long lines give way before
 * buttons do.
 */

#include "plugins/slack/slack.h"

#define WEIGHT_MOST	12000u
#define BUTTONS_MOST	40u
#define ROW_MOST	25u		/* buttons in one actions block */
#define VALUE_MOST	2000u
#define CONTEXT_MOST	10u

/* How much each part may have, in characters. */
struct measure {
	size_t title, field, label, about, note;
};

static const struct measure measures[] = {
	{ 300, 1500, 75, 120, 1000 },
	{ 150, 500, 30, 60, 300 },
	{ 100, 160, 20, 20, 150 },
};

/* ------------------------------------------------------------------ */
/* Title and fields                                                    */

static void
title(struct slack *s, struct bh_buf *out, const struct bh_card *card,
    size_t chars)
{
	static const char *const dots[] = { [BH_GREY] = "white_circle",
		[BH_BLUE] = "large_blue_circle",
		[BH_YELLOW] = "large_yellow_circle",
		[BH_GREEN] = "large_green_circle", [BH_RED] = "red_circle" };
	bool known = card->colour >= BH_GREY && card->colour <= BH_RED;
	struct slack_rich r = { .slack = s, .out = out, .left = chars };

	bh_buf_puts(out, "{\"type\":\"rich_text_section\",\"elements\":[");
	slack_rich_emoji(&r, dots[known ? card->colour : BH_GREY]);
	slack_rich_text(&r, " ", NULL);
	slack_rich_spans(&r, card->title, card->title_count);
	bh_buf_puts(out, "]}");
}

/* One line: its label in italics, then what it says. */
static void
field(struct slack *s, struct bh_buf *out, const struct bh_field *f,
    size_t chars)
{
	struct slack_rich r = { .slack = s, .out = out,
		.left = chars < 80 ? chars : 80 };
	size_t len;

	if (f->label != NULL && *f->label != '\0') {
		slack_rich_text(&r, f->label, "italic");
		r.left = 2;
		slack_rich_text(&r, "  ", NULL);
	}
	r.left = chars;
	len = out->len;
	slack_rich_spans(&r, f->spans, f->spans_count);
	if (out->len == len)
		slack_rich_text(&r, "–", NULL);
}

/* As many lines as `weight` lets in; what is left out is said.  False: not
 * all are there. */
static bool
fields(struct slack *s, struct bh_buf *out, const struct bh_card *card,
    size_t chars, size_t weight)
{
	const char *more = ",{\"type\":\"text\",\"text\":\"\\n\"},";
	size_t used = 0, i;

	bh_buf_puts(out, "{\"type\":\"rich_text_quote\",\"elements\":[");
	for (i = 0; i < card->fields_count; i++) {
		struct bh_buf line = BH_BUF(256u * 1024u);
		size_t n;

		field(s, &line, &card->fields[i], chars);
		n = slack_weight(bh_buf_text(&line)) + strlen(more);
		if (used + n > weight) {
			bh_buf_release(&line);
			break;
		}
		used += n;
		if (i > 0)
			bh_buf_puts(out, more);
		bh_buf_puts(out, bh_buf_text(&line));
		bh_buf_release(&line);
	}
	if (i < card->fields_count)
		bh_buf_add(out, "%s{\"type\":\"text\",\"text\":\"(%zu more "
		    "lines do not fit in here)\"}", i > 0 ? more : "",
		    card->fields_count - i);
	bh_buf_puts(out, "]}");
	return i == card->fields_count;
}

static void
body(struct slack *s, struct bh_buf *out, const struct bh_card *card,
    const struct measure *m, size_t weight)
{
	struct bh_buf head = BH_BUF(64u * 1024u), quote = BH_BUF(
	    1024u * 1024u);
	size_t left;

	if (card->title_count > 0)
		title(s, &head, card, m->title);
	left = slack_weight(bh_buf_text(&head)) + 200;
	left = weight > left ? weight - left : 0;
	for (size_t chars = m->field; card->fields_count > 0; chars /= 3) {
		bh_buf_clear(&quote);
		if (fields(s, &quote, card, chars, left) || chars < 100)
			break;
	}
	bh_buf_add(out, "{\"type\":\"rich_text\",\"elements\":[%s%s%s]}",
	    bh_buf_text(&head), head.len > 0 && quote.len > 0 ? "," : "",
	    bh_buf_text(&quote));
	bh_buf_release(&head);
	bh_buf_release(&quote);
}

/* ------------------------------------------------------------------ */
/* Buttons                                                             */

/* What takes something away asks once more, saying of what. */
static void
confirm(struct bh_buf *out, const char *label, const char *about,
    const struct measure *m)
{
	struct bh_buf ask = BH_BUF(4096);

	bh_buf_clip(&ask, label, m->label);
	bh_buf_puts(&ask, "?");
	bh_buf_puts(out, ",\"confirm\":{\"title\":");
	slack_plain(out, bh_buf_text(&ask), 100, "Sure?");
	bh_buf_puts(out, ",\"text\":");
	slack_plain(out, about, m->about, "Sure?");
	bh_buf_puts(out, ",\"confirm\":");
	slack_plain(out, label, m->label < 30 ? m->label : 30, "yes");
	bh_buf_puts(out, ",\"deny\":{\"type\":\"plain_text\",\"emoji\":false,"
	    "\"text\":\"go back\"},\"style\":\"danger\"}");
	bh_buf_release(&ask);
}

/* People who listen hear what the button is about. */
static void
spoken(struct bh_buf *out, const char *label, const char *about)
{
	struct bh_buf all = BH_BUF(2u * 1024u * 1024u), fits = BH_BUF(512);

	bh_buf_puts(&all, label);
	if (*about != '\0')
		bh_buf_add(&all, ": %s", about);
	bh_buf_clip(&fits, bh_buf_text(&all), 75);
	bh_buf_puts(out, ",\"accessibility_label\":");
	bh_buf_quote(out, bh_buf_text(&fits));
	bh_buf_release(&all);
	bh_buf_release(&fits);
}

static void
button(struct bh_buf *out, const struct bh_button *b, size_t number,
    const char *about, const struct measure *m)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	const char *label;

	bh_buf_clean(&clean, b->label != NULL ? b->label : "", false);
	label = bh_buf_text(&clean);
	label = label[strspn(label, " ")] != '\0' ? label : "–";
	bh_buf_add(out, "{\"type\":\"button\",\"action_id\":\"%c%zu\","
	    "\"text\":", b->args == NULL || *b->args == '\0' ? 'f' : 'b',
	    number);
	slack_plain(out, label, m->label, "–");
	bh_buf_puts(out, ",\"value\":");
	bh_buf_quote(out, b->token);
	if (m->label == measures[0].label)
		spoken(out, label, about);
	if (b->style == BH_PRIMARY)
		bh_buf_puts(out, ",\"style\":\"primary\"");
	if (b->style == BH_DANGER) {
		bh_buf_puts(out, ",\"style\":\"danger\"");
		confirm(out, label, about, m);
	}
	bh_buf_puts(out, "}");
	bh_buf_release(&clean);
}

static void
actions(struct bh_buf *out, const struct bh_card *card, size_t first,
    const char *about, const struct measure *m)
{
	size_t shown = 0;

	for (size_t i = 0; i < card->buttons_count; i++) {
		const struct bh_button *b = &card->buttons[i];

		/* Nothing stands behind a button without a token. */
		if (b->token == NULL || *b->token == '\0' ||
		    strlen(b->token) > VALUE_MOST || shown == BUTTONS_MOST ||
		    slack_weight(bh_buf_text(out)) > WEIGHT_MOST / 2)
			continue;
		bh_buf_puts(out, shown == 0 ?
		    ",{\"type\":\"actions\",\"elements\":[" :
		    shown % ROW_MOST == 0 ?
		    "]},{\"type\":\"actions\",\"elements\":[" : ",");
		button(out, b, first + shown++, about, m);
	}
	if (shown > 0)
		bh_buf_puts(out, "]}");
}

/* ------------------------------------------------------------------ */
/* The small line                                                      */

/* Context blocks know plain text and mrkdwn.  Text that cannot be taken for
 * markup goes with the mentions and times around it; other text is an
 * element of its own. */
static bool
tame(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z');

		if (c == '.' && p[1] != '\0' && p[1] != ' ')
			return false;		/* an address, maybe */
		if (!word && c < 0x80 && strchr(" .,;()!?%'", c) == NULL)
			return false;
	}
	return true;
}

struct context {
	struct slack *slack;
	struct bh_buf *out;
	struct bh_buf open;		/* mrkdwn being collected */
	size_t count;
	size_t left;
};

static void
element(struct context *c, const char *type, const char *text)
{
	bh_buf_add(c->out, "%s{\"type\":\"%s\",\"text\":", c->count++ > 0 ?
	    "," : "", type);
	bh_buf_quote(c->out, text);
	bh_buf_puts(c->out, strcmp(type, "mrkdwn") == 0 ?
	    ",\"verbatim\":true}" : ",\"emoji\":false}");
}

static void
flush(struct context *c)
{
	const char *text = bh_buf_text(&c->open);

	if (text[strspn(text, " ")] != '\0')
		element(c, "mrkdwn", text);
	bh_buf_clear(&c->open);
}

static void
context_text(struct context *c, const struct bh_span *span)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u), fits = BH_BUF(16384);
	const char *text;

	bh_buf_clean(&clean, span->text != NULL ? span->text : "", false);
	bh_buf_clip(&fits, bh_buf_text(&clean), c->left);
	c->left -= bh_utf8_len(bh_buf_text(&fits));
	text = bh_buf_text(&fits);
	if (tame(text)) {
		bh_buf_puts(&c->open, text);
	} else if (text[strspn(text, " ")] != '\0') {
		flush(c);
		element(c, "plain_text", text);
	}
	bh_buf_release(&clean);
	bh_buf_release(&fits);
}

/* A link whose label is tame; false: it is text like any other. */
static bool
context_link(struct context *c, const struct bh_span *span)
{
	struct bh_buf label = BH_BUF(1024);
	bool ok;

	bh_buf_clean(&label, span->text != NULL ? span->text : "", false);
	ok = !label.overflow && bh_link_ok(span->ref) &&
	    strlen(span->ref) < 500 &&
	    bh_buf_text(&label)[strspn(bh_buf_text(&label), " ")] != '\0' &&
	    tame(bh_buf_text(&label));
	if (ok) {
		bh_buf_puts(&c->open, "<");
		slack_escape(&c->open, span->ref, 3000);
		bh_buf_add(&c->open, "|%s>", bh_buf_text(&label));
	}
	bh_buf_release(&label);
	return ok;
}

static void
context_span(struct context *c, const struct bh_span *span)
{
	struct bh_buf id = BH_BUF(64), when = BH_BUF(64);

	if (span->kind == BH_SPAN_TIME) {
		if (!bh_buf_when(&when, span->time, bh_now(c->slack->host)))
			bh_buf_puts(&c->open, bh_buf_text(&when));
		else
			bh_buf_add(&c->open, "<!date^%lld^{date_short_pretty} "
			    "{time}|%s>", (long long)(span->time / 1000),
			    bh_buf_text(&when));
		c->left -= c->left < when.len ? c->left : when.len;
	} else if (span->kind == BH_SPAN_PERSON &&
	    slack_account(c->slack, span->ref, &id)) {
		bh_buf_add(&c->open, "<@%s>", bh_buf_text(&id));
	} else if (span->kind != BH_SPAN_LINK || !context_link(c, span)) {
		context_text(c, span);
	}
	bh_buf_release(&id);
	bh_buf_release(&when);
}

static void
note(struct slack *s, struct bh_buf *out, const struct bh_card *card,
    size_t chars)
{
	struct bh_buf made = BH_BUF(256u * 1024u), rest = BH_BUF(
	    1024u * 1024u);
	struct context c = { .slack = s, .out = &made,
		.open = BH_BUF(64u * 1024u), .left = chars };
	size_t i;

	/* The last element takes all that would not have one of its own. */
	for (i = 0; i < card->note_count && c.count + 2 < CONTEXT_MOST &&
	    c.open.len < 2000 && c.left > 0; i++)
		context_span(&c, &card->note[i]);
	flush(&c);
	slack_plain_spans(s, &rest, card->note + i, card->note_count - i);
	if (c.left > 0 && !rest.overflow &&
	    bh_buf_text(&rest)[strspn(bh_buf_text(&rest), " ")] != '\0') {
		struct bh_buf fits = BH_BUF(16384);

		bh_buf_clip(&fits, bh_buf_text(&rest), c.left);
		element(&c, "plain_text", bh_buf_text(&fits));
		bh_buf_release(&fits);
	}
	if (c.count > 0)
		bh_buf_add(out, ",{\"type\":\"context\",\"elements\":[%s]}",
		    bh_buf_text(&made));
	bh_buf_release(&c.open);
	bh_buf_release(&made);
	bh_buf_release(&rest);
}

/* ------------------------------------------------------------------ */

void
slack_card_blocks(struct slack *s, struct bh_buf *out,
    const struct bh_card *card, size_t first)
{
	struct bh_buf foot = BH_BUF(1024u * 1024u), about = BH_BUF(
	    1024u * 1024u);
	size_t m = 0, weight;

	slack_plain_spans(s, &about, card->title, card->title_count);
	do {
		bh_buf_clear(&foot);
		actions(&foot, card, first, bh_buf_text(&about),
		    &measures[m]);
		note(s, &foot, card, measures[m].note);
		weight = slack_weight(bh_buf_text(&foot));
	} while (weight > WEIGHT_MOST / 2 &&
	    ++m < sizeof(measures) / sizeof(*measures));
	m -= m == sizeof(measures) / sizeof(*measures);
	bh_buf_puts(out, "[");
	if (card->title_count > 0 || card->fields_count > 0)
		body(s, out, card, &measures[m], WEIGHT_MOST - weight);
	else
		slack_text_block(out, "–", 1000);
	bh_buf_puts(out, bh_buf_text(&foot));
	bh_buf_puts(out, "]");
	bh_buf_release(&foot);
	bh_buf_release(&about);
}

void
slack_text_blocks(struct slack *s, struct bh_buf *out, const char *text)
{
	(void)s;
	bh_buf_puts(out, "[");
	slack_text_block(out, text, WEIGHT_MOST);
	bh_buf_puts(out, "]");
}
