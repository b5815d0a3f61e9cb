/* test-teams-form.c - forms for Teams, in dialogs and in chats.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/teams-card.h"

static const struct bh_choice spans[] = { { "30m", "30 minutes" },
    { "1h", "1 hour" }, { "2h", "2 hours" } };
static const struct bh_input inputs[] = {
	{ .name = "account", .label = "Account", .hint = "type to search",
	    .type = BH_SEARCH, .required = true },
	{ .name = "for", .label = "How long", .type = BH_CHOOSE,
	    .choices = spans, .choices_count = 3, .value = "1h" },
	{ .name = "reason", .label = "Reason", .hint = "PAY-812 what broke",
	    .type = BH_LINES, .required = true },
	{ .name = "ticket", .label = "Ticket", .type = BH_LINE,
	    .value = "PAY-812" },
	{ .name = "page", .label = "Page the approvers", .type = BH_TICK,
	    .value = "yes", .hint = "only at night" },
};
static const struct bh_form usual = { .title = "Ask for access",
    .submit = "Ask", .command = "elevate", .inputs = inputs,
    .inputs_count = 5, .token = "f0f0" };

static struct bh_value *
draw(const struct bh_form *form, int where)
{
	bh_buf_clear(&out);
	ck_assert(teams_form_json(w.teams, &out, form, where));
	ck_assert_uint_le(bh_utf16_len(bh_buf_text(&out)), TEAMS_WEIGHT);
	return read_out();
}

START_TEST(inputs_of_every_kind)
{
	struct bh_value *v = draw(&usual, TEAMS_DIALOG);
	const struct bh_value *search = nth(v, "Input.ChoiceSet", 0);
	const struct bh_value *choose = nth(v, "Input.ChoiceSet", 1);
	const struct bh_value *reason = nth(v, "Input.Text", 0);
	const struct bh_value *ticket = nth(v, "Input.Text", 1);
	const struct bh_value *tick = nth(v, "Input.Toggle", 0);
	const struct bh_value *query = bh_get(search, "choices.data");

	ck_assert_str_eq(bh_get_text(search, "id"), "in-account");
	ck_assert_str_eq(bh_get_text(search, "label"), "Account");
	ck_assert_str_eq(bh_get_text(search, "style"), "filtered");
	ck_assert_str_eq(bh_get_text(search, "placeholder"),
	    "type to search");
	ck_assert_str_eq(bh_get_text(search, "errorMessage"),
	    "Please choose one.");
	ck_assert_str_eq(bh_get_text(query, "type"), "Data.Query");
	ck_assert_str_eq(bh_get_text(query, "dataset"), "f0f0/account");
	ck_assert_uint_eq(bh_get(search, "choices")->count, 0);
	ck_assert_str_eq(bh_get_text(choose, "style"), "compact");
	ck_assert_str_eq(bh_get_text(choose, "value"), "1h");
	ck_assert_uint_eq(bh_get(choose, "choices")->count, 3);
	ck_assert_ptr_null(bh_get(choose, "isRequired"));
	ck_assert(bh_get_bool(reason, "isMultiline", false));
	ck_assert(bh_get_bool(reason, "isRequired", false));
	ck_assert_str_eq(bh_get_text(reason, "errorMessage"),
	    "Please fill this in.");
	ck_assert_str_eq(bh_get_text(ticket, "value"), "PAY-812");
	ck_assert(!bh_get_bool(ticket, "isMultiline", false));
	ck_assert_str_eq(bh_get_text(tick, "value"), "yes");
	ck_assert_str_eq(bh_get_text(tick, "label"), "Page the approvers");
	ck_assert_str_eq(bh_get_text(tick, "title"), "Yes");
	bh_json_free(&w.fake->host, v);
}
END_TEST

START_TEST(a_dialog_submits)
{
	struct bh_value *v = draw(&usual, TEAMS_DIALOG);
	const struct bh_value *a = bh_get(v, "actions")->first;

	ck_assert_str_eq(bh_get_text(a, "type"), "Action.Submit");
	ck_assert_str_eq(bh_get_text(a, "title"), "Ask");
	ck_assert_str_eq(bh_get_text(bh_get(a, "data"), "bellhop-form"),
	    "f0f0");
	/* The dialog's own head has the title. */
	ck_assert_ptr_null(strstr(bh_buf_text(&out), "Ask for access"));
	ck_assert_ptr_null(strstr(bh_buf_text(&out), "Action.Execute"));
	bh_json_free(&w.fake->host, v);
}
END_TEST

START_TEST(a_chat_executes)
{
	struct bh_value *v = draw(&usual, TEAMS_CHAT);
	const struct bh_value *a = bh_get(v, "actions")->first;
	struct bh_buf words = BH_BUF(1u << 16);

	ck_assert_str_eq(bh_get_text(a, "type"), "Action.Execute");
	ck_assert_str_eq(bh_get_text(a, "verb"), "bellhop");
	ck_assert_str_eq(bh_get_text(bh_get(a, "data"), "bellhop-form"),
	    "f0f0");
	ck_assert_str_eq(bh_get_text(bh_get(a, "fallback"), "type"),
	    "Action.Submit");
	/* The inputs go with it. */
	ck_assert_ptr_null(bh_get(a, "associatedInputs"));
	words_of(v, "RichTextBlock", &words);
	ck_assert_str_eq(bh_buf_text(&words), "Ask for access\n"
	    "only at night\n");
	bh_json_free(&w.fake->host, v);
	v = draw(&usual, TEAMS_GROUP);
	words_of(v, "RichTextBlock", &words);
	ck_assert_str_eq(bh_buf_text(&words), "Ask for access\n"
	    "Whoever asked for this form fills it in.\nonly at night\n");
	bh_json_free(&w.fake->host, v);
	bh_buf_release(&words);
}
END_TEST

START_TEST(errors_stand_below_their_input)
{
	struct bh_input wrong[2] = { inputs[0], inputs[3] };
	struct bh_form form = usual;
	struct bh_value *v;
	const struct bh_value *error;

	wrong[0].error = "No account is called **prod**.";
	wrong[0].value = "prod";
	form.inputs = wrong;
	form.inputs_count = 2;
	v = draw(&form, TEAMS_DIALOG);
	error = bh_get(v, "body")->first->next;
	ck_assert_str_eq(bh_get_text(error, "type"), "RichTextBlock");
	error = bh_get(error, "inlines")->first;
	ck_assert_str_eq(bh_get_text(error, "text"),
	    "No account is called **prod**.");
	ck_assert_str_eq(bh_get_text(error, "color"), "Attention");
	/* What was typed is there again, as a choice that can be seen. */
	ck_assert_str_eq(bh_get_text(bh_get(nth(v, "Input.ChoiceSet", 0),
	    "choices")->first, "title"), "prod");
	ck_assert_str_eq(bh_get_text(nth(v, "Input.ChoiceSet", 0), "value"),
	    "prod");
	bh_json_free(&w.fake->host, v);
}
END_TEST

/* Nothing that was typed or that AWS says changes the form around it. */
static void
hostile_form(const char *text)
{
	size_t types[2];

	for (int i = 0; i < 2; i++) {
		const char *t = i == 0 ? "x" : text;
		struct bh_choice choice = { t, t };
		struct bh_input all[] = {
			{ .name = "a", .label = t, .hint = t, .value = t,
			    .error = t, .type = BH_LINE, .required = true },
			{ .name = "b", .label = t, .hint = t, .value = t,
			    .error = t, .type = BH_LINES },
			{ .name = "c", .label = t, .hint = t, .value = t,
			    .error = t, .type = BH_CHOOSE, .choices = &choice,
			    .choices_count = 1 },
			{ .name = "d", .label = t, .hint = t, .value = t,
			    .error = t, .type = BH_SEARCH },
			{ .name = "e", .label = t, .hint = t, .value = t,
			    .error = t, .type = BH_TICK },
		};
		struct bh_form form = { .title = t, .submit = t,
		    .inputs = all, .inputs_count = 5, .token = "f0f0" };
		struct bh_value *v;
		const struct bh_value *e;

		if (*t == '\0')
			return;
		v = draw(&form, TEAMS_GROUP);
		types[i] = count_type(v, "") - count_type(v, "TextRun");
		ck_assert_uint_eq(count_type(v, "TextBlock"), 0);
		ck_assert_uint_eq(count_type(v, "Action.OpenUrl"), 0);
		ck_assert_ptr_null(bh_get(bh_get(v, "msteams"), "entities"));
		/* errorMessage is Markdown to some clients. */
		for (size_t n = 0; (e = nth(v, "", n)) != NULL; n++)
			if (bh_get(e, "errorMessage") != NULL)
				ck_assert_str_eq(bh_get_text(e,
				    "errorMessage"), "Please fill this in.");
		ck_assert_str_eq(bh_get_text(nth(v, "Input.Toggle", 0),
		    "title"), "Yes");
		bh_json_free(&w.fake->host, v);
	}
	ck_assert_uint_eq(types[0], types[1]);
}

START_TEST(hostile_texts_stay_texts)
{
	each_hostile(hostile_form);
}
END_TEST

START_TEST(many_choices_give_way)
{
	static struct bh_choice many[100];
	static char values[100][200], label[500];
	struct bh_input in[2] = { { .name = "a", .label = "A",
	    .type = BH_CHOOSE, .choices = many, .choices_count = 100,
	    .value = values[99] }, { .name = "b", .label = "B",
	    .type = BH_LINES } };
	struct bh_form form = { .title = "t", .submit = "s", .inputs = in,
	    .inputs_count = 2, .token = "f0f0" };
	struct bh_value *v;
	const struct bh_value *c;
	bool chosen = false;

	memset(label, '"', sizeof(label) - 1);
	for (int i = 0; i < 100; i++) {
		memset(values[i], 'v', 180);
		snprintf(values[i] + 180, 20, "%d", i);
		many[i] = (struct bh_choice){ values[i], label };
	}
	v = draw(&form, TEAMS_DIALOG);
	c = bh_get(nth(v, "Input.ChoiceSet", 0), "choices");
	ck_assert_uint_lt(c->count, 100);
	ck_assert_uint_gt(c->count, 20);
	for (BH_EACH(one, c))
		chosen = chosen || strcmp(bh_get_text(one, "value"),
		    values[99]) == 0;
	ck_assert(chosen);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&out), "Not all choices"));
	bh_json_free(&w.fake->host, v);
	/* Short ones are all there. */
	for (int i = 0; i < 100; i++) {
		snprintf(values[i], 20, "%d", i);
		many[i].label = values[i];
	}
	v = draw(&form, TEAMS_DIALOG);
	ck_assert_uint_eq(bh_get(nth(v, "Input.ChoiceSet", 0),
	    "choices")->count, 100);
	ck_assert_ptr_null(strstr(bh_buf_text(&out), "Not all choices"));
	bh_json_free(&w.fake->host, v);
}
END_TEST

/* As many inputs as the host lets through, and all of them wrong. */
START_TEST(huge_forms_fit)
{
	static char text[4001];
	static struct bh_choice many[100];
	struct bh_input all[20];
	struct bh_form form = { .title = text, .submit = text, .inputs = all,
	    .inputs_count = 20, .token = "0123456789abcdef0123456789abcdef" };
	struct bh_value *v;

	memset(text, '\\', sizeof(text) - 1);
	for (int i = 0; i < 100; i++)
		many[i] = (struct bh_choice){ "value", text };
	for (int i = 0; i < 20; i++)
		all[i] = (struct bh_input){ .name = "n", .label = text,
		    .hint = text, .value = text, .error = text, .type = i % 5,
		    .required = true, .choices = many, .choices_count = 100 };
	v = draw(&form, TEAMS_GROUP);
	ck_assert_uint_eq(count_type(v, "Input.Text") +
	    count_type(v, "Input.ChoiceSet") + count_type(v, "Input.Toggle"),
	    20);
	bh_json_free(&w.fake->host, v);
}
END_TEST

/* A value that was cut would be another: so the form is not shown. */
START_TEST(what_fits_nowhere_is_typed)
{
	static char value[480];
	struct bh_choice one = { value, "one" };
	struct bh_input all[20];
	struct bh_form form = { .title = "t", .submit = "s", .inputs = all,
	    .inputs_count = 20, .token = "f0f0" };

	memset(value, 'v', sizeof(value) - 1);
	for (int i = 0; i < 20; i++)
		all[i] = (struct bh_input){ .name = "n", .label = "l",
		    .type = BH_CHOOSE, .value = value, .choices = &one,
		    .choices_count = 1 };
	ck_assert(!teams_form_json(w.teams, &out, &form, TEAMS_CHAT));
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(bellhop_plugin.transport->ask(w.teams, &form, "ada",
	    NULL, NULL), BH_EUNSUPPORTED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("teams-form");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, up, down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, inputs_of_every_kind);
	tcase_add_test(tc, a_dialog_submits);
	tcase_add_test(tc, a_chat_executes);
	tcase_add_test(tc, errors_stand_below_their_input);
	tcase_add_test(tc, hostile_texts_stay_texts);
	tcase_add_test(tc, many_choices_give_way);
	tcase_add_test(tc, huge_forms_fit);
	tcase_add_test(tc, what_fits_nowhere_is_typed);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
