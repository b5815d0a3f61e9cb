/*
 * text.c - UTF-8 text from strangers: checked, cleaned, folded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/text.h"

#include <openssl/crypto.h>
#include <strings.h>

#include "host/base/banned.h"
#include "host/base/mem.h"

#define BAD	0xfffdu		/* what stands for a byte that is no text */

/* Decodes one code point of at most `len` bytes at p; its length, or 0 if it
 * is not well-formed. */
static size_t
text_decode(const unsigned char *p, size_t len, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need;
	uint32_t c;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*out = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		need = 2;
		c = p[0] & 0x1fu;
	} else if ((p[0] & 0xf0) == 0xe0) {
		need = 3;
		c = p[0] & 0x0fu;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		need = 4;
		c = p[0] & 0x07u;
	} else {
		return 0;
	}
	if (len < need)
		return 0;
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return need;
}

bool
text_utf8_ok(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	while (len > 0) {
		uint64_t eight;
		uint32_t c;
		size_t n;

		/* Nearly all there is to read is ASCII. */
		if (len >= sizeof(eight)) {
			memcpy(&eight, p, sizeof(eight));
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				p += sizeof(eight);
				len -= sizeof(eight);
				continue;
			}
		}
		n = text_decode(p, len, &c);

		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

uint32_t
text_next(const char **s)
{
	unsigned char first = (unsigned char)**s;
	uint32_t c;
	size_t n;

	if (first < 0x80) {
		*s += first != '\0';
		return first;
	}
	/* A sequence that the NUL cuts short has a NUL where a continuation
	 * byte should be, so four bytes are never read past the end. */
	n = text_decode((const unsigned char *)*s, strnlen(*s, 4), &c);
	*s += n > 0 ? n : 1;
	return n > 0 ? c : BAD;
}

/* Shows nothing, or turns the order of what others read: controls, bidi,
 * zero-width, soft hyphen, fillers, tags, variation selectors' big block,
 * interlinear marks, and what Unicode calls no character. */
static bool
text_invisible(uint32_t c)
{
	static const struct { uint32_t from, to; } ranges[] = {
		{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },
		{ 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x2800, 0x2800 },
		{ 0x3164, 0x3164 }, { 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
		{ 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

static bool
text_blank(uint32_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == 0x85 ||
	    c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
	    c == 0x3000;
}

static bool
text_line_end(uint32_t c)
{
	return c == '\n' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static void
text_encode(struct bh_buf *out, uint32_t c)
{
	unsigned char b[4];
	size_t n;

	if (c < 0x80) {
		b[0] = (unsigned char)c;
		n = 1;
	} else if (c < 0x800) {
		b[0] = (unsigned char)(0xc0 | c >> 6);
		b[1] = (unsigned char)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		b[0] = (unsigned char)(0xe0 | c >> 12);
		b[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		b[2] = (unsigned char)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		b[0] = (unsigned char)(0xf0 | c >> 18);
		b[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
		b[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		b[3] = (unsigned char)(0x80 | (c & 0x3f));
		n = 4;
	}
	bh_buf_put(out, b, n);
}

/* The next thing worth showing: a code point, '\n' or ' ' for a run of
 * blanks (sets *lines to its line ends), or 0 at the end. */
static uint32_t
text_token(const char **s, unsigned *lines)
{
	bool blank = false;

	*lines = 0;
	for (;;) {
		const char *before = *s;
		uint32_t c = text_next(s);

		if (text_blank(c)) {
			blank = true;
			*lines += text_line_end(c);
		} else if (c != 0 && text_invisible(c)) {
			continue;
		} else if (blank && c != 0) {
			*s = before;	/* it comes after the blank */
			return ' ';
		} else {
			return c;	/* also 0: blanks at the end go */
		}
	}
}

/* How many bytes from here, `max` at most, are letters of ASCII and the like,
 * which are shown as they are.  Nearly all there is to read is. */
static size_t
text_plain(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] > ' ' && s[n] < 0x7f)
		n++;
	return n;
}

static void
text_clean_to(struct bh_buf *out, const char *in, size_t max, bool keep_lines)
{
	size_t shown = 0, last = out->len, plain;
	uint32_t c;
	unsigned lines;

	for (;;) {
		plain = text_plain(in, max - shown);
		if (plain > 0) {
			bh_buf_put(out, in, plain);
			last = out->len - (out->overflow ? 0 : 1);
			shown += plain;
			in += plain;
		}
		if ((c = text_token(&in, &lines)) == 0)
			return;
		if (shown == 0 && c == ' ')
			continue;
		if (shown == max) {
			/* Cut: the last one shown gives way to the mark. */
			if (max > 0 && out->len > last) {
				out->len = last;
				out->data[last] = '\0';
				bh_buf_puts(out, "…");
			}
			return;
		}
		last = out->len;
		if (c == ' ' && keep_lines && lines > 0)
			bh_buf_puts(out, lines > 1 && shown + 2 <= max ?
			    "\n\n" : "\n");
		else
			text_encode(out, c);
		shown += c == ' ' && keep_lines && lines > 1 ? 2 : 1;
		if (shown > max)
			shown = max;
	}
}

void
text_clean(struct bh_buf *out, const char *in, size_t max_codepoints)
{
	text_clean_to(out, in, max_codepoints, false);
}

void
text_clean_lines(struct bh_buf *out, const char *in, size_t max_codepoints)
{
	text_clean_to(out, in, max_codepoints, true);
}

char *
text_take(struct bh_buf *b)
{
	char *text = b->data != NULL ? b->data : xstrdup("");

	*b = (struct bh_buf)BH_BUF(b->max);
	return text;
}

int
text_fold_email(char *out, size_t size, const char *in)
{
	const char *at = strchr(in, '@');
	size_t len = strlen(in);

	if (size > 0)
		out[0] = '\0';
	if (at == NULL || at == in || at[1] == '\0' ||
	    strchr(at + 1, '@') != NULL || len > 254 || len >= size ||
	    !text_utf8_ok(in, len))
		return BH_EINVAL;
	for (const char *s = in; *s != '\0';) {
		uint32_t c = text_next(&s);

		if (text_blank(c) || text_invisible(c) ||
		    (c < 0x80 && strchr("<>()[],;:\"\\", (int)c) != NULL))
			return BH_EINVAL;
	}
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)(in[i] >= 'A' && in[i] <= 'Z' ?
		    in[i] + ('a' - 'A') : in[i]);
	return BH_OK;
}

bool
text_same_fold(const char *a, const char *b)
{
	/* The locale is "C" always: strcasecmp folds ASCII alone. */
	return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

bool
text_same_secret(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return false;
	size_t len = strlen(a);
	return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}
