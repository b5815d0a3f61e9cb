/* canonical.c - the one form of a request that both sides sign.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/sign.h"

#include <strings.h>

#include "plugins/aws-sso/aws/memory.h"

#define HEADERS_MAX	128
#define PARAMETERS_MAX	512

static bool
unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c == '~';
}

void
sign_encode(struct bh_buf *out, const char *text, size_t len, bool keep_slash)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (unreserved(c) || (keep_slash && c == '/'))
			bh_buf_put(out, &text[i], 1);
		else
			bh_buf_add(out, "%%%02X", c);
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One canonical spelling whatever the sender's: decoded, then encoded. */
static void
encode_again(struct bh_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len &&
		    hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
			char c = (char)(hex_digit(text[i + 1]) * 16 +
			    hex_digit(text[i + 2]));

			sign_encode(out, &c, 1, false);
			i += 2;
		} else
			sign_encode(out, &text[i], 1, false);
	}
}

/* Drops empty and "." segments and lets ".." take back the one before it.
 * Writes into `out`, which holds strlen(path) + 2 bytes. */
static void
resolve_segments(char *out, const char *path)
{
	size_t len = 0;
	bool slash_at_end = *path != '\0' && path[strlen(path) - 1] == '/';

	for (const char *p = path; *p != '\0';) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (len > 0 && out[--len] != '/')
				;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			out[len++] = '/';
			memcpy(out + len, p, n);
			len += n;
		}
		p += n;
		p += *p == '/';
	}
	if (len == 0 || slash_at_end)
		out[len++] = '/';
	out[len] = '\0';
}

void
canonical_path(struct bh_buf *out, const char *path, bool normalize,
    bool encode_twice)
{
	AWS_AUTO_FREE char *resolved = NULL;

	if (*path == '\0')
		path = "/";
	if (normalize) {
		resolved = aws_calloc(strlen(path) + 2, 1);
		resolve_segments(resolved, path);
		path = resolved;
	}
	if (encode_twice) {
		sign_encode(out, path, strlen(path), true);
		return;
	}
	/* Encoded once already; only what cannot stand on a wire is mended. */
	for (const char *p = path; *p != '\0'; p++)
		if (*p == '%')
			bh_buf_put(out, p, 1);
		else
			sign_encode(out, p, 1, true);
}

struct parameter { char *key, *value; };

static int
by_key_then_value(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : strcmp(x->value, y->value);
}

/* The pieces are taken over from the buffers, so that nothing is copied. */
static struct parameter
make_parameter(const char *key, size_t key_len, const char *value,
    size_t value_len, bool decode)
{
	struct bh_buf k = BH_BUF(1 << 18), v = BH_BUF(1 << 18);

	bh_buf_puts(&k, "");
	bh_buf_puts(&v, "");
	if (decode) {
		encode_again(&k, key, key_len);
		encode_again(&v, value, value_len);
	} else {
		sign_encode(&k, key, key_len, false);
		sign_encode(&v, value, value_len, false);
	}
	return (struct parameter){ k.data, v.data };
}

int
canonical_query(struct bh_buf *out, const char *query,
    const struct bh_pair *extra, size_t extra_count)
{
	struct parameter *list = aws_calloc(PARAMETERS_MAX, sizeof(*list));
	size_t count = 0;
	int ret = BH_OK;

	for (const char *p = query != NULL ? query : ""; *p != '\0';) {
		size_t n = strcspn(p, "&"), key = strcspn(p, "=&");

		if (n > 0 && count == PARAMETERS_MAX) {
			ret = BH_EINVAL;
			break;
		}
		if (n > 0) {
			bool has = key < n;

			list[count++] = make_parameter(p, key,
			    has ? p + key + 1 : "", has ? n - key - 1 : 0,
			    true);
		}
		p += n;
		p += *p == '&';
	}
	for (size_t i = 0; i < extra_count && ret == BH_OK; i++) {
		if (count == PARAMETERS_MAX) {
			ret = BH_EINVAL;
			break;
		}
		list[count++] = make_parameter(extra[i].name,
		    strlen(extra[i].name), extra[i].value,
		    strlen(extra[i].value), false);
	}
	for (size_t i = 0; i < count; i++)
		if (list[i].key == NULL || list[i].value == NULL)
			ret = BH_ENOMEM;
	if (ret == BH_OK && count > 0)
		qsort(list, count, sizeof(*list), by_key_then_value);
	for (size_t i = 0; i < count; i++) {
		if (ret == BH_OK)
			bh_buf_add(out, "%s%s=%s", i > 0 ? "&" : "",
			    list[i].key, list[i].value);
		free(list[i].key);
		free(list[i].value);
	}
	free(list);
	return ret;
}

/* Headers that something between the two ends may change or drop. */
static bool
never_signed(const char *name)
{
	static const char *const names[] = {
		"authorization", "connection", "expect", "keep-alive",
		"proxy-authorization", "te", "trailer", "transfer-encoding",
		"upgrade", "user-agent", "x-amzn-trace-id"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return strncasecmp(name, "sec-websocket-", 14) == 0;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' ||
	    c == '\v' || c == '\f';
}

/* Trims, and makes one space of each run of blanks.  A folded line counts as
 * one more value of its header: AWS's published cases join it by a comma. */
static void
put_value(struct bh_buf *out, const char *value)
{
	bool first = true;

	for (const char *p = value; *p != '\0';) {
		const char *start;
		bool folded = false;

		for (; blank(*p); p++)
			folded = folded || *p == '\n';
		for (start = p; *p != '\0' && !blank(*p);)
			p++;
		if (p > start && !first)
			bh_buf_puts(out, folded ? "," : " ");
		bh_buf_put(out, start, (size_t)(p - start));
		first = first && p == start;
	}
}

int
canonical_headers(struct bh_buf *out, struct bh_buf *names,
    const struct bh_pair *headers, size_t count)
{
	const struct bh_pair *sorted[HEADERS_MAX];
	size_t n = 0;

	/* Insertion keeps equal names in the order they were sent. */
	for (size_t i = 0; i < count; i++) {
		size_t at = n;

		if (never_signed(headers[i].name))
			continue;
		if (n == HEADERS_MAX)
			return BH_EINVAL;
		while (at > 0 && strcasecmp(sorted[at - 1]->name,
		    headers[i].name) > 0) {
			sorted[at] = sorted[at - 1];
			at--;
		}
		sorted[at] = &headers[i];
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		bool again = i > 0 && strcasecmp(sorted[i]->name,
		    sorted[i - 1]->name) == 0;

		if (again)
			bh_buf_puts(out, ",");
		else {
			if (i > 0) {
				bh_buf_puts(out, "\n");
				bh_buf_puts(names, ";");
			}
			for (const char *p = sorted[i]->name; *p; p++) {
				char c = *p >= 'A' && *p <= 'Z' ?
				    (char)(*p + 32) : *p;

				bh_buf_put(out, &c, 1);
				bh_buf_put(names, &c, 1);
			}
			bh_buf_puts(out, ":");
		}
		put_value(out, sorted[i]->value);
	}
	if (n > 0)
		bh_buf_puts(out, "\n");
	return BH_OK;
}
