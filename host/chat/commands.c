/* commands.c - finds the command that a line begins with.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/inner.h"

#include "host/base/text.h"

struct command *
command_of(struct chat_instance *in, const char *name)
{
	for (size_t i = 0; i < in->commands_count; i++)
		if (text_same_fold(in->commands[i].name, name))
			return &in->commands[i];
	return NULL;
}

/* Is `in` what was named before the slash? */
static bool
named(const struct chat_instance *in, const char *who, size_t len)
{
	return len == 0 ||
	    (strlen(in->name) == len && memcmp(in->name, who, len) == 0) ||
	    (strlen(in->plugin->name) == len &&
	    memcmp(in->plugin->name, who, len) == 0);
}

struct command *
command_find(struct chat *chat, struct chat_instance *prefer,
    const struct words *words, size_t *used, bool *others)
{
	BH_AUTO_BUF struct bh_buf name = BH_BUF(256);
	const char *first, *slash, *who = "";
	size_t who_len = 0;

	*others = false;
	if (words->count == 0)
		return NULL;
	first = words->list[0].text;
	slash = strchr(first, '/');
	if (slash != NULL) {
		who = first;
		who_len = (size_t)(slash - first);
		first = slash + 1;
	}
	for (size_t n = COMMAND_WORDS; n > 0; n--) {
		struct command *found = NULL;

		if (n > words->count)
			continue;
		bh_buf_clear(&name);
		bh_buf_puts(&name, first);
		for (size_t i = 1; i < n; i++) {
			bh_buf_puts(&name, " ");
			bh_buf_puts(&name, words->list[i].text);
		}
		if (name.overflow)	/* no name is that long */
			continue;
		for (struct chat_instance *in = chat->instances; in != NULL;
		    in = in->next) {
			struct command *c = named(in, who, who_len) ?
			    command_of(in, bh_buf_text(&name)) : NULL;

			if (c == NULL)
				continue;
			*used = n;
			if (in == prefer) {
				*others = false;
				return c;
			}
			/* The host's own cannot be taken over. */
			if (found == NULL || in == chat->own)
				found = c;
			else if (found->instance != chat->own)
				*others = true;
		}
		if (found != NULL)
			return found;
	}
	return NULL;
}

void
command_usage(struct bh_buf *out, const struct chat *chat,
    const struct command *command)
{
	const char *args = command->def->args;

	bh_buf_add(out, "usage: %s%s%s%s", chat->prefix, command->def->name,
	    args != NULL && *args != '\0' ? " " : "",
	    args != NULL ? args : "");
}
