/* test-teams-check.c - mistakes in the settings, said before anything runs.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/value.h"
#include "tests/unit/teams-world.h"

struct check {
	struct bh_check public;		/* first */
	const struct bh_value *settings;
	const char *team;
	struct bh_buf said;
	size_t count;
};

static struct check *
check_of(struct bh_check *public)
{
	return (struct check *)(void *)public;
}

static const char *
api_check_team(struct bh_check *c)
{
	return check_of(c)->team;
}

static const struct bh_value *
api_check_settings(struct bh_check *c)
{
	return check_of(c)->settings;
}

static void BH_PRINTF(3, 4)
api_complain(struct bh_check *public, const struct bh_value *at,
    const char *fmt, ...)
{
	struct check *c = check_of(public);
	va_list ap;

	ck_assert_ptr_nonnull(at);
	va_start(ap, fmt);
	bh_buf_vadd(&c->said, fmt, ap);
	va_end(ap);
	bh_buf_puts(&c->said, "\n");
	c->count++;
}

/* How many complaints, and whether one says this. */
static size_t
complaints(const char *team, const char *json, const char *text)
{
	static const struct bh_api api = { .check_team = api_check_team,
	    .check_settings = api_check_settings, .complain = api_complain };
	struct check c = { .public = { &api }, .team = team,
	    .said = BH_BUF(1u << 16) };
	const char *error = NULL;
	struct bh_value *v = json_parse(json, strlen(json), &error);

	ck_assert_msg(v != NULL, "%s: %s", json, error);
	c.settings = v;
	bellhop_plugin.check(&c.public);
	ck_assert_msg(text == NULL || strstr(bh_buf_text(&c.said), text) !=
	    NULL, "%s: %s", json, bh_buf_text(&c.said));
	bh_buf_release(&c.said);
	value_free(v);
	return c.count;
}

#define IDS	"\"app-id\":\"" APP "\",\"tenant\":\"" TENANT "\""
#define PROOF	",\"secret\":\"env:X\""

START_TEST(good_settings)
{
	static const char *const rows[] = {
		"{" IDS PROOF "}",
		"{" IDS ",\"certificate\":\"file:x\",\"key\":\"file:y\"}",
		"{" IDS ",\"managed-identity\":\"" APP "\"}",
		"{" IDS ",\"federated-token-file\":\"/var/run/token\"}",
		"{" IDS ",\"emulator\":true}",
		"{\"app-id\":\"" APP "\",\"tenant\":\"botframework.com\","
		    "\"tenants\":[\"" TENANT "\"]" PROOF "}",
		"{" IDS PROOF ",\"login-url\":\"https://login.microsoftonline"
		    ".us\",\"metadata-url\":\"https://login.botframework."
		    "azure.us/v1/.well-known/openidconfiguration\","
		    "\"issuer\":\"https://api.botframework.us\",\"scope\":"
		    "\"https://api.botframework.us/.default\","
		    "\"service-hosts\":[\"*.teams.microsoft.us\"]}",
		"{" IDS PROOF ",\"login-url\":\"http://127.0.0.1:4000\","
		    "\"metadata-url\":\"http://localhost:4000/v1/.well-known/"
		    "x\",\"service-hosts\":[\"http://127.0.0.1:4001\","
		    "\"http://[::1]:4001\"]}",
		"{" IDS PROOF ",\"path\":\"/teams\",\"email\":\"graph\","
		    "\"commands\":[\"elevate\",\"my-access\"]}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(complaints("", rows[i], NULL) == 0, "%s",
		    rows[i]);
}
END_TEST

START_TEST(mistakes)
{
	static const struct { const char *settings, *said; } rows[] = {
		{ "{\"app-id\":\"bellhop\",\"tenant\":\"" TENANT "\"" PROOF
		    "}", "application (client) id" },
		{ "{\"app-id\":\"" APP "0\",\"tenant\":\"" TENANT "\"" PROOF
		    "}", "application (client) id" },
		{ "{\"app-id\":\"" APP "\",\"tenant\":\"acme.example\"" PROOF
		    "}", "directory (tenant) id" },
		{ "{\"app-id\":\"" APP "\",\"tenant\":\"botframework.com\""
		    PROOF "}", "name yours under `tenants`" },
		{ "{" IDS PROOF ",\"tenants\":[]}", "tenants is empty" },
		{ "{" IDS PROOF ",\"tenants\":[\"acme\"]}", "\"acme\" is none" },
		{ "{" IDS "}", "nothing says how" },
		{ "{" IDS ",\"emulator\":false}", "nothing says how" },
		{ "{" IDS PROOF ",\"certificate\":\"file:x\"}",
		    "certificate beside secret" },
		{ "{" IDS PROOF ",\"key\":\"file:x\"}", "set certificate too" },
		{ "{" IDS PROOF ",\"login-url\":\"http://login.microsoftonline"
		    ".com\"}", "login-url must be an https URL" },
		{ "{" IDS PROOF ",\"metadata-url\":\"https://a@b/\"}",
		    "metadata-url must be an https URL" },
		{ "{" IDS PROOF ",\"metadata-url\":\"http://127.0.0.1.evil."
		    "example/\"}", "metadata-url must be an https URL" },
		{ "{" IDS PROOF ",\"graph-url\":\"graph\"}", "graph-url must" },
		{ "{" IDS PROOF ",\"issuer\":\"api.botframework.com\"}",
		    "issuer must" },
		{ "{" IDS PROOF ",\"scope\":\"https://api.botframework.com\"}",
		    "ends in /.default" },
		{ "{" IDS PROOF ",\"service-hosts\":[]}",
		    "service-hosts is empty" },
		{ "{" IDS PROOF ",\"path\":\"api\"}", "path is where" },
		{ "{" IDS PROOF ",\"path\":\"/api/*\"}", "path is where" },
		{ "{" IDS PROOF ",\"email\":\"mail\"}", "roster or graph" },
		{ "{" IDS PROOF ",\"commands\":[\"!elevate\"]}",
		    "without a prefix" },
		{ "{" IDS PROOF ",\"commands\":[\"a\",\"b\",\"c\",\"d\",\"e\","
		    "\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"]}", "10 commands" },
	};
	static const char *const hosts[] = {
		"*", "*.com", "com", "localhost", "https://smba.botframework",
		"smba.trafficmanager.net/", "smba..net", "SMBA.net",
		"10.0.0.1", "*.0.0.1", ".net", "smba.net.", "http://10.0.0.1",
		"http://127.0.0.1:80/x", "http://127.0.0.1.evil.example", "",
		"smba.trafficmanager.net:443", "*.*.net",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(complaints("", rows[i].settings, rows[i].said) ==
		    1, "%s", rows[i].settings);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		BH_AUTO_FREE char *text = xasprintf("{" IDS PROOF
		    ",\"service-hosts\":[\"%s\"]}", hosts[i]);

		ck_assert_msg(complaints("", text, "service-hosts are names")
		    == 1, "%s", hosts[i]);
	}
	/* A team's file is none of our business. */
	ck_assert_uint_eq(complaints("payments", "{}", NULL), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("teams-check");
	TCase *tc = tcase_create("check");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_test(tc, good_settings);
	tcase_add_test(tc, mistakes);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
