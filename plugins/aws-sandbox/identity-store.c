/* identity-store.c - the operations of identitystore.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sandbox/sandbox.h"

#define BORN	1704067200000LL

static void
not_found(struct call *c, const char *type, const char *id)
{
	call_error(c, "ResourceNotFoundException", "%s not found.", type);
	put_text(&c->extra, "ResourceType", type);
	put_text(&c->extra, "ResourceId", id);
}

static bool
store_right(struct call *c)
{
	const char *id = call_text(c, "IdentityStoreId");

	if (c->caller.account != MANAGEMENT &&
	    c->caller.account != DELEGATED) {
		call_error(c, "AccessDeniedException", "User: %s is not "
		    "authorized to perform: identitystore:%s", c->caller.arn,
		    c->op->name);
		return false;
	}
	if (strcmp(id, STORE_ID) == 0)
		return true;
	not_found(c, "IDENTITY_STORE", id);
	return false;
}

/* The user or group with this id, or -1 and an error. */
static int
find(struct call *c, const char *id, bool group)
{
	int i = principal_by_id(c->sb, id);

	if (i >= 0 && c->sb->principals.at[i].group == group &&
	    !c->sb->principals.at[i].deleted)
		return i;
	not_found(c, group ? "GROUP" : "USER", id);
	return -1;
}

static void
put_user(struct call *c, const struct principal *p)
{
	struct bh_buf *b = &c->out;
	char full[160], external[37];

	snprintf(full, sizeof(full), "%s %s", p->given, p->family);
	stable_uuid(external, "external", p->name);
	put_text(b, "IdentityStoreId", STORE_ID);
	put_text(b, "UserId", p->id);
	put_text(b, "UserName", p->name);
	bh_buf_puts(b, ",\"ExternalIds\":[{");
	put_text(b, "Issuer", "https://login.acme.example/scim");
	put_text(b, "Id", external);
	bh_buf_puts(b, "}],\"Name\":{");
	put_text(b, "Formatted", full);
	put_text(b, "FamilyName", p->family);
	put_text(b, "GivenName", p->given);
	bh_buf_puts(b, "}");
	put_text(b, "DisplayName", full);
	put_text(b, "Title", p->title);
	bh_buf_puts(b, ",\"Emails\":[{");
	put_text(b, "Value", p->email);
	put_text(b, "Type", "work");
	put_bool(b, "Primary", true);
	bh_buf_puts(b, "}]");
	put_text(b, "UserStatus", p->disabled ? "DISABLED" : "ENABLED");
	put_time(b, "CreatedAt", BORN);
	put_time(b, "UpdatedAt", BORN);
}

static void
put_group(struct call *c, const struct principal *p)
{
	put_text(&c->out, "GroupId", p->id);
	put_text(&c->out, "DisplayName", p->name);
	put_text(&c->out, "Description", p->about != NULL ? p->about : p->name);
	put_text(&c->out, "IdentityStoreId", STORE_ID);
	put_time(&c->out, "CreatedAt", BORN);
	put_time(&c->out, "UpdatedAt", BORN);
}

/* The old Filters member: one filter, on UserName or DisplayName. */
static bool
filter(struct call *c, bool group, const char **value)
{
	const struct bh_value *all = bh_get(c->in, "Filters");
	const char *path = group ? "DisplayName" : "UserName";

	*value = NULL;
	if (all == NULL || all->count == 0)
		return true;
	*value = bh_get_text(all->first, "AttributeValue");
	if (all->count == 1 && *value != NULL &&
	    bh_get_text(all->first, "AttributePath") != NULL &&
	    strcmp(bh_get_text(all->first, "AttributePath"), path) == 0)
		return true;
	call_error(c, "ValidationException", "Filters takes one filter, with "
	    "the attribute path %s", path);
	return false;
}

static void
list(struct call *c, bool group)
{
	struct sandbox *sb = c->sb;
	const char *value;
	struct page p;

	if (!store_right(c) || !filter(c, group, &value) ||
	    !page_begin(&p, c, 50))
		return;
	bh_buf_puts(&c->out, group ? "\"Groups\":[" : "\"Users\":[");
	for (size_t i = 0; i < sb->principals.count; i++) {
		const struct principal *who = &sb->principals.at[i];

		if (who->group != group || who->deleted ||
		    (value != NULL && strcasecmp(value, who->name) != 0) ||
		    !page_take(&p, i + 1))
			continue;
		put_comma(&c->out);
		bh_buf_puts(&c->out, "{");
		if (group)
			put_group(c, who);
		else
			put_user(c, who);
		bh_buf_puts(&c->out, "}");
	}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
list_users(struct call *c)
{
	list(c, false);
}

static void
list_groups(struct call *c)
{
	list(c, true);
}

static void
describe_user(struct call *c)
{
	int i;

	if (store_right(c) &&
	    (i = find(c, call_text(c, "UserId"), false)) >= 0)
		put_user(c, &c->sb->principals.at[i]);
}

static void
describe_group(struct call *c)
{
	int i;

	if (store_right(c) &&
	    (i = find(c, call_text(c, "GroupId"), true)) >= 0)
		put_group(c, &c->sb->principals.at[i]);
}

/* Whether the alternate identifier of the call names `p`. */
static bool
is_meant(const struct call *c, const struct principal *p, const char *path,
    const char *value)
{
	char external[37];

	if (path == NULL) {
		stable_uuid(external, "external", p->name);
		return !p->group && strcmp(value, external) == 0 &&
		    strcmp(call_text(c,
		    "AlternateIdentifier.ExternalId.Issuer"),
		    "https://login.acme.example/scim") == 0;
	}
	return strcasecmp(value, strcmp(path, "emails.value") == 0 ?
	    p->email : p->name) == 0;
}

static void
get_id(struct call *c, bool group)
{
	static const char unique[] = "AlternateIdentifier.UniqueAttribute.";
	static const char outer[] = "AlternateIdentifier.ExternalId.";
	const char *path, *value;
	char name[80];

	if (!store_right(c))
		return;
	snprintf(name, sizeof(name), "%sAttributePath", unique);
	path = call_text(c, name);
	snprintf(name, sizeof(name), "%sAttributeValue", unique);
	value = call_text(c, name);
	if (path == NULL) {
		snprintf(name, sizeof(name), "%sIssuer", outer);
		bool issuer = call_text(c, name) != NULL;

		snprintf(name, sizeof(name), "%sId", outer);
		value = issuer ? call_text(c, name) : NULL;
	}
	if (value == NULL) {
		call_error(c, "ValidationException", "AlternateIdentifier "
		    "needs ExternalId with Issuer and Id, or UniqueAttribute "
		    "with AttributePath and AttributeValue");
		return;
	}
	if (path != NULL && (group ? strcmp(path, "displayName") != 0 :
	    strcmp(path, "userName") != 0 &&
	    strcmp(path, "emails.value") != 0)) {
		call_error(c, "ValidationException",
		    "%s is not a unique attribute", path);
		return;
	}
	for (size_t i = 0; i < c->sb->principals.count; i++) {
		const struct principal *p = &c->sb->principals.at[i];

		if (p->group != group || p->deleted ||
		    !is_meant(c, p, path, value))
			continue;
		put_text(&c->out, group ? "GroupId" : "UserId", p->id);
		put_text(&c->out, "IdentityStoreId", STORE_ID);
		return;
	}
	not_found(c, group ? "GROUP" : "USER", value);
}

static void
get_user_id(struct call *c)
{
	get_id(c, false);
}

static void
get_group_id(struct call *c)
{
	get_id(c, true);
}

/* ---- memberships ---- */

static void
put_member(struct call *c, const struct member *m)
{
	put_text(&c->out, "IdentityStoreId", STORE_ID);
	put_text(&c->out, "MembershipId", m->id);
	put_text(&c->out, "GroupId", c->sb->principals.at[m->group].id);
	bh_buf_puts(&c->out, ",\"MemberId\":{");
	put_text(&c->out, "UserId", c->sb->principals.at[m->user].id);
	bh_buf_puts(&c->out, "}");
	put_time(&c->out, "CreatedAt", BORN);
	put_time(&c->out, "UpdatedAt", BORN);
}

/* Those of a group, or those of a user; the other is -1. */
static void
list_members(struct call *c, int group, int user)
{
	struct page p;

	if (!page_begin(&p, c, 50))
		return;
	bh_buf_puts(&c->out, "\"GroupMemberships\":[");
	for (size_t i = 0; i < c->sb->members.count; i++) {
		const struct member *m = &c->sb->members.at[i];

		if ((group >= 0 && m->group != group) ||
		    (user >= 0 && m->user != user) || !page_take(&p, m->seq))
			continue;
		put_comma(&c->out);
		bh_buf_puts(&c->out, "{");
		put_member(c, m);
		bh_buf_puts(&c->out, "}");
	}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
list_memberships(struct call *c)
{
	int group;

	if (store_right(c) &&
	    (group = find(c, call_text(c, "GroupId"), true)) >= 0)
		list_members(c, group, -1);
}

static void
list_memberships_for_member(struct call *c)
{
	int user;

	if (store_right(c) &&
	    (user = find(c, call_text(c, "MemberId.UserId"), false)) >= 0)
		list_members(c, -1, user);
}

/* The group and user that the call names.  False: an error is set. */
static bool
both(struct call *c, int *group, int *user)
{
	return store_right(c) &&
	    (*group = find(c, call_text(c, "GroupId"), true)) >= 0 &&
	    (*user = find(c, call_text(c, "MemberId.UserId"), false)) >= 0;
}

static void
create_membership(struct call *c)
{
	int group, user;
	char uuid[37], id[48];

	if (!both(c, &group, &user))
		return;
	if (member_find(c->sb, group, user) >= 0) {
		call_error(c, "ConflictException",
		    "Member and Group relationship already exists");
		put_text(&c->extra, "Reason",
		    "UNIQUENESS_CONSTRAINT_VIOLATION");
		return;
	}
	/* A membership that comes back has another id than the one before. */
	new_uuid(c->sb, uuid);
	snprintf(id, sizeof(id), "%s-%s", STORE_HEX, uuid);
	put_text(&c->out, "MembershipId",
	    member_add(c->sb, id, group, user)->id);
	put_text(&c->out, "IdentityStoreId", STORE_ID);
}

static void
get_membership_id(struct call *c)
{
	int group, user, at;

	if (!both(c, &group, &user))
		return;
	at = member_find(c->sb, group, user);
	if (at < 0) {
		not_found(c, "GROUP_MEMBERSHIP", call_text(c, "GroupId"));
		return;
	}
	put_text(&c->out, "MembershipId", c->sb->members.at[at].id);
	put_text(&c->out, "IdentityStoreId", STORE_ID);
}

static int
find_membership(const struct call *c)
{
	const char *id = call_text(c, "MembershipId");

	for (size_t i = 0; i < c->sb->members.count; i++)
		if (strcmp(c->sb->members.at[i].id, id) == 0)
			return (int)i;
	return -1;
}

static void
describe_membership(struct call *c)
{
	int at;

	if (!store_right(c))
		return;
	if ((at = find_membership(c)) < 0)
		not_found(c, "GROUP_MEMBERSHIP", call_text(c, "MembershipId"));
	else
		put_member(c, &c->sb->members.at[at]);
}

/* Idempotent: deleting what is not there is fine. */
static void
delete_membership(struct call *c)
{
	int at;

	if (store_right(c) && (at = find_membership(c)) >= 0)
		member_drop(c->sb, (size_t)at);
}

static void
is_member(struct call *c)
{
	const struct bh_value *groups = bh_get(c->in, "GroupIds");
	int user;

	if (!store_right(c))
		return;
	if (groups == NULL || groups->count < 1 || groups->count > 100) {
		call_error(c, "ValidationException", "1 validation error "
		    "detected: Value at 'groupIds' failed to satisfy "
		    "constraint: Member must have length between 1 and 100");
		return;
	}
	if ((user = find(c, call_text(c, "MemberId.UserId"), false)) < 0)
		return;
	bh_buf_puts(&c->out, "\"Results\":[");
	for (BH_EACH(g, groups)) {
		const char *id = bh_text(g);
		int group = find(c, id != NULL ? id : "", true);

		if (group < 0)
			return;
		put_comma(&c->out);
		bh_buf_puts(&c->out, "{");
		put_text(&c->out, "GroupId", id);
		bh_buf_puts(&c->out, ",\"MemberId\":{");
		put_text(&c->out, "UserId", c->sb->principals.at[user].id);
		bh_buf_puts(&c->out, "}");
		put_bool(&c->out, "MembershipExists",
		    member_find(c->sb, group, user) >= 0);
		bh_buf_puts(&c->out, "}");
	}
	bh_buf_puts(&c->out, "]");
}

/* ---- the table ---- */

#define STORE_FIELD	{ "IdentityStoreId", &shape_store, true }
#define PAGE		{ "MaxResults", &shape_max, false },		\
			{ "NextToken", &shape_store_token, false }, { 0 }
#define GROUP		{ "GroupId", &shape_resource, true }
#define USER		{ "MemberId.UserId", &shape_resource, true }
#define MEMBERSHIP	{ "MembershipId", &shape_resource, true }

static const struct field only_page[] = { STORE_FIELD, PAGE };
static const struct field one_user[] = { STORE_FIELD,
	{ "UserId", &shape_resource, true }, { 0 } };
static const struct field one_group[] = { STORE_FIELD, GROUP, { 0 } };
static const struct field alternate[] = { STORE_FIELD,
	{ "AlternateIdentifier.UniqueAttribute.AttributePath", &shape_path,
	  false },
	{ "AlternateIdentifier.UniqueAttribute.AttributeValue", &shape_any,
	  false }, { 0 } };
static const struct field group_page[] = { STORE_FIELD, GROUP, PAGE };
static const struct field user_page[] = { STORE_FIELD, USER, PAGE };
static const struct field group_user[] = { STORE_FIELD, GROUP, USER, { 0 } };
static const struct field membership[] = { STORE_FIELD, MEMBERSHIP, { 0 } };
static const struct field only_user[] = { STORE_FIELD, USER, { 0 } };

const struct op identity_store_ops[] = {
	{ "ListUsers", STORE, 0, list_users, only_page, 0, 0 },
	{ "DescribeUser", STORE, 0, describe_user, one_user, 0, 0 },
	{ "GetUserId", STORE, 0, get_user_id, alternate, 0, 0 },
	{ "ListGroups", STORE, 0, list_groups, only_page, 0, 0 },
	{ "DescribeGroup", STORE, 0, describe_group, one_group, 0, 0 },
	{ "GetGroupId", STORE, 0, get_group_id, alternate, 0, 0 },
	{ "ListGroupMemberships", STORE, 0, list_memberships, group_page,
	  0, 0 },
	{ "ListGroupMembershipsForMember", STORE, 0,
	  list_memberships_for_member, user_page, 0, 0 },
	{ "CreateGroupMembership", STORE, OP_WRITE, create_membership,
	  group_user, 0, 0 },
	{ "GetGroupMembershipId", STORE, 0, get_membership_id, group_user,
	  0, 0 },
	{ "DescribeGroupMembership", STORE, 0, describe_membership,
	  membership, 0, 0 },
	{ "DeleteGroupMembership", STORE, OP_WRITE, delete_membership,
	  membership, 0, 0 },
	{ "IsMemberInGroups", STORE, 0, is_member, only_user, 0, 0 },
	{ 0 }
};
