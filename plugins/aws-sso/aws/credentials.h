/* credentials.h - the keys that requests are signed with, always fresh.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where they come from, in this order: the options (static), environment,
 * web identity, shared files, container, instance.  One refresh runs at a
 * time, before the old keys end; meanwhile everybody goes on with those.
 */

#ifndef AWS_SSO_CREDENTIALS_H
#define AWS_SSO_CREDENTIALS_H

#include "plugins/aws-sso/aws/aws.h"

struct keys {
	char *access, *secret, *token;	/* token: NULL if there is none */
	int64_t expires;		/* ms; 0: never */
};

void keys_copy(struct keys *to, const struct keys *from);
void keys_wipe(struct keys *keys);

/* What the options say; members may be NULL.  Copied. */
struct credentials_options {
	const char *source;		/* option `credentials` */
	const char *region, *profile, *endpoint;
	const char *access, *secret, *token;
	const char *assume_role, *external_id;
};

struct credentials;

/* BH_OK, or BH_EINVAL with a sentence that lives for ever. */
int credentials_open(struct bh_host *host,
    const struct credentials_options *options, struct credentials **out,
    const char **error);
void credentials_close(struct credentials **credentials);

/* Runs the callback, later, with keys that are good now, or with NULL and a
 * sentence.  `credentials_forget` takes back all that were asked with `arg`. */
typedef void credentials_cb(void *arg, const struct keys *keys,
    const char *error);
void credentials_get(struct credentials *credentials, credentials_cb *cb,
    void *arg);
void credentials_forget(struct credentials *credentials, const void *arg);

/* The keys that are good now, NULL if there are none (then they are being
 * fetched).  Valid until the callback returns. */
const struct keys *credentials_now(struct credentials *credentials);

/* AWS said that `access` has expired or is unknown: gets others.  False if
 * that would not help (they never change, or were just renewed). */
bool credentials_expired(struct credentials *credentials, const char *access);

/* Where they come from, for people: "profile dev, role arn:aws:..." */
const char *credentials_name(const struct credentials *credentials);

#endif
