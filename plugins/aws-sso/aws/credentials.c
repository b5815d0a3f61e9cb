/* credentials.c - keeps keys fresh: one refresh at a time, ahead of need.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/credentials.h"

#include "plugins/aws-sso/aws/fetch.h"
#include "plugins/aws-sso/aws/memory.h"

#define CREDENTIALS_MAGIC 0xc4ede7a1u
#define ADVISORY	(15 * 60000)	/* renew so long before the end */
#define RESERVE		60000		/* keys that end sooner are no good */
#define RENEWED		60000		/* renewing again within this: no use */
#define AGAIN_FIRST	1000
#define AGAIN_MOST	60000

struct asked {
	struct asked *next;
	credentials_cb *cb;
	void *arg;
};

struct credentials {
	unsigned magic;
	struct bh_host *host;
	struct credentials_options options;	/* texts are ours */
	struct keys keys;		/* access NULL: none yet */
	enum plan_base base;		/* where they came from */
	bool roles;			/* by assuming roles */
	char *name, *trouble;
	int64_t fetched;		/* when; monotonic */
	int64_t again;			/* back-off after a failure, ms */
	int64_t not_before;		/* no attempt before this; monotonic */
	struct fetch *fetch;
	struct bh_timer *renewal, *answers;
	struct asked *first, *last;
};

static void renew(struct credentials *c);
static void answer(void *arg);

int
credentials_open(struct bh_host *host,
    const struct credentials_options *options, struct credentials **out,
    const char **error)
{
	struct credentials *c;

	if (options->region == NULL || *options->region == '\0') {
		*error = "region is not set: say where the Identity Center "
		    "is, as in region: eu-west-1";
		return BH_EINVAL;
	}
	c = AWS_NEW(struct credentials);
	c->magic = CREDENTIALS_MAGIC;
	c->host = host;
	c->options.source = aws_strdup(options->source);
	c->options.region = aws_strdup(options->region);
	c->options.profile = aws_strdup(options->profile);
	c->options.endpoint = aws_strdup(options->endpoint);
	c->options.access = aws_strdup(options->access);
	c->options.secret = aws_strdup(options->secret);
	c->options.token = aws_strdup(options->token);
	c->options.assume_role = aws_strdup(options->assume_role);
	c->options.external_id = aws_strdup(options->external_id);
	c->again = AGAIN_FIRST;
	c->fetched = c->not_before = INT64_MIN / 2;
	*out = c;
	return BH_OK;
}

static void
drop(const char **text)
{
	/* Only the const of the options' members is cast away: the texts
	 * were copied above. */
	union { const char *in; char *out; } both = { *text };

	aws_wipe(&both.out);
	*text = NULL;
}

void
credentials_close(struct credentials **credentials)
{
	struct credentials *c = *credentials;

	*credentials = NULL;
	if (c == NULL)
		return;
	fetch_cancel(&c->fetch);
	bh_cancel(c->host, c->renewal);
	bh_cancel(c->host, c->answers);
	while (c->first != NULL) {
		struct asked *next = c->first->next;

		free(c->first);
		c->first = next;
	}
	drop(&c->options.source);
	drop(&c->options.region);
	drop(&c->options.profile);
	drop(&c->options.endpoint);
	drop(&c->options.access);
	drop(&c->options.secret);
	drop(&c->options.token);
	drop(&c->options.assume_role);
	drop(&c->options.external_id);
	keys_wipe(&c->keys);
	free(c->name);
	free(c->trouble);
	c->magic = 0;
	free(c);
}

/* Instance keys are used beyond their end when no others can be had: AWS
 * accepts them for a while just for that. */
static bool
good(const struct credentials *c)
{
	return c->keys.access != NULL && (c->keys.expires == 0 ||
	    c->keys.expires - bh_now(c->host) > RESERVE ||
	    (c->base == PLAN_INSTANCE && !c->roles && c->trouble != NULL));
}

static void
on_renewal(void *arg)
{
	struct credentials *c = AWS_CAST(struct credentials, arg,
	    CREDENTIALS_MAGIC);

	c->renewal = NULL;
	renew(c);
}

static void
plan_renewal(struct credentials *c, int64_t ms)
{
	bh_cancel(c->host, c->renewal);
	c->renewal = bh_after(c->host, ms, on_renewal, c);
}

static void
answer_soon(struct credentials *c)
{
	if (c->answers == NULL && c->first != NULL)
		c->answers = bh_after(c->host, 0, answer, c);
}

static void
fetched(void *arg, const struct plan *plan, const struct keys *keys,
    const char *error)
{
	struct credentials *c = AWS_CAST(struct credentials, arg,
	    CREDENTIALS_MAGIC);
	int64_t life;

	c->fetch = NULL;
	aws_free_text(&c->trouble);
	if (keys == NULL) {
		c->trouble = aws_strdup(error);
		bh_log(c->host, BH_LOG_WARN, "AWS credentials: %s", error);
		c->not_before = bh_mono(c->host) + c->again;
		plan_renewal(c, c->again);
		c->again = c->again * 2 < AGAIN_MOST ? c->again * 2 :
		    AGAIN_MOST;
		answer_soon(c);
		return;
	}
	keys_wipe(&c->keys);
	keys_copy(&c->keys, keys);
	c->base = plan->base;
	c->roles = plan->roles_count > 0;
	c->fetched = bh_mono(c->host);
	c->again = AGAIN_FIRST;
	free(c->name);
	c->name = aws_strdup(plan->name);
	if (c->roles) {
		struct bh_buf name = BH_BUF(4096);

		bh_buf_add(&name, "%s, role %s", plan->name,
		    plan->roles[plan->roles_count - 1].arn);
		free(c->name);
		c->name = name.data;
	}
	if (keys->expires > 0) {
		life = keys->expires - bh_now(c->host);
		/* Short-lived keys are renewed after three quarters. */
		life -= life / 4 < ADVISORY ? life / 4 : ADVISORY;
		plan_renewal(c, life > AGAIN_FIRST ? life : AGAIN_FIRST);
	}
	answer_soon(c);
}

static void
renew(struct credentials *c)
{
	if (c->fetch == NULL)
		c->fetch = fetch_start(c->host, &c->options, 0, fetched, c);
}

/* All that wait get their answer, unless a fetch that they need goes on. */
static void
answer(void *arg)
{
	struct credentials *c = AWS_CAST(struct credentials, arg,
	    CREDENTIALS_MAGIC);

	c->answers = NULL;
	while (c->first != NULL) {
		struct asked *asked = c->first;
		bool ok = good(c);

		if (!ok && c->fetch != NULL)
			return;
		if (!ok && c->trouble == NULL) {
			renew(c);
			return;
		}
		c->first = asked->next;
		if (c->first == NULL)
			c->last = NULL;
		asked->cb(asked->arg, ok ? &c->keys : NULL,
		    ok ? NULL : c->trouble);
		free(asked);
	}
}

void
credentials_get(struct credentials *c, credentials_cb *cb, void *arg)
{
	struct asked *asked = AWS_NEW(struct asked);

	asked->cb = cb;
	asked->arg = arg;
	if (c->last != NULL)
		c->last->next = asked;
	else
		c->first = asked;
	c->last = asked;
	/* After a failure nobody hammers: those who ask meanwhile hear of it. */
	if (!good(c) && bh_mono(c->host) >= c->not_before) {
		renew(c);
		return;
	}
	answer_soon(c);
}

void
credentials_forget(struct credentials *c, const void *arg)
{
	struct asked **at = &c->first;

	c->last = NULL;
	while (*at != NULL) {
		struct asked *asked = *at;

		if (asked->arg == arg) {
			*at = asked->next;
			free(asked);
			continue;
		}
		c->last = asked;
		at = &asked->next;
	}
}

const struct keys *
credentials_now(struct credentials *c)
{
	if (good(c))
		return &c->keys;
	if (bh_mono(c->host) >= c->not_before)
		renew(c);
	return NULL;
}

bool
credentials_expired(struct credentials *c, const char *access)
{
	/* Somebody was quicker: the new keys are there already. */
	if (c->keys.access != NULL && strcmp(c->keys.access, access) != 0)
		return true;
	if (c->fetch != NULL)
		return true;
	if (bh_mono(c->host) - c->fetched < RENEWED)
		return false;
	/* Options never change; environment neither; files may. */
	if (c->base == PLAN_STATIC && !c->roles && c->name != NULL &&
	    strncmp(c->name, "profile", 7) != 0)
		return false;
	/* What AWS does not take is no good for others either. */
	if (c->keys.expires != 0)
		c->keys.expires = 1;
	else
		keys_wipe(&c->keys);
	renew(c);
	return true;
}

const char *
credentials_name(const struct credentials *c)
{
	return c->name != NULL ? c->name : "none yet";
}
