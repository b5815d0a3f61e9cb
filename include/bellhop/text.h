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
		size_t want = (b->len + len + 1) * 2;
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

/* Appends `text` as a JSON string with its quotes; NULL gives null. */
static inline void
bh_buf_quote(struct bh_buf *b, const char *text)
{
	if (text == NULL) {
		bh_buf_puts(b, "null");
		return;
	}
	bh_buf_puts(b, "\"");
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			bh_buf_add(b, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			bh_buf_add(b, "\\u%04x", *p);
		else
			bh_buf_put(b, p, 1);
	}
	bh_buf_puts(b, "\"");
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
