/* store-common.h - a store in a directory of its own, for the store's tests.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TESTS_UNIT_STORE_COMMON_H
#define TESTS_UNIT_STORE_COMMON_H

#include <check.h>
#include <dirent.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store.h"

static struct loop *loop;
static struct store *store;
static char dir[64];
static char path[96], url[112];
static char logged[2000];	/* the last lines of the log */

static inline void
keep_line(void *arg, int level, const char *line)
{
	size_t n = strlen(logged), more = strlen(line);

	(void)arg;
	(void)level;
	if (n + more + 2 > sizeof(logged))
		n = 0;
	snprintf(logged + n, sizeof(logged) - n, "%s\n", line);
	if (getenv("STORE_TEST_LOG") != NULL)
		fprintf(stderr, "%s\n", line);
}

static inline int
try_open(const char **error)
{
	struct store_options o = { .url = url, .reserve = 65536, .probe = 50 };

	return store_open_with(loop, &o, &store, error);
}

static inline void
open_store(void)
{
	const char *error = "";
	int result = try_open(&error);

	ck_assert_msg(result == BH_OK, "%d: %s", result, error);
}

static inline void
setup(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%.40s/bh-storeXXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/test.db", dir);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	logged[0] = '\0';
	log_sink(keep_line, NULL);
	loop = loop_new();
	open_store();
}

static inline void
teardown(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char name[400];

	store_close(&store);
	loop_free(&loop);
	world_thaw();
	log_sink(NULL, NULL);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
			unlink(name);
		}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

static inline void
reopen(void)
{
	store_close(&store);
	open_store();
}

static inline void
keep_result(void *arg, int result)
{
	*(int *)arg = result;
}

static inline int
commit(struct bh_tx *tx)
{
	int result = 99;

	store_commit(tx, keep_result, &result);
	store_flush(store);
	return result;
}

/* The first cell of a query, "-" for NULL, "none" without a row; all
 * further cells follow with a blank between. */
static char answer[20000];

static inline void
keep_rows(void *arg, int result, const struct bh_rows *rows)
{
	size_t n = 0;

	(void)arg;
	snprintf(answer, sizeof(answer), result == BH_OK ? "none" : "error %d",
	    result);
	for (size_t i = 0; result == BH_OK && i < rows->count * rows->columns;
	    i++)
		n += (size_t)snprintf(answer + n, sizeof(answer) - n, "%s%s",
		    i > 0 ? " " : "", rows->cells[i] != NULL ? rows->cells[i]
		    : "-");
}

static inline const char *
ask(const char *sql)
{
	store_query(store, "host", sql, NULL, keep_rows, NULL);
	store_flush(store);
	return answer;
}

static const char *const shop[] = {
	"CREATE TABLE shop_item (name TEXT PRIMARY KEY, n BIGINT NOT NULL);"
	"CREATE INDEX shop_item_n ON shop_item (n)",
	NULL
};

static inline void
make_shop(void)
{
	const char *error = "";

	ck_assert_msg(store_migrate(store, "shop", shop, &error) == BH_OK,
	    "%s", error);
}

static inline struct bh_tx *
put_item(const char *name, int64_t n)
{
	struct bh_tx *tx = store_tx(store, "shop/main");

	store_tx_sql(tx, 1, "INSERT INTO shop_item (name, n) VALUES ($1, $2)",
	    BH_PARAMS(bh_s(name), bh_i(n)));
	return tx;
}

static inline int
run_cases(const char *name, TCase *(*make)(void), void (*before)(void),
    void (*after)(void))
{
	Suite *s = suite_create(name);
	TCase *t = make();

	tcase_add_checked_fixture(t, before, after);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#endif
