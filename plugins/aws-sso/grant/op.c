/*
 * op.c - what somebody asked of one grant, waiting in line while it is busy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sso/grant/engine.h"

static void
op_free(struct op *op)
{
	*op->all_back = op->all_next;
	if (op->all_next != NULL)
		op->all_next->all_back = op->all_back;
	free((void *)(uintptr_t)op->who.person);
	free((void *)(uintptr_t)op->who.name);
	free((void *)(uintptr_t)op->who.email);
	free((void *)(uintptr_t)op->who.realm);
	free((void *)(uintptr_t)op->who.id);
	free(op->text);
	op->magic = 0;
	free(op);
}

static void
op_line_up(struct op *op)
{
	op->next = NULL;
	*op->gs->waiting_tail = op;
	op->gs->waiting_tail = &op->next;
}

static void
op_run(struct op *op)
{
	struct grants *gs = op->gs;
	struct grant *g = grants_by_id(gs, op->id);

	if (!gs->loaded) {
		op_end(op, BH_EBUSY, NULL,
		    "Grants are still being read; try again in a moment.");
		return;
	}
	if (g == NULL) {
		store_recall(gs, op);
		return;
	}
	if (g->busy && op->kind != OP_RECALL) {
		op_line_up(op);
		return;
	}
	switch (op->kind) {
	case OP_VOTE:
		request_vote(op, g);
		break;
	case OP_DENY:
		request_deny(op, g);
		break;
	case OP_CANCEL:
		request_cancel(op, g);
		break;
	case OP_REVOKE:
		revoke_run(op, g);
		break;
	case OP_EXTEND:
		request_extend(op, g);
		break;
	case OP_ABANDON:
		revoke_abandon(op, g);
		break;
	default:
		op_end(op, BH_OK, g, "%s", grant_state_name(g->state));
		break;
	}
}

void
op_start(struct grants *gs, int kind, const char *id,
    const struct bh_user *who, const char *text, int64_t more,
    struct bh_call *call, grant_done_cb *done, void *arg)
{
	struct op *op = calloc(1, sizeof(*op));

	assert(op != NULL);
	op->magic = OP_MAGIC;
	op->gs = gs;
	op->all_next = gs->ops;
	op->all_back = &gs->ops;
	if (gs->ops != NULL)
		gs->ops->all_back = &op->all_next;
	gs->ops = op;
	op->kind = kind;
	snprintf(op->id, sizeof(op->id), "%s", id != NULL ? id : "");
	if (who != NULL)
		op->who = *who;
	op->who.person = grant_dup(op->who.person);
	op->who.name = grant_dup(op->who.name);
	op->who.email = op->who.email != NULL ? grant_dup(op->who.email) : NULL;
	op->who.realm = grant_dup(op->who.realm);
	op->who.id = grant_dup(op->who.id);
	op->text = grant_cut(text);
	op->more = more;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op_run(op);
}

void
op_end(struct op *op, int result, const struct grant *g, const char *fmt, ...)
{
	struct bh_buf text = BH_BUF(3000);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vadd(&text, fmt, ap);
	va_end(ap);
	op->done(op->arg, result, g, bh_buf_text(&text));
	bh_buf_release(&text);
	op_free(op);
}

void
op_commit_failed(struct op *op, int result, const struct grant *g)
{
	if (result == BH_ECONFLICT)
		op_end(op, result, g, "%s changed at the same moment; look "
		    "at its card and try again.", op->id);
	else if (result == BH_EFULL)
		op_end(op, result, g, "Nothing was changed: the disk is full. "
		    "An admin must make room; running access still ends in "
		    "time.");
	else
		op_end(op, result, g, "Nothing was changed: the store cannot "
		    "be written. An admin must look at the log; running "
		    "access still ends in time.");
}

/* Runs the first one in line for `id`; when that is done it wakes the next. */
void
op_wake(struct grants *gs, const char *id)
{
	for (struct op **p = &gs->waiting; *p != NULL; p = &(*p)->next) {
		struct op *op = *p;
		struct grant *g = grants_by_id(gs, id);

		if (strcasecmp(op->id, id) != 0)
			continue;
		if (g != NULL && g->busy)
			return;
		*p = op->next;
		if (gs->waiting_tail == &op->next)
			gs->waiting_tail = p;
		op_run(op);
		/* It may have been refused without a commit: go on with the
		 * next, from the start since the list may have changed. */
		op_wake(gs, id);
		return;
	}
}

void
op_free_all(struct grants *gs)
{
	while (gs->ops != NULL)
		op_free(gs->ops);
	gs->waiting = NULL;
	gs->waiting_tail = &gs->waiting;
}

void
grant_vote(struct grants *gs, const char *id, const struct bh_user *who,
    struct bh_call *call, grant_done_cb *done, void *arg)
{
	op_start(gs, OP_VOTE, id, who, NULL, 0, call, done, arg);
}

void
grant_deny(struct grants *gs, const char *id, const struct bh_user *who,
    const char *reason, struct bh_call *call, grant_done_cb *done, void *arg)
{
	op_start(gs, OP_DENY, id, who, reason, 0, call, done, arg);
}

void
grant_cancel(struct grants *gs, const char *id, const struct bh_user *who,
    struct bh_call *call, grant_done_cb *done, void *arg)
{
	op_start(gs, OP_CANCEL, id, who, NULL, 0, call, done, arg);
}

void
grant_revoke(struct grants *gs, const char *id, const struct bh_user *who,
    const char *reason, struct bh_call *call, grant_done_cb *done, void *arg)
{
	op_start(gs, OP_REVOKE, id, who, reason, 0, call, done, arg);
}

void
grant_extend(struct grants *gs, const char *id, const struct bh_user *who,
    int64_t more, const char *reason, struct bh_call *call,
    grant_done_cb *done, void *arg)
{
	op_start(gs, OP_EXTEND, id, who, reason, more, call, done, arg);
}

void
grant_abandon(struct grants *gs, const char *id, const struct bh_user *who,
    const char *reason, struct bh_call *call, grant_done_cb *done, void *arg)
{
	op_start(gs, OP_ABANDON, id, who, reason, 0, call, done, arg);
}

void
grant_recall(struct grants *gs, const char *id, grant_done_cb *done, void *arg)
{
	op_start(gs, OP_RECALL, id, NULL, NULL, 0, NULL, done, arg);
}
