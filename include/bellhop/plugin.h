/*
 * plugin.h - everything a bellhop plugin may know about its host.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plugin is tables plus functions.  It exports one symbol, made by
 * BH_PLUGIN(), and reaches the host through the table of calls that is the
 * first member of every handle it is given.  It starts no thread, blocks on
 * nothing, and frees nothing that the host gave it.
 *
 *   file vetted -> mapped -> options checked -> open() per named block
 *        -> commands, jobs, events, timers ... -> close()
 *
 * Rules that hold for every call here:
 *
 *  - Text is UTF-8, NUL-terminated.  NULL means "none" where that is said.
 *  - What the host hands in is valid until the callback returns; copy what
 *    you want longer.  What you hand to the host, the host copies.
 *  - Times are milliseconds since 1970 UTC (int64_t), spans are milliseconds.
 *  - Functions return BH_OK (0) or a negative enum bh_result; BH_PENDING
 *    means "the answer comes by the callback".
 *  - Everything runs on one loop.  A callback over 50 ms is logged by name.
 *
 * The promise: within one major version, structs only grow at their end,
 * calls are only added at the end of struct bh_api, and numbers keep their
 * meaning.  `size`, the strides in struct bh_plugin and `minor` are what
 * make that work; BH_PLUGIN() fills them in.
 */

#ifndef BELLHOP_PLUGIN_H
#define BELLHOP_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bellhop/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BH_ABI_MAJOR	1
#define BH_ABI_MINOR	1
#define BH_MAGIC	"bellhop-plugin1\n"	/* 16 bytes, no NUL kept */

#if defined(__GNUC__)
#define BH_EXPORT	__attribute__((visibility("default")))
#else
#define BH_EXPORT
#endif

/* ------------------------------------------------------------------ */
/* Results                                                             */

enum bh_result {
	BH_OK = 0,
	BH_PENDING = 1,		/* the answer comes later */
	BH_EINVAL = -1,		/* what was asked makes no sense */
	BH_ENOENT = -2,		/* no such thing */
	BH_EPERM = -3,		/* not allowed */
	BH_ECONFLICT = -4,	/* a statement's expectation did not hold */
	BH_EFULL = -5,		/* disk full, or a cap was reached */
	BH_EIO = -6,		/* disk or store failed */
	BH_ETIMEOUT = -7,
	BH_ENET = -8,		/* network failed: look at `sent` */
	BH_ENOMEM = -9,
	BH_EBUSY = -10,
	BH_ELIMIT = -11,	/* too often: try later */
	BH_EUNSUPPORTED = -12,
	BH_ECANCELLED = -13,
	BH_EPARSE = -14		/* input is not what it claims to be */
};

/* ------------------------------------------------------------------ */
/* Handles.  Only `api` is the plugin's business.                      */

struct bh_api;
struct bh_host { const struct bh_api *api; };	/* one per open instance */
struct bh_call { const struct bh_api *api; };	/* one run of a command */
struct bh_tx { const struct bh_api *api; };	/* a transaction, as a value */
struct bh_request { const struct bh_api *api; };/* an HTTP request to us */
struct bh_check { const struct bh_api *api; };	/* an offline look at settings */
struct bh_timer;
struct bh_watch;
struct bh_xfer;					/* an HTTP request by us */
struct bh_server;
struct bh_socket;				/* a WebSocket of ours */
struct bh_turn;					/* a place in a lane */

/* ------------------------------------------------------------------ */
/* Values: one read-only tree for JSON from outside and YAML from files */

enum bh_kind { BH_NULL, BH_BOOL, BH_NUMBER, BH_TEXT, BH_LIST, BH_MAP };

struct bh_value {
	int kind;			/* enum bh_kind */
	int line, column;		/* where it stands, 0 if not from a file */
	const char *file;		/* NULL if not from a file */
	const char *key;		/* its name, if it is in a map */
	const char *text;		/* text; for numbers as written */
	double number;			/* of BH_NUMBER; 0 or 1 of BH_BOOL */
	size_t count;			/* children of a list or map */
	const struct bh_value *first;	/* children, in order */
	const struct bh_value *next;	/* the next sibling */
};

/* The member `key` of a map; NULL if there is none, it is null, or `v` is
 * no map (or NULL): look-ups chain without checks between them. */
static inline const struct bh_value *
bh_get(const struct bh_value *v, const char *key)
{
	if (v == NULL || v->kind != BH_MAP)
		return NULL;
	for (const struct bh_value *c = v->first; c != NULL; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c->kind == BH_NULL ? NULL : c;
	return NULL;
}

/* The text of `v`, or NULL if it is not text. */
static inline const char *
bh_text(const struct bh_value *v)
{
	return v != NULL && v->kind == BH_TEXT ? v->text : NULL;
}

static inline const char *
bh_get_text(const struct bh_value *v, const char *key)
{
	return bh_text(bh_get(v, key));
}

static inline double
bh_get_number(const struct bh_value *v, const char *key, double otherwise)
{
	const struct bh_value *c = bh_get(v, key);

	return c != NULL && c->kind == BH_NUMBER ? c->number : otherwise;
}

static inline bool
bh_get_bool(const struct bh_value *v, const char *key, bool otherwise)
{
	const struct bh_value *c = bh_get(v, key);

	return c != NULL && c->kind == BH_BOOL ? c->number > 0 : otherwise;
}

/* for (BH_EACH(item, list)) walks a list's or map's children. */
#define BH_EACH(c, v)							\
	const struct bh_value *c = (v) != NULL ? (v)->first : NULL;	\
	c != NULL; c = c->next

/* ------------------------------------------------------------------ */
/* People, messages, cards, forms: all values                          */

#define BH_USER_ADMIN	0x01u	/* listed under `admins` */
#define BH_USER_GUEST	0x02u	/* guest, stranger, foreign tenant */
#define BH_USER_BOT	0x04u
#define BH_USER_GONE	0x08u	/* deleted or disabled in the network */

struct bh_user {
	const char *person;	/* one id per human, across networks, for ever */
	const char *name;	/* cleaned; for people to read, never to decide */
	const char *email;	/* pinned at enrolment; NULL if none */
	const char *realm;	/* the network this call came from */
	const char *id;		/* immutable id there */
	unsigned flags;		/* BH_USER_* */
};

enum bh_span_kind {
	BH_SPAN_TEXT,		/* text, shown as it is, never as markup */
	BH_SPAN_STRONG,		/* the same, emphasised */
	BH_SPAN_CODE,		/* the same, in a fixed font */
	BH_SPAN_PERSON,		/* `text` shown, `ref` a person id: mention */
	BH_SPAN_TIME,		/* `time` in the reader's own zone, zone said */
	BH_SPAN_LINK		/* `text` shown, `ref` an https URL */
};

struct bh_span {
	int kind;		/* enum bh_span_kind */
	const char *text;
	const char *ref;
	int64_t time;
};

/* A field is a label and a line made of spans. */
struct bh_field {
	const char *label;
	const struct bh_span *spans;
	size_t spans_count;
};

enum bh_colour { BH_GREY, BH_BLUE, BH_YELLOW, BH_GREEN, BH_RED };
enum bh_style { BH_PLAIN, BH_PRIMARY, BH_DANGER };

/* A button runs a command, as the one who presses, on the one path that
 * typed commands take.  What the network carries is an opaque token that
 * dies with the next version of the card. */
struct bh_button {
	const char *label;
	const char *command;	/* "approve" */
	const char *args;	/* "7QK2", as it would be typed; NULL if none */
	int style;		/* enum bh_style */
	const char *token;	/* filled in by the host for transports */
};

struct bh_card {
	const struct bh_span *title;
	size_t title_count;
	int colour;		/* enum bh_colour */
	const struct bh_field *fields;
	size_t fields_count;
	const struct bh_button *buttons;
	size_t buttons_count;
	const struct bh_span *note;	/* the small line below */
	size_t note_count;
};

struct bh_choice {
	const char *value;	/* what the command gets */
	const char *label;	/* what people read */
};

enum bh_input_type { BH_LINE, BH_LINES, BH_CHOOSE, BH_SEARCH, BH_TICK };

/* BH_SEARCH asks the command's choices() while the person types. */
struct bh_input {
	const char *name;	/* the command's argument it fills */
	const char *label, *hint, *value;
	const char *error;	/* shown at the field; NULL if none */
	int type;		/* enum bh_input_type */
	bool required;
	const struct bh_choice *choices;	/* of BH_CHOOSE */
	size_t choices_count;
};

struct bh_form {
	const char *title, *submit;
	const char *command;	/* run with the inputs as its arguments */
	const struct bh_input *inputs;
	size_t inputs_count;
	const char *token;	/* filled in by the host for transports */
};

/* ------------------------------------------------------------------ */
/* Commands and options: data                                          */

#define BH_CMD_ADMIN	0x01u	/* admins only */
#define BH_CMD_CONFIRM	0x02u	/* ask "sure?" first */
#define BH_CMD_PRIVATE	0x04u	/* answer only to the one who asks */
#define BH_CMD_RATE	0x08u	/* counts five-fold against the flood limit */
#define BH_CMD_ANYONE	0x10u	/* needs no access rule (help, whoami) */
#define BH_CMD_HIDDEN	0x20u	/* not in !help */
#define BH_CMD_HOME	0x40u	/* on people's home pages: needs no argument,
				 * changes nothing */
#define BH_CMD_OFFLINE	0x80u	/* of a tool: runs without open(), state NULL */

struct bh_command {
	const char *name;
	/* "account [permission-set] [--for=DURATION] [--dry-run] [reason...]":
	 * NAME needed, [NAME] optional, last NAME... takes the rest,
	 * [--word] a flag, [--word=WHAT] an option with a value. */
	const char *args;
	const char *help;	/* one line, lower case, no full stop */
	const char *more;	/* examples, for !help NAME; or NULL */
	unsigned flags;		/* BH_CMD_* */
	/* Answers with bh_reply() and friends, then returns BH_OK, a failure
	 * (after bh_fail), or BH_PENDING and later calls bh_end(). */
	int (*run)(struct bh_call *call, void *state);
	/* Offers values for argument `arg` that go with `typed`, by
	 * bh_offer(), for completion and search inputs; or NULL. */
	int (*choices)(struct bh_call *call, void *state, const char *arg,
	    const char *typed);
};

enum bh_option_type {
	BH_STRING, BH_INT, BH_FLAG, BH_DURATION, BH_SECRET, BH_STRINGS,
	BH_TREE			/* a list or map the plugin reads itself */
};

#define BH_OPT_REQUIRED		0x01u
#define BH_OPT_RELOADABLE	0x02u
#define BH_OPT_TEAM		0x04u	/* may stand in a team's file */
#define BH_OPT_DELEGATE		0x08u	/* may stand under `delegate` */

struct bh_option {
	const char *key;
	int type;		/* enum bh_option_type */
	const char *preset;	/* as it would be written; NULL if none */
	const char *help;
	unsigned flags;		/* BH_OPT_* */
};

/* ------------------------------------------------------------------ */
/* Transports                                                          */

#define BH_CAP_EDIT	0x01u
#define BH_CAP_BUTTONS	0x02u
#define BH_CAP_FORMS	0x04u
#define BH_CAP_THREADS	0x08u
#define BH_CAP_EPHEMERAL 0x10u	/* can show a message to one person only */
#define BH_CAP_KEEP	0x20u	/* what it delivers is acknowledged and never
				 * comes again: the host keeps each event until
				 * its command was carried out, over restarts */

typedef void bh_sent_cb(void *arg, int result, const char *message);

/* Something to show.  Text is always there, also beside a card. */
struct bh_post {
	const char *key;	/* the same for each try: post it once */
	const char *room;	/* where, as in bh_event; NULL for a DM */
	const char *user;	/* DM to, or (with room) only for, this user id */
	const char *thread;	/* message id it answers, or NULL */
	const char *message;	/* edit this message; NULL: a new one */
	const char *reply;	/* the event's `reply` this answers, or NULL */
	const char *text;
	const struct bh_card *card;	/* or NULL */
	bool again;			/* was tried before, and nobody knows whether
					 * the network took it */
};

enum bh_event_kind {
	BH_EV_MESSAGE,		/* text; commands start with the prefix */
	BH_EV_COMMAND,		/* text is a command without a prefix */
	BH_EV_BUTTON,		/* token of a button */
	BH_EV_FORM,		/* token of a form, with fields */
	BH_EV_COMPLETE,		/* text so far; answer comes by offers() */
	BH_EV_HOME		/* opened the home page: the BH_CMD_HOME commands
				 * answer, each under `reply` */
};

struct bh_pair { const char *name, *value; };

/* Something that happened.  A transport reports; it decides nothing. */
struct bh_event {
	int kind;		/* enum bh_event_kind */
	const char *id;		/* the network's id of it, for duplicates; or NULL */
	const char *user;	/* immutable id of the author there */
	const char *name;	/* display name */
	const char *email;	/* verified by the network, or NULL */
	unsigned user_flags;	/* BH_USER_GUEST, BH_USER_BOT */
	const char *room;	/* immutable id of the room; NULL in a DM */
	const char *room_name;	/* "#payments" */
	const char *thread;	/* message id, or NULL */
	const char *text;	/* who is mentioned in it: "@ID" */
	const char *token;	/* of the button or form */
	const char *input;	/* BH_EV_COMPLETE in a form: which input */
	const struct bh_pair *fields;	/* BH_EV_FORM */
	size_t fields_count;
	const char *reply;	/* opaque: comes back in the answers' posts */
};

/* What a network knows of an account now. */
struct bh_who {
	const char *name;	/* display name */
	const char *email;	/* verified by the network, or NULL */
	unsigned flags;		/* BH_USER_GUEST, _BOT, _GONE */
};

#define BH_ROOM_SHARED	0x01u	/* people of other companies are in it */

struct bh_where {
	const char *name;	/* "#payments" */
	unsigned flags;		/* BH_ROOM_* */
};

/* BH_ENOENT: there is no such account or room; other failures: not known
 * now.  The values live until the callback returns. */
typedef void bh_who_cb(void *arg, int result, const struct bh_who *who);
typedef void bh_where_cb(void *arg, int result, const struct bh_where *where);

struct bh_transport {
	unsigned caps;			/* BH_CAP_* */
	int (*connect)(void *state);	/* after every other plugin is open */
	void (*disconnect)(void *state);
	/* Shows or edits; calls done(arg, ...) exactly once, with the message
	 * id, whenever that is known.  BH_ELIMIT, BH_EBUSY: certainly not
	 * taken, later perhaps; BH_ENET, BH_ETIMEOUT: nobody knows; BH_EPERM,
	 * BH_EINVAL, BH_EUNSUPPORTED: never; BH_ENOENT: there is no such room
	 * that we are in (what must be seen is tried for a day: somebody may
	 * invite us), no such person, or the message to be edited is gone.
	 * With `again`, a message that is found under the same key is the
	 * answer. */
	int (*send)(void *state, const struct bh_post *post, bh_sent_cb *done,
	    void *arg);
	/* Opens a form for `user` in answer to the event with this `reply`. */
	int (*ask)(void *state, const struct bh_form *form, const char *user,
	    const char *room, const char *reply);
	/* Answers a BH_EV_COMPLETE. */
	void (*offers)(void *state, const char *reply,
	    const struct bh_choice *choices, size_t count);

	/* Since 1.1; each may be NULL. */

	/* Look an account or a room up.  The host asks once an event is durable
	 * and it does not know them, or has not asked for a while.  Each calls
	 * done(arg, ...) exactly once, now or later. */
	void (*who)(void *state, const char *user, bh_who_cb *done, void *arg);
	void (*where)(void *state, const char *room, bh_where_cb *done,
	    void *arg);
	/* The event with this `reply` is over (BH_OK, or how its command
	 * failed) and no more send() or ask() will name it: once for each that
	 * was taken, also for talk, duplicates and refusals, after its answers
	 * went out or were given up, and not from within a call of yours.  Not
	 * after a restart: by then nobody holds the reply. */
	void (*over)(void *state, const char *reply, int result);
};

/* Who is in which group, for access rules ("group:Payments Leads"). */
struct bh_directory {
	/* 1 yes, 0 no, negative: not known now (counts as no). */
	int (*member)(void *state, const struct bh_user *user,
	    const char *group);
};

/* ------------------------------------------------------------------ */
/* Store                                                               */

struct bh_param { int type; int64_t i; const char *s; };

static inline struct bh_param
bh_s(const char *s)		/* text, NULL gives SQL NULL */
{
	struct bh_param p = { 's', 0, s };
	return p;
}

static inline struct bh_param
bh_i(int64_t i)
{
	struct bh_param p = { 'i', i, NULL };
	return p;
}

#define BH_PARAMS(...)	(const struct bh_param[]){ __VA_ARGS__, { 0, 0, NULL } }
#define BH_ANY		(-1)	/* expect: any number of rows changed */

/* Cells are text, NULL for SQL NULL. */
struct bh_rows {
	size_t columns, count;
	const char *const *cells;	/* row by row */
};

static inline const char *
bh_cell(const struct bh_rows *rows, size_t row, size_t column)
{
	return rows->cells[row * rows->columns + column];
}

static inline int64_t
bh_cell_int(const struct bh_rows *rows, size_t row, size_t column)
{
	const char *s = bh_cell(rows, row, column);

	return s != NULL ? (int64_t)strtoll(s, NULL, 10) : 0;
}

typedef void bh_commit_cb(void *arg, int result);
typedef void bh_rows_cb(void *arg, int result, const struct bh_rows *rows);

/* A durable job that fell due.  It comes again (with back-off) until a
 * committed transaction moved it (bh_tx_job) or ended it (bh_tx_job_done). */
struct bh_job {
	const char *kind, *ref;
	int64_t due;
	int attempt;		/* 1 at first */
};

/* ------------------------------------------------------------------ */
/* HTTP                                                                */

struct bh_http {
	const char *method, *url;
	const char *const *headers;	/* "Name: value", NULL-terminated */
	const void *body;
	size_t body_len;
	int64_t timeout;		/* ms in all; 0: 30 s */
	size_t max_answer;		/* bytes; 0: 1 MiB */
	/* Asked right before the first byte goes out; anything but 0 stops
	 * it there with result BH_ECANCELLED and sent false.  May be NULL. */
	int (*gate)(void *arg);
};

struct bh_answer {
	int result;		/* BH_OK: a whole answer came */
	bool sent;		/* false: certainly no byte was written */
	int status;
	const char *body;	/* NUL-terminated, never NULL */
	size_t body_len;
	const struct bh_pair *headers;	/* names in lower case */
	size_t headers_count;
	const char *error;	/* a sentence, when result is not BH_OK */
};

static inline const char *
bh_answer_header(const struct bh_answer *a, const char *lower_name)
{
	for (size_t i = 0; i < a->headers_count; i++)
		if (strcmp(a->headers[i].name, lower_name) == 0)
			return a->headers[i].value;
	return NULL;
}

typedef void bh_http_cb(void *arg, const struct bh_answer *answer);

/* What came in on one of our routes. */
struct bh_http_in {
	const char *method, *path, *query, *peer;
	const struct bh_pair *headers;	/* names in lower case */
	size_t headers_count;
	const char *body;	/* raw bytes, NUL-terminated */
	size_t body_len;
};

struct bh_http_out {
	int status;
	const char *const *headers;	/* "Name: value", NULL-terminated */
	const void *body;
	size_t body_len;
	/* For doubles in tests: hang up after this many body bytes, with the
	 * full length announced; -1 hangs up without a byte; 0 = whole. */
	long cut;
};

/* Answer by bh_respond() now or later; the request lives until then. */
typedef void bh_route_cb(void *arg, struct bh_request *request,
    const struct bh_http_in *in);

typedef void bh_timer_cb(void *arg);
typedef void bh_watch_cb(void *arg, int fd, unsigned events);
typedef void bh_exec_cb(void *arg, int result, const char *output, size_t len);

#define BH_READ		1u
#define BH_WRITE	2u

/* A WebSocket (RFC 6455) to open.  Proxies and certificates as for bh_http. */
struct bh_socket_to {
	const char *url;		/* wss:// or ws:// */
	const char *const *headers;	/* more of them, NULL-terminated; or NULL */
	int64_t timeout;		/* ms until it is open; 0: 10 s */
	size_t max_message;		/* bytes; 0: 1 MiB */
	int64_t ping;			/* we ping every so many ms; 0: 10 s */
	int64_t silence;		/* no frame at all for so long: closed with
					 * BH_ETIMEOUT; 0: 30 s */
};

/* What happens on it.  closed() comes exactly once and last, unless
 * bh_socket_drop() was called.  `result`: BH_OK, an orderly close with `code`
 * (RFC 6455, 7.4; 1005 if none was given); BH_EPERM, the server refused the
 * handshake with HTTP status `code`; BH_EPARSE, it broke the protocol;
 * BH_ETIMEOUT, it was not open in time, silent, or did not answer our goodbye;
 * BH_ENET.  `why` is a sentence that names the host, not the URL. */
struct bh_socket_calls {
	void (*opened)(void *arg);
	void (*message)(void *arg, const char *text, size_t len);
	void (*closed)(void *arg, int result, int code, const char *why);
};

enum bh_level { BH_LOG_ERROR = 3, BH_LOG_WARN, BH_LOG_NOTE, BH_LOG_INFO,
    BH_LOG_DEBUG };

enum bh_health { BH_UP, BH_DEGRADED, BH_DOWN };

/* ------------------------------------------------------------------ */
/* The host's calls.  Use the macros below: bh_reply(call, ...).       */

struct bh_api {
	uint32_t size;
	uint16_t major, minor;

	/* Time, randomness, log. */
	int64_t (*now)(struct bh_host *);	/* wall clock, ms UTC */
	int64_t (*mono)(struct bh_host *);	/* monotonic ms */
	void (*random)(struct bh_host *, void *out, size_t len);
	void (*log)(struct bh_host *, int level, const char *fmt, ...)
	    BH_PRINTF(3, 4);

	/* Settings.  config() is text as written (team layer, then block, then
	 * preset), NULL if unset; a secret comes resolved and is wiped after
	 * close().  setting() is the tree.  Both take the call (its team) or
	 * the host (no team); team_setting() names the team ("": none). */
	const char *(*call_config)(struct bh_call *, const char *key);
	const char *(*host_config)(struct bh_host *, const char *key);
	const struct bh_value *(*call_setting)(struct bh_call *, const char *key);
	const struct bh_value *(*team_setting)(struct bh_host *,
	    const char *team, const char *key);
	/* The team's `delegate` entry in the main file, or NULL. */
	const struct bh_value *(*delegated)(struct bh_host *, const char *team);
	/* The n-th team's name, NULL past the last. */
	const char *(*team_at)(struct bh_host *, size_t n);
	/* Opaque text that changes when the effective settings of the team
	 * change: its SHA-256 in hex. */
	const char *(*settings_hash)(struct bh_host *, const char *team);
	const char *(*instance)(struct bh_host *);	/* name of its block */

	/* A call. */
	const char *(*arg)(struct bh_call *, const char *name); /* flags: "yes" */
	const struct bh_user *(*user)(struct bh_call *);
	const char *(*team)(struct bh_call *);	/* "" if none */
	/* "instance/#room" or "instance/@user": what bh_tx_post takes. */
	const char *(*place)(struct bh_call *);
	int (*reply)(struct bh_call *, const char *fmt, ...) BH_PRINTF(2, 3);
	int (*reply_card)(struct bh_call *, const struct bh_card *,
	    const char *text);
	/* The sentence the user sees; returns BH_EINVAL for `return`.  With
	 * `arg`, a form shows it at that input. */
	int (*fail)(struct bh_call *, const char *arg, const char *fmt, ...)
	    BH_PRINTF(3, 4);
	int (*ask)(struct bh_call *, const struct bh_form *);
	void (*offer)(struct bh_call *, const char *value, const char *label);
	void (*end)(struct bh_call *, int result);	/* after BH_PENDING */
	struct bh_host *(*host_of)(struct bh_call *);

	/* People.  person() finds by person id, since 1.1 also by account
	 * ("realm/@ID"); person_by_email() by the pinned e-mail, case-blind.
	 * False if unknown; pointers live until the callback returns.  Who was
	 * known before a restart is known in open().  Of several accounts a
	 * transport is told its own (`realm` is then its block's name), others
	 * the one heard of last. */
	bool (*person)(struct bh_host *, const char *id, struct bh_user *out);
	bool (*person_by_email)(struct bh_host *, const char *email,
	    struct bh_user *out);

	/* Transactions: all statements or none.  `expect` is the number of rows
	 * it must change (BH_ANY).  $1... parameters.  commit() takes the tx
	 * over; done runs when it is durable (BH_OK), or with BH_ECONFLICT,
	 * BH_EFULL, BH_EIO, in the order of the commits. */
	struct bh_tx *(*tx)(struct bh_host *);
	void (*tx_sql)(struct bh_tx *, int expect, const char *sql,
	    const struct bh_param *params);
	/* One row of the audit chain.  `fields` NULL-name-terminated. */
	void (*tx_audit)(struct bh_tx *, const char *action,
	    const char *actor, const struct bh_pair *fields);
	/* Plans (or moves) the job (kind, ref); one per pair. */
	void (*tx_job)(struct bh_tx *, const char *kind, const char *ref,
	    int64_t when);
	void (*tx_job_done)(struct bh_tx *, const char *kind, const char *ref);
	/* Outbox: shows `card` (and text) at `place` under `key`; the same key
	 * at the same place again edits the message, whatever restarts lie
	 * between.  card NULL: text alone.  place "@person:ID" is a DM. */
	void (*tx_post)(struct bh_tx *, const char *place, const char *key,
	    const struct bh_card *card, const char *text);
	/* The same at every place where `key` was ever posted. */
	void (*tx_repost)(struct bh_tx *, const char *key,
	    const struct bh_card *card, const char *text);
	int (*commit)(struct bh_tx *, bh_commit_cb *done, void *arg);
	void (*tx_drop)(struct bh_tx *);	/* instead of commit */
	int (*query)(struct bh_host *, const char *sql,
	    const struct bh_param *params, bh_rows_cb *done, void *arg);
	/* 0 if the last write went well, else what failed (BH_EFULL ...). */
	int (*store_health)(struct bh_host *);

	/* Strict JSON: no duplicates, NUL, bad UTF-8, trailing bytes; depth 32.
	 * NULL and *error on refusal.  json_free(NULL) is fine. */
	struct bh_value *(*json)(const char *text, size_t len,
	    const char **error);
	void (*json_free)(struct bh_value *);

	/* Loop. */
	struct bh_timer *(*after)(struct bh_host *, int64_t ms, bh_timer_cb *,
	    void *arg);				/* once */
	void (*cancel)(struct bh_timer *);	/* NULL is fine; not after it ran */
	struct bh_watch *(*watch)(struct bh_host *, int fd, unsigned events,
	    bh_watch_cb *, void *arg);
	void (*unwatch)(struct bh_watch *);
	/* Runs a program without a shell; output capped at 64 KiB. */
	int (*exec)(struct bh_host *, const char *const *argv, int64_t timeout,
	    bh_exec_cb *, void *arg);

	/* HTTP out and in.  NULL: refused at once (bad URL); no callback. */
	struct bh_xfer *(*http)(struct bh_host *, const struct bh_http *,
	    bh_http_cb *, void *arg);
	void (*http_cancel)(struct bh_xfer *);	/* no callback after this */
	/* A listener of the plugin's own; NULL server in route(): the host's. */
	struct bh_server *(*listen)(struct bh_host *, const char *address,
	    int *port, const char **error);
	int (*route)(struct bh_host *, struct bh_server *, const char *method,
	    const char *path, bh_route_cb *, void *arg);
	void (*respond)(struct bh_request *, const struct bh_http_out *);

	/* Transports.  received() runs once the event is durable, or is known
	 * to be a duplicate; may be NULL.  A failure: refused at once, such as
	 * BH_EBUSY when too much is under way; no callback. */
	int (*deliver)(struct bh_host *, const struct bh_event *,
	    bh_commit_cb *received, void *arg);

	/* How this instance is: shown by !status and /readyz. */
	void (*health)(struct bh_host *, int health, const char *fmt, ...)
	    BH_PRINTF(3, 4);
	void (*opened)(struct bh_host *, int result);	/* after open() gave
							 * BH_PENDING */
	/* Names that one instance leaves for another ("sandbox/local" is a
	 * URL).  lookup() gives NULL if nobody did. */
	void (*publish)(struct bh_host *, const char *name, const char *value);
	const char *(*lookup)(struct bh_host *, const char *name);

	/* Offline checks: the complaint is printed with file, line, column. */
	const char *(*check_team)(struct bh_check *);	/* "" in the main file */
	const struct bh_value *(*check_settings)(struct bh_check *);
	const struct bh_value *(*check_delegate)(struct bh_check *);
	void (*complain)(struct bh_check *, const struct bh_value *at,
	    const char *fmt, ...) BH_PRINTF(3, 4);

	/* The demo's and the tests' clock: moves wall and monotonic time ahead
	 * by ms; BH_EPERM when the host runs on the real clock. */
	int (*clock_advance)(struct bh_host *, int64_t ms);
	/* Named point of a kill test; does nothing unless it is armed. */
	void (*failpoint)(struct bh_host *, const char *name);
	void (*quit)(struct bh_host *);		/* an orderly end */

	/* This transaction takes access away or records that: it is still
	 * tried when the disk is full, from the store's reserve. */
	void (*tx_urgent)(struct bh_tx *);

	/* Texts, read and written alike everywhere.  Pure functions.
	 * duration(): "90m", "1h30m", "2d", "PT1H" in ms; negative and a
	 * sentence if it is none.  duration_text(): "1 h 30 min".
	 * glob(): '*' any run, '?' one character.  nearest(): the candidate
	 * that may have been meant ("did you mean"), or NULL. */
	int64_t (*duration)(const char *text, const char **error);
	void (*duration_text)(struct bh_buf *out, int64_t ms);
	bool (*glob)(const char *pattern, const char *text);
	const char *(*nearest)(const char *typed,
	    const char *const *candidates, size_t count);

	/* Transports: how many events from here are still at work, and answers
	 * and posts on their way here.  0: everything was answered. */
	size_t (*unfinished)(struct bh_host *);
	/* An orderly end, too, with this exit status of the process. */
	void (*quit_with)(struct bh_host *, int status);

	/* ---- since 1.1 ---- */

	/* This transaction is what the call does.  Once it is durable, the call
	 * is not run again, whenever the host dies; until then it is, when the
	 * network was told that its event is safe (BH_CAP_KEEP).  At most one
	 * transaction of a call; BH_ECONFLICT if it was done already. */
	void (*tx_settles)(struct bh_tx *, struct bh_call *);

	/* WebSocket.  NULL: refused at once (bad URL); no callback.  send()
	 * takes text; BH_EFULL when over 8 MiB wait to go out, BH_ENET when it
	 * is not open (yet, any more).  close() says goodbye and waits 1 s at
	 * most for the answer; no message comes any more, closed() does.  drop()
	 * hangs up, no callback comes any more; NULL is fine, not after
	 * closed().  No callback comes before one of these calls returns. */
	struct bh_socket *(*socket)(struct bh_host *,
	    const struct bh_socket_to *, const struct bh_socket_calls *,
	    void *arg);
	int (*socket_send)(struct bh_socket *, const char *text, size_t len);
	void (*socket_close)(struct bh_socket *, int code);
	void (*socket_drop)(struct bh_socket *);

	/* Pacing.  A lane is a queue by name, this instance's own, that keeps
	 * to `limits` ("1 at once, 7/1s, 60/30s": any of them, all hold; the
	 * newest text counts).  turn() asks for a turn: cb runs when it is ours,
	 * never before turn() returns; lower `rank` goes first, equals in order.
	 * turn_over() gives it back, as one must; with `pause` > 0 the lane
	 * rests that many ms from now (Retry-After).  Before cb ran, turn_over()
	 * takes the question back.  Several lanes: one turn inside the other.
	 * NULL: those are no limits, or 20,000 wait in that lane already: then
	 * say that you are busy (BH_EBUSY), and come again. */
	struct bh_turn *(*turn)(struct bh_host *, const char *lane,
	    const char *limits, int rank, bh_timer_cb *cb, void *arg);
	void (*turn_over)(struct bh_turn *, int64_t pause);

	/* The address that people reach the host's listener under, as
	 * configured (`public-url:`), without a slash at its end; NULL. */
	const char *(*public_url)(struct bh_host *);
	/* The n-th room of this transport that the configuration names, as it
	 * is written there behind the instance: "#payments*".  NULL past the
	 * last. */
	const char *(*room_at)(struct bh_host *, size_t n);

	/* http() for URLs that came from outside: goes to public addresses
	 * only.  BH_EPERM, and nothing sent, when the host's name leads to a
	 * private one (loopback, link-local, metadata ...) at that moment. */
	struct bh_xfer *(*http_public)(struct bh_host *, const struct bh_http *,
	    bh_http_cb *, void *arg);
};

#define bh_now(h)		((h)->api->now(h))
#define bh_mono(h)		((h)->api->mono(h))
#define bh_random(h, p, n)	((h)->api->random((h), (p), (n)))
#define bh_log(h, ...)		((h)->api->log((h), __VA_ARGS__))
#define bh_config(c, key)	((c)->api->call_config((c), (key)))
#define bh_host_config(h, key)	((h)->api->host_config((h), (key)))
#define bh_setting(c, key)	((c)->api->call_setting((c), (key)))
#define bh_team_setting(h, t, key) ((h)->api->team_setting((h), (t), (key)))
#define bh_delegated(h, t)	((h)->api->delegated((h), (t)))
#define bh_team_at(h, n)	((h)->api->team_at((h), (n)))
#define bh_settings_hash(h, t)	((h)->api->settings_hash((h), (t)))
#define bh_instance(h)		((h)->api->instance(h))
#define bh_arg(c, name)		((c)->api->arg((c), (name)))
#define bh_user(c)		((c)->api->user(c))
#define bh_team(c)		((c)->api->team(c))
#define bh_place(c)		((c)->api->place(c))
#define bh_reply(c, ...)	((c)->api->reply((c), __VA_ARGS__))
#define bh_reply_card(c, ...)	((c)->api->reply_card((c), __VA_ARGS__))
#define bh_fail(c, ...)		((c)->api->fail((c), NULL, __VA_ARGS__))
#define bh_fail_at(c, arg, ...)	((c)->api->fail((c), (arg), __VA_ARGS__))
#define bh_ask(c, ...)		((c)->api->ask((c), __VA_ARGS__))
#define bh_offer(c, v, l)	((c)->api->offer((c), (v), (l)))
#define bh_end(c, result)	((c)->api->end((c), (result)))
#define bh_host_of(c)		((c)->api->host_of(c))
#define bh_person(h, id, out)	((h)->api->person((h), (id), (out)))
#define bh_person_by_email(h, e, out) \
				((h)->api->person_by_email((h), (e), (out)))
#define bh_tx(h)		((h)->api->tx(h))
#define bh_tx_sql(t, expect, sql, ...) \
	((t)->api->tx_sql((t), (expect), (sql), BH_PARAMS(__VA_ARGS__)))
#define bh_tx_audit(t, action, actor, ...) \
	((t)->api->tx_audit((t), (action), (actor), \
	    (const struct bh_pair[]){ __VA_ARGS__, { NULL, NULL } }))
#define bh_tx_job(t, k, r, at)	((t)->api->tx_job((t), (k), (r), (at)))
#define bh_tx_job_done(t, k, r)	((t)->api->tx_job_done((t), (k), (r)))
#define bh_tx_post(t, place, key, card, text) \
	((t)->api->tx_post((t), (place), (key), (card), (text)))
#define bh_tx_repost(t, key, card, text) \
	((t)->api->tx_repost((t), (key), (card), (text)))
#define bh_commit(t, cb, arg)	((t)->api->commit((t), (cb), (arg)))
#define bh_tx_drop(t)		((t)->api->tx_drop(t))
#define bh_query(h, cb, arg, sql, ...) \
	((h)->api->query((h), (sql), BH_PARAMS(__VA_ARGS__), (cb), (arg)))
#define bh_store_health(h)	((h)->api->store_health(h))
#define bh_json(h, t, n, err)	((h)->api->json((t), (n), (err)))
#define bh_json_free(h, v)	((h)->api->json_free(v))
#define bh_after(h, ms, cb, arg) ((h)->api->after((h), (ms), (cb), (arg)))
#define bh_cancel(h, timer)	((h)->api->cancel(timer))
#define bh_watch(h, fd, ev, cb, arg) \
				((h)->api->watch((h), (fd), (ev), (cb), (arg)))
#define bh_unwatch(h, w)	((h)->api->unwatch(w))
#define bh_exec(h, argv, ms, cb, arg) \
				((h)->api->exec((h), (argv), (ms), (cb), (arg)))
#define bh_http(h, ...)		((h)->api->http((h), __VA_ARGS__))
#define bh_http_cancel(h, x)	((h)->api->http_cancel(x))
#define bh_listen(h, addr, port, err) \
				((h)->api->listen((h), (addr), (port), (err)))
#define bh_route(h, srv, m, p, cb, arg) \
			((h)->api->route((h), (srv), (m), (p), (cb), (arg)))
#define bh_respond(r, ...)	((r)->api->respond((r), __VA_ARGS__))
#define bh_deliver(h, ...)	((h)->api->deliver((h), __VA_ARGS__))
#define bh_health(h, ...)	((h)->api->health((h), __VA_ARGS__))
#define bh_opened(h, result)	((h)->api->opened((h), (result)))
#define bh_publish(h, n, v)	((h)->api->publish((h), (n), (v)))
#define bh_lookup(h, n)		((h)->api->lookup((h), (n)))
#define bh_check_team(c)	((c)->api->check_team(c))
#define bh_check_settings(c)	((c)->api->check_settings(c))
#define bh_check_delegate(c)	((c)->api->check_delegate(c))
#define bh_complain(c, at, ...)	((c)->api->complain((c), (at), __VA_ARGS__))
#define bh_clock_advance(h, ms)	((h)->api->clock_advance((h), (ms)))
#define bh_failpoint(h, name)	((h)->api->failpoint((h), (name)))
#define bh_quit(h)		((h)->api->quit(h))
#define bh_tx_urgent(t)		((t)->api->tx_urgent(t))
#define bh_duration(h, t, err)	((h)->api->duration((t), (err)))
#define bh_duration_text(h, buf, ms) ((h)->api->duration_text((buf), (ms)))
#define bh_glob(h, pattern, text) ((h)->api->glob((pattern), (text)))
#define bh_nearest(h, t, list, n) ((h)->api->nearest((t), (list), (n)))
#define bh_unfinished(h)	((h)->api->unfinished(h))
#define bh_quit_with(h, status)	((h)->api->quit_with((h), (status)))
#define bh_tx_settles(t, call)	((t)->api->tx_settles((t), (call)))
#define bh_socket(h, to, calls, arg) \
				((h)->api->socket((h), (to), (calls), (arg)))
#define bh_socket_send(h, s, text, len) \
				((h)->api->socket_send((s), (text), (len)))
#define bh_socket_close(h, s, code) ((h)->api->socket_close((s), (code)))
#define bh_socket_drop(h, s)	((h)->api->socket_drop(s))
#define bh_turn(h, lane, limits, rank, cb, arg) \
	((h)->api->turn((h), (lane), (limits), (rank), (cb), (arg)))
#define bh_turn_over(h, t, pause) ((h)->api->turn_over((t), (pause)))
#define bh_public_url(h)	((h)->api->public_url(h))
#define bh_room_at(h, n)	((h)->api->room_at((h), (n)))
#define bh_http_public(h, ...)	((h)->api->http_public((h), __VA_ARGS__))

/* ------------------------------------------------------------------ */
/* The plugin                                                          */

struct bh_plugin {
	/* Plain data, readable from the file without running any of it. */
	char magic[16];
	uint16_t major, minor;
	uint32_t size;			/* of struct bh_plugin */
	uint32_t option_size;		/* strides of the arrays below */
	uint32_t command_size;
	uint32_t transport_size;	/* sizes of the tables below */
	uint32_t directory_size;
	char name[32];			/* [a-z0-9-]+, the file is NAME.so */
	char version[16];

	const char *summary;		/* one line for !plugin list */
	const struct bh_option *options;	/* ends with key NULL */
	const struct bh_command *commands;	/* ends with name NULL */
	/* SQL, NULL-terminated; entry n takes its tables from version n to
	 * n + 1.  Tables are named after the plugin: aws_sso_grant. */
	const char *const *migrations;

	/* Once per named block of the configuration.  A plugin without open
	 * takes its options straight under its name and gets state NULL.
	 * BH_PENDING: calls bh_opened() when it is ready.  Needs no network. */
	int (*open)(struct bh_host *host, void **state);
	void (*close)(void *state);
	/* Settings were loaded anew. */
	void (*changed)(void *state);
	int (*job)(void *state, const struct bh_job *job);
	/* Looks at its section of the main file or a team's, offline. */
	void (*check)(struct bh_check *check);
	/* A line of a chat script that names this plugin's instance: BH_OK when
	 * it holds, BH_PENDING when it may yet, a failure with a sentence. */
	int (*probe)(void *state, const char *line, struct bh_buf *answer);

	const struct bh_transport *transport;
	const struct bh_directory *directory;

	/* Since 1.1.  Subcommands of bellhop(1): `bellhop slack manifest`.
	 * Commands in every way, but run from a shell, with the configuration
	 * read and only this plugin there: bh_reply() prints, bh_fail() makes
	 * the exit status 1.  A tool with BH_CMD_OFFLINE gets state NULL and
	 * needs neither open() nor secrets (bh_config() of one is NULL);
	 * others get an open, not connected, instance.  Same stride. */
	const struct bh_command *tools;		/* ends with name NULL */
};

#define BH_PLUGIN(...)							\
	extern BH_EXPORT const struct bh_plugin bellhop_plugin;		\
	const struct bh_plugin bellhop_plugin = {			\
		.magic = BH_MAGIC,					\
		.major = BH_ABI_MAJOR, .minor = BH_ABI_MINOR,		\
		.size = sizeof(struct bh_plugin),			\
		.option_size = sizeof(struct bh_option),		\
		.command_size = sizeof(struct bh_command),		\
		.transport_size = sizeof(struct bh_transport),		\
		.directory_size = sizeof(struct bh_directory),		\
		__VA_ARGS__						\
	}

#ifdef __cplusplus
}
#endif

#endif /* BELLHOP_PLUGIN_H */
