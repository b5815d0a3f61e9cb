/* websocket.h - WebSockets by us, in the loop.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 6455 without extensions, text messages only.  Certificates and proxies
 * as for HTTP requests (http-client.h).  Timeouts are timers of the loop, but
 * for connecting, which libcurl times.  Only the host's name is ever told:
 * the rest of the URL may be a ticket.
 */

#ifndef HOST_IO_WEBSOCKET_H
#define HOST_IO_WEBSOCKET_H

#include <bellhop/plugin.h>

struct http_client;
struct bh_socket;

/* Opens one; everything is copied.  Calls never come before this returns, and
 * none after closed(), which the handle does not outlive.  NULL when URL or
 * headers make no sense. */
struct bh_socket *websocket_open(struct http_client *client,
    const struct bh_socket_to *to, const struct bh_socket_calls *calls,
    void *arg);

/* Queues a text message: BH_OK; BH_EFULL when over 8 MiB would wait to go
 * out; BH_EINVAL, no UTF-8; BH_ENET when it is not open (yet, any more). */
int websocket_send(struct bh_socket *s, const char *text, size_t len);

/* Says goodbye with this code (1000 to 4999, else 1000 is said); no message
 * comes any more, closed() does, after 1 s at most.  One that is not open yet
 * is closed as soon as the loop comes round. */
void websocket_close(struct bh_socket *s, int code);

/* Hangs up; no call comes any more.  NULL is fine. */
void websocket_drop(struct bh_socket *s);

#endif /* HOST_IO_WEBSOCKET_H */
