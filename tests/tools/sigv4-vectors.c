/* sigv4-vectors.c - runs AWS's published signing cases against our signer.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   sigv4-vectors DIR...
 *
 * Each directory at or below DIR that holds a context.json is a case:
 * request.txt is signed as context.json says, once in the headers and once in
 * the query, and compared with header-* and query-*: canonical-request,
 * string-to-sign, signature and signed-request.  Headers and parameters of a
 * signed request may stand in any order.
 */

#include <dirent.h>
#include <strings.h>
#include <sys/stat.h>

#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/value.h"
#include "plugins/aws-sso/aws/sign.h"
#include "plugins/aws-sso/aws/text.h"

#define FILE_MAX	((size_t)1 << 20)
#define HEADERS_MAX	64

static unsigned passed, failed;

/* An HTTP request as text, taken apart in place. */
struct request {
	char *text, *method, *path, *query, *body;
	size_t body_len;
	struct bh_pair headers[HEADERS_MAX];
	size_t count;
};

static char *
read_text(const char *dir, const char *name, size_t *len)
{
	BH_AUTO_BUF struct bh_buf path = BH_BUF(4096);
	struct bh_buf text = BH_BUF(FILE_MAX);
	char part[4096];
	size_t n;
	FILE *f;

	bh_buf_add(&path, "%s/%s", dir, name);
	if ((f = fopen(bh_buf_text(&path), "r")) == NULL)
		return NULL;
	bh_buf_puts(&text, "");
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		bh_buf_put(&text, part, n);
	fclose(f);
	if (len != NULL)
		*len = text.len;
	return text.data;
}

/* Ends the line at `p` and returns where the next one begins. */
static char *
end_line(char *p)
{
	char *end = p + strcspn(p, "\n");
	char *next = *end == '\n' ? end + 1 : end;

	if (end > p && end[-1] == '\r')
		end[-1] = '\0';
	*end = '\0';
	return next;
}

/* Where a header ends: lines that begin with a blank go on with it. */
static char *
end_header(char *p)
{
	for (char *q = p;; q++) {
		q += strcspn(q, "\n");
		if (*q == '\0' || (q[1] != ' ' && q[1] != '\t'))
			return end_line(q > p && q[-1] == '\r' ? q - 1 : q);
	}
}

static bool
take_apart(struct request *request, char *text, size_t len)
{
	char *p = text, *target, *last, *end = text + len;

	memset(request, 0, sizeof(*request));
	request->text = text;
	request->method = p;
	p = end_line(p);
	if ((target = strchr(request->method, ' ')) == NULL ||
	    (last = strrchr(target + 1, ' ')) == NULL)
		return false;
	*target++ = *last = '\0';
	request->path = target;
	request->query = strchr(target, '?');
	if (request->query != NULL)
		*request->query++ = '\0';
	while (p < end && *p != '\n' && *p != '\r') {
		char *name = p, *colon = strchr(p, ':');

		p = end_header(p);
		if (colon == NULL || colon >= p ||
		    request->count == HEADERS_MAX)
			return false;
		*colon = '\0';
		request->headers[request->count++] =
		    (struct bh_pair){ name, colon + 1 };
	}
	if (p < end)
		p = end_line(p);
	request->body = p;
	request->body_len = (size_t)(end - p);
	for (size_t i = 0; i < request->count; i++)
		if (strcasecmp(request->headers[i].name,
		    "content-length") == 0) {
			size_t said = strtoul(request->headers[i].value, NULL,
			    10);

			if (said < request->body_len)
				request->body_len = said;
		}
	return true;
}

/* How long a text is without the newlines that editors leave at its end. */
static size_t
length(const char *text)
{
	size_t n = strlen(text);

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	return n;
}

static bool
differs(const char *name, const char *what, const char *expected,
    const char *got)
{
	size_t n = length(expected), m = length(got);

	if (n == m && memcmp(expected, got, n) == 0)
		return false;
	printf("FAILED %s: %s\n--- expected\n%.*s\n--- got\n%.*s\n---\n",
	    name, what, (int)n, expected, (int)m, got);
	return true;
}

/* A request in one canonical order, so that two can be compared. */
static char *
ordered(const struct request *request)
{
	struct bh_buf out = BH_BUF(FILE_MAX);
	BH_AUTO_BUF struct bh_buf names = BH_BUF(FILE_MAX);
	struct bh_pair headers[HEADERS_MAX];

	bh_buf_add(&out, "%s ", request->method);
	canonical_path(&out, request->path, false, true);
	bh_buf_puts(&out, "?");
	canonical_query(&out, request->query, NULL, 0);
	bh_buf_puts(&out, "\n");
	/* Authorization is never canonical: compare it under another name. */
	for (size_t i = 0; i < request->count; i++) {
		headers[i] = request->headers[i];
		if (strcasecmp(headers[i].name, "authorization") == 0)
			headers[i].name = "the-authorization";
	}
	canonical_headers(&out, &names, headers, request->count);
	bh_buf_puts(&out, "\n");
	bh_buf_put(&out, request->body, request->body_len);
	return out.data;
}

static bool
signed_differs(const char *dir, const char *name, const char *file,
    const struct request *request, struct sign_result *signature)
{
	struct request wanted, got = *request;
	size_t len;
	char *text = read_text(dir, file, &len);
	bool bad;

	if (text == NULL)
		return false;
	if (!take_apart(&wanted, text, len)) {
		printf("FAILED %s: %s cannot be read\n", name, file);
		free(text);
		return true;
	}
	if (signature->query.len > 0)
		got.query = signature->query.data;
	for (size_t i = 0; signature->headers[i] != NULL; i++) {
		char *line = signature->headers[i];
		char *colon = strchr(line, ':');

		if (got.count == HEADERS_MAX)
			break;
		*colon = '\0';
		got.headers[got.count++] = (struct bh_pair){ line, colon + 1 };
	}

	char *a = ordered(&wanted), *b = ordered(&got);

	bad = differs(name, file, a, b);
	free(a);
	free(b);
	free(text);
	return bad;
}

/* Compares what `mode` ("header", "query") has files for. */
static bool
run_mode(const char *dir, const char *name, const char *mode,
    const struct request *request, struct sign_request *what, unsigned *files)
{
	struct sign_result signature;
	const char *const parts[] = { "canonical-request", "string-to-sign",
		"signature" };
	bool bad = false;
	int ret;

	what->in_query = strcmp(mode, "query") == 0;
	ret = sign_request(what, &signature);
	if (ret != BH_OK) {
		printf("FAILED %s: cannot be signed (%d)\n", name, ret);
		return false;
	}

	const char *const got[] = { bh_buf_text(&signature.canonical),
		bh_buf_text(&signature.to_sign), signature.signature };

	for (size_t i = 0; i < 3 && !bad; i++) {
		BH_AUTO_BUF struct bh_buf file = BH_BUF(256);
		char *expected;

		bh_buf_add(&file, "%s-%s.txt", mode, parts[i]);
		expected = read_text(dir, bh_buf_text(&file), NULL);
		if (expected != NULL) {
			++*files;
			bad = differs(name, bh_buf_text(&file), expected,
			    got[i]);
		}
		free(expected);
	}
	if (!bad)
		bad = signed_differs(dir, name, what->in_query ?
		    "query-signed-request.txt" : "header-signed-request.txt",
		    request, &signature);
	sign_release(&signature);
	return !bad;
}

static bool
run_case(const char *dir, const char *name)
{
	size_t len = 0, context_len = 0;
	char *context_text = read_text(dir, "context.json", &context_len);
	char *text = read_text(dir, "request.txt", &len);
	const char *error = "request.txt is missing";
	struct bh_value *context = NULL;
	struct sign_request what = { 0 };
	struct request request;
	unsigned files = 0;
	bool ok = false;

	if (text != NULL)
		context = json_parse(context_text, context_len, &error);
	if (context != NULL) {
		const struct bh_value *keys = bh_get(context, "credentials");

		what.region = bh_get_text(context, "region");
		what.service = bh_get_text(context, "service");
		what.access_key = bh_get_text(keys, "access_key_id");
		what.secret_key = bh_get_text(keys, "secret_access_key");
		what.token = bh_get_text(keys, "token");
		what.expires = (int64_t)bh_get_number(context,
		    "expiration_in_seconds", 3600);
		what.normalize = bh_get_bool(context, "normalize", true);
		what.encode_twice = bh_get_bool(context,
		    "use_double_uri_encode", what.service == NULL ||
		    strcmp(what.service, "s3") != 0);
		what.body_header = bh_get_bool(context, "sign_body", false);
		what.omit_token = bh_get_bool(context, "omit_session_token",
		    false);
		error = "request.txt or the timestamp cannot be read";
		what.date = text_iso_time(bh_get_text(context, "timestamp"));
		ok = take_apart(&request, text, len) && what.date > 0;
	}
	if (!ok)
		printf("FAILED %s: %s\n", name, error);
	else {
		what.method = request.method;
		what.path = request.path;
		what.query = request.query;
		what.headers = request.headers;
		what.headers_count = request.count;
		what.body = request.body;
		what.body_len = request.body_len;
		ok = run_mode(dir, name, "header", &request, &what, &files) &&
		    run_mode(dir, name, "query", &request, &what, &files);
	}
	if (ok && files == 0) {
		printf("FAILED %s: nothing to compare with\n", name);
		ok = false;
	}
	value_free(context);
	free(context_text);
	free(text);
	return ok;
}

static void
walk(const char *dir, const char *name, int depth)
{
	BH_AUTO_BUF struct bh_buf path = BH_BUF(4096);
	struct dirent **list = NULL;
	struct stat st;
	int n;

	bh_buf_add(&path, "%s/context.json", dir);
	if (stat(bh_buf_text(&path), &st) == 0) {
		bool ok = run_case(dir, name);

		if (ok)
			printf("ok %s\n", name);
		*(ok ? &passed : &failed) += 1;
		return;
	}
	if (depth == 0 || (n = scandir(dir, &list, NULL, alphasort)) < 0)
		return;
	for (int i = 0; i < n; i++) {
		bh_buf_clear(&path);
		bh_buf_add(&path, "%s/%s", dir, list[i]->d_name);
		if (list[i]->d_name[0] != '.' &&
		    stat(bh_buf_text(&path), &st) == 0 && S_ISDIR(st.st_mode))
			walk(bh_buf_text(&path), list[i]->d_name, depth - 1);
		free(list[i]);
	}
	free(list);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: sigv4-vectors DIR...\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		walk(argv[i], argv[i], 3);
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
