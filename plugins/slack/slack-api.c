/* slack-api.c - the Web API: paced, sent, understood, tried again.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/apis/web-api/rate-limits.  Limits hold for a method in a
 * workspace; chat.postMessage has one for each channel besides.  So a request
 * takes a turn in its channel's lane and then in its method's; Retry-After
 * stops the lane that it came from, and no other.  What may have been carried
 * out is not sent again if it must not happen twice: the caller is told, with
 * `sent`, and finds out.
 */

#include "plugins/slack/slack.h"

#define TIMEOUT		15000		/* ms for one try */
#define ANSWER_MOST	(4u * 1024u * 1024u)
#define TRIES_MOST	3		/* that failed for no fault of ours */
#define LIMITED_MOST	10		/* that came too often */
#define WAIT_MOST	120000		/* longer pauses are the caller's */
#define BACK_OFF	500

struct slack_request {
	unsigned magic;
#define SLACK_REQUEST_MAGIC	0x536c5271u
	struct slack *slack;
	char *method, *channel, *json, *form;
	int rank;
	bool app, once;
	int64_t until;
	slack_api_cb *cb;
	void *arg;
	struct bh_turn *in_channel, *in_method;	/* asked for, or ours */
	struct bh_xfer *xfer;
	struct bh_timer *timer;		/* back-off, or `until` */
	char *token;			/* of this try */
	bool asking;			/* for a token: not to be freed */
	bool entering, entered;		/* the turn came while we asked */
	bool over;			/* answered meanwhile */
	bool renewed;			/* token trouble was mended once */
	int tries, limited;
	struct slack_request *next;
};

static void start(struct slack_request *q);

/* ------------------------------------------------------------------ */
/* Lanes                                                               */

/* Tiers as documented.  What a trigger waits for is not held back by us:
 * three seconds are all it has. */
static const struct { const char *method, *limits; } methods[] = {
	{ "apps.connections.open", "2 at once" },
	{ "auth.test", "2 at once" },
	{ "chat.postEphemeral", "8 at once, 100/60s" },
	{ "chat.postMessage", "8 at once, 300/60s" },
	{ "oauth.v2.access", "1 at once" },
	{ "users.info", "8 at once, 100/60s" },
	{ "views.open", "16 at once" },
	{ "views.publish", "8 at once, 100/60s" },
	{ "views.push", "16 at once" },
	{ "views.update", "16 at once" },
};

static const char *
limits_of(const char *method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcmp(methods[i].method, method) == 0)
			return methods[i].limits;
	return "4 at once, 50/60s";		/* tier 3 */
}

#define CHANNEL_LIMITS	"1 at once, 5/5s, 60/60s"

static void
give_back(struct slack_request *q, int64_t pause)
{
	struct slack *s = q->slack;
	bool channel = q->in_channel != NULL;

	if (q->in_method != NULL)
		bh_turn_over(s->host, q->in_method, channel ? 0 : pause);
	if (q->in_channel != NULL)
		bh_turn_over(s->host, q->in_channel, pause);
	q->in_method = q->in_channel = NULL;
}

static void
request_free(struct slack_request *q)
{
	free(q->method);
	free(q->channel);
	free(q->json);
	free(q->form);
	bh_secret_free(q->token);
	q->magic = 0;
	free(q);
}

static void
unlink_request(struct slack_request *q)
{
	struct slack_request **p = &q->slack->requests;

	while (*p != q)
		p = &(*p)->next;
	*p = q->next;
}

static void
release(struct slack_request *q)
{
	struct slack *s = q->slack;

	give_back(q, 0);
	if (q->xfer != NULL)
		bh_http_cancel(s->host, q->xfer);
	bh_cancel(s->host, q->timer);
	q->xfer = NULL;
	q->timer = NULL;
}

/* The one answer. */
static void
answer(struct slack_request *q, const struct slack_answer *a)
{
	slack_api_cb *cb = q->cb;
	void *arg = q->arg;

	release(q);
	unlink_request(q);
	if (q->asking)
		q->over = true;
	else
		request_free(q);
	cb(arg, a);
}

static void
fail(struct slack_request *q, int result, bool sent, const char *error)
{
	answer(q, &(struct slack_answer){ .result = result, .sent = sent,
	    .error = error });
}

void
slack_api_close(struct slack *s)
{
	while (s->requests != NULL)
		fail(s->requests, BH_ECANCELLED, true, "closing");
}

/* ------------------------------------------------------------------ */
/* Trying again                                                        */

static void
again(void *arg)
{
	struct slack_request *q = arg;

	assert(q->magic == SLACK_REQUEST_MAGIC);
	q->timer = NULL;
	start(q);
}

static void
too_late(void *arg)
{
	struct slack_request *q = arg;

	assert(q->magic == SLACK_REQUEST_MAGIC);
	q->timer = NULL;
	if (q->xfer == NULL)
		fail(q, BH_ETIMEOUT, false, "it would have come too late");
}

/* Once more after `ms` or a bit later. */
static void
retry(struct slack_request *q, int64_t ms)
{
	unsigned char dice;
	int64_t now = bh_mono(q->slack->host);

	bh_random(q->slack->host, &dice, 1);
	ms += ms * dice / 512;
	give_back(q, 0);
	bh_cancel(q->slack->host, q->timer);
	if (q->until > 0 && now + ms > q->until)
		ms = q->until > now ? q->until - now : 0;
	q->timer = bh_after(q->slack->host, ms, again, q);
}

/* It failed and may go well later; `sent`: it may have been done. */
static void
unlucky(struct slack_request *q, bool sent, int result, const char *error)
{
	if ((!sent || !q->once) && ++q->tries < TRIES_MOST)
		retry(q, (int64_t)BACK_OFF << q->tries);
	else
		fail(q, result, sent, error);
}

static void
limited(struct slack_request *q, const struct bh_answer *http)
{
	const char *after = bh_answer_header(http, "retry-after");
	long seconds = after != NULL ? strtol(after, NULL, 10) : 0;
	int64_t pause = seconds > 0 && seconds <= 86400 ? seconds * 1000 :
	    1000;

	give_back(q, pause);
	if (++q->limited >= LIMITED_MOST || pause > WAIT_MOST ||
	    (q->until > 0 && bh_mono(q->slack->host) + pause >= q->until))
		fail(q, BH_ELIMIT, false, "ratelimited");
	else
		start(q);		/* its lane rests meanwhile */
}

/* ------------------------------------------------------------------ */
/* What the answer says                                                */

static bool
one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* Slack could not, or does not know whether it did. */
static const char *const passing[] = { "fatal_error", "internal_error",
	"request_timeout", "service_unavailable", "team_added_to_org",
	"external_channel_migrating", NULL };
static const char *const token_trouble[] = { "account_inactive",
	"invalid_auth", "not_authed", "token_expired", "token_revoked",
	NULL };

static void
refused(struct slack_request *q, const struct bh_answer *http,
    const struct bh_value *body)
{
	struct slack *s = q->slack;
	const char *error = bh_get_text(body, "error");
	const char *id = bh_answer_header(http, "x-slack-req-id");
	const char *needed = bh_get_text(body, "needed");
	struct bh_buf why = BH_BUF(4096), clean = BH_BUF(4096);

	error = error != NULL ? error : "no reason given";
	for (BH_EACH(m, bh_get(bh_get(body, "response_metadata"),
	    "messages")))
		if (bh_text(m) != NULL)
			bh_buf_add(&why, "; %.300s", bh_text(m));
	if (needed != NULL)
		bh_buf_add(&why, "; it needs the scope %.100s: print the "
		    "manifest anew and install the app again", needed);
	bh_buf_clean(&clean, bh_buf_text(&why), false);
	bh_log(s->host, BH_LOG_INFO, "slack refused %s: %.100s%s (%.100s)",
	    q->method, error, bh_buf_text(&clean), id != NULL ? id :
	    "no request id");
	bh_buf_release(&why);
	bh_buf_release(&clean);
	answer(q, &(struct slack_answer){ .result =
	    strcmp(error, "missing_scope") == 0 ? BH_EBUSY : BH_EINVAL,
	    .error = error, .body = body });
}

static void
understood(struct slack_request *q, const struct bh_answer *http,
    const struct bh_value *body)
{
	const char *error = bh_get_text(body, "error");
	struct slack *s = q->slack;

	if (bh_get_bool(body, "ok", false)) {
		if (!q->app)
			slack_token_good(s, q->token);
		answer(q, &(struct slack_answer){ .result = BH_OK,
		    .sent = true, .body = body });
	} else if (error == NULL) {
		unlucky(q, true, BH_ENET, "the answer is not Slack's");
	} else if (strcmp(error, "ratelimited") == 0 ||
	    strcmp(error, "rate_limited") == 0) {
		limited(q, http);
	} else if (one_of(error, passing)) {
		unlucky(q, true, BH_ENET, error);
	} else if (one_of(error, token_trouble) && !q->app) {
		slack_token_bad(s, q->token, error);
		if (q->renewed) {
			fail(q, BH_EBUSY, false, error);
		} else {
			q->renewed = true;
			retry(q, 0);
		}
	} else {
		refused(q, http, body);
	}
}

static void
arrived(void *arg, const struct bh_answer *http)
{
	struct slack_request *q = arg;
	struct bh_host *host = q->slack->host;
	const char *error = NULL, *id;
	struct bh_value *body = NULL;
	char text[64];

	assert(q->magic == SLACK_REQUEST_MAGIC);
	q->xfer = NULL;
	if (http->result != BH_OK) {
		unlucky(q, http->sent, BH_ENET, http->error != NULL ?
		    http->error : "the network failed");
		return;
	}
	if (http->status == 429) {
		limited(q, http);
		return;
	}
	if (http->status >= 500 || http->status == 408) {
		id = bh_answer_header(http, "x-slack-req-id");
		snprintf(text, sizeof(text), "HTTP status %d", http->status);
		bh_log(host, BH_LOG_INFO, "slack answered %s with %s (%.100s)",
		    q->method, text, id != NULL ? id : "no request id");
		unlucky(q, true, BH_ENET, text);
		return;
	}
	body = bh_json(host, http->body, http->body_len, &error);
	if (body == NULL) {
		bh_log(host, BH_LOG_WARN, "the answer to %s (HTTP "
		    "status %d) is no JSON: %s", q->method, http->status,
		    error != NULL ? error : "");
		unlucky(q, true, BH_ENET, "the answer is no JSON");
		return;
	}
	understood(q, http, body);
	bh_json_free(host, body);
}

/* ------------------------------------------------------------------ */
/* On its way                                                          */

static void
send_now(struct slack_request *q)
{
	struct slack *s = q->slack;
	const char *body = q->json != NULL ? q->json : q->form;
	struct bh_buf url = BH_BUF(2048), bearer = bh_secret_buf(8192);
	const char *headers[] = { NULL, q->json != NULL ?
	    "Content-Type: application/json; charset=utf-8" :
	    "Content-Type: application/x-www-form-urlencoded", NULL };

	bh_buf_add(&url, "%s%s", s->api, q->method);
	bh_buf_puts(&bearer, "Authorization: Bearer ");
	bh_buf_puts(&bearer, q->token);
	headers[0] = bh_buf_text(&bearer);
	q->xfer = bh_http(s->host, &(struct bh_http){ .method = "POST",
	    .url = bh_buf_text(&url), .headers = headers, .body = body,
	    .body_len = strlen(body), .timeout = TIMEOUT,
	    .max_answer = ANSWER_MOST }, arrived, q);
	bh_secret_free(bearer.data);
	bh_buf_release(&url);
	if (q->xfer == NULL)
		fail(q, BH_EINVAL, false, "the api-url cannot be used");
}

static void
with_token(void *arg, const char *token)
{
	struct slack_request *q = arg;

	assert(q->magic == SLACK_REQUEST_MAGIC);
	q->asking = false;
	if (q->over) {
		request_free(q);
	} else if (token == NULL) {
		fail(q, BH_EBUSY, false, "there is no token");
	} else {
		bh_secret_free(q->token);
		q->token = bh_copy(token);
		send_now(q);
	}
}

static void
crowded(void *arg)
{
	struct slack_request *q = arg;

	assert(q->magic == SLACK_REQUEST_MAGIC);
	q->timer = NULL;
	fail(q, BH_EBUSY, false, "too many requests wait already");
}

/* Asks for a turn.  A turn that is given at once is taken when its handle is
 * known; if there is none, the caller hears of that later, like of all. */
static void
take_turn(struct slack_request *q, struct bh_turn **turn, const char *lane,
    const char *limits, bh_timer_cb *cb)
{
	q->entering = true;
	q->entered = false;
	*turn = bh_turn(q->slack->host, lane, limits, q->rank, cb, q);
	q->entering = false;
	if (*turn == NULL) {
		bh_cancel(q->slack->host, q->timer);
		q->timer = bh_after(q->slack->host, 0, crowded, q);
	} else if (q->entered) {
		cb(q);
	}
}

static void
method_turn(void *arg)
{
	struct slack_request *q = arg;

	assert(q->magic == SLACK_REQUEST_MAGIC);
	if (q->entering) {
		q->entered = true;
		return;
	}
	if (q->app) {
		with_token(q, bh_host_config(q->slack->host, "app-token"));
		return;
	}
	q->asking = true;
	slack_token(q->slack, with_token, q);
}

static void
channel_turn(void *arg)
{
	struct slack_request *q = arg;

	assert(q->magic == SLACK_REQUEST_MAGIC);
	if (q->entering)
		q->entered = true;
	else
		take_turn(q, &q->in_method, q->method, limits_of(q->method),
		    method_turn);
}

static void
start(struct slack_request *q)
{
	struct slack *s = q->slack;
	int64_t now = bh_mono(s->host);
	struct bh_buf lane = BH_BUF(1024);

	if (q->until > 0 && now >= q->until) {
		fail(q, BH_ETIMEOUT, false, "it would have come too late");
		return;
	}
	if (q->until > 0 && q->timer == NULL)
		q->timer = bh_after(s->host, q->until - now, too_late, q);
	if (q->channel == NULL) {
		channel_turn(q);
		return;
	}
	bh_buf_add(&lane, "%s %s", q->method, q->channel);
	take_turn(q, &q->in_channel, bh_buf_text(&lane), CHANNEL_LIMITS,
	    channel_turn);
	bh_buf_release(&lane);
}

void
slack_api(struct slack *s, const struct slack_ask *ask, slack_api_cb *cb,
    void *arg)
{
	struct slack_request *q;

	if (s->closing) {
		cb(arg, &(struct slack_answer){ .result = BH_ECANCELLED,
		    .error = "closing" });
		return;
	}
	q = bh_zero(sizeof(*q));
	q->magic = SLACK_REQUEST_MAGIC;
	q->slack = s;
	q->method = bh_copy(ask->method);
	q->channel = bh_copy(ask->channel);
	q->json = bh_copy(ask->json);
	q->form = bh_copy(ask->json == NULL && ask->form == NULL ? "" :
	    ask->form);
	q->rank = ask->rank;
	q->app = ask->app;
	q->once = ask->once;
	q->until = ask->until;
	q->cb = cb;
	q->arg = arg;
	q->next = s->requests;
	s->requests = q;
	start(q);
}
