/* reserve.c - space set aside for the day the disk is full.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A file of real blocks beside the database.  When a write finds no space,
 * the file goes, and what must still be written (removals, their audit rows)
 * has its room.  It is made again as soon as that much is free.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/store/store-internal.h"

/* For file systems that cannot allocate by name: write the blocks. */
static bool
fill(int fd, int64_t size)
{
	char block[4096];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 31);
	for (int64_t at = 0; at < size;) {
		ssize_t n = pwrite(fd, block, sizeof(block), at);

		if (n <= 0)
			return false;
		at += n;
	}
	return true;
}

bool
reserve_make(const char *path, int64_t size)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return false;
	bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (ok && (st.st_size < size || st.st_blocks * 512 < size)) {
		int e = posix_fallocate(fd, 0, size);

		ok = e == 0 || ((e == EINVAL || e == EOPNOTSUPP) &&
		    fill(fd, size));
		ok = ok && fsync(fd) == 0;
	}
	close(fd);
	if (!ok)
		unlink(path);
	return ok;
}

void
reserve_release(const char *path)
{
	unlink(path);
}
