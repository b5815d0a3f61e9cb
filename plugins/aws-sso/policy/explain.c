/*
 * explain.c - rule by rule, why a question is answered as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/policy/rules.h"

/* Why this rule has no say here; NULL if it has. */
static const char *
silent_because(const struct policy *p, const struct policy_rule *r,
    const struct policy_facts *f, const struct policy_question *q)
{
	int who;

	if (r->broken)
		return NULL;
	if (!r->deny && !rule_counts(r, q->team))
		return "is another team's";
	if (!(r->deny && r->accounts == NULL) &&
	    !match_account(p->api, r->accounts, q->account))
		return "is about other accounts";
	if (!(r->deny && r->sets == NULL) &&
	    !match_set(p->api, r->sets, q->permission_set))
		return "is about other permission sets";
	if (!rule_covers(p, r, q->account, q->permission_set))
		return "goes beyond what the main file delegates to its team";
	who = r->may_ask == NULL ? 1 :
	    match_person(r->may_ask, f, q->who);
	if (who < 0)
		return "names a group whose members are not known yet";
	return who > 0 ? NULL : "is for other people";
}

void
policy_explain(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, struct bh_buf *out)
{
	bool decided = false;

	for (size_t i = 0; i < p->rules_count; i++) {
		const struct policy_rule *r = &p->rules[i];
		const char *why = silent_because(p, r, f, q);
		const char *mark = "-";

		if (why == NULL && r->deny) {
			mark = "x";
			why = r->broken ? "has a mistake, and so denies everything" :
			    "denies it: deny always wins";
		} else if (why == NULL && !decided) {
			decided = true;
			mark = ">";
			why = "decides, unless a rule denies";
		} else if (why == NULL)
			why = "would match, but an earlier rule decides";
		bh_buf_add(out, "%s ", mark);
		rule_where(r, out);
		bh_buf_add(out, " %s\n", why);
	}
	if (p->rules_count == 0)
		bh_buf_puts(out, "- there are no rules, so nothing is allowed\n");
}

size_t
policy_durations(const struct policy_verdict *v, int64_t *out, size_t max)
{
	static const int64_t usual[] = { 15, 30, 60, 120, 240, 480, 720, 1440 };
	size_t n = 0;

	if (v->rule == NULL)
		return 0;
	for (size_t i = 0; i < v->rule->durations_count && n < max; i++)
		if (v->longest == 0 || v->rule->durations[i] <= v->longest)
			out[n++] = v->rule->durations[i];
	if (v->rule->durations_count > 0)
		return n;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual) && n < max; i++)
		if (v->longest == 0 || usual[i] * 60000 <= v->longest)
			out[n++] = usual[i] * 60000;
	if (n < max && v->longest > 0 && (n == 0 || out[n - 1] != v->longest))
		out[n++] = v->longest;
	return n;
}

const char *
policy_reason_example(const struct policy_verdict *v)
{
	return v->rule != NULL ? v->rule->example : NULL;
}

const char *
policy_team(const struct policy_verdict *v)
{
	return v->rule != NULL ? v->rule->layer->team : "";
}

const char *
policy_approver(const struct policy_verdict *v, size_t n)
{
	const struct bh_value *list = v->rule != NULL ? v->rule->approvers :
	    NULL;

	if (list == NULL)
		return NULL;
	if (list->kind == BH_TEXT)
		return n == 0 ? list->text : NULL;
	for (BH_EACH(item, list))
		if (n-- == 0)
			return item->text;
	return NULL;
}
