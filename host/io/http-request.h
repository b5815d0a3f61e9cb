/*
 * http-request.h - is a request of ours one that may go out?
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_IO_HTTP_REQUEST_H
#define HOST_IO_HTTP_REQUEST_H

#include <stdbool.h>

#include <curl/curl.h>

#include <bellhop/plugin.h>

/* The method is a word in capitals, no header breaks the line. */
bool http_request_ok(const struct bh_http *req);

/* An http or https URL without user information.  Appends
 * "scheme://host:port" to `origin`; *host is the caller's to free. */
bool http_url_split(const char *url, struct bh_buf *origin, char **host);

/* "127.0.0.1", "localhost", "[::1]" and the like. */
bool http_host_is_loopback(const char *host);

/* One that no proxy can reach for us: loopback, or a link-local address given
 * as such, as clouds' metadata and credentials have. */
bool http_host_is_near(const char *host);

/* The proxy that the environment names for this URL, no_proxy aside; NULL. */
const char *http_env_proxy(const char *url);

/* The headers as libcurl wants them, with what it would add of its own taken
 * away; curl_slist_free_all() them. */
struct curl_slist *http_header_list(const char *const *lines);

#endif /* HOST_IO_HTTP_REQUEST_H */
