/*
 * magic.h - objects that know what they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every long-lived object that travels as a `void *` begins with
 *
 *	struct store {
 *		unsigned magic;
 *	#define STORE_MAGIC 0x73746f72u
 *		...
 *
 * and every entry that gets it back says
 *
 *	struct store *store = CAST(struct store, arg, STORE_MAGIC);
 *
 * A wrong, NULL or freed object then ends the process right there, with the
 * name of the type, instead of becoming somebody's security hole.
 */

#ifndef HOST_BASE_MAGIC_H
#define HOST_BASE_MAGIC_H

#include <stddef.h>

#include "host/base/banned.h"

/* Dies with a clear line unless `p` is an object whose first member is
 * `magic`; returns `p`. */
void *magic_check(void *p, unsigned magic, const char *what);
const void *magic_check_const(const void *p, unsigned magic, const char *what);

/* Checks an object that is already typed. */
#define CHECK_MAGIC(p, M)	((void)magic_check_const((p), (M), #p))

/* A `type *` (type: "struct store") from a void pointer, checked. */
#define CAST(type, p, M)						\
	((void)sizeof(char[offsetof(type, magic) == 0 ? 1 : -1]),	\
	(type *)magic_check((p), (M), #type))

/* Marks an object as gone, right before it is freed. */
#define KILL_MAGIC(p)		((void)((p)->magic = 0xdeadu))

#endif /* HOST_BASE_MAGIC_H */
