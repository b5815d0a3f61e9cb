/*
 * explain.c - !explain: rules that account for themselves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/face/parts.h"

static int
explain(struct bh_call *call, void *state, bool last)
{
	struct face *f = sso_of(state)->face;
	const char *first = bh_arg(call, "account");
	const char *second = bh_arg(call, "permission-set");
	const char *third = bh_arg(call, "more");
	struct bh_user user = *bh_user(call);
	struct policy_person who;
	struct policy_verdict v;
	struct bh_buf out = BH_BUF(16384);
	const struct account *a;
	const struct permission_set *s;
	bool other = *first == '@';

	/* "@grace ACCOUNT SET": everything moves up by one. */
	if (other) {
		if (!person_named(call, f, first, "account", &user))
			return BH_EINVAL;
		first = second;
		second = third;
		third = NULL;
	}
	if (first == NULL || second == NULL || third != NULL)
		return bh_fail(call, "Say which access: !explain [@who] ACCOUNT "
		    "PERMISSION-SET");
	if ((a = name_account(call, f, first, "account")) == NULL ||
	    (s = name_set(call, f, second, "permission-set")) == NULL)
		return BH_EINVAL;
	person_of_user(f, &user, &who);
	struct policy_question q = { .team = bh_team(call), .who = &who,
	    .account = a, .permission_set = s };

	policy_verdict_init(&v);
	policy_ask(f->policy, &f->facts, &q, &v);
	if (v.unsure && !last) {
		policy_verdict_release(&v);
		return BH_EBUSY;
	}
	bh_buf_add(&out, "%s in %s (%s, %s) for %s: %s\n", s->name, a->name,
	    a->id, a->path, other ? user.name : "you",
	    v.effect == POLICY_NO ? "no" :
	    v.effect == POLICY_AUTOMATIC ? "yes, without approval" :
	    "yes, with approval");
	bh_buf_add(&out, "%s\n", bh_buf_text(&v.why));
	if (v.effect != POLICY_NO && v.longest > 0) {
		bh_buf_puts(&out, "Up to ");
		bh_duration_text(call, &out, v.longest);
		bh_buf_puts(&out, ".\n");
	}
	if (*who.principal == '\0') {
		const char *why = "";

		directory_map(f->sso->directory, &user, &why);
		bh_buf_add(&out, "But: %s\n", why);
	}
	policy_explain(f->policy, &f->facts, &q, &out);
	bh_reply(call, "%.*s", (int)(out.len - 1), out.data);
	policy_verdict_release(&v);
	bh_buf_release(&out);
	return BH_OK;
}

int
face_explain(struct bh_call *call, void *state)
{
	return face_patient(call, state, explain);
}
