/* test-store-jobs.c - durable jobs on virtual time, and the outbox.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/store-common.h"

#include <inttypes.h>

#define T0	INT64_C(1767600000000)

static struct bh_buf seen;
static enum { LEAVE, END, MOVE } then;

/* Writes down what fires as "owner kind ref attempt @seconds; ". */
static void
on_job(void *arg, const char *owner, const struct bh_job *job)
{
	struct bh_tx *tx;

	(void)arg;
	bh_buf_add(&seen, "%s %s %s %d @%" PRId64 "; ", owner, job->kind,
	    job->ref, job->attempt, (world_now() - T0) / 1000);
	if (then == LEAVE)
		return;
	tx = store_tx(store, owner);
	if (then == END)
		store_tx_job_done(tx, job->kind, job->ref);
	else
		store_tx_job(tx, job->kind, job->ref, job->due + 100000);
	store_commit(tx, NULL, NULL);
}

static void
plan(const char *owner, const char *ref, int64_t seconds)
{
	struct bh_tx *tx = store_tx(store, owner);

	store_tx_job(tx, "expire", ref, T0 + seconds * 1000);
	ck_assert_int_eq(commit(tx), BH_OK);
}

static void
jobs_setup(void)
{
	setup();
	world_freeze(T0);
	seen = (struct bh_buf)BH_BUF(100000);
	then = END;
	store_jobs_handler(store, on_job, NULL);
}

static void
jobs_teardown(void)
{
	bh_buf_release(&seen);
	teardown();
}

START_TEST(fires_on_time)
{
	plan("shop/main", "b", 3600);
	plan("shop/main", "a", 60);
	plan("shop/other", "a", 61);
	plan("shop/main", "never", 100);
	plan("shop/main", "never", 90000);	/* moved */
	ck_assert_int_eq(store_jobs_next(store), T0 + 60000);
	loop_settle(loop, NULL, NULL, 59999);
	ck_assert_str_eq(bh_buf_text(&seen), "");
	loop_settle(loop, NULL, NULL, 7200000);
	ck_assert_str_eq(bh_buf_text(&seen), "shop/main expire a 1 @60; "
	    "shop/other expire a 1 @61; shop/main expire b 1 @3600; ");
	ck_assert_uint_eq(store_jobs_count(store), 1);
}
END_TEST

START_TEST(comes_again)
{
	then = LEAVE;
	plan("shop/main", "a", 10);
	loop_settle(loop, NULL, NULL, 200000);
	ck_assert_str_eq(bh_buf_text(&seen),
	    "shop/main expire a 1 @10; shop/main expire a 2 @11; "
	    "shop/main expire a 3 @13; shop/main expire a 4 @17; "
	    "shop/main expire a 5 @25; shop/main expire a 6 @41; "
	    "shop/main expire a 7 @73; shop/main expire a 8 @133; "
	    "shop/main expire a 9 @193; ");
	bh_buf_clear(&seen);
	then = MOVE;		/* counts from 1 again, at its new time */
	loop_settle(loop, NULL, NULL, 55000);
	ck_assert_str_eq(bh_buf_text(&seen), "shop/main expire a 10 @253; "
	    "shop/main expire a 1 @253; shop/main expire a 1 @253; ");
	then = END;
	loop_settle(loop, NULL, NULL, 100000);
	ck_assert_uint_eq(store_jobs_count(store), 0);
}
END_TEST

START_TEST(oldest_first_after_a_restart)
{
	char ref[8];

	store_jobs_handler(store, NULL, NULL);
	for (int i = 0; i < 50; i++) {
		snprintf(ref, sizeof(ref), "j%02d", i);
		plan("shop/main", ref, 1000 - i * 7);
	}
	world_advance(5000000);
	reopen();
	ck_assert_uint_eq(store_jobs_count(store), 50);
	loop_settle(loop, NULL, NULL, 1000);
	ck_assert_str_eq(bh_buf_text(&seen), "");	/* no handler yet */
	store_jobs_handler(store, on_job, NULL);
	loop_settle(loop, NULL, NULL, 10);
	const char *p = bh_buf_text(&seen);
	for (int i = 49; i >= 0; i--) {
		char want[60];

		snprintf(want, sizeof(want),
		    "shop/main expire j%02d 1 @5001; ", i);
		ck_assert_msg(strncmp(p, want, strlen(want)) == 0,
		    "%.60s, wanted %s", p, want);
		p += strlen(want);
	}
	ck_assert_str_eq(p, "");
	ck_assert_str_eq(ask("SELECT count(*) FROM bh_job"), "0");
}
END_TEST

START_TEST(only_committed_ones)
{
	struct bh_tx *tx = store_tx(store, "shop/main");

	store_tx_job(tx, "expire", "a", T0 + 1000);
	store_tx_sql(tx, 1, "UPDATE shop_item SET n = 1", NULL);
	ck_assert_int_ne(commit(tx), BH_OK);
	loop_settle(loop, NULL, NULL, 5000);
	ck_assert_str_eq(bh_buf_text(&seen), "");
}
END_TEST

static int64_t set_clock;

static int64_t
settable(void)
{
	return set_clock;
}

/* On real clocks: a jump ahead is noticed without waiting it out. */
START_TEST(clock_jumps)
{
	int64_t (*real)(void) = world.now;

	world_thaw();
	set_clock = T0;
	world.now = settable;
	plan("shop/main", "a", 1);
	set_clock = T0 + 3600000;
	loop_settle(loop, NULL, NULL, 1300);
	world.now = real;
	ck_assert_str_eq(bh_buf_text(&seen), "shop/main expire a 1 @3600; ");
}
END_TEST

START_TEST(ten_thousand)
{
	enum { N = 10000 };
	struct bh_tx *tx = store_tx(store, "shop/main");
	char ref[16];

	for (int i = 0; i < N; i++) {
		snprintf(ref, sizeof(ref), "r%d", i);
		store_tx_job(tx, "expire", ref, T0 + (i * 7919 % N) * 1000);
	}
	ck_assert_int_eq(commit(tx), BH_OK);
	reopen();
	ck_assert_uint_eq(store_jobs_count(store), N);
	seen.max = 10000000;
	store_jobs_handler(store, on_job, NULL);
	loop_settle(loop, NULL, NULL, N * 1000);
	ck_assert_uint_eq(store_jobs_count(store), 0);
	const char *p = bh_buf_text(&seen);
	for (int i = 0; i < N; i++) {
		const char *at = strchr(p, '@');

		ck_assert_ptr_nonnull(at);
		ck_assert_int_eq(strtol(at + 1, NULL, 10), i);
		p = at + 1;
	}
}
END_TEST

/* ------------------------------------------------------------------ */
/* Outbox                                                              */

static int told;

static void
on_notify(void *arg)
{
	(void)arg;
	told++;
}

static int64_t next_retry;

static void
on_posts(void *arg, int result, const struct store_post *posts,
    size_t count, int64_t next)
{
	size_t n = 0;

	(void)arg;
	ck_assert_int_eq(result, BH_OK);
	answer[0] = '\0';
	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(answer + n, sizeof(answer) - n,
		    "%s %s %s %s v%d of %d to %s try %d; ", posts[i].place,
		    posts[i].key, posts[i].card != NULL ? posts[i].card : "-",
		    posts[i].text, (int)posts[i].version,
		    (int)posts[i].sent_version, posts[i].message != NULL
		    ? posts[i].message : "-", posts[i].attempts);
	next_retry = next;
}

static const char *
pending(void)
{
	store_outbox_pending(store, 10, 2, on_posts, NULL);
	store_flush(store);
	return answer;
}

static void
post(const char *place, const char *key, const char *card, const char *text)
{
	struct bh_tx *tx = store_tx(store, "shop/main");

	store_tx_post(tx, place, key, card != NULL ? STORE_CARD : STORE_TEXT,
	    card, text);
	ck_assert_int_eq(commit(tx), BH_OK);
}

/* Changes while nothing goes out are one message; later ones edit it. */
START_TEST(outbox_coalesces)
{
	told = 0;
	store_outbox_notify(store, on_notify, NULL);
	ck_assert_str_eq(pending(), "");
	post("slack/#ops", "R1", "{\"c\":1}", "one");
	ck_assert_int_eq(told, 1);
	world_advance(10);
	post("teams/#ops", "R1", NULL, "other");
	world_advance(10);
	post("slack/#ops", "R1", "{\"c\":2}", "two");
	ck_assert_int_eq(told, 3);
	/* Cards go before texts. */
	ck_assert_str_eq(pending(), "slack/#ops R1 {\"c\":2} two v2 of 0 to "
	    "- try 0; teams/#ops R1 - other v1 of 0 to - try 0; ");
	/* v2 is on its way when v3 is posted. */
	post("slack/#ops", "R1", "{\"c\":3}", "three");
	store_outbox_sent(store, "slack/#ops", "R1", 2, "m17");
	store_outbox_sent(store, "teams/#ops", "R1", 1, "x");
	ck_assert_str_eq(pending(),
	    "slack/#ops R1 {\"c\":3} three v3 of 2 to m17 try 0; ");
	store_outbox_sent(store, "slack/#ops", "R1", 3, NULL);
	ck_assert_str_eq(pending(), "");
	/* An answer that comes late takes nothing back. */
	store_outbox_sent(store, "slack/#ops", "R1", 1, "m99");
	ck_assert_str_eq(pending(), "");
	reopen();
	struct bh_tx *tx = store_tx(store, "shop/main");
	store_tx_repost(tx, "R1", STORE_TEXT, NULL, "over");
	ck_assert_int_eq(commit(tx), BH_OK);
	ck_assert_str_eq(pending(),
	    "slack/#ops R1 - over v4 of 3 to m17 try 0; "
	    "teams/#ops R1 - over v2 of 1 to x try 0; ");
}
END_TEST

START_TEST(outbox_waits_after_failures)
{
	post("slack/#ops", "R1", NULL, "one");
	store_outbox_failed(store, "slack/#ops", "R1", 1, T0 + 5000, 0);
	ck_assert_str_eq(pending(), "");
	ck_assert_int_eq(next_retry, T0 + 5000);
	world_advance(5000);
	ck_assert_str_eq(pending(), "slack/#ops R1 - one v1 of 0 to - "
	    "try 1; ");
	store_outbox_failed(store, "slack/#ops", "R1", 1, T0 + 99000, 0);
	/* Something new is said at once, and an old failure is no news. */
	post("slack/#ops", "R1", NULL, "two");
	store_outbox_failed(store, "slack/#ops", "R1", 1, T0 + 99000, 0);
	ck_assert_str_eq(pending(), "slack/#ops R1 - two v2 of 0 to - "
	    "try 0; ");
	ck_assert_int_eq(next_retry, INT64_MAX);
	store_outbox_give_up(store, "slack/#ops", "R1", 2, 0, "gone");
	ck_assert_str_eq(pending(), "");
}
END_TEST

/* What was shown long ago is forgotten; what was not, never. */
START_TEST(outbox_forgets_what_is_old)
{
	struct bh_tx *tx;

	post("slack/#ops", "sent", NULL, "one");
	post("slack/#ops", "waits", NULL, "one");
	post("slack/#ops", "gone", NULL, "one");
	store_outbox_sent(store, "slack/#ops", "sent", 1, "m1");
	store_outbox_failed(store, "slack/#ops", "waits", 1, T0 + 500000, 0);
	store_outbox_give_up(store, "slack/#ops", "gone", 1, 0, "gone");
	world_advance(60000);
	post("slack/#ops", "young", NULL, "one");
	store_outbox_sent(store, "slack/#ops", "young", 1, "m2");
	tx = store_tx(store, "host");
	store_tx_outbox_prune(tx, T0 + 60000);
	ck_assert_int_eq(commit(tx), BH_OK);
	ck_assert_str_eq(ask("SELECT key FROM bh_outbox ORDER BY key"),
	    "waits young");
	ck_assert_str_eq(pending(), "");
	store_outbox_again(store, NULL);
	ck_assert_str_eq(pending(), "slack/#ops waits - one v1 of 0 to - "
	    "try 0; ");
}
END_TEST

static void
post_ranked(const char *place, const char *key, int rank)
{
	struct bh_tx *tx = store_tx(store, "shop/main");

	store_tx_post(tx, place, key, rank, NULL, "x");
	ck_assert_int_eq(commit(tx), BH_OK);
}

static void
on_keys(void *arg, int result, const struct store_post *posts, size_t count,
    int64_t next)
{
	size_t n = 0;

	(void)arg;
	ck_assert_int_eq(result, BH_OK);
	answer[0] = '\0';
	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(answer + n, sizeof(answer) - n,
		    "%s:%d ", posts[i].key, (int)posts[i].tried);
	next_retry = next;
}

static const char *
keys(size_t limit, size_t per_place)
{
	store_outbox_pending(store, limit, per_place, on_keys, NULL);
	store_flush(store);
	return answer;
}

/* What can be pressed goes first, and one place does not take all turns. */
START_TEST(outbox_ranks_and_places)
{
	post_ranked("slack/#a", "text", STORE_TEXT);
	world_advance(1);
	post_ranked("slack/#a", "card", STORE_CARD);
	world_advance(1);
	post_ranked("slack/#a", "press", STORE_BUTTONS);
	world_advance(1);
	post_ranked("slack/#a", "press2", STORE_BUTTONS);
	world_advance(1);
	post_ranked("slack/#b", "late", STORE_TEXT);
	ck_assert_str_eq(keys(10, 10), "press:0 press2:0 card:0 text:0 "
	    "late:0 ");
	ck_assert_str_eq(keys(10, 2), "press:0 press2:0 late:0 ");
	ck_assert_str_eq(keys(1, 2), "press:0 ");
	/* A card that loses its buttons is less urgent. */
	struct bh_tx *tx = store_tx(store, "shop/main");

	store_tx_repost(tx, "press", STORE_CARD, NULL, "done");
	ck_assert_int_eq(commit(tx), BH_OK);
	ck_assert_str_eq(keys(10, 10), "press2:0 card:0 press:0 text:0 "
	    "late:0 ");
}
END_TEST

/* That it is tried outlives whoever tries it, until something is known. */
START_TEST(outbox_remembers_tries)
{
	struct bh_tx *tx = store_tx(store, "chat");

	post("slack/#ops", "R1", NULL, "one");
	store_tx_outbox_try(tx, "slack/#ops", "R1", 1, 1, T0 + 60000);
	ck_assert_int_eq(commit(tx), BH_OK);
	/* Somebody is at it. */
	ck_assert_str_eq(keys(10, 2), "");
	ck_assert_int_eq(next_retry, T0 + 60000);
	reopen();
	store_outbox_again(store, NULL);
	ck_assert_str_eq(keys(10, 2), "R1:1 ");
	/* A newer version is listed at once, and still says so. */
	tx = store_tx(store, "chat");
	store_tx_outbox_try(tx, "slack/#ops", "R1", 1, 1, T0 + 60000);
	ck_assert_int_eq(commit(tx), BH_OK);
	post("slack/#ops", "R1", NULL, "two");
	ck_assert_str_eq(keys(10, 2), "R1:1 ");
	store_outbox_sent(store, "slack/#ops", "R1", 1, "m1");
	ck_assert_str_eq(keys(10, 2), "R1:0 ");
	store_outbox_failed(store, "slack/#ops", "R1", 2, T0, 2);
	ck_assert_str_eq(keys(10, 2), "R1:2 ");
	store_outbox_failed(store, "slack/#ops", "R1", 2, T0, 0);
	ck_assert_str_eq(keys(10, 2), "R1:0 ");
	/* Given up, it is in the audit; and what comes later is tried. */
	store_outbox_give_up(store, "slack/#ops", "R1", 2, 0, "the room is gone");
	ck_assert_str_eq(keys(10, 2), "");
	ck_assert_str_eq(ask("SELECT COUNT(*) FROM bh_audit WHERE body LIKE "
	    "'%post.given_up%the room is gone%'"), "1");
	post("slack/#ops", "R1", NULL, "three");
	ck_assert_str_eq(keys(10, 2), "R1:0 ");
}
END_TEST

START_TEST(outbox_keys_have_owners)
{
	struct bh_tx *tx;

	post("slack/#ops", "R1", NULL, "one");
	tx = store_tx(store, "evil/main");
	store_tx_post(tx, "slack/#ops", "R1", STORE_TEXT, NULL, "mine");
	ck_assert_int_eq(commit(tx), BH_ECONFLICT);
	tx = store_tx(store, "evil/main");
	store_tx_repost(tx, "R1", STORE_TEXT, NULL, "mine");
	ck_assert_int_eq(commit(tx), BH_OK);
	ck_assert_str_eq(pending(), "slack/#ops R1 - one v1 of 0 to - "
	    "try 0; ");
}
END_TEST

static int
see(const char *event)
{
	struct bh_tx *tx = store_tx(store, "slack/main");

	store_tx_seen(tx, "slack/T1", event, world_now());
	store_tx_audit(tx, "event", "ada", NULL);
	return commit(tx);
}

START_TEST(duplicates)
{
	ck_assert_int_eq(see("e1"), BH_OK);
	ck_assert_int_eq(see("e1"), BH_ECONFLICT);
	ck_assert_int_eq(see("e2"), BH_OK);
	reopen();
	ck_assert_int_eq(see("e1"), BH_ECONFLICT);
	ck_assert_str_eq(ask("SELECT count(*) FROM bh_audit"), "2");
	world_advance(23 * 3600000);
	ck_assert_int_eq(see("e1"), BH_ECONFLICT);
	ck_assert_int_eq(see("e3"), BH_OK);
	world_advance(2 * 3600000);
	ck_assert_int_eq(see("e4"), BH_OK);	/* prunes e1 and e2 */
	ck_assert_str_eq(ask("SELECT event FROM bh_seen ORDER BY 1"),
	    "e3 e4");
}
END_TEST

static TCase *
cases(void)
{
	TCase *t = tcase_create("jobs");

	tcase_add_test(t, fires_on_time);
	tcase_add_test(t, comes_again);
	tcase_add_test(t, oldest_first_after_a_restart);
	tcase_add_test(t, only_committed_ones);
	tcase_add_test(t, clock_jumps);
	tcase_add_test(t, ten_thousand);
	tcase_add_test(t, outbox_coalesces);
	tcase_add_test(t, outbox_waits_after_failures);
	tcase_add_test(t, outbox_forgets_what_is_old);
	tcase_add_test(t, outbox_keys_have_owners);
	tcase_add_test(t, outbox_ranks_and_places);
	tcase_add_test(t, outbox_remembers_tries);
	tcase_add_test(t, duplicates);
	return t;
}

int
main(void)
{
	return run_cases("store-jobs", cases, jobs_setup, jobs_teardown);
}
