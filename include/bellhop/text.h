/*
 * text.h - growing texts and their encodings, for plugins and host alike.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Part of <bellhop/plugin.h>, which includes it.  All of it is inline: a
 * plugin carries its own copy and nothing here crosses to the host but the
 * bytes.  Failure has one shape: a text that would pass its maximum (or finds
 * no memory) sets `overflow` and stays as it was, so that one look at the end
 * is enough.
 */

#ifndef BELLHOP_TEXT_H
#define BELLHOP_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BH_PRINTF(f, a)	__attribute__((format(printf, f, a)))
#else
#define BH_PRINTF(f, a)
#endif

/* ------------------------------------------------------------------ */
/* A growing text, born with its maximum                               */

struct bh_buf {
	char *data;		/* NUL-terminated once anything was added */
	size_t len;
	size_t size;
	size_t max;		/* len never passes this */
	bool overflow;		/* something did not fit and was left out */
};

#define BH_BUF(maximum)	{ NULL, 0, 0, (maximum), false }

/* Appends `len` bytes, all or nothing; sets `overflow` when it cannot. */
static inline void
bh_buf_put(struct bh_buf *b, const void *data, size_t len)
{
	if (b->overflow || len > b->max || b->len > b->max - len) {
		b->overflow = true;
		return;
	}
	if (b->len + len + 1 > b->size) {
		size_t want = (b->len + len + 32) * 2;
		char *p = (char *)realloc(b->data, want);

		if (p == NULL) {
			b->overflow = true;
			return;
		}
		b->data = p;
		b->size = want;
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

static inline void
bh_buf_puts(struct bh_buf *b, const char *text)
{
	bh_buf_put(b, text, strlen(text));
}

static inline void BH_PRINTF(2, 0)
bh_buf_vadd(struct bh_buf *b, const char *format, va_list ap)
{
	char small[256], *big;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), format, ap);
	if (n < 0)
		b->overflow = true;
	else if ((size_t)n < sizeof(small))
		bh_buf_put(b, small, (size_t)n);
	else if ((big = (char *)malloc((size_t)n + 1)) == NULL)
		b->overflow = true;
	else {
		vsnprintf(big, (size_t)n + 1, format, again);
		bh_buf_put(b, big, (size_t)n);
		free(big);
	}
	va_end(again);
}

static inline void BH_PRINTF(2, 3)
bh_buf_add(struct bh_buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	bh_buf_vadd(b, format, ap);
	va_end(ap);
}

/* Appends the base64 of `len` bytes, with padding (RFC 4648, 4); `url`: the
 * alphabet of section 5, without padding. */
static inline void
bh_buf_base64(struct bh_buf *b, const void *data, size_t len, bool url)
{
	const char *set = url ?
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" :
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)data;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 |
		    (uint32_t)(i + 1 < len ? p[i + 1] : 0) << 8 |
		    (uint32_t)(i + 2 < len ? p[i + 2] : 0);
		char four[4] = { set[v >> 18], set[v >> 12 & 63],
		    set[v >> 6 & 63], set[v & 63] };
		size_t n = len - i >= 3 ? 4 : len - i + 1;

		bh_buf_put(b, four, n);
		if (!url && n < 4)
			bh_buf_put(b, "==", 4 - n);
	}
}

/* Appends `text` percent-encoded: all but RFC 3986's unreserved. */
static inline void
bh_buf_percent(struct bh_buf *b, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || *p == '-' || *p == '.' ||
		    *p == '_' || *p == '~')
			bh_buf_put(b, p, 1);
		else
			bh_buf_add(b, "%%%02X", *p);
	}
}

/* How many bytes of the UTF-8 `text` hold its first `chars` code points: a
 * place where it may be cut. */
static inline size_t
bh_utf8_fit(const char *text, size_t chars)
{
	const char *p = text;

	while (*p != '\0' && chars-- > 0) {
		p++;
		while (((unsigned char)*p & 0xc0) == 0x80)
			p++;
	}
	return (size_t)(p - text);
}

/* Its length in code points. */
static inline size_t
bh_utf8_len(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Its length in UTF-16 code units, as some networks count. */
static inline size_t
bh_utf16_len(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += (((unsigned char)*text & 0xc0) != 0x80 ? 1u : 0u) +
		    ((unsigned char)*text >= 0xf0 ? 1u : 0u);
	return n;
}

/* Appends at most `chars` code points of `text`; what was cut ends with an
 * ellipsis, which counts. */
static inline void
bh_buf_clip(struct bh_buf *b, const char *text, size_t chars)
{
	if (bh_utf8_len(text) <= chars) {
		bh_buf_puts(b, text);
	} else if (chars > 0) {
		bh_buf_put(b, text, bh_utf8_fit(text, chars - 1));
		bh_buf_puts(b, "\xe2\x80\xa6");
	}
}

/* Decodes the code point at *s and moves *s past it; 0 at the end.  What is
 * no UTF-8 gives U+FFFD and one byte of progress. */
static inline uint32_t
bh_utf8_next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t need = *p < 0x80 ? 1 : *p >= 0xc2 && *p <= 0xdf ? 2 :
	    (*p & 0xf0) == 0xe0 ? 3 : *p >= 0xf0 && *p <= 0xf4 ? 4 : 0;
	uint32_t c = need < 2 ? *p : need == 2 ? *p & 0x1fu :
	    need == 3 ? *p & 0x0fu : *p & 0x07u;

	if (*p == 0)
		return 0;
	*s += 1;
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (need == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ||
	    (need == 3 && c < 0x800) || (need == 4 && c < 0x10000))
		return 0xfffd;
	if (need > 1)
		*s += need - 1;
	return c;
}

/* Does it show nothing, or turn the order of what others read?  Controls,
 * bidi and zero-width characters, fillers, tags, and what Unicode calls no
 * character. */
static inline bool
bh_utf8_unseen(uint32_t c)
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
	return (c & 0xfffe) == 0xfffe;
}

/* Appends `text` fit to be shown by a network: well-formed, without what is
 * not seen or turns the order; tabs and line ends are blanks, but line ends
 * stay ("\n") if `lines`. */
static inline void
bh_buf_clean(struct bh_buf *b, const char *text, bool lines)
{
	while (*text != '\0') {
		const char *from = text;
		uint32_t c = bh_utf8_next(&text);
		bool end = c == '\n' || c == 0x85 || c == 0x2028 ||
		    c == 0x2029;

		if (c == '\t' || end || (c == '\r' && *text != '\n'))
			bh_buf_puts(b, lines && c != '\t' ? "\n" : " ");
		else if (bh_utf8_unseen(c))
			continue;
		else if (c == 0xfffd)
			bh_buf_puts(b, "\xef\xbf\xbd");
		else
			bh_buf_put(b, from, (size_t)(text - from));
	}
}

/* Appends a time (ms since 1970) in UTC, for people: "10:33 UTC" on the day of
 * `now`, else "6 Jan 10:33 UTC", in another year "6 Jan 2027 10:33 UTC".  Where
 * a network can, it says it in the reader's own zone besides.  False, and a
 * few words instead, if it is no time of this age. */
static inline bool
bh_buf_when(struct bh_buf *b, int64_t ms, int64_t now)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t at[2] = { ms, now }, days[2];
	int day = 0, month = 0, year[2] = { 0, 0 };

	if (ms <= 0 || ms >= INT64_C(253402300800000)) {
		bh_buf_puts(b, "at an unknown time");
		return false;
	}
	for (int i = 1; i >= 0; i--) {
		/* Days of years that begin in March, eras of 400 of them. */
		int64_t z = (days[i] = at[i] / 86400000) + 719468;
		int64_t era = z / 146097, d = z - era * 146097;
		int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
		int64_t m;

		d -= 365 * y + y / 4 - y / 100;
		m = (5 * d + 2) / 153;
		day = (int)(d - (153 * m + 2) / 5 + 1);
		month = (int)(m < 10 ? m + 2 : m - 10);
		year[i] = (int)(y + era * 400 + (month < 2));
	}
	if (days[0] != days[1])
		bh_buf_add(b, "%d %.3s ", day, months + 3 * month);
	if (year[0] != year[1])
		bh_buf_add(b, "%d ", year[0]);
	bh_buf_add(b, "%02d:%02d UTC", (int)(ms / 3600000 % 24),
	    (int)(ms / 60000 % 60));
	return true;
}

/* The time that an HTTP header says ("Mon, 05 Jan 2026 10:00:00 GMT", RFC 9110,
 * 5.6.7) in ms; -1 if it says none.  Whatever the machine's language. */
static inline int64_t
bh_http_date(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, year, hour, minute, second, end = 0;
	char month[4];
	const char *at;
	int64_t m, y;

	if (text == NULL || sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT%n",
	    &day, month, &year, &hour, &minute, &second, &end) != 6 ||
	    end == 0 || text[end] != '\0' || strlen(month) != 3 ||
	    (at = strstr(months, month)) == NULL || (at - months) % 3 != 0 ||
	    day < 1 || day > 31 || year < 1970 || hour < 0 || hour > 23 ||
	    minute < 0 || minute > 59 || second < 0 || second > 60)
		return -1;
	/* Years that begin in March, as above. */
	m = (at - months) / 3 + 1;
	y = year - (m <= 2);
	return ((((365 * y + y / 4 - y / 100 + y / 400 +
	    (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + day - 719469) * 24 +
	    hour) * 60 + minute) * 60 + second) * 1000;
}

/* May it become a link?  https, 2,000 bytes at most, visible ASCII without
 * what ends or quotes a URL somewhere. */
static inline bool
bh_link_ok(const char *url)
{
	if (url == NULL || strncmp(url, "https://", 8) != 0 ||
	    strlen(url) > 2000 || url[8] == '\0' || url[8] == '/')
		return false;
	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("<>|\"\\^`{}", *p) != NULL)
			return false;
	return true;
}

/* Running text falls into parts whose lines all stand in columns (two blanks
 * between words, or before the first) and such where none does; the former
 * want a font of one width.  The length of the first part; an empty line goes
 * with those before it. */
static inline size_t
bh_text_part(const char *text, bool *columns)
{
	size_t end = 0;

	*columns = false;
	while (text[end] != '\0') {
		size_t len = strcspn(text + end, "\n");
		const char *line = text + end;
		bool in_columns = false;

		for (size_t i = 0; i + 2 < len && !in_columns; i++)
			in_columns = line[i] == ' ' && line[i + 1] == ' ' &&
			    (i == 0 || line[i - 1] != '.');
		if (end == 0)
			*columns = in_columns;
		else if (len > 0 && in_columns != *columns)
			break;
		end += len;
		end += text[end] == '\n';
	}
	return end;
}

/* Appends `text` as a JSON string with its quotes; NULL gives null. */
static inline void
bh_buf_quote(struct bh_buf *b, const char *text)
{
	if (text == NULL) {
		bh_buf_puts(b, "null");
		return;
	}
	bh_buf_put(b, "\"", 1);
	for (;;) {
		const char *run = text;		/* stands for itself */
		unsigned char c;

		while ((c = (unsigned char)*text) >= 0x20 && c != '"' &&
		    c != '\\' && c != 0x7f)
			text++;
		bh_buf_put(b, run, (size_t)(text - run));
		if (c == '\0')
			break;
		bh_buf_add(b, c == '"' || c == '\\' ? "\\%c" : "\\u%04x", c);
		text++;
	}
	bh_buf_put(b, "\"", 1);
}

/* The text so far, never NULL. */
static inline const char *
bh_buf_text(const struct bh_buf *b)
{
	return b->data != NULL ? b->data : "";
}

/* Empties it and keeps its memory. */
static inline void
bh_buf_clear(struct bh_buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

static inline void
bh_buf_release(struct bh_buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->size = 0;
	b->overflow = false;
}

#ifdef __cplusplus
}
#endif

#endif /* BELLHOP_TEXT_H */
