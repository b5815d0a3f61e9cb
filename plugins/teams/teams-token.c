/* teams-token.c - tokens of ours, always fresh: one question at a time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A token is renewed five minutes before its end, or when the connector says
 * that it is no good; whoever asks meanwhile waits for that one question.
 * When renewing fails it is tried again, slower and slower, while the token
 * in hand serves to its end.  No token is ever in a log.
 */

#include "plugins/teams/teams.h"

#define AHEAD		(5 * 60 * 1000)	/* ms before the end */
#define RESERVE		(10 * 1000)	/* one that ends sooner is no good */
#define YOUNG		(30 * 1000)	/* a new one cannot be the trouble */
#define AGAIN_FIRST	1000
#define AGAIN_MOST	(60 * 1000)
#define AGAIN_SETTINGS	(30 * 1000)	/* somebody must do something first */

struct asked {
	struct asked *next;
	teams_token_cb *cb;
	void *arg;
};

struct token {
	struct token *next;
	struct teams *teams;
	char *scope;
	char *value;			/* NULL: none */
	int64_t made, until;		/* monotonic ms */
	struct teams_login *login;	/* the question under way */
	struct bh_timer *timer;		/* the next one */
	int64_t again;			/* back-off, ms; 0: all is well */
	char *trouble;
	struct asked *first, **last;
};

struct teams_tokens {
	struct token *list;
	bool none;			/* the emulator's connector wants none */
};

static void renew(struct token *k);

static struct token *
token_of(struct teams *t, const char *scope)
{
	struct token *k = t->tokens->list;

	while (k != NULL && strcmp(k->scope, scope) != 0)
		k = k->next;
	if (k == NULL) {
		k = bh_zero(sizeof(*k));
		k->teams = t;
		k->scope = bh_copy(scope);
		k->last = &k->first;
		k->next = t->tokens->list;
		t->tokens->list = k;
	}
	return k;
}

static void
discard(struct token *k)
{
	bh_secret_free(k->value);
	k->value = NULL;
}

static bool
good(const struct token *k)
{
	return k->value != NULL &&
	    k->until - bh_mono(k->teams->host) > RESERVE;
}

/* Tells those who wait.  A callback may ask again. */
static void
tell(struct token *k)
{
	struct asked *a = k->first;

	k->first = NULL;
	k->last = &k->first;
	while (a != NULL) {
		struct asked *next = a->next;

		a->cb(a->arg, good(k) ? k->value : NULL);
		free(a);
		a = next;
	}
}

static void
renew_again(void *arg)
{
	struct token *k = arg;

	k->timer = NULL;
	renew(k);
}

static void
plan(struct token *k, int64_t ms)
{
	bh_cancel(k->teams->host, k->timer);
	k->timer = bh_after(k->teams->host, ms, renew_again, k);
}

static void
had(struct token *k, const struct teams_login_answer *answer)
{
	int64_t ahead = answer->life / 2 < AHEAD ? answer->life / 2 : AHEAD;

	discard(k);
	k->value = bh_copy(answer->token);
	k->made = bh_mono(k->teams->host);
	k->until = k->made + answer->life;
	k->again = 0;
	if (k->trouble != NULL)
		bh_log(k->teams->host, BH_LOG_NOTE, "tokens for %s can be had "
		    "again", k->scope);
	free(k->trouble);
	k->trouble = NULL;
	if (strcmp(k->scope, k->teams->scope) == 0)
		teams_health(k->teams, TEAMS_OUTBOUND, BH_UP, "there is a "
		    "token for the connector");
	plan(k, answer->life - ahead);
}

static void
failed(struct token *k, const struct teams_login_answer *answer)
{
	bool known = k->trouble != NULL &&
	    strcmp(k->trouble, answer->trouble) == 0;

	k->again = k->again == 0 ? AGAIN_FIRST : k->again * 2;
	if (answer->settings && k->again < AGAIN_SETTINGS)
		k->again = AGAIN_SETTINGS;
	if (k->again > AGAIN_MOST)
		k->again = AGAIN_MOST;
	if (answer->wait > k->again)
		k->again = answer->wait;
	/* Once for each kind of trouble: it is tried for as long as it takes. */
	if (!known) {
		bh_log(k->teams->host, BH_LOG_WARN, "no token for %s: %s",
		    k->scope, answer->trouble);
		bh_set(&k->trouble, answer->trouble);
	}
	if (strcmp(k->scope, k->teams->scope) == 0)
		teams_health(k->teams, TEAMS_OUTBOUND, good(k) ?
		    BH_DEGRADED : BH_DOWN, "%s", answer->trouble);
	plan(k, k->again);
}

static void
answered(void *arg, const struct teams_login_answer *answer)
{
	struct token *k = arg;

	k->login = NULL;
	if (answer->token != NULL)
		had(k, answer);
	else
		failed(k, answer);
	tell(k);
}

static void
renew(struct token *k)
{
	if (k->login != NULL)
		return;
	bh_cancel(k->teams->host, k->timer);
	k->timer = NULL;
	k->login = teams_login(k->teams, k->scope, answered, k);
}

void
teams_token(struct teams *t, const char *scope, teams_token_cb *cb, void *arg)
{
	struct token *k = t->tokens->none ? NULL : token_of(t, scope);
	struct asked *a;

	if (k == NULL) {
		cb(arg, "");
		return;
	}
	if (good(k)) {
		cb(arg, k->value);
		return;
	}
	/* After a failure the timer asks, and not whoever comes along. */
	if (k->login == NULL && k->again > 0) {
		cb(arg, NULL);
		return;
	}
	a = bh_zero(sizeof(*a));
	a->cb = cb;
	a->arg = arg;
	*k->last = a;
	k->last = &a->next;
	renew(k);
}

/* A 401 for one that we just got would be one for the next, too. */
void
teams_token_bad(struct teams *t, const char *token)
{
	for (struct token *k = t->tokens->list; k != NULL; k = k->next)
		if (k->value != NULL && strcmp(k->value, token) == 0 &&
		    bh_mono(t->host) - k->made > YOUNG)
			discard(k);
}

const char *
teams_token_trouble(const struct teams *t, const char *scope)
{
	for (const struct token *k = t->tokens->list; k != NULL; k = k->next)
		if (strcmp(k->scope, scope) == 0)
			return k->trouble;
	return NULL;
}

int
teams_token_open(struct teams *t)
{
	const char *why = NULL;

	t->tokens = bh_zero(sizeof(*t->tokens));
	if (teams_login_way(t, &why) != NULL)
		return BH_OK;
	if (t->emulator && bh_host_config(t->host, "secret") == NULL &&
	    bh_host_config(t->host, "certificate") == NULL) {
		t->tokens->none = true;
		return BH_OK;
	}
	bh_log(t->host, BH_LOG_ERROR, "%s", why);
	return BH_EINVAL;
}

void
teams_token_connect(struct teams *t)
{
	if (!t->tokens->none && !good(token_of(t, t->scope)))
		renew(token_of(t, t->scope));
}

void
teams_token_close(struct teams *t)
{
	struct token *k = t->tokens != NULL ? t->tokens->list : NULL;

	while (k != NULL) {
		struct token *next = k->next;

		bh_cancel(t->host, k->timer);
		teams_login_cancel(k->login);
		discard(k);
		tell(k);
		free(k->trouble);
		free(k->scope);
		free(k);
		k = next;
	}
	free(t->tokens);
	t->tokens = NULL;
}
