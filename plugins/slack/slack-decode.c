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
	char *text;				/* behind the list */
	struct bh_value list[];
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
	unsigned char all = 0;
	char *to = *out;

	for (; from < end; from++) {
		char c = *from;
		int high, low;

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			if (end - from < 3 ||
			    (high = hex_digit(from[1])) < 0 ||
			    (low = hex_digit(from[2])) < 0)
				return NULL;
			c = (char)(high << 4 | low);
			from += 2;
		}
		if (c == '\0')
			return NULL;
		all |= (unsigned char)c;
		*to++ = c;
	}
	*to++ = '\0';
	*out = to;
	return all < 0x80 || is_utf8(begin) ? begin : NULL;
}

static bool
add(struct decoded *d, const char *key, const char *value)
{
	struct bh_value *v = &d->list[d->map.count];

	for (BH_EACH(c, &d->map))
		if (c->key[0] == key[0] && strcmp(c->key, key) == 0)
			return false;
	*v = (struct bh_value){ .kind = BH_TEXT, .key = key, .text = value };
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

static size_t
count_pairs(const char *body, size_t len)
{
	const char *end = body + len;
	size_t n = 1;

	while ((body = memchr(body, '&', (size_t)(end - body))) != NULL) {
		body++;
		n++;
	}
	return n;
}

struct bh_value *
slack_decode(const char *body, size_t len, const char **why)
{
	size_t pairs = count_pairs(body, len);
	struct decoded *d;

	if (pairs > PAIRS_MOST) {
		*why = "too many names";
		return NULL;
	}
	/* Two bytes of a pair at least are no text, two NULs are added. */
	d = malloc(sizeof(*d) + pairs * sizeof(d->list[0]) + len + 2);
	if (d == NULL)
		abort();
	d->map = (struct bh_value){ .kind = BH_MAP };
	d->text = (char *)&d->list[pairs];
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
