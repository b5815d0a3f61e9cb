/* test-chat-people.c - who is who, rooms and their names, and the outbox.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/chat-common.h"

static void
up(void)
{
	stage_up();
	open_chat(usual, NULL);
}

/* The person id that `event` gets in the network, "" if refused. */
static const char *
person_of(struct chat_instance *in, struct net *net, struct bh_event event)
{
	static char ids[8][32];
	static unsigned turn;
	char *id = ids[turn++ % 8];
	const char *at;

	event.text = "!whoami";
	chat_deliver(chat, in, &event, NULL, NULL);
	pass(0);
	at = strstr(last_text(net), "person ");
	snprintf(id, 32, "%.12s", at != NULL ? at + 7 : "");
	return id;
}

static struct bh_event
account(const char *user, const char *email)
{
	return (struct bh_event){ .kind = BH_EV_MESSAGE, .user = user,
	    .name = user, .email = email, .room = "C1" };
}

START_TEST(one_email_two_networks)
{
	const char *one = person_of(acme_in, acme, account("U1",
	    "Ada@X.example"));
	const char *two = person_of(corp_in, corp, account("T9",
	    "ada@x.EXAMPLE"));

	ck_assert_uint_eq(strlen(one), 12);
	ck_assert_str_eq(one, two);
	ck_has(last_text(corp), "Also acme/@U1");
	/* And after a restart. */
	close_chat();
	open_chat(usual, NULL);
	ck_assert_str_eq(person_of(corp_in, corp, account("T9", NULL)), one);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_person"), 1);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_identity"), 2);
}
END_TEST

START_TEST(collision_is_refused)
{
	const char *one = person_of(acme_in, acme, account("U1",
	    "ada@x.example"));

	ck_assert_uint_eq(strlen(one), 12);
	/* A second account with her e-mail is not her, nor anybody. */
	ck_assert_str_eq(person_of(acme_in, acme, account("U2",
	    "ada@x.example")), "");
	ck_has(last_text(acme), "already belongs to another account");
	ck_has(last_text(acme), "\"acme/@U2\" under people: also:");
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_identity"), 1);
	/* Unless an admin says so. */
	close_chat();
	open_chat("{\"people\": [{\"name\": \"Ada\", \"email\": "
	    "\"ada@x.example\", \"also\": [\"acme/@U2\", "
	    "\"ada.admin@x.example\"]}]}", NULL);
	ck_assert_str_eq(person_of(acme_in, acme, account("U2",
	    "ada@x.example")), one);
	ck_assert_str_eq(person_of(acme_in, acme, account("U3",
	    "Ada.Admin@x.example")), one);
}
END_TEST

START_TEST(guests_map_to_nobody)
{
	struct bh_event guest = account("U7", "ada@x.example");
	const char *member = person_of(acme_in, acme, account("U1",
	    "ada@x.example"));
	const char *other;
	struct bh_user user;

	guest.user_flags = BH_USER_GUEST;
	other = person_of(acme_in, acme, guest);
	ck_assert_uint_eq(strlen(other), 12);
	ck_assert_str_ne(other, member);
	ck_lacks(last_text(acme), "ada@x.example");
	ck_has(last_text(acme), "A guest");
	ck_assert(chat_person_by_email(chat, NULL, "ada@x.example", &user));
	ck_assert_str_eq(user.person, member);
	/* Nor as the first of that e-mail. */
	guest = account("U8", "bob@x.example");
	guest.user_flags = BH_USER_BOT;
	chat_deliver(chat, acme_in, &guest, NULL, NULL);
	pass(0);
	ck_assert(!chat_person_by_email(chat, NULL, "bob@x.example", &user));
}
END_TEST

/* Ids that differ in capitals alone are two accounts; addresses are not. */
START_TEST(listed_accounts_are_exact)
{
	struct bh_event up = account("29:AbC", NULL), low = account("29:abc",
	    NULL), mail = account("x", "Grace@X.Example");

	close_chat();
	open_chat("{\"admins\": [\"acme/@29:AbC\", \"gRACE@x.example\"]}",
	    NULL);
	up.text = low.text = mail.text = "!whoami";
	deliver(up);
	pass(0);
	ck_has(last_text(acme), "admin");
	deliver(low);
	pass(0);
	ck_lacks(last_text(acme), "admin");
	deliver(mail);
	pass(0);
	ck_has(last_text(acme), "admin");
}
END_TEST

START_TEST(rename_changes_only_the_name)
{
	struct bh_event event = account("U1", "ada@x.example");
	const char *one = person_of(acme_in, acme, event);
	struct bh_user user;

	person_of(acme_in, acme, account("U2", "grace@x.example"));
	event.name = "Grace\xe2\x80\xae  Hopper";
	event.email = "grace@x.example";
	ck_assert_str_eq(person_of(acme_in, acme, event), one);
	ck_has(last_text(acme), "You are Grace Hopper (ada@x.example)");
	ck_lacks(last_text(acme), "An admin");
	ck_assert(chat_person(chat, NULL, one, &user));
	ck_assert_str_eq(user.name, "Grace Hopper");
	ck_assert_str_eq(user.email, "ada@x.example");
	ck_assert_uint_eq(user.flags, 0);
	ck_assert(chat_person_by_email(chat, NULL, "GRACE@x.example", &user));
	ck_assert_uint_eq(user.flags, BH_USER_ADMIN);
	ck_assert(!chat_person(chat, NULL, "NOBODY", &user));
	/* By account, exactly. */
	ck_assert(chat_person(chat, NULL, "acme/@U1", &user));
	ck_assert_str_eq(user.person, one);
	ck_assert(!chat_person(chat, NULL, "acme/@u1", &user));
	ck_assert(!chat_person(chat, NULL, "corp/@U1", &user));
	ck_assert(!chat_person(chat, NULL, "acme/@", &user));
	ck_assert(!chat_person(chat, NULL, "/@U1", &user));
}
END_TEST

START_TEST(late_email)
{
	struct bh_user user;
	const char *one = person_of(acme_in, acme, account("U1", NULL));

	ck_has(last_text(acme), "vouched for no e-mail");
	/* Pinned once it is vouched for, and never again. */
	ck_assert_str_eq(person_of(acme_in, acme, account("U1",
	    "ada@x.example")), one);
	person_of(acme_in, acme, account("U1", "other@x.example"));
	ck_assert(chat_person_by_email(chat, NULL, "ada@x.example", &user));
	ck_assert_str_eq(user.person, one);
	ck_assert(!chat_person_by_email(chat, NULL, "other@x.example", &user));
	/* Not when somebody has it. */
	person_of(corp_in, corp, account("T1", NULL));
	person_of(corp_in, corp, account("T1", "ada@x.example"));
	ck_lacks(last_text(corp), "ada@x.example");
}
END_TEST

/* An address that a deleted account has is somebody else's by now. */
START_TEST(late_email_of_the_deleted)
{
	struct bh_event gone = account("U1", "ada@x.example");
	const char *two;
	struct bh_user user;

	person_of(acme_in, acme, account("U1", NULL));
	gone.text = "!whoami";
	gone.user_flags = BH_USER_GONE;
	chat_deliver(chat, acme_in, &gone, NULL, NULL);
	/* Nor when it is heard of for the first time. */
	gone.user = "U3";
	chat_deliver(chat, acme_in, &gone, NULL, NULL);
	pass(0);
	ck_assert(!chat_person_by_email(chat, NULL, "ada@x.example", &user));
	two = person_of(acme_in, acme, account("U2", "ada@x.example"));
	ck_assert(chat_person_by_email(chat, NULL, "ada@x.example", &user));
	ck_assert_str_eq(user.person, two);
}
END_TEST

/* Each network is told the account that it can mention. */
START_TEST(the_account_of_who_asks)
{
	const char *one = person_of(acme_in, acme, account("U1",
	    "ada@x.example"));
	struct bh_host hosts[2] = { { NULL }, { NULL } };
	struct bh_user user;

	ck_assert_str_eq(person_of(corp_in, corp, account("T1",
	    "ada@x.example")), one);
	acme_in->host = &hosts[0];
	corp_in->host = &hosts[1];
	ck_assert(chat_person(chat, acme_in->host, one, &user));
	ck_assert_str_eq(user.realm, "acme");
	ck_assert_str_eq(user.id, "U1");
	ck_assert(chat_person(chat, corp_in->host, one, &user));
	ck_assert_str_eq(user.realm, "corp");
	ck_assert_str_eq(user.id, "T1");
	ck_assert(chat_person(chat, NULL, one, &user));
	ck_assert_str_eq(user.realm, "corp");	/* heard of last */
	acme_in->host = corp_in->host = NULL;
}
END_TEST

/* Two people that were enrolled apart are one as soon as that is listed. */
START_TEST(listed_later)
{
	const char *one = person_of(acme_in, acme, account("U1",
	    "ada@x.example"));
	const char *two = person_of(acme_in, acme, account("U2",
	    "root@x.example"));
	struct bh_user user;

	ck_assert_str_ne(one, two);
	close_chat();
	open_chat("{\"people\": [{\"email\": \"ada@x.example\", \"also\": "
	    "[\"root@x.example\"]}]}", NULL);
	ck_assert_str_eq(person_of(acme_in, acme, account("U2",
	    "root@x.example")), one);
	/* Old records under the other id lead to the one person. */
	ck_assert(chat_person(chat, NULL, two, &user));
	ck_assert_str_eq(user.person, one);
	ck_assert(chat_person_by_email(chat, NULL, "root@x.example", &user));
	ck_assert_str_eq(user.person, one);
}
END_TEST

/* ------------------------------------------------------------------ */

static void
place_is(const char *place, const char *wanted)
{
	BH_AUTO_BUF struct bh_buf out = BH_BUF(1000);

	chat_place(chat, place, &out);
	ck_assert_str_eq(bh_buf_text(&out), wanted);
}

START_TEST(places)
{
	place_is("acme/#general", "acme/#general");
	says("ada", "!echo x");
	place_is("acme/#general", "acme/#C1");
	place_is("acme/#C1", "acme/#C1");
	place_is("corp/#general", "corp/#general");
	place_is("acme/@U1", "acme/@U1");
	place_is("@person:X", "@person:X");
	close_chat();
	open_chat(usual, NULL);
	place_is("acme/#general", "acme/#C1");
}
END_TEST

/* ------------------------------------------------------------------ */

static void
posts(const char *place, const char *key, const char *text,
    const char *button)
{
	BH_AUTO_BUF struct bh_buf json = BH_BUF(4096);
	const struct bh_span title = { .text = text };
	const struct bh_button b = { .label = "go", .command = "echo",
	    .args = button };
	const struct bh_card card = { .title = &title, .title_count = 1,
	    .buttons = &b, .buttons_count = button != NULL ? 1 : 0 };
	const char *error;
	struct bh_tx *tx = store_tx(store, "demo/demo");

	ck_assert_int_eq(card_json(&json, &card, &error), BH_OK);
	store_tx_post(tx, place, key, button != NULL ? STORE_BUTTONS :
	    STORE_CARD, bh_buf_text(&json), text);
	store_commit(tx, NULL, NULL);
}

START_TEST(outbox_posts_then_edits)
{
	posts("acme/#C1", "R1", "one", NULL);
	pass(0);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_str_eq(acme->posts[0].room, "C1");
	ck_assert_ptr_null(acme->posts[0].message);
	posts("acme/#C1", "R1", "two", NULL);
	posts("acme/#C1", "R1", "three", NULL);
	pass(0);
	ck_assert_str_eq(last_text(acme), "three");
	ck_assert_str_eq(acme->posts[1].message, "m0");
	/* Nothing is left, nothing comes again. */
	pass(600000);
	ck_assert_uint_le(acme->count, 3);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_outbox WHERE "
	    "version > sent_version"), 0);
}
END_TEST

START_TEST(outbox_many)
{
	char key[16];

	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "K%d", i);
		posts(i % 2 == 0 ? "acme/#C1" : "corp/#C1", key, key, "x");
	}
	pass(0);
	ck_assert_uint_eq(acme->count, 150);
	ck_assert_uint_eq(corp->count, 150);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_button"), 300);
}
END_TEST

START_TEST(outbox_tries_again)
{
	acme->failing = 3;
	acme->failure = BH_ENET;
	posts("acme/#C1", "R1", "one", NULL);
	posts("corp/#C1", "R1", "one", NULL);
	pass(500);
	ck_assert_uint_eq(acme->count, 0);
	ck_assert_uint_eq(corp->count, 1);
	pass(20000);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_int_eq(acme->failing, 0);
}
END_TEST

START_TEST(outbox_waits_for_its_transport)
{
	const char *error;

	chat_unregister(&acme_in);
	posts("acme/#C1", "R1", "one", NULL);
	pass(300000);
	ck_assert_uint_eq(acme->count, 0);
	acme_in = chat_register(chat, &(struct chat_member){ .name = "acme",
	    .plugin = &net_plugin, .state = acme }, &error);
	chat_health(acme_in, BH_DOWN, "no network");
	pass(60000);
	ck_assert_uint_eq(acme->count, 0);
	chat_health(acme_in, BH_UP, "");
	pass(60000);
	ck_assert_uint_eq(acme->count, 1);
}
END_TEST

START_TEST(outbox_survives_a_restart)
{
	posts("acme/#C1", "R1", "one", NULL);
	pass(0);
	close_chat();
	posts("acme/#C1", "R1", "two", NULL);
	pass(0);
	open_chat(usual, NULL);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_str_eq(acme->posts[1].message, "m0");
}
END_TEST

START_TEST(outbox_room_is_gone)
{
	acme->failing = 1;
	acme->failure = BH_EPERM;
	posts("acme/#C1", "R1", "one", NULL);
	pass(600000);
	ck_assert_uint_eq(acme->count, 0);
	/* A deleted message is shown anew. */
	posts("acme/#C1", "R2", "one", NULL);
	pass(0);
	acme->failing = 1;
	acme->failure = BH_ENOENT;
	posts("acme/#C1", "R2", "two", NULL);
	pass(0);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_ptr_null(acme->posts[1].message);
}
END_TEST

START_TEST(outbox_to_a_person)
{
	const char *id = person_of(acme_in, acme, account("U1",
	    "ada@x.example"));
	char place[64];

	pass(1000);
	person_of(corp_in, corp, account("T1", "ada@x.example"));
	snprintf(place, sizeof(place), "@person:%s", id);
	posts(place, "R1", "psst", NULL);
	pass(0);
	/* One message, where she was heard last. */
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_uint_eq(corp->count, 2);
	ck_assert_str_eq(corp->posts[1].user, "T1");
	ck_assert_ptr_null(corp->posts[1].room);
	/* It is edited where it is, wherever she is now. */
	pass(1000);
	person_of(acme_in, acme, account("U1", NULL));
	posts(place, "R1", "psst!", NULL);
	pass(0);
	ck_assert_str_eq(corp->posts[2].message, "m1");
	ck_assert_str_eq(corp->posts[2].user, "T1");
}
END_TEST

/* A network that is away for a day must not fill the table of buttons. */
START_TEST(outbox_retries_reuse_their_buttons)
{
	acme->failing = 10;
	acme->failure = BH_ENET;
	posts("acme/#general", "R1", "one", "first");
	pass(600000);
	ck_assert_uint_eq(acme->count, 1);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_button"), 1);
	presses("ada", acme->posts[0].tokens[0]);
	ck_assert_str_eq(last_text(acme), "echo first");
}
END_TEST

START_TEST(outbox_is_pruned)
{
	const int64_t day = 24 * 3600 * 1000;
	char token[TOKEN_SIZE];

	posts("acme/#general", "R1", "one", "first");
	pass(29 * day);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_outbox"), 1);
	snprintf(token, sizeof(token), "%s", acme->posts[0].tokens[0]);
	pass(1 * day + 3700000);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_outbox"), 0);
	ck_assert_int_eq(number("SELECT COUNT(*) FROM bh_button"), 0);
	/* Later it is a message like a first one, and what was its button
	 * stays void. */
	posts("acme/#general", "R1", "two", "second");
	pass(0);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_ptr_null(acme->posts[1].message);
	presses("ada", token);
	ck_has(last_text(acme), "This card has changed");
	ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(stale_buttons)
{
	char old[TOKEN_SIZE], new[TOKEN_SIZE];

	posts("acme/#general", "R1", "one", "first");
	pass(0);
	ck_assert_uint_eq(acme->posts[0].tokens_count, 1);
	snprintf(old, sizeof(old), "%s", acme->posts[0].tokens[0]);
	presses("ada", old);
	ck_assert_str_eq(last_text(acme), "echo first");
	/* From the commit of the new version on, even if it is not shown. */
	acme->failing = 1000;
	acme->failure = BH_ENET;
	posts("acme/#general", "R1", "two", "second");
	pass(0);
	acme->failing = 0;
	presses("ada", old);
	ck_has(last_text(acme), "This card has changed");
	pass(100000);
	for (size_t i = 0; i < acme->count; i++)
		if (strcmp(acme->posts[i].text, "two") == 0)
			snprintf(new, sizeof(new), "%s",
			    acme->posts[i].tokens[0]);
	presses("ada", new);
	ck_assert_str_eq(last_text(acme), "echo second");
	presses("ada", old);
	ck_has(last_text(acme), "This card has changed");
	ck_assert_uint_eq(runs, 2);
	/* One that knows the button still needs the right to run it. */
	struct bh_event guest = event_of("eve", NULL);

	guest.kind = BH_EV_BUTTON;
	guest.token = new;
	guest.user_flags = BH_USER_GUEST;
	deliver(guest);
	pass(0);
	ck_has(last_text(acme), "You may not run !echo");
	close_chat();
	open_chat(usual, NULL);
	presses("ada", new);
	ck_assert_str_eq(last_text(acme), "echo second");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chat people");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, up, stage_down);
	tcase_add_test(tc, one_email_two_networks);
	tcase_add_test(tc, collision_is_refused);
	tcase_add_test(tc, guests_map_to_nobody);
	tcase_add_test(tc, listed_accounts_are_exact);
	tcase_add_test(tc, rename_changes_only_the_name);
	tcase_add_test(tc, late_email);
	tcase_add_test(tc, late_email_of_the_deleted);
	tcase_add_test(tc, listed_later);
	tcase_add_test(tc, the_account_of_who_asks);
	tcase_add_test(tc, places);
	tcase_add_test(tc, outbox_posts_then_edits);
	tcase_add_test(tc, outbox_many);
	tcase_add_test(tc, outbox_tries_again);
	tcase_add_test(tc, outbox_waits_for_its_transport);
	tcase_add_test(tc, outbox_survives_a_restart);
	tcase_add_test(tc, outbox_room_is_gone);
	tcase_add_test(tc, outbox_to_a_person);
	tcase_add_test(tc, outbox_retries_reuse_their_buttons);
	tcase_add_test(tc, outbox_is_pruned);
	tcase_add_test(tc, stale_buttons);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
