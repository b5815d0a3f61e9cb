/* sandbox.c - "bellhop sandbox": the local Identity Center in its own process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The same plugin as inside the bot, so that killing the bot leaves "AWS" as
 * it was.
 */

#include "config.h"

#include <getopt.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/cli/cli.h"
#include "host/host.h"
#include "host/plugin/plugins.h"

static const char usage[] =
"usage: bellhop sandbox [--listen ADDRESS:PORT] [--state DIR] [--port-file FILE]\n"
"                       [--accounts N] [--permission-sets N] [--users N]\n"
"                       [--set OPTION=VALUE]...\n"
"\n"
"Runs the local AWS Identity Center alone, until SIGTERM.\n"
"\n"
"      --listen             where (127.0.0.1:0: a free port)\n"
"      --state DIR          keep what changes there; else a restart forgets\n"
"      --port-file FILE     write the port there once it answers\n"
"      --accounts N         that many made-up accounts beside Acme's; the same\n"
"                           for --permission-sets and --users\n"
"      --set OPTION=VALUE   any other option of the aws-sandbox plugin\n";

struct sandbox_run {
	const char *port_file;
	int status;
};

/* Appears whole or not at all: whoever waits for it reads the number. */
static int
write_port(const char *file, const char *port)
{
	BH_AUTO_FREE char *temporary = xasprintf("%s.%ld", file,
	    (long)getpid());
	FILE *f = fopen(temporary, "we");
	bool good;

	if (f == NULL)
		return BH_EIO;
	good = fprintf(f, "%s\n", port) > 0;
	good = fclose(f) == 0 && good;
	if (good && rename(temporary, file) == 0)
		return 0;
	unlink(temporary);
	return BH_EIO;
}

static void
ready(void *arg, struct host *host)
{
	struct sandbox_run *run = arg;
	const char *url = plugins_lookup(host->plugins, "sandbox/local");
	const char *port = url != NULL ? strrchr(url, ':') : NULL;

	if (port == NULL) {
		log_error("the sandbox did not open: see the lines above");
		run->status = 1;
		host_quit(host);
		return;
	}
	printf("sandbox: %s\n", url);
	fflush(stdout);
	if (run->port_file != NULL && write_port(run->port_file, port + 1) != 0) {
		log_error("cannot write %s: look at its directory",
		    run->port_file);
		run->status = 1;
		host_quit(host);
	}
}

static void
option(struct bh_buf *conf, const char *key, size_t key_len,
    const char *value)
{
	bh_buf_add(conf, "    %.*s: ", (int)key_len, key);
	bh_buf_quote(conf, value);	/* JSON strings are YAML */
	bh_buf_puts(conf, "\n");
}

int
cli_sandbox(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "listen", required_argument, NULL, 'o' },
		{ "state", required_argument, NULL, 'o' },
		{ "accounts", required_argument, NULL, 'o' },
		{ "permission-sets", required_argument, NULL, 'o' },
		{ "users", required_argument, NULL, 'o' },
		{ "set", required_argument, NULL, 's' },
		{ "port-file", required_argument, NULL, 'p' },
		{ "plugin-directory", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	BH_AUTO_BUF struct bh_buf conf = BH_BUF(65536);
	struct sandbox_run run = { 0 };
	struct host_options options = { .config = "sandbox options",
	    .signals = true, .hangup_ends = true, .quiet = true,
	    .on_ready = ready, .arg = &run };
	int c, at = 0, status;

	bh_buf_puts(&conf, "store: \"sqlite::memory:\"\n"
	    "aws-sandbox:\n  local:\n    region: eu-west-1\n");
	while ((c = getopt_long(argc, argv, "h", longs, &at)) != -1)
		switch (c) {
		case 'o':
			option(&conf, longs[at].name, strlen(longs[at].name),
			    optarg);
			break;
		case 's': {
			const char *eq = strchr(optarg, '=');

			if (eq == NULL || eq == optarg)
				return cli_misused("sandbox", "--set takes "
				    "OPTION=VALUE");
			option(&conf, optarg, (size_t)(eq - optarg), eq + 1);
			break;
		}
		case 'p':
			run.port_file = optarg;
			break;
		case 'd':
			options.plugin_directory = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	if (optind < argc)
		return cli_misused("sandbox", "takes no further words");
	log_setup(LOG_AUTO, BH_LOG_NOTE);
	cli_harden();
	options.config_text = bh_buf_text(&conf);
	status = cli_host(&options);
	return status != 0 ? status : run.status;
}
