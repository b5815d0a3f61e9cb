/* inbox.c - events that a network was told are safe, until they are done.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A row is there from the transaction that made the event durable until the
 * one that carried out what it asked for, or that noted that nothing is left
 * to be done.  What is found at start was interrupted.
 */

#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/store/store-internal.h"

void
store_tx_keep(struct bh_tx *handle, int64_t id, const char *instance,
    const char *event, int64_t at)
{
	struct tx *tx = tx_of(handle);

	if (instance == NULL || event == NULL) {
		tx_bad(tx, "a kept event needs an instance and a text");
		return;
	}
	tx_own_sql(tx, 1, "INSERT INTO bh_inbox (id, instance, event, at,"
	    " attempts) VALUES ($1, $2, $3, $4, 1)",
	    BH_PARAMS(bh_i(id), bh_s(instance), bh_s(event), bh_i(at)));
}

void
store_tx_keep_again(struct bh_tx *handle, int64_t id)
{
	tx_own_sql(tx_of(handle), 1, "UPDATE bh_inbox"
	    " SET attempts = attempts + 1 WHERE id = $1", BH_PARAMS(bh_i(id)));
}

void
store_tx_keep_unbegun(struct bh_tx *handle, int64_t id)
{
	tx_own_sql(tx_of(handle), BH_ANY, "UPDATE bh_inbox"
	    " SET attempts = attempts - 1 WHERE id = $1 AND attempts > 0",
	    BH_PARAMS(bh_i(id)));
}

void
store_tx_settle(struct bh_tx *handle, int64_t id)
{
	tx_own_sql(tx_of(handle), 1, "DELETE FROM bh_inbox WHERE id = $1",
	    BH_PARAMS(bh_i(id)));
}

void
store_tx_forget(struct bh_tx *handle, const int64_t *ids, size_t count)
{
	struct tx *tx = tx_of(handle);

	/* By eights: under load this is a third of all statements.  A list
	 * costs SQLite a table of its own, though: a few go faster alone. */
	if (count < 4) {
		for (size_t i = 0; i < count; i++)
			tx_own_sql(tx, BH_ANY, "DELETE FROM bh_inbox"
			    " WHERE id = $1", BH_PARAMS(bh_i(ids[i])));
		return;
	}
	for (size_t i = 0; i < count; i += 8) {
		struct bh_param p[9] = { { 0 } };

		for (size_t n = 0; n < 8; n++)
			p[n] = bh_i(i + n < count ? ids[i + n] : ids[i]);
		tx_own_sql(tx, BH_ANY, "DELETE FROM bh_inbox WHERE id IN"
		    " ($1, $2, $3, $4, $5, $6, $7, $8)", p);
	}
}

/* ------------------------------------------------------------------ */

struct asking {
	store_kept_cb *cb;
	void *arg;
};

enum { ID, INSTANCE, EVENT, AT, ATTEMPTS };

static void
on_rows(void *arg, int result, const struct bh_rows *rows)
{
	struct asking *a = arg;
	size_t count = result == BH_OK ? rows->count : 0;
	struct store_kept *kept = xcalloc(count + 1, sizeof(*kept));

	for (size_t i = 0; i < count; i++)
		kept[i] = (struct store_kept){
			.id = bh_cell_int(rows, i, ID),
			.instance = bh_cell(rows, i, INSTANCE),
			.event = bh_cell(rows, i, EVENT),
			.at = bh_cell_int(rows, i, AT),
			.attempts = (int)bh_cell_int(rows, i, ATTEMPTS),
		};
	a->cb(a->arg, result, kept, count);
	free(kept);
	free(a);
}

void
store_inbox(struct store *store, store_kept_cb *cb, void *arg)
{
	struct asking *a = xcalloc(1, sizeof(*a));

	*a = (struct asking){ cb, arg };
	store_query(store, "host", "SELECT id, instance, event, at, attempts"
	    " FROM bh_inbox ORDER BY id", BH_PARAMS({ 0, 0, NULL }), on_rows,
	    a);
}
