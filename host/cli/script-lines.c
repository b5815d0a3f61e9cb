/*
 * script-lines.c - the words of chat scripts, one function for each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/banned.h"
#include "host/base/duration.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/cli/script.h"
#include "host/host.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"

/* Short names: every line of this file is about them. */
#define PATIENCE	SCRIPT_PATIENCE
#define fail		script_fail
#define word		script_word
#define rest		script_rest
#define with_ids	script_ids

bool
script_fail(struct script *s, const char *fmt, ...)
{
	va_list ap;

	bh_buf_clear(&s->error);
	va_start(ap, fmt);
	bh_buf_vadd(&s->error, fmt, ap);
	va_end(ap);
	return false;
}

char *
script_word(char **line)
{
	char *p = *line, *out, *begin, quote = 0;

	while (*p == ' ' || *p == '\t')
		p++;
	if (*p == '\0')
		return NULL;
	begin = out = p;
	for (; *p != '\0' && (quote != 0 || (*p != ' ' && *p != '\t')); p++) {
		if (quote != 0 && *p == quote)
			quote = 0;
		else if (quote == 0 && *p == '"')
			quote = *p;
		else
			*out++ = *p;
	}
	if (*p != '\0')
		p++;
	*out = '\0';
	*line = p;
	return begin;
}

char *
script_rest(char *line)
{
	size_t n;

	line += strspn(line, " \t");
	n = strlen(line);
	if (n >= 2 && line[0] == '"' && line[n - 1] == '"' &&
	    strchr(line + 1, '"') == line + n - 1) {
		line[n - 1] = '\0';
		line++;
	}
	return line;
}

/* Lets everything that is ready happen; the clock stands. */
static void
settle(struct script *s)
{
	host_settle(s->host, NULL, NULL, 0);
}

/* ------------------------------------------------------------------ */
/* Cards: R1 is the first that was shown, and so on                    */

static struct script_message *
card(const char *name)
{
	long n = strtol(name + 1, NULL, 10);

	for (struct script_message *m = script_world.messages; m != NULL;
	    m = m->next) {
		bool again = false;

		/* The same card in another room is no new one. */
		for (struct script_message *o = script_world.messages;
		    o != m && m->title != NULL; o = o->next)
			again = again || (o->title != NULL &&
			    strncmp(o->title, m->title,
			    strcspn(m->title, " ") + 1) == 0);
		if (m->title != NULL && !again && --n == 0)
			return m;
	}
	return NULL;
}

/* "\u202e" in a script is that character: such ones cannot be read. */
static const char *
unescape(const char *p, struct bh_buf *out)
{
	char hex[5] = "", *end, utf8[3];
	unsigned long c;

	memcpy(hex, p + 2, strnlen(p + 2, 4));
	c = strtoul(hex, &end, 16);
	if (end != hex + 4 || c == 0)
		return NULL;
	if (c < 0x80) {
		utf8[0] = (char)c;
		bh_buf_put(out, utf8, 1);
	} else if (c < 0x800) {
		utf8[0] = (char)(0xc0 | c >> 6);
		utf8[1] = (char)(0x80 | (c & 0x3f));
		bh_buf_put(out, utf8, 2);
	} else {
		utf8[0] = (char)(0xe0 | c >> 12);
		utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
		utf8[2] = (char)(0x80 | (c & 0x3f));
		bh_buf_put(out, utf8, 3);
	}
	return p + 5;
}

bool
script_ids(struct script *s, const char *text, struct bh_buf *out)
{
	for (const char *p = text; *p != '\0'; p++) {
		struct script_message *m;
		const char *after = p[0] == '\\' && p[1] == 'u' ?
		    unescape(p, out) : NULL;

		if (after != NULL) {
			p = after;
			continue;
		}
		if (p[0] != '$' || p[1] != 'R' || p[2] < '1' || p[2] > '9') {
			bh_buf_put(out, p, 1);
			continue;
		}
		if ((m = card(p + 1)) == NULL)
			return fail(s, "there is no card %.2s yet", p + 1);
		bh_buf_put(out, m->title, strcspn(m->title, " "));
		p += 1 + strspn(p + 2, "0123456789");
	}
	return true;
}

struct wait {
	struct script *script;
	const char *name, *needle;
	bool title, not;
};

static bool
card_matches(void *arg)
{
	struct wait *w = arg;
	struct script_message *m = card(w->name);
	const char *hay = m == NULL ? NULL : w->title ? m->title : m->text;

	if (hay == NULL)
		return false;
	return (strstr(hay, w->needle) != NULL) != w->not;
}

/* card R1 is waiting | card R1 shows TEXT | card R1 lacks TEXT */
static bool
line_card(struct script *s, char *line)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4096);
	char *name = word(&line), *verb = word(&line);
	struct script_message *m;
	struct wait w = { .script = s, .name = name };

	if (name == NULL || verb == NULL || name[0] != 'R')
		return fail(s, "write: card R1 is TEXT, card R1 shows TEXT or "
		    "card R1 lacks TEXT");
	if (!with_ids(s, rest(line), &text))
		return false;
	w.needle = bh_buf_text(&text);
	w.title = strcmp(verb, "is") == 0;
	w.not = strcmp(verb, "lacks") == 0;
	if (!w.title && !w.not && strcmp(verb, "shows") != 0)
		return fail(s, "a card is, shows or lacks, not \"%s\"", verb);
	settle(s);
	if (host_settle(s->host, card_matches, &w, PATIENCE))
		return true;
	m = card(name);
	return fail(s, "card %s %s \"%s\"; it shows:\n%s", name,
	    w.title ? "is not" : w.not ? "does not lack" : "does not show",
	    w.needle, m != NULL ? m->text : "(there is no such card)");
}

/* ------------------------------------------------------------------ */
/* People                                                              */

static struct script_person *
person(struct script *s, const char *name)
{
	struct script_person *p;

	for (size_t i = 0; i < s->people_count; i++)
		if (strcmp(s->people[i].name, name) == 0)
			return &s->people[i];
	if (s->people_count == SCRIPT_PEOPLE)
		return NULL;
	p = &s->people[s->people_count++];
	p->name = xstrdup(name);
	p->display = xstrdup(name);
	if (p->display[0] >= 'a' && p->display[0] <= 'z')
		p->display[0] = (char)(p->display[0] - 'a' + 'A');
	p->email = xasprintf("%s@acme.example", name);
	p->transport = xstrdup("acme");
	return p;
}

/* person ada "Ada Lovelace" ada@acme.example [guest] [bot] [gone] [no-email] */
static bool
line_person(struct script *s, char *line)
{
	char *name = word(&line), *w;
	struct script_person *p = name != NULL ? person(s, name) : NULL;

	if (p == NULL)
		return fail(s, "write: person NAME \"Display Name\" EMAIL "
		    "[guest]");
	p->flags = 0;
	if ((w = word(&line)) != NULL) {
		free(p->display);
		p->display = xstrdup(w);
	}
	while ((w = word(&line)) != NULL) {
		if (strcmp(w, "guest") == 0)
			p->flags |= BH_USER_GUEST;
		else if (strcmp(w, "bot") == 0)
			p->flags |= BH_USER_BOT;
		else if (strcmp(w, "gone") == 0)
			p->flags |= BH_USER_GONE;
		else {
			free(p->email);
			p->email = strcmp(w, "no-email") == 0 ? NULL :
			    xstrdup(w);
		}
	}
	return true;
}

struct received { bool done; int result; };

static void
received(void *arg, int result)
{
	*(struct received *)arg = (struct received){ true, result };
}

static bool
is_received(void *arg)
{
	return ((struct received *)arg)->done;
}

static bool
deliver(struct script *s, struct script_person *p, struct bh_event *e)
{
	BH_AUTO_FREE char *user = xasprintf("U-%s", p->name);
	BH_AUTO_FREE char *id = xasprintf("e%u", ++script_world.next_event);
	struct bh_host *host = script_transport_host(p->transport);
	struct received r = { false, 0 };

	if (host == NULL)
		return fail(s, "there is no transport \"%s\" here: acme and "
		    "corp are", p->transport);
	s->mark = script_world.seq;
	e->user = user;
	e->room = e->kind == BH_EV_HOME ? NULL : p->room;
	if (e->id == NULL)
		e->id = id;
	e->reply = "script";
	bh_deliver(host, e, received, &r);
	if (!host_settle(s->host, is_received, &r, PATIENCE))
		return fail(s, "the event was never received");
	settle(s);
	return true;
}

/* in acme/#payments | in dm */
static bool
move_to(struct script *s, struct script_person *p, char *place)
{
	char *slash = strchr(place, '/');

	free(p->room);
	p->room = NULL;
	if (strcmp(place, "dm") == 0)
		return true;
	if (slash == NULL)
		return fail(s, "a place is TRANSPORT/#ROOM or dm, not \"%s\"",
		    place);
	*slash = '\0';
	free(p->transport);
	p->transport = xstrdup(place);
	if (strcmp(slash + 1, "dm") != 0)
		p->room = xstrdup(slash + 1);
	return true;
}

/* The latest message to this person alone that has such a button. */
static bool
press_home(struct script *s, struct script_person *p, const char *label)
{
	BH_AUTO_FREE char *user = xasprintf("U-%s", p->name);
	BH_AUTO_FREE char *token = NULL;

	for (struct script_message *m = script_world.messages; m != NULL;
	    m = m->next) {
		if (m->room != NULL || m->user == NULL ||
		    strcmp(m->user, user) != 0)
			continue;
		for (size_t i = 0; i < m->buttons_count; i++)
			if (strcmp(m->labels[i], label) == 0) {
				free(token);
				token = xstrdup(m->tokens[i]);
			}
	}
	if (token == NULL)
		return fail(s, "nothing that %s alone sees has a button "
		    "\"%s\"", p->name, label);
	free(p->room);
	p->room = NULL;
	return deliver(s, p, &(struct bh_event){ .kind = BH_EV_BUTTON,
	    .token = token });
}

static bool
press(struct script *s, struct script_person *p, char *line)
{
	/* presses LABEL on R1: the label may have blanks */
	char *on = strstr(line, " on R"), *label;
	struct script_message *m;
	BH_AUTO_FREE char *token = NULL;

	if (on == NULL && (on = strstr(line, " on home")) != NULL) {
		*on = '\0';
		return press_home(s, p, rest(line));
	}
	if (on == NULL)
		return fail(s, "write: NAME presses [old] LABEL on R1, or on "
		    "home");
	*on = '\0';
	label = rest(line);
	if ((m = card(on + 4)) == NULL)
		return fail(s, "there is no card %s yet", on + 4);
	if (strncmp(label, "old ", 4) == 0) {
		label = rest(label + 4);
		if (m->old_token != NULL && strcmp(m->old_label, label) == 0)
			token = xstrdup(m->old_token);
	}
	for (size_t i = 0; i < m->buttons_count && token == NULL; i++)
		if (strcmp(m->labels[i], label) == 0)
			token = xstrdup(m->tokens[i]);
	if (token != NULL)
		return deliver(s, p, &(struct bh_event){
		    .kind = BH_EV_BUTTON, .token = token });
	return fail(s, "card %s has no button \"%s\"; it shows:\n%s", on + 4,
	    label, m->text);
}

/* fills account=prod-payments for=1h reason="PAY-1 x" */
static bool
fill(struct script *s, struct script_person *p, char *line)
{
	struct bh_pair fields[16];
	BH_AUTO_BUF struct bh_buf text = BH_BUF(65536);
	BH_AUTO_FREE char *token = xstrdup(script_world.form.token);
	BH_AUTO_FREE char *copy = NULL;
	struct bh_event e = { .kind = BH_EV_FORM, .fields = fields };
	char *w;

	if (token == NULL)
		return fail(s, "no form was asked");
	if (!with_ids(s, line, &text))
		return false;
	line = copy = xstrdup(bh_buf_text(&text));
	while ((w = word(&line)) != NULL && e.fields_count < 16) {
		char *eq = strchr(w, '=');

		if (eq == NULL)
			return fail(s, "write: NAME fills INPUT=VALUE ...");
		*eq = '\0';
		fields[e.fields_count++] = (struct bh_pair){ w, eq + 1 };
	}
	e.token = token;
	return deliver(s, p, &e);
}

static bool
line_of_person(struct script *s, struct script_person *p, char *line)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(65536);
	char *verb = word(&line), *w;

	if (verb != NULL && strcmp(verb, "in") == 0) {
		if ((w = word(&line)) == NULL || !move_to(s, p, w))
			return w != NULL ? false : fail(s, "in which room?");
		if ((verb = word(&line)) == NULL)
			return true;
	}
	if (verb == NULL)
		return fail(s, "%s does what?", p->name);
	if (strcmp(verb, "presses") == 0)
		return press(s, p, line);
	if (strcmp(verb, "fills") == 0)
		return fill(s, p, line);
	if (strcmp(verb, "opens") == 0)
		return strcmp(rest(line), "home") == 0 ?
		    deliver(s, p, &(struct bh_event){ .kind = BH_EV_HOME }) :
		    fail(s, "write: NAME opens home");
	if (!with_ids(s, rest(line), &text))
		return false;
	if (strcmp(verb, "says") == 0)
		return deliver(s, p, &(struct bh_event){
		    .kind = BH_EV_MESSAGE, .text = bh_buf_text(&text) });
	if (strcmp(verb, "types") == 0)
		return deliver(s, p, &(struct bh_event){
		    .kind = BH_EV_COMPLETE, .text = bh_buf_text(&text) });
	return fail(s, "people say, press, fill, type and open, not \"%s\"",
	    verb);
}

/* ------------------------------------------------------------------ */
/* Answers                                                             */

/* Everything shown since the last act. */
static void
since_mark(struct script *s, struct bh_buf *out)
{
	for (struct script_message *m = script_world.messages; m != NULL;
	    m = m->next)
		if (m->seq > s->mark)
			bh_buf_add(out, "%s\n", m->text);
	if (script_world.form.words != NULL)
		bh_buf_add(out, "%s\n", script_world.form.words);
	bh_buf_puts(out, bh_buf_text(&script_world.offers));
}

static bool
text_matches(void *arg)
{
	struct wait *w = arg;
	BH_AUTO_BUF struct bh_buf all = BH_BUF(1 << 20);

	since_mark(w->script, &all);
	return strstr(bh_buf_text(&all), w->needle) != NULL;
}

/* expect TEXT | expect not TEXT | expect nothing */
static bool
line_expect(struct script *s, char *line)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4096), all = BH_BUF(1 << 20);
	struct wait w = { .script = s };
	char *what = rest(line);
	bool nothing = strcmp(what, "nothing") == 0;

	settle(s);
	if (strncmp(what, "not ", 4) == 0) {
		w.not = true;
		what = rest(what + 4);
	}
	if (!with_ids(s, what, &text))
		return false;
	w.needle = bh_buf_text(&text);
	since_mark(s, &all);
	if (nothing)
		return script_world.seq == s->mark ||
		    fail(s, "nothing was expected; there is:\n%s",
		    bh_buf_text(&all));
	if (w.not)
		return !text_matches(&w) || fail(s, "\"%s\" was not to be seen; "
		    "there is:\n%s", w.needle, bh_buf_text(&all));
	if (host_settle(s->host, text_matches, &w, PATIENCE))
		return true;
	bh_buf_clear(&all);
	since_mark(s, &all);
	return fail(s, "expected \"%s\"; there is:\n%s", w.needle,
	    all.len > 0 ? bh_buf_text(&all) : "(nothing)");
}

/* ------------------------------------------------------------------ */
/* Plugins' own words                                                  */

struct probing {
	struct instance *instance;
	const char *line;
	struct bh_buf answer;
	int result;
};

static bool
probe_holds(void *arg)
{
	struct probing *p = arg;

	bh_buf_clear(&p->answer);
	p->result = p->instance->plugin->p.probe(p->instance->state, p->line,
	    &p->answer);
	return p->result != BH_PENDING;
}

static bool
line_probe(struct script *s, struct instance *in, const char *line)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4096);
	struct probing p = { .instance = in, .answer = BH_BUF(65536) };
	bool came;

	if (!with_ids(s, line, &text))
		return false;
	p.line = bh_buf_text(&text);
	settle(s);
	came = host_settle(s->host, probe_holds, &p, PATIENCE);
	if (!came || p.result < 0)
		fail(s, "%s%s%s", !came ? "it never came" :
		    "it does not hold", p.answer.len > 0 ? ": " : "",
		    bh_buf_text(&p.answer));
	bh_buf_release(&p.answer);
	settle(s);
	return came && p.result >= 0;
}

/* ------------------------------------------------------------------ */
/* Clock and host                                                      */

static bool
line_clock(struct script *s, char *line)
{
	char *w = word(&line);
	const char *error = NULL;
	int64_t ms;

	if (w == NULL)
		return fail(s, "write: clock +30m, or clock "
		    "2026-01-05T10:00:00Z at the beginning");
	if (*w != '+') {
		if (s->host != NULL)
			return fail(s, "the clock only moves ahead: write "
			    "clock +30m");
		return world_time_parse(w, &s->start) ||
		    fail(s, "\"%s\" is no time like 2026-01-05T10:00:00Z", w);
	}
	if ((ms = duration_parse(w + 1, &error)) < 0)
		return fail(s, "%s", error);
	s->mark = script_world.seq;
	if (!host_settle(s->host, NULL, NULL, ms))
		return fail(s, "the host did not come to rest");
	return true;
}

bool
script_line(struct script *s, char *line)
{
	char *first;
	BH_AUTO_FREE char *copy = xstrdup(line);
	struct instance *in;

	if ((first = word(&line)) == NULL || *first == '#')
		return true;
	if (strcmp(first, "company") == 0)
		return script_company(s, rest(line));
	if (strcmp(first, "clock") == 0 && s->host == NULL &&
	    strchr(line, '+') == NULL)
		return line_clock(s, line);
	if (strcmp(first, "person") == 0)
		return line_person(s, line);
	if (s->host == NULL && !script_start(s))
		return false;
	if (strcmp(first, "clock") == 0)
		return line_clock(s, line);
	if (strcmp(first, "card") == 0)
		return line_card(s, line);
	if (strcmp(first, "expect") == 0)
		return line_expect(s, line);
	if (strcmp(first, "room") == 0 || strcmp(first, "dm") == 0)
		return script_line_place(s, strcmp(first, "dm") == 0, line);
	if (strcmp(first, "network") == 0)
		return script_line_network(s, line);
	if (strcmp(first, "disk") == 0)
		return script_line_disk(s, line);
	if (strcmp(first, "audit") == 0)
		return script_line_audit(s, line);
	if (strcmp(first, "restart") == 0) {
		script_stop(s);
		return script_start(s);
	}
	if (strcmp(first, "reload") == 0) {
		bool refused = strcmp(rest(line), "refused") == 0;

		s->mark = script_world.seq;
		if ((host_reload(s->host) != 0) != refused)
			return fail(s, refused ? "the configuration was not "
			    "refused" : "the configuration was refused: see "
			    "the log");
		settle(s);
		return true;
	}
	in = plugins_instance(s->host->plugins,
	    strcmp(first, "aws") == 0 ? "aws-sandbox" : first);
	if (in != NULL && in->plugin->p.probe != NULL)
		return line_probe(s, in, copy + strspn(copy, " \t") +
		    strlen(first) + strspn(copy + strspn(copy, " \t") +
		    strlen(first), " \t"));
	return line_of_person(s, person(s, first), line);
}
