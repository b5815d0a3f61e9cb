/* sign.h - AWS Signature Version 4, of a request given as a value.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pure function: no clock, no network, no state.  The signature may travel
 * in the Authorization header or in the query (a presigned URL).
 */

#ifndef AWS_SSO_SIGN_H
#define AWS_SSO_SIGN_H

#include <bellhop/plugin.h>

struct sign_request {
	const char *method;
	const char *path;		/* as it goes on the wire; "" is "/" */
	const char *query;		/* without "?"; NULL or "" if none */
	/* What is sent, Host included.  Values may hold folded lines.  Some
	 * headers that proxies change (User-Agent, Connection ...) are sent
	 * but never signed. */
	const struct bh_pair *headers;
	size_t headers_count;
	const void *body;
	size_t body_len;

	const char *region, *service;	/* "eu-west-1", "sso" */
	const char *access_key, *secret_key;
	const char *token;		/* of temporary credentials, or NULL */
	int64_t date;			/* ms since 1970, cut to seconds */

	bool in_query;			/* presign instead of Authorization */
	int64_t expires;		/* seconds, of a presigned request */
	bool normalize;			/* resolve "..", ".", "//" in the path */
	bool encode_twice;		/* encode the path again: all but S3 */
	bool omit_token;		/* send the token, do not sign it */
	bool body_header;		/* add and sign X-Amz-Content-Sha256 */
};

/* What came of it.  Release with sign_release(). */
struct sign_result {
	struct bh_buf canonical;	/* the canonical request */
	struct bh_buf to_sign;		/* the string to sign */
	char signature[65];		/* hex */
	char date[17];			/* "20150830T123600Z" */
	char body_hash[65];		/* hex */
	/* In the header: "Name: value" lines to add to the request, in the
	 * order X-Amz-Security-Token, X-Amz-Date, X-Amz-Content-Sha256,
	 * Authorization; NULL-terminated. */
	char *headers[5];
	/* In the query: the whole query, with the signature. */
	struct bh_buf query;
};

/* BH_OK; BH_EINVAL when a member is missing or out of range; BH_ENOMEM. */
int sign_request(const struct sign_request *request, struct sign_result *out);

/* Wipes and frees; takes a zeroed result too. */
void sign_release(struct sign_result *result);

/* The parts, for canonical.c.  Each appends to `out`. */
void canonical_path(struct bh_buf *out, const char *path, bool normalize,
    bool encode_twice);
/* `extra` are parameters in plain text that are added before sorting. */
int canonical_query(struct bh_buf *out, const char *query,
    const struct bh_pair *extra, size_t extra_count);
/* "name:value\n" for each, then the names with ";" between in `names`. */
int canonical_headers(struct bh_buf *out, struct bh_buf *names,
    const struct bh_pair *headers, size_t count);

/* Percent-encodes all but A-Z a-z 0-9 - _ . ~, and "/" if `slash` is kept. */
void sign_encode(struct bh_buf *out, const char *text, size_t len,
    bool keep_slash);

/* Lower-case hex of SHA-256; `hex` holds 65 bytes. */
void sign_sha256(char *hex, const void *data, size_t len);

#endif
