/* test-grant-life.c - from a request to its end, as people see it.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/grant-world.h"

START_TEST(whole_life)
{
	const char *g;

	ck_assert_int_eq(request(&ada, 30 * MINUTE), BH_OK);
	ck_assert_uint_eq(strlen(id), 4);
	ck_assert_uint_eq(strspn(id, "23456789ABCDEFGHJKMNPQRSTUVWXYZ"), 4);
	ck_assert_str_eq(state_of(id), "pending");
	g = strdup(id);
	ck_assert_int_eq(vote(g, &ada), BH_EPERM);
	ck_assert_int_eq(vote(g, &(struct bh_user){ .person = "p-eve",
	    .name = "Eve", .realm = "test", .id = "eve" }), BH_EPERM);
	ck_assert_str_eq(said, "You are not in the Identity Center.");
	ck_assert_int_eq(vote(g, &grace), BH_OK);
	ck_assert_str_eq(state_of(g), "approved");
	ck_assert(!aws_has("ada"));
	/* Not said before AWS shows it. */
	pass(SECOND);
	ck_assert_str_eq(bh_buf_text(&aws.log), "create ada; ");
	ck_assert_str_eq(state_of(g), "approved");
	pass(5 * SECOND);
	ck_assert(aws_has("ada"));
	ck_assert_str_eq(state_of(g), "active");
	/* A warm grant: look, create, look. */
	ck_assert_int_eq(aws.lists, 2);
	ck_assert_int_eq(aws.creates, 1);
	ck_assert_int_eq(aws.describes, 0);
	ck_assert_int_le(aws.polls, 4);

	pass(29 * MINUTE);
	ck_assert(aws_has("ada"));
	aws.lists = aws.polls = 0;
	pass(MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert_str_eq(bh_buf_text(&aws.log), "create ada; delete ada; ");
	ck_assert_int_eq(aws.lists, 1);
	ck_assert_int_eq(aws.describes, 0);
	ck_assert_int_eq(audited("request.created"), 1);
	ck_assert_int_eq(audited("vote"), 1);
	ck_assert_int_eq(audited("request.approved"), 1);
	ck_assert_int_eq(audited("aws.create.intent"), 1);
	ck_assert_int_eq(audited("access.granted"), 1);
	ck_assert_int_eq(audited("access.expired"), 1);
	ck_assert_int_eq(audited("aws.delete.intent"), 1);
	ck_assert_int_eq(audited("aws.verified"), 2);
	ck_assert_int_eq(audited("access.revoked"), 1);
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM bh_job"), "0");
	check_books();
	/* It is known for ever. */
	ck_assert_int_eq(vote(g, &grace), BH_ECONFLICT);
	ck_assert_ptr_nonnull(strstr(said, "is over: ended"));
	ck_assert_int_eq(vote("ZZZZZ", &grace), BH_ENOENT);
	free((void *)(uintptr_t)g);
}
END_TEST

START_TEST(many_points)
{
	size_t n = 0;

	rules.needed = 2;
	ck_assert_int_eq(request(&ada, 30 * MINUTE), BH_OK);
	ck_assert_int_eq(vote(id, &grace), BH_OK);
	ck_assert_int_eq(vote(id, &kate), BH_OK);
	pass(40 * MINUTE);
	for (const char *p = bh_buf_text(&points); *p != '\0'; p++)
		n += *p == '\n';
	ck_assert_msg(n >= 40, "%zu points only:\n%s", n,
	    bh_buf_text(&points));
}
END_TEST

START_TEST(two_of_two)
{
	rules.needed = 2;
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	ck_assert_int_eq(vote(id, &grace), BH_OK);
	ck_assert_str_eq(state_of(id), "pending");
	ck_assert_int_eq(vote(id, &grace), BH_ECONFLICT);
	ck_assert_str_eq(state_of(id), "pending");
	ck_assert_int_eq(vote(id, &kate), BH_OK);
	ck_assert_str_eq(state_of(id), "approved");
	ck_assert_int_eq(audited("request.approved"), 1);
	ck_assert_int_eq(audited("vote"), 2);
	check_books();
}
END_TEST

START_TEST(self_approval)
{
	/* A policy that says yes by mistake does not get past the engine. */
	rules.self = true;
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	ck_assert_int_eq(vote(id, &ada), BH_OK);
	ck_assert_str_eq(state_of(id), "approved");
	rules.self = false;
	ck_assert_int_eq(request(&grace, HOUR), BH_OK);
	ck_assert_int_eq(vote(id, &grace), BH_EPERM);
	ck_assert_str_eq(state_of(id), "pending");
	/* Nor does the same Identity Center user under another name. */
	ck_assert_int_eq(vote(id, &(struct bh_user){ .person = "p-other",
	    .name = "G", .realm = "test", .id = "grace",
	    .flags = BH_USER_ADMIN }), BH_EPERM);
}
END_TEST

START_TEST(automatic)
{
	rules.needed = 0;
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	ck_assert_int_eq(audited("request.auto_approved"), 1);
	pass(6 * SECOND);
	ck_assert_str_eq(state_of(id), "active");
	check_books();
}
END_TEST

START_TEST(no_and_never)
{
	char first[GRANT_ID_MAX];

	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	rules.may_approve = false;
	ck_assert_int_eq(act(grant_deny, id, &kate, "no"), BH_EPERM);
	rules.may_approve = true;
	ck_assert_int_eq(act(grant_deny, id, &kate, "not today"), BH_OK);
	ck_assert_str_eq(state_of(id), "denied");
	ck_assert_int_eq(vote(id, &grace), BH_ECONFLICT);

	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	ck_assert_int_eq(cancel(id, &(struct bh_user){ .person = "p-bob",
	    .name = "Bob", .realm = "test", .id = "bob" }), BH_EPERM);
	ck_assert_int_eq(cancel(id, &ada), BH_OK);
	ck_assert_str_eq(state_of(id), "cancelled");

	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	memcpy(first, id, sizeof(first));
	pass(8 * HOUR + SECOND);
	ck_assert_str_eq(state_of(first), "expired");
	ck_assert_int_eq(vote(first, &grace), BH_ECONFLICT);

	rules.deny = true;
	ck_assert_int_eq(request(&ada, HOUR), BH_EPERM);
	ck_assert_str_eq(said, "Rule prod says no.");
	ck_assert_int_eq(aws.creates, 0);
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM bh_job"), "0");
	check_books();
}
END_TEST

START_TEST(policy_changes)
{
	char first[GRANT_ID_MAX];

	/* Between request and click. */
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	rules.deny = true;
	ck_assert_int_eq(vote(id, &grace), BH_EPERM);
	ck_assert_str_eq(state_of(id), "refused");
	rules.deny = false;
	/* Seen at reload, without a click. */
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	rules.deny = true;
	grants_changed(gs, &options);
	pass(SECOND);
	ck_assert_str_eq(state_of(id), "refused");
	rules.deny = false;
	/* Between approval and intent. */
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	memcpy(first, id, sizeof(first));
	ck_assert_int_eq(vote(first, &grace), BH_OK);
	rules.deny = true;
	pass(MINUTE);
	ck_assert_str_eq(state_of(first), "refused");
	ck_assert_int_eq(aws.creates, 0);
	/* Facts that are missing are waited for, closed. */
	rules.deny = false;
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	memcpy(first, id, sizeof(first));
	ck_assert_int_eq(vote(first, &grace), BH_OK);
	rules.unsure = true;
	pass(MINUTE);
	ck_assert_str_eq(state_of(first), "approved");
	ck_assert_int_eq(aws.creates, 0);
	rules.unsure = false;
	pass(2 * MINUTE);
	ck_assert_str_eq(state_of(first), "active");
	check_books();
}
END_TEST

START_TEST(overlap)
{
	const char *one = granted(30 * MINUTE), *two;

	pass(10 * SECOND);
	ck_assert_str_eq(state_of(one), "active");
	two = granted(2 * HOUR);
	pass(SECOND);
	ck_assert_str_eq(state_of(two), "active");
	ck_assert_int_eq(aws.creates, 1);
	pass(30 * MINUTE);
	ck_assert_str_eq(state_of(one), "ended");
	ck_assert_int_eq(audited("access.superseded"), 1);
	ck_assert_int_eq(aws.deletes, 0);
	ck_assert(aws_has("ada"));
	pass(90 * MINUTE + 10 * SECOND);
	ck_assert_str_eq(state_of(two), "ended");
	ck_assert_int_eq(aws.deletes, 1);
	ck_assert(!aws_has("ada"));
	check_books();
}
END_TEST

START_TEST(extension)
{
	const char *one = granted(30 * MINUTE);
	char two[GRANT_ID_MAX];

	pass(10 * MINUTE);
	ck_assert_int_eq(extend(one, &grace, HOUR), BH_EPERM);
	ck_assert_int_eq(extend(one, &ada, HOUR), BH_OK);
	memcpy(two, id, sizeof(two));
	ck_assert_str_eq(state_of(two), "pending");
	ck_assert_int_eq(vote(two, &grace), BH_OK);
	pass(SECOND);
	ck_assert_str_eq(state_of(two), "active");
	pass(79 * MINUTE);
	ck_assert_str_eq(state_of(one), "ended");
	ck_assert(aws_has("ada"));
	pass(2 * MINUTE);
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(bh_buf_text(&aws.log), "create ada; delete ada; ");
	ck_assert_int_eq(extend(two, &ada, HOUR), BH_ECONFLICT);
	check_books();
}
END_TEST

START_TEST(revoked)
{
	const char *g = granted(HOUR);

	pass(10 * SECOND);
	rules.may_approve = false;
	ck_assert_int_eq(act(grant_revoke, g, &(struct bh_user){
	    .person = "p-bob", .name = "Bob", .realm = "test", .id = "bob" },
	    ""), BH_EPERM);
	ck_assert_int_eq(act(grant_revoke, g, &ada, "done"), BH_OK);
	pass(10 * SECOND);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
	ck_assert_int_eq(audited("access.revoke_requested"), 1);
	check_books();
	/* Before AWS showed it: the create is under way, and still it ends. */
	rules.may_approve = true;
	g = granted(HOUR);
	pass(500);
	ck_assert_str_eq(state_of(g), "approved");
	ck_assert_int_eq(act(grant_revoke, g, &grace, "wrong"), BH_OK);
	pass(30 * SECOND);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
	check_books();
}
END_TEST

START_TEST(caps)
{
	options.open_per_person = 2;
	grants_changed(gs, &options);
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	ck_assert_int_eq(request(&ada, HOUR), BH_ELIMIT);
	ck_assert_int_eq(request(&grace, HOUR), BH_OK);
	ck_assert_int_eq(request(&kate, 0), BH_EINVAL);
}
END_TEST

START_TEST(draining)
{
	const char *g = granted(10 * MINUTE);

	pass(10 * SECOND);
	grants_drain(gs, "the clock is wrong");
	ck_assert_int_eq(request(&kate, HOUR), BH_EBUSY);
	ck_assert_ptr_nonnull(strstr(said, "the clock is wrong"));
	pass(11 * MINUTE);
	ck_assert_str_eq(state_of(g), "ended");
	ck_assert(!aws_has("ada"));
	grants_drain(gs, NULL);
	ck_assert_int_eq(request(&kate, HOUR), BH_OK);
	check_books();
}
END_TEST

/* Disk full: nothing new, and everything ends on time. */
START_TEST(disk_full)
{
	const char *one = granted(10 * MINUTE);
	char two[GRANT_ID_MAX];

	pass(10 * SECOND);
	ck_assert_int_eq(request(&kate, HOUR), BH_OK);
	memcpy(two, id, sizeof(two));
	ck_assert_int_eq(vote(two, &grace), BH_OK);
	commit_fails = BH_EFULL;
	urgent_fails = aws.unsaved = true;
	ck_assert_int_eq(request(&kate, HOUR), BH_EFULL);
	ck_assert_ptr_nonnull(strstr(said, "disk is full"));
	pass(11 * MINUTE);
	ck_assert_int_eq(aws.creates, 1);	/* kate's waits */
	ck_assert(!aws_has("ada"));
	ck_assert_str_eq(state_of(one), "active");	/* not written yet */
	commit_fails = 0;
	aws.unsaved = false;
	pass(MINUTE);
	ck_assert_str_eq(state_of(one), "ended");
	ck_assert_int_eq(audited("aws.delete.intent"), 1);
	ck_assert_int_eq(audited("access.revoked"), 1);
	ck_assert(aws_has("kate"));
	ck_assert_str_eq(state_of(two), "active");
	check_books();
	/* And when somebody asks for it. */
	commit_fails = BH_EIO;
	aws.unsaved = true;
	ck_assert_int_eq(act(grant_revoke, two, &kate, "done"), BH_OK);
	pass(20 * SECOND);
	ck_assert(!aws_has("kate"));
	commit_fails = 0;
	aws.unsaved = false;
	pass(MINUTE);
	ck_assert_str_eq(state_of(two), "ended");
	ck_assert_int_eq(audited("access.revoke_requested"), 1);
	check_books();
}
END_TEST

START_TEST(two_give_up)
{
	const char *g = granted(10 * MINUTE);

	pass(10 * SECOND);
	aws.remove = DENIED;
	aws.for_ever = true;
	pass(20 * MINUTE);
	ck_assert_str_eq(state_of(g), "ending");
	ck_assert_int_eq(act(grant_abandon, g, &ada, "x"), BH_EPERM);
	ck_assert_int_eq(act(grant_abandon, g, &grace, ""), BH_EINVAL);
	ck_assert_int_eq(act(grant_abandon, g, &grace, "account gone"), BH_OK);
	ck_assert_str_eq(state_of(g), "ending");
	ck_assert_int_eq(act(grant_abandon, g, &grace, "again"), BH_EPERM);
	ck_assert_int_eq(act(grant_abandon, g, &kate, "account gone"), BH_OK);
	ck_assert_str_eq(state_of(g), "abandoned");
	ck_assert_int_eq(audited("access.abandoned"), 1);
	/* The reconciler goes on all the same. */
	aws.for_ever = false;
	aws.remove = ASYNC;
	pass(3 * MINUTE);
	ck_assert(!aws_has("ada"));
	check_books();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("grant-life");
	TCase *t = tcase_create("life");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, whole_life);
	tcase_add_test(t, many_points);
	tcase_add_test(t, two_of_two);
	tcase_add_test(t, self_approval);
	tcase_add_test(t, automatic);
	tcase_add_test(t, no_and_never);
	tcase_add_test(t, policy_changes);
	tcase_add_test(t, overlap);
	tcase_add_test(t, extension);
	tcase_add_test(t, revoked);
	tcase_add_test(t, caps);
	tcase_add_test(t, draining);
	tcase_add_test(t, disk_full);
	tcase_add_test(t, two_give_up);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
