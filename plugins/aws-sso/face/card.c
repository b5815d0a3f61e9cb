/*
 * card.c - the one card of a request, true in every state.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A card is drawn from the record alone, inside the transaction that changes
 * the record, so that it can never say more than the store knows.
 */

#include "plugins/aws-sso/face/parts.h"

/* A card being drawn.  Spans are kept in one array, so a field is a range. */
struct draft {
	struct bh_span spans[64];
	size_t spans_count;
	struct bh_field fields[8];
	struct bh_button buttons[4];
	struct bh_card card;
	struct bh_buf texts[24];	/* what spans point into */
	size_t texts_count;
};

/* A text that lives as long as the draft. */
static const char *BH_PRINTF(2, 3)
text(struct draft *d, const char *fmt, ...)
{
	struct bh_buf *b = &d->texts[d->texts_count++];
	va_list ap;

	*b = (struct bh_buf)BH_BUF(4096);
	va_start(ap, fmt);
	bh_buf_vadd(b, fmt, ap);
	va_end(ap);
	return bh_buf_text(b);
}

static const char *
span_text(struct draft *d, struct face *f, int64_t ms)
{
	struct bh_buf *b = &d->texts[d->texts_count++];

	*b = (struct bh_buf)BH_BUF(64);
	bh_duration_text(f->host, b, ms);
	return bh_buf_text(b);
}

static void
add(struct draft *d, int kind, const char *s, const char *ref, int64_t time)
{
	if (d->spans_count < sizeof(d->spans) / sizeof(*d->spans))
		d->spans[d->spans_count++] = (struct bh_span){ .kind = kind,
		    .text = s, .ref = ref, .time = time };
}

static void
add_text(struct draft *d, const char *s)
{
	add(d, BH_SPAN_TEXT, s, NULL, 0);
}

static void
add_time(struct draft *d, int64_t at)
{
	add(d, BH_SPAN_TIME, NULL, NULL, at);
}

static void
begin_field(struct draft *d, const char *label)
{
	d->fields[d->card.fields_count++] = (struct bh_field){ .label = label,
	    .spans = &d->spans[d->spans_count] };
}

static void
end_field(struct draft *d)
{
	struct bh_field *field = &d->fields[d->card.fields_count - 1];

	field->spans_count = (size_t)(&d->spans[d->spans_count] -
	    field->spans);
}

static void
button(struct draft *d, const char *label, const char *command,
    const char *id, int style)
{
	d->buttons[d->card.buttons_count++] = (struct bh_button){
	    .label = label, .command = command, .args = id, .style = style };
}

/* ------------------------------------------------------------------ */
/* Parts                                                               */

static int
colour_of(const struct grant *g)
{
	switch (g->state) {
	case GRANT_PENDING:	return BH_YELLOW;
	case GRANT_APPROVED:	return BH_BLUE;
	case GRANT_ACTIVE:	return BH_GREEN;
	case GRANT_ENDING:	return BH_BLUE;
	case GRANT_ENDED:
	case GRANT_CANCELLED:
	case GRANT_EXPIRED:	return BH_GREY;
	default:		return BH_RED;
	}
}

static void
title(struct draft *d, const struct grant *g)
{
	d->card.title = &d->spans[d->spans_count];
	add(d, BH_SPAN_STRONG, g->id, NULL, 0);
	switch (g->state) {
	case GRANT_PENDING:
		add_text(d, " · waiting for approval");
		break;
	case GRANT_APPROVED:
		add_text(d, " · granting…");
		break;
	case GRANT_ACTIVE:
		if ((g->flags & GRANT_REMOVED_OUTSIDE) != 0) {
			add_text(d, " · removed in AWS by someone else");
			break;
		}
		add_text(d, " · granted until ");
		add_time(d, g->end);
		break;
	case GRANT_ENDING:
		add_text(d, " · ending…");
		break;
	case GRANT_ENDED:
		add_text(d, " · ended ");
		add_time(d, g->over > 0 ? g->over : g->end);
		break;
	default:
		add_text(d, text(d, " · %s", grant_state_name(g->state)));
		break;
	}
	d->card.title_count = d->spans_count;
}

static void
votes(struct draft *d, const struct grant *g)
{
	for (size_t i = 0; i < g->votes_count; i++) {
		if (i > 0)
			add_text(d, i + 1 == g->votes_count ? " and " : ", ");
		add(d, BH_SPAN_PERSON, g->votes[i].name, g->votes[i].person, 0);
	}
}

static void
body(struct draft *d, struct face *f, const struct grant *g)
{
	const char *by;

	begin_field(d, "Account");
	add(d, BH_SPAN_STRONG, g->account_name, NULL, 0);
	add_text(d, text(d, "  (%s)", g->account));
	end_field(d);
	begin_field(d, "Access");
	add(d, BH_SPAN_STRONG, g->permission_set_name, NULL, 0);
	add_text(d, "  for ");
	add_text(d, span_text(d, f, g->duration));
	if (*g->extends != '\0')
		add_text(d, text(d, ", after %s", g->extends));
	end_field(d);
	begin_field(d, g->state == GRANT_ACTIVE ? "For" : "Asked by");
	add(d, BH_SPAN_PERSON, g->person_name, g->person, 0);
	if (*g->reason != '\0')
		add_text(d, text(d, " · %s", g->reason));
	end_field(d);
	if (g->state == GRANT_PENDING) {
		begin_field(d, "Approvers");
		add_text(d, text(d, "%s (%d needed) · rule %s", g->approvers,
		    g->needed, g->rule));
		end_field(d);
	}
	if (g->votes_count > 0 || (g->flags & GRANT_AUTOMATIC) != 0) {
		begin_field(d, "Approved by");
		if (g->votes_count > 0)
			votes(d, g);
		else
			add_text(d, text(d, "rule %s, which needs no approval",
			    g->rule));
		if (g->state == GRANT_PENDING)
			add_text(d, text(d, " (%zu of %d)", g->votes_count,
			    g->needed));
		if (g->seen > 0) {
			add_text(d, " · seen in AWS ");
			add_time(d, g->seen);
		}
		end_field(d);
	}
	by = grant_ended_by(g);
	if (grant_state_final(g->state) &&
	    (*g->outcome != '\0' || *by != '\0')) {
		begin_field(d, "Outcome");
		add_text(d, g->outcome);
		if (*by != '\0')
			add_text(d, text(d, "%s%s", *g->outcome != '\0' ?
			    " · " : "by ", by));
		end_field(d);
	}
}

/* The small line below: what comes next, or how late it was. */
static void
note(struct draft *d, const struct grant *g)
{
	size_t first = d->spans_count;

	d->card.note = &d->spans[first];
	switch (g->state) {
	case GRANT_PENDING:
		add_text(d, "asked ");
		add_time(d, g->created);
		add_text(d, " · lapses ");
		add_time(d, g->lapses);
		break;
	case GRANT_APPROVED:
		add_text(d, "until ");
		add_time(d, g->end);
		break;
	case GRANT_ACTIVE:
		if ((g->flags & GRANT_PERMANENT) != 0)
			add_text(d, "This access was there before, for good: it "
			    "stays when this ends.");
		else if (g->session > 0) {
			add_text(d, "Credentials already issued may live until ");
			add_time(d, g->end + g->session);
			add_text(d, ".");
		}
		break;
	case GRANT_ENDING:
		add_text(d, "waiting until AWS shows that it is gone");
		if ((g->flags & GRANT_ORPHAN) != 0)
			add_text(d, "; the person is no longer in AWS");
		break;
	case GRANT_ENDED:
		if ((g->flags & GRANT_ORPHAN) != 0)
			add_text(d, "Nobody can use it: the person is no longer "
			    "in AWS.");
		else if ((g->flags & GRANT_PERMANENT) != 0)
			add_text(d, "This access was there before, for good: it "
			    "stays.");
		else if ((g->flags & GRANT_SUPERSEDED) == 0 && g->gone > 0) {
			int64_t late = g->gone - (g->over > 0 ? g->over : g->end);

			add_text(d, "removed in AWS ");
			add_time(d, g->gone);
			add_text(d, text(d, ", %lld.%lld s after its end",
			    (long long)(late < 0 ? 0 : late / 1000),
			    (long long)(late < 0 ? 0 : late % 1000 / 100)));
		}
		if (g->session > 0 && g->gone > 0 &&
		    (g->flags & (GRANT_ORPHAN | GRANT_PERMANENT |
		    GRANT_SUPERSEDED)) == 0) {
			add_text(d, " · credentials already issued may live "
			    "until ");
			add_time(d, g->gone + g->session);
		}
		break;
	default:
		break;
	}
	d->card.note_count = d->spans_count - first;
}

static void
buttons(struct draft *d, const struct grant *g)
{
	d->card.buttons = d->buttons;
	if (g->state == GRANT_PENDING) {
		button(d, "approve", "approve", g->id, BH_PRIMARY);
		button(d, "deny", "deny", g->id, BH_DANGER);
		button(d, "cancel", "cancel", g->id, BH_PLAIN);
	} else if (g->state == GRANT_ACTIVE) {
		button(d, "I'm done", "revoke", g->id, BH_PRIMARY);
		button(d, "extend", "extend", g->id, BH_PLAIN);
		button(d, "revoke", "revoke", g->id, BH_DANGER);
	} else if (g->state == GRANT_APPROVED)
		button(d, "stop", "revoke", g->id, BH_DANGER);
}

static void
draw(struct draft *d, struct face *f, const struct grant *g)
{
	d->card.fields = d->fields;
	d->card.colour = colour_of(g);
	title(d, g);
	body(d, f, g);
	note(d, g);
}

static void
in_words(struct bh_buf *out, const struct grant *g)
{
	bh_buf_add(out, "%s %s: %s in %s (%s) for %s", g->id,
	    grant_state_name(g->state), g->permission_set_name,
	    g->account_name, g->account, g->person_name);
}

static void
draft_release(struct draft *d)
{
	for (size_t i = 0; i < d->texts_count; i++)
		bh_buf_release(&d->texts[i]);
}

void
card_reply(struct bh_call *call, struct face *f, const struct grant *g,
    enum card_for what_for)
{
	struct draft d = { .spans_count = 0 };
	struct bh_buf words = BH_BUF(4096);

	draw(&d, f, g);
	d.card.buttons = d.buttons;
	if (what_for == CARD_TO_DECIDE) {
		button(&d, "approve", "approve", g->id, BH_PRIMARY);
		button(&d, "deny", "deny", g->id, BH_DANGER);
	} else if (what_for == CARD_ASKED) {
		button(&d, "cancel", "cancel", g->id, BH_PLAIN);
	} else if (g->state == GRANT_ACTIVE) {
		button(&d, "I'm done", "revoke", g->id, BH_PRIMARY);
		button(&d, "extend", "extend", g->id, BH_PLAIN);
	} else if (g->state == GRANT_APPROVED) {
		button(&d, "stop", "revoke", g->id, BH_DANGER);
	}
	in_words(&words, g);
	bh_reply_card(call, &d.card, bh_buf_text(&words));
	bh_buf_release(&words);
	draft_release(&d);
}

/* ------------------------------------------------------------------ */

/* A request made in a direct message would be seen by nobody who can decide:
 * without a room to announce it in, its approvers get it as messages. */
static void
show_approvers(struct face *f, struct bh_tx *tx, const struct grant *g,
    const char *key, const struct bh_card *card, const char *words)
{
	struct policy_person who;
	struct policy_question q;
	struct policy_verdict v;
	struct bh_user user;
	struct bh_buf why = BH_BUF(512);
	const char *s;

	policy_verdict_init(&v);
	if (rules_question(f, g, &who, &user, &q, &why)) {
		policy_ask(f->policy, &f->facts, &q, &v);
		for (size_t i = 0; (s = policy_approver(&v, i)) != NULL; i++) {
			struct bh_buf place = BH_BUF(256);
			struct bh_user other;

			if (strchr(s, '@') == NULL ||
			    !bh_person_by_email(f->host, s, &other))
				continue;
			bh_buf_add(&place, "@person:%s", other.person);
			bh_tx_post(tx, bh_buf_text(&place), key, card, words);
			bh_buf_release(&place);
		}
	}
	policy_verdict_release(&v);
	bh_buf_release(&why);
}

void
card_show(void *arg, struct bh_tx *tx, const struct grant *g)
{
	struct face *f = arg;
	struct draft d = { .spans_count = 0 };
	struct bh_buf key = BH_BUF(64), words = BH_BUF(4096);
	const char *room;
	bool announced = false;

	draw(&d, f, g);
	buttons(&d, g);
	bh_buf_add(&key, "grant:%s", g->id);
	in_words(&words, g);
	if (*g->place != '\0')
		bh_tx_post(tx, g->place, bh_buf_text(&key), &d.card,
		    bh_buf_text(&words));
	for (size_t i = 0; (room = grants_announce(f->host, g->team, i)) != NULL;
	    i++) {
		announced = true;
		if (strcmp(room, g->place) != 0)
			bh_tx_post(tx, room, bh_buf_text(&key), &d.card,
			    bh_buf_text(&words));
	}
	if (!announced && g->state == GRANT_PENDING &&
	    strstr(g->place, "/@") != NULL)
		show_approvers(f, tx, g, bh_buf_text(&key), &d.card,
		    bh_buf_text(&words));
	else
		bh_tx_repost(tx, bh_buf_text(&key), &d.card,
		    bh_buf_text(&words));
	bh_buf_release(&key);
	bh_buf_release(&words);
	draft_release(&d);
}
