/* replay.c - runs a fuzz target over files, where there is no libFuzzer.
 * SPDX-License-Identifier: Apache-2.0
 *
 *	fuzz-json FILE...
 *
 * Each file, and each of its beginnings up to 512 bytes: what was cut short is
 * the commonest of bad inputs.
 */

#include <errno.h>

#include "tests/fuzz/fuzz.h"

#define FILE_MAX	((size_t)1 << 20)
#define CUTS		512u

static void
run(const uint8_t *bytes, size_t len)
{
	/* Of exactly this size, for the sanitizers. */
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

int
main(int argc, char **argv)
{
	uint8_t *bytes = malloc(FILE_MAX);
	unsigned long runs = 0;

	if (bytes == NULL)
		abort();
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t len;

		if (f == NULL) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			free(bytes);
			return 1;
		}
		len = fread(bytes, 1, FILE_MAX, f);
		fclose(f);
		run(bytes, len);
		runs++;
		for (size_t cut = 0; cut < len && cut < CUTS; cut++, runs++)
			run(bytes, cut);
	}
	free(bytes);
	printf("%d files, %lu runs\n", argc - 1, runs);
	return 0;
}
