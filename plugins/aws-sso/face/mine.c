/*
 * mine.c - !mine: what one has, asked for, and is to decide; the home page.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nobody learns anything here that is not about them: their own access and
 * requests, and what waits for their decision by the rules of now.  So it
 * needs no access rule; what its buttons do needs one.
 */

#include "plugins/aws-sso/face/parts.h"

#define SHOWN	8		/* of each kind; a page has its limits */

struct mine {
	struct face *face;
	struct bh_call *call;
	struct policy_person me;
	const struct grant *decide[SHOWN], *hold[SHOWN], *asked[SHOWN];
	size_t decides, holds, asks;	/* also those not shown */
	bool unsure;
};

static void
keep(const struct grant *list[SHOWN], size_t *count, const struct grant *g)
{
	if (*count < SHOWN)
		list[*count] = g;
	++*count;
}

static bool
has_voted(const struct grant *g, const struct policy_person *me)
{
	for (size_t i = 0; i < g->votes_count; i++)
		if (strcmp(g->votes[i].person, me->person) == 0)
			return true;
	return false;
}

static bool
may_decide(struct mine *m, const struct grant *g)
{
	struct bh_buf why = BH_BUF(512);
	struct policy_person who;
	struct policy_question q;
	struct policy_verdict v;
	struct bh_user user;
	bool may = false;

	policy_verdict_init(&v);
	if (rules_question(m->face, g, &who, &user, &q, &why)) {
		policy_decide(m->face->policy, &m->face->facts, &q, &m->me,
		    &v);
		may = v.effect == POLICY_APPROVAL;
		m->unsure = m->unsure || v.unsure;
	}
	policy_verdict_release(&v);
	bh_buf_release(&why);
	return may;
}

static bool
look(void *arg, const struct grant *g)
{
	struct mine *m = arg;
	bool own = strcmp(g->person, m->me.person) == 0;

	if (g->state != GRANT_PENDING) {
		if (own)
			keep(m->hold, &m->holds, g);
		return true;
	}
	if (own)
		keep(m->asked, &m->asks, g);
	if (!has_voted(g, &m->me) && may_decide(m, g))
		keep(m->decide, &m->decides, g);
	return true;
}

static void
count_of(struct bh_buf *b, size_t n, const char *one, const char *many)
{
	if (n > 0)
		bh_buf_add(b, "%s%zu %s", b->len > 0 ? " · " : "", n,
		    n == 1 ? one : many);
}

/* What there is, and the way to more of it. */
static void
say_summary(struct mine *m)
{
	struct bh_buf words = BH_BUF(512), more = BH_BUF(256);
	const struct bh_span title = { .kind = BH_SPAN_STRONG,
	    .text = "Your AWS access" };
	const struct bh_button get = { .label = "get access",
	    .command = "elevate", .style = BH_PRIMARY };
	struct bh_span line = { .kind = BH_SPAN_TEXT }, note = line;
	const struct bh_field field = { .label = "Now", .spans = &line,
	    .spans_count = 1 };

	count_of(&words, m->holds, "runs", "run");
	count_of(&words, m->asks, "waits for approval", "wait for approval");
	count_of(&words, m->decides, "waits for your decision",
	    "wait for your decision");
	if (words.len == 0)
		bh_buf_puts(&words, "nothing runs, and nothing waits");
	if (m->holds > SHOWN || m->asks > SHOWN || m->decides > SHOWN)
		bh_buf_add(&more, "The first %d of each are shown; !access and "
		    "!requests list all.", SHOWN);
	line.text = bh_buf_text(&words);
	note.text = bh_buf_text(&more);
	bh_reply_card(m->call, &(struct bh_card){ .title = &title,
	    .title_count = 1, .colour = m->decides > 0 ? BH_YELLOW :
	    m->holds > 0 ? BH_GREEN : BH_GREY, .fields = &field,
	    .fields_count = 1, .buttons = &get, .buttons_count = 1,
	    .note = &note, .note_count = more.len > 0 }, NULL);
	bh_buf_release(&words);
	bh_buf_release(&more);
}

static void
say_cards(struct mine *m, const struct grant *const list[SHOWN], size_t count,
    enum card_for what_for)
{
	for (size_t i = 0; i < count && i < SHOWN; i++)
		card_reply(m->call, m->face, list[i], what_for);
}

static int
mine(struct bh_call *call, void *state, bool last)
{
	struct sso *sso = sso_of(state);
	struct mine m = { .face = sso->face, .call = call };

	if ((bh_user(call)->flags & (BH_USER_GUEST | BH_USER_BOT)) != 0)
		return bh_reply(call, "Guests and bots have no access here.");
	person_of_user(sso->face, bh_user(call), &m.me);
	grant_each(sso->grants, &(struct grant_filter){
	    .states = 1u << GRANT_PENDING | 1u << GRANT_APPROVED |
	    1u << GRANT_ACTIVE | 1u << GRANT_ENDING }, look, &m);
	if (m.unsure && !last)
		return BH_EBUSY;
	say_summary(&m);
	say_cards(&m, m.decide, m.decides, CARD_TO_DECIDE);
	say_cards(&m, m.hold, m.holds, CARD_HELD);
	say_cards(&m, m.asked, m.asks, CARD_ASKED);
	return BH_OK;
}

int
face_mine(struct bh_call *call, void *state)
{
	return face_patient(call, state, mine);
}
