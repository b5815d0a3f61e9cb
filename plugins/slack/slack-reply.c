/* slack-reply.c - what may still answer an event, and until when.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nearly everything is acknowledged as soon as it is durable, before anything
 * is done about it.  Only a submitted form and a list of choices are answered
 * in the acknowledgement itself: for them Slack waits three seconds, so they
 * wait two here and then say that more will come.
 *
 * docs.slack.dev/interactivity/handling-user-interaction
 */

#include "plugins/slack/slack.h"

#define WAIT		2000			/* ms */
#define KEPT		(60 * 60 * 1000)	/* ms, without over() */
#define REPLIES_MAX	20000

static struct slack_reply **
bucket(struct slack *s, uint64_t number)
{
	return &s->replies[number %
	    (sizeof(s->replies) / sizeof(s->replies[0]))];
}

static void
reply_free(struct slack_reply *r)
{
	struct slack_reply **at = bucket(r->slack, r->number);

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	bh_cancel(r->slack->host, r->timer);
	free(r->user);
	free(r->channel);
	free(r->thread);
	free(r->message);
	free(r->trigger);
	bh_secret_free(r->response_url);
	free(r->view);
	free(r->view_hash);
	bh_buf_release(&r->home);
	r->magic = 0;
	free(r);
}

/* Those in one bucket that no over() came for: it was just talk, or the host
 * was too busy. */
static void
forget_old(struct slack *s, struct slack_reply *r)
{
	int64_t now = bh_mono(s->host);

	while (r != NULL) {
		struct slack_reply *next = r->next;

		if (r->refs == 0 && r->ack == NULL &&
		    (now - r->made > KEPT ||
		    s->replies_made - r->number > REPLIES_MAX))
			reply_free(r);
		r = next;
	}
}

struct slack_reply *
slack_reply_new(struct slack *s, int from)
{
	struct slack_reply *r = bh_zero(sizeof(*r));
	struct slack_reply **at = bucket(s, ++s->replies_made);

	forget_old(s, *at);
	r->magic = SLACK_REPLY_MAGIC;
	r->slack = s;
	r->from = from;
	r->made = bh_mono(s->host);
	r->number = s->replies_made;
	r->home = (struct bh_buf)BH_BUF(256u * 1024u);
	snprintf(r->id, sizeof(r->id), "s%llu",
	    (unsigned long long)r->number);
	r->next = *at;
	*at = r;
	return r;
}

struct slack_reply *
slack_reply_find(struct slack *s, const char *id)
{
	struct slack_reply *r;

	if (id == NULL || *id != 's')
		return NULL;
	for (r = *bucket(s, strtoull(id + 1, NULL, 10)); r != NULL;
	    r = r->next)
		if (strcmp(r->id, id) == 0)
			return r;
	return NULL;
}

struct slack_reply *
slack_reply_hold(struct slack_reply *r)
{
	assert(r->magic == SLACK_REPLY_MAGIC);
	r->refs++;
	return r;
}

static void
free_if_done(struct slack_reply *r)
{
	if (r->refs == 0 && r->ended && r->ack == NULL)
		reply_free(r);
}

void
slack_reply_drop(struct slack_reply *r)
{
	if (r == NULL)
		return;
	assert(r->magic == SLACK_REPLY_MAGIC && r->refs > 0);
	r->refs--;
	free_if_done(r);
}

/* ------------------------------------------------------------------ */
/* The acknowledgement                                                 */

bool
slack_reply_ack(struct slack_reply *r, const char *body)
{
	slack_ack_fn *ack = r->ack;

	assert(r->magic == SLACK_REPLY_MAGIC);
	if (ack == NULL)
		return false;
	bh_cancel(r->slack->host, r->timer);
	r->timer = NULL;
	r->ack = NULL;
	ack(r->ack_arg, BH_OK, body);
	return true;
}

/* Nothing came, and nothing will by this way. */
static void
ack_waiting(struct slack_reply *r)
{
	slack_reply_ack(r, r->from == SLACK_SUGGEST ? "{\"options\":[]}" : NULL);
}

/* Nothing came in time: a view says so, and what comes later takes its
 * place. */
static void
waited_long(void *arg)
{
	struct slack_reply *r = arg;

	r->timer = NULL;
	if (r->from == SLACK_SUBMIT && r->view != NULL)
		slack_open_loading(r);
	else
		ack_waiting(r);
	free_if_done(r);
}

void
slack_reply_wait(struct slack_reply *r, slack_ack_fn *ack, void *arg)
{
	int64_t left = r->made + WAIT - bh_mono(r->slack->host);

	assert(r->magic == SLACK_REPLY_MAGIC && r->ack == NULL);
	r->ack = ack;
	r->ack_arg = arg;
	if (left < 0)
		left = 0;
	r->timer = bh_after(r->slack->host, left, waited_long, r);
}

bool
slack_reply_respond(struct slack_reply *r)
{
	if (r->response_url == NULL || r->responses <= 0 ||
	    bh_mono(r->slack->host) >= r->response_until)
		return false;
	r->responses--;
	return true;
}

void
slack_over(void *state, const char *reply, int result)
{
	struct slack *s = slack_of(state);
	struct slack_reply *r = slack_reply_find(s, reply);

	if (r == NULL)
		return;
	r->ended = true;
	/* Nothing was said against it: the form closes. */
	if (r->from == SLACK_SUBMIT && result == BH_OK)
		slack_reply_ack(r, "{\"response_action\":\"clear\"}");
	else
		ack_waiting(r);
	slack_reply_hold(r);
	if (r->from == SLACK_HOME)
		slack_home_publish(r);
	else
		slack_view_over(r, result);
	slack_reply_drop(r);
}

void
slack_replies_close(struct slack *s)
{
	for (size_t i = 0; i < sizeof(s->replies) / sizeof(s->replies[0]); i++)
		while (s->replies[i] != NULL) {
			ack_waiting(s->replies[i]);
			reply_free(s->replies[i]);
		}
}
