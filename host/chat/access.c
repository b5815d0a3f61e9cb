/* access.c - the rules that say who may run what, and where.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/access.h"

#include "host/base/mem.h"
#include "host/base/text.h"

/* How far a rule went along with the question. */
enum fit { FIT_NOT, FIT_COMMAND, FIT_ROOM, FIT_ALL };

static bool is_one(const struct access_question *q, const char *who,
    bool in_team_file);

static bool
any_is(const struct access_question *q, const struct bh_value *list,
    bool in_team_file)
{
	if (list == NULL)
		return false;
	if (list->kind == BH_TEXT)
		return is_one(q, list->text, in_team_file);
	for (BH_EACH(c, list))
		if (c->kind == BH_TEXT && is_one(q, c->text, in_team_file))
			return true;
	return false;
}

/* A team's member list may not name teams: that could go in circles. */
static bool
is_one(const struct access_question *q, const char *who, bool in_members)
{
	const struct bh_user *user = q->user;
	bool outsider = (user->flags & (BH_USER_GUEST | BH_USER_BOT)) != 0 ||
	    user->person == NULL;

	if (!in_members && strcmp(who, "everyone") == 0)
		return true;
	if (strncmp(who, "group:", 6) == 0)
		return !outsider && q->in_group != NULL &&
		    q->in_group(q->arg, user, who + 6) == 1;
	if (!in_members && strcmp(who, "members") == 0)
		return !outsider;
	if (!in_members && strcmp(who, "admins") == 0)
		return !outsider && (user->flags & BH_USER_ADMIN) != 0;
	if (!in_members && strncmp(who, "team:", 5) == 0)
		return !outsider && q->members != NULL &&
		    any_is(q, q->members(q->arg, who + 5), true);

	/* "acme/@U12": this account, whatever it is. */
	const char *at = strstr(who, "/@");

	if (at != NULL) {
		size_t len = (size_t)(at - who);

		return user->realm != NULL && user->id != NULL &&
		    strlen(user->realm) == len &&
		    memcmp(user->realm, who, len) == 0 &&
		    strcmp(user->id, at + 2) == 0;
	}
	return !outsider && user->email != NULL &&
	    text_same_fold(user->email, who);
}

bool
access_is_one_of(const struct access_question *q, const struct bh_value *list)
{
	return any_is(q, list, false);
}

static bool
glob_any(const struct bh_value *list, const char *a, const char *b)
{
	if (list == NULL)
		return false;
	if (list->kind == BH_TEXT)
		return text_glob(list->text, a) ||
		    (b != NULL && text_glob(list->text, b));
	for (BH_EACH(c, list))
		if (c->kind == BH_TEXT && glob_any(c, a, b))
			return true;
	return false;
}

static bool
names_command(const struct access_question *q, const struct bh_value *list)
{
	BH_AUTO_FREE char *full = NULL;

	if (glob_any(list, q->command, NULL))
		return true;
	full = xjoin(q->plugin, "/", q->command);
	return glob_any(list, full, NULL);
}

static enum fit
fit_of(const struct access_question *q, const struct bh_value *rule)
{
	const struct bh_value *rooms = bh_get(rule, "rooms");

	if (!names_command(q, bh_get(rule, "commands")))
		return FIT_NOT;
	if (rooms != NULL && !glob_any(rooms, q->place, q->place_name))
		return FIT_COMMAND;
	if (!any_is(q, bh_get(rule, "who"), false))
		return FIT_ROOM;
	return FIT_ALL;
}

/* The first rule that allows it, else the one that came nearest. */
static const struct bh_value *
best_rule(const struct access_question *q, const struct bh_value *rules,
    enum fit *fit)
{
	const struct bh_value *best = NULL;

	*fit = FIT_NOT;
	for (BH_EACH(rule, rules)) {
		enum fit f = fit_of(q, rule);

		if (f > *fit) {
			*fit = f;
			best = rule;
		}
	}
	return best;
}

static void
say_list(struct bh_buf *why, const struct bh_value *list, const char *none)
{
	if (list == NULL) {
		bh_buf_puts(why, none);
	} else if (list->kind == BH_TEXT) {
		bh_buf_puts(why, list->text);
	} else {
		size_t n = 0;

		for (BH_EACH(c, list))
			bh_buf_add(why, "%s%s", n++ > 0 ? ", " : "",
			    c->text != NULL ? c->text : "?");
		if (n == 0)
			bh_buf_puts(why, none);
	}
}

static void
say_where(struct bh_buf *why, const struct bh_value *rule)
{
	const char *file = rule->file != NULL ? rule->file : "access";
	const char *slash = strrchr(file, '/');

	/* The folder helps only where files of several teams lie. */
	if (slash != NULL && strstr(file, "team.d/") != NULL)
		slash = strstr(file, "team.d/") - 1;
	if (rule->line > 0)
		bh_buf_add(why, "%s:%d", slash != NULL && slash >= file ?
		    slash + 1 : file, rule->line);
	else
		bh_buf_puts(why, file);
}

static void
say_refusal(struct bh_buf *why, const struct access_question *q,
    const struct bh_value *rule, enum fit fit, const char *whose)
{
	switch (fit) {
	case FIT_ROOM:
		bh_buf_puts(why, "the rule at ");
		say_where(why, rule);
		bh_buf_puts(why, " allows it only to ");
		say_list(why, bh_get(rule, "who"), "nobody");
		break;
	case FIT_COMMAND:
		bh_buf_puts(why, "the rule at ");
		say_where(why, rule);
		bh_buf_puts(why, " allows it only in ");
		say_list(why, bh_get(rule, "rooms"), "no room");
		break;
	default:
		bh_buf_add(why, "no access rule of %s names %s", whose,
		    q->command);
	}
}

bool
access_allows(const struct access_question *q, struct bh_buf *why)
{
	BH_AUTO_BUF struct bh_buf ignored = BH_BUF(4096);
	const struct bh_value *rule;
	enum fit fit;

	if (why == NULL)
		why = &ignored;
	if ((q->flags & BH_CMD_ADMIN) != 0) {
		bool admin = (q->user->flags & BH_USER_ADMIN) != 0 &&
		    (q->user->flags & (BH_USER_GUEST | BH_USER_BOT)) == 0;

		bh_buf_puts(why, admin ? "admins" :
		    "it is for admins (admins: in bellhop.yaml)");
		return admin;
	}
	if ((q->flags & BH_CMD_ANYONE) != 0) {
		bh_buf_puts(why, "open to anyone");
		return true;
	}
	if (q->team_rules != NULL) {
		BH_AUTO_FREE char *whose = xasprintf("team %s", q->team);

		rule = best_rule(q, q->team_rules, &fit);
		if (fit != FIT_ALL) {
			say_refusal(why, q, rule, fit, whose);
			return false;
		}
		if (names_command(q, bh_get(q->delegated, "commands"))) {
			say_where(why, rule);
			return true;
		}
	}
	rule = best_rule(q, q->main_rules, &fit);
	if (fit != FIT_ALL) {
		say_refusal(why, q, rule, fit, "bellhop.yaml");
		return false;
	}
	say_where(why, rule);
	return true;
}
