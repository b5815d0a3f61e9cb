/* slack-manifest.c - "bellhop slack manifest": the app, as Slack makes one.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Asks for what the block's configuration needs and for nothing else; the
 * doctor compares what was granted with the same list.
 *
 * docs.slack.dev/reference/app-manifest
 */

#include "plugins/slack/slack.h"

#include <fcntl.h>
#include <unistd.h>

#define NAME_MOST	35u		/* characters of an app's name */
#define MANIFEST_MOST	(64u * 1024u)

/* ------------------------------------------------------------------ */
/* What is needed, and for what                                        */

static const struct { const char *scope, *what; bool channels; } scopes[] = {
	{ "app_mentions:read", "hears when it is mentioned", false },
	{ "channels:history", "hears commands in public channels", true },
	{ "channels:read", "knows public channels' names", false },
	{ "chat:write", "posts its cards and answers", false },
	{ "chat:write.public", "posts in public channels it is not in", false },
	{ "commands", "has slash commands and shortcuts", false },
	{ "groups:history", "hears commands in private channels", true },
	{ "groups:read", "knows private channels' names", false },
	{ "im:history", "hears direct messages", false },
	{ "im:read", "knows that a message was a direct one", false },
	{ "im:write", "sends direct messages", false },
	{ "metadata.message:read", "finds a message whose post was not "
	    "confirmed", false },
	{ "mpim:history", "hears commands in group messages", true },
	{ "mpim:read", "knows group messages", false },
	{ "users:read", "knows names, guests and deactivated accounts", false },
	{ "users:read.email", "finds out, once, whose account it is", false },
	{ NULL, NULL, false }
};

const char *
slack_scope(bool channels, size_t n, const char **what)
{
	for (size_t i = 0; scopes[i].scope != NULL; i++) {
		if (scopes[i].channels && !channels)
			continue;
		if (n-- > 0)
			continue;
		*what = scopes[i].what;
		return scopes[i].scope;
	}
	return NULL;
}

static const struct { const char *event; bool channels; } events[] = {
	{ "app_home_opened", false }, { "app_mention", false },
	{ "app_uninstalled", false }, { "message.channels", true },
	{ "message.groups", true }, { "message.im", false },
	{ "message.mpim", true }, { "tokens_revoked", false },
	{ NULL, false }
};

bool
slack_hears_channels(struct bh_call *call)
{
	const struct bh_value *flag = bh_setting(call, "channel-messages");

	/* Its text may be "no", "off" or "false". */
	return flag == NULL || flag->kind != BH_BOOL || flag->number > 0;
}

/* ------------------------------------------------------------------ */
/* The manifest as JSON                                                */

struct draft {
	struct bh_call *call;
	struct bh_buf json;
	struct bh_buf url;		/* "": Socket Mode needs none */
	const char *name;
};

static void
add_url(struct draft *d, const char *key)
{
	if (d->url.len == 0)
		return;
	bh_buf_add(&d->json, ",\"%s\":", key);
	bh_buf_quote(&d->json, bh_buf_text(&d->url));
}

static void
add_slash(struct draft *d, const char *command)
{
	bool own = strcmp(command, "bellhop") == 0;
	struct bh_buf text = BH_BUF(300);

	bh_buf_add(&text, "/%s", command);
	bh_buf_puts(&d->json, "{\"command\":");
	bh_buf_quote(&d->json, bh_buf_text(&text));
	bh_buf_clear(&text);
	if (own)
		bh_buf_puts(&text, "Run any command; alone it lists them");
	else
		bh_buf_add(&text, "Run %s; alone it opens its form", command);
	bh_buf_puts(&d->json, ",\"description\":");
	bh_buf_quote(&d->json, bh_buf_text(&text));
	bh_buf_puts(&d->json, ",\"usage_hint\":");
	bh_buf_quote(&d->json, own ? "[command] [arguments]" : "[arguments]");
	/* So that people and channels come as ids, not as what they are
	 * called. */
	bh_buf_puts(&d->json, ",\"should_escape\":true");
	add_url(d, "url");
	bh_buf_puts(&d->json, "}");
	bh_buf_release(&text);
}

static void
add_shortcut(struct draft *d, const char *command, bool message)
{
	struct bh_buf text = BH_BUF(300);

	bh_buf_add(&text, "%.14s%s", command, message ? " from here" : "");
	if (text.data[0] >= 'a' && text.data[0] <= 'z')
		text.data[0] = (char)(text.data[0] - 'a' + 'A');
	bh_buf_puts(&d->json, "{\"name\":");
	bh_buf_quote(&d->json, bh_buf_text(&text));
	bh_buf_add(&d->json, ",\"type\":\"%s\",\"callback_id\":",
	    message ? "message" : "global");
	bh_buf_clear(&text);
	bh_buf_add(&text, "%s%s", command, message ? SLACK_FROM_MESSAGE : "");
	bh_buf_quote(&d->json, bh_buf_text(&text));
	bh_buf_clear(&text);
	bh_buf_add(&text, "Open the form of %s", command);
	bh_buf_puts(&d->json, ",\"description\":");
	bh_buf_quote(&d->json, bh_buf_text(&text));
	bh_buf_puts(&d->json, "}");
	bh_buf_release(&text);
}

static void
add_features(struct draft *d)
{
	const struct bh_value *commands = bh_setting(d->call, "commands");
	size_t shortcuts = 0, slashes = 0;

	bh_buf_puts(&d->json, "\"features\":{\"app_home\":{"
	    "\"home_tab_enabled\":true,\"messages_tab_enabled\":true,"
	    "\"messages_tab_read_only_enabled\":false},"
	    "\"bot_user\":{\"display_name\":");
	bh_buf_quote(&d->json, d->name);
	bh_buf_puts(&d->json, ",\"always_online\":true}");
	for (BH_EACH(c, commands)) {
		if (bh_text(c) == NULL || strcmp(c->text, "bellhop") == 0 ||
		    shortcuts >= 10)	/* as many as an app may have */
			continue;
		bh_buf_puts(&d->json, shortcuts == 0 ? ",\"shortcuts\":[" :
		    ",");
		add_shortcut(d, c->text, false);
		bh_buf_puts(&d->json, ",");
		add_shortcut(d, c->text, true);
		shortcuts += 2;
	}
	bh_buf_puts(&d->json, shortcuts > 0 ? "]" : "");
	for (BH_EACH(c, commands)) {
		if (bh_text(c) == NULL)
			continue;
		bh_buf_puts(&d->json, slashes++ == 0 ? ",\"slash_commands\":["
		    : ",");
		add_slash(d, c->text);
	}
	bh_buf_puts(&d->json, slashes > 0 ? "]}," : "},");
}

/* An organisation of Enterprise Grid installs it once for all workspaces. */
static bool
for_organisation(struct bh_call *call)
{
	for (BH_EACH(w, bh_setting(call, "workspaces")))
		if (bh_text(w) != NULL && w->text[0] == 'E')
			return true;
	return false;
}

static void
add_settings(struct draft *d, bool channels)
{
	bool socket = d->url.len == 0;
	const char *comma = "";

	bh_buf_puts(&d->json, "\"settings\":{\"event_subscriptions\":{"
	    "\"bot_events\":[");
	for (size_t i = 0; events[i].event != NULL; i++) {
		if (events[i].channels && !channels)
			continue;
		bh_buf_add(&d->json, "%s\"%s\"", comma, events[i].event);
		comma = ",";
	}
	bh_buf_puts(&d->json, "]");
	add_url(d, "request_url");
	bh_buf_puts(&d->json, "},\"interactivity\":{\"is_enabled\":true");
	add_url(d, "request_url");
	add_url(d, "message_menu_options_url");
	bh_buf_add(&d->json, "},\"org_deploy_enabled\":%s,"
	    "\"socket_mode_enabled\":%s,\"token_rotation_enabled\":%s}}",
	    for_organisation(d->call) ? "true" : "false",
	    socket ? "true" : "false",
	    bh_setting(d->call, "refresh-token") != NULL ? "true" : "false");
}

static void
compose(struct draft *d)
{
	bool channels = slack_hears_channels(d->call);
	const char *scope, *what, *comma = "";

	bh_buf_puts(&d->json, "{\"display_information\":{\"name\":");
	bh_buf_quote(&d->json, d->name);
	bh_buf_puts(&d->json, ",\"description\":\"Temporary access: asked for, "
	    "approved and ended where people talk\","
	    "\"background_color\":\"#1f3a5f\"},");
	add_features(d);
	bh_buf_puts(&d->json, "\"oauth_config\":{\"scopes\":{\"bot\":[");
	for (size_t i = 0; (scope = slack_scope(channels, i, &what)) != NULL;
	    i++) {
		bh_buf_add(&d->json, "%s\"%s\"", comma, scope);
		comma = ",";
	}
	bh_buf_puts(&d->json, "]}},");
	add_settings(d, channels);
}

/* ------------------------------------------------------------------ */
/* For people to read: JSON with indents, or YAML                      */

static void
indent(struct bh_buf *out, size_t depth)
{
	bh_buf_add(out, "\n%*s", (int)(2 * depth), "");
}

static void
scalar(struct bh_buf *out, const struct bh_value *v)
{
	if (v->kind == BH_TEXT)
		bh_buf_quote(out, v->text);	/* which is YAML, too */
	else
		bh_buf_puts(out, v->number > 0 ? "true" : "false");
}

static void
as_json(struct bh_buf *out, const struct bh_value *v, size_t depth)
{
	bool map = v->kind == BH_MAP;

	if (!map && v->kind != BH_LIST) {
		scalar(out, v);
		return;
	}
	bh_buf_puts(out, map ? "{" : "[");
	for (BH_EACH(c, v)) {
		indent(out, depth + 1);
		if (map) {
			bh_buf_quote(out, c->key);
			bh_buf_puts(out, ": ");
		}
		as_json(out, c, depth + 1);
		bh_buf_puts(out, c->next != NULL ? "," : "");
	}
	indent(out, depth);
	bh_buf_puts(out, map ? "}" : "]");
}

static void
as_yaml(struct bh_buf *out, const struct bh_value *v, size_t depth)
{
	if (v->kind != BH_MAP && v->kind != BH_LIST) {
		bh_buf_puts(out, " ");
		scalar(out, v);
		return;
	}
	for (BH_EACH(c, v)) {
		bool inside = c->kind == BH_MAP || c->kind == BH_LIST;

		indent(out, depth);
		if (v->kind == BH_MAP)
			bh_buf_add(out, "%s:", c->key);
		else
			bh_buf_puts(out, "-");
		as_yaml(out, c, inside ? depth + 1 : depth);
	}
}

/* ------------------------------------------------------------------ */

static int
write_file(struct bh_call *call, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool bad;

	if (f == NULL) {
		if (fd >= 0)
			close(fd);
		return bh_fail(call, "%s cannot be written: %m", path);
	}
	bad = fprintf(f, "%s\n", text) < 0;
	if (fclose(f) != 0 || bad)
		return bh_fail(call, "%s could not be written: %m", path);
	return bh_reply(call, "%s written: create the app from it at "
	    "https://api.slack.com/apps?new_app=1", path);
}

/* The address of mode http.  False after bh_fail(). */
static bool
public_address(struct draft *d)
{
	struct bh_host *host = bh_host_of(d->call);
	const char *mode = bh_config(d->call, "mode");
	const char *path = bh_config(d->call, "path");
	const char *url = bh_public_url(host);

	if (mode == NULL || strcmp(mode, "http") != 0)
		return true;
	if (url == NULL) {
		bh_fail(d->call, "mode: http needs public-url: in the main "
		    "file, the https address that Slack reaches `listen` "
		    "under");
		return false;
	}
	if (path != NULL)
		bh_buf_add(&d->url, "%s%s", url, path);
	else
		bh_buf_add(&d->url, "%s/slack/%s", url, bh_instance(host));
	return true;
}

static int
print(struct draft *d, const char *format, const char *file)
{
	struct bh_host *host = bh_host_of(d->call);
	struct bh_buf text = BH_BUF(MANIFEST_MOST);
	const char *why = NULL, *shown;
	struct bh_value *tree;
	int ret;

	compose(d);
	tree = bh_json(host, d->json.data, d->json.len, &why);
	if (tree == NULL)
		return bh_fail(d->call, "the manifest came out wrong: %s",
		    why);
	if (strcmp(format, "json") == 0)
		as_json(&text, tree, 0);
	else
		as_yaml(&text, tree, 0);
	/* as_yaml() begins each line with its end. */
	shown = bh_buf_text(&text) + strspn(bh_buf_text(&text), "\n");
	ret = text.overflow ? bh_fail(d->call, "too many commands") :
	    file != NULL ? write_file(d->call, file, shown) :
	    bh_reply(d->call, "%s", shown);
	bh_json_free(host, tree);
	bh_buf_release(&text);
	return ret;
}

int
slack_manifest(struct bh_call *call, void *state)
{
	const char *format = bh_arg(call, "format");
	const char *name = bh_arg(call, "name");
	struct draft d = { .call = call, .json = BH_BUF(MANIFEST_MOST),
	    .url = BH_BUF(2000), .name = name != NULL ? name : "bellhop" };
	int ret = BH_EINVAL;

	(void)state;
	if (format == NULL)
		format = "yaml";
	if (strcmp(format, "yaml") != 0 && strcmp(format, "json") != 0)
		ret = bh_fail_at(call, "format", "yaml or json, not \"%s\"",
		    format);
	else if (*d.name == '\0' || bh_utf8_len(d.name) > NAME_MOST)
		ret = bh_fail_at(call, "name", "one to %u characters",
		    NAME_MOST);
	else if (public_address(&d))
		ret = print(&d, format, bh_arg(call, "output"));
	bh_buf_release(&d.json);
	bh_buf_release(&d.url);
	return ret;
}
