/* slack-find.c - was this message posted already?
 * SPDX-License-Identifier: Apache-2.0
 *
 * Posting cannot be repeated safely, and an answer can be lost.  So each new
 * message carries its key as metadata, and before a second try the messages of
 * the last day there are looked through, three hundred at most:
 * docs.slack.dev/reference/methods/conversations.history, .replies.  Reading
 * may not be allowed; then a second message is the lesser evil.
 */

#include "plugins/slack/slack.h"

#define PAGE		20	/* a hundred cards are more JSON than we read */
#define PAGES_MOST	15
#define DAY		86400

struct find {
	unsigned magic;
#define FIND_MAGIC	0x46696e64u
	struct slack *slack;
	char *channel, *thread, *key;
	int pages;
	slack_find_cb *cb;
	void *arg;
};

static void page(struct find *f, const char *cursor);

static void
find_done(struct find *f, int result, const char *ts)
{
	slack_find_cb *cb = f->cb;
	void *arg = f->arg;
	struct bh_buf channel = BH_BUF(256);

	bh_buf_puts(&channel, f->channel);
	free(f->channel);
	free(f->thread);
	free(f->key);
	f->magic = 0;
	free(f);
	cb(arg, result, bh_buf_text(&channel), ts);
	bh_buf_release(&channel);
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Of ours alone: others can write any metadata. */
static bool
is_it(const struct find *f, const struct bh_value *m)
{
	const struct bh_value *meta = bh_get(m, "metadata");

	return same(bh_get_text(meta, "event_type"), SLACK_POST_EVENT) &&
	    same(bh_get_text(bh_get(meta, "event_payload"), "key"), f->key) &&
	    bh_get_text(m, "ts") != NULL &&
	    (same(bh_get_text(m, "bot_id"), f->slack->bot_id) ||
	    same(bh_get_text(m, "user"), f->slack->bot_user));
}

static void
got_page(void *arg, const struct slack_answer *a)
{
	struct find *f = arg;
	const char *cursor = bh_get_text(bh_get(a->body,
	    "response_metadata"), "next_cursor");

	assert(f->magic == FIND_MAGIC);
	if (a->result != BH_OK) {
		bool denied = a->result == BH_EINVAL || same(a->error,
		    "missing_scope");

		if (denied)
			bh_log(f->slack->host, BH_LOG_NOTE, "whether a message "
			    "was posted before cannot be seen (%.60s); it is "
			    "posted again", a->error);
		find_done(f, denied ? BH_ENOENT : a->result, NULL);
		return;
	}
	for (BH_EACH(m, bh_get(a->body, "messages")))
		if (is_it(f, m)) {
			find_done(f, BH_OK, bh_get_text(m, "ts"));
			return;
		}
	if (cursor != NULL && *cursor != '\0' && ++f->pages < PAGES_MOST)
		page(f, cursor);
	else
		find_done(f, BH_ENOENT, NULL);
}

static void
page(struct find *f, const char *cursor)
{
	struct bh_buf form = BH_BUF(8192);

	bh_buf_add(&form, "include_all_metadata=true&limit=%d&channel=", PAGE);
	bh_buf_percent(&form, f->channel);
	bh_buf_add(&form, "&oldest=%lld", (long long)(bh_now(f->slack->host) /
	    1000 - DAY));
	if (f->thread != NULL) {
		bh_buf_puts(&form, "&ts=");
		bh_buf_percent(&form, f->thread);
	}
	if (cursor != NULL) {
		bh_buf_puts(&form, "&cursor=");
		bh_buf_percent(&form, cursor);
	}
	slack_api(f->slack, &(struct slack_ask){ .method = f->thread != NULL ?
	    "conversations.replies" : "conversations.history",
	    .form = bh_buf_text(&form), .rank = SLACK_APPROVAL }, got_page,
	    f);
	bh_buf_release(&form);
}

/* A direct message has a channel of its own. */
static void
opened(void *arg, const struct slack_answer *a)
{
	struct find *f = arg;
	const char *id = bh_get_text(bh_get(a->body, "channel"), "id");

	assert(f->magic == FIND_MAGIC);
	if (a->result != BH_OK || id == NULL) {
		find_done(f, a->result == BH_EINVAL || a->result == BH_OK ||
		    same(a->error, "missing_scope") ? BH_ENOENT : a->result,
		    NULL);
		return;
	}
	bh_set(&f->channel, id);
	page(f, NULL);
}

void
slack_find(struct slack *s, const char *channel, const char *thread,
    const char *key, slack_find_cb *cb, void *arg)
{
	struct find *f = bh_zero(sizeof(*f));
	struct bh_buf json = BH_BUF(512);

	*f = (struct find){ .magic = FIND_MAGIC, .slack = s,
		.channel = bh_copy(channel), .thread = bh_copy(thread),
		.key = bh_copy(key), .cb = cb, .arg = arg };
	if (slack_is_channel(channel)) {
		page(f, NULL);
		return;
	}
	bh_buf_puts(&json, "{\"users\":");
	bh_buf_quote(&json, channel);
	bh_buf_puts(&json, "}");
	slack_api(s, &(struct slack_ask){ .method = "conversations.open",
	    .json = bh_buf_text(&json), .rank = SLACK_APPROVAL }, opened, f);
	bh_buf_release(&json);
}
