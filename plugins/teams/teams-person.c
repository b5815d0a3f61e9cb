/* teams-person.c - who was heard: where last, and of which directory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The roster of a conversation knows those who are in it, and a chat with
 * somebody can be opened only in their own directory.  Both are learnt from
 * what people send, and kept in the store for those who are not heard again
 * before they are written to.  What memory holds is bounded, the oldest goes
 * first.
 */

#include "plugins/teams/teams.h"

#define BUCKETS		1024u
#define PEOPLE_MAX	20000u
#define ID_MAX		512u		/* bytes */
#define REFRESH		(60 * 60 * 1000)	/* ms between two writes for
						 * the time alone */

struct teams_people {
	struct teams_person *by_user[BUCKETS];
	size_t count;
	int64_t newest;			/* `seen` of whom we heard last */
	int64_t failed;			/* monotonic ms of a failed write; -1 */
	void (*ready)(struct teams *, int);
};

static struct teams_person **
bucket(const struct teams *t, const char *user)
{
	uint32_t h = 2166136261u;

	for (; *user != '\0'; user++)
		h = (h ^ (unsigned char)*user) * 16777619u;
	return &t->people->by_user[h % BUCKETS];
}

static struct teams_person *
find(const struct teams *t, const char *user)
{
	struct teams_person *p = *bucket(t, user);

	while (p != NULL && strcmp(p->user, user) != 0)
		p = p->next;
	return p;
}

static void
person_free(struct teams_person *p)
{
	free(p->user);
	free(p->from_id);
	free(p->conversation);
	free(p->tenant);
	free(p);
}

static void
forget_oldest(struct teams *t)
{
	struct teams_person **oldest = NULL, *gone;

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct teams_person **at = &t->people->by_user[i];
		    *at != NULL; at = &(*at)->next)
			if (oldest == NULL || (*at)->seen < (*oldest)->seen)
				oldest = at;
	gone = *oldest;
	*oldest = gone->next;
	person_free(gone);
	t->people->count--;
}

static struct teams_person *
add(struct teams *t, const char *user)
{
	struct teams_person *p = bh_zero(sizeof(*p)), **at;

	if (t->people->count >= PEOPLE_MAX)
		forget_oldest(t);
	at = bucket(t, user);
	p->user = bh_copy(user);
	p->next = *at;
	*at = p;
	t->people->count++;
	return p;
}

/* ------------------------------------------------------------------ */
/* The store                                                           */

static void
written(void *arg, int result)
{
	struct teams *t = arg;

	if (result == BH_OK)
		return;
	t->people->failed = bh_mono(t->host);
	bh_log(t->host, BH_LOG_INFO, "where somebody was heard could not be "
	    "written down (%d): it will be when they are heard again", result);
}

static void
keep(struct teams *t, struct teams_person *p)
{
	struct bh_tx *tx = bh_tx(t->host);

	p->kept = p->seen;
	p->kept_at = bh_mono(t->host);
	bh_tx_sql(tx, BH_ANY, "INSERT INTO teams_person (instance, user_id, "
	    "from_id, conversation, tenant, seen) "
	    "VALUES ($1, $2, $3, $4, $5, $6) "
	    "ON CONFLICT (instance, user_id) DO UPDATE SET "
	    "from_id = excluded.from_id, "
	    "conversation = excluded.conversation, "
	    "tenant = excluded.tenant, seen = excluded.seen",
	    bh_s(bh_instance(t->host)), bh_s(p->user), bh_s(p->from_id),
	    bh_s(p->conversation), bh_s(p->tenant), bh_i(p->seen));
	if (bh_commit(tx, written, t) != BH_OK)
		written(t, BH_EIO);
}

static void
loaded(void *arg, int result, const struct bh_rows *rows)
{
	struct teams *t = arg;

	for (size_t n = 0; result == BH_OK && n < rows->count; n++) {
		struct teams_person *p = add(t, bh_cell(rows, n, 0));

		p->from_id = bh_copy(bh_cell(rows, n, 1));
		p->conversation = bh_copy(bh_cell(rows, n, 2));
		p->tenant = bh_copy(bh_cell(rows, n, 3));
		p->seen = p->kept = bh_cell_int(rows, n, 4);
		if (p->seen > t->people->newest)
			t->people->newest = p->seen;
	}
	/* They are heard again, or met where else they may be. */
	if (result != BH_OK)
		bh_log(t->host, BH_LOG_WARN, "where people were heard cannot "
		    "be read (%d)", result);
	t->people->ready(t, BH_OK);
}

void
teams_people_open(struct teams *t, void (*ready)(struct teams *, int))
{
	t->people = bh_zero(sizeof(*t->people));
	t->people->ready = ready;
	t->people->failed = -1;
	if (bh_query(t->host, loaded, t, "SELECT user_id, from_id, "
	    "conversation, tenant, seen FROM teams_person "
	    "WHERE instance = $1 ORDER BY seen DESC LIMIT $2",
	    bh_s(bh_instance(t->host)), bh_i(PEOPLE_MAX)) != BH_OK)
		ready(t, BH_OK);
}

void
teams_people_close(struct teams *t)
{
	if (t->people == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct teams_person *p = t->people->by_user[i], *next;
		    p != NULL; p = next) {
			next = p->next;
			person_free(p);
		}
	free(t->people);
	t->people = NULL;
}

/* ------------------------------------------------------------------ */
/* Learning                                                            */

/* Whose people they are: as the activity says; else as the conversation, which
 * is sure of one's own chat, and a guess in a channel that is shared.  NULL if
 * it is none that may speak to us. */
static const char *
tenant_of(struct teams *t, const struct teams_place *place,
    const struct bh_value *activity, bool *sure)
{
	const char *tenant = bh_get_text(bh_get(activity, "from"),
	    "tenantId");

	*sure = tenant != NULL || strcmp(place->type, "personal") == 0;
	if (tenant == NULL)
		tenant = teams_tenant_of(activity);
	return teams_tenant_ok(t, tenant) ? tenant : NULL;
}

static bool
learn(char **into, const char *text)
{
	if (text == NULL || strlen(text) > ID_MAX ||
	    (*into != NULL && strcmp(*into, text) == 0))
		return false;
	bh_set(into, text);
	return true;
}

void
teams_person_heard(struct teams *t, const char *user,
    const struct teams_place *place, const struct bh_value *activity)
{
	struct teams_people *people = t->people;
	struct teams_person *p = find(t, user);
	int64_t now = bh_now(t->host);
	bool sure, news = p == NULL;
	const char *tenant = tenant_of(t, place, activity, &sure);

	if (p == NULL)
		p = add(t, user);
	p->seen = now > people->newest ? now : people->newest + 1;
	people->newest = p->seen;
	news = learn(&p->from_id, bh_get_text(bh_get(activity, "from"),
	    "id")) || news;
	news = learn(&p->conversation, place->conversation) || news;
	if (sure || p->tenant == NULL)
		news = learn(&p->tenant, tenant) || news;
	if (news || p->seen - p->kept >= REFRESH ||
	    p->kept_at <= people->failed)
		keep(t, p);
}

void
teams_person_is_of(struct teams *t, const char *user, const char *tenant)
{
	struct teams_person *p = find(t, user);

	if (p != NULL && teams_tenant_ok(t, tenant) &&
	    learn(&p->tenant, tenant))
		keep(t, p);
}

const struct teams_person *
teams_person_find(const struct teams *t, const char *user)
{
	return user != NULL ? find(t, user) : NULL;
}
