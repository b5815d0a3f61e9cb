/* outcome.c - which class an answer of sso-admin belongs to.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reconciler's safety hangs on this: what is not certainly without
 * effect, and not certainly the answer to our request, is unknown.
 */

#include "plugins/aws-sso/aws/outcome.h"

#include "plugins/aws-sso/aws/text.h"

/* AWS itself does not know what became of it. */
static bool
is_internal(const char *error)
{
	return strncmp(error, "Internal", 8) == 0 ||
	    strncmp(error, "ServiceUnavailable", 18) == 0 ||
	    strncmp(error, "RequestTimeout", 14) == 0;
}

enum sso_outcome
outcome_of(const struct aws_answer *answer)
{
	const char *error = answer->error;

	if (answer->result == BH_OK)
		return SSO_STATUS;
	if (!answer->sent)
		return SSO_NOT_SENT;
	if (!answer->whole || !answer->well_formed || error == NULL)
		return SSO_UNKNOWN;
	if (answer->mended)
		return SSO_NOT_SENT;
	/* The clock is right and the request was late, as after a pause of
	 * the machine between signing and sending: sign it anew. */
	if (aws_error_is_skew(error) && answer->message != NULL &&
	    strncmp(answer->message, "Signature expired", 17) == 0)
		return SSO_NOT_SENT;
	if (aws_error_is_throttle(error))
		return SSO_THROTTLED;
	if (answer->status >= 500 || is_internal(error))
		return SSO_FAILED_5XX;
	if (strcmp(error, "ConflictException") == 0)
		return SSO_CONFLICT;
	if (strcmp(error, "ResourceNotFoundException") == 0)
		return SSO_NOT_FOUND;
	if (strstr(error, "AccessDenied") != NULL ||
	    aws_error_is_expired(error) || aws_error_is_skew(error) ||
	    strcmp(error, "IncompleteSignature") == 0 ||
	    strcmp(error, "MissingAuthenticationToken") == 0 ||
	    strcmp(error, "MissingAuthenticationTokenException") == 0 ||
	    strcmp(error, "OptInRequired") == 0)
		return SSO_DENIED;
	return SSO_INVALID;
}

bool
outcome_parse_status(const char *text, enum sso_status *out)
{
	static const char *const names[] = {
		[SSO_IN_PROGRESS] = "IN_PROGRESS",
		[SSO_SUCCEEDED] = "SUCCEEDED",
		[SSO_FAILED] = "FAILED"
	};

	for (int i = 0; text != NULL && i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum sso_status)i;
			return true;
		}
	return false;
}

/* AWS may leave a member out; one that is there must be the right one. */
static bool
agrees(const char *said, const char *expected)
{
	return said == NULL || expected == NULL ||
	    strcmp(said, expected) == 0;
}

void
outcome_status(struct sso_result *out, const struct aws_answer *answer,
    const char *member, const struct sso_tuple *expect,
    const char *request_id)
{
	const struct bh_value *v = bh_get(answer->value, member);

	memset(out, 0, sizeof(*out));
	out->outcome = outcome_of(answer);
	out->aws_request_id = answer->request_id;
	out->error = answer->error;
	out->reason = answer->message;
	out->retry_after = answer->retry_after;
	if (out->outcome != SSO_STATUS)
		return;
	out->request_id = bh_get_text(v, "RequestId");
	out->reason = bh_get_text(v, "FailureReason");
	out->tuple.account = bh_get_text(v, "TargetId");
	out->tuple.permission_set = bh_get_text(v, "PermissionSetArn");
	out->tuple.principal = bh_get_text(v, "PrincipalId");
	out->created = text_json_time(bh_get(v, "CreatedDate"));
	if (out->request_id == NULL || !outcome_parse_status(
	    bh_get_text(v, "Status"), &out->status)) {
		out->outcome = SSO_UNKNOWN;
		out->reason = "AWS's answer holds no status";
	} else if (!agrees(out->request_id, request_id) ||
	    (expect != NULL && (!agrees(out->tuple.account, expect->account) ||
	    !agrees(out->tuple.permission_set, expect->permission_set) ||
	    !agrees(out->tuple.principal, expect->principal)))) {
		out->outcome = SSO_UNKNOWN;
		out->reason = "AWS's answer is about something else";
	}
	if (out->outcome == SSO_UNKNOWN)
		out->request_id = NULL;
}

bool
sso_reason_is_absent(const char *reason)
{
	static const char *const texts[] = {
		"EntitlementItem doesn't exist", "Assignment not found",
		"Permission set provision not found"
	};

	for (size_t i = 0; reason != NULL &&
	    i < sizeof(texts) / sizeof(*texts); i++)
		if (strstr(reason, texts[i]) != NULL)
			return true;
	return false;
}

bool
sso_reason_is_orphan(const char *reason)
{
	return reason != NULL && strstr(reason, "assignee") != NULL &&
	    strstr(reason, "was not found in directory") != NULL;
}
