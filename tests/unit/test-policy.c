/*
 * test-policy.c - rules and facts in, decisions out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <strings.h>

#include "host/base/duration.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "plugins/aws-sso/policy/policy.h"

static const struct bh_api api = {
	.size = sizeof(struct bh_api),
	.duration = duration_parse,
	.duration_text = duration_format,
	.glob = text_glob,
	.nearest = text_nearest,
};

#define PERSON(name, p) { .person = name, .principal = p, \
    .email = name "@acme.example" }
static const struct policy_person ada = PERSON("ada", "u-ada");
static const struct policy_person ada2 = PERSON("ada2", "u-ada");
static const struct policy_person grace = PERSON("grace", "u-grace");
static const struct policy_person kat = PERSON("kat", "u-kat");
static const struct policy_person alan = PERSON("alan", "u-alan");
static const struct policy_person guest = { .person = "guest",
    .principal = "", .email = "ada@acme.example", .flags = BH_USER_GUEST };

static const struct bh_pair prod_tags[] = { { "env", "prod" } };
static const struct account prod = { .id = "111122223333",
    .name = "prod-payments", .path = "/Payments/Prod", .ou_ids = "",
    .active = true, .tags = prod_tags, .tags_count = 1 };
static const struct account dev = { .id = "222233334444",
    .name = "dev-payments", .path = "/Payments/Dev", .ou_ids = "",
    .active = true };
static const struct account other = { .id = "333344445555",
    .name = "prod-search", .path = "/PaymentsX", .ou_ids = "",
    .active = true };
static const struct permission_set power = { .arn = "arn:power",
    .name = "PowerUser" };
static const struct permission_set readonly = { .arn = "arn:ro",
    .name = "ReadOnly" };
static const struct permission_set admin = { .arn = "arn:admin",
    .name = "AdministratorAccess" };

static int group_answer = 1;

static int
member(void *arg, const struct policy_person *who, const char *group)
{
	(void)arg;
	if (strcmp(group, "Engineers") == 0 && (strcmp(who->principal, "u-ada")
	    == 0 || strcmp(who->principal, "u-alan") == 0))
		return group_answer;
	if (strcmp(group, "Leads") == 0 && strcmp(who->principal, "u-kat") == 0)
		return group_answer;
	return 0;
}

static bool
same(void *arg, const struct policy_person *a, const struct policy_person *b)
{
	(void)arg;
	return strcmp(a->person, b->person) == 0 ||
	    (*a->principal != '\0' && strcmp(a->principal, b->principal) == 0) ||
	    (*a->email != '\0' && strcasecmp(a->email, b->email) == 0);
}

static const struct policy_facts facts = { .member = member, .same = same };

/* What a test holds: the tree and what was compiled from it. */
static struct bh_value *tree;
static struct policy *policy;
static struct bh_buf complaints = BH_BUF(65536);
static struct policy_verdict v;

static void
complain(void *arg, const struct bh_value *at, const char *sentence)
{
	(void)arg;
	(void)at;
	bh_buf_add(&complaints, "%s\n", sentence);
}

/* `text` is { "main": [rules], "team": [rules], "delegate": {...} }. */
static void
rules(const char *text)
{
	const char *error = NULL;

	policy_free(&policy);		/* of rules that stood before */
	value_free(tree);
	tree = json_parse(text, strlen(text), &error);
	ck_assert_msg(tree != NULL, "%s", error);
	const struct policy_source sources[] = {
		{ .team = "", .rules = bh_get(tree, "main"),
		  .longest = 12 * 3600000 },
		{ .team = "payments", .rules = bh_get(tree, "team"),
		  .delegate = bh_get(tree, "delegate"),
		  .longest = 12 * 3600000 },
	};
	policy = policy_compile(&api, sources, 2, complain, NULL);
}

static void
setup(void)
{
	group_answer = 1;
	bh_buf_clear(&complaints);
	policy_verdict_init(&v);
}

static void
teardown(void)
{
	policy_free(&policy);
	value_free(tree);
	tree = NULL;
	policy_verdict_release(&v);
	bh_buf_release(&complaints);
}

#define TEAM_RULES							\
	"\"delegate\":{\"accounts\":[\"prod-payments\",\"ou:/Payments/**\"]," \
	"\"permission-sets\":[\"*\",\"!AdministratorAccess\"],"		\
	"\"longest\":\"8h\"},"						\
	"\"team\":[{\"name\":\"prod\",\"accounts\":[\"prod-payments\"],"	\
	"\"access\":[\"ReadOnly\",\"PowerUser\"],\"may-ask\":[\"group:Engineers\"]," \
	"\"approvers\":[\"grace@acme.example\",\"group:Leads\"],"	\
	"\"longest\":\"4h\",\"reason\":{\"pattern\":\"[A-Z]+-[0-9]+\","	\
	"\"example\":\"PAY-812 what broke\"}},"				\
	"{\"name\":\"look\",\"accounts\":[\"ou:/Payments/**\"],"		\
	"\"access\":[\"ReadOnly\"],\"may-ask\":\"group:Engineers\","	\
	"\"approval\":\"not-required\"}]"

static int
ask(const struct policy_person *who, const struct account *a,
    const struct permission_set *s, const char *duration, const char *reason)
{
	struct policy_question q = { .team = "payments", .who = who,
	    .account = a, .permission_set = s, .reason = reason,
	    .duration = duration != NULL ? duration_parse(duration, NULL) : 0 };

	policy_ask(policy, &facts, &q, &v);
	return v.effect;
}

static int
decide(const struct policy_person *who, const struct policy_person *voter)
{
	struct policy_question q = { .team = "payments", .who = who,
	    .account = &prod, .permission_set = &power, .reason = "PAY-1 x",
	    .duration = 3600000 };

	policy_decide(policy, &facts, &q, voter, &v);
	return v.effect;
}

static int
hold(const struct policy_person *voters, size_t n)
{
	struct policy_question q = { .team = "payments", .who = &ada,
	    .account = &prod, .permission_set = &power, .reason = "PAY-1 x",
	    .duration = 3600000 };

	policy_hold(policy, &facts, &q, voters, n, &v);
	return v.effect;
}

#define SAYS(needle) \
	ck_assert_msg(strstr(bh_buf_text(&v.why), (needle)) != NULL, \
	    "\"%s\" not in \"%s\"", (needle), bh_buf_text(&v.why))
#define COMPLAINS(needle) \
	ck_assert_msg(strstr(bh_buf_text(&complaints), (needle)) != NULL, \
	    "\"%s\" not in \"%s\"", (needle), bh_buf_text(&complaints))

START_TEST(closed_by_default)
{
	rules("{}");
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", "PAY-1"), POLICY_NO);
	SAYS("No rule gives PowerUser in prod-payments (111122223333)");
}
END_TEST

START_TEST(first_rule_decides)
{
	rules("{" TEAM_RULES "}");
	ck_assert_str_eq(bh_buf_text(&complaints), "");
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", "PAY-1 x"),
	    POLICY_APPROVAL);
	ck_assert_int_eq(v.needed, 1);
	ck_assert_int_eq(v.longest, 4 * 3600000);
	ck_assert_str_eq(bh_buf_text(&v.approvers),
	    "grace@acme.example or anyone in Leads");
	/* ReadOnly in prod: `prod` stands first, so `look` has no say. */
	ck_assert_int_eq(ask(&ada, &prod, &readonly, "1h", "PAY-1"),
	    POLICY_APPROVAL);
	ck_assert_int_eq(ask(&ada, &dev, &readonly, "1h", ""),
	    POLICY_AUTOMATIC);
	ck_assert_int_eq(v.longest, 8 * 3600000);
	ck_assert_int_eq(ask(&grace, &prod, &power, "1h", "PAY-1"), POLICY_NO);
	SAYS("You are not among those who may ask");
	ck_assert_int_eq(ask(&guest, &prod, &power, "1h", "PAY-1"), POLICY_NO);
}
END_TEST

START_TEST(limits_are_told)
{
	rules("{" TEAM_RULES "}");
	ck_assert_int_eq(ask(&ada, &prod, &power, "5h", "PAY-1"), POLICY_NO);
	SAYS("5 h is too long");
	ck_assert_str_eq(v.argument, "duration");
	ck_assert_int_eq(ask(&ada, &prod, &power, "4h", "broken"), POLICY_NO);
	SAYS("PAY-812 what broke");
	ck_assert_str_eq(v.argument, "reason");
	ck_assert_int_eq(ask(&ada, &prod, &power, "4h", ""), POLICY_NO);
	SAYS("wants a reason");
	/* Not said yet is not wrong yet. */
	ck_assert_int_eq(ask(&ada, &prod, &power, NULL, NULL),
	    POLICY_APPROVAL);
	ck_assert(v.reason_needed);
}
END_TEST

/* An extension runs from now to a fixed end: no length of the list. */
START_TEST(extensions_and_durations)
{
	struct policy_question q = { .team = "payments", .who = &ada,
	    .account = &prod, .permission_set = &power, .reason = "x",
	    .duration = 47 * 60000, .extends = true };

	rules("{\"main\":[{\"name\":\"all\",\"accounts\":\"*\",\"access\":"
	    "\"*\",\"may-ask\":\"everyone\",\"durations\":[\"30m\",\"1h\"],"
	    "\"approval\":\"not-required\"}]}");
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", "x"),
	    POLICY_AUTOMATIC);
	ck_assert_int_eq(ask(&ada, &prod, &power, "47m", "x"), POLICY_NO);
	policy_ask(policy, &facts, &q, &v);
	ck_assert_int_eq(v.effect, POLICY_AUTOMATIC);
	q.duration = 61 * 60000;
	policy_ask(policy, &facts, &q, &v);
	ck_assert_int_eq(v.effect, POLICY_NO);
}
END_TEST

START_TEST(delegation_narrows)
{
	/* A wildcard in the team's file reaches no further than delegated. */
	rules("{\"delegate\":{\"accounts\":[\"ou:/Payments/**\"],"
	    "\"permission-sets\":[\"*\",\"!Admin*\"]},\"team\":[{\"name\":"
	    "\"all\",\"accounts\":[\"*\"],\"access\":[\"*\"],\"may-ask\":"
	    "[\"everyone\"],\"approval\":\"not-required\"}]}");
	ck_assert_int_eq(ask(&ada, &dev, &power, "1h", ""), POLICY_AUTOMATIC);
	ck_assert_int_eq(ask(&ada, &other, &power, "1h", ""), POLICY_NO);
	ck_assert_int_eq(ask(&ada, &dev, &admin, "1h", ""), POLICY_NO);
	/* What may be named by its ARN may be excepted by it. */
	rules("{\"main\":[{\"name\":\"all\",\"accounts\":\"*\",\"access\":"
	    "[\"*\",\"!arn:admin\"],\"may-ask\":\"everyone\",\"approval\":"
	    "\"not-required\"}]}");
	ck_assert_int_eq(ask(&ada, &dev, &power, "1h", ""), POLICY_AUTOMATIC);
	ck_assert_int_eq(ask(&ada, &dev, &admin, "1h", ""), POLICY_NO);
}
END_TEST

START_TEST(deny_wins)
{
	rules("{\"main\":[{\"name\":\"freeze\",\"deny\":true,\"accounts\":"
	    "[\"tag:env=prod\"],\"may-ask\":[\"ada@acme.example\"]}],"
	    TEAM_RULES "}");
	ck_assert_str_eq(bh_buf_text(&complaints), "");
	ck_assert(policy_uses_tags(policy));
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", "PAY-1"), POLICY_NO);
	SAYS("Denied by rule freeze");
	ck_assert_int_eq(ask(&alan, &prod, &power, "1h", "PAY-1"),
	    POLICY_APPROVAL);
	ck_assert_int_eq(decide(&ada, &grace), POLICY_NO);
	ck_assert_int_eq(hold(&grace, 1), POLICY_NO);
}
END_TEST

START_TEST(deny_of_unknown_members_denies)
{
	rules("{\"main\":[{\"name\":\"freeze\",\"deny\":true,\"may-ask\":"
	    "[\"group:Engineers\"]},{\"name\":\"all\",\"accounts\":\"*\","
	    "\"access\":\"*\",\"may-ask\":\"everyone\",\"approval\":"
	    "\"not-required\"}]}");
	group_answer = -1;
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", ""), POLICY_NO);
	ck_assert(v.unsure);
	group_answer = 0;
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", ""), POLICY_AUTOMATIC);
}
END_TEST

START_TEST(wrong_deny_denies_everything)
{
	rules("{\"main\":[{\"name\":\"slip\",\"deny\":true,\"acounts\":"
	    "[\"x\"]}]," TEAM_RULES "}");
	COMPLAINS("unknown key \"acounts\" in a rule: did you mean accounts?");
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", "PAY-1"), POLICY_NO);
	SAYS("has a mistake");
}
END_TEST

START_TEST(approvers_are_somebody_else)
{
	rules("{" TEAM_RULES "}");
	ck_assert_int_eq(decide(&ada, &grace), POLICY_APPROVAL);
	ck_assert_int_eq(decide(&ada, &kat), POLICY_APPROVAL);
	ck_assert_int_eq(decide(&ada, &alan), POLICY_NO);
	SAYS("You are not an approver");
	ck_assert_int_eq(decide(&ada, &ada), POLICY_NO);
	SAYS("You asked for it yourself");
	/* Another name, the same Identity Center user. */
	ck_assert_int_eq(decide(&ada, &ada2), POLICY_NO);
	SAYS("You asked for it yourself");
}
END_TEST

START_TEST(votes_count_people)
{
	rules("{\"main\":[{\"name\":\"two\",\"accounts\":\"*\",\"access\":"
	    "\"*\",\"may-ask\":\"everyone\",\"approvals\":2,\"approvers\":"
	    "[\"everyone\"]}]}");
	const struct policy_person twice[] = { grace, grace };
	const struct policy_person alias[] = { kat, ada2 };
	const struct policy_person two[] = { grace, kat };

	ck_assert_int_eq(hold(twice, 2), POLICY_NO);
	SAYS("1 of the 2 votes");
	ck_assert_int_eq(hold(alias, 2), POLICY_NO);
	ck_assert_int_eq(hold(two, 2), POLICY_AUTOMATIC);
}
END_TEST

START_TEST(revoking_needs_an_approver_only)
{
	rules("{" TEAM_RULES "}");
	struct policy_question q = { .team = "payments", .who = &alan,
	    .account = &prod, .permission_set = &power };

	ck_assert(policy_is_approver(policy, &facts, &q, &kat));
	ck_assert(!policy_is_approver(policy, &facts, &q, &alan));
	ck_assert(!policy_is_approver(policy, &facts, &q, &guest));
}
END_TEST

START_TEST(team_of_the_room_counts)
{
	rules("{" TEAM_RULES "}");
	struct policy_question q = { .team = "search", .who = &ada,
	    .account = &dev, .permission_set = &readonly, .duration = 60000 };

	policy_ask(policy, &facts, &q, &v);
	ck_assert_int_eq(v.effect, POLICY_NO);
	q.team = "";
	policy_ask(policy, &facts, &q, &v);
	ck_assert_int_eq(v.effect, POLICY_AUTOMATIC);
}
END_TEST

START_TEST(slips_are_told)
{
	static const struct { const char *rule, *says; } slips[] = {
		{ "{\"name\":\"a\"}", "has no accounts" },
		{ "{\"name\":\"a\",\"accounts\":\"prod-payments\",\"access\":"
		  "\"*\",\"may-ask\":\"everyone\"}", "has no approvers" },
		{ "{\"name\":\"a\",\"accounts\":\"prod-payments\",\"access\":"
		  "\"*\",\"may-ask\":\"all\",\"approval\":\"not-required\"}",
		  "\"all\" is nobody" },
		{ "{\"name\":\"a\",\"accounts\":\"prod-pay\",\"access\":\"*\","
		  "\"may-ask\":\"everyone\",\"approval\":\"not-required\"}",
		  "Did you mean prod-payments?" },
		{ "{\"name\":\"a\",\"accounts\":\"*\",\"access\":\"*\","
		  "\"may-ask\":\"everyone\",\"approval\":\"none\"}",
		  "approval must be required or not-required" },
		{ "{\"name\":\"a\",\"accounts\":\"*\",\"access\":\"*\","
		  "\"may-ask\":\"everyone\",\"approvers\":\"everyone\","
		  "\"reason\":{\"pattern\":\"(a)\\\\1\"}}",
		  "back-references" },
		{ "{\"name\":\"a\",\"accounts\":\"*\",\"access\":\"*\","
		  "\"may-ask\":\"everyone\",\"approvers\":\"everyone\","
		  "\"longest\":\"20h\"}", "longest is more than" },
		{ "{\"name\":\"a\",\"accounts\":\"*\",\"access\":"
		  "\"AdministratorAccess\",\"may-ask\":\"everyone\","
		  "\"approvers\":\"everyone\"}", "is not delegated to team" },
	};
	const size_t i = (size_t)_i;
	struct bh_buf b = BH_BUF(4096);

	bh_buf_add(&b, "{\"delegate\":{\"accounts\":[\"prod-payments\"],"
	    "\"permission-sets\":[\"*\",\"!Admin*\"]},\"team\":[%s]}",
	    slips[i].rule);
	rules(bh_buf_text(&b));
	bh_buf_release(&b);
	COMPLAINS(slips[i].says);
	/* and it allows nothing */
	ck_assert_int_eq(ask(&ada, &prod, &power, "1h", "x"), POLICY_NO);
}
END_TEST

START_TEST(explained)
{
	struct bh_buf b = BH_BUF(4096);

	rules("{\"main\":[{\"name\":\"freeze\",\"deny\":true,\"accounts\":"
	    "[\"nothing\"]}]," TEAM_RULES "}");
	struct policy_question q = { .team = "payments", .who = &ada,
	    .account = &prod, .permission_set = &readonly };
	policy_explain(policy, &facts, &q, &b);
	ck_assert_str_eq(bh_buf_text(&b),
	    "> prod (configuration:0) decides, unless a rule denies\n"
	    "- look (configuration:0) would match, but an earlier rule decides\n"
	    "- freeze (configuration:0) is about other accounts\n");
	bh_buf_release(&b);
}
END_TEST

/* Adding a deny never turns a no into a yes, whatever the question. */
START_TEST(deny_is_monotone)
{
	const struct policy_person *people[] = { &ada, &grace, &alan, &guest };
	const struct account *accounts[] = { &prod, &dev, &other };
	const struct permission_set *sets[] = { &power, &readonly, &admin };
	static const char *const denies[] = {
		"{\"name\":\"d\",\"deny\":true}",
		"{\"name\":\"d\",\"deny\":true,\"accounts\":\"prod-*\"}",
		"{\"name\":\"d\",\"deny\":true,\"access\":\"Power*\"}",
		"{\"name\":\"d\",\"deny\":true,\"may-ask\":\"group:Engineers\"}",
		"{\"name\":\"d\",\"deny\":true,\"accounts\":7}",
	};
	int before[4][3][3], seen_change = 0;

	rules("{" TEAM_RULES "}");
	for (size_t p = 0; p < 4; p++)
		for (size_t a = 0; a < 3; a++)
			for (size_t s = 0; s < 3; s++)
				before[p][a][s] = ask(people[p], accounts[a],
				    sets[s], "1h", "PAY-1");
	for (size_t d = 0; d < 5; d++) {
		struct bh_buf b = BH_BUF(8192);

		bh_buf_add(&b, "{\"main\":[%s],%s}", denies[d], TEAM_RULES);
		rules(bh_buf_text(&b));
		bh_buf_release(&b);
		for (size_t p = 0; p < 4; p++)
			for (size_t a = 0; a < 3; a++)
				for (size_t s = 0; s < 3; s++) {
					int now = ask(people[p], accounts[a],
					    sets[s], "1h", "PAY-1");

					ck_assert(now == POLICY_NO ||
					    now == before[p][a][s]);
					seen_change += now != before[p][a][s];
				}
	}
	ck_assert_int_gt(seen_change, 0);
}
END_TEST

/* What is offered is what one may ask for: no more, and no less. */
START_TEST(sight)
{
	static const struct account *const accounts[] = { &prod, &dev,
	    &other };
	static const struct permission_set *const sets[] = { &power,
	    &readonly, &admin };
	static const struct policy_person *const people[] = { &ada, &grace,
	    &kat, &guest };
	struct policy_reach *reach;
	bool covered[3];

	rules("{" TEAM_RULES ",\"main\":[{\"name\":\"search\",\"accounts\":"
	    "[\"prod-search\"],\"access\":[\"*\",\"!PowerUser\"],\"may-ask\":"
	    "[\"grace@acme.example\"],\"approval\":\"not-required\"}]}");
	reach = policy_reach_new(policy, accounts, 3, sets, 3);
	ck_assert(policy_reach_is(reach, policy, accounts, 3, sets, 3));
	ck_assert(!policy_reach_is(reach, policy, accounts, 2, sets, 3));
	for (size_t p = 0; p < 4; p++) {
		struct policy_sight *s = policy_sight_new(reach, &facts,
		    "payments", people[p]);
		bool any[3] = { false }, found;

		for (size_t a = 0; a < 3; a++) {
			found = false;
			for (size_t n = 0; n < 3; n++) {
				bool may = ask(people[p], accounts[a],
				    sets[n], "1h", "PAY-1 x") != POLICY_NO;

				ck_assert_int_eq(policy_sees_set(s, a, n),
				    may);
				found = found || may;
				any[n] = any[n] || may;
			}
			ck_assert_int_eq(policy_sees_account(s, a), found);
		}
		for (size_t n = 0; n < 3; n++)
			ck_assert_int_eq(policy_sees_set(s,
			    POLICY_ANY_ACCOUNT, n), any[n]);
		policy_sight_free(&s);
	}
	/* Whoever asks: what has to be swept. */
	policy_reach_sets(reach, 2, covered);
	ck_assert(!covered[0] && covered[1] && covered[2]);
	policy_reach_sets(reach, 0, covered);
	ck_assert(covered[0] && covered[1] && !covered[2]);
	policy_reach_free(&reach);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, closed_by_default);
	tcase_add_test(t, first_rule_decides);
	tcase_add_test(t, limits_are_told);
	tcase_add_test(t, extensions_and_durations);
	tcase_add_test(t, delegation_narrows);
	tcase_add_test(t, deny_wins);
	tcase_add_test(t, deny_of_unknown_members_denies);
	tcase_add_test(t, wrong_deny_denies_everything);
	tcase_add_test(t, approvers_are_somebody_else);
	tcase_add_test(t, votes_count_people);
	tcase_add_test(t, revoking_needs_an_approver_only);
	tcase_add_test(t, team_of_the_room_counts);
	tcase_add_loop_test(t, slips_are_told, 0, 8);
	tcase_add_test(t, explained);
	tcase_add_test(t, deny_is_monotone);
	tcase_add_test(t, sight);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
