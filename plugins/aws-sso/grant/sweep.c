/*
 * sweep.c - looking at AWS without a reason: is what we believe still so?
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every 5 minutes the pairs (account, permission set) of live grants and of
 * all that was touched within a day; every 10 minutes all pairs that rules
 * cover.  One call a time, at the lowest priority.  Missing twice: removed by
 * somebody else.  An orphan: tried again once a day.  There without a row of
 * ours: reported or, if the setting says so, revoked - unless there are
 * suspiciously many, since that looks more like a lost store than like many
 * strangers.
 */

#include "plugins/aws-sso/grant/engine.h"

#define LEASES		(5 * MINUTE)
#define MANAGED		(10 * MINUTE)
#define AGAIN		(15 * SECOND)
#define ORPHANS		(24 * HOUR)
#define UNKNOWN_MAX	1000

struct pair { char *account, *set; };

struct sweep {
	struct bh_timer *timer;
	int64_t leases_at, managed_at;
	bool running, managed;
	struct pair *pairs;
	size_t count, room, at;
	int64_t asked;			/* when the call under way was made */
	bool again;			/* something was missing: look soon */
	struct unknown { struct key *key; int64_t asked; } unknown[UNKNOWN_MAX];
	size_t unknown_count;
};

static void next(struct grants *);
static void timer_ran(void *arg);

static void
arm(struct grants *gs)
{
	struct sweep *s = gs->sweep;
	int64_t now = bh_mono(gs->host);
	int64_t at = s->leases_at < s->managed_at ? s->leases_at :
	    s->managed_at;

	if (s->timer != NULL)
		bh_cancel(gs->host, s->timer);
	s->timer = bh_after(gs->host, at > now ? at - now : 0, timer_ran, gs);
}

/* ------------------------------------------------------------------ */
/* What to look at                                                     */

static void
add_pair(struct sweep *s, const char *account, const char *set)
{
	if (s->count == s->room) {
		s->room = s->room != 0 ? s->room * 2 : 64;
		s->pairs = realloc(s->pairs, s->room * sizeof(*s->pairs));
		assert(s->pairs != NULL);
	}
	s->pairs[s->count++] = (struct pair){ grant_dup(account),
	    grant_dup(set) };
}

static int
pair_order(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int d = strcmp(x->account, y->account);

	return d != 0 ? d : strcmp(x->set, y->set);
}

static void
make_unique(struct sweep *s)
{
	size_t n = 0;

	if (s->count == 0)
		return;
	qsort(s->pairs, s->count, sizeof(*s->pairs), pair_order);
	for (size_t i = 1; i < s->count; i++)
		if (pair_order(&s->pairs[n], &s->pairs[i]) == 0) {
			free(s->pairs[i].account);
			free(s->pairs[i].set);
		} else {
			s->pairs[++n] = s->pairs[i];
		}
	s->count = n + 1;
}

static bool
worth_looking(const struct key *k, int64_t now)
{
	return k->version > 0 && (k->touched > now ||
	    (k->seen == KEY_PRESENT && (k->flags & KEY_OURS) != 0));
}

static bool
forgettable(const struct key *k, int64_t now)
{
	return k->grants == NULL && k->phase == KEY_IDLE &&
	    k->seen != KEY_PRESENT && k->touched <= now && !k->busy &&
	    !k->calling && !k->searching && !k->unsaved && k->slot == NULL;
}

static void
collect(struct grants *gs)
{
	struct sweep *s = gs->sweep;
	int64_t now = bh_now(gs->host);
	struct grant_pair p;

	for (size_t i = 0; i < gs->keys_size; i++)
		for (struct key **at = &gs->keys[i]; *at != NULL; ) {
			struct key *k = *at;

			if (forgettable(k, now)) {
				*at = k->next;
				gs->keys_count--;
				key_free(k);
				continue;
			}
			if (worth_looking(k, now))
				add_pair(s, k->account, k->permission_set);
			at = &k->next;
		}
	if (s->managed && gs->rules->pair != NULL)
		for (size_t n = 0; gs->rules->pair(gs->rules->arg, n, &p); n++)
			add_pair(s, p.account, p.permission_set);
	make_unique(s);
}

/* ------------------------------------------------------------------ */
/* What was found                                                      */

static void
unknown_found(struct grants *gs, struct key *k)
{
	struct sweep *s = gs->sweep;

	for (size_t i = 0; i < s->unknown_count; i++)
		if (s->unknown[i].key == k)
			return;
	if (s->unknown_count < UNKNOWN_MAX)
		s->unknown[s->unknown_count++] = (struct unknown){ k, s->asked };
}

/* Nothing moved on this key since `asked`. */
static bool
quiet(const struct key *k, int64_t asked)
{
	return k->phase == KEY_IDLE && !k->busy && !k->calling &&
	    !k->searching && k->slot == NULL && k->changed < asked;
}

/* The sweep went on for minutes since it saw them there.  Meanwhile somebody
 * may have asked for one of them: then its own look decides whose it is. */
static void
keep_quiet_ones(struct sweep *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->unknown_count; i++)
		if (quiet(s->unknown[i].key, s->unknown[i].asked) &&
		    !key_desired(s->unknown[i].key, NULL))
			s->unknown[n++] = s->unknown[i];
	s->unknown_count = n;
}

static void
compare(struct grants *gs, struct key *k, bool present)
{
	struct sweep *s = gs->sweep;
	int64_t now = bh_now(gs->host);

	if (!quiet(k, s->asked))
		return;
	if (present) {
		k->missing_once = k->gone_outside = false;
		if (k->seen == KEY_PRESENT)
			k->seen_at = now;
		if ((k->flags & KEY_ORPHAN) != 0 && !k->wish &&
		    now - k->signed_at >= ORPHANS) {
			/* Who was missing then may be back: never give up. */
			k->flags &= ~(unsigned)KEY_ORPHAN;
			k->late_from = 0;
			key_tick(k);
			return;
		}
		if (k->seen != KEY_PRESENT && !k->wish)
			unknown_found(gs, k);
		else if ((k->flags & KEY_REPORTED) != 0 && k->grants == NULL &&
		    gs->options.unknown == UNKNOWN_REVOKE)
			unknown_found(gs, k);
		return;
	}
	if (k->seen != KEY_PRESENT)
		return;
	if (!k->missing_once) {
		k->missing_once = s->again = true;
		return;
	}
	k->missing_once = false;
	if (k->seen_at < k->delete_until || k->grants == NULL) {
		/* A delete of ours that nobody heard of again arrived late
		 * (then the wish brings the access back), or nobody cares. */
		struct key_row r = key_row(k);

		r.seen = KEY_ABSENT;
		r.seen_at = now;
		r.flags = key_quarantine(k) > 0 ? r.flags : 0;
		key_commit(k, &r, "missing", "aws.missing", NULL, true, NULL);
		return;
	}
	k->gone_outside = true;
	key_tick(k);
}

static void
report(struct grants *gs, bool breaker)
{
	struct sweep *s = gs->sweep;
	struct bh_buf names = BH_BUF(1200);
	struct key *first = s->unknown[0].key;
	size_t fresh = 0;
	char key[120];

	for (size_t i = 0; i < s->unknown_count; i++) {
		struct key *k = s->unknown[i].key;
		struct key_row r = key_row(k);
		char name[300];

		if ((k->flags & KEY_REPORTED) != 0)
			continue;
		if (fresh++ < 5) {
			key_text(k, name, sizeof(name));
			bh_buf_add(&names, "%s%s", fresh > 1 ? "; " : "", name);
		}
		r.seen = KEY_PRESENT;
		r.seen_at = bh_now(gs->host);
		r.flags = KEY_FOREIGN | KEY_REPORTED;
		key_commit(k, &r, "unknown-found", "access.unknown",
		    breaker ? "too many to revoke" : "reported", true, NULL);
	}
	if (fresh > 0) {
		snprintf(key, sizeof(key), "unknown/%s/%s/%lld", first->account,
		    first->principal, (long long)bh_now(gs->host));
		notice_send(gs, "", true, key, "%zu assignments at AWS are not "
		    "bellhop's: %s%s.%s", fresh, bh_buf_text(&names),
		    fresh > 5 ? "; ..." : "", breaker ? " They are too many to "
		    "be revoked without asking; look at them, and at the "
		    "store." : "");
	}
	bh_buf_release(&names);
}

static void
revoke_unknown(struct grants *gs)
{
	struct sweep *s = gs->sweep;

	for (size_t i = 0; i < s->unknown_count; i++) {
		struct key *k = s->unknown[i].key;
		struct key_row r = key_row(k);
		char name[300], key[120];

		key_text(k, name, sizeof(name));
		snprintf(key, sizeof(key), "unknown/%s/%s/%lld", k->account,
		    k->principal, (long long)bh_now(gs->host));
		notice_send(gs, "", true, key, "An assignment that is not "
		    "bellhop's is being removed: %s.", name);
		r.seen = KEY_PRESENT;
		r.seen_at = bh_now(gs->host);
		r.flags = KEY_PURGE;
		key_commit(k, &r, "unknown-found", "access.unknown", "revoked",
		    true, NULL);
	}
}

static void
conclude(struct grants *gs)
{
	struct sweep *s = gs->sweep;
	size_t known = 0, limit;

	keep_quiet_ones(s);
	if (s->unknown_count > 0) {
		for (size_t i = 0; i < gs->keys_size; i++)
			for (struct key *k = gs->keys[i]; k; k = k->next)
				known += (k->flags & KEY_OURS) != 0;
		limit = known / 20 > 10 ? known / 20 : 10;
		if (gs->options.unknown == UNKNOWN_REVOKE &&
		    s->unknown_count <= limit)
			revoke_unknown(gs);
		else
			report(gs, gs->options.unknown == UNKNOWN_REVOKE);
	}
	s->unknown_count = 0;
	for (size_t i = 0; i < s->count; i++) {
		free(s->pairs[i].account);
		free(s->pairs[i].set);
	}
	s->count = s->at = 0;
	s->running = false;
	if (s->again)
		s->leases_at = bh_mono(gs->host) + AGAIN;
	s->again = false;
	arm(gs);
}

static void
listed(void *arg, enum sso_outcome outcome, const char *reason,
    const struct sso_assignment *rows, size_t count)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);
	struct sweep *s = gs->sweep;
	const struct pair *p = &s->pairs[s->at];

	(void)reason;
	bh_failpoint(gs->host, "grant.sweep.after-answer");
	s->at++;
	if (outcome != SSO_STATUS) {
		next(gs);
		return;
	}
	for (size_t i = 0; i < gs->keys_size; i++)
		for (struct key *k = gs->keys[i], *n; k != NULL; k = n) {
			bool present = false;

			n = k->next;
			if (k->version == 0 ||
			    strcmp(k->account, p->account) != 0 ||
			    strcmp(k->permission_set, p->set) != 0)
				continue;
			for (size_t j = 0; j < count && !present; j++)
				present = !rows[j].group &&
				    strcmp(rows[j].principal,
				    k->principal) == 0;
			compare(gs, k, present);
		}
	/* And those that we have no row for. */
	for (size_t j = 0; j < count; j++) {
		struct key *k;

		if (rows[j].group)
			continue;
		k = key_get(gs, p->account, p->set, rows[j].principal);
		if (k->version == 0 && !k->wish && quiet(k, s->asked))
			unknown_found(gs, k);
	}
	next(gs);
}

/* ------------------------------------------------------------------ */

static void
next(struct grants *gs)
{
	struct sweep *s = gs->sweep;

	if (s->at >= s->count) {
		conclude(gs);
		return;
	}
	s->asked = bh_mono(gs->host);
	gs->counts.lists++;
	bh_failpoint(gs->host, "grant.sweep.before-send");
	sso_list_assignments(gs->aws, s->pairs[s->at].account,
	    s->pairs[s->at].set, AWS_SWEEP, listed, gs);
}

static void
timer_ran(void *arg)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);
	struct sweep *s = gs->sweep;
	int64_t now = bh_mono(gs->host);

	s->timer = NULL;
	if (s->running)
		return;
	s->managed = now >= s->managed_at;
	if (s->managed)
		s->managed_at = now + MANAGED;
	s->leases_at = now + LEASES;
	s->running = true;
	collect(gs);
	next(gs);
}

void
sweep_start(struct grants *gs)
{
	struct sweep *s = calloc(1, sizeof(*s));

	assert(s != NULL);
	gs->sweep = s;
	/* Soon after a start: much may have happened while we were away. */
	s->leases_at = bh_mono(gs->host) + MINUTE;
	s->managed_at = bh_mono(gs->host) + 2 * MINUTE;
	arm(gs);
}

void
sweep_free(struct grants *gs)
{
	struct sweep *s = gs->sweep;

	if (s == NULL)
		return;
	if (s->timer != NULL)
		bh_cancel(gs->host, s->timer);
	for (size_t i = 0; i < s->count; i++) {
		free(s->pairs[i].account);
		free(s->pairs[i].set);
	}
	free(s->pairs);
	free(s);
	gs->sweep = NULL;
}
