/* error.c - what an HTTP answer from AWS says: JSON, XML, HTML or rubbish.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/error.h"

#include "plugins/aws-sso/aws/memory.h"
#include "plugins/aws-sso/aws/text.h"

static bool
one_of(const char *name, const char *const *names)
{
	for (; name != NULL && *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

bool
aws_error_is_throttle(const char *error)
{
	static const char *const names[] = {
		"Throttling", "ThrottlingException", "ThrottledException",
		"RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "RequestLimitExceeded",
		"BandwidthLimitExceeded", "LimitExceededException",
		"PriorRequestNotComplete", "SlowDown",
		"EC2ThrottledException",
		"ProvisionedThroughputExceededException",
		"TransactionInProgressException", NULL
	};

	return one_of(error, names);
}

bool
aws_error_is_expired(const char *error)
{
	static const char *const names[] = {
		"ExpiredToken", "ExpiredTokenException",
		"InvalidClientTokenId", "UnrecognizedClient",
		"UnrecognizedClientException", "InvalidAccessKeyId",
		"AuthFailure", NULL
	};

	return one_of(error, names);
}

bool
aws_error_is_skew(const char *error)
{
	static const char *const names[] = {
		"RequestTimeTooSkewed", "RequestExpired",
		"RequestInTheFuture", "InvalidSignatureException",
		"SignatureDoesNotMatch", NULL
	};

	return one_of(error, names);
}

/* "com.amazonaws.sso#ThrottlingException:http://..." is a Throttling... */
static char *
bare_name(const char *text)
{
	const char *hash;

	if (text == NULL)
		return NULL;
	hash = strrchr(text, '#');
	if (hash != NULL)
		text = hash + 1;
	return aws_strndup(text, strcspn(text, ":"));
}

/* A number of units of `scale` ms, 0 if it is none or nonsense. */
static int64_t
number(const char *text, double scale)
{
	char *end;
	double value;

	if (text == NULL)
		return 0;
	value = strtod(text, &end);
	return end != text && value > 0 && value < 1e9 ?
	    (int64_t)(value * scale) : 0;
}

static int64_t
retry_after(const struct bh_answer *http, const struct bh_value *tree)
{
	int64_t ms = number(bh_answer_header(http, "x-amz-retry-after"), 1);
	double said = bh_get_number(tree, "RetryAfterSeconds", 0);

	if (ms == 0 && said > 0 && said < 86400)
		ms = (int64_t)(said * 1000);
	if (ms == 0)
		ms = number(bh_answer_header(http, "retry-after"), 1000);
	return ms;
}

static void
parse_json(struct aws_parsed *p, struct bh_host *host,
    const struct bh_answer *http)
{
	const char *why = NULL;
	const char *header = bh_answer_header(http, "x-amzn-errortype");
	const char *type, *text;

	if (http->body_len > 0)
		p->tree = bh_json(host, http->body, http->body_len, &why);
	if (p->tree != NULL && p->tree->kind != BH_MAP) {
		bh_json_free(host, p->tree);
		p->tree = NULL;
	}
	p->answer.value = p->tree;
	if (http->status >= 200 && http->status < 300) {
		p->answer.well_formed = p->tree != NULL;
		return;
	}
	type = bh_get_text(p->tree, "__type");
	p->error = bare_name(type != NULL ? type : header);
	text = bh_get_text(p->tree, "message");
	if (text == NULL)
		text = bh_get_text(p->tree, "Message");
	p->message = aws_strdup(text);
	p->answer.reason = bh_get_text(p->tree, "Reason");
	p->answer.well_formed = http->status >= 400 && p->error != NULL &&
	    (p->tree != NULL || http->body_len == 0);
}

static void
parse_xml(struct aws_parsed *p, const char *operation,
    const struct bh_answer *http)
{
	AWS_AUTO_BUF struct bh_buf end = BH_BUF(128);

	if (http->status >= 200 && http->status < 300) {
		bh_buf_add(&end, "</%sResponse>", operation);
		p->answer.well_formed = strstr(http->body,
		    bh_buf_text(&end)) != NULL;
		return;
	}
	p->error = text_xml(http->body, "Code");
	p->message = text_xml(http->body, "Message");
	p->answer.well_formed = http->status >= 400 && p->error != NULL;
}

static void
put_message(struct aws_parsed *p, const struct bh_answer *http)
{
	struct bh_buf text = BH_BUF(4096);

	if (p->answer.result == BH_OK)
		return;
	if (p->message == NULL || *p->message == '\0') {
		free(p->message);
		if (!p->answer.whole)
			bh_buf_puts(&text, http->error != NULL ? http->error :
			    "AWS cannot be reached");
		else if (p->error != NULL)
			bh_buf_add(&text, "AWS refused: %.200s",
			    p->error);
		else if (http->status >= 200 && http->status < 300)
			bh_buf_puts(&text, "AWS answered something that is "
			    "no answer");
		else
			bh_buf_add(&text, "AWS answered with status %d",
			    http->status);
		p->message = text.data;
	}
	p->answer.message = p->message;
}

void
aws_parse_answer(struct aws_parsed *out, struct bh_host *host,
    enum aws_service service, const char *operation,
    const struct bh_answer *http)
{
	struct aws_answer *a = &out->answer;

	memset(out, 0, sizeof(*out));
	a->sent = http->sent;
	a->body = http->body != NULL ? http->body : "";
	a->result = http->result;
	if (http->result == BH_OK) {
		a->whole = true;
		a->status = http->status;
		a->request_id = bh_answer_header(http, "x-amzn-requestid");
		if (a->request_id == NULL)
			a->request_id = bh_answer_header(http,
			    "x-amz-request-id");
		if (service == AWS_STS)
			parse_xml(out, operation, http);
		else
			parse_json(out, host, http);
		a->error = out->error;
		a->retry_after = retry_after(http, out->tree);
		if (!a->well_formed)
			a->result = BH_EPARSE;
		else if (http->status >= 300)
			a->result = aws_error_is_throttle(a->error) ?
			    BH_ELIMIT : http->status == 403 || (a->error !=
			    NULL && strstr(a->error, "AccessDenied") != NULL) ?
			    BH_EPERM : http->status >= 500 ? BH_ENET :
			    BH_EINVAL;
	}
	put_message(out, http);
}

void
aws_parsed_release(struct aws_parsed *parsed, struct bh_host *host)
{
	bh_json_free(host, parsed->tree);
	free(parsed->error);
	free(parsed->message);
	memset(parsed, 0, sizeof(*parsed));
}
