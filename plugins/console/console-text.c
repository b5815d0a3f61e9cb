/* console-text.c - UTF-8 text measured, cleaned and wrapped in columns.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <time.h>

#include "plugins/console/console.h"

#define BAD		0xfffdu
#define BAD_TEXT	"\xef\xbf\xbd"

struct range { uint32_t from, to; };

/* Take no column: they sit on the character before. */
static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },
	{ 0x05bf, 0x05bf }, { 0x05c1, 0x05c2 }, { 0x05c4, 0x05c5 },
	{ 0x05c7, 0x05c7 }, { 0x0610, 0x061a }, { 0x064b, 0x065f },
	{ 0x0670, 0x0670 }, { 0x06d6, 0x06dc }, { 0x06df, 0x06e4 },
	{ 0x06e7, 0x06e8 }, { 0x06ea, 0x06ed }, { 0x0711, 0x0711 },
	{ 0x0730, 0x074a }, { 0x07a6, 0x07b0 }, { 0x07eb, 0x07f3 },
	{ 0x0816, 0x0819 }, { 0x081b, 0x0823 }, { 0x0825, 0x0827 },
	{ 0x0829, 0x082d }, { 0x0859, 0x085b }, { 0x08d3, 0x08e1 },
	{ 0x08e3, 0x0902 }, { 0x093a, 0x093a }, { 0x093c, 0x093c },
	{ 0x0941, 0x0948 }, { 0x094d, 0x094d }, { 0x0951, 0x0957 },
	{ 0x0962, 0x0963 }, { 0x0981, 0x0981 }, { 0x09bc, 0x09bc },
	{ 0x09c1, 0x09c4 }, { 0x09cd, 0x09cd }, { 0x0a01, 0x0a02 },
	{ 0x0a3c, 0x0a3c }, { 0x0a41, 0x0a51 }, { 0x0a70, 0x0a71 },
	{ 0x0abc, 0x0abc }, { 0x0ac1, 0x0ac8 }, { 0x0acd, 0x0acd },
	{ 0x0b3c, 0x0b3c }, { 0x0b41, 0x0b44 }, { 0x0b4d, 0x0b56 },
	{ 0x0bc0, 0x0bc0 }, { 0x0bcd, 0x0bcd }, { 0x0c3e, 0x0c40 },
	{ 0x0c46, 0x0c56 }, { 0x0ccc, 0x0ccd }, { 0x0d41, 0x0d44 },
	{ 0x0d4d, 0x0d4d }, { 0x0dca, 0x0dca }, { 0x0dd2, 0x0dd6 },
	{ 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
	{ 0x0eb1, 0x0eb1 }, { 0x0eb4, 0x0ebc }, { 0x0ec8, 0x0ecd },
	{ 0x0f18, 0x0f19 }, { 0x0f35, 0x0f39 }, { 0x0f71, 0x0f84 },
	{ 0x0f86, 0x0f87 }, { 0x0f8d, 0x0fbc }, { 0x102d, 0x1030 },
	{ 0x1032, 0x1037 }, { 0x1039, 0x103a }, { 0x135d, 0x135f },
	{ 0x1712, 0x1714 }, { 0x17b4, 0x17b5 }, { 0x17b7, 0x17bd },
	{ 0x17c6, 0x17c6 }, { 0x17c9, 0x17d3 }, { 0x1ab0, 0x1aff },
	{ 0x1b00, 0x1b03 }, { 0x1b34, 0x1b3a }, { 0x1dc0, 0x1dff },
	{ 0x20d0, 0x20ff }, { 0x2cef, 0x2cf1 }, { 0x2de0, 0x2dff },
	{ 0x302a, 0x302d }, { 0x3099, 0x309a }, { 0xa66f, 0xa67d },
	{ 0xa69e, 0xa69f }, { 0xa6f0, 0xa6f1 }, { 0xa8e0, 0xa8f1 },
	{ 0xd7b0, 0xd7fb }, { 0xfb1e, 0xfb1e }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0x101fd, 0x101fd }, { 0x1d165, 0x1d169 },
	{ 0x1d16d, 0x1d172 }, { 0x1d17b, 0x1d182 }, { 0x1d185, 0x1d18b },
	{ 0x1e000, 0x1e02a }, { 0x1f3fb, 0x1f3ff },
};

/* Take two. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a },
	{ 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 }, { 0x23f3, 0x23f3 },
	{ 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 },
	{ 0x267f, 0x267f }, { 0x2693, 0x2693 }, { 0x26a1, 0x26a1 },
	{ 0x26aa, 0x26ab }, { 0x26bd, 0x26be }, { 0x26c4, 0x26c5 },
	{ 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea },
	{ 0x26f2, 0x26f3 }, { 0x26f5, 0x26f5 }, { 0x26fa, 0x26fa },
	{ 0x26fd, 0x26fd }, { 0x2705, 0x2705 }, { 0x270a, 0x270b },
	{ 0x2728, 0x2728 }, { 0x274c, 0x274c }, { 0x274e, 0x274e },
	{ 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
	{ 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c },
	{ 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 }, { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf }, { 0xa960, 0xa97f }, { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe10, 0xfe19 }, { 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x16fe0, 0x18cff },
	{ 0x1b000, 0x1b2ff }, { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf },
	{ 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 },
	{ 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 },
	{ 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 },
	{ 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 },
	{ 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f54e },
	{ 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 },
	{ 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 },
	{ 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 }, { 0x1f6d5, 0x1f6d7 },
	{ 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7eb },
	{ 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1f9ff },
	{ 0x1fa70, 0x1faff }, { 0x20000, 0x2fffd }, { 0x30000, 0x3fffd },
};

#define IN(table, c) in_table(table, sizeof(table) / sizeof(*(table)), c)

static bool
in_table(const struct range *table, size_t count, uint32_t c)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (c < table[mid].from)
			high = mid;
		else if (c > table[mid].to)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

uint32_t
console_next(const char **s)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)*s;
	size_t more;
	uint32_t c = *p;

	if (c == 0)
		return 0;
	(*s)++;
	if (c < 0x80)
		return c;
	if (c < 0xc2 || c > 0xf4)
		return BAD;
	more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	c &= 0x3fu >> more;
	/* A NUL is no continuation byte: this never reads past the end. */
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return BAD;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return BAD;
	*s += more;
	return c;
}

unsigned
console_columns(uint32_t c)
{
	if (c < 0x300)
		return 1;
	if (IN(combining, c))
		return 0;
	return IN(wide, c) ? 2 : 1;
}

size_t
console_width(const char *s, size_t len)
{
	const char *end = s + len;
	size_t n = 0;

	while (s < end) {
		uint32_t c = console_next(&s);

		if (c == 0)
			break;
		n += console_columns(c);
	}
	return n;
}

/* ------------------------------------------------------------------ */

static bool
dangerous(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool
unseen(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2060 && c <= 0x2065) ||
	    (c >= 0x206a && c <= 0x206f) || c == 0xfeff ||
	    (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

void
console_clean(struct bh_buf *out, const char *s, bool lines)
{
	while (*s != '\0') {
		const char *from = s;
		uint32_t c = console_next(&s);

		if (c == '\n' && lines)
			bh_buf_puts(out, "\n");
		else if (c == '\t' && lines)
			bh_buf_puts(out, "    ");
		else if (c == '\n' || c == '\t' || c == 0x2028 || c == 0x2029)
			bh_buf_puts(out, " ");
		else if (dangerous(c))
			bh_buf_puts(out, BAD_TEXT);
		else if (unseen(c))
			continue;
		else if (c == BAD)
			bh_buf_puts(out, BAD_TEXT);
		else
			bh_buf_put(out, from, (size_t)(s - from));
	}
}

void
console_text_add(struct console_text *t, const char *s, int face)
{
	const char mark = (char)face;

	console_clean(&t->chars, s, false);
	while (t->faces.len < t->chars.len && !t->faces.overflow)
		bh_buf_put(&t->faces, &mark, 1);
}

void
console_time(struct bh_buf *out, int64_t at, int64_t now)
{
	time_t when = (time_t)(at / 1000), today = (time_t)(now / 1000);
	struct tm tm, here;
	char text[64] = "";

	if (localtime_r(&when, &tm) == NULL ||
	    localtime_r(&today, &here) == NULL)
		return;
	if (tm.tm_year != here.tm_year)
		strftime(text, sizeof(text), "%e %b %Y %H:%M %Z", &tm);
	else if (tm.tm_yday != here.tm_yday)
		strftime(text, sizeof(text), "%e %b %H:%M %Z", &tm);
	else
		strftime(text, sizeof(text), "%H:%M %Z", &tm);
	bh_buf_puts(out, text + (*text == ' '));
}

void
console_text_spans(struct console_text *t, const struct bh_span *spans,
    size_t count, int64_t now)
{
	for (size_t i = 0; i < count; i++) {
		const struct bh_span *s = &spans[i];
		const char *text = s->text != NULL ? s->text : "";

		switch (s->kind) {
		case BH_SPAN_TIME: {
			struct bh_buf b = BH_BUF(128);

			console_time(&b, s->time, now);
			console_text_add(t, bh_buf_text(&b), FACE_PLAIN);
			bh_buf_release(&b);
			break;
		}
		case BH_SPAN_STRONG:
			console_text_add(t, text, FACE_STRONG);
			break;
		case BH_SPAN_CODE:
			console_text_add(t, text, FACE_CODE);
			break;
		case BH_SPAN_LINK:
			/* Where it leads is always said. */
			if (s->ref != NULL && strcmp(s->ref, text) != 0) {
				console_text_add(t, text, FACE_PLAIN);
				console_text_add(t, *text != '\0' ? " (" : "(",
				    FACE_PLAIN);
				console_text_add(t, s->ref, FACE_LINK);
				console_text_add(t, ")", FACE_PLAIN);
			} else {
				console_text_add(t, text, FACE_LINK);
			}
			break;
		default:
			console_text_add(t, text, FACE_PLAIN);
		}
	}
}

void
console_text_release(struct console_text *t)
{
	bh_buf_release(&t->chars);
	bh_buf_release(&t->faces);
}

/* ------------------------------------------------------------------ */

size_t
console_wrap(const struct console_text *t, size_t from, size_t columns,
    size_t *next)
{
	const char *all = bh_buf_text(&t->chars), *s = all + from;
	const char *blank = NULL;
	size_t used = 0;

	while (*s != '\0') {
		const char *here = s;
		uint32_t c = console_next(&s);
		unsigned n = console_columns(c);

		if (c == ' ')
			blank = here;
		if (used + n <= columns) {
			used += n;
			continue;
		}
		/* Too much: back to the last blank, or cut right here.  At
		 * least one character goes, or this would never end. */
		if (blank != NULL && blank > all + from)
			here = blank;
		else if (here == all + from)
			here = s;
		*next = (size_t)(here - all);
		while (all[*next] == ' ')
			(*next)++;
		while (here > all + from && here[-1] == ' ')
			here--;
		return (size_t)(here - all);
	}
	*next = t->chars.len;
	return t->chars.len;
}

void
console_text_emit(struct bh_buf *out, const struct console_text *t,
    size_t from, size_t to, bool colour)
{
	static const char *const codes[] = { [FACE_PLAIN] = "",
		[FACE_STRONG] = "\033[1m", [FACE_CODE] = "\033[36m",
		[FACE_LINK] = "\033[4m", [FACE_DIM] = "\033[2m",
		[FACE_DANGER] = "\033[31m" };
	const char *all = bh_buf_text(&t->chars);
	const char *faces = bh_buf_text(&t->faces);

	while (from < to) {
		size_t end = from + 1;

		while (end < to && faces[end] == faces[from])
			end++;
		if (colour && faces[from] != FACE_PLAIN)
			bh_buf_puts(out, codes[(unsigned char)faces[from]]);
		bh_buf_put(out, all + from, end - from);
		if (colour && faces[from] != FACE_PLAIN)
			bh_buf_puts(out, "\033[0m");
		from = end;
	}
}
