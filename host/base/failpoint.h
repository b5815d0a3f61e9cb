/* failpoint.h - named points at which a crash test may kill the process.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_BASE_FAILPOINT_H
#define HOST_BASE_FAILPOINT_H

/*
 * Passes the point `name` ("store.before-commit").  Any thread.
 *
 * Does nothing unless the program was configured with --enable-failpoints.
 * Then the environment decides:
 *
 *   BELLHOP_FAILPOINT=NAME[:N]	kill -9 ourselves at the N-th pass (1 at first)
 *   BELLHOP_FAILPOINT_LOG=FILE	append each name passed, one on a line, so
 *				that a test can first list the points and then
 *				try each of them
 */
void failpoint_hit(const char *name);

#endif
