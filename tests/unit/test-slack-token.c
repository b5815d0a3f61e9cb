/* test-slack-token.c - tokens that rotate, through every kind of bad luck.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

#define HOUR	INT64_C(3600000)

static char given[200];
static int times;

static void
token(void *arg, const char *text)
{
	(void)arg;
	times++;
	snprintf(given, sizeof(given), "%s", text != NULL ? text : "none");
}

static const char *
ask(int64_t ms)
{
	times = 0;
	given[0] = '\0';
	slack_token(slack, token, NULL);
	fake_run(fake, ms);
	return given;
}

static const char renewed[] = "{\"ok\":true,\"access_token\":"
    "\"xoxe.xoxb-2\",\"refresh_token\":\"xoxe-1-b\","
    "\"expires_in\":43200,\"token_type\":\"bot\"}";

static void
start(void)
{
	slack_tokens_open(slack);
	slack_tokens_connect(slack);
}

static void
configure(void)
{
	static const char *const config[] = { "bot-token", "xoxe.xoxb-1",
		"refresh-token", "xoxe-1-a", "client-id", "1.2",
		"client-secret", "s3cret" };

	memcpy(fake->config, config, sizeof(config));
}

/* What the last statement about the table held, between bars. */
static const char *
param(size_t n)
{
	static char text[4000];
	const char *p = fake->sql[fake->sql_count - 1].params;

	while (n-- > 0)
		p = strchr(p, '|') + 1;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(p, "|"), p);
	return text;
}

START_TEST(a_plain_token_is_the_configured_one)
{
	start();
	ck_assert_str_eq(ask(0), "xoxb-1");
	fake->config[1] = "xoxb-2";		/* read anew */
	ck_assert_str_eq(ask(0), "xoxb-2");
	fake->config[0] = NULL;
	ck_assert_str_eq(ask(0), "none");
	ck_assert_uint_eq(fake->requests_count, 0);
	ck_assert_uint_eq(fake->sql_count, 0);
}
END_TEST

/* Written down, spent, written down: in this order, and only then used. */
START_TEST(three_steps)
{
	const struct fake_request *r;

	configure();
	fake_answer(fake, &(struct fake_answer){ .match = "oauth.v2.access",
	    .body = renewed, .delay = 50 });
	start();
	fake_run(fake, 1);
	ck_assert_uint_eq(fake->sql_count, 1);
	ck_assert_ptr_nonnull(strstr(fake->sql[0].sql, "spending"));
	ck_assert_uint_eq(fake->requests_count, 0);
	fake_run(fake, 10);
	ck_assert_uint_eq(fake->requests_count, 1);
	r = &fake->requests[0];
	ck_assert_str_eq(r->url,
	    "https://slack.example/api/oauth.v2.access");
	ck_assert_str_eq(r->body, "grant_type=refresh_token&refresh_token="
	    "xoxe-1-a&client_id=1.2&client_secret=s3cret");
	/* The one before is good meanwhile. */
	ck_assert_str_eq(ask(0), "xoxe.xoxb-1");
	fake_run(fake, 41);
	ck_assert_uint_eq(fake->sql_count, 2);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-1");
	ck_assert_str_eq(ask(1), "xoxe.xoxb-1");	/* still not durable */
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
	/* Neither stands in the store as it is, nor in the log. */
	ck_assert_uint_eq(fake_sql_count(fake, "xoxe"), 0);
	ck_assert_ptr_null(strstr(fake->log, "xoxe"));
	ck_assert_int_eq(fake->health, BH_UP);
	/* Two hours before its end, with the new refresh token. */
	fake_run(fake, 10 * HOUR - 1000);
	ck_assert_uint_eq(fake->requests_count, 1);
	fake_run(fake, 2000);
	ck_assert_uint_eq(fake->requests_count, 2);
	ck_assert_ptr_nonnull(strstr(fake->requests[1].body,
	    "refresh_token=xoxe-1-b&"));
}
END_TEST

START_TEST(many_wait_for_one_renewal)
{
	configure();
	fake->config[0] = "x";			/* no token to begin with */
	fake_answer(fake, &(struct fake_answer){ .match = "oauth.v2.access",
	    .body = renewed, .delay = 50 });
	start();
	times = 0;
	for (int i = 0; i < 100; i++)
		slack_token(slack, token, NULL);
	ck_assert_int_eq(times, 0);
	fake_run(fake, 1000);
	ck_assert_int_eq(times, 100);
	ck_assert_str_eq(given, "xoxe.xoxb-2");
	ck_assert_uint_eq(fake->requests_count, 1);
}
END_TEST

/* ------------------------------------------------------------------ */
/* After a restart                                                     */

struct row {
	char origin[4000], access[4000], refresh[4000], expires[4000];
};

/* Lets one instance renew, and gives what it left in the store. */
static struct row
left_behind(void)
{
	static struct row row;

	configure();
	fake_ok(fake, "oauth.v2.access", renewed);
	start();
	fake_run(fake, 1000);
	snprintf(row.origin, sizeof(row.origin), "%s", param(1));
	snprintf(row.access, sizeof(row.access), "%s", param(2));
	snprintf(row.refresh, sizeof(row.refresh), "%s", param(3));
	snprintf(row.expires, sizeof(row.expires), "%s", param(4));
	slack_tokens_close(slack);
	fake_forget_answers(fake);
	return row;
}

static void
start_with(const struct row *row, const char *spending)
{
	const char *const cells[] = { row->origin, row->access, row->refresh,
		row->expires, spending };

	fake_rows(fake, "slack_token", 5, 1, cells);
	start();
	fake_run(fake, 1);
}

START_TEST(the_stored_pair_counts)
{
	struct row row = left_behind();
	size_t before = fake->requests_count;

	start_with(&row, "0");
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
	fake_run(fake, 9 * HOUR);
	ck_assert_uint_eq(fake->requests_count, before);
	fake_ok(fake, "oauth.v2.access", renewed);
	fake_run(fake, HOUR);
	ck_assert_uint_eq(fake->requests_count, before + 1);
	ck_assert_ptr_nonnull(strstr(fake->requests[before].body,
	    "refresh_token=xoxe-1-b&"));
}
END_TEST

START_TEST(a_new_refresh_token_in_the_configuration_counts)
{
	struct row row = left_behind();
	size_t before = fake->requests_count;

	fake->config[3] = "xoxe-1-new";
	fake_ok(fake, "oauth.v2.access", renewed);
	start_with(&row, "0");
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake->requests_count, before + 1);
	ck_assert_ptr_nonnull(strstr(fake->requests[before].body,
	    "refresh_token=xoxe-1-new&"));
	ck_assert_str_ne(param(1), row.origin);
}
END_TEST

/* Killed between the answer and the store: what the operator must do is
 * said. */
START_TEST(a_lost_renewal)
{
	struct row row = left_behind();

	fake_ok(fake, "oauth.v2.access",
	    "{\"ok\":false,\"error\":\"invalid_refresh_token\"}");
	start_with(&row, "1767607200000");
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");	/* until it ends */
	fake_run(fake, 1000);
	ck_assert_int_eq(fake->health, BH_DEGRADED);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "interrupted"));
	ck_assert_ptr_nonnull(strstr(fake->health_text, "refresh-token"));
	fake_run(fake, 13 * HOUR);
	ck_assert_str_eq(ask(0), "none");
}
END_TEST

/* Killed before it was spent: nothing was lost. */
START_TEST(a_renewal_that_never_began)
{
	struct row row = left_behind();
	size_t before = fake->requests_count;

	fake_ok(fake, "oauth.v2.access", renewed);
	start_with(&row, "1767607200000");
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake->requests_count, before + 1);
	ck_assert_int_eq(fake->health, BH_UP);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
}
END_TEST

START_TEST(another_client_secret)
{
	struct row row = left_behind();
	size_t before = fake->requests_count;

	fake->config[7] = "other";
	fake_ok(fake, "oauth.v2.access", renewed);
	start_with(&row, "0");
	fake_run(fake, 1000);
	ck_assert_ptr_nonnull(strstr(fake->log, "client-secret"));
	ck_assert_ptr_nonnull(strstr(fake->requests[before].body,
	    "refresh_token=xoxe-1-a&"));
}
END_TEST

/* A tool opens the instance beside the daemon: it spends nothing. */
START_TEST(only_who_connects_renews)
{
	configure();
	fake_ok(fake, "oauth.v2.access", renewed);
	slack_tokens_open(slack);
	fake_run(fake, 24 * HOUR);
	ck_assert_uint_eq(fake->requests_count, 0);
	ck_assert_uint_eq(fake->sql_count, 0);
}
END_TEST

/* ------------------------------------------------------------------ */
/* New settings                                                        */

START_TEST(the_same_settings_read_anew)
{
	configure();
	fake_ok(fake, "oauth.v2.access", renewed);
	start();
	fake_run(fake, 1000);
	slack_tokens_changed(slack);
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake->requests_count, 1);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
}
END_TEST

START_TEST(a_new_refresh_token_is_used_at_once)
{
	configure();
	fake_ok(fake, "refresh_token=xoxe-1-a", renewed);
	fake_ok(fake, "refresh_token=xoxe-1-new", "{\"ok\":true,"
	    "\"access_token\":\"xoxe.xoxb-9\",\"refresh_token\":"
	    "\"xoxe-1-n\",\"expires_in\":43200}");
	start();
	fake_run(fake, 1000);
	fake->config[3] = "xoxe-1-new";
	slack_tokens_changed(slack);
	fake_run(fake, 1000);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-9");
	ck_assert_uint_eq(fake->requests_count, 2);
}
END_TEST

/* In the middle of a renewal: that is brought to its end first. */
START_TEST(new_settings_during_a_renewal)
{
	configure();
	fake_answer(fake, &(struct fake_answer){
	    .match = "refresh_token=xoxe-1-a", .body = renewed,
	    .delay = 500 });
	fake_ok(fake, "refresh_token=xoxe-1-new", "{\"ok\":true,"
	    "\"access_token\":\"xoxe.xoxb-9\",\"refresh_token\":"
	    "\"xoxe-1-n\",\"expires_in\":43200}");
	start();
	fake_run(fake, 100);
	fake->config[3] = "xoxe-1-new";
	slack_tokens_changed(slack);
	ck_assert_uint_eq(fake->requests_count, 1);
	fake_run(fake, 1000);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-9");
	ck_assert_uint_eq(fake->requests_count, 2);
}
END_TEST

START_TEST(a_corrected_client_secret)
{
	configure();
	fake_answer(fake, &(struct fake_answer){ .match = "oauth.v2.access",
	    .body = "{\"ok\":false,\"error\":\"bad_client_secret\"}",
	    .times = 1 });
	fake_ok(fake, "oauth.v2.access", renewed);
	start();
	fake_run(fake, 1000);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-1");
	fake->config[7] = "right";
	slack_tokens_changed(slack);
	fake_run(fake, 1000);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
	ck_assert_int_eq(fake->health, BH_UP);
}
END_TEST

START_TEST(rotation_switched_off)
{
	configure();
	fake_ok(fake, "oauth.v2.access", renewed);
	start();
	fake_run(fake, 1000);
	fake->config[1] = "xoxb-plain";
	fake->config[2] = "nothing";
	slack_tokens_changed(slack);
	ck_assert_str_eq(ask(0), "xoxb-plain");
	fake_run(fake, 24 * HOUR);
	ck_assert_uint_eq(fake->requests_count, 1);
}
END_TEST

/* ------------------------------------------------------------------ */
/* What goes wrong                                                     */

START_TEST(slack_is_away)
{
	configure();
	fake_answer(fake, &(struct fake_answer){ .match = "oauth.v2.access",
	    .status = 503, .times = 3 });
	fake_ok(fake, "oauth.v2.access", renewed);
	start();
	fake_run(fake, 1000);
	ck_assert_int_eq(fake->health, BH_DEGRADED);
	fake_run(fake, 10 * 60000);
	ck_assert_uint_eq(fake->requests_count, 4);
	ck_assert_int_eq(fake->health, BH_UP);
	/* 15, 30, 60 s apart */
	ck_assert_int_ge(fake->requests[3].at - fake->requests[2].at, 60000);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
}
END_TEST

START_TEST(nobody_waits_for_what_rests)
{
	configure();
	fake->config[0] = "x";
	fake_answer(fake, &(struct fake_answer){ .match = "oauth.v2.access",
	    .status = 503 });
	start();
	fake_run(fake, 1000);
	ck_assert_int_eq(fake->health, BH_DOWN);
	ck_assert_str_eq(ask(0), "none");
	ck_assert_int_eq(times, 1);
}
END_TEST

START_TEST(final_errors_stop)
{
	configure();
	fake_ok(fake, "oauth.v2.access",
	    "{\"ok\":false,\"error\":\"bad_client_secret\"}");
	start();
	fake_run(fake, 24 * HOUR);
	ck_assert_uint_eq(fake->requests_count, 1);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "client-secret"));
}
END_TEST

START_TEST(an_answer_without_tokens)
{
	configure();
	fake_ok(fake, "oauth.v2.access",
	    "{\"ok\":true,\"access_token\":\"xoxe.xoxb-2\"}");
	start();
	fake_run(fake, 24 * HOUR);
	ck_assert_uint_eq(fake->requests_count, 1);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-1");
	ck_assert_int_eq(fake->health, BH_DEGRADED);
}
END_TEST

/* Nobody else has the new pair: it is written down however long it takes. */
START_TEST(the_store_fails)
{
	configure();
	fake->commit_result = BH_EIO;
	fake_ok(fake, "oauth.v2.access", renewed);
	start();
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake->requests_count, 0);	/* not spent */
	fake->commit_result = BH_OK;
	fake_run(fake, 15000);
	fake->commit_result = BH_OK;
	ck_assert_uint_eq(fake->requests_count, 1);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
	/* The second write fails for a while. */
	fake_run(fake, 10 * HOUR - 17000);
	ck_assert_uint_eq(fake->requests_count, 1);
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "oauth.v2.access",
	    .body = "{\"ok\":true,\"access_token\":\"xoxe.xoxb-3\","
	    "\"refresh_token\":\"xoxe-1-c\",\"expires_in\":43200}",
	    .delay = 5000 });
	while (fake->requests_count < 2)
		fake_run(fake, 100);
	fake->commit_result = BH_EFULL;
	fake_run(fake, 60000);
	ck_assert_uint_eq(fake->requests_count, 2);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-2");
	ck_assert_int_eq(fake->health, BH_DEGRADED);
	fake->commit_result = BH_OK;
	fake_run(fake, 2000);
	ck_assert_str_eq(ask(0), "xoxe.xoxb-3");
	ck_assert_int_eq(fake->health, BH_UP);
}
END_TEST

/* Slack says that it is over before we thought so. */
START_TEST(a_refused_token_is_renewed)
{
	configure();
	fake_ok(fake, "oauth.v2.access", renewed);
	start();
	fake_run(fake, 1000);
	fake_forget_answers(fake);
	fake_ok(fake, "oauth.v2.access", "{\"ok\":true,\"access_token\":"
	    "\"xoxe.xoxb-3\",\"refresh_token\":\"xoxe-1-c\","
	    "\"expires_in\":43200}");
	slack_token_bad(slack, "xoxe.xoxb-2", "token_expired");
	ck_assert_str_eq(ask(1000), "xoxe.xoxb-3");
	/* Late news of one that was replaced changes nothing. */
	slack_token_bad(slack, "xoxe.xoxb-2", "token_expired");
	ck_assert_str_eq(ask(0), "xoxe.xoxb-3");
	ck_assert_uint_eq(fake->requests_count, 2);
}
END_TEST

START_TEST(sealed_texts)
{
	struct bh_buf a = BH_BUF(10000), b = BH_BUF(10000);
	char *text;

	configure();
	ck_assert(slack_seal(slack, &a, "xoxe-1-secret"));
	ck_assert(slack_seal(slack, &b, "xoxe-1-secret"));
	ck_assert_str_ne(bh_buf_text(&a), bh_buf_text(&b));
	ck_assert_ptr_null(strstr(bh_buf_text(&a), "xoxe"));
	text = slack_unseal(slack, bh_buf_text(&a));
	ck_assert_pstr_eq(text, "xoxe-1-secret");
	bh_secret_free(text);
	/* One bit off, cut short, or no hex at all: nothing. */
	for (size_t i = 0; i < a.len; i++) {
		char was = a.data[i];

		a.data[i] = was == '0' ? '1' : '0';
		ck_assert_ptr_null(slack_unseal(slack, bh_buf_text(&a)));
		a.data[i] = was;
	}
	a.data[a.len - 2] = '\0';
	ck_assert_ptr_null(slack_unseal(slack, bh_buf_text(&a)));
	ck_assert_ptr_null(slack_unseal(slack, ""));
	ck_assert_ptr_null(slack_unseal(slack, NULL));
	ck_assert_ptr_null(slack_unseal(slack, "zz"));
	fake->config[7] = "";
	ck_assert(!slack_seal(slack, &a, "x"));
	bh_buf_release(&a);
	bh_buf_release(&b);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_plain_token_is_the_configured_one,
		three_steps, many_wait_for_one_renewal, the_stored_pair_counts,
		a_new_refresh_token_in_the_configuration_counts,
		a_lost_renewal, a_renewal_that_never_began,
		another_client_secret, only_who_connects_renews,
		the_same_settings_read_anew,
		a_new_refresh_token_is_used_at_once,
		new_settings_during_a_renewal, a_corrected_client_secret,
		rotation_switched_off, slack_is_away,
		nobody_waits_for_what_rests, final_errors_stop,
		an_answer_without_tokens, the_store_fails,
		a_refused_token_is_renewed, sealed_texts, NULL };

	return run_suite("slack-token", tests);
}
