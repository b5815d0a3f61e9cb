/* web.c - the host's own HTTP listener with /healthz and /readyz.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Both answer without secrets and without names of people: a prober needs no
 * login.
 */

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/conf/conf.h"
#include "host/host.h"
#include "host/io/http-server.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"
#include "host/store/store.h"
#include "host/web.h"

static void
answer(struct bh_request *request, int status, const char *text)
{
	static const char *const headers[] = {
		"Content-Type: text/plain; charset=utf-8",
		"Cache-Control: no-store", NULL
	};
	const struct bh_http_out out = { .status = status, .headers = headers,
	    .body = text, .body_len = strlen(text) };

	http_respond(request, &out);
}

/* The loop turns: that is all it says. */
static void
healthz(void *arg, struct bh_request *request, const struct bh_http_in *in)
{
	(void)arg;
	(void)in;
	answer(request, 200, "ok\n");
}

static void
readyz(void *arg, struct bh_request *request, const struct bh_http_in *in)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);
	BH_AUTO_BUF struct bh_buf b = BH_BUF(65536);
	bool good = host->ready && !host->stopping && host->refused == 0;

	(void)in;
	bh_buf_add(&b, "host %s\n", host->stopping ? "stopping" :
	    host->ready ? "ready" : "starting");
	if (store_health(host->store) != BH_OK)
		good = false;
	bh_buf_add(&b, "store %s\n",
	    store_health(host->store) == BH_OK ? "up" : "down");
	if (host->refused > 0)
		bh_buf_add(&b, "plugins %zu refused\n", host->refused);
	for (struct instance *i = host->plugins->instances; i != NULL;
	    i = i->next) {
		bool up = i->stage == INSTANCE_OPEN && i->health != BH_DOWN;

		good = good && up;
		bh_buf_add(&b, "%s %s\n", i->owner, !up ? "down" :
		    i->health == BH_DEGRADED ? "degraded" : "up");
	}
	answer(request, good ? 200 : 503, bh_buf_text(&b));
}

/* "127.0.0.1:8080", "[::1]:8080" or a port alone. */
static bool
split(const char *text, char **address, int *port)
{
	const char *colon = strrchr(text, ':');
	const char *digits = colon != NULL ? colon + 1 : text;
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	char *end;
	long value = strtol(digits, &end, 10);

	if (end == digits || *end != '\0' || value < 0 || value > 65535)
		return false;
	*port = (int)value;
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']')
		*address = xstrndup(text + 1, n - 2);
	else
		*address = n > 0 ? xstrndup(text, n) : xstrdup("127.0.0.1");
	return true;
}

struct bh_server *
web_server(void *arg, const char **error)
{
	struct host *host = CAST(struct host, arg, HOST_MAGIC);
	const char *listen = conf_host_text(host->conf, "listen");
	BH_AUTO_FREE char *address = NULL;
	int port = 0;

	if (host->server != NULL)
		return host->server;
	if (!split(listen != NULL ? listen : "127.0.0.1:0", &address, &port)) {
		*error = "listen: is no ADDRESS:PORT, such as 127.0.0.1:8080";
		return NULL;
	}
	host->server = http_listen(host->loop, address, &port, error);
	if (host->server == NULL)
		return NULL;
	http_route(host->server, "GET", "/healthz", healthz, host);
	http_route(host->server, "GET", "/readyz", readyz, host);
	host->port = port;
	log_note("listening on %s port %d", address, port);
	return host->server;
}
