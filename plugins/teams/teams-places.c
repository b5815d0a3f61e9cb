/* teams-places.c - conversation references: where we may speak, and how.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The bot may write first only where it was spoken to or installed, at the
 * service URL that the newest verified activity from there named.  All of it
 * is kept in the store; what memory holds is bounded, the oldest goes first,
 * and people's own chats before rooms.
 *
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/
 * conversations/send-proactive-messages
 */

#include "plugins/teams/teams.h"

#define BUCKETS		1024u
#define PLACES_MAX	20000u
#define ID_MAX		512u		/* bytes of any id or name */
#define WELCOME_AGAIN	(10 * 60 * 1000)	/* ms */
#define REFRESH		(60 * 60 * 1000)	/* ms between two writes for
						 * the time alone */

struct teams_places {
	struct teams_place *by_id[BUCKETS];
	struct teams_place *by_user[BUCKETS];
	size_t count;
	int64_t newest;			/* `seen` of the one heard last */
	int64_t failed;			/* monotonic ms of a failed write; -1 */
	void (*ready)(struct teams *, int);
};

/* FNV-1a over the first `len` bytes. */
static size_t
hash(const char *text, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return h % BUCKETS;
}

static size_t
bare_len(const char *conversation)
{
	return strcspn(conversation, ";");
}

static struct teams_place *
find(const struct teams_places *ps, const char *conversation, size_t len)
{
	struct teams_place *p = ps->by_id[hash(conversation, len)];

	while (p != NULL && (strncmp(p->conversation, conversation, len) != 0 ||
	    p->conversation[len] != '\0'))
		p = p->next;
	return p;
}

static void
unlink_user(struct teams_places *ps, struct teams_place *p)
{
	struct teams_place **at;

	if (p->user == NULL)
		return;
	at = &ps->by_user[hash(p->user, strlen(p->user))];
	while (*at != p)
		at = &(*at)->next_user;
	*at = p->next_user;
}

static void
link_user(struct teams_places *ps, struct teams_place *p)
{
	struct teams_place **at;

	if (p->user == NULL)
		return;
	at = &ps->by_user[hash(p->user, strlen(p->user))];
	p->next_user = *at;
	*at = p;
}

static void
place_free(struct teams_place *p)
{
	free(p->conversation);
	free(p->service_url);
	free(p->tenant);
	free(p->type);
	free(p->team);
	free(p->team_name);
	free(p->channel_name);
	free(p->user);
	free(p->from_id);
	free(p->welcome);
	free(p);
}

static bool
is_personal(const struct teams_place *p)
{
	return p->type != NULL && strcmp(p->type, "personal") == 0;
}

/* A chat with somebody can be opened again, and is the same; a room where
 * nobody speaks, but cards are sent, is known by what was heard alone. */
static bool
goes_before(const struct teams_place *a, const struct teams_place *b)
{
	return is_personal(a) != is_personal(b) ? is_personal(a) :
	    a->seen < b->seen;
}

static void
forget_one(struct teams_places *ps)
{
	struct teams_place *oldest = NULL, **at;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct teams_place *p = ps->by_id[i]; p != NULL;
		    p = p->next)
			if (oldest == NULL || goes_before(p, oldest))
				oldest = p;
	unlink_user(ps, oldest);
	at = &ps->by_id[hash(oldest->conversation,
	    strlen(oldest->conversation))];
	while (*at != oldest)
		at = &(*at)->next;
	*at = oldest->next;
	place_free(oldest);
	ps->count--;
}

static struct teams_place *
add(struct teams_places *ps, const char *conversation, size_t len)
{
	struct teams_place *p = bh_zero(sizeof(*p));
	size_t at = hash(conversation, len);

	if (ps->count >= PLACES_MAX)
		forget_one(ps);
	p->conversation = strndup(conversation, len);
	if (p->conversation == NULL)
		abort();
	p->next = ps->by_id[at];
	ps->by_id[at] = p;
	ps->count++;
	return p;
}

/* ------------------------------------------------------------------ */
/* The store                                                           */

static void
written(void *arg, int result)
{
	struct teams *t = arg;

	if (result == BH_OK)
		return;
	/* All that was written until now may be what failed: it is written
	 * again when it is heard again. */
	t->places->failed = bh_mono(t->host);
	bh_log(t->host, BH_LOG_WARN, "a conversation's address could "
	    "not be written down (%d): after a restart nothing can be "
	    "said there until somebody speaks", result);
}

static void
keep(struct teams *t, struct teams_place *p)
{
	struct bh_tx *tx = bh_tx(t->host);

	p->kept = p->seen;
	p->kept_at = bh_mono(t->host);
	bh_tx_sql(tx, BH_ANY, "INSERT INTO teams_place (instance, "
	    "conversation, service_url, tenant, type, team, team_name, "
	    "channel_name, aad_id, from_id, installed, seen) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
	    "ON CONFLICT (instance, conversation) DO UPDATE SET "
	    "service_url = excluded.service_url, tenant = excluded.tenant, "
	    "type = excluded.type, team = excluded.team, "
	    "team_name = excluded.team_name, "
	    "channel_name = excluded.channel_name, "
	    "aad_id = excluded.aad_id, from_id = excluded.from_id, "
	    "installed = excluded.installed, seen = excluded.seen",
	    bh_s(bh_instance(t->host)), bh_s(p->conversation),
	    bh_s(p->service_url), bh_s(p->tenant), bh_s(p->type),
	    bh_s(p->team), bh_s(p->team_name), bh_s(p->channel_name),
	    bh_s(p->user), bh_s(p->from_id), bh_i(p->installed),
	    bh_i(p->seen));
	if (bh_commit(tx, written, t) != BH_OK)
		written(t, BH_EIO);
}

static void
loaded(void *arg, int result, const struct bh_rows *rows)
{
	struct teams *t = arg;
	struct teams_places *ps = t->places;

	for (size_t n = 0; result == BH_OK && n < rows->count; n++) {
		const char *id = bh_cell(rows, n, 0);
		const char *why;
		struct teams_place *p;

		/* Whatever the list said then: it is today's that counts. */
		if (!teams_url_ok(t, bh_cell(rows, n, 1), &why))
			continue;
		p = add(ps, id, strlen(id));
		p->service_url = bh_copy(bh_cell(rows, n, 1));
		p->tenant = bh_copy(bh_cell(rows, n, 2));
		p->type = bh_copy(bh_cell(rows, n, 3));
		p->team = bh_copy(bh_cell(rows, n, 4));
		p->team_name = bh_copy(bh_cell(rows, n, 5));
		p->channel_name = bh_copy(bh_cell(rows, n, 6));
		p->user = bh_copy(bh_cell(rows, n, 7));
		p->from_id = bh_copy(bh_cell(rows, n, 8));
		p->installed = bh_cell_int(rows, n, 9) != 0;
		p->seen = p->kept = bh_cell_int(rows, n, 10);
		if (p->seen > ps->newest)
			ps->newest = p->seen;
		link_user(ps, p);
	}
	if (result != BH_OK)
		bh_log(t->host, BH_LOG_ERROR, "the addresses of conversations "
		    "cannot be read (%d)", result);
	ps->ready(t, result);
}

void
teams_places_open(struct teams *t, void (*ready)(struct teams *, int))
{
	int ret;

	t->places = bh_zero(sizeof(*t->places));
	t->places->ready = ready;
	t->places->failed = -1;
	ret = bh_query(t->host, loaded, t, "SELECT conversation, service_url, "
	    "tenant, type, team, team_name, channel_name, aad_id, from_id, "
	    "installed, seen FROM teams_place WHERE instance = $1 "
	    "ORDER BY type = 'personal', seen DESC LIMIT $2",
	    bh_s(bh_instance(t->host)), bh_i(PLACES_MAX));
	if (ret != BH_OK)
		ready(t, ret);
}

/* ------------------------------------------------------------------ */
/* Learning                                                            */

/* Takes a text that is there and of bearable length; true if it is new. */
static bool
learn(char **into, const char *text)
{
	if (text == NULL || *text == '\0' || strlen(text) > ID_MAX ||
	    (*into != NULL && strcmp(*into, text) == 0))
		return false;
	bh_set(into, text);
	return true;
}

/* NULL: it does not say. */
static const char *
type_of(const struct bh_value *activity)
{
	static const char *const types[] =
	    { "personal", "groupChat", "channel" };
	const char *type = bh_get_text(bh_get(activity, "conversation"),
	    "conversationType");

	for (size_t i = 0; type != NULL && i < 3; i++)
		if (strcmp(type, types[i]) == 0)
			return types[i];
	if (bh_get(bh_get(activity, "channelData"), "channel") != NULL)
		return "channel";
	return NULL;
}

/* By the form of its id: "a:..." and "19:...@unq.gbl.spaces" are of one person
 * and the bot, all other "19:..." are of several. */
static const char *
guess_type(const char *conversation)
{
	if (strstr(conversation, "@thread.tacv2") != NULL ||
	    strstr(conversation, "@thread.skype") != NULL)
		return "channel";
	return strncmp(conversation, "19:", 3) == 0 &&
	    strstr(conversation, "@unq.gbl.spaces") == NULL ? "groupChat" :
	    "personal";
}

/* Is the bot among these members? */
static bool
has_bot(const struct bh_value *activity, const char *list)
{
	const char *bot = bh_get_text(bh_get(activity, "recipient"), "id");

	for (BH_EACH(m, bh_get(activity, list)))
		if (bot != NULL && bh_get_text(m, "id") != NULL &&
		    strcmp(bh_get_text(m, "id"), bot) == 0)
			return true;
	return false;
}

/* Does it say that the app was installed ("add"), or taken away ("remove")? */
static bool
is_change(const struct bh_value *activity, const char *what,
    const char *members)
{
	const char *type = bh_get_text(activity, "type");
	const char *action = bh_get_text(activity, "action");

	if (type == NULL)
		return false;
	if (strcmp(type, "installationUpdate") == 0)
		return action != NULL && strcmp(action, what) == 0;
	return strcmp(type, "conversationUpdate") == 0 &&
	    has_bot(activity, members);
}

static bool
is_removal(const struct bh_value *activity)
{
	return is_change(activity, "remove", "membersRemoved");
}

/* A team's or a channel's new name, wherever it is known. */
static void
learn_names(struct teams *t, const struct bh_value *data)
{
	const struct bh_value *team = bh_get(data, "team");
	const struct bh_value *channel = bh_get(data, "channel");
	const char *id = bh_get_text(team, "id");
	char *name = teams_room_part(bh_get_text(channel, "name"));

	if (bh_get_text(channel, "id") != NULL)
		teams_place_name(t, bh_get_text(channel, "id"), NULL, name);
	free(name);
	name = teams_room_part(bh_get_text(team, "name"));
	for (size_t i = 0; id != NULL && name != NULL && i < BUCKETS; i++)
		for (struct teams_place *p = t->places->by_id[i]; p != NULL;
		    p = p->next)
			if (p->team != NULL && strcmp(p->team, id) == 0 &&
			    learn(&p->team_name, name))
				keep(t, p);
	free(name);
}

static bool
learn_person(struct teams_places *ps, struct teams_place *p,
    const struct bh_value *activity)
{
	const struct bh_value *from = bh_get(activity, "from");
	char *user = teams_lower(bh_get_text(from, "aadObjectId"));
	bool news = false;

	if (is_personal(p) && user != NULL) {
		if (p->user == NULL || strcmp(p->user, user) != 0) {
			unlink_user(ps, p);
			news = learn(&p->user, user);
			link_user(ps, p);
		}
		news = learn(&p->from_id, bh_get_text(from, "id")) || news;
	}
	free(user);
	return news;
}

/* What is not said does not make a room somebody's own chat, where what is
 * meant for their eyes alone is sent. */
static bool
learn_type(struct teams_places *ps, struct teams_place *p,
    const struct bh_value *activity)
{
	const char *type = type_of(activity);
	bool group = bh_get_bool(bh_get(activity, "conversation"), "isGroup",
	    false);

	if (type == NULL && p->type == NULL)
		type = guess_type(p->conversation);
	if (group && (type == NULL ? is_personal(p) :
	    strcmp(type, "personal") == 0))
		type = "groupChat";
	if (!learn(&p->type, type))
		return false;
	if (p->user != NULL && !is_personal(p)) {
		unlink_user(ps, p);
		bh_set(&p->user, NULL);
		bh_set(&p->from_id, NULL);
	}
	return true;
}

/* It is the newest now.  True if what is stored says otherwise: another chat
 * with the same person, or a time long ago. */
static bool
heard_now(struct teams *t, struct teams_place *p)
{
	struct teams_places *ps = t->places;
	int64_t now = bh_now(t->host);
	bool news = (p->user != NULL && teams_place_of_user(t, p->user) != p) ||
	    p->kept_at <= ps->failed;

	/* Of two in one millisecond, or when the clock was set back, the order
	 * is still that in which they came. */
	p->seen = now > ps->newest ? now : ps->newest + 1;
	ps->newest = p->seen;
	return news || p->seen - p->kept >= REFRESH;
}

const struct teams_place *
teams_place_see(struct teams *t, const struct bh_value *activity)
{
	const struct bh_value *c = bh_get(activity, "conversation");
	const struct bh_value *data = bh_get(activity, "channelData");
	const char *id = bh_get_text(c, "id");
	const char *url = bh_get_text(activity, "serviceUrl");
	size_t len = id != NULL ? bare_len(id) : 0;
	struct teams_place *p;
	bool news = false, installed = !is_removal(activity);

	if (len == 0 || len > ID_MAX || url == NULL || *url == '\0' ||
	    strlen(url) > ID_MAX)
		return NULL;
	p = find(t->places, id, len);
	if (p == NULL) {
		p = add(t->places, id, len);
		news = true;
	}
	news = heard_now(t, p) || news;
	news = learn(&p->service_url, url) || news;
	news = learn_type(t->places, p, activity) || news;
	news = learn(&p->tenant, teams_tenant_of(activity)) || news;
	news = learn(&p->team, bh_get_text(bh_get(data, "team"), "id")) || news;
	news = learn_person(t->places, p, activity) || news ||
	    p->installed != installed;
	p->installed = installed;
	if (news)
		keep(t, p);
	learn_names(t, data);
	return p;
}

/* Nothing here remembers that somebody was welcomed: that is so when the event
 * is in the store, which knows its id. */
static void
name_welcome(struct teams *t, struct teams_place *p, const char *activity_id)
{
	struct bh_buf id = BH_BUF(4 * ID_MAX);

	if (activity_id != NULL && strlen(activity_id) <= ID_MAX)
		bh_buf_add(&id, "%s|installed|%s", p->conversation,
		    activity_id);
	else
		bh_buf_add(&id, "%s|installed|%lld", p->conversation,
		    (long long)bh_now(t->host));
	bh_set(&p->welcome, bh_buf_text(&id));
	bh_buf_release(&id);
	p->welcomed = bh_mono(t->host);
	bh_log(t->host, BH_LOG_NOTE, "the app was installed in a %s "
	    "conversation", p->type);
}

const char *
teams_place_welcome(struct teams *t, const struct bh_value *activity)
{
	const char *id = bh_get_text(bh_get(activity, "conversation"), "id");
	struct teams_place *p = id != NULL ? find(t->places, id,
	    bare_len(id)) : NULL;

	if (p == NULL || !is_change(activity, "add", "membersAdded"))
		return NULL;
	if (p->welcome == NULL ||
	    bh_mono(t->host) - p->welcomed >= WELCOME_AGAIN)
		name_welcome(t, p, bh_get_text(activity, "id"));
	return p->welcome;
}

void
teams_place_name(struct teams *t, const char *conversation,
    const char *team_name, const char *channel_name)
{
	struct teams_place *p = find(t->places, conversation,
	    bare_len(conversation));
	bool news;

	if (p == NULL)
		return;
	news = learn(&p->team_name, team_name);
	if (learn(&p->channel_name, channel_name) || news)
		keep(t, p);
}

void
teams_place_add(struct teams *t, const char *conversation,
    const char *service_url, const char *tenant, const char *user,
    const char *from_id)
{
	size_t len = bare_len(conversation);
	struct teams_place *p = find(t->places, conversation, len);

	if (p == NULL)
		p = add(t->places, conversation, len);
	unlink_user(t->places, p);
	bh_set(&p->service_url, service_url);
	bh_set(&p->tenant, tenant);
	bh_set(&p->type, "personal");
	bh_set(&p->user, user);
	bh_set(&p->from_id, from_id);
	link_user(t->places, p);
	p->installed = true;
	heard_now(t, p);
	keep(t, p);
}

void
teams_place_gone(struct teams *t, const char *conversation)
{
	struct teams_place *p = find(t->places, conversation,
	    bare_len(conversation));

	if (p == NULL || !p->installed)
		return;
	p->installed = false;
	keep(t, p);
}

/* ------------------------------------------------------------------ */
/* Finding                                                             */

const struct teams_place *
teams_place_find(const struct teams *t, const char *conversation)
{
	return find(t->places, conversation, bare_len(conversation));
}

const struct teams_place *
teams_place_of_user(const struct teams *t, const char *user)
{
	const struct teams_place *best = NULL;

	for (const struct teams_place *p =
	    t->places->by_user[hash(user, strlen(user))]; p != NULL;
	    p = p->next_user)
		if (strcmp(p->user, user) == 0 && (best == NULL ||
		    p->installed > best->installed ||
		    (p->installed == best->installed && p->seen > best->seen)))
			best = p;
	return best;
}

const struct teams_place *
teams_place_named(const struct teams *t, const char *name)
{
	const struct teams_place *found = NULL;

	name += *name == '#';
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct teams_place *p = t->places->by_id[i];
		    p != NULL; p = p->next) {
			size_t len = p->team_name != NULL &&
			    p->channel_name != NULL ? strlen(p->team_name) : 0;

			if (len == 0 || strncmp(name, p->team_name, len) != 0 ||
			    name[len] != '/' ||
			    strcmp(name + len + 1, p->channel_name) != 0)
				continue;
			if (found != NULL)
				return NULL;	/* which of the two? */
			found = p;
		}
	return found;
}

const struct teams_place *
teams_place_next(const struct teams *t, const struct teams_place *after)
{
	size_t i = 0;

	if (after != NULL && after->next != NULL)
		return after->next;
	if (after != NULL)
		i = hash(after->conversation, strlen(after->conversation)) + 1;
	while (i < BUCKETS && t->places->by_id[i] == NULL)
		i++;
	return i < BUCKETS ? t->places->by_id[i] : NULL;
}

void
teams_places_close(struct teams *t)
{
	if (t->places == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct teams_place *p = t->places->by_id[i], *next;
		    p != NULL; p = next) {
			next = p->next;
			place_free(p);
		}
	free(t->places);
	t->places = NULL;
}
