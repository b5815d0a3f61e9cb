/*
 * stuck.c - removals that are late: who is told, what waits meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   level 0  > 30 s               counted
 *   level 1  > 2 min              a message to the security channel
 *   level 2  > 10 min, or denied  a page, again every 15 min; no new grants
 *                                 for the account
 *   level 3  > 60 min             no new grants at all
 *
 * There is no level at which bellhop gives up.
 */

#include "plugins/aws-sso/grant/engine.h"

static bool
is_late(const struct key *k)
{
	return !k->wish && k->late_from != 0 && k->seen != KEY_ABSENT &&
	    (k->flags & (KEY_FOREIGN | KEY_ORPHAN | KEY_ABANDONED)) == 0;
}

static int
level_of(const struct key *k, int64_t now)
{
	int64_t late = now - k->late_from;

	if (!is_late(k))
		return 0;
	if (late > 60 * MINUTE)
		return 3;
	if (late > 10 * MINUTE || k->denied)
		return 2;
	return late > 2 * MINUTE ? 1 : 0;
}

static void
tell(struct key *k, int level, int64_t now)
{
	struct grants *gs = k->all;
	char name[300], key[120], text[700];
	int64_t late = (now - k->late_from) / MINUTE;

	if (level > k->level) {
		key_text(k, name, sizeof(name));
		snprintf(key, sizeof(key), "stuck/%s/%s/%lld", k->account,
		    k->principal, (long long)k->late_from);
		snprintf(text, sizeof(text), "Access is not removed yet: %s, "
		    "due %lld min ago%s. bellhop keeps trying. !status and "
		    "the log say why.%s", name, (long long)late,
		    k->denied ? ", and AWS denies it" : "",
		    level >= 3 ? " No new grants until it is solved." :
		    level == 2 ? " No new grants for this account." : "");
		notice_send(gs, "", true, key, "%s", text);
	}
	k->level = level;
	if (level >= 2 && (k->paged == 0 || now - k->paged >= 15 * MINUTE)) {
		key_text(k, name, sizeof(name));
		snprintf(text, sizeof(text), "stuck removal, level %d: %s, due "
		    "%lld min ago%s", level, name, (long long)late,
		    k->denied ? ", AWS denies it" : "");
		notice_page(gs, text);
		k->paged = now;
	}
}

/* One place says how the instance is, the worst first. */
void
stuck_health(struct grants *gs)
{
	if (gs->drain != NULL)
		bh_health(gs->host, BH_DEGRADED, "no new grants: %s",
		    gs->drain);
	else if (gs->level >= 2)
		bh_health(gs->host, BH_DEGRADED, "a removal is stuck (level "
		    "%d): !stuck lists it", gs->level);
	else if (gs->trouble != NULL)
		bh_health(gs->host, BH_DEGRADED, "AWS cannot be read: %s",
		    gs->trouble);
	else
		bh_health(gs->host, BH_UP, "all is well");
}

static void
look(void *arg)
{
	struct grants *gs = GRANT_CAST(struct grants, arg, GRANTS_MAGIC);
	int64_t now = grants_now(gs);
	bool any = false;
	int worst = 0;

	gs->stuck_timer = NULL;
	for (size_t i = 0; i < gs->keys_size; i++)
		for (struct key *k = gs->keys[i]; k != NULL; k = k->next) {
			int level = level_of(k, now);

			any = any || is_late(k);
			if (level > 0)
				tell(k, level, now);
			if (level > worst)
				worst = level;
		}
	if (worst != gs->level) {
		gs->level = worst;
		stuck_health(gs);
	}
	gs->paused_all = worst >= 3;
	if (any)
		gs->stuck_timer = bh_after(gs->host, 15 * SECOND, look, gs);
}

void
stuck_look(struct grants *gs)
{
	bool denied = false;

	if (gs->leaving || !gs->loaded)
		return;
	for (size_t i = 0; i < gs->keys_size && !denied; i++)
		for (struct key *k = gs->keys[i]; k != NULL; k = k->next)
			denied = denied || (k->denied && k->level < 2);
	if (gs->stuck_timer != NULL) {
		if (!denied)
			return;
		bh_cancel(gs->host, gs->stuck_timer);
	}
	gs->stuck_timer = bh_after(gs->host, denied ? 0 : 15 * SECOND, look,
	    gs);
}

const char *
stuck_paused(const struct grants *gs, const char *account)
{
	int64_t now = bh_now(gs->host);

	if (gs->paused_all)
		return "a removal has been stuck for more than an hour, and "
		    "all new grants wait until an admin solves it";
	if (gs->level < 2)
		return NULL;
	for (size_t i = 0; i < gs->keys_size; i++)
		for (const struct key *k = gs->keys[i]; k; k = k->next)
			if (strcmp(k->account, account) == 0 &&
			    level_of(k, now) >= 2)
				return "a removal in this account is stuck, "
				    "and new grants there wait until an admin "
				    "solves it";
	return NULL;
}

void
grants_stuck(struct grants *gs, struct bh_buf *out)
{
	int64_t now = bh_now(gs->host);

	for (size_t i = 0; i < gs->keys_size; i++)
		for (const struct key *k = gs->keys[i]; k; k = k->next) {
			char name[300];

			if (!is_late(k) || now - k->late_from < 30 * SECOND)
				continue;
			key_text(k, name, sizeof(name));
			bh_buf_add(out, "%s: due %lld s ago, %s, attempt %lld, "
			    "level %d%s\n", name,
			    (long long)((now - k->late_from) / SECOND),
			    key_phase_word(k->phase), (long long)k->attempt,
			    level_of(k, now), k->denied ? ", denied" : "");
		}
}
