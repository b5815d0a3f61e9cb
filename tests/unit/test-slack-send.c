/* test-slack-send.c - each post of the host by the way that it needs.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

static struct { int count, result; char message[200]; } sent;

static void
is_sent(void *arg, int result, const char *message)
{
	(void)arg;
	sent.count++;
	sent.result = result;
	snprintf(sent.message, sizeof(sent.message), "%s", message != NULL ?
	    message : "none");
}

static void
send_it(const struct bh_post *post)
{
	memset(&sent, 0, sizeof(sent));
	ck_assert_int_eq(slack_send(slack, post, is_sent, NULL), BH_OK);
	fake_run(fake, 30000);
	ck_assert_int_eq(sent.count, 1);
}

static void
up(void)
{
	slack_up();
	slack_tokens_open(slack);
}

static const char posted[] =
    "{\"ok\":true,\"channel\":\"C0PAYMENTS\",\"ts\":\"17.1\"}";

static struct bh_value *
body_of(const char *match, size_t n)
{
	const struct fake_request *r = fake_find(fake, match, n);
	struct bh_value *v;

	ck_assert_msg(r != NULL, "no request %s", match);
	v = parsed(r->body);
	if (bh_get(v, "blocks") != NULL)
		ck_assert_pstr_eq(slack_limits_message(v), NULL);
	return v;
}

static struct slack_reply *
reply_from(int from, const char *channel, bool url)
{
	struct slack_reply *r = slack_reply_new(slack, from);

	r->user = bh_copy("U0ADA");
	r->channel = bh_copy(channel);
	if (url) {
		r->response_url = bh_copy("https://hooks.slack.example/x");
		r->responses = 5;
		r->response_until = bh_mono(&fake->host) + 1800000;
	}
	return r;
}

/* ------------------------------------------------------------------ */
/* To a room                                                           */

START_TEST(a_message_in_a_room)
{
	struct bh_value *v;

	fake_ok(fake, "chat.postMessage", posted);
	send_it(&(struct bh_post){ .key = "grant:7QK2@x#1",
	    .room = "C0PAYMENTS", .text = "a & *b* <!here>",
	    .thread = "C0PAYMENTS:16.5" });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_str_eq(sent.message, "C0PAYMENTS:17.1");
	v = body_of("chat.postMessage", 0);
	ck_assert_str_eq(bh_get_text(v, "channel"), "C0PAYMENTS");
	ck_assert_str_eq(bh_get_text(v, "thread_ts"), "16.5");
	ck_assert_str_eq(bh_get_text(v, "text"), "a &amp; *b* &lt;!here&gt;");
	ck_assert_str_eq(bh_get_text(v, "parse"), "none");
	ck_assert(!bh_get_bool(v, "mrkdwn", true));
	ck_assert(!bh_get_bool(v, "link_names", true));
	ck_assert(!bh_get_bool(v, "unfurl_links", true));
	ck_assert(!bh_get_bool(v, "unfurl_media", true));
	ck_assert_str_eq(bh_get_text(bh_get(v, "metadata"), "event_type"),
	    "bellhop_post");
	ck_assert_str_eq(bh_get_text(bh_get(bh_get(v, "metadata"),
	    "event_payload"), "key"), "grant:7QK2@x#1");
	bh_json_free(&fake->host, v);
}
END_TEST

START_TEST(a_room_by_its_name)
{
	struct bh_value *v;

	fake_ok(fake, "users.conversations", "{\"ok\":true,\"channels\":["
	    "{\"id\":\"C0PAYMENTS\",\"name\":\"payments\"}]}");
	fake_ok(fake, "chat.postMessage", posted);
	send_it(&(struct bh_post){ .key = "k", .room = "payments",
	    .text = "x" });
	ck_assert_int_eq(sent.result, BH_OK);
	v = body_of("chat.postMessage", 0);
	ck_assert_str_eq(bh_get_text(v, "channel"), "C0PAYMENTS");
	bh_json_free(&fake->host, v);
	send_it(&(struct bh_post){ .key = "k", .room = "nowhere",
	    .text = "x" });
	ck_assert_int_eq(sent.result, BH_ENOENT);
	ck_assert_ptr_nonnull(strstr(fake->log, "nowhere"));
	ck_assert_ptr_nonnull(strstr(fake->log, "/invite"));
}
END_TEST

START_TEST(what_slack_says_against_it)
{
	static const struct { const char *error; int result; } rows[] = {
		{ "channel_not_found", BH_ENOENT },
		{ "not_in_channel", BH_ENOENT },
		{ "is_archived", BH_EPERM },
		{ "restricted_action", BH_EPERM },
		{ "restricted_action_thread_only_channel", BH_EPERM },
		{ "user_not_found", BH_ENOENT },
		{ "messages_tab_disabled", BH_ENOENT },
		{ "missing_scope", BH_EBUSY },
		{ "something_new", BH_EBUSY },
		{ "fatal_error", BH_ENET },
		{ "token_revoked", BH_EBUSY },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bh_buf body = BH_BUF(200);

		bh_buf_add(&body, "{\"ok\":false,\"error\":\"%s\"}",
		    rows[i].error);
		fake_forget_answers(fake);
		fake_ok(fake, "chat.postMessage", bh_buf_text(&body));
		send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
		    .text = "x" });
		ck_assert_msg(sent.result == rows[i].result, "%s: %d",
		    rows[i].error, sent.result);
		bh_buf_release(&body);
	}
	ck_assert_ptr_nonnull(strstr(fake->log, "/invite @bellhop"));
}
END_TEST

/* A lost answer is not a reason to post twice. */
START_TEST(an_unknown_outcome)
{
	fake_answer(fake, &(struct fake_answer){ .match = "chat.postMessage",
	    .result = BH_ENET });
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x" });
	ck_assert_int_eq(sent.result, BH_ENET);
	ck_assert_uint_eq(fake->requests_count, 1);
	/* One that never got out is certainly not there. */
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "chat.postMessage",
	    .result = BH_ENET, .unsent = true });
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x" });
	ck_assert_int_eq(sent.result, BH_EBUSY);
	ck_assert_uint_eq(fake->requests_count, 4);
	/* Nor one that Slack turned away as too much. */
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "chat.postMessage",
	    .status = 429, .headers = { "retry-after", "600" } });
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x" });
	ck_assert_int_eq(sent.result, BH_ELIMIT);
}
END_TEST

/* Something that we made Slack does not like: the words get there. */
START_TEST(refused_blocks)
{
	static const char *const words[] = { "invalid_blocks",
		"msg_blocks_too_long" };
	struct bh_span title = { BH_SPAN_TEXT, "t", NULL, 0 };
	struct bh_card card = { .title = &title, .title_count = 1 };

	for (size_t i = 0; i < COUNT(words); i++) {
		struct bh_buf body = BH_BUF(200);
		struct bh_value *v;

		bh_buf_add(&body, "{\"ok\":false,\"error\":\"%s\"}",
		    words[i]);
		fake_forget_answers(fake);
		fake_answer(fake, &(struct fake_answer){
		    .match = "chat.postMessage", .body = bh_buf_text(&body),
		    .times = 1 });
		fake_ok(fake, "chat.postMessage", posted);
		send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
		    .text = "the words", .card = &card });
		ck_assert_int_eq(sent.result, BH_OK);
		v = body_of("chat.postMessage", 2 * i + 1);
		ck_assert_ptr_nonnull(strstr(fake_find(fake,
		    "chat.postMessage", 2 * i + 1)->body,
		    "{\"type\":\"text\",\"text\":\"the words\"}"));
		bh_json_free(&fake->host, v);
		bh_buf_release(&body);
	}
}
END_TEST

/* So much is to be sent that a lane takes no more: it is certainly not there,
 * and the host tries again. */
START_TEST(crowded_lanes)
{
	struct slack_reply *r = reply_from(SLACK_SLASH, "C0PAYMENTS", true);

	fake_ok(fake, NULL, posted);
	fake->turns_refused = true;
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x" });
	ck_assert_int_eq(sent.result, BH_EBUSY);
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .text = "x", .reply = r->id });
	ck_assert_int_eq(sent.result, BH_EBUSY);
	ck_assert_uint_eq(fake->requests_count, 0);
	fake->turns_refused = false;
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x" });
	ck_assert_int_eq(sent.result, BH_OK);
}
END_TEST

START_TEST(cards_with_buttons_go_first)
{
	struct bh_span title = { BH_SPAN_TEXT, "t", NULL, 0 };
	struct bh_button button = { "b", "b", "7QK2", BH_PLAIN, "t" };
	struct bh_card card = { .title = &title, .title_count = 1 };
	struct bh_post post = { .key = "k", .room = "C0PAYMENTS",
		.text = "x" };

	/* Virtual time alone: nothing moves until all three have asked. */
	memset(&sent, 0, sizeof(sent));
	fake_ok(fake, NULL, posted);
	slack_send(slack, &post, is_sent, NULL);
	post.card = &card;
	slack_send(slack, &post, is_sent, NULL);
	card.buttons = &button;
	card.buttons_count = 1;
	slack_send(slack, &post, is_sent, NULL);
	ck_assert_uint_eq(fake->turns_count, 3);
	ck_assert_uint_eq(fake->requests_count, 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(fake->turns[i].lane,
		    "chat.postMessage C0PAYMENTS");
	ck_assert_int_eq(fake->turns[0].rank, SLACK_NOTICE);
	ck_assert_int_eq(fake->turns[1].rank, SLACK_CARD);
	ck_assert_int_eq(fake->turns[2].rank, SLACK_APPROVAL);
	fake_run(fake, 1000);
	ck_assert_int_eq(sent.count, 3);
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_uint_eq(fake->requests_count, 3);
	ck_assert_ptr_nonnull(strstr(fake->requests[0].body, "\"b0\""));
	ck_assert_ptr_null(strstr(fake->requests[1].body, "\"b0\""));
	ck_assert_ptr_nonnull(strstr(fake->requests[1].body, "\"text\":\"t\""));
	ck_assert_ptr_null(strstr(fake->requests[2].body, "\"text\":\"t\""));
}
END_TEST

/* ------------------------------------------------------------------ */
/* Edits                                                               */

START_TEST(an_edit)
{
	struct bh_value *v;

	fake_ok(fake, "chat.update", posted);
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .message = "C0PAYMENTS:17.1", .text = "new" });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_str_eq(sent.message, "C0PAYMENTS:17.1");
	v = body_of("chat.update", 0);
	ck_assert_str_eq(bh_get_text(v, "channel"), "C0PAYMENTS");
	ck_assert_str_eq(bh_get_text(v, "ts"), "17.1");
	ck_assert_str_eq(bh_get_text(v, "text"), "new");
	bh_json_free(&fake->host, v);
	/* It may be done twice, and is tried again. */
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "chat.update",
	    .status = 500, .times = 1 });
	fake_ok(fake, "chat.update", posted);
	send_it(&(struct bh_post){ .message = "C0PAYMENTS:17.1",
	    .room = "C0PAYMENTS", .text = "new" });
	ck_assert_int_eq(sent.result, BH_OK);
}
END_TEST

/* It cannot be edited any more: the host shows it anew. */
START_TEST(messages_that_are_gone)
{
	static const char *const words[] = { "message_not_found",
		"cant_update_message", "edit_window_closed",
		"channel_not_found" };

	for (size_t i = 0; i < COUNT(words); i++) {
		struct bh_buf body = BH_BUF(200);

		bh_buf_add(&body, "{\"ok\":false,\"error\":\"%s\"}",
		    words[i]);
		fake_forget_answers(fake);
		fake_ok(fake, "chat.update", bh_buf_text(&body));
		send_it(&(struct bh_post){ .message = "C0PAYMENTS:17.1",
		    .room = "C0PAYMENTS", .text = "new" });
		ck_assert_int_eq(sent.result, BH_ENOENT);
		bh_buf_release(&body);
	}
	send_it(&(struct bh_post){ .message = "nonsense", .room =
	    "C0PAYMENTS", .text = "new" });
	ck_assert_int_eq(sent.result, BH_ENOENT);
}
END_TEST

/* ------------------------------------------------------------------ */
/* A second try                                                        */

START_TEST(found_again)
{
	fake_ok(fake, "conversations.history", "{\"ok\":true,\"messages\":["
	    "{\"ts\":\"19.0\",\"user\":\"U9\",\"bot_id\":\"B9\",\"metadata\":"
	    "{\"event_type\":\"bellhop_post\",\"event_payload\":"
	    "{\"key\":\"k\"}}},"			/* another app's */
	    "{\"ts\":\"18.5\",\"bot_id\":\"B0\",\"metadata\":{\"event_type\":"
	    "\"bellhop_post\",\"event_payload\":{\"key\":\"other\"}}},"
	    "{\"ts\":\"18.2\",\"bot_id\":\"B0\"},"
	    "{\"ts\":\"18.1\",\"bot_id\":\"B0\",\"metadata\":{\"event_type\":"
	    "\"bellhop_post\",\"event_payload\":{\"key\":\"k\"}}}]}");
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x", .again = true });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_str_eq(sent.message, "C0PAYMENTS:18.1");
	ck_assert_uint_eq(fake_count(fake, "chat.postMessage"), 0);
	ck_assert_str_eq(fake->requests[0].body, "include_all_metadata=true"
	    "&limit=20&channel=C0PAYMENTS&oldest=1767520800");
}
END_TEST

START_TEST(not_found_so_posted)
{
	fake_ok(fake, "conversations.history", "{\"ok\":true,\"messages\":"
	    "[{\"ts\":\"1.0\"}],\"response_metadata\":{\"next_cursor\":"
	    "\"more\"}}");
	fake_ok(fake, "chat.postMessage", posted);
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x", .again = true });
	ck_assert_str_eq(sent.message, "C0PAYMENTS:17.1");
	/* Fifteen pages, no more. */
	ck_assert_uint_eq(fake_count(fake, "conversations.history"), 15);
	ck_assert_uint_eq(fake_count(fake, "chat.postMessage"), 1);
}
END_TEST

START_TEST(found_in_a_thread)
{
	fake_ok(fake, "conversations.replies", "{\"ok\":true,\"messages\":["
	    "{\"ts\":\"18.1\",\"user\":\"U0BOT\",\"metadata\":{\"event_type\":"
	    "\"bellhop_post\",\"event_payload\":{\"key\":\"k\"}}}]}");
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .thread = "16.5", .text = "x", .again = true });
	ck_assert_str_eq(sent.message, "C0PAYMENTS:18.1");
	ck_assert_ptr_nonnull(strstr(fake->requests[0].body, "&ts=16.5"));
}
END_TEST

START_TEST(found_in_a_direct_message)
{
	fake_ok(fake, "conversations.open", "{\"ok\":true,\"channel\":"
	    "{\"id\":\"D0ADABOT\"}}");
	fake_ok(fake, "conversations.history", "{\"ok\":true,\"messages\":["
	    "{\"ts\":\"18.1\",\"bot_id\":\"B0\",\"metadata\":{\"event_type\":"
	    "\"bellhop_post\",\"event_payload\":{\"key\":\"k\"}}}]}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .text = "x", .again = true });
	ck_assert_str_eq(sent.message, "D0ADABOT:18.1");
}
END_TEST

START_TEST(whether_cannot_be_said)
{
	/* Not allowed to look: a second message is the lesser evil. */
	fake_ok(fake, "conversations.history",
	    "{\"ok\":false,\"error\":\"missing_scope\"}");
	fake_ok(fake, "chat.postMessage", posted);
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x", .again = true });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_uint_eq(fake_count(fake, "chat.postMessage"), 1);
	/* Slack is away: later. */
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .status = 503 });
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "x", .again = true });
	ck_assert_int_eq(sent.result, BH_ENET);
	ck_assert_uint_eq(fake_count(fake, "chat.postMessage"), 1);
}
END_TEST

/* ------------------------------------------------------------------ */
/* To one person                                                       */

START_TEST(a_direct_message)
{
	struct bh_value *v;

	fake_ok(fake, "chat.postMessage",
	    "{\"ok\":true,\"channel\":\"D0ADABOT\",\"ts\":\"17.1\"}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .text = "x" });
	ck_assert_str_eq(sent.message, "D0ADABOT:17.1");
	v = body_of("chat.postMessage", 0);
	ck_assert_str_eq(bh_get_text(v, "channel"), "U0ADA");
	bh_json_free(&fake->host, v);
	/* An answer to a direct message goes where it came from. */
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA", .text = "x",
	    .reply = reply_from(SLACK_MESSAGE, "D0ADABOT", false)->id });
	v = body_of("chat.postMessage", 1);
	ck_assert_str_eq(bh_get_text(v, "channel"), "D0ADABOT");
	bh_json_free(&fake->host, v);
}
END_TEST

START_TEST(for_one_person_in_a_room)
{
	struct bh_value *v;

	fake_ok(fake, "chat.postEphemeral",
	    "{\"ok\":true,\"message_ts\":\"17.1\"}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .thread = "16.5", .text = "x" });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_str_eq(sent.message, "none");	/* nothing to be edited */
	v = body_of("chat.postEphemeral", 0);
	ck_assert_str_eq(bh_get_text(v, "channel"), "C0PAYMENTS");
	ck_assert_str_eq(bh_get_text(v, "user"), "U0ADA");
	ck_assert_str_eq(bh_get_text(v, "thread_ts"), "16.5");
	bh_json_free(&fake->host, v);
	/* Who is not in there gets a message. */
	fake_forget_answers(fake);
	fake_ok(fake, "chat.postEphemeral",
	    "{\"ok\":false,\"error\":\"user_not_in_channel\"}");
	fake_ok(fake, "chat.postMessage", posted);
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .thread = "16.5", .text = "x" });
	ck_assert_int_eq(sent.result, BH_OK);
	v = body_of("chat.postMessage", 0);
	ck_assert_str_eq(bh_get_text(v, "channel"), "U0ADA");
	ck_assert_ptr_null(bh_get(v, "thread_ts"));
	bh_json_free(&fake->host, v);
}
END_TEST

START_TEST(the_response_url_comes_first)
{
	struct slack_reply *r = reply_from(SLACK_SLASH, "C0PAYMENTS", true);
	struct bh_value *v;

	fake_ok(fake, "hooks", "ok");
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	for (int i = 0; i < 7; i++)
		send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
		    .room = "C0PAYMENTS", .text = "a*b", .reply = r->id });
	ck_assert_uint_eq(fake_count(fake, "hooks"), 5);
	ck_assert_uint_eq(fake_count(fake, "chat.postEphemeral"), 2);
	v = body_of("hooks", 0);
	ck_assert_str_eq(bh_get_text(v, "response_type"), "ephemeral");
	ck_assert(!bh_get_bool(v, "replace_original", true));
	bh_json_free(&fake->host, v);
}
END_TEST

START_TEST(a_spent_response_url)
{
	struct slack_reply *r = reply_from(SLACK_SLASH, "C0PAYMENTS", true);

	fake_answer(fake, &(struct fake_answer){ .match = "hooks",
	    .status = 404,
	    .body = "{\"ok\":false,\"error\":\"expired_url\"}" });
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .text = "x", .reply = r->id });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_uint_eq(fake_count(fake, "chat.postEphemeral"), 1);
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .text = "x", .reply = r->id });
	ck_assert_uint_eq(fake_count(fake, "hooks"), 1);	/* final */
}
END_TEST

/* A slash command was given where we never were. */
START_TEST(a_room_that_we_are_not_in)
{
	struct slack_reply *r = reply_from(SLACK_SLASH, "C0SECRET1", true);
	struct bh_value *v;

	fake_ok(fake, "chat.postMessage",
	    "{\"ok\":false,\"error\":\"not_in_channel\"}");
	fake_ok(fake, "hooks", "ok");
	send_it(&(struct bh_post){ .key = "k", .room = "C0SECRET1",
	    .text = "x", .reply = r->id });
	ck_assert_int_eq(sent.result, BH_OK);
	v = body_of("hooks", 0);
	ck_assert_str_eq(bh_get_text(v, "response_type"), "in_channel");
	bh_json_free(&fake->host, v);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Modals                                                              */

static char acked[65536];
static int acks;

static void
ack(void *arg, int result, const char *body)
{
	(void)arg;
	ck_assert_int_eq(result, BH_OK);
	acks++;
	snprintf(acked, sizeof(acked), "%s", body != NULL ? body : "(empty)");
}

static struct slack_reply *
submission(void)
{
	struct slack_reply *r = reply_from(SLACK_SUBMIT, NULL, false);

	acks = 0;
	r->view = bh_copy("V1");
	r->view_hash = bh_copy("1.a");
	slack_reply_wait(r, ack, NULL);
	return r;
}

START_TEST(a_refusal_stands_in_the_modal)
{
	struct slack_reply *r = submission();
	struct bh_value *v;

	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .text = "You may not.", .reply = r->id });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_int_eq(acks, 1);
	v = parsed(acked);
	ck_assert_str_eq(bh_get_text(v, "response_action"), "update");
	ck_assert_pstr_eq(slack_limits_view(bh_get(v, "view")), NULL);
	bh_json_free(&fake->host, v);
	ck_assert_ptr_nonnull(strstr(acked, "You may not."));
	/* What else is to be said is a message. */
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .text = "And more.", .reply = r->id });
	ck_assert_uint_eq(fake_count(fake, "chat.postEphemeral"), 1);
}
END_TEST

/* What everybody shall see does not go into one's modal. */
START_TEST(the_room_sees_what_is_for_the_room)
{
	struct slack_reply *r = submission();

	fake_ok(fake, "chat.postMessage", posted);
	send_it(&(struct bh_post){ .key = "k", .room = "C0PAYMENTS",
	    .text = "asked", .reply = r->id });
	ck_assert_str_eq(sent.message, "C0PAYMENTS:17.1");
	ck_assert_ptr_null(strstr(acks > 0 ? acked : "", "asked"));
}
END_TEST

START_TEST(a_form_that_takes_long)
{
	struct slack_reply *r = submission();
	struct bh_value *v;

	fake_run(fake, 2500);
	ck_assert_int_eq(acks, 1);
	v = parsed(acked);
	ck_assert_str_eq(bh_get_text(v, "response_action"), "update");
	ck_assert_pstr_eq(slack_limits_view(bh_get(v, "view")), NULL);
	bh_json_free(&fake->host, v);
	/* The answer takes the place of the loading view; its hash is not
	 * known to us, so that none is named. */
	fake_ok(fake, "views.update", "{\"ok\":true,\"view\":{\"id\":\"V1\","
	    "\"hash\":\"2.b\"}}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .text = "You may not.", .reply = r->id });
	v = body_of("views.update", 0);
	ck_assert_str_eq(bh_get_text(v, "view_id"), "V1");
	ck_assert_ptr_null(bh_get(v, "hash"));
	ck_assert_pstr_eq(slack_limits_view(bh_get(v, "view")), NULL);
	bh_json_free(&fake->host, v);
	slack_over(slack, r->id, BH_EINVAL);
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake_count(fake, "views.update"), 1);
	ck_assert_int_eq(acks, 1);
}
END_TEST

/* It went well and nobody says anything: no loading view stays. */
START_TEST(a_long_form_that_went_well)
{
	struct slack_reply *r = submission();

	fake_run(fake, 2500);
	fake_ok(fake, "views.update", "{\"ok\":true,\"view\":{\"id\":\"V1\","
	    "\"hash\":\"2.b\"}}");
	slack_over(slack, r->id, BH_OK);
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake_count(fake, "views.update"), 1);
	ck_assert_ptr_nonnull(strstr(fake->requests[0].body, "Done."));
}
END_TEST

/* Somebody closed the modal meanwhile. */
START_TEST(a_modal_that_is_gone)
{
	struct slack_reply *r = submission();

	fake_run(fake, 2500);
	fake_ok(fake, "views.update",
	    "{\"ok\":false,\"error\":\"not_found\"}");
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .room = "C0PAYMENTS", .text = "You may not.", .reply = r->id });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_uint_eq(fake_count(fake, "chat.postEphemeral"), 1);
	slack_over(slack, r->id, BH_EINVAL);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(posts_that_make_no_sense)
{
	struct slack_reply *r = reply_from(SLACK_SUGGEST, NULL, false);

	ck_assert_int_eq(slack_send(slack, &(struct bh_post){ .text = "x" },
	    is_sent, NULL), BH_EINVAL);
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA", .text = "x",
	    .reply = r->id });
	ck_assert_int_eq(sent.result, BH_OK);
	ck_assert_uint_eq(fake->requests_count, 0);
	fake_ok(fake, NULL, posted);
	send_it(&(struct bh_post){ .room = "C0PAYMENTS", .text = NULL });
	ck_assert_int_eq(sent.result, BH_OK);
	/* A reply of before a restart is none. */
	send_it(&(struct bh_post){ .room = "C0PAYMENTS", .text = "x",
	    .reply = "s999" });
	ck_assert_int_eq(sent.result, BH_OK);
}
END_TEST

START_TEST(the_home_page)
{
	struct slack_reply *r = reply_from(SLACK_HOME, NULL, false);
	struct bh_span title = { BH_SPAN_TEXT, "7QK2", NULL, 0 };
	struct bh_button button = { "revoke", "revoke", NULL, BH_DANGER,
		"t" };
	struct bh_card card = { .title = &title, .title_count = 1,
		.buttons = &button, .buttons_count = 1 };
	struct bh_value *v;
	const char *page;

	fake_ok(fake, "views.publish", "{\"ok\":true}");
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
	    .text = "You have nothing.", .reply = r->id });
	send_it(&(struct bh_post){ .key = "k", .user = "U0ADA", .text = "x",
	    .card = &card, .reply = r->id });
	ck_assert_uint_eq(fake->requests_count, 0);
	slack_over(slack, r->id, BH_OK);
	fake_run(fake, 1000);
	v = body_of("views.publish", 0);
	ck_assert_str_eq(bh_get_text(v, "user_id"), "U0ADA");
	ck_assert_pstr_eq(slack_limits_view(bh_get(v, "view")), NULL);
	ck_assert_str_eq(bh_get_text(bh_get(v, "view"), "type"), "home");
	ck_assert_uint_eq(bh_get(bh_get(v, "view"), "blocks")->count, 4);
	/* Both answers, in their order, on one page and nowhere else. */
	ck_assert_uint_eq(fake->requests_count, 1);
	ck_assert_str_eq(fake->requests[0].url,
	    "https://slack.example/api/views.publish");
	ck_assert_ptr_nonnull(strstr(fake->requests[0].headers,
	    "Authorization: Bearer xoxb-1\n"));
	page = fake->requests[0].body;
	ck_assert_ptr_nonnull(strstr(page, "\"You have nothing.\""));
	ck_assert_ptr_nonnull(strstr(strstr(page, "You have nothing."),
	    "\"7QK2\""));
	ck_assert_ptr_nonnull(strstr(strstr(page, "\"7QK2\""),
	    "\"value\":\"t\""));
	bh_json_free(&fake->host, v);
}
END_TEST

START_TEST(an_empty_home_page_greets)
{
	struct slack_reply *r = reply_from(SLACK_HOME, NULL, false);
	struct bh_value *v;

	fake_ok(fake, "views.publish", "{\"ok\":true}");
	slack_over(slack, r->id, BH_OK);
	fake_run(fake, 1000);
	v = body_of("views.publish", 0);
	ck_assert_pstr_eq(slack_limits_view(bh_get(v, "view")), NULL);
	bh_json_free(&fake->host, v);
	ck_assert_ptr_nonnull(strstr(fake->requests[0].body, "/elevate"));
	ck_assert_ptr_nonnull(strstr(fake->requests[0].body, "/bellhop"));
}
END_TEST

/* A hundred blocks are all: what is left out is said. */
START_TEST(a_full_home_page)
{
	struct slack_reply *r = reply_from(SLACK_HOME, NULL, false);
	struct bh_button button = { "revoke", "revoke", NULL, BH_DANGER,
		"t" };
	struct bh_card card = { .buttons = &button, .buttons_count = 1 };
	struct bh_value *v;

	fake_ok(fake, "views.publish", "{\"ok\":true}");
	for (int i = 0; i < 200; i++)
		send_it(&(struct bh_post){ .key = "k", .user = "U0ADA",
		    .text = "x", .card = i % 2 ? &card : NULL,
		    .reply = r->id });
	slack_over(slack, r->id, BH_OK);
	fake_run(fake, 1000);
	v = body_of("views.publish", 0);
	ck_assert_pstr_eq(slack_limits_view(bh_get(v, "view")), NULL);
	ck_assert_uint_ge(bh_get(bh_get(v, "view"), "blocks")->count, 90);
	bh_json_free(&fake->host, v);
	ck_assert_ptr_nonnull(strstr(fake->requests[0].body,
	    "There is more"));
}
END_TEST

START_TEST(closing_ends_every_post)
{
	fake_answer(fake, &(struct fake_answer){ .body = posted,
	    .delay = 100000 });
	memset(&sent, 0, sizeof(sent));
	for (int i = 0; i < 5; i++) {
		slack_send(slack, &(struct bh_post){ .key = "k",
		    .room = i % 2 ? "C0PAYMENTS" : "byname", .text = "x",
		    .again = i == 1, .user = i == 3 ? "U0ADA" : NULL },
		    is_sent, NULL);
		slack_send(slack, &(struct bh_post){ .key = "k",
		    .user = "U0ADA", .text = "x", .reply = reply_from(
		    SLACK_SLASH, "C0PAYMENTS", true)->id }, is_sent, NULL);
	}
	fake_run(fake, 100);
	ck_assert_int_eq(sent.count, 0);
	slack->closing = true;
	slack_api_close(slack);
	slack_respond_close(slack);
	slack_people_close(slack);
	ck_assert_int_eq(sent.count, 10);
	ck_assert_int_eq(sent.result, BH_ECANCELLED);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_message_in_a_room,
		a_room_by_its_name, what_slack_says_against_it,
		an_unknown_outcome, refused_blocks,
		crowded_lanes, cards_with_buttons_go_first, an_edit, messages_that_are_gone,
		found_again, not_found_so_posted, found_in_a_thread,
		found_in_a_direct_message, whether_cannot_be_said,
		a_direct_message, for_one_person_in_a_room,
		the_response_url_comes_first, a_spent_response_url,
		a_room_that_we_are_not_in, a_refusal_stands_in_the_modal,
		the_room_sees_what_is_for_the_room, a_form_that_takes_long,
		a_long_form_that_went_well, a_modal_that_is_gone,
		posts_that_make_no_sense, the_home_page,
		an_empty_home_page_greets, a_full_home_page,
		closing_ends_every_post, NULL };

	return run_suite_with("slack-send", tests, up);
}
