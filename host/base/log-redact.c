/*
 * log-redact.c - what must not stand in a log: secrets and control codes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <openssl/crypto.h>
#include <pthread.h>
#include <strings.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"

#define MASK		"****"
#define SECRET_MIN	4	/* shorter ones would mask ordinary words */
#define SECRETS_MAX	1024

static struct {
	pthread_mutex_t lock;
	char **list;
	size_t count;
	unsigned begin[256];	/* how many begin with that byte */
} secrets = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
log_redact_add(const char *secret)
{
	bool known = false;

	if (secret == NULL || strlen(secret) < SECRET_MIN)
		return;
	pthread_mutex_lock(&secrets.lock);
	for (size_t i = 0; i < secrets.count && !known; i++)
		known = text_same_secret(secrets.list[i], secret);
	if (!known && secrets.count < SECRETS_MAX) {
		secrets.list = xrealloc(secrets.list, secrets.count + 1,
		    sizeof(*secrets.list));
		secrets.list[secrets.count++] = xstrdup(secret);
		secrets.begin[(unsigned char)*secret]++;
	}
	pthread_mutex_unlock(&secrets.lock);
}

void
log_redact_remove(const char *secret)
{
	pthread_mutex_lock(&secrets.lock);
	for (size_t i = 0; secret != NULL && i < secrets.count; i++) {
		char *s = secrets.list[i];

		if (!text_same_secret(s, secret))
			continue;
		secrets.list[i] = secrets.list[--secrets.count];
		secrets.begin[(unsigned char)*secret]--;
		xfree_secret(s, strlen(s));
		break;
	}
	if (secrets.count == 0) {
		free(secrets.list);
		secrets.list = NULL;
	}
	pthread_mutex_unlock(&secrets.lock);
}

/* How many bytes of s are of a token's letters. */
static size_t
redact_token(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-_+/=.~");
}

static size_t
redact_registered(const char *s)
{
	size_t longest = 0;

	if (secrets.begin[(unsigned char)*s] == 0)
		return 0;
	for (size_t i = 0; i < secrets.count; i++) {
		size_t len = strlen(secrets.list[i]);

		if (len > longest && strncmp(s, secrets.list[i], len) == 0)
			longest = len;
	}
	return longest;
}

/* "eyJ...": three runs of base64url with points between them. */
static size_t
redact_jwt(const char *s)
{
	size_t n = 0;
	int points = 0;

	if (strncmp(s, "eyJ", 3) != 0)
		return 0;
	for (;; n++) {
		n += strspn(s + n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
		    "qrstuvwxyz0123456789-_");
		if (s[n] != '.' || points == 4)
			break;
		points++;
	}
	return points >= 1 && n > 20 ? n : 0;
}

/* xoxb-, xapp-: Slack; AKIA, ASIA and 16 letters: AWS keys. */
static size_t
redact_known_shape(const char *s)
{
	if ((strncmp(s, "xox", 3) == 0 && s[3] != '\0' && s[4] == '-') ||
	    strncmp(s, "xapp-", 5) == 0) {
		size_t n = redact_token(s);

		return n > 8 ? n : 0;
	}
	if (strncmp(s, "AKIA", 4) == 0 || strncmp(s, "ASIA", 4) == 0) {
		size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

		return n >= 16 ? n : 0;
	}
	return redact_jwt(s);
}

/* After these words the rest of the value goes, scheme and all, up to the end
 * of the line or the quote that holds it. */
static size_t
redact_header(const char *s, size_t *keep)
{
	static const char *const words[] = {
		"authorization", "x-amz-security-token", "x-slack-signature",
		"client_secret", "aws_secret_access_key", "secretaccesskey",
		"sessiontoken",
	};

	if (strchr("aAcCsSxX", *s) == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if (strncasecmp(s, words[i], len) != 0)
			continue;
		len += strspn(s + len, "\"' ");
		if (s[len] != ':' && s[len] != '=')
			continue;
		len++;
		len += strspn(s + len, "\"' ");
		*keep = len;
		/* A header's value has blanks in it; others have not. */
		return strcspn(s + len, i < 3 ? "\r\n\"'" : "\r\n\"'&,; ");
	}
	return 0;
}

/* One character, shown in a way that cannot move a terminal or a parser. */
static size_t
redact_char(struct bh_buf *out, const char *s)
{
	const char *next = s;
	uint32_t c = text_next(&next);
	size_t len = (size_t)(next - s);

	if (c == '\n')
		bh_buf_puts(out, "\\n");
	else if (c == '\t')
		bh_buf_puts(out, "\\t");
	else if (c == 0xfffd && len == 1)
		bh_buf_add(out, "\\x%02x", (unsigned char)*s);
	else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		bh_buf_add(out, "\\x%02x", (unsigned)c);
	else if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0xfeff)
		bh_buf_add(out, "\\u%04x", (unsigned)c);
	else
		bh_buf_put(out, s, len);
	return len;
}

/* As much of it as there is room for. */
static void
redact_plain(struct bh_buf *out, const char *s, size_t len)
{
	size_t room = out->max - out->len;

	bh_buf_put(out, s, len < room ? len : room);
	out->overflow = out->overflow || len > room;
}

void
log_redact(struct bh_buf *out, const char *text)
{
	const char *run = text;		/* from here on, shown as it is */
	bool word_before = false;

	pthread_mutex_lock(&secrets.lock);
	while (*text != '\0' && !out->overflow) {
		size_t keep = 0, n = redact_registered(text);

		if (n == 0 && !word_before)
			n = redact_known_shape(text);
		if (n == 0 && !word_before)
			n = redact_header(text, &keep);
		text += keep;		/* visible ASCII alone */
		if (n > 0) {
			redact_plain(out, run, (size_t)(text - run));
			bh_buf_puts(out, MASK);
			run = text += n;
			word_before = false;
			continue;
		}
		char c = *text;
		if (c == '\0')
			break;
		word_before = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || c == '_';
		if (c >= 0x20 && c < 0x7f) {
			text++;
			continue;
		}
		redact_plain(out, run, (size_t)(text - run));
		run = text += redact_char(out, text);
	}
	redact_plain(out, run, (size_t)(text - run));
	pthread_mutex_unlock(&secrets.lock);
}
