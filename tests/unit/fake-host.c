/* fake-host.c - a host for unit tests of plugins: virtual time, canned HTTP.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/fake-host.h"

#include <assert.h>
#include <strings.h>

#include "host/base/duration.h"
#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/value.h"

#define ANSWERS	64
#define ROWS	16

struct inside;

/* Anything that happens later: a timer, an answer, a commit ... */
struct event {
	struct event *next;
	int64_t at;
	uint64_t order;
	void (*run)(struct inside *, struct event *);
	union {
		bh_timer_cb *timer;
		bh_http_cb *http;
		bh_commit_cb *commit;
		bh_rows_cb *rows;
		bh_exec_cb *exec;
	} cb;
	void *arg;
	int (*gate)(void *arg);
	size_t request;
	char *sql;
};

struct inside {
	struct fake f;			/* first */
	struct bh_api api;
	struct event *events;
	uint64_t order, random;
	struct fake_answer answers[ANSWERS];
	size_t answers_count;
	struct { const char *match; struct bh_rows rows; } rows[ROWS];
	size_t rows_count;
	struct bh_turn *turns;		/* held or asked for, in order */
	struct { char *lane; int64_t until; } pauses[64];
	size_t pauses_count;
};

/* A place in a lane. */
struct bh_turn {
	struct inside *in;
	struct bh_turn *next;
	char *lane;
	size_t record;			/* in f.turns */
	int rank;
	unsigned long most;		/* at once; 0: any number */
	bool given;
	bh_timer_cb *cb;
	void *arg;
};

struct fake_tx { struct bh_tx tx; struct inside *in; };

static struct inside *
inside(const struct bh_host *host)
{
	union { const struct bh_host *in; struct inside *out; } both =
	    { host };

	return both.out;
}

static struct event *
add_event(struct inside *in, int64_t ms,
    void (*run)(struct inside *, struct event *), void *arg)
{
	struct event *e = xcalloc(1, sizeof(*e));
	struct event **at = &in->events;

	e->at = in->f.now + (ms > 0 ? ms : 0);
	e->order = in->order++;
	e->run = run;
	e->arg = arg;
	while (*at != NULL && (*at)->at <= e->at)
		at = &(*at)->next;
	e->next = *at;
	*at = e;
	return e;
}

static void
remove_event(struct inside *in, const void *p)
{
	for (struct event **at = &in->events; *at != NULL; at = &(*at)->next)
		if (*at == p) {
			struct event *e = *at;

			*at = e->next;
			free(e->sql);
			free(e);
			return;
		}
	abort();	/* it ran already, or was cancelled: a bug of the caller */
}

/* --- the calls ---------------------------------------------------------------- */

static int64_t
api_now(struct bh_host *host)
{
	return inside(host)->f.now + inside(host)->f.clock_ahead;
}

static int64_t
api_mono(struct bh_host *host)
{
	return inside(host)->f.now - FAKE_START;
}

static void
api_random(struct bh_host *host, void *out, size_t len)
{
	struct inside *in = inside(host);
	unsigned char *p = out;

	for (size_t i = 0; i < len; i++) {
		in->random = in->random * 6364136223846793005u +
		    1442695040888963407u;
		p[i] = (unsigned char)(in->random >> 56);
	}
}

static void BH_PRINTF(3, 4)
api_log(struct bh_host *host, int level, const char *fmt, ...)
{
	struct fake *f = &inside(host)->f;
	size_t n = strlen(f->log);
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(f->log + n, sizeof(f->log) - n, fmt, ap);
	va_end(ap);
	n = strlen(f->log);
	snprintf(f->log + n, sizeof(f->log) - n, "\n");
}

static const char *
pair_in(const char *const *list, const char *key)
{
	for (; *list != NULL; list += 2)
		if (strcmp(list[0], key) == 0)
			return list[1];
	return NULL;
}

static const char *
api_config(struct bh_host *host, const char *key)
{
	return pair_in(inside(host)->f.config, key);
}

static const struct bh_value *
api_team_setting(struct bh_host *host, const char *team, const char *key)
{
	(void)team;
	if (inside(host)->f.settings != NULL)
		return bh_get(inside(host)->f.settings, key);
	return inside(host)->f.mapping;
}

static const char *
api_instance(struct bh_host *host)
{
	(void)host;
	return "main";
}

static const char *
api_lookup(struct bh_host *host, const char *name)
{
	return pair_in(inside(host)->f.published, name);
}

static void
api_json_free(struct bh_value *v)
{
	value_free(v);
}

static void
run_timer(struct inside *in, struct event *e)
{
	(void)in;
	e->cb.timer(e->arg);
}

static struct bh_timer *
api_after(struct bh_host *host, int64_t ms, bh_timer_cb *cb, void *arg)
{
	struct event *e = add_event(inside(host), ms, run_timer, arg);

	e->cb.timer = cb;
	return (struct bh_timer *)(void *)e;
}

/* The API's cancel() names no host: there is one at a time. */
static struct inside *alive;

static void
api_cancel(struct bh_timer *timer)
{
	if (timer != NULL)
		remove_event(alive, timer);
}

static void
api_http_cancel(struct bh_xfer *xfer)
{
	if (xfer != NULL)
		remove_event(alive, xfer);
}

/* --- people and health ---------------------------------------------------------- */

static bool
api_person(struct bh_host *host, const char *id, struct bh_user *out)
{
	struct fake *f = &inside(host)->f;

	for (size_t i = 0; i < 8; i++)
		if (f->people[i].person != NULL &&
		    strcmp(f->people[i].person, id) == 0) {
			*out = f->people[i];
			return true;
		}
	return false;
}

static void BH_PRINTF(3, 4)
api_health(struct bh_host *host, int health, const char *fmt, ...)
{
	struct fake *f = &inside(host)->f;
	va_list ap;

	f->health = health;
	va_start(ap, fmt);
	vsnprintf(f->health_text, sizeof(f->health_text), fmt, ap);
	va_end(ap);
}

/* --- lanes ----------------------------------------------------------------------- */

static int64_t
paused_until(const struct inside *in, const char *lane)
{
	for (size_t i = 0; i < in->pauses_count; i++)
		if (strcmp(in->pauses[i].lane, lane) == 0)
			return in->pauses[i].until;
	return 0;
}

static void run_lanes(struct inside *in, struct event *e);

/* The next question that may be answered with yes: of the lowest rank, the
 * first; NULL if there is none. */
static struct bh_turn *
next_turn(struct inside *in)
{
	struct bh_turn *best = NULL;

	for (struct bh_turn *t = in->turns; t != NULL; t = t->next) {
		unsigned long held = 0;

		if (t->given || paused_until(in, t->lane) > in->f.now ||
		    (best != NULL && best->rank <= t->rank))
			continue;
		for (struct bh_turn *o = in->turns; o != NULL; o = o->next)
			held += o->given && strcmp(o->lane, t->lane) == 0;
		if (t->most == 0 || held < t->most)
			best = t;
	}
	return best;
}

static void
run_lanes(struct inside *in, struct event *e)
{
	struct bh_turn *t;

	(void)e;
	while ((t = next_turn(in)) != NULL) {
		t->given = true;
		in->f.turns[t->record].given = in->f.now;
		t->cb(t->arg);
	}
}

static struct bh_turn *
api_turn(struct bh_host *host, const char *lane, const char *limits,
    int rank, bh_timer_cb *cb, void *arg)
{
	struct inside *in = inside(host);
	struct bh_turn *t, **at = &in->turns;

	if (in->f.turns_refused)
		return NULL;
	assert(in->f.turns_count < 4096);
	t = xcalloc(1, sizeof(*t));
	while (*at != NULL)
		at = &(*at)->next;
	*at = t;
	t->in = in;
	t->lane = xstrdup(lane);
	t->rank = rank;
	t->most = strstr(limits, "at once") != NULL ?
	    strtoul(limits, NULL, 10) : 0;
	t->cb = cb;
	t->arg = arg;
	t->record = in->f.turns_count;
	in->f.turns[in->f.turns_count++] = (struct fake_turn){ xstrdup(lane),
	    xstrdup(limits), rank, in->f.now, -1 };
	add_event(in, 0, run_lanes, NULL);
	return t;
}

static void
api_turn_over(struct bh_turn *turn, int64_t pause)
{
	struct inside *in = turn->in;
	struct bh_turn **at = &in->turns;
	size_t i = 0;

	while (*at != turn)
		at = &(*at)->next;
	*at = turn->next;
	if (pause > 0) {
		while (i < in->pauses_count &&
		    strcmp(in->pauses[i].lane, turn->lane) != 0)
			i++;
		assert(i < 64);
		if (i == in->pauses_count)
			in->pauses[in->pauses_count++].lane =
			    xstrdup(turn->lane);
		in->pauses[i].until = in->f.now + pause;
	}
	add_event(in, pause, run_lanes, NULL);
	add_event(in, 0, run_lanes, NULL);
	free(turn->lane);
	free(turn);
}

/* --- HTTP --------------------------------------------------------------------- */

static bool
request_matches(const struct fake_request *r, const char *match)
{
	return match == NULL || strcmp(r->method, match) == 0 ||
	    strstr(r->url, match) != NULL || strstr(r->body, match) != NULL ||
	    (r->target != NULL && strstr(r->target, match) != NULL);
}

static const struct fake_answer *
pick(struct inside *in, const struct fake_request *r)
{
	for (size_t i = 0; i < in->answers_count; i++) {
		struct fake_answer *a = &in->answers[i];

		if (a->times < 0 || !request_matches(r, a->match))
			continue;
		if (a->times > 0 && --a->times == 0)
			a->times = -1;
		return a;
	}
	return NULL;
}

static void
run_answer(struct inside *in, struct event *e)
{
	struct fake_request *r = &in->f.requests[e->request];
	const struct fake_answer *a;
	struct bh_pair headers[4];
	struct bh_answer answer = { .body = "", .headers = headers };

	if (e->gate != NULL && e->gate(e->arg) != 0) {
		answer.result = BH_ECANCELLED;
		answer.error = "stopped before it was sent";
		e->cb.http(e->arg, &answer);
		return;
	}
	if ((a = pick(in, r)) == NULL) {
		answer.result = BH_ENET;
		answer.error = "connection refused";
		e->cb.http(e->arg, &answer);
		return;
	}
	r->sent = answer.sent = !a->unsent;
	answer.result = a->result;
	if (a->result == BH_OK) {
		answer.status = a->status > 0 ? a->status : 200;
		answer.body = a->body != NULL ? a->body : "";
		answer.body_len = strlen(answer.body);
		for (size_t i = 0; i < 6 && a->headers[i] != NULL; i += 2)
			headers[answer.headers_count++] = (struct bh_pair){
			    a->headers[i], a->headers[i + 1] };
	} else
		answer.error = "the connection broke";
	e->cb.http(e->arg, &answer);
}

static int64_t
delay_of(const struct inside *in, const struct fake_request *r)
{
	for (size_t i = 0; i < in->answers_count; i++)
		if (in->answers[i].times >= 0 &&
		    request_matches(r, in->answers[i].match))
			return in->answers[i].delay;
	return 0;
}

static struct bh_xfer *
api_http(struct bh_host *host, const struct bh_http *http, bh_http_cb *cb,
    void *arg)
{
	struct inside *in = inside(host);
	struct fake_request *r = &in->f.requests[in->f.requests_count];
	struct bh_buf headers = BH_BUF(1 << 20);
	struct event *e;

	assert(in->f.requests_count < 4096);
	r->method = xstrdup(http->method);
	r->url = xstrdup(http->url);
	r->body = xstrndup(http->body != NULL ? http->body : "",
	    http->body_len);
	bh_buf_puts(&headers, "");
	for (size_t i = 0; http->headers != NULL && http->headers[i] != NULL;
	    i++)
		bh_buf_add(&headers, "%s\n", http->headers[i]);
	r->headers = headers.data;
	r->target = xstrdup(fake_header(r, "X-Amz-Target"));
	if (r->target != NULL)
		r->target[strcspn(r->target, "\n")] = '\0';
	r->at = in->f.now;
	e = add_event(in, delay_of(in, r), run_answer, arg);
	e->cb.http = cb;
	e->gate = http->gate;
	e->request = in->f.requests_count++;
	return (struct bh_xfer *)(void *)e;
}

static void
run_exec(struct inside *in, struct event *e)
{
	const char *out = in->f.exec_output;

	e->cb.exec(e->arg, out != NULL ? BH_OK : BH_EIO,
	    out != NULL ? out : "", out != NULL ? strlen(out) : 0);
}

static int
api_exec(struct bh_host *host, const char *const *argv, int64_t timeout,
    bh_exec_cb *cb, void *arg)
{
	struct inside *in = inside(host);
	struct bh_buf all = BH_BUF(1000);

	(void)timeout;
	for (; *argv != NULL; argv++)
		bh_buf_add(&all, "[%s]", *argv);
	snprintf(in->f.exec_argv, sizeof(in->f.exec_argv), "%s",
	    bh_buf_text(&all));
	bh_buf_release(&all);
	add_event(in, 5, run_exec, arg)->cb.exec = cb;
	return BH_OK;
}

/* --- the store ----------------------------------------------------------------- */

static void
api_tx_urgent(struct bh_tx *tx)
{
	(void)tx;
}

static void
api_failpoint(struct bh_host *host, const char *name)
{
	(void)host;
	(void)name;
}

static struct bh_tx *
api_tx(struct bh_host *host)
{
	struct fake_tx *tx = xcalloc(1, sizeof(*tx));

	tx->tx.api = host->api;
	tx->in = inside(host);
	return &tx->tx;
}

static void
api_tx_sql(struct bh_tx *tx, int expect, const char *sql,
    const struct bh_param *params)
{
	struct fake *f = &((struct fake_tx *)(void *)tx)->in->f;
	struct bh_buf text = BH_BUF(1 << 20);

	(void)expect;
	assert(f->sql_count < 16384);
	bh_buf_puts(&text, "");
	for (; params->type != 0; params++)
		if (params->type == 'i')
			bh_buf_add(&text, "%lld|", (long long)params->i);
		else
			bh_buf_add(&text, "%s|", params->s != NULL ?
			    params->s : "NULL");
	f->sql[f->sql_count].sql = xstrdup(sql);
	f->sql[f->sql_count++].params = text.data;
}

static void
run_commit(struct inside *in, struct event *e)
{
	if (e->cb.commit != NULL)
		e->cb.commit(e->arg, in->f.commit_result);
}

static int
api_commit(struct bh_tx *tx, bh_commit_cb *done, void *arg)
{
	struct inside *in = ((struct fake_tx *)(void *)tx)->in;

	add_event(in, 1, run_commit, arg)->cb.commit = done;
	free(tx);
	return BH_OK;
}

static void
api_tx_drop(struct bh_tx *tx)
{
	free(tx);
}

static void
run_query(struct inside *in, struct event *e)
{
	const struct bh_rows none = { 0, 0, NULL };

	for (size_t i = 0; i < in->rows_count; i++)
		if (in->rows[i].match != NULL &&
		    strstr(e->sql, in->rows[i].match) != NULL) {
			struct bh_rows rows = in->rows[i].rows;

			in->rows[i].match = NULL;	/* once */
			e->cb.rows(e->arg, BH_OK, &rows);
			return;
		}
	e->cb.rows(e->arg, BH_OK, &none);
}

static int
api_query(struct bh_host *host, const char *sql,
    const struct bh_param *params, bh_rows_cb *done, void *arg)
{
	struct event *e = add_event(inside(host), 1, run_query, arg);

	(void)params;
	e->cb.rows = done;
	e->sql = xstrdup(sql);
	return BH_OK;
}

/* --- the test's side -------------------------------------------------------------- */

struct fake *
fake_new(void)
{
	struct inside *in = xcalloc(1, sizeof(*in));

	in->api = (struct bh_api){
		.size = sizeof(struct bh_api), .major = BH_ABI_MAJOR,
		.now = api_now, .mono = api_mono, .random = api_random,
		.log = api_log, .host_config = api_config,
		.team_setting = api_team_setting, .instance = api_instance,
		.tx = api_tx, .tx_sql = api_tx_sql, .commit = api_commit,
		.tx_drop = api_tx_drop, .query = api_query,
		.tx_urgent = api_tx_urgent, .failpoint = api_failpoint,
		.json = json_parse, .json_free = api_json_free,
		.after = api_after, .cancel = api_cancel, .exec = api_exec,
		.http = api_http, .http_cancel = api_http_cancel,
		.lookup = api_lookup, .duration = duration_parse,
		.duration_text = duration_format, .glob = text_glob,
		.nearest = text_nearest, .person = api_person,
		.health = api_health, .turn = api_turn,
		.turn_over = api_turn_over, .http_public = api_http
	};
	fake_inbound_table(&in->api);
	fake_socket_table(&in->api);
	in->f.opened = BH_PENDING;
	in->f.host.api = &in->api;
	in->f.now = FAKE_START;
	in->random = 42;
	alive = in;
	return &in->f;
}

void
fake_free(struct fake **fake)
{
	struct inside *in = inside(&(*fake)->host);

	while (in->events != NULL)
		remove_event(in, in->events);
	fake_inbound_free(&in->f);
	fake_socket_free(&in->f);
	for (size_t i = 0; i < in->f.requests_count; i++) {
		struct fake_request *r = &in->f.requests[i];

		free(r->method);
		free(r->url);
		free(r->target);
		free(r->body);
		free(r->headers);
	}
	for (struct bh_turn *t = in->turns, *next; t != NULL; t = next) {
		next = t->next;
		free(t->lane);
		free(t);
	}
	for (size_t i = 0; i < in->f.turns_count; i++) {
		free(in->f.turns[i].lane);
		free(in->f.turns[i].limits);
	}
	for (size_t i = 0; i < in->pauses_count; i++)
		free(in->pauses[i].lane);
	for (size_t i = 0; i < in->f.sql_count; i++) {
		free(in->f.sql[i].sql);
		free(in->f.sql[i].params);
	}
	free(in);
	alive = NULL;
	*fake = NULL;
}

void
fake_answer(struct fake *fake, const struct fake_answer *answer)
{
	struct inside *in = inside(&fake->host);

	assert(in->answers_count < ANSWERS);
	in->answers[in->answers_count++] = *answer;
}

void
fake_ok(struct fake *fake, const char *match, const char *body)
{
	fake_answer(fake, &(struct fake_answer){ .match = match,
	    .body = body });
}

void
fake_forget_answers(struct fake *fake)
{
	inside(&fake->host)->answers_count = 0;
}

void
fake_rows(struct fake *fake, const char *match, size_t columns, size_t count,
    const char *const *cells)
{
	struct inside *in = inside(&fake->host);

	assert(in->rows_count < ROWS);
	in->rows[in->rows_count].match = match;
	in->rows[in->rows_count++].rows = (struct bh_rows){ columns, count,
	    cells };
}

void
fake_run(struct fake *fake, int64_t ms)
{
	struct inside *in = inside(&fake->host);
	int64_t end = fake->now + ms;

	while (in->events != NULL && in->events->at <= end) {
		struct event *e = in->events;

		in->events = e->next;
		if (e->at > fake->now)
			fake->now = e->at;
		e->run(in, e);
		free(e->sql);
		free(e);
	}
	fake->now = end;
}

const struct fake_request *
fake_find(const struct fake *fake, const char *match, size_t n)
{
	for (size_t i = 0; i < fake->requests_count; i++)
		if (request_matches(&fake->requests[i], match) && n-- == 0)
			return &fake->requests[i];
	return NULL;
}

size_t
fake_count(const struct fake *fake, const char *match)
{
	size_t n = 0;

	while (fake_find(fake, match, n) != NULL)
		n++;
	return n;
}

const char *
fake_header(const struct fake_request *request, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = request->headers; *p != '\0';) {
		if (strncasecmp(p, name, n) == 0 && p[n] == ':')
			return p + n + 2;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return NULL;
}

size_t
fake_sql_count(const struct fake *fake, const char *match)
{
	size_t n = 0;

	for (size_t i = 0; i < fake->sql_count; i++)
		n += strstr(fake->sql[i].sql, match) != NULL ||
		    strstr(fake->sql[i].params, match) != NULL;
	return n;
}
