/* duration.c - fuzz target: spans of time, read and written.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/duration.h"
#include "tests/fuzz/fuzz.h"

#define TEN_YEARS	(INT64_C(3653) * 24 * 60 * 60 * 1000)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = fuzz_text(data, len);
	struct bh_buf shown = BH_BUF(256);
	const char *error = NULL;
	int64_t ms = duration_parse(text, &error), again;

	if (ms >= 0) {
		check(error == NULL);
		check(ms <= TEN_YEARS);
		duration_format(&shown, ms);
		/* Only the two largest units are shown: never more than it
		 * is, and less by a part of the smaller one at most. */
		again = duration_parse(bh_buf_text(&shown), &error);
		check(again >= 0 && again <= ms);
		check(ms - again < (ms < 60000 ? 1000 : ms < 3600000 ? 1000 :
		    ms < 86400000 ? 60000 : 3600000));
	} else {
		check(error != NULL && *error != '\0');
	}
	/* Any number can be shown. */
	if (len >= sizeof(ms)) {
		memcpy(&ms, data, sizeof(ms));
		bh_buf_clear(&shown);
		duration_format(&shown, ms);
		check(shown.len > 0 && !shown.overflow);
	}
	bh_buf_release(&shown);
	free(text);
	return 0;
}
