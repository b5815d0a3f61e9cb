/* ws-peer.c - a WebSocket server for tests, in the test's own loop.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "host/base/mem.h"
#include "host/io/loop.h"
#include "tests/unit/ws-peer.h"

static void conn_ready(void *arg, int fd, unsigned events);

/* recv() and send(), through TLS where that is. */
static ssize_t
get(struct ws_conn *c, void *buf, size_t len)
{
	size_t n = 0;

	if (c->ssl == NULL)
		return recv(c->fd, buf, len, 0);
	if (SSL_read_ex(c->ssl, buf, len, &n) == 1)
		return (ssize_t)n;
	errno = EAGAIN;
	return SSL_get_error(c->ssl, 0) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static ssize_t
put(struct ws_conn *c, const void *data, size_t len)
{
	size_t n = 0;

	if (c->ssl == NULL)
		return send(c->fd, data, len, MSG_NOSIGNAL);
	if (SSL_write_ex(c->ssl, data, len, &n) == 1)
		return (ssize_t)n;
	errno = EAGAIN;
	return SSL_get_error(c->ssl, 0) == SSL_ERROR_WANT_WRITE ? -1 : 0;
}

static void
conn_watch(struct ws_conn *c)
{
	unsigned want = c->paused ? 0 : BH_READ;

	if (c->fd < 0)
		return;
	if (c->frames != NULL && wslay_event_want_write(c->frames))
		want |= BH_WRITE;
	if (c->code != 0 && c->peer->no_goodbye)
		want = 0;
	if (want == c->watched)
		return;
	loop_unwatch(c->watch);
	c->watch = want != 0 ? loop_watch(c->peer->loop, c->fd, want,
	    conn_ready, c) : NULL;
	c->watched = want;
}

void
ws_peer_hang_up(struct ws_conn *c, bool hard)
{
	const struct linger now = { 1, 0 };

	if (c->fd < 0)
		return;
	if (hard)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	loop_unwatch(c->watch);
	c->watch = NULL;
	close(c->fd);
	c->fd = -1;
}

static ssize_t
conn_recv(wslay_event_context_ptr frames, uint8_t *buf, size_t len, int flags,
    void *arg)
{
	struct ws_conn *c = arg;
	ssize_t n = c->paused ? -1 : get(c, buf, len);

	(void)flags;
	if (n > 0)
		return n;
	wslay_event_set_error(frames, c->paused ||
	    (n < 0 && errno == EAGAIN) ?
	    WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t
conn_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len,
    int flags, void *arg)
{
	struct ws_conn *c = arg;
	ssize_t n = put(c, data, len);

	(void)flags;
	if (n > 0)
		return n;
	wslay_event_set_error(frames, n < 0 && errno == EAGAIN ?
	    WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void
conn_message(wslay_event_context_ptr frames,
    const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct ws_conn *c = arg;

	if (m->opcode == WSLAY_PING)
		c->pings++;
	else if (m->opcode == WSLAY_PONG) {
		c->pongs++;
		memset(c->pong, 0, sizeof(c->pong));
		if (m->msg_length > 0)
			memcpy(c->pong, m->msg, m->msg_length);
	} else if (m->opcode == WSLAY_CONNECTION_CLOSE)
		c->code = m->status_code;
	else {
		c->messages++;
		c->bytes += m->msg_length;
		for (size_t i = 0; i < m->msg_length; i++)
			c->sum = c->sum * 31 + m->msg[i];
		c->last_len = m->msg_length < 199 ? m->msg_length : 199;
		memcpy(c->last, m->msg, c->last_len);
		c->last[c->last_len] = '\0';
		if (m->msg_length > 5 && memcmp(m->msg, "echo ", 5) == 0) {
			const struct wslay_event_msg echo = {
				WSLAY_TEXT_FRAME, m->msg, m->msg_length };

			wslay_event_queue_msg(frames, &echo);
		}
	}
}

static void
conn_begin(struct ws_conn *c)
{
	static const struct wslay_event_callbacks calls = {
		.recv_callback = conn_recv, .send_callback = conn_send,
		.on_msg_recv_callback = conn_message,
	};

	c->open = true;
	wslay_event_context_server_init(&c->frames, &calls, c);
}

static void
conn_accept(struct ws_conn *c)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(64);
	BH_AUTO_BUF struct bh_buf out = BH_BUF(100000);
	const char *key = strstr(c->head, "Sec-WebSocket-Key: ");
	unsigned char hash[EVP_MAX_MD_SIZE];
	char both[100];
	unsigned len;

	ck_assert_ptr_nonnull(key);
	snprintf(both, sizeof(both), "%.24s%s", key + 19,
	    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	EVP_Digest(both, strlen(both), hash, &len, EVP_sha1(), NULL);
	bh_buf_base64(&text, hash, len, false);
	bh_buf_add(&out, "HTTP/1.1 101 Switching Protocols\r\n"
	    "upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n", c->peer->bad_accept ?
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" : bh_buf_text(&text));
	bh_buf_put(&out, c->peer->more, c->peer->more_len);
	conn_begin(c);
	ws_peer_raw(c, out.data, out.len);
}

static void
conn_tls(struct ws_conn *c)
{
	if (c->peer->tls == NULL)
		return;
	c->ssl = SSL_new(c->peer->tls);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_accept_state(c->ssl);
}

/* A whole head came. */
static void
conn_answer(struct ws_conn *c)
{
	static const char no[] = "HTTP/1.1 407 No\r\n"
	    "Proxy-Authenticate: Basic realm=\"x\"\r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n";
	struct ws_peer *peer = c->peer;

	if (peer->proxy && c->tunnel[0] == '\0') {
		snprintf(c->tunnel, sizeof(c->tunnel), "%.999s", c->head);
		memset(c->head, 0, sizeof(c->head));
		c->head_len = 0;
		if (strncmp(c->tunnel, "CONNECT ", 8) != 0 ||
		    (peer->authorization != NULL &&
		    strstr(c->tunnel, peer->authorization) == NULL)) {
			ws_peer_raw(c, no, strlen(no));
			ws_peer_hang_up(c, false);
		} else {
			ws_peer_raw(c, "HTTP/1.1 200 OK\r\n\r\n", 19);
			conn_tls(c);
		}
	} else if (peer->answer != NULL) {
		c->open = true;
		ws_peer_raw(c, peer->answer, strlen(peer->answer));
	} else if (!peer->mute)
		conn_accept(c);
}

static void
conn_ready(void *arg, int fd, unsigned events)
{
	struct ws_conn *c = arg;

	(void)events;
	if (c->frames != NULL) {
		if (wslay_event_recv(c->frames) != 0) {
			ws_peer_hang_up(c, false);
			return;
		}
		if (c->code != 0 && c->peer->no_goodbye) {
			conn_watch(c);
			return;
		}
		if (wslay_event_send(c->frames) != 0 ||
		    (wslay_event_get_close_sent(c->frames) &&
		    wslay_event_get_close_received(c->frames))) {
			ws_peer_hang_up(c, false);
			return;
		}
	} else {
		ssize_t n = get(c, c->head + c->head_len,
		    sizeof(c->head) - 1 - c->head_len);

		(void)fd;
		if (n < 0 && errno == EAGAIN)
			return;		/* in the middle of TLS's own talk */
		if (n <= 0) {
			ws_peer_hang_up(c, false);
			return;
		}
		c->head_len += (size_t)n;
		if (strstr(c->head, "\r\n\r\n") != NULL && !c->open)
			conn_answer(c);
	}
	conn_watch(c);
}

static void
peer_ready(void *arg, int fd, unsigned events)
{
	struct ws_peer *peer = arg;
	struct ws_conn *c = &peer->conns[peer->count];
	int yes = 1;

	(void)events;
	ck_assert_uint_lt(peer->count, 16);
	c->peer = peer;
	c->fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(c->fd, 0);
	/* Virtual time does not wait for somebody's acknowledgement. */
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	peer->count++;
	if (!peer->proxy)
		conn_tls(c);
	conn_watch(c);
}

void
ws_peer_open(struct ws_peer *peer, struct loop *loop)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(in);

	memset(peer, 0, sizeof(*peer));
	peer->loop = loop;
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(peer->fd, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(peer->fd, 16), 0);
	getsockname(peer->fd, (struct sockaddr *)&in, &len);
	peer->port = ntohs(in.sin_port);
	peer->watch = loop_watch(loop, peer->fd, BH_READ, peer_ready, peer);
}

void
ws_peer_close(struct ws_peer *peer)
{
	for (size_t i = 0; i < peer->count; i++) {
		ws_peer_hang_up(&peer->conns[i], false);
		if (peer->conns[i].frames != NULL)
			wslay_event_context_free(peer->conns[i].frames);
		SSL_free(peer->conns[i].ssl);
	}
	SSL_CTX_free(peer->tls);
	loop_unwatch(peer->watch);
	close(peer->fd);
}

void
ws_peer_say(struct ws_conn *c, const char *text, size_t len)
{
	const struct wslay_event_msg msg = {
		WSLAY_TEXT_FRAME, (const uint8_t *)text, len };

	ck_assert_int_eq(wslay_event_queue_msg(c->frames, &msg), 0);
	ck_assert_int_eq(wslay_event_send(c->frames), 0);
	conn_watch(c);
}

void
ws_peer_raw(struct ws_conn *c, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = put(c, at, len);

		ck_assert_int_gt(n, 0);
		at += n;
		len -= (size_t)n;
	}
}

size_t
ws_peer_try(struct ws_conn *c, const void *bytes, size_t len)
{
	ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);

	return n > 0 ? (size_t)n : 0;
}

void
ws_peer_frame(struct ws_conn *c, int first, const void *data, size_t len)
{
	unsigned char head[4] = { (unsigned char)first, 126 };
	size_t n = 2;

	ck_assert_uint_lt(len, 65536);
	ck_assert_ptr_nonnull(data);
	if (len < 126)
		head[1] = (unsigned char)len;
	else {
		head[2] = (unsigned char)(len >> 8);
		head[3] = (unsigned char)len;
		n = 4;
	}
	ws_peer_raw(c, head, n);
	ws_peer_raw(c, data, len);
}

void
ws_peer_goodbye(struct ws_conn *c, int code)
{
	wslay_event_queue_close(c->frames, (uint16_t)code, NULL, 0);
	ck_assert_int_eq(wslay_event_send(c->frames), 0);
	conn_watch(c);
}

void
ws_peer_pause(struct ws_conn *c, bool paused)
{
	c->paused = paused;
	conn_watch(c);
}
