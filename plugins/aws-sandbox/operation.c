/* operation.c - assignments, and the asynchronous work that changes them.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Creating or deleting an assignment is accepted at once and applied some
 * seconds later.  Both the acceptance and the outcome go to the journal, so
 * that a process that was killed in between finishes the work when it is
 * back.
 */

#include "plugins/aws-sandbox/sandbox.h"

struct assignment *
assignment_find(struct sandbox *sb, int account, int set, int principal)
{
	for (size_t i = 0; i < sb->assignments.count; i++) {
		struct assignment *a = &sb->assignments.at[i];

		if (a->principal == principal && a->account == account &&
		    a->set == set)
			return a;
	}
	return NULL;
}

void
assignment_put(struct sandbox *sb, int account, int set, int principal)
{
	struct assignment *a = list_add(&sb->assignments);

	assert(account >= 0 && set >= 0 && principal >= 0);
	a->account = account;
	a->set = set;
	a->principal = principal;
	a->seq = ++sb->next_seq;
	a->since = sb->loading ? 0 : bh_now(sb->host);
}

void
assignment_add(struct sandbox *sb, int account, int set, int principal)
{
	if (assignment_find(sb, account, set, principal) != NULL)
		return;
	assignment_put(sb, account, set, principal);
	state_note(sb, "{\"t\":\"assign\",\"a\":\"%s\",\"p\":\"%s\","
	    "\"u\":\"%s\"}", sb->accounts.at[account].id,
	    sb->sets.at[set].arn, sb->principals.at[principal].id);
}

void
assignment_drop(struct sandbox *sb, int account, int set, int principal)
{
	struct assignment *a = assignment_find(sb, account, set, principal);

	if (a == NULL)
		return;
	state_note(sb, "{\"t\":\"unassign\",\"a\":\"%s\",\"p\":\"%s\","
	    "\"u\":\"%s\"}", sb->accounts.at[account].id,
	    sb->sets.at[set].arn, sb->principals.at[principal].id);

	size_t at = (size_t)(a - sb->assignments.at);

	memmove(a, a + 1, (sb->assignments.count - at - 1) * sizeof(*a));
	sb->assignments.count--;
}

bool
assignment_visible(const struct sandbox *sb, const struct assignment *a)
{
	return a->since == 0 ||
	    a->since + sb->visible_after <= bh_now(sb->host);
}

bool
assignment_any(const struct sandbox *sb, int account, int set)
{
	for (size_t i = 0; i < sb->assignments.count; i++)
		if (sb->assignments.at[i].account == account &&
		    sb->assignments.at[i].set == set)
			return true;
	return false;
}

struct work *
work_find(const struct sandbox *sb, const char *id, bool create)
{
	for (size_t i = sb->work.count; i-- > 0;)
		if (sb->work.at[i]->create == create &&
		    strcmp(sb->work.at[i]->id, id) == 0)
			return sb->work.at[i];
	return NULL;
}

struct work *
work_busy(const struct sandbox *sb, int account, int set,
    const char *principal_id)
{
	for (size_t i = sb->work.count; i-- > 0;) {
		struct work *w = sb->work.at[i];

		if (w->status == WORK_BUSY && w->account == account &&
		    w->set == set && strcmp(w->principal_id, principal_id) == 0)
			return w;
	}
	return NULL;
}

size_t
work_outstanding(const struct sandbox *sb)
{
	size_t n = 0;

	for (size_t i = 0; i < sb->work.count; i++)
		n += sb->work.at[i]->status == WORK_BUSY;
	return n;
}

const char *
work_status_name(const struct work *w)
{
	return w->status == WORK_BUSY ? "IN_PROGRESS" :
	    w->status == WORK_DONE ? "SUCCEEDED" : "FAILED";
}

static void
work_fail(struct work *w, const char *format, const char *detail)
{
	struct bh_buf b = BH_BUF(1024);

	if (w->reason != NULL)
		return;
	bh_buf_puts(&b, "Received a 404 status error: ");
	bh_buf_puts(&b, format);
	bh_buf_puts(&b, detail);
	w->reason = copy_text(bh_buf_text(&b));
	bh_buf_release(&b);
}

/* What AWS would say when it comes to apply it; NULL in reason if it can. */
static void
work_judge(struct work *w)
{
	struct sandbox *sb = w->sb;
	char text[192];

	if (w->principal < 0 || sb->principals.at[w->principal].deleted) {
		snprintf(text, sizeof(text), "%s assignee %s was not found in "
		    "directory %s", w->group ? "GROUP" : "USER",
		    w->principal_id, STORE_ID);
		work_fail(w, "the ", text);
	} else if (!w->create && assignment_find(sb, w->account, w->set,
	    w->principal) == NULL) {
		snprintf(text, sizeof(text), "%s:%s",
		    sb->accounts.at[w->account].id, w->principal_id);
		work_fail(w, "EntitlementItem doesn't exist with the given "
		    "entitlement key ", text);
	} else if (w->create && sb->accounts.at[w->account].suspended &&
	    w->reason == NULL) {
		w->reason = copy_text("AWS SSO is unable to complete your "
		    "request at this time. Obtaining permissions to manage "
		    "your AWS account takes longer than usual.");
	}
}

/* Forgets the oldest finished work beyond what is kept. */
static void
work_trim(struct sandbox *sb)
{
	size_t from = 0, to = 0, drop;

	if (sb->work.count <= WORK_KEPT + 500)
		return;
	for (drop = sb->work.count - WORK_KEPT; from < sb->work.count; from++) {
		struct work *w = sb->work.at[from];

		if (drop > 0 && w->status != WORK_BUSY) {
			free(w->reason);
			free(w);
			drop--;
		} else {
			sb->work.at[to++] = w;
		}
	}
	sb->work.count = to;
}

static void
work_done(void *arg)
{
	struct work *w = (struct work *)arg;
	struct sandbox *sb = w->sb;

	w->timer = NULL;
	work_judge(w);
	if (w->reason == NULL && w->create)
		assignment_add(sb, w->account, w->set, w->principal);
	else if (w->reason == NULL)
		assignment_drop(sb, w->account, w->set, w->principal);
	w->status = w->reason == NULL ? WORK_DONE : WORK_FAILED;
	state_note_work(sb, w);
	work_trim(sb);
}

void
work_resume(struct work *w)
{
	int64_t left = w->due - bh_now(w->sb->host);

	w->timer = bh_after(w->sb->host, left > 0 ? left : 0, work_done, w);
}

struct work *
work_start(struct sandbox *sb, bool create, int account, int set,
    const char *principal_id, bool group, const char *fail)
{
	struct work *w = (struct work *)calloc(1, sizeof(*w));
	uint32_t dice = 0;

	assert(w != NULL);
	w->sb = sb;
	new_uuid(sb, w->id);
	w->create = create;
	w->group = group;
	w->account = account;
	w->set = set;
	w->principal = principal_by_id(sb, principal_id);
	if (w->principal >= 0 && sb->principals.at[w->principal].group != group)
		w->principal = -1;
	set_text(w->principal_id, sizeof(w->principal_id), principal_id);
	bh_random(sb->host, &dice, sizeof(dice));
	w->created = bh_now(sb->host);
	w->due = w->created + sb->delay +
	    (sb->jitter > 0 ? dice % (sb->jitter + 1) : 0);
	w->seq = ++sb->next_seq;
	w->reason = fail != NULL ? copy_text(fail) : NULL;
	*list_add(&sb->work) = w;
	state_note_work(sb, w);
	work_resume(w);
	return w;
}

void
work_free_all(struct sandbox *sb)
{
	for (size_t i = 0; i < sb->work.count; i++) {
		bh_cancel(sb->host, sb->work.at[i]->timer);
		free(sb->work.at[i]->reason);
		free(sb->work.at[i]);
	}
	free(sb->work.at);
	memset(&sb->work, 0, sizeof(sb->work));
}
