/* slack-view.c - which view somebody sees, and how it gets there.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/surfaces/modals.  A submission that waits is answered with
 * the next view; a view that is open is updated; else a trigger opens one, if
 * it is not older than three seconds.  That is why a loading view opens before
 * anything is looked up.  When there is no way left, a button is: pressing it
 * gives a trigger.
 */

#include "plugins/slack/slack.h"

#define VIEW_MOST	(240u * 1024u)	/* bytes; over 250 KB: view_too_large */

struct slack_show {
	unsigned magic;
#define SHOW_MAGIC	0x53686f77u
	struct slack_reply *reply;
	char *view;			/* JSON */
	char *token;			/* of the form in it; NULL: none */
	bool update;			/* of an open one; else by the trigger */
	bool hashed;
	slack_view_cb *cb;
	void *arg;
	struct slack_show *next;		/* waiting until one is open */
};

static void go(struct slack_show *x);

static void
show_done(struct slack_show *x, int result)
{
	struct slack_reply *r = x->reply;
	slack_view_cb *cb = x->cb;
	void *arg = x->arg;

	if (result == BH_OK && x->token != NULL && r->view != NULL)
		slack_view_note(r->slack, r->view, x->token);
	free(x->view);
	free(x->token);
	x->magic = 0;
	free(x);
	if (cb != NULL)
		cb(arg, result);
	slack_reply_drop(r);
}

/* What waited for the view to open goes on. */
static void
go_on(struct slack_reply *r)
{
	r->opening = false;
	while (r->shows != NULL && !r->opening) {
		struct slack_show *x = r->shows;

		r->shows = x->next;
		go(x);
	}
}

static bool
is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static void
shown(void *arg, const struct slack_answer *a)
{
	struct slack_show *x = arg;
	struct slack_reply *r = slack_reply_hold(x->reply);
	const struct bh_value *view = bh_get(a->body, "view");

	assert(x->magic == SHOW_MAGIC);
	if (a->result == BH_OK) {
		if (bh_get_text(view, "id") != NULL)
			bh_set(&r->view, bh_get_text(view, "id"));
		bh_set(&r->view_hash, bh_get_text(view, "hash"));
		show_done(x, BH_OK);
	} else if (x->update && x->hashed && is(a->error, "hash_conflict")) {
		/* It changed meanwhile; what we show is what holds now. */
		bh_set(&r->view_hash, NULL);
		go(x);
		slack_reply_drop(r);
		return;
	} else {
		if (x->update && is(a->error, "not_found"))
			bh_set(&r->view, NULL);	/* closed by then */
		bh_log(r->slack->host, BH_LOG_INFO, "a view could not be "
		    "shown: %.100s", a->error != NULL ? a->error : "");
		show_done(x, a->result == BH_EINVAL ? BH_ENOENT : a->result);
	}
	go_on(r);
	slack_reply_drop(r);
}

static void
ask_slack(struct slack_show *x, const char *method, int64_t until)
{
	struct slack_reply *r = x->reply;
	struct bh_buf json = BH_BUF(1024u * 1024u);

	bh_buf_puts(&json, x->update ? "{\"view_id\":" : "{\"trigger_id\":");
	bh_buf_quote(&json, x->update ? r->view : r->trigger);
	x->hashed = x->update && r->view_hash != NULL;
	if (x->hashed) {
		bh_buf_puts(&json, ",\"hash\":");
		bh_buf_quote(&json, r->view_hash);
	}
	bh_buf_add(&json, ",\"view\":%s}", x->view);
	if (!x->update)
		bh_set(&r->trigger, NULL);
	r->opening = true;
	slack_api(r->slack, &(struct slack_ask){ .method = method,
	    .json = bh_buf_text(&json), .rank = SLACK_NOW, .until = until,
	    .once = !x->update }, shown, x);
	bh_buf_release(&json);
}

static void
go(struct slack_show *x)
{
	struct slack_reply *r = x->reply;
	struct bh_buf ack = BH_BUF(1024u * 1024u);

	if (r->ack != NULL && r->from == SLACK_SUBMIT) {
		bh_buf_add(&ack, "{\"response_action\":\"update\",\"view\":%s}",
		    x->view);
		slack_reply_ack(r, bh_buf_text(&ack));
		bh_buf_release(&ack);
		bh_set(&r->view_hash, NULL);	/* not told of its new one */
		show_done(x, BH_OK);
		return;
	}
	x->update = r->view != NULL;
	if (x->update)
		ask_slack(x, "views.update", 0);
	else if (r->trigger != NULL &&
	    bh_mono(r->slack->host) < r->trigger_until)
		ask_slack(x, "views.open", r->trigger_until);
	else
		show_done(x, BH_ENOENT);
}

void
slack_view_show(struct slack_reply *r, const char *view, const char *token,
    slack_view_cb *cb, void *arg)
{
	struct slack_show *x = bh_zero(sizeof(*x)), **end = &r->shows;

	x->magic = SHOW_MAGIC;
	x->reply = slack_reply_hold(r);
	x->view = bh_copy(view);
	x->token = bh_copy(token);
	x->cb = cb;
	x->arg = arg;
	if (!r->opening) {
		go(x);
		return;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = x;
}

bool
slack_view_can(const struct slack_reply *r)
{
	return r->opening || r->view != NULL ||
	    (r->ack != NULL && r->from == SLACK_SUBMIT);
}

/* ------------------------------------------------------------------ */
/* Views that pass                                                     */

void
slack_open_loading(struct slack_reply *r)
{
	struct bh_buf view = BH_BUF(16384);

	/* Also in place of a form that was sent and is not answered yet. */
	if (r->ack == NULL && (r->trigger == NULL || r->view != NULL))
		return;
	slack_loading_view(r->slack, &view);
	r->loading = true;
	slack_view_show(r, bh_buf_text(&view), NULL, NULL, NULL);
	bh_buf_release(&view);
}

void
slack_view_text(struct slack_reply *r, const char *text, slack_view_cb *cb,
    void *arg)
{
	struct bh_buf view = BH_BUF(256u * 1024u);

	slack_text_view(r->slack, &view, text);
	r->loading = false;
	slack_view_show(r, bh_buf_text(&view), NULL, cb, arg);
	bh_buf_release(&view);
}

/* An empty page must not stay open for ever. */
void
slack_view_over(struct slack_reply *r, int result)
{
	if (r->loading)
		slack_view_text(r, result == BH_OK ? "Done. You can close "
		    "this." : "This has ended. You can close this.", NULL,
		    NULL);
}

/* ------------------------------------------------------------------ */
/* Forms                                                               */

struct asking {
	unsigned magic;
#define ASKING_MAGIC	0x41736b53u
	struct slack *slack;
	struct slack_reply *reply;	/* NULL: gone */
	char *user, *room, *title, *token, *view;
};

static void
asking_free(struct asking *a)
{
	slack_reply_drop(a->reply);
	free(a->user);
	free(a->room);
	free(a->title);
	free(a->token);
	free(a->view);
	a->magic = 0;
	free(a);
}

/* A button that opens it, seen by this person alone. */
static void
offer_button(struct asking *a)
{
	struct bh_buf blocks = BH_BUF(16384), text = BH_BUF(4096);

	bh_buf_add(&text, "%s: there is a form to fill in.", a->title);
	bh_buf_puts(&blocks, "[");
	slack_text_block(&blocks, bh_buf_text(&text), 2000);
	bh_buf_puts(&blocks, ",{\"type\":\"actions\",\"elements\":[{\"type\":"
	    "\"button\",\"action_id\":\"" SLACK_FORM_ACTION "\",\"style\":"
	    "\"primary\",\"text\":{\"type\":\"plain_text\",\"emoji\":false,"
	    "\"text\":\"open the form\"},\"value\":");
	bh_buf_quote(&blocks, a->token);
	bh_buf_puts(&blocks, "}]}]");
	slack_view_wait(a->slack, a->token, a->view);
	slack_say(a->slack, a->reply, a->room, a->user, bh_buf_text(&text),
	    bh_buf_text(&blocks));
	bh_buf_release(&blocks);
	bh_buf_release(&text);
}

static void
asked(void *arg, int result)
{
	struct asking *a = arg;

	assert(a->magic == ASKING_MAGIC);
	if (result != BH_OK && !a->slack->closing)
		offer_button(a);
	asking_free(a);
}

/* What is wrong goes to its fields; the view stays as it is. */
static bool
answer_errors(struct slack_reply *r, const struct bh_form *form)
{
	struct bh_buf errors = BH_BUF(256u * 1024u), ack = BH_BUF(
	    256u * 1024u);
	bool some = r->ack != NULL && r->from == SLACK_SUBMIT &&
	    r->view != NULL && slack_form_errors(&errors, form);

	if (some) {
		slack_view_note(r->slack, r->view, form->token);
		bh_buf_add(&ack, "{\"response_action\":\"errors\","
		    "\"errors\":%s}", bh_buf_text(&errors));
		slack_reply_ack(r, bh_buf_text(&ack));
	}
	bh_buf_release(&errors);
	bh_buf_release(&ack);
	return some;
}

int
slack_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply)
{
	struct slack *s = slack_of(state);
	struct slack_reply *r = slack_reply_find(s, reply);
	struct bh_buf view = BH_BUF(VIEW_MOST);
	struct asking *a;

	if (form->token == NULL || user == NULL)
		return BH_EINVAL;
	if (r != NULL && answer_errors(r, form))
		return BH_OK;
	slack_form_view(s, &view, form);
	if (view.overflow) {
		bh_buf_release(&view);
		return BH_EUNSUPPORTED;
	}
	a = bh_zero(sizeof(*a));
	*a = (struct asking){ .magic = ASKING_MAGIC, .slack = s,
		.reply = r != NULL ? slack_reply_hold(r) : NULL,
		.user = bh_copy(user), .room = bh_copy(room),
		.title = bh_copy(form->title != NULL ? form->title : ""),
		.token = bh_copy(form->token),
		.view = bh_copy(bh_buf_text(&view)) };
	bh_buf_release(&view);
	if (r == NULL) {
		asked(a, BH_ENOENT);
	} else {
		r->loading = false;
		slack_view_show(r, a->view, a->token, asked, a);
	}
	return BH_OK;
}

static void
reopened(void *arg, int result)
{
	struct slack_reply *r = arg;

	/* The button has done its work. */
	if (result == BH_OK)
		slack_respond(r, "{\"delete_original\":true}", NULL, NULL);
	else if (!r->slack->closing)
		slack_say(r->slack, r, r->channel, r->user, "The form could "
		    "not be opened just now. Press the button again.", NULL);
	slack_reply_drop(r);
}

void
slack_form_open(struct slack_reply *r, const char *token)
{
	const char *view = slack_view_waiting(r->slack, token);

	if (view == NULL) {
		slack_say(r->slack, r, r->channel, r->user, "That form is "
		    "gone, since bellhop was started anew. Give the command "
		    "again.", NULL);
		return;
	}
	slack_view_show(r, view, token, reopened, slack_reply_hold(r));
}

void
slack_offers(void *state, const char *reply, const struct bh_choice *choices,
    size_t count)
{
	struct slack *s = slack_of(state);
	struct slack_reply *r = slack_reply_find(s, reply);
	struct bh_buf json = BH_BUF(256u * 1024u);

	if (r == NULL)
		return;
	slack_options(s, &json, choices, count);
	slack_reply_ack(r, json.overflow ? "{\"options\":[]}" :
	    bh_buf_text(&json));
	bh_buf_release(&json);
}
