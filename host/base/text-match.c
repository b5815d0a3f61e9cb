/*
 * text-match.c - globs, nearness, and width of text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/text.h"

#include <strings.h>

#include "host/base/banned.h"

static uint32_t
text_fold(uint32_t c, bool fold)
{
	return fold && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/*
 * One way back is enough: when a later '*' has matched, an earlier one never
 * needs another try, because the later can take whatever the earlier would
 * have.  So the work is at most pattern times text, without recursion.
 */
static bool
text_glob_match(const char *p, const char *s, bool fold)
{
	const char *star = NULL, *from = NULL;

	while (*s != '\0') {
		if (*p == '*') {
			while (*p == '*')
				p++;
			star = p;
			from = s;
			continue;
		}
		const char *pn = p, *sn = s;
		uint32_t want = text_next(&pn), have = text_next(&sn);
		bool any = want == '?';
		if (want == '\\' && *pn != '\0')
			want = text_next(&pn);
		if (want != 0 && (any ||
		    text_fold(want, fold) == text_fold(have, fold))) {
			p = pn;
			s = sn;
		} else if (star != NULL) {
			text_next(&from);
			p = star;
			s = from;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

bool
text_glob(const char *pattern, const char *s)
{
	return text_glob_match(pattern, s, false);
}

bool
text_glob_fold(const char *pattern, const char *s)
{
	return text_glob_match(pattern, s, true);
}

#define DISTANCE_MAX	64	/* bytes; longer names are not mistyped */
#define DISTANCE_FAR	1000

static unsigned char
text_lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static unsigned
text_least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
text_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned rows[3][DISTANCE_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	if (la > DISTANCE_MAX || lb > DISTANCE_MAX)
		return DISTANCE_FAR;
	for (size_t j = 0; j <= lb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned char x = text_lower(a[i - 1]);
			unsigned char y = text_lower(b[j - 1]);
			unsigned best = above[j - 1] + (x != y);

			best = text_least(best, above[j] + 1);
			best = text_least(best, row[j - 1] + 1);
			if (i > 1 && j > 1 && x == text_lower(b[j - 2]) &&
			    text_lower(a[i - 2]) == y)
				best = text_least(best, before[j - 2] + 1);
			row[j] = best;
		}
		unsigned *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[lb];
}

const char *
text_nearest(const char *typed, const char *const *candidates, size_t count)
{
	const char *best = NULL;
	size_t len = strlen(typed);
	/* A third of the letters may be wrong, and at most four: "elevat"
	 * means elevate, "xy" means nothing in particular.  What begins with
	 * the word typed is nearer than it looks: prod for prod-payments. */
	unsigned limit = (unsigned)(len / 3 > 4 ? 4 : len / 3);
	unsigned nearest;

	if (limit == 0)
		limit = len > 1 ? 1 : 0;
	nearest = limit + 1;
	for (size_t i = 0; i < count; i++) {
		if (candidates[i] == NULL)
			continue;
		unsigned far = text_distance(typed, candidates[i]);
		if (far > limit && len >= 3 &&
		    strncasecmp(typed, candidates[i], len) == 0)
			far = limit;
		if (far < nearest) {
			nearest = far;
			best = candidates[i];
		}
	}
	return best;
}

struct text_range { uint32_t from, to; };

static bool
text_in(const struct text_range *ranges, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n && c >= ranges[i].from; i++)
		if (c <= ranges[i].to)
			return true;
	return false;
}

/* Marks drawn over the letter before. */
static const struct text_range none_wide[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },
	{ 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x06d6, 0x06dc },
	{ 0x0900, 0x0902 }, { 0x093c, 0x093c }, { 0x0941, 0x0948 },
	{ 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
	{ 0x20d0, 0x20ff }, { 0x302a, 0x302d }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0x1f3fb, 0x1f3ff },
	{ 0xe0100, 0xe01ef },
};

/* East Asian wide and fullwidth, and emoji. */
static const struct text_range two_wide[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x23e9, 0x23ec },
	{ 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 },
	{ 0x26a1, 0x26a1 }, { 0x2705, 0x2705 }, { 0x270a, 0x270b },
	{ 0x2728, 0x2728 }, { 0x274c, 0x274c }, { 0x2753, 0x2755 },
	{ 0x2757, 0x2757 }, { 0x2795, 0x2797 }, { 0x2b1b, 0x2b1c },
	{ 0x2b50, 0x2b50 }, { 0x2e80, 0x303e }, { 0x3041, 0x33ff },
	{ 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xa000, 0xa4cf },
	{ 0xa960, 0xa97f }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
	{ 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e },
	{ 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f335 },
	{ 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca },
	{ 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 },
	{ 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc },
	{ 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f567 }, { 0x1f57a, 0x1f57a },
	{ 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f },
	{ 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6df }, { 0x1f6eb, 0x1f6ec },
	{ 0x1f6f4, 0x1f6ff }, { 0x1f7e0, 0x1f7eb }, { 0x1f90c, 0x1f9ff },
	{ 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
};

size_t
text_width(const char *s)
{
	size_t width = 0;
	uint32_t c;

	while ((c = text_next(&s)) != 0) {
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			continue;
		if (text_in(none_wide, sizeof(none_wide) /
		    sizeof(none_wide[0]), c))
			continue;
		width += text_in(two_wide, sizeof(two_wide) /
		    sizeof(two_wide[0]), c) ? 2 : 1;
	}
	return width;
}
