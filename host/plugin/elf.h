/* elf.h - reads what a plugin's file says about itself, without running it.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_PLUGIN_ELF_H
#define HOST_PLUGIN_ELF_H

#include <stddef.h>

/* Checks that `bytes` are a shared object for this machine that is safe to
 * map (no executable stack, no text relocations, no search paths of its own,
 * not marked unloadable) and finds the object symbol `name` in it.
 *
 * Returns 0 with its place in the file in *offset and its size in *size, or a
 * failure with a constant sentence in *error that says reason and remedy.
 * Every offset is checked against `len`: the bytes may be anything. */
int elf_find(const unsigned char *bytes, size_t len, const char *name,
    size_t *offset, size_t *size, const char **error);

#endif
