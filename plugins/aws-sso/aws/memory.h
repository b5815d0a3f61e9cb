/* memory.h - memory that is there or ends the program, and checked casts.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_MEMORY_H
#define AWS_SSO_MEMORY_H

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* Zeroed memory; dies with a clear line when there is none left. */
void *aws_calloc(size_t count, size_t size);
void *aws_realloc(void *old, size_t count, size_t size);

/* NULL gives NULL. */
char *aws_strdup(const char *text);
char *aws_strndup(const char *text, size_t len);

/* Frees a text after wiping it, and leaves NULL behind. */
void aws_wipe(char **text);

#define AWS_NEW(type)	((type *)aws_calloc(1, sizeof(type)))

/* Objects that travel behind a void pointer begin with `unsigned magic`. */
static inline void *
aws_checked(void *p, unsigned magic)
{
	assert(p != NULL && *(unsigned *)p == magic);
	return p;
}

#define AWS_CAST(type, p, magic)	((type *)aws_checked((p), (magic)))

static inline void
aws_free_text(char **text)
{
	free(*text);
	*text = NULL;
}

#define AWS_AUTO_FREE	__attribute__((cleanup(aws_free_text)))
#define AWS_AUTO_BUF	__attribute__((cleanup(bh_buf_release)))

#endif
