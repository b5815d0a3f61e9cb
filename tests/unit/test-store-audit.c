/* test-store-audit.c - the audit chain: written, verified, tampered with.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/store-common.h"

#include <sqlite3.h>

#include "host/base/ids.h"

static int
row(const char *action, const char *actor, const char *name, const char *value)
{
	struct bh_tx *tx = store_tx(store, "shop/main");

	store_tx_audit(tx, action, actor, (const struct bh_pair[]){
	    { name, value }, { NULL, NULL } });
	return commit(tx);
}

static void
rows(int n)
{
	char text[16];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ck_assert_int_eq(row("access.granted", "ada", "n", text),
		    BH_OK);
	}
}

static void
spoil(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK,
	    "%s: %s", sql, why);
	sqlite3_close(db);
}

static char said[100000];

static int
verify(void)
{
	FILE *f = fmemopen(said, sizeof(said), "w");
	int result = audit_verify(url, f);

	fclose(f);
	return result;
}

static const char *
shown(const struct audit_filter *filter)
{
	FILE *f = fmemopen(said, sizeof(said), "w");

	said[0] = '\0';
	ck_assert_int_eq(audit_print(path, filter, f), BH_OK);
	fclose(f);
	return said;
}

/* The rows are canonical, and the hashes what the description says. */
START_TEST(canonical)
{
	struct bh_tx *tx = store_tx(store, "shop/main");
	unsigned char buf[400] = { 0 };
	char hex[SHA256_HEX_SIZE], text[80];

	world_freeze(1767600000123);
	store_tx_audit(tx, "access.granted", NULL, (const struct bh_pair[]){
	    { "z", "1\n\"2\"" }, { "account", "\xff prod" }, { "b", NULL },
	    { NULL, NULL } });
	ck_assert_int_eq(commit(tx), BH_OK);
	const char *want = "{\"action\":\"access.granted\",\"actor\":null,"
	    "\"fields\":{\"account\":\"\xef\xbf\xbd prod\",\"b\":null,"
	    "\"z\":\"1\\u000a\\\"2\\\"\"},\"owner\":\"shop/main\",\"seq\":1,"
	    "\"time\":1767600000123}";
	ck_assert_str_eq(ask("SELECT body FROM bh_audit"), want);

	snprintf(text, sizeof(text), "bellhop audit 1\n%.40s",
	    ask("SELECT chain FROM bh_audit_head"));
	sha256_raw(buf, text, strlen(text));
	size_t len = strlen(want);
	buf[38] = (unsigned char)(len >> 8);
	buf[39] = (unsigned char)len;
	memcpy(buf + 40, want, len);
	sha256_hex(hex, buf, 40 + len);
	ck_assert_str_eq(ask("SELECT hash FROM bh_audit"), hex);
	ck_assert_str_eq(ask("SELECT hash FROM bh_audit_head"), hex);
}
END_TEST

START_TEST(whole)
{
	ck_assert_int_eq(verify(), BH_OK);
	ck_assert_ptr_nonnull(strstr(said, " 0 rows"));
	rows(20);
	ck_assert_int_eq(verify(), BH_OK);	/* beside the running store */
	ck_assert_ptr_nonnull(strstr(said, "whole: 20 rows"));
	reopen();
	rows(5);
	ck_assert_int_eq(verify(), BH_OK);
	ck_assert_ptr_nonnull(strstr(said, "whole: 25 rows"));
}
END_TEST

static const struct tamper { const char *sql, *says; } tampers[] = {
	{ "UPDATE bh_audit SET body = replace(body, 'ada', 'bob')"
	  " WHERE seq = 7", "row 7 was changed" },
	{ "UPDATE bh_audit SET body = body || ' ' WHERE seq = 1",
	  "row 1 was changed" },
	{ "UPDATE bh_audit SET hash = substr(hash, 2) || substr(hash, 1, 1)"
	  " WHERE seq = 9",
	  "row 9 was changed" },
	{ "DELETE FROM bh_audit WHERE seq = 5", "row 5 is missing" },
	{ "DELETE FROM bh_audit WHERE seq = 1", "row 1 is missing" },
	{ "DELETE FROM bh_audit WHERE seq > 17", "row 18 is missing" },
	{ "DELETE FROM bh_audit", "row 1 is missing" },
	{ "UPDATE bh_audit SET seq = 99 WHERE seq = 3;"
	  "UPDATE bh_audit SET seq = 3 WHERE seq = 4;"
	  "UPDATE bh_audit SET seq = 4 WHERE seq = 99", "row 3 was changed" },
	{ "INSERT INTO bh_audit VALUES (21, '{}', 'x')",
	  "row 21 was changed" },
	{ "UPDATE bh_audit_head SET seq = 19", "row 20 is past the head" },
	{ "UPDATE bh_audit_head SET hash = (SELECT hash FROM bh_audit"
	  " WHERE seq = 19)", "row 20 is not what the head says" },
	{ "UPDATE bh_audit_head SET chain = '0123'", "row 1 was changed" },
	{ "DELETE FROM bh_audit_head", "head of the audit chain is missing" },
	{ "UPDATE bh_audit_head SET hash = 'zz'", "is no hash" },
};

/* Each way to change the past is named, before and after the store goes on
 * writing (only what is urgent) on top of it. */
START_TEST(tampered)
{
	const struct tamper *t = &tampers[_i];

	rows(20);
	store_close(&store);
	spoil(t->sql);
	ck_assert_int_eq(verify(), BH_EPARSE);
	ck_assert_msg(strstr(said, t->says) != NULL, "%s -> %s", t->sql, said);
	open_store();
	ck_assert_int_eq(store_health(store), BH_EIO);
	ck_assert_ptr_nonnull(strstr(store_trouble(store), "audit chain"));
	ck_assert_int_eq(row("x", "ada", "n", "1"), BH_EIO);
	struct bh_tx *tx = store_tx(store, "shop/main");
	store_tx_urgent(tx);
	store_tx_audit(tx, "access.revoked", "ada", NULL);
	ck_assert_int_eq(commit(tx), BH_OK);
	ck_assert_int_eq(store_health(store), BH_EIO);
	reopen();
	ck_assert_int_eq(verify(), BH_EPARSE);
	ck_assert_str_eq(ask("SELECT count(*) FROM bh_audit"
	    " WHERE body LIKE '%access.revoked%'"), "1");
}
END_TEST

/* At start only the end is looked at; the whole is the tool's business. */
START_TEST(old_damage)
{
	struct bh_tx *tx = store_tx(store, "shop/main");

	for (int i = 0; i < 1500; i++)
		store_tx_audit(tx, "access.granted", "ada", NULL);
	ck_assert_int_eq(commit(tx), BH_OK);
	store_close(&store);
	spoil("DELETE FROM bh_audit WHERE seq = 400");
	open_store();
	ck_assert_int_eq(store_health(store), BH_OK);
	ck_assert_int_eq(verify(), BH_EPARSE);
	ck_assert_ptr_nonnull(strstr(said, "row 400 is missing"));
	store_close(&store);
	spoil("DELETE FROM bh_audit WHERE seq = 600");
	open_store();
	ck_assert_int_eq(store_health(store), BH_EIO);
}
END_TEST

START_TEST(show)
{
	world_freeze(1767600000000);
	row("access.granted", "ada", "account", "prod");
	world_advance(60000);
	row("access.revoked", "grace", "reason", "x\x1b[2J\nrow 2");
	world_advance(60000);
	row("vote", "ada", "id", "7QK2");
	ck_assert_str_eq(shown(NULL),
	    "1 2026-01-05T08:00:00.000Z access.granted by ada in shop/main"
	    " account=\"prod\"\n"
	    "2 2026-01-05T08:01:00.000Z access.revoked by grace in shop/main"
	    " reason=\"x[2J row 2\"\n"
	    "3 2026-01-05T08:02:00.000Z vote by ada in shop/main"
	    " id=\"7QK2\"\n");
	ck_assert_str_eq(shown(&(struct audit_filter){ .action = "access.*",
	    .tail = 1, .json = true }),
	    "{\"action\":\"access.revoked\",\"actor\":\"grace\",\"fields\":"
	    "{\"reason\":\"x\\u001b[2J\\u000arow 2\"},\"owner\":"
	    "\"shop/main\",\"seq\":2,\"time\":1767600060000}\n");
	ck_assert_int_eq(said[0], '{');
	shown(&(struct audit_filter){ .actor = "ada", .since = 1767600000001 });
	ck_assert_ptr_nonnull(strstr(said, "3 2026"));
	ck_assert_ptr_null(strstr(said, "granted"));
	shown(&(struct audit_filter){ .text = "7QK2",
	    .until = 1767600120000 });
	ck_assert_ptr_nonnull(strstr(said, "3 2026"));
	ck_assert_str_eq(shown(&(struct audit_filter){ .owner = "none" }), "");
	ck_assert_int_eq(audit_print("/nonexistent", NULL, stderr), BH_EIO);
}
END_TEST

START_TEST(verify_speed)
{
	enum { N = 100000 };
	struct bh_tx *tx = store_tx(store, "aws-sso/main");
	const struct bh_pair fields[] = { { "account", "111122223333" },
	    { "permission-set", "PowerUserAccess" }, { "id", "7QK2" },
	    { "reason", "look at the failing deployment of payments" },
	    { NULL, NULL } };

	for (int i = 0; i < N; i++)
		store_tx_audit(tx, "access.granted", "ada", fields);
	ck_assert_int_eq(commit(tx), BH_OK);
	int64_t start = world_mono();
	ck_assert_int_eq(verify(), BH_OK);
	int64_t ms = world_mono() - start;
	printf("store: %d audit rows verified in %d ms\n", N, (int)ms);
	start = world_mono();
	reopen();
	printf("store: opened with them in %d ms\n",
	    (int)(world_mono() - start));
}
END_TEST

static TCase *
cases(void)
{
	TCase *t = tcase_create("audit");

	tcase_add_test(t, canonical);
	tcase_add_test(t, whole);
	tcase_add_loop_test(t, tampered, 0,
	    (int)(sizeof(tampers) / sizeof(tampers[0])));
	tcase_add_test(t, old_damage);
	tcase_add_test(t, show);
	tcase_add_test(t, verify_speed);
	return t;
}

int
main(void)
{
	return run_cases("store-audit", cases, setup, teardown);
}
