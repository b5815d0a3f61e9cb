/* test-chat-inbox.c - what was acknowledged is carried out, once, whenever the
 * host dies.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/chat-common.h"

#include "host/base/json.h"
#include "host/base/value.h"

#define MINUTE	(60 * (int64_t)1000)
#define HOUR	(60 * MINUTE)

/* ------------------------------------------------------------------ */
/* A plugin that writes down what it was asked for                     */

enum take {
	TAKE_WELL,		/* commits, settles, ends */
	TAKE_NOTHING,		/* dies before it commits */
	TAKE_SILENTLY,		/* commits and settles, dies before it ends */
	TAKE_TWICE,		/* settles in two transactions */
	TAKE_BADLY,		/* the first try conflicts, the second is good */
};
static enum take take_mode;
static int take_results[4];
static size_t take_commits;

static const char *const take_tables[] = {
	"CREATE TABLE taker_done (what TEXT PRIMARY KEY, "
	"times BIGINT NOT NULL)", NULL
};

static void
taken(void *arg, int result)
{
	struct bh_call *call = arg;

	ck_assert_uint_lt(take_commits, 4);
	take_results[take_commits++] = result;
	if (take_mode == TAKE_SILENTLY)
		return;
	if (take_mode == TAKE_TWICE && take_commits < 2)
		return;
	if (take_mode == TAKE_BADLY && result != BH_OK) {
		struct bh_tx *tx = store_tx(store, "taker/taker");

		store_tx_sql(tx, 1, "INSERT INTO taker_done (what, times) "
		    "VALUES ($1, 1)", BH_PARAMS(bh_s(bh_arg(call, "what"))));
		chat_call_settles(call, tx);
		store_commit(tx, taken, call);
		return;
	}
	bh_reply(call, "took %s", bh_arg(call, "what"));
	bh_end(call, BH_OK);
}

static void
take_commit(struct bh_call *call)
{
	struct bh_tx *tx = store_tx(store, "taker/taker");

	store_tx_sql(tx, 1, "INSERT INTO taker_done (what, times) "
	    "VALUES ($1, 1) ON CONFLICT (what) DO UPDATE "
	    "SET times = taker_done.times + 1",
	    BH_PARAMS(bh_s(bh_arg(call, "what"))));
	if (take_mode == TAKE_BADLY)
		store_tx_sql(tx, 1, "DELETE FROM taker_done WHERE what = "
		    "'nothing'", BH_PARAMS({ 0, 0, NULL }));
	chat_call_settles(call, tx);
	store_commit(tx, taken, call);
}

static int
take_run(struct bh_call *call, void *state)
{
	(void)state;
	runs++;
	if (take_mode == TAKE_NOTHING)
		return BH_PENDING;
	take_commit(call);
	if (take_mode == TAKE_TWICE)
		take_commit(call);
	return BH_PENDING;
}

static const struct bh_command taker_commands[] = {
	{ .name = "take", .args = "what...", .help = "take it",
	  .run = take_run },
	{ .name = "grab", .args = "what...", .help = "take it by force",
	  .flags = BH_CMD_CONFIRM, .run = take_run },
	{ .name = NULL }
};
static const struct bh_plugin taker_plugin = {
	.name = "taker", .version = "1", .summary = "takes",
	.command_size = sizeof(struct bh_command), .commands = taker_commands,
};
static struct chat_instance *taker_in;

/* ------------------------------------------------------------------ */
/* Starts and ends                                                     */

static const char *const rules =
    "{\"flood\": \"1000/s\", \"access\": [{\"commands\": [\"*\"], "
    "\"who\": [\"members\"]}]}";
static const char *const no_rules = "{\"flood\": \"1000/s\"}";

static void
begin(const char *config)
{
	const char *error = NULL;

	/* As open_chat() does it; but the commands are there first. */
	struct conf_errors *errors = conf_errors_new();
	int loaded = 1;

	conf = conf_read_text("bellhop.yaml", config, errors);
	conf_errors_free(&errors);

	const struct chat_parts parts = { .loop = loop, .store = store,
	    .conf = conf, .api = &api, .version = "0.1" };

	ck_assert_int_eq(chat_new(&parts, &chat, &error), BH_OK);
	chat_load(chat, on_loaded, &loaded);
	pass(0);
	ck_assert_int_eq(loaded, BH_OK);
	if (acme_plugin != NULL)
		acme_in = chat_register(chat, &(struct chat_member){
		    .name = "acme", .plugin = acme_plugin, .state = acme },
		    &error);
	demo_in = chat_register(chat, &(struct chat_member){ .name = "demo",
	    .plugin = &demo_plugin }, &error);
	taker_in = chat_register(chat, &(struct chat_member){ .name = "taker",
	    .plugin = &taker_plugin }, &error);
	chat_start(chat);
	chat_redeliver(chat);
	pass(0);
}

static void
end(void)
{
	chat_unregister(&taker_in);
	close_chat();
	/* What it answers now is heard by nobody. */
	net_tell(acme);
	net_release(acme, BH_OK);
}

/* What a kill leaves: what was durable at this moment, and nothing that an
 * orderly end would still write. */
struct snapshot {
	struct { int64_t id, at; int attempts; char *instance, *event; }
	    rows[16];
	size_t count;
};

static void
keep_rows(void *arg, int result, const struct store_kept *kept, size_t count)
{
	struct snapshot *s = arg;

	ck_assert_int_eq(result, BH_OK);
	ck_assert_uint_le(count, 16);
	for (size_t i = 0; i < count; i++) {
		s->rows[i].id = kept[i].id;
		s->rows[i].at = kept[i].at;
		s->rows[i].attempts = kept[i].attempts;
		s->rows[i].instance = xstrdup(kept[i].instance);
		s->rows[i].event = xstrdup(kept[i].event);
	}
	s->count = count;
}

static void
die_and_begin(const char *config)
{
	struct snapshot s = { .count = 0 };
	struct bh_tx *tx;

	store_inbox(store, keep_rows, &s);
	pass(0);
	end();
	tx = store_tx(store, "host");
	store_tx_sql(tx, BH_ANY, "DELETE FROM bh_inbox",
	    BH_PARAMS({ 0, 0, NULL }));
	for (size_t i = 0; i < s.count; i++) {
		store_tx_sql(tx, 1, "INSERT INTO bh_inbox (id, instance, "
		    "event, at, attempts) VALUES ($1, $2, $3, $4, $5)",
		    BH_PARAMS(bh_i(s.rows[i].id), bh_s(s.rows[i].instance),
		    bh_s(s.rows[i].event), bh_i(s.rows[i].at),
		    bh_i(s.rows[i].attempts)));
		free(s.rows[i].instance);
		free(s.rows[i].event);
	}
	store_commit(tx, NULL, NULL);
	begin(config);
}

static void
up(void)
{
	const char *error;

	stage_up();
	acme_plugin = &keep_plugin;
	take_mode = TAKE_WELL;
	take_commits = 0;
	ck_assert_int_eq(store_migrate(store, "taker", take_tables, &error),
	    BH_OK);
	begin(rules);
}

static void
down(void)
{
	chat_unregister(&taker_in);
	stage_down();
}

static struct bh_event
bare(const char *user, const char *text)
{
	static char ids[64][16];
	static size_t turn;
	char *id = ids[turn++ % 64];

	snprintf(id, 16, "E%u", ++event_number);
	return (struct bh_event){ .kind = BH_EV_MESSAGE, .id = id,
	    .user = user, .room = "C1", .text = text, .reply = id };
}

static void
types(const char *user, const char *text)
{
	deliver(bare(user, text));
	pass(0);
}

static int64_t
inbox(void)
{
	return number("SELECT COUNT(*) FROM bh_inbox");
}

static int64_t
times(void)
{
	return number("SELECT COALESCE(SUM(times), 0) FROM taker_done");
}

static int64_t
audits(const char *action)
{
	BH_AUTO_FREE char *sql = xasprintf("SELECT COUNT(*) FROM bh_audit "
	    "WHERE body LIKE '{\"action\":\"%s\"%%'", action);

	return number(sql);
}

/* ------------------------------------------------------------------ */

START_TEST(a_row_lives_as_long_as_its_call)
{
	types("ada", "!slow");
	ck_assert_uint_eq(acme->received_count, 1);
	ck_assert_int_eq(inbox(), 1);
	pass(HOUR);
	ck_assert_int_eq(inbox(), 1);
	bh_end(slow_call, BH_OK);
	pass(900);
	ck_assert_int_eq(inbox(), 1);
	pass(200);
	ck_assert_int_eq(inbox(), 0);
	/* A later commit takes those before along. */
	types("ada", "!echo 1");
	types("ada", "!echo 2");
	ck_assert_int_eq(inbox(), 1);
	types("ada", "!nonsense");
	ck_assert_int_eq(inbox(), 1);
	/* An orderly end leaves nothing that is done. */
	end();
	begin(rules);
	ck_assert_int_eq(inbox(), 0);
	ck_assert_uint_eq(runs, 3);
}
END_TEST

START_TEST(settled_goes_with_its_effect)
{
	types("ada", "!take it");
	ck_assert_int_eq(take_results[0], BH_OK);
	ck_assert_int_eq(inbox(), 0);
	ck_assert_int_eq(times(), 1);
	/* Once settled, that is it: the second transaction is refused whole. */
	take_mode = TAKE_TWICE;
	take_commits = 0;
	types("ada", "!take more");
	ck_assert_int_eq(take_results[0], BH_OK);
	ck_assert_int_eq(take_results[1], BH_ECONFLICT);
	ck_assert_int_eq(times(), 2);
	/* One that failed has settled nothing. */
	take_mode = TAKE_BADLY;
	take_commits = 0;
	types("ada", "!take again");
	ck_assert_int_eq(take_results[0], BH_ECONFLICT);
	ck_assert_int_eq(take_results[1], BH_OK);
	ck_assert_int_eq(times(), 3);
	ck_assert_int_eq(inbox(), 0);
}
END_TEST

START_TEST(dead_before_the_handler)
{
	take_mode = TAKE_NOTHING;
	types("ada", "!take it");
	ck_assert_uint_eq(runs, 1);
	ck_assert_int_eq(times(), 0);
	take_mode = TAKE_WELL;
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 2);
	ck_assert_int_eq(times(), 1);
	ck_assert_int_eq(inbox(), 0);
	/* Nobody holds the reply any more: the answer goes to the room. */
	ck_assert_str_eq(last_text(acme), "took it");
	ck_assert_str_eq(acme->posts[acme->count - 1].room, "C1");
	ck_assert_ptr_null(acme->posts[acme->count - 1].reply);
	ck_assert_int_eq(audits("command"), 1);
	ck_assert_int_eq(audits("command.again"), 1);
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 2);
	ck_assert_int_eq(times(), 1);
}
END_TEST

START_TEST(dead_after_the_effect)
{
	take_mode = TAKE_SILENTLY;
	types("ada", "!take it");
	ck_assert_int_eq(times(), 1);
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 1);
	ck_assert_int_eq(times(), 1);
}
END_TEST

START_TEST(dead_before_anybody_was_asked)
{
	acme->who_holding = true;
	types("ada", "!take it");
	ck_assert_uint_eq(acme->received_count, 1);
	ck_assert_int_eq(audits("command"), 0);
	acme->who_holding = false;
	die_and_begin(rules);
	ck_assert_int_eq(times(), 1);
	ck_assert_str_eq(last_text(acme), "took it");
}
END_TEST

/* Right after a start the network may not be connected yet. */
START_TEST(the_network_is_not_there_yet)
{
	acme->who_holding = true;
	types("ada", "!take it");
	acme->who_holding = false;
	acme->who_result = BH_ENET;
	acme->failing = 12;
	acme->failure = BH_ENET;
	die_and_begin(rules);
	pass(30 * 1000);
	ck_assert_int_eq(times(), 0);
	acme->who_result = BH_OK;
	pass(5 * 1000);
	ck_assert_int_eq(times(), 1);
	/* And its answer is not given up for a while. */
	ck_assert_uint_eq(acme->count, 0);
	pass(3 * MINUTE);
	ck_assert_str_eq(last_text(acme), "took it");
}
END_TEST

/* Bound to be run again, since nothing says that it was done: so is its
 * answer, which nobody may have seen.  A network that can tell is told what to
 * look for. */
START_TEST(dead_before_the_row_went)
{
	types("ada", "!echo hi");
	ck_assert(!acme->posts[0].again);
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(acme->count, 2);
	ck_assert(acme->posts[1].again);
	ck_assert_str_eq(acme->posts[0].key, acme->posts[1].key);
	pass(1100);
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 2);
	types("ada", "!echo hi");
	ck_assert(!acme->posts[2].again);
	ck_assert_str_ne(acme->posts[1].key, acme->posts[2].key);
}
END_TEST

START_TEST(an_orderly_end_loses_nothing)
{
	types("ada", "!slow");
	types("ada", "!take it");
	end();
	/* Nobody is told to try again: that would do it twice. */
	ck_assert_uint_eq(acme->count, 0);
	begin(rules);
	ck_assert_ptr_nonnull(slow_call);
	/* However often that is: an orderly end is nobody's fault. */
	for (int i = 0; i < 5; i++) {
		end();
		begin(rules);
	}
	bh_end(slow_call, BH_OK);
	pass(0);
	ck_assert_int_eq(times(), 1);
	ck_assert_uint_eq(runs, 8);
}
END_TEST

START_TEST(the_network_may_send_it_again)
{
	struct bh_event event = bare("ada", "!take it");

	take_mode = TAKE_NOTHING;
	deliver(event);
	pass(0);
	take_mode = TAKE_WELL;
	die_and_begin(rules);
	deliver(event);
	pass(0);
	ck_assert_int_eq(times(), 1);
	ck_assert_uint_eq(runs, 2);
}
END_TEST

START_TEST(in_their_order_before_anything_new)
{
	types("ada", "!slow");
	types("ada", "!echo 1");
	types("ada", "!echo 2");
	ck_assert_int_eq(inbox(), 3);
	slow_call = NULL;
	/* By hand, so that the new one arrives as soon as it can. */
	end();
	const char *const before = "{\"flood\": \"1000/s\", \"access\": "
	    "[{\"commands\": [\"echo\"], \"who\": [\"members\"]}]}";
	begin(before);
	types("ada", "!echo 3");
	ck_has(acme->posts[0].text, "You may not run !slow");
	ck_assert_str_eq(acme->posts[1].text, "echo 1");
	ck_assert_str_eq(acme->posts[2].text, "echo 2");
	ck_assert_str_eq(acme->posts[3].text, "echo 3");
}
END_TEST

START_TEST(access_is_asked_again)
{
	take_mode = TAKE_NOTHING;
	types("ada", "!take it");
	die_and_begin(no_rules);
	ck_assert_uint_eq(runs, 1);
	ck_has(last_text(acme), "You may not run !take here");
	ck_assert_int_eq(audits("command.refused"), 1);
	pass(1100);
	ck_assert_int_eq(inbox(), 0);
}
END_TEST

START_TEST(refusals_are_told_after_a_restart)
{
	end();
	begin(no_rules);
	acme->holding = true;
	types("ada", "!take it");
	acme->holding = false;
	die_and_begin(no_rules);
	ck_has(last_text(acme), "You may not run !take here");
	ck_assert_uint_eq(acme->count, 2);
	ck_assert_uint_eq(runs, 0);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(forms_used_up_by_it)
{
	struct bh_pair fields[] = { { "account", "al\"pha \xc3\xa4" },
	    { "days", "2" } };
	struct bh_event form = bare("ada", NULL), other = bare("ada", NULL);

	types("ada", "!ask");
	form.kind = other.kind = BH_EV_FORM;
	form.token = other.token = acme->form_token;
	form.fields = other.fields = fields;
	form.fields_count = other.fields_count = 2;
	deliver(form);
	pass(0);
	ck_assert_str_eq(last_text(acme), "ordered al\"pha \xc3\xa4 for 2");
	/* Another press of the same finds it used up ... */
	deliver(other);
	pass(0);
	ck_has(last_text(acme), "This form was sent already");
	ck_assert_uint_eq(runs, 2);
	/* ... but the event that has used it may do so again. */
	pass(1100);
	form.id = "E-form";
	types("ada", "!ask");
	form.token = acme->form_token;
	deliver(form);
	pass(0);
	ck_assert_uint_eq(runs, 4);
	pass(2 * HOUR);
	ck_assert_int_eq(inbox(), 0);
	/* As if it had died right before the row went. */
	form.id = "E-form2";
	types("ada", "!ask");
	form.token = acme->form_token;
	deliver(form);
	pass(0);
	die_and_begin(rules);
	ck_assert_str_eq(last_text(acme), "ordered al\"pha \xc3\xa4 for 2");
	ck_assert_uint_eq(runs, 7);
}
END_TEST

START_TEST(confirmations_used_up_by_it)
{
	const char *text;
	char yes[32];

	types("ada", "!grab it");
	text = strstr(last_text(acme), "!yes ");
	ck_assert_ptr_nonnull(text);
	snprintf(yes, sizeof(yes), "%.11s", text);
	take_mode = TAKE_NOTHING;
	types("ada", yes);
	ck_assert_uint_eq(runs, 1);
	/* It was confirmed in time, however long the host is away. */
	end();
	pass(3 * HOUR);
	take_mode = TAKE_WELL;
	begin(rules);
	ck_assert_uint_eq(runs, 2);
	ck_assert_str_eq(last_text(acme), "took it");
	ck_assert_int_eq(times(), 1);
	types("ada", yes);
	ck_has(last_text(acme), "nothing of yours to confirm");
	ck_assert_int_eq(times(), 1);
}
END_TEST

START_TEST(the_question_is_asked_again)
{
	acme->holding = true;
	types("ada", "!grab it");
	acme->holding = false;
	die_and_begin(rules);
	ck_has(last_text(acme), "Sure? This will run: grab it");
	ck_assert_uint_eq(runs, 0);
	die_and_begin(rules);
	ck_assert_uint_eq(acme->count, 3);
}
END_TEST

static void
post_card(const char *args)
{
	BH_AUTO_BUF struct bh_buf json = BH_BUF(4096);
	const struct bh_span title = { .text = "a card" };
	const struct bh_button button = { .label = "take",
	    .command = "take", .args = args };
	const struct bh_card card = { .title = &title, .title_count = 1,
	    .buttons = &button, .buttons_count = 1 };
	struct bh_tx *tx = store_tx(store, "taker/taker");
	const char *error;

	ck_assert_int_eq(card_json(&json, &card, &error), BH_OK);
	store_tx_post(tx, "acme/#C1", "card", STORE_BUTTONS,
	    bh_buf_text(&json), "a card");
	store_commit(tx, NULL, NULL);
	pass(0);
}

START_TEST(buttons_whose_card_changed)
{
	struct bh_event press = bare("ada", NULL);

	types("ada", "!echo hi");
	post_card("one");
	press.kind = BH_EV_BUTTON;
	press.token = acme->posts[acme->count - 1].tokens[0];
	take_mode = TAKE_NOTHING;
	deliver(press);
	pass(0);
	ck_assert_uint_eq(runs, 2);
	take_mode = TAKE_WELL;
	die_and_begin(rules);
	ck_assert_str_eq(last_text(acme), "took one");
	ck_assert_int_eq(times(), 1);
	/* The same, but meanwhile the card has changed. */
	take_mode = TAKE_NOTHING;
	press.id = "E-again";
	deliver(press);
	pass(0);
	post_card("two");
	take_mode = TAKE_WELL;
	die_and_begin(rules);
	ck_has(last_text(acme), "This card has changed");
	ck_assert_int_eq(times(), 1);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(poison)
{
	take_mode = TAKE_NOTHING;
	types("ada", "!take poison");
	die_and_begin(rules);
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 3);
	ck_assert_uint_eq(acme->count, 0);
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 3);
	ck_has(last_text(acme), "I was interrupted 3 times");
	ck_assert_int_eq(audits("command.refused"), 1);
	pass(1100);
	ck_assert_int_eq(inbox(), 0);
	die_and_begin(rules);
	ck_assert_uint_eq(acme->count, 1);
}
END_TEST

START_TEST(too_late)
{
	take_mode = TAKE_NOTHING;
	types("ada", "!take it");
	types("bob", "!take it too");
	end();
	pass(25 * HOUR);
	take_mode = TAKE_WELL;
	begin(rules);
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(acme->count, 2);
	ck_has(last_text(acme), "1 d 1 h ago was not carried out");
	ck_has(last_text(acme), "Ask again if it is still wanted");
	pass(1100);
	ck_assert_int_eq(inbox(), 0);
}
END_TEST

START_TEST(the_block_is_gone)
{
	take_mode = TAKE_NOTHING;
	types("ada", "!take it");
	take_mode = TAKE_WELL;
	end();
	acme_plugin = NULL;
	begin(rules);
	pass(2 * HOUR);
	ck_assert_int_eq(inbox(), 1);
	/* It comes back within a day. */
	end();
	acme_plugin = &keep_plugin;
	begin(rules);
	ck_assert_int_eq(times(), 1);
	take_mode = TAKE_NOTHING;
	types("ada", "!take it");
	end();
	acme_plugin = NULL;
	pass(25 * HOUR);
	begin(rules);
	pass(1100);
	ck_assert_int_eq(inbox(), 0);
	acme_plugin = &keep_plugin;
}
END_TEST

START_TEST(rows_that_cannot_be_read)
{
	static const char *const events[] = { "", "nonsense", "[]",
	    "{\"kind\":0,\"text\":\"!take it\"}",
	    "{\"kind\":9,\"user\":\"ada\",\"text\":\"!take it\"}",
	    "{\"kind\":3,\"user\":\"ada\",\"token\":\"x\",\"fields\":[[1]]}",
	    "{\"kind\":0,\"user\":\"ada\",\"text\":\"!take\",\"text\":\"x\"}" };
	struct bh_tx *tx = store_tx(store, "host");

	end();
	for (size_t i = 0; i < 7; i++)
		store_tx_keep(tx, 100 + (int64_t)i, "acme", events[i],
		    world_now());
	store_commit(tx, NULL, NULL);
	pass(0);
	begin(rules);
	pass(1100);
	ck_assert_int_eq(inbox(), 0);
	ck_assert_uint_eq(acme->count, 0);
	ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(a_full_disk_keeps_nothing)
{
	types("ada", "!echo hi");
	pass(1100);
	store_pretend_full(store, true);
	types("ada", "!nonsense");
	/* It was not acknowledged, so that it comes again. */
	ck_assert_uint_eq(acme->received_count, 2);
	ck_assert_int_eq(acme->received[1], BH_EFULL);
	ck_assert_int_eq(inbox(), 0);
	ck_has(acme->over, "E2:-5 ");
	store_pretend_full(store, false);
	pass(10000);
	types("ada", "!take it");
	ck_assert_int_eq(acme->received[2], BH_OK);
	ck_assert_int_eq(times(), 1);
	ck_assert_int_eq(inbox(), 0);
}
END_TEST

START_TEST(a_flood_does_not_reach_the_disk)
{
	end();
	begin("{\"flood\": \"2/min\", \"access\": [{\"commands\": [\"*\"], "
	    "\"who\": [\"members\"]}]}");
	types("ada", "!slow");
	types("ada", "!slow");
	ck_assert_int_eq(inbox(), 2);
	pass(20 * MINUTE);
	/* Now she must be asked about again, before anything else. */
	acme->who_holding = true;
	for (int i = 0; i < 5; i++)
		types("ada", "!slow");
	ck_assert_int_eq(inbox(), 4);
	ck_assert_uint_eq(acme->received_count, 7);
	net_tell(acme);
	pass(5000);
	ck_assert_uint_eq(runs, 4);
	/* What was let in once is not too fast after a restart. */
	die_and_begin("{\"flood\": \"2/min\", \"access\": [{\"commands\": "
	    "[\"*\"], \"who\": [\"members\"]}]}");
	pass(5000);
	ck_assert_uint_eq(runs, 8);
}
END_TEST

START_TEST(without_the_cap_nothing_is_kept)
{
	struct bh_event event;

	end();
	acme_plugin = &net_plugin;
	begin(rules);
	event = event_of("ada", "!take it");
	event.id = "X1";
	take_mode = TAKE_TWICE;
	deliver(event);
	pass(0);
	ck_assert_int_eq(inbox(), 0);
	ck_assert_int_eq(take_results[0], BH_OK);
	ck_assert_int_eq(take_results[1], BH_OK);
	types("ada", "!slow");
	ck_assert_int_eq(inbox(), 0);
	end();
	/* It is told to try again, since nothing else will. */
	ck_assert_int_eq(times(), 2);
	begin(rules);
	ck_assert_uint_eq(runs, 2);
}
END_TEST

static void
large(struct bh_buf *text, int characters)
{
	bh_buf_puts(text, "!take ");
	for (int i = 0; i < characters; i++)
		bh_buf_puts(text, i % 50 == 0 ? "\xe2\x82\xac" : "x");
}

START_TEST(large_events)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(1u << 20);
	struct bh_event event = bare("ada", NULL);

	large(&text, 3990);
	event.text = bh_buf_text(&text);
	take_mode = TAKE_NOTHING;
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 1);
	take_mode = TAKE_WELL;
	die_and_begin(rules);
	ck_assert_uint_eq(runs, 2);
	ck_assert_int_eq(times(), 1);
}
END_TEST

/* It is kept, and refused: half of it is nobody's command. */
START_TEST(events_that_are_too_large)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(1u << 20);
	struct bh_event event = bare("ada", NULL);

	large(&text, 70000);
	event.text = bh_buf_text(&text);
	deliver(event);
	pass(0);
	ck_assert_uint_eq(runs, 0);
	ck_has(last_text(acme), "more than 4000 characters");
	die_and_begin(rules);
	pass(2000);
	ck_assert_uint_eq(runs, 0);
	ck_assert_int_eq(inbox(), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("chat-inbox");
	TCase *tests = tcase_create("inbox");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, up, down);
	tcase_add_test(tests, a_row_lives_as_long_as_its_call);
	tcase_add_test(tests, settled_goes_with_its_effect);
	tcase_add_test(tests, dead_before_the_handler);
	tcase_add_test(tests, dead_after_the_effect);
	tcase_add_test(tests, dead_before_anybody_was_asked);
	tcase_add_test(tests, dead_before_the_row_went);
	tcase_add_test(tests, the_network_is_not_there_yet);
	tcase_add_test(tests, an_orderly_end_loses_nothing);
	tcase_add_test(tests, the_network_may_send_it_again);
	tcase_add_test(tests, in_their_order_before_anything_new);
	tcase_add_test(tests, access_is_asked_again);
	tcase_add_test(tests, refusals_are_told_after_a_restart);
	tcase_add_test(tests, forms_used_up_by_it);
	tcase_add_test(tests, confirmations_used_up_by_it);
	tcase_add_test(tests, the_question_is_asked_again);
	tcase_add_test(tests, buttons_whose_card_changed);
	tcase_add_test(tests, poison);
	tcase_add_test(tests, too_late);
	tcase_add_test(tests, the_block_is_gone);
	tcase_add_test(tests, rows_that_cannot_be_read);
	tcase_add_test(tests, a_full_disk_keeps_nothing);
	tcase_add_test(tests, a_flood_does_not_reach_the_disk);
	tcase_add_test(tests, without_the_cap_nothing_is_kept);
	tcase_add_test(tests, large_events);
	tcase_add_test(tests, events_that_are_too_large);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
