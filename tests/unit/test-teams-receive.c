/* test-teams-receive.c - from activities to events, and what Teams is told.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/mem.h"
#include "tests/unit/teams-world.h"

#define ADA	"ada00000-0000-4000-8000-000000000001"
#define ROOM	"\"conversation\":{\"id\":\"19:pay@thread.tacv2;" \
		"messageid=1700\",\"conversationType\":\"channel\"," \
		"\"isGroup\":true,\"tenantId\":\"" TENANT "\"}," \
		"\"channelData\":{\"team\":{\"id\":\"19:team@thread.tacv2\"," \
		"\"name\":\"Payments\"},\"channel\":{\"id\":" \
		"\"19:pay@thread.tacv2\",\"name\":\"Alarms\"},\"tenant\":" \
		"{\"id\":\"" TENANT "\"}},"
#define GROUP	"\"conversation\":{\"id\":\"19:group@thread.v2\"," \
		"\"conversationType\":\"groupChat\",\"isGroup\":true," \
		"\"tenantId\":\"" TENANT "\"},"
#define MENTION	"\"entities\":[{\"type\":\"mention\",\"mentioned\":{\"id\":" \
		"\"28:" APP "\",\"name\":\"bellhop\"},\"text\":" \
		"\"<at>bellhop</at>\"},{\"type\":\"clientInfo\",\"locale\":" \
		"\"en-US\"}],"

static struct teams_world w;

static void
up(void)
{
	world_new(&w, NULL);
	world_open(&w);
	world_serve(&w, 1);
	world_connect(&w);
}

static void
down(void)
{
	world_free(&w);
}

static const struct bh_event *
last_event(void)
{
	ck_assert_uint_gt(w.fake->inbound.events_count, 0);
	return fake_event(w.fake, w.fake->inbound.events_count - 1);
}

static size_t
events(void)
{
	return w.fake->inbound.events_count;
}

static void
is(const char *text, const char *wanted)
{
	if (wanted == NULL)
		ck_assert_ptr_null(text);
	else {
		ck_assert_ptr_nonnull(text);
		ck_assert_str_eq(text, wanted);
	}
}

/* ------------------------------------------------------------------ */
/* Messages                                                            */

START_TEST(where_it_was_said)
{
	static const struct { const char *more; int kind; const char *room,
	    *name, *thread, *id; } rows[] = {
		{ "", BH_EV_MESSAGE, NULL, NULL, NULL, "a:ada|7" },
		{ GROUP, BH_EV_MESSAGE, "19:group@thread.v2", NULL, NULL,
		    "19:group@thread.v2|7" },
		{ GROUP MENTION, BH_EV_COMMAND, "19:group@thread.v2", NULL,
		    NULL, "19:group@thread.v2|7" },
		{ ROOM, BH_EV_MESSAGE, "19:pay@thread.tacv2",
		    "Payments/Alarms", "19:pay@thread.tacv2|1700",
		    "19:pay@thread.tacv2;messageid=1700|7" },
		{ ROOM MENTION, BH_EV_COMMAND, "19:pay@thread.tacv2",
		    "Payments/Alarms", "19:pay@thread.tacv2|1700",
		    "19:pay@thread.tacv2;messageid=1700|7" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_FREE char *more = xasprintf("\"id\":\"7\",\"text\":"
		    "\"%sstatus\",%s", rows[i].kind == BH_EV_COMMAND ?
		    "<at>bellhop</at> " : "", rows[i].more);
		struct fake_incoming *r = world_says(&w, more);
		const struct bh_event *e = last_event();

		ck_assert_int_eq(r->status, 200);
		ck_assert_str_eq(r->body, "");
		ck_assert_int_eq(e->kind, rows[i].kind);
		is(e->text, "status");
		is(e->room, rows[i].room);
		is(e->room_name, rows[i].name);
		is(e->thread, rows[i].thread);
		is(e->id, rows[i].id);
		is(e->user, ADA);
		is(e->name, "Ada");
		is(e->email, NULL);
		ck_assert_uint_eq(e->user_flags, 0);
		ck_assert_ptr_nonnull(e->reply);
	}
}
END_TEST

#define SAYS(text, entities, typed, us) \
	{ "\"text\":" text ",\"entities\":[" entities "],", typed, us }
#define WE(text) "{\"type\":\"mention\",\"mentioned\":{\"id\":\"28:" APP \
	"\",\"name\":\"bellhop\"},\"text\":" text "}"
#define BOB(text) "{\"type\":\"mention\",\"mentioned\":{\"id\":\"29:bob\"," \
	"\"name\":\"Bob <b> Brown\"},\"text\":" text "}"

START_TEST(what_was_typed)
{
	static const struct { const char *more, *typed; bool us; } rows[] = {
		SAYS("\"<at>bellhop</at> status\\n\"",
		    WE("\"<at>bellhop</at>\""), "status", true),
		SAYS("\"<at>bellhop</at>\xc2\xa0status\xc2\xa0\\r\\n \"",
		    WE("\"<at>bellhop</at>\""), "status", true),
		SAYS("\"<at id=\\\"0\\\">the bellhop</at> status\"",
		    WE("\"<at id=\\\"0\\\">the bellhop</at>\""), "status", true),
		SAYS("\"status <at>bellhop</at> please\"",
		    WE("\"<at>bellhop</at>\""), "status  please", true),
		SAYS("\"<at>bellhop</at> deny <at>Bob</at> 7\"",
		    BOB("\"<at>Bob</at>\"") "," WE("\"<at>bellhop</at>\""),
		    "deny @Bob <b> Brown 7", true),
		/* Names are no identity: who is called like us is not us. */
		SAYS("\"<at>bellhop</at> status\"",
		    BOB("\"<at>bellhop</at>\""), "@Bob <b> Brown status",
		    false),
		/* Markup without an entity is what somebody typed. */
		SAYS("\"<at>bellhop</at> status\"", "",
		    "<at>bellhop</at> status", false),
		SAYS("\"a < b <at>bellhop</at> c\"",
		    WE("\"<at>bellhop</at>\""), "a < b  c", true),
		/* The longer of two that fit. */
		SAYS("\"<at>bellhop</at></at> x\"", WE("\"<at>bellhop</at>\"")
		    "," BOB("\"<at>bellhop</at></at>\""),
		    "@Bob <b> Brown x", false),
		SAYS("\"<at>bellhop</at></at> x\"",
		    BOB("\"<at>bellhop</at></at>\"") ","
		    WE("\"<at>bellhop</at>\""), "@Bob <b> Brown x", false),
		SAYS("\"status\"", WE("\"\""), "status", false),
		SAYS("\"<b>status\"", WE("\"\""), "<b>status", false),
		SAYS("\"status\"", "{\"type\":\"mention\"},{},1,null,"
		    "{\"type\":\"mention\",\"text\":1}", "status", false),
		SAYS("\"<at>x</at> y\"", "{\"type\":\"mention\",\"text\":"
		    "\"<at>x</at>\"}", "@? y", false),
		{ "\"text\":\"a &lt; b &amp;amp; c\",\"textFormat\":\"xml\",",
		    "a < b &amp; c", false },
		{ "\"text\":\"a &lt; b\",\"textFormat\":\"plain\",",
		    "a &lt; b", false },
		{ "\"text\":\"status\",\"attachments\":[{\"contentType\":"
		    "\"text/html\",\"content\":\"<p>drop</p>\"}],", "status",
		    false },
		{ "\"text\":\"\",", "", false }, { "\"text\":null,", "", false },
		{ "\"text\":1,", "", false },
		{ "\"text\":\"\xe2\x80\xae" "abc\",", "\xe2\x80\xae" "abc",
		    false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_FREE char *text = world_activity(rows[i].more);
		struct bh_value *a = bh_json(&w.fake->host, text,
		    strlen(text), NULL);
		struct bh_buf out = BH_BUF(1000);

		ck_assert_msg(a != NULL, "%s", text);
		ck_assert_msg(teams_text_typed(w.teams, &out, a) ==
		    rows[i].us, "%s", text);
		ck_assert_str_eq(bh_buf_text(&out), rows[i].typed);
		bh_buf_release(&out);
		bh_json_free(&w.fake->host, a);
	}
}
END_TEST

/* Who only calls our name is told what we are for. */
/* Each piece of a text is compared with the markup of all mentions, so that this
 * has an end: what is longer than any name is none. */
START_TEST(endless_mentions)
{
	for (size_t len = 900; len <= 1100; len += 200) {
		struct bh_buf more = BH_BUF(1u << 20), markup = BH_BUF(2000);

		bh_buf_puts(&markup, "<at>");
		while (markup.len < len)
			bh_buf_puts(&markup, "x");
		bh_buf_add(&more, "\"text\":\"%s status\",\"entities\":["
		    "{\"type\":\"mention\",\"mentioned\":{\"id\":\"28:" APP
		    "\"},\"text\":\"%s\"}],", bh_buf_text(&markup),
		    bh_buf_text(&markup));
		ck_assert_int_eq(world_says(&w, more.data)->status, 200);
		ck_assert_int_eq(last_event()->kind, len < 1024 ?
		    BH_EV_COMMAND : BH_EV_MESSAGE);
		bh_buf_release(&more);
		bh_buf_release(&markup);
	}
}
END_TEST

START_TEST(just_our_name)
{
	world_says(&w, GROUP MENTION "\"text\":\"<at>bellhop</at>\xc2\xa0\",");
	ck_assert_int_eq(last_event()->kind, BH_EV_COMMAND);
	is(last_event()->text, "help");
}
END_TEST

START_TEST(who_it_was)
{
	static const struct { const char *more, *user; unsigned flags; }
	    rows[] = {
		{ "\"from\":{\"id\":\"29:x\",\"aadObjectId\":\"ABC-1\"},",
		    "abc-1", 0 },
		{ "\"from\":{\"id\":\"29:x\",\"aadObjectId\":\"abc-1\","
		    "\"role\":\"user\",\"tenantId\":\"" TENANT "\"},",
		    "abc-1", 0 },
		{ "\"from\":{\"id\":\"29:x\",\"aadObjectId\":\"abc-1\","
		    "\"tenantId\":\"other\"},", "abc-1", BH_USER_GUEST },
		{ "\"channelData\":{\"tenant\":{\"id\":\"other\"}},\"from\":"
		    "{\"id\":\"29:x\",\"aadObjectId\":\"abc-1\"},", "abc-1",
		    BH_USER_GUEST },
		{ "\"from\":{\"id\":\"28:bot\",\"name\":\"A bot\"},",
		    "28:bot", BH_USER_BOT | BH_USER_GUEST },
		{ "\"from\":{\"id\":\"28:bot\",\"aadObjectId\":\"abc-1\","
		    "\"role\":\"bot\"},", "abc-1", BH_USER_BOT },
		{ "\"from\":{\"id\":\"29:x\",\"aadObjectId\":null},", "29:x",
		    BH_USER_BOT | BH_USER_GUEST },
		{ "\"from\":{\"id\":\"29:x\",\"aadObjectId\":\"\"},", "29:x",
		    BH_USER_BOT | BH_USER_GUEST },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BH_AUTO_FREE char *more = xasprintf("\"text\":\"hi\",%s",
		    rows[i].more);

		ck_assert_int_eq(world_says(&w, more)->status, 200);
		ck_assert_msg(strcmp(last_event()->user, rows[i].user) == 0,
		    "%s", rows[i].more);
		ck_assert_msg(last_event()->user_flags == rows[i].flags,
		    "%s: %u", rows[i].more, last_event()->user_flags);
	}
}
END_TEST

START_TEST(nobody_and_nowhere)
{
	static const char *const rows[] = {
		"\"from\":{\"name\":\"Ada\"},", "\"from\":null,",
		"\"from\":\"Ada\",", "\"from\":{\"id\":\"\"},",
		"\"conversation\":{\"tenantId\":\"" TENANT "\"},",
		"\"conversation\":{\"id\":\"\",\"tenantId\":\"" TENANT "\"},",
		"\"conversation\":{\"id\":\";messageid=1\",\"tenantId\":\""
		    TENANT "\"},",
	};
	static const char *const types[] = { "message", "invoke" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < 2; k++) {
			BH_AUTO_FREE char *more = xasprintf("\"type\":\"%s\","
			    "\"name\":\"task/fetch\",\"text\":\"hi\",%s",
			    types[k], rows[i]);

			ck_assert_msg(world_says(&w, more)->status == 400,
			    "%s", more);
		}
	ck_assert_uint_eq(events(), 0);
}
END_TEST

/* 200 is said when it is on the disk, and not before. */
START_TEST(acknowledged_when_durable)
{
	BH_AUTO_FREE char *a = world_activity("\"text\":\"hi\",\"id\":\"1\",");
	struct fake_incoming *r = world_post(&w, a);

	ck_assert_uint_eq(events(), 1);
	ck_assert_int_eq(r->status, 0);
	fake_run(w.fake, 1);
	ck_assert_int_eq(r->status, 200);

	w.fake->inbound.received_result = BH_EFULL;
	r = world_says(&w, "\"text\":\"hi\",\"id\":\"2\",");
	ck_assert_int_eq(r->status, 503);
	ck_assert_str_eq(r->body, "");

	w.fake->inbound.deliver_result = BH_EBUSY;
	r = world_says(&w, "\"text\":\"hi\",\"id\":\"3\",");
	ck_assert_int_eq(r->status, 503);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Cards                                                               */

#define BUTTON	"\"bellhop-button\":\"b-token\""
#define FORM	"\"bellhop-form\":\"f-token\",\"in-account\":\"prod\"," \
		"\"in-days\":3,\"in-sure\":true,\"in-list\":[1],\"other\":" \
		"\"x\",\"in-why\":\"because\""

static void
is_form(const struct bh_event *e)
{
	static const char *const want[] = { "account", "prod", "days", "3",
	    "sure", "yes", "why", "because" };

	ck_assert_int_eq(e->kind, BH_EV_FORM);
	is(e->token, "f-token");
	ck_assert_uint_eq(e->fields_count, 4);
	for (size_t i = 0; i < 4; i++) {
		is(e->fields[i].name, want[2 * i]);
		is(e->fields[i].value, want[2 * i + 1]);
	}
}

START_TEST(action_submit)
{
	struct fake_incoming *r = world_says(&w, "\"id\":\"1\",\"replyToId\":"
	    "\"900\",\"value\":{" BUTTON "},");

	ck_assert_int_eq(r->status, 200);
	ck_assert_int_eq(last_event()->kind, BH_EV_BUTTON);
	is(last_event()->token, "b-token");
	is(teams_reply_find(w.teams, last_event()->reply)->activity, "900");
	r = world_says(&w, "\"id\":\"2\",\"value\":{" FORM "},");
	ck_assert_int_eq(r->status, 200);
	is_form(last_event());
	/* Somebody else's card: an empty message, which the host ignores. */
	world_says(&w, "\"id\":\"3\",\"value\":{\"x\":1},");
	ck_assert_int_eq(last_event()->kind, BH_EV_MESSAGE);
	is(last_event()->text, "");
}
END_TEST

/* One invoke: its answer may still be open. */
static struct fake_incoming *
invoke(const char *name, const char *value)
{
	static int n;
	BH_AUTO_FREE char *more = xasprintf("\"type\":\"invoke\",\"id\":"
	    "\"f:%d\",\"name\":\"%s\",\"replyToId\":\"900\",\"value\":%s,",
	    ++n, name, value);
	BH_AUTO_FREE char *a = world_activity(more);
	struct fake_incoming *r = world_post(&w, a);

	fake_run(w.fake, 10);
	return r;
}

/* A member of the answer, by a path such as "task/type"; "" if it is empty. */
static const char *
answer(const struct fake_incoming *r, const char *path)
{
	static char text[1000];
	struct bh_value *v, *at;
	const char *error = NULL;

	ck_assert_int_eq(r->status, 200);
	if (*r->body == '\0')
		return "";
	ck_assert_ptr_nonnull(strstr(r->headers,
	    "Content-Type: application/json"));
	v = bh_json(&w.fake->host, r->body, strlen(r->body), &error);
	ck_assert_msg(v != NULL, "%s: %s", r->body, error);
	at = v;
	while (*path != '\0' && at != NULL) {
		size_t len = strcspn(path, "/");
		BH_AUTO_FREE char *key = xstrndup(path, len);
		union { const struct bh_value *in; struct bh_value *out; }
		    both = { bh_get(at, key) };

		at = both.out;
		path += len + (path[len] == '/');
	}
	snprintf(text, sizeof(text), "%s", at == NULL ? "(none)" :
	    at->text != NULL ? at->text : "(no text)");
	bh_json_free(&w.fake->host, v);
	return text;
}

#define SAYS_TYPE	"application/vnd.microsoft.activity.message"
#define FOUND_TYPE	"application/vnd.microsoft.search.searchResponse"

START_TEST(kinds_of_invokes)
{
	static const struct { const char *name, *value; int from, kind;
	    bool extension; const char *token, *text; } rows[] = {
		{ "adaptiveCard/action", "{\"action\":{\"type\":"
		    "\"Action.Execute\",\"verb\":\"bellhop\",\"data\":{" BUTTON
		    "}},\"trigger\":\"manual\"}", TEAMS_EXECUTE, BH_EV_BUTTON,
		    false, "b-token", NULL },
		{ "adaptiveCard/action", "{\"action\":{\"data\":{" BUTTON
		    "}}}", TEAMS_EXECUTE, BH_EV_BUTTON, false, "b-token",
		    NULL },
		{ "adaptiveCard/action", "{\"action\":{\"data\":{" FORM "}}}",
		    TEAMS_EXECUTE, BH_EV_FORM, false, "f-token", NULL },
		{ "task/fetch", "{\"data\":{" BUTTON "}}", TEAMS_FETCH,
		    BH_EV_BUTTON, false, "b-token", NULL },
		{ "task/submit", "{\"data\":{" FORM "}}", TEAMS_SUBMIT,
		    BH_EV_FORM, false, "f-token", NULL },
		{ "composeExtension/fetchTask", "{\"commandId\":\"elevate\"}",
		    TEAMS_FETCH, BH_EV_COMMAND, true, NULL, "elevate" },
		{ "composeExtension/submitAction", "{\"commandId\":\"elevate\""
		    ",\"data\":{" FORM "}}", TEAMS_SUBMIT, BH_EV_FORM, true,
		    "f-token", NULL },
		{ "application/search", "{\"kind\":\"search\",\"queryText\":"
		    "\"pro\",\"queryOptions\":{\"skip\":0,\"top\":15},"
		    "\"dataset\":\"f-token/account\"}", TEAMS_SEARCH,
		    BH_EV_COMPLETE, false, "f-token", "pro" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_incoming *r = invoke(rows[i].name, rows[i].value);
		const struct bh_event *e = last_event();
		struct teams_reply *reply = teams_reply_find(w.teams,
		    e->reply);

		ck_assert_int_eq(r->status, 0);
		ck_assert_msg(e->kind == rows[i].kind, "%s", rows[i].name);
		is(e->token, rows[i].token);
		is(e->text, rows[i].text);
		is(e->user, ADA);
		ck_assert_ptr_nonnull(reply);
		ck_assert_int_eq(reply->from, rows[i].from);
		ck_assert_int_eq(reply->extension, rows[i].extension);
		is(reply->activity, "900");
		is(reply->from_id, "29:ada");
		if (e->kind == BH_EV_FORM) {
			is_form(e);
			is(reply->form, "f-token");
		}
		if (e->kind == BH_EV_COMPLETE)
			is(e->input, "account");
		ck_assert(teams_reply_answer(reply, "{\"it\":\"works\"}"));
		is(answer(r, "it"), "works");
		ck_assert(!teams_reply_answer(reply, "{}"));
		ck_assert(!teams_reply_text(reply, "again"));
	}
}
END_TEST

START_TEST(unknown_invokes)
{
	static const char *const names[] = {
		"signin/verifyState", "signin/tokenExchange",
		"message/submitAction", "fileConsent/invoke", "config/fetch",
		"composeExtension/query", "composeExtension/queryLink",
		"adaptiveCard/Action", "task/fetch2", "", "x",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fake_incoming *r = invoke(names[i], "{" BUTTON "}");

		ck_assert_msg(r->status == 501, "%s: %d", names[i], r->status);
		ck_assert_str_eq(r->body, "");
	}
	ck_assert_int_eq(world_says(&w, "\"type\":\"invoke\",")->status, 501);
	ck_assert_uint_eq(events(), 0);
}
END_TEST

/* What is no card of ours gets a sentence, at once. */
START_TEST(foreign_cards)
{
	static const struct { const char *name, *value, *path, *type; }
	    rows[] = {
		{ "adaptiveCard/action", "{}", "type", SAYS_TYPE },
		{ "adaptiveCard/action", "null", "type", SAYS_TYPE },
		{ "adaptiveCard/action", "[]", "type", SAYS_TYPE },
		{ "adaptiveCard/action", "{\"action\":{\"data\":\"x\"}}",
		    "type", SAYS_TYPE },
		{ "adaptiveCard/action", "{\"action\":{\"data\":"
		    "{\"bellhop-button\":7}}}", "type", SAYS_TYPE },
		{ "task/fetch", "{\"data\":{\"x\":1}}", "task/type",
		    "message" },
		{ "task/submit", "{}", "task/type", "message" },
		{ "composeExtension/fetchTask", "{\"commandId\":\"drop\"}",
		    "task/type", "message" },
		{ "composeExtension/fetchTask", "{}", "task/type", "message" },
		{ "application/search", "{\"dataset\":\"x\"}", "type",
		    FOUND_TYPE },
		{ "application/search", "{\"dataset\":\"/x\"}", "type",
		    FOUND_TYPE },
		{ "application/search", "{}", "type", FOUND_TYPE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is(answer(invoke(rows[i].name, rows[i].value), rows[i].path),
		    rows[i].type);
	ck_assert_uint_eq(events(), 0);
}
END_TEST

/* A client that draws a card anew presses nothing: else each drawing would
 * run the command, and change the card, which draws it anew. */
START_TEST(automatic_refresh)
{
	struct fake_incoming *r = invoke("adaptiveCard/action", "{\"action\":"
	    "{\"data\":{" BUTTON "}},\"trigger\":\"automatic\"}");

	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(r->body, "");
	ck_assert_uint_eq(events(), 0);
}
END_TEST

/* 2.5 s, then something fitting; what comes later goes another way. */
START_TEST(interim_answers)
{
	static const struct { const char *name, *value, *path, *type; }
	    rows[] = {
		{ "adaptiveCard/action", "{\"action\":{\"data\":{" BUTTON
		    "}}}", "type", SAYS_TYPE },
		{ "task/fetch", "{\"data\":{" BUTTON "}}", "task/type",
		    "message" },
		{ "task/submit", "{\"data\":{" FORM "}}", "task/type",
		    "message" },
		{ "composeExtension/submitAction", "{\"data\":{" FORM "}}",
		    "task/type", "message" },
		{ "application/search", "{\"queryText\":\"\",\"dataset\":"
		    "\"f/x\"}", "type", FOUND_TYPE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_incoming *r = invoke(rows[i].name, rows[i].value);
		BH_AUTO_FREE char *id = xstrdup(last_event()->reply);

		fake_run(w.fake, 2400);
		ck_assert_int_eq(r->status, 0);
		fake_run(w.fake, 200);
		is(answer(r, rows[i].path), rows[i].type);
		/* It lives on: the answer is to come by the connector. */
		ck_assert(teams_reply_find(w.teams, id)->answered);
		bellhop_plugin.transport->over(w.teams, id, BH_OK);
		ck_assert_ptr_null(teams_reply_find(w.teams, id));
	}
	fake_run(w.fake, 2500);
}
END_TEST

START_TEST(over_without_a_word)
{
	static const struct { const char *name, *value; int result;
	    const char *path, *type; } rows[] = {
		{ "adaptiveCard/action", "{\"action\":{\"data\":{" BUTTON
		    "}}}", BH_EIO, "type", SAYS_TYPE },
		{ "task/submit", "{\"data\":{" FORM "}}", BH_OK, "", "" },
		{ "task/submit", "{\"data\":{" FORM "}}", BH_EIO, "task/type",
		    "message" },
		{ "task/fetch", "{\"data\":{" BUTTON "}}", BH_OK, "task/type",
		    "message" },
		{ "application/search", "{\"dataset\":\"f/x\"}", BH_OK, "type",
		    FOUND_TYPE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_incoming *r = invoke(rows[i].name, rows[i].value);
		BH_AUTO_FREE char *id = xstrdup(last_event()->reply);

		bellhop_plugin.transport->over(w.teams, id, rows[i].result);
		is(answer(r, rows[i].path), rows[i].type);
		ck_assert_ptr_null(teams_reply_find(w.teams, id));
	}
	/* Nonsense is no reply of anybody's. */
	bellhop_plugin.transport->over(w.teams, "t999999", BH_OK);
	bellhop_plugin.transport->over(w.teams, "", BH_OK);
	bellhop_plugin.transport->over(w.teams, "x1", BH_OK);
	bellhop_plugin.transport->over(w.teams, NULL, BH_OK);
}
END_TEST

/* What could not be written down was not done, and is said so at once. */
START_TEST(invokes_that_fail)
{
	struct fake_incoming *r;

	w.fake->inbound.received_result = BH_EIO;
	r = invoke("adaptiveCard/action", "{\"action\":{\"data\":{" BUTTON
	    "}}}");
	is(answer(r, "type"), SAYS_TYPE);
	ck_assert_ptr_nonnull(strstr(answer(r, "value"), "nothing was done"));
	w.fake->inbound.deliver_result = BH_EBUSY;
	r = invoke("task/submit", "{\"data\":{" FORM "}}");
	ck_assert_ptr_nonnull(strstr(answer(r, "task/value"),
	    "Too much is going on"));
}
END_TEST

START_TEST(closed_while_waiting)
{
	BH_AUTO_FREE char *a = world_activity("\"text\":\"hi\",\"id\":\"1\",");
	struct fake_incoming *r = invoke("task/fetch", "{\"data\":{" BUTTON
	    "}}"), *m = world_post(&w, a);

	bellhop_plugin.close(w.teams);
	w.teams = NULL;
	is(answer(r, "task/type"), "message");
	/* Not stored, as far as we know: it shall come again. */
	ck_assert_int_eq(m->status, 503);
}
END_TEST

static void
talk(int times)
{
	while (times-- > 0)
		teams_reply_new(w.teams, TEAMS_MESSAGE);
}

/* Replies that nothing ends are not kept for ever. */
START_TEST(replies_of_idle_talk)
{
	world_says(&w, "\"text\":\"hi\",\"id\":\"1\",");

	BH_AUTO_FREE char *first = xstrdup(last_event()->reply);

	fake_run(w.fake, INT64_C(3500) * 1000);
	talk(520);
	ck_assert_ptr_nonnull(teams_reply_find(w.teams, first));
	fake_run(w.fake, INT64_C(200) * 1000);
	talk(520);
	ck_assert_ptr_null(teams_reply_find(w.teams, first));
}
END_TEST

/* ------------------------------------------------------------------ */
/* The rest                                                            */

START_TEST(nothing_to_be_done)
{
	static const char *const types[] = {
		"messageReaction", "messageUpdate", "messageDelete", "typing",
		"event", "endOfConversation", "handoff", "trace", "command",
		"nobody-knows",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		BH_AUTO_FREE char *more = xasprintf("\"type\":\"%s\",\"text\":"
		    "\"!status\",\"reactionsAdded\":[{\"type\":\"like\"}],",
		    types[i]);
		struct fake_incoming *r = world_says(&w, more);

		ck_assert_msg(r->status == 200, "%s", types[i]);
		ck_assert_str_eq(r->body, "");
	}
	ck_assert_uint_eq(events(), 0);
}
END_TEST

#define ADDED	"\"type\":\"conversationUpdate\",\"membersAdded\":[{\"id\":" \
		"\"28:" APP "\"}],"
#define REMOVED	"\"type\":\"conversationUpdate\",\"membersRemoved\":" \
		"[{\"id\":\"28:" APP "\"}],"

#define INSTALLED "\"type\":\"installationUpdate\",\"action\":\"add\","

/* How many events there would be if each id counted once, as it does with the
 * host. */
static size_t
ids(void)
{
	size_t n = 0, k;

	for (size_t i = 0; i < events(); i++) {
		for (k = 0; k < i && strcmp(fake_event(w.fake, k)->id,
		    fake_event(w.fake, i)->id) != 0; k++)
			;
		n += k == i;
	}
	return n;
}

/* The first words are the help, once for each time that the app is new. */
START_TEST(installed)
{
	const struct teams_place *p;

	ck_assert_int_eq(world_says(&w, ADDED "\"id\":\"1\",")->status, 200);
	ck_assert_uint_eq(events(), 1);
	ck_assert_int_eq(last_event()->kind, BH_EV_COMMAND);
	is(last_event()->text, "help");
	is(last_event()->user, ADA);
	is(last_event()->id, "a:ada|installed|1");
	world_says(&w, INSTALLED "\"id\":\"2\",");
	world_says(&w, "\"type\":\"installationUpdate\","
	    "\"action\":\"add-upgrade\",");
	world_says(&w, "\"type\":\"conversationUpdate\",\"membersAdded\":"
	    "[{\"id\":\"29:bob\"}],");
	ck_assert_uint_eq(events(), 2);
	ck_assert_uint_eq(ids(), 1);
	p = teams_place_of_user(w.teams, ADA);
	ck_assert(p != NULL && p->installed);

	ck_assert_int_eq(world_says(&w, "\"type\":\"installationUpdate\","
	    "\"action\":\"remove\",")->status, 200);
	ck_assert(!p->installed);
	world_says(&w, REMOVED);
	ck_assert_uint_eq(ids(), 1);
	fake_run(w.fake, INT64_C(600) * 1000);
	world_says(&w, INSTALLED);
	world_says(&w, ADDED);
	ck_assert_uint_eq(ids(), 2);
	ck_assert(p->installed);
	/* Who spoke before it was said, too. */
	world_says(&w, GROUP "\"text\":\"hi\",\"id\":\"3\",");
	ck_assert_uint_eq(ids(), 3);
	world_says(&w, ADDED GROUP);
	ck_assert_uint_eq(ids(), 4);
	is(last_event()->text, "help");
	/* In a team nobody need have an account to be told. */
	ck_assert_int_eq(world_says(&w, ADDED ROOM "\"from\":null,")->status,
	    200);
	ck_assert_uint_eq(ids(), 4);
}
END_TEST

/* Who could not be welcomed is welcomed when Teams says it again. */
START_TEST(installed_while_the_disk_is_full)
{
	w.fake->inbound.received_result = BH_EFULL;
	ck_assert_int_eq(world_says(&w, ADDED "\"id\":\"1\",")->status, 503);
	w.fake->inbound.received_result = BH_OK;
	w.fake->inbound.deliver_result = BH_EBUSY;
	ck_assert_int_eq(world_says(&w, INSTALLED "\"id\":\"2\",")->status,
	    503);
	w.fake->inbound.deliver_result = BH_OK;
	ck_assert_int_eq(world_says(&w, ADDED "\"id\":\"1\",")->status, 200);
	ck_assert_uint_eq(events(), 3);
	is(last_event()->text, "help");
	ck_assert_uint_eq(ids(), 1);
}
END_TEST

/* Neither of the two ways is acknowledged before the welcome is durable: the
 * one that was would be the only one, if we died in between. */
START_TEST(installed_when_durable)
{
	BH_AUTO_FREE char *one = world_activity(ADDED "\"id\":\"1\",");
	BH_AUTO_FREE char *two = world_activity(INSTALLED "\"id\":\"2\",");
	struct fake_incoming *r[2];

	w.fake->inbound.received_after = 100;
	r[0] = world_post(&w, one);
	r[1] = world_post(&w, two);
	fake_run(w.fake, 50);
	ck_assert_int_eq(r[0]->status, 0);
	ck_assert_int_eq(r[1]->status, 0);
	fake_run(w.fake, 100);
	ck_assert_int_eq(r[0]->status, 200);
	ck_assert_int_eq(r[1]->status, 200);
	ck_assert_uint_eq(ids(), 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		where_it_was_said, what_was_typed, endless_mentions,
		just_our_name, who_it_was,
		nobody_and_nowhere, acknowledged_when_durable, action_submit,
		kinds_of_invokes, unknown_invokes, foreign_cards,
		automatic_refresh, interim_answers, over_without_a_word,
		invokes_that_fail, closed_while_waiting, replies_of_idle_talk,
		nothing_to_be_done, installed,
		installed_while_the_disk_is_full, installed_when_durable,
	};
	Suite *s = suite_create("teams-receive");
	TCase *tc = tcase_create("receive");
	SRunner *runner = srunner_create(s);
	int failed;

	world_key(0);	/* once, for all that fork */
	tcase_add_checked_fixture(tc, up, down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
