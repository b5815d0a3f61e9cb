/* tx.c - a transaction as a value: collected, copied, run later.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store-internal.h"

#define AUDIT_MAX	(60u * 1024)	/* what json.h reads back */
#define AUDIT_FIELDS	64

/* ------------------------------------------------------------------ */
/* Parameters                                                          */

const struct bh_param *
tx_params(struct arena **memory, const struct bh_param *params)
{
	size_t n = 0;

	if (params == NULL)
		return NULL;
	while (params[n].type != 0)
		n++;
	struct bh_param *copy = arena_take(memory, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		copy[i] = params[i];
		copy[i].s = arena_copy(memory, params[i].s);
	}
	copy[n] = (struct bh_param){ 0, 0, NULL };
	return copy;
}

/* ------------------------------------------------------------------ */
/* Collecting                                                          */

struct tx *
tx_of(struct bh_tx *handle)
{
	void *start = (char *)handle - offsetof(struct tx, handle);

	return CAST(struct tx, start, TX_MAGIC);
}

struct bh_tx *
store_tx(struct store *store, const char *owner)
{
	struct arena *memory = NULL;

	CHECK_MAGIC(store, STORE_MAGIC);
	struct tx *tx = arena_take(&memory, sizeof(*tx));
	tx->magic = TX_MAGIC;
	tx->store = store;
	tx->memory = memory;
	tx->owner = arena_copy(&tx->memory, owner);
	db_scope(&tx->scope, owner);
	tx->last = &tx->first;
	tx->jobs_last = &tx->jobs;
	return &tx->handle;
}

static struct step *
add_step(struct tx *tx, enum step_kind kind)
{
	struct step *s = arena_take(&tx->memory, sizeof(*s));

	s->kind = kind;
	*tx->last = s;
	tx->last = &s->next;
	return s;
}

void
tx_bad(struct tx *tx, const char *why)
{
	if (tx->bad == 0)
		tx->complaint = xstrdup(why);
	tx->bad = BH_EINVAL;
}

static void
add_sql(struct tx *tx, bool own, int expect, const char *sql,
    const struct bh_param *params)
{
	struct step *s = add_step(tx, STEP_SQL);

	s->own = own;
	s->expect = expect;
	s->text = own ? sql : arena_copy(&tx->memory, sql);
	s->params = tx_params(&tx->memory, params);
}

void
tx_own_sql(struct tx *tx, int expect, const char *sql,
    const struct bh_param *params)
{
	add_sql(tx, true, expect, sql, params);
}

void
store_tx_sql(struct bh_tx *handle, int expect, const char *sql,
    const struct bh_param *params)
{
	struct tx *tx = tx_of(handle);

	if (sql == NULL)
		tx_bad(tx, "a statement is NULL");
	else
		add_sql(tx, false, expect, sql, params);
}

/* Text as JSON; bytes that are no UTF-8 become U+FFFD, so that a row can
 * always be read back by strict parsers. */
static void
quote(struct bh_buf *b, const char *text)
{
	if (text == NULL || text_utf8_ok(text, strlen(text))) {
		bh_buf_quote(b, text);
		return;
	}
	BH_AUTO_BUF struct bh_buf clean = BH_BUF(AUDIT_MAX);
	for (const char *p = text; *p != '\0';) {
		const char *start = p;
		uint32_t c = text_next(&p);

		if (c == 0xfffd)
			bh_buf_puts(&clean, "\xef\xbf\xbd");
		else
			bh_buf_put(&clean, start, (size_t)(p - start));
	}
	bh_buf_quote(b, bh_buf_text(&clean));
	b->overflow = b->overflow || clean.overflow;
}

static bool
quote_fields(struct bh_buf *b, const struct bh_pair *fields)
{
	struct bh_pair sorted[AUDIT_FIELDS];
	size_t n = 0;

	/* By name; a dozen at most are usual. */
	for (; fields != NULL && fields->name != NULL; fields++) {
		size_t at = n;

		if (n++ == AUDIT_FIELDS)
			return false;
		for (; at > 0 && strcmp(sorted[at - 1].name, fields->name) > 0;
		    at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = *fields;
	}
	bh_buf_puts(b, "{");
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(sorted[i].name, sorted[i - 1].name) == 0)
			return false;
		if (i > 0)
			bh_buf_puts(b, ",");
		quote(b, sorted[i].name);
		bh_buf_puts(b, ":");
		quote(b, sorted[i].value);
	}
	bh_buf_puts(b, "}");
	return true;
}

/* The row is canonical JSON: keys sorted, no blanks.  Its number and time
 * come last in that order, and are added when its place is known. */
void
store_tx_audit(struct bh_tx *handle, const char *action, const char *actor,
    const struct bh_pair *fields)
{
	struct tx *tx = tx_of(handle);
	BH_AUTO_BUF struct bh_buf b = BH_BUF(AUDIT_MAX);

	if (action == NULL) {
		tx_bad(tx, "an audit row has no action");
		return;
	}
	bh_buf_puts(&b, "{\"action\":");
	quote(&b, action);
	bh_buf_puts(&b, ",\"actor\":");
	quote(&b, actor);
	bh_buf_puts(&b, ",\"fields\":");
	if (!quote_fields(&b, fields)) {
		tx_bad(tx, "an audit row names a field twice, or over 64 fields");
		return;
	}
	bh_buf_puts(&b, ",\"owner\":");
	quote(&b, tx->owner);
	bh_buf_puts(&b, ",\"seq\":");
	if (b.overflow) {
		tx_bad(tx, "an audit row is longer than 60 KiB");
		return;
	}
	struct step *s = add_step(tx, STEP_AUDIT);
	s->text = arena_copy(&tx->memory, bh_buf_text(&b));
	s->len = b.len;
}

static void
change_job(struct tx *tx, const char *kind, const char *ref, int64_t when,
    bool done)
{
	struct job_change *j = arena_take(&tx->memory, sizeof(*j));

	j->kind = arena_copy(&tx->memory, kind);
	j->ref = arena_copy(&tx->memory, ref);
	j->when = when;
	j->done = done;
	*tx->jobs_last = j;
	tx->jobs_last = &j->next;
}

void
store_tx_job(struct bh_tx *handle, const char *kind, const char *ref,
    int64_t when)
{
	struct tx *tx = tx_of(handle);

	if (kind == NULL || ref == NULL) {
		tx_bad(tx, "a job needs a kind and a ref");
		return;
	}
	tx_own_sql(tx, 1, "INSERT INTO bh_job (owner, kind, ref, due)"
	    " VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (owner, kind, ref) DO UPDATE SET due = excluded.due",
	    BH_PARAMS(bh_s(tx->owner), bh_s(kind), bh_s(ref), bh_i(when)));
	change_job(tx, kind, ref, when, false);
}

void
store_tx_job_done(struct bh_tx *handle, const char *kind, const char *ref)
{
	struct tx *tx = tx_of(handle);

	if (kind == NULL || ref == NULL) {
		tx_bad(tx, "a job needs a kind and a ref");
		return;
	}
	tx_own_sql(tx, BH_ANY, "DELETE FROM bh_job"
	    " WHERE owner = $1 AND kind = $2 AND ref = $3",
	    BH_PARAMS(bh_s(tx->owner), bh_s(kind), bh_s(ref)));
	change_job(tx, kind, ref, 0, true);
}

void
store_tx_seen(struct bh_tx *handle, const char *realm, const char *event,
    int64_t now)
{
	struct tx *tx = tx_of(handle);

	if (realm == NULL || event == NULL) {
		tx_bad(tx, "a seen event needs a realm and an id");
		return;
	}
	tx_own_sql(tx, 1, "INSERT INTO bh_seen (realm, event, at)"
	    " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
	    BH_PARAMS(bh_s(realm), bh_s(event), bh_i(now)));
	tx->seen = true;
}

void
store_tx_urgent(struct bh_tx *handle)
{
	tx_of(handle)->urgent = true;
}

/* ------------------------------------------------------------------ */
/* The end of a transaction                                            */

int
store_commit(struct bh_tx *handle, bh_commit_cb *done, void *arg)
{
	struct tx *tx = tx_of(handle);

	tx->done = done;
	tx->arg = arg;
	tx->now = world_now();
	tx->item.kind = ITEM_TX;
	tx->item.finish = tx_finish;
	tx->item.result = tx->bad;
	store_queue(tx->store, &tx->item);
	return BH_OK;
}

void
tx_free(struct tx *tx)
{
	struct arena *memory = tx->memory;

	free(tx->complaint);
	KILL_MAGIC(tx);
	arena_free(&memory);
}

void
store_tx_drop(struct bh_tx *handle)
{
	if (handle != NULL)
		tx_free(tx_of(handle));
}

/* On the loop: what is durable now takes effect, then the caller hears. */
void
tx_finish(struct store *store, struct item *item)
{
	void *start = (char *)item - offsetof(struct tx, item);
	struct tx *tx = CAST(struct tx, start, TX_MAGIC);

	if (tx->complaint != NULL)
		log_at(BH_LOG_ERROR, tx->owner, "a transaction is wrong: %s",
		    tx->complaint);
	if (item->result == BH_OK && tx->jobs != NULL) {
		for (struct job_change *j = tx->jobs; j != NULL; j = j->next)
			if (j->done)
				jobs_end(store->jobs, tx->owner, j->kind,
				    j->ref);
			else
				jobs_set(store->jobs, tx->owner, j->kind,
				    j->ref, j->when);
		jobs_arm(store->jobs);
	}
	store->posted = store->posted || (item->result == BH_OK && tx->posts);
	if (tx->done != NULL) {
		const char *before = loop_who(tx->owner);

		tx->done(tx->arg, item->result);
		loop_who(before);
	}
	tx_free(tx);
}
