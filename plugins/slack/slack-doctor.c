/* slack-doctor.c - "bellhop slack doctor": what is wrong, and what to click.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looks at each thing that can be wrong by itself and tells all of them; one
 * question to Slack after the other, with the tokens as they are configured.
 * It changes nothing, and shows no secret.
 */

#include "plugins/slack/slack-doctor.h"

#define SKEW_MOST	30		/* seconds; Slack refuses at 300 */

/* ------------------------------------------------------------------ */
/* Telling                                                             */

/* Much of it is Slack's text, and a terminal obeys what it is shown. */
static void BH_PRINTF(3, 0)
tell(struct doctor *d, const char *what, const char *fmt, va_list ap)
{
	struct bh_buf b = BH_BUF(4000), clean = BH_BUF(12000);

	bh_buf_vadd(&b, fmt, ap);
	bh_buf_clean(&clean, bh_buf_text(&b), false);
	bh_reply(d->call, "%-8s %s", what, bh_buf_text(&clean));
	bh_buf_release(&b);
	bh_buf_release(&clean);
}

void
doctor_good(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, "ok", fmt, ap);
	va_end(ap);
}

void
doctor_note(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, "note", fmt, ap);
	va_end(ap);
}

void
doctor_bad(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, "problem", fmt, ap);
	va_end(ap);
	d->problems++;
}

void
doctor_finish(struct doctor *d)
{
	struct bh_call *call = d->call;
	size_t problems = d->problems;

	for (size_t i = 0; i < d->count; i++)
		free(d->channels[i]);
	free(d->bot);
	free(d);
	if (problems > 0)
		bh_fail(call, "%zu problem%s", problems,
		    problems == 1 ? "" : "s");
	bh_end(call, problems > 0 ? BH_EINVAL : BH_OK);
}

/* ------------------------------------------------------------------ */
/* Asking                                                              */

static void
answered(void *arg, const struct bh_answer *a)
{
	struct doctor *d = arg;
	struct bh_host *host = d->host;
	const char *why = NULL;
	struct bh_value *body = a->result == BH_OK && a->status == 200 ?
	    bh_json(host, a->body, a->body_len, &why) : NULL;

	d->then(d, a, body);		/* may have been the last */
	bh_json_free(host, body);
}

void
doctor_ask(struct doctor *d, const char *method, const char *token,
    const char *form, doctor_fn *then)
{
	struct bh_buf url = BH_BUF(2000), bearer = BH_BUF(2000);
	const char *headers[] = { NULL,
	    "Content-Type: application/x-www-form-urlencoded", NULL };
	struct bh_http http = { .method = "POST", .headers = headers,
	    .body = form, .body_len = strlen(form), .timeout = 15000 };
	struct bh_answer none = { .result = BH_EINVAL, .body = "",
	    .error = "api-url is no URL" };

	bh_buf_add(&url, "%s%s", d->slack->api, method);
	bh_buf_add(&bearer, "Authorization: Bearer %s", token);
	headers[0] = bh_buf_text(&bearer);
	http.url = bh_buf_text(&url);
	d->then = then;
	d->asked = bh_now(d->host);
	if (bh_http(d->host, &http, answered, d) == NULL)
		then(d, &none, NULL);
	bh_secret_free(bearer.data);
	bh_buf_release(&url);
}

const char *
doctor_trouble(const struct bh_answer *a, const struct bh_value *body)
{
	if (body != NULL && bh_get_bool(body, "ok", false))
		return NULL;
	if (bh_get_text(body, "error") != NULL)
		return bh_get_text(body, "error");
	return a->error != NULL ? a->error : "no answer that can be read";
}

const char *
doctor_remedy(const char *error)
{
	static const struct { const char *error, *what; } remedies[] = {
		{ "invalid_auth", "copy the token again: \"OAuth & "
		    "Permissions\" has xoxb-, \"Basic Information\" xapp-" },
		{ "not_authed", "the secret is empty: check what it refers "
		    "to" },
		{ "token_revoked", "the app was taken out of the workspace: "
		    "\"Install App\"" },
		{ "token_expired", "the token rotates: configure "
		    "refresh-token, client-id and client-secret" },
		{ "account_inactive", "the bot's account is deactivated: "
		    "\"Install App\" again" },
		{ "missing_scope", "put the printed manifest into \"App "
		    "Manifest\" and reinstall the app" },
		{ "not_allowed_token_type", "bot-token and app-token are "
		    "mixed up" },
		{ "feature_not_enabled", "switch on \"Socket Mode\"" },
		{ "ratelimited", "wait a minute, then again" },
	};

	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (strcmp(remedies[i].error, error) == 0)
			return remedies[i].what;
	return "check that this machine reaches Slack (proxy, DNS, clock)";
}

static void
compare_clocks(struct doctor *d, const char *date)
{
	int64_t theirs = bh_http_date(date) / 1000;
	int64_t off = theirs <= 0 ? 0 : d->asked / 1000 - theirs;

	if (d->clock)
		return;
	d->clock = theirs > 0;
	if (off > SKEW_MOST || off < -SKEW_MOST)
		doctor_bad(d, "this machine's clock is %lld s %s: start a time "
		    "service; from 300 s on every delivery would be refused",
		    (long long)(off < 0 ? -off : off), off < 0 ? "behind" :
		    "ahead");
	else if (theirs > 0)
		doctor_good(d, "the clock agrees with Slack's");
}

/* ------------------------------------------------------------------ */
/* Tokens                                                              */

static void
got_socket(struct doctor *d, const struct bh_answer *a,
    const struct bh_value *body)
{
	const char *error = doctor_trouble(a, body);

	if (error != NULL)
		doctor_bad(d, "Socket Mode cannot be opened (%s): %s", error,
		    doctor_remedy(error));
	else
		doctor_good(d, "Socket Mode can be opened");
	compare_clocks(d, bh_answer_header(a, "date"));
	doctor_rooms(d);
}

static void
look_at_socket(struct doctor *d)
{
	const char *app = bh_config(d->call, "app-token");

	if (d->slack->socket_mode && app != NULL)
		doctor_ask(d, "apps.connections.open", app, "", got_socket);
	else
		doctor_rooms(d);
}

static bool
rotates(struct doctor *d)
{
	return bh_config(d->call, "refresh-token") != NULL;
}

/* A refresh here would spend what the running bot lives on, and what it has
 * made of it is sealed in its store, which is its alone. */
static void
rotating(struct doctor *d)
{
	doctor_note(d, "the tokens rotate: the bot token of the moment is "
	    "sealed in the running bot's store and cannot be seen from here, "
	    "so the token, its scopes and the channels were not looked at");
	doctor_note(d, "ask the running bot: !status of an admin says \"Slack "
	    "knows us\", or what is wrong with the token; the log says "
	    "\"missing_scope\" and \"the bot is not in ...\". A token that "
	    "cannot be renewed wants client-id, client-secret and a new "
	    "refresh-token from \"Install App\"");
}

static bool
has_scope(const char *granted, const char *scope)
{
	size_t len = strlen(scope);

	for (const char *p = granted; *p != '\0'; p += strcspn(p, ", "), p +=
	    strspn(p, ", "))
		if (strcspn(p, ", ") == len && strncmp(p, scope, len) == 0)
			return true;
	return false;
}

static void
compare_scopes(struct doctor *d, const char *granted)
{
	bool channels = slack_hears_channels(d->call);
	const char *scope, *what;
	size_t missing = 0;

	if (granted == NULL) {
		doctor_bad(d, "Slack did not say which scopes the bot token has");
		return;
	}
	for (size_t i = 0; (scope = slack_scope(channels, i, &what)) != NULL;
	    i++)
		if (!has_scope(granted, scope)) {
			doctor_bad(d, "the scope %s is missing: without it nobody %s. "
			    "Put the printed manifest into \"App Manifest\" "
			    "and reinstall the app", scope, what);
			missing++;
		}
	if (missing == 0)
		doctor_good(d, "the bot token has every scope that is needed");
}

static void
got_test(struct doctor *d, const struct bh_answer *a,
    const struct bh_value *body)
{
	const char *error = doctor_trouble(a, body);
	const char *team = bh_get_text(body, "team");
	const char *user = bh_get_text(body, "user");
	const char *id = bh_get_text(body, "team_id");

	if (error != NULL && rotates(d) && strcmp(error, "token_expired") == 0) {
		rotating(d);
		compare_clocks(d, bh_answer_header(a, "date"));
	} else if (error != NULL) {
		doctor_bad(d, "the bot token does not work (%s): %s", error,
		    doctor_remedy(error));
	} else {
		doctor_good(d, "the bot token is @%s in %s (%s)", user != NULL ? user :
		    "?", team != NULL ? team : "?", id != NULL ? id : "?");
		if (bh_get_text(body, "bot_id") == NULL)
			doctor_bad(d, "bot-token is a person's token: take the \"Bot "
			    "User OAuth Token\" (xoxb-)");
		compare_scopes(d, bh_answer_header(a, "x-oauth-scopes"));
		compare_clocks(d, bh_answer_header(a, "date"));
	}
	d->speaks = error == NULL;
	d->bot = bh_copy(user);
	d->org = bh_get_bool(body, "is_enterprise_install", false);
	look_at_socket(d);
}

/* ------------------------------------------------------------------ */
/* What can be seen without asking                                     */

static void
look_at_secret(struct doctor *d, const char *key)
{
	const char *secret = bh_config(d->call, key);

	if (secret == NULL)
		return;
	if (strlen(secret) < 32 || strspn(secret, "0123456789abcdef") !=
	    strlen(secret))
		doctor_bad(d, "%s does not look like one (32 hex digits): copy it "
		    "again from \"Basic Information\"", key);
	else
		doctor_good(d, "%s has the right form", key);
}

static void
look_at_settings(struct doctor *d)
{
	const char *bot = bh_config(d->call, "bot-token");
	const char *app = bh_config(d->call, "app-token");

	if (bot != NULL && strncmp(bot, "xoxb-", 5) != 0 &&
	    strncmp(bot, "xoxe.xoxb-", 10) != 0)
		doctor_bad(d, "bot-token is not a bot token: that one begins with "
		    "xoxb- and stands under \"OAuth & Permissions\"");
	if (d->slack->socket_mode) {
		if (app == NULL || strncmp(app, "xapp-", 5) != 0)
			doctor_bad(d, "app-token is not an app-level token: that one "
			    "begins with xapp- and stands under \"Basic "
			    "Information\"");
		return;
	}
	look_at_secret(d, "signing-secret");
	look_at_secret(d, "signing-secret-old");
	if (bh_public_url(d->host) == NULL)
		doctor_bad(d, "mode: http needs public-url: in the main file, the "
		    "https address that Slack reaches `listen` under");
	else
		doctor_good(d, "Slack is to deliver to %s%s",
		    bh_public_url(d->host), d->slack->path);
}

int
slack_doctor(struct bh_call *call, void *state)
{
	struct doctor *d = bh_zero(sizeof(*d));
	const char *bot = bh_config(call, "bot-token");

	d->call = call;
	d->host = bh_host_of(call);
	d->slack = slack_of(state);
	look_at_settings(d);
	if (bot == NULL || *bot == '\0') {
		rotating(d);
		look_at_socket(d);
	} else {
		doctor_ask(d, "auth.test", bot, "", got_test);
	}
	return BH_PENDING;
}
