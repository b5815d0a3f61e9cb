/* test-io-socket.c - our WebSockets against peers of every kind.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <signal.h>

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/http-client.h"
#include "host/io/loop.h"
#include "host/io/websocket.h"
#include "tests/unit/ws-peer.h"

static struct loop *loop;
static struct http_client *client;
static struct ws_peer peer;
static struct ws_conn *conn;

/* What happened on our end. */
static struct seen {
	struct bh_socket *socket;
	int opened, messages, closed;
	size_t len;
	char last[200], why[300];
	struct bh_buf text;
	int result, code;
	int64_t at;			/* of the end */
	void (*on_opened)(struct seen *);
	void (*on_message)(struct seen *);
	void (*on_closed)(struct seen *);
} seen;

static void
opened(void *arg)
{
	struct seen *s = arg;

	ck_assert_int_eq(s->closed, 0);
	s->opened++;
	if (s->on_opened != NULL)
		s->on_opened(s);
}

static void
message(void *arg, const char *text, size_t len)
{
	struct seen *s = arg;

	ck_assert_int_eq(s->closed, 0);
	ck_assert_int_eq(s->opened, 1);
	ck_assert_int_eq(text[len], '\0');
	s->messages++;
	s->len = len;
	snprintf(s->last, sizeof(s->last), "%s", text);
	bh_buf_clear(&s->text);
	bh_buf_put(&s->text, text, len);
	if (s->on_message != NULL)
		s->on_message(s);
}

static void
closed(void *arg, int result, int code, const char *why)
{
	struct seen *s = arg;

	s->closed++;
	s->result = result;
	s->code = code;
	s->at = world_mono();
	snprintf(s->why, sizeof(s->why), "%s", why);
	s->socket = NULL;
	if (s->on_closed != NULL)
		s->on_closed(s);
}

static const struct bh_socket_calls calls = { opened, message, closed };

static void
up(void)
{
	world_freeze(INT64_C(1767225600000));
	loop = loop_new();
	client = http_client_new(loop);
	ws_peer_open(&peer, loop);
	conn = &peer.conns[0];
	memset(&seen, 0, sizeof(seen));
	seen.text.max = 10u << 20;
	seen.result = 99;
}

static void
down(void)
{
	http_client_free(&client);
	ws_peer_close(&peer);
	loop_free(&loop);
	bh_buf_release(&seen.text);
}

static const char *
url(const char *host, const char *rest)
{
	static char text[200];

	snprintf(text, sizeof(text), "ws://%s:%d%s", host, peer.port, rest);
	return text;
}

static void
open_with(struct bh_socket_to to)
{
	seen.opened = seen.closed = 0;
	if (to.url == NULL)
		to.url = url("127.0.0.1", "/link/?ticket=s3cr3t&app_id=A1");
	seen.socket = websocket_open(client, &to, &calls, &seen);
	ck_assert_ptr_nonnull(seen.socket);
	ck_assert_int_eq(seen.opened + seen.closed, 0);
}

static bool
is_open(void *arg)
{
	(void)arg;
	return seen.opened > 0;
}

static bool
is_closed(void *arg)
{
	(void)arg;
	return seen.closed > 0;
}

static bool
has_message(void *arg)
{
	return seen.messages >= *(int *)arg;
}

static bool
peer_has(void *arg)
{
	return conn->messages >= *(size_t *)arg;
}

static void
open_now(void)
{
	open_with((struct bh_socket_to){ 0 });
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
}

static void
wait_closed(int result, int code)
{
	ck_assert(loop_settle(loop, is_closed, NULL, 120000));
	ck_assert_msg(seen.result == result && seen.code == code, "%d %d %s",
	    seen.result, seen.code, seen.why);
	ck_assert_ptr_nonnull(strstr(seen.why, ": "));
	ck_assert_ptr_null(strstr(seen.why, "s3cr3t"));
	loop_settle(loop, NULL, NULL, 120000);
	ck_assert_int_eq(seen.closed, 1);
}

static void
wait_messages(int n)
{
	ck_assert(loop_settle(loop, has_message, &n, 60000));
}

static void
pass(int64_t ms)
{
	ck_assert(loop_settle(loop, NULL, NULL, ms));
}

/* ------------------------------------------------------------------ */
/* As it should be                                                     */

START_TEST(hello_and_echo)
{
	const char *const headers[] = { "X-Note: some note", NULL };
	size_t one = 1;

	open_with((struct bh_socket_to){ .headers = headers });
	ck_assert_int_eq(websocket_send(seen.socket, "x", 1), BH_ENET);
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
	ck_assert_ptr_nonnull(strstr(conn->head,
	    "GET /link/?ticket=s3cr3t&app_id=A1 HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(conn->head, "X-Note: some note\r\n"));
	ws_peer_say(conn, "{\"type\":\"hello\"}", 16);
	wait_messages(1);
	ck_assert_str_eq(seen.last, "{\"type\":\"hello\"}");
	ck_assert_int_eq(websocket_send(seen.socket, "echo \xc3\xa4", 7),
	    BH_OK);
	wait_messages(2);
	ck_assert_str_eq(seen.last, "echo \xc3\xa4");
	ck_assert(loop_settle(loop, peer_has, &one, 1000));
	ck_assert_int_eq(websocket_send(seen.socket, "\xff", 1), BH_EINVAL);
	websocket_close(seen.socket, 1000);
	ck_assert_int_eq(websocket_send(seen.socket, "x", 1), BH_ENET);
	wait_closed(BH_OK, 1000);
	ck_assert_int_eq(conn->code, 1000);
	ck_assert_int_eq(seen.messages, 2);
}
END_TEST

/* What comes in one piece with the answer is the first frame. */
START_TEST(frame_with_the_head)
{
	peer.more = "\x81\x05hello\x81\x05world\x81\x05half";
	peer.more_len = 20;
	open_now();
	wait_messages(2);
	ck_assert_str_eq(seen.last, "world");
	ws_peer_raw(conn, "!", 1);
	wait_messages(3);
	ck_assert_str_eq(seen.last, "half!");
}
END_TEST

/* The head and the first byte of a frame in one piece, the rest with it. */
START_TEST(frame_cut_at_the_head)
{
	peer.more = "\x81";
	peer.more_len = 1;
	open_now();
	ws_peer_raw(conn, "\x05", 1);
	pass(0);
	ws_peer_raw(conn, "hello", 5);
	wait_messages(1);
	ck_assert_str_eq(seen.last, "hello");
}
END_TEST

static char *
pattern(size_t len)
{
	char *text = xcalloc(1, len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (i * 7 + i / 26) % 26);
	return text;
}

START_TEST(three_megabytes)
{
	size_t len = 3000000;
	BH_AUTO_FREE char *text = pattern(len);

	open_with((struct bh_socket_to){ .max_message = 3000000 });
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
	ws_peer_say(conn, text, len);
	wait_messages(1);
	ck_assert_uint_eq(seen.len, len);
	ck_assert_mem_eq(seen.text.data, text, len);
	/* And again on the same connection; one byte more is too much. */
	ws_peer_say(conn, text, len);
	wait_messages(2);
	ws_peer_say(conn, "+", 1);
	wait_messages(3);
	text[len] = '+';
	ws_peer_say(conn, text, len + 1);
	wait_closed(BH_EPARSE, 1009);
	ck_assert_int_eq(conn->code, 1009);
}
END_TEST

START_TEST(fragments_and_pings)
{
	BH_AUTO_FREE char *text = pattern(150000);

	open_now();
	ws_peer_frame(conn, 0x01, text, 50000);
	ws_peer_frame(conn, 0x89, "one", 3);
	pass(0);
	ws_peer_frame(conn, 0x00, text + 50000, 50000);
	ws_peer_frame(conn, 0x89, "two", 3);
	ws_peer_frame(conn, 0x00, "", 0);
	ws_peer_frame(conn, 0x8a, "not asked for", 13);
	pass(0);
	ck_assert_uint_eq(conn->pongs, 2);
	ck_assert_str_eq(conn->pong, "two");
	ck_assert_int_eq(seen.messages, 0);
	ws_peer_frame(conn, 0x80, text + 100000, 50000);
	wait_messages(1);
	ck_assert_uint_eq(seen.len, 150000);
	ck_assert_mem_eq(seen.text.data, text, 150000);
}
END_TEST

/* Its fragments may be small, the whole may not be large. */
START_TEST(large_in_small_pieces)
{
	open_with((struct bh_socket_to){ .max_message = 1000 });
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
	ws_peer_frame(conn, 0x01, "a", 1);
	for (int i = 0; i < 1000; i++)
		ws_peer_frame(conn, 0x00, "b", 1);
	wait_closed(BH_EPARSE, 1009);
	ck_assert_int_eq(seen.messages, 0);
}
END_TEST

START_TEST(server_pings)
{
	char data[125];

	open_now();
	memset(data, 'p', sizeof(data));
	ws_peer_frame(conn, 0x89, data, 125);
	pass(0);
	ck_assert_uint_eq(conn->pongs, 1);
	ck_assert_mem_eq(conn->pong, data, 125);
	ws_peer_frame(conn, 0x89, "", 0);
	pass(0);
	ck_assert_uint_eq(conn->pongs, 2);
	ck_assert_str_eq(conn->pong, "");
	ck_assert_int_eq(seen.messages, 0);
}
END_TEST

/* The peer answers our pings: an hour without a message is fine. */
START_TEST(our_pings_keep_it)
{
	open_with((struct bh_socket_to){ .ping = 7000, .silence = 15000 });
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
	pass(3600 * 1000);
	ck_assert_int_eq(seen.closed, 0);
	ck_assert_uint_eq(conn->pings, 3600 / 7);
}
END_TEST

START_TEST(silence)
{
	int64_t from;

	open_with((struct bh_socket_to){ .ping = 7000, .silence = 15000 });
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
	pass(60000);
	ws_peer_pause(conn, true);
	ws_peer_frame(conn, 0x8a, "", 0);	/* any frame counts */
	pass(0);
	from = world_mono();
	wait_closed(BH_ETIMEOUT, 1006);
	ck_assert_int_eq(seen.at - from, 15000);
}
END_TEST

/* Bytes that lie there when the watchdog rings were there in time. */
START_TEST(late_riser)
{
	open_with((struct bh_socket_to){ .ping = 60000, .silence = 15000 });
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
	pass(1000);
	ws_peer_say(conn, "while you slept", 15);
	world_advance(8 * 3600 * 1000);
	pass(1000);
	ck_assert_int_eq(seen.messages, 1);
	ck_assert_int_eq(seen.closed, 0);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Goodbyes                                                            */

START_TEST(peer_says_goodbye)
{
	open_now();
	ws_peer_goodbye(conn, 1001);
	wait_closed(BH_OK, 1001);
	ck_assert_int_eq(conn->code, 1001);
}
END_TEST

START_TEST(goodbye_without_code)
{
	open_now();
	ws_peer_frame(conn, 0x88, "", 0);
	wait_closed(BH_OK, 1005);
}
END_TEST

START_TEST(goodbye_not_answered)
{
	int64_t from;

	peer.no_goodbye = true;
	open_now();
	from = world_mono();
	websocket_close(seen.socket, 1000);
	/* Nothing is delivered any more. */
	ws_peer_say(conn, "late", 4);
	wait_closed(BH_ETIMEOUT, 1006);
	ck_assert_int_eq(seen.at - from, 1000);
	ck_assert_int_eq(seen.messages, 0);
	ck_assert_int_eq(conn->code, 1000);
}
END_TEST

START_TEST(closed_before_open)
{
	open_with((struct bh_socket_to){ 0 });
	websocket_close(seen.socket, 1000);
	ck_assert_int_eq(seen.closed, 0);
	wait_closed(BH_OK, 1005);
	ck_assert_int_eq(seen.opened, 0);
}
END_TEST

START_TEST(hung_up)
{
	open_now();
	ws_peer_hang_up(conn, false);
	wait_closed(BH_ENET, 1006);
}
END_TEST

START_TEST(reset)
{
	open_now();
	ws_peer_hang_up(conn, true);
	wait_closed(BH_ENET, 1006);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Peers that do not read                                              */

START_TEST(peer_stops_reading)
{
	size_t len = 1000000, all = 6;
	BH_AUTO_FREE char *text = pattern(len);
	uint64_t sum = 0;

	open_now();
	ws_peer_pause(conn, true);
	for (int i = 0; i < 6; i++) {
		text[0] = (char)('0' + i);
		ck_assert_int_eq(websocket_send(seen.socket, text, len),
		    BH_OK);
		for (size_t j = 0; j < len; j++)
			sum = sum * 31 + (unsigned char)text[j];
	}
	pass(1500);
	ck_assert_uint_eq(conn->messages, 0);
	ws_peer_pause(conn, false);
	ck_assert(loop_settle(loop, peer_has, &all, 20000));
	ck_assert_uint_eq(conn->bytes, 6 * len);
	ck_assert(conn->sum == sum);
	websocket_close(seen.socket, 1000);
	wait_closed(BH_OK, 1000);
}
END_TEST

START_TEST(too_much_waits)
{
	size_t len = 1000000;
	BH_AUTO_FREE char *text = pattern(len);
	int ret = BH_OK, sent = 0;

	open_now();
	ws_peer_pause(conn, true);
	while (sent < 100 && ret == BH_OK)
		if ((ret = websocket_send(seen.socket, text, len)) == BH_OK)
			sent++;
	ck_assert_int_eq(ret, BH_EFULL);
	ck_assert_int_ge(sent, 8);
	ck_assert_int_lt(sent, 30);
	/* And nothing is lost of what was taken. */
	ws_peer_pause(conn, false);
	size_t want = (size_t)sent;
	ck_assert(loop_settle(loop, peer_has, &want, 20000));
	ck_assert_int_eq(websocket_send(seen.socket, text, len), BH_OK);
}
END_TEST

/* Pongs that nobody takes do not grow without end: we stop reading. */
START_TEST(flood_of_pings)
{
	char frame[127] = { (char)0x89, 125 };
	size_t sent = 0;

	open_with((struct bh_socket_to){ .silence = 3600000 });
	ck_assert(loop_settle(loop, is_open, NULL, 5000));
	ws_peer_pause(conn, true);
	for (int i = 0; i < 400; i++) {
		BH_AUTO_FREE char *many = xcalloc(1000, 127);

		for (int j = 0; j < 1000; j++)
			memcpy(many + 127 * j, frame, 127);
		sent += ws_peer_try(conn, many, 127000);
		pass(0);
	}
	/* 50 MB were offered; 8 MiB and the kernel's buffers were taken. */
	ck_assert_uint_lt(sent, 40u << 20);
	ck_assert_int_eq(seen.closed, 0);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Refusals                                                            */

START_TEST(refused)
{
	static const struct { const char *text; int result, code; } cases[] = {
		{ "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
		    BH_EPERM, 401 },
		{ "HTTP/1.1 503 Busy\r\n\r\n", BH_EPERM, 503 },
		{ "HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\n\r\n",
		    BH_EPERM, 302 },
		{ "HTTP/1.1 200 OK\r\n\r\n", BH_EPERM, 200 },
		{ "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
		    "HTTP/1.1 429 Slow\r\n\r\n", BH_EPERM, 429 },
		{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", BH_EPARSE, 0 },
		{ "HTTP/1.0 101 Switching Protocols\r\n\r\n", BH_EPARSE, 0 },
		{ "SSH-2.0-OpenSSH_9.2\r\n\r\n", BH_EPARSE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		peer.answer = cases[i].text;
		open_with((struct bh_socket_to){ 0 });
		while (seen.closed == 0)
			pass(10);
		ck_assert_msg(seen.result == cases[i].result &&
		    seen.code == cases[i].code, "%s: %d %d %s",
		    cases[i].text, seen.result, seen.code, seen.why);
		ck_assert_int_eq(seen.opened, 0);
	}
}
END_TEST

START_TEST(bad_accept)
{
	peer.bad_accept = true;
	open_with((struct bh_socket_to){ 0 });
	wait_closed(BH_EPARSE, 0);
	ck_assert_int_eq(seen.opened, 0);
}
END_TEST

START_TEST(endless_head)
{
	BH_AUTO_FREE char *text = xcalloc(1, 20000);

	memset(text, 'x', 19999);
	memcpy(text, "HTTP/1.1 101 S\r\nX: ", 19);
	peer.answer = text;
	open_with((struct bh_socket_to){ 0 });
	wait_closed(BH_EPARSE, 0);
	ck_assert_ptr_nonnull(strstr(seen.why, "16 KiB"));
}
END_TEST

START_TEST(never_answered)
{
	int64_t from = world_mono();

	peer.mute = true;
	open_with((struct bh_socket_to){ .timeout = 4000 });
	wait_closed(BH_ETIMEOUT, 0);
	ck_assert_int_eq(seen.at - from, 4000);
}
END_TEST

START_TEST(nobody_there)
{
	const struct bh_socket_to to = { .url = "ws://127.0.0.1:1/" };

	open_with(to);
	wait_closed(BH_ENET, 0);
	ck_assert_ptr_nonnull(strstr(seen.why, "127.0.0.1"));
}
END_TEST

START_TEST(bad_urls)
{
	static const char *const bad[] = {
		"http://127.0.0.1/", "wss:/x", "ws://", "ws://u:p@h/", "",
		"ws://h/ x", "ws://h/\r\nX: y", "file:///etc/passwd", NULL,
	};
	const char *const headers[] = { "X: y\r\nZ: a", NULL };
	struct bh_socket_to to = { .url = "ws://127.0.0.1/" };

	to.headers = headers;
	ck_assert_ptr_null(websocket_open(client, &to, &calls, &seen));
	to.headers = NULL;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		to.url = bad[i];
		ck_assert_msg(websocket_open(client, &to, &calls, &seen) ==
		    NULL, "%s", bad[i]);
	}
	pass(10000);
	ck_assert_int_eq(seen.closed, 0);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Broken protocol                                                     */

START_TEST(broken_frames)
{
	static const struct { const char *bytes; size_t len; int code; } cases[]
	    = {
		{ "\x81\x85\1\2\3\4hello", 11, 1002 },	/* masked */
		{ "\xc1\x02hi", 4, 1002 },	/* a reserved bit */
		{ "\x83\x02hi", 4, 1002 },	/* a reserved opcode */
		{ "\x80\x02hi", 4, 1002 },	/* continues nothing */
		{ "\x01\x02hi\x81\x02ho", 8, 1002 },	/* not continued */
		{ "\x09\x02hi", 4, 1002 },	/* a ping in fragments */
		{ "\x89\x7e\x00\x7e", 4, 1002 },	/* a long ping */
		{ "\x81\x7e\x00\x05hello", 9, 1002 },	/* length not least */
		{ "\x81\x7f\x80\0\0\0\0\0\0\1", 10, 1002 },	/* 2^63 */
		{ "\x81\x7f\x00\0\0\1\0\0\0\0x", 11, 1009 },	/* 4 GiB */
		{ "\x88\x02\x03\xed", 4, 1002 },	/* code 1005 */
		{ "\x88\x02\x00\x00", 4, 1002 },	/* code 0 */
		{ "\x88\x04\x03\xe8\xff\xfe", 6, 1007 },
		{ "\x82\x02hi", 4, 1003 },	/* binary */
		{ "\x81\x02\xff\xfe", 4, 1007 },
		{ "\x81\x02\xc0\x80", 4, 1007 },	/* NUL in two bytes */
		{ "\x81\x03\xed\xa0\x80", 5, 1007 },	/* a surrogate */
		{ "\x81\x02h\xc3", 4, 1007 },	/* cut short */
		{ "\x01\x02h\xc3\x80\x01x", 7, 1007 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_now();
		ws_peer_raw(&peer.conns[peer.count - 1], cases[i].bytes,
		    cases[i].len);
		ck_assert_msg(loop_settle(loop, is_closed, NULL, 1000), "%zu",
		    i);
		ck_assert_msg(seen.result == BH_EPARSE &&
		    seen.code == cases[i].code, "%zu: %d %d %s", i,
		    seen.result, seen.code, seen.why);
		ck_assert_int_eq(seen.messages, 0);
		ws_peer_hang_up(&peer.conns[peer.count - 1], false);
		wslay_event_context_free(peer.conns[peer.count - 1].frames);
		memset(&peer.conns[--peer.count], 0, sizeof(struct ws_conn));
	}
}
END_TEST

/* Cut anywhere between two fragments, a character is whole again. */
START_TEST(characters_over_fragments)
{
	open_now();
	ws_peer_frame(conn, 0x01, "a\xe2\x82", 3);
	ws_peer_frame(conn, 0x80, "\xac", 1);
	wait_messages(1);
	ck_assert_str_eq(seen.last, "a\xe2\x82\xac");
}
END_TEST

/* ------------------------------------------------------------------ */
/* Calls that end the socket under themselves                          */

static void
drop_it(struct seen *s)
{
	websocket_drop(s->socket);
	s->socket = NULL;
}

static void
close_it(struct seen *s)
{
	websocket_close(s->socket, 4321);
}

static void
say_much(struct seen *s)
{
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(websocket_send(s->socket, "hi", 2), BH_OK);
}

static void
open_anew(struct seen *s)
{
	s->on_closed = NULL;
	s->on_message = NULL;
	open_with((struct bh_socket_to){ 0 });
}

static void
drop_and_open(struct seen *s)
{
	drop_it(s);
	open_anew(s);
}

START_TEST(dropped_when_opened)
{
	peer.more = "\x81\x05hello";
	peer.more_len = 7;
	seen.on_opened = drop_it;
	open_with((struct bh_socket_to){ 0 });
	pass(60000);
	ck_assert_int_eq(seen.opened, 1);
	ck_assert_int_eq(seen.messages + seen.closed, 0);
	ck_assert_int_eq(conn->fd, -1);
	websocket_drop(NULL);
}
END_TEST

START_TEST(dropped_in_a_message)
{
	peer.more = "\x81\x05hello\x81\x05world";
	peer.more_len = 14;
	seen.on_message = drop_it;
	open_with((struct bh_socket_to){ 0 });
	pass(60000);
	ck_assert_int_eq(seen.messages, 1);
	ck_assert_int_eq(seen.closed, 0);
	ck_assert_int_eq(conn->fd, -1);
}
END_TEST

START_TEST(closed_in_a_message)
{
	peer.more = "\x81\x05hello\x81\x05world";
	peer.more_len = 14;
	seen.on_message = close_it;
	open_with((struct bh_socket_to){ 0 });
	wait_closed(BH_OK, 4321);
	ck_assert_int_eq(seen.messages, 1);
	ck_assert_int_eq(conn->code, 4321);
}
END_TEST

START_TEST(spoken_in_a_call)
{
	size_t all = 200;

	seen.on_opened = seen.on_message = say_much;
	peer.more = "\x81\x05hello";
	peer.more_len = 7;
	open_with((struct bh_socket_to){ 0 });
	ck_assert(loop_settle(loop, peer_has, &all, 1000));
}
END_TEST

START_TEST(opened_anew_in_calls)
{
	seen.on_closed = open_anew;
	open_now();
	ws_peer_hang_up(conn, true);
	while (peer.count < 2 || seen.opened == 0)
		pass(10);
	seen.on_message = drop_and_open;
	ws_peer_say(&peer.conns[1], "x", 1);
	while (peer.count < 3 || seen.opened == 0)
		pass(10);
	ws_peer_say(&peer.conns[2], "y", 1);
	wait_messages(2);
	ck_assert_str_eq(seen.last, "y");
}
END_TEST

/* At every moment of its life. */
START_TEST(dropped_at_any_time)
{
	for (int i = 0; i < 12; i++) {
		open_with((struct bh_socket_to){ 0 });
		for (int j = 0; j < i; j++) {
			loop_after(loop, 0, (bh_timer_cb *)loop_stop, loop);
			loop_run(loop);
		}
		drop_it(&seen);
		pass(1000);
		ck_assert_int_eq(seen.closed, 0);
	}
	/* And when everything ends. */
	open_with((struct bh_socket_to){ 0 });
	pass(0);
	open_with((struct bh_socket_to){ 0 });
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io-socket");
	TCase *tc = tcase_create("socket");
	SRunner *runner = srunner_create(s);
	static const TTest *const *const tests[] = {
		&hello_and_echo, &frame_with_the_head, &frame_cut_at_the_head,
		&three_megabytes,
		&fragments_and_pings, &large_in_small_pieces, &server_pings,
		&our_pings_keep_it, &silence, &late_riser, &peer_says_goodbye,
		&goodbye_without_code, &goodbye_not_answered,
		&closed_before_open, &hung_up, &reset, &peer_stops_reading,
		&too_much_waits, &flood_of_pings, &refused, &bad_accept,
		&endless_head, &never_answered, &nobody_there, &bad_urls,
		&broken_frames, &characters_over_fragments,
		&dropped_when_opened, &dropped_in_a_message,
		&closed_in_a_message, &spoken_in_a_call,
		&opened_anew_in_calls, &dropped_at_any_time,
	};
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, up, down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, *tests[i]);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
