/* console-edit.c - line editing by libedit, without ever waiting for a key.
 * SPDX-License-Identifier: Apache-2.0
 *
 * libedit reads keys by itself and would wait in the middle of one (a lone
 * ESC may be the beginning of an arrow).  So the bytes are read outside, and
 * handed over only when a key is whole.
 */

#include "config.h"

#include "plugins/console/console.h"

#ifdef HAVE_LIBEDIT

#include <histedit.h>
#include <locale.h>

#define ESC_PATIENCE	100	/* ms: afterwards a lone ESC is just that */
#define HISTORY_MOST	500

enum signal { SIGNAL_NONE, SIGNAL_TAB, SIGNAL_INTERRUPT, SIGNAL_EOF };

struct console_edit {
	struct console *c;
	EditLine *el;
	History *history;
	locale_t utf8;
	FILE *out;
	char prompt[512], right[256];
	struct bh_buf keys;		/* not yet whole */
	const char *key;		/* being handed over */
	size_t key_left;
	struct bh_timer *patience;
	enum signal signal;
	bool live;			/* raw mode, prompt drawn */
};

/* The process stays in the "C" locale; libedit works in this one. */
static locale_t
enter(struct console_edit *e)
{
	return uselocale(e->utf8);
}

static struct console_edit *
edit_of(EditLine *el)
{
	struct console_edit *e = NULL;

	el_get(el, EL_CLIENTDATA, &e);
	return e;
}

static char *
prompt_cb(EditLine *el)
{
	struct console_edit *e = edit_of(el);
	struct bh_buf b = BH_BUF(sizeof(e->prompt) - 1);

	console_prompt(e->c, &b);
	snprintf(e->prompt, sizeof(e->prompt), "%s", bh_buf_text(&b));
	bh_buf_release(&b);
	return e->prompt;
}

static char *
right_cb(EditLine *el)
{
	struct console_edit *e = edit_of(el);
	struct bh_buf b = BH_BUF(sizeof(e->right) - 1);

	console_progress_text(e->c, &b);
	snprintf(e->right, sizeof(e->right), "%s", bh_buf_text(&b));
	bh_buf_release(&b);
	return e->right;
}

/* The next character of the key at hand; 0 when there is no more of it. */
static int
getc_cb(EditLine *el, wchar_t *out)
{
	struct console_edit *e = edit_of(el);
	const char *s = e->key;

	if (e->key_left == 0)
		return 0;
	*out = (wchar_t)console_next(&s);
	e->key_left -= (size_t)(s - e->key);
	e->key = s;
	return 1;
}

static unsigned char
signal_cb(EditLine *el, int ch)
{
	struct console_edit *e = edit_of(el);
	const LineInfo *line = el_line(el);

	if (ch == '\t') {
		e->signal = SIGNAL_TAB;
	} else if (ch == 0x03) {
		e->signal = SIGNAL_INTERRUPT;
	} else if (line->lastchar == line->buffer) {
		e->signal = SIGNAL_EOF;
	} else if (line->cursor < line->lastchar) {
		el_cursor(el, 1);
		el_deletestr(el, 1);
		return CC_REFRESH;
	}
	return CC_NORM;
}

/* ------------------------------------------------------------------ */

void
console_edit_show(struct console_edit *e)
{
	locale_t before = enter(e);

	if (!e->live) {
		e->live = true;
		el_set(e->el, EL_UNBUFFERED, 1);
	} else {
		el_set(e->el, EL_REFRESH);
	}
	fflush(e->out);
	uselocale(before);
}

void
console_edit_hide(struct console_edit *e)
{
	locale_t before = enter(e);
	const LineInfo *line = el_line(e->el);
	size_t columns = console_screen(e->c);
	size_t used = console_width(e->prompt, strlen(e->prompt)) +
	    console_width(line->buffer, (size_t)(line->cursor -
	    line->buffer));

	if (used / columns > 0)
		fprintf(e->out, "\033[%zuA", used / columns);
	fputs("\r\033[J", e->out);
	fflush(e->out);
	uselocale(before);
}

void
console_edit_before(struct console_edit *e, struct bh_buf *out)
{
	locale_t before = enter(e);
	const LineInfo *line = el_line(e->el);

	bh_buf_put(out, line->buffer, (size_t)(line->cursor - line->buffer));
	uselocale(before);
}

/* Characters, not columns, are what libedit deletes. */
void
console_edit_replace(struct console_edit *e, size_t columns, const char *with)
{
	locale_t before = enter(e);
	const LineInfo *line = el_line(e->el);
	const char *at = line->cursor;
	int count = 0;

	while (at > line->buffer && columns > 0) {
		const char *from = at;

		do
			from--;
		while (from > line->buffer &&
		    ((unsigned char)*from & 0xc0) == 0x80);
		size_t n = console_width(from, (size_t)(at - from));

		columns -= n < columns ? n : columns;
		at = from;
		count++;
	}
	if (count > 0)
		el_deletestr(e->el, count);
	el_insertstr(e->el, with);
	if (e->c->prompt_shown) {
		console_edit_hide(e);
		el_set(e->el, EL_REFRESH);
		fflush(e->out);
	}
	uselocale(before);
}

/* Ends the line on the screen and gives up its text: the next one begins
 * with the next prompt. */
static void
leave_line(struct console_edit *e)
{
	el_set(e->el, EL_UNBUFFERED, 0);
	e->live = false;
	e->c->prompt_shown = false;
}

static void
run_line(struct console_edit *e, const char *text, int len)
{
	struct console *c = e->c;
	char *line = strndup(text, (size_t)len);
	HistEvent event;

	if (line == NULL)
		abort();
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] != '\0' && c->form == NULL)
		history(e->history, &event, H_ENTER, line);
	leave_line(e);
	console_put(c, "");
	console_line(c, line);
	free(line);
}

static void
interrupt(struct console_edit *e)
{
	locale_t before = enter(e);
	const LineInfo *line = el_line(e->el);
	bool empty = line->lastchar == line->buffer;

	uselocale(before);

	fputs("^C\r\n", e->out);
	fflush(e->out);
	leave_line(e);
	if (e->c->form != NULL)
		console_form_cancel(e->c);
	else if (empty)
		console_end(e->c);
	else
		console_put(e->c, "");
}

static void
one_key(struct console_edit *e, const char *key, size_t len)
{
	locale_t before;
	struct bh_buf line = BH_BUF(64u * 1024u);
	const char *text;
	int count = 0;

	e->key = key;
	e->key_left = len;
	e->signal = SIGNAL_NONE;
	if (!e->c->prompt_shown) {
		e->c->prompt_shown = true;
		console_edit_show(e);
	}
	before = enter(e);
	text = el_gets(e->el, &count);
	uselocale(before);
	e->key_left = 0;
	switch (e->signal) {
	case SIGNAL_TAB:
		console_edit_before(e, &line);
		console_complete(e->c, bh_buf_text(&line));
		break;
	case SIGNAL_INTERRUPT:
		interrupt(e);
		break;
	case SIGNAL_EOF:
		fputs("\r\n", e->out);
		fflush(e->out);
		leave_line(e);
		if (e->c->form != NULL)
			console_form_cancel(e->c);
		else
			console_end(e->c);
		break;
	case SIGNAL_NONE:
		if (text != NULL && count > 0 && (text[count - 1] == '\n' ||
		    text[count - 1] == '\r'))
			run_line(e, text, count);
	}
	bh_buf_release(&line);
}

/* How long the key at the beginning of the bytes is; 0: not whole yet. */
static size_t
key_length(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	if (p[0] == 0x1b) {
		if (len < 2)
			return 0;
		if (p[1] == 'O')
			return len >= 3 ? 3 : 0;
		if (p[1] != '[')
			return 2;
		for (n = 2; n < len; n++)
			if (p[n] >= 0x40 && p[n] <= 0x7e)
				return n + 1;
		return len > 32 ? len : 0;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 1;
	return n <= len ? n : 0;
}

static void
out_of_patience(void *arg)
{
	struct console_edit *e = arg;

	e->patience = NULL;
	bh_buf_clear(&e->keys);
}

static void
consume(struct console_edit *e, size_t n)
{
	memmove(e->keys.data, e->keys.data + n, e->keys.len - n + 1);
	e->keys.len -= n;
}

void
console_edit_keys(struct console_edit *e, const char *bytes, size_t len)
{
	struct console *c = e->c;
	size_t at = 0, n;

	bh_cancel(c->host, e->patience);
	e->patience = NULL;
	bh_buf_put(&e->keys, bytes, len);
	while (!c->ending && at < e->keys.len &&
	    (n = key_length(e->keys.data + at, e->keys.len - at)) > 0) {
		if (!c->wait.on)
			one_key(e, e->keys.data + at, n);
		else if (e->keys.data[at] == 0x03)
			console_wait_release(c);
		at += n;
	}
	if (at > 0)
		consume(e, at);
	if (e->keys.len > 0 && !c->ending)
		e->patience = bh_after(c->host, ESC_PATIENCE, out_of_patience,
		    e);
	if (!c->prompt_shown && !c->ending)
		console_put(c, "");
}

/* ------------------------------------------------------------------ */

static void
bind_keys(EditLine *el)
{
	el_set(el, EL_EDITOR, "emacs");
	el_set(el, EL_ADDFN, "console-key", "tell the console", signal_cb);
	el_set(el, EL_BIND, "^I", "console-key", NULL);
	el_set(el, EL_BIND, "^C", "console-key", NULL);
	el_set(el, EL_BIND, "^D", "console-key", NULL);
	el_set(el, EL_BIND, "^R", "ed-search-prev-history", NULL);
	/* These would wait for more keys, or stop the whole host. */
	el_set(el, EL_BIND, "-r", "^V", NULL);
	el_set(el, EL_BIND, "-r", "^Z", NULL);
	el_set(el, EL_BIND, "-r", "^[x", NULL);
	el_set(el, EL_BIND, "-r", "^[X", NULL);
	el_set(el, EL_BIND, "^[[3~", "ed-delete-next-char", NULL);
	el_set(el, EL_BIND, "^[[H", "ed-move-to-beg", NULL);
	el_set(el, EL_BIND, "^[[F", "ed-move-to-end", NULL);
	el_set(el, EL_SETTY, "-d", "-isig", NULL);
}

struct console_edit *
console_edit_open(struct console *c)
{
	struct console_edit *e = console_zero(sizeof(*e));
	const char *term = getenv("TERM");
	locale_t before;
	HistEvent event;

	e->c = c;
	e->keys = (struct bh_buf)BH_BUF(128u * 1024u);
	e->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	e->out = stdout;
	if (e->utf8 == (locale_t)0 || term == NULL ||
	    strcmp(term, "dumb") == 0) {
		console_edit_close(&e);
		return NULL;
	}
	before = enter(e);
	e->history = history_init();
	e->el = el_init("bellhop", stdin, e->out, stderr);
	if (e->el != NULL && e->history != NULL) {
		history(e->history, &event, H_SETSIZE, HISTORY_MOST);
		history(e->history, &event, H_SETUNIQUE, 1);
		el_set(e->el, EL_CLIENTDATA, e);
		el_set(e->el, EL_PROMPT, prompt_cb);
		el_set(e->el, EL_RPROMPT, right_cb);
		el_set(e->el, EL_HIST, history, e->history);
		el_set(e->el, EL_GETCFN, getc_cb);
		el_set(e->el, EL_SIGNAL, 0);
		bind_keys(e->el);
	}
	uselocale(before);
	if (e->el == NULL || e->history == NULL)
		console_edit_close(&e);
	return e;
}

void
console_edit_close(struct console_edit **edit)
{
	struct console_edit *e = *edit;

	*edit = NULL;
	if (e == NULL)
		return;
	bh_cancel(e->c->host, e->patience);
	if (e->el != NULL) {
		locale_t before = enter(e);

		if (e->live)
			el_set(e->el, EL_UNBUFFERED, 0);
		el_end(e->el);
		uselocale(before);
	}
	if (e->history != NULL)
		history_end(e->history);
	if (e->utf8 != (locale_t)0)
		freelocale(e->utf8);
	bh_buf_release(&e->keys);
	free(e);
}

#else /* no libedit: the terminal's own line editing has to do */

struct console_edit *
console_edit_open(struct console *c)
{
	(void)c;
	return NULL;
}

void
console_edit_close(struct console_edit **edit)
{
	*edit = NULL;
}

void
console_edit_keys(struct console_edit *e, const char *bytes, size_t len)
{
	(void)e;
	(void)bytes;
	(void)len;
}

void
console_edit_hide(struct console_edit *e)
{
	(void)e;
}

void
console_edit_show(struct console_edit *e)
{
	(void)e;
}

void
console_edit_before(struct console_edit *e, struct bh_buf *out)
{
	(void)e;
	(void)out;
}

void
console_edit_replace(struct console_edit *e, size_t columns, const char *with)
{
	(void)e;
	(void)columns;
	(void)with;
}

#endif
