/* complete.c - offers for a line that is still being typed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only what the person may run here is offered, by the same question that
 * the command path asks.  An offer replaces the last word.
 */

#include <strings.h>

#include "host/chat/inner.h"

#include "host/base/text.h"
#include "host/io/loop.h"

#define OFFERS_MAX	100u

static void
offer(struct call *c, const char *value, const char *label)
{
	if (c->offers_count >= OFFERS_MAX)
		return;
	c->offers = xrealloc(c->offers, c->offers_count + 1,
	    sizeof(*c->offers));
	c->offers[c->offers_count].value = xstrdup(value);
	c->offers[c->offers_count++].label = xstrdup(label != NULL ? label :
	    value);
}

void
chat_call_offer(struct bh_call *pub, const char *value, const char *label)
{
	BH_AUTO_BUF struct bh_buf clean = BH_BUF(4096);
	struct call *c = call_of(pub);

	text_clean(&clean, label != NULL ? label : value, 200);
	if (c->via == VIA_COMPLETE)
		offer(c, value, bh_buf_text(&clean));
}

void
complete_done(struct call *c)
{
	struct bh_choice *choices;

	if (c->from == NULL || c->from->transport->offers == NULL)
		return;
	choices = xcalloc(c->offers_count + 1, sizeof(*choices));
	for (size_t i = 0; i < c->offers_count; i++)
		choices[i] = (struct bh_choice){ c->offers[i].value,
		    c->offers[i].label };
	chat_enter(c->from, "offers");
	c->from->transport->offers(c->from->state, c->reply, choices,
	    c->offers_count);
	chat_leave(c->chat, c->from->host);
	free(choices);
}

static void
end(struct call *c)
{
	complete_done(c);
	call_over(c);
}

static void
too_slow(void *arg)
{
	struct call *c = call_of(arg);

	c->timer = NULL;
	log_warn("choices for %s of %s have been pending for %d s",
	    c->command->def->name, c->command->instance->owner,
	    CHOICES_TIMEOUT / 1000);
	complete_done(c);
	/* The plugin will end it yet; nobody looks at that any more. */
	if (c->from != NULL)
		c->from->calls--;
	c->from = NULL;
	receipt_result(c->receipt, BH_ETIMEOUT);
	receipt_drop(&c->receipt);
}

static void
ask_choices(struct call *c, const char *arg, const char *typed)
{
	struct chat_instance *in = c->command->instance;
	struct bh_host *host = in->host;
	int ret;

	if (c->command->def->choices == NULL) {
		end(c);
		return;
	}
	c->stage = STAGE_RUN;
	c->holds++;
	in->pending++;
	chat_enter(in, "choices");
	ret = c->command->def->choices(&c->pub, in->state, arg, typed);
	chat_leave(c->chat, host);
	if (c->command == NULL) {	/* its instance went away */
		call_unhold(c);
		return;
	}
	c->holds--;
	c->returned = true;
	if (ret == BH_PENDING && !c->ended) {
		c->timer = loop_after(c->chat->parts.loop, CHOICES_TIMEOUT,
		    too_slow, c);
		return;
	}
	in->pending--;
	end(c);
}

/* Names of commands that go on like `line`; `at` is where its last word
 * begins, since only that is replaced. */
static void
offer_commands(struct call *c, const char *line, size_t at)
{
	size_t len = strlen(line);

	for (struct chat_instance *in = c->chat->instances; in != NULL;
	    in = in->next) {
		for (size_t i = 0; i < in->commands_count; i++) {
			const struct command *command = &in->commands[i];
			bool known = false;

			if (strlen(command->name) < len ||
			    strncasecmp(command->name, line, len) != 0 ||
			    (command->def->flags & BH_CMD_HIDDEN) != 0 ||
			    !call_allows(c, command, NULL))
				continue;
			for (size_t n = 0; n < c->offers_count; n++)
				known = known || strcmp(c->offers[n].value,
				    command->name + at) == 0;
			if (!known)
				offer(c, command->name + at,
				    command->def->help);
		}
	}
}

static void
offer_options(struct call *c, const char *typed)
{
	const struct spec *spec = &c->command->spec;

	for (size_t i = 0; i < spec->count; i++) {
		const struct arg_spec *arg = &spec->list[i];

		if ((arg->kind != ARG_FLAG && arg->kind != ARG_OPTION) ||
		    args_get(&c->args, arg->name) != NULL)
			continue;

		BH_AUTO_FREE char *value = xasprintf("--%s", arg->name);

		if (strncmp(value, typed, strlen(typed)) == 0)
			offer(c, value, arg->what);
	}
}

static void
complete_line(struct call *c)
{
	size_t prefix = strlen(c->chat->prefix), used = 0;
	BH_AUTO_BUF struct bh_buf ignored = BH_BUF(1024);
	struct words words = { 0 };
	const char *value, *line = c->line;
	bool option = false, others;

	if (strncmp(line, c->chat->prefix, prefix) == 0)
		line += prefix;
	words_split(line, true, &words, &ignored);
	if (words.count == 0 || line[strlen(line) - 1] == ' ') {
		words.list = xrealloc(words.list, words.count + 1,
		    sizeof(*words.list));
		words.list[words.count++] = (struct word){ "", false,
		    strlen(line) };
	}

	struct words before = { words.list, words.count - 1, NULL };

	c->command = command_find(c->chat, NULL, &before, &used, &others);
	if (c->command == NULL ||
	    !call_allows(c, c->command, NULL)) {
		c->command = NULL;
		offer_commands(c, line, words.list[words.count - 1].at);
		words_release(&words);
		end(c);
		return;
	}
	/* "plugin " may go on to "plugin list" as well. */
	offer_commands(c, line, words.list[words.count - 1].at);

	const struct arg_spec *arg = args_position(&c->command->spec, &words,
	    used, &c->args, &option, &value);

	if (option)
		offer_options(c, value);
	if (arg != NULL) {
		BH_AUTO_FREE char *typed = xstrdup(value);

		words_release(&words);
		ask_choices(c, arg->name, typed);
		return;
	}
	words_release(&words);
	end(c);
}

void
complete_input(struct call *c, struct command *command)
{
	const struct arg_spec *arg = command != NULL && c->input != NULL ?
	    spec_find(&command->spec, c->input) : NULL;

	if (arg == NULL || !call_allows(c, command, NULL)) {
		end(c);
		return;
	}
	c->command = command;
	for (size_t i = 0; i < c->fields.count; i++)
		args_set(&c->args, c->fields.list[i].name,
		    c->fields.list[i].value);
	ask_choices(c, arg->name, c->line);
}

void
complete_enter(struct call *c)
{
	if (c->identity == NULL)
		end(c);
	else if (c->token != NULL)
		tokens_form_input(c);
	else
		complete_line(c);
}
