/* held.c - what an instance has under way, to be cancelled when it closes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's handle of a timer, watch or transfer is our record of it,
 * under the opaque type that the SDK names; the room below gets the record as
 * its `arg`.  A record lives until its last callback returned, so that a
 * callback may cancel itself.
 */

#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/chat/chat.h"
#include "host/io/http-client.h"
#include "host/io/http-server.h"
#include "host/io/lane.h"
#include "host/io/loop.h"
#include "host/io/websocket.h"
#include "host/plugin/held.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"
#include "host/store/store.h"

enum kind { TIMER, WATCH, EXEC, XFER, COMMIT, QUERY, ROUTE, LISTENER, TURN,
    SOCKET };

struct held {
	unsigned magic;
#define HELD_MAGIC	0x48454c44u
	enum kind kind;
	struct instance *in;		/* NULL: it was closed */
	struct held **list;		/* whose list it is in */
	struct held *next, *prev;
	bool running, over;
	void *inner;			/* the room's own handle */
	union {
		bh_timer_cb *timer;
		bh_watch_cb *watch;
		bh_exec_cb *exec;
		bh_http_cb *http;
		bh_commit_cb *commit;
		bh_rows_cb *query;
		bh_route_cb *route;
		struct bh_socket_calls socket;
	} cb;
	int (*gate)(void *);
	void *arg;
};

static void
link_to(struct held *h, struct held **list)
{
	h->list = list;
	h->prev = NULL;
	h->next = *list;
	if (*list != NULL)
		(*list)->prev = h;
	*list = h;
}

static void
unlink_it(struct held *h)
{
	if (h->list == NULL)
		return;
	if (h->prev != NULL)
		h->prev->next = h->next;
	else
		*h->list = h->next;
	if (h->next != NULL)
		h->next->prev = h->prev;
	h->list = NULL;
}

static struct held *
hold(struct instance *in, enum kind kind, void *arg)
{
	struct held *h = xcalloc(1, sizeof(*h));

	h->magic = HELD_MAGIC;
	h->kind = kind;
	h->in = in;
	h->arg = arg;
	link_to(h, &in->held);
	return h;
}

static void
drop(struct held *h)
{
	unlink_it(h);
	if (h->running) {	/* enter() ... leave() ends it */
		h->over = true;
		return;
	}
	KILL_MAGIC(h);
	free(h);
}

/* The two ends of each callback.  False: nobody is there to hear it. */
static bool
enter(struct held *h, const char *what, struct entered *before)
{
	if (h->in == NULL || h->over)
		return false;
	h->running = true;
	*before = instance_enter(h->in, what);
	return true;
}

static void
leave(struct held *h, struct entered before)
{
	instance_leave(before);
	h->running = false;
}

static void
timer_fired(void *arg)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	h->inner = NULL;
	if (enter(h, "timer", &before)) {
		h->cb.timer(h->arg);
		leave(h, before);
	}
	drop(h);
}

struct bh_timer *
held_after(struct instance *in, int64_t ms, bh_timer_cb *cb, void *arg)
{
	struct held *h = hold(in, TIMER, arg);

	h->cb.timer = cb;
	h->inner = loop_after(in->plugins->loop, ms, timer_fired, h);
	return (struct bh_timer *)(void *)h;
}

void
held_cancel(struct bh_timer *timer)
{
	struct held *h;

	if (timer == NULL)
		return;
	h = CAST(struct held, (void *)timer, HELD_MAGIC);
	if (h->running)		/* a timer may cancel itself */
		return;
	loop_cancel(h->inner);
	drop(h);
}

static void
watch_fired(void *arg, int fd, unsigned events)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	if (h->running || !enter(h, "watch", &before))
		return;
	h->cb.watch(h->arg, fd, events);
	leave(h, before);
	if (h->over)
		drop(h);
}

struct bh_watch *
held_watch(struct instance *in, int fd, unsigned events, bh_watch_cb *cb,
    void *arg)
{
	struct held *h = hold(in, WATCH, arg);

	h->cb.watch = cb;
	h->inner = loop_watch(in->plugins->loop, fd, events, watch_fired, h);
	if (h->inner == NULL) {
		drop(h);
		return NULL;
	}
	return (struct bh_watch *)(void *)h;
}

void
held_unwatch(struct bh_watch *watch)
{
	struct held *h;

	if (watch == NULL)
		return;
	h = CAST(struct held, (void *)watch, HELD_MAGIC);
	if (h->inner != NULL)
		loop_unwatch(h->inner);
	h->inner = NULL;
	drop(h);
}

static void
exec_ended(void *arg, int result, const char *output, size_t len)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	if (enter(h, "exec", &before)) {
		h->cb.exec(h->arg, result, output, len);
		leave(h, before);
	}
	drop(h);
}

int
held_exec(struct instance *in, const char *const *argv, int64_t timeout,
    bh_exec_cb *cb, void *arg)
{
	struct held *h = hold(in, EXEC, arg);
	int ret;

	h->cb.exec = cb;
	ret = loop_exec(in->plugins->loop, argv, timeout, exec_ended, h);
	if (ret != BH_OK)
		drop(h);
	return ret;
}

static void
http_answered(void *arg, const struct bh_answer *answer)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	h->inner = NULL;
	if (enter(h, "http answer", &before)) {
		h->cb.http(h->arg, answer);
		leave(h, before);
	}
	drop(h);
}

static int
http_gate(void *arg)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before = instance_enter(h->in, "http gate");
	int ret = h->gate(h->arg);

	instance_leave(before);
	return ret;
}

struct bh_xfer *
held_http(struct instance *in, const struct bh_http *req, bool public,
    bh_http_cb *cb, void *arg)
{
	struct held *h = hold(in, XFER, arg);
	struct bh_http ours = *req;

	h->cb.http = cb;
	h->gate = req->gate;
	if (ours.gate != NULL)
		ours.gate = http_gate;
	h->inner = (public ? http_send_public : http_send)(in->plugins->http,
	    &ours, http_answered, h);
	if (h->inner == NULL) {
		drop(h);
		return NULL;
	}
	return (struct bh_xfer *)(void *)h;
}

void
held_http_cancel(struct bh_xfer *xfer)
{
	struct held *h;

	if (xfer == NULL)
		return;
	h = CAST(struct held, (void *)xfer, HELD_MAGIC);
	if (h->running)
		return;
	http_cancel(h->inner);
	drop(h);
}

static void
turn_came(void *arg)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	if (!enter(h, "turn", &before))
		return;
	h->cb.timer(h->arg);
	leave(h, before);
	if (h->over)
		drop(h);
}

struct bh_turn *
held_turn(struct instance *in, const char *lane, const char *limits, int rank,
    bh_timer_cb *cb, void *arg, const char **error)
{
	struct held *h = hold(in, TURN, arg);

	h->cb.timer = cb;
	if (in->lanes == NULL)
		in->lanes = lanes_new(in->plugins->loop);
	h->inner = lane_turn(in->lanes, lane, limits, rank, turn_came, h,
	    error);
	if (h->inner == NULL) {
		drop(h);
		return NULL;
	}
	return (struct bh_turn *)(void *)h;
}

void
held_turn_over(struct bh_turn *turn, int64_t pause)
{
	struct held *h;

	if (turn == NULL)
		return;
	h = CAST(struct held, (void *)turn, HELD_MAGIC);
	lane_turn_over(h->inner, pause);
	drop(h);
}

static void
socket_opened(void *arg)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	if (h->cb.socket.opened == NULL || !enter(h, "socket opened", &before))
		return;
	h->cb.socket.opened(h->arg);
	leave(h, before);
	if (h->over)
		drop(h);
}

static void
socket_message(void *arg, const char *text, size_t len)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	if (h->cb.socket.message == NULL ||
	    !enter(h, "socket message", &before))
		return;
	h->cb.socket.message(h->arg, text, len);
	leave(h, before);
	if (h->over)
		drop(h);
}

static void
socket_closed(void *arg, int result, int code, const char *why)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	h->inner = NULL;
	if (h->cb.socket.closed != NULL && enter(h, "socket closed", &before)) {
		h->cb.socket.closed(h->arg, result, code, why);
		leave(h, before);
	}
	drop(h);
}

struct bh_socket *
held_socket(struct instance *in, const struct bh_socket_to *to,
    const struct bh_socket_calls *calls, void *arg)
{
	static const struct bh_socket_calls ours =
	    { socket_opened, socket_message, socket_closed };
	struct held *h = hold(in, SOCKET, arg);

	h->cb.socket = *calls;
	h->inner = websocket_open(in->plugins->http, to, &ours, h);
	if (h->inner == NULL) {
		drop(h);
		return NULL;
	}
	return (struct bh_socket *)(void *)h;
}

int
held_socket_send(struct bh_socket *socket, const char *text, size_t len)
{
	struct held *h = CAST(struct held, (void *)socket, HELD_MAGIC);

	return h->inner != NULL ? websocket_send(h->inner, text, len) :
	    BH_ENET;
}

void
held_socket_close(struct bh_socket *socket, int code)
{
	struct held *h = CAST(struct held, (void *)socket, HELD_MAGIC);

	if (h->inner != NULL)
		websocket_close(h->inner, code);
}

void
held_socket_drop(struct bh_socket *socket)
{
	struct held *h;

	if (socket == NULL)
		return;
	h = CAST(struct held, (void *)socket, HELD_MAGIC);
	if (h->inner == NULL)	/* from closed(): it goes by itself */
		return;
	websocket_drop(h->inner);
	h->inner = NULL;
	drop(h);
}

static void
commit_done(void *arg, int result)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	if (enter(h, "commit", &before)) {
		h->cb.commit(h->arg, result);
		leave(h, before);
	}
	drop(h);
}

int
held_commit(struct instance *in, struct bh_tx *tx, bh_commit_cb *cb, void *arg)
{
	struct held *h;
	int ret;

	if (cb == NULL)
		return store_commit(tx, NULL, NULL);
	h = hold(in, COMMIT, arg);
	h->cb.commit = cb;
	ret = store_commit(tx, commit_done, h);
	if (ret != BH_OK)
		drop(h);
	return ret;
}

static void
query_done(void *arg, int result, const struct bh_rows *rows)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before;

	if (enter(h, "query", &before)) {
		h->cb.query(h->arg, result, rows);
		leave(h, before);
	}
	drop(h);
}

int
held_query(struct instance *in, const char *sql, const struct bh_param *params,
    bh_rows_cb *cb, void *arg)
{
	struct held *h = hold(in, QUERY, arg);
	int ret;

	h->cb.query = cb;
	ret = store_query(in->plugins->store, in->owner, sql, params,
	    query_done, h);
	if (ret != BH_OK)
		drop(h);
	return ret;
}

int
held_deliver(struct instance *in, const struct bh_event *event,
    bh_commit_cb *cb, void *arg)
{
	struct held *h;
	int ret;

	if (in->chat == NULL)
		return BH_EBUSY;
	if (cb == NULL)
		return chat_deliver(in->plugins->chat, in->chat, event, NULL,
		    NULL);
	h = hold(in, COMMIT, arg);
	h->cb.commit = cb;
	ret = chat_deliver(in->plugins->chat, in->chat, event, commit_done, h);
	if (ret != BH_OK)
		drop(h);
	return ret;
}

struct bh_server *
held_listen(struct instance *in, const char *address, int *port,
    const char **error)
{
	struct bh_server *server = http_listen(in->plugins->loop, address,
	    port, error);

	if (server != NULL)
		hold(in, LISTENER, NULL)->inner = server;
	return server;
}

static void
route_taken(void *arg, struct bh_request *request,
    const struct bh_http_in *incoming)
{
	struct held *h = CAST(struct held, arg, HELD_MAGIC);
	struct entered before = instance_enter(h->in, "route");

	h->cb.route(h->arg, request, incoming);
	instance_leave(before);
}

int
held_route(struct instance *in, struct bh_server *server, const char *method,
    const char *path, bh_route_cb *cb, void *arg)
{
	struct held *h = hold(in, ROUTE, arg);
	int ret;

	h->cb.route = cb;
	h->inner = server;
	ret = http_route(server, method, path, route_taken, h);
	if (ret != BH_OK)
		drop(h);
	return ret;
}

/* Nobody will hear of it any more; false: it must wait for its callback. */
static bool
cancel(struct held *h)
{
	switch (h->kind) {
	case TIMER:
		if (h->inner != NULL)
			loop_cancel(h->inner);
		return true;
	case WATCH:
		if (h->inner != NULL)
			loop_unwatch(h->inner);
		return true;
	case XFER:
		if (h->inner != NULL)
			http_cancel(h->inner);
		return true;
	case ROUTE:
		http_unroute(h->inner, h);
		return true;
	case TURN:		/* goes with the lanes */
		return true;
	case SOCKET:
		websocket_drop(h->inner);
		return true;
	case LISTENER: {
		struct bh_server *server = h->inner;

		http_close(&server);
		return true;
	}
	case EXEC:
	case COMMIT:
	case QUERY:
		break;
	}
	return false;
}

void
held_release(struct instance *in)
{
	struct held *next;

	lanes_free(&in->lanes);
	/* Routes before the listeners they may belong to. */
	for (int pass = 0; pass < 2; pass++)
		for (struct held *h = in->held; h != NULL; h = next) {
			next = h->next;
			if (pass == 0 && h->kind != ROUTE)
				continue;
			if (cancel(h)) {
				drop(h);
				continue;
			}
			unlink_it(h);
			h->in = NULL;
			link_to(h, &in->plugins->orphans);
		}
}

void
held_bury(struct plugins *plugins)
{
	while (plugins->orphans != NULL)
		drop(plugins->orphans);
}
