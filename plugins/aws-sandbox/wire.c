/* wire.c - from the bytes of a request to the bytes of its answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   target -> signature -> body -> faults -> quota -> members -> operation
 *
 * which is the order in which AWS refuses things, as far as one can see.
 */

#include <time.h>

#include "plugins/aws-sandbox/sandbox.h"

#define ANSWER_MAX	(8u << 20)

const char *
service_name(int service)
{
	static const char *const names[SERVICES] = { "sso-admin",
	    "identitystore", "organizations", "sts" };

	assert(service >= 0 && service < SERVICES);
	return names[service];
}

/* ---- JSON out ---- */

void
put_comma(struct bh_buf *b)
{
	char last = b->len > 0 ? b->data[b->len - 1] : '{';

	if (last != '{' && last != '[' && last != ':' && last != ',')
		bh_buf_puts(b, ",");
}

void
put_key(struct bh_buf *b, const char *key)
{
	put_comma(b);
	bh_buf_quote(b, key);
	bh_buf_puts(b, ":");
}

void
put_text(struct bh_buf *b, const char *key, const char *value)
{
	put_key(b, key);
	bh_buf_quote(b, value);
}

void
put_time(struct bh_buf *b, const char *key, int64_t ms)
{
	put_key(b, key);
	bh_buf_add(b, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}

void
put_bool(struct bh_buf *b, const char *key, bool value)
{
	put_key(b, key);
	bh_buf_puts(b, value ? "true" : "false");
}

void
call_error(struct call *c, const char *code, const char *format, ...)
{
	va_list ap;

	c->code = code;
	c->status = strncmp(code, "Internal", 8) == 0 ||
	    strcmp(code, "ServiceException") == 0 ? 500 : 400;
	bh_buf_clear(&c->message);
	va_start(ap, format);
	bh_buf_vadd(&c->message, format, ap);
	va_end(ap);
}

/* ---- the log ---- */

struct logged *
call_logged(struct sandbox *sb, uint64_t seq)
{
	/* Lines are in order and without gaps: the place follows. */
	if (sb->log.count == 0 || seq < sb->log.at[0].seq ||
	    seq - sb->log.at[0].seq >= sb->log.count)
		return NULL;
	return &sb->log.at[seq - sb->log.at[0].seq];
}

void
call_log_clear(struct sandbox *sb)
{
	sb->log.count = 0;
	sb->seen = sb->counted_from = sb->next_call;
}

static void
keep(char *out, size_t size, const char *s)
{
	if (s != NULL)
		set_text(out, size, s);
}

/* The write's subject, as ids. */
static void
log_subject(const struct call *c, struct logged *l)
{
	const char *membership = call_text(c, "MembershipId");

	keep(l->account, sizeof(l->account), call_text(c, "TargetId"));
	keep(l->set, sizeof(l->set), call_text(c, "PermissionSetArn"));
	keep(l->principal, sizeof(l->principal), call_text(c, "PrincipalId"));
	if (c->op->service != STORE)
		return;
	keep(l->set, sizeof(l->set), call_text(c, "GroupId"));
	keep(l->principal, sizeof(l->principal),
	    call_text(c, "MemberId.UserId"));
	for (size_t i = 0; membership != NULL && i < c->sb->members.count; i++)
		if (strcmp(c->sb->members.at[i].id, membership) == 0) {
			const struct member *m = &c->sb->members.at[i];

			keep(l->set, sizeof(l->set),
			    c->sb->principals.at[m->group].id);
			keep(l->principal, sizeof(l->principal),
			    c->sb->principals.at[m->user].id);
		}
}

static void
log_begin(struct call *c)
{
	struct sandbox *sb = c->sb;

	if (sb->log.count >= LOG_MAX) {
		size_t drop = LOG_MAX / 4;

		memmove(sb->log.at, sb->log.at + drop,
		    (sb->log.count - drop) * sizeof(sb->log.at[0]));
		sb->log.count -= drop;
		sb->dropped += drop;
	}

	struct logged *l = list_add(&sb->log);

	l->seq = c->seq = ++sb->next_call;
	l->time = bh_now(sb->host);
	l->op = c->op;
	set_text(l->caller, sizeof(l->caller), c->caller.arn);
	set_text(l->signed_date, sizeof(l->signed_date), c->signed_date);
	if ((c->op->flags & OP_WRITE) != 0)
		log_subject(c, l);
}

/* Notes how it ended; the first word stands. */
static void
log_outcome(struct call *c, const char *outcome)
{
	struct logged *l = call_logged(c->sb, c->seq);

	if (l != NULL && l->outcome[0] == '\0')
		set_text(l->outcome, sizeof(l->outcome), outcome);
}

/* ---- answers ---- */

static void
call_free(struct call *c)
{
	bh_cancel(c->sb->host, c->timer);
	for (struct call **p = &c->sb->waiting; *p != NULL; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			break;
		}
	bh_json_free(c->sb->host, c->in);
	free(c->form);
	free(c->form_text);
	free(c->fault_message);
	bh_buf_release(&c->message);
	bh_buf_release(&c->extra);
	bh_buf_release(&c->out);
	free(c);
}

static void
send_answer(struct call *c, int status, const char *type, const char *body,
    size_t len, long cut)
{
	char kind[80], id[80], date[80], error[160], where[64];
	const char *headers[8] = { kind, id, date, NULL };
	time_t t = (time_t)(bh_now(c->sb->host) / 1000);
	struct tm tm;
	size_t n = 3;

	if (c->request == NULL)
		return;
	snprintf(kind, sizeof(kind), "Content-Type: %s", type);
	snprintf(id, sizeof(id), "x-amzn-RequestId: %s", c->request_id);
	/* The sandbox's own clock: clients learn from it how far off they
	 * are, and in tests that clock is not the machine's. */
	if (gmtime_r(&t, &tm) == NULL || strftime(date, sizeof(date),
	    "Date: %a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		set_text(date, sizeof(date), "X-No-Date: 1");
	if (c->code != NULL && c->op->service != STS) {
		snprintf(error, sizeof(error), "x-amzn-ErrorType: %s", c->code);
		headers[n++] = error;
	}
	if (status / 100 == 3) {
		set_text(where, sizeof(where),
		    "Location: http://127.0.0.1:9/elsewhere");
		headers[n++] = where;
	}
	headers[n] = NULL;

	struct bh_http_out out = { .status = status, .headers = headers,
	    .body = body, .body_len = len, .cut = cut };
	struct bh_request *request = c->request;

	c->request = NULL;
	bh_respond(request, &out);
}

static void
hang_up(struct call *c)
{
	send_answer(c, 500, "text/plain", "", 0, -1);
}

static void
put_xml_text(struct bh_buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '<')
			bh_buf_puts(b, "&lt;");
		else if (*s == '>')
			bh_buf_puts(b, "&gt;");
		else if (*s == '&')
			bh_buf_puts(b, "&amp;");
		else
			bh_buf_put(b, s, 1);
	}
}

static void
body_of_error(struct call *c)
{
	struct bh_buf *b = &c->out;

	bh_buf_clear(b);
	if (c->op->service == STS) {
		bh_buf_add(b, "<ErrorResponse xmlns=\"https://sts.amazonaws."
		    "com/doc/2011-06-15/\"><Error><Type>%s</Type><Code>%s"
		    "</Code><Message>", c->status < 500 ? "Sender" : "Receiver",
		    c->code);
		put_xml_text(b, bh_buf_text(&c->message));
		bh_buf_add(b, "</Message></Error><RequestId>%s</RequestId>"
		    "</ErrorResponse>", c->request_id);
		return;
	}
	bh_buf_puts(b, "{");
	put_text(b, "__type", c->code);
	put_text(b, c->op->service == STORE || c->op->service == ORG ?
	    "Message" : "message", bh_buf_text(&c->message));
	if (c->op->service == STORE)
		put_text(b, "RequestId", c->request_id);
	if (c->extra.len > 0) {
		put_comma(b);
		bh_buf_puts(b, bh_buf_text(&c->extra));
	}
	bh_buf_puts(b, "}");
}

static void
body_of_success(struct call *c)
{
	struct bh_buf whole = BH_BUF(ANSWER_MAX);

	if (c->op->service == STS)
		bh_buf_add(&whole, "<%sResponse xmlns=\"https://sts.amazonaws."
		    "com/doc/2011-06-15/\"><%sResult>%s</%sResult>"
		    "<ResponseMetadata><RequestId>%s</RequestId>"
		    "</ResponseMetadata></%sResponse>", c->op->name,
		    c->op->name, bh_buf_text(&c->out), c->op->name,
		    c->request_id, c->op->name);
	else {
		bh_buf_puts(&whole, "{");
		bh_buf_puts(&whole, bh_buf_text(&c->out));
		bh_buf_puts(&whole, "}");
	}
	bh_buf_release(&c->out);
	c->out = whole;
}

static void
answer(struct call *c)
{
	const char *type = c->op->service == STS ? "text/xml" :
	    "application/x-amz-json-1.1";
	long cut = 0;

	if (c->code != NULL)
		body_of_error(c);
	else
		body_of_success(c);
	if (c->fault == FAULT_RESET_AFTER)
		cut = -1;
	else if (c->fault == FAULT_TRUNCATE)
		cut = (long)(c->out.len / 2);
	else if (c->fault == FAULT_MALFORMED)
		c->out.data[c->out.len - 1] = ']';
	send_answer(c, c->code != NULL ? c->status : 200, type,
	    bh_buf_text(&c->out), c->out.len, cut);
	call_free(c);
}

/* ---- the way through ---- */

static void
answer_later(void *arg)
{
	struct call *c = (struct call *)arg;

	c->timer = NULL;
	answer(c);
}

static void
wait_for(struct call *c, bh_timer_cb *cb)
{
	c->next = c->sb->waiting;
	c->sb->waiting = c;
	c->timer = bh_after(c->sb->host, c->fault_ms, cb, c);
}

/* Multi-account permissions are asked for in the primary Region only. */
static bool
region_right(struct call *c)
{
	if (c->op->service != SSO || (c->op->flags & OP_ANY_REGION) != 0 ||
	    strcmp(c->region, c->sb->region) == 0)
		return true;
	call_error(c, "AccessDeniedException", "%s is only available in the "
	    "primary Region %s of this instance", c->op->name, c->sb->region);
	return false;
}

static void
apply(struct call *c)
{
	if (check_fields(c) && region_right(c))
		c->op->run(c);
	log_outcome(c, c->code != NULL ? c->code : "ok");
}

static void
apply_late(void *arg)
{
	struct call *c = (struct call *)arg;

	c->timer = NULL;
	apply(c);
	call_free(c);
}

/* Faults that answer without looking at the request.  True: answered. */
static bool
fault_instead(struct call *c)
{
	static const char html[] = "<html><head><title>500 Internal Server "
	    "Error</title></head><body><h1>Internal Server Error</h1></body>"
	    "</html>\n";

	switch (c->fault) {
	case FAULT_RESET_BEFORE:
		log_outcome(c, "reset-before");
		hang_up(c);
		break;
	case FAULT_HTML500:
		log_outcome(c, "html500");
		send_answer(c, 500, "text/html", html, sizeof(html) - 1, 0);
		break;
	case FAULT_REDIRECT:
		log_outcome(c, "redirect");
		send_answer(c, 307, "text/plain", "", 0, 0);
		break;
	case FAULT_LATE:
		hang_up(c);
		wait_for(c, apply_late);
		return true;
	default:
		return false;
	}
	call_free(c);
	return true;
}

static void
handle(struct call *c)
{
	fault_pick(c);
	log_begin(c);
	if (fault_instead(c))
		return;
	if (fault_error(c) || !quota_take(c))
		log_outcome(c, c->code);
	else
		apply(c);
	if (c->fault == FAULT_SLOW)
		wait_for(c, answer_later);
	else
		answer(c);
}

static const struct op *
op_find(const struct op *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* "SWBExternalService.ListInstances" -> its operation, or NULL. */
static const struct op *
op_of_target(const char *target)
{
	static const struct { const char *prefix; const struct op *ops; } t[] = {
		{ "SWBExternalService.", identity_center_ops },
		{ "AWSIdentityStore.", identity_store_ops },
		{ "AWSOrganizationsV20161128.", organizations_ops },
	};

	for (size_t i = 0; i < COUNT(t); i++) {
		size_t len = strlen(t[i].prefix);

		if (strncmp(target, t[i].prefix, len) == 0)
			return op_find(t[i].ops, target + len);
	}
	return NULL;
}

/* Stands in where no operation was found, so that errors have a shape. */
static const struct op unknown_json = { .name = "unknown", .service = SSO };
static const struct op unknown_query = { .name = "unknown", .service = STS };

static void
find_op(struct call *c, const struct bh_http_in *in)
{
	const char *target = NULL;

	for (size_t i = 0; i < in->headers_count; i++)
		if (strcmp(in->headers[i].name, "x-amz-target") == 0)
			target = in->headers[i].value;
	if (target != NULL) {
		c->op = op_of_target(target);
		if (c->op == NULL) {
			c->op = &unknown_json;
			call_error(c, "UnknownOperationException",
			    "no operation %.100s in the sandbox", target);
		}
		return;
	}
	c->op = &unknown_query;
	if (!form_parse(c, in->body, in->body_len)) {
		call_error(c, "MalformedInput", "too many parameters");
		return;
	}

	const char *action = call_text(c, "Action");
	const struct op *op = action != NULL ? op_find(sts_ops, action) : NULL;

	if (op == NULL)
		call_error(c, "InvalidAction", "Could not find operation %s "
		    "for version 2011-06-15", action != NULL ? action : "");
	else
		c->op = op;
}

void
wire_request(void *arg, struct bh_request *request,
    const struct bh_http_in *in)
{
	struct sandbox *sb = sandbox_of(arg);
	struct call *c = (struct call *)calloc(1, sizeof(*c));
	const char *error = NULL;

	assert(c != NULL);
	c->sb = sb;
	c->request = request;
	c->message = c->extra = (struct bh_buf)BH_BUF(8192);
	c->out = (struct bh_buf)BH_BUF(ANSWER_MAX);
	c->caller.account = -1;
	new_uuid(sb, c->request_id);
	find_op(c, in);
	if (c->code == NULL && (c->op->flags & OP_UNSIGNED) == 0)
		verify_call(c, in);
	if (c->code == NULL && c->op->service != STS) {
		c->in = bh_json(sb->host, in->body_len > 0 ? in->body : "{}",
		    in->body_len > 0 ? in->body_len : 2, &error);
		if (c->in == NULL || c->in->kind != BH_MAP)
			call_error(c, "SerializationException", "%s",
			    error != NULL ? error : "not an object");
	}
	if (c->code == NULL) {
		handle(c);
		return;
	}
	/* Nothing that a stranger or a wrong key sent counts as a write, but
	 * the log shows it. */
	log_begin(c);
	call_logged(sb, c->seq)->refused = true;
	log_outcome(c, c->code);
	answer(c);
}

void
wire_close(struct sandbox *sb)
{
	while (sb->waiting != NULL) {
		struct call *c = sb->waiting;

		hang_up(c);
		call_free(c);
	}
}
