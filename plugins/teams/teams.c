/* teams.c - Microsoft Teams: tables, settings, open and close.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/teams/teams.h"

struct teams *
teams_of(void *state)
{
	struct teams *t = state;

	assert(t != NULL && t->magic == TEAMS_MAGIC);
	return t;
}

char *
teams_lower(const char *text)
{
	char *copy = bh_copy(text);

	for (char *p = copy; p != NULL && *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

bool
teams_is_guid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i = 0;

	while (text[i] != '\0' && i < sizeof(form) - 1 && (form[i] == '-' ?
	    text[i] == '-' : strchr("0123456789abcdefABCDEF", text[i]) !=
	    NULL))
		i++;
	return i == sizeof(form) - 1 && text[i] == '\0';
}

/* ------------------------------------------------------------------ */
/* Health                                                              */

static void
tell_health(struct teams *t)
{
	const struct bh_part *worst = bh_part_worst(t->parts, TEAMS_PARTS);

	if (worst->text == NULL || t->closing)
		return;
	/* A validation that takes tokens made for desks is never quiet. */
	bh_health(t->host, worst->health, "%s%s", worst->text, t->emulator ?
	    "; EMULATOR TOKENS ARE ACCEPTED: not for production" : "");
}

void
teams_health(struct teams *t, int part, int health, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bh_part_say(&t->parts[part], health, fmt, ap);
	va_end(ap);
	tell_health(t);
}

/* ------------------------------------------------------------------ */
/* Settings                                                            */

static char *
copy_url(struct bh_host *host, const char *key)
{
	char *url = bh_copy(bh_host_config(host, key));
	size_t len = url != NULL ? strlen(url) : 0;

	while (len > 0 && url[len - 1] == '/')
		url[--len] = '\0';
	return url;
}

static void
read_settings(struct teams *t)
{
	const char *emulator = bh_host_config(t->host, "emulator");

	t->app_id = bh_copy(bh_host_config(t->host, "app-id"));
	t->tenant = bh_copy(bh_host_config(t->host, "tenant"));
	t->path = bh_copy(bh_host_config(t->host, "path"));
	t->login = copy_url(t->host, "login-url");
	t->metadata = copy_url(t->host, "metadata-url");
	t->graph = copy_url(t->host, "graph-url");
	t->issuer = bh_copy(bh_host_config(t->host, "issuer"));
	t->scope = bh_copy(bh_host_config(t->host, "scope"));
	t->tenants = bh_list_copy(t->host, "tenants", t->tenant);
	t->service_hosts = bh_list_copy(t->host, "service-hosts", NULL);
	t->commands = bh_list_copy(t->host, "commands", NULL);
	t->emulator = emulator != NULL && (strcmp(emulator, "true") == 0 ||
	    strcmp(emulator, "yes") == 0 || strcmp(emulator, "on") == 0);
}

/* ------------------------------------------------------------------ */
/* Life                                                                */

static void
teams_free(struct teams *t)
{
	free(t->app_id);
	free(t->tenant);
	free(t->path);
	free(t->login);
	free(t->metadata);
	free(t->issuer);
	free(t->scope);
	free(t->graph);
	bh_list_free(t->tenants);
	bh_list_free(t->service_hosts);
	bh_list_free(t->commands);
	for (size_t i = 0; i < TEAMS_PARTS; i++)
		free(t->parts[i].text);
	t->magic = 0;
	free(t);
}

static void
keys_ready(struct teams *t, int result)
{
	bh_opened(t->host, result);
}

static void
people_ready(struct teams *t, int result)
{
	(void)result;
	teams_keys_open(t, keys_ready);
}

/* Nothing can be said anywhere without knowing where. */
static void
places_ready(struct teams *t, int result)
{
	if (result != BH_OK)
		bh_opened(t->host, result);
	else
		teams_people_open(t, people_ready);
}

static int
teams_open(struct bh_host *host, void **state)
{
	struct teams *t = bh_zero(sizeof(*t));

	t->magic = TEAMS_MAGIC;
	t->host = host;
	read_settings(t);
	if (t->app_id == NULL || t->tenant == NULL) {
		bh_log(host, BH_LOG_ERROR, "app-id and tenant are needed: the "
		    "Azure Bot's overview page names both");
		teams_free(t);
		return BH_EINVAL;
	}
	if (teams_token_open(t) != BH_OK) {
		teams_token_close(t);
		teams_free(t);
		return BH_EINVAL;
	}
	*state = t;
	teams_places_open(t, places_ready);
	return BH_PENDING;
}

static int
teams_connect(void *state)
{
	struct teams *t = teams_of(state);
	int ret = teams_http_connect(t);

	if (ret == BH_OK) {
		teams_keys_connect(t);
		teams_token_connect(t);
	}
	return ret;
}

static void
teams_close(void *state)
{
	struct teams *t = teams_of(state);

	t->closing = true;
	teams_http_close(t);
	teams_keys_close(t);
	teams_replies_close(t);
	teams_token_close(t);
	teams_api_close(t);
	teams_send_close(t);
	teams_people_close(t);
	teams_places_close(t);
	teams_free(t);
}

/* ------------------------------------------------------------------ */
/* Tables                                                              */

static const struct bh_option options[] = {
	{ .key = "app-id", .type = BH_STRING, .flags = BH_OPT_REQUIRED,
	  .help = "the bot's application (client) id, a GUID" },
	{ .key = "tenant", .type = BH_STRING, .flags = BH_OPT_REQUIRED,
	  .help = "the directory (tenant) id that the app is registered in; "
	    "\"botframework.com\" for an old multi-tenant bot" },
	{ .key = "tenants", .type = BH_STRINGS,
	  .help = "the directories whose people may speak to the bot; the "
	    "tenant's alone if unset" },
	{ .key = "secret", .type = BH_SECRET,
	  .help = "the app's client secret; or one of the next three" },
	{ .key = "certificate", .type = BH_SECRET,
	  .help = "the app's certificate as PEM, with its private key unless "
	    "`key` has it" },
	{ .key = "key", .type = BH_SECRET,
	  .help = "the certificate's private key as PEM" },
	{ .key = "federated-token-file", .type = BH_STRING,
	  .help = "a file with a token that the app trusts (workload "
	    "identity), read anew each time" },
	{ .key = "managed-identity", .type = BH_STRING,
	  .help = "the client id of this machine's managed identity: the "
	    "app's own, or one that the app trusts" },
	{ .key = "path", .type = BH_STRING, .preset = "/api/messages",
	  .help = "where on the host's listener Teams delivers" },
	{ .key = "commands", .type = BH_STRINGS, .preset = "[elevate]",
	  .help = "commands offered in the compose box, from any chat" },
	{ .key = "email", .type = BH_STRING, .preset = "roster",
	  .help = "where e-mail addresses come from: the conversation's "
	    "roster, or graph" },
	{ .key = "login-url", .type = BH_STRING,
	  .preset = "https://login.microsoftonline.com",
	  .help = "the login service; another in government and China clouds" },
	{ .key = "metadata-url", .type = BH_STRING,
	  .preset = "https://login.botframework.com/v1/.well-known/"
	    "openidconfiguration",
	  .help = "the OpenID metadata of the Bot Framework's keys" },
	{ .key = "issuer", .type = BH_STRING,
	  .preset = "https://api.botframework.com",
	  .help = "who signs what Teams delivers" },
	{ .key = "scope", .type = BH_STRING,
	  .preset = "https://api.botframework.com/.default",
	  .help = "the scope of the bot's own tokens" },
	{ .key = "graph-url", .type = BH_STRING,
	  .preset = "https://graph.microsoft.com",
	  .help = "Microsoft Graph, for `email: graph`" },
	{ .key = "service-hosts", .type = BH_STRINGS,
	  .preset = "[smba.trafficmanager.net, \"*.botframework.com\", "
	    "\"*.teams.microsoft.com\"]",
	  .help = "hosts that the bot's token may be sent to, by https; in "
	    "tests also a loopback origin such as http://127.0.0.1:3978" },
	{ .key = "emulator", .type = BH_FLAG, .preset = "false",
	  .help = "accept tokens of the Bot Framework Emulator and the Agents "
	    "Playground too: never in production" },
	{ 0 }
};

/* Conversations by their id without ";messageid="; aad_id only of personal
 * ones.  The newest key set of each source, as it came.  People by their
 * aadObjectId in lower case, and where they were heard last. */
static const char *const migrations[] = {
	"CREATE TABLE teams_place (instance TEXT NOT NULL, "
	"conversation TEXT NOT NULL, service_url TEXT NOT NULL, tenant TEXT, "
	"type TEXT NOT NULL, team TEXT, team_name TEXT, channel_name TEXT, "
	"aad_id TEXT, from_id TEXT, installed INTEGER NOT NULL, "
	"seen INTEGER NOT NULL, PRIMARY KEY (instance, conversation))",
	"CREATE TABLE teams_keys (instance TEXT NOT NULL, "
	"source TEXT NOT NULL, document TEXT NOT NULL, "
	"fetched INTEGER NOT NULL, PRIMARY KEY (instance, source))",
	"CREATE TABLE teams_person (instance TEXT NOT NULL, "
	"user_id TEXT NOT NULL, from_id TEXT, conversation TEXT NOT NULL, "
	"tenant TEXT, seen INTEGER NOT NULL, "
	"PRIMARY KEY (instance, user_id))",
	NULL
};

static const struct bh_command tools[] = {
	{ .name = "manifest",
	  .args = "[--output=FILE] [--name=NAME] [--site=URL] "
	    "[--all-messages]",
	  .help = "write the app's package, and say what to set up in Azure",
	  .more = "Without --output it prints the manifest.  --site is the "
	    "page about your bellhop that Teams\nshows (public-url if unset). "
	    "With --all-messages it also hears what does not mention it,\nin "
	    "teams and chats that consent.",
	  .flags = BH_CMD_OFFLINE, .run = teams_manifest },
	{ .name = "doctor", .args = "[rooms...]",
	  .help = "look at settings, tokens, keys and clocks, and say what to "
	    "do",
	  .more = "Rooms are ids of channels or chats (19:...): is the bot a "
	    "member there?  Changes nothing.",
	  .run = teams_doctor },
	{ 0 }
};

static const struct bh_transport transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_FORMS | BH_CAP_THREADS |
	    BH_CAP_KEEP,
	.connect = teams_connect, .send = teams_send, .ask = teams_ask,
	.offers = teams_offers, .who = teams_who, .where = teams_where,
	.over = teams_over,
};

BH_PLUGIN(.name = "teams", .version = "1.0",
    .summary = "chat in Microsoft Teams",
    .options = options, .migrations = migrations,
    .open = teams_open, .close = teams_close, .check = teams_check,
    .transport = &transport, .tools = tools);
