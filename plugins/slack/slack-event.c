/* slack-event.c - reads the Events API: messages, mentions, the home page.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/apis/events-api.  A message that mentions the app comes twice,
 * as a message and as a mention with another event id: in rooms the mention
 * counts.  What an app wrote, what was edited or deleted, and what we wrote
 * ourselves is nothing to us.
 */

#include "plugins/slack/slack.h"

#define ID_MOST		200u

/* Is the installation that this came for ours?  In a channel shared between
 * companies, team_id may be another one's: then the authorization says whose
 * it is. */
static bool
installed_here(const struct slack *s, const struct bh_value *payload)
{
	const struct bh_value *list = bh_get(payload, "authorizations");
	const struct bh_value *a = list != NULL && list->kind == BH_LIST ?
	    list->first : NULL;
	const char *team = bh_get_text(a, "team_id");
	const char *enterprise = bh_get_text(a, "enterprise_id");

	if (a != NULL && bh_get_bool(a, "is_enterprise_install", false))
		return s->enterprise == NULL || enterprise == NULL ||
		    strcmp(s->enterprise, enterprise) == 0;
	if (team == NULL)
		team = bh_get_text(payload, "context_team_id");
	if (team == NULL)
		team = bh_get_text(payload, "team_id");
	if (enterprise == NULL)
		enterprise = bh_get_text(payload, "enterprise_id");
	return team == NULL || strcmp(team, s->team) == 0 ||
	    (s->org && slack_ours(s, team, enterprise));
}

/* ------------------------------------------------------------------ */
/* Messages                                                            */

/* The length of our own mention ("<@U0BOT>", "<@U0BOT|bellhop>") that begins
 * here; 0: none does. */
static size_t
mention(const struct slack *s, const char *text)
{
	size_t id = s->bot_user != NULL ? strlen(s->bot_user) : 0;
	const char *end;

	if (id == 0 || strncmp(text, "<@", 2) != 0 ||
	    strncmp(text + 2, s->bot_user, id) != 0)
		return 0;
	end = text + 2 + id;
	if (*end == '|')
		end += strcspn(end, "<>");
	return *end == '>' ? (size_t)(end + 1 - text) : 0;
}

static bool
mentions_us(const struct slack *s, const char *text)
{
	for (text = strchr(text, '<'); text != NULL;
	    text = strchr(text + 1, '<'))
		if (mention(s, text) > 0)
			return true;
	return false;
}

/* What was typed, as text, without our mention.  False: it is too long, and
 * what stands in `out` is not all of it. */
static bool
typed(struct slack *s, struct bh_buf *out, const char *text)
{
	struct bh_buf rest = BH_BUF(SLACK_TEXT_MOST);
	bool whole;

	text += strspn(text, " \n\t");
	while (*text != '\0') {
		size_t skip = mention(s, text);

		if (skip > 0) {
			/* "@bellhop: help", "@bellhop, help" */
			text += skip;
			text += strspn(text, rest.len == 0 ? " :,\n\t" : "");
		} else {
			bh_buf_put(&rest, text++, 1);
		}
	}
	slack_unescape(out, bh_buf_text(&rest));
	whole = !rest.overflow && !out->overflow;
	bh_buf_release(&rest);
	return whole;
}

static unsigned
flags_of(const struct slack *s, const struct bh_value *event)
{
	static const char *const keys[] = { "user_team", "source_team",
		"team" };
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		flags |= slack_flags(s, bh_get_text(event, keys[i]), NULL);
	return flags;
}

static bool
is_ours_or_old(struct slack_incoming *in, const struct bh_value *event,
    const char *user)
{
	const struct slack *s = in->slack;

	if (bh_get_text(event, "bot_id") != NULL ||
	    (s->bot_user != NULL && strcmp(user, s->bot_user) == 0))
		in->why = "an app wrote it";
	else if (bh_get(event, "edited") != NULL ||
	    bh_get_bool(event, "hidden", false))
		in->why = "it was edited or is hidden";
	else
		return false;
	return true;
}

static bool
read_message(struct slack_incoming *in, const struct bh_value *event,
    bool mentioned)
{
	struct slack *s = in->slack;
	const char *user = bh_get_text(event, "user");
	const char *channel = bh_get_text(event, "channel");
	const char *thread = bh_get_text(event, "thread_ts");
	const char *text = bh_get_text(event, "text");
	const char *subtype = bh_get_text(event, "subtype");
	struct bh_buf clean = BH_BUF(SLACK_TEXT_MOST);
	struct slack_reply *r;
	bool direct, whole;

	if (!slack_id_ok(user) || !slack_id_ok(channel) || text == NULL ||
	    *text == '\0') {
		in->why = "a message without a text, an author or a room";
		return false;
	}
	if (subtype != NULL && strcmp(subtype, "thread_broadcast") != 0 &&
	    strcmp(subtype, "file_share") != 0) {
		in->why = "not what somebody wrote";
		return false;
	}
	if (is_ours_or_old(in, event, user))
		return false;
	direct = *channel == 'D';
	if (!mentioned && !direct && mentions_us(s, text)) {
		in->why = "it comes as a mention besides";
		return false;
	}
	whole = typed(s, &clean, text);
	/* Who wrote it to the room may not have meant us. */
	if (!whole && !mentioned && !direct) {
		bh_buf_release(&clean);
		in->why = "a message that is too long for a command";
		return false;
	}
	r = slack_reply_new(s, SLACK_MESSAGE);
	r->user = bh_copy(user);
	r->channel = bh_copy(channel);
	r->thread = bh_copy(slack_ts_ok(thread) ? thread : NULL);

	struct bh_event e = { .kind = mentioned ? BH_EV_COMMAND :
	    BH_EV_MESSAGE, .id = bh_get_text(in->payload, "event_id"),
	    .user = user, .user_flags = flags_of(s, event),
	    .thread = r->thread, .text = bh_buf_text(&clean) };

	if (whole)
		slack_hand_over(in, r, &e);
	else
		slack_too_long(in, r);
	bh_buf_release(&clean);
	return true;
}

/* ------------------------------------------------------------------ */
/* The rest                                                            */

static bool
read_home(struct slack_incoming *in, const struct bh_value *event)
{
	const char *user = bh_get_text(event, "user");
	const char *tab = bh_get_text(event, "tab");
	struct slack_reply *r;

	if (!slack_id_ok(user) || tab == NULL || strcmp(tab, "home") != 0) {
		in->why = "not the home page";
		return false;
	}
	r = slack_reply_new(in->slack, SLACK_HOME);
	r->user = bh_copy(user);
	return slack_hand_over(in, r, &(struct bh_event){
	    .kind = BH_EV_HOME, .id = bh_get_text(in->payload, "event_id"),
	    .user = user, .user_flags = flags_of(in->slack, event) });
}

static bool
read_gone(struct slack_incoming *in, const struct bh_value *event,
    bool uninstalled)
{
	const struct bh_value *bots = bh_get(bh_get(event, "tokens"), "bot");

	in->why = "another token was revoked";
	if (!uninstalled && (bots == NULL || bots->count == 0))
		return false;
	slack_health(in->slack, SLACK_OUTBOUND, BH_DOWN, uninstalled ?
	    "the app was removed from the workspace: install it again, put "
	    "its new token where `bot-token` points and restart" :
	    "the bot's token was revoked: install the app again, put its new "
	    "token where `bot-token` points and restart");
	bh_log(in->slack->host, BH_LOG_ERROR, "%s", uninstalled ?
	    "the app was removed from the workspace" :
	    "the bot's token was revoked");
	in->why = "noted";
	return false;
}

bool
slack_read_event(struct slack_incoming *in)
{
	struct slack *s = in->slack;
	const char *type = bh_get_text(in->payload, "type");
	const struct bh_value *event = bh_get(in->payload, "event");
	const char *what = bh_get_text(event, "type");
	const char *id = bh_get_text(in->payload, "event_id");

	if (type != NULL && strcmp(type, "app_rate_limited") == 0) {
		bh_log(s->host, BH_LOG_WARN, "Slack holds back events: over "
		    "30,000 an hour came; take the app out of rooms that do "
		    "not need it");
		in->why = "noted";
		return false;
	}
	if (type == NULL || strcmp(type, "event_callback") != 0 ||
	    what == NULL || (id != NULL && strlen(id) > ID_MOST)) {
		in->why = "no event";
		return false;
	}
	if (!installed_here(s, in->payload)) {
		in->why = "it is of another workspace";
		bh_log(s->host, BH_LOG_WARN, "refused an event of another "
		    "workspace: each one needs an app and a block of its own");
		return false;
	}
	if (strcmp(what, "app_mention") == 0)
		return read_message(in, event, true);
	if (strcmp(what, "message") == 0)
		return read_message(in, event, false);
	if (strcmp(what, "app_home_opened") == 0)
		return read_home(in, event);
	if (strcmp(what, "app_uninstalled") == 0 ||
	    strcmp(what, "tokens_revoked") == 0)
		return read_gone(in, event, *what == 'a');
	in->why = "an event that was not asked for";
	return false;
}
