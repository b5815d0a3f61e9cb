/*
 * restart.c - what is found in the store at start, and what is done about it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   clock behind the store     drain: no grants, removals go on
 *   CREATE/DELETE_INTENT       nobody knows whether it was sent: UNKNOWN,
 *                              quarantine counted from the signature
 *   POLLING, UNKNOWN, VERIFY   go on where it was
 *   ACTIVE past its end        ENDING, before anybody is listened to
 *   APPROVED                   the policy is asked again at the intent
 */

#include "plugins/aws-sso/grant/engine.h"

static int
older_end(const void *a, const void *b)
{
	const struct grant *x = *(struct grant *const *)a;
	const struct grant *y = *(struct grant *const *)b;

	return x->end < y->end ? -1 : x->end > y->end;
}

static void
restart_done(struct grants *gs)
{
	if (--gs->load_waits > 0)
		return;
	for (size_t i = 0; i < gs->keys_size; i++)
		for (struct key *k = gs->keys[i]; k != NULL; k = k->next)
			key_tick(k);
	for (size_t i = 0; i < gs->ids_size; i++)
		for (struct grant *g = gs->ids[i]; g != NULL; g = g->id_next)
			if (!g->busy && g->due_index == 0)
				grant_plan(g);
	sweep_start(gs);
	stuck_look(gs);
	load_finish(gs, BH_OK);
}

static void
ended(void *arg, int result, struct grant *g)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);

	/* If the store cannot write, the removal goes on all the same: the
	 * clock says that nobody wants the access any more. */
	(void)result;
	(void)g;
	restart_done(gs);
}

static void
end_overdue(struct grants *gs)
{
	struct grant **list = calloc(gs->ids_count + 1, sizeof(*list));
	int64_t now = grants_now(gs);
	size_t n = 0;

	assert(list != NULL);
	for (size_t i = 0; i < gs->ids_size; i++)
		for (struct grant *g = gs->ids[i]; g; g = g->id_next)
			if (g->state == GRANT_ACTIVE && g->end <= now)
				list[n++] = g;
	if (n > 0)
		qsort(list, n, sizeof(*list), older_end);
	for (size_t i = 0; i < n; i++) {
		struct change *c = change_begin(list[i], GRANT_ENDING, "end");

		if (c == NULL)
			continue;
		c->next.over = list[i]->end;
		change_audit(c, "access.expired", "bellhop", "found",
		    "at start");
		gs->load_waits++;
		change_commit(c, ended, gs);
		key_tick(list[i]->key);
	}
	free(list);
}

static void
open_intents(struct grants *gs)
{
	int64_t now = bh_now(gs->host);

	for (size_t i = 0; i < gs->keys_size; i++)
		for (struct key *k = gs->keys[i]; k != NULL; k = k->next) {
			bool create = k->phase == KEY_CREATE_INTENT;
			struct key_row r = key_row(k);

			if (!create && k->phase != KEY_DELETE_INTENT)
				continue;
			r.phase = KEY_UNKNOWN;
			r.unknown_since = now;
			if (create && r.quarantine < r.signed_at + QUARANTINE)
				r.quarantine = r.signed_at + QUARANTINE;
			if (!create &&
			    r.delete_until < r.signed_at + QUARANTINE)
				r.delete_until = r.signed_at + QUARANTINE;
			key_commit(k, &r, "restart", "aws.unknown",
			    "found open at start", true, NULL);
		}
}

void
restart_run(struct grants *gs)
{
	int64_t now = bh_now(gs->host);

	gs->loaded = true;
	if (now + MINUTE < gs->mark) {
		grants_behind(gs, gs->mark, "the clock is behind the last "
		    "entry in the store; set it right");
	}
	/* One more than the commits to wait for, so that it ends once. */
	gs->load_waits = 1;
	open_intents(gs);
	end_overdue(gs);
	restart_done(gs);
}
