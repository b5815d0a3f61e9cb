/* identity-store.c - users, groups, and who is in them.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sso/aws/reader.h"
#include "plugins/aws-sso/aws/state.h"
#include "plugins/aws-sso/aws/text.h"

#define ENTERPRISE	"aws:identitystore:enterprise"

struct store_read {
	struct aws_task task;
	struct aws *aws;
	enum aws_priority priority;
	struct snapshot *into;
	char *attribute;
	reader_cb *cb;
	void *arg;
	char *error;
};

/* What an administrator or the identity provider sets, and nobody else. */
static const char *const by_administrators[] = {
	"email", "userName", "externalId", "title", "userType",
	"employeeNumber", "costCenter", "organization", "division",
	"department", NULL
};

/* What people may change in their own profile: who trusts that lets anyone
 * become anyone. */
static const char *const by_users[] = {
	"nickName", "displayName", "profileUrl", "locale", "timezone",
	"preferredLanguage", NULL
};

static bool
among(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

int
identity_attribute(const char *attribute, const char **error)
{
	if (among(attribute, by_users))
		*error = "identity-mapping: people can change that attribute "
		    "themselves, and so become others: use email, userName or "
		    "externalId";
	else if (!among(attribute, by_administrators))
		*error = "identity-mapping: attribute must be one of email, "
		    "userName, externalId, title, userType, employeeNumber, "
		    "costCenter, organization, division, department";
	else
		return BH_OK;
	return BH_EINVAL;
}

static void
drop_read(void *task)
{
	struct store_read *read = task;

	free(read->attribute);
	free(read->error);
}

static void
pages(struct store_read *read, const char *operation, const char *members,
    aws_page_cb *page, aws_call_cb *done)
{
	const struct aws_request request = {
		.service = AWS_IDENTITY_STORE, .operation = operation,
		.body = members, .priority = read->priority
	};

	aws_pages(read->aws, &request, page, done, read);
}

/* --- users ---------------------------------------------------------------------- */

static const char *
mail_of(const struct bh_value *user)
{
	const struct bh_value *best = NULL;

	for (BH_EACH(mail, bh_get(user, "Emails")))
		if (best == NULL || bh_get_bool(mail, "Primary", false))
			best = mail;
	return bh_get_text(best, "Value");
}

static void
put_name(struct bh_buf *out, const struct bh_value *user)
{
	const struct bh_value *name = bh_get(user, "Name");
	const char *shown = bh_get_text(user, "DisplayName");
	const char *given = bh_get_text(name, "GivenName");
	const char *family = bh_get_text(name, "FamilyName");

	if (shown == NULL)
		shown = bh_get_text(name, "Formatted");
	if (shown != NULL)
		bh_buf_puts(out, shown);
	else if (given != NULL && family != NULL)
		bh_buf_add(out, "%s %s", given, family);
	else if (bh_get_text(user, "UserName") != NULL)
		bh_buf_puts(out, bh_get_text(user, "UserName"));
}

static const char *
mapped_of(const struct bh_value *user, const char *attribute)
{
	/* In the order of by_administrators, without the first three. */
	static const char *const members[] = { "Title", "UserType" };

	if (attribute == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (strcasecmp(attribute, members[i]) == 0)
			return bh_get_text(user, members[i]);

	const struct bh_value *extension = bh_get(bh_get(user, "Extensions"),
	    ENTERPRISE);

	for (BH_EACH(member, extension))
		if (strcasecmp(member->key, attribute) == 0)
			return bh_text(member);
	return NULL;
}

static int
users_page(void *arg, const struct bh_value *page)
{
	struct store_read *read = arg;

	for (BH_EACH(item, bh_get(page, "Users"))) {
		AWS_AUTO_BUF struct bh_buf external = BH_BUF(8192);
		AWS_AUTO_BUF struct bh_buf name = BH_BUF(8192);
		const char *status = bh_get_text(item, "UserStatus");
		struct user user = { 0 };

		for (BH_EACH(id, bh_get(item, "ExternalIds"))) {
			const char *text = bh_get_text(id, "Id");

			if (text != NULL && strchr(text, '\n') == NULL)
				bh_buf_add(&external, "%s%s",
				    external.len > 0 ? "\n" : "", text);
		}
		put_name(&name, item);
		user.principal.id = bh_get_text(item, "UserId");
		user.principal.user_name = bh_get_text(item, "UserName");
		user.principal.email = mail_of(item);
		user.principal.name = bh_buf_text(&name);
		user.principal.enabled = status == NULL ||
		    strcmp(status, "DISABLED") != 0;
		user.external = bh_buf_text(&external);
		user.mapped = mapped_of(item, read->attribute);
		if (user.principal.id != NULL)
			snapshot_add_user(read->into, &user);
	}
	return 0;
}

static int
groups_page(void *arg, const struct bh_value *page)
{
	struct store_read *read = arg;

	for (BH_EACH(item, bh_get(page, "Groups"))) {
		const char *id = bh_get_text(item, "GroupId");

		if (id != NULL)
			snapshot_add_group(read->into, id,
			    bh_get_text(item, "DisplayName"));
	}
	return 0;
}

static void
read_over(struct store_read *read, const struct aws_answer *answer)
{
	struct bh_buf text = BH_BUF(1024);

	if (answer->result != BH_OK) {
		bh_buf_add(&text, "users and groups cannot be read: %s",
		    answer->message);
		read->error = text.data;
	}
	read->cb(read->arg, read->error);
	aws_task_free(read);
}

static void
groups_done(void *arg, const struct aws_answer *answer)
{
	read_over(arg, answer);
}

static void
users_done(void *arg, const struct aws_answer *answer)
{
	struct store_read *read = arg;

	if (answer->result != BH_OK)
		read_over(read, answer);
	else
		pages(read, "ListGroups", "\"MaxResults\":100", groups_page,
		    groups_done);
}

void
identity_store_read(struct aws *aws, enum aws_priority priority,
    struct snapshot *into, const char *attribute, reader_cb *cb, void *arg)
{
	struct store_read *read = aws_task_new(aws, sizeof(*read), drop_read);
	bool extension = attribute != NULL &&
	    strcasecmp(attribute, "email") != 0 &&
	    strcasecmp(attribute, "userName") != 0 &&
	    strcasecmp(attribute, "externalId") != 0 &&
	    strcasecmp(attribute, "title") != 0 &&
	    strcasecmp(attribute, "userType") != 0;

	read->aws = aws;
	read->priority = priority;
	read->into = into;
	read->attribute = aws_strdup(attribute);
	read->cb = cb;
	read->arg = arg;
	pages(read, "ListUsers", extension ?
	    "\"MaxResults\":100,\"Extensions\":[\"" ENTERPRISE "\"]" :
	    "\"MaxResults\":100", users_page, users_done);
}

/* --- members of a group ------------------------------------------------------------ */

struct members {
	struct aws_task task;
	members_cb *cb;
	void *arg;
	char **ids;
	size_t count, size;
};

static void
drop_members(void *task)
{
	struct members *members = task;

	for (size_t i = 0; i < members->count; i++)
		free(members->ids[i]);
	free(members->ids);
}

static int
members_page(void *arg, const struct bh_value *page)
{
	struct members *members = arg;

	for (BH_EACH(item, bh_get(page, "GroupMemberships"))) {
		const char *id = bh_get_text(bh_get(item, "MemberId"),
		    "UserId");

		if (id == NULL)
			continue;
		if (members->count == members->size) {
			members->size = members->size > 0 ?
			    members->size * 2 : 64;
			members->ids = aws_realloc(members->ids,
			    members->size, sizeof(*members->ids));
		}
		members->ids[members->count++] = aws_strdup(id);
	}
	return 0;
}

static void
members_done(void *arg, const struct aws_answer *answer)
{
	struct members *members = arg;
	const char **ids = aws_calloc(members->count, sizeof(*ids));

	for (size_t i = 0; i < members->count; i++)
		ids[i] = members->ids[i];
	members->cb(members->arg, answer->result == BH_OK ? NULL :
	    answer->message, ids, members->count);
	free(ids);
	aws_task_free(members);
}

void
identity_store_members(struct aws *aws, enum aws_priority priority,
    const char *group_id, members_cb *cb, void *arg)
{
	struct members *members = aws_task_new(aws, sizeof(*members),
	    drop_members);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(512);

	members->cb = cb;
	members->arg = arg;
	text_member(&body, "GroupId", group_id);
	bh_buf_puts(&body, ",\"MaxResults\":100");

	const struct aws_request request = {
		.service = AWS_IDENTITY_STORE,
		.operation = "ListGroupMemberships",
		.body = bh_buf_text(&body), .priority = priority
	};

	aws_pages(aws, &request, members_page, members_done, members);
}

/* --- one user ---------------------------------------------------------------------- */

struct one_user {
	struct aws_task task;
	user_cb *cb;
	void *arg;
};

static void
user_answer(void *arg, const struct aws_answer *answer)
{
	struct one_user *one = arg;
	const char *status = bh_get_text(answer->value, "UserStatus");
	bool absent = answer->error != NULL &&
	    strcmp(answer->error, "ResourceNotFoundException") == 0;

	if (answer->result == BH_OK &&
	    bh_get_text(answer->value, "UserId") == NULL)
		one->cb(one->arg, BH_EPARSE, false,
		    "AWS's answer holds no user");
	else
		one->cb(one->arg, absent ? BH_ENOENT : answer->result,
		    answer->result == BH_OK && (status == NULL ||
		    strcmp(status, "DISABLED") != 0), answer->message);
	aws_task_free(one);
}

void
identity_store_user(struct aws *aws, enum aws_priority priority,
    const char *user_id, user_cb *cb, void *arg)
{
	struct one_user *one = aws_task_new(aws, sizeof(*one), NULL);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(512);

	one->cb = cb;
	one->arg = arg;
	text_member(&body, "UserId", user_id);

	const struct aws_request request = {
		.service = AWS_IDENTITY_STORE, .operation = "DescribeUser",
		.body = bh_buf_text(&body), .priority = priority
	};

	aws_call(aws, &request, user_answer, one);
}
