/* arena.c - memory of one thing, given back all at once.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "host/base/mem.h"

#define PIECE	1000		/* with its head, what malloc() keeps at hand */

struct arena {
	struct arena *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

static char *
take(struct arena **arena, size_t size)
{
	struct arena *a = *arena;
	char *p;

	if (a == NULL || a->size - a->used < size) {
		size_t room = size > PIECE - sizeof(*a) ? size :
		    PIECE - sizeof(*a);

		a = xrealloc(NULL, sizeof(*a) + room, 1);
		a->used = 0;
		a->size = room;
		a->next = *arena;
		*arena = a;
	}
	p = a->data + a->used;
	a->used += size;
	return p;
}

void *
arena_take(struct arena **arena, size_t size)
{
	struct arena *a = *arena;
	size_t over = a != NULL ? a->used % alignof(max_align_t) : 0;

	if (over != 0 && a->size - a->used >= alignof(max_align_t) - over)
		a->used += alignof(max_align_t) - over;
	else if (over != 0)
		a->used = a->size;
	return memset(take(arena, size), 0, size);
}

char *
arena_copy_n(struct arena **arena, const char *text, size_t n)
{
	size_t len;
	char *copy;

	if (text == NULL)
		return NULL;
	len = strnlen(text, n);
	copy = take(arena, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_copy(struct arena **arena, const char *text)
{
	return arena_copy_n(arena, text, text != NULL ? strlen(text) : 0);
}

char *
arena_join(struct arena **arena, const char *a, const char *between,
    const char *b)
{
	size_t a_len = strlen(a), len = a_len + strlen(between);
	size_t b_size = strlen(b) + 1;
	char *joined = take(arena, len + b_size);

	memcpy(joined, a, a_len);
	memcpy(joined + a_len, between, len - a_len);
	memcpy(joined + len, b, b_size);
	return joined;
}

void
arena_free(struct arena **arena)
{
	struct arena *a = *arena;

	*arena = NULL;
	while (a != NULL) {
		struct arena *next = a->next;

		free(a);
		a = next;
	}
}
