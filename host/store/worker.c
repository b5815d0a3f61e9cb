/* worker.c - the store's thread: groups, one fsync each, and a full disk.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The thread takes all that is queued and runs it in order inside one
 * BEGIN IMMEDIATE ... COMMIT.  When one of it fails, all of it is undone and
 * run once more, each transaction in a SAVEPOINT of its own, so that the one
 * leaves no trace and the others live: failures are few, and savepoints are
 * dear.  Queries in between see what was committed before them; their rows
 * are kept back until the COMMIT went through, and read again if it did not.
 */

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <time.h>

#include "host/base/failpoint.h"
#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/store/store-internal.h"

/* Real time: neither looking for space on a disk nor lingering is part of
 * virtual time. */
static int64_t
real_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
real_ms(void)
{
	return real_us() / 1000;
}

void
worker_trouble(struct store *s, int health, const char *fmt, ...)
{
	char text[sizeof(s->trouble)] = "";
	bool news;

	if (fmt != NULL) {
		va_list ap;

		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
	}
	pthread_mutex_lock(&s->lock);
	news = atomic_load(&s->health) != health;
	memcpy(s->trouble, text, sizeof(text));
	atomic_store(&s->health, health);
	pthread_mutex_unlock(&s->lock);
	if (!news)
		return;
	if (health == BH_OK)
		log_at(BH_LOG_NOTE, "store", "writing works again");
	else
		log_at(BH_LOG_ERROR, "store", "%s", text);
}

/* ------------------------------------------------------------------ */
/* One transaction, one query                                          */

static struct tx *
tx_in(struct item *item)
{
	void *start = (char *)item - offsetof(struct tx, item);

	return CAST(struct tx, start, TX_MAGIC);
}

static struct query *
query_in(struct item *item)
{
	return (struct query *)(void *)((char *)item -
	    offsetof(struct query, item));
}

static void
complain(char **complaint, struct db *db)
{
	free(*complaint);
	*complaint = xstrdup(db->error);
}

static enum db_fault
run_step(struct store *s, struct tx *tx, const struct step *step)
{
	int64_t rows = 0;
	enum db_fault fault;

	if (step->kind == STEP_AUDIT)
		return chain_append(&s->db, &s->chain, step->text, step->len,
		    tx->now);
	fault = db_run(&s->db, step->own ? &db_host_scope : &tx->scope,
	    step->text, step->params, &rows);
	if (fault == DB_OK && step->expect != BH_ANY && rows != step->expect)
		fault = DB_CONFLICT;
	return fault;
}

/* Leaves the savepoint with nothing done; false when SQLite has ended the
 * whole transaction by itself. */
static bool
undo_one(struct store *s, const struct chain *before)
{
	s->chain = *before;
	return db_in_transaction(&s->db) &&
	    db_exec(&s->db, "ROLLBACK TO one") == DB_OK &&
	    db_exec(&s->db, "RELEASE one") == DB_OK;
}

static enum db_fault
run_steps(struct store *s, struct tx *tx)
{
	enum db_fault fault = DB_OK;

	for (struct step *step = tx->first; step != NULL && fault == DB_OK;
	    step = step->next)
		fault = run_step(s, tx, step);
	if (fault == DB_OK)
		tx->item.result = BH_OK;
	return fault;
}

/* DB_OK: done, or failed alone (item.result says).  Else the group fails. */
static enum db_fault
run_guarded(struct store *s, struct tx *tx)
{
	struct chain before = s->chain;
	enum db_fault fault = db_exec(&s->db, "SAVEPOINT one");

	if (fault != DB_OK)
		return fault;
	fault = run_steps(s, tx);
	if (fault == DB_OK)
		return db_exec(&s->db, "RELEASE one");
	if (fault != DB_CONFLICT && fault != DB_WRONG)
		return fault;
	tx->item.result = fault == DB_CONFLICT ? BH_ECONFLICT : BH_EINVAL;
	if (fault == DB_WRONG)
		complain(&tx->complaint, &s->db);
	return undo_one(s, &before) ? DB_OK : DB_IO;
}

/* Texts go one behind the other into q->cells; while that may still move,
 * a cell is its offset + 1, NULL is 0. */
static enum db_fault
read_rows(struct db *db, struct db_stmt *stmt, struct query *q,
    uintptr_t **cells, size_t *count)
{
	size_t columns = (size_t)db_columns(stmt), size = 0;
	enum db_fault fault;

	q->rows.columns = columns;
	while ((fault = db_step(db, stmt)) == DB_ROW) {
		if (*count + columns > size) {
			size = (*count + columns) * 2;
			*cells = xrealloc(*cells, size, sizeof(**cells));
		}
		for (size_t i = 0; i < columns; i++) {
			size_t len;
			const char *text = db_text(stmt, (int)i, &len);

			(*cells)[(*count)++] = text == NULL ? 0
			    : q->cells.len + 1;
			if (text != NULL)
				bh_buf_put(&q->cells, text, len + 1);
		}
		q->rows.count++;
		if (q->cells.overflow || *count > STORE_ROWS_MAX / 16)
			return DB_FULL;
	}
	return fault;
}

static void
run_query(struct store *s, struct query *q)
{
	uintptr_t *cells = NULL;
	size_t count = 0;
	enum db_fault fault;

	bh_buf_clear(&q->cells);
	q->rows = (struct bh_rows){ 0 };
	struct db_stmt *stmt = db_start(&s->db, &q->scope, q->sql, q->params,
	    &fault);
	if (stmt != NULL && !db_reads_only(stmt)) {
		snprintf(s->db.error, sizeof(s->db.error),
		    "a query may only read: %.200s", q->sql);
		fault = DB_WRONG;
	} else if (stmt != NULL)
		fault = read_rows(&s->db, stmt, q, &cells, &count);
	db_done(stmt);
	q->item.result = fault == DB_OK ? BH_OK
	    : fault == DB_FULL ? BH_EFULL
	    : fault == DB_WRONG ? BH_EINVAL : BH_EIO;
	if (fault == DB_WRONG)
		complain(&q->complaint, &s->db);
	if (fault == DB_OK && count > 0) {
		const char **texts = arena_take(&q->memory,
		    count * sizeof(*texts));

		for (size_t i = 0; i < count; i++)
			texts[i] = cells[i] == 0 ? NULL
			    : q->cells.data + cells[i] - 1;
		q->rows.cells = texts;
	}
	free(cells);
}

/* ------------------------------------------------------------------ */
/* Trouble                                                             */

static void
disk_full(struct store *s)
{
	if (s->broken)
		return;
	worker_trouble(s, BH_EFULL, "the disk of \"%s\" is full (%s): free "
	    "some space; until then only removals are written",
	    s->db.path != NULL ? s->db.path : ":memory:", s->db.error);
	if (!s->full && s->reserve_size > 0)
		reserve_release(s->reserve_path);
	s->full = true;
	s->probe_at = real_ms() + s->probe_every;
}

static void
handle_fault(struct store *s, enum db_fault fault)
{
	const char *path = s->db.path != NULL ? s->db.path : ":memory:";

	if (fault == DB_FULL)
		disk_full(s);
	else if (fault == DB_BROKEN) {
		s->broken = true;
		worker_trouble(s, BH_EIO, "the disk or the file of \"%s\" "
		    "failed (%s): what it holds cannot be trusted; look at "
		    "the disk, then start again", path, s->db.error);
	} else if (!s->broken && !s->full)
		worker_trouble(s, BH_EIO, "cannot write \"%s\": %s", path,
		    s->db.error);
}

static int
result_of(const struct store *s)
{
	return s->broken ? BH_EIO : s->full ? BH_EFULL : BH_EIO;
}

/* Is there room again?  The reserve is made anew first, so that it is there
 * before others take the space; then a real write has to succeed. */
static void
probe(struct store *s)
{
	s->probe_at = real_ms() + s->probe_every;
	if (s->pretend_full)
		return;
	if (s->reserve_size > 0 &&
	    !reserve_make(s->reserve_path, s->reserve_size))
		return;
	if (db_run(&s->db, &db_host_scope,
	    "INSERT INTO bh_meta (name, value) VALUES ('probe', '1')"
	    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	    NULL, NULL) == DB_OK) {
		s->full = false;
		if (!s->broken)
			worker_trouble(s, BH_OK, NULL);
	} else if (s->reserve_size > 0)
		reserve_release(s->reserve_path);
}

static void
pretend(struct store *s, void *arg)
{
	s->pretend_full = *(const bool *)arg;
	if (!s->pretend_full && s->full)
		probe(s);
}

void
store_pretend_full(struct store *s, bool full)
{
	CHECK_MAGIC(s, STORE_MAGIC);
	store_call(s, pretend, &full);
}

/* ------------------------------------------------------------------ */
/* Groups                                                              */

static bool
admitted(const struct store *s, const struct tx *tx)
{
	return tx->bad == 0 && (tx->urgent || (!s->full && !s->broken));
}

/* What belongs to the group as a whole: the head of the chain, the latest
 * time seen, old entries of the duplicate filter. */
static enum db_fault
run_tail(struct store *s, int64_t now, bool seen)
{
	enum db_fault fault = chain_save(&s->db, &s->chain);
	char text[32];

	if (fault == DB_OK && now >= s->clock_saved + 1000) {
		snprintf(text, sizeof(text), "%" PRId64, now);
		fault = db_run(&s->db, &db_host_scope,
		    "INSERT INTO bh_meta (name, value) VALUES ('clock', $1)"
		    " ON CONFLICT (name) DO UPDATE"
		    " SET value = excluded.value",
		    BH_PARAMS(bh_s(text)), NULL);
		s->clock_saved = now;
	}
	if (fault == DB_OK && seen &&
	    (now >= s->seen_pruned + STORE_SEEN_PRUNE ||
	    now < s->seen_pruned)) {
		fault = db_run(&s->db, &db_host_scope,
		    "DELETE FROM bh_seen WHERE at < $1",
		    BH_PARAMS(bh_i(now - STORE_SEEN_KEEP)), NULL);
		s->seen_pruned = now;
	}
	return fault;
}

static enum db_fault
run_body(struct store *s, struct item *first, const struct item *end,
    bool guarded)
{
	enum db_fault fault = DB_OK;
	int64_t now = 0;
	bool seen = false;

	for (struct item *i = first; i != end; i = i->next) {
		if (i->kind == ITEM_QUERY) {
			run_query(s, query_in(i));
			if (!db_in_transaction(&s->db))
				return DB_IO;
			continue;
		}
		struct tx *tx = tx_in(i);
		if (!admitted(s, tx))
			continue;
		fault = guarded ? run_guarded(s, tx) : run_steps(s, tx);
		if (fault != DB_OK)
			return fault;
		if (tx->now > now)
			now = tx->now;
		seen = seen || tx->seen;
	}
	return now > 0 ? run_tail(s, now, seen) : DB_OK;
}

static enum db_fault
run_group_once(struct store *s, struct item *first, const struct item *end,
    bool guarded)
{
	struct chain chain = s->chain;
	int64_t clock = s->clock_saved, pruned = s->seen_pruned;

	failpoint_hit("store.before-begin");
	enum db_fault fault = db_exec(&s->db, "BEGIN IMMEDIATE");
	if (fault == DB_OK)
		fault = run_body(s, first, end, guarded);
	if (fault == DB_OK && s->pretend_full && !s->full) {
		snprintf(s->db.error, sizeof(s->db.error),
		    "so a script says");
		fault = DB_FULL;
	}
	if (fault == DB_OK) {
		failpoint_hit("store.before-commit");
		fault = db_exec(&s->db, "COMMIT");
	}
	if (fault == DB_OK) {
		failpoint_hit("store.after-commit");
		atomic_store(&s->clock_mark, s->clock_saved);
		return DB_OK;
	}
	/* Keep the words of the failure, not those of the roll-back. */
	char error[sizeof(s->db.error)];
	memcpy(error, s->db.error, sizeof(error));
	if (db_in_transaction(&s->db))
		db_exec(&s->db, "ROLLBACK");
	memcpy(s->db.error, error, sizeof(error));
	s->chain = chain;
	s->clock_saved = clock;
	s->seen_pruned = pruned;
	return fault;
}

static void
fail_group(struct store *s, struct item *first, const struct item *end,
    int result)
{
	for (struct item *i = first; i != end; i = i->next) {
		if (i->kind == ITEM_QUERY)
			run_query(s, query_in(i));
		else if (tx_in(i)->bad == 0)
			i->result = result;
	}
}

/* Sets the results of those who are not even tried; how many are. */
static size_t
sort_out(struct store *s, struct item *first, const struct item *end)
{
	size_t n = 0;

	for (struct item *i = first; i != end; i = i->next) {
		if (i->kind != ITEM_TX)
			continue;
		struct tx *tx = tx_in(i);
		if (admitted(s, tx))
			n++;
		else
			i->result = tx->bad != 0 ? tx->bad : result_of(s);
	}
	return n;
}

static void
run_queries(struct store *s, struct item *first, const struct item *end)
{
	for (struct item *i = first; i != end; i = i->next)
		if (i->kind == ITEM_QUERY)
			run_query(s, query_in(i));
}

/*
 * A group that fails: with the disk full for the first time, the reserve is
 * given away and the urgent ones are tried again.  With more than one in it,
 * each is then tried alone, so that a big one, or one with a constraint that
 * is only looked at in the end, takes nobody along.  After a failed fsync
 * nothing is tried again: the kernel may have dropped what it could not
 * write, and would say "fine" the next time.
 */
static void
run_group(struct store *s, struct item *first, const struct item *end)
{
	bool was_full = s->full;
	size_t n = sort_out(s, first, end);

	if (n == 0) {
		run_queries(s, first, end);
		return;
	}
	enum db_fault fault = run_group_once(s, first, end, false);
	if (fault == DB_CONFLICT || fault == DB_WRONG)
		fault = run_group_once(s, first, end, true);
	if (fault == DB_OK) {
		if (!s->full && !s->broken && atomic_load(&s->health) != BH_OK)
			worker_trouble(s, BH_OK, NULL);
		return;
	}
	if (fault == DB_CONFLICT && n == 1) {
		fail_group(s, first, end, BH_ECONFLICT);
		return;
	}
	if (fault != DB_CONFLICT)
		handle_fault(s, fault);
	if (fault == DB_FULL && !was_full && s->full) {
		run_group(s, first, end);
		return;
	}
	if (n > 1 && (fault == DB_FULL || fault == DB_CONFLICT)) {
		for (struct item *i = first; i != end; i = i->next)
			run_group(s, i, i->next);
		return;
	}
	fail_group(s, first, end, result_of(s));
}

static void
run_batch(struct store *s, struct item *first)
{
	while (first != NULL) {
		struct item *end = first;
		int n = 0;

		if (first->kind == ITEM_CALL) {
			struct call *c = (struct call *)(void *)((char *)first
			    - offsetof(struct call, item));

			c->run(s, c->arg);
			first = first->next;
			continue;
		}
		for (; end != NULL && end->kind != ITEM_CALL; end = end->next)
			n += end->kind == ITEM_TX;
		if (n > 0)
			run_group(s, first, end);
		else
			run_queries(s, first, end);
		first = end;
	}
}

/* ------------------------------------------------------------------ */
/* The thread                                                          */

/* Moves the WAL into the file if it has that many pages: after the answers, so
 * that nobody waits for it, and if it can be in a quiet moment. */
static void
checkpoint(struct store *s, int pages)
{
	enum db_fault fault = DB_OK;

	if (!s->broken && s->db.wal_pages >= pages)
		fault = db_checkpoint(&s->db);
	if (fault != DB_OK)
		handle_fault(s, fault);
}

/* Stays awake for a moment after each group, like the loop (loop_linger): who
 * has asked once often asks again soon. */
static void
linger(struct store *s)
{
	int64_t until = real_us() + s->linger;

	while (!atomic_load_explicit(&s->rung, memory_order_relaxed) &&
	    real_us() < until)
		sched_yield();
}

/* Waits for work, for the moment to look for space, or for a quiet one to
 * move the WAL (*first is NULL); cuts off at most one group's worth.  False:
 * all is done, and the store closes. */
static bool
take(struct store *s, struct item **first)
{
	bool moves = s->db.wal_pages >= STORE_WAL_PAGES && !s->broken;
	int64_t until = s->full ? s->probe_at : real_ms() + STORE_QUIET;

	pthread_mutex_lock(&s->lock);
	while (s->queue == NULL && !s->stop) {
		struct timespec ts = { until / 1000,
		    (long)(until % 1000) * 1000000 };

		if (!s->full && !moves)
			pthread_cond_wait(&s->work, &s->lock);
		else if (pthread_cond_timedwait(&s->work, &s->lock, &ts) ==
		    ETIMEDOUT)
			break;
	}
	bool more = s->queue != NULL || !s->stop;
	atomic_store(&s->rung, false);
	struct item *last = *first = s->queue;
	for (int n = 1; last != NULL && last->next != NULL &&
	    n < STORE_GROUP_MAX; n++)
		last = last->next;
	if (last != NULL) {
		s->queue = last->next;
		if (s->queue == NULL)
			s->queue_last = &s->queue;
		last->next = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return more;
}

void *
worker_main(void *arg)
{
	struct store *s = CAST(struct store, arg, STORE_MAGIC);
	struct item *first;

	while (take(s, &first)) {
		if (s->full && real_ms() >= s->probe_at)
			probe(s);
		if (first == NULL) {
			checkpoint(s, STORE_WAL_PAGES);
			continue;
		}
		run_batch(s, first);
		failpoint_hit("store.before-callback");
		store_answer(s, first);
		checkpoint(s, STORE_WAL_MOST);
		linger(s);
	}
	return NULL;
}
