/* quota.c - how many calls a second each service takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * sso-admin has one bucket for all its operations; the others have one for
 * each.
 */

#include "plugins/aws-sandbox/sandbox.h"

static bool
bucket_take(struct bucket *b, double rate, double burst, int64_t now)
{
	if (!b->used) {
		b->used = true;
		b->tokens = burst;
		b->at = now;
	}
	b->tokens += (double)(now - b->at) * rate / 1000.0;
	if (b->tokens > burst)
		b->tokens = burst;
	b->at = now;
	if (b->tokens < 1.0)
		return false;
	b->tokens -= 1.0;
	return true;
}

/* A place for the operation's own bucket: its position in all tables. */
static size_t
op_index(const struct op *op)
{
	const struct op *const tables[] = { identity_center_ops,
	    identity_store_ops, organizations_ops, sts_ops };
	size_t n = 0;

	for (size_t t = 0; t < COUNT(tables); t++)
		for (const struct op *o = tables[t]; o->name != NULL; o++, n++)
			if (o == op)
				return n;
	abort();	/* an operation that is in no table */
}

bool
quota_take(struct call *c)
{
	struct sandbox *sb = c->sb;
	int64_t now = bh_mono(sb->host);
	struct bucket *b = c->op->service == SSO ? &sb->sso_bucket :
	    &sb->buckets[op_index(c->op) % OPS_MAX];
	double rate = c->op->rate > 0 ? c->op->rate : sb->rate;
	double burst = c->op->burst > 0 ? c->op->burst : sb->burst;

	if (sb->rate <= 0 || c->op->service == STS ||
	    bucket_take(b, rate, burst, now))
		return true;
	if (c->op->service == ORG) {
		call_error(c, "TooManyRequestsException",
		    "AWS Organizations can't complete your request because "
		    "another request was made too recently. Wait and try "
		    "again.");
		put_text(&c->extra, "Type", "RATE_LIMIT");
	} else {
		call_error(c, "ThrottlingException", "Rate exceeded");
		if (c->op->service == STORE)
			bh_buf_puts(&c->extra, "\"RetryAfterSeconds\":1");
	}
	return false;
}
