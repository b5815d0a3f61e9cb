/* help.c - !help: what I can do here, and how.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/inner.h"

#include "host/base/text.h"

#define LIST_MAX	30u	/* lines; beyond that plugins are only named */

static bool
shown(const struct call *c, const struct command *command)
{
	return (command->def->flags & BH_CMD_HIDDEN) == 0 &&
	    call_allows(c, command, NULL);
}

/* An instance whose plugin was met before has the same commands. */
static bool
repeated(const struct call *c, const struct chat_instance *in)
{
	for (const struct chat_instance *i = c->chat->instances; i != in;
	    i = i->next)
		if (i->plugin == in->plugin)
			return true;
	return false;
}

static size_t
count_shown(const struct call *c, const struct chat_instance *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->commands_count; i++)
		n += shown(c, &in->commands[i]);
	return n;
}

static void
list_plugin(const struct call *c, const struct chat_instance *in,
    struct bh_buf *out)
{
	size_t width = 0;

	for (size_t i = 0; i < in->commands_count; i++) {
		size_t w = text_width(in->commands[i].name);

		if (shown(c, &in->commands[i]) && w > width)
			width = w;
	}
	bh_buf_add(out, "%s\n", in == c->chat->own ? "bellhop" :
	    in->plugin->name);
	for (size_t i = 0; i < in->commands_count; i++) {
		const struct command *command = &in->commands[i];

		if (shown(c, command))
			bh_buf_add(out, "  %s%-*s  %s\n", c->chat->prefix,
			    (int)width, command->name, command->def->help);
	}
}

static void
list_all(struct call *c)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(64u * 1024u);
	size_t total = 0;

	for (struct chat_instance *in = c->chat->instances; in != NULL;
	    in = in->next)
		total += repeated(c, in) ? 0 : count_shown(c, in);
	/* What people came for stands first, the house's own last. */
	for (struct chat_instance *in = c->chat->instances; in != NULL;
	    in = in->next) {
		size_t n = count_shown(c, in);

		if (in == c->chat->own || n == 0 || repeated(c, in))
			continue;
		if (total <= LIST_MAX)
			list_plugin(c, in, &text);
		else
			bh_buf_add(&text, "%shelp %s  %zu commands: %s\n",
			    c->chat->prefix, in->plugin->name, n,
			    in->plugin->summary != NULL ?
			    in->plugin->summary : "");
	}
	list_plugin(c, c->chat->own, &text);
	bh_buf_add(&text, "%shelp COMMAND tells more.", c->chat->prefix);
	say_asked(c, bh_buf_text(&text));
}

static void
tell_command(struct call *c, const struct command *command)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(16384);

	bh_buf_add(&text, "%s%s: %s\n", c->chat->prefix, command->name,
	    command->def->help);
	command_usage(&text, c->chat, command);
	if (command->def->more != NULL)
		bh_buf_add(&text, "\n%s", command->def->more);
	say_asked(c, bh_buf_text(&text));
}

static size_t
add_names(const struct call *c, const struct chat_instance *in,
    const char **names, size_t count, size_t max)
{
	for (size_t i = 0; i < in->commands_count && count < max; i++)
		if (shown(c, &in->commands[i]))
			names[count++] = in->commands[i].name;
	return count;
}

/* Of equals the first is taken: the plugins' before the house's own, since
 * "helo" in a house with !hello hardly meant !help. */
void
help_guess(struct call *c, const char *typed, struct bh_buf *out)
{
	const char *names[256] = { NULL };
	size_t count = 0;

	for (struct chat_instance *in = c->chat->instances; in != NULL;
	    in = in->next)
		if (in != c->chat->own)
			count = add_names(c, in, names, count, 256);
	count = add_names(c, c->chat->own, names, count, 256);

	const char *near = text_nearest(typed, names, count);

	if (near != NULL)
		bh_buf_add(out, "; did you mean %s%s?", c->chat->prefix, near);
	else
		bh_buf_puts(out, ".");
}

int
help_run(struct bh_call *pub, void *state)
{
	struct call *c = call_of(pub);
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);
	const char *topic = chat_call_arg(pub, "topic");
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4096);
	struct words words = { 0 };
	bool others;
	size_t used = 0, len = strlen(chat->prefix);

	if (topic == NULL) {
		list_all(c);
		return BH_OK;
	}
	if (strncmp(topic, chat->prefix, len) == 0)
		topic += len;
	words_split(topic, true, &words, &text);

	struct command *command = command_find(chat, NULL, &words, &used,
	    &others);
	bool whole = command != NULL && used == words.count;

	words_release(&words);
	if (whole && call_allows(c, command, NULL)) {
		tell_command(c, command);
		return BH_OK;
	}
	for (struct chat_instance *in = chat->instances; in != NULL;
	    in = in->next) {
		if (count_shown(c, in) == 0 ||
		    (!text_same_fold(in->plugin->name, topic) &&
		    !text_same_fold(in->name, topic)))
			continue;
		list_plugin(c, in, &text);
		say_asked(c, bh_buf_text(&text));
		return BH_OK;
	}
	bh_buf_add(&text, "I know no command or plugin \"%.60s\"", topic);
	help_guess(c, topic, &text);
	say(c, true, bh_buf_text(&text));
	return BH_OK;
}

int
help_choices(struct bh_call *pub, void *state, const char *arg,
    const char *typed)
{
	struct call *c = call_of(pub);
	struct chat *chat = CAST(struct chat, state, CHAT_MAGIC);
	size_t len = strlen(typed);

	(void)arg;
	for (struct chat_instance *in = chat->instances; in != NULL;
	    in = in->next) {
		if (repeated(c, in))
			continue;
		for (size_t i = 0; i < in->commands_count; i++)
			if (shown(c, &in->commands[i]) &&
			    strncmp(in->commands[i].name, typed, len) == 0)
				chat_call_offer(pub, in->commands[i].name,
				    in->commands[i].def->help);
	}
	return BH_OK;
}
