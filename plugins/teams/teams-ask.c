/* teams-ask.c - forms, choices, and the end of an event.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A dialog can be opened only in the answer to an invoke that asked for one:
 * from the compose box, or from a dialog before.  Whoever types a command or
 * presses a button of a card gets the form as a message in the same chat, with
 * Action.Execute.  There others see it too; that it is not theirs to send is
 * for the host to say, which made its token for one person.  When it comes
 * back wrong, the same message shows it again with what is wrong; when it was
 * taken, the message says so and has no inputs any more.
 *
 * https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/
 * task-modules/task-modules-bots and .../cards/dynamic-search
 */

#include "plugins/teams/teams.h"

#define OFFERS_MOST	50u
#define OFFERS_WEIGHT	(TEAMS_WEIGHT - 500u)
#define OFFER_LABEL	150u
#define OFFER_VALUE	500u
#define TYPING_AFTER	1500		/* ms without an answer */

/* ------------------------------------------------------------------ */
/* Answers to invokes                                                  */

bool
teams_reply_dialog(struct teams_reply *r, const char *title, const char *card)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);
	bool ret;

	bh_buf_puts(&json, "{\"task\":{\"type\":\"continue\",\"value\":{"
	    "\"title\":");
	teams_plain(&json, title, 64, false, "bellhop");
	bh_buf_add(&json, ",\"height\":\"medium\",\"width\":\"medium\","
	    "\"card\":{\"contentType\":\"" TEAMS_CARD_TYPE "\",\"content\":%s"
	    "}}}}", card);
	ret = teams_reply_answer(r, bh_buf_text(&json));
	bh_buf_release(&json);
	return ret;
}

bool
teams_reply_card(struct teams_reply *r, const char *card)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);
	bool ret;

	bh_buf_add(&json, "{\"statusCode\":200,\"type\":\"" TEAMS_CARD_TYPE
	    "\",\"value\":%s}", card);
	ret = teams_reply_answer(r, bh_buf_text(&json));
	bh_buf_release(&json);
	return ret;
}

static bool
same_conversation(const char *a, const char *b)
{
	size_t len = strcspn(a, ";");

	return len == strcspn(b, ";") && strncmp(a, b, len) == 0;
}

void
teams_reply_shown(struct teams *t, const char *conversation,
    const char *activity, const char *card)
{
	size_t count = sizeof(t->replies) / sizeof(t->replies[0]);

	for (size_t i = 0; i < count; i++)
		for (struct teams_reply *r = t->replies[i], *next; r != NULL;
		    r = next) {
			next = r->next;
			if (r->from != TEAMS_EXECUTE || r->request == NULL ||
			    r->activity == NULL || r->conversation == NULL ||
			    strcmp(r->activity, activity) != 0 ||
			    !same_conversation(r->conversation, conversation))
				continue;
			teams_reply_card(r, card);
			teams_reply_done(r);
		}
}

/* ------------------------------------------------------------------ */
/* Forms                                                               */

/* It came from a form that stands in a chat: it is shown again there. */
static bool
from_chat_form(const struct teams_reply *r)
{
	return r->form != NULL && r->activity != NULL &&
	    r->conversation != NULL &&
	    (r->from == TEAMS_EXECUTE || r->from == TEAMS_MESSAGE);
}

static bool
in_group(const struct teams *t, const char *conversation)
{
	const struct teams_place *p = conversation != NULL ?
	    teams_place_find(t, conversation) : NULL;

	return p != NULL && strcmp(p->type, "personal") != 0;
}

static void
edit_form(struct teams_reply *r, const char *card, const char *summary)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);
	struct teams_to to = { .conversation = r->conversation,
		.activity = r->activity };

	/* Whoever pressed has it at once; the message keeps it for later. */
	if (r->from == TEAMS_EXECUTE)
		teams_reply_card(r, card);
	teams_activity(&json, card, summary);
	teams_send_json(r->teams, &to, bh_buf_text(&json));
	bh_buf_release(&json);
}

static int
ask_in_chat(struct teams *t, struct teams_reply *r, const struct bh_form *form,
    const char *user, const char *room)
{
	struct bh_buf card = BH_BUF(1024u * 1024u), json = BH_BUF(
	    1024u * 1024u);
	struct teams_to to = { .user = user, .conversation = room,
		.otherwise = user };
	int ret = BH_OK;

	/* In the thread that it answers, or beside the card that was
	 * pressed. */
	if (r != NULL && !r->extension && r->conversation != NULL)
		to.conversation = r->conversation;
	if (r != NULL && r->extension)
		to.conversation = NULL;
	if (teams_form_json(t, &card, form, in_group(t, to.conversation) ?
	    TEAMS_GROUP : TEAMS_CHAT))
		teams_activity(&json, bh_buf_text(&card), form->title);
	if (json.len == 0)
		ret = BH_EUNSUPPORTED;
	else if (!teams_send_json(t, &to, bh_buf_text(&json)))
		ret = BH_ENOENT;
	else if (r != NULL && r->from == TEAMS_EXECUTE)
		teams_reply_text(r, "The form is in the chat.");
	bh_buf_release(&card);
	bh_buf_release(&json);
	return ret;
}

int
teams_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply)
{
	struct teams *t = teams_of(state);
	struct teams_reply *r = teams_reply_find(t, reply);
	struct bh_buf card = BH_BUF(1024u * 1024u);
	bool dialog = r != NULL && r->request != NULL &&
	    (r->from == TEAMS_FETCH || r->from == TEAMS_SUBMIT);
	int ret = BH_OK;

	if (r != NULL)
		r->spoken = r->asked = true;
	if (!dialog && (r == NULL || !from_chat_form(r)))
		return ask_in_chat(t, r, form, user, room);
	/* What is too large for a card is asked for as a line of text. */
	if (!teams_form_json(t, &card, form, dialog ? TEAMS_DIALOG :
	    in_group(t, r->conversation) ? TEAMS_GROUP : TEAMS_CHAT))
		ret = BH_EUNSUPPORTED;
	else if (dialog)
		teams_reply_dialog(r, form->title, bh_buf_text(&card));
	else
		edit_form(r, bh_buf_text(&card), form->title);
	bh_buf_release(&card);
	return ret;
}

/* ------------------------------------------------------------------ */
/* Choices                                                             */

void
teams_offers(void *state, const char *reply, const struct bh_choice *choices,
    size_t count)
{
	struct teams *t = teams_of(state);
	struct teams_reply *r = teams_reply_find(t, reply);
	struct bh_buf json = BH_BUF(256u * 1024u);
	size_t shown = 0;

	if (r == NULL || r->from != TEAMS_SEARCH)
		return;
	bh_buf_puts(&json, "{\"type\":\"application/vnd.microsoft.search."
	    "searchResponse\",\"value\":{\"results\":[");
	for (size_t i = 0; i < count && shown < OFFERS_MOST; i++) {
		struct bh_buf one = BH_BUF(16u * 1024u);

		bh_buf_puts(&one, shown > 0 ? ",{\"title\":" : "{\"title\":");
		teams_plain(&one, choices[i].label, OFFER_LABEL, false,
		    choices[i].value);
		bh_buf_puts(&one, ",\"value\":");
		if (teams_value(&one, choices[i].value, OFFER_VALUE) &&
		    bh_utf16_len(bh_buf_text(&json)) +
		    bh_utf16_len(bh_buf_text(&one)) <= OFFERS_WEIGHT) {
			bh_buf_add(&json, "%s}", bh_buf_text(&one));
			shown++;
		}
		bh_buf_release(&one);
	}
	bh_buf_puts(&json, "]}}");
	teams_reply_answer(r, bh_buf_text(&json));
	bh_buf_release(&json);
}

/* ------------------------------------------------------------------ */
/* While it lasts, and the end                                         */

static void
typed(void *arg, const struct teams_answer *answer)
{
	(void)arg;
	(void)answer;
}

/* It takes a while: the dots say that somebody is at it. */
static void
show_typing(void *arg)
{
	struct teams_reply *r = arg;
	const struct teams_place *p = teams_place_find(r->teams,
	    r->conversation);
	struct bh_buf path = BH_BUF(8192);
	struct teams_ask ask = { .method = "POST", .rank = TEAMS_NOTICE,
		.json = "{\"type\":\"typing\"}", .brief = true };

	r->typing = NULL;
	if (r->spoken || r->ended || p == NULL)
		return;
	teams_api_path(&path, r->conversation, "activities", NULL);
	ask.path = bh_buf_text(&path);
	ask.service_url = p->service_url;
	ask.conversation = r->conversation;
	teams_api(r->teams, &ask, typed, NULL);
	bh_buf_release(&path);
}

void
teams_typing(struct teams_reply *r)
{
	if (r->typing == NULL && r->conversation != NULL && !r->spoken)
		r->typing = bh_after(r->teams->host, TYPING_AFTER,
		    show_typing, r);
}

void
teams_form_over(struct teams_reply *r, int result)
{
	struct bh_buf card = BH_BUF(16u * 1024u);

	if (result != BH_OK || r->asked || !from_chat_form(r))
		return;
	teams_text_card(r->teams, &card, "This form was sent.");
	edit_form(r, bh_buf_text(&card), "This form was sent.");
	bh_buf_release(&card);
}
