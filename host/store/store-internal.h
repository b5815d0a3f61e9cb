/* store-internal.h - what the files of this room share with each other.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two threads meet here.  Members of struct store are marked: L belongs to
 * the loop's thread, T to the store's thread, M is guarded by `lock`.
 */

#ifndef HOST_STORE_STORE_INTERNAL_H
#define HOST_STORE_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "host/base/arena.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define STORE_APPLICATION_ID	0x62686c70	/* "bhlp" */
#define STORE_RESERVE		(16 * 1024 * 1024)
#define STORE_PROBE		5000
#define STORE_GROUP_MAX		1024	/* transactions for one fsync */
#define STORE_ROWS_MAX		(64u * 1024 * 1024)
#define STORE_SEEN_KEEP		(24 * 3600 * (int64_t)1000)
#define STORE_SEEN_PRUNE	(60 * 60 * (int64_t)1000)
#define STORE_WAL_PAGES		1000	/* checkpoint when it is quiet */
#define STORE_WAL_MOST		8000	/* checkpoint at once */
#define STORE_EAGER		32	/* enough to wake the thread for */
#define STORE_QUIET		100	/* ms without work */
#define STORE_LINGER		200	/* us awake after a group */

/* ------------------------------------------------------------------ */
/* db.c: one SQLite connection                                         */

struct sqlite3;
struct sqlite3_stmt;

/* Whose statement it is, for the rule "only your own tables". */
struct scope {
	char prefix[40];	/* "aws_sso_"; "" for the host */
	bool ddl;		/* migrations may change the schema */
};

/* What a failure is about: the statement, the data, or the world. */
enum db_fault {
	DB_OK = 0,
	DB_ROW,			/* a row is there */
	DB_CONFLICT,		/* a constraint */
	DB_WRONG,		/* the statement is wrong */
	DB_FULL,		/* no space */
	DB_IO,			/* I/O, lock or memory; may pass */
	DB_BROKEN		/* fsync failed or the file is damaged */
};

struct db_stmt;

struct db {
	struct sqlite3 *sq;
	char *path;		/* NULL: in memory */
	const struct scope *scope;	/* of the statement being prepared */
	struct db_stmt *cache[256];
	size_t cached;
	int wal_pages;
	char error[300];	/* of the last failure */
};

extern const struct scope db_host_scope;

/* The scope of an owner ("aws-sso/main") or a migration name. */
void db_scope(struct scope *out, const char *owner);
/* Opens; `writer` false: read-only, for the audit tools. */
enum db_fault db_open(struct db *db, const char *path, bool writer);
/* `checkpoint` false leaves the WAL alone: it is the truth. */
void db_close(struct db *db, bool checkpoint);
/* Runs SQL of the host without parameters or rows. */
enum db_fault db_exec(struct db *db, const char *sql);
/* Runs all statements of a migration. */
enum db_fault db_script(struct db *db, const struct scope *scope,
    const char *sql);
/* A prepared, bound statement from the cache; NULL and *fault on failure.
 * db_done() gives it back. */
struct db_stmt *db_start(struct db *db, const struct scope *scope,
    const char *sql, const struct bh_param *params, enum db_fault *fault);
/* DB_ROW, DB_OK at the end, or a fault. */
enum db_fault db_step(struct db *db, struct db_stmt *stmt);
void db_done(struct db_stmt *stmt);
/* Starts, steps to the end, gives back.  *rows: rows changed, or read. */
enum db_fault db_run(struct db *db, const struct scope *scope,
    const char *sql, const struct bh_param *params, int64_t *rows);
/* Cells of the current row. */
int db_columns(struct db_stmt *stmt);
const char *db_text(struct db_stmt *stmt, int column, size_t *len);
int64_t db_int(struct db_stmt *stmt, int column);
bool db_reads_only(struct db_stmt *stmt);
/* Is a transaction open?  Some failures end it by themselves. */
bool db_in_transaction(struct db *db);
/* Moves the WAL into the file. */
enum db_fault db_checkpoint(struct db *db);

/* ------------------------------------------------------------------ */
/* audit-chain.c                                                       */

#define CHAIN_HASH	32
struct chain {
	char id[33];
	int64_t seq;		/* of the last row; 0: none */
	unsigned char hash[CHAIN_HASH];
	bool dirty;		/* the head in the database is older */
};

/* h_0, from the id. */
void chain_genesis(struct chain *c);
/* Moves on by one row with this body. */
void chain_next(struct chain *c, const char *body, size_t len);
void chain_hex(const unsigned char hash[CHAIN_HASH], char out[65]);
/* Begins the chain of a new database; does nothing in any other. */
enum db_fault chain_create(struct db *db);
/* Reads the head. */
enum db_fault chain_load(struct db *db, struct chain *c);
/* Reads the head and checks the `last` rows before it.  False, with `why`,
 * if something is wrong; then `c` is set so that appending works and leaves
 * the damage to be seen. */
bool chain_open(struct db *db, struct chain *c, int64_t last,
    struct bh_buf *why);
enum db_fault chain_save(struct db *db, struct chain *c);
/* Appends the row whose text up to "seq": is `head`. */
enum db_fault chain_append(struct db *db, struct chain *c, const char *head,
    size_t len, int64_t now);
/*
 * Recomputes everything after row `from` (0: from the genesis) and compares
 * with the rows and the head.  True when it is whole; otherwise `why` says
 * where it is not, *fault being DB_OK when it could be read at all.
 */
bool chain_check(struct db *db, struct chain *c, int64_t from,
    int64_t *rows, struct bh_buf *why, enum db_fault *fault);

/* ------------------------------------------------------------------ */
/* Queue                                                               */

enum item_kind { ITEM_TX, ITEM_QUERY, ITEM_CALL };

struct item {
	struct item *next;
	enum item_kind kind;
	int result;
	/* Runs on the loop: callback, then frees the whole. */
	void (*finish)(struct store *store, struct item *item);
};

enum step_kind { STEP_SQL, STEP_AUDIT };

struct step {
	struct step *next;
	enum step_kind kind;
	bool own;		/* the host's own SQL, whoever's tx it is */
	int expect;
	const char *text;	/* SQL, or the head of an audit row */
	size_t len;
	const struct bh_param *params;
};

/* Jobs that a committed transaction planned or ended. */
struct job_change {
	struct job_change *next;
	const char *kind, *ref;
	int64_t when;
	bool done;
};

struct tx {
	unsigned magic;
#define TX_MAGIC	0x62687478u
	struct bh_tx handle;
	struct item item;
	struct store *store;
	const char *owner;
	struct scope scope;
	struct arena *memory;
	struct step *first, **last;
	struct job_change *jobs, **jobs_last;
	int bad;		/* what was wrong already while collecting */
	bool urgent, posts, seen;
	int64_t now;		/* wall clock at commit */
	char *complaint;	/* about a statement, for the log */
	bh_commit_cb *done;
	void *arg;
};

struct query {
	struct item item;
	const char *owner;
	struct scope scope;
	struct arena *memory;
	const char *sql;
	const struct bh_param *params;
	struct bh_rows rows;
	struct bh_buf cells;	/* texts, one after the other */
	char *complaint;
	bh_rows_cb *done;
	void *arg;
};

/* Something of ours that runs on the store's thread while we wait. */
struct call {
	struct item item;
	void (*run)(struct store *store, void *arg);
	void *arg;
	bool over;		/* M */
};

/* A copy, ended alike. */
const struct bh_param *tx_params(struct arena **memory,
    const struct bh_param *params);
/* The loop is about to sleep. */
void store_at_rest(void *store);
struct tx *tx_of(struct bh_tx *handle);
/* A statement of the host inside any transaction; `sql` is a literal, and is
 * not copied. */
void tx_own_sql(struct tx *tx, int expect, const char *sql,
    const struct bh_param *params);
/* It is wrong already: commits as BH_EINVAL, logged. */
void tx_bad(struct tx *tx, const char *why);
void tx_finish(struct store *store, struct item *item);
void tx_free(struct tx *tx);

/* ------------------------------------------------------------------ */
/* jobs.c                                                              */

struct jobs;

struct jobs *jobs_new(struct loop *loop);
void jobs_free(struct jobs *jobs);
/* Plans or moves; when it exists, it counts as new. */
void jobs_set(struct jobs *jobs, const char *owner, const char *kind,
    const char *ref, int64_t when);
void jobs_end(struct jobs *jobs, const char *owner, const char *kind,
    const char *ref);
void jobs_handler(struct jobs *jobs, store_job_cb *cb, void *arg);
/* Sets the one timer anew, after changes. */
void jobs_arm(struct jobs *jobs);
int64_t jobs_next(const struct jobs *jobs);
size_t jobs_count(const struct jobs *jobs);

/* ------------------------------------------------------------------ */
/* The store                                                           */

struct mail;

struct store {
	unsigned magic;
#define STORE_MAGIC	0x62687374u
	struct loop *loop;
	struct jobs *jobs;		/* L */
	void (*notify)(void *);		/* L: outbox */
	void *notify_arg;
	bool posted;			/* L: tell the outbox's worker */
	bool closing;			/* L */
	unsigned refused;		/* L: while closing */
	char trouble_copy[400];		/* L */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;		/* something is queued, or stop */
	pthread_cond_t progress;	/* something is done */
	struct item *queue, **queue_last;	/* M */
	struct item *done, **done_last;		/* M */
	uint64_t queued, finished;	/* M: how many ever */
	unsigned unheard;	/* queued since the thread was woken */
	atomic_bool rung;	/* it was woken since it last looked */
	int64_t linger;		/* T: us; 0 if loop_alone() */
	struct loop_rest rest;
	bool stop;			/* M */
	struct mail *mail;		/* M: a post to the loop under way */
	char trouble[400];		/* M */

	_Atomic int health;
	_Atomic int64_t clock_mark;	/* latest wall time on record */

	struct db db;			/* T (before that: opener's) */
	struct chain chain;		/* T */
	int64_t clock_saved;		/* T */
	int64_t seen_pruned;		/* T */
	bool full, broken;		/* T */
	bool pretend_full;		/* T: a script says so */
	int64_t probe_at;		/* T: real monotonic ms */
	int64_t probe_every;
	int64_t reserve_size;		/* 0: none */
	char *reserve_path;
	int lock_fd;
};

/* store.c */
void store_queue(struct store *store, struct item *item);
/* On the store's thread: these are done, tell the loop. */
void store_answer(struct store *store, struct item *first);
/* Runs `run` on the store's thread, in turn, and waits for it. */
void store_call(struct store *store, void (*run)(struct store *, void *),
    void *arg);

/* open.c */
void store_free(struct store *store);

/* worker.c: the store's thread */
void *worker_main(void *store);
void worker_trouble(struct store *store, int health, const char *fmt, ...)
    BH_PRINTF(3, 4);

/* reserve.c: the file that gives its space away when the disk is full */
bool reserve_make(const char *path, int64_t size);
void reserve_release(const char *path);

/* migrate.c */
int migrate_run(struct db *db, const char *name,
    const char *const *migrations, struct bh_buf *why);
extern const char *const migrate_host[];

#endif
