/* slack-interact.c - reads slash commands, buttons, shortcuts and modals.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/interactivity/handling-user-interaction.  Nothing that a
 * payload carries is believed but who sent it and which token it names: what a
 * button or a form stands for is in the host's store.
 */

#include "plugins/slack/slack.h"

#include <openssl/evp.h>

#define TRIGGER_LIFE	3000			/* ms */
#define RESPONSE_LIFE	(30 * 60 * 1000)	/* ms */
#define RESPONSES	5
#define TOKEN_MOST	2000u
#define WORD_MOST	255u			/* callback_id, block_id */
#define FIELDS_MOST	100u
#define TRIGGER_MOST	200u			/* as it is; else its digest */

/* ------------------------------------------------------------------ */
/* What all of them have                                               */

/* What Slack sends twice has the same trigger; nothing else has it. */
static void
id_of(struct bh_buf *out, const char *trigger)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (trigger == NULL)
		return;
	if (strlen(trigger) <= TRIGGER_MOST) {
		bh_buf_add(out, "trigger:%s", trigger);
		return;
	}
	if (EVP_Digest(trigger, strlen(trigger), digest, NULL, EVP_sha256(),
	    NULL) != 1)
		return;
	bh_buf_puts(out, "trigger-sha256:");
	for (size_t i = 0; i < 32; i++)
		bh_buf_add(out, "%02x", digest[i]);
}

static struct slack_reply *
reply_of(struct slack_incoming *in, int from, const char *user,
    const char *channel)
{
	struct slack_reply *r = slack_reply_new(in->slack, from);
	const char *trigger = bh_get_text(in->payload, "trigger_id");
	const char *url = bh_get_text(in->payload, "response_url");

	r->user = bh_copy(user);
	r->channel = bh_copy(slack_id_ok(channel) ? channel : NULL);
	r->trigger = bh_copy(trigger);
	r->trigger_until = r->made + TRIGGER_LIFE;
	if (url != NULL && strlen(url) < 2000) {
		r->response_url = bh_copy(url);
		r->responses = RESPONSES;
		r->response_until = r->made + RESPONSE_LIFE;
	}
	return r;
}

static bool
hand_over(struct slack_incoming *in, struct slack_reply *r,
    struct bh_event *event)
{
	struct bh_buf id = BH_BUF(256);
	bool ret;

	id_of(&id, r->trigger);
	event->id = id.len > 0 ? id.data : NULL;
	ret = slack_hand_over(in, r, event);
	bh_buf_release(&id);
	return ret;
}

/* Names of commands: "/elevate" and callback_ids. */
static bool
is_command(const char *word)
{
	return word != NULL && *word != '\0' && strlen(word) <= WORD_MOST &&
	    word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-_ ")] ==
	    '\0';
}

/* ------------------------------------------------------------------ */
/* Slash commands                                                      */

/* "/bellhop" is a way to all commands; others are the command itself, which
 * opens its form if nothing is said with it. */
static bool
command_line(struct bh_buf *line, const char *name, const char *text)
{
	bool general = strcmp(name, "bellhop") == 0;

	if (!general)
		bh_buf_puts(line, name);
	else if (*text == '\0')
		bh_buf_puts(line, "help");
	if (*text != '\0') {
		bh_buf_puts(line, line->len > 0 ? " " : "");
		slack_unescape(line, text);
	}
	return !general && *text == '\0';
}

bool
slack_read_command(struct slack_incoming *in)
{
	struct slack *s = in->slack;
	const struct bh_value *p = in->payload;
	const char *user = bh_get_text(p, "user_id");
	const char *name = bh_get_text(p, "command");
	const char *text = bh_get_text(p, "text");
	const char *team = bh_get_text(p, "team_id");
	const char *enterprise = bh_get_text(p, "enterprise_id");
	struct bh_buf line = BH_BUF(SLACK_TEXT_MOST);
	struct slack_reply *r;

	if (!slack_id_ok(user) || name == NULL || *name != '/' ||
	    !is_command(name + 1)) {
		in->why = "no slash command";
		return false;
	}
	/* Nobody but members of the workspace can type ours. */
	if (slack_flags(s, team, enterprise) != 0) {
		in->why = "it is of another workspace";
		bh_log(s->host, BH_LOG_WARN, "refused a slash command of "
		    "another workspace: each one needs an app and a block of "
		    "its own, or belongs under `workspaces`");
		return false;
	}
	text = text != NULL ? text + strspn(text, " \t\n") : "";
	r = reply_of(in, SLACK_SLASH, user, bh_get_text(p, "channel_id"));
	r->expects_form = command_line(&line, name + 1, text);
	if (line.overflow)
		slack_too_long(in, r);
	else
		hand_over(in, r, &(struct bh_event){ .kind = BH_EV_COMMAND,
		    .user = user, .text = bh_buf_text(&line) });
	bh_buf_release(&line);
	return true;
}

/* ------------------------------------------------------------------ */
/* Buttons                                                             */

static unsigned
flags_of(const struct slack_incoming *in)
{
	const struct bh_value *p = in->payload;
	const struct bh_value *user = bh_get(p, "user");
	const char *team = bh_get_text(user, "team_id");
	const char *enterprise = bh_get_text(bh_get(p, "enterprise"), "id");

	if (team == NULL)
		team = bh_get_text(bh_get(p, "team"), "id");
	return slack_flags(in->slack, team, enterprise);
}

static const char *
thread_of(const struct bh_value *payload, const struct bh_value *container)
{
	const char *thread = bh_get_text(container, "thread_ts");

	if (thread == NULL)
		thread = bh_get_text(bh_get(payload, "message"), "thread_ts");
	return slack_ts_ok(thread) ? thread : NULL;
}

static bool
read_button(struct slack_incoming *in, const char *user)
{
	const struct bh_value *p = in->payload;
	const struct bh_value *actions = bh_get(p, "actions");
	const struct bh_value *container = bh_get(p, "container");
	const struct bh_value *a = actions != NULL &&
	    actions->kind == BH_LIST ? actions->first : NULL;
	const char *type = bh_get_text(a, "type");
	const char *action = bh_get_text(a, "action_id");
	const char *token = bh_get_text(a, "value");
	const char *channel = bh_get_text(bh_get(p, "channel"), "id");
	const char *message = bh_get_text(container, "message_ts");
	struct slack_reply *r;

	if (type == NULL || strcmp(type, "button") != 0) {
		in->why = "a choice in a form that is not sent yet";
		return false;
	}
	if (token == NULL || *token == '\0' || strlen(token) > TOKEN_MOST) {
		in->why = "a button with nothing behind it";
		return false;
	}
	if (channel == NULL)
		channel = bh_get_text(container, "channel_id");
	r = reply_of(in, SLACK_BUTTON, user, channel);
	r->thread = bh_copy(thread_of(p, container));
	r->message = bh_copy(slack_ts_ok(message) ? message : NULL);
	if (action != NULL && strcmp(action, SLACK_FORM_ACTION) == 0) {
		/* Ours, not the host's: it only gives a trigger. */
		slack_reply_hold(r);
		r->ended = true;
		in->ack(in->ack_arg, BH_OK, NULL);
		slack_form_open(r, token);
		slack_reply_drop(r);
		return true;
	}
	r->expects_form = action != NULL && *action == 'f';
	return hand_over(in, r, &(struct bh_event){ .kind = BH_EV_BUTTON,
	    .user = user, .user_flags = flags_of(in), .thread = r->thread,
	    .token = token });
}

/* ------------------------------------------------------------------ */
/* Shortcuts                                                           */

static bool
read_shortcut(struct slack_incoming *in, const char *user)
{
	const struct bh_value *p = in->payload;
	const char *id = bh_get_text(p, "callback_id");
	const char *message = bh_get_text(p, "message_ts");
	char command[WORD_MOST + 1] = "";
	struct slack_reply *r;

	/* One app must not have an id twice, so that of a message shortcut has
	 * a tail. */
	if (id != NULL && strlen(id) <= WORD_MOST) {
		size_t len = strlen(id), tail = strlen(SLACK_FROM_MESSAGE);

		if (len > tail && strcmp(id + len - tail,
		    SLACK_FROM_MESSAGE) == 0)
			len -= tail;
		memcpy(command, id, len);
	}
	if (!is_command(command)) {
		in->why = "a shortcut that is no command";
		return false;
	}
	r = reply_of(in, SLACK_SHORTCUT, user,
	    bh_get_text(bh_get(p, "channel"), "id"));
	/* One on a message is answered below it. */
	r->thread = bh_copy(thread_of(p, NULL));
	if (r->thread == NULL && slack_ts_ok(message))
		r->thread = bh_copy(message);
	r->expects_form = true;
	return hand_over(in, r, &(struct bh_event){ .kind = BH_EV_COMMAND,
	    .user = user, .user_flags = flags_of(in), .thread = r->thread,
	    .text = command });
}

/* ------------------------------------------------------------------ */
/* Modals                                                              */

/* What somebody put into one element: a text, an option, options. */
static const char *
value_of(const struct slack *s, const struct bh_value *element)
{
	const struct bh_value *several = bh_get(element, "selected_options");
	const char *text = bh_get_text(element, "value");

	if (text != NULL)
		return text;
	text = bh_get_text(bh_get(element, "selected_option"), "value");
	if (text == NULL && several != NULL && several->kind == BH_LIST)
		text = bh_get_text(several->first, "value");
	text = text != NULL ? slack_value(s, text) : NULL;
	return text != NULL ? text : "";
}

struct fields {
	struct bh_pair list[FIELDS_MOST];
	size_t count;
};

/* {"block": {"element": {...}}}: our blocks have one element each. */
static void
read_fields(const struct slack *s, const struct bh_value *view,
    struct fields *out)
{
	out->count = 0;
	for (BH_EACH(block, bh_get(bh_get(view, "state"), "values"))) {
		if (block->kind != BH_MAP || block->first == NULL ||
		    block->key == NULL || strlen(block->key) > WORD_MOST ||
		    out->count == FIELDS_MOST)
			continue;
		out->list[out->count++] = (struct bh_pair){ block->key,
		    value_of(s, block->first) };
	}
}

/* Is the view of another installation of the app? */
static bool
is_foreign(const struct slack *s, const struct bh_value *view)
{
	const char *team = bh_get_text(view, "app_installed_team_id");

	return team != NULL && !s->org && strcmp(team, s->team) != 0 &&
	    (s->enterprise == NULL || strcmp(team, s->enterprise) != 0);
}

static bool
read_view(struct slack_incoming *in, const char *user, bool submitted)
{
	struct slack *s = in->slack;
	const struct bh_value *view = bh_get(in->payload, "view");
	const char *id = bh_get_text(view, "id");
	const char *callback = bh_get_text(view, "callback_id");
	const char *token = bh_get_text(view, "private_metadata");
	const char *input = bh_get_text(in->payload, "block_id");
	const char *typed = bh_get_text(in->payload, "value");
	struct fields fields;
	struct slack_reply *r;

	if (callback == NULL || strcmp(callback, SLACK_FORM_VIEW) != 0 ||
	    !slack_id_ok(id) || token == NULL || *token == '\0' ||
	    strlen(token) > TOKEN_MOST || is_foreign(s, view)) {
		in->why = "not a form of ours";
		return false;
	}
	read_fields(s, view, &fields);
	r = reply_of(in, submitted ? SLACK_SUBMIT : SLACK_SUGGEST, user,
	    NULL);
	r->view = bh_copy(id);
	r->view_hash = bh_copy(bh_get_text(view, "hash"));

	struct bh_event e = { .kind = submitted ? BH_EV_FORM :
	    BH_EV_COMPLETE, .user = user, .user_flags = flags_of(in),
	    .token = slack_view_token(s, id, token),
	    .fields = fields.list, .fields_count = fields.count };

	if (submitted)
		return hand_over(in, r, &e);
	e.input = input != NULL ? input : "";
	e.text = typed != NULL ? typed : "";
	return slack_hand_over(in, r, &e);
}

bool
slack_read_interaction(struct slack_incoming *in)
{
	const char *type = bh_get_text(in->payload, "type");
	const char *user = bh_get_text(bh_get(in->payload, "user"), "id");

	if (type == NULL || !slack_id_ok(user)) {
		in->why = "an interaction without a type or a person";
		return false;
	}
	if (strcmp(type, "block_actions") == 0)
		return read_button(in, user);
	if (strcmp(type, "view_submission") == 0)
		return read_view(in, user, true);
	if (strcmp(type, "block_suggestion") == 0)
		return read_view(in, user, false);
	if (strcmp(type, "shortcut") == 0 ||
	    strcmp(type, "message_action") == 0)
		return read_shortcut(in, user);
	in->why = "an interaction that needs no answer";
	return false;
}
