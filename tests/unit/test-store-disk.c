/* test-store-disk.c - kills, a full disk, and an fsync that fails.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tests/unit/store-common.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* SQLite finds these before the C library's. */
static atomic_int fail_syncs;		/* so many, of any file */
static atomic_bool fail_database;	/* those of the file itself */

static bool
sync_fails_now(int fd)
{
	char link[40], name[200] = "";

	if (fail_syncs > 0) {
		fail_syncs--;
		return true;
	}
	if (!fail_database)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, name, sizeof(name) - 1) > 0 &&
	    strcmp(name, path) == 0;
}

int
fdatasync(int fd)
{
	if (sync_fails_now(fd)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	if (sync_fails_now(fd)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* ------------------------------------------------------------------ */
/* Kills                                                               */

static int pipe_fd;

/* Told to the world only now: from here on it must never be lost. */
static void
acknowledge(void *arg, int result)
{
	int32_t n = (int32_t)(intptr_t)arg;

	if (result == BH_OK &&
	    write(pipe_fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		_exit(3);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* One tx of everything that belongs together. */
static void
work(int n)
{
	char ref[16];
	struct bh_tx *tx;

	snprintf(ref, sizeof(ref), "w%d", n);
	tx = put_item(ref, n);
	store_tx_audit(tx, "made", "ada", NULL);
	store_tx_job(tx, "job", ref, 1);
	store_tx_post(tx, "slack/#x", ref, STORE_TEXT, NULL, "text");
	store_commit(tx, acknowledge, (void *)(intptr_t)n);
}

/* In a program of its own: test-store-disk child PATH FIRST FD. */
static int
child(char **argv)
{
	int first = (int)strtol(argv[3], NULL, 10);

	snprintf(path, sizeof(path), "%s", argv[2]);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	pipe_fd = (int)strtol(argv[4], NULL, 10);
	loop = loop_new();
	const char *error = "";
	if (try_open(&error) != BH_OK) {
		fprintf(stderr, "%s\n", error);
		return 5;
	}
	for (int n = first; n < first + 3000; n++) {
		work(n);
		if (n % 14 == 0)
			store_flush(store);	/* many groups, for sure */
		else if (n % 7 == 0)
			loop_settle(loop, never, NULL, n % 3);
	}
	store_close(&store);
	loop_free(&loop);
	return 0;
}

/* What was acknowledged is there, whole; what is there is whole. */
static void
check_after(int acknowledged, int *next)
{
	char want[40], one[16];

	open_store();
	ck_assert_int_eq(store_health(store), BH_OK);
	int n = (int)strtol(ask("SELECT count(*) FROM shop_item"), NULL, 10);
	snprintf(one, sizeof(one), "%d", n);
	ck_assert_int_ge(n, acknowledged);
	snprintf(want, sizeof(want), "%d %d", n, n - 1);
	ck_assert_str_eq(ask("SELECT count(*), COALESCE(max(n), -1)"
	    " FROM shop_item"), want);
	ck_assert_str_eq(ask("SELECT count(*) FROM bh_audit"), one);
	ck_assert_str_eq(ask("SELECT count(*) FROM bh_job"), one);
	ck_assert_str_eq(ask("SELECT count(*) FROM bh_outbox"), one);
	ck_assert_uint_eq(store_jobs_count(store), (size_t)n);
	store_close(&store);
	ck_assert_int_eq(audit_verify(path, stderr), BH_OK);
	*next = n;
}

/* Runs the child until it dies or, with `us` above 0, kills it then;
 * returns the number it acknowledged last + 1, or `first`. */
static int
run_child(int first, int us, int *status)
{
	int fds[2], n = first;
	int32_t got;
	char number[16], fd[16];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(fcntl(fds[0], F_SETFD, FD_CLOEXEC), 0);
	snprintf(number, sizeof(number), "%d", first);
	snprintf(fd, sizeof(fd), "%d", fds[1]);
	fflush(NULL);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execl("/proc/self/exe", "test-store-disk", "child", path,
		    number, fd, (char *)NULL);
		_exit(4);
	}
	close(fds[1]);
	if (us > 0) {
		/* From its first sign of life on. */
		if (read(fds[0], &got, sizeof(got)) == (ssize_t)sizeof(got))
			n = got + 1;
		usleep((useconds_t)us);
		kill(pid, SIGKILL);
	}
	while (read(fds[0], &got, sizeof(got)) == (ssize_t)sizeof(got)) {
		ck_assert_int_eq(got, n);	/* in order, none left out */
		n = got + 1;
	}
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, status, 0), pid);
	return n;
}

START_TEST(killed_at_any_time)
{
	int next = 0, status, killed = 0;

	make_shop();
	store_close(&store);
	loop_free(&loop);
	for (int i = 0; i < 12; i++) {
		int n = run_child(next, 200 + i * 1700, &status);

		killed += WIFSIGNALED(status) != 0;
		loop = loop_new();
		check_after(n, &next);
		loop_free(&loop);
	}
	ck_assert_int_gt(killed, 3);
	loop = loop_new();
}
END_TEST

#ifdef BH_FAILPOINTS
START_TEST(killed_at_each_point)
{
	static const char *const points[] = { "store.before-begin",
	    "store.before-commit", "store.after-commit",
	    "store.before-callback" };
	int next = 0, status;
	char text[64];

	make_shop();
	store_close(&store);
	loop_free(&loop);
	for (int i = 0; i < 12; i++) {
		snprintf(text, sizeof(text), "%s:%d", points[i % 4],
		    1 + i * 2);
		setenv("BELLHOP_FAILPOINT", text, 1);
		int n = run_child(next, 0, &status);
		unsetenv("BELLHOP_FAILPOINT");
		ck_assert_msg(WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGKILL, "%s did not kill: status %x",
		    text, (unsigned)status);
		loop = loop_new();
		check_after(n, &next);
		loop_free(&loop);
	}
	loop = loop_new();
}
END_TEST
#endif

/* ------------------------------------------------------------------ */
/* A full disk                                                         */

static struct bh_tx *
big(const char *name, size_t size, bool urgent)
{
	struct bh_tx *tx = store_tx(store, "shop/main");
	char *text = xcalloc(1, size + 1);

	memset(text, 'x', size);
	store_tx_sql(tx, 1, "INSERT INTO shop_text (name, body)"
	    " VALUES ($1, $2)", BH_PARAMS(bh_s(name), bh_s(text)));
	store_tx_audit(tx, "big", "ada", NULL);
	if (urgent)
		store_tx_urgent(tx);
	free(text);
	return tx;
}

static void
make_texts(void)
{
	const char *error = "";

	ck_assert_int_eq(store_migrate(store, "shop", (const char *const[]){
	    shop[0], "CREATE TABLE shop_text (name TEXT PRIMARY KEY,"
	    " body TEXT)", NULL }, &error), BH_OK);
}

static bool
healthy(void *arg)
{
	(void)arg;
	return store_health(store) == BH_OK;
}

/* Fills the store until it refuses; how many went in. */
static int
fill_up(void)
{
	char name[16];
	int n = 0;

	for (; n < 5000; n++) {
		snprintf(name, sizeof(name), "f%d", n);
		int result = commit(big(name, 3000, false));
		if (result != BH_OK) {
			ck_assert_int_eq(result, BH_EFULL);
			break;
		}
	}
	ck_assert_int_lt(n, 5000);
	return n;
}

/* Root gets a small disk of its own, that only this process sees. */
static bool
small_disk(void)
{
	char name[120];

	store_close(&store);
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=1536k") != 0)
		return false;
	open_store();
	snprintf(name, sizeof(name), "%s.reserve", path);
	ck_assert_int_eq(access(name, F_OK), 0);
	return true;
}

START_TEST(full_disk)
{
	char name[120];
	struct stat st;

	if (!small_disk()) {
		printf("store: no small disk to be had, left out\n");
		open_store();
		return;
	}
	make_texts();
	int n = fill_up();
	ck_assert_int_eq(store_health(store), BH_EFULL);
	ck_assert_ptr_nonnull(strstr(store_trouble(store), "free some space"));
	/* Refused, also small ones, also beside urgent ones in one group. */
	int small = 99, urgent[8], again = 99;
	store_commit(put_item("small", 1), keep_result, &small);
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		struct bh_tx *tx = put_item(name, i);
		store_tx_urgent(tx);
		store_tx_audit(tx, "access.revoked", "ada", NULL);
		store_commit(tx, keep_result, &urgent[i]);
	}
	store_commit(put_item("again", 1), keep_result, &again);
	store_flush(store);
	ck_assert_int_eq(small, BH_EFULL);
	ck_assert_int_eq(again, BH_EFULL);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(urgent[i], BH_OK);
	ck_assert_int_eq(store_health(store), BH_EFULL);
	/* One that does not fit even so takes no other along. */
	int huge = 99;
	store_commit(big("huge", 3000000, true), keep_result, &huge);
	ck_assert_int_eq(commit(({ struct bh_tx *tx = put_item("u9", 9);
	    store_tx_urgent(tx); tx; })), BH_OK);
	ck_assert_int_eq(huge, BH_EFULL);
	ck_assert_str_eq(ask("SELECT count(*) FROM shop_item"), "9");
	/* Space comes back: noticed without being told. */
	ck_assert_int_eq(mount("tmpfs", dir, "tmpfs", MS_REMOUNT,
	    "size=16m"), 0);
	ck_assert(loop_settle(loop, healthy, NULL, 5000));
	snprintf(name, sizeof(name), "%s.reserve", path);
	ck_assert_int_eq(stat(name, &st), 0);
	ck_assert_int_eq(st.st_size, 65536);
	ck_assert_int_eq(commit(put_item("small", 1)), BH_OK);
	ck_assert_int_eq(audit_verify(path, stderr), BH_OK);
	reopen();
	ck_assert_int_eq((int)strtol(ask("SELECT count(*) FROM shop_text"),
	    NULL, 10), n);
	store_close(&store);
	umount2(dir, MNT_DETACH);
	open_store();
}
END_TEST

START_TEST(limit_of_size)
{
	struct rlimit before, tight;

	make_texts();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 600000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
	fill_up();
	ck_assert_int_eq(store_health(store), BH_EFULL);
	ck_assert_int_eq(commit(put_item("small", 1)), BH_EFULL);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert(loop_settle(loop, healthy, NULL, 5000));
	ck_assert_int_eq(commit(put_item("small", 1)), BH_OK);
	ck_assert_int_eq(audit_verify(path, stderr), BH_OK);
}
END_TEST

/* ------------------------------------------------------------------ */
/* fsync                                                               */

START_TEST(sync_fails)
{
	make_shop();
	ck_assert_int_eq(commit(put_item("before", 1)), BH_OK);
	fail_syncs = 1;
	ck_assert_int_eq(commit(put_item("lost", 1)), BH_EIO);
	ck_assert_int_eq(fail_syncs, 0);
	ck_assert_int_eq(store_health(store), BH_EIO);
	/* The next fsync would say "fine"; nobody believes it. */
	ck_assert_int_eq(commit(put_item("refused", 1)), BH_EIO);
	struct bh_tx *tx = put_item("urgent", 1);
	store_tx_urgent(tx);
	ck_assert_int_eq(commit(tx), BH_OK);
	ck_assert_int_eq(store_health(store), BH_EIO);
	reopen();
	ck_assert_int_eq(store_health(store), BH_OK);
	ck_assert_str_eq(ask("SELECT name FROM shop_item ORDER BY name"),
	    "before urgent");
	ck_assert_int_eq(commit(put_item("after", 1)), BH_OK);
}
END_TEST

/* The fsync of a checkpoint counts too: what it moved is not believed, and
 * the WAL stays, to be moved again when the file is opened anew. */
START_TEST(checkpoint_sync_fails)
{
	char name[120];
	struct stat st;

	make_texts();
	fail_database = true;
	/* Over 8,000 pages: a checkpoint follows.  The commit itself holds. */
	ck_assert_int_eq(commit(big("a", 36000000, false)), BH_OK);
	ck_assert_str_eq(ask("SELECT name FROM shop_text"), "a");
	ck_assert_int_eq(store_health(store), BH_EIO);
	ck_assert_int_eq(commit(big("b", 10, false)), BH_EIO);
	ck_assert_int_eq(commit(big("c", 10, true)), BH_OK);
	fail_database = false;
	store_close(&store);
	snprintf(name, sizeof(name), "%s-wal", path);
	ck_assert_int_eq(stat(name, &st), 0);
	ck_assert_int_gt(st.st_size, 36000000);
	open_store();
	ck_assert_int_eq(store_health(store), BH_OK);
	ck_assert_str_eq(ask("SELECT name FROM shop_text ORDER BY name"),
	    "a c");
	ck_assert_int_eq(commit(big("d", 36000000, false)), BH_OK);
	ck_assert_int_eq(store_health(store), BH_OK);
}
END_TEST

static TCase *
cases(void)
{
	TCase *t = tcase_create("disk");

	tcase_add_test(t, killed_at_any_time);
#ifdef BH_FAILPOINTS
	tcase_add_test(t, killed_at_each_point);
#endif
	tcase_add_test(t, full_disk);
	tcase_add_test(t, limit_of_size);
	tcase_add_test(t, sync_fails);
	tcase_add_test(t, checkpoint_sync_fails);
	return t;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "child") == 0)
		return child(argv);
	return run_cases("store-disk", cases, setup, teardown);
}
