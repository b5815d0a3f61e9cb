/*
 * ids.h - names for things, from the world's dice, and digests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_BASE_IDS_H
#define HOST_BASE_IDS_H

#include <stddef.h>

/* n characters and a NUL (out holds n + 1), of an alphabet without 0 O 1 I L,
 * to be read aloud: "7QK2".  Not unique by itself: the store decides. */
void ids_short(char *out, size_t n);

/* `bytes` random bytes in lower-case hex and a NUL (out holds 2n + 1). */
void ids_hex(char *out, size_t bytes);

#define SHA256_HEX_SIZE 65
/* SHA-256 of data in lower-case hex, with NUL. */
void sha256_hex(char out[SHA256_HEX_SIZE], const void *data, size_t len);
void sha256_raw(unsigned char out[32], const void *data, size_t len);

#endif /* HOST_BASE_IDS_H */
