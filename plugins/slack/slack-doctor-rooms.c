/* slack-doctor-rooms.c - the doctor on channels: there, joined, shared?
 * SPDX-License-Identifier: Apache-2.0
 *
 * First those that the bot is in, then, for what is left, the public ones:
 * docs.slack.dev/reference/methods/users.conversations, conversations.list.
 * Of a private channel that it is not in Slack tells a bot nothing.
 */

#include "plugins/slack/slack-doctor.h"

#define PAGES_MOST	20

static void ask_joined(struct doctor *d, const char *cursor);
static void ask_public(struct doctor *d, const char *cursor);

static bool
is_pattern(const char *room)
{
	return strpbrk(room, "*?") != NULL;
}

static const char *
bot(const struct doctor *d)
{
	return d->bot != NULL ? d->bot : "bellhop";
}

/* Is it the one that is meant: by name, pattern or id? */
static bool
meant(struct doctor *d, const char *room, const struct bh_value *channel)
{
	const char *name = bh_get_text(channel, "name");
	const char *id = bh_get_text(channel, "id");

	room += *room == '#';
	return (name != NULL && bh_glob(d->host, room, name)) ||
	    (id != NULL && strcmp(room, id) == 0);
}

static void
tell_joined(struct doctor *d, const struct bh_value *c)
{
	const char *name = bh_get_text(c, "name"), *id = bh_get_text(c, "id");

	if (name == NULL || id == NULL)
		return;
	if (bh_get_bool(c, "is_archived", false))
		doctor_bad(d, "#%s (%s) is archived: take it out of the "
		    "configuration", name, id);
	else
		doctor_good(d, "#%s (%s): the bot is in it", name, id);
	if (bh_get_bool(c, "is_ext_shared", false) ||
	    bh_get_bool(c, "is_pending_ext_shared", false))
		doctor_note(d, "#%s (%s) is shared with other companies: "
		    "commands are refused there unless shared-rooms: in the "
		    "main file lists it", name, id);
}

static void
tell_public(struct doctor *d, const struct bh_value *c)
{
	const char *name = bh_get_text(c, "name"), *id = bh_get_text(c, "id");

	if (name == NULL || id == NULL)
		return;
	if (bh_get_bool(c, "is_archived", false))
		doctor_bad(d, "#%s (%s) is archived: take it out of the "
		    "configuration", name, id);
	else
		doctor_bad(d, "the bot is not in #%s (%s): write /invite @%s "
		    "there", name, id, bot(d));
}

/* Tells once of each channel of this page that is meant; `all`: also of those
 * that only a pattern means. */
static void
match(struct doctor *d, const struct bh_value *page, bool all,
    void (*tell)(struct doctor *, const struct bh_value *))
{
	for (BH_EACH(c, bh_get(page, "channels"))) {
		bool hit = false;

		for (size_t i = 0; i < d->count; i++) {
			const char *room = d->channels[i];

			if (d->told[i] || (!all && is_pattern(room)) ||
			    !meant(d, room, c))
				continue;
			hit = true;
			d->told[i] = !is_pattern(room);
		}
		if (hit)
			tell(d, c);
	}
}

/* The page after this one, or NULL. */
static const char *
next_page(struct doctor *d, const struct bh_value *body)
{
	const char *cursor = bh_get_text(bh_get(body, "response_metadata"),
	    "next_cursor");

	return cursor != NULL && *cursor != '\0' && ++d->pages < PAGES_MOST ?
	    cursor : NULL;
}

/* The next workspace of an organisation; false: there is none. */
static bool
next_workspace(struct doctor *d)
{
	char **all = d->slack->workspaces;

	while (d->org && all[d->team] != NULL && all[d->team][0] != 'T')
		d->team++;
	return d->org && all[d->team] != NULL;
}

static bool
all_told(const struct doctor *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (!d->told[i] && !is_pattern(d->channels[i]))
			return false;
	return true;
}

/* What neither list has. */
static void
tell_rest(struct doctor *d, bool looked)
{
	for (size_t i = 0; i < d->count; i++) {
		const char *room = d->channels[i];

		if (d->told[i] || is_pattern(room))
			continue;
		doctor_bad(d, "the bot is not in %s%s: if it is private, write "
		    "/invite @%s there; else it has another name", room,
		    looked ? ", and no public channel is called that" : "",
		    bot(d));
	}
	doctor_finish(d);
}

static void
ask_page(struct doctor *d, const char *method, const char *types,
    const char *cursor, doctor_fn *then)
{
	struct bh_buf form = BH_BUF(4000);

	bh_buf_add(&form, "%s&limit=200", types);
	if (d->org) {
		bh_buf_puts(&form, "&team_id=");
		bh_buf_percent(&form, d->slack->workspaces[d->team]);
	}
	if (cursor != NULL) {
		bh_buf_puts(&form, "&cursor=");
		bh_buf_percent(&form, cursor);
	}
	doctor_ask(d, method, bh_config(d->call, "bot-token"),
	    bh_buf_text(&form), then);
	bh_buf_release(&form);
}

static void
got_public(struct doctor *d, const struct bh_answer *a,
    const struct bh_value *body)
{
	bool good = doctor_trouble(a, body) == NULL;
	const char *cursor = good ? next_page(d, body) : NULL;

	match(d, body, false, tell_public);
	if (cursor != NULL && !all_told(d)) {
		ask_public(d, cursor);
		return;
	}
	d->team += good;
	if (good && !all_told(d) && next_workspace(d))
		ask_public(d, NULL);
	else
		tell_rest(d, good && d->pages < PAGES_MOST);
}

static void
ask_public(struct doctor *d, const char *cursor)
{
	ask_page(d, "conversations.list", "types=public_channel", cursor,
	    got_public);
}

static void
got_joined(struct doctor *d, const struct bh_answer *a,
    const struct bh_value *body)
{
	const char *error = doctor_trouble(a, body);
	const char *cursor;

	if (error != NULL) {
		doctor_bad(d, "the bot's channels cannot be listed (%s): %s",
		    error, doctor_remedy(error));
		doctor_finish(d);
		return;
	}
	match(d, body, true, tell_joined);
	if ((cursor = next_page(d, body)) != NULL) {
		ask_joined(d, cursor);
		return;
	}
	d->team++;
	if (next_workspace(d)) {
		ask_joined(d, NULL);
		return;
	}
	d->pages = 0;
	d->team = 0;
	if (all_told(d))
		doctor_finish(d);
	else {
		(void)next_workspace(d);
		ask_public(d, NULL);
	}
}

static void
ask_joined(struct doctor *d, const char *cursor)
{
	ask_page(d, "users.conversations",
	    "types=public_channel,private_channel", cursor, got_joined);
}

static void
choose_rooms(struct doctor *d)
{
	const char *given = bh_arg(d->call, "channels"), *room;

	for (size_t i = 0; given == NULL && d->count < DOCTOR_CHANNELS &&
	    (room = bh_room_at(d->host, i)) != NULL; i++)
		d->channels[d->count++] = bh_copy(room);
	while (given != NULL && *given != '\0' && d->count < DOCTOR_CHANNELS) {
		size_t len = strcspn(given, " ,");

		if (len > 0) {
			d->channels[d->count] = bh_zero(len + 1);
			memcpy(d->channels[d->count++], given, len);
		}
		given += len + (given[len] != '\0');
	}
}

void
doctor_rooms(struct doctor *d)
{
	choose_rooms(d);
	if (d->count == 0 || !d->speaks)
		doctor_finish(d);
	else if (d->org && !next_workspace(d)) {
		doctor_note(d, "which channels the bot is in cannot be seen: "
		    "an organisation's token wants the T... ids of its "
		    "workspaces under `workspaces`");
		doctor_finish(d);
	} else
		ask_joined(d, NULL);
}
