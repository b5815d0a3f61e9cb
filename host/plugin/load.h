/* load.h - maps a vetted file and makes its tables the host's.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_PLUGIN_LOAD_H
#define HOST_PLUGIN_LOAD_H

#include <bellhop/plugin.h>

struct plugin;

/* Vets DIRECTORY/NAME.so, maps a private copy of exactly the bytes that were
 * vetted, and takes its tables over.  NULL with one line in *error. */
struct plugin *plugin_load(int directory_fd, const char *directory,
    const char *name, struct bh_buf *error);

/* The same for a plugin that is linked in. */
struct plugin *plugin_adopt(const struct bh_plugin *table,
    struct bh_buf *error);

/* Frees our copies; the mapping stays (its code may be anywhere). */
void plugin_free(struct plugin **plugin);

/* Copies the tables of any size into `out`, whose p, tables and magic are
 * set; checks names, types and what must be there.  0, or a failure and a
 * sentence (without the file's name) in *error. */
int tables_take(const struct bh_plugin *table, struct plugin *out,
    struct bh_buf *error);

/* An anonymous, sealed copy of the bytes, open until the process ends; or -1
 * when this kernel has none. */
int copy_sealed(const char *name, const unsigned char *bytes, size_t len);

#endif
