/* ws-head.h - the HTTP request and answer that a WebSocket begins with.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 6455, 4.  Pure functions: bytes in, bytes out.
 */

#ifndef HOST_IO_WS_HEAD_H
#define HOST_IO_WS_HEAD_H

#include <stddef.h>

#include <bellhop/plugin.h>

#define WS_KEY_SIZE	25	/* base64 of 16 bytes, with NUL */
#define WS_HEAD_MAX	(16u * 1024u)

/* Where it goes.  The target may hold a ticket: it is not to be logged. */
struct ws_url {
	char *http;		/* "https://host:port/": what to connect to */
	char *host;		/* the name alone, for sentences */
	char *authority;	/* of the Host header */
	char *target;		/* "/path?query" */
};

/* False: no ws:// or wss:// URL without user information.  Release it in
 * either case. */
bool ws_url_read(const char *url, struct ws_url *out);
void ws_url_release(struct ws_url *url);

/* A new key. */
void ws_key(char out[WS_KEY_SIZE]);

/* Appends the request; `headers` ("Name: value", NULL-terminated) may be
 * NULL. */
void ws_head_request(struct bh_buf *out, const struct ws_url *url,
    const char *key, const char *const *headers);

/*
 * Reads the answer to the request with this key out of the first `len` bytes
 * that came, which grow from call to call:
 *   > 0        its length: a WebSocket from there on
 *   0          more bytes are needed
 *   BH_EPERM   the server refused with HTTP status *status
 *   BH_EPARSE  that is no answer to our request
 * Failures set *why to a sentence.
 */
long ws_head_answer(const char *data, size_t len, const char *key,
    int *status, const char **why);

#endif /* HOST_IO_WS_HEAD_H */
