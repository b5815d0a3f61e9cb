/* receipt.c - a delivered event, until nothing more will name its reply.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Calls and their answers on the way out hold the receipt of their event.
 * When the last of them lets go, the transport hears over(): not from within
 * bh_deliver() or send(), but right after.
 */

#include "host/chat/inner.h"

#include "host/io/loop.h"

struct receipt {
	unsigned magic;
#define RECEIPT_MAGIC 0x52656370u
	struct chat *chat;		/* NULL: all of it went away */
	struct chat_instance *from;	/* NULL: it went away */
	char *reply;
	int result;
	unsigned refs;			/* 0: over, and not told yet */
	struct receipt *next, *prev;
};

struct receipt *
receipt_new(struct chat_instance *from, const char *reply)
{
	struct receipt *r;

	if (reply == NULL || from->transport->over == NULL)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->magic = RECEIPT_MAGIC;
	r->chat = from->chat;
	r->from = from;
	r->reply = xstrdup(reply);
	r->refs = 1;
	r->next = r->chat->receipts.list;
	if (r->next != NULL)
		r->next->prev = r;
	r->chat->receipts.list = r;
	return r;
}

struct receipt *
receipt_hold(struct receipt *r)
{
	if (r != NULL)
		r->refs++;
	return r;
}

void
receipt_result(struct receipt *r, int result)
{
	if (r != NULL)
		r->result = result;
}

static void
unlink_receipt(struct receipt *r)
{
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		r->chat->receipts.list = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	r->next = r->prev = NULL;
}

static void
receipt_free(struct receipt *r)
{
	free(r->reply);
	KILL_MAGIC(r);
	free(r);
}

/* Each may take the instance, or others, away. */
static void
tell(void *arg)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);
	struct receipt *r;

	chat->receipts.timer = NULL;
	while ((r = chat->receipts.over) != NULL) {
		struct chat_instance *from = r->from;

		chat->receipts.over = r->next;
		if (r->next != NULL)
			r->next->prev = NULL;
		else
			chat->receipts.over_last = NULL;
		if (from != NULL) {
			struct bh_host *host = from->host;

			chat_enter(from, "over");
			from->transport->over(from->state, r->reply,
			    r->result);
			chat_leave(chat, host);
		}
		receipt_free(r);
	}
}

void
receipt_drop(struct receipt **p)
{
	struct receipt *r = *p;
	struct chat *chat;

	*p = NULL;
	if (r == NULL || --r->refs > 0)
		return;
	chat = r->chat;
	if (chat != NULL)
		unlink_receipt(r);
	if (chat == NULL || r->from == NULL) {
		receipt_free(r);
		return;
	}
	r->prev = chat->receipts.over_last;
	if (r->prev != NULL)
		r->prev->next = r;
	else
		chat->receipts.over = r;
	chat->receipts.over_last = r;
	if (chat->receipts.timer == NULL)
		chat->receipts.timer = loop_after(chat->parts.loop, 0, tell,
		    chat);
}

void
receipts_forget(struct chat_instance *in)
{
	for (struct receipt *r = in->chat->receipts.list; r != NULL;
	    r = r->next)
		if (r->from == in)
			r->from = NULL;
	for (struct receipt *r = in->chat->receipts.over; r != NULL;
	    r = r->next)
		if (r->from == in)
			r->from = NULL;
}

size_t
receipts_waiting(const struct chat_instance *in)
{
	size_t count = 0;

	for (struct receipt *r = in->chat->receipts.over; r != NULL;
	    r = r->next)
		count += r->from == in;
	return count;
}

void
receipts_free(struct chat *chat)
{
	struct receipt *next;

	loop_cancel(chat->receipts.timer);
	chat->receipts.timer = NULL;
	for (struct receipt *r = chat->receipts.over; r != NULL; r = next) {
		next = r->next;
		receipt_free(r);
	}
	chat->receipts.over = chat->receipts.over_last = NULL;
	/* A network may still answer about these. */
	for (struct receipt *r = chat->receipts.list; r != NULL; r = next) {
		next = r->next;
		r->chat = NULL;
		r->next = r->prev = NULL;
	}
	chat->receipts.list = NULL;
}
