/* directory.h - who and what there is: accounts, permission sets, people.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A snapshot in memory, kept in the store so that a restart needs no
 * network, refreshed in the background at the lowest priority.  Pointers
 * that come from here are valid until the callback that got them returns.
 * Keep ids, not pointers.
 */

#ifndef AWS_SSO_DIRECTORY_H
#define AWS_SSO_DIRECTORY_H

#include "plugins/aws-sso/aws/aws.h"

struct directory;

struct account {
	const char *id, *name;
	const char *path;	/* OU names from the root: "/Payments/Prod"; "/" */
	const char *ou_ids;	/* "/r-ab12/ou-ab12-11111111/"; "" if unknown */
	bool active;
	bool management;
	const struct bh_pair *tags;	/* see directory_need_tags() */
	size_t tags_count;
};

struct permission_set {
	const char *arn, *name, *description;
	int64_t session;	/* ms that issued credentials live */
};

struct principal {
	const char *id;
	const char *name;	/* for people to read */
	const char *user_name;
	const char *email;	/* "" if none */
	bool enabled;
};

/* The tables, for the plugin's migrations: one string of SQL,
 * to stand in its `migrations` array. */
#define AWS_DIRECTORY_MIGRATION						\
	"CREATE TABLE aws_sso_directory ("				\
	" instance TEXT PRIMARY KEY, identity_center TEXT NOT NULL,"	\
	" identity_store TEXT NOT NULL, region TEXT NOT NULL,"		\
	" management TEXT NOT NULL, delegated BIGINT NOT NULL,"		\
	" refreshed BIGINT NOT NULL, source TEXT NOT NULL);"					\
	"CREATE TABLE aws_sso_directory_account ("			\
	" instance TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"\
	" path TEXT NOT NULL, ou_ids TEXT NOT NULL,"			\
	" active BIGINT NOT NULL, tags TEXT NOT NULL,"			\
	" PRIMARY KEY (instance, id));"					\
	"CREATE TABLE aws_sso_directory_permission_set ("		\
	" instance TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"\
	" description TEXT NOT NULL, session BIGINT NOT NULL,"		\
	" PRIMARY KEY (instance, id));"					\
	"CREATE TABLE aws_sso_directory_user ("				\
	" instance TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"\
	" user_name TEXT NOT NULL, email TEXT NOT NULL,"		\
	" external TEXT NOT NULL, mapped TEXT NOT NULL,"		\
	" enabled BIGINT NOT NULL, PRIMARY KEY (instance, id));"	\
	"CREATE TABLE aws_sso_directory_group ("			\
	" instance TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"\
	" members TEXT, PRIMARY KEY (instance, id));"

/* Reads `identity-mapping` and begins to load the snapshot of the last run;
 * ready() tells when it is there (BH_OK even when there was none), then the
 * background refresh starts.  Until then everything looks empty. */
typedef void directory_cb(void *arg, int result, const char *error);
int directory_open(struct aws *aws, struct directory **out,
    directory_cb *ready, void *arg, const char **error);
void directory_close(struct directory **d);

/* When the snapshot was complete last (ms; 0: never) and why the last
 * refresh failed (NULL if it did not). */
int64_t directory_age(const struct directory *d, const char **trouble);

/* Reads everything anew; shares a refresh that is under way. */
void directory_refresh(struct directory *d, enum aws_priority priority,
    directory_cb *cb, void *arg);

/* Runs when reading begins to fail, fails otherwise, or works again: then
 * directory_age() has the news.  One listener. */
void directory_on_trouble(struct directory *d, void (*cb)(void *arg),
    void *arg);

/* Runs at each change of the snapshot; one listener. */
void directory_on_change(struct directory *d, void (*cb)(void *arg),
    void *arg);

/* Says that rules use tags, or this group's members (name or id).  Both are
 * read only when asked for, since they cost a call for each. */
void directory_need_tags(struct directory *d);
void directory_need_group(struct directory *d, const char *name_or_id);

/* By id or exact name; NULL if there is none, or the name is not unique. */
const struct account *directory_account(const struct directory *d,
    const char *id_or_name);
const struct permission_set *directory_permission_set(
    const struct directory *d, const char *arn_or_name);
const struct principal *directory_principal(const struct directory *d,
    const char *id);
/* The id of a group by its name or id; NULL if none or not unique. */
const char *directory_group(const struct directory *d,
    const char *name_or_id);

/* All of them, by name.  A delegated administrator cannot assign in the
 * management account, so it is left out of the list for one. */
const struct account *const *directory_accounts(const struct directory *d,
    size_t *count);
const struct permission_set *const *directory_permission_sets(
    const struct directory *d, size_t *count);

/* What somebody typed: exact id, exact name, name in other case, unique
 * prefix.  BH_OK; BH_ENOENT or BH_ECONFLICT with close names in
 * `suggestions` ("prod-payments, prod-pos"; may stay empty). */
int directory_resolve_account(const struct directory *d, const char *typed,
    const struct account **out, struct bh_buf *suggestions);
int directory_resolve_permission_set(const struct directory *d,
    const char *typed, const struct permission_set **out,
    struct bh_buf *suggestions);

/* Is this user in the group (name or id)?  1 yes, 0 no, -1 not known now:
 * then it is being found out, and a later call will know. */
int directory_member(struct directory *d, const char *principal_id,
    const char *group_name_or_id);

/* Who a chat user is in AWS, by the attribute of `identity-mapping`.
 * NULL with a sentence (valid until the next call) when nobody, several or
 * a disabled user match.  Somebody unknown starts a refresh, at most once a
 * minute. */
const struct principal *directory_map(struct directory *d,
    const struct bh_user *user, const char **why_not);

/* The same before an intent: one fresh DescribeUser.  `error` is NULL when
 * the user exists and is enabled; else a sentence. */
void directory_check_enabled(struct directory *d, const char *principal_id,
    directory_cb *cb, void *arg);

/* Other people's plugins ask this for access rules (struct bh_directory). */
int directory_user_in_group(struct directory *d, const struct bh_user *user,
    const char *group);

#endif
