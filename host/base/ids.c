/*
 * ids.c - names for things, from the world's dice, and digests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/ids.h"

#include <openssl/evp.h>

#include "host/base/banned.h"
#include "host/base/world.h"

/* Each throw of the dice costs a microsecond, whatever it brings. */
#define DICE	32u

/* Read aloud over the phone: no 0 O, no 1 I L. */
static const char alphabet[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

void
ids_short(char *out, size_t n)
{
	const unsigned letters = sizeof(alphabet) - 1;
	unsigned char bytes[DICE];
	size_t left = 0;

	for (size_t i = 0; i < n;) {
		unsigned char byte;

		if (left == 0) {
			left = n - i < DICE ? n - i : DICE;
			world_random(bytes, left);
		}
		byte = bytes[--left];
		/* 31 does not divide 256: take 0..247 only, to be fair. */
		if (byte < 256 / letters * letters)
			out[i++] = alphabet[byte % letters];
	}
	out[n] = '\0';
}

static void
ids_to_hex(char *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

void
ids_hex(char *out, size_t bytes)
{
	unsigned char dice[DICE];

	out[0] = '\0';
	for (size_t i = 0; i < bytes;) {
		size_t n = bytes - i < DICE ? bytes - i : DICE;

		world_random(dice, n);
		ids_to_hex(out + 2 * i, dice, n);
		i += n;
	}
}

void
sha256_raw(unsigned char out[32], const void *data, size_t len)
{
	unsigned n = 32;

	if (EVP_Digest(data, len, out, &n, EVP_sha256(), NULL) != 1) {
		fprintf(stderr, "bellhop: this OpenSSL has no SHA-256\n");
		abort();
	}
}

void
sha256_hex(char out[SHA256_HEX_SIZE], const void *data, size_t len)
{
	unsigned char raw[32];

	sha256_raw(raw, data, len);
	ids_to_hex(out, raw, sizeof(raw));
}
