/*
 * address.h - which addresses lie in the open, and which in somebody's house.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_IO_ADDRESS_H
#define HOST_IO_ADDRESS_H

#include <stdbool.h>

#include <sys/socket.h>

/* Is it a unicast address of the public Internet?  Not loopback, private,
 * link-local (where clouds keep their metadata services), shared, reserved for
 * documentation or benchmarks, multicast; nor IPv6 with one of those inside
 * (mapped, NAT64), nor any of the retired tunnels. */
bool address_is_public(const struct sockaddr *address);

/* The same for text: "192.0.2.1", "2001:db8::1".  False if it is none. */
bool address_text_is_public(const char *text);

#endif /* HOST_IO_ADDRESS_H */
