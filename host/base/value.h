/*
 * value.h - building trees of struct bh_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tree lives in one arena and is freed as a whole.  The reading side is in
 * <bellhop/plugin.h> (bh_get and friends).
 */

#ifndef HOST_BASE_VALUE_H
#define HOST_BASE_VALUE_H

#include <bellhop/plugin.h>

struct value_arena;

/* An arena that never grows past `max` bytes. */
struct value_arena *value_arena_new(size_t max);
/* Frees it with all in it; for an arena whose tree was never finished. */
void value_arena_free(struct value_arena **arena);
/* Memory and copies inside the arena; NULL once `max` is reached. */
void *value_alloc(struct value_arena *arena, size_t size);
char *value_text(struct value_arena *arena, const char *text, size_t len);

/* A node of this kind, not in any tree yet; NULL once `max` is reached.
 * Line, column and file are the caller's to fill in (file: by value_text or
 * something that lives longer). */
struct bh_value *value_new(struct value_arena *arena, enum bh_kind kind);
/* The same with its content; text is copied. */
struct bh_value *value_new_text(struct value_arena *arena, const char *text);
struct bh_value *value_new_bool(struct value_arena *arena, bool yes);
/* A number, written `text` (copied; it must be a JSON number). */
struct bh_value *value_new_number(struct value_arena *arena, const char *text);

/* Appends `child` to a list (key NULL) or map (key is copied).  False if the
 * arena is full or child is NULL, so that value_add(v, "a", value_new_text())
 * needs one check.  Duplicates are the caller's business. */
bool value_add(struct bh_value *parent, const char *key,
    struct bh_value *child);

/* A deep copy of `v` into `arena`, without its siblings and key; NULL if it
 * does not fit. */
struct bh_value *value_copy(struct value_arena *arena, const struct bh_value *v);
/* A deep copy in an arena of its own. */
struct bh_value *value_clone(const struct bh_value *v);

/* Frees the arena that `v` (any node made here) lives in, hence all of its
 * tree; NULL is fine. */
void value_free(const struct bh_value *v);

/* Appends `v` as JSON in one line; `sorted`: maps by key (byte order), which
 * makes the text canonical.  Numbers are written as they were read. */
void value_print_json(struct bh_buf *out, const struct bh_value *v,
    bool sorted);

/* The node itself, to be changed by the room that built the tree and has
 * not shown it to anybody yet; and the arena it lives in. */
struct bh_value *value_edit(const struct bh_value *v);
struct value_arena *value_arena_of(const struct bh_value *v);

/* Where the key of this node stands, for trees that come from files (0 and 0
 * otherwise): complaints about a key point at the key. */
void value_set_key_at(struct bh_value *v, int line, int column);
void value_key_at(const struct bh_value *v, int *line, int *column);

/* Same content (kinds, texts, order of lists; maps in any order)? */
bool value_equal(const struct bh_value *a, const struct bh_value *b);

#endif /* HOST_BASE_VALUE_H */
