/* outbox.c - what shall be seen where: one row per place and key.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A post is a wish, not a message: it says what the card is to show from now
 * on.  Ten changes while the network is away are one edit when it is back.
 */

#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/store/store-internal.h"

void
store_tx_post(struct bh_tx *handle, const char *place, const char *key,
    const char *card_json, const char *text)
{
	struct tx *tx = tx_of(handle);

	if (place == NULL || key == NULL) {
		tx_bad(tx, "a post needs a place and a key");
		return;
	}
	/* Somebody else's row stays as it is: no row changed, a conflict. */
	tx_own_sql(tx, 1, "INSERT INTO bh_outbox (place, key, owner, card,"
	    " text, version, sent_version, message, changed, retry_at,"
	    " attempts) VALUES ($1, $2, $3, $4, $5, 1, 0, NULL, $6, 0, 0)"
	    " ON CONFLICT (place, key) DO UPDATE SET card = excluded.card,"
	    " text = excluded.text, version = bh_outbox.version + 1,"
	    " changed = excluded.changed, retry_at = 0, attempts = 0"
	    " WHERE bh_outbox.owner = excluded.owner",
	    BH_PARAMS(bh_s(place), bh_s(key), bh_s(tx->owner),
	    bh_s(card_json), bh_s(text), bh_i(world_now())));
	tx->posts = true;
}

void
store_tx_repost(struct bh_tx *handle, const char *key, const char *card_json,
    const char *text)
{
	struct tx *tx = tx_of(handle);

	if (key == NULL) {
		tx_bad(tx, "a post needs a key");
		return;
	}
	tx_own_sql(tx, BH_ANY, "UPDATE bh_outbox SET card = $1, text = $2,"
	    " version = version + 1, changed = $3, retry_at = 0, attempts = 0"
	    " WHERE key = $4 AND owner = $5",
	    BH_PARAMS(bh_s(card_json), bh_s(text), bh_i(world_now()),
	    bh_s(key), bh_s(tx->owner)));
	tx->posts = true;
}

void
store_outbox_notify(struct store *store, void (*cb)(void *), void *arg)
{
	store->notify = cb;
	store->notify_arg = arg;
}

/* ------------------------------------------------------------------ */
/* What is to be sent                                                  */

struct pending {
	int64_t now;
	size_t limit;
	store_posts_cb *cb;
	void *arg;
};

enum { OWNER, PLACE, KEY, CARD, TEXT, MESSAGE, VERSION, SENT, CHANGED,
    ATTEMPTS, RETRY };

static void
on_rows(void *arg, int result, const struct bh_rows *rows)
{
	struct pending *p = arg;
	size_t n = 0;
	int64_t next = INT64_MAX;

	if (result != BH_OK) {
		p->cb(p->arg, result, NULL, 0, INT64_MAX);
		free(p);
		return;
	}
	struct store_post *posts = xcalloc(rows->count + 1, sizeof(*posts));
	for (size_t i = 0; i < rows->count; i++) {
		int64_t retry = bh_cell_int(rows, i, RETRY);

		if (retry > p->now || n == p->limit) {
			if (retry < next)
				next = retry;
			continue;
		}
		posts[n++] = (struct store_post){
			.owner = bh_cell(rows, i, OWNER),
			.place = bh_cell(rows, i, PLACE),
			.key = bh_cell(rows, i, KEY),
			.card = bh_cell(rows, i, CARD),
			.text = bh_cell(rows, i, TEXT),
			.message = bh_cell(rows, i, MESSAGE),
			.version = bh_cell_int(rows, i, VERSION),
			.sent_version = bh_cell_int(rows, i, SENT),
			.changed = bh_cell_int(rows, i, CHANGED),
			.attempts = (int)bh_cell_int(rows, i, ATTEMPTS),
		};
	}
	p->cb(p->arg, BH_OK, posts, n, next);
	free(posts);
	free(p);
}

/* Those that are ready, and the one that is ready next: two halves of one
 * statement, so that they are of one moment. */
void
store_outbox_pending(struct store *store, size_t limit, store_posts_cb *cb,
    void *arg)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	*p = (struct pending){ world_now(), limit, cb, arg };
	store_query(store, "host",
	    "SELECT owner, place, key, card, text, message, version,"
	    " sent_version, changed, attempts, retry_at FROM ("
	    "SELECT * FROM bh_outbox"
	    " WHERE version > sent_version AND retry_at <= $1"
	    " ORDER BY changed, place, key LIMIT $2) AS ready"
	    " UNION ALL "
	    "SELECT owner, place, key, card, text, message, version,"
	    " sent_version, changed, attempts, retry_at FROM ("
	    "SELECT * FROM bh_outbox"
	    " WHERE version > sent_version AND retry_at > $1"
	    " ORDER BY retry_at LIMIT 1) AS later",
	    BH_PARAMS(bh_i(p->now), bh_i((int64_t)limit)), on_rows, p);
}

/* ------------------------------------------------------------------ */
/* What became of it.  Urgent: not written down, it would be sent twice. */

void
store_outbox_sent(struct store *store, const char *place, const char *key,
    int64_t version, const char *message)
{
	struct bh_tx *tx = store_tx(store, "host");

	store_tx_urgent(tx);
	store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET sent_version = $1,"
	    " message = COALESCE($2, message), attempts = 0, retry_at = 0"
	    " WHERE place = $3 AND key = $4 AND sent_version < $1",
	    BH_PARAMS(bh_i(version), bh_s(message), bh_s(place), bh_s(key)));
	store_commit(tx, NULL, NULL);
}

void
store_outbox_failed(struct store *store, const char *place, const char *key,
    int64_t version, int64_t retry_at)
{
	struct bh_tx *tx = store_tx(store, "host");

	store_tx_urgent(tx);
	store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET retry_at = $1,"
	    " attempts = attempts + 1"
	    " WHERE place = $2 AND key = $3 AND version = $4",
	    BH_PARAMS(bh_i(retry_at), bh_s(place), bh_s(key),
	    bh_i(version)));
	store_commit(tx, NULL, NULL);
}

void
store_outbox_again(struct store *store)
{
	struct bh_tx *tx = store_tx(store, "host");

	store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET retry_at = 0,"
	    " attempts = 0 WHERE version > sent_version AND retry_at > 0",
	    NULL);
	store_commit(tx, NULL, NULL);
}

void
store_tx_outbox_prune(struct bh_tx *handle, int64_t before)
{
	tx_own_sql(tx_of(handle), BH_ANY, "DELETE FROM bh_outbox"
	    " WHERE rowid IN (SELECT rowid FROM bh_outbox"
	    " WHERE version <= sent_version AND changed < $1"
	    " ORDER BY changed LIMIT 1000)", BH_PARAMS(bh_i(before)));
}

void
store_outbox_give_up(struct store *store, const char *place, const char *key,
    int64_t version)
{
	store_outbox_sent(store, place, key, version, NULL);
}
