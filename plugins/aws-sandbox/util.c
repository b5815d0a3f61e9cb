/* util.c - lists, copies, ids and times for the other files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <openssl/evp.h>
#include <time.h>

#include "plugins/aws-sandbox/sandbox.h"

static void *
must(void *p)
{
	if (p == NULL) {
		fputs("aws-sandbox: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
list_grow(void **at, size_t *count, size_t *size, size_t each)
{
	if (*count == *size) {
		size_t want = *size == 0 ? 16 : *size * 2;

		*at = must(realloc(*at, want * each));
		*size = want;
	}
	char *row = (char *)*at + *count * each;

	memset(row, 0, each);
	(*count)++;
	return row;
}

char *
copy_text(const char *s)
{
	return (char *)must(strdup(s));
}

void
set_text(char *out, size_t size, const char *s)
{
	size_t len = strlen(s);

	if (len >= size)
		len = size - 1;
	memcpy(out, s, len);
	out[len] = '\0';
}

void
sha256_hex_of(const void *data, size_t len, char out[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_Digest(data, len, md, &n, EVP_sha256(), NULL) != 1)
		abort();
	for (unsigned int i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}

void
stable_hex(char *out, size_t n, const char *kind, const char *name)
{
	struct bh_buf b = BH_BUF(1024);
	char hex[65];

	bh_buf_add(&b, "acme/%s/%s", kind, name);
	sha256_hex_of(bh_buf_text(&b), b.len, hex);
	bh_buf_release(&b);
	assert(n < sizeof(hex));
	memcpy(out, hex, n);
	out[n] = '\0';
}

static void
shape_uuid_of(char out[37], const char *hex)
{
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

void
stable_uuid(char out[37], const char *kind, const char *name)
{
	char hex[33];

	stable_hex(hex, 32, kind, name);
	shape_uuid_of(out, hex);
}

void
new_uuid(struct sandbox *sb, char out[37])
{
	unsigned char raw[16];
	char hex[33];

	bh_random(sb->host, raw, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	shape_uuid_of(out, hex);
}

void
format_stamp(char out[20], int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 20, "%Y%m%dT%H%M%SZ", &tm) == 0)
		out[0] = '\0';
}

bool
parse_stamp(const char *s, int64_t *ms)
{
	static const char form[] = "########T######Z";
	struct tm tm = { 0 };
	int n[14];
	size_t k = 0;

	if (strlen(s) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++) {
		if (form[i] == '#') {
			if (s[i] < '0' || s[i] > '9')
				return false;
			n[k++] = s[i] - '0';
		} else if (s[i] != form[i]) {
			return false;
		}
	}
	tm.tm_year = n[0] * 1000 + n[1] * 100 + n[2] * 10 + n[3] - 1900;
	tm.tm_mon = n[4] * 10 + n[5] - 1;
	tm.tm_mday = n[6] * 10 + n[7];
	tm.tm_hour = n[8] * 10 + n[9];
	tm.tm_min = n[10] * 10 + n[11];
	tm.tm_sec = n[12] * 10 + n[13];
	if (tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	*ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

int64_t
parse_span(const char *s)
{
	static const struct { const char *unit; int64_t ms; } units[] = {
		{ "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 },
	};
	char *end;
	long n = strtol(s, &end, 10);

	if (end == s || n < 0 || n > 1000000000L)
		return -1;
	for (size_t i = 0; i < COUNT(units); i++)
		if (strcmp(end, units[i].unit) == 0)
			return n * units[i].ms;
	return -1;
}
