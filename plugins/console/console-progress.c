/* console-progress.c - shows on a terminal that AWS is being waited for.
 * SPDX-License-Identifier: Apache-2.0
 *
 * It stands at the right of the prompt, where it disturbs no typing.
 */

#include "plugins/console/console.h"

#define STEP	200		/* ms */

static void
step(void *arg)
{
	struct console *c = console_of(arg);

	c->progress.timer = NULL;
	c->progress.turn++;
	if (c->prompt_shown && c->edit != NULL) {
		console_edit_hide(c->edit);
		console_edit_show(c->edit);
	}
	console_progress(c);
}

void
console_progress(struct console *c)
{
	if (c->edit == NULL || c->ending || c->progress.timer != NULL ||
	    console_in_progress(c) == NULL)
		return;
	c->progress.timer = bh_after(c->host, STEP, step, c);
}

void
console_progress_text(struct console *c, struct bh_buf *out)
{
	static const char *const turns[] = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴",
		"⠦", "⠧", "⠇", "⠏" };
	const struct console_message *m = console_in_progress(c);

	if (m == NULL)
		return;
	bh_buf_add(out, "%s %s %lld s", turns[c->progress.turn % 10],
	    m->title, (long long)((console_real() - m->since) / 1000));
}
