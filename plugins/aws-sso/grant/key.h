/*
 * key.h - what AWS has for one person, account and permission set.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * One reconciler per key drives AWS towards "some grant of this key is inside
 * its window".  It is the only code that changes AWS.  Each call it makes is
 * preceded by a committed intent, and an intent is closed only on proof.
 *
 *   IDLE --wish differs--> CREATE_INTENT / DELETE_INTENT --sent--> POLLING
 *    ^                          |  unclear answer |                   |
 *    |                          +--> UNKNOWN <----+--- outage --------+
 *    +------ VERIFY <-- finished ------+------------------------------+
 */

#ifndef BELLHOP_AWS_SSO_KEY_H
#define BELLHOP_AWS_SSO_KEY_H

#include "plugins/aws-sso/aws/identity-center.h"
#include "plugins/aws-sso/grant/grant.h"

enum key_phase {
	KEY_IDLE,
	KEY_CREATE_INTENT,
	KEY_DELETE_INTENT,
	KEY_POLLING,
	KEY_UNKNOWN,
	KEY_VERIFY,
	KEY_PHASES
};

/* What the open intent asked for; what VERIFY expects. */
enum key_op { KEY_NOTHING, KEY_CREATE, KEY_DELETE };

enum key_seen { KEY_UNSEEN = -1, KEY_ABSENT = 0, KEY_PRESENT = 1 };

/* Durable facts about a key. */
#define KEY_OURS	0x01u	/* we may have created what is there */
#define KEY_FOREIGN	0x02u	/* was there before us: never removed */
#define KEY_ORPHAN	0x04u	/* its person left the directory */
#define KEY_PURGE	0x08u	/* unknown assignment that policy revokes */
#define KEY_REPORTED	0x10u	/* unknown assignment, people were told */
#define KEY_ABANDONED	0x20u	/* two people closed it by hand */

struct key {
	unsigned magic;
#define KEY_MAGIC	0x6b657920u
	struct grants *all;
	struct key *next;		/* hash chain */
	struct grant *grants;		/* live grants on it */
	char *account, *permission_set, *principal;

	/* In the store. */
	int phase;			/* enum key_phase */
	int op;				/* enum key_op */
	int seen;			/* enum key_seen */
	unsigned flags;			/* KEY_* bits */
	int64_t version;		/* 0: not in the store yet */
	int64_t attempt;
	int64_t signed_at;		/* of the open intent */
	int64_t unknown_since;
	int64_t quarantine;		/* a create of ours may arrive until */
	int64_t delete_until;		/* a delete of ours may arrive until */
	int64_t late_from;		/* should have been absent since */
	int64_t touched;		/* swept until */
	int64_t seen_at;
	int64_t refused_at;		/* AWS refused a create for good */
	char *refused;			/* why, or "" */
	char *request_id;		/* of the operation, or "" */

	/* In memory only. */
	bool wish;			/* what it is being driven to */
	bool busy;			/* a commit is under way */
	bool calling;			/* a call is under way */
	bool settled;			/* the open intent certainly had no effect */
	bool ours_before;		/* KEY_OURS before the open intent */
	bool searching;			/* waits for the in-progress lists */
	bool found;			/* the search found our tuple ... */
	bool polled;			/* takes part in the poll under way */
	bool unsaved;			/* store failed: row is behind */
	bool denied;			/* AWS denies us the removal */
	bool missing_once;		/* one lease check did not see it */
	bool conflict;			/* the last answer was a conflict */
	bool gone_outside;		/* two lease checks did not see it */
	int failures;			/* in a row, for the back-off */
	int creates_failed;
	int verifies;
	int level;			/* stuck level told so far */
	int64_t paged;			/* last page */
	/* By the clock that never jumps: */
	int64_t changed;		/* last write */
	int64_t wake;			/* back-off: not before */
	int64_t checked_at;		/* pre-check said absent */
	int64_t sent_at;		/* the last create was signed */
	int64_t fence;			/* quarantine, if sent by this life */
	int64_t poll_began, poll_from, poll_gap, poll_failed;
	int64_t poll_seen;		/* its age when last seen in progress */
	struct bh_timer *timer;
	struct aws_slot *slot;
	bool slot_ready;		/* granted, not only waited for */
	int slot_op;
	struct key_backlog *backlog;	/* audit rows the store refused */
};

struct key *key_find(struct grants *, const char *account,
    const char *permission_set, const char *principal);
/* Finds or makes it, in memory only. */
struct key *key_get(struct grants *, const char *account,
    const char *permission_set, const char *principal);
void key_free(struct key *);
struct sso_tuple key_tuple(const struct key *);
const char *key_phase_name(int phase);
const char *key_phase_word(int phase);
int key_phase_of_word(const char *word);
/* "<account>/<permission set>/<principal>" for logs, audit, notices. */
void key_text(const struct key *, char *out, size_t size);

/* Does any grant want it now (another than `but`)? */
bool key_desired(const struct key *, const struct grant *but);
/* Something changed: look at it and do the next step. */
void key_tick(struct key *);
/* The same after `ms`, or after a back-off that grows to a minute. */
void key_tick_after(struct key *, int64_t ms);
void key_back_off(struct key *, int64_t at_least);
/* Nobody knows what AWS made of the open intent. */
void key_unclear(struct key *, const char *why);
/* List said so: closes the operation. */
void key_close(struct key *, bool present);
/* How long a create of ours may still arrive, ms; 0: not any more. */
int64_t key_quarantine(const struct key *);
/* The operation is over: List must say what there is. */
void key_verify(struct key *, int expected_op, const char *action,
    const char *detail);
/* Names a point of the kill tests: "grant.create.before-send". */
void key_failpoint(struct key *, const char *step, const char *when);

/* key-send.c: intents and the two writes. */
void key_start(struct key *, int op);
/* Classifies the end of an operation (async FAILED included). */
void key_failed(struct key *, const char *reason);
void key_slot_free(struct key *);

/* key-commit.c: writes the row, with audit rows.  `then` runs only when it
 * is durable, or, with open (removals), when the store cannot write. */
struct key_row {
	int phase, op, seen;
	unsigned flags;
	int64_t attempt, signed_at, unknown_since, quarantine, delete_until;
	int64_t late_from, refused_at;
	int64_t seen_at;
	const char *refused, *request_id;
};
struct key_row key_row(const struct key *);
void key_commit(struct key *, const struct key_row *, const char *point,
    const char *action, const char *detail, bool open,
    void (*then)(struct key *));
void key_backlog_free(struct key *);

/* poll.c */
void poll_add(struct key *);		/* it is POLLING now */
void poll_search(struct key *);		/* look for it in the lists */
void poll_free(struct grants *);

/* What poll.c tells the reconciler. */
void key_polled(struct key *);		/* its operation is over */
void key_poll_failed(struct key *);	/* the list could not be read */
/* What the in-progress lists say of its tuple: KEY_NOTHING, or which kind of
 * operation runs under `request_id`; result not BH_OK: could not be read. */
void key_searched(struct key *, int result, int op, const char *request_id);

#endif
