/* test-teams-doctor.c - what the doctor prints of what the network says.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/mem.h"
#include "host/base/text.h"
#include "tests/unit/teams-world.h"

#define ROOM	"19:pay@thread.tacv2"
/* Clears the screen, ends the line, turns the order, is not seen. */
#define EVIL	"\\u001b[2J\\u001b]0;x\\u0007\\r\\nok       all is well\\u009b1m" \
		"\\u202e\\u200b\\u2066"

static struct teams_world w;

/* One run of a tool, as the host has it. */
static struct {
	struct bh_call call;		/* first */
	struct bh_api api;
	struct bh_buf out;
	const char *rooms;
	int ended;
} tool;

static const char *
tool_config(struct bh_call *call, const char *key)
{
	(void)call;
	return bh_host_config(&w.fake->host, key);
}

static const char *
tool_arg(struct bh_call *call, const char *name)
{
	(void)call;
	return strcmp(name, "rooms") == 0 ? tool.rooms : NULL;
}

static int BH_PRINTF(2, 3)
tool_reply(struct bh_call *call, const char *fmt, ...)
{
	va_list ap;

	(void)call;
	va_start(ap, fmt);
	bh_buf_vadd(&tool.out, fmt, ap);
	va_end(ap);
	bh_buf_puts(&tool.out, "\n");
	return BH_OK;
}

static int BH_PRINTF(3, 4)
tool_fail(struct bh_call *call, const char *arg, const char *fmt, ...)
{
	(void)call;
	(void)arg;
	(void)fmt;
	return BH_EINVAL;
}

static void
tool_end(struct bh_call *call, int result)
{
	(void)call;
	tool.ended = result;
}

static struct bh_host *
tool_host(struct bh_call *call)
{
	(void)call;
	return &w.fake->host;
}

static const char *
public_url(struct bh_host *host)
{
	(void)host;
	return "https://bellhop.acme.example";
}

static void
up(void)
{
	world_new(&w, NULL);
	tool.api = *w.fake->host.api;
	tool.api.call_config = tool_config;
	tool.api.arg = tool_arg;
	tool.api.reply = tool_reply;
	tool.api.fail = tool_fail;
	tool.api.end = tool_end;
	tool.api.host_of = tool_host;
	tool.api.public_url = public_url;
	w.fake->host.api = &tool.api;
	tool.call.api = &tool.api;
	tool.out = (struct bh_buf)BH_BUF(1u << 20);
	tool.rooms = NULL;
	tool.ended = BH_PENDING;
}

static void
down(void)
{
	world_free(&w);
	bh_buf_release(&tool.out);
}

static const char *
doctor(void)
{
	const struct bh_command *c = bellhop_plugin.tools;

	while (strcmp(c->name, "doctor") != 0)
		c++;
	ck_assert_int_eq(c->run(&tool.call, w.teams), BH_PENDING);
	fake_run(w.fake, INT64_C(600) * 1000);
	ck_assert_int_ne(tool.ended, BH_PENDING);
	return bh_buf_text(&tool.out);
}

static void
has(const char *out, const char *line)
{
	ck_assert_msg(strstr(out, line) != NULL, "no \"%s\" in:\n%s", line,
	    out);
}

/* Nothing but lines of ours, of what can be seen. */
static void
is_clean(const char *out)
{
	ck_assert_msg(text_utf8_ok(out, strlen(out)), "%s", out);
	for (const char *p = out; *p != '\0';) {
		uint32_t c = bh_utf8_next(&p);

		ck_assert_msg(c == '\n' || !bh_utf8_unseen(c), "%x in:\n%s",
		    (unsigned)c, out);
	}
	for (const char *p = out; *p != '\0'; p = strchr(p, '\n') + 1)
		ck_assert_msg(strncmp(p, "problem  ", 9) == 0 ||
		    (strncmp(p, "ok       ", 9) == 0 &&
		    strncmp(p, "ok       all is well", 20) != 0), "%s", p);
}

static void
serve_connector(void)
{
	fake_answer(w.fake, &(struct fake_answer){ .match = "nobody",
	    .status = 404, .body = "{\"error\":{\"code\":"
	    "\"ConversationNotFound\"}}" });
}

START_TEST(all_is_well)
{
	const char *out;

	world_open(&w);
	world_serve(&w, 1);
	serve_connector();
	fake_ok(w.fake, "19%3Apay", "{\"members\":[{},{}]}");
	tool.rooms = ROOM;
	out = doctor();
	ck_assert_msg(tool.ended == BH_OK, "%s", out);
	has(out, "must be https://bellhop.acme.example/api/messages\n");
	has(out, "ok       a token can be had by client secret\n");
	has(out, "ok       Microsoft's keys are there: 1, 1 of them for Teams");
	has(out, "ok       the connector answers, and takes the bot's token\n");
	has(out, "ok       the bot is in " ROOM ", with 2 others\n");
	has(out, "Nothing is wrong.");
}
END_TEST

/* Each answer as hostile as it can be. */
START_TEST(hostile_answers)
{
	static const char code[] = "{\"error\":{\"code\":\"x" EVIL "y\"}}";
	static const struct { const char *match; int status;
		const char *body, *says; } rows[] = {
		{ METADATA, 200, "{\"issuer\":\"z" EVIL "\",\"jwks_uri\":\""
		    JWKS_URI "\"}", "is of the issuer z" },
		{ METADATA, 200, "{\"issuer\":\"z\",\"jwks_uri\":"
		    "\"https://login.botframework.com/" EVIL "\"}",
		    "leads astray" },
		{ METADATA, 200, "{\"issuer\":\"z\",\"jwks_uri\":"
		    "\"https://login.botframework.com/\\u202e\\u001b\"}",
		    "keys cannot be had from" },
		{ "/oauth2/", 400, "{\"error\":\"invalid_client\","
		    "\"error_description\":\"AADSTS1: w" EVIL "\"}",
		    "the login service refuses" },
		{ "nobody", 401, code, "does not take the bot's token (x" },
		{ "nobody", 500, code, "the connector is not reached: x" },
		{ "19%3Apay", 403, code, "the bot is not in " ROOM " (x" },
		{ "19%3Apay", 400, code, ROOM " cannot be looked at: x" },
		{ "v1.0/users", 403, code, "Graph says nothing (x" },
		{ "v1.0/users", 400, code, "Graph is not reached: x" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *out;

		if (i > 0) {
			down();
			up();
		}
		world_set(&w, "email", "graph");
		world_open(&w);
		fake_answer(w.fake, &(struct fake_answer){
		    .match = rows[i].match, .status = rows[i].status,
		    .body = rows[i].body });
		fake_ok(w.fake, "/oauth2/v2.0/token", "{\"token_type\":"
		    "\"Bearer\",\"expires_in\":3600,\"access_token\":\"t\"}");
		serve_connector();
		tool.rooms = ROOM;
		out = doctor();
		has(out, rows[i].says);
		is_clean(out);
		ck_assert_int_eq(tool.ended, BH_EINVAL);
	}
}
END_TEST

/* Nor does any of it drown what there is to be done. */
START_TEST(long_answers)
{
	struct bh_buf body = BH_BUF(1u << 17);
	const char *out;

	bh_buf_puts(&body, "{\"error\":{\"code\":\"");
	for (int i = 0; i < 9000; i++)
		bh_buf_puts(&body, "\xe2\x82\xac");
	bh_buf_puts(&body, "\"}}");
	world_open(&w);
	world_serve(&w, 1);
	serve_connector();
	fake_answer(w.fake, &(struct fake_answer){ .match = "19%3Apay",
	    .status = 403, .body = body.data });
	tool.rooms = ROOM;
	out = doctor();
	has(out, "\xe2\x82\xac\xe2\x80\xa6): add the app to that team");
	is_clean(out);
	bh_buf_release(&body);
}
END_TEST

/* Where the running bot fetches no keys the doctor does not either. */
START_TEST(keys_elsewhere)
{
	const char *out;

	world_open(&w);
	world_serve_token(&w);
	fake_ok(w.fake, METADATA, "{\"issuer\":\"https://api.botframework.com\""
	    ",\"jwks_uri\":\"https://evil.example/keys\"}");
	out = doctor();
	has(out, "leads astray: its metadata names a jwks_uri on another host");
	ck_assert_uint_eq(fake_count(w.fake, "evil.example"), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		all_is_well, hostile_answers, long_answers, keys_elsewhere,
	};
	Suite *s = suite_create("teams-doctor");
	TCase *tc = tcase_create("doctor");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, up, down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
