/*
 * engine.h - what the files of grant/ share among themselves, and nobody else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BELLHOP_AWS_SSO_ENGINE_H
#define BELLHOP_AWS_SSO_ENGINE_H

#include <assert.h>

#include "plugins/aws-sso/aws/identity-center.h"
#include "plugins/aws-sso/grant/grant.h"
#include "plugins/aws-sso/grant/key.h"

#define SECOND		((int64_t)1000)
#define MINUTE		(60 * SECOND)
#define HOUR		(60 * MINUTE)

/* How long a signature lives at AWS (15 min), with room for its clock. */
#define QUARANTINE	(20 * MINUTE)
#define TOUCHED		(24 * HOUR)
#define KEY_BUCKETS_MIN	64

/* A pointer that came as void * is what it should be, or we stop here. */
#define GRANT_CAST(type, p, m)						\
	(assert((p) != NULL && ((type *)(p))->magic == (m)), (type *)(p))

struct asking;
struct op;
struct sweep;
struct search;

struct grants {
	unsigned magic;
#define GRANTS_MAGIC	0x6772616cu
	struct bh_host *host;
	struct aws *aws;
	const struct grant_rules *rules;
	const struct grant_face *face;
	struct grant_options options;
	char *alarm, *page, *instance;
	int64_t epoch;

	bool loaded, closed, leaving;
	unsigned outside;	/* commits and queries that will call back */
	bh_commit_cb *load_done;
	void *load_arg;
	unsigned load_waits;

	char *drain;		/* why no grants, or NULL */
	char *trouble;		/* what else is wrong, or NULL */
	bool drain_clock;	/* because the clock ran backwards */
	bool behind;		/* the wall clock is behind `mark` */
	int64_t mark;		/* the highest time known to have been */
	int64_t mark_mono;	/* when that was, by the other clock */
	int64_t wall_at, mono_at;	/* both clocks at the last look */

	struct grant **ids;	/* hash table by id */
	size_t ids_size, ids_count;
	struct grant **heap;	/* by due, soonest first */
	size_t heap_count, heap_room;
	struct key **keys;	/* hash table by tuple */
	size_t keys_size, keys_count;

	struct op *ops;		/* all of them, for the end */
	struct asking *askings;
	struct op *waiting;	/* for a grant that is busy, in order */
	struct op **waiting_tail;
	struct bh_timer *clock;	/* next due grant */
	int64_t clock_at;	/* by the monotonic clock */

	/* poll.c */
	struct bh_timer *poll_timer;
	int64_t poll_at, poll_last;
	int64_t poll_typical;	/* how long operations took lately */
	unsigned poll_out;	/* list calls under way */
	struct search *search;

	struct sweep *sweep;	/* sweep.c */

	/* stuck.c */
	struct bh_timer *stuck_timer;
	int level;
	bool paused_all;

	struct grants_status counts;
};

/* ------------------------------------------------------------------ */
/* engine.c: memory and the clock                                      */

struct grant *grants_by_id(struct grants *, const char *id);
void grants_index(struct grants *, struct grant *);
/* Takes it out of all indexes and frees it. */
void grants_forget(struct grants *, struct grant *);
void grant_free(struct grant *);
/* The time that ends grants: never before a time that has been, so that a
 * clock that was set back does not prolong them. */
int64_t grants_now(const struct grants *);
/* The wall clock is behind `mark`: no grants until it is right again. */
void grants_behind(struct grants *, int64_t mark, const char *what);
/* Puts the grant where its next deadline belongs in the heap. */
void grant_plan(struct grant *);
/* When the clock will change something about it; 0: never. */
int64_t grant_deadline(const struct grant *);
/* Looks at the clock and the key and does what is due. */
void grant_tick(struct grant *);
/* One commit or query less under way; frees the engine that waited. */
bool grants_back(struct grants *);
int grants_commit(struct grants *, struct bh_tx *, bh_commit_cb *, void *arg);
/* Not asked to grant now?  NULL, or the sentence why. */
const char *grants_halted(const struct grants *, const char *account);
/* A rule of the machine was broken: from now on only removals. */
void grants_broken(struct grants *, const char *what);
static inline bool
grants_holds(struct grants *gs, bool holds, const char *what)
{
	if (!holds)
		grants_broken(gs, what);
	return holds;
}
#define HOLDS(gs, x)	grants_holds((gs), (x), #x)

/* What people wrote, cut at 500 characters: approvers must see all of it. */
char *grant_cut(const char *);
char *grant_dup(const char *);		/* NULL gives "" ; never NULL */
char *grant_print(const char *fmt, ...) BH_PRINTF(1, 2);
/* Is the store unable to write, as opposed to saying no? */
bool grant_store_failed(int result);

/* ------------------------------------------------------------------ */
/* change.c: one transition of one grant                               */

struct change {
	unsigned magic;
#define CHANGE_MAGIC	0x6368616eu
	struct grants *gs;
	struct grant *g;
	struct grant next;	/* how it will be; strings may be new */
	/* The texts and votes it had: also good when it was freed since. */
	char *was[6];
	struct grant_vote *was_votes;
	struct bh_tx *tx;
	bool settles;		/* some call, which may be settled already */
	const char *point;	/* names the failpoints */
	void (*done)(void *arg, int result, struct grant *g);
	void *arg;
};

/* Begins a change to state `to` (may be the same).  NULL when the table does
 * not allow it, after entering drain mode.  Marks the grant busy. */
struct change *change_begin(struct grant *, int to, const char *point);
/* Replaces a text of c->next; takes over `text` (from malloc). */
void change_text(struct change *, char **member, char *text);
void change_vote(struct change *, const struct bh_user *, const char *principal);
void change_audit(struct change *, const char *action, const char *actor,
    const char *name, const char *value);
/* The change is what this call asked for; NULL: nobody's. */
void change_settles(struct change *, struct bh_call *);
/* Adds row, card and deadlines, commits.  done may be NULL. */
void change_commit(struct change *, void (*done)(void *arg, int result,
    struct grant *g), void *arg);
/* Calls a change off before it was committed. */
void change_drop(struct change *);

/* ------------------------------------------------------------------ */
/* request.c, revoke.c, op.c: what people and the clock do             */

enum op_kind { OP_VOTE, OP_DENY, OP_CANCEL, OP_REVOKE, OP_EXTEND, OP_ABANDON,
    OP_RECALL };

struct op {
	unsigned magic;
#define OP_MAGIC	0x6f702020u
	struct op *next;
	struct op *all_next, **all_back;
	struct grants *gs;
	int kind;
	char id[GRANT_ID_MAX];
	struct bh_user who;		/* its texts are ours */
	char *text;
	int64_t more;
	struct bh_call *call;		/* to be settled, or NULL */
	grant_done_cb *done;
	void *arg;
};

/* Starts an operation on the grant `id`, when nothing else changes it. */
void op_start(struct grants *, int kind, const char *id,
    const struct bh_user *who, const char *text, int64_t more,
    struct bh_call *call, grant_done_cb *done, void *arg);
/* Ends it with a sentence and frees it. */
void op_end(struct op *, int result, const struct grant *, const char *fmt,
    ...) BH_PRINTF(4, 5);
/* The commit of an operation failed or went through: says so. */
void op_commit_failed(struct op *, int result, const struct grant *);
/* The grant is no longer busy. */
void op_wake(struct grants *, const char *id);
void op_free_all(struct grants *);

void request_free_all(struct grants *);	/* requests on their way */
void request_vote(struct op *, struct grant *);
void request_deny(struct op *, struct grant *);
void request_cancel(struct op *, struct grant *);
void request_extend(struct op *, struct grant *);
void revoke_run(struct op *, struct grant *);
void revoke_abandon(struct op *, struct grant *);

void request_expire(struct grant *);	/* nobody decided */
void request_refuse(struct grant *, const struct grant_verdict *);
void request_recheck(struct grant *);	/* settings changed */
void revoke_lapse(struct grant *);	/* never seen, now over */
void revoke_fail(struct grant *, const char *why);
void revoke_granted(struct grant *);	/* AWS shows it */
void revoke_expire(struct grant *);	/* its end passed */
void revoke_ended(struct grant *);	/* AWS shows that it is gone */
void revoke_outside(struct grant *);	/* somebody else removed it */
void revoke_retry(struct grant *);	/* revoke that the store refused */

/* ------------------------------------------------------------------ */
/* grant-store.c                                                       */

void store_grant_insert(struct bh_tx *, const struct grants *,
    const struct grant *);
void store_grant_update(struct bh_tx *, const struct grants *,
    const struct grant *was, const struct grant *next);
void store_vote_insert(struct bh_tx *, const struct grants *,
    const struct grant *, const struct grant_vote *);
/* The row exists from the moment that a grant is approved. */
void store_key_ensure(struct bh_tx *, const struct grants *,
    const struct grant *);
/* Writes `row` for the key; expects version `k->version` in the store. */
void store_key_put(struct bh_tx *, const struct grants *, const struct key *,
    const struct key_row *row, int64_t touched);
/* Reads everything live; then restart_run(). */
void store_load(struct grants *);
void store_recall(struct grants *, struct op *);

/* ------------------------------------------------------------------ */
/* restart.c, sweep.c, stuck.c, notice.c                               */

void restart_run(struct grants *);
void load_finish(struct grants *, int result);

void sweep_start(struct grants *);
void sweep_free(struct grants *);

void stuck_look(struct grants *);	/* soon; cheap to call */
/* Tells the host how the instance is. */
void stuck_health(struct grants *);
/* A sentence when new grants for the account wait; NULL if they do not. */
const char *stuck_paused(const struct grants *, const char *account);

/* Says something to people, once per `key`: in the team's announce room, and
 * with alarm also to the security channel. */
void notice_add(struct grants *, struct bh_tx *, const char *team,
    bool alarm, const char *key, const char *fmt, ...) BH_PRINTF(6, 7);
/* The same in a transaction of its own. */
void notice_send(struct grants *, const char *team, bool alarm,
    const char *key, const char *fmt, ...) BH_PRINTF(5, 6);
/* Pages somebody by the configured URL. */
void notice_page(struct grants *, const char *text);

#endif
