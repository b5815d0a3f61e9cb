/*
 * key-commit.c - the row of a key, and what happens when it cannot be written.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A create needs its intent in the store before the first byte goes out.  A
 * removal goes on without: then memory is ahead of the row, the audit rows
 * wait in a short backlog, and both are written when the store is back.
 */

#include "plugins/aws-sso/grant/engine.h"

#define BACKLOG_MAX	16

struct key_backlog {
	struct key_backlog *next;
	const char *action;
	char *detail;
	char at[24];
};

struct key_write {
	unsigned magic;
#define KEY_WRITE_MAGIC	0x6b657977u
	struct grants *gs;
	struct key *k;
	struct key_row row;
	char *refused, *request_id;
	const char *point, *action;
	char *detail;
	bool open;
	int64_t touched;
	size_t backlog;			/* how many rows of it are in the tx */
	void (*then)(struct key *);
};

struct key_row
key_row(const struct key *k)
{
	return (struct key_row){
		.phase = k->phase, .op = k->op, .seen = k->seen,
		.flags = k->flags, .attempt = k->attempt,
		.signed_at = k->signed_at, .unknown_since = k->unknown_since,
		.quarantine = k->quarantine, .delete_until = k->delete_until,
		.late_from = k->late_from, .refused_at = k->refused_at,
		.seen_at = k->seen_at,
	};
}

static void
backlog_push(struct key *k, const char *action, const char *detail)
{
	struct key_backlog **p = &k->backlog, *b;
	int n = 0;

	for (; *p != NULL; p = &(*p)->next)
		n++;
	if (n >= BACKLOG_MAX)
		return;			/* the newest of a long outage */
	b = calloc(1, sizeof(*b));
	assert(b != NULL);
	b->action = action;
	b->detail = grant_dup(detail);
	snprintf(b->at, sizeof(b->at), "%lld",
	    (long long)bh_now(k->all->host));
	*p = b;
}

static void
backlog_pop(struct key *k, size_t count)
{
	while (count-- > 0 && k->backlog != NULL) {
		struct key_backlog *b = k->backlog;

		k->backlog = b->next;
		free(b->detail);
		free(b);
	}
}

void
key_backlog_free(struct key *k)
{
	backlog_pop(k, SIZE_MAX);
}

static void
audit(struct key *k, struct bh_tx *tx, const struct key_write *w,
    const char *action, const char *detail, const char *late)
{
	char attempt[24], epoch[24], signed_at[24];
	const char *id = w->request_id != NULL ? w->request_id : k->request_id;

	snprintf(attempt, sizeof(attempt), "%lld", (long long)w->row.attempt);
	snprintf(epoch, sizeof(epoch), "%lld", (long long)k->all->epoch);
	snprintf(signed_at, sizeof(signed_at), "%lld",
	    (long long)w->row.signed_at);
	bh_tx_audit(tx, action, "bellhop",
	    { "account", k->account }, { "permission-set", k->permission_set },
	    { "principal", k->principal },
	    { "phase", key_phase_word(w->row.phase) },
	    { "attempt", attempt }, { "epoch", epoch },
	    { "signed-at", signed_at }, { "request-id", id },
	    { "detail", detail }, { late != NULL ? "happened-at" : NULL, late });
}

static void
apply(struct key *k, struct key_write *w)
{
	k->phase = w->row.phase;
	k->op = w->row.op;
	k->seen = w->row.seen;
	/* What two people said by hand is not part of any row in flight. */
	k->flags = w->row.flags | (k->flags & KEY_ABANDONED &
	    (w->row.seen == KEY_ABSENT && w->row.phase == KEY_IDLE ? 0u : ~0u));
	k->attempt = w->row.attempt;
	k->signed_at = w->row.signed_at;
	k->unknown_since = w->row.unknown_since;
	k->quarantine = w->row.quarantine;
	k->delete_until = w->row.delete_until;
	k->late_from = w->row.late_from;
	k->refused_at = w->row.refused_at;
	k->seen_at = w->row.seen_at;
	k->touched = w->touched;
	k->changed = bh_mono(k->all->host);
	if (w->refused != NULL) {
		free(k->refused);
		k->refused = w->refused;
		w->refused = NULL;
	}
	if (w->request_id != NULL) {
		free(k->request_id);
		k->request_id = w->request_id;
		w->request_id = NULL;
	}
}

static void
write_free(struct key_write *w)
{
	free(w->refused);
	free(w->request_id);
	free(w->detail);
	w->magic = 0;
	free(w);
}

static void
committed(void *arg, int result)
{
	struct key_write *w = GRANT_CAST(struct key_write, arg,
	    KEY_WRITE_MAGIC);
	struct grants *gs = w->gs;
	struct key *k = w->k;
	bool go = result == BH_OK;

	if (!grants_back(gs)) {
		write_free(w);
		return;
	}
	k->busy = false;
	if (go) {
		key_failpoint(k, w->point, "after-commit");
		backlog_pop(k, w->backlog);
		apply(k, w);
		k->version++;
		k->unsaved = false;
	} else if (w->open) {
		if (w->action != NULL)
			backlog_push(k, w->action, w->detail);
		if (!k->unsaved)
			bh_log(gs->host, BH_LOG_ERROR, "the store cannot be "
			    "written: a removal goes on without its record");
		apply(k, w);
		k->unsaved = true;
		go = true;
	} else {
		key_slot_free(k);
		key_back_off(k, 5 * SECOND);
	}
	/* Somebody else wrote the row: with one host that cannot be. */
	if (result == BH_ECONFLICT)
		grants_broken(gs, "a key's row is as memory has it");
	if (go && w->then != NULL)
		w->then(k);
	write_free(w);
	key_tick(k);
}

void
key_commit(struct key *k, const struct key_row *row, const char *point,
    const char *action, const char *detail, bool open,
    void (*then)(struct key *))
{
	struct grants *gs = k->all;
	struct key_write *w = calloc(1, sizeof(*w));
	struct bh_tx *tx = bh_tx(gs->host);
	int64_t touched = bh_now(gs->host);

	assert(w != NULL && !k->busy);
	for (const struct grant *g = k->grants; g != NULL; g = g->key_next)
		if (g->end > touched)
			touched = g->end;
	w->magic = KEY_WRITE_MAGIC;
	w->gs = gs;
	w->k = k;
	w->row = *row;
	w->refused = row->refused != NULL ? grant_dup(row->refused) : NULL;
	w->request_id = row->request_id != NULL ?
	    grant_dup(row->request_id) : NULL;
	w->point = point;
	w->action = action;
	w->detail = grant_dup(detail);
	w->open = open;
	w->then = then;
	w->touched = touched + TOUCHED;
	k->busy = true;

	for (struct key_backlog *b = k->backlog; b != NULL; b = b->next) {
		audit(k, tx, w, b->action, b->detail, b->at);
		w->backlog++;
	}
	store_key_put(tx, gs, k, &w->row, w->touched);
	if (action != NULL)
		audit(k, tx, w, action, w->detail, NULL);
	if (open)
		bh_tx_urgent(tx);
	key_failpoint(k, point, "before-commit");
	grants_commit(gs, tx, committed, w);
}
