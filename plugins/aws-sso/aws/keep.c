/* keep.c - the snapshot in the store: loading it, saving what changed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rows are read and written in steps, so that neither the loop nor the
 * memory feels 50,000 users.  A crash between two steps is harmless: each
 * row stands for itself, and the next refresh compares with what was loaded.
 */

#include "plugins/aws-sso/aws/keep.h"

#include "plugins/aws-sso/aws/state.h"

#define READ_STEP	2000
#define WRITE_STEP	300
#define MEMBERS_MAX	((size_t)8 << 20)

enum stage { ACCOUNTS, SETS, USERS, GROUPS, LAST };

struct keep {
	struct aws_task task;
	struct aws *aws;
	struct snapshot *into;		/* loading */
	const struct snapshot *old, *new;	/* saving */
	bool wipe;			/* saving everything anew */
	enum stage stage;
	size_t row;			/* next row to look at */
	bool gone;			/* looking for rows that are no more */
	char *after;			/* loading: the last id */
	keep_cb *cb;
	void *arg;
};

static void
drop_keep(void *task)
{
	free(((struct keep *)task)->after);
}

static struct keep *
keep_new(struct aws *aws, keep_cb *cb, void *arg)
{
	struct keep *k = aws_task_new(aws, sizeof(*k), drop_keep);

	k->aws = aws;
	k->cb = cb;
	k->arg = arg;
	return k;
}

static void
over(struct keep *k, int result)
{
	k->cb(k->arg, result);
	aws_task_free(k);
}

/* --- loading ---------------------------------------------------------------------- */

static const char *const selects[] = {
	[ACCOUNTS] = ("SELECT id, name, path, ou_ids, active, tags "
	    "FROM aws_sso_directory_account "
	    "WHERE instance = $1 AND id > $2 ORDER BY id LIMIT $3"),
	[SETS] = ("SELECT id, name, description, session "
	    "FROM aws_sso_directory_permission_set "
	    "WHERE instance = $1 AND id > $2 ORDER BY id LIMIT $3"),
	[USERS] = ("SELECT id, name, user_name, email, external, mapped, "
	    "enabled FROM aws_sso_directory_user "
	    "WHERE instance = $1 AND id > $2 ORDER BY id LIMIT $3"),
	[GROUPS] = ("SELECT id, name, members FROM aws_sso_directory_group "
	    "WHERE instance = $1 AND id > $2 ORDER BY id LIMIT $3")
};

static void load_rows(void *arg, int result, const struct bh_rows *rows);

static int
load_step(struct keep *k)
{
	struct bh_host *host = k->aws->host;

	return bh_query(host, load_rows, k, selects[k->stage],
	    bh_s(bh_instance(host)), bh_s(k->after != NULL ? k->after : ""),
	    bh_i(READ_STEP));
}

static void
load_row(struct keep *k, const struct bh_rows *rows, size_t i)
{
	struct snapshot *s = k->into;

	if (k->stage == ACCOUNTS) {
		struct account a = {
			.id = bh_cell(rows, i, 0), .name = bh_cell(rows, i, 1),
			.path = bh_cell(rows, i, 2),
			.ou_ids = bh_cell(rows, i, 3),
			.active = bh_cell_int(rows, i, 4) != 0
		};

		a.tags = snapshot_parse_tags(s, bh_cell(rows, i, 5),
		    &a.tags_count);
		snapshot_add_account(s, &a);
	} else if (k->stage == SETS) {
		const struct permission_set p = {
			.arn = bh_cell(rows, i, 0), .name = bh_cell(rows, i, 1),
			.description = bh_cell(rows, i, 2),
			.session = bh_cell_int(rows, i, 3)
		};

		snapshot_add_set(s, &p);
	} else if (k->stage == USERS) {
		const struct user u = {
			.principal = {
				.id = bh_cell(rows, i, 0),
				.name = bh_cell(rows, i, 1),
				.user_name = bh_cell(rows, i, 2),
				.email = bh_cell(rows, i, 3),
				.enabled = bh_cell_int(rows, i, 6) != 0
			},
			.external = bh_cell(rows, i, 4),
			.mapped = bh_cell(rows, i, 5)
		};

		snapshot_add_user(s, &u);
	} else
		snapshot_add_group(s, bh_cell(rows, i, 0),
		    bh_cell(rows, i, 1));
}

/* Members are user numbers, so they come last, when all users are there:
 * the groups are read a second time, now finished. */
static void
load_members(void *arg, int result, const struct bh_rows *rows)
{
	struct keep *k = arg;
	struct bh_host *host = k->aws->host;

	for (size_t i = 0; result == BH_OK && i < rows->count; i++) {
		struct group *g = snapshot_group(k->into, bh_cell(rows, i, 0));

		if (g != NULL)
			snapshot_parse_members(k->into, g,
			    bh_cell(rows, i, 1));
	}
	if (result != BH_OK || rows->count == 0) {
		over(k, result);
		return;
	}
	free(k->after);
	k->after = aws_strdup(bh_cell(rows, rows->count - 1, 0));
	result = bh_query(host, load_members, k, "SELECT id, members "
	    "FROM aws_sso_directory_group WHERE instance = $1 AND id > $2 "
	    "AND members IS NOT NULL ORDER BY id LIMIT 20",
	    bh_s(bh_instance(host)), bh_s(k->after));
	if (result < 0)
		over(k, result);
}

static void
load_rows(void *arg, int result, const struct bh_rows *rows)
{
	struct keep *k = arg;

	for (size_t i = 0; result == BH_OK && i < rows->count; i++)
		load_row(k, rows, i);
	if (result == BH_OK && rows->count == READ_STEP) {
		free(k->after);
		k->after = aws_strdup(bh_cell(rows, rows->count - 1, 0));
	} else if (result == BH_OK) {
		free(k->after);
		k->after = NULL;
		k->stage++;
	}
	if (result == BH_OK && k->stage == LAST) {
		const struct bh_rows none = { 2, 0, NULL };
		struct bh_host *host = k->aws->host;

		snapshot_finish(k->into);
		result = bh_query(host, load_members, k, "SELECT id, members "
		    "FROM aws_sso_directory_group WHERE instance = $1 "
		    "AND members IS NOT NULL ORDER BY id LIMIT 20",
		    bh_s(bh_instance(host)));
		if (result < 0)
			load_members(k, result, &none);
		return;
	}
	if (result == BH_OK)
		result = load_step(k);
	if (result < 0)
		over(k, result);
}

static void
load_head(void *arg, int result, const struct bh_rows *rows)
{
	struct keep *k = arg;

	if (result != BH_OK) {
		over(k, result);
		return;
	}
	/* What was read from another Identity Center is nothing to us. */
	if (rows->count == 0 || *bh_cell(rows, 0, 0) == '\0' ||
	    strcmp(bh_cell(rows, 0, 6), k->aws->source) != 0) {
		snapshot_finish(k->into);
		over(k, BH_OK);
		return;
	}
	aws_set_instance(k->aws, bh_cell(rows, 0, 0), bh_cell(rows, 0, 1),
	    bh_cell(rows, 0, 2));
	k->into->management = snapshot_text(k->into, bh_cell(rows, 0, 3));
	k->into->delegated = bh_cell_int(rows, 0, 4) != 0;
	k->into->refreshed = bh_cell_int(rows, 0, 5);
	result = load_step(k);
	if (result < 0)
		over(k, result);
}

struct keep *
keep_load(struct aws *aws, struct snapshot *into, keep_cb *cb, void *arg)
{
	struct keep *k = keep_new(aws, cb, arg);

	k->into = into;
	if (bh_query(aws->host, load_head, k, "SELECT identity_center, "
	    "identity_store, region, management, delegated, refreshed, "
	    "source FROM aws_sso_directory WHERE instance = $1",
	    bh_s(bh_instance(aws->host))) < 0) {
		aws_task_free(k);
		return NULL;
	}
	return k;
}

/* --- saving ----------------------------------------------------------------------- */

static void
put_account(struct bh_tx *tx, const char *instance, const struct account *a)
{
	AWS_AUTO_BUF struct bh_buf tags = BH_BUF((size_t)1 << 16);

	snapshot_print_tags(a, &tags);
	bh_tx_sql(tx, BH_ANY, "INSERT INTO aws_sso_directory_account "
	    "(instance, id, name, path, ou_ids, active, tags) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7) "
	    "ON CONFLICT (instance, id) DO UPDATE SET name = excluded.name, "
	    "path = excluded.path, ou_ids = excluded.ou_ids, "
	    "active = excluded.active, tags = excluded.tags",
	    bh_s(instance), bh_s(a->id), bh_s(a->name), bh_s(a->path),
	    bh_s(a->ou_ids), bh_i(a->active), bh_s(bh_buf_text(&tags)));
}

static void
put_set(struct bh_tx *tx, const char *instance,
    const struct permission_set *p)
{
	bh_tx_sql(tx, BH_ANY, "INSERT INTO aws_sso_directory_permission_set "
	    "(instance, id, name, description, session) "
	    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (instance, id) "
	    "DO UPDATE SET name = excluded.name, "
	    "description = excluded.description, session = excluded.session",
	    bh_s(instance), bh_s(p->arn), bh_s(p->name),
	    bh_s(p->description), bh_i(p->session));
}

static void
put_user(struct bh_tx *tx, const char *instance, const struct user *u)
{
	const struct principal *p = &u->principal;

	bh_tx_sql(tx, BH_ANY, "INSERT INTO aws_sso_directory_user "
	    "(instance, id, name, user_name, email, external, mapped, "
	    "enabled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	    "ON CONFLICT (instance, id) DO UPDATE SET name = excluded.name, "
	    "user_name = excluded.user_name, email = excluded.email, "
	    "external = excluded.external, mapped = excluded.mapped, "
	    "enabled = excluded.enabled", bh_s(instance), bh_s(p->id),
	    bh_s(p->name), bh_s(p->user_name), bh_s(p->email),
	    bh_s(u->external), bh_s(u->mapped), bh_i(p->enabled));
}

static void
put_group(struct bh_tx *tx, const char *instance, const struct snapshot *s,
    const struct group *g)
{
	AWS_AUTO_BUF struct bh_buf ids = BH_BUF(MEMBERS_MAX);

	snapshot_print_members(s, g, &ids);
	bh_tx_sql(tx, BH_ANY, "INSERT INTO aws_sso_directory_group "
	    "(instance, id, name, members) VALUES ($1, $2, $3, $4) "
	    "ON CONFLICT (instance, id) DO UPDATE SET name = excluded.name, "
	    "members = excluded.members", bh_s(instance), bh_s(g->id),
	    bh_s(g->name), bh_s(g->known && !ids.overflow ?
	    bh_buf_text(&ids) : NULL));
}

static bool
same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool
same_account(const struct account *a, const struct account *b)
{
	if (b == NULL || !same(a->name, b->name) || !same(a->path, b->path) ||
	    !same(a->ou_ids, b->ou_ids) || a->active != b->active ||
	    a->tags_count != b->tags_count)
		return false;
	for (size_t i = 0; i < a->tags_count; i++)
		if (!same(a->tags[i].name, b->tags[i].name) ||
		    !same(a->tags[i].value, b->tags[i].value))
			return false;
	return true;
}

static bool
same_user(const struct user *a, const struct user *b)
{
	const struct principal *p = &a->principal;

	return b != NULL && same(p->name, b->principal.name) &&
	    same(p->user_name, b->principal.user_name) &&
	    same(p->email, b->principal.email) &&
	    p->enabled == b->principal.enabled &&
	    same(a->external, b->external) && same(a->mapped, b->mapped);
}

static bool
same_group(const struct snapshot *sa, const struct group *a,
    const struct snapshot *sb, const struct group *b)
{
	if (b == NULL || !same(a->name, b->name) || a->known != b->known ||
	    a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same(sa->users[a->members[i]].principal.id,
		    sb->users[b->members[i]].principal.id))
			return false;
	return true;
}

static size_t
rows_of(const struct snapshot *s, enum stage stage)
{
	if (s == NULL)
		return 0;
	return stage == ACCOUNTS ? s->accounts_count : stage == SETS ?
	    s->sets_count : stage == USERS ? s->users_count :
	    s->groups_count;
}

/* Writes row `i` of the new snapshot if it is not as it was. */
static bool
save_row(const struct keep *k, struct bh_tx *tx, const char *instance,
    size_t i)
{
	const struct snapshot *old = k->old, *s = k->new;

	if (k->stage == ACCOUNTS) {
		const struct account *a = &s->accounts[i];

		if (old != NULL && same_account(a, snapshot_account_by(old,
		    &old->account_id, a->id, NULL)))
			return false;
		put_account(tx, instance, a);
	} else if (k->stage == SETS) {
		const struct permission_set *p = &s->sets[i];
		const struct permission_set *was = old != NULL ?
		    snapshot_set(old, p->arn) : NULL;

		if (was != NULL && same(p->name, was->name) &&
		    same(p->description, was->description) &&
		    p->session == was->session)
			return false;
		put_set(tx, instance, p);
	} else if (k->stage == USERS) {
		const struct user *u = &s->users[i];

		if (old != NULL && same_user(u, snapshot_user_by(old,
		    &old->user_id, u->principal.id, NULL)))
			return false;
		put_user(tx, instance, u);
	} else {
		const struct group *g = &s->groups[i];

		if (old != NULL && same_group(s, g, old, snapshot_group(old,
		    g->id)))
			return false;
		put_group(tx, instance, s, g);
	}
	return true;
}

static const char *const deletes[] = {
	[ACCOUNTS] = ("DELETE FROM aws_sso_directory_account "
	    "WHERE instance = $1 AND id = $2"),
	[SETS] = ("DELETE FROM aws_sso_directory_permission_set "
	    "WHERE instance = $1 AND id = $2"),
	[USERS] = ("DELETE FROM aws_sso_directory_user "
	    "WHERE instance = $1 AND id = $2"),
	[GROUPS] = ("DELETE FROM aws_sso_directory_group "
	    "WHERE instance = $1 AND id = $2")
};

/* Deletes row `i` of the old snapshot if the new one lacks it. */
static bool
save_gone(const struct keep *k, struct bh_tx *tx, const char *instance,
    size_t i)
{
	const struct snapshot *s = k->new;
	const char *id;
	bool there;

	if (k->stage == ACCOUNTS) {
		id = k->old->accounts[i].id;
		there = snapshot_account_by(s, &s->account_id, id, NULL) !=
		    NULL;
	} else if (k->stage == SETS) {
		id = k->old->sets[i].arn;
		there = snapshot_set(s, id) != NULL;
	} else if (k->stage == USERS) {
		id = k->old->users[i].principal.id;
		there = snapshot_user_by(s, &s->user_id, id, NULL) != NULL;
	} else {
		id = k->old->groups[i].id;
		there = snapshot_group(s, id) != NULL;
	}
	if (!there)
		bh_tx_sql(tx, BH_ANY, deletes[k->stage], bh_s(instance),
		    bh_s(id));
	return !there;
}

static void
save_head(const struct keep *k, struct bh_tx *tx, const char *instance)
{
	struct aws *aws = k->aws;

	bh_tx_sql(tx, BH_ANY, "INSERT INTO aws_sso_directory (instance, "
	    "identity_center, identity_store, region, management, delegated, "
	    "refreshed, source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	    "ON CONFLICT (instance) DO UPDATE SET "
	    "identity_center = excluded.identity_center, "
	    "identity_store = excluded.identity_store, "
	    "region = excluded.region, management = excluded.management, "
	    "delegated = excluded.delegated, refreshed = excluded.refreshed, "
	    "source = excluded.source",
	    bh_s(instance), bh_s(aws->instance != NULL ? aws->instance : ""),
	    bh_s(aws->identity_store != NULL ? aws->identity_store : ""),
	    bh_s(aws->region), bh_s(k->new->management),
	    bh_i(k->new->delegated), bh_i(k->new->refreshed),
	    bh_s(aws->source));
}

static void
save_wipe(struct bh_tx *tx, const char *instance)
{
	bh_tx_sql(tx, BH_ANY, "DELETE FROM aws_sso_directory_account "
	    "WHERE instance = $1", bh_s(instance));
	bh_tx_sql(tx, BH_ANY, "DELETE FROM aws_sso_directory_permission_set "
	    "WHERE instance = $1", bh_s(instance));
	bh_tx_sql(tx, BH_ANY, "DELETE FROM aws_sso_directory_user "
	    "WHERE instance = $1", bh_s(instance));
	bh_tx_sql(tx, BH_ANY, "DELETE FROM aws_sso_directory_group "
	    "WHERE instance = $1", bh_s(instance));
}

static void save_step(struct keep *k);

static void
save_done(void *arg, int result)
{
	struct keep *k = arg;

	if (result != BH_OK || k->stage == LAST)
		over(k, result);
	else
		save_step(k);
}

static void
save_step(struct keep *k)
{
	struct bh_host *host = k->aws->host;
	const char *instance = bh_instance(host);
	struct bh_tx *tx = bh_tx(host);
	size_t written = 0, looked = 0;
	int ret;

	if (k->wipe)
		save_wipe(tx, instance);
	k->wipe = false;
	while (k->stage < LAST && written < WRITE_STEP &&
	    looked++ < READ_STEP * 4) {
		if (k->row < rows_of(k->gone ? k->old : k->new, k->stage)) {
			written += k->gone ?
			    save_gone(k, tx, instance, k->row) :
			    save_row(k, tx, instance, k->row);
			k->row++;
			continue;
		}
		k->row = 0;
		if (k->gone)
			k->stage++;
		k->gone = !k->gone;
	}
	if (k->stage == LAST)
		save_head(k, tx, instance);
	ret = bh_commit(tx, save_done, k);
	if (ret < 0)
		over(k, ret);
}

struct keep *
keep_save(struct aws *aws, const struct snapshot *old,
    const struct snapshot *new, keep_cb *cb, void *arg)
{
	struct keep *k = keep_new(aws, cb, arg);

	k->old = old;
	k->new = new;
	k->wipe = old == NULL;
	save_step(k);
	return k;
}

void
keep_members(struct aws *aws, const struct snapshot *s,
    const struct group *group)
{
	struct bh_tx *tx = bh_tx(aws->host);

	put_group(tx, bh_instance(aws->host), s, group);
	/* Should it fail, the next refresh writes it. */
	(void)bh_commit(tx, NULL, NULL);
}
