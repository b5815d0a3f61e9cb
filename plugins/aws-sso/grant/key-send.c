/*
 * key-send.c - the two calls that change AWS, each behind its intent.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The order is the point of it all: wait for the slot, look again at wish
 * and policy, commit the intent with the date that will be signed, sign, look
 * a last time (the gate, right before the first byte), send.
 */

#include <strings.h>

#include "plugins/aws-sso/grant/engine.h"

void
key_slot_free(struct key *k)
{
	k->slot_ready = false;
	if (k->slot != NULL)
		aws_slot_free(&k->slot);
}

/* Is there a grant that wants it and that the rules allow, now?  Refuses
 * those that they no longer allow when `settle` is set. */
static const struct grant *
allowed(struct key *k, bool settle, char hash[65])
{
	struct grants *gs = k->all;
	int64_t now = grants_now(gs);
	const struct grant *yes = NULL;

	for (struct grant *g = k->grants, *next; g != NULL; g = next) {
		struct grant_verdict v;

		next = g->key_next;
		if (!grant_wants(g, now))
			continue;
		grant_verdict_init(&v);
		gs->rules->may_hold(gs->rules->arg, g, &v);
		if (v.yes) {
			if (yes == NULL) {
				yes = g;
				memcpy(hash, v.hash, 65);
			}
		} else if (settle && !v.unsure && g->state == GRANT_APPROVED) {
			request_refuse(g, &v);
		}
		grant_verdict_release(&v);
	}
	return yes;
}

static int
create_gate(void *arg)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);
	char hash[65];

	if (k->all->leaving || grants_halted(k->all, k->account) != NULL ||
	    bh_store_health(k->all->host) != BH_OK)
		return -1;
	if (allowed(k, false, hash) == NULL)
		return -1;
	key_failpoint(k, "create", "at-gate");
	return 0;
}

static int
delete_gate(void *arg)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);

	if (k->all->leaving || key_desired(k, NULL))
		return -1;
	key_failpoint(k, "delete", "at-gate");
	return 0;
}

/* ------------------------------------------------------------------ */
/* Answers                                                             */

static void
accepted(struct key *k, const struct sso_result *res, const char *step)
{
	struct key_row r = key_row(k);

	if (res->status == SSO_FAILED) {
		key_failed(k, res->reason);
		return;
	}
	r.request_id = res->request_id != NULL ? res->request_id : "";
	if (res->status == SSO_SUCCEEDED) {
		r.phase = KEY_VERIFY;
		k->verifies = 0;
		key_slot_free(k);
		key_commit(k, &r, step, "aws.finished", res->aws_request_id,
		    true, NULL);
	} else if (res->request_id == NULL) {
		key_unclear(k, "AWS gave no request id");
	} else {
		r.phase = KEY_POLLING;
		key_commit(k, &r, step, "aws.accepted", res->aws_request_id,
		    true, poll_add);
	}
}

/* No create of ours, this one apart, can have had an effect. */
static bool
never_ours(const struct key *k)
{
	return !k->ours_before && key_quarantine(k) == 0;
}

/* Certainly without effect: what is there is as it was before. */
static void
without_effect(struct key *k, int64_t wait)
{
	k->settled = true;
	if (k->op == KEY_CREATE && never_ours(k))
		k->flags &= ~(unsigned)KEY_OURS;
	key_slot_free(k);
	key_back_off(k, wait);
}

static void
refused(struct key *k, const char *why)
{
	struct key_row r = key_row(k);

	r.phase = KEY_VERIFY;
	r.op = KEY_NOTHING;
	r.refused_at = bh_now(k->all->host);
	r.refused = why;
	if (never_ours(k))
		r.flags &= ~(unsigned)KEY_OURS;
	key_slot_free(k);
	key_commit(k, &r, "refused", "aws.refused", why, true, NULL);
}

static void
alarm(struct key *k, const char *what, const char *reason)
{
	struct grants *gs = k->all;
	char name[300], key[100], text[900];

	key_text(k, name, sizeof(name));
	/* With the time in it: a repeated alarm is a new message. */
	snprintf(key, sizeof(key), "alarm/%s/%s/%lld", k->account,
	    k->principal, (long long)bh_now(gs->host));
	snprintf(text, sizeof(text), "%s (%s): %s", what, name,
	    reason != NULL ? reason : "no reason given");
	notice_send(gs, "", true, key, "%s", text);
	notice_page(gs, text);
}

/* What an admin must look at when AWS says no to us. */
static const char *
culprit(const struct sso_result *res)
{
	return res->error == NULL || strstr(res->error, "AccessDenied") != NULL ?
	    "bellhop's IAM policy" : "bellhop's credentials";
}

static void
created(void *arg, const struct sso_result *res)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);
	const char *why = res->reason != NULL ? res->reason : "no reason given";
	char text[900];

	k->calling = false;
	key_failpoint(k, "create", "after-answer");
	switch (res->outcome) {
	case SSO_STATUS:
		accepted(k, res, "create-accepted");
		break;
	case SSO_NOT_SENT:
	case SSO_THROTTLED:
		without_effect(k, res->retry_after);
		break;
	case SSO_CONFLICT:
		k->conflict = true;
		without_effect(k, res->retry_after);
		break;
	case SSO_DENIED:
		snprintf(text, sizeof(text), "AWS denies bellhop to give "
		    "access; check %s", culprit(res));
		alarm(k, text, why);
		snprintf(text, sizeof(text), "bellhop itself may not give this "
		    "access; an admin must look at %s (%s)", culprit(res),
		    why);
		refused(k, text);
		break;
	case SSO_INVALID:
	case SSO_NOT_FOUND:
		refused(k, why);
		break;
	case SSO_UNKNOWN:
	case SSO_FAILED_5XX:
	default:
		key_unclear(k, why);
		key_back_off(k, 0);
		break;
	}
}

static void
deleted(void *arg, const struct sso_result *res)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);
	const char *why = res->reason != NULL ? res->reason : "no reason given";
	char text[200];

	k->calling = false;
	key_failpoint(k, "delete", "after-answer");
	if (res->outcome != SSO_DENIED)
		k->denied = false;
	switch (res->outcome) {
	case SSO_STATUS:
		accepted(k, res, "delete-accepted");
		break;
	case SSO_NOT_FOUND:
		key_verify(k, KEY_DELETE, "aws.finished", why);
		break;
	case SSO_NOT_SENT:
	case SSO_THROTTLED:
		without_effect(k, res->retry_after);
		break;
	case SSO_CONFLICT:
		k->conflict = true;
		without_effect(k, res->retry_after);
		break;
	case SSO_DENIED:
	case SSO_INVALID:
		/* Told at once, and tried for ever all the same. */
		if (!k->denied) {
			snprintf(text, sizeof(text), "AWS refuses to take "
			    "access away; check %s", culprit(res));
			alarm(k, text, why);
		}
		k->denied = true;
		without_effect(k, 5 * SECOND);
		stuck_look(k->all);
		break;
	case SSO_UNKNOWN:
	case SSO_FAILED_5XX:
	default:
		key_unclear(k, why);
		key_back_off(k, 0);
		break;
	}
}

/* ------------------------------------------------------------------ */
/* FAILED                                                              */

static bool
has(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, word, n) == 0)
			return true;
	return false;
}

/* Would the same create fail the same way tomorrow? */
static bool
is_final(const char *reason)
{
	static const char *const signs[] = {
		"404", "not found", "not supported", "quota", "limit exceeded",
		"does not exist", "doesn't exist", "not authorized",
		"access denied", "AccessDenied", "cannot exceed",
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (has(reason, signs[i]))
			return true;
	return false;
}

void
key_failed(struct key *k, const char *reason)
{
	const char *why = reason != NULL ? reason : "no reason given";
	struct key_row r = key_row(k);

	if (k->op == KEY_CREATE) {
		k->creates_failed++;
		if (is_final(why) || k->creates_failed >= 5) {
			k->creates_failed = 0;
			refused(k, why);
			return;
		}
		if (never_ours(k))
			k->flags &= ~(unsigned)KEY_OURS;
		key_verify(k, KEY_NOTHING, "aws.failed", why);
		key_back_off(k, 0);
	} else if (sso_reason_is_absent(why)) {
		key_verify(k, KEY_DELETE, "aws.failed", why);
	} else if (sso_reason_is_orphan(why)) {
		if ((k->flags & KEY_ORPHAN) == 0) {
			char name[300], key[80];

			key_text(k, name, sizeof(name));
			snprintf(key, sizeof(key), "orphan/%s/%s", k->account,
			    k->principal);
			notice_send(k->all, "", true, key, "%s cannot be "
			    "removed, because the user is no longer in the "
			    "directory. Nobody can use it; delete it in the "
			    "console.", name);
		}
		k->flags |= KEY_ORPHAN;
		key_verify(k, KEY_NOTHING, "aws.orphan", why);
	} else {
		r.phase = KEY_DELETE_INTENT;
		k->settled = true;
		key_slot_free(k);
		key_commit(k, &r, "delete-failed", "aws.failed", why, true,
		    NULL);
		key_back_off(k, 0);
	}
}

/* ------------------------------------------------------------------ */
/* Sending                                                             */

static void
send_create(struct key *k)
{
	struct sso_tuple t = key_tuple(k);

	k->calling = true;
	k->all->counts.creates++;
	key_failpoint(k, "create", "before-send");
	sso_create(k->all->aws, &t, k->signed_at, create_gate, created, k);
}

static void
send_delete(struct key *k)
{
	struct sso_tuple t = key_tuple(k);

	k->calling = true;
	k->all->counts.deletes++;
	key_failpoint(k, "delete", "before-send");
	sso_delete(k->all->aws, &t, k->signed_at, delete_gate, deleted, k);
}

static void
intend_create(struct key *k)
{
	struct key_row r = key_row(k);
	struct bh_buf detail = BH_BUF(500);
	char hash[65] = "";
	const struct grant *g;

	if (grants_halted(k->all, k->account) != NULL ||
	    bh_store_health(k->all->host) != BH_OK) {
		key_slot_free(k);
		key_tick_after(k, 5 * SECOND);
		return;
	}
	g = allowed(k, true, hash);
	if (g == NULL) {
		/* Refused, or a fact is not known now: closed until it is. */
		key_slot_free(k);
		key_back_off(k, 0);
		return;
	}
	r.phase = KEY_CREATE_INTENT;
	r.op = KEY_CREATE;
	r.attempt++;
	r.signed_at = bh_now(k->all->host);
	r.flags |= KEY_OURS;
	k->sent_at = bh_mono(k->all->host);
	r.request_id = "";
	r.refused = "";
	r.refused_at = 0;
	k->ours_before = (k->flags & KEY_OURS) != 0;
	k->settled = false;
	k->conflict = false;
	bh_buf_add(&detail, "grant %s, votes %zu of %d, rule %s, policy %s",
	    g->id, g->votes_count, g->needed, g->rule, hash);
	key_commit(k, &r, "create-intent", "aws.create.intent",
	    bh_buf_text(&detail), false, send_create);
	bh_buf_release(&detail);
}

static void
intend_delete(struct key *k)
{
	struct key_row r = key_row(k);

	r.phase = KEY_DELETE_INTENT;
	r.op = KEY_DELETE;
	r.attempt++;
	r.signed_at = bh_now(k->all->host);
	r.request_id = "";
	k->settled = false;
	k->conflict = false;
	key_commit(k, &r, "delete-intent", "aws.delete.intent",
	    (k->flags & KEY_PURGE) != 0 ? "unknown assignment" : "not wanted",
	    true, send_delete);
}

static void
slot_ready(void *arg, struct aws_slot *slot)
{
	struct key *k = GRANT_CAST(struct key, arg, KEY_MAGIC);

	assert(slot == k->slot);
	k->slot_ready = true;
	if (k->busy) {
		/* Its commit ends in key_tick(), which asks for a new one. */
		key_slot_free(k);
		return;
	}
	if (key_desired(k, NULL) != (k->slot_op == KEY_CREATE)) {
		key_slot_free(k);
		key_tick(k);
	} else if (k->slot_op == KEY_CREATE) {
		intend_create(k);
	} else {
		intend_delete(k);
	}
}

void
key_start(struct key *k, int op)
{
	assert(k->slot == NULL && !k->busy && !k->calling);
	k->slot_op = op;
	k->slot = aws_slot(k->all->aws,
	    op == KEY_DELETE ? AWS_REVOKE : AWS_GRANT, slot_ready, k);
}
