/* teams-keys.c - Microsoft's keys: fetched, renewed, kept for bad days.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   metadata-url -> jwks_uri -> keys -> memory and the store
 *
 * Fetched anew after a day, and when a token names a key that we do not know:
 * then at most once a minute, so that strangers cannot make us ask for more.
 * While the endpoint is down the last keys go on, also after a restart, for
 * KEPT at most: Microsoft takes keys away that leaked.  Without keys nothing
 * is accepted.
 *
 * https://openid.net/specs/openid-connect-discovery-1_0.html
 */

#include "plugins/teams/teams.h"

#define DAY		(INT64_C(24) * 60 * 60 * 1000)
#define KEPT		(7 * DAY)
#define FLOOR		(60 * 1000)	/* between two fetches for a kid */
#define RETRY_MAX	(10 * 60 * 1000)
#define ALARM		(60 * 60 * 1000)
#define PATIENCE	10000
#define METADATA_MAX	(64u * 1024u)
#define JWKS_MAX	(512u * 1024u)

struct waiter {
	teams_keys_cb *cb;
	void *arg;
	struct waiter *next;
};

/* One source of keys. */
struct source {
	struct teams *teams;
	int of;				/* enum teams_keys_of */
	const char *name;		/* in the store and in the log */
	char *metadata;			/* URL; NULL: not used */
	struct teams_key *keys;
	int64_t fetched;		/* ms UTC; 0: never */
	int64_t tried, failing;		/* monotonic ms; -1: never, not */
	int64_t retry;			/* ms */
	bool alarmed;
	struct bh_xfer *xfer;		/* single flight: one or the other */
	struct bh_timer *timer;
	struct waiter *waiters, **last;	/* in the order they came */
};

struct teams_keyring {
	struct source sources[TEAMS_KEYS_OF];
	void (*ready)(struct teams *, int);
};

static void fetch(struct source *s);
static void fetch_again(void *arg);

/* ------------------------------------------------------------------ */
/* How it is                                                           */

static bool
too_old(const struct source *s)
{
	return bh_now(s->teams->host) - s->fetched > KEPT;
}

static void
say_health(const struct source *s, const char *why)
{
	struct teams *t = s->teams;
	int64_t since = s->failing < 0 ? 0 :
	    bh_mono(t->host) - s->failing;

	if (s->of != TEAMS_CHANNEL)
		return;
	if (s->keys == NULL || too_old(s))
		teams_health(t, TEAMS_INBOUND, BH_DOWN, "nothing from Teams "
		    "can be verified: no keys from %s%s%s", s->metadata,
		    why != NULL ? ": " : " yet", why != NULL ? why : "");
	else if (since >= ALARM)
		teams_health(t, TEAMS_INBOUND, BH_DEGRADED, "%s has given no "
		    "keys for %lld min (%s); the last ones are %lld h old and "
		    "used until they are %lld h", s->metadata,
		    (long long)(since / 60000), why != NULL ? why : "",
		    (long long)((bh_now(t->host) - s->fetched) / 3600000),
		    (long long)(KEPT / 3600000));
	else
		teams_health(t, TEAMS_INBOUND, BH_UP, "Teams is heard at %s",
		    t->path);
}

static bool
knows(const struct teams_key *keys, const struct teams_key *key)
{
	while (keys != NULL && (strcmp(keys->print, key->print) != 0 ||
	    strcmp(keys->kid, key->kid) != 0))
		keys = keys->next;
	return keys != NULL;
}

static void
log_change(const struct source *s, const struct teams_key *fresh)
{
	for (const struct teams_key *k = fresh; k != NULL; k = k->next)
		if (!knows(s->keys, k))
			bh_log(s->teams->host, BH_LOG_NOTE, "%s: a new signing "
			    "key was published: %.64s", s->name, k->kid);
	for (const struct teams_key *k = s->keys; k != NULL; k = k->next)
		if (!knows(fresh, k))
			bh_log(s->teams->host, BH_LOG_NOTE, "%s: a signing key "
			    "was taken away: %.64s", s->name, k->kid);
}

/* ------------------------------------------------------------------ */
/* The store                                                           */

static void
kept(void *arg, int result)
{
	struct source *s = arg;

	if (result != BH_OK)
		bh_log(s->teams->host, BH_LOG_WARN, "%s: the signing keys "
		    "could not be written down (%d): a restart while their "
		    "endpoint is down would find older ones", s->name, result);
}

static void
keep(struct source *s, const char *document)
{
	struct bh_host *host = s->teams->host;
	struct bh_tx *tx = bh_tx(host);

	bh_tx_sql(tx, BH_ANY, "INSERT INTO teams_keys (instance, source, "
	    "document, fetched) VALUES ($1, $2, $3, $4) "
	    "ON CONFLICT (instance, source) DO UPDATE SET "
	    "document = excluded.document, fetched = excluded.fetched",
	    bh_s(bh_instance(host)), bh_s(s->metadata), bh_s(document),
	    bh_i(s->fetched));
	if (bh_commit(tx, kept, s) != BH_OK)
		kept(s, BH_EIO);
}

static void
load(struct source *s, const char *document, int64_t fetched)
{
	const char *why;

	int64_t now = bh_now(s->teams->host);

	if (s->keys != NULL || fetched <= 0)
		return;
	/* A clock that was ahead then makes them no younger. */
	s->fetched = fetched < now ? fetched : now;
	s->keys = teams_keys_read(s->teams->host, document, strlen(document),
	    &why);
	if (s->keys == NULL)
		bh_log(s->teams->host, BH_LOG_WARN, "%s: the stored signing "
		    "keys cannot be used: %s", s->name, why);
}

static void
loaded(void *arg, int result, const struct bh_rows *rows)
{
	struct teams *t = arg;
	struct teams_keyring *ring = t->keyring;

	for (size_t n = 0; result == BH_OK && n < rows->count; n++)
		for (size_t i = 0; i < TEAMS_KEYS_OF; i++) {
			struct source *s = &ring->sources[i];

			if (s->metadata != NULL && strcmp(s->metadata,
			    bh_cell(rows, n, 0)) == 0)
				load(s, bh_cell(rows, n, 1),
				    bh_cell_int(rows, n, 2));
		}
	if (result != BH_OK)
		bh_log(t->host, BH_LOG_WARN, "the stored signing keys cannot "
		    "be read (%d)", result);
	ring->ready(t, BH_OK);
}

/* ------------------------------------------------------------------ */
/* Fetching                                                            */

static void
tell_waiters(struct source *s)
{
	struct waiter *w = s->waiters;

	s->waiters = NULL;
	s->last = &s->waiters;
	while (w != NULL) {
		struct waiter *next = w->next;

		w->cb(w->arg);
		free(w);
		w = next;
	}
}

static void
plan(struct source *s, int64_t ms)
{
	bh_cancel(s->teams->host, s->timer);
	s->timer = bh_after(s->teams->host, ms, fetch_again, s);
}

static void
failed(struct source *s, const char *why)
{
	struct teams *t = s->teams;

	s->xfer = NULL;
	if (s->failing < 0) {
		s->failing = bh_mono(t->host);
		s->retry = FLOOR;
		bh_log(t->host, BH_LOG_WARN, "%s: no signing keys from %s: %s; "
		    "%s", s->name, s->metadata, why, s->keys != NULL ?
		    "the last ones go on" : "nothing is accepted meanwhile");
	} else if (!s->alarmed && bh_mono(t->host) - s->failing >= ALARM) {
		s->alarmed = true;
		bh_log(t->host, BH_LOG_ERROR, "%s: %s has given no signing "
		    "keys for an hour: %s; check that this host may reach it",
		    s->name, s->metadata, why);
	}
	plan(s, s->retry);
	s->retry = s->retry * 2 < RETRY_MAX ? s->retry * 2 : RETRY_MAX;
	say_health(s, why);
	tell_waiters(s);
}

static void
http_failed(struct source *s, const char *what, const struct bh_answer *a)
{
	struct bh_buf why = BH_BUF(500);

	if (a->result != BH_OK)
		bh_buf_add(&why, "%s: %.300s", what, a->error);
	else
		bh_buf_add(&why, "%s: HTTP status %d", what, a->status);
	failed(s, bh_buf_text(&why));
	bh_buf_release(&why);
}

static void
keys_came(void *arg, const struct bh_answer *a)
{
	struct source *s = arg;
	struct teams_key *fresh;
	const char *why;

	if (a->result != BH_OK || a->status != 200) {
		http_failed(s, "its key set", a);
		return;
	}
	fresh = teams_keys_read(s->teams->host, a->body, a->body_len, &why);
	if (fresh == NULL) {
		failed(s, why);
		return;
	}
	s->xfer = NULL;
	log_change(s, fresh);
	teams_keys_free(s->keys);
	s->keys = fresh;
	s->fetched = bh_now(s->teams->host);
	if (s->failing >= 0)
		bh_log(s->teams->host, BH_LOG_NOTE, "%s: signing keys come "
		    "again", s->name);
	s->failing = -1;
	s->alarmed = false;
	keep(s, a->body);
	plan(s, DAY);
	say_health(s, NULL);
	tell_waiters(s);
}

/* "https://host:port" of a URL. */
static size_t
origin_len(const char *url)
{
	const char *host = strstr(url, "://");

	return host == NULL ? 0 : (size_t)(host - url) + 3 +
	    strcspn(host + 3, "/?#");
}

static bool
same_origin(const char *a, const char *b)
{
	size_t len = origin_len(a);

	return len > 0 && origin_len(b) == len && memcmp(a, b, len) == 0;
}

const char *
teams_keys_uri(const struct teams *t, const char *metadata_url,
    const struct bh_value *metadata, const char **why)
{
	const char *uri = bh_get_text(metadata, "jwks_uri");

	if (uri == NULL)
		*why = "its metadata names no jwks_uri";
	else if (strpbrk(uri, "@\\ ") != NULL || (strncmp(uri, "https://",
	    8) != 0 && !teams_url_local(metadata_url)))
		*why = "its metadata names a jwks_uri that is not https";
	else if (!same_origin(uri, metadata_url) &&
	    !same_origin(uri, t->login))
		*why = "its metadata names a jwks_uri on another host";
	else
		return uri;
	return NULL;
}

static void
get(struct source *s, const char *url, size_t max, bh_http_cb *cb)
{
	static const char *const headers[] =
	    { "Accept: application/json", NULL };
	const struct bh_http http = {
		.method = "GET", .url = url, .headers = headers,
		.timeout = PATIENCE, .max_answer = max,
	};

	s->xfer = bh_http(s->teams->host, &http, cb, s);
	if (s->xfer == NULL)
		failed(s, "its URL cannot be asked");
}

static void
metadata_came(void *arg, const struct bh_answer *a)
{
	struct source *s = arg;
	struct teams *t = s->teams;
	struct bh_value *metadata;
	const char *why = "its metadata is not strict JSON", *uri = NULL;
	const char *issuer;

	if (a->result != BH_OK || a->status != 200) {
		http_failed(s, "its metadata", a);
		return;
	}
	s->xfer = NULL;
	metadata = bh_json(t->host, a->body, a->body_len, NULL);
	if (metadata != NULL)
		uri = teams_keys_uri(t, s->metadata, metadata, &why);
	if (uri == NULL) {
		failed(s, why);
		bh_json_free(t->host, metadata);
		return;
	}
	issuer = bh_get_text(metadata, "issuer");
	if (s->of == TEAMS_CHANNEL && issuer != NULL &&
	    strcmp(issuer, t->issuer) != 0)
		bh_log(t->host, BH_LOG_WARN, "%s is of issuer %.100s, but "
		    "`issuer` is %s: take both of one cloud, or every message "
		    "is refused", s->metadata, issuer, t->issuer);
	get(s, uri, JWKS_MAX, keys_came);
	bh_json_free(t->host, metadata);
}

static void
fetch(struct source *s)
{
	if (s->xfer != NULL || s->metadata == NULL)
		return;
	s->tried = bh_mono(s->teams->host);
	get(s, s->metadata, METADATA_MAX, metadata_came);
}

static void
fetch_again(void *arg)
{
	struct source *s = arg;

	s->timer = NULL;
	fetch(s);
}

/* ------------------------------------------------------------------ */

const struct teams_key *
teams_keys(struct teams *t, int of)
{
	struct source *s = &t->keyring->sources[of];

	if (s->keys != NULL && too_old(s)) {
		say_health(s, "they are too old");
		return NULL;
	}
	return s->keys;
}

void
teams_keys_missed(struct teams *t, int of, teams_keys_cb *cb, void *arg)
{
	struct source *s = &t->keyring->sources[of];
	struct waiter *w;

	if (s->xfer == NULL && (s->metadata == NULL || (s->tried >= 0 &&
	    bh_mono(t->host) - s->tried < FLOOR))) {
		cb(arg);
		return;
	}
	w = bh_zero(sizeof(*w));
	*w = (struct waiter){ cb, arg, NULL };
	*s->last = w;
	s->last = &w->next;
	fetch(s);
}

void
teams_keys_open(struct teams *t, void (*ready)(struct teams *, int))
{
	struct teams_keyring *ring = bh_zero(sizeof(*ring));
	struct bh_buf url = BH_BUF(2000);

	t->keyring = ring;
	ring->ready = ready;
	for (size_t i = 0; i < TEAMS_KEYS_OF; i++) {
		struct source *s = &ring->sources[i];

		*s = (struct source){ .teams = t, .of = (int)i, .tried = -1,
		    .failing = -1, .retry = FLOOR, .last = &s->waiters };
	}
	ring->sources[TEAMS_CHANNEL].name = "Bot Framework";
	ring->sources[TEAMS_CHANNEL].metadata = bh_copy(t->metadata);
	ring->sources[TEAMS_EMULATOR].name = "emulator";
	if (t->emulator) {
		bh_buf_add(&url, "%s/botframework.com/v2.0/.well-known/"
		    "openid-configuration", t->login);
		ring->sources[TEAMS_EMULATOR].metadata =
		    bh_copy(bh_buf_text(&url));
		bh_buf_release(&url);
	}
	if (bh_query(t->host, loaded, t, "SELECT source, document, fetched "
	    "FROM teams_keys WHERE instance = $1",
	    bh_s(bh_instance(t->host))) != BH_OK)
		ready(t, BH_OK);
}

void
teams_keys_connect(struct teams *t)
{
	for (size_t i = 0; i < TEAMS_KEYS_OF; i++) {
		struct source *s = &t->keyring->sources[i];

		say_health(s, NULL);
		fetch(s);
	}
}

void
teams_keys_close(struct teams *t)
{
	struct teams_keyring *ring = t->keyring;

	if (ring == NULL)
		return;
	for (size_t i = 0; i < TEAMS_KEYS_OF; i++) {
		struct source *s = &ring->sources[i];

		bh_http_cancel(t->host, s->xfer);
		bh_cancel(t->host, s->timer);
		for (struct waiter *w = s->waiters, *next; w != NULL;
		    w = next) {
			next = w->next;
			free(w);
		}
		teams_keys_free(s->keys);
		free(s->metadata);
	}
	free(ring);
	t->keyring = NULL;
}
