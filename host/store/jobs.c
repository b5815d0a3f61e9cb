/* jobs.c - durable jobs in memory: a heap by time, and one loop timer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table bh_job is the truth.  This copy is loaded at start and follows
 * each committed transaction, so that firing needs no disk: removals go on
 * when it is full.  Deadlines are wall-clock times; the timer is monotonic,
 * so the clock is looked at again every now and then, in case it was set or
 * the machine slept.
 */

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store-internal.h"

#define LOOK_AGAIN	10000	/* ms, at most, between looks at the clock */
#define BACKOFF_FIRST	1000
#define BACKOFF_MAX	60000
#define AT_ONCE		32	/* fired before others get the loop */

struct job {
	struct job *same;	/* next in its bucket */
	uint32_t hash;
	int attempt;
	int64_t due, next;	/* next: when it fires */
	uint64_t order;		/* of arrival */
	size_t at;		/* in the heap */
	const char *owner;	/* interned */
	const char *ref;	/* in text, behind kind */
	char kind[];
};

struct owner {
	struct owner *next;
	char name[];
};

struct jobs {
	struct loop *loop;
	struct job **heap;
	size_t count, size;
	struct job **buckets;
	size_t mask;
	struct owner *owners;
	uint64_t order;
	struct bh_timer *timer;
	int64_t looked;		/* at the wall clock, last */
	store_job_cb *cb;
	void *arg;
};

struct jobs *
jobs_new(struct loop *loop)
{
	struct jobs *jobs = xcalloc(1, sizeof(*jobs));

	jobs->loop = loop;
	jobs->mask = 63;
	jobs->buckets = xcalloc(jobs->mask + 1, sizeof(struct job *));
	return jobs;
}

void
jobs_free(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	loop_cancel(jobs->timer);
	for (size_t i = 0; i < jobs->count; i++)
		free(jobs->heap[i]);
	while (jobs->owners != NULL) {
		struct owner *next = jobs->owners->next;

		free(jobs->owners);
		jobs->owners = next;
	}
	free(jobs->heap);
	free(jobs->buckets);
	free(jobs);
}

/* Owners are few and live as long as the store. */
static const char *
intern(struct jobs *jobs, const char *name)
{
	for (struct owner *o = jobs->owners; o != NULL; o = o->next)
		if (strcmp(o->name, name) == 0)
			return o->name;
	size_t n = strlen(name) + 1;
	struct owner *o = xcalloc(1, sizeof(*o) + n);
	memcpy(o->name, name, n);
	o->next = jobs->owners;
	jobs->owners = o;
	return o->name;
}

/* ------------------------------------------------------------------ */
/* The heap                                                            */

static bool
before(const struct job *a, const struct job *b)
{
	if (a->next != b->next)
		return a->next < b->next;
	if (a->due != b->due)
		return a->due < b->due;
	return a->order < b->order;
}

static void
place(struct jobs *jobs, struct job *j, size_t at)
{
	jobs->heap[at] = j;
	j->at = at;
}

static void
settle(struct jobs *jobs, struct job *j)
{
	size_t at = j->at;

	while (at > 0 && before(j, jobs->heap[(at - 1) / 2])) {
		place(jobs, jobs->heap[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= jobs->count)
			break;
		if (child + 1 < jobs->count &&
		    before(jobs->heap[child + 1], jobs->heap[child]))
			child++;
		if (!before(jobs->heap[child], j))
			break;
		place(jobs, jobs->heap[child], at);
		at = child;
	}
	place(jobs, j, at);
}

/* ------------------------------------------------------------------ */
/* Finding                                                             */

static uint32_t
hash_text(uint32_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return (h ^ 0xffu) * 16777619u;
}

static uint32_t
hash_of(const char *owner, const char *kind, const char *ref)
{
	return hash_text(hash_text(hash_text(2166136261u, owner), kind), ref);
}

static struct job **
find(struct jobs *jobs, uint32_t hash, const char *owner, const char *kind,
    const char *ref)
{
	struct job **at = &jobs->buckets[hash & jobs->mask];

	while (*at != NULL && ((*at)->hash != hash ||
	    strcmp((*at)->ref, ref) != 0 || strcmp((*at)->kind, kind) != 0 ||
	    strcmp((*at)->owner, owner) != 0))
		at = &(*at)->same;
	return at;
}

static void
grow(struct jobs *jobs)
{
	size_t mask = jobs->mask * 2 + 1;
	struct job **wide = xcalloc(mask + 1, sizeof(*wide));

	for (size_t i = 0; i < jobs->count; i++) {
		struct job *j = jobs->heap[i];

		j->same = wide[j->hash & mask];
		wide[j->hash & mask] = j;
	}
	free(jobs->buckets);
	jobs->buckets = wide;
	jobs->mask = mask;
}

static struct job *
add(struct jobs *jobs, uint32_t hash, const char *owner, const char *kind,
    const char *ref)
{
	size_t k = strlen(kind) + 1, n = strlen(ref) + 1;
	struct job *j = xcalloc(1, sizeof(*j) + k + n);

	memcpy(j->kind, kind, k);
	j->ref = memcpy(j->kind + k, ref, n);
	j->owner = intern(jobs, owner);
	j->hash = hash;
	j->order = jobs->order++;
	if (jobs->count > jobs->mask)
		grow(jobs);
	if (jobs->count == jobs->size) {
		jobs->size = jobs->size * 2 + 64;
		jobs->heap = xrealloc(jobs->heap, jobs->size,
		    sizeof(struct job *));
	}
	j->same = jobs->buckets[hash & jobs->mask];
	jobs->buckets[hash & jobs->mask] = j;
	place(jobs, j, jobs->count++);
	return j;
}

void
jobs_set(struct jobs *jobs, const char *owner, const char *kind,
    const char *ref, int64_t when)
{
	uint32_t hash = hash_of(owner, kind, ref);
	struct job *j = *find(jobs, hash, owner, kind, ref);

	if (j == NULL)
		j = add(jobs, hash, owner, kind, ref);
	j->due = j->next = when;
	j->attempt = 0;
	settle(jobs, j);
}

void
jobs_end(struct jobs *jobs, const char *owner, const char *kind,
    const char *ref)
{
	struct job **at = find(jobs, hash_of(owner, kind, ref), owner, kind,
	    ref);
	struct job *j = *at;

	if (j == NULL)
		return;
	*at = j->same;
	struct job *last = jobs->heap[--jobs->count];
	if (last != j) {
		place(jobs, last, j->at);
		settle(jobs, last);
	}
	free(j);
}

/* ------------------------------------------------------------------ */
/* Firing                                                              */

int64_t
jobs_next(const struct jobs *jobs)
{
	return jobs->count > 0 ? jobs->heap[0]->next : INT64_MAX;
}

size_t
jobs_count(const struct jobs *jobs)
{
	return jobs->count;
}

/* The handler may change the heap before it returns (never does by commits,
 * which answer later), so it gets copies, and `j` is not looked at again. */
static void
fire(struct jobs *jobs, struct job *j, int64_t now)
{
	int64_t wait = BACKOFF_MAX;

	j->attempt++;
	if (j->attempt < 7)
		wait = (int64_t)BACKOFF_FIRST << (j->attempt - 1);
	j->next = now + (wait < BACKOFF_MAX ? wait : BACKOFF_MAX);
	settle(jobs, j);

	BH_AUTO_FREE char *kind = xstrdup(j->kind);
	BH_AUTO_FREE char *ref = xstrdup(j->ref);
	struct bh_job job = { kind, ref, j->due, j->attempt };
	const char *owner = j->owner;
	const char *who = loop_who(owner);

	jobs->cb(jobs->arg, owner, &job);
	loop_who(who);
}

/* Deadlines wait for their time to come (again); the next try of one that
 * has come already must not. */
static void
clock_went_back(struct jobs *jobs, int64_t now)
{
	for (size_t i = 0; i < jobs->count; i++) {
		struct job *j = jobs->heap[i];

		if (j->attempt > 0 && j->next > now + BACKOFF_MAX)
			j->next = now + BACKOFF_MAX;
	}
	for (size_t i = jobs->count / 2 + 1; i-- > 0;)
		if (i < jobs->count)
			settle(jobs, jobs->heap[i]);
}

static void
tick(void *arg)
{
	struct jobs *jobs = arg;
	int64_t now = world_now();

	jobs->timer = NULL;
	if (now < jobs->looked)
		clock_went_back(jobs, now);
	jobs->looked = now;
	for (int n = 0; n < AT_ONCE && jobs->cb != NULL && jobs->count > 0 &&
	    jobs->heap[0]->next <= now; n++)
		fire(jobs, jobs->heap[0], now);
	jobs_arm(jobs);
}

void
jobs_arm(struct jobs *jobs)
{
	loop_cancel(jobs->timer);
	jobs->timer = NULL;
	if (jobs->cb == NULL || jobs->count == 0)
		return;
	int64_t wait = jobs->heap[0]->next - world_now();
	if (wait < 0)
		wait = 0;
	/* Virtual clocks jump for nobody. */
	if (!world.frozen && wait > LOOK_AGAIN)
		wait = LOOK_AGAIN;
	jobs->timer = loop_after(jobs->loop, wait, tick, jobs);
}

void
jobs_handler(struct jobs *jobs, store_job_cb *cb, void *arg)
{
	jobs->cb = cb;
	jobs->arg = arg;
	jobs_arm(jobs);
}
