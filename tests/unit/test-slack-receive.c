/* test-slack-receive.c - what Slack delivers, and what the host hears of it.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-limits.h"
#include "tests/unit/slack-signed.h"

static size_t heard;

static void
begin(void)
{
	heard = 0;
	slack_up();
}

/* The one event that this delivery gave, acknowledged with nothing. */
static const struct bh_event *
one_event(struct fake_incoming *r)
{
	size_t n = fake->inbound.events_count;

	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(r->status, 0);
	fake_run(fake, 1);
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "");
	ck_assert_uint_eq(fake->inbound.events_count, n);
	heard = n;
	return fake_event(fake, n - 1);
}

/* It was acknowledged at once and the host heard nothing. */
static void
ignored(struct fake_incoming *r)
{
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "");
	ck_assert_uint_eq(fake->inbound.events_count, heard);
}

/* ------------------------------------------------------------------ */
/* Events                                                              */

static struct fake_incoming *
event_as(const char *around, const char *event)
{
	struct bh_buf body = BH_BUF(1u << 20);
	struct fake_incoming *r;

	bh_buf_add(&body, "{\"token\":\"x\",\"type\":\"event_callback\","
	    "\"event_id\":\"Ev%zu\",\"event_time\":1767607200,%s,"
	    "\"event\":{%s}}", fake->inbound.incoming_count, around, event);
	r = deliver_json(bh_buf_text(&body));
	bh_buf_release(&body);
	return r;
}

static struct fake_incoming *
event(const char *json)
{
	return event_as("\"team_id\":\"T0\",\"api_app_id\":\"A0\","
	    "\"authorizations\":[{\"enterprise_id\":null,\"team_id\":\"T0\","
	    "\"user_id\":\"U0BOT\",\"is_bot\":true,"
	    "\"is_enterprise_install\":false}]", json);
}

static void
count_ack(void *arg, int result, const char *body)
{
	ck_assert_int_eq(result, BH_OK);
	ck_assert_ptr_null(body);
	++*(int *)arg;
}

#define MESSAGE(channel, text) "\"type\":\"message\",\"user\":\"U1\"," \
	"\"channel\":\"" channel "\",\"ts\":\"1767607200.000100\"," \
	"\"text\":\"" text "\""
#define MENTION(text) MENTION_IN("C1", text)
#define MENTION_IN(channel, text) "\"type\":\"app_mention\"," \
	"\"user\":\"U1\",\"channel\":\"" channel "\"," \
	"\"ts\":\"1767607200.000100\",\"text\":\"" text "\""

START_TEST(a_mention_is_a_command)
{
	static const struct { const char *json, *text; } cases[] = {
		{ MENTION("<@U0BOT> status"), "status" },
		{ MENTION("<@U0BOT|bellhop> status"), "status" },
		{ MENTION("  <@U0BOT>:  status"), "status" },
		{ MENTION("<@U0BOT>, elevate prod &amp; go"),
		  "elevate prod & go" },
		{ MENTION("status <@U0BOT>"), "status " },
		{ MENTION("<@U0BOT> access <@U2>"), "access @U2" },
		{ MENTION("<@U0BOT> access <@U2|grace>"), "access @U2" },
		{ MENTION("<@U0BOT> !status"), "!status" },
		{ MENTION("<@U0BOT2> status"), "@U0BOT2 status" },
		{ MENTION("<@U0BOT>"), "" },
		{ MENTION("<@U0BOT> a &lt;@U0BOT&gt; b"),
		  "a <@U0BOT> b" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bh_event *e = one_event(event(cases[i].json));

		ck_assert_int_eq(e->kind, BH_EV_COMMAND);
		ck_assert_str_eq(e->text, cases[i].text);
		ck_assert_str_eq(e->user, "U1");
		ck_assert_str_eq(e->room, "C1");
		ck_assert_ptr_null(e->thread);
		ck_assert_ptr_null(e->name);
		ck_assert_int_eq(strncmp(e->id, "Ev", 2), 0);
		ck_assert_uint_eq(e->user_flags, 0);
	}
}
END_TEST

START_TEST(messages)
{
	const struct bh_event *e = one_event(event(MESSAGE("D1",
	    "elevate prod")));

	ck_assert_int_eq(e->kind, BH_EV_MESSAGE);
	ck_assert_ptr_null(e->room);
	ck_assert_str_eq(e->text, "elevate prod");
	ck_assert_str_eq(slack_reply_find(slack, e->reply)->channel, "D1");
	e = one_event(event(MESSAGE("C1", "!elevate prod &gt; test")
	    ",\"thread_ts\":\"1767607100.000200\""));
	ck_assert_int_eq(e->kind, BH_EV_MESSAGE);
	ck_assert_str_eq(e->room, "C1");
	ck_assert_str_eq(e->thread, "1767607100.000200");
	ck_assert_str_eq(e->text, "!elevate prod > test");
	e = one_event(event(MESSAGE("G1", "!x") ",\"thread_ts\":\"evil\""));
	ck_assert_ptr_null(e->thread);
	one_event(event(MESSAGE("C1", "!x")
	    ",\"subtype\":\"thread_broadcast\""));
	one_event(event(MESSAGE("C1", "!x") ",\"subtype\":\"file_share\""));
	/* In a DM, a mention comes as a message alone. */
	e = one_event(event(MESSAGE("D1", "<@U0BOT> status")));
	ck_assert_str_eq(e->text, "status");
}
END_TEST

START_TEST(what_is_no_new_message_of_a_person_is_ignored)
{
	struct bh_buf long_id = BH_BUF(4096);

	ignored(event(MESSAGE("C1", "!x") ",\"bot_id\":\"B1\""));
	ignored(event("\"type\":\"message\",\"user\":\"U0BOT\",\"channel\":"
	    "\"C1\",\"ts\":\"1.2\",\"text\":\"!x\""));
	ignored(event("\"type\":\"app_mention\",\"user\":\"U0BOT\","
	    "\"channel\":\"C1\",\"ts\":\"1.2\",\"text\":\"<@U0BOT> x\""));
	ignored(event(MESSAGE("C1", "!x") ",\"edited\":{\"user\":\"U1\","
	    "\"ts\":\"1767607201.0\"}"));
	ignored(event(MENTION("<@U0BOT> x") ",\"edited\":{\"user\":\"U1\","
	    "\"ts\":\"1767607201.0\"}"));
	ignored(event(MESSAGE("C1", "!x") ",\"hidden\":true"));
	ignored(event(MESSAGE("C1", "") ",\"subtype\":\"file_share\""));
	ignored(event("\"type\":\"message\",\"subtype\":\"message_changed\","
	    "\"hidden\":true,\"channel\":\"C1\",\"message\":{\"user\":\"U1\","
	    "\"text\":\"!x\",\"ts\":\"1.2\"}"));
	ignored(event(MESSAGE("C1", "!x") ",\"subtype\":\"bot_message\""));
	ignored(event(MESSAGE("C1", "!x") ",\"subtype\":\"channel_join\""));
	ignored(event(MESSAGE("C1", "!x") ",\"subtype\":\"message_deleted\""));
	/* It comes as app_mention, too. */
	ignored(event(MESSAGE("C1", "<@U0BOT> x")));
	ignored(event(MESSAGE("C1", "see <@U0BOT|bellhop>")));
	ignored(event("\"type\":\"reaction_added\",\"user\":\"U1\""));
	bh_buf_puts(&long_id, "{\"type\":\"event_callback\",\"team_id\":"
	    "\"T0\",\"event\":{" MESSAGE("D1", "x") "},\"event_id\":\"");
	for (int i = 0; i < 201; i++)
		bh_buf_puts(&long_id, "x");
	bh_buf_puts(&long_id, "\"}");
	ignored(deliver_json(long_id.data));
	bh_buf_release(&long_id);
}
END_TEST

/* What a reader of JSON lets through is decided elsewhere: the text is put in
 * its place here. */
static size_t
long_message(const char *json, const char *text)
{
	size_t said = fake_count(fake, "longer than");
	struct bh_value *v = bh_json(&fake->host, json, strlen(json),
	    &(const char *){ NULL });
	union { const struct bh_value *in; struct bh_value *out; } at = {
	    bh_get(bh_get(v, "event"), "text") };
	const char *before = at.in->text;
	int acks = 0;

	at.out->text = text;
	slack_receive(slack, SLACK_EVENTS, v, count_ack, &acks);
	at.out->text = before;
	bh_json_free(&fake->host, v);
	fake_run(fake, 1000);
	ck_assert_int_eq(acks, 1);
	return fake_count(fake, "longer than") - said;
}

static char *
long_text(const char *begin)
{
	char *text = bh_zero(SLACK_TEXT_MOST + 100);

	memset(text, 'x', SLACK_TEXT_MOST + 50);
	memcpy(text, begin, strlen(begin));
	return text;
}

#define AROUND(event) "{\"type\":\"event_callback\",\"team_id\":\"T0\"," \
	"\"event_id\":\"Ev1\",\"event\":{" event "}}"

/* Nothing is run from a text that was cut. */
START_TEST(a_message_that_is_too_long)
{
	char *text = long_text("<@U0BOT> revoke ");

	fake_ok(fake, "chat.post", "{\"ok\":true}");
	ck_assert_uint_eq(long_message(AROUND(MENTION_IN("C0PAYMENTS",
	    "x")), text), 1);
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "longer than", 0)->url,
	    "chat.postEphemeral"));
	ck_assert_uint_eq(long_message(AROUND(MESSAGE("D1", "x")), text), 1);
	/* Whoever talks to others hears nothing. */
	memcpy(text, "<@U1BOT>", 8);
	ck_assert_uint_eq(long_message(AROUND(MESSAGE("C1", "x")), text), 0);
	ck_assert_uint_eq(fake->inbound.events_count, 0);
	for (size_t i = 0; i < 512; i++)
		ck_assert_ptr_null(slack->replies[i]);
	/* The longest that is read, though, is read. */
	text[SLACK_TEXT_MOST] = '\0';
	ck_assert_uint_eq(long_message(AROUND(MESSAGE("D1", "x")), text), 0);
	ck_assert_uint_eq(strlen(fake_event(fake, 0)->text),
	    SLACK_TEXT_MOST - 2);
	free(text);
}
END_TEST

START_TEST(people_of_other_companies_are_guests)
{
	static const struct { const char *more; unsigned flags; } cases[] = {
		{ "", 0 }, { ",\"team\":\"T0\"", 0 },
		{ ",\"user_team\":\"T0OTHER\"", 0 },
		{ ",\"user_team\":\"T9\"", BH_USER_GUEST },
		{ ",\"source_team\":\"T9\",\"team\":\"T0\"", BH_USER_GUEST },
		{ ",\"team\":\"T9\"", BH_USER_GUEST } };
	struct bh_buf json = BH_BUF(4096);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bh_buf_clear(&json);
		bh_buf_add(&json, "%s%s", MESSAGE("C1", "!x"),
		    cases[i].more);
		ck_assert_uint_eq(one_event(event(json.data))->user_flags,
		    cases[i].flags);
	}
	/* In an organisation, whose a workspace is must be asked. */
	bh_set(&slack->enterprise, "E0");
	ck_assert_uint_eq(one_event(event(json.data))->user_flags, 0);
	bh_buf_release(&json);
}
END_TEST

START_TEST(events_of_other_installations_are_refused)
{
	const char *say = MESSAGE("C1", "!x");

	ignored(event_as("\"team_id\":\"T9\"", say));
	ignored(event_as("\"team_id\":\"T0\",\"context_team_id\":\"T9\"",
	    say));
	ignored(event_as("\"team_id\":\"T0\",\"authorizations\":"
	    "[{\"team_id\":\"T9\"}]", say));
	ck_assert_ptr_nonnull(strstr(fake->log, "another workspace"));
	bh_set(&slack->app_id, "A0");
	ignored(event_as("\"team_id\":\"T0\",\"api_app_id\":\"A9\"", say));
	ck_assert_ptr_nonnull(strstr(fake->log, "another app"));
	one_event(event_as("\"team_id\":\"T0\",\"api_app_id\":\"A0\"", say));
	/* A channel of theirs that ours are in. */
	one_event(event_as("\"team_id\":\"T9\",\"context_team_id\":\"T0\","
	    "\"is_ext_shared_channel\":true,\"authorizations\":"
	    "[{\"team_id\":\"T0\",\"enterprise_id\":null}]", say));
}
END_TEST

START_TEST(an_organisation_wide_installation)
{
	const char *say = MESSAGE("C1", "!x");

	bh_set(&slack->enterprise, "E0");
	slack->org = true;
	one_event(event_as("\"team_id\":\"T7\",\"enterprise_id\":\"E0\","
	    "\"authorizations\":[{\"enterprise_id\":\"E0\",\"team_id\":null,"
	    "\"is_enterprise_install\":true}]", say));
	one_event(event_as("\"team_id\":\"T7\",\"enterprise_id\":\"E0\"",
	    say));
	ignored(event_as("\"team_id\":\"T9\",\"enterprise_id\":\"E9\","
	    "\"authorizations\":[{\"enterprise_id\":\"E9\",\"team_id\":null,"
	    "\"is_enterprise_install\":true}]", say));
	ignored(event_as("\"team_id\":\"T9\",\"enterprise_id\":\"E9\"",
	    say));
}
END_TEST

static void
is_home_page_of(const char *user, const struct fake_request *r)
{
	const char *error = NULL;
	struct bh_value *v = bh_json(&fake->host, r->body, strlen(r->body),
	    &error);
	const struct bh_value *view = bh_get(v, "view");

	ck_assert_msg(v != NULL, "%s: %s", error, r->body);
	ck_assert_str_eq(r->method, "POST");
	ck_assert_str_eq(r->url, "https://slack.example/api/views.publish");
	ck_assert_str_eq(bh_get_text(v, "user_id"), user);
	ck_assert_str_eq(bh_get_text(view, "type"), "home");
	ck_assert_pstr_eq(slack_limits_view(view), NULL);
	bh_json_free(&fake->host, v);
}

START_TEST(the_home_page)
{
	const struct bh_event *e = one_event(event("\"type\":"
	    "\"app_home_opened\",\"user\":\"U1\",\"channel\":\"D1\","
	    "\"tab\":\"home\",\"event_ts\":\"1.2\""));

	ck_assert_int_eq(e->kind, BH_EV_HOME);
	ck_assert_str_eq(e->user, "U1");
	ck_assert_ptr_null(e->room);
	fake_ok(fake, "views.publish", "{\"ok\":true}");
	slack_over(slack, e->reply, BH_OK);
	fake_run(fake, 100);
	ck_assert_uint_eq(fake_count(fake, "views.publish"), 1);
	is_home_page_of("U1", fake_find(fake, "views.publish", 0));
	ck_assert_ptr_null(slack_reply_find(slack, e->reply));
	ignored(event("\"type\":\"app_home_opened\",\"user\":\"U1\","
	    "\"channel\":\"D1\",\"tab\":\"messages\""));
}
END_TEST

START_TEST(being_thrown_out_is_seen)
{
	ck_assert_int_eq(fake->health, BH_UP);
	ignored(event("\"type\":\"tokens_revoked\",\"tokens\":{\"oauth\":"
	    "[\"U1\"],\"bot\":[]}"));
	ck_assert_int_eq(fake->health, BH_UP);
	ignored(event("\"type\":\"tokens_revoked\",\"tokens\":{\"bot\":"
	    "[\"U0BOT\"]}"));
	ck_assert_int_eq(fake->health, BH_DOWN);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "install the app"));
	ignored(event("\"type\":\"app_uninstalled\""));
	ck_assert_ptr_nonnull(strstr(fake->health_text, "removed"));
}
END_TEST

/* ------------------------------------------------------------------ */
/* Slash commands                                                      */

static struct fake_incoming *
slash(const char *more)
{
	struct bh_buf body = BH_BUF(4096);
	struct fake_incoming *r;

	bh_buf_add(&body, "token=x&team_id=T0&user_id=U1&user_name=root&"
	    "channel_name=general&api_app_id=A0&trigger_id=1.2.x%zu&"
	    "response_url=https%%3A%%2F%%2Fhooks.slack.example%%2F1&%s",
	    fake->inbound.incoming_count, more);
	r = deliver(FORM_TYPE, bh_buf_text(&body));
	bh_buf_release(&body);
	return r;
}

START_TEST(slash_commands)
{
	static const struct { const char *form, *text, *room; } cases[] = {
		{ "command=%2Felevate&text=&channel_id=C1", "elevate", "C1" },
		{ "command=%2Felevate&text=+&channel_id=C1", "elevate",
		  "C1" },
		{ "command=%2Felevate&channel_id=C1", "elevate", "C1" },
		{ "command=%2Felevate&text=prod+ReadOnly&channel_id=G1",
		  "elevate prod ReadOnly", "G1" },
		{ "command=%2Fbellhop&text=&channel_id=C1", "help", "C1" },
		{ "command=%2Fbellhop&text=access+%3C%40U2%7Cada%3E&"
		  "channel_id=C1", "access @U2", "C1" },
		{ "command=%2Felevate&text=prod&channel_id=D1",
		  "elevate prod", NULL },
		{ "command=%2Felevate&text=prod&channel_id=..%2F..",
		  "elevate prod", NULL } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bh_event *e = one_event(slash(cases[i].form));
		const struct slack_reply *r = slack_reply_find(slack,
		    e->reply);

		ck_assert_int_eq(e->kind, BH_EV_COMMAND);
		ck_assert_str_eq(e->text, cases[i].text);
		ck_assert_str_eq(e->user, "U1");
		ck_assert_ptr_null(e->name);	/* nobody's choice of name */
		if (cases[i].room != NULL)
			ck_assert_str_eq(e->room, cases[i].room);
		else
			ck_assert_ptr_null(e->room);
		ck_assert_int_eq(strncmp(e->id, "trigger:1.2.x", 13), 0);
		ck_assert_str_eq(r->response_url,
		    "https://hooks.slack.example/1");
		ck_assert_int_eq(r->responses, 5);
	}
}
END_TEST

START_TEST(a_slash_command_that_is_too_long)
{
	char *text = long_text("command=%2Fbellhop&channel_id=C1&text=x");
	struct bh_buf body = BH_BUF(1u << 20);
	struct fake_incoming *r;

	fake_ok(fake, "hooks.slack.example", "ok");
	bh_buf_add(&body, "team_id=T0&user_id=U1&trigger_id=1.2&"
	    "response_url=https%%3A%%2F%%2Fhooks.slack.example%%2F1&%s%s",
	    text, text + 100);
	r = deliver(FORM_TYPE, bh_buf_text(&body));
	ignored(r);
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake_count(fake, "longer than"), 1);
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "longer than", 0)->body,
	    "\"response_type\":\"ephemeral\""));
	bh_buf_release(&body);
	free(text);
}
END_TEST

/* The trigger lives for three seconds: nothing is waited for. */
START_TEST(a_command_without_words_opens_a_view_at_once)
{
	fake_ok(fake, "views.open", "{\"ok\":true,\"view\":{\"id\":\"V1\","
	    "\"hash\":\"h\"}}");
	fake->inbound.received_after = 2000;
	slash("command=%2Felevate&text=&channel_id=C1");
	fake_run(fake, 10);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 1);
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "views.open", 0)->body,
	    "\"trigger_id\":\"1.2.x"));
	slash("command=%2Felevate&text=prod&channel_id=C1");
	slash("command=%2Fbellhop&text=&channel_id=C1");
	slash("command=%2Fbellhop&text=elevate&channel_id=C1");
	fake_run(fake, 10);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 1);
}
END_TEST

START_TEST(slash_commands_that_are_none)
{
	static const char *const bad[] = { "command=elevate&channel_id=C1",
		"command=%2F&channel_id=C1", "text=x&channel_id=C1",
		"command=%2FELEVATE&channel_id=C1",
		"command=%2Fele%0Avate&channel_id=C1",
		"command=%2F%C3%A9&channel_id=C1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ignored(slash(bad[i]));
	ignored(deliver(FORM_TYPE, "command=%2Felevate&user_id=U1&"
	    "team_id=T9&trigger_id=1"));
	ck_assert_ptr_nonnull(strstr(fake->log, "another workspace"));
	ignored(deliver(FORM_TYPE, "command=%2Felevate&team_id=T0"));
	ignored(deliver(FORM_TYPE, "command=%2Felevate&team_id=T0&"
	    "user_id=%22%7D"));
	ignored(deliver(FORM_TYPE, "a=b"));
}
END_TEST

/* ------------------------------------------------------------------ */
/* Buttons and shortcuts                                               */

#define WHO "\"user\":{\"id\":\"U1\",\"team_id\":\"T0\",\"name\":\"root\"}," \
	"\"team\":{\"id\":\"T0\",\"domain\":\"acme\"},\"api_app_id\":\"A0\"," \
	"\"enterprise\":null,\"is_enterprise_install\":false"
#define PRESS "\"type\":\"block_actions\",\"trigger_id\":\"7.8.t\"," \
	"\"response_url\":\"https://hooks.slack.example/2\"," \
	"\"channel\":{\"id\":\"C1\",\"name\":\"x\"},\"container\":{\"type\":" \
	"\"message\",\"message_ts\":\"1767607100.000200\",\"channel_id\":" \
	"\"C1\",\"is_ephemeral\":false}"
#define BUTTON(id, value) "\"actions\":[{\"type\":\"button\"," \
	"\"action_id\":\"" id "\",\"block_id\":\"b\",\"value\":\"" value "\"}]"

START_TEST(a_button)
{
	const struct bh_event *e = one_event(deliver_interaction("{" PRESS ","
	    WHO "," BUTTON("b0", "tok-123") "}"));
	const struct slack_reply *r = slack_reply_find(slack, e->reply);

	ck_assert_int_eq(e->kind, BH_EV_BUTTON);
	ck_assert_str_eq(e->token, "tok-123");
	ck_assert_str_eq(e->user, "U1");
	ck_assert_str_eq(e->room, "C1");
	ck_assert_str_eq(e->id, "trigger:7.8.t");
	ck_assert_ptr_null(e->thread);
	ck_assert_str_eq(r->message, "1767607100.000200");
	ck_assert_str_eq(r->trigger, "7.8.t");
	ck_assert_ptr_null(r->view);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 0);
	/* In a thread; in a DM; on the home page; of a stranger. */
	e = one_event(deliver_interaction("{" PRESS "," WHO ",\"message\":"
	    "{\"thread_ts\":\"1767607000.000300\"}," BUTTON("b1", "t") "}"));
	ck_assert_str_eq(e->thread, "1767607000.000300");
	e = one_event(deliver_interaction("{\"type\":\"block_actions\","
	    "\"channel\":{\"id\":\"D1\"}," WHO "," BUTTON("b1", "t") "}"));
	ck_assert_ptr_null(e->room);
	ck_assert_ptr_null(e->id);
	e = one_event(deliver_interaction("{\"type\":\"block_actions\","
	    "\"container\":{\"type\":\"view\",\"view_id\":\"V1\"},\"view\":"
	    "{\"id\":\"V1\",\"type\":\"home\"}," WHO "," BUTTON("b1", "t")
	    "}"));
	ck_assert_ptr_null(e->room);
	ck_assert_ptr_null(slack_reply_find(slack, e->reply)->view);
	e = one_event(deliver_interaction("{" PRESS ",\"user\":{\"id\":"
	    "\"U1\",\"team_id\":\"T9\"}," BUTTON("b1", "t") "}"));
	ck_assert_uint_eq(e->user_flags, BH_USER_GUEST);
}
END_TEST

/* Slack does not say how long a trigger may be.  The same one is the same
 * event, however long it is. */
START_TEST(a_long_trigger)
{
	struct bh_buf json = BH_BUF(4096);
	const char *ids[3];

	for (size_t i = 0; i < 3; i++) {
		bh_buf_clear(&json);
		bh_buf_puts(&json, "{\"type\":\"block_actions\"," WHO ","
		    BUTTON("b0", "t") ",\"trigger_id\":\"");
		for (size_t n = 0; n < 300; n++)
			bh_buf_puts(&json, "7");
		bh_buf_puts(&json, i < 2 ? "x\"}" : "y\"}");
		ids[i] = one_event(deliver_interaction(json.data))->id;
		ck_assert_ptr_nonnull(ids[i]);
		ck_assert_int_eq(strncmp(ids[i], "trigger-sha256:", 15), 0);
		ck_assert_uint_eq(strlen(ids[i]), 15 + 64);
	}
	ck_assert_str_eq(ids[0], ids[1]);
	ck_assert_str_ne(ids[0], ids[2]);
	bh_buf_release(&json);
}
END_TEST

START_TEST(a_button_that_asks_for_more_opens_a_view_at_once)
{
	fake_ok(fake, "views.open", "{\"ok\":true,\"view\":{\"id\":\"V1\"}}");
	deliver_interaction("{" PRESS "," WHO "," BUTTON("f0", "t") "}");
	fake_run(fake, 10);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 1);
	ck_assert_uint_eq(fake->inbound.events_count, 1);
}
END_TEST

START_TEST(our_own_button_opens_what_waits)
{
	fake_ok(fake, "views.open", "{\"ok\":true,\"view\":{\"id\":\"V1\"}}");
	fake_ok(fake, "hooks.slack.example", "ok");
	slack_view_wait(slack, "tok-form", "{\"type\":\"modal\"}");
	ignored(deliver_interaction("{" PRESS "," WHO "," BUTTON("form",
	    "tok-form") "}"));
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 1);
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "views.open", 0)->body,
	    "\"view\":{\"type\":\"modal\"}"));
	ck_assert_uint_eq(fake_count(fake, "delete_original"), 1);
	for (size_t i = 0; i < 512; i++)
		ck_assert_ptr_null(slack->replies[i]);
}
END_TEST

START_TEST(actions_that_are_no_button)
{
	static const char *const actions[] = { "", ",\"actions\":[]",
		",\"actions\":{}", ",\"actions\":[null]",
		",\"actions\":[{\"type\":\"external_select\",\"value\":\"t\"}]",
		",\"actions\":[{\"type\":\"button\",\"url\":\"https://x\"}]",
		",\"actions\":[{\"type\":\"button\",\"value\":\"\"}]",
		",\"actions\":[{\"type\":\"button\",\"value\":7}]" };
	struct bh_buf json = BH_BUF(4096);

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		bh_buf_clear(&json);
		bh_buf_add(&json, "{%s,%s%s}", PRESS, WHO, actions[i]);
		ignored(deliver_interaction(json.data));
	}
	bh_buf_release(&json);
	ignored(deliver_interaction("{" PRESS "," BUTTON("b0", "t") "}"));
	ignored(deliver_interaction("{" PRESS ",\"user\":{\"id\":\"ada\"},"
	    BUTTON("b0", "t") "}"));
}
END_TEST

START_TEST(shortcuts)
{
	const struct bh_event *e;

	fake_ok(fake, "views.open", "{\"ok\":true,\"view\":{\"id\":\"V1\"}}");
	e = one_event(deliver_interaction("{\"type\":\"shortcut\","
	    "\"callback_id\":\"elevate\",\"trigger_id\":\"1.2\","
	    "\"action_ts\":\"1.2\"," WHO "}"));
	ck_assert_int_eq(e->kind, BH_EV_COMMAND);
	ck_assert_str_eq(e->text, "elevate");
	ck_assert_ptr_null(e->room);
	fake_run(fake, 10);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 1);
	e = one_event(deliver_interaction("{\"type\":\"message_action\","
	    "\"callback_id\":\"elevate:message\",\"trigger_id\":\"1.3\","
	    "\"channel\":{\"id\":\"C1\"},\"message_ts\":"
	    "\"1767607100.000200\",\"message\":{\"text\":\"!revoke all\"},"
	    WHO "}"));
	ck_assert_str_eq(e->text, "elevate");
	ck_assert_str_eq(e->room, "C1");
	ck_assert_str_eq(e->thread, "1767607100.000200");
	ignored(deliver_interaction("{\"type\":\"shortcut\","
	    "\"callback_id\":\"Elevate; rm\"," WHO "}"));
	ignored(deliver_interaction("{\"type\":\"shortcut\"," WHO "}"));
}
END_TEST

/* ------------------------------------------------------------------ */
/* Modals                                                              */

#define VIEW(state) "\"view\":{\"id\":\"V1\",\"hash\":\"1.a\",\"type\":" \
	"\"modal\",\"callback_id\":\"form\",\"private_metadata\":\"tok-f\"," \
	"\"root_view_id\":\"V1\",\"state\":{\"values\":{" state "}}}"
#define SUBMIT(state) "{\"type\":\"view_submission\",\"trigger_id\":" \
	"\"5.6.s\",\"response_urls\":[]," WHO "," VIEW(state) "}"

static const char *
field(const struct bh_event *e, const char *name)
{
	for (size_t i = 0; i < e->fields_count; i++)
		if (strcmp(e->fields[i].name, name) == 0)
			return e->fields[i].value;
	return "(none)";
}

START_TEST(a_submission_has_its_fields)
{
	const char *longest = "a value that is far longer than what one may "
	    "put into an option of a menu of Slack's, and is kept here";
	struct bh_buf key = BH_BUF(256), json = BH_BUF(8192);
	const struct bh_event *e;

	slack_value_key(slack, &key, longest);
	bh_buf_add(&json, SUBMIT("\"account\":{\"v\":{\"type\":"
	    "\"external_select\",\"selected_option\":{\"value\":\"prod\"}}},"
	    "\"access\":{\"v\":{\"type\":\"static_select\","
	    "\"selected_option\":{\"value\":\"%s\"}}},"
	    "\"for\":{\"v\":{\"type\":\"static_select\","
	    "\"selected_option\":null}},"
	    "\"reason\":{\"v\":{\"type\":\"plain_text_input\",\"value\":"
	    "\"PAY-1 <b>&amp;\\nx\"}},"
	    "\"none\":{\"v\":{\"type\":\"plain_text_input\",\"value\":null}},"
	    "\"on\":{\"v\":{\"type\":\"checkboxes\",\"selected_options\":"
	    "[{\"value\":\"yes\"}]}},"
	    "\"off\":{\"v\":{\"type\":\"checkboxes\",\"selected_options\":"
	    "[]}},\"lost\":{\"v\":{\"type\":\"static_select\","
	    "\"selected_option\":{\"value\":\"~unknown\"}}},"
	    "\"odd\":{},\"odder\":[]"), key.data);
	deliver_interaction(json.data);
	e = fake_event(fake, 0);
	ck_assert_int_eq(e->kind, BH_EV_FORM);
	ck_assert_str_eq(e->token, "tok-f");
	ck_assert_str_eq(e->id, "trigger:5.6.s");
	ck_assert_ptr_null(e->room);
	ck_assert_uint_eq(e->fields_count, 8);
	ck_assert_str_eq(field(e, "account"), "prod");
	ck_assert_str_eq(field(e, "access"), longest);
	ck_assert_str_eq(field(e, "for"), "");
	/* What is typed into a field comes as it is. */
	ck_assert_str_eq(field(e, "reason"), "PAY-1 <b>&amp;\nx");
	ck_assert_str_eq(field(e, "none"), "");
	ck_assert_str_eq(field(e, "on"), "yes");
	ck_assert_str_eq(field(e, "off"), "");
	ck_assert_str_eq(field(e, "lost"), "");
	/* The form that stands in the view by now. */
	slack_view_note(slack, "V1", "tok-newer");
	deliver_interaction(SUBMIT(""));
	ck_assert_str_eq(fake_event(fake, 1)->token, "tok-newer");
	bh_buf_release(&key);
	bh_buf_release(&json);
}
END_TEST

START_TEST(a_submission_is_answered_in_its_acknowledgement)
{
	const struct bh_input wrong = { .name = "reason", .label = "Reason",
		.error = "Say why.", .required = true };
	const struct bh_form form = { .title = "Access", .submit = "Request",
		.command = "elevate", .inputs = &wrong, .inputs_count = 1,
		.token = "tok-2" };
	struct fake_incoming *r = deliver_interaction(SUBMIT(""));
	const struct bh_event *e = fake_event(fake, 0);

	fake_run(fake, 500);
	ck_assert_int_eq(r->status, 0);
	ck_assert_int_eq(slack_ask(slack, &form, "U1", NULL, e->reply),
	    BH_OK);
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "{\"response_action\":\"errors\","
	    "\"errors\":{\"reason\":\"Say why.\"}}");
	ck_assert_ptr_nonnull(strstr(r->headers, "application/json"));
	slack_over(slack, e->reply, BH_EINVAL);
	/* Mended and sent again, all is well: the form closes. */
	r = deliver_interaction(SUBMIT(""));
	e = fake_event(fake, 1);
	ck_assert_str_eq(e->token, "tok-2");
	fake_run(fake, 500);
	slack_over(slack, e->reply, BH_OK);
	ck_assert_str_eq(r->body, "{\"response_action\":\"clear\"}");
	fake_run(fake, 10000);
	ck_assert_ptr_null(slack_reply_find(slack, e->reply));
}
END_TEST

START_TEST(a_submission_that_takes_long_says_so_in_time)
{
	struct fake_incoming *r = deliver_interaction(SUBMIT(""));
	const struct bh_event *e = fake_event(fake, 0);

	fake_ok(fake, "views.update", "{\"ok\":true,\"view\":{\"id\":"
	    "\"V1\"}}");
	fake_run(fake, 1999);
	ck_assert_int_eq(r->status, 0);
	fake_run(fake, 1);
	ck_assert_int_eq(r->status, 200);
	ck_assert_ptr_nonnull(strstr(r->body, "{\"response_action\":"
	    "\"update\",\"view\":{"));
	/* And no view stays like that. */
	slack_over(slack, e->reply, BH_OK);
	fake_run(fake, 100);
	ck_assert_uint_eq(fake_count(fake, "views.update"), 1);
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "views.update",
	    0)->body, "\"view_id\":\"V1\""));
}
END_TEST

/* A slow disk: nothing is said that is not true yet. */
START_TEST(a_submission_is_not_acknowledged_before_it_is_durable)
{
	struct fake_incoming *r;

	fake->inbound.received_after = 2500;
	r = deliver_interaction(SUBMIT(""));
	fake_run(fake, 2499);
	ck_assert_int_eq(r->status, 0);
	fake_run(fake, 2);
	ck_assert_int_eq(r->status, 200);
	ck_assert_ptr_nonnull(strstr(r->body, "update"));
	fake->inbound.received_after = 0;
	fake->inbound.received_result = BH_EFULL;
	r = deliver_interaction(SUBMIT(""));
	fake_run(fake, 1);
	ck_assert_int_eq(r->status, 503);
}
END_TEST

START_TEST(views_that_are_no_form_of_ours)
{
	static const char *const views[] = { "\"view\":null", "\"view\":{}",
		"\"view\":{\"id\":\"V1\",\"callback_id\":\"text\","
		"\"private_metadata\":\"t\"}",
		"\"view\":{\"id\":\"V1\",\"callback_id\":\"form\","
		"\"private_metadata\":\"\"}",
		"\"view\":{\"id\":\"V1\",\"callback_id\":\"form\"}",
		"\"view\":{\"id\":\"v 1\",\"callback_id\":\"form\","
		"\"private_metadata\":\"t\"}",
		"\"view\":{\"id\":\"V1\",\"callback_id\":\"form\","
		"\"private_metadata\":\"t\",\"app_installed_team_id\":"
		"\"T9\"}" };
	static const char *const types[] = { "view_submission",
		"block_suggestion", "view_closed" };
	struct bh_buf json = BH_BUF(4096);

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		for (size_t t = 0; t < 3; t++) {
			bh_buf_clear(&json);
			bh_buf_add(&json, "{\"type\":\"%s\",%s,%s}", types[t],
			    WHO, views[i]);
			ignored(deliver_interaction(json.data));
		}
	bh_buf_release(&json);
	ignored(deliver_interaction("{\"type\":\"view_closed\"," WHO ","
	    VIEW("") ",\"is_cleared\":true}"));
}
END_TEST

START_TEST(a_suggestion_is_answered_inline)
{
	const struct bh_choice found[] = { { "prod", "Production" },
	    { "test", NULL } };
	const char *json = "{\"type\":\"block_suggestion\",\"action_id\":"
	    "\"v\",\"block_id\":\"account\",\"value\":\"pro\"," WHO ","
	    VIEW("\"access\":{\"v\":{\"type\":\"external_select\","
	    "\"selected_option\":{\"value\":\"ReadOnly\"}}}") "}";
	struct fake_incoming *r = deliver_interaction(json);
	const struct bh_event *e = fake_event(fake, 0);

	ck_assert_int_eq(e->kind, BH_EV_COMPLETE);
	ck_assert_ptr_null(e->id);
	ck_assert_str_eq(e->token, "tok-f");
	ck_assert_str_eq(e->input, "account");
	ck_assert_str_eq(e->text, "pro");
	ck_assert_str_eq(field(e, "access"), "ReadOnly");
	fake_run(fake, 100);
	ck_assert_int_eq(r->status, 0);
	slack_offers(slack, e->reply, found, 2);
	ck_assert_int_eq(r->status, 200);
	ck_assert_ptr_nonnull(strstr(r->body, "Production"));
	ck_assert_ptr_nonnull(strstr(r->body, "\"options\":["));
	slack_over(slack, e->reply, BH_OK);
	/* Nothing in time is an empty list: there is no later way. */
	r = deliver_interaction(json);
	fake_run(fake, 2000);
	ck_assert_str_eq(r->body, "{\"options\":[]}");
	r = deliver_interaction(json);
	fake_run(fake, 1);
	slack_over(slack, fake_event(fake, 2)->reply, BH_ETIMEOUT);
	ck_assert_str_eq(r->body, "{\"options\":[]}");
}
END_TEST

/* ------------------------------------------------------------------ */

/* Signed, but by somebody whose program is broken: each field of each kind of
 * payload in turn is missing, of another type, empty, odd, or endless. */
START_TEST(broken_payloads_break_nothing)
{
	static const char *const kinds[] = {
		"{" PRESS "," WHO "," BUTTON("b0", "t") "}",
		SUBMIT("\"a\":{\"v\":{\"type\":\"plain_text_input\","
		    "\"value\":\"x\"}}"),
		"{\"type\":\"shortcut\",\"callback_id\":\"elevate\"," WHO "}",
		"{\"type\":\"block_suggestion\",\"block_id\":\"a\",\"value\":"
		    "\"p\"," WHO "," VIEW("") "}",
		"{\"type\":\"event_callback\",\"team_id\":\"T0\",\"event_id\":"
		    "\"Ev1\",\"authorizations\":[{\"team_id\":\"T0\"}],"
		    "\"event\":{" MESSAGE("C1", "<@U2> x") ",\"thread_ts\":"
		    "\"1.2\",\"team\":\"T0\"}}" };
	static const char *const instead[] = { "null", "7", "[]", "{}",
		"\"\"", "true", "\"<@\"", "\"&\"", "\"\\ud83d\\ude42\"",
		"[[[[[{}]]]]]", "-1e308", "\"%s%n\"" };
	struct bh_buf json = BH_BUF(1u << 20);
	size_t tried = 0;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (const char *colon = strchr(kinds[k], ':');
		    colon != NULL; colon = strchr(colon + 1, ':'))
			for (size_t i = 0; i < sizeof(instead) /
			    sizeof(instead[0]); i++) {
				const char *end = colon + 1;
				int depth = 0;
				bool quoted = false;
				struct fake_incoming *r;

				for (; *end != '\0' && (quoted || depth > 0 ||
				    strchr(",}]", *end) == NULL); end++) {
					quoted ^= *end == '"';
					depth += quoted ? 0 : (*end == '{' ||
					    *end == '[') - (*end == '}' ||
					    *end == ']');
				}
				bh_buf_clear(&json);
				bh_buf_put(&json, kinds[k],
				    (size_t)(colon + 1 - kinds[k]));
				bh_buf_puts(&json, instead[i]);
				bh_buf_puts(&json, end);
							r = k == 4 ? deliver_json(json.data) :
				    deliver_interaction(json.data);
				fake_run(fake, 3000);
				ck_assert_msg(r->status == 200 ||
				    r->status == 400, "%d: %s", r->status,
				    json.data);
				tried++;
			}
	ck_assert_uint_gt(tried, 500);
	bh_buf_release(&json);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_mention_is_a_command, messages,
		what_is_no_new_message_of_a_person_is_ignored,
		a_message_that_is_too_long, a_slash_command_that_is_too_long,
		people_of_other_companies_are_guests,
		events_of_other_installations_are_refused,
		an_organisation_wide_installation, the_home_page,
		being_thrown_out_is_seen, slash_commands,
		a_command_without_words_opens_a_view_at_once,
		slash_commands_that_are_none, a_button,
		a_long_trigger,
		a_button_that_asks_for_more_opens_a_view_at_once,
		our_own_button_opens_what_waits, actions_that_are_no_button,
		shortcuts, a_submission_has_its_fields,
		a_submission_is_answered_in_its_acknowledgement,
		a_submission_that_takes_long_says_so_in_time,
		a_submission_is_not_acknowledged_before_it_is_durable,
		views_that_are_no_form_of_ours,
		a_suggestion_is_answered_inline,
		broken_payloads_break_nothing };
	Suite *suite = suite_create("slack-receive");
	TCase *tc = tcase_create("payloads");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, begin, slack_down);
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
