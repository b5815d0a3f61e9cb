/*
 * test-io-loop.c - timers, settling, posts, descriptors, signals, programs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/loop.h"

#define START	INT64_C(1767225600000)	/* 2026-01-01 */

static struct loop *loop;
static struct bh_buf seen;
static int64_t real_began;

static int64_t
real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
frozen(void)
{
	world_freeze(START);
	real_began = real_ms();
	seen.max = 100000;
	loop = loop_new();
}

static void
real(void)
{
	world_thaw();
	real_began = real_ms();
	seen.max = 100000;
	loop = loop_new();
}

static void
down(void)
{
	loop_free(&loop);
	ck_assert_ptr_null(loop);
	bh_buf_release(&seen);
}

/* Notes its word and the virtual second. */
static void
note(void *arg)
{
	bh_buf_add(&seen, "%s@%lld ", (const char *)arg,
	    (long long)((world_now() - START) / 1000));
}

static char word_a[] = "a", word_b[] = "b", word_c[] = "c", word_d[] = "d";

START_TEST(timers_in_order)
{
	int64_t before = world_now();

	loop_after(loop, 30000, note, word_c);
	loop_after(loop, 10000, note, word_a);
	loop_after(loop, 20000, note, word_b);
	loop_after(loop, 30000, note, word_d);
	ck_assert(loop_settle(loop, NULL, NULL, 25000));
	ck_assert_str_eq(bh_buf_text(&seen), "a@10 b@20 ");
	ck_assert_int_eq(world_now() - before, 25000);
	ck_assert(loop_settle(loop, NULL, NULL, 3600000));
	ck_assert_str_eq(bh_buf_text(&seen), "a@10 b@20 c@30 d@30 ");
	ck_assert_int_eq(world_now() - before, 3625000);
	ck_assert_int_eq(loop_next(loop), INT64_MAX);
}
END_TEST

static void
on_time(void *arg)
{
	const int64_t *due = arg;

	ck_assert_int_eq(*due, world_mono());
	bh_buf_puts(&seen, ".");
}

START_TEST(many_timers_on_time)
{
	static struct bh_timer *timers[1000];
	static int64_t due[1000];
	uint64_t dice = 88172645463325252u;

	for (size_t i = 0; i < 1000; i++) {
		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		due[i] = world_mono() + (int64_t)(dice % 5000);
		timers[i] = loop_after(loop, (int64_t)(dice % 5000), on_time,
		    &due[i]);
	}
	for (size_t i = 0; i < 1000; i += 3)
		loop_cancel(timers[i]);
	ck_assert(loop_settle(loop, NULL, NULL, 5000));
	ck_assert_uint_eq(seen.len, 666);
}
END_TEST

static struct bh_timer *self;

static void
cancels_itself(void *arg)
{
	loop_cancel(self);
	note(arg);
}

START_TEST(timer_cancels_itself)
{
	self = loop_after(loop, 1000, cancels_itself, word_a);
	loop_cancel(NULL);
	ck_assert(loop_settle(loop, NULL, NULL, 1000));
	ck_assert_str_eq(bh_buf_text(&seen), "a@1 ");
}
END_TEST

static bool
seen_three(void *arg)
{
	(void)arg;
	return seen.len >= 3;
}

static void
again(void *arg)
{
	bh_buf_puts(&seen, ".");
	loop_after(loop, 60000, again, arg);
}

START_TEST(settle_stops_at_done_or_budget)
{
	int64_t before = world_now();

	loop_after(loop, 60000, again, NULL);
	ck_assert(!loop_settle(loop, seen_three, NULL, 120000));
	/* No further than the last timer within the budget. */
	ck_assert_int_eq(world_now() - before, 120000);
	ck_assert(!loop_settle(loop, seen_three, NULL, 59999));
	ck_assert_int_eq(world_now() - before, 120000);
	ck_assert(loop_settle(loop, seen_three, NULL, 60000));
	ck_assert_int_eq(world_now() - before, 180000);
}
END_TEST

/* ------------------------------------------------------------------ */

static void
posted_by_thread(void *arg)
{
	note(arg);
	loop_unhold(loop);
}

static void *
thread_main(void *arg)
{
	usleep(100000);
	loop_post(loop, posted_by_thread, arg);
	return NULL;
}

/* While a thread works, the clock stands: the timer comes second. */
START_TEST(held_work_holds_time)
{
	pthread_t thread;

	loop_after(loop, 5000, note, word_b);
	loop_hold(loop);
	ck_assert_int_eq(pthread_create(&thread, NULL, thread_main, word_a),
	    0);
	ck_assert(loop_settle(loop, NULL, NULL, 5000));
	pthread_join(thread, NULL);
	ck_assert_str_eq(bh_buf_text(&seen), "a@0 b@5 ");
}
END_TEST

static void
stop(void *arg)
{
	note(arg);
	loop_code(loop, 3);
	loop_stop(loop);
}

START_TEST(posts_keep_their_order)
{
	loop_post(loop, note, word_a);
	loop_post(loop, note, word_b);
	loop_post(loop, stop, word_c);
	ck_assert_int_eq(loop_run(loop), 3);
	ck_assert_str_eq(bh_buf_text(&seen), "a@0 b@0 c@0 ");
}
END_TEST

START_TEST(rests_come_after_all_that_is_ready)
{
	struct loop_rest one = { .cb = note, .arg = word_c };
	struct loop_rest other = { .cb = note, .arg = word_d };

	loop_rest_add(loop, &other);
	loop_rest_add(loop, &one);
	loop_rest_remove(loop, &other);
	loop_post(loop, note, word_a);
	loop_post(loop, note, word_b);
	ck_assert(loop_settle(loop, NULL, NULL, 0));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&seen), "a@0 b@0 c@0 "));
	ck_assert_ptr_null(strstr(bh_buf_text(&seen), "d@0"));
	loop_rest_remove(loop, &one);
	bh_buf_clear(&seen);
	ck_assert(loop_settle(loop, NULL, NULL, 0));
	ck_assert_str_eq(bh_buf_text(&seen), "");
}
END_TEST

START_TEST(real_timers_wait)
{
	loop_after(loop, 60, stop, word_b);
	loop_after(loop, 20, note, word_a);
	loop_run(loop);
	ck_assert_int_ge(real_ms() - real_began, 60);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&seen), "a@"));
}
END_TEST

/* The demo moves the offset of a running clock; the sleeper is a thread's
 * post away from noticing. */
START_TEST(moved_clock_wakes_timers)
{
	loop_after(loop, 3600000, stop, word_a);
	world_advance(3600000);
	loop_run(loop);
}
END_TEST

/* Also after it has lingered. */
START_TEST(idle_loop_sleeps)
{
	struct timespec cpu;
	int64_t used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	used = (int64_t)cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000;
	loop_linger(loop);
	loop_after(loop, 500, stop, word_a);
	loop_run(loop);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	used = (int64_t)cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000 - used;
	/* A loop that spins would use nearly all of the half second. */
	ck_assert_int_lt(used, 250000);
}
END_TEST

/* ------------------------------------------------------------------ */

static struct bh_watch *watching;

static void
readable(void *arg, int fd, unsigned events)
{
	char data[100];
	ssize_t n = read(fd, data, sizeof(data));

	(void)arg;
	ck_assert_uint_ne(events & BH_READ, 0);
	if (n > 0)
		bh_buf_put(&seen, data, (size_t)n);
	else {
		loop_unwatch(watching);
		watching = NULL;
		loop_stop(loop);
	}
}

static void
write_word(void *arg)
{
	int *fds = arg;

	ck_assert_int_eq(write(fds[1], "word", 4), 4);
	close(fds[1]);
}

START_TEST(watch_a_pipe)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	watching = loop_watch(loop, fds[0], BH_READ, readable, NULL);
	ck_assert_ptr_nonnull(watching);
	loop_after(loop, 10, write_word, fds);
	loop_run(loop);
	ck_assert_str_eq(bh_buf_text(&seen), "word");
	close(fds[0]);
}
END_TEST

START_TEST(watch_a_file)
{
	char path[] = "/tmp/test-io-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(write(fd, "line", 4), 4);
	lseek(fd, 0, SEEK_SET);
	watching = loop_watch(loop, fd, BH_READ, readable, NULL);
	ck_assert_ptr_nonnull(watching);
	loop_run(loop);
	ck_assert_str_eq(bh_buf_text(&seen), "line");
	close(fd);
	ck_assert_ptr_null(loop_watch(loop, -1, BH_READ, readable, NULL));
}
END_TEST

static void
caught(void *arg, int signum)
{
	(void)arg;
	bh_buf_add(&seen, "%d", signum);
	loop_stop(loop);
}

START_TEST(signals)
{
	ck_assert_int_eq(loop_signal(loop, SIGHUP, caught, NULL), BH_OK);
	ck_assert_int_eq(loop_signal(loop, SIGKILL, caught, NULL), BH_EINVAL);
	kill(getpid(), SIGHUP);
	loop_run(loop);
	ck_assert_str_eq(bh_buf_text(&seen), "1");
}
END_TEST

static void
slow(void *arg)
{
	(void)arg;
	usleep(70000);
	loop_stop(loop);
}

static void
log_line(void *arg, int level, const char *line)
{
	(void)arg;
	if (level == BH_LOG_WARN)
		bh_buf_puts(&seen, line);
}

START_TEST(slow_callbacks_are_named)
{
	const char *before;

	log_sink(log_line, NULL);
	before = loop_who("turtle/main");
	loop_after(loop, 0, slow, NULL);
	ck_assert_ptr_null(before);
	ck_assert_str_eq(loop_who(before), "turtle/main");
	loop_run(loop);
	log_sink(NULL, NULL);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&seen), "turtle/main"));
}
END_TEST

/* ------------------------------------------------------------------ */

static int ended, end_result;
static size_t end_len;

static void
program_ended(void *arg, int result, const char *output, size_t len)
{
	(void)arg;
	ended++;
	end_result = result;
	end_len = len;
	bh_buf_put(&seen, output, len < 100 ? len : 100);
}

static bool
has_ended(void *arg)
{
	(void)arg;
	return ended > 0;
}

static void
run_program(const char *const *argv, int64_t timeout)
{
	ended = 0;
	bh_buf_clear(&seen);
	ck_assert_int_eq(loop_exec(loop, argv, timeout, program_ended, NULL),
	    BH_OK);
	ck_assert(loop_settle(loop, has_ended, NULL, 1000));
	ck_assert_int_eq(ended, 1);
}

#define ARGV(...)	(const char *const[]){ __VA_ARGS__, NULL }

START_TEST(programs)
{
	/* No shell: the arguments arrive as they are. */
	run_program(ARGV("echo", "$HOME;", "a b"), 0);
	ck_assert_int_eq(end_result, 0);
	ck_assert_str_eq(bh_buf_text(&seen), "$HOME; a b\n");
	run_program(ARGV("sh", "-c", "cat; exit 7"), 0);
	ck_assert_int_eq(end_result, 7);
	ck_assert_str_eq(bh_buf_text(&seen), "");
	run_program(ARGV("sh", "-c", "kill -TERM $$"), 0);
	ck_assert_int_eq(end_result, 128 + SIGTERM);
	ck_assert_int_eq(loop_exec(loop, ARGV("/no/such/program"), 0,
	    program_ended, NULL), BH_ENOENT);
	ck_assert_int_eq(loop_exec(loop, ARGV("/"), 0, program_ended, NULL),
	    BH_EPERM);
	ck_assert_int_eq(loop_exec(loop, ARGV(NULL), 0, program_ended, NULL),
	    BH_EINVAL);
}
END_TEST

START_TEST(programs_within_limits)
{
	run_program(ARGV("sh", "-c", "echo begun; sleep 60"), 150);
	ck_assert_int_eq(end_result, BH_ETIMEOUT);
	ck_assert_str_eq(bh_buf_text(&seen), "begun\n");
	run_program(ARGV("cat", "/dev/zero"), 0);
	ck_assert_int_eq(end_result, BH_EFULL);
	ck_assert_uint_le(end_len, LOOP_EXEC_MAX);
	/* A grandchild that keeps the pipe open is not waited for. */
	run_program(ARGV("sh", "-c", "sleep 60 & echo left"), 0);
	ck_assert_int_eq(end_result, 0);
	ck_assert_str_eq(bh_buf_text(&seen), "left\n");
}
END_TEST

START_TEST(loop_ends_with_work_left)
{
	loop_exec(loop, ARGV("sleep", "60"), 0, program_ended, NULL);
	loop_after(loop, 1000, note, word_a);
	loop_post(loop, note, word_b);
	loop_signal(loop, SIGUSR1, caught, NULL);
	loop_watch(loop, 0, BH_READ, readable, NULL);
	ended = 0;
	loop_free(&loop);
	ck_assert_int_eq(ended, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io-loop");
	TCase *virtual = tcase_create("virtual time");
	TCase *actual = tcase_create("real time");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(virtual, frozen, down);
	tcase_add_test(virtual, timers_in_order);
	tcase_add_test(virtual, many_timers_on_time);
	tcase_add_test(virtual, timer_cancels_itself);
	tcase_add_test(virtual, settle_stops_at_done_or_budget);
	tcase_add_test(virtual, held_work_holds_time);
	tcase_add_test(virtual, posts_keep_their_order);
	tcase_add_test(virtual, rests_come_after_all_that_is_ready);
	tcase_add_test(virtual, programs);
	tcase_add_test(virtual, programs_within_limits);
	suite_add_tcase(s, virtual);
	tcase_add_checked_fixture(actual, real, down);
	tcase_add_test(actual, real_timers_wait);
	tcase_add_test(actual, moved_clock_wakes_timers);
	tcase_add_test(actual, idle_loop_sleeps);
	tcase_add_test(actual, watch_a_pipe);
	tcase_add_test(actual, watch_a_file);
	tcase_add_test(actual, signals);
	tcase_add_test(actual, slow_callbacks_are_named);
	tcase_add_test(actual, loop_ends_with_work_left);
	tcase_set_timeout(virtual, 20);
	tcase_set_timeout(actual, 20);
	suite_add_tcase(s, actual);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
