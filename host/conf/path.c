/*
 * path.c - may this file be trusted?
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Who can write the file, or rename something over it, decides who gets
 * access.  So the path is walked from the root, a descriptor at a time and
 * never through a symbolic link, and what was looked at is what is read.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/conf/internal.h"

/* An absolute path without "." and ".."; NULL and *error.  No symbolic link
 * is ever followed, so that ".." can go by the text. */
static char *
path_absolute(const char *path, char **error)
{
	BH_AUTO_BUF struct bh_buf full = BH_BUF(PATH_MAX);
	BH_AUTO_BUF struct bh_buf out = BH_BUF(PATH_MAX);
	char here[PATH_MAX], *rest, *part;

	if (path[0] != '/') {
		if (getcwd(here, sizeof(here)) == NULL) {
			*error = xasprintf("%s: the current directory cannot "
			    "be found: give the whole path", path);
			return NULL;
		}
		bh_buf_add(&full, "%s/", here);
	}
	bh_buf_puts(&full, path);
	if (full.overflow) {
		*error = xasprintf("%.60s...: the path is too long", path);
		return NULL;
	}
	bh_buf_puts(&out, "");
	for (part = strtok_r(full.data, "/", &rest); part != NULL;
	    part = strtok_r(NULL, "/", &rest)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			char *slash = strrchr(out.data, '/');

			if (slash != NULL) {
				out.len = (size_t)(slash - out.data);
				*slash = '\0';
			}
			continue;
		}
		bh_buf_add(&out, "/%s", part);
	}
	return xstrdup(out.len > 0 ? out.data : "/");
}

/* Is this file or directory beyond other people's reach? */
static char *
path_judge(const char *path, const struct stat *st, bool parent)
{
	uid_t me = geteuid();

	if (S_ISLNK(st->st_mode)) {
		char *real = realpath(path, NULL);
		char *why = xasprintf("%s is a symbolic link: use the path it "
		    "leads to%s%s", path, real != NULL ? ", " : "",
		    real != NULL ? real : "");

		free(real);
		return why;
	}
	if (st->st_uid != 0 && st->st_uid != me)
		return xasprintf("%s belongs to user %u: chown it to root or "
		    "to user %u, who runs this", path, (unsigned)st->st_uid,
		    (unsigned)me);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return NULL;
	/* In /tmp nobody can rename what is somebody else's. */
	if (parent && st->st_uid == 0 && (st->st_mode & S_ISVTX) != 0)
		return NULL;
	return xasprintf("%s can be written by %s (mode %04o): chmod go-w %s",
	    path, (st->st_mode & S_IWOTH) != 0 ? "everybody" : "its group",
	    (unsigned)st->st_mode & 07777, path);
}

static char *
path_errno(const char *path, int error)
{
	const char *remedy = error == ENOENT ? ": check the path" :
	    error == EACCES ? ": let the user who runs this read it" : "";

	return xasprintf("%s: %s%s", path, strerror(error), remedy);
}

enum path_part { PATH_PARENT, PATH_DIRECTORY, PATH_FILE };

/* Opens `name` in `dir`, looks at it, and gives the descriptor (O_PATH). */
static int
path_step(int dir, const char *name, const char *path, enum path_part part,
    char **error)
{
	struct stat st;
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		*error = path_errno(path, errno);
		return -1;
	}
	if (fstat(fd, &st) != 0)
		*error = path_errno(path, errno);
	else
		*error = path_judge(path, &st, part == PATH_PARENT);
	if (*error == NULL && part != PATH_FILE && !S_ISDIR(st.st_mode))
		*error = xasprintf("%s is no directory: check the path", path);
	if (*error != NULL) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Walks to the directory that holds the last part of `path`.  `path` is cut
 * into pieces and put together again on the way. */
static int
path_walk(char *path, char **last, char **error)
{
	int dir = path_step(AT_FDCWD, "/", "/", PATH_PARENT, error);
	char *part = path + 1;

	while (dir >= 0) {
		char *slash = strchr(part, '/');
		int next;

		if (slash == NULL)
			break;
		*slash = '\0';
		next = path_step(dir, part, path, PATH_PARENT, error);
		*slash = '/';
		close(dir);
		dir = next;
		part = slash + 1;
	}
	*last = part;
	return dir;
}

int
conf_path_safe(const char *path, bool directory, int *fd, char **error)
{
	char *why = NULL, *last;
	BH_AUTO_FREE char *whole = path_absolute(path, &why);
	struct stat st;
	int dir, file = -1;

	if (whole == NULL)
		goto out;
	dir = path_walk(whole, &last, &why);
	if (dir < 0)
		goto out;
	/* The file itself: judged first, then opened, then judged again by
	 * its descriptor.  Not blocking, in case it is a pipe. */
	file = path_step(dir, *last != '\0' ? last : ".", whole,
	    directory ? PATH_DIRECTORY : PATH_FILE, &why);
	if (file >= 0 && !directory) {
		close(file);
		file = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC);
		if (file < 0 || fstat(file, &st) != 0)
			why = path_errno(whole, errno);
		else if (!S_ISREG(st.st_mode))
			why = xasprintf("%s is no regular file: put one there",
			    whole);
		else
			why = path_judge(whole, &st, false);
	}
	close(dir);
out:
	if (why != NULL) {
		if (file >= 0)
			close(file);
		*error = why;
		return BH_EPERM;
	}
	if (fd != NULL)
		*fd = file;
	else if (file >= 0)
		close(file);
	return BH_OK;
}

char *
conf_path_read(const char *path, size_t max, size_t *len, char **error)
{
	char *text;
	int fd;

	*len = 0;
	*error = NULL;
	if (conf_path_safe(path, false, &fd, error) != BH_OK)
		return NULL;
	text = xcalloc(max + 2, 1);
	for (;;) {
		ssize_t n = read(fd, text + *len, max + 1 - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			*error = path_errno(path, errno);
		if (n <= 0)
			break;
		*len += (size_t)n;
		if (*len > max) {
			*error = xasprintf("%s is over %zu KiB: make it "
			    "smaller", path, max >> 10);
			break;
		}
	}
	close(fd);
	if (*error != NULL) {
		xfree_secret(text, max + 2);
		return NULL;
	}
	return text;
}
