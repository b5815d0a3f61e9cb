/* teams-http.c - the door: what Teams delivers, once its token was judged.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   POST -> one Bearer token -> judged by its own bytes (teams-jwt)
 *        -> body parsed, strictly -> the token covers this activity
 *        -> a channel, service URL and tenant of ours -> teams-receive
 *
 * Nothing of a body is read before the signature and every claim that needs no
 * body hold.  Refusals have an empty body: 401 for the token, 403 for what it
 * was used for, 503 for what may be good while there are no keys to tell.  Why
 * stands in the log, without any of the token.
 *
 * A token serves for about an hour; one that was found good is known again by
 * a keyed hash of its bytes until it expires or its key is taken away.
 *
 * https://learn.microsoft.com/azure/bot-service/rest-api/
 * bot-framework-rest-connector-authentication#connector-to-bot
 */

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "plugins/teams/teams.h"

#define BODY_MAX	(256u * 1024u)
#define KNOWN		256u		/* tokens */
#define SKEW		300000
#define WAITING_MAX	256u		/* requests whose key is being fetched */
#define WAITING_BYTES	(4u * 1024u * 1024u)
#define LOG_EVERY	10000		/* ms between lines about refusals */

/* A token that was found good. */
struct known {
	unsigned char hash[32];
	char *service_url;
	char print[65];			/* of its key */
	int of;
	int64_t expires;		/* 0: an empty place */
};

/* A request whose token names a key that may be new. */
struct waiting {
	struct teams *teams;
	struct bh_request *request;
	char *token, *body;
	size_t token_len, body_len;
	int of;
	struct waiting *next, **prev;
};

struct teams_door {
	unsigned char secret[32];	/* of the hashes */
	struct known known[KNOWN];
	struct waiting *waiting;
	size_t waiting_count, waiting_bytes;
	int64_t logged;			/* monotonic ms; -1: never */
	unsigned long unlogged;
	char **emulator_issuers;
};

/* Microsoft's own directories, whose apps the emulator's tokens come from; then
 * the tenant's. */
static const char *const emulator_tenants[] = {
	"d6d49420-f39b-4df7-a1dc-d59a935871db",
	"f8cdef31-a31e-4b4a-93e4-5f571e91255a",
	"cab8a31a-1906-4287-a0d8-4eef66b95f6e",	/* US government */
	NULL				/* `tenant` */
};
#define EMULATOR_ISSUERS	8

void
teams_http_status(struct bh_request *request, int status)
{
	bh_respond(request, &(struct bh_http_out){ .status = status });
}

/* Strangers must not fill the log. */
static void
refuse(struct teams *t, struct bh_request *request, int status,
    const char *why)
{
	struct teams_door *d = t->door;
	int64_t now = bh_mono(t->host);

	if (d->logged >= 0 && now - d->logged < LOG_EVERY)
		d->unlogged++;
	else {
		bh_log(t->host, BH_LOG_WARN, "refused with %d at %s: %s (%lu "
		    "more since the last such line)", status, t->path, why,
		    d->unlogged);
		d->logged = now;
		d->unlogged = 0;
	}
	teams_http_status(request, status);
}

bool
teams_tenant_ok(const struct teams *t, const char *tenant)
{
	for (char *const *ok = t->tenants; *ok != NULL; ok++)
		if (tenant != NULL && strcasecmp(*ok, tenant) == 0)
			return true;
	return false;
}

/* ------------------------------------------------------------------ */
/* Tokens                                                              */

static void
hash_token(const struct teams_door *d, const char *token, size_t len,
    unsigned char out[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(md, d->secret, sizeof(d->secret)) != 1 ||
	    EVP_DigestUpdate(md, token, len) != 1 ||
	    EVP_DigestFinal_ex(md, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free(md);
}

static void
forget(struct known *k)
{
	free(k->service_url);
	*k = (struct known){ 0 };
}

/* Fills *claims if these very bytes were found good, and still are. */
static bool
recall(struct teams *t, const unsigned char hash[32],
    struct teams_claims *claims)
{
	struct known *k = &t->door->known[hash[0] % KNOWN];
	const struct teams_key *key;

	if (k->expires == 0 || CRYPTO_memcmp(k->hash, hash, 32) != 0)
		return false;
	key = teams_keys(t, k->of);
	while (key != NULL && strcmp(key->print, k->print) != 0)
		key = key->next;
	if (key == NULL || bh_now(t->host) >= k->expires + SKEW) {
		forget(k);
		return false;
	}
	claims->service_url = bh_copy(k->service_url);
	claims->expires = k->expires;
	claims->key = key;
	return true;
}

static void
remember(struct teams *t, int of, const unsigned char hash[32],
    const struct teams_claims *claims)
{
	struct known *k = &t->door->known[hash[0] % KNOWN];

	forget(k);
	memcpy(k->hash, hash, sizeof(k->hash));
	k->service_url = bh_copy(claims->service_url);
	snprintf(k->print, sizeof(k->print), "%s", claims->key->print);
	k->of = of;
	k->expires = claims->expires;
}

/* Which keys and issuers a token is to be judged by: the Bot Framework's,
 * unless the emulator is let in and the token claims to be its. */
static int
kind_of(struct teams *t, const char *token, size_t len)
{
	struct bh_buf issuer = BH_BUF(1000);
	int of = TEAMS_CHANNEL;

	if (t->emulator && teams_jwt_issuer(t->host, token, len, &issuer) &&
	    strcmp(bh_buf_text(&issuer), t->issuer) != 0)
		of = TEAMS_EMULATOR;
	bh_buf_release(&issuer);
	return of;
}

static int
judge(struct teams *t, const char *token, size_t len, int of,
    struct teams_claims *claims, const char **why)
{
	const char *const channel[] = { t->issuer, NULL };
	const char *emulator[EMULATOR_ISSUERS + 1] = { NULL };
	const struct teams_expect expect = {
		.issuers = of == TEAMS_CHANNEL ? channel : emulator,
		.audience = t->app_id, .now = bh_now(t->host),
		.emulator = of == TEAMS_EMULATOR,
	};
	const struct teams_key *keys;
	unsigned char hash[32];
	int ret;

	for (size_t i = 0; i < EMULATOR_ISSUERS; i++)
		emulator[i] = t->door->emulator_issuers[i];
	hash_token(t->door, token, len, hash);
	if (recall(t, hash, claims))
		return TEAMS_GOOD;
	keys = teams_keys(t, of);
	ret = teams_jwt_judge(t->host, token, len, keys, &expect, claims, why);
	if (ret == TEAMS_GOOD)
		remember(t, of, hash, claims);
	return ret;
}

/* ------------------------------------------------------------------ */
/* Activities                                                          */

/* What a good token may be used for; 0, or the status of the refusal. */
static int
check(struct teams *t, const struct teams_claims *claims,
    const struct bh_value *activity, const char **why)
{
	const char *url = bh_get_text(activity, "serviceUrl");
	const char *channel = bh_get_text(activity, "channelId");

	if (activity == NULL || activity->kind != BH_MAP || url == NULL ||
	    channel == NULL || bh_get_text(activity, "type") == NULL) {
		*why = "the body is no activity with type, channelId and "
		    "serviceUrl";
		return 400;
	}
	if (!teams_jwt_covers(claims, url, channel, why))
		return 403;
	/* Other channels of the same bot let people say who they are. */
	if (strcmp(channel, "msteams") != 0) {
		*why = "the activity is not from Microsoft Teams";
		return 403;
	}
	if (!teams_url_ok(t, url, why)) {
		bh_log(t->host, BH_LOG_NOTE, "an activity wants its answers "
		    "sent to %.200s", url);
		return 403;
	}
	if (!teams_tenant_ok(t, teams_tenant_of(activity))) {
		*why = "the activity is of a directory that is not among "
		    "`tenants`";
		return 403;
	}
	return 0;
}

static void
let_in(struct teams *t, struct bh_request *request,
    const struct teams_claims *claims, const char *body, size_t len)
{
	struct bh_value *activity = bh_json(t->host, body, len, NULL);
	const char *why = NULL;
	int status = check(t, claims, activity, &why);

	if (status != 0)
		refuse(t, request, status, why);
	else
		teams_receive(t, activity, request);
	bh_json_free(t->host, activity);
}

static void
waiting_free(struct waiting *w)
{
	struct teams_door *d = w->teams->door;

	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	d->waiting_count--;
	d->waiting_bytes -= w->token_len + w->body_len;
	OPENSSL_cleanse(w->token, w->token_len);
	free(w->token);
	free(w->body);
	free(w);
}

/* The keys were fetched anew, or are not to be fetched again so soon.  While
 * there are none, or only old ones, a token may be Microsoft's: 401 would lose
 * what it came with, but what is refused with 503 is sent again. */
static void
keys_looked_at(void *arg)
{
	struct waiting *w = arg;
	struct teams *t = w->teams;
	struct teams_claims claims = { 0 };
	const char *why;
	int verdict = judge(t, w->token, w->token_len, w->of, &claims, &why);

	if (verdict == TEAMS_GOOD)
		let_in(t, w->request, &claims, w->body, w->body_len);
	else if (verdict == TEAMS_NO_KEY && teams_keys(t, w->of) == NULL)
		refuse(t, w->request, 503, "there are no signing keys to check it with");
	else
		refuse(t, w->request, 401, why);
	teams_claims_release(&claims);
	waiting_free(w);
}

static void *
keep(const char *data, size_t len)
{
	char *copy = bh_zero(len + 1);

	memcpy(copy, data, len);
	return copy;
}

static void
wait_for_key(struct teams *t, struct bh_request *request, const char *token,
    int of, const struct bh_http_in *in)
{
	struct teams_door *d = t->door;
	struct waiting *w;

	if (d->waiting_count >= WAITING_MAX ||
	    d->waiting_bytes >= WAITING_BYTES) {
		refuse(t, request, 503, "too many requests wait for a new "
		    "signing key");
		return;
	}
	w = bh_zero(sizeof(*w));
	w->teams = t;
	w->request = request;
	w->of = of;
	w->token_len = strlen(token);
	w->token = keep(token, w->token_len);
	w->body_len = in->body_len;
	w->body = keep(in->body, in->body_len);
	w->next = d->waiting;
	if (w->next != NULL)
		w->next->prev = &w->next;
	w->prev = &d->waiting;
	d->waiting = w;
	d->waiting_count++;
	d->waiting_bytes += w->token_len + w->body_len;
	teams_keys_missed(t, of, keys_looked_at, w);
}

/* ------------------------------------------------------------------ */
/* Requests                                                            */

/* The one header of this name; NULL if there is none, or several. */
static const char *
header(const struct bh_http_in *in, const char *name)
{
	const char *value = NULL;
	size_t count = 0;

	for (size_t i = 0; i < in->headers_count; i++)
		if (strcmp(in->headers[i].name, name) == 0) {
			value = in->headers[i].value;
			count++;
		}
	return count == 1 ? value : NULL;
}

static bool
is_json(const struct bh_http_in *in)
{
	const char *type = header(in, "content-type");
	const char *coding = header(in, "content-encoding");

	return type != NULL && strncasecmp(type, "application/json", 16) == 0 &&
	    strchr("; \t", type[16]) != NULL &&
	    (coding == NULL || strcasecmp(coding, "identity") == 0);
}

static void
knocked(void *arg, struct bh_request *request, const struct bh_http_in *in)
{
	struct teams *t = teams_of(arg);
	const char *auth = header(in, "authorization");
	struct teams_claims claims = { 0 };
	const char *token, *why = NULL;
	int of, verdict;

	if (auth == NULL || strncmp(auth, "Bearer ", 7) != 0) {
		refuse(t, request, 401, "no Authorization: Bearer");
		return;
	}
	if (in->body_len > BODY_MAX) {
		refuse(t, request, 413, "the body is too large");
		return;
	}
	if (!is_json(in)) {
		refuse(t, request, 415, "the body is not called JSON");
		return;
	}
	token = auth + 7;
	of = kind_of(t, token, strlen(token));
	verdict = judge(t, token, strlen(token), of, &claims, &why);
	if (verdict == TEAMS_GOOD)
		let_in(t, request, &claims, in->body, in->body_len);
	else if (verdict == TEAMS_NO_KEY)
		wait_for_key(t, request, token, of, in);
	else
		refuse(t, request, 401, why);
	teams_claims_release(&claims);
}

static char **
make_issuers(const struct teams *t)
{
	char **list = bh_zero((EMULATOR_ISSUERS + 1) * sizeof(*list));
	struct bh_buf text = BH_BUF(2000);

	for (size_t i = 0; i < EMULATOR_ISSUERS / 2; i++) {
		const char *tenant = emulator_tenants[i] != NULL ?
		    emulator_tenants[i] : t->tenant;

		bh_buf_clear(&text);
		bh_buf_add(&text, "https://sts.windows.net/%s/", tenant);
		list[2 * i] = bh_copy(bh_buf_text(&text));
		bh_buf_clear(&text);
		bh_buf_add(&text, "https://login.microsoftonline.com/%s/v2.0",
		    tenant);
		list[2 * i + 1] = bh_copy(bh_buf_text(&text));
	}
	bh_buf_release(&text);
	return list;
}

int
teams_http_connect(struct teams *t)
{
	struct teams_door *d = bh_zero(sizeof(*d));
	int ret;

	t->door = d;
	d->logged = -1;
	bh_random(t->host, d->secret, sizeof(d->secret));
	d->emulator_issuers = make_issuers(t);
	if (t->emulator)
		bh_log(t->host, BH_LOG_WARN, "EMULATOR TOKENS ARE ACCEPTED at "
		    "%s: whoever holds a token of the login service for this "
		    "app may say who he is. Never in production: remove "
		    "`emulator`", t->path);
	ret = bh_route(t->host, NULL, "POST", t->path, knocked, t);
	if (ret != BH_OK)
		bh_log(t->host, BH_LOG_ERROR, "Teams cannot be heard at %s "
		    "(%d): set `listen`, and give each bot a `path` of its "
		    "own", t->path, ret);
	return ret;
}

void
teams_http_close(struct teams *t)
{
	struct teams_door *d = t->door;

	if (d == NULL)
		return;
	while (d->waiting != NULL) {
		teams_http_status(d->waiting->request, 503);
		waiting_free(d->waiting);
	}
	for (size_t i = 0; i < KNOWN; i++)
		forget(&d->known[i]);
	for (size_t i = 0; i < EMULATOR_ISSUERS; i++)
		free(d->emulator_issuers[i]);
	free(d->emulator_issuers);
	OPENSSL_cleanse(d->secret, sizeof(d->secret));
	free(d);
	t->door = NULL;
}
