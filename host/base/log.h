/*
 * log.h - one line per thing that happened, safe to read and to ship.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Three forms, all on standard error: for people on a terminal, with "<N>"
 * prefixes when the journal reads (JOURNAL_STREAM is set), and JSON lines
 * otherwise.  Control characters are escaped, so that no text from outside
 * can make a second line.  What looks like a secret (chat tokens, AWS access
 * keys, JWTs, Authorization headers) and every registered secret is masked.
 * May be called from any thread.
 *
 * Library code does not log: it returns a result and a sentence.  The caller
 * that knows why it matters logs, once.
 */

#ifndef HOST_BASE_LOG_H
#define HOST_BASE_LOG_H

#include <bellhop/plugin.h>

#include "host/base/banned.h"

enum log_format { LOG_AUTO, LOG_HUMAN, LOG_JOURNAL, LOG_JSON };

/* Chooses the form (LOG_AUTO: as above) and the most talkative level that is
 * written (enum bh_level).  May be called again. */
void log_setup(enum log_format format, int level);
/* "auto", "human", "journal", "json"; false if it is none of these. */
bool log_format_parse(const char *name, enum log_format *out);
/* "error", "warning", "note", "info", "debug"; false if none of these. */
bool log_level_parse(const char *name, int *out);
bool log_wants(int level);

/* One line.  `source` says who speaks ("host", "aws-sso/main"); NULL: host. */
void log_at(int level, const char *source, const char *fmt, ...)
    BH_PRINTF(3, 4);
void log_vat(int level, const char *source, const char *fmt, va_list ap)
    BH_PRINTF(3, 0);

/* Where lines go instead of standard error, already formatted and masked,
 * without the newline; NULL: back to standard error.  For tests and for a
 * console that owns the terminal. */
typedef void log_sink_cb(void *arg, int level, const char *line);
void log_sink(log_sink_cb *cb, void *arg);

/* Masks this text (4 bytes or more) in every line from now on. */
void log_redact_add(const char *secret);
/* Forgets one, once no longer in use; unknown is fine. */
void log_redact_remove(const char *secret);
/* Appends `text` as it would stand in a line: escaped and masked. */
void log_redact(struct bh_buf *out, const char *text);

#ifndef LOG_SOURCE
#define LOG_SOURCE	"host"	/* a file may define its own before */
#endif

#define log_error(...)	log_at(BH_LOG_ERROR, LOG_SOURCE, __VA_ARGS__)
#define log_warn(...)	log_at(BH_LOG_WARN, LOG_SOURCE, __VA_ARGS__)
#define log_note(...)	log_at(BH_LOG_NOTE, LOG_SOURCE, __VA_ARGS__)
#define log_info(...)	log_at(BH_LOG_INFO, LOG_SOURCE, __VA_ARGS__)
#define log_debug(...)	log_at(BH_LOG_DEBUG, LOG_SOURCE, __VA_ARGS__)

#endif /* HOST_BASE_LOG_H */
