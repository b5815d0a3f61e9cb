/* chat.c - the room itself: who is registered, and how it starts and ends.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/inner.h"

#include "host/base/world.h"
#include "host/conf/conf.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define SWEEP_EVERY	(3600 * 1000)

void
chat_enter(struct chat_instance *in, const char *callback)
{
	const struct chat_parts *parts = &in->chat->parts;

	if (parts->enter != NULL && in->host != NULL)
		parts->enter(parts->arg, in->host, callback);
}

void
chat_leave(struct chat *chat, struct bh_host *host)
{
	if (chat->parts.leave != NULL && host != NULL)
		chat->parts.leave(chat->parts.arg, host);
}

static void
configure(struct chat *chat, const struct conf *conf)
{
	const char *error = NULL;
	const char *flood = conf_host_text(conf, "flood");

	chat->parts.conf = conf;
	chat->prefix = conf_host_text(conf, "prefix");
	if (chat->prefix == NULL || *chat->prefix == '\0')
		chat->prefix = "!";
	if (flood_parse(flood != NULL ? flood : "20/min", &chat->flood,
	    &error) != BH_OK) {
		log_warn("%s; 20/min is used", error);
		chat->flood = (struct flood_limit){ 20, 60000 };
	}
}

int
chat_new(const struct chat_parts *parts, struct chat **out,
    const char **error)
{
	int ret = store_migrate(parts->store, "host-chat", chat_migrations,
	    error);

	if (ret != BH_OK)
		return ret;

	struct chat *chat = xcalloc(1, sizeof(*chat));

	chat->magic = CHAT_MAGIC;
	chat->parts = *parts;
	chat->version = xstrdup(parts->version);
	chat->since = world_mono();
	configure(chat, parts->conf);
	chat->own = chat_register(chat, &(struct chat_member){
	    .name = "host", .plugin = &builtin_plugin, .state = chat }, error);
	if (chat->own == NULL) {
		chat_free(&chat);
		return BH_EINVAL;
	}
	*out = chat;
	return BH_OK;
}

static void
sweep(void *arg)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	tokens_sweep(chat);
	chat->sweep = loop_after(chat->parts.loop, SWEEP_EVERY, sweep, chat);
}

static void
loaded(struct chat *chat, int result)
{
	bh_commit_cb *done = chat->loaded;

	if (done == NULL)
		return;
	chat->loaded = NULL;
	if (result == BH_OK)
		people_link(chat);
	done(chat->loaded_arg, result);
}

static void
got_persons(void *arg, int result, const struct bh_rows *rows)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	if (result == BH_OK)
		people_load_rows(chat, rows, NULL);
	else
		loaded(chat, result);
}

static void
got_identities(void *arg, int result, const struct bh_rows *rows)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	if (result == BH_OK)
		people_load_rows(chat, NULL, rows);
	else
		loaded(chat, result);
}

static void
got_rooms(void *arg, int result, const struct bh_rows *rows)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	if (result == BH_OK)
		places_load_rows(chat, rows);
	else
		loaded(chat, result);
}

static void
got_inbox(void *arg, int result, const struct store_kept *kept, size_t count)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	if (result == BH_OK)
		inbox_load(chat, kept, count);
	loaded(chat, result);
}

void
chat_load(struct chat *chat, bh_commit_cb *done, void *arg)
{
	struct store *store = chat->parts.store;

	CHECK_MAGIC(chat, CHAT_MAGIC);
	chat->loaded = done;
	chat->loaded_arg = arg;
	/* Answers come in the order of the questions. */
	store_query(store, CHAT_OWNER, "SELECT id, name, email FROM bh_person",
	    BH_PARAMS({ 0, 0, NULL }), got_persons, chat);
	store_query(store, CHAT_OWNER, "SELECT realm, user_id, person, "
	    "flags, asked FROM bh_identity", BH_PARAMS({ 0, 0, NULL }), got_identities,
	    chat);
	store_query(store, CHAT_OWNER, "SELECT instance, room, name, flags, "
	    "asked FROM bh_room", BH_PARAMS({ 0, 0, NULL }), got_rooms, chat);
	store_inbox(store, got_inbox, chat);
}

void
chat_start(struct chat *chat)
{
	CHECK_MAGIC(chat, CHAT_MAGIC);
	sweep(chat);
	outbox_open(chat);
}

void
chat_reconfigure(struct chat *chat, const struct conf *conf)
{
	CHECK_MAGIC(chat, CHAT_MAGIC);
	configure(chat, conf);
	people_link(chat);
}

/* ------------------------------------------------------------------ */

static void
instance_free(struct chat_instance *in)
{
	for (size_t i = 0; i < in->commands_count; i++) {
		spec_release(&in->commands[i].spec);
		free(in->commands[i].name);
	}
	free(in->commands);
	free(in->name);
	free(in->realm);
	free(in->owner);
	free(in->health_text);
	KILL_MAGIC(in);
	free(in);
}

static size_t
count_words(const char *name)
{
	size_t n = 1;

	for (const char *p = name; *p != '\0'; p++)
		n += *p == ' ';
	return n;
}

static int
add_command(struct chat_instance *in, const struct bh_command *def,
    const char **error)
{
	struct command *c;
	int ret;

	if (*def->name == '\0' || strchr(def->name, '/') != NULL ||
	    def->help == NULL || def->run == NULL ||
	    count_words(def->name) > COMMAND_WORDS) {
		*error = "a command needs a name of one to three words, a "
		    "help line and a run function";
		return BH_EINVAL;
	}
	in->commands = xrealloc(in->commands, in->commands_count + 1,
	    sizeof(*in->commands));
	c = &in->commands[in->commands_count];
	*c = (struct command){ .instance = in, .def = def };
	ret = spec_parse(def->args, &c->spec, error);
	if (ret != BH_OK)
		return ret;
	c->name = xstrdup(def->name);
	for (char *p = c->name; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	c->words = count_words(c->name);
	in->commands_count++;
	return BH_OK;
}

static int
add_commands(struct chat_instance *in, const char **error)
{
	const char *at = (const char *)in->plugin->commands;
	size_t stride = in->plugin->command_size != 0 ?
	    in->plugin->command_size : sizeof(struct bh_command);

	for (; at != NULL; at += stride) {
		const struct bh_command *def =
		    (const struct bh_command *)(const void *)at;

		if (def->name == NULL)
			break;

		int ret = add_command(in, def, error);

		if (ret != BH_OK)
			return ret;
	}
	return BH_OK;
}

struct chat_instance *
chat_transport(struct chat *chat, const char *name)
{
	struct chat_instance *in = chat->instances;

	while (in != NULL && (in->transport == NULL ||
	    strcmp(in->name, name) != 0))
		in = in->next;
	return in;
}

struct chat_instance *
chat_by_owner(struct chat *chat, const char *owner)
{
	struct chat_instance *in = chat->instances;

	while (in != NULL && strcmp(in->owner, owner) != 0)
		in = in->next;
	return in;
}

struct chat_instance *
chat_register(struct chat *chat, const struct chat_member *member,
    const char **error)
{
	CHECK_MAGIC(chat, CHAT_MAGIC);
	if (member->plugin->transport != NULL &&
	    chat_transport(chat, member->name) != NULL) {
		*error = "there is a chat block of that name already";
		return NULL;
	}

	struct chat_instance *in = xcalloc(1, sizeof(*in));
	struct chat_instance **last = &chat->instances;

	in->magic = CHAT_INSTANCE_MAGIC;
	in->chat = chat;
	in->name = xstrdup(member->name);
	in->realm = xstrdup(member->realm != NULL ? member->realm :
	    member->name);
	in->owner = xasprintf("%s/%s", member->plugin->name, member->name);
	in->plugin = member->plugin;
	in->transport = member->plugin->transport;
	in->state = member->state;
	in->host = member->host;
	if (add_commands(in, error) != BH_OK) {
		instance_free(in);
		return NULL;
	}
	while (*last != NULL)
		last = &(*last)->next;
	*last = in;
	if (in->transport != NULL)
		chat_wake(chat, in->name);
	return in;
}

void
chat_unregister(struct chat_instance **instance)
{
	struct chat_instance *in = *instance;

	if (in == NULL)
		return;
	CHECK_MAGIC(in, CHAT_INSTANCE_MAGIC);
	*instance = NULL;

	struct chat *chat = in->chat;
	struct chat_instance **p = &chat->instances;

	while (*p != in)
		p = &(*p)->next;
	*p = in->next;
	/* Ending one call may let another of the same person begin, so that
	 * the list is looked at anew each time. */
	for (bool again = true; again;) {
		again = false;
		for (struct call *c = chat->calls; c != NULL; c = c->next) {
			if (c->from != in && c->prefer != in &&
			    (c->command == NULL || c->command->instance != in))
				continue;
			again = true;
			if (c->prefer == in)
				c->prefer = NULL;
			if (c->from == in)
				c->from = NULL;
			if (c->command != NULL && c->command->instance == in)
				call_orphan(c);		/* maybe frees it */
			break;
		}
	}
	if (in->transport != NULL) {
		lookups_drop(in);
		outbox_drop(in);
		outlets_drop(in);
		receipts_forget(in);
	}
	inbox_flush(chat);
	instance_free(in);
}

void
chat_health(struct chat_instance *in, int health, const char *text)
{
	bool was_down = in->health == BH_DOWN;

	CHECK_MAGIC(in, CHAT_INSTANCE_MAGIC);
	free(in->health_text);
	in->health_text = xstrdup(text);
	in->health = health;
	if (was_down && health != BH_DOWN && in->transport != NULL)
		chat_wake(in->chat, in->name);
}

size_t
chat_pending(const struct chat_instance *in)
{
	return in->pending;
}

void
chat_free(struct chat **p)
{
	struct chat *chat = *p;

	if (chat == NULL)
		return;
	CHECK_MAGIC(chat, CHAT_MAGIC);
	*p = NULL;
	outbox_close(chat);
	while (chat->instances != NULL) {
		struct chat_instance *in = chat->instances;

		chat_unregister(&in);
	}
	while (chat->calls != NULL)
		call_free(chat->calls);
	absent_free(chat);
	outlets_free(chat);
	receipts_free(chat);
	inbox_free(chat);
	loop_cancel(chat->sweep);
	people_free(&chat->people);
	places_free(chat);
	free(chat->version);
	KILL_MAGIC(chat);
	free(chat);
}

/* ------------------------------------------------------------------ */

size_t
chat_unfinished(const struct chat_instance *transport)
{
	CHECK_MAGIC(transport, CHAT_INSTANCE_MAGIC);
	return outlets_waiting(transport) + outbox_busy(transport) +
	    receipts_waiting(transport) + transport->calls;
}
