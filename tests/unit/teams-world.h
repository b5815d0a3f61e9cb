/* teams-world.h - a Teams plugin in a fake host, with keys and tokens.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The host is tests/unit/fake-host; Microsoft's key server is a rule of it;
 * tokens are signed by keys that are made once for each process.
 */

#ifndef TESTS_UNIT_TEAMS_WORLD_H
#define TESTS_UNIT_TEAMS_WORLD_H

#include <check.h>

#include "plugins/teams/teams.h"
#include "tests/unit/fake-host.h"

#define APP	"3ac85c9e-a2af-44b9-8008-d7a2bf70b396"
#define TENANT	"a9acca4f-eca5-431c-8386-cc4c0fe3c0f5"
#define SERVICE	"https://smba.trafficmanager.net/teams/"
#define METADATA "https://login.botframework.com/v1/.well-known/" \
		"openidconfiguration"
#define JWKS_URI "https://login.botframework.com/v1/.well-known/keys"

extern const struct bh_plugin bellhop_plugin;

struct teams_world {
	struct fake *fake;
	struct teams *teams;
	struct bh_value *settings;
	char *jwks, *metadata;		/* what the key server says */
};

/* Settings of an ordinary bot; `lists` is JSON for the ones that are lists
 * (NULL: the tenant, the presets, [elevate]). */
void world_new(struct teams_world *w, const char *lists);
/* One more setting, before world_open(). */
void world_set(struct teams_world *w, const char *key, const char *value);
/* Opens the plugin; world_connect() connects it and lets it fetch keys. */
void world_open(struct teams_world *w);
void world_connect(struct teams_world *w);
void world_free(struct teams_world *w);

/* Key n (0..3), 2048 bits: PEM of its private half; its kid is "key-n". */
const char *world_key(int n);
/* A key set of those whose bit is set, each with these endorsements (JSON),
 * none if NULL.  The caller frees it. */
char *world_jwks(unsigned bits, const char *endorsements);
/* Answers for the metadata and this key set, for ever. */
void world_serve(struct teams_world *w, unsigned bits);
/* Instead of all answers so far: a token of ours for a month. */
void world_serve_token(struct teams_world *w);

/* A token by key n with these claims; NULL: a good one for SERVICE.  The
 * caller frees it. */
char *world_token(struct teams_world *w, int n, const char *claims);
/* Signed over exactly this header and these claims. */
char *world_signed(int n, const char *header, const char *claims);

/* An activity from Ada in her personal chat: `more` is JSON members that
 * come first, with a comma at their end.  A message, unless they begin with
 * "type". */
char *world_activity(const char *more);
/* POSTs it with a good token; the request may still wait. */
struct fake_incoming *world_post(struct teams_world *w, const char *activity);
struct fake_incoming *world_post_as(struct teams_world *w, const char *token,
    const char *activity);
/* Ada's message with these members, posted and its answer awaited. */
struct fake_incoming *world_says(struct teams_world *w, const char *more);

/* A file below the source directory; the caller frees it. */
char *world_file(const char *path);

#endif
