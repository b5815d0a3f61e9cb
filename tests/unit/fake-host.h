/* fake-host.h - a host for unit tests of plugins: virtual time, canned HTTP.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing leaves the process and nothing waits.  Time moves only in
 * fake_run(); HTTP requests are answered by rules, the first that matches;
 * SQL is recorded, and queries are answered by rules too.  Lanes know ranks,
 * "N at once" and pauses; their other limits are recorded only.
 */

#ifndef TESTS_UNIT_FAKE_HOST_H
#define TESTS_UNIT_FAKE_HOST_H

#include <bellhop/plugin.h>

/* 2026-01-05T10:00:00Z */
#define FAKE_START	INT64_C(1767607200000)

/* One HTTP request as it was made. */
struct fake_request {
	char *method, *url, *target, *body, *headers;	/* "Name: value\n"... */
	int64_t at;			/* when it was sent */
	bool sent;			/* past its gate */
};

struct fake_answer {
	const char *match;	/* in method, URL, target and body; NULL: any */
	int result;		/* BH_OK, or the failure */
	bool unsent;		/* failed before the first byte */
	int status;		/* 200 if 0 */
	const char *body;
	const char *headers[6];	/* name, value, name, value ... lower case */
	int64_t delay;		/* ms */
	int times;		/* how often it answers; 0: for ever */
};

struct fake_sql { char *sql, *params; };	/* "a|b|c" */

/* One question for a turn, and when it was given. */
struct fake_turn { char *lane, *limits; int rank; int64_t asked, given; };

/* The other way: requests to the plugin, and what it delivers. */

/* One request to a route of the plugin, and its answer. */
struct fake_incoming {
	struct bh_request request;	/* first: the plugin's handle */
	int status;			/* of the answer; 0: not answered yet */
	char *body, *headers;		/* of the answer; "Name: value\n"... */
};

/* One bh_deliver(), copied. */
struct fake_delivered {
	struct bh_event event;
	int result;			/* what it returned */
	struct fake *fake;
	bh_commit_cb *received;
	void *arg;
};

struct fake_inbound {
	struct { char *method, *path; bh_route_cb *cb; void *arg; } routes[16];
	size_t routes_count;
	int route_result;		/* of every bh_route() */
	struct fake_incoming *incoming[16384];
	size_t incoming_count;
	struct fake_delivered events[4096];
	size_t events_count;
	int deliver_result;		/* of every bh_deliver() */
	int received_result;		/* after those that went well ... */
	int64_t received_after;		/* ... so many ms; 0: 1 ms */
};

/* One WebSocket of the plugin; the test is its other end. */
struct fake_socket {
	struct fake *fake;
	char *url;
	struct bh_socket_to to;		/* the numbers; texts are gone */
	struct bh_socket_calls calls;
	void *arg;
	int64_t made;
	bool open;			/* fake_socket_open() */
	bool closing, dropped;		/* by the plugin, with this code */
	int close_code;
	bool gone;			/* closed() came, or it was dropped */
	int send_result;		/* of each send */
	char *sent[4096];
	size_t sent_count;
	struct bh_timer *timer;
};

struct fake {
	struct bh_host host;	/* first: the plugin's handle */
	int64_t now;
	const char *config[32];	/* key, value, key, value ... NULL */
	const char *published[4];	/* name, value, NULL */
	const struct bh_value *mapping;	/* what team_setting() gives */
	struct fake_request requests[4096];
	size_t requests_count;
	struct fake_sql sql[16384];
	size_t sql_count;
	int commit_result;	/* of all commits */
	char log[8192];
	const char *exec_output;	/* of all programs; NULL: they fail */
	char exec_argv[1024];	/* "[a][b c]" of the last */
	int64_t clock_ahead;	/* what bh_now() is ahead of AWS's clock */
	struct bh_user people[8];	/* whom bh_person() knows */
	int health;		/* as the plugin said last */
	char health_text[512];
	struct fake_turn turns[4096];	/* in the order of the questions */
	size_t turns_count;
	bool turns_refused;	/* too many wait already */
	const struct bh_value *settings;	/* what team_setting() gives, by
					 * key; NULL: `mapping` for all */
	int opened;		/* bh_opened()'s; BH_PENDING until then */
	struct fake_inbound inbound;
	struct fake_socket *sockets[4096];
	size_t sockets_count;
	bool sockets_refused;	/* no URL can be used */
};

/* A host of its own for each test. */
struct fake *fake_new(void);
void fake_free(struct fake **fake);

/* Adds an answer at the end of the list.  The struct is copied, not what it
 * points to. */
void fake_answer(struct fake *fake, const struct fake_answer *answer);
/* The short form: a body with status 200 for ever. */
void fake_ok(struct fake *fake, const char *match, const char *body);
void fake_forget_answers(struct fake *fake);

/* Rows for queries whose SQL contains `match`; `cells` row by row. */
void fake_rows(struct fake *fake, const char *match, size_t columns,
    size_t count, const char *const *cells);

/* Runs everything that is due within the next `ms`, in order. */
void fake_run(struct fake *fake, int64_t ms);

/* How many requests match (as in struct fake_answer), and the n-th. */
size_t fake_count(const struct fake *fake, const char *match);
const struct fake_request *fake_find(const struct fake *fake,
    const char *match, size_t n);
/* A header of a request, NULL if it has none. */
const char *fake_header(const struct fake_request *request,
    const char *name);
/* How many recorded statements contain the text. */
size_t fake_sql_count(const struct fake *fake, const char *match);

/* fake-inbound.c: sends a request to the plugin's route for it; `headers` is
 * name, value, name ... NULL, lower case.  NULL if there is no route. */
struct fake_incoming *fake_incoming(struct fake *fake, const char *method,
    const char *path, const char *const *headers, const char *body,
    size_t len);
/* What bh_deliver() was given, the n-th; NULL past the last. */
const struct bh_event *fake_event(const struct fake *fake, size_t n);

/* fake-socket.c: the n-th WebSocket that was opened, NULL past the last; how
 * many are not closed. */
struct fake_socket *fake_socket(struct fake *fake, size_t n);
size_t fake_sockets_alive(const struct fake *fake);
/* It is open; it says something; it ends as in struct bh_socket_calls. */
void fake_socket_open(struct fake_socket *s);
void fake_socket_say(struct fake_socket *s, const char *text);
void fake_socket_end(struct fake_socket *s, int result, int code,
    const char *why);

/* Called by fake-host.c alone. */
void fake_socket_table(struct bh_api *api);
void fake_socket_free(struct fake *fake);
void fake_inbound_table(struct bh_api *api);
void fake_inbound_free(struct fake *fake);

#endif
