/* fake-socket.c - the fake host's WebSockets: the test is the other end.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/fake-host.h"

#include <assert.h>

#include "host/base/mem.h"

static struct fake *
fake_of(struct bh_host *host)
{
	return (struct fake *)(void *)host;
}

static struct fake_socket *
socket_of(struct bh_socket *handle)
{
	struct fake_socket *s = (struct fake_socket *)(void *)handle;

	assert(!s->gone);		/* it must not be touched any more */
	return s;
}

static struct bh_socket *
api_socket(struct bh_host *host, const struct bh_socket_to *to,
    const struct bh_socket_calls *calls, void *arg)
{
	struct fake *f = fake_of(host);
	struct fake_socket *s;

	if (f->sockets_refused)
		return NULL;
	assert(f->sockets_count < 4096);
	s = xcalloc(1, sizeof(*s));
	s->fake = f;
	s->url = xstrdup(to->url);
	s->to = *to;
	s->calls = *calls;
	s->arg = arg;
	s->made = f->now;
	f->sockets[f->sockets_count++] = s;
	return (struct bh_socket *)(void *)s;
}

static int
api_socket_send(struct bh_socket *handle, const char *text, size_t len)
{
	struct fake_socket *s = socket_of(handle);

	assert(strlen(text) == len);
	if (!s->open || s->closing)
		return BH_ENET;
	if (s->send_result != BH_OK)
		return s->send_result;
	assert(s->sent_count < sizeof(s->sent) / sizeof(s->sent[0]));
	s->sent[s->sent_count++] = xstrdup(text);
	return BH_OK;
}

/* Nobody says goodbye in return: the real one waits for a second, too. */
static void
waited(void *arg)
{
	struct fake_socket *s = arg;

	s->timer = NULL;
	fake_socket_end(s, BH_OK, s->close_code, "closed");
}

static void
api_socket_close(struct bh_socket *handle, int code)
{
	struct fake_socket *s = socket_of(handle);

	if (s->closing)
		return;
	s->closing = true;
	s->close_code = code;
	s->timer = s->fake->host.api->after(&s->fake->host, 1000, waited, s);
}

static void
api_socket_drop(struct bh_socket *handle)
{
	struct fake_socket *s;

	if (handle == NULL)
		return;
	s = socket_of(handle);
	s->fake->host.api->cancel(s->timer);
	s->timer = NULL;
	s->gone = s->dropped = true;
}

/* ------------------------------------------------------------------ */

struct fake_socket *
fake_socket(struct fake *fake, size_t n)
{
	return n < fake->sockets_count ? fake->sockets[n] : NULL;
}

size_t
fake_sockets_alive(const struct fake *fake)
{
	size_t n = 0;

	for (size_t i = 0; i < fake->sockets_count; i++)
		n += !fake->sockets[i]->gone;
	return n;
}

void
fake_socket_open(struct fake_socket *s)
{
	assert(!s->gone && !s->open);
	s->open = true;
	s->calls.opened(s->arg);
}

void
fake_socket_say(struct fake_socket *s, const char *text)
{
	/* As the real one, it hands out memory that is gone right after. */
	char *gone = xstrdup(text);

	assert(!s->gone && s->open && !s->closing);
	s->calls.message(s->arg, gone, strlen(gone));
	free(gone);
}

void
fake_socket_end(struct fake_socket *s, int result, int code, const char *why)
{
	assert(!s->gone);
	s->fake->host.api->cancel(s->timer);
	s->timer = NULL;
	s->gone = true;
	s->calls.closed(s->arg, result, code, why);
}

/* ------------------------------------------------------------------ */

void
fake_socket_table(struct bh_api *api)
{
	api->socket = api_socket;
	api->socket_send = api_socket_send;
	api->socket_close = api_socket_close;
	api->socket_drop = api_socket_drop;
}

void
fake_socket_free(struct fake *fake)
{
	for (size_t i = 0; i < fake->sockets_count; i++) {
		struct fake_socket *s = fake->sockets[i];

		for (size_t n = 0; n < s->sent_count; n++)
			free(s->sent[n]);
		free(s->url);
		free(s);
	}
}
