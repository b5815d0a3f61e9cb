/* slack-receive.c - hands what Slack delivered to the host, and acknowledges.
 * SPDX-License-Identifier: Apache-2.0
 *
 * First durable, then acknowledged, then done.  A submitted form and a
 * question for options are answered in the acknowledgement, so theirs waits
 * for that a little (slack-reply.c); all others are acknowledged with nothing
 * as soon as the host has them.  What the host cannot take is not
 * acknowledged, and Slack sends it again.
 */

#include "plugins/slack/slack.h"

#define ID_MOST		40u

struct slack_delivery {
	struct slack *slack;
	struct slack_reply *reply;	/* held */
	bool waits;			/* its acknowledgement is an answer */
	slack_ack_fn *ack;
	void *ack_arg;
	struct slack_delivery *next, **prev;
};

bool
slack_id_ok(const char *id)
{
	size_t len = id != NULL ? strlen(id) : 0;

	return len >= 2 && len <= ID_MOST && id[0] >= 'A' && id[0] <= 'Z' &&
	    id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0';
}

bool
slack_ts_ok(const char *ts)
{
	size_t whole = ts != NULL ? strspn(ts, "0123456789") : 0;

	return whole > 0 && whole <= 20 && ts[whole] == '.' &&
	    strlen(ts) <= ID_MOST && ts[whole + 1] != '\0' &&
	    ts[whole + 1 + strspn(ts + whole + 1, "0123456789")] == '\0';
}

unsigned
slack_flags(const struct slack *s, const char *team, const char *enterprise)
{
	if ((team == NULL && enterprise == NULL) ||
	    slack_ours(s, team, enterprise))
		return 0;
	/* A workspace of our own organisation, maybe: the host asks Slack. */
	return s->enterprise != NULL && enterprise == NULL ? 0 :
	    BH_USER_GUEST;
}

static void
delivery_free(struct slack_delivery *d)
{
	*d->prev = d->next;
	if (d->next != NULL)
		d->next->prev = d->prev;
	slack_reply_drop(d->reply);
	free(d);
}

static void
received(void *arg, int result)
{
	struct slack_delivery *d = arg;

	if (result == BH_OK && d->waits)
		slack_reply_wait(d->reply, d->ack, d->ack_arg);
	else
		d->ack(d->ack_arg, result, NULL);
	delivery_free(d);
}

/* Slack says that something went wrong; we can say what.  It may send it again
 * and then it is done: that it was not is not for us to say. */
static void
turned_away(struct slack_reply *r, int result)
{
	bh_log(r->slack->host, BH_LOG_WARN, "the host does not take a "
	    "delivery (%d): Slack is to send it again", result);
	slack_respond(r, "{\"response_type\":\"ephemeral\","
	    "\"replace_original\":false,\"text\":\"I have too much to do "
	    "just now. If you hear nothing else within a minute, try "
	    "again.\"}",
	    NULL, NULL);
}

bool
slack_hand_over(struct slack_incoming *in, struct slack_reply *r,
    struct bh_event *event)
{
	struct slack *s = in->slack;
	struct slack_delivery *d = bh_zero(sizeof(*d));
	int ret;

	d->slack = s;
	d->reply = slack_reply_hold(r);
	d->waits = r->from == SLACK_SUBMIT || r->from == SLACK_SUGGEST;
	d->ack = in->ack;
	d->ack_arg = in->ack_arg;
	d->next = s->deliveries;
	d->prev = &s->deliveries;
	if (d->next != NULL)
		d->next->prev = &d->next;
	s->deliveries = d;
	event->reply = r->id;
	if (event->room == NULL && r->channel != NULL && *r->channel != 'D')
		event->room = r->channel;
	slack_reply_hold(r);
	ret = bh_deliver(s->host, event, received, d);
	if (ret != BH_OK) {
		turned_away(r, ret);
		r->ended = true;		/* no over() will come */
		received(d, ret);
	} else if (r->expects_form) {
		/* Three seconds are all that the trigger has. */
		slack_open_loading(r);
	}
	slack_reply_drop(r);
	return true;
}

bool
slack_too_long(struct slack_incoming *in, struct slack_reply *r)
{
	struct slack *s = in->slack;

	bh_log(s->host, BH_LOG_NOTE, "%.40s wrote more than %u KiB to me: "
	    "refused", r->user, SLACK_TEXT_MOST / 1024);
	slack_reply_hold(r);
	r->ended = true;		/* no over() will come */
	in->ack(in->ack_arg, BH_OK, NULL);
	slack_say(s, r, r->channel, r->user, "That is longer than the 64 KiB "
	    "that I read of one message. Nothing was done: say it in fewer "
	    "words.", NULL);
	slack_reply_drop(r);
	return true;
}

void
slack_receive(struct slack *s, int kind, const struct bh_value *payload,
    slack_ack_fn *ack, void *ack_arg)
{
	struct slack_incoming in = { .slack = s, .payload = payload,
	    .ack = ack, .ack_arg = ack_arg, .why = "nothing to us" };
	const char *app = bh_get_text(payload, "api_app_id");
	bool taken = false;

	if (s->app_id != NULL && app != NULL && strcmp(s->app_id, app) != 0) {
		in.why = "it is another app's: is the app-token or the "
		    "signing-secret of another app?";
		bh_log(s->host, BH_LOG_WARN, "refused a delivery: %s", in.why);
	} else if (kind == SLACK_EVENTS) {
		taken = slack_read_event(&in);
	} else if (kind == SLACK_COMMANDS) {
		taken = slack_read_command(&in);
	} else {
		taken = slack_read_interaction(&in);
	}
	if (taken)
		return;
	bh_log(s->host, BH_LOG_DEBUG, "ignored a delivery: %s", in.why);
	ack(ack_arg, BH_OK, NULL);
}

void
slack_receive_close(struct slack *s)
{
	while (s->deliveries != NULL)
		delivery_free(s->deliveries);
}
