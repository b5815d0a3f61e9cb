/* slack-doctor.h - what the parts of "bellhop slack doctor" share.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef SLACK_DOCTOR_H
#define SLACK_DOCTOR_H

#include "plugins/slack/slack.h"

#define DOCTOR_CHANNELS	200u

struct doctor;

/* What to do with an answer of Slack's; `body` is NULL if it is no JSON. */
typedef void doctor_fn(struct doctor *d, const struct bh_answer *answer,
    const struct bh_value *body);

struct doctor {
	struct bh_call *call;
	struct bh_host *host;
	struct slack *slack;
	size_t problems;
	int64_t asked;			/* ms UTC: the last question */
	doctor_fn *then;
	bool clock;			/* Slack's was compared with ours */
	bool speaks;			/* the bot token is good */
	char *bot;			/* its name there */
	bool org;			/* installed for an organisation ... */
	size_t team;			/* ... whose n-th workspace is looked at */
	/* Channels to look at, given or the configuration's, and which of
	 * them were told of. */
	char *channels[DOCTOR_CHANNELS];
	bool told[DOCTOR_CHANNELS];
	size_t count;
	int pages;
};

/* One line of the findings: "ok", "note", "problem". */
void doctor_good(struct doctor *d, const char *fmt, ...) BH_PRINTF(2, 3);
void doctor_note(struct doctor *d, const char *fmt, ...) BH_PRINTF(2, 3);
void doctor_bad(struct doctor *d, const char *fmt, ...) BH_PRINTF(2, 3);

/* Asks the Web API; one question at a time. */
void doctor_ask(struct doctor *d, const char *method, const char *token,
    const char *form, doctor_fn *then);
/* Slack's word for what went wrong, or the network's; NULL: nothing. */
const char *doctor_trouble(const struct bh_answer *a,
    const struct bh_value *body);
const char *doctor_remedy(const char *error);

/* slack-doctor-rooms.c: the last part; calls doctor_finish(). */
void doctor_rooms(struct doctor *d);
void doctor_finish(struct doctor *d);

#endif /* SLACK_DOCTOR_H */
