/* identity-center.c - slots, the two writes, and polls of operations.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/identity-center.h"

#include "plugins/aws-sso/aws/outcome.h"
#include "plugins/aws-sso/aws/state.h"
#include "plugins/aws-sso/aws/text.h"

#define SLOT_MAGIC	0x510700c5u

/* --- slots ------------------------------------------------------------------ */

struct aws_slot {
	struct aws_task task;
	unsigned magic;
	struct aws *aws;
	enum aws_priority priority;
	aws_slot_cb *cb;
	void *arg;
	struct governor_wait *wait;
	bool granted;
};

static struct aws_slot *
slot_cast(void *arg)
{
	struct aws_slot *slot = arg;

	assert(slot != NULL && slot->magic == SLOT_MAGIC);
	return slot;
}

static void
drop_slot(void *task)
{
	struct aws_slot *slot = slot_cast(task);

	aws_ready_forget(slot->aws, slot);
	credentials_forget(slot->aws->credentials, slot);
	governor_cancel(slot->aws->governor, &slot->wait);
	if (slot->granted)
		governor_write_over(slot->aws->governor);
	slot->magic = 0;
}

static void
slot_granted(void *arg)
{
	struct aws_slot *slot = slot_cast(arg);

	slot->wait = NULL;
	slot->granted = true;
	slot->cb(slot->arg, slot);
}

/* What could not be had here shows when the write is sent: with a sentence,
 * and certainly without effect. */
static void
slot_keys(void *arg, const struct keys *keys, const char *error)
{
	struct aws_slot *slot = slot_cast(arg);
	bool removal = slot->priority == AWS_REVOKE;

	(void)keys;
	(void)error;
	slot->wait = governor_wait(slot->aws->governor, AWS_SSO_ADMIN,
	    removal ? "DeleteAccountAssignment" : "CreateAccountAssignment",
	    slot->priority, true, slot_granted, slot);
}

static void
slot_ready(void *arg, int result, const char *error)
{
	struct aws_slot *slot = slot_cast(arg);

	(void)result;
	(void)error;
	credentials_get(slot->aws->credentials, slot_keys, slot);
}

struct aws_slot *
aws_slot(struct aws *aws, enum aws_priority priority, aws_slot_cb *cb,
    void *arg)
{
	struct aws_slot *slot = aws_task_new(aws, sizeof(*slot), drop_slot);

	slot->magic = SLOT_MAGIC;
	slot->aws = aws;
	slot->priority = priority;
	slot->cb = cb;
	slot->arg = arg;
	if (aws->instance != NULL && aws->identity_store != NULL)
		credentials_get(aws->credentials, slot_keys, slot);
	else
		aws_ready(aws, priority, slot_ready, slot);
	return slot;
}

void
aws_slot_free(struct aws_slot **slot)
{
	if (*slot != NULL)
		aws_task_free(slot_cast(*slot));
	*slot = NULL;
}

/* --- writes and their status -------------------------------------------------- */

struct operation {
	struct aws_task task;
	struct aws *aws;
	bool deletion, write;
	struct sso_tuple tuple;		/* of a write; texts are ours */
	char *account, *permission_set, *principal, *request_id;
	int (*gate)(void *arg);
	sso_cb *cb;
	void *arg;
};

static void
drop_operation(void *task)
{
	struct operation *op = task;

	free(op->account);
	free(op->permission_set);
	free(op->principal);
	free(op->request_id);
}

static void
operation_answer(void *arg, const struct aws_answer *answer)
{
	struct operation *op = arg;
	struct sso_result result;

	outcome_status(&result, answer, op->deletion ?
	    "AccountAssignmentDeletionStatus" :
	    "AccountAssignmentCreationStatus", op->write ? &op->tuple : NULL,
	    op->request_id);
	if (op->write && result.outcome == SSO_STATUS)
		governor_write_taken(op->aws->governor);
	op->cb(op->arg, &result);
	aws_task_free(op);
}

static int
operation_gate(void *arg)
{
	struct operation *op = arg;

	return op->gate(op->arg);
}

static struct operation *
operation_new(struct aws *aws, bool deletion, sso_cb *cb, void *arg)
{
	struct operation *op = aws_task_new(aws, sizeof(*op), drop_operation);

	op->aws = aws;
	op->deletion = deletion;
	op->cb = cb;
	op->arg = arg;
	return op;
}

static void
write_once(struct aws *aws, const struct sso_tuple *tuple, bool deletion,
    int64_t signed_at, int (*gate)(void *arg), sso_cb *cb, void *arg)
{
	struct operation *op = operation_new(aws, deletion, cb, arg);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(4096);

	op->write = true;
	op->account = aws_strdup(tuple->account);
	op->permission_set = aws_strdup(tuple->permission_set);
	op->principal = aws_strdup(tuple->principal);
	op->tuple = (struct sso_tuple){ op->account, op->permission_set,
		op->principal };
	op->gate = gate;
	text_member(&body, "TargetId", tuple->account);
	text_member(&body, "TargetType", "AWS_ACCOUNT");
	text_member(&body, "PermissionSetArn", tuple->permission_set);
	text_member(&body, "PrincipalType", "USER");
	text_member(&body, "PrincipalId", tuple->principal);

	const struct aws_request request = {
		.service = AWS_SSO_ADMIN,
		.operation = deletion ? "DeleteAccountAssignment" :
		    "CreateAccountAssignment",
		.body = bh_buf_text(&body), .once = true,
		.priority = deletion ? AWS_REVOKE : AWS_GRANT,
		.signed_at = signed_at,
		.gate = gate != NULL ? operation_gate : NULL
	};

	aws_call(aws, &request, operation_answer, op);
}

void
sso_create(struct aws *aws, const struct sso_tuple *tuple, int64_t signed_at,
    int (*gate)(void *arg), sso_cb *cb, void *arg)
{
	write_once(aws, tuple, false, signed_at, gate, cb, arg);
}

void
sso_delete(struct aws *aws, const struct sso_tuple *tuple, int64_t signed_at,
    int (*gate)(void *arg), sso_cb *cb, void *arg)
{
	write_once(aws, tuple, true, signed_at, gate, cb, arg);
}

static void
describe(struct aws *aws, const char *request_id, bool deletion,
    enum aws_priority priority, sso_cb *cb, void *arg)
{
	struct operation *op = operation_new(aws, deletion, cb, arg);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(1024);

	op->request_id = aws_strdup(request_id);
	text_member(&body, deletion ? "AccountAssignmentDeletionRequestId" :
	    "AccountAssignmentCreationRequestId", request_id);

	const struct aws_request request = {
		.service = AWS_SSO_ADMIN, .operation = deletion ?
		    "DescribeAccountAssignmentDeletionStatus" :
		    "DescribeAccountAssignmentCreationStatus",
		.body = bh_buf_text(&body), .priority = priority
	};

	aws_call(aws, &request, operation_answer, op);
}

void
sso_creation_status(struct aws *aws, const char *request_id,
    enum aws_priority priority, sso_cb *cb, void *arg)
{
	describe(aws, request_id, false, priority, cb, arg);
}

void
sso_deletion_status(struct aws *aws, const char *request_id,
    enum aws_priority priority, sso_cb *cb, void *arg)
{
	describe(aws, request_id, true, priority, cb, arg);
}
