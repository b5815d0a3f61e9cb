/* failpoint.c - named points at which a crash test may kill the process.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "host/base/failpoint.h"

#ifdef BH_FAILPOINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *armed;	/* name, up to `armed_len` */
static size_t armed_len;
static unsigned long left;	/* passes until we die */
static int log_fd = -1;
static int ready;

/* The environment is read once, at the first point that is passed. */
static void
prepare(void)
{
	const char *colon;

	armed = getenv("BELLHOP_FAILPOINT");
	if (armed != NULL) {
		colon = strrchr(armed, ':');
		left = colon != NULL ? strtoul(colon + 1, NULL, 10) : 1;
		armed_len = colon != NULL ? (size_t)(colon - armed)
		    : strlen(armed);
	}
	const char *file = getenv("BELLHOP_FAILPOINT_LOG");
	if (file != NULL)
		log_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		    0600);
	ready = 1;
}

/* One write per line: lines of a process that dies next are whole. */
static void
note(const char *name)
{
	char line[128];
	size_t n = strlen(name);

	if (log_fd < 0 || n + 1 > sizeof(line))
		return;
	memcpy(line, name, n);
	line[n] = '\n';
	if (write(log_fd, line, n + 1) < 0)
		log_fd = -1;
}

void
failpoint_hit(const char *name)
{
	pthread_mutex_lock(&lock);
	if (!ready)
		prepare();
	note(name);
	if (armed != NULL && strlen(name) == armed_len &&
	    memcmp(name, armed, armed_len) == 0 && left > 0 && --left == 0)
		kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&lock);
}

#else

void
failpoint_hit(const char *name)
{
	(void)name;
}

#endif
