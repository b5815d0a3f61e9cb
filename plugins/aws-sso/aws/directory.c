/* directory.c - opening the directory, and looking things up in it.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sso/aws/directory-state.h"

#define PERIOD	(10 * 60000)

/* --- opening ------------------------------------------------------------------------ */

static void
loaded(void *arg, int result)
{
	struct directory *d = directory_cast(arg);
	int64_t age;

	if (result == BH_OK) {
		snapshot_free(&d->snap);
		d->snap = d->next;
	} else
		snapshot_free(&d->next);
	d->next = NULL;
	d->loaded = true;
	d->dirty = result != BH_OK || d->snap->refreshed == 0;
	age = bh_now(d->host) - d->snap->refreshed;
	/* Rules may name groups whose members nobody asked for so far. */
	for (size_t i = 0; i < d->snap->groups_count; i++)
		if (!d->snap->groups[i].known &&
		    directory_needs(d, &d->snap->groups[i]))
			directory_read_group(d, &d->snap->groups[i],
			    AWS_SWEEP);
	directory_plan(d, d->waits != NULL || d->snap->refreshed == 0 ||
	    age < 0 || age > PERIOD ? 0 : PERIOD - age);
	d->ready(d->ready_arg, result, result == BH_OK ? NULL :
	    "the directory could not be read from the store");
}

static int
read_mapping(struct directory *d, const char **error)
{
	const struct bh_value *m = bh_team_setting(d->host, "",
	    "identity-mapping");
	const char *attribute = bh_get_text(m, "attribute");
	const char *with = bh_get_text(m, "with");

	if (attribute == NULL)
		attribute = bh_text(m) != NULL ? bh_text(m) : "email";
	if (identity_attribute(attribute, error) != BH_OK)
		return BH_EINVAL;
	/* Networks that are fed by the same identity provider carry its id. */
	if (with == NULL)
		with = strcasecmp(attribute, "externalId") == 0 ? "id" :
		    "email";
	if (strcmp(with, "email") != 0 && strcmp(with, "id") != 0 &&
	    strcmp(with, "person") != 0) {
		*error = "identity-mapping: with must be email, id or person";
		return BH_EINVAL;
	}
	d->attribute = aws_strdup(attribute);
	d->with = aws_strdup(with);
	return BH_OK;
}

int
directory_open(struct aws *aws, struct directory **out, directory_cb *ready,
    void *arg, const char **error)
{
	struct directory *d = AWS_NEW(struct directory);

	d->magic = DIRECTORY_MAGIC;
	d->aws = aws;
	d->host = aws_host(aws);
	d->ready = ready;
	d->ready_arg = arg;
	d->backoff = 5000;
	d->missed = d->tags_read = INT64_MIN / 2;
	d->sentence.max = 4096;
	d->snap = snapshot_new(d->host);
	snapshot_finish(d->snap);
	d->next = snapshot_new(d->host);
	if (read_mapping(d, error) != BH_OK) {
		directory_close(&d);
		return BH_EINVAL;
	}
	if (keep_load(aws, d->next, loaded, d) == NULL) {
		*error = "the store cannot be read";
		directory_close(&d);
		return BH_EIO;
	}
	*out = d;
	return BH_OK;
}

void
directory_close(struct directory **directory)
{
	struct directory *d = *directory;

	*directory = NULL;
	if (d == NULL)
		return;
	assert(d->magic == DIRECTORY_MAGIC);
	bh_cancel(d->host, d->timer);
	while (d->waits != NULL) {
		struct directory_wait *next = d->waits->next;

		free(d->waits);
		d->waits = next;
	}
	for (size_t i = 0; i < d->needed_count; i++)
		free(d->needed[i]);
	free(d->needed);
	snapshot_free(&d->snap);
	snapshot_free(&d->next);
	snapshot_free(&d->old);
	free(d->attribute);
	free(d->with);
	free(d->trouble);
	free(d->error);
	bh_buf_release(&d->sentence);
	d->magic = 0;
	free(d);
}

int64_t
directory_age(const struct directory *d, const char **trouble)
{
	*trouble = d->trouble;
	return d->snap->refreshed;
}

void
directory_on_change(struct directory *d, void (*cb)(void *arg), void *arg)
{
	d->changed = cb;
	d->changed_arg = arg;
}

void
directory_on_trouble(struct directory *d, void (*cb)(void *arg), void *arg)
{
	d->troubled = cb;
	d->troubled_arg = arg;
}

void
directory_need_tags(struct directory *d)
{
	if (d->tags)
		return;
	d->tags = true;
	/* The accounts are known without: get them now, not in ten minutes. */
	if (d->loaded && d->snap->refreshed != 0)
		directory_plan(d, 0);
}

void
directory_need_group(struct directory *d, const char *name_or_id)
{
	struct group *group = snapshot_group(d->snap, name_or_id);

	for (size_t i = 0; i < d->needed_count; i++)
		if (strcmp(d->needed[i], name_or_id) == 0)
			return;
	d->needed = aws_realloc(d->needed, d->needed_count + 1,
	    sizeof(*d->needed));
	d->needed[d->needed_count++] = aws_strdup(name_or_id);
	if (group != NULL && !group->known)
		directory_read_group(d, group, AWS_SWEEP);
}

/* --- look-ups ----------------------------------------------------------------------- */

const struct account *
directory_account(const struct directory *d, const char *id_or_name)
{
	const struct account *a = snapshot_account_by(d->snap,
	    &d->snap->account_id, id_or_name, NULL);

	return a != NULL ? a : snapshot_account_by(d->snap,
	    &d->snap->account_name, id_or_name, NULL);
}

const struct permission_set *
directory_permission_set(const struct directory *d, const char *arn_or_name)
{
	return snapshot_set(d->snap, arn_or_name);
}

const struct principal *
directory_principal(const struct directory *d, const char *id)
{
	const struct user *u = snapshot_user_by(d->snap, &d->snap->user_id,
	    id, NULL);

	return u != NULL ? &u->principal : NULL;
}

const char *
directory_group(const struct directory *d, const char *name_or_id)
{
	const struct group *group = snapshot_group(d->snap, name_or_id);

	return group != NULL ? group->id : NULL;
}

const struct account *const *
directory_accounts(const struct directory *d, size_t *count)
{
	*count = d->snap->list_count;
	return d->snap->accounts_list;
}

const struct permission_set *const *
directory_permission_sets(const struct directory *d, size_t *count)
{
	*count = d->snap->sets_count;
	return d->snap->sets_list;
}

int
directory_member(struct directory *d, const char *principal_id,
    const char *group_name_or_id)
{
	struct group *group = snapshot_group(d->snap, group_name_or_id);
	const struct user *user = snapshot_user_by(d->snap,
	    &d->snap->user_id, principal_id, NULL);

	if (group == NULL)
		return d->snap->refreshed == 0 ? -1 : 0;
	if (!group->known) {
		directory_need_group(d, group_name_or_id);
		directory_read_group(d, group, AWS_INTERACTIVE);
		return -1;
	}
	return user != NULL && snapshot_is_member(d->snap, group, user);
}

int
directory_user_in_group(struct directory *d, const struct bh_user *user,
    const char *group)
{
	const char *why_not;
	const struct principal *p = directory_map(d, user, &why_not);

	return p != NULL ? directory_member(d, p->id, group) :
	    d->snap->refreshed == 0 ? -1 : 0;
}

/* --- one user, fresh ---------------------------------------------------------------- */

struct check {
	struct aws_task task;
	directory_cb *cb;
	void *arg;
};

static void
checked(void *arg, int result, bool enabled, const char *error)
{
	struct check *check = arg;

	if (result == BH_OK && !enabled)
		check->cb(check->arg, BH_EPERM,
		    "This person is disabled in the Identity Center.");
	else if (result == BH_ENOENT)
		check->cb(check->arg, BH_ENOENT,
		    "This person is no longer in the Identity Center.");
	else
		check->cb(check->arg, result, result == BH_OK ? NULL : error);
	aws_task_free(check);
}

void
directory_check_enabled(struct directory *d, const char *principal_id,
    directory_cb *cb, void *arg)
{
	struct check *check = aws_task_new(d->aws, sizeof(*check), NULL);

	check->cb = cb;
	check->arg = arg;
	identity_store_user(d->aws, AWS_INTERACTIVE, principal_id, checked,
	    check);
}
