/* assignments.c - the lists of sso-admin, all pages of each.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/identity-center.h"
#include "plugins/aws-sso/aws/outcome.h"
#include "plugins/aws-sso/aws/state.h"
#include "plugins/aws-sso/aws/text.h"

enum kind { STATUSES, ASSIGNMENTS, NAMES };

/* Rows grow as pages come; each row's text is ours. */
struct list {
	struct aws_task task;
	enum kind kind;
	const char *member;		/* of the page: a list */
	bool malformed;			/* a page without it came */
	size_t count, size;
	char **texts;
	bool *groups;
	enum sso_status *statuses;
	int64_t *created;
	union {
		sso_status_list_cb *statuses;
		sso_assignments_cb *assignments;
		sso_names_cb *names;
	} cb;
	void *arg;
};

static void
drop_list(void *task)
{
	struct list *list = task;

	for (size_t i = 0; i < list->count; i++)
		free(list->texts[i]);
	free(list->texts);
	free(list->groups);
	free(list->statuses);
	free(list->created);
}

static void
add_row(struct list *list, const char *text, bool group,
    enum sso_status status, int64_t created)
{
	size_t n = list->count;

	if (n == list->size) {
		size_t size = n > 0 ? n * 2 : 32;

		list->texts = aws_realloc(list->texts, size,
		    sizeof(*list->texts));
		list->groups = aws_realloc(list->groups, size,
		    sizeof(*list->groups));
		list->statuses = aws_realloc(list->statuses, size,
		    sizeof(*list->statuses));
		list->created = aws_realloc(list->created, size,
		    sizeof(*list->created));
		list->size = size;
	}
	list->texts[n] = aws_strdup(text);
	list->groups[n] = group;
	list->statuses[n] = status;
	list->created[n] = created;
	list->count++;
}

static int
page(void *arg, const struct bh_value *value)
{
	struct list *list = arg;
	const struct bh_value *items = bh_get(value, list->member);

	/* No list is not an empty list: that would mean "access is gone". */
	if (items == NULL || items->kind != BH_LIST) {
		list->malformed = true;
		return -1;
	}
	for (BH_EACH(item, items)) {
		enum sso_status status = SSO_IN_PROGRESS;
		const char *type, *text = bh_text(item);

		if (list->kind == NAMES) {
			if (text != NULL)
				add_row(list, text, false, status, 0);
			continue;
		}
		if (list->kind == STATUSES) {
			text = bh_get_text(item, "RequestId");
			if (text != NULL && outcome_parse_status(
			    bh_get_text(item, "Status"), &status))
				add_row(list, text, false, status,
				    text_json_time(bh_get(item,
				    "CreatedDate")));
			continue;
		}
		text = bh_get_text(item, "PrincipalId");
		type = bh_get_text(item, "PrincipalType");
		if (text != NULL)
			add_row(list, text, type != NULL &&
			    strcmp(type, "GROUP") == 0, status, 0);
	}
	return 0;
}

static void
tell_statuses(const struct list *list, enum sso_outcome outcome,
    const char *reason, size_t count)
{
	struct sso_status_row *rows = aws_calloc(count, sizeof(*rows));

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct sso_status_row){ list->statuses[i],
			list->texts[i], list->created[i] };
	list->cb.statuses(list->arg, outcome, reason, rows, count);
	free(rows);
}

static void
tell_assignments(const struct list *list, enum sso_outcome outcome,
    const char *reason, size_t count)
{
	struct sso_assignment *rows = aws_calloc(count, sizeof(*rows));

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct sso_assignment){ list->texts[i],
			list->groups[i] };
	list->cb.assignments(list->arg, outcome, reason, rows, count);
	free(rows);
}

static void
tell_names(const struct list *list, enum sso_outcome outcome,
    const char *reason, size_t count)
{
	const char **names = aws_calloc(count, sizeof(*names));

	for (size_t i = 0; i < count; i++)
		names[i] = list->texts[i];
	list->cb.names(list->arg, outcome, reason, names, count);
	free(names);
}

static void
done(void *arg, const struct aws_answer *answer)
{
	struct list *list = arg;
	enum sso_outcome outcome = list->malformed ? SSO_UNKNOWN :
	    outcome_of(answer);
	const char *reason = list->malformed ?
	    "AWS's answer holds no list" : answer->message;
	/* Half a list is no list either. */
	size_t count = outcome == SSO_STATUS ? list->count : 0;

	if (list->kind == STATUSES)
		tell_statuses(list, outcome, reason, count);
	else if (list->kind == ASSIGNMENTS)
		tell_assignments(list, outcome, reason, count);
	else
		tell_names(list, outcome, reason, count);
	aws_task_free(list);
}

static struct list *
list_new(struct aws *aws, enum kind kind, const char *member, void *arg)
{
	struct list *list = aws_task_new(aws, sizeof(*list), drop_list);

	list->kind = kind;
	list->member = member;
	list->arg = arg;
	return list;
}

static void
start(struct aws *aws, struct list *list, const char *operation,
    struct bh_buf *body, enum aws_priority priority)
{
	bh_buf_add(body, "%s\"MaxResults\":100", body->len > 0 ? "," : "");

	const struct aws_request request = {
		.service = AWS_SSO_ADMIN, .operation = operation,
		.body = bh_buf_text(body), .priority = priority
	};

	aws_pages(aws, &request, page, done, list);
}

static void
list_statuses(struct aws *aws, const char *operation, const char *member,
    const char *filter, enum aws_priority priority, sso_status_list_cb *cb,
    void *arg)
{
	struct list *list = list_new(aws, STATUSES, member, arg);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(1024);

	list->cb.statuses = cb;
	if (filter != NULL)
		bh_buf_add(&body, "\"Filter\":{\"Status\":\"%s\"}", filter);
	start(aws, list, operation, &body, priority);
}

void
sso_list_creation_status(struct aws *aws, const char *filter,
    enum aws_priority priority, sso_status_list_cb *cb, void *arg)
{
	list_statuses(aws, "ListAccountAssignmentCreationStatus",
	    "AccountAssignmentsCreationStatus", filter, priority, cb, arg);
}

void
sso_list_deletion_status(struct aws *aws, const char *filter,
    enum aws_priority priority, sso_status_list_cb *cb, void *arg)
{
	list_statuses(aws, "ListAccountAssignmentDeletionStatus",
	    "AccountAssignmentsDeletionStatus", filter, priority, cb, arg);
}

void
sso_list_assignments(struct aws *aws, const char *account,
    const char *permission_set, enum aws_priority priority,
    sso_assignments_cb *cb, void *arg)
{
	struct list *list = list_new(aws, ASSIGNMENTS, "AccountAssignments",
	    arg);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(1024);

	list->cb.assignments = cb;
	text_member(&body, "AccountId", account);
	text_member(&body, "PermissionSetArn", permission_set);
	start(aws, list, "ListAccountAssignments", &body, priority);
}

static void
list_names(struct aws *aws, const char *operation, const char *member,
    const char *key, const char *value, enum aws_priority priority,
    sso_names_cb *cb, void *arg)
{
	struct list *list = list_new(aws, NAMES, member, arg);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(1024);

	list->cb.names = cb;
	if (key != NULL)
		text_member(&body, key, value);
	start(aws, list, operation, &body, priority);
}

void
sso_list_accounts_of(struct aws *aws, const char *permission_set,
    enum aws_priority priority, sso_names_cb *cb, void *arg)
{
	list_names(aws, "ListAccountsForProvisionedPermissionSet",
	    "AccountIds", "PermissionSetArn", permission_set, priority, cb,
	    arg);
}

void
sso_list_sets_of(struct aws *aws, const char *account,
    enum aws_priority priority, sso_names_cb *cb, void *arg)
{
	list_names(aws, "ListPermissionSetsProvisionedToAccount",
	    "PermissionSets", "AccountId", account, priority, cb, arg);
}

void
sso_list_permission_sets(struct aws *aws, enum aws_priority priority,
    sso_names_cb *cb, void *arg)
{
	list_names(aws, "ListPermissionSets", "PermissionSets", NULL, NULL,
	    priority, cb, arg);
}
