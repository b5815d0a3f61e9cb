/* teams-typed.c - what people typed, as text.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A mention stands in the text as markup, and beside it as an entity that says
 * whose it is.  Only the entities are believed: names may hold blanks, angle
 * brackets and other names.
 *
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/
 * conversations/channel-and-group-conversations#work-with-mentions
 */

#include "plugins/teams/teams.h"

#define TEXT_MAX	(32u * 1024u)
#define ENTITIES_MAX	32u
#define MARKUP_MAX	1024u		/* bytes: a name, and what is around it */

/* The mention whose markup stands at `text`, the longest there is; NULL. */
static const struct bh_value *
mention_at(const struct bh_value *entities, const char *text)
{
	const struct bh_value *best = NULL;
	size_t most = 0, seen = 0;

	if (*text != '<')
		return NULL;
	for (BH_EACH(e, entities)) {
		const char *type = bh_get_text(e, "type");
		const char *markup = bh_get_text(e, "text");
		size_t len = markup != NULL ? strnlen(markup,
		    MARKUP_MAX + 1) : 0;

		if (++seen > ENTITIES_MAX)
			break;
		if (type == NULL || strcasecmp(type, "mention") != 0 ||
		    len <= most || len > MARKUP_MAX || strncmp(text, markup, len) != 0)
			continue;
		best = e;
		most = len;
	}
	return best;
}

static bool
is_us(const struct bh_value *mention, const struct bh_value *activity)
{
	const char *id = bh_get_text(bh_get(mention, "mentioned"), "id");
	const char *we = bh_get_text(bh_get(activity, "recipient"), "id");

	return id != NULL && we != NULL && strcmp(id, we) == 0;
}

/* "&lt;" and the like at `text`, where the text is XML: the character and, in
 * *len, how long it was; 0 if it is none. */
static char
reference(const char *text, size_t *len)
{
	static const struct { const char *name; char c; } known[] = {
		{ "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' },
		{ "&quot;", '"' }, { "&apos;", '\'' }, { "&#39;", '\'' },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(text, known[i].name, strlen(known[i].name)) == 0) {
			*len = strlen(known[i].name);
			return known[i].c;
		}
	return 0;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
teams_text_typed(struct teams *t, struct bh_buf *out,
    const struct bh_value *activity)
{
	const struct bh_value *entities = bh_get(activity, "entities");
	const char *text = bh_get_text(activity, "text");
	const char *format = bh_get_text(activity, "textFormat");
	bool xml = format != NULL && strcmp(format, "xml") == 0, us = false;
	struct bh_buf all = BH_BUF(TEXT_MAX);
	size_t from = 0, len;
	char c;

	(void)t;
	for (text = text != NULL ? text : ""; *text != '\0' &&
	    !all.overflow;) {
		const struct bh_value *m = mention_at(entities, text);

		if (m != NULL) {
			const char *name = bh_get_text(bh_get(m, "mentioned"),
			    "name");

			text += strlen(bh_get_text(m, "text"));
			if (is_us(m, activity))
				us = true;
			else
				bh_buf_add(&all, "@%.200s",
				    name != NULL ? name : "?");
		} else if (strncmp(text, "\xc2\xa0", 2) == 0) {
			bh_buf_puts(&all, " ");
			text += 2;
		} else if (xml && (c = reference(text, &len)) != 0) {
			bh_buf_put(&all, &c, 1);
			text += len;
		} else
			bh_buf_put(&all, text++, 1);
	}
	for (len = all.len; len > 0 && blank(all.data[len - 1]); len--)
		;
	while (from < len && blank(all.data[from]))
		from++;
	if (!all.overflow && from < len)
		bh_buf_put(out, all.data + from, len - from);
	bh_buf_release(&all);
	return us;
}
