/* directory-state.h - inside struct directory; for the files of this folder.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_DIRECTORY_STATE_H
#define AWS_SSO_DIRECTORY_STATE_H

#include "plugins/aws-sso/aws/directory.h"
#include "plugins/aws-sso/aws/keep.h"
#include "plugins/aws-sso/aws/reader.h"
#include "plugins/aws-sso/aws/snapshot.h"
#include "plugins/aws-sso/aws/state.h"

#define DIRECTORY_MAGIC	0xd14ec704u

struct directory_wait {
	struct directory_wait *next;
	directory_cb *cb;
	void *arg;
};

struct directory {
	unsigned magic;
	struct aws *aws;
	struct bh_host *host;
	char *attribute;		/* that people are mapped by */
	char *with;			/* what of theirs: email, id, person */
	struct snapshot *snap;		/* what everybody reads; never NULL */
	struct snapshot *next;		/* being filled */
	struct snapshot *old;		/* while the difference is saved */
	bool loaded;
	bool refreshing;		/* reading, or saving what was read */
	bool dirty;			/* the store holds something else */
	size_t pending;
	enum aws_priority priority;
	struct directory_wait *waits;
	char *trouble;			/* why the last refresh failed */
	char *error;			/* why this one does, so far */
	unsigned turn;
	int64_t backoff;		/* ms, after a failure */
	struct bh_timer *timer;
	char **needed;			/* groups whose members matter */
	size_t needed_count;
	bool tags;
	int64_t tags_read, missed;	/* monotonic ms */
	void (*changed)(void *arg);
	void *changed_arg;
	void (*troubled)(void *arg);
	void *troubled_arg;
	directory_cb *ready;
	void *ready_arg;
	struct bh_buf sentence;		/* of directory_map() */
};

static inline struct directory *
directory_cast(void *arg)
{
	return AWS_CAST(struct directory, arg, DIRECTORY_MAGIC);
}

/* refresh.c: refreshes `ms` from now. */
void directory_plan(struct directory *d, int64_t ms);
/* refresh.c: reads the members of this group of the current snapshot. */
void directory_read_group(struct directory *d, struct group *group,
    enum aws_priority priority);
/* Is this group (of any snapshot) one whose members matter? */
bool directory_needs(const struct directory *d, const struct group *group);

#endif
