/* open.c - opening a store: the lock, the checks, what is loaded at start.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/store/store-internal.h"

#define CHAIN_AT_START	1000	/* rows of the chain checked at start */

static _Thread_local char sentence[600];

static int BH_PRINTF(3, 4)
refuse(const char **error, int result, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	*error = sentence;
	return result;
}

const char *
store_url_path(const char *url)
{
	if (url == NULL)
		return NULL;
	if (strncmp(url, "sqlite:", 7) == 0)
		return url[7] != '\0' ? url + 7 : NULL;
	return strchr(url, ':') == NULL || url[0] == '/' || url[0] == '.'
	    ? url : NULL;
}

/* ------------------------------------------------------------------ */
/* The files                                                           */

/* Its own file: closing any descriptor of the database itself would drop
 * the locks that SQLite holds on it. */
static int
take_lock(struct store *s, const char *path, const char **error)
{
	BH_AUTO_FREE char *name = xasprintf("%s.lock", path);

	s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (s->lock_fd < 0 && errno == ENOENT)
		return refuse(error, BH_ENOENT, "the directory of the store "
		    "\"%s\" does not exist: create it, or change \"store\"",
		    path);
	if (s->lock_fd < 0)
		return refuse(error, BH_EIO, "cannot create \"%s\": %s", name,
		    strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK
		    ? refuse(error, BH_EBUSY, "another bellhop uses \"%s\": "
		    "stop it first, or give this one another \"store\"", path)
		    : refuse(error, BH_EIO, "cannot lock \"%s\": %s", name,
		    strerror(errno));
	return BH_OK;
}

/* Made by us, SQLite would take the umask's word; and its -wal and -shm
 * files get the mode of the database. */
static int
make_file(const char *path, const char **error)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK, 0600);

	if (fd < 0)
		return refuse(error, BH_EIO, "cannot open \"%s\": %s", path,
		    errno == ELOOP ? "it is a symbolic link: name the file "
		    "itself" : strerror(errno));
	int result = BH_OK;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		result = refuse(error, BH_EINVAL, "\"%s\" is no regular file",
		    path);
	else if (st.st_uid != geteuid() && geteuid() != 0)
		result = refuse(error, BH_EPERM, "\"%s\" belongs to another "
		    "user: change its owner, or run as that user", path);
	else if ((st.st_mode & 077) != 0 && fchmod(fd, 0600) != 0)
		result = refuse(error, BH_EPERM, "\"%s\" is open to others "
		    "and cannot be closed: %s", path, strerror(errno));
	close(fd);
	if (result != BH_OK || st.st_size > 0)
		return result;
	/* A new name must outlive a power cut too. */
	BH_AUTO_FREE char *copy = xstrdup(path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return BH_OK;
}

/* ------------------------------------------------------------------ */
/* The database                                                        */

static enum db_fault
number(struct db *db, const char *sql, int64_t *out)
{
	enum db_fault fault;
	struct db_stmt *stmt = db_start(db, &db_host_scope, sql, NULL, &fault);

	if (stmt == NULL)
		return fault;
	*out = 0;
	if ((fault = db_step(db, stmt)) == DB_ROW) {
		*out = db_int(stmt, 0);
		fault = DB_OK;
	}
	db_done(stmt);
	return fault;
}

/* Ours, or empty and made ours? */
static int
claim(struct db *db, const char *path, const char **error)
{
	int64_t id = 0, tables = 0;
	char sql[64];

	if (number(db, "PRAGMA application_id", &id) != DB_OK ||
	    number(db, "SELECT count(*) FROM sqlite_master", &tables) != DB_OK)
		return refuse(error, BH_EIO, "cannot read \"%s\": %s", path,
		    db->error);
	if (id == STORE_APPLICATION_ID)
		return BH_OK;
	if (id != 0 || tables > 0)
		return refuse(error, BH_EINVAL, "\"%s\" is the database of "
		    "another program: change \"store\"", path);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d",
	    STORE_APPLICATION_ID);
	if (db_exec(db, sql) != DB_OK)
		return refuse(error, BH_EIO, "cannot write \"%s\": %s", path,
		    db->error);
	return BH_OK;
}

/* True if the file is whole; else `why`. */
static bool
whole(struct db *db, struct bh_buf *why)
{
	enum db_fault fault;
	struct db_stmt *stmt = db_start(db, &db_host_scope,
	    "PRAGMA quick_check(1)", NULL, &fault);
	bool ok = false;

	if (stmt != NULL && (fault = db_step(db, stmt)) == DB_ROW) {
		const char *says = db_text(stmt, 0, NULL);

		ok = says != NULL && strcmp(says, "ok") == 0;
		if (!ok)
			bh_buf_puts(why, says != NULL ? says : "no answer");
	} else
		bh_buf_puts(why, db->error);
	db_done(stmt);
	return ok;
}

static enum db_fault
load_jobs(struct store *s)
{
	enum db_fault fault;
	struct db_stmt *stmt = db_start(&s->db, &db_host_scope,
	    "SELECT owner, kind, ref, due FROM bh_job", NULL, &fault);

	if (stmt == NULL)
		return fault;
	while ((fault = db_step(&s->db, stmt)) == DB_ROW)
		jobs_set(s->jobs, db_text(stmt, 0, NULL),
		    db_text(stmt, 1, NULL), db_text(stmt, 2, NULL),
		    db_int(stmt, 3));
	db_done(stmt);
	return fault;
}

/* Everything between the lock and the thread. */
static int
load(struct store *s, const char *path, const char **error)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(400);
	const char *shown = path != NULL ? path : ":memory:";
	int64_t clock = 0;

	if (db_open(&s->db, path, true) != DB_OK)
		return refuse(error, BH_EIO, "cannot open the database "
		    "\"%s\" (%s): put back a saved copy, or change "
		    "\"store\"", shown, s->db.error);
	int result = claim(&s->db, shown, error);
	if (result != BH_OK)
		return result;
	if (!whole(&s->db, &why)) {
		s->broken = true;
		worker_trouble(s, BH_EIO, "the database \"%s\" is damaged "
		    "(%s): put back a saved copy; until then only removals "
		    "are written", shown, bh_buf_text(&why));
	}
	bh_buf_clear(&why);
	if ((result = migrate_run(&s->db, "host", migrate_host, &why)) !=
	    BH_OK)
		return refuse(error, result, "\"%s\": %s", shown,
		    bh_buf_text(&why));
	bh_buf_clear(&why);
	if (chain_create(&s->db) != DB_OK ||
	    number(&s->db, "SELECT CAST(value AS BIGINT) FROM bh_meta"
	    " WHERE name = 'clock'", &clock) != DB_OK ||
	    load_jobs(s) != DB_OK)
		return refuse(error, BH_EIO, "cannot read \"%s\": %s", shown,
		    s->db.error);
	s->clock_saved = clock;
	atomic_store(&s->clock_mark, clock);
	if (!chain_open(&s->db, &s->chain, CHAIN_AT_START, &why)) {
		s->broken = true;
		worker_trouble(s, BH_EIO, "the audit chain of \"%s\" is "
		    "broken (%s): find out who changed it, with bellhop "
		    "audit verify; until then only removals are written",
		    shown, bh_buf_text(&why));
	}
	return BH_OK;
}

static int
start(struct store *s)
{
	sigset_t all, before;

	/* Signals are the loop's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = pthread_create(&s->thread, NULL, worker_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (e == 0)
		pthread_setname_np(s->thread, "bellhop-store");
	return e;
}

static struct store *
blank(struct loop *loop, const struct store_options *options)
{
	struct store *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->magic = STORE_MAGIC;
	s->loop = loop;
	s->lock_fd = -1;
	s->queue_last = &s->queue;
	s->done_last = &s->done;
	s->probe_every = options->probe > 0 ? options->probe : STORE_PROBE;
	s->reserve_size = options->reserve > 0 ? options->reserve
	    : options->reserve == 0 ? STORE_RESERVE : 0;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &attr);
	pthread_cond_init(&s->progress, &attr);
	pthread_condattr_destroy(&attr);
	s->jobs = jobs_new(loop);
	return s;
}

void
store_free(struct store *s)
{
	/* After a failed fsync the WAL is the truth: a checkpoint now could
	 * only spoil the file. */
	db_close(&s->db, !s->broken);
	jobs_free(s->jobs);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->progress);
	pthread_mutex_destroy(&s->lock);
	free(s->reserve_path);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	KILL_MAGIC(s);
	free(s);
}

int
store_open_with(struct loop *loop, const struct store_options *options,
    struct store **out, const char **error)
{
	const char *path = store_url_path(options->url);
	int result;

	if (path == NULL)
		return refuse(error, BH_EUNSUPPORTED, "cannot use \"%s\" as a "
		    "store: write sqlite:PATH", options->url != NULL
		    ? options->url : "");
	if (strcmp(path, ":memory:") == 0)
		path = NULL;
	struct store *s = blank(loop, options);
	if (path == NULL)
		s->reserve_size = 0;
	/* A file over the limit of its size is a full disk, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	if (path != NULL &&
	    ((result = take_lock(s, path, error)) != BH_OK ||
	    (result = make_file(path, error)) != BH_OK)) {
		store_free(s);
		return result;
	}
	if ((result = load(s, path, error)) != BH_OK) {
		store_free(s);
		return result;
	}
	if (path != NULL && s->reserve_size > 0) {
		s->reserve_path = xasprintf("%s.reserve", path);
		if (!reserve_make(s->reserve_path, s->reserve_size)) {
			s->full = true;
			worker_trouble(s, BH_EFULL, "no room for \"%s\" "
			    "(%" PRId64 " KiB): free some space on the disk; "
			    "until then only removals are written",
			    s->reserve_path, s->reserve_size / 1024);
		}
	}
	s->linger = loop_alone(loop) ? 0 : STORE_LINGER;

	int e = start(s);
	if (e != 0) {
		store_free(s);
		return refuse(error, BH_EIO, "cannot start the store's "
		    "thread: %s", strerror(e));
	}
	s->rest = (struct loop_rest){ .cb = store_at_rest, .arg = s };
	loop_rest_add(loop, &s->rest);
	*out = s;
	return BH_OK;
}

int
store_open(struct loop *loop, const char *url, struct store **out,
    const char **error)
{
	return store_open_with(loop, &(struct store_options){ .url = url },
	    out, error);
}
