/* lane.c - pacing: named queues, each with its limits.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   lane_turn -> heap by (rank, order) -> lane_rang begins the first one
 *   when the limits allow it -> cb ... lane_turn_over -> look again
 */

#include <assert.h>

#include "host/base/duration.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/lane.h"
#include "host/io/loop-inside.h"

#define RULES_MAX	4
#define TURNS_MAX	10000

/* What the text of the limits says. */
struct limits {
	size_t at_once;			/* 0: any number */
	struct { size_t turns; int64_t window; } rules[RULES_MAX];
	size_t rules_count;
};

struct lane {
	struct lane *next, **prev;
	struct lanes *lanes;
	char *name, *text;
	struct limits limits;
	/* The latest turns' beginnings: a ring as large as the largest rule. */
	int64_t *begun;
	size_t begun_size, begun_count, begun_at;	/* at: the next one */
	int64_t paused;			/* until then, world_mono() */
	struct bh_turn **heap;		/* those who wait */
	size_t heap_count, heap_size;
	bool told;			/* that it is crowded */
	struct bh_turn *held;		/* those whose turn it is */
	size_t held_count;
	struct bh_timer *timer;		/* of the next turn, or of the end */
};

struct lanes {
	unsigned magic;
#define LANES_MAGIC	0x6c616e65u
	struct loop *loop;
	struct lane *first;
	uint64_t asked;
};

struct bh_turn {
	unsigned magic;
#define TURN_MAGIC	0x7475726eu
	struct lane *lane;
	int rank;
	uint64_t order;
	size_t at;			/* place in the heap */
	bool begun;
	struct bh_turn *next, **prev;	/* in lane->held */
	bh_timer_cb *cb;
	void *arg;
	const char *who;
};

/* ------------------------------------------------------------------ */
/* Limits                                                              */

static bool
limit_read(const char *part, size_t len, struct limits *out)
{
	BH_AUTO_FREE char *text = xstrndup(part, len);
	char *end;
	unsigned long n;
	int64_t window;

	if (text[0] < '1' || text[0] > '9')
		return false;
	n = strtoul(text, &end, 10);
	if (n > TURNS_MAX)
		return false;
	if (strcmp(end, " at once") == 0) {
		out->at_once = n;
		return true;
	}
	if (*end != '/' || (window = duration_parse(end + 1, NULL)) <= 0 ||
	    out->rules_count == RULES_MAX)
		return false;
	out->rules[out->rules_count].turns = n;
	out->rules[out->rules_count++].window = window;
	return true;
}

static bool
limits_read(const char *text, struct limits *out)
{
	memset(out, 0, sizeof(*out));
	text += strspn(text, " ");
	while (*text != '\0') {
		size_t len = strcspn(text, ","), used = len;

		while (used > 0 && text[used - 1] == ' ')
			used--;
		if (!limit_read(text, used, out))
			return false;
		text += len;
		if (*text == ',' && *(text += 1 + strspn(text + 1, " ")) == 0)
			return false;
	}
	return true;
}

/* The beginning of the turn `back` turns ago (1: the latest). */
static int64_t
begun_ago(const struct lane *lane, size_t back)
{
	return lane->begun[(lane->begun_at + lane->begun_size - back) %
	    lane->begun_size];
}

/* Room for as many beginnings as the rules ask for; keeps the latest. */
static void
begun_resize(struct lane *lane)
{
	size_t size = 0, keep;
	int64_t *begun;

	for (size_t i = 0; i < lane->limits.rules_count; i++)
		if (lane->limits.rules[i].turns > size)
			size = lane->limits.rules[i].turns;
	if (size == lane->begun_size)
		return;
	keep = lane->begun_count < size ? lane->begun_count : size;
	begun = xcalloc(size + 1, sizeof(*begun));
	for (size_t i = 0; i < keep; i++)
		begun[i] = begun_ago(lane, keep - i);
	free(lane->begun);
	lane->begun = begun;
	lane->begun_size = size;
	lane->begun_count = keep;
	lane->begun_at = size > 0 ? keep % size : 0;
}

static void
begun_now(struct lane *lane)
{
	if (lane->begun_size == 0)
		return;
	lane->begun[lane->begun_at] = world_mono();
	lane->begun_at = (lane->begun_at + 1) % lane->begun_size;
	if (lane->begun_count < lane->begun_size)
		lane->begun_count++;
}

/* When windows and pause allow the next turn. */
static int64_t
next_turn(const struct lane *lane)
{
	int64_t when = lane->paused;

	for (size_t i = 0; i < lane->limits.rules_count; i++) {
		size_t turns = lane->limits.rules[i].turns;
		int64_t from;

		if (lane->begun_count < turns)
			continue;
		from = begun_ago(lane, turns) + lane->limits.rules[i].window;
		if (from > when)
			when = from;
	}
	return when;
}

/* When nothing of the past holds anybody back any more. */
static int64_t
all_forgotten(const struct lane *lane)
{
	int64_t when = lane->paused;

	for (size_t i = 0; i < lane->limits.rules_count; i++) {
		int64_t end = lane->limits.rules[i].window;

		if (lane->begun_count > 0 && begun_ago(lane, 1) + end > when)
			when = begun_ago(lane, 1) + end;
	}
	return when;
}

/* ------------------------------------------------------------------ */
/* Those who wait                                                      */

static bool
before(const struct bh_turn *a, const struct bh_turn *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->order < b->order;
}

static void
put(struct lane *lane, size_t at, struct bh_turn *t)
{
	lane->heap[at] = t;
	t->at = at;
}

static void
sift_up(struct lane *lane, struct bh_turn *t, size_t at)
{
	while (at > 0 && before(t, lane->heap[(at - 1) / 2])) {
		put(lane, at, lane->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(lane, at, t);
}

static void
sift_down(struct lane *lane, struct bh_turn *t, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= lane->heap_count)
			break;
		if (child + 1 < lane->heap_count &&
		    before(lane->heap[child + 1], lane->heap[child]))
			child++;
		if (!before(lane->heap[child], t))
			break;
		put(lane, at, lane->heap[child]);
		at = child;
	}
	put(lane, at, t);
}

static void
wait_in(struct lane *lane, struct bh_turn *t)
{
	if (lane->heap_count == lane->heap_size) {
		lane->heap_size = lane->heap_size * 2 + 4;
		lane->heap = xrealloc(lane->heap, lane->heap_size,
		    sizeof(struct bh_turn *));
	}
	sift_up(lane, t, lane->heap_count++);
}

static void
wait_no_more(struct lane *lane, struct bh_turn *t)
{
	struct bh_turn *last = lane->heap[--lane->heap_count];

	if (lane->heap_count <= LANE_WAITING_MAX / 2)
		lane->told = false;
	if (last == t)
		return;
	if (t->at > 0 && before(last, lane->heap[(t->at - 1) / 2]))
		sift_up(lane, last, t->at);
	else
		sift_down(lane, last, t->at);
}

static void
turn_free(struct bh_turn *t)
{
	KILL_MAGIC(t);
	free(t);
}

/* ------------------------------------------------------------------ */
/* Lanes                                                               */

static void
lane_free(struct lane *lane)
{
	loop_cancel(lane->timer);
	for (size_t i = 0; i < lane->heap_count; i++)
		turn_free(lane->heap[i]);
	while (lane->held != NULL) {
		struct bh_turn *t = lane->held;

		lane->held = t->next;
		turn_free(t);
	}
	*lane->prev = lane->next;
	if (lane->next != NULL)
		lane->next->prev = lane->prev;
	free(lane->heap);
	free(lane->begun);
	free(lane->name);
	free(lane->text);
	free(lane);
}

static void lane_rang(void *arg);

/* Sets the timer to what happens next here; frees a lane without a future. */
static void
lane_look(struct lane *lane)
{
	int64_t when, now = world_mono();

	loop_cancel(lane->timer);
	lane->timer = NULL;
	if (lane->heap_count == 0) {
		if (lane->held_count > 0)
			return;
		when = all_forgotten(lane);
		if (when <= now) {
			lane_free(lane);
			return;
		}
	} else if (lane->limits.at_once > 0 &&
	    lane->held_count >= lane->limits.at_once)
		return;
	else
		when = next_turn(lane);
	lane->timer = loop_after(lane->lanes->loop, when > now ? when - now : 0,
	    lane_rang, lane);
}

static void
lane_rang(void *arg)
{
	struct lane *lane = arg;
	struct bh_turn *t;
	struct loop_turn turn;
	struct loop *loop = lane->lanes->loop;

	lane->timer = NULL;
	if (lane->heap_count == 0 || next_turn(lane) > world_mono()) {
		lane_look(lane);
		return;
	}
	t = lane->heap[0];
	wait_no_more(lane, t);
	t->begun = true;
	t->next = lane->held;
	if (t->next != NULL)
		t->next->prev = &t->next;
	t->prev = &lane->held;
	lane->held = t;
	lane->held_count++;
	begun_now(lane);
	lane_look(lane);
	/* Last: it may give the turn back, or end all lanes. */
	turn = loop_enter(loop, t->who);
	t->cb(t->arg);
	loop_leave(turn);
}

static struct lane *
lane_find(struct lanes *lanes, const char *name)
{
	struct lane *lane;

	for (lane = lanes->first; lane != NULL; lane = lane->next)
		if (strcmp(lane->name, name) == 0)
			return lane;
	lane = xcalloc(1, sizeof(*lane));
	lane->lanes = lanes;
	lane->name = xstrdup(name);
	lane->text = xstrdup("");
	lane->paused = INT64_MIN;
	lane->next = lanes->first;
	if (lane->next != NULL)
		lane->next->prev = &lane->next;
	lane->prev = &lanes->first;
	lanes->first = lane;
	return lane;
}

static struct bh_turn *
turn_away(struct lane *lane, const char **error)
{
	if (!lane->told)
		*error = "so many wait there already that this and others "
		    "are turned away until they are half as many";
	lane->told = true;
	return NULL;
}

struct bh_turn *
lane_turn(struct lanes *lanes, const char *name, const char *text, int rank,
    bh_timer_cb *cb, void *arg, const char **error)
{
	struct limits limits;
	struct lane *lane;
	struct bh_turn *t;

	CHECK_MAGIC(lanes, LANES_MAGIC);
	*error = NULL;
	if (!limits_read(text, &limits)) {
		*error = "those are no limits";
		return NULL;
	}
	lane = lane_find(lanes, name);
	if (lane->heap_count >= LANE_WAITING_MAX)
		return turn_away(lane, error);
	if (strcmp(lane->text, text) != 0) {
		free(lane->text);
		lane->text = xstrdup(text);
		lane->limits = limits;
		begun_resize(lane);
	}
	t = xcalloc(1, sizeof(*t));
	t->magic = TURN_MAGIC;
	t->lane = lane;
	t->rank = rank;
	t->order = lanes->asked++;
	t->cb = cb;
	t->arg = arg;
	t->who = loop_who_now();
	wait_in(lane, t);
	lane_look(lane);
	return t;
}

void
lane_turn_over(struct bh_turn *t, int64_t pause)
{
	struct lane *lane;
	int64_t until;

	if (t == NULL)
		return;
	CHECK_MAGIC(t, TURN_MAGIC);
	lane = t->lane;
	if (t->begun) {
		*t->prev = t->next;
		if (t->next != NULL)
			t->next->prev = t->prev;
		lane->held_count--;
	} else
		wait_no_more(lane, t);
	turn_free(t);
	if (pause > 0) {
		if (__builtin_add_overflow(world_mono(), pause, &until))
			until = INT64_MAX;
		if (until > lane->paused)
			lane->paused = until;
	}
	lane_look(lane);
}

struct lanes *
lanes_new(struct loop *loop)
{
	struct lanes *lanes = xcalloc(1, sizeof(*lanes));

	lanes->magic = LANES_MAGIC;
	lanes->loop = loop;
	return lanes;
}

void
lanes_free(struct lanes **lanesp)
{
	struct lanes *lanes = *lanesp;

	if (lanes == NULL)
		return;
	*lanesp = NULL;
	CHECK_MAGIC(lanes, LANES_MAGIC);
	while (lanes->first != NULL)
		lane_free(lanes->first);
	KILL_MAGIC(lanes);
	free(lanes);
}

size_t
lanes_count(const struct lanes *lanes)
{
	size_t n = 0;

	CHECK_MAGIC(lanes, LANES_MAGIC);
	for (const struct lane *l = lanes->first; l != NULL; l = l->next)
		n++;
	return n;
}
