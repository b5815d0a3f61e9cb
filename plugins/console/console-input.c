/* console-input.c - lines from a pipe in blocks, or keys from a terminal.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pipe's lines are delivered many at once, so that the store writes them
 * in groups; the host keeps each person's answers in order.  A window bounds
 * how many are under way.
 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "plugins/console/console.h"

#define BLOCK		(64u * 1024u)
#define LINE_MOST	(16u * 1024u)

static void readable(void *arg, int fd, unsigned events);

/* Reads only while there is nothing left to do: a regular file is readable
 * always, and a fast writer must wait. */
static void
set_watch(struct console *c)
{
	bool want = !c->eof && !c->ending && c->input.len - c->at < BLOCK &&
	    (c->tty || (!c->wait.on && c->flying < CONSOLE_WINDOW));

	if (want && c->watch == NULL) {
		c->watch = bh_watch(c->host, c->in, BH_READ, readable, c);
		if (c->watch == NULL) {
			bh_log(c->host, BH_LOG_ERROR, "cannot read from "
			    "standard input: give it a terminal or a pipe");
			c->status = 1;
			c->eof = true;
		}
	} else if (!want && c->watch != NULL) {
		bh_unwatch(c->host, c->watch);
		c->watch = NULL;
	}
}

int
console_input_open(struct console *c)
{
	/* The loop makes them non-blocking; whoever shares them (the shell)
	 * must not find that afterwards. */
	c->in_flags = fcntl(c->in, F_GETFL);
	c->out_flags = fcntl(c->out, F_GETFL);
	if (c->in_flags < 0 || c->out_flags < 0) {
		bh_log(c->host, BH_LOG_ERROR, "standard input or output is "
		    "closed: the console needs both");
		return BH_EIO;
	}
	if (c->tty)
		c->edit = console_edit_open(c);
	set_watch(c);
	if (c->tty)
		console_put(c, "");
	return BH_OK;
}

void
console_input_close(struct console *c)
{
	c->ending = true;
	bh_cancel(c->host, c->later);
	c->later = NULL;
	if (c->watch != NULL)
		bh_unwatch(c->host, c->watch);
	c->watch = NULL;
	if (c->prompt_shown && c->edit != NULL)
		console_edit_hide(c->edit);
	c->prompt_shown = false;
	console_edit_close(&c->edit);
	if (c->in_flags >= 0)
		(void)fcntl(c->in, F_SETFL, c->in_flags);
	if (c->out >= 0 && c->out_flags >= 0)
		(void)fcntl(c->out, F_SETFL, c->out_flags);
}

void
console_end(struct console *c)
{
	if (c->ending)
		return;
	if (c->out >= 0)
		console_flush(c);
	c->ending = true;
	bh_quit_with(c->host, c->status);
}

/* ------------------------------------------------------------------ */
/* Lines                                                               */

static void
received(void *arg, int result)
{
	struct console *c = console_of(arg);

	c->flying--;
	if (result != BH_OK)
		console_wrong(c, "that could not be written down (result %d); "
		    "!status says more", result);
	if (!c->tty && !c->pumping)
		console_pump(c);
}

void
console_deliver(struct console *c, struct bh_event *event, const char *user,
    const char *room)
{
	const struct console_person *p = console_person(&c->people, user);
	int ret;

	event->user = user;
	event->name = p != NULL ? p->display : user;
	event->email = p != NULL ? p->email : NULL;
	event->user_flags = p != NULL && p->guest ? BH_USER_GUEST : 0;
	event->room = event->room_name = room;
	c->flying++;
	ret = bh_deliver(c->host, event, received, c);
	if (ret != BH_OK) {
		c->flying--;
		console_wrong(c, "that was not taken (result %d)", ret);
	}
}

static void
deliver_text(struct console *c, const char *line)
{
	struct bh_event event = { .kind = BH_EV_MESSAGE, .text = line };

	/* As in other chats, /elevate is the command without its prefix. */
	if (line[0] == '/' && line[1] != '\0') {
		event.kind = BH_EV_COMMAND;
		event.text = line + 1;
	}
	console_deliver(c, &event, c->me->name, c->room);
}

void
console_line(struct console *c, const char *line)
{
	const struct console_command *command = console_command(line);

	/* What TAB asked about is gone from the screen. */
	free(c->question);
	c->question = NULL;
	if (c->form != NULL && c->tty && (command == NULL ||
	    strcmp(command->name, "cancel") == 0)) {
		if (command != NULL)
			console_form_cancel(c);
		else
			console_form_line(c, line);
		return;
	}
	if (line[strspn(line, " \t")] == '\0')
		return;
	if (command != NULL) {
		char *copy = console_keep(line), *rest = copy;

		rest += strcspn(rest, " \t");
		rest += strspn(rest, " \t");
		command->run(c, rest);
		free(copy);
		return;
	}
	deliver_text(c, line);
}

/* A line of a pipe: some wait until all before them was answered. */
static void
piped_line(struct console *c, const char *line)
{
	const struct console_command *command = console_command(line);

	if (c->echo) {
		struct bh_buf prompt = BH_BUF(1024);

		console_prompt(c, &prompt);
		console_say(c, "%s%s", bh_buf_text(&prompt), line);
		bh_buf_release(&prompt);
	}
	if (command != NULL && command->quiet) {
		console_wait_quiet(c, line);
		return;
	}
	console_line(c, line);
	if (c->echo && !c->wait.on && !c->ending)
		console_wait_quiet(c, NULL);
}

/* The next whole line of the input, ended in place; NULL: none yet. */
static char *
next_line(struct console *c)
{
	char *all = c->input.data, *end;

	if (all == NULL || c->at >= c->input.len)
		return NULL;
	end = memchr(all + c->at, '\n', c->input.len - c->at);
	if (end == NULL && !c->eof && c->input.len - c->at < LINE_MOST)
		return NULL;
	char *line = all + c->at;
	if (end == NULL)
		end = all + c->input.len;
	c->at = (size_t)(end - all) + 1;
	if (c->at > c->input.len)
		c->at = c->input.len;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	return line;
}

static void
pump_later(void *arg)
{
	struct console *c = console_of(arg);

	c->later = NULL;
	console_pump(c);
}

/* How many more lines may be delivered now.  The host queues answers too,
 * and drops what is too much for it. */
static size_t
room_left(struct console *c)
{
	size_t busy = c->tty ? 0 : bh_unfinished(c->host);

	if (busy < CONSOLE_BUSY)
		return CONSOLE_BUSY - busy;
	if (c->later == NULL)
		c->later = bh_after(c->host, 1, pump_later, c);
	return 0;
}

void
console_pump(struct console *c)
{
	size_t left;
	char *line;

	if (c->pumping || c->ending)
		return;
	c->pumping = true;
	left = room_left(c);
	while (!c->wait.on && !c->ending && c->flying < CONSOLE_WINDOW &&
	    left > 0 && (line = next_line(c)) != NULL) {
		if (--left == 0 && c->later == NULL)
			c->later = bh_after(c->host, 1, pump_later, c);
		if (strlen(line) >= LINE_MOST)
			console_wrong(c, "that line is too long: %u bytes at "
			    "most", LINE_MOST);
		else if (c->tty)
			console_line(c, line);
		else
			piped_line(c, line);
	}
	c->pumping = false;
	if (c->at > 0 && c->input.len > 0) {
		memmove(c->input.data, c->input.data + c->at,
		    c->input.len - c->at + 1);
		c->input.len -= c->at;
		c->at = 0;
	}
	set_watch(c);
	if (c->eof && c->input.len == 0 && !c->wait.on && !c->ending &&
	    c->flying < CONSOLE_WINDOW)
		console_wait_quiet(c, "/quit");
}

static void
readable(void *arg, int fd, unsigned events)
{
	struct console *c = console_of(arg);
	char block[BLOCK];
	ssize_t n = read(fd, block, sizeof(block));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->eof = true;
	} else if (c->edit != NULL) {
		console_edit_keys(c->edit, block, (size_t)n);
		return;
	} else {
		/* NUL would end a line early, and unseen. */
		for (ssize_t i = 0; i < n; i++)
			if (block[i] == '\0')
				block[i] = ' ';
		bh_buf_put(&c->input, block, (size_t)n);
		/* Enter moved the cursor: the prompt's line is done. */
		c->prompt_shown = false;
		if (c->tty)
			console_put(c, "");
	}
	console_pump(c);
}
