/* teams-card.c - fuzz target: whatever is to be shown, it stays text in Teams.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lines of the input are the texts of a card, a form and a message: each
 * begins with a letter that says what it is.  What comes out is strict JSON
 * within the weight of an activity; nothing of theirs stands where Markdown is
 * read, no date is drawn for them, and links lead where links may.
 */

#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/teams/teams.h"
#include "tests/fuzz/made.h"

static const struct made_most most = { 40, 12, 20, 20 };

/* Where Markdown is read there are our own words, dates and mentions. */
static bool
our_own(const char *text)
{
	static const char *const ours[] = { "<at>", "</at>", "{{TIME(",
	    "{{DATE(", ",SHORT)}}", ")}}" };

	while (*text != '\0') {
		size_t i = 0, n = sizeof(ours) / sizeof(ours[0]);

		while (i < n && strncmp(text, ours[i], strlen(ours[i])) != 0)
			i++;
		if (i == n && strchr("<>[]{}*_~`#|\\!&/.@$%\"\n", *text) !=
		    NULL)
			return false;
		text += i < n ? strlen(ours[i]) : 1;
	}
	return true;
}

static void
judge(const struct bh_value *v)
{
	const char *type = bh_get_text(v, "type");
	const char *text = bh_get_text(v, "text");

	if (type != NULL && strcmp(type, "TextBlock") == 0)
		check(text != NULL && our_own(text));
	if (type != NULL && strcmp(type, "TextRun") == 0)
		check(text != NULL && *text != '\0' &&
		    strstr(text, "{{") == NULL);
	if (type != NULL && strcmp(type, "RichTextBlock") == 0)
		check(bh_get(v, "inlines")->count > 0);
	if (type != NULL && strcmp(type, "Action.OpenUrl") == 0)
		check(bh_link_ok(bh_get_text(v, "url")));
	if (type != NULL && strcmp(type, "mention") == 0)
		check(text != NULL && our_own(text));
	for (BH_EACH(c, v))
		judge(c);
}

static void
fine(struct bh_buf *json)
{
	const char *error = NULL;
	struct bh_value *v;

	check(!json->overflow);
	check(bh_utf16_len(bh_buf_text(json)) <= TEAMS_WEIGHT);
	v = json_parse(bh_buf_text(json), json->len, &error);
	if (v == NULL)
		fprintf(stderr, "%s in\n%s\n", error, bh_buf_text(json));
	check(v != NULL);
	judge(v);
	value_free(v);
	bh_buf_clear(json);
}

static void
show(struct teams *t, struct made *m, const char *words)
{
	struct bh_buf json = BH_BUF(64u << 20);

	teams_activity_card(t, &json, &m->card, words);
	fine(&json);
	teams_activity_text(t, &json, words);
	fine(&json);
	teams_text_card(t, &json, words);
	fine(&json);
	for (int where = TEAMS_DIALOG; where <= TEAMS_GROUP; where++)
		if (teams_form_json(t, &json, &m->form, where))
			fine(&json);
	bh_buf_release(&json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct fake *fake;
	static struct teams *t;
	struct made *m = made_new(&most, data, len);
	char *words = fuzz_text(data, len);

	if (fake == NULL) {
		fake = fake_new();
		fake->people[0] = (struct bh_user){ .person = "P1",
			.realm = "main",
			.id = "ada00000-0000-4000-8000-000000000001" };
		t = bh_zero(sizeof(*t));
		t->magic = TEAMS_MAGIC;
		t->host = &fake->host;
		teams_places_open(t, NULL);
	}
	show(t, m, words);
	made_free(m);
	free(words);
	return 0;
}
