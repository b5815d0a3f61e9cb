/* vet.c - who may have written a plugin's file, and what its head says.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whoever can write the file, or rename another over it, runs as us.  So the
 * file and its directory belong to root or to us and nobody else may write
 * them; no link is followed at the end of the path; and the bytes are read
 * once and kept, so that nothing that happens to the path later matters.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/ids.h"
#include "host/base/mem.h"
#include "host/plugin/elf.h"
#include "host/plugin/vet.h"

#define FILE_MAX	(64u << 20)

/* What 1.0 had: nothing smaller was ever made by BH_PLUGIN(). */
#define MIN_PLUGIN	(offsetof(struct bh_plugin, directory) + sizeof(void *))
#define MIN_OPTION	(offsetof(struct bh_option, flags) + sizeof(unsigned))
#define MIN_COMMAND	(offsetof(struct bh_command, choices) + sizeof(void *))
#define MIN_TRANSPORT	(offsetof(struct bh_transport, offers) + sizeof(void *))
#define MIN_DIRECTORY	(offsetof(struct bh_directory, member) + sizeof(void *))
#define SIZE_MAX_SANE	4096u

/* The head is read from files of any age: it never changes. */
_Static_assert(offsetof(struct bh_plugin, major) == 16, "plugin head");
_Static_assert(offsetof(struct bh_plugin, size) == 20, "plugin head");
_Static_assert(offsetof(struct bh_plugin, directory_size) == 36, "plugin head");
_Static_assert(offsetof(struct bh_plugin, name) == 40, "plugin head");
_Static_assert(offsetof(struct bh_plugin, version) == 72, "plugin head");
_Static_assert(sizeof(struct plugin_head) == 88, "plugin head");

/* Root's or ours, and nobody else may write it?  NULL, or what is wrong. */
static const char *
not_ours(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user: chown it to root";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "may be written by others: chmod go-w it";
	return NULL;
}

/* A directory above: whoever may rename in it could put another in place.
 * The sticky bit forbids that; our own group is our own business. */
static const char *
parent_not_ours(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user: move the plugins elsewhere";
	if ((st->st_mode & S_ISVTX) != 0)
		return NULL;
	if ((st->st_mode & S_IWOTH) != 0 ||
	    ((st->st_mode & S_IWGRP) != 0 && st->st_uid != geteuid()))
		return "may be written by others: chmod go-w it";
	return NULL;
}

static int
check_parents(int fd, const char *path, struct bh_buf *error)
{
	struct stat below, st;
	int up = -1, ret = 0;

	if (fstat(fd, &below) != 0 ||
	    (fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0) {
		bh_buf_add(error, "%s: cannot look at it: %s", path,
		    strerror(errno));
		return BH_EIO;
	}
	/* By "..", not by name: names may lead over links. */
	for (int depth = 1; depth < 128; depth++) {
		const char *why;

		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
		if (up < 0 || fstat(up, &st) != 0) {
			bh_buf_add(error, "%s: cannot look at the directory "
			    "%d above: %s", path, depth, strerror(errno));
			ret = BH_EIO;
			break;
		}
		if (st.st_dev == below.st_dev && st.st_ino == below.st_ino)
			break;
		if ((why = parent_not_ours(&st)) != NULL) {
			bh_buf_add(error, "%s: the directory %d above it %s",
			    path, depth, why);
			ret = BH_EPERM;
			break;
		}
		below = st;
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

int
vet_directory(const char *path, struct bh_buf *error)
{
	struct stat st;
	const char *why = "cannot be looked at: see the disk";
	int fd, ret;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ELOOP || errno == ENOTDIR)
			bh_buf_add(error, "%s: is a link or no directory: "
			    "name the directory itself", path);
		else
			bh_buf_add(error, "%s: cannot open the plugin "
			    "directory: %s", path, strerror(errno));
		return errno == ENOENT ? BH_ENOENT : BH_EPERM;
	}
	if (fstat(fd, &st) != 0 || (why = not_ours(&st)) != NULL) {
		bh_buf_add(error, "%s: the plugin directory %s", path, why);
		close(fd);
		return BH_EPERM;
	}
	if ((ret = check_parents(fd, path, error)) != 0) {
		close(fd);
		return ret;
	}
	return fd;
}

bool
vet_name_ok(const char *name, size_t len)
{
	if (len == 0 || len >= sizeof(((struct plugin_head *)NULL)->name))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= '0' && name[i] <= '9') && name[i] != '-')
			return false;
	return true;
}

/* Reads all of it, and notices when it changes meanwhile. */
static const char *
read_all(int fd, const struct stat *st, struct vetted *out)
{
	struct stat after;
	size_t len = (size_t)st->st_size, got = 0;

	out->bytes = xcalloc(1, len);
	out->len = len;
	while (got < len) {
		ssize_t n = pread(fd, out->bytes + got, len - got, (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return "cannot be read: look at the disk";
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got < len || fstat(fd, &after) != 0 ||
	    after.st_size != st->st_size ||
	    after.st_ctim.tv_sec != st->st_ctim.tv_sec ||
	    after.st_ctim.tv_nsec != st->st_ctim.tv_nsec)
		return "changed while it was read: write it under another "
		    "name, then rename it";
	return NULL;
}

static int
open_file(int dir, const char *file, struct vetted *out,
    struct bh_buf *error)
{
	struct stat st;
	const char *why = NULL;
	int fd;

	/* O_NONBLOCK: a FIFO with that name must not hold us up. */
	fd = openat(dir, file,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (errno == ELOOP)
			bh_buf_add(error, "%s: is a symbolic link: put the "
			    "file itself there", out->path);
		else
			bh_buf_add(error, "%s: cannot open: %s", out->path,
			    strerror(errno));
		return errno == ENOENT ? BH_ENOENT : BH_EPERM;
	}
	if (fstat(fd, &st) != 0)
		why = "cannot be looked at: see the disk";
	else if (!S_ISREG(st.st_mode))
		why = "is no regular file: put the plugin itself there";
	else if ((why = not_ours(&st)) != NULL)
		;
	else if (st.st_size < 256)
		why = "is too small to be a plugin: build or copy it again";
	else if (st.st_size > (off_t)FILE_MAX)
		why = "is over 64 MiB: strip it";
	else
		why = read_all(fd, &st, out);
	close(fd);
	if (why != NULL) {
		bh_buf_add(error, "%s: %s", out->path, why);
		return BH_EPERM;
	}
	return 0;
}

static bool
terminated(const char *field, size_t size)
{
	return memchr(field, '\0', size) != NULL;
}

/* NULL, or what is wrong with the sizes. */
static const char *
check_sizes(const struct plugin_head *h, size_t symbol)
{
	const struct { uint32_t is; size_t least; } sizes[] = {
		{ h->size, MIN_PLUGIN },
		{ h->option_size, MIN_OPTION },
		{ h->command_size, MIN_COMMAND },
		{ h->transport_size, MIN_TRANSPORT },
		{ h->directory_size, MIN_DIRECTORY },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].is < sizes[i].least ||
		    sizes[i].is > SIZE_MAX_SANE ||
		    sizes[i].is % sizeof(void *) != 0)
			return "gives sizes of its tables that no version of "
			    "the header had: build it with BH_PLUGIN()";
	if (symbol < h->size)
		return "is shorter than it says: build it again";
	return NULL;
}

static int
check_head(const struct vetted *v, const char *file, size_t symbol,
    struct bh_buf *error)
{
	const struct plugin_head *h = &v->head;
	const char *why;

	if (memcmp(h->magic, BH_MAGIC, sizeof(h->magic)) != 0) {
		bh_buf_add(error, "%s: has no bellhop magic: make the table "
		    "with BH_PLUGIN()", v->path);
		return BH_EPARSE;
	}
	if (h->major != BH_ABI_MAJOR) {
		bh_buf_add(error, "%s: speaks version %u of the plugin "
		    "interface, this host speaks %d: build it against this "
		    "host's plugin.h", v->path, h->major, BH_ABI_MAJOR);
		return BH_EUNSUPPORTED;
	}
	if ((why = check_sizes(h, symbol)) != NULL) {
		bh_buf_add(error, "%s: %s", v->path, why);
		return BH_EPARSE;
	}
	if (!terminated(h->name, sizeof(h->name)) ||
	    !terminated(h->version, sizeof(h->version)) ||
	    !vet_name_ok(h->name, strlen(h->name)) || h->version[0] == '\0' ||
	    strspn(h->version, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-") !=
	    strlen(h->version)) {
		bh_buf_add(error, "%s: gives no proper name and version: "
		    "names are a-z 0-9 -, versions plain words", v->path);
		return BH_EPARSE;
	}
	if (strlen(h->name) + 3 != strlen(file) ||
	    strncmp(h->name, file, strlen(h->name)) != 0) {
		bh_buf_add(error, "%s: calls itself \"%s\": rename it to "
		    "%s.so", v->path, h->name, h->name);
		return BH_EINVAL;
	}
	return 0;
}

int
vet_file(int directory_fd, const char *directory, const char *file,
    struct vetted *out, struct bh_buf *error)
{
	struct vetted v = { .path = xasprintf("%s/%s", directory, file) };
	size_t n = strlen(file), offset, symbol;
	const char *why;
	int ret;

	if (n < 4 || strcmp(file + n - 3, ".so") != 0 ||
	    !vet_name_ok(file, n - 3)) {
		bh_buf_add(error, "%s: is no name for a plugin: use a-z, 0-9 "
		    "and -, and end it in .so", v.path);
		ret = BH_EINVAL;
		goto out;
	}
	if ((ret = open_file(directory_fd, file, &v, error)) != 0)
		goto out;
	ret = elf_find(v.bytes, v.len, "bellhop_plugin", &offset, &symbol,
	    &why);
	if (ret == 0 && symbol < sizeof(v.head)) {
		why = "has a bellhop_plugin that is too short: make it with "
		    "BH_PLUGIN()";
		ret = BH_EPARSE;
	}
	if (ret != 0) {
		bh_buf_add(error, "%s: %s", v.path, why);
		goto out;
	}
	memcpy(&v.head, v.bytes + offset, sizeof(v.head));
	if ((ret = check_head(&v, file, symbol, error)) != 0)
		goto out;
	sha256_hex(v.sha256, v.bytes, v.len);
	*out = v;
	return 0;
out:
	vetted_release(&v);
	return ret;
}

void
vetted_release(struct vetted *v)
{
	free(v->path);
	free(v->bytes);
	*v = (struct vetted){ 0 };
}
