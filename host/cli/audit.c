/* audit.c - "bellhop audit": verifies and shows the audit chain.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <errno.h>
#include <getopt.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/cli/cli.h"
#include "host/conf/conf.h"
#include "host/store/store.h"

static const char usage[] =
"usage: bellhop audit verify [--config FILE] [DATABASE]\n"
"       bellhop audit show [--config FILE] [--action GLOB] [--actor WHO]\n"
"               [--owner OWNER] [--text TEXT] [--since TIME] [--until TIME]\n"
"               [--tail N] [--json] [DATABASE]\n"
"\n"
"verify computes the chain anew from its beginning and exits with 1 when a row\n"
"was changed, removed or added.  show prints the rows that pass.  Both may run\n"
"beside the daemon.  Without DATABASE, it is the one that FILE\n"
"(" CLI_CONFIG ") names.\n"
"\n"
"      --action GLOB   such as \"access.*\"\n"
"      --since TIME    such as 2026-01-05T10:00:00Z; --until likewise\n"
"      --tail N        the last N of those that pass\n"
"      --json          as stored, one row on a line\n";

/* The database of the configuration, or NULL after saying why not. */
static char *
configured(const char *config)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = conf_read(config, errors);
	const char *url = conf != NULL ? conf_host_text(conf, "store") : NULL;
	char *copy = xstrdup(url);

	if (copy == NULL) {
		conf_errors_print(errors, stderr);
		fprintf(stderr, "bellhop audit: no database: name it, or say "
		    "--config FILE\n");
	}
	conf_free(&conf);
	conf_errors_free(&errors);
	return copy;
}

static bool
number(const char *text, size_t *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n > 1000000000)
		return false;
	*out = n;
	return true;
}

int
cli_audit(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "action", required_argument, NULL, 'a' },
		{ "actor", required_argument, NULL, 'w' },
		{ "owner", required_argument, NULL, 'o' },
		{ "text", required_argument, NULL, 't' },
		{ "since", required_argument, NULL, 's' },
		{ "until", required_argument, NULL, 'u' },
		{ "tail", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	BH_AUTO_FREE char *database = NULL;
	struct audit_filter filter = { 0 };
	const char *config = CLI_CONFIG, *what;
	int c;

	while ((c = getopt_long(argc, argv, "c:n:h", longs, NULL)) != -1)
		switch (c) {
		case 'c': config = optarg; break;
		case 'a': filter.action = optarg; break;
		case 'w': filter.actor = optarg; break;
		case 'o': filter.owner = optarg; break;
		case 't': filter.text = optarg; break;
		case 'j': filter.json = true; break;
		case 's':
			if (!world_time_parse(optarg, &filter.since))
				return cli_misused("audit", "--since takes a "
				    "time such as 2026-01-05T10:00:00Z");
			break;
		case 'u':
			if (!world_time_parse(optarg, &filter.until))
				return cli_misused("audit", "--until takes a "
				    "time such as 2026-01-05T10:00:00Z");
			break;
		case 'n':
			if (!number(optarg, &filter.tail))
				return cli_misused("audit", "--tail takes a "
				    "number");
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	if (optind >= argc || argc - optind > 2)
		return cli_misused("audit", "say verify or show, then at most "
		    "one database");
	what = argv[optind];
	log_setup(LOG_AUTO, BH_LOG_WARN);
	if (strcmp(what, "verify") != 0 && strcmp(what, "show") != 0)
		return cli_misused("audit", "say verify or show");
	database = optind + 1 < argc ? xstrdup(argv[optind + 1]) :
	    configured(config);
	if (database == NULL)
		return 1;
	return (strcmp(what, "verify") == 0 ? audit_verify(database, stdout) :
	    audit_print(database, &filter, stdout)) == BH_OK ? 0 : 1;
}
