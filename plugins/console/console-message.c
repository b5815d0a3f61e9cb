/* console-message.c - shows posts, and remembers them for edits and buttons.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/console/console.h"

#define MESSAGES_MOST	300u

static void
forget(struct console_message *m)
{
	for (size_t i = 0; i < m->buttons_count; i++) {
		free(m->buttons[i].label);
		free(m->buttons[i].token);
	}
	free(m->buttons);
	free(m->title);
	free(m->fields);
	m->buttons = NULL;
	m->buttons_count = 0;
	m->title = m->fields = NULL;
}

static void
message_free(struct console_message *m)
{
	forget(m);
	free(m->id);
	free(m->room);
	free(m->user);
	free(m);
}

void
console_messages_release(struct console *c)
{
	for (struct console_message *m = c->messages, *next; m != NULL;
	    m = next) {
		next = m->next;
		message_free(m);
	}
	c->messages = NULL;
	c->messages_count = 0;
}

const char *
console_room(struct console *c, const char *name)
{
	bool hash = name[0] == '#';

	for (size_t i = 0; i < c->rooms_count; i++)
		if (strcmp(c->rooms[i] + (hash ? 0 : 1), name) == 0)
			return c->rooms[i];

	char **rooms = realloc(c->rooms, (c->rooms_count + 1) *
	    sizeof(*rooms));
	struct bh_buf b = BH_BUF(1024);

	if (rooms == NULL)
		abort();
	bh_buf_add(&b, "%s%s", hash ? "" : "#", name);
	c->rooms = rooms;
	c->rooms[c->rooms_count] = console_keep(bh_buf_text(&b));
	bh_buf_release(&b);
	return c->rooms[c->rooms_count++];
}

/* ------------------------------------------------------------------ */

/* Takes it out of the list, or NULL. */
static struct console_message *
take(struct console *c, const char *id)
{
	for (struct console_message **p = &c->messages; *p != NULL;
	    p = &(*p)->next) {
		struct console_message *m = *p;

		if (strcmp(m->id, id) == 0) {
			*p = m->next;
			c->messages_count--;
			return m;
		}
	}
	return NULL;
}

static void
drop_oldest(struct console *c)
{
	struct console_message **p = &c->messages;

	while ((*p)->next != NULL)
		p = &(*p)->next;
	message_free(*p);
	*p = NULL;
	c->messages_count--;
}

static void
remember(struct console *c, struct console_message *m,
    const struct bh_post *post, const char *title, const char *fields)
{
	const struct bh_card *card = post->card;

	forget(m);
	m->since = console_real();
	m->title = console_keep(title);
	m->fields = console_keep(fields);
	m->buttons = console_zero((card->buttons_count + 1) *
	    sizeof(*m->buttons));
	for (size_t i = 0; i < card->buttons_count; i++)
		m->buttons[i] = (struct console_button){
		    console_keep(card->buttons[i].label),
		    console_keep(card->buttons[i].token) };
	m->buttons_count = card->buttons_count;
	m->next = c->messages;
	c->messages = m;
	if (++c->messages_count > MESSAGES_MOST)
		drop_oldest(c);
}

static bool
unfinished(const char *title)
{
	size_t len = strlen(title), mark = strlen("…");

	return len >= mark && strcmp(title + len - mark, "…") == 0;
}

/* Says for whom it is, when that is not plain. */
static void
add_mark(struct console *c, struct bh_buf *out, const struct bh_post *post)
{
	if (post->room == NULL)
		bh_buf_add(out, "(to %s) ", post->user != NULL ? post->user :
		    "nobody");
	else if (post->user != NULL && strcmp(post->user, c->me->name) != 0)
		bh_buf_add(out, "(only for %s) ", post->user);
	if (post->room != NULL && (c->room == NULL ||
	    strcmp(console_room(c, post->room), c->room) != 0))
		bh_buf_add(out, "(in %s) ", console_room(c, post->room));
}

/* Draws a card; an edit that left all fields as they were is one line, and so
 * is one that says only that something is going on. */
static void
draw(struct console *c, const struct console_message *before,
    const struct bh_card *card, const char *title, const char *fields)
{
	struct console_look look = console_look(c);
	struct bh_buf b = BH_BUF(512u * 1024u);
	bool brief = before != NULL && before->fields != NULL &&
	    (unfinished(title) || strcmp(before->fields, fields) == 0);

	if (!brief || !console_card_line(&b, card, &look))
		console_card(&b, card, &look);
	console_put(c, bh_buf_text(&b));
	bh_buf_release(&b);
}

static void
show_card(struct console *c, const struct bh_post *post,
    struct console_message *before, const char *id)
{
	struct bh_buf title = BH_BUF(64u * 1024u);
	struct bh_buf fields = BH_BUF(256u * 1024u);
	struct bh_buf words = BH_BUF(512u * 1024u);
	struct console_message *m = before;
	int64_t now = bh_now(c->host);

	console_card_title(&title, post->card, now);
	console_card_fields(&fields, post->card, now);
	console_card_words(&words, post->card, now);
	draw(c, before, post->card, bh_buf_text(&title),
	    bh_buf_text(&fields));
	if (m == NULL) {
		m = console_zero(sizeof(*m));
		m->id = console_keep(id);
		m->room = console_keep(post->room);
		m->user = console_keep(post->user);
	}
	remember(c, m, post, bh_buf_text(&title), bh_buf_text(&fields));
	console_seen(c, bh_buf_text(&words));
	bh_buf_release(&title);
	bh_buf_release(&fields);
	bh_buf_release(&words);
	console_progress(c);
}

int
console_send(void *state, const struct bh_post *post, bh_sent_cb *done,
    void *arg)
{
	struct console *c = console_of(state);
	struct console_message *before = NULL;
	struct bh_buf mark = BH_BUF(1024), id = BH_BUF(128);
	struct bh_buf text = BH_BUF(512u * 1024u);

	/* An edit of what another process showed is drawn as new. */
	if (post->message != NULL) {
		before = take(c, post->message);
		bh_buf_puts(&id, post->message);
	} else {
		bh_buf_add(&id, "%s-%llu", c->session, ++c->next_message);
	}
	add_mark(c, &mark, post);
	console_clean(&text, bh_buf_text(&mark), false);
	if (post->card != NULL) {
		if (text.len > 0) {
			bh_buf_puts(&text, "\n");
			console_put(c, bh_buf_text(&text));
		}
		show_card(c, post, before, bh_buf_text(&id));
	} else {
		/* Several lines are often a table: the mark stands above. */
		if (text.len > 0 && post->text != NULL &&
		    strchr(post->text, '\n') != NULL)
			bh_buf_puts(&text, "\n");
		console_clean(&text, post->text != NULL ? post->text : "",
		    true);
		console_seen(c, bh_buf_text(&text));
		bh_buf_puts(&text, "\n");
		console_put(c, bh_buf_text(&text));
		if (before != NULL)
			message_free(before);
	}
	done(arg, BH_OK, bh_buf_text(&id));
	bh_buf_release(&mark);
	bh_buf_release(&text);
	bh_buf_release(&id);
	console_wait_look(c);
	return BH_OK;
}

/* ------------------------------------------------------------------ */

static bool
has_word(const char *title, const char *word)
{
	size_t len = strlen(word);

	for (const char *s = title; (s = strcasestr(s, word)) != NULL; s++)
		if ((s == title || s[-1] == ' ') &&
		    (s[len] == '\0' || s[len] == ' '))
			return true;
	return false;
}

const struct console_message *
console_find_button(const struct console *c, const char *label, const char *id,
    size_t *button)
{
	for (const struct console_message *m = c->messages; m != NULL;
	    m = m->next) {
		if (id != NULL && !has_word(m->title, id))
			continue;
		for (size_t i = 0; i < m->buttons_count; i++)
			if (strcasecmp(m->buttons[i].label, label) == 0) {
				*button = i;
				return m;
			}
	}
	return NULL;
}

const struct console_message *
console_in_progress(const struct console *c)
{
	for (const struct console_message *m = c->messages; m != NULL;
	    m = m->next)
		if (m->title != NULL && unfinished(m->title))
			return m;
	return NULL;
}

/* Keeps the last half when there is too much that nobody waited for. */
void
console_seen(struct console *c, const char *words)
{
	size_t len = strlen(words);

	if (len + 2 > c->seen.max / 2)
		len = c->seen.max / 2 - 2;
	if (c->seen.len + len + 2 > c->seen.max) {
		size_t half = c->seen.len / 2;

		memmove(c->seen.data, c->seen.data + half,
		    c->seen.len - half + 1);
		c->seen.len -= half;
	}
	bh_buf_put(&c->seen, words, len);
	bh_buf_puts(&c->seen, "\036");	/* no TEXT goes across messages */
}
