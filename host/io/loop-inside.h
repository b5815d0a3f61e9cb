/*
 * loop-inside.h - what the files of this room know about the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_IO_LOOP_INSIDE_H
#define HOST_IO_LOOP_INSIDE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "host/base/magic.h"
#include "host/io/loop.h"

struct post;
struct program;
struct catcher;

struct loop {
	unsigned magic;
#define LOOP_MAGIC	0x6c6f6f70u
	uv_loop_t uv;
	int code;

	/* Timers: a heap by (due, seq), woken by one timerfd. */
	struct bh_timer **heap;
	size_t heap_count, heap_size;
	uint64_t heap_seq;
	struct bh_timer *running;
	int clock_fd;
	bool clock_armed;
	int64_t clock_due, clock_offset;	/* what it was set for */
	uv_poll_t *clock;
	uv_prepare_t *prepare;
	uv_idle_t *awake;		/* runs while we linger */
	uint64_t awake_until;		/* of uv_hrtime() */
	bool alone;			/* may use one processor only */
	struct loop_rest *rests;

	/* Posts from any thread. */
	pthread_mutex_t lock;
	struct post *posts, **posts_end;
	uv_async_t *wake;

	struct program *programs;
	struct catcher *catchers;
	struct bh_watch *watches;

	/* What settling asks: callbacks so far, work outside, and of the HTTP
	 * transfers among it those that wait for a handler of our own. */
	uint64_t turns;
	size_t holds;
	size_t paired;
	/* By local TCP port: a transfer of ours is under way there; a request
	 * from there is held by our server. */
	uint16_t asking[65536], held[65536];
};

/* Around every callback into other rooms: puts its owner's name in place and
 * measures it. */
struct loop_turn {
	const char *before;
	uint64_t began;
};
struct loop_turn loop_enter(struct loop *loop, const char *who);
void loop_leave(struct loop_turn turn);

/* Whose work this is: lives for ever. */
const char *loop_who_now(void);

/* Something happened that is no callback (a socket moved on). */
static inline void
loop_touch(struct loop *loop)
{
	loop->turns++;
}

/* A transfer of ours runs from this port (on) or ended; a request from there
 * is held by a handler or was answered. */
void loop_asking(struct loop *loop, int port, bool on);
void loop_held(struct loop *loop, int port, bool on);

/* loop-timer.c */
void loop_timers_init(struct loop *loop);
void loop_timers_release(struct loop *loop);
void loop_timers_run(struct loop *loop);
void loop_timers_arm(struct loop *loop);

/* loop-exec.c, loop-watch.c */
void loop_programs_release(struct loop *loop);
void loop_watches_release(struct loop *loop);

/* Closes a handle that has its own piece of memory, and frees that. */
void loop_close_handle(uv_handle_t *handle);

#endif /* HOST_IO_LOOP_INSIDE_H */
