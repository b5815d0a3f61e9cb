/* slack-people.c - who somebody is, what a room is called, who we are.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/reference/methods/users.info, conversations.info,
 * users.conversations, auth.test.  Everything is looked up when it is needed:
 * a list of all users or channels takes minutes in a large workspace.
 */

#include "plugins/slack/slack.h"

#define ROOMS_MOST	5000u
#define PAGES_MOST	50
#define AGAIN_AFTER	60000		/* ms: rooms are read anew, at most */
#define IDENTIFY_FIRST	2000
#define IDENTIFY_MOST	(5 * 60 * 1000)

/* ------------------------------------------------------------------ */
/* Who                                                                 */

struct who {
	struct slack *slack;
	bh_who_cb *who;
	bh_where_cb *where;
	void *arg;
	char *user;		/* who is asked about ... */
	struct who *next;	/* ... once we know who we are */
};

struct slack_self {
	struct slack *slack;
	struct bh_timer *timer;
	int64_t wait;
	struct who *early;		/* to be asked about, then */
};

static struct slack_self *
self_of(struct slack *s)
{
	if (s->self == NULL)
		s->self = bh_zero(sizeof(*s->self));
	s->self->slack = s;
	return s->self;
}

static bool
in_list(char *const *list, const char *id)
{
	for (; list != NULL && *list != NULL && id != NULL; list++)
		if (strcmp(*list, id) == 0)
			return true;
	return false;
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

bool
slack_ours(const struct slack *s, const char *team, const char *enterprise)
{
	return same(team, s->team) || same(enterprise, s->enterprise) ||
	    in_list(s->workspaces, team) || in_list(s->workspaces, enterprise);
}

/* In an organisation, a user may belong to several of its workspaces. */
static bool
user_ours(const struct slack *s, const struct bh_value *user)
{
	const struct bh_value *org = bh_get(user, "enterprise_user");

	if (slack_ours(s, bh_get_text(user, "team_id"),
	    bh_get_text(org, "enterprise_id")))
		return true;
	for (BH_EACH(team, bh_get(org, "teams")))
		if (slack_ours(s, bh_text(team), NULL))
			return true;
	return false;
}

static const char *
first_text(const char *a, const char *b, const char *c)
{
	return a != NULL && *a != '\0' ? a : b != NULL && *b != '\0' ? b : c;
}

static void
read_user(const struct slack *s, const struct bh_value *user,
    struct bh_who *out)
{
	const struct bh_value *profile = bh_get(user, "profile");
	const char *email = bh_get_text(profile, "email");

	out->name = first_text(bh_get_text(profile, "real_name"),
	    bh_get_text(user, "real_name"), first_text(bh_get_text(profile,
	    "display_name"), bh_get_text(user, "name"), ""));
	if (bh_get_bool(user, "is_restricted", false) ||
	    bh_get_bool(user, "is_ultra_restricted", false) ||
	    bh_get_bool(user, "is_stranger", false) || !user_ours(s, user))
		out->flags |= BH_USER_GUEST;
	if (bh_get_bool(user, "is_bot", false) ||
	    bh_get_bool(user, "is_workflow_bot", false) ||
	    same(bh_get_text(user, "id"), "USLACKBOT"))
		out->flags |= BH_USER_BOT;
	if (bh_get_bool(user, "deleted", false))
		out->flags |= BH_USER_GONE;
	/* Somebody else's word for an address is none, and one that has left
	 * must not keep it from who has it now. */
	if (email != NULL && *email != '\0' &&
	    bh_get_bool(user, "is_email_confirmed", true) &&
	    out->flags == 0)
		out->email = email;
}

static void
got_user(void *arg, const struct slack_answer *a)
{
	struct who *w = arg;
	const struct bh_value *user = bh_get(a->body, "user");
	struct bh_who who = { 0 };

	if (a->result == BH_OK && user != NULL) {
		read_user(w->slack, user, &who);
		w->who(w->arg, BH_OK, &who);
	} else if (a->error != NULL && (strcmp(a->error, "user_not_found") ==
	    0 || strcmp(a->error, "user_not_visible") == 0)) {
		w->who(w->arg, BH_ENOENT, NULL);
	} else {
		w->who(w->arg, a->result != BH_OK ? a->result : BH_EPARSE,
		    NULL);
	}
	free(w->user);
	free(w);
}

static void
ask_who(struct who *w)
{
	struct bh_buf form = BH_BUF(1024);

	bh_buf_puts(&form, "user=");
	bh_buf_percent(&form, w->user);
	slack_api(w->slack, &(struct slack_ask){ .method = "users.info",
	    .form = bh_buf_text(&form), .rank = SLACK_NOW }, got_user, w);
	bh_buf_release(&form);
}

void
slack_who(void *state, const char *user, bh_who_cb *done, void *arg)
{
	struct slack *s = slack_of(state);
	struct who *w;

	w = bh_zero(sizeof(*w));
	*w = (struct who){ .slack = s, .who = done, .arg = arg,
	    .user = bh_copy(user) };
	/* Who is ours cannot be said before we know who we are: what was kept
	 * over a restart asks before that. */
	if (s->team != NULL) {
		ask_who(w);
	} else {
		struct slack_self *self = self_of(s);

		w->next = self->early;
		self->early = w;
	}
}

/* ------------------------------------------------------------------ */
/* Where                                                               */

static void
got_channel(void *arg, const struct slack_answer *a)
{
	struct who *w = arg;
	const struct bh_value *c = bh_get(a->body, "channel");
	struct bh_buf name = BH_BUF(1024);
	struct bh_where where = { .name = "" };
	const char *text = bh_get_text(c, "name");

	if (a->result == BH_OK && c != NULL) {
		if (text != NULL && !bh_get_bool(c, "is_im", false)) {
			bh_buf_add(&name, "#%.200s", text);
			where.name = bh_buf_text(&name);
		}
		/* Shared within one organisation is among our own. */
		if (bh_get_bool(c, "is_ext_shared", false) ||
		    bh_get_bool(c, "is_pending_ext_shared", false))
			where.flags |= BH_ROOM_SHARED;
		w->where(w->arg, BH_OK, &where);
	} else if (a->error != NULL &&
	    strcmp(a->error, "channel_not_found") == 0) {
		w->where(w->arg, BH_ENOENT, NULL);
	} else {
		w->where(w->arg, a->result != BH_OK ? a->result : BH_EPARSE,
		    NULL);
	}
	bh_buf_release(&name);
	free(w);
}

void
slack_where(void *state, const char *room, bh_where_cb *done, void *arg)
{
	struct slack *s = slack_of(state);
	struct bh_buf form = BH_BUF(1024);
	struct who *w = bh_zero(sizeof(*w));

	*w = (struct who){ .slack = s, .where = done, .arg = arg };
	bh_buf_puts(&form, "channel=");
	bh_buf_percent(&form, room);
	slack_api(s, &(struct slack_ask){ .method = "conversations.info",
	    .form = bh_buf_text(&form), .rank = SLACK_NOW }, got_channel, w);
	bh_buf_release(&form);
}

/* ------------------------------------------------------------------ */
/* Rooms by name                                                       */

struct asked {
	char *name;
	slack_room_cb *cb;
	void *arg;
	struct asked *next;
};

struct slack_names {
	struct slack *slack;
	struct { char *name, *id; } *rooms;
	size_t count;
	int64_t read;			/* monotonic ms of the last reading */
	bool reading, ever;
	int pages;
	size_t team;			/* of s->workspaces being read */
	struct asked *asked;
};

static void read_page(struct slack_names *n, const char *cursor);

bool
slack_is_channel(const char *room)
{
	return strchr("CDG", *room) != NULL && strlen(room) >= 9 &&
	    room[strspn(room, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] ==
	    '\0';
}

static const char *
known(const struct slack_names *n, const char *name)
{
	name += *name == '#';
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->rooms[i].name, name) == 0)
			return n->rooms[i].id;
	return NULL;
}

static void
forget_rooms(struct slack_names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free(n->rooms[i].name);
		free(n->rooms[i].id);
	}
	n->count = 0;
}

static void
add_room(struct slack_names *n, const char *name, const char *id)
{
	if (name == NULL || id == NULL || n->count == ROOMS_MOST)
		return;
	if (n->rooms == NULL)
		n->rooms = bh_zero(ROOMS_MOST * sizeof(*n->rooms));
	n->rooms[n->count].name = bh_copy(name);
	n->rooms[n->count++].id = bh_copy(id);
}

/* `result` is for those that were not found. */
static void
tell_asked(struct slack_names *n, int result)
{
	struct asked *list = n->asked;

	n->reading = false;
	n->asked = NULL;
	while (list != NULL) {
		struct asked *a = list;
		const char *id = known(n, a->name);

		list = a->next;
		a->cb(a->arg, id != NULL ? BH_OK : result, id);
		free(a->name);
		free(a);
	}
}

/* A token of a whole organisation is asked workspace by workspace. */
static bool
next_team(struct slack_names *n)
{
	char **list = n->slack->workspaces;

	if (!n->slack->org)
		return false;
	while (list[n->team] != NULL && *list[n->team] != 'T')
		n->team++;
	return list[n->team] != NULL;
}

static void
got_page(void *arg, const struct slack_answer *a)
{
	struct slack_names *n = arg;
	const char *cursor = bh_get_text(bh_get(a->body,
	    "response_metadata"), "next_cursor");

	if (a->result != BH_OK) {
		bh_log(n->slack->host, BH_LOG_WARN, "the list of our channels "
		    "could not be read: %.100s", a->error != NULL ?
		    a->error : "");
		tell_asked(n, a->result == BH_EINVAL ? BH_EBUSY : a->result);
		return;
	}
	for (BH_EACH(c, bh_get(a->body, "channels")))
		add_room(n, bh_get_text(c, "name"), bh_get_text(c, "id"));
	if (cursor != NULL && *cursor != '\0' && ++n->pages < PAGES_MOST) {
		read_page(n, cursor);
		return;
	}
	if (n->slack->org) {
		n->team++;
		if (next_team(n)) {
			read_page(n, NULL);
			return;
		}
	}
	n->ever = true;
	n->read = bh_mono(n->slack->host);
	tell_asked(n, BH_ENOENT);
}

static void
read_page(struct slack_names *n, const char *cursor)
{
	struct slack *s = n->slack;
	struct bh_buf form = BH_BUF(4096);

	bh_buf_puts(&form, "types=public_channel%2Cprivate_channel&limit=200"
	    "&exclude_archived=true");
	if (s->org && s->workspaces[n->team] != NULL) {
		bh_buf_puts(&form, "&team_id=");
		bh_buf_percent(&form, s->workspaces[n->team]);
	}
	if (cursor != NULL) {
		bh_buf_puts(&form, "&cursor=");
		bh_buf_percent(&form, cursor);
	}
	slack_api(s, &(struct slack_ask){ .method = "users.conversations",
	    .form = bh_buf_text(&form), .rank = SLACK_APPROVAL }, got_page,
	    n);
	bh_buf_release(&form);
}

void
slack_room(struct slack *s, const char *room, slack_room_cb *cb, void *arg)
{
	struct slack_names *n = s->names;
	struct asked *a;
	const char *id;

	if (slack_is_channel(room)) {
		cb(arg, BH_OK, room);
		return;
	}
	if (n == NULL) {
		n = s->names = bh_zero(sizeof(*n));
		n->slack = s;
	}
	id = n->reading ? NULL : known(n, room);
	if (id != NULL || (n->ever && !n->reading &&
	    bh_mono(s->host) - n->read < AGAIN_AFTER)) {
		cb(arg, id != NULL ? BH_OK : BH_ENOENT, id);
		return;
	}
	a = bh_zero(sizeof(*a));
	*a = (struct asked){ bh_copy(room), cb, arg, n->asked };
	n->asked = a;
	if (n->reading)
		return;
	n->reading = true;
	n->pages = 0;
	n->team = 0;
	(void)next_team(n);
	forget_rooms(n);
	read_page(n, NULL);
}

/* ------------------------------------------------------------------ */
/* Who we are                                                          */

static void identify(void *arg);

static void
identified(void *arg, const struct slack_answer *a)
{
	struct slack_self *self = arg;
	struct slack *s = self->slack;

	if (a->result == BH_OK && bh_get_text(a->body, "team_id") != NULL) {
		bh_set(&s->bot_user, bh_get_text(a->body, "user_id"));
		bh_set(&s->bot_id, bh_get_text(a->body, "bot_id"));
		bh_set(&s->team, bh_get_text(a->body, "team_id"));
		bh_set(&s->enterprise, bh_get_text(a->body,
		    "enterprise_id"));
		s->org = bh_get_bool(a->body, "is_enterprise_install", false);
		bh_log(s->host, BH_LOG_NOTE, "we are %.60s (%.20s) in %.100s",
		    bh_get_text(a->body, "user") != NULL ? bh_get_text(
		    a->body, "user") : "a bot", s->bot_user != NULL ?
		    s->bot_user : "", bh_get_text(a->body, "team") != NULL ?
		    bh_get_text(a->body, "team") : s->team);
		slack_health(s, SLACK_OUTBOUND, BH_UP, "Slack knows us");
		while (self->early != NULL) {
			struct who *w = self->early;

			self->early = w->next;
			ask_who(w);
		}
		if (s->known != NULL)
			s->known(s);
		return;
	}
	/* What is wrong with a token was said where tokens are kept. */
	if (a->result != BH_EBUSY)
		slack_health(s, SLACK_OUTBOUND, BH_DOWN, "Slack does not say "
		    "who we are: %.100s", a->error != NULL ? a->error :
		    "its answer has no team");
	self->wait = self->wait == 0 ? IDENTIFY_FIRST : self->wait * 2 <
	    IDENTIFY_MOST ? self->wait * 2 : IDENTIFY_MOST;
	self->timer = bh_after(s->host, self->wait, identify, self);
}

static void
identify(void *arg)
{
	struct slack_self *self = arg;

	self->timer = NULL;
	slack_api(self->slack, &(struct slack_ask){ .method = "auth.test",
	    .rank = SLACK_NOW }, identified, self);
}

void
slack_people_connect(struct slack *s)
{
	/* Deliveries wait, but not for long: nobody is to take us for ready. */
	if (s->team == NULL)
		slack_health(s, SLACK_OUTBOUND, BH_DEGRADED,
		    "asking Slack who we are");
	bh_cancel(s->host, self_of(s)->timer);
	identify(s->self);
}

/* After slack_api_close(): no answer comes any more. */
void
slack_people_close(struct slack *s)
{
	struct slack_names *n = s->names;

	if (s->self != NULL)
		bh_cancel(s->host, s->self->timer);
	while (s->self != NULL && s->self->early != NULL) {
		struct who *w = s->self->early;

		s->self->early = w->next;
		free(w->user);
		free(w);
	}
	free(s->self);
	s->self = NULL;
	if (n == NULL)
		return;
	forget_rooms(n);
	free(n->rooms);
	while (n->asked != NULL) {
		struct asked *a = n->asked;

		n->asked = a->next;
		free(a->name);
		free(a);
	}
	free(n);
	s->names = NULL;
}
