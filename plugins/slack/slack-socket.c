/* slack-socket.c - Socket Mode: keeps some connections to Slack alive.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/apis/events-api/using-socket-mode.  Each connection has a
 * slot.  When Slack wants one to end, its slot gets a new one first, and only
 * after that one's hello the old one is left alone, read on until Slack closes
 * it.  Tickets (apps.connections.open) are scarce: one is asked for at a time,
 * and after failures with back-off that all slots share.
 *
 *   empty -> ticket -> opening -> hello: live -> leaving -> closed
 *     ^                   |                 |
 *     +---- back-off -----+-----------------+
 */

#include "plugins/slack/slack-link.h"

#define SLOTS_MOST	10u			/* Slack takes no more */
#define PACE		1000			/* ms for each ticket ... */
#define BURST		(20 * PACE)		/* ... of which some may be early */
#define BACK_OFF	500			/* ms, doubled each time */
#define BACK_OFF_MOST	(2 * 60 * 1000)
#define STEADY		30000			/* ms: it had worked */
#define CROWDED		(5 * 60 * 1000)		/* ms: too many websockets */
#define CROWDED_MOST	(60 * 60 * 1000)
#define READ_ON		10000			/* ms, for Slack to close */
#define TICK		5000			/* ms, of the health */
#define LONE		30000			/* ms without any connection */

struct slot {
	struct slack_link *live;	/* what it counts with */
	bool opening;			/* one is on its way: its hello is not */
	struct bh_timer *renewal;
	struct slack_socket *pool;
};

struct slack_socket {
	unsigned magic;
#define SLACK_SOCKET_MAGIC	0x536c536bu
	struct slack *slack;
	struct slot slots[SLOTS_MOST];
	size_t count;
	struct slack_link *links;	/* all that are not closed */
	bool asking;			/* for a ticket ... */
	size_t asking_for;		/* ... of this slot */
	bool stopped;			/* only an operator can help */
	int failures, crowds;		/* in a row */
	int64_t not_before;		/* monotonic ms */
	int64_t paid;			/* by when all tickets were earned */
	int64_t heard;			/* the last event; 0: none */
	int64_t alone;			/* since when there is none; 0 */
	struct bh_timer *timer, *tick;
	char *trouble;			/* what went wrong last, or NULL */
};

static void advance(struct slack_socket *pool);

static struct slack_socket *
pool_of(void *arg)
{
	struct slack_socket *pool = arg;

	assert(pool != NULL && pool->magic == SLACK_SOCKET_MAGIC);
	return pool;
}

/* ------------------------------------------------------------------ */
/* Health                                                              */

static size_t
count_live(const struct slack_socket *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->count; i++)
		n += pool->slots[i].live != NULL;
	return n;
}

static void
say_heard(const struct slack_socket *pool, struct bh_buf *out)
{
	int64_t ago = bh_mono(pool->slack->host) - pool->heard;

	if (pool->heard == 0) {
		bh_buf_puts(out, "no event yet");
		return;
	}
	bh_buf_puts(out, "last event ");
	bh_duration_text(pool->slack->host, out, ago >= 1000 ?
	    ago - ago % 1000 : 1000);
	bh_buf_puts(out, " ago");
}

static void
tell_health(struct slack_socket *pool)
{
	struct slack *s = pool->slack;
	size_t live = count_live(pool);
	int64_t now = bh_mono(s->host);
	struct bh_buf heard = BH_BUF(200);
	const char *trouble = pool->trouble != NULL ? pool->trouble :
	    "connecting";

	if (live > 0)
		pool->alone = 0;
	else if (pool->alone == 0)
		pool->alone = now;
	say_heard(pool, &heard);
	if (pool->stopped)
		slack_health(s, SLACK_INBOUND, BH_DOWN, "%s", trouble);
	else if (live == pool->count)
		slack_health(s, SLACK_INBOUND, BH_UP, "%zu connections, %s",
		    live, bh_buf_text(&heard));
	else if (live > 0)
		slack_health(s, SLACK_INBOUND, BH_DEGRADED, "%zu of %zu "
		    "connections, %s; %s", live, pool->count,
		    bh_buf_text(&heard), trouble);
	else
		slack_health(s, SLACK_INBOUND, now - pool->alone >= LONE ?
		    BH_DOWN : BH_DEGRADED, "no connection to Slack: %s",
		    trouble);
	bh_buf_release(&heard);
}

static void
tick(void *arg)
{
	struct slack_socket *pool = pool_of(arg);

	for (struct slack_link *l = pool->links; l != NULL; l = l->next)
		if (l->heard > pool->heard)
			pool->heard = l->heard;
	tell_health(pool);
	pool->tick = bh_after(pool->slack->host, TICK, tick, pool);
}

/* ------------------------------------------------------------------ */
/* What went wrong                                                     */

/* Somewhere between nothing and `most`: those who failed together do not try
 * again together. */
static int64_t
jitter(struct slack_socket *pool, int64_t most)
{
	uint32_t dice;

	bh_random(pool->slack->host, &dice, sizeof(dice));
	return (int64_t)((uint64_t)dice * (uint64_t)most >> 32);
}

static void
rest(struct slack_socket *pool, int64_t ms)
{
	int64_t until = bh_mono(pool->slack->host) + ms;

	if (until > pool->not_before)
		pool->not_before = until;
}

static void
failed(struct slack_socket *pool, const char *why)
{
	int64_t most = BACK_OFF;

	for (int i = 0; i < pool->failures && most < BACK_OFF_MOST; i++)
		most *= 2;
	if (pool->failures < 30)
		pool->failures++;
	bh_set(&pool->trouble, why);
	rest(pool, jitter(pool, most < BACK_OFF_MOST ? most :
	    BACK_OFF_MOST));
}

/* An operator must do something: no loop will help. */
static void
stop(struct slack_socket *pool, const char *why)
{
	if (!pool->stopped)
		bh_log(pool->slack->host, BH_LOG_ERROR, "no more connections "
		    "to Slack: %s", why);
	pool->stopped = true;
	bh_set(&pool->trouble, why);
}

static void
crowded(struct slack_socket *pool)
{
	int64_t ms = CROWDED;

	for (int i = 0; i < pool->crowds && ms < CROWDED_MOST; i++)
		ms *= 2;
	if (pool->crowds < 30)
		pool->crowds++;
	ms = ms < CROWDED_MOST ? ms : CROWDED_MOST;
	rest(pool, ms + jitter(pool, ms / 2));
	bh_set(&pool->trouble, "Slack takes ten connections of one app and "
	    "has them: does another bellhop use this app-token?");
	bh_log(pool->slack->host, BH_LOG_WARN, "%s", pool->trouble);
}

static void
no_ticket(struct slack_socket *pool, const struct slack_answer *a)
{
	struct bh_buf text = BH_BUF(600);
	const char *remedy = slack_ticket_remedy(a);

	if (remedy != NULL) {
		bh_buf_add(&text, "%s (%s); then reload the configuration",
		    remedy, a->error);
		stop(pool, bh_buf_text(&text));
	} else {
		bh_buf_add(&text, "Slack gives no ticket: %.400s",
		    a->error != NULL ? a->error : "no reason given");
		failed(pool, bh_buf_text(&text));
		/* Its lane rests as long as Slack said; others may share
		 * the limit. */
		if (a->result == BH_ELIMIT)
			rest(pool, 1000 + jitter(pool, 10000));
	}
	bh_buf_release(&text);
}

/* ------------------------------------------------------------------ */
/* Links                                                               */

static struct slot *
slot_of(struct slack_socket *pool, const struct slack_link *link)
{
	return &pool->slots[link->slot];
}

static void
renew(void *arg)
{
	struct slot *slot = arg;

	slot->renewal = NULL;
	if (slot->live != NULL)
		slot->live->leaving = true;
	advance(slot->pool);
}

/* Connections that were opened together end together.  One whose end is near
 * another's is renewed once before, so that from then on they take turns. */
static void
plan_renewal(struct slack_socket *pool, struct slack_link *link)
{
	struct slot *slot = slot_of(pool, link);
	int64_t life = link->ends - link->hello_at;
	int64_t near = life / (2 * (int64_t)pool->count);
	bool alone = true;

	bh_cancel(pool->slack->host, slot->renewal);
	slot->renewal = NULL;
	for (size_t i = 0; i < pool->count && link->ends > 0; i++) {
		const struct slack_link *other = pool->slots[i].live;

		if (other != NULL && other != link && other->ends > 0 &&
		    other->ends - link->ends < near &&
		    link->ends - other->ends < near)
			alone = false;
	}
	if (alone || link->slot == 0)
		return;
	life = life * (int64_t)link->slot / (int64_t)pool->count;
	slot->renewal = bh_after(pool->slack->host, life - jitter(pool,
	    life / 20), renew, slot);
}

static void
on_hello(void *arg, struct slack_link *link)
{
	struct slack_socket *pool = pool_of(arg);
	struct slot *slot = slot_of(pool, link);
	struct slack_link *old = slot->live;

	slot->live = link;
	slot->opening = false;
	pool->crowds = 0;
	if (old != NULL)
		slack_link_retire(old, READ_ON);
	plan_renewal(pool, link);
	if (count_live(pool) == pool->count)
		bh_set(&pool->trouble, NULL);
	advance(pool);
}

static void
on_leave(void *arg, struct slack_link *link, const char *reason)
{
	struct slack_socket *pool = pool_of(arg);
	bool first = !link->leaving;

	bh_log(pool->slack->host, BH_LOG_INFO, "Slack wants connection %llu "
	    "to end (%.40s)", (unsigned long long)link->number, reason);
	link->leaving = true;
	if (strcmp(reason, "link_disabled") == 0) {
		stop(pool, "Socket Mode was switched off: switch it on under "
		    "\"Socket Mode\" in the app's settings and reload the "
		    "configuration, or set mode: http");
	} else if (strcmp(reason, "too_many_websockets") == 0) {
		if (first)
			crowded(pool);
		slack_link_retire(link, 0);
	} else if (!link->live && first) {
		failed(pool, "Slack ended a connection before its hello");
		slack_link_close(link);
	}
	advance(pool);
}

static void
on_closed(void *arg, struct slack_link *link, int result, const char *why)
{
	struct slack_socket *pool = pool_of(arg);
	struct slot *slot = slot_of(pool, link);
	int64_t now = bh_mono(pool->slack->host);

	(void)result;
	if (link->heard > pool->heard)
		pool->heard = link->heard;
	*link->prev = link->next;
	if (link->next != NULL)
		link->next->prev = link->prev;
	if (!link->live)
		slot->opening = false;
	if (slot->live == link) {
		slot->live = NULL;
		bh_cancel(pool->slack->host, slot->renewal);
		slot->renewal = NULL;
	}
	bh_log(pool->slack->host, link->leaving ? BH_LOG_INFO : BH_LOG_WARN,
	    "connection %llu ended: %s", (unsigned long long)link->number,
	    why);
	if (!link->leaving) {
		if (link->live && now - link->hello_at >= STEADY)
			pool->failures = 0;
		failed(pool, why);
	}
	advance(pool);
}

static const struct slack_link_calls calls = { .hello = on_hello,
	.leave = on_leave, .closed = on_closed };

/* ------------------------------------------------------------------ */
/* Tickets                                                             */

static void
got_ticket(void *arg, const struct slack_answer *a)
{
	struct slack_socket *pool = pool_of(arg);
	struct slack *s = pool->slack;
	const char *url = bh_get_text(a->body, "url");
	struct slack_link *link;

	pool->asking = false;
	if (s->closing)
		return;
	if (a->result != BH_OK) {
		no_ticket(pool, a);
	} else if (pool->stopped) {
		/* link_disabled came meanwhile. */
	} else if (!slack_ticket_ok(s, url) || (link = slack_link_open(s, url,
	    &calls, pool)) == NULL) {
		failed(pool, "the ticket's address cannot be used");
	} else {
		link->slot = pool->asking_for;
		pool->slots[link->slot].opening = true;
		link->next = pool->links;
		link->prev = &pool->links;
		if (link->next != NULL)
			link->next->prev = &link->next;
		pool->links = link;
	}
	advance(pool);
}

/* The slot that needs a connection most; pool->count if none does. */
static size_t
neediest(const struct slack_socket *pool)
{
	size_t found = pool->count;

	for (size_t i = pool->count; i-- > 0;) {
		const struct slot *slot = &pool->slots[i];

		if (slot->opening || (slot->live != NULL &&
		    !slot->live->leaving))
			continue;
		if (found == pool->count || slot->live == NULL ||
		    pool->slots[found].live != NULL)
			found = i;
	}
	return found;
}

/* Room for one more among the ten: else the one that has been leaving
 * longest goes now. */
static bool
make_room(struct slack_socket *pool)
{
	struct slack_link *oldest = NULL;
	size_t n = 0;

	for (struct slack_link *l = pool->links; l != NULL; l = l->next) {
		n++;
		if (l->leaving && (oldest == NULL ||
		    l->number < oldest->number))
			oldest = l;
	}
	if (n >= SLOTS_MOST && oldest != NULL)
		slack_link_close(oldest);
	return n < SLOTS_MOST;
}

static void
wake(void *arg)
{
	struct slack_socket *pool = pool_of(arg);

	pool->timer = NULL;
	advance(pool);
}

static void
advance(struct slack_socket *pool)
{
	struct slack *s = pool->slack;
	int64_t now = bh_mono(s->host);
	size_t slot = neediest(pool);

	tell_health(pool);
	if (s->team == NULL || s->closing || pool->stopped || pool->asking ||
	    slot == pool->count || !make_room(pool))
		return;
	bh_cancel(s->host, pool->timer);
	pool->timer = NULL;
	if (now < pool->not_before) {
		pool->timer = bh_after(s->host, pool->not_before - now, wake,
		    pool);
		return;
	}
	pool->asking = true;
	pool->asking_for = slot;
	pool->paid = (pool->paid > now ? pool->paid : now) + PACE;
	rest(pool, pool->paid - BURST - now);
	slack_api(s, &(struct slack_ask){ .method = "apps.connections.open",
	    .app = true, .rank = SLACK_NOW }, got_ticket, pool);
}

/* ------------------------------------------------------------------ */

static void
known(struct slack *s)
{
	if (s->sockets != NULL)
		advance(s->sockets);
}

int
slack_sockets_connect(struct slack *s)
{
	struct slack_socket *pool;

	if (s->sockets != NULL)
		return BH_OK;
	pool = bh_zero(sizeof(*pool));
	pool->magic = SLACK_SOCKET_MAGIC;
	pool->slack = s;
	pool->count = s->connections < 2 ? 2 : s->connections > 10 ? 10 :
	    (size_t)s->connections;
	for (size_t i = 0; i < SLOTS_MOST; i++)
		pool->slots[i].pool = pool;
	s->sockets = pool;
	s->known = known;
	pool->tick = bh_after(s->host, TICK, tick, pool);
	advance(pool);
	return BH_OK;
}

void
slack_sockets_changed(struct slack *s)
{
	struct slack_socket *pool = s->sockets;

	if (pool == NULL || !pool->stopped)
		return;
	pool->stopped = false;
	pool->failures = 0;
	bh_set(&pool->trouble, NULL);
	advance(pool);
}

void
slack_sockets_close(struct slack *s)
{
	struct slack_socket *pool = s->sockets;

	s->sockets = NULL;
	s->known = NULL;
	if (pool != NULL) {
		while (pool->links != NULL) {
			struct slack_link *link = pool->links;

			pool->links = link->next;
			slack_link_drop(link);
		}
		bh_cancel(s->host, pool->timer);
		bh_cancel(s->host, pool->tick);
		for (size_t i = 0; i < pool->count; i++)
			bh_cancel(s->host, pool->slots[i].renewal);
		free(pool->trouble);
		pool->magic = 0;
		free(pool);
	}
	slack_envelopes_free(s);
}
