/* slack-link.h - one WebSocket of Socket Mode, from its ticket to its end.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef SLACK_LINK_H
#define SLACK_LINK_H

#include "plugins/slack/slack.h"

struct slack_link;

/* What its owner hears; never from within slack_link_open(). */
struct slack_link_calls {
	/* It counts from now on. */
	void (*hello)(void *arg, struct slack_link *link);
	/* Slack wants it to end, for this reason ("refresh_requested"). */
	void (*leave)(void *arg, struct slack_link *link, const char *reason);
	/* It is gone; the link is freed when this returns. */
	void (*closed)(void *arg, struct slack_link *link, int result,
	    const char *why);
};

struct slack_link {
	unsigned magic;
#define SLACK_LINK_MAGIC	0x536c4c6eu
	/* The owner's. */
	size_t slot;
	struct slack_link *next, **prev;
	bool leaving;			/* another one takes its place */
	/* To be looked at. */
	uint64_t number;		/* no other ever had it */
	bool live;			/* its hello came */
	int64_t since, hello_at;	/* monotonic ms */
	int64_t ends;			/* about when, by its hello; 0: unknown */
	int64_t heard;			/* the last envelope; 0: none */
	/* slack-link.c's own. */
	struct slack *slack;
	const struct slack_link_calls *calls;
	void *arg;
	struct bh_socket *socket;
	struct bh_timer *timer;		/* hello, or the end of leaving */
	int64_t retired;		/* from when on it may be closed; 0 */
	bool closing;
	struct slack_envelope *envelopes;	/* not acknowledged yet */
};

/* Opens one; NULL: the URL cannot be used. */
struct slack_link *slack_link_open(struct slack *s, const char *url,
    const struct slack_link_calls *calls, void *arg);
/* It is read on for `ms` at least, if Slack does not end it before; then it is
 * closed, once all is acknowledged and nothing comes any more. */
void slack_link_retire(struct slack_link *link, int64_t ms);
/* Closes it now: what Slack sends meanwhile is lost. */
void slack_link_close(struct slack_link *link);
/* Hangs up and frees it without a call.  NULL is fine. */
void slack_link_drop(struct slack_link *link);
/* Forgets whose acknowledgement has no way left. */
void slack_envelopes_free(struct slack *s);

/* slack-ticket.c: what an operator must do about this answer; NULL: a later
 * try may go well. */
const char *slack_ticket_remedy(const struct slack_answer *a);
/* May the ticket's address be used?  It is encrypted, unless the API itself is
 * not: in tests. */
bool slack_ticket_ok(const struct slack *s, const char *url);

#endif /* SLACK_LINK_H */
