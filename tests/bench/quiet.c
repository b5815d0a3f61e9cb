/* quiet.c - a command that does nothing, so that receiving is what is measured.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <bellhop/plugin.h>

static int
note(struct bh_call *call, void *state)
{
	(void)call;
	(void)state;
	return BH_OK;
}

static const struct bh_command commands[] = {
	{ .name = "note", .args = "[words...]", .run = note,
	  .help = "hear and say nothing" },
	{ 0 }
};

BH_PLUGIN(.name = "quiet", .version = "1.0", .summary = "says nothing",
    .commands = commands);
