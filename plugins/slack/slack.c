/* slack.c - Slack: tables, settings, open and close.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/slack/slack.h"

struct slack *
slack_of(void *state)
{
	struct slack *s = state;

	assert(s != NULL && s->magic == SLACK_MAGIC);
	return s;
}

/* ------------------------------------------------------------------ */
/* Health                                                              */

void
slack_health(struct slack *s, int part, int health, const char *fmt, ...)
{
	const struct bh_part *worst;
	va_list ap;

	va_start(ap, fmt);
	bh_part_say(&s->parts[part], health, fmt, ap);
	va_end(ap);
	worst = bh_part_worst(s->parts, SLACK_PARTS);
	if (!s->closing)
		bh_health(s->host, worst->health, "%s", worst->text);
}

/* ------------------------------------------------------------------ */
/* Settings                                                            */

/* With a slash at its end, as methods are put behind it. */
static char *
copy_api(struct bh_host *host)
{
	const char *url = bh_host_config(host, "api-url");
	struct bh_buf b = BH_BUF(2000);
	char *copy;

	bh_buf_puts(&b, url != NULL ? url : "");
	if (b.len > 0 && b.data[b.len - 1] != '/')
		bh_buf_puts(&b, "/");
	copy = bh_copy(bh_buf_text(&b));
	bh_buf_release(&b);
	return copy;
}

static char *
copy_path(struct bh_host *host)
{
	const char *path = bh_host_config(host, "path");
	struct bh_buf b = BH_BUF(500);
	char *copy;

	if (path != NULL)
		return bh_copy(path);
	bh_buf_add(&b, "/slack/%s", bh_instance(host));
	copy = bh_copy(bh_buf_text(&b));
	bh_buf_release(&b);
	return copy;
}

static void
read_settings(struct slack *s)
{
	const char *mode = bh_host_config(s->host, "mode");
	const char *connections = bh_host_config(s->host, "connections");

	s->socket_mode = mode == NULL || strcmp(mode, "http") != 0;
	s->connections = connections != NULL ?
	    (int)strtol(connections, NULL, 10) : 2;
	s->api = copy_api(s->host);
	s->path = copy_path(s->host);
	s->response_hosts = bh_list_copy(s->host, "response-hosts", NULL);
	s->workspaces = bh_list_copy(s->host, "workspaces", NULL);
	s->commands = bh_list_copy(s->host, "commands", NULL);
}

/* ------------------------------------------------------------------ */
/* Life                                                                */

static void
slack_free(struct slack *s)
{
	free(s->api);
	free(s->path);
	bh_list_free(s->response_hosts);
	bh_list_free(s->workspaces);
	bh_list_free(s->commands);
	free(s->bot_user);
	free(s->bot_id);
	free(s->team);
	free(s->enterprise);
	free(s->app_id);
	slack_kept_free(&s->values);
	slack_kept_free(&s->views);
	slack_kept_free(&s->waiting);
	for (size_t i = 0; i < SLACK_PARTS; i++)
		free(s->parts[i].text);
	s->magic = 0;
	free(s);
}

static int
slack_open(struct bh_host *host, void **state)
{
	struct slack *s = bh_zero(sizeof(*s));
	int ret;

	s->magic = SLACK_MAGIC;
	s->host = host;
	read_settings(s);
	ret = slack_settings_ok(s);
	if (ret != BH_OK) {
		slack_free(s);
		return ret;
	}
	slack_tokens_open(s);
	*state = s;
	return BH_OK;
}

static int
slack_connect(void *state)
{
	struct slack *s = slack_of(state);
	int ret;

	slack_tokens_connect(s);
	ret = s->socket_mode ? slack_sockets_connect(s) :
	    slack_http_connect(s);
	if (ret == BH_OK)
		slack_people_connect(s);
	return ret;
}

/* Secrets are looked up anew whenever they are needed; what had given up on
 * one tries again. */
static void
slack_changed(void *state)
{
	struct slack *s = slack_of(state);

	slack_tokens_changed(s);
	slack_sockets_changed(s);
}

/* What is under way is told that it ends here, while all of it is there. */
static void
slack_close(void *state)
{
	struct slack *s = slack_of(state);

	s->closing = true;
	slack_receive_close(s);
	slack_api_close(s);
	slack_respond_close(s);
	slack_tokens_close(s);
	slack_people_close(s);
	slack_replies_close(s);
	slack_http_close(s);
	slack_sockets_close(s);
	slack_free(s);
}

/* ------------------------------------------------------------------ */
/* Tables                                                              */

static const struct bh_option options[] = {
	{ .key = "mode", .type = BH_STRING, .preset = "socket",
	  .help = "socket: bellhop calls Slack and nothing is exposed; http: "
	    "Slack calls bellhop" },
	{ .key = "bot-token", .type = BH_SECRET,
	  .help = "the app's bot token (xoxb-...)" },
	{ .key = "app-token", .type = BH_SECRET,
	  .help = "the app-level token (xapp-...) with connections:write, for "
	    "mode socket" },
	{ .key = "signing-secret", .type = BH_SECRET,
	  .help = "what Slack signs its deliveries with, for mode http" },
	{ .key = "signing-secret-old", .type = BH_SECRET,
	  .help = "the one before, accepted too while it is being replaced" },
	{ .key = "refresh-token", .type = BH_SECRET,
	  .help = "with token rotation: the first refresh token (xoxe-...)" },
	{ .key = "client-id", .type = BH_STRING,
	  .help = "of the app, for token rotation" },
	{ .key = "client-secret", .type = BH_SECRET,
	  .help = "of the app, for token rotation" },
	{ .key = "connections", .type = BH_INT, .preset = "2",
	  .help = "Socket Mode connections, 2 to 10" },
	{ .key = "path", .type = BH_STRING,
	  .help = "where on the host's listener Slack delivers; /slack/BLOCK "
	    "if unset" },
	{ .key = "commands", .type = BH_STRINGS, .preset = "[elevate, bellhop]",
	  .help = "slash commands: one is the command of that name, \"bellhop\" "
	    "takes any command behind it" },
	{ .key = "channel-messages", .type = BH_FLAG, .preset = "true",
	  .help = "hear messages in channels, so that the prefix works there; "
	    "without, mentions, slash commands and direct messages do" },
	{ .key = "workspaces", .type = BH_STRINGS,
	  .help = "ids of workspaces (T...) and organisations (E...) besides "
	    "the token's own whose people are not strangers" },
	{ .key = "api-url", .type = BH_STRING,
	  .preset = "https://slack.com/api/",
	  .help = "the Web API; https://slack-gov.com/api/ for GovSlack" },
	{ .key = "response-hosts", .type = BH_STRINGS,
	  .preset = "[hooks.slack.com, hooks.slack-gov.com]",
	  .help = "hosts that answers may be sent to, by https; in tests also "
	    "a loopback origin such as http://127.0.0.1:3001" },
	{ 0 }
};

static const struct bh_command tools[] = {
	{ .name = "manifest",
	  .args = "[--format=yaml|json] [--name=NAME] [--output=FILE]",
	  .help = "print the app manifest that this configuration needs",
	  .more = "Paste it at https://api.slack.com/apps?new_app=1, \"From a "
	      "manifest\".  After a change of\nthe configuration print it "
	      "again and put it into \"App Manifest\" of the app's page.",
	  .flags = BH_CMD_OFFLINE, .run = slack_manifest },
	{ .name = "doctor", .args = "[channels...]",
	  .help = "look at tokens, scopes and channels, and say what to click",
	  .more = "Without channels it looks at those that the teams' files "
	      "name.  Changes nothing.",
	  .run = slack_doctor },
	{ 0 }
};

static const struct bh_transport transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_FORMS | BH_CAP_THREADS |
	    BH_CAP_EPHEMERAL | BH_CAP_KEEP,
	.connect = slack_connect,
	.send = slack_send, .ask = slack_ask, .offers = slack_offers,
	.who = slack_who, .where = slack_where, .over = slack_over,
};

BH_PLUGIN(.name = "slack", .version = "1.0", .summary = "chat in Slack",
    .options = options, .migrations = slack_migrations,
    .open = slack_open, .close = slack_close, .changed = slack_changed,
    .check = slack_check, .transport = &transport, .tools = tools);
