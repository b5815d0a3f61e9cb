/* deliver.c - an event comes in: whose it is, where, and what it wants.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   chat_deliver -> deliver_begin ----------------------------> deliver_known
 *                       |                                            ^
 *                       +-> the event alone is committed,            |
 *                           acknowledged -> lookup.c asks -----------+
 *
 * What was left from the last run comes in at deliver_begin, too.
 */

#include "host/chat/inner.h"

#include "host/base/text.h"
#include "host/base/world.h"

/* The command in a message, after its prefix; NULL if it is just talk.  In a
 * DM everything is meant for us. */
static const char *
command_text(const struct chat *chat, const struct bh_event *event)
{
	const char *text = event->text != NULL ? event->text : "";
	size_t len = strlen(chat->prefix);

	while (*text == ' ' || *text == '\n' || *text == '\t')
		text++;
	if (strncmp(text, chat->prefix, len) == 0) {
		unsigned char c = (unsigned char)text[len];

		/* "!!!" and "! wow" are exclamations. */
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c >= 0x80 ? text + len : NULL;
	}
	if (event->kind == BH_EV_MESSAGE && event->room != NULL)
		return NULL;
	return *text != '\0' ? text : NULL;
}

static bool
has_line(const struct bh_event *event)
{
	return event->kind == BH_EV_MESSAGE || event->kind == BH_EV_COMMAND;
}

static bool
makes_sense(const struct chat_instance *from, const struct bh_event *event)
{
	bool token = event->kind == BH_EV_BUTTON || event->kind == BH_EV_FORM;

	return event->kind >= BH_EV_MESSAGE && event->kind <= BH_EV_HOME &&
	    event->user != NULL && from->transport != NULL &&
	    (!token || event->token != NULL);
}

/* Nothing to be kept: the network may forget it at once. */
static int
done_with(struct chat_instance *from, const struct bh_event *event,
    bh_commit_cb *received, void *arg)
{
	struct receipt *receipt = receipt_new(from, event->reply);

	if (received != NULL)
		received(arg, BH_OK);
	receipt_drop(&receipt);
	return BH_OK;
}

static char *
line_of(const struct bh_event *event, const char *text)
{
	BH_AUTO_BUF struct bh_buf clean = BH_BUF(32u * 1024u);

	/* One more than is allowed tells path_line() that it is too long. */
	text_clean(&clean, text, LINE_MAX_CHARS + 1);
	/* Completion wants to know whether a word has ended. */
	if (event->kind == BH_EV_COMPLETE && *text != '\0' && clean.len > 0 &&
	    text[strlen(text) - 1] == ' ')
		bh_buf_puts(&clean, " ");
	return text_take(&clean);
}

struct call *
deliver_call(struct chat *chat, struct chat_instance *from,
    const struct bh_event *event)
{
	static const enum via vias[] = {
		[BH_EV_MESSAGE] = VIA_TYPED, [BH_EV_COMMAND] = VIA_COMMAND,
		[BH_EV_BUTTON] = VIA_BUTTON, [BH_EV_FORM] = VIA_FORM,
		[BH_EV_COMPLETE] = VIA_COMPLETE, [BH_EV_HOME] = VIA_HOME,
	};
	BH_AUTO_BUF struct bh_buf why = BH_BUF(4096);
	const char *text = NULL;
	struct identity *identity = NULL;
	struct call *c;

	if (has_line(event) && (text = command_text(chat, event)) == NULL)
		return NULL;
	if (event->kind == BH_EV_COMPLETE)
		text = event->text != NULL ? event->text : "";
	/* A network that can be asked says who somebody is when asked. */
	if (from->transport->who != NULL)
		identity = people_find(chat, from->realm, event->user);
	else
		people_identify(chat, from->realm, event, &identity, &why);
	c = call_new(chat, from, vias[event->kind], event);
	call_see(c, places_see(chat, from, event));
	if (why.len > 0)
		c->unclear = xstrdup(bh_buf_text(&why));
	if (text != NULL)
		c->line = line_of(event, text);
	call_identify(c, identity);
	call_user(c);
	return c;
}

static void judge(struct call *c);

void
deliver_begin(struct call *c)
{
	if (c->via == VIA_COMPLETE || c->via == VIA_HOME)
		call_received(c, BH_OK);
	if (!lookup_wanted(c) && c->again == 0) {
		judge(c);
		return;
	}
	/* Since a restart's were read, others may have been asked about. */
	if (!lookup_wanted(c)) {
		deliver_known(c);
		return;
	}
	if (c->kept == 0 || c->durable) {
		lookup_begin(c);
		return;
	}
	/* A flood must not reach the disk. */
	if (c->identity != NULL) {
		if (!path_flood(c, 1))
			return;
		c->paid = 1;
	}
	path_keep(c);
}

/* The sentence for one who cannot be served because of what the network says
 * or does not say; false: there is nothing to say against it. */
static bool
unknown(const struct call *c, struct bh_buf *why)
{
	const char *net = c->from->name;

	if (c->who_known == KNOWN_NO)
		bh_buf_add(why, "%s does not know your account, or does not "
		    "let me see it, so I cannot tell who you are", net);
	else if (c->who_known == KNOWN_SILENT)
		bh_buf_add(why, "I could not ask %s who you are just now, so "
		    "nothing was done: ask again in a minute", net);
	else if (c->identity == NULL)
		bh_buf_puts(why, c->unclear != NULL ? c->unclear :
		    "I cannot tell who you are");
	else if (c->where_known == KNOWN_NO)
		bh_buf_puts(why, "I cannot see this room, so I take no "
		    "commands here: invite me to it, or write to me directly");
	else if (c->where_known == KNOWN_SILENT)
		bh_buf_add(why, "I could not ask %s about this room just now, "
		    "so nothing was done: ask again in a minute", net);
	return why->len > 0;
}

static void
judge(struct call *c)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(4096);
	bool bad = unknown(c, &why);
	bool gone = (c->user.flags & BH_USER_GONE) != 0;

	if ((bad || gone) && (c->via == VIA_COMPLETE || c->via == VIA_HOME)) {
		receipt_result(c->receipt, BH_EPERM);
		if (c->via == VIA_COMPLETE)
			complete_done(c);
		call_over(c);
	} else if (bad) {
		/* Those who cannot be told apart share one measure. */
		if (c->identity != NULL || path_flood(c, 1))
			path_verdict(c, true, "%s.", bh_buf_text(&why));
	} else if (c->via == VIA_HOME) {
		home_enter(c);
	} else if (c->via == VIA_COMPLETE) {
		complete_enter(c);
	} else if (gone) {
		log_note("%s/@%s is deleted or disabled there, and was "
		    "refused", c->user.realm, c->user.id);
		path_verdict(c, true, "the account is deleted or disabled");
	} else {
		path_enter(c);
	}
}

void
deliver_known(struct call *c)
{
	call_user(c);
	call_see(c, c->seen);
	judge(c);
}

int
chat_deliver(struct chat *chat, struct chat_instance *from,
    const struct bh_event *event, bh_commit_cb *received, void *arg)
{
	struct call *c;
	int ret;

	CHECK_MAGIC(chat, CHAT_MAGIC);
	CHECK_MAGIC(from, CHAT_INSTANCE_MAGIC);
	if (!makes_sense(from, event))
		return BH_EINVAL;
	if (has_line(event) && command_text(chat, event) == NULL)
		return done_with(from, event, received, arg);
	if (chat->calls_count >= CALLS_MAX)
		return BH_EBUSY;
	c = deliver_call(chat, from, event);
	ret = c->via == VIA_COMPLETE || c->via == VIA_HOME ? BH_OK :
	    inbox_take(c, event);
	if (ret != BH_OK) {
		log_warn("an event of %s is too large to be kept", from->name);
		call_over(c);
		return ret;
	}
	c->receipt = receipt_new(from, event->reply);
	c->received = received;
	c->received_arg = arg;
	deliver_begin(c);
	return BH_OK;
}
