/* main.c - bellhop(1): finds the subcommand and runs it.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <bellhop/plugin.h>

#include "host/base/banned.h"
#include "host/cli/cli.h"
#include "host/cli/script.h"

static int help(int argc, char **argv);
static int plugin(int argc, char **argv);
static int version(int argc, char **argv);

static const struct command {
	const char *name, *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "run the bot", cli_run },
	{ "demo", "try it here: a small company, nothing leaves this machine",
	  cli_demo },
	{ "check-config", "check all configuration files, print every error",
	  cli_check_config },
	{ "plugins", "list the plugins in a directory without running them",
	  cli_plugins },
	{ "plugin", "test plugins with chat scripts", plugin },
	{ "audit", "verify or show the audit chain", cli_audit },
	{ "sandbox", "run the local AWS Identity Center alone", cli_sandbox },
	{ "version", "print the version", version },
	{ "help", "print this, or the help of a command", help },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void
usage(FILE *out)
{
	fprintf(out, "usage: bellhop COMMAND [argument...]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-14s %s\n", commands[i].name,
		    commands[i].summary);
	fprintf(out, "\n\"bellhop COMMAND --help\" says more about one.\n"
	    "\"bellhop PLUGIN help\" lists the tools of a plugin.\n");
}

static int
help(int argc, char **argv)
{
	const struct command *c;
	char asks[] = "--help", *args[] = { NULL, asks, NULL };

	if (argc < 2 || argv[1][0] == '-') {
		usage(stdout);
		return 0;
	}
	if ((c = find(argv[1])) == NULL && strlen(argv[1]) < 32 &&
	    cli_is_plugin(argc - 1, argv + 1)) {
		static char name[64];

		snprintf(name, sizeof(name), "bellhop %s", argv[1]);
		args[0] = name;
		return cli_tool(2, args);
	}
	if (c == NULL || c->run == help)
		return cli_misused("help", "no such command");
	args[0] = argv[1];
	return c->run(2, args);
}

static int
plugin(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "test") == 0)
		return script_main(argc - 1, argv + 1);
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)) {
		printf("usage: bellhop plugin test SCRIPT...\n\n"
		    "Runs chat scripts against plugins; \"bellhop plugin test "
		    "--help\" says more.\n");
		return 0;
	}
	return cli_misused("plugin", "say test");
}

static int
version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("bellhop %s (plugin interface %d.%d)\n", PACKAGE_VERSION,
	    BH_ABI_MAJOR, BH_ABI_MINOR);
	return 0;
}

int
cli_misused(const char *command, const char *complaint)
{
	fprintf(stderr, "bellhop %s: %s; see \"bellhop %s --help\"\n",
	    command, complaint, command);
	return 2;
}

int
main(int argc, char **argv)
{
	static char name[64];
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(1, argv);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return version(0, NULL);
	c = find(argv[1]);
	snprintf(name, sizeof(name), "bellhop %s", argv[1]);
	if (c == NULL && strlen(argv[1]) < 32 &&
	    cli_is_plugin(argc - 1, argv + 1)) {
		argv[1] = name;
		return cli_tool(argc - 1, argv + 1);
	}
	if (c == NULL) {
		fprintf(stderr, "bellhop: there is no command \"%s\"; "
		    "\"bellhop help\" lists them\n", argv[1]);
		return 2;
	}
	/* getopt_long() begins its complaints with it. */
	argv[1] = name;
	return c->run(argc - 1, argv + 1);
}
