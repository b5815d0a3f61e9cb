/*
 * internal.h - what the files of this room share among themselves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_CONF_INTERNAL_H
#define HOST_CONF_INTERNAL_H

#include <sys/types.h>

#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "host/conf/conf.h"

#define CONF_MAX_BYTES	(1u << 20)	/* of one file */
#define CONF_MAX_DEPTH	24
#define CONF_MAX_NODES	50000
#define CONF_MAX_KEYS	2000		/* of one map */
#define CONF_MAX_SCALAR	(64u << 10)

struct conf_team {
	char *name;
	struct bh_value *root;		/* a BH_MAP, never NULL */
	struct conf_team *next;		/* in the order of names */
};

/* A preset, brought to its type. */
struct conf_preset {
	const struct conf_plugin *plugin;	/* NULL: the host's own */
	const char *key;
	struct bh_value *value;
	struct conf_preset *next;
};

struct conf_secret {
	char *plugin, *block, *key;
	char *text;
	size_t len;
	struct conf_secret *next;
};

/* A text made once for a look-up, kept as long as the conf. */
struct conf_memo {
	const void *of;		/* the value it is the text of; or NULL */
	char *name;		/* or what it is called */
	char *text;
	struct conf_memo *next;
};

struct conf {
	unsigned magic;
#define CONF_MAGIC 0x636f6e66u
	char *path, *directory, *name;	/* name: as in messages */
	struct bh_value *root;		/* a BH_MAP, never NULL */
	struct conf_team *teams;
	char **wanted;
	size_t wanted_count;
	struct conf_plugin *plugins;	/* after conf_check() */
	size_t plugins_count;
	const char **refused;		/* see struct conf_schema, known */
	size_t refused_count;
	struct conf_instance *instances;
	size_t instances_count;
	struct conf_preset *presets;
	struct conf_secret *secrets;
	struct conf_memo *memos;
};

/* errors.c */

/* As conf_complain, but points at the key of `at`. */
void conf_complain_key(struct conf_errors *errors, const struct bh_value *at,
    const char *fmt, ...) BH_PRINTF(3, 4);
/* "; did you mean X?" for the nearest of the candidates, or "": the caller's
 * buffer, for the end of a sentence. */
const char *conf_hint(struct bh_buf *out, const char *typed,
    const char *const *candidates, size_t count);

/* path.c: the content of a file that is safe to trust, free() it; NULL and
 * *error (free() it) if it is not. */
char *conf_path_read(const char *path, size_t max, size_t *len, char **error);

/* options.c */

/* The n-th of an option table with this stride; NULL past the end. */
const struct bh_option *conf_option_at(const struct bh_option *options,
    size_t stride, size_t n);
const struct bh_option *conf_option(const struct conf_plugin *plugin,
    const char *key);
/* Brings a value to the type of its option; complains if it cannot be. */
void conf_typed(const struct bh_option *option, const struct bh_value *v,
    struct conf_errors *errors);
/* Is it a word for names of plugins, blocks and teams: [a-z0-9][a-z0-9-]*? */
bool conf_name_ok(const char *name);
/* The main file's `key` if it is a map, so that its members have names; else
 * NULL: that it is none was told when the host's keys were checked. */
const struct bh_value *conf_map(const struct conf *conf, const char *key);
/* Checks that `v` is a map (nothing counts as an empty one) and says what it
 * should be otherwise. */
bool conf_is_map(const struct bh_value *v, const char *what,
    struct conf_errors *errors);
/* The presets of a table, typed and kept. */
void conf_presets(struct conf *conf, const struct conf_plugin *plugin,
    const struct bh_option *options, size_t stride,
    struct conf_errors *errors);
const struct bh_value *conf_preset(const struct conf *conf,
    const char *plugin, const char *key);

/* host-keys.c */
void conf_check_host(struct conf *conf, struct conf_errors *errors);
/* access: and members: of the main file (team "") or a team's, their form. */
void conf_check_access(const struct bh_value *access,
    struct conf_errors *errors);
void conf_check_people_list(const struct bh_value *list, bool groups,
    struct conf_errors *errors);

/* sections.c: one plugin's options, in the main file (team NULL) or in the
 * file of `team`. */
void conf_check_section(const struct conf_plugin *plugin,
    const struct bh_value *map, const char *team, struct conf_errors *errors);
/* Was the plugin refused by whoever loads them? */
bool conf_refused(const struct conf *conf, const char *plugin);
/* Says of a key that is neither the host's nor a loaded plugin's what it may
 * be instead; `known`: see struct conf_schema. */
void conf_unknown_section(const struct conf *conf, const struct bh_value *at,
    const char *const *known, struct conf_errors *errors);

/* teams.c */
/* Complains unless `room` ("acme/#x", or a pattern) names a block of chat. */
void conf_check_room(const struct conf *conf, const struct bh_value *room,
    struct conf_errors *errors);
void conf_check_teams(struct conf *conf, struct conf_errors *errors);
struct conf_team *conf_team(const struct conf *conf, const char *name);

/* look-up.c */
const struct conf_plugin *conf_plugin(const struct conf *conf,
    const char *name);
const struct conf_instance *conf_instance(const struct conf *conf,
    const char *plugin, const char *block);
/* Keeps `text` (takes it over) with the conf. */
const char *conf_keep(struct conf *conf, const void *of, const char *name,
    char *text);

/* secrets.c */
void conf_check_reference(const struct bh_value *v,
    struct conf_errors *errors);
const char *conf_secret(struct conf *conf, const char *plugin,
    const char *block, const char *key, const struct bh_value *reference,
    char **error);

#endif /* HOST_CONF_INTERNAL_H */
