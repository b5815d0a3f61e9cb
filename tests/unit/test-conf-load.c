/*
 * test-conf-load.c - sections, layers, teams, delegation, hashes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include "host/base/mem.h"
#include "host/conf/conf.h"

/* A plugin with blocks, one of each type of option. */
static const struct bh_option sso_options[] = {
	{ .key = "region", .type = BH_STRING, .flags = BH_OPT_REQUIRED,
	  .help = "where" },
	{ .key = "calls", .type = BH_INT, .preset = "18" },
	{ .key = "verbose", .type = BH_FLAG, .preset = "no" },
	{ .key = "longest", .type = BH_DURATION, .preset = "8h",
	  .flags = BH_OPT_DELEGATE | BH_OPT_TEAM },
	{ .key = "key", .type = BH_SECRET },
	{ .key = "accounts", .type = BH_STRINGS, .flags = BH_OPT_DELEGATE },
	{ .key = "colours", .type = BH_STRINGS, .preset = "[red, 12]" },
	{ .key = "rules", .type = BH_TREE, .flags = BH_OPT_TEAM },
	{ .key = "announce", .type = BH_STRING, .flags = BH_OPT_TEAM },
	{ 0 }
};

static const struct bh_option hello_options[] = {
	{ .key = "greeting", .type = BH_STRING, .preset = "Hello",
	  .flags = BH_OPT_TEAM },
	{ 0 }
};

static const struct bh_option slack_options[] = {
	{ .key = "mode", .type = BH_STRING, .preset = "socket" },
	{ .key = "token", .type = BH_SECRET },
	{ 0 }
};

static const struct conf_plugin plugins[] = {
	{ .name = "aws-sso", .options = sso_options, .blocks = true },
	{ .name = "hello", .options = hello_options },
	{ .name = "slack", .options = slack_options, .blocks = true,
	  .transport = true },
	{ .name = "bare" },
};

static const char *const known[] = { "broken", NULL };
static const struct conf_schema schema = { plugins, 4, known };

static const char main_text[] =
    "store: sqlite:/tmp/x.db\n"
    "admins: grace@acme.example\n"
    "chat:\n"
    "  acme: { plugin: slack, mode: events }\n"
    "aws-sso:\n"
    "  main:\n"
    "    region: eu-west-1\n"
    "    longest: 12h\n"
    "    rules: [{ name: all }]\n"
    "  other: { region: us-east-1, calls: 5, verbose: yes, key: env:K }\n"
    "hello:\n"
    "delegate:\n"
    "  payments:\n"
    "    rooms: [\"acme/#pay*\"]\n"
    "    plugins: [aws-sso]\n"
    "    commands: [elevate, \"a*\"]\n"
    "    accounts: prod\n"
    "    longest: 4h\n"
    "  platform: { rooms: [\"acme/#p*\"] }\n"
    "access:\n"
    "  - { commands: [help], who: members, rooms: [\"acme/#x\"] }\n"
    "people:\n"
    "  - { name: Ada, email: ada@acme.example, also: [al@acme.example] }\n";

static const char payments_text[] =
    "rooms: [\"acme/#payments\", \"acme/#pay-*\"]\n"
    "members: [ada@acme.example, \"group:P E\"]\n"
    "access: [{ commands: [elevate, approve], who: [\"team:payments\"] }]\n"
    "aws-sso:\n"
    "  longest: 1h\n"
    "  rules: [{ name: prod }]\n";

static struct conf *
load(const char *text, const char *payments, struct conf_errors *errors)
{
	struct conf *conf = conf_read_text("/etc/b/bellhop.yaml", text,
	    errors);

	if (conf != NULL && payments != NULL)
		conf_add_team_text(conf, "payments", payments, errors);
	if (conf != NULL)
		conf_check(conf, &schema, errors);
	return conf;
}

static struct conf *
load_good(const char *text, const char *payments)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = load(text, payments, errors);

	ck_assert_msg(conf_errors_count(errors) == 0, "%s",
	    conf_errors_at(errors, 0));
	ck_assert_ptr_nonnull(conf);
	conf_errors_free(&errors);
	return conf;
}

START_TEST(instances)
{
	struct conf *conf = load_good(main_text, payments_text);
	const struct conf_instance *in;
	size_t n;

	ck_assert(conf_wants(conf, "aws-sso"));
	ck_assert(conf_wants(conf, "slack"));
	ck_assert(!conf_wants(conf, "store"));
	ck_assert(!conf_wants(conf, "bare"));
	ck_assert_str_eq(conf_wanted(conf, 0), "aws-sso");
	ck_assert_str_eq(conf_wanted(conf, 1), "hello");
	ck_assert_str_eq(conf_wanted(conf, 2), "slack");
	ck_assert_ptr_null(conf_wanted(conf, 3));
	in = conf_instances(conf, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert_str_eq(in[0].plugin, "aws-sso");
	ck_assert_str_eq(in[0].name, "main");
	ck_assert_str_eq(in[1].name, "other");
	ck_assert_str_eq(in[2].plugin, "hello");
	ck_assert_str_eq(in[2].name, "");
	ck_assert_str_eq(in[3].plugin, "slack");
	ck_assert_str_eq(in[3].name, "acme");
	ck_assert(in[3].chat && !in[0].chat);
	ck_assert_str_eq(conf_path(conf), "/etc/b/bellhop.yaml");
	conf_free(&conf);
	ck_assert_ptr_null(conf);
	conf_free(&conf);
}
END_TEST

START_TEST(layers)
{
	struct conf *conf = load_good(main_text, payments_text);
	const struct bh_value *v;

#define TEXT(block, team, key) conf_text(conf, "aws-sso", block, team, key)
	ck_assert_str_eq(TEXT("main", "", "longest"), "12h");
	ck_assert_str_eq(TEXT("main", "payments", "longest"), "1h");
	ck_assert_str_eq(TEXT("main", "nosuch", "longest"), "12h");
	ck_assert_str_eq(TEXT("other", "", "longest"), "8h");
	ck_assert_str_eq(TEXT("other", "payments", "longest"), "1h");
	ck_assert_str_eq(TEXT("main", "", "calls"), "18");
	ck_assert_str_eq(TEXT("other", "", "calls"), "5");
	ck_assert_str_eq(TEXT("main", "", "colours"), "red, 12");
	ck_assert_ptr_eq(TEXT("main", "", "colours"),
	    TEXT("other", "", "colours"));
	ck_assert_ptr_null(TEXT("main", "", "rules"));
	ck_assert_ptr_null(TEXT("main", "", "announce"));
	ck_assert_ptr_null(TEXT("main", "", "nosuch"));
	ck_assert_str_eq(conf_text(conf, "hello", "", "payments", "greeting"),
	    "Hello");
	ck_assert_str_eq(conf_text(conf, "slack", "acme", "", "mode"),
	    "events");

	v = conf_tree(conf, "aws-sso", "main", "", "rules");
	ck_assert_str_eq(bh_get_text(v->first, "name"), "all");
	v = conf_tree(conf, "aws-sso", "main", "payments", "rules");
	ck_assert_str_eq(bh_get_text(v->first, "name"), "prod");
	ck_assert_str_eq(v->file, "team.d/payments.yaml");
	ck_assert_int_eq(v->first->line, 6);
	v = conf_tree(conf, "aws-sso", "main", "", "calls");
	ck_assert_int_eq(v->kind, BH_NUMBER);
	ck_assert(v->number > 17.5 && v->number < 18.5);
	v = conf_tree(conf, "aws-sso", "main", "", "verbose");
	ck_assert(v->kind == BH_BOOL && v->number < 0.5);
	v = conf_tree(conf, "aws-sso", "main", "", "colours");
	ck_assert(v->kind == BH_LIST && v->count == 2);
	ck_assert_str_eq(bh_text(v->first->next), "12");
	conf_free(&conf);
}
END_TEST

START_TEST(host_keys)
{
	struct conf *conf = load_good(main_text, payments_text);

	ck_assert_str_eq(conf_host_text(conf, "store"), "sqlite:/tmp/x.db");
	ck_assert_str_eq(conf_host_text(conf, "prefix"), "!");
	ck_assert_ptr_null(conf_host_text(conf, "listen"));
	ck_assert_uint_eq(conf_admins(conf)->count, 1);
	ck_assert_str_eq(bh_text(conf_admins(conf)->first),
	    "grace@acme.example");
	ck_assert_str_eq(bh_text(bh_get(conf_access(conf, "")->first,
	    "who")->first), "members");
	ck_assert_str_eq(bh_text(bh_get(conf_access(conf, "payments")->first,
	    "commands")->first->next), "approve");
	ck_assert_ptr_null(conf_access(conf, "platform"));
	ck_assert_str_eq(bh_get_text(conf_people(conf)->first, "name"), "Ada");
	conf_free(&conf);
}
END_TEST

START_TEST(ways_out)
{
	static const char *const bad[] = { "ftp://p:1", "http://", "http://p:",
	    "http://p:1/", "http://u:p@p:1", "http://p:x", "http://p:1 q",
	    "https://p?x", "" };
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = load_good("proxy: https://p.acme.example:3128\n"
	    "no-proxy: [a.example, .b.example]\n"
	    "proxy-credentials: env:BH_TEST_PROXY\n"
	    "ca-file: /nowhere/at-all.pem\n", NULL);

	setenv("BH_TEST_PROXY", "user:word", 1);
	ck_assert_str_eq(conf_host_joined(conf, "proxy"),
	    "https://p.acme.example:3128");
	ck_assert_str_eq(conf_host_joined(conf, "no-proxy"),
	    "a.example, .b.example");
	ck_assert_str_eq(conf_host_joined(conf, "proxy-credentials"),
	    "user:word");
	ck_assert_str_eq(conf_host_text(conf, "proxy-credentials"),
	    "env:BH_TEST_PROXY");
	ck_assert_ptr_null(conf_host_joined(conf, "listen"));
	conf_check_secrets(conf, errors);
	ck_assert_uint_eq(conf_errors_count(errors), 1);
	ck_assert_str_eq(conf_errors_at(errors, 0), "bellhop.yaml:4:10: "
	    "ca-file: /nowhere: No such file or directory: check the path");
	unsetenv("BH_TEST_PROXY");
	conf_free(&conf);
	conf = load_good("proxy: none\n", NULL);
	conf_free(&conf);
	conf_errors_free(&errors);
	conf = load_good("proxy: http://p\nproxy-credentials: env:NOT_SET\n",
	    NULL);
	errors = conf_errors_new();
	conf_check_secrets(conf, errors);
	ck_assert_uint_eq(conf_errors_count(errors), 1);
	conf_free(&conf);
	conf_errors_free(&errors);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		BH_AUTO_FREE char *text = xasprintf("proxy: \"%s\"\n",
		    bad[i]);

		errors = conf_errors_new();
		conf = load(text, NULL, errors);
		ck_assert_msg(conf_errors_count(errors) == 1, "%s", bad[i]);
		conf_free(&conf);
		conf_errors_free(&errors);
	}
}
END_TEST

START_TEST(teams)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = conf_read_text("bellhop.yaml", main_text, errors);

	conf_add_team_text(conf, "platform", "rooms: \"acme/#p*\"\n", errors);
	conf_add_team_text(conf, "payments", payments_text, errors);
	conf_check(conf, &schema, errors);
	ck_assert_msg(conf_errors_count(errors) == 0, "%s",
	    conf_errors_at(errors, 0));
	ck_assert_str_eq(conf_team_at(conf, 0), "payments");
	ck_assert_str_eq(conf_team_at(conf, 1), "platform");
	ck_assert_ptr_null(conf_team_at(conf, 2));
	ck_assert(conf_team_exists(conf, "payments"));
	ck_assert(!conf_team_exists(conf, ""));
	ck_assert_str_eq(conf_team_of_room(conf, "acme/#payments"),
	    "payments");
	ck_assert_str_eq(conf_team_of_room(conf, "acme/#pay-eu"), "payments");
	ck_assert_str_eq(conf_team_of_room(conf, "acme/#platform"),
	    "platform");
	ck_assert_str_eq(conf_team_of_room(conf, "acme/#general"), "");
	ck_assert_str_eq(conf_team_of_room(conf, "evil/acme/#payments"), "");
	ck_assert_str_eq(bh_get_text(conf_delegated(conf, "payments"),
	    "longest"), "4h");
	ck_assert_str_eq(bh_text(bh_get(conf_delegated(conf, "payments"),
	    "accounts")->first), "prod");
	ck_assert_ptr_null(conf_delegated(conf, "nosuch"));
	ck_assert_uint_eq(conf_team_rooms(conf, "payments")->count, 2);
	ck_assert_uint_eq(conf_team_members(conf, "payments")->count, 2);
	ck_assert_ptr_null(conf_team_members(conf, "platform"));
	ck_assert_ptr_nonnull(conf_team_section(conf, "payments", "aws-sso"));
	ck_assert_ptr_null(conf_team_section(conf, "payments", "hello"));
	conf_free(&conf);
	conf_errors_free(&errors);
}
END_TEST

/* A changed copy of the main file or the team's changes the hash exactly
 * where it matters. */
static void
expect_hash(const char *from, const char *to, bool in_team, bool main_same,
    bool team_same)
{
	struct conf *a = load_good(main_text, payments_text);
	const char *text = in_team ? payments_text : main_text;
	const char *at = strstr(text, from);
	ck_assert_ptr_nonnull(at);
	BH_AUTO_FREE char *changed = xasprintf("%.*s%s%s", (int)(at - text),
	    text, to, at + strlen(from));
	struct conf *b = load_good(in_team ? main_text : changed,
	    in_team ? changed : payments_text);

#define SAME(team) (strcmp(conf_settings_hash(a, "aws-sso", "main", team), \
	    conf_settings_hash(b, "aws-sso", "main", team)) == 0)
	ck_assert_msg(SAME("") == main_same, "main: %s", to);
	ck_assert_msg(SAME("payments") == team_same, "team: %s", to);
	conf_free(&a);
	conf_free(&b);
}

START_TEST(hashes)
{
	struct conf *conf = load_good(main_text, payments_text);

	ck_assert_uint_eq(strlen(conf_settings_hash(conf, "aws-sso", "main",
	    "")), 64);
	ck_assert_str_ne(conf_settings_hash(conf, "aws-sso", "main", ""),
	    conf_settings_hash(conf, "aws-sso", "main", "payments"));
	conf_free(&conf);
	expect_hash("eu-west-1", "eu-west-1", false, true, true);
	expect_hash("eu-west-1", "\"eu-west-1\" # why", false, true, true);
	expect_hash("eu-west-1", "eu-west-2", false, false, false);
	expect_hash("name: prod", "name: prob", true, true, false);
	expect_hash("name: all", "name: any", false, false, true);
	expect_hash("longest: 4h", "longest: 3h", false, true, false);
	expect_hash("al@acme", "zz@acme", false, false, false);
	expect_hash("calls: 5", "calls: 6", false, true, true);
}
END_TEST

/* Each text has one error that begins and ends so; team may be NULL. */
static void
expect_error(const char *text, const char *team, const char *want)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = load(text, team, errors);
	bool found = false;
	const char *line;

	for (size_t i = 0; (line = conf_errors_at(errors, i)) != NULL; i++)
		found = found || strcmp(line, want) == 0;
	if (!found) {
		conf_errors_print(errors, stderr);
		ck_abort_msg("missing: %s", want);
	}
	conf_free(&conf);
	conf_errors_free(&errors);
}

START_TEST(bad_sections)
{
	expect_error("stor: x\n", NULL, "bellhop.yaml:1:1: unknown key "
	    "\"stor\"; did you mean \"store\"?");
	expect_error("aws-so:\n  a: 1\n", NULL, "bellhop.yaml:1:1: unknown key "
	    "\"aws-so\"; did you mean \"aws-sso\"?");
	expect_error("zzzzzz:\n", NULL, "bellhop.yaml:1:1: unknown key "
	    "\"zzzzzz\": no plugin of that name was found");
	expect_error("hello: { greting: x }\n", NULL, "bellhop.yaml:1:10: "
	    "unknown option \"greting\" of hello; did you mean \"greeting\"?");
	expect_error("hello: [x]\n", NULL,
	    "bellhop.yaml:1:8: hello must be a map (KEY: VALUE), not a list");
	expect_error("aws-sso: { main: {} }\n", NULL,
	    "bellhop.yaml:1:18: aws-sso needs \"region\" (where)");
	expect_error("aws-sso: { region: x }\n", NULL, "bellhop.yaml:1:12: "
	    "\"region\" must be a named block of options: write aws-sso: { "
	    "main: { region: ... } }");
	expect_error("aws-sso:\n", NULL, "bellhop.yaml:1:9: aws-sso needs a "
	    "named block: write aws-sso: { main: { ... } }");
	expect_error("aws-sso: { Main: { region: x } }\n", NULL,
	    "bellhop.yaml:1:12: \"Main\" cannot be a block's name: use a-z, "
	    "0-9 and -");
	expect_error("slack: { a: {} }\n", NULL, "bellhop.yaml:1:1: plugin "
	    "slack carries chat: write it as chat: { NAME: { plugin: slack, "
	    "... } }");
	expect_error("chat: { a: { plugin: hello } }\n", NULL,
	    "bellhop.yaml:1:22: plugin hello does not carry chat: write it at "
	    "the left margin, as hello:");
	expect_error("chat: { a: { mode: x } }\n", NULL, "bellhop.yaml:1:12: "
	    "block \"a\" of chat has no \"plugin\": add plugin: slack, teams "
	    "or console");
	expect_error("chat: { a: { plugin: slak } }\n", NULL,
	    "bellhop.yaml:1:14: unknown plugin \"slak\"; did you mean "
	    "\"slack\"?");
	expect_error("bare: { x: 1 }\n", NULL,
	    "bellhop.yaml:1:9: unknown option \"x\" of bare");
	expect_error("[a]\n", NULL, "bellhop.yaml:1:1: the file must be a map "
	    "(KEY: VALUE), not a list");
}
END_TEST

START_TEST(bad_types)
{
	static const struct { const char *option, *want; } list[] = {
		{ "region: [a]", "bellhop.yaml:3:12: \"region\" must be one "
		  "word or text, not a list" },
		{ "calls: many", "bellhop.yaml:3:11: \"calls\" must be a whole "
		  "number" },
		{ "calls: 1.5", "bellhop.yaml:3:11: \"calls\" must be a whole "
		  "number" },
		{ "calls: 99999999999999999999", "bellhop.yaml:3:11: \"calls\" "
		  "must be a whole number" },
		{ "verbose: maybe", "bellhop.yaml:3:13: \"verbose\" must be "
		  "yes or no" },
		{ "longest: 8", "bellhop.yaml:3:13: longest \"8\": without a "
		  "unit: add s, m, h or d, as in 30m" },
		{ "longest: {}", "bellhop.yaml:3:13: \"longest\" must be a "
		  "duration like 30m, not a map" },
		{ "colours: {}", "bellhop.yaml:3:13: \"colours\" must be a "
		  "list of words, not a map" },
		{ "colours: [[a]]", "bellhop.yaml:3:14: \"colours\" must be a "
		  "list of words; here is a list (quote what has : or # in "
		  "it)" },
		{ "key: hunter22", "bellhop.yaml:3:9: key: a secret never "
		  "stands in a settings file: write file:PATH, "
		  "credential:NAME or env:NAME" },
		{ "key: \"credential:../x\"", "bellhop.yaml:3:9: key: a secret "
		  "never stands in a settings file: write file:PATH, "
		  "credential:NAME or env:NAME" },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		BH_AUTO_FREE char *text = xasprintf("aws-sso:\n  main:\n"
		    "   %s\n", list[i].option);

		expect_error(text, NULL, list[i].want);
	}
}
END_TEST

START_TEST(bad_host_keys)
{
	expect_error("admins: [grace]\n", NULL, "bellhop.yaml:1:10: \"grace\" "
	    "is nobody: write an e-mail address, \"BLOCK/@ID\"");
	expect_error("store: /tmp/x\n", NULL, "bellhop.yaml:1:8: the store "
	    "must be sqlite:/path/to/bellhop.db, not \"/tmp/x\"");
	expect_error("log: loud\n", NULL, "bellhop.yaml:1:6: unknown log level "
	    "\"loud\": error, warning, note, info or debug");
	expect_error("log: { format: xml }\n", NULL, "bellhop.yaml:1:16: "
	    "unknown log format \"xml\": auto, human, journal or json");
	expect_error("prefix: \"too long\"\n", NULL, "bellhop.yaml:1:9: "
	    "\"prefix\" must be one to three characters without blanks, as in "
	    "\"!\"");
	expect_error("proxy: proxy.acme.example:3128\n", NULL,
	    "bellhop.yaml:1:8: \"proxy\" is http:// or https://, a host and a "
	    "port, as in http://proxy.acme.example:3128, or none; who we are "
	    "goes into proxy-credentials");
	expect_error("proxy-credentials: env:P\n", NULL, "bellhop.yaml:1:20: "
	    "\"proxy-credentials\" without a proxy: add proxy: "
	    "http://HOST:PORT");
	expect_error("proxy: http://p:1\nproxy-credentials: a:b\n", NULL,
	    "bellhop.yaml:2:20: proxy-credentials: a secret never stands in a "
	    "settings file: write file:PATH, credential:NAME or env:NAME");
	expect_error("ca-file: acme.pem\n", NULL, "bellhop.yaml:1:10: "
	    "\"ca-file\" must be a whole path, as in "
	    "/etc/ssl/certs/acme.pem");
	expect_error("access: { a: b }\n", NULL, "bellhop.yaml:1:9: access "
	    "must be a list, as in - { commands: [help], who: [members] }");
	expect_error("access: [{ comands: [x], who: [members] }]\n", NULL,
	    "bellhop.yaml:1:12: unknown key \"comands\" of an access rule; did "
	    "you mean \"commands\"?");
	expect_error("access: [{ who: [members] }]\n", NULL,
	    "bellhop.yaml:1:10: the access rule has no \"commands\": nobody "
	    "gets anything by it");
	expect_error("access: [{ commands: [x], who: [member] }]\n", NULL,
	    "bellhop.yaml:1:33: \"member\" is nobody: write members, everyone, "
	    "admins, an e-mail address, group:NAME or team:NAME; did you mean "
	    "\"members\"?");
	expect_error("access: [{ commands: [x], who: [\"team:pay\"] }]\n",
	    NULL, "bellhop.yaml:1:33: there is no team \"pay\": add "
	    "team.d/pay.yaml");
	expect_error("people: [{ email: a@b.c }, { email: d@e.f, also: "
	    "[A@b.c] }]\n", NULL, "bellhop.yaml:1:51: \"A@b.c\" stands for "
	    "another person already (line 1): keep one");
	expect_error("people: [{ name: x }]\n", NULL, "bellhop.yaml:1:10: a "
	    "person needs an \"email\"");
	expect_error("delegate: { a: { acounts: [x] } }\n", NULL,
	    "bellhop.yaml:1:18: \"acounts\" cannot be delegated; did you mean "
	    "\"accounts\"?");
	expect_error("delegate: { a: { longest: x } }\n", NULL,
	    "bellhop.yaml:1:27: longest \"x\": no duration: write it like 30m, "
	    "1h30m or 2d");
}
END_TEST

START_TEST(bad_teams)
{
	expect_error("store: sqlite:x\ndelegate: { payment: {} }\n",
	    "rooms: []\n", "team.d/payments.yaml:1:1: nothing is delegated to "
	    "team payments: add it under delegate in bellhop.yaml; did you "
	    "mean \"payment\"?");
	expect_error(main_text, "rooms: [\"acme/#general\"]\n",
	    "team.d/payments.yaml:1:9: room \"acme/#general\" is not delegated "
	    "to team payments (bellhop.yaml:14 allows acme/#pay*)");
	expect_error(main_text, "rooms: [\"acme/#*\"]\n",
	    "team.d/payments.yaml:1:9: room \"acme/#*\" is not delegated "
	    "to team payments (bellhop.yaml:14 allows acme/#pay*)");
	expect_error(main_text, "rooms: [\"acmee/#pay\"]\n",
	    "team.d/payments.yaml:1:9: chat has no block \"acmee\"; did you "
	    "mean \"acme\"?");
	expect_error(main_text, "rooms: [pay]\n", "team.d/payments.yaml:1:9: "
	    "\"pay\" is no room: write BLOCK/ROOM, as in acme/#payments");
	expect_error(main_text, "hello: { greeting: x }\n",
	    "team.d/payments.yaml:1:1: plugin hello is not delegated to team "
	    "payments (bellhop.yaml:15)");
	expect_error(main_text, "aws-sso: { region: x }\n",
	    "team.d/payments.yaml:1:12: option \"region\" of aws-sso belongs "
	    "in the main file, not in a team's");
	expect_error(main_text, "aws-sso: { key: env:X }\n",
	    "team.d/payments.yaml:1:12: option \"key\" of aws-sso belongs in "
	    "the main file, not in a team's");
	expect_error(main_text, "aws-sso: { annonce: x }\n",
	    "team.d/payments.yaml:1:12: unknown option \"annonce\" of aws-sso; "
	    "did you mean \"announce\"?");
	expect_error(main_text, "admins: [me@x.y]\n",
	    "team.d/payments.yaml:1:1: unknown key \"admins\"");
	expect_error(main_text, "bare: {}\n", "team.d/payments.yaml:1:1: "
	    "plugin bare is not enabled in bellhop.yaml");
	expect_error(main_text, "access: [{ commands: [quit], who: [members] "
	    "}]\n", "team.d/payments.yaml:1:23: command \"quit\" is not "
	    "delegated to team payments (bellhop.yaml:16 allows elevate, a*)");
	expect_error(main_text, "access: [{ commands: [\"*\"], who: [members] "
	    "}]\n", "team.d/payments.yaml:1:23: command \"*\" is not "
	    "delegated to team payments (bellhop.yaml:16 allows elevate, a*)");
	expect_error(main_text, "access: [{ commands: [elevate], who: "
	    "[members], rooms: [\"acme/#x\"] }]\n",
	    "team.d/payments.yaml:1:57: room \"acme/#x\" is not delegated to "
	    "team payments (bellhop.yaml:14 allows acme/#pay*)");
}
END_TEST

START_TEST(rooms_twice)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = conf_read_text("bellhop.yaml", main_text, errors);

	conf_add_team_text(conf, "platform", "rooms: [\"acme/#payments\"]\n",
	    errors);
	conf_add_team_text(conf, "payments", payments_text, errors);
	conf_check(conf, &schema, errors);
	ck_assert_uint_eq(conf_errors_count(errors), 1);
	ck_assert_str_eq(conf_errors_at(errors, 0), "team.d/platform.yaml:1:9: "
	    "room \"acme/#payments\" is team payments's already "
	    "(team.d/payments.yaml:1)");
	conf_free(&conf);
	conf_errors_free(&errors);
}
END_TEST

/* The loader said why it refused a plugin; here its sections, also a team's,
 * are passed over, and the rest is in force. */
START_TEST(refused_plugin)
{
	struct conf *conf = load_good("broken: { a: 1 }\n"
	    "hello: { greeting: Hi }\n"
	    "chat: { acme: { plugin: broken, x: y } }\n"
	    "delegate: { payments: { budget: 5 } }\n",
	    "broken: { b: 2 }\nhello: { greeting: Yo }\n");
	size_t n;

	ck_assert(conf_wants(conf, "broken"));
	conf_instances(conf, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(conf_text(conf, "hello", "", "payments", "greeting"),
	    "Yo");
	conf_free(&conf);
}
END_TEST

/* Whatever is wrong in one place, the rest is still told. */
START_TEST(all_told)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = load("stor: x\nadmins: [x]\nchat: 3\n"
	    "hello: { a: 1, b: 2 }\naws-sso: { main: { calls: x } }\n"
	    "access: 4\npeople: 5\ndelegate: { payments: 7 }\n",
	    "rooms: 1\naccess: 5\n", errors);

	ck_assert_uint_ge(conf_errors_count(errors), 10);
	ck_assert_str_eq(conf_team_of_room(conf, "x"), "");
	conf_free(&conf);
	conf_errors_free(&errors);
}
END_TEST

/* A plugin built when struct bh_option was longer, or shorter. */
START_TEST(strides)
{
	static const struct wide {
		struct bh_option option;
		long more[3];
	} wide[] = {
		{ .option = { .key = "one", .type = BH_INT, .preset = "1" } },
		{ .option = { .key = "two", .type = BH_STRING } },
		{ { 0 }, { 0 } }
	};
	const struct conf_plugin p = { .name = "wide",
	    .options = &wide[0].option, .option_size = sizeof(struct wide) };
	const struct conf_schema s = { &p, 1, NULL };
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf = conf_read_text("c", "wide: { two: 2 }\n", errors);

	conf_check(conf, &s, errors);
	ck_assert_uint_eq(conf_errors_count(errors), 0);
	ck_assert_str_eq(conf_text(conf, "wide", "", "", "one"), "1");
	ck_assert_str_eq(conf_text(conf, "wide", "", "", "two"), "2");
	conf_free(&conf);
	conf_errors_free(&errors);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf-load");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tc, instances);
	tcase_add_test(tc, layers);
	tcase_add_test(tc, host_keys);
	tcase_add_test(tc, ways_out);
	tcase_add_test(tc, teams);
	tcase_add_test(tc, hashes);
	tcase_add_test(tc, bad_sections);
	tcase_add_test(tc, bad_types);
	tcase_add_test(tc, bad_host_keys);
	tcase_add_test(tc, bad_teams);
	tcase_add_test(tc, rooms_twice);
	tcase_add_test(tc, refused_plugin);
	tcase_add_test(tc, all_told);
	tcase_add_test(tc, strides);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
