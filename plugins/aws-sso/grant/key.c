/*
 * key.c - the reconciler of one key: what AWS has against what is wanted.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * key_tick() may be called at any time by anybody; it looks at the phase, the
 * wish and the clock and starts at most one thing: a commit, a call, a wait
 * for a slot, or a timer.  Whatever comes back ends in key_tick() again.
 */

#include "plugins/aws-sso/grant/engine.h"

void
key_failpoint(struct key *k, const char *step, const char *when)
{
	char name[64];

	snprintf(name, sizeof(name), "grant.%s.%s", step, when);
	bh_failpoint(k->all->host, name);
}

/* ------------------------------------------------------------------ */
/* Time                                                                */

static void
timer_ran(void *arg)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);

	k->timer = NULL;
	key_tick(k);
}

void
key_tick_after(struct key *k, int64_t ms)
{
	k->wake = bh_mono(k->all->host) + ms;
	if (k->timer != NULL)
		bh_cancel(k->all->host, k->timer);
	k->timer = bh_after(k->all->host, ms, timer_ran, k);
}

/* 1, 2, 4 ... 60 s, give or take a quarter, for ever. */
void
key_back_off(struct key *k, int64_t at_least)
{
	int64_t ms = SECOND << (k->failures < 6 ? k->failures : 6);
	uint16_t dice;

	if (ms > MINUTE)
		ms = MINUTE;
	bh_random(k->all->host, &dice, sizeof(dice));
	ms = ms * 3 / 4 + ms / 2 * dice / 65536;
	k->failures++;
	key_tick_after(k, ms > at_least ? ms : at_least);
}

/* ------------------------------------------------------------------ */
/* The wish                                                            */

bool
key_desired(const struct key *k, const struct grant *but)
{
	int64_t now = grants_now(k->all);

	for (const struct grant *g = k->grants; g != NULL; g = g->key_next)
		if (g != but && grant_wants(g, now))
			return true;
	return false;
}

/* Since when the access should be gone. */
static int64_t
late_since(const struct key *k, int64_t now)
{
	int64_t at = 0;

	for (const struct grant *g = k->grants; g != NULL; g = g->key_next) {
		int64_t over = g->state == GRANT_ENDING ? g->over :
		    g->state == GRANT_ACTIVE ? g->end : 0;

		if (over <= now && over > at)
			at = over;
	}
	return at != 0 ? at : now;
}

/* What we signed ourselves is measured by the clock that never jumps; what
 * was found in the store, by the wall clock. */
int64_t
key_quarantine(const struct key *k)
{
	int64_t left = k->fence != 0 ? k->fence - bh_mono(k->all->host) :
	    k->quarantine - bh_now(k->all->host);

	return k->quarantine != 0 && left > 0 ? left : 0;
}

static void
look_at_wish(struct key *k, int64_t now)
{
	bool want = key_desired(k, NULL);

	if (want != k->wish) {
		k->wish = want;
		k->failures = 0;
		k->wake = 0;		/* a back-off was for the old wish */
		/* A slot that is only waited for is for the old wish too. */
		if (k->slot != NULL && !k->busy && !k->calling &&
		    k->phase != KEY_POLLING &&
		    (k->slot_op == KEY_CREATE) != want)
			key_slot_free(k);
	}
	if (want) {
		/* Whoever gets access anew is in the directory again. */
		k->flags &= ~(unsigned)KEY_ORPHAN;
		k->late_from = 0;
		k->level = 0;
	} else if (k->late_from == 0 && (k->flags & KEY_FOREIGN) == 0 &&
	    (k->phase != KEY_IDLE || (k->seen == KEY_PRESENT &&
	    (k->flags & (KEY_OURS | KEY_PURGE)) != 0))) {
		k->late_from = late_since(k, now);
		stuck_look(k->all);
	}
}

/* ------------------------------------------------------------------ */
/* Lists                                                               */

static bool
among(const struct key *k, const struct sso_assignment *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!rows[i].group && strcmp(rows[i].principal,
		    k->principal) == 0)
			return true;
	return false;
}

static void
list(struct key *k, enum aws_priority priority, const char *step,
    sso_assignments_cb *cb)
{
	k->calling = true;
	k->all->counts.lists++;
	key_failpoint(k, step, "before-send");
	sso_list_assignments(k->all->aws, k->account, k->permission_set,
	    priority, cb, k);
}

/* Before the first create: what is there already is not ours, and stays.
 * Many of these must not hold up the looks that make places free. */
static void
checked(void *arg, enum sso_outcome outcome, const char *reason,
    const struct sso_assignment *rows, size_t count)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);
	int64_t now = bh_now(k->all->host);

	k->calling = false;
	key_failpoint(k, "check", "after-answer");
	if (outcome == SSO_NOT_FOUND || outcome == SSO_INVALID ||
	    outcome == SSO_DENIED) {
		/* No such account or set, or not for us: nothing to wait
		 * for. */
		struct key_row r = key_row(k);
		char text[900];

		if (outcome == SSO_DENIED) {
			snprintf(text, sizeof(text), "bellhop itself may not "
			    "look at who has access; an admin must look at its "
			    "credentials and IAM policy (%s)", reason != NULL ?
			    reason : "no reason given");
			reason = text;
			bh_log(k->all->host, BH_LOG_ERROR, "%s", text);
		}

		r.phase = KEY_IDLE;
		r.refused_at = now;
		r.refused = reason != NULL ? reason : "no reason given";
		key_commit(k, &r, "check", "aws.refused", r.refused, false,
		    NULL);
		return;
	}
	if (outcome != SSO_STATUS) {
		key_back_off(k, 0);
		return;
	}
	if (among(k, rows, count)) {
		struct key_row r = key_row(k);

		r.phase = KEY_IDLE;
		r.op = KEY_NOTHING;
		r.seen = KEY_PRESENT;
		r.seen_at = now;
		r.flags |= KEY_FOREIGN;
		key_commit(k, &r, "check", "aws.verified",
		    "present before any intent of ours", false, NULL);
		return;
	}
	k->seen = KEY_ABSENT;
	k->flags &= ~(unsigned)(KEY_FOREIGN | KEY_REPORTED);
	k->checked_at = bh_mono(k->all->host);
	key_tick(k);
}

void
key_close(struct key *k, bool present)
{
	struct key_row r = key_row(k);
	int64_t left = key_quarantine(k);

	r.phase = KEY_IDLE;
	r.op = KEY_NOTHING;
	r.seen_at = bh_now(k->all->host);
	r.seen = present ? KEY_PRESENT : KEY_ABSENT;
	r.unknown_since = 0;
	if (present) {
		if ((r.flags & (KEY_OURS | KEY_PURGE)) == 0)
			r.flags |= KEY_FOREIGN;
	} else if (left > 0) {
		/* A create of ours may still be on its way. */
		if (!k->wish) {
			r.phase = KEY_UNKNOWN;
			r.unknown_since = r.seen_at;
			key_tick_after(k, left < MINUTE ? left : MINUTE);
		}
	} else {
		r.flags = 0;
		r.quarantine = 0;
		r.late_from = 0;
	}
	k->failures = 0;
	k->verifies = 0;
	k->denied = false;
	k->checked_at = 0;
	if (present)
		k->creates_failed = 0;
	key_commit(k, &r, "verified", "aws.verified",
	    present ? "present" : "absent", true, NULL);
}

void
key_unclear(struct key *k, const char *why)
{
	struct key_row r = key_row(k);
	int64_t until = r.signed_at + QUARANTINE;

	r.phase = KEY_UNKNOWN;
	r.unknown_since = bh_now(k->all->host);
	r.request_id = "";
	if (k->op == KEY_CREATE) {
		r.seen = KEY_UNSEEN;
		if (r.quarantine < until)
			r.quarantine = until;
		if (k->sent_at != 0)
			k->fence = k->sent_at + QUARANTINE;
	} else if (r.delete_until < until) {
		r.delete_until = until;
	}
	key_slot_free(k);
	key_commit(k, &r, "unknown", "aws.unknown", why, true, NULL);
}

void
key_verify(struct key *k, int op, const char *action, const char *detail)
{
	struct key_row r = key_row(k);

	r.phase = KEY_VERIFY;
	r.op = op;
	k->verifies = 0;
	key_slot_free(k);
	key_commit(k, &r, "over", action, detail, true, NULL);
}

/* ------------------------------------------------------------------ */
/* VERIFY                                                              */

static void
described(void *arg, const struct sso_result *res)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);

	/* "It was not there" and yet List shows it: what List shows came
	 * after, which makes the removal as good as done and undone. */
	bool undone = k->op == KEY_DELETE && res->reason != NULL &&
	    sso_reason_is_absent(res->reason);

	k->calling = false;
	key_failpoint(k, "describe", "after-answer");
	if (res->outcome == SSO_STATUS && k->op == KEY_DELETE && !k->wish &&
	    (undone || res->status == SSO_SUCCEEDED) &&
	    key_quarantine(k) > 0) {
		key_start(k, KEY_DELETE);	/* a late create of ours */
	} else if (res->outcome == SSO_STATUS && res->status == SSO_FAILED &&
	    !undone) {
		key_failed(k, res->reason);
	} else if (res->outcome == SSO_STATUS &&
	    res->status == SSO_IN_PROGRESS) {
		struct key_row r = key_row(k);

		r.phase = KEY_POLLING;
		key_commit(k, &r, "polling", "aws.in_progress", NULL, true,
		    poll_add);
	} else if (res->outcome == SSO_STATUS) {
		key_tick_after(k, 10 * SECOND);	/* List lags behind */
	} else if (res->outcome == SSO_NOT_FOUND) {
		key_unclear(k, "AWS does not know the operation");
	} else {
		key_back_off(k, 0);
		k->verifies = 0;
	}
}

static void
disagrees(struct key *k, bool present)
{
	k->verifies++;
	if (k->verifies == 1 && k->request_id[0] != '\0') {
		k->calling = true;
		key_failpoint(k, "describe", "before-send");
		if (k->op == KEY_CREATE)
			sso_creation_status(k->all->aws, k->request_id,
			    AWS_STATUS, described, k);
		else
			sso_deletion_status(k->all->aws, k->request_id,
			    AWS_STATUS, described, k);
		return;
	}
	if (k->verifies < 4) {
		key_tick_after(k, 10 * SECOND);
		return;
	}
	/* Three looks over 30 s: AWS says it is done and does not show it.
	 * Back to an intent; what may still come is fenced. */
	k->verifies = 0;
	if (k->op == KEY_CREATE && !present)
		key_unclear(k, "created, but never shown");
	else if (!k->wish)
		key_start(k, KEY_DELETE);
	else
		key_close(k, present);
}

static void
verified(void *arg, enum sso_outcome outcome, const char *reason,
    const struct sso_assignment *rows, size_t count)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);
	bool present;

	(void)reason;
	k->calling = false;
	key_failpoint(k, "verify", "after-answer");
	if (outcome == SSO_NOT_FOUND && (k->op != KEY_CREATE || !k->wish)) {
		key_close(k, false);	/* the account or the set is gone */
		return;
	}
	if (outcome != SSO_STATUS) {
		key_back_off(k, 0);
		return;
	}
	present = among(k, rows, count);
	if (k->op == KEY_NOTHING || present == (k->op == KEY_CREATE))
		key_close(k, present);
	else
		disagrees(k, present);
}

/* ------------------------------------------------------------------ */
/* UNKNOWN                                                             */

static void
unknown_listed(void *arg, enum sso_outcome outcome, const char *reason,
    const struct sso_assignment *rows, size_t count)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);
	int64_t left = key_quarantine(k);
	bool present;

	(void)reason;
	k->calling = false;
	key_failpoint(k, "unknown", "after-answer");
	if (outcome != SSO_STATUS && outcome != SSO_NOT_FOUND) {
		key_back_off(k, 0);
		return;
	}
	present = outcome == SSO_STATUS && among(k, rows, count);
	if (k->wish && present) {
		key_close(k, true);
	} else if (k->wish) {
		/* A second create has no second effect: nobody waits. */
		key_start(k, KEY_CREATE);
	} else if (present) {
		k->seen = KEY_PRESENT;
		key_start(k, KEY_DELETE);
	} else if (left == 0) {
		key_close(k, false);
	} else {
		k->seen = KEY_ABSENT;
		k->seen_at = bh_now(k->all->host);
		key_tick_after(k, left < MINUTE ? left : MINUTE);
	}
}

void
key_searched(struct key *k, int result, int op, const char *request_id)
{
	struct key_row r = key_row(k);

	k->searching = false;
	if (result != BH_OK) {
		key_back_off(k, 0);
		return;
	}
	if (op != KEY_NOTHING && k->phase == KEY_UNKNOWN &&
	    (k->flags & (KEY_OURS | KEY_PURGE)) != 0) {
		r.phase = KEY_POLLING;
		r.op = op;
		r.request_id = request_id;
		key_commit(k, &r, "adopt", "aws.adopted",
		    op == KEY_CREATE ? "create" : "delete", true, poll_add);
	} else if (op != KEY_NOTHING) {
		key_tick_after(k, 2 * SECOND);	/* somebody's: wait for it */
	} else if (k->phase == KEY_UNKNOWN) {
		list(k, AWS_STATUS, "unknown", unknown_listed);
	} else {
		k->conflict = false;
		k->checked_at = 0;	/* it may be there now, by others */
		key_tick(k);
	}
}

static void
search(struct key *k)
{
	k->searching = true;
	poll_search(k);
}

/* ------------------------------------------------------------------ */
/* What poll.c says                                                    */

void
key_polled(struct key *k)
{
	k->poll_failed = 0;
	if (k->phase == KEY_POLLING && !k->busy)
		key_verify(k, k->op, "aws.finished", NULL);
}

void
key_poll_failed(struct key *k)
{
	int64_t now = bh_mono(k->all->host);

	if (k->poll_failed == 0)
		k->poll_failed = now;
	else if (now - k->poll_failed > MINUTE && k->phase == KEY_POLLING &&
	    !k->busy) {
		k->poll_failed = 0;
		key_unclear(k, "AWS cannot be asked how it went");
	}
}

/* ------------------------------------------------------------------ */
/* The machine                                                         */

static void
settle(struct key *k)
{
	for (struct grant *g = k->grants, *next; g != NULL; g = next) {
		next = g->key_next;
		grant_tick(g);
	}
}

/* Has every grant that wants it been refused by AWS already? */
static bool
all_refused(const struct key *k, int64_t now)
{
	for (const struct grant *g = k->grants; g != NULL; g = g->key_next)
		if (grant_wants(g, now) && (k->refused[0] == '\0' ||
		    g->decided > k->refused_at))
			return false;
	return true;
}

/* Somebody took the assignment away at AWS: say so on every grant first, so
 * that the wish is gone before the key believes it. */
static void
believe_outside(struct key *k)
{
	struct key_row r = key_row(k);
	bool told = true;

	for (struct grant *g = k->grants; g != NULL; g = g->key_next)
		if (g->state == GRANT_ACTIVE &&
		    (g->flags & GRANT_REMOVED_OUTSIDE) == 0) {
			revoke_outside(g);
			told = false;
		}
	if (!told) {
		key_tick_after(k, SECOND);
		return;
	}
	k->gone_outside = false;
	r.seen = KEY_ABSENT;
	r.seen_at = bh_now(k->all->host);
	if (key_quarantine(k) == 0) {
		r.flags = 0;
		r.quarantine = 0;
	}
	r.late_from = 0;
	key_commit(k, &r, "outside", "aws.missing", "removed by others", true,
	    NULL);
}

/* A grant that nobody told "granted" yet must not be told so by what was
 * seen long ago. */
static bool
somebody_new(const struct key *k, int64_t now)
{
	for (const struct grant *g = k->grants; g != NULL; g = g->key_next)
		if (g->state == GRANT_APPROVED && grant_wants(g, now))
			return true;
	return false;
}

/* A create of ours may still land, although nothing is under way: a later one
 * was refused for good, or called off.  Watched until it cannot any more, or
 * it would be taken for somebody else's when it comes. */
static bool
may_land(const struct key *k)
{
	return k->seen != KEY_PRESENT && (k->flags & KEY_OURS) != 0 &&
	    key_quarantine(k) > 0;
}

static void
watch(struct key *k, int64_t now)
{
	struct key_row r = key_row(k);

	r.phase = KEY_UNKNOWN;
	r.op = KEY_NOTHING;
	r.unknown_since = now;
	key_commit(k, &r, "watch", "aws.unknown", "an earlier create may "
	    "still arrive", true, NULL);
}

static bool
check_is_old(const struct key *k)
{
	return k->checked_at == 0 ||
	    bh_mono(k->all->host) - k->checked_at > MINUTE;
}

static void
idle(struct key *k, int64_t now)
{
	bool ours = (k->flags & (KEY_OURS | KEY_PURGE)) != 0 &&
	    (k->flags & (KEY_FOREIGN | KEY_ORPHAN)) == 0;
	bool stale = (k->flags & KEY_FOREIGN) != 0 &&
	    now - k->seen_at > MINUTE && somebody_new(k, now);

	if (k->gone_outside) {
		believe_outside(k);
		return;
	}
	if (!k->wish) {
		if (ours && k->seen == KEY_PRESENT) {
			key_start(k, KEY_DELETE);
			return;
		}
		if (may_land(k)) {
			watch(k, now);
			return;
		}
		settle(k);
		return;
	}
	if (k->seen == KEY_PRESENT && !stale) {
		settle(k);
		return;
	}
	if (all_refused(k, now)) {
		settle(k);
		return;
	}
	if (grants_halted(k->all, k->account) != NULL ||
	    bh_store_health(k->all->host) != BH_OK) {
		key_tick_after(k, 5 * SECOND);
		return;
	}
	if ((k->flags & KEY_OURS) == 0 &&
	    check_is_old(k))
		list(k, AWS_INTERACTIVE, "check", checked);
	else
		key_start(k, KEY_CREATE);
}

/* The open intent certainly had no effect: it may be tried again, or the
 * wish has turned and List says where we stand. */
static void
intent(struct key *k)
{
	int op = k->phase == KEY_CREATE_INTENT ? KEY_CREATE : KEY_DELETE;

	if (!k->settled) {
		key_unclear(k, "left open");
		return;
	}
	if (k->conflict) {
		search(k);
		return;
	}
	if (k->wish != (op == KEY_CREATE)) {
		key_verify(k, KEY_NOTHING, NULL, NULL);
		return;
	}
	if (op == KEY_CREATE && grants_halted(k->all, k->account) != NULL)
		key_tick_after(k, 5 * SECOND);
	else if (op == KEY_CREATE && (k->flags & KEY_OURS) == 0 &&
	    check_is_old(k))
		list(k, AWS_INTERACTIVE, "check", checked);
	else
		key_start(k, op);
}

void
key_tick(struct key *k)
{
	struct grants *gs = k->all;
	int64_t now = grants_now(gs), mono = bh_mono(gs->host);

	if (!gs->loaded || gs->leaving)
		return;
	look_at_wish(k, now);
	if (k->busy || k->calling || k->searching || k->slot != NULL) {
		if (k->phase != KEY_POLLING || k->busy || k->calling)
			return;
	}
	if (mono < k->wake) {
		if (k->timer == NULL)
			key_tick_after(k, k->wake - mono);
		return;
	}
	if (k->unsaved && k->phase == KEY_IDLE) {
		struct key_row r = key_row(k);

		/* Tried until it works; nothing else hangs on it. */
		k->wake = mono + 5 * SECOND;
		key_commit(k, &r, "late", NULL, NULL, true, NULL);
		return;
	}
	switch (k->phase) {
	case KEY_IDLE:
		idle(k, now);
		break;
	case KEY_CREATE_INTENT:
	case KEY_DELETE_INTENT:
		intent(k);
		break;
	case KEY_POLLING:
		poll_add(k);
		break;
	case KEY_UNKNOWN:
		if (!k->wish && k->seen != KEY_ABSENT)
			key_start(k, KEY_DELETE);
		else
			search(k);
		break;
	case KEY_VERIFY:
		list(k, AWS_STATUS, "verify", verified);
		break;
	default:
		grants_broken(gs, "a key is in a phase of the table");
	}
}
