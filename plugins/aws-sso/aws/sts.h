/* sts.h - AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_STS_H
#define AWS_SSO_STS_H

#include "plugins/aws-sso/aws/plan.h"

/* The form fields of a call after Action and Version, each with its "&". */
void sts_assume_role(struct bh_buf *form, const struct plan_role *role);
void sts_web_identity(struct bh_buf *form, const struct plan_role *role,
    const char *token);

/* The whole form of an operation. */
void sts_form(struct bh_buf *form, const char *operation,
    const char *fields);

/* The credentials in the XML of either.  BH_OK or BH_EPARSE. */
int sts_credentials(const char *xml, struct keys *out);

/* Who we are in AWS.  `error` is NULL with BH_OK. */
typedef void sts_identity_cb(void *arg, int result, const char *account,
    const char *arn, const char *error);
void sts_identity(struct aws *aws, enum aws_priority priority,
    sts_identity_cb *cb, void *arg);

#endif
