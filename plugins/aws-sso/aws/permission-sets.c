/* permission-sets.c - what the permission sets are called.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AWS lists ARNs only; a name costs a call.  So names are asked once, and
 * then in turn, a few with each refresh, since they hardly ever change.
 */

#include "plugins/aws-sso/aws/call.h"
#include "plugins/aws-sso/aws/identity-center.h"
#include "plugins/aws-sso/aws/reader.h"
#include "plugins/aws-sso/aws/state.h"
#include "plugins/aws-sso/aws/text.h"

#define IN_TURN	10

struct sets {
	struct aws_task task;
	struct aws *aws;
	enum aws_priority priority;
	struct snapshot *into;
	const struct snapshot *old;
	unsigned turn;
	reader_cb *cb;
	void *arg;
	size_t pending;
	char *error;
};

struct one {
	struct aws_task task;
	struct sets *sets;
	char *arn;
	bool again;			/* known before: old is good too */
};

static void
drop_sets(void *task)
{
	free(((struct sets *)task)->error);
}

static void
drop_one(void *task)
{
	free(((struct one *)task)->arn);
}

static void
part_over(struct sets *sets)
{
	if (--sets->pending > 0)
		return;
	sets->cb(sets->arg, sets->error);
	aws_task_free(sets);
}

static void
note_error(struct sets *sets, const char *reason)
{
	struct bh_buf text = BH_BUF(1024);

	if (sets->error != NULL)
		return;
	bh_buf_add(&text, "permission sets cannot be read: %s",
	    reason != NULL ? reason : "AWS gave no reason");
	sets->error = text.data;
}

static void
described(void *arg, const struct aws_answer *answer)
{
	struct one *one = arg;
	struct sets *sets = one->sets;
	const struct bh_value *v = bh_get(answer->value, "PermissionSet");
	const char *name = bh_get_text(v, "Name");
	const char *session = bh_get_text(v, "SessionDuration");
	const char *error;
	const struct permission_set *known = one->again ?
	    snapshot_set(sets->old, one->arn) : NULL;
	int64_t ms = session != NULL ?
	    bh_duration(sets->aws->host, session, &error) : -1;
	const struct permission_set set = {
		.arn = one->arn, .name = name,
		.description = bh_get_text(v, "Description"),
		.session = ms > 0 ? ms : 3600000	/* AWS's preset */
	};

	if (answer->result == BH_OK && name != NULL)
		snapshot_add_set(sets->into, &set);
	else if (answer->error != NULL && strcmp(answer->error,
	    "ResourceNotFoundException") == 0)
		;	/* deleted since it was listed */
	else if (known != NULL)
		snapshot_add_set(sets->into, known);
	else
		note_error(sets, answer->message);
	aws_task_free(one);
	part_over(sets);
}

static void
describe(struct sets *sets, const char *arn, bool again)
{
	struct one *one = aws_task_new(sets->aws, sizeof(*one), drop_one);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(1024);

	one->sets = sets;
	one->arn = aws_strdup(arn);
	one->again = again;
	text_member(&body, "PermissionSetArn", arn);

	const struct aws_request request = {
		.service = AWS_SSO_ADMIN, .operation = "DescribePermissionSet",
		.body = bh_buf_text(&body), .priority = sets->priority
	};

	sets->pending++;
	aws_call(sets->aws, &request, described, one);
}

static void
listed(void *arg, enum sso_outcome outcome, const char *reason,
    const char *const *names, size_t count)
{
	struct sets *sets = arg;
	size_t first = count > 0 ? sets->turn * IN_TURN % count : 0;

	if (outcome != SSO_STATUS)
		note_error(sets, reason);
	for (size_t i = 0; i < count; i++) {
		const struct permission_set *known = snapshot_set(sets->old,
		    names[i]);
		bool turn = (i + count - first) % count < IN_TURN;

		if (known != NULL && !turn)
			snapshot_add_set(sets->into, known);
		else
			describe(sets, names[i], known != NULL);
	}
	part_over(sets);
}

void
permission_sets_read(struct aws *aws, enum aws_priority priority,
    struct snapshot *into, const struct snapshot *old, unsigned turn,
    reader_cb *cb, void *arg)
{
	struct sets *sets = aws_task_new(aws, sizeof(*sets), drop_sets);

	sets->aws = aws;
	sets->priority = priority;
	sets->into = into;
	sets->old = old;
	sets->turn = turn;
	sets->cb = cb;
	sets->arg = arg;
	sets->pending = 1;
	sso_list_permission_sets(aws, priority, listed, sets);
}
