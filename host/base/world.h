/*
 * world.h - the clock and the dice, behind one table.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing else in the host asks the system what time it is or for random
 * bytes, so that tests, chat scripts and the demo run the same code on a
 * clock they hold in their hands.
 */

#ifndef HOST_BASE_WORLD_H
#define HOST_BASE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world {
	int64_t (*now)(void);	/* wall clock, ms since 1970 UTC, unshifted */
	int64_t (*mono)(void);	/* ms, counts suspended time too, unshifted */
	void (*random)(void *out, size_t len);
	int64_t offset;		/* ms added to both clocks */
	bool frozen;		/* both clocks stand still but for offset */
};

extern struct world world;

/* The time, with the offset: wall clock in ms UTC, monotonic in ms.
 * Both may be asked from any thread. */
int64_t world_now(void);
int64_t world_mono(void);
/* Random bytes fit for keys; dies rather than give bad ones. */
void world_random(void *out, size_t len);

/* From now on time is virtual: the wall clock stands at now_ms, and only
 * world_advance() moves it.  The monotonic clock stands where it is. */
void world_freeze(int64_t now_ms);
/* Real time again, as at start. */
void world_thaw(void);
/* Moves both clocks ahead (a negative ms does nothing: time never goes
 * back here; a test of a clock that jumps back replaces world.now). */
void world_advance(int64_t ms);

/* "2026-01-05T10:00:00Z" of ms since 1970 (with ".123" if `millis`) into
 * out, which holds at least WORLD_TIME_SIZE bytes; returns out. */
#define WORLD_TIME_SIZE 32
char *world_time_text(int64_t ms, bool millis, char *out);
/* The reverse: "2026-01-05T10:00:00[.123]Z" (also with a space for the T);
 * false if it is not that. */
bool world_time_parse(const char *text, int64_t *ms);

#endif /* HOST_BASE_WORLD_H */
