/* console-form.c - forms as prompts, or answered in one line on a pipe.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/console/console.h"

struct input {
	char *name, *label, *hint, *error;
	char *answer;			/* the default until it is answered */
	int type;
	bool required;
	struct { char *value, *label; } *choices;
	size_t choices_count;
};

struct console_form {
	char *title, *token, *user, *room;
	struct input *inputs;
	size_t count, at;		/* at: what is being asked */
	bool repair;			/* asks only what had an error */
	struct bh_buf lines;		/* of a BH_LINES input so far */
};

void
console_form_free(struct console_form **formp)
{
	struct console_form *f = *formp;

	*formp = NULL;
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++) {
		struct input *in = &f->inputs[i];

		for (size_t k = 0; k < in->choices_count; k++) {
			free(in->choices[k].value);
			free(in->choices[k].label);
		}
		free(in->choices);
		free(in->name);
		free(in->label);
		free(in->hint);
		free(in->error);
		free(in->answer);
	}
	free(f->inputs);
	free(f->title);
	free(f->token);
	free(f->user);
	free(f->room);
	bh_buf_release(&f->lines);
	free(f);
}

static char *
clean(const char *s)
{
	struct bh_buf b = BH_BUF(64u * 1024u);
	char *out;

	if (s == NULL)
		return NULL;
	console_clean(&b, s, false);
	out = console_keep(bh_buf_text(&b));
	bh_buf_release(&b);
	return out;
}

static void
copy_input(struct input *in, const struct bh_input *from)
{
	in->name = console_keep(from->name);
	in->label = clean(from->label != NULL ? from->label : from->name);
	in->hint = clean(from->hint);
	in->error = clean(from->error);
	in->answer = console_keep(from->value != NULL ? from->value : "");
	in->type = from->type;
	in->required = from->required;
	in->choices = console_zero((from->choices_count + 1) *
	    sizeof(*in->choices));
	in->choices_count = from->choices_count;
	for (size_t i = 0; i < from->choices_count; i++) {
		in->choices[i].value = console_keep(from->choices[i].value);
		in->choices[i].label = clean(from->choices[i].label != NULL ?
		    from->choices[i].label : from->choices[i].value);
	}
}

static struct console_form *
copy(const struct bh_form *form, const char *user, const char *room)
{
	struct console_form *f = console_zero(sizeof(*f));

	f->title = clean(form->title != NULL ? form->title : "Form");
	f->token = console_keep(form->token);
	f->user = console_keep(user);
	f->room = console_keep(room);
	f->lines = (struct bh_buf)BH_BUF(16u * 1024u);
	f->count = form->inputs_count;
	f->inputs = console_zero((f->count + 1) * sizeof(*f->inputs));
	for (size_t i = 0; i < f->count; i++) {
		copy_input(&f->inputs[i], &form->inputs[i]);
		if (f->inputs[i].error != NULL)
			f->repair = true;
	}
	return f;
}

/* ------------------------------------------------------------------ */
/* Answers                                                             */

/* What a choice means by number, value or label; NULL: none of them. */
static const char *
choose(const struct input *in, const char *typed)
{
	char *end;
	unsigned long n = strtoul(typed, &end, 10);

	for (size_t i = 0; i < in->choices_count; i++)
		if (strcasecmp(in->choices[i].value, typed) == 0 ||
		    strcasecmp(in->choices[i].label, typed) == 0)
			return in->choices[i].value;
	if (*typed != '\0' && *end == '\0' && n >= 1 &&
	    n <= in->choices_count)
		return in->choices[n - 1].value;
	return NULL;
}

/* Takes an answer; false, with the error set, if it cannot be one. */
static bool
answer(struct input *in, const char *typed)
{
	struct bh_buf why = BH_BUF(256);
	const char *value = typed;
	bool yes = false;

	if (in->type == BH_CHOOSE && *typed != '\0') {
		value = choose(in, typed);
		if (value == NULL)
			bh_buf_add(&why, "choose 1 to %zu, or type one of "
			    "them", in->choices_count);
	} else if (in->type == BH_TICK) {
		yes = strcasecmp(typed, "yes") == 0 ||
		    strcasecmp(typed, "y") == 0 || strcmp(typed, "1") == 0;
		if (!yes && *typed != '\0' && strcasecmp(typed, "no") != 0 &&
		    strcasecmp(typed, "n") != 0 && strcmp(typed, "0") != 0)
			bh_buf_puts(&why, "answer yes or no");
		value = yes ? "yes" : "";
	}
	free(in->error);
	in->error = why.len > 0 ? console_keep(bh_buf_text(&why)) : NULL;
	bh_buf_release(&why);
	if (in->error != NULL)
		return false;
	char *kept = console_keep(value);
	free(in->answer);
	in->answer = kept;
	return true;
}

static void
submit(struct console *c)
{
	struct console_form *f = c->form;
	struct bh_pair *pairs = console_zero((f->count + 1) * sizeof(*pairs));
	struct bh_event event = { .kind = BH_EV_FORM, .token = f->token,
		.fields = pairs };

	for (size_t i = 0; i < f->count; i++)
		if (f->inputs[i].answer[0] != '\0')
			pairs[event.fields_count++] = (struct bh_pair){
			    f->inputs[i].name, f->inputs[i].answer };
	/* Gone before the answer, which may be this form again. */
	c->form = NULL;
	console_deliver(c, &event, f->user, f->room);
	free(pairs);
	console_form_free(&f);
}

void
console_form_cancel(struct console *c)
{
	console_say(c, "%s: left, nothing was sent.", c->form->title);
	console_form_free(&c->form);
}

/* ------------------------------------------------------------------ */
/* One input after the other, on a terminal                            */

static const char *
label_of(const struct input *in, const char *value)
{
	for (size_t i = 0; i < in->choices_count; i++)
		if (strcmp(in->choices[i].value, value) == 0)
			return in->choices[i].label;
	return value;
}

void
console_form_prompt(const struct console_form *f, struct bh_buf *out)
{
	const struct input *in = &f->inputs[f->at];

	if (f->at >= f->count)
		return;
	if (f->lines.len > 0) {
		bh_buf_puts(out, "... ");
		return;
	}
	bh_buf_puts(out, in->label);
	if (in->type == BH_TICK)
		bh_buf_puts(out, in->answer[0] != '\0' ? " [yes]" : " [no]");
	else if (in->answer[0] != '\0')
		bh_buf_add(out, " [%s]", label_of(in, in->answer));
	bh_buf_puts(out, ": ");
}

/* What stands above the prompt of an input. */
static void
introduce(struct console *c, const struct input *in)
{
	if (in->error != NULL)
		console_say(c, c->colour ? "  ! %s" : "  ! %s", in->error);
	if (in->hint != NULL && in->hint[0] != '\0')
		console_say(c, "  %s", in->hint);
	for (size_t i = 0; i < in->choices_count; i++)
		console_say(c, "  %2zu %s", i + 1, in->choices[i].label);
	if (in->type == BH_SEARCH)
		console_say(c, "  type a few letters and TAB to search");
	if (in->type == BH_LINES)
		console_say(c, "  an empty line ends it");
}

/* From `at` to the next one to be asked; sends the form after the last. */
static void
ask_next(struct console *c)
{
	struct console_form *f = c->form;

	while (f->at < f->count && f->repair &&
	    f->inputs[f->at].error == NULL)
		f->at++;
	if (f->at < f->count)
		introduce(c, &f->inputs[f->at]);
	else
		submit(c);
}

void
console_form_line(struct console *c, const char *line)
{
	struct console_form *f = c->form;
	struct input *in = &f->inputs[f->at];

	if (in->type == BH_LINES && *line != '\0') {
		if (f->lines.len > 0)
			bh_buf_puts(&f->lines, "\n");
		bh_buf_puts(&f->lines, line);
		return;
	}
	if (in->type == BH_LINES && f->lines.len > 0) {
		answer(in, bh_buf_text(&f->lines));
		bh_buf_clear(&f->lines);
	} else if (*line != '\0') {
		if (!answer(in, line)) {
			introduce(c, in);
			return;
		}
	}
	if (in->required && in->answer[0] == '\0') {
		free(in->error);
		in->error = console_keep("this one is needed");
		introduce(c, in);
		return;
	}
	f->at++;
	ask_next(c);
}

/* ------------------------------------------------------------------ */
/* In one line, on a pipe                                              */

static void
list(struct console *c, const struct console_form *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct input *in = &f->inputs[i];
		struct bh_buf b = BH_BUF(16u * 1024u);

		bh_buf_add(&b, "  %s%s  %s", in->name, in->required ? "*" : "",
		    in->label);
		if (in->answer[0] != '\0')
			bh_buf_add(&b, " [%s]", label_of(in, in->answer));
		for (size_t k = 0; k < in->choices_count; k++)
			bh_buf_add(&b, "%s%s", k == 0 ? ": " : ", ",
			    in->choices[k].label);
		if (in->hint != NULL && in->hint[0] != '\0')
			bh_buf_add(&b, " (%s)", in->hint);
		if (in->error != NULL)
			bh_buf_add(&b, " ! %s", in->error);
		console_say(c, "%s", bh_buf_text(&b));
		console_seen(c, bh_buf_text(&b));
		bh_buf_release(&b);
	}
}

static struct input *
find(struct console_form *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->inputs[i].name, name) == 0)
			return &f->inputs[i];
	return NULL;
}

void
console_form_fill(struct console *c, char *rest)
{
	struct console_form *f = c->form;
	bool good = true;
	char *word;

	if (f == NULL) {
		console_wrong(c, "there is no form to fill in");
		return;
	}
	while ((word = console_word(&rest)) != NULL) {
		char *value = strchr(word, '=');
		struct input *in;

		if (value != NULL)
			*value++ = '\0';
		in = find(f, word);
		if (in == NULL || value == NULL) {
			console_wrong(c, in == NULL ? "the form has no \"%s\"" :
			    "\"%s\" has no value: write it as NAME=VALUE",
			    word);
			good = false;
		} else if (!answer(in, value)) {
			console_wrong(c, "%s: %s", word, in->error);
			good = false;
		}
	}
	for (size_t i = 0; i < f->count && good; i++)
		if (f->inputs[i].required &&
		    f->inputs[i].answer[0] == '\0') {
			console_wrong(c, "%s: this one is needed",
			    f->inputs[i].name);
			good = false;
		}
	if (good)
		submit(c);
}

/* ------------------------------------------------------------------ */

int
console_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply)
{
	struct console *c = console_of(state);
	bool other = strcmp(user, c->me->name) != 0;

	(void)reply;
	if (c->form != NULL)
		console_form_cancel(c);
	c->form = copy(form, user, room);
	console_say(c, "%s%s%s%s  (%s)", other ? "(only for " : "",
	    other ? user : "", other ? ") " : "", c->form->title, c->tty ?
	    "an empty line keeps what stands in [ ], /cancel leaves" :
	    "answer with /fill NAME=VALUE..., * is needed");
	console_seen(c, c->form->title);
	if (c->tty)
		ask_next(c);
	else
		list(c, c->form);
	console_wait_look(c);
	return BH_OK;
}

bool
console_form_complete(const struct console_form *f, struct bh_event *event,
    const char **user, const char **room)
{
	if (f->at >= f->count || f->inputs[f->at].type != BH_SEARCH)
		return false;
	event->token = f->token;
	event->input = f->inputs[f->at].name;
	*user = f->user;
	*room = f->room;
	return true;
}

void
console_form_choices(const struct console_form *f,
    void (*each)(void *arg, const char *value), void *arg)
{
	const struct input *in = &f->inputs[f->at];

	if (f->at < f->count)
		for (size_t i = 0; i < in->choices_count; i++)
			each(arg, in->choices[i].label);
}
