/*
 * face.c - puts the face together: rules compiled, commands listed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <assert.h>

#include "plugins/aws-sso/face/parts.h"

const struct bh_command face_commands[] = {
	{ .name = "elevate",
	  .args = "[account] [permission-set] [--for=DURATION] "
	      "[--reason=TEXT] [--dry-run]",
	  .help = "ask for access to an AWS account",
	  .more = "!elevate prod-payments PowerUser --for 30m --reason "
	      "\"PAY-812 stuck job\"\n"
	      "Names, account ids and unique beginnings all work. What you "
	      "leave out is asked in a form.\n"
	      "--dry-run says what would happen, and changes nothing.",
	  .run = face_elevate, .choices = name_choices },
	{ .name = "approve", .args = "id",
	  .help = "say yes to a request",
	  .run = face_approve, .choices = id_choices },
	{ .name = "deny", .args = "id [reason...]",
	  .help = "say no to a request",
	  .run = face_deny, .choices = id_choices },
	{ .name = "cancel", .args = "id",
	  .help = "take your own request back",
	  .run = face_cancel, .choices = id_choices },
	{ .name = "revoke",
	  .args = "id-or-account [permission-set] [--who=PERSON] "
	      "[--reason=TEXT]",
	  .help = "end access now: yours, or what you may approve",
	  .more = "!revoke 7QK2\n!revoke prod-payments PowerUser\n"
	      "!revoke prod-payments PowerUser --who @ada",
	  .run = face_revoke, .choices = id_choices },
	{ .name = "extend", .args = "id [duration] [--reason=TEXT]",
	  .help = "ask for more time",
	  .more = "!extend 7QK2 1h\nThe same rule decides again.",
	  .run = face_extend, .choices = id_choices },
	{ .name = "access", .args = "[who-or-account]",
	  .help = "who has what, and until when",
	  .more = "!access\n!access @ada\n!access prod-payments",
	  .run = face_access, .choices = name_choices },
	{ .name = "mine", .args = "",
	  .help = "what you have, asked for, and are to decide",
	  .flags = BH_CMD_HOME | BH_CMD_PRIVATE | BH_CMD_ANYONE,
	  .run = face_mine },
	{ .name = "requests", .args = "",
	  .help = "what waits for a decision, above all yours",
	  .run = face_requests },
	{ .name = "explain", .args = "account [permission-set] [more]",
	  .help = "which rule decides, who could approve, or why not",
	  .more = "!explain prod-payments PowerUser\n"
	      "!explain @grace prod-payments PowerUser",
	  .run = face_explain, .choices = name_choices },
	{ .name = "stuck", .args = "",
	  .help = "removals that AWS does not carry out",
	  .flags = BH_CMD_ADMIN, .run = face_stuck },
	{ .name = "abandon", .args = "id reason...",
	  .help = "close a stuck removal by hand: takes two admins",
	  .flags = BH_CMD_ADMIN, .run = face_abandon },
	{ 0 }
};

struct sso *
sso_of(void *state)
{
	struct sso *sso = state;

	assert(sso != NULL && sso->magic == SSO_MAGIC);
	return sso;
}

static void
complain_to_log(void *arg, const struct bh_value *at, const char *sentence)
{
	struct face *f = arg;

	bh_log(f->host, BH_LOG_ERROR, "%s:%d:%d: %s", at->file != NULL ?
	    at->file : "configuration", at->line, at->column, sentence);
}

const struct policy_reach *
face_reach(struct face *f)
{
	size_t accounts_count, sets_count;
	const struct account *const *accounts =
	    directory_accounts(f->sso->directory, &accounts_count);
	const struct permission_set *const *sets =
	    directory_permission_sets(f->sso->directory, &sets_count);

	if (policy_reach_is(f->reach, f->policy, accounts, accounts_count,
	    sets, sets_count))
		return f->reach;
	policy_reach_free(&f->reach);
	f->reach = policy_reach_new(f->policy, accounts, accounts_count, sets,
	    sets_count);
	return f->reach;
}

/* Which pairs the sweep has to look after. */
static void
find_pairs(struct face *f)
{
	size_t accounts_count, sets_count, size = 0;
	const struct account *const *accounts =
	    directory_accounts(f->sso->directory, &accounts_count);
	const struct permission_set *const *sets =
	    directory_permission_sets(f->sso->directory, &sets_count);
	const struct policy_reach *reach = face_reach(f);
	bool *covered = calloc(sets_count + 1, sizeof(*covered));

	assert(covered != NULL);
	f->pairs_count = 0;
	for (size_t a = 0; a < accounts_count; a++) {
		policy_reach_sets(reach, a, covered);
		for (size_t s = 0; s < sets_count; s++) {
			if (!covered[s])
				continue;
			if (f->pairs_count == size) {
				size = size > 0 ? size * 2 : 64;
				f->pairs = realloc(f->pairs,
				    size * sizeof(*f->pairs));
				assert(f->pairs != NULL);
			}
			f->pairs[f->pairs_count++] = (struct grant_pair){
			    accounts[a]->id, sets[s]->arn };
		}
	}
	free(covered);
}

void
face_reload(struct face *f)
{
	struct policy_source sources[257];
	const char *team, *name;
	const char *most = bh_host_config(f->host, "longest");
	int64_t longest = most != NULL ? bh_duration(f->host, most, NULL) : 0;
	size_t n = 0;

	assert(f->magic == FACE_MAGIC);
	for (size_t i = 0; n < 256 && (team = bh_team_at(f->host, i)) != NULL;
	    i++)
		sources[n++] = (struct policy_source){ .team = team,
		    .rules = bh_team_setting(f->host, team, "rules"),
		    .delegate = bh_delegated(f->host, team),
		    .longest = longest > 0 ? longest : 0 };
	/* A team without rules of its own is shown the company's; they count
	 * once, as the company's. */
	sources[n] = (struct policy_source){ .team = "",
	    .rules = bh_team_setting(f->host, "", "rules"),
	    .longest = longest > 0 ? longest : 0 };
	for (size_t i = 0; i < n; i++)
		if (sources[i].rules == sources[n].rules)
			sources[i].rules = NULL;
	policy_reach_free(&f->reach);
	policy_free(&f->policy);
	f->policy = policy_compile(f->host->api, sources, n + 1,
	    complain_to_log, f);
	if (policy_uses_tags(f->policy))
		directory_need_tags(f->sso->directory);
	for (size_t i = 0; (name = policy_group(f->policy, i)) != NULL; i++)
		directory_need_group(f->sso->directory, name);
	find_pairs(f);
}

struct face *
face_new(struct sso *sso)
{
	struct face *f = calloc(1, sizeof(*f));

	assert(f != NULL);
	f->magic = FACE_MAGIC;
	f->sso = sso;
	f->host = sso->host;
	people_facts(f);
	rules_fill(f);
	f->cards = (struct grant_face){ .arg = f, .card = card_show };
	face_reload(f);
	return f;
}

void
face_free(struct face **fp)
{
	struct face *f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	assert(f->magic == FACE_MAGIC);
	policy_reach_free(&f->reach);
	policy_free(&f->policy);
	free(f->pairs);
	f->magic = 0;
	free(f);
}

const struct grant_rules *
face_grant_rules(struct face *f)
{
	return &f->rules;
}

const struct grant_face *
face_grant_face(struct face *f)
{
	return &f->cards;
}

static void
complain_to_check(void *arg, const struct bh_value *at, const char *sentence)
{
	bh_complain((struct bh_check *)arg, at, "%s", sentence);
}

void
face_check(struct bh_check *check)
{
	const char *team = bh_check_team(check);
	const struct bh_value *section = bh_check_settings(check);
	struct policy *p;

	if (*team != '\0') {
		struct policy_source s = { .team = team,
		    .rules = bh_get(section, "rules"),
		    .delegate = bh_check_delegate(check) };

		p = policy_compile(check->api, &s, 1, complain_to_check, check);
		policy_free(&p);
		return;
	}
	for (BH_EACH(block, section)) {
		struct policy_source s = { .team = "",
		    .rules = bh_get(block, "rules") };

		p = policy_compile(check->api, &s, 1, complain_to_check, check);
		policy_free(&p);
	}
}
