/* console-command.c - the words that begin with a slash.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/console/console.h"

#define WAIT_SECONDS	10
#define WAIT_MOST	3600

char *
console_word(char **rest)
{
	char *s = *rest + strspn(*rest, " \t"), *word, *to, quote = '\0';

	if (*s == '\0')
		return NULL;
	/* Quotes may stand anywhere in a word: name="two words". */
	for (word = to = s; *s != '\0'; s++) {
		if (quote != '\0' ? *s == quote : *s == '"' || *s == '\'')
			quote = quote != '\0' ? '\0' : *s;
		else if (*s == '\\' && quote == '"' && s[1] != '\0')
			*to++ = *++s;
		else if (quote == '\0' && (*s == ' ' || *s == '\t'))
			break;
		else
			*to++ = *s;
	}
	*rest = *s != '\0' ? s + 1 : s;
	*to = '\0';
	return word;
}

static void
run_as(struct console *c, char *rest)
{
	char *name = console_word(&rest);
	const struct console_person *p = name != NULL ?
	    console_person(&c->people, name) : NULL;

	if (p == NULL && name != NULL) {
		const char **names = console_zero((c->people.count + 1) *
		    sizeof(*names));
		const char *near;

		for (size_t i = 0; i < c->people.count; i++)
			names[i] = c->people.list[i].name;
		near = bh_nearest(c->host, name, names, c->people.count);
		console_wrong(c, near != NULL ? "nobody here is named \"%s\"; "
		    "did you mean %s?" : "nobody here is named \"%s\"; "
		    "/people lists who is", name, near);
		free(names);
	} else if (p == NULL) {
		console_wrong(c, "as whom? /people lists who is here");
	} else {
		c->me = p;
	}
}

static void
run_in(struct console *c, char *rest)
{
	char *name = console_word(&rest);
	struct bh_buf b = BH_BUF(256);

	if (name != NULL)
		bh_buf_add(&b, "%s%s", name[0] == '#' ? "" : "#", name);
	if (name == NULL || !console_room_ok(bh_buf_text(&b))) {
		console_wrong(c, "in which room? such as /in #payments");
	} else {
		const char *room = console_room(c, bh_buf_text(&b));

		free(c->room);
		c->room = console_keep(room);
	}
	bh_buf_release(&b);
}

static void
run_dm(struct console *c, char *rest)
{
	(void)rest;
	free(c->room);
	c->room = NULL;
}

static void
run_clock(struct console *c, char *rest)
{
	struct bh_buf now = BH_BUF(128);
	const char *error = NULL, *word = console_word(&rest);
	int64_t ms = 0;

	if (word != NULL) {
		ms = bh_duration(c->host, word + (*word == '+'), &error);
		if (ms < 0) {
			console_wrong(c, "%s", error != NULL ? error :
			    "that is no span of time: write /clock +30m");
			return;
		}
		if (bh_clock_advance(c->host, ms) != BH_OK) {
			console_wrong(c, "the clock here is the real one; "
			    "only the demo's can be moved");
			return;
		}
	}
	console_time(&now, bh_now(c->host), bh_now(c->host));
	console_say(c, "It is %s%s.", word != NULL ? "now " : "",
	    bh_buf_text(&now));
	bh_buf_release(&now);
}

static void
run_people(struct console *c, char *rest)
{
	size_t most = 0;

	(void)rest;
	for (size_t i = 0; i < c->people.count; i++) {
		size_t n = strlen(c->people.list[i].name);

		most = n > most ? n : most;
	}
	for (size_t i = 0; i < c->people.count; i++) {
		const struct console_person *p = &c->people.list[i];

		console_say(c, "%s %-*s  %s%s%s%s", p == c->me ? "*" : " ",
		    (int)most, p->name, p->display, p->email != NULL ?
		    "  " : "", p->email != NULL ? p->email : "",
		    p->guest ? "  (guest)" : "");
	}
}

static void
run_rooms(struct console *c, char *rest)
{
	(void)rest;
	for (size_t i = 0; i < c->rooms_count; i++)
		console_say(c, "%s %s", c->room != NULL &&
		    strcmp(c->rooms[i], c->room) == 0 ? "*" : " ",
		    c->rooms[i]);
	if (c->rooms_count == 0)
		console_say(c, "No room was named yet: /in #ROOM opens one.");
}

static void
run_help(struct console *c, char *rest)
{
	(void)rest;
	for (const struct console_command *k = console_commands;
	    k->name != NULL; k++) {
		struct bh_buf b = BH_BUF(256);

		bh_buf_add(&b, "/%s %s", k->name, k->args);
		console_say(c, "  %-22s %s", bh_buf_text(&b), k->help);
		bh_buf_release(&b);
	}
	console_say(c, "Any other word after a slash is a command of the bot, "
	    "as are those after its prefix; !help lists them.");
}

static void
run_quit(struct console *c, char *rest)
{
	(void)rest;
	console_end(c);
}

/* /wait granted until 20: the last word is seconds if it is a number. */
static void
run_wait(struct console *c, char *rest)
{
	long seconds = WAIT_SECONDS;
	size_t len = strlen(rest), at;
	char *end;

	while (len > 0 && (rest[len - 1] == ' ' || rest[len - 1] == '\t'))
		rest[--len] = '\0';
	for (at = len; at > 0 && rest[at - 1] >= '0' && rest[at - 1] <= '9';)
		at--;
	if (at > 1 && at < len && rest[at - 1] == ' ') {
		seconds = strtol(rest + at, &end, 10);
		rest[at - 1] = '\0';
	}
	len = strlen(rest);
	if (len >= 2 && rest[0] == '"' && rest[len - 1] == '"') {
		rest[len - 1] = '\0';
		rest++;
	}
	if (*rest == '\0' || seconds < 1 || seconds > WAIT_MOST)
		console_wrong(c, "wait for what? such as /wait granted 20 (up "
		    "to %d seconds)", WAIT_MOST);
	else
		console_wait_for(c, rest, seconds * 1000);
}

static void
run_press(struct console *c, char *rest)
{
	const struct console_message *m = NULL;
	char *all = console_keep(rest), *label = console_word(&rest);
	char *id = console_word(&rest);
	size_t button = 0;

	/* A label of several words needs no quotes: the whole rest is tried
	 * as a label first. */
	if (label != NULL)
		m = console_find_button(c, all, NULL, &button);
	if (label != NULL && m == NULL)
		m = console_find_button(c, label, id, &button);
	if (label == NULL) {
		console_wrong(c, "press what? such as /press approve");
	} else if (m == NULL) {
		console_wrong(c, "no card here has a button [%s]%s%s", label,
		    id != NULL ? " and says " : "", id != NULL ? id : "");
	} else {
		struct bh_event event = { .kind = BH_EV_BUTTON,
			.token = m->buttons[button].token };

		if (event.token == NULL)
			console_wrong(c, "that button leads nowhere: the card "
			    "has changed");
		else
			console_deliver(c, &event, c->me->name, m->room);
	}
	free(all);
}

static void
run_fill(struct console *c, char *rest)
{
	console_form_fill(c, rest);
}

static void
run_cancel(struct console *c, char *rest)
{
	(void)rest;
	if (c->form == NULL)
		console_wrong(c, "there is no form to leave");
	else
		console_form_cancel(c);
}

const struct console_command console_commands[] = {
	{ "as", "NAME", "speak as somebody else", false, run_as },
	{ "in", "#ROOM", "speak in that room", false, run_in },
	{ "dm", "", "speak to the bot alone", false, run_dm },
	{ "press", "LABEL [ID]", "press a button of the newest card, or of "
	    "card ID", true, run_press },
	{ "fill", "NAME=VALUE...", "answer the open form in one line", true,
	    run_fill },
	{ "cancel", "", "leave the open form", true, run_cancel },
	{ "wait", "TEXT [SECONDS]", "read no further before TEXT was shown "
	    "(since the last /wait)", false, run_wait },
	{ "clock", "[+30m]", "say the time, or move the demo's clock ahead",
	    true, run_clock },
	{ "people", "", "list who can be played", true, run_people },
	{ "rooms", "", "list the rooms named so far", true, run_rooms },
	{ "help", "", "list these words", true, run_help },
	{ "quit", "", "end (so does Ctrl-D)", true, run_quit },
	{ NULL, NULL, NULL, false, NULL }
};

const struct console_command *
console_command(const char *line)
{
	size_t len = strcspn(line, " \t");

	if (line[0] != '/')
		return NULL;
	for (const struct console_command *k = console_commands;
	    k->name != NULL; k++)
		if (strlen(k->name) == len - 1 &&
		    strncasecmp(k->name, line + 1, len - 1) == 0)
			return k;
	return NULL;
}
