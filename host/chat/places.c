/* places.c - rooms and DMs, and the ways to write them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A room has an id that never changes and a name that people use.  The place
 * of a call is made of the id ("acme/#C012AB"); configuration and teams may
 * use the name ("acme/#payments").  The names heard in events are kept, so
 * that both lead to the same room, also after a restart.
 */

#include "host/chat/inner.h"

#include "host/base/text.h"
#include "host/base/world.h"
#include "host/conf/conf.h"
#include "host/store/store.h"

#define UNKEPT_MAX	10000u	/* rooms that no command came from */

static char *
room_place(const char *instance, const char *id)
{
	return xjoin(instance, *id == '#' ? "/" : "/#", id);
}

const char *
place_of_event(struct arena **memory, const struct chat_instance *from,
    const struct bh_event *event)
{
	if (event->room == NULL)
		return arena_join(memory, from->name, "/@", event->user);
	return arena_join(memory, from->name, *event->room == '#' ? "/" : "/#",
	    event->room);
}

static struct room *
add_room(struct chat *chat, const char *instance, const char *id,
    const char *name)
{
	struct room *r = xcalloc(1, sizeof(*r));

	r->instance = xstrdup(instance);
	r->id = xstrdup(id);
	r->name = xstrdup(name);
	r->place = room_place(instance, id);
	r->next = chat->rooms;
	chat->rooms = r;
	return r;
}

static void
room_free(struct room *r)
{
	free(r->instance);
	free(r->id);
	free(r->name);
	free(r->place);
	free(r);
}

/* Rooms that are in no row and in no call are as good as never seen. */
static void
evict(struct chat *chat)
{
	if (chat->rooms_unkept < UNKEPT_MAX)
		return;
	chat->rooms_unkept = 0;
	for (struct room **p = &chat->rooms; *p != NULL;) {
		struct room *r = *p;

		if (r->kept || r->calls > 0) {
			chat->rooms_unkept += !r->kept;
			p = &r->next;
			continue;
		}
		*p = r->next;
		room_free(r);
	}
}

struct room *
places_find(const struct chat_instance *from, const char *id)
{
	struct room *r = from->chat->rooms;

	while (r != NULL && (strcmp(r->id, id) != 0 ||
	    strcmp(r->instance, from->name) != 0))
		r = r->next;
	return r;
}

static void
rename_room(struct room *r, const char *name)
{
	BH_AUTO_BUF struct bh_buf clean = BH_BUF(1024);

	text_clean(&clean, name != NULL ? name : "", 200);
	if (clean.len == 0 || strcmp(r->name, bh_buf_text(&clean)) == 0)
		return;
	free(r->name);
	r->name = xstrdup(bh_buf_text(&clean));
	r->saved = false;
}

struct room *
places_see(struct chat *chat, const struct chat_instance *from,
    const struct bh_event *event)
{
	struct room *r;

	if (event->room == NULL)
		return NULL;
	r = places_find(from, event->room);
	if (r == NULL) {
		evict(chat);
		r = add_room(chat, from->name, event->room, "");
		chat->rooms_unkept++;
	}
	/* Where a network is asked, it is believed and not the event. */
	if (from->transport->where == NULL)
		rename_room(r, event->room_name);
	return r;
}

void
places_asked(const struct chat_instance *from, const char *id,
    const struct bh_where *where)
{
	struct room *r = places_find(from, id);

	if (r == NULL)
		return;
	rename_room(r, where->name);
	r->flags = where->flags & BH_ROOM_SHARED;
	r->asked = world_now();
	r->retry = 0;
	r->saved = false;
}

bool
places_save(struct room *room, struct bh_tx *tx)
{
	if (room == NULL || room->saved)
		return false;
	store_tx_sql(tx, BH_ANY, "INSERT INTO bh_room (instance, room, name, "
	    "flags, asked) VALUES ($1, $2, $3, $4, $5) "
	    "ON CONFLICT (instance, room) DO UPDATE SET name = excluded.name, "
	    "flags = excluded.flags, asked = excluded.asked",
	    BH_PARAMS(bh_s(room->instance), bh_s(room->id),
	    bh_s(room->name), bh_i(room->flags), bh_i(room->asked)));
	room->saved = room->kept = true;
	return true;
}

/* Is this room, by its id or its name, in the list?  Networks differ in whether
 * what people call a room has a '#' before it. */
static bool
listed(const struct bh_value *list, const char *instance, const char *name)
{
	BH_AUTO_FREE char *hash = room_place(instance, name);
	BH_AUTO_FREE char *plain = xjoin(instance, "/", name);

	for (BH_EACH(c, list))
		if (bh_text(c) != NULL && (text_glob(c->text, hash) ||
		    text_glob(c->text, plain)))
			return true;
	return false;
}

bool
place_closed(const struct chat *chat, const struct room *room)
{
	const struct bh_value *list;

	if (room == NULL || (room->flags & BH_ROOM_SHARED) == 0)
		return false;
	list = conf_host_tree(chat->parts.conf, "shared-rooms");
	return !listed(list, room->instance, room->id) &&
	    (*room->name == '\0' || !listed(list, room->instance, room->name));
}

void
places_load_rows(struct chat *chat, const struct bh_rows *rows)
{
	for (size_t n = 0; n < rows->count; n++) {
		struct room *r = add_room(chat, bh_cell(rows, n, 0),
		    bh_cell(rows, n, 1), bh_cell(rows, n, 2));

		r->saved = r->kept = true;
		r->flags = (unsigned)bh_cell_int(rows, n, 3);
		r->asked = bh_cell_int(rows, n, 4);
	}
}

void
places_free(struct chat *chat)
{
	for (struct room *r = chat->rooms, *next; r != NULL; r = next) {
		next = r->next;
		room_free(r);
	}
	chat->rooms = NULL;
}

static const char *
team_of(const struct chat *chat, const char *instance, const char *name)
{
	BH_AUTO_FREE char *plain = xjoin(instance, "/", name);
	BH_AUTO_FREE char *hash = room_place(instance, name);
	const char *team = conf_team_of_room(chat->parts.conf, plain);

	return *team != '\0' ? team :
	    conf_team_of_room(chat->parts.conf, hash);
}

/* By id first: a room's name can be changed by those who are in it. */
const char *
place_team(struct chat *chat, const struct chat_instance *from,
    const struct bh_event *event)
{
	const char *team;

	if (event->room == NULL)
		return "";
	team = team_of(chat, from->name, event->room);
	return *team != '\0' || event->room_name == NULL ? team :
	    team_of(chat, from->name, event->room_name);
}

/* The known room that `place` ("acme/#payments", by id or name) means. */
struct room *
place_room(const struct chat *chat, const char *place)
{
	const char *slash = strchr(place, '/');
	struct room *by_name = NULL;

	if (slash == NULL)
		return NULL;
	for (struct room *r = chat->rooms; r != NULL; r = r->next) {
		size_t len = strlen(r->instance);

		if (strncmp(place, r->instance, len) != 0 || place[len] != '/')
			continue;
		if (strcmp(r->place, place) == 0)
			return r;

		const char *rest = place + len + 1;

		if (strcmp(rest, r->id) == 0)
			return r;
		if (*r->name != '\0' && (strcmp(rest, r->name) == 0 ||
		    (*rest == '#' && strcmp(rest + 1, r->name) == 0)))
			by_name = r;
	}
	return by_name;
}

static void
person_target(struct chat *chat, const char *id, struct target *out)
{
	struct person *p = people_by_id(chat, id);
	const struct identity *best = NULL;
	bool best_up = false;

	/* One quiet message: where they were heard last, if that is up. */
	for (struct identity *i = p != NULL ? p->identities : NULL; i != NULL;
	    i = i->sibling) {
		for (struct chat_instance *in = chat->instances; in != NULL;
		    in = in->next) {
			bool up = in->health != BH_DOWN;

			if (in->transport == NULL ||
			    strcmp(in->realm, i->realm) != 0)
				continue;
			if (best != NULL && (best_up > up || (best_up == up &&
			    best->heard >= i->heard)))
				continue;
			best = i;
			best_up = up;
			out->instance = in;
		}
	}
	if (best != NULL)
		out->user = xstrdup(best->id);
}

void
place_target(struct chat *chat, const char *place, struct target *out)
{
	const char *slash = strchr(place, '/');

	*out = (struct target){ 0 };
	if (strncmp(place, "@person:", 8) == 0) {
		person_target(chat, place + 8, out);
		return;
	}
	if (slash == NULL || slash[1] == '\0')
		return;

	BH_AUTO_FREE char *name = xstrndup(place, (size_t)(slash - place));
	const struct room *room = place_room(chat, place);

	out->instance = chat_transport(chat, name);
	if (slash[1] == '@')
		out->user = xstrdup(slash + 2);
	else if (room != NULL)
		out->room = xstrdup(room->id);
	else
		out->room = xstrdup(slash[1] == '#' ? slash + 2 : slash + 1);
}

void
target_release(struct target *target)
{
	free(target->room);
	free(target->user);
	*target = (struct target){ 0 };
}

bool
place_same(struct chat *chat, const char *a, const char *b)
{
	const struct room *ra, *rb;

	if (strcmp(a, b) == 0)
		return true;
	ra = place_room(chat, a);
	rb = place_room(chat, b);
	return ra != NULL && ra == rb;
}

void
chat_place(struct chat *chat, const char *place, struct bh_buf *out)
{
	const struct room *room = place_room(chat, place);

	bh_buf_puts(out, room != NULL ? room->place : place);
}
