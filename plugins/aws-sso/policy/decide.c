/*
 * decide.c - the decisions: may ask, may approve, may be carried out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <assert.h>

#include "plugins/aws-sso/policy/rules.h"

void
policy_verdict_init(struct policy_verdict *v)
{
	*v = (struct policy_verdict){ .where = BH_BUF(512),
	    .why = BH_BUF(4096), .approvers = BH_BUF(2048) };
}

void
policy_verdict_release(struct policy_verdict *v)
{
	bh_buf_release(&v->where);
	bh_buf_release(&v->why);
	bh_buf_release(&v->approvers);
}

static void
verdict_clear(struct policy_verdict *v)
{
	struct bh_buf where = v->where, why = v->why, approvers = v->approvers;

	bh_buf_clear(&where);
	bh_buf_clear(&why);
	bh_buf_clear(&approvers);
	*v = (struct policy_verdict){ .where = where, .why = why,
	    .approvers = approvers };
}

/* ------------------------------------------------------------------ */
/* Rules                                                               */

bool
rule_covers(const struct policy *p, const struct policy_rule *r,
    const struct account *account, const struct permission_set *set)
{
	const struct bh_api *api = p->api;

	if (r->broken)
		return true;
	/* A deny without a list means all. */
	if (!(r->deny && r->accounts == NULL) &&
	    !match_account(api, r->accounts, account))
		return false;
	if (set != NULL && !(r->deny && r->sets == NULL) &&
	    !match_set(api, r->sets, set))
		return false;
	if (r->deny || r->layer->team[0] == '\0')
		return true;
	return match_account(api, r->layer->accounts, account) &&
	    (set == NULL || match_set(api, r->layer->sets, set));
}

bool
rule_covers_account(const struct policy *p, const struct policy_rule *r,
    const struct account *account)
{
	return match_account(p->api, r->accounts, account) &&
	    (r->layer->team[0] == '\0' ||
	    match_account(p->api, r->layer->accounts, account));
}

bool
rule_covers_set(const struct policy *p, const struct policy_rule *r,
    const struct permission_set *set)
{
	return match_set(p->api, r->sets, set) &&
	    (r->layer->team[0] == '\0' ||
	    match_set(p->api, r->layer->sets, set));
}

bool
rule_counts(const struct policy_rule *r, const char *team)
{
	return r->layer->team[0] == '\0' || *team == '\0' ||
	    strcmp(r->layer->team, team) == 0;
}

int64_t
rule_longest(const struct policy_rule *r)
{
	if (r->layer->longest == 0)
		return r->longest;
	if (r->longest == 0 || r->longest > r->layer->longest)
		return r->layer->longest;
	return r->longest;
}

const struct policy_rule *
rule_at(const struct policy *p, const char *team, size_t n)
{
	for (size_t i = 0; i < p->rules_count; i++)
		if (rule_counts(&p->rules[i], team) && n-- == 0)
			return &p->rules[i];
	return NULL;
}

void
rule_where(const struct policy_rule *r, struct bh_buf *out)
{
	bh_buf_add(out, "%s (%s:%d)", r->name, r->file, r->line);
}

/* 1: denied by *rule; 0: not; negative: not known now. */
static int
denied(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, const struct policy_rule **rule)
{
	int unsure = 0;

	for (size_t i = 0; i < p->rules_count; i++) {
		const struct policy_rule *r = &p->rules[i];
		int who;

		if (!r->deny || !rule_covers(p, r, q->account,
		    q->permission_set))
			continue;
		who = r->broken || r->may_ask == NULL ? 1 :
		    match_person(r->may_ask, f, q->who);
		if (who > 0) {
			*rule = r;
			return 1;
		}
		/* A deny that may hold must be taken to hold. */
		if (who < 0)
			unsure = -1;
	}
	return unsure;
}

/* The rule that decides for this requester; *near is one that would, for
 * somebody else. */
static const struct policy_rule *
deciding_rule(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, bool *unsure,
    const struct policy_rule **near)
{
	*unsure = false;
	*near = NULL;
	for (size_t i = 0; i < p->rules_count; i++) {
		const struct policy_rule *r = &p->rules[i];
		int who;

		if (r->deny || !rule_counts(r, q->team) ||
		    !rule_covers(p, r, q->account, q->permission_set))
			continue;
		who = match_person(r->may_ask, f, q->who);
		if (who > 0)
			return r;
		/* Skipping a rule that may be the one would let a later,
		 * laxer one decide. */
		if (who < 0) {
			*unsure = true;
			return NULL;
		}
		if (*near == NULL)
			*near = r;
	}
	return NULL;
}

/* ------------------------------------------------------------------ */
/* Sentences                                                           */

/* "Grace Hopper, Katherine Johnson or group Payments Leads" */
static void
list_people(const struct policy_facts *f, const struct bh_value *list,
    const struct policy_person *except, struct bh_buf *out)
{
	const struct bh_value *p;
	size_t total = 0, n = 0;

	if (list == NULL)
		return;
	for (int pass = 0; pass < 2; pass++)
		for (p = list->kind == BH_LIST ? list->first : list; p != NULL;
		    p = list->kind == BH_LIST ? p->next : NULL) {
			const char *s = bh_text(p), *name = NULL;
			struct policy_person other = { .person = "",
			    .principal = "", .email = s };

			if (s == NULL)
				continue;
			if (except != NULL && strchr(s, '@') != NULL &&
			    f->same(f->arg, except, &other))
				continue;
			if (pass == 0) {
				total++;
				continue;
			}
			if (n > 0)
				bh_buf_puts(out, n + 1 == total ? " or " : ", ");
			n++;
			if (strncmp(s, "group:", 6) == 0)
				bh_buf_add(out, "anyone in %s", s + 6);
			else if (strcmp(s, "everyone") == 0)
				bh_buf_puts(out, "anybody else");
			else {
				if (f->name != NULL)
					name = f->name(f->arg, s);
				bh_buf_puts(out, name != NULL ? name : s);
			}
		}
}

static void
name_approvers(const struct policy_facts *f, const struct policy_question *q,
    const struct policy_rule *r, struct bh_buf *out)
{
	list_people(f, r->approvers, r->self ? NULL : q->who, out);
	if (out->len == 0)
		bh_buf_puts(out, "nobody");
}

static void
say_no_rule(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, const struct policy_rule *near,
    struct bh_buf *why)
{
	if (near != NULL) {
		bh_buf_add(why, "You are not among those who may ask for %s in "
		    "%s: rule ", q->permission_set->name, q->account->name);
		rule_where(near, why);
		bh_buf_puts(why, " lists ");
		list_people(f, near->may_ask, NULL, why);
		bh_buf_puts(why, ".");
		return;
	}
	bh_buf_add(why, "No rule gives %s in %s (%s)%s%s, so it cannot be asked "
	    "for.", q->permission_set->name, q->account->name, q->account->id,
	    *q->team != '\0' ? " to team " : "", q->team);
	/* What there is instead, in the same account. */
	for (size_t i = 0, n = 0; i < p->rules_count && n < 3; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (r->deny || !rule_counts(r, q->team) ||
		    !rule_covers(p, r, q->account, NULL) ||
		    match_person(r->may_ask, f, q->who) <= 0)
			continue;
		bh_buf_puts(why, n++ == 0 ? " There is " : ", ");
		for (const struct bh_value *s = r->sets->kind == BH_LIST ?
		    r->sets->first : r->sets; s != NULL;
		    s = r->sets->kind == BH_LIST ? s->next : NULL)
			bh_buf_add(why, "%s%s", s->text, r->sets->kind == BH_LIST &&
			    s->next != NULL ? ", " : "");
		bh_buf_puts(why, " by rule ");
		rule_where(r, why);
	}
}

/* Limits of the rule; fills a no and true if one is broken. */
static bool
breaks_limits(const struct policy *p, const struct policy_rule *r,
    const struct policy_question *q, struct policy_verdict *out)
{
	int64_t most = rule_longest(r);

	if (q->duration > 0 && most > 0 && q->duration > most) {
		out->argument = "duration";
		p->api->duration_text(&out->why, q->duration);
		bh_buf_puts(&out->why, " is too long: rule ");
		rule_where(r, &out->why);
		bh_buf_puts(&out->why, " allows up to ");
		p->api->duration_text(&out->why, most);
		bh_buf_puts(&out->why, ".");
		return true;
	}
	if (q->duration > 0 && r->durations_count > 0) {
		size_t i;

		for (i = 0; i < r->durations_count; i++)
			if (r->durations[i] == q->duration ||
			    (q->extends && r->durations[i] > q->duration))
				break;
		if (i == r->durations_count) {
			out->argument = "duration";
			bh_buf_puts(&out->why, "Rule ");
			rule_where(r, &out->why);
			bh_buf_puts(&out->why, " allows these durations alone: ");
			for (i = 0; i < r->durations_count; i++) {
				bh_buf_puts(&out->why, i > 0 ? ", " : "");
				p->api->duration_text(&out->why,
				    r->durations[i]);
			}
			bh_buf_puts(&out->why, ".");
			return true;
		}
	}
	if (q->reason != NULL && r->reason_needed && *q->reason == '\0') {
		out->argument = "reason";
		bh_buf_puts(&out->why, "Rule ");
		rule_where(r, &out->why);
		bh_buf_add(&out->why, " wants a reason%s%s%s: add --reason \"...\".",
		    r->example != NULL ? ", such as \"" : "",
		    r->example != NULL ? r->example : "",
		    r->example != NULL ? "\"" : "");
		return true;
	}
	if (q->reason != NULL && r->has_pattern &&
	    regexec(&r->pattern, q->reason, 0, NULL, 0) != 0) {
		out->argument = "reason";
		bh_buf_puts(&out->why, "The reason must contain what rule ");
		rule_where(r, &out->why);
		if (r->example != NULL)
			bh_buf_add(&out->why, " asks for, such as \"%s\".",
			    r->example);
		else
			bh_buf_add(&out->why, " asks for: %s.", r->pattern_text);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------ */
/* Decisions                                                           */

void
policy_ask(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, struct policy_verdict *out)
{
	const struct policy_rule *r = NULL, *near;
	int no;

	assert(p->magic == POLICY_MAGIC);
	verdict_clear(out);
	if ((q->who->flags & (BH_USER_GUEST | BH_USER_BOT)) != 0) {
		bh_buf_puts(&out->why, "Guests and bots cannot ask for access.");
		return;
	}
	no = denied(p, f, q, &r);
	if (no > 0) {
		out->rule = r;
		rule_where(r, &out->where);
		bh_buf_puts(&out->why, r->broken ? "A deny rule has a mistake "
		    "and denies everything until it is mended: " :
		    "Denied by rule ");
		rule_where(r, &out->why);
		bh_buf_puts(&out->why, ". Deny always wins.");
		return;
	}
	if (no == 0)
		r = deciding_rule(p, f, q, &out->unsure, &near);
	if (no < 0 || out->unsure) {
		out->unsure = true;
		bh_buf_puts(&out->why, "Group members are not known yet. Try "
		    "again in a minute.");
		return;
	}
	if (r == NULL) {
		say_no_rule(p, f, q, near, &out->why);
		return;
	}
	out->rule = r;
	out->longest = rule_longest(r);
	out->self = r->self;
	out->needed = r->needed;
	out->reason_needed = r->reason_needed;
	rule_where(r, &out->where);
	if (breaks_limits(p, r, q, out))
		return;
	if (r->automatic) {
		out->effect = POLICY_AUTOMATIC;
		bh_buf_puts(&out->why, "Rule ");
		rule_where(r, &out->why);
		bh_buf_puts(&out->why, " needs no approval.");
		return;
	}
	name_approvers(f, q, r, &out->approvers);
	if (strcmp(bh_buf_text(&out->approvers), "nobody") == 0) {
		bh_buf_puts(&out->why, "Nobody could approve this: rule ");
		rule_where(r, &out->why);
		bh_buf_puts(&out->why, " lists no approver but you. Ask who "
		    "owns that file to add one.");
		return;
	}
	out->effect = POLICY_APPROVAL;
	bh_buf_puts(&out->why, "Rule ");
	rule_where(r, &out->why);
	bh_buf_add(&out->why, " wants %d approval%s by %s.", r->needed,
	    r->needed == 1 ? "" : "s", bh_buf_text(&out->approvers));
}

void
policy_decide(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, const struct policy_person *voter,
    struct policy_verdict *out)
{
	const struct policy_rule *r;
	int may;

	policy_ask(p, f, q, out);
	if (out->effect != POLICY_APPROVAL)
		return;
	r = out->rule;
	out->effect = POLICY_NO;
	bh_buf_clear(&out->why);
	if ((voter->flags & (BH_USER_GUEST | BH_USER_BOT)) != 0) {
		bh_buf_puts(&out->why, "Guests and bots cannot decide.");
		return;
	}
	if (!r->self && f->same(f->arg, q->who, voter)) {
		bh_buf_puts(&out->why, "You asked for it yourself, and rule ");
		rule_where(r, &out->why);
		bh_buf_add(&out->why, " wants someone else. %s can approve it.",
		    bh_buf_text(&out->approvers));
		return;
	}
	may = match_person(r->approvers, f, voter);
	if (may < 0) {
		out->unsure = true;
		bh_buf_puts(&out->why, "Group members are not known yet. Try "
		    "again in a minute.");
		return;
	}
	if (may == 0) {
		bh_buf_puts(&out->why, "You are not an approver of rule ");
		rule_where(r, &out->why);
		bh_buf_add(&out->why, ". %s can approve it.",
		    bh_buf_text(&out->approvers));
		return;
	}
	out->effect = POLICY_APPROVAL;
	bh_buf_puts(&out->why, "An approver by rule ");
	rule_where(r, &out->why);
	bh_buf_puts(&out->why, ".");
}

bool
policy_is_approver(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, const struct policy_person *voter)
{
	for (size_t i = 0; i < p->rules_count; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (!r->deny && rule_counts(r, q->team) &&
		    rule_covers(p, r, q->account, q->permission_set) &&
		    match_person(r->approvers, f, voter) > 0)
			return true;
	}
	return false;
}

void
policy_hold(const struct policy *p, const struct policy_facts *f,
    const struct policy_question *q, const struct policy_person *voters,
    size_t count, struct policy_verdict *out)
{
	int valid = 0;

	policy_ask(p, f, q, out);
	if (out->effect != POLICY_APPROVAL)
		return;
	for (size_t i = 0; i < count; i++) {
		struct policy_verdict one;
		bool again = false;

		for (size_t j = 0; j < i && !again; j++)
			again = f->same(f->arg, &voters[i], &voters[j]);
		if (again)
			continue;
		policy_verdict_init(&one);
		policy_decide(p, f, q, &voters[i], &one);
		if (one.effect == POLICY_APPROVAL)
			valid++;
		out->unsure = out->unsure || one.unsure;
		policy_verdict_release(&one);
	}
	out->effect = POLICY_NO;
	bh_buf_clear(&out->why);
	if (valid >= out->needed) {
		out->effect = POLICY_AUTOMATIC;
		out->unsure = false;
		bh_buf_add(&out->why, "It has the %d vote%s it needs.",
		    out->needed, out->needed == 1 ? "" : "s");
		return;
	}
	bh_buf_add(&out->why, "It has %d of the %d votes that rule ", valid,
	    out->needed);
	rule_where(out->rule, &out->why);
	bh_buf_puts(&out->why, " wants now.");
}
