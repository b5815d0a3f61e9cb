/* slack-rich.c - spans as rich text, where no text is ever read as markup.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/reference/block-kit/blocks/rich-text-block: what stands in a
 * "text" element is shown as it is: no asterisk, no "<!here>", no address in
 * it means anything.  Mentions, dates and links are elements of their own and
 * come from typed spans alone.  Slack refuses a whole message for one empty
 * element, so that nothing empty is written.
 */

#include "plugins/slack/slack.h"

/* One text of ours is never longer. */
#define TEXT_MOST	3000u
#define DATE_FORMAT	"{date_short_pretty} {time}"

size_t
slack_weight(const char *json)
{
	size_t n = 0;
	uint32_t c;

	/* Slack counts the blocks with everything beyond ASCII as \uXXXX. */
	while ((c = bh_utf8_next(&json)) != 0)
		n += c == '/' ? 2 : c < 0x80 ? 1 : c < 0x10000 ? 6 : 12;
	return n;
}

/* ------------------------------------------------------------------ */
/* Elements                                                            */

static void
comma(struct slack_rich *r)
{
	if (r->some)
		bh_buf_puts(r->out, ",");
	r->some = true;
}

/* The clean text as far as there is room for it; false: nothing of it. */
static bool
fit(struct slack_rich *r, struct bh_buf *out, const char *text)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	size_t most = r->left < TEXT_MOST ? r->left : TEXT_MOST, n;

	if (most == 0)
		return false;
	bh_buf_clean(&clean, text != NULL ? text : "", r->lines);
	n = bh_utf8_len(bh_buf_text(&clean));
	bh_buf_clip(out, bh_buf_text(&clean), most);
	r->left -= n < most ? n : most;
	bh_buf_release(&clean);
	return out->len > 0;
}

void
slack_rich_text(struct slack_rich *r, const char *text, const char *style)
{
	struct bh_buf fits = BH_BUF(4u * TEXT_MOST + 16u);

	if (fit(r, &fits, text)) {
		comma(r);
		bh_buf_puts(r->out, "{\"type\":\"text\",\"text\":");
		bh_buf_quote(r->out, bh_buf_text(&fits));
		if (style != NULL)
			bh_buf_add(r->out, ",\"style\":{\"%s\":true}", style);
		bh_buf_puts(r->out, "}");
	}
	bh_buf_release(&fits);
}

void
slack_rich_emoji(struct slack_rich *r, const char *name)
{
	comma(r);
	bh_buf_add(r->out, "{\"type\":\"emoji\",\"name\":\"%s\"}", name);
}

bool
slack_account(struct slack *s, const char *person, struct bh_buf *out)
{
	struct bh_user user;

	if (person == NULL || !bh_person(s->host, person, &user) ||
	    user.id == NULL || user.realm == NULL ||
	    strcmp(user.realm, bh_instance(s->host)) != 0 ||
	    (*user.id != 'U' && *user.id != 'W') ||
	    user.id[strspn(user.id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")]
	    != '\0')
		return false;
	bh_buf_puts(out, user.id);
	return true;
}

static void
person(struct slack_rich *r, const struct bh_span *span)
{
	struct bh_buf id = BH_BUF(64);

	if (r->left > 0 && slack_account(r->slack, span->ref, &id)) {
		comma(r);
		bh_buf_add(r->out, "{\"type\":\"user\",\"user_id\":\"%s\"}",
		    bh_buf_text(&id));
		r->left--;
	} else
		slack_rich_text(r, span->text, NULL);
	bh_buf_release(&id);
}

static void
date(struct slack_rich *r, const struct bh_span *span)
{
	struct bh_buf text = BH_BUF(64);

	if (!bh_buf_when(&text, span->time, bh_now(r->slack->host))) {
		slack_rich_text(r, bh_buf_text(&text), NULL);
	} else if (r->left > 0) {
		comma(r);
		bh_buf_add(r->out, "{\"type\":\"date\",\"timestamp\":%lld,"
		    "\"format\":\"" DATE_FORMAT "\",\"fallback\":\"%s\"}",
		    (long long)(span->time / 1000), bh_buf_text(&text));
		r->left -= r->left < text.len ? r->left : text.len;
	}
	bh_buf_release(&text);
}

static void
link_to(struct slack_rich *r, const struct bh_span *span)
{
	struct bh_buf label = BH_BUF(4u * TEXT_MOST + 16u);

	if (!bh_link_ok(span->ref)) {
		slack_rich_text(r, span->text, NULL);
	} else if (fit(r, &label, span->text) || fit(r, &label, span->ref)) {
		comma(r);
		bh_buf_puts(r->out, "{\"type\":\"link\",\"url\":");
		bh_buf_quote(r->out, span->ref);
		bh_buf_puts(r->out, ",\"text\":");
		bh_buf_quote(r->out, bh_buf_text(&label));
		bh_buf_puts(r->out, "}");
	}
	bh_buf_release(&label);
}

void
slack_rich_spans(struct slack_rich *r, const struct bh_span *spans,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct bh_span *span = &spans[i];

		switch (span->kind) {
		case BH_SPAN_STRONG:
			slack_rich_text(r, span->text, "bold");
			break;
		case BH_SPAN_CODE:
			slack_rich_text(r, span->text, "code");
			break;
		case BH_SPAN_PERSON:
			person(r, span);
			break;
		case BH_SPAN_TIME:
			date(r, span);
			break;
		case BH_SPAN_LINK:
			link_to(r, span);
			break;
		default:
			slack_rich_text(r, span->text, NULL);
			break;
		}
	}
}

void
slack_plain_spans(struct slack *s, struct bh_buf *out,
    const struct bh_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (spans[i].kind == BH_SPAN_TIME)
			(void)bh_buf_when(out, spans[i].time, bh_now(s->host));
		else if (spans[i].text != NULL)
			bh_buf_clean(out, spans[i].text, false);
}

void
slack_plain(struct bh_buf *out, const char *text, size_t chars,
    const char *otherwise)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	const char *t;

	bh_buf_clean(&clean, text != NULL ? text : "", false);
	t = bh_buf_text(&clean);
	bh_buf_puts(out, "{\"type\":\"plain_text\",\"emoji\":false,\"text\":");
	if (t[strspn(t, " ")] == '\0')
		t = otherwise;

	struct bh_buf fits = BH_BUF(4 * chars + 16);

	bh_buf_clip(&fits, t, chars);
	bh_buf_quote(out, bh_buf_text(&fits));
	bh_buf_puts(out, "}");
	bh_buf_release(&fits);
	bh_buf_release(&clean);
}

/* ------------------------------------------------------------------ */
/* Running text                                                        */

static bool
blank(const char *text)
{
	return text[strspn(text, " \n")] == '\0';
}

static void
text_block(struct bh_buf *out, const char *text)
{
	bool some = false, table;

	bh_buf_puts(out, "{\"type\":\"rich_text\",\"elements\":[");
	while (*text != '\0') {
		size_t end = bh_text_part(text, &table), len = end;
		struct bh_buf piece = BH_BUF(1024u * 1024u);
		struct slack_rich r = { .out = out, .left = TEXT_MOST,
			.lines = true };

		while (len > 0 && text[len - 1] == '\n')
			len--;
		bh_buf_put(&piece, text, len);
		if (!blank(bh_buf_text(&piece))) {
			bh_buf_add(out, "%s{\"type\":\"%s\",\"elements\":[",
			    some ? "," : "", table ? "rich_text_preformatted" :
			    "rich_text_section");
			slack_rich_text(&r, bh_buf_text(&piece), NULL);
			bh_buf_puts(out, "]}");
			some = true;
		}
		bh_buf_release(&piece);
		text += end;
	}
	bh_buf_puts(out, "]}");
}

void
slack_text_block(struct bh_buf *out, const char *text, size_t weight)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	struct bh_buf cut = BH_BUF(1024u * 1024u), made = BH_BUF(
	    4u * 1024u * 1024u);
	size_t chars = TEXT_MOST;

	bh_buf_clean(&clean, text != NULL ? text : "", true);
	if (blank(bh_buf_text(&clean))) {
		bh_buf_clear(&clean);
		bh_buf_puts(&clean, "(nothing)");
	}
	do {
		bh_buf_clear(&cut);
		bh_buf_clear(&made);
		bh_buf_clip(&cut, bh_buf_text(&clean), chars);
		text_block(&made, bh_buf_text(&cut));
		chars -= chars / 8;
	} while (slack_weight(bh_buf_text(&made)) > weight && chars > 8);
	bh_buf_puts(out, bh_buf_text(&made));
	bh_buf_release(&made);
	bh_buf_release(&cut);
	bh_buf_release(&clean);
}
