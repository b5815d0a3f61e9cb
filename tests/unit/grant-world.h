/* grant-world.h - a world in which grants can be tested: store, clock, AWS.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The engine and the store are the real ones.  Time is frozen and moved by
 * the loop.  AWS is a double behind the functions of identity-center.h: it
 * does what `aws` says and writes down every write that reaches it, after
 * looking whether its intent was in the store by then.
 */

#ifndef TESTS_UNIT_GRANT_WORLD_H
#define TESTS_UNIT_GRANT_WORLD_H

#include <check.h>

#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store.h"
#include "plugins/aws-sso/grant/engine.h"

#define T0	INT64_C(1767607200000)	/* 2026-01-05T10:00:00Z */
#define SET	"arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-2222222222222222"

/* ------------------------------------------------------------------ */
/* The double of AWS                                                   */

/* What happens to the next write (and, with `for_ever`, to all). */
enum fate {
	ASYNC,			/* accepted, done after `takes` ms */
	SYNC,			/* done at once */
	LOST_DONE,		/* done, but the answer is lost */
	LOST_LATE,		/* answer lost; arrives after `late` ms */
	LOST_NEVER,		/* answer lost, never arrives */
	CONFLICT, THROTTLED, DENIED, INVALID, NOT_FOUND, BROKEN_5XX,
	NOT_SENT,
	ASYNC_FAILED		/* accepted, then FAILED with `failure` */
};

struct fake_aws {
	int create, remove;	/* enum fate; back to ASYNC when used */
	bool for_ever;
	int64_t takes, late;	/* ms; 3 s and 5 min */
	const char *failure;
	bool blind;		/* List answers with an outage */
	bool status_blind;	/* so do the status lists */
	bool gone;		/* List knows no such account or set */
	int pool;		/* outstanding writes; 0: any number */
	bool unsaved;		/* do not ask for intents: store is broken */
	int creates, deletes, lists, polls, describes;
	struct bh_buf log;	/* "create ada; delete ada; " */
	int unbacked;		/* writes without an intent in the store */
};
extern struct fake_aws aws;

bool aws_has(const char *principal);
/* Somebody else at the console. */
void aws_put(const char *principal);
void aws_take(const char *principal);
void aws_reset(void);

/* ------------------------------------------------------------------ */
/* The world                                                           */

struct rules {
	int needed;
	bool deny, unsure, self;
	bool hold_unsure;	/* may_hold alone does not know */
	bool may_approve;
	int asked, held;
	const char *pair;	/* account that the managed sweep looks at */
	const char *pair2;	/* another, or NULL */
};
extern struct rules rules;

extern struct grants *gs;
extern struct loop *loop;
extern struct store *store;
extern struct bh_host host;
extern int commit_fails;	/* every commit gives this; 0: none */
extern bool urgent_fails;	/* urgent ones too */
extern struct bh_buf told;	/* posts and notices, for people */
extern struct bh_buf points;	/* failpoints that were passed */
extern struct grant_options options;
/* The engine dies (nothing it does has any effect any more) when it passes
 * a failpoint for the kill_at-th time; 0: never. */
extern int kill_at, points_passed;
bool world_dead(void);
extern int64_t clock_step;	/* the wall clock was set by this, ms */
extern unsigned life;		/* differs from engine to engine */

void world_setup(void);
void world_teardown(void);
/* Ends the engine (as kill -9 does: nothing is written), starts it anew. */
void world_restart(void);
void world_stop(void);
void world_start(void);
/* Lets time pass. */
void pass(int64_t ms);

extern const struct bh_user ada, grace, kate;

/* What the next operations settle: a kept event in the store's inbox, made by
 * settle_new(); NULL: nothing. */
extern struct bh_call *settling;
void settle_new(void);
bool settled(void);
int64_t kept_event(void);	/* its id */

/* These wait for the answer; the id or the sentence is in `said`. */
extern char said[600];
extern char id[GRANT_ID_MAX];
int request(const struct bh_user *, int64_t duration);
int vote(const char *id, const struct bh_user *);
int act(void (*fn)(struct grants *, const char *, const struct bh_user *,
    const char *, struct bh_call *, grant_done_cb *, void *), const char *id,
    const struct bh_user *, const char *reason);
int cancel(const char *id, const struct bh_user *);
int extend(const char *id, const struct bh_user *, int64_t more);
/* Requests for ada and approves by grace: returns the id. */
const char *granted(int64_t duration);
/* The word of its state in the store. */
const char *state_of(const char *id);
/* One cell of a query. */
const char *cell(const char *sql);
/* How many audit rows with this action. */
int audited(const char *action);
/* The audit chain is whole, all cards are as the store says. */
void check_books(void);

#endif
