/*
 * duration.c - spans of time as people write and read them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/duration.h"

#include <strings.h>

#include "host/base/banned.h"

#define DURATION_MAX	((int64_t)3653 * 24 * 60 * 60 * 1000)

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "min", 60000 },
	{ "m", 60000 }, { "ms", 1 }, { "s", 1000 },
	{ "days", 86400000 }, { "day", 86400000 },
	{ "hours", 3600000 }, { "hour", 3600000 },
	{ "minutes", 60000 }, { "minute", 60000 }, { "mins", 60000 },
	{ "seconds", 1000 }, { "second", 1000 }, { "sec", 1000 },
};

static int64_t
duration_fail(const char **error, const char *why)
{
	if (error != NULL)
		*error = why;
	return BH_EINVAL;
}

/* The unit that is the word at s, which ends where its letters end. */
static const struct unit *
duration_unit(const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len &&
		    strncasecmp(units[i].name, s, len) == 0)
			return &units[i];
	return NULL;
}

static size_t
duration_letters(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z'))
		n++;
	return n;
}

/* Number and unit pairs, each unit smaller than the one before, so that
 * "1h2h" is asked back rather than guessed.  ISO: one letter, T before the
 * units of a clock. */
static int64_t
duration_pairs(const char *s, bool iso, const char **error)
{
	int64_t sum = 0, last = INT64_MAX;
	bool clock = false;

	while (*s != '\0') {
		if (iso && !clock && *s == 'T' && s[1] != '\0') {
			clock = true;
			s++;
		}
		while (!iso && *s == ' ')
			s++;
		int64_t n = 0;
		if (*s < '0' || *s > '9')
			return duration_fail(error,
			    "no duration: write it like 30m, 1h30m or 2d");
		for (; *s >= '0' && *s <= '9'; s++) {
			n = n * 10 + (*s - '0');
			if (n > DURATION_MAX)
				return duration_fail(error,
				    "over ten years: choose a shorter one");
		}
		while (!iso && *s == ' ')
			s++;
		size_t len = duration_letters(s);
		if (iso && len > 1)
			len = 1;	/* "1DT2H": the T is no unit */
		if (len == 0)
			return duration_fail(error,
			    "without a unit: add s, m, h or d, as in 30m");
		const struct unit *u = duration_unit(s, len);
		if (u == NULL || (iso && (len != 1 || (*s == 'D') == clock)))
			return duration_fail(error,
			    "has an unknown unit: use s, m, h or d, as in 1h30m");
		if (u->ms >= last)
			return duration_fail(error,
			    "no duration: larger units first, each once, as in "
			    "1h30m");
		last = u->ms;
		/* n and ms are small enough that this cannot wrap: 3.2e11 *
		 * 8.6e7 is over 2^63, hence the division. */
		if (n > (DURATION_MAX - sum) / u->ms)
			return duration_fail(error,
			    "over ten years: choose a shorter one");
		sum += n * u->ms;
		s += len;
		while (!iso && *s == ' ')
			s++;
	}
	return sum;
}

int64_t
duration_parse(const char *s, const char **error)
{
	if (s == NULL || *s == '\0')
		return duration_fail(error,
		    "empty: write a duration like 30m, 1h30m or 2d");
	if (s[0] == 'P') {
		if (s[1] == '\0')
			return duration_fail(error,
			    "no duration: write it like 30m, 1h30m or 2d");
		return duration_pairs(s + 1, true, error);
	}
	return duration_pairs(s, false, error);
}

void
duration_format(struct bh_buf *out, int64_t ms)
{
	static const struct unit show[] = {
		{ "d", 86400000 }, { "h", 3600000 }, { "min", 60000 },
		{ "s", 1000 },
	};
	uint64_t left;

	if (ms < 0)
		bh_buf_puts(out, "-");
	left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	if (left < 1000) {
		bh_buf_add(out, "%llu ms", (unsigned long long)left);
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		uint64_t unit = (uint64_t)show[i].ms;

		if (left < unit)
			continue;
		bh_buf_add(out, "%llu %s", (unsigned long long)(left / unit),
		    show[i].name);
		left %= unit;
		if (i + 1 < 4 && left >= (uint64_t)show[i + 1].ms)
			bh_buf_add(out, " %llu %s",
			    (unsigned long long)(left /
			    (uint64_t)show[i + 1].ms), show[i + 1].name);
		return;
	}
}
