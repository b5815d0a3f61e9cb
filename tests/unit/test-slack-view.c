/* test-slack-view.c - how a form gets onto somebody's screen.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

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

static void
up(void)
{
	acks = 0;
	slack_up();
	slack_tokens_open(slack);
}

static struct slack_reply *
reply_from(int from, bool trigger)
{
	struct slack_reply *r = slack_reply_new(slack, from);

	r->user = bh_copy("U0ADA");
	r->channel = bh_copy("C0PAYMENTS");
	if (trigger) {
		r->trigger = bh_copy("1.2.x");
		r->trigger_until = bh_mono(&fake->host) + 3000;
	}
	return r;
}

static int
ask(const char *reply, const char *token, const char *error)
{
	const struct bh_input input = { .name = "account",
		.label = "Account", .type = BH_LINE, .error = error };
	const struct bh_form form = { .title = "Get access",
		.submit = "Request", .command = "elevate", .inputs = &input,
		.inputs_count = 1, .token = token };
	int ret = slack_ask(slack, &form, "U0ADA", "C0PAYMENTS", reply);

	fake_run(fake, 10);
	return ret;
}

static struct bh_value *
body_of(const char *match, size_t n)
{
	const struct fake_request *r = fake_find(fake, match, n);
	struct bh_value *v;

	ck_assert_msg(r != NULL, "no request %s", match);
	v = parsed(r->body);
	if (bh_get(v, "view") != NULL)
		ck_assert_pstr_eq(slack_limits_view(bh_get(v, "view")), NULL);
	return v;
}

static const char opened[] = "{\"ok\":true,\"view\":{\"id\":\"V1\","
    "\"hash\":\"1.a\"}}";
static const char updated[] = "{\"ok\":true,\"view\":{\"id\":\"V1\","
    "\"hash\":\"2.b\"}}";

START_TEST(a_live_trigger_opens_it)
{
	struct slack_reply *r = reply_from(SLACK_SLASH, true);
	struct bh_value *v;

	fake_ok(fake, "views.open", opened);
	ck_assert_int_eq(ask(r->id, "f1", NULL), BH_OK);
	v = body_of("views.open", 0);
	ck_assert_str_eq(bh_get_text(v, "trigger_id"), "1.2.x");
	ck_assert_str_eq(bh_get_text(bh_get(v, "view"), "private_metadata"),
	    "f1");
	bh_json_free(&fake->host, v);
	ck_assert_pstr_eq(r->view, "V1");
	ck_assert_pstr_eq(r->trigger, NULL);
	ck_assert_uint_eq(fake->requests_count, 1);
}
END_TEST

/* The loading view opens first; the form takes its place, even when it was
 * ready before the view was. */
START_TEST(the_loading_view_comes_first)
{
	struct slack_reply *r = reply_from(SLACK_SHORTCUT, true);
	struct bh_value *v;

	fake_answer(fake, &(struct fake_answer){ .match = "views.open",
	    .body = opened, .delay = 500 });
	fake_ok(fake, "views.update", updated);
	slack_open_loading(r);
	fake_run(fake, 10);
	ck_assert(r->loading);
	ask(r->id, "f1", NULL);
	ck_assert_uint_eq(fake_count(fake, "views.update"), 0);
	fake_run(fake, 1000);
	v = body_of("views.open", 0);
	ck_assert_str_eq(bh_get_text(bh_get(v, "view"), "callback_id"),
	    "text");
	bh_json_free(&fake->host, v);
	v = body_of("views.update", 0);
	ck_assert_str_eq(bh_get_text(v, "view_id"), "V1");
	ck_assert_str_eq(bh_get_text(v, "hash"), "1.a");
	ck_assert_str_eq(bh_get_text(bh_get(v, "view"), "private_metadata"),
	    "f1");
	bh_json_free(&fake->host, v);
	ck_assert_str_eq(slack_view_token(slack, "V1", "old"), "f1");
	/* Nothing is to be cleared away at the end. */
	slack_over(slack, r->id, BH_OK);
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake_count(fake, "views.update"), 1);
}
END_TEST

START_TEST(a_loading_view_that_nothing_follows)
{
	struct slack_reply *r = reply_from(SLACK_SHORTCUT, true);

	fake_ok(fake, "views.open", opened);
	fake_ok(fake, "views.update", updated);
	slack_open_loading(r);
	fake_run(fake, 10);
	slack_over(slack, r->id, BH_EINVAL);
	fake_run(fake, 10);
	ck_assert_uint_eq(fake_count(fake, "views.update"), 1);
	ck_assert_ptr_nonnull(strstr(fake->requests[1].body, "has ended"));
}
END_TEST

START_TEST(hash_conflict)
{
	struct slack_reply *r = reply_from(SLACK_SHORTCUT, true);
	struct bh_value *v;

	fake_ok(fake, "views.open", opened);
	fake_answer(fake, &(struct fake_answer){ .match = "\"hash\"",
	    .body = "{\"ok\":false,\"error\":\"hash_conflict\"}" });
	fake_ok(fake, "views.update", updated);
	slack_open_loading(r);
	fake_run(fake, 10);
	ask(r->id, "f1", NULL);
	ck_assert_uint_eq(fake_count(fake, "views.update"), 2);
	v = body_of("views.update", 1);
	ck_assert_ptr_null(bh_get(v, "hash"));
	bh_json_free(&fake->host, v);
	ck_assert_pstr_eq(r->view_hash, "2.b");
}
END_TEST

/* No way to open it: a button is, and its trigger opens the same form. */
static void
press_the_button(void)
{
	struct slack_reply *r = reply_from(SLACK_BUTTON, true);
	struct bh_value *v;

	r->response_url = bh_copy("https://hooks.slack.example/y");
	r->responses = 5;
	r->response_until = bh_mono(&fake->host) + 1800000;
	fake_forget_answers(fake);
	fake_ok(fake, "views.open", opened);
	fake_ok(fake, "hooks.slack.example/y", "ok");
	slack_form_open(r, "f1");
	fake_run(fake, 100);
	v = body_of("\"private_metadata\":\"f1\"", 0);
	bh_json_free(&fake->host, v);
	/* The button goes when it has done its work. */
	ck_assert_str_eq(fake_find(fake, "hooks.slack.example/y", 0)->body,
	    "{\"delete_original\":true}");
}

static void
is_button(const struct fake_request *q)
{
	ck_assert_ptr_nonnull(q);
	ck_assert_ptr_nonnull(strstr(q->body, "\"action_id\":\"form\""));
	ck_assert_ptr_nonnull(strstr(q->body, "\"value\":\"f1\""));
	ck_assert_ptr_nonnull(strstr(q->body, "Get access"));
}

START_TEST(a_typed_command_has_no_trigger)
{
	struct slack_reply *r = reply_from(SLACK_MESSAGE, false);
	struct bh_value *v;

	r->thread = bh_copy("16.5");
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	ck_assert_int_eq(ask(r->id, "f1", NULL), BH_OK);
	is_button(fake_find(fake, "chat.postEphemeral", 0));
	v = body_of("chat.postEphemeral", 0);
	ck_assert_pstr_eq(slack_limits_message(v), NULL);
	ck_assert_str_eq(bh_get_text(v, "user"), "U0ADA");
	ck_assert_str_eq(bh_get_text(v, "thread_ts"), "16.5");
	bh_json_free(&fake->host, v);
	press_the_button();
}
END_TEST

START_TEST(a_trigger_that_is_too_old)
{
	struct slack_reply *r = reply_from(SLACK_SLASH, true);

	fake_run(fake, 3001);
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	ask(r->id, "f1", NULL);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 0);
	is_button(fake_find(fake, "chat.postEphemeral", 0));
	press_the_button();
}
END_TEST

START_TEST(triggers_that_slack_does_not_take)
{
	static const char *const words[] = { "expired_trigger_id",
		"exchanged_trigger_id", "invalid_trigger_id" };

	for (size_t i = 0; i < COUNT(words); i++) {
		struct slack_reply *r = reply_from(SLACK_SLASH, true);
		struct bh_buf body = BH_BUF(200);

		bh_buf_add(&body, "{\"ok\":false,\"error\":\"%s\"}",
		    words[i]);
		fake_forget_answers(fake);
		fake_ok(fake, "views.open", bh_buf_text(&body));
		fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
		ask(r->id, "f1", NULL);
		is_button(fake_find(fake, "chat.postEphemeral", i));
		bh_buf_release(&body);
	}
}
END_TEST

/* A view that was open when the form came was closed: not_found. */
START_TEST(the_loading_view_was_closed)
{
	struct slack_reply *r = reply_from(SLACK_SHORTCUT, true);

	fake_ok(fake, "views.open", opened);
	fake_ok(fake, "views.update",
	    "{\"ok\":false,\"error\":\"not_found\"}");
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	slack_open_loading(r);
	fake_run(fake, 10);
	ask(r->id, "f1", NULL);
	is_button(fake_find(fake, "chat.postEphemeral", 0));
}
END_TEST

/* Nothing that waits for a view is forgotten when it does not open. */
START_TEST(a_view_that_does_not_open)
{
	struct slack_reply *r = reply_from(SLACK_SHORTCUT, true);

	fake_answer(fake, &(struct fake_answer){ .match = "views.open",
	    .body = "{\"ok\":false,\"error\":\"expired_trigger_id\"}",
	    .delay = 500 });
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	slack_open_loading(r);
	ask(r->id, "f1", NULL);
	ask(r->id, "f1", NULL);
	fake_run(fake, 1000);
	is_button(fake_find(fake, "chat.postEphemeral", 0));
	is_button(fake_find(fake, "chat.postEphemeral", 1));
}
END_TEST

START_TEST(no_reply_after_a_restart)
{
	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	ck_assert_int_eq(ask("s77", "f1", NULL), BH_OK);
	is_button(fake_find(fake, "chat.postEphemeral", 0));
}
END_TEST

START_TEST(a_button_of_before_a_restart)
{
	struct slack_reply *r = reply_from(SLACK_BUTTON, true);

	fake_ok(fake, "chat.postEphemeral", "{\"ok\":true}");
	slack_form_open(r, "long ago");
	fake_run(fake, 100);
	ck_assert_uint_eq(fake_count(fake, "views.open"), 0);
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "chat.postEphemeral",
	    0)->body, "Give the command again"));
}
END_TEST

/* Slack takes 250 KB; the host asks in words then. */
START_TEST(a_form_that_is_too_large)
{
	struct slack_reply *r = reply_from(SLACK_SLASH, true);
	struct bh_choice choices[100];
	struct bh_input inputs[20];
	struct bh_form form = { .title = "T", .command = "x",
	    .inputs = inputs, .inputs_count = 20, .token = "f1" };
	char label[220];

	for (size_t i = 0; i < 73; i++)
		memcpy(label + 3 * i, "日", 3);
	label[219] = '\0';
	for (size_t i = 0; i < 100; i++)
		choices[i] = (struct bh_choice){ label, label };
	for (size_t i = 0; i < 20; i++)
		inputs[i] = (struct bh_input){ .name = "a", .label = "A",
		    .type = BH_CHOOSE, .choices = choices,
		    .choices_count = 100 };
	ck_assert_int_eq(slack_ask(slack, &form, "U0ADA", NULL, r->id),
	    BH_EUNSUPPORTED);
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake->requests_count, 0);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Submissions                                                         */

static struct slack_reply *
submission(void)
{
	struct slack_reply *r = reply_from(SLACK_SUBMIT, false);

	r->view = bh_copy("V1");
	r->view_hash = bh_copy("1.a");
	slack_reply_wait(r, ack, NULL);
	return r;
}

START_TEST(mistakes_are_answered_at_once)
{
	struct slack_reply *r = submission();

	ck_assert_int_eq(ask(r->id, "f2", "No such \"account\"."), BH_OK);
	ck_assert_int_eq(acks, 1);
	ck_assert_str_eq(acked, "{\"response_action\":\"errors\","
	    "\"errors\":{\"account\":\"No such \\\"account\\\".\"}}");
	/* The view has the old token, and is known to mean the new. */
	ck_assert_str_eq(slack_view_token(slack, "V1", "f1"), "f2");
	slack_over(slack, r->id, BH_EINVAL);
	ck_assert_int_eq(acks, 1);
	fake_run(fake, 5000);
	ck_assert_uint_eq(fake->requests_count, 0);
}
END_TEST

START_TEST(another_form_takes_its_place)
{
	struct slack_reply *r = submission();
	struct bh_value *v;

	ask(r->id, "f2", NULL);
	v = parsed(acked);
	ck_assert_str_eq(bh_get_text(v, "response_action"), "update");
	ck_assert_str_eq(bh_get_text(bh_get(v, "view"), "private_metadata"),
	    "f2");
	bh_json_free(&fake->host, v);
	ck_assert_str_eq(slack_view_token(slack, "V1", "f1"), "f2");
}
END_TEST

/* After two seconds the loading view went out; mistakes then stand below
 * their fields. */
START_TEST(late_mistakes)
{
	struct slack_reply *r = submission();
	struct bh_value *v;

	fake_run(fake, 2000);
	ck_assert_int_eq(acks, 1);
	fake_ok(fake, "views.update", updated);
	ask(r->id, "f2", "No such account.");
	ck_assert_int_eq(acks, 1);
	v = body_of("views.update", 0);
	ck_assert_ptr_null(bh_get(v, "hash"));
	ck_assert_str_eq(bh_get_text(bh_get(v, "view"), "private_metadata"),
	    "f2");
	bh_json_free(&fake->host, v);
	ck_assert_ptr_nonnull(strstr(fake->requests[0].body,
	    "No such account."));
	slack_over(slack, r->id, BH_EINVAL);
	fake_run(fake, 1000);
	ck_assert_uint_eq(fake->requests_count, 1);
}
END_TEST

START_TEST(a_form_that_went_well_closes)
{
	struct slack_reply *r = submission();

	slack_over(slack, r->id, BH_OK);
	ck_assert_str_eq(acked, "{\"response_action\":\"clear\"}");
	ck_assert_uint_eq(fake->requests_count, 0);
}
END_TEST

START_TEST(offers_are_the_acknowledgement)
{
	const struct bh_choice choices[] = { { "prod", "prod (1111)" },
	    { "stage", NULL } };
	struct slack_reply *r = reply_from(SLACK_SUGGEST, false);
	struct bh_value *v;

	slack_reply_wait(r, ack, NULL);
	slack_offers(slack, r->id, choices, 2);
	v = parsed(acked);
	ck_assert_pstr_eq(slack_limits_options(v), NULL);
	ck_assert_uint_eq(bh_get(v, "options")->count, 2);
	bh_json_free(&fake->host, v);
	/* Too late, or for nobody: nothing happens. */
	slack_offers(slack, r->id, choices, 2);
	slack_offers(slack, "s999", choices, 2);
	ck_assert_int_eq(acks, 1);
	/* None is an answer, too. */
	r = reply_from(SLACK_SUGGEST, false);
	slack_reply_wait(r, ack, NULL);
	slack_offers(slack, r->id, NULL, 0);
	ck_assert_str_eq(acked, "{\"options\":[]}");
	r = reply_from(SLACK_SUGGEST, false);
	slack_reply_wait(r, ack, NULL);
	fake_run(fake, 2500);
	ck_assert_int_eq(acks, 3);
	ck_assert_str_eq(acked, "{\"options\":[]}");
}
END_TEST

START_TEST(closing_with_views_under_way)
{
	struct slack_reply *r = reply_from(SLACK_SHORTCUT, true);

	fake_answer(fake, &(struct fake_answer){ .body = opened,
	    .delay = 100000 });
	slack_open_loading(r);
	ask(r->id, "f1", NULL);
	ask(r->id, "f2", NULL);
	slack_over(slack, r->id, BH_OK);
	slack->closing = true;
	slack_api_close(slack);
	ck_assert_uint_eq(fake->requests_count, 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_live_trigger_opens_it,
		the_loading_view_comes_first,
		a_loading_view_that_nothing_follows, hash_conflict,
		a_typed_command_has_no_trigger, a_trigger_that_is_too_old,
		triggers_that_slack_does_not_take,
		the_loading_view_was_closed, a_view_that_does_not_open,
		no_reply_after_a_restart, a_form_that_is_too_large,
		a_button_of_before_a_restart, mistakes_are_answered_at_once,
		another_form_takes_its_place, late_mistakes,
		a_form_that_went_well_closes, offers_are_the_acknowledgement,
		closing_with_views_under_way, NULL };

	return run_suite_with("slack-view", tests, up);
}
