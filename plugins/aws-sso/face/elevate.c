/*
 * elevate.c - !elevate: from a few words, or a form, to a request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/face/parts.h"

/* What the person wants, as far as it is known. */
struct wish {
	struct face *face;
	struct policy_person who;
	const struct principal *principal;
	const struct account *account;
	const struct permission_set *set;
	int64_t duration;
	const char *reason;
	struct policy_verdict verdict;
};

/* "--for" and "--reason" are what policy calls duration and reason. */
static const char *
argument_of(const struct policy_verdict *v)
{
	if (v->argument == NULL)
		return NULL;
	return strcmp(v->argument, "duration") == 0 ? "for" : v->argument;
}

static int
ask_form(struct bh_call *call, const struct wish *w)
{
	static const struct bh_choice usual[] = { { "30m", "30 min" },
	    { "1h", "1 h" }, { "2h", "2 h" }, { "4h", "4 h" } };
	struct bh_choice choices[12];
	struct bh_buf values[24];
	int64_t spans[12];
	size_t n = policy_durations(&w->verdict, spans, 12), used = 0;
	const char *example = policy_reason_example(&w->verdict);
	struct bh_buf hint = BH_BUF(256);
	struct bh_input inputs[4];
	int result;

	for (size_t i = 0; i < n; i++) {
		values[used] = (struct bh_buf)BH_BUF(32);
		bh_buf_add(&values[used], "%lldm",
		    (long long)(spans[i] / 60000));
		values[used + 1] = (struct bh_buf)BH_BUF(32);
		bh_duration_text(call, &values[used + 1], spans[i]);
		choices[i] = (struct bh_choice){ bh_buf_text(&values[used]),
		    bh_buf_text(&values[used + 1]) };
		used += 2;
	}
	if (example != NULL)
		bh_buf_add(&hint, "such as: %s", example);
	inputs[0] = (struct bh_input){ .name = "account", .label = "Account",
	    .type = BH_SEARCH, .required = true,
	    .value = w->account != NULL ? w->account->name : NULL };
	inputs[1] = (struct bh_input){ .name = "permission-set",
	    .label = "Access", .type = BH_SEARCH, .required = true,
	    .value = w->set != NULL ? w->set->name : NULL };
	inputs[2] = (struct bh_input){ .name = "for", .label = "For how long",
	    .type = BH_CHOOSE, .required = true, .value = bh_arg(call, "for"),
	    .choices = n > 0 ? choices : usual, .choices_count = n > 0 ? n : 4 };
	inputs[3] = (struct bh_input){ .name = "reason", .label = "Reason",
	    .hint = hint.len > 0 ? bh_buf_text(&hint) : NULL,
	    .type = BH_LINE, .required = w->verdict.reason_needed,
	    .value = w->reason };
	result = bh_ask(call, &(struct bh_form){ .title = "Get AWS access",
	    .submit = "Request", .command = "elevate", .inputs = inputs,
	    .inputs_count = 4 });
	for (size_t i = 0; i < used; i++)
		bh_buf_release(&values[i]);
	bh_buf_release(&hint);
	if (result == BH_EUNSUPPORTED)
		return bh_fail(call, "Say all of it in one line: !elevate "
		    "ACCOUNT PERMISSION-SET --for 1h --reason \"...\"");
	return result;
}

static int
say_dry(struct bh_call *call, struct wish *w)
{
	struct bh_buf b = BH_BUF(256);

	bh_duration_text(call, &b, w->duration);
	bh_reply(call, "Nothing was asked. %s in %s (%s) for %s would %s %s",
	    w->set->name, w->account->name, w->account->id, bh_buf_text(&b),
	    w->verdict.effect == POLICY_AUTOMATIC ? "be granted at once." :
	    "wait for approval.", bh_buf_text(&w->verdict.why));
	bh_buf_release(&b);
	return BH_OK;
}

static int
send_request(struct bh_call *call, struct wish *w)
{
	const char *team = bh_team(call);

	/* From then on it is the business of the team whose rule decided. */
	if (*team == '\0')
		team = policy_team(&w->verdict);
	struct grant_ask ask = { .who = bh_user(call), .team = team,
	    .place = bh_place(call), .principal = w->principal->id,
	    .principal_name = w->principal->name, .account = w->account->id,
	    .account_name = w->account->name,
	    .permission_set = w->set->arn,
	    .permission_set_name = w->set->name,
	    .reason = w->reason != NULL ? w->reason : "",
	    .duration = w->duration, .session = w->set->session };

	grant_request(w->face->sso->grants, &ask, call, answer_done, call);
	return BH_PENDING;
}

/* Reads the arguments into *w.  False after bh_fail. */
static bool
read_wish(struct bh_call *call, struct wish *w)
{
	const char *account = bh_arg(call, "account");
	const char *set = bh_arg(call, "permission-set");
	const char *why = NULL;

	w->principal = directory_map(w->face->sso->directory, bh_user(call),
	    &why);
	if (w->principal == NULL) {
		bh_fail(call, "%s", why);
		return false;
	}
	person_of_user(w->face, bh_user(call), &w->who);
	if (account != NULL &&
	    (w->account = name_account(call, w->face, account, "account"))
	    == NULL)
		return false;
	if (set != NULL && (w->set = name_set(call, w->face, set,
	    "permission-set")) == NULL)
		return false;
	w->duration = name_duration(call, bh_arg(call, "for"), "for");
	w->reason = bh_arg(call, "reason");
	return w->duration >= 0;
}

static int
elevate(struct bh_call *call, void *state, bool last)
{
	struct wish w = { .face = sso_of(state)->face };
	struct policy_question q;
	bool complete;
	int result;

	if (!read_wish(call, &w))
		return BH_EINVAL;
	policy_verdict_init(&w.verdict);
	if (w.account == NULL || w.set == NULL) {
		result = ask_form(call, &w);
		policy_verdict_release(&w.verdict);
		return result;
	}
	q = (struct policy_question){ .team = bh_team(call), .who = &w.who,
	    .account = w.account, .permission_set = w.set,
	    .duration = w.duration, .reason = w.reason };
	policy_ask(w.face->policy, &w.face->facts, &q, &w.verdict);
	if (w.verdict.unsure && !last) {
		policy_verdict_release(&w.verdict);
		return BH_EBUSY;
	}
	complete = w.duration > 0 &&
	    (w.reason != NULL || !w.verdict.reason_needed);
	if (w.verdict.effect == POLICY_NO)
		result = bh_fail_at(call, argument_of(&w.verdict), "%s",
		    bh_buf_text(&w.verdict.why));
	else if (!complete)
		result = ask_form(call, &w);
	else if (bh_arg(call, "dry-run") != NULL)
		result = say_dry(call, &w);
	else
		result = send_request(call, &w);
	policy_verdict_release(&w.verdict);
	return result;
}

int
face_elevate(struct bh_call *call, void *state)
{
	return face_patient(call, state, elevate);
}
