/* slack-limits.c - does Block Kit keep to what Slack takes?
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-limits.h"

#include <stdio.h>

#include "plugins/slack/slack.h"

#define WEIGHT_MOST	13100u		/* where msg_blocks_too_long begins */
#define IDS_MOST	2000u

struct look {
	const char *ids[IDS_MOST];	/* of blocks and of actions */
	size_t ids_count;
	size_t focus;
	bool inputs;
};

static char said[400];

static const char *BH_PRINTF(1, 2)
wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	return said;
}

#define TRY(what) do { const char *w_ = (what); if (w_ != NULL) return w_; } \
	while (0)

static bool
is(const struct bh_value *v, const char *key, const char *text)
{
	const char *t = bh_get_text(v, key);

	return t != NULL && strcmp(t, text) == 0;
}

/* No member but these; `names` is a NULL-terminated list. */
static const char *
only(const struct bh_value *v, const char *const *names)
{
	if (v == NULL || v->kind != BH_MAP)
		return wrong("an object is missing (wanted one with %s)",
		    names[0]);
	for (BH_EACH(c, v)) {
		size_t i = 0;

		while (names[i] != NULL && strcmp(names[i], c->key) != 0)
			i++;
		if (names[i] == NULL)
			return wrong("unknown member %.60s beside %s", c->key,
			    names[0]);
	}
	return NULL;
}

#define ONLY(v, ...) TRY(only((v), (const char *const[]){ __VA_ARGS__, NULL }))

/* A text of 1 to `most` characters, well-formed and without controls. */
static const char *
text_of(const struct bh_value *v, const char *key, size_t most, bool lines)
{
	const char *t = bh_get_text(v, key);
	size_t n;

	if (t == NULL)
		return wrong("%s is missing", key);
	n = bh_utf8_len(t);
	if (n < 1 || n > most)
		return wrong("%s has %zu characters, not 1 to %zu", key, n,
		    most);
	for (const char *p = t; *p != '\0';) {
		uint32_t c = bh_utf8_next(&p);

		if (bh_utf8_unseen(c) && !(c == '\n' && lines))
			return wrong("%s holds U+%04X", key, (unsigned)c);
	}
	return NULL;
}

static const char *
number_of(struct look *l, const char *id)
{
	if (bh_utf8_len(id) > 255 || *id == '\0')
		return wrong("an id has %zu characters", bh_utf8_len(id));
	for (size_t i = 0; i < l->ids_count; i++)
		if (strcmp(l->ids[i], id) == 0)
			return wrong("the id %.60s stands twice", id);
	if (l->ids_count < IDS_MOST)
		l->ids[l->ids_count++] = id;
	return NULL;
}

static const char *
plain(const struct bh_value *v, const char *key, size_t most)
{
	const struct bh_value *t = bh_get(v, key);

	if (!is(t, "type", "plain_text"))
		return wrong("%s is no plain_text", key);
	ONLY(t, "type", "text", "emoji");
	if (bh_get_bool(t, "emoji", true))
		return wrong("%s turns :words: into emoji", key);
	TRY(text_of(t, "text", most, false));
	if (strspn(bh_get_text(t, "text"), " ") ==
	    strlen(bh_get_text(t, "text")))
		return wrong("%s is blank", key);
	return NULL;
}

/* ------------------------------------------------------------------ */
/* Elements                                                            */

static const char *
confirm(const struct bh_value *v)
{
	ONLY(v, "title", "text", "confirm", "deny", "style");
	TRY(plain(v, "title", 100));
	TRY(plain(v, "text", 300));
	TRY(plain(v, "confirm", 30));
	TRY(plain(v, "deny", 30));
	return NULL;
}

static const char *
button(struct look *l, const struct bh_value *v)
{
	ONLY(v, "type", "action_id", "text", "value", "style",
	    "accessibility_label", "confirm");
	TRY(text_of(v, "action_id", 255, false));
	TRY(number_of(l, bh_get_text(v, "action_id")));
	TRY(plain(v, "text", 75));
	TRY(text_of(v, "value", 2000, false));
	if (bh_get(v, "accessibility_label") != NULL)
		TRY(text_of(v, "accessibility_label", 75, false));
	if (bh_get(v, "confirm") != NULL)
		TRY(confirm(bh_get(v, "confirm")));
	if (bh_get(v, "style") != NULL && !is(v, "style", "primary") &&
	    !is(v, "style", "danger"))
		return wrong("a button has no such style");
	return NULL;
}

static const char *
option(const struct bh_value *v)
{
	ONLY(v, "text", "value");
	TRY(plain(v, "text", 75));
	return text_of(v, "value", 75, false);
}

static const char *
options(const struct bh_value *list, size_t least)
{
	if (list == NULL || list->kind != BH_LIST || list->count < least ||
	    list->count > 100)
		return wrong("not 1 to 100 options");
	for (BH_EACH(o, list))
		TRY(option(o));
	return NULL;
}

static bool
equal(const struct bh_value *a, const struct bh_value *b)
{
	return strcmp(bh_get_text(a, "value"), bh_get_text(b, "value")) == 0 &&
	    strcmp(bh_get_text(bh_get(a, "text"), "text"),
	    bh_get_text(bh_get(b, "text"), "text")) == 0;
}

static const char *
initial(const struct bh_value *v, const struct bh_value *list)
{
	const struct bh_value *o = bh_get(v, "initial_option");

	if (o == NULL)
		return NULL;
	TRY(option(o));
	for (BH_EACH(group, bh_get(v, "option_groups")))
		for (BH_EACH(c, bh_get(group, "options")))
			if (equal(c, o))
				return NULL;
	for (BH_EACH(c, list))
		if (equal(c, o))
			return NULL;
	return wrong("the initial option is none of the options");
}

static const char *
select_menu(const struct bh_value *v)
{
	const struct bh_value *groups = bh_get(v, "option_groups");

	ONLY(v, "type", "action_id", "options", "option_groups",
	    "initial_option", "focus_on_load");
	if (groups == NULL) {
		TRY(options(bh_get(v, "options"), 1));
	} else {
		if (groups->count < 1 || groups->count > 100 ||
		    bh_get(v, "options") != NULL)
			return wrong("not 1 to 100 groups of options");
		for (BH_EACH(g, groups)) {
			TRY(plain(g, "label", 75));
			TRY(options(bh_get(g, "options"), 1));
		}
	}
	return initial(v, bh_get(v, "options"));
}

static const char *
element(struct look *l, const struct bh_value *v)
{
	TRY(text_of(v, "action_id", 255, false));
	l->focus += bh_get_bool(v, "focus_on_load", false);
	if (is(v, "type", "plain_text_input")) {
		ONLY(v, "type", "action_id", "multiline", "max_length",
		    "initial_value", "focus_on_load");
		if (bh_get_number(v, "max_length", 0) > 3000)
			return wrong("max_length is over 3000");
		return bh_get(v, "initial_value") == NULL ? NULL :
		    text_of(v, "initial_value", 3000, true);
	}
	if (is(v, "type", "static_select"))
		return select_menu(v);
	if (is(v, "type", "external_select")) {
		ONLY(v, "type", "action_id", "min_query_length",
		    "initial_option", "focus_on_load");
		return bh_get(v, "initial_option") == NULL ? NULL :
		    option(bh_get(v, "initial_option"));
	}
	if (is(v, "type", "checkboxes")) {
		ONLY(v, "type", "action_id", "options", "initial_options",
		    "focus_on_load");
		TRY(options(bh_get(v, "options"), 1));
		return bh_get(v, "options")->count <= 10 ? NULL :
		    wrong("more than ten boxes");
	}
	return wrong("an unknown element");
}

/* ------------------------------------------------------------------ */
/* Blocks                                                              */

static const char *
rich_element(const struct bh_value *e, bool preformatted)
{
	if (is(e, "type", "text")) {
		ONLY(e, "type", "text", "style");
		if (bh_get(e, "style") != NULL)
			ONLY(bh_get(e, "style"), "bold", "italic", "code");
		return text_of(e, "text", 3000, true);
	}
	if (preformatted)
		return wrong("preformatted text holds more than text");
	if (is(e, "type", "emoji")) {
		ONLY(e, "type", "name");
		return text_of(e, "name", 60, false);
	}
	if (is(e, "type", "user")) {
		ONLY(e, "type", "user_id");
		return text_of(e, "user_id", 30, false);
	}
	if (is(e, "type", "link")) {
		ONLY(e, "type", "url", "text");
		TRY(text_of(e, "url", 3000, false));
		return text_of(e, "text", 3000, false);
	}
	if (is(e, "type", "date")) {
		ONLY(e, "type", "timestamp", "format", "fallback");
		TRY(text_of(e, "fallback", 60, false));
		return bh_get_number(e, "timestamp", 0) > 0 ? NULL :
		    wrong("a date is none");
	}
	return wrong("an unknown element of rich text");
}

static const char *
rich_text(const struct bh_value *b)
{
	const struct bh_value *list = bh_get(b, "elements");

	ONLY(b, "type", "elements");
	if (list == NULL || list->count < 1)
		return wrong("rich text is empty");
	for (BH_EACH(part, list)) {
		const struct bh_value *in = bh_get(part, "elements");
		bool pre = is(part, "type", "rich_text_preformatted");

		ONLY(part, "type", "elements");
		if (!pre && !is(part, "type", "rich_text_section") &&
		    !is(part, "type", "rich_text_quote"))
			return wrong("an unknown part of rich text");
		if (in == NULL || in->count < 1)
			return wrong("a part of rich text is empty");
		for (BH_EACH(e, in))
			TRY(rich_element(e, pre));
	}
	return NULL;
}

static const char *
context(const struct bh_value *b)
{
	const struct bh_value *list = bh_get(b, "elements");

	ONLY(b, "type", "elements");
	if (list == NULL || list->count < 1 || list->count > 10)
		return wrong("a context has not 1 to 10 elements");
	for (BH_EACH(e, list)) {
		TRY(text_of(e, "text", 3000, false));
		if (is(e, "type", "mrkdwn")) {
			ONLY(e, "type", "text", "verbatim");
			if (!bh_get_bool(e, "verbatim", false))
				return wrong("mrkdwn makes links by itself");
		} else {
			ONLY(e, "type", "text", "emoji");
			if (!is(e, "type", "plain_text") ||
			    bh_get_bool(e, "emoji", true))
				return wrong("a context holds no text");
		}
	}
	return NULL;
}

static const char *
actions(struct look *l, const struct bh_value *b)
{
	const struct bh_value *list = bh_get(b, "elements");

	ONLY(b, "type", "elements");
	if (list == NULL || list->count < 1 || list->count > 25)
		return wrong("not 1 to 25 buttons in a row");
	for (BH_EACH(e, list)) {
		if (!is(e, "type", "button"))
			return wrong("an action is no button");
		TRY(button(l, e));
	}
	return NULL;
}

static const char *
input(struct look *l, const struct bh_value *b)
{
	ONLY(b, "type", "block_id", "label", "hint", "optional", "element");
	l->inputs = true;
	TRY(text_of(b, "block_id", 255, false));
	TRY(number_of(l, bh_get_text(b, "block_id")));
	TRY(plain(b, "label", 2000));
	if (bh_get(b, "hint") != NULL)
		TRY(plain(b, "hint", 2000));
	return element(l, bh_get(b, "element"));
}

static const char *
all_blocks(struct look *l, const struct bh_value *blocks, size_t most)
{
	if (blocks == NULL || blocks->kind != BH_LIST || blocks->count < 1 ||
	    blocks->count > most)
		return wrong("not 1 to %zu blocks", most);
	for (BH_EACH(b, blocks)) {
		if (is(b, "type", "rich_text"))
			TRY(rich_text(b));
		else if (is(b, "type", "context"))
			TRY(context(b));
		else if (is(b, "type", "actions"))
			TRY(actions(l, b));
		else if (is(b, "type", "input"))
			TRY(input(l, b));
		else if (is(b, "type", "divider"))
			ONLY(b, "type");
		else
			return wrong("an unknown block");
	}
	return l->focus > 1 ? wrong("two elements want the focus") : NULL;
}

const char *
slack_limits_blocks(const struct bh_value *blocks, size_t most)
{
	static struct look l;

	l = (struct look){ .focus = 0 };
	return all_blocks(&l, blocks, most);
}

const char *
slack_limits_view(const struct bh_value *v)
{
	static struct look l;
	const char *meta = bh_get_text(v, "private_metadata");

	l = (struct look){ .focus = 0 };
	if (is(v, "type", "home")) {
		ONLY(v, "type", "blocks");
		return all_blocks(&l, bh_get(v, "blocks"), 100);
	}
	if (!is(v, "type", "modal"))
		return wrong("no modal");
	ONLY(v, "type", "title", "submit", "close", "blocks", "callback_id",
	    "private_metadata");
	TRY(plain(v, "title", 24));
	TRY(plain(v, "close", 24));
	if (bh_get(v, "submit") != NULL)
		TRY(plain(v, "submit", 24));
	TRY(text_of(v, "callback_id", 255, false));
	if (meta != NULL && bh_utf8_len(meta) > 3000)
		return wrong("private_metadata is too long");
	TRY(all_blocks(&l, bh_get(v, "blocks"), 100));
	return l.inputs && bh_get(v, "submit") == NULL ?
	    wrong("inputs and nothing to send them with") : NULL;
}

const char *
slack_limits_options(const struct bh_value *answer)
{
	ONLY(answer, "options");
	return options(bh_get(answer, "options"), 0);
}

/* ------------------------------------------------------------------ */

static void
write_json(struct bh_buf *out, const struct bh_value *v)
{
	const char *between = "";

	switch (v->kind) {
	case BH_TEXT:
		bh_buf_quote(out, v->text);
		break;
	case BH_NUMBER:
		bh_buf_puts(out, v->text);
		break;
	case BH_BOOL:
		bh_buf_puts(out, v->number > 0 ? "true" : "false");
		break;
	case BH_NULL:
		bh_buf_puts(out, "null");
		break;
	default:
		bh_buf_puts(out, v->kind == BH_LIST ? "[" : "{");
		for (BH_EACH(c, v)) {
			bh_buf_puts(out, between);
			between = ",";
			if (v->kind == BH_MAP) {
				bh_buf_quote(out, c->key);
				bh_buf_puts(out, ":");
			}
			write_json(out, c);
		}
		bh_buf_puts(out, v->kind == BH_LIST ? "]" : "}");
	}
}

const char *
slack_limits_message(const struct bh_value *m)
{
	const struct bh_value *blocks = bh_get(m, "blocks");
	struct bh_buf json = BH_BUF(16u * 1024u * 1024u);
	const char *text = bh_get_text(m, "text");
	size_t weight;

	if (text == NULL || bh_utf8_len(text) > 4000)
		return wrong("the text is missing or too long");
	if (blocks == NULL)
		return wrong("there are no blocks");
	write_json(&json, blocks);
	weight = slack_weight(bh_buf_text(&json));
	bh_buf_release(&json);
	if (weight > WEIGHT_MOST)
		return wrong("the blocks weigh %zu", weight);
	return slack_limits_blocks(blocks, 50);
}
