/* store.h - the durable state: transactions, jobs, inbox, outbox, audit.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One thread owns one database connection.  The loop queues transactions and
 * queries; the thread runs them in that order, many transactions for one
 * fsync, and the answers come back on the loop in the same order.  All calls
 * are for the loop's thread.  docs/internals/store.md explains the machine.
 *
 * `owner` says for whom: "plugin/instance" for a plugin, a word without a
 * slash ("host", "chat") for the host itself.  A plugin reaches only tables
 * named after it (aws-sso: aws_sso_*); the host's own are named bh_*.
 */

#ifndef HOST_STORE_STORE_H
#define HOST_STORE_STORE_H

#include <bellhop/plugin.h>

struct loop;
struct store;

struct store_options {
	const char *url;	/* "sqlite:PATH" or "sqlite::memory:" */
	int64_t reserve;	/* bytes kept beside the file for a full disk;
				 * 0: 16 MiB, negative: none */
	int64_t probe;		/* ms between looks for space; 0: 5 s */
};

/*
 * Opens (and creates, mode 0600) the database, takes the lock that keeps a
 * second daemon out, checks the file and the end of the audit chain, brings
 * the host's tables up to date and starts the thread.  On failure *error is
 * a sentence, valid until the next call from this thread, and *out is
 * untouched.
 *
 * A file that can be read but not trusted (quick_check or the audit chain
 * complains) is opened with store_health() BH_EIO and store_trouble() saying
 * why: only urgent transactions are tried, so that removals go on.
 */
int store_open(struct loop *loop, const char *url, struct store **out,
    const char **error);
int store_open_with(struct loop *loop, const struct store_options *options,
    struct store **out, const char **error);

/* Blocks until everything queued so far is answered; its callbacks run
 * inside this call. */
void store_flush(struct store *store);

/* Finishes what is queued, runs the callbacks that are left, frees it all
 * and sets *store to NULL.  No job fires any more. */
void store_close(struct store **store);

/* BH_OK while writes go well, else BH_EFULL or BH_EIO. */
int store_health(const struct store *store);

/* Why the health is not BH_OK, as a sentence; NULL when all is well.  Valid
 * until control returns to the loop. */
const char *store_trouble(struct store *store);

/* For chat scripts: from now on there is no room on the disk, or there is
 * again.  The next group of transactions finds that out as it would from
 * SQLite, and the reserve is what is left.  Blocks for a moment. */
void store_pretend_full(struct store *store, bool full);

/* How many ms the wall clock stands behind the latest time that the store
 * has seen; 0 when it does not. */
int64_t store_clock_behind(const struct store *store);

/* "sqlite:PATH" or "PATH" gives PATH; NULL for another kind of URL. */
const char *store_url_path(const char *url);

/*
 * Runs the migrations of `name` (a plugin, or "host-chat" and the like for
 * rooms of the host) that were not run yet: entry n leads from version n to
 * n + 1; NULL-terminated.  Each may hold several statements.  Blocks, for
 * start-up.  Refuses a database that a newer version has written.
 */
int store_migrate(struct store *store, const char *name,
    const char *const *migrations, const char **error);

/* ------------------------------------------------------------------ */
/* Transactions                                                        */

/* An empty transaction.  Everything given to it is copied.  Its `api` is
 * NULL: the plugin room sets it before a plugin sees it. */
struct bh_tx *store_tx(struct store *store, const char *owner);

/* One statement of the SQL that SQLite and PostgreSQL share, with $1...
 * parameters (BH_PARAMS).  `expect`: rows it must change, or BH_ANY.  An
 * unmet expectation or a broken constraint fails the whole transaction with
 * BH_ECONFLICT. */
void store_tx_sql(struct bh_tx *tx, int expect, const char *sql,
    const struct bh_param *params);

/* One row of the audit chain; `fields` ends with name NULL, may be NULL. */
void store_tx_audit(struct bh_tx *tx, const char *action, const char *actor,
    const struct bh_pair *fields);

/* Plans or moves, and ends, the owner's job (kind, ref). */
void store_tx_job(struct bh_tx *tx, const char *kind, const char *ref,
    int64_t when);
void store_tx_job_done(struct bh_tx *tx, const char *kind, const char *ref);

/* Outbox: what shall be seen at `place` under `key`, and the same at every
 * place where the owner ever posted `key`.  `card_json` NULL: text alone.
 * `rank`: what goes first where not all can go at once.  A key that another
 * owner uses at this place gives BH_ECONFLICT. */
enum store_rank { STORE_BUTTONS, STORE_CARD, STORE_TEXT };
void store_tx_post(struct bh_tx *tx, const char *place, const char *key,
    int rank, const char *card_json, const char *text);
void store_tx_repost(struct bh_tx *tx, const char *key, int rank,
    const char *card_json, const char *text);

/* Fails the transaction with BH_ECONFLICT when (realm, event) was in one
 * that was committed; that is remembered for 24 hours at least. */
void store_tx_seen(struct bh_tx *tx, const char *realm, const char *event,
    int64_t now);

/* This one is about taking something away (or about the truth being told):
 * it is tried even when the disk is full or in doubt. */
void store_tx_urgent(struct bh_tx *tx);

/*
 * Takes `tx` over and returns BH_OK.  `done` (may be NULL) runs exactly once
 * on the loop: BH_OK when all of it is durable, otherwise nothing of it
 * happened: BH_ECONFLICT, BH_EFULL, BH_EIO, or BH_EINVAL when the statement
 * itself is wrong (that is logged).  Callbacks come in the order of commits
 * and queries.
 */
int store_commit(struct bh_tx *tx, bh_commit_cb *done, void *arg);

/* Instead of store_commit().  NULL is fine. */
void store_tx_drop(struct bh_tx *tx);

/* Runs one reading statement after everything queued before it; `done` gets
 * the rows, valid until it returns.  At most 64 MiB of them (BH_EFULL). */
int store_query(struct store *store, const char *owner, const char *sql,
    const struct bh_param *params, bh_rows_cb *done, void *arg);

/* ------------------------------------------------------------------ */
/* Jobs                                                                */

/*
 * Called on the loop for each job that falls due, oldest first.  It comes
 * again after 1 s, 2 s, 4 s ... 60 s until a committed transaction moved or
 * ended it.  Nothing fires before a handler is set; then what fell due in
 * the meantime comes at once.
 */
typedef void store_job_cb(void *arg, const char *owner,
    const struct bh_job *job);
void store_jobs_handler(struct store *store, store_job_cb *cb, void *arg);

/* When the earliest job is (again) due; INT64_MAX if there is none. */
int64_t store_jobs_next(const struct store *store);
/* How many there are. */
size_t store_jobs_count(const struct store *store);

/* ------------------------------------------------------------------ */
/* Inbox: events that a network was told are safe                      */

/* Keeps `event` (text that its owner reads back) under `id`, which was never
 * used before; it counts as the first attempt to carry it out. */
void store_tx_keep(struct bh_tx *tx, int64_t id, const char *instance,
    const char *event, int64_t at);

/* One more attempt begins; or the last one does not count. */
void store_tx_keep_again(struct bh_tx *tx, int64_t id);
void store_tx_keep_unbegun(struct bh_tx *tx, int64_t id);

/* This transaction, whoever's, is what the event asked for: the row goes with
 * it.  BH_ECONFLICT if it is gone already: then nothing of this happens. */
void store_tx_settle(struct bh_tx *tx, int64_t id);

/* Nothing is left to be done; some rows may be gone already. */
void store_tx_forget(struct bh_tx *tx, const int64_t *ids, size_t count);

struct store_kept {
	int64_t id;
	const char *instance;
	const char *event;
	int64_t at;		/* when it was kept */
	int attempts;		/* that were begun */
};

/* All rows in the order of their ids; valid until `cb` returns. */
typedef void store_kept_cb(void *arg, int result,
    const struct store_kept *kept, size_t count);
void store_inbox(struct store *store, store_kept_cb *cb, void *arg);

/* ------------------------------------------------------------------ */
/* Outbox, for the worker that sends                                   */

struct store_post {
	const char *owner, *place, *key;
	const char *card;	/* JSON, NULL if text alone */
	const char *text;
	const char *message;	/* to be edited; NULL: not sent so far */
	int64_t version;	/* what to tell store_outbox_sent() */
	int64_t sent_version;	/* 0: never sent */
	int64_t tried;		/* a version that may be on the network, though
				 * nobody was told so; 0: none */
	int64_t changed;	/* when this version was posted, ms UTC */
	int attempts;		/* failed tries of this version */
};

/* After each commit that posted something, on the loop. */
void store_outbox_notify(struct store *store, void (*cb)(void *), void *arg);

/* Rows whose version is newer than what was sent and whose retry time has
 * come: by rank, then oldest first, and `per_place` of one place at most, so
 * that a place that is stuck leaves room for the others.  `next_retry`: when
 * the next of the others wants to be tried, INT64_MAX if none.  The worker
 * passes over what it is sending just now.  Valid until `cb` returns. */
typedef void store_posts_cb(void *arg, int result,
    const struct store_post *posts, size_t count, int64_t next_retry);
void store_outbox_pending(struct store *store, size_t limit,
    size_t per_place, store_posts_cb *cb, void *arg);

/* `version` is about to be sent under the name of version `tried` (mostly the
 * same).  Until it is known what became of it, whoever comes after us finds
 * that in `tried`; and the row is not listed before `until`, unless a newer
 * version is posted. */
void store_tx_outbox_try(struct bh_tx *tx, const char *place,
    const char *key, int64_t tried, int64_t version, int64_t until);

/* `version` is on the network as `message` (NULL: no id known, or as it
 * was).  An older version than the one already sent changes nothing. */
void store_outbox_sent(struct store *store, const char *place,
    const char *key, int64_t version, const char *message);

/* `version` could not be sent: not before `retry_at` again.  A newer version
 * posted meanwhile is tried at once.  `tried`: the version that may be on the
 * network all the same; 0: certainly none. */
void store_outbox_failed(struct store *store, const char *place,
    const char *key, int64_t version, int64_t retry_at, int64_t tried);

/* What waits for places of this transport, or of persons, is tried at once:
 * it came up.  NULL: the host began anew, and what was missing anywhere may
 * be there now. */
void store_outbox_again(struct store *store, const char *transport);

/* Forgets rows that were sent and have not changed since `before` (ms UTC),
 * the oldest 1,000 at most.  A later post is a new message, and a repost
 * reaches it no more. */
void store_tx_outbox_prune(struct bh_tx *tx, int64_t before);

/* Nobody will ever send `version` (the room is gone): counts as sent.  The
 * audit says so, with the sentence `why`.  `tried` as above. */
void store_outbox_give_up(struct store *store, const char *place,
    const char *key, int64_t version, int64_t tried, const char *why);

/* ------------------------------------------------------------------ */
/* Audit: these open the file by themselves, beside a running daemon too */

/*
 * Recomputes the chain of the database at `path` (or "sqlite:PATH") from its
 * genesis and compares.  Prints one line of result to `out`; BH_OK when it
 * is whole, BH_EPARSE naming the first bad row, BH_EIO when it cannot be
 * read.
 */
int audit_verify(const char *path, FILE *out);

struct audit_filter {
	const char *action;	/* glob: "access.*"; these: NULL for any */
	const char *actor;	/* exact */
	const char *owner;	/* exact */
	const char *text;	/* somewhere in the row */
	int64_t since, until;	/* ms UTC; 0: open */
	size_t tail;		/* the last n of those that pass; 0: all */
	bool json;		/* rows as stored, one a line */
};

/* Prints the rows that pass, oldest first. */
int audit_print(const char *path, const struct audit_filter *filter,
    FILE *out);

#endif
