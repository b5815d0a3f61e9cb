/*
 * script-world.c - chat scripts about rooms, the disk and the audit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/banned.h"
#include "host/base/mem.h"
#include "host/cli/script.h"
#include "host/host.h"
#include "host/store/store.h"

struct look {
	const char *transport, *room, *user;	/* room NULL: messages to user */
	const char *needle;
	bool not;
};

static bool
is_there(const struct look *l, const struct script_message *m)
{
	if (l->room == NULL)
		return m->room == NULL && m->user != NULL &&
		    strcmp(m->user, l->user) == 0;
	/* Some know a room by its name, others by its id without a mark. */
	return m->room != NULL && strcmp(m->room + (*m->room == '#'),
	    l->room + (*l->room == '#')) == 0 &&
	    strcmp(m->transport, l->transport) == 0;
}

static bool
place_shows(void *arg)
{
	const struct look *l = arg;

	for (const struct script_message *m = script_world.messages; m != NULL;
	    m = m->next)
		if (is_there(l, m) && strstr(m->text, l->needle) != NULL)
			return true;
	return false;
}

/* What is there, for a line that fails. */
static void
print_place(const struct look *l, struct bh_buf *out)
{
	for (const struct script_message *m = script_world.messages; m != NULL;
	    m = m->next)
		if (is_there(l, m))
			bh_buf_add(out, "%s\n", m->text);
	if (out->len == 0)
		bh_buf_puts(out, "(nothing)");
}

static bool
share(struct script *s, const char *place)
{
	for (size_t i = 0; i < SCRIPT_SHARED; i++)
		if (script_world.shared[i] == NULL) {
			script_world.shared[i] = xstrdup(place);
			return true;
		}
	return script_fail(s, "at most %d rooms are shared", SCRIPT_SHARED);
}

bool
script_line_place(struct script *s, bool dm, char *line)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4096), all = BH_BUF(1 << 20);
	char *place = script_word(&line), *verb = script_word(&line);
	char *slash = place != NULL ? strchr(place, '/') : NULL;
	BH_AUTO_FREE char *user = NULL;
	struct look l = { 0 };

	if (verb != NULL && slash != NULL && strcmp(verb, "is") == 0)
		return strcmp(script_rest(line), "shared") == 0 ?
		    share(s, place) : script_fail(s, "a room is shared, or "
		    "not mentioned");
	if (verb == NULL || (slash == NULL) != dm ||
	    (strcmp(verb, "shows") != 0 && strcmp(verb, "lacks") != 0))
		return script_fail(s, "write: room acme/#ROOM shows|lacks "
		    "TEXT, or dm NAME shows|lacks TEXT");
	if (!script_ids(s, script_rest(line), &text))
		return false;
	l.needle = bh_buf_text(&text);
	l.not = strcmp(verb, "lacks") == 0;
	if (dm) {
		user = xasprintf("U-%s", place);
		l.user = user;
	} else {
		*slash = '\0';
		l.transport = place;
		l.room = slash + 1;
	}
	host_settle(s->host, NULL, NULL, 0);
	if (l.not ? !place_shows(&l) : host_settle(s->host, place_shows, &l,
	    SCRIPT_PATIENCE))
		return true;
	print_place(&l, &all);
	return script_fail(s, "%s%s%s %s \"%s\"; there is:\n%s", place,
	    dm ? "" : "/", dm ? "" : l.room, l.not ? "has" : "has no",
	    l.needle, bh_buf_text(&all));
}

bool
script_line_network(struct script *s, char *line)
{
	const char *how = script_rest(line);

	if (strcmp(how, "silent") != 0 && strcmp(how, "answers") != 0)
		return script_fail(s, "write: network silent, or network "
		    "answers");
	script_world.silent = strcmp(how, "silent") == 0;
	return true;
}

bool
script_line_disk(struct script *s, char *line)
{
	const char *how = script_rest(line);

	if (strcmp(how, "full") != 0 && strcmp(how, "free") != 0)
		return script_fail(s, "write: disk full, or disk free");
	store_pretend_full(s->host->store, strcmp(how, "full") == 0);
	host_settle(s->host, NULL, NULL, 0);
	return true;
}

bool
script_line_audit(struct script *s, char *line)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(4096);
	BH_AUTO_FREE char *path = xasprintf("%s/store.db", s->directory);
	char *verb = script_word(&line), *said = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&said, &size);
	bool ok = false;
	int result;

	if (out == NULL || verb == NULL)
		script_fail(s, "write: audit verifies, or audit has|lacks TEXT");
	else if (!script_ids(s, script_rest(line), &text))
		ok = false;
	else if (strcmp(verb, "verifies") == 0) {
		store_flush(s->host->store);
		result = audit_verify(path, out);
		fflush(out);
		ok = result == BH_OK || script_fail(s, "%s", said);
	} else if (strcmp(verb, "has") == 0 || strcmp(verb, "lacks") == 0) {
		bool found;

		store_flush(s->host->store);
		result = audit_print(path, &(struct audit_filter){
		    .text = bh_buf_text(&text), .json = true }, out);
		fflush(out);
		found = size > 0;
		ok = result == BH_OK && found == (strcmp(verb, "has") == 0);
		if (!ok)
			script_fail(s, "the audit %s \"%s\"%s%s", found ?
			    "has" : "has no", bh_buf_text(&text), found ?
			    ": " : "", found ? said : "");
	} else
		script_fail(s, "the audit verifies, has or lacks, not \"%s\"",
		    verb);
	if (out != NULL)
		fclose(out);
	free(said);
	return ok;
}
