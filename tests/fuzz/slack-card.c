/* slack-card.c - fuzz target: whatever is to be shown, Slack takes it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lines of the input are the texts of a card, a form and a message: each
 * begins with a letter that says what it is.  What comes out is strict JSON
 * within every limit, and texts typed by people come back from escaping.
 */

#include "plugins/slack/slack.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/slack-limits.h"

#define PARTS	60u

struct made {
	struct bh_span title[PARTS], note[PARTS], spans[PARTS];
	struct bh_field fields[PARTS];
	struct bh_button buttons[PARTS];
	struct bh_input inputs[PARTS];
	struct bh_choice choices[PARTS];
	char names[PARTS][24];
	char *lines[PARTS];
	struct bh_card card;
	struct bh_form form;
	size_t count, choices_count;
};

static void
add_part(struct made *m, char kind, const char *text)
{
	size_t n = m->count;
	struct bh_span span = { (unsigned char)kind % 7, text,
		n % 3 == 0 ? "P1" : text, n % 2 == 0 ? FAKE_START :
		(int64_t)strlen(text) * 1000003 };

	m->spans[n] = span;
	switch (kind & 3) {
	case 0:
		m->title[m->card.title_count++] = span;
		break;
	case 1:
		m->note[m->card.note_count++] = span;
		break;
	case 2:
		m->fields[m->card.fields_count++] = (struct bh_field){ text,
		    m->spans, n };
		break;
	default:
		m->buttons[m->card.buttons_count++] = (struct bh_button){
		    text, "x", text, kind % 5, "0123456789abcdef" };
		break;
	}
	m->choices[m->choices_count++] = (struct bh_choice){ text,
	    n % 4 == 0 ? NULL : text };
	snprintf(m->names[n], sizeof(m->names[n]), "input-%zu", n);
	m->inputs[n] = (struct bh_input){ .name = m->names[n], .label = text,
	    .hint = text, .value = text, .error = n % 2 ? text : NULL,
	    .type = kind % 5, .required = n % 3 == 0, .choices = m->choices,
	    .choices_count = n % 8 };
	m->form.inputs_count++;
}

static void
read_parts(struct made *m, const uint8_t *data, size_t len)
{
	while (len > 1 && m->count < PARTS) {
		char kind = (char)(*data & 0x7f);

		data++;
		len--;
		m->lines[m->count] = fuzz_line(&data, &len);
		add_part(m, kind, m->lines[m->count]);
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
}

static void
fine(struct fake *fake, struct bh_buf *json,
    const char *(*judge)(const struct bh_value *))
{
	const char *error = NULL, *wrong;
	struct bh_value *v;

	check(!json->overflow);
	v = bh_json(&fake->host, bh_buf_text(json), json->len, &error);
	if (v == NULL)
		fprintf(stderr, "%s in\n%s\n", error, bh_buf_text(json));
	check(v != NULL);
	wrong = judge(v);
	if (wrong != NULL)
		fprintf(stderr, "%s in\n%s\n", wrong, bh_buf_text(json));
	check(wrong == NULL);
	bh_json_free(&fake->host, v);
	bh_buf_clear(json);
}

static void
show(struct slack *s, struct fake *fake, struct made *m, const char *words)
{
	struct bh_buf json = BH_BUF(64u << 20), back = BH_BUF(1u << 20);
	struct bh_buf clean = BH_BUF(1u << 20), safe = BH_BUF(4u << 20);

	bh_buf_puts(&json, "{\"text\":\"x\",\"blocks\":");
	slack_card_blocks(s, &json, &m->card, 0);
	bh_buf_puts(&json, "}");
	fine(fake, &json, slack_limits_message);
	bh_buf_puts(&json, "{\"text\":\"x\",\"blocks\":");
	slack_text_blocks(s, &json, words);
	bh_buf_puts(&json, "}");
	fine(fake, &json, slack_limits_message);
	if (m->form.inputs_count > 0) {
		slack_form_view(s, &json, &m->form);
		fine(fake, &json, slack_limits_view);
	}
	slack_options(s, &json, m->choices, m->choices_count);
	fine(fake, &json, slack_limits_options);
	/* What was escaped reads as it was. */
	bh_buf_clean(&clean, words, true);
	slack_escape(&safe, words, SIZE_MAX / 2);
	check(strpbrk(bh_buf_text(&safe), "<>") == NULL);
	slack_unescape(&back, bh_buf_text(&safe));
	check(strcmp(bh_buf_text(&back), bh_buf_text(&clean)) == 0);
	bh_buf_release(&json);
	bh_buf_release(&back);
	bh_buf_release(&clean);
	bh_buf_release(&safe);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fake *fake = fake_new();
	struct made *m = bh_zero(sizeof(*m));
	struct slack s = { .magic = SLACK_MAGIC, .host = &fake->host };
	char *words = fuzz_text(data, len);

	fake->people[0] = (struct bh_user){ .person = "P1", .name = "Ada",
	    .realm = "main", .id = "U0ADA" };
	read_parts(m, data, len);
	show(&s, fake, m, words);
	slack_kept_free(&s.values);
	for (size_t i = 0; i < m->count; i++)
		free(m->lines[i]);
	free(m);
	free(words);
	fake_free(&fake);
	return 0;
}
