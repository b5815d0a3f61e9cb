/* outcome.h - which class an answer of sso-admin belongs to.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_OUTCOME_H
#define AWS_SSO_OUTCOME_H

#include "plugins/aws-sso/aws/call.h"
#include "plugins/aws-sso/aws/identity-center.h"

/* The class of an answer, before its content was looked at: SSO_STATUS for a
 * whole, well-formed 2xx. */
enum sso_outcome outcome_of(const struct aws_answer *answer);

/* Fills `out` from the status object (AccountAssignment...Status) of an
 * answer.  `expect` and `request_id` may be NULL; what they hold must agree
 * with what AWS says, else SSO_UNKNOWN: it is the answer to something else.
 * Everything points into `answer`. */
void outcome_status(struct sso_result *out, const struct aws_answer *answer,
    const char *member, const struct sso_tuple *expect,
    const char *request_id);

/* "IN_PROGRESS" ...; false if it is none of the three. */
bool outcome_parse_status(const char *text, enum sso_status *out);

#endif
