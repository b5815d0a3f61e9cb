/*
 * http-client.c - libcurl's multi interface, driven by the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   http_send -> queue of the origin -> slot -> libcurl -> gate -> bytes out
 *                                                -> answer -> callback
 *
 * The queue is ours and not libcurl's, because a transfer that waits for a
 * connection must not hold virtual time: what it waits for may be a handler
 * of our own that waits for a timer.
 */

#include <assert.h>
#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/io/address.h"
#include "host/io/http-client-inside.h"
#include "host/io/http-request.h"
#include "host/io/loop-inside.h"

#define TIMEOUT_MS	30000
#define MAX_ANSWER	(1024u * 1024u)
#define MAX_HEADERS	(64u * 1024u)
#define MAX_HEADER_COUNT 256
#define HOST_CONNECTIONS 32	/* of libcurl, per host */
#define PLAIN_SLOTS	32	/* http: one transfer per connection */
#define TLS_SLOTS	128	/* https: HTTP/2 carries many on one */
#define KEPT_CONNECTIONS 128L	/* open, in use or not */
/* A connection that was idle for longer is not used for what must go out only
 * once: the peer may be about to close it. */
#define FRESH_SECONDS	15

struct origin {
	struct origin *next;
	size_t active, slots;
	struct bh_xfer *waiting, **waiting_end;
	char name[];		/* "https://host:port" */
};

struct bh_xfer {
	unsigned magic;
	struct http_client *client;
	struct bh_xfer *next, **prev;	/* all of the client */
	struct bh_xfer *next_waiting;
	struct origin *origin;
	CURL *easy;		/* NULL while it waits for a slot */
	struct curl_slist *headers;
	char *method, *url, *host, *body;
	size_t body_len;
	uint64_t began;		/* uv_hrtime */
	int64_t timeout;
	bool once;		/* must be written once at most */
	bool public;		/* to public addresses only */
	bool proxied;		/* so a proxy must see to that */
	char private[INET6_ADDRSTRLEN];	/* the address it was refused */
	bool sent, stopped, too_large, dropped;
	int port;		/* of ours, counted by loop_asking; 0: none */
	int (*gate)(void *);
	struct bh_buf answer, head;
	size_t head_count;
	char error[CURL_ERROR_SIZE];
	bh_http_cb *cb;
	void *arg;
	const char *who;
};

static void client_pump(struct http_client *client);

/* ------------------------------------------------------------------ */
/* What libcurl calls                                                  */

static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
	struct bh_xfer *x = CAST(struct bh_xfer, arg, XFER_MAGIC);

	bh_buf_put(&x->answer, data, size * n);
	x->too_large = x->answer.overflow;
	return x->too_large ? 0 : size * n;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One header line: "name\0value\0" in x->head.  A status line begins anew,
 * for what came before belongs to a "100 Continue". */
static size_t
take_header(char *data, size_t size, size_t n, void *arg)
{
	struct bh_xfer *x = CAST(struct bh_xfer, arg, XFER_MAGIC);
	size_t len = size * n, name = 0, from, to = len;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		bh_buf_clear(&x->head);
		x->head_count = 0;
		return len;
	}
	while (name < len && data[name] != ':')
		name++;
	if (name == len || name == 0 || blank(data[0]) ||
	    memchr(data, '\0', len) != NULL)
		return len;
	if (x->head_count++ == MAX_HEADER_COUNT)
		x->head.overflow = true;
	for (from = name + 1; from < to && blank(data[from]); from++)
		;
	while (to > from && blank(data[to - 1]))
		to--;
	for (size_t i = 0; i < name; i++) {
		char c = data[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		bh_buf_put(&x->head, &c, 1);
	}
	bh_buf_put(&x->head, "", 1);
	bh_buf_put(&x->head, data + from, to - from);
	bh_buf_put(&x->head, "", 1);
	x->too_large = x->head.overflow;
	return x->too_large ? 0 : len;
}

/* A connection stands; the next thing that libcurl does is to write. */
static int
before_write(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct bh_xfer *x = CAST(struct bh_xfer, arg, XFER_MAGIC);

	(void)local;
	(void)peer_port;
	if (x->dropped)
		return CURL_PREREQFUNC_ABORT;
	/* A connection that another transfer opened, who may go anywhere. */
	if (x->public && !x->proxied && !address_text_is_public(peer)) {
		snprintf(x->private, sizeof(x->private), "%s", peer);
		return CURL_PREREQFUNC_ABORT;
	}
	/* libcurl comes here a second time when the connection it chose died
	 * under the request: the bytes may have reached the peer. */
	if (x->sent && x->once) {
		x->stopped = false;
		return CURL_PREREQFUNC_ABORT;
	}
	if (x->gate != NULL) {
		struct loop_turn turn = loop_enter(x->client->loop, x->who);
		int no = x->gate(x->arg);

		loop_leave(turn);
		if (no != 0 || x->dropped) {
			x->stopped = true;
			return CURL_PREREQFUNC_ABORT;
		}
	}
	x->sent = true;
	if (x->port == 0) {
		x->port = local_port;
		loop_asking(x->client->loop, x->port, true);
	}
	return CURL_PREREQFUNC_OK;
}

/* ------------------------------------------------------------------ */
/* Life of a transfer                                                  */

static void
xfer_free(struct bh_xfer *x)
{
	curl_slist_free_all(x->headers);
	free(x->method);
	free(x->url);
	free(x->host);
	xfree_secret(x->body, x->body_len);
	bh_buf_release(&x->answer);
	bh_buf_release(&x->head);
	KILL_MAGIC(x);
	free(x);
}

/* Takes it out of every list, and back from libcurl. */
static void
xfer_detach(struct bh_xfer *x)
{
	struct http_client *client = x->client;

	if (x->easy != NULL) {
		curl_multi_remove_handle(client->multi, x->easy);
		curl_easy_reset(x->easy);
		if (client->spare_count < SPARE_HANDLES)
			client->spare[client->spare_count++] = x->easy;
		else
			curl_easy_cleanup(x->easy);
		x->easy = NULL;
		x->origin->active--;
		loop_asking(client->loop, x->port, false);
		loop_unhold(client->loop);
	} else {
		struct bh_xfer **at = &x->origin->waiting;

		while (*at != x)
			at = &(*at)->next_waiting;
		*at = x->next_waiting;
		if (x->origin->waiting_end == &x->next_waiting)
			x->origin->waiting_end = at;
	}
	*x->prev = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
}

static void
xfer_answer(struct bh_xfer *x, const struct bh_answer *answer)
{
	struct loop_turn turn;

	turn = loop_enter(x->client->loop, x->who);
	x->cb(x->arg, answer);
	loop_leave(turn);
	xfer_free(x);
}

static void
xfer_fail(struct bh_xfer *x, int result, const char *why)
{
	BH_AUTO_BUF struct bh_buf error = BH_BUF(1024);
	struct bh_answer answer = {
		.result = result, .sent = x->sent, .body = "",
	};

	bh_buf_add(&error, "%s: %s", x->host, why);
	answer.error = bh_buf_text(&error);
	xfer_detach(x);
	xfer_answer(x, &answer);
}

static void
xfer_succeed(struct bh_xfer *x)
{
	BH_AUTO_FREE struct bh_pair *pairs =
	    xcalloc(x->head_count + 1, sizeof(*pairs));
	struct bh_answer answer = { .result = BH_OK, .sent = x->sent };
	const char *at = x->head.data;
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	for (size_t i = 0; at != NULL && i < x->head_count; i++) {
		pairs[i].name = at;
		at += strlen(at) + 1;
		pairs[i].value = at;
		at += strlen(at) + 1;
	}
	answer.status = (int)status;
	answer.body = bh_buf_text(&x->answer);
	answer.body_len = x->answer.len;
	answer.headers = pairs;
	answer.headers_count = x->head_count;
	xfer_detach(x);
	xfer_answer(x, &answer);
}

static void
xfer_done(struct bh_xfer *x, CURLcode code)
{
	const char *why = x->error[0] != '\0' ? x->error :
	    curl_easy_strerror(code);
	char text[128];

	if (x->too_large) {
		snprintf(text, sizeof(text), "the answer is larger than %zu "
		    "bytes", x->head.overflow ? x->head.max : x->answer.max);
		xfer_fail(x, BH_EFULL, text);
	} else if (x->private[0] != '\0' && code != CURLE_OK &&
	    !x->sent) {
		snprintf(text, sizeof(text), "leads to %s, which is not a "
		    "public address", x->private);
		xfer_fail(x, BH_EPERM, text);
	} else if (x->stopped)
		xfer_fail(x, BH_ECANCELLED, "stopped before it was sent");
	else if (code == CURLE_ABORTED_BY_CALLBACK)
		xfer_fail(x, BH_ENET, "the connection closed without an "
		    "answer");
	else if (code == CURLE_OPERATION_TIMEDOUT) {
		snprintf(text, sizeof(text), "no answer within %" PRId64
		    " ms", x->timeout);
		xfer_fail(x, BH_ETIMEOUT, text);
	} else if (code != CURLE_OK)
		xfer_fail(x, BH_ENET, why);
	else
		xfer_succeed(x);
}

/* What libcurl finished.  Callbacks may send and cancel others, so that the
 * list is asked anew each time. */
static void
client_reap(struct http_client *client)
{
	CURLMsg *msg;
	int left;

	assert(!client->inside);
	while ((msg = curl_multi_info_read(client->multi, &left)) != NULL) {
		CURLcode code = msg->data.result;
		struct bh_xfer *x;
		char *private = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
		    &private);
		if (*(unsigned *)(void *)private == WEBSOCKET_MAGIC) {
			websocket_connected((void *)private, code);
			continue;
		}
		x = CAST(struct bh_xfer, (void *)private, XFER_MAGIC);
		if (x->dropped) {
			xfer_detach(x);
			xfer_free(x);
		} else
			xfer_done(x, code);
	}
	websocket_bury(client);
	client_pump(client);
}

/* ------------------------------------------------------------------ */
/* libcurl in the loop                                                 */

static void
client_drive(struct http_client *client, curl_socket_t fd, int events)
{
	int running;

	loop_touch(client->loop);
	client->inside = true;
	curl_multi_socket_action(client->multi, fd, events, &running);
	client->inside = false;
	client_reap(client);
}

static void
timer_rang(uv_timer_t *timer)
{
	client_drive(CAST(struct http_client, timer->data, HTTP_CLIENT_MAGIC),
	    CURL_SOCKET_TIMEOUT, 0);
}

static int
timer_wanted(CURLM *multi, long ms, void *arg)
{
	struct http_client *client =
	    CAST(struct http_client, arg, HTTP_CLIENT_MAGIC);

	(void)multi;
	if (ms < 0)
		uv_timer_stop(client->timer);
	else {
		uv_update_time(&client->loop->uv);
		uv_timer_start(client->timer, timer_rang, (uint64_t)ms, 0);
	}
	return 0;
}

static void
socket_ready(uv_poll_t *poll, int status, int events)
{
	struct http_client *client =
	    CAST(struct http_client, poll->data, HTTP_CLIENT_MAGIC);
	uv_os_fd_t fd;

	if (uv_fileno((const uv_handle_t *)poll, &fd) < 0)
		return;
	client_drive(client, fd, status < 0 ? CURL_CSELECT_ERR :
	    ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
	    ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0));
}

static int
socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *data)
{
	struct http_client *client =
	    CAST(struct http_client, arg, HTTP_CLIENT_MAGIC);
	uv_poll_t *poll = data;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (poll == NULL)
			return 0;
		/* libcurl closes the descriptor next: it must be out of the
		 * poll set now, not when the handle is closed. */
		uv_poll_stop(poll);
		loop_close_handle((uv_handle_t *)poll);
		curl_multi_assign(client->multi, fd, NULL);
		return 0;
	}
	if (poll == NULL) {
		poll = xcalloc(1, sizeof(*poll));
		if (uv_poll_init_socket(&client->loop->uv, poll, fd) < 0) {
			free(poll);
			return -1;
		}
		poll->data = client;
		curl_multi_assign(client->multi, fd, poll);
	}
	uv_poll_start(poll,
	    ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
	    ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0), socket_ready);
	return 0;
}

/* ------------------------------------------------------------------ */
/* Slots                                                               */

static int64_t
xfer_left(const struct bh_xfer *x)
{
	return x->timeout - (int64_t)((uv_hrtime() - x->began) / 1000000);
}

static void
set_method(CURL *easy, const struct bh_xfer *x)
{
	if (strcmp(x->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (x->body_len > 0 || strcmp(x->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
		    x->body != NULL ? x->body : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)x->body_len);
	}
	if (strcmp(x->method, "GET") != 0 || x->body_len > 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, x->method);
}

/* The address is known, the connection is not made yet: whatever a name leads
 * to, now or at the next look, is seen here. */
static curl_socket_t
socket_public(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct bh_xfer *x = CAST(struct bh_xfer, arg, XFER_MAGIC);
	union { struct sockaddr any; struct sockaddr_in in;
	    struct sockaddr_in6 in6; } a;

	(void)purpose;
	memset(&a, 0, sizeof(a));
	memcpy(&a, &address->addr, address->addrlen < sizeof(a) ?
	    address->addrlen : sizeof(a));
	if (address_is_public(&a.any))
		return socket(address->family, address->socktype,
		    address->protocol);
	inet_ntop(address->family, address->family == AF_INET6 ?
	    (const void *)&a.in6.sin6_addr : (const void *)&a.in.sin_addr,
	    x->private, sizeof(x->private));
	return CURL_SOCKET_BAD;
}

/* To public addresses only.  A proxy looks names up by itself: then it is the
 * one that keeps us in the open, so that nothing may go round it. */
static void
set_public(CURL *easy, struct bh_xfer *x)
{
	x->proxied = http_way_public(x->client, easy, x->host, x->url) != NULL;
	if (x->proxied)
		return;
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_public);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
}

static void
xfer_start(struct bh_xfer *x)
{
	struct http_client *client = x->client;
	int64_t left = xfer_left(x);
	CURL *easy;

	if (client->spare_count > 0)
		easy = client->spare[--client->spare_count];
	else if ((easy = curl_easy_init()) == NULL) {
		log_error("out of memory in the HTTP client");
		abort();
	}
	http_way_rules(client, easy, x->host);
	set_method(easy, x);
	curl_easy_setopt(easy, CURLOPT_URL, x->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->headers);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
	/* Only where HTTP/2 may come: on plain HTTP libcurl would hold back the
	 * second request until the first one is answered. */
	if (strncmp(x->origin->name, "https:", 6) == 0)
		curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	if (x->public)
		set_public(easy, x);
	if (x->once)
		curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN,
		    (long)FRESH_SECONDS);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_write);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, x);
	x->easy = easy;
	x->origin->active++;
	loop_hold(client->loop);
	/* Nothing happens in here but that a timer of 0 ms is asked for. */
	client->inside = true;
	curl_multi_add_handle(client->multi, easy);
	client->inside = false;
}

static void
patience_ended(uv_timer_t *timer)
{
	struct http_client *client =
	    CAST(struct http_client, timer->data, HTTP_CLIENT_MAGIC);

	loop_touch(client->loop);
	client_pump(client);
}

/* The first that waited too long, or NULL; *wait: ms until the next one. */
static struct bh_xfer *
find_late(const struct http_client *client, int64_t *wait)
{
	*wait = INT64_MAX;
	for (const struct origin *o = client->origins; o != NULL; o = o->next)
		for (struct bh_xfer *x = o->waiting; x != NULL;
		    x = x->next_waiting) {
			int64_t left = xfer_left(x);

			if (left <= 0)
				return x;
			if (left < *wait)
				*wait = left;
		}
	return NULL;
}

/* Gives free slots to those that wait, and ends those that waited too long. */
static void
client_pump(struct http_client *client)
{
	struct bh_xfer *late;
	int64_t wait;

	if (client->inside)
		return;		/* whoever is inside comes here after it */
	for (struct origin *o = client->origins; o != NULL; o = o->next)
		while (o->waiting != NULL && o->active < o->slots) {
			struct bh_xfer *x = o->waiting;

			o->waiting = x->next_waiting;
			if (o->waiting == NULL)
				o->waiting_end = &o->waiting;
			x->next_waiting = NULL;
			xfer_start(x);
		}
	while ((late = find_late(client, &wait)) != NULL)
		xfer_fail(late, BH_ETIMEOUT, "waited too long for others to "
		    "the same host");
	if (wait == INT64_MAX)
		uv_timer_stop(client->patience);
	else {
		uv_update_time(&client->loop->uv);
		uv_timer_start(client->patience, patience_ended,
		    (uint64_t)wait, 0);
	}
}

static struct origin *
client_origin(struct http_client *client, const char *name)
{
	struct origin *o;
	size_t len = strlen(name);

	for (o = client->origins; o != NULL; o = o->next)
		if (strcmp(o->name, name) == 0)
			return o;
	o = xcalloc(1, sizeof(*o) + len + 1);
	memcpy(o->name, name, len);
	o->slots = strncmp(name, "https:", 6) == 0 ? TLS_SLOTS : PLAIN_SLOTS;
	o->waiting_end = &o->waiting;
	o->next = client->origins;
	client->origins = o;
	return o;
}

/* ------------------------------------------------------------------ */
/* Requests                                                            */

struct bh_xfer *
http_send_public(struct http_client *client, const struct bh_http *req,
    bh_http_cb *cb, void *arg)
{
	struct bh_xfer *x = http_send(client, req, cb, arg);

	if (x != NULL)
		x->public = true;	/* it starts from the loop */
	return x;
}

struct bh_xfer *
http_send(struct http_client *client, const struct bh_http *req,
    bh_http_cb *cb, void *arg)
{
	BH_AUTO_BUF struct bh_buf origin = BH_BUF(10000);
	struct bh_xfer *x;
	char *host;

	CHECK_MAGIC(client, HTTP_CLIENT_MAGIC);
	if (!http_request_ok(req) ||
	    !http_url_split(req->url, &origin, &host))
		return NULL;
	x = xcalloc(1, sizeof(*x));
	x->magic = XFER_MAGIC;
	x->client = client;
	x->host = host;
	x->method = xstrdup(req->method);
	x->url = xstrdup(req->url);
	if (req->body_len > 0) {
		x->body = xcalloc(1, req->body_len);
		memcpy(x->body, req->body, req->body_len);
		x->body_len = req->body_len;
	}
	x->headers = http_header_list(req->headers);
	x->timeout = req->timeout > 0 ? req->timeout : TIMEOUT_MS;
	x->answer.max = req->max_answer > 0 ? req->max_answer : MAX_ANSWER;
	x->head.max = MAX_HEADERS;
	x->gate = req->gate;
	x->once = req->gate != NULL || (strcmp(req->method, "GET") != 0 &&
	    strcmp(req->method, "HEAD") != 0);
	x->began = uv_hrtime();
	x->cb = cb;
	x->arg = arg;
	x->who = loop_who_now();
	x->next = client->xfers;
	if (x->next != NULL)
		x->next->prev = &x->next;
	x->prev = &client->xfers;
	client->xfers = x;
	x->origin = client_origin(client, bh_buf_text(&origin));
	*x->origin->waiting_end = x;
	x->origin->waiting_end = &x->next_waiting;
	/* Its slot comes from the loop: no callback runs under the caller. */
	uv_timer_start(client->patience, patience_ended, 0, 0);
	return x;
}

void
http_cancel(struct bh_xfer *x)
{
	if (x == NULL)
		return;
	CHECK_MAGIC(x, XFER_MAGIC);
	if (x->client->inside && x->easy != NULL) {
		/* From a gate: libcurl is not to be touched now.  The answer,
		 * whatever it will be, finds nobody. */
		x->dropped = true;
		return;
	}
	xfer_detach(x);
	if (x->client->xfers != NULL)
		uv_timer_start(x->client->patience, patience_ended, 0, 0);
	xfer_free(x);
}

/* ------------------------------------------------------------------ */
/* The client                                                          */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void
curl_begin(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		log_error("cannot start libcurl; is it built with TLS?");
		abort();
	}
}

struct http_client *
http_client_new(struct loop *loop)
{
	struct http_client *client = xcalloc(1, sizeof(*client));

	CHECK_MAGIC(loop, LOOP_MAGIC);
	pthread_once(&curl_once, curl_begin);
	client->magic = HTTP_CLIENT_MAGIC;
	client->loop = loop;
	client->timer = xcalloc(1, sizeof(*client->timer));
	uv_timer_init(&loop->uv, client->timer);
	client->timer->data = client;
	client->patience = xcalloc(1, sizeof(*client->patience));
	uv_timer_init(&loop->uv, client->patience);
	client->patience->data = client;
	client->multi = curl_multi_init();
	if (client->multi == NULL) {
		log_error("out of memory in the HTTP client");
		abort();
	}
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION,
	    socket_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING,
	    (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
	    (long)HOST_CONNECTIONS);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
	    KEPT_CONNECTIONS);
	return client;
}

void
http_client_free(struct http_client **clientp)
{
	struct http_client *client = *clientp;

	if (client == NULL)
		return;
	*clientp = NULL;
	CHECK_MAGIC(client, HTTP_CLIENT_MAGIC);
	assert(!client->inside);
	while (client->xfers != NULL) {
		struct bh_xfer *x = client->xfers;

		xfer_detach(x);
		xfer_free(x);
	}
	websocket_release(client);
	/* The multi goes before the handles of libuv: it still calls back. */
	for (size_t i = 0; i < client->spare_count; i++)
		curl_easy_cleanup(client->spare[i]);
	curl_multi_cleanup(client->multi);
	for (struct origin *o = client->origins, *next; o != NULL; o = next) {
		next = o->next;
		free(o);
	}
	uv_timer_stop(client->timer);
	uv_timer_stop(client->patience);
	loop_close_handle((uv_handle_t *)client->timer);
	loop_close_handle((uv_handle_t *)client->patience);
	http_way_release(client);
	KILL_MAGIC(client);
	free(client);
}
