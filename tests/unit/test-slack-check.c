/* test-slack-check.c - settings of Slack, good and bad.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/slack/slack.h"
#include "tests/unit/fake-host.h"

extern const struct bh_plugin bellhop_plugin;

static struct bh_buf said = BH_BUF(65536);
static const struct bh_value *settings;

static const struct bh_value *
fake_settings(struct bh_check *check)
{
	(void)check;
	return settings;
}

static void BH_PRINTF(3, 4)
fake_complain(struct bh_check *check, const struct bh_value *at,
    const char *fmt, ...)
{
	va_list ap;

	(void)check;
	(void)at;
	va_start(ap, fmt);
	bh_buf_vadd(&said, fmt, ap);
	va_end(ap);
	bh_buf_puts(&said, "\n");
}

/* What check() says about a block, written as JSON. */
static const char *
complaints(const char *json)
{
	static const struct bh_api api = { .size = sizeof(api),
		.check_settings = fake_settings, .complain = fake_complain };
	struct bh_check check = { &api };
	const char *error = NULL;
	struct bh_value *v = json_parse(json, strlen(json), &error);

	ck_assert_msg(v != NULL, "%s: %s", error, json);
	bh_buf_clear(&said);
	settings = v;
	bellhop_plugin.check(&check);
	value_free(v);
	return bh_buf_text(&said);
}

START_TEST(good_blocks_pass)
{
	static const char *const good[] = { "{\"plugin\":\"slack\"}",
		"{\"mode\":\"socket\",\"connections\":10,\"commands\":"
		"[\"elevate\",\"aws_now\",\"b-2\"]}",
		"{\"mode\":\"http\",\"path\":\"/slack/acme-1\","
		"\"connections\":2,\"api-url\":\"https://slack-gov.com/api/\","
		"\"response-hosts\":[\"hooks.slack-gov.com\","
		"\"http://127.0.0.1:3001\"],\"workspaces\":[\"T0123ABCD\","
		"\"E0123ABCD\"]}",
		"{\"api-url\":\"http://127.0.0.1:3000/api\"}",
		"{\"api-url\":\"http://[::1]:3000/api/\"}",
		"{\"api-url\":\"http://localhost/api/\"}" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_str_eq(complaints(good[i]), "");
}
END_TEST

START_TEST(bad_values_are_named)
{
	static const struct { const char *json, *about; } bad[] = {
		{ "{\"mode\":\"rtm\"}", "socket or http" },
		{ "{\"connections\":1}", "from 2 to 10" },
		{ "{\"connections\":11}", "from 2 to 10" },
		{ "{\"connections\":100}", "from 2 to 10" },
		{ "{\"connections\":2.5}", "from 2 to 10" },
		{ "{\"path\":\"slack\"}", "begins with a slash" },
		{ "{\"path\":\"/slack/*\"}", "stars" },
		{ "{\"api-url\":\"http://slack.com/api/\"}", "https://" },
		{ "{\"api-url\":\"http://127.0.0.1.evil.example/\"}",
		  "https://" },
		{ "{\"api-url\":\"http://localhost.evil.example/\"}",
		  "https://" },
		{ "{\"api-url\":\"https:///api\"}", "https://" },
		{ "{\"api-url\":\"slack.com\"}", "https://" },
		{ "{\"commands\":[\"/elevate\"]}", "without their slash" },
		{ "{\"commands\":[\"elevate\",\"Elevate\"]}", "small" },
		{ "{\"commands\":[\"\"]}", "small letters" },
		{ "{\"workspaces\":[\"acme\"]}", "T0123ABCD" },
		{ "{\"workspaces\":[\"C0123ABCD\"]}", "T0123ABCD" },
		{ "{\"response-hosts\":[\"http://hooks.slack.com\"]}",
		  "names of hosts" },
		{ "{\"response-hosts\":[\"*.slack.com\"]}", "names" },
		{ "{\"response-hosts\":[\"a@hooks.slack.com\"]}", "names" },
		{ "{\"response-hosts\":[\"\"]}", "names of hosts" } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(strstr(complaints(bad[i].json), bad[i].about) !=
		    NULL, "%s: %s", bad[i].json, complaints(bad[i].json));
}
END_TEST

/* Key, value ... NULL; the log after it did not open. */
static void
opens_not(const char *const *config, const char *about)
{
	struct fake *fake = fake_new();
	void *state = NULL;

	for (size_t i = 0; config[i] != NULL; i++)
		fake->config[i] = config[i];
	ck_assert_int_eq(bellhop_plugin.open(&fake->host, &state), BH_EINVAL);
	ck_assert_ptr_null(state);
	ck_assert_msg(strstr(fake->log, about) != NULL, "%s", fake->log);
	fake_free(&fake);
}

#define WITH(...) (const char *const[]){ "api-url", \
	"https://slack.example/api/", __VA_ARGS__, NULL }

START_TEST(what_is_missing_is_said_at_start)
{
	opens_not(WITH("mode", "socket"), "bot-token is missing");
	opens_not(WITH("bot-token", ""), "bot-token is missing");
	opens_not(WITH("bot-token", "xoxb-1"), "app-token is missing");
	opens_not(WITH("bot-token", "xoxb-1", "app-token", ""),
	    "app-token is missing");
	opens_not(WITH("mode", "http", "bot-token", "xoxb-1", "app-token",
	    "xapp-1"), "signing-secret is missing or empty");
	/* With an empty one, anybody could sign. */
	opens_not(WITH("mode", "http", "bot-token", "xoxb-1",
	    "signing-secret", ""), "signing-secret is missing or empty");
	opens_not(WITH("refresh-token", "xoxe-1", "app-token", "xapp-1"),
	    "client-id and client-secret");
	opens_not((const char *const[]){ "bot-token", "xoxb-1", "app-token",
	    "xapp-1", "api-url", "http://slack.example/", NULL },
	    "not encrypted");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { good_blocks_pass, bad_values_are_named,
		what_is_missing_is_said_at_start };
	Suite *suite = suite_create("slack-check");
	TCase *tc = tcase_create("settings");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	bh_buf_release(&said);
	return failed == 0 ? 0 : 1;
}
