/* control.c - the surface for tests: faults, the log, changes by others.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   GET  /_control/log?since=N      calls after N, oldest first
 *   GET  /_control/assignments      who has what
 *   GET  /_control/faults
 *   POST /_control/fault            {operation, kind, times, after, ms, message}
 *   POST /_control/assign           {who, account, permission-set}
 *   POST /_control/unassign         the same
 *   POST /_control/person           {who, status: ENABLED|DISABLED|DELETED}
 *   POST /_control/account          {account, suspended}
 *   POST /_control/settings         {delay, jitter, visible-after, rate ...}
 *   POST /_control/reset            {state: true} also the company
 *
 * Only over the loopback address, and never for a web page.
 */

#include "plugins/aws-sandbox/sandbox.h"

static void
reply_json(struct bh_request *request, int status, struct bh_buf *b)
{
	static const char *const headers[] = {
	    "Content-Type: application/json", NULL };
	struct bh_http_out out = { .status = status, .headers = headers,
	    .body = bh_buf_text(b), .body_len = b->len };

	bh_respond(request, &out);
	bh_buf_release(b);
}

static void
reply_error(struct bh_request *request, int status, const char *text)
{
	struct bh_buf b = BH_BUF(4096);

	bh_buf_puts(&b, "{");
	put_text(&b, "error", text);
	bh_buf_puts(&b, "}\n");
	reply_json(request, status, &b);
}

static void
reply_done(struct bh_request *request)
{
	struct bh_buf b = BH_BUF(64);

	bh_buf_puts(&b, "{\"ok\":true}\n");
	reply_json(request, 200, &b);
}

/* A browser always says where a page came from when it posts elsewhere. */
static bool
allowed(const struct bh_http_in *in)
{
	for (size_t i = 0; i < in->headers_count; i++)
		if (strcmp(in->headers[i].name, "origin") == 0)
			return false;
	return in->peer == NULL || strncmp(in->peer, "127.", 4) == 0 ||
	    strncmp(in->peer, "::1", 3) == 0 ||
	    strncmp(in->peer, "[::1]", 5) == 0;
}

static void
put_logged(struct sandbox *sb, struct bh_buf *b, const struct logged *l)
{
	bool write = (l->op->flags & OP_WRITE) != 0;

	put_comma(b);
	bh_buf_add(b, "{\"seq\":%llu,\"time\":%lld", (unsigned long long)l->seq,
	    (long long)l->time);
	put_text(b, "service", service_name(l->op->service));
	put_text(b, "operation", l->op->name);
	put_text(b, "principal", l->caller);
	put_text(b, "signed", l->signed_date);
	put_text(b, "outcome", l->outcome[0] != '\0' ? l->outcome : "pending");
	put_bool(b, "write", write && !l->refused);
	if (write) {
		int who = principal_by_id(sb, l->principal);

		put_text(b, "account", l->account);
		put_text(b, "set", l->set);
		put_text(b, "subject", l->principal);
		if (who >= 0)
			put_text(b, "who", sb->principals.at[who].name);
	}
	bh_buf_puts(b, "}");
}

static void
get_log(struct sandbox *sb, const struct bh_http_in *in, struct bh_buf *b)
{
	const char *s = in->query != NULL ? strstr(in->query, "since=") : NULL;
	uint64_t since = s != NULL ? strtoull(s + 6, NULL, 10) : 0;

	bh_buf_add(b, "{\"dropped\":%llu,\"last\":%llu,\"calls\":[",
	    (unsigned long long)sb->dropped, (unsigned long long)sb->next_call);
	for (size_t i = 0; i < sb->log.count; i++)
		if (sb->log.at[i].seq > since)
			put_logged(sb, b, &sb->log.at[i]);
	bh_buf_puts(b, "]}\n");
}

static void
get_assignments(struct sandbox *sb, struct bh_buf *b)
{
	bh_buf_add(b, "{\"outstanding\":%zu,\"assignments\":[",
	    work_outstanding(sb));
	for (size_t i = 0; i < sb->assignments.count; i++) {
		const struct assignment *a = &sb->assignments.at[i];
		const struct principal *p = &sb->principals.at[a->principal];

		put_comma(b);
		bh_buf_puts(b, "{");
		put_text(b, "account", sb->accounts.at[a->account].name);
		put_text(b, "account-id", sb->accounts.at[a->account].id);
		put_text(b, "permission-set", sb->sets.at[a->set].name);
		put_text(b, "permission-set-arn", sb->sets.at[a->set].arn);
		put_text(b, "who", p->name);
		put_text(b, "principal-id", p->id);
		put_text(b, "type", p->group ? "GROUP" : "USER");
		bh_buf_puts(b, "}");
	}
	bh_buf_puts(b, "]}\n");
}

static void
get_faults(struct sandbox *sb, struct bh_buf *b)
{
	bh_buf_puts(b, "{\"faults\":[");
	for (size_t i = 0; i < sb->faults.count; i++) {
		const struct fault *f = &sb->faults.at[i];

		put_comma(b);
		bh_buf_puts(b, "{");
		put_text(b, "operation", f->operation);
		put_text(b, "kind", fault_name(f->kind));
		bh_buf_add(b, ",\"times\":%ld,\"after\":%ld,\"ms\":%lld}",
		    f->times, f->after, (long long)f->ms);
	}
	bh_buf_puts(b, "]}\n");
}

static void
on_get(void *arg, struct bh_request *request, const struct bh_http_in *in)
{
	struct sandbox *sb = sandbox_of(arg);
	const char *what = in->path + strlen("/_control/");
	struct bh_buf b = BH_BUF(64u << 20);

	if (!allowed(in)) {
		reply_error(request, 403, "not from here");
		return;
	}
	if (strcmp(what, "log") == 0)
		get_log(sb, in, &b);
	else if (strcmp(what, "assignments") == 0)
		get_assignments(sb, &b);
	else if (strcmp(what, "faults") == 0)
		get_faults(sb, &b);
	else {
		reply_error(request, 404, "there are log, assignments and "
		    "faults to get");
		return;
	}
	reply_json(request, 200, &b);
}

/* ---- posts: each returns NULL or what is wrong ---- */

static const char *
post_fault(struct sandbox *sb, const struct bh_value *v)
{
	const char *operation = bh_get_text(v, "operation");
	const char *kind = bh_get_text(v, "kind");

	if (operation == NULL || kind == NULL || fault_add(sb, operation,
	    fault_kind_of(kind), (long)bh_get_number(v, "times", 1),
	    (long)bh_get_number(v, "after", 0),
	    (int64_t)bh_get_number(v, "ms", 1000),
	    bh_get_text(v, "message")) == NULL)
		return "needs operation (a name, a service, or *) and a kind "
		    "of fault that exist";
	return NULL;
}

static const char *
change(struct sandbox *sb, const struct bh_value *v, bool add)
{
	const char *who = bh_get_text(v, "who");
	const char *account = bh_get_text(v, "account");
	const char *set = bh_get_text(v, "permission-set");
	int w = who != NULL ? principal_find(sb, who) : -1;
	int a = account != NULL ? account_find(sb, account) : -1;
	int s = set != NULL ? set_find(sb, set) : -1;

	if (w < 0 || a < 0 || s < 0)
		return "needs who, account and permission-set that exist";
	if (add)
		assignment_add(sb, a, s, w);
	else
		assignment_drop(sb, a, s, w);
	return NULL;
}

static const char *
post_assign(struct sandbox *sb, const struct bh_value *v)
{
	return change(sb, v, true);
}

static const char *
post_unassign(struct sandbox *sb, const struct bh_value *v)
{
	return change(sb, v, false);
}

static const char *
post_person(struct sandbox *sb, const struct bh_value *v)
{
	const char *who = bh_get_text(v, "who");
	const char *status = bh_get_text(v, "status");
	int w = who != NULL ? principal_find(sb, who) : -1;

	if (w < 0 || status == NULL || (strcmp(status, "ENABLED") != 0 &&
	    strcmp(status, "DISABLED") != 0 && strcmp(status, "DELETED") != 0))
		return "needs who, and status ENABLED, DISABLED or DELETED";
	principal_mark(sb, w, status);
	return NULL;
}

static const char *
post_account(struct sandbox *sb, const struct bh_value *v)
{
	const char *account = bh_get_text(v, "account");
	int a = account != NULL ? account_find(sb, account) : -1;

	if (a < 0)
		return "needs an account that exists";
	account_mark(sb, a, bh_get_bool(v, "suspended", true));
	return NULL;
}

static const char *
post_settings(struct sandbox *sb, const struct bh_value *v)
{
	char number[32];

	for (BH_EACH(item, v)) {
		const char *text = bh_text(item);

		if (item->kind == BH_NUMBER) {
			snprintf(number, sizeof(number), "%lld",
			    (long long)item->number);
			text = number;
		} else if (item->kind == BH_BOOL) {
			text = item->number > 0 ? "yes" : "no";
		}
		if (text == NULL || sandbox_set(sb, item->key, text) != BH_OK)
			return "a setting or its value is not known";
	}
	return NULL;
}

static const char *
post_reset(struct sandbox *sb, const struct bh_value *v)
{
	fault_clear(sb);
	call_log_clear(sb);
	memset(&sb->sso_bucket, 0, sizeof(sb->sso_bucket));
	memset(sb->buckets, 0, sizeof(sb->buckets));
	if (bh_get_bool(v, "state", false))
		sandbox_reseed(sb);
	return NULL;
}

static void
on_post(void *arg, struct bh_request *request, const struct bh_http_in *in)
{
	static const struct {
		const char *name;
		const char *(*run)(struct sandbox *, const struct bh_value *);
	} posts[] = {
		{ "fault", post_fault }, { "assign", post_assign },
		{ "unassign", post_unassign }, { "person", post_person },
		{ "account", post_account }, { "settings", post_settings },
		{ "reset", post_reset },
	};
	struct sandbox *sb = sandbox_of(arg);
	const char *what = in->path + strlen("/_control/");
	const char *error = NULL;

	if (!allowed(in)) {
		reply_error(request, 403, "not from here");
		return;
	}
	for (size_t i = 0; i < COUNT(posts); i++) {
		if (strcmp(posts[i].name, what) != 0)
			continue;

		struct bh_value *v = bh_json(sb->host,
		    in->body_len > 0 ? in->body : "{}",
		    in->body_len > 0 ? in->body_len : 2, &error);

		if (v != NULL)
			error = posts[i].run(sb, v);
		bh_json_free(sb->host, v);
		if (error != NULL)
			reply_error(request, 400, error);
		else
			reply_done(request);
		return;
	}
	reply_error(request, 404, "no such control call");
}

int
control_routes(struct sandbox *sb)
{
	int ret = bh_route(sb->host, sb->server, "GET", "/_control/*", on_get,
	    sb);

	return ret != BH_OK ? ret : bh_route(sb->host, sb->server, "POST",
	    "/_control/*", on_post, sb);
}
