/* slack-text.c - text for mrkdwn fields, and what people typed read back.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/messaging/formatting-message-text: in mrkdwn the three
 * characters & < > can be escaped, and nothing else: there is no way to write
 * a literal asterisk.  So texts of people stand in rich_text elements and
 * plain_text objects (slack-rich.c), which are never parsed, and mrkdwn is
 * left to the fallback beside the blocks, which is sent with its markup off.
 */

#include "plugins/slack/slack.h"

static const char *
entity(char c)
{
	return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" :
	    NULL;
}

/* How many characters stand for the one at *p, and its bytes. */
static size_t
width(const char *p, size_t *bytes)
{
	*bytes = bh_utf8_fit(p, 1);
	return entity(*p) != NULL ? strlen(entity(*p)) : 1;
}

void
slack_escape(struct bh_buf *out, const char *text, size_t chars)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	size_t used = 0, all = 0, bytes;

	bh_buf_clean(&clean, text, true);
	for (const char *p = bh_buf_text(&clean); *p != '\0'; p += bytes)
		all += width(p, &bytes);
	for (const char *p = bh_buf_text(&clean); *p != '\0'; p += bytes) {
		size_t n = width(p, &bytes);

		/* What is cut ends with an ellipsis, which counts. */
		if (all > chars && used + n + 1 > chars) {
			if (chars > 0)
				bh_buf_puts(out, "…");
			break;
		}
		used += n;
		if (entity(*p) != NULL)
			bh_buf_puts(out, entity(*p));
		else
			bh_buf_put(out, p, bytes);
	}
	bh_buf_release(&clean);
}

/* ------------------------------------------------------------------ */
/* What people typed                                                   */

/* Appends `len` bytes with the three entities as characters. */
static void
decode(struct bh_buf *out, const char *p, size_t len)
{
	static const struct { const char *name; char c; } known[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };

	while (len > 0) {
		const char *escape = memchr(p, '&', len);
		size_t n = escape != NULL ? (size_t)(escape - p) : len, i;

		bh_buf_put(out, p, n);
		p += n;
		len -= n;
		if (len == 0)
			break;
		n = 1;
		for (i = 0; i < 3; i++)
			if (strlen(known[i].name) <= len && strncmp(p,
			    known[i].name, strlen(known[i].name)) == 0)
				break;
		if (i < 3) {
			bh_buf_put(out, &known[i].c, 1);
			n = strlen(known[i].name);
		} else
			bh_buf_put(out, p, 1);
		p += n;
		len -= n;
	}
}

static bool
begins(const char *p, size_t len, const char *with)
{
	return len >= strlen(with) && strncmp(p, with, strlen(with)) == 0;
}

/* A link shows as its address; one that Slack made of a typed word, as that
 * word: "prod.example" arrives as <http://prod.example|prod.example>. */
static void
link_typed(struct bh_buf *out, const char *p, size_t len, const char *label,
    size_t label_len)
{
	static const char *const added[] = { "http://", "https://", "mailto:",
		"tel:" };

	for (size_t i = 0; i < sizeof(added) / sizeof(*added); i++) {
		size_t n = strlen(added[i]);

		if (!begins(p, len, added[i]))
			continue;
		if (i >= 2 && label_len == 0) {
			label = p + n;
			label_len = len - n;
		}
		if (label_len > 0 && (i >= 2 || (label_len == len - n &&
		    strncmp(p + n, label, label_len) == 0))) {
			decode(out, label, label_len);
			return;
		}
	}
	decode(out, p, len);
}

/* What stands between < and >. */
static void
special(struct bh_buf *out, const char *p, size_t len)
{
	const char *bar = memchr(p, '|', len);
	size_t ref = bar != NULL ? (size_t)(bar - p) : len;
	const char *label = bar != NULL ? bar + 1 : NULL;
	size_t label_len = bar != NULL ? len - ref - 1 : 0;

	if (*p == '@') {
		decode(out, p, ref);
	} else if (*p == '#') {
		bh_buf_puts(out, "#");
		if (label_len > 0)
			decode(out, label, label_len);
		else
			decode(out, p + 1, ref - 1);
	} else if (*p == '!') {
		if (label_len > 0)
			decode(out, label, label_len);
		else {
			bh_buf_puts(out, "@");
			decode(out, p + 1, ref - 1);
		}
	} else
		link_typed(out, p, ref, label, label_len);
}

void
slack_unescape(struct bh_buf *out, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "<");
		const char *end = NULL;

		decode(out, text, n);
		text += n;
		if (*text == '\0')
			break;
		n = strcspn(text + 1, "<>");
		end = text + 1 + n;
		if (*end == '>' && n > 0) {
			special(out, text + 1, n);
			text = end + 1;
		} else {
			bh_buf_puts(out, "<");
			text++;
		}
	}
}
