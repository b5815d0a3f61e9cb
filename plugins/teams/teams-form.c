/* teams-form.c - forms as Adaptive Cards, in dialogs and in chats.
 * SPDX-License-Identifier: Apache-2.0
 *
 * https://adaptivecards.microsoft.com/?topic=Input.ChoiceSet and
 * https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/
 * cards/dynamic-search
 *
 * A dialog (task module) takes Action.Submit alone; a card in a chat takes
 * Action.Execute, which can put the form with its errors in its own place.
 * What is Markdown in some client stays ours: an errorMessage and the title of
 * a toggle are fixed sentences; labels, placeholders and choices are plain.
 */

#include "plugins/teams/teams.h"

#define FORM_MOST	(TEAMS_WEIGHT - 1500u)
#define LABEL_MOST	200u
#define WORDS_MOST	400u		/* of a hint or an error */
#define VALUE_MOST	3000u
#define CHOICES_LEAST	1u
#define CHOICE_MOST	500u		/* of a value; cut it would be another */

/* How much of it is shown, so that all of it fits. */
struct measure {
	size_t choice;			/* characters of a choice's label */
	size_t choices;			/* how many of them */
	size_t value;			/* characters of what is filled in */
	size_t words;			/* characters of hints and errors */
};

static void
member(struct bh_buf *out, const char *key, const char *text, size_t chars)
{
	if (text == NULL || *text == '\0')
		return;
	bh_buf_add(out, ",\"%s\":", key);
	teams_plain(out, text, chars, true, "");
}

static void
line(struct teams *t, struct bh_buf *out, const char *text, size_t chars,
    const struct teams_look *look)
{
	struct teams_rich r = { .teams = t, .out = out, .left = chars,
		.look = *look };

	if (text == NULL || *text == '\0')
		return;
	bh_buf_puts(out, ",");
	teams_rich_begin(&r);
	teams_rich_text(&r, text);
	teams_rich_end(&r, ",\"spacing\":\"Small\"");
}

/* ------------------------------------------------------------------ */
/* Inputs                                                              */

static void
begin(struct bh_buf *out, const struct bh_input *in, const struct measure *m,
    const char *type)
{
	bh_buf_add(out, ",{\"type\":\"%s\",\"id\":", type);

	struct bh_buf id = BH_BUF(1024);

	bh_buf_add(&id, TEAMS_INPUT "%s", in->name);
	bh_buf_quote(out, bh_buf_text(&id));
	bh_buf_release(&id);
	bh_buf_puts(out, ",\"label\":");
	teams_plain(out, in->label, m->words < LABEL_MOST ? m->words :
	    LABEL_MOST, false, in->name);
	if (in->required)
		bh_buf_add(out, ",\"isRequired\":true,\"errorMessage\":\"%s\"",
		    in->type == BH_TICK ? "Please tick this." :
		    in->type == BH_CHOOSE || in->type == BH_SEARCH ?
		    "Please choose one." : "Please fill this in.");
}

/* The label of the choice that has this value. */
static const char *
label_of(const struct bh_input *in, const char *value)
{
	for (size_t i = 0; i < in->choices_count; i++)
		if (strcmp(in->choices[i].value, value) == 0)
			return in->choices[i].label;
	return value;
}

static void
choice(struct bh_buf *out, const char *label, const char *value, size_t chars,
    size_t *shown)
{
	struct bh_buf quoted = BH_BUF(64u * 1024u);

	if (teams_value(&quoted, value, CHOICE_MOST)) {
		bh_buf_puts(out, (*shown)++ > 0 ? ",{\"title\":" :
		    "{\"title\":");
		teams_plain(out, label, chars, false, value);
		bh_buf_add(out, ",\"value\":%s}", bh_buf_text(&quoted));
	}
	bh_buf_release(&quoted);
}

/* What was chosen is among them, whatever is left out. */
static void
choices(struct bh_buf *out, const struct bh_input *in,
    const struct measure *m)
{
	bool chosen = in->value == NULL || *in->value == '\0';
	size_t most = in->type == BH_SEARCH ? 0 : m->choices, shown = 0;

	bh_buf_puts(out, ",\"choices\":[");
	for (size_t i = 0; i < in->choices_count && shown < most; i++) {
		const struct bh_choice *c = &in->choices[i];

		chosen = chosen || strcmp(c->value, in->value) == 0;
		choice(out, c->label, c->value, m->choice, &shown);
	}
	if (!chosen)
		choice(out, label_of(in, in->value), in->value, m->choice,
		    &shown);
	bh_buf_puts(out, "]");
}

static void
choose(struct bh_buf *out, const struct bh_form *form,
    const struct bh_input *in, const struct measure *m)
{
	struct bh_buf dataset = BH_BUF(4096), value = BH_BUF(64u * 1024u);

	begin(out, in, m, "Input.ChoiceSet");
	member(out, "placeholder", in->hint, m->words);
	if (in->value != NULL && *in->value != '\0' &&
	    teams_value(&value, in->value, CHOICE_MOST))
		bh_buf_add(out, ",\"value\":%s", bh_buf_text(&value));
	choices(out, in, m);
	if (in->type == BH_SEARCH) {
		bh_buf_add(&dataset, "%s/%s", form->token != NULL ?
		    form->token : "", in->name);
		bh_buf_puts(out, ",\"style\":\"filtered\",\"choices.data\":"
		    "{\"type\":\"Data.Query\",\"dataset\":");
		bh_buf_quote(out, bh_buf_text(&dataset));
		bh_buf_puts(out, "}}");
	} else
		bh_buf_puts(out, ",\"style\":\"compact\"}");
	bh_buf_release(&dataset);
	bh_buf_release(&value);
}

static bool
is_yes(const char *value)
{
	return value != NULL && (strcmp(value, "yes") == 0 ||
	    strcmp(value, "true") == 0 || strcmp(value, "on") == 0 ||
	    strcmp(value, "1") == 0);
}

static void
input(struct teams *t, struct bh_buf *out, const struct bh_form *form,
    const struct bh_input *in, const struct measure *m)
{
	const struct teams_look subtle = { .size = "Small", .subtle = true };
	const struct teams_look wrong = { .colour = "Attention" };

	switch (in->type) {
	case BH_CHOOSE:
	case BH_SEARCH:
		choose(out, form, in, m);
		break;
	case BH_TICK:
		begin(out, in, m, "Input.Toggle");
		bh_buf_add(out, ",\"title\":\"Yes\",\"valueOn\":\"yes\","
		    "\"valueOff\":\"no\",\"value\":\"%s\"}",
		    is_yes(in->value) ? "yes" : "no");
		line(t, out, in->hint, m->words, &subtle);
		break;
	default:
		begin(out, in, m, "Input.Text");
		member(out, "placeholder", in->hint, m->words);
		member(out, "value", in->value, m->value);
		bh_buf_add(out, "%s,\"maxLength\":%u}", in->type == BH_LINES ?
		    ",\"isMultiline\":true" : "", VALUE_MOST);
		break;
	}
	if (in->type == BH_CHOOSE && in->choices_count > m->choices)
		line(t, out, "Not all choices fit in here: the others can be "
		    "typed with the command.", LABEL_MOST, &subtle);
	line(t, out, in->error, m->words, &wrong);
}

/* ------------------------------------------------------------------ */
/* The whole                                                           */

static void
submit(struct bh_buf *out, const struct bh_form *form, const char *type)
{
	bh_buf_add(out, "{\"type\":\"%s\",\"title\":", type);
	teams_plain(out, form->submit, 40, false, "Send");
	bh_buf_puts(out, ",\"style\":\"positive\",\"data\":{\"" TEAMS_FORM
	    "\":");
	bh_buf_quote(out, form->token != NULL ? form->token : "");
	bh_buf_puts(out, "}");
}

static void
draw(struct teams *t, struct bh_buf *out, const struct bh_form *form,
    int where, const struct measure *m)
{
	const struct teams_look head = { .size = "Medium", .strong = true };
	const struct teams_look subtle = { .size = "Small", .subtle = true };
	struct bh_buf body = BH_BUF(1024u * 1024u);
	const char *text;

	if (where != TEAMS_DIALOG)
		line(t, &body, form->title, LABEL_MOST, &head);
	if (where == TEAMS_GROUP)
		line(t, &body, "Whoever asked for this form fills it in.",
		    LABEL_MOST, &subtle);
	for (size_t i = 0; i < form->inputs_count; i++)
		input(t, &body, form, &form->inputs[i], m);
	text = bh_buf_text(&body);
	bh_buf_add(out, "{\"type\":\"AdaptiveCard\",\"version\":\"1.5\","
	    "\"msteams\":{\"width\":\"Full\"},\"body\":[%s],\"actions\":[",
	    *text == ',' ? text + 1 : text);
	if (where == TEAMS_DIALOG) {
		submit(out, form, "Action.Submit");
		bh_buf_puts(out, "}]}");
	} else {
		submit(out, form, "Action.Execute");
		bh_buf_puts(out, ",\"verb\":\"" TEAMS_VERB "\",\"fallback\":");
		submit(out, form, "Action.Submit");
		bh_buf_puts(out, "}}]}");
	}
	bh_buf_release(&body);
}

/* Less of what can be spared best; false: this is the least. */
static bool
shrink(struct measure *m)
{
	if (m->choice > 40)
		m->choice /= 2;
	else if (m->value > 1000)
		m->value /= 2;
	else if (m->words > 100)
		m->words /= 2;
	else if (m->choices > CHOICES_LEAST)
		m->choices -= m->choices / 8 + 1;
	else if (m->value > 50)
		m->value /= 2;
	else if (m->words > 30)
		m->words /= 2;
	else
		return false;
	return true;
}

bool
teams_form_json(struct teams *t, struct bh_buf *out,
    const struct bh_form *form, int where)
{
	struct measure m = { 100, 100, VALUE_MOST, WORDS_MOST };
	struct bh_buf card = BH_BUF(4u * 1024u * 1024u);
	bool fits;

	do {
		bh_buf_clear(&card);
		draw(t, &card, form, where, &m);
		fits = bh_utf16_len(bh_buf_text(&card)) <= FORM_MOST;
	} while (!fits && shrink(&m));
	if (fits)
		bh_buf_puts(out, bh_buf_text(&card));
	bh_buf_release(&card);
	return fits;
}
