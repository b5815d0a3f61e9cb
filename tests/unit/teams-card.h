/* teams-card.h - what the tests of cards and forms share: reading them back.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TESTS_UNIT_TEAMS_CARD_H
#define TESTS_UNIT_TEAMS_CARD_H

#include "tests/unit/teams-world.h"

#include "host/base/mem.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct teams_world w;
static struct bh_buf out = BH_BUF(4u << 20);

static void
up(void)
{
	world_new(&w, NULL);
	w.fake->people[0] = (struct bh_user){ .person = "P1",
		.name = "Ada Lovelace", .realm = "main",
		.id = "ada00000-0000-4000-8000-000000000001" };
	w.fake->people[1] = (struct bh_user){ .person = "P2",
		.name = "Grace Hopper", .realm = "slack", .id = "U0GRACE" };
	w.fake->people[2] = (struct bh_user){ .person = "P3",
		.name = "Ada Lovelace", .realm = "main",
		.id = "ada00000-0000-4000-8000-000000000003" };
	world_open(&w);
}

static void
down(void)
{
	world_free(&w);
	bh_buf_release(&out);
}

/* What stands in `out`, strictly read. */
static struct bh_value *
read_out(void)
{
	const char *error = NULL;
	struct bh_value *v = bh_json(&w.fake->host, bh_buf_text(&out),
	    out.len, &error);

	ck_assert_msg(v != NULL, "%s in %s", error, bh_buf_text(&out));
	ck_assert(!out.overflow);
	return v;
}

static bool
type_is(const struct bh_value *v, const char *type)
{
	const char *t = bh_get_text(v, "type");

	return t != NULL && strcmp(t, type) == 0;
}

/* The n-th value of that type, wherever it stands; "" is any type. */
static const struct bh_value *
find_type(const struct bh_value *v, const char *type, size_t *n)
{
	if (v->kind == BH_MAP && bh_get_text(v, "type") != NULL &&
	    (*type == '\0' || type_is(v, type)) && (*n)-- == 0)
		return v;
	for (BH_EACH(c, v)) {
		const struct bh_value *found = find_type(c, type, n);

		if (found != NULL)
			return found;
	}
	return NULL;
}

static const struct bh_value *
nth(const struct bh_value *v, const char *type, size_t n)
{
	return find_type(v, type, &n);
}

static size_t
count_type(const struct bh_value *v, const char *type)
{
	size_t n = 0;

	while (nth(v, type, n) != NULL)
		n++;
	return n;
}

/* The words of everything of that type, a line each. */
static void
words_of(const struct bh_value *v, const char *type, struct bh_buf *words)
{
	const struct bh_value *e;

	bh_buf_clear(words);
	for (size_t n = 0; (e = nth(v, type, n)) != NULL; n++) {
		if (strcmp(type, "RichTextBlock") == 0) {
			for (BH_EACH(run, bh_get(e, "inlines"))) {
				ck_assert(type_is(run, "TextRun"));
				ck_assert_ptr_nonnull(bh_get_text(run,
				    "text"));
				bh_buf_puts(words, bh_get_text(run, "text"));
			}
		} else
			bh_buf_puts(words, bh_get_text(e, "text"));
		bh_buf_puts(words, "\n");
	}
}

/* The hostile strings of tests/data: calls each(text) for them. */
static void
each_hostile(void (*each)(const char *text))
{
	char *json = world_file("tests/data/hostile.json");
	const char *error = NULL;
	struct bh_value *list = bh_json(&w.fake->host, json, strlen(json),
	    &error);
	size_t count = 0;

	ck_assert_msg(list != NULL, "%s", error);
	for (BH_EACH(v, list)) {
		const char *hex = bh_get_text(v, "hex");
		struct bh_buf text = BH_BUF(1u << 20);

		bh_buf_puts(&text, "");
		for (size_t n = 0; hex == NULL && n < (size_t)bh_get_number(v,
		    "times", 1); n++)
			bh_buf_puts(&text, bh_get_text(v, "text"));
		for (; hex != NULL && *hex != '\0'; hex += 2) {
			char two[3] = { hex[0], hex[1], '\0' };
			char byte = (char)strtol(two, NULL, 16);

			bh_buf_put(&text, &byte, 1);
		}
		ck_assert(!text.overflow);
		each(bh_buf_text(&text));
		bh_buf_release(&text);
		count++;
	}
	ck_assert_uint_ge(count, 300);
	bh_json_free(&w.fake->host, list);
	free(json);
}

#endif
