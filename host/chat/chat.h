/* chat.h - people, rooms, the one command path, cards and the outbox.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The room knows no transport by name.  Whoever owns the plugins registers
 * every open instance here; from then on its commands can be found, its
 * directory is asked about groups, and, if it is a transport, its events are
 * taken and posts go out through it.
 *
 *   chat_new -> chat_load -> chat_register ... -> chat_start
 *            -> (connect the transports) -> chat_deliver ...
 *            -> chat_unregister ... -> chat_free
 *
 * Everything runs on the loop's thread.
 */

#ifndef HOST_CHAT_CHAT_H
#define HOST_CHAT_CHAT_H

#include <bellhop/plugin.h>

struct chat;
struct chat_instance;
struct conf;
struct loop;
struct store;

/* What the room needs from the floors below and from the owner of the
 * plugins.  The pointers must outlive the chat; strings are copied. */
struct chat_parts {
	struct loop *loop;
	struct store *store;
	const struct conf *conf;
	const struct bh_api *api;	/* put into every struct bh_call */
	const char *version;		/* shown by !about */
	/* !config check: re-reads all files, appends one line for each
	 * complaint, returns how many there were. */
	int (*config_check)(void *arg, struct bh_buf *out);
	/* How many plugins could not be loaded, for !status; may be NULL. */
	size_t (*refused)(void *arg);
	/* Called around every call into a plugin, nested as they nest; either
	 * may be NULL.  When leaving, the handle may be gone already. */
	void (*enter)(void *arg, struct bh_host *host, const char *callback);
	void (*leave)(void *arg, struct bh_host *host);
	void *arg;
};

/* Creates the room and its tables.  0, or negative with *error. */
int chat_new(const struct chat_parts *parts, struct chat **out,
    const char **error);

/* Reads people, rooms and what was received and not carried out, then calls
 * done(arg, result).  Nothing that asks who somebody is may run before: a
 * voter whom nobody knows yet is nobody's approver. */
void chat_load(struct chat *chat, bh_commit_cb *done, void *arg);

/* Lets the outbox flow.  Connect the transports after that. */
void chat_start(struct chat *chat);

/* The configuration was read anew: from now on this one holds. */
void chat_reconfigure(struct chat *chat, const struct conf *conf);

/* Ends pending calls with a sentence and frees all.  NULL is fine.  The
 * store must have no callback of ours under way: close it before. */
void chat_free(struct chat **chat);

/* One open instance.  `plugin` must be complete (fields that an older
 * plugin lacks zeroed) and, with its tables, outlive the registration. */
struct chat_member {
	const char *name;		/* of its block; the plugin's name if
					 * it has no open() */
	const char *realm;		/* of a transport; NULL: its name */
	const struct bh_plugin *plugin;
	void *state;
	struct bh_host *host;		/* for bh_host_of() */
};

/* Makes the instance's commands known.  NULL with *error when a command is
 * malformed (its argument spec) or a transport of that name is here. */
struct chat_instance *chat_register(struct chat *chat,
    const struct chat_member *member, const char **error);

/* Takes it out again and ends its pending calls.  `*instance` becomes NULL;
 * NULL is fine.  To be called before the plugin's close(). */
void chat_unregister(struct chat_instance **instance);

/* Carries out what was acknowledged by an earlier run and left undone, once
 * the transports were connected. */
void chat_redeliver(struct chat *chat);

/* How the instance is, for !status: enum bh_health and a sentence. */
void chat_health(struct chat_instance *instance, int health,
    const char *text);

/* Calls of this instance that wait for their end. */
size_t chat_pending(const struct chat_instance *instance);

/* The connection of this transport came up: what waits for it is tried now. */
void chat_wake(struct chat *chat, const char *transport);

/* Something happened on a transport.  Never refuses: what cannot be served
 * is answered there.  received(arg, result) runs once the event is durable,
 * needs nothing durable, or is known as a duplicate (BH_OK); negative: the
 * store failed, and the network should send it again.  May be NULL. */
int chat_deliver(struct chat *chat, struct chat_instance *transport,
    const struct bh_event *event, bh_commit_cb *received, void *arg);

/* Events of this transport still at work, and answers and posts on their
 * way to it.  0: all that came through it has been answered. */
size_t chat_unfinished(const struct chat_instance *transport);

/* ------------------------------------------------------------------ */
/* What struct bh_api's calls about a struct bh_call come down to       */

const char *chat_call_arg(struct bh_call *call, const char *name);
const struct bh_user *chat_call_user(struct bh_call *call);
const char *chat_call_team(struct bh_call *call);
const char *chat_call_place(struct bh_call *call);
struct bh_host *chat_call_host(struct bh_call *call);
struct chat_instance *chat_call_instance(struct bh_call *call);
int chat_call_reply(struct bh_call *call, const char *fmt, va_list ap)
    BH_PRINTF(2, 0);
int chat_call_reply_card(struct bh_call *call, const struct bh_card *card,
    const char *text);
int chat_call_fail(struct bh_call *call, const char *arg, const char *fmt,
    va_list ap) BH_PRINTF(3, 0);
int chat_call_ask(struct bh_call *call, const struct bh_form *form);
void chat_call_offer(struct bh_call *call, const char *value,
    const char *label);
void chat_call_end(struct bh_call *call, int result);
/* bh_tx_settles() */
void chat_call_settles(struct bh_call *call, struct bh_tx *tx);

/* ------------------------------------------------------------------ */
/* People, as bh_person() and bh_person_by_email()                      */

/* By person id, or by account ("acme/@U012AB").  Of several accounts the one
 * on the network of `asks`, or else the one heard of last. */
bool chat_person(struct chat *chat, const struct bh_host *asks,
    const char *id, struct bh_user *out);
bool chat_person_by_email(struct chat *chat, const struct bh_host *asks,
    const char *email, struct bh_user *out);

/* ------------------------------------------------------------------ */
/* Places                                                               */

/* Appends the one spelling of a place: rooms that were seen by name and id
 * ("acme/#payments") come out by id ("acme/#C012AB"), others unchanged.  To
 * be used for bh_tx_post(), so that one room has one message per key. */
void chat_place(struct chat *chat, const char *place, struct bh_buf *out);

/* The outbox got new rows: called after each commit that posted. */
void chat_outbox_kick(struct chat *chat);

/* Posts not yet sent, for metrics and !status. */
size_t chat_outbox_waiting(const struct chat *chat);

#endif /* HOST_CHAT_CHAT_H */
