/* test-slack-socket.c - Socket Mode against a Slack that does its worst.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "plugins/slack/slack.h"
#include "tests/unit/fake-host.h"

#define TICKET	"{\"ok\":true,\"url\":\"wss://link.slack.example/?ticket=1\"}"
#define HELLO	"{\"type\":\"hello\",\"num_connections\":1," \
	"\"connection_info\":{\"app_id\":\"A0\"},\"debug_info\":{\"host\":" \
	"\"applink-1\",\"build_number\":10}}"
#define LEAVE(reason) "{\"type\":\"disconnect\",\"reason\":\"" reason "\"," \
	"\"debug_info\":{\"host\":\"applink-1\"}}"
#define SECOND	INT64_C(1000)
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)

extern const struct bh_plugin bellhop_plugin;

static struct fake *fake;
static struct slack *slack;

/* What Slack does with each new connection. */
static const char *hello;		/* says this; NULL: nothing */
static const char *goodbye;		/* and then this; NULL: nothing */
static bool resets;			/* and then breaks it */
static size_t served;
static size_t most_alive, least_ready;

static size_t
tickets(void)
{
	return fake_count(fake, "apps.connections.open");
}

/* Connections that are open, after their hello. */
static size_t
ready(void)
{
	size_t n = 0;

	for (size_t i = 0; i < fake->sockets_count; i++)
		n += fake->sockets[i]->open && !fake->sockets[i]->gone &&
		    !fake->sockets[i]->closing;
	return n;
}

static void
serve_new(void)
{
	while (served < fake->sockets_count) {
		struct fake_socket *s = fake_socket(fake, served++);

		fake_socket_open(s);
		if (hello != NULL)
			fake_socket_say(s, hello);
		if (goodbye != NULL && !s->closing)
			fake_socket_say(s, goodbye);
		if (resets)
			fake_socket_end(s, BH_ENET, 0, "connection reset");
	}
}

/* Time goes on, with Slack at the other end. */
static void
serve(int64_t ms)
{
	for (int64_t step; ms > 0; ms -= step) {
		step = ms < 10 ? ms : 10;
		fake_run(fake, step);
		serve_new();
		if (fake_sockets_alive(fake) > most_alive)
			most_alive = fake_sockets_alive(fake);
		if (ready() < least_ready)
			least_ready = ready();
	}
}

static void
slack_begin(const char *connections)
{
	const char *config[] = { "mode", "socket", "bot-token", "xoxb-1",
		"app-token", "xapp-1", "api-url",
		"https://slack.example/api/", "connections", connections };
	void *state = NULL;

	fake = fake_new();
	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		fake->config[i] = config[i];
	ck_assert_int_eq(bellhop_plugin.open(&fake->host, &state), BH_OK);
	slack = slack_of(state);
	hello = HELLO;
	goodbye = NULL;
	resets = false;
	served = most_alive = 0;
	least_ready = 1000;
	fake_ok(fake, "auth.test", "{\"ok\":true,\"user_id\":\"U0BOT\","
	    "\"bot_id\":\"B0\",\"team_id\":\"T0\"}");
	ck_assert_int_eq(bellhop_plugin.transport->connect(slack), BH_OK);
}

/* Slack gives tickets from now on, and time for two connections. */
static void
slack_up(void)
{
	slack_begin("2");
	fake_ok(fake, "apps.connections.open", TICKET);
	serve(2 * SECOND);
	ck_assert_uint_eq(ready(), 2);
	least_ready = 1000;
}

static void
slack_down(void)
{
	bellhop_plugin.close(slack);
	fake_free(&fake);
}

/* The n-th connection that nobody wants to end. */
static struct fake_socket *
nth(size_t n)
{
	for (size_t i = 0; i < fake->sockets_count; i++)
		if (!fake->sockets[i]->gone && !fake->sockets[i]->closing &&
		    n-- == 0)
			return fake->sockets[i];
	ck_abort_msg("no such connection");
	return NULL;
}

static void
say_event(struct fake_socket *s, const char *envelope, const char *id)
{
	struct bh_buf b = BH_BUF(4096);

	bh_buf_add(&b, "{\"envelope_id\":\"%s\",\"type\":\"events_api\","
	    "\"accepts_response_payload\":false,\"retry_attempt\":0,"
	    "\"retry_reason\":\"\",\"payload\":{\"type\":\"event_callback\","
	    "\"team_id\":\"T0\",\"event_id\":\"%s\",\"event\":{\"type\":"
	    "\"message\",\"user\":\"U1\",\"channel\":\"D1\",\"ts\":\"1.2\","
	    "\"text\":\"status\"}}}", envelope, id);
	fake_socket_say(s, b.data);
	bh_buf_release(&b);
}

static bool
sent(const struct fake_socket *s, const char *text)
{
	return s->sent_count > 0 &&
	    strcmp(s->sent[s->sent_count - 1], text) == 0;
}

/* ------------------------------------------------------------------ */
/* Up, and what comes through                                          */

START_TEST(two_connections_come_up_one_ticket_at_a_time)
{
	slack_begin("2");
	fake_answer(fake, &(struct fake_answer){
	    .match = "apps.connections.open", .body = TICKET,
	    .delay = 400 });
	ck_assert_uint_eq(tickets(), 0);	/* who are we? */
	serve(300);
	ck_assert_uint_eq(tickets(), 1);
	ck_assert_str_eq(fake->health_text, "no connection to Slack: "
	    "connecting");
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "apps.connections.open",
	    0)->headers, "Authorization: Bearer xapp-1"));
	serve(300);
	ck_assert_uint_eq(tickets(), 2);
	ck_assert_int_eq(fake->health, BH_DEGRADED);
	serve(600);
	ck_assert_uint_eq(tickets(), 2);
	ck_assert_int_eq(fake->health, BH_UP);
	ck_assert_str_eq(fake->health_text, "2 connections, no event yet");
	say_event(nth(0), "E1", "Ev1");
	serve(10 * SECOND);
	ck_assert_ptr_nonnull(strstr(fake->health_text,
	    "2 connections, last event "));
	ck_assert_ptr_null(strstr(fake->log, "ticket="));
	ck_assert_int_eq(nth(0)->to.silence, 30000);
	ck_assert_int_eq(nth(0)->to.ping, 10000);
	serve(HOUR);
	ck_assert_uint_eq(tickets(), 2);
}
END_TEST

START_TEST(a_connection_counts_from_its_hello)
{
	slack_begin("2");
	fake_ok(fake, "apps.connections.open", TICKET);
	hello = NULL;
	serve(5 * SECOND);
	ck_assert_uint_eq(ready(), 2);
	ck_assert_int_ne(fake->health, BH_UP);
	/* One that never says it is given up. */
	serve(6 * SECOND);
	ck_assert(fake->sockets[0]->dropped);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "no hello came"));
	hello = HELLO;
	serve(30 * SECOND);
	ck_assert_int_eq(fake->health, BH_UP);
}
END_TEST

START_TEST(an_envelope_is_acknowledged_where_it_came_when_durable)
{
	say_event(nth(1), "E1", "Ev1");
	ck_assert_uint_eq(fake->inbound.events_count, 1);
	ck_assert_str_eq(fake_event(fake, 0)->id, "Ev1");
	ck_assert_uint_eq(nth(1)->sent_count, 0);
	serve(1);
	ck_assert(sent(nth(1), "{\"envelope_id\":\"E1\"}"));
	ck_assert_uint_eq(nth(0)->sent_count, 0);
	/* The same again, as Slack does: acknowledged again. */
	say_event(nth(0), "E1", "Ev1");
	serve(1);
	ck_assert(sent(nth(0), "{\"envelope_id\":\"E1\"}"));
	/* What was not stored is not acknowledged. */
	fake->inbound.received_result = BH_EIO;
	say_event(nth(0), "E2", "Ev2");
	serve(100);
	fake->inbound.deliver_result = BH_EBUSY;
	say_event(nth(0), "E3", "Ev3");
	serve(100);
	ck_assert_uint_eq(nth(0)->sent_count, 1);
}
END_TEST

START_TEST(answers_go_into_the_acknowledgement_if_it_takes_them)
{
	static const char *const ask = "{\"envelope_id\":\"E1\",\"type\":"
	    "\"interactive\",\"accepts_response_payload\":%s,\"payload\":{"
	    "\"type\":\"block_suggestion\",\"block_id\":\"a\",\"value\":\"p\","
	    "\"user\":{\"id\":\"U1\",\"team_id\":\"T0\"},\"view\":{\"id\":"
	    "\"V1\",\"callback_id\":\"form\",\"private_metadata\":\"t\"}}}";
	struct bh_buf b = BH_BUF(4096);

	for (int yes = 0; yes < 2; yes++) {
		bh_buf_clear(&b);
		bh_buf_put(&b, ask, (size_t)(strstr(ask, "%s") - ask));
		bh_buf_puts(&b, yes ? "true" : "false");
		bh_buf_puts(&b, strstr(ask, "%s") + 2);
		fake_socket_say(nth(0), b.data);
		serve(10);
		slack_offers(slack, fake_event(fake, (size_t)yes)->reply,
		    NULL, 0);
		ck_assert(sent(nth(0), yes ? "{\"envelope_id\":\"E1\","
		    "\"payload\":{\"options\":[]}}" :
		    "{\"envelope_id\":\"E1\"}"));
	}
	bh_buf_release(&b);
}
END_TEST

START_TEST(an_acknowledgement_whose_connection_is_gone_is_dropped)
{
	struct fake_socket *s = nth(0);

	fake->inbound.received_after = 500;
	say_event(s, "E1", "Ev1");
	fake_socket_end(s, BH_ENET, 0, "connection reset");
	serve(3 * SECOND);
	for (size_t i = 0; i < fake->sockets_count; i++)
		ck_assert_uint_eq(fake->sockets[i]->sent_count, 0);
	ck_assert_ptr_nonnull(strstr(fake->log, "is known"));
	/* And one that cannot be sent. */
	fake->inbound.received_after = 0;
	nth(0)->send_result = BH_EFULL;
	say_event(nth(0), "E2", "Ev2");
	serve(10);
	ck_assert_ptr_nonnull(strstr(fake->log, "could not be sent"));
}
END_TEST

START_TEST(odd_frames_break_nothing)
{
	static const char *const frames[] = { "", "x", "[]", "{}", "null",
		"{\"type\":7}", "{\"type\":\"hello\"}", "{\"type\":\"events_api\"}",
		"{\"type\":\"events_api\",\"envelope_id\":\"\"}",
		"{\"type\":\"events_api\",\"envelope_id\":7,\"payload\":{}}",
		"{\"type\":\"events_api\",\"type\":\"hello\"}",
		"{\"type\":\"pong\"}", "{\"envelope_id\":\"E9\"}" };
	static const char *const acked[] = {
		"{\"type\":\"events_api\",\"envelope_id\":\"E1\"}",
		"{\"type\":\"events_api\",\"envelope_id\":\"E1\",\"payload\":7}",
		"{\"type\":\"workflow\",\"envelope_id\":\"E1\",\"payload\":{}}",
		"{\"envelope_id\":\"E1\",\"type\":\"slash_commands\"}",
		"{\"envelope_id\":\"E1\",\"type\":\"interactive\",\"payload\":{}}" };
	struct fake_socket *s = nth(0);

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		fake_socket_say(s, frames[i]);
	ck_assert_uint_eq(s->sent_count, 0);
	for (size_t i = 0; i < sizeof(acked) / sizeof(acked[0]); i++) {
		fake_socket_say(s, acked[i]);
		ck_assert_uint_eq(s->sent_count, i + 1);
		ck_assert(sent(s, "{\"envelope_id\":\"E1\"}"));
	}
	ck_assert_uint_eq(fake->inbound.events_count, 0);
	ck_assert_uint_eq(ready(), 2);
	ck_assert_int_eq(fake->health, BH_UP);
}
END_TEST

START_TEST(a_large_envelope_passes)
{
	struct bh_buf b = BH_BUF(1u << 20);

	bh_buf_puts(&b, "{\"envelope_id\":\"E1\",\"type\":\"interactive\","
	    "\"accepts_response_payload\":false,\"payload\":{\"type\":"
	    "\"block_actions\",\"user\":{\"id\":\"U1\"},\"actions\":[{"
	    "\"type\":\"button\",\"action_id\":\"b0\",\"value\":\"t\"}],"
	    "\"message\":{\"blocks\":[\"");
	for (int i = 0; i < 15000; i++)
		bh_buf_puts(&b, i % 100 == 0 ? "\",\"" : "0123456789");
	bh_buf_puts(&b, "\"]}}}");
	ck_assert_uint_gt(b.len, 140000);
	fake_socket_say(nth(0), b.data);
	bh_buf_release(&b);
	serve(1);
	ck_assert(sent(nth(0), "{\"envelope_id\":\"E1\"}"));
	ck_assert_str_eq(fake_event(fake, 0)->token, "t");
	ck_assert_uint_ge(nth(0)->to.max_message, 1u << 20);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Slack wants a connection to end                                     */

START_TEST(a_refresh_opens_the_new_one_first)
{
	static const char *const reasons[] = { LEAVE("refresh_requested"),
		LEAVE("warning"), LEAVE("something_new"),
		"{\"type\":\"disconnect\"}" };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct fake_socket *old = nth(0);
		size_t before = fake->sockets_count;

		fake_socket_say(old, reasons[i]);
		serve(50);
		ck_assert_uint_eq(fake->sockets_count, before + 1);
		ck_assert_int_eq(fake->health, BH_UP);
		/* The old one is read on, and answered. */
		ck_assert(!old->closing);
		say_event(old, "E1", "Ev1");
		serve(10);
		ck_assert(sent(old, "{\"envelope_id\":\"E1\"}"));
		if (i % 2 == 0)
			fake_socket_end(old, BH_OK, 1000, "closed");
		else
			serve(9 * SECOND);
		ck_assert(i % 2 == 0 || !old->closing);
		/* If Slack never closes it, we do, and no longer. */
		serve(12 * SECOND);
		ck_assert(old->gone);
		ck_assert_uint_eq(ready(), 2);
	}
	ck_assert_uint_ge(least_ready, 2);
	ck_assert_uint_eq(tickets(), 2 + sizeof(reasons) / sizeof(reasons[0]));
}
END_TEST

START_TEST(the_old_one_is_kept_while_there_is_no_new_one)
{
	struct fake_socket *old = nth(0);

	hello = NULL;
	fake_socket_say(old, LEAVE("refresh_requested"));
	serve(60 * SECOND);
	ck_assert(!old->closing && !old->gone);
	ck_assert_int_eq(fake->health, BH_UP);
	hello = HELLO;
	serve(3 * MINUTE);
	ck_assert(old->gone);
	ck_assert_uint_ge(least_ready, 2);
}
END_TEST

/* It waits for what is not acknowledged yet, but not for ever. */
START_TEST(the_old_one_is_not_closed_over_an_acknowledgement)
{
	struct fake_socket *old = nth(0);

	fake_socket_say(old, LEAVE("refresh_requested"));
	serve(9500);
	fake->inbound.received_after = 3 * SECOND;
	say_event(old, "E1", "Ev1");
	serve(2900);
	ck_assert(!old->closing);
	serve(200);
	ck_assert(sent(old, "{\"envelope_id\":\"E1\"}"));
	serve(2 * SECOND);
	ck_assert(old->gone);
}
END_TEST

/* Tells the oldest that was not told yet. */
static void
refresh(size_t *told)
{
	struct fake_socket *s = fake_socket(fake, (*told)++);

	if (!s->gone && !s->closing)
		fake_socket_say(s, LEAVE("refresh_requested"));
}

START_TEST(a_refresh_every_second_leaves_no_gap)
{
	char id[32];
	size_t told = 0;

	for (int second = 0; second < 60; second++) {
		refresh(&told);
		for (int i = 0; i < 50; i++) {
			snprintf(id, sizeof(id), "E%d-%d", second, i);
			say_event(nth((size_t)i % ready()), id, id);
			serve(20);
		}
	}
	serve(SECOND);
	ck_assert_uint_ge(least_ready, 2);
	ck_assert_uint_le(most_alive, 10);
	ck_assert_uint_eq(tickets(), 62);
	/* Each was acknowledged, once, where it came. */
	for (size_t i = 0, n = 0; i < fake->sockets_count; i++) {
		n += fake->sockets[i]->sent_count;
		if (i + 1 == fake->sockets_count)
			ck_assert_uint_eq(n, fake->inbound.events_count);
	}
	ck_assert_uint_eq(fake->inbound.events_count, 3000);
}
END_TEST

START_TEST(ten_connections_are_never_eleven)
{
	slack_down();
	slack_begin("10");
	fake_ok(fake, "apps.connections.open", TICKET);
	serve(20 * SECOND);
	ck_assert_uint_eq(ready(), 10);
	ck_assert_str_eq(fake->health_text, "10 connections, no event yet");
	for (int i = 0; i < 5; i++) {
		fake_socket_say(nth((size_t)i), LEAVE("refresh_requested"));
		serve(5 * SECOND);
		ck_assert_uint_eq(ready(), 10);
	}
	ck_assert_uint_eq(most_alive, 10);
}
END_TEST

START_TEST(connections_that_were_opened_together_take_turns)
{
	slack_down();
	slack_begin("2");
	fake_ok(fake, "apps.connections.open", TICKET);
	hello = "{\"type\":\"hello\",\"debug_info\":{\"host\":\"a\","
	    "\"approximate_connection_time\":18060}}";
	serve(9000 * SECOND / 2);
	ck_assert_uint_eq(tickets(), 2);
	least_ready = 1000;
	serve(9100 * SECOND / 2 + 20 * SECOND);
	ck_assert_uint_eq(tickets(), 3);
	ck_assert_uint_ge(least_ready, 2);
	/* From now on their ends lie far apart: nothing more to plan. */
	serve(8000 * SECOND);
	ck_assert_uint_eq(tickets(), 3);
}
END_TEST

START_TEST(socket_mode_that_was_switched_off_stops)
{
	fake_socket_say(nth(0), LEAVE("link_disabled"));
	fake_socket_say(nth(1), LEAVE("link_disabled"));
	fake_socket_end(nth(0), BH_OK, 1000, "closed");
	fake_socket_end(nth(0), BH_OK, 1000, "closed");
	serve(24 * HOUR / 100);
	ck_assert_uint_eq(tickets(), 2);
	ck_assert_int_eq(fake->health, BH_DOWN);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "switch it on"));
	/* Somebody did, and reloads. */
	bellhop_plugin.changed(slack);
	serve(2 * SECOND);
	ck_assert_int_eq(fake->health, BH_UP);
}
END_TEST

START_TEST(too_many_websockets_are_not_tried_in_a_loop)
{
	struct fake_socket *s = nth(0);

	hello = NULL;
	goodbye = LEAVE("too_many_websockets");
	fake_socket_end(s, BH_ENET, 0, "connection reset");
	serve(5 * MINUTE);
	ck_assert_uint_eq(tickets(), 3);
	ck_assert_int_eq(fake->health, BH_DEGRADED);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "another bellhop"));
	serve(6 * HOUR);
	ck_assert_uint_le(tickets(), 3 + 14);
	hello = HELLO;
	goodbye = NULL;
	serve(2 * HOUR);
	ck_assert_int_eq(fake->health, BH_UP);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Trouble                                                             */

START_TEST(a_reset_is_mended_at_once)
{
	for (int i = 0; i < 3; i++) {
		serve(MINUTE);
		fake_socket_end(nth(0), BH_ENET, 0, "connection reset");
		fake_socket_end(nth(0), BH_ETIMEOUT, 0, "silence");
		ck_assert_uint_eq(ready(), 0);
		ck_assert_int_eq(fake->health, BH_DEGRADED);
		/* Half a second for one, and as much again for the other. */
		serve(2 * SECOND);
		ck_assert_uint_eq(ready(), 2);
		ck_assert_int_eq(fake->health, BH_UP);
	}
}
END_TEST

START_TEST(a_goodbye_that_nobody_asked_for_is_mended)
{
	serve(MINUTE);
	fake_socket_end(nth(0), BH_OK, 1001, "going away");
	serve(SECOND);
	ck_assert_uint_eq(ready(), 2);
}
END_TEST

START_TEST(an_outage_is_waited_out)
{
	size_t before;

	fake_forget_answers(fake);
	serve(MINUTE);
	fake_socket_end(nth(0), BH_ENET, 0, "network is unreachable");
	fake_socket_end(nth(0), BH_ENET, 0, "network is unreachable");
	before = tickets();
	serve(25 * SECOND);
	ck_assert_int_eq(fake->health, BH_DEGRADED);
	serve(HOUR);
	ck_assert_int_eq(fake->health, BH_DOWN);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "no ticket"));
	/* Three requests to each ticket (slack-api.c), a minute apart. */
	ck_assert_uint_gt(tickets() - before, 30);
	ck_assert_uint_lt(tickets() - before, 400);
	fake_ok(fake, "apps.connections.open", TICKET);
	serve(4 * MINUTE + 4 * SECOND);
	ck_assert_int_eq(fake->health, BH_UP);
	ck_assert_uint_eq(ready(), 2);
}
END_TEST

START_TEST(storms_respect_the_budget_of_tickets)
{
	size_t before = tickets();

	/* Every connection breaks as soon as it is up. */
	resets = true;
	fake_socket_end(nth(0), BH_ENET, 0, "connection reset");
	fake_socket_end(nth(0), BH_ENET, 0, "connection reset");
	serve(HOUR);
	ck_assert_uint_lt(tickets() - before, 120);
	ck_assert_uint_gt(tickets() - before, 20);
	/* Or is to be refreshed as soon as it is up. */
	resets = false;
	goodbye = LEAVE("refresh_requested");
	serve(3 * MINUTE);
	before = tickets();
	least_ready = 1000;
	serve(5 * MINUTE);
	ck_assert_uint_le(tickets() - before, 301);
	ck_assert_uint_le(most_alive, 10);
	ck_assert_uint_ge(least_ready, 2);
	/* Or before it is up. */
	hello = NULL;
	before = tickets();
	serve(HOUR);
	ck_assert_uint_lt(tickets() - before, 120);
}
END_TEST

START_TEST(retry_after_is_kept)
{
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){
	    .match = "apps.connections.open", .status = 429,
	    .body = "{\"ok\":false,\"error\":\"ratelimited\"}",
	    .headers = { "retry-after", "300" }, .times = 1 });
	fake_ok(fake, "apps.connections.open", TICKET);
	fake_socket_end(nth(0), BH_ENET, 0, "connection reset");
	serve(299 * SECOND);
	ck_assert_uint_eq(tickets(), 3);
	ck_assert_int_eq(fake->health, BH_DEGRADED);
	serve(15 * SECOND);
	ck_assert_uint_eq(tickets(), 4);
	ck_assert_int_eq(fake->health, BH_UP);
}
END_TEST

START_TEST(errors_that_no_retry_mends_stop)
{
	static const struct { const char *word, *remedy; } cases[] = {
		{ "not_authed", "xapp-" }, { "invalid_auth", "xapp-" },
		{ "account_inactive", "install the app" },
		{ "user_removed_from_team", "install it" },
		{ "team_disabled", "Slack" },
		{ "not_allowed_token_type", "xapp-" },
		{ "missing_scope", "connections:write" },
		{ "token_revoked", "new one" },
		{ "feature_not_enabled", "switch it on" } };
	struct bh_buf b = BH_BUF(512);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		slack_down();
		slack_begin("2");
		bh_buf_clear(&b);
		bh_buf_add(&b, "{\"ok\":false,\"error\":\"%s\"}",
		    cases[i].word);
		fake_ok(fake, "apps.connections.open", b.data);
		serve(20 * MINUTE);
		ck_assert_msg(tickets() == 1, "%s: %zu", cases[i].word,
		    tickets());
		ck_assert_int_eq(fake->health, BH_DOWN);
		ck_assert_msg(strstr(fake->health_text, cases[i].remedy) !=
		    NULL && strstr(fake->health_text, cases[i].word) != NULL,
		    "%s", fake->health_text);
		bellhop_plugin.changed(slack);
		serve(SECOND);
		ck_assert_uint_eq(tickets(), 2);
	}
	bh_buf_release(&b);
}
END_TEST

START_TEST(a_ticket_must_lead_to_an_encrypted_connection)
{
	static const char *const bad[] = {
		"{\"ok\":true,\"url\":\"ws://link.slack.example/\"}",
		"{\"ok\":true,\"url\":\"https://link.slack.example/\"}",
		"{\"ok\":true}", "{\"ok\":true,\"url\":7}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		slack_down();
		slack_begin("2");
		fake_ok(fake, "apps.connections.open", bad[i]);
		serve(SECOND);
		ck_assert_uint_eq(fake->sockets_count, 0);
		ck_assert_ptr_nonnull(strstr(fake->health_text,
		    "cannot be used"));
	}
	fake->sockets_refused = true;
	fake_forget_answers(fake);
	fake_ok(fake, "apps.connections.open", TICKET);
	serve(5 * MINUTE);
	ck_assert_uint_eq(fake->sockets_count, 0);
}
END_TEST

START_TEST(it_ends_in_the_middle_of_everything)
{
	fake->inbound.received_after = 500;
	say_event(nth(0), "E1", "Ev1");
	say_event(nth(1), "E2", "Ev2");
	fake_socket_end(nth(0), BH_ENET, 0, "connection reset");
	fake_socket_say(nth(0), LEAVE("refresh_requested"));
	fake_run(fake, 1);
	/* slack_down() closes it: no call may come, no memory be lost. */
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		an_envelope_is_acknowledged_where_it_came_when_durable,
		answers_go_into_the_acknowledgement_if_it_takes_them,
		an_acknowledgement_whose_connection_is_gone_is_dropped,
		odd_frames_break_nothing, a_large_envelope_passes,
		a_refresh_opens_the_new_one_first,
		the_old_one_is_kept_while_there_is_no_new_one,
		the_old_one_is_not_closed_over_an_acknowledgement,
		a_refresh_every_second_leaves_no_gap,
		ten_connections_are_never_eleven,
		connections_that_were_opened_together_take_turns,
		socket_mode_that_was_switched_off_stops,
		too_many_websockets_are_not_tried_in_a_loop,
		a_reset_is_mended_at_once,
		a_goodbye_that_nobody_asked_for_is_mended,
		an_outage_is_waited_out,
		storms_respect_the_budget_of_tickets, retry_after_is_kept,
		errors_that_no_retry_mends_stop,
		a_ticket_must_lead_to_an_encrypted_connection,
		it_ends_in_the_middle_of_everything };
	const TTest *const starts[] = {
		two_connections_come_up_one_ticket_at_a_time,
		a_connection_counts_from_its_hello };
	Suite *suite = suite_create("slack-socket");
	TCase *up = tcase_create("up"), *start = tcase_create("start");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(up, slack_up, slack_down);
	tcase_add_checked_fixture(start, NULL, slack_down);
	tcase_set_timeout(up, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(up, tests[i]);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		tcase_add_test(start, starts[i]);
	suite_add_tcase(suite, up);
	suite_add_tcase(suite, start);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
