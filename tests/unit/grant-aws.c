/* grant-aws.c - an Identity Center that does as it is told, in memory.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/grant-world.h"

#define MAX	160

struct fake_aws aws;

/* One assignment, one operation under way, one answer on its way. */
static char have[MAX][3][120];
static size_t have_count;

struct operation {
	bool open, create, failed;
	bool hidden;		/* in the network, not at AWS */
	char id[40], tuple[3][120];
	int64_t done, created;
};
static struct operation ops[MAX * 4];
static size_t ops_count;

/* One of `aws.pool` outstanding writes, or waiting for it. */
struct aws_slot {
	aws_slot_cb *cb;
	void *arg;
	struct bh_timer *timer;
	struct aws_slot *next;
	bool held;
};
static struct aws_slot *line;
static int held;

static size_t
find(const struct sso_tuple *t)
{
	size_t i;

	for (i = 0; i < have_count; i++)
		if (strcmp(have[i][0], t->account) == 0 &&
		    strcmp(have[i][1], t->permission_set) == 0 &&
		    strcmp(have[i][2], t->principal) == 0)
			break;
	return i;
}

static void
put(const struct sso_tuple *t)
{
	if (find(t) < have_count)
		return;
	ck_assert_uint_lt(have_count, MAX);
	snprintf(have[have_count][0], 120, "%s", t->account);
	snprintf(have[have_count][1], 120, "%s", t->permission_set);
	snprintf(have[have_count++][2], 120, "%s", t->principal);
}

static void
take(const struct sso_tuple *t)
{
	size_t i = find(t);

	if (i < have_count)
		memcpy(have[i], have[--have_count], sizeof(have[i]));
}

static struct sso_tuple
tuple_of(const char *principal)
{
	return (struct sso_tuple){ "111122223333", SET, principal };
}

bool
aws_has(const char *principal)
{
	struct sso_tuple t = tuple_of(principal);

	return find(&t) < have_count;
}

void
aws_put(const char *principal)
{
	struct sso_tuple t = tuple_of(principal);

	put(&t);
}

void
aws_take(const char *principal)
{
	struct sso_tuple t = tuple_of(principal);

	take(&t);
}

void
aws_reset(void)
{
	bh_buf_release(&aws.log);
	aws = (struct fake_aws){ .takes = 3000, .late = 5 * MINUTE,
	    .failure = "Received a 404 status error: Not supported policy",
	    .log = BH_BUF(100000) };
	have_count = ops_count = 0;
}

/* ------------------------------------------------------------------ */
/* Operations                                                          */

static void
finish(void *arg)
{
	struct operation *o = arg;
	struct sso_tuple t = { o->tuple[0], o->tuple[1], o->tuple[2] };

	o->open = false;
	if (o->failed)
		return;
	if (o->create)
		put(&t);
	else if (find(&t) < have_count)
		take(&t);
	else
		o->failed = true;	/* the 404 of a delete */
}

static struct operation *
begin(const struct sso_tuple *t, bool create, int64_t takes, bool hidden)
{
	struct operation *o = &ops[ops_count++];

	ck_assert_uint_lt(ops_count, MAX * 4);
	*o = (struct operation){ .open = true, .create = create,
	    .hidden = hidden, .created = world_now() };
	snprintf(o->id, sizeof(o->id), "op-%zu", ops_count);
	snprintf(o->tuple[0], 120, "%s", t->account);
	snprintf(o->tuple[1], 120, "%s", t->permission_set);
	snprintf(o->tuple[2], 120, "%s", t->principal);
	if (takes == 0)
		finish(o);
	else
		loop_after(loop, takes, finish, o);
	return o;
}

struct answer {
	sso_cb *cb;
	void *arg;
	struct sso_result r;
	unsigned to;		/* an answer to somebody killed is lost */
};

static void
deliver(void *p)
{
	struct answer *a = p;

	if (a->to == life && !world_dead())
		a->cb(a->arg, &a->r);
	free(a);
}

static void
answer(sso_cb *cb, void *arg, struct sso_result r)
{
	struct answer *a = calloc(1, sizeof(*a));

	*a = (struct answer){ cb, arg, r, life };
	loop_after(loop, 20, deliver, a);
}

/* ------------------------------------------------------------------ */
/* Writes                                                              */

struct look { char want[40]; int64_t signed_at; };

static void
intent_read(void *arg, int result, const struct bh_rows *rows)
{
	struct look *l = arg;

	ck_assert_int_eq(result, BH_OK);
	if (rows->count != 1 || strcmp(bh_cell(rows, 0, 0), l->want) != 0 ||
	    bh_cell_int(rows, 0, 1) != l->signed_at)
		aws.unbacked++;
	free(l);
}

/* No act without intent: the row is in the store before the byte is here. */
static void
look_for_intent(const struct sso_tuple *t, bool create, int64_t signed_at)
{
	struct look *l = calloc(1, sizeof(*l));

	snprintf(l->want, sizeof(l->want), "%s", create ? "create-intent" :
	    "delete-intent");
	l->signed_at = signed_at;
	if (aws.unsaved) {
		free(l);
		return;
	}
	store_query(store, "aws-sso/main", "SELECT phase, signed_at FROM"
	    " aws_sso_key WHERE principal = $1 AND account = $2",
	    BH_PARAMS(bh_s(t->principal), bh_s(t->account)), intent_read, l);
	store_flush(store);
}

static void
write_to(bool create, const struct sso_tuple *t, int64_t signed_at,
    int (*gate)(void *), sso_cb *cb, void *arg)
{
	int *fate = create ? &aws.create : &aws.remove, now = *fate;
	struct sso_result r = { .outcome = SSO_STATUS, .tuple = *t };
	struct operation *o;

	if (world_dead())
		return;
	if (!aws.for_ever)
		*fate = ASYNC;
	if (now == NOT_SENT || gate(arg) != 0) {
		r.outcome = SSO_NOT_SENT;
		answer(cb, arg, r);
		return;
	}
	if (world_dead())
		return;			/* died at the gate */
	look_for_intent(t, create, signed_at);
	bh_buf_add(&aws.log, "%s %s; ", create ? "create" : "delete",
	    t->principal);
	*(create ? &aws.creates : &aws.deletes) += 1;
	switch (now) {
	case ASYNC:
	case ASYNC_FAILED:
		o = begin(t, create, aws.takes, false);
		o->failed = now == ASYNC_FAILED;
		r.status = SSO_IN_PROGRESS;
		r.request_id = o->id;
		break;
	case SYNC:
		o = begin(t, create, 0, false);
		r.status = o->failed ? SSO_FAILED : SSO_SUCCEEDED;
		r.reason = o->failed ? "Received a 404 status error: "
		    "EntitlementItem doesn't exist" : NULL;
		r.request_id = o->id;
		break;
	case LOST_DONE:
		begin(t, create, 0, false);
		r.outcome = SSO_UNKNOWN;
		break;
	case LOST_LATE:
		begin(t, create, aws.late, true);
		r.outcome = SSO_UNKNOWN;
		break;
	case LOST_NEVER:
		r.outcome = SSO_UNKNOWN;
		break;
	case CONFLICT:
		r.outcome = SSO_CONFLICT;
		break;
	case THROTTLED:
		r.outcome = SSO_THROTTLED;
		r.retry_after = 2000;
		break;
	case DENIED:
		r.outcome = SSO_DENIED;
		break;
	case INVALID:
		r.outcome = SSO_INVALID;
		r.reason = "the permission set is not known";
		break;
	case NOT_FOUND:
		r.outcome = SSO_NOT_FOUND;
		r.reason = "no such thing";
		break;
	default:
		r.outcome = SSO_FAILED_5XX;
		break;
	}
	answer(cb, arg, r);
}

void
sso_create(struct aws *a, const struct sso_tuple *t, int64_t signed_at,
    int (*gate)(void *arg), sso_cb *cb, void *arg)
{
	(void)a;
	write_to(true, t, signed_at, gate, cb, arg);
}

void
sso_delete(struct aws *a, const struct sso_tuple *t, int64_t signed_at,
    int (*gate)(void *arg), sso_cb *cb, void *arg)
{
	(void)a;
	write_to(false, t, signed_at, gate, cb, arg);
}

/* ------------------------------------------------------------------ */
/* Slots                                                               */

static void
slot_granted(void *arg)
{
	struct aws_slot *s = arg;

	s->timer = NULL;
	if (world_dead())
		return;
	s->cb(s->arg, s);
}

static void
slots_serve(void)
{
	while (line != NULL && (aws.pool == 0 || held < aws.pool)) {
		struct aws_slot *s = line;

		line = s->next;
		s->held = true;
		held++;
		s->timer = loop_after(loop, 0, slot_granted, s);
	}
}

struct aws_slot *
aws_slot(struct aws *a, enum aws_priority priority, aws_slot_cb *cb, void *arg)
{
	struct aws_slot *s = calloc(1, sizeof(*s));

	(void)a;
	(void)priority;
	*s = (struct aws_slot){ .cb = cb, .arg = arg };
	struct aws_slot **end = &line;

	while (*end != NULL)
		end = &(*end)->next;
	*end = s;
	slots_serve();
	return s;
}

void
aws_slot_free(struct aws_slot **s)
{
	if (*s == NULL)
		return;
	for (struct aws_slot **p = &line; *p != NULL; p = &(*p)->next)
		if (*p == *s) {
			*p = (*s)->next;
			break;
		}
	if ((*s)->held)
		held--;
	loop_cancel((*s)->timer);
	free(*s);
	*s = NULL;
	slots_serve();
}

/* ------------------------------------------------------------------ */
/* Reads                                                               */

static void
describe(const char *request_id, bool create, sso_cb *cb, void *arg)
{
	struct sso_result r = { .outcome = SSO_NOT_FOUND };

	aws.describes++;
	for (size_t i = 0; i < ops_count; i++) {
		struct operation *o = &ops[i];

		if (strcmp(o->id, request_id) != 0 || o->create != create)
			continue;
		r.outcome = SSO_STATUS;
		r.status = o->open ? SSO_IN_PROGRESS : o->failed ?
		    SSO_FAILED : SSO_SUCCEEDED;
		r.reason = !o->failed ? NULL : create ? aws.failure :
		    strstr(aws.failure, "directory") != NULL ? aws.failure :
		    "Received a 404 status error: EntitlementItem doesn't "
		    "exist";
		r.request_id = o->id;
		r.tuple = (struct sso_tuple){ o->tuple[0], o->tuple[1],
		    o->tuple[2] };
	}
	answer(cb, arg, r);
}

void
sso_creation_status(struct aws *a, const char *request_id,
    enum aws_priority p, sso_cb *cb, void *arg)
{
	(void)a;
	(void)p;
	describe(request_id, true, cb, arg);
}

void
sso_deletion_status(struct aws *a, const char *request_id,
    enum aws_priority p, sso_cb *cb, void *arg)
{
	(void)a;
	(void)p;
	describe(request_id, false, cb, arg);
}

struct listing {
	sso_status_list_cb *status;
	sso_assignments_cb *rows;
	void *arg;
	bool create;
	char account[20];
	unsigned to;
};

static void
list_ready(void *p)
{
	struct listing *l = p;
	struct sso_status_row status[MAX];
	struct sso_assignment rows[MAX];
	size_t n = 0;

	if (l->to != life || world_dead()) {
		free(l);
		return;
	}
	if (l->status != NULL) {
		for (size_t i = 0; i < ops_count && n < MAX; i++)
			if (ops[i].open && !ops[i].hidden &&
			    ops[i].create == l->create)
				status[n++] = (struct sso_status_row){
				    SSO_IN_PROGRESS, ops[i].id,
				    ops[i].created };
		l->status(l->arg, aws.status_blind ? SSO_UNKNOWN : SSO_STATUS,
		    NULL, status, aws.status_blind ? 0 : n);
	} else {
		for (size_t i = 0; i < have_count; i++)
			if (strcmp(have[i][0], l->account) == 0)
				rows[n++] = (struct sso_assignment){
				    have[i][2], false };
		rows[n++] = (struct sso_assignment){ "a-group", true };
		l->rows(l->arg, aws.blind ? SSO_UNKNOWN : aws.gone ?
		    SSO_NOT_FOUND : SSO_STATUS, NULL, rows,
		    aws.blind || aws.gone ? 0 : n);
	}
	free(l);
}

static void
list_status(bool create, sso_status_list_cb *cb, void *arg)
{
	struct listing *l = calloc(1, sizeof(*l));

	aws.polls++;
	*l = (struct listing){ .status = cb, .arg = arg, .create = create,
	    .to = life };
	loop_after(loop, 20, list_ready, l);
}

void
sso_list_creation_status(struct aws *a, const char *filter,
    enum aws_priority p, sso_status_list_cb *cb, void *arg)
{
	(void)a;
	(void)p;
	ck_assert_str_eq(filter, "IN_PROGRESS");
	list_status(true, cb, arg);
}

void
sso_list_deletion_status(struct aws *a, const char *filter,
    enum aws_priority p, sso_status_list_cb *cb, void *arg)
{
	(void)a;
	(void)p;
	ck_assert_str_eq(filter, "IN_PROGRESS");
	list_status(false, cb, arg);
}

void
sso_list_assignments(struct aws *a, const char *account, const char *set,
    enum aws_priority p, sso_assignments_cb *cb, void *arg)
{
	struct listing *l = calloc(1, sizeof(*l));

	(void)a;
	(void)set;
	aws.lists += p != AWS_SWEEP;
	*l = (struct listing){ .rows = cb, .arg = arg, .to = life };
	snprintf(l->account, sizeof(l->account), "%s", account);
	loop_after(loop, 20, list_ready, l);
}

bool
sso_reason_is_absent(const char *reason)
{
	return strstr(reason, "EntitlementItem doesn't exist") != NULL;
}

bool
sso_reason_is_orphan(const char *reason)
{
	return strstr(reason, "was not found in directory") != NULL;
}
