/* test-chat-parts.c - words, arguments, access rules, flood, cards as JSON.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/value.h"
#include "host/chat/access.h"
#include "host/chat/card.h"
#include "host/chat/flood.h"
#include "host/chat/words.h"

/* ------------------------------------------------------------------ */

static const struct {
	const char *line, *words;	/* joined by "|"; or the error */
} split_cases[] = {
	{ "", "" },
	{ "  a   b ", "a|b" },
	{ "a \"b c\" d", "a|b c|d" },
	{ "a 'b \"c' d", "a|b \"c|d" },
	{ "a \"b \\\" \\\\ c\"", "a|b \" \\ c" },
	{ "C:\\dir \"C:\\dir\"", "C:dir|C:\\dir" },
	{ "a\\ b", "a b" },
	{ "it's fine", "it's|fine" },
	{ "--reason='two words'", "--reason=two words" },
	{ "--reason=\"two words\"x", "--reason=two wordsx" },
	{ "\"\" ''", "|" },
	{ "say \xe2\x80\x9cone two\xe2\x80\x9d", "say|one two" },
	{ "\xe2\x80\x98one two\xe2\x80\x99", "one two" },
	{ "\xe2\x80\x94" "for 2h", "--for|2h" },
	{ "a \xe2\x80\x94 b", "a|\xe2\x80\x94|b" },
	{ "a \"b c", "!the quote before \"b c\" is not closed" },
	{ "a 'b", "!the quote before \"b\" is not closed" },
};

START_TEST(split)
{
	BH_AUTO_BUF struct bh_buf error = BH_BUF(1000), got = BH_BUF(1000);
	struct words words;

	if (words_split(split_cases[_i].line, false, &words, &error) !=
	    BH_OK) {
		ck_assert_int_eq(split_cases[_i].words[0], '!');
		ck_assert_str_eq(bh_buf_text(&error),
		    split_cases[_i].words + 1);
		return;
	}
	for (size_t i = 0; i < words.count; i++)
		bh_buf_add(&got, "%s%s", i > 0 ? "|" : "",
		    words.list[i].text);
	ck_assert_str_eq(bh_buf_text(&got), split_cases[_i].words);
	words_release(&words);
}
END_TEST

START_TEST(quote_round_trip)
{
	static const char *const texts[] = { "plain", "", "two words",
		"a\"b", "a\\b", "--flag", "it's", "x=1", "\xe2\x80\x9c" };
	BH_AUTO_BUF struct bh_buf line = BH_BUF(1000), error = BH_BUF(1000);
	struct words words;

	words_quote(&line, texts[_i]);
	ck_assert_int_eq(words_split(bh_buf_text(&line), false, &words,
	    &error), BH_OK);
	ck_assert_uint_eq(words.count, 1);
	ck_assert_str_eq(words.list[0].text, texts[_i]);
	words_release(&words);
}
END_TEST

#define ELEVATE	"account [set] [--for=TIME] [--dry-run] [reason...]"

static const struct {
	const char *spec, *line, *args;	/* "name=value;", or "!error" */
} arg_cases[] = {
	{ "", "", "" },
	{ "", "x", "!\"x\" is one word too many" },
	{ "a", "", "!a is missing" },
	{ "a", "\"\"", "!a is missing" },
	{ "a [b]", "1", "a=1;" },
	{ "a [b]", "1 2", "a=1;b=2;" },
	{ "a [b]", "1 2 3", "!\"3\" is one word too many" },
	{ "text...", "", "!text is missing" },
	{ "text...", "one  two", "text=one two;" },
	{ ELEVATE, "p q --for 2h because of x",
	  "account=p;set=q;for=2h;reason=because of x;" },
	{ ELEVATE, "p --for=2h q", "account=p;for=2h;set=q;" },
	{ ELEVATE, "--FOR 2h p", "for=2h;account=p;" },
	{ ELEVATE, "p --dry-run", "account=p;dry-run=yes;" },
	{ ELEVATE, "p --dry-run=no", "!--dry-run takes no value" },
	{ ELEVATE, "p --for", "!--for needs a value: --for TIME" },
	{ ELEVATE, "p --for --dry-run", "!--for needs a value: --for TIME" },
	{ ELEVATE, "p --for 1h --for 2h", "!--for stands there twice" },
	{ ELEVATE, "p --fro 1h",
	  "!there is no option --fro; did you mean --for?" },
	{ ELEVATE, "p q -- --for all", "account=p;set=q;reason=--for all;" },
	{ ELEVATE, "p q \"--for all\"", "account=p;set=q;reason=--for all;" },
	{ ELEVATE, "p q - x", "account=p;set=q;reason=- x;" },
	{ "a", "--x", "!there is no option --x; a word that begins with -- "
	  "goes after a lone \"--\" or into quotes" },
};

START_TEST(arguments)
{
	BH_AUTO_BUF struct bh_buf error = BH_BUF(1000), got = BH_BUF(1000);
	struct words words;
	struct spec spec;
	struct args args = { 0 };
	const char *why;

	ck_assert_int_eq(spec_parse(arg_cases[_i].spec, &spec, &why), BH_OK);
	ck_assert_int_eq(words_split(arg_cases[_i].line, false, &words,
	    &error), BH_OK);
	if (args_parse(&spec, &words, 0, &args, &error) != BH_OK)
		bh_buf_add(&got, "!%s", bh_buf_text(&error));
	for (size_t i = 0; i < args.count; i++)
		bh_buf_add(&got, "%s=%s;", args.list[i].name,
		    args.list[i].value);
	ck_assert_str_eq(bh_buf_text(&got), arg_cases[_i].args);
	args_release(&args);
	spec_release(&spec);
	words_release(&words);
}
END_TEST

START_TEST(bad_specs)
{
	static const char *const specs[] = { "[a", "a b...  c", "[a] b",
		"--for", "[--]", "A", "a a", "[a...] [b]", "[]", "[--x] x",
		"[a] b..." };
	struct spec spec;
	const char *why = NULL;

	ck_assert_int_eq(spec_parse(specs[_i], &spec, &why), BH_EPARSE);
	ck_assert_ptr_nonnull(why);
}
END_TEST

/* ------------------------------------------------------------------ */

static int
in_group(void *arg, const struct bh_user *user, const char *group)
{
	(void)arg;
	(void)user;
	return strcmp(group, "Leads") == 0 ? 1 : -1;
}

static const struct bh_value *team_members;

static const struct bh_value *
members(void *arg, const char *team)
{
	(void)arg;
	return strcmp(team, "pay") == 0 ? team_members : NULL;
}

enum { M = 0, G = BH_USER_GUEST, B = BH_USER_BOT, A = BH_USER_ADMIN };

static const struct {
	const char *main_rules, *team_rules, *delegated;
	unsigned flags, user;
	bool allowed;
	const char *why;
} access_cases[] = {
	/* Closed by default. */
	{ NULL, NULL, NULL, 0, M, false, "no access rule of bellhop.yaml" },
	{ NULL, NULL, NULL, 0, A, false, "no access rule" },
	{ "[]", NULL, NULL, 0, A, false, "no access rule" },
	{ NULL, NULL, NULL, BH_CMD_ANYONE, G, true, "anyone" },
	/* Admin commands ask for nothing else, and for nothing less. */
	{ NULL, NULL, NULL, BH_CMD_ADMIN, A, true, "admins" },
	{ NULL, NULL, NULL, BH_CMD_ADMIN, A | G, false, "admins" },
	{ "[{'commands':['*'],'who':['everyone']}]", NULL, NULL,
	  BH_CMD_ADMIN, M, false, "admins" },
	/* Who. */
	{ "[{'commands':['*'],'who':['members']}]", NULL, NULL, 0, M, true,
	  "" },
	{ "[{'commands':['*'],'who':['members']}]", NULL, NULL, 0, G, false,
	  "only to members" },
	{ "[{'commands':['*'],'who':['members']}]", NULL, NULL, 0, B, false,
	  "only to members" },
	{ "[{'commands':['*'],'who':['everyone']}]", NULL, NULL, 0, G, true,
	  "" },
	{ "[{'commands':['*'],'who':['admins']}]", NULL, NULL, 0, M, false,
	  "only to admins" },
	{ "[{'commands':['*'],'who':['admins']}]", NULL, NULL, 0, A, true,
	  "" },
	{ "[{'commands':['*'],'who':['ADA@x.example']}]", NULL, NULL, 0, M,
	  true, "" },
	{ "[{'commands':['*'],'who':['ada@x.example']}]", NULL, NULL, 0, G,
	  false, "only to ada@x.example" },
	{ "[{'commands':['*'],'who':['acme/@U1']}]", NULL, NULL, 0, M, true,
	  "" },
	{ "[{'commands':['*'],'who':['corp/@U1']}]", NULL, NULL, 0, M, false,
	  "only to corp/@U1" },
	{ "[{'commands':['*'],'who':['group:Leads']}]", NULL, NULL, 0, M,
	  true, "" },
	{ "[{'commands':['*'],'who':['group:Other']}]", NULL, NULL, 0, M,
	  false, "only to group:Other" },
	{ "[{'commands':['*'],'who':['group:Leads']}]", NULL, NULL, 0, G,
	  false, "" },
	{ "[{'commands':['*'],'who':['team:pay']}]", NULL, NULL, 0, M, true,
	  "" },
	{ "[{'commands':['*'],'who':['team:other']}]", NULL, NULL, 0, M,
	  false, "only to team:other" },
	{ "[{'commands':['*'],'who':[]}]", NULL, NULL, 0, A, false,
	  "only to nobody" },
	{ "[{'commands':['*']}]", NULL, NULL, 0, A, false, "only to nobody" },
	/* Commands and rooms. */
	{ "[{'commands':['aws-sso/*'],'who':['members']}]", NULL, NULL, 0, M,
	  true, "" },
	{ "[{'commands':['other/*','elev'],'who':['members']}]", NULL, NULL,
	  0, M, false, "names elevate" },
	{ "[{'commands':['elevate'],'who':['members'],"
	  "'rooms':['acme/#pay*']}]", NULL, NULL, 0, M, true, "" },
	{ "[{'commands':['elevate'],'who':['members'],"
	  "'rooms':['acme/#ops']}]", NULL, NULL, 0, M, false,
	  "only in acme/#ops" },
	{ "[{'commands':['elevate'],'who':['members'],'rooms':[]}]", NULL,
	  NULL, 0, M, false, "only in no room" },
	/* Teams narrow, and widen only what was delegated. */
	{ "[{'commands':['*'],'who':['members']}]",
	  "[{'commands':['*'],'who':['group:Other']}]", NULL, 0, M, false,
	  "only to group:Other" },
	{ "[{'commands':['*'],'who':['members']}]",
	  "[{'commands':['*'],'who':['members']}]", NULL, 0, M, true, "" },
	{ NULL, "[{'commands':['*'],'who':['everyone']}]", NULL, 0, M, false,
	  "bellhop.yaml" },
	{ NULL, "[{'commands':['*'],'who':['members']}]",
	  "{'commands':['elevate']}", 0, M, true, "" },
	{ NULL, "[{'commands':['*'],'who':['members']}]",
	  "{'commands':['other']}", 0, M, false, "bellhop.yaml" },
	{ "[{'commands':['*'],'who':['members']}]", "[]", NULL, 0, M, false,
	  "team pay" },
};

static struct bh_value *
parse(const char *text)
{
	BH_AUTO_FREE char *json = xstrdup(text);
	const char *error = NULL;
	struct bh_value *v;

	if (text == NULL)
		return NULL;
	for (char *p = json; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	v = json_parse(json, strlen(json), &error);
	ck_assert_msg(v != NULL, "%s", error);
	return v;
}

START_TEST(access)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(1000);
	const struct bh_user user = { .person = "P", .name = "Ada",
	    .email = "ada@x.example", .realm = "acme", .id = "U1",
	    .flags = access_cases[_i].user };
	struct bh_value *m = parse(access_cases[_i].main_rules),
	    *t = parse(access_cases[_i].team_rules),
	    *d = parse(access_cases[_i].delegated),
	    *list = parse("['ada@x.example']");
	const struct access_question q = { .user = &user,
	    .command = "elevate", .plugin = "aws-sso",
	    .flags = access_cases[_i].flags, .place = "acme/#C1",
	    .place_name = "acme/#payments", .team = "pay", .main_rules = m,
	    .team_rules = t, .delegated = d, .in_group = in_group,
	    .members = members };

	team_members = list;
	ck_assert_msg(access_allows(&q, &why) == access_cases[_i].allowed,
	    "case %d: %s", _i, bh_buf_text(&why));
	ck_assert_msg(strstr(bh_buf_text(&why), access_cases[_i].why) != NULL,
	    "case %d: %s", _i, bh_buf_text(&why));
	value_free(m);
	value_free(t);
	value_free(d);
	value_free(list);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(flood)
{
	struct flood_limit limit;
	struct flood f = { 0 };
	const char *error;
	int64_t wait;

	ck_assert_int_eq(flood_parse("20/min", &limit, &error), BH_OK);
	ck_assert_int_eq(limit.count, 20);
	ck_assert_int_eq(limit.span, 60000);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(flood_take(&f, &limit, 1, 1000), 0);
	wait = flood_take(&f, &limit, 1, 1000);
	ck_assert_int_ge(wait, 2999);
	ck_assert_int_le(wait, 3002);
	ck_assert_int_eq(flood_take(&f, &limit, 1, 1000 + wait), 0);
	ck_assert_int_gt(flood_take(&f, &limit, 5, 1000 + wait), 14000);
	flood_refund(&f, 20);
	ck_assert_int_eq(flood_take(&f, &limit, 5, 1000 + wait), 0);
	/* What costs more than all can still be had, alone. */
	ck_assert_int_eq(flood_parse("2/10s", &limit, &error), BH_OK);
	f = (struct flood){ 0 };
	ck_assert_int_eq(flood_take(&f, &limit, 5, 0), 0);
	ck_assert_int_gt(flood_take(&f, &limit, 5, 0), 0);
	ck_assert_int_eq(flood_parse("off", &limit, &error), BH_OK);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(flood_take(&f, &limit, 5, 0), 0);
	ck_assert_int_eq(flood_parse("20", &limit, &error), BH_EINVAL);
	ck_assert_int_eq(flood_parse("0/min", &limit, &error), BH_EINVAL);
	ck_assert_int_eq(flood_parse("1/fortnight", &limit, &error),
	    BH_EINVAL);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(card_round_trip)
{
	BH_AUTO_BUF struct bh_buf one = BH_BUF(65536), two = BH_BUF(65536),
	    text = BH_BUF(65536);
	const struct bh_span title[] = {
		{ .kind = BH_SPAN_STRONG, .text = "7QK2 " },
		{ .text = "a \"quote\" \\ <b> &amp; \xe2\x80\xae" "evil" } };
	const struct bh_span line[] = {
		{ .kind = BH_SPAN_PERSON, .text = "Ada", .ref = "P1" },
		{ .text = " until " },
		{ .kind = BH_SPAN_TIME, .time = 1767609000123 },
		{ .kind = BH_SPAN_LINK, .text = "here",
		  .ref = "https://x.example/?a=1&b=2" },
		{ .kind = BH_SPAN_CODE, .text = "" } };
	const struct bh_field fields[] = { { "Account", line, 5 },
		{ "", title, 1 } };
	const struct bh_button buttons[] = {
		{ .label = "approve", .command = "approve", .args = "7QK2",
		  .style = BH_PRIMARY, .token = "leaks?" },
		{ .label = "stop", .command = "stop", .style = BH_DANGER } };
	const struct bh_card card = { title, 2, BH_YELLOW, fields, 2, buttons,
	    2, line, 3 };
	const char *error = NULL;
	struct bh_card *back;

	ck_assert_msg(card_json(&one, &card, &error) == BH_OK, "%s", error);
	ck_assert_ptr_null(strstr(bh_buf_text(&one), "leaks"));
	ck_assert_ptr_null(strstr(bh_buf_text(&one), "\xe2\x80\xae"));
	back = card_parse(bh_buf_text(&one), one.len, &error);
	ck_assert_msg(back != NULL, "%s", error);
	ck_assert_int_eq(back->colour, BH_YELLOW);
	ck_assert_uint_eq(back->fields_count, 2);
	ck_assert_int_eq(back->fields[0].spans[2].time, 1767609000123);
	ck_assert_str_eq(back->fields[0].spans[1].text, " until ");
	ck_assert_str_eq(back->buttons[0].args, "7QK2");
	ck_assert_ptr_null(back->buttons[1].args);
	ck_assert_int_eq(card_json(&two, back, &error), BH_OK);
	ck_assert_str_eq(bh_buf_text(&one), bh_buf_text(&two));
	card_text(&text, back, "!", 1767607200000);
	ck_assert_str_eq(bh_buf_text(&text),
	    "7QK2 a \"quote\" \\ <b> &amp; evil\n"
	    "Account: Ada until 10:30 UTChere (https://x.example/?a=1&b=2)\n"
	    "7QK2 \n"
	    "approve: !approve 7QK2 | stop: !stop\n"
	    "Ada until 10:30 UTC");
	card_free(&back);
	ck_assert_ptr_null(back);
}
END_TEST

#define CARD(title, rest) \
	"{'title':" title ",'colour':0,'fields':[],'buttons':[],'note':[]" \
	rest "}"

START_TEST(card_refused)
{
	static const char *const cards[] = {
		"", "[]", "{}", CARD("[]", ",'x':1"), CARD("[]", "") " x",
		CARD("{}", ""), CARD("[{'kind':'bold','text':'x'}]", ""),
		CARD("[{'kind':'text'}]", ""),
		CARD("[{'kind':'text','text':1}]", ""),
		CARD("[{'kind':'text','text':'x','colour':1}]", ""),
		CARD("[{'kind':'link','text':'x','ref':'http://x'}]", ""),
		CARD("[{'kind':'link','text':'x','ref':'javascript:x'}]", ""),
		CARD("[{'kind':'time','time':'1'}]", ""),
		CARD("[{'kind':'time','time':1.5}]", ""),
		"{'title':[],'colour':9,'fields':[],'buttons':[],'note':[]}",
		"{'title':[],'colour':0,'fields':[{'label':'x'}],"
		"'buttons':[],'note':[]}",
		"{'title':[],'colour':0,'fields':[],"
		"'buttons':[{'label':'x','style':0}],'note':[]}",
		"{'title':[],'colour':0,'fields':[],'buttons':[{'label':'x',"
		"'command':'y','style':0,'token':'z'}],'note':[]}",
	};
	BH_AUTO_FREE char *json = xstrdup(cards[_i]);
	const char *error = NULL;

	for (char *p = json; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	ck_assert_ptr_null(card_parse(json, strlen(json), &error));
	ck_assert_ptr_nonnull(error);
}
END_TEST

START_TEST(card_limits)
{
	BH_AUTO_BUF struct bh_buf out = BH_BUF(1u << 20);
	struct bh_span bad = { .kind = BH_SPAN_LINK, .text = "x",
	    .ref = "http://x" };
	struct bh_card card = { .title = &bad, .title_count = 1 };
	struct bh_button buttons[CARD_BUTTONS + 1] = { 0 };
	const char *error = NULL;

	ck_assert_int_eq(card_json(&out, &card, &error), BH_EINVAL);
	card = (struct bh_card){ .buttons = buttons,
	    .buttons_count = CARD_BUTTONS + 1 };
	ck_assert_int_eq(card_json(&out, &card, &error), BH_EINVAL);
	card.buttons_count = 1;
	ck_assert_int_eq(card_json(&out, &card, &error), BH_EINVAL);
	bad = (struct bh_span){ .kind = 77, .text = "x" };
	card = (struct bh_card){ .title = &bad, .title_count = 1 };
	ck_assert_int_eq(card_json(&out, &card, &error), BH_EINVAL);
}
END_TEST

START_TEST(form_round_trip)
{
	BH_AUTO_BUF struct bh_buf one = BH_BUF(65536), two = BH_BUF(65536);
	const struct bh_choice choices[] = { { "1", "one" }, { "2", NULL } };
	const struct bh_input inputs[] = {
		{ .name = "account", .label = "Account", .hint = "name or id",
		  .type = BH_SEARCH, .required = true, .error = "closed" },
		{ .name = "days", .label = "Days", .value = "1",
		  .type = BH_CHOOSE, .choices = choices, .choices_count = 2 } };
	const struct bh_form form = { .title = "T", .submit = "Go",
	    .command = "order", .inputs = inputs, .inputs_count = 2 };
	const char *error = NULL;
	struct bh_form *back;

	ck_assert_int_eq(form_json(&one, &form, &error), BH_OK);
	back = form_parse(bh_buf_text(&one), one.len, &error);
	ck_assert_msg(back != NULL, "%s", error);
	ck_assert(back->inputs[0].required && !back->inputs[1].required);
	ck_assert_str_eq(back->inputs[0].error, "closed");
	ck_assert_uint_eq(back->inputs[1].choices_count, 2);
	ck_assert_int_eq(form_json(&two, back, &error), BH_OK);
	ck_assert_str_eq(bh_buf_text(&one), bh_buf_text(&two));
	form_free(&back);
	ck_assert_ptr_null(form_parse("{}", 2, &error));
}
END_TEST

#define COUNT(a)	((int)(sizeof(a) / sizeof(a[0])))

int
main(void)
{
	Suite *suite = suite_create("chat parts");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, split, 0, COUNT(split_cases));
	tcase_add_loop_test(tc, quote_round_trip, 0, 9);
	tcase_add_loop_test(tc, arguments, 0, COUNT(arg_cases));
	tcase_add_loop_test(tc, bad_specs, 0, 11);
	tcase_add_loop_test(tc, access, 0, COUNT(access_cases));
	tcase_add_test(tc, flood);
	tcase_add_test(tc, card_round_trip);
	tcase_add_loop_test(tc, card_refused, 0, 18);
	tcase_add_test(tc, card_limits);
	tcase_add_test(tc, form_round_trip);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
