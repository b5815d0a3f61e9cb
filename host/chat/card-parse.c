/* card-parse.c - cards and forms read back from JSON, strictly.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whatever was read stands on the JSON tree: texts point into it, and both
 * are freed together.
 */

#include "host/chat/card.h"

#include "host/base/json.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/value.h"

struct parsed {
	unsigned magic;
#define PARSED_MAGIC 0x43617264u
	union {
		struct bh_card card;
		struct bh_form form;
	};
	const struct bh_value *root;
	void *blocks[CARD_FIELDS + 8];	/* arrays to free */
	size_t blocks_count;
	const char *error;
};

static void *
block(struct parsed *p, size_t count, size_t size)
{
	void *b = xcalloc(count > 0 ? count : 1, size);

	p->blocks[p->blocks_count++] = b;
	return b;
}

static bool
bad(struct parsed *p, const char *error)
{
	if (p->error == NULL)
		p->error = error;
	return false;
}

/* A map with no member but these. */
static bool
only(struct parsed *p, const struct bh_value *v, const char *const *names)
{
	if (v == NULL || v->kind != BH_MAP)
		return bad(p, "an object is missing");
	for (BH_EACH(c, v)) {
		size_t i = 0;

		while (names[i] != NULL && strcmp(names[i], c->key) != 0)
			i++;
		if (names[i] == NULL)
			return bad(p, "there is an unknown member");
	}
	return true;
}

static bool
want_text(struct parsed *p, const struct bh_value *map, const char *name,
    bool needed, const char **out)
{
	const struct bh_value *v = bh_get(map, name);

	if (v == NULL)
		return needed ? bad(p, "a text is missing") : true;
	if (v->kind != BH_TEXT)
		return bad(p, "a text is not text");
	*out = v->text;
	return true;
}

static bool
want_int(struct parsed *p, const struct bh_value *map, const char *name,
    int max, int *out)
{
	const struct bh_value *v = bh_get(map, name);

	if (v == NULL || v->kind != BH_NUMBER || v->number < 0 ||
	    v->number > max || (double)(int)v->number < v->number)
		return bad(p, "a number is missing or out of range");
	*out = (int)v->number;
	return true;
}

static bool
want_list(struct parsed *p, const struct bh_value *map, const char *name,
    size_t max, const struct bh_value **out)
{
	*out = bh_get(map, name);
	if (*out == NULL || (*out)->kind != BH_LIST || (*out)->count > max)
		return bad(p, "a list is missing or too long");
	return true;
}

static bool
read_span(struct parsed *p, const struct bh_value *v, struct bh_span *out)
{
	static const char *const kinds[] = { "text", "strong", "code",
		"person", "time", "link" };
	static const char *const names[] = { "kind", "text", "ref", "time",
		NULL };
	const char *kind = NULL;
	const struct bh_value *t;
	char *end;

	if (!only(p, v, names) || !want_text(p, v, "kind", true, &kind))
		return false;
	out->kind = 0;
	while (out->kind <= BH_SPAN_LINK && strcmp(kinds[out->kind], kind) != 0)
		out->kind++;
	if (out->kind > BH_SPAN_LINK)
		return bad(p, "a span has an unknown kind");
	if (out->kind == BH_SPAN_TIME) {
		t = bh_get(v, "time");
		if (t == NULL || t->kind != BH_NUMBER)
			return bad(p, "a span of time has no time");
		out->time = (int64_t)strtoll(t->text, &end, 10);
		return *end == '\0' || bad(p, "a time is not in ms");
	}
	if (!want_text(p, v, "text", true, &out->text))
		return false;
	if (out->kind != BH_SPAN_LINK && out->kind != BH_SPAN_PERSON)
		return true;
	if (!want_text(p, v, "ref", true, &out->ref))
		return false;
	return out->kind != BH_SPAN_LINK ||
	    strncmp(out->ref, "https://", 8) == 0 ||
	    bad(p, "a link is not https");
}

static bool
read_spans(struct parsed *p, const struct bh_value *map, const char *name,
    const struct bh_span **out, size_t *count)
{
	const struct bh_value *list;
	struct bh_span *spans;
	size_t n = 0;

	if (!want_list(p, map, name, CARD_SPANS, &list))
		return false;
	spans = block(p, list->count, sizeof(*spans));
	*out = spans;
	*count = list->count;
	for (BH_EACH(c, list))
		if (!read_span(p, c, &spans[n++]))
			return false;
	return true;
}

static bool
read_fields(struct parsed *p, const struct bh_value *map)
{
	static const char *const names[] = { "label", "spans", NULL };
	const struct bh_value *list;
	struct bh_field *fields;
	size_t n = 0;

	if (!want_list(p, map, "fields", CARD_FIELDS, &list))
		return false;
	fields = block(p, list->count, sizeof(*fields));
	p->card.fields = fields;
	p->card.fields_count = list->count;
	for (BH_EACH(c, list)) {
		struct bh_field *f = &fields[n++];

		if (!only(p, c, names) ||
		    !want_text(p, c, "label", true, &f->label) ||
		    !read_spans(p, c, "spans", &f->spans, &f->spans_count))
			return false;
	}
	return true;
}

static bool
read_buttons(struct parsed *p, const struct bh_value *map)
{
	static const char *const names[] = { "label", "command", "args",
		"style", NULL };
	const struct bh_value *list;
	struct bh_button *buttons;
	size_t n = 0;

	if (!want_list(p, map, "buttons", CARD_BUTTONS, &list))
		return false;
	buttons = block(p, list->count, sizeof(*buttons));
	p->card.buttons = buttons;
	p->card.buttons_count = list->count;
	for (BH_EACH(c, list)) {
		struct bh_button *b = &buttons[n++];

		if (!only(p, c, names) ||
		    !want_text(p, c, "label", true, &b->label) ||
		    !want_text(p, c, "command", true, &b->command) ||
		    !want_text(p, c, "args", false, &b->args) ||
		    !want_int(p, c, "style", BH_DANGER, &b->style))
			return false;
	}
	return true;
}

static bool
read_card(struct parsed *p)
{
	static const char *const names[] = { "title", "colour", "fields",
		"buttons", "note", NULL };

	return only(p, p->root, names) &&
	    read_spans(p, p->root, "title", &p->card.title,
	    &p->card.title_count) &&
	    want_int(p, p->root, "colour", BH_RED, &p->card.colour) &&
	    read_fields(p, p->root) && read_buttons(p, p->root) &&
	    read_spans(p, p->root, "note", &p->card.note,
	    &p->card.note_count);
}

static bool
read_input(struct parsed *p, const struct bh_value *v, struct bh_input *in)
{
	static const char *const names[] = { "name", "label", "hint", "value",
		"error", "type", "required", "choices", NULL };
	static const char *const choice_names[] = { "value", "label", NULL };
	const struct bh_value *list, *required = bh_get(v, "required");
	struct bh_choice *choices;
	size_t n = 0;

	if (!only(p, v, names) ||
	    !want_text(p, v, "name", true, &in->name) ||
	    !want_text(p, v, "label", true, &in->label) ||
	    !want_text(p, v, "hint", false, &in->hint) ||
	    !want_text(p, v, "value", false, &in->value) ||
	    !want_text(p, v, "error", false, &in->error) ||
	    !want_int(p, v, "type", BH_TICK, &in->type) ||
	    !want_list(p, v, "choices", CARD_CHOICES, &list))
		return false;
	if (required == NULL || required->kind != BH_BOOL)
		return bad(p, "an input does not say whether it is required");
	in->required = required->number > 0;
	choices = block(p, list->count, sizeof(*choices));
	in->choices = choices;
	in->choices_count = list->count;
	for (BH_EACH(c, list)) {
		if (!only(p, c, choice_names) ||
		    !want_text(p, c, "value", true, &choices[n].value) ||
		    !want_text(p, c, "label", false, &choices[n].label))
			return false;
		n++;
	}
	return true;
}

static bool
read_form(struct parsed *p)
{
	static const char *const names[] = { "title", "submit", "command",
		"inputs", NULL };
	const struct bh_value *list;
	struct bh_input *inputs;
	size_t n = 0;

	if (!only(p, p->root, names) ||
	    !want_text(p, p->root, "title", true, &p->form.title) ||
	    !want_text(p, p->root, "submit", false, &p->form.submit) ||
	    !want_text(p, p->root, "command", true, &p->form.command) ||
	    !want_list(p, p->root, "inputs", CARD_INPUTS, &list))
		return false;
	inputs = block(p, list->count, sizeof(*inputs));
	p->form.inputs = inputs;
	p->form.inputs_count = list->count;
	for (BH_EACH(c, list))
		if (!read_input(p, c, &inputs[n++]))
			return false;
	return list->count > 0 || bad(p, "a form has no inputs");
}

static void
parsed_free(struct parsed *p)
{
	for (size_t i = 0; i < p->blocks_count; i++)
		free(p->blocks[i]);
	value_free(p->root);
	KILL_MAGIC(p);
	free(p);
}

static struct parsed *
parse(const char *json, size_t len, bool (*reader)(struct parsed *),
    const char **error)
{
	struct parsed *p = xcalloc(1, sizeof(*p));

	p->magic = PARSED_MAGIC;
	p->root = len > CARD_JSON_MAX ? NULL : json_parse(json, len, &p->error);
	if (p->root == NULL && p->error == NULL)
		p->error = "it is too large";
	if (p->root != NULL && reader(p))
		return p;
	*error = p->error;
	parsed_free(p);
	return NULL;
}

/* The owner of a card or form that parse() made. */
static struct parsed *
owner_of(void *member)
{
	char *at = (char *)member - offsetof(struct parsed, card);

	return CAST(struct parsed, (void *)at, PARSED_MAGIC);
}

struct bh_card *
card_parse(const char *json, size_t len, const char **error)
{
	struct parsed *p = parse(json, len, read_card, error);

	return p != NULL ? &p->card : NULL;
}

void
card_free(struct bh_card **card)
{
	if (*card != NULL)
		parsed_free(owner_of(*card));
	*card = NULL;
}

struct bh_form *
form_parse(const char *json, size_t len, const char **error)
{
	struct parsed *p = parse(json, len, read_form, error);

	return p != NULL ? &p->form : NULL;
}

void
form_free(struct bh_form **form)
{
	if (*form != NULL)
		parsed_free(owner_of(*form));
	*form = NULL;
}
