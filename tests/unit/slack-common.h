/* slack-common.h - what the unit tests of plugins/slack share.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TESTS_UNIT_SLACK_COMMON_H
#define TESTS_UNIT_SLACK_COMMON_H

#include <check.h>

#include "plugins/slack/slack.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/slack-limits.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct fake *fake;
static struct slack *slack;

static char **
list_of(const char *a, const char *b)
{
	char **list = bh_zero(3 * sizeof(*list));

	list[0] = bh_copy(a);
	list[1] = bh_copy(b);
	return list;
}

/* An instance "main" that knows who it is. */
static void
slack_up(void)
{
	fake = fake_new();
	slack = bh_zero(sizeof(*slack));
	slack->magic = SLACK_MAGIC;
	slack->host = &fake->host;
	slack->api = bh_copy("https://slack.example/api/");
	slack->response_hosts = list_of("hooks.slack.example",
	    "http://127.0.0.1:3001");
	slack->workspaces = list_of("T0OTHER", NULL);
	slack->commands = list_of("elevate", "bellhop");
	bh_set(&slack->team, "T0");
	bh_set(&slack->bot_user, "U0BOT");
	bh_set(&slack->bot_id, "B0");
	fake->config[0] = "bot-token";
	fake->config[1] = "xoxb-1";
	fake->people[0] = (struct bh_user){ .person = "P1",
		.name = "Ada Lovelace", .realm = "main", .id = "U0ADA" };
	fake->people[1] = (struct bh_user){ .person = "P2",
		.name = "Grace Hopper", .realm = "corp", .id = "4f6" };
}

static void
free_strings(char **list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

static void
slack_down(void)
{
	slack->closing = true;
	slack_api_close(slack);
	slack_respond_close(slack);
	slack_tokens_close(slack);
	slack_people_close(slack);
	slack_replies_close(slack);
	slack_kept_free(&slack->values);
	slack_kept_free(&slack->views);
	slack_kept_free(&slack->waiting);
	free(slack->api);
	free_strings(slack->response_hosts);
	free_strings(slack->workspaces);
	free_strings(slack->commands);
	free(slack->team);
	free(slack->enterprise);
	free(slack->bot_user);
	free(slack->bot_id);
	for (size_t i = 0; i < SLACK_PARTS; i++)
		free(slack->parts[i].text);
	free(slack);
	fake_free(&fake);
}

static inline struct bh_value *
parsed(const char *json)
{
	const char *error = NULL;
	struct bh_value *v = bh_json(&fake->host, json, strlen(json), &error);

	ck_assert_msg(v != NULL, "%s: %.2000s", error, json);
	return v;
}

/* Runs the tests of one program. */
static inline int
run_suite_with(const char *name, const TTest *const *tests,
    void (*up)(void))
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, up, slack_down);
	for (; *tests != NULL; tests++)
		tcase_add_test(tc, *tests);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

static inline int
run_suite(const char *name, const TTest *const *tests)
{
	return run_suite_with(name, tests, slack_up);
}

#endif
