/* absent.c - rooms that the bot is not in: named once each, until it is.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Somebody has to invite the bot, so what to do is said where an operator
 * looks; but not at each try, since those go on for a day.
 */

#include "host/chat/inner.h"

#define ABSENT_MOST	1000u

struct absent {
	char *place;
	struct absent *next;
};

static struct absent **
find(struct chat *chat, const char *place)
{
	struct absent **p = &chat->absent.list;

	while (*p != NULL && strcmp((*p)->place, place) != 0)
		p = &(*p)->next;
	return p;
}

static void
forget(struct chat *chat, struct absent **p)
{
	struct absent *a = *p;

	*p = a->next;
	chat->absent.count--;
	free(a->place);
	free(a);
}

void
absent_is(struct chat *chat, const char *place)
{
	struct absent *a;

	if (*find(chat, place) != NULL)
		return;
	/* Those named before are named again: better than not at all. */
	if (chat->absent.count >= ABSENT_MOST)
		absent_free(chat);
	a = xcalloc(1, sizeof(*a));
	a->place = xstrdup(place);
	a->next = chat->absent.list;
	chat->absent.list = a;
	chat->absent.count++;
	log_warn("the bot is not in %s, or there is no such room: invite the "
	    "bot to it, or correct the name in the configuration; cards and "
	    "messages for it wait for a day", place);
}

void
absent_no_more(struct chat *chat, const char *place)
{
	struct absent **p = find(chat, place);

	if (*p == NULL)
		return;
	log_note("the bot is in %s now", place);
	forget(chat, p);
}

void
absent_free(struct chat *chat)
{
	while (chat->absent.list != NULL)
		forget(chat, &chat->absent.list);
}
