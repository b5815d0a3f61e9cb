/* console-complete.c - what TAB offers: our words, and the host's.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/console/console.h"

#define LIST_MOST	60u

struct offers {
	const char *word;		/* being completed, before the cursor */
	char **list;
	size_t count;
};

static void
add(void *arg, const char *value)
{
	struct offers *o = arg;
	char **list;

	list = realloc(o->list, (o->count + 1) * sizeof(*list));
	if (list == NULL)
		abort();
	o->list = list;
	o->list[o->count++] = console_keep(value);
}

static void
add_if(void *arg, const char *value)
{
	struct offers *o = arg;

	if (strncasecmp(value, o->word, strlen(o->word)) == 0)
		add(o, value);
}

static void
offers_release(struct offers *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->list[i]);
	free(o->list);
}

/* When some offers go on like the word, only those are meant; the others may
 * have matched by something else, such as an id. */
static void
prefer_same_beginning(struct offers *o, size_t quote)
{
	const char *word = o->word + quote;
	size_t len = strlen(word), kept = 0;

	for (size_t i = 0; i < o->count; i++)
		kept += strncasecmp(o->list[i], word, len) == 0;
	if (kept == 0)
		return;
	kept = 0;
	for (size_t i = 0; i < o->count; i++)
		if (strncasecmp(o->list[i], word, len) == 0)
			o->list[kept++] = o->list[i];
		else
			free(o->list[i]);
	o->count = kept;
}

/* Where the last word of the line begins; quotes hold blanks together. */
static const char *
last_word(const char *line, bool *quoted)
{
	const char *word = line;
	char quote = '\0';

	for (const char *s = line; *s != '\0'; s++) {
		if (quote != '\0') {
			if (*s == quote)
				quote = '\0';
		} else if (*s == '"' || *s == '\'') {
			quote = *s;
		} else if (*s == ' ' || *s == '\t') {
			word = s + 1;
		}
	}
	*quoted = *word == '"' || *word == '\'';
	return word;
}

/* How many bytes all offers begin with, in whole characters. */
static size_t
common(const struct offers *o)
{
	size_t n = strlen(o->list[0]);

	for (size_t i = 1; i < o->count; i++) {
		size_t k = 0;

		while (k < n && o->list[i][k] == o->list[0][k])
			k++;
		n = k;
	}
	while (n > 0 && ((unsigned char)o->list[0][n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void
show(struct console *c, const struct offers *o)
{
	struct bh_buf b = BH_BUF(64u * 1024u);
	size_t most = 1, columns, screen = console_screen(c);

	for (size_t i = 0; i < o->count; i++) {
		size_t n = console_width(o->list[i], strlen(o->list[i]));

		most = n > most ? n : most;
	}
	columns = screen / (most + 2) > 0 ? screen / (most + 2) : 1;
	for (size_t i = 0; i < o->count && i < LIST_MOST; i++) {
		size_t n = console_width(o->list[i], strlen(o->list[i]));
		bool last = (i + 1) % columns == 0 || i + 1 == o->count ||
		    i + 1 == LIST_MOST;

		bh_buf_puts(&b, o->list[i]);
		if (!last)
			bh_buf_add(&b, "%*s", (int)(most + 2 - n), "");
		else if (i + 1 < o->count)
			bh_buf_puts(&b, "\n");
	}
	if (o->count > LIST_MOST)
		bh_buf_add(&b, "(and %zu more: type on)",
		    o->count - LIST_MOST);
	console_say(c, "%s", bh_buf_text(&b));
	bh_buf_release(&b);
}

/* Puts in what is certain: the whole of a single offer, the common beginning
 * of several. */
static void
apply(struct console *c, const struct offers *o, bool quoted)
{
	struct bh_buf with = BH_BUF(16u * 1024u);
	const char *word = o->word;
	size_t n, len;
	bool blanks;

	if (o->count == 0)
		return;
	n = common(o);
	if (quoted)
		word++;
	/* The host's names come without the prefix of the first word. */
	len = strlen(word);
	blanks = strpbrk(o->list[0], " \t") != NULL && !quoted &&
	    c->form == NULL;
	if (o->count == 1)
		bh_buf_add(&with, blanks ? "\"%s\"%s" : quoted ? "%s\"%s" :
		    "%s%s", o->list[0], c->form == NULL ? " " : "");
	else if (n > len && strncasecmp(o->list[0], word, len) == 0)
		bh_buf_add(&with, "%s%.*s", blanks ? "\"" : "", (int)n,
		    o->list[0]);
	if (with.len > 0)
		console_edit_replace(c->edit, console_width(word, len),
		    bh_buf_text(&with));
	if (o->count > 1)
		show(c, o);
	bh_buf_release(&with);
}

/* Words of our own: the commands after a slash, people and rooms. */
static bool
ours(struct console *c, const char *line, struct offers *o)
{
	const struct console_command *k = console_command(line);

	if (c->form != NULL) {
		console_form_choices(c->form, add_if, o);
		return o->count > 0;
	}
	if (line[0] != '/')
		return false;
	if (o->word == line) {
		for (k = console_commands; k->name != NULL; k++) {
			struct bh_buf b = BH_BUF(64);

			bh_buf_add(&b, "/%s", k->name);
			add_if(o, bh_buf_text(&b));
			bh_buf_release(&b);
		}
		return o->count > 0;
	}
	if (k == NULL)
		return false;
	if (strcmp(k->name, "as") == 0)
		for (size_t i = 0; i < c->people.count; i++)
			add_if(o, c->people.list[i].name);
	else if (strcmp(k->name, "in") == 0)
		for (size_t i = 0; i < c->rooms_count; i++)
			add_if(o, c->rooms[i]);
	else if (strcmp(k->name, "press") == 0)
		for (const struct console_message *m = c->messages; m != NULL;
		    m = m->next)
			for (size_t i = 0; i < m->buttons_count &&
			    o->count == 0; i++)
				add_if(o, m->buttons[i].label);
	return true;
}

void
console_complete(struct console *c, const char *line)
{
	struct offers o = { 0 };
	bool quoted = false;
	const char *user = c->me->name, *room = c->room;
	struct bh_event event = { .kind = BH_EV_COMPLETE, .text = line };
	struct bh_buf reply = BH_BUF(64);

	o.word = c->form != NULL ? line : last_word(line, &quoted);
	if (ours(c, line, &o)) {
		apply(c, &o, quoted);
	} else if (c->form == NULL || console_form_complete(c->form, &event,
	    &user, &room)) {
		/* /elevate is completed as the command that it is. */
		if (c->form == NULL && line[0] == '/')
			event.text = line + 1;
		bh_buf_add(&reply, "%llu", ++c->questions);
		free(c->question);
		c->question = console_keep(line);
		event.reply = bh_buf_text(&reply);
		console_deliver(c, &event, user, room);
	}
	offers_release(&o);
	bh_buf_release(&reply);
}

void
console_offers(void *state, const char *reply, const struct bh_choice *choices,
    size_t count)
{
	struct console *c = console_of(state);
	struct bh_buf line = BH_BUF(64u * 1024u), now = BH_BUF(64);
	struct offers o = { 0 };
	bool quoted = false;

	/* Only for the newest question, and a line that is still there. */
	bh_buf_add(&now, "%llu", c->questions);
	if (c->edit != NULL)
		console_edit_before(c->edit, &line);
	if (c->edit != NULL && reply != NULL && c->question != NULL &&
	    strcmp(reply, bh_buf_text(&now)) == 0 &&
	    strcmp(bh_buf_text(&line), c->question) == 0) {
		o.word = c->form != NULL ? bh_buf_text(&line) :
		    last_word(bh_buf_text(&line), &quoted);
		if (c->form == NULL && o.word == bh_buf_text(&line) &&
		    !quoted)
			while (*o.word != '\0' && strchr("!/.@#", *o.word))
				o.word++;
		for (size_t i = 0; i < count; i++) {
			struct bh_buf b = BH_BUF(4096);

			console_clean(&b, choices[i].value, false);
			add(&o, bh_buf_text(&b));
			bh_buf_release(&b);
		}
		prefer_same_beginning(&o, quoted);
		apply(c, &o, quoted);
	}
	offers_release(&o);
	bh_buf_release(&line);
	bh_buf_release(&now);
}
