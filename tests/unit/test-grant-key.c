/* test-grant-key.c - the reconciler against everything AWS may answer.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/grant-world.h"

/* The half of a grant's life that can go wrong, and the proof that the end
 * comes all the same. */
static void
ends_well(const char *g)
{
	pass(2 * HOUR);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
	check_books();
}

static void
is_granted_with(int fate, int64_t within)
{
	const char *g;

	aws.create = fate;
	g = granted(HOUR);
	pass(within);
	ck_assert_msg(strcmp(state_of(g), "active") == 0, "fate %d: %s", fate,
	    state_of(g));
	ck_assert(aws_has("ada"));
	ends_well(g);
}

START_TEST(create_answers)
{
	static const int fates[] = { SYNC, ASYNC, LOST_DONE, LOST_NEVER,
	    THROTTLED, BROKEN_5XX, NOT_SENT, CONFLICT };

	is_granted_with(fates[_i], 30 * SECOND);
}
END_TEST

START_TEST(create_refused)
{
	static const int fates[] = { DENIED, INVALID, NOT_FOUND, ASYNC_FAILED };
	const char *g;

	aws.create = fates[_i];
	g = granted(HOUR);
	pass(30 * SECOND);
	ck_assert_str_eq(state_of(g), "failed");
	ck_assert(!aws_has("ada"));
	ck_assert_int_eq(aws.creates, 1);
	ck_assert_int_eq(aws.deletes, 0);
	if (fates[_i] == ASYNC_FAILED)
		ck_assert_ptr_nonnull(strstr(cell("SELECT outcome FROM"
		    " aws_sso_grant"), "Not supported policy"));
	if (fates[_i] == DENIED)
		ck_assert_ptr_nonnull(strstr(bh_buf_text(&told), "page {"));
	check_books();
	/* A new request is tried anew. */
	g = granted(HOUR);
	pass(30 * SECOND);
	ck_assert_str_eq(state_of(g), "active");
	ends_well(g);
}
END_TEST

/* FAILED for a reason that may pass: tried again, five times at most. */
START_TEST(create_keeps_failing)
{
	const char *g;

	aws.failure = "AWS SSO is unable to complete your request at this time";
	aws.create = ASYNC_FAILED;
	g = granted(HOUR);
	pass(30 * SECOND);
	ck_assert_str_eq(state_of(g), "active");
	ends_well(g);
	aws.for_ever = true;
	aws.create = ASYNC_FAILED;
	g = granted(HOUR);
	pass(10 * MINUTE);
	ck_assert_str_eq(state_of(g), "failed");
	ck_assert_int_eq(aws.creates, 7);
	check_books();
}
END_TEST

/* The answer is lost, AWS shows nothing, and the create arrives later:
 * after the access was given by another create and taken away again. */
START_TEST(lands_late)
{
	const char *g;

	aws.create = LOST_LATE;
	aws.late = 10 * MINUTE;
	g = granted(4 * MINUTE);
	pass(30 * SECOND);
	ck_assert_str_eq(state_of(g), "active");
	ck_assert_int_eq(aws.creates, 2);
	pass(4 * MINUTE);
	ck_assert(!aws_has("ada"));
	/* Not closed as absent while it may come. */
	ck_assert_str_eq(state_of(g), "ending");
	pass(8 * MINUTE);
	ck_assert_int_eq(aws.deletes, 2);
	ck_assert(!aws_has("ada"));
	pass(30 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	check_books();
}
END_TEST

/* The same when the grant was over before anybody saw it. */
START_TEST(lands_after_the_end)
{
	const char *g;

	aws.create = LOST_LATE;
	aws.late = 3 * MINUTE;
	aws.blind = aws.status_blind = false;
	g = granted(2 * MINUTE);
	pass(SECOND);
	aws.blind = aws.status_blind = true;
	pass(2 * MINUTE + SECOND);
	ck_assert_str_eq(state_of(g), "lapsed");
	aws.blind = aws.status_blind = false;
	pass(4 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_int_ge(aws.deletes, 1);
	pass(30 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(cell("SELECT phase || seen FROM aws_sso_key"),
	    "idle0");
	check_books();
}
END_TEST

START_TEST(delete_answers)
{
	static const int fates[] = { SYNC, ASYNC, LOST_DONE, LOST_NEVER,
	    THROTTLED, BROKEN_5XX, NOT_SENT, CONFLICT, DENIED, INVALID,
	    LOST_LATE };
	const char *g = granted(10 * MINUTE);

	pass(MINUTE);
	aws.remove = fates[_i];
	pass(9 * MINUTE + 40 * SECOND);
	ck_assert_msg(!aws_has("ada"), "fate %d", fates[_i]);
	ck_assert_str_eq(state_of(g), "ended");
	check_books();
}
END_TEST

/* Somebody was quicker: AWS answers 404, which means done. */
START_TEST(delete_404)
{
	const char *g = granted(10 * MINUTE);

	pass(9 * MINUTE);
	aws_take("ada");
	pass(MINUTE + 10 * SECOND);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert_int_eq(aws.deletes, 1);
	ck_assert_int_eq(audited("access.revoked"), 1);
	g = granted(2 * MINUTE);
	pass(MINUTE);
	aws_take("ada");
	aws.remove = NOT_FOUND;
	pass(2 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	check_books();
}
END_TEST

START_TEST(orphan)
{
	const char *g = granted(10 * MINUTE), *p;
	int n = 0;

	pass(MINUTE);
	aws.failure = "Received a 404 status error: the USER assignee ada was "
	    "not found in directory d-1234567890";
	aws.remove = ASYNC_FAILED;
	aws.for_ever = true;
	pass(3 * HOUR);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert_int_eq(audited("access.orphaned"), 1);
	ck_assert_int_eq(aws.deletes, 1);
	for (p = bh_buf_text(&told); (p = strstr(p, "no longer in the "
	    "directory. Nobody")) != NULL; p++)
		n++;
	ck_assert_int_eq(n, 2);		/* announce and security, once each */
	check_books();
}
END_TEST

/* Access that was there before is neither created nor removed. */
START_TEST(permanent)
{
	const char *one, *two;

	aws_put("ada");
	one = granted(10 * MINUTE);
	pass(10 * SECOND);
	ck_assert_str_eq(state_of(one), "active");
	two = granted(30 * MINUTE);
	pass(15 * MINUTE);
	ck_assert_str_eq(state_of(one), "ended");
	world_restart();
	pass(2 * HOUR);
	ck_assert_str_eq(state_of(two), "ended");
	ck_assert(aws_has("ada"));
	ck_assert_str_eq(bh_buf_text(&aws.log), "");
	ck_assert_int_eq(audited("access.superseded"), 2);
	check_books();
	/* When its owner takes it away, the next grant is a grant. */
	aws_take("ada");
	pass(HOUR);
	two = granted(10 * MINUTE);
	pass(10 * SECOND);
	ck_assert_str_eq(state_of(two), "active");
	ck_assert(aws_has("ada"));
	pass(20 * MINUTE);
	ck_assert(!aws_has("ada"));
	check_books();
}
END_TEST

START_TEST(removed_outside)
{
	const char *g = granted(2 * HOUR), *two;

	pass(10 * MINUTE);
	aws_take("ada");
	pass(11 * MINUTE);
	ck_assert_str_eq(state_of(g), "active");
	ck_assert_int_eq(audited("access.removed_outside"), 1);
	ck_assert(!aws_has("ada"));
	ck_assert_int_eq(aws.creates, 1);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&told), "was removed at AWS"));
	/* A new agreement is a new agreement. */
	two = granted(20 * MINUTE);
	pass(MINUTE);
	ck_assert_str_eq(state_of(two), "active");
	ck_assert(aws_has("ada"));
	pass(30 * MINUTE);
	ck_assert(!aws_has("ada"));
	pass(2 * HOUR);
	ck_assert_str_eq(state_of(g), "ended");
	check_books();
}
END_TEST

/* A delete whose answer was lost arrives late and hits the next grant: that
 * was our own doing, so it is mended. */
START_TEST(late_delete)
{
	const char *one = granted(10 * MINUTE), *two;

	pass(MINUTE);
	aws.remove = LOST_LATE;
	aws.late = 3 * MINUTE;
	pass(9 * MINUTE + 30 * SECOND);
	ck_assert_str_eq(state_of(one), "ended");
	two = granted(2 * HOUR);
	pass(20 * SECOND);
	ck_assert_str_eq(state_of(two), "active");
	pass(15 * MINUTE);
	ck_assert(aws_has("ada"));
	ck_assert_int_eq(audited("access.removed_outside"), 0);
	ends_well(two);
}
END_TEST

START_TEST(unknown_reported)
{
	rules.pair = "111122223333";
	aws_put("mallory");
	pass(25 * MINUTE);
	ck_assert_int_eq(audited("access.unknown"), 1);
	ck_assert(aws_has("mallory"));
	ck_assert_int_eq(aws.deletes, 0);
	world_restart();
	pass(25 * MINUTE);
	ck_assert_int_eq(audited("access.unknown"), 1);
	check_books();
}
END_TEST

START_TEST(unknown_revoked)
{
	char name[20];

	options.unknown = UNKNOWN_REVOKE;
	grants_changed(gs, &options);
	rules.pair = "111122223333";
	aws_put("mallory");
	pass(15 * MINUTE);
	ck_assert_int_eq(audited("access.unknown"), 1);
	ck_assert(!aws_has("mallory"));
	ck_assert_str_eq(bh_buf_text(&aws.log), "delete mallory; ");
	/* A lost store must not empty the company. */
	for (int i = 0; i < 11; i++) {
		snprintf(name, sizeof(name), "user-%d", i);
		aws_put(name);
	}
	pass(25 * MINUTE);
	ck_assert_int_eq(aws.deletes, 1);
	ck_assert(aws_has("user-10"));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&told), "too many"));
	check_books();
}
END_TEST

START_TEST(stuck)
{
	const char *g = granted(10 * MINUTE), *p;
	struct grants_status s;
	struct bh_buf list = BH_BUF(2000);
	int pages = 0;

	pass(MINUTE);
	aws.remove = THROTTLED;
	aws.for_ever = true;
	pass(9 * MINUTE + 90 * SECOND);
	grants_status(gs, &s);
	ck_assert_int_eq(s.level, 0);
	ck_assert_uint_eq(s.late, 1);
	pass(MINUTE);
	grants_status(gs, &s);
	ck_assert_int_eq(s.level, 1);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&told), "not removed yet"));
	ck_assert_ptr_null(strstr(bh_buf_text(&told), "page {"));
	ck_assert_int_eq(request(&kate, HOUR), BH_OK);
	pass(9 * MINUTE);
	grants_status(gs, &s);
	ck_assert_int_eq(s.level, 2);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&told), "page {"));
	ck_assert_int_eq(request(&kate, HOUR), BH_EBUSY);
	ck_assert_ptr_nonnull(strstr(said, "in this account is stuck"));
	grants_stuck(gs, &list);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&list), "level 2"));
	bh_buf_release(&list);
	pass(50 * MINUTE);
	grants_status(gs, &s);
	ck_assert_int_eq(s.level, 3);
	ck_assert_ptr_nonnull(s.paused);
	for (p = bh_buf_text(&told); (p = strstr(p, "page {")) != NULL; p++)
		pages++;
	ck_assert_int_ge(pages, 4);
	ck_assert_int_le(pages, 5);
	ck_assert_str_eq(state_of(g), "ending");
	/* And it never gave up. */
	aws.for_ever = false;
	aws.remove = ASYNC;
	pass(2 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
	grants_status(gs, &s);
	ck_assert_int_eq(s.level, 0);
	ck_assert_int_eq(request(&kate, HOUR), BH_OK);
	check_books();
}
END_TEST

START_TEST(denied_removal)
{
	struct grants_status s;
	const char *g = granted(10 * MINUTE);

	pass(MINUTE);
	aws.remove = DENIED;
	aws.for_ever = true;
	pass(9 * MINUTE + 10 * SECOND);
	grants_status(gs, &s);
	ck_assert_int_eq(s.level, 2);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&told), "page {"));
	aws.for_ever = false;
	aws.remove = ASYNC;
	pass(2 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
}
END_TEST

/* AWS cannot be asked for half an hour while access must end. */
START_TEST(outage)
{
	const char *g = granted(10 * MINUTE);

	pass(MINUTE);
	aws.remove = BROKEN_5XX;
	aws.for_ever = aws.blind = aws.status_blind = true;
	pass(40 * MINUTE);
	ck_assert_str_eq(state_of(g), "ending");
	aws.for_ever = aws.blind = aws.status_blind = false;
	aws.remove = ASYNC;
	/* Healed: back-off cap and one minute. */
	pass(2 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(state_of(g), "ended");
	check_books();
}
END_TEST

/* Polls that fail for a minute make the operation unknown, not lost. */
START_TEST(polls_fail)
{
	const char *g;

	aws.takes = 2 * MINUTE;
	aws.status_blind = true;
	g = granted(HOUR);
	pass(3 * MINUTE);
	aws.status_blind = false;
	pass(3 * MINUTE);
	ck_assert_str_eq(state_of(g), "active");
	aws.takes = 3000;
	ends_well(g);
}
END_TEST

/* Ended while its create is under way: removed as soon as that is over. */
START_TEST(end_overtakes)
{
	const char *g;

	aws.takes = 40 * SECOND;
	g = granted(20 * SECOND);
	pass(50 * SECOND);
	ck_assert_str_eq(state_of(g), "lapsed");
	pass(60 * SECOND);
	ck_assert(!aws_has("ada"));
	ck_assert_int_eq(aws.deletes, 1);
	check_books();
}
END_TEST

/* Approved while the delete of the one before is under way: waits for it. */
START_TEST(same_tuple)
{
	const char *one = granted(10 * MINUTE), *two;

	pass(MINUTE);
	aws.takes = 20 * SECOND;
	pass(9 * MINUTE + 5 * SECOND);
	ck_assert_str_eq(state_of(one), "ending");
	two = granted(HOUR);
	pass(5 * SECOND);
	ck_assert_int_eq(aws.creates, 1);
	pass(MINUTE);
	ck_assert_str_eq(state_of(one), "ended");
	ck_assert_str_eq(state_of(two), "active");
	ck_assert_str_eq(bh_buf_text(&aws.log),
	    "create ada; delete ada; create ada; ");
	aws.takes = 3000;
	ends_well(two);
}
END_TEST

/* Stopped between approval and the first byte: the gate holds. */
START_TEST(last_look)
{
	const char *g = granted(HOUR);

	/* Slot, pre-check and intent take some loops and 20 ms. */
	for (int i = 0; i < 40 && strcmp(cell("SELECT phase FROM aws_sso_key"),
	    "create-intent") != 0; i++)
		pass(1);
	rules.deny = true;
	pass(MINUTE);
	/* Either it went out before, and is kept, or it did not go out. */
	if (aws.creates == 0)
		ck_assert_str_eq(state_of(g), "refused");
	else
		ck_assert_str_eq(state_of(g), "active");
	check_books();
}
END_TEST

/* A hundred at once, operations of 3 s, 15 of them at a time. */
START_TEST(hundred)
{
	char name[20];
	struct bh_user who = { .realm = "test", .name = "Somebody" };
	int64_t from = world_now();
	int calls;

	rules.needed = 0;
	aws.pool = 15;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "user-%d", i);
		who.person = who.id = name;
		ck_assert_int_eq(request(&who, HOUR), BH_OK);
	}
	while (strcmp(cell("SELECT COUNT(*) FROM aws_sso_grant WHERE"
	    " state = 'active'"), "100") != 0) {
		ck_assert_int_lt(world_now() - from, MINUTE);
		pass(100);
	}
	calls = aws.creates + aws.lists + aws.polls + aws.describes;
	ck_assert_msg(world_now() - from <= 30 * SECOND, "%lld ms",
	    (long long)(world_now() - from));
	ck_assert_msg(calls <= 320, "%d calls", calls);
	if (getenv("GRANT_TEST_LOG") != NULL)
		fprintf(stderr, "%lld ms, %d calls\n",
		    (long long)(world_now() - from), calls);
	check_books();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("grant-key");
	TCase *t = tcase_create("key");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, create_answers, 0, 8);
	tcase_add_loop_test(t, create_refused, 0, 4);
	tcase_add_test(t, create_keeps_failing);
	tcase_add_test(t, lands_late);
	tcase_add_test(t, lands_after_the_end);
	tcase_add_loop_test(t, delete_answers, 0, 11);
	tcase_add_test(t, delete_404);
	tcase_add_test(t, orphan);
	tcase_add_test(t, permanent);
	tcase_add_test(t, removed_outside);
	tcase_add_test(t, late_delete);
	tcase_add_test(t, unknown_reported);
	tcase_add_test(t, unknown_revoked);
	tcase_add_test(t, stuck);
	tcase_add_test(t, denied_removal);
	tcase_add_test(t, outage);
	tcase_add_test(t, polls_fail);
	tcase_add_test(t, end_overtakes);
	tcase_add_test(t, same_tuple);
	tcase_add_test(t, last_look);
	tcase_add_test(t, hundred);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
