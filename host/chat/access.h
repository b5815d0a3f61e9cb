/* access.h - may this person run this command here?  Closed by default.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A rule is a map {commands: [...], who: [...], rooms: [...]}.  It allows; no
 * rule, no access.  The main file's rules hold everywhere.  A team that has
 * rules of its own narrows them in its rooms: there, one of the main file's
 * and one of the team's must match.  What the main file delegates to the
 * team (`delegate: TEAM: commands: [...]`) needs the team's rule alone.
 */

#ifndef HOST_CHAT_ACCESS_H
#define HOST_CHAT_ACCESS_H

#include <bellhop/plugin.h>

struct access_question {
	const struct bh_user *user;
	const char *command;		/* "elevate" */
	const char *plugin;		/* "aws-sso" */
	unsigned flags;			/* BH_CMD_* */
	const char *place;		/* "acme/#C012AB", "acme/@U1" */
	const char *place_name;		/* "acme/#payments", or NULL */
	const char *team;		/* "" if none */
	const struct bh_value *main_rules;	/* lists, or NULL */
	const struct bh_value *team_rules;
	const struct bh_value *delegated;	/* the team's entry, or NULL */
	/* 1 yes, anything else no. */
	int (*in_group)(void *arg, const struct bh_user *user,
	    const char *group);
	/* `members` of the team's file, or NULL. */
	const struct bh_value *(*members)(void *arg, const char *team);
	void *arg;
};

/* Decides, and appends to `why` (may be NULL) which rule allowed it, as
 * "bellhop.yaml:14", or why none did, as part of a sentence. */
bool access_allows(const struct access_question *q, struct bh_buf *why);

/* Is the user one of `list` (BH_TEXT or a list of it): everyone, members,
 * admins, an e-mail, "realm/@id", group:NAME, team:NAME? */
bool access_is_one_of(const struct access_question *q,
    const struct bh_value *list);

#endif /* HOST_CHAT_ACCESS_H */
