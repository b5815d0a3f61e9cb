/* sandbox.h - what the files of the local Identity Center share.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   wire.c      bytes of a request -> struct call -> bytes of an answer
 *   verify.c    whose signature is it, and is it right
 *   quota.c     how many calls a second
 *   fault.c     what shall go wrong on purpose
 *   check.c     are the members there, short enough, well formed
 *   identity-center.c  identity-store.c  organizations.c  sts.c
 *               one function per operation
 *   operation.c assignments, and the asynchronous work that changes them
 *   company.c   people, accounts, permission sets; seed.c says which
 *   state.c     the journal on disk
 *   control.c   the surface for tests; probe.c the same for chat scripts
 *
 * Everything is linear arrays: the largest company in the tests has some
 * thousands of rows, and at 20 calls a second a scan costs nothing.
 */

#ifndef AWS_SANDBOX_H
#define AWS_SANDBOX_H

#include <assert.h>

#include <bellhop/plugin.h>

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* ------------------------------------------------------------------ */
/* The company                                                         */

#define INSTANCE_ARN	"arn:aws:sso:::instance/ssoins-6804ac3e00000001"
#define STORE_HEX	"93670ac3e1"
#define STORE_ID	"d-" STORE_HEX
#define ORG_ID		"o-acme5andb0x"
#define ROOT_ID		"r-acme"

#define MANAGEMENT	0	/* index of the management account */
#define DELEGATED	1	/* index of the delegated administrator's */

struct unit {			/* an organizational unit */
	char id[24];
	char *name;
	int parent;		/* index, -1: the root */
};

struct account {
	char id[13];
	char *name;
	char *tags;		/* "team=payments env=prod" */
	int unit;		/* index, -1: directly under the root */
	bool suspended;
};

struct set {			/* a permission set */
	char arn[96];
	char *name, *about, *session;
};

/* Users and groups live in one array, so that an index names a principal. */
struct principal {
	char id[48];
	bool group, disabled, deleted;
	char *name;		/* user name, or the group's display name */
	char *given, *family, *email, *title;	/* users only */
	char *about;		/* groups only */
};

struct member {
	char id[48];
	int group, user;
	uint64_t seq;		/* never reused: pages continue after it */
};

struct assignment {
	int account, set, principal;
	uint64_t seq;
	int64_t since;		/* when it was applied */
};

enum work_status { WORK_BUSY, WORK_FAILED, WORK_DONE };

/* One CreateAccountAssignment or DeleteAccountAssignment at work. */
struct work {
	struct sandbox *sb;
	char id[37];
	bool create;
	bool group;			/* the type that was asked for */
	int account, set, principal;	/* principal -1: nobody has that id */
	char principal_id[48];
	int64_t created, due;
	uint64_t seq;
	int status;			/* enum work_status */
	char *reason;			/* of WORK_FAILED; planned if still busy */
	struct bh_timer *timer;
};

/* ------------------------------------------------------------------ */
/* Calls                                                               */

enum service { SSO, STORE, ORG, STS, SERVICES };

#define OP_WRITE	0x01u	/* changes who has what */
#define OP_POLL		0x02u	/* asks how asynchronous work is getting on */
#define OP_UNSIGNED	0x04u	/* takes no signature */
#define OP_ANY_REGION	0x08u	/* also outside the primary Region */

struct call;

/* One member of a request: what AWS's service model says of it. */
struct shape {
	const char *name;	/* as errors name it */
	size_t min, max;	/* bytes, or the value's range if number */
	const char *ere;	/* the pattern, anchored; NULL: any */
	const char *pattern;	/* the pattern as AWS writes it in errors */
	bool number;
};

struct field {
	const char *name;	/* "Filter.Status": inside a structure */
	const struct shape *shape;
	bool required;
};

struct op {
	const char *name;
	int service;			/* enum service */
	unsigned flags;
	void (*run)(struct call *);
	const struct field *fields;	/* ends with name NULL */
	double rate, burst;		/* its own; 0: the service's */
};

/* Whose credentials signed a call. */
struct caller {
	int account;		/* index; -1: nobody's (unsigned) */
	bool session;		/* temporary credentials */
	char arn[224];
	char user_id[128];
};

struct call {
	struct sandbox *sb;
	struct call *next;		/* those that wait for a timer */
	struct bh_timer *timer;
	struct bh_request *request;	/* NULL once answered */
	const struct op *op;
	struct bh_value *in;		/* body of a JSON call */
	struct bh_pair *form;		/* parameters of a Query call */
	size_t form_count;
	char *form_text;		/* what `form` points into */
	struct caller caller;
	char region[32];
	char signed_date[20];
	char request_id[37];
	uint64_t seq;			/* of its line in the log */
	int fault;			/* enum fault_kind, or FAULT_NONE */
	int64_t fault_ms;
	char *fault_message;
	int status;
	const char *code;		/* error name; NULL: it went well */
	struct bh_buf message;
	struct bh_buf extra;		/* more members of the error */
	struct bh_buf out;
};

struct logged {
	uint64_t seq;
	int64_t time;
	const struct op *op;
	char caller[224];
	char signed_date[20];
	char account[13], set[96], principal[48];	/* of writes */
	char outcome[40];		/* "ok", an error's name, a fault */
	bool refused;			/* its signature was not good */
};

/* ------------------------------------------------------------------ */
/* Faults, quotas, sessions                                            */

enum fault_kind {
	FAULT_NONE, FAULT_THROTTLE, FAULT_ERROR500, FAULT_HTML500,
	FAULT_RESET_BEFORE, FAULT_RESET_AFTER, FAULT_TRUNCATE,
	FAULT_MALFORMED, FAULT_LATE, FAULT_ASYNC_FAIL, FAULT_CONFLICT,
	FAULT_SLOW, FAULT_ACCESS_DENIED, FAULT_EXPIRED_TOKEN,
	FAULT_EXPIRED_SIGNATURE, FAULT_REDIRECT, FAULT_EMPTY_PAGE, FAULT_KINDS
};

struct fault {
	char operation[64];	/* its name, a service's, or "*" */
	int kind;
	long times;		/* how often still; -1: always */
	long after;		/* how many matching calls pass before */
	int64_t ms;
	char *message;
};

struct bucket {
	double tokens;
	int64_t at;
	bool used;
};

struct session {		/* what AssumeRole gave out */
	char key[24], secret[44], token[204];
	struct caller caller;
	int64_t expires;
};

/* How much is generated beside Acme. */
struct seed_sizes { long accounts, sets, users, assignments; };

#define OPS_MAX		64
#define LOG_MAX		20000
#define WORK_KEPT	4000	/* finished operations that are remembered */

#define LIST(type)	struct { type *at; size_t count, size; }

struct sandbox {
	unsigned magic;
#define SANDBOX_MAGIC	0x5a4db0c5u
	struct bh_host *host;
	struct bh_server *server;

	/* Settings. */
	char region[32];
	int64_t delay, jitter, visible_after;
	double rate, burst;
	long outstanding;
	int home;		/* index of the account of the first key */
	char key[64], secret[64];
	bool sets_enabled, status_too, long_tokens;
	struct seed_sizes more;
	char url[64];

	LIST(struct unit) units;
	LIST(struct account) accounts;
	LIST(struct set) sets;
	LIST(struct principal) principals;
	LIST(struct member) members;
	LIST(struct assignment) assignments;
	LIST(struct work *) work;
	LIST(struct session) sessions;
	LIST(struct fault) faults;
	LIST(struct logged) log;
	uint64_t next_seq;		/* members, assignments, work */
	uint64_t next_call;		/* log */
	uint64_t dropped;		/* lines the log no longer has */
	struct call *waiting;

	struct bucket sso_bucket;
	struct bucket buckets[OPS_MAX];

	/* Chat scripts. */
	uint64_t seen;			/* writes up to here were looked at */
	uint64_t counted_from;

	/* Disk. */
	int journal;			/* descriptor, -1: memory only */
	int lock;
	char *directory;
	size_t journal_lines;
	bool loading;
};

/* The sandbox behind the `void *` the host keeps for us. */
static inline struct sandbox *
sandbox_of(void *state)
{
	struct sandbox *sb = (struct sandbox *)state;

	assert(sb != NULL && sb->magic == SANDBOX_MAGIC);
	return sb;
}

/* Makes room for one more at the end and returns it, zeroed. */
#define list_add(l)	(__typeof__((l)->at))list_grow((void **)&(l)->at,	\
    &(l)->count, &(l)->size, sizeof(*(l)->at))
void *list_grow(void **at, size_t *count, size_t *size, size_t each);

/* A copy; never NULL for a text (dies when memory is gone). */
char *copy_text(const char *s);
/* Fixed arrays: cuts what does not fit. */
void set_text(char *out, size_t size, const char *s);
/* A random lower-case UUID. */
void new_uuid(struct sandbox *sb, char out[37]);
/* `n` hex digits that only depend on `kind` and `name`. */
void stable_hex(char *out, size_t n, const char *kind, const char *name);
void stable_uuid(char out[37], const char *kind, const char *name);
/* "20260105T100000Z" of ms, and back (false: not of that form). */
void format_stamp(char out[20], int64_t ms);
bool parse_stamp(const char *s, int64_t *ms);

/* ---- seed.c ---- */
void seed_company(struct sandbox *sb, const struct seed_sizes *more);

/* ---- company.c: index, or -1 ---- */
int account_find(const struct sandbox *sb, const char *id_or_name);
int set_find(const struct sandbox *sb, const char *arn_or_name);
int principal_find(const struct sandbox *sb, const char *id_or_name);
int principal_by_id(const struct sandbox *sb, const char *id);
int unit_find(const struct sandbox *sb, const char *id);
int member_find(const struct sandbox *sb, int group, int user);
int account_add(struct sandbox *sb, const char *id, const char *name,
    int unit, const char *tags);
int unit_add(struct sandbox *sb, const char *name, int parent);
int set_add(struct sandbox *sb, const char *name, const char *about,
    const char *session);
struct principal *principal_add(struct sandbox *sb, const char *name,
    bool group);
struct member *member_add(struct sandbox *sb, const char *id, int group,
    int user);
/* These also write the journal. */
void member_drop(struct sandbox *sb, size_t at);
void principal_mark(struct sandbox *sb, int principal, const char *status);
void account_mark(struct sandbox *sb, int account, bool suspended);
void company_free(struct sandbox *sb);	/* leaves it empty */

/* ---- operation.c ---- */
struct assignment *assignment_find(struct sandbox *sb, int account, int set,
    int principal);
void assignment_add(struct sandbox *sb, int account, int set, int principal);
/* The same without asking whether it is there and without the journal. */
void assignment_put(struct sandbox *sb, int account, int set, int principal);
void assignment_drop(struct sandbox *sb, int account, int set, int principal);
/* Whether a List call shows it by now. */
bool assignment_visible(const struct sandbox *sb, const struct assignment *a);
/* Whether anybody has `set` in `account`. */
bool assignment_any(const struct sandbox *sb, int account, int set);
struct work *work_find(const struct sandbox *sb, const char *id, bool create);
/* Under way for this triple, or NULL. */
struct work *work_busy(const struct sandbox *sb, int account, int set,
    const char *principal_id);
size_t work_outstanding(const struct sandbox *sb);
/* Begins it; `fail` NULL unless it shall end FAILED with that reason. */
struct work *work_start(struct sandbox *sb, bool create, int account, int set,
    const char *principal_id, bool group, const char *fail);
/* Sets the timer of work that the journal brought back. */
void work_resume(struct work *w);
void work_free_all(struct sandbox *sb);
const char *work_status_name(const struct work *w);

/* ---- state.c ---- */
int state_open(struct sandbox *sb, const char *directory);
void state_close(struct sandbox *sb);
/* Appends one JSON object; does nothing while loading or without a disk. */
void state_note(struct sandbox *sb, const char *format, ...) BH_PRINTF(2, 3);
void state_note_work(struct sandbox *sb, const struct work *w);
void state_note_session(struct sandbox *sb, const struct session *s);
/* Writes the journal anew from what is in memory. */
int state_compact(struct sandbox *sb);

/* ---- verify.c ---- */
/* Who signed this request.  BH_OK fills caller, region and signed_date of
 * the call; otherwise an error is set on it. */
int verify_call(struct call *c, const struct bh_http_in *in);
/* The signature that `secret` gives: for tests, and for verify_call().
 * `signed_headers` is "host;x-amz-date", `stamp` the time, `scope` what
 * stands after the key in Credential.  False: a signed header is missing. */
bool verify_signature(const struct bh_http_in *in, const char *secret,
    const char *signed_headers, const char *stamp, const char *scope,
    char out[65]);
void sha256_hex_of(const void *data, size_t len, char out[65]);

/* ---- quota.c ---- */
/* False: one call too many; the error is set. */
bool quota_take(struct call *c);

/* ---- fault.c ---- */
int fault_kind_of(const char *name);		/* -1: no such kind */
const char *fault_name(int kind);
struct fault *fault_add(struct sandbox *sb, const char *operation, int kind,
    long times, long after, int64_t ms, const char *message);
/* Picks the fault for this call, if any, and uses it up. */
void fault_pick(struct call *c);
/* Sets the error of a fault that is nothing but an error; true if it was. */
bool fault_error(struct call *c);
void fault_clear(struct sandbox *sb);

/* ---- check.c ---- */
extern const struct shape shape_instance, shape_set, shape_account,
    shape_principal, shape_principal_type, shape_target_type, shape_uuid,
    shape_status, shape_provisioning, shape_token, shape_max, shape_store,
    shape_resource, shape_store_token, shape_path, shape_any, shape_org_max,
    shape_org_token, shape_child, shape_parent, shape_child_type, shape_ou,
    shape_taggable, shape_role, shape_session_name, shape_seconds,
    shape_external, shape_jwt, shape_policy;
/* True if every member is as its shape says; else the error is set. */
bool check_fields(struct call *c);
/* A member's text ("Filter.Status" looks inside), or NULL. */
const char *call_text(const struct call *c, const char *name);
double call_number(const struct call *c, const char *name, double otherwise);
/* Splits "a=b&c=d" into c->form. False: too many. */
bool form_parse(struct call *c, const char *text, size_t len);

/* ---- wire.c ---- */
void wire_request(void *arg, struct bh_request *request,
    const struct bh_http_in *in);
void wire_close(struct sandbox *sb);	/* hangs up on those that wait */
void call_error(struct call *c, const char *code, const char *format, ...)
    BH_PRINTF(3, 4);
const char *service_name(int service);
/* JSON out: each puts a comma when one is due. */
void put_comma(struct bh_buf *b);
void put_key(struct bh_buf *b, const char *key);
void put_text(struct bh_buf *b, const char *key, const char *value);
void put_time(struct bh_buf *b, const char *key, int64_t ms);
void put_bool(struct bh_buf *b, const char *key, bool value);
void call_log_clear(struct sandbox *sb);
struct logged *call_logged(struct sandbox *sb, uint64_t seq);

/* ---- page.c ---- */
struct page {
	struct call *call;
	uint64_t from;		/* positions after this one are wanted */
	size_t left;		/* how many still fit */
	bool more;		/* at least one did not */
	uint64_t last;		/* the last position shown */
};
/* Begins a page of at most `preset` rows.  False: bad NextToken, the error
 * is set. */
bool page_begin(struct page *p, struct call *c, size_t preset);
/* Whether the row at `position` (they rise, and are never 0) is shown. */
bool page_take(struct page *p, uint64_t position);
/* Puts NextToken if there is more. */
void page_end(struct page *p);

/* ---- the services: tables that end with name NULL ---- */
extern const struct op identity_center_ops[];
extern const struct op identity_store_ops[];
extern const struct op organizations_ops[];
extern const struct op sts_ops[];

/* ---- control.c and probe.c ---- */
int control_routes(struct sandbox *sb);
/* Everything as on the first day; also on disk. */
void sandbox_reseed(struct sandbox *sb);
/* Sets what may be changed while it runs ("delay", "rate" ...); BH_ENOENT
 * or BH_EINVAL if there is no such setting or value. */
int sandbox_set(struct sandbox *sb, const char *key, const char *value);
/* People's words for what a logged write was about. */
void describe_write(struct sandbox *sb, const struct logged *l,
    struct bh_buf *b);
int probe_line(void *state, const char *line, struct bh_buf *answer);
int sandbox_command(struct bh_call *call, void *state);
/* "1500", "500ms", "2s", "5m", "1h" -> ms, -1 if it is none of these. */
int64_t parse_span(const char *s);

#endif
