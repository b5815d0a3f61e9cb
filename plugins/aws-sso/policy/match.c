/*
 * match.c - whether a pattern of a rule means this account, set or person.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sso/policy/rules.h"

/* The patterns of `list`, also when it is a single text.  `first` says where
 * to begin; a lone text has no siblings that belong to it. */
static const struct bh_value *
first_of(const struct bh_value *list)
{
	return list == NULL || list->kind != BH_LIST ? list : list->first;
}

static const struct bh_value *
next_of(const struct bh_value *list, const struct bh_value *item)
{
	return list->kind == BH_LIST ? item->next : NULL;
}

/* A path that ends in two stars is the OU and everything below it; without
 * them it is the OU alone. */
static bool
match_path(const char *pattern, const char *path)
{
	size_t n = strlen(pattern);

	if (n >= 3 && strcmp(pattern + n - 3, "/**") == 0) {
		n -= 3;
		return strncmp(pattern, path, n) == 0 &&
		    (path[n] == '\0' || path[n] == '/' || n == 0);
	}
	while (n > 1 && pattern[n - 1] == '/')
		n--;
	return strlen(path) == n && strncmp(pattern, path, n) == 0;
}

static bool
match_tag(const struct bh_api *api, const char *pattern,
    const struct account *a)
{
	const char *eq = strchr(pattern, '=');
	size_t key_len = eq != NULL ? (size_t)(eq - pattern) : strlen(pattern);

	for (size_t i = 0; i < a->tags_count; i++)
		if (strlen(a->tags[i].name) == key_len &&
		    strncmp(a->tags[i].name, pattern, key_len) == 0)
			return eq == NULL || api->glob(eq + 1, a->tags[i].value);
	return false;
}

static bool
is_account_id(const char *s)
{
	return strlen(s) == 12 && strspn(s, "0123456789") == 12;
}

static bool
is_account(const struct bh_api *api, const char *pattern, const void *thing)
{
	const struct account *a = thing;

	if (strncmp(pattern, "ou:", 3) == 0)
		return match_path(pattern + 3, a->path);
	if (strncmp(pattern, "tag:", 4) == 0)
		return match_tag(api, pattern + 4, a);
	if (is_account_id(pattern))
		return strcmp(pattern, a->id) == 0;
	return api->glob(pattern, a->name);
}

static bool
is_set(const struct bh_api *api, const char *pattern, const void *thing)
{
	const struct permission_set *set = thing;

	return api->glob(pattern, set->name) || strcmp(pattern, set->arn) == 0;
}

typedef bool is_fn(const struct bh_api *, const char *pattern,
    const void *thing);

/* Some pattern takes it and none with "!" takes it out again. */
static bool
match_list(const struct bh_api *api, const struct bh_value *list, is_fn *is,
    const void *thing)
{
	bool yes = false;

	for (const struct bh_value *p = first_of(list); p != NULL;
	    p = next_of(list, p)) {
		const char *s = bh_text(p);

		if (s == NULL)
			continue;
		if (*s == '!') {
			if (is(api, s + 1, thing))
				return false;
		} else if (!yes)
			yes = is(api, s, thing);
	}
	return yes;
}

bool
match_account(const struct bh_api *api, const struct bh_value *list,
    const struct account *a)
{
	return match_list(api, list, is_account, a);
}

bool
match_set(const struct bh_api *api, const struct bh_value *list,
    const struct permission_set *set)
{
	return match_list(api, list, is_set, set);
}

/* "everyone" means members: whoever is a guest or a bot is nobody here. */
int
match_person(const struct bh_value *list,
    const struct policy_facts *facts, const struct policy_person *who)
{
	int found = 0;

	if ((who->flags & (BH_USER_GUEST | BH_USER_BOT)) != 0)
		return 0;
	for (const struct bh_value *p = first_of(list); p != NULL;
	    p = next_of(list, p)) {
		const char *s = bh_text(p);

		if (s == NULL)
			continue;
		if (strcmp(s, "everyone") == 0)
			return 1;
		if (strncmp(s, "group:", 6) == 0) {
			int in = facts->member(facts->arg, who, s + 6);

			if (in > 0)
				return 1;
			if (in < 0)
				found = -1;
		} else if (*who->email != '\0' &&
		    strcasecmp(s, who->email) == 0)
			return 1;
	}
	return found;
}
