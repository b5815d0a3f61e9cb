/* teams-reply.c - what may still answer an activity, and until when.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An invoke is answered in its HTTP response, which Teams awaits for some ten
 * seconds before it tells the person that something went wrong, although the
 * command runs on.  So the first answer within WAIT goes there, and else one
 * that says that more will come.
 *
 * https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/
 * cards/universal-actions-for-adaptive-cards/work-with-universal-actions
 */

#include "plugins/teams/teams.h"

#define WAIT		2500			/* ms */
#define LINGER		1000			/* ms, for the card's edit ... */
#define ANSWERED	2800			/* ms, but no later than this */
#define KEPT		(60 * 60 * 1000)	/* ms, without over() */
#define REPLIES_MAX	20000

static struct teams_reply **
bucket(struct teams *t, uint64_t number)
{
	return &t->replies[number %
	    (sizeof(t->replies) / sizeof(t->replies[0]))];
}

static void
reply_free(struct teams_reply *r)
{
	struct teams_reply **at = bucket(r->teams, r->number);

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	bh_cancel(r->teams->host, r->timer);
	bh_cancel(r->teams->host, r->typing);
	free(r->user);
	free(r->from_id);
	free(r->conversation);
	free(r->message);
	free(r->activity);
	free(r->form);
	r->magic = 0;
	free(r);
}

/* Those in one bucket that no over() came for: it was just talk, or the host
 * was too busy. */
static void
forget_old(struct teams *t, struct teams_reply *r)
{
	int64_t now = bh_mono(t->host);

	while (r != NULL) {
		struct teams_reply *next = r->next;

		if (r->refs == 0 && r->request == NULL &&
		    (now - r->made > KEPT ||
		    t->replies_made - r->number > REPLIES_MAX))
			reply_free(r);
		r = next;
	}
}

struct teams_reply *
teams_reply_new(struct teams *t, int from)
{
	struct teams_reply *r = bh_zero(sizeof(*r));
	struct teams_reply **at = bucket(t, ++t->replies_made);

	forget_old(t, *at);
	r->magic = TEAMS_REPLY_MAGIC;
	r->teams = t;
	r->from = from;
	r->made = bh_mono(t->host);
	r->number = t->replies_made;
	snprintf(r->id, sizeof(r->id), "t%llu",
	    (unsigned long long)r->number);
	r->next = *at;
	*at = r;
	return r;
}

struct teams_reply *
teams_reply_find(struct teams *t, const char *id)
{
	struct teams_reply *r;

	if (id == NULL || *id != 't')
		return NULL;
	for (r = *bucket(t, strtoull(id + 1, NULL, 10)); r != NULL;
	    r = r->next)
		if (strcmp(r->id, id) == 0)
			return r;
	return NULL;
}

struct teams_reply *
teams_reply_hold(struct teams_reply *r)
{
	assert(r->magic == TEAMS_REPLY_MAGIC);
	r->refs++;
	return r;
}

void
teams_reply_done(struct teams_reply *r)
{
	if (r->refs == 0 && r->ended && r->request == NULL)
		reply_free(r);
}

void
teams_reply_drop(struct teams_reply *r)
{
	if (r == NULL)
		return;
	assert(r->magic == TEAMS_REPLY_MAGIC && r->refs > 0);
	r->refs--;
	teams_reply_done(r);
}

/* ------------------------------------------------------------------ */
/* Answers                                                             */

static bool
respond(struct teams_reply *r, int status, const char *json)
{
	static const char *const headers[] =
	    { "Content-Type: application/json; charset=utf-8", NULL };
	struct bh_request *request = r->request;
	struct bh_http_out out = { .status = status };

	assert(r->magic == TEAMS_REPLY_MAGIC);
	if (request == NULL)
		return false;
	bh_cancel(r->teams->host, r->timer);
	r->timer = NULL;
	r->request = NULL;
	if (json != NULL) {
		out.headers = headers;
		out.body = json;
		out.body_len = strlen(json);
	}
	bh_respond(request, &out);
	return true;
}

/* A message's request waits for something else: to be stored. */
static bool
is_message(const struct teams_reply *r)
{
	return r->from == TEAMS_MESSAGE || r->from == TEAMS_WELCOME;
}

bool
teams_reply_status(struct teams_reply *r, int status)
{
	return respond(r, status, NULL);
}

bool
teams_reply_answer(struct teams_reply *r, const char *json)
{
	return !is_message(r) && respond(r, 200, json);
}

bool
teams_reply_text(struct teams_reply *r, const char *text)
{
	struct bh_buf json = BH_BUF(64u * 1024u);
	bool ret;

	switch (r->from) {
	case TEAMS_EXECUTE:
		bh_buf_puts(&json, "{\"statusCode\":200,\"type\":\"application/"
		    "vnd.microsoft.activity.message\",\"value\":");
		bh_buf_quote(&json, text);
		bh_buf_puts(&json, "}");
		break;
	case TEAMS_FETCH:
	case TEAMS_SUBMIT:
		bh_buf_puts(&json, "{\"task\":{\"type\":\"message\","
		    "\"value\":");
		bh_buf_quote(&json, text);
		bh_buf_puts(&json, "}}");
		break;
	case TEAMS_SEARCH:
		/* Nobody reads sentences in a list of choices. */
		bh_buf_puts(&json, r->extension ?
		    "{\"composeExtension\":{\"type\":\"result\","
		    "\"attachmentLayout\":\"list\",\"attachments\":[]}}" :
		    "{\"type\":\"application/vnd.microsoft.search."
		    "searchResponse\",\"value\":{\"results\":[]}}");
		break;
	default:
		break;
	}
	ret = teams_reply_answer(r, json.len > 0 ? json.data : NULL);
	bh_buf_release(&json);
	return ret;
}

static void
waited_long(void *arg)
{
	struct teams_reply *r = arg;

	r->timer = NULL;
	r->answered = true;
	teams_reply_text(r, r->ended ? "Done." : r->from == TEAMS_FETCH ?
	    "This takes longer than Teams waits. Try again in a moment." :
	    "Working on it: the answer comes in the chat.");
	teams_reply_done(r);
}

void
teams_reply_wait(struct teams_reply *r, struct bh_request *request)
{
	assert(r->magic == TEAMS_REPLY_MAGIC && r->request == NULL);
	r->request = request;
	if (!is_message(r))
		r->timer = bh_after(r->teams->host, WAIT, waited_long, r);
}

void
teams_over(void *state, const char *reply, int result)
{
	struct teams *t = teams_of(state);
	struct teams_reply *r = teams_reply_find(t, reply);

	if (r == NULL)
		return;
	r->ended = true;
	teams_form_over(r, result);
	/* The card that was pressed is about to change, and the changed one is
	 * the best answer: see teams_reply_shown(). */
	if (r->from == TEAMS_EXECUTE && r->request != NULL && result == BH_OK) {
		int64_t left = r->made + ANSWERED - bh_mono(t->host);

		bh_cancel(t->host, r->timer);
		r->timer = bh_after(t->host, left > LINGER ? LINGER : left > 0 ?
		    left : 0, waited_long, r);
		return;
	}
	/* Nothing was said to the invoke: a form closes, a button is done. */
	if (r->from == TEAMS_SUBMIT && result == BH_OK)
		teams_reply_answer(r, NULL);
	else
		teams_reply_text(r, result == BH_OK ? "Done." :
		    "That did not work.");
	teams_reply_done(r);
}

void
teams_replies_close(struct teams *t)
{
	for (size_t i = 0; i < sizeof(t->replies) / sizeof(t->replies[0]); i++)
		while (t->replies[i] != NULL) {
			struct teams_reply *r = t->replies[i];

			if (is_message(r))
				teams_reply_status(r, 503);
			else
				teams_reply_text(r, "I am being restarted. "
				    "Try again in a minute.");
			reply_free(r);
		}
}
