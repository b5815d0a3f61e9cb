/* company.c - looks up, adds and changes people, accounts and sets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sandbox/sandbox.h"

int
account_find(const struct sandbox *sb, const char *s)
{
	for (size_t i = 0; i < sb->accounts.count; i++)
		if (strcmp(sb->accounts.at[i].id, s) == 0 ||
		    strcmp(sb->accounts.at[i].name, s) == 0)
			return (int)i;
	return -1;
}

int
set_find(const struct sandbox *sb, const char *s)
{
	for (size_t i = 0; i < sb->sets.count; i++)
		if (strcmp(sb->sets.at[i].arn, s) == 0 ||
		    strcasecmp(sb->sets.at[i].name, s) == 0)
			return (int)i;
	return -1;
}

int
unit_find(const struct sandbox *sb, const char *id)
{
	for (size_t i = 0; i < sb->units.count; i++)
		if (strcmp(sb->units.at[i].id, id) == 0)
			return (int)i;
	return -1;
}

int
principal_by_id(const struct sandbox *sb, const char *id)
{
	for (size_t i = 0; i < sb->principals.count; i++)
		if (strcmp(sb->principals.at[i].id, id) == 0)
			return (int)i;
	return -1;
}

int
principal_find(const struct sandbox *sb, const char *s)
{
	for (size_t i = 0; i < sb->principals.count; i++) {
		const struct principal *p = &sb->principals.at[i];

		if (strcmp(p->id, s) == 0 || strcasecmp(p->name, s) == 0 ||
		    (p->email != NULL && strcasecmp(p->email, s) == 0))
			return (int)i;
	}
	return -1;
}

int
member_find(const struct sandbox *sb, int group, int user)
{
	for (size_t i = 0; i < sb->members.count; i++)
		if (sb->members.at[i].group == group &&
		    sb->members.at[i].user == user)
			return (int)i;
	return -1;
}

int
account_add(struct sandbox *sb, const char *id, const char *name, int unit,
    const char *tags)
{
	struct account *a = list_add(&sb->accounts);

	set_text(a->id, sizeof(a->id), id);
	a->name = copy_text(name);
	a->tags = copy_text(tags);
	a->unit = unit;
	return (int)sb->accounts.count - 1;
}

int
unit_add(struct sandbox *sb, const char *name, int parent)
{
	char hex[9], path[96];

	/* "Prod" stands under several parents: the id needs the parent's. */
	snprintf(path, sizeof(path), "%s/%s",
	    parent < 0 ? ROOT_ID : sb->units.at[parent].id, name);
	stable_hex(hex, 8, "unit", path);

	struct unit *u = list_add(&sb->units);

	snprintf(u->id, sizeof(u->id), "ou-acme-%s", hex);
	u->name = copy_text(name);
	u->parent = parent;
	return (int)sb->units.count - 1;
}

int
set_add(struct sandbox *sb, const char *name, const char *about,
    const char *session)
{
	struct set *s = list_add(&sb->sets);
	char hex[17];

	stable_hex(hex, 16, "set", name);
	snprintf(s->arn, sizeof(s->arn), "arn:aws:sso:::permissionSet/%s/ps-%s",
	    strchr(INSTANCE_ARN, '/') + 1, hex);
	s->name = copy_text(name);
	s->about = copy_text(about);
	s->session = copy_text(session);
	return (int)sb->sets.count - 1;
}

struct principal *
principal_add(struct sandbox *sb, const char *name, bool group)
{
	struct principal *p = list_add(&sb->principals);
	char uuid[37];

	stable_uuid(uuid, group ? "group" : "user", name);
	snprintf(p->id, sizeof(p->id), "%s-%s", STORE_HEX, uuid);
	p->name = copy_text(name);
	p->group = group;
	return p;
}

struct member *
member_add(struct sandbox *sb, const char *id, int group, int user)
{
	struct member *m = list_add(&sb->members);
	const char *g = sb->principals.at[group].id;
	const char *u = sb->principals.at[user].id;

	if (id != NULL) {
		set_text(m->id, sizeof(m->id), id);
	} else {
		char both[100], uuid[37];

		snprintf(both, sizeof(both), "%s/%s", g, u);
		stable_uuid(uuid, "member", both);
		snprintf(m->id, sizeof(m->id), "%s-%s", STORE_HEX, uuid);
	}
	m->group = group;
	m->user = user;
	m->seq = ++sb->next_seq;
	state_note(sb, "{\"t\":\"member\",\"id\":\"%s\",\"g\":\"%s\","
	    "\"u\":\"%s\"}", m->id, g, u);
	return m;
}

void
member_drop(struct sandbox *sb, size_t at)
{
	state_note(sb, "{\"t\":\"unmember\",\"id\":\"%s\"}",
	    sb->members.at[at].id);
	memmove(&sb->members.at[at], &sb->members.at[at + 1],
	    (sb->members.count - at - 1) * sizeof(sb->members.at[0]));
	sb->members.count--;
}

void
principal_mark(struct sandbox *sb, int principal, const char *status)
{
	struct principal *p = &sb->principals.at[principal];

	p->disabled = strcmp(status, "DISABLED") == 0;
	p->deleted = strcmp(status, "DELETED") == 0;
	state_note(sb, "{\"t\":\"mark\",\"u\":\"%s\",\"status\":\"%s\"}",
	    p->id, status);
	if (!p->deleted)
		return;
	/* Memberships go with the person; assignments stay as orphans. */
	for (size_t i = sb->members.count; i-- > 0;)
		if (sb->members.at[i].user == principal ||
		    sb->members.at[i].group == principal)
			member_drop(sb, i);
}

void
account_mark(struct sandbox *sb, int account, bool suspended)
{
	sb->accounts.at[account].suspended = suspended;
	state_note(sb, "{\"t\":\"account\",\"a\":\"%s\",\"suspended\":%s}",
	    sb->accounts.at[account].id, suspended ? "true" : "false");
}

void
company_free(struct sandbox *sb)
{
	for (size_t i = 0; i < sb->units.count; i++)
		free(sb->units.at[i].name);
	for (size_t i = 0; i < sb->accounts.count; i++) {
		free(sb->accounts.at[i].name);
		free(sb->accounts.at[i].tags);
	}
	for (size_t i = 0; i < sb->sets.count; i++) {
		free(sb->sets.at[i].name);
		free(sb->sets.at[i].about);
		free(sb->sets.at[i].session);
	}
	for (size_t i = 0; i < sb->principals.count; i++) {
		struct principal *p = &sb->principals.at[i];

		free(p->name);
		free(p->given);
		free(p->family);
		free(p->email);
		free(p->title);
		free(p->about);
	}
	free(sb->units.at);
	free(sb->accounts.at);
	free(sb->sets.at);
	free(sb->principals.at);
	free(sb->members.at);
	free(sb->assignments.at);
	memset(&sb->units, 0, sizeof(sb->units));
	memset(&sb->accounts, 0, sizeof(sb->accounts));
	memset(&sb->sets, 0, sizeof(sb->sets));
	memset(&sb->principals, 0, sizeof(sb->principals));
	memset(&sb->members, 0, sizeof(sb->members));
	memset(&sb->assignments, 0, sizeof(sb->assignments));
}
