/* inner.h - what the files of this room share; nobody else includes it.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_CHAT_INNER_H
#define HOST_CHAT_INNER_H

#include "host/chat/access.h"
#include "host/chat/card.h"
#include "host/chat/chat.h"
#include "host/chat/flood.h"
#include "host/chat/words.h"

#include "host/base/arena.h"
#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"

#define CHAT_OWNER	"chat"		/* of our rows in the store */
#define CALL_TIMEOUT	60000		/* ms a command may be pending */
#define CHOICES_TIMEOUT	5000		/* and offers of choices */
#define TURN_TIMEOUT	1000		/* one waits for the one before */
#define CONFIRM_LIFE	(5 * 60 * 1000)
#define FORM_LIFE	(24 * 3600 * (int64_t)1000)
#define BUTTON_LIFE	(30 * 24 * 3600 * (int64_t)1000)
#define INBOX_LIFE	(24 * 3600 * (int64_t)1000)	/* then it is too late */
#define HOME_LIFE	(24 * 3600 * (int64_t)1000)	/* of a page's buttons */
#define OUTBOX_LIFE	(30 * 24 * 3600 * (int64_t)1000)	/* unchanged */
#define OUTBOX_BUCKETS	256u
#define LINE_MAX_CHARS	4000u		/* code points of one command */
#define CALLS_MAX	20000u		/* at once, of all people */

/* ------------------------------------------------------------------ */
/* people.c                                                            */

struct call;

struct identity {
	char *realm, *id;
	struct person *person;
	unsigned flags;			/* BH_USER_*, as the network said ... */
	int64_t asked;			/* ... at this wall time; 0: never */
	int64_t retry;			/* monotonic: it was silent, not before */
	bool saved;			/* its row is in the store ... */
	bool stale;			/* ... but with older flags */
	unsigned calls;			/* that point here */
	int64_t heard;			/* wall clock, for the choice of DM */
	struct identity *next;		/* in the hash */
	struct identity *sibling;	/* of the same person */
};

struct person {
	unsigned magic;
#define PERSON_MAGIC 0x50657273u
	char *id, *name, *email;	/* e-mail folded, NULL if none */
	struct person *same_as;		/* `people: also:` says so */
	struct identity *identities;
	struct flood flood;
	struct call *first, *last;	/* their commands, in order */
	struct bh_timer *turn;		/* patience with a pending one */
	bool saved, turning;
	struct person *next;
};

#define PEOPLE_BUCKETS	4096u

struct people {
	struct identity *buckets[PEOPLE_BUCKETS];
	struct person *list;
	size_t count;
	size_t unsaved;			/* identities, at most; see evict() */
};

/* Who is this?  BH_OK with *out, made now if never seen; BH_EPERM with a
 * sentence in `why` when it cannot be told whose account it is. */
int people_identify(struct chat *chat, const char *realm,
    const struct bh_event *event, struct identity **out, struct bh_buf *why);
/* NULL if this account was never heard of. */
struct identity *people_find(struct chat *chat, const char *realm,
    const char *id);
/* The network was asked about the account and has answered. */
void people_asked(struct identity *identity, unsigned flags);
/* Fills a user: pointers into the person and the event's identity. */
void people_user(struct chat *chat, const struct identity *identity,
    unsigned event_flags, struct bh_user *out);
/* Adds what is not in the store yet, and says what that was; people_unsaved()
 * takes it back if the commit fails. */
#define SAVES_PERSON	0x01u
#define SAVES_IDENTITY	0x02u
#define SAVES_FLAGS	0x04u
#define SAVES_ROOM	0x08u
unsigned people_save(struct identity *identity, struct bh_tx *tx);
void people_unsaved(struct identity *identity, unsigned what);
struct person *people_by_id(struct chat *chat, const char *id);
struct person *people_by_email(struct chat *chat, const char *email);
/* Applies `people:` of the configuration. */
void people_link(struct chat *chat);
void people_load_rows(struct chat *chat, const struct bh_rows *persons,
    const struct bh_rows *identities);
void people_free(struct people *people);
/* Names of the admins, for "ask ...": "Grace Hopper or Ada Lovelace". */
void people_admins(struct chat *chat, struct bh_buf *out);

/* ------------------------------------------------------------------ */
/* places.c                                                            */

struct room {
	char *instance, *id, *name, *place;
	unsigned flags;			/* BH_ROOM_*, as the network said ... */
	int64_t asked, retry;		/* as of struct identity */
	bool saved, kept;		/* kept: some row of it is in the store */
	unsigned calls;			/* that point here */
	struct room *next;
};

/* "acme/#C012AB" of an event, "acme/@U1" in a DM. */
const char *place_of_event(struct arena **memory,
    const struct chat_instance *from, const struct bh_event *event);
/* Remembers the room's name. */
struct room *places_see(struct chat *chat, const struct chat_instance *from,
    const struct bh_event *event);
struct room *places_find(const struct chat_instance *from, const char *id);
/* The network was asked about the room and has answered. */
void places_asked(const struct chat_instance *from, const char *id,
    const struct bh_where *where);
/* True: it was added to the transaction. */
bool places_save(struct room *room, struct bh_tx *tx);
void places_load_rows(struct chat *chat, const struct bh_rows *rows);
void places_free(struct chat *chat);
const char *place_team(struct chat *chat, const struct chat_instance *from,
    const struct bh_event *event);

/* The room that a place means, by id or name; NULL if never heard of. */
struct room *place_room(const struct chat *chat, const char *place);
/* Is the room one with people of other companies, and not listed? */
bool place_closed(const struct chat *chat, const struct room *room);

struct target {
	struct chat_instance *instance;	/* NULL: not here (now) */
	char *room, *user;		/* one of them */
};
/* Where a place leads; release with target_release(). */
void place_target(struct chat *chat, const char *place, struct target *out);
void target_release(struct target *target);
bool place_same(struct chat *chat, const char *a, const char *b);

/* ------------------------------------------------------------------ */
/* chat.c                                                              */

struct command {
	struct chat_instance *instance;
	const struct bh_command *def;
	struct spec spec;
	char *name;			/* lower case */
	size_t words;
};

struct chat_instance {
	unsigned magic;
#define CHAT_INSTANCE_MAGIC 0x43496e73u
	struct chat *chat;
	char *name, *realm, *owner;	/* owner "aws-sso/main" */
	const struct bh_plugin *plugin;
	const struct bh_transport *transport;	/* NULL: none */
	void *state;
	struct bh_host *host;
	struct command *commands;
	size_t commands_count;
	int health;
	char *health_text;
	size_t pending;
	size_t calls;			/* that came from it, as `from` says */
	struct chat_instance *next;
};

struct absent;
struct lookup;
struct outlet;
struct receipt;
struct sending;

/* A kept event that was found at start. */
struct left {
	int64_t id, at;
	int attempts;
	char *instance, *event;
	struct left *next;
};

struct chat {
	unsigned magic;
#define CHAT_MAGIC 0x43686174u
	struct chat_parts parts;
	char *version;
	const char *prefix;		/* lives in the conf */
	struct flood_limit flood;
	struct flood strangers;		/* of all who have no person */
	struct people people;
	struct room *rooms;
	size_t rooms_unkept;		/* at most */
	struct lookup *lookups;
	size_t lookups_count;
	struct {
		int64_t last;		/* id */
		int64_t *done;		/* ids of rows that may go */
		size_t done_count, done_size;
		int64_t *leaving;	/* ids of rows for the next start */
		size_t leaving_count;
		struct bh_timer *timer;
		struct left *left;	/* until chat_redeliver() */
	} inbox;
	struct chat_instance *instances;
	struct chat_instance *own;	/* the pseudo-plugin "host" */
	struct call *calls;
	size_t calls_count;
	char key[17];			/* what keys of answers begin with */
	uint64_t keys;			/* how many there were */
	struct outlet *outlets;
	struct {
		struct receipt *list;
		struct receipt *over, *over_last;	/* not told yet */
		struct bh_timer *timer;
	} receipts;
	struct {
		struct sending *list;
		struct sending *places[OUTBOX_BUCKETS];	/* by place */
		size_t count;
		struct bh_timer *timer;
		bool asking, again, open;
		uint64_t round;		/* questions asked so far */
		size_t waiting;
	} outbox;
	struct { struct absent *list; size_t count; } absent;
	struct bh_timer *sweep;
	bh_commit_cb *loaded;
	void *loaded_arg;
	int64_t since;			/* monotonic */
};

/* Brackets every call into a plugin.  What was called may have unregistered
 * the instance, so that the end asks for its host handle instead. */
void chat_enter(struct chat_instance *in, const char *callback);
void chat_leave(struct chat *chat, struct bh_host *host);
struct chat_instance *chat_transport(struct chat *chat, const char *name);
struct chat_instance *chat_by_owner(struct chat *chat, const char *owner);

/* ------------------------------------------------------------------ */
/* commands.c                                                          */

#define COMMAND_WORDS	3u

/* The command that words[from...] begin with: the longest name wins.  *used
 * is how many words it took.  NULL: none.  "main/elevate" and
 * "aws-sso/elevate" name the instance or the plugin.  *others is set when
 * several instances have it and none was named. */
struct command *command_find(struct chat *chat,
    struct chat_instance *prefer, const struct words *words, size_t *used,
    bool *others);
struct command *command_of(struct chat_instance *in, const char *name);
/* "usage: !elevate account [--for=DURATION]" */
void command_usage(struct bh_buf *out, const struct chat *chat,
    const struct command *command);

/* ------------------------------------------------------------------ */
/* call.c                                                              */

enum stage {
	STAGE_WAIT,		/* looked up, or being committed */
	STAGE_READY,		/* durable: may have its turn */
	STAGE_RUN,		/* handler at work, or pending */
	STAGE_OVER
};

enum via { VIA_TYPED, VIA_COMMAND, VIA_BUTTON, VIA_FORM, VIA_COMPLETE,
    VIA_HOME };

/* What the network said when it was asked. */
enum known {
	KNOWN_YES,		/* or it need not be asked */
	KNOWN_NO,		/* there is nobody and nothing of that id */
	KNOWN_SILENT,		/* no answer, and none that is young enough */
	KNOWN_UNCLEAR		/* it cannot be told whose account it is */
};

struct call {
	struct bh_call pub;		/* first: plugins hold this */
	unsigned magic;
#define CALL_MAGIC 0x43616c6cu
	struct chat *chat;
	struct chat_instance *from;	/* transport */
	struct call *next, *prev;	/* of all */
	struct call *after;		/* in the person's queue */

	enum via via;
	struct arena *memory;		/* of what is `const char *` here */
	const char *event, *room, *room_name, *thread, *reply, *user_id;
	const char *token;
	const char *input;		/* VIA_COMPLETE in a form */
	struct receipt *receipt;	/* of `reply`; NULL: none wanted */
	struct args fields;		/* VIA_FORM */
	char *line;			/* as typed, cleaned, no prefix */
	const char *place, *place_name, *team;
	bool direct;			/* in a DM */

	struct identity *identity;	/* NULL: not to be told who */
	unsigned event_flags;		/* BH_USER_*, of the event */
	char *unclear;			/* why it cannot be told who */
	enum known who_known, where_known;
	unsigned asks;			/* answers that it waits for */
	struct bh_user user;
	struct room *seen;

	/* inbox.c */
	int64_t kept;			/* id of its row; 0: it has none */
	char *kept_text;		/* until that is in the store */
	int64_t when;			/* it arrived, wall clock */
	int again;			/* attempt, when it was left; else 0 */
	bool durable;			/* the event is in the store */
	bool stays;			/* its row is for the next start */
	int64_t *tidied;		/* rows that go with its commit */
	size_t tidied_count;

	enum stage stage;
	unsigned holds;			/* callbacks that will come yet */
	struct chat_instance *prefer;	/* of the button that was pressed */
	struct command *command;
	struct args args;
	bool confirmed;
	char *eats_confirm, *eats_form;	/* tokens used up by the commit */
	int cost, paid;			/* flood; paid before */
	unsigned saves;			/* SAVES_*, by its commit */
	struct bh_form *form;		/* VIA_FORM: to show it again */
	char *verdict;			/* a sentence instead of a run */
	bool refused;			/* and the audit shall know */
	char ask_confirm[9];		/* "": no; else the new token */
	char *rule;			/* that let it through */

	struct args fails;		/* argument -> sentence */
	bool returned, ended, late;
	bool queued;
	int result;
	struct { char *value, *label; } *offers;
	size_t offers_count;
	struct bh_timer *timer;
	char key[33];
	unsigned replies;
	bh_commit_cb *received;
	void *received_arg;
};

struct call *call_new(struct chat *chat, struct chat_instance *from,
    enum via via, const struct bh_event *event);
/* The account is known: a command takes its place in the person's queue.
 * NULL is fine. */
void call_identify(struct call *call, struct identity *identity);
/* The room is known (NULL: a DM): place, team, names. */
void call_see(struct call *call, struct room *room);
void call_user(struct call *call);
/* It belongs to this place of the same transport: room, team, rules. */
void call_move(struct call *call, const char *place);
struct call *call_of(struct bh_call *pub);
/* The instance went away. */
void call_orphan(struct call *call);
void call_free(struct call *call);
/* The store knows (or needs not know): tells the transport, once. */
void call_received(struct call *call, int result);
/* Fills the access question that asks for `command` in this call. */
bool call_allows(const struct call *call, const struct command *command,
    struct bh_buf *why);
/* Runs what is ready of this person's, in order. */
void call_queue(struct call *call);
void call_turn(struct person *person);
/* Stage READY: when its turn comes, now or later, it runs. */
void call_ready(struct call *call);
/* The handler, now. */
void call_run(struct call *call);
/* Over: counted, and freed once no callback is due. */
void call_over(struct call *call);
/* The same, but a kept event is for the next start. */
void call_leave(struct call *call);
void call_unhold(struct call *call);

/* ------------------------------------------------------------------ */
/* receipt.c: over()                                                   */

/* One for each delivered event with a reply, held once; NULL when the
 * transport does not want to hear of its end.  All calls take NULL. */
struct receipt *receipt_new(struct chat_instance *from, const char *reply);
struct receipt *receipt_hold(struct receipt *receipt);
/* Sets *receipt to NULL; the last one makes over() come soon. */
void receipt_drop(struct receipt **receipt);
/* How the command ended; the last word counts. */
void receipt_result(struct receipt *receipt, int result);
/* The instance goes away and hears nothing more. */
void receipts_forget(struct chat_instance *in);
size_t receipts_waiting(const struct chat_instance *in);
void receipts_free(struct chat *chat);

/* ------------------------------------------------------------------ */
/* deliver.c, lookup.c, inbox.c                                        */

/* The call of an event, with nothing begun; NULL if it is no command. */
struct call *deliver_call(struct chat *chat, struct chat_instance *from,
    const struct bh_event *event);
/* Makes the event durable and asks the network, if that is needed first. */
void deliver_begin(struct call *call);
/* All that was asked is answered: on to the path. */
void deliver_known(struct call *call);

/* Must the network be asked before this call can go on? */
bool lookup_wanted(const struct call *call);
/* Asks; deliver_known() comes, now or later. */
void lookup_begin(struct call *call);
/* The instance goes away; its calls have been told. */
void lookups_drop(struct chat_instance *in);

/* Gives the event a row, if its network wants that.  BH_EFULL: too large. */
int inbox_take(struct call *call, const struct bh_event *event);
/* Adds the event (duplicate filter and row) and what else there is to be
 * written; inbox_written() is called with the result. */
void inbox_write(struct call *call, struct bh_tx *tx);
void inbox_written(struct call *call, int result);
/* The call is over: its row may go with the next commit, or soon. */
void inbox_done(struct call *call);
void inbox_flush(struct chat *chat);
struct store_kept;
void inbox_load(struct chat *chat, const struct store_kept *kept,
    size_t count);
void inbox_free(struct chat *chat);

/* ------------------------------------------------------------------ */
/* path.c, complete.c, home.c                                          */

void path_enter(struct call *call);
/* Commits the event alone and acknowledges it; lookup_begin() follows. */
void path_keep(struct call *call);
/* May this person, or all strangers together, have one more?  False: the call
 * was answered, if that was due, and is over. */
bool path_flood(struct call *call, int cost);
/* The call's line is there (typed, or from a button). */
void path_line(struct call *call);
/* Its command and arguments are there (a form, a confirmation). */
void path_command(struct call *call);
/* It will not run: this is said instead. */
void path_verdict(struct call *call, bool refused, const char *fmt, ...)
    BH_PRINTF(3, 4);
/* The home page: each command that is meant for it runs. */
void home_enter(struct call *call);
void complete_enter(struct call *call);
void complete_input(struct call *call, struct command *command);
/* Hands the offers to the transport. */
void complete_done(struct call *call);

/* ------------------------------------------------------------------ */
/* tokens.c: buttons, forms, confirmations in the store                */

extern const char *const chat_migrations[];

/* Copies the buttons of `card` to `out`, with new tokens (in `tokens`) that
 * live so many ms, and adds their rows.  `version` 0: not of the outbox, whose
 * `changed` is when that version was posted. */
#define TOKEN_SIZE 33
void tokens_buttons(struct bh_tx *tx, const struct bh_card *card,
    struct bh_button *out, char tokens[][TOKEN_SIZE], const char *owner,
    const char *place, const char *key, int64_t version, int64_t changed,
    int64_t life);
void tokens_confirm(struct call *call, struct bh_tx *tx);
/* Makes a token for the form and shows it. */
int tokens_ask(struct call *call, struct chat_instance *owner,
    const struct bh_form *form);
/* Each goes on at path.c when the row is there, or is answered. */
void tokens_press(struct call *call);
void tokens_submit(struct call *call);
void tokens_yes(struct call *call, const char *token);
/* The command of the form that a search input is in, for complete_input(). */
void tokens_form_input(struct call *call);
void tokens_sweep(struct chat *chat);

/* ------------------------------------------------------------------ */
/* reply.c                                                             */

/* Says it where the call came from; `quiet`: to that person alone, where
 * the network can. */
void say(struct call *call, bool quiet, const char *text);
void say_card(struct call *call, bool quiet, const struct bh_card *card,
    const char *text);
void outlets_free(struct chat *chat);
/* Answers for this transport that are not out yet. */
size_t outlets_waiting(const struct chat_instance *in);
/* Nobody may be called back into this transport any more. */
void outlets_drop(struct chat_instance *in);

/* absent.c: the network has no such room, as far as the bot can see.  Logged
 * once; no more as soon as something was shown there. */
void absent_is(struct chat *chat, const char *place);
void absent_no_more(struct chat *chat, const char *place);
void absent_free(struct chat *chat);

/* outbox.c */
void outbox_open(struct chat *chat);
void outbox_drop(struct chat_instance *in);
/* Posts on their way to this transport, and looks for more of them. */
size_t outbox_busy(const struct chat_instance *in);
void outbox_close(struct chat *chat);

/* builtin.c, help.c */
extern const struct bh_plugin builtin_plugin;
/* What the house has to say about itself.  A line in a room is answered for
 * all who read it there; a slash command, which nobody else sees, or a mention
 * is one person's question, and the answer is for that person alone. */
void say_asked(struct call *call, const char *text);
int help_run(struct bh_call *pub, void *state);
int help_choices(struct bh_call *pub, void *state, const char *arg,
    const char *typed);
/* "did you mean !elevate?" among what the caller may run, or nothing. */
void help_guess(struct call *call, const char *typed, struct bh_buf *out);

#endif /* HOST_CHAT_INNER_H */
