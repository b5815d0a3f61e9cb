/* slack-respond.c - answers by the URL that came with an interaction.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/interactivity/handling-user-interaction: five POSTs within
 * thirty minutes, without a token: whoever knows the URL may use it, so that
 * it is a secret.  It came from outside: nothing is sent to a host that the
 * configuration does not name.
 */

#include "plugins/slack/slack.h"

#include <openssl/crypto.h>

#define TIMEOUT		10000

struct slack_responding {
	unsigned magic;
#define RESPOND_MAGIC	0x53526573u
	struct slack_reply *reply;
	char *json;
	slack_api_cb *cb;
	void *arg;
	struct bh_turn *turn;
	bool entering, entered;
	struct bh_xfer *xfer;
	struct slack_responding *next;
};

/* "hooks.slack.com", or an origin such as "http://127.0.0.1:3001". */
static bool
is_at(const char *url, const char *host)
{
	bool open = strncmp(host, "http://", 7) == 0;
	const char *scheme = open ? "http://" : "https://";
	size_t n;

	if (open || strncmp(host, "https://", 8) == 0)
		host += strlen(scheme);
	n = strlen(host);
	if ((open && !slack_is_loopback(host)) || n == 0 ||
	    strncmp(url, scheme, strlen(scheme)) != 0)
		return false;
	url += strlen(scheme);
	/* Nothing before it, so that no user name can stand for it. */
	return strncmp(url, host, n) == 0 && url[n] == '/';
}

bool
slack_respond_ok(const struct slack *s, const char *url)
{
	char **host = s->response_hosts;

	while (host != NULL && *host != NULL && !is_at(url, *host))
		host++;
	return host != NULL && *host != NULL;
}

/* ------------------------------------------------------------------ */

static void
spent(struct slack_reply *r)
{
	if (r->response_url != NULL)
		OPENSSL_cleanse(r->response_url, strlen(r->response_url));
	free(r->response_url);
	r->response_url = NULL;
}

static void
respond_free(struct slack_responding *x)
{
	struct bh_host *host = x->reply->slack->host;
	struct slack_responding **p = &x->reply->slack->responds;

	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	if (x->turn != NULL)
		bh_turn_over(host, x->turn, 0);
	if (x->xfer != NULL)
		bh_http_cancel(host, x->xfer);
	free(x->json);
	x->magic = 0;
	free(x);
}

static void
done(struct slack_responding *x, int result, bool sent, const char *error)
{
	struct slack_reply *r = x->reply;
	slack_api_cb *cb = x->cb;
	void *arg = x->arg;

	respond_free(x);
	if (cb != NULL)
		cb(arg, &(struct slack_answer){ .result = result,
		    .sent = sent, .error = error });
	slack_reply_drop(r);
}

/* "ok", {"ok":true}, or what is wrong, in JSON or as a bare word. */
static void
arrived(void *arg, const struct bh_answer *http)
{
	struct slack_responding *x = arg;
	struct slack_reply *r = x->reply;
	struct bh_host *host = r->slack->host;
	const char *error = NULL;
	struct bh_value *body;

	assert(x->magic == RESPOND_MAGIC);
	x->xfer = NULL;
	if (http->result != BH_OK) {
		done(x, BH_ENET, http->sent, "the network failed");
		return;
	}
	if (http->status == 429 || http->status >= 500) {
		done(x, http->status == 429 ? BH_ELIMIT : BH_ENET,
		    http->status != 429, "Slack did not take it");
		return;
	}
	body = bh_json(host, http->body, http->body_len, &error);
	error = bh_get_text(body, "error");
	if (http->status == 200 && error == NULL &&
	    bh_get_bool(body, "ok", true) &&
	    (body != NULL || strcmp(http->body, "ok") == 0 ||
	    *http->body == '\0')) {
		done(x, BH_OK, true, NULL);
	} else {
		/* Used up, too old, or not to its liking: this way is over. */
		bh_log(host, BH_LOG_INFO, "the response URL is spent: HTTP "
		    "status %d, %.60s", http->status, error != NULL ? error :
		    strlen(http->body) < 60 ? http->body : "");
		spent(r);
		done(x, BH_ENOENT, false, "the response URL is spent");
	}
	bh_json_free(host, body);
}

static void
turn(void *arg)
{
	struct slack_responding *x = arg;
	struct slack_reply *r = x->reply;
	const char *const headers[] = {
		"Content-Type: application/json; charset=utf-8", NULL };
	const struct bh_http http = { .method = "POST",
		.url = r->response_url, .headers = headers, .body = x->json,
		.body_len = strlen(x->json), .timeout = TIMEOUT };

	assert(x->magic == RESPOND_MAGIC);
	if (x->entering) {
		x->entered = true;
		return;
	}
	if (r->response_url == NULL) {
		done(x, BH_ENOENT, false, "the response URL is spent");
		return;
	}
	x->xfer = bh_http(r->slack->host, &http, arrived, x);
	if (x->xfer == NULL) {
		spent(r);
		done(x, BH_ENOENT, false, "the response URL is none");
	}
}

bool
slack_can_respond(const struct slack_reply *r)
{
	return r != NULL && r->response_url != NULL && r->responses > 0 &&
	    bh_mono(r->slack->host) < r->response_until;
}

static void
refuse(slack_api_cb *cb, void *arg, const char *error)
{
	if (cb != NULL)
		cb(arg, &(struct slack_answer){ .result = BH_ENOENT,
		    .error = error });
}

void
slack_respond(struct slack_reply *r, const char *json, slack_api_cb *cb,
    void *arg)
{
	struct slack *s = r->slack;
	struct slack_responding *x;

	if (s->closing || !slack_can_respond(r)) {
		refuse(cb, arg, "the response URL is spent");
		return;
	}
	if (!slack_respond_ok(s, r->response_url)) {
		bh_log(s->host, BH_LOG_WARN, "a response URL is not at a host "
		    "of response-hosts; it is not used");
		spent(r);
		refuse(cb, arg, "the response URL is not Slack's");
		return;
	}
	(void)slack_reply_respond(r);
	x = bh_zero(sizeof(*x));
	x->magic = RESPOND_MAGIC;
	x->reply = slack_reply_hold(r);
	x->json = bh_copy(json);
	x->cb = cb;
	x->arg = arg;
	x->next = s->responds;
	s->responds = x;
	x->entering = true;
	x->turn = bh_turn(s->host, "response_url", "16 at once", SLACK_NOW,
	    turn, x);
	x->entering = false;
	if (x->turn == NULL)
		done(x, BH_EBUSY, false, "too many answers wait already");
	else if (x->entered)
		turn(x);
}

void
slack_respond_close(struct slack *s)
{
	while (s->responds != NULL)
		done(s->responds, BH_ECANCELLED, false, "closing");
}
