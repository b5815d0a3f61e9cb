/* store.c - the loop's side: the queue to the thread, and the answers back.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <signal.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store-internal.h"

#define DELIVER_AT_ONCE	256	/* callbacks before others get the loop */
#define REFUSED_MAX	1000	/* retries that a closing store still answers */

/* A post to the loop that may come when the store is gone: then `store` is
 * NULL.  Those that never come (the loop was freed first) stay on a list. */
struct mail {
	struct store *store;
	struct mail *next;
};

static struct mail *orphans;

/* ------------------------------------------------------------------ */
/* Answers                                                             */

/* One at a time, so that a callback that flushes finds the rest in order. */
static struct item *
next_done(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	struct item *i = s->done;
	if (i != NULL && (s->done = i->next) == NULL)
		s->done_last = &s->done;
	pthread_mutex_unlock(&s->lock);
	return i;
}

static void
finish(struct store *s, struct item *i)
{
	i->finish(s, i);
	loop_unhold(s->loop);
}

static void
tell_outbox(struct store *s)
{
	if (s->posted && s->notify != NULL) {
		s->posted = false;
		s->notify(s->notify_arg);
	}
}

static void on_mail(void *arg);

/* With the lock held: makes the loop look at `done` soon. */
static void
post_mail(struct store *s)
{
	if (s->mail != NULL)
		return;
	s->mail = xcalloc(1, sizeof(*s->mail));
	s->mail->store = s;
	loop_post(s->loop, on_mail, s->mail);
}

static void
on_mail(void *arg)
{
	struct mail *mail = arg;
	struct store *s = mail->store;
	struct item *i;

	if (s == NULL) {
		struct mail **at = &orphans;

		while (*at != mail)
			at = &(*at)->next;
		*at = mail->next;
		free(mail);
		return;
	}
	CHECK_MAGIC(s, STORE_MAGIC);
	pthread_mutex_lock(&s->lock);
	s->mail = NULL;
	pthread_mutex_unlock(&s->lock);
	free(mail);
	for (int n = 0; n < DELIVER_AT_ONCE && (i = next_done(s)) != NULL; n++)
		finish(s, i);
	tell_outbox(s);
	loop_linger(s->loop);		/* and so may the next question */
	pthread_mutex_lock(&s->lock);
	if (s->done != NULL)
		post_mail(s);
	pthread_mutex_unlock(&s->lock);
}

/* On the store's thread. */
void
store_answer(struct store *s, struct item *first)
{
	bool news = false;

	pthread_mutex_lock(&s->lock);
	while (first != NULL) {
		struct item *next = first->next;

		first->next = NULL;
		s->finished++;
		if (first->kind == ITEM_CALL) {
			struct call *c = (struct call *)(void *)((char *)first
			    - offsetof(struct call, item));

			c->over = true;
		} else {
			*s->done_last = first;
			s->done_last = &first->next;
			news = true;
		}
		first = next;
	}
	if (news)
		post_mail(s);
	pthread_cond_broadcast(&s->progress);
	pthread_mutex_unlock(&s->lock);
}

/* ------------------------------------------------------------------ */
/* The queue                                                           */

static void
enqueue(struct store *s, struct item *item)
{
	item->next = NULL;
	pthread_mutex_lock(&s->lock);
	*s->queue_last = item;
	s->queue_last = &item->next;
	s->queued++;
	pthread_mutex_unlock(&s->lock);
}

/* The thread sleeps on until the loop has done what it can, or there is enough
 * for it to begin with: one group of sixteen is much less work than sixteen. */
static void
wake(struct store *s)
{
	s->unheard = 0;
	atomic_store(&s->rung, true);
	pthread_cond_signal(&s->work);
}

void
store_at_rest(void *arg)
{
	struct store *s = CAST(struct store, arg, STORE_MAGIC);

	if (s->unheard > 0) {
		wake(s);
		loop_linger(s->loop);	/* the answer comes soon */
	}
}

void
store_queue(struct store *s, struct item *item)
{
	CHECK_MAGIC(s, STORE_MAGIC);
	loop_hold(s->loop);
	if (!s->closing) {
		enqueue(s, item);
		if (++s->unheard >= STORE_EAGER)
			wake(s);
		return;
	}
	item->result = BH_ECANCELLED;
	item->next = NULL;
	if (++s->refused > REFUSED_MAX)
		return;		/* somebody tries again for ever */
	pthread_mutex_lock(&s->lock);
	*s->done_last = item;
	s->done_last = &item->next;
	pthread_mutex_unlock(&s->lock);
}

void
store_call(struct store *s, void (*run)(struct store *, void *), void *arg)
{
	struct call call = { .item = { .kind = ITEM_CALL }, .run = run,
	    .arg = arg };

	enqueue(s, &call.item);
	wake(s);
	pthread_mutex_lock(&s->lock);
	while (!call.over)
		pthread_cond_wait(&s->progress, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void
store_flush(struct store *s)
{
	struct item *i;

	CHECK_MAGIC(s, STORE_MAGIC);
	wake(s);
	pthread_mutex_lock(&s->lock);
	uint64_t all = s->queued;
	while (s->finished < all)
		pthread_cond_wait(&s->progress, &s->lock);
	pthread_mutex_unlock(&s->lock);
	while ((i = next_done(s)) != NULL)
		finish(s, i);
	tell_outbox(s);
}

static void
query_finish(struct store *s, struct item *item)
{
	struct query *q = (struct query *)(void *)((char *)item -
	    offsetof(struct query, item));
	struct arena *memory;

	(void)s;
	if (q->complaint != NULL)
		log_at(BH_LOG_ERROR, q->owner, "a query is wrong: %s",
		    q->complaint);
	if (q->done != NULL) {
		const char *before = loop_who(q->owner);

		q->done(q->arg, item->result, &q->rows);
		loop_who(before);
	}
	bh_buf_release(&q->cells);
	free(q->complaint);
	memory = q->memory;
	arena_free(&memory);
}

int
store_query(struct store *s, const char *owner, const char *sql,
    const struct bh_param *params, bh_rows_cb *done, void *arg)
{
	struct arena *memory = NULL;

	CHECK_MAGIC(s, STORE_MAGIC);
	if (sql == NULL || done == NULL)
		return BH_EINVAL;
	struct query *q = arena_take(&memory, sizeof(*q));
	q->memory = memory;
	q->owner = arena_copy(&q->memory, owner);
	q->sql = arena_copy(&q->memory, sql);
	q->params = tx_params(&q->memory, params);
	q->cells.max = STORE_ROWS_MAX;
	q->done = done;
	q->arg = arg;
	db_scope(&q->scope, owner);
	q->item.kind = ITEM_QUERY;
	q->item.finish = query_finish;
	store_queue(s, &q->item);
	return BH_OK;
}

/* ------------------------------------------------------------------ */
/* Looking in                                                          */

int
store_health(const struct store *s)
{
	return atomic_load(&s->health);
}

const char *
store_trouble(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	memcpy(s->trouble_copy, s->trouble, sizeof(s->trouble));
	pthread_mutex_unlock(&s->lock);
	return store_health(s) == BH_OK ? NULL : s->trouble_copy;
}

int64_t
store_clock_behind(const struct store *s)
{
	int64_t behind = atomic_load(&s->clock_mark) - world_now();

	return behind > 0 ? behind : 0;
}

void
store_jobs_handler(struct store *s, store_job_cb *cb, void *arg)
{
	jobs_handler(s->jobs, cb, arg);
}

int64_t
store_jobs_next(const struct store *s)
{
	return jobs_next(s->jobs);
}

size_t
store_jobs_count(const struct store *s)
{
	return jobs_count(s->jobs);
}

struct migrate_call {
	const char *name;
	const char *const *migrations;
	struct bh_buf why;
	int result;
};

static void
migrate_there(struct store *s, void *arg)
{
	struct migrate_call *m = arg;

	m->result = migrate_run(&s->db, m->name, m->migrations, &m->why);
}

int
store_migrate(struct store *s, const char *name,
    const char *const *migrations, const char **error)
{
	static char sentence[600];
	struct migrate_call m = { name, migrations, BH_BUF(500), 0 };

	CHECK_MAGIC(s, STORE_MAGIC);
	store_call(s, migrate_there, &m);
	if (m.result != BH_OK) {
		snprintf(sentence, sizeof(sentence), "%s", bh_buf_text(&m.why));
		*error = sentence;
	}
	bh_buf_release(&m.why);
	return m.result;
}

/* ------------------------------------------------------------------ */
/* The end                                                             */

void
store_close(struct store **store)
{
	struct store *s = *store;
	struct item *i;

	if (s == NULL)
		return;
	CHECK_MAGIC(s, STORE_MAGIC);
	jobs_handler(s->jobs, NULL, NULL);
	store_flush(s);
	store_flush(s);		/* what the callbacks of the first queued */
	s->closing = true;
	loop_rest_remove(s->loop, &s->rest);
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	while ((i = next_done(s)) != NULL)
		finish(s, i);
	if (s->mail != NULL) {
		s->mail->store = NULL;
		s->mail->next = orphans;
		orphans = s->mail;
	}
	store_free(s);
	*store = NULL;
}
