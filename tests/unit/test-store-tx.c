/* test-store-tx.c - transactions, queries, migrations, and who may open.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/store-common.h"

#include <sqlite3.h>
#include <sys/stat.h>

START_TEST(commits_and_reads)
{
	make_shop();
	ck_assert_int_eq(commit(put_item("pear", 3)), BH_OK);
	struct bh_tx *tx = store_tx(store, "shop/main");
	store_tx_sql(tx, 1, "INSERT INTO shop_item (n, name) VALUES ($2, $1)",
	    BH_PARAMS(bh_s("plum's \"x\""), bh_i(-7)));
	store_tx_sql(tx, 2, "UPDATE shop_item SET n = n + $1 WHERE n < $2"
	    " OR $1 = 99", BH_PARAMS(bh_i(1), bh_i(100)));
	ck_assert_int_eq(commit(tx), BH_OK);
	ck_assert_str_eq(ask("SELECT name, n, NULL FROM shop_item"
	    " ORDER BY n"), "plum's \"x\" -6 - pear 4 -");
	reopen();
	ck_assert_str_eq(ask("SELECT count(*) FROM shop_item"), "2");
	ck_assert_int_eq(store_health(store), BH_OK);
	ck_assert_ptr_null(store_trouble(store));
}
END_TEST

/* One of many in a group breaks its word: it alone leaves no trace. */
START_TEST(conflict_is_alone)
{
	int results[60];

	make_shop();
	ck_assert_int_eq(commit(put_item("dup", 0)), BH_OK);
	for (int i = 0; i < 60; i++) {
		char name[16];

		snprintf(name, sizeof(name), "i%d", i);
		struct bh_tx *tx = put_item(name, i);
		store_tx_audit(tx, "made", "ada", NULL);
		store_tx_job(tx, "job", name, 1);
		if (i % 3 == 1)		/* no such row */
			store_tx_sql(tx, 1, "UPDATE shop_item SET n = 0"
			    " WHERE name = $1", BH_PARAMS(bh_s("nobody")));
		if (i % 3 == 2)		/* breaks the key */
			store_tx_sql(tx, 1, "INSERT INTO shop_item"
			    " (name, n) VALUES ('dup', 1)", NULL);
		results[i] = 99;
		store_commit(tx, keep_result, &results[i]);
	}
	store_flush(store);
	for (int i = 0; i < 60; i++)
		ck_assert_int_eq(results[i], i % 3 == 0 ? BH_OK
		    : BH_ECONFLICT);
	ck_assert_str_eq(ask("SELECT count(*), max(n) FROM shop_item"),
	    "21 57");
	ck_assert_str_eq(ask("SELECT count(*), max(seq) FROM bh_audit"),
	    "20 20");
	ck_assert_uint_eq(store_jobs_count(store), 20);
	ck_assert_int_eq(audit_verify(path, stderr), BH_OK);
}
END_TEST

struct order {
	int next, failed;
};
struct turn {
	struct order *order;
	int number, count;
};

static void
in_turn(void *arg, int result)
{
	struct turn *t = arg;

	t->order->failed += result != BH_OK || t->order->next++ != t->number;
}

static void
rows_in_turn(void *arg, int result, const struct bh_rows *rows)
{
	struct turn *t = arg;

	t->order->failed += result != BH_OK ||
	    t->order->next++ != t->number ||
	    bh_cell_int(rows, 0, 0) != t->count;
}

static bool
all_turned(void *arg)
{
	return ((struct order *)arg)->next == 200;
}

/* Commits and queries, alternately: callbacks in the order of the calls, on
 * the loop, and each query sees exactly what was committed before it. */
START_TEST(queue_order)
{
	struct order order = { 0, 0 };
	static struct turn turns[200];

	make_shop();
	for (int i = 0; i < 200; i++) {
		char name[16];

		turns[i] = (struct turn){ &order, i, i / 2 + 1 };
		snprintf(name, sizeof(name), "t%d", i);
		if (i % 2 == 0)
			store_commit(put_item(name, i), in_turn, &turns[i]);
		else
			store_query(store, "shop/main",
			    "SELECT count(*) FROM shop_item", NULL,
			    rows_in_turn, &turns[i]);
	}
	ck_assert_int_eq(order.next, 0);	/* never inside the call */
	ck_assert(loop_settle(loop, all_turned, &order, 20000));
	ck_assert_int_eq(order.failed, 0);
}
END_TEST

/* Virtual time must wait for the disk. */
START_TEST(holds_time)
{
	int result = 99;

	make_shop();
	world_freeze(1000000);
	store_commit(put_item("a", 1), keep_result, &result);
	loop_settle(loop, NULL, NULL, 5);
	ck_assert_int_eq(result, BH_OK);
	ck_assert_int_eq(world_now(), 1000005);
}
END_TEST

START_TEST(wrong_statements)
{
	struct bh_tx *tx = store_tx(store, "shop/main");

	make_shop();
	store_tx_sql(tx, BH_ANY, "INSERT INTO nowhere VALUES (1)", NULL);
	ck_assert_int_eq(commit(tx), BH_EINVAL);
	ck_assert_ptr_nonnull(strstr(logged, "nowhere"));
	tx = store_tx(store, "shop/main");
	store_tx_sql(tx, BH_ANY, "DELETE FROM shop_item WHERE n = $2",
	    BH_PARAMS(bh_i(1)));
	ck_assert_int_eq(commit(tx), BH_EINVAL);
	tx = store_tx(store, "shop/main");
	store_tx_sql(tx, BH_ANY, "DELETE FROM shop_item; DELETE FROM x", NULL);
	ck_assert_int_eq(commit(tx), BH_EINVAL);
	tx = store_tx(store, "shop/main");
	store_tx_audit(tx, "twice", "ada", (const struct bh_pair[]){
	    { "a", "1" }, { "a", "2" }, { NULL, NULL } });
	ck_assert_int_eq(commit(tx), BH_EINVAL);
	ck_assert_str_eq(ask("DELETE FROM shop_item"), "error -1");
	ck_assert_int_eq(commit(put_item("fine", 1)), BH_OK);
	ck_assert_int_eq(store_health(store), BH_OK);
	store_tx_drop(put_item("dropped", 1));
	store_tx_drop(NULL);
}
END_TEST

/* A plugin's slip does not reach what is not its own. */
START_TEST(only_own_tables)
{
	static const char *const bad[] = {
		"DELETE FROM bh_audit",
		"UPDATE bh_job SET due = 0",
		("DELETE FROM shop_item WHERE name IN (SELECT key FROM"
		" bh_outbox)"),
		"CREATE TABLE shop_more (a TEXT)",
		"ATTACH 'x' AS y",
		"PRAGMA synchronous = OFF",
		"COMMIT",
	};

	make_shop();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bh_tx *tx = store_tx(store, "shop/main");

		store_tx_sql(tx, BH_ANY, bad[i], NULL);
		ck_assert_msg(commit(tx) == BH_EINVAL, "%s", bad[i]);
	}
	store_query(store, "shop/main", "SELECT body FROM bh_audit", NULL,
	    keep_rows, NULL);
	store_flush(store);
	ck_assert_str_eq(answer, "error -1");
	/* The same text by somebody else is not taken from the cache. */
	ck_assert_str_eq(ask("SELECT n FROM shop_item"), "none");
	store_query(store, "other/main", "SELECT n FROM shop_item", NULL,
	    keep_rows, NULL);
	store_flush(store);
	ck_assert_str_eq(answer, "error -1");
	const char *error = "";
	ck_assert_int_eq(store_migrate(store, "evil", (const char *const[]){
	    "DROP TABLE bh_audit", NULL }, &error), BH_EINVAL);
}
END_TEST

START_TEST(migrations)
{
	static const char *const two[] = {
		"CREATE TABLE shop_item (name TEXT PRIMARY KEY, n BIGINT"
		" NOT NULL)",
		"ALTER TABLE shop_item ADD COLUMN price BIGINT NOT NULL"
		" DEFAULT 5; UPDATE shop_item SET price = n",
		NULL
	};
	const char *const broken[] = {
		two[0], two[1],
		"CREATE TABLE shop_more (a TEXT); INSERT INTO nonsense",
		NULL
	};
	const char *error = "";

	make_shop();
	ck_assert_int_eq(commit(put_item("a", 8)), BH_OK);
	ck_assert_int_eq(store_migrate(store, "shop", two, &error), BH_OK);
	ck_assert_int_eq(store_migrate(store, "shop", two, &error), BH_OK);
	ck_assert_str_eq(ask("SELECT price FROM shop_item"), "8");
	/* A step that fails leaves nothing of itself. */
	ck_assert_int_eq(store_migrate(store, "shop", broken, &error),
	    BH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "to version 3"));
	ck_assert_str_eq(ask("SELECT version FROM bh_version"
	    " WHERE name = 'shop'"), "2");
	ck_assert_str_eq(ask("SELECT count(*) FROM sqlite_master"
	    " WHERE name = 'shop_more'"), "0");
	/* And an older program says what to do. */
	ck_assert_int_eq(store_migrate(store, "shop", shop, &error),
	    BH_EUNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(error, "newer version"));
}
END_TEST

static void
spoil(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

START_TEST(refuses_what_is_not_its_own)
{
	const char *error = "";
	struct store *second = NULL;

	ck_assert_int_eq(store_open(loop, url, &second, &error), BH_EBUSY);
	ck_assert_ptr_nonnull(strstr(error, "another bellhop"));
	ck_assert_ptr_null(second);
	store_close(&store);

	spoil("UPDATE bh_version SET version = 99 WHERE name = 'host'");
	ck_assert_int_eq(try_open(&error), BH_EUNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(error, "version 99"));

	spoil("PRAGMA application_id = 77");
	ck_assert_int_eq(try_open(&error), BH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "another program"));

	FILE *f = fopen(path, "w");
	for (int i = 0; i < 500; i++)
		fputs("this is no database\n", f);
	fclose(f);
	ck_assert_int_eq(try_open(&error), BH_EIO);

	unlink(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(try_open(&error), BH_EIO);
	ck_assert_ptr_nonnull(strstr(error, "symbolic link"));

	unlink(path);
	ck_assert_int_eq(store_open(loop, "sqlite:/nonexistent-dir/x.db",
	    &store, &error), BH_ENOENT);
	ck_assert_int_eq(store_open(loop, "mysql://x", &store, &error),
	    BH_EUNSUPPORTED);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(files_are_private)
{
	static const char *const tails[] = { "", "-wal", "-shm", ".lock",
	    ".reserve" };
	struct stat st;
	char name[120];

	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s%s", path, tails[i]);
		ck_assert_msg(stat(name, &st) == 0, "%s", name);
		ck_assert_uint_eq(st.st_mode & 077, 0);
	}
	store_close(&store);
	ck_assert_int_eq(chmod(path, 0644), 0);
	open_store();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(in_memory)
{
	const char *error = "";

	store_close(&store);
	ck_assert_int_eq(store_open(loop, "sqlite::memory:", &store, &error),
	    BH_OK);
	make_shop();
	ck_assert_int_eq(commit(put_item("a", 1)), BH_OK);
	ck_assert_str_eq(ask("SELECT n FROM shop_item"), "1");
}
END_TEST

START_TEST(clock_mark)
{
	make_shop();
	world_freeze(5000000);
	ck_assert_int_eq(commit(put_item("a", 1)), BH_OK);
	ck_assert_int_eq(store_clock_behind(store), 0);
	store_close(&store);
	world_freeze(2000000);
	open_store();
	ck_assert_int_eq(store_clock_behind(store), 3000000);
	ck_assert_int_eq(commit(put_item("b", 1)), BH_OK);
	ck_assert_int_eq(store_clock_behind(store), 3000000);
	world_advance(4000000);
	ck_assert_int_eq(store_clock_behind(store), 0);
}
END_TEST

static void
commit_again(void *arg, int result)
{
	int *count = arg;

	if (++*count < 3 && result == BH_OK)
		store_commit(put_item(*count == 1 ? "x" : "y", 1),
		    commit_again, count);
}

/* What was queued is done before a close is; each callback runs once. */
START_TEST(close_finishes)
{
	int count = 0;

	make_shop();
	store_commit(put_item("w", 1), commit_again, &count);
	store_close(&store);
	ck_assert_int_eq(count, 3);
	loop_settle(loop, NULL, NULL, 0);
	open_store();
	ck_assert_str_eq(ask("SELECT count(*) FROM shop_item"), "3");
}
END_TEST

START_TEST(many_a_second)
{
	enum { N = 20000 };
	int result = 0;

	make_shop();
	int64_t start = world_mono();
	for (int i = 0; i < N; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m%d", i);
		store_commit(put_item(name, i), keep_result, &result);
	}
	store_flush(store);
	int64_t ms = world_mono() - start;
	ck_assert_int_eq(result, BH_OK);
	char text[16];
	snprintf(text, sizeof(text), "%d", N);
	ck_assert_str_eq(ask("SELECT count(*) FROM shop_item"), text);
	printf("store: %d transactions in %d ms\n", N, (int)ms);
}
END_TEST

static TCase *
cases(void)
{
	TCase *t = tcase_create("tx");

	tcase_add_test(t, commits_and_reads);
	tcase_add_test(t, conflict_is_alone);
	tcase_add_test(t, queue_order);
	tcase_add_test(t, holds_time);
	tcase_add_test(t, wrong_statements);
	tcase_add_test(t, only_own_tables);
	tcase_add_test(t, migrations);
	tcase_add_test(t, refuses_what_is_not_its_own);
	tcase_add_test(t, files_are_private);
	tcase_add_test(t, in_memory);
	tcase_add_test(t, clock_mark);
	tcase_add_test(t, close_finishes);
	tcase_add_test(t, many_a_second);
	return t;
}

int
main(void)
{
	return run_cases("store-tx", cases, setup, teardown);
}
