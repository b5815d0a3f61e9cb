/* test-grant-edge.c - the rare orders of events: what must hold all the same.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/grant-world.h"

/* Small steps, until AWS saw its n-th create. */
static void
until_creates(int n)
{
	for (int i = 0; i < 5000 && aws.creates < n; i++)
		pass(5);
	ck_assert_int_eq(aws.creates, n);
}

/* The answer to a create is lost, the next one is refused for good, and then
 * the first one lands: it is ours, and nobody wants it. */
START_TEST(refused_and_lands)
{
	static const int fates[] = { INVALID, DENIED, NOT_FOUND, ASYNC_FAILED };
	const char *g;

	rules.pair = "111122223333";
	aws.create = LOST_LATE;
	aws.late = 10 * MINUTE;
	g = granted(HOUR);
	until_creates(1);
	aws.create = fates[_i];
	until_creates(2);
	pass(MINUTE);
	ck_assert_str_eq(state_of(g), "failed");
	if (_i == 0)
		world_restart();
	pass(11 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_int_eq(aws.deletes, 1);
	pass(30 * MINUTE);
	ck_assert_int_eq(audited("access.unknown"), 0);
	ck_assert_str_eq(cell("SELECT phase || seen FROM aws_sso_key"),
	    "idle0");
	check_books();
}
END_TEST

/* The same, when the grant is revoked before the next create goes out. */
START_TEST(revoked_and_lands)
{
	const char *one, *two;

	rules.pair = "111122223333";
	aws.create = LOST_LATE;
	aws.late = 12 * MINUTE;
	one = granted(HOUR);
	pass(MINUTE);
	ck_assert_str_eq(state_of(one), "active");
	/* Removed, and wanted again before that is done, and not again. */
	act(grant_revoke, one, &ada, "done");
	pass(2 * SECOND);
	two = granted(HOUR);
	aws.create = THROTTLED;
	aws.for_ever = true;
	pass(30 * SECOND);
	act(grant_revoke, two, &ada, "done");
	aws.for_ever = false;
	aws.create = ASYNC;
	pass(20 * MINUTE);
	ck_assert(!aws_has("ada"));
	pass(20 * MINUTE);
	ck_assert_int_eq(audited("access.unknown"), 0);
	ck_assert_str_eq(state_of(two), "ended");
	check_books();
}
END_TEST

/* Asked for while the sweep that found it there is still on its way. */
START_TEST(found_and_asked_for)
{
	const char *g;

	if (_i != 0)
		options.unknown = UNKNOWN_REVOKE;
	grants_changed(gs, &options);
	rules.needed = 0;
	rules.pair = "111122223333";
	rules.pair2 = "222233334444";
	aws_put("ada");
	pass(2 * MINUTE + 20);
	g = granted(30 * MINUTE);
	pass(MINUTE);
	ck_assert_str_eq(state_of(g), "active");
	ck_assert_int_eq(audited("access.unknown"), 0);
	ck_assert_int_eq(aws.deletes, 0);
	pass(HOUR);
	ck_assert_str_eq(state_of(g), "ended");
	check_books();
}
END_TEST

static const char *
orphaned(void)
{
	const char *g = granted(10 * MINUTE);

	pass(MINUTE);
	aws.failure = "Received a 404 status error: the USER assignee ada was "
	    "not found in directory d-1234567890";
	aws.remove = ASYNC_FAILED;
	pass(HOUR);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert_int_eq(audited("access.orphaned"), 1);
	ck_assert(aws_has("ada"));
	return g;
}

/* A person who was missing from the directory for a while is no orphan. */
START_TEST(orphan_returns)
{
	const char *g;

	orphaned();
	g = granted(10 * MINUTE);
	pass(MINUTE);
	ck_assert_str_eq(state_of(g), "active");
	pass(15 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
	check_books();
}
END_TEST

/* And what could not be removed is tried again, if seldom. */
START_TEST(orphan_retried)
{
	orphaned();
	ck_assert_int_eq(aws.deletes, 1);
	if (_i == 0)
		world_restart();
	for (int i = 0; i < 26; i++)
		pass(HOUR);
	ck_assert_int_eq(aws.deletes, 2);
	ck_assert(!aws_has("ada"));
	check_books();
}
END_TEST

/* A removal that waits must not wait for the wall clock to come back. */
START_TEST(clock_set_back)
{
	const char *g = granted(10 * MINUTE);

	pass(MINUTE);
	aws.remove = THROTTLED;
	aws.for_ever = true;
	pass(9 * MINUTE + 40 * SECOND);
	ck_assert_str_eq(state_of(g), "ending");
	clock_step = -2 * HOUR;
	aws.for_ever = false;
	aws.remove = ASYNC;
	pass(2 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(state_of(g), "ended");
}
END_TEST

/* Set back while access runs: it ends when it was to end. */
START_TEST(clock_set_back_early)
{
	const char *g = granted(10 * MINUTE);
	struct grants_status s;

	pass(2 * MINUTE);
	clock_step = -2 * HOUR;
	pass(MINUTE);
	grants_status(gs, &s);
	ck_assert_ptr_nonnull(s.drain);
	pass(8 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(state_of(g), "ended");
	/* The clock is right again. */
	clock_step = 0;
	pass(MINUTE);
	grants_status(gs, &s);
	ck_assert_ptr_null(s.drain);
	g = granted(10 * MINUTE);
	pass(MINUTE);
	ck_assert_str_eq(state_of(g), "active");
	check_books();
}
END_TEST

/* Set forward in doubt: the signature lives as long as it lives. */
START_TEST(clock_set_forward)
{
	const char *g;

	rules.pair = "111122223333";
	aws.create = LOST_LATE;
	aws.late = 5 * MINUTE;
	g = granted(10 * MINUTE);
	until_creates(1);
	act(grant_revoke, g, &ada, "no");
	clock_step = HOUR;
	pass(10 * MINUTE);
	ck_assert(!aws_has("ada"));
	pass(30 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert_int_eq(audited("access.unknown"), 0);
	check_books();
}
END_TEST

/* Nothing is live, and the clock was wrong at the start. */
START_TEST(clock_mended)
{
	const char *g = granted(10 * MINUTE);
	struct grants_status s;

	pass(15 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	clock_step = -HOUR;
	world_restart();
	grants_status(gs, &s);
	ck_assert_ptr_nonnull(s.drain);
	pass(MINUTE);
	clock_step = 0;
	pass(2 * MINUTE);
	grants_status(gs, &s);
	ck_assert_ptr_null(s.drain);
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
}
END_TEST

/* Accepted and FAILED again and again: the pauses grow. */
START_TEST(removal_keeps_failing)
{
	const char *g = granted(10 * MINUTE);

	pass(MINUTE);
	aws.failure = "the directory is busy";
	aws.remove = ASYNC_FAILED;
	aws.for_ever = true;
	pass(29 * MINUTE);
	ck_assert_int_ge(aws.deletes, 15);
	ck_assert_int_le(aws.deletes, 35);
	aws.for_ever = false;
	aws.remove = ASYNC;
	pass(2 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(state_of(g), "ended");
	check_books();
}
END_TEST

/* Facts are missing when the last vote comes: it can be given again. */
START_TEST(vote_in_doubt)
{
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	rules.hold_unsure = true;
	ck_assert_int_eq(vote(id, &grace), BH_EBUSY);
	rules.hold_unsure = false;
	ck_assert_int_eq(vote(id, &grace), BH_OK);
	pass(MINUTE);
	ck_assert_str_eq(state_of(id), "active");
	check_books();
}
END_TEST

/* The account is closed while its access is made: it ends, and holds up
 * nobody else. */
START_TEST(account_gone)
{
	struct grants_status s;
	const char *g = granted(10 * MINUTE);

	until_creates(1);
	aws.gone = true;
	pass(2 * HOUR);
	ck_assert_str_eq(state_of(g), "lapsed");
	ck_assert_str_eq(cell("SELECT phase || seen FROM aws_sso_key"),
	    "idle0");
	grants_status(gs, &s);
	ck_assert_int_eq(s.level, 0);
	check_books();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("grant-edge");
	TCase *t = tcase_create("edge");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, refused_and_lands, 0, 4);
	tcase_add_test(t, revoked_and_lands);
	tcase_add_loop_test(t, found_and_asked_for, 0, 2);
	tcase_add_test(t, orphan_returns);
	tcase_add_loop_test(t, orphan_retried, 0, 2);
	tcase_add_test(t, clock_set_back);
	tcase_add_test(t, clock_set_back_early);
	tcase_add_test(t, clock_set_forward);
	tcase_add_test(t, clock_mended);
	tcase_add_test(t, removal_keeps_failing);
	tcase_add_test(t, vote_in_doubt);
	tcase_add_test(t, account_gone);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
