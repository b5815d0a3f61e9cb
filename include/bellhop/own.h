/*
 * own.h - what a plugin keeps for itself: copies, lists, how its parts are.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Not needed by every plugin, so <bellhop/plugin.h> does not include it.  All
 * of it is inline.  Memory never runs out here: the process ends instead, as
 * half a copy of a setting would be worse.
 */

#ifndef BELLHOP_OWN_H
#define BELLHOP_OWN_H

#include <bellhop/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroed memory, to be freed with free(). */
static inline void *
bh_zero(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort();
	return p;
}

/* NULL gives NULL. */
static inline char *
bh_copy(const char *text)
{
	size_t len;
	char *copy;

	if (text == NULL)
		return NULL;
	len = strlen(text);
	copy = (char *)bh_zero(len + 1);
	memcpy(copy, text, len);
	return copy;
}

/* Puts a copy of `value` in the place of *text, which is freed. */
static inline void
bh_set(char **text, const char *value)
{
	char *copy = bh_copy(value);

	free(*text);
	*text = copy;
}

/* Overwrites memory in a way that no compiler leaves out. */
static inline void
bh_wipe(void *data, size_t len)
{
	volatile unsigned char *p = (volatile unsigned char *)data;

	while (len-- > 0)
		*p++ = 0;
}

/* Frees a text that was secret; NULL is fine. */
static inline void
bh_secret_free(char *secret)
{
	if (secret != NULL)
		bh_wipe(secret, strlen(secret));
	free(secret);
}

/* A buffer for secrets: it has its whole memory at once, so that growing
 * leaves no copies behind.  Released by bh_buf_wipe(). */
static inline struct bh_buf
bh_secret_buf(size_t size)
{
	struct bh_buf b = { (char *)bh_zero(size), 0, size, size - 1, false };

	return b;
}

static inline void
bh_buf_wipe(struct bh_buf *b)
{
	if (b->data != NULL)
		bh_wipe(b->data, b->size);
	bh_buf_release(b);
}

/* A copy of the list under `key`, ended by NULL; of the one word `otherwise`
 * (or of nothing) if there is none.  Freed by bh_list_free(). */
static inline char **
bh_list_copy(struct bh_host *host, const char *key, const char *otherwise)
{
	const struct bh_value *v = bh_team_setting(host, "", key);
	size_t n = 0;
	char **list;

	if (v != NULL && v->kind != BH_LIST)
		v = NULL;
	list = (char **)bh_zero(((v != NULL ? v->count : 1) + 1) *
	    sizeof(*list));
	for (BH_EACH(c, v))
		if (bh_text(c) != NULL)
			list[n++] = bh_copy(bh_text(c));
	if (v == NULL)
		list[n] = bh_copy(otherwise);
	return list;
}

static inline void
bh_list_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

/* What can be wrong independently, such as one way in and one way out. */
struct bh_part {
	int health;			/* enum bh_health */
	char *text;			/* ours; NULL: nothing said yet */
};

static inline void BH_PRINTF(3, 0)
bh_part_say(struct bh_part *part, int health, const char *fmt, va_list ap)
{
	struct bh_buf text = BH_BUF(1000);

	bh_buf_vadd(&text, fmt, ap);
	part->health = health;
	bh_set(&part->text, bh_buf_text(&text));
	bh_buf_release(&text);
}

/* The one that bh_health() should speak of; its text may be NULL. */
static inline const struct bh_part *
bh_part_worst(const struct bh_part *parts, size_t count)
{
	const struct bh_part *worst = parts;

	for (size_t i = 1; i < count; i++)
		if (parts[i].text != NULL && (worst->text == NULL ||
		    parts[i].health > worst->health))
			worst = &parts[i];
	return worst;
}

#ifdef __cplusplus
}
#endif

#endif /* BELLHOP_OWN_H */
