/* console-out.c - what goes to the terminal or the pipe.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Output is gathered for one turn of the loop and written at once; on a
 * terminal the line being typed is taken away before it and put back after.
 */

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "plugins/console/console.h"

#define GATHER_MOST	(64u * 1024u)
#define PIPE_COLUMNS	78u
#define COLUMNS_MOST	100u

/* The descriptor may be non-blocking, since it can be the same terminal that
 * the loop reads from: then this waits until there is room again. */
static void
write_all(struct console *c, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(c->out, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd fd = { .fd = c->out, .events = POLLOUT };

			(void)poll(&fd, 1, 1000);
		} else if (n < 0 && errno != EINTR) {
			/* Nobody reads any more: end, once, in order. */
			c->out = -1;
			c->status = c->status != 0 ? c->status : 1;
			bh_log(c->host, BH_LOG_ERROR, "cannot write: %s",
			    strerror(errno));
			console_end(c);
			return;
		}
	}
}

static void
write_out(struct console *c)
{
	if (c->out >= 0 && c->output.len > 0)
		write_all(c, bh_buf_text(&c->output), c->output.len);
	bh_buf_clear(&c->output);
}

void
console_flush(struct console *c)
{
	bh_cancel(c->host, c->flush);
	c->flush = NULL;
	write_out(c);
	if (c->tty && !c->ending && c->watch != NULL && !c->prompt_shown &&
	    !c->wait.on) {
		c->prompt_shown = true;
		if (c->edit != NULL) {
			console_edit_show(c->edit);
		} else {
			console_prompt(c, &c->output);
			write_out(c);
		}
	}
}

static void
flush_now(void *arg)
{
	struct console *c = console_of(arg);

	c->flush = NULL;
	console_flush(c);
}

void
console_put(struct console *c, const char *s)
{
	if (c->prompt_shown) {
		c->prompt_shown = false;
		if (c->edit != NULL)
			console_edit_hide(c->edit);
		else
			bh_buf_puts(&c->output, "\n");
	}
	bh_buf_puts(&c->output, s);
	if (c->output.len > GATHER_MOST)
		write_out(c);
	if (c->flush == NULL)
		c->flush = bh_after(c->host, 0, flush_now, c);
}

static void BH_PRINTF(2, 0)
say(struct console *c, const char *fmt, va_list ap)
{
	struct bh_buf raw = BH_BUF(64u * 1024u), b = BH_BUF(256u * 1024u);

	bh_buf_vadd(&raw, fmt, ap);
	console_clean(&b, bh_buf_text(&raw), true);
	bh_buf_puts(&b, "\n");
	console_put(c, bh_buf_text(&b));
	bh_buf_release(&raw);
	bh_buf_release(&b);
}

void
console_say(struct console *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
}

void
console_wrong(struct console *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	if (!c->tty)
		c->status = 1;
}

size_t
console_screen(const struct console *c)
{
	struct winsize size;

	if (c->out >= 0 && ioctl(c->out, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0)
		return size.ws_col;
	return 80;
}

struct console_look
console_look(const struct console *c)
{
	struct console_look look = { .columns = PIPE_COLUMNS,
		.colour = c->colour, .now = bh_now(c->host) };

	/* The last column stays free: some terminals wrap after it. */
	if (c->out >= 0 && isatty(c->out)) {
		look.columns = console_screen(c) - 1;
		if (look.columns > COLUMNS_MOST)
			look.columns = COLUMNS_MOST;
	}
	return look;
}

void
console_prompt(struct console *c, struct bh_buf *out)
{
	if (c->form != NULL && c->tty)
		console_form_prompt(c->form, out);
	else
		bh_buf_add(out, "%s %s> ", c->me->name,
		    c->room != NULL ? c->room : "(direct)");
}
