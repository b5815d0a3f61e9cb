/*
 * http-server.c - libmicrohttpd, driven by the loop: requests and routes.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   accept -> head (5 s) -> checked -> body (10 s) -> route -> answer (30 s)
 *      ^                                               |  or suspended until
 *      +------------- idle (30 s) <--------------------+  http_respond()
 *
 * The phases and their deadlines are in http-conn.c.
 */

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/io/http-response.h"
#include "host/io/http-server-inside.h"

#define MEMORY_PER_CONNECTION	(16u * 1024u)	/* head and buffers */
#define MAX_HEADERS		100
#define MAX_URI			8192

static const struct bh_api *request_api;

static void timer_rang(uv_timer_t *timer);

/* ------------------------------------------------------------------ */
/* Requests                                                            */

/* The request line is there.  What is returned becomes *mine below. */
static void *
request_begin(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	struct bh_server *server = CAST(struct bh_server, arg, SERVER_MAGIC);
	struct request *rq = xcalloc(1, sizeof(*rq));

	rq->public.api = request_api;
	rq->magic = REQUEST_MAGIC;
	rq->server = server;
	rq->conn = http_conn_of(mhd);
	rq->mhd = mhd;
	rq->uri = arena_copy(&rq->memory, uri);
	rq->body.max = server->limits.max_body;
	if (rq->conn->phase == IDLE)
		http_conn_phase(rq->conn, HEAD);
	return rq;
}

static void
request_hold(struct request *rq, const void *route_arg)
{
	struct bh_server *server = rq->server;

	rq->route_arg = route_arg;
	rq->held = true;
	rq->next = server->requests;
	if (rq->next != NULL)
		rq->next->prev = &rq->next;
	rq->prev = &server->requests;
	server->requests = rq;
	server->unanswered++;
	loop_held(server->loop, rq->conn->port, true);
}

static void
request_unhold(struct request *rq)
{
	if (!rq->held)
		return;
	rq->held = false;
	*rq->prev = rq->next;
	if (rq->next != NULL)
		rq->next->prev = rq->prev;
	rq->server->unanswered--;
	loop_held(rq->server->loop, rq->conn->port, false);
}

/* The request is over, one way or the other; its connection may go on. */
static void
request_end(void *arg, struct MHD_Connection *mhd, void **mine,
    enum MHD_RequestTerminationCode how)
{
	struct request *rq;

	(void)arg;
	(void)mhd;
	(void)how;
	if (*mine == NULL)
		return;
	rq = CAST(struct request, *mine, REQUEST_MAGIC);
	*mine = NULL;
	assert(!rq->suspended);
	request_unhold(rq);
	http_conn_phase(rq->conn, IDLE);
	if (rq->response != NULL)
		MHD_destroy_response(rq->response);
	free(rq->headers);
	arena_free(&rq->memory);
	bh_buf_release(&rq->body);
	KILL_MAGIC(rq);
	free(rq);
}

/* ------------------------------------------------------------------ */
/* The head: what is refused                                           */

static enum MHD_Result
take_header(void *arg, enum MHD_ValueKind kind, const char *name,
    size_t name_len, const char *value, size_t value_len)
{
	struct request *rq = CAST(struct request, arg, REQUEST_MAGIC);
	char *copy;

	(void)kind;
	if (value == NULL) {
		value = "";
		value_len = 0;
	}
	/* A NUL in either: somebody reads it differently from us. */
	if (strlen(name) != name_len || strlen(value) != value_len)
		rq->bad_header = true;
	if (rq->headers_count == rq->headers_size) {
		rq->headers_size = rq->headers_size * 2 + 8;
		rq->headers = xrealloc(rq->headers, rq->headers_size,
		    sizeof(*rq->headers));
	}
	/* The value is libmicrohttpd's and lives as long as the request. */
	copy = arena_copy_n(&rq->memory, name, name_len);
	for (char *p = copy; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	rq->headers[rq->headers_count].name = copy;
	rq->headers[rq->headers_count++].value = value;
	return MHD_YES;
}

static size_t
count_header(const struct request *rq, const char *name, const char **value)
{
	size_t n = 0;

	for (size_t i = 0; i < rq->headers_count; i++)
		if (strcmp(rq->headers[i].name, name) == 0) {
			*value = rq->headers[i].value;
			n++;
		}
	return n;
}

static bool
uri_ok(const char *uri)
{
	if (uri[0] != '/' || strlen(uri) > MAX_URI)
		return false;
	for (const char *p = uri; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#')
			return false;
	return true;
}

/* What could be read in two ways, or is too much: a status and a word. */
static int
check_head(struct request *rq, const char *version, const char **why)
{
	const char *length = NULL, *encoding = NULL, *host = NULL;
	size_t lengths, encodings, hosts;

	MHD_get_connection_values_n(rq->mhd, MHD_HEADER_KIND, take_header, rq);
	lengths = count_header(rq, "content-length", &length);
	encodings = count_header(rq, "transfer-encoding", &encoding);
	hosts = count_header(rq, "host", &host);
	*why = "this request is not clear";
	if (rq->bad_header || !uri_ok(rq->uri) || lengths > 1 ||
	    encodings > 1 || (lengths > 0 && encodings > 0) || hosts != 1 ||
	    host[0] == '\0')
		return 400;
	if (strcmp(version, "HTTP/1.1") != 0 &&
	    (strcmp(version, "HTTP/1.0") != 0 || encodings > 0))
		return 400;
	if (encodings > 0 && strcasecmp(encoding, "chunked") != 0)
		return 400;
	if (lengths > 0) {
		char *end;
		unsigned long long n;

		if (length[0] == '\0' ||
		    length[strspn(length, "0123456789")] != '\0')
			return 400;
		errno = 0;
		n = strtoull(length, &end, 10);
		*why = "the body is too large";
		if (errno != 0 || n > rq->server->limits.max_body)
			return 413;
	}
	*why = "too many headers";
	return rq->headers_count > MAX_HEADERS ? 431 : 0;
}

static enum MHD_Result
refuse(struct request *rq, int status, const char *why)
{
	struct MHD_Response *response = http_response_refusal(why);
	enum MHD_Result ret;

	http_conn_phase(rq->conn, ANSWER);
	ret = MHD_queue_response(rq->mhd, (unsigned)status, response);
	MHD_destroy_response(response);
	return ret;
}

/* ------------------------------------------------------------------ */
/* Routes                                                              */

static bool
method_fits(const struct route *r, const char *method)
{
	return strcmp(r->method, "*") == 0 || strcmp(r->method, method) == 0 ||
	    (strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* The longest match; an exact path before a prefix of the same length.
 * *elsewhere: only the method is wrong. */
static const struct route *
find_route(const struct bh_server *server, const char *method,
    const char *path, size_t path_len, bool *elsewhere)
{
	const struct route *best = NULL;

	*elsewhere = false;
	for (const struct route *r = server->routes; r != NULL; r = r->next) {
		if (r->prefix ? path_len < r->len : path_len != r->len)
			continue;
		if (memcmp(path, r->path, r->len) != 0)
			continue;
		if (!method_fits(r, method))
			*elsewhere = true;
		else if (best == NULL || r->len > best->len ||
		    (r->len == best->len && best->prefix && !r->prefix))
			best = r;
	}
	return best;
}

static enum MHD_Result
queue_answer(struct request *rq)
{
	http_conn_phase(rq->conn, ANSWER);
	if (rq->hang_up)
		return MHD_NO;
	return MHD_queue_response(rq->mhd, (unsigned)rq->status, rq->response);
}

static enum MHD_Result
hand_over(struct request *rq, const char *method)
{
	struct bh_server *server = rq->server;
	size_t path_len = strcspn(rq->uri, "?");
	const char *path = arena_copy_n(&rq->memory, rq->uri, path_len);
	const struct bh_http_in in = {
		.method = method, .path = path,
		.query = rq->uri[path_len] == '?' ?
		    rq->uri + path_len + 1 : "",
		.peer = rq->conn->peer_text,
		.headers = rq->headers, .headers_count = rq->headers_count,
		.body = bh_buf_text(&rq->body), .body_len = rq->body.len,
	};
	const struct route *r;
	struct loop_turn turn;
	bool elsewhere;

	r = find_route(server, method, path, path_len, &elsewhere);
	if (r == NULL)
		return elsewhere ? refuse(rq, 405, "not this method here") :
		    refuse(rq, 404, "nothing is here");
	http_conn_phase(rq->conn, HELD);
	request_hold(rq, r->arg);
	turn = loop_enter(server->loop, r->who);
	r->cb(r->arg, &rq->public, &in);
	loop_leave(turn);
	if (rq->answered)
		return queue_answer(rq);
	rq->suspended = true;
	MHD_suspend_connection(rq->mhd);
	return MHD_YES;
}

/* Called when the head is there, for each piece of the body, at its end, and
 * once more after a suspended request was answered. */
static enum MHD_Result
request_step(void *arg, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **mine)
{
	struct request *rq = CAST(struct request, *mine, REQUEST_MAGIC);
	const char *why;
	int status;

	(void)arg;
	(void)mhd;
	(void)url;
	if (!rq->checked) {
		rq->checked = true;
		status = check_head(rq, version, &why);
		if (status != 0)
			return refuse(rq, status, why);
		http_conn_phase(rq->conn, BODY);
		return MHD_YES;
	}
	if (*len > 0) {
		bh_buf_put(&rq->body, data, *len);
		*len = 0;
		/* An unannounced body that grows too large: libmicrohttpd takes
		 * no answer before its end, so that we only hang up. */
		return rq->body.overflow ? MHD_NO : MHD_YES;
	}
	if (rq->answered)
		return queue_answer(rq);
	return hand_over(rq, method);
}

static struct request *
request_of(struct bh_request *public)
{
	struct request *rq = (struct request *)(void *)
	    ((char *)public - offsetof(struct request, public));

	CHECK_MAGIC(rq, REQUEST_MAGIC);
	return rq;
}

static void
request_resume(struct request *rq)
{
	struct bh_server *server = rq->server;

	rq->answered = true;
	request_unhold(rq);
	if (!rq->suspended)
		return;
	rq->suspended = false;
	http_conn_phase(rq->conn, ANSWER);
	MHD_resume_connection(rq->mhd);
	if (!server->closing)
		uv_timer_start(server->timer, timer_rang, 0, 0);
}

void
http_respond(struct bh_request *request, const struct bh_http_out *out)
{
	struct request *rq = request_of(request);

	assert(!rq->answered);
	assert(out->status >= 200 && out->status <= 599);
	rq->status = out->status;
	rq->hang_up = out->cut < 0;
	if (!rq->hang_up)
		rq->response = http_response_new(out);
	request_resume(rq);
}

int
http_route(struct bh_server *server, const char *method, const char *path,
    bh_route_cb *cb, void *arg)
{
	struct route *r;
	size_t len;
	bool prefix;

	CHECK_MAGIC(server, SERVER_MAGIC);
	if (method == NULL || *method == '\0' || path == NULL ||
	    path[0] != '/' || cb == NULL)
		return BH_EINVAL;
	len = strlen(path);
	prefix = path[len - 1] == '*';
	if (prefix)
		len--;
	for (r = server->routes; r != NULL; r = r->next)
		if (strcmp(r->method, method) == 0 && r->prefix == prefix &&
		    r->len == len && memcmp(r->path, path, len) == 0)
			return BH_ECONFLICT;
	r = xcalloc(1, sizeof(*r));
	r->method = xstrdup(method);
	r->path = xstrdup(path);
	r->len = len;
	r->prefix = prefix;
	r->cb = cb;
	r->arg = arg;
	r->who = loop_who_now();
	r->next = server->routes;
	server->routes = r;
	return BH_OK;
}

static void
route_free(struct route *r)
{
	free(r->method);
	free(r->path);
	free(r);
}

void
http_unroute(struct bh_server *server, const void *arg)
{
	static const char *const headers[] = {
		"Content-Type: text/plain; charset=utf-8", NULL
	};
	static const char body[] = "not here any more\n";
	const struct bh_http_out gone = {
		.status = 503, .headers = headers,
		.body = body, .body_len = sizeof(body) - 1,
	};

	CHECK_MAGIC(server, SERVER_MAGIC);
	for (struct route **at = &server->routes; *at != NULL; ) {
		struct route *r = *at;

		if (r->arg == arg) {
			*at = r->next;
			route_free(r);
		} else
			at = &r->next;
	}
	for (struct request *rq = server->requests, *next; rq != NULL;
	    rq = next) {
		next = rq->next;
		if (rq->route_arg == arg)
			http_respond(&rq->public, &gone);
	}
}

size_t
http_unanswered(const struct bh_server *server)
{
	CHECK_MAGIC(server, SERVER_MAGIC);
	return server->unanswered;
}

void
http_request_api(const struct bh_api *api)
{
	request_api = api;
}

/* ------------------------------------------------------------------ */
/* The server in the loop                                              */

void
http_server_run(struct bh_server *server)
{
	MHD_UNSIGNED_LONG_LONG ms;

	assert(!server->running);
	server->running = true;
	server->closed = false;
	MHD_run(server->daemon);
	/* At its cap it stops listening, and looks whether it may again only
	 * when it begins to run. */
	if (server->closed)
		MHD_run(server->daemon);
	server->running = false;
	if (server->closing)
		return;
	if (MHD_get_timeout(server->daemon, &ms) == MHD_YES) {
		uv_update_time(&server->loop->uv);
		uv_timer_start(server->timer, timer_rang, ms, 0);
	} else
		uv_timer_stop(server->timer);
}

static void
timer_rang(uv_timer_t *timer)
{
	struct bh_server *server =
	    CAST(struct bh_server, timer->data, SERVER_MAGIC);

	loop_touch(server->loop);
	http_server_run(server);
}

static void
socket_ready(uv_poll_t *poll, int status, int events)
{
	struct bh_server *server =
	    CAST(struct bh_server, poll->data, SERVER_MAGIC);

	(void)status;
	(void)events;
	loop_touch(server->loop);
	http_server_run(server);
}

static void BH_PRINTF(2, 0)
complaint(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	/* About peers that break off and the like. */
	log_vat(BH_LOG_DEBUG, "http", fmt, ap);
}

static struct MHD_Daemon *
start_daemon(struct bh_server *server, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ITC |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
	    MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0,
	    http_accept_policy, server, request_step, server,
	    MHD_OPTION_EXTERNAL_LOGGER, complaint, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_CONNECTION_LIMIT, server->limits.connections,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)MEMORY_PER_CONNECTION,
	    MHD_OPTION_NOTIFY_CONNECTION, http_connection_changed, server,
	    MHD_OPTION_URI_LOG_CALLBACK, request_begin, server,
	    MHD_OPTION_NOTIFY_COMPLETED, request_end, server,
	    MHD_OPTION_END);
}

static void
set_limits(struct http_limits *out, const struct http_limits *in)
{
	static const struct http_limits preset = {
		5000, 10000, 30000, 1024 * 1024, 512, 64
	};

	*out = in != NULL ? *in : preset;
	if (out->head == 0)
		out->head = preset.head;
	if (out->body == 0)
		out->body = preset.body;
	if (out->idle == 0)
		out->idle = preset.idle;
	if (out->max_body == 0)
		out->max_body = preset.max_body;
	if (out->connections == 0)
		out->connections = preset.connections;
	if (out->per_address == 0)
		out->per_address = preset.per_address;
}

static void
server_watch(struct bh_server *server)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	uv_loop_t *uv = &server->loop->uv;
	int ret;

	server->timer = xcalloc(1, sizeof(*server->timer));
	server->deadline = xcalloc(1, sizeof(*server->deadline));
	server->poll = xcalloc(1, sizeof(*server->poll));
	uv_timer_init(uv, server->timer);
	uv_timer_init(uv, server->deadline);
	ret = uv_poll_init(uv, server->poll, info->epoll_fd);
	assert(ret == 0);
	server->timer->data = server->deadline->data = server;
	server->poll->data = server;
	ret = uv_poll_start(server->poll, UV_READABLE, socket_ready);
	assert(ret == 0);
}

struct bh_server *
http_listen_with(struct loop *loop, const char *address, int *port,
    const struct http_limits *limits, const char **error)
{
	struct bh_server *server;
	int fd;

	CHECK_MAGIC(loop, LOOP_MAGIC);
	fd = http_socket(address, port, error);
	if (fd < 0)
		return NULL;
	server = xcalloc(1, sizeof(*server));
	server->magic = SERVER_MAGIC;
	server->loop = loop;
	set_limits(&server->limits, limits);
	for (int i = 0; i < PHASES; i++)
		server->lines[i].end = &server->lines[i].first;
	server->daemon = start_daemon(server, fd);
	if (server->daemon == NULL) {
		*error = "cannot start the HTTP server; look at the limit of "
		    "open files";
		close(fd);
		free(server);
		return NULL;
	}
	server_watch(server);
	return server;
}

struct bh_server *
http_listen(struct loop *loop, const char *address, int *port,
    const char **error)
{
	return http_listen_with(loop, address, port, NULL, error);
}

void
http_close(struct bh_server **serverp)
{
	struct bh_server *server = *serverp;

	if (server == NULL)
		return;
	*serverp = NULL;
	CHECK_MAGIC(server, SERVER_MAGIC);
	assert(!server->running);
	server->closing = true;
	/* libmicrohttpd does not stop with suspended connections: they come
	 * back once more, to be hung up. */
	while (server->requests != NULL) {
		server->requests->hang_up = true;
		request_resume(server->requests);
	}
	http_server_run(server);
	uv_poll_stop(server->poll);
	MHD_stop_daemon(server->daemon);
	uv_timer_stop(server->timer);
	uv_timer_stop(server->deadline);
	loop_close_handle((uv_handle_t *)server->poll);
	loop_close_handle((uv_handle_t *)server->timer);
	loop_close_handle((uv_handle_t *)server->deadline);
	while (server->routes != NULL) {
		struct route *r = server->routes;

		server->routes = r->next;
		route_free(r);
	}
	KILL_MAGIC(server);
	free(server);
}
