/* sign.c - AWS Signature Version 4 on OpenSSL's SHA-256 and HMAC.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/sign.h"

#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "plugins/aws-sso/aws/memory.h"

#define ALGORITHM	"AWS4-HMAC-SHA256"
#define TEXT_MAX	((size_t)1 << 20)
#define HASH		32

static void
to_hex(char *hex, const unsigned char *data)
{
	for (size_t i = 0; i < HASH; i++) {
		hex[2 * i] = "0123456789abcdef"[data[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
	}
	hex[2 * HASH] = '\0';
}

void
sign_sha256(char *hex, const void *data, size_t len)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	int ok = EVP_Digest(len > 0 ? data : "", len, sum, NULL, EVP_sha256(),
	    NULL);

	assert(ok == 1);
	to_hex(hex, sum);
}

static void
mac(unsigned char *out, const void *key, size_t key_len, const char *text)
{
	unsigned char *p = HMAC(EVP_sha256(), key, (int)key_len,
	    (const unsigned char *)text, strlen(text), out, NULL);

	assert(p != NULL);
}

/* The key is derived anew each time: four HMACs cost two microseconds, a
 * cache would be one more place that holds a secret. */
static void
sign_text(char *hex, const struct sign_request *request, const char *day,
    const char *text)
{
	struct bh_buf first = BH_BUF(4096);
	unsigned char key[EVP_MAX_MD_SIZE];

	bh_buf_add(&first, "AWS4%s", request->secret_key);
	mac(key, bh_buf_text(&first), first.len, day);
	mac(key, key, HASH, request->region);
	mac(key, key, HASH, request->service);
	mac(key, key, HASH, "aws4_request");
	mac(key, key, HASH, text);
	to_hex(hex, key);
	OPENSSL_cleanse(key, sizeof(key));
	if (first.data != NULL)
		OPENSSL_cleanse(first.data, first.size);
	bh_buf_release(&first);
}

static bool
put_date(char *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	return ms >= 0 && gmtime_r(&seconds, &tm) != NULL &&
	    strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm) == 16;
}

static bool
complete(const struct sign_request *request)
{
	return request->method != NULL && request->path != NULL &&
	    request->region != NULL && request->service != NULL &&
	    request->access_key != NULL && request->secret_key != NULL &&
	    strlen(request->secret_key) < 1024 &&
	    (request->headers_count == 0 || request->headers != NULL) &&
	    (!request->in_query ||
	    (request->expires > 0 && request->expires <= 604800));
}

/* The headers of the request and those that the signature itself adds. */
static struct bh_pair *
all_headers(const struct sign_request *request, const struct sign_result *out,
    bool sign_token, size_t *count)
{
	struct bh_pair *all = aws_calloc(request->headers_count + 3,
	    sizeof(*all));
	size_t n = request->headers_count;

	if (n > 0)
		memcpy(all, request->headers, n * sizeof(*all));
	if (!request->in_query) {
		all[n++] = (struct bh_pair){ "x-amz-date", out->date };
		if (sign_token)
			all[n++] = (struct bh_pair){ "x-amz-security-token",
			    request->token };
		if (request->body_header)
			all[n++] = (struct bh_pair){ "x-amz-content-sha256",
			    out->body_hash };
	}
	*count = n;
	return all;
}

static char *
header_line(const char *name, const char *value)
{
	struct bh_buf line = BH_BUF(TEXT_MAX);

	bh_buf_add(&line, "%s: %s", name, value);
	return line.data;
}

static void
put_headers(const struct sign_request *request, struct sign_result *out,
    bool token, const char *scope, const char *names)
{
	struct bh_buf line = BH_BUF(TEXT_MAX);
	size_t n = 0;

	if (token)
		out->headers[n++] = header_line("X-Amz-Security-Token",
		    request->token);
	out->headers[n++] = header_line("X-Amz-Date", out->date);
	if (request->body_header)
		out->headers[n++] = header_line("X-Amz-Content-Sha256",
		    out->body_hash);
	bh_buf_add(&line, "Authorization: " ALGORITHM " Credential=%s/%s, "
	    "SignedHeaders=%s, Signature=%s", request->access_key, scope,
	    names, out->signature);
	out->headers[n] = line.data;
}

/* The query as it is sent: what the caller had, then ours. */
static void
put_query(const struct sign_request *request, struct sign_result *out,
    const struct bh_pair *extra, size_t count, bool add_token)
{
	struct bh_buf *query = &out->query;

	if (request->query != NULL && *request->query != '\0') {
		bh_buf_puts(query, request->query);
		bh_buf_puts(query, "&");
	}
	for (size_t i = 0; i < count; i++) {
		bh_buf_add(query, "%s=", extra[i].name);
		sign_encode(query, extra[i].value, strlen(extra[i].value),
		    false);
		bh_buf_puts(query, "&");
	}
	bh_buf_add(query, "X-Amz-Signature=%s", out->signature);
	if (add_token) {
		bh_buf_puts(query, "&X-Amz-Security-Token=");
		sign_encode(query, request->token, strlen(request->token),
		    false);
	}
}

int
sign_request(const struct sign_request *request, struct sign_result *out)
{
	bool has_token = request->token != NULL && *request->token != '\0';
	bool sign_token = has_token && !request->omit_token;
	struct bh_buf canonical = BH_BUF(TEXT_MAX), names = BH_BUF(TEXT_MAX);
	struct bh_buf lines = BH_BUF(TEXT_MAX), scope = BH_BUF(1024);
	struct bh_buf credential = BH_BUF(2048);
	char day[9], expires[24], hash[65];
	size_t count, extras = 0;
	int ret;

	memset(out, 0, sizeof(*out));
	if (!complete(request) || !put_date(out->date, request->date))
		return BH_EINVAL;
	snprintf(day, sizeof(day), "%.8s", out->date);
	snprintf(expires, sizeof(expires), "%lld", (long long)request->expires);
	sign_sha256(out->body_hash, request->body, request->body_len);
	bh_buf_add(&scope, "%s/%s/%s/aws4_request", day, request->region,
	    request->service);
	bh_buf_add(&credential, "%s/%s", request->access_key,
	    bh_buf_text(&scope));

	struct bh_pair *all = all_headers(request, out, sign_token, &count);

	ret = canonical_headers(&lines, &names, all, count);
	free(all);

	struct bh_pair extra[6];

	if (request->in_query) {
		extra[extras++] = (struct bh_pair){ "X-Amz-Algorithm",
		    ALGORITHM };
		extra[extras++] = (struct bh_pair){ "X-Amz-Credential",
		    bh_buf_text(&credential) };
		extra[extras++] = (struct bh_pair){ "X-Amz-Date", out->date };
		extra[extras++] = (struct bh_pair){ "X-Amz-SignedHeaders",
		    bh_buf_text(&names) };
		extra[extras++] = (struct bh_pair){ "X-Amz-Expires", expires };
		if (sign_token)
			extra[extras++] = (struct bh_pair){
			    "X-Amz-Security-Token", request->token };
	}
	bh_buf_add(&canonical, "%s\n", request->method);
	canonical_path(&canonical, request->path, request->normalize,
	    request->encode_twice);
	bh_buf_puts(&canonical, "\n");
	if (ret == BH_OK)
		ret = canonical_query(&canonical, request->query, extra,
		    extras);
	bh_buf_add(&canonical, "\n%s\n%s\n%s", bh_buf_text(&lines),
	    bh_buf_text(&names), out->body_hash);
	sign_sha256(hash, bh_buf_text(&canonical), canonical.len);

	struct bh_buf to_sign = BH_BUF(4096);

	bh_buf_add(&to_sign, ALGORITHM "\n%s\n%s\n%s", out->date,
	    bh_buf_text(&scope), hash);
	if (canonical.overflow || lines.overflow || names.overflow ||
	    scope.overflow || credential.overflow || to_sign.overflow)
		ret = ret == BH_OK ? BH_ENOMEM : ret;
	if (ret == BH_OK) {
		sign_text(out->signature, request, day, bh_buf_text(&to_sign));
		out->query.max = TEXT_MAX;
		if (request->in_query)
			put_query(request, out, extra, extras,
			    has_token && !sign_token);
		else
			put_headers(request, out, has_token,
			    bh_buf_text(&scope), bh_buf_text(&names));
	}
	out->canonical = canonical;
	out->to_sign = to_sign;
	bh_buf_release(&lines);
	bh_buf_release(&names);
	bh_buf_release(&scope);
	bh_buf_release(&credential);
	if (ret != BH_OK)
		sign_release(out);
	return ret;
}

static void
wipe_buf(struct bh_buf *b)
{
	if (b->data != NULL)
		OPENSSL_cleanse(b->data, b->size);
	bh_buf_release(b);
}

void
sign_release(struct sign_result *result)
{
	/* Session tokens stand in most of these. */
	wipe_buf(&result->canonical);
	wipe_buf(&result->to_sign);
	wipe_buf(&result->query);
	for (size_t i = 0; i < 5; i++)
		aws_wipe(&result->headers[i]);
	memset(result, 0, sizeof(*result));
}
