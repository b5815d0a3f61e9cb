/* check-config.c - "bellhop check-config": every error, before it matters.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <getopt.h>

#include "host/base/log.h"
#include "host/cli/cli.h"
#include "host/conf/conf.h"
#include "host/host.h"
#include "host/plugin/plugins.h"

static const char usage[] =
"usage: bellhop check-config [--plugin-directory DIR] [--no-secrets] [FILE]\n"
"\n"
"Checks FILE (" CLI_CONFIG ") and the teams' files beside it\n"
"as a start would, without starting anything: prints each error with file, line\n"
"and column, and exits with 1 when there was any.\n"
"\n"
"      --plugin-directory   where plugins are, instead of what the file says\n"
"      --no-secrets         do not try to read the secrets that are referred to\n";

static int
check(const struct host_options *options, bool secrets)
{
	struct conf_errors *errors = conf_errors_new();
	struct plugins *plugins = plugins_new();
	struct conf *conf;
	size_t n;

	conf = host_read_conf(plugins, options, errors, errors);
	if (conf != NULL && secrets)
		conf_check_secrets(conf, errors);
	n = conf_errors_print(errors, stdout);
	if (n == 0)
		printf("%s: good\n", options->config);
	else
		printf("%s: %zu error%s\n", options->config, n,
		    n == 1 ? "" : "s");
	conf_free(&conf);
	plugins_free(&plugins);
	conf_errors_free(&errors);
	return n == 0 ? 0 : 1;
}

int
cli_check_config(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "plugin-directory", required_argument, NULL, 'p' },
		{ "no-secrets", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct host_options options = { .config = CLI_CONFIG };
	bool secrets = true;
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			options.config = optarg;
			break;
		case 'p':
			options.plugin_directory = optarg;
			break;
		case 's':
			secrets = false;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	if (argc - optind > 1)
		return cli_misused("check-config", "takes one file");
	if (optind < argc)
		options.config = argv[optind];
	log_setup(LOG_AUTO, BH_LOG_WARN);
	return check(&options, secrets);
}
