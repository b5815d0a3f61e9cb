/* grant-world.c - the host that the engine sees in its tests.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <dirent.h>
#include <unistd.h>

#include "host/base/log.h"
#include "tests/unit/grant-world.h"

struct rules rules;
struct grants *gs;
struct loop *loop;
struct store *store;
int commit_fails;
bool urgent_fails;
int kill_at, points_passed;
int64_t clock_step;
unsigned life;
static bool dead;
struct bh_buf told, points;
struct grant_options options;
char said[600], id[GRANT_ID_MAX];

static char dir[64], path[100];

const struct bh_user ada = { .person = "p-ada", .name = "Ada Lovelace",
    .email = "ada@acme.example", .realm = "test", .id = "ada" };
const struct bh_user grace = { .person = "p-grace", .name = "Grace Hopper",
    .email = "grace@acme.example", .realm = "test", .id = "grace",
    .flags = BH_USER_ADMIN };
const struct bh_user kate = { .person = "p-kate", .name = "Kate Johnson",
    .email = "kate@acme.example", .realm = "test", .id = "kate",
    .flags = BH_USER_ADMIN };

/* ------------------------------------------------------------------ */
/* Host calls                                                          */

static const struct bh_api api;
struct bh_host host = { &api };

static int64_t
api_now(struct bh_host *h)
{
	(void)h;
	return world_now() + clock_step;
}

static int64_t
api_mono(struct bh_host *h)
{
	(void)h;
	return world_mono();
}

static void
api_random(struct bh_host *h, void *out, size_t len)
{
	(void)h;
	world_random(out, len);
}

static void BH_PRINTF(3, 4)
api_log(struct bh_host *h, int level, const char *fmt, ...)
{
	va_list ap;

	(void)h;
	va_start(ap, fmt);
	if (getenv("GRANT_TEST_LOG") != NULL) {
		fprintf(stderr, "%lld <%d> ", (long long)(world_now() - T0),
		    level);
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
	}
	va_end(ap);
}

static const struct bh_value *
api_team_setting(struct bh_host *h, const char *team, const char *key)
{
	static const struct bh_value announce = { .kind = BH_TEXT,
	    .text = "test/#announce" };

	(void)h;
	(void)team;
	return strcmp(key, "announce") == 0 ? &announce : NULL;
}

static const char *
api_instance(struct bh_host *h)
{
	(void)h;
	return "main";
}

/* Transactions that are to fail, or whose answer nobody lives to hear. */
struct stillborn { bh_commit_cb *done; void *arg; int result; };
static struct stillborn unheard[500];
static size_t unheard_count;
static bool tx_is_urgent;

static struct bh_tx *
api_tx(struct bh_host *h)
{
	struct bh_tx *tx = store_tx(store, "aws-sso/main");

	(void)h;
	tx->api = &api;
	tx_is_urgent = false;
	return tx;
}

static void
api_urgent(struct bh_tx *tx)
{
	tx_is_urgent = true;
	store_tx_urgent(tx);
}

static void
api_job(struct bh_tx *tx, const char *kind, const char *ref, int64_t when)
{
	store_tx_job(tx, kind, ref, when);
}

static void
api_post(struct bh_tx *tx, const char *place, const char *key,
    const struct bh_card *card, const char *text)
{
	ck_assert_ptr_null(card);
	bh_buf_add(&told, "%s\n", text);
	store_tx_post(tx, place, key, STORE_TEXT, NULL, text);
}

static void
fail_later(void *arg)
{
	struct stillborn *s = arg;

	s->done(s->arg, s->result);
	free(s);
}

static int
api_commit(struct bh_tx *tx, bh_commit_cb *done, void *arg)
{
	if (dead) {
		store_tx_drop(tx);
		ck_assert_uint_lt(unheard_count, 500);
		unheard[unheard_count++] = (struct stillborn){ done, arg, 0 };
		return BH_OK;
	}
	if (commit_fails != 0 && (!tx_is_urgent || urgent_fails)) {
		struct stillborn *s = calloc(1, sizeof(*s));

		store_tx_drop(tx);
		*s = (struct stillborn){ done, arg, commit_fails };
		loop_after(loop, 1, fail_later, s);
		return BH_OK;
	}
	return store_commit(tx, done, arg);
}

static int
api_query(struct bh_host *h, const char *sql, const struct bh_param *params,
    bh_rows_cb *done, void *arg)
{
	(void)h;
	return store_query(store, "aws-sso/main", sql, params, done, arg);
}

static int
api_health(struct bh_host *h)
{
	(void)h;
	return commit_fails;
}

static struct bh_timer *
api_after(struct bh_host *h, int64_t ms, bh_timer_cb *cb, void *arg)
{
	(void)h;
	return loop_after(loop, ms, cb, arg);
}

static struct bh_xfer *
api_http(struct bh_host *h, const struct bh_http *req, bh_http_cb *cb,
    void *arg)
{
	(void)h;
	(void)cb;
	(void)arg;
	bh_buf_add(&told, "page %s\n", (const char *)req->body);
	return (struct bh_xfer *)&dead;
}

static void BH_PRINTF(3, 4)
api_set_health(struct bh_host *h, int health, const char *fmt, ...)
{
	(void)h;
	(void)health;
	(void)fmt;
}

/* Remembers each name once; kills at the n-th pass. */
static void
api_failpoint(struct bh_host *h, const char *name)
{
	char line[80];

	(void)h;
	if (dead)
		return;
	snprintf(line, sizeof(line), "%s\n", name);
	if (strstr(bh_buf_text(&points), line) == NULL)
		bh_buf_puts(&points, line);
	if (++points_passed == kill_at)
		dead = true;
}

bool
world_dead(void)
{
	return dead;
}

static struct bh_call one_call;
static int64_t kept_id = 1000;
struct bh_call *settling;

static void
api_settles(struct bh_tx *tx, struct bh_call *call)
{
	ck_assert_ptr_eq(call, &one_call);
	store_tx_settle(tx, kept_id);
}

static const struct bh_api api = {
	.size = sizeof(struct bh_api), .major = 1, .now = api_now,
	.mono = api_mono, .random = api_random, .log = api_log,
	.team_setting = api_team_setting, .instance = api_instance,
	.tx = api_tx, .tx_sql = store_tx_sql, .tx_audit = store_tx_audit,
	.tx_job = api_job, .tx_job_done = store_tx_job_done,
	.tx_post = api_post, .commit = api_commit, .tx_drop = store_tx_drop,
	.query = api_query, .store_health = api_health, .after = api_after,
	.cancel = loop_cancel, .http = api_http, .health = api_set_health,
	.failpoint = api_failpoint, .tx_urgent = api_urgent,
	.tx_settles = api_settles,
};

/* ------------------------------------------------------------------ */
/* Policy and face                                                     */

static void
fill(struct grant_verdict *v, bool yes, const char *why)
{
	v->yes = yes && !rules.unsure;
	v->unsure = rules.unsure;
	v->needed = rules.needed;
	v->self = rules.self;
	bh_buf_puts(&v->rule, "prod (team.yaml:1)");
	bh_buf_puts(&v->why, why);
	bh_buf_puts(&v->approvers, "Grace Hopper");
	snprintf(v->hash, sizeof(v->hash), "%s", rules.deny ? "h2" : "h1");
}

static void
may_ask(void *arg, const struct grant *g, struct grant_verdict *v)
{
	(void)arg;
	(void)g;
	rules.asked++;
	fill(v, !rules.deny, "Rule prod says no.");
}

static void
may_approve(void *arg, const struct grant *g, const struct bh_user *who,
    struct grant_verdict *v)
{
	(void)arg;
	(void)g;
	fill(v, rules.may_approve && !rules.deny &&
	    (who->flags & BH_USER_ADMIN) != 0, "You are no approver.");
	if (rules.self)
		v->yes = true;
}

static void
may_hold(void *arg, const struct grant *g, struct grant_verdict *v)
{
	(void)arg;
	rules.held++;
	fill(v, !rules.deny && (int)g->votes_count >= rules.needed,
	    "Rule prod says no.");
	if (rules.hold_unsure) {
		v->yes = false;
		v->unsure = true;
	}
}

static const char *
principal(void *arg, const struct bh_user *who, const char **why)
{
	(void)arg;
	*why = "You are not in the Identity Center.";
	return strcmp(who->id, "eve") == 0 ? NULL : who->id;
}

static bool
pair(void *arg, size_t n, struct grant_pair *out)
{
	(void)arg;
	*out = (struct grant_pair){ n == 0 ? rules.pair : rules.pair2, SET };
	return n < 2 && out->account != NULL;
}

static const struct grant_rules grant_rules = { .may_ask = may_ask,
    .may_approve = may_approve, .may_hold = may_hold, .principal = principal,
    .pair = pair };

static void
card(void *arg, struct bh_tx *tx, const struct grant *g)
{
	(void)arg;
	bh_buf_add(&told, "%s %s\n", g->id, grant_state_word(g->state));
	store_tx_post(tx, "test/#payments", g->id, STORE_TEXT, NULL,
	    grant_state_word(g->state));
}

static const struct grant_face grant_face = { .card = card };

/* ------------------------------------------------------------------ */

static void
on_job(void *arg, const char *owner, const struct bh_job *job)
{
	(void)arg;
	ck_assert_str_eq(owner, "aws-sso/main");
	if (gs != NULL && !dead)
		grants_job(gs, job);
}

struct waiting { bool done; int result; };

static void
loaded(void *arg, int result)
{
	struct waiting *w = arg;

	w->done = true;
	w->result = result;
}

static bool
is_done(void *arg)
{
	return dead || ((struct waiting *)arg)->done;
}

static void
open_store(void)
{
	const char *error = "";
	char url[120];
	struct store_options o = { .url = url, .reserve = -1 };

	snprintf(url, sizeof(url), "sqlite:%s", path);
	ck_assert_msg(store_open_with(loop, &o, &store, &error) == BH_OK,
	    "%s", error);
}

void
world_start(void)
{
	static struct waiting w;

	w = (struct waiting){ false, 0 };
	dead = false;
	life++;
	gs = grants_new(&host, NULL, &grant_rules, &grant_face, &options);
	grants_load(gs, loaded, &w);
	ck_assert(loop_settle(loop, is_done, &w, MINUTE));
	ck_assert_int_eq(w.result, BH_OK);
	store_jobs_handler(store, on_job, NULL);
}

void
world_stop(void)
{
	grants_free(&gs);
	life++;
	/* What the dead would have heard frees their memory here. */
	for (size_t i = 0; i < unheard_count; i++)
		unheard[i].done(unheard[i].arg, BH_ECANCELLED);
	unheard_count = 0;
	store_flush(store);
}

void
world_restart(void)
{
	world_stop();
	store_close(&store);
	open_store();
	world_start();
}

void
world_setup(void)
{
	settling = NULL;
	static const char *const migrations[] = { GRANT_MIGRATION, NULL };
	const char *error = "", *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%.40s/bh-grantXXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	ck_assert(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/test.db", dir);
	world_freeze(T0);
	told = (struct bh_buf)BH_BUF(1000000);
	points = (struct bh_buf)BH_BUF(100000);
	aws_reset();
	rules = (struct rules){ .needed = 1, .may_approve = true };
	options = (struct grant_options){ .alarm = "test/#security",
	    .page = "https://page.example/" };
	commit_fails = kill_at = points_passed = 0;
	urgent_fails = dead = false;
	clock_step = 0;
	loop = loop_new();
	open_store();
	ck_assert_msg(store_migrate(store, "aws-sso", migrations, &error) ==
	    BH_OK, "%s", error);
	world_start();
}

void
world_teardown(void)
{
	DIR *d;
	struct dirent *e;
	char name[400];

	world_stop();
	pass(MINUTE);		/* what AWS still had to say */
	store_close(&store);
	loop_free(&loop);
	world_thaw();
	bh_buf_release(&told);
	bh_buf_release(&points);
	aws_reset();
	d = opendir(dir);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
			unlink(name);
		}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

void
pass(int64_t ms)
{
	loop_settle(loop, NULL, NULL, ms);
}

/* ------------------------------------------------------------------ */
/* What people do                                                      */

static struct waiting op;

static void
op_done(void *arg, int result, const struct grant *g, const char *sentence)
{
	(void)arg;
	op = (struct waiting){ true, result };
	snprintf(said, sizeof(said), "%s", sentence);
	if (g != NULL)
		snprintf(id, sizeof(id), "%s", g->id);
}

static int
wait_op(void)
{
	if (!loop_settle(loop, is_done, &op, MINUTE))
		ck_abort_msg("no answer came");
	return op.done ? op.result : BH_ECANCELLED;
}

int
request(const struct bh_user *who, int64_t duration)
{
	struct grant_ask ask = { .who = who, .team = "payments",
	    .place = "test/#payments", .principal = who->id,
	    .principal_name = who->id, .account = "111122223333",
	    .account_name = "prod", .permission_set = SET,
	    .permission_set_name = "PowerUser", .reason = "PAY-1 x",
	    .duration = duration, .session = HOUR };

	op.done = false;
	grant_request(gs, &ask, settling, op_done, NULL);
	return wait_op();
}

int
vote(const char *which, const struct bh_user *who)
{
	char copy[GRANT_ID_MAX];

	snprintf(copy, sizeof(copy), "%s", which);
	op.done = false;
	grant_vote(gs, copy, who, settling, op_done, NULL);
	return wait_op();
}

int
act(void (*fn)(struct grants *, const char *, const struct bh_user *,
    const char *, struct bh_call *, grant_done_cb *, void *), const char *which,
    const struct bh_user *who, const char *reason)
{
	char copy[GRANT_ID_MAX];

	snprintf(copy, sizeof(copy), "%s", which);
	op.done = false;
	fn(gs, copy, who, reason, settling, op_done, NULL);
	return wait_op();
}

int
cancel(const char *which, const struct bh_user *who)
{
	char copy[GRANT_ID_MAX];

	snprintf(copy, sizeof(copy), "%s", which);
	op.done = false;
	grant_cancel(gs, copy, who, settling, op_done, NULL);
	return wait_op();
}

int
extend(const char *which, const struct bh_user *who, int64_t more)
{
	char copy[GRANT_ID_MAX];

	snprintf(copy, sizeof(copy), "%s", which);
	op.done = false;
	grant_extend(gs, copy, who, more, "more", settling, op_done, NULL);
	return wait_op();
}

const char *
granted(int64_t duration)
{
	static char ids[8][GRANT_ID_MAX];
	static unsigned n;
	char *mine = ids[n++ % 8];

	ck_assert_msg(request(&ada, duration) == BH_OK, "%s", said);
	memcpy(mine, id, sizeof(id));
	if (rules.needed > 0)
		ck_assert_msg(vote(mine, &grace) == BH_OK, "%s", said);
	return mine;
}

/* ------------------------------------------------------------------ */
/* Looking                                                             */

static char found[4000];

static void
keep_cell(void *arg, int result, const struct bh_rows *rows)
{
	(void)arg;
	ck_assert_int_eq(result, BH_OK);
	snprintf(found, sizeof(found), "%s", rows->count == 0 ? "none" :
	    bh_cell(rows, 0, 0) != NULL ? bh_cell(rows, 0, 0) : "null");
}

const char *
cell(const char *sql)
{
	store_query(store, "host", sql, NULL, keep_cell, NULL);
	store_flush(store);
	return found;
}

const char *
state_of(const char *which)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT state FROM aws_sso_grant"
	    " WHERE id = '%s'", which);
	return cell(sql);
}

int
audited(const char *action)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM bh_audit"
	    " WHERE body LIKE '%%\"action\":\"%s\"%%'", action);
	return (int)strtol(cell(sql), NULL, 10);
}

void
check_books(void)
{
	FILE *out = fopen("/dev/null", "w");

	store_flush(store);
	ck_assert_int_eq(audit_verify(path, out), BH_OK);
	fclose(out);
	/* Every card says what the row says. */
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM aws_sso_grant g"
	    " LEFT JOIN bh_outbox o ON o.key = g.id"
	    " AND o.place = 'test/#payments'"
	    " WHERE o.text IS NULL OR o.text <> g.state"), "0");
	/* Whatever was carried out had its votes, of other people. */
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM aws_sso_grant g"
	    " WHERE decided > 0 AND (flags & 4) = 0 AND start_at > 0 AND"
	    " (SELECT COUNT(*) FROM aws_sso_vote v WHERE v.grant_id = g.id"
	    " AND v.person <> g.person) < g.needed"), "0");
	/* At most one approval for each. */
	ck_assert_str_eq(cell("SELECT COUNT(*) FROM aws_sso_grant g WHERE"
	    " (SELECT COUNT(*) FROM bh_audit WHERE"
	    " (body LIKE '%\"action\":\"request.approved\"%'"
	    " OR body LIKE '%\"action\":\"request.auto_approved\"%')"
	    " AND body LIKE '%\"grant\":\"' || g.id || '\"%') > 1"), "0");
	ck_assert_int_eq(aws.unbacked, 0);
}

void
settle_new(void)
{
	struct bh_tx *tx = store_tx(store, "host");

	one_call.api = &api;
	settling = &one_call;
	store_tx_keep(tx, ++kept_id, "acme", "{}", world_now());
	store_commit(tx, NULL, NULL);
	store_flush(store);
}

bool
settled(void)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM bh_inbox "
	    "WHERE id = %lld", (long long)kept_id);
	return strcmp(cell(sql), "0") == 0;
}

int64_t
kept_event(void)
{
	return kept_id;
}
