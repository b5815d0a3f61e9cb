/*
 * grant-store.c - grants, votes and keys as rows, and reading them back.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reading goes page by page, so that ten thousand live grants neither hold
 * the loop nor fill the memory twice.  If any page fails, loading fails: a
 * part of the grants is worse than none.
 */

#include <ctype.h>

#include "plugins/aws-sso/grant/engine.h"

#define PAGE	1000
#define STR_(x)	#x
#define STR(x)	STR_(x)

#define LIVE	"('pending', 'approved', 'active', 'ending')"

#define GRANT_COLUMNS							\
	"id, state, flags, version, person, person_name, principal,"	\
	" principal_name, account, account_name, permission_set,"	\
	" permission_set_name, team, place, reason, extends, rule,"	\
	" approvers, hash, outcome, by_name, needed, duration, session,"\
	" created, lapses, start_at, end_at, fixed_end, decided, seen,"	\
	" gone, over_at, changed"

#define KEY_COLUMNS							\
	"account, permission_set, principal, phase, op, seen, flags,"	\
	" version, attempt, signed_at, unknown_since, quarantine_until,"\
	" delete_until, late_from, touched, seen_at, refused_at,"	\
	" refused, request_id, changed"

void
store_grant_insert(struct bh_tx *tx, const struct grants *gs,
    const struct grant *g)
{
	bh_tx_sql(tx, 1, "INSERT INTO aws_sso_grant (" GRANT_COLUMNS
	    ", instance, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
	    " $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
	    " $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33,"
	    " $34, $35, $36) ON CONFLICT DO NOTHING",
	    bh_s(g->id), bh_s(grant_state_word(g->state)), bh_i(g->flags),
	    bh_i(g->version), bh_s(g->person), bh_s(g->person_name),
	    bh_s(g->principal), bh_s(g->principal_name), bh_s(g->account),
	    bh_s(g->account_name), bh_s(g->permission_set),
	    bh_s(g->permission_set_name), bh_s(g->team), bh_s(g->place),
	    bh_s(g->reason), bh_s(g->extends), bh_s(g->rule),
	    bh_s(g->approvers), bh_s(g->hash), bh_s(g->outcome), bh_s(g->by),
	    bh_i(g->needed), bh_i(g->duration), bh_i(g->session),
	    bh_i(g->created), bh_i(g->lapses), bh_i(g->start), bh_i(g->end),
	    bh_i(g->fixed_end), bh_i(g->decided), bh_i(g->seen),
	    bh_i(g->gone), bh_i(g->over), bh_i(g->changed),
	    bh_s(gs->instance), bh_i(gs->epoch));
}

/* Compare and swap: only from the state and version that memory knows. */
void
store_grant_update(struct bh_tx *tx, const struct grants *gs,
    const struct grant *was, const struct grant *g)
{
	bh_tx_sql(tx, 1, "UPDATE aws_sso_grant SET state = $1, flags = $2,"
	    " version = $3, rule = $4, approvers = $5, hash = $6,"
	    " outcome = $7, by_name = $8, needed = $9, lapses = $10,"
	    " start_at = $11, end_at = $12, decided = $13, seen = $14,"
	    " gone = $15, over_at = $16, changed = $17, epoch = $18"
	    " WHERE id = $19 AND instance = $20 AND state = $21"
	    " AND version = $22 AND epoch <= $18",
	    bh_s(grant_state_word(g->state)), bh_i(g->flags),
	    bh_i(g->version), bh_s(g->rule), bh_s(g->approvers),
	    bh_s(g->hash), bh_s(g->outcome), bh_s(g->by), bh_i(g->needed),
	    bh_i(g->lapses), bh_i(g->start), bh_i(g->end), bh_i(g->decided),
	    bh_i(g->seen), bh_i(g->gone), bh_i(g->over), bh_i(g->changed),
	    bh_i(gs->epoch), bh_s(g->id), bh_s(gs->instance),
	    bh_s(grant_state_word(was->state)), bh_i(was->version));
}

/* One vote per person, held by the primary key. */
void
store_vote_insert(struct bh_tx *tx, const struct grants *gs,
    const struct grant *g, const struct grant_vote *v)
{
	bh_tx_sql(tx, 1, "INSERT INTO aws_sso_vote (instance, grant_id,"
	    " person, principal, name, voted) VALUES ($1, $2, $3, $4, $5, $6)"
	    " ON CONFLICT DO NOTHING", bh_s(gs->instance), bh_s(g->id),
	    bh_s(v->person), bh_s(v->principal), bh_s(v->name), bh_i(v->at));
}

void
store_key_ensure(struct bh_tx *tx, const struct grants *gs,
    const struct grant *g)
{
	bh_tx_sql(tx, BH_ANY, "INSERT INTO aws_sso_key (" KEY_COLUMNS
	    ", instance, epoch) VALUES ($1, $2, $3, 'idle', 0, -1, 0, 0, 0,"
	    " 0, 0, 0, 0, 0, $4, 0, 0, '', '', $5, $6, $7)"
	    " ON CONFLICT DO NOTHING", bh_s(g->account),
	    bh_s(g->permission_set), bh_s(g->principal),
	    bh_i(g->end + TOUCHED), bh_i(bh_now(gs->host)),
	    bh_s(gs->instance), bh_i(gs->epoch));
}

void
store_key_put(struct bh_tx *tx, const struct grants *gs, const struct key *k,
    const struct key_row *r, int64_t touched)
{
	bh_tx_sql(tx, 1, "INSERT INTO aws_sso_key (" KEY_COLUMNS
	    ", instance, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
	    " $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
	    " $22) ON CONFLICT (instance, account, permission_set, principal)"
	    " DO UPDATE SET phase = excluded.phase, op = excluded.op,"
	    " seen = excluded.seen, flags = excluded.flags,"
	    " version = excluded.version, attempt = excluded.attempt,"
	    " signed_at = excluded.signed_at,"
	    " unknown_since = excluded.unknown_since,"
	    " quarantine_until = excluded.quarantine_until,"
	    " delete_until = excluded.delete_until,"
	    " late_from = excluded.late_from, touched = excluded.touched,"
	    " seen_at = excluded.seen_at, refused_at = excluded.refused_at,"
	    " refused = excluded.refused, request_id = excluded.request_id,"
	    " changed = excluded.changed, epoch = excluded.epoch"
	    " WHERE aws_sso_key.version = $23"
	    " AND aws_sso_key.epoch <= excluded.epoch",
	    bh_s(k->account), bh_s(k->permission_set), bh_s(k->principal),
	    bh_s(key_phase_word(r->phase)), bh_i(r->op), bh_i(r->seen),
	    bh_i(r->flags), bh_i(k->version + 1), bh_i(r->attempt),
	    bh_i(r->signed_at), bh_i(r->unknown_since), bh_i(r->quarantine),
	    bh_i(r->delete_until), bh_i(r->late_from), bh_i(touched),
	    bh_i(r->seen_at), bh_i(r->refused_at),
	    bh_s(r->refused != NULL ? r->refused : k->refused),
	    bh_s(r->request_id != NULL ? r->request_id : k->request_id),
	    bh_i(bh_now(gs->host)), bh_s(gs->instance), bh_i(gs->epoch),
	    bh_i(k->version));
}

/* ------------------------------------------------------------------ */
/* Reading                                                             */

static struct grant *
grant_of_row(struct grants *gs, const struct bh_rows *rows, size_t i)
{
	struct grant *g = calloc(1, sizeof(*g));
	size_t c = 0;
#define TEXT	grant_dup(bh_cell(rows, i, c++))
#define INT	bh_cell_int(rows, i, c++)

	assert(g != NULL);
	g->magic = GRANT_MAGIC;
	g->all = gs;
	snprintf(g->id, sizeof(g->id), "%s", bh_cell(rows, i, c++));
	g->state = grant_state_of_word(bh_cell(rows, i, c++));
	g->flags = (unsigned)INT;
	g->version = INT;
	g->person = TEXT;
	g->person_name = TEXT;
	g->principal = TEXT;
	g->principal_name = TEXT;
	g->account = TEXT;
	g->account_name = TEXT;
	g->permission_set = TEXT;
	g->permission_set_name = TEXT;
	g->team = TEXT;
	g->place = TEXT;
	g->reason = TEXT;
	g->extends = TEXT;
	g->rule = TEXT;
	g->approvers = TEXT;
	g->hash = TEXT;
	g->outcome = TEXT;
	g->by = TEXT;
	g->needed = (int)INT;
	g->duration = INT;
	g->session = INT;
	g->created = INT;
	g->lapses = INT;
	g->start = INT;
	g->end = INT;
	g->fixed_end = INT;
	g->decided = INT;
	g->seen = INT;
	g->gone = INT;
	g->over = INT;
	g->changed = INT;
	return g;
}

static void
key_of_row(struct grants *gs, const struct bh_rows *rows, size_t i)
{
	struct key *k = key_get(gs, bh_cell(rows, i, 0), bh_cell(rows, i, 1),
	    bh_cell(rows, i, 2));
	size_t c = 3;

	k->phase = key_phase_of_word(bh_cell(rows, i, c++));
	k->op = (int)INT;
	k->seen = (int)INT;
	k->flags = (unsigned)INT;
	k->version = INT;
	k->attempt = INT;
	k->signed_at = INT;
	k->unknown_since = INT;
	k->quarantine = INT;
	k->delete_until = INT;
	k->late_from = INT;
	k->touched = INT;
	k->seen_at = INT;
	k->refused_at = INT;
	free(k->refused);
	k->refused = TEXT;
	free(k->request_id);
	k->request_id = TEXT;
}

static bool
load_went(struct grants *gs, int result)
{
	if (!grants_back(gs))
		return false;
	if (result == BH_OK)
		return true;
	bh_log(gs->host, BH_LOG_ERROR, "the grants could not be read from "
	    "the store; nothing was started");
	load_finish(gs, result);
	return false;
}

static void load_keys(struct grants *, const char *, const char *,
    const char *);
static void load_grants(struct grants *, const char *after);
static void load_votes(struct grants *, const char *id, const char *person);

static void
mark_read(void *arg, int result, const struct bh_rows *rows)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);

	if (!load_went(gs, result))
		return;
	for (size_t i = 0; i < rows->count; i++)
		if (bh_cell_int(rows, i, 0) > gs->mark)
			gs->mark = bh_cell_int(rows, i, 0);
	restart_run(gs);
}

static void
votes_read(void *arg, int result, const struct bh_rows *rows)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);

	if (!load_went(gs, result))
		return;
	for (size_t i = 0; i < rows->count; i++) {
		struct grant *g = grants_by_id(gs, bh_cell(rows, i, 0));

		if (g == NULL)
			continue;
		g->votes = realloc(g->votes,
		    (g->votes_count + 1) * sizeof(*g->votes));
		assert(g->votes != NULL);
		g->votes[g->votes_count++] = (struct grant_vote){
			.person = grant_dup(bh_cell(rows, i, 1)),
			.principal = grant_dup(bh_cell(rows, i, 2)),
			.name = grant_dup(bh_cell(rows, i, 3)),
			.at = bh_cell_int(rows, i, 4),
		};
	}
	if (rows->count == PAGE) {
		load_votes(gs, bh_cell(rows, PAGE - 1, 0),
		    bh_cell(rows, PAGE - 1, 1));
		return;
	}
	gs->outside++;
	if (bh_query(gs->host, mark_read, gs, "SELECT MAX(changed)"
	    " FROM aws_sso_grant WHERE instance = $1 UNION ALL"
	    " SELECT MAX(changed) FROM aws_sso_key WHERE instance = $1",
	    bh_s(gs->instance)) < 0)
		load_went(gs, BH_EIO);
}

static void
load_votes(struct grants *gs, const char *id, const char *person)
{
	gs->outside++;
	if (bh_query(gs->host, votes_read, gs, "SELECT grant_id, person,"
	    " principal, name, voted FROM aws_sso_vote WHERE instance = $1"
	    " AND grant_id IN (SELECT id FROM aws_sso_grant WHERE"
	    " instance = $1 AND state IN " LIVE ")"
	    " AND (grant_id, person) > ($2, $3)"
	    " ORDER BY grant_id, person LIMIT " STR(PAGE),
	    bh_s(gs->instance), bh_s(id), bh_s(person)) < 0)
		load_went(gs, BH_EIO);
}

static void
grants_read(void *arg, int result, const struct bh_rows *rows)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);

	if (!load_went(gs, result))
		return;
	for (size_t i = 0; i < rows->count; i++)
		grants_index(gs, grant_of_row(gs, rows, i));
	if (rows->count == PAGE)
		load_grants(gs, bh_cell(rows, PAGE - 1, 0));
	else
		load_votes(gs, "", "");
}

static void
load_grants(struct grants *gs, const char *after)
{
	gs->outside++;
	if (bh_query(gs->host, grants_read, gs, "SELECT " GRANT_COLUMNS
	    " FROM aws_sso_grant WHERE instance = $1 AND state IN " LIVE
	    " AND id > $2 ORDER BY id LIMIT " STR(PAGE), bh_s(gs->instance),
	    bh_s(after)) < 0)
		load_went(gs, BH_EIO);
}

static void
keys_read(void *arg, int result, const struct bh_rows *rows)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);

	if (!load_went(gs, result))
		return;
	for (size_t i = 0; i < rows->count; i++)
		key_of_row(gs, rows, i);
	if (rows->count == PAGE)
		load_keys(gs, bh_cell(rows, PAGE - 1, 0),
		    bh_cell(rows, PAGE - 1, 1), bh_cell(rows, PAGE - 1, 2));
	else
		load_grants(gs, "");
}

/* Every key that may have something at AWS, whatever grants say: forgetting
 * that an assignment is ours would make it look like it was there before. */
static void
load_keys(struct grants *gs, const char *account, const char *set,
    const char *principal)
{
	gs->outside++;
	if (bh_query(gs->host, keys_read, gs, "SELECT " KEY_COLUMNS
	    " FROM aws_sso_key WHERE instance = $1 AND (phase <> 'idle'"
	    " OR seen <> 0 OR touched > $2)"
	    " AND (account, permission_set, principal) > ($3, $4, $5)"
	    " ORDER BY account, permission_set, principal LIMIT " STR(PAGE),
	    bh_s(gs->instance), bh_i(bh_now(gs->host)), bh_s(account),
	    bh_s(set), bh_s(principal)) < 0)
		load_went(gs, BH_EIO);
}

void
store_load(struct grants *gs)
{
	load_keys(gs, "", "", "");
}

/* ------------------------------------------------------------------ */

struct recall {
	unsigned magic;
#define RECALL_MAGIC	0x7265636cu
	struct grants *gs;
	struct op *op;
};

static void
recalled(void *arg, int result, const struct bh_rows *rows)
{
	struct recall *r = GRANT_CAST(struct recall, arg, RECALL_MAGIC);
	struct grants *gs = r->gs;
	struct op *op = r->op;
	struct grant *g;

	r->magic = 0;
	free(r);
	if (!grants_back(gs))
		return;			/* and op is gone as well */
	if (result != BH_OK) {
		op_end(op, result, NULL, "The store cannot be read; an admin "
		    "must look at the log.");
	} else if (rows->count == 0) {
		op_end(op, BH_ENOENT, NULL, "There is no %s. !requests and "
		    "!access show what there is.", op->id);
	} else {
		g = grant_of_row(gs, rows, 0);
		if (op->kind == OP_RECALL)
			op_end(op, BH_OK, g, "%s", grant_state_name(g->state));
		else
			op_end(op, BH_ECONFLICT, g, "%s is over: %s%s%s.",
			    g->id, grant_state_name(g->state),
			    *grant_ended_by(g) != '\0' ? " by " : "",
			    grant_ended_by(g));
		grant_free(g);
	}
}

void
store_recall(struct grants *gs, struct op *op)
{
	struct recall *r = calloc(1, sizeof(*r));
	char id[GRANT_ID_MAX];
	size_t i;

	assert(r != NULL);
	*r = (struct recall){ RECALL_MAGIC, gs, op };
	for (i = 0; op->id[i] != '\0'; i++)
		id[i] = (char)toupper((unsigned char)op->id[i]);
	id[i] = '\0';
	gs->outside++;
	if (bh_query(gs->host, recalled, r, "SELECT " GRANT_COLUMNS
	    " FROM aws_sso_grant WHERE instance = $1 AND id = $2",
	    bh_s(gs->instance), bh_s(id)) < 0)
		recalled(r, BH_EIO, NULL);
}
