/* slack-value.c - small things remembered about forms on people's screens.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Options hold 75 characters: a longer value travels as its digest and is
 * found again by it.  A view that was answered with errors has the token of
 * the form before: its newest one is found by the view's id.  A form that
 * could not be opened waits for its button.  All of it is bounded and none of
 * it is needed for anything but convenience: after a restart the person is
 * asked again.
 */

#include "plugins/slack/slack.h"

#include <openssl/evp.h>

#define VALUE_CHARS	75u
#define KEPT_MOST	1000u
#define KEY_BYTES	16u

/* A ring: what is new drops what is oldest. */
struct slack_kept {
	struct { char *key, *value; } list[KEPT_MOST];
	size_t next;
};

static void
keep(struct slack_kept **kept, const char *key, const char *value)
{
	struct slack_kept *k = *kept;
	size_t i = 0;

	if (k == NULL)
		k = *kept = bh_zero(sizeof(*k));
	while (i < KEPT_MOST && (k->list[i].key == NULL ||
	    strcmp(k->list[i].key, key) != 0))
		i++;
	if (i == KEPT_MOST) {
		i = k->next;
		k->next = (k->next + 1) % KEPT_MOST;
	}

	char *new_key = bh_copy(key), *new_value = bh_copy(value);

	free(k->list[i].key);
	free(k->list[i].value);
	k->list[i].key = new_key;
	k->list[i].value = new_value;
}

static const char *
kept(const struct slack_kept *k, const char *key)
{
	for (size_t i = 0; k != NULL && i < KEPT_MOST; i++)
		if (k->list[i].key != NULL &&
		    strcmp(k->list[i].key, key) == 0)
			return k->list[i].value;
	return NULL;
}

void
slack_kept_free(struct slack_kept **k)
{
	for (size_t i = 0; *k != NULL && i < KEPT_MOST; i++) {
		free((*k)->list[i].key);
		free((*k)->list[i].value);
	}
	free(*k);
	*k = NULL;
}

/* ------------------------------------------------------------------ */

void
slack_value_key(struct slack *s, struct bh_buf *out, const char *value)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct bh_buf key = BH_BUF(64), clean = BH_BUF(1024u * 1024u);

	bh_buf_clean(&clean, value, false);
	if (*value != '\0' && *value != '~' &&
	    bh_utf8_len(value) <= VALUE_CHARS &&
	    strcmp(bh_buf_text(&clean), value) == 0) {
		bh_buf_puts(out, value);
	} else if (EVP_Digest(value, strlen(value), digest, NULL,
	    EVP_sha256(), NULL) == 1) {
		bh_buf_puts(&key, "~");
		bh_buf_base64(&key, digest, KEY_BYTES, true);
		keep(&s->values, bh_buf_text(&key), value);
		bh_buf_puts(out, bh_buf_text(&key));
	} else
		bh_buf_puts(out, "~");
	bh_buf_release(&key);
	bh_buf_release(&clean);
}

const char *
slack_value(const struct slack *s, const char *key)
{
	return *key != '~' ? key : kept(s->values, key);
}

void
slack_view_note(struct slack *s, const char *view, const char *token)
{
	keep(&s->views, view, token);
}

const char *
slack_view_token(const struct slack *s, const char *view,
    const char *metadata)
{
	const char *newer = view != NULL ? kept(s->views, view) : NULL;

	return newer != NULL ? newer : metadata;
}

void
slack_view_wait(struct slack *s, const char *token, const char *json)
{
	keep(&s->waiting, token, json);
}

const char *
slack_view_waiting(const struct slack *s, const char *token)
{
	return kept(s->waiting, token);
}
