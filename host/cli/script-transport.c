/*
 * script-transport.c - a chat network that is only a list of messages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <time.h>

#include "host/base/banned.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/cli/script.h"

struct script_world script_world = { .offers = BH_BUF(65536) };
const char *const script_transports[] = { "acme", "corp", NULL };

struct line {			/* one open transport */
	unsigned magic;
#define LINE_MAGIC	0x4c494e45u
	struct bh_host *host;
};
static struct line *open_lines[8];

struct bh_host *
script_transport_host(const char *name)
{
	for (size_t i = 0; i < 8; i++)
		if (open_lines[i] != NULL &&
		    strcmp(bh_instance(open_lines[i]->host), name) == 0)
			return open_lines[i]->host;
	return NULL;
}

/* ------------------------------------------------------------------ */
/* Cards in words                                                      */

static void
add_spans(struct bh_buf *b, const struct bh_span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (spans[i].kind == BH_SPAN_TIME) {
			time_t t = (time_t)(spans[i].time / 1000);
			struct tm tm;
			char text[32];

			gmtime_r(&t, &tm);
			strftime(text, sizeof(text), "%H:%M UTC", &tm);
			bh_buf_puts(b, text);
		} else if (spans[i].text != NULL)
			bh_buf_puts(b, spans[i].text);
	}
}

static void
forget_card(struct script_message *m)
{
	for (size_t i = 0; i < m->buttons_count; i++) {
		free(m->labels[i]);
		free(m->tokens[i]);
	}
	m->buttons_count = 0;
	free(m->title);
	m->title = NULL;
	free(m->text);
	m->text = NULL;
}

static void
show(struct script_message *m, const struct bh_post *post)
{
	BH_AUTO_BUF struct bh_buf words = BH_BUF(65536);
	const struct bh_card *card = post->card;

	if (m->buttons_count > 0) {
		free(m->old_label);
		free(m->old_token);
		m->old_label = xstrdup(m->labels[0]);
		m->old_token = xstrdup(m->tokens[0]);
	}
	forget_card(m);
	if (card == NULL) {
		m->text = xstrdup(post->text != NULL ? post->text : "");
		return;
	}
	add_spans(&words, card->title, card->title_count);
	m->title = xstrdup(bh_buf_text(&words));
	for (size_t i = 0; i < card->fields_count; i++) {
		bh_buf_add(&words, "\n%s: ", card->fields[i].label);
		add_spans(&words, card->fields[i].spans,
		    card->fields[i].spans_count);
	}
	bh_buf_puts(&words, "\n");
	add_spans(&words, card->note, card->note_count);
	for (size_t i = 0; i < card->buttons_count && i < SCRIPT_BUTTONS; i++) {
		bh_buf_add(&words, "%s[%s]", i == 0 ? "\n" : " ",
		    card->buttons[i].label);
		m->labels[i] = xstrdup(card->buttons[i].label);
		m->tokens[i] = xstrdup(card->buttons[i].token);
		m->buttons_count++;
	}
	m->text = xstrdup(bh_buf_text(&words));
}

/* ------------------------------------------------------------------ */
/* The transport                                                       */

static int
line_open(struct bh_host *host, void **state)
{
	struct line *l = xcalloc(1, sizeof(*l));

	l->magic = LINE_MAGIC;
	l->host = host;
	for (size_t i = 0; i < 8; i++)
		if (open_lines[i] == NULL) {
			open_lines[i] = l;
			break;
		}
	*state = l;
	return BH_OK;
}

static void
line_close(void *state)
{
	struct line *l = CAST(struct line, state, LINE_MAGIC);

	for (size_t i = 0; i < 8; i++)
		if (open_lines[i] == l)
			open_lines[i] = NULL;
	free(l);
}

static int
line_connect(void *state)
{
	struct line *l = CAST(struct line, state, LINE_MAGIC);

	bh_health(l->host, BH_UP, "a script");
	return BH_OK;
}

static void
line_disconnect(void *state)
{
	(void)CAST(struct line, state, LINE_MAGIC);
}

static struct script_message *
find_message(const char *id)
{
	for (struct script_message *m = script_world.messages; m != NULL;
	    m = m->next)
		if (strcmp(m->id, id) == 0)
			return m;
	return NULL;
}

static int
line_send(void *state, const struct bh_post *post, bh_sent_cb *done,
    void *arg)
{
	struct line *l = CAST(struct line, state, LINE_MAGIC);
	struct script_message *m = NULL;

	if (post->message != NULL) {
		m = find_message(post->message);
		if (m == NULL) {
			done(arg, BH_ENOENT, NULL);
			return BH_OK;
		}
		m->edits++;
	} else {
		m = xcalloc(1, sizeof(*m));
		m->id = xasprintf("m%u", ++script_world.next_id);
		m->transport = xstrdup(bh_instance(l->host));
		m->room = xstrdup(post->room);
		m->user = xstrdup(post->user);
		if (script_world.messages == NULL)
			script_world.messages_end = &script_world.messages;
		*script_world.messages_end = m;
		script_world.messages_end = &m->next;
	}
	m->seq = ++script_world.seq;
	show(m, post);
	done(arg, BH_OK, m->id);
	return BH_OK;
}

static void
forget_form(void)
{
	free(script_world.form.user);
	free(script_world.form.token);
	free(script_world.form.words);
	script_world.form = (struct script_form){ 0 };
}

static int
line_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply)
{
	BH_AUTO_BUF struct bh_buf words = BH_BUF(65536);

	(void)CAST(struct line, state, LINE_MAGIC);
	(void)room;
	(void)reply;
	forget_form();
	bh_buf_puts(&words, form->title);
	for (size_t i = 0; i < form->inputs_count; i++) {
		const struct bh_input *in = &form->inputs[i];

		bh_buf_add(&words, "\n%s (%s)%s = %s", in->label, in->name,
		    in->required ? " *" : "",
		    in->value != NULL ? in->value : "");
		for (size_t c = 0; c < in->choices_count; c++)
			bh_buf_add(&words, "%s%s", c == 0 ? " of " : ", ",
			    in->choices[c].label);
		if (in->hint != NULL)
			bh_buf_add(&words, " (%s)", in->hint);
		if (in->error != NULL)
			bh_buf_add(&words, " !! %s", in->error);
	}
	script_world.form = (struct script_form){ .user = xstrdup(user),
	    .token = xstrdup(form->token),
	    .words = xstrdup(bh_buf_text(&words)) };
	script_world.seq++;
	return BH_OK;
}

static void
line_offers(void *state, const char *reply, const struct bh_choice *choices,
    size_t count)
{
	(void)CAST(struct line, state, LINE_MAGIC);
	(void)reply;
	bh_buf_clear(&script_world.offers);
	for (size_t i = 0; i < count; i++)
		bh_buf_add(&script_world.offers, "%s\n", choices[i].value);
	script_world.seq++;
}

/* Events carry ids; this is where the rest comes from. */
static void
line_who(void *state, const char *user, bh_who_cb *done, void *arg)
{
	const struct script *s = script_world.script;

	(void)CAST(struct line, state, LINE_MAGIC);
	if (script_world.silent) {
		done(arg, BH_ENET, NULL);
		return;
	}
	for (size_t i = 0; s != NULL && i < s->people_count; i++) {
		const struct script_person *p = &s->people[i];

		if (strncmp(user, "U-", 2) == 0 &&
		    strcmp(user + 2, p->name) == 0) {
			done(arg, BH_OK, &(struct bh_who){
			    .name = p->display, .email = p->email,
			    .flags = p->flags });
			return;
		}
	}
	done(arg, BH_ENOENT, NULL);
}

static void
line_where(void *state, const char *room, bh_where_cb *done, void *arg)
{
	struct line *l = CAST(struct line, state, LINE_MAGIC);
	BH_AUTO_FREE char *place = xasprintf("%s/%s", bh_instance(l->host),
	    room);
	struct bh_where where = { .name = room };

	if (script_world.silent) {
		done(arg, BH_ENET, NULL);
		return;
	}
	for (size_t i = 0; i < SCRIPT_SHARED; i++)
		if (script_world.shared[i] != NULL &&
		    strcmp(script_world.shared[i], place) == 0)
			where.flags = BH_ROOM_SHARED;
	done(arg, BH_OK, &where);
}

void
script_world_clear(void)
{
	struct script_message *next;

	for (struct script_message *m = script_world.messages; m != NULL;
	    m = next) {
		next = m->next;
		forget_card(m);
		free(m->old_label);
		free(m->old_token);
		free(m->id);
		free(m->transport);
		free(m->room);
		free(m->user);
		free(m);
	}
	forget_form();
	for (size_t i = 0; i < SCRIPT_SHARED; i++)
		free(script_world.shared[i]);
	bh_buf_release(&script_world.offers);
	script_world = (struct script_world){ .offers = BH_BUF(65536) };
}

static const struct bh_transport line_transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_FORMS |
	    BH_CAP_EPHEMERAL | BH_CAP_KEEP,
	.connect = line_connect, .disconnect = line_disconnect,
	.send = line_send, .ask = line_ask, .offers = line_offers,
	.who = line_who, .where = line_where,
};

const struct bh_plugin script_transport = {
	.magic = BH_MAGIC, .major = BH_ABI_MAJOR, .minor = BH_ABI_MINOR,
	.size = sizeof(struct bh_plugin),
	.option_size = sizeof(struct bh_option),
	.command_size = sizeof(struct bh_command),
	.transport_size = sizeof(struct bh_transport),
	.directory_size = sizeof(struct bh_directory),
	.name = "script", .version = "1",
	.summary = "the chat network of chat scripts",
	.open = line_open, .close = line_close, .transport = &line_transport,
};
