/* host.c - ties the rooms together: start, run, reload, orderly end.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   start: conf -> plugins mapped -> conf checked -> store -> chat -> instances
 *   end:   instances in reverse -> store -> chat -> listener -> loop
 */

#include "config.h"

#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif
#include <signal.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/running.h"
#include "host/base/world.h"
#include "host/chat/chat.h"
#include "host/chat/flood.h"
#include "host/conf/conf.h"
#include "host/host.h"
#include "host/io/http-client.h"
#include "host/io/http-server.h"
#include "host/io/loop.h"
#include "host/notify.h"
#include "host/plugin/api.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"
#include "host/store/store.h"
#include "host/web.h"

#ifndef BELLHOP_PLUGIN_DIRECTORY
#define BELLHOP_PLUGIN_DIRECTORY "/usr/lib/bellhop"
#endif

/* ------------------------------------------------------------------ */
/* Configuration                                                       */

const char *
host_plugin_directory(const struct host_options *options,
    const struct conf *conf)
{
	/* NULL when we run with more rights than our caller has. */
	const char *env = secure_getenv("BELLHOP_PLUGIN_DIRECTORY");
	const char *file;

	if (options->plugin_directory != NULL)
		return options->plugin_directory;
	if (env != NULL && env[0] != '\0') {
		log_info("plugins come from %s, as BELLHOP_PLUGIN_DIRECTORY "
		    "says", env);
		return env;
	}
	file = conf != NULL ? conf_host_text(conf, "plugin-directory") : NULL;
	return file != NULL ? file : BELLHOP_PLUGIN_DIRECTORY;
}

/* Here and not in conf/: what is right only the room above it knows. */
static void
check_flood(const struct conf *conf, struct conf_errors *errors)
{
	const struct bh_value *flood = conf_host_tree(conf, "flood");
	struct flood_limit limit;
	const char *why;

	if (bh_text(flood) != NULL &&
	    flood_parse(flood->text, &limit, &why) != BH_OK)
		conf_complain(errors, flood, "%s", why);
}

struct conf *
host_read_conf(struct plugins *plugins, const struct host_options *options,
    struct conf_errors *errors, struct conf_errors *refused)
{
	struct conf *conf;
	struct conf_schema schema;

	conf = options->config_text != NULL ?
	    conf_read_text(options->config, options->config_text, errors) :
	    conf_read(options->config, errors);
	if (conf == NULL)
		return NULL;
	plugins_load(plugins, host_plugin_directory(options, conf), conf,
	    refused);
	schema = plugins_schema(plugins);
	conf_check(conf, &schema, errors);
	check_flood(conf, errors);
	plugins_check(plugins, conf, errors);
	return conf;
}

/* `log:` of the file, unless the command line has said otherwise. */
static void
set_up_log(const struct host *host)
{
	const struct bh_value *log = conf_host_tree(host->conf, "log");
	const char *level = log != NULL && log->kind == BH_MAP ?
	    bh_get_text(log, "level") : bh_text(log);
	const char *format = bh_get_text(log, "format");
	enum log_format f = LOG_AUTO;
	int l = BH_LOG_INFO;

	if (!host->options.log_from_file || log == NULL)
		return;
	if (level != NULL)
		(void)log_level_parse(level, &l);
	if (format != NULL)
		(void)log_format_parse(format, &f);
	log_setup(f, l);
}

/* How we go out. */
static void
set_up_way(struct host *host)
{
	const char *proxy = conf_host_text(host->conf, "proxy");
	const struct http_way way = {
		.proxy = proxy != NULL && strcmp(proxy, "none") == 0 ? "" :
		    proxy,
		.no_proxy = conf_host_joined(host->conf, "no-proxy"),
		.credentials = conf_host_joined(host->conf,
		    "proxy-credentials"),
		.ca_file = conf_host_text(host->conf, "ca-file"),
	};

	/* Of a tool; elsewhere this is an error before it comes here. */
	if (way.credentials == NULL &&
	    conf_host_text(host->conf, "proxy-credentials") != NULL)
		log_warn("proxy-credentials cannot be read: the proxy is asked "
		    "without them");
	http_client_way(host->http, &way);
}

static size_t
log_all(struct conf_errors *errors)
{
	const char *line;

	for (size_t n = 0; (line = conf_errors_at(errors, n)) != NULL; n++)
		log_error("%s", line);
	return conf_errors_count(errors);
}

/* The same for a start and for a reload: all of it good, or NULL. */
static struct conf *
read_good(struct host *host)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf_errors *refused = conf_errors_new();
	struct conf *conf;

	conf = host_read_conf(host->plugins, &host->options, errors, refused);
	if (conf != NULL && conf_errors_count(errors) == 0 &&
	    host->options.tool == NULL)
		conf_check_secrets(conf, errors);
	host->refused = log_all(refused);
	if (log_all(errors) > 0)
		conf_free(&conf);
	conf_errors_free(&errors);
	conf_errors_free(&refused);
	return conf;
}

/* !status */
static size_t
refused_plugins(void *arg)
{
	return CAST(struct host, arg, HOST_MAGIC)->refused;
}

/* !config check */
static int
config_check(void *arg, struct bh_buf *out)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf;
	const char *line;
	int count;

	conf = host_read_conf(host->plugins, &host->options, errors, errors);
	if (conf != NULL)
		conf_check_secrets(conf, errors);
	conf_free(&conf);
	for (size_t n = 0; (line = conf_errors_at(errors, n)) != NULL; n++)
		bh_buf_add(out, "%s\n", line);
	count = (int)conf_errors_count(errors);
	conf_errors_free(&errors);
	return count;
}

/* Same instances as before?  New and vanished blocks wait for a restart. */
static void
compare_instances(struct host *host)
{
	size_t count = 0, known = 0, here = 0;
	const struct conf_instance *ci = conf_instances(host->conf, &count);

	for (struct instance *in = host->plugins->instances; in != NULL;
	    in = in->next)
		if (in->configured)
			here++;
	for (size_t i = 0; i < count; i++) {
		const char *name = ci[i].name[0] != '\0' ? ci[i].name :
		    ci[i].plugin;

		for (struct instance *in = host->plugins->instances;
		    in != NULL; in = in->next)
			if (strcmp(in->name, name) == 0 &&
			    strcmp(in->plugin->p.name, ci[i].plugin) == 0 &&
			    in->configured) {
				known++;
				break;
			}
	}
	if (known != count || known != here)
		log_warn("blocks were added or removed: that takes effect at "
		    "the next start");
}

int
host_reload(struct host *host)
{
	struct conf *conf, *old = host->conf;

	if (!host->ready) {
		/* An instance that opens holds pointers into the old one and
		 * cannot be told yet that they end. */
		host->reload_later = true;
		return BH_PENDING;
	}
	notify("RELOADING=1");
	conf = read_good(host);
	if (conf == NULL) {
		log_error("configuration not reloaded: the one before stays "
		    "in force");
		notify("READY=1");
		return BH_EINVAL;
	}
	host->conf = conf;
	host->plugins->conf = conf;
	set_up_log(host);
	set_up_way(host);
	compare_instances(host);
	chat_reconfigure(host->chat, conf);
	plugins_changed(host->plugins);
	conf_free(&old);
	log_note("configuration reloaded");
	notify("READY=1");
	return BH_OK;
}

/* ------------------------------------------------------------------ */
/* Start                                                               */

static void
reload_now(void *arg)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);

	if (!host->stopping)
		(void)host_reload(host);
}

static void
plugins_are_ready(void *arg)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);
	BH_AUTO_BUF struct bh_buf state = BH_BUF(256);
	size_t open = 0, all = 0;

	for (struct instance *in = host->plugins->instances; in != NULL;
	    in = in->next) {
		all++;
		open += in->stage == INSTANCE_OPEN;
	}
	host->ready = true;
	bh_buf_add(&state, "READY=1\nSTATUS=%zu of %zu plugin instances open",
	    open, all);
	if (host->refused > 0)
		bh_buf_add(&state, ", %zu plugin%s refused",
		    host->refused, host->refused == 1 ? "" : "s");
	if (!host->options.quiet)
		log_note("ready: %s", strchr(bh_buf_text(&state), '\n') +
		    sizeof("STATUS="));
	notify(bh_buf_text(&state));
#ifdef HAVE_MALLOC_TRIM
	malloc_trim(0);		/* starting took more than staying does */
#endif
	if (host->options.on_ready != NULL)
		host->options.on_ready(host->options.arg, host);
	if (host->reload_later)
		loop_post(host->loop, reload_now, host);
}

static void
plugins_are_open(void *arg)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);

	if (host->options.on_open != NULL)
		host->options.on_open(host->options.arg, host);
}

static void
quit_asked(void *arg)
{
	host_quit(CAST(struct host, arg, HOST_MAGIC));
}

static void
signalled(void *arg, int signum)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);

	if (signum == SIGHUP && !host->options.hangup_ends) {
		(void)host_reload(host);
		return;
	}
	log_note("%s: ending in order", signum == SIGTERM ? "SIGTERM" :
	    signum == SIGHUP ? "SIGHUP" : "SIGINT");
	host_quit(host);
}

/* Keeps the sentence; *error of a room is valid only until its next call. */
static int
give_up(struct host *host, const char *what, const char *why)
{
	free(host->error);
	host->error = xasprintf("%s%s%s", what, why != NULL ? ": " : "",
	    why != NULL ? why : "");
	return BH_EINVAL;
}

static void
chat_enters(void *arg, struct bh_host *handle, const char *callback)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);

	if (host->entered_depth == host->entered_size) {
		host->entered_size += 16;
		host->entered = xrealloc(host->entered, host->entered_size,
		    sizeof(*host->entered));
	}
	host->entered[host->entered_depth++] =
	    instance_enter(instance_of(handle), callback);
}

static void
chat_leaves(void *arg, struct bh_host *handle)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);

	(void)handle;
	if (host->entered_depth > 0)
		instance_leave(host->entered[--host->entered_depth]);
}

static int
link_internal(struct host *host)
{
	const struct host_internal *i = host->options.internal;
	BH_AUTO_BUF struct bh_buf why = BH_BUF(1024);

	/* One plugin may stand there several times, for several instances. */
	for (; i != NULL && i->plugin != NULL; i++)
		if (plugins_find(host->plugins, i->plugin->name) == NULL &&
		    plugins_link(host->plugins, i->plugin, i->state, &why) != 0)
			return give_up(host, bh_buf_text(&why), NULL);
	return 0;
}

static int
open_rooms(struct host *host)
{
	const char *url, *why = NULL;
	struct chat_parts parts = {
		.loop = host->loop, .conf = host->conf,
		.api = &api_table, .version = PACKAGE_VERSION,
		.config_check = config_check, .refused = refused_plugins,
		.enter = chat_enters,
		.leave = chat_leaves, .arg = host,
	};

	url = host->options.store != NULL ? host->options.store :
	    conf_host_text(host->conf, "store");
	if (url == NULL)
		return give_up(host, "store: is not set: say where state is "
		    "kept, such as sqlite:/var/lib/bellhop/bellhop.db", NULL);
	if (store_open(host->loop, url, &host->store, &why) != 0)
		return give_up(host, url, why);
	parts.store = host->store;
	host->http = http_client_new(host->loop);
	set_up_way(host);
	if (chat_new(&parts, &host->chat, &why) != 0)
		return give_up(host, "chat", why);
	if (host->options.tool == NULL &&
	    conf_host_text(host->conf, "listen") != NULL && web_server(host, &why) == NULL)
		return give_up(host, "cannot listen", why);
	return 0;
}

static int
open_plugins(struct host *host)
{
	struct plugins *ps = host->plugins;
	const struct host_internal *i = host->options.internal;
	const char *why = NULL;

	ps->loop = host->loop;
	ps->http = host->http;
	ps->store = host->store;
	ps->conf = host->conf;
	ps->chat = host->chat;
	ps->clock_free = host->options.clock_free;
	if (host->options.tool != NULL) {
		ps->tool = true;
		ps->offline = host->options.tool->offline;
		if (plugins_make_one(ps, host->options.tool->plugin,
		    host->options.tool->block) == NULL)
			return give_up(host, "the plugin is not there", NULL);
	} else {
		plugins_make(ps);
	}
	for (; i != NULL && i->plugin != NULL; i++)
		if (i->instance != NULL)
			plugins_make_one(ps, i->plugin->name, i->instance);
	if (plugins_open(ps, &why) != 0)
		return give_up(host, "store", why);
	return 0;
}

static int
start(struct host *host)
{
	int ret;

	http_request_api(&api_table);
	host->loop = loop_new();
	host->plugins = plugins_new();
	host->plugins->arg = host;
	host->plugins->server = web_server;
	host->plugins->quit = quit_asked;
	host->plugins->opened = plugins_are_open;
	host->plugins->ready = plugins_are_ready;
	if ((ret = link_internal(host)) != 0)
		return ret;
	host->conf = read_good(host);
	if (host->conf == NULL)
		return give_up(host, "the configuration has errors: correct "
		    "them, \"bellhop check-config\" shows them again", NULL);
	set_up_log(host);
	if (host->options.signals) {
		running_catch_crashes();
		loop_signal(host->loop, SIGTERM, signalled, host);
		loop_signal(host->loop, SIGINT, signalled, host);
		loop_signal(host->loop, SIGHUP, signalled, host);
	}
	if ((ret = open_rooms(host)) != 0)
		return ret;
	return open_plugins(host);
}

struct host *
host_start(const struct host_options *options, const char **error)
{
	static char *last;
	struct host *host = xcalloc(1, sizeof(*host));

	host->magic = HOST_MAGIC;
	host->options = *options;
	if (options->frozen)
		world_freeze(options->start != 0 ? options->start :
		    world_now());
	if (start(host) == 0)
		return host;
	free(last);
	last = host->error;
	host->error = NULL;
	*error = last;
	host_stop(&host);
	return NULL;
}

/* ------------------------------------------------------------------ */
/* Run and end                                                         */

int
host_run(struct host *host)
{
	int ret = 0;

	CHECK_MAGIC(host, HOST_MAGIC);
	if (!host->stopping)
		ret = loop_run(host->loop);
	return ret != 0 ? ret : host->plugins->status;
}

bool
host_settle(struct host *host, bool (*done)(void *), void *arg,
    int64_t budget_ms)
{
	CHECK_MAGIC(host, HOST_MAGIC);
	return loop_settle(host->loop, done, arg, budget_ms);
}

void
host_quit(struct host *host)
{
	CHECK_MAGIC(host, HOST_MAGIC);
	if (!host->stopping)
		notify("STOPPING=1\nSTATUS=closing plugins");
	host->stopping = true;
	loop_stop(host->loop);
}

void
host_stop(struct host **hostp)
{
	struct host *host = *hostp;

	*hostp = NULL;
	if (host == NULL)
		return;
	CHECK_MAGIC(host, HOST_MAGIC);
	host->stopping = true;
	if (host->chat != NULL)
		plugins_close(host->plugins);
	/* Answers that are still under way run in here; then nobody asks. */
	if (host->store != NULL)
		store_close(&host->store);
	chat_free(&host->chat);
	if (host->server != NULL)
		http_close(&host->server);
	http_client_free(&host->http);
	loop_free(&host->loop);
	conf_free(&host->conf);
	plugins_free(&host->plugins);
	free(host->entered);
	free(host->error);
	KILL_MAGIC(host);
	free(host);
}
