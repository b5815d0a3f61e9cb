/*
 * rules.c - answers the engine's questions out of policy and directory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/face/parts.h"

/* Nothing was read from AWS yet: then nothing is known, not nothing there. */
static bool
blind(struct face *f)
{
	const char *trouble;

	return directory_age(f->sso->directory, &trouble) == 0;
}

bool
rules_question(struct face *f, const struct grant *g,
    struct policy_person *who, struct bh_user *user,
    struct policy_question *out, struct bh_buf *why)
{
	struct directory *d = f->sso->directory;
	const struct account *account = directory_account(d, g->account);
	const struct permission_set *set = directory_permission_set(d,
	    g->permission_set);

	if (blind(f)) {
		bh_buf_puts(why, "AWS has not been read yet. Try again in a "
		    "minute.");
		return false;
	}
	if (account == NULL || set == NULL) {
		bh_buf_add(why, "%s is not in the directory of AWS any more.",
		    account == NULL ? g->account_name :
		    g->permission_set_name);
		return false;
	}
	*who = (struct policy_person){ .person = g->person,
	    .principal = g->principal, .email = "" };
	if (bh_person(f->host, g->person, user)) {
		who->email = user->email != NULL ? user->email : "";
		who->flags = user->flags;
	}
	*out = (struct policy_question){ .team = g->team, .who = who,
	    .account = account, .permission_set = set,
	    .duration = g->duration, .reason = g->reason,
	    .extends = g->extends != NULL && *g->extends != '\0' };
	return true;
}

static void
hand_over(struct face *f, const struct grant *g,
    const struct policy_verdict *v, bool yes, struct grant_verdict *out)
{
	out->yes = yes;
	out->unsure = v->unsure;
	out->self = v->self;
	out->needed = v->needed;
	out->longest = v->longest;
	bh_buf_clear(&out->rule);
	bh_buf_clear(&out->why);
	bh_buf_clear(&out->approvers);
	bh_buf_puts(&out->rule, bh_buf_text(&v->where));
	bh_buf_puts(&out->why, bh_buf_text(&v->why));
	bh_buf_puts(&out->approvers, bh_buf_text(&v->approvers));
	snprintf(out->hash, sizeof(out->hash), "%s",
	    bh_settings_hash(f->host, g->team));
}

/* A question about a grant, up to the point where policy is asked. */
struct asked {
	struct policy_person who;
	struct bh_user user;
	struct policy_question q;
	struct policy_verdict v;
};

static bool
prepare(struct face *f, const struct grant *g, struct asked *a)
{
	policy_verdict_init(&a->v);
	if (rules_question(f, g, &a->who, &a->user, &a->q, &a->v.why))
		return true;
	a->v.unsure = blind(f);
	return false;
}

/* Whoever was offboarded since must not be given anything; taking away does
 * not ask this. */
static bool
still_there(struct face *f, const struct grant *g, struct asked *a)
{
	const struct principal *p = directory_principal(f->sso->directory,
	    g->principal);

	if (p != NULL && p->enabled)
		return true;
	bh_buf_add(&a->v.why, p == NULL ? "%s is not in the Identity Center "
	    "any more." : "%s's user in the Identity Center is disabled.",
	    g->person_name);
	return false;
}

static void
may_ask(void *arg, const struct grant *g, struct grant_verdict *out)
{
	struct face *f = arg;
	struct asked a;

	if (prepare(f, g, &a) && still_there(f, g, &a))
		policy_ask(f->policy, &f->facts, &a.q, &a.v);
	hand_over(f, g, &a.v, a.v.effect != POLICY_NO, out);
	policy_verdict_release(&a.v);
}

static void
may_approve(void *arg, const struct grant *g, const struct bh_user *who,
    struct grant_verdict *out)
{
	struct face *f = arg;
	struct asked a;
	struct policy_person voter;
	bool yes = false;

	if (prepare(f, g, &a)) {
		person_of_user(f, who, &voter);
		policy_decide(f->policy, &f->facts, &a.q, &voter, &a.v);
		yes = a.v.effect == POLICY_APPROVAL;
		/* Taking away needs an approver, and nothing of the request. */
		if (!yes && g->state != GRANT_PENDING &&
		    policy_is_approver(f->policy, &f->facts, &a.q, &voter))
			yes = true;
	}
	hand_over(f, g, &a.v, yes, out);
	policy_verdict_release(&a.v);
}

static void
may_hold(void *arg, const struct grant *g, struct grant_verdict *out)
{
	struct face *f = arg;
	struct policy_person *voters = calloc(g->votes_count + 1,
	    sizeof(*voters));
	struct bh_user *users = calloc(g->votes_count + 1, sizeof(*users));
	struct asked a;

	if (voters == NULL || users == NULL)
		abort();
	if (prepare(f, g, &a) && still_there(f, g, &a)) {
		for (size_t i = 0; i < g->votes_count; i++) {
			voters[i] = (struct policy_person){
			    .person = g->votes[i].person,
			    .principal = g->votes[i].principal, .email = "" };
			if (bh_person(f->host, g->votes[i].person, &users[i]))
				person_of_user(f, &users[i], &voters[i]);
		}
		policy_hold(f->policy, &f->facts, &a.q, voters,
		    g->votes_count, &a.v);
	}
	hand_over(f, g, &a.v, a.v.effect == POLICY_AUTOMATIC, out);
	policy_verdict_release(&a.v);
	free(voters);
	free(users);
}

static const char *
principal(void *arg, const struct bh_user *who, const char **why_not)
{
	struct face *f = arg;
	const struct principal *p = directory_map(f->sso->directory, who,
	    why_not);

	return p != NULL ? p->id : NULL;
}

static bool
pair(void *arg, size_t n, struct grant_pair *out)
{
	struct face *f = arg;

	if (n >= f->pairs_count)
		return false;
	*out = f->pairs[n];
	return true;
}

void
rules_fill(struct face *f)
{
	f->rules = (struct grant_rules){ .arg = f, .may_ask = may_ask,
	    .may_approve = may_approve, .may_hold = may_hold,
	    .principal = principal, .pair = pair };
}
