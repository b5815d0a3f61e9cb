/* card.c - fuzz target: cards and forms as they come back from the store.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/card.h"
#include "tests/fuzz/fuzz.h"

/* What was read can be written, and from then on it stays as it is. */
static void
try_card(const char *json, size_t len)
{
	struct bh_buf once = BH_BUF(CARD_JSON_MAX * 8),
	    twice = BH_BUF(CARD_JSON_MAX * 8), text = BH_BUF(1 << 22);
	const char *error = NULL;
	struct bh_card *card = card_parse(json, len, &error), *again;

	if (card == NULL) {
		check(error != NULL && *error != '\0');
		return;
	}
	card_text(&text, card, "!", 0);
	if (card_json(&once, card, &error) == 0) {
		again = card_parse(bh_buf_text(&once), once.len, &error);
		check(again != NULL);
		check(card_json(&twice, again, &error) == 0);
		check(strcmp(bh_buf_text(&once), bh_buf_text(&twice)) == 0);
		card_free(&again);
	} else {
		check(error != NULL && *error != '\0');
	}
	card_free(&card);
	bh_buf_release(&once);
	bh_buf_release(&twice);
	bh_buf_release(&text);
}

static void
try_form(const char *json, size_t len)
{
	struct bh_buf once = BH_BUF(CARD_JSON_MAX * 8),
	    twice = BH_BUF(CARD_JSON_MAX * 8);
	const char *error = NULL;
	struct bh_form *form = form_parse(json, len, &error), *again;

	if (form == NULL) {
		check(error != NULL && *error != '\0');
		return;
	}
	if (form_json(&once, form, &error) == 0) {
		again = form_parse(bh_buf_text(&once), once.len, &error);
		check(again != NULL);
		check(form_json(&twice, again, &error) == 0);
		check(strcmp(bh_buf_text(&once), bh_buf_text(&twice)) == 0);
		form_free(&again);
	} else {
		check(error != NULL && *error != '\0');
	}
	form_free(&form);
	bh_buf_release(&once);
	bh_buf_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_card((const char *)data, len);
	try_form((const char *)data, len);
	return 0;
}
