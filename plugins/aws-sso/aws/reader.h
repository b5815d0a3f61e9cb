/* reader.h - reading one kind of rows anew, from AWS into a snapshot.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_READER_H
#define AWS_SSO_READER_H

#include "plugins/aws-sso/aws/snapshot.h"

/* `error` is NULL when all of it was read; else a sentence. */
typedef void reader_cb(void *arg, const char *error);

/* Accounts with their OUs and, if `tags`, their tags (those that `old` has
 * are taken from there unless `fresh`). */
void organizations_read(struct aws *aws, enum aws_priority priority,
    struct snapshot *into, const struct snapshot *old, bool tags, bool fresh,
    reader_cb *cb, void *arg);

/* Permission sets; what they are called is asked only for those that `old`
 * does not know, and for a few others in turn (`turn` counts refreshes). */
void permission_sets_read(struct aws *aws, enum aws_priority priority,
    struct snapshot *into, const struct snapshot *old, unsigned turn,
    reader_cb *cb, void *arg);

/* Users and groups, without members.  `attribute` is the mapped one: NULL,
 * or a path as identity_attribute() takes it. */
void identity_store_read(struct aws *aws, enum aws_priority priority,
    struct snapshot *into, const char *attribute, reader_cb *cb, void *arg);

/* The ids of the members of a group. */
typedef void members_cb(void *arg, const char *error, const char *const *ids,
    size_t count);
void identity_store_members(struct aws *aws, enum aws_priority priority,
    const char *group_id, members_cb *cb, void *arg);

/* One user, fresh.  BH_OK and whether enabled; BH_ENOENT; else a failure
 * with a sentence. */
typedef void user_cb(void *arg, int result, bool enabled, const char *error);
void identity_store_user(struct aws *aws, enum aws_priority priority,
    const char *user_id, user_cb *cb, void *arg);

/* BH_OK if people may be mapped by this attribute; BH_EINVAL with a sentence
 * if it is one that users can change themselves, or none that exists. */
int identity_attribute(const char *attribute, const char **error);

#endif
