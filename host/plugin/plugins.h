/* plugins.h - all plugins of a host: loaded, opened in order, closed in reverse.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   plugins_new -> plugins_load -> (conf_check with plugins_schema)
 *       -> plugins_make -> plugins_open -> ... -> plugins_close -> plugins_free
 */

#ifndef HOST_PLUGIN_PLUGINS_H
#define HOST_PLUGIN_PLUGINS_H

#include <stdbool.h>
#include <stddef.h>

#include <bellhop/plugin.h>

#include "host/conf/conf.h"

struct chat;
struct http_client;
struct instance;
struct loop;
struct plugin;
struct store;

struct plugins {
	unsigned magic;
#define PLUGINS_MAGIC	0x504c5347u
	/* The rooms that the api table forwards to; whoever owns them fills
	 * them in before plugins_open(). */
	struct loop *loop;
	struct http_client *http;
	struct store *store;
	struct conf *conf;
	struct chat *chat;
	bool clock_free;		/* clock_advance() is allowed */
	bool tool;			/* for one tool: nothing connects */
	bool offline;			/* nor opens */
	/* The host's own listener, begun when first needed; NULL and *error. */
	struct bh_server *(*server)(void *arg, const char **error);
	void (*quit)(void *arg);
	int status;		/* what quit_with() said: the process's */
	/* All instances answered their open(); transports connect next. */
	void (*opened)(void *arg);
	/* All transports were told to connect. */
	void (*ready)(void *arg);
	void *arg;

	/* Ours. */
	struct plugin *first, *last;
	struct instance *instances, *instances_last;
	struct conf_plugin *schema;	/* array behind plugins_schema() */
	char **known;			/* in the directory, not loaded */
	struct published *published;	/* bh_publish(): name and value */
	struct held *orphans;		/* callbacks whose instance is gone */
	bool advancing, is_ready, closing;
};

struct plugins *plugins_new(void);
void plugins_free(struct plugins **plugins);

/* Loads NAME.so for each plugin that the configuration wants and that is not
 * here yet; complains in `errors` about each one that cannot be loaded.
 * Files that nobody configured are only named in the list of known ones. */
void plugins_load(struct plugins *plugins, const char *directory,
    const struct conf *conf, struct conf_errors *errors);

/* Adds one that is linked in.  0, or a failure with a line in *error. */
int plugins_link(struct plugins *plugins, const struct bh_plugin *table,
    void *state, struct bh_buf *error);

/* What conf_check() wants to know; valid until the next plugins_load(). */
struct conf_schema plugins_schema(struct plugins *plugins);

/* Runs every loaded plugin's check() on the main file and the teams'. */
void plugins_check(struct plugins *plugins, const struct conf *conf,
    struct conf_errors *errors);

/* Makes the instances that the configuration names, transports last, none of
 * them open; and one that is linked in (NULL: no such plugin). */
void plugins_make(struct plugins *plugins);
struct instance *plugins_make_one(struct plugins *plugins,
    const char *plugin, const char *name);

/* Migrates, lets the chat read its people, then opens one after the other,
 * each when the one before has answered; then starts the chat, connects the
 * transports, lets jobs come and calls ready().  0, or a failure with a
 * sentence (valid until the next call) when the store refuses a migration. */
int plugins_open(struct plugins *plugins, const char **error);

/* An instance has answered its open(): the next one's turn. */
void plugins_advance(struct plugins *plugins);

/* Closes every instance in reverse order. */
void plugins_close(struct plugins *plugins);

/* bh_publish() and bh_lookup(). */
void plugins_publish(struct plugins *plugins, const char *name,
    const char *value);
const char *plugins_lookup(const struct plugins *plugins, const char *name);

/* The configuration was swapped: calls every changed(). */
void plugins_changed(struct plugins *plugins);

/* Takes one over that was loaded by hand. */
void plugins_add(struct plugins *plugins, struct plugin *plugin);

/* The names of the plugins that lie in a directory, sorted, NULL-terminated:
 * free() each and the array. */
char **folder_names(int directory_fd);

struct plugin *plugins_find(const struct plugins *plugins, const char *name);

/* The instance called `name`, or the only one of the plugin called so; NULL
 * if there is none or more than one. */
struct instance *plugins_instance(const struct plugins *plugins,
    const char *name);

#endif /* HOST_PLUGIN_PLUGINS_H */
