/*
 * names.c - what people typed for accounts, permission sets and durations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <ctype.h>
#include <strings.h>

#include "plugins/aws-sso/face/parts.h"

static void
fail_name(struct bh_call *call, const char *arg, int result, const char *what,
    const char *typed, const struct bh_buf *near)
{
	if (result == BH_ECONFLICT)
		bh_fail_at(call, arg, "\"%s\" could be several: %s. Type more "
		    "of it.", typed, bh_buf_text(near));
	else if (near->len > 0)
		bh_fail_at(call, arg, "There is no %s \"%s\". Did you mean %s?",
		    what, typed, bh_buf_text(near));
	else
		bh_fail_at(call, arg, "There is no %s \"%s\". Leave it out to "
		    "choose from a list.", what, typed);
}

const struct account *
name_account(struct bh_call *call, struct face *f, const char *typed,
    const char *arg)
{
	const struct account *a = NULL;
	struct bh_buf near = BH_BUF(512);
	int result = directory_resolve_account(f->sso->directory, typed, &a,
	    &near);

	if (result != BH_OK) {
		fail_name(call, arg, result, "account", typed, &near);
		a = NULL;
	} else if (!a->active) {
		bh_fail_at(call, arg, "Account %s (%s) is not active in AWS, so "
		    "nobody can enter it.", a->name, a->id);
		a = NULL;
	}
	bh_buf_release(&near);
	return a;
}

const struct permission_set *
name_set(struct bh_call *call, struct face *f, const char *typed,
    const char *arg)
{
	const struct permission_set *s = NULL;
	struct bh_buf near = BH_BUF(512);
	int result = directory_resolve_permission_set(f->sso->directory,
	    typed, &s, &near);

	if (result != BH_OK) {
		fail_name(call, arg, result, "permission set", typed, &near);
		s = NULL;
	}
	bh_buf_release(&near);
	return s;
}

int64_t
name_duration(struct bh_call *call, const char *typed, const char *arg)
{
	const char *error = NULL;
	int64_t ms;

	if (typed == NULL)
		return 0;
	ms = bh_duration(call, typed, &error);
	if (ms < 1000) {
		bh_fail_at(call, arg, "%s", ms < 0 && error != NULL ? error :
		    "That is no time at all: write something like 30m or 2h.");
		return -1;
	}
	return ms;
}

/* Anywhere in the name, blind to case; an empty text goes with everything. */
static bool
goes_with(const char *name, const char *typed)
{
	size_t n = strlen(typed);
	int first = tolower((unsigned char)*typed);

	if (n == 0)
		return true;
	for (; *name != '\0'; name++)
		if (tolower((unsigned char)*name) == first &&
		    strncasecmp(name, typed, n) == 0)
			return true;
	return false;
}

static void
offer_accounts(struct bh_call *call, struct face *f,
    const struct policy_sight *sight, const char *typed)
{
	size_t count, offered = 0;
	const struct account *const *all = directory_accounts(
	    f->sso->directory, &count);

	for (size_t i = 0; i < count && offered < 100; i++) {
		struct bh_buf label = BH_BUF(512);

		if (!policy_sees_account(sight, i) || !all[i]->active ||
		    (!goes_with(all[i]->name, typed) &&
		    !goes_with(all[i]->id, typed)))
			continue;
		bh_buf_add(&label, "%s (%s)", all[i]->name, all[i]->id);
		bh_offer(call, all[i]->name, bh_buf_text(&label));
		bh_buf_release(&label);
		offered++;
	}
}

/* The place of the account that was named, in the list of all. */
static size_t
named_account(struct bh_call *call, struct face *f)
{
	const char *typed = bh_arg(call, "account");
	const struct account *a = typed != NULL ?
	    directory_account(f->sso->directory, typed) : NULL;
	size_t count;
	const struct account *const *all = directory_accounts(
	    f->sso->directory, &count);

	for (size_t i = 0; a != NULL && i < count; i++)
		if (all[i] == a)
			return i;
	return POLICY_ANY_ACCOUNT;
}

static void
offer_sets(struct bh_call *call, struct face *f,
    const struct policy_sight *sight, const char *typed)
{
	size_t count, account = named_account(call, f);
	const struct permission_set *const *all = directory_permission_sets(
	    f->sso->directory, &count);

	for (size_t i = 0; i < count; i++)
		if (policy_sees_set(sight, account, i) &&
		    goes_with(all[i]->name, typed))
			bh_offer(call, all[i]->name, all[i]->name);
}

int
name_choices(struct bh_call *call, void *state, const char *arg,
    const char *typed)
{
	struct face *f = sso_of(state)->face;
	struct policy_person who;
	struct policy_sight *sight;

	if (typed == NULL)
		typed = "";
	person_of_user(f, bh_user(call), &who);
	sight = policy_sight_new(face_reach(f), &f->facts, bh_team(call),
	    &who);
	if (strcmp(arg, "account") == 0 || strcmp(arg, "who-or-account") == 0 ||
	    strcmp(arg, "id-or-account") == 0)
		offer_accounts(call, f, sight, typed);
	else if (strcmp(arg, "permission-set") == 0)
		offer_sets(call, f, sight, typed);
	else if (strcmp(arg, "for") == 0 || strcmp(arg, "duration") == 0) {
		static const char *const usual[] = { "30m", "1h", "2h", "4h" };

		for (size_t i = 0; i < 4; i++)
			if (goes_with(usual[i], typed))
				bh_offer(call, usual[i], usual[i]);
	}
	policy_sight_free(&sight);
	return BH_OK;
}
