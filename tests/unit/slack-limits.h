/* slack-limits.h - does Block Kit keep to what Slack takes?
 * SPDX-License-Identifier: Apache-2.0
 *
 * Limits of docs.slack.dev/reference/block-kit, and those of the surfaces.
 * Whatever is not known is refused, so that nothing goes out unseen.
 */

#ifndef TESTS_UNIT_SLACK_LIMITS_H
#define TESTS_UNIT_SLACK_LIMITS_H

#include <bellhop/plugin.h>

/* The blocks of a message; a view; an answer with options; the errors of a
 * form.  NULL: all is well; else what is wrong, where (a static text). */
const char *slack_limits_blocks(const struct bh_value *blocks, size_t most);
const char *slack_limits_view(const struct bh_value *view);
const char *slack_limits_options(const struct bh_value *answer);

/* A message as it was sent: text, blocks, weight. */
const char *slack_limits_message(const struct bh_value *message);

#endif
