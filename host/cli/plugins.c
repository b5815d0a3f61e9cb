/* plugins.c - "bellhop plugins": what lies in a directory, without running it.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <getopt.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/cli/cli.h"
#include "host/host.h"
#include "host/plugin/plugins.h"
#include "host/plugin/vet.h"

static const char usage[] =
"usage: bellhop plugins [DIR]\n"
"\n"
"Lists the plugins in DIR with version, interface and SHA-256 as they stand in\n"
"the files; nothing of them is run.  Says of each one that would be refused\n"
"why, and what to do.  Exits with 1 when there was one.\n";

static int
list(const char *directory)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(2048);
	int fd = vet_directory(directory, &why), refused = 0;
	char **names;

	if (fd < 0) {
		fprintf(stderr, "%s\n", bh_buf_text(&why));
		return 1;
	}
	names = folder_names(fd);
	for (size_t i = 0; names[i] != NULL; i++) {
		BH_AUTO_FREE char *file = xasprintf("%s.so", names[i]);
		struct vetted v;

		bh_buf_clear(&why);
		if (vet_file(fd, directory, file, &v, &why) == 0) {
			printf("%-16s %-10s %u.%u  %s\n", v.head.name,
			    v.head.version, v.head.major, v.head.minor,
			    v.sha256);
			vetted_release(&v);
		} else {
			printf("%-16s refused    %s\n", names[i],
			    bh_buf_text(&why));
			refused++;
		}
		free(names[i]);
	}
	free(names);
	close(fd);
	return refused == 0 ? 0 : 1;
}

int
cli_plugins(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	const struct host_options options = { .config = NULL };
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c != 'h')
			return 2;
		fputs(usage, stdout);
		return 0;
	}
	if (argc - optind > 1)
		return cli_misused("plugins", "takes one directory");
	log_setup(LOG_AUTO, BH_LOG_WARN);
	return list(optind < argc ? argv[optind] :
	    host_plugin_directory(&options, NULL));
}
