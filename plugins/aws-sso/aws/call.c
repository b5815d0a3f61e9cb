/* call.c - one AWS call: governed, signed, sent, understood, tried again.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   found the Identity Center? -> credentials -> governor -> sign -> send
 *        ^------------------- wait <- worth another try? <- answer
 *
 * A write (`once`) has its slot already, and goes straight to sign and send.
 */

#include "plugins/aws-sso/aws/call.h"

#include "plugins/aws-sso/aws/endpoint.h"
#include "plugins/aws-sso/aws/error.h"
#include "plugins/aws-sso/aws/sign.h"
#include "plugins/aws-sso/aws/state.h"
#include "plugins/aws-sso/aws/sts.h"
#include "plugins/aws-sso/aws/text.h"

#define CALL_MAGIC	0xca11aa05u
#define ATTEMPTS	3
#define TRANSIENT_BASE	50.0		/* ms, doubled each time */
#define THROTTLE_BASE	1000.0
#define WAIT_MOST	20000.0
#define BODY_MAX	((size_t)1 << 18)

struct aws_call {
	struct aws_task task;		/* first: see aws_task_new() */
	unsigned magic;
	struct aws *aws;
	struct aws_request request;	/* texts are ours */
	char *operation, *body;
	aws_call_cb *cb;
	void *arg;
	int attempt;
	bool clock_mended, keys_mended;
	char *access;			/* the key it was signed with */
	struct governor_wait *wait;
	struct bh_xfer *xfer;
	struct bh_timer *timer;
};

static void begin(void *arg);
static void send(void *arg);

static struct aws_call *
cast(void *arg)
{
	struct aws_call *call = arg;

	assert(call != NULL && call->magic == CALL_MAGIC);
	return call;
}

static void
drop_call(void *task)
{
	struct aws_call *call = cast(task);

	aws_ready_forget(call->aws, call);
	credentials_forget(call->aws->credentials, call);
	governor_cancel(call->aws->governor, &call->wait);
	if (call->timer != NULL)
		bh_cancel(call->aws->host, call->timer);
	if (call->xfer != NULL)
		bh_http_cancel(call->aws->host, call->xfer);
	free(call->operation);
	free(call->body);
	free(call->access);
	call->magic = 0;
}

struct aws_call *
aws_call(struct aws *aws, const struct aws_request *request, aws_call_cb *cb,
    void *arg)
{
	struct aws_call *call = aws_task_new(aws, sizeof(*call), drop_call);

	call->magic = CALL_MAGIC;
	call->aws = aws;
	call->request = *request;
	call->operation = aws_strdup(request->operation);
	call->body = aws_strdup(request->body);
	call->request.operation = call->operation;
	call->request.body = call->body;
	call->cb = cb;
	call->arg = arg;
	if (request->once)
		send(call);
	else
		call->timer = bh_after(aws->host, 0, begin, call);
	return call;
}

void
aws_call_cancel(struct aws_call **call)
{
	if (*call != NULL)
		aws_task_free(*call);
	*call = NULL;
}

static void
deliver(struct aws_call *call, const struct aws_answer *answer)
{
	if (answer->result != BH_OK)
		call->aws->figures.failed++;
	call->cb(call->arg, answer);
	aws_task_free(call);
}

/* Something of our own went wrong: nothing was sent. */
static void
not_sent(struct aws_call *call, int result, const char *message)
{
	const struct aws_answer answer = {
		.result = result, .message = message, .body = ""
	};

	deliver(call, &answer);
}

static void
not_sent_later(void *arg)
{
	struct aws_call *call = cast(arg);
	const char *error = NULL;

	call->timer = NULL;
	if (aws_url(call->aws, call->request.service, &error) == NULL)
		not_sent(call, BH_ENET, error);
	else if (credentials_now(call->aws->credentials) == NULL)
		not_sent(call, BH_EPERM, "there are no AWS credentials "
		    "just now");
	else
		not_sent(call, BH_EBUSY, "the request could not be made: the "
		    "Identity Center is not known yet, or a key is empty");
}

/* For a write: the callback must not run from inside aws_call(). */
static void
refuse(struct aws_call *call)
{
	call->timer = bh_after(call->aws->host, 0, not_sent_later, call);
}

static bool
needs_instance(const struct aws_call *call)
{
	return !call->request.bare &&
	    (call->request.service == AWS_SSO_ADMIN ||
	    call->request.service == AWS_IDENTITY_STORE);
}

static void
governed(void *arg)
{
	struct aws_call *call = cast(arg);

	call->wait = NULL;
	send(call);
}

static void
have_keys(void *arg, const struct keys *keys, const char *error)
{
	struct aws_call *call = cast(arg);

	if (keys == NULL) {
		not_sent(call, BH_EPERM, error);
		return;
	}
	call->wait = governor_wait(call->aws->governor, call->request.service,
	    call->operation, call->request.priority, false, governed, call);
}

static void
have_instance(void *arg, int result, const char *error)
{
	struct aws_call *call = cast(arg);

	if (result != BH_OK)
		not_sent(call, result, error);
	else
		credentials_get(call->aws->credentials, have_keys, call);
}

static void
begin(void *arg)
{
	struct aws_call *call = cast(arg);

	call->timer = NULL;
	if (needs_instance(call))
		aws_ready(call->aws, call->request.priority, have_instance,
		    call);
	else
		credentials_get(call->aws->credentials, have_keys, call);
}

/* --- answers ---------------------------------------------------------------- */

static void
try_again(struct aws_call *call, double base, int64_t at_least)
{
	uint32_t random;
	double wait = base, spread;

	for (int i = 1; i < call->attempt && wait < WAIT_MOST; i++)
		wait *= 2;
	if (wait > WAIT_MOST)
		wait = WAIT_MOST;
	bh_random(call->aws->host, &random, sizeof(random));
	spread = (double)random / 4294967296.0;
	/* AWS's own wish counts, five seconds more at most. */
	if (at_least > 0)
		wait = (double)at_least + spread * (wait < 5000 ? wait : 5000);
	else
		wait *= spread;
	call->timer = bh_after(call->aws->host, (int64_t)wait, begin, call);
}

/* Mends what can be mended, for this call and for those after it. */
static bool
mend(struct aws_call *call, const struct aws_answer *answer,
    const struct bh_answer *http)
{
	if (aws_error_is_skew(answer->error) && !call->clock_mended &&
	    aws_correct_clock(call->aws, bh_answer_header(http, "date"))) {
		call->clock_mended = true;
		return true;
	}
	if (aws_error_is_expired(answer->error) && !call->keys_mended &&
	    credentials_expired(call->aws->credentials, call->access)) {
		call->keys_mended = true;
		return true;
	}
	return false;
}

static bool
about_outstanding(const struct aws_answer *answer)
{
	return answer->message != NULL &&
	    strstr(answer->message, "requests processing") != NULL;
}

static void
answered(void *arg, const struct bh_answer *http)
{
	struct aws_call *call = cast(arg);
	struct aws *aws = call->aws;
	struct aws_parsed parsed;
	struct aws_answer *answer = &parsed.answer;
	bool throttled, transient;

	call->xfer = NULL;
	aws_parse_answer(&parsed, aws->host, call->request.service,
	    call->operation, http);
	throttled = aws_error_is_throttle(answer->error);
	transient = !answer->whole || answer->status >= 500 ||
	    (answer->status == 200 && !answer->well_formed);
	if (throttled) {
		aws->figures.throttled++;
		governor_throttled(aws->governor, call->request.service,
		    call->operation, answer->retry_after,
		    about_outstanding(answer));
	}
	if (answer->result == BH_OK && aws->retry_quota < 500)
		aws->retry_quota += 1;
	answer->mended = answer->result != BH_OK && mend(call, answer, http);
	if (call->request.once || http->result == BH_ECANCELLED)
		deliver(call, answer);
	else if (answer->mended) {
		aws->figures.retried++;
		begin(call);
	} else if ((throttled || transient) && call->attempt < ATTEMPTS &&
	    aws_may_retry(aws, throttled))
		try_again(call, throttled ? THROTTLE_BASE : TRANSIENT_BASE,
		    answer->retry_after);
	else
		deliver(call, answer);
	aws_parsed_release(&parsed, aws->host);
}

/* --- sending ---------------------------------------------------------------- */

static int
gate(void *arg)
{
	struct aws_call *call = cast(arg);

	return call->request.gate(call->arg);
}

static const char *
target(enum aws_service service)
{
	switch (service) {
	case AWS_SSO_ADMIN:
		return "SWBExternalService";
	case AWS_IDENTITY_STORE:
		return "AWSIdentityStore";
	case AWS_ORGANIZATIONS:
		return "AWSOrganizationsV20161128";
	case AWS_STS:
	case AWS_SERVICES:
		break;
	}
	return "";
}

static void
put_body(struct aws_call *call, struct bh_buf *body)
{
	const char *members = call->body != NULL ? call->body : "";

	if (call->request.service == AWS_STS) {
		sts_form(body, call->operation, members);
		return;
	}
	bh_buf_puts(body, "{");
	if (needs_instance(call)) {
		bool admin = call->request.service == AWS_SSO_ADMIN;

		bh_buf_puts(body, admin ? "\"InstanceArn\":" :
		    "\"IdentityStoreId\":");
		bh_buf_quote(body, admin ? call->aws->instance :
		    call->aws->identity_store);
		bh_buf_puts(body, *members != '\0' ? "," : "");
	}
	bh_buf_puts(body, members);
	bh_buf_puts(body, "}");
}

/* The Host header as an HTTP client writes it: without a port that goes
 * without saying. */
static const char *
put_host(struct bh_buf *host, const char *url)
{
	bool tls = strncmp(url, "https://", 8) == 0;
	const char *start = strstr(url, "://") + 3;
	size_t len = strcspn(start, "/?#");
	const char *path = start + len;
	const char *usual = tls ? ":443" : ":80";
	size_t n = strlen(usual);

	if (len > n && strncmp(start + len - n, usual, n) == 0)
		len -= n;
	bh_buf_put(host, start, len);
	return *path != '\0' ? path : "/";
}

static bool
post(struct aws_call *call, const char *url, const struct keys *keys)
{
	struct aws *aws = call->aws;
	const struct aws_request *r = &call->request;
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(BODY_MAX);
	AWS_AUTO_BUF struct bh_buf host = BH_BUF(512);
	AWS_AUTO_BUF struct bh_buf type = BH_BUF(128);
	AWS_AUTO_BUF struct bh_buf name = BH_BUF(256);
	const char *headers[8], *path;
	struct sign_result signature;
	size_t n = 0;

	path = put_host(&host, url);
	put_body(call, &body);
	bh_buf_puts(&type, r->service == AWS_STS ? "Content-Type: application/"
	    "x-www-form-urlencoded; charset=utf-8" :
	    "Content-Type: application/x-amz-json-1.1");
	bh_buf_add(&name, "X-Amz-Target: %s.%s", target(r->service),
	    call->operation);

	const struct bh_pair to_sign[] = {
		{ "host", bh_buf_text(&host) },
		{ "content-type", bh_buf_text(&type) + 14 },
		{ "x-amz-target", bh_buf_text(&name) + 14 }
	};
	const struct sign_request request = {
		.method = "POST", .path = path, .normalize = true,
		.encode_twice = true, .headers = to_sign,
		.headers_count = r->service == AWS_STS ? 2 : 3,
		.body = bh_buf_text(&body), .body_len = body.len,
		.region = endpoint_region(r->service, aws->region),
		.service = endpoint_signing_name(r->service),
		.access_key = keys->access, .secret_key = keys->secret,
		.token = keys->token,
		.date = (r->once && r->signed_at > 0 ? r->signed_at :
		    bh_now(aws->host)) + aws->clock_offset
	};

	if (body.overflow || host.overflow ||
	    sign_request(&request, &signature) != BH_OK)
		return false;
	headers[n++] = bh_buf_text(&type);
	if (r->service != AWS_STS)
		headers[n++] = bh_buf_text(&name);
	for (size_t i = 0; signature.headers[i] != NULL; i++)
		headers[n++] = signature.headers[i];
	headers[n] = NULL;

	const struct bh_http http = {
		.method = "POST", .url = url, .headers = headers,
		.body = bh_buf_text(&body), .body_len = body.len,
		.timeout = 30000, .max_answer = (size_t)4 << 20,
		.gate = r->gate != NULL ? gate : NULL
	};

	free(call->access);
	call->access = aws_strdup(keys->access);
	call->attempt++;
	call->xfer = bh_http(aws->host, &http, answered, call);
	sign_release(&signature);
	if (call->xfer != NULL)
		aws->figures.calls[r->service]++;
	return call->xfer != NULL;
}

static void
send(void *arg)
{
	struct aws_call *call = cast(arg);
	const struct keys *keys = credentials_now(call->aws->credentials);
	const char *error = NULL;
	const char *url = aws_url(call->aws, call->request.service, &error);

	if (keys == NULL && !call->request.once)
		credentials_get(call->aws->credentials, have_keys, call);
	else if (keys == NULL || url == NULL || strstr(url, "://") == NULL ||
	    (needs_instance(call) && (call->aws->instance == NULL ||
	    call->aws->identity_store == NULL)) || !post(call, url, keys))
		refuse(call);
}

/* --- pages ------------------------------------------------------------------ */

#define PAGES_MOST	20000

struct pages {
	struct aws_task task;
	struct aws *aws;
	struct aws_request request;
	char *operation, *body, *token;
	aws_page_cb *page;
	aws_call_cb *done;
	void *arg;
	unsigned count;
};

static void
drop_pages(void *task)
{
	struct pages *pages = task;

	free(pages->operation);
	free(pages->body);
	free(pages->token);
}

static void next_page(struct pages *pages);

static void
page_came(void *arg, const struct aws_answer *answer)
{
	struct pages *pages = arg;
	const char *token = bh_get_text(answer->value, "NextToken");
	bool ended = token == NULL || *token == '\0';

	if (answer->result == BH_OK &&
	    pages->page(pages->arg, answer->value) == 0 && !ended) {
		/* The same token again would go on for ever. */
		if (++pages->count < PAGES_MOST && (pages->token == NULL ||
		    strcmp(pages->token, token) != 0)) {
			free(pages->token);
			pages->token = aws_strdup(token);
			next_page(pages);
			return;
		}
		const struct aws_answer wrong = {
			.result = BH_EPARSE, .sent = true, .whole = true,
			.message = "AWS's list does not end", .body = ""
		};

		pages->done(pages->arg, &wrong);
	} else
		pages->done(pages->arg, answer);
	aws_task_free(pages);
}

static void
next_page(struct pages *pages)
{
	AWS_AUTO_BUF struct bh_buf body = BH_BUF(BODY_MAX);

	bh_buf_puts(&body, pages->body);
	text_member(&body, "NextToken", pages->token);
	pages->request.body = bh_buf_text(&body);
	aws_call(pages->aws, &pages->request, page_came, pages);
}

void
aws_pages(struct aws *aws, const struct aws_request *request,
    aws_page_cb *page, aws_call_cb *done, void *arg)
{
	struct pages *pages = aws_task_new(aws, sizeof(*pages), drop_pages);

	pages->aws = aws;
	pages->request = *request;
	pages->operation = aws_strdup(request->operation);
	pages->body = aws_strdup(request->body != NULL ? request->body : "");
	pages->request.operation = pages->operation;
	pages->page = page;
	pages->done = done;
	pages->arg = arg;
	next_page(pages);
}
