/* http-way.c - what holds for every connection of ours, and its proxy.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <fcntl.h>

#include "host/io/http-client-inside.h"
#include "host/io/http-request.h"

#define CONNECT_MS	10000L

/* libcurl leaves its sockets open over exec(): every program that we run, such
 * as a helper for credentials, could speak on our connections. */
static int
socket_made(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)purpose;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? CURL_SOCKOPT_OK :
	    CURL_SOCKOPT_ERROR;
}

void
http_way_rules(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_made);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
	    (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
}

void
http_way_proxy(const struct http_client *client, CURL *easy, const char *host)
{
	(void)client;
	/* No proxy can reach our own loopback address. */
	if (http_host_is_loopback(host))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
}
