/* old.c - a plugin as of 1.0: always built with the frozen header beside it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Uses what a small plugin uses: options, two kinds of commands, a
 * transaction, a query, a timer, a job.
 */

#include <bellhop/plugin.h>

struct old {
	struct bh_host *host;
	int woken;
};

struct pending {
	struct bh_call *call;
	struct bh_host *host;
};

static void
old_counted(void *arg, int result, const struct bh_rows *rows)
{
	struct pending *p = (struct pending *)arg;

	if (result == BH_OK)
		bh_reply(p->call, "%s kept", bh_cell(rows, 0, 0));
	else
		bh_fail(p->call, "cannot count: look at the store");
	bh_end(p->call, result);
	free(p);
}

static void
old_kept(void *arg, int result)
{
	struct pending *p = (struct pending *)arg;

	if (result == BH_OK && bh_query(p->host, old_counted, p,
	    "SELECT count(*) FROM old_word", { 0, 0, NULL }) == BH_OK)
		return;
	bh_fail(p->call, "cannot keep it: look at the store");
	bh_end(p->call, BH_EIO);
	free(p);
}

static int
old_keep(struct bh_call *call, void *state)
{
	struct old *old = (struct old *)state;
	struct pending *p = (struct pending *)calloc(1, sizeof(*p));
	struct bh_tx *tx = bh_tx(old->host);

	p->call = call;
	p->host = old->host;
	bh_tx_sql(tx, 1, "INSERT INTO old_word (word) VALUES ($1)",
	    bh_s(bh_arg(call, "word")));
	bh_tx_audit(tx, "old.kept", bh_user(call)->person,
	    { "word", bh_arg(call, "word") });
	bh_tx_job(tx, "wake", bh_arg(call, "word"), bh_now(old->host) + 60000);
	if (bh_commit(tx, old_kept, p) != BH_OK) {
		free(p);
		return bh_fail(call, "cannot keep it: look at the store");
	}
	return BH_PENDING;
}

static int
old_state(struct bh_call *call, void *state)
{
	struct old *old = (struct old *)state;

	return bh_reply(call, "%s: woken %d times", bh_config(call, "title"),
	    old->woken);
}

static int
old_job(void *state, const struct bh_job *job)
{
	struct old *old = (struct old *)state;
	struct bh_tx *tx = bh_tx(old->host);

	old->woken++;
	bh_tx_job_done(tx, job->kind, job->ref);
	return bh_commit(tx, NULL, NULL);
}

static void
old_opened(void *arg)
{
	bh_opened(((struct old *)arg)->host, BH_OK);
}

static int
old_open(struct bh_host *host, void **state)
{
	struct old *old = (struct old *)calloc(1, sizeof(*old));

	if (old == NULL)
		return BH_ENOMEM;
	old->host = host;
	*state = old;
	bh_after(host, 10, old_opened, old);
	return BH_PENDING;
}

static void
old_close(void *state)
{
	free(state);
}

static const struct bh_option old_options[] = {
	{ .key = "title", .type = BH_STRING, .preset = "old",
	  .help = "what it calls itself", .flags = BH_OPT_RELOADABLE },
	{ 0 }
};

static const struct bh_command old_commands[] = {
	{ .name = "keep", .args = "word", .run = old_keep,
	  .help = "keep a word" },
	{ .name = "state", .run = old_state, .help = "say how it is" },
	{ 0 }
};

static const char *const old_migrations[] = {
	"CREATE TABLE old_word (word TEXT NOT NULL)", NULL
};

BH_PLUGIN(.name = "old", .version = "1.0", .summary = "built with 1.0",
    .options = old_options, .commands = old_commands,
    .migrations = old_migrations, .open = old_open, .close = old_close,
    .job = old_job);
