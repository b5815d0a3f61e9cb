/* slack-link.c - one WebSocket of Socket Mode, from its ticket to its end.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/apis/events-api/using-socket-mode.  An envelope is
 * acknowledged on the connection that brought it.  If that is gone by then,
 * nothing is lost: what it brought is durable, and what Slack sends again is
 * known.
 */

#include "plugins/slack/slack-link.h"

#define HELLO_WAIT	10000			/* ms */
#define OPEN_WAIT	10000			/* ms */
#define PING		10000			/* ms */
#define SILENCE		30000			/* ms */
#define QUIET		500			/* ms without a frame */
#define LEAVE_MOST	10000			/* ms, whatever comes */
#define FRAME_MOST	(4u * 1024u * 1024u)
#define ID_MOST		200u

struct slack_envelope {
	struct slack_link *link;	/* NULL: it is gone */
	struct slack *slack;
	char *id;
	bool answer;			/* a payload is wanted */
	struct slack_envelope *next, **prev;
};

static struct slack_link *
link_of(void *arg)
{
	struct slack_link *link = arg;

	assert(link != NULL && link->magic == SLACK_LINK_MAGIC);
	return link;
}

/* ------------------------------------------------------------------ */
/* Envelopes                                                           */

static void
envelope_unlink(struct slack_envelope *e)
{
	*e->prev = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
}

static void
envelope_link(struct slack_envelope *e, struct slack_envelope **list)
{
	e->next = *list;
	e->prev = list;
	if (e->next != NULL)
		e->next->prev = &e->next;
	*list = e;
}

static void
envelope_free(struct slack_envelope *e)
{
	envelope_unlink(e);
	free(e->id);
	free(e);
}

void
slack_envelopes_free(struct slack *s)
{
	while (s->orphans != NULL)
		envelope_free(s->orphans);
}

static void
send_ack(struct slack_link *link, const struct slack_envelope *e,
    const char *body)
{
	struct bh_buf text = BH_BUF(FRAME_MOST);
	int ret;

	bh_buf_puts(&text, "{\"envelope_id\":");
	bh_buf_quote(&text, e->id);
	if (body != NULL && e->answer)
		bh_buf_add(&text, ",\"payload\":%s", body);
	bh_buf_puts(&text, "}");
	ret = bh_socket_send(link->slack->host, link->socket,
	    bh_buf_text(&text), text.len);
	if (ret != BH_OK)
		bh_log(link->slack->host, BH_LOG_INFO, "an acknowledgement "
		    "could not be sent (%d): Slack sends it again", ret);
	bh_buf_release(&text);
}

/* slack_ack_fn */
static void
acknowledge(void *arg, int result, const char *body)
{
	struct slack_envelope *e = arg;

	if (result != BH_OK)
		bh_log(e->slack->host, BH_LOG_INFO, "an envelope was not "
		    "stored (%d) and is not acknowledged", result);
	else if (e->link == NULL || e->link->closing)
		bh_log(e->slack->host, BH_LOG_INFO, "the connection of an "
		    "envelope is gone: what Slack sends again is known");
	else
		send_ack(e->link, e, body);
	envelope_free(e);
}

static void
note_retry(struct slack_link *link, const struct bh_value *v)
{
	double attempt = bh_get_number(v, "retry_attempt", 0);
	const char *reason = bh_get_text(v, "retry_reason");

	if (attempt > 0)
		bh_log(link->slack->host, BH_LOG_INFO, "Slack sends an event "
		    "again (retry %.0f, %.40s)", attempt,
		    reason != NULL ? reason : "");
}

static void
on_envelope(struct slack_link *link, const struct bh_value *v,
    const char *type, const char *id)
{
	static const struct { const char *type; int kind; } kinds[] = {
		{ "events_api", SLACK_EVENTS },
		{ "slash_commands", SLACK_COMMANDS },
		{ "interactive", SLACK_INTERACTIVE } };
	const struct bh_value *payload = bh_get(v, "payload");
	struct slack_envelope *e = bh_zero(sizeof(*e));

	e->link = link;
	e->slack = link->slack;
	e->id = bh_copy(id);
	e->answer = bh_get_bool(v, "accepts_response_payload", false);
	envelope_link(e, &link->envelopes);
	link->heard = bh_mono(link->slack->host);
	note_retry(link, v);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(type, kinds[i].type) == 0 && payload != NULL) {
			slack_receive(link->slack, kinds[i].kind, payload,
			    acknowledge, e);
			return;
		}
	bh_log(link->slack->host, BH_LOG_WARN, "an envelope of an unknown "
	    "type came (%.40s)", type);
	acknowledge(e, BH_OK, NULL);
}

/* ------------------------------------------------------------------ */
/* Frames                                                              */

static void
on_hello(struct slack_link *link, const struct bh_value *v)
{
	struct slack *s = link->slack;
	const char *app = bh_get_text(bh_get(v, "connection_info"), "app_id");
	const struct bh_value *debug = bh_get(v, "debug_info");
	const char *host = bh_get_text(debug, "host");
	double seconds = bh_get_number(debug, "approximate_connection_time",
	    0);

	if (link->live || link->closing)
		return;
	bh_cancel(s->host, link->timer);
	link->timer = NULL;
	link->live = true;
	link->hello_at = bh_mono(s->host);
	if (seconds >= 60 && seconds < 1e7)
		link->ends = link->hello_at + (int64_t)seconds * 1000;
	if (s->app_id == NULL && slack_id_ok(app))
		s->app_id = bh_copy(app);
	bh_log(s->host, BH_LOG_INFO, "connection %llu is up (%.40s, for about "
	    "%.0f s)", (unsigned long long)link->number, host != NULL ? host :
	    "no host told", seconds);
	link->calls->hello(link->arg, link);
}

static void
on_message(void *arg, const char *text, size_t len)
{
	struct slack_link *link = link_of(arg);
	struct bh_host *host = link->slack->host;
	const char *why = NULL, *type, *id, *reason;
	struct bh_value *v = bh_json(host, text, len, &why);

	type = bh_get_text(v, "type");
	id = bh_get_text(v, "envelope_id");
	reason = bh_get_text(v, "reason");
	if (type == NULL)
		bh_log(host, BH_LOG_WARN, "a frame cannot be read: %.200s",
		    v == NULL ? why : "it has no type");
	else if (strcmp(type, "hello") == 0)
		on_hello(link, v);
	else if (strcmp(type, "disconnect") == 0)
		link->calls->leave(link->arg, link, reason != NULL ? reason :
		    "");
	else if (id != NULL && *id != '\0' && strlen(id) <= ID_MOST)
		on_envelope(link, v, type, id);
	else
		bh_log(host, BH_LOG_WARN, "a frame cannot be read: it is a "
		    "%.40s without an envelope_id", type);
	bh_json_free(host, v);
}

/* ------------------------------------------------------------------ */
/* Beginning and end                                                   */

static void
link_free(struct slack_link *link)
{
	/* Those that are on their way to the host are told when it has them. */
	while (link->envelopes != NULL) {
		struct slack_envelope *e = link->envelopes;

		envelope_unlink(e);
		envelope_link(e, &link->slack->orphans);
		e->link = NULL;
	}
	bh_cancel(link->slack->host, link->timer);
	link->magic = 0;
	free(link);
}

static void
on_closed(void *arg, int result, int code, const char *why)
{
	struct slack_link *link = link_of(arg);
	struct bh_buf text = BH_BUF(500);

	link->socket = NULL;
	link->closing = true;
	if (result == BH_OK)
		bh_buf_add(&text, "Slack closed it (%d)", code);
	else
		bh_buf_add(&text, "%.400s", why != NULL ? why :
		    "the connection broke");
	link->calls->closed(link->arg, link, result, bh_buf_text(&text));
	bh_buf_release(&text);
	link_free(link);
}

static void
no_hello(void *arg)
{
	struct slack_link *link = link_of(arg);

	link->timer = NULL;
	bh_socket_drop(link->slack->host, link->socket);
	on_closed(link, BH_ETIMEOUT, 0, "no hello came");
}

static void
on_opened(void *arg)
{
	struct slack_link *link = link_of(arg);

	bh_cancel(link->slack->host, link->timer);
	link->timer = bh_after(link->slack->host, HELLO_WAIT, no_hello, link);
}

void
slack_link_close(struct slack_link *link)
{
	if (link->closing)
		return;
	link->closing = true;
	bh_cancel(link->slack->host, link->timer);
	link->timer = NULL;
	bh_socket_close(link->slack->host, link->socket, 1000);
}

/* Until all is acknowledged and it is quiet. */
static void
drain(void *arg)
{
	struct slack_link *link = link_of(arg);
	struct bh_host *host = link->slack->host;
	int64_t now = bh_mono(host);
	bool quiet = link->envelopes == NULL && now - link->heard >= QUIET;

	link->timer = NULL;
	if (quiet || now - link->retired >= LEAVE_MOST)
		slack_link_close(link);
	else
		link->timer = bh_after(host, QUIET, drain, link);
}

void
slack_link_retire(struct slack_link *link, int64_t ms)
{
	struct bh_host *host = link->slack->host;

	if (link->closing || link->retired != 0)
		return;
	link->leaving = true;
	link->retired = bh_mono(host) + ms;
	bh_cancel(host, link->timer);
	link->timer = bh_after(host, ms > QUIET ? ms : QUIET, drain, link);
}

struct slack_link *
slack_link_open(struct slack *s, const char *url,
    const struct slack_link_calls *calls, void *arg)
{
	static const struct bh_socket_calls ours = { .opened = on_opened,
		.message = on_message, .closed = on_closed };
	const struct bh_socket_to to = { .url = url, .timeout = OPEN_WAIT,
		.max_message = FRAME_MOST, .ping = PING, .silence = SILENCE };
	struct slack_link *link = bh_zero(sizeof(*link));

	link->magic = SLACK_LINK_MAGIC;
	link->slack = s;
	link->calls = calls;
	link->arg = arg;
	link->number = ++s->links_made;
	link->since = bh_mono(s->host);
	link->socket = bh_socket(s->host, &to, &ours, link);
	if (link->socket == NULL) {
		link_free(link);
		return NULL;
	}
	return link;
}

void
slack_link_drop(struct slack_link *link)
{
	if (link == NULL)
		return;
	if (link->socket != NULL)
		bh_socket_drop(link->slack->host, link->socket);
	link_free(link);
}
