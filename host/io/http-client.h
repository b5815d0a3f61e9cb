/*
 * http-client.h - HTTP requests by us, in the loop.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * http and https only, no redirects, no cookies, no user information in
 * URLs; proxies as struct http_way or the environment (https_proxy, no_proxy
 * ...) says, but none for loopback and link-local addresses.
 *
 * A request that changes something must not go out twice, so every method
 * but GET and HEAD, and every request with a gate, is written at most once:
 * where libcurl would quietly repeat it on a new connection, it fails with
 * BH_ENET and `sent` true.
 */

#ifndef HOST_IO_HTTP_CLIENT_H
#define HOST_IO_HTTP_CLIENT_H

#include <bellhop/plugin.h>

struct loop;
struct http_client;

/* How requests and WebSockets leave the house. */
struct http_way {
	const char *proxy;	/* "http://host:port"; "": none; NULL: what the
				 * environment says */
	const char *no_proxy;	/* hosts that need none, "a.example, b.example";
				 * NULL: what the environment says */
	const char *credentials;	/* of the proxy: "user:password" */
	const char *ca_file;	/* certificates of authorities, instead of the
				 * system's */
};

/* Connections are kept and shared by all requests of one client. */
struct http_client *http_client_new(struct loop *loop);

/* From now on this way, for what is not under way yet; everything is copied. */
void http_client_way(struct http_client *client, const struct http_way *way);

/* Forgets requests under way; their callbacks do not run.  *client may be
 * NULL; is NULL afterwards. */
void http_client_free(struct http_client **client);

/*
 * Sends a request (everything is copied).  cb runs once, never before this
 * returns:
 *   BH_OK         a whole answer came, whatever its status
 *   BH_ETIMEOUT   `timeout` real ms passed
 *   BH_EFULL      the answer is larger than max_answer, or its headers
 *                 larger than 64 KiB
 *   BH_ECANCELLED the gate said no
 *   BH_ENET       anything else; `error` says what
 * `arg` is also the gate's.  `answer` lives until cb returns.
 * NULL when the request makes no sense (URL, method, line break in a header);
 * no callback then.
 */
struct bh_xfer *http_send(struct http_client *client, const struct bh_http *req,
    bh_http_cb *cb, void *arg);

/* The same, but only to a public address (see address.h): result BH_EPERM,
 * nothing sent, when the host's name leads elsewhere at that moment.  Through
 * the proxy, if there is one: it looks names up itself. */
struct bh_xfer *http_send_public(struct http_client *client,
    const struct bh_http *req, bh_http_cb *cb, void *arg);

/* Drops it: no callback after this.  NULL is fine; not after cb ran. */
void http_cancel(struct bh_xfer *xfer);

#endif /* HOST_IO_HTTP_CLIENT_H */
