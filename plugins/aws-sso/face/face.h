/*
 * face.h - what people see and type: commands, cards and forms.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The face turns words into questions for the policy and changes of grants,
 * and grants into cards.  It also is where policy meets the directory: it
 * answers the questions of struct grant_rules for the engine.
 */

#ifndef BELLHOP_AWS_SSO_FACE_H
#define BELLHOP_AWS_SSO_FACE_H

#include "plugins/aws-sso/aws-sso.h"
#include "plugins/aws-sso/aws/directory.h"
#include "plugins/aws-sso/grant/grant.h"
#include "plugins/aws-sso/policy/policy.h"

/* Made once the directory is open and before the grants; `sso` outlives it.
 * Reads the rules of all teams; complaints go to the log. */
struct face *face_new(struct sso *sso);
void face_free(struct face **);
/* Settings or the directory changed: compiles the rules anew and tells the
 * directory which groups and tags they use. */
void face_reload(struct face *);

/* What the engine asks; both are valid until face_free(). */
const struct grant_rules *face_grant_rules(struct face *);
const struct grant_face *face_grant_face(struct face *);

/* The offline look at the plugin's section (struct bh_plugin.check). */
void face_check(struct bh_check *);

/* The plugin's commands, for struct bh_plugin. */
extern const struct bh_command face_commands[];

#endif
