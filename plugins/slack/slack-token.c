/* slack-token.c - the bot token of now, renewed if it can be.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/authentication/using-token-rotation.  A rotating token lives
 * twelve hours.  Its refresh token can be used once and gives both anew.  So
 * three steps: that we are about to spend it is written down; it is spent;
 * the new pair is written down, and only then used.  What the store holds
 * counts as long as the configuration names the refresh token that it grew
 * from; a new one there begins anew.
 */

#include "plugins/slack/slack.h"

#include <openssl/evp.h>

#define EARLY		(2 * 3600 * 1000)	/* renewed so long before */
#define AGAIN_FIRST	15000
#define AGAIN_MOST	(10 * 60 * 1000)
#define KEEP_AGAIN	1000
#define REFUSED_REST	60000		/* a refused token is left alone */
#define TIMEOUT		20000

const char *const slack_migrations[] = {
	/* origin: digest of the configured refresh token; access, refresh:
	 * sealed; times in ms UTC; spending: a renewal was begun then, or 0 */
	"CREATE TABLE slack_token ("
	" instance TEXT PRIMARY KEY, origin TEXT NOT NULL,"
	" access TEXT NOT NULL, refresh TEXT NOT NULL,"
	" expires BIGINT NOT NULL, spending BIGINT NOT NULL);",
	NULL
};

struct waiter {
	slack_token_cb *cb;
	void *arg;
	struct waiter *next;
};

struct pair {
	char *access, *refresh;		/* NULL: none */
	int64_t expires;		/* ms UTC; 0: not known */
};

struct slack_tokens {
	unsigned magic;
#define TOKENS_MAGIC	0x536c546bu
	struct slack *slack;
	bool rotates, loading, loaded, renewing;
	bool reread;			/* there are new settings */
	bool final;			/* renewing will not help */
	bool lost;			/* one was begun and never ended */
	char *origin;
	struct pair now, next;		/* next: not written down yet */
	char *refused;			/* Slack does not take this one */
	int64_t refused_until;		/* monotonic ms */
	int64_t wait;			/* before the next try */
	struct bh_timer *timer;
	struct bh_xfer *xfer;
	struct waiter *waiters;
};

static void renew(struct slack_tokens *t);
static bool begin_anew(struct slack_tokens *t);
static void keep(struct slack_tokens *t);
static void load(struct slack_tokens *t);

static void
wipe(char **text)
{
	bh_secret_free(*text);
	*text = NULL;
}

static void
wipe_pair(struct pair *p)
{
	wipe(&p->access);
	wipe(&p->refresh);
	p->expires = 0;
}

static struct slack_tokens *
tokens_of(void *arg)
{
	struct slack_tokens *t = arg;

	assert(t != NULL && t->magic == TOKENS_MAGIC);
	return t;
}

/* The token to be used now, or NULL. */
static const char *
usable(const struct slack_tokens *t)
{
	struct bh_host *host = t->slack->host;
	const char *token = t->rotates ? t->now.access :
	    bh_host_config(host, "bot-token");

	if (token == NULL || (t->rotates && t->now.expires > 0 &&
	    t->now.expires <= bh_now(host)))
		return NULL;
	if (t->refused != NULL && strcmp(t->refused, token) == 0 &&
	    bh_mono(host) < t->refused_until)
		return NULL;
	return token;
}

static void
tell_waiters(struct slack_tokens *t)
{
	struct waiter *list = t->waiters;

	t->waiters = NULL;
	while (list != NULL) {
		struct waiter *w = list;

		list = w->next;
		w->cb(w->arg, usable(t));
		free(w);
	}
}

static void
digest(struct bh_buf *out, const char *text)
{
	unsigned char d[EVP_MAX_MD_SIZE];

	if (EVP_Digest(text, strlen(text), d, NULL, EVP_sha256(), NULL) == 1)
		bh_buf_base64(out, d, 32, true);
}

/* ------------------------------------------------------------------ */
/* When to renew                                                       */

static void
due(void *arg)
{
	struct slack_tokens *t = tokens_of(arg);

	t->timer = NULL;
	if (!t->loaded)
		load(t);
	else if (t->next.access != NULL)
		keep(t);
	else
		renew(t);
}

static void
plan(struct slack_tokens *t, int64_t ms)
{
	bh_cancel(t->slack->host, t->timer);
	t->timer = bh_after(t->slack->host, ms > 0 ? ms : 0, due, t);
}

/* Two hours before its end; a short life is renewed in the middle. */
static void
plan_renewal(struct slack_tokens *t)
{
	int64_t left = t->now.expires - bh_now(t->slack->host);

	plan(t, left > 2 * EARLY ? left - EARLY : left / 2);
}

/* It did not work and may later. */
static void
renew_later(struct slack_tokens *t, const char *why)
{
	struct slack *s = t->slack;

	t->renewing = false;
	if (begin_anew(t))
		return;
	t->wait = t->wait == 0 ? AGAIN_FIRST : t->wait * 2 < AGAIN_MOST ?
	    t->wait * 2 : AGAIN_MOST;
	bh_log(s->host, BH_LOG_WARN, "the Slack token could not be renewed "
	    "(%.200s); trying again in %lld s", why,
	    (long long)(t->wait / 1000));
	slack_health(s, SLACK_OUTBOUND, usable(t) != NULL ? BH_DEGRADED :
	    BH_DOWN, "the token cannot be renewed just now: %.200s", why);
	plan(t, t->wait);
	tell_waiters(t);
}

/* Only an operator can help. */
static void
renew_never(struct slack_tokens *t, const char *error)
{
	struct slack *s = t->slack;
	int health = usable(t) != NULL ? BH_DEGRADED : BH_DOWN;

	t->renewing = false;
	if (begin_anew(t))
		return;
	t->final = true;
	if (t->lost)
		slack_health(s, SLACK_OUTBOUND, health, "a renewal of the token "
		    "was interrupted and Slack no longer takes its refresh "
		    "token (%.60s): install the app again and put the new "
		    "refresh token where `refresh-token` points", error);
	else
		slack_health(s, SLACK_OUTBOUND, health, "Slack does not renew "
		    "the token (%.60s): check client-id and client-secret, "
		    "or install the app again and put the new refresh token "
		    "where `refresh-token` points", error);
	bh_log(s->host, BH_LOG_ERROR, "the Slack token cannot be renewed: "
	    "%.60s", error);
	tell_waiters(t);
}

/* ------------------------------------------------------------------ */
/* Third step: the new pair is written down, and then used             */

static void
kept(void *arg, int result)
{
	struct slack_tokens *t = tokens_of(arg);
	struct slack *s = t->slack;

	if (result != BH_OK) {
		/* Nobody else has it: it must not be lost. */
		slack_health(s, SLACK_OUTBOUND, BH_DEGRADED, "the renewed token "
		    "cannot be written down, since the store fails; it is "
		    "tried again");
		plan(t, KEEP_AGAIN);
		return;
	}
	bh_failpoint(s->host, "slack-token-kept");
	wipe_pair(&t->now);
	t->now = t->next;
	t->next = (struct pair){ NULL, NULL, 0 };
	t->renewing = t->lost = false;
	t->wait = 0;
	if (begin_anew(t))
		return;
	bh_log(s->host, BH_LOG_NOTE, "the Slack token was renewed");
	slack_health(s, SLACK_OUTBOUND, BH_UP, "the token is good");
	plan_renewal(t);
	tell_waiters(t);
}

static void
keep(struct slack_tokens *t)
{
	struct slack *s = t->slack;
	struct bh_buf access = BH_BUF(16384), refresh = BH_BUF(16384);
	struct bh_tx *tx;
	int result = BH_EIO;

	if (slack_seal(s, &access, t->next.access) &&
	    slack_seal(s, &refresh, t->next.refresh)) {
		tx = bh_tx(s->host);
		bh_tx_sql(tx, BH_ANY, "INSERT INTO slack_token (instance, "
		    "origin, access, refresh, expires, spending) "
		    "VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (instance) "
		    "DO UPDATE SET origin = excluded.origin, "
		    "access = excluded.access, refresh = excluded.refresh, "
		    "expires = excluded.expires, spending = 0",
		    bh_s(bh_instance(s->host)), bh_s(t->origin),
		    bh_s(bh_buf_text(&access)), bh_s(bh_buf_text(&refresh)),
		    bh_i(t->next.expires));
		/* A full disk must not end our being able to revoke. */
		bh_tx_urgent(tx);
		result = bh_commit(tx, kept, t);
	}
	bh_buf_release(&access);
	bh_buf_release(&refresh);
	if (result < 0)
		kept(t, result);
}

/* ------------------------------------------------------------------ */
/* Second step: the refresh token is spent                             */

/* Errors that a later try does not mend. */
static bool
is_final(const char *error)
{
	static const char *const words[] = { "invalid_refresh_token",
		"bad_client_secret", "invalid_client_id", "token_revoked",
		"invalid_grant_type", "account_inactive", "token_expired",
		"bad_refresh_token", "invalid_auth", NULL };

	for (const char *const *w = words; *w != NULL; w++)
		if (strcmp(*w, error) == 0)
			return true;
	return false;
}

static void
take_pair(struct slack_tokens *t, const struct bh_value *body)
{
	const char *access = bh_get_text(body, "access_token");
	const char *refresh = bh_get_text(body, "refresh_token");
	double seconds = bh_get_number(body, "expires_in", 0);

	if (access == NULL || refresh == NULL || strlen(access) > 2000 ||
	    strlen(refresh) > 2000) {
		t->lost = true;
		renew_never(t, "its answer has no tokens");
		return;
	}
	wipe_pair(&t->next);
	t->next.access = bh_copy(access);
	t->next.refresh = bh_copy(refresh);
	t->next.expires = bh_now(t->slack->host) + (seconds >= 60 &&
	    seconds < 1e9 ? (int64_t)seconds : 43200) * 1000;
	bh_failpoint(t->slack->host, "slack-token-spent");
	keep(t);
}

static void
arrived(void *arg, const struct bh_answer *http)
{
	struct slack_tokens *t = tokens_of(arg);
	struct bh_host *host = t->slack->host;
	const char *error = NULL;
	struct bh_value *body;

	t->xfer = NULL;
	if (http->result != BH_OK || http->status >= 400) {
		t->lost = t->lost || http->sent;
		renew_later(t, http->result != BH_OK && http->error != NULL ?
		    http->error : "Slack did not answer well");
		return;
	}
	body = bh_json(host, http->body, http->body_len, &error);
	if (bh_get_bool(body, "ok", false)) {
		take_pair(t, body);
	} else {
		error = bh_get_text(body, "error");
		if (error != NULL && is_final(error))
			renew_never(t, error);
		else
			renew_later(t, error != NULL ? error :
			    "the answer is not Slack's");
	}
	bh_json_free(host, body);
}

static void
spend(void *arg, int result)
{
	struct slack_tokens *t = tokens_of(arg);
	struct slack *s = t->slack;
	const char *id = bh_host_config(s->host, "client-id");
	const char *secret = bh_host_config(s->host, "client-secret");
	const char *const headers[] = {
		"Content-Type: application/x-www-form-urlencoded", NULL };
	struct bh_buf url = BH_BUF(2048), form;

	if (result != BH_OK) {
		renew_later(t, "the store fails");
		return;
	}
	form = bh_secret_buf(16384);
	bh_buf_add(&url, "%soauth.v2.access", s->api);
	bh_buf_puts(&form, "grant_type=refresh_token&refresh_token=");
	bh_buf_percent(&form, t->now.refresh);
	bh_buf_puts(&form, "&client_id=");
	bh_buf_percent(&form, id != NULL ? id : "");
	bh_buf_puts(&form, "&client_secret=");
	bh_buf_percent(&form, secret != NULL ? secret : "");
	t->xfer = bh_http(s->host, &(struct bh_http){ .method = "POST",
	    .url = bh_buf_text(&url), .headers = headers, .body = form.data,
	    .body_len = form.len, .timeout = TIMEOUT }, arrived, t);
	bh_secret_free(form.data);
	bh_buf_release(&url);
	if (t->xfer == NULL)
		renew_later(t, "the api-url cannot be used");
}

/* ------------------------------------------------------------------ */
/* First step: that it is about to be spent is written down            */

static void
renew(struct slack_tokens *t)
{
	struct slack *s = t->slack;
	struct bh_tx *tx;
	int result;

	if (!t->rotates || !t->loaded || t->renewing || t->final ||
	    t->next.access != NULL)
		return;
	t->renewing = true;
	bh_cancel(s->host, t->timer);
	t->timer = NULL;
	tx = bh_tx(s->host);
	bh_tx_sql(tx, BH_ANY, "INSERT INTO slack_token (instance, origin, "
	    "access, refresh, expires, spending) "
	    "VALUES ($1, $2, '', '', 0, $3) ON CONFLICT (instance) "
	    "DO UPDATE SET spending = excluded.spending, "
	    "access = CASE WHEN slack_token.origin = excluded.origin "
	    "THEN slack_token.access ELSE '' END, "
	    "refresh = CASE WHEN slack_token.origin = excluded.origin "
	    "THEN slack_token.refresh ELSE '' END, "
	    "origin = excluded.origin", bh_s(bh_instance(s->host)),
	    bh_s(t->origin), bh_i(bh_now(s->host)));
	bh_tx_urgent(tx);
	result = bh_commit(tx, spend, t);
	if (result < 0)
		spend(t, result);
}

/* ------------------------------------------------------------------ */
/* At start                                                            */

static void
loaded(void *arg, int result, const struct bh_rows *rows)
{
	struct slack_tokens *t = tokens_of(arg);
	struct slack *s = t->slack;

	t->loading = false;
	t->loaded = result == BH_OK;
	if (result != BH_OK) {
		slack_health(s, SLACK_OUTBOUND, BH_DOWN, "the token cannot be "
		    "read from the store");
		plan(t, AGAIN_FIRST);
		tell_waiters(t);
		return;
	}
	if (rows->count == 1 && strcmp(bh_cell(rows, 0, 0), t->origin) == 0) {
		t->lost = bh_cell_int(rows, 0, 4) > 0;
		if (*bh_cell(rows, 0, 2) != '\0') {
			struct pair p = { slack_unseal(s,
			    bh_cell(rows, 0, 1)), slack_unseal(s,
			    bh_cell(rows, 0, 2)), bh_cell_int(rows, 0, 3) };

			if (p.refresh == NULL) {
				bh_log(s->host, BH_LOG_WARN, "the stored Slack "
				    "token cannot be unsealed: was "
				    "client-secret changed?  Beginning with "
				    "the configured refresh token");
				wipe_pair(&p);
			} else {
				wipe_pair(&t->now);
				t->now = p;
			}
		}
	}
	if (begin_anew(t))
		return;
	if (t->lost)
		bh_log(s->host, BH_LOG_WARN, "a renewal of the Slack token "
		    "was begun and its end is not known; trying the refresh "
		    "token that we have");
	if (t->lost || t->now.expires == 0 || usable(t) == NULL) {
		renew(t);
		if (usable(t) != NULL)
			tell_waiters(t);
	} else {
		slack_health(s, SLACK_OUTBOUND, BH_UP, "the token is good");
		plan_renewal(t);
		tell_waiters(t);
	}
}

static void
load(struct slack_tokens *t)
{
	int result;

	t->loading = true;
	result = bh_query(t->slack->host, loaded, t, "SELECT origin, "
	    "access, refresh, expires, spending FROM slack_token "
	    "WHERE instance = $1", bh_s(bh_instance(t->slack->host)));

	if (result < 0)
		loaded(t, result, NULL);
}

/* What the settings say now. */
static void
read_settings(struct slack_tokens *t)
{
	struct bh_host *host = t->slack->host;
	const char *refresh = bh_host_config(host, "refresh-token");
	struct bh_buf origin = BH_BUF(128);

	wipe_pair(&t->now);
	free(t->origin);
	t->origin = NULL;
	t->rotates = refresh != NULL;
	t->final = t->lost = t->reread = false;
	t->wait = 0;
	if (!t->rotates)
		return;
	t->now.refresh = bh_copy(refresh);
	t->now.access = bh_copy(bh_host_config(host, "bot-token"));
	digest(&origin, refresh);
	t->origin = bh_copy(bh_buf_text(&origin));
	bh_buf_release(&origin);
}

/* With new settings, if there are any: what the store has grew from others. */
static bool
begin_anew(struct slack_tokens *t)
{
	if (!t->reread)
		return false;
	bh_cancel(t->slack->host, t->timer);
	t->timer = NULL;
	read_settings(t);
	if (t->rotates && !t->loaded)
		load(t);
	else
		renew(t);
	if (usable(t) != NULL || !t->rotates)
		tell_waiters(t);
	return true;
}

void
slack_tokens_open(struct slack *s)
{
	struct slack_tokens *t = bh_zero(sizeof(*t));

	t->magic = TOKENS_MAGIC;
	t->slack = s;
	s->tokens = t;
	read_settings(t);
}

void
slack_tokens_connect(struct slack *s)
{
	struct slack_tokens *t = tokens_of(s->tokens);

	if (t->rotates && !t->loaded && !t->loading)
		load(t);
}

void
slack_tokens_changed(struct slack *s)
{
	struct slack_tokens *t = tokens_of(s->tokens);
	const char *refresh = bh_host_config(s->host, "refresh-token");
	struct bh_buf origin = BH_BUF(128);
	bool same;

	if (refresh != NULL)
		digest(&origin, refresh);
	same = t->rotates == (refresh != NULL) && (!t->rotates ||
	    strcmp(t->origin, bh_buf_text(&origin)) == 0);
	bh_buf_release(&origin);
	wipe(&t->refused);
	if (same && t->final) {
		t->final = false;		/* client-secret, maybe */
		renew(t);
	}
	if (same)
		return;
	t->reread = true;
	if (!t->renewing && !t->loading && t->next.access == NULL)
		(void)begin_anew(t);
}

void
slack_tokens_close(struct slack *s)
{
	struct slack_tokens *t = s->tokens;

	if (t == NULL)
		return;
	bh_cancel(s->host, t->timer);
	if (t->xfer != NULL)
		bh_http_cancel(s->host, t->xfer);
	while (t->waiters != NULL) {
		struct waiter *w = t->waiters;

		t->waiters = w->next;
		w->cb(w->arg, NULL);
		free(w);
	}
	wipe_pair(&t->now);
	wipe_pair(&t->next);
	wipe(&t->refused);
	free(t->origin);
	t->magic = 0;
	free(t);
	s->tokens = NULL;
}

/* ------------------------------------------------------------------ */

void
slack_token(struct slack *s, slack_token_cb *cb, void *arg)
{
	struct slack_tokens *t = tokens_of(s->tokens);
	const char *token = usable(t);
	struct waiter *w, **end = &t->waiters;

	/* A renewal that must rest first is not waited for. */
	if (token != NULL || !t->rotates || t->final ||
	    (!t->renewing && (t->wait > 0 || t->timer != NULL))) {
		cb(arg, token);
		return;
	}
	while (*end != NULL)
		end = &(*end)->next;
	w = bh_zero(sizeof(*w));
	w->cb = cb;
	w->arg = arg;
	*end = w;
	renew(t);
}

void
slack_token_bad(struct slack *s, const char *token, const char *error)
{
	struct slack_tokens *t = tokens_of(s->tokens);
	const char *current = usable(t);

	if (current == NULL || strcmp(current, token) != 0)
		return;			/* there is a newer one already */
	wipe(&t->refused);
	t->refused = bh_copy(token);
	t->refused_until = bh_mono(s->host) + REFUSED_REST;
	if (t->rotates) {
		bh_log(s->host, BH_LOG_NOTE, "Slack does not take the token "
		    "any more (%.60s); renewing it", error);
		renew(t);
		return;
	}
	slack_health(s, SLACK_OUTBOUND, BH_DOWN, "Slack does not take the bot "
	    "token (%.60s): install the app again and put its token where "
	    "`bot-token` points%s", error, strcmp(error, "token_expired") ==
	    0 ? "; rotating tokens also want refresh-token, client-id and "
	    "client-secret" : "");
	bh_log(s->host, BH_LOG_ERROR, "Slack does not take the bot token: "
	    "%.60s", error);
}

void
slack_token_good(struct slack *s, const char *token)
{
	struct slack_tokens *t = tokens_of(s->tokens);

	if (t->refused == NULL || t->rotates ||
	    strcmp(t->refused, token) != 0)
		return;
	wipe(&t->refused);
	slack_health(s, SLACK_OUTBOUND, BH_UP, "the token is good");
}
