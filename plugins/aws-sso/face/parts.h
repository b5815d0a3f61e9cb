/*
 * parts.h - what the files of this folder share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef BELLHOP_AWS_SSO_PARTS_H
#define BELLHOP_AWS_SSO_PARTS_H

#include "plugins/aws-sso/face/face.h"

struct face {
	unsigned magic;
#define FACE_MAGIC	0x66616365u
	struct sso *sso;
	struct bh_host *host;
	struct policy *policy;
	struct policy_reach *reach;	/* by face_reach() */
	struct policy_facts facts;
	struct grant_rules rules;
	struct grant_face cards;
	struct grant_pair *pairs;	/* covered by some rule, for the sweep */
	size_t pairs_count;
};

/* What the rules are about, for the directory of now. */
const struct policy_reach *face_reach(struct face *);

/* The block a command's `state` is. */
struct sso *sso_of(void *state);

/* ------------------------------------------------------------------ */
/* people.c                                                            */

/* A person as policy wants one.  The texts live in `buf` and in *out as long
 * as the callback.  `user` is the host's idea of the person. */
void person_of_user(struct face *, const struct bh_user *user,
    struct policy_person *out);
/* Finds whom "@grace", "grace" or "grace@acme.example" means for the one who
 * asks (same mail domain).  False after bh_fail_at(call, arg). */
bool person_named(struct bh_call *call, struct face *, const char *typed,
    const char *arg, struct bh_user *out);
/* Sets up `facts`. */
void people_facts(struct face *);

/* Runs a command that needs what AWS says.  Right after the very first start
 * that is not read yet: then `run` waits for it, and is tried again while it
 * returns BH_EBUSY (some fact is being found out), for a few seconds; `last`
 * tells it to answer with what there is. */
typedef int patient_fn(struct bh_call *, void *state, bool last);
int face_patient(struct bh_call *, void *state, patient_fn *run);

/* ------------------------------------------------------------------ */
/* names.c                                                             */

/* What somebody typed, or NULL after bh_fail_at(call, arg, ...). */
const struct account *name_account(struct bh_call *call, struct face *,
    const char *typed, const char *arg);
const struct permission_set *name_set(struct bh_call *call, struct face *,
    const char *typed, const char *arg);
/* 0 if `typed` is NULL; negative after bh_fail_at. */
int64_t name_duration(struct bh_call *call, const char *typed,
    const char *arg);
/* choices() for arguments called account and permission-set: what the person
 * may ask for, and matches what was typed. */
int name_choices(struct bh_call *call, void *state, const char *arg,
    const char *typed);

/* ------------------------------------------------------------------ */
/* card.c, rules.c                                                     */

void card_show(void *arg, struct bh_tx *tx, const struct grant *g);
/* The same card as an answer, with the buttons of the one who asks. */
enum card_for { CARD_TO_DECIDE, CARD_HELD, CARD_ASKED };
void card_reply(struct bh_call *call, struct face *, const struct grant *g,
    enum card_for what_for);

void rules_fill(struct face *);
/* The question that a grant is, for policy; false with a sentence if the
 * account or the set is no longer there. */
bool rules_question(struct face *, const struct grant *g,
    struct policy_person *who, struct bh_user *user,
    struct policy_question *out, struct bh_buf *why);

/* ------------------------------------------------------------------ */
/* The commands                                                        */

int face_elevate(struct bh_call *, void *state);
int face_mine(struct bh_call *, void *state);
int face_approve(struct bh_call *, void *state);
int face_deny(struct bh_call *, void *state);
int face_cancel(struct bh_call *, void *state);
int face_revoke(struct bh_call *, void *state);
int face_extend(struct bh_call *, void *state);
int face_abandon(struct bh_call *, void *state);
int face_access(struct bh_call *, void *state);
int face_requests(struct bh_call *, void *state);
int face_explain(struct bh_call *, void *state);
int face_stuck(struct bh_call *, void *state);
int id_choices(struct bh_call *, void *state, const char *arg,
    const char *typed);

/* The end of a call that waited for the engine: the sentence goes to whoever
 * asked, unless the card in the same room says it already. */
void answer_done(void *call, int result, const struct grant *g,
    const char *sentence);

#endif
