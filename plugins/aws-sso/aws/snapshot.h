/* snapshot.h - the whole directory at one moment, compact, with its indexes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Filled row by row, then finished: from then on only the members of groups
 * change.  Texts live in an arena that goes with the snapshot; 50,000 users
 * take about 12 MB.
 */

#ifndef AWS_SSO_SNAPSHOT_H
#define AWS_SSO_SNAPSHOT_H

#include "plugins/aws-sso/aws/directory.h"

struct user {
	struct principal principal;
	const char *external;	/* external ids, "\n" between them */
	const char *mapped;	/* the attribute of identity-mapping, or "" */
};

struct group {
	const char *id, *name;
	uint32_t *members;	/* numbers of users, sorted */
	size_t count;
	bool known;		/* members were read */
	bool asked;		/* or are being read */
};

/* A hash table of row numbers; the rows are compared by who looks. */
struct index {
	uint32_t *slots;	/* row + 1; 0: free */
	size_t size;		/* a power of two */
};

struct chunk;

struct snapshot {
	struct account *accounts;
	struct permission_set *sets;
	struct user *users;
	struct group *groups;
	size_t accounts_count, sets_count, users_count, groups_count;
	size_t accounts_size, sets_size, users_size, groups_size;
	const char *management;	/* account id; "" if unknown */
	bool delegated;		/* we are not the management account */
	int64_t refreshed;	/* when it was complete, ms; 0: never */

	/* Made by snapshot_finish(). */
	const struct account **accounts_list;	/* without hidden ones */
	const struct permission_set **sets_list;
	size_t list_count;	/* of accounts_list */
	struct index account_id, account_name, set_name, user_id, user_email,
	    user_name, user_external, user_mapped, group_id, group_name;
	uint32_t seed;

	struct chunk *chunks;
};

struct snapshot *snapshot_new(struct bh_host *host);
void snapshot_free(struct snapshot **snapshot);

/* A copy of a text in the arena; "" for NULL. */
const char *snapshot_text(struct snapshot *s, const char *text);

/* Each adds a row; texts are copied. */
void snapshot_add_account(struct snapshot *s, const struct account *account);
void snapshot_add_set(struct snapshot *s, const struct permission_set *set);
void snapshot_add_user(struct snapshot *s, const struct user *user);
void snapshot_add_group(struct snapshot *s, const char *id, const char *name);

/* Take over a kind of rows as they were, when it could not be read anew. */
void snapshot_copy_accounts(struct snapshot *s, const struct snapshot *old);
void snapshot_copy_sets(struct snapshot *s, const struct snapshot *old);
void snapshot_copy_users(struct snapshot *s, const struct snapshot *old);

/* Sorts and indexes.  Users of which there are two with one id are a bug of
 * AWS's and stay as they are: look-ups find them ambiguous. */
void snapshot_finish(struct snapshot *s);

/* Members of a group, as ids of users; ids that are no users are left out.
 * After snapshot_finish(). */
void snapshot_set_members(struct snapshot *s, struct group *group,
    const char *const *ids, size_t count);
/* The same from "id id id"; the ids of a group in that form. */
void snapshot_parse_members(struct snapshot *s, struct group *group,
    const char *ids);
void snapshot_print_members(const struct snapshot *s,
    const struct group *group, struct bh_buf *out);

/* The one row that has this value; NULL if there is none, or (`*several`
 * true; may be NULL) more than one. */
const struct account *snapshot_account_by(const struct snapshot *s,
    const struct index *index, const char *value, bool *several);
const struct permission_set *snapshot_set(const struct snapshot *s,
    const char *arn_or_name);
const struct user *snapshot_user_by(const struct snapshot *s,
    const struct index *index, const char *value, bool *several);
struct group *snapshot_group(const struct snapshot *s,
    const char *name_or_id);
bool snapshot_is_member(const struct snapshot *s, const struct group *group,
    const struct user *user);

/* Tags as one text for the store: "name\tvalue\n...", and back. */
void snapshot_print_tags(const struct account *account, struct bh_buf *out);
const struct bh_pair *snapshot_parse_tags(struct snapshot *s,
    const char *text, size_t *count);

#endif
