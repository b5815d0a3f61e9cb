/* slack-http.c - the way in over HTTP: one route for all that Slack sends.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/apis/events-api/using-http-request-urls.  Events, slash
 * commands, interactions and questions for options come to the same address.
 * Nothing is read before its signature was checked.  A delivery that was not
 * made durable is answered with 503, so that Slack sends it again; what it
 * sends again is taken like the first, since that may never have come.
 */

#include "plugins/slack/slack.h"

#define TELL_EVERY	60000			/* ms, of refusals */
#define TICK		5000			/* ms, of the health */
#define EARLY_WAIT	2000			/* ms */
#define EARLY_MOST	100u

struct delivery {
	struct slack_door *door;
	struct bh_request *request;
	struct delivery *next, **prev;
};

/* It came before we knew who we are. */
struct early {
	struct slack_door *door;
	struct bh_request *request;
	void (*read)(struct slack_door *, struct bh_request *,
	    const struct bh_http_in *);
	struct bh_http_in in;		/* its body alone */
	char *body;
	struct bh_timer *timer;
	struct early *next;
};

struct slack_door {
	unsigned magic;
#define SLACK_DOOR_MAGIC	0x536c4472u
	struct slack *slack;
	struct slack_signer *signer;
	struct delivery *deliveries;	/* not answered yet */
	struct early *earlies;
	size_t earlies_count;
	int64_t heard;			/* monotonic ms; 0: never */
	struct bh_timer *tick;
	int64_t told;			/* monotonic ms; 0: never */
	uint64_t untold;		/* refusals since */
};

/* ------------------------------------------------------------------ */
/* Answers                                                             */

static void
answer(struct bh_request *request, int status)
{
	const struct bh_http_out out = { .status = status };

	bh_respond(request, &out);
}

static void
answer_as(struct bh_request *request, const char *type, const char *body)
{
	const char *const headers[] = { type, NULL };
	const struct bh_http_out out = { .status = 200, .headers = headers,
	    .body = body, .body_len = strlen(body) };

	bh_respond(request, &out);
}

/* slack_ack_fn */
static void
acknowledge(void *arg, int result, const char *body)
{
	struct delivery *d = arg;
	struct bh_request *request = d->request;

	*d->prev = d->next;
	if (d->next != NULL)
		d->next->prev = d->prev;
	free(d);
	if (result != BH_OK)
		answer(request, 503);
	else if (body == NULL)
		answer(request, 200);
	else
		answer_as(request, "Content-Type: application/json; "
		    "charset=utf-8", body);
}

static void
receive(struct slack_door *door, int kind, const struct bh_value *payload,
    struct bh_request *request)
{
	struct delivery *d = bh_zero(sizeof(*d));

	d->door = door;
	d->request = request;
	d->next = door->deliveries;
	d->prev = &door->deliveries;
	if (d->next != NULL)
		d->next->prev = &d->next;
	door->deliveries = d;
	slack_receive(door->slack, kind, payload, acknowledge, d);
}

/* ------------------------------------------------------------------ */
/* What comes early                                                    */

/* Whom it is for can be told only once we know who we are: mostly a moment
 * later.  Commands are not sent again, so that they wait for it. */

static struct bh_request *
early_take(struct early *e)
{
	struct early **at = &e->door->earlies;
	struct bh_request *request = e->request;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->door->earlies_count--;
	bh_cancel(e->door->slack->host, e->timer);
	free(e->body);
	free(e);
	return request;
}

static void
too_early(void *arg)
{
	struct early *e = arg;

	e->timer = NULL;
	answer(early_take(e), 503);
}

static void
hold_early(struct slack_door *door, struct bh_request *request,
    const struct bh_http_in *in, void (*read)(struct slack_door *,
    struct bh_request *, const struct bh_http_in *))
{
	struct early *e, **end = &door->earlies;

	if (door->earlies_count >= EARLY_MOST) {
		answer(request, 503);
		return;
	}
	e = bh_zero(sizeof(*e));
	e->door = door;
	e->request = request;
	e->read = read;
	e->body = bh_zero(in->body_len + 1);
	memcpy(e->body, in->body, in->body_len);
	e->in.body = e->body;
	e->in.body_len = in->body_len;
	e->timer = bh_after(door->slack->host, EARLY_WAIT, too_early, e);
	while (*end != NULL)
		end = &(*end)->next;
	*end = e;
	door->earlies_count++;
}

static void
known(struct slack *s)
{
	struct early *e;

	while (s->door != NULL && (e = s->door->earlies) != NULL) {
		struct bh_http_in in = e->in;
		char *body = e->body;

		e->body = NULL;
		e->read(s->door, early_take(e), &in);
		free(body);
	}
}

/* ------------------------------------------------------------------ */
/* Reading, once it is known to be Slack's                             */

static void
garbage(struct slack_door *door, struct bh_request *request, const char *why)
{
	bh_log(door->slack->host, BH_LOG_WARN, "a signed delivery cannot be "
	    "read: %.200s", why);
	answer(request, 400);
}

static void
read_json(struct slack_door *door, struct bh_request *request,
    const struct bh_http_in *in)
{
	struct slack *s = door->slack;
	struct bh_host *host = s->host;
	const char *why = NULL, *type, *challenge;
	struct bh_value *v;

	s->parsed++;
	v = bh_json(host, in->body, in->body_len, &why);
	type = bh_get_text(v, "type");
	challenge = bh_get_text(v, "challenge");
	if (type == NULL)
		garbage(door, request, v == NULL ? why : "it has no type");
	else if (strcmp(type, "url_verification") != 0 && s->team == NULL)
		hold_early(door, request, in, read_json);
	else if (strcmp(type, "url_verification") != 0)
		receive(door, SLACK_EVENTS, v, request);
	else if (challenge == NULL || strlen(challenge) > 1000)
		garbage(door, request, "the challenge of an "
		    "url_verification is missing or too long");
	else
		answer_as(request, "Content-Type: text/plain; "
		    "charset=utf-8", challenge);
	bh_json_free(host, v);
}

static void
read_form(struct slack_door *door, struct bh_request *request,
    const struct bh_http_in *in)
{
	struct bh_host *host = door->slack->host;
	const char *why = NULL, *payload;
	struct bh_value *form, *v;

	if (door->slack->team == NULL) {
		hold_early(door, request, in, read_form);
		return;
	}
	door->slack->parsed++;
	form = slack_decode(in->body, in->body_len, &why);
	payload = bh_get_text(form, "payload");
	if (form == NULL) {
		garbage(door, request, why);
	} else if (payload != NULL) {
		v = bh_json(host, payload, strlen(payload), &why);
		if (v == NULL)
			garbage(door, request, why);
		else
			receive(door, SLACK_INTERACTIVE, v, request);
		bh_json_free(host, v);
	} else if (bh_get(form, "ssl_check") != NULL) {
		answer(request, 200);
	} else {
		receive(door, SLACK_COMMANDS, form, request);
	}
	slack_decode_free(form);
}

/* "application/json; charset=utf-8" is application/json. */
static bool
is_type(const struct bh_http_in *in, const char *type)
{
	const char *value = slack_header(in, "content-type");
	size_t len = strlen(type);

	return value != NULL && strncmp(value, type, len) == 0 &&
	    strchr("; \t", value[len]) != NULL;
}

/* These two headers are not signed: a number and a word, or nothing. */
static void
note_retry(struct slack_door *door, const struct bh_http_in *in)
{
	const char *number = slack_header(in, "x-slack-retry-num");
	const char *reason = slack_header(in, "x-slack-retry-reason");

	if (number == NULL)
		return;
	if (strlen(number) > 3 || number[strspn(number, "0123456789")] != '\0')
		number = "?";
	if (reason == NULL || strlen(reason) > 40 || reason[strspn(reason,
	    "abcdefghijklmnopqrstuvwxyz_")] != '\0')
		reason = "?";
	bh_log(door->slack->host, BH_LOG_INFO, "Slack sends a delivery again "
	    "(retry %s, %s)", number, reason);
}

/* ------------------------------------------------------------------ */
/* The door                                                            */

static void
tick(void *arg)
{
	struct slack_door *door = arg;
	struct slack *s = door->slack;
	int64_t ago = bh_mono(s->host) - door->heard;
	struct bh_buf heard = BH_BUF(200);

	if (door->heard != 0)
		bh_duration_text(s->host, &heard, ago >= 1000 ?
		    ago - ago % 1000 : 1000);
	if (door->heard != 0)
		slack_health(s, SLACK_INBOUND, BH_UP, "last delivery at %s "
		    "%s ago; %llu read, %llu refused", s->path,
		    bh_buf_text(&heard), (unsigned long long)s->parsed,
		    (unsigned long long)s->refused);
	else
		slack_health(s, SLACK_INBOUND, BH_UP, "no delivery at %s yet; "
		    "%llu refused", s->path, (unsigned long long)s->refused);
	bh_buf_release(&heard);
	door->tick = bh_after(s->host, TICK, tick, door);
}

/* Who knocks without a signature must not be able to fill the log. */
static void
refuse(struct slack_door *door, struct bh_request *request,
    const struct bh_http_in *in, const char *why)
{
	struct bh_host *host = door->slack->host;
	int64_t now = bh_mono(host);

	door->slack->refused++;
	door->untold++;
	if (door->told == 0 || now - door->told >= TELL_EVERY) {
		bh_log(host, BH_LOG_WARN, "refused what %.60s delivered: %s "
		    "(%llu refused since the last such line)", in->peer, why,
		    (unsigned long long)door->untold);
		door->told = now;
		door->untold = 0;
	}
	answer(request, 401);
}

static bool
is_ssl_check(const struct bh_http_in *in)
{
	return in->body_len == 11 && memcmp(in->body, "ssl_check=1", 11) == 0;
}

static void
on_request(void *arg, struct bh_request *request, const struct bh_http_in *in)
{
	struct slack *s = slack_of(arg);
	struct slack_door *door = s->door;
	const char *why = NULL, *old;
	const char *secrets[3] = { bh_host_config(s->host, "signing-secret"),
	    NULL, NULL };

	if (door == NULL) {
		answer(request, 503);
		return;
	}
	/* Somebody looks whether TLS works; it means nothing else. */
	if (is_ssl_check(in)) {
		answer(request, 200);
		return;
	}
	old = bh_host_config(s->host, "signing-secret-old");
	secrets[secrets[0] != NULL ? 1 : 0] = old;
	if (slack_verify(door->signer, secrets, in, bh_now(s->host), &why) != BH_OK) {
		refuse(door, request, in, why);
		return;
	}
	door->heard = bh_mono(s->host);
	note_retry(door, in);
	if (is_type(in, "application/json"))
		read_json(door, request, in);
	else if (is_type(in, "application/x-www-form-urlencoded"))
		read_form(door, request, in);
	else
		answer(request, 415);
}

int
slack_http_connect(struct slack *s)
{
	struct slack_door *door;
	int ret;

	if (s->door != NULL)
		return BH_OK;
	door = bh_zero(sizeof(*door));
	door->magic = SLACK_DOOR_MAGIC;
	door->slack = s;
	ret = bh_route(s->host, NULL, "POST", s->path, on_request, s);
	if (ret != BH_OK) {
		bh_log(s->host, BH_LOG_ERROR, "Slack cannot deliver to %s: "
		    "%s", s->path, ret == BH_ECONFLICT ? "another block has "
		    "that path; give one of them another" : "the host has no "
		    "listener; set `listen:` in bellhop.yaml");
		free(door);
		return ret;
	}
	door->signer = slack_signer_new();
	s->door = door;
	s->known = known;
	tick(door);
	return BH_OK;
}

void
slack_http_close(struct slack *s)
{
	struct slack_door *door = s->door;

	if (door == NULL)
		return;
	s->door = NULL;
	s->known = NULL;
	bh_cancel(s->host, door->tick);
	while (door->earlies != NULL)
		answer(early_take(door->earlies), 503);
	while (door->deliveries != NULL)
		acknowledge(door->deliveries, BH_ECANCELLED, NULL);
	slack_signer_free(door->signer);
	door->magic = 0;
	free(door);
}
