/*
 * reach.c - what all rules are about, worked out once for a whole directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A company has thousands of accounts and some dozen rules.  Whether a rule
 * is about an account depends on its patterns alone, and not on who asks: so
 * the patterns are matched once, and questions are about bits.
 */

#include <assert.h>

#include "plugins/aws-sso/policy/rules.h"

struct policy_reach {
	const struct policy *policy;
	const struct account *const *accounts;
	const struct permission_set *const *sets;
	size_t accounts_count, sets_count;
	size_t accounts_words, sets_words;	/* of one rule */
	uint64_t *account_bits, *set_bits;	/* rule by rule */
	bool *any;			/* the rule is about some account */
};

static size_t
words_for(size_t bits)
{
	return bits / 64 + 1;
}

static bool
bit(const uint64_t *words, size_t n)
{
	return (words[n / 64] >> (n % 64) & 1) != 0;
}

static void
set_bit(uint64_t *words, size_t n)
{
	words[n / 64] |= UINT64_C(1) << (n % 64);
}

static uint64_t *
accounts_of(const struct policy_reach *r, size_t rule)
{
	return r->account_bits + rule * r->accounts_words;
}

static uint64_t *
sets_of(const struct policy_reach *r, size_t rule)
{
	return r->set_bits + rule * r->sets_words;
}

static void *
zeroed(size_t count, size_t size)
{
	void *p = calloc(count > 0 ? count : 1, size);

	assert(p != NULL);
	return p;
}

/* A rule covers a pair when it covers both, each by itself. */
static void
mark(struct policy_reach *r, size_t n)
{
	const struct policy_rule *rule = &r->policy->rules[n];

	if (rule->deny)
		return;
	for (size_t i = 0; i < r->accounts_count; i++)
		if (rule_covers_account(r->policy, rule, r->accounts[i])) {
			set_bit(accounts_of(r, n), i);
			r->any[n] = true;
		}
	for (size_t i = 0; i < r->sets_count; i++)
		if (rule_covers_set(r->policy, rule, r->sets[i]))
			set_bit(sets_of(r, n), i);
}

struct policy_reach *
policy_reach_new(const struct policy *p,
    const struct account *const *accounts, size_t accounts_count,
    const struct permission_set *const *sets, size_t sets_count)
{
	struct policy_reach *r = zeroed(1, sizeof(*r));

	*r = (struct policy_reach){ .policy = p, .accounts = accounts,
	    .sets = sets, .accounts_count = accounts_count,
	    .sets_count = sets_count,
	    .accounts_words = words_for(accounts_count),
	    .sets_words = words_for(sets_count) };
	r->account_bits = zeroed(p->rules_count * r->accounts_words,
	    sizeof(uint64_t));
	r->set_bits = zeroed(p->rules_count * r->sets_words,
	    sizeof(uint64_t));
	r->any = zeroed(p->rules_count, sizeof(bool));
	for (size_t i = 0; i < p->rules_count; i++)
		mark(r, i);
	return r;
}

void
policy_reach_free(struct policy_reach **rp)
{
	struct policy_reach *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	free(r->account_bits);
	free(r->set_bits);
	free(r->any);
	free(r);
}

bool
policy_reach_is(const struct policy_reach *r, const struct policy *p,
    const struct account *const *accounts, size_t accounts_count,
    const struct permission_set *const *sets, size_t sets_count)
{
	return r != NULL && r->policy == p && r->accounts == accounts &&
	    r->accounts_count == accounts_count && r->sets == sets &&
	    r->sets_count == sets_count;
}

void
policy_reach_sets(const struct policy_reach *r, size_t account, bool *out)
{
	memset(out, 0, r->sets_count * sizeof(*out));
	for (size_t n = 0; n < r->policy->rules_count; n++) {
		if (!bit(accounts_of(r, n), account))
			continue;
		for (size_t i = 0; i < r->sets_count; i++)
			out[i] = out[i] || bit(sets_of(r, n), i);
	}
}

/* ------------------------------------------------------------------ */
/* One person                                                          */

struct policy_sight {
	const struct policy_reach *reach;
	size_t *rules;			/* that let this person ask, here */
	size_t rules_count;
};

struct policy_sight *
policy_sight_new(const struct policy_reach *r, const struct policy_facts *f,
    const char *team, const struct policy_person *who)
{
	const struct policy *p = r->policy;
	struct policy_sight *s = zeroed(1, sizeof(*s));

	s->reach = r;
	s->rules = zeroed(p->rules_count, sizeof(*s->rules));
	if ((who->flags & (BH_USER_GUEST | BH_USER_BOT)) != 0)
		return s;
	for (size_t i = 0; i < p->rules_count; i++)
		if (r->any[i] && rule_counts(&p->rules[i], team) &&
		    match_person(p->rules[i].may_ask, f, who) > 0)
			s->rules[s->rules_count++] = i;
	return s;
}

void
policy_sight_free(struct policy_sight **sp)
{
	struct policy_sight *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	free(s->rules);
	free(s);
}

bool
policy_sees_account(const struct policy_sight *s, size_t account)
{
	for (size_t i = 0; i < s->rules_count; i++)
		if (bit(accounts_of(s->reach, s->rules[i]), account))
			return true;
	return false;
}

bool
policy_sees_set(const struct policy_sight *s, size_t account, size_t set)
{
	for (size_t i = 0; i < s->rules_count; i++)
		if (bit(sets_of(s->reach, s->rules[i]), set) &&
		    (account == POLICY_ANY_ACCOUNT ||
		    bit(accounts_of(s->reach, s->rules[i]), account)))
			return true;
	return false;
}
