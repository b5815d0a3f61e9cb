/* builtin.c - the house's own commands, as a plugin like any other.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/inner.h"

#include "host/base/duration.h"
#include "host/base/text.h"
#include "host/base/world.h"
#include "host/store/store.h"

void
say_asked(struct call *c, const char *text)
{
	say(c, c->via == VIA_COMMAND, text);
}

static int
whoami_run(struct bh_call *pub, void *state)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4096);
	struct call *c = call_of(pub);
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);
	const struct bh_user *u = &c->user;
	const struct person *p = u->person != NULL ?
	    people_by_id(chat, u->person) : NULL;

	bh_buf_add(&text, "You are %s", u->name);
	if (u->email != NULL)
		bh_buf_add(&text, " (%s)", u->email);
	bh_buf_add(&text, ", person %s, here as %s/@%s.\n", u->person,
	    u->realm, u->id);
	for (const struct identity *i = p != NULL ? p->identities : NULL;
	    i != NULL; i = i->sibling)
		if (strcmp(i->realm, u->realm) != 0 ||
		    strcmp(i->id, u->id) != 0)
			bh_buf_add(&text, "Also %s/@%s.\n", i->realm, i->id);
	if ((u->flags & BH_USER_GUEST) != 0)
		bh_buf_puts(&text, "A guest: rules for members do not apply "
		    "to you.\n");
	else if (u->email == NULL)
		bh_buf_puts(&text, "The network vouched for no e-mail of "
		    "yours, so rules that name one do not apply to you.\n");
	if ((u->flags & BH_USER_ADMIN) != 0)
		bh_buf_puts(&text, "An admin.\n");
	if (*c->team != '\0')
		bh_buf_add(&text, "This room belongs to team %s.\n", c->team);
	else
		bh_buf_puts(&text, "This place belongs to no team.\n");
	say(c, false, bh_buf_text(&text));
	return BH_OK;
}

static const char *
health_word(int health)
{
	return health == BH_UP ? "up" : health == BH_DEGRADED ? "degraded" :
	    "DOWN";
}

static void
status_instances(const struct call *c, const struct chat *chat,
    struct bh_buf *text)
{
	bool admin = (c->user.flags & BH_USER_ADMIN) != 0;

	for (const struct chat_instance *in = chat->instances; in != NULL;
	    in = in->next) {
		if (in == chat->own)
			continue;
		bh_buf_add(text, "%s: %s", in->owner, health_word(in->health));
		/* A sentence about a failure may name hosts and accounts. */
		if (admin && in->health_text != NULL &&
		    *in->health_text != '\0')
			bh_buf_add(text, ", %s", in->health_text);
		if (in->pending > 0)
			bh_buf_add(text, ", %zu pending", in->pending);
		bh_buf_puts(text, "\n");
	}
}

static void
status_counted(void *arg, int result, const struct bh_rows *rows)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(16384);
	struct call *c = call_of(arg);
	struct chat *chat = c->chat;
	const char *trouble = store_trouble(chat->parts.store);
	size_t refused;
	bool admin = (c->user.flags & BH_USER_ADMIN) != 0;

	if (c->stage == STAGE_OVER) {
		call_unhold(c);
		return;
	}
	c->holds--;
	bh_buf_add(&text, "bellhop %s, up ", chat->version);
	duration_format(&text, world_mono() - chat->since);
	bh_buf_add(&text, "\nstore: %s\n", trouble == NULL ? "ok" :
	    admin ? trouble : "in trouble: changes may be refused");
	status_instances(c, chat, &text);
	if (chat->parts.refused != NULL && (refused =
	    chat->parts.refused(chat->parts.arg)) > 0)
		bh_buf_add(&text, "plugins that could not be loaded: %zu; "
		    "%sconfig check says why\n", refused, chat->prefix);
	if (result == BH_OK && rows->count == 1) {
		int64_t n = bh_cell_int(rows, 0, 0);

		bh_buf_add(&text, "messages waiting to be sent: %lld",
		    (long long)n);
		if (n > 0) {
			bh_buf_puts(&text, ", the oldest for ");
			duration_format(&text, world_now() -
			    bh_cell_int(rows, 0, 1));
		}
		bh_buf_puts(&text, "\n");
	}
	if (admin)
		bh_buf_add(&text, "people: %zu; commands under way: %zu; jobs "
		    "planned: %zu\n", chat->people.count, chat->calls_count,
		    store_jobs_count(chat->parts.store));
	say_asked(c, bh_buf_text(&text));
	chat_call_end(&c->pub, BH_OK);
}

static int
status_run(struct bh_call *pub, void *state)
{
	struct call *c = call_of(pub);
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);

	c->holds++;
	store_query(chat->parts.store, CHAT_OWNER, "SELECT COUNT(*), "
	    "MIN(changed) FROM bh_outbox WHERE version > sent_version",
	    BH_PARAMS({ 0, 0, NULL }), status_counted, c);
	return BH_PENDING;
}

static int
about_run(struct bh_call *pub, void *state)
{
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);
	BH_AUTO_FREE char *text = xasprintf("bellhop %s: a chat bot host. "
	    "Its plugins do the work (%splugin list); %shelp shows what you "
	    "can ask for here. What is run is written to an audit chain.",
	    chat->version, chat->prefix, chat->prefix);

	say_asked(call_of(pub), text);
	return BH_OK;
}

static int
plugin_list_run(struct bh_call *pub, void *state)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(16384);
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);

	for (const struct chat_instance *in = chat->instances; in != NULL;
	    in = in->next) {
		if (in == chat->own)
			continue;
		bh_buf_add(&text, "%s %s", in->plugin->name,
		    in->plugin->version);
		if (strcmp(in->name, in->plugin->name) != 0)
			bh_buf_add(&text, " (%s)", in->name);
		bh_buf_add(&text, ": %s, %s\n", in->plugin->summary != NULL ?
		    in->plugin->summary : "", health_word(in->health));
	}
	if (text.len == 0)
		bh_buf_puts(&text, "No plugin is loaded: give one a section "
		    "in bellhop.yaml.");
	say_asked(call_of(pub), bh_buf_text(&text));
	return BH_OK;
}

/* Options are listed without their values: those may be nobody's business. */
static void
list_options(const struct bh_plugin *plugin, struct bh_buf *text)
{
	const char *at = (const char *)plugin->options;
	size_t stride = plugin->option_size != 0 ? plugin->option_size :
	    sizeof(struct bh_option);

	for (; at != NULL; at += stride) {
		const struct bh_option *o =
		    (const struct bh_option *)(const void *)at;

		if (o->key == NULL)
			break;
		bh_buf_add(text, "  %s: %s%s%s\n", o->key, o->help != NULL ?
		    o->help : "", (o->flags & BH_OPT_REQUIRED) != 0 ?
		    " (needed)" : "", (o->flags & BH_OPT_TEAM) != 0 ?
		    " (also per team)" : "");
	}
}

static int
plugin_info_run(struct bh_call *pub, void *state)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(32u * 1024u);
	struct call *c = call_of(pub);
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);
	const char *name = chat_call_arg(pub, "name");
	const struct bh_plugin *plugin = NULL;
	const char *names[128] = { NULL };
	size_t count = 0;

	for (const struct chat_instance *in = chat->instances; in != NULL;
	    in = in->next) {
		if (in == chat->own)
			continue;
		if (count < 128)
			names[count++] = in->plugin->name;
		if (!text_same_fold(in->plugin->name, name) &&
		    !text_same_fold(in->name, name))
			continue;
		if (plugin == NULL)
			bh_buf_add(&text, "%s %s: %s\n", in->plugin->name,
			    in->plugin->version, in->plugin->summary != NULL ?
			    in->plugin->summary : "");
		plugin = in->plugin;
		bh_buf_add(&text, "%s: %s\n", in->name,
		    health_word(in->health));
	}
	if (plugin == NULL) {
		const char *near = text_nearest(name, names, count);

		bh_buf_add(&text, "There is no plugin \"%.40s\" here", name);
		if (near != NULL)
			bh_buf_add(&text, "; did you mean %s?", near);
		bh_buf_add(&text, " %splugin list shows all.", chat->prefix);
	} else if ((c->user.flags & BH_USER_ADMIN) != 0 &&
	    plugin->options != NULL) {
		bh_buf_puts(&text, "options:\n");
		list_options(plugin, &text);
	}
	if (plugin == NULL)
		say(c, true, bh_buf_text(&text));
	else
		say_asked(c, bh_buf_text(&text));
	return BH_OK;
}

static int
plugin_choices(struct bh_call *pub, void *state, const char *arg,
    const char *typed)
{
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);

	(void)arg;
	for (const struct chat_instance *in = chat->instances; in != NULL;
	    in = in->next)
		if (in != chat->own && strncmp(in->plugin->name, typed,
		    strlen(typed)) == 0)
			chat_call_offer(pub, in->plugin->name,
			    in->plugin->summary);
	return BH_OK;
}

static int
config_check_run(struct bh_call *pub, void *state)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(64u * 1024u);
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);
	int n;

	if (chat->parts.config_check == NULL) {
		say(call_of(pub), true, "This bellhop runs without "
		    "configuration files.");
		return BH_EUNSUPPORTED;
	}
	n = chat->parts.config_check(chat->parts.arg, &text);
	if (n == 0)
		bh_buf_puts(&text, "The configuration files are in order.");
	else
		bh_buf_add(&text, "%d to correct; until then the settings "
		    "read last stay in force.", n);
	say(call_of(pub), true, bh_buf_text(&text));
	return BH_OK;
}

/* path.c takes "yes TOKEN" to the command it confirms and never comes
 * here; the entry is for help and for the parser. */
static int
yes_run(struct bh_call *pub, void *state)
{
	(void)pub;
	(void)state;
	return BH_EINVAL;
}

static const struct bh_command commands[] = {
	{ .name = "help", .args = "[topic...]", .flags = BH_CMD_ANYONE,
	  .help = "list what you can do here, or tell about one command",
	  .run = help_run, .choices = help_choices },
	{ .name = "whoami", .flags = BH_CMD_ANYONE | BH_CMD_PRIVATE,
	  .help = "tell who you are for me", .run = whoami_run },
	{ .name = "status", .flags = BH_CMD_ANYONE,
	  .help = "tell how everything is", .run = status_run },
	{ .name = "about", .flags = BH_CMD_ANYONE,
	  .help = "tell what this is", .run = about_run },
	{ .name = "plugin list", .flags = BH_CMD_ANYONE,
	  .help = "list the plugins", .run = plugin_list_run },
	{ .name = "plugin info", .args = "name", .flags = BH_CMD_ANYONE,
	  .help = "tell about one plugin", .run = plugin_info_run,
	  .choices = plugin_choices },
	{ .name = "config check", .flags = BH_CMD_ADMIN,
	  .help = "check the configuration files as they are now",
	  .run = config_check_run },
	{ .name = "yes", .args = "token",
	  .flags = BH_CMD_ANYONE | BH_CMD_HIDDEN,
	  .help = "confirm what you were asked about", .run = yes_run },
	{ .name = NULL }
};

const struct bh_plugin builtin_plugin = {
	.magic = BH_MAGIC, .major = BH_ABI_MAJOR, .minor = BH_ABI_MINOR,
	.size = sizeof(struct bh_plugin),
	.option_size = sizeof(struct bh_option),
	.command_size = sizeof(struct bh_command),
	.name = "host", .version = "1", .summary = "the house's own commands",
	.commands = commands,
};
