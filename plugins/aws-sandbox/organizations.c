/* organizations.c - the operations of organizations: accounts and their tree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sandbox/sandbox.h"

#define BORN	1704067200000LL
#define ORG_ARN	"arn:aws:organizations::%s:"

/* Callable from the management and any delegated administrator's account. */
static bool
may(struct call *c)
{
	if (c->caller.account == MANAGEMENT || c->caller.account == DELEGATED)
		return true;
	call_error(c, "AccessDeniedException", "You don't have permissions to "
	    "access this resource.");
	return false;
}

static const char *
owner(const struct call *c)
{
	return c->sb->accounts.at[MANAGEMENT].id;
}

/* "o-.../r-.../ou-.../" of a unit (-1: the root), without what is below. */
static void
put_path(struct call *c, int unit)
{
	int chain[16], n = 0;

	for (int u = unit; u >= 0 && n < 16; u = c->sb->units.at[u].parent)
		chain[n++] = u;
	bh_buf_add(&c->out, "%s/%s/", ORG_ID, ROOT_ID);
	while (n > 0)
		bh_buf_add(&c->out, "%s/", c->sb->units.at[chain[--n]].id);
}

static void
put_account(struct call *c, const struct account *a)
{
	struct bh_buf *b = &c->out;
	const char *state = a->suspended ? "SUSPENDED" : "ACTIVE";

	put_comma(b);
	bh_buf_puts(b, "{");
	put_text(b, "Id", a->id);
	bh_buf_add(b, ",\"Arn\":\"" ORG_ARN "account/%s/%s\"", owner(c), ORG_ID,
	    a->id);
	bh_buf_add(b, ",\"Email\":\"aws+%s@acme.example\"", a->name);
	put_text(b, "Name", a->name);
	put_text(b, "State", state);
	if (c->sb->status_too)
		put_text(b, "Status", state);
	bh_buf_puts(b, ",\"Paths\":[\"");
	put_path(c, a->unit);
	bh_buf_add(b, "%s/\"]", a->id);
	put_text(b, "JoinedMethod", "CREATED");
	put_time(b, "JoinedTimestamp", BORN);
	bh_buf_puts(b, "}");
}

static void
put_unit(struct call *c, int unit)
{
	const struct unit *u = &c->sb->units.at[unit];

	put_text(&c->out, "Id", u->id);
	bh_buf_add(&c->out, ",\"Arn\":\"" ORG_ARN "ou/%s/%s\"", owner(c),
	    ORG_ID, u->id);
	put_text(&c->out, "Name", u->name);
	bh_buf_puts(&c->out, ",\"Path\":\"");
	put_path(c, unit);
	bh_buf_puts(&c->out, "\"");
}

static void
describe_organization(struct call *c)
{
	struct bh_buf *b = &c->out;

	if (!may(c))
		return;
	bh_buf_puts(b, "\"Organization\":{");
	put_text(b, "Id", ORG_ID);
	bh_buf_add(b, ",\"Arn\":\"" ORG_ARN "organization/%s\"", owner(c),
	    ORG_ID);
	put_text(b, "FeatureSet", "ALL");
	bh_buf_add(b, ",\"MasterAccountArn\":\"" ORG_ARN "account/%s/%s\"",
	    owner(c), ORG_ID, owner(c));
	put_text(b, "MasterAccountId", owner(c));
	put_text(b, "MasterAccountEmail", "aws+acme-management@acme.example");
	bh_buf_puts(b, "}");
}

/* Those under `unit`; all if `everywhere`. */
static void
accounts_page(struct call *c, int unit, bool everywhere)
{
	struct page p;

	if (!page_begin(&p, c, 20))
		return;
	bh_buf_puts(&c->out, "\"Accounts\":[");
	for (size_t i = 0; i < c->sb->accounts.count; i++)
		if ((everywhere || c->sb->accounts.at[i].unit == unit) &&
		    page_take(&p, i + 1))
			put_account(c, &c->sb->accounts.at[i]);
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
list_accounts(struct call *c)
{
	if (may(c))
		accounts_page(c, 0, true);
}

static void
describe_account(struct call *c)
{
	int i;

	if (!may(c))
		return;
	if ((i = account_find(c->sb, call_text(c, "AccountId"))) < 0) {
		call_error(c, "AccountNotFoundException", "You specified an "
		    "account that doesn't exist.");
		return;
	}
	bh_buf_puts(&c->out, "\"Account\":");
	put_account(c, &c->sb->accounts.at[i]);
}

static void
list_roots(struct call *c)
{
	if (!may(c))
		return;
	bh_buf_puts(&c->out, "\"Roots\":[{");
	put_text(&c->out, "Id", ROOT_ID);
	bh_buf_add(&c->out, ",\"Arn\":\"" ORG_ARN "root/%s/%s\"", owner(c),
	    ORG_ID, ROOT_ID);
	put_text(&c->out, "Name", "Root");
	bh_buf_puts(&c->out, ",\"PolicyTypes\":[]}]");
}

/* The unit named ParentId; -1 is the root.  False: an error is set. */
static bool
find_parent(struct call *c, int *unit)
{
	const char *id = call_text(c, "ParentId");

	if (!may(c))
		return false;
	*unit = unit_find(c->sb, id);
	if (*unit >= 0 || strcmp(id, ROOT_ID) == 0)
		return true;
	call_error(c, "ParentNotFoundException", "You specified parent that "
	    "doesn't exist.");
	return false;
}

static void
list_accounts_for_parent(struct call *c)
{
	int unit;

	if (find_parent(c, &unit))
		accounts_page(c, unit, false);
}

static void
list_units_for_parent(struct call *c)
{
	struct page p;
	int parent;

	if (!find_parent(c, &parent) || !page_begin(&p, c, 20))
		return;
	bh_buf_puts(&c->out, "\"OrganizationalUnits\":[");
	for (size_t i = 0; i < c->sb->units.count; i++) {
		if (c->sb->units.at[i].parent != parent ||
		    !page_take(&p, i + 1))
			continue;
		put_comma(&c->out);
		bh_buf_puts(&c->out, "{");
		put_unit(c, (int)i);
		bh_buf_puts(&c->out, "}");
	}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
put_child(struct call *c, const char *id, const char *type)
{
	put_comma(&c->out);
	bh_buf_puts(&c->out, "{");
	put_text(&c->out, "Id", id);
	put_text(&c->out, "Type", type);
	bh_buf_puts(&c->out, "}");
}

static void
list_children(struct call *c)
{
	struct sandbox *sb = c->sb;
	const char *type = call_text(c, "ChildType");
	bool accounts = strcmp(type, "ACCOUNT") == 0;
	struct page p;
	int parent;

	if (!find_parent(c, &parent) || !page_begin(&p, c, 20))
		return;
	bh_buf_puts(&c->out, "\"Children\":[");
	for (size_t i = 0; accounts && i < sb->accounts.count; i++)
		if (sb->accounts.at[i].unit == parent && page_take(&p, i + 1))
			put_child(c, sb->accounts.at[i].id, type);
	for (size_t i = 0; !accounts && i < sb->units.count; i++)
		if (sb->units.at[i].parent == parent && page_take(&p, i + 1))
			put_child(c, sb->units.at[i].id, type);
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

static void
list_parents(struct call *c)
{
	const char *id = call_text(c, "ChildId");
	int account = account_find(c->sb, id), unit = unit_find(c->sb, id);
	int parent;

	if (!may(c))
		return;
	if (account < 0 && unit < 0) {
		call_error(c, "ChildNotFoundException", "You specified a "
		    "child that doesn't exist.");
		return;
	}
	parent = account >= 0 ? c->sb->accounts.at[account].unit :
	    c->sb->units.at[unit].parent;
	bh_buf_puts(&c->out, "\"Parents\":[");
	put_child(c, parent < 0 ? ROOT_ID : c->sb->units.at[parent].id,
	    parent < 0 ? "ROOT" : "ORGANIZATIONAL_UNIT");
	bh_buf_puts(&c->out, "]");
}

static void
describe_unit(struct call *c)
{
	int unit;

	if (!may(c))
		return;
	unit = unit_find(c->sb, call_text(c, "OrganizationalUnitId"));
	if (unit < 0) {
		call_error(c, "OrganizationalUnitNotFoundException",
		    "You specified an organizational unit that doesn't exist.");
		return;
	}
	bh_buf_puts(&c->out, "\"OrganizationalUnit\":{");
	put_unit(c, unit);
	bh_buf_puts(&c->out, "}");
}

static void
list_tags(struct call *c)
{
	const char *id = call_text(c, "ResourceId");
	int account = account_find(c->sb, id);
	char key[64], value[64];
	const char *s;
	struct page p;
	size_t n = 0;
	int used;

	if (!may(c))
		return;
	if (account < 0 && unit_find(c->sb, id) < 0 &&
	    strcmp(id, ROOT_ID) != 0) {
		call_error(c, "TargetNotFoundException", "You specified a "
		    "target that doesn't exist.");
		return;
	}
	if (!page_begin(&p, c, 20))
		return;
	s = account >= 0 ? c->sb->accounts.at[account].tags : "";
	bh_buf_puts(&c->out, "\"Tags\":[");
	for (; sscanf(s, " %63[^=]=%63[^ ]%n", key, value, &used) == 2;
	    s += used) {
		if (!page_take(&p, ++n))
			continue;
		put_comma(&c->out);
		bh_buf_puts(&c->out, "{");
		put_text(&c->out, "Key", key);
		put_text(&c->out, "Value", value);
		bh_buf_puts(&c->out, "}");
	}
	bh_buf_puts(&c->out, "]");
	page_end(&p);
}

/* ---- the table: each with its own rate and burst ---- */

#define TOKEN	{ "NextToken", &shape_org_token, false }
#define PAGE	{ "MaxResults", &shape_org_max, false }, TOKEN, { 0 }

static const struct field only_page[] = { PAGE };
static const struct field one_account[] = {
	{ "AccountId", &shape_account, true }, { 0 } };
static const struct field child[] = {
	{ "ChildId", &shape_child, true }, PAGE };
static const struct field parent[] = {
	{ "ParentId", &shape_parent, true }, PAGE };
static const struct field parent_type[] = {
	{ "ParentId", &shape_parent, true },
	{ "ChildType", &shape_child_type, true }, PAGE };
static const struct field one_unit[] = {
	{ "OrganizationalUnitId", &shape_ou, true }, { 0 } };
static const struct field tagged[] = {
	{ "ResourceId", &shape_taggable, true }, TOKEN, { 0 } };

const struct op organizations_ops[] = {
	{ "DescribeOrganization", ORG, 0, describe_organization, NULL, 5, 8 },
	{ "ListAccounts", ORG, 0, list_accounts, only_page, 8, 12 },
	{ "DescribeAccount", ORG, 0, describe_account, one_account, 20, 30 },
	{ "ListRoots", ORG, 0, list_roots, only_page, 1, 2 },
	{ "ListParents", ORG, 0, list_parents, child, 5, 8 },
	{ "ListChildren", ORG, 0, list_children, parent_type, 6, 10 },
	{ "ListOrganizationalUnitsForParent", ORG, 0, list_units_for_parent,
	  parent, 5, 8 },
	{ "DescribeOrganizationalUnit", ORG, 0, describe_unit, one_unit,
	  10, 15 },
	{ "ListAccountsForParent", ORG, 0, list_accounts_for_parent, parent,
	  5, 8 },
	{ "ListTagsForResource", ORG, 0, list_tags, tagged, 10, 15 },
	{ 0 }
};
