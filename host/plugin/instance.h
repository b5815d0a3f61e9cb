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

#include "host/base/running.h"

struct chat_instance;
struct held;
struct lanes;
struct plugins;

enum instance_stage {
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
	/* The calls of this instance: a copy of its own, so that from the
	 * table in a transaction one finds whose it is. */
	struct bh_api api;
	struct plugins *plugins;
	const struct plugin *plugin;
	char *name;			/* "acme"; the plugin's if it has one */
	const char *block;		/* for conf_*: name, or "" */
	char *owner;			/* "slack/acme": rows of the store */
	void *state;			/* the plugin's own */
	enum instance_stage stage;
	bool inside;			/* open() has not returned yet ... */
	int early;			/* ... and this came by bh_opened() */
	bool owes_close;		/* close(state) is still to be called */
	bool configured;		/* a block of the configuration */
	bool connected;			/* a transport that is up */
	int health;			/* enum bh_health */
	char *health_text;		/* NULL: nothing to say */
	struct bh_timer *deadline;	/* of open() */
	struct chat_instance *chat;	/* NULL until open */
	struct held *held;		/* timers, watches, transfers, ... */
	struct lanes *lanes;		/* NULL until it asks for a turn */
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
	void *state;			/* linked in, without open() */
	struct plugin *next;		/* in the order of loading */
};

/* Brackets a call into the instance's code: running.h and loop_who() in one.
 *
 *	struct entered before = instance_enter(in, "open");
 *	ret = in->plugin->p.open(&in->handle, &in->state);
 *	instance_leave(before);
 */
struct entered {
	struct running running;
	const char *who;
};
struct entered instance_enter(const struct instance *in, const char *callback);
void instance_leave(struct entered before);

/* Handle to instance; dies on a handle that is not one. */
struct instance *instance_of(struct bh_host *handle);
/* The instance whose table this is. */
struct instance *instance_of_api(const struct bh_api *api);

/* Starts open(); instance_opened() is called with the result, at once or, for
 * BH_PENDING, by the plugin or after 30 s. */
void instance_open(struct instance *in);
void instance_opened(struct instance *in, int result);

/* connect() of a transport. */
void instance_connect(struct instance *in);

/* Takes it out of the chat, disconnects, calls close(), cancels what it still
 * holds, wipes its secrets.  Closed already is fine. */
void instance_close(struct instance *in);

/* How it is; keeps a copy of the text. */
void instance_health(struct instance *in, int health, const char *text);

#endif /* HOST_PLUGIN_INSTANCE_H */
