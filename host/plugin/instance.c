/* instance.c - the life of one instance: open, connect, health, close.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/chat/chat.h"
#include "host/io/loop.h"
#include "host/plugin/held.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"

#define OPEN_DEADLINE	(30 * 1000)

struct instance *
instance_of(struct bh_host *handle)
{
	struct instance *in = (struct instance *)(void *)handle;

	if (in == NULL || in->magic != INSTANCE_MAGIC) {
		log_error("a plugin used a host handle that is not its own");
		abort();
	}
	return in;
}

struct instance *
instance_of_api(const struct bh_api *api)
{
	const char *at = (const char *)api;

	return instance_of((struct bh_host *)(uintptr_t)(at -
	    offsetof(struct instance, api)));
}

struct entered
instance_enter(const struct instance *in, const char *callback)
{
	struct entered before;

	before.running = running_enter(in->plugin->p.name,
	    in->plugin->p.version, callback);
	before.who = loop_who(in->owner);
	return before;
}

void
instance_leave(struct entered before)
{
	loop_who(before.who);
	running_leave(before.running);
}

static void instance_abandon(void *handle);

static void
deadline_passed(void *arg)
{
	struct instance *in = instance_of(arg);

	in->deadline = NULL;
	log_at(BH_LOG_ERROR, in->owner, "did not open within %d s: it stays "
	    "closed until the next start", OPEN_DEADLINE / 1000);
	instance_opened(in, BH_ETIMEOUT);
}

void
instance_open(struct instance *in)
{
	const struct bh_plugin *p = &in->plugin->p;
	struct entered before;
	int ret = BH_OK;

	in->stage = INSTANCE_OPENING;
	in->state = in->plugin->state;
	if (p->open != NULL) {
		in->inside = true;
		in->early = BH_PENDING;
		before = instance_enter(in, "open");
		ret = p->open(&in->handle, &in->state);
		instance_leave(before);
		in->inside = false;
	}
	/* A plain failure leaves nothing behind; one that comes by
	 * bh_opened() leaves a state, which close() gets. */
	in->owes_close = p->open != NULL && ret >= 0;
	if (ret == BH_PENDING && in->early != BH_PENDING)
		ret = in->early;
	if (ret == BH_PENDING)
		in->deadline = loop_after(in->plugins->loop, OPEN_DEADLINE,
		    deadline_passed, &in->handle);
	else
		instance_opened(in, ret);
}

void
instance_opened(struct instance *in, int result)
{
	const char *error;

	if (in->inside) {	/* from within open(): state is not set yet */
		in->early = result;
		return;
	}
	if (in->stage != INSTANCE_OPENING) {
		log_at(BH_LOG_WARN, in->owner, "answered its open() twice");
		return;
	}
	loop_cancel(in->deadline);
	in->deadline = NULL;
	in->stage = INSTANCE_FAILED;
	if (result == BH_OK) {
		const struct chat_member member = {
			.name = in->name, .plugin = &in->plugin->p,
			.state = in->state, .host = &in->handle,
		};

		in->chat = chat_register(in->plugins->chat, &member, &error);
		if (in->chat != NULL)
			in->stage = INSTANCE_OPEN;
		else
			log_at(BH_LOG_ERROR, in->owner, "cannot take part: %s",
			    error);
		/* What it said while it opened. */
		if (in->chat != NULL && in->health_text != NULL)
			chat_health(in->chat, in->health, in->health_text);
	} else if (result != BH_ETIMEOUT)
		log_at(BH_LOG_ERROR, in->owner, "could not open (%d): see the "
		    "lines above; the host goes on without it", result);
	if (in->stage == INSTANCE_FAILED) {
		instance_health(in, BH_DOWN, "could not open");
		/* Left as it is, it would go on by its timers with a
		 * configuration that a reload frees. */
		loop_post(in->plugins->loop, instance_abandon, &in->handle);
	}
	plugins_advance(in->plugins);
}

void
instance_connect(struct instance *in)
{
	const struct bh_transport *t = in->plugin->p.transport;
	struct entered before;
	int ret;

	if (t == NULL || in->stage != INSTANCE_OPEN)
		return;
	in->connected = true;
	if (t->connect == NULL)
		return;
	before = instance_enter(in, "connect");
	ret = t->connect(in->state);
	instance_leave(before);
	if (ret < 0) {
		in->connected = false;
		log_at(BH_LOG_ERROR, in->owner, "could not connect (%d): see "
		    "the lines above", ret);
		instance_health(in, BH_DOWN, "could not connect");
	}
}

void
instance_health(struct instance *in, int health, const char *text)
{
	if (in->health != health)
		log_at(health == BH_UP ? BH_LOG_NOTE : BH_LOG_WARN, in->owner,
		    "is %s: %s", health == BH_UP ? "up" :
		    health == BH_DEGRADED ? "degraded" : "down", text);
	in->health = health;
	free(in->health_text);
	in->health_text = xstrdup(text);
	if (in->chat != NULL)
		chat_health(in->chat, health, text);
}

/* Nothing of it is left: no callback comes any more, and no pointer into the
 * configuration is held. */
static void
instance_empty(struct instance *in)
{
	const struct bh_plugin *p = &in->plugin->p;
	struct entered before;

	if (in->owes_close && p->close != NULL) {
		before = instance_enter(in, "close");
		p->close(in->state);
		instance_leave(before);
	}
	in->owes_close = false;
	held_release(in);
	conf_wipe_secrets(in->plugins->conf, p->name, in->block);
}

/* One that could not open: its own callback has returned by now. */
static void
instance_abandon(void *arg)
{
	struct instance *in = instance_of(arg);

	if (in->stage == INSTANCE_FAILED)
		instance_empty(in);
}

void
instance_close(struct instance *in)
{
	const struct bh_plugin *p = &in->plugin->p;
	struct entered before;

	if (in->stage == INSTANCE_CLOSED)
		return;
	loop_cancel(in->deadline);
	in->deadline = NULL;
	chat_unregister(&in->chat);
	if (in->connected && p->transport->disconnect != NULL) {
		before = instance_enter(in, "disconnect");
		p->transport->disconnect(in->state);
		instance_leave(before);
	}
	in->connected = false;
	instance_empty(in);
	in->stage = INSTANCE_CLOSED;
}
