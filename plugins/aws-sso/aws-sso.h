/*
 * aws-sso.h - one open Identity Center block, with all its parts.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   face/    what people type and see      asks policy, changes grants
 *   grant/   what was agreed, and the keys that AWS is driven by
 *   policy/  rules + facts -> decisions     pure
 *   aws/     signed calls, the directory    the only room that talks to AWS
 */

#ifndef BELLHOP_AWS_SSO_H
#define BELLHOP_AWS_SSO_H

#include <bellhop/plugin.h>

struct aws;
struct directory;
struct face;
struct grants;

/* The state of an open block: what every callback of the plugin gets. */
struct sso {
	unsigned magic;
#define SSO_MAGIC	0x0a575355u
	struct bh_host *host;
	struct aws *aws;
	struct directory *directory;
	struct face *face;		/* face/face.h: policy, cards, commands */
	struct grants *grants;
};

#endif
