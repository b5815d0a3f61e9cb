/* teams-card.c - cards as Adaptive Cards 1.5, and messages around them.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   | 7QK2 · waiting for approval |	a container in the card's colour
 *   Account   prod-payments  (1111...)	two columns, a line each: a FactSet
 *   Asked by  Ada Lovelace · PAY-812	would be read as Markdown
 *   asked 10:02 UTC · lapses ...	the small line
 *   @Ada Lovelace			who and when, alive (teams-rich.c)
 *   10:02 UTC = 11:02 ...
 *   [approve] [deny] [cancel]		Action.Execute, else Action.Submit
 *
 * https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/
 * cards/universal-actions-for-adaptive-cards/work-with-universal-actions
 *
 * There is no `refresh` in them: a card shows everybody the same, an edit
 * reaches everybody, and so no client ever asks for it by itself.
 *
 * An activity may weigh 28 KB, counted as UTF-16: long lines give way before
 * buttons do, and what is left out is said.
 */

#include "plugins/teams/teams.h"

#define CARD_MOST	(TEAMS_WEIGHT - 1500u)	/* the rest is around it */
#define SHOWN_MOST	6u		/* more go into the overflow menu */
#define SUMMARY_MOST	200u
#define TEXT_MOST	5000u

/* How much each part may have, in characters. */
struct measure {
	size_t title, field, label, note;
};

static const struct measure measures[] = {
	{ 300, 1500, 75, 1000 },
	{ 150, 500, 40, 300 },
	{ 100, 160, 24, 150 },
};

/* ------------------------------------------------------------------ */
/* Parts                                                               */

static void
title(struct teams *t, struct bh_buf *out, const struct bh_card *card,
    size_t chars, struct teams_live *live)
{
	static const char *const styles[] = { [BH_GREY] = "emphasis",
		[BH_BLUE] = "accent", [BH_YELLOW] = "warning",
		[BH_GREEN] = "good", [BH_RED] = "attention" };
	bool known = card->colour >= BH_GREY && card->colour <= BH_RED;
	struct teams_rich r = { .teams = t, .out = out, .left = chars,
		.live = live, .look = { .size = "Medium" } };

	bh_buf_add(out, ",{\"type\":\"Container\",\"style\":\"%s\","
	    "\"bleed\":true,\"items\":[",
	    styles[known ? card->colour : BH_GREY]);
	teams_rich_begin(&r);
	teams_rich_spans(&r, card->title, card->title_count);
	teams_rich_end(&r, NULL);
	bh_buf_puts(out, "]}");
}

static void
field(struct teams *t, struct bh_buf *out, const struct bh_field *f,
    size_t chars, struct teams_live *live)
{
	struct teams_rich label = { .teams = t, .out = out, .left = 80,
		.look = { .subtle = true } };
	struct teams_rich value = { .teams = t, .out = out, .left = chars,
		.live = live, .lines = true };
	bool labelled = f->label != NULL && *f->label != '\0';

	bh_buf_puts(out, ",");
	if (labelled) {
		bh_buf_puts(out, "{\"type\":\"ColumnSet\",\"spacing\":"
		    "\"Small\",\"columns\":[{\"type\":\"Column\",\"width\":"
		    "\"100px\",\"items\":[");
		teams_rich_begin(&label);
		teams_rich_text(&label, f->label);
		teams_rich_end(&label, NULL);
		bh_buf_puts(out, "]},{\"type\":\"Column\",\"width\":"
		    "\"stretch\",\"items\":[");
	}
	teams_rich_begin(&value);
	teams_rich_spans(&value, f->spans, f->spans_count);
	teams_rich_end(&value, labelled ? NULL : ",\"spacing\":\"Small\"");
	if (labelled)
		bh_buf_puts(out, "]}]}");
}

/* As many lines as `weight` lets in.  False: not all are there. */
static bool
fields(struct teams *t, struct bh_buf *out, const struct bh_card *card,
    size_t chars, size_t weight, struct teams_live *live)
{
	size_t used = 0, i;

	for (i = 0; i < card->fields_count; i++) {
		struct bh_buf line = BH_BUF(1024u * 1024u);
		struct teams_live before = *live;
		size_t n;

		field(t, &line, &card->fields[i], chars, live);
		n = bh_utf16_len(bh_buf_text(&line));
		if (line.overflow || used + n > weight) {
			*live = before;
			bh_buf_release(&line);
			break;
		}
		used += n;
		bh_buf_puts(out, bh_buf_text(&line));
		bh_buf_release(&line);
	}
	if (i < card->fields_count)
		bh_buf_add(out, ",{\"type\":\"TextBlock\",\"isSubtle\":true,"
		    "\"wrap\":true,\"text\":\"(%zu more lines do not fit in "
		    "here)\"}", card->fields_count - i);
	return i == card->fields_count;
}

static void
note(struct teams *t, struct bh_buf *out, const struct bh_card *card,
    size_t chars, struct teams_live *live)
{
	struct teams_rich r = { .teams = t, .out = out, .left = chars,
		.live = live, .look = { .size = "Small", .subtle = true } };

	bh_buf_puts(out, ",");
	teams_rich_begin(&r);
	teams_rich_spans(&r, card->note, card->note_count);
	teams_rich_end(&r, NULL);
}

/* ------------------------------------------------------------------ */
/* Buttons                                                             */

void
teams_plain(struct bh_buf *out, const char *text, size_t chars, bool lines,
    const char *otherwise)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	struct bh_buf fits = BH_BUF(4u * chars + 16u);
	const char *p;

	bh_buf_clean(&clean, text != NULL ? text : "", lines);
	p = bh_buf_text(&clean);
	bh_buf_clip(&fits, p[strspn(p, " \n")] != '\0' ? p : otherwise, chars);
	bh_buf_quote(out, bh_buf_text(&fits));
	bh_buf_release(&clean);
	bh_buf_release(&fits);
}

bool
teams_value(struct bh_buf *out, const char *text, size_t chars)
{
	size_t n = 0;

	for (const char *p = text; *p != '\0'; n++) {
		const char *from = p;

		if (bh_utf8_next(&p) == 0xfffd &&
		    strncmp(from, "\xef\xbf\xbd", 3) != 0)
			return false;
	}
	if (n > chars)
		return false;
	bh_buf_quote(out, text);
	return true;
}

static void
action_data(struct bh_buf *out, const char *key, const char *token)
{
	bh_buf_add(out, ",\"data\":{\"%s\":", key);
	bh_buf_quote(out, token != NULL ? token : "");
	bh_buf_puts(out, "}");
}

/* One action; the fallback is for clients from before 2021, which show it
 * without knowing Action.Execute. */
static void
action(struct bh_buf *out, const char *type, const struct bh_button *b,
    const char *more, const struct measure *m)
{
	bh_buf_add(out, "{\"type\":\"%s\",\"title\":", type);
	teams_plain(out, b->label, m->label, false, "–");
	if (b->style == BH_PRIMARY)
		bh_buf_puts(out, ",\"style\":\"positive\"");
	if (b->style == BH_DANGER)
		bh_buf_puts(out, ",\"style\":\"destructive\"");
	bh_buf_add(out, ",\"associatedInputs\":\"none\"%s", more);
	action_data(out, TEAMS_BUTTON, b->token);
}

static void
actions(struct bh_buf *out, const struct bh_card *card,
    const struct measure *m)
{
	if (card->buttons_count == 0)
		return;
	bh_buf_puts(out, ",\"actions\":[");
	for (size_t i = 0; i < card->buttons_count; i++) {
		const struct bh_button *b = &card->buttons[i];
		const char *mode = card->buttons_count > SHOWN_MOST &&
		    i + 1 >= SHOWN_MOST ? ",\"mode\":\"secondary\"" : "";

		if (i > 0)
			bh_buf_puts(out, ",");
		action(out, "Action.Execute", b, mode, m);
		bh_buf_puts(out, ",\"verb\":\"" TEAMS_VERB "\",\"fallback\":");
		action(out, "Action.Submit", b, mode, m);
		bh_buf_puts(out, "}}");
	}
	bh_buf_puts(out, "]");
}

/* ------------------------------------------------------------------ */
/* The whole                                                           */

/* `parts` each begin with a comma. */
static void
wrap(struct bh_buf *out, const char *entities, const char *parts,
    const char *rest)
{
	bh_buf_add(out, "{\"type\":\"AdaptiveCard\",\"version\":\"1.5\","
	    "\"msteams\":{\"width\":\"Full\"%s},\"body\":[%s]%s}", entities,
	    *parts == ',' ? parts + 1 : parts, rest);
}

/* Draws it with one measure, leaving `spare` units for who and when.  False:
 * not all of it is there. */
static bool
draw(struct teams *t, struct bh_buf *out, const struct bh_card *card,
    const struct measure *m, size_t spare)
{
	struct bh_buf body = BH_BUF(1024u * 1024u);
	struct bh_buf tail = BH_BUF(1024u * 1024u);
	struct bh_buf foot = BH_BUF(1024u * 1024u);
	struct bh_buf people = BH_BUF(64u * 1024u);
	struct teams_live live = { .people_count = 0 };
	size_t used = 200 + spare;
	bool all;

	if (card->title_count > 0)
		title(t, &body, card, m->title, &live);
	if (card->note_count > 0)
		note(t, &tail, card, m->note, &live);
	actions(&foot, card, m);
	used += bh_utf16_len(bh_buf_text(&body)) +
	    bh_utf16_len(bh_buf_text(&tail)) +
	    bh_utf16_len(bh_buf_text(&foot));
	all = fields(t, &body, card, m->field, used < CARD_MOST ?
	    CARD_MOST - used : 0, &live);
	bh_buf_puts(&body, bh_buf_text(&tail));
	teams_live_body(t, &body, &live);
	teams_live_entities(t, &people, &live);
	wrap(out, bh_buf_text(&people), bh_buf_text(&body),
	    bh_buf_text(&foot));
	bh_buf_release(&body);
	bh_buf_release(&tail);
	bh_buf_release(&foot);
	bh_buf_release(&people);
	return all;
}

void
teams_card_json(struct teams *t, struct bh_buf *out,
    const struct bh_card *card)
{
	size_t count = sizeof(measures) / sizeof(measures[0]), i = 0;
	struct bh_buf json = BH_BUF(4u * 1024u * 1024u);

	/* Shorter texts first; then fewer lines, to make room for the end. */
	for (size_t spare = 0; spare < CARD_MOST;) {
		bool all, fits;

		bh_buf_clear(&json);
		all = draw(t, &json, card, &measures[i], spare);
		fits = bh_utf16_len(bh_buf_text(&json)) <= CARD_MOST;
		if (fits && (all || i + 1 == count))
			break;
		if (i + 1 < count)
			i++;
		else
			spare += 500;
	}
	bh_buf_puts(out, bh_buf_text(&json));
	bh_buf_release(&json);
}

/* Lines in columns want letters of one width. */
static void
text_parts(struct teams *t, struct bh_buf *out, const char *text)
{
	bool mono;

	while (*text != '\0') {
		size_t end = bh_text_part(text, &mono), len = end;
		struct bh_buf piece = BH_BUF(64u * 1024u);
		struct teams_rich r = { .teams = t, .out = out,
			.left = TEXT_MOST, .lines = true,
			.look = { .mono = mono } };

		while (len > 0 && text[len - 1] == '\n')
			len--;
		bh_buf_put(&piece, text, len);
		bh_buf_puts(out, ",");
		teams_rich_begin(&r);
		teams_rich_text(&r, bh_buf_text(&piece));
		teams_rich_end(&r, NULL);
		bh_buf_release(&piece);
		text += end;
	}
}

void
teams_text_card(struct teams *t, struct bh_buf *out, const char *text)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	struct bh_buf cut = BH_BUF(64u * 1024u), body = BH_BUF(1024u * 1024u);
	size_t chars = TEXT_MOST;

	bh_buf_clean(&clean, text, true);
	do {
		bh_buf_clear(&cut);
		bh_buf_clear(&body);
		bh_buf_clip(&cut, bh_buf_text(&clean), chars);
		text_parts(t, &body, bh_buf_text(&cut));
		chars -= chars / 8;
	} while (bh_utf16_len(bh_buf_text(&body)) > CARD_MOST - 200 &&
	    chars > 8);
	wrap(out, "", bh_buf_text(&body), "");
	bh_buf_release(&clean);
	bh_buf_release(&cut);
	bh_buf_release(&body);
}

/* ------------------------------------------------------------------ */
/* Activities                                                          */

void
teams_activity(struct bh_buf *out, const char *card, const char *summary)
{
	bh_buf_puts(out, "{\"type\":\"message\",\"summary\":");
	teams_plain(out, summary, SUMMARY_MOST, false, "a card");
	bh_buf_add(out, ",\"attachments\":[{\"contentType\":\""
	    TEAMS_CARD_TYPE "\",\"content\":%s}]}", card);
}

void
teams_activity_card(struct teams *t, struct bh_buf *out,
    const struct bh_card *card, const char *summary)
{
	struct bh_buf json = BH_BUF(1024u * 1024u);

	teams_card_json(t, &json, card);
	teams_activity(out, bh_buf_text(&json), summary);
	bh_buf_release(&json);
}

static bool
has_columns(const char *text)
{
	bool columns = false;

	while (*text != '\0' && !columns)
		text += bh_text_part(text, &columns);
	return columns;
}

void
teams_activity_text(struct teams *t, struct bh_buf *out, const char *text)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u);
	struct bh_buf fits = BH_BUF(64u * 1024u), card = BH_BUF(1024u * 1024u);

	bh_buf_clean(&clean, text != NULL ? text : "", true);
	text = bh_buf_text(&clean);
	if (text[strspn(text, " \n")] == '\0')
		text = "(nothing)";
	if (has_columns(text)) {
		teams_text_card(t, &card, text);
		teams_activity(out, bh_buf_text(&card), text);
	} else {
		bh_buf_clip(&fits, text, TEXT_MOST);
		bh_buf_puts(out, "{\"type\":\"message\",\"textFormat\":"
		    "\"plain\",\"text\":");
		bh_buf_quote(out, bh_buf_text(&fits));
		bh_buf_puts(out, "}");
	}
	bh_buf_release(&clean);
	bh_buf_release(&fits);
	bh_buf_release(&card);
}
