/* json.c - fuzz target: the JSON parser and its printer.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/json.h"
#include "host/base/value.h"
#include "tests/fuzz/fuzz.h"

static size_t
depth_of(const struct bh_value *v)
{
	size_t most = 0;

	for (BH_EACH(c, v)) {
		size_t depth = depth_of(c);

		most = depth > most ? depth : most;
	}
	return most + 1;
}

static size_t
nodes_of(const struct bh_value *v)
{
	size_t count = 1;

	for (BH_EACH(c, v))
		count += nodes_of(c);
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bh_buf once = BH_BUF(JSON_MAX_BYTES * 8),
	    twice = BH_BUF(JSON_MAX_BYTES * 8);
	const char *error = NULL;
	struct bh_value *v = json_parse((const char *)data, len, &error), *w;

	if (v == NULL) {
		check(error != NULL && *error != '\0');
		return 0;
	}
	check(depth_of(v) <= JSON_MAX_DEPTH + 1);
	check(nodes_of(v) <= JSON_MAX_NODES);
	/* What we print means the same, and is printed the same again. */
	value_print_json(&once, v, true);
	check(!once.overflow);
	w = json_parse(bh_buf_text(&once), once.len, &error);
	check(w != NULL);
	check(value_equal(v, w));
	value_print_json(&twice, w, true);
	check(strcmp(bh_buf_text(&once), bh_buf_text(&twice)) == 0);
	value_free(v);
	value_free(w);
	bh_buf_release(&once);
	bh_buf_release(&twice);
	return 0;
}
