/* outbox.c - brings what the store's outbox holds to the networks.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One row per (place, key) says what shall be seen there.  The worker sends
 * the newest version of each, one at a time per row, a few at once per place
 * and many places at once, and writes down the message id, so that the next
 * version edits.
 *
 * Before a new message is sent it is written down that it is being tried, in
 * the transaction of its buttons if it has any.  Until there is an answer
 * nobody knows whether the network took it; the next try, maybe of another
 * process, says so (post.again) and names the same key, so that a network
 * that can look finds it.
 */

#include "host/chat/inner.h"

#include "host/base/failpoint.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define AT_ONCE		1024u
#define AT_ONE_PLACE	4u		/* one that is stuck holds up no other */
#define LISTED		2048u		/* of one answer of the store */
#define TRY_LIFE	(10 * 60 * (int64_t)1000) /* a row is listed no sooner */
#define GIVE_UP_AFTER	(3 * 24 * 3600 * (int64_t)1000)
#define GIVE_UP_TRIES	20		/* but not before, in this run */
#define DOWN_RETRY	(30 * 1000)	/* the transport is not there */
#define DOWN_TRIES	120		/* an hour of it not being there at all */
#define GONE_RETRY	(3600 * 1000)	/* its block was removed */
#define RETRY_MAX	(60 * 1000)
#define ABSENT_MAX	(5 * 60 * 1000)	/* ... of a room the bot is not in */
#define ABSENT_LIFE	(24 * 3600 * (int64_t)1000)
#define ABSENT_TRIES	10		/* but not before, in this run */
#define STORE_RETRY	1000		/* while it is in trouble */

struct sending {
	unsigned magic;
#define SENDING_MAGIC 0x53656e64u
	struct chat *chat;		/* NULL: nobody waits for it */
	struct chat_instance *instance;
	char *place, *key, *owner, *text, *message, *post_key;
	int64_t version, changed;
	int64_t tried;			/* may be there; 0: certainly not */
	int64_t named;			/* version that the post is named after */
	bool again;			/* this try is not the first */
	int attempts;
	struct target target;
	struct bh_card *card;
	struct bh_button *buttons;
	char (*tokens)[TOKEN_SIZE];
	bool in_send, answered, done;
	int result;
	uint64_t round;			/* when it was done */
	char *sent_as;
	struct sending *next, *prev;
	struct sending *neighbour;	/* whose place has the same hash */
};

static struct sending **
bucket_of(struct chat *chat, const char *place)
{
	uint32_t h = 2166136261u;

	for (const char *p = place; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &chat->outbox.places[h % OUTBOX_BUCKETS];
}

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
link_sending(struct sending *s)
{
	struct chat *chat = s->chat;
	struct sending **bucket = bucket_of(chat, s->place);

	s->neighbour = *bucket;
	*bucket = s;
	s->next = chat->outbox.list;
	if (s->next != NULL)
		s->next->prev = s;
	chat->outbox.list = s;
	chat->outbox.count++;
}

static void
unlink_sending(struct sending *s)
{
	struct sending **p = bucket_of(s->chat, s->place);

	while (*p != s)
		p = &(*p)->neighbour;
	*p = s->neighbour;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		s->chat->outbox.list = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
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
retry_at(int attempts, int64_t most)
{
	int64_t wait = 1000;

	for (int i = 0; i < attempts && wait < most; i++)
		wait *= 2;
	return world_now() + (wait < most ? wait : most);
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

static void begin(struct sending *s);

/* It will never be shown: told once, and written down. */
static void
give_up(struct sending *s, int result, const char *why)
{
	BH_AUTO_FREE char *text = xasprintf("%s (result %d)", why, result);

	log_warn("%s of %s is not shown at %s and given up: %s", s->key,
	    s->owner, s->place, text);
	store_outbox_give_up(s->chat->parts.store, s->place, s->key,
	    s->version, s->tried, text);
}

static bool
for_good(int result)
{
	return result == BH_ENOENT || result == BH_EPERM ||
	    result == BH_EINVAL || result == BH_EUNSUPPORTED;
}

/* May the network have taken it, although it did not say so? */
static bool
unknown(int result)
{
	return !for_good(result) && result != BH_ELIMIT && result != BH_EBUSY;
}

static void
failed(struct sending *s, int result, int64_t when)
{
	if (s->attempts >= GIVE_UP_TRIES &&
	    world_now() - s->changed >= GIVE_UP_AFTER)
		give_up(s, result, "it has failed for three days");
	else
		store_outbox_failed(s->chat->parts.store, s->place, s->key,
		    s->version, when, s->tried);
}

/* There is no such room that the bot could see: somebody may invite it yet,
 * and a card that waits for approval must not be lost until then.  Other rows,
 * there too, have their own times. */
static void
absent(struct sending *s)
{
	absent_is(s->chat, s->place);
	if (s->attempts >= ABSENT_TRIES &&
	    world_now() - s->changed >= ABSENT_LIFE)
		give_up(s, BH_ENOENT, "nobody invited the bot to it for a "
		    "day");
	else
		store_outbox_failed(s->chat->parts.store, s->place, s->key,
		    s->version, retry_at(s->attempts, ABSENT_MAX), s->tried);
}

static void
answered(struct sending *s, int result, const char *message)
{
	struct store *store = s->chat->parts.store;

	if (result == BH_OK) {
		BH_AUTO_FREE char *stored = stored_message(s, message);

		/* Under an older name the network may have found the older
		 * text, so that the newer one is still to be shown. */
		store_outbox_sent(store, s->place, s->key, s->named, stored);
		absent_no_more(s->chat, s->place);
	} else if (result == BH_ENOENT && s->message != NULL) {
		/* Somebody deleted the message: the truth is shown anew. */
		free(s->message);
		s->message = NULL;
		begin(s);
		return;
	} else {
		if (unknown(result))
			s->tried = s->named;
		else if (!s->again)
			s->tried = 0;
		if (result == BH_ENOENT && s->target.room != NULL)
			absent(s);
		else if (for_good(result))
			give_up(s, result, "the network refuses it");
		else
			failed(s, result, retry_at(s->attempts, RETRY_MAX));
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
	struct bh_card card;
	struct bh_post post = { .key = s->post_key, .room = s->target.room,
	    .user = s->target.user, .text = s->text, .message = s->message,
	    .again = s->again };
	int ret;

	if (s->card != NULL) {
		card = *s->card;
		card.buttons = s->buttons;
		post.card = &card;
	}
	s->answered = false;
	s->in_send = true;
	failpoint_hit("outbox.before-send");
	chat_enter(in, "send");
	ret = in->transport->send(in->state, &post, sent, s);
	chat_leave(chat, host);
	failpoint_hit("outbox.after-send");
	s->in_send = false;
	if (s->answered)
		answered(s, s->result, s->sent_as);
	else if (ret < 0)
		answered(s, ret, NULL);
}

static void
begun(void *arg, int result)
{
	struct sending *s = CAST(struct sending, arg, SENDING_MAGIC);

	if (s->chat == NULL) {
		sending_free(s);
	} else if (result != BH_OK) {
		if (!s->again)
			s->tried = 0;
		failed(s, result, retry_at(s->attempts, RETRY_MAX));
		finished(s);
	} else {
		transmit(s);
	}
}

/* The older versions' buttons are void already; here they are forgotten. */
static void
write_tokens(struct sending *s, struct bh_tx *tx)
{
	free(s->buttons);
	free(s->tokens);
	s->buttons = xcalloc(s->card->buttons_count, sizeof(*s->buttons));
	s->tokens = xcalloc(s->card->buttons_count, TOKEN_SIZE);
	store_tx_sql(tx, BH_ANY, "DELETE FROM bh_button WHERE place = $1 "
	    "AND key = $2 AND version < $3", BH_PARAMS(bh_s(s->place),
	    bh_s(s->key), bh_i(s->version)));
	tokens_buttons(tx, s->card, s->buttons, s->tokens, s->owner, s->place,
	    s->key, s->version, s->changed, BUTTON_LIFE);
}

/* One try: what must be durable before it, then out.  An edit does no harm
 * when it is made twice; a message does. */
static void
begin(struct sending *s)
{
	bool buttons = s->card != NULL && s->card->buttons_count > 0;
	bool edits = (s->instance->transport->caps & BH_CAP_EDIT) != 0;
	struct bh_tx *tx;

	if (!edits) {
		free(s->message);
		s->message = NULL;
	}
	s->named = s->version;
	/* An older version may be there, under a name that nobody has been
	 * told: it is looked for, and edited when it was found. */
	if (edits && s->message == NULL && s->tried != 0)
		s->named = s->tried;
	s->again = s->tried == s->named;
	free(s->post_key);
	s->post_key = xasprintf("%s@%s#%lld", s->key, s->place,
	    (long long)s->named);
	if (!buttons && (s->message != NULL || s->again)) {
		transmit(s);
		return;
	}
	tx = store_tx(s->chat->parts.store, CHAT_OWNER);
	if (buttons)
		write_tokens(s, tx);
	s->tried = s->named;
	store_tx_outbox_try(tx, s->place, s->key, s->named, s->version,
	    world_now() + TRY_LIFE);
	/* "[revoke]" must be there on a full disk too. */
	store_tx_urgent(tx);
	store_commit(tx, begun, s);
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

/* Is it being sent, or is its place busy enough? */
static bool
under_way(struct chat *chat, const struct store_post *post)
{
	size_t there = 0;

	for (const struct sending *s = *bucket_of(chat, post->place);
	    s != NULL; s = s->neighbour) {
		if (strcmp(s->place, post->place) != 0)
			continue;
		if (strcmp(s->key, post->key) == 0)
			return true;
		there += !s->done;
	}
	return there >= AT_ONE_PLACE;
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
	s->tried = post->tried;
	find_target(s, post->message);
	if (s->instance == NULL || s->instance->health == BH_DOWN) {
		failed(s, BH_ENET, world_now() + (s->instance == NULL &&
		    s->attempts >= DOWN_TRIES ? GONE_RETRY : DOWN_RETRY));
		sending_free(s);
		chat->outbox.again = true;	/* when is the next due? */
		return;
	}
	if (post->card != NULL) {
		s->card = card_parse(post->card, strlen(post->card), &error);
		if (s->card == NULL)
			log_error("the card %s of %s cannot be read (%s); its "
			    "text is shown", s->key, s->owner, error);
	}
	link_sending(s);
	begin(s);
}

static void ask(struct chat *chat);

static void
wake_later(void *arg)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	chat->outbox.timer = NULL;
	ask(chat);
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

static void
ask(struct chat *chat)
{
	if (!chat->outbox.open)
		return;
	if (chat->outbox.asking) {
		chat->outbox.again = true;
		return;
	}
	chat->outbox.asking = true;
	chat->outbox.round++;
	store_outbox_pending(chat->parts.store, LISTED, AT_ONE_PLACE * 2,
	    got_pending, chat);
}

void
chat_outbox_kick(struct chat *chat)
{
	CHECK_MAGIC(chat, CHAT_MAGIC);
	if (store_health(chat->parts.store) == BH_OK) {
		ask(chat);
	} else if (chat->outbox.open) {
		/* What cannot be written down would be sent over and over. */
		loop_cancel(chat->outbox.timer);
		chat->outbox.timer = loop_after(chat->parts.loop,
		    STORE_RETRY, wake_later, chat);
	}
}

static void
notified(void *arg)
{
	chat_outbox_kick(CAST(struct chat, arg, CHAT_MAGIC));
}

void
chat_wake(struct chat *chat, const char *transport)
{
	if (chat->outbox.open)
		store_outbox_again(chat->parts.store, transport);
	chat_outbox_kick(chat);
}

size_t
chat_outbox_waiting(const struct chat *chat)
{
	return chat->outbox.waiting + chat->outbox.count;
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
	store_outbox_again(chat->parts.store, NULL);
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
		if (s->done) {
			sending_free(s);
			continue;
		}
		store_outbox_failed(chat->parts.store, s->place, s->key,
		    s->version, world_now(), s->tried);
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
