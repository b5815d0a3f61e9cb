/* teams-invoke.c - invokes: what waits for its answer in the same request.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   adaptiveCard/action                 a button of a card, or a form in it
 *   task/fetch, task/submit             a dialog: opened, sent
 *   composeExtension/fetchTask, submitAction   the same from the compose box
 *   application/search                  an input that searches as one types
 *
 * What we do not know gets 501, as the protocol has it.
 *
 * https://learn.microsoft.com/microsoftteams/platform/: task-modules-and-cards/
 * cards/universal-actions-for-adaptive-cards, task-modules-and-cards/
 * task-modules, messaging-extensions/how-to/action-commands,
 * task-modules-and-cards/cards/dynamic-search
 */

#include "plugins/teams/teams.h"

/* A button of ours, or a form. */
static void
press(struct teams_reply *r, const struct bh_value *activity,
    const struct bh_value *data)
{
	if (teams_is_ours(data)) {
		teams_deliver_data(r, activity, data);
		return;
	}
	bh_log(r->teams->host, BH_LOG_INFO, "an invoke from a card that is "
	    "not ours, or an old one");
	r->ended = true;
	teams_reply_text(r, "This card is not one that I know. Ask for a new "
	    "one.");
	teams_reply_done(r);
}

/* A client that draws a card anew asks on its own: nobody pressed anything, so
 * nothing may happen, and nothing may be drawn anew in return. */
static bool
is_automatic(const struct bh_value *value)
{
	const char *trigger = bh_get_text(value, "trigger");

	return trigger != NULL && strcmp(trigger, "automatic") == 0;
}

/* A command of the compose box, by its name in the app's manifest. */
static void
compose(struct teams_reply *r, const struct bh_value *activity)
{
	const char *name = bh_get_text(bh_get(activity, "value"), "commandId");
	struct bh_event event = { .kind = BH_EV_COMMAND };

	for (char *const *c = r->teams->commands; *c != NULL; c++)
		if (name != NULL && strcmp(*c, name) == 0)
			event.text = *c;
	if (event.text != NULL) {
		teams_deliver(r, &event, activity);
		return;
	}
	bh_log(r->teams->host, BH_LOG_WARN, "the compose box asked for a "
	    "command that is not among `commands`: is the app's manifest of "
	    "these settings?");
	r->ended = true;
	teams_reply_text(r, "This command is not offered any more.");
	teams_reply_done(r);
}

/* dataset: "FORM TOKEN/INPUT NAME" */
static void
search(struct teams_reply *r, const struct bh_value *activity)
{
	const struct bh_value *value = bh_get(activity, "value");
	const char *set = bh_get_text(value, "dataset");
	const char *slash = set != NULL ? strchr(set, '/') : NULL;
	struct bh_buf token = BH_BUF(200);
	struct bh_event event = { .kind = BH_EV_COMPLETE };

	if (slash != NULL)
		bh_buf_put(&token, set, (size_t)(slash - set));
	if (slash == NULL || token.overflow || token.len == 0) {
		r->ended = true;
		teams_reply_text(r, NULL);
		teams_reply_done(r);
	} else {
		event.token = bh_buf_text(&token);
		event.input = slash + 1;
		event.text = bh_get_text(value, "queryText");
		if (event.text == NULL)
			event.text = "";
		r->form = bh_copy(event.token);
		teams_deliver(r, &event, activity);
	}
	bh_buf_release(&token);
}

static int
kind_of(const char *name, bool *extension)
{
	static const struct { const char *name; int from; } kinds[] = {
		{ "adaptiveCard/action", TEAMS_EXECUTE },
		{ "task/fetch", TEAMS_FETCH },
		{ "task/submit", TEAMS_SUBMIT },
		{ "application/search", TEAMS_SEARCH },
		{ "composeExtension/fetchTask", TEAMS_FETCH },
		{ "composeExtension/submitAction", TEAMS_SUBMIT },
	};

	*extension = strncmp(name, "composeExtension/", 17) == 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(name, kinds[i].name) == 0)
			return kinds[i].from;
	return -1;
}

void
teams_invoke(struct teams *t, const struct bh_value *activity,
    struct bh_request *request)
{
	const struct bh_value *value = bh_get(activity, "value");
	const char *name = bh_get_text(activity, "name");
	struct teams_reply *r;
	bool extension;
	int from = name != NULL ? kind_of(name, &extension) : -1;

	if (from < 0) {
		bh_log(t->host, BH_LOG_DEBUG, "an invoke that is not known: "
		    "%.60s", name != NULL ? name : "without a name");
		teams_http_status(request, 501);
		return;
	}
	if ((r = teams_reply_of(t, from, activity, request)) == NULL) {
		teams_http_status(request, 400);
		return;
	}
	r->extension = extension;
	if (from == TEAMS_EXECUTE && is_automatic(value)) {
		r->ended = true;
		teams_reply_answer(r, NULL);
		teams_reply_done(r);
	} else if (from == TEAMS_EXECUTE)
		press(r, activity, bh_get(bh_get(value, "action"), "data"));
	else if (from == TEAMS_SEARCH)
		search(r, activity);
	else if (from == TEAMS_FETCH && extension)
		compose(r, activity);
	else
		press(r, activity, bh_get(value, "data"));
}
