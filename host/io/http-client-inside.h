/* http-client-inside.h - what our HTTP requests and WebSockets share.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_IO_HTTP_CLIENT_INSIDE_H
#define HOST_IO_HTTP_CLIENT_INSIDE_H

#include <stdbool.h>

#include <curl/curl.h>
#include <uv.h>

#include "host/base/magic.h"
#include "host/io/http-client.h"

#define SPARE_HANDLES	16

struct bh_xfer;
struct bh_socket;
struct origin;

struct http_client {
	unsigned magic;
#define HTTP_CLIENT_MAGIC 0x68747463u
	struct loop *loop;
	CURLM *multi;
	uv_timer_t *timer;	/* libcurl's */
	uv_timer_t *patience;	/* of those that wait for a slot */
	bool inside;		/* libcurl is on the stack */
	struct bh_xfer *xfers;
	struct bh_socket *sockets;
	struct origin *origins;
	CURL *spare[SPARE_HANDLES];
	size_t spare_count;
	/* A copy of the way. */
	char *proxy, *no_proxy, *credentials, *ca_file;
};

/* What libcurl's private pointer leads to begins with one of these. */
#define XFER_MAGIC	0x78666572u
#define WEBSOCKET_MAGIC	0x77736f63u

/* http-way.c: what holds for every connection of ours to this host. */
void http_way_rules(const struct http_client *client, CURL *easy,
    const char *host);
/* Sets, and returns, the proxy that a request to a public address only must
 * take; NULL: none, it goes there itself. */
const char *http_way_public(const struct http_client *client, CURL *easy,
    const char *host, const char *url);
void http_way_release(struct http_client *client);

/* websocket.c */

/* libcurl connected it, or could not. */
void websocket_connected(struct bh_socket *s, CURLcode code);
/* Frees what was dropped while libcurl was on the stack. */
void websocket_bury(struct http_client *client);
/* Drops all. */
void websocket_release(struct http_client *client);

#endif /* HOST_IO_HTTP_CLIENT_INSIDE_H */
