/* slack-home.c - the home page: what the BH_CMD_HOME commands answered.
 * SPDX-License-Identifier: Apache-2.0
 *
 * docs.slack.dev/surfaces/app-home.  Answers come one by one under the reply
 * of "opened" and are published together when all of them are there.  A page
 * takes a hundred blocks.
 */

#include "plugins/slack/slack.h"

#define BLOCKS_MOST	100u
#define LEFT_OUT	2u		/* kept for saying that there is more */

/* The blocks of a JSON array, as they stand between its brackets. */
static size_t
count_blocks(struct slack *s, const struct bh_buf *json)
{
	const char *error = NULL;
	struct bh_value *v = bh_json(s->host, bh_buf_text(json), json->len,
	    &error);
	size_t n = v != NULL ? v->count : 0;

	bh_json_free(s->host, v);
	return n;
}

void
slack_home_add(struct slack_reply *r, const struct bh_post *post)
{
	struct bh_buf json = BH_BUF(256u * 1024u);
	size_t n;

	if (post->card != NULL)
		slack_card_blocks(r->slack, &json, post->card,
		    r->home_buttons);
	else
		slack_text_blocks(r->slack, &json, post->text);
	n = count_blocks(r->slack, &json);
	if (n == 0 || r->home_full || r->home_count + n + 1 + LEFT_OUT >
	    BLOCKS_MOST || r->home.len + json.len > 200u * 1024u) {
		r->home_full = r->home_full || n > 0;
	} else {
		if (r->home_count > 0)
			bh_buf_puts(&r->home, ",{\"type\":\"divider\"},");
		r->home_count += n + (r->home_count > 0);
		r->home_buttons += post->card != NULL ?
		    post->card->buttons_count : 0;
		bh_buf_put(&r->home, json.data + 1, json.len - 2);
	}
	bh_buf_release(&json);
}

/* Says what one can do, in the words that are configured. */
static void
greeting(struct slack *s, struct bh_buf *out)
{
	struct bh_buf text = BH_BUF(4096);
	struct slack_rich r = { .slack = s, .out = out, .left = 1000 };
	char **c = s->commands;

	bh_buf_puts(out, "{\"type\":\"rich_text\",\"elements\":["
	    "{\"type\":\"rich_text_section\",\"elements\":[");
	slack_rich_emoji(&r, "wave");
	slack_rich_text(&r, " Nothing here concerns you just now. ", NULL);
	for (size_t i = 0; c != NULL && c[i] != NULL && i < 3; i++) {
		bh_buf_clear(&text);
		bh_buf_add(&text, "/%.40s", c[i]);
		slack_rich_text(&r, i == 0 ? "Say " : c[i + 1] == NULL ||
		    i == 2 ? " or " : ", ", NULL);
		slack_rich_text(&r, bh_buf_text(&text), "code");
	}
	slack_rich_text(&r, c != NULL && c[0] != NULL ? " anywhere, or write "
	    "me a message: " : "Write me a message: ", NULL);
	slack_rich_text(&r, "help", "code");
	slack_rich_text(&r, " tells what I can do.", NULL);
	bh_buf_puts(out, "]}]}");
	bh_buf_release(&text);
}

static void
published(void *arg, const struct slack_answer *a)
{
	struct slack_reply *r = arg;

	if (a->result != BH_OK && !r->slack->closing)
		bh_log(r->slack->host, BH_LOG_WARN, "a home page could not be "
		    "shown: %.100s", a->error != NULL ? a->error : "");
	slack_reply_drop(r);
}

void
slack_home_publish(struct slack_reply *r)
{
	struct slack *s = r->slack;
	struct bh_buf json = BH_BUF(512u * 1024u);

	bh_buf_puts(&json, "{\"user_id\":");
	bh_buf_quote(&json, r->user);
	bh_buf_puts(&json, ",\"view\":{\"type\":\"home\",\"blocks\":[");
	if (r->home_count == 0)
		greeting(s, &json);
	else
		bh_buf_puts(&json, bh_buf_text(&r->home));
	if (r->home_full) {
		bh_buf_puts(&json, ",");
		slack_text_block(&json, "There is more than fits in here: ask "
		    "me in a message.", 2000);
	}
	bh_buf_puts(&json, "]}}");
	slack_api(s, &(struct slack_ask){ .method = "views.publish",
	    .json = bh_buf_text(&json), .rank = SLACK_NOTICE }, published,
	    slack_reply_hold(r));
	bh_buf_release(&json);
}
