/* console.h - what the files of the console share.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   input (pipe or keys) -> lines -> commands, forms, chat -> bh_deliver
 *   send() -> card or text drawn -> out -> terminal or pipe
 */

#ifndef CONSOLE_H
#define CONSOLE_H

#include <bellhop/plugin.h>

#include <assert.h>

/* ------------------------------------------------------------------ */
/* console-text.c: UTF-8 in columns                                    */

/* How a piece of text looks on a terminal with colours. */
enum console_face {
	FACE_PLAIN, FACE_STRONG, FACE_CODE, FACE_LINK, FACE_DIM, FACE_DANGER
};

/* One line of clean text; every byte has a face. */
struct console_text {
	struct bh_buf chars, faces;
};

#define CONSOLE_TEXT	{ BH_BUF(256u * 1024u), BH_BUF(256u * 1024u) }

/* Decodes the code point at *s and moves on; U+FFFD for a bad byte, which
 * counts as one; 0 at the end. */
uint32_t console_next(const char **s);
/* Columns that a code point takes: 0, 1 or 2. */
unsigned console_columns(uint32_t c);
/* Columns that `len` bytes of clean text take. */
size_t console_width(const char *s, size_t len);
/* Appends `s` fit for a terminal: controls and what turns the order of text
 * become U+FFFD, zero-width characters go, blanks become one space each.
 * `lines`: newlines and tabs stay what they are (a tab becomes blanks). */
void console_clean(struct bh_buf *out, const char *s, bool lines);

void console_text_add(struct console_text *t, const char *s, int face);
void console_text_spans(struct console_text *t, const struct bh_span *spans,
    size_t count, int64_t now);
void console_text_release(struct console_text *t);
/* The part from `from` that fits into `columns`: returns its end, and in
 * *next where the following line begins.  Breaks at blanks where it can. */
size_t console_wrap(const struct console_text *t, size_t from,
    size_t columns, size_t *next);
/* Appends the bytes [from, to), with escapes if `colour`. */
void console_text_emit(struct bh_buf *out, const struct console_text *t,
    size_t from, size_t to, bool colour);
/* "10:33 UTC", on another day than `now`'s "6 Jan 10:33 UTC"; local zone. */
void console_time(struct bh_buf *out, int64_t at, int64_t now);

/* ------------------------------------------------------------------ */
/* console-card.c                                                      */

struct console_look {
	size_t columns;			/* of a whole line */
	bool colour;
	int64_t now;
};

/* Draws the card as a box; each line ends with a newline. */
void console_card(struct bh_buf *out, const struct bh_card *card,
    const struct console_look *look);
/* The card in one line: title, buttons and note; false if they do not fit. */
bool console_card_line(struct bh_buf *out, const struct bh_card *card,
    const struct console_look *look);
/* Its words without any box, for /wait. */
void console_card_words(struct bh_buf *out, const struct bh_card *card,
    int64_t now);
/* "Account  prod\n...": what must be equal for the one-line form. */
void console_card_fields(struct bh_buf *out, const struct bh_card *card,
    int64_t now);
void console_card_title(struct bh_buf *out, const struct bh_card *card,
    int64_t now);

/* ------------------------------------------------------------------ */
/* console-people.c                                                    */

struct console_person {
	char *name, *display, *email;	/* email NULL: none */
	bool guest;
};

struct console_people {
	struct console_person *list;
	size_t count;
};

typedef void console_complain(void *arg, const struct bh_value *at,
    const char *sentence);

/* Reads `people`; every error goes to complain().  BH_OK or BH_EINVAL. */
int console_people_read(const struct bh_value *v, struct console_people *out,
    console_complain *complain, void *arg);
const struct console_person *console_person(const struct console_people *p,
    const char *name);
void console_people_release(struct console_people *p);
/* May this be a room: "#" and something without blanks or controls? */
bool console_room_ok(const char *name);
/* bh_plugin.check */
void console_check(struct bh_check *check);

/* ------------------------------------------------------------------ */
/* The open console                                                    */

struct console;
struct console_edit;
struct console_form;
struct console_message;

#define CONSOLE_WINDOW	128u	/* events of a pipe not yet received */
#define CONSOLE_BUSY	180u	/* with those still being answered */

struct console {
	unsigned magic;
#define CONSOLE_MAGIC	0x436f6e73u
	struct bh_host *host;
	struct console_people people;
	const struct console_person *me;
	char *room;			/* "#payments"; NULL: a DM */
	char **rooms;			/* all that were named so far */
	size_t rooms_count;
	bool echo;			/* option: show a pipe's lines */

	/* How it reads and writes. */
	int in, out;
	bool tty;			/* somebody sits there */
	bool colour;
	int in_flags, out_flags;	/* to be restored; -1: nothing */
	struct bh_watch *watch;
	struct bh_buf input;		/* of a pipe, from `at` on */
	size_t at;
	bool eof, pumping, ending;
	struct bh_timer *later;		/* looks whether there is room again */
	int status;			/* of the process */
	struct bh_buf output;
	struct bh_timer *flush;
	struct console_edit *edit;	/* NULL: plain lines */
	bool prompt_shown;

	/* What is under way. */
	size_t flying;			/* delivered, not yet received */
	unsigned long long questions;	/* `reply` of the newest completion */
	char *question;			/* the line it is about */
	struct {
		struct bh_timer *timer;
		char *text;		/* /wait for it; NULL: for quiet */
		int64_t until;		/* real ms, monotonic */
		unsigned quiet;		/* looks that saw nothing going on */
		char *line;		/* to be done when all is quiet */
		bool on;
	} wait;

	/* What was shown. */
	struct console_message *messages;	/* newest first */
	size_t messages_count;
	unsigned long long next_message;
	char session[9];		/* makes message ids unique */
	struct bh_buf seen;		/* words since the last /wait */

	struct console_form *form;
	struct {
		struct bh_timer *timer;
		unsigned turn;
	} progress;
};

struct console *console_of(void *state);
char *console_keep(const char *s);	/* strdup; NULL stays NULL */
void *console_zero(size_t size);
int64_t console_real(void);		/* monotonic ms that nobody moves */

/* ------------------------------------------------------------------ */
/* console-out.c                                                       */

void console_put(struct console *c, const char *s);
/* A sentence of the console's own, cleaned. */
void console_say(struct console *c, const char *fmt, ...) BH_PRINTF(2, 3);
/* The same about a mistake; a script fails by it. */
void console_wrong(struct console *c, const char *fmt, ...) BH_PRINTF(2, 3);
void console_flush(struct console *c);
size_t console_screen(const struct console *c);
struct console_look console_look(const struct console *c);
/* "ada #payments> " or what the open form asks. */
void console_prompt(struct console *c, struct bh_buf *out);

/* ------------------------------------------------------------------ */
/* console-message.c: send(), and what was shown                       */

struct console_button { char *label, *token; };

struct console_message {
	char *id, *room, *user;
	char *title, *fields;		/* words; NULL: no card */
	struct console_button *buttons;
	size_t buttons_count;
	int64_t since;			/* real ms of this version */
	struct console_message *next;
};

int console_send(void *state, const struct bh_post *post, bh_sent_cb *done,
    void *arg);
/* The newest card with such a button (and `id` as a word of its title). */
const struct console_message *console_find_button(const struct console *c,
    const char *label, const char *id, size_t *button);
/* The newest card that says "…" at the end of its title, or NULL. */
const struct console_message *console_in_progress(const struct console *c);
/* Words that /wait may look for. */
void console_seen(struct console *c, const char *words);
void console_messages_release(struct console *c);
/* Remembers the room and returns it spelled with its "#". */
const char *console_room(struct console *c, const char *name);

/* ------------------------------------------------------------------ */
/* console-input.c                                                     */

int console_input_open(struct console *c);
void console_input_close(struct console *c);
/* Goes on with the lines that are there. */
void console_pump(struct console *c);
/* One line, from a pipe or a terminal. */
void console_line(struct console *c, const char *line);
/* Delivers; counts until it is received. */
void console_deliver(struct console *c, struct bh_event *event,
    const char *user, const char *room);
/* Ends the process with what is in c->status, after the output. */
void console_end(struct console *c);

/* ------------------------------------------------------------------ */
/* console-wait.c                                                      */

/* Holds back further lines until TEXT was seen or `ms` (real) are over. */
void console_wait_for(struct console *c, const char *text, int64_t ms);
/* Holds back further lines until all is answered, then does `line` (NULL:
 * nothing). */
void console_wait_quiet(struct console *c, const char *line);
/* Something was shown. */
void console_wait_look(struct console *c);
void console_wait_release(struct console *c);

/* ------------------------------------------------------------------ */
/* console-command.c                                                   */

struct console_command {
	const char *name, *args, *help;
	bool quiet;			/* on a pipe: only when all is answered */
	void (*run)(struct console *c, char *rest);
};

extern const struct console_command console_commands[];	/* name NULL ends */
const struct console_command *console_command(const char *line);
/* The first word of *rest, "quoted" or not, and moves on; NULL: none. */
char *console_word(char **rest);

/* ------------------------------------------------------------------ */
/* console-form.c                                                      */

int console_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply);
/* An answer typed at the form's prompt. */
void console_form_line(struct console *c, const char *line);
/* /fill name=value ... */
void console_form_fill(struct console *c, char *rest);
void console_form_cancel(struct console *c);
void console_form_free(struct console_form **form);
void console_form_prompt(const struct console_form *form, struct bh_buf *out);
/* Completion inside the form: fills in the event; false: nothing to offer. */
bool console_form_complete(const struct console_form *form,
    struct bh_event *event, const char **user, const char **room);
void console_form_choices(const struct console_form *form,
    void (*each)(void *arg, const char *value), void *arg);

/* ------------------------------------------------------------------ */
/* console-edit.c, console-complete.c                                  */

/* NULL when there is no line editing: then lines are read plainly. */
struct console_edit *console_edit_open(struct console *c);
void console_edit_close(struct console_edit **e);
void console_edit_keys(struct console_edit *e, const char *bytes, size_t len);
/* Takes the prompt and the line off the screen, and puts them back. */
void console_edit_hide(struct console_edit *e);
void console_edit_show(struct console_edit *e);
/* The line up to the cursor, into `out`. */
void console_edit_before(struct console_edit *e, struct bh_buf *out);
void console_edit_replace(struct console_edit *e, size_t columns,
    const char *with);

/* TAB was pressed with `line` before the cursor. */
void console_complete(struct console *c, const char *line);
void console_offers(void *state, const char *reply,
    const struct bh_choice *choices, size_t count);

/* console-progress.c */
void console_progress(struct console *c);
/* What stands at the right of the prompt; "" if nothing is going on. */
void console_progress_text(struct console *c, struct bh_buf *out);

#endif
