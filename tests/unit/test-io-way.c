/* test-io-way.c - proxies and certificates on the way out.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <signal.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/http-client.h"
#include "host/io/loop.h"
#include "host/io/websocket.h"
#include "tests/unit/ws-peer.h"

#define CA_FILE	"test-io-way.pem"

static struct loop *loop;
static struct http_client *client;
static struct ws_peer peer;
static struct ws_conn *conn;
static struct http_way way;
static struct bh_socket *ws;
static int opened, messages, closed;
static int result;
static char why[400];
static struct bh_buf text = BH_BUF(8u << 20);
static uint64_t sum;

static void
is_opened(void *arg)
{
	(void)arg;
	opened++;
}

static void
has_message(void *arg, const char *data, size_t len)
{
	(void)arg;
	messages++;
	bh_buf_clear(&text);
	bh_buf_put(&text, data, len);
}

static void
has_closed(void *arg, int how, int code, const char *sentence)
{
	(void)arg;
	(void)code;
	closed++;
	result = how;
	snprintf(why, sizeof(why), "%s", sentence);
}

static const struct bh_socket_calls calls =
    { is_opened, has_message, has_closed };

static bool
is_over(void *arg)
{
	(void)arg;
	return opened + closed > 0;
}

static bool
more_messages(void *arg)
{
	return messages > *(int *)arg;
}

static void
up(void)
{
	static const char *const names[] = { "http_proxy", "https_proxy",
	    "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	world_freeze(INT64_C(1767225600000));
	loop = loop_new();
	client = http_client_new(loop);
	ws_peer_open(&peer, loop);
	conn = &peer.conns[0];
	memset(&way, 0, sizeof(way));
	opened = messages = closed = 0;
	sum = 0;
}

static void
down(void)
{
	http_client_free(&client);
	ws_peer_close(&peer);
	loop_free(&loop);
	bh_buf_release(&text);
	unlink(CA_FILE);
}

/* Opens one, and waits for what becomes of it. */
static void
try(const char *scheme, const char *host, int port)
{
	BH_AUTO_FREE char *url = xasprintf("%s://%s:%d/link?ticket=s3cr3t",
	    scheme, host, port);
	const struct bh_socket_to to = { .url = url };

	http_client_way(client, &way);
	ws = websocket_open(client, &to, &calls, NULL);
	ck_assert_ptr_nonnull(ws);
	ck_assert(loop_settle(loop, is_over, NULL, 60000));
}

static const char *
peer_url(const char *scheme)
{
	static char url[60];

	snprintf(url, sizeof(url), "%s://127.0.0.1:%d", scheme, peer.port);
	return url;
}

static void
echo(size_t len)
{
	BH_AUTO_FREE char *said = xcalloc(1, len + 1);
	int before = messages;

	memset(said, 'x', len);
	memcpy(said, "echo ", 5);
	ck_assert_int_eq(websocket_send(ws, said, len), BH_OK);
	ck_assert(loop_settle(loop, more_messages, &before, 60000));
	ck_assert_uint_eq(text.len, len);
	ck_assert_mem_eq(text.data, said, len);
}

/* HTTP/2 is not even offered: agreed on, it would break us in libcurl. */
START_TEST(tls)
{
	ws_peer_tls(&peer, CA_FILE);
	way.ca_file = CA_FILE;
	try("wss", "127.0.0.1", peer.port);
	ck_assert_msg(opened == 1, "%s", why);
	ck_assert_str_eq(peer.offered, "http/1.1");
	echo(100);
	echo(700000);	/* many records, more than one turn's worth */
	ws_peer_goodbye(conn, 1000);
	opened = 0;
	ck_assert(loop_settle(loop, is_over, NULL, 60000));
	ck_assert_int_eq(result, BH_OK);
}
END_TEST

/* What libcurl could not take it gets again, from where it was. */
START_TEST(tls_peer_stops_reading)
{
	size_t len = 1000000;
	BH_AUTO_FREE char *said = xcalloc(1, len);

	ws_peer_tls(&peer, CA_FILE);
	way.ca_file = CA_FILE;
	try("wss", "127.0.0.1", peer.port);
	ck_assert_msg(opened == 1, "%s", why);
	ws_peer_pause(conn, true);
	for (int i = 0; i < 6; i++) {
		memset(said, 'a' + i, len);
		ck_assert_int_eq(websocket_send(ws, said, len), BH_OK);
		for (size_t j = 0; j < len; j++)
			sum = sum * 31 + (unsigned char)said[j];
	}
	loop_settle(loop, NULL, NULL, 1500);
	ck_assert_uint_eq(conn->messages, 0);
	ws_peer_pause(conn, false);
	while (conn->messages < 6 && closed == 0)
		loop_settle(loop, NULL, NULL, 1);
	ck_assert_uint_eq(conn->messages, 6);
	ck_assert(conn->sum == sum);
}
END_TEST

START_TEST(stranger_authority)
{
	ws_peer_tls(&peer, NULL);
	try("wss", "127.0.0.1", peer.port);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(result, BH_ENET);
	ck_assert_ptr_nonnull(strstr(why, "certificate"));
}
END_TEST

START_TEST(wrong_name)
{
	ws_peer_tls(&peer, CA_FILE);
	way.ca_file = CA_FILE;
	try("wss", "localhost", peer.port);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(result, BH_ENET);
}
END_TEST

/* base64("bellhop:p:w") */
#define BASIC	"Proxy-Authorization: Basic YmVsbGhvcDpwOnc=\r\n"

START_TEST(proxy)
{
	peer.proxy = true;
	peer.authorization = BASIC;
	way.proxy = peer_url("http");
	way.credentials = "bellhop:p:w";
	try("ws", "slack.example", 8080);
	ck_assert_msg(opened == 1, "%s", why);
	ck_assert_ptr_nonnull(strstr(conn->tunnel,
	    "CONNECT slack.example:8080 HTTP/1.1\r\n"));
	/* The proxy sees neither the ticket nor the other one's head. */
	ck_assert_ptr_null(strstr(conn->tunnel, "s3cr3t"));
	ck_assert_ptr_null(strstr(conn->head, "Proxy-Authorization"));
	ck_assert_ptr_nonnull(strstr(conn->head,
	    "Host: slack.example:8080\r\n"));
	echo(50000);
}
END_TEST

START_TEST(proxy_and_tls)
{
	peer.proxy = true;
	peer.authorization = BASIC;
	ws_peer_tls(&peer, CA_FILE);
	way.proxy = peer_url("http");
	way.credentials = "bellhop:p:w";
	way.ca_file = CA_FILE;
	try("wss", "slack.example", 443);
	ck_assert_msg(opened == 1, "%s", why);
	ck_assert_ptr_nonnull(strstr(conn->tunnel,
	    "CONNECT slack.example:443 HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(conn->head, "Host: slack.example\r\n"));
	ck_assert_str_eq(peer.offered, "http/1.1");
	echo(300000);
}
END_TEST

START_TEST(proxy_refuses)
{
	peer.proxy = true;
	peer.authorization = BASIC;
	way.proxy = peer_url("http");
	way.credentials = "bellhop:wrong";
	try("ws", "slack.example", 8080);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(result, BH_ENET);
	ck_assert_msg(strstr(why, "407") != NULL, "%s", why);
	ck_assert_ptr_null(strstr(why, "wrong"));
}
END_TEST

START_TEST(proxy_of_the_environment)
{
	peer.proxy = true;
	setenv("http_proxy", peer_url("http"), 1);
	try("ws", "slack.example", 8080);
	ck_assert_msg(opened == 1, "%s", why);
	/* But not where the settings say none. */
	opened = 0;
	way.proxy = "";
	try("ws", "slack.invalid", 8080);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(result, BH_ENET);
	ck_assert_uint_eq(peer.count, 1);
}
END_TEST

/* No proxy can reach what is ours or the machine's alone. */
START_TEST(no_proxy)
{
	way.proxy = "http://127.0.0.1:1";
	try("ws", "127.0.0.1", peer.port);
	ck_assert_msg(opened == 1, "%s", why);
	opened = 0;
	try("ws", "slack.example", 8080);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(result, BH_ENET);
	ck_assert_ptr_nonnull(strstr(why, "127.0.0.1"));
	/* Nobody can be asked for this name but the resolver, in vain. */
	closed = 0;
	way.no_proxy = "other.example, slack.example";
	try("ws", "slack.example", 8080);
	ck_assert_int_eq(result, BH_ENET);
	ck_assert_msg(strstr(why, "resolve") != NULL, "%s", why);
}
END_TEST

struct answer { int calls, result, status; char error[200]; };

static void
answered(void *arg, const struct bh_answer *a)
{
	struct answer *got = arg;

	got->calls++;
	got->result = a->result;
	got->status = a->status;
	snprintf(got->error, sizeof(got->error), "%s",
	    a->error != NULL ? a->error : "");
}

static bool
is_answered(void *arg)
{
	return ((struct answer *)arg)->calls > 0;
}

static struct answer
ask(bool public, const char *url)
{
	const struct bh_http req = { .method = "GET", .url = url };
	struct answer got = { 0 };

	http_client_way(client, &way);
	ck_assert_ptr_nonnull((public ? http_send_public : http_send)(client,
	    &req, answered, &got));
	ck_assert(loop_settle(loop, is_answered, &got, 60000));
	return got;
}

/* Requests take the same way; those to the public may not go round it. */
START_TEST(requests)
{
	struct answer got;

	peer.answer = "HTTP/1.1 203 X\r\nContent-Length: 0\r\n\r\n";
	way.proxy = peer_url("http");
	way.credentials = "bellhop:p:w";
	for (int public = 0; public < 2; public++) {
		got = ask(public == 1, "http://service.example/x?y");
		conn = &peer.conns[peer.count - 1];
		ck_assert_msg(got.status == 203, "%s", got.error);
		ck_assert_ptr_nonnull(strstr(conn->head,
		    "GET http://service.example/x?y HTTP/1.1\r\n"));
		ck_assert_ptr_nonnull(strstr(conn->head, BASIC));
		way.no_proxy = public == 0 ? "service.example" : NULL;
		ws_peer_hang_up(conn, false);
	}
	got = ask(true, "http://127.0.0.1/");
	ck_assert_int_eq(got.result, BH_EPERM);
	/* Clouds give credentials on such addresses: never through a proxy. */
	ck_assert_uint_eq(peer.count, 2);
	got = ask(true, "http://169.254.169.254/");
	ck_assert_int_eq(got.result, BH_EPERM);
	ck_assert_uint_eq(peer.count, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io-way");
	TCase *tc = tcase_create("way");
	SRunner *runner = srunner_create(s);
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, tls);
	tcase_add_test(tc, tls_peer_stops_reading);
	tcase_add_test(tc, stranger_authority);
	tcase_add_test(tc, wrong_name);
	tcase_add_test(tc, proxy);
	tcase_add_test(tc, proxy_and_tls);
	tcase_add_test(tc, proxy_refuses);
	tcase_add_test(tc, proxy_of_the_environment);
	tcase_add_test(tc, no_proxy);
	tcase_add_test(tc, requests);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
