/* teams-rich.c - spans as TextRuns, which no client reads as markup.
 * SPDX-License-Identifier: Apache-2.0
 *
 * https://adaptivecards.microsoft.com/?topic=TextRun: a TextBlock is Markdown,
 * and there is no escape that all clients of Teams understand; a TextRun is
 * shown as it is.  So whatever people, AWS or plugins wrote stands in TextRuns.
 *
 * Mentions, and times in the reader's own zone, work in TextBlocks alone.  Who
 * and when stand in a card are therefore named twice: where they belong, as
 * words (times in UTC), and once more at its end, in TextBlocks that hold
 * nothing but what is made here: names less all that Markdown or HTML could
 * mean, ids of accounts, and times.
 */

#include "plugins/teams/teams.h"

#include <time.h>

/* One text of ours is never longer. */
#define TEXT_MOST	3000u
#define NAME_MOST	64u

static void
run(struct teams_rich *r, const char *text, size_t len, const char *more)
{
	struct bh_buf piece = BH_BUF(4u * TEXT_MOST + 16u);

	bh_buf_put(&piece, text, len);
	bh_buf_puts(r->out, r->some ? ",{\"type\":\"TextRun\",\"text\":" :
	    "{\"type\":\"TextRun\",\"text\":");
	bh_buf_quote(r->out, bh_buf_text(&piece));
	if (r->look.size != NULL)
		bh_buf_add(r->out, ",\"size\":\"%s\"", r->look.size);
	if (r->look.colour != NULL)
		bh_buf_add(r->out, ",\"color\":\"%s\"", r->look.colour);
	if (r->look.strong)
		bh_buf_puts(r->out, ",\"weight\":\"Bolder\"");
	if (r->look.subtle)
		bh_buf_puts(r->out, ",\"isSubtle\":true");
	if (r->look.mono)
		bh_buf_puts(r->out, ",\"fontType\":\"Monospace\"");
	bh_buf_add(r->out, "%s}", more != NULL ? more : "");
	r->some = true;
	bh_buf_release(&piece);
}

/* Some renderers put a date in the place of "{{DATE(...)}}" in a TextRun, too;
 * none does when the two braces are not in the same one. */
static void
runs(struct teams_rich *r, const char *text, const char *more)
{
	for (size_t len; *text != '\0'; text += len) {
		const char *brace = strstr(text, "{{");

		len = brace != NULL ? (size_t)(brace - text) + 1 :
		    strlen(text);
		run(r, text, len, more);
	}
}

/* The clean text as far as there is room for it. */
static void
fitting(struct teams_rich *r, const char *text, const char *more)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	struct bh_buf fits = BH_BUF(4u * TEXT_MOST + 16u);
	size_t most = r->left < TEXT_MOST ? r->left : TEXT_MOST, n;

	bh_buf_clean(&clean, text != NULL ? text : "", r->lines);
	n = bh_utf8_len(bh_buf_text(&clean));
	bh_buf_clip(&fits, bh_buf_text(&clean), most);
	r->left -= n < most ? n : most;
	runs(r, bh_buf_text(&fits), more);
	bh_buf_release(&clean);
	bh_buf_release(&fits);
}

void
teams_rich_begin(struct teams_rich *r)
{
	bh_buf_puts(r->out, "{\"type\":\"RichTextBlock\",\"inlines\":[");
	r->some = false;
}

void
teams_rich_end(struct teams_rich *r, const char *more)
{
	if (!r->some)
		run(r, "–", strlen("–"), NULL);
	bh_buf_add(r->out, "]%s}", more != NULL ? more : "");
}

void
teams_rich_text(struct teams_rich *r, const char *text)
{
	fitting(r, text, NULL);
}

/* ------------------------------------------------------------------ */
/* Spans                                                               */

static void
see_person(struct teams_live *live, const struct bh_span *span)
{
	size_t i = 0;

	if (live == NULL || span->ref == NULL || span->text == NULL)
		return;
	while (i < live->people_count &&
	    strcmp(live->people[i]->ref, span->ref) != 0)
		i++;
	if (i == live->people_count && i < TEAMS_LIVE)
		live->people[live->people_count++] = span;
}

static void
see_time(struct teams_live *live, int64_t ms)
{
	size_t i = 0;

	if (live == NULL)
		return;
	/* A minute is named once. */
	while (i < live->times_count && live->times[i] / 60000 != ms / 60000)
		i++;
	if (i == live->times_count && i < TEAMS_LIVE)
		live->times[live->times_count++] = ms;
}

static void
when(struct teams_rich *r, int64_t ms)
{
	struct bh_buf text = BH_BUF(64);

	if (bh_buf_when(&text, ms, bh_now(r->teams->host)))
		see_time(r->live, ms);
	fitting(r, bh_buf_text(&text), NULL);
	bh_buf_release(&text);
}

static void
link_to(struct teams_rich *r, const struct bh_span *span)
{
	struct bh_buf more = BH_BUF(8192);

	if (bh_link_ok(span->ref)) {
		bh_buf_puts(&more, ",\"underline\":true,\"selectAction\":"
		    "{\"type\":\"Action.OpenUrl\",\"url\":");
		bh_buf_quote(&more, span->ref);
		bh_buf_puts(&more, "}");
	}
	fitting(r, span->text != NULL && *span->text != '\0' ? span->text :
	    span->ref, bh_buf_text(&more));
	bh_buf_release(&more);
}

static void
span(struct teams_rich *r, const struct bh_span *s)
{
	struct teams_look look = r->look;

	switch (s->kind) {
	case BH_SPAN_STRONG:
		r->look.strong = true;
		fitting(r, s->text, NULL);
		break;
	case BH_SPAN_CODE:
		r->look.mono = true;
		fitting(r, s->text, NULL);
		break;
	case BH_SPAN_PERSON:
		r->look.strong = true;
		if (r->left > 0)
			see_person(r->live, s);
		fitting(r, s->text, NULL);
		break;
	case BH_SPAN_TIME:
		when(r, s->time);
		break;
	case BH_SPAN_LINK:
		link_to(r, s);
		break;
	default:
		fitting(r, s->text, NULL);
		break;
	}
	r->look = look;
}

void
teams_rich_spans(struct teams_rich *r, const struct bh_span *spans,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		span(r, &spans[i]);
}

/* ------------------------------------------------------------------ */
/* The living end of a card                                            */

/* Letters of any script, digits, blanks, hyphens and apostrophes: nothing in
 * Markdown, in HTML, or in an address. */
static void
safe_name(struct bh_buf *out, const char *name)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	struct bh_buf kept = BH_BUF(1024u * 1024u);
	const char *p;
	bool blank = true;

	bh_buf_clean(&clean, name, false);
	for (p = bh_buf_text(&clean); *p != '\0';) {
		const char *from = p;
		uint32_t c = bh_utf8_next(&p);
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' &&
		    c <= 'Z') || (c >= '0' && c <= '9') || c == '\'' ||
		    c == '-' || (c >= 0xc0 && c != 0xd7 && c != 0xf7 &&
		    (c < 0x2000 || c > 0x2fff) && (c < 0x3000 ||
		    c > 0x303f) && (c < 0xfe10 || c > 0xff20));

		if (letter)
			bh_buf_put(&kept, from, (size_t)(p - from));
		else if (!blank)
			bh_buf_puts(&kept, " ");
		blank = !letter;
	}
	while (kept.len > 0 && kept.data[kept.len - 1] == ' ')
		kept.data[--kept.len] = '\0';
	p = bh_buf_text(&kept);
	bh_buf_put(out, p, bh_utf8_fit(p, NAME_MOST));
	bh_buf_release(&clean);
	bh_buf_release(&kept);
}

/* The account to mention: "29:..." where we know it, else the object id. */
static bool
account(struct teams *t, const char *person, struct bh_buf *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_:";
	const struct teams_place *place;
	struct bh_user user;
	const char *id;

	if (!bh_person(t->host, person, &user) || user.id == NULL ||
	    user.realm == NULL ||
	    strcmp(user.realm, bh_instance(t->host)) != 0)
		return false;
	place = teams_place_of_user(t, user.id);
	id = place != NULL && place->from_id != NULL ? place->from_id :
	    user.id;
	if (*id == '\0' || id[strspn(id, letters)] != '\0')
		return false;
	bh_buf_puts(out, id);
	return true;
}

/* Goes through those that can be mentioned: each by a name that nobody before
 * it has, since Teams finds them by their names. */
static bool
mention(struct teams *t, const struct teams_live *live, size_t n,
    struct bh_buf *name, struct bh_buf *id)
{
	struct bh_buf other = BH_BUF(4u * NAME_MOST + 1);
	bool ok;

	bh_buf_clear(name);
	bh_buf_clear(id);
	safe_name(name, live->people[n]->text);
	ok = name->len > 0 && account(t, live->people[n]->ref, id);
	for (size_t i = 0; i < n && ok; i++) {
		bh_buf_clear(&other);
		safe_name(&other, live->people[i]->text);
		ok = strcmp(bh_buf_text(&other), bh_buf_text(name)) != 0;
	}
	bh_buf_release(&other);
	return ok;
}

static void
small(struct bh_buf *out, const char *text)
{
	bh_buf_puts(out, ",{\"type\":\"TextBlock\",\"text\":");
	bh_buf_quote(out, text);
	bh_buf_puts(out, ",\"size\":\"Small\",\"isSubtle\":true,\"wrap\":true,"
	    "\"spacing\":\"Small\"}");
}

static void
local_time(struct bh_buf *line, int64_t ms, int64_t now)
{
	time_t at = (time_t)(ms / 1000);
	struct tm tm;
	char iso[32] = "";

	if (gmtime_r(&at, &tm) == NULL)
		return;
	strftime(iso, sizeof(iso), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (line->len > 0)
		bh_buf_puts(line, " · ");
	bh_buf_when(line, ms, now);
	bh_buf_add(line, " = {{TIME(%s)}} {{DATE(%s,SHORT)}}", iso, iso);
}

void
teams_live_body(struct teams *t, struct bh_buf *out,
    const struct teams_live *live)
{
	struct bh_buf name = BH_BUF(4u * NAME_MOST + 1), id = BH_BUF(512);
	struct bh_buf line = BH_BUF(16u * 1024u);

	for (size_t i = 0; i < live->people_count; i++)
		if (mention(t, live, i, &name, &id))
			bh_buf_add(&line, "%s<at>%s</at>", line.len > 0 ?
			    ", " : "", bh_buf_text(&name));
	if (line.len > 0)
		small(out, bh_buf_text(&line));
	bh_buf_clear(&line);
	for (size_t i = 0; i < live->times_count; i++)
		local_time(&line, live->times[i], bh_now(t->host));
	if (line.len > 0) {
		bh_buf_puts(&line, " where you are");
		small(out, bh_buf_text(&line));
	}
	bh_buf_release(&name);
	bh_buf_release(&id);
	bh_buf_release(&line);
}

void
teams_live_entities(struct teams *t, struct bh_buf *out,
    const struct teams_live *live)
{
	struct bh_buf name = BH_BUF(4u * NAME_MOST + 1), id = BH_BUF(512);
	bool some = false;

	for (size_t i = 0; i < live->people_count; i++) {
		if (!mention(t, live, i, &name, &id))
			continue;
		/* Neither needs quoting: see safe_name() and account(). */
		bh_buf_add(out, "%s{\"type\":\"mention\",\"text\":"
		    "\"<at>%s</at>\",\"mentioned\":{\"id\":\"%s\","
		    "\"name\":\"%s\"}}", some ? "," : ",\"entities\":[",
		    bh_buf_text(&name), bh_buf_text(&id), bh_buf_text(&name));
		some = true;
	}
	if (some)
		bh_buf_puts(out, "]");
	bh_buf_release(&name);
	bh_buf_release(&id);
}
