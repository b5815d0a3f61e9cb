/*
 * look-up.c - the setting that holds here: team's, block's, or preset.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/ids.h"
#include "host/conf/internal.h"

const struct conf_plugin *
conf_plugin(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->plugins_count; i++)
		if (strcmp(conf->plugins[i].name, name) == 0)
			return &conf->plugins[i];
	return NULL;
}

const struct bh_value *
conf_map(const struct conf *conf, const char *key)
{
	const struct bh_value *v = bh_get(conf->root, key);

	return v != NULL && v->kind == BH_MAP ? v : NULL;
}

const struct conf_instance *
conf_instances(const struct conf *conf, size_t *count)
{
	CHECK_MAGIC(conf, CONF_MAGIC);
	*count = conf->instances_count;
	return conf->instances;
}

const struct conf_instance *
conf_instance(const struct conf *conf, const char *plugin, const char *block)
{
	for (size_t i = 0; i < conf->instances_count; i++)
		if (strcmp(conf->instances[i].plugin, plugin) == 0 &&
		    strcmp(conf->instances[i].name, block) == 0)
			return &conf->instances[i];
	return NULL;
}

const struct bh_value *
conf_tree(const struct conf *conf, const char *plugin, const char *block,
    const char *team, const char *key)
{
	const struct conf_instance *in;
	const struct bh_value *v;

	CHECK_MAGIC(conf, CONF_MAGIC);
	v = bh_get(conf_team_section(conf, team, plugin), key);
	if (v != NULL)
		return v;
	in = conf_instance(conf, plugin, block);
	v = in != NULL ? bh_get(in->value, key) : NULL;
	return v != NULL ? v : conf_preset(conf, plugin, key);
}

const char *
conf_keep(struct conf *conf, const void *of, const char *name, char *text)
{
	struct conf_memo *m = xcalloc(1, sizeof(*m));

	m->of = of;
	m->name = xstrdup(name);
	m->text = text;
	m->next = conf->memos;
	conf->memos = m;
	return text;
}

/* The words of a list, joined; made once. */
static const char *
look_up_joined(struct conf *conf, const struct bh_value *list)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(CONF_MAX_BYTES);

	for (const struct conf_memo *m = conf->memos; m != NULL; m = m->next)
		if (m->of == list)
			return m->text;
	for (BH_EACH(c, list)) {
		if (c != list->first)
			bh_buf_puts(&b, ", ");
		bh_buf_puts(&b, c->text != NULL ? c->text : "");
	}
	return conf_keep(conf, list, NULL, xstrdup(bh_buf_text(&b)));
}

const char *
conf_text(struct conf *conf, const char *plugin, const char *block,
    const char *team, const char *key)
{
	const struct bh_value *v = conf_tree(conf, plugin, block, team, key);
	const struct conf_plugin *p = conf_plugin(conf, plugin);
	const struct bh_option *o = p != NULL ? conf_option(p, key) : NULL;

	if (v == NULL || o == NULL)
		return NULL;
	if (o->type == BH_SECRET) {
		char *why = NULL;
		const char *text = bh_text(v) == NULL ? NULL :
		    conf_secret(conf, plugin, block, key, v, &why);

		free(why);	/* conf_check_secrets() told it */
		return text;
	}
	if (o->type == BH_STRINGS && v->kind == BH_LIST)
		return look_up_joined(conf, v);
	return v->text;
}

const char *
conf_settings_hash(struct conf *conf, const char *plugin, const char *block,
    const char *team)
{
	BH_AUTO_FREE char *name = xasprintf("hash %s/%s %s", plugin, block,
	    team);
	BH_AUTO_BUF struct bh_buf b = BH_BUF(64u << 20);
	const struct conf_plugin *p = conf_plugin(conf, plugin);
	const struct bh_option *o;
	char hash[SHA256_HEX_SIZE];

	for (const struct conf_memo *m = conf->memos; m != NULL; m = m->next)
		if (m->name != NULL && strcmp(m->name, name) == 0)
			return m->text;
	bh_buf_puts(&b, "{\"settings\":{");
	for (size_t i = 0; p != NULL && (o = conf_option_at(p->options,
	    p->option_size, i)) != NULL; i++) {
		bh_buf_puts(&b, i > 0 ? "," : "");
		bh_buf_quote(&b, o->key);
		bh_buf_puts(&b, ":");
		value_print_json(&b, conf_tree(conf, plugin, block, team,
		    o->key), true);
	}
	bh_buf_puts(&b, "},\"team\":");
	bh_buf_quote(&b, team);
	bh_buf_puts(&b, ",\"delegate\":");
	value_print_json(&b, conf_delegated(conf, team), true);
	bh_buf_puts(&b, ",\"people\":");
	value_print_json(&b, conf_people(conf), true);
	bh_buf_puts(&b, "}");
	sha256_hex(hash, bh_buf_text(&b), b.len);
	return conf_keep(conf, NULL, name, xstrdup(hash));
}

const struct bh_value *
conf_host_tree(const struct conf *conf, const char *key)
{
	const struct bh_value *v;

	CHECK_MAGIC(conf, CONF_MAGIC);
	v = bh_get(conf->root, key);
	return v != NULL ? v : conf_preset(conf, "", key);
}

const char *
conf_host_text(const struct conf *conf, const char *key)
{
	return bh_text(conf_host_tree(conf, key));
}

const char *
conf_host_joined(struct conf *conf, const char *key)
{
	const struct bh_value *v = conf_host_tree(conf, key);
	char *why = NULL;
	const char *text;

	if (v != NULL && v->kind == BH_LIST)
		return look_up_joined(conf, v);
	for (const struct bh_option *o = conf_host_options; o->key != NULL;
	    o++)
		if (strcmp(o->key, key) == 0 && o->type == BH_SECRET &&
		    bh_text(v) != NULL) {
			text = conf_secret(conf, "", "", key, v, &why);
			free(why);	/* conf_check_secrets() told it */
			return text;
		}
	return bh_text(v);
}

const struct bh_value *
conf_access(const struct conf *conf, const char *team)
{
	const struct conf_team *t;

	if (*team == '\0')
		return conf_host_tree(conf, "access");
	t = conf_team(conf, team);
	return t != NULL ? bh_get(t->root, "access") : NULL;
}

const struct bh_value *
conf_admins(const struct conf *conf)
{
	return conf_host_tree(conf, "admins");
}

const struct bh_value *
conf_people(const struct conf *conf)
{
	return conf_host_tree(conf, "people");
}

const char *
conf_path(const struct conf *conf)
{
	CHECK_MAGIC(conf, CONF_MAGIC);
	return conf->path;
}
