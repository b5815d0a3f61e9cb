/* slack-form.c - forms as modals.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/surfaces/modals.  The form's token is the view's
 * private_metadata; each input is a block whose id is the input's name and
 * whose element is "v".  A submission with mistakes is answered with the
 * errors of its fields, which leaves the view as it was: then the host's new
 * token for it is remembered here by the view's id.
 */

#include "plugins/slack/slack.h"

#include <strings.h>

#define BLOCKS_MOST	100u
#define INITIAL_MOST	3000u
#define GROUP_MOST	100u
#define ERROR_MOST	300u

/* ------------------------------------------------------------------ */
/* Options                                                             */

static void
option(struct slack *s, struct bh_buf *out, const char *value,
    const char *label)
{
	struct bh_buf key = BH_BUF(1024);

	slack_value_key(s, &key, value);
	if (label == NULL || *label == '\0')
		label = value;
	bh_buf_puts(out, "{\"text\":");
	slack_plain(out, label, 75, "–");
	bh_buf_puts(out, ",\"value\":");
	bh_buf_quote(out, bh_buf_text(&key));
	bh_buf_puts(out, "}");
	bh_buf_release(&key);
}

static void
option_list(struct slack *s, struct bh_buf *out,
    const struct bh_choice *choices, size_t count)
{
	bh_buf_puts(out, "[");
	for (size_t i = 0; i < count && i < GROUP_MOST; i++) {
		if (i > 0)
			bh_buf_puts(out, ",");
		option(s, out, choices[i].value, choices[i].label);
	}
	bh_buf_puts(out, "]");
}

void
slack_options(struct slack *s, struct bh_buf *out,
    const struct bh_choice *choices, size_t count)
{
	bh_buf_puts(out, "{\"options\":");
	option_list(s, out, choices, count);
	bh_buf_puts(out, "}");
}

/* More than a hundred stand in groups, named by what is first in them. */
static void
option_groups(struct slack *s, struct bh_buf *out,
    const struct bh_choice *choices, size_t count)
{
	bh_buf_puts(out, "\"option_groups\":[");
	for (size_t i = 0; i < count && i < GROUP_MOST * GROUP_MOST;
	    i += GROUP_MOST) {
		size_t n = count - i < GROUP_MOST ? count - i : GROUP_MOST;
		const char *first = choices[i].label != NULL ?
		    choices[i].label : choices[i].value;

		bh_buf_puts(out, i > 0 ? ",{\"label\":" : "{\"label\":");
		slack_plain(out, first, 75, "–");
		bh_buf_puts(out, ",\"options\":");
		option_list(s, out, choices + i, n);
		bh_buf_puts(out, "}");
	}
	bh_buf_puts(out, "]");
}

/* ------------------------------------------------------------------ */
/* Inputs                                                              */

static void
text_element(struct bh_buf *out, const struct bh_input *in, bool lines)
{
	struct bh_buf clean = BH_BUF(1024u * 1024u), fits = BH_BUF(16384);

	bh_buf_clean(&clean, in->value != NULL ? in->value : "", lines);
	bh_buf_clip(&fits, bh_buf_text(&clean), INITIAL_MOST);
	bh_buf_add(out, "{\"type\":\"plain_text_input\",\"action_id\":\"v\","
	    "\"multiline\":%s,\"max_length\":3000", lines ? "true" : "false");
	if (fits.len > 0) {
		bh_buf_puts(out, ",\"initial_value\":");
		bh_buf_quote(out, bh_buf_text(&fits));
	}
	bh_buf_release(&clean);
	bh_buf_release(&fits);
}

static void
choose_element(struct slack *s, struct bh_buf *out, const struct bh_input *in)
{
	bh_buf_puts(out, "{\"type\":\"static_select\",\"action_id\":\"v\",");
	if (in->choices_count > GROUP_MOST) {
		option_groups(s, out, in->choices, in->choices_count);
	} else {
		bh_buf_puts(out, "\"options\":");
		option_list(s, out, in->choices, in->choices_count);
	}
	for (size_t i = 0; i < in->choices_count &&
	    i < GROUP_MOST * GROUP_MOST && in->value != NULL; i++) {
		if (strcmp(in->choices[i].value, in->value) != 0)
			continue;
		bh_buf_puts(out, ",\"initial_option\":");
		option(s, out, in->choices[i].value, in->choices[i].label);
		break;
	}
}

static void
search_element(struct slack *s, struct bh_buf *out, const struct bh_input *in)
{
	bh_buf_puts(out, "{\"type\":\"external_select\",\"action_id\":\"v\","
	    "\"min_query_length\":0");
	if (in->value != NULL && *in->value != '\0') {
		bh_buf_puts(out, ",\"initial_option\":");
		option(s, out, in->value, NULL);
	}
}

static void
tick_element(struct bh_buf *out, const struct bh_input *in)
{
	const char *yes = "{\"text\":{\"type\":\"plain_text\",\"emoji\":false,"
	    "\"text\":\"yes\"},\"value\":\"yes\"}";
	const char *value = in->value != NULL ? in->value : "";

	bh_buf_add(out, "{\"type\":\"checkboxes\",\"action_id\":\"v\","
	    "\"options\":[%s]", yes);
	if (strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 ||
	    strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0)
		bh_buf_add(out, ",\"initial_options\":[%s]", yes);
}

static void
input(struct slack *s, struct bh_buf *out, const struct bh_input *in,
    bool focus)
{
	bh_buf_puts(out, "{\"type\":\"input\",\"block_id\":");
	bh_buf_quote(out, in->name);
	bh_buf_puts(out, ",\"label\":");
	slack_plain(out, in->label, 2000, in->name);
	if (in->hint != NULL && in->hint[strspn(in->hint, " ")] != '\0') {
		bh_buf_puts(out, ",\"hint\":");
		slack_plain(out, in->hint, 2000, "–");
	}
	bh_buf_add(out, ",\"optional\":%s,\"element\":",
	    in->required ? "false" : "true");
	if (in->type == BH_TICK)
		tick_element(out, in);
	else if (in->type == BH_SEARCH)
		search_element(s, out, in);
	else if (in->type == BH_CHOOSE && in->choices_count > 0)
		choose_element(s, out, in);
	else
		text_element(out, in, in->type == BH_LINES);
	bh_buf_add(out, "%s}}", focus ? ",\"focus_on_load\":true" : "");
}

/* A mistake below its field, where the view is drawn anew. */
static void
mistake(struct bh_buf *out, const char *error)
{
	struct slack_rich r = { .out = out, .left = ERROR_MOST };

	bh_buf_puts(out, ",{\"type\":\"rich_text\",\"elements\":["
	    "{\"type\":\"rich_text_section\",\"elements\":[");
	slack_rich_emoji(&r, "warning");
	slack_rich_text(&r, " ", NULL);
	slack_rich_text(&r, error, "bold");
	bh_buf_puts(out, "]}]}");
}

/* The first that has a mistake, or else the first. */
static size_t
focus_of(const struct bh_form *form)
{
	for (size_t i = 0; i < form->inputs_count; i++)
		if (form->inputs[i].error != NULL)
			return i;
	return 0;
}

/* ------------------------------------------------------------------ */
/* Views                                                               */

/* Up to and with the bracket that opens the blocks. */
static void
begin_view(struct bh_buf *out, const char *callback, const char *title,
    const char *close)
{
	bh_buf_add(out, "{\"type\":\"modal\",\"callback_id\":\"%s\","
	    "\"title\":", callback);
	slack_plain(out, title, 24, "bellhop");
	bh_buf_puts(out, ",\"close\":");
	slack_plain(out, close, 24, "Close");
}

void
slack_form_view(struct slack *s, struct bh_buf *out,
    const struct bh_form *form)
{
	size_t focus = focus_of(form), blocks = 0;

	begin_view(out, "form", form->title, "Cancel");
	bh_buf_puts(out, ",\"submit\":");
	slack_plain(out, form->submit, 24, "Send");
	bh_buf_puts(out, ",\"private_metadata\":");
	bh_buf_quote(out, form->token != NULL ? form->token : "");
	bh_buf_puts(out, ",\"blocks\":[");
	for (size_t i = 0; i < form->inputs_count && blocks < BLOCKS_MOST;
	    i++) {
		const struct bh_input *in = &form->inputs[i];

		if (i > 0)
			bh_buf_puts(out, ",");
		input(s, out, in, i == focus);
		blocks++;
		if (in->error != NULL && *in->error != '\0' &&
		    blocks < BLOCKS_MOST) {
			mistake(out, in->error);
			blocks++;
		}
	}
	bh_buf_puts(out, "]}");
}

void
slack_loading_view(struct slack *s, struct bh_buf *out)
{
	slack_text_view(s, out, "One moment…");
}

void
slack_text_view(struct slack *s, struct bh_buf *out, const char *text)
{
	begin_view(out, "text", "bellhop", "Close");
	bh_buf_puts(out, ",\"blocks\":");
	slack_text_blocks(s, out, text);
	bh_buf_puts(out, "}");
}

bool
slack_form_errors(struct bh_buf *out, const struct bh_form *form)
{
	bool some = false;

	bh_buf_puts(out, "{");
	for (size_t i = 0; i < form->inputs_count; i++) {
		const struct bh_input *in = &form->inputs[i];
		struct bh_buf clean = BH_BUF(1024u * 1024u),
		    fits = BH_BUF(4u * ERROR_MOST + 16u);

		if (in->error == NULL)
			continue;
		bh_buf_clean(&clean, in->error, false);
		bh_buf_clip(&fits, *bh_buf_text(&clean) != '\0' ?
		    bh_buf_text(&clean) : "This is not right.", ERROR_MOST);
		if (some)
			bh_buf_puts(out, ",");
		some = true;
		bh_buf_quote(out, in->name);
		bh_buf_puts(out, ":");
		bh_buf_quote(out, bh_buf_text(&fits));
		bh_buf_release(&clean);
		bh_buf_release(&fits);
	}
	bh_buf_puts(out, "}");
	return some;
}
