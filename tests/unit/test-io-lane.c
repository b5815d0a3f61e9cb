/* test-io-lane.c - lanes: windows, ranks, pauses, and forgetting, on virtual
 * time.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/lane.h"
#include "host/io/loop.h"

static struct loop *loop;
static struct lanes *lanes;
static int64_t start;

static struct caller {
	struct bh_turn *turn;
	int64_t at;		/* when it began, ms after the start; -1 */
	int nth;		/* of all that began */
	int64_t takes;		/* gives its turn back after so many ms; -1:
				 * at once, -2: never */
	int64_t pause;
} callers[300];
static int begun;

static void
ready(void *arg)
{
	struct caller *c = arg;

	lane_turn_over(c->turn, c->pause);
	c->turn = NULL;
}

static void
begin(void *arg)
{
	struct caller *c = arg;

	ck_assert_ptr_nonnull(c->turn);
	ck_assert_int_eq(c->at, -1);
	c->at = world_mono() - start;
	c->nth = begun++;
	if (c->takes == -1)
		ready(c);
	else if (c->takes >= 0)
		loop_after(loop, c->takes, ready, c);
}

static void
ask(int i, const char *lane, const char *limits, int rank)
{
	const char *error;

	callers[i].at = -1;
	callers[i].turn = lane_turn(lanes, lane, limits, rank, begin,
	    &callers[i], &error);
	ck_assert_ptr_nonnull(callers[i].turn);
	ck_assert_int_eq(callers[i].at, -1);	/* not within the question */
}

static void
pass(int64_t ms)
{
	ck_assert(loop_settle(loop, NULL, NULL, ms));
}

static void
up(void)
{
	world_freeze(INT64_C(1767225600000));
	loop = loop_new();
	lanes = lanes_new(loop);
	start = world_mono();
	memset(callers, 0, sizeof(callers));
	begun = 0;
}

static void
down(void)
{
	lanes_free(&lanes);
	loop_free(&loop);
}

START_TEST(one_at_once)
{
	for (int i = 0; i < 3; i++) {
		callers[i].takes = 100;
		ask(i, "a", "1 at once", 0);
	}
	ask(3, "b", "1 at once", 0);	/* another lane waits for nobody */
	pass(1000);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(callers[i].at, 100 * i);
	ck_assert_int_eq(callers[3].at, 0);
	ck_assert_uint_eq(lanes_count(lanes), 0);
}
END_TEST

/* In no span of a window are there more than it allows; both hold. */
START_TEST(windows_hold)
{
	for (int i = 0; i < 200; i++) {
		callers[i].takes = -1;
		ask(i, "a", "7/1s, 60/30s", 0);
	}
	pass(200000);
	ck_assert_int_eq(begun, 200);
	for (int i = 0; i < 200; i++) {
		if (i >= 7)
			ck_assert_int_ge(callers[i].at,
			    callers[i - 7].at + 1000);
		if (i >= 60)
			ck_assert_int_ge(callers[i].at,
			    callers[i - 60].at + 30000);
	}
	/* And nobody waits longer than that. */
	ck_assert_int_eq(callers[6].at, 0);
	ck_assert_int_eq(callers[7].at, 1000);
	ck_assert_int_eq(callers[59].at, 8000);
	ck_assert_int_eq(callers[60].at, 30000);
	ck_assert_int_eq(callers[199].at, 90000 + 2000);
	ck_assert_uint_eq(lanes_count(lanes), 0);
}
END_TEST

START_TEST(ranks_first_then_order)
{
	static const int rank[] = { 3, 1, 2, 1, 0, 3, 2, 0, 1 };
	static const int nth[] = { 7, 2, 5, 3, 0, 8, 6, 1, 4 };

	for (int i = 0; i < 9; i++) {
		callers[i].takes = 10;
		ask(i, "a", "1 at once", rank[i]);
	}
	pass(1000);
	for (int i = 0; i < 9; i++)
		ck_assert_int_eq(callers[i].nth, nth[i]);
}
END_TEST

START_TEST(pause_stops_the_lane)
{
	callers[0].takes = 10;
	callers[0].pause = 30000;
	for (int i = 0; i < 3; i++)
		ask(i, "a", "1 at once", 0);
	callers[1].takes = 0;
	pass(29000);
	ck_assert_int_eq(begun, 1);
	pass(2000);
	ck_assert_int_eq(callers[1].at, 30010);
	ck_assert_int_eq(callers[2].at, 30010);
	/* A pause outlives everybody who waits, and a shorter one. */
	callers[3].takes = 0;
	callers[3].pause = 5000;
	ask(3, "a", "1 at once", 0);
	pass(1);
	ck_assert_uint_eq(lanes_count(lanes), 1);
	ask(4, "a", "1 at once", 0);
	callers[5].pause = 100;
	ask(5, "a", "1 at once", 0);
	ready(&callers[5]);
	pass(4000);
	ck_assert_int_eq(callers[4].at, -1);
	pass(2000);
	ck_assert_int_eq(callers[4].at, 31000 + 5000);
}
END_TEST

START_TEST(questions_taken_back)
{
	for (int i = 0; i < 5; i++)
		ask(i, "a", "1 at once", i == 3 ? -1 : 0);
	ready(&callers[3]);	/* the first of the heap */
	ready(&callers[1]);	/* one in the middle */
	ready(&callers[4]);	/* the last */
	pass(1000);
	ck_assert_int_eq(callers[0].nth, 0);
	ck_assert_int_eq(callers[2].nth, 1);
	ck_assert_int_eq(begun, 2);
	ask(6, "b", "1 at once", 0);
	ready(&callers[6]);
	pass(1000);
	ck_assert_int_eq(begun, 2);
	ck_assert_uint_eq(lanes_count(lanes), 0);
	lane_turn_over(NULL, 0);
}
END_TEST

/* The newest text counts, for what happened before as well. */
START_TEST(limits_change)
{
	for (int i = 0; i < 4; i++) {
		callers[i].takes = -1;
		ask(i, "a", "10/10s", 0);
	}
	pass(1000);
	ck_assert_int_eq(begun, 4);
	callers[4].takes = callers[5].takes = -1;
	ask(4, "a", "2/10s", 0);
	pass(8999);
	ck_assert_int_eq(begun, 4);
	pass(1);
	ck_assert_int_eq(begun, 5);
	ask(5, "a", "", 0);
	pass(0);
	ck_assert_int_eq(begun, 6);
	pass(0);
	ck_assert_uint_eq(lanes_count(lanes), 0);
}
END_TEST

/* A thousand rooms are not remembered longer than they matter. */
START_TEST(idle_lanes_go)
{
	for (int i = 0; i < 300; i++) {
		BH_AUTO_FREE char *name = xasprintf("chat.postMessage/C%d", i);

		callers[i].takes = -1;
		ask(i, name, "1/1s", 0);
	}
	pass(999);
	ck_assert_int_eq(begun, 300);
	ck_assert_uint_eq(lanes_count(lanes), 300);
	pass(1);
	ck_assert_uint_eq(lanes_count(lanes), 0);
}
END_TEST

START_TEST(texts_refused)
{
	static const char *const bad[] = {
		"x", "1", "0/1s", "1/0s", "-1/1s", "1/", "/1s", "1/1",
		"1/1s,", "1/1s,,1/2s", "10001/1s", "1 at", "1 at once 2",
		"99999999999999999999/1s", "1/1s,1/2s,1/3s,1/4s,1/5s",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *error = NULL;

		ck_assert_msg(lane_turn(lanes, "a", bad[i], 0, begin,
		    &callers[0], &error) == NULL, "%s", bad[i]);
		ck_assert_str_eq(error, "those are no limits");
	}
	ck_assert_uint_eq(lanes_count(lanes), 0);
}
END_TEST

static void
count(void *arg)
{
	++*(size_t *)arg;
}

/* Nobody waits behind twenty thousand others; what comes later does. */
START_TEST(no_more_than_so_many_wait)
{
	static struct bh_turn *turns[LANE_WAITING_MAX + 1];
	const char *error = NULL;
	size_t came = 0;

	for (size_t i = 0; i < LANE_WAITING_MAX; i++)
		turns[i] = lane_turn(lanes, "a", "1/1s", 0, count, &came,
		    &error);
	ck_assert_ptr_nonnull(turns[LANE_WAITING_MAX - 1]);
	ck_assert_ptr_null(lane_turn(lanes, "a", "1/1s", 0, count, &came,
	    &error));
	ck_assert_ptr_nonnull(strstr(error, "turned away"));
	/* It is said once. */
	ck_assert_ptr_null(lane_turn(lanes, "a", "1/1s", 0, count, &came,
	    &error));
	ck_assert_ptr_null(error);
	/* Other lanes are others'; and one that began makes room. */
	ask(0, "b", "1/1s", 0);
	pass(0);
	ck_assert_uint_eq(came, 1);
	turns[LANE_WAITING_MAX] = lane_turn(lanes, "a", "1/1s", 0, count,
	    &came, &error);
	ck_assert_ptr_nonnull(turns[LANE_WAITING_MAX]);
	for (size_t i = 0; i <= LANE_WAITING_MAX; i++)
		lane_turn_over(turns[i], 0);
	ck_assert_uint_eq(came, 1);
}
END_TEST

/* All go while some wait and some are at work; nobody is called any more. */
START_TEST(end_of_all)
{
	callers[0].takes = -2;
	for (int i = 0; i < 4; i++)
		ask(i, i == 3 ? "b" : "a", "1 at once", 0);
	pass(100);
	ck_assert_int_eq(begun, 2);
	lanes_free(&lanes);
	lanes_free(&lanes);
	pass(100000);
	ck_assert_int_eq(begun, 2);
}
END_TEST

static void
end_all(void *arg)
{
	(void)arg;
	begun++;
	lanes_free(&lanes);
}

START_TEST(end_from_a_turn)
{
	const char *error;

	ck_assert_ptr_nonnull(lane_turn(lanes, "a", "1/1s", 0, end_all, NULL,
	    &error));
	ask(0, "a", "1/1s", 0);
	pass(10000);
	ck_assert_int_eq(begun, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io-lane");
	TCase *tc = tcase_create("lane");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, one_at_once);
	tcase_add_test(tc, windows_hold);
	tcase_add_test(tc, ranks_first_then_order);
	tcase_add_test(tc, pause_stops_the_lane);
	tcase_add_test(tc, questions_taken_back);
	tcase_add_test(tc, limits_change);
	tcase_add_test(tc, idle_lanes_go);
	tcase_add_test(tc, texts_refused);
	tcase_add_test(tc, no_more_than_so_many_wait);
	tcase_add_test(tc, end_of_all);
	tcase_add_test(tc, end_from_a_turn);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
