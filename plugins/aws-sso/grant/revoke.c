/*
 * revoke.c - from "approved" to gone: seen, ended, revoked, given up on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/grant/engine.h"

void
revoke_granted(struct grant *g)
{
	struct change *c = change_begin(g, GRANT_ACTIVE, "granted");

	if (c == NULL)
		return;
	c->next.seen = g->key->seen_at;
	if ((g->key->flags & KEY_FOREIGN) != 0)
		c->next.flags |= GRANT_PERMANENT;
	change_audit(c, "access.granted", "bellhop", "request-id",
	    g->key->request_id);
	change_commit(c, NULL, NULL);
}

void
revoke_lapse(struct grant *g)
{
	struct change *c = change_begin(g, GRANT_LAPSED, "lapse");

	if (c == NULL)
		return;
	c->next.over = g->end;
	change_text(c, &c->next.outcome, grant_dup("Its time passed before "
	    "AWS showed the access; what may still arrive is removed."));
	change_audit(c, "access.lapsed", "bellhop", NULL, NULL);
	change_commit(c, NULL, NULL);
}

void
revoke_fail(struct grant *g, const char *why)
{
	struct change *c = change_begin(g, GRANT_FAILED, "fail");

	if (c == NULL)
		return;
	c->next.over = c->next.changed;
	change_text(c, &c->next.outcome, grant_print("AWS refused it: %s",
	    why));
	change_audit(c, "access.failed", "bellhop", "reason", why);
	change_commit(c, NULL, NULL);
}

void
revoke_expire(struct grant *g)
{
	struct change *c = change_begin(g, GRANT_ENDING, "end");

	if (c == NULL)
		return;
	c->next.over = g->end;
	change_audit(c, "access.expired", "bellhop", NULL, NULL);
	change_commit(c, NULL, NULL);
}

void
revoke_ended(struct grant *g)
{
	struct key *k = g->key;
	bool other = key_desired(k, g);
	bool kept = (k->flags & KEY_FOREIGN) != 0 && k->seen == KEY_PRESENT;
	bool orphan = (k->flags & KEY_ORPHAN) != 0 && k->seen != KEY_ABSENT;
	struct change *c = change_begin(g, GRANT_ENDED, "ended");
	char late[32];
	int64_t gone;

	if (c == NULL)
		return;
	gone = k->seen == KEY_ABSENT && !other ? k->seen_at : c->next.changed;
	if (gone < g->over)
		gone = g->over;
	c->next.gone = gone;
	snprintf(late, sizeof(late), "%lld", (long long)(gone - g->over));
	if (other) {
		c->next.flags |= GRANT_SUPERSEDED;
		change_text(c, &c->next.outcome, grant_dup("Another grant "
		    "keeps the access."));
		change_audit(c, "access.superseded", "bellhop", "why",
		    "another grant");
	} else if (kept) {
		c->next.flags |= GRANT_PERMANENT;
		change_text(c, &c->next.outcome, grant_dup("The access was "
		    "there before bellhop and stays."));
		change_audit(c, "access.superseded", "bellhop", "why",
		    "was there before");
	} else if (orphan) {
		c->next.flags |= GRANT_ORPHAN;
		change_text(c, &c->next.outcome, grant_dup("The person is no "
		    "longer in the directory, and AWS cannot remove the "
		    "assignment of nobody; delete it in the console."));
		change_audit(c, "access.orphaned", "bellhop", "late-ms", late);
	} else {
		change_audit(c, "access.revoked", "bellhop", "late-ms", late);
	}
	change_commit(c, NULL, NULL);
}

/* Somebody removed it at AWS.  That may have been an emergency, so it is
 * told and not undone. */
void
revoke_outside(struct grant *g)
{
	struct change *c;
	char key[40];

	if (g->busy || g->state != GRANT_ACTIVE ||
	    (g->flags & GRANT_REMOVED_OUTSIDE) != 0)
		return;
	c = change_begin(g, GRANT_ACTIVE, "outside");
	if (c == NULL)
		return;
	c->next.flags |= GRANT_REMOVED_OUTSIDE;
	change_text(c, &c->next.outcome, grant_dup("Somebody removed the "
	    "access at AWS; ask anew if it is still needed."));
	change_audit(c, "access.removed_outside", "bellhop", NULL, NULL);
	snprintf(key, sizeof(key), "outside/%s", g->id);
	notice_add(c->gs, c->tx, g->team, true, key, "%s's %s in %s (%s) was "
	    "removed at AWS by somebody else. It is not put back.",
	    g->person_name, g->permission_set_name, g->account_name, g->id);
	change_commit(c, NULL, NULL);
}

/* ------------------------------------------------------------------ */

static void
revoked(void *arg, int result, struct grant *g)
{
	struct op *op = GRANT_CAST(struct op, arg, OP_MAGIC);

	if (grant_store_failed(result)) {
		/* Removals fail open: the wish is gone from this moment, and
		 * the row follows when the store can write again. */
		g->revoking = true;
		g->retry_after = grants_now(op->gs) + 5 * SECOND;
		free(g->abandon_name);
		g->abandon_name = grant_dup(op->who.name);
		grant_plan(g);
		key_tick(g->key);
		op_end(op, BH_OK, g, "%s is being removed. The store cannot "
		    "be written now; the record follows.", g->id);
	} else if (result != BH_OK) {
		op_commit_failed(op, result, g);
	} else {
		op_end(op, BH_OK, g, "%s is being removed.", g->id);
	}
}

static struct change *
revoke_begin(struct grant *g, const char *person, const char *name,
    const char *reason)
{
	struct change *c = change_begin(g, GRANT_ENDING, "revoke");

	if (c == NULL)
		return NULL;
	c->next.over = c->next.changed < g->end ? c->next.changed : g->end;
	c->next.flags |= GRANT_REVOKED;
	change_text(c, &c->next.by, grant_dup(name));
	change_text(c, &c->next.outcome, grant_dup(reason));
	change_audit(c, "access.revoke_requested", person, "reason", reason);
	return c;
}

void
revoke_retry(struct grant *g)
{
	struct change *c;

	if (g->state == GRANT_ENDING || grant_state_final(g->state)) {
		g->revoking = false;
		return;
	}
	c = revoke_begin(g, "bellhop", g->abandon_name != NULL ?
	    g->abandon_name : "", "written late: the store had failed");
	if (c != NULL)
		change_commit(c, NULL, NULL);
}

void
revoke_run(struct op *op, struct grant *g)
{
	struct grant_verdict v;
	bool may = strcmp(op->who.person, g->person) == 0 ||
	    (op->who.flags & BH_USER_ADMIN) != 0;
	struct change *c;

	if (g->state == GRANT_PENDING) {
		op_end(op, BH_ECONFLICT, g, "%s is not approved yet; use "
		    "!cancel %s or !deny %s.", g->id, g->id, g->id);
		return;
	}
	if (g->state == GRANT_ENDING) {
		op_end(op, BH_OK, g, "%s is being removed already.", g->id);
		return;
	}
	for (size_t i = 0; i < g->votes_count && !may; i++)
		may = strcmp(op->who.person, g->votes[i].person) == 0;
	if (!may) {
		grant_verdict_init(&v);
		op->gs->rules->may_approve(op->gs->rules->arg, g, &op->who, &v);
		may = v.yes;
		grant_verdict_release(&v);
	}
	if (!may) {
		op_end(op, BH_EPERM, g, "%s can be ended by %s, by an "
		    "approver, or by an admin.", g->id, g->person_name);
		return;
	}
	c = revoke_begin(g, op->who.person, op->who.name, op->text);
	if (c == NULL) {
		op_end(op, BH_EBUSY, g, "%s", op->gs->drain);
		return;
	}
	change_settles(c, op->call);
	change_commit(c, revoked, op);
}

static void
abandoned(void *arg, int result, struct grant *g)
{
	struct op *op = GRANT_CAST(struct op, arg, OP_MAGIC);

	if (result != BH_OK) {
		op_commit_failed(op, result, g);
		return;
	}
	if (g->key != NULL)
		g->key->flags |= KEY_ABANDONED;
	op_end(op, BH_OK, g, "%s is closed by hand. bellhop keeps looking at "
	    "AWS and removes the access when it can.", g->id);
}

/* One human may be two persons here, and is one principal in AWS. */
static bool
same_admin(const struct grant *g, const struct bh_user *who,
    const char *principal)
{
	return strcmp(g->abandon_person, who->person) == 0 ||
	    (*principal != '\0' &&
	    strcmp(g->abandon_principal, principal) == 0);
}

/* Two admins and a reason close what AWS would not remove.  It only ends the
 * alarm: the reconciler goes on. */
void
revoke_abandon(struct op *op, struct grant *g)
{
	const struct grant_rules *rules = op->gs->rules;
	const char *why, *principal;
	struct change *c;

	if ((op->who.flags & BH_USER_ADMIN) == 0) {
		op_end(op, BH_EPERM, g, "Only admins can close a stuck "
		    "removal.");
		return;
	}
	if (g->state != GRANT_ENDING) {
		op_end(op, BH_ECONFLICT, g, "%s is %s, not stuck.", g->id,
		    grant_state_name(g->state));
		return;
	}
	if (op->text[0] == '\0') {
		op_end(op, BH_EINVAL, g, "Say why %s may be closed although "
		    "AWS still has it.", g->id);
		return;
	}
	principal = rules->principal(rules->arg, &op->who, &why);
	if (principal == NULL)
		principal = "";
	if (g->abandon_person == NULL) {
		g->abandon_person = grant_dup(op->who.person);
		free(g->abandon_principal);
		g->abandon_principal = grant_dup(principal);
		free(g->abandon_name);
		g->abandon_name = grant_dup(op->who.name);
		op_end(op, BH_OK, g, "A second admin must say the same to "
		    "close %s.", g->id);
		return;
	}
	if (same_admin(g, &op->who, principal)) {
		op_end(op, BH_EPERM, g, "You said so already; another admin "
		    "must agree to close %s.", g->id);
		return;
	}
	c = change_begin(g, GRANT_ABANDONED, "abandon");
	if (c == NULL) {
		op_end(op, BH_EBUSY, g, "%s", op->gs->drain);
		return;
	}
	change_text(c, &c->next.by, grant_print("%s and %s", g->abandon_name,
	    op->who.name));
	change_text(c, &c->next.outcome, grant_dup(op->text));
	change_audit(c, "access.abandoned", op->who.person, "first",
	    g->abandon_person);
	change_settles(c, op->call);
	change_commit(c, abandoned, op);
}
