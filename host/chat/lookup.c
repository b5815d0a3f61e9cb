/* lookup.c - what networks say of accounts and rooms, asked when needed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Events of a network that can be asked carry ids alone.  An account or room
 * that was never asked about, or not within LOOKUP_FRESH, is asked about once
 * the event is durable; whatever else comes from there meanwhile waits for
 * the same answer, in order.  Without an answer the last one counts for a
 * day; without any, nothing is done and that is said.
 */

#include "host/chat/inner.h"

#include "host/base/world.h"
#include "host/io/loop.h"

#define LOOKUP_FRESH	(15 * 60 * (int64_t)1000)
#define LOOKUP_KEEP	(24 * 3600 * (int64_t)1000)
#define LOOKUP_PATIENCE	10000		/* ms that events wait for an answer */
#define LOOKUP_LEFT	60000		/* ... those that a restart has left */
#define LOOKUP_RETRY	2000		/* a failure is asked about again */
#define LOOKUP_AGAIN	(60 * 1000)	/* a "no", or silence, counts so long */
#define LOOKUPS_MAX	1000u
#define WAITERS_MAX	100u		/* for one answer */

struct waiter {
	struct call *call;
	struct waiter *next;
};

struct lookup {
	unsigned magic;
#define LOOKUP_MAGIC 0x6c6f6f6bu
	struct chat *chat;		/* NULL: nobody waits for it */
	struct chat_instance *from;
	bool room;
	char *id;
	bool asking;			/* its callback will come */
	enum known outcome;		/* of the last answer ... */
	char *why;
	int64_t until;			/* ... which counts so long (monotonic) */
	int64_t patience;		/* they wait until then (monotonic) */
	struct bh_timer *timer;
	struct waiter *first, **last;
	size_t waiting;
	struct lookup *next;
};

static bool
fresh(int64_t asked, int64_t within)
{
	int64_t age = world_now() - asked;

	return asked != 0 && age >= 0 && age < within;
}

static void
lookup_free(struct lookup *l)
{
	loop_cancel(l->timer);
	free(l->id);
	free(l->why);
	KILL_MAGIC(l);
	free(l);
}

static void
unlink_lookup(struct lookup *l)
{
	struct lookup **p = &l->chat->lookups;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	l->chat->lookups_count--;
}

/* A new one; room is made for it among those that nobody waits for. */
static struct lookup *
lookup_new(struct chat_instance *from, bool room, const char *id)
{
	struct chat *chat = from->chat;
	struct lookup *l, *next;

	for (l = chat->lookups; l != NULL; l = next) {
		next = l->next;
		if (!l->asking && l->waiting == 0 &&
		    (l->until <= world_mono() ||
		    chat->lookups_count >= LOOKUPS_MAX)) {
			unlink_lookup(l);
			lookup_free(l);
		}
	}
	if (chat->lookups_count >= LOOKUPS_MAX)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	l->magic = LOOKUP_MAGIC;
	l->chat = chat;
	l->from = from;
	l->room = room;
	l->id = xstrdup(id);
	l->last = &l->first;
	l->next = chat->lookups;
	chat->lookups = l;
	chat->lookups_count++;
	return l;
}

static struct lookup *
lookup_find(struct chat_instance *from, bool room, const char *id)
{
	struct lookup *l = from->chat->lookups;

	while (l != NULL && (l->from != from || l->room != room ||
	    strcmp(l->id, id) != 0))
		l = l->next;
	return l;
}

/* ------------------------------------------------------------------ */
/* To those who wait                                                   */

static void
hand_over(struct call *c, bool room, enum known outcome, const char *why)
{
	if (room) {
		c->where_known = outcome;
	} else {
		c->who_known = outcome;
		if (c->identity == NULL)
			call_identify(c, people_find(c->chat, c->from->realm,
			    c->user_id));
	}
	if (outcome == KNOWN_UNCLEAR) {
		free(c->unclear);
		c->unclear = xstrdup(why);
	}
	if (--c->asks == 0)
		deliver_known(c);
}

static void
release(struct lookup *l, enum known outcome)
{
	struct waiter *list = l->first, *next;
	BH_AUTO_FREE char *why = xstrdup(l->why);
	bool room = l->room;

	l->first = NULL;
	l->last = &l->first;
	l->waiting = 0;
	/* From here on `l` may be gone: what a call does may end all. */
	for (struct waiter *w = list; w != NULL; w = next) {
		struct call *c = w->call;

		next = w->next;
		free(w);
		c->holds--;
		if (c->stage != STAGE_OVER && c->from != NULL)
			hand_over(c, room, outcome, why);
		else if (c->stage != STAGE_OVER)
			call_leave(c);
		else if (c->holds == 0)
			call_free(c);
	}
}

/* An answer, or its absence: what those who wait are told. */
static void
decide(struct lookup *l, enum known outcome)
{
	l->outcome = outcome;
	l->until = outcome == KNOWN_YES || outcome == KNOWN_SILENT ? 0 :
	    world_mono() + LOOKUP_AGAIN;
	loop_cancel(l->timer);
	l->timer = NULL;
	release(l, outcome);
}

/* No answer, or a failure, and no time is left to ask again. */
static void
silence(void *arg)
{
	struct lookup *l = CAST(struct lookup, arg, LOOKUP_MAGIC);
	struct identity *i = l->room ? NULL :
	    people_find(l->chat, l->from->realm, l->id);
	struct room *r = l->room ? places_find(l->from, l->id) : NULL;
	bool old = false;

	loop_cancel(l->timer);
	l->timer = NULL;
	if (i != NULL) {
		i->retry = world_mono() + LOOKUP_AGAIN;
		old = fresh(i->asked, LOOKUP_KEEP);
	} else if (r != NULL) {
		r->retry = world_mono() + LOOKUP_AGAIN;
		old = fresh(r->asked, LOOKUP_KEEP);
	}
	if (l->waiting > 0)
		log_warn("%s does not say %s %s is; %s", l->from->name,
		    l->room ? "what room" : "who", l->id, old ?
		    "its last answer counts" : "what came from there is "
		    "refused");
	release(l, old ? KNOWN_YES : KNOWN_SILENT);
}

static void ask(struct lookup *l);

static void
ask_again(void *arg)
{
	struct lookup *l = CAST(struct lookup, arg, LOOKUP_MAGIC);

	l->timer = NULL;
	ask(l);
}

/* It could not be found out.  Whoever has no other answer to go by waits for
 * another try. */
static void
failed(struct lookup *l, int64_t asked)
{
	if (l->waiting == 0 || fresh(asked, LOOKUP_KEEP) ||
	    world_mono() + LOOKUP_RETRY >= l->patience) {
		silence(l);
		return;
	}
	loop_cancel(l->timer);
	l->timer = loop_after(l->chat->parts.loop, LOOKUP_RETRY, ask_again, l);
}

/* ------------------------------------------------------------------ */
/* The answers                                                         */

/* The callback of the network has come.  False: nobody is there. */
static bool
came(struct lookup *l)
{
	l->asking = false;
	if (l->chat != NULL)
		return true;
	lookup_free(l);
	return false;
}

/* The network knows of nothing under this id, or shows it to nobody. */
static void
not_there(struct lookup *l, struct identity *i)
{
	if (i != NULL) {
		people_asked(i, i->flags | BH_USER_GONE);
		decide(l, KNOWN_YES);
	} else {
		decide(l, KNOWN_NO);
	}
}

static void
who_came(void *arg, int result, const struct bh_who *who)
{
	struct lookup *l = CAST(struct lookup, arg, LOOKUP_MAGIC);
	BH_AUTO_BUF struct bh_buf why = BH_BUF(4096);
	struct identity *i;

	if (!came(l))
		return;
	i = people_find(l->chat, l->from->realm, l->id);
	if (result == BH_ENOENT || (result == BH_OK && who != NULL && i ==
	    NULL && (who->flags & BH_USER_GONE) != 0)) {
		not_there(l, i);
	} else if (result != BH_OK || who == NULL) {
		failed(l, i != NULL ? i->asked : 0);
	} else if (people_identify(l->chat, l->from->realm,
	    &(struct bh_event){ .user = l->id, .name = who->name,
	    .email = who->email, .user_flags = who->flags }, &i, &why) !=
	    BH_OK) {
		free(l->why);
		l->why = xstrdup(bh_buf_text(&why));
		decide(l, KNOWN_UNCLEAR);
	} else {
		people_asked(i, who->flags);
		decide(l, KNOWN_YES);
	}
}

static void
where_came(void *arg, int result, const struct bh_where *where)
{
	struct lookup *l = CAST(struct lookup, arg, LOOKUP_MAGIC);
	struct room *r;

	if (!came(l))
		return;
	r = places_find(l->from, l->id);
	if (result == BH_ENOENT) {
		decide(l, KNOWN_NO);
	} else if (result != BH_OK || where == NULL) {
		failed(l, r != NULL ? r->asked : 0);
	} else {
		places_asked(l->from, l->id, where);
		decide(l, KNOWN_YES);
	}
}

static void
wait_for(struct lookup *l)
{
	loop_cancel(l->timer);
	l->timer = loop_after(l->chat->parts.loop, l->patience - world_mono(),
	    silence, l);
}

static void
ask(struct lookup *l)
{
	struct chat_instance *from = l->from;
	struct chat *chat = l->chat;
	struct bh_host *host = from->host;

	l->asking = true;
	wait_for(l);
	chat_enter(from, l->room ? "where" : "who");
	if (l->room)
		from->transport->where(from->state, l->id, where_came, l);
	else
		from->transport->who(from->state, l->id, who_came, l);
	chat_leave(chat, host);
}

/* ------------------------------------------------------------------ */
/* The questions                                                       */

static bool
wants(int64_t asked, int64_t retry, bool patient)
{
	return !fresh(asked, patient ? LOOKUP_KEEP : LOOKUP_FRESH) &&
	    (retry <= world_mono() || !fresh(asked, LOOKUP_KEEP));
}

/* Offers for a line or a form are wanted at once, and decide nothing. */
static bool
wants_who(const struct call *c)
{
	return c->from->transport->who != NULL && (c->identity == NULL ||
	    wants(c->identity->asked, c->identity->retry,
	    c->via == VIA_COMPLETE));
}

static bool
wants_where(const struct call *c)
{
	return c->from->transport->where != NULL && c->seen != NULL &&
	    wants(c->seen->asked, c->seen->retry, c->via == VIA_COMPLETE);
}

bool
lookup_wanted(const struct call *c)
{
	return wants_who(c) || wants_where(c);
}

static void
join(struct call *c, bool room, const char *id)
{
	struct lookup *l = lookup_find(c->from, room, id);
	struct waiter *w;

	if (l == NULL)
		l = lookup_new(c->from, room, id);
	if (l == NULL || l->waiting >= WAITERS_MAX) {
		hand_over(c, room, KNOWN_SILENT, NULL);
		return;
	}
	if (!l->asking && l->until > world_mono()) {
		hand_over(c, room, l->outcome, l->why);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->call = c;
	c->holds++;
	*l->last = w;
	l->last = &w->next;
	if (l->waiting++ == 0)
		l->patience = world_mono() + (c->again > 0 ? LOOKUP_LEFT :
		    LOOKUP_PATIENCE);
	if (l->waiting > 1)
		return;
	if (!l->asking)
		ask(l);
	else
		wait_for(l);	/* those before were tired of waiting */
}

void
lookup_begin(struct call *c)
{
	BH_AUTO_FREE char *room = xstrdup(c->room);
	bool who, where;

	/* Another event of the same account may have been answered while this
	 * one was written down. */
	if (c->identity == NULL && c->from->transport->who != NULL)
		call_identify(c, people_find(c->chat, c->from->realm,
		    c->user_id));
	who = wants_who(c);
	where = wants_where(c);
	/* One more than there are questions: the answers may come at once. */
	c->asks = 1u + who + where;
	c->holds++;
	if (who)
		join(c, false, c->user_id);
	if (where && c->stage != STAGE_OVER && c->from != NULL)
		join(c, true, room);
	c->holds--;
	if (c->stage == STAGE_OVER) {
		if (c->holds == 0)
			call_free(c);
	} else if (c->from == NULL) {
		call_leave(c);
	} else if (--c->asks == 0) {
		deliver_known(c);
	}
}

/* ------------------------------------------------------------------ */

void
lookups_drop(struct chat_instance *in)
{
	struct chat *chat = in->chat;
	struct lookup *next;

	for (struct lookup *l = chat->lookups; l != NULL; l = next) {
		next = l->next;
		if (l->from != in)
			continue;
		unlink_lookup(l);
		release(l, KNOWN_SILENT);	/* its calls have no transport */
		l->chat = NULL;
		l->from = NULL;
		loop_cancel(l->timer);
		l->timer = NULL;
		if (!l->asking)
			lookup_free(l);
	}
}
