/* migrate.c - tables brought up to date, one numbered step after the other.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>

#include "host/store/store-internal.h"

/* The host's own tables.  Entries are never changed once released; a new
 * need is a new entry. */
const char *const migrate_host[] = {
	"CREATE TABLE bh_meta ("
	" name TEXT PRIMARY KEY,"
	" value TEXT NOT NULL);"
	"CREATE TABLE bh_job ("
	" owner TEXT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL,"
	" due BIGINT NOT NULL,"
	" PRIMARY KEY (owner, kind, ref));"
	"CREATE INDEX bh_job_due ON bh_job (due);"
	"CREATE TABLE bh_outbox ("
	" place TEXT NOT NULL, key TEXT NOT NULL, owner TEXT NOT NULL,"
	" card TEXT, text TEXT,"
	" version BIGINT NOT NULL, sent_version BIGINT NOT NULL,"
	" message TEXT,"
	" changed BIGINT NOT NULL, retry_at BIGINT NOT NULL,"
	" attempts INTEGER NOT NULL,"
	" PRIMARY KEY (place, key));"
	"CREATE INDEX bh_outbox_key ON bh_outbox (key);"
	"CREATE INDEX bh_outbox_pending ON bh_outbox (changed)"
	" WHERE version > sent_version;"
	"CREATE TABLE bh_seen ("
	" realm TEXT NOT NULL, event TEXT NOT NULL, at BIGINT NOT NULL,"
	" PRIMARY KEY (realm, event));"
	"CREATE INDEX bh_seen_at ON bh_seen (at);"
	"CREATE TABLE bh_audit ("
	" seq INTEGER PRIMARY KEY,"
	" body TEXT NOT NULL, hash TEXT NOT NULL);"
	"CREATE TABLE bh_audit_head ("
	" chain TEXT PRIMARY KEY, seq BIGINT NOT NULL, hash TEXT NOT NULL);",
	"CREATE INDEX bh_outbox_sent ON bh_outbox (changed)"
	" WHERE version <= sent_version;",
	"CREATE TABLE bh_inbox ("
	" id INTEGER PRIMARY KEY, instance TEXT NOT NULL,"
	" event TEXT NOT NULL, at BIGINT NOT NULL,"
	" attempts INTEGER NOT NULL);",
	"ALTER TABLE bh_outbox ADD COLUMN rank INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE bh_outbox ADD COLUMN tried BIGINT NOT NULL DEFAULT 0;"
	"DROP INDEX bh_outbox_pending;"
	"CREATE INDEX bh_outbox_pending"
	" ON bh_outbox (place, rank, changed, key, retry_at)"
	" WHERE version > sent_version;",
	/* Every event that comes goes through here: one tree instead of three.
	 * Old rows are looked for once an hour, among all of them. */
	"ALTER TABLE bh_seen RENAME TO bh_seen_before;"
	"CREATE TABLE bh_seen ("
	" realm TEXT NOT NULL, event TEXT NOT NULL, at BIGINT NOT NULL,"
	" PRIMARY KEY (realm, event)) WITHOUT ROWID;"
	"INSERT INTO bh_seen SELECT realm, event, at FROM bh_seen_before;"
	"DROP TABLE bh_seen_before;",
	NULL
};

static enum db_fault
version_of(struct db *db, const char *name, int64_t *version)
{
	enum db_fault fault;
	struct db_stmt *s = db_start(db, &db_host_scope,
	    "SELECT version FROM bh_version WHERE name = $1",
	    BH_PARAMS(bh_s(name)), &fault);

	if (s == NULL)
		return fault;
	*version = 0;
	if ((fault = db_step(db, s)) == DB_ROW) {
		*version = db_int(s, 0);
		fault = DB_OK;
	}
	db_done(s);
	return fault;
}

/* One step: its statements and its number, or nothing. */
static enum db_fault
step(struct db *db, const struct scope *scope, const char *name,
    const char *sql, int64_t version)
{
	enum db_fault fault = db_exec(db, "BEGIN IMMEDIATE");

	if (fault != DB_OK)
		return fault;
	if ((fault = db_script(db, scope, sql)) == DB_OK &&
	    (fault = db_run(db, &db_host_scope,
	    "INSERT INTO bh_version (name, version) VALUES ($1, $2)"
	    " ON CONFLICT (name) DO UPDATE SET version = excluded.version",
	    BH_PARAMS(bh_s(name), bh_i(version)), NULL)) == DB_OK)
		fault = db_exec(db, "COMMIT");
	if (fault != DB_OK && db_in_transaction(db)) {
		char error[sizeof(db->error)];

		snprintf(error, sizeof(error), "%s", db->error);
		db_exec(db, "ROLLBACK");
		snprintf(db->error, sizeof(db->error), "%s", error);
	}
	return fault;
}

int
migrate_run(struct db *db, const char *name, const char *const *migrations,
    struct bh_buf *why)
{
	struct scope scope;
	int64_t have = 0, known = 0;
	char owner[64];

	/* A migration's name is a plugin's or "host..."; as an owner it has
	 * a slash, or it would be the host's. */
	snprintf(owner, sizeof(owner), "%s/", name);
	db_scope(&scope, owner);
	scope.ddl = true;
	while (migrations != NULL && migrations[known] != NULL)
		known++;
	enum db_fault fault = db_exec(db,
	    "CREATE TABLE IF NOT EXISTS bh_version ("
	    " name TEXT PRIMARY KEY, version BIGINT NOT NULL)");
	if (fault == DB_OK)
		fault = version_of(db, name, &have);
	if (fault == DB_OK && have > known) {
		bh_buf_add(why, "the tables of %s are version %" PRId64
		    ", but this program knows them up to version %" PRId64
		    ": install the newer version again, or put back the "
		    "database saved before the upgrade", name, have, known);
		return BH_EUNSUPPORTED;
	}
	for (; fault == DB_OK && have < known; have++)
		fault = step(db, &scope, name, migrations[have], have + 1);
	if (fault == DB_OK)
		return BH_OK;
	bh_buf_add(why, "cannot bring the tables of %s to version %" PRId64
	    ": %s%s", name, have, db->error, fault == DB_FULL ?
	    ": free some space on the disk" : "");
	return fault == DB_FULL ? BH_EFULL : fault == DB_IO ||
	    fault == DB_BROKEN ? BH_EIO : BH_EINVAL;
}
