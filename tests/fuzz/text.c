/* text.c - fuzz target: strangers' text made fit to be read, and matched.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: a pattern on the first line, the text after it.
 */

#include "host/base/text.h"
#include "tests/fuzz/fuzz.h"

typedef void cleaner(struct bh_buf *, const char *, size_t);

/* Nothing that a terminal obeys or that turns the order of what is read. */
static bool
shows(uint32_t c, bool lines)
{
	if (c == '\n')
		return lines;
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && c != 0xad &&
	    !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	    !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && c != 0x61c &&
	    !(c >= 0xe0000 && c <= 0xe0fff);
}

static void
clean(cleaner *cleans, const char *text, size_t max, bool lines)
{
	struct bh_buf once = BH_BUF(1 << 22), twice = BH_BUF(1 << 22);
	size_t count = 0;

	cleans(&once, text, max);
	check(!once.overflow);
	check(text_utf8_ok(bh_buf_text(&once), once.len));
	for (const char *p = bh_buf_text(&once); *p != '\0'; count++)
		check(shows(text_next(&p), lines));
	check(count <= max);
	cleans(&twice, bh_buf_text(&once), max);
	check(strcmp(bh_buf_text(&once), bh_buf_text(&twice)) == 0);
	bh_buf_release(&once);
	bh_buf_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *pattern = fuzz_line(&data, &len), *text = fuzz_text(data, len);
	size_t maxima[] = { 0, 1, 7, 80, 4000 };
	char email[256], folded[256];

	for (size_t i = 0; i < sizeof(maxima) / sizeof(*maxima); i++) {
		clean(text_clean, text, maxima[i], false);
		clean(text_clean_lines, text, maxima[i], true);
	}
	(void)text_width(text);
	if (text_glob(pattern, text))
		check(text_glob_fold(pattern, text));
	check(text_glob("*", text));
	check(text_distance(text, pattern) == text_distance(pattern, text));
	if (text_fold_email(email, sizeof(email), text) == 0) {
		check(text_fold_email(folded, sizeof(folded), email) == 0);
		check(strcmp(email, folded) == 0);
		check(text_same_fold(email, text));
	} else {
		check(email[0] == '\0');
	}
	free(pattern);
	free(text);
	return 0;
}
