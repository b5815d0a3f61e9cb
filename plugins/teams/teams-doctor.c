/* teams-doctor.c - "bellhop teams doctor": what is wrong, and what to click.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looks at each thing that can be wrong by itself and tells all of them; one
 * question after the other, with the credentials as they are configured.  It
 * changes nothing, and shows no secret.
 */

#include "plugins/teams/teams.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define SKEW_MOST	30		/* seconds; 300 are too many */
#define ROOMS_MOST	50u
#define SOON		30		/* days */
#define LINE_MOST	1000u		/* characters */

struct doctor {
	struct bh_call *call;
	struct bh_host *host;
	struct teams *teams;
	size_t problems, step;
	int64_t asked;			/* ms UTC */
	char *rooms[ROOMS_MOST];
	size_t count, next;
	char *keys_url;
};

/* One line for a terminal: much of it came over the network, and could turn
 * the screen's colours, its order, or the line itself. */
static void BH_PRINTF(3, 0)
say(struct doctor *d, const char *what, const char *fmt, va_list ap)
{
	struct bh_buf all = BH_BUF(64u * 1024u), clean = BH_BUF(64u * 1024u),
	    line = BH_BUF(8192);

	bh_buf_vadd(&all, fmt, ap);
	bh_buf_clean(&clean, bh_buf_text(&all), false);
	bh_buf_clip(&line, bh_buf_text(&clean), LINE_MOST);
	bh_reply(d->call, "%s%s", what, bh_buf_text(&line));
	bh_buf_release(&all);
	bh_buf_release(&clean);
	bh_buf_release(&line);
}

static void BH_PRINTF(2, 3)
good(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, "ok       ", fmt, ap);
	va_end(ap);
}

static void BH_PRINTF(2, 3)
bad(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, "problem  ", fmt, ap);
	va_end(ap);
	d->problems++;
}

static void next(struct doctor *d);

/* ------------------------------------------------------------------ */
/* What can be seen without asking                                     */

static void
look_at_tenant(struct doctor *d)
{
	if (strcmp(d->teams->tenant, "botframework.com") == 0)
		bad(d, "tenant is that of a multi-tenant bot: those cannot be "
		    "made any more; a single-tenant one has the directory "
		    "(tenant) id here");
	else
		good(d, "the app is %s, of the directory %s", d->teams->app_id,
		    d->teams->tenant);
}

static void
look_at_door(struct doctor *d)
{
	const char *url = bh_public_url(d->host);

	if (url == NULL)
		bad(d, "public-url is not set in the main file: the https "
		    "address that Teams reaches `listen` under");
	else if (strncmp(url, "https://", 8) != 0)
		bad(d, "public-url is not https: Teams delivers to nothing "
		    "else");
	else
		good(d, "the Azure Bot's messaging endpoint must be %s%s", url,
		    d->teams->path);
	if (d->teams->emulator)
		bad(d, "emulator is on: tokens that anybody's emulator makes "
		    "are taken; switch it off but for tests");
}

static void
look_at_hosts(struct doctor *d)
{
	char *const *hosts = d->teams->service_hosts;

	for (; *hosts != NULL; hosts++)
		if (strstr(*hosts, "://") != NULL)
			bad(d, "service-hosts has %.100s: the bot's token may "
			    "go to this machine; only for tests", *hosts);
		else
			good(d, "answers may go to %.200s", *hosts);
}

/* How many days the certificate has yet; false if it cannot be read. */
static bool
days_left(const char *pem, int *days)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int seconds;
	bool ok = x != NULL && ASN1_TIME_diff(days, &seconds, NULL,
	    X509_get0_notAfter(x)) == 1;

	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}

static void
look_at_certificate(struct doctor *d)
{
	const char *pem = bh_config(d->call, "certificate");
	int days = 0;

	if (pem == NULL)
		return;
	if (!days_left(pem, &days))
		bad(d, "the certificate cannot be read: it must be PEM");
	else if (days < 0)
		bad(d, "the certificate has ended: make a new one and upload "
		    "it to the app registration");
	else if (days < SOON)
		bad(d, "the certificate ends in %d days: make a new one and "
		    "upload it beside the old", days);
	else
		good(d, "the certificate is good for %d days", days);
}

static void
look_at_settings(struct doctor *d)
{
	look_at_tenant(d);
	look_at_door(d);
	look_at_hosts(d);
	look_at_certificate(d);
	next(d);
}

/* ------------------------------------------------------------------ */
/* Tokens                                                              */

static void
got_token(void *arg, const char *token)
{
	struct doctor *d = arg;
	const char *why = NULL;
	const char *way = teams_login_way(d->teams, &why);
	const char *trouble = teams_token_trouble(d->teams, d->teams->scope);

	if (token == NULL)
		bad(d, "no token can be had by %s: %s", way != NULL ? way :
		    "any way", trouble != NULL ? trouble : "it did not come");
	else if (*token == '\0')
		good(d, "the emulator's connector wants no token");
	else
		good(d, "a token can be had by %s", way);
	next(d);
}

static void
ask_token(struct doctor *d)
{
	teams_token(d->teams, d->teams->scope, got_token, d);
}

static void
got_graph(void *arg, const struct teams_answer *answer)
{
	struct doctor *d = arg;
	struct bh_buf scope = BH_BUF(2000);
	const char *trouble;

	bh_buf_add(&scope, "%s/.default", d->teams->graph);
	trouble = teams_token_trouble(d->teams, bh_buf_text(&scope));
	if (answer->result == BH_OK)
		good(d, "Graph says who people are");
	else if (answer->result == BH_EPERM)
		bad(d, "Graph says nothing (%s): grant the app the application "
		    "permission User.Read.All, with admin consent, or set "
		    "email: roster", answer->code);
	else
		bad(d, "Graph is not reached: %s", trouble != NULL ? trouble :
		    answer->code);
	bh_buf_release(&scope);
	next(d);
}

static void
ask_graph(struct doctor *d)
{
	const char *way = bh_config(d->call, "email");
	struct teams_ask ask = { .method = "GET", .graph = true,
		.path = "v1.0/users?$top=1&$select=id" };

	if (way != NULL && strcmp(way, "graph") == 0)
		teams_api(d->teams, &ask, got_graph, d);
	else
		next(d);
}

/* ------------------------------------------------------------------ */
/* Microsoft's keys, and its clock                                     */

static void
compare_clocks(struct doctor *d, const struct bh_answer *a)
{
	int64_t theirs = bh_http_date(bh_answer_header(a, "date"));
	int64_t off = (d->asked - theirs) / 1000;

	if (theirs < 0)
		return;
	if (off > SKEW_MOST || off < -SKEW_MOST)
		bad(d, "this machine's clock is %lld s %s: start a time "
		    "service; from 300 s on every delivery would be refused",
		    (long long)(off < 0 ? -off : off), off < 0 ? "behind" :
		    "ahead");
	else
		good(d, "the clock agrees with Microsoft's");
}

static void
got_keys(void *arg, const struct bh_answer *a)
{
	struct doctor *d = arg;
	const char *why = a->error;
	struct teams_key *keys = a->result == BH_OK && a->status == 200 ?
	    teams_keys_read(d->host, a->body, a->body_len, &why) : NULL;
	size_t count = 0, teams = 0;

	for (const struct teams_key *k = keys; k != NULL; k = k->next) {
		count++;
		for (size_t i = 0; i < k->endorsements_count; i++)
			teams += strcmp(k->endorsements[i], "msteams") == 0;
	}
	if (keys == NULL)
		bad(d, "Microsoft's keys cannot be had from %.200s (HTTP %d): "
		    "%s; may this machine go there?", d->keys_url, a->status,
		    why != NULL ? why : "no key set");
	else if (teams == 0)
		bad(d, "none of the %zu keys is for Teams: is metadata-url "
		    "that of your cloud?", count);
	else
		good(d, "Microsoft's keys are there: %zu, %zu of them for "
		    "Teams", count, teams);
	teams_keys_free(keys);
	next(d);
}

static void
got_metadata(void *arg, const struct bh_answer *a)
{
	struct doctor *d = arg;
	const char *why = NULL;
	struct bh_value *body = a->result == BH_OK && a->status == 200 ?
	    bh_json(d->host, a->body, a->body_len, &why) : NULL;
	const char *issuer = bh_get_text(body, "issuer");
	const char *url = bh_get_text(body, "jwks_uri");
	struct bh_http http = { .method = "GET", .timeout = 15000 };

	if (url != NULL && teams_keys_uri(d->teams, d->teams->metadata, body,
	    &why) == NULL) {
		bad(d, "the metadata of Microsoft's keys leads astray: %s; "
		    "compare metadata-url", why);
		bh_json_free(d->host, body);
		next(d);
		return;
	}
	if (url == NULL) {
		bad(d, "the metadata of Microsoft's keys is not at %.200s "
		    "(HTTP %d%s%s): compare metadata-url, and see that this "
		    "machine may go there", d->teams->metadata, a->status,
		    a->error != NULL ? ", " : "", a->error != NULL ?
		    a->error : "");
		bh_json_free(d->host, body);
		next(d);
		return;
	}
	if (issuer == NULL || strcmp(issuer, d->teams->issuer) != 0)
		bad(d, "the metadata is of the issuer %.100s, not of %.100s: "
		    "issuer and metadata-url belong together",
		    issuer != NULL ? issuer : "(none)", d->teams->issuer);
	else
		good(d, "the metadata of Microsoft's keys is there");
	compare_clocks(d, a);
	d->keys_url = bh_copy(url);
	bh_json_free(d->host, body);
	http.url = d->keys_url;
	if (bh_http(d->host, &http, got_keys, d) == NULL) {
		bad(d, "the metadata's jwks_uri is no URL");
		next(d);
	}
}

static void
ask_metadata(struct doctor *d)
{
	struct bh_http http = { .method = "GET", .url = d->teams->metadata,
		.timeout = 15000 };

	d->asked = bh_now(d->host);
	if (bh_http(d->host, &http, got_metadata, d) == NULL) {
		bad(d, "metadata-url is no URL");
		next(d);
	}
}

/* ------------------------------------------------------------------ */
/* The connector, and rooms                                            */

/* A conversation that there is not: what refuses it has taken the token. */
static void
got_connector(void *arg, const struct teams_answer *answer)
{
	struct doctor *d = arg;

	if (answer->status == 401)
		bad(d, "the connector does not take the bot's token (%s): is "
		    "there an Azure Bot with this app id, and its Microsoft "
		    "Teams channel switched on?", answer->code);
	else if (answer->status == 0 || answer->status >= 500)
		bad(d, "the connector is not reached: %s", answer->code);
	else if (bh_get_text(bh_get(answer->body, "error"), "code") == NULL)
		bad(d, "what answers for the connector is not it (%s): compare "
		    "the first of service-hosts", answer->code);
	else
		good(d, "the connector answers, and takes the bot's token");
	next(d);
}

static void
ask_connector(struct doctor *d)
{
	struct bh_buf url = BH_BUF(1024);
	struct teams_ask ask = { .method = "GET", .brief = true,
		.path = "v3/conversations/19%3Anobody%40thread.v2/members" };

	teams_any_service_url(d->teams, &url);
	ask.service_url = bh_buf_text(&url);
	if (teams_token_trouble(d->teams, d->teams->scope) != NULL ||
	    url.len == 0)
		next(d);
	else
		teams_api(d->teams, &ask, got_connector, d);
	bh_buf_release(&url);
}

static void ask_room(struct doctor *d);

static void
got_room(void *arg, const struct teams_answer *answer)
{
	struct doctor *d = arg;
	const char *room = d->rooms[d->next++];
	size_t people = 0;

	for (BH_EACH(m, bh_get(answer->body, "members"))) {
		(void)m;
		people++;
	}
	if (answer->result == BH_OK)
		good(d, "the bot is in %.200s, with %zu%s others", room, people,
		    people == 200 ? " or more" : "");
	else if (answer->result == BH_EPERM || answer->result == BH_ENOENT)
		bad(d, "the bot is not in %.200s (%s): add the app to that "
		    "team or chat", room, answer->code);
	else
		bad(d, "%.200s cannot be looked at: %s", room, answer->code);
	ask_room(d);
}

static void
ask_room(struct doctor *d)
{
	struct bh_buf url = BH_BUF(1024), path = BH_BUF(8192);
	struct teams_ask ask = { .method = "GET" };

	if (d->next == d->count) {
		next(d);
		return;
	}
	teams_any_service_url(d->teams, &url);
	teams_api_path(&path, d->rooms[d->next],
	    "pagedmembers?pageSize=200", NULL);
	ask.service_url = bh_buf_text(&url);
	ask.path = bh_buf_text(&path);
	ask.conversation = d->rooms[d->next];
	teams_api(d->teams, &ask, got_room, d);
	bh_buf_release(&url);
	bh_buf_release(&path);
}

/* ------------------------------------------------------------------ */

static void
finish(struct doctor *d)
{
	struct bh_call *call = d->call;
	size_t problems = d->problems;

	for (size_t i = 0; i < d->count; i++)
		free(d->rooms[i]);
	free(d->keys_url);
	free(d);
	if (problems == 0)
		bh_reply(call, "Nothing is wrong. Which conversations the "
		    "running bot knows, !status there says.");
	else
		bh_fail(call, "%zu problem%s", problems, problems == 1 ? "" :
		    "s");
	bh_end(call, problems == 0 ? BH_OK : BH_EINVAL);
}

static void
next(struct doctor *d)
{
	static void (*const steps[])(struct doctor *) = { look_at_settings,
	    ask_metadata, ask_token, ask_connector, ask_room, ask_graph,
	    finish };

	steps[d->step++](d);
}

int
teams_doctor(struct bh_call *call, void *state)
{
	struct doctor *d = bh_zero(sizeof(*d));
	const char *rooms = bh_arg(call, "rooms");

	d->call = call;
	d->host = bh_host_of(call);
	d->teams = teams_of(state);
	while (rooms != NULL && *rooms != '\0' && d->count < ROOMS_MOST) {
		size_t len = strcspn(rooms, " ");

		if (len > 0) {
			d->rooms[d->count] = strndup(rooms, len);
			if (d->rooms[d->count++] == NULL)
				abort();
		}
		rooms += len + strspn(rooms + len, " ");
	}
	next(d);
	return BH_PENDING;
}
