/*
 * http-server.h - HTTP requests to us, in the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Plain HTTP/1.1; TLS ends at a proxy.  Refused before any route sees it:
 * two Content-Length or Host headers, Content-Length beside
 * Transfer-Encoding, no Host, a body over the cap.  The path and the query
 * are handed over as they were sent, without decoding.
 */

#ifndef HOST_IO_HTTP_SERVER_H
#define HOST_IO_HTTP_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <bellhop/plugin.h>

struct loop;

/* Deadlines are real ms from the start of the phase.  Zero: the default. */
struct http_limits {
	int64_t head;		/* request line and headers: 5 s */
	int64_t body;		/* request body: 10 s */
	int64_t idle;		/* between requests, and taking the answer: 30 s */
	size_t max_body;	/* 1 MiB */
	unsigned connections;	/* 512 */
	/* 64; the loopback address is exempt, a proxy stands there. */
	unsigned per_address;
};

/* Listens on `address` ("127.0.0.1", "::1", "0.0.0.0", "::", "localhost").
 * *port 0 picks one and says which.  NULL and *error (static text, or until
 * the next call) on failure. */
struct bh_server *http_listen(struct loop *loop, const char *address, int *port,
    const char **error);
struct bh_server *http_listen_with(struct loop *loop, const char *address,
    int *port, const struct http_limits *limits, const char **error);

/* Drops its connections and its unanswered requests, which must not be
 * answered any more.  Not from within a route's callback. */
void http_close(struct bh_server **server);

/* `method` "*": any.  A `path` that ends in "*" is a prefix; the longest match
 * wins.  BH_OK, BH_EINVAL, or BH_ECONFLICT when that pair is taken. */
int http_route(struct bh_server *server, const char *method, const char *path,
    bh_route_cb *cb, void *arg);

/* Takes back every route with this `arg`.  Its unanswered requests get a 503
 * and must not be answered any more. */
void http_unroute(struct bh_server *server, const void *arg);

/* Answers, from within the route's callback or any time later; `request` is
 * gone afterwards.  Copies everything. */
void http_respond(struct bh_request *request, const struct bh_http_out *out);

/* The table that requests of every server carry for bh_respond(). */
void http_request_api(const struct bh_api *api);

/* Requests handed to routes and not answered yet. */
size_t http_unanswered(const struct bh_server *server);

#endif /* HOST_IO_HTTP_SERVER_H */
