/*
 * access.c - !access, !requests, !stuck: what there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/face/parts.h"

/* A list that is being written. */
struct list {
	struct face *face;
	struct bh_call *call;
	struct policy_person me;
	int64_t now;
	struct bh_buf mine, others;
	size_t shown, hidden;
};

#define LIST_MOST	50

static bool
access_line(void *arg, const struct grant *g)
{
	struct list *l = arg;
	struct bh_buf *b = &l->mine;

	if (l->shown == LIST_MOST) {
		l->hidden++;
		return true;
	}
	l->shown++;
	bh_buf_add(b, "%s (%s)  %s  %s  ", g->account_name, g->account,
	    g->permission_set_name, g->person_name);
	switch (g->state) {
	case GRANT_APPROVED:
		bh_buf_puts(b, "granting…");
		break;
	case GRANT_ENDING:
		bh_buf_puts(b, "ending…");
		break;
	default:
		if ((g->flags & GRANT_REMOVED_OUTSIDE) != 0)
			bh_buf_puts(b, "removed in AWS by someone else");
		else if (g->end - l->now < 60000)
			bh_buf_puts(b, "under a minute left");
		else {
			/* whole minutes: nobody plans by the second */
			bh_duration_text(l->face->host, b,
			    (g->end - l->now) / 60000 * 60000);
			bh_buf_puts(b, " left");
		}
		break;
	}
	bh_buf_add(b, "  %s\n", g->id);
	return true;
}

int
face_access(struct bh_call *call, void *state)
{
	struct sso *sso = sso_of(state);
	struct list l = { .face = sso->face, .now = bh_now(sso->host),
	    .mine = BH_BUF(16384) };
	const char *what = bh_arg(call, "who-or-account");
	struct grant_filter filter = { .states = 1u << GRANT_APPROVED |
	    1u << GRANT_ACTIVE | 1u << GRANT_ENDING };
	struct bh_user who;

	if (what != NULL && strchr(what, '@') != NULL) {
		if (!person_named(call, sso->face, what, "who-or-account",
		    &who))
			return BH_EINVAL;
		filter.person = who.person;
	} else if (what != NULL) {
		const struct account *a = name_account(call, sso->face, what,
		    "who-or-account");

		if (a == NULL)
			return BH_EINVAL;
		filter.account = a->id;
	}
	grant_each(sso->grants, &filter, access_line, &l);
	if (l.hidden > 0)
		bh_buf_add(&l.mine, "and %zu more: name a person or an account\n",
		    l.hidden);
	if (l.shown == 0)
		bh_reply(call, "%s", what == NULL ?
		    "Nobody has temporary access now." :
		    "No temporary access there now.");
	else
		bh_reply(call, "%.*s", (int)(l.mine.len - 1), l.mine.data);
	bh_buf_release(&l.mine);
	return BH_OK;
}

static bool
request_line(void *arg, const struct grant *g)
{
	struct list *l = arg;
	struct bh_buf *b;
	struct policy_person who;
	struct policy_question q;
	struct policy_verdict v;
	struct bh_user user;
	struct bh_buf why = BH_BUF(512);
	bool mine = strcmp(g->person, l->me.person) == 0, decide = false;

	policy_verdict_init(&v);
	if (rules_question(l->face, g, &who, &user, &q, &why)) {
		policy_decide(l->face->policy, &l->face->facts, &q, &l->me, &v);
		decide = v.effect == POLICY_APPROVAL;
	}
	b = decide ? &l->mine : &l->others;
	l->shown++;
	bh_buf_add(b, "%s  %s (%s)  %s  ", g->id, g->account_name, g->account,
	    g->permission_set_name);
	bh_duration_text(l->face->host, b, g->duration);
	bh_buf_add(b, "  %s%s%s%s\n", mine ? "you" : g->person_name,
	    *g->reason != '\0' ? ": " : "", g->reason,
	    decide ? "" : " (waiting)");
	if (!decide)
		bh_buf_add(b, "      %s can approve it\n", g->approvers);
	policy_verdict_release(&v);
	bh_buf_release(&why);
	return true;
}

int
face_requests(struct bh_call *call, void *state)
{
	struct sso *sso = sso_of(state);
	struct list l = { .face = sso->face, .mine = BH_BUF(16384),
	    .others = BH_BUF(16384) };
	struct bh_buf all = BH_BUF(32768);

	person_of_user(sso->face, bh_user(call), &l.me);
	grant_each(sso->grants, &(struct grant_filter){
	    .states = 1u << GRANT_PENDING }, request_line, &l);
	if (l.mine.len > 0)
		bh_buf_add(&all, "For you to decide (!approve ID, !deny ID):\n%s",
		    bh_buf_text(&l.mine));
	if (l.others.len > 0)
		bh_buf_add(&all, "%s%s", l.mine.len > 0 ? "Others:\n" :
		    "Nothing waits for you. Others:\n",
		    bh_buf_text(&l.others));
	if (all.len == 0)
		bh_reply(call, "No request is waiting.");
	else
		bh_reply(call, "%.*s", (int)(all.len - 1), all.data);
	bh_buf_release(&l.mine);
	bh_buf_release(&l.others);
	bh_buf_release(&all);
	return BH_OK;
}

int
face_stuck(struct bh_call *call, void *state)
{
	struct bh_buf b = BH_BUF(16384);

	grants_stuck(sso_of(state)->grants, &b);
	bh_reply(call, "%s", b.len > 0 ? bh_buf_text(&b) :
	    "Nothing is stuck: every removal that was due is done.");
	bh_buf_release(&b);
	return BH_OK;
}
