/* card.c - cards and forms written as JSON, cleaned and within limits.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/card.h"

#include "host/base/mem.h"
#include "host/base/text.h"

#define TEXT_MAX	2000u	/* code points of one span */
#define LABEL_MAX	200u	/* of a label, a button, a choice */

static const char *const span_kinds[] = {
	[BH_SPAN_TEXT] = "text", [BH_SPAN_STRONG] = "strong",
	[BH_SPAN_CODE] = "code", [BH_SPAN_PERSON] = "person",
	[BH_SPAN_TIME] = "time", [BH_SPAN_LINK] = "link",
};

/* Blanks between spans matter ("until " + time), so that a span is cleaned
 * inside and keeps one blank at each end if it had any. */
static void
put_text(struct bh_buf *out, const char *text, size_t max)
{
	BH_AUTO_BUF struct bh_buf clean = BH_BUF(64u * 1024u);
	BH_AUTO_BUF struct bh_buf whole = BH_BUF(64u * 1024u);
	size_t len = strlen(text);

	text_clean(&clean, text, max);
	if (clean.len == 0) {
		bh_buf_quote(out, len > 0 && *text == ' ' ? " " : "");
		return;
	}
	if (*text == ' ')
		bh_buf_puts(&whole, " ");
	bh_buf_puts(&whole, bh_buf_text(&clean));
	if (text[len - 1] == ' ')
		bh_buf_puts(&whole, " ");
	bh_buf_quote(out, bh_buf_text(&whole));
}

static void
put_member(struct bh_buf *out, const char *name, const char *text, size_t max)
{
	if (text == NULL)
		return;
	bh_buf_add(out, ",\"%s\":", name);
	put_text(out, text, max);
}

static int
put_spans(struct bh_buf *out, const struct bh_span *spans, size_t count,
    const char **error)
{
	if (count > CARD_SPANS) {
		*error = "a card's line has too many spans";
		return BH_EINVAL;
	}
	bh_buf_puts(out, "[");
	for (size_t i = 0; i < count; i++) {
		const struct bh_span *s = &spans[i];

		if (s->kind < BH_SPAN_TEXT || s->kind > BH_SPAN_LINK) {
			*error = "a span has an unknown kind";
			return BH_EINVAL;
		}
		bh_buf_add(out, "%s{\"kind\":\"%s\"", i > 0 ? "," : "",
		    span_kinds[s->kind]);
		if (s->kind == BH_SPAN_TIME) {
			bh_buf_add(out, ",\"time\":%lld", (long long)s->time);
		} else {
			if (s->text == NULL) {
				*error = "a span has no text";
				return BH_EINVAL;
			}
			put_member(out, "text", s->text, TEXT_MAX);
		}
		if (s->kind == BH_SPAN_LINK || s->kind == BH_SPAN_PERSON) {
			if (s->ref == NULL || (s->kind == BH_SPAN_LINK &&
			    strncmp(s->ref, "https://", 8) != 0)) {
				*error = s->kind == BH_SPAN_LINK ?
				    "a link is not https" :
				    "a mention has no person";
				return BH_EINVAL;
			}
			put_member(out, "ref", s->ref, TEXT_MAX);
		}
		bh_buf_puts(out, "}");
	}
	bh_buf_puts(out, "]");
	return BH_OK;
}

static int
put_fields(struct bh_buf *out, const struct bh_card *card, const char **error)
{
	bh_buf_puts(out, ",\"fields\":[");
	for (size_t i = 0; i < card->fields_count; i++) {
		const struct bh_field *f = &card->fields[i];

		if (f->label == NULL) {
			*error = "a field has no label";
			return BH_EINVAL;
		}
		bh_buf_puts(out, i > 0 ? ",{\"label\":" : "{\"label\":");
		put_text(out, f->label, LABEL_MAX);
		bh_buf_puts(out, ",\"spans\":");
		if (put_spans(out, f->spans, f->spans_count, error) != BH_OK)
			return BH_EINVAL;
		bh_buf_puts(out, "}");
	}
	bh_buf_puts(out, "]");
	return BH_OK;
}

static int
put_buttons(struct bh_buf *out, const struct bh_card *card,
    const char **error)
{
	bh_buf_puts(out, ",\"buttons\":[");
	for (size_t i = 0; i < card->buttons_count; i++) {
		const struct bh_button *b = &card->buttons[i];

		if (b->label == NULL || b->command == NULL ||
		    b->style < BH_PLAIN || b->style > BH_DANGER) {
			*error = "a button needs a label, a command and a "
			    "known style";
			return BH_EINVAL;
		}
		bh_buf_puts(out, i > 0 ? ",{\"label\":" : "{\"label\":");
		put_text(out, b->label, LABEL_MAX);
		put_member(out, "command", b->command, LABEL_MAX);
		put_member(out, "args", b->args, TEXT_MAX);
		bh_buf_add(out, ",\"style\":%d}", b->style);
	}
	bh_buf_puts(out, "]");
	return BH_OK;
}

static int
whole(const struct bh_buf *out, const char **error)
{
	if (!out->overflow)
		return BH_OK;
	*error = "it is too large";
	return BH_EINVAL;
}

int
card_json(struct bh_buf *out, const struct bh_card *card, const char **error)
{
	if (card->fields_count > CARD_FIELDS ||
	    card->buttons_count > CARD_BUTTONS) {
		*error = "a card has too many fields or buttons";
		return BH_EINVAL;
	}
	if (card->colour < BH_GREY || card->colour > BH_RED) {
		*error = "a card has an unknown colour";
		return BH_EINVAL;
	}
	bh_buf_puts(out, "{\"title\":");
	if (put_spans(out, card->title, card->title_count, error) != BH_OK)
		return BH_EINVAL;
	bh_buf_add(out, ",\"colour\":%d", card->colour);
	if (put_fields(out, card, error) != BH_OK ||
	    put_buttons(out, card, error) != BH_OK)
		return BH_EINVAL;
	bh_buf_puts(out, ",\"note\":");
	if (put_spans(out, card->note, card->note_count, error) != BH_OK)
		return BH_EINVAL;
	bh_buf_puts(out, "}");
	return whole(out, error);
}

static int
put_input(struct bh_buf *out, const struct bh_input *in, const char **error)
{
	if (in->name == NULL || in->label == NULL || in->type < BH_LINE ||
	    in->type > BH_TICK || in->choices_count > CARD_CHOICES) {
		*error = "an input needs a name, a label, a known type and at "
		    "most 100 choices";
		return BH_EINVAL;
	}
	bh_buf_puts(out, "{\"name\":");
	put_text(out, in->name, LABEL_MAX);
	put_member(out, "label", in->label, LABEL_MAX);
	put_member(out, "hint", in->hint, TEXT_MAX);
	put_member(out, "value", in->value, TEXT_MAX);
	put_member(out, "error", in->error, TEXT_MAX);
	bh_buf_add(out, ",\"type\":%d,\"required\":%s,\"choices\":[",
	    in->type, in->required ? "true" : "false");
	for (size_t i = 0; i < in->choices_count; i++) {
		const struct bh_choice *c = &in->choices[i];

		if (c->value == NULL) {
			*error = "a choice has no value";
			return BH_EINVAL;
		}
		bh_buf_puts(out, i > 0 ? ",{\"value\":" : "{\"value\":");
		put_text(out, c->value, TEXT_MAX);
		put_member(out, "label", c->label, LABEL_MAX);
		bh_buf_puts(out, "}");
	}
	bh_buf_puts(out, "]}");
	return BH_OK;
}

int
form_json(struct bh_buf *out, const struct bh_form *form, const char **error)
{
	if (form->title == NULL || form->command == NULL ||
	    form->inputs_count == 0 || form->inputs_count > CARD_INPUTS) {
		*error = "a form needs a title, a command and 1 to 20 inputs";
		return BH_EINVAL;
	}
	bh_buf_puts(out, "{\"title\":");
	put_text(out, form->title, LABEL_MAX);
	put_member(out, "submit", form->submit, LABEL_MAX);
	put_member(out, "command", form->command, LABEL_MAX);
	bh_buf_puts(out, ",\"inputs\":[");
	for (size_t i = 0; i < form->inputs_count; i++) {
		if (i > 0)
			bh_buf_puts(out, ",");
		if (put_input(out, &form->inputs[i], error) != BH_OK)
			return BH_EINVAL;
	}
	bh_buf_puts(out, "]}");
	return whole(out, error);
}
