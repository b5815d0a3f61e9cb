/* teams-send.c - what the host says, on its way to where it is read.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   answers an invoke that waits, and is short? -> in its HTTP response
 *   edits?          -> PUT; and whoever pressed on that card sees it at once
 *   to a room?      -> POST there, in the thread it answers
 *   to a person?    -> POST in their chat with us, which is opened if need be
 *
 * Only one person can be told something by a message of their own: Teams has
 * no private ones in a channel that bots could rely on.  Text and card never
 * share an activity: Teams would split it and name one id for the two.
 *
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/
 * conversations/send-proactive-messages
 */

#include "plugins/teams/teams.h"

#define SHORT		250u		/* characters that a toast shows */
#define SAID		512u		/* messages remembered by their keys */

/* What was said lately, for the case that the host could not write down that
 * it was: the connector has nothing to look it up by. */
struct teams_said {
	struct { char *key, *message; } list[SAID];
	size_t next;
};

/* One message on its way. */
struct sending {
	unsigned magic;
#define SENDING_MAGIC	0x54536e64u
	struct teams *teams;
	char *json;
	char *service_url;
	char *conversation;		/* with ";messageid=" in a thread */
	char *activity;			/* the one to edit; NULL: a new one */
	char *key;			/* of a new message of the host's; or NULL */
	char *user;			/* whose chat is to be opened first */
	char *otherwise;		/* whom to tell if the room will not have it */
	int rank;
	bh_sent_cb *done;		/* may be NULL */
	void *arg;
};

static void
sending_free(struct sending *s)
{
	free(s->json);
	free(s->service_url);
	free(s->conversation);
	free(s->activity);
	free(s->key);
	free(s->user);
	free(s->otherwise);
	s->magic = 0;
	free(s);
}

static void
finish(struct sending *s, int result, const char *message)
{
	if (s->done != NULL)
		s->done(s->arg, result, message);
	sending_free(s);
}

static void
remember(struct teams *t, const char *key, const char *message)
{
	size_t i;

	if (key == NULL || message == NULL)
		return;
	if (t->said == NULL)
		t->said = bh_zero(sizeof(*t->said));
	i = t->said->next++ % SAID;
	bh_set(&t->said->list[i].key, key);
	bh_set(&t->said->list[i].message, message);
}

static const char *
remembered(const struct teams *t, const char *key)
{
	for (size_t i = 0; t->said != NULL && key != NULL && i < SAID; i++)
		if (t->said->list[i].key != NULL &&
		    strcmp(t->said->list[i].key, key) == 0)
			return t->said->list[i].message;
	return NULL;
}

void
teams_send_close(struct teams *t)
{
	for (size_t i = 0; t->said != NULL && i < SAID; i++) {
		free(t->said->list[i].key);
		free(t->said->list[i].message);
	}
	free(t->said);
	t->said = NULL;
}

/* ------------------------------------------------------------------ */
/* Refusals                                                            */

/* What cannot be cured by trying again, and what to do about it. */
static const struct refusal {
	const char *code, *text;
	bool gone;			/* the conversation is not ours any more */
} refusals[] = {
	{ "BotNotInConversationRoster", "the app is not there (any more): add "
	    "it to that chat or team again", true },
	{ "ConversationNotFound", "there is no such conversation (any more)",
	    true },
	{ "BotDisabledByAdmin", "an administrator has blocked the app: allow "
	    "it in the Teams admin center, under Manage apps", false },
	{ "ConversationBlockedByUser", "the person has blocked the bot: they "
	    "can unblock it in their chat with it", false },
	{ "NotEnoughPermissions", "the bot may not do that there: look at the "
	    "channel's moderation settings", false },
	{ "MessageWritesBlocked", "nobody may write there now: look at the "
	    "chat's or channel's settings", false },
	{ "BotNotRegistered", "the connector does not know the bot: is its "
	    "Microsoft Teams channel switched on in the Azure Bot, and app-id "
	    "the same?", false },
	{ "ActivityNotFoundInConversation", "the message was deleted", false },
};

static void
explain(struct sending *s, const struct teams_answer *answer)
{
	const char *why = answer->code, *where = s->conversation != NULL ?
	    s->conversation : "a chat of its own";

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (answer->code != NULL &&
		    strcmp(answer->code, refusals[i].code) == 0) {
			why = refusals[i].text;
			if (refusals[i].gone && s->conversation != NULL)
				teams_place_gone(s->teams, s->conversation);
		}
	bh_log(s->teams->host, answer->result == BH_ENET ||
	    answer->result == BH_ETIMEOUT || answer->result == BH_ELIMIT ||
	    answer->result == BH_EBUSY ? BH_LOG_INFO : BH_LOG_WARN,
	    "%s %.200s was refused (HTTP %d): %s", s->activity != NULL ?
	    "an edit in" : "a message to", where, answer->status, why);
}

/* The host asks whether the message may be there: after a failure on the way
 * to the connector, or for want of a token, it certainly is not. */
static int
outcome(const struct teams_answer *answer)
{
	return (answer->result == BH_ENET || answer->result == BH_ETIMEOUT) &&
	    !answer->sent ? BH_EBUSY : answer->result;
}

/* ------------------------------------------------------------------ */
/* On the way                                                          */

static void start(struct sending *s);

static void
posted(void *arg, const struct teams_answer *answer)
{
	struct sending *s = arg;
	struct bh_buf id = BH_BUF(4096);
	const char *made = bh_get_text(answer->body, "id");

	assert(s->magic == SENDING_MAGIC);
	if (answer->result == BH_OK) {
		if (s->activity != NULL)
			made = s->activity;
		bh_buf_put(&id, s->conversation, strcspn(s->conversation, ";"));
		bh_buf_add(&id, "|%s", made != NULL ? made : "");
		made = made != NULL && !id.overflow ? bh_buf_text(&id) : NULL;
		remember(s->teams, s->key, made);
		finish(s, BH_OK, made);
		bh_buf_release(&id);
		return;
	}
	explain(s, answer);
	if (s->otherwise != NULL && (answer->result == BH_EPERM ||
	    answer->result == BH_ENOENT)) {
		free(s->conversation);
		s->conversation = NULL;
		s->user = s->otherwise;
		s->otherwise = NULL;
		start(s);
	} else
		finish(s, outcome(answer), NULL);
}

static void
post(struct sending *s)
{
	struct bh_buf path = BH_BUF(8192);
	struct teams_ask ask = {
		.method = s->activity != NULL ? "PUT" : "POST",
		.service_url = s->service_url, .json = s->json,
		.conversation = s->conversation, .rank = s->rank,
		.once = s->activity == NULL };

	teams_api_path(&path, s->conversation, "activities", s->activity);
	ask.path = bh_buf_text(&path);
	teams_api(s->teams, &ask, posted, s);
	bh_buf_release(&path);
}

/* Whose people they are.  Those whom we never heard are taken for our own; but
 * an old multi-tenant bot's tenant is no directory. */
static const char *
directory(const struct teams *t, const char *user)
{
	const struct teams_person *p = teams_person_find(t, user);

	if (p != NULL && teams_tenant_ok(t, p->tenant))
		return p->tenant;
	return !teams_is_guid(t->tenant) && t->tenants[0] != NULL ?
	    t->tenants[0] : t->tenant;
}

static void
opened(void *arg, const struct teams_answer *answer)
{
	struct sending *s = arg;
	const char *id = bh_get_text(answer->body, "id");

	assert(s->magic == SENDING_MAGIC);
	if (answer->result != BH_OK || id == NULL || *id == '\0') {
		struct teams_answer failed = *answer;

		/* Whatever became of the chat: nothing was said in it. */
		failed.sent = false;
		if (failed.result == BH_OK)
			failed.result = BH_ENET;
		explain(s, &failed);
		finish(s, outcome(&failed), NULL);
		return;
	}
	teams_place_add(s->teams, id, s->service_url,
	    directory(s->teams, s->user), s->user, NULL);
	s->conversation = bh_copy(id);
	post(s);
}

/* There is one chat between a person and a bot: to open it again gives the
 * same. */
static void
open_chat(struct sending *s)
{
	struct teams *t = s->teams;
	struct bh_buf json = BH_BUF(8192), bot = BH_BUF(1024);
	const char *tenant = directory(t, s->user);
	struct teams_ask ask = { .method = "POST",
		.service_url = s->service_url, .path = "v3/conversations",
		.rank = s->rank };

	bh_buf_add(&bot, "28:%s", t->app_id);
	bh_buf_puts(&json, "{\"isGroup\":false,\"bot\":{\"id\":");
	bh_buf_quote(&json, bh_buf_text(&bot));
	bh_buf_puts(&json, "},\"members\":[{\"id\":");
	bh_buf_quote(&json, s->user);
	bh_buf_puts(&json, "}],\"tenantId\":");
	bh_buf_quote(&json, tenant);
	bh_buf_puts(&json, ",\"channelData\":{\"tenant\":{\"id\":");
	bh_buf_quote(&json, tenant);
	bh_buf_puts(&json, "}}}");
	ask.json = bh_buf_text(&json);
	teams_api(t, &ask, opened, s);
	bh_buf_release(&json);
	bh_buf_release(&bot);
}

/* ------------------------------------------------------------------ */
/* Where to                                                            */

void
teams_any_service_url(struct teams *t, struct bh_buf *out)
{
	const struct teams_place *p = NULL, *newest = NULL;

	while ((p = teams_place_next(t, p)) != NULL)
		if (newest == NULL || p->seen > newest->seen)
			newest = p;
	if (newest != NULL)
		bh_buf_puts(out, newest->service_url);
	else if (t->service_hosts[0] != NULL)
		bh_buf_add(out, "%s%s/teams/", strstr(t->service_hosts[0],
		    "://") != NULL ? "" : "https://", t->service_hosts[0]);
}

/* By the connector of that place; of one that is to be opened, by the one where
 * the person was heard: tenants have theirs. */
static void
set_service_url(struct sending *s, const struct teams_place *place)
{
	const struct teams_person *person = place == NULL ?
	    teams_person_find(s->teams, s->user) : NULL;
	struct bh_buf url = BH_BUF(1024);

	if (person != NULL)
		place = teams_place_find(s->teams, person->conversation);
	if (place != NULL)
		bh_buf_puts(&url, place->service_url);
	else
		teams_any_service_url(s->teams, &url);
	bh_set(&s->service_url, bh_buf_text(&url));
	bh_buf_release(&url);
}

/* Sends it where it leads: `conversation`, or the chat with `user`. */
static void
start(struct sending *s)
{
	const struct teams_place *place = s->conversation != NULL ?
	    teams_place_find(s->teams, s->conversation) :
	    teams_place_of_user(s->teams, s->user);

	set_service_url(s, place);
	if (s->conversation == NULL && place != NULL)
		s->conversation = bh_copy(place->conversation);
	if (s->conversation != NULL)
		post(s);
	else
		open_chat(s);
}

/* The conversation, with the thread that `thread` ("CONVERSATION|ACTIVITY")
 * belongs to; only channels have any. */
static char *
in_thread(const struct teams_place *place, const char *room,
    const char *thread)
{
	const char *bar = thread != NULL ? strrchr(thread, '|') : NULL;
	bool channel = place != NULL ? strcmp(place->type, "channel") == 0 :
	    strstr(room, "@thread.tacv2") != NULL;
	struct bh_buf id = BH_BUF(4096);

	bh_buf_puts(&id, room);
	if (channel && bar != NULL && bar[1] != '\0' &&
	    strncmp(thread, room, strlen(room)) == 0)
		bh_buf_add(&id, ";messageid=%s", bar + 1);
	return id.data;
}

static bool
to_room(struct sending *s, const char *room, const char *thread)
{
	const struct teams_place *place = teams_place_find(s->teams, room);

	if (place == NULL)
		place = teams_place_named(s->teams, room);
	if (place != NULL)
		room = place->conversation;
	else if (strncmp(room, "19:", 3) != 0 && strncmp(room, "a:", 2) != 0) {
		bh_log(s->teams->host, BH_LOG_WARN, "the room %.200s was never "
		    "seen: add the app to that team and mention it once in the "
		    "channel, or name the channel by its id", room);
		return false;
	}
	s->conversation = in_thread(place, room, thread);
	return true;
}

static bool
to_message(struct sending *s, const char *message)
{
	const char *bar = strrchr(message, '|');
	struct bh_buf id = BH_BUF(4096);

	if (bar == NULL || bar == message || bar[1] == '\0')
		return false;
	bh_buf_put(&id, message, (size_t)(bar - message));
	s->conversation = id.data;
	s->activity = bh_copy(bar + 1);
	return true;
}

/* ------------------------------------------------------------------ */
/* bh_transport.send                                                   */

static bool
is_short(const char *text)
{
	return bh_utf8_len(text) <= SHORT && strchr(text, '\n') == NULL;
}

/* The invoke that it answers shows it, if it still waits and that is a place
 * for it: a toast at the button, or the dialog itself. */
static bool
answer_in_place(struct teams_reply *r, const struct bh_post *post)
{
	struct bh_buf card = BH_BUF(1024u * 1024u);
	bool ret = false;

	if (r == NULL || r->request == NULL || post->card != NULL)
		return false;
	if (is_short(post->text) && (r->from == TEAMS_EXECUTE ||
	    r->from == TEAMS_FETCH || r->from == TEAMS_SUBMIT))
		return teams_reply_text(r, post->text);
	if (r->from == TEAMS_FETCH || r->from == TEAMS_SUBMIT) {
		teams_text_card(r->teams, &card, post->text);
		ret = teams_reply_dialog(r, "bellhop", bh_buf_text(&card));
	}
	bh_buf_release(&card);
	return ret;
}

static struct sending *
sending_new(struct teams *t, bh_sent_cb *done, void *arg)
{
	struct sending *s = bh_zero(sizeof(*s));

	s->magic = SENDING_MAGIC;
	s->teams = t;
	s->rank = TEAMS_NOTICE;
	s->done = done;
	s->arg = arg;
	return s;
}

static int
rank_of(const struct bh_post *post)
{
	return post->reply != NULL ? TEAMS_NOW : post->card == NULL ?
	    TEAMS_NOTICE : post->card->buttons_count > 0 ? TEAMS_APPROVAL :
	    TEAMS_CARD;
}

/* The activity; and an edited card at once for those who pressed on it. */
static void
write_activity(struct sending *s, const struct bh_post *post)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);
	struct bh_buf card = BH_BUF(1024u * 1024u);

	if (post->card != NULL) {
		teams_card_json(s->teams, &card, post->card);
		teams_activity(&json, bh_buf_text(&card), post->text);
		if (s->activity != NULL)
			teams_reply_shown(s->teams, s->conversation,
			    s->activity, bh_buf_text(&card));
	} else
		teams_activity_text(s->teams, &json, post->text);
	s->json = bh_copy(bh_buf_text(&json));
	bh_buf_release(&json);
	bh_buf_release(&card);
}

int
teams_send(void *state, const struct bh_post *post, bh_sent_cb *done,
    void *arg)
{
	struct teams *t = teams_of(state);
	struct teams_reply *r = teams_reply_find(t, post->reply);
	const char *there = post->again && post->message == NULL ?
	    remembered(t, post->key) : NULL;
	struct sending *s;
	bool known = true;

	if (r != NULL)
		r->spoken = true;
	if (there != NULL) {
		done(arg, BH_OK, there);
		return BH_OK;
	}
	if (post->message == NULL && answer_in_place(r, post)) {
		done(arg, BH_OK, NULL);
		return BH_OK;
	}
	s = sending_new(t, done, arg);
	s->rank = rank_of(post);
	if (post->message == NULL)
		s->key = bh_copy(post->key);
	if (post->message != NULL)
		known = to_message(s, post->message);
	else if (post->user != NULL)
		s->user = bh_copy(post->user);
	else if (post->room != NULL)
		known = to_room(s, post->room, post->thread);
	else
		known = false;
	if (!known) {
		finish(s, BH_ENOENT, NULL);
		return BH_OK;
	}
	/* The compose box works where the bot is no member. */
	if (r != NULL && r->extension && s->user == NULL && r->user != NULL)
		s->otherwise = bh_copy(r->user);
	write_activity(s, post);
	start(s);
	return BH_OK;
}

/* ------------------------------------------------------------------ */
/* For teams-ask.c                                                     */

bool
teams_send_json(struct teams *t, const struct teams_to *to, const char *json)
{
	struct sending *s = sending_new(t, NULL, NULL);

	s->rank = TEAMS_NOW;
	s->json = bh_copy(json);
	if (to->activity != NULL) {
		s->conversation = bh_copy(to->conversation);
		s->activity = bh_copy(to->activity);
	} else if (to->conversation != NULL) {
		s->conversation = bh_copy(to->conversation);
		s->otherwise = bh_copy(to->otherwise);
	} else
		s->user = bh_copy(to->user);
	if (s->conversation == NULL && s->user == NULL) {
		sending_free(s);
		return false;
	}
	start(s);
	return true;
}
