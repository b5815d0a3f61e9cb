/* audit.c - the audit chain for people: verify it, show it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * These open the file by themselves, for reading, and read one moment of it:
 * a daemon may go on writing meanwhile.
 */

#include <inttypes.h>
#include <time.h>

#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "host/base/world.h"
#include "host/store/store-internal.h"

static int
open_reading(struct db *db, const char *url, FILE *out)
{
	const char *path = store_url_path(url);

	if (path == NULL || strcmp(path, ":memory:") == 0) {
		fprintf(out, "\"%s\" is no database file: name it, or "
		    "sqlite:PATH\n", url != NULL ? url : "");
		return BH_EINVAL;
	}
	if (db_open(db, path, false) != DB_OK || db_exec(db, "BEGIN") !=
	    DB_OK || db_exec(db, "SELECT 1 FROM bh_audit_head") != DB_OK) {
		fprintf(out, "cannot read the audit chain of \"%s\": %s\n",
		    path, db->error);
		db_close(db, true);
		return BH_EIO;
	}
	return BH_OK;
}

int
audit_verify(const char *url, FILE *out)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(400);
	enum db_fault fault = DB_OK;
	struct chain chain = { 0 };
	int64_t rows = 0;
	struct db db;
	char hex[65];

	int result = open_reading(&db, url, out);
	if (result != BH_OK)
		return result;
	if (chain_check(&db, &chain, 0, &rows, &why, &fault)) {
		chain_hex(chain.hash, hex);
		fprintf(out, "audit chain %s is whole: %" PRId64
		    " rows, head %s\n", chain.id, rows, hex);
	} else if (why.len > 0 || fault == DB_OK || fault == DB_BROKEN) {
		fprintf(out, "audit chain is broken: %s\n", why.len > 0
		    ? bh_buf_text(&why) : db.error);
		result = BH_EPARSE;
	} else {
		fprintf(out, "cannot read the audit chain: %s\n", db.error);
		result = BH_EIO;
	}
	db_close(&db, true);
	return result;
}

/* ------------------------------------------------------------------ */
/* Showing                                                             */

static bool
passes(const struct audit_filter *f, const struct bh_value *row,
    const char *body)
{
	const char *action = bh_get_text(row, "action");
	const char *actor = bh_get_text(row, "actor");
	const char *owner = bh_get_text(row, "owner");
	int64_t time = (int64_t)bh_get_number(row, "time", 0);

	return (f->action == NULL ||
	    (action != NULL && text_glob(f->action, action))) &&
	    (f->actor == NULL ||
	    (actor != NULL && strcmp(actor, f->actor) == 0)) &&
	    (f->owner == NULL ||
	    (owner != NULL && strcmp(owner, f->owner) == 0)) &&
	    (f->text == NULL || strstr(body, f->text) != NULL) &&
	    (f->since == 0 || time >= f->since) &&
	    (f->until == 0 || time <= f->until);
}

/* Cleaned: a terminal must not obey what somebody once typed. */
static void
put(struct bh_buf *b, const char *text)
{
	text_clean(b, text != NULL ? text : "-", 4000);
}

/* 17 2026-01-05 10:00:00Z access.granted by ada account="prod" ... */
static void
line_of(struct bh_buf *b, const struct bh_value *row)
{
	char when[WORLD_TIME_SIZE];

	world_time_text((int64_t)bh_get_number(row, "time", 0), true, when);
	bh_buf_add(b, "%" PRId64 " %s ",
	    (int64_t)bh_get_number(row, "seq", 0), when);
	put(b, bh_get_text(row, "action"));
	bh_buf_puts(b, " by ");
	put(b, bh_get_text(row, "actor"));
	bh_buf_puts(b, " in ");
	put(b, bh_get_text(row, "owner"));
	for (BH_EACH(field, bh_get(row, "fields"))) {
		bh_buf_puts(b, " ");
		put(b, field->key);
		bh_buf_puts(b, "=\"");
		put(b, field->kind == BH_NULL ? "" : field->text);
		bh_buf_puts(b, "\"");
	}
	bh_buf_puts(b, "\n");
}

struct shown {
	char **lines;	/* a ring, when only the tail is wanted */
	size_t size, count;
	FILE *out;
};

static void
show(struct shown *s, struct bh_buf *line)
{
	if (s->size == 0) {
		fwrite(bh_buf_text(line), 1, line->len, s->out);
		return;
	}
	size_t at = s->count++ % s->size;
	free(s->lines[at]);
	s->lines[at] = xstrndup(bh_buf_text(line), line->len);
}

static void
show_ring(struct shown *s)
{
	size_t first = s->count > s->size ? s->count - s->size : 0;

	for (size_t i = first; i < s->count; i++)
		fputs(s->lines[i % s->size], s->out);
	for (size_t i = 0; i < s->size; i++)
		free(s->lines[i]);
	free(s->lines);
}

static void
show_row(struct shown *shown, const struct audit_filter *f, const char *body,
    size_t len)
{
	BH_AUTO_BUF struct bh_buf line = BH_BUF(2u * 1024 * 1024);
	const char *why = NULL;
	struct bh_value *row = json_parse(body, len, &why);

	if (row == NULL) {
		/* Nothing we wrote: let it be seen, whatever the filter. */
		bh_buf_puts(&line, "? not readable: ");
		put(&line, body);
		bh_buf_puts(&line, "\n");
		show(shown, &line);
		return;
	}
	if (passes(f, row, body)) {
		if (f->json)
			bh_buf_add(&line, "%s\n", body);
		else
			line_of(&line, row);
		show(shown, &line);
	}
	value_free(row);
}

int
audit_print(const char *url, const struct audit_filter *filter, FILE *out)
{
	static const struct audit_filter any = { 0 };
	const struct audit_filter *f = filter != NULL ? filter : &any;
	struct shown shown = { .size = f->tail, .out = out };
	enum db_fault fault;
	struct db db;

	int result = open_reading(&db, url, out);
	if (result != BH_OK)
		return result;
	if (shown.size > 0)
		shown.lines = xcalloc(shown.size, sizeof(*shown.lines));
	struct db_stmt *s = db_start(&db, &db_host_scope,
	    "SELECT body FROM bh_audit ORDER BY seq", NULL, &fault);
	while (s != NULL && (fault = db_step(&db, s)) == DB_ROW) {
		size_t len;
		const char *body = db_text(s, 0, &len);

		if (body != NULL)
			show_row(&shown, f, body, len);
	}
	db_done(s);
	if (shown.size > 0)
		show_ring(&shown);
	if (fault != DB_OK) {
		fprintf(out, "cannot read the audit chain: %s\n", db.error);
		result = BH_EIO;
	}
	db_close(&db, true);
	return result;
}
