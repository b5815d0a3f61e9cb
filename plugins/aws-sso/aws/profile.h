/* profile.h - the shared AWS files: ~/.aws/config and ~/.aws/credentials.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_PROFILE_H
#define AWS_SSO_PROFILE_H

#include <bellhop/plugin.h>

struct profiles;

/* Reads AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, or the usual places
 * below HOME.  A file that is missing or cannot be read is as an empty one.
 * Never NULL. */
struct profiles *profiles_load(void);
/* Wipes and frees; NULL is fine. */
void profiles_free(struct profiles **profiles);

bool profiles_has(const struct profiles *profiles, const char *profile);

/* A property of a profile, from the credentials file first; NULL if it is
 * not set.  A sub-property is named "services.endpoint_url". */
const char *profiles_get(const struct profiles *profiles, const char *profile,
    const char *key);

/* The same in a [services NAME] section of the config file. */
const char *profiles_service(const struct profiles *profiles,
    const char *section, const char *key);

/* The profile to use when none was named: AWS_PROFILE or "default". */
const char *profiles_default(void);

/* A whole small file; NULL if it cannot be read or is larger than 1 MiB. */
char *profiles_read_file(const char *path);

#endif
