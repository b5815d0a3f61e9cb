/* console.c - chat in the terminal: tables, open and close.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "plugins/console/console.h"

struct console *
console_of(void *state)
{
	struct console *c = state;

	assert(c != NULL && c->magic == CONSOLE_MAGIC);
	return c;
}

char *
console_keep(const char *s)
{
	char *copy = s != NULL ? strdup(s) : NULL;

	if (s != NULL && copy == NULL)
		abort();
	return copy;
}

void *
console_zero(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort();
	return p;
}

int64_t
console_real(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The host checked the file before: a complaint here is a reload's race. */
static void
log_it(void *arg, const struct bh_value *at, const char *sentence)
{
	struct console *c = console_of(arg);

	(void)at;
	bh_log(c->host, BH_LOG_ERROR, "%s", sentence);
}

static void
console_free(struct console *c)
{
	for (size_t i = 0; i < c->rooms_count; i++)
		free(c->rooms[i]);
	free(c->rooms);
	free(c->room);
	free(c->question);
	console_people_release(&c->people);
	console_form_free(&c->form);
	console_messages_release(c);
	bh_buf_release(&c->input);
	bh_buf_release(&c->output);
	bh_buf_release(&c->seen);
	c->magic = 0;
	free(c);
}

static bool
has_colour(const struct console *c)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(c->out) && term != NULL && strcmp(term, "dumb") != 0 &&
	    (no == NULL || no[0] == '\0');
}

/* Me, my room and the rooms to know of. */
static int
read_settings(struct console *c)
{
	const char *me = bh_host_config(c->host, "me");
	const char *room = bh_host_config(c->host, "room");
	const struct bh_value *echo = bh_team_setting(c->host, "", "echo");
	const struct bh_value *rooms = bh_team_setting(c->host, "", "rooms");
	const struct bh_value *people = bh_team_setting(c->host, "", "people");
	int ret = console_people_read(people, &c->people, log_it, c);

	if (ret != BH_OK)
		return ret;
	c->me = me != NULL ? console_person(&c->people, me) :
	    &c->people.list[0];
	if (c->me == NULL || (room != NULL && !console_room_ok(room)))
		return BH_EINVAL;
	c->echo = echo != NULL && echo->kind == BH_BOOL && echo->number > 0;
	for (BH_EACH(r, rooms))
		if (bh_text(r) != NULL && console_room_ok(bh_text(r)))
			console_room(c, bh_text(r));
	if (room != NULL)
		c->room = console_keep(console_room(c, room));
	return BH_OK;
}

static int
console_open(struct bh_host *host, void **state)
{
	struct console *c = console_zero(sizeof(*c));
	unsigned char noise[4];
	int ret;

	c->magic = CONSOLE_MAGIC;
	c->host = host;
	c->in = STDIN_FILENO;
	c->out = STDOUT_FILENO;
	c->in_flags = c->out_flags = -1;
	c->input = (struct bh_buf)BH_BUF(1024u * 1024u);
	c->output = (struct bh_buf)BH_BUF(4096u * 1024u);
	c->seen = (struct bh_buf)BH_BUF(512u * 1024u);
	bh_random(host, noise, sizeof(noise));
	for (size_t i = 0; i < sizeof(noise); i++)
		snprintf(c->session + 2 * i, 3, "%02x", noise[i]);
	tzset();
	ret = read_settings(c);
	if (ret != BH_OK) {
		console_free(c);
		return ret;
	}
	c->tty = isatty(c->in) && isatty(c->out);
	c->colour = has_colour(c);
	*state = c;
	return BH_OK;
}

static int
console_connect(void *state)
{
	struct console *c = console_of(state);
	int ret = console_input_open(c);

	if (ret == BH_OK)
		bh_health(c->host, BH_UP, "%s", c->tty ? "a terminal" :
		    "a pipe");
	return ret;
}

static void
console_disconnect(void *state)
{
	struct console *c = console_of(state);

	console_wait_release(c);
	bh_cancel(c->host, c->progress.timer);
	c->progress.timer = NULL;
	console_input_close(c);
	console_flush(c);
}

static void
console_close(void *state)
{
	struct console *c = console_of(state);

	bh_cancel(c->host, c->flush);
	console_free(c);
}

static const struct bh_option options[] = {
	{ .key = "people", .type = BH_TREE, .flags = BH_OPT_REQUIRED,
	  .help = "who can be played here: a list of {name, display, email, "
	    "guest}" },
	{ .key = "me", .type = BH_STRING,
	  .help = "who speaks at first, by name; the first of people if unset" },
	{ .key = "room", .type = BH_STRING,
	  .help = "the room to begin in, such as \"#payments\"; a direct "
	    "message if unset" },
	{ .key = "rooms", .type = BH_STRINGS,
	  .help = "more rooms to list and complete" },
	{ .key = "echo", .type = BH_FLAG, .preset = "false",
	  .help = "on a pipe, show each line behind its prompt, and answer it "
	    "before the next is read" },
	{ 0 }
};

static const struct bh_transport transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_FORMS |
	    BH_CAP_EPHEMERAL,
	.connect = console_connect, .disconnect = console_disconnect,
	.send = console_send, .ask = console_ask, .offers = console_offers,
};

BH_PLUGIN(.name = "console", .version = "1.0",
    .summary = "chat in this terminal, or from a pipe",
    .options = options, .open = console_open, .close = console_close,
    .check = console_check, .transport = &transport);
