/* commit-limit.c - how fast this disk and SQLite commit audit rows at all.
 * SPDX-License-Identifier: Apache-2.0
 *
 *	commit-limit FILE ROWS GROUP [kept]
 *
 * The least that is honest: rows as the audit chain writes them, hashed, GROUP
 * in one transaction, each transaction synced.  Prints rows a second.  There
 * is no thread, no check and no callback here: the store cannot be faster.
 * "kept": with each row an event goes into the duplicate filter and the
 * inbox, and leaves the inbox with the group after it.
 */

#include <errno.h>
#include <stdbool.h>
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

static sqlite3_stmt *
prepare(const char *sql)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		fail(sql);
	return s;
}

static void
step(sqlite3_stmt *s)
{
	if (sqlite3_step(s) != SQLITE_DONE)
		fail("step");
	sqlite3_reset(s);
}

/* What a network that never sends again costs besides. */
static void
keep(long seq, long group)
{
	static sqlite3_stmt *seen, *inbox, *forget;
	char id[32], event[256];

	if (seen == NULL) {
		run("CREATE TABLE bh_seen (realm TEXT NOT NULL,"
		    " event TEXT NOT NULL, at BIGINT NOT NULL,"
		    " PRIMARY KEY (realm, event)) WITHOUT ROWID;"
		    "CREATE TABLE bh_inbox (id INTEGER PRIMARY KEY,"
		    " instance TEXT NOT NULL, event TEXT NOT NULL,"
		    " at BIGINT NOT NULL, attempts INTEGER NOT NULL)");
		seen = prepare("INSERT INTO bh_seen VALUES ('acme', ?, ?)");
		inbox = prepare("INSERT INTO bh_inbox VALUES (?, 'acme', ?,"
		    " 1767607200000, 1)");
		forget = prepare("DELETE FROM bh_inbox WHERE id = ?");
	}
	snprintf(id, sizeof(id), "Ev%08lx", seq);
	snprintf(event, sizeof(event), "{\"kind\":1,\"flags\":0,\"id\":\"%s\","
	    "\"user\":\"U0012\",\"room\":\"C012AB3CD\",\"text\":\"note PAY-812 "
	    "stuck payout job\",\"fields\":[]}", id);
	sqlite3_bind_text(seen, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(seen, 2, 1767607200000 + seq);
	step(seen);
	sqlite3_bind_int64(inbox, 1, seq);
	sqlite3_bind_text(inbox, 2, event, -1, SQLITE_STATIC);
	step(inbox);
	sqlite3_bind_int64(forget, 1, seq - group);
	step(forget);
}

int
main(int argc, char **argv)
{
	unsigned char hash[32] = { 0 };
	sqlite3_stmt *insert;
	long rows = argc >= 4 ? strtol(argv[2], NULL, 10) : 0;
	long group = argc >= 4 ? strtol(argv[3], NULL, 10) : 0;
	bool kept = argc == 5 && strcmp(argv[4], "kept") == 0;
	double begin;

	if (rows <= 0 || group <= 0 || argc > 5 || (argc == 5 && !kept)) {
		fprintf(stderr, "usage: commit-limit FILE ROWS GROUP [kept]\n");
		return 2;
	}
	if (sqlite3_open(argv[1], &db) != SQLITE_OK)
		fail("open");
	run("PRAGMA journal_mode = WAL");
	run("PRAGMA synchronous = FULL");
	run("CREATE TABLE bh_audit (seq INTEGER PRIMARY KEY,"
	    " body TEXT NOT NULL, hash TEXT NOT NULL)");
	insert = prepare("INSERT INTO bh_audit VALUES (?, ?, ?)");
	begin = seconds();
	for (long done = 0; done < rows;) {
		run("BEGIN IMMEDIATE");
		for (long i = 0; i < group && done < rows; i++) {
			one_row(insert, ++done, hash, EVP_sha256());
			if (kept)
				keep(done, group);
		}
		run("COMMIT");
	}
	printf("%.0f\n", (double)rows / (seconds() - begin));
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return 0;
}
