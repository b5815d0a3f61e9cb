/*
 * rules.h - compiled rules, as the files of this folder share them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BELLHOP_AWS_SSO_RULES_H
#define BELLHOP_AWS_SSO_RULES_H

#include <regex.h>

#include "plugins/aws-sso/policy/policy.h"

struct policy_layer {
	char *team;			/* "" for the main file */
	const struct bh_value *accounts;	/* delegated; unused in main */
	const struct bh_value *sets;
	int64_t longest;		/* delegated or the instance's; 0 none */
};

struct policy_rule {
	const struct policy_layer *layer;
	char *name;
	char *file;			/* "team.d/payments.yaml" */
	int line;
	bool deny;
	bool broken;			/* a deny with a mistake: denies all */
	bool automatic;			/* approval: not-required */
	bool self;
	int needed;
	int64_t longest;		/* 0: none of its own */
	int64_t *durations;		/* allowed ones; NULL: any */
	size_t durations_count;
	bool reason_needed;
	bool has_pattern;
	regex_t pattern;
	char *pattern_text, *example;
	/* Lists of patterns; NULL stands for "all" in a deny, nobody else. */
	const struct bh_value *accounts, *sets, *may_ask, *approvers;
};

struct policy {
	unsigned magic;
#define POLICY_MAGIC	0x706f6c69u
	const struct bh_api *api;
	struct policy_layer *layers;
	size_t layers_count;
	struct policy_rule *rules;	/* main's last, teams in given order */
	size_t rules_count;
	const char **groups;		/* into the values */
	size_t groups_count;
	bool tags;
};

/* Does a list of account patterns take this account?  "!x" takes it out
 * again.  A lone text is a list of one. */
bool match_account(const struct bh_api *, const struct bh_value *list,
    const struct account *);
bool match_set(const struct bh_api *, const struct bh_value *list,
    const struct permission_set *);
/* 1 yes, 0 no, negative: not known now. */
int match_person(const struct bh_value *list,
    const struct policy_facts *, const struct policy_person *);

/* Is the rule about this account and set, within its delegation? */
bool rule_covers(const struct policy *, const struct policy_rule *,
    const struct account *, const struct permission_set *);
/* The same for one of them alone, of a rule that grants. */
bool rule_covers_account(const struct policy *, const struct policy_rule *,
    const struct account *);
bool rule_covers_set(const struct policy *, const struct policy_rule *,
    const struct permission_set *);
/* Does the rule count for a question from this team? */
bool rule_counts(const struct policy_rule *, const char *team);
/* The limit that holds: the smallest of rule, layer; 0: none. */
int64_t rule_longest(const struct policy_rule *);
/* The n-th rule in the order of policy.h for a question from `team`. */
const struct policy_rule *rule_at(const struct policy *, const char *team,
    size_t n);
/* Appends "prod (team.d/payments.yaml:14)". */
void rule_where(const struct policy_rule *, struct bh_buf *out);

#endif
