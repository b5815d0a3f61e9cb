/* fake-inbound.c - the fake host's other way: requests in, and deliveries.
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

static char *
copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* --- requests -------------------------------------------------------------------- */

static int
api_route(struct bh_host *host, struct bh_server *server, const char *method,
    const char *path, bh_route_cb *cb, void *arg)
{
	struct fake_inbound *in = &fake_of(host)->inbound;

	(void)server;
	if (in->route_result != BH_OK)
		return in->route_result;
	assert(in->routes_count < 16);
	in->routes[in->routes_count].method = xstrdup(method);
	in->routes[in->routes_count].path = xstrdup(path);
	in->routes[in->routes_count].cb = cb;
	in->routes[in->routes_count++].arg = arg;
	return BH_OK;
}

static void
api_respond(struct bh_request *request, const struct bh_http_out *out)
{
	struct fake_incoming *r = (struct fake_incoming *)(void *)request;
	struct bh_buf headers = BH_BUF(1u << 16);

	assert(r->status == 0);		/* exactly once */
	assert(out->status >= 200 && out->status <= 599);
	bh_buf_puts(&headers, "");
	for (size_t i = 0; out->headers != NULL && out->headers[i] != NULL;
	    i++)
		bh_buf_add(&headers, "%s\n", out->headers[i]);
	r->status = out->status;
	r->headers = headers.data;
	r->body = xstrndup(out->body_len > 0 ? out->body : "", out->body_len);
}

struct fake_incoming *
fake_incoming(struct fake *fake, const char *method, const char *path,
    const char *const *headers, const char *body, size_t len)
{
	struct fake_inbound *in = &fake->inbound;
	struct fake_incoming *r;
	struct bh_pair pairs[32];
	struct bh_http_in http = { .method = method, .query = "",
	    .peer = "203.0.113.7", .headers = pairs, .body_len = len };
	char *gone;

	for (size_t i = 0; i < in->routes_count; i++) {
		if (strcmp(in->routes[i].method, method) != 0 ||
		    strcmp(in->routes[i].path, path) != 0)
			continue;
		assert(in->incoming_count < 16384);
		r = xcalloc(1, sizeof(*r));
		r->request.api = fake->host.api;
		in->incoming[in->incoming_count++] = r;
		while (headers != NULL && *headers != NULL) {
			assert(http.headers_count < 32);
			pairs[http.headers_count].name = *headers++;
			pairs[http.headers_count++].value = *headers++;
		}
		/* In memory of its own that is gone right after, so that a
		 * sanitizer sees who reads on. */
		gone = xcalloc(1, len + 1);
		memcpy(gone, body, len);
		http.body = gone;
		http.path = path;
		in->routes[i].cb(in->routes[i].arg, &r->request, &http);
		free(gone);
		return r;
	}
	return NULL;
}

/* --- deliveries ------------------------------------------------------------------- */

static void
run_receipt(void *arg)
{
	struct fake_delivered *d = arg;

	d->received(d->arg, d->fake->inbound.received_result);
}

static int
api_deliver(struct bh_host *host, const struct bh_event *event,
    bh_commit_cb *received, void *arg)
{
	struct fake *f = fake_of(host);
	struct fake_inbound *in = &f->inbound;
	struct fake_delivered *d = &in->events[in->events_count++];
	struct bh_pair *fields;

	assert(in->events_count <= 4096);
	d->result = in->deliver_result;
	d->event = *event;
	d->event.id = copy(event->id);
	d->event.user = copy(event->user);
	d->event.name = copy(event->name);
	d->event.email = copy(event->email);
	d->event.room = copy(event->room);
	d->event.room_name = copy(event->room_name);
	d->event.thread = copy(event->thread);
	d->event.text = copy(event->text);
	d->event.token = copy(event->token);
	d->event.input = copy(event->input);
	d->event.reply = copy(event->reply);
	fields = xcalloc(event->fields_count + 1, sizeof(*fields));
	for (size_t i = 0; i < event->fields_count; i++) {
		fields[i].name = copy(event->fields[i].name);
		fields[i].value = copy(event->fields[i].value);
	}
	d->event.fields = fields;
	d->fake = f;
	d->received = received;
	d->arg = arg;
	if (d->result == BH_OK && received != NULL)
		host->api->after(host, in->received_after > 0 ?
		    in->received_after : 1, run_receipt, d);
	return d->result;
}

const struct bh_event *
fake_event(const struct fake *fake, size_t n)
{
	return n < fake->inbound.events_count ?
	    &fake->inbound.events[n].event : NULL;
}

static void
api_opened(struct bh_host *host, int result)
{
	assert(fake_of(host)->opened == BH_PENDING);
	fake_of(host)->opened = result;
}

/* --- the fake host's side ---------------------------------------------------------- */

void
fake_inbound_table(struct bh_api *api)
{
	api->route = api_route;
	api->respond = api_respond;
	api->deliver = api_deliver;
	api->opened = api_opened;
}

static void
free_text(const char *text)
{
	union { const char *in; char *out; } both = { text };

	free(both.out);
}

static void
free_event(struct bh_event *e)
{
	union { const struct bh_pair *in; struct bh_pair *out; } fields =
	    { e->fields };
	const char *texts[] = { e->id, e->user, e->name, e->email, e->room,
	    e->room_name, e->thread, e->text, e->token, e->input, e->reply };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free_text(texts[i]);
	for (size_t i = 0; i < e->fields_count; i++) {
		free_text(e->fields[i].name);
		free_text(e->fields[i].value);
	}
	free(fields.out);
}

void
fake_inbound_free(struct fake *fake)
{
	struct fake_inbound *in = &fake->inbound;

	for (size_t i = 0; i < in->routes_count; i++) {
		free(in->routes[i].method);
		free(in->routes[i].path);
	}
	for (size_t i = 0; i < in->incoming_count; i++) {
		free(in->incoming[i]->body);
		free(in->incoming[i]->headers);
		free(in->incoming[i]);
	}
	for (size_t i = 0; i < in->events_count; i++)
		free_event(&in->events[i].event);
}
