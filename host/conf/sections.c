/*
 * sections.c - plugins' sections against their option tables; instances.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/conf/internal.h"

/* For hints: the keys of an option table.  free() the list. */
static const char **
section_keys(const struct conf_plugin *plugin, unsigned flag, size_t *count)
{
	const struct bh_option *o;
	const char **keys;
	size_t n = 0;

	while (conf_option_at(plugin->options, plugin->option_size, n) != NULL)
		n++;
	keys = xcalloc(n, sizeof(*keys));
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		o = conf_option_at(plugin->options, plugin->option_size, i);
		if (flag == 0 || (o->flags & flag) != 0)
			keys[(*count)++] = o->key;
	}
	return keys;
}

static void
section_unknown(const struct conf_plugin *plugin, const struct bh_value *c,
    unsigned flag, struct conf_errors *errors)
{
	BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);
	size_t count;
	BH_AUTO_FREE const char **keys = section_keys(plugin, flag, &count);

	conf_complain_key(errors, c, "unknown option \"%s\" of %s%s", c->key,
	    plugin->name, conf_hint(&hint, c->key, keys, count));
}

void
conf_check_section(const struct conf_plugin *plugin,
    const struct bh_value *map, const char *team, struct conf_errors *errors)
{
	const struct bh_option *o;

	for (BH_EACH(c, map)) {
		if (team == NULL && plugin->transport &&
		    strcmp(c->key, "plugin") == 0)
			continue;
		o = conf_option(plugin, c->key);
		if (o == NULL)
			section_unknown(plugin, c,
			    team != NULL ? BH_OPT_TEAM : 0, errors);
		else if (team != NULL && ((o->flags & BH_OPT_TEAM) == 0 ||
		    o->type == BH_SECRET))
			conf_complain_key(errors, c, "option \"%s\" of %s "
			    "belongs in the main file, not in a team's",
			    c->key, plugin->name);
		else
			conf_typed(o, c, errors);
	}
	for (size_t i = 0; team == NULL && (o = conf_option_at(plugin->options,
	    plugin->option_size, i)) != NULL; i++)
		if ((o->flags & BH_OPT_REQUIRED) != 0 && o->preset == NULL &&
		    bh_get(map, o->key) == NULL)
			conf_complain(errors, map, "%s needs \"%s\"%s%s%s",
			    plugin->name, o->key, o->help != NULL ? " (" : "",
			    o->help != NULL ? o->help : "",
			    o->help != NULL ? ")" : "");
}

void
conf_unknown_section(const struct conf *conf, const struct bh_value *at,
    const char *const *known, struct conf_errors *errors)
{
	BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);
	const char *name = strcmp(at->key, "plugin") == 0 &&
	    at->kind == BH_TEXT ? at->text : at->key;
	size_t n = conf->plugins_count, room = n + 64;
	BH_AUTO_FREE const char **names = xcalloc(room, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = conf->plugins[i].name;
	for (const struct bh_option *o = conf_host_options; o->key != NULL &&
	    name == at->key; o++)
		names[n++] = o->key;
	for (; known != NULL && *known != NULL && n < room; known++) {
		if (strcmp(*known, name) == 0)
			return;		/* refused: told already */
		names[n++] = *known;
	}
	conf_hint(&hint, name, names, n);
	conf_complain_key(errors, at, "%s \"%s\"%s", name == at->key ?
	    "unknown key" : "unknown plugin", name, hint.len > 0 ?
	    bh_buf_text(&hint) : ": no plugin of that name was found");
}

static void
section_instance(struct conf *conf, const struct conf_plugin *plugin,
    const char *name, const struct bh_value *value, bool chat)
{
	conf->instances = xrealloc(conf->instances, conf->instances_count + 1,
	    sizeof(*conf->instances));
	conf->instances[conf->instances_count++] = (struct conf_instance){
	    plugin->name, name, chat, value };
}

static void
section_blocks(struct conf *conf, const struct conf_plugin *plugin,
    const struct bh_value *section, struct conf_errors *errors)
{
	if (section->count == 0)
		conf_complain(errors, section, "%s needs a named block: write "
		    "%s: { main: { ... } }", plugin->name, plugin->name);
	for (BH_EACH(block, section)) {
		if (block->kind != BH_MAP && block->kind != BH_NULL) {
			conf_complain_key(errors, block, "\"%s\" must be a "
			    "named block of options: write %s: { main: { %s: "
			    "... } }", block->key, plugin->name, block->key);
			continue;
		}
		if (!conf_name_ok(block->key)) {
			conf_complain_key(errors, block, "\"%s\" cannot be a "
			    "block's name: use a-z, 0-9 and -", block->key);
			continue;
		}
		conf_is_map(block, "a block", errors);
		conf_check_section(plugin, block, NULL, errors);
		section_instance(conf, plugin, block->key, block, false);
	}
}

static void
section_top(struct conf *conf, const struct bh_value *section,
    const char *const *known, struct conf_errors *errors)
{
	const struct conf_plugin *plugin = conf_plugin(conf, section->key);

	if (plugin == NULL) {
		conf_unknown_section(conf, section, known, errors);
	} else if (plugin->transport) {
		conf_complain_key(errors, section, "plugin %s carries chat: "
		    "write it as chat: { NAME: { plugin: %s, ... } }",
		    plugin->name, plugin->name);
	} else if (!conf_is_map(section, section->key, errors)) {
		return;
	} else if (plugin->blocks) {
		section_blocks(conf, plugin, section, errors);
	} else {
		conf_check_section(plugin, section, NULL, errors);
		section_instance(conf, plugin, "", section, false);
	}
}

static void
section_chat(struct conf *conf, const struct bh_value *block,
    const char *const *known, struct conf_errors *errors)
{
	const char *name = bh_get_text(block, "plugin");
	const struct conf_plugin *plugin;

	if (name == NULL || !conf_name_ok(name))
		return;			/* told already */
	plugin = conf_plugin(conf, name);
	if (plugin == NULL) {
		conf_unknown_section(conf, bh_get(block, "plugin"), known,
		    errors);
	} else if (!plugin->transport) {
		conf_complain(errors, bh_get(block, "plugin"), "plugin %s does "
		    "not carry chat: write it at the left margin, as %s:",
		    name, name);
	} else {
		conf_check_section(plugin, block, NULL, errors);
		section_instance(conf, plugin, block->key, block, true);
	}
}

bool
conf_refused(const struct conf *conf, const char *plugin)
{
	for (size_t i = 0; i < conf->refused_count; i++)
		if (strcmp(conf->refused[i], plugin) == 0)
			return true;
	return false;
}

static void
section_refused(struct conf *conf, const char *const *known)
{
	for (; known != NULL && *known != NULL; known++) {
		if (!conf_wants(conf, *known) ||
		    conf_plugin(conf, *known) != NULL)
			continue;
		conf->refused = xrealloc(conf->refused,
		    conf->refused_count + 1, sizeof(*conf->refused));
		conf->refused[conf->refused_count++] = conf_keep(conf, NULL,
		    NULL, xstrdup(*known));
	}
}

static bool
section_host_key(const char *key)
{
	for (const struct bh_option *o = conf_host_options; o->key != NULL;
	    o++)
		if (strcmp(o->key, key) == 0)
			return true;
	return false;
}

void
conf_check(struct conf *conf, const struct conf_schema *schema,
    struct conf_errors *errors)
{
	CHECK_MAGIC(conf, CONF_MAGIC);
	conf->plugins = xcalloc(schema->plugins_count,
	    sizeof(*conf->plugins));
	conf->plugins_count = schema->plugins_count;
	for (size_t i = 0; i < conf->plugins_count; i++) {
		struct conf_plugin *p = &conf->plugins[i];

		*p = schema->plugins[i];
		p->name = conf_keep(conf, NULL, NULL, xstrdup(p->name));
		/* An option table without a plugin that anybody asked for
		 * says nothing; its presets do not matter either. */
		if (conf_wants(conf, p->name))
			conf_presets(conf, p, p->options, p->option_size,
			    errors);
	}
	section_refused(conf, schema->known);
	for (BH_EACH(c, conf->root))
		if (!section_host_key(c->key))
			section_top(conf, c, schema->known, errors);
	for (BH_EACH(c, conf_map(conf, "chat")))
		section_chat(conf, c, schema->known, errors);
	conf_check_teams(conf, errors);
}
