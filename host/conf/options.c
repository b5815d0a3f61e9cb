/*
 * options.c - values brought to the types that option tables ask for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>

#include "host/base/duration.h"
#include "host/conf/internal.h"

const struct bh_option *
conf_option_at(const struct bh_option *options, size_t stride, size_t n)
{
	const struct bh_option *o;

	if (options == NULL)
		return NULL;
	if (stride == 0)
		stride = sizeof(*o);
	/* A plugin may be older than we are: its entries may be shorter, so
	 * we step by its stride. */
	o = (const void *)((const char *)(const void *)options + n * stride);
	return o->key != NULL ? o : NULL;
}

const struct bh_option *
conf_option(const struct conf_plugin *plugin, const char *key)
{
	const struct bh_option *o;

	for (size_t i = 0; (o = conf_option_at(plugin->options,
	    plugin->option_size, i)) != NULL; i++)
		if (strcmp(o->key, key) == 0)
			return o;
	return NULL;
}

bool
conf_name_ok(const char *name)
{
	return name[0] != '\0' && name[0] != '-' && strlen(name) < 32 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
	    strlen(name);
}

static bool
option_scalar(const struct bh_value *v)
{
	return v->kind == BH_TEXT || v->kind == BH_NUMBER ||
	    v->kind == BH_BOOL;
}

static const char *
option_kind(const struct bh_value *v)
{
	return v->kind == BH_LIST ? "a list" : v->kind == BH_MAP ?
	    "a map" : v->kind == BH_NULL ? "nothing" : "a word";
}

static void
option_text(const struct bh_value *v)
{
	struct bh_value *e = value_edit(v);

	e->kind = BH_TEXT;
	e->number = 0;
}

static void
option_int(const char *key, const struct bh_value *v,
    struct conf_errors *errors)
{
	struct bh_value *e = value_edit(v);
	char *end = NULL;
	long long n = 0;

	errno = 0;
	if (option_scalar(v) && v->text[0] != ' ' && v->text[0] != '+')
		n = strtoll(v->text, &end, 10);
	if (end == NULL || end == v->text || *end != '\0' || errno != 0) {
		conf_complain(errors, v, "\"%s\" must be a whole number", key);
		return;
	}
	e->kind = BH_NUMBER;
	e->number = (double)n;
}

static void
option_flag(const char *key, const struct bh_value *v,
    struct conf_errors *errors)
{
	static const char *const yes[] = { "yes", "true", "on" };
	static const char *const no[] = { "no", "false", "off" };
	struct bh_value *e = value_edit(v);

	for (size_t i = 0; i < 3 && option_scalar(v); i++)
		if (strcmp(v->text, yes[i]) == 0 ||
		    strcmp(v->text, no[i]) == 0) {
			e->kind = BH_BOOL;
			e->number = strcmp(v->text, yes[i]) == 0;
			return;
		}
	conf_complain(errors, v, "\"%s\" must be yes or no", key);
}

static void
option_duration(const char *key, const struct bh_value *v,
    struct conf_errors *errors)
{
	const char *error;

	if (!option_scalar(v))
		conf_complain(errors, v, "\"%s\" must be a duration like 30m, "
		    "not %s", key, option_kind(v));
	else if (duration_parse(v->text, &error) < 0)
		conf_complain(errors, v, "%s \"%s\": %s", key, v->text, error);
	else
		option_text(v);
}

static void
option_strings(const char *key, const struct bh_value *v,
    struct conf_errors *errors)
{
	struct bh_value *e = value_edit(v);

	if (option_scalar(v)) {
		/* One word becomes a list of it, at the same place. */
		struct bh_value *item = value_new_text(value_arena_of(v),
		    v->text);

		if (item == NULL)
			return;
		item->file = v->file;
		item->line = v->line;
		item->column = v->column;
		e->kind = BH_LIST;
		e->text = NULL;
		e->number = 0;
		value_add(e, NULL, item);
		return;
	}
	if (v->kind != BH_LIST) {
		conf_complain(errors, v, "\"%s\" must be a list of words, not "
		    "%s", key, option_kind(v));
		return;
	}
	for (BH_EACH(c, v)) {
		if (option_scalar(c))
			option_text(c);
		else
			conf_complain(errors, c, "\"%s\" must be a list of "
			    "words; here is %s (quote what has : or # in it)",
			    key, option_kind(c));
	}
}

void
conf_typed(const struct bh_option *option, const struct bh_value *v,
    struct conf_errors *errors)
{
	if (v->kind == BH_NULL)
		return;			/* as if it did not stand there */
	switch (option->type) {
	case BH_STRING:
		if (option_scalar(v))
			option_text(v);
		else
			conf_complain(errors, v, "\"%s\" must be one word or "
			    "text, not %s", option->key, option_kind(v));
		break;
	case BH_INT:
		option_int(option->key, v, errors);
		break;
	case BH_FLAG:
		option_flag(option->key, v, errors);
		break;
	case BH_DURATION:
		option_duration(option->key, v, errors);
		break;
	case BH_SECRET:
		if (option_scalar(v))
			option_text(v);
		conf_check_reference(v, errors);
		break;
	case BH_STRINGS:
		option_strings(option->key, v, errors);
		break;
	case BH_TREE:
		break;
	default:
		conf_complain_key(errors, v, "option \"%s\" has a type that "
		    "this bellhop does not know: update bellhop", option->key);
	}
}

bool
conf_is_map(const struct bh_value *v, const char *what,
    struct conf_errors *errors)
{
	if (v->kind == BH_NULL)
		value_edit(v)->kind = BH_MAP;
	if (v->kind == BH_MAP)
		return true;
	conf_complain(errors, v, "%s must be a map (KEY: VALUE), not %s", what,
	    option_kind(v));
	return false;
}

/* A preset is written as in a file; but where one word is wanted it need not
 * be quoted as YAML would have it ("!"). */
static struct bh_value *
option_preset(const struct bh_option *o, const char *where,
    struct conf_errors *errors)
{
	struct bh_value *v;

	if (o->type == BH_TREE || (o->type == BH_STRINGS &&
	    o->preset[0] == '[')) {
		v = conf_yaml(where, o->preset, strlen(o->preset), errors);
	} else {
		struct value_arena *arena = value_arena_new(64u << 10);

		v = value_new_text(arena, o->preset);
		if (v == NULL) {
			value_arena_free(&arena);
			conf_complain_at(errors, where, 0, 0, "is too long");
			return NULL;
		}
		v->file = value_text(arena, where, strlen(where));
	}
	if (v != NULL)
		conf_typed(o, v, errors);
	return v;
}

void
conf_presets(struct conf *conf, const struct conf_plugin *plugin,
    const struct bh_option *options, size_t stride,
    struct conf_errors *errors)
{
	const struct bh_option *o;

	for (size_t i = 0; (o = conf_option_at(options, stride, i)) != NULL;
	    i++) {
		struct conf_preset *p;

		if (o->preset == NULL)
			continue;
		BH_AUTO_FREE char *where = xasprintf("preset of %s%s%s",
		    plugin != NULL ? plugin->name : "",
		    plugin != NULL ? " " : "", o->key);
		struct bh_value *v = option_preset(o, where, errors);
		if (v == NULL)
			continue;
		p = xcalloc(1, sizeof(*p));
		p->plugin = plugin;
		p->key = o->key;
		p->value = v;
		p->next = conf->presets;
		conf->presets = p;
	}
}

const struct bh_value *
conf_preset(const struct conf *conf, const char *plugin, const char *key)
{
	for (const struct conf_preset *p = conf->presets; p != NULL;
	    p = p->next) {
		const char *owner = p->plugin != NULL ? p->plugin->name : "";

		if (strcmp(owner, plugin) == 0 && strcmp(p->key, key) == 0)
			return p->value->kind != BH_NULL ? p->value : NULL;
	}
	return NULL;
}
