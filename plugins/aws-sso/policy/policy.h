/*
 * policy.h - rules and facts in, decisions with their reasons out.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything here is a pure function of the compiled rules, the facts and the
 * question: no clock, no network, no store.  The same functions answer at the
 * request, at each click and again when the intent is written, and !explain
 * prints what they found.
 *
 * How a question is decided:
 *
 *   1. A rule with `deny: true` that matches, anywhere: no.  Deny wins.
 *   2. Else the first rule that names the account, the permission set and
 *      the requester decides: the team's own rules first, in the order of
 *      their file, then the company's.  Asked outside any room of a team, the
 *      rules of all teams count, in the order of the team names.
 *   3. No such rule: no.  Closed by default.
 *
 * A team's rule covers an account or permission set only where the main file
 * delegates it to that team as well, and never lasts longer than delegated.
 */

#ifndef BELLHOP_AWS_SSO_POLICY_H
#define BELLHOP_AWS_SSO_POLICY_H

#include <bellhop/plugin.h>

#include "plugins/aws-sso/aws/directory.h"

struct policy;			/* compiled rules */
struct policy_rule;

/* One layer of settings.  Values must outlive the policy. */
struct policy_source {
	const char *team;			/* "" for the main file */
	const struct bh_value *rules;		/* a list, or NULL */
	const struct bh_value *delegate;	/* of the team; NULL in main */
	int64_t longest;			/* of the instance, 0: none */
};

/* Hears of each mistake; `at` tells where. */
typedef void policy_complain_fn(void *arg, const struct bh_value *at,
    const char *sentence);

/* Compiles all layers.  Complaints go to `complain` (may be NULL); a rule with
 * a mistake is left out if it allows, and denies everything if it denies, so
 * that a slip never widens anything.  Never NULL. */
struct policy *policy_compile(const struct bh_api *api,
    const struct policy_source *sources, size_t count,
    policy_complain_fn *complain, void *arg);
void policy_free(struct policy **);

bool policy_uses_tags(const struct policy *);
/* The n-th group that some rule names, NULL past the last. */
const char *policy_group(const struct policy *, size_t n);

/* A person as policy sees one. */
struct policy_person {
	const char *person;	/* id in the host; "" if unknown there */
	const char *principal;	/* Identity Center user id; "" if unmapped */
	const char *email;	/* pinned; "" if none */
	unsigned flags;		/* BH_USER_* */
};

/* What policy may ask about the world. */
struct policy_facts {
	void *arg;
	/* 1 yes, 0 no, negative: not known now. */
	int (*member)(void *arg, const struct policy_person *,
	    const char *group);
	/* Are the two one human? */
	bool (*same)(void *arg, const struct policy_person *,
	    const struct policy_person *);
	/* The display name of an e-mail; NULL: show the address. */
	const char *(*name)(void *arg, const char *email);
};

struct policy_question {
	const char *team;			/* of the room; "" if none */
	const struct policy_person *who;
	const struct account *account;
	const struct permission_set *permission_set;
	int64_t duration;			/* 0: not said yet */
	bool extends;				/* from now to a later end */
	const char *reason;			/* NULL: not said yet */
};

enum policy_effect { POLICY_NO, POLICY_APPROVAL, POLICY_AUTOMATIC };

struct policy_verdict {
	int effect;		/* enum policy_effect; NO of a candidate too */
	bool unsure;		/* a fact is not known now: ask again */
	bool self;		/* people may approve what they asked for */
	int needed;		/* votes */
	int64_t longest;	/* ms, 0: no limit */
	bool reason_needed;
	const char *argument;	/* the argument at fault: "duration",
				 * "reason"; NULL if none is */
	const struct policy_rule *rule;	/* the one that decides, or NULL */
	struct bh_buf where;	/* "prod (team.d/payments.yaml:14)" */
	struct bh_buf why;	/* a sentence, above all for a no */
	struct bh_buf approvers;/* "Grace Hopper or Katherine Johnson" */
};

void policy_verdict_init(struct policy_verdict *);
void policy_verdict_release(struct policy_verdict *);

/* May `q->who` ask for this, and what does it take? */
void policy_ask(const struct policy *, const struct policy_facts *,
    const struct policy_question *q, struct policy_verdict *out);

/* May `voter` decide on what `q->who` asked for?  effect: POLICY_APPROVAL for
 * yes, POLICY_NO with the reason. */
void policy_decide(const struct policy *, const struct policy_facts *,
    const struct policy_question *q, const struct policy_person *voter,
    struct policy_verdict *out);

/* Is `voter` an approver of any rule for the pair, whatever became of the
 * request?  Taking access away asks for no more than that. */
bool policy_is_approver(const struct policy *, const struct policy_facts *,
    const struct policy_question *q, const struct policy_person *voter);

/* May it be carried out now with these votes?  Counts the distinct people
 * among `voters` who may decide now.  effect: POLICY_AUTOMATIC for yes. */
void policy_hold(const struct policy *, const struct policy_facts *,
    const struct policy_question *q, const struct policy_person *voters,
    size_t count, struct policy_verdict *out);

/* Writes, rule by rule, why it decides or why it does not. */
void policy_explain(const struct policy *, const struct policy_facts *,
    const struct policy_question *q, struct bh_buf *out);

/*
 * What the rules that allow are about, out of these lists, worked out once so
 * that questions about thousands of accounts are cheap.  To be made anew when
 * the rules or the lists are: policy_reach_is() says whether it still is about
 * these.  Accounts and sets are named by their places in the lists.
 */
struct policy_reach;
struct policy_reach *policy_reach_new(const struct policy *,
    const struct account *const *accounts, size_t accounts_count,
    const struct permission_set *const *sets, size_t sets_count);
void policy_reach_free(struct policy_reach **);
bool policy_reach_is(const struct policy_reach *, const struct policy *,
    const struct account *const *accounts, size_t accounts_count,
    const struct permission_set *const *sets, size_t sets_count);
/* Which sets go with the account by any rule, whoever asks: out[set]. */
void policy_reach_sets(const struct policy_reach *, size_t account,
    bool *out);

/* What one person may ask for from this team's room, for completion and
 * forms; whether it is granted is for policy_ask() to say. */
#define POLICY_ANY_ACCOUNT	((size_t)-1)
struct policy_sight;
struct policy_sight *policy_sight_new(const struct policy_reach *,
    const struct policy_facts *, const char *team,
    const struct policy_person *who);
void policy_sight_free(struct policy_sight **);
bool policy_sees_account(const struct policy_sight *, size_t account);
bool policy_sees_set(const struct policy_sight *, size_t account, size_t set);

/* The durations worth offering, at most `max`, for a rule found by
 * policy_ask(); returns how many. */
size_t policy_durations(const struct policy_verdict *, int64_t *out,
    size_t max);
/* The team whose file holds the deciding rule; "" for the company's. */
const char *policy_team(const struct policy_verdict *);
/* The n-th approver as written ("grace@acme.example", "group:Leads"). */
const char *policy_approver(const struct policy_verdict *, size_t n);
/* What a reason should look like ("PAY-812 what broke"), or NULL. */
const char *policy_reason_example(const struct policy_verdict *);

#endif
