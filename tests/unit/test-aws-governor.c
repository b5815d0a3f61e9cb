/* test-aws-governor.c - rates, priorities and outstanding writes, in virtual
 * time.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "plugins/aws-sso/aws/governor.h"
#include "tests/unit/fake-host.h"

static struct fake *fake;
static struct governor *governor;
static char order[4096];

static void
setup(void)
{
	fake = fake_new();
	governor = governor_new(&fake->host, 18);
	order[0] = '\0';
}

static void
teardown(void)
{
	governor_free(&governor);
	fake_free(&fake);
}

static void
note(void *arg)
{
	size_t n = strlen(order);

	snprintf(order + n, sizeof(order) - n, "%s", (const char *)arg);
}

static char letters[][2] = { "r", "g", "s", "i", "w" };

static struct governor_wait *
ask(enum aws_priority priority, bool write)
{
	return governor_wait(governor, AWS_SSO_ADMIN, write ?
	    "CreateAccountAssignment" : "ListAccountAssignments", priority,
	    write, note, letters[priority]);
}

START_TEST(never_from_inside)
{
	ask(AWS_GRANT, false);
	ck_assert_str_eq(order, "");
	fake_run(fake, 0);
	ck_assert_str_eq(order, "g");
}
END_TEST

START_TEST(rate_and_burst)
{
	for (int i = 0; i < 100; i++)
		ask(AWS_SWEEP, false);
	fake_run(fake, 0);
	ck_assert_uint_eq(strlen(order), 10);	/* the burst */
	fake_run(fake, 1000);
	ck_assert_uint_ge(strlen(order), 27);
	ck_assert_uint_le(strlen(order), 28);
	fake_run(fake, 4200);
	ck_assert_uint_eq(strlen(order), 100);
	ck_assert_uint_eq(governor_waiting(governor, AWS_SWEEP), 0);
}
END_TEST

START_TEST(strict_priorities)
{
	for (int i = 0; i < 10; i++)		/* use up the burst */
		ask(AWS_SWEEP, false);
	fake_run(fake, 0);
	order[0] = '\0';
	for (int i = 0; i < 3; i++)
		for (int p = AWS_SWEEP; p >= AWS_REVOKE; p--)
			ask((enum aws_priority)p, p <= AWS_GRANT);
	fake_run(fake, 2000);
	ck_assert_str_eq(order, "rrrgggsssiiiwww");
}
END_TEST

START_TEST(writes_with_a_place_go_before_reads)
{
	for (int i = 0; i < 10; i++)		/* use up the burst */
		ask(AWS_SWEEP, false);
	fake_run(fake, 0);
	order[0] = '\0';
	for (int i = 0; i < 4; i++)
		ask(AWS_INTERACTIVE, false);
	for (int i = 0; i < 12; i++)
		governor_wait(governor, AWS_SSO_ADMIN,
		    "CreateAccountAssignment", AWS_INTERACTIVE, true, note,
		    letters[AWS_GRANT]);
	fake_run(fake, 3000);
	/* Ten have a place; the two others wait, and hold up nobody. */
	ck_assert_str_eq(order, "ggggggggggiiii");
	ck_assert_uint_eq(governor_waiting(governor, AWS_INTERACTIVE), 2);
	governor_write_over(governor);
	fake_run(fake, 1000);
	ck_assert_str_eq(order, "ggggggggggiiiig");
}
END_TEST

START_TEST(late_revocation_overtakes)
{
	for (int i = 0; i < 30; i++)
		ask(AWS_GRANT, false);
	fake_run(fake, 100);
	order[0] = '\0';
	ask(AWS_REVOKE, true);
	fake_run(fake, 100);
	ck_assert_int_eq(order[0], 'r');
}
END_TEST

START_TEST(services_have_their_own_rates)
{
	for (int i = 0; i < 40; i++) {
		governor_wait(governor, AWS_ORGANIZATIONS, "ListAccounts",
		    AWS_SWEEP, false, note, letters[4]);
		governor_wait(governor, AWS_IDENTITY_STORE, "ListUsers",
		    AWS_SWEEP, false, note, letters[3]);
		governor_wait(governor, AWS_IDENTITY_STORE, "ListGroups",
		    AWS_SWEEP, false, note, letters[2]);
	}
	fake_run(fake, 1000);

	size_t w = 0, i = 0, s = 0;

	for (const char *p = order; *p != '\0'; p++) {
		w += *p == 'w';
		i += *p == 'i';
		s += *p == 's';
	}
	ck_assert_uint_ge(w, 17);
	ck_assert_uint_le(w, 18);	/* 11 + 7.2 */
	ck_assert_uint_ge(i, 27);
	ck_assert_uint_le(i, 28);	/* each operation counts alone */
	ck_assert_uint_eq(i, s);
}
END_TEST

START_TEST(pool_of_outstanding_writes)
{
	unsigned limit;

	for (int i = 0; i < 30; i++)
		ask(AWS_GRANT, true);
	ask(AWS_STATUS, false);
	fake_run(fake, 3000);
	/* Ten places; a poll needs none and is not held up. */
	ck_assert_str_eq(order, "ggggggggggs");
	ck_assert_uint_eq(governor_outstanding(governor, &limit), 10);
	ck_assert_uint_eq(limit, 10);
	/* Success lets it grow, to AWS's limit and no further. */
	for (int i = 0; i < 40; i++)
		governor_write_taken(governor);
	fake_run(fake, 3000);
	ck_assert_uint_eq(governor_outstanding(governor, &limit), 15);
	ck_assert_uint_eq(limit, GOVERNOR_POOL_MAX);
	governor_write_over(governor);
	fake_run(fake, 1000);
	ck_assert_uint_eq(governor_outstanding(governor, NULL), 15);
	ck_assert_uint_eq(strlen(order), 17);
}
END_TEST

START_TEST(revocation_gets_the_next_place)
{
	for (int i = 0; i < 12; i++)
		ask(AWS_GRANT, true);
	fake_run(fake, 1000);
	order[0] = '\0';
	ask(AWS_REVOKE, true);
	fake_run(fake, 1000);
	ck_assert_str_eq(order, "");
	governor_write_over(governor);
	fake_run(fake, 1000);
	ck_assert_str_eq(order, "r");	/* before the grants that waited */
}
END_TEST

START_TEST(revocation_does_not_wait_for_hanging_grants)
{
	for (int i = 0; i < 12; i++)
		ask(AWS_GRANT, true);
	fake_run(fake, 1000);
	order[0] = '\0';
	ask(AWS_REVOKE, true);
	fake_run(fake, 4900);
	ck_assert_str_eq(order, "");
	fake_run(fake, 200);
	ck_assert_str_eq(order, "r");
	ck_assert_uint_eq(governor_outstanding(governor, NULL), 11);
}
END_TEST

START_TEST(throttled_halves_and_comes_back)
{
	governor_throttled(governor, AWS_SSO_ADMIN, "X", 0, false);
	ck_assert_double_eq(governor_rate(governor, AWS_SSO_ADMIN, "X"), 9);
	/* The other answers of the same burst count once. */
	governor_throttled(governor, AWS_SSO_ADMIN, "X", 0, false);
	ck_assert_double_eq(governor_rate(governor, AWS_SSO_ADMIN, "X"), 9);
	fake_run(fake, 20000);
	ck_assert_double_eq_tol(governor_rate(governor, AWS_SSO_ADMIN, "X"),
	    11, 0.01);
	for (int i = 0; i < 10; i++) {
		fake_run(fake, 1000);
		governor_throttled(governor, AWS_SSO_ADMIN, "X", 0, false);
	}
	ck_assert_double_ge(governor_rate(governor, AWS_SSO_ADMIN, "X"), 1);
	fake_run(fake, 600000);
	ck_assert_double_eq(governor_rate(governor, AWS_SSO_ADMIN, "X"), 18);
}
END_TEST

START_TEST(throttled_obeys_retry_after)
{
	governor_throttled(governor, AWS_SSO_ADMIN, "X", 3000, false);
	ask(AWS_GRANT, false);
	ask(AWS_REVOKE, true);
	fake_run(fake, 2900);
	ck_assert_str_eq(order, "");
	fake_run(fake, 2000);
	ck_assert_str_eq(order, "rg");
}
END_TEST

START_TEST(too_many_outstanding_shrinks_the_pool)
{
	unsigned limit;

	governor_throttled(governor, AWS_SSO_ADMIN, "X", 0, true);
	governor_outstanding(governor, &limit);
	ck_assert_uint_eq(limit, 5);
	ck_assert_double_eq(governor_rate(governor, AWS_SSO_ADMIN, "X"), 18);
	governor_write_taken(governor);		/* too soon to grow */
	governor_outstanding(governor, &limit);
	ck_assert_uint_eq(limit, 5);
	fake_run(fake, 11000);
	governor_write_taken(governor);
	governor_write_taken(governor);
	governor_outstanding(governor, &limit);
	ck_assert_uint_eq(limit, 6);
}
END_TEST

START_TEST(cancelled_is_not_called)
{
	struct governor_wait *a = ask(AWS_GRANT, true);
	struct governor_wait *b = ask(AWS_REVOKE, true);
	struct governor_wait *c = ask(AWS_STATUS, false);

	governor_cancel(governor, &a);
	ck_assert_ptr_null(a);
	fake_run(fake, 100);
	ck_assert_str_eq(order, "rs");
	ck_assert_uint_eq(governor_outstanding(governor, NULL), 1);
	(void)b;
	(void)c;
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("aws-governor");
	TCase *tc = tcase_create("governor");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, never_from_inside);
	tcase_add_test(tc, rate_and_burst);
	tcase_add_test(tc, strict_priorities);
	tcase_add_test(tc, writes_with_a_place_go_before_reads);
	tcase_add_test(tc, late_revocation_overtakes);
	tcase_add_test(tc, services_have_their_own_rates);
	tcase_add_test(tc, pool_of_outstanding_writes);
	tcase_add_test(tc, revocation_gets_the_next_place);
	tcase_add_test(tc, revocation_does_not_wait_for_hanging_grants);
	tcase_add_test(tc, throttled_halves_and_comes_back);
	tcase_add_test(tc, throttled_obeys_retry_after);
	tcase_add_test(tc, too_many_outstanding_shrinks_the_pool);
	tcase_add_test(tc, cancelled_is_not_called);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
