/* load.c - maps exactly the bytes that were vetted.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The file itself is never mapped: written over in place it would take the
 * process down, and renamed over, dlopen() would find the old code by its
 * name.  A sealed memfd holds a copy that nobody can change, us included.
 * Its descriptor stays open for good, since the C library knows loaded objects
 * by path, and "/proc/self/fd/7" must not come to mean another plugin.
 */

#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/base/running.h"
#include "host/plugin/instance.h"
#include "host/plugin/load.h"
#include "host/plugin/vet.h"

#ifndef MFD_EXEC
#define MFD_EXEC	0x0010U
#endif

static int
write_all(int fd, const unsigned char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return BH_EIO;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Does the descriptor hold these bytes and no more? */
static bool
holds(int fd, const unsigned char *bytes, size_t len)
{
	unsigned char chunk[65536];
	size_t at = 0;

	while (at < len) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), (off_t)at);

		if (n <= 0 || (size_t)n > len - at ||
		    memcmp(chunk, bytes + at, (size_t)n) != 0)
			return false;
		at += (size_t)n;
	}
	return pread(fd, chunk, 1, (off_t)at) == 0;
}

int
copy_sealed(const char *name, const unsigned char *bytes, size_t len)
{
#ifdef HAVE_MEMFD_CREATE
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE;
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)	/* before Linux 6.3 */
		fd = memfd_create(name, flags);
	if (fd < 0)
		return -1;
	if (write_all(fd, bytes, len) != 0 ||
	    fcntl(fd, F_ADD_SEALS, seals) != 0 ||
	    fcntl(fd, F_GET_SEALS) != seals || !holds(fd, bytes, len)) {
		close(fd);
		return -1;
	}
	return fd;
#else
	(void)name, (void)bytes, (void)len;
	return -1;
#endif
}

/* Without memfd: a file under its digest in a directory of ours that nobody
 * else may enter, removed again once it is mapped. */
static void *
map_file(const struct vetted *v, struct bh_buf *error)
{
	const char *parents[] = { getenv("RUNTIME_DIRECTORY"),
	    getenv("XDG_RUNTIME_DIR"), "/var/tmp", "/tmp" };
	void *handle = NULL;

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]) &&
	    handle == NULL; i++) {
		BH_AUTO_FREE char *dir = NULL, *file = NULL;
		int fd;

		if (parents[i] == NULL || parents[i][0] != '/')
			continue;
		dir = xasprintf("%s/bellhop-XXXXXX", parents[i]);
		if (mkdtemp(dir) == NULL)	/* makes it 0700 */
			continue;
		file = xasprintf("%s/%s.so", dir, v->sha256);
		fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0500);
		if (fd >= 0) {
			if (write_all(fd, v->bytes, v->len) == 0 &&
			    holds(fd, v->bytes, v->len))
				handle = dlopen(file,
				    RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
			close(fd);
			unlink(file);
		}
		rmdir(dir);
	}
	if (handle == NULL) {
		const char *why = dlerror();

		bh_buf_add(error, "%s: cannot be mapped: %s", v->path,
		    why != NULL ? why : "no private directory for its copy: "
		    "set XDG_RUNTIME_DIR");
	}
	return handle;
}

static void *
map_sealed(const struct vetted *v, struct bh_buf *error)
{
	BH_AUTO_FREE char *memory_name = xasprintf("%s.so", v->head.name);
	BH_AUTO_FREE char *path = NULL;
	int fd = copy_sealed(memory_name, v->bytes, v->len);
	void *handle;

	if (fd < 0)
		return map_file(v, error);
	path = xasprintf("/proc/self/fd/%d", fd);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (handle == NULL) {
		const char *why = dlerror();

		/* No /proc here, or memory files may not be executed: a file
		 * may do.  Else the reason is in the plugin. */
		close(fd);
		if (access("/proc/self/fd", X_OK) != 0 ||
		    (why != NULL && strstr(why, "cannot open shared") != NULL) ||
		    (why != NULL && strstr(why, "failed to map") != NULL))
			return map_file(v, error);
		bh_buf_add(error, "%s: cannot be mapped: %s: install what it "
		    "needs or build it against this host", v->path,
		    why != NULL ? why : "no reason given");
	}
	return handle;
}

/* What is mapped already, by digest: the same bytes need no second copy. */
struct mapped {
	char sha256[65];
	void *handle;
	struct mapped *next;
};
static struct mapped *mapped;

static void *
map_new(const struct vetted *v, struct bh_buf *error)
{
#ifdef BH_SANITIZERS
	/* A leak or a bad access is reported with file and line only when
	 * the object can be found under its path. */
	const char *how = getenv("BELLHOP_PLUGIN_LOAD");

	if (how == NULL || strcmp(how, "copy") != 0) {
		void *handle = dlopen(v->path,
		    RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

		if (handle == NULL)
			bh_buf_add(error, "%s: cannot be mapped: %s", v->path,
			    dlerror());
		return handle;
	}
#endif
	return map_sealed(v, error);
}

static void *
map(const struct vetted *v, struct bh_buf *error)
{
	struct mapped *m = mapped;
	struct running before;
	void *handle;

	while (m != NULL && strcmp(m->sha256, v->sha256) != 0)
		m = m->next;
	if (m != NULL)
		return m->handle;
	/* Constructors run in there. */
	before = running_enter(v->head.name, v->head.version, "constructor");
	handle = map_new(v, error);
	running_leave(before);
	if (handle == NULL)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	memcpy(m->sha256, v->sha256, sizeof(m->sha256));
	m->handle = handle;
	m->next = mapped;
	mapped = m;
	return handle;
}

static int
take_over(const struct vetted *v, struct plugin *out, struct bh_buf *error)
{
	const struct bh_plugin *table = dlsym(out->handle, "bellhop_plugin");
	BH_AUTO_BUF struct bh_buf why = BH_BUF(1024);
	int ret;

	/* What runs is what was looked at? */
	if (table == NULL || memcmp(table, &v->head, sizeof(v->head)) != 0) {
		bh_buf_add(error, "%s: says something else when loaded than "
		    "in its file: do not use it", v->path);
		return BH_EPERM;
	}
	if ((ret = tables_take(table, out, &why)) != 0)
		bh_buf_add(error, "%s: %s", v->path, bh_buf_text(&why));
	return ret;
}

struct plugin *
plugin_load(int directory_fd, const char *directory, const char *name,
    struct bh_buf *error)
{
	BH_AUTO_FREE char *file = xasprintf("%s.so", name);
	struct vetted v = { 0 };
	struct plugin *p;

	if (vet_file(directory_fd, directory, file, &v, error) != 0)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->magic = PLUGIN_MAGIC;
	p->path = xstrdup(v.path);
	memcpy(p->sha256, v.sha256, sizeof(p->sha256));
	p->handle = map(&v, error);
	if (p->handle == NULL || take_over(&v, p, error) != 0)
		plugin_free(&p);
	vetted_release(&v);
	return p;
}

struct plugin *
plugin_adopt(const struct bh_plugin *table, struct bh_buf *error)
{
	struct plugin *p = xcalloc(1, sizeof(*p));

	p->magic = PLUGIN_MAGIC;
	if (tables_take(table, p, error) != 0)
		plugin_free(&p);
	return p;
}
