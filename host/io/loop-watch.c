/*
 * loop-watch.c - descriptors of other people's, and signals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/mem.h"
#include "host/io/loop-inside.h"

struct bh_watch {
	unsigned magic;
#define WATCH_MAGIC	0x77617463u
	struct loop *loop;
	struct bh_watch *next, **prev;
	uv_poll_t *poll;	/* one of the two */
	uv_idle_t *always;	/* a regular file, which epoll does not take */
	int fd;
	unsigned events;
	bh_watch_cb *cb;
	void *arg;
	const char *who;
};

struct catcher {
	unsigned magic;
#define CATCHER_MAGIC	0x63617463u
	struct loop *loop;
	struct catcher *next;
	uv_signal_t *signal;
	loop_signal_cb *cb;
	void *arg;
	const char *who;
};

static void
watch_ready(struct bh_watch *w, unsigned events)
{
	struct loop_turn turn = loop_enter(w->loop, w->who);

	/* The callback may unwatch: `w` is not looked at again. */
	w->cb(w->arg, w->fd, events);
	loop_leave(turn);
}

static void
polled(uv_poll_t *poll, int status, int events)
{
	struct bh_watch *w = CAST(struct bh_watch, poll->data, WATCH_MAGIC);

	/* The reader finds the error where errors belong: in its read(). */
	if (status < 0)
		watch_ready(w, w->events);
	else
		watch_ready(w, ((events & UV_READABLE) != 0 ? BH_READ : 0u) |
		    ((events & UV_WRITABLE) != 0 ? BH_WRITE : 0u));
}

static void
always(uv_idle_t *idle)
{
	struct bh_watch *w = CAST(struct bh_watch, idle->data, WATCH_MAGIC);

	watch_ready(w, w->events);
}

static bool
watch_poll(struct bh_watch *w)
{
	w->poll = xcalloc(1, sizeof(*w->poll));
	if (uv_poll_init(&w->loop->uv, w->poll, w->fd) < 0) {
		free(w->poll);
		w->poll = NULL;
		return false;
	}
	w->poll->data = w;
	return uv_poll_start(w->poll,
	    ((w->events & BH_READ) != 0 ? UV_READABLE : 0) |
	    ((w->events & BH_WRITE) != 0 ? UV_WRITABLE : 0), polled) == 0;
}

static bool
regular_file(int fd)
{
	uv_handle_type type = uv_guess_handle(fd);

	return type == UV_FILE;
}

struct bh_watch *
loop_watch(struct loop *loop, int fd, unsigned events, bh_watch_cb *cb,
    void *arg)
{
	struct bh_watch *w;

	CHECK_MAGIC(loop, LOOP_MAGIC);
	if (fd < 0 || (events & (BH_READ | BH_WRITE)) == 0)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->magic = WATCH_MAGIC;
	w->loop = loop;
	w->fd = fd;
	w->events = events & (BH_READ | BH_WRITE);
	w->cb = cb;
	w->arg = arg;
	w->who = loop_who_now();
	w->next = loop->watches;
	if (w->next != NULL)
		w->next->prev = &w->next;
	w->prev = &loop->watches;
	loop->watches = w;
	if (regular_file(fd)) {
		w->always = xcalloc(1, sizeof(*w->always));
		uv_idle_init(&loop->uv, w->always);
		w->always->data = w;
		uv_idle_start(w->always, always);
	} else if (!watch_poll(w)) {
		loop_unwatch(w);
		return NULL;
	}
	return w;
}

void
loop_unwatch(struct bh_watch *w)
{
	if (w == NULL)
		return;
	CHECK_MAGIC(w, WATCH_MAGIC);
	if (w->poll != NULL)
		uv_poll_stop(w->poll);
	if (w->always != NULL)
		uv_idle_stop(w->always);
	loop_close_handle((uv_handle_t *)w->poll);
	loop_close_handle((uv_handle_t *)w->always);
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	KILL_MAGIC(w);
	free(w);
}

static void
caught(uv_signal_t *signal, int signum)
{
	struct catcher *c = CAST(struct catcher, signal->data, CATCHER_MAGIC);
	struct loop_turn turn = loop_enter(c->loop, c->who);

	c->cb(c->arg, signum);
	loop_leave(turn);
}

int
loop_signal(struct loop *loop, int signum, loop_signal_cb *cb, void *arg)
{
	struct catcher *c = xcalloc(1, sizeof(*c));

	CHECK_MAGIC(loop, LOOP_MAGIC);
	c->magic = CATCHER_MAGIC;
	c->loop = loop;
	c->cb = cb;
	c->arg = arg;
	c->who = loop_who_now();
	c->signal = xcalloc(1, sizeof(*c->signal));
	uv_signal_init(&loop->uv, c->signal);
	c->signal->data = c;
	if (uv_signal_start(c->signal, caught, signum) < 0) {
		loop_close_handle((uv_handle_t *)c->signal);
		free(c);
		return BH_EINVAL;
	}
	c->next = loop->catchers;
	loop->catchers = c;
	return BH_OK;
}

void
loop_watches_release(struct loop *loop)
{
	while (loop->watches != NULL)
		loop_unwatch(loop->watches);
	for (struct catcher *c = loop->catchers, *next; c != NULL; c = next) {
		next = c->next;
		uv_signal_stop(c->signal);
		loop_close_handle((uv_handle_t *)c->signal);
		KILL_MAGIC(c);
		free(c);
	}
	loop->catchers = NULL;
}
