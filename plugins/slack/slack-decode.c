/* slack-decode.c - form-encoded bodies, strictly.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Slash commands and interactions come as application/x-www-form-urlencoded
 * over HTTP.  What two readers could understand differently is refused: a name
 * twice, a broken percent sign, a NUL, bytes that are no UTF-8.
 */

#include "plugins/slack/slack.h"

#define PAIRS_MOST	64u

struct decoded {
	struct bh_value map;			/* first: what callers have */
	struct bh_value list[PAIRS_MOST];
	char text[];
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_utf8(const char *text)
{
	while (*text != '\0') {
		const char *before = text;

		if (bh_utf8_next(&text) == 0xfffd && text - before != 3)
			return false;
	}
	return true;
}

/* Decodes up to `end` into *out, moves *out behind its NUL; NULL if it is
 * not clean. */
static const char *
decode(const char *from, const char *end, char **out)
{
	const char *begin = *out;
	char *to = *out;

	for (; from < end; from++) {
		int high, low;

		if (*from == '+') {
			*to++ = ' ';
		} else if (*from == '%') {
			if (end - from < 3 ||
			    (high = hex_digit(from[1])) < 0 ||
			    (low = hex_digit(from[2])) < 0)
				return NULL;
			*to++ = (char)(high << 4 | low);
			from += 2;
		} else {
			*to++ = *from;
		}
		if (to[-1] == '\0')
			return NULL;
	}
	*to++ = '\0';
	*out = to;
	return is_utf8(begin) ? begin : NULL;
}

static bool
add(struct decoded *d, const char *key, const char *value)
{
	struct bh_value *v = &d->list[d->map.count];

	for (BH_EACH(c, &d->map))
		if (strcmp(c->key, key) == 0)
			return false;
	v->kind = BH_TEXT;
	v->key = key;
	v->text = value;
	if (d->map.count == 0)
		d->map.first = v;
	else
		v[-1].next = v;
	d->map.count++;
	return true;
}

static const char *
read_pairs(struct decoded *d, const char *at, const char *end)
{
	char *out = d->text;

	while (at < end) {
		const char *stop = memchr(at, '&', (size_t)(end - at));
		const char *equals, *key, *value;

		if (stop == NULL)
			stop = end;
		equals = memchr(at, '=', (size_t)(stop - at));
		if (equals == NULL || equals == at)
			return "a pair without a name or a value";
		if (d->map.count == PAIRS_MOST)
			return "too many names";
		key = decode(at, equals, &out);
		value = key != NULL ? decode(equals + 1, stop, &out) : NULL;
		if (value == NULL)
			return "a name or a value that is not clean";
		if (!add(d, key, value))
			return "a name twice";
		if (stop == end)
			return NULL;
		at = stop + 1;
	}
	return d->map.count > 0 ? "an empty pair" : "nothing";
}

struct bh_value *
slack_decode(const char *body, size_t len, const char **why)
{
	/* Two bytes of a pair at least are no text, two NULs are added. */
	struct decoded *d = bh_zero(sizeof(*d) + len + 2);

	d->map.kind = BH_MAP;
	*why = read_pairs(d, body, body + len);
	if (*why == NULL)
		return &d->map;
	free(d);
	return NULL;
}

void
slack_decode_free(struct bh_value *map)
{
	free(map);
}
