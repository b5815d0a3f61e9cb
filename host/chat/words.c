/* words.c - splits a typed line into words.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/words.h"

#include "host/base/mem.h"
#include "host/base/text.h"

enum quote { QUOTE_NONE, QUOTE_DOUBLE, QUOTE_CURLY, QUOTE_SINGLE };

/* The kind of quote that `c` opens.  A single quote opens only where a word
 * or a value begins: elsewhere it is an apostrophe. */
static enum quote
opens(uint32_t c, bool at_start)
{
	switch (c) {
	case '"':
		return QUOTE_DOUBLE;
	case 0x201c: case 0x201d: case 0x201e: case 0x201f:
		return QUOTE_CURLY;
	case '\'': case 0x2018: case 0x201a:
		return at_start ? QUOTE_SINGLE : QUOTE_NONE;
	default:
		return QUOTE_NONE;
	}
}

static bool
closes(enum quote quote, uint32_t c)
{
	switch (quote) {
	case QUOTE_DOUBLE:
		return c == '"';
	case QUOTE_CURLY:
		return c == '"' || c == 0x201c || c == 0x201d;
	case QUOTE_SINGLE:
		return c == '\'' || c == 0x2019;
	default:
		return false;
	}
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One word in the making: its text grows at the end of what all of them share,
 * which has room for a line without change and more is never needed. */
struct maker {
	char *text, *end;
	bool any;		/* "" is a word too */
	bool quoted;
	size_t at;
};

static void
finish(struct maker *m, struct words *out)
{
	if (!m->any)
		return;
	if (out->count % 16 == 0)
		out->list = xrealloc(out->list, out->count + 16,
		    sizeof(*out->list));
	out->list[out->count++] = (struct word){ m->text, m->quoted, m->at };
	*m->end++ = '\0';
	m->text = m->end;
	m->any = m->quoted = false;
}

static void
begin(struct maker *m, size_t at, bool quoted)
{
	if (m->any)
		return;
	m->any = true;
	m->quoted = quoted;
	m->at = at;
}

static void
add(struct maker *m, const char *text, size_t len)
{
	memcpy(m->end, text, len);
	m->end += len;
}

/* How many bytes from here mean nothing but themselves, in quotes and outside
 * of them. */
static size_t
plain(const char *s)
{
	size_t n = 0;

	while (s[n] > ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\'' &&
	    s[n] != '\\')
		n++;
	return n;
}

int
words_split(const char *line, bool open_end, struct words *out,
    struct bh_buf *error)
{
	struct maker m = { 0 };
	enum quote quote = QUOTE_NONE;
	size_t quote_at = 0;
	int ret = BH_OK;

	*out = (struct words){ .texts = xrealloc(NULL, strlen(line) + 2, 1) };
	m.text = m.end = out->texts;
	for (const char *p = line; *p != '\0' && out->count < WORDS_MAX;) {
		const char *before = p;
		size_t at = (size_t)(before - line), run = plain(p);
		uint32_t c;
		bool start = !m.any || (m.end > m.text && m.end[-1] == '=');
		enum quote opened;

		if (run > 0) {
			begin(&m, at, false);
			add(&m, p, run);
			p += run;
			continue;
		}
		c = text_next(&p);
		if (quote != QUOTE_NONE) {
			if (closes(quote, c)) {
				quote = QUOTE_NONE;
			} else {
				if (c == '\\' && quote != QUOTE_SINGLE &&
				    (*p == '"' || *p == '\\'))
					before = p++;
				add(&m, before, (size_t)(p - before));
			}
		} else if (c == ' ' || c == '\t' || c == '\n') {
			finish(&m, out);
		} else if ((opened = opens(c, start)) != QUOTE_NONE) {
			begin(&m, at, true);
			quote = opened;
			quote_at = at;
		} else if ((c == 0x2014 || c == 0x2013) && !m.any &&
		    is_letter(*p)) {
			begin(&m, at, false);
			add(&m, "--", 2);
		} else {
			begin(&m, at, false);
			if (c == '\\' && *p != '\0') {
				before = p;
				(void)text_next(&p);
			}
			add(&m, before, (size_t)(p - before));
		}
	}
	if (quote != QUOTE_NONE && !open_end) {
		bh_buf_add(error, "the quote before \"%.20s\" is not closed",
		    line + quote_at + 1);
		ret = BH_EINVAL;
	}
	if (out->count >= WORDS_MAX && ret == BH_OK && !open_end) {
		bh_buf_add(error, "more than %u words: put the long text into "
		    "quotes", WORDS_MAX - 1);
		ret = BH_EINVAL;
	}
	finish(&m, out);
	if (ret != BH_OK)
		words_release(out);
	return ret;
}

void
words_release(struct words *words)
{
	free(words->texts);
	free(words->list);
	*words = (struct words){ 0 };
}

void
words_quote(struct bh_buf *out, const char *word)
{
	bool plain = *word != '\0' && *word != '-';

	for (const char *p = word; *p != '\0' && plain; p++)
		plain = is_letter(*p) || (*p >= '0' && *p <= '9') ||
		    strchr("-_.,:/@+%#=", *p) != NULL;
	if (plain) {
		bh_buf_puts(out, word);
		return;
	}
	bh_buf_puts(out, "\"");
	for (const char *p = word; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			bh_buf_puts(out, "\\");
		bh_buf_put(out, p, 1);
	}
	bh_buf_puts(out, "\"");
}
