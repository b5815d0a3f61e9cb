/* sigv4.c - fuzz target: requests in their canonical form, and signed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: lines: path, query, then headers "name: value" up to an empty line;
 * the rest is the body.
 */

#include "plugins/aws-sso/aws/sign.h"
#include "tests/fuzz/fuzz.h"

#define HEADERS	16u

static void
look_at_query(const char *query)
{
	struct bh_buf once = BH_BUF(1 << 22), twice = BH_BUF(1 << 22);

	if (canonical_query(&once, query, NULL, 0) == 0) {
		/* It has but one form. */
		check(canonical_query(&twice, bh_buf_text(&once), NULL,
		    0) == 0);
		check(strcmp(bh_buf_text(&once), bh_buf_text(&twice)) == 0);
		for (const char *p = bh_buf_text(&once); *p != '\0'; p++)
			check(*p > ' ' && *p < 0x7f);
	}
	bh_buf_release(&once);
	bh_buf_release(&twice);
}

static void
look_at_path(const char *path, bool normalize)
{
	struct bh_buf out = BH_BUF(1 << 22);

	canonical_path(&out, path, normalize, false);
	check(out.len > 0);
	for (const char *p = bh_buf_text(&out); *p != '\0'; p++)
		check(*p > ' ' && *p < 0x7f);
	if (normalize) {
		size_t n = out.len;
		const char *text = bh_buf_text(&out);

		check(text[0] == '/');
		check(strstr(text, "//") == NULL);
		check(strstr(text, "/../") == NULL);
		check(n < 3 || strcmp(text + n - 3, "/..") != 0);
	}
	bh_buf_release(&out);
}

static void
sign(const struct sign_request *request)
{
	struct sign_result a = { 0 }, b = { 0 };
	int ret = sign_request(request, &a);

	check(ret == sign_request(request, &b));
	if (ret == 0) {
		check(strlen(a.signature) == 64);
		check(strcmp(a.signature, b.signature) == 0);
		check(strcmp(bh_buf_text(&a.canonical),
		    bh_buf_text(&b.canonical)) == 0);
		/* The secret is in nothing that leaves. */
		if (strstr(request->query, request->secret_key) == NULL)
			check(strstr(bh_buf_text(&a.query),
			    request->secret_key) == NULL);
	}
	sign_release(&a);
	sign_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bh_pair headers[HEADERS + 1] = { { "host",
	    "sso.eu-west-1.amazonaws.com" } };
	char *lines[HEADERS], *path = fuzz_line(&data, &len),
	    *query = fuzz_line(&data, &len);
	size_t count = 1;
	struct sign_request request = { .method = "POST", .path = path,
	    .query = query, .headers = headers, .region = "eu-west-1",
	    .service = "sso", .access_key = "AKIDBELLHOPEXAMPLE01",
	    .secret_key = "\x01not-in-any-seed\x02",
	    .date = INT64_C(1767607200000), .expires = 900 };

	while (len > 0 && count <= HEADERS) {
		char *line = fuzz_line(&data, &len), *colon;

		if (*line == '\0' || (colon = strchr(line, ':')) == NULL) {
			free(line);
			break;
		}
		*colon = '\0';
		lines[count - 1] = line;
		headers[count++] = (struct bh_pair){ line, colon + 1 };
	}
	request.headers_count = count;
	request.body = data;
	request.body_len = len;
	look_at_query(query);
	look_at_path(path, false);
	look_at_path(path, true);
	/* Signing is slow, so that each input tries two ways of eight. */
	request.normalize = (len & 1) != 0;
	request.encode_twice = (len & 2) != 0;
	request.token = (len & 4) != 0 ? "a+token/of=mine" : NULL;
	sign(&request);
	request.in_query = true;
	sign(&request);
	for (size_t i = 1; i < count; i++)
		free(lines[i - 1]);
	free(path);
	free(query);
	return 0;
}
