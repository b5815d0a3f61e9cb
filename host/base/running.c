/* running.c - whose code is running on this thread, for the crash line.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/base/running.h"

#include "host/base/banned.h"

/* One for each thread: the store's thread runs no plugin. */
static _Thread_local struct running now;

struct running
running_enter(const char *plugin, const char *version, const char *callback)
{
	struct running before = now;

	now = (struct running){ plugin, version, callback };
	return before;
}

void
running_leave(struct running before)
{
	now = before;
}

struct running
running_now(void)
{
	return now;
}

/* strlen() and write() are on the list of what a handler may call. */
static void
say(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(STDERR_FILENO, text, left);

		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

static const char *
signal_text(int signum)
{
	switch (signum) {
	case SIGSEGV: return "segmentation fault";
	case SIGBUS: return "bus error";
	case SIGILL: return "illegal instruction";
	case SIGFPE: return "arithmetic error";
	default: return "abort";
	}
}

static void
crashed(int signum)
{
	say("bellhop: crash (");
	say(signal_text(signum));
	if (now.plugin != NULL) {
		say(") in plugin ");
		say(now.plugin);
		say(" ");
		say(now.version);
		say(", callback ");
		say(now.callback);
		say(": remove it from the configuration or report this\n");
	} else
		say(") in the host itself: please report this\n");
	/* SA_RESETHAND put the default back: this time it kills. */
	raise(signum);
}

void
running_catch_crashes(void)
{
	static char stack[16384];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	/* The sanitizers print far more about a bad access than we can. */
#ifdef BH_SANITIZERS
	static const int signals[] = { SIGABRT };
#else
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
	    SIGABRT };
#endif
	struct sigaction sa = { .sa_handler = crashed,
	    .sa_flags = (int)SA_RESETHAND | SA_ONSTACK };

	/* A stack that ran over needs another one to tell. */
	sigaltstack(&alt, NULL);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}
