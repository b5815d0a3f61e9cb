/* state.h - what is inside struct aws; for the files of this folder only.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_STATE_H
#define AWS_SSO_STATE_H

#include "plugins/aws-sso/aws/aws.h"
#include "plugins/aws-sso/aws/call.h"
#include "plugins/aws-sso/aws/credentials.h"
#include "plugins/aws-sso/aws/governor.h"
#include "plugins/aws-sso/aws/memory.h"

#define AWS_MAGIC	0xa3500c10u

/* Anything that waits for AWS begins with this: aws_close() ends it. */
struct aws_task {
	struct aws_task *next, **at;
	void (*drop)(void *task);	/* releases what is inside; not itself */
};

/* A caller that waits for the Identity Center to be found. */
struct ready_wait {
	struct ready_wait *next;
	aws_ready_cb *cb;
	void *arg;
};

struct aws {
	unsigned magic;
	struct bh_host *host;
	char *region, *profile, *endpoint;
	char *source;			/* which AWS the options name */
	char *instance, *identity_store;
	bool instance_told, store_told;	/* by the configuration */
	char *owner_account;		/* of the Identity Center; or NULL */
	struct credentials *credentials;
	struct governor *governor;
	char *urls[AWS_SERVICES];	/* found once; not with a published name */
	int64_t clock_offset;
	double retry_quota;
	struct aws_task *tasks;
	struct ready_wait *ready_first;
	struct ready_wait *ready_told;	/* being answered just now */
	struct bh_timer *ready_timer;
	bool finding;			/* ListInstances is under way */
	struct aws_figures figures;
};

/* Memory for a task of `size` bytes, zeroed, that begins with aws_task. */
void *aws_task_new(struct aws *aws, size_t size, void (*drop)(void *task));
/* Takes it off the list, drops what is inside, frees it. */
void aws_task_free(void *task);

/* As aws_ready(), but asks AWS again even when it is known. */
void aws_find(struct aws *aws, enum aws_priority priority, aws_ready_cb *cb,
    void *arg);

/* Takes back aws_ready() calls with this `arg`. */
void aws_ready_forget(struct aws *aws, const void *arg);

/* The URL of a service, "https://sso.eu-west-1.amazonaws.com/"; NULL with a
 * sentence when the endpoint is a name that nobody published. */
const char *aws_url(struct aws *aws, enum aws_service service,
    const char **error);

/* Corrects our clock by the Date header of an answer that blamed it.  True
 * if that changed anything worth another try. */
bool aws_correct_clock(struct aws *aws, const char *date);

/* May one more attempt be made?  Pays for it from the quota that keeps many
 * failing calls from becoming many more. */
bool aws_may_retry(struct aws *aws, bool throttled);

#endif
