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
    int rank, const char *card_json, const char *text)
{
	struct tx *tx = tx_of(handle);

	if (place == NULL || key == NULL) {
		tx_bad(tx, "a post needs a place and a key");
		return;
	}
	/* Somebody else's row stays as it is: no row changed, a conflict. */
	tx_own_sql(tx, 1, "INSERT INTO bh_outbox (place, key, owner, card,"
	    " text, version, sent_version, message, changed, retry_at,"
	    " attempts, rank) VALUES ($1, $2, $3, $4, $5, 1, 0, NULL, $6, 0,"
	    " 0, $7)"
	    " ON CONFLICT (place, key) DO UPDATE SET card = excluded.card,"
	    " text = excluded.text, version = bh_outbox.version + 1,"
	    " changed = excluded.changed, retry_at = 0, attempts = 0,"
	    " rank = excluded.rank"
	    " WHERE bh_outbox.owner = excluded.owner",
	    BH_PARAMS(bh_s(place), bh_s(key), bh_s(tx->owner),
	    bh_s(card_json), bh_s(text), bh_i(world_now()), bh_i(rank)));
	tx->posts = true;
}

void
store_tx_repost(struct bh_tx *handle, const char *key, int rank,
    const char *card_json, const char *text)
{
	struct tx *tx = tx_of(handle);

	if (key == NULL) {
		tx_bad(tx, "a post needs a key");
		return;
	}
	tx_own_sql(tx, BH_ANY, "UPDATE bh_outbox SET card = $1, text = $2,"
	    " version = version + 1, changed = $3, retry_at = 0,"
	    " attempts = 0, rank = $4 WHERE key = $5 AND owner = $6",
	    BH_PARAMS(bh_s(card_json), bh_s(text), bh_i(world_now()),
	    bh_i(rank), bh_s(key), bh_s(tx->owner)));
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
    ATTEMPTS, RETRY, TRIED };

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
			.tried = bh_cell_int(rows, i, TRIED),
		};
	}
	p->cb(p->arg, BH_OK, posts, n, next);
	free(posts);
	free(p);
}

/* Those that are ready, and the one that is ready next: two halves of one
 * statement, so that they are of one moment.  What decides is in the index;
 * the rows themselves are read only for those that come out. */
#define COLUMNS "o.owner, o.place, o.key, o.card, o.text, o.message,"	\
	" o.version, o.sent_version, o.changed, o.attempts, o.retry_at,"	\
	" o.tried"

void
store_outbox_pending(struct store *store, size_t limit, size_t per_place,
    store_posts_cb *cb, void *arg)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	*p = (struct pending){ world_now(), limit, cb, arg };
	store_query(store, "host", "SELECT " COLUMNS " FROM ("
	    "SELECT place, key, rank, changed FROM ("
	    "SELECT place, key, rank, changed, ROW_NUMBER() OVER"
	    " (PARTITION BY place ORDER BY rank, changed, key) AS nth"
	    " FROM bh_outbox WHERE version > sent_version AND retry_at <= $1)"
	    " AS numbered WHERE nth <= $3"
	    " ORDER BY rank, changed, place, key LIMIT $2) AS ready"
	    " JOIN bh_outbox o ON o.place = ready.place AND o.key = ready.key"
	    " UNION ALL "
	    "SELECT " COLUMNS " FROM ("
	    "SELECT place, key FROM bh_outbox"
	    " WHERE version > sent_version AND retry_at > $1"
	    " ORDER BY retry_at LIMIT 1) AS later"
	    " JOIN bh_outbox o ON o.place = later.place AND o.key = later.key",
	    BH_PARAMS(bh_i(p->now), bh_i((int64_t)limit),
	    bh_i((int64_t)per_place)), on_rows, p);
}

void
store_tx_outbox_try(struct bh_tx *handle, const char *place, const char *key,
    int64_t tried, int64_t version, int64_t until)
{
	struct tx *tx = tx_of(handle);

	tx_own_sql(tx, BH_ANY, "UPDATE bh_outbox SET tried = $1"
	    " WHERE place = $2 AND key = $3",
	    BH_PARAMS(bh_i(tried), bh_s(place), bh_s(key)));
	tx_own_sql(tx, BH_ANY, "UPDATE bh_outbox SET retry_at = $1"
	    " WHERE place = $2 AND key = $3 AND version = $4",
	    BH_PARAMS(bh_i(until), bh_s(place), bh_s(key), bh_i(version)));
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
	    " message = COALESCE($2, message), attempts = 0, retry_at = 0,"
	    " tried = 0"
	    " WHERE place = $3 AND key = $4 AND sent_version <= $1",
	    BH_PARAMS(bh_i(version), bh_s(message), bh_s(place), bh_s(key)));
	store_commit(tx, NULL, NULL);
}

void
store_outbox_failed(struct store *store, const char *place, const char *key,
    int64_t version, int64_t retry_at, int64_t tried)
{
	struct bh_tx *tx = store_tx(store, "host");

	store_tx_urgent(tx);
	store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET retry_at = $1,"
	    " attempts = attempts + 1"
	    " WHERE place = $2 AND key = $3 AND version = $4",
	    BH_PARAMS(bh_i(retry_at), bh_s(place), bh_s(key),
	    bh_i(version)));
	store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET tried = $1"
	    " WHERE place = $2 AND key = $3 AND tried <> $1",
	    BH_PARAMS(bh_i(tried), bh_s(place), bh_s(key)));
	store_commit(tx, NULL, NULL);
}

void
store_outbox_again(struct store *store, const char *transport)
{
	struct bh_tx *tx = store_tx(store, "host");

	if (transport == NULL) {
		store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET retry_at = 0,"
		    " attempts = 0 WHERE version > sent_version"
		    " AND retry_at > 0", NULL);
	} else {
		BH_AUTO_FREE char *from = xasprintf("%s/", transport);
		BH_AUTO_FREE char *to = xasprintf("%s0", transport);

		store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET retry_at = 0"
		    " WHERE version > sent_version AND retry_at > 0"
		    " AND ((place >= $1 AND place < $2)"
		    " OR (place >= '@person:' AND place < '@person;'))",
		    BH_PARAMS(bh_s(from), bh_s(to)));
	}
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
    int64_t version, int64_t tried, const char *why)
{
	struct bh_tx *tx = store_tx(store, "host");

	store_tx_urgent(tx);
	store_tx_sql(tx, BH_ANY, "UPDATE bh_outbox SET sent_version = $1,"
	    " attempts = 0, retry_at = 0, tried = $2"
	    " WHERE place = $3 AND key = $4 AND sent_version < $1",
	    BH_PARAMS(bh_i(version), bh_i(tried), bh_s(place), bh_s(key)));
	store_tx_audit(tx, "post.given_up", "bellhop",
	    (const struct bh_pair[]){ { "place", place }, { "key", key },
	    { "why", why }, { NULL, NULL } });
	store_commit(tx, NULL, NULL);
}
