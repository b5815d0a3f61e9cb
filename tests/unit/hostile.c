/* hostile.c - texts that want to be more than text, for every renderer.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/hostile.h"

#include <check.h>

#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/value.h"

#define LEAST	300u

static struct bh_value *
read_file(const char *path)
{
	struct bh_buf all = BH_BUF(16u * 1024u * 1024u);
	FILE *f = fopen(path, "r");
	const char *error = NULL;
	struct bh_value *v;
	char piece[4096];
	size_t n;

	ck_assert_msg(f != NULL, "%s cannot be read", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		bh_buf_put(&all, piece, n);
	fclose(f);
	v = json_parse(bh_buf_text(&all), all.len, &error);
	ck_assert_msg(v != NULL, "%s: %s", path, error);
	bh_buf_release(&all);
	return v;
}

static void
put_hex(struct bh_buf *out, const char *hex)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		char two[3] = { hex[0], hex[1], '\0' };
		unsigned char c = (unsigned char)strtoul(two, NULL, 16);

		bh_buf_put(out, &c, 1);
	}
}

struct hostile *
hostile_load(size_t *count)
{
	struct bh_value *v = read_file(TEST_SRCDIR "/tests/data/hostile.json");
	struct hostile *list = xcalloc(v->count + 1, sizeof(*list));
	size_t i = 0;

	ck_assert_uint_ge(v->count, LEAST);
	for (BH_EACH(c, v)) {
		struct bh_buf b = BH_BUF(4u * 1024u * 1024u);
		const char *hex = bh_get_text(c, "hex");
		const char *text = bh_get_text(c, "text");

		bh_buf_puts(&b, "");
		if (hex != NULL)
			put_hex(&b, hex);
		else
			for (double n = bh_get_number(c, "times", 1); n > 0;
			    n--)
				bh_buf_puts(&b, text);
		snprintf(list[i].what, sizeof(list[i].what), "%s",
		    bh_get_text(c, "what"));
		list[i].len = b.len;
		list[i++].text = b.data;
	}
	*count = i;
	value_free(v);
	return list;
}

void
hostile_free(struct hostile *list)
{
	for (size_t i = 0; list[i].text != NULL; i++)
		free(list[i].text);
	free(list);
}
