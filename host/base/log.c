/*
 * log.c - one line per thing that happened: levels, forms, where they go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/world.h"

#define LINE_MAX_BYTES	(16u << 10)

static struct {
	pthread_mutex_t lock;
	enum log_format format;		/* LOG_AUTO: not looked yet */
	int level;
	bool colour;
	log_sink_cb *sink;
	void *sink_arg;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = BH_LOG_INFO };

static const char *const level_names[] = {
	[BH_LOG_ERROR] = "error", [BH_LOG_WARN] = "warning",
	[BH_LOG_NOTE] = "note", [BH_LOG_INFO] = "info",
	[BH_LOG_DEBUG] = "debug",
};

static enum log_format
log_look(void)
{
	if (getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO))
		return LOG_JOURNAL;
	return isatty(STDERR_FILENO) ? LOG_HUMAN : LOG_JSON;
}

void
log_setup(enum log_format format, int level)
{
	const char *no_colour = getenv("NO_COLOR");

	pthread_mutex_lock(&state.lock);
	state.format = format == LOG_AUTO ? log_look() : format;
	state.colour = isatty(STDERR_FILENO) &&
	    (no_colour == NULL || *no_colour == '\0');
	__atomic_store_n(&state.level, level, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&state.lock);
}

bool
log_format_parse(const char *name, enum log_format *out)
{
	static const char *const names[] = {
		[LOG_AUTO] = "auto", [LOG_HUMAN] = "human",
		[LOG_JOURNAL] = "journal", [LOG_JSON] = "json",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum log_format)i;
			return true;
		}
	return false;
}

bool
log_level_parse(const char *name, int *out)
{
	for (int i = BH_LOG_ERROR; i <= BH_LOG_DEBUG; i++)
		if (strcmp(level_names[i], name) == 0) {
			*out = i;
			return true;
		}
	return false;
}

bool
log_wants(int level)
{
	return level <= __atomic_load_n(&state.level, __ATOMIC_RELAXED);
}

void
log_sink(log_sink_cb *cb, void *arg)
{
	pthread_mutex_lock(&state.lock);
	state.sink = cb;
	state.sink_arg = arg;
	pthread_mutex_unlock(&state.lock);
}

static void
log_human(struct bh_buf *out, int level, const char *source, const char *text)
{
	static const char *const colours[] = {
		[BH_LOG_ERROR] = "\033[31m", [BH_LOG_WARN] = "\033[33m",
		[BH_LOG_NOTE] = "\033[1m", [BH_LOG_INFO] = "",
		[BH_LOG_DEBUG] = "\033[2m",
	};
	const char *on = state.colour ? colours[level] : "";
	char time[WORLD_TIME_SIZE];

	world_time_text(world_now(), false, time);
	/* The day is on the calendar; the clock is what a reader wants. */
	bh_buf_add(out, "%s %s%-7s%s %s: %s", time + 11, on,
	    level_names[level], *on != '\0' ? "\033[0m" : "", source, text);
}

static void
log_json(struct bh_buf *out, int level, const char *source, const char *text)
{
	char time[WORLD_TIME_SIZE];

	bh_buf_add(out, "{\"time\":\"%s\",\"level\":\"%s\",\"source\":",
	    world_time_text(world_now(), true, time), level_names[level]);
	bh_buf_quote(out, source);
	bh_buf_puts(out, ",\"text\":");
	bh_buf_quote(out, text);
	bh_buf_puts(out, "}");
}

static void
log_write(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;		/* nobody listens: nothing to be done */
		line += n;
		len -= (size_t)n;
	}
}

void
log_vat(int level, const char *source, const char *fmt, va_list ap)
{
	if (level < BH_LOG_ERROR)
		level = BH_LOG_ERROR;
	if (level > BH_LOG_DEBUG)
		level = BH_LOG_DEBUG;
	if (!log_wants(level))
		return;

	BH_AUTO_FREE char *raw = NULL;
	BH_AUTO_BUF struct bh_buf text = BH_BUF(LINE_MAX_BYTES);
	BH_AUTO_BUF struct bh_buf who = BH_BUF(256);
	BH_AUTO_BUF struct bh_buf line = BH_BUF(LINE_MAX_BYTES * 7);
	if (vasprintf(&raw, fmt, ap) < 0) {
		raw = NULL;
		return;
	}
	log_redact(&text, raw);
	log_redact(&who, source != NULL ? source : "host");
	if (text.overflow) {
		text.overflow = false;
		text.max += 16;
		bh_buf_puts(&text, "… (cut)");
	}

	pthread_mutex_lock(&state.lock);
	if (state.format == LOG_AUTO)
		state.format = log_look();
	if (state.format == LOG_JSON)
		log_json(&line, level, bh_buf_text(&who), bh_buf_text(&text));
	else if (state.format == LOG_JOURNAL)
		bh_buf_add(&line, "<%d>%s: %s", level, bh_buf_text(&who),
		    bh_buf_text(&text));
	else
		log_human(&line, level, bh_buf_text(&who), bh_buf_text(&text));
	if (state.sink != NULL) {
		state.sink(state.sink_arg, level, bh_buf_text(&line));
	} else {
		/* One write, so that lines of two processes do not mix. */
		bh_buf_puts(&line, "\n");
		log_write(bh_buf_text(&line), line.len);
	}
	pthread_mutex_unlock(&state.lock);
}

void
log_at(int level, const char *source, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vat(level, source, fmt, ap);
	va_end(ap);
}
