/* teams-manifest.c - "bellhop teams manifest": the app, as Teams wants it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The package is a ZIP with manifest.json and two icons; it asks for what the
 * block's settings need and for nothing else.  What is to be set up in Azure
 * is said beside it.
 *
 * https://learn.microsoft.com/microsoft-365/extensibility/schema/
 */

#include "plugins/teams/teams.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "plugins/teams/icons.h"

#define SCHEMA		"1.19"
#define NAME_MOST	30u		/* characters of an app's short name */
#define COMMANDS_MOST	10u		/* of the compose box, and of a menu */
#define FILE_MOST	(256u * 1024u)

struct draft {
	struct bh_call *call;
	struct bh_buf json;
	const char *name, *app, *site;
	bool hears;			/* messages without a mention */
};

static void
member(struct draft *d, const char *key, const char *value)
{
	bh_buf_add(&d->json, "\"%s\":", key);
	bh_buf_quote(&d->json, value);
	bh_buf_puts(&d->json, ",");
}

/* ------------------------------------------------------------------ */
/* Parts                                                               */

static void
identity(struct draft *d)
{
	member(d, "$schema", "https://developer.microsoft.com/json-schemas/"
	    "teams/v" SCHEMA "/MicrosoftTeams.schema.json");
	member(d, "manifestVersion", SCHEMA);
	member(d, "version", "1.0.0");
	member(d, "id", d->app);
	bh_buf_puts(&d->json, "\"developer\":{");
	member(d, "name", d->name);
	member(d, "websiteUrl", d->site);
	member(d, "privacyUrl", d->site);
	bh_buf_puts(&d->json, "\"termsOfUseUrl\":");
	bh_buf_quote(&d->json, d->site);
	bh_buf_puts(&d->json, "},\"name\":{");
	member(d, "short", d->name);
	bh_buf_puts(&d->json, "\"full\":");
	bh_buf_quote(&d->json, d->name);
	bh_buf_puts(&d->json, "},\"description\":{\"short\":\"Temporary access: "
	    "asked for, approved and ended where people talk\",\"full\":\"Ask "
	    "for access to an account for as long as you need it. Those who "
	    "may decide get a card with buttons; when the time is over, the "
	    "access ends by itself, and the card says so. Write help to the "
	    "bot to see what it can do for you.\"},"
	    "\"icons\":{\"color\":\"color.png\",\"outline\":\"outline.png\"},"
	    "\"accentColor\":\"#1F3A5F\",");
}

/* What stands in the menu beside the box where people write. */
static void
menu(struct draft *d, const struct bh_value *commands)
{
	size_t n = 1;

	bh_buf_puts(&d->json, "\"commandLists\":[{\"scopes\":[\"personal\","
	    "\"team\",\"groupChat\"],\"commands\":[{\"title\":\"help\","
	    "\"description\":\"What I can do for you here\"}");
	for (BH_EACH(c, commands)) {
		struct bh_buf text = BH_BUF(300);

		if (bh_text(c) == NULL || n >= COMMANDS_MOST)
			continue;
		n++;
		bh_buf_puts(&d->json, ",{\"title\":");
		bh_buf_clip(&text, c->text, 32);
		bh_buf_quote(&d->json, bh_buf_text(&text));
		bh_buf_clear(&text);
		bh_buf_add(&text, "Open the form of %.60s", c->text);
		bh_buf_puts(&d->json, ",\"description\":");
		bh_buf_quote(&d->json, bh_buf_text(&text));
		bh_buf_puts(&d->json, "}");
		bh_buf_release(&text);
	}
	bh_buf_puts(&d->json, "]}]");
}

static void
bot(struct draft *d, const struct bh_value *commands)
{
	bh_buf_puts(&d->json, "\"bots\":[{");
	member(d, "botId", d->app);
	bh_buf_puts(&d->json, "\"scopes\":[\"personal\",\"team\","
	    "\"groupChat\"],\"isNotificationOnly\":false,"
	    "\"supportsFiles\":false,");
	menu(d, commands);
	bh_buf_puts(&d->json, "}],");
}

/* The compose box: a form from any chat, also where the bot is no member. */
static void
compose(struct draft *d, const struct bh_value *commands)
{
	size_t n = 0;

	for (BH_EACH(c, commands)) {
		struct bh_buf text = BH_BUF(300);

		if (bh_text(c) == NULL || n >= COMMANDS_MOST)
			continue;
		if (n++ == 0) {
			bh_buf_puts(&d->json, "\"composeExtensions\":[{");
			member(d, "botId", d->app);
			bh_buf_puts(&d->json, "\"commands\":[");
		} else
			bh_buf_puts(&d->json, ",");
		bh_buf_puts(&d->json, "{");
		member(d, "id", c->text);
		member(d, "type", "action");
		bh_buf_puts(&d->json, "\"title\":");
		bh_buf_clip(&text, c->text, 32);
		if (text.data[0] >= 'a' && text.data[0] <= 'z')
			text.data[0] = (char)(text.data[0] - 'a' + 'A');
		bh_buf_quote(&d->json, bh_buf_text(&text));
		bh_buf_clear(&text);
		bh_buf_add(&text, "Open the form of %.60s", c->text);
		bh_buf_puts(&d->json, ",\"description\":");
		bh_buf_quote(&d->json, bh_buf_text(&text));
		bh_buf_puts(&d->json, ",\"context\":[\"compose\","
		    "\"commandBox\"],\"fetchTask\":true}");
		bh_buf_release(&text);
	}
	if (n > 0)
		bh_buf_puts(&d->json, "]}],");
}

/* The roster tells who people are; that needs no more than to be a member.
 * To hear what does not mention it, a team must consent. */
static void
rights(struct draft *d)
{
	bh_buf_puts(&d->json, "\"permissions\":[\"identity\","
	    "\"messageTeamMembers\"],\"validDomains\":[],"
	    "\"webApplicationInfo\":{");
	member(d, "id", d->app);
	bh_buf_puts(&d->json, "\"resource\":\"https://not.applicable\"}");
	if (d->hears)
		bh_buf_puts(&d->json, ",\"authorization\":{\"permissions\":{"
		    "\"resourceSpecific\":[{\"name\":"
		    "\"ChannelMessage.Read.Group\",\"type\":\"Application\"},"
		    "{\"name\":\"ChatMessage.Read.Chat\",\"type\":"
		    "\"Application\"}]}}");
	bh_buf_puts(&d->json, ",\"defaultInstallScope\":\"personal\","
	    "\"defaultGroupCapability\":{\"team\":\"bot\","
	    "\"groupchat\":\"bot\"}}");
}

static bool
draw(struct draft *d)
{
	const struct bh_value *commands = bh_setting(d->call, "commands");

	bh_buf_puts(&d->json, "{");
	identity(d);
	bot(d, commands);
	compose(d, commands);
	rights(d);
	return !d->json.overflow;
}

/* ------------------------------------------------------------------ */
/* Azure                                                               */

static void
say_azure(struct draft *d)
{
	struct bh_call *call = d->call;
	struct bh_host *host = bh_host_of(call);
	const char *tenant = bh_config(call, "tenant");
	const char *path = bh_config(call, "path");
	const char *url = bh_public_url(host);
	const char *mi = bh_config(call, "managed-identity");
	bool managed = mi != NULL && strcasecmp(mi, d->app) == 0;

	bh_reply(call, "The Azure Bot's settings:");
	bh_reply(call, "  type                %s", managed ?
	    "User-Assigned Managed Identity" : "Single Tenant");
	bh_reply(call, "  app id              %s", d->app);
	bh_reply(call, "  tenant id           %s", tenant != NULL ? tenant :
	    "(set tenant)");
	bh_reply(call, "  messaging endpoint  %s%s", url != NULL ? url :
	    "https://(set public-url in the main file)", path);
	bh_reply(call, "  channels            Microsoft Teams");
	bh_reply(call, "The same from a shell, in a resource group of yours:");
	bh_reply(call, "  az bot create -g GROUP -n %s --app-type %s --appid "
	    "%s --tenant-id %s --endpoint %s%s", "bellhop", managed ?
	    "UserAssignedMSI --msi-resource-id IDENTITY" : "SingleTenant",
	    d->app, tenant != NULL ? tenant : "TENANT", url != NULL ? url :
	    "https://HOST", path);
	bh_reply(call, "  az bot msteams create -g GROUP -n bellhop");
}

/* ------------------------------------------------------------------ */

static int
write_file(struct bh_call *call, const char *path, const struct bh_buf *data)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t at = 0;

	while (fd >= 0 && at < data->len) {
		ssize_t n = write(fd, data->data + at, data->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (fd >= 0 && close(fd) == 0 && at == data->len)
		return BH_OK;
	return bh_fail(call, "%s cannot be written: %s", path,
	    strerror(errno));
}

static int
write_package(struct draft *d, const char *path)
{
	struct teams_zip zip = { .file = BH_BUF(FILE_MOST),
		.directory = BH_BUF(FILE_MOST) };
	int ret;

	teams_zip_add(&zip, "manifest.json", d->json.data, d->json.len);
	teams_zip_add(&zip, "color.png", teams_icon_color,
	    sizeof(teams_icon_color));
	teams_zip_add(&zip, "outline.png", teams_icon_outline,
	    sizeof(teams_icon_outline));
	ret = teams_zip_end(&zip) ? write_file(d->call, path, &zip.file) :
	    bh_fail(d->call, "the package came out too large");
	teams_zip_release(&zip);
	if (ret != BH_OK)
		return ret;
	bh_reply(d->call, "%s written: upload it in Teams (Apps, Manage your "
	    "apps, Upload an app), or for everybody in the Teams admin "
	    "center.", path);
	say_azure(d);
	return BH_OK;
}

int
teams_manifest(struct bh_call *call, void *state)
{
	const char *name = bh_arg(call, "name"), *site = bh_arg(call, "site");
	const char *path = bh_arg(call, "output");
	struct draft d = { .call = call, .json = BH_BUF(FILE_MOST),
		.name = name != NULL ? name : "bellhop",
		.app = bh_config(call, "app-id"),
		.site = site != NULL ? site : bh_public_url(bh_host_of(call)),
		.hears = bh_arg(call, "all-messages") != NULL };
	int ret;

	(void)state;
	if (d.app == NULL || !teams_is_guid(d.app))
		ret = bh_fail(call, "app-id must be the bot's application "
		    "(client) id, a GUID: see docs/teams.md for where it comes "
		    "from");
	else if (*d.name == '\0' || bh_utf8_len(d.name) > NAME_MOST)
		ret = bh_fail_at(call, "name", "one to %u characters",
		    NAME_MOST);
	else if (!bh_link_ok(d.site))
		ret = bh_fail_at(call, "site", "Teams shows everybody an https "
		    "page about the app: say --site=https://..., or set "
		    "public-url in the main file");
	else if (!draw(&d))
		ret = bh_fail(call, "too many commands");
	else
		ret = path != NULL ? write_package(&d, path) :
		    bh_reply(call, "%s", bh_buf_text(&d.json));
	bh_buf_release(&d.json);
	return ret;
}
