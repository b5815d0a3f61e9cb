/* test-teams-send.c - what the host says, and where in Teams it arrives.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-world.h"

#include "host/base/mem.h"

#define ADA	"ada00000-0000-4000-8000-000000000001"
#define GRACE	"ada00000-0000-4000-8000-000000000002"
#define CHANNEL	"\"conversation\":{\"id\":\"19:ch@thread.tacv2;messageid=5\"," \
		"\"conversationType\":\"channel\",\"tenantId\":\"" TENANT "\"}," \
		"\"channelData\":{\"team\":{\"id\":\"19:team\",\"name\":" \
		"\"Payments\"},\"channel\":{\"id\":\"19:ch@thread.tacv2\"," \
		"\"name\":\"General\"}},"
#define GROUP	"\"conversation\":{\"id\":\"19:group@thread.v2\"," \
		"\"conversationType\":\"groupChat\",\"tenantId\":\"" TENANT \
		"\"},"
#define IN_CHANNEL	"v3/conversations/19%3Ach%40thread.tacv2/activities"
#define IN_THREAD	"v3/conversations/19%3Ach%40thread.tacv2%3B" \
			"messageid%3D5/activities"
#define IN_GROUP	"v3/conversations/19%3Agroup%40thread.v2/activities"
#define WITH_ADA	"v3/conversations/a%3Aada/activities"
#define CREATE		"/v3/conversations"

static struct teams_world w;

static struct { int result; char message[300]; } sent[32];
static size_t sent_count;

static void
up(void)
{
	sent_count = 0;
	world_new(&w, NULL);
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
	/* Ada wrote everywhere once. */
	world_says(&w, "\"id\":\"1\",\"text\":\"hi\",");
	world_says(&w, CHANNEL "\"id\":\"6\",\"text\":\"hi\",");
	world_says(&w, GROUP "\"id\":\"7\",\"text\":\"hi\",");
	for (size_t i = 0; i < 3; i++)
		bellhop_plugin.transport->over(w.teams,
		    fake_event(w.fake, i)->reply, BH_OK);
}

static void
down(void)
{
	world_free(&w);
}

static void
ck_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part,
	    text);
}

static void
took(void *arg, int result, const char *message)
{
	(void)arg;
	ck_assert_uint_lt(sent_count, 32);
	sent[sent_count].result = result;
	snprintf(sent[sent_count++].message, sizeof(sent[0].message), "%s",
	    message != NULL ? message : "(none)");
}

static void
post(struct bh_post p)
{
	if (p.key == NULL)
		p.key = "k";
	if (p.text == NULL)
		p.text = "hello";
	ck_assert_int_eq(bellhop_plugin.transport->send(w.teams, &p, took,
	    NULL), BH_OK);
}

static void
said(struct bh_post p, int result, const char *message)
{
	post(p);
	fake_run(w.fake, 60 * 1000);
	ck_assert_uint_ge(sent_count, 1);
	ck_assert_int_eq(sent[sent_count - 1].result, result);
	ck_assert_str_eq(sent[sent_count - 1].message, message);
}

/* The n-th request to a path that ends there. */
static const struct fake_request *
request_to(const char *path, size_t n)
{
	for (size_t i = 0; i < w.fake->requests_count; i++) {
		const struct fake_request *r = &w.fake->requests[i];
		size_t len = strlen(r->url), end = strlen(path);

		if (len >= end && strcmp(r->url + len - end, path) == 0 &&
		    n-- == 0)
			return r;
	}
	return NULL;
}

static size_t
requests_to(const char *path)
{
	size_t n = 0;

	while (request_to(path, n) != NULL)
		n++;
	return n;
}

static const struct bh_span title[] = { { BH_SPAN_TEXT, "7QK2", NULL, 0 } };
static const struct bh_button button = { "approve", "approve", "7QK2",
    BH_PRIMARY, "token-1" };
static const struct bh_card card = { .title = title, .title_count = 1,
    .buttons = &button, .buttons_count = 1 };

/* ------------------------------------------------------------------ */
/* Rooms                                                               */

START_TEST(to_a_channel)
{
	fake_ok(w.fake, IN_CHANNEL, "{\"id\":\"17\"}");
	said((struct bh_post){ .room = "19:ch@thread.tacv2" }, BH_OK,
	    "19:ch@thread.tacv2|17");
	ck_assert_str_eq(request_to(IN_CHANNEL, 0)->body, "{\"type\":"
	    "\"message\",\"textFormat\":\"plain\",\"text\":\"hello\"}");
	ck_assert_str_eq(request_to(IN_CHANNEL, 0)->method, "POST");
}
END_TEST

START_TEST(to_a_thread)
{
	fake_ok(w.fake, IN_THREAD, "{\"id\":\"18\"}");
	said((struct bh_post){ .room = "19:ch@thread.tacv2",
	    .thread = "19:ch@thread.tacv2|5" }, BH_OK,
	    "19:ch@thread.tacv2|18");
	/* Other chats have none. */
	fake_ok(w.fake, IN_GROUP, "{\"id\":\"19\"}");
	said((struct bh_post){ .room = "19:group@thread.v2",
	    .thread = "19:group@thread.v2|5" }, BH_OK,
	    "19:group@thread.v2|19");
}
END_TEST

START_TEST(by_name)
{
	fake_ok(w.fake, IN_CHANNEL, "{\"id\":\"17\"}");
	said((struct bh_post){ .room = "Payments/General" }, BH_OK,
	    "19:ch@thread.tacv2|17");
	said((struct bh_post){ .room = "Payments/Other" }, BH_ENOENT,
	    "(none)");
	ck_has(w.fake->log, "the room Payments/Other was never seen: add the "
	    "app to that team");
}
END_TEST

/* An id from the settings, before anybody spoke there. */
START_TEST(to_a_channel_never_heard_of)
{
	fake_ok(w.fake, "19%3Anew%40thread.tacv2", "{\"id\":\"17\"}");
	said((struct bh_post){ .room = "19:new@thread.tacv2" }, BH_OK,
	    "19:new@thread.tacv2|17");
	ck_has(request_to("v3/conversations/19%3Anew%40thread.tacv2/"
	    "activities", 0)->url, SERVICE);
}
END_TEST

START_TEST(a_card_goes_alone)
{
	const struct fake_request *r;

	fake_ok(w.fake, IN_GROUP, "{\"id\":\"17\"}");
	said((struct bh_post){ .room = "19:group@thread.v2", .card = &card,
	    .text = "7QK2 waits" }, BH_OK, "19:group@thread.v2|17");
	r = request_to(IN_GROUP, 0);
	ck_has(r->body, "\"summary\":\"7QK2 waits\"");
	ck_has(r->body, "\"attachments\":[{");
	ck_assert_ptr_null(strstr(r->body, "\"textFormat\""));
}
END_TEST

START_TEST(edits)
{
	const struct fake_request *r;

	fake_ok(w.fake, IN_CHANNEL "/17", "{\"id\":\"17\"}");
	said((struct bh_post){ .room = "19:ch@thread.tacv2", .card = &card,
	    .message = "19:ch@thread.tacv2|17" }, BH_OK,
	    "19:ch@thread.tacv2|17");
	r = request_to(IN_CHANNEL "/17", 0);
	ck_assert_str_eq(r->method, "PUT");
	/* A text in the place of a card, too. */
	said((struct bh_post){ .room = "19:ch@thread.tacv2",
	    .message = "19:ch@thread.tacv2|17" }, BH_OK,
	    "19:ch@thread.tacv2|17");
	said((struct bh_post){ .room = "19:ch@thread.tacv2",
	    .message = "nonsense" }, BH_ENOENT, "(none)");
}
END_TEST

START_TEST(important_things_first)
{
	static const struct bh_card plain = { .title = title,
	    .title_count = 1 };
	const struct fake_turn *t;
	size_t n = w.fake->turns_count;
	const char *room = "19:group@thread.v2";

	fake_ok(w.fake, IN_GROUP, "{\"id\":\"17\"}");
	post((struct bh_post){ .room = room });
	post((struct bh_post){ .room = room, .card = &plain });
	post((struct bh_post){ .room = room, .card = &card });
	post((struct bh_post){ .room = room, .reply = "t9999" });
	t = w.fake->turns + n;
	ck_assert_int_eq(t[0].rank, TEAMS_NOTICE);
	ck_assert_int_eq(t[1].rank, TEAMS_CARD);
	ck_assert_int_eq(t[2].rank, TEAMS_APPROVAL);
	ck_assert_int_eq(t[3].rank, TEAMS_NOW);
	fake_run(w.fake, 60 * 1000);
	ck_assert_uint_eq(sent_count, 4);
}
END_TEST

/* ------------------------------------------------------------------ */
/* People                                                              */

START_TEST(to_a_person)
{
	fake_ok(w.fake, WITH_ADA, "{\"id\":\"17\"}");
	said((struct bh_post){ .user = ADA }, BH_OK, "a:ada|17");
	/* For one person's eyes: not into the room. */
	said((struct bh_post){ .user = ADA, .room = "19:ch@thread.tacv2" },
	    BH_OK, "a:ada|17");
	ck_assert_uint_eq(requests_to(IN_CHANNEL), 0);
}
END_TEST

START_TEST(to_a_person_for_the_first_time)
{
	const struct fake_request *r;

	fake_ok(w.fake, "a%3Agrace", "{\"id\":\"17\"}");
	fake_ok(w.fake, "\"members\"", "{\"id\":\"a:grace\"}");
	said((struct bh_post){ .user = GRACE }, BH_OK, "a:grace|17");
	r = request_to(CREATE, 0);
	ck_assert_str_eq(r->body, "{\"isGroup\":false,\"bot\":{\"id\":"
	    "\"28:" APP "\"},\"members\":[{\"id\":\"" GRACE "\"}],"
	    "\"tenantId\":\"" TENANT "\",\"channelData\":{\"tenant\":"
	    "{\"id\":\"" TENANT "\"}}}");
	/* It is remembered, also in the store. */
	ck_assert_uint_ge(fake_sql_count(w.fake, "a:grace"), 1);
	said((struct bh_post){ .user = GRACE }, BH_OK, "a:grace|17");
	ck_assert_uint_eq(requests_to(CREATE), 1);
}
END_TEST

START_TEST(a_multi_tenant_bot_opens_chats_in_a_directory)
{
	bh_set(&w.teams->tenant, "botframework.com");
	fake_ok(w.fake, "a%3Agrace", "{\"id\":\"17\"}");
	fake_ok(w.fake, "\"members\"", "{\"id\":\"a:grace\"}");
	said((struct bh_post){ .user = GRACE }, BH_OK, "a:grace|17");
	ck_has(request_to(CREATE, 0)->body, "\"tenantId\":\"" TENANT "\"");
	ck_assert_str_eq(teams_place_find(w.teams, "a:grace")->tenant, TENANT);
}
END_TEST

START_TEST(a_person_who_has_not_the_app)
{
	fake_answer(w.fake, &(struct fake_answer){ .match = "\"members\"",
	    .status = 403, .body = "{\"error\":{\"code\":"
	    "\"BotNotInConversationRoster\"}}" });
	said((struct bh_post){ .user = GRACE }, BH_EPERM, "(none)");
	ck_has(w.fake->log, "a message to a chat of its own was refused "
	    "(HTTP 403): the app is not there (any more): add it");
}
END_TEST

/* ------------------------------------------------------------------ */
/* Refusals                                                            */

START_TEST(refusals_say_what_to_do)
{
	static const struct { int status, result; const char *code, *says;
	    bool gone; } all[] = {
		{ 403, BH_EPERM, "BotNotInConversationRoster",
		    "add it to that chat or team again", true },
		{ 404, BH_ENOENT, "ConversationNotFound",
		    "there is no such conversation", true },
		{ 403, BH_EPERM, "BotDisabledByAdmin",
		    "Teams admin center", false },
		{ 403, BH_EPERM, "ConversationBlockedByUser",
		    "unblock it", false },
		{ 403, BH_EPERM, "NotEnoughPermissions",
		    "moderation settings", false },
		{ 403, BH_EPERM, "MessageWritesBlocked",
		    "nobody may write there now", false },
		{ 401, BH_EPERM, "BotNotRegistered",
		    "Microsoft Teams channel", false },
		{ 400, BH_EINVAL, "BadArgument", "BadArgument", false },
		{ 413, BH_EINVAL, "MessageSizeTooBig", "MessageSizeTooBig",
		    false },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		BH_AUTO_FREE char *body = xasprintf("{\"error\":{\"code\":"
		    "\"%s\"}}", all[i].code);

		world_says(&w, GROUP "\"id\":\"8\",\"text\":\"hi\",");
		ck_assert(teams_place_find(w.teams,
		    "19:group@thread.v2")->installed);
		world_serve_token(&w);
		fake_answer(w.fake, &(struct fake_answer){ .match = IN_GROUP,
		    .status = all[i].status, .body = body });
		said((struct bh_post){ .room = "19:group@thread.v2" },
		    all[i].result, "(none)");
		ck_has(w.fake->log, all[i].says);
		ck_assert_int_eq(teams_place_find(w.teams,
		    "19:group@thread.v2")->installed, !all[i].gone);
	}
}
END_TEST

/* The host looks for what may be there, and not for what cannot be. */
START_TEST(may_it_be_there)
{
	static const struct { struct fake_answer answer; int result; } all[] = {
		{ { .result = BH_ENET, .unsent = true }, BH_EBUSY },
		{ { .result = BH_ENET }, BH_ENET },
		{ { .result = BH_ETIMEOUT }, BH_ETIMEOUT },
		{ { .status = 500 }, BH_ENET },
		{ { .status = 502 }, BH_ENET },
		{ { .status = 503 }, BH_EBUSY },
		{ { .status = 412 }, BH_EBUSY },
		{ { .status = 429 }, BH_ELIMIT },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct fake_answer answer = all[i].answer;

		answer.match = IN_GROUP;
		world_serve_token(&w);
		fake_answer(w.fake, &answer);
		said((struct bh_post){ .room = "19:group@thread.v2" },
		    all[i].result, "(none)");
	}
	/* No chat, no message in it. */
	fake_answer(w.fake, &(struct fake_answer){ .match = "\"members\"",
	    .result = BH_ETIMEOUT });
	post((struct bh_post){ .user = GRACE });
	fake_run(w.fake, 600 * 1000);
	ck_assert_int_eq(sent[sent_count - 1].result, BH_EBUSY);
}
END_TEST

/* It went out, but the host could not write that down. */
START_TEST(known_by_its_key)
{
	struct bh_post p = { .room = "19:group@thread.v2", .key = "R1@g#3" };

	fake_ok(w.fake, IN_GROUP, "{\"id\":\"17\"}");
	said(p, BH_OK, "19:group@thread.v2|17");
	p.again = true;
	said(p, BH_OK, "19:group@thread.v2|17");
	ck_assert_uint_eq(requests_to(IN_GROUP), 1);
	p.key = "R1@g#4";
	said(p, BH_OK, "19:group@thread.v2|17");
	ck_assert_uint_eq(requests_to(IN_GROUP), 2);
}
END_TEST

START_TEST(a_deleted_message_is_told)
{
	fake_answer(w.fake, &(struct fake_answer){ .match = IN_GROUP "/17",
	    .status = 404, .body = "{\"error\":{\"code\":"
	    "\"ActivityNotFoundInConversation\"}}" });
	said((struct bh_post){ .room = "19:group@thread.v2", .card = &card,
	    .message = "19:group@thread.v2|17" }, BH_ENOENT, "(none)");
	ck_has(w.fake->log, "the message was deleted");
	ck_assert(teams_place_find(w.teams,
	    "19:group@thread.v2")->installed);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Answers to invokes                                                  */

static struct fake_incoming *
invoke(const char *members)
{
	BH_AUTO_FREE char *activity = world_activity(members);
	struct fake_incoming *r = world_post(&w, activity);

	fake_run(w.fake, 10);
	return r;
}

/* The reply of the newest event. */
static const char *
reply(void)
{
	return fake_event(w.fake, w.fake->inbound.events_count - 1)->reply;
}

#define PRESS	"\"type\":\"invoke\",\"name\":\"adaptiveCard/action\"," \
		"\"replyToId\":\"17\",\"value\":{\"trigger\":\"manual\"," \
		"\"action\":{\"type\":\"Action.Execute\",\"verb\":\"bellhop\"," \
		"\"data\":{\"bellhop-button\":\"token-1\"}}},"
#define SEND_FORM "\"type\":\"invoke\",\"name\":\"adaptiveCard/action\"," \
		"\"replyToId\":\"17\",\"value\":{\"trigger\":\"manual\"," \
		"\"action\":{\"type\":\"Action.Execute\",\"verb\":\"bellhop\"," \
		"\"data\":{\"bellhop-form\":\"f0f0\",\"in-reason\":\"x\"}}},"
#define COMPOSE	"\"type\":\"invoke\",\"name\":\"composeExtension/fetchTask\"," \
		"\"value\":{\"commandId\":\"elevate\"},"
#define SUBMIT	"\"type\":\"invoke\",\"name\":\"composeExtension/" \
		"submitAction\",\"value\":{\"data\":{\"bellhop-form\":" \
		"\"f0f0\",\"in-reason\":\"x\"}},"
#define SEARCH	"\"type\":\"invoke\",\"name\":\"application/search\"," \
		"\"value\":{\"queryText\":\"pro\",\"dataset\":" \
		"\"f0f0/account\"},"

static const char *const long_text =
    "One line of it.\nAnd another, which is why no toast can show it.";

START_TEST(a_short_answer_is_a_toast)
{
	struct fake_incoming *r = invoke(PRESS GROUP "\"id\":\"20\",");

	ck_assert_int_eq(r->status, 0);
	said((struct bh_post){ .room = "19:group@thread.v2",
	    .reply = reply(), .text = "You voted already." }, BH_OK,
	    "(none)");
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "{\"statusCode\":200,\"type\":"
	    "\"application/vnd.microsoft.activity.message\",\"value\":"
	    "\"You voted already.\"}");
	ck_assert_uint_eq(requests_to(IN_GROUP), 0);
}
END_TEST

START_TEST(a_long_answer_is_a_message)
{
	struct fake_incoming *r = invoke(PRESS GROUP "\"id\":\"20\",");

	fake_ok(w.fake, IN_GROUP, "{\"id\":\"21\"}");
	post((struct bh_post){ .room = "19:group@thread.v2",
	    .reply = reply(), .text = long_text });
	fake_run(w.fake, 100);
	ck_assert_int_eq(sent[0].result, BH_OK);
	ck_assert_int_eq(r->status, 0);
	ck_has(request_to(IN_GROUP, 0)->body, "And another");
}
END_TEST

START_TEST(the_pressed_card_is_the_answer)
{
	struct fake_incoming *r = invoke(PRESS GROUP "\"id\":\"20\",");
	struct fake_incoming *other = invoke(PRESS "\"id\":\"22\",");

	fake_ok(w.fake, IN_GROUP "/17", "{\"id\":\"17\"}");
	bellhop_plugin.transport->over(w.teams, reply(), BH_OK);
	said((struct bh_post){ .room = "19:group@thread.v2", .card = &card,
	    .message = "19:group@thread.v2|17" }, BH_OK,
	    "19:group@thread.v2|17");
	ck_assert_int_eq(r->status, 200);
	ck_assert_int_eq(strncmp(r->body, "{\"statusCode\":200,\"type\":"
	    "\"application/vnd.microsoft.card.adaptive\",\"value\":"
	    "{\"type\":\"AdaptiveCard\"", 90), 0);
	/* Another card of the same number in another chat is not it. */
	ck_assert_ptr_null(strstr(other->body, "AdaptiveCard"));
	/* And everybody else sees it, too. */
	ck_assert_uint_eq(requests_to(IN_GROUP "/17"), 1);
}
END_TEST

START_TEST(over_waits_for_the_card)
{
	struct fake_incoming *r = invoke(PRESS GROUP "\"id\":\"20\",");

	bellhop_plugin.transport->over(w.teams, reply(), BH_OK);
	ck_assert_int_eq(r->status, 0);
	fake_run(w.fake, 999);
	ck_assert_int_eq(r->status, 0);
	fake_run(w.fake, 2);
	ck_has(r->body, "\"Done.\"");
	/* But three seconds are all there are, also for what was slow. */
	r = invoke(PRESS GROUP "\"id\":\"22\",");
	fake_run(w.fake, 2300);
	bellhop_plugin.transport->over(w.teams, reply(), BH_OK);
	ck_assert_int_eq(r->status, 0);
	fake_run(w.fake, 600);
	ck_assert_int_eq(r->status, 200);
	ck_has(r->body, "\"Done.\"");
	/* What failed is said at once. */
	r = invoke(PRESS GROUP "\"id\":\"21\",");
	bellhop_plugin.transport->over(w.teams, reply(), BH_EPERM);
	ck_has(r->body, "\"That did not work.\"");
}
END_TEST

START_TEST(dialogs_show_texts)
{
	struct fake_incoming *r = invoke(COMPOSE GROUP "\"id\":\"20\",");

	said((struct bh_post){ .room = "19:group@thread.v2",
	    .reply = reply(), .text = "No rule lets you." }, BH_OK,
	    "(none)");
	ck_assert_str_eq(r->body, "{\"task\":{\"type\":\"message\","
	    "\"value\":\"No rule lets you.\"}}");
	r = invoke(SUBMIT GROUP "\"id\":\"21\",");
	said((struct bh_post){ .room = "19:group@thread.v2",
	    .reply = reply(), .text = long_text }, BH_OK, "(none)");
	ck_has(r->body, "{\"task\":{\"type\":\"continue\",\"value\":"
	    "{\"title\":\"bellhop\"");
	ck_has(r->body, "And another");
	ck_assert_uint_eq(requests_to(IN_GROUP), 0);
}
END_TEST

/* After the interim answer, and where the bot is no member. */
START_TEST(the_compose_box_works_without_us)
{
	struct fake_incoming *r = invoke(SUBMIT GROUP "\"id\":\"20\",");

	fake_run(w.fake, 3000);
	ck_has(r->body, "Working on it");
	fake_answer(w.fake, &(struct fake_answer){ .match = IN_GROUP,
	    .status = 403, .body = "{\"error\":{\"code\":"
	    "\"BotNotInConversationRoster\"}}" });
	fake_ok(w.fake, WITH_ADA, "{\"id\":\"21\"}");
	said((struct bh_post){ .room = "19:group@thread.v2",
	    .reply = reply(), .text = "It waits." }, BH_OK, "a:ada|21");
}
END_TEST

/* ------------------------------------------------------------------ */
/* Forms                                                               */

static const struct bh_input inputs[] = { { .name = "reason",
    .label = "Reason", .type = BH_LINE, .required = true } };
static const struct bh_form form = { .title = "Ask for access",
    .submit = "Ask", .command = "elevate", .inputs = inputs,
    .inputs_count = 1, .token = "f1f1" };

static int
show(const char *room, const char *for_reply)
{
	return bellhop_plugin.transport->ask(w.teams, &form, ADA, room,
	    for_reply);
}

START_TEST(the_compose_box_opens_a_dialog)
{
	struct fake_incoming *r = invoke(COMPOSE GROUP "\"id\":\"20\",");

	ck_assert_int_eq(show("19:group@thread.v2", reply()), BH_OK);
	ck_has(r->body, "{\"task\":{\"type\":\"continue\",\"value\":"
	    "{\"title\":\"Ask for access\",\"height\":\"medium\",\"width\":"
	    "\"medium\",\"card\":{\"contentType\":"
	    "\"application/vnd.microsoft.card.adaptive\",\"content\":{");
	ck_has(r->body, "\"bellhop-form\":\"f1f1\"");
	/* Sent and wrong: the dialog stays. */
	r = invoke(SUBMIT GROUP "\"id\":\"21\",");
	ck_assert_int_eq(show("19:group@thread.v2", reply()), BH_OK);
	ck_has(r->body, "\"type\":\"continue\"");
	/* Sent and right: it closes. */
	r = invoke(SUBMIT GROUP "\"id\":\"22\",");
	bellhop_plugin.transport->over(w.teams, reply(), BH_OK);
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "");
}
END_TEST

START_TEST(a_typed_command_shows_a_form_there)
{
	const struct fake_request *r;

	world_says(&w, CHANNEL "\"id\":\"30\",\"text\":\"!elevate\",");
	fake_ok(w.fake, IN_THREAD, "{\"id\":\"31\"}");
	ck_assert_int_eq(show("19:ch@thread.tacv2", reply()), BH_OK);
	fake_run(w.fake, 100);
	r = request_to(IN_THREAD, 0);
	ck_assert_str_eq(r->method, "POST");
	ck_has(r->body, "Action.Execute");
	ck_has(r->body, "Whoever asked for this form fills it in.");
	/* In a chat with us alone nobody else could. */
	world_says(&w, "\"id\":\"32\",\"text\":\"!elevate\",");
	fake_ok(w.fake, WITH_ADA, "{\"id\":\"33\"}");
	ck_assert_int_eq(show(NULL, reply()), BH_OK);
	fake_run(w.fake, 100);
	ck_assert_ptr_null(strstr(request_to(WITH_ADA, 0)->body, "Whoever"));
}
END_TEST

START_TEST(a_button_leads_to_a_form)
{
	struct fake_incoming *r = invoke(PRESS GROUP "\"id\":\"20\",");

	fake_ok(w.fake, IN_GROUP, "{\"id\":\"31\"}");
	ck_assert_int_eq(show("19:group@thread.v2", reply()), BH_OK);
	ck_has(r->body, "\"The form is in the chat.\"");
	fake_run(w.fake, 100);
	ck_assert_uint_eq(requests_to(IN_GROUP), 1);
	/* The card that was pressed stays what it is. */
	ck_assert_uint_eq(requests_to(IN_GROUP "/17"), 0);
}
END_TEST

START_TEST(a_wrong_form_comes_back_in_its_place)
{
	struct fake_incoming *r = invoke(SEND_FORM GROUP "\"id\":\"20\",");
	const struct fake_request *put;

	fake_ok(w.fake, IN_GROUP "/17", "{\"id\":\"17\"}");
	ck_assert_int_eq(show("19:group@thread.v2", reply()), BH_OK);
	ck_has(r->body, "{\"statusCode\":200,\"type\":\"application/"
	    "vnd.microsoft.card.adaptive\",\"value\":{");
	ck_has(r->body, "\"bellhop-form\":\"f1f1\"");
	bellhop_plugin.transport->over(w.teams, reply(), BH_EINVAL);
	fake_run(w.fake, 100);
	put = request_to(IN_GROUP "/17", 0);
	ck_assert_str_eq(put->method, "PUT");
	ck_has(put->body, "f1f1");
	/* It is not closed, for it was not taken. */
	ck_assert_uint_eq(requests_to(IN_GROUP "/17"), 1);
}
END_TEST

START_TEST(a_form_that_was_taken_is_closed)
{
	struct fake_incoming *r = invoke(SEND_FORM GROUP "\"id\":\"20\",");
	const struct fake_request *put;

	fake_ok(w.fake, IN_GROUP "/17", "{\"id\":\"17\"}");
	bellhop_plugin.transport->over(w.teams, reply(), BH_OK);
	ck_has(r->body, "This form was sent.");
	fake_run(w.fake, 100);
	put = request_to(IN_GROUP "/17", 0);
	ck_assert_str_eq(put->method, "PUT");
	ck_has(put->body, "This form was sent.");
	ck_assert_ptr_null(strstr(put->body, "Input."));
}
END_TEST

/* A client that knows no Action.Execute sends a message. */
START_TEST(an_old_client_sends_a_form)
{
	world_says(&w, GROUP "\"id\":\"20\",\"replyToId\":\"17\",\"value\":"
	    "{\"bellhop-form\":\"f0f0\",\"in-reason\":\"x\"},");
	fake_ok(w.fake, IN_GROUP "/17", "{\"id\":\"17\"}");
	ck_assert_int_eq(show("19:group@thread.v2", reply()), BH_OK);
	fake_run(w.fake, 100);
	ck_has(request_to(IN_GROUP "/17", 0)->body, "f1f1");
}
END_TEST

/* The compose box where the bot is no member: nothing was opened in time. */
START_TEST(a_late_form_goes_to_the_person)
{
	struct fake_incoming *r = invoke(COMPOSE GROUP "\"id\":\"20\",");

	fake_run(w.fake, 3000);
	ck_has(r->body, "takes longer");
	fake_ok(w.fake, WITH_ADA, "{\"id\":\"21\"}");
	ck_assert_int_eq(show("19:group@thread.v2", reply()), BH_OK);
	fake_run(w.fake, 100);
	ck_assert_uint_eq(requests_to(WITH_ADA), 1);
	ck_assert_uint_eq(requests_to(IN_GROUP), 0);
	/* Nobody knows the reply any more, after a restart. */
	fake_ok(w.fake, IN_GROUP, "{\"id\":\"22\"}");
	ck_assert_int_eq(show("19:group@thread.v2", "t4711"), BH_OK);
	fake_run(w.fake, 100);
	ck_assert_uint_eq(requests_to(IN_GROUP), 1);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Choices                                                             */

START_TEST(choices_as_one_types)
{
	static const struct bh_choice choices[] = {
	    { "111122223333", "prod-payments" }, { "4444", "**prod**" },
	    { "bad\xff", "not UTF-8" } };
	struct fake_incoming *r = invoke(SEARCH "\"id\":\"20\",");

	bellhop_plugin.transport->offers(w.teams, reply(), choices, 3);
	ck_assert_str_eq(r->body, "{\"type\":\"application/"
	    "vnd.microsoft.search.searchResponse\",\"value\":{\"results\":["
	    "{\"title\":\"prod-payments\",\"value\":\"111122223333\"},"
	    "{\"title\":\"**prod**\",\"value\":\"4444\"}]}}");
}
END_TEST

START_TEST(so_many_choices)
{
	static struct bh_choice many[200];
	static char label[4000], value[400];
	struct fake_incoming *r = invoke(SEARCH "\"id\":\"20\",");

	memset(label, '"', sizeof(label) - 1);
	memset(value, '\\', sizeof(value) - 1);
	for (size_t i = 0; i < 200; i++)
		many[i] = (struct bh_choice){ value, label };
	bellhop_plugin.transport->offers(w.teams, reply(), many, 200);
	ck_assert_int_eq(r->status, 200);
	ck_assert_uint_le(bh_utf16_len(r->body), TEAMS_WEIGHT);
	ck_assert_uint_ge(strlen(r->body), TEAMS_WEIGHT - 2500);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Dots                                                                */

START_TEST(dots_while_it_takes_long)
{
	world_says(&w, GROUP "\"id\":\"20\",\"text\":\"!status\",");
	fake_answer(w.fake, &(struct fake_answer){ .match = IN_GROUP,
	    .status = 202, .body = "{}" });
	fake_run(w.fake, 1400);
	ck_assert_uint_eq(requests_to(IN_GROUP), 0);
	fake_run(w.fake, 200);
	ck_assert_uint_eq(requests_to(IN_GROUP), 1);
	ck_assert_str_eq(request_to(IN_GROUP, 0)->body,
	    "{\"type\":\"typing\"}");
}
END_TEST

START_TEST(dots_are_not_worth_a_second_try)
{
	world_says(&w, GROUP "\"id\":\"20\",\"text\":\"!status\",");
	fake_answer(w.fake, &(struct fake_answer){ .match = IN_GROUP,
	    .status = 503 });
	fake_run(w.fake, 60 * 1000);
	ck_assert_uint_eq(requests_to(IN_GROUP), 1);
}
END_TEST

START_TEST(no_dots_once_it_was_answered)
{
	fake_ok(w.fake, IN_GROUP, "{\"id\":\"21\"}");
	world_says(&w, GROUP "\"id\":\"20\",\"text\":\"!status\",");
	said((struct bh_post){ .room = "19:group@thread.v2",
	    .reply = reply() }, BH_OK, "19:group@thread.v2|21");
	ck_assert_uint_eq(requests_to(IN_GROUP), 1);
	world_says(&w, GROUP "\"id\":\"22\",\"text\":\"just talk\",");
	bellhop_plugin.transport->over(w.teams, reply(), BH_OK);
	fake_run(w.fake, 5000);
	ck_assert_uint_eq(requests_to(IN_GROUP), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("teams-send");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, up, down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, to_a_channel);
	tcase_add_test(tc, to_a_thread);
	tcase_add_test(tc, by_name);
	tcase_add_test(tc, to_a_channel_never_heard_of);
	tcase_add_test(tc, a_card_goes_alone);
	tcase_add_test(tc, edits);
	tcase_add_test(tc, important_things_first);
	tcase_add_test(tc, to_a_person);
	tcase_add_test(tc, to_a_person_for_the_first_time);
	tcase_add_test(tc,
	    a_multi_tenant_bot_opens_chats_in_a_directory);
	tcase_add_test(tc, a_person_who_has_not_the_app);
	tcase_add_test(tc, refusals_say_what_to_do);
	tcase_add_test(tc, may_it_be_there);
	tcase_add_test(tc, known_by_its_key);
	tcase_add_test(tc, a_deleted_message_is_told);
	tcase_add_test(tc, a_short_answer_is_a_toast);
	tcase_add_test(tc, a_long_answer_is_a_message);
	tcase_add_test(tc, the_pressed_card_is_the_answer);
	tcase_add_test(tc, over_waits_for_the_card);
	tcase_add_test(tc, dialogs_show_texts);
	tcase_add_test(tc, the_compose_box_works_without_us);
	tcase_add_test(tc, the_compose_box_opens_a_dialog);
	tcase_add_test(tc, a_typed_command_shows_a_form_there);
	tcase_add_test(tc, a_button_leads_to_a_form);
	tcase_add_test(tc, a_wrong_form_comes_back_in_its_place);
	tcase_add_test(tc, a_form_that_was_taken_is_closed);
	tcase_add_test(tc, an_old_client_sends_a_form);
	tcase_add_test(tc, a_late_form_goes_to_the_person);
	tcase_add_test(tc, choices_as_one_types);
	tcase_add_test(tc, so_many_choices);
	tcase_add_test(tc, dots_while_it_takes_long);
	tcase_add_test(tc, dots_are_not_worth_a_second_try);
	tcase_add_test(tc, no_dots_once_it_was_answered);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
