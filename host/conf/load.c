/*
 * load.c - the main file and the teams' files, read into a struct conf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <dirent.h>
#include <errno.h>

#include "host/conf/internal.h"

static struct conf *
conf_new(const char *path)
{
	struct conf *conf = xcalloc(1, sizeof(*conf));
	const char *slash = strrchr(path, '/');

	conf->magic = CONF_MAGIC;
	conf->path = xstrdup(path);
	conf->name = xstrdup(slash != NULL ? slash + 1 : path);
	conf->directory = slash == NULL ? xstrdup(".") : slash == path ?
	    xstrdup("/") : xstrndup(path, (size_t)(slash - path));
	return conf;
}

static void
conf_want(struct conf *conf, const char *name)
{
	if (name == NULL || !conf_name_ok(name) || conf_wants(conf, name))
		return;
	conf->wanted = xrealloc(conf->wanted, conf->wanted_count + 1,
	    sizeof(*conf->wanted));
	conf->wanted[conf->wanted_count++] = xstrdup(name);
}

static bool
conf_is_host_key(const char *key)
{
	for (const struct bh_option *o = conf_host_options; o->key != NULL;
	    o++)
		if (strcmp(o->key, key) == 0)
			return true;
	return false;
}

/* Takes the tree over and looks at what needs no plugin. */
static bool
conf_take(struct conf *conf, struct bh_value *root, struct conf_errors *errors)
{
	if (root == NULL)
		return false;
	conf->root = root;
	if (!conf_is_map(root, "the file", errors))
		return false;
	conf_check_host(conf, errors);
	for (BH_EACH(c, root))
		if (!conf_is_host_key(c->key))
			conf_want(conf, c->key);
	const struct bh_value *chat = bh_get(root, "chat");
	for (BH_EACH(c, chat))
		conf_want(conf, bh_get_text(c, "plugin"));
	return true;
}

static void
conf_take_team(struct conf *conf, const char *name, struct bh_value *root,
    struct conf_errors *errors)
{
	struct conf_team **at = &conf->teams, *team;

	if (root == NULL)
		return;
	if (!conf_is_map(root, "the file", errors)) {
		value_free(root);
		return;
	}
	while (*at != NULL && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	team = xcalloc(1, sizeof(*team));
	team->name = xstrdup(name);
	team->root = root;
	team->next = *at;
	*at = team;
}

static void
conf_read_team(struct conf *conf, const char *file, struct conf_errors *errors)
{
	BH_AUTO_FREE char *shown = xasprintf("team.d/%s", file);
	BH_AUTO_FREE char *path = xasprintf("%s/%s", conf->directory, shown);
	const char *dot = strrchr(file, '.');
	size_t stem = dot != NULL ? (size_t)(dot - file) : strlen(file);
	BH_AUTO_FREE char *name = xstrndup(file, stem);
	char *why = NULL;
	size_t len;

	if (dot == NULL || strcmp(dot, ".yaml") != 0) {
		/* A file that somebody believes to be in force must not be
		 * passed over in silence. */
		if (dot != NULL && strcmp(dot, ".yml") == 0)
			conf_complain_at(errors, shown, 0, 0, "rename it to "
			    "%s.yaml, or it is not read", name);
		return;
	}
	if (!conf_name_ok(name)) {
		conf_complain_at(errors, shown, 0, 0, "cannot be a team's "
		    "name: use a-z, 0-9 and -");
		return;
	}
	BH_AUTO_FREE char *text = conf_path_read(path, CONF_MAX_BYTES, &len,
	    &why);
	if (text == NULL) {
		conf_complain_at(errors, shown, 0, 0, "%s", why);
		free(why);
		return;
	}
	conf_take_team(conf, name, conf_yaml(shown, text, len, errors),
	    errors);
}

static int
conf_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
conf_read_teams(struct conf *conf, struct conf_errors *errors)
{
	BH_AUTO_FREE char *path = xasprintf("%s/team.d", conf->directory);
	struct dirent **list = NULL;
	char *why = NULL;
	int n = scandir(path, &list, conf_visible, alphasort);

	if (n < 0) {
		if (errno != ENOENT)
			conf_complain_at(errors, "team.d", 0, 0, "%s: let the "
			    "user who runs this read it", strerror(errno));
		return;
	}
	if (n > 0 && conf_path_safe(path, true, NULL, &why) != BH_OK) {
		conf_complain_at(errors, "team.d", 0, 0, "%s", why);
		free(why);
	}
	for (int i = 0; i < n; i++) {
		conf_read_team(conf, list[i]->d_name, errors);
		free(list[i]);
	}
	free(list);
}

struct conf *
conf_read(const char *path, struct conf_errors *errors)
{
	struct conf *conf = conf_new(path);
	char *why = NULL;
	size_t len;
	BH_AUTO_FREE char *text = conf_path_read(path, CONF_MAX_BYTES, &len,
	    &why);

	if (text == NULL) {
		conf_complain_at(errors, conf->name, 0, 0, "%s", why);
		free(why);
		conf_free(&conf);
	} else if (!conf_take(conf, conf_yaml(conf->name, text, len, errors),
	    errors)) {
		conf_free(&conf);
	} else {
		conf_read_teams(conf, errors);
	}
	return conf;
}

struct conf *
conf_read_text(const char *name, const char *text, struct conf_errors *errors)
{
	struct conf *conf = conf_new(name);

	if (!conf_take(conf, conf_yaml(conf->name, text, strlen(text),
	    errors), errors))
		conf_free(&conf);
	return conf;
}

void
conf_add_team_text(struct conf *conf, const char *team, const char *text,
    struct conf_errors *errors)
{
	BH_AUTO_FREE char *shown = xasprintf("team.d/%s.yaml", team);

	CHECK_MAGIC(conf, CONF_MAGIC);
	conf_take_team(conf, team, conf_yaml(shown, text, strlen(text),
	    errors), errors);
}

struct conf *
conf_load(const char *path, const struct conf_schema *schema,
    struct conf_errors *errors)
{
	struct conf *conf = conf_read(path, errors);

	if (conf != NULL)
		conf_check(conf, schema, errors);
	if (conf_errors_count(errors) > 0)
		conf_free(&conf);
	return conf;
}

bool
conf_wants(const struct conf *conf, const char *plugin)
{
	CHECK_MAGIC(conf, CONF_MAGIC);
	for (size_t i = 0; i < conf->wanted_count; i++)
		if (strcmp(conf->wanted[i], plugin) == 0)
			return true;
	return false;
}

const char *
conf_wanted(const struct conf *conf, size_t n)
{
	CHECK_MAGIC(conf, CONF_MAGIC);
	return n < conf->wanted_count ? conf->wanted[n] : NULL;
}

void
conf_free(struct conf **conf_at)
{
	struct conf *conf = *conf_at;

	if (conf == NULL)
		return;
	CHECK_MAGIC(conf, CONF_MAGIC);
	*conf_at = NULL;
	conf_wipe_secrets(conf, NULL, NULL);
	for (struct conf_team *t = conf->teams, *next; t != NULL; t = next) {
		next = t->next;
		free(t->name);
		value_free(t->root);
		free(t);
	}
	for (struct conf_preset *p = conf->presets, *next; p != NULL;
	    p = next) {
		next = p->next;
		value_free(p->value);
		free(p);
	}
	for (struct conf_memo *m = conf->memos, *next; m != NULL; m = next) {
		next = m->next;
		free(m->name);
		free(m->text);
		free(m);
	}
	for (size_t i = 0; i < conf->wanted_count; i++)
		free(conf->wanted[i]);
	free(conf->wanted);
	free(conf->plugins);
	free(conf->instances);
	free(conf->refused);
	value_free(conf->root);
	free(conf->path);
	free(conf->name);
	free(conf->directory);
	KILL_MAGIC(conf);
	free(conf);
}
