/* index.c - finding rows of a snapshot by any of their values.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sso/aws/memory.h"
#include "plugins/aws-sso/aws/snapshot.h"

/* Letters of both cases are one here; who looks decides what is equal. */
static uint32_t
hash(const struct snapshot *s, const char *text, size_t len)
{
	uint32_t h = 2166136261u ^ s->seed;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + 32);
		h = (h ^ c) * 16777619u;
	}
	return h ^ (h >> 15);
}

static void
start(struct index *index, size_t rows)
{
	index->size = 16;
	while (index->size < rows * 2)
		index->size *= 2;
	index->slots = aws_calloc(index->size, sizeof(*index->slots));
}

static void
add(const struct snapshot *s, struct index *index, const char *value,
    size_t len, size_t row)
{
	size_t at = hash(s, value, len) & (index->size - 1);

	if (len == 0)
		return;
	while (index->slots[at] != 0)
		at = (at + 1) & (index->size - 1);
	index->slots[at] = (uint32_t)(row + 1);
}

/* The next row that may have this value; begin with *at = SIZE_MAX. */
static bool
next(const struct snapshot *s, const struct index *index, const char *value,
    size_t *at, size_t *row)
{
	if (index->slots == NULL)
		return false;
	*at = *at == SIZE_MAX ? hash(s, value, strlen(value)) : *at + 1;
	*at &= index->size - 1;
	if (index->slots[*at] == 0)
		return false;
	*row = index->slots[*at] - 1;
	return true;
}

static int
account_order(const void *a, const void *b)
{
	const struct account *x = *(const struct account *const *)a;
	const struct account *y = *(const struct account *const *)b;
	int order = strcasecmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->id, y->id);
}

static int
set_order(const void *a, const void *b)
{
	const struct permission_set *x =
	    *(const struct permission_set *const *)a;
	const struct permission_set *y =
	    *(const struct permission_set *const *)b;
	int order = strcasecmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->arn, y->arn);
}

static void
finish_accounts(struct snapshot *s)
{
	start(&s->account_id, s->accounts_count);
	start(&s->account_name, s->accounts_count);
	s->accounts_list = aws_calloc(s->accounts_count,
	    sizeof(*s->accounts_list));
	s->list_count = 0;
	for (size_t i = 0; i < s->accounts_count; i++) {
		struct account *a = &s->accounts[i];

		a->management = *s->management != '\0' &&
		    strcmp(a->id, s->management) == 0;
		add(s, &s->account_id, a->id, strlen(a->id), i);
		add(s, &s->account_name, a->name, strlen(a->name), i);
		if (!a->management || !s->delegated)
			s->accounts_list[s->list_count++] = a;
	}
	if (s->list_count > 0)
		qsort(s->accounts_list, s->list_count,
		    sizeof(*s->accounts_list), account_order);
}

static void
finish_sets(struct snapshot *s)
{
	start(&s->set_name, s->sets_count * 2);
	s->sets_list = aws_calloc(s->sets_count, sizeof(*s->sets_list));
	for (size_t i = 0; i < s->sets_count; i++) {
		struct permission_set *p = &s->sets[i];

		s->sets_list[i] = p;
		add(s, &s->set_name, p->arn, strlen(p->arn), i);
		add(s, &s->set_name, p->name, strlen(p->name), i);
	}
	if (s->sets_count > 0)
		qsort(s->sets_list, s->sets_count, sizeof(*s->sets_list),
		    set_order);
}

static void
finish_users(struct snapshot *s)
{
	size_t externals = 0;

	for (size_t i = 0; i < s->users_count; i++) {
		externals++;
		for (const char *p = s->users[i].external; *p != '\0'; p++)
			externals += *p == '\n';
	}
	start(&s->user_id, s->users_count);
	start(&s->user_email, s->users_count);
	start(&s->user_name, s->users_count);
	start(&s->user_external, externals);
	start(&s->user_mapped, s->users_count);
	for (size_t i = 0; i < s->users_count; i++) {
		const struct user *u = &s->users[i];
		const struct principal *p = &u->principal;

		add(s, &s->user_id, p->id, strlen(p->id), i);
		add(s, &s->user_email, p->email, strlen(p->email), i);
		add(s, &s->user_name, p->user_name, strlen(p->user_name), i);
		add(s, &s->user_mapped, u->mapped, strlen(u->mapped), i);
		for (const char *x = u->external; *x != '\0';) {
			size_t len = strcspn(x, "\n");

			add(s, &s->user_external, x, len, i);
			x += len;
			x += *x == '\n';
		}
	}
}

void
snapshot_finish(struct snapshot *s)
{
	finish_accounts(s);
	finish_sets(s);
	finish_users(s);
	start(&s->group_id, s->groups_count);
	start(&s->group_name, s->groups_count);
	for (size_t i = 0; i < s->groups_count; i++) {
		const struct group *g = &s->groups[i];

		add(s, &s->group_id, g->id, strlen(g->id), i);
		add(s, &s->group_name, g->name, strlen(g->name), i);
	}
}

const struct account *
snapshot_account_by(const struct snapshot *s, const struct index *index,
    const char *value, bool *several)
{
	const struct account *found = NULL;
	size_t at = SIZE_MAX, row, count = 0;

	while (next(s, index, value, &at, &row)) {
		const struct account *a = &s->accounts[row];

		if (strcmp(index == &s->account_id ? a->id : a->name,
		    value) == 0) {
			found = a;
			count++;
		}
	}
	if (several != NULL)
		*several = count > 1;
	return count == 1 ? found : NULL;
}

const struct permission_set *
snapshot_set(const struct snapshot *s, const char *arn_or_name)
{
	const struct permission_set *found = NULL;
	size_t at = SIZE_MAX, row;

	/* A set stands there under both, so one may be passed twice. */
	while (next(s, &s->set_name, arn_or_name, &at, &row)) {
		const struct permission_set *p = &s->sets[row];

		if (p == found || (strcmp(p->arn, arn_or_name) != 0 &&
		    strcmp(p->name, arn_or_name) != 0))
			continue;
		if (found != NULL)
			return NULL;
		found = p;
	}
	return found;
}

static bool
has_external(const struct user *user, const char *value)
{
	size_t want = strlen(value);

	for (const char *x = user->external; *x != '\0';) {
		size_t len = strcspn(x, "\n");

		if (len == want && strncmp(x, value, len) == 0)
			return true;
		x += len;
		x += *x == '\n';
	}
	return false;
}

/* E-mail addresses and user names do not know upper and lower case. */
static bool
user_has(const struct snapshot *s, const struct index *index,
    const struct user *user, const char *value)
{
	const struct principal *p = &user->principal;

	if (index == &s->user_id)
		return strcmp(p->id, value) == 0;
	if (index == &s->user_email)
		return strcasecmp(p->email, value) == 0;
	if (index == &s->user_name)
		return strcasecmp(p->user_name, value) == 0;
	if (index == &s->user_external)
		return has_external(user, value);
	return strcmp(user->mapped, value) == 0;
}

const struct user *
snapshot_user_by(const struct snapshot *s, const struct index *index,
    const char *value, bool *several)
{
	const struct user *found = NULL;
	size_t at = SIZE_MAX, row;
	bool more = false;

	while (next(s, index, value, &at, &row))
		if (user_has(s, index, &s->users[row], value)) {
			more = more || (found != NULL &&
			    found != &s->users[row]);
			found = &s->users[row];
		}
	if (several != NULL)
		*several = more;
	return more ? NULL : found;
}

struct group *
snapshot_group(const struct snapshot *s, const char *name_or_id)
{
	struct group *found = NULL;
	size_t at = SIZE_MAX, row, count = 0;

	while (next(s, &s->group_id, name_or_id, &at, &row))
		if (strcmp(s->groups[row].id, name_or_id) == 0)
			return &s->groups[row];
	at = SIZE_MAX;
	while (next(s, &s->group_name, name_or_id, &at, &row))
		if (strcmp(s->groups[row].name, name_or_id) == 0) {
			found = &s->groups[row];
			count++;
		}
	return count == 1 ? found : NULL;
}
