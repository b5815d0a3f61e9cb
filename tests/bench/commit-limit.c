/* commit-limit.c - how fast this disk and SQLite commit audit rows at all.
 * SPDX-License-Identifier: Apache-2.0
 *
 *	commit-limit FILE ROWS GROUP
 *
 * The least that is honest: rows as the audit chain writes them, hashed, GROUP
 * in one transaction, each transaction synced.  Prints rows a second.  There
 * is no thread, no check and no callback here: the store cannot be faster.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <sqlite3.h>

static sqlite3 *db;

static void
fail(const char *what)
{
	fprintf(stderr, "commit-limit: %s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static void
run(const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(sql);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
one_row(sqlite3_stmt *insert, long seq, unsigned char hash[32],
    const EVP_MD *md)
{
	char body[512], hex[65];
	unsigned char both[32 + sizeof(body)];
	int n = snprintf(body, sizeof(body), "{\"action\":\"command\","
	    "\"actor\":\"GS42SY7W54BX\",\"fields\":{\"command\":\"hello\","
	    "\"line\":\"hello Bob\",\"of\":\"hello/hello\",\"place\":"
	    "\"acme/#payments\",\"user\":\"ada\",\"via\":\"typed\"},"
	    "\"owner\":\"chat\",\"seq\":%ld,\"time\":1767607200000}", seq);

	memcpy(both, hash, 32);
	memcpy(both + 32, body, (size_t)n);
	if (EVP_Digest(both, (size_t)n + 32, hash, NULL, md, NULL) != 1)
		abort();
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	sqlite3_bind_int64(insert, 1, seq);
	sqlite3_bind_text(insert, 2, body, n, SQLITE_STATIC);
	sqlite3_bind_text(insert, 3, hex, 64, SQLITE_STATIC);
	if (sqlite3_step(insert) != SQLITE_DONE)
		fail("insert");
	sqlite3_reset(insert);
}

int
main(int argc, char **argv)
{
	unsigned char hash[32] = { 0 };
	sqlite3_stmt *insert;
	long rows = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	long group = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	double begin;

	if (rows <= 0 || group <= 0) {
		fprintf(stderr, "usage: commit-limit FILE ROWS GROUP\n");
		return 2;
	}
	if (sqlite3_open(argv[1], &db) != SQLITE_OK)
		fail("open");
	run("PRAGMA journal_mode = WAL");
	run("PRAGMA synchronous = FULL");
	run("CREATE TABLE bh_audit (seq INTEGER PRIMARY KEY,"
	    " body TEXT NOT NULL, hash TEXT NOT NULL)");
	if (sqlite3_prepare_v2(db, "INSERT INTO bh_audit VALUES (?, ?, ?)", -1,
	    &insert, NULL) != SQLITE_OK)
		fail("prepare");
	begin = seconds();
	for (long done = 0; done < rows;) {
		run("BEGIN IMMEDIATE");
		for (long i = 0; i < group && done < rows; i++)
			one_row(insert, ++done, hash, EVP_sha256());
		run("COMMIT");
	}
	printf("%.0f\n", (double)rows / (seconds() - begin));
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return 0;
}
