/* test-sandbox.c - the local AWS: signatures, pages, work, journal, probes.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The plugin runs on a table of host calls made here: time stands still
 * until a test moves it, and requests go straight into the route.
 */

#include <check.h>
#include <unistd.h>

#include "host/base/duration.h"
#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/aws-sandbox/sandbox.h"

extern const struct bh_plugin bellhop_plugin;

#define START	1767607200000LL		/* 2026-01-05T10:00:00Z */
#define ACCOUNT	"111122223333"

/* ---- a host ---- */

struct bh_timer {
	int64_t due;
	bh_timer_cb *cb;
	void *arg;
	struct bh_timer *next;
};

struct bh_request_made {
	struct bh_request request;	/* first: the plugin sees this */
	bool answered;
	int status;
	long cut;
	char body[262144];
	char error[80];
};

static struct bh_api api;
static struct bh_host host = { &api };
static int64_t now;
static struct bh_timer *timers;
static struct bh_pair settings[16];
static char published[64];
static void *state;
static bh_route_cb *root;
static void *root_arg;

static int64_t
api_now(struct bh_host *h)
{
	(void)h;
	return now;
}

static void
api_random(struct bh_host *h, void *out, size_t len)
{
	static uint64_t x = 88172645463325252ull;
	unsigned char *p = (unsigned char *)out;

	(void)h;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (unsigned char)(x >> 32);
	}
}

static void BH_PRINTF(3, 4)
api_quiet(struct bh_host *h, int level, const char *fmt, ...)
{
	(void)h;
	(void)level;
	(void)fmt;
}

static const char *
api_config(struct bh_host *h, const char *key)
{
	(void)h;
	for (size_t i = 0; settings[i].name != NULL; i++)
		if (strcmp(settings[i].name, key) == 0)
			return settings[i].value;
	return NULL;
}

static const char *
api_instance(struct bh_host *h)
{
	(void)h;
	return "local";
}

static struct bh_timer *
api_after(struct bh_host *h, int64_t ms, bh_timer_cb *cb, void *arg)
{
	struct bh_timer *t = (struct bh_timer *)calloc(1, sizeof(*t));

	(void)h;
	ck_assert_ptr_nonnull(t);
	t->due = now + ms;
	t->cb = cb;
	t->arg = arg;
	t->next = timers;
	timers = t;
	return t;
}

static void
api_cancel(struct bh_timer *timer)
{
	for (struct bh_timer **p = &timers; *p != NULL; p = &(*p)->next)
		if (*p == timer) {
			*p = timer->next;
			free(timer);
			return;
		}
	ck_assert_ptr_null(timer);
}

static struct bh_server *
api_listen(struct bh_host *h, const char *address, int *port,
    const char **error)
{
	(void)h;
	(void)error;
	ck_assert_str_eq(address, "127.0.0.1");
	*port = 4711;
	return (struct bh_server *)&host;
}

static int
api_route(struct bh_host *h, struct bh_server *server, const char *method,
    const char *path, bh_route_cb *cb, void *arg)
{
	(void)h;
	(void)server;
	(void)method;
	if (strcmp(path, "/") == 0) {
		root = cb;
		root_arg = arg;
	}
	return BH_OK;
}

static void
api_respond(struct bh_request *request, const struct bh_http_out *out)
{
	struct bh_request_made *r = (struct bh_request_made *)request;

	ck_assert(!r->answered);
	r->answered = true;
	r->status = out->status;
	r->cut = out->cut;
	snprintf(r->body, sizeof(r->body), "%.*s", (int)out->body_len,
	    (const char *)out->body);
	for (const char *const *h = out->headers; *h != NULL; h++)
		if (strncmp(*h, "x-amzn-ErrorType: ", 18) == 0)
			snprintf(r->error, sizeof(r->error), "%s", *h + 18);
}

static void
api_publish(struct bh_host *h, const char *name, const char *value)
{
	(void)h;
	if (strcmp(name, "sandbox/local") == 0)
		snprintf(published, sizeof(published), "%s", value);
}

static struct bh_value *
api_json(const char *text, size_t len, const char **error)
{
	return json_parse(text, len, error);
}

static void
api_json_free(struct bh_value *v)
{
	value_free(v);
}

static int64_t
api_duration(const char *text, const char **error)
{
	return duration_parse(text, error);
}

/* Moves time, running what falls due in order. */
static void
advance(int64_t ms)
{
	int64_t end = now + ms;

	for (;;) {
		struct bh_timer *first = NULL;

		for (struct bh_timer *t = timers; t != NULL; t = t->next)
			if (t->due <= end &&
			    (first == NULL || t->due < first->due))
				first = t;
		if (first == NULL)
			break;

		bh_timer_cb *cb = first->cb;
		void *arg = first->arg;

		if (first->due > now)
			now = first->due;
		api_cancel(first);
		cb(arg);
	}
	now = end;
}

static void
open_sandbox(void)
{
	api = (struct bh_api){ .size = sizeof(api), .now = api_now,
	    .mono = api_now, .random = api_random, .log = api_quiet,
	    .host_config = api_config, .instance = api_instance,
	    .json = api_json, .json_free = api_json_free,
	    .after = api_after, .cancel = api_cancel, .listen = api_listen,
	    .route = api_route, .respond = api_respond, .health = api_quiet,
	    .publish = api_publish, .duration = api_duration };
	ck_assert_int_eq(bellhop_plugin.open(&host, &state), BH_OK);
}

static void
close_sandbox(void)
{
	bellhop_plugin.close(state);
	ck_assert_ptr_null(timers);
	state = NULL;
}

static void
setup(void)
{
	now = START;
	memset(settings, 0, sizeof(settings));
	settings[0] = (struct bh_pair){ "jitter", "0s" };
	settings[1] = (struct bh_pair){ "delay", "3s" };
	open_sandbox();
}

/* ---- requests ---- */

static struct bh_request_made made;

static struct sandbox *
sandbox(void)
{
	return sandbox_of(state);
}

/* Signs with `secret` at `when` and sends; the answer is in `made`. */
static void
send_as(const char *secret, int64_t when, const char *target,
    const char *body)
{
	char stamp[20], scope[80], signature[65], authorization[400];
	struct bh_pair headers[] = {
		{ "host", "127.0.0.1:4711" },
		{ "x-amz-date", stamp },
		{ "x-amz-target", target },
		{ "authorization", authorization },
	};
	struct bh_http_in in = { .method = "POST", .path = "/", .query = "",
	    .peer = "127.0.0.1", .headers = headers,
	    .headers_count = COUNT(headers), .body = body,
	    .body_len = strlen(body) };
	const char *service = target[0] == 'S' ? "sso" :
	    strncmp(target, "AWSI", 4) == 0 ? "identitystore" : "organizations";

	format_stamp(stamp, when);
	snprintf(scope, sizeof(scope), "%.8s/eu-west-1/%s/aws4_request", stamp,
	    service);
	ck_assert(verify_signature(&in, secret,
	    "host;x-amz-date;x-amz-target", stamp, scope, signature));
	snprintf(authorization, sizeof(authorization), "AWS4-HMAC-SHA256 "
	    "Credential=AKIDSANDBOX000000001/%s, "
	    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=%s", scope,
	    signature);
	memset(&made, 0, sizeof(made));
	made.request.api = &api;
	root(root_arg, &made.request, &in);
}

static void
ask(const char *target, const char *body)
{
	send_as("sandbox-secret-key", now, target, body);
}

#define SSO_OP(name)	"SWBExternalService." name

/* A copy of the member's text in the answer ("" if it is not there). */
static const char *
said(const char *member)
{
	static char out[4096];
	char key[80];
	const char *s;

	snprintf(key, sizeof(key), "\"%s\":\"", member);
	s = strstr(made.body, key);
	if (s == NULL)
		return "";
	s += strlen(key);
	snprintf(out, sizeof(out), "%.*s", (int)strcspn(s, "\""), s);
	return out;
}

static void
write_call(const char *op, const char *who)
{
	struct sandbox *sb = sandbox();
	struct bh_buf b = BH_BUF(4096);
	char target[80];

	snprintf(target, sizeof(target), "SWBExternalService.%s", op);
	bh_buf_add(&b, "{\"InstanceArn\":\"%s\",\"TargetId\":\"%s\","
	    "\"TargetType\":\"AWS_ACCOUNT\",\"PermissionSetArn\":\"%s\","
	    "\"PrincipalType\":\"USER\",\"PrincipalId\":\"%s\"}", INSTANCE_ARN,
	    ACCOUNT, sb->sets.at[set_find(sb, "PowerUser")].arn,
	    sb->principals.at[principal_find(sb, who)].id);
	ask(target, bh_buf_text(&b));
	bh_buf_release(&b);
}

static int
probe(const char *line)
{
	struct bh_buf answer = BH_BUF(4096);
	int ret = bellhop_plugin.probe(state, line, &answer);

	/* What does not hold must say why. */
	ck_assert(ret == BH_OK || answer.len > 0);
	bh_buf_release(&answer);
	return ret;
}

/* ---- signatures ---- */

/* The worked example of AWS's documentation of Signature Version 4. */
START_TEST(known_signature)
{
	struct bh_pair headers[] = {
		{ "content-type",
		  "application/x-www-form-urlencoded; charset=utf-8" },
		{ "host", "iam.amazonaws.com" },
		{ "x-amz-date", "20150830T123600Z" },
	};
	struct bh_http_in in = { .method = "GET", .path = "/",
	    .query = "Version=2010-05-08&Action=ListUsers", .headers = headers,
	    .headers_count = 3, .body = "" };
	char out[65];

	ck_assert(verify_signature(&in,
	    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	    "content-type;host;x-amz-date", "20150830T123600Z",
	    "20150830/us-east-1/iam/aws4_request", out));
	ck_assert_str_eq(out, "5d672d79c15b13162d9279b0855cfba6"
	    "789a8edb4c82c400e06b5924a6f2b5d7");
	ck_assert(!verify_signature(&in, "x", "host;x-amz-target",
	    "20150830T123600Z", "20150830/us-east-1/iam/aws4_request", out));
}
END_TEST

START_TEST(signed_is_heard)
{
	ask(SSO_OP("ListInstances"), "{}");
	ck_assert_int_eq(made.status, 200);
	ck_assert_str_eq(said("InstanceArn"), INSTANCE_ARN);
	ck_assert_str_eq(published, "http://127.0.0.1:4711");
}
END_TEST

START_TEST(badly_signed_is_not)
{
	send_as("wrong", now, SSO_OP("ListInstances"), "{}");
	ck_assert_int_eq(made.status, 400);
	ck_assert_str_eq(made.error, "InvalidSignatureException");

	send_as("sandbox-secret-key", now - 301000, SSO_OP("ListInstances"),
	    "{}");
	ck_assert_str_eq(made.error, "InvalidSignatureException");
	ck_assert_ptr_nonnull(strstr(made.body, "Signature expired: "
	    "20260105T095459Z is now earlier than 20260105T095500Z"));
	send_as("sandbox-secret-key", now + 301000, SSO_OP("ListInstances"),
	    "{}");
	ck_assert_ptr_nonnull(strstr(made.body, "not yet current"));
	send_as("sandbox-secret-key", now - 299000, SSO_OP("ListInstances"),
	    "{}");
	ck_assert_int_eq(made.status, 200);
}
END_TEST

START_TEST(unsigned_writes_are_not_seen)
{
	struct bh_pair headers[] = { { "x-amz-target",
	    SSO_OP("CreateAccountAssignment") } };
	struct bh_http_in in = { .method = "POST", .path = "/",
	    .peer = "127.0.0.1", .headers = headers, .headers_count = 1,
	    .body = "{}", .body_len = 2 };

	memset(&made, 0, sizeof(made));
	made.request.api = &api;
	root(root_arg, &made.request, &in);
	ck_assert_str_eq(made.error, "MissingAuthenticationTokenException");
	ck_assert_int_eq(probe("aws sees nothing new"), BH_OK);
}
END_TEST

START_TEST(bodies_that_are_none)
{
	ask(SSO_OP("ListInstances"), "{");
	ck_assert_str_eq(made.error, "SerializationException");
	ask(SSO_OP("ListInstances"), "[]");
	ck_assert_str_eq(made.error, "SerializationException");
	ask(SSO_OP("ListInstances"), "{\"MaxResults\":\"many\"}");
	ck_assert_str_eq(made.error, "SerializationException");
	ask(SSO_OP("Nothing"), "{}");
	ck_assert_str_eq(made.error, "UnknownOperationException");
}
END_TEST

/* ---- pages ---- */

START_TEST(pages_neither_hide_nor_repeat)
{
	char body[400], token[200];
	char seen[64][16];
	size_t n = 0;

	snprintf(body, sizeof(body), "{\"IdentityStoreId\":\"%s\","
	    "\"MaxResults\":4}", STORE_ID);
	for (;;) {
		ask("AWSIdentityStore.ListUsers", body);
		ck_assert_int_eq(made.status, 200);
		for (const char *s = made.body;
		    (s = strstr(s, "\"UserName\":\"")) != NULL; s++) {
			snprintf(seen[n], sizeof(seen[n]), "%.*s",
			    (int)strcspn(s + 12, "\""), s + 12);
			for (size_t i = 0; i < n; i++)
				ck_assert_str_ne(seen[i], seen[n]);
			n++;
		}
		snprintf(token, sizeof(token), "%s", said("NextToken"));
		if (token[0] == '\0')
			break;
		/* Somebody of the first page goes: nobody slips through. */
		if (n == 4)
			ck_assert_int_eq(probe("aws deletes user ada"), BH_OK);
		snprintf(body, sizeof(body), "{\"IdentityStoreId\":\"%s\","
		    "\"MaxResults\":4,\"NextToken\":\"%s\"}", STORE_ID, token);
	}
	ck_assert_uint_eq(n, 14);

	snprintf(body, sizeof(body), "{\"IdentityStoreId\":\"%s\","
	    "\"NextToken\":\"AAMA0000000000\"}", STORE_ID);
	ask("AWSIdentityStore.ListUsers", body);
	ck_assert_str_eq(made.error, "ValidationException");
}
END_TEST

/* ---- work ---- */

START_TEST(work_takes_its_time)
{
	write_call("CreateAccountAssignment", "ada");
	ck_assert_str_eq(said("Status"), "IN_PROGRESS");
	write_call("DeleteAccountAssignment", "ada");
	ck_assert_str_eq(made.error, "ConflictException");
	advance(2999);
	ck_assert_int_eq(probe("aws has no ada prod-payments PowerUser"),
	    BH_OK);
	ck_assert_int_eq(probe("aws has ada prod-payments PowerUser"),
	    BH_PENDING);
	advance(1);
	ck_assert_int_eq(probe("aws has ada prod-payments PowerUser"), BH_OK);
	write_call("DeleteAccountAssignment", "ada");
	ck_assert_str_eq(said("Status"), "IN_PROGRESS");
	advance(3000);
	ck_assert_int_eq(probe("aws has no ada prod-payments PowerUser"),
	    BH_OK);
	ck_assert_int_eq(probe("aws idle"), BH_OK);
}
END_TEST

START_TEST(a_quota_of_twenty)
{
	int refused = 0;

	for (int i = 0; i < 25; i++) {
		ask(SSO_OP("ListInstances"), "{}");
		refused += strcmp(made.error, "ThrottlingException") == 0;
	}
	ck_assert_int_eq(refused, 5);
	advance(100);			/* two more after a tenth of a second */
	for (int i = 0; i < 3; i++)
		ask(SSO_OP("ListInstances"), "{}");
	ck_assert_str_eq(made.error, "ThrottlingException");
	advance(1000);
	ask(SSO_OP("ListInstances"), "{}");
	ck_assert_int_eq(made.status, 200);
}
END_TEST

START_TEST(late_is_applied_late)
{
	ck_assert_int_eq(probe("aws fault CreateAccountAssignment late "
	    "ms=10s"), BH_OK);
	write_call("CreateAccountAssignment", "ada");
	ck_assert(made.answered);
	ck_assert_int_eq(made.cut, -1);
	ck_assert_int_eq(probe("aws sees CreateAccountAssignment ada "
	    "prod-payments PowerUser"), BH_OK);
	advance(12900);
	ck_assert_int_eq(probe("aws has no ada prod-payments PowerUser"),
	    BH_OK);
	advance(200);
	ck_assert_int_eq(probe("aws has ada prod-payments PowerUser"), BH_OK);
}
END_TEST

START_TEST(slow_waits_and_close_hangs_up)
{
	ck_assert_int_eq(probe("aws fault * slow ms=5000"), BH_OK);
	ask(SSO_OP("ListInstances"), "{}");
	ck_assert(!made.answered);
	advance(5000);
	ck_assert(made.answered);
	ck_assert_int_eq(made.status, 200);
	ck_assert_int_eq(probe("aws fault * slow ms=5000"), BH_OK);
	ask(SSO_OP("ListInstances"), "{}");
	close_sandbox();
	ck_assert(made.answered);
	ck_assert_int_eq(made.cut, -1);
	open_sandbox();
}
END_TEST

/* ---- probes ---- */

START_TEST(probes_are_strict)
{
	ck_assert_int_eq(probe("sees CreateAccountAssignment ada "
	    "prod-payments PowerUser"), BH_PENDING);
	write_call("CreateAccountAssignment", "ada");
	ck_assert_int_eq(probe("aws sees nothing new"), BH_ECONFLICT);
	ck_assert_int_eq(probe("aws sees CreateAccountAssignment grace "
	    "prod-payments PowerUser"), BH_ECONFLICT);
	ck_assert_int_eq(probe("aws sees DeleteAccountAssignment ada "
	    "prod-payments PowerUser"), BH_ECONFLICT);
	ck_assert_int_eq(probe("aws sees CreateAccountAssignment ada "
	    "prod-payments PowerUser"), BH_OK);
	ck_assert_int_eq(probe("aws sees nothing new"), BH_OK);
	ck_assert_int_eq(probe("aws sees CreateAccountAssignment adda "
	    "prod-payments PowerUser"), BH_EINVAL);
	ck_assert_int_eq(probe("aws has ada prod-payment PowerUser"),
	    BH_ENOENT);
	ck_assert_int_eq(probe("aws dances"), BH_EINVAL);
	ck_assert_int_eq(probe("aws fault Nothing late"), BH_EINVAL);
	ck_assert_int_eq(probe("aws adds annie \"Payments Leads\""), BH_OK);
}
END_TEST

START_TEST(probes_count)
{
	ask(SSO_OP("ListInstances"), "{}");
	ck_assert_int_eq(probe("aws counts from here"), BH_OK);
	write_call("CreateAccountAssignment", "ada");
	ask(SSO_OP("ListAccountAssignmentCreationStatus"),
	    "{\"InstanceArn\":\"" INSTANCE_ARN "\"}");
	ck_assert_int_eq(made.status, 200);
	ck_assert_int_eq(probe("aws calls sso-admin <= 2"), BH_OK);
	ck_assert_int_eq(probe("aws calls sso-admin <= 1"), BH_ECONFLICT);
	ck_assert_int_eq(probe("aws calls sso-admin besides polls = 1"),
	    BH_OK);
	ck_assert_int_eq(probe("aws calls CreateAccountAssignment = 1"),
	    BH_OK);
	ck_assert_int_eq(probe("aws calls identitystore = 0"), BH_OK);
}
END_TEST

/* ---- the journal ---- */

static char directory[] = "/tmp/test-sandbox-XXXXXX";

static void
restart(void)
{
	close_sandbox();
	open_sandbox();
}

START_TEST(a_restart_loses_nothing)
{
	char id[37], body[256];

	close_sandbox();
	ck_assert_ptr_nonnull(mkdtemp(directory));
	settings[2] = (struct bh_pair){ "state", directory };
	open_sandbox();
	write_call("CreateAccountAssignment", "ada");
	advance(3000);
	ck_assert_int_eq(probe("aws disables katherine"), BH_OK);
	ck_assert_int_eq(probe("aws unassigns margaret prod-payments "
	    "ReadOnly"), BH_OK);
	ck_assert_int_eq(probe("aws adds annie \"Payments Leads\""), BH_OK);
	ck_assert_int_eq(probe("aws suspends playground"), BH_OK);
	write_call("CreateAccountAssignment", "grace");
	snprintf(id, sizeof(id), "%s", said("RequestId"));
	advance(1000);
	restart();

	struct sandbox *sb = sandbox();

	ck_assert_int_eq(probe("aws has ada prod-payments PowerUser"), BH_OK);
	ck_assert_int_eq(probe("aws has no margaret prod-payments ReadOnly"),
	    BH_OK);
	ck_assert(sb->principals.at[principal_find(sb, "katherine")].disabled);
	ck_assert(!sb->principals.at[principal_find(sb, "grace")].disabled);
	ck_assert(sb->accounts.at[account_find(sb, "playground")].suspended);
	ck_assert_int_ge(member_find(sb, principal_find(sb, "Payments Leads"),
	    principal_find(sb, "annie")), 0);

	/* What was accepted is finished, under the same id. */
	ck_assert_int_eq(probe("aws has no grace prod-payments PowerUser"),
	    BH_OK);
	advance(2000);
	ck_assert_int_eq(probe("aws has grace prod-payments PowerUser"),
	    BH_OK);
	snprintf(body, sizeof(body), "{\"InstanceArn\":\"%s\","
	    "\"AccountAssignmentCreationRequestId\":\"%s\"}", INSTANCE_ARN,
	    id);
	ask(SSO_OP("DescribeAccountAssignmentCreationStatus"), body);
	ck_assert_str_eq(said("Status"), "SUCCEEDED");

	/* A line cut by a crash is no reason not to start; nonsense is. */
	char path[80];
	void *none = NULL;

	snprintf(path, sizeof(path), "%s/journal", directory);
	close_sandbox();

	FILE *f = fopen(path, "a");

	ck_assert_ptr_nonnull(f);
	fputs("{\"t\":\"unassign\",\"a\":\"111", f);
	fclose(f);
	open_sandbox();
	ck_assert_int_eq(probe("aws has ada prod-payments PowerUser"), BH_OK);
	/* Two in one directory would write over one another. */
	ck_assert_int_eq(bellhop_plugin.open(&host, &none), BH_EBUSY);
	close_sandbox();
	f = fopen(path, "a");
	ck_assert_ptr_nonnull(f);
	fputs("nonsense\n", f);
	fclose(f);
	ck_assert_int_eq(bellhop_plugin.open(&host, &none), BH_EPARSE);

	unlink(path);
	snprintf(path, sizeof(path), "%s/lock", directory);
	unlink(path);
	rmdir(directory);
	settings[2] = (struct bh_pair){ NULL, NULL };
	open_sandbox();
}
END_TEST

START_TEST(options_that_make_no_sense)
{
	static const struct bh_pair bad[] = {
		{ "delay", "soon" }, { "rate", "fast" }, { "caller", "nobody" },
		{ "listen", "127.0.0.1" }, { "listen", "127.0.0.1:70000" },
		{ "accounts", "-1" },
	};
	void *none = NULL;

	for (size_t i = 0; i < COUNT(bad); i++) {
		settings[0] = bad[i];	/* the first one counts */
		ck_assert_int_lt(bellhop_plugin.open(&host, &none), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, close_sandbox);
	tcase_add_test(t, known_signature);
	tcase_add_test(t, signed_is_heard);
	tcase_add_test(t, badly_signed_is_not);
	tcase_add_test(t, unsigned_writes_are_not_seen);
	tcase_add_test(t, bodies_that_are_none);
	tcase_add_test(t, pages_neither_hide_nor_repeat);
	tcase_add_test(t, work_takes_its_time);
	tcase_add_test(t, a_quota_of_twenty);
	tcase_add_test(t, late_is_applied_late);
	tcase_add_test(t, slow_waits_and_close_hangs_up);
	tcase_add_test(t, probes_are_strict);
	tcase_add_test(t, probes_count);
	tcase_add_test(t, a_restart_loses_nothing);
	tcase_add_test(t, options_that_make_no_sense);
	suite_add_tcase(s, t);

	SRunner *runner = srunner_create(s);

	srunner_run_all(runner, CK_NORMAL);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
