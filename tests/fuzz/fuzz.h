/* fuzz.h - what every fuzz target begins with.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A target is one function that is given any bytes at all.  It must come back,
 * touch no memory that is not its own (the sanitizers see to that), and what
 * it says about the bytes must be consistent: check() states how.
 */

#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define check(holds)							\
	((holds) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #holds))

static inline void
fuzz_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* The bytes as a text, NUL at its end and none before: cut there.  In memory
 * of exactly its size, so that reading on is seen.  The caller frees it. */
static inline char *
fuzz_text(const uint8_t *data, size_t len)
{
	const uint8_t *nul = len > 0 ? memchr(data, 0, len) : NULL;
	char *text;

	if (nul != NULL)
		len = (size_t)(nul - data);
	if ((text = malloc(len + 1)) == NULL)
		abort();
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

/* Takes the text up to the next newline (or the end) off the front. */
static inline char *
fuzz_line(const uint8_t **data, size_t *len)
{
	const uint8_t *end = *len > 0 ? memchr(*data, '\n', *len) : NULL;
	size_t n = end != NULL ? (size_t)(end - *data) : *len;
	char *text = fuzz_text(*data, n);

	n += end != NULL;
	*data = *len > 0 ? *data + n : *data;
	*len -= n;
	return text;
}

#endif
