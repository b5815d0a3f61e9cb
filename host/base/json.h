/*
 * json.h - strict JSON into a tree of struct bh_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_BASE_JSON_H
#define HOST_BASE_JSON_H

#include <bellhop/plugin.h>

#define JSON_MAX_BYTES	(8u << 20)	/* the transfer's own cap comes first */
#define JSON_MAX_DEPTH	32
#define JSON_MAX_NODES	10000		/* of what strangers send */
#define JSON_MAX_STRING	(64u << 10)

/* Parses exactly one JSON text.  Refused: bad UTF-8, NUL and \u0000, lone
 * surrogates, duplicate keys, numbers that JSON does not know or that no
 * double can hold, trailing bytes, a byte order mark, and anything beyond
 * the limits above.  Numbers keep their text as written (->text).
 * Returns the root, to be freed by value_free(); or NULL with a sentence in
 * *error (error may be NULL), valid until this thread's next json_parse. */
struct bh_value *json_parse(const char *text, size_t len, const char **error);

/* The same for what we wrote ourselves (a snapshot in the store): up to
 * max_nodes nodes and 64 MiB. */
struct bh_value *json_parse_big(const char *text, size_t len,
    size_t max_nodes, const char **error);

#endif /* HOST_BASE_JSON_H */
