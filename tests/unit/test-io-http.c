/*
 * test-io-http.c - our HTTP client against our HTTP server, and raw peers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/address.h"
#include "host/io/http-client.h"
#include "host/io/http-server-inside.h"
#include "host/io/loop.h"

#define START	INT64_C(1767225600000)	/* 2026-01-01T00:00:00Z, a Thursday */

static struct loop *loop;
static struct http_client *client;
static struct bh_server *server;
static int port;

static int64_t
real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
up(void)
{
	const char *error = NULL;

	world_freeze(START);
	loop = loop_new();
	client = http_client_new(loop);
	port = 0;
	server = http_listen(loop, "127.0.0.1", &port, &error);
	ck_assert_msg(server != NULL, "%s", error);
	ck_assert_int_gt(port, 0);
}

static void
down(void)
{
	http_client_free(&client);
	http_close(&server);
	loop_free(&loop);
}

/* ------------------------------------------------------------------ */
/* A peer of each kind                                                 */

struct result {
	int calls, result, status, gates;
	bool sent;
	int gate_says;
	char body[200], error[200], type[100];
	size_t body_len;
};

static void
answered(void *arg, const struct bh_answer *a)
{
	struct result *r = arg;
	const char *type = bh_answer_header(a, "x-type");

	r->calls++;
	r->result = a->result;
	r->sent = a->sent;
	r->status = a->status;
	r->body_len = a->body_len;
	snprintf(r->body, sizeof(r->body), "%s", a->body);
	snprintf(r->error, sizeof(r->error), "%s",
	    a->error != NULL ? a->error : "");
	snprintf(r->type, sizeof(r->type), "%s", type != NULL ? type : "");
	ck_assert_int_eq(a->result == BH_OK, a->error == NULL);
}

static int
gate(void *arg)
{
	struct result *r = arg;

	r->gates++;
	return r->gate_says;
}

static bool
is_answered(void *arg)
{
	return ((struct result *)arg)->calls > 0;
}

static const char *
url(const char *path)
{
	static char text[300];

	snprintf(text, sizeof(text), "http://127.0.0.1:%d%s", port, path);
	return text;
}

/* Sends and waits for the answer, for at most a virtual minute. */
static struct result
ask(const struct bh_http *req)
{
	struct result r = { 0 };

	ck_assert_ptr_nonnull(http_send(client, req, answered, &r));
	ck_assert_int_eq(r.calls, 0);
	ck_assert(loop_settle(loop, is_answered, &r, 60000));
	ck_assert_int_eq(r.calls, 1);
	return r;
}

struct visit {
	int calls;
	char method[20], path[100], query[100], peer[64], note[100];
	char body[200];
	size_t body_len;
	long cut;
	int64_t delay;
	struct bh_request *held[300];
	int held_count;
};

static const char *const plain[] = { "X-Type: plain", NULL };

static void
answer_hello(struct bh_request *rq, long cut)
{
	const struct bh_http_out out = {
		.status = 201, .headers = plain,
		.body = "hello, world", .body_len = 12, .cut = cut,
	};

	http_respond(rq, &out);
}

static void
visited(struct visit *v, const struct bh_http_in *in)
{
	const char *note = "";

	for (size_t i = 0; i < in->headers_count; i++)
		if (strcmp(in->headers[i].name, "x-note") == 0)
			note = in->headers[i].value;
	v->calls++;
	snprintf(v->method, sizeof(v->method), "%s", in->method);
	snprintf(v->path, sizeof(v->path), "%s", in->path);
	snprintf(v->query, sizeof(v->query), "%s", in->query);
	snprintf(v->peer, sizeof(v->peer), "%s", in->peer);
	snprintf(v->note, sizeof(v->note), "%s", note);
	v->body_len = in->body_len;
	memcpy(v->body, in->body, in->body_len < 199 ? in->body_len : 199);
	ck_assert_int_eq(in->body[in->body_len], '\0');
}

static void
at_once(void *arg, struct bh_request *rq, const struct bh_http_in *in)
{
	struct visit *v = arg;

	visited(v, in);
	answer_hello(rq, v->cut);
}

static void
release_first(void *arg)
{
	struct visit *v = arg;

	answer_hello(v->held[0], v->cut);
	memmove(v->held, v->held + 1, sizeof(v->held) - sizeof(v->held[0]));
	v->held_count--;
}

/* Keeps the request, and answers after the visit's delay if it has one. */
static void
later(void *arg, struct bh_request *rq, const struct bh_http_in *in)
{
	struct visit *v = arg;

	visited(v, in);
	v->held[v->held_count++] = rq;
	if (v->delay > 0)
		loop_after(loop, v->delay, release_first, v);
}

/* Something that speaks bytes, not HTTP. */
struct raw {
	int fd;
	bool over;
	struct bh_watch *watch;
	char text[2000];
	size_t len;
};

static void
raw_readable(void *arg, int fd, unsigned events)
{
	struct raw *raw = arg;
	ssize_t n = read(fd, raw->text + raw->len,
	    sizeof(raw->text) - 1 - raw->len);

	(void)events;
	if (n > 0)
		raw->len += (size_t)n;
	else {
		raw->over = true;
		loop_unwatch(raw->watch);
		raw->watch = NULL;
	}
}

static bool
raw_over(void *arg)
{
	return ((struct raw *)arg)->over;
}

static void
raw_send(struct raw *raw, const char *text)
{
	ssize_t n = send(raw->fd, text, strlen(text), MSG_NOSIGNAL);

	(void)n;		/* the peer may have hung up */
}

static void
raw_open(struct raw *raw, const char *text)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	memset(raw, 0, sizeof(*raw));
	raw->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(raw->fd, (struct sockaddr *)&in, sizeof(in)),
	    0);
	raw->watch = loop_watch(loop, raw->fd, BH_READ, raw_readable, raw);
	raw_send(raw, text);
}

static void
raw_close(struct raw *raw)
{
	loop_unwatch(raw->watch);
	close(raw->fd);
}

/* What the server says to these bytes before it hangs up. */
static int
raw_status(const char *text)
{
	struct raw raw;
	int status = 0;

	world_thaw();		/* nothing virtual about a raw peer */
	raw_open(&raw, text);
	ck_assert(loop_settle(loop, raw_over, &raw, 3000));
	raw_close(&raw);
	if (raw.len > 0)
		ck_assert_int_eq(sscanf(raw.text, "HTTP/1.1 %d", &status), 1);
	return status;
}

/* ------------------------------------------------------------------ */
/* Tests                                                               */

START_TEST(round_trip)
{
	struct visit v = { 0 };
	const char *const headers[] = { "X-Note: some note", "X-Empty:", NULL };
	const struct bh_http req = {
		.method = "POST", .url = url("/a%20b/c?d=e%26f&g"),
		.headers = headers, .body = "one\0two", .body_len = 7,
	};
	struct result r;

	http_route(server, "POST", "/a*", at_once, &v);
	r = ask(&req);
	ck_assert_int_eq(r.result, BH_OK);
	ck_assert(r.sent);
	ck_assert_int_eq(r.status, 201);
	ck_assert_str_eq(r.body, "hello, world");
	ck_assert_str_eq(r.type, "plain");
	ck_assert_str_eq(v.method, "POST");
	ck_assert_str_eq(v.path, "/a%20b/c");
	ck_assert_str_eq(v.query, "d=e%26f&g");
	ck_assert_str_eq(v.peer, "127.0.0.1");
	ck_assert_str_eq(v.note, "some note");
	ck_assert_uint_eq(v.body_len, 7);
	ck_assert_mem_eq(v.body, "one\0two", 7);
}
END_TEST

START_TEST(routes)
{
	struct visit exact = { 0 }, prefix = { 0 }, all = { 0 };
	struct bh_http req = { .method = "GET" };
	struct result r;

	ck_assert_int_eq(http_route(server, "GET", "/x", at_once, &exact), 0);
	ck_assert_int_eq(http_route(server, "GET", "/x*", at_once, &prefix), 0);
	ck_assert_int_eq(http_route(server, "*", "/y/*", at_once, &all), 0);
	ck_assert_int_eq(http_route(server, "GET", "/x", at_once, &all),
	    BH_ECONFLICT);
	ck_assert_int_eq(http_route(server, "GET", "x", at_once, &all),
	    BH_EINVAL);
	req.url = url("/x");
	ck_assert_int_eq(ask(&req).status, 201);
	ck_assert_int_eq(exact.calls, 1);
	req.url = url("/xy");
	ck_assert_int_eq(ask(&req).status, 201);
	ck_assert_int_eq(prefix.calls, 1);
	req.url = url("/z");
	ck_assert_int_eq(ask(&req).status, 404);
	req.url = url("/y/1");
	req.method = "DELETE";
	ck_assert_int_eq(ask(&req).status, 201);
	ck_assert_str_eq(all.method, "DELETE");
	req.url = url("/x");
	ck_assert_int_eq(ask(&req).status, 405);
	req.method = "HEAD";
	r = ask(&req);
	ck_assert_int_eq(r.status, 201);
	ck_assert_uint_eq(r.body_len, 0);
	http_unroute(server, &exact);
	req.method = "GET";
	ck_assert_int_eq(ask(&req).status, 201);
	ck_assert_int_eq(exact.calls, 2);
	ck_assert_int_eq(prefix.calls, 2);
}
END_TEST

/* A handler that answers after three virtual seconds: the clock moves on
 * under the transfer, by exactly that, and nobody really waits. */
START_TEST(late_answer_on_virtual_time)
{
	struct visit v = { .delay = 3000 };
	const struct bh_http req = { .method = "GET", .url = url("/") };

	http_route(server, "GET", "/", later, &v);
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(ask(&req).status, 201);
		ck_assert_int_eq(world_now() - START, i * 3000);
	}
}
END_TEST

struct crowd { struct result r[200]; };

static bool
all_answered(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < 200; i++)
		if (c->r[i].calls == 0)
			return false;
	return true;
}

/* More at once than there are connections: those that wait for one must not
 * hold time still. */
START_TEST(crowd_on_virtual_time)
{
	static struct crowd c;
	struct visit v = { .delay = 1000 };
	const struct bh_http req = { .method = "POST", .url = url("/") };

	memset(&c, 0, sizeof(c));
	http_route(server, "POST", "/", later, &v);
	for (int i = 0; i < 200; i++)
		http_send(client, &req, answered, &c.r[i]);
	ck_assert(loop_settle(loop, all_answered, &c, 60000));
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(c.r[i].status, 201);
	ck_assert_int_eq(v.calls, 200);
}
END_TEST

START_TEST(answer_too_large)
{
	struct visit v = { 0 };
	struct bh_http req = {
		.method = "GET", .url = url("/"), .max_answer = 11
	};
	struct result r;

	http_route(server, "GET", "/", at_once, &v);
	r = ask(&req);
	ck_assert_int_eq(r.result, BH_EFULL);
	ck_assert(r.sent);
	req.max_answer = 12;
	ck_assert_int_eq(ask(&req).result, BH_OK);
}
END_TEST

START_TEST(body_too_large)
{
	struct visit v = { 0 };
	size_t len = 1024 * 1024 + 1;
	BH_AUTO_FREE char *body = xcalloc(1, len);
	struct bh_http req = {
		.method = "POST", .url = url("/"),
		.body = body, .body_len = len,
	};
	struct result r;

	http_route(server, "POST", "/", at_once, &v);
	r = ask(&req);
	/* The server answers and hangs up while the body is still coming: the
	 * client reads the answer or a reset. */
	if (r.result == BH_OK)
		ck_assert_int_eq(r.status, 413);
	else
		ck_assert_int_eq(r.result, BH_ENET);
	ck_assert_int_eq(v.calls, 0);
	req.body_len--;
	ck_assert_int_eq(ask(&req).status, 201);
	ck_assert_uint_eq(v.body_len, len - 1);
}
END_TEST

START_TEST(refused_connection)
{
	const struct bh_http req = { .method = "POST", .url = url("/") };
	struct result r;

	http_close(&server);
	r = ask(&req);
	ck_assert_int_eq(r.result, BH_ENET);
	ck_assert(!r.sent);
	ck_assert_ptr_nonnull(strstr(r.error, "127.0.0.1"));
}
END_TEST

START_TEST(gate_decides)
{
	struct visit v = { 0 };
	const struct bh_http req = {
		.method = "POST", .url = url("/"), .gate = gate
	};
	struct result yes = { 0 }, no = { .gate_says = 1 };

	http_route(server, "POST", "/", at_once, &v);
	http_send(client, &req, answered, &no);
	ck_assert(loop_settle(loop, is_answered, &no, 1000));
	ck_assert_int_eq(no.result, BH_ECANCELLED);
	ck_assert(!no.sent);
	ck_assert_int_eq(no.gates, 1);
	ck_assert_int_eq(v.calls, 0);
	http_send(client, &req, answered, &yes);
	ck_assert(loop_settle(loop, is_answered, &yes, 1000));
	ck_assert_int_eq(yes.result, BH_OK);
	ck_assert_int_eq(yes.gates, 1);
	ck_assert_int_eq(v.calls, 1);
}
END_TEST

static struct bh_xfer *doomed;

static int
cancelling_gate(void *arg)
{
	(void)arg;
	http_cancel(doomed);
	return 0;
}

START_TEST(cancelled)
{
	struct visit v = { 0 };
	struct bh_http req = { .method = "POST", .url = url("/") };
	struct result r = { 0 };

	http_route(server, "POST", "/", later, &v);
	doomed = http_send(client, &req, answered, &r);
	http_cancel(doomed);
	loop_settle(loop, NULL, NULL, 1000);
	ck_assert_int_eq(v.calls, 0);
	doomed = http_send(client, &req, answered, &r);
	loop_settle(loop, NULL, NULL, 1000);
	ck_assert_int_eq(v.calls, 1);
	ck_assert_uint_eq(http_unanswered(server), 1);
	http_cancel(doomed);
	answer_hello(v.held[0], 0);
	ck_assert_uint_eq(http_unanswered(server), 0);
	req.gate = cancelling_gate;
	doomed = http_send(client, &req, answered, &r);
	loop_settle(loop, NULL, NULL, 1000);
	ck_assert_int_eq(v.calls, 1);
	ck_assert_int_eq(r.calls, 0);
	http_cancel(NULL);
}
END_TEST

/* The peer hangs up on a connection that was good before: libcurl would send
 * the request again on a new one.  A write must go out once. */
START_TEST(reset_after_send)
{
	struct visit v = { 0 };
	struct bh_http req = { .method = "GET", .url = url("/") };
	struct result r;

	http_route(server, "*", "/", at_once, &v);
	for (int warm = 0; warm < 2; warm++) {
		v.cut = -1;
		v.calls = 0;
		req.method = "POST";
		r = ask(&req);
		ck_assert_int_eq(r.result, BH_ENET);
		ck_assert(r.sent);
		ck_assert_int_eq(v.calls, 1);
		v.cut = 0;
		req.method = "GET";
		ck_assert_int_eq(ask(&req).status, 201);
	}
}
END_TEST

START_TEST(cut_answer)
{
	struct visit v = { .cut = 5 };
	const struct bh_http req = { .method = "POST", .url = url("/") };
	struct result r;

	http_route(server, "POST", "/", at_once, &v);
	r = ask(&req);
	ck_assert_int_eq(r.result, BH_ENET);
	ck_assert(r.sent);
	ck_assert_int_eq(v.calls, 1);
	/* Late, and right at the end. */
	http_unroute(server, &v);
	v.delay = 1000;
	http_route(server, "POST", "/", later, &v);
	ck_assert_int_eq(ask(&req).result, BH_ENET);
	v.cut = -1;
	ck_assert_int_eq(ask(&req).result, BH_ENET);
	v.cut = 12;
	ck_assert_int_eq(ask(&req).status, 201);
	ck_assert_int_eq(v.calls, 4);
}
END_TEST

START_TEST(cut_shows_its_bytes)
{
	struct visit v = { .cut = 5 };
	struct raw raw;

	http_route(server, "GET", "/", at_once, &v);
	world_thaw();
	raw_open(&raw, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	ck_assert(loop_settle(loop, raw_over, &raw, 3000));
	raw_close(&raw);
	ck_assert_ptr_nonnull(strstr(raw.text, "Content-Length: 12\r\n"));
	ck_assert_str_eq(strstr(raw.text, "\r\n\r\n") + 4, "hello");
}
END_TEST

START_TEST(no_answer_in_time)
{
	struct visit v = { 0 };
	const struct bh_http req = {
		.method = "POST", .url = url("/"), .timeout = 100
	};
	struct result r = { 0 };

	http_route(server, "POST", "/", later, &v);
	world_thaw();
	http_send(client, &req, answered, &r);
	ck_assert(loop_settle(loop, is_answered, &r, 3000));
	ck_assert_int_eq(r.result, BH_ETIMEOUT);
	ck_assert(r.sent);
	/* Its peer is gone; the answer falls into nothing. */
	answer_hello(v.held[0], 0);
	loop_settle(loop, NULL, NULL, 10);
}
END_TEST

START_TEST(unroute_answers_what_it_holds)
{
	struct visit v = { 0 };
	const struct bh_http req = { .method = "GET", .url = url("/") };
	struct result r = { 0 }, left = { 0 };

	http_route(server, "GET", "/", later, &v);
	http_send(client, &req, answered, &r);
	loop_settle(loop, NULL, NULL, 1000);
	ck_assert_uint_eq(http_unanswered(server), 1);
	http_unroute(server, &v);
	ck_assert(loop_settle(loop, is_answered, &r, 1000));
	ck_assert_int_eq(r.status, 503);
	/* The same with the whole server. */
	http_route(server, "GET", "/", later, &v);
	http_send(client, &req, answered, &left);
	loop_settle(loop, NULL, NULL, 1000);
	ck_assert_int_eq(v.calls, 2);
	http_close(&server);
	ck_assert(loop_settle(loop, is_answered, &left, 1000));
	ck_assert_int_eq(left.result, BH_ENET);
}
END_TEST

START_TEST(senseless_requests)
{
	static const char *const broken[] = { "A: b\r\nC: d", NULL };
	static const char *const nameless[] = { "just words", NULL };
	static const struct bh_http bad[] = {
		{ .method = "GET", .url = "ftp://127.0.0.1/" },
		{ .method = "GET", .url = "file:///etc/passwd" },
		{ .method = "GET", .url = "http://user:word@127.0.0.1/" },
		{ .method = "GET", .url = "http://127.0.0.1/a b" },
		{ .method = "GET", .url = "http://127.0.0.1/\r\nX: y" },
		{ .method = "GET", .url = "http:///" },
		{ .method = "GET", .url = "127.0.0.1" },
		{ .method = "GET", .url = NULL },
		{ .method = "GET / HTTP/1.1\r\nX:", .url = "http://127.0.0.1/" },
		{ .method = NULL, .url = "http://127.0.0.1/" },
		{ .method = "GET", .url = "http://127.0.0.1/",
		  .headers = broken },
		{ .method = "GET", .url = "http://127.0.0.1/",
		  .headers = nameless },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(http_send(client, &bad[i], answered, NULL) ==
		    NULL, "request %zu was taken", i);
}
END_TEST

START_TEST(unclear_requests)
{
	static const struct { int status; const char *text; } cases[] = {
	{ 201, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" },
	{ 201, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
	    "Content-Length: 4\r\n\r\nabcd" },
	{ 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
	    "Content-Length: 3\r\n\r\nabc" },
	{ 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\r\nHost: h\r\n"
	    "Transfer-Encoding: gzip\r\n\r\nabc" },
	{ 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc" },
	{ 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc" },
	{ 400, "GET / HTTP/1.1\r\n\r\n" },
	{ 400, "GET / HTTP/1.0\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n" },
	{ 400, "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n" },
	{ 413, "POST / HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 1048577\r\n\r\n" },
	{ 413, "POST / HTTP/1.1\r\nHost: h\r\n"
	    "Content-Length: 1152921504606846976\r\n\r\n" },
	};
	struct visit v = { 0 };

	http_route(server, "*", "/*", at_once, &v);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = raw_status(cases[i].text);

		ck_assert_msg(status == cases[i].status,
		    "case %zu got %d", i, status);
	}
	ck_assert_int_eq(v.calls, 2);
}
END_TEST

START_TEST(endless_chunks)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(100000);
	const struct http_limits limits = { .max_body = 1000 };
	struct visit v = { 0 };
	const char *error;

	http_close(&server);
	server = http_listen_with(loop, "127.0.0.1", &port, &limits, &error);
	ck_assert_ptr_nonnull(server);
	http_route(server, "*", "/*", at_once, &v);
	bh_buf_puts(&text, "POST / HTTP/1.1\r\nHost: h\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 101; i++)
		bh_buf_puts(&text, "a\r\n0123456789\r\n");
	/* Hung up before its end, which never comes. */
	ck_assert_int_eq(raw_status(bh_buf_text(&text)), 0);
	ck_assert_int_eq(v.calls, 0);
}
END_TEST

static void
drip(void *arg)
{
	struct raw *raw = arg;

	if (raw->over)
		return;
	raw_send(raw, "x");
	loop_after(loop, 20, drip, raw);
}

/* A byte every 20 ms keeps an idle timeout away for ever, not ours. */
START_TEST(slow_peers)
{
	const struct http_limits limits = {
		.head = 200, .body = 200, .idle = 200
	};
	static const char *const begun[] = {
		"GET / HTTP/1.1\r\nHost: ",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n",	/* then idle */
	};
	struct visit v = { 0 };
	const char *error;

	http_close(&server);
	server = http_listen_with(loop, "127.0.0.1", &port, &limits, &error);
	ck_assert_ptr_nonnull(server);
	http_route(server, "GET", "/", at_once, &v);
	world_thaw();
	for (int i = 0; i < 3; i++) {
		struct raw raw;
		int64_t began = real_ms();

		raw_open(&raw, begun[i]);
		if (i < 2)
			drip(&raw);
		ck_assert(loop_settle(loop, raw_over, &raw, 3000));
		ck_assert_int_ge(real_ms() - began, 190);
			ck_assert_int_eq(raw.len > 0, i == 2);
		raw_close(&raw);
		/* The drip's timer finds it over. */
		loop_settle(loop, NULL, NULL, 30);
	}
	ck_assert_int_eq(v.calls, 1);
}
END_TEST

/* The third waits outside until one of two leaves. */
START_TEST(connections_are_capped)
{
	const struct http_limits limits = { .connections = 2, .head = 300 };
	struct visit v = { 0 };
	struct raw raw[3];
	const char *error;
	int64_t began = real_ms();

	http_close(&server);
	server = http_listen_with(loop, "127.0.0.1", &port, &limits, &error);
	ck_assert_ptr_nonnull(server);
	http_route(server, "GET", "/", at_once, &v);
	world_thaw();
	raw_open(&raw[0], "");
	raw_open(&raw[1], "");
	loop_settle(loop, NULL, NULL, 50);
	raw_open(&raw[2],
	    "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	ck_assert(loop_settle(loop, raw_over, &raw[2], 5000));
	ck_assert_int_ge(real_ms() - began, 290);
	ck_assert_int_eq(v.calls, 1);
	ck_assert_ptr_nonnull(strstr(raw[2].text, "201"));
	for (int i = 0; i < 3; i++)
		raw_close(&raw[i]);
}
END_TEST

/* Loopback is exempt, so that strangers are made up here. */
START_TEST(addresses_are_capped)
{
	struct conn strangers[2] = { 0 };
	struct sockaddr_in from = { 0 };
	struct sockaddr *sa = (struct sockaddr *)&from;

	server->limits.per_address = 2;
	from.sin_family = AF_INET;
	from.sin_addr.s_addr = htonl(0xc0000201);	/* 192.0.2.1 */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(http_accept_policy(server, sa,
		    sizeof(from)), MHD_YES);
		memcpy(&strangers[i].peer, &from, sizeof(from));
		strangers[i].next = server->conns_held;
		server->conns_held = &strangers[i];
	}
	ck_assert_int_eq(http_accept_policy(server, sa, sizeof(from)),
	    MHD_NO);
	from.sin_addr.s_addr = htonl(0xc0000202);
	ck_assert_int_eq(http_accept_policy(server, sa, sizeof(from)),
	    MHD_YES);
	server->conns_held = NULL;
}
END_TEST

START_TEST(dates_are_the_worlds)
{
	struct visit v = { 0 };
	struct raw raw;

	http_route(server, "GET", "/", at_once, &v);
	raw_open(&raw, "GET / HTTP/1.1\r\nHost: h\r\n"
	    "Connection: close\r\n\r\n");
	loop_settle(loop, NULL, NULL, 0);
	raw_close(&raw);
	ck_assert_ptr_nonnull(strstr(raw.text,
	    "\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"));
}
END_TEST

struct listing { bool done; char text[4000]; };

static void
listed(void *arg, int result, const char *output, size_t len)
{
	struct listing *l = arg;

	(void)len;
	ck_assert_int_eq(result, 0);
	snprintf(l->text, sizeof(l->text), "%s", output);
	l->done = true;
}

static bool
is_listed(void *arg)
{
	return ((struct listing *)arg)->done;
}

/* A credential helper must not find our connections among its descriptors. */
START_TEST(programs_get_no_sockets)
{
	const char *const argv[] = { "sh", "-c", "for f in /proc/$$/fd/*; do "
	    "test \"${f##*/}\" -le 2 || readlink \"$f\"; done; echo end", NULL };
	const struct bh_http req = { .method = "GET", .url = url("/x") };
	struct listing l = { .done = false };
	struct visit v = { 0 };

	http_route(server, "GET", "/x", at_once, &v);
	ck_assert_int_eq(ask(&req).result, BH_OK);
	ck_assert_int_eq(loop_exec(loop, argv, 0, listed, &l), BH_OK);
	ck_assert(loop_settle(loop, is_listed, &l, 1000));
	ck_assert_ptr_nonnull(strstr(l.text, "end"));
	ck_assert_msg(strstr(l.text, "socket:") == NULL, "%s", l.text);
	ck_assert_msg(strstr(l.text, "anon_inode:") == NULL, "%s", l.text);
}
END_TEST

START_TEST(listen_errors)
{
	const char *error = NULL;
	int taken = port, wrong = 0;

	ck_assert_ptr_null(http_listen(loop, "127.0.0.1", &taken, &error));
	ck_assert_ptr_nonnull(strstr(error, "in use"));
	ck_assert_ptr_null(http_listen(loop, "no.such.host", &wrong, &error));
	ck_assert_ptr_nonnull(strstr(error, "no.such.host"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		round_trip, routes, late_answer_on_virtual_time,
		crowd_on_virtual_time, answer_too_large, body_too_large,
		refused_connection, gate_decides, cancelled, reset_after_send,
		cut_answer, cut_shows_its_bytes, no_answer_in_time,
		unroute_answers_what_it_holds, senseless_requests,
		unclear_requests, endless_chunks, slow_peers,
		connections_are_capped, addresses_are_capped,
		dates_are_the_worlds, programs_get_no_sockets, listen_errors,
	};
	Suite *s = suite_create("io-http");
	TCase *tc = tcase_create("http");
	SRunner *runner = srunner_create(s);
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, up, down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
