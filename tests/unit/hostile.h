/* hostile.h - texts that want to be more than text, for every renderer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * tests/data/hostile.json: mentions, links, markup, HTML, templates, bidi and
 * zero-width characters, controls, bytes that are no UTF-8, and what is too
 * long.  An entry is {"what", "text"}, {"what", "hex"} for bytes that JSON
 * cannot hold, or {"what", "text", "times"}.
 */

#ifndef TESTS_UNIT_HOSTILE_H
#define TESTS_UNIT_HOSTILE_H

#include <stddef.h>

struct hostile {
	char what[32];
	char *text;
	size_t len;
};

/* All of them; the array ends with text NULL.  Ends the test when the file
 * cannot be read or has fewer than 300. */
struct hostile *hostile_load(size_t *count);
void hostile_free(struct hostile *list);

#endif
