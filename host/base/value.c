/*
 * value.c - building trees of struct bh_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/value.h"

#include "host/base/magic.h"
#include "host/base/mem.h"

#define BLOCK	8192u		/* bytes asked from malloc at a time */

struct value_block {
	struct value_block *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct value_arena {
	unsigned magic;
#define VALUE_ARENA_MAGIC 0x61726e61u
	size_t max, used;
	struct value_block *blocks;	/* the newest first */
};

/* What really lies in the arena: the value, and what building needs. */
struct value_node {
	struct value_arena *arena;
	struct bh_value *last;		/* child, so that adding is quick */
	int key_line, key_column;
	struct bh_value value;
};

struct value_arena *
value_arena_new(size_t max)
{
	struct value_arena *arena = xcalloc(1, sizeof(*arena));

	arena->magic = VALUE_ARENA_MAGIC;
	arena->max = max;
	return arena;
}

void
value_arena_free(struct value_arena **arena)
{
	struct value_block *b, *next;

	if (*arena == NULL)
		return;
	CHECK_MAGIC(*arena, VALUE_ARENA_MAGIC);
	for (b = (*arena)->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	KILL_MAGIC(*arena);
	free(*arena);
	*arena = NULL;
}

void *
value_alloc(struct value_arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct value_block *b = arena->blocks;

	if (size > arena->max || arena->used > arena->max - size)
		return NULL;
	size = (size + align - 1) / align * align;
	if (b == NULL || b->size - b->used < size) {
		size_t room = size > BLOCK / 2 ? size : BLOCK;

		/* A small tree takes small memory. */
		if (b == NULL && room == BLOCK && size <= 512)
			room = 1024;
		b = xcalloc(1, sizeof(*b) + room);
		b->size = room;
		if (size > BLOCK / 2 && arena->blocks != NULL) {
			/* Keep the half-full block in front. */
			b->next = arena->blocks->next;
			arena->blocks->next = b;
		} else {
			b->next = arena->blocks;
			arena->blocks = b;
		}
	}
	void *p = b->data + b->used;
	b->used += size;
	arena->used += size;
	return p;
}

char *
value_text(struct value_arena *arena, const char *text, size_t len)
{
	char *copy = value_alloc(arena, len + 1);

	if (copy != NULL && len > 0)
		memcpy(copy, text, len);
	return copy;		/* the arena is zeroed: NUL is there */
}

static struct value_node *
value_node(const struct bh_value *v)
{
	/* Values are made here alone, inside their node. */
	return (struct value_node *)((uintptr_t)v -
	    offsetof(struct value_node, value));
}

struct bh_value *
value_new(struct value_arena *arena, enum bh_kind kind)
{
	struct value_node *n = value_alloc(arena, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->arena = arena;
	n->value.kind = (int)kind;
	return &n->value;
}

struct bh_value *
value_new_text(struct value_arena *arena, const char *text)
{
	struct bh_value *v = value_new(arena, BH_TEXT);

	if (v != NULL)
		v->text = value_text(arena, text, strlen(text));
	return v != NULL && v->text != NULL ? v : NULL;
}

struct bh_value *
value_new_bool(struct value_arena *arena, bool yes)
{
	struct bh_value *v = value_new(arena, BH_BOOL);

	if (v != NULL) {
		v->number = yes;
		v->text = yes ? "true" : "false";
	}
	return v;
}

struct bh_value *
value_new_number(struct value_arena *arena, const char *text)
{
	struct bh_value *v = value_new_text(arena, text);

	if (v != NULL) {
		v->kind = BH_NUMBER;
		v->number = strtod(text, NULL);
	}
	return v;
}

bool
value_add(struct bh_value *parent, const char *key, struct bh_value *child)
{
	struct value_node *n;

	if (parent == NULL || child == NULL)
		return false;
	n = value_node(parent);
	CHECK_MAGIC(n->arena, VALUE_ARENA_MAGIC);
	if (key != NULL) {
		child->key = value_text(n->arena, key, strlen(key));
		if (child->key == NULL)
			return false;
	}
	child->next = NULL;
	if (n->last == NULL)
		parent->first = child;
	else
		n->last->next = child;
	n->last = child;
	parent->count++;
	return true;
}

/* Depth is bounded by whoever built the tree: JSON and YAML both are. */
struct bh_value *
value_copy(struct value_arena *arena, const struct bh_value *v)
{
	struct bh_value *out = value_new(arena, (enum bh_kind)v->kind);

	if (out == NULL)
		return NULL;
	out->line = v->line;
	out->column = v->column;
	out->number = v->number;
	value_set_key_at(out, value_node(v)->key_line,
	    value_node(v)->key_column);
	if (v->text != NULL) {
		out->text = value_text(arena, v->text, strlen(v->text));
		if (out->text == NULL)
			return NULL;
	}
	if (v->file != NULL) {
		out->file = value_text(arena, v->file, strlen(v->file));
		if (out->file == NULL)
			return NULL;
	}
	for (BH_EACH(c, v))
		if (!value_add(out, c->key, value_copy(arena, c)))
			return NULL;
	return out;
}

struct bh_value *
value_clone(const struct bh_value *v)
{
	/* It was in memory once already: no other limit is needed. */
	return value_copy(value_arena_new(SIZE_MAX / 2), v);
}

void
value_free(const struct bh_value *v)
{
	if (v == NULL)
		return;
	struct value_arena *arena = value_node(v)->arena;
	value_arena_free(&arena);
}

struct bh_value *
value_edit(const struct bh_value *v)
{
	return &value_node(v)->value;
}

struct value_arena *
value_arena_of(const struct bh_value *v)
{
	return value_node(v)->arena;
}

void
value_set_key_at(struct bh_value *v, int line, int column)
{
	value_node(v)->key_line = line;
	value_node(v)->key_column = column;
}

void
value_key_at(const struct bh_value *v, int *line, int *column)
{
	*line = value_node(v)->key_line;
	*column = value_node(v)->key_column;
}

static int
value_by_key(const void *a, const void *b)
{
	const struct bh_value *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* The children of a map in byte order of their keys; free() it. */
static const struct bh_value **
value_sorted(const struct bh_value *v)
{
	const struct bh_value **list = xcalloc(v->count, sizeof(*list));
	size_t n = 0;

	for (BH_EACH(c, v))
		list[n++] = c;
	qsort(list, n, sizeof(*list), value_by_key);
	return list;
}

static void
value_print_children(struct bh_buf *out, const struct bh_value *v, bool sorted)
{
	bool map = v->kind == BH_MAP;
	const struct bh_value **list = sorted && map ? value_sorted(v) : NULL;
	const struct bh_value *c = v->first;

	for (size_t i = 0; c != NULL; i++) {
		const struct bh_value *show = list != NULL ? list[i] : c;

		if (i > 0)
			bh_buf_puts(out, ",");
		if (map) {
			bh_buf_quote(out, show->key);
			bh_buf_puts(out, ":");
		}
		value_print_json(out, show, sorted);
		c = c->next;
	}
	free(list);
}

void
value_print_json(struct bh_buf *out, const struct bh_value *v, bool sorted)
{
	switch (v != NULL ? v->kind : BH_NULL) {
	case BH_NULL:
		bh_buf_puts(out, "null");
		break;
	case BH_BOOL:
		bh_buf_puts(out, v->number > 0 ? "true" : "false");
		break;
	case BH_NUMBER:
		bh_buf_puts(out, v->text);
		break;
	case BH_TEXT:
		bh_buf_quote(out, v->text);
		break;
	case BH_LIST:
		bh_buf_puts(out, "[");
		value_print_children(out, v, sorted);
		bh_buf_puts(out, "]");
		break;
	case BH_MAP:
		bh_buf_puts(out, "{");
		value_print_children(out, v, sorted);
		bh_buf_puts(out, "}");
		break;
	}
}

bool
value_equal(const struct bh_value *a, const struct bh_value *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count)
		return false;
	switch (a->kind) {
	case BH_NULL:
		return true;
	case BH_BOOL:
		return (a->number > 0) == (b->number > 0);
	case BH_NUMBER:
	case BH_TEXT:
		return strcmp(a->text, b->text) == 0;
	default:
		break;
	}
	BH_AUTO_FREE const struct bh_value **x =
	    a->kind == BH_MAP ? value_sorted(a) : NULL;
	BH_AUTO_FREE const struct bh_value **y =
	    b->kind == BH_MAP ? value_sorted(b) : NULL;
	const struct bh_value *c = a->first, *d = b->first;
	for (size_t i = 0; i < a->count; i++, c = c->next, d = d->next) {
		if (x != NULL && y != NULL) {
			if (strcmp(x[i]->key, y[i]->key) != 0 ||
			    !value_equal(x[i], y[i]))
				return false;
		} else if (!value_equal(c, d)) {
			return false;
		}
	}
	return true;
}
