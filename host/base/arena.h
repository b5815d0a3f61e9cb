/* arena.h - memory of one thing, given back all at once.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_BASE_ARENA_H
#define HOST_BASE_ARENA_H

#include <stddef.h>

/* NULL is an empty one.  What is replaced stays until the end: for things that
 * live shortly. */
struct arena;

/* Zeroed and aligned for anything. */
void *arena_take(struct arena **arena, size_t size)
    __attribute__((warn_unused_result));
/* A copy; NULL gives NULL. */
char *arena_copy(struct arena **arena, const char *text)
    __attribute__((warn_unused_result));
/* ... of at most n bytes, NUL-terminated. */
char *arena_copy_n(struct arena **arena, const char *text, size_t n)
    __attribute__((warn_unused_result));
/* `a`, `between` and `b` as one text. */
char *arena_join(struct arena **arena, const char *a, const char *between,
    const char *b) __attribute__((warn_unused_result));
void arena_free(struct arena **arena);

#endif /* HOST_BASE_ARENA_H */
