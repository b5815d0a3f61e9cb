/* words.h - what was typed, as words and as arguments of a command.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_CHAT_WORDS_H
#define HOST_CHAT_WORDS_H

#include <bellhop/plugin.h>

/* ------------------------------------------------------------------ */
/* Words                                                               */

struct word {
	const char *text;
	bool quoted;		/* began with a quote: never an option */
	size_t at;		/* byte offset in the line */
};

struct words {
	struct word *list;
	size_t count;
	char *texts;		/* of all of them */
};

#define WORDS_MAX 2500u	/* a line of 4,000 characters has fewer */

/*
 * Splits a line as a shell would, made for people and their phones: "..."
 * with \" and \\ inside, '...' literal, \x outside.  Typographic quotes do
 * the same work, a dash that a phone made of "--" is "--" again, and the
 * apostrophe of "it's" is a letter.  BH_EINVAL with a sentence in `error`
 * for an open quote; with `open_end` the open word is simply the last one
 * (for completion).
 */
int words_split(const char *line, bool open_end, struct words *out,
    struct bh_buf *error);
void words_release(struct words *words);

/* Appends `word` so that words_split() gives it back as one word. */
void words_quote(struct bh_buf *out, const char *word);

/* ------------------------------------------------------------------ */
/* Argument specs: "account [permission-set] [--for=DURATION] [reason...]" */

enum arg_kind {
	ARG_NEEDED,		/* name */
	ARG_OPTIONAL,		/* [name] */
	ARG_REST,		/* name...: one word or more */
	ARG_REST_OPTIONAL,	/* [name...] */
	ARG_FLAG,		/* [--name] */
	ARG_OPTION		/* [--name=WHAT] */
};

struct arg_spec {
	char *name;
	char *what;		/* of ARG_OPTION: "DURATION" */
	enum arg_kind kind;
};

struct spec {
	struct arg_spec *list;
	size_t count;
};

/* BH_EPARSE with *error when `text` is no spec.  NULL and "" are empty. */
int spec_parse(const char *text, struct spec *out, const char **error);
void spec_release(struct spec *spec);
const struct arg_spec *spec_find(const struct spec *spec, const char *name);

/* ------------------------------------------------------------------ */
/* Arguments                                                           */

struct arg {
	char *name, *value;
};

struct args {
	struct arg *list;
	size_t count;
};

const char *args_get(const struct args *args, const char *name);
void args_set(struct args *args, const char *name, const char *value);
void args_release(struct args *args);

/* Fills `out` from words[from...].  BH_EINVAL with a sentence in `error`,
 * without the usage line. */
int args_parse(const struct spec *spec, const struct words *words,
    size_t from, struct args *out, struct bh_buf *error);

/* Are all needed arguments there, and none that the spec does not know?
 * For arguments that do not come from a line.  As args_parse(). */
int args_check(const struct spec *spec, const struct args *args,
    struct bh_buf *error);

/* Where the last word stands, for completion: fills `out` with what comes
 * before it.  Returns the argument whose value is being typed, or NULL with
 * *option true when it is the name of an option, or NULL: nothing fits.
 * For "--for=2" *value is "2", else the whole word. */
const struct arg_spec *args_position(const struct spec *spec,
    const struct words *words, size_t from, struct args *out, bool *option,
    const char **value);

#endif /* HOST_CHAT_WORDS_H */
