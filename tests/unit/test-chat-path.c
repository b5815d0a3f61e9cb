/* test-chat-path.c - the one path of every command, from event to answer.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/chat-common.h"

static void
up(void)
{
	stage_up();
	open_chat(usual, NULL);
}

START_TEST(talk_is_not_heard)
{
	says("ada", "hello all");
	says("ada", "!!! wow");
	says("ada", "! wow");
	says("ada", "see !echo x");
	ck_assert_uint_eq(acme->count, 0);
	ck_assert_uint_eq(acme->received_count, 4);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '%\"command\"%'"), 0);
}
END_TEST

START_TEST(answer_and_audit)
{
	says("ada", "!Echo  hi\x1b[31m \xe2\x80\xae there");
	ck_assert_str_eq(last_text(acme), "echo hi[31m there");
	ck_assert_str_eq(acme->posts[0].room, "C1");
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '%\"command\"%'"), 1);
	says("ada", "!where");
	ck_assert_str_eq(last_text(acme), "acme/#C1 team=");
}
END_TEST

/* In a DM the prefix may be left out, and slash commands have none. */
START_TEST(ways_in)
{
	struct bh_event dm = event_of("ada", "where");
	struct bh_event slash = event_of("ada", "echo slashed");

	dm.room = dm.room_name = NULL;
	deliver(dm);
	pass(0);
	ck_assert_str_eq(last_text(acme), "acme/@ada team=");
	ck_assert_str_eq(acme->posts[0].user, "ada");
	ck_assert_ptr_null(acme->posts[0].room);
	slash.kind = BH_EV_COMMAND;
	deliver(slash);
	pass(0);
	ck_assert_str_eq(last_text(acme), "echo slashed");
}
END_TEST

START_TEST(mistakes)
{
	says("ada", "!ecko x");
	ck_has(last_text(acme), "did you mean !echo?");
	/* What one may not run is not betrayed. */
	says("ada", "!vaulu");
	ck_lacks(last_text(acme), "vault");
	says("ada", "!bosss");
	ck_lacks(last_text(acme), "!boss?");
	says("ada", "!echo");
	ck_has(last_text(acme), "text is missing");
	ck_has(last_text(acme), "usage: !echo text...");
	says("ada", "!echo \"x");
	ck_has(last_text(acme), "not closed");
	says("ada", "!order a --slow");
	ck_has(last_text(acme), "there is no option --slow");
	ck_assert_uint_eq(runs, 0);
}
END_TEST

/* A long word behind the name is no part of the name. */
START_TEST(long_words)
{
	char line[600] = "!echo ";

	memset(line + 6, 'x', 500);
	says("ada", line);
	ck_has(last_text(acme), "echo xxx");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(nothing_is_run_in_half)
{
	char line[4200] = "!echo ";

	memset(line + 6, 'x', 3995);		/* 4,000 without the "!" */
	says("ada", line);
	ck_assert_uint_eq(runs, 1);
	line[4001] = 'x';
	says("ada", line);
	ck_assert_uint_eq(runs, 1);
	ck_has(last_text(acme), "more than 4000 characters");
}
END_TEST

START_TEST(refusals)
{
	says("ada", "!vault");
	ck_has(last_text(acme), "You may not run !vault here");
	ck_has(last_text(acme), "no access rule");
	ck_has(last_text(acme), "grace@x.example can help");
	says("ada", "!boss");
	ck_has(last_text(acme), "for admins");
	ck_assert_uint_eq(runs, 0);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '%command.refused%'"), 2);
	says("grace", "!boss");
	ck_assert_uint_eq(runs, 1);
	/* Now the admin is known by name. */
	says("ada", "!vault");
	ck_has(last_text(acme), "Grace can help");
}
END_TEST

START_TEST(guests_and_bots)
{
	struct bh_event guest = event_of("ada", "!echo x");

	guest.user_flags = BH_USER_GUEST;
	deliver(guest);
	pass(0);
	ck_has(last_text(acme), "only to members");
	/* A bot that is refused gets no answer: two bots would never stop. */
	guest.user_flags = BH_USER_BOT;
	guest.user = "robot";
	deliver(guest);
	pass(0);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_uint_eq(runs, 0);
	guest = event_of("grace", "!boss");
	guest.user_flags = BH_USER_GUEST;
	deliver(guest);
	pass(0);
	ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(duplicates)
{
	struct bh_event event = event_of("ada", "!echo once");

	event.id = "E1";
	deliver(event);
	deliver(event);
	pass(0);
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 1);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_uint_eq(acme->received_count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(acme->received[i], BH_OK);
	close_chat();
	open_chat(usual, NULL);
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 1);
	/* The same id in another network is another event. */
	chat_deliver(chat, corp_in, &event, NULL, NULL);
	pass(0);
	ck_assert_uint_eq(runs, 2);
	/* A refusal is not said twice either. */
	event = event_of("ada", "!vault");
	event.id = "E2";
	deliver(event);
	deliver(event);
	pass(0);
	ck_assert_uint_eq(acme->count, 2);
}
END_TEST

START_TEST(order_of_one_person)
{
	char text[32];

	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "!echo %d", i);
		deliver(event_of("ada", text));
	}
	pass(0);
	ck_assert_uint_eq(acme->count, 200);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "echo %d", i);
		ck_assert_str_eq(acme->posts[i].text, text);
	}
}
END_TEST

START_TEST(pending)
{
	deliver(event_of("ada", "!slow"));
	deliver(event_of("ada", "!echo later"));
	deliver(event_of("bob", "!echo bob"));
	pass(500);
	/* Bob does not wait for Ada. */
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_str_eq(last_text(acme), "echo bob");
	ck_assert_uint_eq(chat_pending(demo_in), 1);
	pass(600);
	ck_assert_str_eq(last_text(acme), "echo later");
	bh_reply(slow_call, "done");
	bh_end(slow_call, BH_OK);
	pass(0);
	ck_assert_str_eq(last_text(acme), "done");
	ck_assert_uint_eq(chat_pending(demo_in), 0);
}
END_TEST

START_TEST(pending_ends_in_time)
{
	deliver(event_of("ada", "!slow"));
	deliver(event_of("ada", "!echo next"));
	pass(10);
	bh_reply(slow_call, "quick");
	bh_end(slow_call, BH_OK);
	pass(0);
	ck_assert_str_eq(acme->posts[0].text, "quick");
	ck_assert_str_eq(acme->posts[1].text, "echo next");
}
END_TEST

START_TEST(timeout)
{
	says("ada", "!slow");
	pass(59000);
	ck_assert_uint_eq(acme->count, 0);
	pass(1001);
	ck_has(last_text(acme), "!slow has not answered within 60 s");
	/* Late, but not lost. */
	bh_reply(slow_call, "at last");
	bh_end(slow_call, BH_OK);
	pass(0);
	ck_assert_str_eq(last_text(acme), "at last");
	ck_assert_uint_eq(chat->calls_count, 0);
}
END_TEST

START_TEST(plugin_goes_away)
{
	says("ada", "!slow");
	chat_unregister(&demo_in);
	pass(0);
	ck_has(last_text(acme), "demo/demo is being stopped");
	ck_assert_uint_eq(chat->calls_count, 0);
	says("ada", "!echo x");
	ck_has(last_text(acme), "I know no command");
}
END_TEST

/* ------------------------------------------------------------------ */

static void
token_of(char out[16])
{
	const char *at = strstr(last_text(acme), "!yes ");

	ck_assert_ptr_nonnull(at);
	snprintf(out, 16, "%.6s", at + 5);
}

START_TEST(confirm)
{
	char token[16], line[32];

	says("ada", "!wipe all \"of it\"");
	ck_has(last_text(acme), "Sure? This will run: wipe all \"of it\"");
	ck_assert_uint_eq(runs, 0);
	token_of(token);
	snprintf(line, sizeof(line), "!yes %s", token);
	/* Bound to the person, to the place, to the time, to once. */
	says("bob", line);
	ck_has(last_text(acme), "nothing of yours to confirm");
	ck_assert_uint_eq(runs, 0);

	struct bh_event elsewhere = event_of("ada", line);

	elsewhere.room = "C2";
	deliver(elsewhere);
	pass(0);
	ck_has(last_text(acme), "another place");
	ck_assert_uint_eq(runs, 0);
	close_chat();
	open_chat(usual, NULL);
	says("ada", line);
	ck_assert_str_eq(last_text(acme), "echo all of it");
	ck_assert_uint_eq(runs, 1);
	says("ada", line);
	ck_has(last_text(acme), "nothing of yours");
	ck_assert_uint_eq(runs, 1);
	says("ada", "!yes");
	ck_has(last_text(acme), "token is missing");
}
END_TEST

START_TEST(confirm_by_button)
{
	char token[TOKEN_SIZE];

	says("ada", "!wipe all");
	ck_assert_uint_eq(acme->posts[0].tokens_count, 1);
	snprintf(token, sizeof(token), "%s", acme->posts[0].tokens[0]);
	presses("bob", token);
	ck_has(last_text(acme), "nothing of yours");
	presses("ada", token);
	ck_assert_str_eq(last_text(acme), "echo all");
	ck_assert_uint_eq(runs, 1);
	presses("ada", token);
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(confirm_twice_at_once)
{
	char token[16], line[32];

	says("ada", "!wipe all");
	token_of(token);
	snprintf(line, sizeof(line), "!yes %s", token);
	deliver(event_of("ada", line));
	deliver(event_of("ada", line));
	pass(0);
	ck_assert_uint_eq(runs, 1);
	ck_has(last_text(acme), "it counts once");
}
END_TEST

START_TEST(confirm_expires)
{
	char token[16], line[32];

	says("ada", "!wipe all");
	token_of(token);
	snprintf(line, sizeof(line), "!yes %s", token);
	pass(5 * 60 * 1000 + 1);
	says("ada", line);
	ck_has(last_text(acme), "nothing of yours");
	ck_assert_uint_eq(runs, 0);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(flooded)
{
	close_chat();
	open_chat("{\"flood\": \"5/min\", \"access\": [{\"commands\": [\"*\"],"
	    " \"who\": [\"members\"]}]}", NULL);
	for (int i = 0; i < 20; i++)
		deliver(event_of("ada", "!echo x"));
	deliver(event_of("bob", "!echo bob"));
	pass(0);
	ck_assert_uint_eq(runs, 6);
	/* Told once, not fifteen times. */
	ck_assert_uint_eq(acme->count, 7);
	ck_assert_uint_eq(acme->received_count, 21);
	pass(13000);
	says("ada", "!echo x");
	ck_assert_uint_eq(runs, 7);
	/* A costly one counts five-fold. */
	says("bob", "!heavy");
	ck_assert_uint_eq(runs, 8);
	says("bob", "!heavy");
	ck_assert_uint_eq(runs, 8);
	ck_has(last_text(acme), "faster than I may go");
}
END_TEST

/* ------------------------------------------------------------------ */

static void
submits(const char *user, const char *token, const char *account,
    const char *days)
{
	struct bh_event event = event_of(user, NULL);
	const struct bh_pair fields[] = { { "account", account },
		{ "days", days }, { "fast", "yes" } };

	event.kind = BH_EV_FORM;
	event.token = token;
	event.fields = fields;
	event.fields_count = 3;
	deliver(event);
	pass(0);
}

START_TEST(forms)
{
	char token[TOKEN_SIZE];

	says("ada", "!ask");
	ck_assert_uint_eq(acme->forms, 1);
	snprintf(token, sizeof(token), "%s", acme->form_token);
	submits("bob", token, "a", "1");
	ck_has(last_text(acme), "made for somebody else");
	/* Wrong fields: the same form, with what was written. */
	submits("ada", token, "", "3");
	ck_assert_uint_eq(acme->forms, 2);
	ck_assert_str_eq(acme->form_text, "account=!Please fill this in.;"
	    "days=3!Please choose one of the list.;");
	ck_assert_uint_eq(runs, 1);
	snprintf(token, sizeof(token), "%s", acme->form_token);
	submits("ada", token, "closed", "2");
	ck_assert_uint_eq(acme->forms, 3);
	ck_assert_str_eq(acme->form_text, "account=closed!That account is "
	    "closed.;days=2!;");
	/* After a restart it still works, once. */
	close_chat();
	open_chat(usual, NULL);
	snprintf(token, sizeof(token), "%s", acme->form_token);
	submits("ada", token, "open one", "2");
	ck_assert_str_eq(last_text(acme), "ordered open one for 2");
	submits("ada", token, "open one", "2");
	ck_has(last_text(acme), "sent already");
	ck_assert_uint_eq(runs, 3);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_audit WHERE body "
	    "LIKE '%order \\\"open one\\\" 2%'"), 1);
}
END_TEST

START_TEST(form_rights_are_asked_again)
{
	says("ada", "!ask");
	close_chat();
	open_chat("{\"access\": [{\"commands\": [\"ask\"], \"who\": "
	    "[\"members\"]}]}", NULL);
	submits("ada", acme->form_token, "a", "1");
	ck_has(last_text(acme), "You may not run !order");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(buttons_of_answers)
{
	struct bh_event other = event_of("bob", NULL);

	says("ada", "!card");
	ck_assert(acme->posts[0].card);
	ck_assert_uint_eq(acme->posts[0].tokens_count, 1);
	presses("bob", acme->posts[0].tokens[0]);
	ck_assert_str_eq(last_text(acme), "echo pressed");
	/* A card that was carried to another room does nothing. */
	other.kind = BH_EV_BUTTON;
	other.room = "C9";
	other.token = acme->posts[0].tokens[0];
	deliver(other);
	pass(0);
	ck_has(last_text(acme), "This card has changed");
	presses("bob", "0123456789abcdef0123456789abcdef");
	ck_has(last_text(acme), "This card has changed");
	ck_assert_uint_eq(runs, 2);
}
END_TEST

/* ------------------------------------------------------------------ */

static const char *
completes(const char *text)
{
	struct bh_event event = event_of("ada", text);

	event.kind = BH_EV_COMPLETE;
	snprintf(acme->offers, sizeof(acme->offers), "none");
	deliver(event);
	pass(0);
	return acme->offers;
}

START_TEST(completion)
{
	ck_assert_str_eq(completes("!ec"), "echo ");
	ck_assert_str_eq(completes("wh"), "whoami where whisper ");
	/* Neither what no rule allows nor what is for admins. */
	ck_assert_str_eq(completes("!va"), "");
	ck_assert_str_eq(completes("!bo"), "");
	ck_assert_str_eq(completes("!plugin "), "list info ");
	ck_assert_str_eq(completes("!plugin l"), "list ");
	ck_assert_str_eq(completes("!plugin info d"), "demo ");
	ck_assert_str_eq(completes("!order al"), "alpha alps ");
	ck_assert_str_eq(completes("!order "), "alpha alps beta ");
	ck_assert_str_eq(completes("!order alpha --"), "--fast --for ");
	ck_assert_str_eq(completes("!order alpha --fa"), "--fast ");
	ck_assert_str_eq(completes("!order --fast --"), "--for ");
	ck_assert_str_eq(completes("!order --fast be"), "beta ");
	ck_assert_str_eq(completes("!vault x"), "");
}
END_TEST

START_TEST(search_in_form)
{
	struct bh_event event = event_of("ada", "al");

	says("ada", "!ask");
	event.kind = BH_EV_COMPLETE;
	event.token = acme->form_token;
	event.input = "account";
	deliver(event);
	pass(0);
	ck_assert_str_eq(acme->offers, "alpha alps ");
	event.user = "bob";
	event.email = "bob@x.example";
	deliver(event);
	pass(0);
	ck_assert_str_eq(acme->offers, "");
}
END_TEST

START_TEST(builtins)
{
	says("ada", "!help");
	ck_has(last_text(acme), "!echo");
	ck_has(last_text(acme), "!whoami");
	ck_lacks(last_text(acme), "vault");
	ck_lacks(last_text(acme), "boss");
	ck_lacks(last_text(acme), "config check");
	says("ada", "!help echo");
	ck_has(last_text(acme), "usage: !echo text...");
	says("ada", "!help vault");
	ck_has(last_text(acme), "I know no command");
	says("ada", "!help plugin info");
	ck_has(last_text(acme), "usage: !plugin info name");
	says("ada", "!help demo");
	ck_has(last_text(acme), "!order");
	says("ada", "!whoami");
	ck_has(last_text(acme), "ada@x.example");
	ck_has(last_text(acme), "acme/@ada");
	chat_health(corp_in, BH_DOWN, "secret reason");
	says("ada", "!status");
	ck_has(last_text(acme), "store: ok");
	ck_has(last_text(acme), "net/corp: DOWN");
	ck_lacks(last_text(acme), "secret reason");
	says("grace", "!status");
	ck_has(last_text(acme), "secret reason");
	says("ada", "!about");
	ck_has(last_text(acme), "bellhop 0.1");
	says("ada", "!plugin list");
	ck_has(last_text(acme), "demo 2.1: for tests, up");
	says("ada", "!plugin info dmo");
	ck_has(last_text(acme), "did you mean demo?");
	says("ada", "!config check");
	ck_has(last_text(acme), "You may not");
}
END_TEST

START_TEST(long_answers)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(20000);

	bh_buf_puts(&text, "!echo ");
	for (int i = 0; i < 660; i++)
		bh_buf_puts(&text, "abcde ");
	says("ada", bh_buf_text(&text));
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_uint_le(strlen(acme->posts[0].text), 3000);
	ck_assert_uint_ge(strlen(acme->posts[1].text), 900);
}
END_TEST

START_TEST(answers_are_tried_again)
{
	acme->failing = 2;
	acme->failure = BH_ENET;
	says("ada", "!echo one");
	says("ada", "!echo two");
	ck_assert_uint_eq(acme->count, 0);
	pass(4000);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_str_eq(acme->posts[0].text, "echo one");
}
END_TEST

START_TEST(private_answers)
{
	says("ada", "!whisper");
	ck_assert_ptr_null(acme->posts[0].room);
	ck_assert_str_eq(acme->posts[0].user, "ada");
}
END_TEST

static const struct bh_transport whispering_transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_EPHEMERAL,
	.send = net_send, .over = net_over,
};
static const struct bh_plugin whispering_plugin = {
	.name = "net", .version = "1", .summary = "a network",
	.command_size = sizeof(struct bh_command),
	.transport = &whispering_transport,
};

/* What the house tells of itself: to the room where the room has read the
 * question, to the one who asked where nobody has. */
START_TEST(answers_to_slash_commands)
{
	static const char *const lines[] = { "help", "help echo", "help demo",
		"status", "about", "plugin list", "plugin info demo" };

	close_chat();
	acme_plugin = &whispering_plugin;
	open_chat(usual, NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct bh_event e = event_of("ada", lines[i]);
		BH_AUTO_FREE char *typed = xasprintf("!%s", lines[i]);

		e.kind = BH_EV_COMMAND;
		deliver(e);
		pass(0);
		ck_assert_uint_eq(acme->count, 2 * i + 1);
		ck_assert_str_eq(acme->posts[2 * i].room, "C1");
		ck_assert_pstr_eq(acme->posts[2 * i].user, "ada");
		says("ada", typed);
		ck_assert_uint_eq(acme->count, 2 * i + 2);
		ck_assert_str_eq(acme->posts[2 * i + 1].room, "C1");
		ck_assert_pstr_eq(acme->posts[2 * i + 1].user, NULL);
	}
	/* What a plugin answers is for the room, as it says. */
	deliver((struct bh_event){ .kind = BH_EV_COMMAND, .user = "ada",
	    .email = "ada@x.example", .room = "C1", .text = "echo hi" });
	pass(0);
	ck_assert_str_eq(last_text(acme), "echo hi");
	ck_assert_pstr_eq(acme->posts[acme->count - 1].user, NULL);
}
END_TEST

/* What somebody pastes by mistake is not kept for good. */
START_TEST(audit_has_no_secrets)
{
	says("ada", "!echo xoxb-1234567890-abcdefghijkl and AKIAABCDEFGHIJKLMNOP "
	    "and reason");
	ck_assert_uint_eq(runs, 1);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '%echo **** and **** and reason%'"), 1);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '%abcdefghijkl%' OR body LIKE '%AKIA%'"), 0);
}
END_TEST

/* A button means the instance that made it, and no other that knows the
 * command. */
START_TEST(button_of_one_that_is_gone)
{
	const char *error;
	struct chat_instance *other;

	says("ada", "!card");
	other = chat_register(chat, &(struct chat_member){ .name = "other",
	    .plugin = &demo_plugin }, &error);
	chat_unregister(&demo_in);
	presses("ada", acme->posts[0].tokens[0]);
	ck_assert_uint_eq(runs, 1);
	ck_has(last_text(acme), "demo/demo is not running now");
	chat_unregister(&other);
}
END_TEST

/* Senseless presses and forms, and people who cannot be told apart, write to
 * the store and get an answer: they count too. */
START_TEST(flooded_by_presses)
{
	struct bh_event twin = event_of("ada", "!where");

	close_chat();
	open_chat("{\"flood\": \"5/min\", \"access\": [{\"commands\": [\"*\"],"
	    " \"who\": [\"members\"]}]}", NULL);
	for (int i = 0; i < 20; i++)
		presses("bob", "00000000000000000000000000000000");
	ck_assert_uint_eq(acme->count, 6);
	for (int i = 0; i < 20; i++) {
		struct bh_event form = event_of("eve", NULL);

		form.kind = BH_EV_FORM;
		form.token = "00000000000000000000000000000000";
		deliver(form);
		pass(0);
	}
	ck_assert_uint_eq(acme->count, 12);
	says("ada", "!where");
	twin.user = "ada2";
	for (int i = 0; i < 20; i++)
		deliver(twin);
	pass(0);
	ck_has(last_text(acme), "an admin must list");
	ck_assert_uint_eq(acme->count, 13 + 5);
	ck_assert_uint_eq(acme->received_count, 61);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '%command.refused%'"), 5);
}
END_TEST

START_TEST(teams)
{
	close_chat();
	open_chat(usual, "{\"rooms\": [\"acme/#general\"], \"members\": "
	    "[\"ada@x.example\"], \"access\": [{\"commands\": [\"where\"], "
	    "\"who\": [\"team:pay\"]}]}");
	says("ada", "!where");
	ck_assert_str_eq(last_text(acme), "acme/#C1 team=pay");
	says("bob", "!where");
	ck_has(last_text(acme), "only to team:pay");
	says("ada", "!echo x");
	ck_has(last_text(acme), "team pay");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chat path");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, up, stage_down);
	tcase_add_test(tc, talk_is_not_heard);
	tcase_add_test(tc, answer_and_audit);
	tcase_add_test(tc, ways_in);
	tcase_add_test(tc, mistakes);
	tcase_add_test(tc, long_words);
	tcase_add_test(tc, nothing_is_run_in_half);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, guests_and_bots);
	tcase_add_test(tc, duplicates);
	tcase_add_test(tc, order_of_one_person);
	tcase_add_test(tc, pending);
	tcase_add_test(tc, pending_ends_in_time);
	tcase_add_test(tc, timeout);
	tcase_add_test(tc, plugin_goes_away);
	tcase_add_test(tc, confirm);
	tcase_add_test(tc, confirm_by_button);
	tcase_add_test(tc, confirm_twice_at_once);
	tcase_add_test(tc, confirm_expires);
	tcase_add_test(tc, flooded);
	tcase_add_test(tc, forms);
	tcase_add_test(tc, form_rights_are_asked_again);
	tcase_add_test(tc, buttons_of_answers);
	tcase_add_test(tc, completion);
	tcase_add_test(tc, search_in_form);
	tcase_add_test(tc, builtins);
	tcase_add_test(tc, long_answers);
	tcase_add_test(tc, answers_are_tried_again);
	tcase_add_test(tc, private_answers);
	tcase_add_test(tc, answers_to_slash_commands);
	tcase_add_test(tc, audit_has_no_secrets);
	tcase_add_test(tc, button_of_one_that_is_gone);
	tcase_add_test(tc, flooded_by_presses);
	tcase_add_test(tc, teams);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
