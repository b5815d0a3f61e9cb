/* governor.c - token buckets, the pool of outstanding writes, priorities.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/governor.h"

#include "plugins/aws-sso/aws/memory.h"

#define GOVERNOR_MAGIC	0x60e4a708u
#define POOL_START	10.0
#define POOL_LEAST	2.0
#define OVERDRAFT	5000	/* ms a removal waits for a place at most */
#define RISE		10000.0	/* ms for one call a second more */

/* AWS's published quotas, less a tenth for others.  An operation of NULL is
 * for all of the service that have no line of their own. */
static const struct quota {
	enum aws_service service;
	const char *operation;
	double rate, burst;
} quotas[] = {
	{ AWS_SSO_ADMIN, NULL, 18, 10 },
	{ AWS_IDENTITY_STORE, "ListUsers", 18, 10 },
	{ AWS_IDENTITY_STORE, "DescribeUser", 18, 10 },
	{ AWS_IDENTITY_STORE, "GetUserId", 18, 10 },
	{ AWS_IDENTITY_STORE, "ListGroups", 18, 10 },
	{ AWS_IDENTITY_STORE, "GetGroupId", 18, 10 },
	{ AWS_IDENTITY_STORE, "ListGroupMemberships", 18, 10 },
	{ AWS_IDENTITY_STORE, "ListGroupMembershipsForMember", 18, 10 },
	{ AWS_IDENTITY_STORE, "IsMemberInGroups", 18, 10 },
	{ AWS_IDENTITY_STORE, "CreateGroupMembership", 18, 10 },
	{ AWS_IDENTITY_STORE, "DeleteGroupMembership", 18, 10 },
	{ AWS_IDENTITY_STORE, NULL, 18, 10 },
	{ AWS_ORGANIZATIONS, "ListAccounts", 7.2, 11 },
	{ AWS_ORGANIZATIONS, "DescribeAccount", 18, 27 },
	{ AWS_ORGANIZATIONS, "ListAccountsForParent", 4.5, 7 },
	{ AWS_ORGANIZATIONS, "ListParents", 4.5, 7 },
	{ AWS_ORGANIZATIONS, "ListOrganizationalUnitsForParent", 4.5, 7 },
	{ AWS_ORGANIZATIONS, "ListRoots", 0.9, 2 },
	{ AWS_ORGANIZATIONS, "ListTagsForResource", 9, 13 },
	{ AWS_ORGANIZATIONS, "ListChildren", 5.4, 9 },
	{ AWS_ORGANIZATIONS, "UpdatePolicy", 1.8, 3 },
	{ AWS_ORGANIZATIONS, NULL, 1.8, 3 },
	{ AWS_STS, NULL, 50, 50 }
};

#define BUCKETS	(sizeof(quotas) / sizeof(*quotas))

struct governor_wait {
	struct governor_wait *next;
	governor_cb *cb;
	void *arg;
	int64_t since;
	enum aws_priority priority;
	size_t bucket;
	bool write;
};

struct bucket {
	struct governor_wait *first[AWS_PRIORITIES], *last[AWS_PRIORITIES];
	double tokens, rate, most, burst;
	int64_t counted;	/* up to when tokens were added */
	int64_t paused;		/* nothing goes out before this */
	int64_t halved;		/* when the rate was last halved */
};

struct governor {
	unsigned magic;
	struct bh_host *host;
	struct bucket buckets[BUCKETS];
	size_t waiting[AWS_PRIORITIES];
	unsigned outstanding;
	double pool;		/* how many may be outstanding */
	int64_t pool_cut;	/* when it was last made smaller */
	struct bh_timer *timer;
	int64_t timer_at;
};

static void wake(void *arg);

struct governor *
governor_new(struct bh_host *host, double rate)
{
	struct governor *g = AWS_NEW(struct governor);

	g->magic = GOVERNOR_MAGIC;
	g->host = host;
	g->pool = POOL_START;
	g->pool_cut = INT64_MIN / 2;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct bucket *b = &g->buckets[i];

		b->most = quotas[i].service == AWS_SSO_ADMIN && rate > 0 ?
		    rate : quotas[i].rate;
		b->rate = b->most;
		b->burst = quotas[i].burst;
		b->tokens = b->burst;
		b->counted = bh_mono(host);
		b->paused = b->halved = INT64_MIN / 2;
	}
	return g;
}

void
governor_free(struct governor **governor)
{
	struct governor *g = *governor;

	*governor = NULL;
	if (g == NULL)
		return;
	bh_cancel(g->host, g->timer);
	for (size_t i = 0; i < BUCKETS; i++)
		for (size_t p = 0; p < AWS_PRIORITIES; p++)
			while (g->buckets[i].first[p] != NULL) {
				struct governor_wait *w =
				    g->buckets[i].first[p];

				g->buckets[i].first[p] = w->next;
				free(w);
			}
	g->magic = 0;
	free(g);
}

static size_t
bucket_of(enum aws_service service, const char *operation)
{
	for (size_t i = 0; i < BUCKETS; i++)
		if (quotas[i].service == service &&
		    (quotas[i].operation == NULL ||
		    strcmp(quotas[i].operation, operation) == 0))
			return i;
	abort();	/* each service has a line for the rest */
}

static void
refill(struct governor *g, struct bucket *b)
{
	int64_t now = bh_mono(g->host);
	double passed = (double)(now - b->counted);

	if (passed <= 0)
		return;
	b->counted = now;
	b->tokens += passed * b->rate / 1000;
	if (b->tokens > b->burst)
		b->tokens = b->burst;
	b->rate += passed / RISE;
	if (b->rate > b->most)
		b->rate = b->most;
}

/* Looks again after `ms`. */
static void
look_in(struct governor *g, int64_t ms)
{
	int64_t at = bh_mono(g->host) + ms;

	if (g->timer != NULL && g->timer_at <= at)
		return;
	bh_cancel(g->host, g->timer);
	g->timer = bh_after(g->host, ms, wake, g);
	g->timer_at = at;
}

static bool
place_free(const struct governor *g, const struct governor_wait *w)
{
	if ((double)g->outstanding + 1 <= g->pool)
		return true;
	/* A removal waits only so long for operations that hang: whether AWS
	 * counts deletions is unknown, and asking costs one call. */
	return w->priority == AWS_REVOKE &&
	    bh_mono(g->host) - w->since >= OVERDRAFT;
}

/* The first in the queue that writes, or that does not; with the one before
 * it in *before. */
static struct governor_wait *
first_of(const struct bucket *b, size_t priority, bool write,
    struct governor_wait **before)
{
	struct governor_wait *w = b->first[priority];

	for (*before = NULL; w != NULL && w->write != write; w = w->next)
		*before = w;
	return w;
}

/* Takes out who is next in this bucket; NULL if nobody may go now.  Of equal
 * priority, a write that has its place goes before reads: AWS then works while
 * we look at the next ones, and the places bound how many there are. */
static struct governor_wait *
take_next(struct governor *g, struct bucket *b)
{
	bool no_place = false;

	for (size_t p = 0; p < AWS_PRIORITIES; p++) {
		struct governor_wait *before, *w;

		w = first_of(b, p, true, &before);
		/* Who waits for a place is not overtaken to it. */
		if (w != NULL && (no_place || !place_free(g, w))) {
			no_place = true;
			if (p == AWS_REVOKE)
				look_in(g, OVERDRAFT - (bh_mono(g->host) -
				    w->since));
			w = NULL;
		}
		if (w == NULL)
			w = first_of(b, p, false, &before);
		if (w == NULL)
			continue;
		if (before != NULL)
			before->next = w->next;
		else
			b->first[p] = w->next;
		if (b->last[p] == w)
			b->last[p] = before;
		g->waiting[p]--;
		return w;
	}
	return NULL;
}

static bool
empty(const struct bucket *b)
{
	for (size_t p = 0; p < AWS_PRIORITIES; p++)
		if (b->first[p] != NULL)
			return false;
	return true;
}

static void
serve(struct governor *g, struct bucket *b)
{
	while (!empty(b)) {
		struct governor_wait *w;
		int64_t now = bh_mono(g->host);

		refill(g, b);
		if (b->paused > now) {
			look_in(g, b->paused - now);
			return;
		}
		if (b->tokens < 1) {
			look_in(g, (int64_t)((1 - b->tokens) * 1000 /
			    b->rate) + 1);
			return;
		}
		if ((w = take_next(g, b)) == NULL)
			return;
		b->tokens -= 1;
		g->outstanding += w->write;
		w->cb(w->arg);
		free(w);
	}
}

static void
wake(void *arg)
{
	struct governor *g = AWS_CAST(struct governor, arg, GOVERNOR_MAGIC);

	g->timer = NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		serve(g, &g->buckets[i]);
}

struct governor_wait *
governor_wait(struct governor *g, enum aws_service service,
    const char *operation, enum aws_priority priority, bool write,
    governor_cb *cb, void *arg)
{
	struct governor_wait *w = AWS_NEW(struct governor_wait);
	struct bucket *b;

	assert(priority < AWS_PRIORITIES);
	w->bucket = bucket_of(service, operation);
	w->priority = priority;
	w->write = write;
	w->cb = cb;
	w->arg = arg;
	w->since = bh_mono(g->host);
	b = &g->buckets[w->bucket];
	if (b->last[priority] != NULL)
		b->last[priority]->next = w;
	else
		b->first[priority] = w;
	b->last[priority] = w;
	g->waiting[priority]++;
	look_in(g, 0);
	return w;
}

void
governor_cancel(struct governor *g, struct governor_wait **wait)
{
	struct governor_wait *w = *wait, *before = NULL;

	*wait = NULL;
	if (w == NULL)
		return;

	struct bucket *b = &g->buckets[w->bucket];

	for (struct governor_wait *x = b->first[w->priority]; x != w;
	    x = x->next)
		before = x;
	if (before != NULL)
		before->next = w->next;
	else
		b->first[w->priority] = w->next;
	if (b->last[w->priority] == w)
		b->last[w->priority] = before;
	g->waiting[w->priority]--;
	free(w);
}

void
governor_write_over(struct governor *g)
{
	assert(g->outstanding > 0);
	g->outstanding--;
	look_in(g, 0);
}

void
governor_write_taken(struct governor *g)
{
	if (g->pool >= GOVERNOR_POOL_MAX ||
	    bh_mono(g->host) - g->pool_cut < (int64_t)RISE)
		return;
	g->pool += 0.5;
	if (g->pool > GOVERNOR_POOL_MAX)
		g->pool = GOVERNOR_POOL_MAX;
	look_in(g, 0);
}

void
governor_throttled(struct governor *g, enum aws_service service,
    const char *operation, int64_t retry_after, bool outstanding)
{
	struct bucket *b = &g->buckets[bucket_of(service, operation)];
	int64_t now = bh_mono(g->host);

	refill(g, b);
	/* Answers to one burst count once. */
	if (outstanding) {
		if (now - g->pool_cut >= 1000) {
			g->pool = g->pool / 2 > POOL_LEAST ? g->pool / 2 :
			    POOL_LEAST;
			g->pool_cut = now;
		}
	} else if (now - b->halved >= 1000) {
		b->rate = b->rate / 2 > 1 ? b->rate / 2 : 1;
		b->tokens = 0;
		b->halved = now;
	}
	if (retry_after > 60000)
		retry_after = 60000;
	if (retry_after > 0 && b->paused < now + retry_after)
		b->paused = now + retry_after;
}

double
governor_rate(struct governor *g, enum aws_service service,
    const char *operation)
{
	struct bucket *b = &g->buckets[bucket_of(service, operation)];

	refill(g, b);
	return b->rate;
}

size_t
governor_waiting(const struct governor *g, enum aws_priority priority)
{
	return g->waiting[priority];
}

unsigned
governor_outstanding(const struct governor *g, unsigned *limit)
{
	if (limit != NULL)
		*limit = (unsigned)g->pool;
	return g->outstanding;
}
