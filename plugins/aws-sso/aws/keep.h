/* keep.h - the snapshot in the store: loading it, saving what changed.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_KEEP_H
#define AWS_SSO_KEEP_H

#include "plugins/aws-sso/aws/snapshot.h"

typedef void keep_cb(void *arg, int result);

struct keep;

/* Fills `into` (new, unfinished) with the rows of our instance, finishes it,
 * and tells struct aws what the Identity Center is called. */
struct keep *keep_load(struct aws *aws, struct snapshot *into, keep_cb *cb,
    void *arg);

/* Writes what differs between `old` and `new`, some hundred rows at a time;
 * `old` NULL: everything anew.  Both must stay until the callback. */
struct keep *keep_save(struct aws *aws, const struct snapshot *old,
    const struct snapshot *new, keep_cb *cb, void *arg);

/* Just the members of one group. */
void keep_members(struct aws *aws, const struct snapshot *s,
    const struct group *group);

#endif
