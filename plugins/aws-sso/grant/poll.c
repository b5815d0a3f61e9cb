/*
 * poll.c - one shared look at all operations under way, for all keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * AWS lists what is IN_PROGRESS, up to a hundred in one call.  A key whose
 * operation is not in that list has finished: its List tells how (VERIFY).
 * The first look comes when operations have usually finished lately, but not
 * before 1.5 s; then every second, slowing down to every two.  With many under
 * way the looks come at next_look(), which follows how long they take.
 *
 * The same lists answer "is there an operation of ours that we lost sight
 * of?" (UNKNOWN, Conflict): ids that belong to no key are described.
 */

#include "plugins/aws-sso/grant/engine.h"

#define FIRST		1500
#define GAP_MIN		1000
#define GAP_MAX		2000
#define TYPICAL_MAX	8000
#define LAG		500	/* a new operation may be listed this late */
#define DESCRIBE_MAX	30

struct foreign { char *id; int op; };

/* One round of looking for lost operations. */
struct search {
	struct foreign list[DESCRIBE_MAX];
	size_t count;
	unsigned outside;		/* describes under way */
	bool running, failed;
};

struct describe {
	unsigned magic;
#define DESCRIBE_MAGIC	0x64657363u
	struct grants *gs;
	int op;
	char *id;
};

static void tick(void *arg);

/* for each key: in a poll or a search there are few, in the table maybe ten
 * thousand; that is a tenth of a millisecond. */
#define EACH_KEY(gs, k)							\
	for (size_t i_ = 0; i_ < (gs)->keys_size; i_++)			\
		for (struct key *k = (gs)->keys[i_], *next_ = NULL;	\
		    k != NULL && (next_ = k->next, true); k = next_)

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When the next look at all may come.  Where operations take longer, a look
 * catches more of them if it waits a little: that saves calls, and adds to
 * each a quarter at most. */
static int64_t
next_look(const struct grants *gs)
{
	int64_t gap = gs->poll_typical / 2;

	gap = gap < GAP_MIN ? GAP_MIN : gap > GAP_MAX ? GAP_MAX : gap;
	return gs->poll_last + gap;
}

static void
arm(struct grants *gs, int64_t at)
{
	int64_t now = bh_mono(gs->host);

	if (gs->poll_out > 0 || (gs->search != NULL && gs->search->running))
		return;			/* comes again at its end */
	if (at < now)
		at = now;
	if (gs->poll_timer != NULL) {
		if (gs->poll_at <= at)
			return;
		bh_cancel(gs->host, gs->poll_timer);
	}
	gs->poll_at = at;
	gs->poll_timer = bh_after(gs->host, at - now, tick, gs);
}

static void
plan(struct grants *gs)
{
	int64_t soonest = INT64_MAX;
	bool searching = false;

	EACH_KEY(gs, k) {
		if (k->phase == KEY_POLLING && k->polled &&
		    k->poll_from < soonest)
			soonest = k->poll_from;
		searching = searching || k->searching;
	}
	if (soonest != INT64_MAX)
		arm(gs, later(soonest, next_look(gs)));
	if (searching)
		arm(gs, gs->poll_last + GAP_MIN);
}

void
poll_add(struct key *k)
{
	struct grants *gs = k->all;

	if (!k->polled) {
		int64_t first = gs->poll_typical > FIRST ? gs->poll_typical :
		    FIRST;

		k->polled = true;	/* takes part from now on */
		k->poll_began = bh_mono(gs->host);
		k->poll_from = k->poll_began + first;
		k->poll_gap = GAP_MIN;
		k->poll_failed = k->poll_seen = 0;
	}
	arm(gs, later(k->poll_from, next_look(gs)));
}

void
poll_search(struct key *k)
{
	struct grants *gs = k->all;

	k->found = false;		/* not in a round so far */
	arm(gs, gs->poll_last != 0 ? gs->poll_last + GAP_MIN : 0);
}

/* ------------------------------------------------------------------ */

/* Ends a round: who was not found by now is not there. */
static void
search_end(struct grants *gs)
{
	struct search *s = gs->search;

	s->running = false;
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].id);
	s->count = 0;
	EACH_KEY(gs, k)
		if (k->searching && k->found)
			key_searched(k, s->failed ? BH_ENET : BH_OK,
			    KEY_NOTHING, NULL);
	plan(gs);
}

static void
described(void *arg, const struct sso_result *res)
{
	struct describe *d = GRANT_CAST(struct describe, arg, DESCRIBE_MAGIC);
	struct grants *gs = d->gs;
	struct search *s = gs->search;

	if (res->outcome != SSO_STATUS && res->outcome != SSO_NOT_FOUND)
		s->failed = true;
	if (res->outcome == SSO_STATUS && res->tuple.account != NULL &&
	    res->tuple.permission_set != NULL && res->tuple.principal != NULL) {
		struct key *k = key_find(gs, res->tuple.account,
		    res->tuple.permission_set, res->tuple.principal);

		if (k != NULL && k->searching && k->found)
			key_searched(k, BH_OK, d->op, d->id);
	}
	free(d->id);
	d->magic = 0;
	free(d);
	if (--s->outside == 0)
		search_end(gs);
}

static void
search_go(struct grants *gs)
{
	struct search *s = gs->search;

	if (s->failed || s->count == 0) {
		search_end(gs);
		return;
	}
	s->outside = (unsigned)s->count;
	for (size_t i = 0; i < s->count; i++) {
		struct describe *d = calloc(1, sizeof(*d));

		assert(d != NULL);
		d->magic = DESCRIBE_MAGIC;
		d->gs = gs;
		d->op = s->list[i].op;
		d->id = s->list[i].id;
		s->list[i].id = NULL;
		if (d->op == KEY_CREATE)
			sso_creation_status(gs->aws, d->id, AWS_STATUS,
			    described, d);
		else
			sso_deletion_status(gs->aws, d->id, AWS_STATUS,
			    described, d);
	}
}

/* ------------------------------------------------------------------ */

/* It took more than `poll_seen` and at most `age`: that is when to look for
 * the next ones.  A look that came late enough for all says little, so the
 * guess creeps down until one look comes too early again. */
static void
learn(struct grants *gs, const struct key *k, int64_t age)
{
	int64_t guess = k->poll_seen != 0 ? (k->poll_seen + age) / 2 : age;

	if (gs->poll_typical == 0)
		gs->poll_typical = guess;
	else if (k->poll_seen != 0)
		gs->poll_typical += (guess - gs->poll_typical) / 4;
	else if (guess < gs->poll_typical)
		gs->poll_typical = guess;
	else
		gs->poll_typical -= gs->poll_typical / 1000;
	if (gs->poll_typical > TYPICAL_MAX)
		gs->poll_typical = TYPICAL_MAX;
}

static void
answered(struct grants *gs, int op, enum sso_outcome outcome,
    const struct sso_status_row *rows, size_t count)
{
	struct search *s = gs->search;
	int64_t now = bh_mono(gs->host);
	bool running = s != NULL && s->running;
	char *known = count > 0 ? calloc(count, 1) : NULL;

	bh_failpoint(gs->host, op == KEY_CREATE ?
	    "grant.poll-create.after-answer" : "grant.poll-delete.after-answer");
	EACH_KEY(gs, k) {
		bool there = false;

		if (k->phase != KEY_POLLING || k->op != op || !k->polled)
			continue;
		for (size_t i = 0; i < count; i++)
			if (strcmp(rows[i].request_id, k->request_id) == 0)
				known[i] = 1, there = true;
		/* The list may be older than the operation. */
		if (k->poll_began + LAG > gs->poll_last)
			continue;
		if (outcome == SSO_STATUS && !there) {
			learn(gs, k, gs->poll_last - k->poll_began);
			k->polled = false;
			key_polled(k);
			continue;
		}
		k->poll_from = now + k->poll_gap;
		k->poll_gap += k->poll_gap < GAP_MAX ? 250 : 0;
		if (outcome != SSO_STATUS) {
			key_poll_failed(k);
			continue;
		}
		k->poll_failed = 0;
		k->poll_seen = gs->poll_last - k->poll_began;
	}
	if (running && outcome != SSO_STATUS)
		s->failed = true;
	for (size_t i = 0; running && i < count; i++)
		if (!known[i] && s->count < DESCRIBE_MAX) {
			s->list[s->count].id = grant_dup(rows[i].request_id);
			s->list[s->count++].op = op;
		}
	free(known);
	if (--gs->poll_out > 0)
		return;
	if (running)
		search_go(gs);
	else
		plan(gs);
}

static void
creations(void *arg, enum sso_outcome outcome, const char *reason,
    const struct sso_status_row *rows, size_t count)
{
	(void)reason;
	answered(GRANT_CAST(struct grants, arg, GRANTS_MAGIC), KEY_CREATE,
	    outcome, rows, count);
}

static void
deletions(void *arg, enum sso_outcome outcome, const char *reason,
    const struct sso_status_row *rows, size_t count)
{
	(void)reason;
	answered(GRANT_CAST(struct grants, arg, GRANTS_MAGIC), KEY_DELETE,
	    outcome, rows, count);
}

static void
tick(void *arg)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);
	int64_t now = bh_mono(gs->host);
	bool creates = false, deletes = false, searching = false;

	gs->poll_timer = NULL;
	EACH_KEY(gs, k) {
		if (k->phase == KEY_POLLING && k->polled &&
		    k->poll_from <= now) {
			creates = creates || k->op == KEY_CREATE;
			deletes = deletes || k->op == KEY_DELETE;
		}
		if (k->searching)
			k->found = searching = true;	/* is in this round */
	}
	if (searching) {
		if (gs->search == NULL)
			gs->search = calloc(1, sizeof(*gs->search));
		assert(gs->search != NULL);
		gs->search->running = true;
		gs->search->failed = false;
		creates = deletes = true;
	}
	if (!creates && !deletes) {
		plan(gs);
		return;
	}
	gs->poll_last = now;
	gs->poll_out = (unsigned)creates + (unsigned)deletes;
	gs->counts.polls += gs->poll_out;
	if (creates) {
		bh_failpoint(gs->host, "grant.poll-create.before-send");
		sso_list_creation_status(gs->aws, "IN_PROGRESS", AWS_STATUS,
		    creations, gs);
	}
	if (deletes) {
		bh_failpoint(gs->host, "grant.poll-delete.before-send");
		sso_list_deletion_status(gs->aws, "IN_PROGRESS", AWS_STATUS,
		    deletions, gs);
	}
}

void
poll_free(struct grants *gs)
{
	if (gs->poll_timer != NULL)
		bh_cancel(gs->host, gs->poll_timer);
	gs->poll_timer = NULL;
	if (gs->search != NULL)
		for (size_t i = 0; i < gs->search->count; i++)
			free(gs->search->list[i].id);
	free(gs->search);
	gs->search = NULL;
}
