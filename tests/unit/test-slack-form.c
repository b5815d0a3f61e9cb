/* test-slack-form.c - forms as modals, options, and what is remembered.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "tests/unit/slack-common.h"

static struct bh_buf out = BH_BUF(4u * 1024u * 1024u);

static const struct bh_choice spans[] = { { "30m", "30 min" },
	{ "1h", "1 h" } };

static const char *
view(const struct bh_form *form)
{
	struct bh_value *v;

	bh_buf_clear(&out);
	slack_form_view(slack, &out, form);
	v = parsed(bh_buf_text(&out));
	ck_assert_pstr_eq(slack_limits_view(v), NULL);
	bh_json_free(&fake->host, v);
	return bh_buf_text(&out);
}

static void
has(const char *part)
{
	ck_assert_msg(strstr(bh_buf_text(&out), part) != NULL,
	    "%s\nis not in\n%s", part, bh_buf_text(&out));
}

#define PLAIN(text) "{\"type\":\"plain_text\",\"emoji\":false,\"text\":\"" \
	text "\"}"

START_TEST(a_form_is_a_modal)
{
	const struct bh_input inputs[] = {
	    { .name = "account", .label = "Account", .type = BH_SEARCH,
	      .required = true, .value = "prod" },
	    { .name = "for", .label = "For how long", .type = BH_CHOOSE,
	      .choices = spans, .choices_count = 2, .value = "1h",
	      .required = true },
	    { .name = "reason", .label = "Reason", .hint = "such as: PAY-1",
	      .type = BH_LINE, .value = "a *b*" },
	    { .name = "more", .label = "More", .type = BH_LINES,
	      .value = "a\nb" },
	    { .name = "dry-run", .label = "Dry run", .type = BH_TICK,
	      .value = "yes" } };
	const struct bh_form form = { .title = "Get AWS access",
	    .submit = "Request", .command = "elevate", .inputs = inputs,
	    .inputs_count = COUNT(inputs), .token = "f0123" };

	ck_assert_str_eq(view(&form),
"{\"type\":\"modal\",\"callback_id\":\"form\",\"title\":"
PLAIN("Get AWS access") ",\"close\":" PLAIN("Cancel") ",\"submit\":"
PLAIN("Request") ",\"private_metadata\":\"f0123\",\"blocks\":["
"{\"type\":\"input\",\"block_id\":\"account\",\"label\":" PLAIN("Account")
",\"optional\":false,\"element\":{\"type\":\"external_select\","
"\"action_id\":\"v\",\"min_query_length\":0,\"initial_option\":"
"{\"text\":" PLAIN("prod") ",\"value\":\"prod\"},\"focus_on_load\":true}},"
"{\"type\":\"input\",\"block_id\":\"for\",\"label\":" PLAIN("For how long")
",\"optional\":false,\"element\":{\"type\":\"static_select\","
"\"action_id\":\"v\",\"options\":[{\"text\":" PLAIN("30 min")
",\"value\":\"30m\"},{\"text\":" PLAIN("1 h") ",\"value\":\"1h\"}],"
"\"initial_option\":{\"text\":" PLAIN("1 h") ",\"value\":\"1h\"}}},"
"{\"type\":\"input\",\"block_id\":\"reason\",\"label\":" PLAIN("Reason")
",\"hint\":" PLAIN("such as: PAY-1") ",\"optional\":true,\"element\":"
"{\"type\":\"plain_text_input\",\"action_id\":\"v\",\"multiline\":false,"
"\"max_length\":3000,\"initial_value\":\"a *b*\"}},"
"{\"type\":\"input\",\"block_id\":\"more\",\"label\":" PLAIN("More")
",\"optional\":true,\"element\":{\"type\":\"plain_text_input\","
"\"action_id\":\"v\",\"multiline\":true,\"max_length\":3000,"
"\"initial_value\":\"a\\u000ab\"}},"
"{\"type\":\"input\",\"block_id\":\"dry-run\",\"label\":" PLAIN("Dry run")
",\"optional\":true,\"element\":{\"type\":\"checkboxes\","
"\"action_id\":\"v\",\"options\":[{\"text\":" PLAIN("yes")
",\"value\":\"yes\"}],\"initial_options\":[{\"text\":" PLAIN("yes")
",\"value\":\"yes\"}]}}]}");
}
END_TEST

START_TEST(mistakes_are_shown_at_their_fields)
{
	const struct bh_input inputs[] = {
	    { .name = "a", .label = "A", .type = BH_LINE },
	    { .name = "b", .label = "B", .type = BH_LINE,
	      .error = "too *short*\n" },
	    { .name = "c", .label = "C", .type = BH_LINE, .error = "" } };
	struct bh_form form = { .title = "T", .inputs = inputs,
	    .inputs_count = 3, .token = "f" };
	struct bh_buf errors = BH_BUF(10000);

	ck_assert(slack_form_errors(&errors, &form));
	ck_assert_str_eq(bh_buf_text(&errors), "{\"b\":\"too *short* \","
	    "\"c\":\"This is not right.\"}");
	bh_buf_clear(&errors);
	form.inputs_count = 1;
	ck_assert(!slack_form_errors(&errors, &form));
	/* In a view that is drawn anew, they stand below. */
	form.inputs_count = 3;
	view(&form);
	has("{\"type\":\"emoji\",\"name\":\"warning\"},"
	    "{\"type\":\"text\",\"text\":\" \"},{\"type\":\"text\","
	    "\"text\":\"too *short* \",\"style\":{\"bold\":true}}");
	has("\"block_id\":\"b\",\"label\":" PLAIN("B") ",\"optional\":true,"
	    "\"element\":{\"type\":\"plain_text_input\",\"action_id\":\"v\","
	    "\"multiline\":false,\"max_length\":3000,"
	    "\"focus_on_load\":true}}");
	bh_buf_release(&errors);
}
END_TEST

START_TEST(a_value_that_is_no_choice)
{
	struct bh_input input = { .name = "a", .label = "A",
	    .type = BH_CHOOSE, .choices = spans, .choices_count = 2,
	    .value = "9h" };
	const struct bh_form form = { .title = "T", .inputs = &input,
	    .inputs_count = 1, .token = "f" };

	view(&form);
	ck_assert_ptr_null(strstr(bh_buf_text(&out), "initial"));
	/* Nothing to choose from: it is typed. */
	input.choices_count = 0;
	view(&form);
	has("plain_text_input");
	has("\"initial_value\":\"9h\"");
}
END_TEST

START_TEST(many_choices_stand_in_groups)
{
	struct bh_choice choices[250];
	char names[250][16];
	struct bh_input input = { .name = "a", .label = "A",
	    .type = BH_CHOOSE, .choices = choices, .choices_count = 250,
	    .value = "n249" };
	const struct bh_form form = { .title = "T", .inputs = &input,
	    .inputs_count = 1, .token = "f" };
	struct bh_buf options = BH_BUF(100000);
	struct bh_value *v;

	for (size_t i = 0; i < 250; i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		choices[i] = (struct bh_choice){ names[i], NULL };
	}
	v = parsed(view(&form));
	v = v != NULL ? v : NULL;
	ck_assert_uint_eq(bh_get(bh_get(bh_get(v, "blocks")->first,
	    "element"), "option_groups")->count, 3);
	bh_json_free(&fake->host, v);
	has("\"initial_option\":{\"text\":" PLAIN("n249"));
	/* As an answer, the first hundred. */
	slack_options(slack, &options, choices, 250);
	v = parsed(bh_buf_text(&options));
	ck_assert_pstr_eq(slack_limits_options(v), NULL);
	ck_assert_uint_eq(bh_get(v, "options")->count, 100);
	bh_json_free(&fake->host, v);
	bh_buf_release(&options);
}
END_TEST

/* What does not fit into an option is found again by its digest. */
START_TEST(long_values_travel_by_digest)
{
	char value[200];
	struct bh_choice choice = { value, "short" };
	struct bh_buf a = BH_BUF(1000), b = BH_BUF(1000);
	struct bh_value *v;
	const char *key;

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	slack_options(slack, &a, &choice, 1);
	v = parsed(bh_buf_text(&a));
	ck_assert_pstr_eq(slack_limits_options(v), NULL);
	key = bh_get_text(bh_get(v, "options")->first, "value");
	ck_assert_str_eq(slack_value(slack, key), value);
	slack_value_key(slack, &b, value);
	ck_assert_str_eq(bh_buf_text(&b), key);		/* always the same */
	bh_json_free(&fake->host, v);
	ck_assert_str_eq(slack_value(slack, "prod"), "prod");
	ck_assert_ptr_null(slack_value(slack, "~unknown"));
	/* Also empty ones, and those that look like a digest. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const odd[] = { "", "~x", "a\nb" };

		bh_buf_clear(&b);
		slack_value_key(slack, &b, odd[i]);
		ck_assert_uint_eq(strlen(bh_buf_text(&b)), 23);
		ck_assert_str_eq(slack_value(slack, bh_buf_text(&b)), odd[i]);
	}
	bh_buf_release(&a);
	bh_buf_release(&b);
}
END_TEST

START_TEST(the_newest_token_of_a_view)
{
	ck_assert_str_eq(slack_view_token(slack, "V1", "f1"), "f1");
	slack_view_note(slack, "V1", "f2");
	ck_assert_str_eq(slack_view_token(slack, "V1", "f1"), "f2");
	slack_view_note(slack, "V1", "f3");
	ck_assert_str_eq(slack_view_token(slack, "V1", "f1"), "f3");
	ck_assert_str_eq(slack_view_token(slack, "V2", "f1"), "f1");
	/* Bounded: the oldest go. */
	for (int i = 0; i < 3000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "W%d", i);
		slack_view_note(slack, id, "f");
	}
	ck_assert_str_eq(slack_view_token(slack, "V1", "f1"), "f1");
	ck_assert_str_eq(slack_view_token(slack, "W2999", "f1"), "f");
}
END_TEST

START_TEST(views_that_pass)
{
	struct bh_value *v;

	bh_buf_clear(&out);
	slack_loading_view(slack, &out);
	v = parsed(bh_buf_text(&out));
	ck_assert_pstr_eq(slack_limits_view(v), NULL);
	ck_assert_ptr_null(bh_get(v, "submit"));
	bh_json_free(&fake->host, v);
	bh_buf_clear(&out);
	slack_text_view(slack, &out, "You may *not*.");
	v = parsed(bh_buf_text(&out));
	ck_assert_pstr_eq(slack_limits_view(v), NULL);
	bh_json_free(&fake->host, v);
	has("\"text\":\"You may *not*.\"");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_form_is_a_modal,
		mistakes_are_shown_at_their_fields, a_value_that_is_no_choice,
		many_choices_stand_in_groups, long_values_travel_by_digest,
		the_newest_token_of_a_view, views_that_pass, NULL };
	int ret = run_suite("slack-form", tests);

	bh_buf_release(&out);
	return ret;
}
