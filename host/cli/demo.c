/* demo.c - "bellhop demo": a small company on this machine alone.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The demo is an ordinary configuration in conf/demo, copied to a directory of
 * its own with @STATE@ replaced by that directory's path: what one sees is what
 * one would install.
 */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/cli/cli.h"
#include "host/host.h"
#include "host/plugin/plugins.h"

#ifndef BELLHOP_DATADIR
#define BELLHOP_DATADIR "/usr/share/bellhop"
#endif
#define TEMPORARY	"bellhop-demo-"
#define FILE_LIMIT	(256u * 1024u)

static const char usage[] =
"usage: bellhop demo [--state DIR] [--script]\n"
"\n"
"Chat in this terminal with a bot that serves the company Acme: its AWS is a\n"
"local one, its people are played by you (/as grace), its clock can be moved\n"
"(/clock +30m).  Nothing leaves this machine.\n"
"\n"
"      --state DIR   keep everything there and go on from it the next time;\n"
"                    else it is gone at the end\n"
"      --script      type a short tour by itself instead of asking you\n";

/* ------------------------------------------------------------------ */
/* Its files                                                           */

/* Where conf/demo is: named by the environment, installed, or in the tree that
 * this program was built in (TREE/build/bellhop). */
static char *
demo_files(void)
{
	const char *env = secure_getenv("BELLHOP_DATADIR");
	char exe[4096], *slash;
	ssize_t n;
	char *path = xasprintf("%s/demo", env != NULL ? env : BELLHOP_DATADIR);

	if (env != NULL || access(path, R_OK) == 0)
		return path;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(exe, '/')) != NULL) {
		BH_AUTO_FREE char *tree = NULL;

		*slash = '\0';
		tree = xasprintf("%s/../conf/demo", exe);
		if (access(tree, R_OK) == 0) {
			free(path);
			path = tree;
			tree = NULL;
		}
	}
	return path;
}

static int
complain(const char *what, const char *path)
{
	fprintf(stderr, "bellhop demo: cannot %s %s: %s\n", what, path,
	    strerror(errno));
	return -1;
}

static int
read_text(const char *path, struct bh_buf *out)
{
	char chunk[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return complain("read", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		bh_buf_put(out, chunk, n);
	if (ferror(f) != 0 || out->overflow) {
		errno = EFBIG;
		fclose(f);
		return complain("read", path);
	}
	fclose(f);
	return 0;
}

/* Copies one file, with @STATE@ replaced. */
static int
copy_file(const char *from, const char *to, const char *state)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(FILE_LIMIT);
	static const char mark[] = "@STATE@";
	const char *at, *next;
	FILE *f;
	int fd;

	if (read_text(from, &text) != 0)
		return -1;
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd < 0 || (f = fdopen(fd, "w")) == NULL) {
		if (fd >= 0)
			close(fd);
		return complain("write", to);
	}
	for (at = bh_buf_text(&text); (next = strstr(at, mark)) != NULL;
	    at = next + sizeof(mark) - 1) {
		fwrite(at, 1, (size_t)(next - at), f);
		fputs(state, f);
	}
	fputs(at, f);
	return fclose(f) == 0 ? 0 : complain("write", to);
}

/* Copies every *.yaml of a directory. */
static int
copy_all(const char *from, const char *to, const char *state)
{
	DIR *dir = opendir(from);
	struct dirent *e;
	int ret = 0;

	if (dir == NULL)
		return complain("find the demo's files in", from);
	if (mkdir(to, 0700) != 0 && errno != EEXIST) {
		closedir(dir);
		return complain("make", to);
	}
	while (ret == 0 && (e = readdir(dir)) != NULL) {
		size_t len = strlen(e->d_name);
		BH_AUTO_FREE char *a = NULL, *b = NULL;

		if (e->d_name[0] == '.' || len < 6 ||
		    strcmp(e->d_name + len - 5, ".yaml") != 0)
			continue;
		a = xasprintf("%s/%s", from, e->d_name);
		b = xasprintf("%s/%s", to, e->d_name);
		ret = copy_file(a, b, state);
	}
	closedir(dir);
	return ret;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* ------------------------------------------------------------------ */
/* The run                                                             */

/* Opens a state directory of ours and takes its lock, which goes with the
 * process however that ends.  -1: somebody has it, or it is none of ours. */
static int
lock_state(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != geteuid() ||
	    flock(fd, LOCK_EX | LOCK_NB) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
minute_old(int fd)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	return fstat(fd, &st) == 0 && st.st_mtim.tv_sec < now.tv_sec - 60;
}

/* Removes what demos that were killed have left.  A new one is left alone: its
 * lock may be yet to come. */
static void
sweep(const char *tmp)
{
	DIR *dir = opendir(tmp);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		BH_AUTO_FREE char *path = NULL;
		int fd;

		if (strncmp(e->d_name, TEMPORARY, strlen(TEMPORARY)) != 0)
			continue;
		path = xasprintf("%s/%s", tmp, e->d_name);
		if ((fd = lock_state(path)) < 0)
			continue;
		if (minute_old(fd))
			nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		close(fd);
	}
	if (dir != NULL)
		closedir(dir);
}

/* The state directory, absolute; a temporary one when none is named. */
static char *
state_directory(const char *named)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	if (named == NULL) {
		if (tmp == NULL || tmp[0] != '/')
			tmp = "/tmp";
		sweep(tmp);
		path = xasprintf("%s/" TEMPORARY "XXXXXX", tmp);
		/* The descriptor stays open, and the lock held, to the end. */
		if (mkdtemp(path) != NULL && lock_state(path) >= 0)
			return path;
		complain("make", path);
		free(path);
		return NULL;
	}
	if (mkdir(named, 0700) != 0 && errno != EEXIST) {
		complain("make", named);
		return NULL;
	}
	path = realpath(named, NULL);
	if (path == NULL)
		complain("find", named);
	return path;
}

static void
banner(void *arg, struct host *host)
{
	const char *about = plugins_lookup(host->plugins,
	    "sandbox/local/about");

	(void)arg;
	printf("bellhop %s · demo company \"Acme\"%s%s · nothing here leaves "
	    "this machine\n", PACKAGE_VERSION, about != NULL ? ": " : "",
	    about != NULL ? about : "");
	fflush(stdout);
}

static int
prepare(const char *files, const char *state)
{
	BH_AUTO_FREE char *teams_from = xasprintf("%s/team.d", files);
	BH_AUTO_FREE char *teams_to = xasprintf("%s/conf/team.d", state);
	BH_AUTO_FREE char *conf = xasprintf("%s/conf", state);

	if (copy_all(files, conf, state) != 0 ||
	    copy_all(teams_from, teams_to, state) != 0)
		return -1;
	/* Keys of the local AWS, as real ones would come; they open nothing
	 * else.  What a shell has set for the real AWS stays out of it. */
	setenv("AWS_ACCESS_KEY_ID", "AKIDSANDBOX000000001", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "sandbox-secret-key", 1);
	unsetenv("AWS_SESSION_TOKEN");
	unsetenv("AWS_PROFILE");
	return 0;
}

/* The tour takes the place of the keyboard. */
static int
type_tour(const char *files)
{
	BH_AUTO_FREE char *path = xasprintf("%s/tour.txt", files);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return complain("read", path);
	if (dup2(fd, STDIN_FILENO) < 0) {
		close(fd);
		return complain("read", path);
	}
	close(fd);
	return 0;
}

int
cli_demo(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "state", required_argument, NULL, 's' },
		{ "script", no_argument, NULL, 'i' },
		{ "plugin-directory", required_argument, NULL, 'd' },
		{ "log-level", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	BH_AUTO_FREE char *files = NULL, *state = NULL, *config = NULL;
	struct host_options options = { .signals = true, .hangup_ends = true, .quiet = true,
	    .clock_free = true, .on_open = banner };
	const char *named = NULL;
	int c, status = 1, level = BH_LOG_ERROR;
	bool tour = false;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1)
		switch (c) {
		case 's':
			named = optarg;
			break;
		case 'i':
			tour = true;
			break;
		case 'd':
			options.plugin_directory = optarg;
			break;
		case 'v':
			if (!log_level_parse(optarg, &level))
				return cli_misused("demo", "--log-level takes "
				    "error, warning, note, info or debug");
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	if (optind < argc)
		return cli_misused("demo", "takes no further words");
	log_setup(LOG_AUTO, level);
	cli_harden();
	files = demo_files();
	if ((state = state_directory(named)) == NULL)
		return 1;
	config = xasprintf("%s/conf/bellhop.yaml", state);
	options.config = config;
	if (prepare(files, state) == 0 && (!tour || type_tour(files) == 0))
		status = cli_host(&options);
	/* Made by mkdtemp() above: nobody else's files can be in there. */
	if (named == NULL)
		nftw(state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
