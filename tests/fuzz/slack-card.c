/* slack-card.c - fuzz target: whatever is to be shown, Slack takes it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lines of the input are the texts of a card, a form and a message: each
 * begins with a letter that says what it is.  What comes out is strict JSON
 * within every limit, and texts typed by people come back from escaping.
 */

#include "plugins/slack/slack.h"
#include "tests/fuzz/made.h"
#include "tests/unit/slack-limits.h"

static const struct made_most most = { PARTS, PARTS, PARTS, 7 };

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
	slack_options(s, &json, m->choices, m->count);
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
	struct made *m = made_new(&most, data, len);
	struct slack s = { .magic = SLACK_MAGIC, .host = &fake->host };
	char *words = fuzz_text(data, len);

	fake->people[0] = (struct bh_user){ .person = "P1", .name = "Ada",
	    .realm = "main", .id = "U0ADA" };
	show(&s, fake, m, words);
	slack_kept_free(&s.values);
	made_free(m);
	free(words);
	fake_free(&fake);
	return 0;
}
