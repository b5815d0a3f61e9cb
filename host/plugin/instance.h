/* instance.h - loaded plugins and their open instances.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One instance stands for one named block of the configuration: a chat
 * workspace, an Identity Center.  A plugin without open() has exactly one,
 * named like the plugin.
 */

#ifndef HOST_PLUGIN_INSTANCE_H
#define HOST_PLUGIN_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>

#include <bellhop/plugin.h>

struct held;
struct host;
struct plugin;

enum instance_state {
	INSTANCE_NEW,		/* not opened yet */
	INSTANCE_OPENING,	/* open() gave BH_PENDING */
	INSTANCE_OPEN,
	INSTANCE_FAILED,	/* open() failed; the host goes on without */
	INSTANCE_CLOSED
};

struct instance {
	struct bh_host handle;		/* what the plugin holds: first */
	unsigned magic;
#define INSTANCE_MAGIC	0x494e5354u
	struct host *host;
	const struct plugin *plugin;
	char *name;			/* of its block: "acme" */
	char *owner;			/* "slack/acme": rows of the store */
	void *state;			/* the plugin's own */
	enum instance_state stage;
	bool connected;			/* a transport that is up */
	int health;			/* enum bh_health */
	char *health_text;
	struct bh_timer *deadline;	/* of open() */
	struct held *held;		/* timers, watches, transfers, ... */
	struct instance *next;		/* in the order of opening */
};

/* A plugin whose file was vetted and mapped, or one that is linked in. */
struct plugin {
	unsigned magic;
#define PLUGIN_MAGIC	0x504c5547u
	/* Full-size copy of the plugin's table: members that an older plugin
	 * does not have are zero, and strides are the host's. */
	struct bh_plugin p;
	char *path;			/* NULL: linked in */
	char sha256[65];
	void *handle;			/* of dlopen(), never closed */
	void *tables;			/* copies behind p.options, p.commands */
	struct plugin *next;		/* in the order of loading */
};

/* What `plugins` an instance came from a plugin's callback, for the crash line
 * and for the log of slow callbacks.  Bracket every call into a plugin:
 *
 *	struct running before = instance_enter(in, "open");
 *	ret = in->plugin->p.open(&in->handle, &in->state);
 *	instance_leave(before);
 */
struct running {
	const char *plugin, *version, *callback;
};
struct running instance_enter(const struct instance *in, const char *callback);
void instance_leave(struct running before);

/* Handle to instance; dies on a handle that is not one. */
struct instance *instance_of(struct bh_host *handle);

/* The instance called `name` ("acme"), or of plugin `name` when the plugin has
 * just one; NULL if there is none. */
struct instance *instance_find(struct host *host, const char *name);

/* All of them in the order of opening, linked by ->next; NULL if none. */
struct instance *instance_first(const struct host *host);
const struct plugin *plugin_first(const struct host *host);

#endif
