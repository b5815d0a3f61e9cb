/* card-text.c - cards as plain text, for whoever cannot draw them.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <time.h>

#include "host/chat/card.h"

#include "host/base/banned.h"

static void
put_time(struct bh_buf *out, int64_t ms, int64_t now)
{
	time_t at = (time_t)(ms / 1000), today = (time_t)(now / 1000);
	struct tm then, current;
	char text[64] = "";

	gmtime_r(&at, &then);
	gmtime_r(&today, &current);
	if (then.tm_yday == current.tm_yday && then.tm_year == current.tm_year)
		strftime(text, sizeof(text), "%H:%M UTC", &then);
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &then);
	bh_buf_puts(out, text);
}

void
card_spans_text(struct bh_buf *out, const struct bh_span *spans, size_t count,
    int64_t now)
{
	for (size_t i = 0; i < count; i++) {
		const struct bh_span *s = &spans[i];

		if (s->kind == BH_SPAN_TIME)
			put_time(out, s->time, now);
		else
			bh_buf_puts(out, s->text != NULL ? s->text : "");
		if (s->kind == BH_SPAN_LINK)
			bh_buf_add(out, " (%s)", s->ref);
	}
}

void
card_text(struct bh_buf *out, const struct bh_card *card, const char *prefix,
    int64_t now)
{
	if (card->title_count > 0) {
		card_spans_text(out, card->title, card->title_count, now);
		bh_buf_puts(out, "\n");
	}
	for (size_t i = 0; i < card->fields_count; i++) {
		const struct bh_field *f = &card->fields[i];

		if (*f->label != '\0')
			bh_buf_add(out, "%s: ", f->label);
		card_spans_text(out, f->spans, f->spans_count, now);
		bh_buf_puts(out, "\n");
	}
	for (size_t i = 0; prefix != NULL && i < card->buttons_count; i++) {
		const struct bh_button *b = &card->buttons[i];

		bh_buf_add(out, "%s%s: %s%s%s%s", i > 0 ? " | " : "",
		    b->label, prefix, b->command,
		    b->args != NULL && *b->args != '\0' ? " " : "",
		    b->args != NULL ? b->args : "");
		if (i + 1 == card->buttons_count)
			bh_buf_puts(out, "\n");
	}
	if (card->note_count > 0) {
		card_spans_text(out, card->note, card->note_count, now);
		bh_buf_puts(out, "\n");
	}
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
}
