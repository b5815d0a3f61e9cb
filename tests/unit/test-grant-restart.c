/* test-grant-restart.c - killed anywhere, started again: what must hold.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <stdio.h>
#include <time.h>

#include "tests/unit/grant-world.h"

/* A life with everything in it: two people ask, overlapping grants on one
 * key, an answer that is lost, a revocation, an end.  Whoever acts while the
 * engine is dead is simply not heard. */
static void
live(void)
{
	char one[GRANT_ID_MAX] = "", two[GRANT_ID_MAX] = "";

	rules.needed = 2;
	if (request(&ada, 10 * MINUTE) == BH_OK)
		memcpy(one, id, sizeof(one));
	if (*one != '\0' && !world_dead())
		vote(one, &grace);
	if (*one != '\0' && !world_dead())
		vote(one, &kate);
	if (!world_dead())
		pass(10 * SECOND);
	aws.remove = LOST_DONE;
	if (!world_dead() && request(&ada, 20 * MINUTE) == BH_OK)
		memcpy(two, id, sizeof(two));
	if (*two != '\0' && !world_dead())
		vote(two, &grace);
	if (*two != '\0' && !world_dead())
		vote(two, &kate);
	for (int i = 0; i < 12 && !world_dead(); i++)
		pass(MINUTE);
	if (*two != '\0' && !world_dead())
		act(grant_revoke, two, &ada, "done");
	for (int i = 0; i < 10 && !world_dead(); i++)
		pass(MINUTE);
}

/* After a start and some calm: nothing is there that nobody wants, whatever
 * was wanted is there, and the books are right. */
static void
check_world(void)
{
	struct grants_status s;

	/* Anything approved is given; anything over is gone within a minute,
	 * if its operation is not in quarantine. */
	pass(2 * MINUTE);
	if (strcmp(cell("SELECT COUNT(*) FROM aws_sso_grant WHERE state IN"
	    " ('approved', 'active')"), "0") != 0) {
		ck_assert(aws_has("ada"));
		ck_assert_str_eq(cell("SELECT COUNT(*) FROM aws_sso_grant"
		    " WHERE state = 'approved'"), "0");
	} else {
		ck_assert(!aws_has("ada"));
	}
	check_books();
	/* And all of it comes to its end. */
	pass(9 * HOUR);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM aws_sso_grant WHERE state"
	    " IN ('pending', 'approved', 'active', 'ending')"), "0");
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM aws_sso_key WHERE"
	    " phase <> 'idle' OR seen = 1"), "0");
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM bh_job"), "0");
	grants_status(gs, &s);
	ck_assert_ptr_null(s.drain);
	check_books();
}

START_TEST(killed_everywhere)
{
	int all, tried = 0;

	live();
	all = points_passed;
	ck_assert_int_ge(all, 60);
	check_world();
	for (int n = 1 + _i; n <= all; n += 8) {
		world_teardown();
		world_setup();
		kill_at = n;
		live();
		ck_assert(world_dead());
		world_restart();
		check_world();
		tried++;
	}
	ck_assert_int_gt(tried, 5);
}
END_TEST

/* Killed, and AWS acts on the write that was on its way, long after. */
START_TEST(killed_and_late)
{
	int all;

	aws.create = LOST_LATE;
	live();
	all = points_passed;
	for (int n = 1 + _i; n <= all; n += 8) {
		world_teardown();
		world_setup();
		aws.create = LOST_LATE;
		aws.late = (n % 18 + 1) * MINUTE;
		kill_at = n;
		live();
		world_restart();
		pass(25 * MINUTE);
		check_world();
	}
}
END_TEST

START_TEST(due_while_away)
{
	const char *g = granted(10 * MINUTE), *two;

	pass(MINUTE);
	two = granted(3 * HOUR);
	pass(SECOND);
	world_stop();
	pass(HOUR);
	world_start();
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM aws_sso_grant WHERE"
	    " state = 'active'"), "1");
	pass(MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert_str_eq(state_of(two), "active");
	ck_assert(aws_has("ada"));
	ck_assert_int_eq(aws.creates, 1);
	world_stop();
	pass(3 * HOUR);
	world_start();
	/* Ended before anybody is listened to. */
	ck_assert_str_eq(state_of(two), "ending");
	pass(MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(state_of(two), "ended");
	check_books();
}
END_TEST

START_TEST(lapsed_while_away)
{
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	world_stop();
	pass(9 * HOUR);
	world_start();
	pass(SECOND);
	ck_assert_str_eq(state_of(id), "expired");
	ck_assert_int_eq(vote(id, &grace), BH_ECONFLICT);
	check_books();
}
END_TEST

/* The policy of today counts for what was approved yesterday. */
START_TEST(policy_changed_while_away)
{
	const char *g = granted(HOUR);

	world_stop();
	rules.deny = true;
	world_start();
	pass(MINUTE);
	ck_assert_str_eq(state_of(g), "refused");
	ck_assert_int_eq(aws.creates, 0);
	check_books();
}
END_TEST

START_TEST(clock_ran_back)
{
	struct grants_status s;
	const char *g = granted(HOUR);

	pass(MINUTE);
	world_stop();
	world_freeze(T0 - HOUR);
	world_start();
	grants_status(gs, &s);
	ck_assert_ptr_nonnull(s.drain);
	ck_assert_int_eq(request(&kate, HOUR), BH_EBUSY);
	pass(2 * HOUR + 2 * MINUTE);
	grants_status(gs, &s);
	ck_assert_ptr_null(s.drain);
	pass(MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
}
END_TEST

/* Ten thousand live grants are read, in pages; tests/bench says how fast. */
START_TEST(ten_thousand)
{
	struct bh_tx *tx;
	struct grants_status s;
	char name[40];

	world_stop();
	for (int i = 0; i < 10; i++) {
		tx = store_tx(store, "aws-sso/main");
		for (int j = 0; j < 1000; j++) {
			snprintf(name, sizeof(name), "%d", 100000 + i * 1000 + j);
			store_tx_sql(tx, 1, "INSERT INTO aws_sso_grant VALUES"
			    " ($1, 'main', 'active', 0, 3, 1, 'p', 'P', $1,"
			    " 'P', '111122223333', 'prod', $2, 'PowerUser',"
			    " 'payments', 'test/#x', 'PAY-1', '', 'prod',"
			    " 'Grace', 'h', '', '', 1, 3600000, 0, $3, $3,"
			    " $3, $3 + 86400000, 0, $3, $3, 0, 0, $3)",
			    BH_PARAMS(bh_s(name), bh_s(SET), bh_i(T0)));
			store_tx_sql(tx, 1, "INSERT INTO aws_sso_key VALUES"
			    " ('main', '111122223333', $2, $1, 'idle', 0, 1,"
			    " 1, 3, 1, 1, $3, 0, 0, 0, 0, $3 + 172800000, $3,"
			    " 0, '', '', $3)",
			    BH_PARAMS(bh_s(name), bh_s(SET), bh_i(T0)));
		}
		store_commit(tx, NULL, NULL);
		store_flush(store);
	}
	world_start();
	grants_status(gs, &s);
	ck_assert_uint_eq(s.active, 10000);
	ck_assert_uint_eq(s.keys, 10000);
	ck_assert_ptr_nonnull(grant_find(gs, "104711"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("grant-restart");
	TCase *t = tcase_create("restart");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, killed_everywhere, 0, 8);
	tcase_add_loop_test(t, killed_and_late, 0, 8);
	tcase_add_test(t, due_while_away);
	tcase_add_test(t, lapsed_while_away);
	tcase_add_test(t, policy_changed_while_away);
	tcase_add_test(t, clock_ran_back);
	tcase_add_test(t, ten_thousand);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
