/* identity-center.c - the operations of sso-admin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sandbox/sandbox.h"

#define BORN	1704067200000LL		/* when Acme set it all up: 2024 */

static const char *
pick(const struct call *c, const char *name)
{
	const char *s = call_text(c, name);

	return s != NULL ? s : "";
}

/* ---- who may, and what is there ---- */

/* Members of the organisation other than the management account and the
 * delegated administrator may do nothing here. */
static bool
may(struct call *c)
{
	if (c->caller.account == MANAGEMENT || c->caller.account == DELEGATED)
		return true;
	call_error(c, "AccessDeniedException", "User: %s is not authorized to "
	    "perform: sso:%s", c->caller.arn, c->op->name);
	return false;
}

static bool
instance_right(struct call *c)
{
	if (!may(c))
		return false;
	if (strcmp(pick(c, "InstanceArn"), INSTANCE_ARN) == 0)
		return true;
	call_error(c, "ResourceNotFoundException",
	    "Instance with the ARN %s not found", pick(c, "InstanceArn"));
	return false;
}

static int
find_set(struct call *c)
{
	int set = set_find(c->sb, pick(c, "PermissionSetArn"));

	if (set < 0)
		call_error(c, "ResourceNotFoundException",
		    "Could not find PermissionSet with id %s",
		    strrchr(pick(c, "PermissionSetArn"), '/') + 1);
	return set;
}

static int
find_account(struct call *c, const char *member)
{
	int account = account_find(c->sb, pick(c, member));

	if (account < 0)
		call_error(c, "ResourceNotFoundException",
		    "Account with id %s not found", pick(c, member));
	return account;
}

/* ---- the instance and its permission sets ---- */

static void
put_instance(struct call *c)
{
	struct bh_buf *b = &c->out;

	put_text(b, "InstanceArn", INSTANCE_ARN);
	put_text(b, "IdentityStoreId", STORE_ID);
	put_text(b, "OwnerAccountId", c->sb->accounts.at[MANAGEMENT].id);
	put_text(b, "Name", "acme");
	put_time(b, "CreatedDate", BORN);
	put_text(b, "Status", "ACTIVE");
}

static void
list_instances(struct call *c)
{
	struct bh_buf *b = &c->out;

	if (!may(c))
		return;
	bh_buf_puts(b, "\"Instances\":[{");
	put_instance(c);
	put_text(b, "PrimaryRegion", c->sb->region);
	bh_buf_puts(b, ",\"Regions\":[{");
	put_text(b, "RegionName", c->sb->region);
	put_text(b, "Status", "ACTIVE");
	put_time(b, "AddedDate", BORN);
	put_bool(b, "IsPrimaryRegion", true);
	bh_buf_puts(b, "}]}]");
}

static void
describe_instance(struct call *c)
{
	if (!instance_right(c))
		return;
	put_instance(c);
	put_bool(&c->out, "PermissionSetsEnabled", c->sb->sets_enabled);
	bh_buf_puts(&c->out, ",\"EncryptionConfigurationDetails\":{");
	put_text(&c->out, "KeyType", "AWS_OWNED_KMS_KEY");
	put_text(&c->out, "EncryptionStatus", "ENABLED");
	bh_buf_puts(&c->out, "}");
}

static void
list_sets(struct call *c)
{
	struct page p;

	if (!instance_right(c) || !page_begin(&p, c, 100))
		return;
	bh_buf_puts(&c->out, "\"PermissionSets\":[");
	for (size_t i = 0; i < c->sb->sets.count; i++)
		if (page_take(&p, i + 1)) {
			put_comma(&c->out);
			bh_buf_quote(&c->out, c->sb->sets.at[i].arn);
		}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
describe_set(struct call *c)
{
	int set;

	if (!instance_right(c) || (set = find_set(c)) < 0)
		return;

	const struct set *s = &c->sb->sets.at[set];

	bh_buf_puts(&c->out, "\"PermissionSet\":{");
	put_text(&c->out, "Name", s->name);
	put_text(&c->out, "PermissionSetArn", s->arn);
	put_text(&c->out, "Description", s->about);
	put_time(&c->out, "CreatedDate", BORN);
	put_text(&c->out, "SessionDuration", s->session);
	bh_buf_puts(&c->out, "}");
}

/* ---- who has what ---- */

static void
put_assignment(struct call *c, int account, int set, int principal)
{
	const struct principal *p = &c->sb->principals.at[principal];

	put_comma(&c->out);
	bh_buf_puts(&c->out, "{");
	put_text(&c->out, "AccountId", c->sb->accounts.at[account].id);
	put_text(&c->out, "PermissionSetArn", c->sb->sets.at[set].arn);
	put_text(&c->out, "PrincipalType", p->group ? "GROUP" : "USER");
	put_text(&c->out, "PrincipalId", p->id);
	bh_buf_puts(&c->out, "}");
}

static void
list_assignments(struct call *c)
{
	struct sandbox *sb = c->sb;
	struct page p;
	int set, account;

	if (!instance_right(c) || (set = find_set(c)) < 0 ||
	    (account = find_account(c, "AccountId")) < 0 ||
	    !page_begin(&p, c, 100))
		return;
	bh_buf_puts(&c->out, "\"AccountAssignments\":[");
	for (size_t i = 0; i < sb->assignments.count; i++) {
		const struct assignment *a = &sb->assignments.at[i];

		if (a->account == account && a->set == set &&
		    assignment_visible(sb, a) && page_take(&p, a->seq))
			put_assignment(c, account, set, a->principal);
	}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

/* For a user this also shows what comes through groups, and it is for the
 * management account alone. */
static void
list_for_principal(struct call *c)
{
	struct sandbox *sb = c->sb;
	const char *only = call_text(c, "Filter.AccountId");
	int who = principal_by_id(sb, pick(c, "PrincipalId"));
	struct page p;

	if (!instance_right(c))
		return;
	if (c->caller.account != MANAGEMENT) {
		call_error(c, "AccessDeniedException", "User: %s is not "
		    "authorized to perform: sso:%s", c->caller.arn,
		    c->op->name);
		return;
	}
	if (!page_begin(&p, c, 100))
		return;
	bh_buf_puts(&c->out, "\"AccountAssignments\":[");
	for (size_t i = 0; i < sb->assignments.count && who >= 0; i++) {
		const struct assignment *a = &sb->assignments.at[i];

		if ((a->principal == who ||
		    member_find(sb, a->principal, who) >= 0) &&
		    (only == NULL ||
		    strcmp(only, sb->accounts.at[a->account].id) == 0) &&
		    assignment_visible(sb, a) && page_take(&p, a->seq))
			put_assignment(c, a->account, a->set, a->principal);
	}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

/* "Provisioned" is what anybody has: derived, never stored. */
static bool
wants_current(const struct call *c)
{
	const char *s = call_text(c, "ProvisioningStatus");

	return s == NULL || strcmp(s, "LATEST_PERMISSION_SET_PROVISIONED") == 0;
}

static void
list_sets_in_account(struct call *c)
{
	struct sandbox *sb = c->sb;
	struct page p;
	int account;

	if (!instance_right(c) ||
	    (account = find_account(c, "AccountId")) < 0 ||
	    !page_begin(&p, c, 100))
		return;
	bh_buf_puts(&c->out, "\"PermissionSets\":[");
	for (size_t i = 0; i < sb->sets.count && wants_current(c); i++)
		if (assignment_any(sb, account, (int)i) &&
		    page_take(&p, i + 1)) {
			put_comma(&c->out);
			bh_buf_quote(&c->out, sb->sets.at[i].arn);
		}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
list_accounts_of_set(struct call *c)
{
	struct sandbox *sb = c->sb;
	struct page p;
	int set;

	if (!instance_right(c) || (set = find_set(c)) < 0 ||
	    !page_begin(&p, c, 100))
		return;

	/* One walk over the assignments instead of one per account. */
	bool *has = (bool *)calloc(sb->accounts.count, sizeof(bool));

	assert(has != NULL);
	for (size_t i = 0; i < sb->assignments.count; i++)
		if (sb->assignments.at[i].set == set)
			has[sb->assignments.at[i].account] = true;
	bh_buf_puts(&c->out, "\"AccountIds\":[");
	for (size_t i = 0; i < sb->accounts.count && wants_current(c); i++)
		if (has[i] && page_take(&p, i + 1)) {
			put_comma(&c->out);
			bh_buf_quote(&c->out, sb->accounts.at[i].id);
		}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
	free(has);
}

/* ---- writes ---- */

static void
put_work(struct call *c, const struct work *w)
{
	struct bh_buf *b = &c->out;

	put_key(b, w->create ? "AccountAssignmentCreationStatus" :
	    "AccountAssignmentDeletionStatus");
	bh_buf_puts(b, "{");
	put_text(b, "Status", work_status_name(w));
	put_text(b, "RequestId", w->id);
	if (w->status == WORK_FAILED && w->reason != NULL)
		put_text(b, "FailureReason", w->reason);
	put_text(b, "TargetId", c->sb->accounts.at[w->account].id);
	put_text(b, "TargetType", "AWS_ACCOUNT");
	put_text(b, "PermissionSetArn", c->sb->sets.at[w->set].arn);
	put_text(b, "PrincipalType", w->group ? "GROUP" : "USER");
	put_text(b, "PrincipalId", w->principal_id);
	put_time(b, "CreatedDate", w->created);
	bh_buf_puts(b, "}");
}

/* What a delegated administrator may not touch: the management account, and
 * any permission set that is provisioned there. */
static bool
delegated_may(struct call *c, int account, int set)
{
	if (c->caller.account == MANAGEMENT ||
	    (account != MANAGEMENT && !assignment_any(c->sb, MANAGEMENT, set)))
		return true;
	call_error(c, "AccessDeniedException", "User: %s is not authorized to "
	    "perform: sso:%s on resource: %s", c->caller.arn, c->op->name,
	    c->sb->sets.at[set].arn);
	return false;
}

static void
write_assignment(struct call *c, bool create)
{
	struct sandbox *sb = c->sb;
	const char *fail = NULL;
	int set, account;

	if (!instance_right(c) || (set = find_set(c)) < 0 ||
	    (account = find_account(c, "TargetId")) < 0 ||
	    !delegated_may(c, account, set))
		return;
	if (!sb->sets_enabled) {
		call_error(c, "AccessDeniedException", "Permission sets are "
		    "not enabled for this instance");
		return;
	}
	if (work_busy(sb, account, set, pick(c, "PrincipalId")) != NULL) {
		call_error(c, "ConflictException", "There is a conflict with "
		    "a previous successful write: an operation on the same "
		    "assignment is in progress.");
		return;
	}
	if ((long)work_outstanding(sb) >= sb->outstanding) {
		call_error(c, "ThrottlingException", "There are too many "
		    "requests processing. Please try again later.");
		return;
	}
	if (c->fault == FAULT_ASYNC_FAIL)
		fail = c->fault_message != NULL ? c->fault_message :
		    "Received a 404 status error: Not supported policy "
		    "arn:aws:iam::aws:policy/Missing";
	put_work(c, work_start(sb, create, account, set,
	    pick(c, "PrincipalId"),
	    strcmp(pick(c, "PrincipalType"), "GROUP") == 0, fail));
}

static void
create_assignment(struct call *c)
{
	write_assignment(c, true);
}

static void
delete_assignment(struct call *c)
{
	write_assignment(c, false);
}

static void
describe_work(struct call *c, bool create)
{
	const char *id = pick(c, create ?
	    "AccountAssignmentCreationRequestId" :
	    "AccountAssignmentDeletionRequestId");

	if (!instance_right(c))
		return;

	const struct work *w = work_find(c->sb, id, create);

	if (w == NULL)
		call_error(c, "ResourceNotFoundException",
		    "Could not find request with id %s", id);
	else
		put_work(c, w);
}

static void
describe_creation(struct call *c)
{
	describe_work(c, true);
}

static void
describe_deletion(struct call *c)
{
	describe_work(c, false);
}

/* Newest first, so positions are counted down from the top. */
static void
list_work(struct call *c, bool create)
{
	struct sandbox *sb = c->sb;
	const char *status = call_text(c, "Filter.Status");
	struct page p;

	if (!instance_right(c) || !page_begin(&p, c, 100))
		return;
	bh_buf_puts(&c->out, create ? "\"AccountAssignmentsCreationStatus\":[" :
	    "\"AccountAssignmentsDeletionStatus\":[");
	for (size_t i = sb->work.count; i-- > 0;) {
		const struct work *w = sb->work.at[i];

		if (w->create != create || (status != NULL &&
		    strcmp(status, work_status_name(w)) != 0) ||
		    !page_take(&p, UINT64_MAX - w->seq))
			continue;
		put_comma(&c->out);
		bh_buf_puts(&c->out, "{");
		put_text(&c->out, "Status", work_status_name(w));
		put_text(&c->out, "RequestId", w->id);
		put_time(&c->out, "CreatedDate", w->created);
		bh_buf_puts(&c->out, "}");
	}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
list_creations(struct call *c)
{
	list_work(c, true);
}

static void
list_deletions(struct call *c)
{
	list_work(c, false);
}

/* ---- the table ---- */

#define INSTANCE	{ "InstanceArn", &shape_instance, true }
#define PAGE		{ "MaxResults", &shape_max, false },		\
			{ "NextToken", &shape_token, false }, { 0 }
#define SET		{ "PermissionSetArn", &shape_set, true }

static const struct field only_page[] = { PAGE };
static const struct field only_instance[] = { INSTANCE, { 0 } };
static const struct field instance_page[] = { INSTANCE, PAGE };
static const struct field one_set[] = { INSTANCE, SET, { 0 } };
static const struct field pair[] = { INSTANCE,
	{ "AccountId", &shape_account, true }, SET, PAGE };
static const struct field for_principal[] = { INSTANCE,
	{ "PrincipalId", &shape_principal, true },
	{ "PrincipalType", &shape_principal_type, true },
	{ "Filter.AccountId", &shape_account, false }, PAGE };
static const struct field in_account[] = { INSTANCE,
	{ "AccountId", &shape_account, true },
	{ "ProvisioningStatus", &shape_provisioning, false }, PAGE };
static const struct field of_set[] = { INSTANCE, SET,
	{ "ProvisioningStatus", &shape_provisioning, false }, PAGE };
static const struct field triple[] = { INSTANCE,
	{ "TargetId", &shape_account, true },
	{ "TargetType", &shape_target_type, true }, SET,
	{ "PrincipalType", &shape_principal_type, true },
	{ "PrincipalId", &shape_principal, true }, { 0 } };
static const struct field creation[] = { INSTANCE,
	{ "AccountAssignmentCreationRequestId", &shape_uuid, true }, { 0 } };
static const struct field deletion[] = { INSTANCE,
	{ "AccountAssignmentDeletionRequestId", &shape_uuid, true }, { 0 } };
static const struct field work_list[] = { INSTANCE,
	{ "Filter.Status", &shape_status, false }, PAGE };

const struct op identity_center_ops[] = {
	{ "ListInstances", SSO, OP_ANY_REGION, list_instances, only_page,
	  0, 0 },
	{ "DescribeInstance", SSO, OP_ANY_REGION, describe_instance,
	  only_instance, 0, 0 },
	{ "ListPermissionSets", SSO, 0, list_sets, instance_page, 0, 0 },
	{ "DescribePermissionSet", SSO, 0, describe_set, one_set, 0, 0 },
	{ "ListAccountAssignments", SSO, 0, list_assignments, pair, 0, 0 },
	{ "ListAccountAssignmentsForPrincipal", SSO, 0, list_for_principal,
	  for_principal, 0, 0 },
	{ "ListPermissionSetsProvisionedToAccount", SSO, 0,
	  list_sets_in_account, in_account, 0, 0 },
	{ "ListAccountsForProvisionedPermissionSet", SSO, 0,
	  list_accounts_of_set, of_set, 0, 0 },
	{ "CreateAccountAssignment", SSO, OP_WRITE, create_assignment, triple,
	  0, 0 },
	{ "DeleteAccountAssignment", SSO, OP_WRITE, delete_assignment, triple,
	  0, 0 },
	{ "DescribeAccountAssignmentCreationStatus", SSO, OP_POLL,
	  describe_creation, creation, 0, 0 },
	{ "DescribeAccountAssignmentDeletionStatus", SSO, OP_POLL,
	  describe_deletion, deletion, 0, 0 },
	{ "ListAccountAssignmentCreationStatus", SSO, OP_POLL, list_creations,
	  work_list, 0, 0 },
	{ "ListAccountAssignmentDeletionStatus", SSO, OP_POLL, list_deletions,
	  work_list, 0, 0 },
	{ 0 }
};
