/* flood.h - how many commands one person may give in a while.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_CHAT_FLOOD_H
#define HOST_CHAT_FLOOD_H

#include <bellhop/plugin.h>

struct flood_limit {
	int count;		/* 0: no limit */
	int64_t span;		/* ms */
};

/* One person's: `used` units at time `at`, leaking `count` in `span`. */
struct flood {
	double used;
	int64_t at;		/* monotonic ms */
	bool told;		/* was told since the last one let through */
};

/* "20/min", "5/10s", "off".  BH_EINVAL with *error. */
int flood_parse(const char *text, struct flood_limit *out,
    const char **error);

/* Lets `cost` units through (0), or says in how many ms to try again. */
int64_t flood_take(struct flood *flood, const struct flood_limit *limit,
    int cost, int64_t now);

/* Gives them back: it was a duplicate. */
void flood_refund(struct flood *flood, int cost);

#endif /* HOST_CHAT_FLOOD_H */
