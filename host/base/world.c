/*
 * world.c - the clock and the dice, behind one table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/world.h"

#include <openssl/rand.h>

#include "host/base/banned.h"

static int64_t
world_clock(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
world_real_now(void)
{
	return world_clock(CLOCK_REALTIME);
}

static int64_t
world_real_mono(void)
{
#ifdef CLOCK_BOOTTIME
	/* An expiry must not wait longer because the machine slept. */
	return world_clock(CLOCK_BOOTTIME);
#else
	return world_clock(CLOCK_MONOTONIC);
#endif
}

static void
world_real_random(void *out, size_t len)
{
	unsigned char *p = out;

	while (len > 0) {
		int n = len > 4096 ? 4096 : (int)len;

		if (RAND_bytes(p, n) != 1) {
			fprintf(stderr, "bellhop: no random numbers from the "
			    "system: ids cannot be made safely\n");
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}

struct world world = {
	.now = world_real_now,
	.mono = world_real_mono,
	.random = world_real_random,
};

/* Where the frozen clocks stand; the store's thread reads them too, hence
 * the atomics for all that changes. */
static int64_t frozen_now, frozen_mono;

int64_t
world_now(void)
{
	int64_t base = __atomic_load_n(&world.frozen, __ATOMIC_ACQUIRE) ?
	    __atomic_load_n(&frozen_now, __ATOMIC_RELAXED) : world.now();

	return base + __atomic_load_n(&world.offset, __ATOMIC_RELAXED);
}

int64_t
world_mono(void)
{
	int64_t base = __atomic_load_n(&world.frozen, __ATOMIC_ACQUIRE) ?
	    __atomic_load_n(&frozen_mono, __ATOMIC_RELAXED) : world.mono();

	return base + __atomic_load_n(&world.offset, __ATOMIC_RELAXED);
}

void
world_random(void *out, size_t len)
{
	world.random(out, len);
}

void
world_freeze(int64_t now_ms)
{
	int64_t mono = world_mono();

	__atomic_store_n(&frozen_now, now_ms, __ATOMIC_RELAXED);
	__atomic_store_n(&frozen_mono, mono, __ATOMIC_RELAXED);
	__atomic_store_n(&world.offset, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&world.frozen, true, __ATOMIC_RELEASE);
}

void
world_thaw(void)
{
	__atomic_store_n(&world.offset, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&world.frozen, false, __ATOMIC_RELEASE);
}

void
world_advance(int64_t ms)
{
	if (ms > 0)
		__atomic_fetch_add(&world.offset, ms, __ATOMIC_RELAXED);
}

char *
world_time_text(int64_t ms, bool millis, char *out)
{
	int64_t left = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;
	time_t seconds = (time_t)((ms - left) / 1000);
	struct tm tm;
	size_t n = 0;

	if (gmtime_r(&seconds, &tm) != NULL && tm.tm_year < 8100)
		n = strftime(out, WORLD_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	if (n == 0)
		snprintf(out, WORLD_TIME_SIZE, "at %lld ms", (long long)ms);
	else if (millis)
		snprintf(out + n, WORLD_TIME_SIZE - n, ".%03dZ", (int)left);
	else
		snprintf(out + n, WORLD_TIME_SIZE - n, "Z");
	return out;
}

/* Exactly `n` digits at *s, and past them. */
static bool
world_digits(const char **s, int n, int *out)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		value = value * 10 + (**s - '0');
	}
	*out = value;
	return true;
}

static bool
world_mark(const char **s, char c)
{
	return *(*s)++ == c;
}

bool
world_time_parse(const char *text, int64_t *ms)
{
	struct tm tm = { 0 };
	int millis = 0, year, month;
	const char *s = text;

	if (!world_digits(&s, 4, &year) || !world_mark(&s, '-') ||
	    !world_digits(&s, 2, &month) || !world_mark(&s, '-') ||
	    !world_digits(&s, 2, &tm.tm_mday))
		return false;
	if (*s != 'T' && *s != ' ')
		return false;
	s++;
	if (!world_digits(&s, 2, &tm.tm_hour) || !world_mark(&s, ':') ||
	    !world_digits(&s, 2, &tm.tm_min) || !world_mark(&s, ':') ||
	    !world_digits(&s, 2, &tm.tm_sec))
		return false;
	if (*s == '.') {
		s++;
		if (!world_digits(&s, 3, &millis))
			return false;
	}
	if (strcmp(s, "Z") != 0)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	struct tm asked = tm;
	time_t seconds = timegm(&tm);
	/* timegm() turns 31 February into March; people should hear of it. */
	if (tm.tm_mon != asked.tm_mon || tm.tm_mday != asked.tm_mday ||
	    tm.tm_hour != asked.tm_hour || tm.tm_min != asked.tm_min ||
	    tm.tm_sec != asked.tm_sec)
		return false;
	*ms = (int64_t)seconds * 1000 + millis;
	return true;
}
