/*
 * text.h - UTF-8 text from strangers: checked, cleaned, matched, measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_BASE_TEXT_H
#define HOST_BASE_TEXT_H

#include <bellhop/plugin.h>

/* Well-formed UTF-8 (no overlong forms, no surrogates, up to U+10FFFF)? */
bool text_utf8_ok(const char *s, size_t len);

/* Decodes the code point at *s and moves *s past it; 0 at the NUL.  A bad
 * byte gives U+FFFD and one byte of progress. */
uint32_t text_next(const char **s);

/* Appends `in` made fit for people to read: without C0 and C1 controls,
 * bidi controls, zero-width and other invisible characters; newline, tab
 * and runs of blanks become one space; bad bytes become U+FFFD; blanks at
 * both ends go.  Cut to max_codepoints, with "…" as the last when cut. */
void text_clean(struct bh_buf *out, const char *in, size_t max_codepoints);
/* The same, but newlines stay (at most two together): for running text. */
void text_clean_lines(struct bh_buf *out, const char *in,
    size_t max_codepoints);
/* The buffer's text, never NULL, as memory of the caller; it is empty then. */
char *text_take(struct bh_buf *b);

/* Does `s` match `pattern`?  '*' (and "**") any run of characters, also with
 * '/' in it; '?' one character; '\' takes the next as it is.  Case matters.
 * Work is bounded by strlen(s) * strlen(pattern); no recursion. */
bool text_glob(const char *pattern, const char *s);
/* The same, blind to the case of ASCII letters. */
bool text_glob_fold(const char *pattern, const char *s);

/* How many edits (insert, delete, replace, swap of neighbours) lie between
 * the two, blind to ASCII case; over 64 bytes, or more than is worth saying:
 * a large number. */
unsigned text_distance(const char *a, const char *b);
/* The candidate nearest to `typed`, if near enough to be meant, else NULL:
 * for "did you mean".  candidates[i] may be NULL (skipped). */
const char *text_nearest(const char *typed, const char *const *candidates,
    size_t count);

/* Columns on a terminal: wide characters count two, combining ones none. */
size_t text_width(const char *s);

/* Folds an e-mail address for comparison into out (size bytes): ASCII
 * letters in lower case, nothing else touched.  BH_EINVAL if it does not look
 * like an address (one @, something on both sides, no blanks or controls, 254
 * bytes at most) or does not fit; out is then "". */
int text_fold_email(char *out, size_t size, const char *in);

/* Are the two equal, blind to ASCII case?  NULL equals nothing. */
bool text_same_fold(const char *a, const char *b);

/* Equal, in a time that does not tell where they differ; NULL is not. */
bool text_same_secret(const char *a, const char *b);

#endif /* HOST_BASE_TEXT_H */
