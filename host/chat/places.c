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
#include "host/conf/conf.h"
#include "host/store/store.h"

static char *
room_place(const char *instance, const char *id)
{
	return xasprintf(*id == '#' ? "%s/%s" : "%s/#%s", instance, id);
}

char *
place_of_event(const struct chat_instance *from, const struct bh_event *event)
{
	if (event->room == NULL)
		return xasprintf("%s/@%s", from->name, event->user);
	return room_place(from->name, event->room);
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

struct room *
places_see(struct chat *chat, const struct chat_instance *from,
    const struct bh_event *event)
{
	BH_AUTO_BUF struct bh_buf name = BH_BUF(1024);
	struct room *r = chat->rooms;

	if (event->room == NULL)
		return NULL;
	text_clean(&name, event->room_name != NULL ? event->room_name : "",
	    200);
	while (r != NULL && (strcmp(r->id, event->room) != 0 ||
	    strcmp(r->instance, from->name) != 0))
		r = r->next;
	if (r == NULL) {
		r = add_room(chat, from->name, event->room,
		    bh_buf_text(&name));
	} else if (name.len > 0 && strcmp(r->name, bh_buf_text(&name)) != 0) {
		free(r->name);
		r->name = xstrdup(bh_buf_text(&name));
		r->saved = false;
	}
	return r;
}

void
places_save(struct room *room, struct bh_tx *tx)
{
	if (room == NULL || room->saved)
		return;
	store_tx_sql(tx, BH_ANY, "INSERT INTO bh_room (instance, room, name) "
	    "VALUES ($1, $2, $3) ON CONFLICT (instance, room) "
	    "DO UPDATE SET name = excluded.name",
	    BH_PARAMS(bh_s(room->instance), bh_s(room->id),
	    bh_s(room->name)));
	room->saved = true;
}

void
places_load_rows(struct chat *chat, const struct bh_rows *rows)
{
	for (size_t n = 0; n < rows->count; n++)
		add_room(chat, bh_cell(rows, n, 0), bh_cell(rows, n, 1),
		    bh_cell(rows, n, 2))->saved = true;
}

void
places_free(struct chat *chat)
{
	for (struct room *r = chat->rooms, *next; r != NULL; r = next) {
		next = r->next;
		free(r->instance);
		free(r->id);
		free(r->name);
		free(r->place);
		free(r);
	}
	chat->rooms = NULL;
}

/* By id first: a room's name can be changed by those who are in it. */
const char *
place_team(struct chat *chat, const struct chat_instance *from,
    const struct bh_event *event)
{
	if (event->room == NULL)
		return "";

	BH_AUTO_FREE char *by_id = room_place(from->name, event->room);
	const char *team = conf_team_of_room(chat->parts.conf, by_id);

	if (*team != '\0' || event->room_name == NULL)
		return team;

	BH_AUTO_FREE char *by_name = xasprintf("%s/%s", from->name,
	    event->room_name);

	team = conf_team_of_room(chat->parts.conf, by_name);
	if (*team != '\0' || *event->room_name == '#')
		return team;

	BH_AUTO_FREE char *by_hash = room_place(from->name, event->room_name);

	return conf_team_of_room(chat->parts.conf, by_hash);
}

/* The known room that `place` ("acme/#payments", by id or name) means. */
const struct room *
place_room(const struct chat *chat, const char *place)
{
	const char *slash = strchr(place, '/');
	const struct room *by_name = NULL;

	if (slash == NULL)
		return NULL;
	for (const struct room *r = chat->rooms; r != NULL; r = r->next) {
		size_t len = strlen(r->instance);

		if (strncmp(place, r->instance, len) != 0 || place[len] != '/')
			continue;
		if (strcmp(r->place, place) == 0)
			return r;

		const char *rest = place + len + 1;

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
