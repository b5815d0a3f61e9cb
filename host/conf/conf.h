/*
 * conf.h - what the operators and the teams wrote, checked and layered.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * One main file, bellhop.yaml, and beside it team.d/NAME.yaml, one for each
 * team.  All files become trees of struct bh_value that know their file, line
 * and column.  Loading collects every error, not only the first:
 *
 *	struct conf_errors *errors = conf_errors_new();
 *	struct conf *conf = conf_read(path, errors);	   files, host keys
 *	  ... load the plugins that conf_wants() ...
 *	conf_check(conf, &schema, errors);		   plugins' sections
 *	  ... run the plugins' own check() with conf_complain() ...
 *	conf_check_secrets(conf, errors);		   when about to start
 *	if (conf_errors_count(errors) > 0) { print them; conf_free(&conf); }
 *
 * A reload makes a second struct conf by the same steps and swaps it in only
 * when there was no error.  Everything returned by a look-up belongs to the
 * struct conf and lives as long.  One thread only (the loop's).
 *
 * How YAML becomes values: a plain number of up to nine digits is BH_NUMBER
 * (longer ones, and such with a leading zero, are ids: BH_TEXT), plain true,
 * false, yes, no are BH_BOOL, plain null, ~ and nothing are BH_NULL, all else
 * is BH_TEXT; ->text is as written for each of them.  Values of options with
 * a type are brought to it: BH_STRING, BH_DURATION, BH_SECRET give BH_TEXT
 * (also for `name: 42`), BH_INT BH_NUMBER, BH_FLAG BH_BOOL, BH_STRINGS a
 * BH_LIST of BH_TEXT (a single word becomes a list of one).  Inside a BH_TREE
 * the rule above is all there is.
 */

#ifndef HOST_CONF_CONF_H
#define HOST_CONF_CONF_H

#include <bellhop/plugin.h>

struct conf;
struct conf_errors;

/* ------------------------------------------------------------------ */
/* Errors: a list, in the order of files and lines                     */

struct conf_errors *conf_errors_new(void);
void conf_errors_free(struct conf_errors **errors);
size_t conf_errors_count(const struct conf_errors *errors);
/* The n-th as one line, "team.d/payments.yaml:9:17: account ... "; NULL past
 * the last. */
const char *conf_errors_at(struct conf_errors *errors, size_t n);
/* One line each; returns how many there were. */
size_t conf_errors_print(struct conf_errors *errors, FILE *out);

/* Adds one.  `at` says where (NULL: nowhere in particular). */
void conf_complain(struct conf_errors *errors, const struct bh_value *at,
    const char *fmt, ...) BH_PRINTF(3, 4);
void conf_vcomplain(struct conf_errors *errors, const struct bh_value *at,
    const char *fmt, va_list ap) BH_PRINTF(3, 0);
/* The same for a place that is no value: line and column 0 are left out,
 * file NULL too. */
void conf_complain_at(struct conf_errors *errors, const char *file, int line,
    int column, const char *fmt, ...) BH_PRINTF(5, 6);

/* ------------------------------------------------------------------ */
/* Loading                                                             */

/* What conf must know of a plugin. */
struct conf_plugin {
	const char *name;
	const struct bh_option *options;	/* ends with key NULL; or NULL */
	size_t option_size;	/* stride; 0: sizeof(struct bh_option) */
	bool blocks;		/* has open(): a map of named blocks */
	bool transport;		/* stands under chat: with `plugin: NAME` */
};

struct conf_schema {
	const struct conf_plugin *plugins;	/* copied where needed; the */
	size_t plugins_count;		/* options must outlive the conf */
	/* Names of plugins whose files exist; NULL-terminated, or NULL.  What
	 * is wanted and known but not loaded was refused, and whoever refused
	 * it has said why: its sections are passed over. */
	const char *const *known;
};

/* Reads and checks main file and team files as far as that goes without
 * plugins.  Always returns a struct conf unless the main file cannot be read
 * or parsed at all (NULL, with an error added).  Refuses files and parent
 * directories that others may write, and symlinks. */
struct conf *conf_read(const char *path, struct conf_errors *errors);

/* The same from memory, without team files: for tests, chat scripts and the
 * built-in demo.  `name` stands for the file in messages. */
struct conf *conf_read_text(const char *name, const char *text,
    struct conf_errors *errors);
/* Adds a team file from memory, before conf_check(). */
void conf_add_team_text(struct conf *conf, const char *team, const char *text,
    struct conf_errors *errors);

/* Checks the sections of plugins, the teams' and the delegations, against
 * the options of the loaded plugins.  Call once. */
void conf_check(struct conf *conf, const struct conf_schema *schema,
    struct conf_errors *errors);

/* conf_read and conf_check in one, when the plugins are known already.  NULL
 * if there was any error. */
struct conf *conf_load(const char *path, const struct conf_schema *schema,
    struct conf_errors *errors);

/* Wipes the secrets and frees all. */
void conf_free(struct conf **conf);

/* Where the main file lies, as given ("/etc/bellhop/bellhop.yaml"). */
const char *conf_path(const struct conf *conf);

/* ------------------------------------------------------------------ */
/* Plugins and instances                                               */

/* Does the main file enable this plugin (a section of its own, or a block
 * under chat)?  Good right after conf_read(). */
bool conf_wants(const struct conf *conf, const char *plugin);
/* The n-th wanted plugin's name, each once; NULL past the last. */
const char *conf_wanted(const struct conf *conf, size_t n);

struct conf_instance {
	const char *plugin;		/* "aws-sso", "slack" */
	const char *name;		/* "main", "acme"; "" without blocks */
	bool chat;			/* it stands under chat: */
	const struct bh_value *value;	/* its options as written */
};

/* All instances, chat blocks last, each in the order written; after
 * conf_check(). */
const struct conf_instance *conf_instances(const struct conf *conf,
    size_t *count);

/* ------------------------------------------------------------------ */
/* Look-ups.  `block` is the instance's name ("" without blocks), `team` a
 * team's name or ""; a team that does not exist has no layer.         */

/* The setting: the team's own, else the block's, else the preset; NULL if
 * none.  A BH_SECRET gives its reference ("env:TOKEN"), never its content. */
const struct bh_value *conf_tree(const struct conf *conf, const char *plugin,
    const char *block, const char *team, const char *key);

/* The same as text: scalars as written, BH_STRINGS joined by ", ", trees
 * NULL.  A secret comes resolved and stays in memory until it is wiped; NULL
 * if it cannot be (conf_check_secrets says why). */
const char *conf_text(struct conf *conf, const char *plugin,
    const char *block, const char *team, const char *key);

/* Tries to resolve the host's secrets and every instance's; complains where
 * one cannot be. */
void conf_check_secrets(struct conf *conf, struct conf_errors *errors);
/* Wipes what conf_text() resolved for this instance, after its close(); NULL
 * stands for every plugin, every block. */
void conf_wipe_secrets(struct conf *conf, const char *plugin,
    const char *block);

/* SHA-256 in hex over the effective settings that this instance has for this
 * team, the team's delegation, and the people list, in canonical form.
 * Secrets count by reference.  Valid as long as the conf. */
const char *conf_settings_hash(struct conf *conf, const char *plugin,
    const char *block, const char *team);

/* ------------------------------------------------------------------ */
/* The host's own keys                                                 */

/* key, type, preset, help of each, ending with key NULL: store, admins,
 * delegate, access, listen, plugin-directory, log, prefix, people, chat. */
extern const struct bh_option conf_host_options[];

/* As text or as tree, with presets: conf_host_text(conf, "store") */
const char *conf_host_text(const struct conf *conf, const char *key);
/* Likewise, but lists are joined by ", " and secrets resolved, as in
 * conf_text(). */
const char *conf_host_joined(struct conf *conf, const char *key);
const struct bh_value *conf_host_tree(const struct conf *conf,
    const char *key);

/* The access rules: a list of maps {commands, who, rooms}, each a BH_LIST of
 * BH_TEXT (rooms may be missing); team "": the main file's.  NULL if none.
 * A team's rules count only in that team's rooms. */
const struct bh_value *conf_access(const struct conf *conf, const char *team);
/* `admins`: a BH_LIST of BH_TEXT, e-mail or "instance/@id"; NULL if none. */
const struct bh_value *conf_admins(const struct conf *conf);
/* `people`: a list of maps {name, email, also: [...]}; NULL if none. */
const struct bh_value *conf_people(const struct conf *conf);

/* ------------------------------------------------------------------ */
/* Teams                                                               */

/* The n-th team with a file, by name; NULL past the last. */
const char *conf_team_at(const struct conf *conf, size_t n);
bool conf_team_exists(const struct conf *conf, const char *team);

/* The team whose `rooms` have "acme/#payments" (or a pattern that fits; an
 * exact name beats a pattern, a longer pattern a shorter one); "" if none. */
const char *conf_team_of_room(const struct conf *conf, const char *room);

/* The team's entry under `delegate` in the main file; NULL if none. */
const struct bh_value *conf_delegated(const struct conf *conf,
    const char *team);
/* `rooms` and `members` of the team's file: BH_LISTs of BH_TEXT; NULL if
 * none.  Members are e-mails, "instance/@id" or "group:NAME". */
const struct bh_value *conf_team_rooms(const struct conf *conf,
    const char *team);
const struct bh_value *conf_team_members(const struct conf *conf,
    const char *team);
/* The team's own section for a plugin, for its check(); NULL if none. */
const struct bh_value *conf_team_section(const struct conf *conf,
    const char *team, const char *plugin);

/* ------------------------------------------------------------------ */
/* Parts that others may use                                           */

/* Parses YAML as above into a tree of its own (value_free); NULL and an
 * error added.  `name` stands for the file in messages. */
struct bh_value *conf_yaml(const char *name, const char *text, size_t len,
    struct conf_errors *errors);

/* Is `path` (a file, or a directory if `directory`) safe to trust: no
 * symlink, it and every parent directory owned by root or us and not
 * writable by group or others (a sticky directory of root's, such as /tmp,
 * will do as a parent)?  On refusal negative, with the reason and the remedy
 * in *error (its own memory, free() it).  Otherwise, if fd is not NULL, the
 * file opened for reading: read what was checked. */
int conf_path_safe(const char *path, bool directory, int *fd, char **error);

#endif /* HOST_CONF_CONF_H */
