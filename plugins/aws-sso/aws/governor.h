/* governor.h - who may call AWS when: rates, outstanding writes, priorities.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AWS allows 20 sso-admin calls a second for everybody in the company, and 15
 * assignments under way at a time.  A token bucket for each limit keeps us
 * below, gives way when AWS throttles (others use the same quota), and comes
 * back slowly.  Who waits is served strictly by priority, then in order.
 */

#ifndef AWS_SSO_GOVERNOR_H
#define AWS_SSO_GOVERNOR_H

#include "plugins/aws-sso/aws/aws.h"

struct governor;
struct governor_wait;

typedef void governor_cb(void *arg);

#define GOVERNOR_POOL_MAX	15	/* AWS's limit; it cannot be raised */

/* `rate` is the sso-admin rate, calls a second. */
struct governor *governor_new(struct bh_host *host, double rate);
/* Forgets who waits, without their callbacks.  NULL is fine. */
void governor_free(struct governor **governor);

/* Waits for a token of the bucket that this operation counts against and,
 * for a `write`, for a place among the outstanding ones too.  The callback
 * never runs from inside this call.  What is returned is gone once the
 * callback begins. */
struct governor_wait *governor_wait(struct governor *governor,
    enum aws_service service, const char *operation,
    enum aws_priority priority, bool write, governor_cb *cb, void *arg);
/* Stops waiting: no callback.  Leaves NULL behind; NULL is fine. */
void governor_cancel(struct governor *governor, struct governor_wait **wait);

/* A granted write is over (however it ended): its place is free. */
void governor_write_over(struct governor *governor);

/* AWS took a write: the pool may grow again. */
void governor_write_taken(struct governor *governor);

/* AWS throttled.  `retry_after` in ms, 0 if it did not say; `outstanding`
 * when the answer was about too many operations under way, not the rate. */
void governor_throttled(struct governor *governor, enum aws_service service,
    const char *operation, int64_t retry_after, bool outstanding);

/* For figures and tests. */
double governor_rate(struct governor *governor, enum aws_service service,
    const char *operation);
size_t governor_waiting(const struct governor *governor,
    enum aws_priority priority);
unsigned governor_outstanding(const struct governor *governor,
    unsigned *limit);

#endif
