/* verify.c - checks Signature Version 4 of requests, as AWS does.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Written apart from the signer in aws-sso on purpose: two independent
 * readings of the specification that must agree.
 */

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "plugins/aws-sandbox/sandbox.h"

#define ALGORITHM	"AWS4-HMAC-SHA256"
#define SKEW_MS		(5 * 60 * 1000)

static const char *
header(const struct bh_http_in *in, const char *name)
{
	for (size_t i = 0; i < in->headers_count; i++)
		if (strcmp(in->headers[i].name, name) == 0)
			return in->headers[i].value;
	return NULL;
}

/* Appends the header's values, outer blanks cut and inner runs made one;
 * a header that came twice is joined by commas. */
static bool
canonical_header(struct bh_buf *b, const struct bh_http_in *in,
    const char *name)
{
	bool found = false;

	bh_buf_add(b, "%s:", name);
	for (size_t i = 0; i < in->headers_count; i++) {
		if (strcmp(in->headers[i].name, name) != 0)
			continue;
		if (found)
			bh_buf_puts(b, ",");
		found = true;

		const char *s = in->headers[i].value;
		size_t len;

		while (*s == ' ' || *s == '\t')
			s++;
		for (len = strlen(s); len > 0 && (s[len - 1] == ' ' ||
		    s[len - 1] == '\t'); len--)
			;
		for (size_t k = 0; k < len; k++)
			if (s[k] != ' ' || s[k - 1] != ' ')
				bh_buf_put(b, s + k, 1);
	}
	bh_buf_puts(b, "\n");
	return found;
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = (const char *const *)a;
	const char *const *y = (const char *const *)b;

	return strcmp(*x, *y);
}

/* The query, sorted; parameters come encoded already. */
static void
canonical_query(struct bh_buf *b, const char *query)
{
	char *parts[64], *copy, *save = NULL;
	size_t n = 0;

	if (query == NULL || *query == '\0')
		return;
	copy = copy_text(query);
	for (char *p = strtok_r(copy, "&", &save); p != NULL && n < 64;
	    p = strtok_r(NULL, "&", &save))
		parts[n++] = p;
	qsort(parts, n, sizeof(parts[0]), by_text);
	for (size_t i = 0; i < n; i++)
		bh_buf_add(b, "%s%s%s", i > 0 ? "&" : "", parts[i],
		    strchr(parts[i], '=') == NULL ? "=" : "");
	free(copy);
}

static bool
canonical_request(struct bh_buf *b, const struct bh_http_in *in,
    const char *signed_headers)
{
	char name[64], hash[65];
	bool all = true;

	bh_buf_add(b, "%s\n%s\n", in->method, in->path);
	canonical_query(b, in->query);
	bh_buf_puts(b, "\n");
	for (const char *s = signed_headers; *s != '\0';) {
		size_t len = strcspn(s, ";");

		snprintf(name, sizeof(name), "%.*s", (int)len, s);
		all = canonical_header(b, in, name) && all;
		s += len + (s[len] == ';');
	}
	sha256_hex_of(in->body != NULL ? in->body : "", in->body_len, hash);
	bh_buf_add(b, "\n%s\n%s", signed_headers, hash);
	return all && !b->overflow;
}

static void
hmac(const void *key, size_t key_len, const char *text, unsigned char out[32])
{
	unsigned int n = 0;

	if (HMAC(EVP_sha256(), key, (int)key_len,
	    (const unsigned char *)text, strlen(text), out, &n) == NULL ||
	    n != 32)
		abort();
}

bool
verify_signature(const struct bh_http_in *in, const char *secret,
    const char *signed_headers, const char *stamp, const char *scope,
    char out[65])
{
	struct bh_buf request = BH_BUF(1 << 20), text = BH_BUF(4096);
	unsigned char key[32], next[32];
	char hash[65], first[256];
	bool all = canonical_request(&request, in, signed_headers);

	sha256_hex_of(bh_buf_text(&request), request.len, hash);
	bh_buf_add(&text, "%s\n%s\n%s\n%s", ALGORITHM, stamp, scope, hash);

	/* The key is derived along the parts of the scope. */
	int n = snprintf(first, sizeof(first), "AWS4%s", secret);
	const void *from = first;
	size_t from_len = (size_t)n;

	for (const char *s = scope; *s != '\0';) {
		char part[64];
		size_t len = strcspn(s, "/");

		snprintf(part, sizeof(part), "%.*s", (int)len, s);
		hmac(from, from_len, part, next);
		memcpy(key, next, sizeof(key));
		from = key;
		from_len = sizeof(key);
		s += len + (s[len] == '/');
	}
	hmac(key, sizeof(key), bh_buf_text(&text), next);
	for (size_t i = 0; i < sizeof(next); i++)
		snprintf(out + 2 * i, 3, "%02x", next[i]);
	OPENSSL_cleanse(first, sizeof(first));
	OPENSSL_cleanse(key, sizeof(key));
	bh_buf_release(&request);
	bh_buf_release(&text);
	return all;
}

/* What an Authorization header says. */
struct claim {
	char key[64], date[9], region[32], service[32], scope[128];
	char headers[512], signature[65];
};

/* Copies what follows `name=` up to a comma or blank. */
static bool
claim_part(const char *text, const char *name, char *out, size_t size)
{
	const char *s = strstr(text, name);

	if (s == NULL)
		return false;
	s += strlen(name);

	size_t len = strcspn(s, ", ");

	if (len == 0 || len >= size)
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return true;
}

static bool
claim_parse(struct claim *k, const char *text)
{
	char credential[256], end[32];

	memset(k, 0, sizeof(*k));
	if (strncmp(text, ALGORITHM " ", sizeof(ALGORITHM)) != 0 ||
	    !claim_part(text, "Credential=", credential, sizeof(credential)) ||
	    !claim_part(text, "SignedHeaders=", k->headers,
	    sizeof(k->headers)) ||
	    !claim_part(text, "Signature=", k->signature,
	    sizeof(k->signature)))
		return false;
	if (sscanf(credential, "%63[^/]/%8[0-9]/%31[^/]/%31[^/]/%31s", k->key,
	    k->date, k->region, k->service, end) != 5 ||
	    strcmp(end, "aws4_request") != 0)
		return false;
	snprintf(k->scope, sizeof(k->scope), "%s", strchr(credential, '/') + 1);
	return true;
}

/* STS speaks with older names than the JSON services. */
static void
refuse(struct call *c, const char *json_code, const char *sts_code,
    const char *text)
{
	bool sts = c->op->service == STS;

	call_error(c, sts ? sts_code : json_code, "%s", text);
	c->status = sts ? 403 : 400;
}

static bool
signs(const struct claim *k, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = k->headers; (s = strstr(s, name)) != NULL; s++)
		if ((s == k->headers || s[-1] == ';') &&
		    (s[len] == ';' || s[len] == '\0'))
			return true;
	return false;
}

/* Host and every x-amz- header that came must be under the signature. */
static bool
signs_enough(const struct claim *k, const struct bh_http_in *in)
{
	if (!signs(k, "host"))
		return false;
	for (size_t i = 0; i < in->headers_count; i++)
		if (strncmp(in->headers[i].name, "x-amz-", 6) == 0 &&
		    !signs(k, in->headers[i].name))
			return false;
	return true;
}

static bool
time_right(struct call *c, const char *stamp)
{
	int64_t when, now = bh_now(c->sb->host);
	char nows[20], edge[20], text[160];

	if (!parse_stamp(stamp, &when)) {
		refuse(c, "IncompleteSignatureException",
		    "IncompleteSignature", "Date must be in ISO-8601 'basic "
		    "format', like 20260105T100000Z");
		return false;
	}
	if (when >= now - SKEW_MS && when <= now + SKEW_MS)
		return true;
	format_stamp(nows, now);
	format_stamp(edge, when < now ? now - SKEW_MS : now + SKEW_MS);
	snprintf(text, sizeof(text), when < now ?
	    "Signature expired: %s is now earlier than %s (%s - 5 min.)" :
	    "Signature not yet current: %s is still later than %s "
	    "(%s + 5 min.)", stamp, edge, nows);
	refuse(c, "InvalidSignatureException", "SignatureDoesNotMatch", text);
	return false;
}

/* Finds the secret of the key and who it belongs to. */
static const char *
secret_of(struct call *c, const struct claim *k, const char *token)
{
	static const char invalid[] =
	    "The security token included in the request is invalid.";
	struct sandbox *sb = c->sb;

	if (strcmp(k->key, sb->key) == 0 && token == NULL) {
		c->caller.account = sb->home;
		snprintf(c->caller.arn, sizeof(c->caller.arn),
		    "arn:aws:iam::%s:user/bellhop",
		    sb->accounts.at[sb->home].id);
		set_text(c->caller.user_id, sizeof(c->caller.user_id),
		    "AIDASANDBOXBELLHOP01");
		return sb->secret;
	}
	for (size_t i = 0; i < sb->sessions.count; i++) {
		struct session *s = &sb->sessions.at[i];

		if (strcmp(s->key, k->key) != 0)
			continue;
		if (token == NULL || strlen(token) != strlen(s->token) ||
		    CRYPTO_memcmp(token, s->token, strlen(token)) != 0)
			break;
		if (s->expires <= bh_now(sb->host)) {
			refuse(c, "ExpiredTokenException", "ExpiredToken",
			    "The security token included in the request is "
			    "expired");
			return NULL;
		}
		c->caller = s->caller;
		return s->secret;
	}
	refuse(c, "UnrecognizedClientException", "InvalidClientTokenId",
	    invalid);
	return NULL;
}

static bool
scope_right(struct call *c, const struct claim *k, const char *stamp)
{
	static const char *const names[] = { "sso", "identitystore",
	    "organizations", "sts" };
	char text[160];

	if (strncmp(k->date, stamp, 8) != 0)
		snprintf(text, sizeof(text), "Date in Credential scope does "
		    "not match YYYYMMDD from ISO-8601 version of date from "
		    "HTTP: '%s' != '%.8s'", k->date, stamp);
	else if (strcmp(k->service, names[c->op->service]) != 0)
		snprintf(text, sizeof(text), "Credential should be scoped to "
		    "correct service: '%s'.", names[c->op->service]);
	else
		return true;
	refuse(c, "InvalidSignatureException", "SignatureDoesNotMatch", text);
	return false;
}

int
verify_call(struct call *c, const struct bh_http_in *in)
{
	const char *authorization = header(in, "authorization");
	const char *stamp = header(in, "x-amz-date");
	const char *secret;
	struct claim k;
	char hash[65], signature[65];

	c->caller.account = -1;
	if (authorization == NULL) {
		refuse(c, "MissingAuthenticationTokenException",
		    "MissingAuthenticationToken",
		    "Missing Authentication Token");
		return BH_EPERM;
	}
	if (!claim_parse(&k, authorization) || stamp == NULL) {
		refuse(c, "IncompleteSignatureException",
		    "IncompleteSignature", "Authorization header requires "
		    "'Credential', 'SignedHeaders' and 'Signature' "
		    "parameters, and an 'X-Amz-Date' header");
		return BH_EPERM;
	}
	set_text(c->region, sizeof(c->region), k.region);
	set_text(c->signed_date, sizeof(c->signed_date), stamp);
	secret = secret_of(c, &k, header(in, "x-amz-security-token"));
	if (secret == NULL || !time_right(c, stamp) ||
	    !scope_right(c, &k, stamp))
		return BH_EPERM;

	/* A body hash that is sent must be the body's. */
	const char *sent = header(in, "x-amz-content-sha256");

	sha256_hex_of(in->body != NULL ? in->body : "", in->body_len, hash);
	bool whole = sent == NULL || strcmp(sent, hash) == 0;

	if (!verify_signature(in, secret, k.headers, stamp, k.scope,
	    signature) || !whole || !signs_enough(&k, in) ||
	    strlen(k.signature) != 64 ||
	    CRYPTO_memcmp(signature, k.signature, 64) != 0) {
		refuse(c, "InvalidSignatureException",
		    "SignatureDoesNotMatch", "The request signature we "
		    "calculated does not match the signature you provided. "
		    "Check your AWS Secret Access Key and signing method. "
		    "Consult the service documentation for details.");
		return BH_EPERM;
	}
	return BH_OK;
}
