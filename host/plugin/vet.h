/* vet.h - looks at a plugin's file without running any of it.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_PLUGIN_VET_H
#define HOST_PLUGIN_VET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bellhop/plugin.h>

/* The part of struct bh_plugin that is plain data in the file: nothing in it
 * needs relocation, so that it reads the same on disk and in memory. */
struct plugin_head {
	char magic[16];
	uint16_t major, minor;
	uint32_t size, option_size, command_size;
	uint32_t transport_size, directory_size;
	char name[32];
	char version[16];
};

/* A file that may be loaded.  The bytes that were looked at are held here, so
 * that what was vetted is what gets mapped, whatever happens to the path. */
struct vetted {
	char *path;
	unsigned char *bytes;
	size_t len;
	char sha256[65];
	struct plugin_head head;
};

/* Opens and vets DIRECTORY/NAME.so in the order of the loader's rules.
 * Returns 0 and fills `out` (release it with vetted_release()), or a failure
 * and one line in *error that names the file, the reason and the remedy. */
int vet_file(int directory_fd, const char *directory, const char *file,
    struct vetted *out, struct bh_buf *error);

/* The same for a directory: opened without following a link, owned by root or
 * us, writable by nobody else.  Returns its descriptor or a failure. */
int vet_directory(const char *path, struct bh_buf *error);

/* Are these `len` bytes a name for a plugin: a-z 0-9 -, 31 at most? */
bool vet_name_ok(const char *name, size_t len);

void vetted_release(struct vetted *v);

#endif
