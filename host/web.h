/* web.h - the host's own HTTP listener with /healthz and /readyz.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_WEB_H
#define HOST_WEB_H

#include <bellhop/plugin.h>

/* The listener of a `struct host`, begun when first asked for, at `listen:` or
 * else at a port of loopback that is logged.  NULL and *error. */
struct bh_server *web_server(void *host, const char **error);

#endif /* HOST_WEB_H */
