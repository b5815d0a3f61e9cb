/* plugins.c - all plugins of a host: loaded, opened in order, closed in reverse.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <unistd.h>

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/chat/chat.h"
#include "host/plugin/api.h"
#include "host/plugin/held.h"
#include "host/plugin/instance.h"
#include "host/plugin/load.h"
#include "host/plugin/plugins.h"
#include "host/store/store.h"

struct published {
	char *name, *value;
	struct published *next;
};

struct plugins *
plugins_new(void)
{
	struct plugins *ps = xcalloc(1, sizeof(*ps));

	ps->magic = PLUGINS_MAGIC;
	return ps;
}

void
plugins_free(struct plugins **plugins)
{
	struct plugins *ps = *plugins;

	*plugins = NULL;
	if (ps == NULL)
		return;
	CHECK_MAGIC(ps, PLUGINS_MAGIC);
	held_bury(ps);
	for (struct instance *in = ps->instances, *next; in != NULL;
	    in = next) {
		next = in->next;
		free(in->name);
		free(in->owner);
		free(in->health_text);
		in->magic = 0xdead;
		free(in);
	}
	for (struct plugin *p = ps->first, *next; p != NULL; p = next) {
		next = p->next;
		plugin_free(&p);
	}
	for (struct published *p = ps->published, *next; p != NULL; p = next) {
		next = p->next;
		free(p->name);
		free(p->value);
		free(p);
	}
	for (size_t i = 0; ps->known != NULL && ps->known[i] != NULL; i++)
		free(ps->known[i]);
	free(ps->known);
	free(ps->schema);
	KILL_MAGIC(ps);
	free(ps);
}

struct plugin *
plugins_find(const struct plugins *ps, const char *name)
{
	for (struct plugin *p = ps->first; p != NULL; p = p->next)
		if (strcmp(p->p.name, name) == 0)
			return p;
	return NULL;
}

void
plugins_add(struct plugins *ps, struct plugin *p)
{
	if (ps->last != NULL)
		ps->last->next = p;
	else
		ps->first = p;
	ps->last = p;
}

int
plugins_link(struct plugins *ps, const struct bh_plugin *table, void *state,
    struct bh_buf *error)
{
	struct plugin *p;

	if (plugins_find(ps, table->name) != NULL) {
		bh_buf_add(error, "plugin \"%s\" is there twice", table->name);
		return BH_ECONFLICT;
	}
	if ((p = plugin_adopt(table, error)) == NULL)
		return BH_EINVAL;
	p->state = state;
	plugins_add(ps, p);
	return 0;
}

struct conf_schema
plugins_schema(struct plugins *ps)
{
	size_t n = 0;

	for (struct plugin *p = ps->first; p != NULL; p = p->next)
		n++;
	ps->schema = xrealloc(ps->schema, n + 1, sizeof(*ps->schema));
	n = 0;
	for (struct plugin *p = ps->first; p != NULL; p = p->next)
		ps->schema[n++] = (struct conf_plugin){
			.name = p->p.name, .options = p->p.options,
			.option_size = sizeof(struct bh_option),
			.blocks = p->p.open != NULL,
			.transport = p->p.transport != NULL,
		};
	return (struct conf_schema){
		.plugins = ps->schema, .plugins_count = n,
		.known = (const char *const *)ps->known,
	};
}

void
plugins_check(struct plugins *ps, const struct conf *conf,
    struct conf_errors *errors)
{
	size_t count = 0;
	const struct conf_instance *ci = conf_instances(conf, &count);
	const char *team;

	for (size_t i = 0; i < count; i++) {
		const struct plugin *p = plugins_find(ps, ci[i].plugin);

		if (p != NULL)
			api_check(p, conf, errors, "", ci[i].value);
	}
	for (size_t t = 0; (team = conf_team_at(conf, t)) != NULL; t++)
		for (struct plugin *p = ps->first; p != NULL; p = p->next) {
			const struct bh_value *section =
			    conf_team_section(conf, team, p->p.name);

			if (section != NULL)
				api_check(p, conf, errors, team, section);
		}
}

/* ------------------------------------------------------------------ */
/* Instances                                                           */

struct instance *
plugins_make_one(struct plugins *ps, const char *plugin, const char *name)
{
	const struct plugin *p = plugins_find(ps, plugin);
	struct instance *in;

	if (p == NULL)
		return NULL;
	in = xcalloc(1, sizeof(*in));
	in->magic = INSTANCE_MAGIC;
	in->api = api_table;
	in->handle.api = &in->api;
	in->plugins = ps;
	in->plugin = p;
	in->name = xstrdup(name[0] != '\0' ? name : p->p.name);
	in->block = p->p.open != NULL ? in->name : "";
	in->owner = xasprintf("%s/%s", p->p.name, in->name);
	in->state = p->state;
	if (ps->instances_last != NULL)
		ps->instances_last->next = in;
	else
		ps->instances = in;
	ps->instances_last = in;
	return in;
}

void
plugins_make(struct plugins *ps)
{
	size_t count = 0;
	const struct conf_instance *ci = conf_instances(ps->conf, &count);

	/* Blocks under chat: come last in there. */
	for (size_t i = 0; i < count; i++)
		plugins_make_one(ps, ci[i].plugin, ci[i].name)->configured =
		    true;
}

static void
job_due(void *arg, const char *owner, const struct bh_job *job)
{
	struct plugins *ps = CAST(struct plugins, arg, PLUGINS_MAGIC);
	struct instance *in = ps->instances;
	struct entered before;
	int ret;

	while (in != NULL && strcmp(in->owner, owner) != 0)
		in = in->next;
	if (in == NULL || in->stage != INSTANCE_OPEN ||
	    in->plugin->p.job == NULL) {
		/* It comes again, and waits for its plugin to come back. */
		log_debug("job %s %s of %s has nobody to do it", job->kind,
		    job->ref, owner);
		return;
	}
	before = instance_enter(in, "job");
	ret = in->plugin->p.job(in->state, job);
	instance_leave(before);
	if (ret < 0)
		log_at(BH_LOG_WARN, in->owner, "job %s %s failed (%d), try "
		    "%d: it comes again", job->kind, job->ref, ret,
		    job->attempt);
}

static void
all_open(struct plugins *ps)
{
	chat_start(ps->chat);
	ps->opened(ps->arg);
	if (ps->tool)
		return;
	for (struct instance *in = ps->instances; in != NULL; in = in->next)
		instance_connect(in);
	chat_redeliver(ps->chat);
	store_jobs_handler(ps->store, job_due, ps);
	ps->is_ready = true;
	ps->ready(ps->arg);
}

void
plugins_advance(struct plugins *ps)
{
	struct instance *in;

	/* instance_open() may come back here before it returns. */
	if (ps->advancing || ps->closing)
		return;
	ps->advancing = true;
	for (in = ps->instances; in != NULL; in = in->next) {
		if (in->stage == INSTANCE_NEW && !ps->offline)
			instance_open(in);
		if (in->stage == INSTANCE_OPENING)
			break;
	}
	ps->advancing = false;
	if (in == NULL)
		all_open(ps);
}

/* Before any plugin opens: one that finds work of its own in the store does
 * it at once, and asks who the people are that it is for. */
static void
chat_loaded(void *arg, int result)
{
	struct plugins *ps = CAST(struct plugins, arg, PLUGINS_MAGIC);

	if (ps->closing)
		return;
	if (result != BH_OK) {
		log_error("cannot read people and rooms from the store (%d): "
		    "look at the disk, then start again", result);
		ps->quit(ps->arg);
		return;
	}
	plugins_advance(ps);
}

int
plugins_open(struct plugins *ps, const char **error)
{
	int ret;

	for (struct plugin *p = ps->first; p != NULL; p = p->next)
		if (p->p.migrations != NULL &&
		    (ret = store_migrate(ps->store, p->p.name,
		    p->p.migrations, error)) != 0)
			return ret;
	chat_load(ps->chat, chat_loaded, ps);
	return 0;
}

static void
close_from(struct instance *in)
{
	if (in == NULL)
		return;
	close_from(in->next);
	instance_close(in);
}

void
plugins_close(struct plugins *ps)
{
	if (ps == NULL || ps->closing)
		return;
	ps->closing = true;
	if (ps->store != NULL)
		store_jobs_handler(ps->store, NULL, NULL);
	close_from(ps->instances);
}

void
plugins_changed(struct plugins *ps)
{
	for (struct instance *in = ps->instances; in != NULL; in = in->next) {
		struct entered before;

		if (in->stage != INSTANCE_OPEN || in->plugin->p.changed == NULL)
			continue;
		before = instance_enter(in, "changed");
		in->plugin->p.changed(in->state);
		instance_leave(before);
	}
}

struct instance *
plugins_instance(const struct plugins *ps, const char *name)
{
	struct instance *found = NULL;

	for (struct instance *in = ps->instances; in != NULL; in = in->next)
		if (strcmp(in->name, name) == 0)
			return in;
	for (struct instance *in = ps->instances; in != NULL; in = in->next)
		if (strcmp(in->plugin->p.name, name) == 0) {
			if (found != NULL)
				return NULL;
			found = in;
		}
	return found;
}

/* ------------------------------------------------------------------ */
/* Names left for others                                               */

void
plugins_publish(struct plugins *ps, const char *name, const char *value)
{
	struct published *p = ps->published;

	while (p != NULL && strcmp(p->name, name) != 0)
		p = p->next;
	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		p->name = xstrdup(name);
		p->next = ps->published;
		ps->published = p;
	}
	free(p->value);
	p->value = xstrdup(value);
}

const char *
plugins_lookup(const struct plugins *ps, const char *name)
{
	for (struct published *p = ps->published; p != NULL; p = p->next)
		if (strcmp(p->name, name) == 0)
			return p->value;
	return NULL;
}
