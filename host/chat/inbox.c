/* inbox.c - what was acknowledged is kept until it was carried out.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A network with BH_CAP_KEEP never sends an event again once it was told that
 * it is safe.  So the transaction that makes the event durable also writes
 * it down here, and what is found at start goes along the one path again.
 * The row goes with the plugin's own transaction (bh_tx_settles), or, when
 * the call is over, with the next commit that there is anyway.
 */

#include "host/chat/inner.h"

#include "host/base/duration.h"
#include "host/base/failpoint.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define EVENT_MAX	(2u * 1024u * 1024u)
#define STRING_MAX	(60u * 1024u)	/* json.h reads 64 KiB back */
#define FLUSH_AFTER	1000		/* ms, when nothing else is committed */
#define ATTEMPTS_MAX	3

/* ------------------------------------------------------------------ */
/* Events as text                                                      */

static void
put(struct bh_buf *b, const char *key, const char *text)
{
	BH_AUTO_BUF struct bh_buf clean = BH_BUF(STRING_MAX);

	if (text == NULL)
		return;
	if (strlen(text) > STRING_MAX || !text_utf8_ok(text, strlen(text))) {
		text_clean(&clean, text, STRING_MAX / 4 - 1);
		text = bh_buf_text(&clean);
	}
	if (key != NULL) {
		bh_buf_puts(b, ",");
		bh_buf_quote(b, key);
		bh_buf_puts(b, ":");
	}
	bh_buf_quote(b, text);
}

/* The reply is left out: after a restart nobody holds it. */
static void
write_event(struct bh_buf *b, const struct bh_event *e)
{
	bh_buf_add(b, "{\"kind\":%d,\"flags\":%u", e->kind, e->user_flags);
	put(b, "id", e->id);
	put(b, "user", e->user);
	put(b, "name", e->name);
	put(b, "email", e->email);
	put(b, "room", e->room);
	put(b, "room-name", e->room_name);
	put(b, "thread", e->thread);
	put(b, "text", e->text);
	put(b, "token", e->token);
	bh_buf_puts(b, ",\"fields\":[");
	for (size_t i = 0; i < e->fields_count && i < CARD_INPUTS; i++) {
		const char *value = e->fields[i].value;

		bh_buf_puts(b, i > 0 ? ",[" : "[");
		put(b, NULL, e->fields[i].name);
		bh_buf_puts(b, ",");
		put(b, NULL, value != NULL ? value : "");
		bh_buf_puts(b, "]");
	}
	bh_buf_puts(b, "]}");
}

/* Fills *e with pointers into `v`; the fields go to `pairs`. */
static bool
read_event(const struct bh_value *v, struct bh_event *e,
    struct bh_pair pairs[CARD_INPUTS])
{
	*e = (struct bh_event){
		.kind = (int)bh_get_number(v, "kind", -1),
		.user_flags = (unsigned)bh_get_number(v, "flags", 0),
		.id = bh_get_text(v, "id"), .user = bh_get_text(v, "user"),
		.name = bh_get_text(v, "name"),
		.email = bh_get_text(v, "email"),
		.room = bh_get_text(v, "room"),
		.room_name = bh_get_text(v, "room-name"),
		.thread = bh_get_text(v, "thread"),
		.text = bh_get_text(v, "text"),
		.token = bh_get_text(v, "token"), .fields = pairs,
	};
	for (BH_EACH(f, bh_get(v, "fields"))) {
		const char *name = bh_text(f->first);
		const char *value = f->first != NULL ?
		    bh_text(f->first->next) : NULL;

		if (name == NULL || value == NULL ||
		    e->fields_count == CARD_INPUTS)
			return false;
		pairs[e->fields_count++] = (struct bh_pair){ name, value };
	}
	return e->user != NULL && e->kind >= BH_EV_MESSAGE &&
	    e->kind <= BH_EV_FORM;
}

/* ------------------------------------------------------------------ */
/* Into the store                                                      */

/* Grows for ever, over restarts too, so that what an event has left behind
 * (a form that it used up) is never another's. */
static int64_t
next_id(struct chat *chat)
{
	int64_t id = world_now() << 20;
	uint32_t dice;

	if (chat->inbox.last == 0) {	/* the clock may have been set back */
		world_random(&dice, sizeof(dice));
		id |= dice & 0xfffff;
	}
	if (id <= chat->inbox.last)
		id = chat->inbox.last + 1;
	chat->inbox.last = id;
	return id;
}

/* Its answers are called the same when it is run again after a restart, so
 * that a network which has them already does not show them twice. */
static void
name_answers(struct call *c)
{
	snprintf(c->key, sizeof(c->key), "kept-%016llx",
	    (unsigned long long)c->kept);
}

int
inbox_take(struct call *c, const struct bh_event *event)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(EVENT_MAX);

	if ((c->from->transport->caps & BH_CAP_KEEP) == 0)
		return BH_OK;
	write_event(&text, event);
	if (text.overflow)
		return BH_EFULL;
	c->kept = next_id(c->chat);
	c->kept_text = text_take(&text);
	name_answers(c);
	return BH_OK;
}

void
inbox_write(struct call *c, struct bh_tx *tx)
{
	struct chat *chat = c->chat;

	if (!c->durable && c->event != NULL)
		store_tx_seen(tx, c->user.realm, c->event, world_now());
	if (!c->durable && c->kept != 0)
		store_tx_keep(tx, c->kept, c->from->name, c->kept_text,
		    c->when);
	if (c->tidied != NULL || chat->inbox.done_count == 0)
		return;
	/* Others that are over by now go along. */
	c->tidied = chat->inbox.done;
	c->tidied_count = chat->inbox.done_count;
	chat->inbox.done = NULL;
	chat->inbox.done_count = chat->inbox.done_size = 0;
	store_tx_forget(tx, c->tidied, c->tidied_count);
}

static void flush_later(struct chat *chat);

static void
add_done(struct chat *chat, int64_t id)
{
	if (chat->inbox.done_count == chat->inbox.done_size) {
		chat->inbox.done_size += 64;
		chat->inbox.done = xrealloc(chat->inbox.done,
		    chat->inbox.done_size, sizeof(*chat->inbox.done));
	}
	chat->inbox.done[chat->inbox.done_count++] = id;
	flush_later(chat);
}

void
inbox_written(struct call *c, int result)
{
	if (result == BH_OK) {
		c->durable = true;
		free(c->kept_text);
		c->kept_text = NULL;
	}
	for (size_t i = 0; result != BH_OK && i < c->tidied_count; i++)
		add_done(c->chat, c->tidied[i]);
	free(c->tidied);
	c->tidied = NULL;
	c->tidied_count = 0;
}

/* Rows on their way out; as long as the store fails they come back. */
struct going {
	unsigned magic;
#define GOING_MAGIC 0x476f696eu
	struct chat *chat;
	int64_t *ids;
	size_t count;
};

/* An orderly end is nobody's fault: it does not count as an attempt. */
static void
leave(struct call *c)
{
	struct chat *chat = c->chat;

	chat->inbox.leaving = xrealloc(chat->inbox.leaving,
	    chat->inbox.leaving_count + 1, sizeof(*chat->inbox.leaving));
	chat->inbox.leaving[chat->inbox.leaving_count++] = c->kept;
	c->kept = 0;
}

static void
gone(void *arg, int result)
{
	struct going *g = CAST(struct going, arg, GOING_MAGIC);

	for (size_t i = 0; result != BH_OK && i < g->count; i++)
		add_done(g->chat, g->ids[i]);
	free(g->ids);
	KILL_MAGIC(g);
	free(g);
}

void
inbox_flush(struct chat *chat)
{
	struct going *g;
	struct bh_tx *tx;

	loop_cancel(chat->inbox.timer);
	chat->inbox.timer = NULL;
	if (chat->inbox.done_count == 0 && chat->inbox.leaving_count == 0)
		return;
	g = xcalloc(1, sizeof(*g));
	*g = (struct going){ GOING_MAGIC, chat, chat->inbox.done,
	    chat->inbox.done_count };
	chat->inbox.done = NULL;
	chat->inbox.done_count = chat->inbox.done_size = 0;
	tx = store_tx(chat->parts.store, CHAT_OWNER);
	store_tx_forget(tx, g->ids, g->count);
	for (size_t i = 0; i < chat->inbox.leaving_count; i++)
		store_tx_keep_unbegun(tx, chat->inbox.leaving[i]);
	free(chat->inbox.leaving);
	chat->inbox.leaving = NULL;
	chat->inbox.leaving_count = 0;
	/* Left behind, it would be run again one day. */
	store_tx_urgent(tx);
	failpoint_hit("inbox.before-forget");
	store_commit(tx, gone, g);
}

static void
flush(void *arg)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	chat->inbox.timer = NULL;
	inbox_flush(chat);
}

static void
flush_later(struct chat *chat)
{
	if (chat->inbox.timer == NULL)
		chat->inbox.timer = loop_after(chat->parts.loop, FLUSH_AFTER,
		    flush, chat);
}

void
inbox_done(struct call *c)
{
	if (c->kept == 0 || !c->durable)
		return;
	if (c->stays) {
		leave(c);
		return;
	}
	add_done(c->chat, c->kept);
	c->kept = 0;
}

void
chat_call_settles(struct bh_call *pub, struct bh_tx *tx)
{
	struct call *c = call_of(pub);

	if (c->kept != 0 && c->durable)
		store_tx_settle(tx, c->kept);
}

void
inbox_free(struct chat *chat)
{
	struct left *next;

	loop_cancel(chat->inbox.timer);
	free(chat->inbox.done);
	free(chat->inbox.leaving);
	for (struct left *l = chat->inbox.left; l != NULL; l = next) {
		next = l->next;
		free(l->instance);
		free(l->event);
		free(l);
	}
	chat->inbox.left = NULL;
}

/* ------------------------------------------------------------------ */
/* What was left                                                       */

void
inbox_load(struct chat *chat, const struct store_kept *kept, size_t count)
{
	struct left **last = &chat->inbox.left;

	for (size_t i = 0; i < count; i++) {
		struct left *l = xcalloc(1, sizeof(*l));

		l->id = kept[i].id;
		l->at = kept[i].at;
		l->attempts = kept[i].attempts;
		l->instance = xstrdup(kept[i].instance);
		l->event = xstrdup(kept[i].event);
		*last = l;
		last = &l->next;
		if (l->id > chat->inbox.last)
			chat->inbox.last = l->id;
	}
}

static const char *
what_it_was(const struct call *c)
{
	return c->via == VIA_BUTTON ? "The button that you pressed" :
	    c->via == VIA_FORM ? "The form that you sent" :
	    "What you asked for";
}

/* Nothing of it is done any more, and the one who asked is told. */
static void
drop(struct call *c, int attempts)
{
	BH_AUTO_BUF struct bh_buf when = BH_BUF(64);

	duration_format(&when, (world_now() - c->when) / 60000 * 60000);
	if (attempts >= ATTEMPTS_MAX) {
		log_error("an event of %s/@%s, %s old, was given up: the host "
		    "died %d times while it was carried out", c->user.realm,
		    c->user_id, bh_buf_text(&when), attempts);
		path_verdict(c, true, "%s %s ago could not be carried out: I "
		    "was interrupted %d times while doing it, so I gave it up. "
		    "Look what was done of it before you ask again; an admin "
		    "finds the reason in the log.", what_it_was(c),
		    bh_buf_text(&when), attempts);
		return;
	}
	log_warn("an event of %s/@%s is %s old: it is not carried out any "
	    "more", c->user.realm, c->user_id, bh_buf_text(&when));
	path_verdict(c, true, "%s %s ago was not carried out, because I was "
	    "not running for so long. Ask again if it is still wanted.",
	    what_it_was(c), bh_buf_text(&when));
}

/* The call of a row; NULL when there is none to be made of it. */
static struct call *
call_of_left(struct chat *chat, struct left *l)
{
	struct chat_instance *in = chat_transport(chat, l->instance);
	struct bh_pair pairs[CARD_INPUTS];
	const char *error = "it is no event";
	struct bh_value *v;
	struct bh_event event;
	struct call *c = NULL;

	if (in == NULL) {
		if (world_now() - l->at < INBOX_LIFE)
			return NULL;	/* its block may come back */
		log_warn("an event of %s is dropped: that block is gone for "
		    "over a day", l->instance);
		add_done(chat, l->id);
		return NULL;
	}
	v = json_parse(l->event, strlen(l->event), &error);
	if (v != NULL && read_event(v, &event, pairs))
		c = deliver_call(chat, in, &event);
	if (c == NULL) {
		log_error("a kept event of %s cannot be read (%s): it is "
		    "dropped", l->instance, error);
		add_done(chat, l->id);
	} else {
		c->kept = l->id;
		c->durable = true;
		c->when = l->at;
		c->again = l->attempts + 1;
		name_answers(c);
	}
	value_free(v);
	return c;
}

/* Calls that wait until it is written down that they begin once more. */
struct batch {
	unsigned magic;
#define BATCH_MAGIC 0x62617463u
	struct call **calls;
	size_t count;
};

static void
noted(void *arg, int result)
{
	struct batch *b = CAST(struct batch, arg, BATCH_MAGIC);

	/* On a full disk they are carried out all the same: some take access
	 * away, and whatever else they want to write is refused anyway. */
	if (result != BH_OK)
		log_error("it cannot be written down that %zu kept events "
		    "begin again (result %d)", b->count, result);
	for (size_t i = 0; i < b->count; i++) {
		struct call *c = b->calls[i];

		c->holds--;
		if (c->stage == STAGE_OVER) {
			if (c->holds == 0)
				call_free(c);
		} else if (c->from == NULL) {
			call_leave(c);
		} else {
			deliver_begin(c);
		}
	}
	free(b->calls);
	KILL_MAGIC(b);
	free(b);
}

void
chat_redeliver(struct chat *chat)
{
	struct left *next, *list = chat->inbox.left;
	struct bh_tx *tx = store_tx(chat->parts.store, CHAT_OWNER);
	struct batch *b = xcalloc(1, sizeof(*b));

	CHECK_MAGIC(chat, CHAT_MAGIC);
	chat->inbox.left = NULL;
	b->magic = BATCH_MAGIC;
	/* All stand in line before anything new can arrive. */
	for (struct left *l = list; l != NULL; l = next) {
		struct call *c = call_of_left(chat, l);

		next = l->next;
		if (c != NULL && (l->attempts >= ATTEMPTS_MAX ||
		    world_now() - l->at >= INBOX_LIFE)) {
			drop(c, l->attempts);
		} else if (c != NULL) {
			b->calls = xrealloc(b->calls, b->count + 1,
			    sizeof(*b->calls));
			b->calls[b->count++] = c;
			c->holds++;
			store_tx_keep_again(tx, l->id);
		}
		free(l->instance);
		free(l->event);
		free(l);
	}
	if (b->count == 0) {
		store_tx_drop(tx);
		free(b->calls);
		free(b);
		return;
	}
	log_note("%zu events were interrupted by the end of the last run: "
	    "they are carried out now", b->count);
	store_tx_urgent(tx);
	store_commit(tx, noted, b);
}
