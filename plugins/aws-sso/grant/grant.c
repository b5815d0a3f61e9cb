/*
 * grant.c - the states of a grant, which may follow which, and who wants what.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/grant/engine.h"

static const struct {
	const char *word, *name;
	bool final;
} states[GRANT_STATES] = {
	[GRANT_NONE] = { "none", "new", false },
	[GRANT_PENDING] = { "pending", "waiting for approval", false },
	[GRANT_APPROVED] = { "approved", "granting", false },
	[GRANT_ACTIVE] = { "active", "granted", false },
	[GRANT_ENDING] = { "ending", "ending", false },
	[GRANT_DENIED] = { "denied", "denied", true },
	[GRANT_CANCELLED] = { "cancelled", "cancelled", true },
	[GRANT_EXPIRED] = { "expired", "expired", true },
	[GRANT_REFUSED] = { "refused", "refused", true },
	[GRANT_FAILED] = { "failed", "failed", true },
	[GRANT_LAPSED] = { "lapsed", "lapsed", true },
	[GRANT_ENDED] = { "ended", "ended", true },
	[GRANT_ABANDONED] = { "abandoned", "abandoned", true },
};

/* Every transition there is.  Whatever is not here does not happen: asking
 * for it is a broken machine, which stops granting (R9). */
static const struct { int from, to; } moves[] = {
	{ GRANT_NONE, GRANT_PENDING },		/* request accepted */
	{ GRANT_NONE, GRANT_APPROVED },		/* no approval needed */
	{ GRANT_PENDING, GRANT_PENDING },	/* a vote, more needed */
	{ GRANT_PENDING, GRANT_APPROVED },	/* enough votes */
	{ GRANT_PENDING, GRANT_DENIED },
	{ GRANT_PENDING, GRANT_CANCELLED },
	{ GRANT_PENDING, GRANT_EXPIRED },
	{ GRANT_PENDING, GRANT_REFUSED },	/* may no longer ask */
	{ GRANT_APPROVED, GRANT_ACTIVE },	/* key verified present */
	{ GRANT_APPROVED, GRANT_FAILED },	/* AWS refuses for good */
	{ GRANT_APPROVED, GRANT_REFUSED },	/* policy says no at the intent */
	{ GRANT_APPROVED, GRANT_LAPSED },	/* end came first */
	{ GRANT_APPROVED, GRANT_ENDING },	/* revoked before it was seen */
	{ GRANT_ACTIVE, GRANT_ACTIVE },		/* removed outside: a flag */
	{ GRANT_ACTIVE, GRANT_ENDING },		/* end, or revoked */
	{ GRANT_ENDING, GRANT_ENDED },		/* key verified absent */
	{ GRANT_ENDING, GRANT_ABANDONED },	/* two people gave up */
};

const char *
grant_state_name(int state)
{
	return state >= 0 && state < GRANT_STATES ? states[state].name : "?";
}

const char *
grant_state_word(int state)
{
	return state >= 0 && state < GRANT_STATES ? states[state].word : "?";
}

int
grant_state_of_word(const char *word)
{
	for (int i = 1; word != NULL && i < GRANT_STATES; i++)
		if (strcmp(states[i].word, word) == 0)
			return i;
	return GRANT_NONE;
}

bool
grant_state_final(int state)
{
	return state >= 0 && state < GRANT_STATES && states[state].final;
}

const char *
grant_ended_by(const struct grant *g)
{
	bool person = g->state == GRANT_DENIED || g->state == GRANT_CANCELLED ||
	    g->state == GRANT_ABANDONED || (g->flags & GRANT_REVOKED) != 0;

	return person ? g->by : "";
}

bool
grant_may_move(int from, int to)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].from == from && moves[i].to == to)
			return true;
	return false;
}

/* The clock alone ends a wish: a store that cannot write, or a commit under
 * way, never keeps access alive (R8). */
bool
grant_wants(const struct grant *g, int64_t now)
{
	if (g->revoking || (g->flags & GRANT_REMOVED_OUTSIDE) != 0)
		return false;
	if (g->state != GRANT_APPROVED && g->state != GRANT_ACTIVE)
		return false;
	return g->start <= now && now < g->end;
}

int64_t
grant_deadline(const struct grant *g)
{
	int64_t due = 0;

	switch (g->state) {
	case GRANT_PENDING:
		due = g->lapses;
		break;
	case GRANT_APPROVED:
		due = g->seen == 0 && grants_now(g->all) < g->start ?
		    g->start : g->end;
		break;
	case GRANT_ACTIVE:
		due = g->end;
		break;
	default:
		break;
	}
	if (g->revoking && g->retry_after != 0)
		due = g->retry_after;
	else if (due != 0 && due < g->retry_after)
		due = g->retry_after;
	return due;
}

void
grant_verdict_init(struct grant_verdict *v)
{
	*v = (struct grant_verdict){
		.rule = BH_BUF(256), .why = BH_BUF(2000),
		.approvers = BH_BUF(1000),
	};
}

void
grant_verdict_release(struct grant_verdict *v)
{
	bh_buf_release(&v->rule);
	bh_buf_release(&v->why);
	bh_buf_release(&v->approvers);
}

static void
text_free(char **p)
{
	free(*p);
	*p = NULL;
}

void
grant_free(struct grant *g)
{
	if (g == NULL)
		return;
	char **texts[] = {
		&g->person, &g->person_name, &g->principal,
		&g->principal_name, &g->account, &g->account_name,
		&g->permission_set, &g->permission_set_name, &g->team,
		&g->place, &g->reason, &g->extends, &g->rule, &g->approvers,
		&g->hash, &g->outcome, &g->by, &g->abandon_person,
		&g->abandon_principal, &g->abandon_name,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		text_free(texts[i]);
	for (size_t i = 0; i < g->votes_count; i++) {
		text_free(&g->votes[i].person);
		text_free(&g->votes[i].principal);
		text_free(&g->votes[i].name);
	}
	free(g->votes);
	g->magic = 0;
	free(g);
}

/* ------------------------------------------------------------------ */
/* Looking                                                             */

const struct grant *
grant_find(struct grants *gs, const char *id)
{
	return id != NULL ? grants_by_id(gs, id) : NULL;
}

static bool
matches(const struct grant *g, const struct grant_filter *f)
{
	if (f == NULL)
		return true;
	if (f->states != 0 && (f->states & (1u << (unsigned)g->state)) == 0)
		return false;
	return (f->person == NULL || strcmp(f->person, g->person) == 0) &&
	    (f->principal == NULL || strcmp(f->principal, g->principal) == 0) &&
	    (f->account == NULL || strcmp(f->account, g->account) == 0) &&
	    (f->permission_set == NULL ||
	    strcmp(f->permission_set, g->permission_set) == 0) &&
	    (f->team == NULL || strcmp(f->team, g->team) == 0);
}

static int
sooner(const void *a, const void *b)
{
	const struct grant *x = *(const struct grant *const *)a;
	const struct grant *y = *(const struct grant *const *)b;
	int64_t p = x->end != 0 ? x->end : x->lapses;
	int64_t q = y->end != 0 ? y->end : y->lapses;

	if (p != q)
		return p < q ? -1 : 1;
	return strcmp(x->id, y->id);
}

void
grant_each(struct grants *gs, const struct grant_filter *f,
    bool (*cb)(void *arg, const struct grant *), void *arg)
{
	const struct grant **list;
	size_t n = 0;

	if (gs->ids_count == 0)
		return;
	list = calloc(gs->ids_count, sizeof(*list));
	assert(list != NULL);
	for (size_t i = 0; i < gs->ids_size; i++)
		for (const struct grant *g = gs->ids[i]; g; g = g->id_next)
			if (matches(g, f))
				list[n++] = g;
	if (n > 0)
		qsort(list, n, sizeof(*list), sooner);
	for (size_t i = 0; i < n; i++)
		if (!cb(arg, list[i]))
			break;
	free(list);
}
