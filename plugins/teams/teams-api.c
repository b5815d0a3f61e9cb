/* teams-api.c - the connector: one writer per conversation, and patience.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   ask -> lane of the conversation -> lane of the app -> token -> HTTP
 *              ^                                                    |
 *              +-- held while it is tried again <-- 412 429 502 503 504
 *
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
 * and .../bots/how-to/conversations/send-proactive-messages#status-code-
 * retry-guidance: what is not in that table is final.
 *
 * A message that may have been taken is not posted a second time: the protocol
 * knows no key by which the connector could tell the two apart, and gives bots
 * no way to look.  What refuses it outright (412, 429, 503) proves that it was
 * not taken.  Such an ask ends with BH_ENET or BH_ETIMEOUT and `sent`; whoever
 * decides to post again may show it twice, which does no harm: the buttons of
 * the first are void once the second is edited.
 */

#include "plugins/teams/teams.h"

#define WRITES	"1 at once, 7/2s, 60/30s, 1800/1h"	/* 7/1s and 8/2s */
#define READS	"14/1s, 16/2s, 120/30s, 3600/1h"
#define APP	"30/1s"
#define CROWDED	"too many requests wait already"
#define TRIES		5		/* after the first */
#define BACK_OFF	500		/* ms, doubled each time */
#define PATIENCE	(60 * 1000)	/* a longer Retry-After is for others */
#define PAUSE_MOST	(15 * 60 * 1000)
#define CALL_MS		20000
#define STRAINED	3		/* failures in a row before we say so */
#define CODE_MOST	100u		/* characters of a refusal's code */

#define WORLD_HOST	"https://smba.trafficmanager.net"
#define GCC_URL		"https://smba.infra.gcc.teams.microsoft.com/teams"

struct api_call {
	unsigned magic;
#define API_CALL_MAGIC	0x54417069u
	struct teams *teams;
	char *method, *service_url, *path, *lane, *json;
	int rank;
	bool graph, write, once, brief;
	teams_api_cb *cb;
	void *arg;
	struct bh_turn *conversation, *app;
	struct bh_timer *timer;
	struct bh_xfer *xfer;
	bool refreshed;			/* one new token was tried */
	int tries;
	char *token;
	struct api_call *next, **prev;
};

struct teams_lanes {
	struct api_call *calls;
	bool gcc;			/* this is a bot of the GCC cloud */
	int failures;			/* in a row */
};

static void take_turn(struct api_call *c);

static struct teams_lanes *
lanes(struct teams *t)
{
	if (t->lanes == NULL)
		t->lanes = bh_zero(sizeof(*t->lanes));
	return t->lanes;
}

/* ------------------------------------------------------------------ */
/* Ends                                                                */

static void
call_free(struct api_call *c)
{
	struct bh_host *host = c->teams->host;

	if (c->app != NULL)
		bh_turn_over(host, c->app, 0);
	if (c->conversation != NULL)
		bh_turn_over(host, c->conversation, 0);
	bh_cancel(host, c->timer);
	if (c->xfer != NULL)
		bh_http_cancel(host, c->xfer);
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	free(c->method);
	free(c->service_url);
	free(c->path);
	free(c->lane);
	free(c->json);
	bh_secret_free(c->token);
	c->magic = 0;
	free(c);
}

static void
note_health(struct teams *t, const struct teams_answer *answer)
{
	bool strained = answer->result == BH_ENET ||
	    answer->result == BH_ETIMEOUT || answer->status >= 500;
	int before = lanes(t)->failures;

	lanes(t)->failures = strained ? before + 1 : 0;
	if (strained && before + 1 == STRAINED)
		teams_health(t, TEAMS_OUTBOUND, BH_DEGRADED, "the connector "
		    "fails: %s", answer->code);
	else if (!strained && before >= STRAINED)
		teams_health(t, TEAMS_OUTBOUND, BH_UP, "the connector answers "
		    "again");
}

static void
finish(struct api_call *c, const struct teams_answer *answer)
{
	teams_api_cb *cb = c->cb;
	void *arg = c->arg;

	if (!c->graph && !c->teams->closing)
		note_health(c->teams, answer);
	/* Freed first: the callback may ask for the same lane. */
	call_free(c);
	cb(arg, answer);
}

static void
refuse(struct api_call *c, int result, const char *why)
{
	struct teams_answer answer = { .result = result, .code = why };

	finish(c, &answer);
}

/* ------------------------------------------------------------------ */
/* Answers                                                             */

static int
result_of(int status, const char *code)
{
	switch (status) {
	case 401:
		/* The token's fault, not the message's: that may still go. */
		return code != NULL && strcmp(code, "BotNotRegistered") == 0 ?
		    BH_EPERM : BH_EBUSY;
	case 412:
	case 503:	return BH_EBUSY;
	case 403:	return BH_EPERM;
	case 404:
	case 410:	return BH_ENOENT;
	case 429:	return BH_ELIMIT;
	default:
		return status >= 200 && status < 300 ? BH_OK :
		    status >= 400 && status < 500 && status != 408 ?
		    BH_EINVAL : BH_ENET;
	}
}

/* Is it worth another try, and may there be one? */
static bool
again(const struct api_call *c, int status)
{
	if (c->brief || c->tries >= TRIES)
		return false;
	switch (status) {
	case 412:
	case 429:
	case 503:
		return true;
	case 502:
	case 504:
		return !c->once;
	default:
		return false;
	}
}

static void
try_again(void *arg)
{
	struct api_call *c = arg;

	c->timer = NULL;
	take_turn(c);
}

/* The lane of the conversation stays ours, so that what came later does not
 * overtake. */
static void
wait(struct api_call *c, int64_t ms)
{
	struct bh_host *host = c->teams->host;
	unsigned char dice;

	if (ms <= 0) {
		bh_random(host, &dice, 1);
		ms = (int64_t)BACK_OFF << c->tries;
		ms = ms / 2 + ms * dice / 256;
	}
	c->tries++;
	bh_turn_over(host, c->app, 0);
	c->app = NULL;
	c->timer = bh_after(host, ms, try_again, c);
}

static int64_t
retry_after(const struct bh_answer *http)
{
	const char *text = bh_answer_header(http, "retry-after");
	char *end;
	long s = text != NULL ? strtol(text, &end, 10) : 0;

	return text != NULL && end != text && *end == '\0' && s > 0 ?
	    (s < 3600 ? s : 3600) * INT64_C(1000) : 0;
}

/* What Teams asks for when a bot of a government tenant speaks to the world's
 * connector. */
static bool
go_to_gcc(struct api_call *c, const char *code)
{
	const char *why;

	if (c->graph || lanes(c->teams)->gcc || code == NULL ||
	    strcmp(code, "InvalidBotApiHost") != 0 ||
	    !teams_url_ok(c->teams, GCC_URL, &why))
		return false;
	bh_log(c->teams->host, BH_LOG_NOTE, "this bot belongs to the GCC "
	    "cloud: its messages go to %s from now on", GCC_URL);
	lanes(c->teams)->gcc = true;
	return true;
}

/* The connector's word for what is wrong, fit to be shown; or its status. */
static void
word_of(struct bh_buf *out, int status, const struct bh_value *body)
{
	const char *code = bh_get_text(bh_get(body, "error"), "code");
	struct bh_buf clean = BH_BUF(4096);

	if (code == NULL)
		code = bh_get_text(body, "code");
	bh_buf_clean(&clean, code != NULL ? code : "", false);
	bh_buf_clip(out, bh_buf_text(&clean), CODE_MOST);
	if (out->len == 0)
		bh_buf_add(out, "HTTP status %d", status);
	bh_buf_release(&clean);
}

/* A refusal that another token or another host may cure; each once. */
static bool
cured(struct api_call *c, int status, const char *code)
{
	if (status == 401 && !c->refreshed) {
		c->refreshed = true;
		teams_token_bad(c->teams, c->token);
	} else if (status != 403 || !go_to_gcc(c, code))
		return false;
	bh_turn_over(c->teams->host, c->app, 0);
	c->app = NULL;
	take_turn(c);
	return true;
}

static void
answer_status(struct api_call *c, const struct bh_answer *http,
    const struct bh_value *body, const char *code)
{
	struct teams_answer answer = { .status = http->status, .sent = true,
		.result = result_of(http->status, code), .body = body,
		.code = code };
	int64_t pause = http->status == 429 ? retry_after(http) : 0;

	if (cured(c, http->status, code))
		return;
	if (again(c, http->status) && pause <= PATIENCE) {
		wait(c, pause);
		return;
	}
	if (pause > 0) {
		bh_turn_over(c->teams->host, c->conversation,
		    pause < PAUSE_MOST ? pause : PAUSE_MOST);
		c->conversation = NULL;
	}
	finish(c, &answer);
}

static void
answered(void *arg, const struct bh_answer *http)
{
	struct api_call *c = arg;
	struct bh_host *host = c->teams->host;
	struct bh_buf code = BH_BUF(4096);
	struct bh_value *body = NULL;
	const char *error = NULL;

	assert(c->magic == API_CALL_MAGIC);
	c->xfer = NULL;
	if (http->result == BH_OK) {
		if (http->body_len > 0)
			body = bh_json(host, http->body, http->body_len,
			    &error);
		word_of(&code, http->status, body);
		answer_status(c, http, body, bh_buf_text(&code));
		bh_buf_release(&code);
		bh_json_free(host, body);
	} else if (http->result != BH_EPERM && (!http->sent || !c->once) &&
	    !c->brief && c->tries < TRIES) {
		wait(c, 0);
	} else {
		struct teams_answer answer = { .result = http->result,
			.sent = http->sent, .code = http->error };

		finish(c, &answer);
	}
}

/* ------------------------------------------------------------------ */
/* Questions                                                           */

static const char *
service_url(const struct api_call *c)
{
	size_t len = strlen(WORLD_HOST);

	return !c->graph && lanes(c->teams)->gcc &&
	    strncmp(c->service_url, WORLD_HOST, len) == 0 &&
	    (c->service_url[len] == '/' || c->service_url[len] == '\0') ?
	    GCC_URL : c->service_url;
}

static struct bh_xfer *
to_graph(struct api_call *c, struct bh_http *http)
{
	struct bh_buf url = BH_BUF(8000);
	struct bh_xfer *xfer;

	bh_buf_add(&url, "%s/%s", c->teams->graph, c->path);
	http->url = bh_buf_text(&url);
	xfer = bh_http(c->teams->host, http, answered, c);
	bh_buf_release(&url);
	return xfer;
}

static void
send_it(struct api_call *c, const char *token)
{
	struct bh_buf bearer = bh_secret_buf(32u * 1024u);
	const char *headers[] = { "Accept: application/json", NULL, NULL,
		NULL };
	struct bh_http http = { .method = c->method, .headers = headers,
		.timeout = CALL_MS };
	size_t n = 1;

	if (*token != '\0') {
		bh_buf_add(&bearer, "Authorization: Bearer %s", token);
		headers[n++] = bh_buf_text(&bearer);
	}
	if (c->json != NULL) {
		headers[n] = "Content-Type: application/json; charset=utf-8";
		http.body = c->json;
		http.body_len = strlen(c->json);
	}
	bh_secret_free(c->token);
	c->token = bh_copy(token);
	c->xfer = c->graph ? to_graph(c, &http) : teams_url_http(c->teams,
	    service_url(c), c->path, &http, answered, c);
	bh_buf_wipe(&bearer);
	if (c->xfer == NULL)
		refuse(c, BH_EPERM, "the service URL is not one that our token "
		    "may be sent to");
}

static void
have_token(void *arg, const char *token)
{
	struct api_call *c = arg;

	assert(c->magic == API_CALL_MAGIC);
	if (token == NULL)
		refuse(c, BH_ENET, "there is no token");
	else
		send_it(c, token);
}

static void
have_app(void *arg)
{
	struct api_call *c = arg;
	struct bh_buf scope = BH_BUF(2000);

	assert(c->magic == API_CALL_MAGIC);
	bh_buf_add(&scope, "%s/.default", c->teams->graph);
	teams_token(c->teams, c->graph ? bh_buf_text(&scope) :
	    c->teams->scope, have_token, c);
	bh_buf_release(&scope);
}

static void
have_conversation(void *arg)
{
	struct api_call *c = arg;

	assert(c->magic == API_CALL_MAGIC);
	c->app = bh_turn(c->teams->host, c->graph ? "graph" : "app", APP,
	    c->rank, have_app, c);
	if (c->app == NULL)
		refuse(c, BH_EBUSY, CROWDED);
}

static void
take_turn(struct api_call *c)
{
	if (c->conversation != NULL) {
		have_conversation(c);
		return;
	}
	c->conversation = bh_turn(c->teams->host, c->lane,
	    c->write ? WRITES : READS, c->rank, have_conversation, c);
	if (c->conversation == NULL)
		refuse(c, BH_EBUSY, CROWDED);
}

static char *
lane_of(const struct teams_ask *ask, bool write)
{
	const char *id = ask->conversation != NULL ? ask->conversation : "";
	struct bh_buf name = BH_BUF(2000);

	/* A thread is a part of its channel, and counts with it. */
	bh_buf_add(&name, "%s %.*s", ask->graph ? "graph" : write ? "write" :
	    "read", (int)strcspn(id, ";"), id);
	return name.data;
}

void
teams_api(struct teams *t, const struct teams_ask *ask, teams_api_cb *cb,
    void *arg)
{
	bool write = strcmp(ask->method, "GET") != 0;
	const char *why = NULL;
	struct teams_answer answer = { .result = BH_OK };
	struct api_call *c;

	if (t->closing) {
		answer.result = BH_ECANCELLED;
		answer.code = "bellhop stops";
	} else if (ask->json != NULL &&
	    bh_utf16_len(ask->json) > TEAMS_WEIGHT) {
		answer.result = BH_EINVAL;
		answer.code = "the message is over 28 KB";
	} else if (!ask->graph && !teams_url_ok(t, ask->service_url, &why)) {
		answer.result = BH_EPERM;
		answer.code = why;
	}
	if (answer.result != BH_OK) {
		cb(arg, &answer);
		return;
	}
	c = bh_zero(sizeof(*c));
	c->magic = API_CALL_MAGIC;
	c->teams = t;
	c->method = bh_copy(ask->method);
	c->service_url = bh_copy(ask->service_url);
	c->path = bh_copy(ask->path);
	c->json = bh_copy(ask->json);
	c->lane = lane_of(ask, write);
	c->rank = ask->rank;
	c->graph = ask->graph;
	c->write = write;
	c->once = ask->once;
	c->brief = ask->brief;
	c->cb = cb;
	c->arg = arg;
	c->prev = &lanes(t)->calls;
	c->next = *c->prev;
	if (c->next != NULL)
		c->next->prev = &c->next;
	*c->prev = c;
	take_turn(c);
}

void
teams_api_path(struct bh_buf *out, const char *conversation,
    const char *rest, const char *id)
{
	bh_buf_puts(out, "v3/conversations/");
	bh_buf_percent(out, conversation);
	bh_buf_add(out, "/%s", rest);
	if (id != NULL) {
		bh_buf_puts(out, "/");
		bh_buf_percent(out, id);
	}
}

void
teams_api_close(struct teams *t)
{
	while (t->lanes != NULL && t->lanes->calls != NULL)
		refuse(t->lanes->calls, BH_ECANCELLED, "bellhop stops");
	free(t->lanes);
	t->lanes = NULL;
}
