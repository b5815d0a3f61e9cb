/* hello.c - the smallest useful bellhop plugin.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <bellhop/plugin.h>

static int
hello_run(struct bh_call *call, void *state)
{
	const char *name = bh_arg(call, "name");

	(void)state;
	return bh_reply(call, "%s, %s!", bh_config(call, "greeting"),
	    name != NULL ? name : bh_user(call)->name);
}

static const struct bh_option hello_options[] = {
	{ .key = "greeting", .type = BH_STRING, .preset = "Hello",
	  .help = "the word to greet people with" },
	{ 0 }
};

static const struct bh_command hello_commands[] = {
	{ .name = "hello", .args = "[name]", .run = hello_run,
	  .help = "say hello to you, or to NAME" },
	{ 0 }
};

BH_PLUGIN(.name = "hello", .version = "1.0", .summary = "says hello",
    .options = hello_options, .commands = hello_commands);
