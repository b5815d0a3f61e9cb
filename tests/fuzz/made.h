/* made.h - a card and a form made of whatever a fuzzer comes up with.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each line of the input is a text; the letter before it says what of.
 */

#ifndef TESTS_FUZZ_MADE_H
#define TESTS_FUZZ_MADE_H

#include <bellhop/own.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake-host.h"

#define PARTS	60u

/* How much of each the network's own code is to be given. */
struct made_most { size_t fields, buttons, inputs, choices; };

struct made {
	struct bh_span title[PARTS], note[PARTS], spans[PARTS];
	struct bh_field fields[PARTS];
	struct bh_button buttons[PARTS];
	struct bh_input inputs[PARTS];
	struct bh_choice choices[PARTS];	/* `count` of them */
	char names[PARTS][24];
	char *lines[PARTS];
	struct bh_card card;
	struct bh_form form;
	size_t count;
};

static inline void
made_part(struct made *m, const struct made_most *most, char kind,
    const char *text)
{
	size_t n = m->count;
	struct bh_span span = { (unsigned char)kind % 7, text,
		n % 3 == 0 ? "P1" : text, n % 2 == 0 ? FAKE_START :
		(int64_t)strlen(text) * 1000003 };

	m->spans[n] = span;
	if ((kind & 3) == 0)
		m->title[m->card.title_count++] = span;
	else if ((kind & 3) == 1)
		m->note[m->card.note_count++] = span;
	else if ((kind & 3) == 2 && m->card.fields_count < most->fields)
		m->fields[m->card.fields_count++] = (struct bh_field){ text,
		    m->spans, n };
	else if (m->card.buttons_count < most->buttons)
		m->buttons[m->card.buttons_count++] = (struct bh_button){
		    text, "x", text, kind % 5, "0123456789abcdef" };
	m->choices[n] = (struct bh_choice){ text, n % 4 == 0 ? NULL : text };
	if (n >= most->inputs)
		return;
	snprintf(m->names[n], sizeof(m->names[n]), "input-%zu", n);
	m->inputs[n] = (struct bh_input){ .name = m->names[n], .label = text,
	    .hint = text, .value = text, .error = n % 2 ? text : NULL,
	    .type = kind % 5, .required = n % 3 == 0, .choices = m->choices,
	    .choices_count = n % (most->choices + 1) };
	m->form.inputs_count++;
}

static inline struct made *
made_new(const struct made_most *most, const uint8_t *data, size_t len)
{
	struct made *m = bh_zero(sizeof(*m));

	while (len > 1 && m->count < PARTS) {
		char kind = (char)(*data & 0x7f);

		data++;
		len--;
		m->lines[m->count] = fuzz_line(&data, &len);
		made_part(m, most, kind, m->lines[m->count]);
		m->count++;
	}
	m->card.title = m->title;
	m->card.note = m->note;
	m->card.fields = m->fields;
	m->card.buttons = m->buttons;
	m->card.colour = (int)(m->count % 7) - 1;
	m->form.title = m->form.submit = m->count > 0 ? m->lines[0] : NULL;
	m->form.inputs = m->inputs;
	m->form.token = "0123456789abcdef";
	return m;
}

static inline void
made_free(struct made *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->lines[i]);
	free(m);
}

#endif /* TESTS_FUZZ_MADE_H */
