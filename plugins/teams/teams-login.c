/* teams-login.c - gets one token of ours, in one of four ways.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   secret        --------------------------------+
 *   certificate   -> assertion signed by its key -+-> login service -> token
 *   federated     -> assertion from a file -------+
 *   managed       -> assertion of this machine ---+
 *   managed, the bot's own identity -> this machine's own login -> token
 *
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-
 * grant-flow, .../certificate-credentials, .../entra/workload-id/workload-
 * identity-federation, .../managed-identities-azure-resources/how-to-use-vm-
 * token.  The metadata address is link-local on purpose: it answers for the
 * machine that it runs on.
 */

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "plugins/teams/teams.h"

#define METADATA	"http://169.254.169.254"
#define EXCHANGE	"api://AzureADTokenExchange"
#define ASSERTION_LIFE	300		/* s */
#define LOGIN_MS	20000
#define METADATA_MS	5000
#define FILE_MOST	(16u * 1024u)
#define TOKEN_MOST	(16u * 1024u)

struct teams_login {
	struct teams *teams;
	char *scope;
	bool metadata;			/* it is this machine that is asked */
	bool exchange;			/* ... for an assertion */
	struct bh_xfer *xfer;
	struct bh_timer *timer;		/* the answer, not from within */
	char *trouble;
	teams_login_cb *cb;
	void *arg;
};

enum way { NONE, SECRET, CERTIFICATE, FEDERATED, MANAGED, MIXED };

static const struct { const char *key, *name; } ways[] = {
	[SECRET] = { "secret", "client secret" },
	[CERTIFICATE] = { "certificate", "certificate" },
	[FEDERATED] = { "federated-token-file", "federated token" },
	[MANAGED] = { "managed-identity", "managed identity" },
};

static const char *
setting(struct teams *t, const char *key)
{
	const char *text = bh_host_config(t->host, key);

	return text != NULL && *text != '\0' ? text : NULL;
}

static enum way
way_of(struct teams *t)
{
	enum way way = NONE;

	for (enum way w = SECRET; w <= MANAGED; w++)
		if (setting(t, ways[w].key) != NULL)
			way = way == NONE ? w : MIXED;
	return way;
}

const char *
teams_login_way(struct teams *t, const char **why)
{
	switch (way_of(t)) {
	case NONE:
		*why = "nothing says how the bot proves who it is: set one of "
		    "secret, certificate, federated-token-file, "
		    "managed-identity";
		return NULL;
	case MIXED:
		*why = "there are several ways to prove who the bot is: keep "
		    "one of secret, certificate, federated-token-file, "
		    "managed-identity";
		return NULL;
	default:
		return ways[way_of(t)].name;
	}
}

/* ------------------------------------------------------------------ */
/* Assertions                                                          */

/* Appends the base64url of the SHA-256 of the first certificate in `pem`. */
static bool
thumbprint(struct bh_buf *out, const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL, hash[SHA256_DIGEST_LENGTH];
	int len = x != NULL ? i2d_X509(x, &der) : -1;

	if (len > 0) {
		SHA256(der, (size_t)len, hash);
		bh_buf_base64(out, hash, sizeof(hash), true);
	}
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return len > 0;
}

static int
certificate_assertion(struct teams *t, struct bh_buf *out, const char *url,
    const char **why)
{
	const char *pem = setting(t, "certificate"), *key = setting(t, "key");
	long long now = (long long)(bh_now(t->host) / 1000);
	struct bh_buf print = BH_BUF(64), header = BH_BUF(256);
	struct bh_buf claims = BH_BUF(8192);
	unsigned char dice[16];
	int ret = BH_EINVAL;

	if (!thumbprint(&print, pem)) {
		*why = "the certificate cannot be read: it must be PEM, as in "
		    "\"-----BEGIN CERTIFICATE-----\"";
	} else {
		bh_random(t->host, dice, sizeof(dice));
		bh_buf_add(&header, "{\"alg\":\"PS256\",\"typ\":\"JWT\","
		    "\"x5t#S256\":\"%s\"}", bh_buf_text(&print));
		bh_buf_puts(&claims, "{\"aud\":");
		bh_buf_quote(&claims, url);
		bh_buf_puts(&claims, ",\"iss\":");
		bh_buf_quote(&claims, t->app_id);
		bh_buf_puts(&claims, ",\"sub\":");
		bh_buf_quote(&claims, t->app_id);
		bh_buf_puts(&claims, ",\"jti\":\"");
		bh_buf_base64(&claims, dice, sizeof(dice), true);
		bh_buf_add(&claims, "\",\"iat\":%lld,\"nbf\":%lld,"
		    "\"exp\":%lld}", now, now - 60, now + ASSERTION_LIFE);
		ret = teams_jwt_assert(out, bh_buf_text(&header),
		    bh_buf_text(&claims), key != NULL ? key : pem, true, why);
	}
	bh_buf_release(&print);
	bh_buf_release(&header);
	bh_buf_release(&claims);
	return ret;
}

/* Is it something that can stand in a header? */
static bool
token_ok(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return len > 0 && len <= TOKEN_MOST && strspn(text,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "-._~+/=") == len;
}

/* Read anew each time: whoever put it there replaces it before it expires. */
static int
file_assertion(struct teams *t, struct bh_buf *out, const char **why)
{
	char buf[FILE_MOST + 1];
	FILE *f = fopen(setting(t, "federated-token-file"), "re");
	size_t len = f != NULL ? fread(buf, 1, sizeof(buf) - 1, f) : 0;
	int ret = BH_EINVAL;

	if (f != NULL)
		fclose(f);
	while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == '\r' ||
	    buf[len - 1] == ' '))
		len--;
	buf[len] = '\0';
	if (f == NULL)
		*why = "federated-token-file cannot be read: is the path right "
		    "and may bellhop read it?";
	else if (!token_ok(buf))
		*why = "federated-token-file holds no token";
	else {
		bh_buf_puts(out, buf);
		ret = BH_OK;
	}
	OPENSSL_cleanse(buf, sizeof(buf));
	return ret;
}

/* ------------------------------------------------------------------ */
/* Answers                                                             */

static void
login_free(struct teams_login *l)
{
	bh_cancel(l->teams->host, l->timer);
	if (l->xfer != NULL)
		bh_http_cancel(l->teams->host, l->xfer);
	free(l->trouble);
	free(l->scope);
	free(l);
}

static void
finish(struct teams_login *l, const struct teams_login_answer *answer)
{
	teams_login_cb *cb = l->cb;
	void *arg = l->arg;

	cb(arg, answer);
	login_free(l);
}

static void
say_trouble(void *arg)
{
	struct teams_login *l = arg;
	struct teams_login_answer answer = { .trouble = l->trouble,
		.settings = true };

	l->timer = NULL;
	finish(l, &answer);
}

static void
refuse(struct teams_login *l, const char *why)
{
	l->trouble = bh_copy(why);
	l->timer = bh_after(l->teams->host, 0, say_trouble, l);
}

static int64_t
retry_after(const struct bh_answer *answer)
{
	const char *text = bh_answer_header(answer, "retry-after");
	char *end;
	long s = text != NULL ? strtol(text, &end, 10) : 0;

	return text != NULL && *end == '\0' && s > 0 && s <= 3600 ?
	    (int64_t)s * 1000 : 0;
}

/* A number, or a text that is one; 0 if neither. */
static int64_t
whole(const struct bh_value *v)
{
	double d = v != NULL && v->kind == BH_NUMBER ? v->number :
	    bh_text(v) != NULL ? (double)strtoll(bh_text(v), NULL, 10) : 0;

	return d > 0 && d < 1e10 ? (int64_t)d : 0;
}

static void ask(struct teams_login *l, const char *assertion);

static void
got_token(struct teams_login *l, const struct bh_value *body)
{
	const char *token = bh_get_text(body, "access_token");
	int64_t life = whole(bh_get(body, "expires_in"));
	struct teams_login_answer answer = { .token = token };

	if (!token_ok(token)) {
		answer = (struct teams_login_answer){ .trouble = "the login "
		    "service's answer holds no token" };
	} else if (l->exchange) {
		l->metadata = l->exchange = false;
		ask(l, token);
		return;
	}
	/* One that says nothing of its end is used for five minutes. */
	answer.life = life > 0 ? life * 1000 : 300000;
	finish(l, &answer);
}

static void
got_refusal(struct teams_login *l, const struct bh_answer *http,
    const struct bh_value *body)
{
	struct bh_buf trouble = BH_BUF(2000);
	struct teams_login_answer answer = { .wait = retry_after(http) };

	answer.settings = teams_login_trouble(l->teams, &trouble, http->status,
	    body, l->metadata);
	answer.trouble = bh_buf_text(&trouble);
	finish(l, &answer);
	bh_buf_release(&trouble);
}

static void
answered(void *arg, const struct bh_answer *http)
{
	struct teams_login *l = arg;
	struct bh_host *host = l->teams->host;
	struct bh_value *body = NULL;
	const char *error = NULL;

	l->xfer = NULL;
	if (http->result != BH_OK) {
		struct bh_buf text = BH_BUF(1000);
		struct teams_login_answer answer;

		bh_buf_add(&text, l->metadata ? "no managed identity answers "
		    "here (%s): is this a machine in Azure, with an identity "
		    "assigned?" : "the login service is not reached (%s): "
		    "compare login-url, and see that this machine may go "
		    "there",
		    http->error);
		answer = (struct teams_login_answer){ .trouble =
		    bh_buf_text(&text) };
		finish(l, &answer);
		bh_buf_release(&text);
		return;
	}
	body = bh_json(host, http->body, http->body_len, &error);
	if (http->status == 200 && body != NULL)
		got_token(l, body);
	else
		got_refusal(l, http, body);
	bh_json_free(host, body);	/* `l` is over */
}

/* ------------------------------------------------------------------ */
/* Questions                                                           */

static void
part(struct bh_buf *form, const char *name, const char *value)
{
	bh_buf_add(form, "%s%s=", form->len > 0 ? "&" : "", name);
	bh_buf_percent(form, value);
}

static void
post(struct teams_login *l, const char *url, const struct bh_buf *form)
{
	static const char *const headers[] = { "Content-Type: application/"
	    "x-www-form-urlencoded", "Accept: application/json", NULL };
	struct bh_http http = { .method = "POST", .url = url,
		.headers = headers, .body = bh_buf_text(form),
		.body_len = form->len, .timeout = LOGIN_MS,
		.max_answer = 128u * 1024u };

	l->xfer = form->overflow ? NULL :
	    bh_http(l->teams->host, &http, answered, l);
	if (l->xfer == NULL)
		refuse(l, "the login service cannot be asked: look at "
		    "login-url");
}

/* Asks the login service; `assertion` NULL: make one, or use the secret. */
static void
ask(struct teams_login *l, const char *assertion)
{
	struct teams *t = l->teams;
	struct bh_buf url = BH_BUF(2000), form = bh_secret_buf(64u * 1024u);
	struct bh_buf own = bh_secret_buf(TOKEN_MOST);
	const char *why = NULL;
	int ret = BH_OK;

	bh_buf_add(&url, "%s/", t->login);
	bh_buf_percent(&url, t->tenant);
	bh_buf_puts(&url, "/oauth2/v2.0/token");
	part(&form, "grant_type", "client_credentials");
	part(&form, "client_id", t->app_id);
	part(&form, "scope", l->scope);
	if (assertion == NULL && way_of(t) == CERTIFICATE)
		ret = certificate_assertion(t, &own, bh_buf_text(&url), &why);
	else if (assertion == NULL && way_of(t) == FEDERATED)
		ret = file_assertion(t, &own, &why);
	else if (assertion == NULL)
		part(&form, "client_secret", setting(t, "secret"));
	if (assertion != NULL || own.len > 0) {
		part(&form, "client_assertion_type", "urn:ietf:params:oauth:"
		    "client-assertion-type:jwt-bearer");
		part(&form, "client_assertion", assertion != NULL ?
		    assertion : bh_buf_text(&own));
	}
	if (ret == BH_OK)
		post(l, bh_buf_text(&url), &form);
	else
		refuse(l, why);
	bh_buf_wipe(&form);
	bh_buf_wipe(&own);
	bh_buf_release(&url);
}

/* App Service and its kin name an address of their own. */
static void
ask_machine(struct teams_login *l, const char *resource)
{
	struct teams *t = l->teams;
	const char *own = getenv("IDENTITY_ENDPOINT");
	const char *key = getenv("IDENTITY_HEADER");
	const char *at = getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	struct bh_buf url = BH_BUF(4000), header = BH_BUF(4000);
	const char *headers[] = { "Metadata: true", NULL, NULL };
	struct bh_http http = { .method = "GET", .headers = headers,
		.timeout = METADATA_MS, .max_answer = 128u * 1024u };

	if (own != NULL && key != NULL) {
		bh_buf_add(&url, "%s?api-version=2019-08-01", own);
		bh_buf_add(&header, "X-IDENTITY-HEADER: %s", key);
		headers[0] = bh_buf_text(&header);
	} else
		bh_buf_add(&url, "%s/metadata/identity/oauth2/token"
		    "?api-version=2018-02-01", at != NULL ? at : METADATA);
	bh_buf_puts(&url, "&resource=");
	bh_buf_percent(&url, resource);
	bh_buf_puts(&url, "&client_id=");
	bh_buf_percent(&url, setting(t, "managed-identity"));
	http.url = bh_buf_text(&url);
	l->metadata = true;
	l->xfer = bh_http(t->host, &http, answered, l);
	if (l->xfer == NULL)
		refuse(l, "this machine's identity cannot be asked for: look "
		    "at IDENTITY_ENDPOINT in the environment");
	bh_buf_release(&url);
	bh_buf_wipe(&header);
}

struct teams_login *
teams_login(struct teams *t, const char *scope, teams_login_cb *cb, void *arg)
{
	struct teams_login *l = bh_zero(sizeof(*l));
	const char *why = NULL, *suffix = "/.default";
	struct bh_buf resource = BH_BUF(2000);
	size_t len = strlen(scope);

	l->teams = t;
	l->scope = bh_copy(scope);
	l->cb = cb;
	l->arg = arg;
	if (len > strlen(suffix) &&
	    strcmp(scope + len - strlen(suffix), suffix) == 0)
		len -= strlen(suffix);
	bh_buf_put(&resource, scope, len);
	if (teams_login_way(t, &why) == NULL) {
		refuse(l, why);
	} else if (way_of(t) != MANAGED) {
		ask(l, NULL);
	} else {
		l->exchange = strcasecmp(setting(t, "managed-identity"),
		    t->app_id) != 0;
		ask_machine(l, l->exchange ? EXCHANGE : bh_buf_text(&resource));
	}
	bh_buf_release(&resource);
	return l;
}

void
teams_login_cancel(struct teams_login *l)
{
	if (l != NULL)
		login_free(l);
}
