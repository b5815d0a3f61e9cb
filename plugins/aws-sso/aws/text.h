/* text.h - the small texts that AWS writes: times and XML tags.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_TEXT_H
#define AWS_SSO_TEXT_H

#include <bellhop/plugin.h>

/* "2026-01-05T10:00:00Z", also with a fraction or an offset, in ms;
 * -1 if it is none. */
int64_t text_iso_time(const char *text);

/* "Mon, 05 Jan 2026 10:00:00 GMT" (a Date header) in ms; -1 if it is none. */
int64_t text_http_date(const char *text);

/* A timestamp of JSON 1.1: epoch seconds, maybe with a fraction.  0 if NULL
 * or none. */
int64_t text_json_time(const struct bh_value *value);

/* What stands in the first <tag>...</tag> at or after `xml`, entities
 * resolved; NULL if there is none.  The caller frees it.  Enough for STS,
 * whose answers are flat and ours. */
char *text_xml(const char *xml, const char *tag);

/* Appends "key":"value" as JSON, after a comma unless `out` is empty;
 * nothing when value is NULL. */
void text_member(struct bh_buf *out, const char *key, const char *value);

#endif
