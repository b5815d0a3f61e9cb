/* test-aws-directory.c - who and what there is: read, kept, found, mapped.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/aws-sso/aws/directory.h"
#include "tests/unit/fake-host.h"

#define ARN	"arn:aws:sso:::instance/ssoins-0123456789abcdef"
#define SET(n)	"arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-" n

static struct fake *fake;
static struct aws *aws;
static struct directory *directory;
static struct bh_value *mapping;
static int readies, changes, refreshed;
static char why[512];

static void
setup(void)
{
	static const char *const config[] = { "region", "eu-west-1",
		"access-key-id", "AKIDEXAMPLE", "secret-access-key", "secret"
	};

	unsetenv("AWS_ENDPOINT_URL");
	fake = fake_new();
	for (size_t i = 0; i < sizeof(config) / sizeof(*config); i++)
		fake->config[i] = config[i];
	aws = NULL;
	directory = NULL;
	mapping = NULL;
	readies = changes = refreshed = 0;
}

static void
teardown(void)
{
	directory_close(&directory);
	aws_close(&aws);
	fake_free(&fake);
	value_free(mapping);
}

static void
ready(void *arg, int result, const char *error)
{
	(void)arg;
	(void)error;
	readies += result == BH_OK;
}

static void
changed(void *arg)
{
	(void)arg;
	changes++;
}

static void
map_by(const char *json)
{
	mapping = json_parse(json, strlen(json), NULL);
	fake->mapping = mapping;
}

static void
open_it(void)
{
	const char *error = "";

	ck_assert_int_eq(aws_open(&fake->host, &aws, &error), BH_OK);
	ck_assert_msg(directory_open(aws, &directory, ready, NULL, &error) ==
	    BH_OK, "%s", error);
	directory_on_change(directory, changed, NULL);
}

/* A company of six accounts and five people. */
static void
company(void)
{
	fake_ok(fake, "ListInstances", "{\"Instances\":[{\"InstanceArn\":\""
	    ARN "\",\"IdentityStoreId\":\"d-1234567890\",\"Status\":"
	    "\"ACTIVE\",\"PrimaryRegion\":\"eu-west-1\"}]}");
	fake_ok(fake, "GetCallerIdentity", "<GetCallerIdentityResponse>"
	    "<GetCallerIdentityResult><Account>111111111111</Account>"
	    "<Arn>arn:aws:iam::1:user/x</Arn></GetCallerIdentityResult>"
	    "</GetCallerIdentityResponse>");
	fake_ok(fake, "DescribeOrganization", "{\"Organization\":{"
	    "\"MasterAccountId\":\"000000000000\"}}");
	fake_ok(fake, "\"NextToken\":\"a2\"", "{\"Accounts\":["
	    "{\"Id\":\"555555555555\",\"Name\":\"old\",\"State\":"
	    "\"SUSPENDED\",\"Paths\":[\"o-1/r-1/555555555555/\"]},"
	    "{\"Id\":\"666666666666\",\"Name\":\"Sandbox\",\"Status\":"
	    "\"ACTIVE\",\"Paths\":[\"o-1/r-1/666666666666/\"]}]}");
	fake_ok(fake, "ListAccounts", "{\"Accounts\":["
	    "{\"Id\":\"000000000000\",\"Name\":\"acme-management\",\"State\":"
	    "\"ACTIVE\",\"Paths\":[\"o-1/r-1/000000000000/\"]},"
	    "{\"Id\":\"222222222222\",\"Name\":\"prod-payments\",\"State\":"
	    "\"ACTIVE\",\"Paths\":[\"o-1/r-1/ou-1/ou-2/222222222222/\"]},"
	    "{\"Id\":\"333333333333\",\"Name\":\"prod-pos\",\"State\":"
	    "\"ACTIVE\",\"Paths\":[\"o-1/r-1/ou-1/333333333333/\"]},"
	    "{\"Id\":\"444444444444\",\"Name\":\"dev\",\"State\":\"ACTIVE\","
	    "\"Paths\":[\"o-1/r-1/444444444444/\"]}],\"NextToken\":\"a2\"}");
	fake_ok(fake, "ListRoots", "{\"Roots\":[{\"Id\":\"r-1\",\"Name\":"
	    "\"Root\"}]}");
	fake_ok(fake, "{\"ParentId\":\"r-1\"}", "{\"OrganizationalUnits\":"
	    "[{\"Id\":\"ou-1\",\"Name\":\"Payments\"}]}");
	fake_ok(fake, "{\"ParentId\":\"ou-1\"}", "{\"OrganizationalUnits\":"
	    "[{\"Id\":\"ou-2\",\"Name\":\"Prod\"}]}");
	fake_ok(fake, "ListOrganizationalUnitsForParent",
	    "{\"OrganizationalUnits\":[]}");
	fake_ok(fake, "ListTagsForResource",
	    "{\"Tags\":[{\"Key\":\"env\",\"Value\":\"x=1\\ty\"}]}");
	fake_ok(fake, "ListPermissionSets", "{\"PermissionSets\":[\"" SET("1")
	    "\",\"" SET("2") "\"]}");
	fake_ok(fake, SET("1"), "{\"PermissionSet\":{\"Name\":\"ReadOnly\","
	    "\"Description\":\"look\",\"SessionDuration\":\"PT8H\"}}");
	fake_ok(fake, SET("2"), "{\"PermissionSet\":{\"Name\":\"PowerUser\","
	    "\"SessionDuration\":null}}");
	fake_ok(fake, "ListUsers", "{\"Users\":["
	    "{\"UserId\":\"u-ada\",\"UserName\":\"ada@acme.example\","
	    "\"DisplayName\":\"Ada Lovelace\",\"UserStatus\":\"ENABLED\","
	    "\"Emails\":[{\"Value\":\"ada@acme.example\",\"Primary\":true}],"
	    "\"ExternalIds\":[{\"Issuer\":\"i\",\"Id\":\"aad-ada\"}]},"
	    "{\"UserId\":\"u-grace\",\"UserName\":\"grace\",\"Name\":{"
	    "\"GivenName\":\"Grace\",\"FamilyName\":\"Hopper\"},"
	    "\"Emails\":[{\"Value\":\"Grace@Acme.example\"}],"
	    "\"Extensions\":{\"aws:identitystore:enterprise\":{"
	    "\"employeeNumber\":\"7\"}}},"
	    "{\"UserId\":\"u-off\",\"UserName\":\"off@acme.example\","
	    "\"UserStatus\":\"DISABLED\","
	    "\"Emails\":[{\"Value\":\"off@acme.example\"}]},"
	    "{\"UserId\":\"u-t1\",\"UserName\":\"t1\","
	    "\"Emails\":[{\"Value\":\"twin@acme.example\"}]},"
	    "{\"UserId\":\"u-t2\",\"UserName\":\"t2\","
	    "\"Emails\":[{\"Value\":\"TWIN@acme.example\"}]}]}");
	fake_ok(fake, "ListGroups", "{\"Groups\":["
	    "{\"GroupId\":\"g-1\",\"DisplayName\":\"Engineers\"},"
	    "{\"GroupId\":\"g-2\",\"DisplayName\":\"Leads\"}]}");
	fake_ok(fake, "\"GroupId\":\"g-1\"", "{\"GroupMemberships\":["
	    "{\"MemberId\":{\"UserId\":\"u-grace\"}},"
	    "{\"MemberId\":{\"UserId\":\"u-ada\"}},"
	    "{\"MemberId\":{\"UserId\":\"u-gone\"}}]}");
	fake_ok(fake, "\"GroupId\":\"g-2\"", "{\"GroupMemberships\":[]}");
}

static void
start(void)
{
	company();
	open_it();
	fake_run(fake, 30000);
	ck_assert_int_eq(readies, 1);
	ck_assert_int_eq(changes, 1);
}

static const struct principal *
map_user(const char *email, const char *id)
{
	const struct bh_user user = { .person = "p", .name = "N",
	    .email = email, .realm = "chat", .id = id };
	const char *text = "";
	const struct principal *p = directory_map(directory, &user, &text);

	snprintf(why, sizeof(why), "%s", p == NULL ? text : "");
	return p;
}

START_TEST(empty_before_it_was_read)
{
	const char *trouble;
	size_t n;

	open_it();
	fake_run(fake, 1000);
	ck_assert_int_eq(readies, 1);		/* without any network */
	ck_assert_int_eq(directory_age(directory, &trouble), 0);
	directory_accounts(directory, &n);
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(map_user("ada@acme.example", "1"));
	ck_assert_ptr_nonnull(strstr(why, "not read the Identity Center yet"));
	ck_assert_int_eq(directory_member(directory, "u-ada", "Engineers"),
	    -1);
	/* It goes on trying, and comes up when AWS does. */
	company();
	fake_run(fake, 70000);
	ck_assert_ptr_nonnull(map_user("ada@acme.example", "1"));
}
END_TEST

START_TEST(accounts)
{
	const struct account *a;
	size_t n;

	start();
	a = directory_account(directory, "222222222222");
	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a->name, "prod-payments");
	ck_assert_str_eq(a->path, "/Payments/Prod");
	ck_assert_str_eq(a->ou_ids, "/r-1/ou-1/ou-2/");
	ck_assert(a->active);
	ck_assert_str_eq(directory_account(directory, "dev")->path, "/");
	ck_assert(!directory_account(directory, "old")->active);
	ck_assert_ptr_null(directory_account(directory, "prod"));
	/* We are a delegated administrator: no management account. */
	ck_assert(directory_account(directory, "000000000000")->management);
	const struct account *const *all = directory_accounts(directory, &n);
	ck_assert_uint_eq(n, 5);
	ck_assert_str_eq(all[0]->name, "dev");
	ck_assert_uint_eq(fake_count(fake, "ListAccountsForParent"), 0);
	ck_assert_uint_eq(fake_count(fake, "ListTagsForResource"), 0);
}
END_TEST

START_TEST(accounts_without_paths)
{
	fake_ok(fake, "ListAccounts\n", "");	/* matches nothing */
	fake_ok(fake, "ListAccountsForParent", "{\"Accounts\":[]}");
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match =
	    "{\"ParentId\":\"ou-1\"}", .body = "{\"Accounts\":[{\"Id\":"
	    "\"222222222222\"}],\"OrganizationalUnits\":[]}" });
	fake_ok(fake, "ListAccountsForParent", "{\"Accounts\":[]}");
	fake_ok(fake, "ListAccounts", "{\"Accounts\":[{\"Id\":"
	    "\"222222222222\",\"Name\":\"prod\",\"Status\":\"ACTIVE\"}]}");
	start();
	ck_assert_str_eq(directory_account(directory, "prod")->path,
	    "/Payments");
	ck_assert_str_eq(directory_account(directory, "prod")->ou_ids,
	    "/r-1/ou-1/");
}
END_TEST

START_TEST(tags_only_when_needed)
{
	const struct account *a;

	start();
	directory_need_tags(directory);
	fake_run(fake, 30000);
	ck_assert_uint_eq(fake_count(fake, "ListTagsForResource"), 6);
	a = directory_account(directory, "dev");
	ck_assert_uint_eq(a->tags_count, 1);
	ck_assert_str_eq(a->tags[0].name, "env");
	ck_assert_str_eq(a->tags[0].value, "x=1 y");
	fake_run(fake, 30 * 60000);	/* refreshes do not ask again */
	ck_assert_uint_eq(fake_count(fake, "ListTagsForResource"), 6);
	fake_run(fake, 45 * 60000);	/* but within an hour or so */
	ck_assert_uint_eq(fake_count(fake, "ListTagsForResource"), 12);
}
END_TEST

START_TEST(permission_sets)
{
	const struct permission_set *p;
	size_t n;

	start();
	p = directory_permission_set(directory, "ReadOnly");
	ck_assert_str_eq(p->arn, SET("1"));
	ck_assert_int_eq(p->session, 8 * 3600000);
	p = directory_permission_set(directory, SET("2"));
	ck_assert_str_eq(p->name, "PowerUser");
	ck_assert_int_eq(p->session, 3600000);
	directory_permission_sets(directory, &n);
	ck_assert_uint_eq(n, 2);
}
END_TEST

static int
resolve(const char *typed, char *out, size_t size)
{
	struct bh_buf near = BH_BUF(512);
	const struct account *a = NULL;
	int ret = directory_resolve_account(directory, typed, &a, &near);

	snprintf(out, size, "%s", ret == BH_OK ? a->id : bh_buf_text(&near));
	bh_buf_release(&near);
	return ret;
}

START_TEST(resolving)
{
	char out[256];

	start();
	ck_assert_int_eq(resolve("222222222222", out, 256), BH_OK);
	ck_assert_int_eq(resolve("prod-payments", out, 256), BH_OK);
	ck_assert_int_eq(resolve("PROD-Payments", out, 256), BH_OK);
	ck_assert_str_eq(out, "222222222222");
	ck_assert_int_eq(resolve("prod-pa", out, 256), BH_OK);
	ck_assert_int_eq(resolve("sand", out, 256), BH_OK);
	ck_assert_int_eq(resolve("prod", out, 256), BH_ECONFLICT);
	ck_assert_str_eq(out, "prod-payments, prod-pos");
	ck_assert_int_eq(resolve("prod-paymnets", out, 256), BH_ENOENT);
	ck_assert_str_eq(out, "prod-payments");
	ck_assert_int_eq(resolve("pay", out, 256), BH_ENOENT);
	ck_assert_ptr_nonnull(strstr(out, "prod-payments"));
	ck_assert_int_eq(resolve("", out, 256), BH_ENOENT);
	/* Hidden from a delegated administrator, even by its id. */
	ck_assert_int_ne(resolve("000000000000", out, 256), BH_OK);
	ck_assert_int_ne(resolve("acme", out, 256), BH_OK);
}
END_TEST

START_TEST(mapped_by_mail)
{
	start();
	ck_assert_str_eq(map_user("ADA@acme.example", "1")->id, "u-ada");
	ck_assert_str_eq(map_user("grace@acme.example", "1")->name,
	    "Grace Hopper");
	ck_assert_ptr_null(map_user("twin@acme.example", "1"));
	ck_assert_ptr_nonnull(strstr(why, "Several people"));
	ck_assert_ptr_null(map_user("off@acme.example", "1"));
	ck_assert_ptr_nonnull(strstr(why, "disabled"));
	ck_assert_ptr_null(map_user(NULL, "1"));
	ck_assert_ptr_nonnull(strstr(why, "e-mail address"));
	ck_assert_ptr_null(map_user("ada@acme.example.evil", "1"));
	ck_assert_ptr_null(map_user("", "1"));
}
END_TEST

START_TEST(unknown_people_are_looked_for)
{
	size_t before;

	start();
	before = fake_count(fake, "ListUsers");
	for (int i = 0; i < 50; i++)
		ck_assert_ptr_null(map_user("new@acme.example", "1"));
	ck_assert_ptr_nonnull(strstr(why, "Nobody"));
	fake_run(fake, 5000);
	ck_assert_uint_eq(fake_count(fake, "ListUsers"), before + 1);
	fake_run(fake, 61000);
	ck_assert_ptr_null(map_user("new@acme.example", "1"));
	fake_run(fake, 5000);
	ck_assert_uint_eq(fake_count(fake, "ListUsers"), before + 2);
}
END_TEST

START_TEST(mapped_by_external_id)
{
	map_by("{\"attribute\":\"externalId\"}");
	start();
	ck_assert_str_eq(map_user("x@y", "aad-ada")->id, "u-ada");
	ck_assert_ptr_null(map_user("ada@acme.example", "AAD-ADA"));
}
END_TEST

START_TEST(mapped_by_employee_number)
{
	map_by("{\"attribute\":\"employeeNumber\",\"with\":\"id\"}");
	start();
	ck_assert_ptr_nonnull(strstr(fake_find(fake, "ListUsers", 0)->body,
	    "\"Extensions\":[\"aws:identitystore:enterprise\"]"));
	ck_assert_str_eq(map_user(NULL, "7")->id, "u-grace");
	ck_assert_ptr_null(map_user(NULL, "8"));
}
END_TEST

START_TEST(attributes_that_people_change)
{
	static const char *const bad[] = { "nickName", "displayName",
		"NICKNAME", "profileUrl", "locale", "timezone",
		"preferredLanguage", "shoeSize" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *error = NULL;
		char json[64];

		snprintf(json, sizeof(json), "{\"attribute\":\"%s\"}", bad[i]);
		value_free(mapping);
		map_by(json);
		ck_assert_int_eq(aws_open(&fake->host, &aws, &error), BH_OK);
		ck_assert_int_eq(directory_open(aws, &directory, ready, NULL,
		    &error), BH_EINVAL);
		ck_assert_ptr_nonnull(strstr(error, "identity-mapping"));
		ck_assert_ptr_null(directory);
		aws_close(&aws);
	}
}
END_TEST

START_TEST(members)
{
	start();
	ck_assert_uint_eq(fake_count(fake, "ListGroupMemberships"), 0);
	ck_assert_int_eq(directory_member(directory, "u-ada", "Engineers"),
	    -1);
	fake_run(fake, 5000);
	ck_assert_int_eq(changes, 2);
	ck_assert_int_eq(directory_member(directory, "u-ada", "Engineers"),
	    1);
	ck_assert_int_eq(directory_member(directory, "u-ada", "g-1"), 1);
	ck_assert_int_eq(directory_member(directory, "u-off", "g-1"), 0);
	ck_assert_int_eq(directory_member(directory, "u-gone", "g-1"), 0);
	ck_assert_int_eq(directory_member(directory, "u-ada", "Nobodies"), 0);
	ck_assert_str_eq(directory_group(directory, "Leads"), "g-2");
	/* Asked for once, it is kept fresh from then on. */
	fake_run(fake, 11 * 60000);
	ck_assert_uint_eq(fake_count(fake, "\"GroupId\":\"g-1\""), 2);
	ck_assert_int_eq(directory_member(directory, "u-ada", "g-1"), 1);
	ck_assert_uint_gt(fake_sql_count(fake, "u-ada u-grace|"), 0);
}
END_TEST

START_TEST(a_missing_right_hides_only_its_part)
{
	const char *trouble = NULL;
	int64_t age;

	start();
	directory_age(directory, &trouble);
	ck_assert_ptr_null(trouble);
	fake_forget_answers(fake);
	fake_answer(fake, &(struct fake_answer){ .match = "ListAccounts",
	    .status = 400, .body = "{\"__type\":\"AccessDeniedException\","
	    "\"Message\":\"no\"}" });
	company();
	age = directory_age(directory, &trouble);
	fake_run(fake, 11 * 60000);
	ck_assert_int_eq(directory_age(directory, &trouble), age);
	ck_assert_str_eq(trouble, "accounts cannot be read: no");
	ck_assert_ptr_nonnull(directory_account(directory, "dev"));
	ck_assert_ptr_nonnull(map_user("ada@acme.example", "1"));
}
END_TEST

static void
refresh_done(void *arg, int result, const char *error)
{
	(void)arg;
	(void)error;
	refreshed += result == BH_OK ? 1 : 100;
}

START_TEST(refreshes_are_shared)
{
	size_t before;

	start();
	before = fake_count(fake, "ListUsers");
	for (int i = 0; i < 5; i++)
		directory_refresh(directory, AWS_INTERACTIVE, refresh_done,
		    NULL);
	fake_run(fake, 30000);
	ck_assert_int_eq(refreshed, 5);
	ck_assert_uint_eq(fake_count(fake, "ListUsers"), before + 1);
}
END_TEST

START_TEST(saved_by_difference)
{
	size_t before;

	start();
	ck_assert_uint_eq(fake_sql_count(fake,
	    "INSERT INTO aws_sso_directory_user"), 5);
	ck_assert_uint_eq(fake_sql_count(fake,
	    "INSERT INTO aws_sso_directory_account"), 6);
	before = fake->sql_count;
	fake_run(fake, 11 * 60000);
	/* Nothing changed: only the time of the refresh is written. */
	ck_assert_uint_eq(fake->sql_count, before + 1);
	fake_forget_answers(fake);
	fake_ok(fake, "ListUsers", "{\"Users\":[{\"UserId\":\"u-ada\","
	    "\"UserName\":\"ada\"}]}");
	company();
	fake_run(fake, 11 * 60000);
	ck_assert_uint_eq(fake_sql_count(fake,
	    "DELETE FROM aws_sso_directory_user WHERE instance = $1 AND id"),
	    4);
	ck_assert_uint_eq(fake_sql_count(fake,
	    "INSERT INTO aws_sso_directory_user"), 6);
	/* The store failed: next time everything is written. */
	fake->commit_result = BH_EFULL;
	fake_run(fake, 11 * 60000);
	fake->commit_result = BH_OK;
	before = fake->sql_count;
	fake_run(fake, 11 * 60000);
	ck_assert_uint_gt(fake->sql_count, before + 10);
}
END_TEST

START_TEST(restart_needs_no_network)
{
	static const char *const head[] = { ARN, "d-1234567890", "eu-west-1",
		"000000000000", "1", "1767607100000", "eu-west-1 - - -" };
	static const char *const account[] = { "222222222222", "prod",
		"/Payments", "/r-1/ou-1/", "1", "env\tprod\n" };
	static const char *const set[] = { SET("1"), "ReadOnly", "", "3600000"
	};
	static const char *const user[] = { "u-ada", "Ada", "ada",
		"ada@acme.example", "", "", "1" };
	static const char *const group[] = { "g-1", "Engineers",
		"u-ada u-gone" };
	static const char *const member[] = { "g-1", "u-ada u-gone" };

	fake_rows(fake, "source FROM", 7, 1, head);
	fake_rows(fake, "FROM aws_sso_directory_account", 6, 1, account);
	fake_rows(fake, "FROM aws_sso_directory_permission_set", 4, 1, set);
	fake_rows(fake, "FROM aws_sso_directory_user", 7, 1, user);
	fake_rows(fake, "SELECT id, name, members", 3, 1, group);
	fake_rows(fake, "SELECT id, members", 2, 1, member);
	open_it();
	fake_run(fake, 1000);
	ck_assert_int_eq(readies, 1);
	ck_assert_uint_eq(fake->requests_count, 0);
	ck_assert_str_eq(map_user("ada@acme.example", "1")->id, "u-ada");
	ck_assert_int_eq(directory_member(directory, "u-ada", "Engineers"),
	    1);
	ck_assert_str_eq(directory_account(directory, "prod")->tags[0].value,
	    "prod");
	ck_assert_str_eq(aws_instance_arn(aws), ARN);
	ck_assert_str_eq(aws_identity_store(aws), "d-1234567890");
	fake_run(fake, 11 * 60000);
	ck_assert_uint_gt(fake->requests_count, 0);
}
END_TEST

START_TEST(another_identity_center_is_another_directory)
{
	static const char *const head[] = { ARN, "d-1234567890", "eu-west-1",
		"000000000000", "1", "1767607100000",
		"eu-west-1 sandbox/local - -" };

	fake_rows(fake, "source FROM", 7, 1, head);
	start();
	ck_assert_uint_eq(fake_count(fake, "ListInstances"), 1);
	ck_assert_uint_eq(fake_sql_count(fake,
	    "DELETE FROM aws_sso_directory_user WHERE instance = $1"), 1);
}
END_TEST

START_TEST(enabled_or_not)
{
	start();
	fake_ok(fake, "\"UserId\":\"u-ada\"", "{\"UserId\":\"u-ada\","
	    "\"UserStatus\":\"ENABLED\"}");
	fake_ok(fake, "\"UserId\":\"u-off\"", "{\"UserId\":\"u-off\","
	    "\"UserStatus\":\"DISABLED\"}");
	directory_check_enabled(directory, "u-ada", refresh_done, NULL);
	fake_run(fake, 1000);
	ck_assert_int_eq(refreshed, 1);
	directory_check_enabled(directory, "u-off", refresh_done, NULL);
	fake_run(fake, 1000);
	ck_assert_int_eq(refreshed, 101);
}
END_TEST

START_TEST(six_thousand_people)
{
	struct bh_buf body = BH_BUF(64 << 20);
	static char *pages[500];
	static char match[500][32];

	open_it();
	for (int p = 0; p < 60; p++) {
		bh_buf_clear(&body);
		bh_buf_puts(&body, "{\"Users\":[");
		for (int i = 0; i < 100; i++)
			bh_buf_add(&body, "%s{\"UserId\":\"u-%d-%d\","
			    "\"UserName\":\"user%d.%d@acme.example\","
			    "\"Emails\":[{\"Value\":"
			    "\"user%d.%d@acme.example\"}]}", i > 0 ? "," : "",
			    p, i, p, i, p, i);
		bh_buf_add(&body, "]%s%d%s}", p < 59 ? ",\"NextToken\":\"p" :
		    ",\"X\":\"", p + 1, "\"");
		pages[p] = strdup(bh_buf_text(&body));
		if (p > 0) {
			snprintf(match[p], sizeof(match[p]),
			    "\"NextToken\":\"p%d\"", p);
			fake_answer(fake, &(struct fake_answer){
			    .match = match[p], .body = pages[p], .times = 1 });
		}
	}
	fake_answer(fake, &(struct fake_answer){ .match = "ListUsers",
	    .body = pages[0], .times = 1 });
	fake->requests_count = 0;
	bh_buf_release(&body);
	/* The rules are full; the rest of the company is not needed. */
	fake_ok(fake, "ListInstances", "{\"Instances\":[{\"InstanceArn\":\""
	    ARN "\",\"IdentityStoreId\":\"d-1234567890\"}]}");
	fake_ok(fake, "ListGroups", "{\"Groups\":[]}");
	fake_run(fake, 60000);
	ck_assert_ptr_nonnull(map_user("USER59.99@acme.example", "1"));
	ck_assert_ptr_nonnull(map_user("user0.0@acme.example", "1"));
	ck_assert_ptr_null(map_user("user60.0@acme.example", "1"));
	for (int p = 0; p < 60; p++)
		free(pages[p]);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { empty_before_it_was_read, accounts,
		accounts_without_paths, tags_only_when_needed,
		permission_sets, resolving, mapped_by_mail,
		unknown_people_are_looked_for, mapped_by_external_id,
		mapped_by_employee_number, attributes_that_people_change,
		members, a_missing_right_hides_only_its_part,
		refreshes_are_shared, saved_by_difference,
		restart_needs_no_network,
		another_identity_center_is_another_directory, enabled_or_not,
		six_thousand_people };
	Suite *suite = suite_create("aws-directory");
	TCase *tc = tcase_create("directory");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
