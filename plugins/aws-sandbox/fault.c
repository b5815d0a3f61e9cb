/* fault.c - what goes wrong on purpose, and when.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sandbox/sandbox.h"

static const char *const names[FAULT_KINDS] = {
	[FAULT_NONE] = "none", [FAULT_THROTTLE] = "throttle",
	[FAULT_ERROR500] = "error500", [FAULT_HTML500] = "html500",
	[FAULT_RESET_BEFORE] = "reset-before",
	[FAULT_RESET_AFTER] = "reset-after", [FAULT_TRUNCATE] = "truncate",
	[FAULT_MALFORMED] = "malformed", [FAULT_LATE] = "late",
	[FAULT_ASYNC_FAIL] = "async-fail", [FAULT_CONFLICT] = "conflict",
	[FAULT_SLOW] = "slow", [FAULT_ACCESS_DENIED] = "access-denied",
	[FAULT_EXPIRED_TOKEN] = "expired-token",
	[FAULT_EXPIRED_SIGNATURE] = "expired-signature",
	[FAULT_REDIRECT] = "redirect", [FAULT_EMPTY_PAGE] = "empty-page",
};

int
fault_kind_of(const char *name)
{
	for (int i = FAULT_NONE + 1; i < FAULT_KINDS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *
fault_name(int kind)
{
	return kind >= 0 && kind < FAULT_KINDS ? names[kind] : "none";
}

/* Whether `operation` names something that exists. */
static bool
known(const char *operation)
{
	const struct op *const tables[] = { identity_center_ops,
	    identity_store_ops, organizations_ops, sts_ops };

	if (strcmp(operation, "*") == 0)
		return true;
	for (int i = 0; i < SERVICES; i++)
		if (strcmp(operation, service_name(i)) == 0)
			return true;
	for (size_t t = 0; t < COUNT(tables); t++)
		for (const struct op *o = tables[t]; o->name != NULL; o++)
			if (strcmp(o->name, operation) == 0)
				return true;
	return false;
}

struct fault *
fault_add(struct sandbox *sb, const char *operation, int kind, long times,
    long after, int64_t ms, const char *message)
{
	if (!known(operation) || kind <= FAULT_NONE || kind >= FAULT_KINDS)
		return NULL;

	struct fault *f = list_add(&sb->faults);

	set_text(f->operation, sizeof(f->operation), operation);
	f->kind = kind;
	f->times = times;
	f->after = after;
	f->ms = ms;
	f->message = message != NULL ? copy_text(message) : NULL;
	return f;
}

static void
fault_drop(struct sandbox *sb, size_t at)
{
	free(sb->faults.at[at].message);
	memmove(&sb->faults.at[at], &sb->faults.at[at + 1],
	    (sb->faults.count - at - 1) * sizeof(sb->faults.at[0]));
	sb->faults.count--;
}

void
fault_pick(struct call *c)
{
	struct sandbox *sb = c->sb;

	for (size_t i = 0; i < sb->faults.count; i++) {
		struct fault *f = &sb->faults.at[i];

		if (strcmp(f->operation, "*") != 0 &&
		    strcmp(f->operation, c->op->name) != 0 &&
		    strcmp(f->operation, service_name(c->op->service)) != 0)
			continue;
		if (f->after > 0) {
			f->after--;
			continue;
		}
		c->fault = f->kind;
		c->fault_ms = f->ms;
		if (f->message != NULL)
			c->fault_message = copy_text(f->message);
		if (f->times > 0 && --f->times == 0)
			fault_drop(sb, i);
		return;
	}
}

bool
fault_error(struct call *c)
{
	const char *m = c->fault_message;
	bool sts = c->op->service == STS;

	switch (c->fault) {
	case FAULT_THROTTLE:
		call_error(c, sts ? "Throttling" : c->op->service == ORG ?
		    "TooManyRequestsException" : "ThrottlingException", "%s",
		    m != NULL ? m : "Rate exceeded");
		break;
	case FAULT_ERROR500:
		call_error(c, sts ? "InternalFailure" : c->op->service == ORG ?
		    "ServiceException" : "InternalServerException", "%s",
		    m != NULL ? m : "The request processing has failed because "
		    "of an unknown error, exception or failure.");
		c->status = 500;
		break;
	case FAULT_CONFLICT:
		call_error(c, "ConflictException", "%s", m != NULL ? m :
		    "There is a conflict with a previous successful write.");
		break;
	case FAULT_ACCESS_DENIED:
		call_error(c, sts ? "AccessDenied" : "AccessDeniedException",
		    "User: %s is not authorized to perform: %s%s%s",
		    c->caller.arn, c->op->name, m != NULL ? ": " : "",
		    m != NULL ? m : "");
		break;
	case FAULT_EXPIRED_TOKEN:
		call_error(c, sts ? "ExpiredToken" : "ExpiredTokenException",
		    "The security token included in the request is expired");
		break;
	case FAULT_EXPIRED_SIGNATURE:
		call_error(c, sts ? "SignatureDoesNotMatch" :
		    "InvalidSignatureException", "Signature expired: %s is "
		    "now earlier than the time allowed", c->signed_date);
		break;
	default:
		return false;
	}
	return true;
}

void
fault_clear(struct sandbox *sb)
{
	while (sb->faults.count > 0)
		fault_drop(sb, sb->faults.count - 1);
}
