/* home.c - a home page: the commands that are meant for it answer there.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Opening a page asks for nothing and changes nothing: no audit row, and
 * nothing to be kept.  It counts once against the flood limit, whatever
 * number of commands answers.
 */

#include "host/chat/inner.h"

/* The same person at the same place, for one of the commands. */
static struct call *
child_of(struct call *parent, struct command *command)
{
	const struct bh_event event = { .user = parent->user_id,
	    .room = parent->room, .room_name = parent->room_name,
	    .reply = parent->reply };
	struct call *c = call_new(parent->chat, parent->from, VIA_HOME,
	    &event);

	c->receipt = receipt_hold(parent->receipt);
	call_see(c, parent->seen);
	call_identify(c, parent->identity);
	c->event_flags = parent->event_flags;
	call_user(c);
	c->command = command;
	return c;
}

static bool
fits(const struct call *c, const struct command *command)
{
	if ((command->def->flags & BH_CMD_HOME) == 0)
		return false;
	for (size_t i = 0; i < command->spec.count; i++)
		if (command->spec.list[i].kind == ARG_NEEDED ||
		    command->spec.list[i].kind == ARG_REST)
			return false;
	return call_allows(c, command, NULL);
}

void
home_enter(struct call *c)
{
	struct call **children = NULL;
	size_t count = 0;

	if (!path_flood(c, 1))
		return;
	for (struct chat_instance *in = c->chat->instances; in != NULL;
	    in = in->next)
		for (size_t i = 0; i < in->commands_count; i++) {
			if (!fits(c, &in->commands[i]))
				continue;
			children = xrealloc(children, count + 1,
			    sizeof(*children));
			children[count++] = child_of(c, &in->commands[i]);
		}
	/* All stand in line before the first runs: what it does may take any
	 * instance away, and with it the commands that are listed here. */
	for (size_t i = 0; i < count; i++)
		call_queue(children[i]);
	for (size_t i = 0; i < count; i++)
		children[i]->stage = STAGE_READY;
	free(children);

	struct person *person = c->identity->person;

	call_over(c);
	call_turn(person);
}
