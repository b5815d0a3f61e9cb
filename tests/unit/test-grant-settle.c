/* test-grant-settle.c - what people do ends the event that asked for it, in the
 * same transaction.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/grant-world.h"

/* Each of the operations, on a grant in the state that it needs. */
enum what { ASK, ASK_AUTOMATIC, VOTE, APPROVE, REFUSE, DENY, CANCEL, REVOKE,
    EXTEND, ABANDON, WHATS };

static char target[GRANT_ID_MAX];

static void
pending(void)
{
	ck_assert_int_eq(request(&ada, HOUR), BH_OK);
	memcpy(target, id, sizeof(id));
}

static void
prepare(enum what what)
{
	switch (what) {
	case ASK:
	case WHATS:
		break;
	case ASK_AUTOMATIC:
		rules.needed = 0;
		break;
	case VOTE:
		rules.needed = 2;
		pending();
		break;
	case APPROVE:
	case DENY:
	case CANCEL:
		pending();
		break;
	case REFUSE:
		pending();
		rules.deny = true;
		break;
	case REVOKE:
	case EXTEND:
		snprintf(target, sizeof(target), "%s", granted(HOUR));
		pass(MINUTE);
		break;
	case ABANDON:
		snprintf(target, sizeof(target), "%s", granted(HOUR));
		pass(10 * SECOND);
		aws.remove = DENIED;
		aws.for_ever = true;
		pass(2 * HOUR);
		ck_assert_int_eq(act(grant_abandon, target, &grace, "x"),
		    BH_OK);
		break;
	}
}

static int
perform(enum what what)
{
	switch (what) {
	case ASK:
	case ASK_AUTOMATIC:
		return request(&ada, HOUR);
	case VOTE:
	case APPROVE:
	case REFUSE:
		return vote(target, &grace);
	case DENY:
		return act(grant_deny, target, &grace, "no");
	case CANCEL:
		return cancel(target, &ada);
	case REVOKE:
		return act(grant_revoke, target, &ada, "done");
	case EXTEND:
		return extend(target, &ada, HOUR);
	case ABANDON:
		return act(grant_abandon, target, &kate, "gone");
	default:
		return BH_EINVAL;
	}
}

static int
rows(void)
{
	return (int)strtol(cell("SELECT COUNT(*) FROM bh_audit"), NULL, 10);
}

START_TEST(each_settles)
{
	prepare((enum what)_i);
	settle_new();
	ck_assert(!settled());
	ck_assert_int_eq(perform((enum what)_i), _i == REFUSE ? BH_EPERM : BH_OK);
	ck_assert(settled());
}
END_TEST

/* The host had settled it already: nothing of it happens a second time. */
START_TEST(none_twice)
{
	int before;

	prepare((enum what)_i);
	settle_new();
	{
		struct bh_tx *tx = store_tx(store, "host");

		store_tx_forget(tx, &(int64_t){ kept_event() }, 1);
		store_commit(tx, NULL, NULL);
		store_flush(store);
	}
	before = rows();
	ck_assert_int_eq(perform((enum what)_i), BH_ECONFLICT);
	ck_assert_int_eq(rows(), before);
	ck_assert_ptr_null(gs->drain);
	/* Without that call the same still works. */
	settling = NULL;
	ck_assert_int_eq(perform((enum what)_i), _i == REFUSE ? BH_EPERM : BH_OK);
	check_books();
}
END_TEST

/* What was refused has settled nothing: the host ends the event itself. */
START_TEST(refused_settles_nothing)
{
	pending();
	settle_new();
	ck_assert_int_eq(vote(target, &ada), BH_EPERM);
	ck_assert(!settled());
	commit_fails = BH_EFULL;
	ck_assert_int_eq(vote(target, &grace), BH_EFULL);
	commit_fails = 0;
	ck_assert(!settled());
	ck_assert_int_eq(vote(target, &grace), BH_OK);
	ck_assert(settled());
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("grant-settle");
	TCase *t = tcase_create("settle");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, each_settles, 0, WHATS);
	tcase_add_loop_test(t, none_twice, 0, WHATS);
	tcase_add_test(t, refused_settles_nothing);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
