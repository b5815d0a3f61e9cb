/* teams-url.c - which URLs the bot's token may be sent to.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An activity says where its answers go.  Even a signed one could name a host
 * of somebody else's, and whoever gets our token there is the bot.  So the URL
 * is read by a grammar that has no room for tricks: no user, no escapes, no
 * address in any notation, no letters but ASCII, no port but 443, a host on
 * the list.  And the host's name must lead into the open (bh_http_public).
 *
 *	https://HOST[:443][/word/word/]
 */

#include "plugins/teams/teams.h"

#define URL_MAX		512u
#define HOST_MAX	253u

static const char host_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
static const char path_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-._~/"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Dots and slashes where every reader agrees what they mean. */
static bool
path_ok(const char *path)
{
	if (*path != '\0' && *path != '/')
		return false;
	return path[strspn(path, path_chars)] == '\0' &&
	    strstr(path, "//") == NULL && strstr(path, "/.") == NULL;
}

/* A name that no reader takes for an address or for another alphabet. */
static bool
host_ok(const char *host, size_t len)
{
	size_t label = 0;
	const char *last = host;

	if (len == 0 || len > HOST_MAX || memchr(host, '.', len) == NULL)
		return false;
	for (size_t i = 0; i <= len; i++) {
		const char *start = host + i - label;

		if (i < len && host[i] != '.') {
			label++;
			continue;
		}
		if (label == 0 || label > 63 || start[0] == '-' ||
		    host[i - 1] == '-')
			return false;
		/* "xn--..." and whatever else carries another alphabet */
		if (label > 3 && start[2] == '-' && start[3] == '-')
			return false;
		last = start;
		label = 0;
	}
	/* Names end in a letter's label; numbers there are addresses. */
	return *last >= 'a' && *last <= 'z';
}

/* Is the host the entry's, or below it ("*.domain")? */
static bool
entry_fits(const char *entry, const char *host, size_t len)
{
	size_t want = strlen(entry);

	if (strncmp(entry, "*.", 2) != 0)
		return want == len && memcmp(entry, host, len) == 0;
	entry++;
	want--;
	return len > want && memcmp(host + len - want, entry, want) == 0;
}

/* An entry such as "http://127.0.0.1:3978": that very origin, on this
 * machine, for tests. */
static bool
origin_fits(const char *entry, const char *url)
{
	size_t len = strlen(entry);

	return strncmp(url, entry, len) == 0 && path_ok(url + len);
}

static bool
is_origin(const char *entry)
{
	return strstr(entry, "://") != NULL;
}

bool
teams_url_local(const char *url)
{
	static const char *const hosts[] =
	    { "127.0.0.1", "localhost", "[::1]" };
	const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 :
	    strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;

	for (size_t i = 0; rest != NULL && i < 3; i++) {
		size_t len = strlen(hosts[i]), digits;

		if (strncmp(rest, hosts[i], len) != 0)
			continue;
		if (rest[len] != ':')
			return rest[len] == '\0' || rest[len] == '/';
		digits = strspn(rest + len + 1, "0123456789");
		rest += len + 1 + digits;
		return digits > 0 && digits < 6 &&
		    (*rest == '\0' || *rest == '/');
	}
	return false;
}

static bool
local_origin(const struct teams *t, const char *url)
{
	for (char *const *e = t->service_hosts; *e != NULL; e++)
		if (is_origin(*e) && teams_url_local(*e) &&
		    origin_fits(*e, url))
			return true;
	return false;
}

bool
teams_url_ok(const struct teams *t, const char *url, const char **why)
{
	const char *host = url + 8;
	size_t len;

	if (strlen(url) > URL_MAX) {
		*why = "the service URL is too long";
		return false;
	}
	if (local_origin(t, url))
		return true;
	if (strncmp(url, "https://", 8) != 0) {
		*why = "the service URL is not https";
		return false;
	}
	len = strspn(host, host_chars);
	if (!host_ok(host, len)) {
		*why = "the service URL's host is no plain name";
		return false;
	}
	if (!path_ok(host + len + (strncmp(host + len, ":443", 4) == 0 ?
	    4 : 0))) {
		*why = "the service URL has more than a host and a plain path";
		return false;
	}
	for (char *const *e = t->service_hosts; *e != NULL; e++)
		if (!is_origin(*e) && entry_fits(*e, host, len))
			return true;
	*why = "the service URL's host is not among service-hosts";
	return false;
}

struct bh_xfer *
teams_url_http(struct teams *t, const char *service_url, const char *path,
    const struct bh_http *http, bh_http_cb *cb, void *arg)
{
	struct bh_buf url = BH_BUF(8000);
	struct bh_http ours = *http;
	struct bh_xfer *xfer = NULL;
	size_t len = strlen(service_url);
	const char *why;

	bh_buf_add(&url, "%s%s%s", service_url,
	    len > 0 && service_url[len - 1] == '/' ? "" : "/", path);
	ours.url = bh_buf_text(&url);
	if (!teams_url_ok(t, service_url, &why))
		bh_log(t->host, BH_LOG_ERROR, "nothing was sent: %s", why);
	else if (!url.overflow)
		xfer = (local_origin(t, service_url) ? t->host->api->http :
		    t->host->api->http_public)(t->host, &ours, cb, arg);
	bh_buf_release(&url);
	return xfer;
}
