/* error.h - what an HTTP answer from AWS says.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_ERROR_H
#define AWS_SSO_ERROR_H

#include "plugins/aws-sso/aws/call.h"

/* An answer taken apart; the texts live in it. */
struct aws_parsed {
	struct aws_answer answer;
	struct bh_value *tree;
	char *error, *message;
};

/* Understands what came by HTTP.  Release with aws_parsed_release(). */
void aws_parse_answer(struct aws_parsed *out, struct bh_host *host,
    enum aws_service service, const char *operation,
    const struct bh_answer *http);
void aws_parsed_release(struct aws_parsed *parsed, struct bh_host *host);

#endif
