/* fetch.h - gets credentials once, along a plan.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_FETCH_H
#define AWS_SSO_FETCH_H

#include "plugins/aws-sso/aws/plan.h"

struct fetch;

/* With keys, or with NULL and a sentence; all valid until it returns. */
typedef void fetch_cb(void *arg, const struct plan *plan,
    const struct keys *keys, const char *error);

/* Makes the plan anew from options, environment and files, and follows it.
 * The callback runs later, once. */
struct fetch *fetch_start(struct bh_host *host,
    const struct credentials_options *options, int64_t clock_offset,
    fetch_cb *cb, void *arg);
/* No callback after this.  NULL is fine.  Only while the instance closes: a
 * program cannot be taken back, but then the host drops what it says. */
void fetch_cancel(struct fetch **fetch);

/* Splits a credential_process command line as a shell would its quotes; the
 * words live in `store`.  The number of words, or BH_EINVAL. */
int fetch_words(const char *command, struct bh_buf *store,
    const char **words, size_t most);

#endif
