/*
 * key-table.c - all keys in memory, by account, permission set and person.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/grant/engine.h"

static const char *const words[KEY_PHASES] = {
	[KEY_IDLE] = "idle", [KEY_CREATE_INTENT] = "create-intent",
	[KEY_DELETE_INTENT] = "delete-intent", [KEY_POLLING] = "polling",
	[KEY_UNKNOWN] = "unknown", [KEY_VERIFY] = "verify",
};

const char *
key_phase_word(int phase)
{
	return phase >= 0 && phase < KEY_PHASES ? words[phase] : "?";
}

/* A word that we do not know was written by something that knew more than
 * we do: then nothing is certain. */
int
key_phase_of_word(const char *word)
{
	for (int i = 0; word != NULL && i < KEY_PHASES; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return KEY_UNKNOWN;
}

/* ------------------------------------------------------------------ */
/* The table                                                           */

static size_t
slot_of(const struct grants *gs, const char *a, const char *b, const char *c)
{
	const char *parts[] = { a, b, c };
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < 3; i++) {
		for (const char *p = parts[i]; *p != '\0'; p++)
			h = (h ^ (unsigned char)*p) * 16777619u;
		h = (h ^ 0xffu) * 16777619u;
	}
	return h & (gs->keys_size - 1);
}

struct key *
key_find(struct grants *gs, const char *account, const char *set,
    const char *principal)
{
	size_t s = slot_of(gs, account, set, principal);

	for (struct key *k = gs->keys[s]; k != NULL; k = k->next)
		if (strcmp(k->principal, principal) == 0 &&
		    strcmp(k->account, account) == 0 &&
		    strcmp(k->permission_set, set) == 0)
			return k;
	return NULL;
}

static void
keys_grow(struct grants *gs)
{
	struct key **old = gs->keys;
	size_t was = gs->keys_size;

	gs->keys_size = was * 2;
	gs->keys = calloc(gs->keys_size, sizeof(struct key *));
	assert(gs->keys != NULL);
	for (size_t i = 0; i < was; i++)
		for (struct key *k = old[i], *next; k != NULL; k = next) {
			size_t s = slot_of(gs, k->account, k->permission_set,
			    k->principal);

			next = k->next;
			k->next = gs->keys[s];
			gs->keys[s] = k;
		}
	free(old);
}

struct key *
key_get(struct grants *gs, const char *account, const char *set,
    const char *principal)
{
	struct key *k = key_find(gs, account, set, principal);
	size_t s;

	if (k != NULL)
		return k;
	if (gs->keys_count >= gs->keys_size)
		keys_grow(gs);
	k = calloc(1, sizeof(*k));
	assert(k != NULL);
	k->magic = KEY_MAGIC;
	k->all = gs;
	k->account = grant_dup(account);
	k->permission_set = grant_dup(set);
	k->principal = grant_dup(principal);
	k->refused = grant_dup("");
	k->request_id = grant_dup("");
	k->seen = KEY_UNSEEN;
	s = slot_of(gs, account, set, principal);
	k->next = gs->keys[s];
	gs->keys[s] = k;
	gs->keys_count++;
	return k;
}

void
key_free(struct key *k)
{
	if (k->timer != NULL)
		bh_cancel(k->all->host, k->timer);
	key_slot_free(k);
	key_backlog_free(k);
	free(k->account);
	free(k->permission_set);
	free(k->principal);
	free(k->refused);
	free(k->request_id);
	k->magic = 0;
	free(k);
}

struct sso_tuple
key_tuple(const struct key *k)
{
	return (struct sso_tuple){ .account = k->account,
	    .permission_set = k->permission_set, .principal = k->principal };
}

void
key_text(const struct key *k, char *out, size_t size)
{
	const struct grant *g = k->grants;

	if (g != NULL)
		snprintf(out, size, "%s in %s for %s", g->permission_set_name,
		    g->account_name, g->person_name);
	else
		snprintf(out, size, "%s in %s for user %s", k->permission_set,
		    k->account, k->principal);
}
