/* sts.c - temporary credentials: AssumeRole and its relatives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <time.h>

#include "plugins/aws-sandbox/sandbox.h"

static void
random_text(struct sandbox *sb, char *out, size_t n, const char *alphabet)
{
	size_t letters = strlen(alphabet);
	unsigned char raw[256];

	assert(n <= sizeof(raw));
	bh_random(sb->host, raw, n);
	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[raw[i] % letters];
	out[n] = '\0';
}

/* Forgets sessions that ended a day ago: an expired token gets its own
 * error for as long as anybody is likely to try it. */
static void
sessions_trim(struct sandbox *sb)
{
	size_t to = 0;

	for (size_t i = 0; i < sb->sessions.count; i++)
		if (sb->sessions.at[i].expires + 86400000 > bh_now(sb->host))
			sb->sessions.at[to++] = sb->sessions.at[i];
	sb->sessions.count = to;
}

/* Index of the account in "arn:aws:iam::ID:role/NAME"; -1: no such. */
static int
role_account(struct call *c, const char *arn, const char **name)
{
	char id[13], tail[1025];

	if (sscanf(arn, "arn:aws:iam::%12[0-9]:role/%1024s", id, tail) != 2)
		return -1;
	*name = strrchr(arn, '/') + 1;
	return account_find(c->sb, id);
}

static void
put_session(struct call *c, const struct session *s)
{
	time_t t = (time_t)(s->expires / 1000);
	struct tm tm;
	char when[32] = "";

	if (gmtime_r(&t, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	bh_buf_add(&c->out, "<AssumedRoleUser><AssumedRoleId>%s"
	    "</AssumedRoleId><Arn>%s</Arn></AssumedRoleUser>",
	    s->caller.user_id, s->caller.arn);
	bh_buf_add(&c->out, "<Credentials><AccessKeyId>%s</AccessKeyId>"
	    "<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s"
	    "</SessionToken><Expiration>%s</Expiration></Credentials>",
	    s->key, s->secret, s->token, when);
	bh_buf_puts(&c->out, "<PackedPolicySize>0</PackedPolicySize>");
}

static void
give_session(struct call *c)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *role = NULL;
	const char *arn = call_text(c, "RoleArn");
	double seconds = call_number(c, "DurationSeconds", 3600);
	int account = role_account(c, arn, &role);
	char hex[17];

	if (account < 0) {
		call_error(c, "AccessDenied", "User: %s is not authorized to "
		    "perform: sts:%s on resource: %s", c->caller.arn,
		    c->op->name, arn);
		c->status = 403;
		return;
	}
	if (c->caller.session && seconds > 3600) {
		call_error(c, "ValidationError", "The requested "
		    "DurationSeconds exceeds the 1 hour session limit for "
		    "roles assumed by role chaining");
		return;
	}
	sessions_trim(c->sb);

	struct session *s = list_add(&c->sb->sessions);

	memcpy(s->key, "ASIA", 4);
	random_text(c->sb, s->key + 4, 16, upper);
	random_text(c->sb, s->secret, 40, base64);
	random_text(c->sb, s->token, 200, base64);
	s->expires = bh_now(c->sb->host) + (int64_t)seconds * 1000;
	s->caller.account = account;
	s->caller.session = true;
	stable_hex(hex, 16, "role", arn);
	for (char *p = hex; *p != '\0'; p++)
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	snprintf(s->caller.arn, sizeof(s->caller.arn),
	    "arn:aws:sts::%s:assumed-role/%.64s/%.64s",
	    c->sb->accounts.at[account].id, role,
	    call_text(c, "RoleSessionName"));
	snprintf(s->caller.user_id, sizeof(s->caller.user_id), "AROA%s:%.64s",
	    hex, call_text(c, "RoleSessionName"));
	state_note_session(c->sb, s);
	put_session(c, s);
}

/* Decodes base64url; returns the length, 0 if it is not that. */
static size_t
base64url(char *out, size_t size, const char *s, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t bits = 0;
	size_t n = 0;
	int have = 0;

	for (size_t i = 0; i < len; i++) {
		const char *p = s[i] != '\0' ? strchr(letters, s[i]) : NULL;

		if (p == NULL || n + 1 >= size)
			return 0;
		bits = bits << 6 | (uint32_t)(p - letters);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	out[n] = '\0';
	return n;
}

/* The payload of a token HEADER.PAYLOAD.SIGNATURE, as JSON, or NULL. */
static struct bh_value *
token_payload(struct call *c, const char *token)
{
	const char *first = strchr(token, '.');
	const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
	const char *error;
	char text[8192];
	size_t len;

	if (second == NULL || strchr(second + 1, '.') != NULL)
		return NULL;
	len = base64url(text, sizeof(text), first + 1,
	    (size_t)(second - first) - 1);
	return len > 0 ? bh_json(c->sb->host, text, len, &error) : NULL;
}

/* The issuer's signature is not checked: no issuer is set up here.  That it
 * is a token and has not expired is. */
static void
assume_with_web_identity(struct call *c)
{
	struct bh_value *v = token_payload(c, call_text(c, "WebIdentityToken"));
	double expires = bh_get_number(v, "exp", 0);
	const char *subject = bh_get_text(v, "sub");

	if (subject == NULL)
		call_error(c, "InvalidIdentityToken", "The ID Token provided "
		    "is not a valid JWT. (You may see this error if you sent "
		    "an Access Token)");
	else if (expires > 0 && expires * 1000 <= (double)bh_now(c->sb->host))
		call_error(c, "ExpiredTokenException", "Token expired: "
		    "current date/time must be before the expiration "
		    "date/time");
	else
		give_session(c);
	if (c->code == NULL && strpbrk(subject, "<&>") == NULL)
		bh_buf_add(&c->out, "<SubjectFromWebIdentityToken>%s"
		    "</SubjectFromWebIdentityToken>", subject);
	bh_json_free(c->sb->host, v);
}

static void
caller_identity(struct call *c)
{
	bh_buf_add(&c->out, "<UserId>%s</UserId><Account>%s</Account>"
	    "<Arn>%s</Arn>", c->caller.user_id,
	    c->sb->accounts.at[c->caller.account].id, c->caller.arn);
}

static const struct field assume[] = {
	{ "RoleArn", &shape_role, true },
	{ "RoleSessionName", &shape_session_name, true },
	{ "DurationSeconds", &shape_seconds, false },
	{ "ExternalId", &shape_external, false },
	{ "Policy", &shape_policy, false }, { 0 } };
static const struct field assume_web[] = {
	{ "RoleArn", &shape_role, true },
	{ "RoleSessionName", &shape_session_name, true },
	{ "WebIdentityToken", &shape_jwt, true },
	{ "DurationSeconds", &shape_seconds, false },
	{ "Policy", &shape_policy, false }, { 0 } };

const struct op sts_ops[] = {
	{ "AssumeRole", STS, 0, give_session, assume, 0, 0 },
	{ "AssumeRoleWithWebIdentity", STS, OP_UNSIGNED,
	  assume_with_web_identity, assume_web, 0, 0 },
	{ "GetCallerIdentity", STS, 0, caller_identity, NULL, 0, 0 },
	{ 0 }
};
