/*
 * mem.h - memory that is there or ends the program, and scope-bound release.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A host without memory for a few hundred bytes cannot keep a promise: it
 * says so in one line and aborts; the service manager starts it again and
 * the store knows everything that mattered.  Sizes that come from outside
 * are limited before they come here (struct bh_buf, arenas).
 */

#ifndef HOST_BASE_MEM_H
#define HOST_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#include <bellhop/plugin.h>

#include "host/base/banned.h"

/* Zeroed memory of n * size bytes; never NULL. */
void *xcalloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));
/* realloc to n * size bytes; never NULL; new memory is not zeroed. */
void *xrealloc(void *p, size_t n, size_t size) __attribute__((warn_unused_result));
/* A copy; NULL gives NULL. */
char *xstrdup(const char *s) __attribute__((malloc, warn_unused_result));
/* A copy of at most n bytes, NUL-terminated. */
char *xstrndup(const char *s, size_t n) __attribute__((malloc, warn_unused_result));
/* `a`, `between` and `b` as one text. */
char *xjoin(const char *a, const char *between, const char *b)
    __attribute__((malloc, warn_unused_result));
/* printf into fresh memory. */
char *xasprintf(const char *fmt, ...) BH_PRINTF(1, 2)
    __attribute__((malloc, warn_unused_result));
/* Wipes `len` bytes, then frees; NULL is fine. */
void xfree_secret(void *p, size_t len);

static inline void
mem_auto_free(void *p)
{
	free(*(void **)p);
}

/* BH_AUTO_FREE char *s = xstrdup(...);		freed at the end of its scope */
#define BH_AUTO_FREE	__attribute__((cleanup(mem_auto_free)))
/* BH_AUTO_BUF struct bh_buf b = BH_BUF(4096);	released likewise */
#define BH_AUTO_BUF	__attribute__((cleanup(bh_buf_release)))

#endif /* HOST_BASE_MEM_H */
