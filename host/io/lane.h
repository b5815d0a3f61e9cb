/* lane.h - pacing: named queues, each with its limits.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A network says "so many calls in so long", for each method and each room.
 * A lane keeps to that: who wants to call asks for a turn, waits until it
 * comes, and gives it back.  Limits are exact windows, not buckets: in no
 * span of the given length do more turns begin than it allows.
 *
 * Time is world_mono().  A lane lives as long as somebody waits in it, holds
 * a turn of it, or its limits still hold somebody back.
 */

#ifndef HOST_IO_LANE_H
#define HOST_IO_LANE_H

#include <stddef.h>

#include <bellhop/plugin.h>

struct loop;
struct lanes;

/* The lanes of one owner; their names are theirs alone. */
struct lanes *lanes_new(struct loop *loop);

/* Forgets everybody who waits or holds a turn.  *lanes may be NULL; is NULL
 * afterwards. */
void lanes_free(struct lanes **lanes);

/* So many wait in one lane, as many as there may be commands under way.
 * Whoever comes then is turned away and has to come again. */
#define LANE_WAITING_MAX 20000u

/*
 * Asks for a turn in `lane`; see bh_turn() in plugin.h.  cb never runs before
 * this returns.  `limits`: parts parted by commas, "N at once" or
 * "N/DURATION" (a duration as everywhere, or "1s", "500ms"); N up to 10000,
 * four parts at most; empty: no limits.  NULL when that cannot be read, or
 * LANE_WAITING_MAX wait already; *error is then a sentence's end, static, or
 * NULL if the same was said of this lane before and it is still crowded.
 */
struct bh_turn *lane_turn(struct lanes *lanes, const char *lane,
    const char *limits, int rank, bh_timer_cb *cb, void *arg,
    const char **error);

/* Gives it back, or takes the question back; `pause` > 0: nobody begins in
 * this lane for so many ms.  NULL is fine. */
void lane_turn_over(struct bh_turn *turn, int64_t pause);

/* How many lanes there are now, for tests. */
size_t lanes_count(const struct lanes *lanes);

#endif /* HOST_IO_LANE_H */
