/* reply.c - direct answers on their way out, in order for each place.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers are short-lived: they are tried three times and then given up.
 * What must be seen goes through the outbox instead.
 */

#include "host/chat/inner.h"

#include "host/base/failpoint.h"
#include "host/base/text.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define PAGE_BYTES	3000u
#define PAGES_MAX	5u
#define QUEUE_MAX	200u
#define TRIES_MAX	3
#define AGAIN_LIFE	(10 * 60 * (int64_t)1000)	/* of what a restart left */

struct speech {
	unsigned magic;
#define SPEECH_MAGIC 0x53706565u
	struct outlet *outlet;		/* NULL: nobody waits for it */
	struct chat *chat;
	char *key, *room, *user, *thread, *reply, *text;
	struct bh_card *card;		/* ours */
	struct bh_button *buttons;	/* with tokens */
	char (*tokens)[TOKEN_SIZE];
	bool waiting;			/* its tokens are being written */
	struct receipt *receipt;	/* of the event it answers */
	bool unknown;			/* the network may have taken it */
	bool in_send, answered;
	int result, tries;
	int64_t until;			/* tried so long, at least */
	struct speech *next;
};

struct outlet {
	unsigned magic;
#define OUTLET_MAGIC 0x4f75746cu
	struct chat *chat;
	struct chat_instance *instance;	/* NULL: it went away */
	char *place;
	struct speech *first, *last;
	size_t count;
	bool busy;
	struct bh_timer *timer;
	struct outlet *next;
};

static void outlet_pump(struct outlet *o);

static void
speech_free(struct speech *s)
{
	free(s->key);
	free(s->room);
	free(s->user);
	free(s->thread);
	free(s->reply);
	free(s->text);
	free(s->buttons);
	free(s->tokens);
	card_free(&s->card);
	receipt_drop(&s->receipt);
	KILL_MAGIC(s);
	free(s);
}

static void
outlet_free(struct outlet *o)
{
	struct outlet **p = &o->chat->outlets;

	while (*p != o)
		p = &(*p)->next;
	*p = o->next;
	for (struct speech *s = o->first, *next; s != NULL; s = next) {
		next = s->next;
		/* A callback will come for these yet. */
		if ((s == o->first && o->busy) || s->waiting)
			s->outlet = NULL;
		else
			speech_free(s);
	}
	loop_cancel(o->timer);
	free(o->place);
	KILL_MAGIC(o);
	free(o);
}

void
outlets_drop(struct chat_instance *in)
{
	for (struct outlet *o = in->chat->outlets, *next; o != NULL; o = next) {
		next = o->next;
		if (o->instance == in)
			outlet_free(o);
	}
}

size_t
outlets_waiting(const struct chat_instance *in)
{
	size_t count = 0;

	for (struct outlet *o = in->chat->outlets; o != NULL; o = o->next)
		if (o->instance == in)
			count += o->count;
	return count;
}

void
outlets_free(struct chat *chat)
{
	while (chat->outlets != NULL)
		outlet_free(chat->outlets);
}

static void
retry(void *arg)
{
	struct outlet *o = CAST(struct outlet, arg, OUTLET_MAGIC);

	o->timer = NULL;
	outlet_pump(o);
}

/* The network has answered about the first of the queue. */
static void
answered(struct speech *s, int result)
{
	struct outlet *o = s->outlet;

	if (o == NULL) {
		speech_free(s);
		return;
	}
	o->busy = false;
	if ((result == BH_ENET || result == BH_EBUSY || result == BH_ELIMIT) &&
	    (++s->tries < TRIES_MAX || world_mono() < s->until)) {
		s->unknown = s->unknown || result == BH_ENET;
		o->timer = loop_after(o->chat->parts.loop, 1000 *
		    (s->tries < 30 ? s->tries : 30), retry, o);
		return;
	}
	if (result != BH_OK)
		log_warn("an answer for %s could not be sent (result %d)",
		    o->place, result);
	o->first = s->next;
	if (o->first == NULL)
		o->last = NULL;
	o->count--;
	speech_free(s);
}

static void
sent(void *arg, int result, const char *message)
{
	struct speech *s = CAST(struct speech, arg, SPEECH_MAGIC);
	struct outlet *o = s->outlet;

	(void)message;
	if (s->in_send) {
		s->answered = true;
		s->result = result;
		return;
	}
	answered(s, result);
	if (o != NULL)
		outlet_pump(o);
}

/* Sends what can be sent; an empty outlet is gone afterwards. */
static void
outlet_pump(struct outlet *o)
{
	while (!o->busy && o->timer == NULL && o->first != NULL &&
	    !o->first->waiting) {
		struct speech *s = o->first;
		struct chat_instance *in = o->instance;
		struct chat *chat = o->chat;
		struct bh_host *host = in->host;
		struct bh_card card;
		struct bh_post post = { .key = s->key, .room = s->room,
		    .user = s->user, .thread = s->thread, .reply = s->reply,
		    .text = s->text, .again = s->unknown };
		int ret;

		if (s->card != NULL) {
			card = *s->card;
			card.buttons = s->buttons;
			post.card = &card;
		}
		o->busy = true;
		s->in_send = true;
		s->answered = false;
		failpoint_hit("answer.before-send");
		chat_enter(in, "send");
		ret = in->transport->send(in->state, &post, sent, s);
		chat_leave(chat, host);
		failpoint_hit("answer.after-send");
		s->in_send = false;
		if (s->answered)
			answered(s, s->result);
		else if (ret < 0)
			answered(s, ret);
	}
	if (o->first == NULL && !o->busy)
		outlet_free(o);
}

static struct outlet *
outlet_for(struct chat *chat, struct chat_instance *in, const char *place)
{
	struct outlet *o = chat->outlets;

	while (o != NULL && (o->instance != in ||
	    strcmp(o->place, place) != 0))
		o = o->next;
	if (o == NULL) {
		o = xcalloc(1, sizeof(*o));
		o->magic = OUTLET_MAGIC;
		o->chat = chat;
		o->instance = in;
		o->place = xstrdup(place);
		o->next = chat->outlets;
		chat->outlets = o;
	}
	return o;
}

/* ------------------------------------------------------------------ */

/* Invisible characters go; blanks and line ends stay, since they make
 * tables. */
static void
clean(struct bh_buf *out, const char *text)
{
	BH_AUTO_BUF struct bh_buf word = BH_BUF(64u * 1024u);

	while (*text != '\0') {
		size_t len = strcspn(text, " \n");

		if (len > 0) {
			BH_AUTO_FREE char *piece = xstrndup(text, len);

			bh_buf_clear(&word);
			text_clean(&word, piece, 16000);
			bh_buf_puts(out, bh_buf_text(&word));
		}
		text += len;
		len = strspn(text, " \n");
		bh_buf_put(out, text, len);
		text += len;
	}
}

/* Where a page ends: at a line's end if there is one in its second half. */
static size_t
page_len(const char *text)
{
	size_t len = strlen(text);

	if (len <= PAGE_BYTES)
		return len;
	for (size_t i = PAGE_BYTES; i > PAGE_BYTES / 2; i--)
		if (text[i] == '\n')
			return i;
	len = PAGE_BYTES;
	while (((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Who sees it and where: returns the place, malloc'd. */
static char *
address(const struct call *c, bool quiet, struct speech *s)
{
	bool private = c->command != NULL && c->verdict == NULL &&
	    (c->command->def->flags & BH_CMD_PRIVATE) != 0;
	bool ephemeral = (c->from->transport->caps & BH_CAP_EPHEMERAL) != 0;

	s->reply = xstrdup(c->reply);
	if (c->direct || (private && !ephemeral)) {
		s->user = xstrdup(c->user_id);
		if (c->direct)
			s->thread = xstrdup(c->thread);
		return xjoin(c->from->name, "/@", c->user_id);
	}
	s->room = xstrdup(c->room);
	s->thread = xstrdup(c->thread);
	if ((quiet || private) && ephemeral)
		s->user = xstrdup(c->user_id);
	return xstrdup(c->place);
}

/* A new answer at the end of its place's queue; NULL if there are too many.
 * The caller fills in the text and pumps. */
static struct speech *
speech_new(struct call *c, bool quiet, char **place)
{
	struct speech *s;
	struct outlet *o;

	if (c->from == NULL)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->magic = SPEECH_MAGIC;
	s->chat = c->chat;
	*place = address(c, quiet, s);
	o = outlet_for(c->chat, c->from, *place);
	if (o->count >= QUEUE_MAX) {
		log_warn("too many answers wait for %s; one was dropped",
		    o->place);
		free(*place);
		speech_free(s);
		return NULL;
	}
	s->outlet = o;
	s->receipt = receipt_hold(c->receipt);
	/* Right after a start a network may not be connected yet. */
	s->until = c->again > 0 ? world_mono() + AGAIN_LIFE : 0;
	s->key = xasprintf("%s/%u", c->key, c->replies++);
	s->unknown = c->again > 0;
	if (o->last != NULL)
		o->last->next = s;
	else
		o->first = s;
	o->last = s;
	o->count++;
	return s;
}

void
say(struct call *c, bool quiet, const char *text)
{
	BH_AUTO_BUF struct bh_buf all = BH_BUF(256u * 1024u);
	const char *p;

	clean(&all, text);
	p = bh_buf_text(&all);
	for (unsigned page = 1; *p != '\0'; page++) {
		size_t len = page_len(p);
		char *place;
		struct speech *s = speech_new(c, quiet, &place);

		if (s == NULL)
			return;
		s->text = xstrndup(p, len);
		p += len;
		p += *p == '\n';
		if (page == PAGES_MAX && *p != '\0') {
			char *cut = xasprintf("%s\n(%zu more characters are "
			    "left out: ask for less)", s->text, strlen(p));

			free(s->text);
			s->text = cut;
			p = "";
		}
		free(place);
		outlet_pump(s->outlet);
	}
}

static void
tokens_written(void *arg, int result)
{
	struct speech *s = CAST(struct speech, arg, SPEECH_MAGIC);

	s->waiting = false;
	if (s->outlet == NULL) {
		speech_free(s);
		return;
	}
	if (result != BH_OK) {
		/* Buttons that nothing stands behind are not shown. */
		log_warn("the buttons for %s could not be written (result "
		    "%d)", s->outlet->place, result);
		s->card->buttons_count = 0;
	}
	outlet_pump(s->outlet);
}

void
say_card(struct call *c, bool quiet, const struct bh_card *card,
    const char *text)
{
	BH_AUTO_BUF struct bh_buf json = BH_BUF(CARD_JSON_MAX);
	BH_AUTO_BUF struct bh_buf plain = BH_BUF(64u * 1024u);
	const char *error = NULL, *owner = c->command != NULL ?
	    c->command->instance->owner : c->chat->own->owner;
	struct bh_card *copy = NULL;
	struct speech *s;
	char *place;

	if (card_json(&json, card, &error) == BH_OK)
		copy = card_parse(bh_buf_text(&json), json.len, &error);
	if (copy == NULL) {
		log_error("a card of %s cannot be shown: %s", owner, error);
		if (text != NULL)
			say(c, quiet, text);
		return;
	}
	if (text != NULL)
		clean(&plain, text);
	else
		card_text(&plain, copy, c->chat->prefix, world_now());
	s = speech_new(c, quiet, &place);
	if (s == NULL) {
		card_free(&copy);
		return;
	}
	s->card = copy;
	s->text = xstrdup(bh_buf_text(&plain));
	if (copy->buttons_count > 0) {
		struct bh_tx *tx = store_tx(c->chat->parts.store, CHAT_OWNER);

		s->waiting = true;
		s->buttons = xcalloc(copy->buttons_count, sizeof(*s->buttons));
		s->tokens = xcalloc(copy->buttons_count, TOKEN_SIZE);
		tokens_buttons(tx, copy, s->buttons, s->tokens,
		    *c->ask_confirm != '\0' ? c->chat->own->owner : owner,
		    place, s->key, 0, 0, c->via == VIA_HOME ? HOME_LIFE :
		    BUTTON_LIFE);
		store_commit(tx, tokens_written, s);
	} else {
		outlet_pump(s->outlet);
	}
	free(place);
}
