/* refresh.c - reads the whole directory anew, in the background.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   accounts   ]
 *   sets       ]- at once -> finish -> members of groups that rules name
 *   users      ]                    -> swap -> tell -> save what changed
 *
 * A part that cannot be read stays as it was, so that one missing right does
 * not hide everything else.
 */

#include "plugins/aws-sso/aws/directory-state.h"

#define PERIOD		(10 * 60000)
#define TAGS_PERIOD	(60 * 60000)
#define BACKOFF_FIRST	5000
#define BACKOFF_MOST	60000

/* Members of one group; `next` says which snapshot it was asked for. */
struct member_read {
	struct aws_task task;
	struct directory *d;
	char *id;
	bool next;
};

static void part_over(struct directory *d);

static void
drop_member_read(void *task)
{
	free(((struct member_read *)task)->id);
}

static void
on_timer(void *arg)
{
	struct directory *d = directory_cast(arg);

	d->timer = NULL;
	directory_refresh(d, d->snap->refreshed == 0 ? AWS_INTERACTIVE :
	    AWS_SWEEP, NULL, NULL);
}

void
directory_plan(struct directory *d, int64_t ms)
{
	bh_cancel(d->host, d->timer);
	d->timer = bh_after(d->host, ms, on_timer, d);
}

static void
note_error(struct directory *d, const char *error)
{
	if (d->error == NULL)
		d->error = aws_strdup(error);
}

static void
tell_waiting(struct directory *d, int result)
{
	struct directory_wait *list = d->waits;

	d->waits = NULL;
	while (list != NULL) {
		struct directory_wait *wait = list;

		list = wait->next;
		wait->cb(wait->arg, result, d->trouble);
		free(wait);
	}
}

/* --- the end ---------------------------------------------------------------------- */

static void
refresh_over(struct directory *d)
{
	d->refreshing = false;
	if (d->trouble == NULL) {
		d->backoff = BACKOFF_FIRST;
		directory_plan(d, PERIOD);
	} else {
		directory_plan(d, d->backoff);
		d->backoff = d->backoff * 2 < BACKOFF_MOST ? d->backoff * 2 :
		    BACKOFF_MOST;
	}
	/* Somebody asked while the last one was being saved. */
	if (d->waits != NULL)
		directory_plan(d, 0);
}

static void
saved(void *arg, int result)
{
	struct directory *d = directory_cast(arg);

	snapshot_free(&d->old);
	d->dirty = result != BH_OK;
	if (result != BH_OK)
		bh_log(d->host, BH_LOG_WARN, "the directory could not be "
		    "stored (%d); it is tried again", result);
	refresh_over(d);
}

static void
take_trouble(struct directory *d)
{
	bool news = (d->error == NULL) != (d->trouble == NULL) ||
	    (d->error != NULL && strcmp(d->error, d->trouble) != 0);

	if (news && d->error != NULL)
		bh_log(d->host, BH_LOG_WARN, "%s", d->error);
	free(d->trouble);
	d->trouble = d->error;
	d->error = NULL;
	if (news && d->troubled != NULL)
		d->troubled(d->troubled_arg);
}

static void
swap(struct directory *d)
{
	d->old = d->snap;
	d->snap = d->next;
	d->next = NULL;
	take_trouble(d);
	if (d->changed != NULL)
		d->changed(d->changed_arg);
	tell_waiting(d, d->trouble == NULL ? BH_OK : BH_ENET);
	keep_save(d->aws, d->dirty ? NULL : d->old, d->snap, saved, d);
}

/* --- members ------------------------------------------------------------------------ */

bool
directory_needs(const struct directory *d, const struct group *group)
{
	for (size_t i = 0; i < d->needed_count; i++)
		if (strcmp(d->needed[i], group->id) == 0 ||
		    strcmp(d->needed[i], group->name) == 0)
			return true;
	return false;
}

/* What was known of the group before, in the numbers of another snapshot. */
static void
carry_over(const struct snapshot *from, struct snapshot *to,
    struct group *group)
{
	const struct group *was = snapshot_group(from, group->id);
	const char **ids;

	if (was == NULL || !was->known)
		return;
	ids = aws_calloc(was->count, sizeof(*ids));
	for (size_t i = 0; i < was->count; i++)
		ids[i] = from->users[was->members[i]].principal.id;
	snapshot_set_members(to, group, ids, was->count);
	free(ids);
}

static void
members_came(void *arg, const char *error, const char *const *ids,
    size_t count)
{
	struct member_read *read = arg;
	struct directory *d = directory_cast(read->d);
	struct snapshot *s = read->next ? d->next : d->snap;
	struct group *group = snapshot_group(s, read->id);
	bool next = read->next;

	if (error != NULL && next) {
		AWS_AUTO_BUF struct bh_buf text = BH_BUF(1024);

		bh_buf_add(&text, "members of groups cannot be read: %s",
		    error);
		note_error(d, bh_buf_text(&text));
		if (group != NULL)
			carry_over(d->snap, s, group);
	} else if (error == NULL && group != NULL)
		snapshot_set_members(s, group, ids, count);
	aws_task_free(read);
	if (next) {
		part_over(d);
		return;
	}
	if (error != NULL) {
		bh_log(d->host, BH_LOG_WARN, "members of a group cannot be "
		    "read: %s", error);
		return;
	}
	if (group == NULL)
		return;
	keep_members(d->aws, s, group);
	if (d->changed != NULL)
		d->changed(d->changed_arg);
}

static void
read_members(struct directory *d, struct group *group,
    enum aws_priority priority, bool next)
{
	struct member_read *read = aws_task_new(d->aws, sizeof(*read),
	    drop_member_read);

	read->d = d;
	read->id = aws_strdup(group->id);
	read->next = next;
	group->asked = true;
	identity_store_members(d->aws, priority, group->id, members_came,
	    read);
}

void
directory_read_group(struct directory *d, struct group *group,
    enum aws_priority priority)
{
	if (!group->asked)
		read_members(d, group, priority, false);
}

/* --- the parts ---------------------------------------------------------------------- */

static void
part_over(struct directory *d)
{
	if (--d->pending == 0)
		swap(d);
}

static void
parts_read(struct directory *d)
{
	struct snapshot *s = d->next;

	s->refreshed = d->error == NULL ? bh_now(d->host) :
	    d->snap->refreshed;
	snapshot_finish(s);
	d->turn++;
	d->pending = 1;
	for (size_t i = 0; i < s->groups_count; i++)
		if (directory_needs(d, &s->groups[i])) {
			d->pending++;
			read_members(d, &s->groups[i], d->priority, true);
		}
	part_over(d);
}

static void
accounts_read(void *arg, const char *error)
{
	struct directory *d = directory_cast(arg);

	if (error != NULL) {
		note_error(d, error);
		snapshot_copy_accounts(d->next, d->snap);
	}
	if (--d->pending == 0)
		parts_read(d);
}

static void
sets_read(void *arg, const char *error)
{
	struct directory *d = directory_cast(arg);

	if (error != NULL) {
		note_error(d, error);
		snapshot_copy_sets(d->next, d->snap);
	}
	if (--d->pending == 0)
		parts_read(d);
}

static void
people_read(void *arg, const char *error)
{
	struct directory *d = directory_cast(arg);

	if (error != NULL) {
		note_error(d, error);
		snapshot_copy_users(d->next, d->snap);
	}
	if (--d->pending == 0)
		parts_read(d);
}

static void
found(void *arg, int result, const char *error)
{
	struct directory *d = directory_cast(arg);
	int64_t now = bh_mono(d->host);
	bool fresh = d->tags && now - d->tags_read >= TAGS_PERIOD;

	if (result != BH_OK) {
		note_error(d, error);
		take_trouble(d);
		tell_waiting(d, result);
		refresh_over(d);
		return;
	}
	if (fresh)
		d->tags_read = now;
	d->next = snapshot_new(d->host);
	d->pending = 3;
	organizations_read(d->aws, d->priority, d->next, d->snap, d->tags,
	    fresh, accounts_read, d);
	permission_sets_read(d->aws, d->priority, d->next, d->snap, d->turn,
	    sets_read, d);
	identity_store_read(d->aws, d->priority, d->next, d->attribute,
	    people_read, d);
}

void
directory_refresh(struct directory *d, enum aws_priority priority,
    directory_cb *cb, void *arg)
{
	if (cb != NULL) {
		struct directory_wait *wait = AWS_NEW(struct directory_wait);

		wait->cb = cb;
		wait->arg = arg;
		wait->next = d->waits;
		d->waits = wait;
	}
	if (d->refreshing || !d->loaded)
		return;
	d->refreshing = true;
	d->priority = priority;
	bh_cancel(d->host, d->timer);
	d->timer = NULL;
	aws_find(d->aws, priority, found, d);
}
