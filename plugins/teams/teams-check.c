/* teams-check.c - a block of settings, looked at before anything runs.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/teams/teams.h"

#define COMMANDS_MAX	10u		/* of one app in the compose box */

static const char word_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

static void
check_ids(struct bh_check *check, const struct bh_value *all)
{
	const struct bh_value *app = bh_get(all, "app-id");
	const struct bh_value *tenant = bh_get(all, "tenant");
	const struct bh_value *tenants = bh_get(all, "tenants");
	bool legacy = tenant != NULL && bh_text(tenant) != NULL &&
	    strcmp(bh_text(tenant), "botframework.com") == 0;

	if (bh_text(app) != NULL && !teams_is_guid(bh_text(app)))
		bh_complain(check, app, "app-id must be the bot's application "
		    "(client) id, a GUID such as "
		    "00000000-0000-0000-0000-000000000000");
	if (bh_text(tenant) != NULL && !legacy && !teams_is_guid(bh_text(tenant)))
		bh_complain(check, tenant, "tenant must be the directory "
		    "(tenant) id, a GUID; or botframework.com for an old "
		    "multi-tenant bot");
	if (legacy && tenants == NULL)
		bh_complain(check, tenant, "a multi-tenant bot is heard from "
		    "every directory that installs it: name yours under "
		    "`tenants`");
	if (tenants != NULL && tenants->count == 0)
		bh_complain(check, tenants, "tenants is empty: nobody could "
		    "speak to the bot; leave it out for the tenant's people "
		    "alone");
	for (BH_EACH(one, tenants))
		if (bh_text(one) != NULL && !teams_is_guid(bh_text(one)))
			bh_complain(check, one, "tenants are directory ids, "
			    "GUIDs; \"%s\" is none", bh_text(one));
}

static void
check_url(struct bh_check *check, const struct bh_value *url)
{
	const char *text = bh_text(url);

	if (text == NULL || teams_url_local(text))
		return;
	if (strncmp(text, "https://", 8) != 0 || text[8] == '\0' ||
	    strpbrk(text, " \t\r\n@\\") != NULL)
		bh_complain(check, url, "%s must be an https URL; http only on "
		    "this very machine, for tests", url->key);
}

/* "*.botframework.com" must not be "*.com". */
static bool
is_host(const char *text)
{
	const char *rest = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
	const char *dot = strchr(rest, '.');

	return dot != NULL && dot != rest && dot[1] != '\0' &&
	    strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-.") ==
	    strlen(rest) && strstr(rest, "..") == NULL &&
	    rest[strlen(rest) - 1] != '.' &&
	    strchr("0123456789", rest[strlen(rest) - 1]) == NULL;
}

static void
check_hosts(struct bh_check *check, const struct bh_value *list)
{
	if (list != NULL && list->count == 0)
		bh_complain(check, list, "service-hosts is empty: the bot "
		    "could answer nobody");
	for (BH_EACH(host, list)) {
		const char *text = bh_text(host);
		const char *path = text != NULL ? strstr(text, "://") : NULL;

		path = path != NULL ? strchr(path + 3, '/') : NULL;
		if (text != NULL && !is_host(text) &&
		    (!teams_url_local(text) || path != NULL))
			bh_complain(check, host, "service-hosts are names in "
			    "small letters such as smba.trafficmanager.net or "
			    "\"*.botframework.com\", or in tests an origin on "
			    "this machine such as http://127.0.0.1:3978; "
			    "\"%s\" is neither", text);
	}
}

/* How the bot proves who it is: in one way. */
static void
check_proof(struct bh_check *check, const struct bh_value *all)
{
	static const char *const ways[] = { "secret", "certificate",
	    "federated-token-file", "managed-identity" };
	const struct bh_value *first = NULL;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct bh_value *way = bh_get(all, ways[i]);

		if (way != NULL && first != NULL)
			bh_complain(check, way, "%s beside %s: the bot proves "
			    "who it is in one way; keep one of them",
			    way->key, first->key);
		if (first == NULL)
			first = way;
	}
	if (first == NULL && !bh_get_bool(all, "emulator", false))
		bh_complain(check, all, "nothing says how the bot proves who "
		    "it is: set secret, certificate, federated-token-file or "
		    "managed-identity");
	if (bh_get(all, "key") != NULL && bh_get(all, "certificate") == NULL)
		bh_complain(check, bh_get(all, "key"), "key is a certificate's: "
		    "set certificate too");
}

static void
check_words(struct bh_check *check, const struct bh_value *all)
{
	const struct bh_value *path = bh_get(all, "path");
	const struct bh_value *email = bh_get(all, "email");
	const struct bh_value *scope = bh_get(all, "scope");
	const struct bh_value *commands = bh_get(all, "commands");
	const char *text = bh_text(path);

	if (text != NULL && (text[0] != '/' || strpbrk(text, "*?# %") != NULL))
		bh_complain(check, path, "path is where on the host's listener "
		    "Teams delivers, such as /api/messages");
	text = bh_text(email);
	if (text != NULL && strcmp(text, "roster") != 0 &&
	    strcmp(text, "graph") != 0)
		bh_complain(check, email, "email is roster or graph, not "
		    "\"%s\"", text);
	text = bh_text(scope);
	if (text != NULL && (strncmp(text, "https://", 8) != 0 ||
	    strstr(text, "/.default") == NULL))
		bh_complain(check, scope, "scope is a URL that ends in "
		    "/.default, such as https://api.botframework.com/.default");
	if (commands != NULL && commands->count > COMMANDS_MAX)
		bh_complain(check, commands, "Teams takes %u commands at most",
		    COMMANDS_MAX);
	for (BH_EACH(c, commands)) {
		text = bh_text(c);
		if (text != NULL && (*text == '\0' || strlen(text) > 32 ||
		    text[strspn(text, word_chars)] != '\0'))
			bh_complain(check, c, "commands are names of commands, "
			    "without a prefix; \"%s\" is none", text);
	}
}

void
teams_check(struct bh_check *check)
{
	static const char *const urls[] = { "login-url", "metadata-url",
	    "graph-url", "issuer" };
	const struct bh_value *all = bh_check_settings(check);

	if (all == NULL || *bh_check_team(check) != '\0')
		return;			/* a team's file has none of it */
	check_ids(check, all);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		check_url(check, bh_get(all, urls[i]));
	check_hosts(check, bh_get(all, "service-hosts"));
	check_proof(check, all);
	check_words(check, all);
}
