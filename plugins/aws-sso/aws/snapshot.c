/* snapshot.c - the whole directory at one moment: rows and their texts.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/snapshot.h"

#include <strings.h>

#include "plugins/aws-sso/aws/memory.h"

#define CHUNK	((size_t)64 * 1024)

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[];
};

static void *
arena(struct snapshot *s, size_t size)
{
	struct chunk *c = s->chunks;
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (c != NULL)
		c->used = (c->used + 7) & ~(size_t)7;
	if (c == NULL || c->used > c->size || c->size - c->used < size) {
		size_t room = size > CHUNK ? size : CHUNK;

		c = aws_calloc(1, sizeof(*c) + room);
		c->size = room;
		c->next = s->chunks;
		s->chunks = c;
	}
	p = c->data + c->used;
	c->used += size;
	return p;
}

const char *
snapshot_text(struct snapshot *s, const char *text)
{
	struct chunk *c = s->chunks;
	size_t len;
	char *copy;

	if (text == NULL || *text == '\0')
		return "";
	len = strlen(text) + 1;
	/* Texts need no alignment: packed side by side. */
	if (c != NULL && c->used <= c->size && c->size - c->used >= len) {
		copy = c->data + c->used;
		c->used += len;
	} else
		copy = arena(s, len);
	memcpy(copy, text, len);
	return copy;
}

struct snapshot *
snapshot_new(struct bh_host *host)
{
	struct snapshot *s = AWS_NEW(struct snapshot);

	bh_random(host, &s->seed, sizeof(s->seed));
	s->management = "";
	return s;
}

static void
index_free(struct index *index)
{
	free(index->slots);
	index->slots = NULL;
}

void
snapshot_free(struct snapshot **snapshot)
{
	struct snapshot *s = *snapshot;

	*snapshot = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->groups_count; i++)
		free(s->groups[i].members);
	free(s->accounts);
	free(s->sets);
	free(s->users);
	free(s->groups);
	free(s->accounts_list);
	free(s->sets_list);
	index_free(&s->account_id);
	index_free(&s->account_name);
	index_free(&s->set_name);
	index_free(&s->user_id);
	index_free(&s->user_email);
	index_free(&s->user_name);
	index_free(&s->user_external);
	index_free(&s->user_mapped);
	index_free(&s->group_id);
	index_free(&s->group_name);
	while (s->chunks != NULL) {
		struct chunk *next = s->chunks->next;

		free(s->chunks);
		s->chunks = next;
	}
	free(s);
}

/* Room for one more row of `rows`. */
static void *
grow(void *rows, size_t count, size_t *size, size_t each)
{
	if (count < *size)
		return rows;
	*size = *size > 0 ? *size * 2 : 64;
	return aws_realloc(rows, *size, each);
}

void
snapshot_add_account(struct snapshot *s, const struct account *account)
{
	struct account *a;
	struct bh_pair *tags;

	s->accounts = grow(s->accounts, s->accounts_count, &s->accounts_size,
	    sizeof(*a));
	a = &s->accounts[s->accounts_count++];
	*a = *account;
	a->id = snapshot_text(s, account->id);
	a->name = snapshot_text(s, account->name);
	a->path = snapshot_text(s, account->path);
	a->ou_ids = snapshot_text(s, account->ou_ids);
	if (account->tags_count > 0) {
		tags = arena(s, account->tags_count * sizeof(*tags));
		for (size_t i = 0; i < account->tags_count; i++) {
			tags[i].name = snapshot_text(s, account->tags[i].name);
			tags[i].value = snapshot_text(s,
			    account->tags[i].value);
		}
		a->tags = tags;
	}
}

void
snapshot_add_set(struct snapshot *s, const struct permission_set *set)
{
	struct permission_set *p;

	s->sets = grow(s->sets, s->sets_count, &s->sets_size, sizeof(*p));
	p = &s->sets[s->sets_count++];
	p->arn = snapshot_text(s, set->arn);
	p->name = snapshot_text(s, set->name);
	p->description = snapshot_text(s, set->description);
	p->session = set->session;
}

void
snapshot_add_user(struct snapshot *s, const struct user *user)
{
	struct user *u;

	s->users = grow(s->users, s->users_count, &s->users_size, sizeof(*u));
	u = &s->users[s->users_count++];
	u->principal.id = snapshot_text(s, user->principal.id);
	u->principal.name = snapshot_text(s, user->principal.name);
	u->principal.user_name = snapshot_text(s, user->principal.user_name);
	/* Very often the same: kept once. */
	u->principal.email = user->principal.email != NULL &&
	    strcmp(user->principal.email, u->principal.user_name) == 0 ?
	    u->principal.user_name : snapshot_text(s, user->principal.email);
	u->principal.enabled = user->principal.enabled;
	u->external = snapshot_text(s, user->external);
	u->mapped = snapshot_text(s, user->mapped);
}

void
snapshot_add_group(struct snapshot *s, const char *id, const char *name)
{
	struct group *g;

	s->groups = grow(s->groups, s->groups_count, &s->groups_size,
	    sizeof(*g));
	g = &s->groups[s->groups_count++];
	memset(g, 0, sizeof(*g));
	g->id = snapshot_text(s, id);
	g->name = snapshot_text(s, name);
}

void
snapshot_copy_accounts(struct snapshot *s, const struct snapshot *old)
{
	s->accounts_count = 0;
	s->management = snapshot_text(s, old->management);
	s->delegated = old->delegated;
	for (size_t i = 0; i < old->accounts_count; i++)
		snapshot_add_account(s, &old->accounts[i]);
}

void
snapshot_copy_sets(struct snapshot *s, const struct snapshot *old)
{
	s->sets_count = 0;
	for (size_t i = 0; i < old->sets_count; i++)
		snapshot_add_set(s, &old->sets[i]);
}

void
snapshot_copy_users(struct snapshot *s, const struct snapshot *old)
{
	s->users_count = s->groups_count = 0;
	for (size_t i = 0; i < old->users_count; i++)
		snapshot_add_user(s, &old->users[i]);
	for (size_t i = 0; i < old->groups_count; i++)
		snapshot_add_group(s, old->groups[i].id, old->groups[i].name);
}

/* --- members ------------------------------------------------------------------ */

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
take_members(struct group *group, uint32_t *members, size_t count)
{
	if (count > 0)
		qsort(members, count, sizeof(*members), by_number);
	free(group->members);
	group->members = count > 0 ? aws_realloc(members, count,
	    sizeof(*members)) : NULL;
	if (count == 0)
		free(members);
	group->count = count;
	group->known = true;
}

void
snapshot_set_members(struct snapshot *s, struct group *group,
    const char *const *ids, size_t count)
{
	uint32_t *members = aws_calloc(count, sizeof(*members));
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct user *u = snapshot_user_by(s, &s->user_id, ids[i],
		    NULL);

		if (u != NULL)
			members[n++] = (uint32_t)(u - s->users);
	}
	take_members(group, members, n);
}

void
snapshot_parse_members(struct snapshot *s, struct group *group,
    const char *ids)
{
	size_t n = 0, size = 0;
	uint32_t *members = NULL;

	for (const char *p = ids; *p != '\0';) {
		size_t len = strcspn(p, " ");
		AWS_AUTO_FREE char *id = aws_strndup(p, len);
		const struct user *u = snapshot_user_by(s, &s->user_id, id,
		    NULL);

		if (u != NULL) {
			members = grow(members, n, &size, sizeof(*members));
			members[n++] = (uint32_t)(u - s->users);
		}
		p += len;
		p += *p == ' ';
	}
	take_members(group, members, n);
}

void
snapshot_print_members(const struct snapshot *s, const struct group *group,
    struct bh_buf *out)
{
	for (size_t i = 0; i < group->count; i++) {
		if (i > 0)
			bh_buf_puts(out, " ");
		bh_buf_puts(out, s->users[group->members[i]].principal.id);
	}
}

bool
snapshot_is_member(const struct snapshot *s, const struct group *group,
    const struct user *user)
{
	uint32_t number = (uint32_t)(user - s->users);

	return group->count > 0 && bsearch(&number, group->members,
	    group->count, sizeof(number), by_number) != NULL;
}

/* --- tags ----------------------------------------------------------------------- */

static void
put_tag_text(struct bh_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		bh_buf_put(out, *text == '\t' || *text == '\n' ? " " : text, 1);
}

void
snapshot_print_tags(const struct account *account, struct bh_buf *out)
{
	for (size_t i = 0; i < account->tags_count; i++) {
		put_tag_text(out, account->tags[i].name);
		bh_buf_puts(out, "\t");
		put_tag_text(out, account->tags[i].value);
		bh_buf_puts(out, "\n");
	}
}

const struct bh_pair *
snapshot_parse_tags(struct snapshot *s, const char *text, size_t *count)
{
	struct bh_pair *tags;
	size_t n = 0, i = 0;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == '\n';
	*count = n;
	if (n == 0)
		return NULL;
	tags = arena(s, n * sizeof(*tags));
	for (const char *p = text; i < n; i++) {
		size_t len = strcspn(p, "\n"), name = strcspn(p, "\t\n");
		AWS_AUTO_FREE char *key = aws_strndup(p, name);
		AWS_AUTO_FREE char *value = aws_strndup(p + name +
		    (name < len), len - name - (name < len));

		tags[i].name = snapshot_text(s, key);
		tags[i].value = snapshot_text(s, value);
		p += len + 1;
	}
	return tags;
}
