/* tables.c - takes over the tables of a plugin built with any 1.x header.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plugin says how large its structs are.  They are copied into ours, as much
 * as both know: an older plugin's missing members become zero, a newer one's
 * surplus is left out.  After this the host never looks at a stride again.
 */

#include "host/base/mem.h"
#include "host/plugin/instance.h"
#include "host/plugin/load.h"
#include "host/plugin/vet.h"

#define ENTRIES_MAX	256u

/* The copies that struct plugin points to. */
struct tables {
	struct bh_transport transport;
	struct bh_directory directory;
	struct bh_option *options;
	struct bh_command *commands, *tools;
};

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Copies an array of `stride`d entries that ends with an entry whose first
 * member, a pointer, is NULL.  NULL when it has no end within reason. */
static void *
copy_array(const void *array, size_t stride, size_t size)
{
	const unsigned char *from = array;
	unsigned char *to = xcalloc(ENTRIES_MAX + 1, size);

	for (size_t i = 0; i <= ENTRIES_MAX; i++) {
		const char *first;

		memcpy(&first, from + i * stride, sizeof(first));
		if (first == NULL)
			return xrealloc(to, i + 1, size);
		if (i < ENTRIES_MAX)
			memcpy(to + i * size, from + i * stride,
			    smaller(stride, size));
	}
	free(to);
	return NULL;
}

static int
check_options(const struct bh_option *o, struct bh_buf *error)
{
	for (size_t i = 0; o[i].key != NULL; i++) {
		if (!vet_name_ok(o[i].key, strlen(o[i].key))) {
			bh_buf_add(error, "option %zu has no proper key: use "
			    "a-z 0-9 -", i + 1);
			return BH_EINVAL;
		}
		if (o[i].type < BH_STRING || o[i].type > BH_TREE) {
			bh_buf_add(error, "option \"%s\" has type %d, which "
			    "this host does not know: use a newer host or "
			    "another type", o[i].key, o[i].type);
			return BH_EUNSUPPORTED;
		}
		if (o[i].help == NULL || o[i].help[0] == '\0') {
			bh_buf_add(error, "option \"%s\" has no help: give it "
			    "one line", o[i].key);
			return BH_EINVAL;
		}
		for (size_t j = 0; j < i; j++)
			if (strcmp(o[i].key, o[j].key) == 0) {
				bh_buf_add(error, "option \"%s\" is there "
				    "twice: remove one", o[i].key);
				return BH_EINVAL;
			}
	}
	return 0;
}

static int
check_commands(const struct bh_command *c, struct bh_buf *error)
{
	for (size_t i = 0; c[i].name != NULL; i++) {
		if (!vet_name_ok(c[i].name, strlen(c[i].name))) {
			bh_buf_add(error, "command %zu has no proper name: "
			    "use a-z 0-9 -", i + 1);
			return BH_EINVAL;
		}
		if (c[i].run == NULL || c[i].help == NULL) {
			bh_buf_add(error, "command \"%s\" has no run or no "
			    "help: give it both", c[i].name);
			return BH_EINVAL;
		}
		for (size_t j = 0; j < i; j++)
			if (strcmp(c[i].name, c[j].name) == 0) {
				bh_buf_add(error, "command \"%s\" is there "
				    "twice: remove one", c[i].name);
				return BH_EINVAL;
			}
	}
	return 0;
}

static int
check_plugin(const struct bh_plugin *p, struct bh_buf *error)
{
	int ret;

	if (p->options != NULL && (ret = check_options(p->options, error)) != 0)
		return ret;
	if (p->commands != NULL &&
	    (ret = check_commands(p->commands, error)) != 0)
		return ret;
	if (p->tools != NULL && (ret = check_commands(p->tools, error)) != 0)
		return ret;
	if (p->transport != NULL &&
	    (p->transport->send == NULL || p->open == NULL)) {
		bh_buf_add(error, "its transport lacks send() or open(): give "
		    "it both");
		return BH_EINVAL;
	}
	if (p->directory != NULL && p->directory->member == NULL) {
		bh_buf_add(error, "its directory lacks member(): give it one");
		return BH_EINVAL;
	}
	return 0;
}

int
tables_take(const struct bh_plugin *table, struct plugin *out,
    struct bh_buf *error)
{
	struct bh_plugin *p = &out->p;
	struct tables *t = xcalloc(1, sizeof(*t));

	out->tables = t;
	memset(p, 0, sizeof(*p));
	memcpy(p, table, smaller(table->size, sizeof(*p)));
	if (p->options != NULL) {
		t->options = copy_array(p->options, p->option_size,
		    sizeof(*t->options));
		p->options = t->options;
	}
	if (p->commands != NULL) {
		t->commands = copy_array(p->commands, p->command_size,
		    sizeof(*t->commands));
		p->commands = t->commands;
	}
	if (p->tools != NULL) {
		t->tools = copy_array(p->tools, p->command_size,
		    sizeof(*t->tools));
		p->tools = t->tools;
	}
	if ((table->options != NULL && p->options == NULL) ||
	    (table->commands != NULL && p->commands == NULL) ||
	    (t->tools == NULL && table->size >= sizeof(*p) &&
	    table->tools != NULL)) {
		bh_buf_add(error, "has over %u options, commands or tools: end the "
		    "array with { 0 }", ENTRIES_MAX);
		return BH_EINVAL;
	}
	if (p->transport != NULL) {
		memcpy(&t->transport, p->transport,
		    smaller(p->transport_size, sizeof(t->transport)));
		p->transport = &t->transport;
	}
	if (p->directory != NULL) {
		memcpy(&t->directory, p->directory,
		    smaller(p->directory_size, sizeof(t->directory)));
		p->directory = &t->directory;
	}
	if (p->summary == NULL)
		p->summary = "";
	return check_plugin(p, error);
}

void
plugin_free(struct plugin **plugin)
{
	struct plugin *p = *plugin;
	struct tables *t;

	*plugin = NULL;
	if (p == NULL)
		return;
	if ((t = p->tables) != NULL) {
		free(t->options);
		free(t->commands);
		free(t->tools);
		free(t);
	}
	free(p->path);
	p->magic = 0xdead;
	free(p);
}
