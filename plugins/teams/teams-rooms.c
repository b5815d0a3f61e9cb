/* teams-rooms.c - what a channel or a chat is called, and who is in it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A channel is "TEAM/CHANNEL", as settings name it.  Anybody may found a team
 * and call it like another, so that a name which two channels have is nobody's:
 * such a channel is named with its id and can be used by that alone.  What
 * people could put into a name to look like another is replaced: a "/" in it.
 * Chats are named after those in them, in a shape that no setting has.
 *
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/
 * get-teams-context
 */

#include "plugins/teams/teams.h"

#define NAMED		3u		/* people whose names a chat bears */
/* As many as one page may have, and more than a chat takes. */
#define MEMBERS		"pagedmembers?pageSize=500"

struct asking {
	unsigned magic;
#define ASKING_MAGIC	0x54576872u
	struct teams *teams;
	char *room;
	bh_where_cb *done;
	void *arg;
};

static void
finish(struct asking *a, int result, const struct bh_where *where)
{
	a->done(a->arg, result, where);
	free(a->room);
	a->magic = 0;
	free(a);
}

static void
ask(struct asking *a, const char *path, teams_api_cb *cb)
{
	const struct teams_place *p = teams_place_find(a->teams, a->room);
	struct teams_ask ask = { .method = "GET", .path = path,
		.rank = TEAMS_NOW };

	if (p == NULL) {
		finish(a, BH_ENOENT, NULL);
		return;
	}
	ask.service_url = p->service_url;
	ask.conversation = p->conversation;
	teams_api(a->teams, &ask, cb, a);
}

/* ------------------------------------------------------------------ */
/* Channels                                                            */

char *
teams_room_part(const char *name)
{
	struct bh_buf clean = BH_BUF(4096), out = BH_BUF(8192);

	bh_buf_clean(&clean, name != NULL ? name : "", false);
	for (const char *p = bh_buf_text(&clean); *p != '\0'; p++)
		if (*p == '/')
			bh_buf_puts(&out, "\xe2\x88\x95");	/* U+2215 */
		else
			bh_buf_put(&out, p, 1);
	bh_buf_release(&clean);
	return out.data;
}

static void
learn(struct asking *a, const char *team, const char *channel)
{
	char *team_part = teams_room_part(team);
	char *channel_part = teams_room_part(channel);

	teams_place_name(a->teams, a->room, team_part, channel_part);
	free(team_part);
	free(channel_part);
}

/* Both names are known, as far as they will be. */
static void
say_channel(struct asking *a, unsigned flags)
{
	const struct teams_place *p = teams_place_find(a->teams, a->room);
	struct bh_buf name = BH_BUF(16u * 1024u);
	struct bh_where where = { .flags = flags };

	if (p != NULL && p->team_name != NULL && p->channel_name != NULL) {
		bh_buf_add(&name, "%s/%s", p->team_name, p->channel_name);
		if (teams_place_named(a->teams, bh_buf_text(&name)) != p) {
			bh_log(a->teams->host, BH_LOG_WARN, "several channels "
			    "are called %.200s: settings must name them by "
			    "their ids; this one is %s",
			    bh_buf_text(&name), p->conversation);
			bh_buf_add(&name, " (%s)", p->conversation);
		}
	} else
		bh_buf_puts(&name, a->room);
	where.name = bh_buf_text(&name);
	finish(a, BH_OK, &where);
	bh_buf_release(&name);
}

static void
got_channels(void *arg, const struct teams_answer *answer)
{
	struct asking *a = arg;
	/* One that is not listed is no ordinary channel: of it the worst is
	 * assumed. */
	unsigned flags = BH_ROOM_SHARED;

	assert(a->magic == ASKING_MAGIC);
	if (answer->result != BH_OK) {
		finish(a, answer->result, NULL);
		return;
	}
	for (BH_EACH(c, bh_get(answer->body, "conversations"))) {
		const char *id = bh_get_text(c, "id");
		const char *name = bh_get_text(c, "name");
		const char *type = bh_get_text(c, "type");

		if (id == NULL || strcmp(id, a->room) != 0)
			continue;
		/* The first channel has no name of its own. */
		learn(a, NULL, name != NULL ? name : "General");
		flags = type != NULL && strcasecmp(type, "shared") == 0 ?
		    BH_ROOM_SHARED : 0;
	}
	say_channel(a, flags);
}

static void
ask_team(struct asking *a, const char *rest, teams_api_cb *cb)
{
	const struct teams_place *p = teams_place_find(a->teams, a->room);
	struct bh_buf path = BH_BUF(8192);

	bh_buf_puts(&path, "v3/teams/");
	bh_buf_percent(&path, p != NULL && p->team != NULL ? p->team :
	    a->room);
	bh_buf_puts(&path, rest);
	ask(a, bh_buf_text(&path), cb);
	bh_buf_release(&path);
}

static void
got_team(void *arg, const struct teams_answer *answer)
{
	struct asking *a = arg;

	assert(a->magic == ASKING_MAGIC);
	if (answer->result != BH_OK) {
		finish(a, answer->result, NULL);
		return;
	}
	learn(a, bh_get_text(answer->body, "name"), NULL);
	ask_team(a, "/conversations", got_channels);
}

/* ------------------------------------------------------------------ */
/* Chats                                                               */

static void
got_members(void *arg, const struct teams_answer *answer)
{
	struct asking *a = arg;
	struct bh_buf name = BH_BUF(16u * 1024u);
	struct bh_where where = { .flags = 0 };
	const struct bh_value *members = bh_get(answer->body, "members");
	const char *more = bh_get_text(answer->body, "continuationToken");
	size_t count = 0;

	assert(a->magic == ASKING_MAGIC);
	if (answer->result != BH_OK) {
		finish(a, answer->result, NULL);
		return;
	}
	/* Without a list it is not known that nobody from outside is there. */
	if (members == NULL || members->kind != BH_LIST) {
		finish(a, BH_EPARSE, NULL);
		return;
	}
	for (BH_EACH(m, members)) {
		const char *who = bh_get_text(m, "name");
		const char *tenant = bh_get_text(m, "tenantId");

		if (tenant != NULL && !teams_tenant_ok(a->teams, tenant))
			where.flags |= BH_ROOM_SHARED;
		if (count++ >= NAMED)
			continue;
		bh_buf_puts(&name, count > 1 ? ", " : "(");
		bh_buf_clean(&name, who != NULL ? who : "?", false);
	}
	if (count > NAMED)
		bh_buf_add(&name, " and %zu more", count - NAMED);
	/* Of those who are on no page that we read the worst is assumed. */
	if (more != NULL && *more != '\0')
		where.flags |= BH_ROOM_SHARED;
	bh_buf_puts(&name, count > 0 ? ")" : "(a chat)");
	where.name = bh_buf_text(&name);
	finish(a, BH_OK, &where);
	bh_buf_release(&name);
}

/* ------------------------------------------------------------------ */

void
teams_where(void *state, const char *room, bh_where_cb *done, void *arg)
{
	struct teams *t = teams_of(state);
	const struct teams_place *p = teams_place_find(t, room);
	struct asking *a = bh_zero(sizeof(*a));
	struct bh_buf path = BH_BUF(8192);

	a->magic = ASKING_MAGIC;
	a->teams = t;
	a->room = bh_copy(room);
	a->done = done;
	a->arg = arg;
	if (p != NULL && strcmp(p->type, "channel") == 0) {
		ask_team(a, "", got_team);
		return;
	}
	teams_api_path(&path, room, MEMBERS, NULL);
	ask(a, bh_buf_text(&path), got_members);
	bh_buf_release(&path);
}
