/* organizations.c - accounts, the OUs they are in, their tags.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   whose organization, who are we -> accounts -> roots and OUs, level by
 *   level (their accounts too, where ListAccounts gave no Paths) -> tags
 */

#include "plugins/aws-sso/aws/reader.h"
#include "plugins/aws-sso/aws/state.h"
#include "plugins/aws-sso/aws/sts.h"
#include "plugins/aws-sso/aws/text.h"

#define OUS_MAX		20000
#define DEPTH_MAX	10
#define NONE		SIZE_MAX

struct ou {
	char *id, *name;	/* name "" for a root */
	size_t parent;		/* NONE for a root */
};

struct found {
	char *id, *name, *ou_ids;
	size_t ou;		/* NONE if unknown */
	bool active;
	const struct bh_pair *tags;	/* in the snapshot's arena */
	size_t tags_count;
};

struct organization {
	struct aws_task task;
	struct aws *aws;
	enum aws_priority priority;
	struct snapshot *into;
	const struct snapshot *old;
	bool tags, fresh;
	reader_cb *cb;
	void *arg;
	struct ou *ous;
	size_t ous_count, ous_size;
	struct found *accounts;
	size_t count, size;
	bool paths;		/* ListAccounts told where accounts are */
	size_t pending;		/* calls under way in this phase */
	char *error;		/* the first */
	const char *self;	/* account we act as, in the arena; or NULL */
};

/* One call of a phase, about one OU or account. */
struct part {
	struct aws_task task;
	struct organization *org;
	size_t number;
	struct bh_pair *tags;
	size_t tags_count;
};

static void
drop_part(void *task)
{
	struct part *part = task;

	for (size_t i = 0; i < part->tags_count; i++) {
		union { const char *in; char *out; } name, value;

		name.in = part->tags[i].name;
		value.in = part->tags[i].value;
		free(name.out);
		free(value.out);
	}
	free(part->tags);
}

static void
drop_organization(void *task)
{
	struct organization *org = task;

	for (size_t i = 0; i < org->ous_count; i++) {
		free(org->ous[i].id);
		free(org->ous[i].name);
	}
	for (size_t i = 0; i < org->count; i++) {
		free(org->accounts[i].id);
		free(org->accounts[i].name);
		free(org->accounts[i].ou_ids);
	}
	free(org->ous);
	free(org->accounts);
	free(org->error);
}

static struct part *
part_new(struct organization *org, size_t number)
{
	struct part *part = aws_task_new(org->aws, sizeof(*part), drop_part);

	part->org = org;
	part->number = number;
	org->pending++;
	return part;
}

static void
note_error(struct organization *org, const struct aws_answer *answer)
{
	struct bh_buf text = BH_BUF(1024);

	if (answer->result == BH_OK || org->error != NULL)
		return;
	bh_buf_add(&text, "accounts cannot be read: %s", answer->message);
	org->error = text.data;
}

static void
pages(struct organization *org, const char *operation, const char *body,
    aws_page_cb *page, aws_call_cb *done, void *arg)
{
	const struct aws_request request = {
		.service = AWS_ORGANIZATIONS, .operation = operation,
		.body = body, .priority = org->priority
	};

	aws_pages(org->aws, &request, page, done, arg);
}

/* --- the end: paths, then into the snapshot ------------------------------------- */

static void
put_path(const struct organization *org, size_t ou, struct bh_buf *names,
    struct bh_buf *ids, int depth)
{
	if (ou == NONE || depth > DEPTH_MAX)
		return;
	put_path(org, org->ous[ou].parent, names, ids, depth + 1);
	if (org->ous[ou].parent != NONE)
		bh_buf_add(names, "/%s", org->ous[ou].name);
	bh_buf_add(ids, "%s%s/", ids->len == 0 ? "/" : "", org->ous[ou].id);
}

/* The OU whose id is the last in "/r-ab12/ou-ab12-1/". */
static size_t
last_ou(const struct organization *org, const char *ids)
{
	size_t len = strlen(ids), start;

	if (len < 2)
		return NONE;
	for (start = len - 1; start > 0 && ids[start - 1] != '/'; start--)
		;
	for (size_t i = 0; i < org->ous_count; i++)
		if (strlen(org->ous[i].id) == len - 1 - start &&
		    strncmp(org->ous[i].id, ids + start, len - 1 - start) == 0)
			return i;
	return NONE;
}

static void
finish(struct organization *org)
{
	for (size_t i = 0; i < org->count && org->error == NULL; i++) {
		const struct found *f = &org->accounts[i];
		AWS_AUTO_BUF struct bh_buf names = BH_BUF(8192);
		AWS_AUTO_BUF struct bh_buf ids = BH_BUF(8192);
		size_t ou = f->ou != NONE ? f->ou : last_ou(org, f->ou_ids);

		put_path(org, ou, &names, &ids, 0);

		const struct account account = {
			.id = f->id, .name = f->name, .active = f->active,
			.path = names.len > 0 ? bh_buf_text(&names) : "/",
			.ou_ids = ids.len > 0 ? bh_buf_text(&ids) : f->ou_ids,
			.tags = f->tags, .tags_count = f->tags_count
		};

		snapshot_add_account(org->into, &account);
	}
	org->cb(org->arg, org->error);
	aws_task_free(org);
}

/* --- tags ------------------------------------------------------------------------ */

static int
tags_page(void *arg, const struct bh_value *page)
{
	struct part *part = arg;

	for (BH_EACH(item, bh_get(page, "Tags"))) {
		const char *key = bh_get_text(item, "Key");
		const char *value = bh_get_text(item, "Value");
		size_t n = part->tags_count;

		if (key == NULL)
			continue;
		part->tags = aws_realloc(part->tags, n + 1,
		    sizeof(*part->tags));
		part->tags[n].name = aws_strdup(key);
		part->tags[n].value = aws_strdup(value != NULL ? value : "");
		part->tags_count++;
	}
	return 0;
}

static void
tags_done(void *arg, const struct aws_answer *answer)
{
	struct part *part = arg;
	struct organization *org = part->org;
	struct found *f = &org->accounts[part->number];

	note_error(org, answer);
	if (answer->result == BH_OK) {
		AWS_AUTO_BUF struct bh_buf text = BH_BUF((size_t)1 << 16);
		const struct account account = {
			.tags = part->tags, .tags_count = part->tags_count
		};

		snapshot_print_tags(&account, &text);
		f->tags = snapshot_parse_tags(org->into, bh_buf_text(&text),
		    &f->tags_count);
	}
	aws_task_free(part);
	if (--org->pending == 0)
		finish(org);
}

static void
read_tags(struct organization *org)
{
	org->pending = 1;
	for (size_t i = 0; i < org->count && org->tags &&
	    org->error == NULL; i++) {
		struct found *f = &org->accounts[i];
		AWS_AUTO_BUF struct bh_buf body = BH_BUF(256);
		const struct account *known = snapshot_account_by(org->old,
		    &org->old->account_id, f->id, NULL);

		if (!org->fresh && known != NULL && known->tags_count > 0) {
			f->tags = known->tags;
			f->tags_count = known->tags_count;
			continue;
		}
		text_member(&body, "ResourceId", f->id);
		pages(org, "ListTagsForResource", bh_buf_text(&body),
		    tags_page, tags_done, part_new(org, i));
	}
	if (--org->pending == 0)
		finish(org);
}

/* --- OUs -------------------------------------------------------------------------- */

static void visit(struct organization *org, size_t ou);

static void
add_ou(struct organization *org, const char *id, const char *name,
    size_t parent)
{
	struct ou *ou;

	if (id == NULL || org->ous_count >= OUS_MAX)
		return;
	if (org->ous_count == org->ous_size) {
		org->ous_size = org->ous_size > 0 ? org->ous_size * 2 : 32;
		org->ous = aws_realloc(org->ous, org->ous_size,
		    sizeof(*org->ous));
	}
	ou = &org->ous[org->ous_count++];
	ou->id = aws_strdup(id);
	ou->name = aws_strdup(name != NULL ? name : id);
	ou->parent = parent;
}

static void
part_done(void *arg, const struct aws_answer *answer)
{
	struct part *part = arg;
	struct organization *org = part->org;

	note_error(org, answer);
	aws_task_free(part);
	if (--org->pending == 0)
		read_tags(org);
}

static int
ous_page(void *arg, const struct bh_value *page)
{
	struct part *part = arg;
	struct organization *org = part->org;

	for (BH_EACH(item, bh_get(page, "OrganizationalUnits"))) {
		size_t n = org->ous_count;

		add_ou(org, bh_get_text(item, "Id"), bh_get_text(item, "Name"),
		    part->number);
		if (org->ous_count > n)
			visit(org, n);
	}
	return 0;
}

static int
members_page(void *arg, const struct bh_value *page)
{
	struct part *part = arg;
	struct organization *org = part->org;

	for (BH_EACH(item, bh_get(page, "Accounts"))) {
		const char *id = bh_get_text(item, "Id");

		for (size_t i = 0; i < org->count && id != NULL; i++)
			if (strcmp(org->accounts[i].id, id) == 0)
				org->accounts[i].ou = part->number;
	}
	return 0;
}

static void
visit(struct organization *org, size_t ou)
{
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(256);

	text_member(&body, "ParentId", org->ous[ou].id);
	pages(org, "ListOrganizationalUnitsForParent", bh_buf_text(&body),
	    ous_page, part_done, part_new(org, ou));
	if (!org->paths)
		pages(org, "ListAccountsForParent", bh_buf_text(&body),
		    members_page, part_done, part_new(org, ou));
}

static int
roots_page(void *arg, const struct bh_value *page)
{
	struct part *part = arg;
	struct organization *org = part->org;

	for (BH_EACH(item, bh_get(page, "Roots"))) {
		size_t n = org->ous_count;

		add_ou(org, bh_get_text(item, "Id"), "", NONE);
		if (org->ous_count > n)
			visit(org, n);
	}
	return 0;
}

/* --- accounts ------------------------------------------------------------------- */

/* "o-x/r-ab12/ou-ab12-1/111122223333/" without its ends: "/r-ab12/ou-ab12-1/". */
static char *
inner_path(const char *path)
{
	const char *start = path != NULL ? strchr(path, '/') : NULL;
	size_t len;

	if (start == NULL)
		return NULL;
	len = strlen(start);
	while (len > 0 && start[len - 1] == '/')
		len--;
	while (len > 0 && start[len - 1] != '/')
		len--;
	return len > 1 ? aws_strndup(start, len) : NULL;
}

static int
accounts_page(void *arg, const struct bh_value *page)
{
	struct organization *org = arg;

	for (BH_EACH(item, bh_get(page, "Accounts"))) {
		const char *id = bh_get_text(item, "Id");
		const char *name = bh_get_text(item, "Name");
		const char *state = bh_get_text(item, "State");
		const struct bh_value *paths = bh_get(item, "Paths");
		struct found *f;

		if (id == NULL)
			continue;
		if (state == NULL)
			state = bh_get_text(item, "Status");
		if (org->count == org->size) {
			org->size = org->size > 0 ? org->size * 2 : 64;
			org->accounts = aws_realloc(org->accounts, org->size,
			    sizeof(*org->accounts));
		}
		f = &org->accounts[org->count++];
		memset(f, 0, sizeof(*f));
		f->id = aws_strdup(id);
		f->name = aws_strdup(name != NULL ? name : id);
		f->active = state == NULL || strcmp(state, "ACTIVE") == 0;
		f->ou = NONE;
		f->ou_ids = paths != NULL && paths->kind == BH_LIST ?
		    inner_path(bh_text(paths->first)) : NULL;
		org->paths = org->paths && f->ou_ids != NULL;
		if (f->ou_ids == NULL)
			f->ou_ids = aws_strdup("");
	}
	return 0;
}

static void
accounts_done(void *arg, const struct aws_answer *answer)
{
	struct organization *org = arg;

	note_error(org, answer);
	if (org->error != NULL) {
		finish(org);
		return;
	}
	org->pending = 0;
	pages(org, "ListRoots", "", roots_page, part_done, part_new(org, 0));
}

/* --- whose organization it is ----------------------------------------------------- */

static void
described(void *arg, const struct aws_answer *answer)
{
	struct organization *org = arg;
	const char *management = bh_get_text(bh_get(answer->value,
	    "Organization"), "MasterAccountId");

	/* A caller that may not ask this is no reason to show no accounts. */
	if (answer->result == BH_OK && management != NULL)
		org->into->management = snapshot_text(org->into, management);
	else
		org->into->management = snapshot_text(org->into,
		    org->old->management);
	org->into->delegated = *org->into->management != '\0' &&
	    (org->self != NULL ? strcmp(org->self,
	    org->into->management) != 0 : org->old->delegated);
	pages(org, "ListAccounts", "", accounts_page, accounts_done, org);
}

static void
identified(void *arg, int result, const char *account, const char *arn,
    const char *error)
{
	struct organization *org = arg;
	const struct aws_request request = {
		.service = AWS_ORGANIZATIONS,
		.operation = "DescribeOrganization", .body = "",
		.priority = org->priority
	};

	(void)arn;
	(void)error;
	if (result == BH_OK)
		org->self = snapshot_text(org->into, account);
	aws_call(org->aws, &request, described, org);
}

void
organizations_read(struct aws *aws, enum aws_priority priority,
    struct snapshot *into, const struct snapshot *old, bool tags, bool fresh,
    reader_cb *cb, void *arg)
{
	struct organization *org = aws_task_new(aws, sizeof(*org),
	    drop_organization);

	org->aws = aws;
	org->priority = priority;
	org->into = into;
	org->old = old;
	org->tags = tags;
	org->fresh = fresh;
	org->paths = true;
	org->cb = cb;
	org->arg = arg;
	sts_identity(aws, priority, identified, org);
}
