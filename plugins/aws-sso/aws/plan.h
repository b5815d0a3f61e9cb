/* plan.h - where credentials are to come from, decided and not yet fetched.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_PLAN_H
#define AWS_SSO_PLAN_H

#include "plugins/aws-sso/aws/credentials.h"

#define PLAN_ROLES	5	/* how long a chain of roles may be */

enum plan_base {
	PLAN_NONE, PLAN_STATIC, PLAN_WEB_IDENTITY, PLAN_PROCESS,
	PLAN_CONTAINER, PLAN_INSTANCE
};

struct plan_role {
	char *arn, *external_id, *session;
	int64_t duration;		/* seconds; 0: AWS's own choice */
};

/* A base, then the roles to assume one after the other with it. */
struct plan {
	enum plan_base base;
	struct keys keys;		/* PLAN_STATIC */
	char *token_file;		/* PLAN_WEB_IDENTITY */
	struct plan_role web;		/* PLAN_WEB_IDENTITY */
	char *command;			/* PLAN_PROCESS */
	struct plan_role roles[PLAN_ROLES];
	size_t roles_count;
	char *name;			/* for people */
};

/* Looks at options, environment and files, nothing else.  BH_OK; BH_EINVAL
 * with a sentence in `error` (freed by the caller). */
int plan_make(struct plan *out, const struct credentials_options *options,
    char **error);
void plan_release(struct plan *plan);

/* The container's URI and its rules: BH_OK with the URL appended, or
 * BH_EINVAL with a sentence that lives for ever. */
int plan_container_url(struct bh_buf *url, const char **error);

#endif
