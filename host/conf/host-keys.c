/*
 * host-keys.c - the keys of the main file that are the host's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/log.h"
#include "host/conf/internal.h"

const struct bh_option conf_host_options[] = {
	{ .key = "store", .type = BH_STRING,
	  .preset = "sqlite:/var/lib/bellhop/bellhop.db",
	  .help = "where state is kept" },
	{ .key = "admins", .type = BH_STRINGS,
	  .flags = BH_OPT_RELOADABLE,
	  .help = "e-mail addresses of those who may run admin commands" },
	{ .key = "chat", .type = BH_TREE,
	  .help = "one block for each workspace or tenant: plugin and its "
	  "options" },
	{ .key = "delegate", .type = BH_TREE, .flags = BH_OPT_RELOADABLE,
	  .help = "what each team's own file may use" },
	{ .key = "access", .type = BH_TREE, .flags = BH_OPT_RELOADABLE,
	  .help = "who may run which commands, where" },
	{ .key = "shared-rooms", .type = BH_STRINGS,
	  .flags = BH_OPT_RELOADABLE,
	  .help = "rooms with people of other companies in which commands are "
	  "taken all the same" },
	{ .key = "people", .type = BH_TREE, .flags = BH_OPT_RELOADABLE,
	  .help = "addresses and accounts that are one and the same person" },
	{ .key = "listen", .type = BH_STRING,
	  .help = "address and port for HTTP, as in 127.0.0.1:8080" },
	{ .key = "public-url", .type = BH_STRING,
	  .help = "the address that others reach `listen` under, as in "
	  "https://bellhop.acme.example" },
	{ .key = "proxy", .type = BH_STRING, .flags = BH_OPT_RELOADABLE,
	  .help = "the proxy for requests that we make, as in "
	  "http://proxy.acme.example:3128, or none; unset, the environment "
	  "says (https_proxy, no_proxy ...)" },
	{ .key = "proxy-credentials", .type = BH_SECRET,
	  .flags = BH_OPT_RELOADABLE,
	  .help = "user:password for that proxy" },
	{ .key = "no-proxy", .type = BH_STRINGS, .flags = BH_OPT_RELOADABLE,
	  .help = "hosts and domains that are reached without it" },
	{ .key = "ca-file", .type = BH_STRING, .flags = BH_OPT_RELOADABLE,
	  .help = "certificates to trust instead of the system's, where a "
	  "proxy looks into TLS" },
	{ .key = "plugin-directory", .type = BH_STRING,
	  .help = "where plugins lie, instead of where they were installed" },
	{ .key = "log", .type = BH_TREE,
	  .help = "how much to log, or a map of level and format" },
	{ .key = "prefix", .type = BH_STRING, .preset = "!",
	  .flags = BH_OPT_RELOADABLE,
	  .help = "what commands begin with" },
	{ .key = "flood", .type = BH_STRING, .preset = "20/min",
	  .flags = BH_OPT_RELOADABLE,
	  .help = "how many commands one person may give in a while, as in "
	  "20/min, 5/10s, off" },
	{ 0 }
};

/* Complains of keys of `map` that are not in the list; the list's keys are
 * BH_STRINGS where strings[i], else BH_STRING. */
static void
host_keys(const struct bh_value *map, const char *what,
    const char *const *keys, const bool *strings, size_t count,
    struct conf_errors *errors)
{
	BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);

	for (BH_EACH(c, map)) {
		size_t i = 0;

		while (i < count && strcmp(keys[i], c->key) != 0)
			i++;
		if (i == count) {
			conf_complain_key(errors, c, "unknown key \"%s\" of "
			    "%s%s", c->key, what,
			    conf_hint(&hint, c->key, keys, count));
			continue;
		}
		struct bh_option o = { .key = keys[i],
		    .type = strings[i] ? BH_STRINGS : BH_STRING };
		conf_typed(&o, c, errors);
	}
}

static bool
host_person_ok(const char *text, bool groups)
{
	const char *at;
	char folded[256];

	if (groups && strncmp(text, "group:", 6) == 0)
		return text[6] != '\0';
	/* "acme/@U012AB3CD": an id on one network. */
	at = strstr(text, "/@");
	if (at != NULL && at != text && at[2] != '\0')
		return true;
	return text_fold_email(folded, sizeof(folded), text) == BH_OK;
}

void
conf_check_people_list(const struct bh_value *list, bool groups,
    struct conf_errors *errors)
{
	if (list == NULL || list->kind != BH_LIST)
		return;
	for (BH_EACH(c, list))
		if (c->kind == BH_TEXT && !host_person_ok(c->text, groups))
			conf_complain(errors, c, "\"%s\" is nobody: write an "
			    "e-mail address, \"BLOCK/@ID\"%s", c->text,
			    groups ? " or \"group:NAME\"" : "");
}

static void
host_check_who(const struct bh_value *who, struct conf_errors *errors)
{
	static const char *const words[] = { "members", "everyone", "admins" };
	BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);

	for (BH_EACH(c, who)) {
		bool known = c->kind != BH_TEXT;

		for (size_t i = 0; i < 3 && !known; i++)
			known = strcmp(words[i], c->text) == 0;
		if (known || host_person_ok(c->text, true) ||
		    (strncmp(c->text, "team:", 5) == 0 && c->text[5] != '\0'))
			continue;
		conf_complain(errors, c, "\"%s\" is nobody: write members, "
		    "everyone, admins, an e-mail address, group:NAME or "
		    "team:NAME%s", c->text, conf_hint(&hint, c->text, words,
		    3));
	}
}

void
conf_check_access(const struct bh_value *access, struct conf_errors *errors)
{
	static const char *const keys[] = { "commands", "who", "rooms" };
	static const bool strings[] = { true, true, true };

	if (access == NULL)
		return;
	if (access->kind != BH_LIST) {
		conf_complain(errors, access, "access must be a list, as in "
		    "- { commands: [help], who: [members] }");
		return;
	}
	for (BH_EACH(rule, access)) {
		if (!conf_is_map(rule, "an access rule", errors))
			continue;
		host_keys(rule, "an access rule", keys, strings, 3, errors);
		for (int i = 0; i < 2; i++)
			if (bh_get(rule, keys[i]) == NULL)
				conf_complain(errors, rule, "the access rule "
				    "has no \"%s\": nobody gets anything by "
				    "it", keys[i]);
		const struct bh_value *who = bh_get(rule, "who");
		if (who != NULL && who->kind == BH_LIST)
			host_check_who(who, errors);
	}
}

/* The same address must not stand for two people: it would make one of them
 * the other's approver. */
static void
host_check_twice(const struct bh_value *people, const struct bh_value *person,
    const struct bh_value *address, struct conf_errors *errors)
{
	for (BH_EACH(p, people)) {
		if (p == person)
			return;
		bool same = text_same_fold(bh_get_text(p, "email"),
		    address->text);
		const struct bh_value *also = bh_get(p, "also");
		for (BH_EACH(a, also))
			same = same || text_same_fold(bh_text(a),
			    address->text);
		if (same) {
			conf_complain(errors, address, "\"%s\" stands for "
			    "another person already (line %d): keep one",
			    address->text, p->line);
			return;
		}
	}
}

static void
host_check_people(const struct bh_value *people, struct conf_errors *errors)
{
	static const char *const keys[] = { "name", "email", "also" };
	static const bool strings[] = { false, false, true };
	char folded[256];

	if (people == NULL)
		return;
	if (people->kind != BH_LIST) {
		conf_complain(errors, people, "people must be a list, as in "
		    "- { name: Ada, email: ada@acme.example, also: [...] }");
		return;
	}
	for (BH_EACH(p, people)) {
		if (!conf_is_map(p, "a person", errors))
			continue;
		host_keys(p, "a person", keys, strings, 3, errors);
		const struct bh_value *email = bh_get(p, "email");
		if (email == NULL)
			conf_complain(errors, p, "a person needs an \"email\"");
		else if (email->kind == BH_TEXT && text_fold_email(folded,
		    sizeof(folded), email->text) != BH_OK)
			conf_complain(errors, email, "\"%s\" is no e-mail "
			    "address", email->text);
		else if (email->kind == BH_TEXT)
			host_check_twice(people, p, email, errors);
		const struct bh_value *also = bh_get(p, "also");
		conf_check_people_list(also, false, errors);
		for (BH_EACH(a, also))
			if (a->kind == BH_TEXT)
				host_check_twice(people, p, a, errors);
	}
}

static void
host_check_log(const struct bh_value *log, struct conf_errors *errors)
{
	static const char *const keys[] = { "level", "format" };
	static const bool strings[] = { false, false };
	const struct bh_value *level = log, *format = NULL;
	enum log_format f;
	int l;

	if (log == NULL)
		return;
	if (log->kind != BH_TEXT) {
		if (!conf_is_map(log, "log", errors))
			return;
		host_keys(log, "log", keys, strings, 2, errors);
		level = bh_get(log, "level");
		format = bh_get(log, "format");
	}
	if (bh_text(level) != NULL && !log_level_parse(level->text, &l))
		conf_complain(errors, level, "unknown log level \"%s\": "
		    "error, warning, note, info or debug", level->text);
	if (bh_text(format) != NULL && !log_format_parse(format->text, &f))
		conf_complain(errors, format, "unknown log format \"%s\": "
		    "auto, human, journal or json", format->text);
}

static void
host_check_chat(const struct bh_value *chat, struct conf_errors *errors)
{
	if (chat == NULL || !conf_is_map(chat, "chat", errors))
		return;
	for (BH_EACH(block, chat)) {
		if (!conf_name_ok(block->key))
			conf_complain_key(errors, block, "\"%s\" cannot be a "
			    "block's name: use a-z, 0-9 and -", block->key);
		if (!conf_is_map(block, "a block of chat", errors))
			continue;
		const char *plugin = bh_get_text(block, "plugin");
		if (plugin == NULL)
			conf_complain(errors, block, "block \"%s\" of chat has "
			    "no \"plugin\": add plugin: slack, teams or "
			    "console", block->key);
		else if (!conf_name_ok(plugin))
			conf_complain(errors, bh_get(block, "plugin"),
			    "\"%s\" cannot be a plugin's name", plugin);
	}
}

static bool
host_proxy_ok(const char *text)
{
	const char *host = strncmp(text, "http://", 7) == 0 ? text + 7 :
	    strncmp(text, "https://", 8) == 0 ? text + 8 : "";
	size_t len = strcspn(host, ":/?#@ \t,");

	return strcmp(text, "none") == 0 || (len > 0 && (host[len] == '\0' ||
	    (host[len] == ':' && host[len + 1] != '\0' &&
	    strspn(host + len + 1, "0123456789") == strlen(host + len + 1))));
}

static void
host_check_proxy(const struct bh_value *root, struct conf_errors *errors)
{
	const struct bh_value *proxy = bh_get(root, "proxy");
	const struct bh_value *secret = bh_get(root, "proxy-credentials");
	const struct bh_value *ca = bh_get(root, "ca-file");

	if (bh_text(proxy) != NULL && !host_proxy_ok(proxy->text))
		conf_complain(errors, proxy, "\"proxy\" is http:// or "
		    "https://, a host and a port, as in "
		    "http://proxy.acme.example:3128, or none; who we are goes "
		    "into proxy-credentials");
	if (secret != NULL && (bh_text(proxy) == NULL ||
	    strcmp(proxy->text, "none") == 0))
		conf_complain(errors, secret, "\"proxy-credentials\" without "
		    "a proxy: add proxy: http://HOST:PORT");
	if (bh_text(ca) != NULL && ca->text[0] != '/')
		conf_complain(errors, ca, "\"ca-file\" must be a whole path, "
		    "as in /etc/ssl/certs/acme.pem");
}

static void
host_check_words(const struct bh_value *root, struct conf_errors *errors)
{
	const struct bh_value *v = bh_get(root, "prefix");

	if (bh_text(v) != NULL && (strlen(v->text) > 3 || *v->text == '\0' ||
	    strpbrk(v->text, " \t\n") != NULL))
		conf_complain(errors, v, "\"prefix\" must be one to three "
		    "characters without blanks, as in \"!\"");
	v = bh_get(root, "store");
	if (bh_text(v) != NULL && strncmp(v->text, "sqlite:", 7) != 0)
		conf_complain(errors, v, "the store must be "
		    "sqlite:/path/to/bellhop.db, not \"%s\"", v->text);
	v = bh_get(root, "listen");
	if (bh_text(v) != NULL && strchr(v->text, ':') == NULL)
		conf_complain(errors, v, "\"listen\" needs address and port, "
		    "as in 127.0.0.1:8080");
	v = bh_get(root, "public-url");
	if (bh_text(v) != NULL && (strncmp(v->text, "https://", 8) != 0 ||
	    v->text[8] == '\0' || v->text[strlen(v->text) - 1] == '/' ||
	    strpbrk(v->text, " ?#@") != NULL))
		conf_complain(errors, v, "\"public-url\" is https:// and a "
		    "host, maybe a path, without a slash at its end, as in "
		    "https://bellhop.acme.example");
}

void
conf_check_host(struct conf *conf, struct conf_errors *errors)
{
	const struct bh_value *root = conf->root, *delegate;

	for (const struct bh_option *o = conf_host_options; o->key != NULL;
	    o++) {
		const struct bh_value *v = bh_get(root, o->key);

		if (v != NULL)
			conf_typed(o, v, errors);
	}
	conf_presets(conf, NULL, conf_host_options, 0, errors);
	host_check_words(root, errors);
	host_check_proxy(root, errors);
	conf_check_people_list(bh_get(root, "admins"), false, errors);
	conf_check_access(bh_get(root, "access"), errors);
	host_check_people(bh_get(root, "people"), errors);
	host_check_log(bh_get(root, "log"), errors);
	host_check_chat(bh_get(root, "chat"), errors);
	delegate = bh_get(root, "delegate");
	if (delegate != NULL && conf_is_map(delegate, "delegate", errors))
		for (BH_EACH(c, delegate))
			conf_is_map(c, "what is delegated to a team", errors);
}
