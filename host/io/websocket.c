/* websocket.c - WebSockets by us: their life, from the URL to the goodbye.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   NEW -> libcurl connects (TLS, proxy) -> ASKING: our head, theirs
 *       -> OPEN: frames -> CLOSING: the other goodbye, 1 s -> closed()
 *
 * libcurl hands the connection over and keeps it: the easy handle stays in
 * the multi until the end, or nothing can be sent any more.  HTTP/1.1 is
 * forced, for HTTP/2 would be agreed on otherwise and break curl_easy_recv().
 *
 * A call may do anything, dropping this socket included.  So calls run only
 * where `busy` is up, what they want is noted, and socket_settle() does it
 * once nothing of this socket is on the stack any more.
 */

#include <assert.h>
#include <inttypes.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/http-request.h"
#include "host/io/loop-inside.h"
#include "host/io/websocket-inside.h"

#define TIMEOUT_MS	10000
#define PING_MS		10000
#define SILENCE_MS	30000
#define GOODBYE_MS	1000
#define MAX_MESSAGE	(1024u * 1024u)
#define TURN_BYTES	(256u * 1024u)	/* then others have their turn */

static void socket_advance(struct bh_socket *s);

/* ------------------------------------------------------------------ */
/* The end                                                             */

/* Out of the loop and of libcurl; nothing comes to it any more. */
static void
socket_detach(struct bh_socket *s)
{
	struct bh_timer **timers[] =
	    { &s->deadline, &s->pinger, &s->watchdog, &s->soon };

	for (size_t i = 0; i < 4; i++) {
		loop_cancel(*timers[i]);
		*timers[i] = NULL;
	}
	if (s->poll != NULL) {
		uv_poll_stop(s->poll);
		loop_close_handle((uv_handle_t *)s->poll);
		s->poll = NULL;
	}
}

static void
socket_free(struct bh_socket *s)
{
	socket_detach(s);
	assert(!s->client->inside && s->busy == 0);
	if (s->stage == WEBSOCKET_CONNECTING)
		loop_unhold(s->client->loop);
	if (s->easy != NULL) {
		if (s->stage != WEBSOCKET_NEW)
			curl_multi_remove_handle(s->client->multi, s->easy);
		curl_easy_cleanup(s->easy);
	}
	*s->prev = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	if (s->frames != NULL)
		wslay_event_context_free(s->frames);
	ws_queue_release(&s->out);
	ws_url_release(&s->url);
	if (s->request.data != NULL)
		memset(s->request.data, 0, s->request.len);
	bh_buf_release(&s->request);
	bh_buf_release(&s->head);
	bh_buf_release(&s->message);
	free(s->why);
	KILL_MAGIC(s);
	free(s);
}

void
websocket_end(struct bh_socket *s, int result, int code, const char *why)
{
	if (s->ended)
		return;
	s->ended = true;
	s->result = result;
	s->code = code;
	s->why = xasprintf("%s: %s", s->url.host, why);
}

/* Tells of the end and is gone. */
static void
socket_close(struct bh_socket *s)
{
	struct loop_turn turn;

	socket_detach(s);
	if (s->calls.closed != NULL) {
		s->busy++;
		turn = loop_enter(s->client->loop, s->who);
		s->calls.closed(s->arg, s->result, s->code, s->why);
		loop_leave(turn);
		s->busy--;
	}
	socket_free(s);
}

static void
soon_rang(void *arg)
{
	struct bh_socket *s = CAST(struct bh_socket, arg, WEBSOCKET_MAGIC);

	s->soon = NULL;
	socket_advance(s);
}

static void
socket_soon(struct bh_socket *s)
{
	if (s->soon == NULL)
		s->soon = loop_after(s->client->loop, 0, soon_rang, s);
}

/* ------------------------------------------------------------------ */
/* Bytes                                                               */

ssize_t
websocket_receive(struct bh_socket *s, void *buf, size_t len)
{
	size_t n = 0;
	CURLcode code = curl_easy_recv(s->easy, buf, len, &n);

	if (code == CURLE_AGAIN)
		return 0;
	if (code == CURLE_OK && n > 0)
		return (ssize_t)n;
	websocket_end(s, BH_ENET, WSLAY_CODE_ABNORMAL_CLOSURE,
	    code == CURLE_OK ? "hung up without a goodbye" :
	    "the connection broke");
	return -1;
}

static void
socket_send(struct bh_socket *s)
{
	const void *data;
	size_t len, n;

	while ((data = ws_queue_front(&s->out, &len)) != NULL) {
		CURLcode code = curl_easy_send(s->easy, data, len, &n);

		if (code == CURLE_AGAIN)
			return;
		if (code != CURLE_OK) {
			websocket_end(s, BH_ENET, WSLAY_CODE_ABNORMAL_CLOSURE,
			    "the connection broke");
			return;
		}
		ws_queue_sent(&s->out, n);
	}
}

/* ------------------------------------------------------------------ */
/* Time                                                                */

static void
deadline_passed(void *arg)
{
	struct bh_socket *s = CAST(struct bh_socket, arg, WEBSOCKET_MAGIC);
	char why[80];

	s->deadline = NULL;
	if (s->stage == WEBSOCKET_CLOSING)
		websocket_end(s, BH_ETIMEOUT, WSLAY_CODE_ABNORMAL_CLOSURE,
		    "did not answer our goodbye within 1 s");
	else {
		snprintf(why, sizeof(why), "was not open within %" PRId64
		    " ms", s->timeout);
		websocket_end(s, BH_ETIMEOUT, 0, why);
	}
	socket_advance(s);
}

static void
ping_due(void *arg)
{
	struct bh_socket *s = CAST(struct bh_socket, arg, WEBSOCKET_MAGIC);

	s->pinger = loop_after(s->client->loop, s->ping, ping_due, s);
	/* Behind a peer that reads nothing, one more would only wait. */
	if (s->stage == WEBSOCKET_OPEN && s->out.len == 0)
		websocket_frames_ping(s);
	socket_advance(s);
}

static void
watchdog_rang(void *arg)
{
	struct bh_socket *s = CAST(struct bh_socket, arg, WEBSOCKET_MAGIC);
	int64_t left;
	char why[80];

	s->watchdog = NULL;
	/* What lies there unread since the machine slept, or we were busy,
	 * counts. */
	if (s->stage == WEBSOCKET_OPEN) {
		s->busy++;
		s->budget = TURN_BYTES;
		websocket_frames_read(s);
		s->busy--;
	}
	left = s->heard + s->silence - world_mono();
	if (left > 0)
		s->watchdog = loop_after(s->client->loop, left, watchdog_rang,
		    s);
	else {
		snprintf(why, sizeof(why), "was silent for %" PRId64 " ms",
		    s->silence);
		websocket_end(s, BH_ETIMEOUT, WSLAY_CODE_ABNORMAL_CLOSURE,
		    why);
	}
	socket_advance(s);
}

/* ------------------------------------------------------------------ */
/* Moving on                                                           */

static void
socket_opened(struct bh_socket *s)
{
	struct loop *loop = s->client->loop;
	struct loop_turn turn;

	s->stage = WEBSOCKET_OPEN;
	loop_cancel(s->deadline);
	s->deadline = NULL;
	websocket_frames_init(s);
	s->pinger = loop_after(loop, s->ping, ping_due, s);
	s->watchdog = loop_after(loop, s->silence, watchdog_rang, s);
	if (s->calls.opened != NULL) {
		turn = loop_enter(loop, s->who);
		s->calls.opened(s->arg);
		loop_leave(turn);
	}
}

static void
socket_read_head(struct bh_socket *s)
{
	const char *why = NULL;
	char piece[4096], text[120];
	int status = 0;
	long ret = 0;
	ssize_t n;

	while (ret == 0 && (n = websocket_receive(s, piece,
	    sizeof(piece))) > 0) {
		bh_buf_put(&s->head, piece, (size_t)n);
		ret = ws_head_answer(bh_buf_text(&s->head), s->head.len,
		    s->key, &status, &why);
	}
	if (ret > 0) {
		s->head_at = (size_t)ret;
		socket_opened(s);
	} else if (ret == BH_EPERM) {
		snprintf(text, sizeof(text), "%s with HTTP status %d", why,
		    status);
		websocket_end(s, BH_EPERM, status, text);
	} else if (ret < 0)
		websocket_end(s, BH_EPARSE, 0, why);
}

static void
socket_moved(uv_poll_t *poll, int status, int events)
{
	struct bh_socket *s = CAST(struct bh_socket, poll->data,
	    WEBSOCKET_MAGIC);

	(void)status;		/* reading tells what is wrong */
	(void)events;
	loop_touch(s->client->loop);
	socket_advance(s);
}

/* Asks to be told of what it waits for now. */
static void
socket_wait(struct bh_socket *s)
{
	int want = s->out.len > 0 ? UV_WRITABLE : 0;

	if (s->out.len <= WEBSOCKET_QUEUE_MAX)
		want |= UV_READABLE;
	if (want != s->polled)
		uv_poll_start(s->poll, want, socket_moved);
	s->polled = want;
	if (s->again)		/* libcurl may hold it, not the kernel */
		socket_soon(s);
}

/* The last step of whatever happens to a socket. */
static void
socket_settle(struct bh_socket *s)
{
	if (s->busy > 0)
		return;		/* whoever is busy comes here after it */
	if (s->client->inside) {
		if (!s->gone)	/* else websocket_bury() comes */
			socket_soon(s);
	} else if (s->gone)
		socket_free(s);
	else if (s->ended)
		socket_close(s);
	else if (s->poll != NULL)
		socket_wait(s);
}

/* A goodbye was said: the rest has a second. */
static void
socket_goodbye(struct bh_socket *s)
{
	loop_cancel(s->pinger);
	loop_cancel(s->watchdog);
	s->pinger = s->watchdog = NULL;
	if (s->deadline == NULL)
		s->deadline = loop_after(s->client->loop, GOODBYE_MS,
		    deadline_passed, s);
	if (wslay_event_get_close_received(s->frames) && s->out.len == 0)
		websocket_end(s, BH_OK,
		    wslay_event_get_status_code_received(s->frames),
		    "said goodbye");
}

static void socket_start(struct bh_socket *s);

/* Reads and writes whatever can be. */
static void
socket_advance(struct bh_socket *s)
{
	if (s->busy > 0 || s->client->inside) {
		socket_settle(s);
		return;
	}
	s->busy++;
	s->budget = TURN_BYTES;
	s->again = false;
	if (s->stage == WEBSOCKET_NEW && !s->ended)
		socket_start(s);
	if (s->stage == WEBSOCKET_ASKING && !s->ended)
		socket_read_head(s);
	if (s->frames != NULL && !s->ended && !s->gone &&
	    s->out.len <= WEBSOCKET_QUEUE_MAX)
		websocket_frames_read(s);
	/* Last words, too. */
	if (s->frames != NULL && !s->gone)
		websocket_frames_write(s);
	if (s->poll != NULL && !s->gone)
		socket_send(s);
	if (s->stage == WEBSOCKET_CLOSING && !s->ended && !s->gone)
		socket_goodbye(s);
	s->busy--;
	socket_settle(s);
}

/* ------------------------------------------------------------------ */
/* Connecting                                                          */

static void
socket_start(struct bh_socket *s)
{
	struct http_client *client = s->client;

	http_way_rules(client, s->easy, s->url.host);
	curl_easy_setopt(s->easy, CURLOPT_URL, s->url.http);
	curl_easy_setopt(s->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(s->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(s->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)s->timeout);
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->error);
	s->stage = WEBSOCKET_CONNECTING;
	loop_hold(client->loop);
	client->inside = true;
	curl_multi_add_handle(client->multi, s->easy);
	client->inside = false;
}

/* The connection is ours: watch it, and ask. */
static void
socket_take_over(struct bh_socket *s)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	uv_poll_t *poll = xcalloc(1, sizeof(*poll));

	curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD ||
	    uv_poll_init_socket(&s->client->loop->uv, poll, fd) < 0) {
		free(poll);
		websocket_end(s, BH_ENET, 0, "the connection broke");
		return;
	}
	poll->data = s;
	s->poll = poll;
	ws_queue_put(&s->out, bh_buf_text(&s->request), s->request.len);
}

void
websocket_connected(struct bh_socket *s, CURLcode code)
{
	char why[80 + CURL_ERROR_SIZE];

	CHECK_MAGIC(s, WEBSOCKET_MAGIC);
	if (s->gone)
		return;
	assert(s->stage == WEBSOCKET_CONNECTING);
	loop_unhold(s->client->loop);
	s->stage = WEBSOCKET_ASKING;
	if (code == CURLE_OK)
		socket_take_over(s);
	else {
		snprintf(why, sizeof(why), "cannot connect: %s",
		    s->error[0] != '\0' ? s->error : curl_easy_strerror(code));
		websocket_end(s, code == CURLE_OPERATION_TIMEDOUT ?
		    BH_ETIMEOUT : BH_ENET, 0, why);
	}
	socket_advance(s);
}

/* ------------------------------------------------------------------ */
/* Calls                                                               */

static bool
headers_ok(const char *const *headers)
{
	const struct bh_http req = { .method = "GET", .headers = headers };

	return http_request_ok(&req);
}

struct bh_socket *
websocket_open(struct http_client *client, const struct bh_socket_to *to,
    const struct bh_socket_calls *calls, void *arg)
{
	struct bh_socket *s;
	struct ws_url url;

	CHECK_MAGIC(client, HTTP_CLIENT_MAGIC);
	if (!ws_url_read(to->url, &url) || !headers_ok(to->headers)) {
		ws_url_release(&url);
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->magic = WEBSOCKET_MAGIC;
	s->client = client;
	s->url = url;
	ws_key(s->key);
	s->request.max = WS_HEAD_MAX;
	ws_head_request(&s->request, &url, s->key, to->headers);
	s->head.max = 2 * (size_t)WS_HEAD_MAX;
	s->message.max = to->max_message > 0 ? to->max_message : MAX_MESSAGE;
	s->timeout = to->timeout > 0 ? to->timeout : TIMEOUT_MS;
	s->ping = to->ping > 0 ? to->ping : PING_MS;
	s->silence = to->silence > 0 ? to->silence : SILENCE_MS;
	s->calls = *calls;
	s->arg = arg;
	s->who = loop_who_now();
	s->next = client->sockets;
	if (s->next != NULL)
		s->next->prev = &s->next;
	s->prev = &client->sockets;
	client->sockets = s;
	if (s->request.overflow || (s->easy = curl_easy_init()) == NULL) {
		socket_free(s);
		return NULL;
	}
	s->deadline = loop_after(client->loop, s->timeout, deadline_passed, s);
	socket_soon(s);
	return s;
}

int
websocket_send(struct bh_socket *s, const char *text, size_t len)
{
	int ret;

	CHECK_MAGIC(s, WEBSOCKET_MAGIC);
	if (s->stage != WEBSOCKET_OPEN || s->ended || s->gone)
		return BH_ENET;
	ret = websocket_frames_text(s, text, len);
	if (ret != BH_OK || s->busy > 0)
		return ret;
	/* At once, as far as it goes; but no call comes under the caller. */
	if (!s->client->inside) {
		websocket_frames_write(s);
		socket_send(s);
	}
	if (s->ended || s->client->inside)
		socket_soon(s);
	else
		socket_wait(s);
	return BH_OK;
}

void
websocket_close(struct bh_socket *s, int code)
{
	CHECK_MAGIC(s, WEBSOCKET_MAGIC);
	if (s->ended || s->gone || s->stage == WEBSOCKET_CLOSING)
		return;
	if (s->stage == WEBSOCKET_OPEN) {
		s->stage = WEBSOCKET_CLOSING;
		websocket_frames_close(s, code);
	} else
		websocket_end(s, BH_OK, WSLAY_CODE_NO_STATUS_RCVD,
		    "was not open yet");
	socket_soon(s);
}

void
websocket_drop(struct bh_socket *s)
{
	if (s == NULL)
		return;
	CHECK_MAGIC(s, WEBSOCKET_MAGIC);
	s->gone = true;
	socket_detach(s);
	if (s->frames != NULL)
		wslay_event_shutdown_read(s->frames);
	socket_settle(s);
}

void
websocket_bury(struct http_client *client)
{
	for (struct bh_socket *s = client->sockets, *next; s != NULL;
	    s = next) {
		next = s->next;
		if (s->gone && s->busy == 0)
			socket_free(s);
	}
}

void
websocket_release(struct http_client *client)
{
	while (client->sockets != NULL)
		socket_free(client->sockets);
}
