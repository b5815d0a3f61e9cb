/*
 * address.c - which addresses lie in the open, and which in somebody's house.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The special-purpose registries of IANA (RFC 6890 and its successors), read
 * the careful way: an address is public when nothing says otherwise in IPv4,
 * and in IPv6 only inside 2000::/3.
 */

#include "host/io/address.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

static bool
public4(uint32_t a)
{
	static const struct { uint32_t net; int bits; } special[] = {
		{ 0x00000000, 8 },	/* "this" network */
		{ 0x0a000000, 8 },	/* private */
		{ 0x64400000, 10 },	/* shared by carriers */
		{ 0x7f000000, 8 },	/* loopback */
		{ 0xa9fe0000, 16 },	/* link-local, metadata services */
		{ 0xac100000, 12 },	/* private */
		{ 0xc0000000, 24 },	/* protocol assignments */
		{ 0xc0000200, 24 },	/* documentation */
		{ 0xc0586300, 24 },	/* 6to4 relays, retired */
		{ 0xc0a80000, 16 },	/* private */
		{ 0xc6120000, 15 },	/* benchmarks */
		{ 0xc6336400, 24 },	/* documentation */
		{ 0xcb007100, 24 },	/* documentation */
		{ 0xe0000000, 3 },	/* multicast, reserved, broadcast */
		{ 0xa83f8110, 32 },	/* Azure's platform (168.63.129.16) */
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if ((a ^ special[i].net) >> (32 - special[i].bits) == 0)
			return false;
	return true;
}

static uint32_t
tail4(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static bool
public6(const uint8_t a[16])
{
	static const uint8_t mapped[12] =
	    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0)
		return public4(tail4(a + 12));
	if ((a[0] & 0xe0) != 0x20)
		return false;
	/* 2001::/23: protocol assignments with Teredo; 2001:db8::/32 and
	 * 3fff::/20: documentation; 2002::/16: 6to4. */
	if (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xfe) == 0)
		return false;
	if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8)
		return false;
	if (a[0] == 0x3f && a[1] == 0xff && (a[2] & 0xf0) == 0)
		return false;
	return a[0] != 0x20 || a[1] != 0x02;
}

bool
address_is_public(const struct sockaddr *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in, address, sizeof(in));
		return public4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&in6, address, sizeof(in6));
		return public6(in6.sin6_addr.s6_addr);
	}
	return false;
}

bool
address_text_is_public(const char *text)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, text, &in) == 1)
		return public4(ntohl(in.s_addr));
	if (inet_pton(AF_INET6, text, &in6) == 1)
		return public6(in6.s6_addr);
	return false;
}
