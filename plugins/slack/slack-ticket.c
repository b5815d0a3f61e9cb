/* slack-ticket.c - tickets for Socket Mode: which are good, and why there is none.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/reference/methods/apps.connections.open.  Most of what Slack
 * says no by is mended by nobody but an operator: those words stop us, with a
 * sentence about what to click.
 */

#include "plugins/slack/slack-link.h"

static const struct { const char *word, *remedy; } final[] = {
	{ "not_authed", "there is no app-token: make one (xapp-...) under "
	  "\"Basic Information\", \"App-Level Tokens\", with the scope "
	  "connections:write" },
	{ "invalid_auth", "Slack does not know the app-token: make a new one "
	  "(xapp-...) under \"Basic Information\", \"App-Level Tokens\", with "
	  "the scope connections:write" },
	{ "token_revoked", "the app-token was revoked: make a new one under "
	  "\"Basic Information\", \"App-Level Tokens\"" },
	{ "token_expired", "the app-token has expired: make a new one under "
	  "\"Basic Information\", \"App-Level Tokens\"" },
	{ "not_allowed_token_type", "app-token is not an app-level token: it "
	  "begins with xapp-, and \"Basic Information\", \"App-Level Tokens\" "
	  "has it" },
	{ "missing_scope", "the app-token lacks the scope connections:write: "
	  "add it under \"Basic Information\", \"App-Level Tokens\"" },
	{ "no_permission", "the app-token lacks the scope connections:write: "
	  "add it under \"Basic Information\", \"App-Level Tokens\"" },
	{ "account_inactive", "the app's account was disabled: install the "
	  "app again in the workspace" },
	{ "user_removed_from_team", "whoever installed the app has left the "
	  "workspace: let somebody else install it again" },
	{ "team_disabled", "the workspace was disabled: only Slack can help" },
	{ "org_login_required", "the workspace is being moved into an "
	  "organisation: install the app again when that is over" },
	{ "access_denied", "the workspace's admins do not allow it: ask them "
	  "to approve the app" },
	{ "app_uninstalled", "the app is not installed: install it under "
	  "\"Install App\"" },
	{ "feature_not_enabled", "Socket Mode is off: switch it on under "
	  "\"Socket Mode\" in the app's settings, or set mode: http" },
	{ "socket_mode_disabled", "Socket Mode is off: switch it on under "
	  "\"Socket Mode\" in the app's settings, or set mode: http" },
};

const char *
slack_ticket_remedy(const struct slack_answer *a)
{
	/* Only what Slack itself said: others have such words, too. */
	if (a->error == NULL || a->result == BH_OK ||
	    (a->result != BH_EINVAL && a->result != BH_EBUSY))
		return NULL;
	for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++)
		if (strcmp(a->error, final[i].word) == 0)
			return final[i].remedy;
	return NULL;
}

bool
slack_ticket_ok(const struct slack *s, const char *url)
{
	return url != NULL && (strncmp(url, "wss://", 6) == 0 ||
	    (strncmp(url, "ws://", 5) == 0 &&
	    strncmp(s->api, "http://", 7) == 0));
}
