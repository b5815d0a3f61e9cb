/*
 * decide.c - !approve, !deny, !cancel, !revoke, !extend, !abandon.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <ctype.h>
#include <strings.h>

#include "plugins/aws-sso/face/parts.h"

void
answer_done(void *arg, int result, const struct grant *g,
    const char *sentence)
{
	struct bh_call *call = arg;

	if (result < 0)
		bh_fail(call, "%s", sentence);
	/* The card is edited right here: saying it twice is noise. */
	else if (sentence != NULL && *sentence != '\0' &&
	    (g == NULL || strcmp(g->place, bh_place(call)) != 0))
		bh_reply(call, "%s", sentence);
	bh_end(call, result);
}

/* Ids are written in upper case and typed in any. */
static const char *
id_arg(struct bh_call *call, const char *arg, char out[GRANT_ID_MAX])
{
	const char *typed = bh_arg(call, arg);
	size_t n = 0;

	for (; typed[n] != '\0' && n < GRANT_ID_MAX - 1; n++)
		out[n] = (char)toupper((unsigned char)typed[n]);
	out[n] = '\0';
	return out;
}

static int
approve(struct bh_call *call, void *state, bool last)
{
	char id[GRANT_ID_MAX];

	(void)last;
	grant_vote(sso_of(state)->grants, id_arg(call, "id", id),
	    bh_user(call), call, answer_done, call);
	return BH_PENDING;
}

static int
deny(struct bh_call *call, void *state, bool last)
{
	char id[GRANT_ID_MAX];
	const char *reason = bh_arg(call, "reason");

	(void)last;
	grant_deny(sso_of(state)->grants, id_arg(call, "id", id),
	    bh_user(call), reason != NULL ? reason : "", call,
	    answer_done, call);
	return BH_PENDING;
}

int
face_cancel(struct bh_call *call, void *state)
{
	char id[GRANT_ID_MAX];

	grant_cancel(sso_of(state)->grants, id_arg(call, "id", id),
	    bh_user(call), call, answer_done, call);
	return BH_PENDING;
}

int
face_abandon(struct bh_call *call, void *state)
{
	char id[GRANT_ID_MAX];

	grant_abandon(sso_of(state)->grants, id_arg(call, "id", id),
	    bh_user(call), bh_arg(call, "reason"), call, answer_done,
	    call);
	return BH_PENDING;
}

/* ------------------------------------------------------------------ */
/* !revoke ACCOUNT PERMISSION-SET means every grant of that key.        */

#define REVOKE_MOST	16

struct several {
	char ids[REVOKE_MOST][GRANT_ID_MAX];
	size_t count, answered;
	int worst;
	struct grants *grants;
	struct bh_call *call;
	struct bh_buf reason, said;
};

static bool
collect(void *arg, const struct grant *g)
{
	struct several *s = arg;

	if (s->count == REVOKE_MOST)
		return false;
	snprintf(s->ids[s->count++], GRANT_ID_MAX, "%s", g->id);
	return true;
}

static void next_of_several(struct several *s);

static void
several_done(void *arg, int result, const struct grant *g,
    const char *sentence)
{
	struct several *s = arg;

	if (sentence != NULL && *sentence != '\0' && (result < 0 || g == NULL ||
	    strcmp(g->place, bh_place(s->call)) != 0))
		bh_buf_add(&s->said, "%s%s", s->said.len > 0 ? "\n" : "",
		    sentence);
	if (result < 0)
		s->worst = result;
	if (++s->answered < s->count) {
		next_of_several(s);
		return;
	}
	if (s->worst < 0)
		bh_fail(s->call, "%s", bh_buf_text(&s->said));
	else if (s->said.len > 0)
		bh_reply(s->call, "%s", bh_buf_text(&s->said));
	bh_end(s->call, s->worst);
	bh_buf_release(&s->reason);
	bh_buf_release(&s->said);
	free(s);
}

/* One after the other: the last one settles the call, when all before it are
 * durable.  After a death in between, those that are left are found again. */
static void
next_of_several(struct several *s)
{
	bool last = s->answered + 1 == s->count;

	grant_revoke(s->grants, s->ids[s->answered], bh_user(s->call),
	    bh_buf_text(&s->reason), last ? s->call : NULL, several_done, s);
}

static int
revoke_pair(struct bh_call *call, struct sso *sso, const char *reason)
{
	const struct account *a = name_account(call, sso->face,
	    bh_arg(call, "id-or-account"), "id-or-account");
	const struct permission_set *set = a == NULL ? NULL :
	    name_set(call, sso->face, bh_arg(call, "permission-set"),
	    "permission-set");
	struct bh_user who = *bh_user(call);
	struct several *s;

	if (set == NULL)
		return BH_EINVAL;
	if (bh_arg(call, "who") != NULL && !person_named(call, sso->face,
	    bh_arg(call, "who"), "who", &who))
		return BH_EINVAL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->grants = sso->grants;
	s->call = call;
	s->reason = (struct bh_buf)BH_BUF(32768);
	s->said = (struct bh_buf)BH_BUF(4096);
	bh_buf_puts(&s->reason, reason);
	grant_each(sso->grants, &(struct grant_filter){ .person = who.person,
	    .account = a->id, .permission_set = set->arn,
	    .states = 1u << GRANT_APPROVED | 1u << GRANT_ACTIVE }, collect, s);
	if (s->count == 0) {
		bh_fail(call, "%s has no %s in %s (%s) through me, so there is "
		    "nothing to revoke. !access shows what there is.",
		    who.name, set->name, a->name, a->id);
		bh_buf_release(&s->reason);
		free(s);
		return BH_ENOENT;
	}
	next_of_several(s);
	return BH_PENDING;
}

static int
revoke(struct bh_call *call, void *state, bool last)
{
	struct sso *sso = sso_of(state);
	const char *reason = bh_arg(call, "reason");
	char id[GRANT_ID_MAX];

	(void)last;
	if (reason == NULL)
		reason = "";
	if (bh_arg(call, "permission-set") != NULL)
		return revoke_pair(call, sso, reason);
	grant_revoke(sso->grants, id_arg(call, "id-or-account", id),
	    bh_user(call), reason, call, answer_done, call);
	return BH_PENDING;
}

/* ------------------------------------------------------------------ */

static int
ask_how_long(struct bh_call *call, const char *id)
{
	static const struct bh_choice usual[] = { { "15m", "15 min" },
	    { "30m", "30 min" }, { "1h", "1 h" }, { "2h", "2 h" } };
	const struct bh_input inputs[] = {
		{ .name = "id", .label = "Request", .type = BH_LINE,
		  .required = true, .value = id },
		{ .name = "duration", .label = "How much longer",
		  .type = BH_CHOOSE, .required = true, .choices = usual,
		  .choices_count = 4 },
		{ .name = "reason", .label = "Reason", .type = BH_LINE },
	};
	int result = bh_ask(call, &(struct bh_form){ .title = "More time",
	    .submit = "Ask", .command = "extend", .inputs = inputs,
	    .inputs_count = 3 });

	if (result == BH_EUNSUPPORTED)
		return bh_fail_at(call, "duration", "Say how much longer: "
		    "!extend %s 1h", id);
	return result;
}

static int
extend(struct bh_call *call, void *state, bool last)
{
	char id[GRANT_ID_MAX];
	const char *typed = bh_arg(call, "duration");
	const char *reason = bh_arg(call, "reason");
	int64_t more = name_duration(call, typed, "duration");

	(void)last;
	if (more < 0)
		return BH_EINVAL;
	id_arg(call, "id", id);
	if (more == 0)
		return ask_how_long(call, id);
	grant_extend(sso_of(state)->grants, id, bh_user(call), more,
	    reason != NULL ? reason : "", call,
	    answer_done, call);
	return BH_PENDING;
}

/* ------------------------------------------------------------------ */
/* Who may decide depends on what AWS says, so these wait for it. */

int
face_approve(struct bh_call *call, void *state)
{
	return face_patient(call, state, approve);
}

int
face_deny(struct bh_call *call, void *state)
{
	return face_patient(call, state, deny);
}

int
face_revoke(struct bh_call *call, void *state)
{
	return face_patient(call, state, revoke);
}

int
face_extend(struct bh_call *call, void *state)
{
	return face_patient(call, state, extend);
}

/* ------------------------------------------------------------------ */

struct id_offer { struct bh_call *call; const char *typed; };

static bool
offer_id(void *arg, const struct grant *g)
{
	struct id_offer *o = arg;
	struct bh_buf label = BH_BUF(512);

	if (strncasecmp(g->id, o->typed, strlen(o->typed)) == 0) {
		bh_buf_add(&label, "%s %s %s %s", g->id, g->account_name,
		    g->permission_set_name, g->person_name);
		bh_offer(o->call, g->id, bh_buf_text(&label));
	}
	bh_buf_release(&label);
	return true;
}

int
id_choices(struct bh_call *call, void *state, const char *arg,
    const char *typed)
{
	struct id_offer o = { call, typed != NULL ? typed : "" };

	if (strcmp(arg, "id") != 0 && strcmp(arg, "id-or-account") != 0)
		return name_choices(call, state, arg, typed);
	grant_each(sso_of(state)->grants, &(struct grant_filter){
	    .states = 1u << GRANT_PENDING | 1u << GRANT_APPROVED |
	    1u << GRANT_ACTIVE }, offer_id, &o);
	return BH_OK;
}
