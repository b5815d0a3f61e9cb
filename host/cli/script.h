/*
 * script.h - chat scripts: who says what, what is answered, the clock moves.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A script is run by a real host with a real store in a temporary directory,
 * on virtual time; only the network of the chat is left out: an internal
 * transport called "acme" (and "corp") takes its place.  docs/chat-scripts.md
 * is the reference of the language.
 */

#ifndef HOST_CLI_SCRIPT_H
#define HOST_CLI_SCRIPT_H

#include <stdbool.h>

#include <bellhop/plugin.h>

struct host;

/* ------------------------------------------------------------------ */
/* script-transport.c: what was shown to whom                          */

#define SCRIPT_BUTTONS	8

/* One message; an edit changes it and moves `seq`. */
struct script_message {
	struct script_message *next;
	char *id, *transport, *room, *user;	/* room NULL: a DM */
	char *text;		/* with the card in words, if there is one */
	char *title;		/* of the card, NULL if there is none */
	char *labels[SCRIPT_BUTTONS], *tokens[SCRIPT_BUTTONS];
	size_t buttons_count;
	char *old_label, *old_token;	/* first button of the card before */
	unsigned seq, edits;
};

struct script_form {
	char *user, *token, *words;	/* words: title, labels, errors */
};

#define SCRIPT_SHARED	8

/* All that the transports of the running script have seen. */
struct script_world {
	const struct script *script;	/* whose people these are */
	bool silent;			/* says nothing when it is asked */
	char *shared[SCRIPT_SHARED];	/* "acme/#lobby" */
	struct script_message *messages, **messages_end;
	struct script_form form;	/* the last one asked */
	struct bh_buf offers;		/* of the last completion, by lines */
	unsigned seq;			/* grows with each post and edit */
	unsigned next_id;
	unsigned next_event;
};
extern struct script_world script_world;

/* The transport, to be linked in under the names of script_transports[]. */
extern const struct bh_plugin script_transport;
extern const char *const script_transports[];
/* The handle of an open one, to deliver events; NULL if it is not open. */
struct bh_host *script_transport_host(const char *name);
/* Forgets all messages: a new script begins. */
void script_world_clear(void);

/* ------------------------------------------------------------------ */
/* script-lines.c: the words of the language                           */

#define SCRIPT_PEOPLE	64

struct script_person {
	char *name, *display, *email;	/* email NULL: none */
	unsigned flags;
	char *transport, *room;		/* where they last spoke; room NULL: DM */
};

struct script {
	unsigned magic;
#define SCRIPT_MAGIC	0x53435250u
	const char *path;
	int line;
	char *directory;		/* temporary; config and store */
	char *config;			/* the main file there, NULL: none yet */
	const char *plugins;		/* plugin directory, or NULL */
	struct host *host;
	int64_t start;			/* clock at the beginning */
	struct script_person people[SCRIPT_PEOPLE];
	size_t people_count;
	unsigned mark;			/* script_world.seq at the last act */
	struct bh_buf error;		/* why the line failed */
};

/* How long, in virtual time (ms), an expectation may take to come true. */
#define SCRIPT_PATIENCE	(60 * 1000)

/* Runs one line.  False with script->error. */
bool script_line(struct script *script, char *line);
/* Puts the sentence into script->error; always false. */
bool script_fail(struct script *script, const char *fmt, ...) BH_PRINTF(2, 3);
/* Takes the next word off *line, quotes taken away; NULL at the end. */
char *script_word(char **line);
/* All that is left, without blanks before it and quotes around it. */
char *script_rest(char *line);
/* Replaces $R1 by the id that the card's title begins with. */
bool script_ids(struct script *script, const char *text, struct bh_buf *out);

/* ------------------------------------------------------------------ */
/* script-world.c: lines about rooms, the disk and the audit           */

/* The rest of "room PLACE shows|lacks TEXT", "room PLACE is shared" and
 * "dm NAME shows TEXT". */
bool script_line_place(struct script *script, bool dm, char *line);
/* "network silent", "network answers" */
bool script_line_network(struct script *script, char *line);
/* "disk full", "disk free" */
bool script_line_disk(struct script *script, char *line);
/* "audit verifies", "audit has TEXT", "audit lacks TEXT" */
bool script_line_audit(struct script *script, char *line);

/* ------------------------------------------------------------------ */
/* script.c                                                            */

/* Starts and stops the host of a script.  False with script->error. */
bool script_start(struct script *script);
void script_stop(struct script *script);
/* Writes a file into the script's configuration directory. */
bool script_write(struct script *script, const char *name, const char *text);
/* Copies the configuration NAME/ that lies beside the script. */
bool script_company(struct script *script, const char *name);

/* `bellhop plugin test [--config DIR] [--plugin-directory DIR] SCRIPT...` */
int script_main(int argc, char **argv);

#endif
