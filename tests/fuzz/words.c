/* words.c - fuzz target: a command line, its words and its arguments.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: an argument spec on the first line, the command line after it.
 */

#include "host/base/mem.h"
#include "host/chat/words.h"
#include "tests/fuzz/fuzz.h"

/* Quoted and split again, the words are the same. */
static void
there_and_back(const struct words *words)
{
	struct bh_buf line = BH_BUF(1 << 22), error = BH_BUF(4096);
	struct words again = { 0 };

	for (size_t i = 0; i < words->count; i++) {
		bh_buf_puts(&line, i > 0 ? " " : "");
		words_quote(&line, words->list[i].text);
	}
	check(words_split(bh_buf_text(&line), false, &again, &error) == 0);
	check(again.count == words->count);
	for (size_t i = 0; i < words->count; i++)
		check(strcmp(again.list[i].text, words->list[i].text) == 0);
	words_release(&again);
	bh_buf_release(&line);
	bh_buf_release(&error);
}

static void
take(const char *spec_text, const struct words *words)
{
	struct bh_buf error = BH_BUF(1 << 20);
	struct args args = { 0 };
	struct spec spec = { 0 };
	const char *why = NULL, *value = NULL;
	bool option = false;

	if (spec_parse(spec_text, &spec, &why) != 0) {
		check(why != NULL && *why != '\0');
		return;
	}
	if (args_parse(&spec, words, 0, &args, &error) == 0) {
		check(error.len == 0);
		for (size_t i = 0; i < args.count; i++)
			check(spec_find(&spec, args.list[i].name) != NULL);
		check(args_check(&spec, &args, &error) == 0);
		args_release(&args);
	} else {
		check(error.len > 0);
	}
	if (words->count > 0) {
		args = (struct args){ 0 };
		(void)args_position(&spec, words, 0, &args, &option, &value);
		args_release(&args);
	}
	spec_release(&spec);
	bh_buf_release(&error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char usual[] = "account [permission-set] "
	    "[--for=DURATION] [--dry-run] [reason...]";
	struct bh_buf error = BH_BUF(4096);
	char *spec = fuzz_line(&data, &len), *line = fuzz_text(data, len);
	size_t length = strlen(line);
	struct words words = { 0 };

	if (words_split(line, false, &words, &error) == 0) {
		check(error.len == 0);
		check(words.count <= WORDS_MAX);
		for (size_t i = 0; i < words.count; i++)
			check(words.list[i].at < length);
		there_and_back(&words);
		take(usual, &words);
		take(spec, &words);
		words_release(&words);
	} else {
		check(error.len > 0);
	}
	words = (struct words){ 0 };
	bh_buf_clear(&error);
	if (words_split(line, true, &words, &error) == 0) {
		take(usual, &words);
		words_release(&words);
	}
	bh_buf_release(&error);
	free(spec);
	free(line);
	return 0;
}
