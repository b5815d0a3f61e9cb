/* console-card.c - cards as boxes of light lines.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/console/console.h"

#define LABEL_LEAST	12u
#define COLUMNS_LEAST	24u

/* A box being drawn. */
struct box {
	struct bh_buf *out;
	const struct console_look *look;
	const char *colour;		/* escape, or "" */
	size_t inner;			/* columns between "│ " and " │" */
};

static void
framed(struct box *b, const char *line)
{
	bh_buf_puts(b->out, b->colour);
	bh_buf_puts(b->out, line);
	if (*b->colour != '\0')
		bh_buf_puts(b->out, "\033[0m");
}

static struct box
box(struct bh_buf *out, const struct bh_card *card,
    const struct console_look *look)
{
	static const char *const colours[] = { [BH_GREY] = "\033[90m",
		[BH_BLUE] = "\033[34m", [BH_YELLOW] = "\033[33m",
		[BH_GREEN] = "\033[32m", [BH_RED] = "\033[31m" };
	size_t columns = look->columns < COLUMNS_LEAST ? COLUMNS_LEAST :
	    look->columns;
	bool known = card->colour >= BH_GREY && card->colour <= BH_RED;

	return (struct box){ .out = out, .look = look, .inner = columns - 4,
	    .colour = look->colour && known ? colours[card->colour] : "" };
}

static void
fill(struct bh_buf *out, const char *with, size_t times)
{
	while (times-- > 0)
		bh_buf_puts(out, with);
}

static void
left(struct box *b)
{
	framed(b, "│");
	bh_buf_puts(b->out, " ");
}

static void
right(struct box *b, size_t used)
{
	fill(b->out, " ", b->inner > used ? b->inner - used : 0);
	bh_buf_puts(b->out, " ");
	framed(b, "│");
	bh_buf_puts(b->out, "\n");
}

static size_t
width(const struct console_text *t, size_t from, size_t to)
{
	return console_width(bh_buf_text(&t->chars) + from, to - from);
}

/* The title in the border, cut with "…" if it must be; `tail` (may be empty)
 * stands at the right end of it.  False, with nothing drawn, when the tail
 * does not fit. */
static bool
top(struct box *b, const struct bh_card *card, const struct console_text *tail)
{
	struct console_text title = CONSOLE_TEXT;
	size_t next, end, used, room = b->inner;
	size_t tail_width = width(tail, 0, tail->chars.len);
	size_t tail_room = tail_width > 0 ? tail_width + 3 : 0;

	console_text_spans(&title, card->title, card->title_count,
	    b->look->now);
	used = width(&title, 0, title.chars.len);
	if (tail_room > 0 && used + tail_room + 1 > room) {
		console_text_release(&title);
		return false;
	}
	end = title.chars.len;
	if (used > room - 1) {
		end = console_wrap(&title, 0, room - 2, &next);
		used = width(&title, 0, end) + 1;
	}
	framed(b, "╭");
	bh_buf_puts(b->out, " ");
	console_text_emit(b->out, &title, 0, end, b->look->colour);
	if (end < title.chars.len)
		bh_buf_puts(b->out, "…");
	bh_buf_puts(b->out, " ");
	bh_buf_puts(b->out, b->colour);
	fill(b->out, "─", room - used - tail_room);
	if (*b->colour != '\0')
		bh_buf_puts(b->out, "\033[0m");
	if (tail_width > 0) {
		bh_buf_puts(b->out, " ");
		console_text_emit(b->out, tail, 0, tail->chars.len,
		    b->look->colour);
		bh_buf_puts(b->out, " ");
		framed(b, "─╮");
	} else {
		framed(b, "╮");
	}
	bh_buf_puts(b->out, "\n");
	console_text_release(&title);
	return true;
}

static void
bottom(struct box *b)
{
	struct bh_buf line = BH_BUF(4096);

	bh_buf_puts(&line, "╰");
	fill(&line, "─", b->inner + 2);
	bh_buf_puts(&line, "╯");
	framed(b, bh_buf_text(&line));
	bh_buf_puts(b->out, "\n");
	bh_buf_release(&line);
}

/* How wide the column of labels is: the longest and two blanks, a third of
 * the box at most. */
static size_t
label_columns(const struct box *b, const struct bh_card *card)
{
	size_t most = 0;

	for (size_t i = 0; i < card->fields_count; i++) {
		struct console_text t = CONSOLE_TEXT;
		size_t n;

		if (card->fields[i].label != NULL)
			console_text_add(&t, card->fields[i].label, FACE_DIM);
		n = width(&t, 0, t.chars.len);
		most = n > most ? n : most;
		console_text_release(&t);
	}
	if (most == 0)
		return 0;
	most = most + 2 < LABEL_LEAST ? LABEL_LEAST : most + 2;
	return most > b->inner / 3 ? b->inner / 3 : most;
}

static void
field(struct box *b, const struct bh_field *f, size_t column)
{
	struct console_text label = CONSOLE_TEXT, value = CONSOLE_TEXT;
	size_t at = 0, next, end, label_end, used;

	console_text_add(&label, f->label != NULL ? f->label : "", FACE_DIM);
	console_text_spans(&value, f->spans, f->spans_count, b->look->now);
	if (label.chars.len == 0)
		column = 0;
	do {
		left(b);
		used = 0;
		if (column > 0) {
			label_end = at == 0 ? console_wrap(&label, 0,
			    column - 1, &next) : 0;
			console_text_emit(b->out, &label, 0, label_end,
			    b->look->colour);
			used = width(&label, 0, label_end);
			fill(b->out, " ", column - used);
			used = column;
		}
		end = console_wrap(&value, at, b->inner - column, &next);
		console_text_emit(b->out, &value, at, end, b->look->colour);
		right(b, used + width(&value, at, end));
		at = next;
	} while (at < value.chars.len);
	console_text_release(&label);
	console_text_release(&value);
}

/* Lines of their own; the last one is left open for what stands to its
 * right, and its width returned. */
static void
aligned(struct box *b, const struct console_text *t)
{
	for (size_t at = 0, next; at < t->chars.len; at = next) {
		size_t end = console_wrap(t, at, b->inner, &next);
		size_t n = width(t, at, end);

		left(b);
		fill(b->out, " ", b->inner > n ? b->inner - n : 0);
		console_text_emit(b->out, t, at, end, b->look->colour);
		right(b, n > b->inner ? n : b->inner);
	}
}

static void
add_button(struct console_text *t, const struct bh_button *button)
{
	console_text_add(t, "[", FACE_PLAIN);
	console_text_add(t, button->label, button->style == BH_DANGER ?
	    FACE_DANGER : button->style == BH_PRIMARY ? FACE_STRONG :
	    FACE_PLAIN);
	console_text_add(t, "]", FACE_PLAIN);
}

/* Buttons, and the note to the right of the last of them if there is room,
 * else below. */
static void
foot(struct box *b, const struct bh_card *card)
{
	struct console_text note = CONSOLE_TEXT, line = CONSOLE_TEXT;
	size_t used = 0, note_width;
	bool together = false;

	console_text_spans(&note, card->note, card->note_count, b->look->now);
	note_width = width(&note, 0, note.chars.len);
	for (size_t i = 0; i < card->buttons_count; i++) {
		struct console_text one = CONSOLE_TEXT;
		size_t n;

		add_button(&one, &card->buttons[i]);
		n = width(&one, 0, one.chars.len);
		console_text_release(&one);
		if (used > 0 && used + 1 + n > b->inner) {
			left(b);
			console_text_emit(b->out, &line, 0, line.chars.len,
			    b->look->colour);
			right(b, used);
			bh_buf_clear(&line.chars);
			bh_buf_clear(&line.faces);
			used = 0;
		}
		if (used > 0)
			console_text_add(&line, " ", FACE_PLAIN);
		add_button(&line, &card->buttons[i]);
		used = width(&line, 0, line.chars.len);
	}
	if (used > 0) {
		size_t next, end = console_wrap(&line, 0, b->inner, &next);

		used = width(&line, 0, end);
		together = note_width > 0 && used + 2 + note_width <= b->inner;
		left(b);
		console_text_emit(b->out, &line, 0, end, b->look->colour);
		if (together) {
			fill(b->out, " ", b->inner - used - note_width);
			console_text_emit(b->out, &note, 0, note.chars.len,
			    b->look->colour);
			used = b->inner;
		}
		right(b, used);
	}
	if (!together)
		aligned(b, &note);
	console_text_release(&note);
	console_text_release(&line);
}

void
console_card(struct bh_buf *out, const struct bh_card *card,
    const struct console_look *look)
{
	static const struct console_text none = CONSOLE_TEXT;
	struct box b = box(out, card, look);
	size_t column = label_columns(&b, card);

	(void)top(&b, card, &none);
	for (size_t i = 0; i < card->fields_count; i++)
		field(&b, &card->fields[i], column);
	foot(&b, card);
	bottom(&b);
}

bool
console_card_line(struct bh_buf *out, const struct bh_card *card,
    const struct console_look *look)
{
	struct console_text note = CONSOLE_TEXT;
	struct box b = box(out, card, look);
	bool fits;

	for (size_t i = 0; i < card->buttons_count; i++) {
		add_button(&note, &card->buttons[i]);
		if (i + 1 < card->buttons_count || card->note_count > 0)
			console_text_add(&note, " ", FACE_PLAIN);
	}
	console_text_spans(&note, card->note, card->note_count, look->now);
	fits = top(&b, card, &note);
	console_text_release(&note);
	return fits;
}

/* ------------------------------------------------------------------ */

static void
words(struct bh_buf *out, const struct bh_span *spans, size_t count,
    int64_t now)
{
	struct console_text t = CONSOLE_TEXT;

	console_text_spans(&t, spans, count, now);
	bh_buf_puts(out, bh_buf_text(&t.chars));
	console_text_release(&t);
}

void
console_card_title(struct bh_buf *out, const struct bh_card *card, int64_t now)
{
	words(out, card->title, card->title_count, now);
}

void
console_card_fields(struct bh_buf *out, const struct bh_card *card,
    int64_t now)
{
	for (size_t i = 0; i < card->fields_count; i++) {
		const struct bh_field *f = &card->fields[i];

		if (f->label != NULL) {
			console_clean(out, f->label, false);
			bh_buf_puts(out, "  ");
		}
		words(out, f->spans, f->spans_count, now);
		bh_buf_puts(out, "\n");
	}
}

void
console_card_words(struct bh_buf *out, const struct bh_card *card, int64_t now)
{
	console_card_title(out, card, now);
	bh_buf_puts(out, "\n");
	console_card_fields(out, card, now);
	for (size_t i = 0; i < card->buttons_count; i++) {
		bh_buf_puts(out, "[");
		console_clean(out, card->buttons[i].label, false);
		bh_buf_puts(out, "] ");
	}
	bh_buf_puts(out, "\n");
	words(out, card->note, card->note_count, now);
}
