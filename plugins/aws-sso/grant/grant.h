/*
 * grant.h - what people agreed on, and the calls that change it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two records, two jobs.  A *grant* is what people agreed: who, which
 * account, which permission set, from when until when, with whose votes.  A
 * *key* (key.h) is what AWS has for one person, account and permission set.
 * Grants never call AWS: they make keys wanted or not, and the reconciler of
 * the key does the rest.
 *
 *   command -> grant.c, request.c, revoke.c -> one transaction -> key.c -> AWS
 *                                          ^-------- the clock
 *
 * Every change of a grant is one transaction: the new state (only if the row
 * still is what we think), its audit row, its card, its next deadline.  Memory
 * follows the store, never the other way round.
 */

#ifndef BELLHOP_AWS_SSO_GRANT_H
#define BELLHOP_AWS_SSO_GRANT_H

#include <bellhop/plugin.h>

struct aws;
struct grants;			/* all grants and keys of one instance */
struct key;

/* ------------------------------------------------------------------ */
/* The record                                                          */

enum grant_state {
	GRANT_NONE,		/* not in the store yet */
	GRANT_PENDING,		/* waits for votes */
	GRANT_APPROVED,		/* agreed; AWS does not show it yet */
	GRANT_ACTIVE,		/* AWS showed it */
	GRANT_ENDING,		/* over; AWS may still have it */
	/* From here on: ends, which are final. */
	GRANT_DENIED,
	GRANT_CANCELLED,
	GRANT_EXPIRED,		/* nobody decided in time */
	GRANT_REFUSED,		/* the policy changed its mind */
	GRANT_FAILED,		/* AWS refuses for good */
	GRANT_LAPSED,		/* its time passed before AWS showed it */
	GRANT_ENDED,		/* AWS shows that it is gone */
	GRANT_ABANDONED,	/* closed by two people although it was stuck */
	GRANT_STATES
};

/* Something an operator did behind our back: the access was removed at AWS
 * while the grant was running.  Told, and never put back silently. */
#define GRANT_REMOVED_OUTSIDE	0x01u
/* The person had this access before, for good: it will not be removed. */
#define GRANT_PERMANENT		0x02u
/* No approval was needed. */
#define GRANT_AUTOMATIC		0x04u
/* It ended early because somebody asked. */
#define GRANT_REVOKED		0x08u
/* The person is no longer in the directory, so AWS cannot remove it. */
#define GRANT_ORPHAN		0x10u
/* Another grant kept the access when this one ended. */
#define GRANT_SUPERSEDED	0x20u

#define GRANT_ID_MAX	16

struct grant_vote {
	char *person;		/* person id */
	char *principal;	/* Identity Center user id, "" if unmapped */
	char *name;
	int64_t at;
};

struct grant {
	unsigned magic;
#define GRANT_MAGIC	0x6772616eu
	int state;			/* enum grant_state */
	unsigned flags;			/* GRANT_* bits */
	char id[GRANT_ID_MAX];		/* "7QK2" */
	int64_t version;		/* of the row; for compare and swap */
	/* Who asked.  `person` is the host's id of the human, `principal` the
	 * Identity Center user the access is for. */
	char *person, *person_name, *principal, *principal_name;
	char *account, *account_name;
	char *permission_set;		/* ARN */
	char *permission_set_name;
	char *team, *place, *reason;
	char *extends;			/* id of the grant it prolongs, or "" */
	char *rule;			/* "prod (team.d/payments.yaml:14)" */
	char *approvers;		/* who can decide, for people to read */
	char *hash;			/* settings hash of the last yes */
	char *outcome;			/* why it ended as it did, a sentence */
	char *by;			/* name of who ended, denied, revoked it */
	int needed;			/* votes */
	int64_t duration;
	int64_t session;		/* how long issued credentials live */
	int64_t created, lapses;	/* lapses: when a request is dropped */
	int64_t start, end;		/* the window; 0 until approved */
	int64_t fixed_end;		/* of an extension; else 0 */
	int64_t decided;		/* approved, denied ... */
	int64_t seen;			/* AWS first showed it */
	int64_t gone;			/* AWS showed its absence */
	int64_t over;			/* when it should have been gone */
	int64_t changed;		/* last write */
	struct grant_vote *votes;
	size_t votes_count;

	/* The rest is the engine's own and not in the store. */
	struct grants *all;
	struct key *key;
	struct grant *id_next;		/* hash chain */
	struct grant *key_next;		/* other grants of the key */
	size_t due_index;		/* place in the heap, + 1; 0: not in it */
	int64_t due;
	bool busy;			/* a commit is under way */
	bool revoking;			/* revoke asked while the store fails */
	int64_t retry_after;		/* not before: the store failed */
	/* The first of the two admins who close it by hand. */
	char *abandon_person, *abandon_principal, *abandon_name;
};

/* "waiting for approval", "granting", "granted" ...: for logs and probes. */
const char *grant_state_name(int state);
/* The word in the store: "pending". */
const char *grant_state_word(int state);
int grant_state_of_word(const char *word);	/* GRANT_NONE if unknown */
bool grant_state_final(int state);
/* The name of who ended it; "" when time, the rules or AWS did. */
const char *grant_ended_by(const struct grant *);
/* Whether the table of grants.md allows going from one to the other. */
bool grant_may_move(int from, int to);
/* Does this grant want its access to exist at `now`? */
bool grant_wants(const struct grant *, int64_t now);

/* ------------------------------------------------------------------ */
/* What the engine asks of others                                      */

/* A decision with its reasons. */
struct grant_verdict {
	bool yes;
	bool unsure;		/* facts are missing now: ask again later */
	bool self;		/* may_approve: the rule lets people approve
				 * what they asked for themselves */
	int needed;		/* may_ask: votes; 0: none needed */
	int64_t longest;	/* may_ask: the limit that holds here; 0: none */
	struct bh_buf rule;	/* "prod (team.d/payments.yaml:14)" */
	struct bh_buf why;	/* a sentence, above all when the answer is no */
	struct bh_buf approvers;	/* "Grace Hopper or Katherine Johnson" */
	char hash[65];		/* settings hash it was made under */
};

void grant_verdict_init(struct grant_verdict *);
void grant_verdict_release(struct grant_verdict *);

struct grant_pair { const char *account, *permission_set; };

/* Policy, as pure functions: rules + facts -> verdict.  Each fills `out`,
 * which the caller has initialised.  They are asked again at every step; an
 * old yes is worth nothing. */
struct grant_rules {
	void *arg;
	/* May this person ask for this (account, set, duration, reason) now,
	 * and how many votes does it need?  `g` may be GRANT_NONE. */
	void (*may_ask)(void *arg, const struct grant *g,
	    struct grant_verdict *out);
	/* May `who` decide on `g` now?  Also asked for deny and revoke. */
	void (*may_approve)(void *arg, const struct grant *g,
	    const struct bh_user *who, struct grant_verdict *out);
	/* May `g` with the votes it has be carried out now? */
	void (*may_hold)(void *arg, const struct grant *g,
	    struct grant_verdict *out);
	/* The Identity Center user id of `who`, or NULL with a sentence. */
	const char *(*principal)(void *arg, const struct bh_user *who,
	    const char **why_not);
	/* The n-th pair of account and permission set that rules cover, for
	 * the sweep; false past the last.  NULL: only pairs already used. */
	bool (*pair)(void *arg, size_t n, struct grant_pair *out);
};

/* What people see.  All calls add to a transaction that is being built;
 * `g` is as it will be once that is committed. */
struct grant_face {
	void *arg;
	/* Post or edit the one card of the grant. */
	void (*card)(void *arg, struct bh_tx *tx, const struct grant *g);
};

enum grant_option_unknown { UNKNOWN_REPORT, UNKNOWN_REVOKE };

struct grant_options {
	int64_t request_lapses;		/* ms; 0: 8 h */
	int unknown;			/* enum grant_option_unknown */
	const char *alarm;		/* place of the security channel, NULL */
	const char *page;		/* URL to POST to when it is serious */
	size_t open_per_person;		/* 0: 20 */
	size_t open_in_all;		/* 0: 2,000 */
};

/* ------------------------------------------------------------------ */
/* The engine                                                          */

/* The tables, for the plugin's migrations: one string of SQL.  Grants are
 * never deleted, so that an id means one thing for ever. */
#define GRANT_MIGRATION							\
	"CREATE TABLE aws_sso_grant ("					\
	" id TEXT PRIMARY KEY, instance TEXT NOT NULL,"			\
	" state TEXT NOT NULL, flags BIGINT NOT NULL,"			\
	" version BIGINT NOT NULL, epoch BIGINT NOT NULL,"		\
	" person TEXT NOT NULL, person_name TEXT NOT NULL,"		\
	" principal TEXT NOT NULL, principal_name TEXT NOT NULL,"	\
	" account TEXT NOT NULL, account_name TEXT NOT NULL,"		\
	" permission_set TEXT NOT NULL,"				\
	" permission_set_name TEXT NOT NULL, team TEXT NOT NULL,"	\
	" place TEXT NOT NULL, reason TEXT NOT NULL,"			\
	" extends TEXT NOT NULL, rule TEXT NOT NULL,"			\
	" approvers TEXT NOT NULL, hash TEXT NOT NULL,"			\
	" outcome TEXT NOT NULL, by_name TEXT NOT NULL,"		\
	" needed BIGINT NOT NULL, duration BIGINT NOT NULL,"		\
	" session BIGINT NOT NULL, created BIGINT NOT NULL,"		\
	" lapses BIGINT NOT NULL, start_at BIGINT NOT NULL,"		\
	" end_at BIGINT NOT NULL, fixed_end BIGINT NOT NULL,"		\
	" decided BIGINT NOT NULL, seen BIGINT NOT NULL,"		\
	" gone BIGINT NOT NULL, over_at BIGINT NOT NULL,"		\
	" changed BIGINT NOT NULL);"					\
	"CREATE INDEX aws_sso_grant_state"				\
	" ON aws_sso_grant (instance, state, id);"			\
	"CREATE TABLE aws_sso_vote ("					\
	" instance TEXT NOT NULL, grant_id TEXT NOT NULL,"		\
	" person TEXT NOT NULL, principal TEXT NOT NULL,"		\
	" name TEXT NOT NULL, voted BIGINT NOT NULL,"			\
	" PRIMARY KEY (instance, grant_id, person));"			\
	"CREATE TABLE aws_sso_key ("					\
	" instance TEXT NOT NULL, account TEXT NOT NULL,"		\
	" permission_set TEXT NOT NULL, principal TEXT NOT NULL,"	\
	" phase TEXT NOT NULL, op BIGINT NOT NULL, seen BIGINT NOT NULL,"\
	" flags BIGINT NOT NULL, version BIGINT NOT NULL,"		\
	" epoch BIGINT NOT NULL, attempt BIGINT NOT NULL,"		\
	" signed_at BIGINT NOT NULL, unknown_since BIGINT NOT NULL,"	\
	" quarantine_until BIGINT NOT NULL,"				\
	" delete_until BIGINT NOT NULL, late_from BIGINT NOT NULL,"	\
	" touched BIGINT NOT NULL, seen_at BIGINT NOT NULL,"		\
	" refused_at BIGINT NOT NULL, refused TEXT NOT NULL,"		\
	" request_id TEXT NOT NULL, changed BIGINT NOT NULL,"		\
	" PRIMARY KEY (instance, account, permission_set, principal));"

/* Made, not started.  What rules, face and options point to must outlive it;
 * strings in the options are copied. */
struct grants *grants_new(struct bh_host *, struct aws *,
    const struct grant_rules *, const struct grant_face *,
    const struct grant_options *);
/* Reads the store, ends what is over, then calls done once: BH_OK, or a
 * failure, after which it must not be used (and not half of it either). */
void grants_load(struct grants *, bh_commit_cb *done, void *arg);
/* Timers stop, memory goes; the store stays as it is.  NULL is fine. */
void grants_free(struct grants **);
/* A durable job fell due: kinds "lapse", "start", "end". */
int grants_job(struct grants *, const struct bh_job *);
/* Settings were loaded anew: pending requests are looked at again. */
void grants_changed(struct grants *, const struct grant_options *);
/* What else is wrong, for the health of the instance; NULL: nothing. */
void grants_trouble(struct grants *, const char *sentence);
/* Stops granting and keeps removing; NULL ends it again. */
void grants_drain(struct grants *, const char *why);

struct grants_status {
	size_t pending, approved, active, ending;	/* grants */
	size_t keys, open_keys;
	size_t late;			/* removals late by over 30 s */
	int level;			/* the worst stuck level, 0-3 */
	const char *drain;		/* why draining, or NULL */
	const char *paused;		/* why all new grants wait, or NULL */
	uint64_t creates, deletes, polls, lists;	/* calls since start */
};
void grants_status(struct grants *, struct grants_status *);
/* What `!status` and stuck lists show, line by line. */
void grants_stuck(struct grants *, struct bh_buf *out);
/* The n-th room that hears the news of `team` (NULL: of no team) and has the
 * cards besides the room where was asked; NULL past the last.  From the
 * setting `announce`: one room or a list, maybe on several networks. */
const char *grants_announce(struct bh_host *, const char *team, size_t n);

/* ------------------------------------------------------------------ */
/* What people do.  All answer by `done`, exactly once, maybe before they
 * return, with a result and a sentence for the one who asked; `g` is the
 * grant after the change (valid during the call), or NULL.  `who` and all
 * texts are copied.  `call` (or NULL) is settled by the transaction that does
 * what was asked, and must not end before `done`: so it is done once, whenever
 * the host dies. */

typedef void grant_done_cb(void *arg, int result, const struct grant *g,
    const char *sentence);

struct grant_ask {
	const struct bh_user *who;
	const char *team;		/* "" if none */
	const char *place;		/* where its card goes */
	const char *principal, *principal_name;
	const char *account, *account_name;
	const char *permission_set, *permission_set_name;
	const char *reason;
	int64_t duration;		/* ms */
	int64_t session;		/* ms; 0 if not known */
};

void grant_request(struct grants *, const struct grant_ask *,
    struct bh_call *call, grant_done_cb *done, void *arg);
void grant_vote(struct grants *, const char *id, const struct bh_user *who,
    struct bh_call *call, grant_done_cb *done, void *arg);
void grant_deny(struct grants *, const char *id, const struct bh_user *who,
    const char *reason, struct bh_call *call, grant_done_cb *done, void *arg);
void grant_cancel(struct grants *, const char *id, const struct bh_user *who,
    struct bh_call *call, grant_done_cb *done, void *arg);
void grant_revoke(struct grants *, const char *id, const struct bh_user *who,
    const char *reason, struct bh_call *call, grant_done_cb *done, void *arg);
/* Asks for `more` ms after the end of a running grant: a new grant on the
 * same key, with its own votes. */
void grant_extend(struct grants *, const char *id, const struct bh_user *who,
    int64_t more, const char *reason, struct bh_call *call,
    grant_done_cb *done, void *arg);
/* Closes a stuck removal by hand: needs two admins and a reason. */
void grant_abandon(struct grants *, const char *id, const struct bh_user *who,
    const char *reason, struct bh_call *call, grant_done_cb *done, void *arg);

/* A live grant, or NULL; the id in any case.  Valid until the callback
 * returns. */
const struct grant *grant_find(struct grants *, const char *id);
/* Any grant there ever was: done(BH_OK, g) or done(BH_ENOENT, NULL). */
void grant_recall(struct grants *, const char *id, grant_done_cb *done,
    void *arg);

struct grant_filter {			/* NULL members match everything */
	const char *person, *principal, *account, *permission_set, *team;
	unsigned states;		/* 1u << GRANT_ACTIVE | ...; 0: all */
};
/* Calls back for live grants, soonest end first; stops when false comes
 * back.  The engine must not be called for changes inside. */
void grant_each(struct grants *, const struct grant_filter *,
    bool (*cb)(void *arg, const struct grant *), void *arg);

#endif
