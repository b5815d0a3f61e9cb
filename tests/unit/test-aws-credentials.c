/* test-aws-credentials.c - where keys come from, in which order, how fresh;
 * and which URL a service has.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/aws-sso/aws/credentials.h"
#include "plugins/aws-sso/aws/endpoint.h"
#include "plugins/aws-sso/aws/fetch.h"
#include "plugins/aws-sso/aws/plan.h"
#include "plugins/aws-sso/aws/text.h"
#include "tests/unit/fake-host.h"

static struct fake *fake;
static struct credentials *credentials;
static struct credentials_options options;
static char dir[64], config_file[96], keys_file[96], token_file[96];
static char access_id[64], token[64], trouble[512];
static int answers;

static const char *const variables[] = {
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
	"AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO_ADMIN",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT",
	"AWS_USE_DUALSTACK_ENDPOINT", NULL
};

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void
setup(void)
{
	const char *tmp = getenv("TMPDIR");

	for (const char *const *v = variables; *v != NULL; v++)
		unsetenv(*v);
	snprintf(dir, sizeof(dir), "%.40s/bh-awsXXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(config_file, sizeof(config_file), "%s/config", dir);
	snprintf(keys_file, sizeof(keys_file), "%s/credentials", dir);
	snprintf(token_file, sizeof(token_file), "%s/token", dir);
	setenv("AWS_CONFIG_FILE", config_file, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", keys_file, 1);
	fake = fake_new();
	options = (struct credentials_options){ .region = "eu-west-1" };
	credentials = NULL;
	answers = 0;
	access_id[0] = token[0] = trouble[0] = '\0';
}

static void
teardown(void)
{
	credentials_close(&credentials);
	fake_free(&fake);
	unlink(config_file);
	unlink(keys_file);
	unlink(token_file);
	rmdir(dir);
}

static void
came(void *arg, const struct keys *keys, const char *error)
{
	(void)arg;
	answers++;
	access_id[0] = token[0] = trouble[0] = '\0';
	if (keys != NULL) {
		snprintf(access_id, sizeof(access_id), "%s", keys->access);
		snprintf(token, sizeof(token), "%s",
		    keys->token != NULL ? keys->token : "");
	} else
		snprintf(trouble, sizeof(trouble), "%s", error);
}

static void
get(void)
{
	const char *error = "";

	if (credentials == NULL)
		ck_assert_int_eq(credentials_open(&fake->host, &options,
		    &credentials, &error), BH_OK);
	credentials_get(credentials, came, NULL);
	fake_run(fake, 500);
}

static void
reopen(void)
{
	credentials_close(&credentials);
	get();
}

static void
set_environment(void)
{
	setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
}

#define STS_ANSWER(operation, key, expires)				\
	"<" operation "Response xmlns=\"https://sts.amazonaws.com/doc/"	\
	"2011-06-15/\"><" operation "Result><Credentials>"		\
	"<AccessKeyId>" key "</AccessKeyId>"				\
	"<SecretAccessKey>s&amp;3</SecretAccessKey>"			\
	"<SessionToken>T-" key "</SessionToken>"			\
	"<Expiration>" expires "</Expiration></Credentials>"		\
	"</" operation "Result></" operation "Response>"
#define JSON_ANSWER(key, token_name, expires)				\
	"{\"Version\":1,\"AccessKeyId\":\"" key "\","			\
	"\"SecretAccessKey\":\"s\",\"" token_name "\":\"T\","		\
	"\"Expiration\":\"" expires "\"}"
#define AT_11	"2026-01-05T11:00:00Z"		/* an hour after the start */
#define AT_12	"2026-01-05T12:00:00+00:00"

START_TEST(order)
{
	write_file(keys_file, "[default]\naws_access_key_id = AKIDFILE\n"
	    "aws_secret_access_key=s\n");
	write_file(token_file, "jwt\n");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token_file, 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/web", 1);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
	set_environment();
	options.access = "AKIDOPTION";
	options.secret = "s";
	fake_ok(fake, "AssumeRoleWithWebIdentity", STS_ANSWER(
	    "AssumeRoleWithWebIdentity", "AKIDWEB", AT_11));
	fake_ok(fake, "169.254.170.2/c", JSON_ANSWER("AKIDTASK", "Token",
	    AT_11));
	fake_ok(fake, "/latest/api/token", "imds-token");
	fake_ok(fake, "security-credentials/my-role", JSON_ANSWER("AKIDIMDS",
	    "Token", AT_11));
	fake_ok(fake, "security-credentials/", "my-role");
	get();
	ck_assert_str_eq(access_id, "AKIDOPTION");
	options.access = options.secret = NULL;
	reopen();
	ck_assert_str_eq(access_id, "AKIDENV");
	unsetenv("AWS_ACCESS_KEY_ID");
	reopen();
	ck_assert_str_eq(access_id, "AKIDWEB");
	unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	reopen();
	ck_assert_str_eq(access_id, "AKIDFILE");
	unlink(keys_file);
	reopen();
	ck_assert_str_eq(access_id, "AKIDTASK");
	unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	reopen();
	ck_assert_str_eq(access_id, "AKIDIMDS");
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	reopen();
	ck_assert_str_eq(access_id, "");
	ck_assert_ptr_nonnull(strstr(trouble, "no AWS credentials found"));
}
END_TEST

START_TEST(only_one_source)
{
	set_environment();
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c", 1);
	fake_ok(fake, "/c", JSON_ANSWER("AKIDTASK", "Token", AT_11));
	options.source = "container";
	get();
	ck_assert_str_eq(access_id, "AKIDTASK");
	options.source = "nonsense";
	reopen();
	ck_assert_ptr_nonnull(strstr(trouble, "none of default"));
}
END_TEST

START_TEST(half_a_key)
{
	setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
	get();
	ck_assert_ptr_nonnull(strstr(trouble, "AWS_SECRET_ACCESS_KEY"));
}
END_TEST

START_TEST(web_identity_is_unsigned_and_read_anew)
{
	write_file(token_file, "jwt-1\n");
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token_file, 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/web", 1);
	setenv("AWS_ROLE_SESSION_NAME", "pod", 1);
	fake_ok(fake, "sts.eu-west-1", STS_ANSWER("AssumeRoleWithWebIdentity",
	    "AKIDWEB", AT_11));
	get();
	ck_assert_str_eq(access_id, "AKIDWEB");
	ck_assert_str_eq(token, "T-AKIDWEB");

	const struct fake_request *r = fake_find(fake, NULL, 0);

	ck_assert_ptr_null(fake_header(r, "Authorization"));
	ck_assert_str_eq(r->body, "Action=AssumeRoleWithWebIdentity"
	    "&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fweb"
	    "&RoleSessionName=pod&WebIdentityToken=jwt-1");
	write_file(token_file, "jwt-2\n");
	fake_run(fake, 46 * 60000);
	ck_assert_ptr_nonnull(fake_find(fake, "WebIdentityToken=jwt-2", 0));
}
END_TEST

START_TEST(profiles)
{
	write_file(keys_file, "[base]\naws_access_key_id=AKIDBASE\n"
	    "aws_secret_access_key=s # not a part\n");
	write_file(config_file, "[default]\nregion = x\n"
	    "[profile outer]\nrole_arn = arn:aws:iam::2:role/outer\n"
	    "source_profile = inner\nexternal_id = e=1\n"
	    "role_session_name = me\nduration_seconds = 900\n"
	    "[profile inner]\nrole_arn = arn:aws:iam::1:role/inner\n"
	    "source_profile = base\n"
	    "[profile round]\nrole_arn=r\nsource_profile=trip\n"
	    "[profile trip]\nrole_arn=r\nsource_profile=round\n"
	    "[profile env]\nrole_arn=arn:aws:iam::3:role/env\n"
	    "credential_source=Environment\n"
	    "[profile both]\nrole_arn=r\nsource_profile=base\n"
	    "credential_source=Environment\n");
	fake_ok(fake, "role%2Fouter", STS_ANSWER("AssumeRole", "AKIDOUTER",
	    AT_11));
	fake_ok(fake, "role%2Finner", STS_ANSWER("AssumeRole", "AKIDINNER",
	    AT_11));
	fake_ok(fake, "role%2Fenv", STS_ANSWER("AssumeRole", "AKIDROLE",
	    AT_11));
	options.profile = "outer";
	get();
	ck_assert_str_eq(access_id, "AKIDOUTER");
	ck_assert_uint_eq(fake->requests_count, 2);
	ck_assert_ptr_nonnull(strstr(fake_header(&fake->requests[0],
	    "Authorization"), "Credential=AKIDBASE/20260105/eu-west-1/sts/"));
	ck_assert_ptr_nonnull(strstr(fake_header(&fake->requests[1],
	    "Authorization"), "Credential=AKIDINNER/"));
	ck_assert_ptr_nonnull(strstr(fake_header(&fake->requests[1],
	    "X-Amz-Security-Token"), "T-AKIDINNER"));
	ck_assert_ptr_nonnull(strstr(fake->requests[1].body,
	    "&RoleSessionName=me&ExternalId=e%3D1&DurationSeconds=900"));
	ck_assert_str_eq(credentials_name(credentials),
	    "profile outer, role arn:aws:iam::2:role/outer");
	options.profile = "round";
	reopen();
	ck_assert_ptr_nonnull(strstr(trouble, "circle"));
	options.profile = "both";
	reopen();
	ck_assert_ptr_nonnull(strstr(trouble, "needs one of"));
	options.profile = "nowhere";
	reopen();
	ck_assert_ptr_nonnull(strstr(trouble, "\"nowhere\" is not in"));
	/* A profile that was asked for comes before what lies around. */
	set_environment();
	options.profile = "env";
	reopen();
	ck_assert_str_eq(access_id, "AKIDROLE");
	options.profile = NULL;
	setenv("AWS_PROFILE", "base", 1);
	unsetenv("AWS_ACCESS_KEY_ID");
	reopen();
	ck_assert_str_eq(access_id, "AKIDBASE");
}
END_TEST

START_TEST(assume_role_option)
{
	set_environment();
	options.assume_role = "arn:aws:iam::9:role/bellhop";
	options.external_id = "x";
	options.endpoint = "sandbox/local";
	fake->published[0] = "sandbox/local";
	fake->published[1] = "http://127.0.0.1:9";
	fake_ok(fake, "http://127.0.0.1:9/", STS_ANSWER("AssumeRole",
	    "AKIDROLE", AT_11));
	get();
	ck_assert_str_eq(access_id, "AKIDROLE");
	ck_assert_ptr_nonnull(fake_find(fake, "&RoleSessionName=bellhop"
	    "&ExternalId=x", 0));
}
END_TEST

START_TEST(sts_refuses)
{
	set_environment();
	options.assume_role = "arn:aws:iam::9:role/bellhop";
	fake_answer(fake, &(struct fake_answer){ .status = 403,
	    .body = "<ErrorResponse><Error><Code>AccessDenied</Code>"
	    "<Message>not you</Message></Error></ErrorResponse>" });
	get();
	ck_assert_str_eq(trouble, "STS refused: AccessDenied: not you");
}
END_TEST

START_TEST(process)
{
	write_file(config_file, "[default]\ncredential_process = "
	    "/opt/my keys/get --name \"a b\" it\\'s 'c d'\n");
	fake->exec_output = JSON_ANSWER("AKIDPROC", "SessionToken", AT_12);
	get();
	ck_assert_str_eq(access_id, "AKIDPROC");
	ck_assert_str_eq(fake->exec_argv,
	    "[/opt/my][keys/get][--name][a b][it's][c d]");
	fake->exec_output = "not json";
	reopen();
	ck_assert_ptr_nonnull(strstr(trouble, "JSON form"));
	fake->exec_output = NULL;
	reopen();
	ck_assert_ptr_nonnull(strstr(trouble, "run it by hand"));
}
END_TEST

START_TEST(words)
{
	struct bh_buf store = BH_BUF(64);
	const char *list[4];

	ck_assert_int_eq(fetch_words("a 'b", &store, list, 4), BH_EINVAL);
	ck_assert_int_eq(fetch_words("  ", &store, list, 4), BH_EINVAL);
	ck_assert_int_eq(fetch_words("a b c d e", &store, list, 4),
	    BH_EINVAL);
	bh_buf_clear(&store);
	ck_assert_int_eq(fetch_words("  a  '' ", &store, list, 4), 2);
	ck_assert_str_eq(list[1], "");
	bh_buf_release(&store);
}
END_TEST

static bool
url_allowed(const char *url)
{
	struct bh_buf out = BH_BUF(512);
	const char *error;
	int ret;

	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	ret = plan_container_url(&out, &error);
	bh_buf_release(&out);
	return ret == BH_OK;
}

START_TEST(container_urls)
{
	ck_assert(url_allowed("https://anywhere.example/x"));
	ck_assert(url_allowed("http://localhost:1/x"));
	ck_assert(url_allowed("http://127.0.0.1/x"));
	ck_assert(url_allowed("http://127.9.9.9:80/x"));
	ck_assert(url_allowed("http://[::1]:80/x"));
	ck_assert(url_allowed("http://169.254.170.2/x"));
	ck_assert(url_allowed("http://169.254.170.23/v1/credentials"));
	ck_assert(url_allowed("http://[fd00:ec2::23]/x"));
	ck_assert(!url_allowed("http://example.com/x"));
	ck_assert(!url_allowed("http://127.evil.example/x"));
	ck_assert(!url_allowed("http://localhost.evil.example/x"));
	ck_assert(!url_allowed("http://localhost@evil.example/x"));
	ck_assert(!url_allowed("http://127.0.0.1:80@evil.example/x"));
	ck_assert(!url_allowed("http://169.254.170.24/x"));
	ck_assert(!url_allowed("ftp://localhost/x"));
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil", 1);
	ck_assert(!url_allowed("https://x/"));
}
END_TEST

START_TEST(container_token_file)
{
	write_file(token_file, "pod-token\n");
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    "http://169.254.170.23/v1/credentials", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_file, 1);
	fake_ok(fake, "/v1/credentials", JSON_ANSWER("AKIDPOD", "Token",
	    AT_11));
	get();
	ck_assert_str_eq(access_id, "AKIDPOD");
	ck_assert_int_eq(strncmp(fake_header(fake_find(fake, NULL, 0),
	    "Authorization"), "pod-token\n", 10), 0);
}
END_TEST

START_TEST(instance)
{
	fake_answer(fake, &(struct fake_answer){ .match = "PUT",
	    .body = "imds-token", .times = 1 });
	fake_answer(fake, &(struct fake_answer){ .match =
	    "security-credentials/my-role", .times = 1,
	    .body = JSON_ANSWER("AKIDIMDS", "Token", AT_11) });
	fake_answer(fake, &(struct fake_answer){ .match =
	    "security-credentials/", .body = "my-role", .times = 1 });
	get();
	ck_assert_str_eq(access_id, "AKIDIMDS");
	ck_assert_uint_eq(fake->requests_count, 3);
	ck_assert_str_eq(fake->requests[0].method, "PUT");
	ck_assert_ptr_nonnull(fake_header(&fake->requests[0],
	    "X-aws-ec2-metadata-token-ttl-seconds"));
	ck_assert_int_eq(strncmp(fake_header(&fake->requests[2],
	    "X-aws-ec2-metadata-token"), "imds-token\n", 11), 0);
	/* The service is gone: the old keys are used beyond their end. */
	fake_run(fake, 2 * 3600000);
	ck_assert_ptr_nonnull(credentials_now(credentials));
	ck_assert_uint_gt(fake->requests_count, 10);
}
END_TEST

START_TEST(one_refresh_at_a_time)
{
	set_environment();
	options.assume_role = "arn:aws:iam::9:role/bellhop";
	fake_answer(fake, &(struct fake_answer){ .delay = 400,
	    .body = STS_ANSWER("AssumeRole", "AKIDROLE", AT_11) });
	get();
	for (int i = 0; i < 10; i++)
		credentials_get(credentials, came, NULL);
	fake_run(fake, 1000);
	ck_assert_int_eq(answers, 11);
	ck_assert_uint_eq(fake->requests_count, 1);
}
END_TEST

START_TEST(renewed_before_the_end)
{
	set_environment();
	options.assume_role = "arn:aws:iam::9:role/bellhop";
	fake_answer(fake, &(struct fake_answer){ .times = 1,
	    .body = STS_ANSWER("AssumeRole", "AKIDOLD", AT_11) });
	fake_answer(fake, &(struct fake_answer){ .delay = 5000,
	    .body = STS_ANSWER("AssumeRole", "AKIDNEW", AT_12) });
	get();
	ck_assert_str_eq(access_id, "AKIDOLD");
	fake_run(fake, 44 * 60000);
	ck_assert_uint_eq(fake->requests_count, 1);
	fake_run(fake, 60000);			/* 45 min: a quarter is left */
	ck_assert_uint_eq(fake->requests_count, 2);
	get();					/* meanwhile the old ones */
	ck_assert_str_eq(access_id, "AKIDOLD");
	fake_run(fake, 10000);
	get();
	ck_assert_str_eq(access_id, "AKIDNEW");
}
END_TEST

START_TEST(expired_renews_once)
{
	set_environment();
	options.assume_role = "arn:aws:iam::9:role/bellhop";
	fake_answer(fake, &(struct fake_answer){ .times = 1,
	    .body = STS_ANSWER("AssumeRole", "AKIDOLD", AT_11) });
	fake_ok(fake, NULL, STS_ANSWER("AssumeRole", "AKIDNEW", AT_12));
	get();
	ck_assert(!credentials_expired(credentials, "AKIDOLD"));
	fake_run(fake, 120000);
	ck_assert(credentials_expired(credentials, "AKIDOLD"));
	ck_assert(credentials_expired(credentials, "AKIDOLD"));
	ck_assert_ptr_null(credentials_now(credentials));
	get();
	ck_assert_str_eq(access_id, "AKIDNEW");
	ck_assert_uint_eq(fake->requests_count, 2);
	ck_assert(credentials_expired(credentials, "AKIDOLD"));
	ck_assert_uint_eq(fake->requests_count, 2);
}
END_TEST

START_TEST(failure_backs_off)
{
	set_environment();
	options.assume_role = "arn:aws:iam::9:role/bellhop";
	get();
	ck_assert_ptr_nonnull(strstr(trouble, "cannot be reached"));
	for (int i = 0; i < 20; i++)
		get();
	/* 10 s with 20 askers: attempts at 0, 1, 3, 7 s */
	ck_assert_uint_le(fake->requests_count, 4);
	ck_assert_int_eq(answers, 21);
}
END_TEST

static const char *
url_of(enum aws_service service, const char *region, const char *told)
{
	static struct bh_buf url = BH_BUF(512);

	bh_buf_clear(&url);
	endpoint_url(&url, service, region, told, NULL);
	return bh_buf_text(&url);
}

START_TEST(endpoints)
{
	ck_assert_str_eq(url_of(AWS_SSO_ADMIN, "eu-west-1", NULL),
	    "https://sso.eu-west-1.amazonaws.com/");
	ck_assert_str_eq(url_of(AWS_IDENTITY_STORE, "eu-west-1", NULL),
	    "https://identitystore.eu-west-1.amazonaws.com/");
	ck_assert_str_eq(url_of(AWS_ORGANIZATIONS, "eu-west-1", NULL),
	    "https://organizations.us-east-1.amazonaws.com/");
	ck_assert_str_eq(url_of(AWS_ORGANIZATIONS, "cn-north-1", NULL),
	    "https://organizations.cn-northwest-1.amazonaws.com.cn/");
	ck_assert_str_eq(url_of(AWS_ORGANIZATIONS, "us-gov-east-1", NULL),
	    "https://organizations.us-gov-west-1.amazonaws.com/");
	ck_assert_str_eq(url_of(AWS_STS, "eusc-de-east-1", NULL),
	    "https://sts.eusc-de-east-1.amazonaws.eu/");
	ck_assert_str_eq(url_of(AWS_SSO_ADMIN, "us-isob-east-1", NULL),
	    "https://sso.us-isob-east-1.sc2s.sgov.gov/");
	ck_assert_str_eq(endpoint_partition("cn-north-1"), "aws-cn");
	ck_assert_str_eq(endpoint_partition("us-east-1"), "aws");
	ck_assert_str_eq(endpoint_region(AWS_ORGANIZATIONS, "eu-west-1"),
	    "us-east-1");
	setenv("AWS_USE_DUALSTACK_ENDPOINT", "true", 1);
	ck_assert_str_eq(url_of(AWS_SSO_ADMIN, "eu-west-1", NULL),
	    "https://sso.eu-west-1.api.aws/");
}
END_TEST

START_TEST(endpoints_told)
{
	write_file(config_file, "[default]\nendpoint_url = http://p:1\n"
	    "services = mine\n[services mine]\nsso_admin =\n"
	    "  endpoint_url = http://s:1/base\nother =\n"
	    "  endpoint_url = http://o:1\n");
	ck_assert_str_eq(url_of(AWS_STS, "eu-west-1", NULL), "http://p:1/");
	ck_assert_str_eq(url_of(AWS_SSO_ADMIN, "eu-west-1", NULL),
	    "http://s:1/base");
	setenv("AWS_ENDPOINT_URL", "http://e:1", 1);
	ck_assert_str_eq(url_of(AWS_SSO_ADMIN, "eu-west-1", NULL),
	    "http://e:1/");
	setenv("AWS_ENDPOINT_URL_SSO_ADMIN", "http://es:1", 1);
	ck_assert_str_eq(url_of(AWS_SSO_ADMIN, "eu-west-1", NULL),
	    "http://es:1/");
	ck_assert_str_eq(url_of(AWS_STS, "eu-west-1", NULL), "http://e:1/");
	ck_assert_str_eq(url_of(AWS_SSO_ADMIN, "eu-west-1", "http://c:1"),
	    "http://c:1/");
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	ck_assert_str_eq(url_of(AWS_STS, "eu-west-1", NULL),
	    "https://sts.eu-west-1.amazonaws.com/");
	ck_assert_str_eq(url_of(AWS_STS, "eu-west-1", "http://c:1"),
	    "http://c:1/");
}
END_TEST

START_TEST(times)
{
	ck_assert_int_eq(text_iso_time("2026-01-05T10:00:00Z"), FAKE_START);
	ck_assert_int_eq(text_iso_time("2026-01-05T11:00:00.25+01:00"),
	    FAKE_START + 250);
	ck_assert_int_eq(text_iso_time("2026-01-05T10:00:00"), -1);
	ck_assert_int_eq(text_iso_time("2026-13-05T10:00:00Z"), -1);
	ck_assert_int_eq(text_iso_time("tomorrow"), -1);
	ck_assert_int_eq(text_iso_time(NULL), -1);
	ck_assert_int_eq(text_http_date("Mon, 05 Jan 2026 10:00:00 GMT"),
	    FAKE_START);
	ck_assert_int_eq(text_http_date("Mon, 05 Foo 2026 10:00:00 GMT"), -1);
	ck_assert_int_eq(text_http_date("Mon, 05 Jan 2026 10:00:00 GMTx"), -1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { order, only_one_source, half_a_key,
		web_identity_is_unsigned_and_read_anew, profiles,
		assume_role_option, sts_refuses, process, words,
		container_urls, container_token_file, instance,
		one_refresh_at_a_time, renewed_before_the_end,
		expired_renews_once, failure_backs_off, endpoints,
		endpoints_told, times };
	Suite *suite = suite_create("aws-credentials");
	TCase *tc = tcase_create("credentials");
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
