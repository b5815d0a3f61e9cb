/* conf.c - fuzz target: a settings file, and a team's below it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: the main file; after a line "---team---" the file of team payments.
 */

#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "host/conf/conf.h"
#include "tests/fuzz/fuzz.h"

static const struct bh_option options[] = {
	{ .key = "greeting", .type = BH_STRING, .preset = "Hello",
	  .flags = BH_OPT_TEAM },
	{ .key = "count", .type = BH_INT, .preset = "3" },
	{ .key = "loud", .type = BH_FLAG },
	{ .key = "wait", .type = BH_DURATION, .preset = "30m" },
	{ .key = "token", .type = BH_SECRET },
	{ .key = "names", .type = BH_STRINGS, .flags = BH_OPT_DELEGATE },
	{ .key = "rules", .type = BH_TREE,
	  .flags = BH_OPT_TEAM | BH_OPT_DELEGATE },
	{ 0 }
};

static const struct conf_plugin plugins[] = {
	{ .name = "hello", .options = options },
	{ .name = "blocks", .options = options, .blocks = true },
	{ .name = "console", .options = options, .blocks = true,
	  .transport = true }
};

static const struct conf_schema schema = { .plugins = plugins,
	.plugins_count = 3 };

static void
look_at_errors(struct conf_errors *errors)
{
	const char *line;
	size_t n;

	for (n = 0; (line = conf_errors_at(errors, n)) != NULL; n++) {
		check(*line != '\0');
		check(strchr(line, '\n') == NULL);
	}
	check(n == conf_errors_count(errors));
}

static void
look_at_settings(struct conf *conf)
{
	size_t count = 0;
	const struct conf_instance *in = conf_instances(conf, &count);

	for (size_t i = 0; i < count; i++) {
		const char *hash = conf_settings_hash(conf, in[i].plugin,
		    in[i].name, "payments");

		check(hash != NULL && strlen(hash) == 64);
		for (size_t o = 0; options[o].key != NULL; o++)
			(void)conf_tree(conf, in[i].plugin, in[i].name,
			    "payments", options[o].key);
		(void)conf_text(conf, in[i].plugin, in[i].name, "payments",
		    "greeting");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char mark[] = "\n---team---\n";
	struct conf_errors *errors = conf_errors_new();
	char *text = fuzz_text(data, len), *team = strstr(text, mark);
	struct bh_value *tree;
	struct conf *conf;

	/* The raw bytes too: the parser proper takes a length. */
	tree = conf_yaml("raw", (const char *)data, len, errors);
	check(tree != NULL || conf_errors_count(errors) > 0);
	look_at_errors(errors);
	value_free(tree);
	conf_errors_free(&errors);

	errors = conf_errors_new();
	if (team != NULL) {
		*team = '\0';
		team += sizeof(mark) - 1;
	}
	conf = conf_read_text("main", text, errors);
	check(conf != NULL || conf_errors_count(errors) > 0);
	if (conf != NULL && team != NULL)
		conf_add_team_text(conf, "payments", team, errors);
	if (conf != NULL) {
		conf_check(conf, &schema, errors);
		if (conf_errors_count(errors) == 0)
			look_at_settings(conf);
	}
	look_at_errors(errors);
	conf_free(&conf);
	conf_errors_free(&errors);
	free(text);
	return 0;
}
