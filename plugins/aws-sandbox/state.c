/* state.c - the journal: what changed since the seed, one JSON line each.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A line is written before the call that caused it is answered.  A killed
 * process therefore loses nothing it applied or accepted; only a power cut
 * could, since lines are not fsync'ed one by one.  At each start (and after
 * many lines) the journal is written anew: to a temporary file, synced, then
 * renamed over the old one.
 *
 *   {"t":"base"}      forget all assignments and memberships of the seed
 *   {"t":"assign"...} and so on: see replay()
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/aws-sandbox/sandbox.h"

#define JOURNAL_MAX	(256u << 20)
#define COMPACT_AFTER	50000

static int
join(char *out, size_t size, const char *directory, const char *name)
{
	int n = snprintf(out, size, "%s/%s", directory, name);

	return n > 0 && (size_t)n < size ? BH_OK : BH_EINVAL;
}

/* Writes all of it or says so; a journal that cannot be written would make
 * the sandbox lie after a restart. */
static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void
append(struct sandbox *sb, struct bh_buf *b)
{
	bh_buf_puts(b, "\n");
	if (!write_all(sb->journal, b->data, b->len)) {
		bh_log(sb->host, BH_LOG_ERROR, "cannot write the journal in "
		    "%s: %s; make room there", sb->directory, strerror(errno));
		return;
	}
	if (++sb->journal_lines > COMPACT_AFTER)
		state_compact(sb);
}

void
state_note(struct sandbox *sb, const char *format, ...)
{
	struct bh_buf b = BH_BUF(8192);
	va_list ap;

	if (sb->loading || sb->journal < 0)
		return;
	va_start(ap, format);
	bh_buf_vadd(&b, format, ap);
	va_end(ap);
	append(sb, &b);
	bh_buf_release(&b);
}

static void
work_line(struct bh_buf *b, const struct work *w)
{
	bh_buf_puts(b, "{\"t\":\"work\"");
	put_text(b, "id", w->id);
	put_bool(b, "create", w->create);
	put_bool(b, "group", w->group);
	put_text(b, "a", w->sb->accounts.at[w->account].id);
	put_text(b, "p", w->sb->sets.at[w->set].arn);
	put_text(b, "u", w->principal_id);
	bh_buf_add(b, ",\"created\":%lld,\"due\":%lld", (long long)w->created,
	    (long long)w->due);
	put_text(b, "status", work_status_name(w));
	if (w->reason != NULL)
		put_text(b, "reason", w->reason);
	bh_buf_puts(b, "}");
}

void
state_note_work(struct sandbox *sb, const struct work *w)
{
	struct bh_buf b = BH_BUF(8192);

	if (sb->loading || sb->journal < 0)
		return;
	work_line(&b, w);
	append(sb, &b);
	bh_buf_release(&b);
}

static void
session_line(struct bh_buf *b, const struct sandbox *sb,
    const struct session *s)
{
	bh_buf_puts(b, "{\"t\":\"session\"");
	put_text(b, "key", s->key);
	put_text(b, "secret", s->secret);
	put_text(b, "token", s->token);
	put_text(b, "a", sb->accounts.at[s->caller.account].id);
	put_text(b, "arn", s->caller.arn);
	put_text(b, "id", s->caller.user_id);
	bh_buf_add(b, ",\"expires\":%lld}", (long long)s->expires);
}

void
state_note_session(struct sandbox *sb, const struct session *s)
{
	struct bh_buf b = BH_BUF(8192);

	if (sb->loading || sb->journal < 0)
		return;
	session_line(&b, sb, s);
	append(sb, &b);
	bh_buf_release(&b);
}

/* ---- reading ---- */

static const char *
get(const struct bh_value *v, const char *key)
{
	const char *s = bh_get_text(v, key);

	return s != NULL ? s : "";
}

static void
replay_work(struct sandbox *sb, const struct bh_value *v)
{
	bool create = bh_get_bool(v, "create", false);
	struct work *w = work_find(sb, get(v, "id"), create);
	int account = account_find(sb, get(v, "a"));
	int set = set_find(sb, get(v, "p"));
	const char *status = get(v, "status");

	if (account < 0 || set < 0)
		return;
	if (w == NULL) {
		w = (struct work *)calloc(1, sizeof(*w));
		assert(w != NULL);
		*list_add(&sb->work) = w;
		w->seq = ++sb->next_seq;
	}
	w->sb = sb;
	set_text(w->id, sizeof(w->id), get(v, "id"));
	w->create = create;
	w->group = bh_get_bool(v, "group", false);
	w->account = account;
	w->set = set;
	set_text(w->principal_id, sizeof(w->principal_id), get(v, "u"));
	w->principal = principal_by_id(sb, w->principal_id);
	if (w->principal >= 0 &&
	    sb->principals.at[w->principal].group != w->group)
		w->principal = -1;
	w->created = (int64_t)bh_get_number(v, "created", 0);
	w->due = (int64_t)bh_get_number(v, "due", 0);
	w->status = strcmp(status, "IN_PROGRESS") == 0 ? WORK_BUSY :
	    strcmp(status, "SUCCEEDED") == 0 ? WORK_DONE : WORK_FAILED;
	free(w->reason);
	w->reason = bh_get_text(v, "reason") != NULL ?
	    copy_text(get(v, "reason")) : NULL;
}

static void
replay_session(struct sandbox *sb, const struct bh_value *v)
{
	int account = account_find(sb, get(v, "a"));

	if (account < 0)
		return;

	struct session *s = list_add(&sb->sessions);

	set_text(s->key, sizeof(s->key), get(v, "key"));
	set_text(s->secret, sizeof(s->secret), get(v, "secret"));
	set_text(s->token, sizeof(s->token), get(v, "token"));
	set_text(s->caller.arn, sizeof(s->caller.arn), get(v, "arn"));
	set_text(s->caller.user_id, sizeof(s->caller.user_id), get(v, "id"));
	s->caller.account = account;
	s->caller.session = true;
	s->expires = (int64_t)bh_get_number(v, "expires", 0);
}

static void
replay_member(struct sandbox *sb, const struct bh_value *v, bool add)
{
	int group = principal_by_id(sb, get(v, "g"));
	int user = principal_by_id(sb, get(v, "u"));

	if (add && group >= 0 && user >= 0 && member_find(sb, group, user) < 0)
		member_add(sb, get(v, "id"), group, user);
	for (size_t i = sb->members.count; !add && i-- > 0;)
		if (strcmp(sb->members.at[i].id, get(v, "id")) == 0)
			member_drop(sb, i);
}

/* Does again what a line says.  What names things that the seed no longer
 * has (fewer --accounts than before) is left out. */
static void
replay(struct sandbox *sb, const struct bh_value *v)
{
	const char *type = get(v, "t");
	int account = account_find(sb, get(v, "a"));
	int set = set_find(sb, get(v, "p"));
	int who = principal_by_id(sb, get(v, "u"));

	if (strcmp(type, "base") == 0) {
		sb->assignments.count = 0;
		sb->members.count = 0;
	} else if (strcmp(type, "assign") == 0) {
		if (account >= 0 && set >= 0 && who >= 0)
			assignment_add(sb, account, set, who);
	} else if (strcmp(type, "unassign") == 0) {
		assignment_drop(sb, account, set, who);
	} else if (strcmp(type, "mark") == 0) {
		if (who >= 0)
			principal_mark(sb, who, get(v, "status"));
	} else if (strcmp(type, "account") == 0) {
		if (account >= 0)
			account_mark(sb, account,
			    bh_get_bool(v, "suspended", false));
	} else if (strcmp(type, "member") == 0) {
		replay_member(sb, v, true);
	} else if (strcmp(type, "unmember") == 0) {
		replay_member(sb, v, false);
	} else if (strcmp(type, "work") == 0) {
		replay_work(sb, v);
	} else if (strcmp(type, "session") == 0) {
		replay_session(sb, v);
	}
}

static char *
read_all(int fd, size_t *len)
{
	struct bh_buf b = BH_BUF(JOURNAL_MAX);
	char part[65536];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0)
		bh_buf_put(&b, part, (size_t)n);
	*len = b.len;
	if (n < 0 || b.overflow) {
		bh_buf_release(&b);
		return NULL;
	}
	return b.data != NULL ? b.data : copy_text("");
}

static int
load(struct sandbox *sb, int fd)
{
	const char *error = NULL;
	size_t len, lines = 0;
	char *text = read_all(fd, &len);

	if (text == NULL)
		return BH_EIO;
	for (char *s = text, *end; (end = memchr(s, '\n',
	    len - (size_t)(s - text))) != NULL; s = end + 1) {
		struct bh_value *v = bh_json(sb->host, s, (size_t)(end - s),
		    &error);

		lines++;
		if (v == NULL) {
			bh_log(sb->host, BH_LOG_ERROR, "%s/journal line %zu is "
			    "damaged (%s); move the directory away to start "
			    "anew", sb->directory, lines, error);
			free(text);
			return BH_EPARSE;
		}
		replay(sb, v);
		bh_json_free(sb->host, v);
	}
	/* A last line without its end was cut by a crash while writing: the
	 * call behind it was never answered. */
	free(text);
	return BH_OK;
}

/* ---- writing anew ---- */

static void
put_state(struct sandbox *sb, struct bh_buf *b)
{
	bh_buf_puts(b, "{\"t\":\"base\"}\n");
	for (size_t i = 0; i < sb->accounts.count; i++)
		if (sb->accounts.at[i].suspended)
			bh_buf_add(b, "{\"t\":\"account\",\"a\":\"%s\","
			    "\"suspended\":true}\n", sb->accounts.at[i].id);
	for (size_t i = 0; i < sb->principals.count; i++) {
		const struct principal *p = &sb->principals.at[i];

		bh_buf_add(b, "{\"t\":\"mark\",\"u\":\"%s\",\"status\":\"%s\"}"
		    "\n", p->id, p->deleted ? "DELETED" :
		    p->disabled ? "DISABLED" : "ENABLED");
	}
	for (size_t i = 0; i < sb->members.count; i++) {
		const struct member *m = &sb->members.at[i];

		bh_buf_add(b, "{\"t\":\"member\",\"id\":\"%s\",\"g\":\"%s\","
		    "\"u\":\"%s\"}\n", m->id, sb->principals.at[m->group].id,
		    sb->principals.at[m->user].id);
	}
	for (size_t i = 0; i < sb->assignments.count; i++) {
		const struct assignment *a = &sb->assignments.at[i];

		bh_buf_add(b, "{\"t\":\"assign\",\"a\":\"%s\",\"p\":\"%s\","
		    "\"u\":\"%s\"}\n", sb->accounts.at[a->account].id,
		    sb->sets.at[a->set].arn,
		    sb->principals.at[a->principal].id);
	}
	for (size_t i = 0; i < sb->work.count; i++) {
		work_line(b, sb->work.at[i]);
		bh_buf_puts(b, "\n");
	}
	for (size_t i = 0; i < sb->sessions.count; i++) {
		session_line(b, sb, &sb->sessions.at[i]);
		bh_buf_puts(b, "\n");
	}
}

int
state_compact(struct sandbox *sb)
{
	struct bh_buf b = BH_BUF(JOURNAL_MAX);
	char path[4096], fresh[4096];
	int ret = BH_EIO, fd;

	if (join(path, sizeof(path), sb->directory, "journal") != BH_OK ||
	    join(fresh, sizeof(fresh), sb->directory, "journal.new") != BH_OK)
		return BH_EINVAL;
	put_state(sb, &b);
	fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND,
	    0600);
	if (fd < 0 || b.overflow || !write_all(fd, b.data, b.len) ||
	    fsync(fd) != 0 || rename(fresh, path) != 0) {
		bh_log(sb->host, BH_LOG_ERROR, "cannot write %s: %s", fresh,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
	} else {
		if (sb->journal >= 0)
			close(sb->journal);
		sb->journal = fd;
		sb->journal_lines = 0;
		ret = BH_OK;
	}
	bh_buf_release(&b);
	return ret;
}

/* Two sandboxes in one directory would write over one another. */
static int
lock(struct sandbox *sb)
{
	char path[4096];

	if (join(path, sizeof(path), sb->directory, "lock") != BH_OK)
		return BH_EINVAL;
	sb->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (sb->lock < 0 || flock(sb->lock, LOCK_EX | LOCK_NB) != 0) {
		bh_log(sb->host, BH_LOG_ERROR, "cannot use %s: %s", path,
		    errno == EWOULDBLOCK ? "another sandbox runs there; give "
		    "this one a directory of its own" : strerror(errno));
		return BH_EBUSY;
	}
	return BH_OK;
}

int
state_open(struct sandbox *sb, const char *directory)
{
	char path[4096];
	int ret = BH_OK, fd;

	sb->directory = copy_text(directory);
	if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
		bh_log(sb->host, BH_LOG_ERROR, "cannot make %s: %s", directory,
		    strerror(errno));
		return BH_EIO;
	}
	if ((ret = lock(sb)) != BH_OK)
		return ret;
	if ((ret = join(path, sizeof(path), directory, "journal")) != BH_OK)
		return ret;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		sb->loading = true;
		ret = load(sb, fd);
		sb->loading = false;
		close(fd);
	} else if (errno != ENOENT) {
		bh_log(sb->host, BH_LOG_ERROR, "cannot read %s: %s", path,
		    strerror(errno));
		ret = BH_EIO;
	}
	if (ret == BH_OK)
		ret = state_compact(sb);
	for (size_t i = 0; ret == BH_OK && i < sb->work.count; i++)
		if (sb->work.at[i]->status == WORK_BUSY)
			work_resume(sb->work.at[i]);
	return ret;
}

void
state_close(struct sandbox *sb)
{
	if (sb->journal >= 0)
		close(sb->journal);
	if (sb->lock >= 0)
		close(sb->lock);
	sb->journal = sb->lock = -1;
	free(sb->directory);
	sb->directory = NULL;
}
