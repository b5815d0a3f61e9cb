/* flood.c - a leaking bucket for each person.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/flood.h"

#include "host/base/duration.h"
#include "host/base/mem.h"

int
flood_parse(const char *text, struct flood_limit *out, const char **error)
{
	static const struct { const char *word; int64_t ms; } words[] = {
		{ "s", 1000 }, { "second", 1000 }, { "m", 60000 },
		{ "min", 60000 }, { "minute", 60000 }, { "h", 3600000 },
		{ "hour", 3600000 },
	};
	char *end;
	long count;

	if (strcmp(text, "off") == 0) {
		*out = (struct flood_limit){ 0, 1 };
		return BH_OK;
	}
	count = strtol(text, &end, 10);
	if (end == text || count < 1 || count > 1000000 || *end != '/') {
		*error = "flood is written like 20/min, 5/10s or off";
		return BH_EINVAL;
	}
	end++;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(end, words[i].word) == 0) {
			*out = (struct flood_limit){ (int)count, words[i].ms };
			return BH_OK;
		}
	}

	int64_t span = duration_parse(end, error);

	/* A day at most: what one would have to wait must be a number. */
	if (span <= 0 || span > 86400000) {
		*error = "flood is written like 20/min, 5/10s or off";
		return BH_EINVAL;
	}
	*out = (struct flood_limit){ (int)count, span };
	return BH_OK;
}

int64_t
flood_take(struct flood *flood, const struct flood_limit *limit, int cost,
    int64_t now)
{
	if (limit->count == 0)
		return 0;

	double rate = (double)limit->count / (double)limit->span;
	/* A command that costs more than the whole bucket must still be
	 * possible once the bucket is empty. */
	double size = limit->count > cost ? limit->count : cost;

	flood->used -= rate * (double)(now - flood->at);
	if (flood->used < 0)
		flood->used = 0;
	flood->at = now;
	if (flood->used + cost > size + 1e-9)
		return (int64_t)((flood->used + cost - size) / rate) + 1;
	flood->used += cost;
	flood->told = false;
	return 0;
}

void
flood_refund(struct flood *flood, int cost)
{
	flood->used = flood->used > cost ? flood->used - cost : 0;
}
