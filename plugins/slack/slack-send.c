/* slack-send.c - the posts of the host, each by the way that it needs.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   an edit		chat.update of "CHANNEL:ts"
 *   home page		collected by slack-home.c
 *   to one person	the open modal, else the response URL, else an
 *			ephemeral message, else a direct one
 *   to a room		chat.postMessage, else the response URL
 *   to a person	chat.postMessage to the user's id
 *
 * Every new message has its key as metadata (slack-find.c).  Ephemeral
 * messages have no id that could be edited.
 */

#include "plugins/slack/slack.h"

#define FALLBACK_MOST	3900u		/* characters; 4,000 are advised */

struct sending {
	unsigned magic;
#define SENDING_MAGIC	0x53656e53u
	struct slack *slack;
	struct slack_reply *reply;	/* NULL: none (any more) */
	char *key, *room, *user, *thread, *message, *text;
	struct bh_buf blocks;
	char *channel;			/* where it goes, once known */
	int rank;
	bool card, again, plain;
	bh_sent_cb *done;		/* NULL: nobody asks */
	void *arg;
};

static void to_channel(struct sending *p);
static void to_person(struct sending *p);

static void
finish(struct sending *p, int result, const char *message)
{
	bh_sent_cb *done = p->done;
	void *arg = p->arg;
	char *id = bh_copy(message);

	slack_reply_drop(p->reply);
	free(p->key);
	free(p->room);
	free(p->user);
	free(p->thread);
	free(p->message);
	free(p->text);
	free(p->channel);
	bh_buf_release(&p->blocks);
	p->magic = 0;
	free(p);
	if (done != NULL)
		done(arg, result, id);
	free(id);
}

static bool
is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static bool
one_of(const char *word, const char *const *list)
{
	for (; word != NULL && *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static const char *const no_room[] = { "channel_not_found",
	"not_in_channel", "is_archived", "user_not_in_channel",
	"restricted_action", "restricted_action_read_only_channel",
	"restricted_action_thread_only_channel",
	"restricted_action_non_threadable_channel", NULL };
static const char *const no_person[] = { "user_not_found",
	"cannot_dm_bot", "user_disabled", "account_inactive_user",
	"messages_tab_disabled", "user_not_visible", NULL };
static const char *const no_message[] = { "message_not_found",
	"cant_update_message", "edit_window_closed", "channel_not_found",
	"is_inactive", "is_archived", "not_in_channel", NULL };
static const char *const no_blocks[] = { "invalid_blocks",
	"invalid_blocks_format", "msg_blocks_too_long", "msg_too_long",
	NULL };

/* What the host is told, and the operator. */
static int
outcome(const struct sending *p, const struct slack_answer *a)
{
	struct bh_host *host = p->slack->host;
	const char *error = a->error != NULL ? a->error : "";

	/* The host asks whether it may be there: after a failure on the way,
	 * or for want of a token, it certainly is not. */
	if (a->result == BH_ENET && !a->sent)
		return BH_EBUSY;
	if (a->result != BH_EINVAL)
		return a->result;
	if (is(error, "not_in_channel") || is(error, "channel_not_found")) {
		bh_log(host, BH_LOG_INFO, "we are not in channel %.60s: say "
		    "/invite @bellhop there", p->channel);
		return BH_ENOENT;
	}
	if (one_of(error, no_room) || one_of(error, no_person)) {
		bh_log(host, BH_LOG_WARN, "nothing can be shown at %.60s: "
		    "%.60s", p->channel != NULL ? p->channel : p->user,
		    error);
		return one_of(error, no_person) ? BH_ENOENT : BH_EPERM;
	}
	/* Not foreseen: it is tried again rather than lost. */
	bh_log(host, BH_LOG_WARN, "a message was refused: %.60s", error);
	return BH_EBUSY;
}

/* ------------------------------------------------------------------ */
/* What a message is made of                                           */

static void
add_text(struct bh_buf *json, const char *name, const char *value)
{
	if (value == NULL)
		return;
	bh_buf_add(json, ",\"%s\":", name);
	bh_buf_quote(json, value);
}

/* The text is for notifications and for who listens, without markup; the
 * blocks are what is seen. */
static void
content(const struct sending *p, struct bh_buf *json)
{
	struct bh_buf fallback = BH_BUF(64u * 1024u);

	slack_escape(&fallback, p->text, FALLBACK_MOST);
	bh_buf_puts(json, "\"text\":");
	bh_buf_quote(json, bh_buf_text(&fallback));
	bh_buf_add(json, ",\"blocks\":%s", bh_buf_text(&p->blocks));
	bh_buf_release(&fallback);
}

/* Slack does not like our blocks: the words are shown without them. */
static bool
make_plain(struct sending *p, const char *error)
{
	if (p->plain || !one_of(error, no_blocks))
		return false;
	bh_log(p->slack->host, BH_LOG_ERROR, "Slack refused our blocks "
	    "(%.60s); the plain text is shown instead", error);
	p->plain = true;
	bh_buf_clear(&p->blocks);
	slack_text_blocks(p->slack, &p->blocks, p->text);
	return true;
}

/* ------------------------------------------------------------------ */
/* An edit                                                             */

static void edit(struct sending *p);

static void
edited(void *arg, const struct slack_answer *a)
{
	struct sending *p = arg;

	assert(p->magic == SENDING_MAGIC);
	if (a->result == BH_OK)
		finish(p, BH_OK, p->message);
	else if (make_plain(p, a->error))
		edit(p);
	else if (a->result == BH_EINVAL && one_of(a->error, no_message))
		finish(p, BH_ENOENT, NULL);	/* it is shown anew */
	else
		finish(p, outcome(p, a), NULL);
}

static void
edit(struct sending *p)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);
	size_t n = strcspn(p->message, ":");
	char *channel;

	if (p->message[n] == '\0') {
		finish(p, BH_ENOENT, NULL);
		return;
	}
	channel = bh_copy(p->message);
	channel[n] = '\0';
	free(p->channel);
	p->channel = channel;
	bh_buf_puts(&json, "{\"channel\":");
	bh_buf_quote(&json, channel);
	add_text(&json, "ts", p->message + n + 1);
	bh_buf_puts(&json, ",\"parse\":\"none\",\"link_names\":false,");
	content(p, &json);
	bh_buf_puts(&json, "}");
	slack_api(p->slack, &(struct slack_ask){ .method = "chat.update",
	    .json = bh_buf_text(&json), .rank = p->rank }, edited, p);
	bh_buf_release(&json);
}

/* ------------------------------------------------------------------ */
/* The response URL                                                    */

static void
responded(void *arg, const struct slack_answer *a)
{
	struct sending *p = arg;

	assert(p->magic == SENDING_MAGIC);
	if (a->result == BH_OK)
		finish(p, BH_OK, NULL);
	else if (p->slack->closing)
		finish(p, BH_ECANCELLED, NULL);
	else if (p->user == NULL)		/* the room was tried before */
		finish(p, a->result == BH_EBUSY ? BH_EBUSY : BH_ENOENT, NULL);
	else
		to_person(p);
}

static bool
respond(struct sending *p)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);

	if (!slack_can_respond(p->reply))
		return false;
	bh_buf_add(&json, "{\"response_type\":\"%s\",\"replace_original\":"
	    "false,\"mrkdwn\":false,", p->user != NULL ? "ephemeral" :
	    "in_channel");
	content(p, &json);
	add_text(&json, "thread_ts", p->thread);
	bh_buf_puts(&json, "}");
	slack_respond(p->reply, bh_buf_text(&json), responded, p);
	bh_buf_release(&json);
	return true;
}

/* ------------------------------------------------------------------ */
/* New messages                                                        */

static void
posted(void *arg, const struct slack_answer *a)
{
	struct sending *p = arg;
	const char *ts = bh_get_text(a->body, "ts");
	const char *channel = bh_get_text(a->body, "channel");
	struct bh_buf id = BH_BUF(512);

	assert(p->magic == SENDING_MAGIC);
	if (a->result == BH_OK && ts != NULL) {
		bh_failpoint(p->slack->host, "slack-posted");
		bh_buf_add(&id, "%s:%s", channel != NULL ? channel :
		    p->channel, ts);
		finish(p, BH_OK, bh_buf_text(&id));
	} else if (a->result == BH_OK) {
		finish(p, BH_OK, NULL);
	} else if (make_plain(p, a->error)) {
		to_channel(p);
	} else if (a->result == BH_EINVAL && one_of(a->error, no_room) &&
	    p->user == NULL && respond(p)) {
		/* A slash command works where we were never invited. */
	} else {
		finish(p, outcome(p, a), NULL);
	}
	bh_buf_release(&id);
}

static void
post(struct sending *p)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);

	bh_buf_puts(&json, "{\"channel\":");
	bh_buf_quote(&json, p->channel);
	add_text(&json, "thread_ts", p->thread);
	bh_buf_puts(&json, ",\"mrkdwn\":false,\"parse\":\"none\","
	    "\"link_names\":false,\"unfurl_links\":false,"
	    "\"unfurl_media\":false,");
	content(p, &json);
	if (p->key != NULL) {
		bh_buf_puts(&json, ",\"metadata\":{\"event_type\":\""
		    SLACK_POST_EVENT "\",\"event_payload\":{\"key\":");
		bh_buf_quote(&json, p->key);
		bh_buf_puts(&json, "}}");
	}
	bh_buf_puts(&json, "}");
	bh_failpoint(p->slack->host, "slack-post");
	slack_api(p->slack, &(struct slack_ask){
	    .method = "chat.postMessage", .channel = p->channel,
	    .json = bh_buf_text(&json), .rank = p->rank, .once = true },
	    posted, p);
	bh_buf_release(&json);
}

static void
found(void *arg, int result, const char *channel, const char *ts)
{
	struct sending *p = arg;
	struct bh_buf id = BH_BUF(512);

	assert(p->magic == SENDING_MAGIC);
	if (result == BH_OK) {
		bh_buf_add(&id, "%s:%s", channel, ts);
		bh_log(p->slack->host, BH_LOG_INFO, "it was posted before: "
		    "%.100s", bh_buf_text(&id));
		finish(p, BH_OK, bh_buf_text(&id));
	} else if (result == BH_ENOENT) {
		post(p);
	} else {
		finish(p, result, NULL);
	}
	bh_buf_release(&id);
}

/* p->channel is where. */
static void
to_channel(struct sending *p)
{
	if (p->again && p->key != NULL) {
		p->again = false;
		slack_find(p->slack, p->channel, p->thread, p->key, found, p);
	} else
		post(p);
}

static void
direct(struct sending *p)
{
	const struct slack_reply *r = p->reply;
	bool here = r != NULL && r->channel != NULL && *r->channel == 'D' &&
	    r->user != NULL && strcmp(r->user, p->user) == 0 &&
	    r->response_url == NULL;

	bh_set(&p->channel, here ? r->channel : p->user);
	if (p->room != NULL)
		bh_set(&p->thread, NULL);
	to_channel(p);
}

static void
whispered(void *arg, const struct slack_answer *a)
{
	struct sending *p = arg;

	assert(p->magic == SENDING_MAGIC);
	if (a->result == BH_OK)
		finish(p, BH_OK, NULL);
	else if (make_plain(p, a->error))
		to_person(p);
	else if (a->result == BH_EINVAL)
		direct(p);		/* not in there, he or we */
	else
		finish(p, outcome(p, a), NULL);
}

static void
whisper(struct sending *p)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);

	bh_buf_puts(&json, "{\"channel\":");
	bh_buf_quote(&json, p->channel);
	add_text(&json, "user", p->user);
	add_text(&json, "thread_ts", p->thread);
	bh_buf_puts(&json, ",\"parse\":\"none\",\"link_names\":false,");
	content(p, &json);
	bh_buf_puts(&json, "}");
	slack_api(p->slack, &(struct slack_ask){
	    .method = "chat.postEphemeral", .json = bh_buf_text(&json),
	    .rank = p->rank, .once = true }, whispered, p);
	bh_buf_release(&json);
}

static void
resolved(void *arg, int result, const char *id)
{
	struct sending *p = arg;

	assert(p->magic == SENDING_MAGIC);
	if (result == BH_OK) {
		bh_set(&p->channel, id);
		if (p->user != NULL)
			whisper(p);
		else
			to_channel(p);
		return;
	}
	if (result == BH_ENOENT && p->user != NULL) {
		direct(p);
		return;
	}
	if (result == BH_ENOENT && respond(p))
		return;
	if (result == BH_ENOENT)
		bh_log(p->slack->host, BH_LOG_INFO, "we are in no channel "
		    "named %.80s: say /invite @bellhop there", p->room);
	finish(p, result, NULL);
}

/* To p->user: in the room, if there is one, else as a direct message. */
static void
to_person(struct sending *p)
{
	if (p->room != NULL)
		slack_room(p->slack, p->room, resolved, p);
	else
		direct(p);
}

static void
in_view(void *arg, int result)
{
	struct sending *p = arg;

	assert(p->magic == SENDING_MAGIC);
	if (result == BH_OK)
		finish(p, BH_OK, NULL);
	else if (p->slack->closing)
		finish(p, BH_ECANCELLED, NULL);
	else if (!respond(p))
		to_person(p);
}

/* ------------------------------------------------------------------ */

static void
route(struct sending *p)
{
	struct slack_reply *r = p->reply;

	if (p->message != NULL) {
		edit(p);
	} else if (p->user != NULL) {
		/* One answer fits into the modal; more are messages. */
		if (r != NULL && !p->card && !r->told && slack_view_can(r)) {
			r->told = true;
			slack_view_text(r, p->text, in_view, p);
		} else if (!respond(p)) {
			to_person(p);
		}
	} else {
		slack_room(p->slack, p->room, resolved, p);
	}
}

static int
rank_of(const struct bh_card *card)
{
	return card == NULL ? SLACK_NOTICE : card->buttons_count == 0 ?
	    SLACK_CARD : SLACK_APPROVAL;
}

static char *
thread_of(const char *thread)
{
	const char *colon = thread != NULL ? strrchr(thread, ':') : NULL;

	return bh_copy(colon != NULL ? colon + 1 : thread);
}

int
slack_send(void *state, const struct bh_post *post, bh_sent_cb *done,
    void *arg)
{
	struct slack *s = slack_of(state);
	struct slack_reply *r = slack_reply_find(s, post->reply);
	struct sending *p;

	if (post->room == NULL && post->user == NULL && post->message == NULL)
		return BH_EINVAL;
	if (r != NULL && r->from == SLACK_HOME && post->message == NULL) {
		slack_home_add(r, post);
		done(arg, BH_OK, NULL);
		return BH_OK;
	}
	if (r != NULL && r->from == SLACK_SUGGEST) {
		done(arg, BH_OK, NULL);	/* nobody asked for words */
		return BH_OK;
	}
	p = bh_zero(sizeof(*p));
	*p = (struct sending){ .magic = SENDING_MAGIC, .slack = s,
		.reply = r != NULL ? slack_reply_hold(r) : NULL,
		.key = bh_copy(post->key), .room = bh_copy(post->room),
		.user = bh_copy(post->user),
		.thread = thread_of(post->thread),
		.message = bh_copy(post->message),
		.text = bh_copy(post->text != NULL ? post->text : ""),
		.blocks = BH_BUF(1024u * 1024u), .rank = rank_of(post->card),
		.card = post->card != NULL, .again = post->again,
		.done = done, .arg = arg };
	if (post->card != NULL)
		slack_card_blocks(s, &p->blocks, post->card, 0);
	else
		slack_text_blocks(s, &p->blocks, p->text);
	route(p);
	return BH_OK;
}

void
slack_say(struct slack *s, struct slack_reply *r, const char *room,
    const char *user, const char *text, const char *blocks)
{
	struct sending *p = bh_zero(sizeof(*p));

	*p = (struct sending){ .magic = SENDING_MAGIC, .slack = s,
		.reply = r != NULL ? slack_reply_hold(r) : NULL,
		.room = bh_copy(room), .user = bh_copy(user),
		.thread = thread_of(r != NULL ? r->thread : NULL),
		.text = bh_copy(text), .blocks = BH_BUF(1024u * 1024u),
		.rank = SLACK_NOW };
	if (room != NULL && *room == 'D')
		bh_set(&p->room, NULL);
	if (blocks != NULL)
		bh_buf_puts(&p->blocks, blocks);
	else
		slack_text_blocks(s, &p->blocks, text);
	if (!respond(p))
		to_person(p);
}
