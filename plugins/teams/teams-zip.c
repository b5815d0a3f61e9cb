/* teams-zip.c - a ZIP file with a few small members, stored as they are.
 * SPDX-License-Identifier: Apache-2.0
 *
 * APPNOTE.TXT, 4.3.  Nothing is compressed, as three members of a few KB gain
 * nothing from it; so the format is three fixed records and a checksum, and
 * less than what a library would want to be told.  The same members give the
 * same bytes: the time is the format's earliest.
 */

#include "plugins/teams/teams.h"

#define VERSION		20u		/* 2.0 of the format */
#define EPOCH		0x00210000u	/* 1980-01-01 00:00:00 */
#define UTF8_NAMES	0x0800u

static void
put16(struct bh_buf *b, uint32_t v)
{
	unsigned char two[2] = { (unsigned char)v, (unsigned char)(v >> 8) };

	bh_buf_put(b, two, sizeof(two));
}

static void
put32(struct bh_buf *b, uint32_t v)
{
	put16(b, v & 0xffffu);
	put16(b, v >> 16);
}

static uint32_t
crc32(const unsigned char *p, size_t len)
{
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
	}
	return ~crc;
}

/* What the local header and the directory say alike. */
static void
put_member(struct bh_buf *b, const char *name, const void *data, size_t len)
{
	put16(b, VERSION);
	put16(b, UTF8_NAMES);
	put16(b, 0);			/* stored */
	put32(b, EPOCH);
	put32(b, crc32(data, len));
	put32(b, (uint32_t)len);
	put32(b, (uint32_t)len);
	put16(b, (uint32_t)strlen(name));
	put16(b, 0);			/* no extra field */
}

void
teams_zip_add(struct teams_zip *z, const char *name, const void *data,
    size_t len)
{
	uint32_t at = (uint32_t)z->file.len;

	put32(&z->file, 0x04034b50);
	put_member(&z->file, name, data, len);
	bh_buf_puts(&z->file, name);
	bh_buf_put(&z->file, data, len);
	put32(&z->directory, 0x02014b50);
	put16(&z->directory, 3u << 8 | VERSION);	/* made on Unix */
	put_member(&z->directory, name, data, len);
	put16(&z->directory, 0);	/* no comment */
	put16(&z->directory, 0);	/* one disk */
	put16(&z->directory, 0);
	put32(&z->directory, 0100644u << 16);
	put32(&z->directory, at);
	bh_buf_puts(&z->directory, name);
	z->count++;
}

bool
teams_zip_end(struct teams_zip *z)
{
	uint32_t at = (uint32_t)z->file.len;
	uint32_t len = (uint32_t)z->directory.len;

	bh_buf_put(&z->file, bh_buf_text(&z->directory), len);
	put32(&z->file, 0x06054b50);
	put32(&z->file, 0);		/* one disk */
	put16(&z->file, z->count);
	put16(&z->file, z->count);
	put32(&z->file, len);
	put32(&z->file, at);
	put16(&z->file, 0);		/* no comment */
	return !z->file.overflow && !z->directory.overflow;
}

void
teams_zip_release(struct teams_zip *z)
{
	bh_buf_release(&z->file);
	bh_buf_release(&z->directory);
}
