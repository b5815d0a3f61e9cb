/* outbox.c - brings what the store's outbox holds to the networks.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One row per (place, key) says what shall be seen there.  The worker sends
 * the newest version of each, one at a time per row and many rows at once,
 * and writes down the message id, so that the next version edits.  The same
 * version always goes out under the same key: a transport that already sent
 * it before a crash does not send it again.
 */

#include "host/chat/inner.h"

#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define AT_ONCE		64u
#define DOWN_RETRY	(30 * 1000)	/* the transport is not there */
#define DOWN_TRIES	120		/* an hour of it not being there at all */
#define GONE_RETRY	(3600 * 1000)	/* its block was removed */
#define RETRY_MAX	(60 * 1000)

struct sending {
	unsigned magic;
#define SENDING_MAGIC 0x53656e64u
	struct chat *chat;		/* NULL: nobody waits for it */
	struct chat_instance *instance;
	char *place, *key, *owner, *text, *message, *post_key;
	int64_t version, changed;
	int attempts;
	struct target target;
	struct bh_card *card;
	struct bh_button *buttons;
	char (*tokens)[TOKEN_SIZE];
	bool in_send, answered, done;
	int result;
	uint64_t round;			/* when it was done */
	char *sent_as;
	struct sending *next;
};

static void
sending_free(struct sending *s)
{
	target_release(&s->target);
	card_free(&s->card);
	free(s->buttons);
	free(s->tokens);
	free(s->place);
	free(s->key);
	free(s->owner);
	free(s->text);
	free(s->message);
	free(s->post_key);
	free(s->sent_as);
	KILL_MAGIC(s);
	free(s);
}

static void
unlink_sending(struct sending *s)
{
	struct sending **p = &s->chat->outbox.list;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	if (!s->done)
		s->chat->outbox.count--;
}

/* A question to the store that is under way was asked before its answer was
 * written down, and will still list the row as pending.  So it stays here
 * until a later question was answered. */
static void
finished(struct sending *s)
{
	struct chat *chat = s->chat;

	s->done = true;
	s->round = chat->outbox.round;
	chat->outbox.count--;
	chat_outbox_kick(chat);
}

static void
settle(struct chat *chat)
{
	for (struct sending *s = chat->outbox.list, *next; s != NULL;
	    s = next) {
		next = s->next;
		if (s->done && s->round < chat->outbox.round) {
			unlink_sending(s);
			sending_free(s);
		}
	}
}

static int64_t
retry_at(int attempts)
{
	int64_t wait = 1000;

	for (int i = 0; i < attempts && wait < RETRY_MAX; i++)
		wait *= 2;
	return world_now() + (wait < RETRY_MAX ? wait : RETRY_MAX);
}

/* In a DM by person, which account it went to must be known for edits. */
static char *
stored_message(const struct sending *s, const char *message)
{
	if (message == NULL || strncmp(s->place, "@person:", 8) != 0)
		return xstrdup(message);
	return xasprintf("%s/@%s %s", s->instance->name, s->target.user,
	    message);
}

static void transmit(struct sending *s);

static void
answered(struct sending *s, int result, const char *message)
{
	struct store *store = s->chat->parts.store;

	if (result == BH_OK) {
		BH_AUTO_FREE char *stored = stored_message(s, message);

		store_outbox_sent(store, s->place, s->key, s->version,
		    stored);
	} else if (result == BH_ENOENT && s->message != NULL) {
		/* Somebody deleted the message: the truth is shown anew. */
		free(s->message);
		s->message = NULL;
		transmit(s);
		return;
	} else if (result == BH_ENOENT || result == BH_EPERM ||
	    result == BH_EINVAL || result == BH_EUNSUPPORTED) {
		log_warn("%s cannot be shown at %s (result %d); given up",
		    s->key, s->place, result);
		store_outbox_give_up(store, s->place, s->key, s->version);
	} else {
		store_outbox_failed(store, s->place, s->key, s->version,
		    retry_at(s->attempts));
	}
	finished(s);
}

static void
sent(void *arg, int result, const char *message)
{
	struct sending *s = CAST(struct sending, arg, SENDING_MAGIC);

	if (s->in_send) {
		s->answered = true;
		s->result = result;
		free(s->sent_as);
		s->sent_as = xstrdup(message);
	} else if (s->chat == NULL) {
		sending_free(s);
	} else {
		answered(s, result, message);
	}
}

static void
transmit(struct sending *s)
{
	struct chat *chat = s->chat;
	struct chat_instance *in = s->instance;
	struct bh_host *host = in->host;
	bool edits = (in->transport->caps & BH_CAP_EDIT) != 0;
	struct bh_card card;
	struct bh_post post = { .key = s->post_key, .room = s->target.room,
	    .user = s->target.user, .text = s->text,
	    .message = edits ? s->message : NULL };
	int ret;

	if (s->card != NULL) {
		card = *s->card;
		card.buttons = s->buttons;
		post.card = &card;
	}
	s->answered = false;
	s->in_send = true;
	chat_enter(in, "send");
	ret = in->transport->send(in->state, &post, sent, s);
	chat_leave(chat, host);
	s->in_send = false;
	if (s->answered)
		answered(s, s->result, s->sent_as);
	else if (ret < 0)
		answered(s, ret, NULL);
}

static void
tokens_written(void *arg, int result)
{
	struct sending *s = CAST(struct sending, arg, SENDING_MAGIC);

	if (s->chat == NULL) {
		sending_free(s);
	} else if (result != BH_OK) {
		store_outbox_failed(s->chat->parts.store, s->place, s->key,
		    s->version, retry_at(s->attempts));
		finished(s);
	} else {
		transmit(s);
	}
}

/* The older versions' buttons are void already; here they are forgotten. */
static void
write_tokens(struct sending *s)
{
	struct bh_tx *tx = store_tx(s->chat->parts.store, CHAT_OWNER);

	s->buttons = xcalloc(s->card->buttons_count, sizeof(*s->buttons));
	s->tokens = xcalloc(s->card->buttons_count, TOKEN_SIZE);
	store_tx_sql(tx, BH_ANY, "DELETE FROM bh_button WHERE place = $1 "
	    "AND key = $2 AND version < $3", BH_PARAMS(bh_s(s->place),
	    bh_s(s->key), bh_i(s->version)));
	tokens_buttons(tx, s->card, s->buttons, s->tokens, s->owner, s->place,
	    s->key, s->version, s->changed);
	/* "[revoke]" must be there on a full disk too. */
	store_tx_urgent(tx);
	store_commit(tx, tokens_written, s);
}

static void
find_target(struct sending *s, const char *message)
{
	const char *blank = message != NULL ? strchr(message, ' ') : NULL;

	if (strncmp(s->place, "@person:", 8) == 0 && blank != NULL) {
		BH_AUTO_FREE char *place = xstrndup(message,
		    (size_t)(blank - message));

		place_target(s->chat, place, &s->target);
		s->message = xstrdup(blank + 1);
	} else {
		place_target(s->chat, s->place, &s->target);
		s->message = xstrdup(message);
	}
	s->instance = s->target.instance;
}

static bool
under_way(const struct chat *chat, const struct store_post *post)
{
	for (const struct sending *s = chat->outbox.list; s != NULL;
	    s = s->next)
		if (strcmp(s->place, post->place) == 0 &&
		    strcmp(s->key, post->key) == 0)
			return true;
	return false;
}

static void
start(struct chat *chat, const struct store_post *post)
{
	struct sending *s = xcalloc(1, sizeof(*s));
	const char *error = NULL;

	s->magic = SENDING_MAGIC;
	s->chat = chat;
	s->place = xstrdup(post->place);
	s->key = xstrdup(post->key);
	s->owner = xstrdup(post->owner);
	s->text = xstrdup(post->text != NULL ? post->text : "");
	s->version = post->version;
	s->changed = post->changed;
	s->attempts = post->attempts;
	s->post_key = xasprintf("%s@%s#%lld", post->key, post->place,
	    (long long)post->version);
	find_target(s, post->message);
	if (s->instance == NULL || s->instance->health == BH_DOWN) {
		store_outbox_failed(chat->parts.store, s->place, s->key,
		    s->version, world_now() + (s->instance == NULL &&
		    s->attempts >= DOWN_TRIES ? GONE_RETRY : DOWN_RETRY));
		sending_free(s);
		return;
	}
	if (post->card != NULL) {
		s->card = card_parse(post->card, strlen(post->card), &error);
		if (s->card == NULL)
			log_error("the card %s of %s cannot be read (%s); its "
			    "text is shown", s->key, s->owner, error);
	}
	s->next = chat->outbox.list;
	chat->outbox.list = s;
	chat->outbox.count++;
	if (s->card != NULL && s->card->buttons_count > 0)
		write_tokens(s);
	else
		transmit(s);
}

static void
wake_later(void *arg)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	chat->outbox.timer = NULL;
	chat_outbox_kick(chat);
}

static void
got_pending(void *arg, int result, const struct store_post *posts,
    size_t count, int64_t next_retry)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	if (!chat->outbox.open) {
		chat->outbox.asking = false;
		return;
	}
	loop_cancel(chat->outbox.timer);
	chat->outbox.timer = NULL;
	settle(chat);
	if (result == BH_OK) {
		chat->outbox.waiting = count;
		for (size_t i = 0; i < count; i++)
			if (chat->outbox.count < AT_ONCE &&
			    !under_way(chat, &posts[i]))
				start(chat, &posts[i]);
	} else {
		next_retry = world_now() + 5000;
	}
	chat->outbox.asking = false;
	if (next_retry != INT64_MAX)
		chat->outbox.timer = loop_after(chat->parts.loop,
		    next_retry - world_now(), wake_later, chat);
	if (chat->outbox.again) {
		chat->outbox.again = false;
		chat_outbox_kick(chat);
	}
}

void
chat_outbox_kick(struct chat *chat)
{
	CHECK_MAGIC(chat, CHAT_MAGIC);
	if (!chat->outbox.open)
		return;
	if (chat->outbox.asking) {
		chat->outbox.again = true;
		return;
	}
	chat->outbox.asking = true;
	chat->outbox.round++;
	store_outbox_pending(chat->parts.store, chat->outbox.count + AT_ONCE,
	    got_pending, chat);
}

static void
notified(void *arg)
{
	chat_outbox_kick(CAST(struct chat, arg, CHAT_MAGIC));
}

void
chat_wake(struct chat *chat)
{
	chat_outbox_kick(chat);
}

size_t
chat_outbox_waiting(const struct chat *chat)
{
	return chat->outbox.waiting;
}

size_t
outbox_busy(const struct chat_instance *in)
{
	size_t count = in->chat->outbox.asking || in->chat->outbox.again;

	for (struct sending *s = in->chat->outbox.list; s != NULL; s = s->next)
		if (s->instance == in)
			count++;
	return count;
}

void
outbox_open(struct chat *chat)
{
	chat->outbox.open = true;
	store_outbox_notify(chat->parts.store, notified, chat);
	store_outbox_again(chat->parts.store);
	chat_outbox_kick(chat);
}

/* Its answers may never come: what is under way there is started anew when
 * the instance is back.  A late answer finds nobody and is forgotten. */
void
outbox_drop(struct chat_instance *in)
{
	struct chat *chat = in->chat;

	for (struct sending *s = chat->outbox.list, *next; s != NULL;
	    s = next) {
		next = s->next;
		if (s->instance != in)
			continue;
		unlink_sending(s);
		if (s->done)
			sending_free(s);
		else
			s->chat = NULL;
	}
}

void
outbox_close(struct chat *chat)
{
	chat->outbox.open = false;
	loop_cancel(chat->outbox.timer);
	chat->outbox.timer = NULL;
}
