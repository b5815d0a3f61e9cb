/* tool.c - "bellhop PLUGIN TOOL": subcommands that come from a plugin.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tool is a command in every way but one: it is run from a shell, with the
 * configuration read, its own plugin's block there, and nothing else going
 * on.  The call that it gets is ours; what it asks of the host goes the usual
 * way.
 */

#include "config.h"

#include <unistd.h>

#include "host/base/log.h"
#include "host/base/magic.h"
#include "host/base/mem.h"
#include "host/chat/words.h"
#include "host/cli/cli.h"
#include "host/host.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"
#include "host/plugin/vet.h"

struct tool {
	struct bh_call pub;		/* first: the plugin holds this */
	unsigned magic;
#define TOOL_MAGIC	0x746f6f6cu
	struct bh_api api;		/* the host's, but for what is below */
	const char *plugin, *name;
	char *block;			/* NULL: the only one */
	const struct bh_command *def;	/* of the plugin that runs */
	struct args args;
	struct host *host;
	struct instance *in;
	bool over, failed;
};

static struct tool *
tool_of(struct bh_call *pub)
{
	struct tool *t = (struct tool *)(void *)pub;

	(void)magic_check_const(t != NULL ? &t->magic : NULL, TOOL_MAGIC,
	    "struct tool");
	return t;
}

/* ------------------------------------------------------------------ */
/* The calls of struct bh_api that take a call                         */

static const char *
tool_config(struct bh_call *pub, const char *key)
{
	return bh_host_config(&tool_of(pub)->in->handle, key);
}

static const struct bh_value *
tool_setting(struct bh_call *pub, const char *key)
{
	return bh_team_setting(&tool_of(pub)->in->handle, "", key);
}

static const char *
tool_arg(struct bh_call *pub, const char *name)
{
	return args_get(&tool_of(pub)->args, name);
}

static const struct bh_user *
tool_user(struct bh_call *pub)
{
	static const struct bh_user shell = { .person = "", .name = "operator",
	    .realm = "", .id = "", .flags = BH_USER_ADMIN };

	(void)tool_of(pub);
	return &shell;
}

static const char *
tool_nowhere(struct bh_call *pub)
{
	(void)tool_of(pub);
	return "";
}

static int BH_PRINTF(2, 3)
tool_reply(struct bh_call *pub, const char *fmt, ...)
{
	va_list ap;

	(void)tool_of(pub);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return ferror(stdout) ? BH_EIO : BH_OK;
}

static int
tool_reply_card(struct bh_call *pub, const struct bh_card *card,
    const char *text)
{
	(void)card;
	return tool_reply(pub, "%s", text != NULL ? text : "");
}

static int BH_PRINTF(3, 4)
tool_fail(struct bh_call *pub, const char *arg, const char *fmt, ...)
{
	struct tool *t = tool_of(pub);
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "bellhop %s %s: ", t->plugin, t->name);
	if (arg != NULL)
		fprintf(stderr, "%s: ", arg);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	t->failed = true;
	return BH_EINVAL;
}

static int
tool_ask(struct bh_call *pub, const struct bh_form *form)
{
	(void)tool_of(pub);
	(void)form;
	return BH_EUNSUPPORTED;		/* a shell has no forms */
}

static void
tool_offer(struct bh_call *pub, const char *value, const char *label)
{
	(void)label;
	(void)tool_reply(pub, "%s", value);
}

static void
tool_end(struct bh_call *pub, int result)
{
	struct tool *t = tool_of(pub);

	if (t->over)
		return;
	t->over = true;
	t->host->plugins->status = t->failed || result < 0;
	host_quit(t->host);
}

static struct bh_host *
tool_host(struct bh_call *pub)
{
	return &tool_of(pub)->in->handle;
}

static void
replace_calls(struct tool *t)
{
	t->api = t->in->api;
	t->api.call_config = tool_config;
	t->api.call_setting = tool_setting;
	t->api.arg = tool_arg;
	t->api.user = tool_user;
	t->api.team = tool_nowhere;
	t->api.place = tool_nowhere;
	t->api.reply = tool_reply;
	t->api.reply_card = tool_reply_card;
	t->api.fail = tool_fail;
	t->api.ask = tool_ask;
	t->api.offer = tool_offer;
	t->api.end = tool_end;
	t->api.host_of = tool_host;
	t->pub.api = &t->api;
}

/* ------------------------------------------------------------------ */
/* Running it                                                          */

static const struct bh_command *
find_tool(const struct bh_plugin *p, const char *name)
{
	for (const struct bh_command *c = p->tools; c != NULL &&
	    c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void
run_tool(void *arg, struct host *host)
{
	struct tool *t = tool_of(arg);
	struct entered before;
	int ret;

	t->host = host;
	t->in = host->plugins->instances;
	if (t->in->stage != INSTANCE_OPEN &&
	    (t->def->flags & BH_CMD_OFFLINE) == 0) {
		fprintf(stderr, "bellhop %s %s: %s could not open: see the "
		    "lines above\n", t->plugin, t->name, t->in->name);
		t->failed = true;
		replace_calls(t);
		tool_end(&t->pub, BH_EINVAL);
		return;
	}
	replace_calls(t);
	before = instance_enter(t->in, "tool");
	ret = t->def->run(&t->pub, (t->def->flags & BH_CMD_OFFLINE) != 0 ?
	    NULL : t->in->state);
	instance_leave(before);
	if (ret != BH_PENDING)
		tool_end(&t->pub, ret);
}

/* The block that is meant: the one named, or the only one. */
static int
choose_block(struct tool *t, const struct conf *conf)
{
	BH_AUTO_BUF struct bh_buf names = BH_BUF(4096);
	size_t count = 0, ours = 0;
	const struct conf_instance *ci = conf_instances(conf, &count);
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(ci[i].plugin, t->plugin) != 0)
			continue;
		bh_buf_add(&names, "%s%s", ours++ > 0 ? ", " : "", ci[i].name);
		if (t->block == NULL || strcmp(ci[i].name, t->block) == 0)
			found = ci[i].name;
	}
	if (found == NULL)
		fprintf(stderr, "bellhop %s: no block \"%s\" of this plugin in "
		    "the configuration (there is: %s)\n", t->plugin,
		    t->block != NULL ? t->block : "", ours > 0 ?
		    bh_buf_text(&names) : "none");
	else if (t->block == NULL && ours > 1)
		fprintf(stderr, "bellhop %s: which one? say --block and one of "
		    "%s\n", t->plugin, bh_buf_text(&names));
	else {
		free(t->block);
		t->block = xstrdup(found);
		return 0;
	}
	return 2;
}

static int
parse_args(struct tool *t, char **argv, int argc)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(2048);
	struct words words = { xcalloc((size_t)argc + 1,
	    sizeof(struct word)), 0, NULL };
	struct spec spec = { 0 };
	const char *error = NULL;
	int ret;

	for (int i = 0; i < argc; i++)
		words.list[words.count++].text = argv[i];
	ret = spec_parse(t->def->args, &spec, &error);
	if (ret == BH_OK)
		ret = args_parse(&spec, &words, 0, &t->args, &why);
	spec_release(&spec);
	words_release(&words);
	if (ret == BH_OK)
		return 0;
	fprintf(stderr, "bellhop %s %s: %s; see \"bellhop %s %s --help\"\n",
	    t->plugin, t->name, error != NULL ? error : bh_buf_text(&why),
	    t->plugin, t->name);
	return 2;
}

/* ------------------------------------------------------------------ */
/* Help                                                                */

static void
list_tools(const struct bh_plugin *p)
{
	printf("usage: bellhop %s TOOL [argument...]\n\n", p->name);
	for (const struct bh_command *c = p->tools; c != NULL &&
	    c->name != NULL; c++)
		printf("  %-14s %s\n", c->name, c->help);
	printf("\n"
	    "  -c, --config FILE        the main file (" CLI_CONFIG ")\n"
	    "      --block NAME         which block, if several use %s\n"
	    "      --plugin-directory   where plugins are, instead of what "
	    "the file says\n\n"
	    "\"bellhop %s TOOL --help\" says more about one.\n", p->name,
	    p->name);
}

static int
help_tool(const struct tool *t)
{
	printf("usage: bellhop %s %s%s%s\n\n%s\n", t->plugin, t->name,
	    t->def->args != NULL && *t->def->args != '\0' ? " " : "",
	    t->def->args != NULL ? t->def->args : "", t->def->help);
	if (t->def->more != NULL)
		printf("\n%s\n", t->def->more);
	return 0;
}

/* ------------------------------------------------------------------ */

struct asked {
	struct host_options options;
	const char *block;
	bool help, configured;		/* --config was given */
	char **words;			/* what is left: TOOL and its arguments */
	int count;
};

/* Takes our own options out, wherever they stand; -1 if one lacks its value. */
static int
take_options(int argc, char **argv, struct asked *a)
{
	static const struct { const char *name; size_t at; } ours[] = {
		{ "--config", offsetof(struct asked, options.config) },
		{ "-c", offsetof(struct asked, options.config) },
		{ "--plugin-directory",
		  offsetof(struct asked, options.plugin_directory) },
		{ "--block", offsetof(struct asked, block) },
	};

	a->words = xcalloc((size_t)argc + 1, sizeof(*a->words));
	for (int i = 1; i < argc; i++) {
		const char *value = NULL;
		size_t n;

		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			a->help = true;
			continue;
		}
		for (n = 0; n < sizeof(ours) / sizeof(ours[0]); n++) {
			size_t len = strlen(ours[n].name);

			if (strncmp(argv[i], ours[n].name, len) != 0 ||
			    (argv[i][len] != '\0' && argv[i][len] != '='))
				continue;
			value = argv[i][len] == '=' ? argv[i] + len + 1 :
			    i + 1 < argc ? argv[++i] : NULL;
			if (value == NULL)
				return -1;
			memcpy((char *)a + ours[n].at, &value, sizeof(value));
			a->configured = a->configured || ours[n].at ==
			    offsetof(struct asked, options.config);
			break;
		}
		if (value == NULL)
			a->words[a->count++] = argv[i];
	}
	return 0;
}

/* With no file at all a plugin can still say what it would want. */
static char *
made_up(const struct asked *a, const char *plugin)
{
	return xasprintf("store: \"sqlite::memory:\"\nadmins: []\nchat:\n"
	    "  %s: { plugin: %s }\n", a->block != NULL ? a->block : plugin,
	    plugin);
}

static int
find_and_run(struct asked *a, const char *plugin, const struct conf *conf,
    const struct plugins *plugins)
{
	const struct plugin *p = plugins_find(plugins, plugin);
	struct tool t = { .magic = TOOL_MAGIC, .plugin = plugin };
	int ret;

	if (p == NULL) {
		fprintf(stderr, "bellhop %s: %s has no block that uses this "
		    "plugin\n", plugin, a->options.config);
		return 1;
	}
	if (a->count == 0 || strcmp(a->words[0], "help") == 0) {
		list_tools(&p->p);
		return a->count > 0 || a->help ? 0 : 2;
	}
	t.name = a->words[0];
	if ((t.def = find_tool(&p->p, t.name)) == NULL) {
		fprintf(stderr, "bellhop %s: there is no tool \"%s\"; \"bellhop "
		    "%s help\" lists them\n", plugin, t.name, plugin);
		return 2;
	}
	if (a->help)
		return help_tool(&t);
	t.block = xstrdup(a->block);
	if ((ret = parse_args(&t, a->words + 1, a->count - 1)) == 0 &&
	    (ret = choose_block(&t, conf)) == 0) {
		a->options.store = "sqlite::memory:";
		a->options.quiet = true;
		a->options.signals = true;
		a->options.tool = &(struct host_tool){ .plugin = plugin,
		    .block = t.block, .offline =
		    (t.def->flags & BH_CMD_OFFLINE) != 0 };
		a->options.on_open = run_tool;
		a->options.arg = &t;
		ret = cli_host(&a->options);
	}
	args_release(&t.args);
	free(t.block);
	if (fflush(stdout) != 0)
		ret = 1;
	return ret;
}

/* Is it there, where the arguments or this main file say? */
static bool
lies_in(const struct asked *a, const struct conf *conf, const char *name)
{
	BH_AUTO_FREE char *path = xasprintf("%s/%s.so",
	    host_plugin_directory(&a->options, conf), name);

	return access(path, R_OK) == 0;
}

bool
cli_is_plugin(int argc, char **argv)
{
	struct asked a = { .options = { .config = CLI_CONFIG } };
	struct conf_errors *errors;
	struct conf *conf = NULL;
	bool found;

	log_setup(LOG_AUTO, BH_LOG_WARN);
	if (!vet_name_ok(argv[0], strlen(argv[0])))
		return false;
	/* What is wrong with them is told by who runs the tool. */
	found = take_options(argc, argv, &a) != 0 || lies_in(&a, NULL, argv[0]);
	if (!found && access(a.options.config, R_OK) == 0) {
		errors = conf_errors_new();
		conf = conf_read(a.options.config, errors);
		found = conf != NULL && lies_in(&a, conf, argv[0]);
		conf_free(&conf);
		conf_errors_free(&errors);
	}
	free(a.words);
	return found;
}

int
cli_tool(int argc, char **argv)
{
	const char *plugin = argv[0] + strlen("bellhop ");
	struct asked a = { .options = { .config = CLI_CONFIG } };
	struct conf_errors *errors = conf_errors_new();
	struct plugins *plugins = plugins_new();
	BH_AUTO_FREE char *text = NULL;
	struct conf *conf = NULL;
	int ret = 0;

	if (take_options(argc, argv, &a) != 0)
		ret = cli_misused(plugin, "an option lacks its value");
	log_setup(LOG_AUTO, BH_LOG_WARN);
	cli_harden();
	if (ret == 0) {
		if (!a.configured && access(a.options.config, R_OK) != 0) {
			text = made_up(&a, plugin);
			a.options.config_text = text;
			if (a.count > 0 && !a.help)
				fprintf(stderr, "bellhop %s: there is no %s; "
				    "taking what is preset\n", plugin,
				    a.options.config);
		}
		conf = host_read_conf(plugins, &a.options, errors, errors);
		/* Only what is in the way of the tool itself matters. */
		if (conf == NULL || plugins_find(plugins, plugin) == NULL) {
			(void)conf_errors_print(errors, stderr);
			ret = conf == NULL;
		}
	}
	if (ret == 0)
		ret = find_and_run(&a, plugin, conf, plugins);
	free(a.words);
	conf_free(&conf);
	plugins_free(&plugins);
	conf_errors_free(&errors);
	return ret;
}
