/* elf.c - fuzz target: the reader of plugins' files.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/plugin/elf.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *error = NULL;
	size_t offset = 0, size = 0;

	if (elf_find(data, len, "bellhop_plugin", &offset, &size,
	    &error) == 0) {
		check(offset <= len && size <= len - offset);
		check(error == NULL);
	} else {
		check(error != NULL && *error != '\0');
	}
	return 0;
}
