/*
 * request.c - from "may I" to a decision: ask, vote, deny, cancel, expire.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The policy is asked at each of these steps again; a yes of an hour ago is
 * not kept.  Nothing here touches AWS.
 */

#include "plugins/aws-sso/grant/engine.h"

/* Read aloud without mistakes: no 0 or O, no 1, I or L. */
static const char letters[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/* A request on its way into the store. */
struct asking {
	unsigned magic;
#define ASKING_MAGIC	0x61736b69u
	struct asking *next, **back;
	struct grants *gs;
	struct grant *g;
	int tries;
	struct grant_verdict verdict;
	struct bh_call *call;		/* to be settled, or NULL */
	grant_done_cb *done;
	void *arg;
};

/* Four letters, one more for each three collisions: unique for ever, since
 * rows are never deleted and the id is the table's primary key. */
static void
make_id(struct grants *gs, struct grant *g, int tries)
{
	size_t len = 4 + (size_t)tries / 3;

	if (len > GRANT_ID_MAX - 1)
		len = GRANT_ID_MAX - 1;
	for (size_t i = 0; i < len; ) {
		uint8_t byte;

		bh_random(gs->host, &byte, 1);
		if (byte < 248)		/* 8 * 31: no letter is likelier */
			g->id[i++] = letters[byte % 31];
	}
	g->id[len] = '\0';
}

static void
asking_free(struct asking *a)
{
	*a->back = a->next;
	if (a->next != NULL)
		a->next->back = a->back;
	grant_verdict_release(&a->verdict);
	a->magic = 0;
	free(a);
}

/* The engine ends before the store answered. */
void
request_free_all(struct grants *gs)
{
	while (gs->askings != NULL) {
		grant_free(gs->askings->g);
		asking_free(gs->askings);
	}
}

static void
asking_end(struct asking *a, int result, const char *fmt, ...)
    BH_PRINTF(3, 4);

static void
asking_end(struct asking *a, int result, const char *fmt, ...)
{
	struct bh_buf text = BH_BUF(3000);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vadd(&text, fmt, ap);
	va_end(ap);
	a->done(a->arg, result, result == BH_OK ? a->g : NULL,
	    bh_buf_text(&text));
	bh_buf_release(&text);
	if (result != BH_OK)
		grant_free(a->g);
	asking_free(a);
}

static void asking_commit(struct asking *);

static void
asked(void *arg, int result, struct grant *g)
{
	struct asking *a = GRANT_CAST(struct asking, arg, ASKING_MAGIC);

	if (result == BH_ECONFLICT && a->tries < 30) {
		a->tries++;
		asking_commit(a);
		return;
	}
	if (result == BH_ECONFLICT && a->call != NULL) {
		asking_end(a, result, "That was asked for already; !requests "
		    "shows what waits.");
		return;
	}
	if (result == BH_EFULL) {
		asking_end(a, result, "Nothing was asked for: the disk is "
		    "full. An admin must make room.");
		return;
	}
	if (result != BH_OK) {
		asking_end(a, result, "Nothing was asked for: the store "
		    "cannot be written. An admin must look at the log.");
		return;
	}
	grants_index(a->gs, g);
	if (g->state == GRANT_APPROVED)
		asking_end(a, BH_OK, "%s needs no approval (rule %s): granting.",
		    g->id, g->rule);
	else
		asking_end(a, BH_OK, "%s waits for approval by %s.", g->id,
		    g->approvers[0] != '\0' ? g->approvers : "an approver");
}

static void
asking_commit(struct asking *a)
{
	struct grants *gs = a->gs;
	struct grant *g = a->g;
	int64_t now = bh_now(gs->host);
	bool at_once = a->verdict.needed == 0;
	struct change *c;

	make_id(gs, g, a->tries);
	g->created = now;
	g->needed = a->verdict.needed;
	c = change_begin(g, at_once ? GRANT_APPROVED : GRANT_PENDING,
	    at_once ? "approve-auto" : "request");
	if (c == NULL) {
		asking_end(a, BH_EBUSY, "%s", gs->drain);
		return;
	}
	c->next.lapses = now + (gs->options.request_lapses > 0 ?
	    gs->options.request_lapses : 8 * HOUR);
	if (g->fixed_end != 0 && g->fixed_end < c->next.lapses)
		c->next.lapses = g->fixed_end;
	change_text(c, &c->next.rule, grant_dup(bh_buf_text(&a->verdict.rule)));
	change_text(c, &c->next.approvers,
	    grant_dup(bh_buf_text(&a->verdict.approvers)));
	change_text(c, &c->next.hash, grant_dup(a->verdict.hash));
	change_audit(c, "request.created", g->person, "reason", g->reason);
	if (at_once) {
		c->next.flags |= GRANT_AUTOMATIC;
		c->next.decided = c->next.start = now;
		c->next.end = g->fixed_end != 0 ? g->fixed_end :
		    now + g->duration;
		store_key_ensure(c->tx, gs, g);
		change_audit(c, "request.auto_approved", "bellhop", "by-rule",
		    c->next.rule);
	}
	change_settles(c, a->call);
	change_commit(c, asked, a);
}

struct caps { const char *person; size_t all, own; };

static bool
count_open(void *arg, const struct grant *g)
{
	struct caps *caps = arg;

	caps->all++;
	caps->own += strcmp(g->person, caps->person) == 0;
	return true;
}

/* Takes `g` over and asks for it. */
static void
ask_for(struct grants *gs, struct grant *g, struct bh_call *call,
    grant_done_cb *done, void *arg)
{
	struct asking *a = calloc(1, sizeof(*a));
	struct grant_filter open = { .states = 1u << GRANT_PENDING };
	struct caps caps = { .person = g->person };
	const char *halted = grants_halted(gs, g->account);
	size_t per = gs->options.open_per_person, all = gs->options.open_in_all;

	assert(a != NULL);
	a->magic = ASKING_MAGIC;
	a->gs = gs;
	a->next = gs->askings;
	a->back = &gs->askings;
	if (gs->askings != NULL)
		gs->askings->back = &a->next;
	gs->askings = a;
	a->g = g;
	a->call = call;
	a->done = done;
	a->arg = arg;
	grant_verdict_init(&a->verdict);
	if (!gs->loaded) {
		asking_end(a, BH_EBUSY,
		    "Grants are still being read; try again in a moment.");
		return;
	}
	if (halted != NULL) {
		asking_end(a, BH_EBUSY, "No new access now: %s.", halted);
		return;
	}
	if (g->duration <= 0) {
		asking_end(a, BH_EINVAL, "Say how long, as in 30m or 2h.");
		return;
	}
	grant_each(gs, &open, count_open, &caps);
	if (caps.own >= (per != 0 ? per : 20)) {
		asking_end(a, BH_ELIMIT, "You have %zu open requests already; "
		    "cancel some, or wait until they are decided.", caps.own);
		return;
	}
	if (caps.all >= (all != 0 ? all : 2000)) {
		asking_end(a, BH_ELIMIT, "There are %zu open requests already; "
		    "try again when some are decided.", caps.all);
		return;
	}
	gs->rules->may_ask(gs->rules->arg, g, &a->verdict);
	if (!a->verdict.yes) {
		asking_end(a, a->verdict.unsure ? BH_EBUSY : BH_EPERM, "%s",
		    bh_buf_text(&a->verdict.why));
		return;
	}
	asking_commit(a);
}

static struct grant *
grant_new(struct grants *gs)
{
	struct grant *g = calloc(1, sizeof(*g));

	assert(g != NULL);
	g->magic = GRANT_MAGIC;
	g->all = gs;
	g->rule = grant_dup("");
	g->approvers = grant_dup("");
	g->hash = grant_dup("");
	g->outcome = grant_dup("");
	g->by = grant_dup("");
	return g;
}

void
grant_request(struct grants *gs, const struct grant_ask *ask,
    struct bh_call *call, grant_done_cb *done, void *arg)
{
	struct grant *g = grant_new(gs);

	g->person = grant_dup(ask->who->person);
	g->person_name = grant_dup(ask->who->name);
	g->principal = grant_dup(ask->principal);
	g->principal_name = grant_dup(ask->principal_name);
	g->account = grant_dup(ask->account);
	g->account_name = grant_dup(ask->account_name);
	g->permission_set = grant_dup(ask->permission_set);
	g->permission_set_name = grant_dup(ask->permission_set_name);
	g->team = grant_dup(ask->team);
	g->place = grant_dup(ask->place);
	g->reason = grant_cut(ask->reason);
	g->extends = grant_dup("");
	g->duration = ask->duration;
	g->session = ask->session;
	ask_for(gs, g, call, done, arg);
}

static void
extended(void *arg, int result, const struct grant *g, const char *sentence)
{
	struct op *op = GRANT_CAST(struct op, arg, OP_MAGIC);

	op_end(op, result, g, "%s", sentence);
}

/* More time is a new agreement on the same key, with votes of its own; the
 * old one ends when it ends and leaves the access to the new one. */
void
request_extend(struct op *op, struct grant *old)
{
	struct grants *gs = op->gs;
	struct grant *g;
	int64_t now = bh_now(gs->host);

	if (strcmp(op->who.person, old->person) != 0) {
		op_end(op, BH_EPERM, old, "%s is %s's; only they can ask for "
		    "more time.", old->id, old->person_name);
		return;
	}
	if (old->state != GRANT_ACTIVE || old->end <= now) {
		op_end(op, BH_ECONFLICT, old, "%s is %s; only running access "
		    "can be extended. Ask anew with !elevate.", old->id,
		    grant_state_name(old->state));
		return;
	}
	if (op->more <= 0) {
		op_end(op, BH_EINVAL, old, "Say how much longer, as in 30m.");
		return;
	}
	g = grant_new(gs);
	g->person = grant_dup(old->person);
	g->person_name = grant_dup(old->person_name);
	g->principal = grant_dup(old->principal);
	g->principal_name = grant_dup(old->principal_name);
	g->account = grant_dup(old->account);
	g->account_name = grant_dup(old->account_name);
	g->permission_set = grant_dup(old->permission_set);
	g->permission_set_name = grant_dup(old->permission_set_name);
	g->team = grant_dup(old->team);
	g->place = grant_dup(old->place);
	g->reason = grant_dup(op->text[0] != '\0' ? op->text : old->reason);
	g->extends = grant_dup(old->id);
	g->duration = old->end - now + op->more;
	g->fixed_end = old->end + op->more;
	g->session = old->session;
	ask_for(gs, g, op->call, extended, op);
}

/* ------------------------------------------------------------------ */
/* Decisions                                                           */

/* True when `g` waits for a decision; else says what became of it. */
static bool
is_open(struct op *op, struct grant *g)
{
	if (g->state == GRANT_PENDING && bh_now(op->gs->host) < g->lapses)
		return true;
	if (g->state == GRANT_PENDING) {
		op_end(op, BH_ECONFLICT, g, "%s lapsed: nobody decided in "
		    "time. %s can ask again.", g->id, g->person_name);
		return false;
	}
	op_end(op, BH_ECONFLICT, g, "%s is decided already: %s%s%s.", g->id,
	    grant_state_name(g->state), g->by[0] != '\0' ? " by " : "", g->by);
	return false;
}

static void
op_done(void *arg, int result, struct grant *g)
{
	struct op *op = GRANT_CAST(struct op, arg, OP_MAGIC);

	if (result != BH_OK) {
		op_commit_failed(op, result, g);
		return;
	}
	switch (g->state) {
	case GRANT_PENDING:
		op_end(op, BH_OK, g, "Noted. %s needs %d more.", g->id,
		    g->needed - (int)g->votes_count);
		break;
	case GRANT_APPROVED:
		op_end(op, BH_OK, g, "%s is approved: granting.", g->id);
		break;
	case GRANT_REFUSED:
		op_end(op, BH_EPERM, g, "%s", g->outcome);
		break;
	default:
		op_end(op, BH_OK, g, "%s is %s.", g->id,
		    grant_state_name(g->state));
		break;
	}
}

static void
refuse(struct grant *g, const struct grant_verdict *v, struct op *op)
{
	struct change *c = change_begin(g, GRANT_REFUSED, "refuse");

	if (c == NULL) {
		if (op != NULL)
			op_end(op, BH_EBUSY, g, "%s", g->all->drain);
		return;
	}
	c->next.decided = c->next.changed;
	change_text(c, &c->next.outcome, grant_print("The rules no longer "
	    "allow %s: %s", g->id, bh_buf_text(&v->why)));
	change_audit(c, "request.refused", "bellhop", "policy-now", v->hash);
	change_settles(c, op != NULL ? op->call : NULL);
	change_commit(c, op != NULL ? op_done : NULL, op);
}

void
request_refuse(struct grant *g, const struct grant_verdict *v)
{
	if (!g->busy)
		refuse(g, v, NULL);
}

void
request_recheck(struct grant *g)
{
	struct grant_verdict v;

	grant_verdict_init(&v);
	g->all->rules->may_ask(g->all->rules->arg, g, &v);
	if (!v.yes && !v.unsure)
		refuse(g, &v, NULL);
	grant_verdict_release(&v);
}

static bool
voted_before(const struct grant *g, const struct bh_user *who,
    const char *principal)
{
	for (size_t i = 0; i < g->votes_count; i++)
		if (strcmp(g->votes[i].person, who->person) == 0 ||
		    strcmp(g->votes[i].principal, principal) == 0)
			return true;
	return false;
}

/* Whether `op->who` may decide; on no it has been said, and op is gone. */
static bool
may_decide(struct op *op, struct grant *g, const char **principal,
    struct grant_verdict *v)
{
	const struct grant_rules *rules = op->gs->rules;
	const char *why = NULL;

	*principal = rules->principal(rules->arg, &op->who, &why);
	if (*principal == NULL) {
		op_end(op, BH_EPERM, g, "%s", why != NULL ? why :
		    "You are not known in the Identity Center.");
		return false;
	}
	rules->may_approve(rules->arg, g, &op->who, v);
	if (!v->yes) {
		op_end(op, v->unsure ? BH_EBUSY : BH_EPERM, g, "%s",
		    bh_buf_text(&v->why));
		return false;
	}
	return true;
}

static void
vote(struct op *op, struct grant *g, const char *principal,
    const struct grant_verdict *ask)
{
	struct grants *gs = op->gs;
	struct grant_verdict hold;
	struct change *c = change_begin(g, GRANT_PENDING, "vote");
	bool enough;

	if (c == NULL) {
		op_end(op, BH_EBUSY, g, "%s", gs->drain);
		return;
	}
	grant_verdict_init(&hold);
	change_vote(c, &op->who, principal);
	c->next.needed = ask->needed;
	change_text(c, &c->next.rule, grant_dup(bh_buf_text(&ask->rule)));
	change_text(c, &c->next.approvers,
	    grant_dup(bh_buf_text(&ask->approvers)));
	change_text(c, &c->next.hash, grant_dup(ask->hash));
	change_audit(c, "vote", op->who.person, "vote", "approve");
	enough = (int)c->next.votes_count >= c->next.needed;
	if (enough) {
		/* Earlier voters must be eligible still. */
		gs->rules->may_hold(gs->rules->arg, &c->next, &hold);
		enough = hold.yes;
	}
	if (!enough && hold.unsure) {
		/* Noted now, it could not be given again, and nobody would
		 * count once more when the facts are back. */
		change_drop(c);
		op_end(op, BH_EBUSY, g, "%s", bh_buf_text(&hold.why));
		grant_verdict_release(&hold);
		return;
	}
	if (enough) {
		c->point = "approve";
		c->next.state = GRANT_APPROVED;
		c->next.decided = c->next.start = c->next.changed;
		c->next.end = g->fixed_end != 0 ? g->fixed_end :
		    c->next.start + g->duration;
		change_text(c, &c->next.by, grant_dup(op->who.name));
		change_audit(c, "request.approved", op->who.person,
		    "approver", op->who.name);
		store_key_ensure(c->tx, gs, g);
	}
	grant_verdict_release(&hold);
	change_settles(c, op->call);
	change_commit(c, op_done, op);
}

void
request_vote(struct op *op, struct grant *g)
{
	struct grants *gs = op->gs;
	struct grant_verdict ask, may;
	const char *principal, *halted = grants_halted(gs, g->account);

	if (!is_open(op, g))
		return;
	if (halted != NULL) {
		op_end(op, BH_EBUSY, g, "No new access now: %s. %s stays "
		    "open.", halted, g->id);
		return;
	}
	grant_verdict_init(&ask);
	grant_verdict_init(&may);
	gs->rules->may_ask(gs->rules->arg, g, &ask);
	if (!ask.yes && ask.unsure)
		op_end(op, BH_EBUSY, g, "%s", bh_buf_text(&ask.why));
	else if (!ask.yes)
		refuse(g, &ask, op);
	else if (may_decide(op, g, &principal, &may)) {
		bool own = strcmp(op->who.person, g->person) == 0 ||
		    strcmp(principal, g->principal) == 0;

		/* The rules have said so already; this is the belt to their
		 * braces. */
		if (own && !may.self)
			op_end(op, BH_EPERM, g, "You asked for %s yourself; "
			    "somebody else must approve it.", g->id);
		else if (voted_before(g, &op->who, principal))
			op_end(op, BH_ECONFLICT, g, "You have approved %s "
			    "already; it needs %d more.", g->id,
			    g->needed - (int)g->votes_count);
		else
			vote(op, g, principal, &ask);
	}
	grant_verdict_release(&ask);
	grant_verdict_release(&may);
}

void
request_deny(struct op *op, struct grant *g)
{
	struct grant_verdict may;
	const char *principal;
	struct change *c;

	if (!is_open(op, g))
		return;
	grant_verdict_init(&may);
	if (may_decide(op, g, &principal, &may)) {
		c = change_begin(g, GRANT_DENIED, "deny");
		if (c == NULL) {
			op_end(op, BH_EBUSY, g, "%s", op->gs->drain);
		} else {
			c->next.decided = c->next.changed;
			change_text(c, &c->next.by, grant_dup(op->who.name));
			change_text(c, &c->next.outcome, grant_dup(op->text));
			change_audit(c, "request.denied", op->who.person,
			    "reason", op->text);
			change_settles(c, op->call);
			change_commit(c, op_done, op);
		}
	}
	grant_verdict_release(&may);
}

void
request_cancel(struct op *op, struct grant *g)
{
	struct change *c;

	if (strcmp(op->who.person, g->person) != 0 &&
	    (op->who.flags & BH_USER_ADMIN) == 0) {
		op_end(op, BH_EPERM, g, "%s is %s's; they or an admin can "
		    "cancel it.", g->id, g->person_name);
		return;
	}
	if (g->state == GRANT_APPROVED || g->state == GRANT_ACTIVE) {
		op_end(op, BH_ECONFLICT, g, "%s is approved already; end it "
		    "with !revoke %s.", g->id, g->id);
		return;
	}
	if (!is_open(op, g))
		return;
	c = change_begin(g, GRANT_CANCELLED, "cancel");
	if (c == NULL) {
		op_end(op, BH_EBUSY, g, "%s", op->gs->drain);
		return;
	}
	c->next.decided = c->next.changed;
	change_text(c, &c->next.by, grant_dup(op->who.name));
	change_audit(c, "request.cancelled", op->who.person, NULL, NULL);
	change_settles(c, op->call);
	change_commit(c, op_done, op);
}

void
request_expire(struct grant *g)
{
	struct change *c = change_begin(g, GRANT_EXPIRED, "expire");

	if (c == NULL)
		return;
	c->next.decided = c->next.changed;
	change_text(c, &c->next.outcome, grant_dup("Nobody decided in time."));
	change_audit(c, "request.expired", "bellhop", NULL, NULL);
	change_commit(c, NULL, NULL);
}
