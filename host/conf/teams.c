/*
 * teams.c - what a team's file may hold, and whose room this is.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The main file delegates; a team's file uses what it was given.  It narrows
 * and never widens: every room, plugin and command it names must lie within
 * its entry under `delegate`.  What plugins make of their own keys there
 * (accounts, durations) is their check()'s business.
 */

#include "host/conf/internal.h"

struct conf_team *
conf_team(const struct conf *conf, const char *name)
{
	for (struct conf_team *t = conf->teams; t != NULL; t = t->next)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

bool
conf_team_exists(const struct conf *conf, const char *team)
{
	CHECK_MAGIC(conf, CONF_MAGIC);
	return conf_team(conf, team) != NULL;
}

const char *
conf_team_at(const struct conf *conf, size_t n)
{
	const struct conf_team *t = conf->teams;

	CHECK_MAGIC(conf, CONF_MAGIC);
	while (t != NULL && n-- > 0)
		t = t->next;
	return t != NULL ? t->name : NULL;
}

const struct bh_value *
conf_delegated(const struct conf *conf, const char *team)
{
	CHECK_MAGIC(conf, CONF_MAGIC);
	return bh_get(bh_get(conf->root, "delegate"), team);
}

static const struct bh_value *
team_key(const struct conf *conf, const char *team, const char *key)
{
	const struct conf_team *t;

	CHECK_MAGIC(conf, CONF_MAGIC);
	t = conf_team(conf, team);
	return t != NULL ? bh_get(t->root, key) : NULL;
}

const struct bh_value *
conf_team_rooms(const struct conf *conf, const char *team)
{
	return team_key(conf, team, "rooms");
}

const struct bh_value *
conf_team_members(const struct conf *conf, const char *team)
{
	return team_key(conf, team, "members");
}

const struct bh_value *
conf_team_section(const struct conf *conf, const char *team,
    const char *plugin)
{
	return team_key(conf, team, plugin);
}

const char *
conf_team_of_room(const struct conf *conf, const char *room)
{
	const char *best = "";
	size_t longest = 0;

	CHECK_MAGIC(conf, CONF_MAGIC);
	for (const struct conf_team *t = conf->teams; t != NULL; t = t->next)
		for (BH_EACH(c, bh_get(t->root, "rooms"))) {
			if (bh_text(c) == NULL)
				continue;
			if (strcmp(c->text, room) == 0)
				return t->name;
			if (strlen(c->text) > longest &&
			    text_glob(c->text, room)) {
				longest = strlen(c->text);
				best = t->name;
			}
		}
	return best;
}

/*
 * Does all that `inner` (maybe a pattern) stands for lie within `outer`?  A
 * '*' of the outer one takes whatever text stands there, and so also a '*' of
 * the inner one; a '?' takes one character and would take a '*' for one, so
 * the two do not go together.  Rather too narrow than too wide.
 */
static bool
team_within(const char *outer, const char *inner)
{
	if (strpbrk(inner, "*?") != NULL && strpbrk(outer, "?\\") != NULL)
		return strcmp(outer, inner) == 0;
	return text_glob(outer, inner);
}

static bool
team_within_any(const struct bh_value *outers, const char *inner)
{
	for (BH_EACH(o, outers))
		if (bh_text(o) != NULL && team_within(o->text, inner))
			return true;
	return false;
}

static const char *
team_join(struct bh_buf *out, const struct bh_value *list)
{
	for (BH_EACH(c, list))
		bh_buf_add(out, "%s%s", c != list->first ? ", " : "",
		    c->text != NULL ? c->text : "");
	return list != NULL && list->count > 0 ? bh_buf_text(out) : "none";
}

/* Each of `list` must lie within the delegation's `allowed`. */
static void
team_check_within(const struct conf_team *team, const char *what,
    const struct bh_value *list, const struct bh_value *allowed,
    const struct bh_value *delegate, struct conf_errors *errors)
{
	if (list == NULL || list->kind != BH_LIST)
		return;
	for (BH_EACH(c, list)) {
		BH_AUTO_BUF struct bh_buf all = BH_BUF(512);
		const struct bh_value *at = allowed != NULL ? allowed :
		    delegate;

		if (bh_text(c) == NULL || team_within_any(allowed, c->text))
			continue;
		conf_complain(errors, c, "%s \"%s\" is not delegated to team "
		    "%s (%s:%d allows %s)", what, c->text, team->name,
		    at->file, at->line, team_join(&all, allowed));
	}
}

static void
team_check_rooms_twice(const struct conf *conf, const struct conf_team *team,
    const struct bh_value *rooms, struct conf_errors *errors)
{
	for (const struct conf_team *t = conf->teams; t != team; t = t->next)
		for (BH_EACH(theirs, bh_get(t->root, "rooms")))
			for (BH_EACH(ours, rooms))
				if (bh_text(ours) != NULL &&
				    bh_text(theirs) != NULL &&
				    strcmp(ours->text, theirs->text) == 0)
					conf_complain(errors, ours, "room "
					    "\"%s\" is team %s's already "
					    "(%s:%d)", ours->text, t->name,
					    theirs->file, theirs->line);
}

void
conf_check_room(const struct conf *conf, const struct bh_value *room,
    struct conf_errors *errors)
{
	const struct bh_value *chat = conf_map(conf, "chat");
	BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);
	const char *slash;
	size_t n = 0;

	if (bh_text(room) == NULL)
		return;
	slash = strchr(room->text, '/');
	if (slash == NULL || slash == room->text || slash[1] == '\0') {
		if (strcmp(room->text, "*") != 0)
			conf_complain(errors, room, "\"%s\" is no room: write "
			    "BLOCK/ROOM, as in acme/#payments", room->text);
		return;
	}
	BH_AUTO_FREE char *block = xstrndup(room->text,
	    (size_t)(slash - room->text));
	if (chat == NULL || strpbrk(block, "*?\\") != NULL ||
	    bh_get(chat, block) != NULL)
		return;
	BH_AUTO_FREE const char **names = xcalloc(chat->count,
	    sizeof(*names));
	for (BH_EACH(c, chat))
		names[n++] = c->key;
	conf_complain(errors, room, "chat has no block \"%s\"%s", block,
	    conf_hint(&hint, block, names, n));
}

static void
team_check_access(const struct conf *conf, const struct conf_team *team,
    const struct bh_value *delegate, struct conf_errors *errors)
{
	const struct bh_value *access = bh_get(team->root, "access");
	const struct bh_value *commands = bh_get(delegate, "commands");

	conf_check_access(access, errors);
	if (access == NULL || access->kind != BH_LIST)
		return;
	for (BH_EACH(rule, access)) {
		if (commands != NULL)
			team_check_within(team, "command",
			    bh_get(rule, "commands"), commands, delegate,
			    errors);
		team_check_within(team, "room", bh_get(rule, "rooms"),
		    bh_get(delegate, "rooms"), delegate, errors);
	}
	(void)conf;
}

static void
team_check_plugin(const struct conf *conf, const struct conf_team *team,
    const struct bh_value *section, const struct bh_value *delegate,
    struct conf_errors *errors)
{
	static const char *const own[] = { "rooms", "members", "access" };
	const struct conf_plugin *plugin = conf_plugin(conf, section->key);
	const struct bh_value *allowed = bh_get(delegate, "plugins");
	BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);

	if (plugin == NULL && conf_refused(conf, section->key))
		return;
	if (plugin == NULL) {
		size_t n = 0;
		BH_AUTO_FREE const char **names = xcalloc(
		    conf->plugins_count + 3, sizeof(*names));

		for (; n < 3; n++)
			names[n] = own[n];
		for (size_t i = 0; i < conf->plugins_count; i++)
			names[n++] = conf->plugins[i].name;
		conf_complain_key(errors, section, "unknown key \"%s\"%s",
		    section->key, conf_hint(&hint, section->key, names, n));
	} else if (!conf_wants(conf, plugin->name)) {
		conf_complain_key(errors, section, "plugin %s is not enabled "
		    "in %s", plugin->name, conf->name);
	} else if (allowed != NULL &&
	    !team_within_any(allowed, plugin->name)) {
		conf_complain_key(errors, section, "plugin %s is not delegated "
		    "to team %s (%s:%d)", plugin->name, team->name,
		    allowed->file, allowed->line);
	} else if (conf_is_map(section, plugin->name, errors)) {
		conf_check_section(plugin, section, team->name, errors);
	}
}

static void
team_check_file(const struct conf *conf, const struct conf_team *team,
    struct conf_errors *errors)
{
	static const struct bh_option lists[] = {
		{ .key = "rooms", .type = BH_STRINGS },
		{ .key = "members", .type = BH_STRINGS },
	};
	const struct bh_value *delegate = conf_delegated(conf, team->name);
	const struct bh_value *all = conf_map(conf, "delegate");

	if (delegate == NULL) {
		BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);
		BH_AUTO_FREE const char **names = xcalloc(all != NULL ?
		    all->count : 0, sizeof(*names));
		size_t n = 0;

		for (BH_EACH(c, all))
			names[n++] = c->key;
		conf_complain(errors, team->root, "nothing is delegated to "
		    "team %s: add it under delegate in %s%s", team->name,
		    conf->name, conf_hint(&hint, team->name, names, n));
		return;
	}
	for (BH_EACH(c, team->root)) {
		if (strcmp(c->key, "access") == 0)
			continue;
		if (strcmp(c->key, "rooms") == 0)
			conf_typed(&lists[0], c, errors);
		else if (strcmp(c->key, "members") == 0)
			conf_typed(&lists[1], c, errors);
		else
			team_check_plugin(conf, team, c, delegate, errors);
	}
	const struct bh_value *rooms = bh_get(team->root, "rooms");
	for (BH_EACH(c, rooms))
		conf_check_room(conf, c, errors);
	team_check_within(team, "room", rooms, bh_get(delegate, "rooms"),
	    delegate, errors);
	team_check_rooms_twice(conf, team, rooms, errors);
	conf_check_people_list(bh_get(team->root, "members"), true, errors);
	team_check_access(conf, team, delegate, errors);
}

/* The type of a key under delegate: the host's own, or a plugin's option that
 * says so. */
static const struct bh_option *
team_delegate_option(const struct conf *conf, const char *key)
{
	static const struct bh_option own[] = {
		{ .key = "rooms", .type = BH_STRINGS },
		{ .key = "plugins", .type = BH_STRINGS },
		{ .key = "commands", .type = BH_STRINGS },
	};

	for (size_t i = 0; i < 3; i++)
		if (strcmp(own[i].key, key) == 0)
			return &own[i];
	for (size_t i = 0; i < conf->plugins_count; i++) {
		const struct bh_option *o = conf_option(&conf->plugins[i],
		    key);

		if (o != NULL && (o->flags & BH_OPT_DELEGATE) != 0)
			return o;
	}
	return NULL;
}

static void
team_delegate_unknown(const struct conf *conf, const struct bh_value *c,
    struct conf_errors *errors)
{
	const char *names[64] = { "rooms", "plugins", "commands" };
	BH_AUTO_BUF struct bh_buf hint = BH_BUF(128);
	size_t n = 3;

	/* It may be an option of the one that is not here. */
	if (conf->refused_count > 0)
		return;
	for (size_t i = 0; i < conf->plugins_count; i++) {
		const struct conf_plugin *p = &conf->plugins[i];
		const struct bh_option *o;

		for (size_t k = 0; n < 64 && (o = conf_option_at(p->options,
		    p->option_size, k)) != NULL; k++)
			if ((o->flags & BH_OPT_DELEGATE) != 0)
				names[n++] = o->key;
	}
	conf_complain_key(errors, c, "\"%s\" cannot be delegated%s", c->key,
	    conf_hint(&hint, c->key, names, n));
}

static void
team_check_delegate(const struct conf *conf, struct conf_errors *errors)
{
	for (BH_EACH(entry, conf_map(conf, "delegate"))) {
		if (!conf_name_ok(entry->key))
			conf_complain_key(errors, entry, "\"%s\" cannot be a "
			    "team's name: use a-z, 0-9 and -", entry->key);
		if (entry->kind != BH_MAP)
			continue;
		for (BH_EACH(c, entry)) {
			const struct bh_option *o = team_delegate_option(conf,
			    c->key);

			if (o == NULL)
				team_delegate_unknown(conf, c, errors);
			else
				conf_typed(o, c, errors);
		}
		const struct bh_value *rooms = bh_get(entry, "rooms");
		if (rooms != NULL && rooms->kind == BH_LIST)
			for (BH_EACH(c, rooms))
				conf_check_room(conf, c, errors);
	}
}

/* "team:payments" in a rule must be a team there is. */
static void
team_check_who(const struct conf *conf, const struct bh_value *access,
    struct conf_errors *errors)
{
	for (BH_EACH(rule, access))
		for (BH_EACH(c, bh_get(rule, "who"))) {
			const char *who = bh_text(c);

			if (who != NULL && strncmp(who, "team:", 5) == 0 &&
			    conf_team(conf, who + 5) == NULL)
				conf_complain(errors, c, "there is no team "
				    "\"%s\": add team.d/%s.yaml", who + 5,
				    who + 5);
		}
}

void
conf_check_teams(struct conf *conf, struct conf_errors *errors)
{
	team_check_delegate(conf, errors);
	for (const struct conf_team *t = conf->teams; t != NULL; t = t->next)
		team_check_file(conf, t, errors);
	for (const struct conf_team *t = conf->teams; t != NULL; t = t->next)
		team_check_who(conf, bh_get(t->root, "access"), errors);
	team_check_who(conf, bh_get(conf->root, "access"), errors);
	for (BH_EACH(rule, bh_get(conf->root, "access")))
		for (BH_EACH(room, bh_get(rule, "rooms")))
			conf_check_room(conf, room, errors);
	for (BH_EACH(room, bh_get(conf->root, "shared-rooms")))
		conf_check_room(conf, room, errors);
}
