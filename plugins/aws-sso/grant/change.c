/*
 * change.c - one transition of one grant: built, committed, then believed.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * `next` is the grant as it will be.  The row changes only if it still is in
 * the state and version we know (compare and swap); only when the store says
 * "durable" does memory follow.  While that takes, the grant is busy and
 * everything else that wants to change it waits in line (op.c).
 */

#include "plugins/aws-sso/grant/engine.h"

/* The texts a change may replace. */
static void
texts_of(struct grant *g, char **list[6])
{
	list[0] = &g->rule;
	list[1] = &g->approvers;
	list[2] = &g->hash;
	list[3] = &g->outcome;
	list[4] = &g->by;
	list[5] = NULL;
}

static void
failpoint(struct change *c, const char *when)
{
	char name[64];

	snprintf(name, sizeof(name), "grant.%s.%s", c->point, when);
	bh_failpoint(c->gs->host, name);
}

struct change *
change_begin(struct grant *g, int to, const char *point)
{
	struct grants *gs = g->all;
	struct change *c;
	char **texts[6];

	assert(!g->busy);
	if (!HOLDS(gs, grant_may_move(g->state, to)))
		return NULL;
	c = calloc(1, sizeof(*c));
	assert(c != NULL);
	c->magic = CHANGE_MAGIC;
	c->gs = gs;
	c->g = g;
	c->next = *g;
	c->was_votes = g->votes;
	texts_of(g, texts);
	for (size_t i = 0; texts[i] != NULL; i++)
		c->was[i] = *texts[i];
	c->next.state = to;
	c->next.changed = bh_now(gs->host);
	c->point = point;
	c->tx = bh_tx(gs->host);
	g->busy = true;
	return c;
}

void
change_text(struct change *c, char **member, char *text)
{
	char **next[6];

	texts_of(&c->next, next);
	for (size_t i = 0; next[i] != NULL; i++)
		if (next[i] == member && *next[i] != c->was[i])
			free(*member);
	*member = text;
}

void
change_vote(struct change *c, const struct bh_user *who, const char *principal)
{
	size_t n = c->g->votes_count;
	struct grant_vote *votes = calloc(n + 1, sizeof(*votes));

	assert(votes != NULL);
	if (n > 0)
		memcpy(votes, c->g->votes, n * sizeof(*votes));
	votes[n] = (struct grant_vote){
		.person = grant_dup(who->person), .name = grant_dup(who->name),
		.principal = grant_dup(principal), .at = c->next.changed,
	};
	c->next.votes = votes;
	c->next.votes_count = n + 1;
	store_vote_insert(c->tx, c->gs, c->g, &votes[n]);
}

void
change_settles(struct change *c, struct bh_call *call)
{
	if (call == NULL)
		return;
	bh_tx_settles(c->tx, call);
	c->settles = true;
}

/* The fields every audit row of a grant has, and one more. */
void
change_audit(struct change *c, const char *action, const char *actor,
    const char *name, const char *value)
{
	const struct grant *g = &c->next;
	char start[24], end[24];

	snprintf(start, sizeof(start), "%lld", (long long)g->start);
	snprintf(end, sizeof(end), "%lld", (long long)g->end);
	bh_tx_audit(c->tx, action, actor,
	    { "grant", g->id }, { "state", grant_state_word(g->state) },
	    { "person", g->person }, { "principal", g->principal },
	    { "account", g->account }, { "permission-set", g->permission_set },
	    { "team", g->team }, { "start", start }, { "end", end },
	    { "rule", g->rule }, { "policy", g->hash },
	    { name, value });
}

/* One job per grant: the kind of the next deadline. */
static const char *
job_of(const struct grant *g, int64_t *when)
{
	int64_t now = g->changed;

	switch (g->state) {
	case GRANT_PENDING:
		*when = g->lapses;
		return "lapse";
	case GRANT_APPROVED:
		*when = g->start > now ? g->start : g->end;
		return g->start > now ? "start" : "end";
	case GRANT_ACTIVE:
		*when = g->end;
		return "end";
	default:
		*when = 0;
		return NULL;
	}
}

static void
plan_jobs(struct change *c)
{
	int64_t old_when = 0, when = 0;
	const char *was = c->g->state != GRANT_NONE ?
	    job_of(c->g, &old_when) : NULL;
	const char *is = job_of(&c->next, &when);

	if (was != NULL && (is == NULL || strcmp(was, is) != 0))
		bh_tx_job_done(c->tx, was, c->g->id);
	if (is != NULL)
		bh_tx_job(c->tx, is, c->next.id, when);
}

static void
undo(struct change *c)
{
	char **next[6];

	texts_of(&c->next, next);
	for (size_t i = 0; next[i] != NULL; i++)
		if (*next[i] != c->was[i])
			free(*next[i]);
	if (c->next.votes != c->was_votes) {
		struct grant_vote *v = &c->next.votes[c->next.votes_count - 1];

		free(v->person);
		free(v->principal);
		free(v->name);
		free(c->next.votes);
	}
}

static void
apply(struct change *c)
{
	struct grant *g = c->g;
	char **was[6], **next[6];

	texts_of(g, was);
	texts_of(&c->next, next);
	for (size_t i = 0; next[i] != NULL; i++)
		if (*next[i] != *was[i]) {
			free(*was[i]);
			*was[i] = *next[i];
		}
	if (c->next.votes != g->votes) {
		free(g->votes);
		g->votes = c->next.votes;
		g->votes_count = c->next.votes_count;
	}
	g->state = c->next.state;
	g->flags = c->next.flags;
	g->version = c->next.version;
	g->needed = c->next.needed;
	g->lapses = c->next.lapses;
	g->start = c->next.start;
	g->end = c->next.end;
	g->decided = c->next.decided;
	g->seen = c->next.seen;
	g->gone = c->next.gone;
	g->over = c->next.over;
	g->changed = c->next.changed;
	g->retry_after = 0;
	if (g->state == GRANT_ENDING || grant_state_final(g->state))
		g->revoking = false;
}

static void
committed(void *arg, int result)
{
	struct change *c = GRANT_CAST(struct change, arg, CHANGE_MAGIC);
	struct grants *gs = c->gs;
	struct grant *g = c->g;
	char id[GRANT_ID_MAX];

	if (!grants_back(gs)) {		/* we are closing: memory goes */
		undo(c);
		free(c);
		return;
	}
	if (result == BH_OK) {
		failpoint(c, "after-commit");
		apply(c);
	} else {
		undo(c);
		/* The row was not what we believed: somebody else wrote it.
		 * A second vote at the same moment is the harmless case, and
		 * so is a call that was carried out before. */
		if (result != BH_ECONFLICT)
			g->retry_after = grants_now(gs) + 5 * SECOND;
		else if (!c->settles && c->next.state != GRANT_PENDING &&
		    c->g->state != GRANT_NONE)
			grants_broken(gs, "a grant's row is as memory has it");
	}
	g->busy = false;
	memcpy(id, g->id, sizeof(id));
	if (c->g->state != GRANT_NONE)
		grant_plan(g);
	if (c->done != NULL)
		c->done(c->arg, result, g);
	c->magic = 0;
	free(c);

	/* done() may have freed it (a request that was not accepted). */
	g = grants_by_id(gs, id);
	if (g != NULL && result == BH_OK) {
		struct key *k = g->key;

		if (grant_state_final(g->state) && !g->busy)
			grants_forget(gs, g);
		else
			grant_tick(g);
		if (k != NULL)
			key_tick(k);
	}
	op_wake(gs, id);
}

void
change_commit(struct change *c, void (*done)(void *arg, int result,
    struct grant *g), void *arg)
{
	struct grants *gs = c->gs;

	c->done = done;
	c->arg = arg;
	c->next.version = c->g->version + 1;
	if (c->g->state == GRANT_NONE)
		store_grant_insert(c->tx, gs, &c->next);
	else
		store_grant_update(c->tx, gs, c->g, &c->next);
	plan_jobs(c);
	gs->face->card(gs->face->arg, c->tx, &c->next);
	/* Taking away, and saying what is true, goes before a full disk. */
	if (c->next.state == GRANT_ENDING || c->next.state >= GRANT_FAILED ||
	    (c->next.flags & GRANT_REMOVED_OUTSIDE) != 0)
		bh_tx_urgent(c->tx);
	failpoint(c, "before-commit");
	grants_commit(gs, c->tx, committed, c);
}

void
change_drop(struct change *c)
{
	bh_tx_drop(c->tx);
	undo(c);
	c->g->busy = false;
	c->magic = 0;
	free(c);
}
