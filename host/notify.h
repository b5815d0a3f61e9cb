/* notify.h - tells the service manager how we are.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_NOTIFY_H
#define HOST_NOTIFY_H

/* Sends `state` ("READY=1\nSTATUS=...") to $NOTIFY_SOCKET, if there is one.
 * Nothing depends on whether it arrives. */
void notify(const char *state);

#endif /* HOST_NOTIFY_H */
