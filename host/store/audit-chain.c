/* audit-chain.c - rows that name their predecessors by hash.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   h_0 = SHA-256("bellhop audit 1\n" || chain id)
 *   h_n = SHA-256(h_{n-1} || length of row n, 8 bytes, big-endian || row n)
 *
 * The table bh_audit holds (seq, body, hash in hex); bh_audit_head the last
 * (seq, hash), so that rows cut off at the end are missed too.  Rows are
 * counted from 1 without gaps; a row's own text ends with its number and
 * time.
 */

#include <inttypes.h>
#include <openssl/evp.h>

#include "host/base/ids.h"
#include "host/base/mem.h"
#include "host/store/store-internal.h"

#define SELECT_ROWS	"SELECT seq, body, hash FROM bh_audit" \
			" WHERE seq > $1 ORDER BY seq"

void
chain_genesis(struct chain *c)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "bellhop audit 1\n%s", c->id);

	sha256_raw(c->hash, text, (size_t)n);
	c->seq = 0;
}

/* Found once: looking for it takes longer than a row's hash. */
static EVP_MD *sha256;

static void
find_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha256 == NULL)
		abort();
}

static void
digest(unsigned char hash[CHAIN_HASH], const void *body, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char size[8];

	pthread_once(&once, find_sha256);
	for (size_t i = 0; i < 8; i++)
		size[i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
	if (ctx == NULL ||
	    EVP_DigestInit_ex(ctx, sha256, NULL) != 1 ||
	    EVP_DigestUpdate(ctx, hash, CHAIN_HASH) != 1 ||
	    EVP_DigestUpdate(ctx, size, sizeof(size)) != 1 ||
	    EVP_DigestUpdate(ctx, body, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, hash, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

void
chain_next(struct chain *c, const char *body, size_t len)
{
	digest(c->hash, body, len);
	c->seq++;
	c->dirty = true;
}

void
chain_hex(const unsigned char hash[CHAIN_HASH], char out[65])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < CHAIN_HASH; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[64] = '\0';
}

static bool
hex_to_hash(const char *hex, unsigned char hash[CHAIN_HASH])
{
	if (hex == NULL || strlen(hex) != 2 * CHAIN_HASH)
		return false;
	for (size_t i = 0; i < CHAIN_HASH; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		char *end;

		hash[i] = (unsigned char)strtoul(pair, &end, 16);
		if (*end != '\0')
			return false;
	}
	return true;
}

enum db_fault
chain_load(struct db *db, struct chain *c)
{
	enum db_fault fault;
	struct db_stmt *s = db_start(db, &db_host_scope,
	    "SELECT chain, seq, hash FROM bh_audit_head", NULL, &fault);

	if (s == NULL)
		return fault;
	*c = (struct chain){ 0 };
	fault = db_step(db, s);
	if (fault == DB_ROW) {
		const char *id = db_text(s, 0, NULL);

		snprintf(c->id, sizeof(c->id), "%s", id != NULL ? id : "");
		c->seq = db_int(s, 1);
		fault = hex_to_hash(db_text(s, 2, NULL), c->hash) ? DB_OK
		    : DB_BROKEN;
		if (fault == DB_BROKEN)
			snprintf(db->error, sizeof(db->error),
			    "the head of the audit chain is no hash");
		db_done(s);
		return fault;
	}
	db_done(s);
	if (fault != DB_OK)
		return fault;
	snprintf(db->error, sizeof(db->error),
	    "the head of the audit chain is missing");
	return DB_BROKEN;
}

static enum db_fault
last_row(struct db *db, int64_t *seq)
{
	enum db_fault fault;
	struct db_stmt *s = db_start(db, &db_host_scope,
	    "SELECT max(seq) FROM bh_audit", NULL, &fault);

	if (s == NULL)
		return fault;
	if ((fault = db_step(db, s)) == DB_ROW) {
		*seq = db_int(s, 0);
		fault = DB_OK;
	}
	db_done(s);
	return fault;
}

enum db_fault
chain_create(struct db *db)
{
	struct chain c = { 0 };
	char hex[65];
	int64_t rows = 0;
	enum db_fault fault = last_row(db, &rows);

	if (fault != DB_OK || rows > 0)
		return fault;
	ids_hex(c.id, 16);
	chain_genesis(&c);
	chain_hex(c.hash, hex);
	return db_run(db, &db_host_scope,
	    "INSERT INTO bh_audit_head (chain, seq, hash)"
	    " SELECT $1, 0, $2 WHERE NOT EXISTS"
	    " (SELECT 1 FROM bh_audit_head)",
	    BH_PARAMS(bh_s(c.id), bh_s(hex)), NULL);
}

bool
chain_open(struct db *db, struct chain *c, int64_t last, struct bh_buf *why)
{
	struct chain check;
	int64_t rows = 0, end = 0;
	enum db_fault fault = chain_load(db, c);

	if (fault == DB_OK && chain_check(db, &check,
	    c->seq > last ? c->seq - last : 0, &rows, why, &fault))
		return true;
	if (fault != DB_OK)
		bh_buf_puts(why, db->error);
	/* Go on past all rows there are; and what is written from here on
	 * must not make the chain look whole again. */
	if (last_row(db, &end) == DB_OK && end > c->seq) {
		c->seq = end;
		c->hash[0] ^= 0xff;
	}
	return false;
}

enum db_fault
chain_save(struct db *db, struct chain *c)
{
	char hex[65];

	if (!c->dirty)
		return DB_OK;
	chain_hex(c->hash, hex);
	enum db_fault fault = db_run(db, &db_host_scope,
	    "UPDATE bh_audit_head SET seq = $1, hash = $2",
	    BH_PARAMS(bh_i(c->seq), bh_s(hex)), NULL);
	if (fault == DB_OK)
		c->dirty = false;
	return fault;
}

enum db_fault
chain_append(struct db *db, struct chain *c, const char *head, size_t len,
    int64_t now)
{
	BH_AUTO_BUF struct bh_buf body = BH_BUF(512u * 1024);
	char hex[65];

	bh_buf_put(&body, head, len);
	bh_buf_add(&body, "%" PRId64 ",\"time\":%" PRId64 "}", c->seq + 1,
	    now);
	chain_next(c, bh_buf_text(&body), body.len);
	chain_hex(c->hash, hex);
	return db_run(db, &db_host_scope,
	    "INSERT INTO bh_audit (seq, body, hash) VALUES ($1, $2, $3)",
	    BH_PARAMS(bh_i(c->seq), bh_s(bh_buf_text(&body)), bh_s(hex)),
	    NULL);
}

/* The hash that stands at row `seq`, to start from there. */
static bool
hash_at(struct db *db, int64_t seq, unsigned char hash[CHAIN_HASH],
    enum db_fault *fault)
{
	struct db_stmt *s = db_start(db, &db_host_scope,
	    "SELECT hash FROM bh_audit WHERE seq = $1",
	    BH_PARAMS(bh_i(seq)), fault);
	bool ok = false;

	if (s == NULL)
		return false;
	*fault = db_step(db, s);
	if (*fault == DB_ROW) {
		ok = hex_to_hash(db_text(s, 0, NULL), hash);
		*fault = DB_OK;
	}
	db_done(s);
	return ok;
}

/* Compares one row with what the chain makes of it. */
static bool
row_fits(struct chain *c, struct db_stmt *s, struct bh_buf *why)
{
	int64_t seq = db_int(s, 0);
	size_t len = 0, hash_len = 0;
	const char *body = db_text(s, 1, &len);
	char hex[65];

	if (seq != c->seq + 1) {
		bh_buf_add(why, "row %" PRId64 " is missing", c->seq + 1);
		return false;
	}
	chain_next(c, body != NULL ? body : "", len);
	chain_hex(c->hash, hex);
	const char *hash = db_text(s, 2, &hash_len);
	if (hash == NULL || hash_len != 64 || memcmp(hash, hex, 64) != 0) {
		bh_buf_add(why, "row %" PRId64 " was changed", seq);
		return false;
	}
	return true;
}

bool
chain_check(struct db *db, struct chain *c, int64_t from, int64_t *rows,
    struct bh_buf *why, enum db_fault *fault)
{
	struct chain head;

	*fault = chain_load(db, &head);
	if (*fault != DB_OK)
		return false;
	*c = head;
	if (from > 0) {
		if (!hash_at(db, from, c->hash, fault)) {
			bh_buf_add(why, "row %" PRId64 " is missing", from);
			return false;
		}
		c->seq = from;
	} else
		chain_genesis(c);
	struct db_stmt *s = db_start(db, &db_host_scope, SELECT_ROWS,
	    BH_PARAMS(bh_i(from)), fault);
	if (s == NULL)
		return false;
	bool ok = true;
	while (ok && (*fault = db_step(db, s)) == DB_ROW)
		ok = row_fits(c, s, why);
	db_done(s);
	*rows = c->seq - from;
	if (!ok) {
		*fault = DB_OK;
		return false;
	}
	if (*fault != DB_OK)
		return false;
	if (c->seq < head.seq)
		bh_buf_add(why, "row %" PRId64 " is missing: the head counts %"
		    PRId64 " rows", c->seq + 1, head.seq);
	else if (c->seq > head.seq)
		bh_buf_add(why, "row %" PRId64 " is past the head",
		    head.seq + 1);
	else if (memcmp(c->hash, head.hash, CHAIN_HASH) != 0)
		bh_buf_add(why, "row %" PRId64 " is not what the head says",
		    c->seq);
	else {
		c->dirty = false;
		return true;
	}
	return false;
}
