/* fetch.c - gets credentials once: base first, then role after role.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/fetch.h"

#include "plugins/aws-sso/aws/endpoint.h"
#include "plugins/aws-sso/aws/memory.h"
#include "plugins/aws-sso/aws/profile.h"
#include "plugins/aws-sso/aws/sign.h"
#include "plugins/aws-sso/aws/sts.h"
#include "plugins/aws-sso/aws/text.h"

#define FETCH_MAGIC	0xfe7c4001u
#define WORDS_MAX	64
#define TOKEN_MAX	((size_t)1 << 17)

struct fetch {
	unsigned magic;
	struct bh_host *host;
	const struct credentials_options *options;
	int64_t clock_offset;
	fetch_cb *cb;
	void *arg;
	struct plan plan;
	struct keys keys;		/* so far */
	size_t role;			/* the next of plan.roles */
	char *instance_token;		/* of the metadata service */
	struct bh_xfer *xfer;
	struct bh_timer *timer;
};

static void step(struct fetch *f);

static void
fetch_free(struct fetch *f)
{
	if (f->timer != NULL)
		bh_cancel(f->host, f->timer);
	if (f->xfer != NULL)
		bh_http_cancel(f->host, f->xfer);
	plan_release(&f->plan);
	keys_wipe(&f->keys);
	aws_wipe(&f->instance_token);
	f->magic = 0;
	free(f);
}

void
fetch_cancel(struct fetch **fetch)
{
	struct fetch *f = *fetch;

	*fetch = NULL;
	if (f != NULL)
		fetch_free(f);
}

static void
finish(struct fetch *f, const char *error)
{
	f->cb(f->arg, &f->plan, error == NULL ? &f->keys : NULL, error);
	fetch_free(f);
}

static void BH_PRINTF(2, 3)
fail(struct fetch *f, const char *format, ...)
{
	AWS_AUTO_BUF struct bh_buf text = BH_BUF(1024);
	va_list ap;

	va_start(ap, format);
	bh_buf_vadd(&text, format, ap);
	va_end(ap);
	finish(f, bh_buf_text(&text));
}

static void
send(struct fetch *f, const char *method, const char *url,
    const char *const *headers, const struct bh_buf *body, int64_t timeout,
    bh_http_cb *cb)
{
	const struct bh_http request = {
		.method = method, .url = url, .headers = headers,
		.body = body != NULL ? bh_buf_text(body) : NULL,
		.body_len = body != NULL ? body->len : 0,
		.timeout = timeout, .max_answer = 256 * 1024
	};

	f->xfer = bh_http(f->host, &request, cb, f);
	if (f->xfer == NULL)
		fail(f, "cannot ask %s for credentials: not a URL", url);
}

/* JSON with the names that container, instance and programs share. */
static bool
take_json(struct fetch *f, const char *text, size_t len, const char *token)
{
	const char *error, *access, *secret, *expires;
	struct bh_value *v = bh_json(f->host, text, len, &error);
	bool ok;

	access = bh_get_text(v, "AccessKeyId");
	secret = bh_get_text(v, "SecretAccessKey");
	expires = bh_get_text(v, "Expiration");
	ok = access != NULL && secret != NULL &&
	    (expires == NULL || text_iso_time(expires) > 0);
	if (ok) {
		keys_wipe(&f->keys);
		f->keys.access = aws_strdup(access);
		f->keys.secret = aws_strdup(secret);
		f->keys.token = aws_strdup(bh_get_text(v, token));
		f->keys.expires = expires != NULL ? text_iso_time(expires) : 0;
	}
	bh_json_free(f->host, v);
	return ok;
}

/* --- STS ---------------------------------------------------------------- */

static void
sts_answer(void *arg, const struct bh_answer *answer)
{
	struct fetch *f = AWS_CAST(struct fetch, arg, FETCH_MAGIC);
	struct keys keys;

	f->xfer = NULL;
	if (answer->result != BH_OK) {
		fail(f, "STS cannot be reached: %s", answer->error);
		return;
	}
	if (answer->status != 200) {
		char *code = text_xml(answer->body, "Code");
		char *message = text_xml(answer->body, "Message");

		fail(f, "STS refused: %s%s%s", code != NULL ? code :
		    "no reason given", message != NULL ? ": " : "",
		    message != NULL ? message : "");
		free(code);
		free(message);
		return;
	}
	if (sts_credentials(answer->body, &keys) != BH_OK) {
		fail(f, "STS answered without credentials");
		return;
	}
	keys_wipe(&f->keys);
	f->keys = keys;
	step(f);
}

/* Signed with the keys so far, or unsigned when the token is the proof. */
static void
ask_sts(struct fetch *f, const char *operation, const struct bh_buf *fields,
    bool sign)
{
	AWS_AUTO_BUF struct bh_buf url = BH_BUF(2048);
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(TOKEN_MAX * 4);
	AWS_AUTO_BUF struct bh_buf host = BH_BUF(512);
	const char *region = f->options->region, *start, *path;
	const char *endpoint = f->options->endpoint;
	const char *headers[8] = {
		"Content-Type: application/x-www-form-urlencoded; "
		    "charset=utf-8"
	};
	struct sign_result signature;
	size_t n = 1;

	if (endpoint != NULL && strstr(endpoint, "://") == NULL &&
	    (endpoint = bh_lookup(f->host, endpoint)) == NULL) {
		fail(f, "the endpoint is a name that no open plugin has "
		    "published: correct endpoint");
		return;
	}
	endpoint_url(&url, AWS_STS, region, endpoint, f->options->profile);
	sts_form(&body, operation, bh_buf_text(fields));
	memset(&signature, 0, sizeof(signature));
	start = strstr(bh_buf_text(&url), "://");
	start = start != NULL ? start + 3 : bh_buf_text(&url);
	path = start + strcspn(start, "/");
	bh_buf_put(&host, start, (size_t)(path - start));
	if (sign) {
		const struct bh_pair signed_headers[] = {
			{ "host", bh_buf_text(&host) },
			{ "content-type", strchr(headers[0], ':') + 2 }
		};
		const struct sign_request request = {
			.method = "POST", .path = path, .normalize = true,
			.encode_twice = true, .headers = signed_headers,
			.headers_count = 2, .body = bh_buf_text(&body),
			.body_len = body.len, .region = region,
			.service = "sts", .access_key = f->keys.access,
			.secret_key = f->keys.secret, .token = f->keys.token,
			.date = bh_now(f->host) + f->clock_offset
		};

		if (sign_request(&request, &signature) != BH_OK) {
			fail(f, "the request to STS cannot be signed: a key "
			    "is empty or too long");
			return;
		}
		for (size_t i = 0; signature.headers[i] != NULL; i++)
			headers[n++] = signature.headers[i];
	}
	headers[n] = NULL;
	send(f, "POST", bh_buf_text(&url), headers, &body, 20000, sts_answer);
	sign_release(&signature);
}

static void
assume(struct fetch *f)
{
	AWS_AUTO_BUF struct bh_buf fields = BH_BUF(8192);

	sts_assume_role(&fields, &f->plan.roles[f->role++]);
	ask_sts(f, "AssumeRole", &fields, true);
}

/* The file is read each time: whoever writes it renews it. */
static void
web_identity(struct fetch *f)
{
	AWS_AUTO_BUF struct bh_buf fields = BH_BUF(TOKEN_MAX * 3);
	char *token = profiles_read_file(f->plan.token_file);

	if (token == NULL) {
		fail(f, "cannot read the web identity token \"%s\": look at "
		    "its path and rights", f->plan.token_file);
		return;
	}
	token[strcspn(token, "\r\n")] = '\0';
	sts_web_identity(&fields, &f->plan.web, token);
	aws_wipe(&token);
	ask_sts(f, "AssumeRoleWithWebIdentity", &fields, false);
}

/* --- a program ----------------------------------------------------------- */

int
fetch_words(const char *command, struct bh_buf *store, const char **words,
    size_t most)
{
	size_t starts[WORDS_MAX], count = 0;
	char quote = '\0';
	bool inside = false;

	for (const char *p = command;; p++) {
		bool end = *p == '\0';

		if (quote == '\0' && (end || *p == ' ' || *p == '\t')) {
			if (inside)
				bh_buf_put(store, "", 1);
			inside = false;
			if (end)
				break;
			continue;
		}
		if (end)
			return BH_EINVAL;
		if (!inside) {
			if (count == WORDS_MAX || count == most)
				return BH_EINVAL;
			starts[count++] = store->len;
			inside = true;
		}
		if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
		else if (*p == quote)
			quote = '\0';
		else {
			if (*p == '\\' && quote != '\'' && p[1] != '\0')
				p++;
			bh_buf_put(store, p, 1);
		}
	}
	if (store->overflow || count == 0)
		return BH_EINVAL;
	for (size_t i = 0; i < count; i++)
		words[i] = store->data + starts[i];
	return (int)count;
}

static void
process_done(void *arg, int result, const char *output, size_t len)
{
	struct fetch *f = AWS_CAST(struct fetch, arg, FETCH_MAGIC);

	if (result != BH_OK)
		fail(f, "credential_process failed: run it by hand to see why");
	else if (!take_json(f, output, len, "SessionToken"))
		fail(f, "credential_process did not print credentials in its "
		    "JSON form, version 1");
	else
		step(f);
}

static void
process(struct fetch *f)
{
	AWS_AUTO_BUF struct bh_buf store = BH_BUF(16384);
	const char *words[WORDS_MAX + 1] = { NULL };
	int n = fetch_words(f->plan.command, &store, words, WORDS_MAX);

	if (n < 0) {
		fail(f, "credential_process cannot be read: look at its "
		    "quotes");
		return;
	}
	if (bh_exec(f->host, words, 60000, process_done, f) < 0)
		fail(f, "credential_process \"%s\" cannot be started",
		    words[0]);
}

/* --- container and instance ------------------------------------------------ */

static void
role_answer(void *arg, const struct bh_answer *answer)
{
	struct fetch *f = AWS_CAST(struct fetch, arg, FETCH_MAGIC);

	f->xfer = NULL;
	if (answer->result != BH_OK)
		fail(f, "the %s's credentials cannot be reached: %s",
		    f->plan.name, answer->error);
	else if (answer->status != 200)
		fail(f, "the %s's credentials were refused with status %d",
		    f->plan.name, answer->status);
	else if (!take_json(f, answer->body, answer->body_len, "Token"))
		fail(f, "the %s answered without credentials", f->plan.name);
	else
		step(f);
}

static void
container(struct fetch *f)
{
	AWS_AUTO_BUF struct bh_buf url = BH_BUF(2048);
	AWS_AUTO_BUF struct bh_buf header = BH_BUF(TOKEN_MAX);
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *plain = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *headers[2] = { NULL, NULL }, *error;
	char *token = NULL;

	if (plan_container_url(&url, &error) != BH_OK) {
		fail(f, "%s", error);
		return;
	}
	if (file != NULL && *file != '\0') {
		if ((token = profiles_read_file(file)) == NULL) {
			fail(f, "cannot read the token \"%s\" of "
			    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file);
			return;
		}
		token[strcspn(token, "\r\n")] = '\0';
		plain = token;
	}
	if (plain != NULL && *plain != '\0' &&
	    plain[strcspn(plain, "\r\n")] == '\0') {
		bh_buf_add(&header, "Authorization: %s", plain);
		headers[0] = bh_buf_text(&header);
	}
	send(f, "GET", bh_buf_text(&url), headers, NULL, 2000, role_answer);
	aws_wipe(&token);
}

/* Version 2 of the metadata service: a token first, then the role's name,
 * then its keys.  Each asked for at most a second. */
static void
metadata(struct fetch *f, const char *method, const char *path,
    bh_http_cb *cb)
{
	AWS_AUTO_BUF struct bh_buf url = BH_BUF(2048);
	AWS_AUTO_BUF struct bh_buf header = BH_BUF(4096);
	const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	const char *headers[2] = { NULL, NULL };
	size_t len;

	if (base == NULL || *base == '\0')
		base = mode != NULL && strcasecmp(mode, "ipv6") == 0 ?
		    "http://[fd00:ec2::254]" : "http://169.254.169.254";
	len = strlen(base);
	while (len > 0 && base[len - 1] == '/')
		len--;
	bh_buf_put(&url, base, len);
	bh_buf_puts(&url, path);
	if (f->instance_token != NULL)
		bh_buf_add(&header, "X-aws-ec2-metadata-token: %s",
		    f->instance_token);
	else
		bh_buf_puts(&header,
		    "X-aws-ec2-metadata-token-ttl-seconds: 21600");
	headers[0] = bh_buf_text(&header);
	send(f, method, bh_buf_text(&url), headers, NULL, 1000, cb);
}

/* The one line that the metadata service answers with; NULL after fail(). */
static char *
metadata_line(struct fetch *f, const struct bh_answer *answer)
{
	size_t len = strcspn(answer->body, "\r\n");

	f->xfer = NULL;
	if (answer->result != BH_OK)
		fail(f, "no credentials found, and there is no instance "
		    "metadata service: %s", answer->error);
	else if (answer->status != 200 || len == 0)
		fail(f, "the instance metadata service refused with status "
		    "%d: has the instance a role?", answer->status);
	else
		return aws_strndup(answer->body, len);
	return NULL;
}

static void
instance_role(void *arg, const struct bh_answer *answer)
{
	struct fetch *f = AWS_CAST(struct fetch, arg, FETCH_MAGIC);
	AWS_AUTO_BUF struct bh_buf path = BH_BUF(1024);
	char *role = metadata_line(f, answer);

	if (role == NULL)
		return;
	bh_buf_puts(&path, "/latest/meta-data/iam/security-credentials/");
	sign_encode(&path, role, strlen(role), false);
	free(role);
	metadata(f, "GET", bh_buf_text(&path), role_answer);
}

static void
instance_token(void *arg, const struct bh_answer *answer)
{
	struct fetch *f = AWS_CAST(struct fetch, arg, FETCH_MAGIC);
	char *token = metadata_line(f, answer);

	if (token == NULL)
		return;
	f->instance_token = token;
	metadata(f, "GET", "/latest/meta-data/iam/security-credentials/",
	    instance_role);
}

/* --- the way along the plan --------------------------------------------------- */

static void
base(struct fetch *f)
{
	switch (f->plan.base) {
	case PLAN_STATIC:
		keys_copy(&f->keys, &f->plan.keys);
		step(f);
		break;
	case PLAN_WEB_IDENTITY:
		web_identity(f);
		break;
	case PLAN_PROCESS:
		process(f);
		break;
	case PLAN_CONTAINER:
		container(f);
		break;
	case PLAN_INSTANCE:
		metadata(f, "PUT", "/latest/api/token", instance_token);
		break;
	case PLAN_NONE:
		fail(f, "no AWS credentials found");
		break;
	}
}

static void
step(struct fetch *f)
{
	if (f->role < f->plan.roles_count)
		assume(f);
	else
		finish(f, NULL);
}

static void
begin(void *arg)
{
	struct fetch *f = AWS_CAST(struct fetch, arg, FETCH_MAGIC);
	char *error = NULL;

	f->timer = NULL;
	if (plan_make(&f->plan, f->options, &error) != BH_OK) {
		fail(f, "%s", error);
		free(error);
		return;
	}
	base(f);
}

struct fetch *
fetch_start(struct bh_host *host, const struct credentials_options *options,
    int64_t clock_offset, fetch_cb *cb, void *arg)
{
	struct fetch *f = AWS_NEW(struct fetch);

	f->magic = FETCH_MAGIC;
	f->host = host;
	f->options = options;
	f->clock_offset = clock_offset;
	f->cb = cb;
	f->arg = arg;
	f->timer = bh_after(host, 0, begin, f);
	return f;
}
