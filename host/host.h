/* host.h - the running house: its rooms, and how it starts and ends.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <bellhop/plugin.h>

struct host;
struct loop;
struct http_client;
struct store;
struct conf;
struct conf_errors;
struct chat;
struct entered;
struct plugins;

/* An instance that is linked in instead of loaded, such as the transport of
 * the chat scripts.  With an open() of its own the plugin makes its state
 * there; without one it gets `state`.  `instance` NULL: only those that the
 * configuration names. */
struct host_internal {
	const struct bh_plugin *plugin;
	const char *instance;
	void *state;
};

/* Nothing but one instance, for a tool of its plugin: nothing listens, no
 * transport connects, no job comes. */
struct host_tool {
	const char *plugin, *block;
	bool offline;			/* not even opened; no secrets */
};

struct host_options {
	const char *config;		/* path of the main file */
	const char *config_text;	/* its content instead; `config` names
					 * it in messages; no team files */
	const char *plugin_directory;	/* before the file's; NULL: ask it */
	const char *store;		/* URL instead of the file's, or NULL */
	bool clock_free;		/* clock_advance() is allowed */
	bool frozen;			/* virtual time from the start ... */
	int64_t start;			/* ... at this ms UTC; 0: now */
	bool log_from_file;		/* `log:` counts */
	bool quiet;			/* no line when ready */
	bool signals;			/* SIGTERM, SIGINT, SIGHUP, crashes */
	bool hangup_ends;		/* SIGHUP is no reload: the terminal went */
	/* All instances are open, transports connect next; may be NULL. */
	void (*on_open)(void *arg, struct host *host);
	/* Transports are connecting: ready.  May be NULL. */
	void (*on_ready)(void *arg, struct host *host);
	void *arg;
	const struct host_tool *tool;	/* NULL: the whole house */
	const struct host_internal *internal;	/* ends with plugin NULL */
};

struct host {
	unsigned magic;
#define HOST_MAGIC	0x684f5354u
	struct host_options options;
	struct loop *loop;
	struct http_client *http;
	struct bh_server *server;	/* NULL until something listens ... */
	int port;			/* ... there */
	struct store *store;
	struct conf *conf;
	struct chat *chat;
	struct plugins *plugins;	/* loaded files and open instances */
	size_t refused;			/* wanted plugins that are not here */
	bool ready;			/* every instance answered its open() */
	bool stopping;
	bool reload_later;		/* asked for before it was ready */
	/* Brackets that the chat room opened around calls into plugins. */
	struct entered *entered;
	size_t entered_depth, entered_size;
	char *error;			/* behind host_start()'s *error */
};

/* Builds the rooms from the ground up, loads and opens every configured
 * plugin, and returns the running host, or NULL after logging each reason and
 * leaving a sentence in *error (static or valid until the next call).  The
 * options are copied; the strings and tables in them must outlive the host.
 * Instances that open late (BH_PENDING) open while the loop runs: wait for
 * host->ready with host_settle() or let host_run() do it. */
struct host *host_start(const struct host_options *options,
    const char **error);

/* Reads main and team files, loads the plugins they want into `plugins`, and
 * checks everything.  Complaints about the files go to `errors`, about plugins
 * that were refused to `refused`.  NULL when the main file cannot be read. */
struct conf *host_read_conf(struct plugins *plugins,
    const struct host_options *options, struct conf_errors *errors,
    struct conf_errors *refused);

/* The directory that plugins come from: the options', the environment's, the
 * file's, or the built-in one. */
const char *host_plugin_directory(const struct host_options *options,
    const struct conf *conf);

/* Runs until SIGTERM, SIGINT or a plugin's quit().  Returns 0, a failure
 * when the loop could not go on, or the status of a plugin's quit_with(). */
int host_run(struct host *host);

/* For scripts on virtual time: see loop_settle(). */
bool host_settle(struct host *host, bool (*done)(void *), void *arg,
    int64_t budget_ms);

/* Reads the configuration anew: all of it is good and replaces the old, or
 * the old stays.  Returns 0, a failure, each reason logged, or BH_PENDING:
 * instances are opening, and it is done when they have. */
int host_reload(struct host *host);

/* Asks for an orderly end from inside a callback. */
void host_quit(struct host *host);

/* Closes every instance in reverse order and takes the rooms down; NULL and
 * half-built hosts are fine.  Sets *host to NULL.  A frozen clock stays as it
 * is, so that a script can go on after a restart. */
void host_stop(struct host **host);

#endif
