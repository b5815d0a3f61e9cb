/* wire.c - a network at the other end of standard input and output.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One JSON text a line.  In come events, which are acknowledged as a network
 * is that never sends again ("ack"), and the network's answers about posts
 * ("sent").  Out goes what is to be shown.  Whoever holds the other end can
 * kill this process at any time and knows what was promised until then.
 */

#include <bellhop/plugin.h>

#include <errno.h>
#include <unistd.h>

#define INPUT_MAX	(1u << 20)
#define POSTS_MAX	256

struct wire {
	struct bh_host *host;
	struct bh_watch *watch;
	struct bh_buf input;
	struct { bh_sent_cb *done; void *arg; } posts[POSTS_MAX];
	unsigned next;
};

/* An event between its delivery and its acknowledgement. */
struct arrival {
	struct wire *wire;
	char id[64];
};

/* Whole lines, at once: what was written before a kill is whole. */
static void
out(struct bh_buf *line)
{
	size_t at = 0;

	bh_buf_puts(line, "\n");
	while (at < line->len) {
		ssize_t n = write(1, line->data + at, line->len - at);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			return;		/* nobody listens any more */
	}
	bh_buf_release(line);
}

static void
put(struct bh_buf *b, const char *key, const char *text)
{
	if (text == NULL)
		return;
	bh_buf_add(b, ",\"%s\":", key);
	bh_buf_quote(b, text);
}

/* ------------------------------------------------------------------ */
/* In                                                                  */

static void
received(void *arg, int result)
{
	struct arrival *a = arg;
	struct bh_buf line = BH_BUF(1024);

	bh_buf_puts(&line, "{\"ack\":");
	bh_buf_quote(&line, a->id);
	bh_buf_add(&line, ",\"result\":%d}", result);
	out(&line);
	free(a);
}

static void
take_event(struct wire *w, const struct bh_value *v)
{
	static const char *const kinds[] = { "message", "command", "button",
		"form", "complete", "home" };
	const char *kind = bh_get_text(v, "kind");
	struct arrival *a = calloc(1, sizeof(*a));
	struct bh_event e = { .kind = -1, .id = bh_get_text(v, "id"),
	    .user = bh_get_text(v, "user"), .room = bh_get_text(v, "room"),
	    .text = bh_get_text(v, "text"), .token = bh_get_text(v, "token"),
	    .reply = bh_get_text(v, "id") };

	for (int i = 0; kind != NULL && i < 6; i++)
		if (strcmp(kind, kinds[i]) == 0)
			e.kind = i;
	if (a == NULL || e.id == NULL || strlen(e.id) >= sizeof(a->id))
		abort();
	a->wire = w;
	snprintf(a->id, sizeof(a->id), "%s", e.id);
	int result = bh_deliver(w->host, &e, received, a);

	if (result < 0)
		received(a, result);
}

static void
take_sent(struct wire *w, const struct bh_value *v)
{
	unsigned n = (unsigned)bh_get_number(v, "sent", 0);
	bh_sent_cb *done;

	if (n >= w->next || w->posts[n % POSTS_MAX].done == NULL)
		return;			/* asked in another life */
	done = w->posts[n % POSTS_MAX].done;
	w->posts[n % POSTS_MAX].done = NULL;
	bh_failpoint(w->host, "wire.sent");
	done(w->posts[n % POSTS_MAX].arg, (int)bh_get_number(v, "result", 0),
	    bh_get_text(v, "message"));
}

static void
take_line(struct wire *w, const char *text, size_t len)
{
	const char *error = NULL;
	struct bh_value *v = bh_json(w->host, text, len, &error);

	if (v == NULL) {
		bh_log(w->host, BH_LOG_ERROR, "a line cannot be read: %s",
		    error);
		return;
	}
	if (bh_get(v, "sent") != NULL)
		take_sent(w, v);
	else
		take_event(w, v);
	bh_json_free(w->host, v);
}

static void
readable(void *arg, int fd, unsigned events)
{
	struct wire *w = arg;
	char part[4096];
	ssize_t n = read(fd, part, sizeof(part));
	char *end;

	(void)events;
	if (n <= 0) {
		bh_unwatch(w->host, w->watch);
		w->watch = NULL;
		if (n == 0)
			bh_quit(w->host);
		return;
	}
	bh_buf_put(&w->input, part, (size_t)n);
	while (w->input.len > 0 && (end = memchr(w->input.data, '\n',
	    w->input.len)) != NULL) {
		size_t len = (size_t)(end - w->input.data);

		take_line(w, w->input.data, len);
		memmove(w->input.data, end + 1, w->input.len - len - 1);
		w->input.len -= len + 1;
	}
}

/* ------------------------------------------------------------------ */
/* Out                                                                 */

static int
wire_send(void *state, const struct bh_post *post, bh_sent_cb *done, void *arg)
{
	struct wire *w = state;
	struct bh_buf line = BH_BUF(1u << 20);
	unsigned n = w->next;

	if (w->posts[n % POSTS_MAX].done != NULL)
		return BH_EBUSY;
	w->posts[n % POSTS_MAX].done = done;
	w->posts[n % POSTS_MAX].arg = arg;
	w->next++;
	bh_buf_add(&line, "{\"post\":%u,\"again\":%s", n,
	    post->again ? "true" : "false");
	put(&line, "key", post->key);
	put(&line, "room", post->room);
	put(&line, "user", post->user);
	put(&line, "edits", post->message);
	put(&line, "reply", post->reply);
	put(&line, "text", post->text);
	bh_buf_puts(&line, ",\"tokens\":{");
	for (size_t i = 0; post->card != NULL &&
	    i < post->card->buttons_count; i++) {
		bh_buf_puts(&line, i > 0 ? "," : "");
		bh_buf_quote(&line, post->card->buttons[i].label);
		bh_buf_puts(&line, ":");
		bh_buf_quote(&line, post->card->buttons[i].token);
	}
	bh_buf_puts(&line, "}}");
	bh_failpoint(w->host, "wire.before-post");
	out(&line);
	bh_failpoint(w->host, "wire.after-post");
	return BH_OK;
}

static void
wire_over(void *state, const char *reply, int result)
{
	struct wire *w = state;
	struct bh_buf line = BH_BUF(1024);

	(void)w;
	bh_buf_puts(&line, "{\"over\":");
	bh_buf_quote(&line, reply);
	bh_buf_add(&line, ",\"result\":%d}", result);
	out(&line);
}

/* "U-ada" is Ada of Acme. */
static void
wire_who(void *state, const char *user, bh_who_cb *done, void *arg)
{
	struct wire *w = state;
	char email[64];
	const struct bh_who who = { .name = user + 2, .email = email };

	bh_failpoint(w->host, "wire.who");
	if (strncmp(user, "U-", 2) != 0 || strlen(user) > 32) {
		done(arg, BH_ENOENT, NULL);
		return;
	}
	snprintf(email, sizeof(email), "%s@acme.example", user + 2);
	done(arg, BH_OK, &who);
}

static void
wire_where(void *state, const char *room, bh_where_cb *done, void *arg)
{
	const struct bh_where where = { .name = "#payments" };

	(void)state;
	(void)room;
	done(arg, BH_OK, &where);
}

/* ------------------------------------------------------------------ */

static int
wire_open(struct bh_host *host, void **state)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->host = host;
	w->input = (struct bh_buf)BH_BUF(INPUT_MAX);
	*state = w;
	return BH_OK;
}

static int
wire_connect(void *state)
{
	struct wire *w = state;

	w->watch = bh_watch(w->host, 0, BH_READ, readable, w);
	bh_health(w->host, BH_UP, "on the wire");
	return BH_OK;
}

static void
wire_close(void *state)
{
	struct wire *w = state;

	if (w->watch != NULL)
		bh_unwatch(w->host, w->watch);
	bh_buf_release(&w->input);
	free(w);
}

static const struct bh_transport transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_KEEP,
	.connect = wire_connect, .send = wire_send, .who = wire_who,
	.where = wire_where, .over = wire_over,
};

BH_PLUGIN(.name = "wire", .version = "1.0",
    .summary = "a network on standard input and output",
    .open = wire_open, .close = wire_close, .transport = &transport);
