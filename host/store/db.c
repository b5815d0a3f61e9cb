/* db.c - one SQLite connection: opening, statements, what a failure means.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>

#include "host/base/mem.h"
#include "host/store/store-internal.h"

#define CACHE_MAX	512	/* statements kept prepared */

struct db_stmt {
	struct db_stmt *next;
	sqlite3_stmt *sq;
	char *text;
	char prefix[sizeof(((struct scope *)0)->prefix)];
	int wanted;		/* highest $n */
	int slots;
	int *map;		/* slot i takes parameter map[i] */
	bool busy;
};

const struct scope db_host_scope = { "", false };

void
db_scope(struct scope *out, const char *owner)
{
	size_t n = strcspn(owner, "/");
	bool host = owner[n] == '\0' || (n == 4 && memcmp(owner, "host", 4) == 0)
	    || (n > 5 && memcmp(owner, "host-", 5) == 0);

	*out = db_host_scope;
	if (host)
		return;
	if (n > sizeof(out->prefix) - 2)
		n = sizeof(out->prefix) - 2;
	for (size_t i = 0; i < n; i++)
		out->prefix[i] = owner[i] == '-' ? '_' : owner[i];
	out->prefix[n] = '_';
	out->prefix[n + 1] = '\0';
}

/* ------------------------------------------------------------------ */
/* What may be in a statement                                          */

static bool
own_table(const struct scope *scope, const char *table)
{
	return table != NULL &&
	    strncasecmp(table, scope->prefix, strlen(scope->prefix)) == 0;
}

static bool
schema_table(const char *table)
{
	return table != NULL && (strncmp(table, "sqlite_", 7) == 0 ||
	    strncmp(table, "pragma_", 7) == 0);
}

/* SQLite asks this for each thing that a statement does, when it is
 * prepared.  It keeps a plugin's slip from another's tables; a plugin that
 * means harm shares our memory anyway. */
static int
authorize(void *arg, int action, const char *a, const char *b,
    const char *database, const char *trigger)
{
	const struct db *db = arg;
	const struct scope *scope = db->scope;
	bool ok;

	(void)database;
	(void)trigger;
	if (scope == NULL || (scope->prefix[0] == '\0' && !scope->ddl))
		return SQLITE_OK;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_FUNCTION:
	case SQLITE_RECURSIVE:
		ok = true;
		break;
	case SQLITE_READ:
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		ok = own_table(scope, a) || (scope->ddl && schema_table(a));
		break;
	case SQLITE_CREATE_TABLE:
	case SQLITE_DROP_TABLE:
	case SQLITE_REINDEX:
	case SQLITE_ANALYZE:
		ok = scope->ddl && (action == SQLITE_REINDEX ||
		    own_table(scope, a));
		break;
	case SQLITE_CREATE_INDEX:
	case SQLITE_DROP_INDEX:
	case SQLITE_ALTER_TABLE:
		ok = scope->ddl && own_table(scope, b);
		break;
	case SQLITE_PRAGMA:	/* ALTER TABLE checks itself by one */
		ok = scope->ddl && a != NULL && strcmp(a, "quick_check") == 0;
		break;
	default:		/* transactions, ATTACH, triggers, views */
		ok = false;
	}
	return ok ? SQLITE_OK : SQLITE_DENY;
}

/* ------------------------------------------------------------------ */
/* Failures                                                            */

static enum db_fault
fault_of(struct db *db, int rc)
{
	int detail = db->sq != NULL ? sqlite3_extended_errcode(db->sq) : rc;
	int last = errno;
	int sys = db->sq != NULL ? sqlite3_system_errno(db->sq) : 0;

	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return DB_OK;
	if (rc == SQLITE_ROW)
		return DB_ROW;
	/* SQLite keeps no errno for what fails inside COMMIT. */
	if (sys == 0 && (rc & 0xff) == SQLITE_IOERR)
		sys = last;
	snprintf(db->error, sizeof(db->error), "%s%s%s",
	    db->sq != NULL ? sqlite3_errmsg(db->sq) : sqlite3_errstr(rc),
	    sys != 0 ? ": " : "", sys != 0 ? strerror(sys) : "");
	if ((detail & 0xff) != (rc & 0xff))
		detail = rc;
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return DB_CONFLICT;
	case SQLITE_FULL:
		return DB_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return DB_BROKEN;
	case SQLITE_IOERR:
		if (detail == SQLITE_IOERR_FSYNC ||
		    detail == SQLITE_IOERR_DIR_FSYNC)
			return DB_BROKEN;
		/* SQLite names only one of the three ways to be full. */
		if (sys == ENOSPC || sys == EDQUOT || sys == EFBIG)
			return DB_FULL;
		return DB_IO;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
	case SQLITE_NOLFS:
		return DB_IO;
	default:
		return DB_WRONG;
	}
}

/* ------------------------------------------------------------------ */
/* Opening                                                             */

static int
on_wal(void *arg, sqlite3 *sq, const char *name, int pages)
{
	struct db *db = arg;

	(void)sq;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* Counting every byte of its memory is half of what SQLite's locks are for;
 * nobody reads the count. */
static void
set_up_sqlite(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum db_fault
db_open(struct db *db, const char *path, bool writer)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
	    (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
	    : SQLITE_OPEN_READONLY);
	enum db_fault fault;

	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_up_sqlite);
	*db = (struct db){ 0 };
	db->path = xstrdup(path);
	errno = 0;
	int rc = sqlite3_open_v2(path != NULL ? path : ":memory:", &db->sq,
	    flags, NULL);
	if (rc != SQLITE_OK)
		return fault_of(db, rc);
	sqlite3_busy_timeout(db->sq, 10000);
	sqlite3_db_config(db->sq, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sq, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->sq, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_set_authorizer(db->sq, authorize, db);
	if (!writer)
		return DB_OK;
	/* Read something first: a file that is no database is told from one
	 * that cannot be written. */
	if ((fault = db_exec(db, "PRAGMA schema_version")) != DB_OK ||
	    (fault = db_exec(db, "PRAGMA foreign_keys = ON")) != DB_OK ||
	    (fault = db_exec(db, "PRAGMA cell_size_check = ON")) != DB_OK ||
	    /* What people typed lies in the inbox for a moment. */
	    (fault = db_exec(db, "PRAGMA secure_delete = FAST")) != DB_OK ||
	    (fault = db_exec(db, "PRAGMA temp_store = MEMORY")) != DB_OK)
		return fault;
	if (path != NULL &&
	    ((fault = db_exec(db, "PRAGMA journal_mode = WAL")) != DB_OK ||
	    (fault = db_exec(db, "PRAGMA synchronous = FULL")) != DB_OK ||
	    (fault = db_exec(db, "PRAGMA journal_size_limit = 67108864"))
	    != DB_OK))
		return fault;
	/* Checkpoints are ours, because SQLite drops their errors. */
	sqlite3_wal_hook(db->sq, on_wal, db);
	return DB_OK;
}

static void
forget_all(struct db *db, bool busy_too)
{
	for (size_t i = 0; i < 256; i++) {
		struct db_stmt **at = &db->cache[i];

		while (*at != NULL) {
			struct db_stmt *s = *at;

			if (s->busy && !busy_too) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			sqlite3_finalize(s->sq);
			free(s->text);
			free(s->map);
			free(s);
			db->cached--;
		}
	}
}

void
db_close(struct db *db, bool checkpoint)
{
	if (db->sq != NULL) {
		forget_all(db, true);
		if (!checkpoint)
			sqlite3_db_config(db->sq,
			    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_close_v2(db->sq);
	}
	free(db->path);
	*db = (struct db){ 0 };
}

enum db_fault
db_checkpoint(struct db *db)
{
	db->wal_pages = 0;
	errno = 0;
	int rc = sqlite3_wal_checkpoint_v2(db->sq, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	/* A reader in our way is no failure: there will be a next time. */
	return (rc & 0xff) == SQLITE_BUSY ? DB_OK : fault_of(db, rc);
}

bool
db_in_transaction(struct db *db)
{
	return sqlite3_get_autocommit(db->sq) == 0;
}

/* ------------------------------------------------------------------ */
/* Statements                                                          */

static unsigned
bucket_of(const char *text)
{
	uint32_t h = 2166136261u;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		h = (h ^ *p) * 16777619u;
	return (h ^ (h >> 16)) & 255;
}

static enum db_fault
wrong(struct db *db, const char *what, const char *sql)
{
	snprintf(db->error, sizeof(db->error), "%s: %.200s", what, sql);
	return DB_WRONG;
}

/* SQLite numbers $1... by their first appearance; we mean the numbers. */
static bool
map_slots(struct db_stmt *s)
{
	s->slots = sqlite3_bind_parameter_count(s->sq);
	s->map = xcalloc((size_t)s->slots + 1, sizeof(*s->map));
	for (int i = 1; i <= s->slots; i++) {
		const char *name = sqlite3_bind_parameter_name(s->sq, i);
		char *end;

		if (name == NULL || *name != '$')
			return false;
		long n = strtol(name + 1, &end, 10);
		if (*end != '\0' || n < 1 || n > 99)
			return false;
		s->map[i] = (int)n;
		if ((int)n > s->wanted)
			s->wanted = (int)n;
	}
	return true;
}

static struct db_stmt *
prepare(struct db *db, const struct scope *scope, const char *sql,
    const char **tail, enum db_fault *fault)
{
	sqlite3_stmt *sq = NULL;

	db->scope = scope;
	int rc = sqlite3_prepare_v3(db->sq, sql, -1,
	    tail == NULL ? SQLITE_PREPARE_PERSISTENT : 0, &sq, tail);
	db->scope = NULL;
	if (rc != SQLITE_OK) {
		*fault = fault_of(db, rc);
		return NULL;
	}
	struct db_stmt *s = xcalloc(1, sizeof(*s));
	s->sq = sq;
	s->busy = true;
	*fault = DB_OK;
	return s;
}

static struct db_stmt *
look_up(struct db *db, const struct scope *scope, const char *sql,
    enum db_fault *fault)
{
	unsigned b = bucket_of(sql);
	const char *tail = NULL;

	for (struct db_stmt *s = db->cache[b]; s != NULL; s = s->next)
		if (!s->busy && strcmp(s->text, sql) == 0 &&
		    strcmp(s->prefix, scope->prefix) == 0) {
			s->busy = true;
			return s;
		}
	if (db->cached >= CACHE_MAX)
		forget_all(db, false);
	struct db_stmt *s = prepare(db, scope, sql, &tail, fault);
	if (s == NULL)
		return NULL;
	s->text = xstrdup(sql);
	snprintf(s->prefix, sizeof(s->prefix), "%s", scope->prefix);
	s->next = db->cache[b];
	db->cache[b] = s;
	db->cached++;
	s->busy = s->sq != NULL;
	if (s->sq == NULL)
		*fault = wrong(db, "no statement", sql);
	else if (tail[strspn(tail, " \t\r\n;")] != '\0')
		*fault = wrong(db, "more than one statement", sql);
	else if (!map_slots(s))
		*fault = wrong(db, "parameters must be $1, $2 ...", sql);
	else
		return s;
	/* Never run: leave no wrong one in the cache. */
	db->cache[b] = s->next;
	db->cached--;
	sqlite3_finalize(s->sq);
	free(s->text);
	free(s->map);
	free(s);
	return NULL;
}

struct db_stmt *
db_start(struct db *db, const struct scope *scope, const char *sql,
    const struct bh_param *params, enum db_fault *fault)
{
	struct db_stmt *s = look_up(db, scope, sql, fault);
	int given = 0;

	if (s == NULL)
		return NULL;
	while (params != NULL && params[given].type != 0)
		given++;
	if (s->wanted > given) {
		db_done(s);
		*fault = wrong(db, "fewer parameters than it names", sql);
		return NULL;
	}
	for (int i = 1; i <= s->slots; i++) {
		const struct bh_param *p = &params[s->map[i] - 1];
		int rc;

		if (p->type == 'i')
			rc = sqlite3_bind_int64(s->sq, i, p->i);
		else if (p->s != NULL)
			rc = sqlite3_bind_text(s->sq, i, p->s, -1,
			    SQLITE_STATIC);
		else
			rc = sqlite3_bind_null(s->sq, i);
		if (rc != SQLITE_OK) {
			*fault = fault_of(db, rc);
			db_done(s);
			return NULL;
		}
	}
	*fault = DB_OK;
	return s;
}

enum db_fault
db_step(struct db *db, struct db_stmt *stmt)
{
	errno = 0;
	return fault_of(db, sqlite3_step(stmt->sq));
}

void
db_done(struct db_stmt *stmt)
{
	if (stmt == NULL)
		return;
	sqlite3_reset(stmt->sq);
	sqlite3_clear_bindings(stmt->sq);
	stmt->busy = false;
}

enum db_fault
db_run(struct db *db, const struct scope *scope, const char *sql,
    const struct bh_param *params, int64_t *rows)
{
	enum db_fault fault;
	int64_t read = 0;
	struct db_stmt *s = db_start(db, scope, sql, params, &fault);

	if (s == NULL)
		return fault;
	while ((fault = db_step(db, s)) == DB_ROW)
		read++;
	if (fault == DB_OK && rows != NULL)
		*rows = db_reads_only(s) ? read : sqlite3_changes64(db->sq);
	db_done(s);
	return fault;
}

enum db_fault
db_exec(struct db *db, const char *sql)
{
	return db_run(db, &db_host_scope, sql, NULL, NULL);
}

enum db_fault
db_script(struct db *db, const struct scope *scope, const char *sql)
{
	enum db_fault fault = DB_OK;

	while (fault == DB_OK && *(sql += strspn(sql, " \t\r\n;")) != '\0') {
		const char *tail = NULL;
		struct db_stmt *s = prepare(db, scope, sql, &tail, &fault);

		if (s == NULL)
			return fault;
		while (s->sq != NULL && (fault = db_step(db, s)) == DB_ROW)
			;
		sqlite3_finalize(s->sq);
		free(s);
		sql = tail;
	}
	return fault;
}

int
db_columns(struct db_stmt *stmt)
{
	return sqlite3_column_count(stmt->sq);
}

const char *
db_text(struct db_stmt *stmt, int column, size_t *len)
{
	const char *s = (const char *)sqlite3_column_text(stmt->sq, column);

	if (len != NULL)
		*len = (size_t)sqlite3_column_bytes(stmt->sq, column);
	return s;
}

int64_t
db_int(struct db_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->sq, column);
}

bool
db_reads_only(struct db_stmt *stmt)
{
	return sqlite3_stmt_readonly(stmt->sq) != 0;
}
