/* api.c - forwards each call of a plugin to the room that does it.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/duration.h"
#include "host/base/failpoint.h"
#include "host/base/json.h"
#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "host/base/world.h"
#include "host/chat/card.h"
#include "host/chat/chat.h"
#include "host/conf/conf.h"
#include "host/io/http-server.h"
#include "host/io/loop.h"
#include "host/plugin/api.h"
#include "host/plugin/held.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"
#include "host/store/store.h"

/* ------------------------------------------------------------------ */
/* Time, randomness, log                                               */

static int64_t
api_now(struct bh_host *host)
{
	instance_of(host);
	return world_now();
}

static int64_t
api_mono(struct bh_host *host)
{
	instance_of(host);
	return world_mono();
}

static void
api_random(struct bh_host *host, void *out, size_t len)
{
	instance_of(host);
	world_random(out, len);
}

static void BH_PRINTF(3, 4)
api_log(struct bh_host *host, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vat(level, instance_of(host)->owner, fmt, ap);
	va_end(ap);
}

/* ------------------------------------------------------------------ */
/* Settings                                                            */

static const char *
config(struct instance *in, const char *team, const char *key)
{
	return conf_text(in->plugins->conf, in->plugin->p.name, in->block,
	    team, key);
}

static const struct bh_value *
setting(struct instance *in, const char *team, const char *key)
{
	return conf_tree(in->plugins->conf, in->plugin->p.name, in->block,
	    team, key);
}

static struct instance *
instance_of_call(struct bh_call *call)
{
	return instance_of(chat_call_host(call));
}

static const char *
api_call_config(struct bh_call *call, const char *key)
{
	return config(instance_of_call(call), chat_call_team(call), key);
}

static const char *
api_host_config(struct bh_host *host, const char *key)
{
	return config(instance_of(host), "", key);
}

static const struct bh_value *
api_call_setting(struct bh_call *call, const char *key)
{
	return setting(instance_of_call(call), chat_call_team(call), key);
}

static const struct bh_value *
api_team_setting(struct bh_host *host, const char *team, const char *key)
{
	return setting(instance_of(host), team, key);
}

static const struct bh_value *
api_delegated(struct bh_host *host, const char *team)
{
	return conf_delegated(instance_of(host)->plugins->conf, team);
}

static const char *
api_team_at(struct bh_host *host, size_t n)
{
	return conf_team_at(instance_of(host)->plugins->conf, n);
}

static const char *
api_settings_hash(struct bh_host *host, const char *team)
{
	struct instance *in = instance_of(host);

	return conf_settings_hash(in->plugins->conf, in->plugin->p.name,
	    in->block, team);
}

static const char *
api_instance(struct bh_host *host)
{
	return instance_of(host)->name;
}

/* ------------------------------------------------------------------ */
/* A call                                                              */

static int BH_PRINTF(2, 3)
api_reply(struct bh_call *call, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = chat_call_reply(call, fmt, ap);
	va_end(ap);
	return ret;
}

static int BH_PRINTF(3, 4)
api_fail(struct bh_call *call, const char *arg, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = chat_call_fail(call, arg, fmt, ap);
	va_end(ap);
	return ret;
}

static bool
api_person(struct bh_host *host, const char *id, struct bh_user *out)
{
	return chat_person(instance_of(host)->plugins->chat, host, id, out);
}

static bool
api_person_by_email(struct bh_host *host, const char *email,
    struct bh_user *out)
{
	return chat_person_by_email(instance_of(host)->plugins->chat, host,
	    email, out);
}

/* ------------------------------------------------------------------ */
/* Store                                                               */

static struct bh_tx *
api_tx(struct bh_host *host)
{
	struct instance *in = instance_of(host);
	struct bh_tx *tx = store_tx(in->plugins->store, in->owner);

	tx->api = &in->api;
	return tx;
}

/* The card as JSON, or NULL after a line in the log: then the text, which is
 * always there, has to do. */
static const char *
card_text_json(struct bh_tx *tx, const char *key, const struct bh_card *card,
    struct bh_buf *out)
{
	const char *error;

	if (card == NULL)
		return NULL;
	if (card_json(out, card, &error) == 0)
		return bh_buf_text(out);
	log_at(BH_LOG_ERROR, instance_of_api(tx->api)->owner,
	    "card %s is shown as text: %s", key, error);
	return NULL;
}

/* What can be pressed is waited for. */
static int
rank_of(const struct bh_card *card, const char *json)
{
	if (json == NULL)
		return STORE_TEXT;
	return card->buttons_count > 0 ? STORE_BUTTONS : STORE_CARD;
}

static void
api_tx_post(struct bh_tx *tx, const char *place, const char *key,
    const struct bh_card *card, const char *text)
{
	struct instance *in = instance_of_api(tx->api);
	BH_AUTO_BUF struct bh_buf json = BH_BUF(CARD_JSON_MAX);
	BH_AUTO_BUF struct bh_buf where = BH_BUF(1024);
	const char *card_json = card_text_json(tx, key, card, &json);

	chat_place(in->plugins->chat, place, &where);
	store_tx_post(tx, bh_buf_text(&where), key, rank_of(card, card_json),
	    card_json, text);
}

static void
api_tx_repost(struct bh_tx *tx, const char *key, const struct bh_card *card,
    const char *text)
{
	BH_AUTO_BUF struct bh_buf json = BH_BUF(CARD_JSON_MAX);
	const char *card_json = card_text_json(tx, key, card, &json);

	store_tx_repost(tx, key, rank_of(card, card_json), card_json, text);
}

static void
api_tx_settles(struct bh_tx *tx, struct bh_call *call)
{
	chat_call_settles(call, tx);
}

static int
api_commit(struct bh_tx *tx, bh_commit_cb *done, void *arg)
{
	return held_commit(instance_of_api(tx->api), tx, done, arg);
}

static int
api_query(struct bh_host *host, const char *sql,
    const struct bh_param *params, bh_rows_cb *done, void *arg)
{
	return held_query(instance_of(host), sql, params, done, arg);
}

static int
api_store_health(struct bh_host *host)
{
	return store_health(instance_of(host)->plugins->store);
}

static void
api_json_free(struct bh_value *v)
{
	value_free(v);
}

/* ------------------------------------------------------------------ */
/* Loop and HTTP                                                       */

static struct bh_timer *
api_after(struct bh_host *host, int64_t ms, bh_timer_cb *cb, void *arg)
{
	return held_after(instance_of(host), ms, cb, arg);
}

static struct bh_watch *
api_watch(struct bh_host *host, int fd, unsigned events, bh_watch_cb *cb,
    void *arg)
{
	return held_watch(instance_of(host), fd, events, cb, arg);
}

static int
api_exec(struct bh_host *host, const char *const *argv, int64_t timeout,
    bh_exec_cb *cb, void *arg)
{
	return held_exec(instance_of(host), argv, timeout, cb, arg);
}

static struct bh_xfer *
api_http(struct bh_host *host, const struct bh_http *req, bh_http_cb *cb,
    void *arg)
{
	return held_http(instance_of(host), req, false, cb, arg);
}

static struct bh_xfer *
api_http_public(struct bh_host *host, const struct bh_http *req,
    bh_http_cb *cb, void *arg)
{
	return held_http(instance_of(host), req, true, cb, arg);
}

static struct bh_socket *
api_socket(struct bh_host *host, const struct bh_socket_to *to,
    const struct bh_socket_calls *calls, void *arg)
{
	return held_socket(instance_of(host), to, calls, arg);
}

static struct bh_turn *
api_turn(struct bh_host *host, const char *lane, const char *limits, int rank,
    bh_timer_cb *cb, void *arg)
{
	struct instance *in = instance_of(host);
	const char *error;
	struct bh_turn *turn = held_turn(in, lane, limits, rank, cb, arg,
	    &error);

	if (turn == NULL && error != NULL)
		log_at(BH_LOG_ERROR, in->owner, "asked for a turn in lane %s "
		    "within \"%s\": %s", lane, limits, error);
	return turn;
}

static struct bh_server *
api_listen(struct bh_host *host, const char *address, int *port,
    const char **error)
{
	return held_listen(instance_of(host), address, port, error);
}

static int
api_route(struct bh_host *host, struct bh_server *server, const char *method,
    const char *path, bh_route_cb *cb, void *arg)
{
	struct instance *in = instance_of(host);
	const char *error;

	if (server == NULL)
		server = in->plugins->server(in->plugins->arg, &error);
	if (server == NULL) {
		log_at(BH_LOG_ERROR, in->owner, "cannot serve %s: %s", path,
		    error);
		return BH_EIO;
	}
	return held_route(in, server, method, path, cb, arg);
}

/* ------------------------------------------------------------------ */
/* The instance                                                        */

static int
api_deliver(struct bh_host *host, const struct bh_event *event,
    bh_commit_cb *received, void *arg)
{
	return held_deliver(instance_of(host), event, received, arg);
}

static void BH_PRINTF(3, 4)
api_health(struct bh_host *host, int health, const char *fmt, ...)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(512);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vadd(&text, fmt, ap);
	va_end(ap);
	instance_health(instance_of(host), health, bh_buf_text(&text));
}

static void
api_opened(struct bh_host *host, int result)
{
	instance_opened(instance_of(host), result);
}

static void
api_publish(struct bh_host *host, const char *name, const char *value)
{
	plugins_publish(instance_of(host)->plugins, name, value);
}

static const char *
api_lookup(struct bh_host *host, const char *name)
{
	return plugins_lookup(instance_of(host)->plugins, name);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static int
api_clock_advance(struct bh_host *host, int64_t ms)
{
	struct instance *in = instance_of(host);

	if (!in->plugins->clock_free)
		return BH_EPERM;
	world_advance(ms);
	/* Wakes the loop, so that it looks at its timers anew. */
	loop_post(in->plugins->loop, nothing, NULL);
	return BH_OK;
}

static void
api_failpoint(struct bh_host *host, const char *name)
{
	instance_of(host);
	failpoint_hit(name);
}

static void
api_quit(struct bh_host *host)
{
	struct plugins *plugins = instance_of(host)->plugins;

	plugins->quit(plugins->arg);
}

static size_t
api_unfinished(struct bh_host *host)
{
	const struct instance *in = instance_of(host);

	return in->chat != NULL ? chat_unfinished(in->chat) : 0;
}

static const char *
api_public_url(struct bh_host *host)
{
	return conf_host_text(instance_of(host)->plugins->conf, "public-url");
}

static const char *
api_room_at(struct bh_host *host, size_t n)
{
	const struct instance *in = instance_of(host);
	const struct conf *conf = in->plugins->conf;
	size_t len = strlen(in->name);
	const char *team;

	for (size_t t = 0; (team = conf_team_at(conf, t)) != NULL; t++)
		for (BH_EACH(r, conf_team_rooms(conf, team)))
			if (bh_text(r) != NULL &&
			    strncmp(r->text, in->name, len) == 0 &&
			    r->text[len] == '/' && n-- == 0)
				return r->text + len + 1;
	return NULL;
}

static void
api_quit_with(struct bh_host *host, int status)
{
	struct plugins *plugins = instance_of(host)->plugins;

	plugins->status = status;
	plugins->quit(plugins->arg);
}

/* ------------------------------------------------------------------ */
/* Offline checks                                                      */

struct check {
	struct bh_check handle;		/* what the plugin holds: first */
	unsigned magic;
#define CHECK_MAGIC_NUMBER	0x4348454bu
	const struct conf *conf;
	struct conf_errors *errors;
	const char *team;
	const struct bh_value *settings;
};

static struct check *
check_of(struct bh_check *handle)
{
	struct check *check = (struct check *)(void *)handle;

	if (check == NULL || check->magic != CHECK_MAGIC_NUMBER) {
		log_error("a plugin used a check that has ended");
		abort();
	}
	return check;
}

static const char *
api_check_team(struct bh_check *handle)
{
	return check_of(handle)->team;
}

static const struct bh_value *
api_check_settings(struct bh_check *handle)
{
	return check_of(handle)->settings;
}

static const struct bh_value *
api_check_delegate(struct bh_check *handle)
{
	struct check *check = check_of(handle);

	return check->team[0] != '\0' ?
	    conf_delegated(check->conf, check->team) : NULL;
}

static void BH_PRINTF(3, 4)
api_complain(struct bh_check *handle, const struct bh_value *at,
    const char *fmt, ...)
{
	struct check *check = check_of(handle);
	va_list ap;

	va_start(ap, fmt);
	conf_vcomplain(check->errors, at != NULL ? at : check->settings, fmt,
	    ap);
	va_end(ap);
}

void
api_check(const struct plugin *plugin, const struct conf *conf,
    struct conf_errors *errors, const char *team,
    const struct bh_value *settings)
{
	struct check check = {
		.handle.api = &api_table, .magic = CHECK_MAGIC_NUMBER,
		.conf = conf, .errors = errors, .team = team,
		.settings = settings,
	};
	struct running before;

	if (plugin->p.check == NULL)
		return;
	before = running_enter(plugin->p.name, plugin->p.version, "check");
	plugin->p.check(&check.handle);
	running_leave(before);
	check.magic = 0;
}

const struct bh_api api_table = {
	.size = sizeof(struct bh_api),
	.major = BH_ABI_MAJOR, .minor = BH_ABI_MINOR,
	.now = api_now, .mono = api_mono, .random = api_random,
	.log = api_log,
	.call_config = api_call_config, .host_config = api_host_config,
	.call_setting = api_call_setting, .team_setting = api_team_setting,
	.delegated = api_delegated, .team_at = api_team_at,
	.settings_hash = api_settings_hash, .instance = api_instance,
	.arg = chat_call_arg, .user = chat_call_user, .team = chat_call_team,
	.place = chat_call_place, .reply = api_reply,
	.reply_card = chat_call_reply_card, .fail = api_fail,
	.ask = chat_call_ask, .offer = chat_call_offer, .end = chat_call_end,
	.host_of = chat_call_host,
	.person = api_person, .person_by_email = api_person_by_email,
	.tx = api_tx, .tx_sql = store_tx_sql, .tx_audit = store_tx_audit,
	.tx_job = store_tx_job, .tx_job_done = store_tx_job_done,
	.tx_post = api_tx_post, .tx_repost = api_tx_repost,
	.commit = api_commit, .tx_drop = store_tx_drop, .query = api_query,
	.store_health = api_store_health,
	.json = json_parse, .json_free = api_json_free,
	.after = api_after, .cancel = held_cancel, .watch = api_watch,
	.unwatch = held_unwatch, .exec = api_exec,
	.http = api_http, .http_public = api_http_public,
	.http_cancel = held_http_cancel,
	.listen = api_listen, .route = api_route, .respond = http_respond,
	.deliver = api_deliver, .health = api_health, .opened = api_opened,
	.publish = api_publish, .lookup = api_lookup,
	.check_team = api_check_team, .check_settings = api_check_settings,
	.check_delegate = api_check_delegate, .complain = api_complain,
	.clock_advance = api_clock_advance, .failpoint = api_failpoint,
	.quit = api_quit, .tx_urgent = store_tx_urgent,
	.duration = duration_parse, .duration_text = duration_format,
	.glob = text_glob, .nearest = text_nearest,
	.unfinished = api_unfinished, .quit_with = api_quit_with,
	.tx_settles = api_tx_settles,
	.socket = api_socket, .socket_send = held_socket_send,
	.socket_close = held_socket_close, .socket_drop = held_socket_drop,
	.turn = api_turn, .turn_over = held_turn_over,
	.public_url = api_public_url, .room_at = api_room_at,
};
