/* folder.c - which plugins lie in the directory, and loading those wanted.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dropping a file there enables nothing: only what the configuration names is
 * loaded.  The rest is known by name, for better sentences.
 */

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/plugin/instance.h"
#include "host/plugin/load.h"
#include "host/plugin/plugins.h"
#include "host/plugin/vet.h"

#define FILES_MAX	1000

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
folder_names(int directory_fd)
{
	int fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char **names = xcalloc(FILES_MAX + 1, sizeof(*names));
	struct dirent *e;
	size_t n = 0;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return names;
	}
	rewinddir(dir);
	while (n < FILES_MAX && (e = readdir(dir)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len > 3 && strcmp(e->d_name + len - 3, ".so") == 0 &&
		    vet_name_ok(e->d_name, len - 3))
			names[n++] = xstrndup(e->d_name, len - 3);
	}
	closedir(dir);
	qsort(names, n, sizeof(*names), by_name);
	return names;
}

static bool
listed(char *const *names, const char *name)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void
load_one(struct plugins *ps, int fd, const char *directory, const char *name,
    struct conf_errors *errors)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(2048);
	struct plugin *p;

	if (!vet_name_ok(name, strlen(name))) {
		conf_complain(errors, NULL, "\"%s\" is no name for a plugin: "
		    "use a-z, 0-9 and -", name);
		return;
	}
	if (!listed(ps->known, name)) {
		conf_complain(errors, NULL, "%s/%s.so: is not there: install "
		    "the plugin, set plugin-directory, or correct the name "
		    "in the configuration", directory, name);
		return;
	}
	if ((p = plugin_load(fd, directory, name, &why)) == NULL) {
		conf_complain(errors, NULL, "%s", bh_buf_text(&why));
		return;
	}
	plugins_add(ps, p);
	log_debug("loaded %s %s (%.12s)", p->path, p->p.version, p->sha256);
}

static void
forget_known(struct plugins *ps)
{
	for (size_t i = 0; ps->known != NULL && ps->known[i] != NULL; i++)
		free(ps->known[i]);
	free(ps->known);
	ps->known = NULL;
}

void
plugins_load(struct plugins *ps, const char *directory,
    const struct conf *conf, struct conf_errors *errors)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(2048);
	const char *name;
	bool wants = false;
	int fd;

	for (size_t i = 0; (name = conf_wanted(conf, i)) != NULL; i++)
		if (plugins_find(ps, name) == NULL)
			wants = true;
	forget_known(ps);
	fd = vet_directory(directory, &why);
	if (fd < 0) {
		if (wants)
			conf_complain(errors, NULL, "%s", bh_buf_text(&why));
		return;
	}
	ps->known = folder_names(fd);
	for (size_t i = 0; (name = conf_wanted(conf, i)) != NULL; i++)
		if (plugins_find(ps, name) == NULL)
			load_one(ps, fd, directory, name, errors);
	close(fd);
}
