/*
 * notice.c - what people and operators are told beside the cards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/grant/engine.h"

const char *
grants_announce(struct bh_host *host, const char *team, size_t n)
{
	const struct bh_value *v = bh_team_setting(host,
	    team != NULL ? team : "", "announce");

	/* One room may stand there without brackets. */
	if (v != NULL && v->kind == BH_LIST) {
		v = v->first;
		while (v != NULL && n-- > 0)
			v = v->next;
		n = 0;
	}
	return n == 0 && bh_text(v) != NULL && *v->text != '\0' ? v->text :
	    NULL;
}

static void BH_PRINTF(6, 0)
add(struct grants *gs, struct bh_tx *tx, const char *team, bool alarm,
    const char *key, const char *fmt, va_list ap)
{
	struct bh_buf text = BH_BUF(3000), full = BH_BUF(200);
	const char *room;
	bool told = false;

	bh_buf_vadd(&text, fmt, ap);
	bh_buf_add(&full, "aws-sso/%s/%s", gs->instance, key);
	for (size_t i = 0; (room = grants_announce(gs->host, team, i)) != NULL;
	    i++) {
		told = told || (gs->alarm != NULL &&
		    strcmp(room, gs->alarm) == 0);
		bh_tx_post(tx, room, bh_buf_text(&full), NULL,
		    bh_buf_text(&text));
	}
	if (alarm && gs->alarm != NULL && !told)
		bh_tx_post(tx, gs->alarm, bh_buf_text(&full), NULL,
		    bh_buf_text(&text));
	bh_log(gs->host, alarm ? BH_LOG_WARN : BH_LOG_NOTE, "%s",
	    bh_buf_text(&text));
	bh_buf_release(&text);
	bh_buf_release(&full);
}

void
notice_add(struct grants *gs, struct bh_tx *tx, const char *team, bool alarm,
    const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(gs, tx, team, alarm, key, fmt, ap);
	va_end(ap);
}

static void
sent(void *arg, int result)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);

	/* The log has it in any case; the next stuck look says it again. */
	(void)result;
	grants_back(gs);
}

void
notice_send(struct grants *gs, const char *team, bool alarm, const char *key,
    const char *fmt, ...)
{
	struct bh_tx *tx = bh_tx(gs->host);
	va_list ap;

	va_start(ap, fmt);
	add(gs, tx, team, alarm, key, fmt, ap);
	va_end(ap);
	grants_commit(gs, tx, sent, gs);
}

static void
paged(void *arg, const struct bh_answer *a)
{
	struct bh_host *host = arg;	/* outlives the engine */

	if (a->result != BH_OK || a->status < 200 || a->status > 299)
		bh_log(host, BH_LOG_ERROR, "the page could not be sent "
		    "(%s, status %d); check the option page",
		    a->error != NULL ? a->error : "answered", a->status);
}

void
notice_page(struct grants *gs, const char *text)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL };
	struct bh_buf body = BH_BUF(4000);

	bh_log(gs->host, BH_LOG_ERROR, "page: %s", text);
	if (gs->page == NULL)
		return;
	/* `text` is what chat webhooks read, `summary` what pagers do. */
	bh_buf_puts(&body, "{\"source\":\"bellhop\",\"severity\":\"critical\","
	    "\"text\":");
	bh_buf_quote(&body, text);
	bh_buf_puts(&body, ",\"summary\":");
	bh_buf_quote(&body, text);
	bh_buf_puts(&body, "}");
	struct bh_http req = {
		.method = "POST", .url = gs->page, .headers = headers,
		.body = body.data, .body_len = body.len, .timeout = 10 * SECOND,
	};

	if (bh_http(gs->host, &req, paged, gs->host) == NULL)
		bh_log(gs->host, BH_LOG_ERROR,
		    "the option page is not a URL that can be called");
	bh_buf_release(&body);
}
