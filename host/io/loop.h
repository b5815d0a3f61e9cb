/*
 * loop.h - the one loop: timers, descriptors, signals, programs, settling.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything runs on the thread that calls loop_run() or loop_settle();
 * only loop_post() may be called from elsewhere.  Nothing polls: a loop
 * with nothing to do sleeps in the kernel.
 *
 * Timers follow world_mono(), so they stand still while the world is frozen.
 * Waits that protect against real peers (HTTP, programs) use real time.
 */

#ifndef HOST_IO_LOOP_H
#define HOST_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <bellhop/plugin.h>

struct loop;

/* A new loop; dies when the system gives no descriptors. */
struct loop *loop_new(void);

/* Ends it and sets *loop to NULL: kills running programs (their callbacks do
 * not run), forgets timers and posts.  HTTP clients and servers on it must
 * be gone by then.  *loop may be NULL. */
void loop_free(struct loop **loop);

/* Runs until loop_stop(); returns what was given to the last loop_code(),
 * normally 0. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
void loop_code(struct loop *loop, int code);

/* Once, in `ms` (below 0 counts as 0).  Timers that are due at the same
 * moment run in the order they were made. */
struct bh_timer *loop_after(struct loop *loop, int64_t ms, bh_timer_cb *cb,
    void *arg);

/* NULL is fine, and so is the timer that is running right now. */
void loop_cancel(struct bh_timer *timer);

/* When the next timer is due, on world_mono(); INT64_MAX if there is none. */
int64_t loop_next(const struct loop *loop);

/* Runs cb(arg) on the loop's thread soon, in the order of the posts.  May be
 * called from any thread. */
void loop_post(struct loop *loop, void (*cb)(void *), void *arg);

/* Calls cb with BH_READ, BH_WRITE or both (an error or hang-up counts as
 * every event asked for).  `fd` stays the caller's, who unwatches before
 * closing it.  A regular file is always ready.  NULL if it cannot be watched. */
struct bh_watch *loop_watch(struct loop *loop, int fd, unsigned events,
    bh_watch_cb *cb, void *arg);
void loop_unwatch(struct bh_watch *watch);

/* Calls cb for every `signum` from now on, as long as the loop lives.
 * BH_OK, or BH_EINVAL for a signal that cannot be caught. */
typedef void loop_signal_cb(void *arg, int signum);
int loop_signal(struct loop *loop, int signum, loop_signal_cb *cb, void *arg);

/* Runs argv[0] (found by PATH) without a shell, stdin empty, stderr ours, in
 * its own session.  cb gets stdout, at most 64 KiB, and as result:
 *   0  it ended with status 0        > 0  its exit status, or 128 + signal
 *   BH_ETIMEOUT  killed after `timeout` real ms (0: 60 s)
 *   BH_EFULL     killed, it wrote more than 64 KiB
 * Returns BH_OK, or BH_ENOENT, BH_EPERM, BH_EINVAL, BH_EIO when it could not
 * be started: no callback then. */
#define LOOP_EXEC_MAX	(64u * 1024u)
int loop_exec(struct loop *loop, const char *const *argv, int64_t timeout,
    bh_exec_cb *cb, void *arg);

/* Names who is at work: whatever is started (timers, watches, posts,
 * programs, HTTP) belongs to the current name, and its callbacks run under
 * it.  One that takes over 50 ms is logged with the name.  NULL: nobody.
 * The name is copied.  Returns the name before, to be put back. */
const char *loop_who(const char *who);

/* Its `cb` is called whenever all that was ready is done, right before the loop
 * would sleep, under nobody's name.  The caller's memory, until removed. */
struct loop_rest {
	void (*cb)(void *arg);
	void *arg;
	struct loop_rest *next;
};
void loop_rest_add(struct loop *loop, struct loop_rest *rest);
void loop_rest_remove(struct loop *loop, struct loop_rest *rest);

/* From now on the loop stays awake for 300 us, as far as nobody else wants the
 * processor, before it sleeps: for an answer that is expected at once.  To wake
 * it costs up to 60 us where idle processors are put to rest.  Does nothing
 * where this process may use one processor only (loop_alone). */
void loop_linger(struct loop *loop);
bool loop_alone(const struct loop *loop);

/* Work outside the loop is under way (a commit, a lookup): virtual time must
 * not move.  Counted; loop's thread only. */
void loop_hold(struct loop *loop);
void loop_unhold(struct loop *loop);

/*
 * Runs the loop until done(arg) is true.  On frozen time: whenever nothing
 * is ready and nothing is held, moves the clock to the next timer, as long as
 * that is at most `budget` ms after the start; no real waiting happens but
 * for held work.  On real time it waits `budget` ms at most.  Returns
 * done(arg).
 *
 * done NULL: the whole budget passes, timers run in order, the clock stands
 * at exactly start + budget in the end, and what that set off has come to
 * rest; returns true.
 *
 * An HTTP transfer to a server in this same loop that was read but not
 * answered yet waits for us, not for the world: it does not hold time.  Held
 * work that shows no sign of life for a real minute is given up: false.
 */
bool loop_settle(struct loop *loop, bool (*done)(void *arg), void *arg,
    int64_t budget);

#endif /* HOST_IO_LOOP_H */
