/* teams-receive.c - from a verified activity to what the host is told.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   message  -> text, or a pressed Action.Submit --+
 *   invoke   -> teams-invoke.c --------------------+-> bh_deliver -> received
 *   installed -> "help" ---------------------------+      messages: 200 or 503
 *   anything else -> noted at debug, 200                  invokes: teams-reply
 *
 * Whoever wrote is the aadObjectId, never a name.
 *
 * https://github.com/microsoft/Agents/blob/main/specs/activity/
 * protocol-activity.md; https://learn.microsoft.com/microsoftteams/platform/
 * bots/how-to/conversations/subscribe-to-conversation-events
 */

#include "plugins/teams/teams.h"

#define FIELDS_MAX	64u
#define ID_MAX		512u

const char *
teams_tenant_of(const struct bh_value *activity)
{
	const char *tenant = bh_get_text(bh_get(activity, "conversation"),
	    "tenantId");

	return tenant != NULL ? tenant : bh_get_text(bh_get(bh_get(activity,
	    "channelData"), "tenant"), "id");
}

static bool
foreign(const struct teams *t, const char *tenant)
{
	return tenant != NULL && !teams_tenant_ok(t, tenant);
}

/* Bots have no aadObjectId, nor has who is in a meeting without an account. */
static unsigned
user_flags(const struct teams *t, const struct bh_value *activity)
{
	const struct bh_value *from = bh_get(activity, "from");
	const struct bh_value *data = bh_get(activity, "channelData");
	const char *role = bh_get_text(from, "role");
	const char *account = bh_get_text(from, "aadObjectId");
	unsigned flags = 0;

	if (account == NULL || *account == '\0')
		flags |= BH_USER_BOT | BH_USER_GUEST;
	if (role != NULL && strcasecmp(role, "user") != 0)
		flags |= BH_USER_BOT;
	if (foreign(t, bh_get_text(from, "tenantId")) ||
	    foreign(t, bh_get_text(bh_get(data, "tenant"), "id")) ||
	    foreign(t, teams_tenant_of(activity)))
		flags |= BH_USER_GUEST;
	return flags;
}

/* "Payments/General", once both names are known, and if it is the only one of
 * that name: anybody may found a team and call it like another. */
static void
room_name(struct teams *t, struct bh_buf *out, const struct teams_place *p)
{
	if (p->team_name == NULL || p->channel_name == NULL)
		return;
	bh_buf_add(out, "%s/%s", p->team_name, p->channel_name);
	if (teams_place_named(t, bh_buf_text(out)) != p)
		bh_buf_clear(out);
}

/* ------------------------------------------------------------------ */
/* Delivery                                                            */

static void
say_failure(struct teams_reply *r, int result)
{
	if (r->from == TEAMS_MESSAGE || r->from == TEAMS_WELCOME)
		teams_reply_status(r, 503);
	else
		teams_reply_text(r, result == BH_EBUSY ? "Too much is going on "
		    "right now. Try again in a minute." : "That could not be "
		    "written down, so nothing was done. Try again in a "
		    "minute.");
}

/* It is durable, or was before: a message is acknowledged, an invoke waits for
 * its answer. */
static void
received(void *arg, int result)
{
	struct teams_reply *r = arg;

	if (result != BH_OK) {
		bh_log(r->teams->host, BH_LOG_WARN, "an activity could not be "
		    "stored (%d): Teams was told to send it again", result);
		say_failure(r, result);
		r->ended = true;	/* nothing of it will be run */
	} else if (r->from == TEAMS_MESSAGE || r->from == TEAMS_WELCOME) {
		teams_reply_status(r, 200);
		teams_typing(r);
	}
	teams_reply_drop(r);
}

int
teams_deliver(struct teams_reply *r, struct bh_event *event,
    const struct bh_value *activity)
{
	struct teams *t = r->teams;
	const struct bh_value *from = bh_get(activity, "from");
	const struct teams_place *p = teams_place_find(t, r->conversation);
	const char *thread = strstr(r->conversation, ";messageid=");
	struct bh_buf id = BH_BUF(4 * ID_MAX), room = BH_BUF(ID_MAX),
	    name = BH_BUF(4 * ID_MAX), top = BH_BUF(4 * ID_MAX);
	int ret;

	event->user = r->user;
	event->name = bh_get_text(from, "name");
	event->user_flags = user_flags(t, activity);
	event->reply = r->id;
	if (event->id == NULL && r->message != NULL) {
		bh_buf_add(&id, "%s|%s", r->conversation, r->message);
		event->id = bh_buf_text(&id);
	}
	if (p != NULL && strcmp(p->type, "personal") != 0) {
		bh_buf_puts(&room, p->conversation);
		event->room = bh_buf_text(&room);
		room_name(t, &name, p);
		event->room_name = name.len > 0 ? bh_buf_text(&name) : NULL;
		if (thread != NULL) {
			bh_buf_add(&top, "%s|%s", p->conversation, thread +
			    strlen(";messageid="));
			event->thread = bh_buf_text(&top);
		}
	}
	teams_reply_hold(r);
	ret = id.overflow || room.overflow || top.overflow ? BH_EINVAL :
	    bh_deliver(t->host, event, received, r);
	if (ret != BH_OK)
		received(r, ret);
	bh_buf_release(&id);
	bh_buf_release(&room);
	bh_buf_release(&name);
	bh_buf_release(&top);
	return ret;
}

struct teams_reply *
teams_reply_of(struct teams *t, int from, const struct bh_value *activity,
    struct bh_request *request)
{
	const struct bh_value *who = bh_get(activity, "from");
	const char *user = bh_get_text(who, "aadObjectId");
	const char *from_id = bh_get_text(who, "id");
	const char *conversation = bh_get_text(bh_get(activity,
	    "conversation"), "id");
	const char *id = bh_get_text(activity, "id");
	const struct teams_place *place = conversation != NULL ?
	    teams_place_find(t, conversation) : NULL;
	struct teams_reply *r;

	if (user == NULL || *user == '\0')
		user = from_id;
	if (user == NULL || *user == '\0' || strlen(user) > ID_MAX ||
	    place == NULL || strlen(conversation) > ID_MAX ||
	    (id != NULL && strlen(id) > ID_MAX))
		return NULL;
	r = teams_reply_new(t, from);
	r->user = user == from_id ? bh_copy(user) : teams_lower(user);
	r->from_id = bh_copy(from_id);
	r->conversation = bh_copy(conversation);
	r->message = bh_copy(id);
	r->activity = bh_copy(bh_get_text(activity, "replyToId"));
	teams_person_heard(t, r->user, place, activity);
	teams_reply_wait(r, request);
	return r;
}

/* ------------------------------------------------------------------ */
/* What cards bring back                                               */

static size_t
take_fields(struct bh_pair *fields, const struct bh_value *data)
{
	size_t n = 0, prefix = strlen(TEAMS_INPUT);

	for (BH_EACH(c, data)) {
		const char *value = c->kind == BH_TEXT ||
		    c->kind == BH_NUMBER ? c->text : c->kind == BH_BOOL ?
		    (c->number > 0 ? "yes" : "no") : NULL;

		if (n < FIELDS_MAX && value != NULL &&
		    strncmp(c->key, TEAMS_INPUT, prefix) == 0)
			fields[n++] = (struct bh_pair){ c->key + prefix,
			    value };
	}
	return n;
}

bool
teams_is_ours(const struct bh_value *data)
{
	return bh_get_text(data, TEAMS_FORM) != NULL ||
	    bh_get_text(data, TEAMS_BUTTON) != NULL;
}

void
teams_deliver_data(struct teams_reply *r, const struct bh_value *activity,
    const struct bh_value *data)
{
	struct bh_pair fields[FIELDS_MAX];
	struct bh_event event = { .kind = BH_EV_BUTTON };

	event.token = bh_get_text(data, TEAMS_BUTTON);
	if (bh_get_text(data, TEAMS_FORM) != NULL) {
		event.kind = BH_EV_FORM;
		event.token = bh_get_text(data, TEAMS_FORM);
		event.fields = fields;
		event.fields_count = take_fields(fields, data);
		r->form = bh_copy(event.token);
	}
	teams_deliver(r, &event, activity);
}

/* ------------------------------------------------------------------ */
/* Messages and the rest                                               */

static void
on_message(struct teams *t, const struct bh_value *activity,
    struct bh_request *request)
{
	const struct bh_value *value = bh_get(activity, "value");
	struct bh_buf text = BH_BUF(32u * 1024u);
	struct bh_event event = { .kind = BH_EV_MESSAGE };
	struct teams_reply *r = teams_reply_of(t, TEAMS_MESSAGE, activity,
	    request);
	bool us;

	if (r == NULL) {
		teams_http_status(request, 400);
		return;
	}
	if (teams_is_ours(value)) {
		teams_deliver_data(r, activity, value);
		return;
	}
	us = teams_text_typed(t, &text, activity);
	if (us)
		event.kind = BH_EV_COMMAND;
	/* Who only calls our name wants to know what we are for. */
	event.text = us && text.len == 0 ? "help" : bh_buf_text(&text);
	teams_deliver(r, &event, activity);
	bh_buf_release(&text);
}

/* The app is new here: tells what can be done, as if whoever brought it had
 * asked. */
static void
on_installed(struct teams *t, const struct bh_value *activity,
    const char *id, struct bh_request *request)
{
	struct bh_event event = { .kind = BH_EV_COMMAND, .text = "help",
		.id = id };
	struct teams_reply *r = teams_reply_of(t, TEAMS_WELCOME, activity,
	    request);

	if (r == NULL)
		teams_http_status(request, 200);
	else
		teams_deliver(r, &event, activity);
}

static void
on_update(struct teams *t, const struct bh_value *activity,
    const struct teams_place *p, bool was_installed,
    struct bh_request *request)
{
	const char *welcome = p != NULL ? teams_place_welcome(t, activity) :
	    NULL;

	if (welcome != NULL) {
		on_installed(t, activity, welcome, request);
		return;
	}
	if (p != NULL && !p->installed && was_installed)
		bh_log(t->host, BH_LOG_NOTE, "the app was taken out of a %s "
		    "conversation", p->type);
	teams_http_status(request, 200);
}

void
teams_receive(struct teams *t, const struct bh_value *activity,
    struct bh_request *request)
{
	const char *type = bh_get_text(activity, "type");
	const char *id = bh_get_text(bh_get(activity, "conversation"), "id");
	const struct teams_place *p = id != NULL ?
	    teams_place_find(t, id) : NULL;
	bool was_installed = p != NULL && p->installed;

	p = teams_place_see(t, activity);
	if (strcmp(type, "message") == 0)
		on_message(t, activity, request);
	else if (strcmp(type, "invoke") == 0)
		teams_invoke(t, activity, request);
	else if (strcmp(type, "conversationUpdate") == 0 ||
	    strcmp(type, "installationUpdate") == 0)
		on_update(t, activity, p, was_installed, request);
	else {
		/* messageReaction, messageUpdate, messageDelete, typing ... */
		bh_log(t->host, BH_LOG_DEBUG, "nothing to be done for an "
		    "activity of type %.40s", type);
		teams_http_status(request, 200);
	}
}
