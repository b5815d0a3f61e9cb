/*
 * script.c - runs chat scripts, each on a host and a store of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/banned.h"
#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/cli/script.h"
#include "host/host.h"

/* Monday, 5 January 2026, ten o'clock: the day on which scripts begin. */
#define FIRST_MOMENT	1767607200000

static bool BH_PRINTF(2, 3)
fail(struct script *s, const char *fmt, ...)
{
	va_list ap;

	bh_buf_clear(&s->error);
	va_start(ap, fmt);
	bh_buf_vadd(&s->error, fmt, ap);
	va_end(ap);
	return false;
}

static bool
is_ready(void *arg)
{
	return ((struct host *)arg)->ready;
}

bool
script_start(struct script *s)
{
	BH_AUTO_FREE char *store = xasprintf("sqlite:%s/store.db",
	    s->directory);
	const char *error = NULL;
	struct host_internal internal[3] = { { 0 } };
	struct host_options options = { .config = s->config,
	    .plugin_directory = s->plugins, .store = store,
	    .clock_free = true, .frozen = true, .start = s->start,
	    .internal = internal };

	if (s->config == NULL)
		return fail(s, "a script begins with: company NAME");
	for (size_t i = 0; script_transports[i] != NULL; i++)
		internal[i] = (struct host_internal){
		    .plugin = &script_transport,
		    .instance = script_transports[i] };
	script_world.script = s;
	s->host = host_start(&options, &error);
	if (s->host == NULL)
		return fail(s, "the host did not start: %s", error);
	if (!host_settle(s->host, is_ready, s->host, 60000))
		return fail(s, "the host did not become ready");
	/* What plugins read first, such as a directory, is there when the
	 * script begins; and no second of the script is spent on it. */
	host_settle(s->host, NULL, NULL, 10000);
	return true;
}

void
script_stop(struct script *s)
{
	s->start = world_now();		/* where the next one goes on */
	host_stop(&s->host);
}

/* Writes the text with "@directory@" replaced by the script's own. */
static bool
put_text(struct script *s, const char *text, FILE *f)
{
	static const char mark[] = "@directory@";
	const char *at;

	for (; (at = strstr(text, mark)) != NULL; text = at + sizeof(mark) - 1)
		if (fwrite(text, 1, (size_t)(at - text), f) !=
		    (size_t)(at - text) || fputs(s->directory, f) < 0)
			return false;
	return fputs(text, f) >= 0;
}

bool
script_write(struct script *s, const char *name, const char *text)
{
	BH_AUTO_FREE char *path = xasprintf("%s/%s", s->directory, name);
	char *slash = strrchr(path, '/');
	FILE *f;

	*slash = '\0';
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return fail(s, "%s: %s", path, strerror(errno));
	*slash = '/';
	f = fopen(path, "we");
	if (f == NULL || !put_text(s, text, f) || fclose(f) != 0)
		return fail(s, "%s: %s", path, strerror(errno));
	return chmod(path, 0600) == 0;
}

/* Copies the plain files of one folder. */
static bool
copy_folder(struct script *s, const char *from, const char *below)
{
	DIR *dir = opendir(from);
	struct dirent *e;
	bool ok = true;

	if (dir == NULL)
		return fail(s, "%s: %s", from, strerror(errno));
	while (ok && (e = readdir(dir)) != NULL) {
		BH_AUTO_FREE char *path = xasprintf("%s/%s", from, e->d_name);
		BH_AUTO_FREE char *name = xasprintf("%s%s", below, e->d_name);
		BH_AUTO_BUF struct bh_buf text = BH_BUF(1 << 20);
		struct stat st;
		char part[4096];
		size_t n;
		FILE *f;

		if (e->d_name[0] == '.' || stat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			BH_AUTO_FREE char *deeper = xasprintf("%s%s/", below,
			    e->d_name);

			ok = copy_folder(s, path, deeper);
			continue;
		}
		if ((f = fopen(path, "re")) == NULL) {
			ok = fail(s, "%s: %s", path, strerror(errno));
			continue;
		}
		while ((n = fread(part, 1, sizeof(part), f)) > 0)
			bh_buf_put(&text, part, n);
		fclose(f);
		ok = script_write(s, name, bh_buf_text(&text));
	}
	closedir(dir);
	return ok;
}

bool
script_company(struct script *s, const char *name)
{
	BH_AUTO_FREE char *from = NULL;
	const char *slash = strrchr(s->path, '/');

	if (s->config != NULL)
		return fail(s, "a script has one company");
	from = xasprintf("%.*s%s", slash != NULL ? (int)(slash - s->path) + 1 :
	    0, s->path, name);
	if (!copy_folder(s, from, ""))
		return false;
	s->config = xasprintf("%s/bellhop.yaml", s->directory);
	return true;
}

/* ------------------------------------------------------------------ */

/* "file team.d/search.yaml <<" ... ">>" */
static bool
take_file(struct script *s, const char *line, FILE *f)
{
	char name[256], *text = NULL;
	size_t size = 0;
	BH_AUTO_BUF struct bh_buf all = BH_BUF(1 << 20);
	bool ended = false;

	if (sscanf(line, " file %255s <<", name) != 1 || strstr(name, ".."))
		return fail(s, "write: file team.d/NAME.yaml <<, lines, >>");
	while (!ended && getline(&text, &size, f) > 0) {
		s->line++;
		ended = strncmp(text, ">>", 2) == 0;
		if (!ended)
			bh_buf_puts(&all, text);
	}
	free(text);
	return ended ? script_write(s, name, bh_buf_text(&all)) :
	    fail(s, "the file %s has no end: write >> on a line", name);
}

static bool
run_lines(struct script *s, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	while (ok && getline(&line, &size, f) > 0) {
		s->line++;
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line + strspn(line, " "), "file ", 5) == 0)
			ok = take_file(s, line, f);
		else
			ok = script_line(s, line);
	}
	free(line);
	return ok;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static void
script_clear(struct script *s)
{
	host_stop(&s->host);
	world_thaw();
	script_world_clear();
	for (size_t i = 0; i < s->people_count; i++) {
		free(s->people[i].name);
		free(s->people[i].display);
		free(s->people[i].email);
		free(s->people[i].transport);
		free(s->people[i].room);
	}
	if (getenv("BELLHOP_SCRIPT_KEEP") != NULL)
		fprintf(stderr, "kept %s\n", s->directory);
	else
		nftw(s->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s->directory);
	free(s->config);
	bh_buf_release(&s->error);
}

static bool
run_script(const char *path, const char *plugins)
{
	const char *tmp = getenv("TMPDIR");
	struct script s = { .magic = SCRIPT_MAGIC, .path = path,
	    .plugins = plugins, .start = FIRST_MOMENT,
	    .error = BH_BUF(1 << 20) };
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL) {
		printf("not ok %s: %s\n", path, strerror(errno));
		return false;
	}
	s.directory = xasprintf("%s/bellhop-script-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(s.directory) == NULL) {
		printf("not ok %s: %s: %s\n", path, s.directory,
		    strerror(errno));
		fclose(f);
		return false;
	}
	ok = run_lines(&s, f);
	fclose(f);
	if (ok)
		printf("ok %s\n", path);
	else
		printf("not ok %s:%d: %s\n", path, s.line,
		    bh_buf_text(&s.error));
	fflush(stdout);
	script_clear(&s);
	return ok;
}

int
script_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plugin-directory", required_argument, NULL, 'p' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	const char *plugins = NULL;
	int c, failed = 0, ran = 0;

	log_setup(LOG_HUMAN, BH_LOG_ERROR);
	optind = 1;
	while ((c = getopt_long(argc, argv, "p:vh", options, NULL)) != -1)
		switch (c) {
		case 'p':
			plugins = optarg;
			break;
		case 'v':
			log_setup(LOG_HUMAN, BH_LOG_DEBUG);
			break;
		default:
			fprintf(c == 'h' ? stdout : stderr,
			    "usage: bellhop plugin test [--plugin-directory DIR]"
			    " [--verbose] SCRIPT...\n\n"
			    "Runs chat scripts against real plugins, without a "
			    "network, on a clock of their own.\n");
			return c == 'h' ? 0 : 2;
		}
	for (int i = optind; i < argc; i++, ran++)
		failed += !run_script(argv[i], plugins);
	printf("%d passed, %d failed\n", ran - failed, failed);
	return failed == 0 && ran > 0 ? 0 : 1;
}
