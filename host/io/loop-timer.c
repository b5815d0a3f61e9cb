/*
 * loop-timer.c - timers on the world's clock: a heap and one descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The descriptor is a timerfd on CLOCK_BOOTTIME and not a timer of libuv,
 * whose clock stands still while the machine sleeps: what fell due in the
 * meantime must run at once when the machine wakes.
 */

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/loop-inside.h"

struct bh_timer {
	unsigned magic;
#define TIMER_MAGIC	0x74696d65u
	struct loop *loop;
	int64_t due;
	uint64_t seq;
	size_t at;		/* place in the heap */
	bh_timer_cb *cb;
	void *arg;
	const char *who;
};

static bool
before(const struct bh_timer *a, const struct bh_timer *b)
{
	return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void
put(struct loop *loop, size_t at, struct bh_timer *t)
{
	loop->heap[at] = t;
	t->at = at;
}

static void
sift_up(struct loop *loop, struct bh_timer *t, size_t at)
{
	while (at > 0 && before(t, loop->heap[(at - 1) / 2])) {
		put(loop, at, loop->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(loop, at, t);
}

static void
sift_down(struct loop *loop, struct bh_timer *t, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= loop->heap_count)
			break;
		if (child + 1 < loop->heap_count &&
		    before(loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!before(loop->heap[child], t))
			break;
		put(loop, at, loop->heap[child]);
		at = child;
	}
	put(loop, at, t);
}

static void
take_out(struct loop *loop, struct bh_timer *t)
{
	struct bh_timer *last = loop->heap[--loop->heap_count];

	assert(t->at <= loop->heap_count);
	if (last == t)
		return;
	if (t->at > 0 && before(last, loop->heap[(t->at - 1) / 2]))
		sift_up(loop, last, t->at);
	else
		sift_down(loop, last, t->at);
}

static void
timer_free(struct bh_timer *t)
{
	KILL_MAGIC(t);
	free(t);
}

struct bh_timer *
loop_after(struct loop *loop, int64_t ms, bh_timer_cb *cb, void *arg)
{
	struct bh_timer *t = xcalloc(1, sizeof(*t));

	CHECK_MAGIC(loop, LOOP_MAGIC);
	t->magic = TIMER_MAGIC;
	t->loop = loop;
	if (__builtin_add_overflow(world_mono(), ms > 0 ? ms : 0, &t->due))
		t->due = INT64_MAX;
	t->seq = loop->heap_seq++;
	t->cb = cb;
	t->arg = arg;
	t->who = loop_who_now();
	if (loop->heap_count == loop->heap_size) {
		loop->heap_size = loop->heap_size * 2 + 16;
		loop->heap = xrealloc(loop->heap, loop->heap_size,
		    sizeof(struct bh_timer *));
	}
	sift_up(loop, t, loop->heap_count++);
	return t;
}

void
loop_cancel(struct bh_timer *t)
{
	if (t == NULL)
		return;
	CHECK_MAGIC(t, TIMER_MAGIC);
	if (t == t->loop->running)
		return;
	take_out(t->loop, t);
	timer_free(t);
}

int64_t
loop_next(const struct loop *loop)
{
	return loop->heap_count > 0 ? loop->heap[0]->due : INT64_MAX;
}

/* Runs what is due.  A timer made meanwhile waits for the next round, so
 * that one which renews itself with 0 ms cannot keep the loop here. */
void
loop_timers_run(struct loop *loop)
{
	uint64_t until = loop->heap_seq;

	while (loop->heap_count > 0) {
		struct bh_timer *t = loop->heap[0];
		struct loop_turn turn;

		if (t->due > world_mono() || t->seq >= until)
			break;
		take_out(loop, t);
		turn = loop_enter(loop, t->who);
		loop->running = t;
		t->cb(t->arg);
		loop->running = NULL;
		loop_leave(turn);
		timer_free(t);
	}
}

/* Sets the descriptor to the first timer.  Frozen time wakes nobody, but for
 * what is due already. */
void
loop_timers_arm(struct loop *loop)
{
	struct itimerspec when = { { 0, 0 }, { 0, 0 } };
	int64_t left;

	left = loop_next(loop);
	if (left != INT64_MAX)
		left -= world_mono();
	if (left == INT64_MAX || (world.frozen && left > 0)) {
		if (!loop->clock_armed)
			return;
		loop->clock_armed = false;
	} else {
		if (loop->clock_armed && loop->clock_due == loop_next(loop) &&
		    loop->clock_offset == world.offset)
			return;
		loop->clock_armed = true;
		loop->clock_due = loop_next(loop);
		loop->clock_offset = world.offset;
		if (left <= 0)
			when.it_value.tv_nsec = 1;
		else {
			when.it_value.tv_sec = left / 1000;
			when.it_value.tv_nsec = left % 1000 * 1000000;
		}
	}
	timerfd_settime(loop->clock_fd, 0, &when, NULL);
}

static void
clock_rang(uv_poll_t *clock, int status, int events)
{
	struct loop *loop = CAST(struct loop, clock->data, LOOP_MAGIC);
	uint64_t times;

	(void)status;
	(void)events;
	loop->clock_armed = false;
	/* Reading it is all: the timers run before the next sleep. */
	if (read(loop->clock_fd, &times, sizeof(times)) < 0 &&
	    errno != EAGAIN && errno != ECANCELED)
		log_warn("cannot read the timer descriptor: %s",
		    strerror(errno));
}

void
loop_timers_init(struct loop *loop)
{
	int ret;

	loop->clock = xcalloc(1, sizeof(*loop->clock));
	loop->clock_fd = timerfd_create(CLOCK_BOOTTIME,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->clock_fd < 0 || (ret = uv_poll_init(&loop->uv, loop->clock,
	    loop->clock_fd)) < 0) {
		log_error("cannot make a timer descriptor: %s; look at the "
		    "limit of open files", strerror(errno));
		abort();
	}
	loop->clock->data = loop;
	ret = uv_poll_start(loop->clock, UV_READABLE, clock_rang);
	assert(ret == 0);
}

void
loop_timers_release(struct loop *loop)
{
	for (size_t i = 0; i < loop->heap_count; i++)
		timer_free(loop->heap[i]);
	free(loop->heap);
	loop->heap = NULL;
	loop->heap_count = loop->heap_size = 0;
	uv_prepare_stop(loop->prepare);
	uv_poll_stop(loop->clock);
	loop_close_handle((uv_handle_t *)loop->clock);
	close(loop->clock_fd);
}
