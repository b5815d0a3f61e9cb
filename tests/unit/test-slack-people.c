/* test-slack-people.c - who may be trusted, and which room is meant.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

static struct { int count, result; unsigned flags; char name[200], email[200];
} got;

static void
is_who(void *arg, int result, const struct bh_who *who)
{
	(void)arg;
	got.count++;
	got.result = result;
	got.flags = who != NULL ? who->flags : 0;
	snprintf(got.name, sizeof(got.name), "%s", who != NULL &&
	    who->name != NULL ? who->name : "");
	snprintf(got.email, sizeof(got.email), "%s", who != NULL &&
	    who->email != NULL ? who->email : "");
}

static void
who(const char *body)
{
	memset(&got, 0, sizeof(got));
	fake_forget_answers(fake);
	fake_ok(fake, "users.info", body);
	slack_who(slack, "U1", is_who, NULL);
	fake_run(fake, 60000);
	ck_assert_int_eq(got.count, 1);
}

static void
user(const char *members)
{
	struct bh_buf b = BH_BUF(4000);

	bh_buf_add(&b, "{\"ok\":true,\"user\":{\"id\":\"U1\",%s,\"name\":"
	    "\"ada\",\"profile\":{\"real_name\":\"Ada Lovelace\","
	    "\"email\":\"ada@acme.example\"}}}", members);
	who(bh_buf_text(&b));
	ck_assert_int_eq(got.result, BH_OK);
	bh_buf_release(&b);
}

static void
up(void)
{
	slack_up();
	slack_tokens_open(slack);
}

START_TEST(a_member)
{
	user("\"team_id\":\"T0\",\"is_email_confirmed\":true");
	ck_assert_str_eq(got.name, "Ada Lovelace");
	ck_assert_str_eq(got.email, "ada@acme.example");
	ck_assert_uint_eq(got.flags, 0);
	ck_assert_str_eq(fake->requests[0].body, "user=U1");
}
END_TEST

/* Every kind of account that is none of a member, and what it may be. */
START_TEST(kinds_of_accounts)
{
	static const struct { const char *members; unsigned flags; bool mail; }
	    rows[] = {
		{ "\"team_id\":\"T0\"", 0, true },
		{ "\"team_id\":\"T0\",\"is_email_confirmed\":false", 0, false },
		{ "\"team_id\":\"T0\",\"is_restricted\":true", BH_USER_GUEST, false },
		{ "\"team_id\":\"T0\",\"is_restricted\":true,"
		  "\"is_ultra_restricted\":true", BH_USER_GUEST, false },
		{ "\"team_id\":\"T0\",\"is_stranger\":true", BH_USER_GUEST, false },
		{ "\"team_id\":\"T9\"", BH_USER_GUEST, false },
		{ "\"team_id\":\"T9\",\"is_stranger\":true", BH_USER_GUEST, false },
		{ "\"is_admin\":true", BH_USER_GUEST, false },	/* of no team */
		{ "\"team_id\":null", BH_USER_GUEST, false },
		{ "\"team_id\":\"T0OTHER\"", 0, true },	/* listed */
		{ "\"team_id\":\"T0\",\"is_bot\":true", BH_USER_BOT, false },
		{ "\"team_id\":\"T0\",\"is_workflow_bot\":true",
		  BH_USER_BOT, false },
		{ "\"team_id\":\"T0\",\"deleted\":true", BH_USER_GONE, false },
		{ "\"team_id\":\"T9\",\"deleted\":true,\"is_bot\":true",
		  BH_USER_GONE | BH_USER_BOT | BH_USER_GUEST, false },
		{ "\"team_id\":\"T0\",\"is_app_user\":true", 0, true },
		{ "\"team_id\":\"T0\",\"is_owner\":true", 0, true },
		{ "\"team_id\":\"T9\",\"enterprise_user\":{\"id\":\"U1\","
		  "\"enterprise_id\":\"E0\",\"teams\":[\"T9\"]}", 0, true },
		{ "\"team_id\":\"T9\",\"enterprise_user\":{\"id\":\"U1\","
		  "\"enterprise_id\":\"E9\",\"teams\":[\"T9\"]}",
		  BH_USER_GUEST, false },
		{ "\"team_id\":\"T9\",\"enterprise_user\":{\"id\":\"U1\","
		  "\"enterprise_id\":\"E9\",\"teams\":[\"T9\",\"T0\"]}", 0,
		  true },
	};

	bh_set(&slack->enterprise, "E0");
	for (size_t i = 0; i < COUNT(rows); i++) {
		user(rows[i].members);
		ck_assert_msg(got.flags == rows[i].flags, "%s: %x",
		    rows[i].members, got.flags);
		/* The address of somebody else's is somebody else's word. */
		ck_assert_msg((*got.email != '\0') == rows[i].mail, "%s: %s",
		    rows[i].members, got.email);
	}
	who("{\"ok\":true,\"user\":{\"id\":\"USLACKBOT\",\"team_id\":\"T0\","
	    "\"name\":\"slackbot\"}}");
	ck_assert_uint_eq(got.flags, BH_USER_BOT);
	ck_assert_str_eq(got.name, "slackbot");
}
END_TEST

START_TEST(not_known_is_not_known)
{
	static const struct { const char *body; int result; } rows[] = {
		{ "{\"ok\":false,\"error\":\"user_not_found\"}", BH_ENOENT },
		{ "{\"ok\":false,\"error\":\"user_not_visible\"}", BH_ENOENT },
		{ "{\"ok\":false,\"error\":\"missing_scope\"}", BH_EBUSY },
		{ "{\"ok\":true}", BH_EPARSE },
		{ "{\"ok\":true,\"user\":null}", BH_EPARSE },
		{ "nonsense", BH_ENET },
		{ "{\"ok\":false,\"error\":\"internal_error\"}", BH_ENET },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		who(rows[i].body);
		ck_assert_msg(got.result == rows[i].result, "%s: %d",
		    rows[i].body, got.result);
	}
}
END_TEST

/* What was kept over a restart asks at once; but who is ours cannot be said
 * before we know who we are. */
START_TEST(asked_before_we_know_ourselves)
{
	free(slack->team);
	slack->team = NULL;
	memset(&got, 0, sizeof(got));
	fake_ok(fake, "users.info", "{\"ok\":true,\"user\":{\"id\":\"U1\","
	    "\"team_id\":\"T0\",\"name\":\"ada\"}}");
	slack_who(slack, "U1", is_who, NULL);
	fake_run(fake, 5000);
	ck_assert_int_eq(got.count, 0);
	ck_assert_uint_eq(fake->requests_count, 0);
	fake_ok(fake, "auth.test", "{\"ok\":true,\"team_id\":\"T0\","
	    "\"user_id\":\"U0\",\"user\":\"bellhop\"}");
	slack_people_connect(slack);
	fake_run(fake, 5000);
	ck_assert_int_eq(got.count, 1);
	ck_assert_int_eq(got.result, BH_OK);
	ck_assert_uint_eq(got.flags, 0);
	/* One that is never known asks for nothing when it closes. */
	free(slack->team);
	slack->team = NULL;
	slack_who(slack, "U2", is_who, NULL);
	slack_people_close(slack);
	ck_assert_int_eq(got.count, 1);
}
END_TEST

/* ------------------------------------------------------------------ */

static void
is_where(void *arg, int result, const struct bh_where *where)
{
	(void)arg;
	got.count++;
	got.result = result;
	got.flags = where != NULL ? where->flags : 0;
	snprintf(got.name, sizeof(got.name), "%s", where != NULL ?
	    where->name : "");
}

START_TEST(rooms)
{
	static const struct { const char *channel; int result;
	    const char *name; unsigned flags; } rows[] = {
		{ "{\"ok\":true,\"channel\":{\"id\":\"C1\",\"name\":\"pay\","
		  "\"is_channel\":true}}", BH_OK, "#pay", 0 },
		{ "{\"ok\":true,\"channel\":{\"id\":\"C1\",\"name\":\"pay\","
		  "\"is_ext_shared\":true}}", BH_OK, "#pay", BH_ROOM_SHARED },
		{ "{\"ok\":true,\"channel\":{\"id\":\"C1\",\"name\":\"pay\","
		  "\"is_pending_ext_shared\":true}}", BH_OK, "#pay",
		  BH_ROOM_SHARED },
		{ "{\"ok\":true,\"channel\":{\"id\":\"C1\",\"name\":\"pay\","
		  "\"is_shared\":true,\"is_org_shared\":true}}", BH_OK, "#pay",
		  0 },
		{ "{\"ok\":true,\"channel\":{\"id\":\"D1\",\"is_im\":true}}",
		  BH_OK, "", 0 },
		{ "{\"ok\":false,\"error\":\"channel_not_found\"}", BH_ENOENT,
		  "", 0 },
		{ "{\"ok\":true}", BH_EPARSE, "", 0 },
		{ "{\"ok\":false,\"error\":\"missing_scope\"}", BH_EBUSY, "",
		  0 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(&got, 0, sizeof(got));
		fake_forget_answers(fake);
		fake_ok(fake, "conversations.info", rows[i].channel);
		slack_where(slack, "C1", is_where, NULL);
		fake_run(fake, 10000);
		ck_assert_int_eq(got.count, 1);
		ck_assert_int_eq(got.result, rows[i].result);
		ck_assert_str_eq(got.name, rows[i].name);
		ck_assert_uint_eq(got.flags, rows[i].flags);
	}
}
END_TEST

/* ------------------------------------------------------------------ */

static struct { int count, result; char id[100]; } room;

static void
is_room(void *arg, int result, const char *id)
{
	(void)arg;
	room.count++;
	room.result = result;
	snprintf(room.id, sizeof(room.id), "%s", id != NULL ? id : "");
}

static const char *
find(const char *name)
{
	memset(&room, 0, sizeof(room));
	slack_room(slack, name, is_room, NULL);
	fake_run(fake, 1000);
	return room.id;
}

START_TEST(rooms_by_name)
{
	fake_answer(fake, &(struct fake_answer){ .match = "cursor=",
	    .body = "{\"ok\":true,\"channels\":[{\"id\":\"C0PLATFORM\","
	    "\"name\":\"platform\"}],\"response_metadata\":"
	    "{\"next_cursor\":\"\"}}" });
	fake_ok(fake, "users.conversations", "{\"ok\":true,\"channels\":["
	    "{\"id\":\"C0PAYMENTS\",\"name\":\"payments\"}],"
	    "\"response_metadata\":{\"next_cursor\":\"ab=\"}}");
	/* An id needs no question. */
	ck_assert_str_eq(find("C0123ABCD"), "C0123ABCD");
	ck_assert_uint_eq(fake->requests_count, 0);
	ck_assert_str_eq(find("platform"), "C0PLATFORM");
	ck_assert_uint_eq(fake->requests_count, 2);
	ck_assert_ptr_nonnull(strstr(fake->requests[1].body,
	    "cursor=ab%3D"));
	ck_assert_str_eq(find("#payments"), "C0PAYMENTS");
	ck_assert_uint_eq(fake->requests_count, 2);
	/* What is not there is asked for once a minute. */
	ck_assert_str_eq(find("nowhere"), "");
	ck_assert_int_eq(room.result, BH_ENOENT);
	ck_assert_uint_eq(fake->requests_count, 2);
	fake_run(fake, 60000);
	find("nowhere");
	ck_assert_int_eq(room.result, BH_ENOENT);
	ck_assert_uint_eq(fake->requests_count, 4);
}
END_TEST

START_TEST(many_ask_at_once)
{
	fake_answer(fake, &(struct fake_answer){
	    .match = "users.conversations", .delay = 100, .body = "{\"ok\":"
	    "true,\"channels\":[{\"id\":\"C0PAYMENTS\",\"name\":"
	    "\"payments\"}]}" });
	memset(&room, 0, sizeof(room));
	for (int i = 0; i < 50; i++)
		slack_room(slack, "payments", is_room, NULL);
	fake_run(fake, 1000);
	ck_assert_int_eq(room.count, 50);
	ck_assert_uint_eq(fake->requests_count, 1);
}
END_TEST

START_TEST(the_list_cannot_be_read)
{
	fake_ok(fake, "users.conversations",
	    "{\"ok\":false,\"error\":\"internal_error\"}");
	memset(&room, 0, sizeof(room));
	slack_room(slack, "payments", is_room, NULL);
	fake_run(fake, 10000);
	ck_assert_int_eq(room.result, BH_ENET);
	/* That says nothing about the room: it is asked again. */
	fake_forget_answers(fake);
	fake_ok(fake, "users.conversations", "{\"ok\":true,\"channels\":["
	    "{\"id\":\"C0PAYMENTS\",\"name\":\"payments\"}]}");
	ck_assert_str_eq(find("payments"), "C0PAYMENTS");
}
END_TEST

/* A token for a whole organisation names the workspace. */
START_TEST(workspaces_of_an_organisation)
{
	slack->org = true;
	fake_answer(fake, &(struct fake_answer){ .match = "team_id=T0OTHER",
	    .body = "{\"ok\":true,\"channels\":[{\"id\":\"C0PAYMENTS\","
	    "\"name\":\"payments\"}]}" });
	ck_assert_str_eq(find("payments"), "C0PAYMENTS");
}
END_TEST

/* ------------------------------------------------------------------ */

static int heard;

static void
known(struct slack *s)
{
	(void)s;
	heard++;
}

START_TEST(who_we_are)
{
	heard = 0;
	bh_set(&slack->team, NULL);
	slack->known = known;
	fake_answer(fake, &(struct fake_answer){ .match = "auth.test",
	    .status = 503, .times = 3 });
	fake_ok(fake, "auth.test", "{\"ok\":true,\"user_id\":\"U0BOT\","
	    "\"bot_id\":\"B0\",\"team_id\":\"T0\",\"team\":\"Acme\","
	    "\"user\":\"bellhop\",\"enterprise_id\":\"E0\","
	    "\"is_enterprise_install\":true}");
	slack_people_connect(slack);
	fake_run(fake, 1500);
	ck_assert_int_eq(heard, 0);
	fake_run(fake, 60000);
	ck_assert_int_eq(heard, 1);
	ck_assert_str_eq(slack->team, "T0");
	ck_assert_str_eq(slack->enterprise, "E0");
	ck_assert(slack->org);
	ck_assert_int_eq(fake->health, BH_UP);
	fake_run(fake, 3600000);
	ck_assert_uint_eq(fake->requests_count, 4);
}
END_TEST

START_TEST(nobody_says_who_we_are)
{
	bh_set(&slack->team, NULL);
	fake_ok(fake, "auth.test",
	    "{\"ok\":false,\"error\":\"account_inactive\"}");
	slack_people_connect(slack);
	fake_run(fake, 3600000);
	ck_assert_ptr_null(slack->team);
	ck_assert_int_eq(fake->health, BH_DOWN);
	ck_assert_ptr_nonnull(strstr(fake->health_text, "account_inactive"));
	/* At a pace that hurts nobody. */
	ck_assert_uint_le(fake->requests_count, 30);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_member, kinds_of_accounts,
		not_known_is_not_known, asked_before_we_know_ourselves,
		rooms, rooms_by_name,
		many_ask_at_once, the_list_cannot_be_read,
		workspaces_of_an_organisation, who_we_are,
		nobody_says_who_we_are, NULL };

	return run_suite_with("slack-people", tests, up);
}
