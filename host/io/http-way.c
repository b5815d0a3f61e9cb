/* http-way.c - what holds for every connection of ours, and its proxy.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <fcntl.h>

#include "host/base/mem.h"
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

static void
replace(char **old, const char *text, bool secret)
{
	if (secret && *old != NULL)
		xfree_secret(*old, strlen(*old));
	else
		free(*old);
	*old = xstrdup(text);
}

void
http_client_way(struct http_client *client, const struct http_way *way)
{
	CHECK_MAGIC(client, HTTP_CLIENT_MAGIC);
	replace(&client->proxy, way->proxy, false);
	replace(&client->no_proxy, way->no_proxy, false);
	replace(&client->credentials, way->credentials, true);
	replace(&client->ca_file, way->ca_file, false);
}

void
http_way_release(struct http_client *client)
{
	const struct http_way none = { .proxy = NULL };

	http_client_way(client, &none);
}

/* libcurl adds a folder of the system's to any file that one names. */
static void
set_authorities(const struct http_client *client, CURL *easy)
{
	if (client->ca_file == NULL)
		return;
	curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, client->ca_file);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
}

static void
set_proxy(const struct http_client *client, CURL *easy, const char *host)
{
	if (http_host_is_near(host)) {
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		return;
	}
	if (client->proxy != NULL)
		curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
	if (client->no_proxy != NULL)
		curl_easy_setopt(easy, CURLOPT_NOPROXY, client->no_proxy);
	else if (client->proxy != NULL)
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (client->credentials != NULL)
		curl_easy_setopt(easy, CURLOPT_PROXYUSERPWD,
		    client->credentials);
}

const char *
http_way_public(const struct http_client *client, CURL *easy,
    const char *host, const char *url)
{
	const char *proxy = http_host_is_near(host) ? NULL :
	    client->proxy != NULL ? client->proxy : http_env_proxy(url);

	if (proxy != NULL && *proxy == '\0')
		proxy = NULL;
	curl_easy_setopt(easy, CURLOPT_PROXY, proxy != NULL ? proxy : "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	return proxy;
}

void
http_way_rules(const struct http_client *client, CURL *easy, const char *host)
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
	set_authorities(client, easy);
	set_proxy(client, easy, host);
}
