/*
 * test-io-public.c - requests that may only go to public addresses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <signal.h>

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/address.h"
#include "host/io/http-client.h"
#include "host/io/http-server.h"
#include "host/io/loop.h"

static struct loop *loop;
static struct http_client *client;
static struct bh_server *server;
static int port, visits;

static void
visited(void *arg, struct bh_request *rq, const struct bh_http_in *in)
{
	const struct bh_http_out out = { .status = 200 };

	(void)arg;
	(void)in;
	visits++;
	http_respond(rq, &out);
}

static void
up(void)
{
	const char *error = NULL;

	world_freeze(INT64_C(1767225600000));
	loop = loop_new();
	client = http_client_new(loop);
	port = visits = 0;
	server = http_listen(loop, "127.0.0.1", &port, &error);
	ck_assert_msg(server != NULL, "%s", error);
	http_route(server, "*", "/*", visited, NULL);
}

static void
down(void)
{
	http_client_free(&client);
	http_close(&server);
	loop_free(&loop);
}

struct result {
	int calls, result, status;
	bool sent;
	char error[200];
};

static void
answered(void *arg, const struct bh_answer *a)
{
	struct result *r = arg;

	r->calls++;
	r->result = a->result;
	r->status = a->status;
	r->sent = a->sent;
	snprintf(r->error, sizeof(r->error), "%s",
	    a->error != NULL ? a->error : "");
}

static bool
is_answered(void *arg)
{
	return ((struct result *)arg)->calls > 0;
}

static struct result
ask(bool public, const char *host)
{
	BH_AUTO_FREE char *url = xasprintf("http://%s:%d/x", host, port);
	const struct bh_http req = { .method = "GET", .url = url };
	struct result r = { 0 };

	ck_assert_ptr_nonnull((public ? http_send_public : http_send)(client,
	    &req, answered, &r));
	ck_assert(loop_settle(loop, is_answered, &r, 60000));
	return r;
}

START_TEST(which_addresses)
{
	static const char *const open[] = {
		"1.1.1.1", "8.8.8.8", "13.107.64.1", "52.112.0.1",
		"100.63.255.255", "100.128.0.1", "126.255.255.255",
		"128.0.0.1", "169.253.255.255", "169.255.0.1",
		"172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255",
		"192.169.0.1", "198.17.255.255", "198.20.0.1",
		"223.255.255.255", "168.63.129.15", "2603:1030::1",
		"2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8",
		"64:ff9b::808:808", "2001:4860:4860::8888",
	};
	static const char *const house[] = {
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
		"100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
		"168.63.129.16", "169.254.169.254", "169.254.170.2",
		"172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
		"192.88.99.1", "192.168.0.1", "192.168.255.255",
		"198.18.0.1", "198.19.255.255", "198.51.100.7",
		"203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1",
		"255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
		"::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
		"::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
		"64:ff9b:1::1", "fc00::1", "fd00:ec2::254", "fe80::1",
		"fec0::1", "ff02::1", "100::1", "2001::1", "2001:db8::1",
		"2001:20::1", "2002:7f00:1::", "2002:a9fe:a9fe::",
		"3fff::1", "5f00::1", "4000::1", "", "localhost", "127.1",
		"0x7f000001", "2130706433", "1.1.1.1 ",
	};

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		ck_assert_msg(address_text_is_public(open[i]), "%s", open[i]);
	for (size_t i = 0; i < sizeof(house) / sizeof(house[0]); i++)
		ck_assert_msg(!address_text_is_public(house[i]), "%s",
		    house[i]);
}
END_TEST

/* By address and by name, in any notation that the resolver takes. */
START_TEST(nothing_private)
{
	static const char *const hosts[] = {
		"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1",
		"0177.0.0.1", "0.0.0.0", "0", "[::1]", "[::ffff:127.0.0.1]",
		"[::]", "localhost.",
	};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct result r = ask(true, hosts[i]);

		ck_assert_msg(r.result != BH_OK, "%s: %d %s", hosts[i],
		    r.result, r.error);
		ck_assert_msg(!r.sent, "%s", hosts[i]);
	}
	ck_assert_int_eq(visits, 0);
	ck_assert_int_eq(ask(true, "localhost").result, BH_EPERM);
	ck_assert_ptr_nonnull(strstr(ask(true, "127.0.0.1").error,
	    "127.0.0.1, which is not a public address"));
	/* The trap is no dead one. */
	ck_assert_int_eq(ask(false, "localhost").result, BH_OK);
	ck_assert_int_eq(visits, 1);
}
END_TEST

/* Nor over a connection that somebody else may use. */
START_TEST(no_borrowed_connection)
{
	struct result r;

	ck_assert_int_eq(ask(false, "127.0.0.1").status, 200);
	r = ask(true, "127.0.0.1");
	ck_assert_int_eq(r.result, BH_EPERM);
	ck_assert(!r.sent);
	ck_assert_int_eq(visits, 1);
	ck_assert_int_eq(ask(false, "127.0.0.1").status, 200);
}
END_TEST

/* A proxy stands in the house, and looks the name up itself; no_proxy opens no
 * way round it. */
START_TEST(through_the_proxy)
{
	BH_AUTO_FREE char *proxy = xasprintf("http://127.0.0.1:%d", port);
	struct result r;

	setenv("http_proxy", proxy, 1);
	setenv("no_proxy", "*", 1);
	r = ask(true, "service.example");
	ck_assert_int_eq(r.result, BH_OK);
	/* Our server is no proxy and says so. */
	ck_assert_int_eq(r.status, 400);
	r = ask(true, "localhost");
	ck_assert_int_eq(r.result, BH_EPERM);
	unsetenv("http_proxy");
	unsetenv("no_proxy");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("io-public");
	TCase *tc = tcase_create("public");
	SRunner *runner = srunner_create(s);
	int failed;

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, which_addresses);
	tcase_add_test(tc, nothing_private);
	tcase_add_test(tc, no_borrowed_connection);
	tcase_add_test(tc, through_the_proxy);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
