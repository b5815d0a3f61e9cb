/*
 * magic.c - objects that know what they are: the check.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/magic.h"

const void *
magic_check_const(const void *p, unsigned magic, const char *what)
{
	unsigned found;

	if (p == NULL) {
		fprintf(stderr, "bellhop: bug: no object where %s should be\n",
		    what);
		abort();
	}
	memcpy(&found, p, sizeof(found));
	if (found != magic) {
		fprintf(stderr, "bellhop: bug: %s expected (magic %08x), "
		    "found %08x\n", what, magic, found);
		abort();
	}
	return p;
}

void *
magic_check(void *p, unsigned magic, const char *what)
{
	(void)magic_check_const(p, magic, what);
	return p;
}
