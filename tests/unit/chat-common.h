/* chat-common.h - a chat room with two made-up networks and a made-up plugin,
 * on a frozen clock and a real store in memory.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TESTS_UNIT_CHAT_COMMON_H
#define TESTS_UNIT_CHAT_COMMON_H

#include <check.h>
#undef fail			/* an old name of check's; api->fail is ours */

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/chat/inner.h"
#include "host/conf/conf.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define POSTS_MAX	4000

struct posted {
	char *key, *room, *user, *message, *text, *reply;
	char tokens[CARD_BUTTONS][TOKEN_SIZE];
	size_t tokens_count;
	bool card, again;
};

/* A network: it keeps what was posted there. */
struct net {
	const char *name;
	struct posted posts[POSTS_MAX];
	size_t count;
	int failing;			/* so many sends fail with `failure` */
	int failure;
	char form_token[TOKEN_SIZE];	/* of the last form shown */
	char form_text[4096];		/* its inputs, values and errors */
	size_t forms;
	char offers[4096];		/* "a b c " */
	int received[POSTS_MAX];
	size_t received_count;
	const char *absent;		/* the room that we are not in; or NULL */
	bool holding;			/* sends wait for net_release() */
	const char *holding_room;	/* those of this room alone; or NULL */
	size_t tried;			/* sends, also those that failed */
	bool last_again;		/* of the last of them */
	char last_key[64];
	struct { bh_sent_cb *done; void *arg; } held[64];
	size_t held_count;
	char over[4096];		/* "r1:0 r2:-3 ": in the order they came */
	/* What it says when it is asked. */
	int who_result, where_result;
	unsigned who_flags, where_flags;
	const char *who_name, *who_email;	/* NULL: as event_of() */
	const char *where_name;		/* NULL: "#general" */
	bool who_holding, where_holding;
	struct { bh_who_cb *done; void *arg; char id[32]; } who_held[64];
	struct { bh_where_cb *done; void *arg; char id[32]; } where_held[64];
	size_t who_held_count, where_held_count;
	size_t who_asked, where_asked;
};

static int
net_send(void *state, const struct bh_post *post, bh_sent_cb *done, void *arg)
{
	struct net *net = state;
	struct posted *p = &net->posts[net->count];
	char message[32];

	net->tried++;
	net->last_again = post->again;
	snprintf(net->last_key, sizeof(net->last_key), "%s", post->key);
	if (net->failing > 0) {
		net->failing--;
		done(arg, net->failure, NULL);
		return BH_OK;
	}
	if (net->absent != NULL && post->room != NULL &&
	    strcmp(post->room, net->absent) == 0) {
		done(arg, BH_ENOENT, NULL);
		return BH_OK;
	}
	ck_assert_uint_lt(net->count, POSTS_MAX);
	p->key = xstrdup(post->key);
	p->room = xstrdup(post->room);
	p->user = xstrdup(post->user);
	p->message = xstrdup(post->message);
	p->text = xstrdup(post->text);
	p->reply = xstrdup(post->reply);
	p->card = post->card != NULL;
	p->again = post->again;
	for (size_t i = 0; p->card && i < post->card->buttons_count; i++) {
		ck_assert_uint_eq(strlen(post->card->buttons[i].token), 32);
		snprintf(p->tokens[i], TOKEN_SIZE, "%s",
		    post->card->buttons[i].token);
		p->tokens_count++;
	}
	snprintf(message, sizeof(message), "m%zu", net->count++);
	if (net->holding && (net->holding_room == NULL ||
	    (post->room != NULL &&
	    strcmp(post->room, net->holding_room) == 0))) {
		ck_assert_uint_lt(net->held_count, 64);
		net->held[net->held_count].done = done;
		net->held[net->held_count++].arg = arg;
		return BH_OK;
	}
	done(arg, BH_OK, message);
	return BH_OK;
}

/* The network answers about what it held back: all the same. */
static inline void
net_release(struct net *net, int result)
{
	size_t count = net->held_count;

	net->holding = false;
	net->held_count = 0;
	for (size_t i = 0; i < count; i++)
		net->held[i].done(net->held[i].arg, result,
		    result == BH_OK ? "held" : NULL);
}

static void
net_over(void *state, const char *reply, int result)
{
	struct net *net = state;
	size_t len = strlen(net->over);

	snprintf(net->over + len, sizeof(net->over) - len, "%s:%d ", reply,
	    result);
}

static int
net_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply)
{
	struct net *net = state;
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4000);

	(void)user;
	(void)room;
	(void)reply;
	net->forms++;
	snprintf(net->form_token, TOKEN_SIZE, "%s", form->token);
	for (size_t i = 0; i < form->inputs_count; i++)
		bh_buf_add(&text, "%s=%s!%s;", form->inputs[i].name,
		    form->inputs[i].value != NULL ? form->inputs[i].value : "",
		    form->inputs[i].error != NULL ? form->inputs[i].error :
		    "");
	snprintf(net->form_text, sizeof(net->form_text), "%s",
	    bh_buf_text(&text));
	return BH_OK;
}

static inline void
net_offers(void *state, const char *reply, const struct bh_choice *choices,
    size_t count)
{
	struct net *net = state;
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4000);

	(void)reply;
	for (size_t i = 0; i < count; i++)
		bh_buf_add(&text, "%s ", choices[i].value);
	snprintf(net->offers, sizeof(net->offers), "%s", bh_buf_text(&text));
}

static void
net_who_answer(struct net *net, const char *id, bh_who_cb *done, void *arg)
{
	char email[64], name[32];
	const struct bh_who who = {
	    .name = net->who_name != NULL ? net->who_name : name,
	    .email = net->who_email != NULL ? net->who_email : email,
	    .flags = net->who_flags };

	snprintf(email, sizeof(email), "%s@x.example", id);
	snprintf(name, sizeof(name), "%c%s", id[0] - ('a' - 'A'), id + 1);
	done(arg, net->who_result, net->who_result == BH_OK ? &who : NULL);
}

static void
net_who(void *state, const char *id, bh_who_cb *done, void *arg)
{
	struct net *net = state;

	net->who_asked++;
	if (!net->who_holding) {
		net_who_answer(net, id, done, arg);
		return;
	}
	ck_assert_uint_lt(net->who_held_count, 64);
	net->who_held[net->who_held_count].done = done;
	net->who_held[net->who_held_count].arg = arg;
	snprintf(net->who_held[net->who_held_count++].id, 32, "%s", id);
}

static void
net_where_answer(struct net *net, bh_where_cb *done, void *arg)
{
	const struct bh_where where = { .name = net->where_name != NULL ?
	    net->where_name : "#general", .flags = net->where_flags };

	done(arg, net->where_result, net->where_result == BH_OK ? &where :
	    NULL);
}

static void
net_where(void *state, const char *id, bh_where_cb *done, void *arg)
{
	struct net *net = state;

	net->where_asked++;
	if (!net->where_holding) {
		net_where_answer(net, done, arg);
		return;
	}
	ck_assert_uint_lt(net->where_held_count, 64);
	net->where_held[net->where_held_count].done = done;
	net->where_held[net->where_held_count].arg = arg;
	snprintf(net->where_held[net->where_held_count++].id, 32, "%s", id);
}

/* The network answers what it was asked so far. */
static inline void
net_tell(struct net *net)
{
	size_t who = net->who_held_count, where = net->where_held_count;

	net->who_holding = net->where_holding = false;
	net->who_held_count = net->where_held_count = 0;
	for (size_t i = 0; i < who; i++)
		net_who_answer(net, net->who_held[i].id,
		    net->who_held[i].done, net->who_held[i].arg);
	for (size_t i = 0; i < where; i++)
		net_where_answer(net, net->where_held[i].done,
		    net->where_held[i].arg);
}

static const struct bh_transport net_transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_FORMS,
	.send = net_send, .ask = net_ask, .offers = net_offers,
	.over = net_over,
};
static const struct bh_plugin net_plugin = {
	.name = "net", .version = "1", .summary = "a network",
	.command_size = sizeof(struct bh_command),
	.transport = &net_transport,
};

/* One that is told once that an event is safe, and can be asked. */
static const struct bh_transport keep_transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_FORMS | BH_CAP_KEEP,
	.send = net_send, .ask = net_ask, .offers = net_offers,
	.who = net_who, .where = net_where, .over = net_over,
};
static const struct bh_plugin keep_plugin = {
	.name = "keep", .version = "1", .summary = "a network",
	.command_size = sizeof(struct bh_command),
	.transport = &keep_transport,
};
static const struct bh_plugin *acme_plugin = &net_plugin;

/* ------------------------------------------------------------------ */
/* The plugin                                                          */

static struct bh_call *slow_call;
static size_t runs;			/* of any of its commands */

static int BH_PRINTF(2, 3)
api_reply(struct bh_call *call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	chat_call_reply(call, fmt, ap);
	va_end(ap);
	return BH_OK;
}

static int BH_PRINTF(3, 4)
api_fail(struct bh_call *call, const char *arg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	chat_call_fail(call, arg, fmt, ap);
	va_end(ap);
	return BH_EINVAL;
}

static const struct bh_api api = {
	.size = sizeof(struct bh_api), .major = 1,
	.arg = chat_call_arg, .user = chat_call_user, .team = chat_call_team,
	.place = chat_call_place, .reply = api_reply,
	.reply_card = chat_call_reply_card, .fail = api_fail,
	.ask = chat_call_ask, .offer = chat_call_offer, .end = chat_call_end,
	.host_of = chat_call_host,
};

static int
echo_run(struct bh_call *call, void *state)
{
	(void)state;
	runs++;
	return bh_reply(call, "echo %s", bh_arg(call, "text"));
}

static int
where_run(struct bh_call *call, void *state)
{
	(void)state;
	runs++;
	return bh_reply(call, "%s team=%s", bh_place(call), bh_team(call));
}

static int
slow_run(struct bh_call *call, void *state)
{
	(void)state;
	runs++;
	slow_call = call;
	return BH_PENDING;
}

static int
card_run(struct bh_call *call, void *state)
{
	const struct bh_span title = { .text = "a card" };
	const struct bh_button button = { .label = "go", .command = "echo",
	    .args = "pressed" };
	const struct bh_card card = { .title = &title, .title_count = 1,
	    .buttons = &button, .buttons_count = 1 };

	(void)state;
	runs++;
	return bh_reply_card(call, &card, "a card");
}

static int
ask_run(struct bh_call *call, void *state)
{
	static const struct bh_choice days[] = { { "1", "one day" },
		{ "2", "two days" } };
	static const struct bh_input inputs[] = {
		{ .name = "account", .label = "Account", .type = BH_SEARCH,
		  .required = true },
		{ .name = "days", .label = "Days", .type = BH_CHOOSE,
		  .choices = days, .choices_count = 2 },
	};
	const struct bh_form form = { .title = "Order", .command = "order",
	    .inputs = inputs, .inputs_count = 2 };

	(void)state;
	runs++;
	return bh_ask(call, &form);
}

static int
order_run(struct bh_call *call, void *state)
{
	const char *days = bh_arg(call, "days");

	(void)state;
	runs++;
	if (strcmp(bh_arg(call, "account"), "closed") == 0)
		return bh_fail_at(call, "account", "That account is closed.");
	return bh_reply(call, "ordered %s for %s", bh_arg(call, "account"),
	    days != NULL ? days : "ever");
}

static int
order_choices(struct bh_call *call, void *state, const char *arg,
    const char *typed)
{
	static const char *const names[] = { "alpha", "alps", "beta" };

	(void)state;
	if (strcmp(arg, "account") != 0)
		return BH_OK;
	for (size_t i = 0; i < 3; i++)
		if (strncmp(names[i], typed, strlen(typed)) == 0)
			bh_offer(call, names[i], names[i]);
	return BH_OK;
}

static int
mine_run(struct bh_call *call, void *state)
{
	(void)state;
	runs++;
	return bh_reply(call, "mine of %s", bh_user(call)->name);
}

static const struct bh_command demo_commands[] = {
	{ .name = "echo", .args = "text...", .help = "say it", .run = echo_run },
	{ .name = "where", .help = "tell the place", .run = where_run },
	{ .name = "wipe", .args = "text...", .help = "wipe it",
	  .flags = BH_CMD_CONFIRM, .run = echo_run },
	{ .name = "slow", .help = "take long", .run = slow_run },
	{ .name = "card", .help = "show a card", .run = card_run },
	{ .name = "ask", .help = "show a form", .run = ask_run },
	{ .name = "order", .args = "account [days] [--fast] [--for=TIME]",
	  .help = "order it", .run = order_run, .choices = order_choices },
	{ .name = "heavy", .help = "cost much", .flags = BH_CMD_RATE,
	  .run = where_run },
	{ .name = "boss", .help = "for admins", .flags = BH_CMD_ADMIN,
	  .run = where_run },
	{ .name = "whisper", .help = "answer privately",
	  .flags = BH_CMD_PRIVATE, .run = where_run },
	{ .name = "vault", .help = "in no rule", .run = where_run },
	{ .name = "mine", .args = "[day]", .help = "what is mine",
	  .flags = BH_CMD_HOME, .run = mine_run },
	{ .name = "todo", .help = "what waits", .flags = BH_CMD_HOME,
	  .run = card_run },
	{ .name = "secret", .help = "in no rule", .flags = BH_CMD_HOME,
	  .run = where_run },
	{ .name = NULL }
};

static int
demo_member(void *state, const struct bh_user *user, const char *group)
{
	(void)state;
	return strcmp(group, "Leads") == 0 &&
	    strcmp(user->name, "Grace") == 0;
}

static const struct bh_directory demo_directory = { .member = demo_member };
static const struct bh_plugin demo_plugin = {
	.name = "demo", .version = "2.1", .summary = "for tests",
	.command_size = sizeof(struct bh_command), .commands = demo_commands,
	.directory = &demo_directory,
};

/* ------------------------------------------------------------------ */
/* The stage                                                           */

static struct loop *loop;
static struct store *store;
static struct conf *conf;
static struct chat *chat;
static struct net *acme, *corp;
static struct chat_instance *acme_in, *corp_in, *demo_in;
static unsigned event_number;

static const char *const usual =
    "{\"admins\": [\"grace@x.example\"], \"flood\": \"1000/s\", \"access\": ["
    "{\"commands\": [\"echo\", \"where\", \"wipe\", \"slow\", \"card\", "
    "\"ask\", \"order\", \"heavy\", \"whisper\", \"mine\", \"todo\"], \"who\": [\"members\"]}]}";

static inline void
on_loaded(void *arg, int result)
{
	*(int *)arg = result;
}

/* Lets everything come to rest, then `ms` of virtual time pass. */
static inline void
pass(int64_t ms)
{
	loop_settle(loop, NULL, NULL, ms);
}

static inline void
open_chat(const char *config, const char *team_config)
{
	const char *error = NULL;
	struct conf_errors *errors = conf_errors_new();
	int loaded = 1;

	conf = conf_read_text("bellhop.yaml", config, errors);
	if (team_config != NULL)
		conf_add_team_text(conf, "pay", team_config, errors);
	ck_assert_msg(conf_errors_count(errors) == 0, "%s",
	    conf_errors_at(errors, 0));
	conf_errors_free(&errors);

	const struct chat_parts parts = { .loop = loop, .store = store,
	    .conf = conf, .api = &api, .version = "0.1" };

	ck_assert_msg(chat_new(&parts, &chat, &error) == BH_OK, "%s", error);
	chat_load(chat, on_loaded, &loaded);
	pass(0);
	ck_assert_int_eq(loaded, BH_OK);
	acme_in = chat_register(chat, &(struct chat_member){ .name = "acme",
	    .plugin = acme_plugin, .state = acme }, &error);
	corp_in = chat_register(chat, &(struct chat_member){ .name = "corp",
	    .plugin = &net_plugin, .state = corp }, &error);
	demo_in = chat_register(chat, &(struct chat_member){ .name = "demo",
	    .plugin = &demo_plugin }, &error);
	ck_assert_ptr_nonnull(demo_in);
	chat_start(chat);
	chat_redeliver(chat);
	pass(0);
}

/* A restart: memory is gone, the store stays. */
static inline void
close_chat(void)
{
	chat_unregister(&demo_in);
	chat_unregister(&corp_in);
	chat_unregister(&acme_in);
	pass(0);
	store_outbox_notify(store, NULL, NULL);
	chat_free(&chat);
	conf_free(&conf);
}

static inline void
stage_up(void)
{
	const char *error = NULL;

	world_freeze(1767607200000);	/* 2026-01-05T10:00:00Z */
	loop = loop_new();
	ck_assert_msg(store_open(loop, "sqlite::memory:", &store, &error) ==
	    BH_OK, "%s", error);
	acme = xcalloc(1, sizeof(*acme));
	corp = xcalloc(1, sizeof(*corp));
	acme_plugin = &net_plugin;
	runs = 0;
	slow_call = NULL;
	event_number = 0;
}

static inline void
net_free(struct net *net)
{
	for (size_t i = 0; i < net->count; i++) {
		free(net->posts[i].key);
		free(net->posts[i].room);
		free(net->posts[i].user);
		free(net->posts[i].message);
		free(net->posts[i].text);
		free(net->posts[i].reply);
	}
	free(net);
}

static inline void
stage_down(void)
{
	chat_unregister(&demo_in);
	chat_unregister(&corp_in);
	chat_unregister(&acme_in);
	store_close(&store);
	chat_free(&chat);
	conf_free(&conf);
	loop_free(&loop);
	net_free(acme);
	net_free(corp);
	world_thaw();
}

static inline void
on_received(void *arg, int result)
{
	struct net *net = arg;

	net->received[net->received_count++] = result;
}

/* Somebody with the usual e-mail in room #general (C1) of acme. */
static inline struct bh_event
event_of(const char *user, const char *text)
{
	static char emails[4][64], names[4][32];
	static unsigned turn;
	char *email = emails[turn++ % 4], *name = names[turn % 4];

	snprintf(email, 64, "%s@x.example", user);
	snprintf(name, 32, "%c%s", user[0] - ('a' - 'A'), user + 1);
	return (struct bh_event){ .kind = BH_EV_MESSAGE, .user = user,
	    .name = name, .email = email, .room = "C1",
	    .room_name = "#general", .text = text };
}

static inline void
deliver(struct bh_event event)
{
	chat_deliver(chat, acme_in, &event, on_received, acme);
}

static inline void
says(const char *user, const char *text)
{
	deliver(event_of(user, text));
	pass(0);
}

static inline const char *
last_text(const struct net *net)
{
	return net->count > 0 ? net->posts[net->count - 1].text : "";
}

static inline void
presses(const char *user, const char *token)
{
	struct bh_event event = event_of(user, NULL);

	event.kind = BH_EV_BUTTON;
	event.token = token;
	deliver(event);
	pass(0);
}

#define ck_has(text, part)						\
	ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" lacks \"%s\"", \
	    (text), (part))
#define ck_lacks(text, part)						\
	ck_assert_msg(strstr((text), (part)) == NULL, "\"%s\" has \"%s\"", \
	    (text), (part))

/* One number from the store. */
static inline void
got_number(void *arg, int result, const struct bh_rows *rows)
{
	ck_assert_int_eq(result, BH_OK);
	*(int64_t *)arg = bh_cell_int(rows, 0, 0);
}

static inline int64_t
number(const char *sql)
{
	int64_t n = -1;

	store_query(store, CHAT_OWNER, sql, BH_PARAMS({ 0, 0, NULL }),
	    got_number, &n);
	pass(0);
	return n;
}

#endif
