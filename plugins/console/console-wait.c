/* console-wait.c - holds a script back until something is seen, or all quiet.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines here are real time, also where the clock of the host can be
 * moved: a timer that comes early, by /clock, only looks again.
 */

#include "plugins/console/console.h"

#define LOOK_EVERY	10		/* ms */
#define QUIET_LOOKS	3u
#define QUIET_MOST	(75 * 1000)	/* longer than any command may take */

static void look(void *arg);

static void
again(struct console *c)
{
	if (c->wait.timer == NULL)
		c->wait.timer = bh_after(c->host, LOOK_EVERY, look, c);
}

void
console_wait_release(struct console *c)
{
	bh_cancel(c->host, c->wait.timer);
	free(c->wait.text);
	free(c->wait.line);
	memset(&c->wait, 0, sizeof(c->wait));
}

/* It is over: the line that waited, then all the others. */
static void
go_on(struct console *c)
{
	char *line = c->wait.line;

	c->wait.line = NULL;
	console_wait_release(c);
	if (line != NULL)
		console_line(c, line);
	free(line);
	if (c->tty && !c->ending)
		console_flush(c);
	console_pump(c);
}

/* Found: what came before it has been used up. */
static bool
seen(struct console *c)
{
	const char *all = bh_buf_text(&c->seen);
	const char *at = strstr(all, c->wait.text), *end;

	if (at == NULL)
		return false;
	end = strchr(at, '\036');
	end = end != NULL ? end + 1 : all + c->seen.len;
	c->seen.len -= (size_t)(end - all);
	memmove(c->seen.data, end, c->seen.len + 1);
	return true;
}

static void
not_seen(struct console *c)
{
	console_wrong(c, "not seen: %s", c->wait.text);
	if (c->tty) {
		go_on(c);
		return;
	}
	/* The rest of the script would talk about what is not there. */
	c->eof = true;
	bh_buf_clear(&c->input);
	c->at = 0;
	console_wait_release(c);
	console_end(c);
}

static bool
quiet_now(struct console *c)
{
	return c->flying == 0 && bh_unfinished(c->host) == 0;
}

static void
look(void *arg)
{
	struct console *c = console_of(arg);

	c->wait.timer = NULL;
	if (!c->wait.on)
		return;
	if (c->wait.text != NULL) {
		if (seen(c))
			go_on(c);
		else if (console_real() >= c->wait.until)
			not_seen(c);
		else
			again(c);
		return;
	}
	c->wait.quiet = quiet_now(c) ? c->wait.quiet + 1 : 0;
	if (c->wait.quiet >= QUIET_LOOKS ||
	    console_real() >= c->wait.until)
		go_on(c);
	else
		again(c);
}

void
console_wait_look(struct console *c)
{
	/* Not from inside send(): the host is in the middle of something. */
	if (c->wait.on && c->wait.text != NULL)
		again(c);
}

static void
begin(struct console *c, int64_t ms)
{
	c->wait.on = true;
	c->wait.until = console_real() + ms;
	again(c);
}

void
console_wait_for(struct console *c, const char *text, int64_t ms)
{
	c->wait.text = console_keep(text);
	begin(c, ms);
}

void
console_wait_quiet(struct console *c, const char *line)
{
	c->wait.line = console_keep(line);
	begin(c, QUIET_MOST);
}
