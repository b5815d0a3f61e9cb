/* test-slack-http.c - the way in over HTTP: who gets through the door.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-signed.h"

#define EVENT "{\"type\":\"event_callback\",\"team_id\":\"T0\"," \
	"\"event_id\":\"Ev1\",\"event\":{\"type\":\"message\"," \
	"\"channel\":\"D1\",\"user\":\"U1\",\"text\":\"status\"," \
	"\"ts\":\"1767607200.000100\"}}"
#define SLASH "command=%2Felevate&text=prod&user_id=U1&team_id=T0&" \
	"channel_id=C1&trigger_id=1.2.x&response_url=" \
	"https%3A%2F%2Fhooks.slack.example%2F1"

START_TEST(an_event_is_acknowledged_when_it_is_durable)
{
	struct fake_incoming *r = deliver_json(EVENT);

	ck_assert_int_eq(r->status, 0);
	ck_assert_uint_eq(fake->inbound.events_count, 1);
	fake_run(fake, 1);
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "");
	ck_assert_ptr_null(strstr(r->headers, "no-retry"));
}
END_TEST

START_TEST(what_was_not_stored_is_to_be_sent_again)
{
	struct fake_incoming *r;

	fake->inbound.received_result = BH_EFULL;
	r = deliver_json(EVENT);
	fake_run(fake, 1);
	ck_assert_int_eq(r->status, 503);
	ck_assert_ptr_null(strstr(r->headers, "no-retry"));

	/* Nor what the host had no room for; then somebody is told. */
	fake->inbound.deliver_result = BH_EBUSY;
	r = deliver_json(EVENT);
	ck_assert_int_eq(r->status, 503);
	r = deliver(FORM_TYPE, SLASH);
	ck_assert_int_eq(r->status, 503);
	fake_run(fake, 100);
	ck_assert_uint_eq(fake_count(fake, "hooks.slack.example"), 1);
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "hooks.slack.example",
	    0)->body, "too much to do"));
	/* Slack may send it again, and then it is done. */
	ck_assert_ptr_null(strstr(fake_find(fake, "hooks.slack.example",
	    0)->body, "not done"));
}
END_TEST

START_TEST(what_comes_before_we_know_who_we_are_waits)
{
	struct fake_incoming *slash, *event, *late, *last = NULL;

	bh_set(&slack->team, NULL);
	event = deliver_json(EVENT);
	slash = deliver(FORM_TYPE, SLASH);
	fake_run(fake, 1900);
	ck_assert_int_eq(event->status, 0);
	ck_assert_uint_eq(fake->inbound.events_count, 0);
	late = deliver(FORM_TYPE, SLASH);
	fake_run(fake, 150);
	/* Not for longer than Slack waits. */
	ck_assert_int_eq(event->status, 503);
	ck_assert_int_eq(slash->status, 503);
	ck_assert_int_eq(late->status, 0);
	bh_set(&slack->team, "T0");
	slack->known(slack);
	fake_run(fake, 1);
	ck_assert_int_eq(late->status, 200);
	ck_assert_uint_eq(fake->inbound.events_count, 1);
	ck_assert_str_eq(fake_event(fake, 0)->text, "elevate prod");
	/* Nor more of them than we can keep. */
	bh_set(&slack->team, NULL);
	for (int i = 0; i < 101; i++)
		last = deliver_json(EVENT);
	ck_assert_int_eq(last->status, 503);
	slack_http_close(slack);
	ck_assert_int_eq(fake->inbound.incoming[5]->status, 503);
}
END_TEST

START_TEST(an_address_is_verified)
{
	struct fake_incoming *r;

	/* Also before the app is installed. */
	bh_set(&slack->team, NULL);
	r = deliver_json("{\"token\":\"x\",\"challenge\":\"3eZ & <abc>\","
	    "\"type\":\"url_verification\"}");
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "3eZ & <abc>");
	ck_assert_ptr_nonnull(strstr(r->headers, "text/plain"));
	r = deliver_json("{\"type\":\"url_verification\"}");
	ck_assert_int_eq(r->status, 400);
}
END_TEST

START_TEST(a_tls_check_does_nothing)
{
	static const char *const none[] = { "content-type", FORM_TYPE, NULL };
	static const char *const almost[] = { "ssl_check=1&command=%2Felevate",
		"ssl_check=true", "ssl_check=1 ", "ssl_check=01",
		"x=1&ssl_check=1", "SSL_CHECK=1", "ssl_check=" };
	struct fake_incoming *r = fake_incoming(fake, "POST", "/slack/main",
	    none, "ssl_check=1", 11);

	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "");
	for (size_t i = 0; i < sizeof(almost) / sizeof(almost[0]); i++) {
		r = fake_incoming(fake, "POST", "/slack/main", none,
		    almost[i], strlen(almost[i]));
		ck_assert_msg(r->status == 401, "%s", almost[i]);
	}
	/* Signed, and with more in it, it means nothing either. */
	ck_assert_int_eq(deliver(FORM_TYPE, "ssl_check=1&" SLASH)->status,
	    200);
	ck_assert_uint_eq(fake->inbound.events_count, 0);
}
END_TEST

START_TEST(types_of_content)
{
	static const struct { const char *type; int status; } cases[] = {
		{ "application/json", 0 },
		{ "application/json; charset=utf-8", 0 },
		{ "application/json;charset=utf-8", 0 },
		{ "application/jsonp", 415 }, { "text/plain", 415 },
		{ "", 415 }, { "application/xml", 415 },
		{ FORM_TYPE, 400 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(deliver(cases[i].type, EVENT)->status ==
		    cases[i].status, "%s", cases[i].type);
}
END_TEST

START_TEST(signed_garbage_is_refused)
{
	static const char *const json[] = { "", "{", "[]", "{}", "null",
		"{\"type\":1}", "{\"type\":\"event_callback\"} x",
		"{\"type\":\"a\",\"type\":\"b\"}",
		"{\"type\":\"event_callback\\u0000\"}",
		"{\"type\":\"event_callback\",\"x\":\"\xff\"}" };
	static const char *const forms[] = { "", "payload=%7B",
		"payload=%7B%7D&payload=%7B%7D", "payload", "command=%zz",
		"payload=%00" };

	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		ck_assert_msg(deliver_json(json[i])->status == 400, "%s",
		    json[i]);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		ck_assert_msg(deliver(FORM_TYPE, forms[i])->status == 400,
		    "%s", forms[i]);
	ck_assert_uint_eq(fake->inbound.events_count, 0);
	ck_assert_ptr_nonnull(strstr(fake->log, "cannot be read"));
}
END_TEST

/* Whoever sees `forged` and `stale` bytes, it is not a parser. */
START_TEST(ten_thousand_forgeries_reach_no_parser)
{
	uint64_t before = slack->parsed, dice = 1;
	char time[32], signature[80];
	int count = 0;

	for (int round = 0; round < 10000; round++) {
		const char *headers[12] = { "content-type",
			"application/json", "x-slack-request-timestamp", time,
			"x-slack-signature", signature, NULL };
		struct bh_buf body = BH_BUF(4096);
		int64_t then = fake->now / 1000;
		struct fake_incoming *r;
		size_t at;

		dice = dice * 6364136223846793005u + 1442695040888963407u;
		at = (size_t)(dice >> 33);
		bh_buf_add(&body, "{\"type\":\"event_callback\",\"n\":%d}",
		    round);
		if (round % 5 == 0)		/* too old, too new */
			then += (round % 2 == 0 ? 1 : -1) *
			    (int64_t)(301 + at % 100000);
		snprintf(time, sizeof(time), "%lld", (long long)then);
		sign(signature, round % 5 == 1 ? "another secret" : secret,
		    time, body.data, body.len);
		if (round % 5 == 2)		/* one digit is another */
			signature[3 + at % 64] = signature[3 + at % 64] ==
			    '0' ? '1' : '0';
		if (round % 5 == 3)		/* one byte is another */
			body.data[at % body.len] =
			    (char)(body.data[at % body.len] ^ 1);
		if (round % 5 == 4) {		/* headers */
			headers[6] = headers[2 + at % 2 * 2];
			headers[7] = headers[3 + at % 2 * 2];
			headers[8] = NULL;
			if (round % 3 == 0)
				headers[4] = headers[6] = "x-other";
		}
		r = fake_incoming(fake, "POST", "/slack/main", headers,
		    body.data, body.len);
		ck_assert_msg(r->status == 401 && *r->body == '\0', "%d",
		    round);
		bh_buf_release(&body);
		count++;
	}
	ck_assert_int_eq(count, 10000);
	ck_assert_uint_eq(slack->refused, 10000);
	ck_assert_uint_eq(slack->parsed, before);
	ck_assert_uint_eq(fake->inbound.events_count, 0);
	/* One who is right is still let in. */
	ck_assert_int_eq(deliver_json(EVENT)->status, 0);
	ck_assert_uint_eq(slack->parsed, before + 1);
}
END_TEST

START_TEST(refusals_do_not_fill_the_log)
{
	size_t len;

	secret = "wrong";
	deliver_json(EVENT);
	ck_assert_ptr_nonnull(strstr(fake->log, "signing-secret"));
	len = strlen(fake->log);
	for (int i = 0; i < 100; i++)
		deliver_json(EVENT);
	ck_assert_uint_eq(strlen(fake->log), len);
	fake_run(fake, 60000);
	deliver_json(EVENT);
	ck_assert_ptr_nonnull(strstr(fake->log, "101 refused since"));
}
END_TEST

START_TEST(an_old_secret_holds_while_it_is_configured)
{
	secret = "the secret before";
	ck_assert_int_eq(deliver_json(EVENT)->status, 401);
	fake->config[10] = "signing-secret-old";
	fake->config[11] = "the secret before";
	ck_assert_int_eq(deliver_json(EVENT)->status, 0);
	fake->config[10] = fake->config[11] = NULL;
	ck_assert_int_eq(deliver_json(EVENT)->status, 401);
	secret = "a signing secret";
	ck_assert_int_eq(deliver_json(EVENT)->status, 0);
}
END_TEST

START_TEST(a_retry_is_taken_like_the_first)
{
	char time[32], signature[80];
	const char *headers[] = { "content-type", "application/json",
		"x-slack-request-timestamp", time, "x-slack-signature",
		signature, "x-slack-retry-num", "2", "x-slack-retry-reason",
		"http_timeout", NULL };
	struct fake_incoming *r;

	snprintf(time, sizeof(time), "%lld", (long long)(fake->now / 1000));
	sign(signature, secret, time, EVENT, strlen(EVENT));
	r = fake_incoming(fake, "POST", "/slack/main", headers, EVENT,
	    strlen(EVENT));
	fake_run(fake, 1);
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(fake_event(fake, 0)->id, "Ev1");
	ck_assert_ptr_nonnull(strstr(fake->log, "retry 2, http_timeout"));
	/* These headers are not signed: what they say is not repeated. */
	headers[7] = "2\nfake: line";
	headers[9] = "HTTP <b>";
	fake_incoming(fake, "POST", "/slack/main", headers, EVENT,
	    strlen(EVENT));
	ck_assert_ptr_null(strstr(fake->log, "fake: line"));
	ck_assert_ptr_null(strstr(fake->log, "<b>"));
}
END_TEST

START_TEST(health_tells_when_slack_was_heard_last)
{
	ck_assert_int_eq(fake->health, BH_UP);
	ck_assert_str_eq(fake->health_text, "no delivery at /slack/main yet; 0 refused");
	deliver_json(EVENT);
	fake_run(fake, 65000);
	ck_assert_ptr_nonnull(strstr(fake->health_text,
	    "last delivery at /slack/main 1 min"));
	/* Who is turned away is not heard. */
	secret = "wrong";
	deliver_json(EVENT);
	fake_run(fake, 5000);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "1 min"));
}
END_TEST

START_TEST(events_that_were_held_back_are_noted)
{
	struct fake_incoming *r = deliver_json("{\"token\":\"x\",\"type\":"
	    "\"app_rate_limited\",\"team_id\":\"T0\","
	    "\"minute_rate_limited\":1767607200,\"api_app_id\":\"A1\"}");

	ck_assert_int_eq(r->status, 200);
	ck_assert_ptr_nonnull(strstr(fake->log, "holds back events"));
}
END_TEST

START_TEST(what_waits_at_the_end_is_to_be_sent_again)
{
	struct fake_incoming *r = deliver_json(EVENT);

	ck_assert_int_eq(r->status, 0);
	slack_receive_close(slack);
	slack_http_close(slack);
	ck_assert_int_eq(r->status, 503);
	ck_assert_int_eq(deliver_json(EVENT)->status, 503);
	fake->inbound.events[0].received = NULL;	/* the host is gone */
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		an_event_is_acknowledged_when_it_is_durable,
		what_was_not_stored_is_to_be_sent_again,
		what_comes_before_we_know_who_we_are_waits,
		an_address_is_verified, a_tls_check_does_nothing,
		types_of_content, signed_garbage_is_refused,
		ten_thousand_forgeries_reach_no_parser,
		refusals_do_not_fill_the_log,
		an_old_secret_holds_while_it_is_configured,
		a_retry_is_taken_like_the_first,
		health_tells_when_slack_was_heard_last,
		events_that_were_held_back_are_noted,
		what_waits_at_the_end_is_to_be_sent_again,
	};
	Suite *suite = suite_create("slack-http");
	TCase *tc = tcase_create("door");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, slack_up, slack_down);
	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
