/*
 * http-request.c - is a request of ours one that may go out?
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <ctype.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/io/http-request.h"

static bool
token_ok(const char *s)
{
	if (s == NULL || *s == '\0' || strlen(s) > 32)
		return false;
	for (; *s != '\0'; s++)
		if (*s < 'A' || *s > 'Z')
			return false;
	return true;
}

static bool
header_ok(const char *line)
{
	const char *colon = strchr(line, ':');

	if (colon == NULL || colon == line || strpbrk(line, "\r\n") != NULL)
		return false;
	for (const char *p = line; p < colon; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_.", *p) == NULL)
			return false;
	return true;
}

static bool
header_is(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

bool
http_url_split(const char *url, struct bh_buf *origin, char **host)
{
	CURLU *u;
	char *scheme = NULL, *name = NULL, *port = NULL, *user = NULL;
	bool ok;

	if (url == NULL || strlen(url) > 8192)
		return false;
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	if ((u = curl_url()) == NULL)
		return false;
	ok = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &name, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
	    CURLUE_OK &&
	    curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_OK &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
	    name[0] != '\0';
	if (ok) {
		bh_buf_add(origin, "%s://%s:%s", scheme, name, port);
		*host = xstrdup(name);
	}
	curl_free(scheme);
	curl_free(name);
	curl_free(port);
	curl_free(user);
	curl_url_cleanup(u);
	return ok;
}

static struct curl_slist *
longer(struct curl_slist *list, const char *line)
{
	list = curl_slist_append(list, line);
	if (list == NULL) {
		log_error("out of memory in the HTTP client");
		abort();
	}
	return list;
}

struct curl_slist *
http_header_list(const char *const *lines)
{
	struct curl_slist *list = NULL;
	bool type = false, accept = false, agent = false;

	for (; lines != NULL && *lines != NULL; lines++) {
		const char *colon = strchr(*lines, ':');

		type = type || header_is(*lines, "content-type");
		accept = accept || header_is(*lines, "accept");
		agent = agent || header_is(*lines, "user-agent");
		if (colon[1 + strspn(colon + 1, " \t")] == '\0') {
			/* libcurl's way to send a header without a value */
			BH_AUTO_FREE char *empty = xasprintf("%.*s;",
			    (int)(colon - *lines), *lines);

			list = longer(list, empty);
		} else
			list = longer(list, *lines);
	}
	if (!type)
		list = longer(list, "Content-Type:");
	if (!accept)
		list = longer(list, "Accept: */*");
	if (!agent)
		list = longer(list, "User-Agent: bellhop");
	return longer(list, "Expect:");
}

bool
http_request_ok(const struct bh_http *req)
{
	if (!token_ok(req->method) || (req->body == NULL && req->body_len > 0))
		return false;
	/* A HEAD with a body is more than anybody agrees on. */
	if (strcmp(req->method, "HEAD") == 0 && req->body_len > 0)
		return false;
	for (const char *const *h = req->headers; h != NULL && *h != NULL; h++)
		if (!header_ok(*h))
			return false;
	return true;
}

const char *
http_env_proxy(const char *url)
{
	static const char *const https[] =
	    { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL };
	/* HTTP_PROXY may be a header of a CGI request: nobody heeds it. */
	static const char *const http[] =
	    { "http_proxy", "all_proxy", "ALL_PROXY", NULL };
	const char *const *name =
	    strncmp(url, "https:", 6) == 0 ? https : http;

	for (; *name != NULL; name++) {
		const char *value = getenv(*name);

		if (value != NULL && *value != '\0')
			return value;
	}
	return NULL;
}

bool
http_host_is_near(const char *host)
{
	return http_host_is_loopback(host) ||
	    strncmp(host, "169.254.", 8) == 0 ||
	    strncasecmp(host, "[fe80:", 6) == 0 ||
	    strncasecmp(host, "[fd00:ec2::", 11) == 0;
}

bool
http_host_is_loopback(const char *host)
{
	unsigned a, b, c, d;
	char left;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &left) == 4 &&
	    a == 127;
}
