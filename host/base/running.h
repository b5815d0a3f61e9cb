/* running.h - whose code is running on this thread, for the crash line.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every call into a plugin is bracketed:
 *
 *	struct running before = running_enter("slack", "1.2", "open");
 *	ret = plugin->open(host, &state);
 *	running_leave(before);
 *
 * When the process dies in between, the signal handler can say whose fault it
 * was.  The texts must outlive the bracket.
 */

#ifndef HOST_BASE_RUNNING_H
#define HOST_BASE_RUNNING_H

struct running {
	const char *plugin, *version, *callback;
};

struct running running_enter(const char *plugin, const char *version,
    const char *callback);
void running_leave(struct running before);
/* What runs now; plugin NULL: the host itself. */
struct running running_now(void);

/* From now on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT first write one line
 * with plugin, version and callback to standard error, then do what they
 * would have done.  Only async-signal-safe calls are used. */
void running_catch_crashes(void);

#endif /* HOST_BASE_RUNNING_H */
