/*
 * duration.h - spans of time as people write and read them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_BASE_DURATION_H
#define HOST_BASE_DURATION_H

#include <bellhop/plugin.h>

/* "90s", "30m", "1h30m", "1h 30m", "2d", "250ms", "PT1H30M" in ms, 0 or more.
 * Negative (BH_EINVAL) and a sentence in *error (may be NULL) if it is not
 * one, has no unit, or is over 10 years. */
int64_t duration_parse(const char *s, const char **error);

/* Appends "1 h 30 min", "45 s", "2 d 3 h", "250 ms": the two largest units. */
void duration_format(struct bh_buf *out, int64_t ms);

#endif /* HOST_BASE_DURATION_H */
