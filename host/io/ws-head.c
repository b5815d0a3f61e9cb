/* ws-head.c - the HTTP request and answer that a WebSocket begins with.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Strict: an answer that one could read in two ways is refused.
 */

#include <strings.h>

#include <openssl/evp.h>

#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/http-request.h"
#include "host/io/ws-head.h"

#define WS_GUID	"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* ------------------------------------------------------------------ */
/* Ours                                                                */

/* What of the URL is asked for: its path and query. */
static char *
url_target(const char *http)
{
	CURLU *u = curl_url();
	char *path = NULL, *query = NULL, *target = NULL;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, http, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
		curl_url_get(u, CURLUPART_QUERY, &query, 0);
		target = xasprintf("%s%s%s", path, query != NULL ? "?" : "",
		    query != NULL ? query : "");
	}
	curl_free(path);
	curl_free(query);
	curl_url_cleanup(u);
	return target;
}

bool
ws_url_read(const char *url, struct ws_url *out)
{
	BH_AUTO_BUF struct bh_buf origin = BH_BUF(10000);
	BH_AUTO_FREE char *http = NULL;
	bool tls = url != NULL && strncasecmp(url, "wss://", 6) == 0;
	const char *port;

	memset(out, 0, sizeof(*out));
	if (url == NULL || (!tls && strncasecmp(url, "ws://", 5) != 0))
		return false;
	http = xasprintf("http%s%s", tls ? "s" : "", strchr(url, ':'));
	if (!http_url_split(http, &origin, &out->host) ||
	    (out->target = url_target(http)) == NULL)
		return false;
	out->http = xasprintf("%s/", bh_buf_text(&origin));
	port = strrchr(bh_buf_text(&origin), ':');
	if (strcmp(port, tls ? ":443" : ":80") == 0)
		port = "";
	out->authority = xasprintf("%s%s", out->host, port);
	return true;
}

void
ws_url_release(struct ws_url *url)
{
	free(url->http);
	free(url->host);
	free(url->authority);
	xfree_secret(url->target, url->target != NULL ?
	    strlen(url->target) : 0);
	memset(url, 0, sizeof(*url));
}

void
ws_key(char out[WS_KEY_SIZE])
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(WS_KEY_SIZE);
	unsigned char raw[16];

	world_random(raw, sizeof(raw));
	bh_buf_base64(&text, raw, sizeof(raw), false);
	memcpy(out, bh_buf_text(&text), WS_KEY_SIZE);
}

void
ws_head_request(struct bh_buf *out, const struct ws_url *url, const char *key,
    const char *const *headers)
{
	bh_buf_add(out, "GET %s HTTP/1.1\r\nHost: %s\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
	    "User-Agent: bellhop\r\n", url->target, url->authority, key);
	for (; headers != NULL && *headers != NULL; headers++)
		bh_buf_add(out, "%s\r\n", *headers);
	bh_buf_puts(out, "\r\n");
}

/* ------------------------------------------------------------------ */
/* The server's                                                        */

/* One header line. */
struct field { const char *name, *value; size_t name_len, value_len; };

static bool
name_is(const struct field *f, const char *name)
{
	return f->name_len == strlen(name) &&
	    strncasecmp(f->name, name, f->name_len) == 0;
}

static bool
value_is(const struct field *f, const char *value)
{
	return f->value_len == strlen(value) &&
	    strncasecmp(f->value, value, f->value_len) == 0;
}

/* Is `word` one of the list, "keep-alive, Upgrade"? */
static bool
value_lists(const struct field *f, const char *word)
{
	size_t at = 0, len = strlen(word);

	while (at < f->value_len) {
		size_t end = at, to;

		while (end < f->value_len && f->value[end] != ',')
			end++;
		to = end;
		while (at < to && (f->value[at] == ' ' || f->value[at] == '\t'))
			at++;
		while (to > at && (f->value[to - 1] == ' ' ||
		    f->value[to - 1] == '\t'))
			to--;
		if (to - at == len && strncasecmp(f->value + at, word, len) == 0)
			return true;
		at = end + 1;
	}
	return false;
}

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Reads "Name: value\r\n" at `at`; 0 if it is none, else its length. */
static size_t
field_read(const char *at, const char *end, struct field *f)
{
	const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
	const char *p = at, *to = line_end;

	if (line_end == NULL)
		return 0;
	while (p < line_end && name_char(*p))
		p++;
	if (p == at || p == line_end || *p != ':')
		return 0;
	f->name = at;
	f->name_len = (size_t)(p++ - at);
	while (p < to && (*p == ' ' || *p == '\t'))
		p++;
	while (to > p && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	f->value = p;
	f->value_len = (size_t)(to - p);
	for (; p < to; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return 0;
	return (size_t)(line_end - at) + 2;
}

/* What the server must say to the key. */
static void
accept_text(const char *key, struct bh_buf *out)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char both[WS_KEY_SIZE + sizeof(WS_GUID)];

	snprintf(both, sizeof(both), "%s" WS_GUID, key);
	if (EVP_Digest(both, strlen(both), hash, &len, EVP_sha1(), NULL) == 1)
		bh_buf_base64(out, hash, len, false);
}

/* The lines of a 101, from `at` to the empty one. */
static const char *
switched(const char *at, const char *end, const char *key)
{
	BH_AUTO_BUF struct bh_buf want = BH_BUF(64);
	int upgrade = 0, connection = 0, accept = 0;
	bool match = false;
	struct field f;
	size_t n;

	accept_text(key, &want);
	for (; end - at > 2; at += n) {
		if ((n = field_read(at, end, &f)) == 0)
			return "its answer has a broken header line";
		if (name_is(&f, "upgrade"))
			upgrade += value_is(&f, "websocket") ? 1 : 100;
		else if (name_is(&f, "connection"))
			connection += value_lists(&f, "upgrade");
		else if (name_is(&f, "sec-websocket-accept")) {
			accept++;
			match = want.len > 0 && f.value_len == want.len &&
			    memcmp(f.value, want.data, want.len) == 0;
		} else if (name_is(&f, "sec-websocket-extensions") ||
		    name_is(&f, "sec-websocket-protocol"))
			return "it chose an extension or a protocol that "
			    "nobody offered";
	}
	if (upgrade != 1 || connection < 1)
		return "its answer 101 does not switch to a WebSocket";
	if (accept != 1 || !match)
		return "its answer does not belong to our request "
		    "(Sec-WebSocket-Accept)";
	return NULL;
}

/* "HTTP/1.1 101 Switching Protocols"; -1 if it is no status line. */
static int
status_read(const char *at, size_t len)
{
	static const char version[] = "HTTP/1.1 ";

	if (len < 12 || memcmp(at, version, 9) != 0 ||
	    (len > 12 && at[12] != ' ' && at[12] != '\r'))
		return -1;
	for (int i = 9; i < 12; i++)
		if (at[i] < '0' || at[i] > '9')
			return -1;
	return at[9] == '0' ? -1 : (at[9] - '0') * 100 +
	    (at[10] - '0') * 10 + at[11] - '0';
}

long
ws_head_answer(const char *data, size_t len, const char *key, int *status,
    const char **why)
{
	size_t from = 0;

	while (from < len) {
		const char *at = data + from, *line, *end;
		size_t room = WS_HEAD_MAX - from, have = len - from;
		int said;

		if (have > room)
			have = room;
		if ((end = memmem(at, have, "\r\n\r\n", 4)) == NULL) {
			if (have < room)
				return 0;
			*why = "its answer has no end within 16 KiB";
			return BH_EPARSE;
		}
		end += 4;
		line = memmem(at, (size_t)(end - at), "\r\n", 2);
		if ((said = status_read(at, (size_t)(line - at))) < 0) {
			*why = "it does not answer in HTTP/1.1";
			return BH_EPARSE;
		}
		if (said == 101) {
			*why = switched(line + 2, end, key);
			return *why != NULL ? BH_EPARSE : (long)(end - data);
		}
		if (said >= 200) {
			*status = said;
			*why = "it refused the handshake";
			return BH_EPERM;
		}
		from = (size_t)(end - data);	/* such as 103 */
	}
	return 0;
}
