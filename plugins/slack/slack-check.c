/* slack-check.c - settings that cannot work, said before Slack does.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/slack/slack.h"

#define COMMAND_MOST	31u		/* characters, without the slash */

bool
slack_is_loopback(const char *host)
{
	static const char *const names[] = { "127.0.0.1", "[::1]",
		"localhost" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(host, names[i], n) == 0 &&
		    (host[n] == ':' || host[n] == '/' || host[n] == '\0'))
			return true;
	}
	return false;
}

/* Tokens go there: encrypted, or no further than this machine. */
static bool
api_ok(const char *url)
{
	if (strncmp(url, "https://", 8) == 0)
		return url[8] != '\0' && url[8] != '/';
	return strncmp(url, "http://", 7) == 0 && slack_is_loopback(url + 7);
}

static bool
host_ok(const char *host)
{
	if (strncmp(host, "http://", 7) == 0)
		return slack_is_loopback(host + 7);
	if (strncmp(host, "https://", 8) == 0)
		host += 8;
	return *host != '\0' && host[strcspn(host, "/*@ ?#")] == '\0';
}

static bool
path_ok(const char *path)
{
	return path[0] == '/' && path[strcspn(path, "*?# ")] == '\0';
}

static bool
command_ok(const char *name)
{
	return *name != '\0' && strlen(name) <= COMMAND_MOST && name[strspn(
	    name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0';
}

static bool
workspace_ok(const char *id)
{
	return slack_id_ok(id) && (*id == 'T' || *id == 'E');
}

static bool
mode_ok(const char *mode)
{
	return strcmp(mode, "socket") == 0 || strcmp(mode, "http") == 0;
}

static bool
connections_ok(const char *text)
{
	return strcmp(text, "10") == 0 ||
	    (*text >= '2' && *text <= '9' && text[1] == '\0');
}

static const struct {
	const char *key;
	bool (*ok)(const char *value);
	const char *complaint;
} rules[] = {
	{ "mode", mode_ok, "mode is socket or http" },
	{ "connections", connections_ok, "connections is a number from 2 to "
	  "10: Slack takes ten, and with one alone a renewal is a gap" },
	{ "path", path_ok, "path begins with a slash and has no blanks, "
	  "stars, question or number signs" },
	{ "api-url", api_ok, "api-url begins with https://, since tokens are "
	  "sent there; http:// only for a double on this machine" },
	{ "commands", command_ok, "commands are slash commands without their "
	  "slash: small letters, digits, - and _, 31 characters at most" },
	{ "workspaces", workspace_ok, "workspaces are ids, such as T0123ABCD "
	  "of a workspace or E0123ABCD of an organisation" },
	{ "response-hosts", host_ok, "response-hosts are names of hosts, such "
	  "as hooks.slack.com; with http:// only on this machine" },
};

void
slack_check(struct bh_check *check)
{
	const struct bh_value *all = bh_check_settings(check);

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct bh_value *v = bh_get(all, rules[i].key);

		/* What is of the wrong type was said by the host. */
		if (v != NULL && v->kind != BH_LIST && v->text != NULL &&
		    !rules[i].ok(v->text))
			bh_complain(check, v, "%s", rules[i].complaint);
		for (BH_EACH(c, v))
			if (c->text != NULL && !rules[i].ok(c->text))
				bh_complain(check, c, "%s",
				    rules[i].complaint);
	}
}

/* ------------------------------------------------------------------ */

static bool
empty(struct bh_host *host, const char *key)
{
	const char *text = bh_host_config(host, key);

	return text == NULL || *text == '\0';
}

int
slack_settings_ok(const struct slack *s)
{
	struct bh_host *h = s->host;

	if (empty(h, "bot-token") && empty(h, "refresh-token"))
		bh_log(h, BH_LOG_ERROR, "bot-token is missing: Slack shows it "
		    "(xoxb-...) under \"OAuth & Permissions\"");
	else if (s->socket_mode && empty(h, "app-token"))
		bh_log(h, BH_LOG_ERROR, "app-token is missing: make one "
		    "(xapp-...) with the scope connections:write under \"Basic "
		    "Information\", or set mode: http");
	else if (!s->socket_mode && empty(h, "signing-secret"))
		bh_log(h, BH_LOG_ERROR, "signing-secret is missing or empty: "
		    "anybody could speak as anybody. Slack shows it under "
		    "\"Basic Information\"");
	else if (!empty(h, "refresh-token") && (empty(h, "client-id") ||
	    empty(h, "client-secret")))
		bh_log(h, BH_LOG_ERROR, "with refresh-token go client-id and "
		    "client-secret: Slack shows them under \"Basic "
		    "Information\"");
	else if (!api_ok(s->api))
		bh_log(h, BH_LOG_ERROR, "api-url is not encrypted: tokens "
		    "are sent there, so that it begins with https://");
	else
		return BH_OK;
	return BH_EINVAL;
}
