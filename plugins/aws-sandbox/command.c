/* command.c - !sandbox: what the local AWS saw and has, for admins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sandbox/sandbox.h"

#define LINES	15

static void
show_log(struct sandbox *sb, struct bh_buf *b)
{
	size_t from = sb->log.count > LINES ? sb->log.count - LINES : 0;

	for (size_t i = from; i < sb->log.count; i++) {
		const struct logged *l = &sb->log.at[i];
		char when[20];

		format_stamp(when, l->time);
		bh_buf_add(b, "%.2s:%.2s:%.2s  %s  ", when + 9, when + 11,
		    when + 13, service_name(l->op->service));
		if ((l->op->flags & OP_WRITE) != 0)
			describe_write(sb, l, b);
		else
			bh_buf_add(b, "%s%s%s", l->op->name,
			    strcmp(l->outcome, "ok") == 0 ? "" : " ",
			    strcmp(l->outcome, "ok") == 0 ? "" : l->outcome);
		bh_buf_puts(b, "\n");
	}
	if (sb->log.count == 0)
		bh_buf_puts(b, "AWS was not called yet\n");
}

static void
show_assignments(struct sandbox *sb, const char *only, struct bh_buf *b)
{
	size_t shown = 0;

	for (size_t i = 0; i < sb->assignments.count; i++) {
		const struct assignment *a = &sb->assignments.at[i];
		const char *account = sb->accounts.at[a->account].name;

		if (only != NULL && strcmp(only, account) != 0)
			continue;
		if (++shown > 40)
			continue;
		bh_buf_add(b, "%s  %s  %s\n", account,
		    sb->sets.at[a->set].name,
		    sb->principals.at[a->principal].name);
	}
	if (shown == 0)
		bh_buf_puts(b, "nobody has anything there\n");
	if (shown > 40)
		bh_buf_add(b, "... and %zu more; name an account\n",
		    shown - 40);
}

static void
show_faults(struct sandbox *sb, struct bh_buf *b)
{
	for (size_t i = 0; i < sb->faults.count; i++) {
		const struct fault *f = &sb->faults.at[i];

		bh_buf_add(b, "%s  %s  ", f->operation, fault_name(f->kind));
		if (f->times < 0)
			bh_buf_puts(b, "always\n");
		else
			bh_buf_add(b, "%ld more\n", f->times);
	}
	if (sb->faults.count == 0)
		bh_buf_puts(b, "no fault is switched on\n");
}

static void
show_all(struct sandbox *sb, struct bh_buf *b)
{
	bh_buf_add(b, "AWS sandbox at %s: %zu accounts, %zu permission sets, "
	    "%zu people and groups, %zu assignments, %zu operations in "
	    "progress, %zu faults, %llu calls so far\n", sb->url,
	    sb->accounts.count, sb->sets.count, sb->principals.count,
	    sb->assignments.count, work_outstanding(sb), sb->faults.count,
	    (unsigned long long)sb->next_call);
}

int
sandbox_command(struct bh_call *call, void *state)
{
	struct sandbox *sb = sandbox_of(state);
	const char *what = bh_arg(call, "what");
	const char *words = bh_arg(call, "words");
	struct bh_buf b = BH_BUF(65536);
	int ret = BH_OK;

	if (what == NULL)
		show_all(sb, &b);
	else if (strcmp(what, "log") == 0)
		show_log(sb, &b);
	else if (strcmp(what, "assignments") == 0)
		show_assignments(sb, words, &b);
	else if (strcmp(what, "faults") == 0)
		show_faults(sb, &b);
	else {
		/* Everything else is what a chat script could say. */
		struct bh_buf line = BH_BUF(1000);

		bh_buf_add(&line, "%s %s", what, words != NULL ? words : "");
		ret = probe_line(sb, bh_buf_text(&line), &b);
		if (ret == BH_OK)
			bh_buf_puts(&b, "done");
		bh_buf_release(&line);
	}
	while (b.len > 0 && b.data[b.len - 1] == '\n')
		b.data[--b.len] = '\0';
	if (ret < 0)
		ret = bh_fail(call, "%s", bh_buf_text(&b));
	else
		ret = bh_reply(call, "%s", bh_buf_text(&b));
	bh_buf_release(&b);
	return ret;
}
