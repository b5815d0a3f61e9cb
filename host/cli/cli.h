/* cli.h - the subcommands of bellhop(1).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each gets its own name as argv[0] and returns an exit status: 0 good, 1 it
 * did not work, 2 it was called wrongly.
 */

#ifndef HOST_CLI_CLI_H
#define HOST_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

struct host_options;

#ifndef BELLHOP_SYSCONFDIR
#define BELLHOP_SYSCONFDIR "/etc"
#endif
#define CLI_CONFIG	BELLHOP_SYSCONFDIR "/bellhop/bellhop.yaml"

int cli_run(int argc, char **argv);
int cli_check_config(int argc, char **argv);
int cli_plugins(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_sandbox(int argc, char **argv);
int cli_demo(int argc, char **argv);
/* argv[0] is "bellhop PLUGIN". */
int cli_tool(int argc, char **argv);
/* Lies a plugin of that name (argv[0]) where these arguments, the environment
 * or the main file say that plugins are? */
bool cli_is_plugin(int argc, char **argv);

/* Prints the complaint and where help is; returns 2. */
int cli_misused(const char *command, const char *complaint);

/* Once, before a daemon starts: no core files with secrets in them, no
 * tracing by others, a private umask, a warning about a tampered loader. */
void cli_harden(void);

/* Starts the host with these options, runs it to its end and takes it down;
 * returns an exit status. */
int cli_host(const struct host_options *options);

#endif /* HOST_CLI_CLI_H */
