/*
 * engine.c - all grants and keys in memory, and the clock that moves them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <ctype.h>
#include <strings.h>

#include "plugins/aws-sso/grant/engine.h"

char *
grant_dup(const char *s)
{
	char *p = strdup(s != NULL ? s : "");

	assert(p != NULL);
	return p;
}

char *
grant_cut(const char *s)
{
	size_t n = 0, len = 0;

	if (s == NULL)
		return grant_dup("");
	/* Whole characters: never between the bytes of one. */
	for (; s[len] != '\0'; len++) {
		if (((unsigned char)s[len] & 0xc0) != 0x80 && n++ == 500)
			return grant_print("%.*s…", (int)len, s);
	}
	return grant_dup(s);
}

char *
grant_print(const char *fmt, ...)
{
	struct bh_buf b = BH_BUF(4000);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vadd(&b, fmt, ap);
	va_end(ap);
	if (b.data == NULL)
		return grant_dup("");
	return b.data;
}

bool
grant_store_failed(int result)
{
	return result == BH_EFULL || result == BH_EIO || result == BH_EBUSY ||
	    result == BH_ETIMEOUT || result == BH_ENOMEM;
}

/* ------------------------------------------------------------------ */
/* By id, without regard to case: people type these                    */

static size_t
id_slot(const struct grants *gs, const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id != '\0'; id++)
		h = (h ^ (uint32_t)toupper((unsigned char)*id)) * 16777619u;
	return h & (gs->ids_size - 1);
}

struct grant *
grants_by_id(struct grants *gs, const char *id)
{
	for (struct grant *g = gs->ids[id_slot(gs, id)]; g; g = g->id_next)
		if (strcasecmp(g->id, id) == 0)
			return g;
	return NULL;
}

static void
ids_grow(struct grants *gs)
{
	struct grant **old = gs->ids;
	size_t was = gs->ids_size;

	gs->ids_size = was * 2;
	gs->ids = calloc(gs->ids_size, sizeof(struct grant *));
	assert(gs->ids != NULL);
	for (size_t i = 0; i < was; i++)
		for (struct grant *g = old[i], *next; g != NULL; g = next) {
			size_t s = id_slot(gs, g->id);

			next = g->id_next;
			g->id_next = gs->ids[s];
			gs->ids[s] = g;
		}
	free(old);
}

void
grants_index(struct grants *gs, struct grant *g)
{
	size_t s;

	if (gs->ids_count >= gs->ids_size)
		ids_grow(gs);
	s = id_slot(gs, g->id);
	g->id_next = gs->ids[s];
	gs->ids[s] = g;
	gs->ids_count++;
	g->key = key_get(gs, g->account, g->permission_set, g->principal);
	g->key_next = g->key->grants;
	g->key->grants = g;
}

/* ------------------------------------------------------------------ */
/* By due time: a binary heap, and one timer for its top               */

static void
heap_set(struct grants *gs, size_t i, struct grant *g)
{
	gs->heap[i] = g;
	g->due_index = i + 1;
}

static void
heap_fix(struct grants *gs, size_t i)
{
	struct grant *g = gs->heap[i];

	while (i > 0 && g->due < gs->heap[(i - 1) / 2]->due) {
		heap_set(gs, i, gs->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t c = 2 * i + 1;

		if (c >= gs->heap_count)
			break;
		if (c + 1 < gs->heap_count &&
		    gs->heap[c + 1]->due < gs->heap[c]->due)
			c++;
		if (gs->heap[c]->due >= g->due)
			break;
		heap_set(gs, i, gs->heap[c]);
		i = c;
	}
	heap_set(gs, i, g);
}

static void
heap_remove(struct grants *gs, struct grant *g)
{
	size_t i = g->due_index;

	if (i == 0)
		return;
	i--;
	g->due_index = 0;
	gs->heap_count--;
	if (i < gs->heap_count) {
		heap_set(gs, i, gs->heap[gs->heap_count]);
		heap_fix(gs, i);
	}
}

static void
heap_add(struct grants *gs, struct grant *g)
{
	if (gs->heap_count == gs->heap_room) {
		gs->heap_room = gs->heap_room != 0 ? gs->heap_room * 2 : 64;
		gs->heap = realloc(gs->heap,
		    gs->heap_room * sizeof(struct grant *));
		assert(gs->heap != NULL);
	}
	heap_set(gs, gs->heap_count, g);
	gs->heap_count++;
	heap_fix(gs, gs->heap_count - 1);
}

int64_t
grants_now(const struct grants *gs)
{
	int64_t now = bh_now(gs->host), least;

	if (!gs->behind)
		return now;
	least = gs->mark + bh_mono(gs->host) - gs->mark_mono;
	return now > least ? now : least;
}

static void clock_ran(void *arg);

/* The loop's timers are monotonic and the end of a grant is a wall time, so
 * the timer never sleeps longer than half a minute: a stepped clock or a
 * suspended machine is noticed soon. */
static void
clock_arm(struct grants *gs)
{
	int64_t mono = bh_mono(gs->host), wait = 30 * SECOND;

	if (gs->heap_count == 0)
		gs->wall_at = 0;	/* nothing that a step could prolong */
	if (!gs->loaded || (gs->heap_count == 0 && !gs->behind))
		return;
	if (gs->wall_at == 0) {
		gs->wall_at = bh_now(gs->host);
		gs->mono_at = mono;
	}
	if (gs->heap_count > 0 && gs->heap[0]->due - grants_now(gs) < wait)
		wait = gs->heap[0]->due - grants_now(gs);
	if (wait < 0)
		wait = 0;
	if (gs->clock != NULL) {
		if (gs->clock_at <= mono + wait)
			return;
		bh_cancel(gs->host, gs->clock);
	}
	gs->clock_at = mono + wait;
	gs->clock = bh_after(gs->host, wait, clock_ran, gs);
}

void
grants_behind(struct grants *gs, int64_t mark, const char *what)
{
	gs->behind = true;
	gs->mark = mark;
	gs->mark_mono = bh_mono(gs->host);
	if (gs->drain == NULL) {
		grants_drain(gs, what);
		gs->drain_clock = true;
		notice_page(gs, what);
	}
	clock_arm(gs);
}

/* Was the wall clock set back, or is it right again? */
static void
clock_look(struct grants *gs)
{
	int64_t now = bh_now(gs->host), mono = bh_mono(gs->host);
	int64_t expected = gs->wall_at + mono - gs->mono_at;

	if (gs->wall_at != 0 && now + MINUTE < expected && !gs->behind)
		grants_behind(gs, expected, "the clock was set back; running "
		    "access still ends in time");
	gs->wall_at = now;
	gs->mono_at = mono;
	if (gs->behind && now + MINUTE >= gs->mark) {
		gs->behind = false;
		if (gs->drain_clock)
			grants_drain(gs, NULL);
	}
}

static void
clock_ran(void *arg)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);
	int64_t now;

	gs->clock = NULL;
	clock_look(gs);
	now = grants_now(gs);
	/* Some at a time: a thousand ends in one moment must not hold the
	 * loop; the rest follows in the next turn, oldest first. */
	for (int i = 0; i < 100 && gs->heap_count > 0 &&
	    gs->heap[0]->due <= now; i++) {
		struct grant *g = gs->heap[0];
		struct key *k = g->key;

		heap_remove(gs, g);
		grant_tick(g);
		key_tick(k);
	}
	clock_arm(gs);
}

void
grant_plan(struct grant *g)
{
	int64_t due = grant_deadline(g);

	heap_remove(g->all, g);
	if (due == 0)
		return;
	g->due = due;
	heap_add(g->all, g);
	clock_arm(g->all);
}

/* ------------------------------------------------------------------ */

void
grants_forget(struct grants *gs, struct grant *g)
{
	struct grant **p = &gs->ids[id_slot(gs, g->id)];

	while (*p != g)
		p = &(*p)->id_next;
	*p = g->id_next;
	gs->ids_count--;
	for (p = &g->key->grants; *p != g; p = &(*p)->key_next)
		;
	*p = g->key_next;
	heap_remove(gs, g);
	grant_free(g);
}

/* What the clock and the key ask for.  Safe to call at any time: what is
 * under way finishes first and comes back here. */
void
grant_tick(struct grant *g)
{
	struct grants *gs = g->all;
	struct key *k = g->key;
	int64_t now = grants_now(gs);

	if (g->busy || !gs->loaded || gs->leaving || now < g->retry_after) {
		if (!g->busy)
			grant_plan(g);
		return;
	}
	if (g->revoking) {
		revoke_retry(g);
		return;
	}
	switch (g->state) {
	case GRANT_PENDING:
		if (now >= g->lapses)
			request_expire(g);
		break;
	case GRANT_APPROVED:
		if (now >= g->end)
			revoke_lapse(g);
		else if (now < g->start || k->phase != KEY_IDLE || k->busy)
			break;
		else if (k->seen == KEY_PRESENT && k->unsaved == false)
			revoke_granted(g);
		else if (k->refused_at >= g->decided && k->refused_at != 0 &&
		    k->refused[0] != '\0')
			revoke_fail(g, k->refused);
		break;
	case GRANT_ACTIVE:
		if (now >= g->end)
			revoke_expire(g);
		break;
	case GRANT_ENDING:
		if (key_desired(k, g) || (k->phase == KEY_IDLE && !k->busy &&
		    ((k->seen == KEY_ABSENT && key_quarantine(k) == 0) ||
		    (k->flags & (KEY_FOREIGN | KEY_ORPHAN)) != 0)))
			revoke_ended(g);
		break;
	default:
		break;
	}
	if (!g->busy && g->due_index == 0)
		grant_plan(g);
}

bool
grants_back(struct grants *gs)
{
	gs->outside--;
	if (!gs->closed)
		return true;
	if (gs->outside == 0) {
		gs->magic = 0;
		free(gs);
	}
	return false;
}

int
grants_commit(struct grants *gs, struct bh_tx *tx, bh_commit_cb *done,
    void *arg)
{
	gs->outside++;
	return bh_commit(tx, done, arg);
}

const char *
grants_halted(const struct grants *gs, const char *account)
{
	if (gs->drain != NULL)
		return gs->drain;
	return stuck_paused(gs, account);
}

void
grants_drain(struct grants *gs, const char *why)
{
	if (why != NULL && gs->drain != NULL && strcmp(why, gs->drain) == 0)
		return;
	free(gs->drain);
	gs->drain = NULL;
	gs->drain_clock = false;
	if (why == NULL) {
		stuck_health(gs);
		return;
	}
	gs->drain = grant_dup(why);
	stuck_health(gs);
	bh_log(gs->host, BH_LOG_ERROR, "no new grants, removals go on: %s",
	    why);
}

void
grants_trouble(struct grants *gs, const char *sentence)
{
	free(gs->trouble);
	gs->trouble = sentence != NULL ? grant_dup(sentence) : NULL;
	stuck_health(gs);
}

void
grants_broken(struct grants *gs, const char *what)
{
	char why[300];

	snprintf(why, sizeof(why), "an internal check failed (%s); restart "
	    "bellhop and report this", what);
	if (gs->drain != NULL && strcmp(gs->drain, why) == 0)
		return;
	grants_drain(gs, why);
	notice_page(gs, why);
}

static void
job_kept(void *arg, int result)
{
	/* If it failed, the job simply comes again. */
	(void)arg;
	(void)result;
}

int
grants_job(struct grants *gs, const struct bh_job *job)
{
	struct grant *g = grants_by_id(gs, job->ref);
	struct bh_tx *tx;

	if (g != NULL) {
		grant_tick(g);
		key_tick(g->key);
		if (g->busy)
			return BH_OK;	/* its commit moves the job */
	}
	/* Nothing to do any more, or too early: leave the job as it should
	 * be, or it would come again for ever. */
	tx = bh_tx(gs->host);
	if (g == NULL || grant_deadline(g) == 0)
		bh_tx_job_done(tx, job->kind, job->ref);
	else
		bh_tx_job(tx, job->kind, job->ref, grant_deadline(g));
	return bh_commit(tx, job_kept, NULL);
}

static void
take_options(struct grants *gs, const struct grant_options *o)
{
	free(gs->alarm);
	free(gs->page);
	gs->options = *o;
	gs->alarm = o->alarm != NULL && *o->alarm != '\0' ?
	    grant_dup(o->alarm) : NULL;
	gs->page = o->page != NULL && *o->page != '\0' ?
	    grant_dup(o->page) : NULL;
}

void
grants_changed(struct grants *gs, const struct grant_options *o)
{
	struct grant **list = calloc(gs->ids_count + 1, sizeof(*list));
	size_t n = 0;

	assert(list != NULL);
	if (o != NULL)
		take_options(gs, o);
	for (size_t i = 0; i < gs->ids_size; i++)
		for (struct grant *g = gs->ids[i]; g; g = g->id_next)
			if (g->state == GRANT_PENDING && !g->busy)
				list[n++] = g;
	for (size_t i = 0; i < n; i++)
		request_recheck(list[i]);
	free(list);
}

struct grants *
grants_new(struct bh_host *host, struct aws *aws,
    const struct grant_rules *rules, const struct grant_face *face,
    const struct grant_options *options)
{
	struct grants *gs = calloc(1, sizeof(*gs));

	assert(gs != NULL);
	gs->magic = GRANTS_MAGIC;
	gs->host = host;
	gs->aws = aws;
	gs->rules = rules;
	gs->face = face;
	gs->epoch = 1;
	gs->instance = grant_dup(bh_instance(host));
	gs->waiting_tail = &gs->waiting;
	gs->ids_size = gs->keys_size = KEY_BUCKETS_MIN;
	gs->ids = calloc(gs->ids_size, sizeof(struct grant *));
	gs->keys = calloc(gs->keys_size, sizeof(struct key *));
	assert(gs->ids != NULL && gs->keys != NULL);
	if (options != NULL)
		take_options(gs, options);
	return gs;
}

void
grants_load(struct grants *gs, bh_commit_cb *done, void *arg)
{
	gs->load_done = done;
	gs->load_arg = arg;
	store_load(gs);
}

void
load_finish(struct grants *gs, int result)
{
	bh_commit_cb *done = gs->load_done;

	gs->load_done = NULL;
	if (done != NULL)
		done(gs->load_arg, result);
}

void
grants_free(struct grants **p)
{
	struct grants *gs = *p;

	*p = NULL;
	if (gs == NULL)
		return;
	gs->leaving = true;
	if (gs->clock != NULL)
		bh_cancel(gs->host, gs->clock);
	if (gs->stuck_timer != NULL)
		bh_cancel(gs->host, gs->stuck_timer);
	poll_free(gs);
	sweep_free(gs);
	op_free_all(gs);
	request_free_all(gs);
	for (size_t i = 0; i < gs->keys_size; i++)
		for (struct key *k = gs->keys[i], *next; k; k = next) {
			next = k->next;
			key_free(k);
		}
	for (size_t i = 0; i < gs->ids_size; i++)
		for (struct grant *g = gs->ids[i], *next; g; g = next) {
			next = g->id_next;
			grant_free(g);
		}
	free(gs->ids);
	free(gs->keys);
	free(gs->heap);
	free(gs->trouble);
	free(gs->drain);
	free(gs->alarm);
	free(gs->page);
	free(gs->instance);
	gs->closed = true;
	if (gs->outside == 0) {
		gs->magic = 0;
		free(gs);
	}
}

void
grants_status(struct grants *gs, struct grants_status *out)
{
	int64_t now = bh_now(gs->host);

	*out = gs->counts;
	for (size_t i = 0; i < gs->ids_size; i++)
		for (const struct grant *g = gs->ids[i]; g; g = g->id_next) {
			out->pending += g->state == GRANT_PENDING;
			out->approved += g->state == GRANT_APPROVED;
			out->active += g->state == GRANT_ACTIVE;
			out->ending += g->state == GRANT_ENDING;
		}
	for (size_t i = 0; i < gs->keys_size; i++)
		for (const struct key *k = gs->keys[i]; k; k = k->next) {
			out->keys++;
			out->open_keys += k->phase != KEY_IDLE;
			out->late += k->late_from != 0 && !k->wish &&
			    k->seen != KEY_ABSENT &&
			    now - k->late_from > 30 * SECOND;
		}
	out->level = gs->level;
	out->drain = gs->drain;
	out->paused = gs->paused_all ? stuck_paused(gs, "") : NULL;
}
