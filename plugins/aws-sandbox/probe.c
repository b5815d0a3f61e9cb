/* probe.c - lines of chat scripts about what AWS sees and has.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   aws sees CreateAccountAssignment ada prod-payments PowerUser [OUTCOME]
 *   aws sees nothing new
 *   aws has [no] ada prod-payments PowerUser
 *   aws idle
 *   aws fault OPERATION KIND [times=N] [after=N] [ms=N] [message="..."]
 *   aws assigns | unassigns ada prod-payments ReadOnly
 *   aws disables | enables | deletes [user] katherine
 *   aws adds | removes annie "Payments Leads"
 *   aws suspends | restores prod-web
 *   aws sets delay 5s
 *   aws counts from here
 *   aws calls sso-admin [besides polls] <= 3
 */

#include "plugins/aws-sandbox/sandbox.h"

#define WORDS_MAX	16

struct words {
	char text[1024];
	const char *at[WORDS_MAX];
	int count;
};

/* Splits at blanks; "..." keeps them.  A first word "aws" is left out: it
 * names us. */
static bool
split(struct words *w, const char *line)
{
	char *to = w->text, *end = w->text + sizeof(w->text) - 1;

	w->count = 0;
	for (;;) {
		bool quoted = false;

		while (*line == ' ' || *line == '\t')
			line++;
		if (*line == '\0')
			break;
		if (w->count == WORDS_MAX)
			return false;
		w->at[w->count++] = to;
		for (; *line != '\0' && (quoted ||
		    (*line != ' ' && *line != '\t')); line++) {
			if (*line == '"')
				quoted = !quoted;
			else if (to < end)
				*to++ = *line;
		}
		if (quoted || to >= end)
			return false;
		*to++ = '\0';
	}
	if (w->count > 0 && strcmp(w->at[0], "aws") == 0) {
		memmove(w->at, w->at + 1,
		    (size_t)--w->count * sizeof(w->at[0]));
	}
	return w->count > 0;
}

static bool
word_is(const struct words *w, int i, const char *text)
{
	return i < w->count && strcmp(w->at[i], text) == 0;
}

struct triple {
	int who, account, set;
};

/* The names at words i, i+1, i+2. */
static int
find_triple(struct sandbox *sb, const struct words *w, int i,
    struct triple *t, struct bh_buf *answer)
{
	if (i + 3 > w->count) {
		bh_buf_puts(answer, "say who, account and permission set");
		return BH_EINVAL;
	}
	t->who = principal_find(sb, w->at[i]);
	t->account = account_find(sb, w->at[i + 1]);
	t->set = set_find(sb, w->at[i + 2]);
	if (t->who >= 0 && t->account >= 0 && t->set >= 0)
		return BH_OK;
	bh_buf_add(answer, "the sandbox knows no %s \"%s\"", t->who < 0 ?
	    "person" : t->account < 0 ? "account" : "permission set",
	    t->who < 0 ? w->at[i] : t->account < 0 ? w->at[i + 1] :
	    w->at[i + 2]);
	return BH_ENOENT;
}

void
describe_write(struct sandbox *sb, const struct logged *l, struct bh_buf *b)
{
	int who = principal_by_id(sb, l->principal);
	int account = account_find(sb, l->account);
	int set = set_find(sb, l->set);
	int group = principal_by_id(sb, l->set);

	bh_buf_add(b, "%s %s", l->op->name, who >= 0 ?
	    sb->principals.at[who].name : l->principal);
	if (l->op->service == STORE)
		bh_buf_add(b, " \"%s\"", group >= 0 ?
		    sb->principals.at[group].name : l->set);
	else
		bh_buf_add(b, " %s %s", account >= 0 ?
		    sb->accounts.at[account].name : l->account, set >= 0 ?
		    sb->sets.at[set].name : l->set);
	if (strcmp(l->outcome, "ok") != 0)
		bh_buf_add(b, " (%s)", l->outcome[0] != '\0' ? l->outcome :
		    "pending");
}

/* The first write that no line has looked at yet, or NULL. */
static struct logged *
next_write(struct sandbox *sb)
{
	for (size_t i = 0; i < sb->log.count; i++) {
		struct logged *l = &sb->log.at[i];

		if (l->seq > sb->seen && !l->refused &&
		    (l->op->flags & OP_WRITE) != 0)
			return l;
	}
	return NULL;
}

static bool
same_write(struct sandbox *sb, const struct logged *l, const struct words *w)
{
	if (strcmp(l->op->name, w->at[1]) != 0 || w->count < 4)
		return false;

	int who = principal_find(sb, w->at[2]);

	if (who < 0 || strcmp(sb->principals.at[who].id, l->principal) != 0)
		return false;
	if (l->op->service == STORE) {
		int group = principal_find(sb, w->at[3]);

		return group >= 0 &&
		    strcmp(sb->principals.at[group].id, l->set) == 0;
	}

	int account = account_find(sb, w->at[3]);
	int set = w->count > 4 ? set_find(sb, w->at[4]) : -1;

	return account >= 0 && set >= 0 &&
	    strcmp(sb->accounts.at[account].id, l->account) == 0 &&
	    strcmp(sb->sets.at[set].arn, l->set) == 0 &&
	    (w->count < 6 || strcmp(w->at[5], l->outcome) == 0);
}

static int
sees(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	struct logged *l = next_write(sb);
	struct triple t;

	if (word_is(w, 1, "nothing")) {
		if (l == NULL)
			return BH_OK;
		bh_buf_puts(answer, "AWS saw ");
		describe_write(sb, l, answer);
		return BH_ECONFLICT;
	}
	/* A slip in a name must not look like patience. */
	if (strstr(w->count > 1 ? w->at[1] : "", "AccountAssignment") != NULL &&
	    find_triple(sb, w, 2, &t, answer) != BH_OK)
		return BH_EINVAL;
	if (l == NULL) {
		bh_buf_puts(answer, "AWS has seen nothing new");
		return BH_PENDING;
	}
	if (w->count > 1 && same_write(sb, l, w)) {
		sb->seen = l->seq;
		return BH_OK;
	}
	bh_buf_puts(answer, "AWS saw ");
	describe_write(sb, l, answer);
	return BH_ECONFLICT;
}

static int
has(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	bool no = word_is(w, 1, "no");
	struct triple t;
	int ret = find_triple(sb, w, no ? 2 : 1, &t, answer);

	if (ret != BH_OK)
		return ret;
	if ((assignment_find(sb, t.account, t.set, t.who) == NULL) == no)
		return BH_OK;
	bh_buf_add(answer, "AWS has %s%s %s %s", no ? "" : "no ",
	    sb->principals.at[t.who].name, sb->accounts.at[t.account].name,
	    sb->sets.at[t.set].name);
	return BH_PENDING;
}

static int
fault(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	long times = 1, after = 0;
	const char *message = NULL;
	int64_t ms = 1000;

	if (word_is(w, 1, "none")) {
		fault_clear(sb);
		return BH_OK;
	}
	for (int i = 3; i < w->count; i++) {
		const char *s = w->at[i];

		if (strncmp(s, "times=", 6) == 0)
			times = strtol(s + 6, NULL, 10);
		else if (strncmp(s, "after=", 6) == 0)
			after = strtol(s + 6, NULL, 10);
		else if (strncmp(s, "ms=", 3) == 0)
			ms = parse_span(s + 3);
		else if (strncmp(s, "message=", 8) == 0)
			message = s + 8;
		else
			ms = -1;
	}
	if (w->count >= 3 && ms >= 0 && fault_add(sb, w->at[1],
	    fault_kind_of(w->at[2]), times, after, ms, message) != NULL)
		return BH_OK;
	bh_buf_puts(answer, "say: fault OPERATION KIND [times=N] [after=N] "
	    "[ms=N] [message=\"...\"], where KIND is one of");
	for (int i = FAULT_NONE + 1; i < FAULT_KINDS; i++)
		bh_buf_add(answer, " %s", fault_name(i));
	return BH_EINVAL;
}

static int
assigns(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	struct triple t;
	int ret = find_triple(sb, w, 1, &t, answer);

	if (ret != BH_OK)
		return ret;
	if (word_is(w, 0, "assigns"))
		assignment_add(sb, t.account, t.set, t.who);
	else
		assignment_drop(sb, t.account, t.set, t.who);
	return BH_OK;
}

static int
marks(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	const char *name = w->count > 1 ? w->at[w->count - 1] : "";
	int who = principal_find(sb, name);

	if (who < 0) {
		bh_buf_add(answer, "the sandbox knows no person \"%s\"", name);
		return BH_ENOENT;
	}
	principal_mark(sb, who, word_is(w, 0, "disables") ? "DISABLED" :
	    word_is(w, 0, "deletes") ? "DELETED" : "ENABLED");
	return BH_OK;
}

static int
joins(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	int user = w->count > 2 ? principal_find(sb, w->at[1]) : -1;
	int group = w->count > 2 ? principal_find(sb, w->at[w->count - 1]) : -1;

	if (user < 0 || group < 0 || sb->principals.at[user].group ||
	    !sb->principals.at[group].group) {
		bh_buf_add(answer, "say: %s PERSON \"GROUP\", both existing",
		    w->at[0]);
		return BH_EINVAL;
	}

	int at = member_find(sb, group, user);

	if (word_is(w, 0, "adds") && at < 0)
		member_add(sb, NULL, group, user);
	else if (word_is(w, 0, "removes") && at >= 0)
		member_drop(sb, (size_t)at);
	return BH_OK;
}

static int
suspends(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	int account = w->count > 1 ? account_find(sb, w->at[1]) : -1;

	if (account < 0) {
		bh_buf_puts(answer, "say an account that exists");
		return BH_ENOENT;
	}
	account_mark(sb, account, word_is(w, 0, "suspends"));
	return BH_OK;
}

static int
sets(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	if (w->count == 3 && sandbox_set(sb, w->at[1], w->at[2]) == BH_OK)
		return BH_OK;
	bh_buf_puts(answer, "say: sets delay|jitter|visible-after|rate|burst|"
	    "outstanding|permission-sets-enabled|status-too|long-tokens VALUE");
	return BH_EINVAL;
}

static int
counts(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	(void)w;
	(void)answer;
	sb->counted_from = sb->next_call;
	return BH_OK;
}

static int
calls(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	bool polls = !word_is(w, 2, "besides");
	int at = polls ? 2 : 4;
	long limit, n = 0;

	if (w->count != at + 2) {
		bh_buf_puts(answer, "say: calls SERVICE|OPERATION [besides "
		    "polls] <=|=|>= N");
		return BH_EINVAL;
	}
	for (size_t i = 0; i < sb->log.count; i++) {
		const struct logged *l = &sb->log.at[i];

		if (l->seq > sb->counted_from &&
		    (polls || (l->op->flags & OP_POLL) == 0) &&
		    (strcmp(w->at[1], l->op->name) == 0 ||
		    strcmp(w->at[1], service_name(l->op->service)) == 0))
			n++;
	}
	limit = strtol(w->at[at + 1], NULL, 10);
	if (word_is(w, at, "<=") ? n <= limit : word_is(w, at, ">=") ?
	    n >= limit : word_is(w, at, "=") && n == limit)
		return BH_OK;
	bh_buf_add(answer, "%ld calls of %s", n, w->at[1]);
	return BH_ECONFLICT;
}

static int
idle(struct sandbox *sb, const struct words *w, struct bh_buf *answer)
{
	size_t n = work_outstanding(sb);

	(void)w;
	if (n == 0)
		return BH_OK;
	bh_buf_add(answer, "%zu operations are in progress", n);
	return BH_PENDING;
}

static const struct {
	const char *word;
	int (*run)(struct sandbox *, const struct words *, struct bh_buf *);
} verbs[] = {
	{ "sees", sees }, { "has", has }, { "fault", fault },
	{ "assigns", assigns }, { "unassigns", assigns },
	{ "disables", marks }, { "enables", marks }, { "deletes", marks },
	{ "adds", joins }, { "removes", joins }, { "suspends", suspends },
	{ "restores", suspends }, { "sets", sets }, { "counts", counts },
	{ "calls", calls }, { "idle", idle },
};

int
probe_line(void *state, const char *line, struct bh_buf *answer)
{
	struct sandbox *sb = sandbox_of(state);
	struct words w;

	if (!split(&w, line)) {
		bh_buf_puts(answer, "the line is empty, too long, or a quote "
		    "in it does not end");
		return BH_EINVAL;
	}
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i].word, w.at[0]) == 0)
			return verbs[i].run(sb, &w, answer);
	bh_buf_add(answer, "the sandbox does not know \"%s\"; it knows",
	    w.at[0]);
	for (size_t i = 0; i < COUNT(verbs); i++)
		bh_buf_add(answer, " %s", verbs[i].word);
	return BH_EINVAL;
}
