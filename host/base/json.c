/*
 * json.c - strict JSON into a tree of struct bh_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * cJSON builds the tree, but it takes more than JSON is: duplicate keys, a
 * NUL inside a text (which C then cuts there), bad UTF-8, 012, 1e999, bytes
 * after the end, a thousand levels.  So json_scan() first goes over the text
 * by the letter of RFC 8259, counts, and notes where the numbers stand: cJSON
 * keeps only their doubles, and an id of 20 digits must not change.
 */

#include "host/base/json.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/value.h"

#define FEW_KEYS	24u		/* compared each with each */

struct json_number {
	uint32_t at, len;
};

struct json_scan {
	const char *p, *end, *start;
	size_t nodes, max_nodes;
	struct json_number *numbers;
	size_t numbers_count, numbers_room;
	const char *error;
};

static _Thread_local char json_sentence[160];

static bool
json_refuse(struct json_scan *s, const char *why)
{
	if (s->error == NULL) {
		snprintf(json_sentence, sizeof(json_sentence),
		    "%s at byte %zu", why, (size_t)(s->p - s->start));
		s->error = json_sentence;
	}
	return false;
}

static void
json_blank(struct json_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' ||
	    *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

/* Four hex digits at s->p; -1 if they are not. */
static long
json_hex4(struct json_scan *s)
{
	long value = 0;

	if (s->end - s->p < 4)
		return -1;
	for (int i = 0; i < 4; i++, s->p++) {
		char c = *s->p;

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return value;
}

static bool
json_unicode_escape(struct json_scan *s)
{
	long c = json_hex4(s);

	if (c < 0)
		return json_refuse(s, "\\u without four hex digits");
	if (c == 0)
		return json_refuse(s, "\\u0000 in a text");
	if (c >= 0xdc00 && c <= 0xdfff)
		return json_refuse(s, "half a surrogate pair");
	if (c < 0xd800 || c > 0xdbff)
		return true;
	if (s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u')
		return json_refuse(s, "half a surrogate pair");
	s->p += 2;
	c = json_hex4(s);
	if (c < 0xdc00 || c > 0xdfff)
		return json_refuse(s, "half a surrogate pair");
	return true;
}

static bool
json_scan_text(struct json_scan *s)
{
	const char *begin = ++s->p;

	while (s->p < s->end && *s->p != '"') {
		if ((unsigned char)*s->p < 0x20)
			return json_refuse(s, "a control character in a text");
		if (*s->p++ != '\\')
			continue;
		if (s->p == s->end)
			break;
		char c = *s->p++;
		if (c == 'u') {
			if (!json_unicode_escape(s))
				return false;
		} else if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
			return json_refuse(s, "an unknown escape");
		}
	}
	if (s->p >= s->end)
		return json_refuse(s, "a text without its end");
	if (s->p - begin > (ptrdiff_t)JSON_MAX_STRING)
		return json_refuse(s, "a text over 64 KiB");
	s->p++;
	return true;
}

static bool
json_digits(struct json_scan *s)
{
	const char *begin = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > begin;
}

static bool
json_scan_number(struct json_scan *s)
{
	const char *begin = s->p;

	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0') {
		s->p++;
		if (s->p < s->end && *s->p >= '0' && *s->p <= '9')
			return json_refuse(s, "a number with a leading zero");
	} else if (!json_digits(s)) {
		return json_refuse(s, "no value");
	}
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!json_digits(s))
			return json_refuse(s, "a number ending in a point");
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!json_digits(s))
			return json_refuse(s, "a number without its exponent");
	}
	/* cJSON copies a number into 64 bytes and takes the rest for what
	 * comes after it. */
	if (s->p - begin > 60)
		return json_refuse(s, "a number of over 60 characters");
	if (!isfinite(strtod(begin, NULL)))
		return json_refuse(s, "a number that is too large");
	if (s->numbers_count == s->numbers_room) {
		s->numbers_room = s->numbers_room * 2 + 16;
		s->numbers = xrealloc(s->numbers, s->numbers_room,
		    sizeof(*s->numbers));
	}
	s->numbers[s->numbers_count++] = (struct json_number){
	    (uint32_t)(begin - s->start), (uint32_t)(s->p - begin) };
	return true;
}

static bool
json_scan_word(struct json_scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return json_refuse(s, "no value");
	s->p += len;
	return true;
}

static bool json_scan_value(struct json_scan *s, int depth);

static bool
json_scan_members(struct json_scan *s, int depth, char close)
{
	s->p++;
	json_blank(s);
	if (s->p < s->end && *s->p == close) {
		s->p++;
		return true;
	}
	for (;;) {
		json_blank(s);
		if (close == '}') {
			if (s->p >= s->end || *s->p != '"')
				return json_refuse(s, "no key");
			if (!json_scan_text(s))
				return false;
			json_blank(s);
			if (s->p >= s->end || *s->p != ':')
				return json_refuse(s, "no colon after a key");
			s->p++;
		}
		if (!json_scan_value(s, depth + 1))
			return false;
		json_blank(s);
		if (s->p < s->end && *s->p == ',') {
			s->p++;
			continue;
		}
		if (s->p < s->end && *s->p == close) {
			s->p++;
			return true;
		}
		return json_refuse(s, close == '}' ?
		    "neither comma nor } after a member" :
		    "neither comma nor ] after an item");
	}
}

static bool
json_scan_value(struct json_scan *s, int depth)
{
	json_blank(s);
	if (s->p >= s->end)
		return json_refuse(s, "the text ends too early");
	if (++s->nodes > s->max_nodes)
		return json_refuse(s, "too many values");
	if ((*s->p == '{' || *s->p == '[') && depth >= JSON_MAX_DEPTH)
		return json_refuse(s, "more than 32 levels");
	switch (*s->p) {
	case '{':
		return json_scan_members(s, depth, '}');
	case '[':
		return json_scan_members(s, depth, ']');
	case '"':
		return json_scan_text(s);
	case 't':
		return json_scan_word(s, "true");
	case 'f':
		return json_scan_word(s, "false");
	case 'n':
		return json_scan_word(s, "null");
	default:
		return json_scan_number(s);
	}
}

static bool
json_scan(struct json_scan *s)
{
	size_t len = (size_t)(s->end - s->start);

	if (memchr(s->start, '\0', len) != NULL)
		return json_refuse(s, "a NUL byte");
	if (!text_utf8_ok(s->start, len))
		return json_refuse(s, "text that is not UTF-8");
	if (!json_scan_value(s, 0))
		return false;
	json_blank(s);
	if (s->p != s->end)
		return json_refuse(s, "bytes after the end");
	return true;
}

/* From cJSON's tree to ours, numbers taken from the text in order. */
struct json_build {
	struct json_scan *scan;
	struct value_arena *arena;
	size_t number;
};

static int
json_key_order(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Nearly all maps have few keys, and nearly all keys differ early. */
static bool
json_few_unique(const struct bh_value *map)
{
	for (BH_EACH(c, map))
		for (const struct bh_value *d = c->next; d != NULL; d = d->next)
			if (*c->key == *d->key && strcmp(c->key, d->key) == 0)
				return false;
	return true;
}

static bool
json_many_unique(const struct bh_value *map)
{
	const char **keys = xcalloc(map->count, sizeof(*keys));
	size_t n = 0;
	bool unique = true;

	for (BH_EACH(c, map))
		keys[n++] = c->key;
	qsort(keys, n, sizeof(*keys), json_key_order);
	for (size_t i = 1; i < n && unique; i++)
		unique = strcmp(keys[i - 1], keys[i]) != 0;
	free(keys);
	return unique;
}

/* Compared after decoding: "a" and "\u0061" are one key. */
static bool
json_keys_unique(struct json_build *b, const struct bh_value *map)
{
	if (map->count <= FEW_KEYS ? !json_few_unique(map) :
	    !json_many_unique(map))
		return json_refuse(b->scan, "a key that stands twice in the "
		    "object before what ends");
	return true;
}

static struct bh_value *
json_build_number(struct json_build *b)
{
	const struct json_number *n = &b->scan->numbers[b->number++];
	BH_AUTO_FREE char *text = xstrndup(b->scan->start + n->at, n->len);

	return value_new_number(b->arena, text);
}

static struct bh_value *
json_build_value(struct json_build *b, const cJSON *item)
{
	struct bh_value *v;

	if (cJSON_IsNumber(item))
		return json_build_number(b);
	if (cJSON_IsString(item))
		return value_new_text(b->arena, item->valuestring);
	if (cJSON_IsBool(item))
		return value_new_bool(b->arena, cJSON_IsTrue(item));
	if (cJSON_IsNull(item))
		return value_new(b->arena, BH_NULL);
	v = value_new(b->arena, cJSON_IsArray(item) ? BH_LIST : BH_MAP);
	for (const cJSON *c = item->child; c != NULL; c = c->next)
		if (!value_add(v, c->string, json_build_value(b, c)))
			return NULL;
	if (v != NULL && v->kind == BH_MAP && !json_keys_unique(b, v))
		return NULL;
	return v;
}

static struct bh_value *
json_build(struct json_scan *s)
{
	size_t len = (size_t)(s->end - s->start);
	/* The scan read a NUL-terminated copy; cJSON reads the same one. */
	cJSON *tree = cJSON_ParseWithLengthOpts(s->start, len + 1, NULL, 1);
	struct json_build b = { .scan = s };
	struct bh_value *root;

	if (tree == NULL) {
		json_refuse(s, "something that is not JSON");
		return NULL;
	}
	b.arena = value_arena_new(len * 4 + s->nodes * 160 + 4096);
	root = json_build_value(&b, tree);
	cJSON_Delete(tree);
	if (root == NULL) {
		value_arena_free(&b.arena);
		json_refuse(s, "too much for its size");
	}
	return root;
}

static struct bh_value *
json_parse_limited(const char *text, size_t len, size_t max_bytes,
    size_t max_nodes, const char **error)
{
	struct json_scan s = { .max_nodes = max_nodes };
	struct bh_value *root = NULL;

	if (len > max_bytes) {
		if (error != NULL)
			*error = "more JSON than is taken at a time";
		return NULL;
	}
	BH_AUTO_FREE char *copy = xcalloc(len + 1, 1);
	if (len > 0)
		memcpy(copy, text, len);
	s.start = s.p = copy;
	s.end = copy + len;
	if (json_scan(&s))
		root = json_build(&s);
	free(s.numbers);
	if (root == NULL && error != NULL)
		*error = s.error;
	return root;
}

struct bh_value *
json_parse(const char *text, size_t len, const char **error)
{
	return json_parse_limited(text, len, JSON_MAX_BYTES, JSON_MAX_NODES,
	    error);
}

struct bh_value *
json_parse_big(const char *text, size_t len, size_t max_nodes,
    const char **error)
{
	return json_parse_limited(text, len, 64u << 20, max_nodes, error);
}
