/* sts.c - the Security Token Service: forms in, XML out.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/sts.h"

#include "plugins/aws-sso/aws/call.h"
#include "plugins/aws-sso/aws/sign.h"
#include "plugins/aws-sso/aws/state.h"
#include "plugins/aws-sso/aws/text.h"

static void
field(struct bh_buf *form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	bh_buf_add(form, "&%s=", name);
	sign_encode(form, value, strlen(value), false);
}

static void
role_fields(struct bh_buf *form, const struct plan_role *role)
{
	field(form, "RoleArn", role->arn);
	field(form, "RoleSessionName", role->session);
	field(form, "ExternalId", role->external_id);
	if (role->duration > 0)
		bh_buf_add(form, "&DurationSeconds=%lld",
		    (long long)role->duration);
}

void
sts_assume_role(struct bh_buf *form, const struct plan_role *role)
{
	role_fields(form, role);
}

void
sts_web_identity(struct bh_buf *form, const struct plan_role *role,
    const char *token)
{
	role_fields(form, role);
	field(form, "WebIdentityToken", token);
}

void
sts_form(struct bh_buf *form, const char *operation, const char *fields)
{
	bh_buf_add(form, "Action=%s&Version=2011-06-15%s", operation,
	    fields != NULL ? fields : "");
}

int
sts_credentials(const char *xml, struct keys *out)
{
	const char *part = strstr(xml, "<Credentials>");
	char *expires;

	memset(out, 0, sizeof(*out));
	if (part == NULL)
		return BH_EPARSE;
	out->access = text_xml(part, "AccessKeyId");
	out->secret = text_xml(part, "SecretAccessKey");
	out->token = text_xml(part, "SessionToken");
	expires = text_xml(part, "Expiration");
	out->expires = text_iso_time(expires);
	free(expires);
	if (out->access == NULL || out->secret == NULL || out->token == NULL ||
	    out->expires <= 0) {
		keys_wipe(out);
		return BH_EPARSE;
	}
	return BH_OK;
}

struct identity {
	struct aws_task task;
	sts_identity_cb *cb;
	void *arg;
};

static void
identity_answer(void *arg, const struct aws_answer *answer)
{
	struct identity *identity = arg;
	char *account = NULL, *arn = NULL;

	if (answer->result == BH_OK) {
		account = text_xml(answer->body, "Account");
		arn = text_xml(answer->body, "Arn");
	}
	if (account != NULL && arn != NULL)
		identity->cb(identity->arg, BH_OK, account, arn, NULL);
	else
		identity->cb(identity->arg, answer->result != BH_OK ?
		    answer->result : BH_EPARSE, NULL, NULL,
		    answer->message != NULL ? answer->message :
		    "STS did not say who we are");
	free(account);
	free(arn);
	aws_task_free(identity);
}

void
sts_identity(struct aws *aws, enum aws_priority priority,
    sts_identity_cb *cb, void *arg)
{
	struct identity *identity = aws_task_new(aws, sizeof(*identity), NULL);
	const struct aws_request request = {
		.service = AWS_STS, .operation = "GetCallerIdentity",
		.body = "", .priority = priority
	};

	identity->cb = cb;
	identity->arg = arg;
	aws_call(aws, &request, identity_answer, identity);
}
