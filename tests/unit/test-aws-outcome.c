/* test-aws-outcome.c - what came of a write: every class of answer, one by
 * one, and the calls that lead there.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "plugins/aws-sso/aws/identity-center.h"
#include "tests/unit/fake-host.h"

#define ARN	"arn:aws:sso:::instance/ssoins-0123456789abcdef"
#define SET	"arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-1"
#define ID	"11111111-2222-3333-4444-555555555555"
#define STATUS_OF(op, status, extra)					\
	"{\"AccountAssignment" op "Status\":{\"Status\":\"" status "\","	\
	"\"RequestId\":\"" ID "\",\"TargetId\":\"111122223333\","		\
	"\"TargetType\":\"AWS_ACCOUNT\",\"PermissionSetArn\":\"" SET "\","	\
	"\"PrincipalType\":\"USER\",\"PrincipalId\":\"u-ada\","		\
	"\"CreatedDate\":1767607200.5" extra "}}"

static struct fake *fake;
static struct aws *aws;
static const struct sso_tuple tuple = { "111122223333", SET, "u-ada" };

static struct {
	int calls;
	enum sso_outcome outcome;
	enum sso_status status;
	char request_id[64], error[64], reason[512], aws_id[64];
	int64_t retry_after, created;
} got;
static size_t rows;
static int gate_answer;

static void
setup(void)
{
	const char *error = NULL;
	static const char *const config[] = { "region", "eu-west-1",
		"access-key-id", "AKIDEXAMPLE", "secret-access-key", "secret",
		"instance", ARN, "identity-store", "d-1234567890" };

	unsetenv("AWS_ENDPOINT_URL");
	fake = fake_new();
	for (size_t i = 0; i < 10; i++)
		fake->config[i] = config[i];
	ck_assert_int_eq(aws_open(&fake->host, &aws, &error), BH_OK);
	memset(&got, 0, sizeof(got));
	rows = 99;
	gate_answer = 0;
}

static void
teardown(void)
{
	aws_close(&aws);
	fake_free(&fake);
}

static void
copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from != NULL ? from : "");
}

static void
came(void *arg, const struct sso_result *r)
{
	(void)arg;
	got.calls++;
	got.outcome = r->outcome;
	got.status = r->status;
	got.retry_after = r->retry_after;
	got.created = r->created;
	copy(got.request_id, sizeof(got.request_id), r->request_id);
	copy(got.error, sizeof(got.error), r->error);
	copy(got.reason, sizeof(got.reason), r->reason);
	copy(got.aws_id, sizeof(got.aws_id), r->aws_request_id);
}

static int
gate(void *arg)
{
	(void)arg;
	return gate_answer;
}

static void
with_slot(void *arg, struct aws_slot *slot)
{
	struct aws_slot **mine = arg;

	ck_assert_ptr_eq(*mine, slot);
	sso_create(aws, &tuple, bh_now(&fake->host), gate, came, NULL);
}

/* One create from slot to answer. */
static void
create(void)
{
	struct aws_slot *slot = aws_slot(aws, AWS_GRANT, with_slot, &slot);

	fake_run(fake, 30000);
	aws_slot_free(&slot);
	ck_assert_int_eq(got.calls, 1);
}

static void
answer_with(int status, const char *body)
{
	fake_answer(fake, &(struct fake_answer){ .match =
	    "CreateAccountAssignment", .status = status, .body = body });
}

static void
refused(int status, const char *body, enum sso_outcome outcome)
{
	answer_with(status, body);
	create();
	ck_assert_int_eq(got.outcome, (int)outcome);
	ck_assert_uint_eq(fake_count(fake, "CreateAccountAssignment"), 1);
}

START_TEST(accepted)
{
	struct aws_figures figures;

	fake_answer(fake, &(struct fake_answer){
	    .match = "CreateAccountAssignment",
	    .body = STATUS_OF("Creation", "IN_PROGRESS", ""),
	    .headers = { "x-amzn-requestid", "req-1" } });
	create();
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_int_eq(got.status, SSO_IN_PROGRESS);
	ck_assert_str_eq(got.request_id, ID);
	ck_assert_str_eq(got.aws_id, "req-1");
	ck_assert_int_eq(got.created, 1767607200500);

	const struct fake_request *r = fake_find(fake, "Create", 0);

	ck_assert_str_eq(r->url, "https://sso.eu-west-1.amazonaws.com/");
	ck_assert_str_eq(r->target,
	    "SWBExternalService.CreateAccountAssignment");
	ck_assert_str_eq(r->body, "{\"InstanceArn\":\"" ARN "\","
	    "\"TargetId\":\"111122223333\",\"TargetType\":\"AWS_ACCOUNT\","
	    "\"PermissionSetArn\":\"" SET "\",\"PrincipalType\":\"USER\","
	    "\"PrincipalId\":\"u-ada\"}");
	ck_assert_ptr_nonnull(strstr(fake_header(r, "Authorization"),
	    "/20260105/eu-west-1/sso/aws4_request"));
	aws_figures(aws, &figures);
	ck_assert_uint_eq(figures.outstanding, 0);
	ck_assert_uint_eq(figures.calls[AWS_SSO_ADMIN], 1);
}
END_TEST

START_TEST(signed_with_the_intents_date)
{
	answer_with(200, STATUS_OF("Creation", "IN_PROGRESS", ""));
	sso_create(aws, &tuple, FAKE_START - 61000, NULL, came, NULL);
	/* The keys were not there yet, and nothing may wait for them. */
	fake_run(fake, 10);
	ck_assert_int_eq(got.outcome, SSO_NOT_SENT);
	sso_create(aws, &tuple, FAKE_START - 61000, NULL, came, NULL);
	fake_run(fake, 10);
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_int_eq(strncmp(fake_header(fake_find(fake, "Create", 0),
	    "X-Amz-Date"), "20260105T095859Z\n", 17), 0);
}
END_TEST

START_TEST(done_at_once)
{
	answer_with(200, STATUS_OF("Creation", "SUCCEEDED", ""));
	create();
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_int_eq(got.status, SSO_SUCCEEDED);
}
END_TEST

START_TEST(failed_with_reason)
{
	answer_with(200, STATUS_OF("Creation", "FAILED",
	    ",\"FailureReason\":\"Received a 404 status error: x\""));
	create();
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_int_eq(got.status, SSO_FAILED);
	ck_assert_str_eq(got.reason, "Received a 404 status error: x");
}
END_TEST

START_TEST(conflict)
{
	refused(400, "{\"__type\":\"ConflictException\","
	    "\"Message\":\"busy\"}", SSO_CONFLICT);
	ck_assert_str_eq(got.reason, "busy");
	ck_assert_str_eq(got.error, "ConflictException");
}
END_TEST

START_TEST(throttled)
{
	fake_answer(fake, &(struct fake_answer){
	    .match = "CreateAccountAssignment", .status = 400,
	    .body = "{\"__type\":\"com.amazonaws.x#ThrottlingException:http\"}",
	    .headers = { "x-amz-retry-after", "1500" } });
	create();
	ck_assert_int_eq(got.outcome, SSO_THROTTLED);
	ck_assert_int_eq(got.retry_after, 1500);
	ck_assert_uint_eq(fake_count(fake, "Create"), 1);
}
END_TEST

START_TEST(too_many_outstanding)
{
	struct aws_figures figures;

	refused(400, "{\"__type\":\"ThrottlingException\",\"message\":\"There "
	    "are too many requests processing. Please try again later.\"}",
	    SSO_THROTTLED);
	aws_figures(aws, &figures);
	ck_assert_uint_eq(figures.outstanding_limit, 5);
}
END_TEST

START_TEST(internal_error)
{
	refused(500, "{\"__type\":\"InternalServerException\"}",
	    SSO_FAILED_5XX);
}
END_TEST

/* By its name, whatever status stands beside it. */
START_TEST(internal_by_name)
{
	static const char *const names[] = { "InternalServerException",
	    "InternalFailure", "ServiceUnavailableException",
	    "RequestTimeoutException" };
	char body[80];

	snprintf(body, sizeof(body), "{\"__type\":\"%s\"}", names[_i]);
	refused(400, body, SSO_FAILED_5XX);
}
END_TEST

START_TEST(html_error)
{
	refused(500, "<html><body>Internal Server Error</body></html>",
	    SSO_UNKNOWN);
}
END_TEST

START_TEST(error_in_the_header_only)
{
	fake_answer(fake, &(struct fake_answer){
	    .match = "CreateAccountAssignment", .status = 400, .body = "",
	    .headers = { "x-amzn-errortype", "ConflictException:" } });
	create();
	ck_assert_int_eq(got.outcome, SSO_CONFLICT);
}
END_TEST

START_TEST(denied)
{
	refused(400, "{\"__type\":\"AccessDeniedException\","
	    "\"Message\":\"User is not authorized\"}", SSO_DENIED);
}
END_TEST

START_TEST(invalid)
{
	refused(400, "{\"__type\":\"ValidationException\"}", SSO_INVALID);
}
END_TEST

START_TEST(account_quota)
{
	refused(402, "{\"__type\":\"ServiceQuotaExceededException\"}",
	    SSO_INVALID);
}
END_TEST

START_TEST(not_found)
{
	refused(404, "{\"__type\":\"ResourceNotFoundException\"}",
	    SSO_NOT_FOUND);
}
END_TEST

static void
broken(bool unsent, int result, enum sso_outcome outcome)
{
	fake_answer(fake, &(struct fake_answer){
	    .match = "CreateAccountAssignment", .result = result,
	    .unsent = unsent });
	create();
	ck_assert_int_eq(got.outcome, (int)outcome);
	ck_assert_uint_eq(fake_count(fake, "Create"), 1);
}

START_TEST(connection_refused)
{
	broken(true, BH_ENET, SSO_NOT_SENT);
}
END_TEST

START_TEST(connection_reset)
{
	broken(false, BH_ENET, SSO_UNKNOWN);
}
END_TEST

START_TEST(timeout)
{
	broken(false, BH_ETIMEOUT, SSO_UNKNOWN);
}
END_TEST

START_TEST(half_an_answer)
{
	refused(200, "{\"AccountAssignmentCreationStatus\":{\"Status\":\"IN_P",
	    SSO_UNKNOWN);
}
END_TEST

START_TEST(empty_answer)
{
	refused(200, "", SSO_UNKNOWN);
}
END_TEST

START_TEST(no_status_in_it)
{
	refused(200, "{\"Instances\":[]}", SSO_UNKNOWN);
}
END_TEST

START_TEST(unheard_of_status)
{
	answer_with(200, STATUS_OF("Creation", "PONDERING", ""));
	create();
	ck_assert_int_eq(got.outcome, SSO_UNKNOWN);
}
END_TEST

START_TEST(answer_to_the_other_operation)
{
	answer_with(200, STATUS_OF("Deletion", "SUCCEEDED", ""));
	create();
	ck_assert_int_eq(got.outcome, SSO_UNKNOWN);
	ck_assert_str_eq(got.request_id, "");
}
END_TEST

START_TEST(answer_about_another_tuple)
{
	answer_with(200, "{\"AccountAssignmentCreationStatus\":{\"Status\":"
	    "\"SUCCEEDED\",\"RequestId\":\"" ID "\",\"TargetId\":"
	    "\"999999999999\",\"PermissionSetArn\":\"" SET "\","
	    "\"PrincipalId\":\"u-ada\"}}");
	create();
	ck_assert_int_eq(got.outcome, SSO_UNKNOWN);
	ck_assert_str_eq(got.request_id, "");
}
END_TEST

START_TEST(redirect)
{
	refused(307, "", SSO_UNKNOWN);
}
END_TEST

START_TEST(gate_says_no)
{
	answer_with(200, STATUS_OF("Creation", "IN_PROGRESS", ""));
	gate_answer = -1;
	create();
	ck_assert_int_eq(got.outcome, SSO_NOT_SENT);
	ck_assert(!fake_find(fake, "Create", 0)->sent);
}
END_TEST

START_TEST(wrong_clock_is_mended)
{
	struct aws_figures figures;

	fake->clock_ahead = 20 * 60000;
	fake_answer(fake, &(struct fake_answer){
	    .match = "CreateAccountAssignment", .status = 400, .times = 1,
	    .body = "{\"__type\":\"InvalidSignatureException\"}",
	    .headers = { "date", "Mon, 05 Jan 2026 10:00:00 GMT" } });
	create();
	ck_assert_int_eq(got.outcome, SSO_NOT_SENT);
	ck_assert_uint_eq(fake_count(fake, "Create"), 1);
	aws_figures(aws, &figures);
	ck_assert_int_eq(figures.clock_offset, -20 * 60000);
	fake_answer(fake, &(struct fake_answer){ .match = "Create",
	    .body = STATUS_OF("Creation", "IN_PROGRESS", "") });
	got.calls = 0;
	create();
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_int_eq(strncmp(fake_header(fake_find(fake, "Create", 1),
	    "X-Amz-Date"), "20260105T1000", 13), 0);
}
END_TEST

START_TEST(wrong_signature_with_right_clock)
{
	fake_answer(fake, &(struct fake_answer){
	    .match = "CreateAccountAssignment", .status = 400,
	    .body = "{\"__type\":\"InvalidSignatureException\"}",
	    .headers = { "date", "Mon, 05 Jan 2026 10:00:00 GMT" } });
	create();
	ck_assert_int_eq(got.outcome, SSO_DENIED);
}
END_TEST

/* Late, and not wrong: another one, signed anew, is the remedy. */
START_TEST(late_signature_with_right_clock)
{
	fake_answer(fake, &(struct fake_answer){
	    .match = "CreateAccountAssignment", .status = 400,
	    .body = "{\"__type\":\"InvalidSignatureException\","
	    "\"message\":\"Signature expired: 20260105T095000Z is now "
	    "earlier than 20260105T095500Z\"}",
	    .headers = { "date", "Mon, 05 Jan 2026 10:00:00 GMT" } });
	create();
	ck_assert_int_eq(got.outcome, SSO_NOT_SENT);
}
END_TEST

START_TEST(expired_keys_that_never_change)
{
	refused(400, "{\"__type\":\"ExpiredTokenException\"}", SSO_DENIED);
}
END_TEST

static void
with_delete_slot(void *arg, struct aws_slot *slot)
{
	(void)arg;
	(void)slot;
	sso_delete(aws, &tuple, bh_now(&fake->host), NULL, came, NULL);
}

START_TEST(deletion)
{
	struct aws_slot *slot = aws_slot(aws, AWS_REVOKE, with_delete_slot,
	    NULL);

	fake_ok(fake, "DeleteAccountAssignment",
	    STATUS_OF("Deletion", "IN_PROGRESS", ""));
	fake_run(fake, 100);
	aws_slot_free(&slot);
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_str_eq(got.request_id, ID);
}
END_TEST

START_TEST(nothing_after_the_close)
{
	fake_ok(fake, "DeleteAccountAssignment",
	    STATUS_OF("Deletion", "IN_PROGRESS", ""));
	sso_list_permission_sets(aws, AWS_STATUS, NULL, NULL);
	fake_run(fake, 0);	/* fetches the keys */
	sso_delete(aws, &tuple, bh_now(&fake->host), NULL, came, NULL);
	aws_close(&aws);
	ck_assert_int_eq(aws_open(&fake->host, &aws, &(const char *){ 0 }),
	    BH_OK);
	fake_run(fake, 100);
	ck_assert_int_eq(got.calls, 0);
}
END_TEST

START_TEST(described)
{
	fake_ok(fake, "DescribeAccountAssignmentDeletionStatus",
	    STATUS_OF("Deletion", "SUCCEEDED", ""));
	sso_deletion_status(aws, ID, AWS_STATUS, came, NULL);
	fake_run(fake, 100);
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_int_eq(got.status, SSO_SUCCEEDED);
	sso_deletion_status(aws, "another-id", AWS_STATUS, came, NULL);
	fake_run(fake, 100);
	ck_assert_int_eq(got.outcome, SSO_UNKNOWN);
}
END_TEST

static void
assignments(void *arg, enum sso_outcome outcome, const char *reason,
    const struct sso_assignment *list, size_t count)
{
	(void)arg;
	got.calls++;
	got.outcome = outcome;
	copy(got.reason, sizeof(got.reason), reason);
	rows = count;
	if (count > 0) {
		ck_assert_str_eq(list[0].principal, "u-ada");
		ck_assert(!list[0].group);
		ck_assert(list[count - 1].group);
	}
}

static void
list(void)
{
	sso_list_assignments(aws, "111122223333", SET, AWS_STATUS,
	    assignments, NULL);
	fake_run(fake, 60000);
	ck_assert_int_eq(got.calls, 1);
}

START_TEST(list_of_pages)
{
	/* An empty page with a token is not the end. */
	fake_ok(fake, "\"NextToken\":\"t2\"", "{\"AccountAssignments\":["
	    "{\"PrincipalId\":\"g-1\",\"PrincipalType\":\"GROUP\"}],"
	    "\"NextToken\":null}");
	fake_ok(fake, "\"NextToken\":\"t1\"",
	    "{\"AccountAssignments\":[],\"NextToken\":\"t2\"}");
	fake_ok(fake, "ListAccountAssignments", "{\"AccountAssignments\":["
	    "{\"PrincipalId\":\"u-ada\",\"PrincipalType\":\"USER\"}],"
	    "\"NextToken\":\"t1\"}");
	list();
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_uint_eq(rows, 2);
	ck_assert_uint_eq(fake_count(fake, "ListAccountAssignments"), 3);
}
END_TEST

START_TEST(list_without_end)
{
	fake_ok(fake, "ListAccountAssignments",
	    "{\"AccountAssignments\":[],\"NextToken\":\"same\"}");
	list();
	ck_assert_int_ne(got.outcome, SSO_STATUS);
	ck_assert_uint_eq(rows, 0);
}
END_TEST

START_TEST(list_that_is_none)
{
	fake_ok(fake, "ListAccountAssignments", "{\"Users\":[]}");
	list();
	ck_assert_int_eq(got.outcome, SSO_UNKNOWN);
}
END_TEST

START_TEST(list_is_tried_again)
{
	fake_answer(fake, &(struct fake_answer){ .match = "ListAccount",
	    .result = BH_ENET, .times = 1 });
	fake_answer(fake, &(struct fake_answer){ .match = "ListAccount",
	    .status = 503, .body = "<html>", .times = 1 });
	fake_ok(fake, "ListAccount", "{\"AccountAssignments\":["
	    "{\"PrincipalId\":\"u-ada\",\"PrincipalType\":\"USER\"},"
	    "{\"PrincipalId\":\"g\",\"PrincipalType\":\"GROUP\"}]}");
	list();
	ck_assert_int_eq(got.outcome, SSO_STATUS);
	ck_assert_uint_eq(rows, 2);
	ck_assert_uint_eq(fake_count(fake, "ListAccount"), 3);
}
END_TEST

START_TEST(list_fails_half_way)
{
	fake_answer(fake, &(struct fake_answer){ .match = "\"NextToken\"",
	    .status = 400, .body = "{\"__type\":\"AccessDeniedException\"}" });
	fake_ok(fake, "ListAccountAssignments", "{\"AccountAssignments\":["
	    "{\"PrincipalId\":\"u-ada\"}],\"NextToken\":\"t1\"}");
	list();
	ck_assert_int_eq(got.outcome, SSO_DENIED);
	ck_assert_uint_eq(rows, 0);	/* half a list is none */
}
END_TEST

START_TEST(reasons)
{
	ck_assert(sso_reason_is_absent("Received a 404 status error: "
	    "EntitlementItem doesn't exist with the given entitlement key"));
	ck_assert(!sso_reason_is_absent("Received a 404 status error: Not "
	    "supported policy"));
	ck_assert(!sso_reason_is_absent(NULL));
	ck_assert(sso_reason_is_orphan("Received a 404 status error: the USER "
	    "assignee X was not found in directory d-1"));
	ck_assert(!sso_reason_is_orphan("Assignment not found"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { accepted,
		signed_with_the_intents_date, done_at_once,
		failed_with_reason, conflict, throttled,
		too_many_outstanding, internal_error, html_error,
		error_in_the_header_only, denied, invalid, account_quota,
		not_found, connection_refused, connection_reset, timeout,
		half_an_answer, empty_answer, no_status_in_it,
		unheard_of_status, answer_to_the_other_operation,
		answer_about_another_tuple, redirect, gate_says_no,
		wrong_clock_is_mended, wrong_signature_with_right_clock,
		late_signature_with_right_clock,
		expired_keys_that_never_change, deletion,
		nothing_after_the_close, described,
		list_of_pages, list_without_end, list_that_is_none,
		list_is_tried_again, list_fails_half_way, reasons };
	Suite *suite = suite_create("aws-outcome");
	TCase *tc = tcase_create("outcome");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, internal_by_name, 0, 4);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
