/*
 * yaml.c - YAML, less what makes it dangerous, into trees of values.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * libyaml gives events; we keep those that a settings file needs.  Anchors,
 * aliases and merge keys can blow a short file up to gigabytes and hide what
 * applies where; tags ask for types that we do not have; a duplicate key
 * means that one of the two is a mistake.  Each is refused at its place, and
 * reading goes on so that all mistakes are told at once.
 */

#include "host/conf/internal.h"

#include <yaml.h>

struct yaml_read {
	struct conf_errors *errors;
	struct value_arena *arena;
	const char *file;		/* in the arena */
	struct bh_value *stack[CONF_MAX_DEPTH];
	int depth;
	char *key;			/* read, its value not yet */
	int key_line, key_column;
	size_t nodes;
	struct bh_value *root;
	bool failed;
};

static void BH_PRINTF(3, 4)
yaml_complain(struct yaml_read *y, yaml_mark_t at, const char *fmt, ...)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(2048);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vadd(&b, fmt, ap);
	va_end(ap);
	conf_complain_at(y->errors, y->file, (int)at.line + 1,
	    (int)at.column + 1, "%s", bh_buf_text(&b));
	y->failed = true;
}

/* libyaml's own words, and what they mean for who typed it. */
static void
yaml_syntax(struct yaml_read *y, const yaml_parser_t *parser)
{
	const char *context = parser->context != NULL ? parser->context : "";
	const char *problem = parser->problem != NULL ? parser->problem :
	    "cannot be read";
	const char *remedy = "";
	yaml_mark_t at = parser->problem_mark;
	char begun[80];

	if (strstr(context, "alias") != NULL)
		remedy = ": put quotes round what begins with *, as in \"*\"";
	else if (strstr(context, "anchor") != NULL)
		remedy = ": put quotes round what begins with &";
	else if (strstr(context, "tag") != NULL)
		remedy = ": put quotes round what begins with !";
	else if (strstr(problem, "cannot start any token") != NULL)
		remedy = ": no tabs for indentation, and quotes round what "
		    "begins with @, ` or %";
	else if (strstr(problem, "mapping values are not allowed") != NULL)
		remedy = ": look at the indentation, and put quotes round "
		    "what has \": \" in it";
	else if (strstr(problem, "unexpected end of stream") != NULL ||
	    strstr(context, "flow") != NULL) {
		snprintf(begun, sizeof(begun), ": the quote or bracket of line "
		    "%d is not closed", (int)parser->context_mark.line + 1);
		remedy = begun;
	} else if (strstr(context, "block") != NULL)
		remedy = ": look at the indentation";
	if (parser->error == YAML_READER_ERROR)
		conf_complain_at(y->errors, y->file, 0, 0,
		    "%s: save it as UTF-8 without control characters",
		    problem);
	else
		yaml_complain(y, at, "%s%s%s%s", problem,
		    *context != '\0' ? " " : "", context, remedy);
	y->failed = true;
}

/* A JSON number without exponent, of at most nine digits.  Longer ones are
 * ids, and ids are text. */
static bool
yaml_number(const char *s)
{
	const char *p = s + (*s == '-');
	int digits = 0;

	if (*p == '0' && p[1] >= '0' && p[1] <= '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		digits++;
	if (digits == 0)
		return false;
	if (*p == '.') {
		if (p[1] < '0' || p[1] > '9')
			return false;
		for (p++; *p >= '0' && *p <= '9'; p++)
			digits++;
	}
	return *p == '\0' && digits <= 9;
}

static void
yaml_plain(struct bh_value *v)
{
	const char *s = v->text;

	if (*s == '\0' || strcmp(s, "~") == 0 || strcmp(s, "null") == 0) {
		v->kind = BH_NULL;
	} else if (strcmp(s, "true") == 0 || strcmp(s, "yes") == 0) {
		v->kind = BH_BOOL;
		v->number = 1;
	} else if (strcmp(s, "false") == 0 || strcmp(s, "no") == 0) {
		v->kind = BH_BOOL;
	} else if (yaml_number(s)) {
		v->kind = BH_NUMBER;
		v->number = strtod(s, NULL);
	}
}

/* Nothing that could move a terminal or end a text early. */
static bool
yaml_text_ok(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\n' &&
		    s[i] != '\t') || s[i] == 0x7f)
			return false;
	return text_utf8_ok(s, len);
}

static struct bh_value *
yaml_node(struct yaml_read *y, enum bh_kind kind, yaml_mark_t at)
{
	struct bh_value *v = NULL;

	if (++y->nodes <= CONF_MAX_NODES)
		v = value_new(y->arena, kind);
	if (v == NULL) {
		yaml_complain(y, at, "too many values: split the file");
		return NULL;
	}
	v->file = y->file;
	v->line = (int)at.line + 1;
	v->column = (int)at.column + 1;
	return v;
}

static bool
yaml_add_member(struct yaml_read *y, struct bh_value *map, struct bh_value *v,
    yaml_mark_t at)
{
	for (BH_EACH(c, map)) {
		int line, column;

		if (strcmp(c->key, y->key) != 0)
			continue;
		value_key_at(c, &line, &column);
		conf_complain_at(y->errors, y->file, y->key_line,
		    y->key_column, "key \"%s\" stands twice (first in line "
		    "%d): keep one", y->key, line);
		y->failed = true;
		return true;
	}
	if (map->count >= CONF_MAX_KEYS) {
		yaml_complain(y, at, "more than %d keys in one place",
		    CONF_MAX_KEYS);
		return false;
	}
	value_set_key_at(v, y->key_line, y->key_column);
	return value_add(map, y->key, v);
}

/* Puts a finished scalar or a list or map that just began where it belongs.
 * False: reading cannot go on. */
static bool
yaml_place(struct yaml_read *y, struct bh_value *v, yaml_mark_t at)
{
	struct bh_value *top;
	bool ok;

	if (v == NULL)
		return false;
	if (y->depth == 0) {
		y->root = v;
		return true;
	}
	top = y->stack[y->depth - 1];
	if (top->kind == BH_LIST)
		return value_add(top, NULL, v);
	if (y->key == NULL) {
		yaml_complain(y, at, "a key must be a word");
		return false;
	}
	ok = yaml_add_member(y, top, v, at);
	free(y->key);
	y->key = NULL;
	return ok;
}

static bool
yaml_marks(struct yaml_read *y, const yaml_char_t *anchor,
    const yaml_char_t *tag, bool implicit, yaml_mark_t at)
{
	const char *name = (const char *)tag;

	if (anchor != NULL) {
		yaml_complain(y, at, "anchors (&%s) are not used here: write "
		    "the values out, or quote the text",
		    (const char *)anchor);
		return false;
	}
	if (tag != NULL && !implicit) {
		yaml_complain(y, at, "tags (%s) are not used here: put quotes "
		    "round a text that begins with !", name);
		return false;
	}
	return true;
}

static bool
yaml_scalar(struct yaml_read *y, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool as_key = y->depth > 0 && y->key == NULL &&
	    y->stack[y->depth - 1]->kind == BH_MAP;

	/* A text with a bad mark is kept as text: reading goes on. */
	yaml_marks(y, e->data.scalar.anchor, e->data.scalar.tag,
	    e->data.scalar.plain_implicit || e->data.scalar.quoted_implicit,
	    e->start_mark);
	if (!yaml_text_ok(text, len)) {
		yaml_complain(y, e->start_mark, "control characters in a "
		    "text: take them out");
		text = "";
		len = 0;
	} else if (len > CONF_MAX_SCALAR) {
		yaml_complain(y, e->start_mark, "a text over 64 KiB: put it "
		    "in a file of its own");
		len = 0;
		text = "";
	}
	if (as_key) {
		if (plain && strcmp(text, "<<") == 0)
			yaml_complain(y, e->start_mark, "merge keys (<<) are "
			    "not used here: write the values out");
		y->key = xstrndup(text, len);
		y->key_line = (int)e->start_mark.line + 1;
		y->key_column = (int)e->start_mark.column + 1;
		return true;
	}
	struct bh_value *v = yaml_node(y, BH_TEXT, e->start_mark);
	if (v == NULL)
		return false;
	v->text = value_text(y->arena, text, len);
	if (v->text != NULL && plain)
		yaml_plain(v);
	return v->text != NULL && yaml_place(y, v, e->start_mark);
}

static bool
yaml_begin(struct yaml_read *y, enum bh_kind kind, const yaml_event_t *e)
{
	struct bh_value *v = yaml_node(y, kind, e->start_mark);

	if (y->depth == CONF_MAX_DEPTH) {
		yaml_complain(y, e->start_mark, "more than %d levels",
		    CONF_MAX_DEPTH);
		return false;
	}
	if (kind == BH_LIST)
		yaml_marks(y, e->data.sequence_start.anchor,
		    e->data.sequence_start.tag,
		    e->data.sequence_start.implicit, e->start_mark);
	else
		yaml_marks(y, e->data.mapping_start.anchor,
		    e->data.mapping_start.tag, e->data.mapping_start.implicit,
		    e->start_mark);
	if (!yaml_place(y, v, e->start_mark))
		return false;
	y->stack[y->depth++] = v;
	return true;
}

/* One event; false when the end has come, good or bad. */
static bool
yaml_event(struct yaml_read *y, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return yaml_scalar(y, e);
	case YAML_ALIAS_EVENT:
		yaml_complain(y, e->start_mark, "aliases (*%s) are not used "
		    "here: write the values out, or put quotes round it",
		    (const char *)e->data.alias.anchor);
		return yaml_place(y, yaml_node(y, BH_NULL, e->start_mark),
		    e->start_mark);
	case YAML_SEQUENCE_START_EVENT:
		return yaml_begin(y, BH_LIST, e);
	case YAML_MAPPING_START_EVENT:
		return yaml_begin(y, BH_MAP, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		y->depth--;
		return true;
	case YAML_DOCUMENT_START_EVENT:
		if (y->root == NULL)
			return true;
		yaml_complain(y, e->start_mark, "a second document begins "
		    "here (---): one file holds one");
		return false;
	case YAML_STREAM_END_EVENT:
		return false;
	default:
		return true;
	}
}

static void
yaml_read_all(struct yaml_read *y, const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (yaml_parser_initialize(&parser) == 0) {
		conf_complain_at(y->errors, y->file, 0, 0, "out of memory");
		y->failed = true;
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	while (more) {
		if (yaml_parser_parse(&parser, &event) == 0) {
			yaml_syntax(y, &parser);
			break;
		}
		more = yaml_event(y, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	free(y->key);
	y->key = NULL;
}

struct bh_value *
conf_yaml(const char *name, const char *text, size_t len,
    struct conf_errors *errors)
{
	struct yaml_read y = { .errors = errors };

	if (len > CONF_MAX_BYTES) {
		conf_complain_at(errors, name, 0, 0,
		    "over 1 MiB: split it into team files");
		return NULL;
	}
	/* Every node and text is counted, so the arena never meets this. */
	y.arena = value_arena_new(len * 4 + (size_t)CONF_MAX_NODES * 192);
	y.file = value_text(y.arena, name, strlen(name));
	yaml_read_all(&y, text, len);
	if (!y.failed && y.root == NULL) {
		/* Nothing but comments: an empty map. */
		y.root = value_new(y.arena, BH_NULL);
		y.root->file = y.file;
		y.root->line = y.root->column = 1;
	}
	if (y.failed) {
		value_arena_free(&y.arena);
		return NULL;
	}
	return y.root;
}
