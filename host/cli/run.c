/* run.c - "bellhop run": the daemon.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <getopt.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "host/base/log.h"
#include "host/cli/cli.h"
#include "host/host.h"

static const char usage[] =
"usage: bellhop run [--config FILE] [--plugin-directory DIR]\n"
"                   [--log FORMAT] [--log-level LEVEL]\n"
"\n"
"Runs the bot in the foreground until SIGTERM.  SIGHUP reads the configuration\n"
"anew: all of it is good, or the one before stays in force.\n"
"\n"
"  -c, --config FILE        the main file (" CLI_CONFIG ")\n"
"      --plugin-directory   where plugins are, instead of what the file says\n"
"      --log FORMAT         auto, human, journal or json\n"
"      --log-level LEVEL    error, warning, note, info or debug\n";

void
cli_harden(void)
{
	static const char *const loader[] = { "LD_PRELOAD", "LD_AUDIT",
	    "LD_LIBRARY_PATH" };
	const struct rlimit none = { 0, 0 };

	umask(077);
	setrlimit(RLIMIT_CORE, &none);
#ifndef BH_SANITIZERS	/* the leak check traces its own process */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	for (size_t i = 0; i < sizeof(loader) / sizeof(loader[0]); i++)
		if (getenv(loader[i]) != NULL)
			log_warn("%s is set: whoever set it decides what code "
			    "runs here; unset it", loader[i]);
}

int
cli_host(const struct host_options *options)
{
	const char *error = NULL;
	struct host *host = host_start(options, &error);
	int ret;

	if (host == NULL) {
		log_error("cannot start: %s", error);
		return 1;
	}
	ret = host_run(host);
	host_stop(&host);
	return ret < 0 || ret > 125 ? 1 : ret;
}

int
cli_run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "plugin-directory", required_argument, NULL, 'p' },
		{ "log", required_argument, NULL, 'l' },
		{ "log-level", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct host_options options = { .config = CLI_CONFIG,
	    .signals = true, .log_from_file = true };
	enum log_format format = LOG_AUTO;
	int c, level = BH_LOG_INFO;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			options.config = optarg;
			break;
		case 'p':
			options.plugin_directory = optarg;
			break;
		case 'l':
			options.log_from_file = false;
			if (!log_format_parse(optarg, &format))
				return cli_misused("run", "--log takes auto, "
				    "human, journal or json");
			break;
		case 'v':
			options.log_from_file = false;
			if (!log_level_parse(optarg, &level))
				return cli_misused("run", "--log-level takes "
				    "error, warning, note, info or debug");
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	if (optind < argc)
		return cli_misused("run", "takes no further words");
	log_setup(format, level);
	cli_harden();
	return cli_host(&options);
}
