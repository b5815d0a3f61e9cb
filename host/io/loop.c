/*
 * loop.c - running, posting, holding and settling.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <assert.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/loop-inside.h"

#define SLOW_NS		50000000u	/* a callback over this is named */
#define GIVE_UP_NS	60000000000u	/* settling: no sign of life */
#define LINGER_NS	300000u		/* awake for what comes at once */

struct post {
	struct post *next;
	void (*cb)(void *);
	void *arg;
	const char *who;
};

/* ------------------------------------------------------------------ */
/* Who is at work                                                      */

struct name {
	struct name *next;
	char text[];
};

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct name *names;
static _Thread_local const char *who_now;

/* Names are few (one per instance) and are wanted by callbacks that outlive
 * their owner: each is kept once, for ever. */
static const char *
name_keep(const char *text)
{
	struct name *n;

	pthread_mutex_lock(&names_lock);
	for (n = names; n != NULL; n = n->next)
		if (n->text == text || strcmp(n->text, text) == 0)
			break;
	if (n == NULL) {
		size_t len = strlen(text);

		n = xcalloc(1, sizeof(*n) + len + 1);
		memcpy(n->text, text, len);
		n->next = names;
		names = n;
	}
	pthread_mutex_unlock(&names_lock);
	return n->text;
}

const char *
loop_who(const char *who)
{
	const char *before = who_now;

	/* Putting back a kept name is the common case: no search. */
	if (who == NULL || who == who_now)
		who_now = who;
	else
		who_now = name_keep(who);
	return before;
}

const char *
loop_who_now(void)
{
	return who_now;
}

struct loop_turn
loop_enter(struct loop *loop, const char *who)
{
	struct loop_turn turn = { who_now, uv_hrtime() };

	loop->turns++;
	who_now = who;
	return turn;
}

void
loop_leave(struct loop_turn turn)
{
	uint64_t took = uv_hrtime() - turn.began;

	if (took > SLOW_NS)
		log_warn("%s kept the loop busy for %" PRIu64 " ms",
		    who_now != NULL ? who_now : "the host", took / 1000000);
	who_now = turn.before;
}

/* ------------------------------------------------------------------ */
/* Birth and death                                                     */

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

void
loop_close_handle(uv_handle_t *handle)
{
	if (handle != NULL && !uv_is_closing(handle))
		uv_close(handle, free_handle);
}

static void
posts_run(uv_async_t *wake)
{
	struct loop *loop = CAST(struct loop, wake->data, LOOP_MAGIC);
	struct post *p;

	pthread_mutex_lock(&loop->lock);
	p = loop->posts;
	loop->posts = NULL;
	loop->posts_end = &loop->posts;
	pthread_mutex_unlock(&loop->lock);
	while (p != NULL) {
		struct post *next = p->next;
		struct loop_turn turn = loop_enter(loop, p->who);

		p->cb(p->arg);
		loop_leave(turn);
		free(p);
		p = next;
	}
}

static void
stay_awake(uv_idle_t *awake)
{
	const struct loop *loop = CAST(struct loop, awake->data, LOOP_MAGIC);

	if (uv_hrtime() < loop->awake_until)
		sched_yield();
	else
		uv_idle_stop(awake);
}

void
loop_linger(struct loop *loop)
{
	CHECK_MAGIC(loop, LOOP_MAGIC);
	if (loop->alone)
		return;
	loop->awake_until = uv_hrtime() + LINGER_NS;
	uv_idle_start(loop->awake, stay_awake);
}

bool
loop_alone(const struct loop *loop)
{
	return loop->alone;
}

/* Right before the loop would sleep. */
static void
before_sleep(uv_prepare_t *prepare)
{
	struct loop *loop = CAST(struct loop, prepare->data, LOOP_MAGIC);

	loop_timers_run(loop);
	loop_timers_arm(loop);
	for (struct loop_rest *r = loop->rests; r != NULL; r = r->next)
		r->cb(r->arg);
}

struct loop *
loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	int ret;

	loop->magic = LOOP_MAGIC;
	loop->posts_end = &loop->posts;
	pthread_mutex_init(&loop->lock, NULL);
	/* A peer that hangs up is an error of write(), not our death. */
	signal(SIGPIPE, SIG_IGN);
	loop->wake = xcalloc(1, sizeof(*loop->wake));
	loop->prepare = xcalloc(1, sizeof(*loop->prepare));
	loop->awake = xcalloc(1, sizeof(*loop->awake));
	loop->alone = uv_available_parallelism() < 2;
	if ((ret = uv_loop_init(&loop->uv)) < 0 ||
	    (ret = uv_async_init(&loop->uv, loop->wake, posts_run)) < 0) {
		log_error("cannot start the loop: %s; look at the limit of "
		    "open files", uv_strerror(ret));
		abort();
	}
	loop->wake->data = loop;
	uv_idle_init(&loop->uv, loop->awake);
	loop->awake->data = loop;
	uv_prepare_init(&loop->uv, loop->prepare);
	loop->prepare->data = loop;
	uv_prepare_start(loop->prepare, before_sleep);
	loop_timers_init(loop);
	return loop;
}

static void
close_left(uv_handle_t *handle, void *arg)
{
	(void)arg;
	/* Every handle of this room is its own piece of memory. */
	loop_close_handle(handle);
}

void
loop_free(struct loop **loopp)
{
	struct loop *loop = *loopp;
	int ret;

	if (loop == NULL)
		return;
	*loopp = NULL;
	CHECK_MAGIC(loop, LOOP_MAGIC);
	loop_programs_release(loop);
	loop_watches_release(loop);
	loop_timers_release(loop);
	uv_walk(&loop->uv, close_left, NULL);
	while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
		;
	ret = uv_loop_close(&loop->uv);
	assert(ret == 0);
	for (struct post *p = loop->posts, *next; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	pthread_mutex_destroy(&loop->lock);
	KILL_MAGIC(loop);
	free(loop);
}

/* ------------------------------------------------------------------ */
/* Running                                                             */

int
loop_run(struct loop *loop)
{
	CHECK_MAGIC(loop, LOOP_MAGIC);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	return loop->code;
}

void
loop_stop(struct loop *loop)
{
	CHECK_MAGIC(loop, LOOP_MAGIC);
	uv_stop(&loop->uv);
}

void
loop_code(struct loop *loop, int code)
{
	CHECK_MAGIC(loop, LOOP_MAGIC);
	loop->code = code;
}

void
loop_post(struct loop *loop, void (*cb)(void *), void *arg)
{
	struct post *p = xcalloc(1, sizeof(*p));

	CHECK_MAGIC(loop, LOOP_MAGIC);
	p->cb = cb;
	p->arg = arg;
	p->who = who_now;
	pthread_mutex_lock(&loop->lock);
	*loop->posts_end = p;
	loop->posts_end = &p->next;
	/* Under the lock: once it is free, the loop may already be gone. */
	uv_async_send(loop->wake);
	pthread_mutex_unlock(&loop->lock);
}

void
loop_rest_add(struct loop *loop, struct loop_rest *rest)
{
	CHECK_MAGIC(loop, LOOP_MAGIC);
	rest->next = loop->rests;
	loop->rests = rest;
}

void
loop_rest_remove(struct loop *loop, struct loop_rest *rest)
{
	struct loop_rest **at = &loop->rests;

	CHECK_MAGIC(loop, LOOP_MAGIC);
	while (*at != rest)
		at = &(*at)->next;
	*at = rest->next;
}

void
loop_hold(struct loop *loop)
{
	CHECK_MAGIC(loop, LOOP_MAGIC);
	loop->holds++;
}

void
loop_unhold(struct loop *loop)
{
	CHECK_MAGIC(loop, LOOP_MAGIC);
	assert(loop->holds > 0);
	loop->holds--;
}

/* ------------------------------------------------------------------ */
/* Settling                                                            */

static size_t
pairs(const struct loop *loop, int port)
{
	return loop->asking[port] < loop->held[port] ?
	    loop->asking[port] : loop->held[port];
}

static void
pair_count(struct loop *loop, uint16_t *side, int port, bool on)
{
	if (port <= 0 || port > 65535)
		return;
	loop->paired -= pairs(loop, port);
	if (on)
		side[port]++;
	else {
		assert(side[port] > 0);
		side[port]--;
	}
	loop->paired += pairs(loop, port);
}

void
loop_asking(struct loop *loop, int port, bool on)
{
	pair_count(loop, loop->asking, port, on);
}

void
loop_held(struct loop *loop, int port, bool on)
{
	pair_count(loop, loop->held, port, on);
}

static void
tick(uv_timer_t *guard)
{
	(void)guard;		/* only there to end a sleep */
}

/* Runs what is ready; false if nothing was.  Two passes in vain, because
 * what one pass wrote to a socket can be read in the next. */
static bool
run_ready(struct loop *loop)
{
	uint64_t before = loop->turns;

	uv_run(&loop->uv, UV_RUN_NOWAIT);
	if (loop->turns == before)
		uv_run(&loop->uv, UV_RUN_NOWAIT);
	return loop->turns != before;
}

/* Moves a frozen clock to the next timer, at most to `end`; false if there
 * is nothing to move to. */
static bool
move_clock(struct loop *loop, int64_t end)
{
	int64_t now = world_mono(), next = loop_next(loop);

	if (next > end)
		next = end;
	if (next <= now)
		return false;
	world_advance(next - now);
	return true;
}

/* Sleeps until something happens, `ms` at most. */
static void
wait_for_life(struct loop *loop, uv_timer_t *guard, int64_t ms)
{
	uv_update_time(&loop->uv);
	uv_timer_start(guard, tick, (uint64_t)ms, 0);
	uv_run(&loop->uv, UV_RUN_ONCE);
}

/* With done: until it is true; without: until `end`, and at rest. */
static bool
settle(struct loop *loop, bool (*done)(void *), void *arg, int64_t end,
    uv_timer_t *guard)
{
	uint64_t alive = uv_hrtime(), turns = loop->turns;

	for (;;) {
		if (done != NULL && done(arg))
			return true;
		if (run_ready(loop))
			continue;
		if (loop->turns != turns) {
			turns = loop->turns;
			alive = uv_hrtime();
		}
		if (!world.frozen) {
			int64_t left = end - world_mono();

			if (left <= 0)
				return done == NULL;
			wait_for_life(loop, guard, left < 1000 ? left : 1000);
			continue;
		}
		if (loop->holds > loop->paired) {
			if (uv_hrtime() - alive > GIVE_UP_NS) {
				log_warn("no sign of life for a minute from "
				    "%zu pieces of work; giving up",
				    loop->holds - loop->paired);
				return false;
			}
			wait_for_life(loop, guard, 1000);
			continue;
		}
		/* A clock that must not move for done() needs a timer to move
		 * to; one that must be at `end` moves there anyway. */
		if (done != NULL && loop_next(loop) > end)
			return false;
		if (!move_clock(loop, end))
			return done == NULL;
	}
}

bool
loop_settle(struct loop *loop, bool (*done)(void *arg), void *arg,
    int64_t budget)
{
	uv_timer_t *guard;
	int64_t end;
	bool ret;

	CHECK_MAGIC(loop, LOOP_MAGIC);
	if (__builtin_add_overflow(world_mono(), budget > 0 ? budget : 0, &end))
		end = INT64_MAX;
	guard = xcalloc(1, sizeof(*guard));
	uv_timer_init(&loop->uv, guard);
	ret = settle(loop, done, arg, end, guard);
	loop_close_handle((uv_handle_t *)guard);
	return ret;
}
