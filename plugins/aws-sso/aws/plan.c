/* plan.c - the order in which credentials are looked for.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/plan.h"

#include <strings.h>

#include "plugins/aws-sso/aws/memory.h"
#include "plugins/aws-sso/aws/profile.h"

void
keys_copy(struct keys *to, const struct keys *from)
{
	to->access = aws_strdup(from->access);
	to->secret = aws_strdup(from->secret);
	to->token = aws_strdup(from->token);
	to->expires = from->expires;
}

void
keys_wipe(struct keys *keys)
{
	aws_wipe(&keys->access);
	aws_wipe(&keys->secret);
	aws_wipe(&keys->token);
	keys->expires = 0;
}

static void
role_release(struct plan_role *role)
{
	free(role->arn);
	free(role->external_id);
	free(role->session);
}

void
plan_release(struct plan *plan)
{
	keys_wipe(&plan->keys);
	role_release(&plan->web);
	for (size_t i = 0; i < plan->roles_count; i++)
		role_release(&plan->roles[i]);
	free(plan->token_file);
	free(plan->command);
	free(plan->name);
	memset(plan, 0, sizeof(*plan));
}

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static void
set_keys(struct plan *plan, const char *access, const char *secret,
    const char *token)
{
	plan->base = PLAN_STATIC;
	plan->keys.access = aws_strdup(access);
	plan->keys.secret = aws_strdup(secret);
	plan->keys.token = aws_strdup(token);
}

static void
set_role(struct plan_role *role, const char *arn, const char *external_id,
    const char *session, const char *duration)
{
	role->arn = aws_strdup(arn);
	role->external_id = aws_strdup(external_id);
	role->session = aws_strdup(session != NULL ? session : "bellhop");
	role->duration = duration != NULL ? strtoll(duration, NULL, 10) : 0;
}

static int BH_PRINTF(2, 3)
complain(char **error, const char *format, ...)
{
	struct bh_buf text = BH_BUF(1024);
	va_list ap;

	va_start(ap, format);
	bh_buf_vadd(&text, format, ap);
	va_end(ap);
	*error = text.data;
	return BH_EINVAL;
}

/* Each of these leaves plan->base at PLAN_NONE when it does not apply. */

static int
from_options(struct plan *plan, const struct credentials_options *options,
    char **error)
{
	if (options->access == NULL && options->secret == NULL)
		return BH_OK;
	if (options->access == NULL || options->secret == NULL)
		return complain(error, "access-key-id and secret-access-key "
		    "belong together: set both or none");
	set_keys(plan, options->access, options->secret, options->token);
	plan->name = aws_strdup("options");
	return BH_OK;
}

static int
from_environment(struct plan *plan, char **error)
{
	const char *access = variable("AWS_ACCESS_KEY_ID");
	const char *secret = variable("AWS_SECRET_ACCESS_KEY");

	if (access == NULL)
		return BH_OK;
	if (secret == NULL)
		return complain(error, "AWS_ACCESS_KEY_ID is set without "
		    "AWS_SECRET_ACCESS_KEY: set both or none");
	set_keys(plan, access, secret, variable("AWS_SESSION_TOKEN"));
	plan->name = aws_strdup("environment");
	return BH_OK;
}

static int
from_web_identity(struct plan *plan, char **error)
{
	const char *file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role = variable("AWS_ROLE_ARN");

	if (file == NULL)
		return BH_OK;
	if (role == NULL)
		return complain(error, "AWS_WEB_IDENTITY_TOKEN_FILE is set "
		    "without AWS_ROLE_ARN: set both or none");
	plan->base = PLAN_WEB_IDENTITY;
	plan->token_file = aws_strdup(file);
	set_role(&plan->web, role, NULL, variable("AWS_ROLE_SESSION_NAME"),
	    NULL);
	plan->name = aws_strdup("web identity");
	return BH_OK;
}

static void
from_container(struct plan *plan)
{
	if (variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") == NULL &&
	    variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") == NULL)
		return;
	plan->base = PLAN_CONTAINER;
	plan->name = aws_strdup("container");
}

static void
from_instance(struct plan *plan)
{
	const char *disabled = variable("AWS_EC2_METADATA_DISABLED");

	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return;
	plan->base = PLAN_INSTANCE;
	plan->name = aws_strdup("instance");
}

static int
from_credential_source(struct plan *plan, const char *profile,
    const char *source, char **error)
{
	int ret = BH_OK;

	if (strcmp(source, "Environment") == 0)
		ret = from_environment(plan, error);
	else if (strcmp(source, "Ec2InstanceMetadata") == 0)
		from_instance(plan);
	else if (strcmp(source, "EcsContainer") == 0)
		from_container(plan);
	else
		return complain(error, "profile \"%s\": credential_source "
		    "\"%s\" is none of Environment, Ec2InstanceMetadata, "
		    "EcsContainer", profile, source);
	if (ret == BH_OK && plan->base == PLAN_NONE)
		return complain(error, "profile \"%s\": credential_source %s "
		    "has no credentials here", profile, source);
	free(plan->name);
	plan->name = NULL;
	return ret;
}

/* Follows source_profile down; roles come out innermost first.  `depth`
 * ends circles. */
static int
follow(struct plan *plan, const struct profiles *files, const char *profile,
    bool as_source, int depth, char **error)
{
	const char *role = profiles_get(files, profile, "role_arn");
	const char *source = profiles_get(files, profile, "source_profile");
	const char *kind = profiles_get(files, profile, "credential_source");
	const char *token = profiles_get(files, profile,
	    "web_identity_token_file");
	const char *access = profiles_get(files, profile, "aws_access_key_id");
	const char *secret = profiles_get(files, profile,
	    "aws_secret_access_key");
	const char *command = profiles_get(files, profile,
	    "credential_process");
	int ret;

	if (depth > PLAN_ROLES)
		return complain(error, "profile \"%s\": source_profile goes "
		    "round in a circle, or more than %d roles deep", profile,
		    PLAN_ROLES);
	if (!profiles_has(files, profile))
		return complain(error, "profile \"%s\" is not in the shared "
		    "AWS files: add it, or correct the name", profile);
	/* A profile may name itself as the source of its own static keys. */
	if (as_source && access != NULL && secret != NULL) {
		set_keys(plan, access, secret, profiles_get(files, profile,
		    "aws_session_token"));
		return BH_OK;
	}
	if (role != NULL && token != NULL) {
		plan->base = PLAN_WEB_IDENTITY;
		plan->token_file = aws_strdup(token);
		set_role(&plan->web, role, NULL, profiles_get(files, profile,
		    "role_session_name"), NULL);
		return BH_OK;
	}
	if (role != NULL) {
		if ((source == NULL) == (kind == NULL))
			return complain(error, "profile \"%s\": role_arn "
			    "needs one of source_profile and "
			    "credential_source", profile);
		ret = source != NULL ? follow(plan, files, source, true,
		    depth + 1, error) : from_credential_source(plan, profile,
		    kind, error);
		if (ret != BH_OK)
			return ret;
		if (plan->roles_count == PLAN_ROLES)
			return complain(error, "profile \"%s\": more than %d "
			    "roles deep", profile, PLAN_ROLES);
		set_role(&plan->roles[plan->roles_count++], role,
		    profiles_get(files, profile, "external_id"),
		    profiles_get(files, profile, "role_session_name"),
		    profiles_get(files, profile, "duration_seconds"));
		return BH_OK;
	}
	if (access != NULL && secret != NULL)
		set_keys(plan, access, secret, profiles_get(files, profile,
		    "aws_session_token"));
	else if (command != NULL) {
		plan->base = PLAN_PROCESS;
		plan->command = aws_strdup(command);
	} else if (access != NULL || secret != NULL)
		return complain(error, "profile \"%s\" has half a key: set "
		    "aws_access_key_id and aws_secret_access_key", profile);
	return BH_OK;
}

static int
from_profile(struct plan *plan, const char *named, bool must, char **error)
{
	const char *profile = named != NULL ? named : profiles_default();
	struct profiles *files = profiles_load();
	int ret = BH_OK;

	/* The preset profile need not exist; one that was asked for must. */
	if (must || named != NULL || variable("AWS_PROFILE") != NULL ||
	    profiles_has(files, profile))
		ret = follow(plan, files, profile, false, 0, error);
	profiles_free(&files);
	if (ret == BH_OK && plan->base != PLAN_NONE) {
		struct bh_buf name = BH_BUF(1024);

		bh_buf_add(&name, "profile %s", profile);
		free(plan->name);
		plan->name = name.data;
	} else if (ret == BH_OK && must)
		ret = complain(error, "profile \"%s\" has no credentials that "
		    "a service can use: give it a key, a role or a "
		    "credential_process", profile);
	return ret;
}

static int
find(struct plan *plan, const struct credentials_options *o, char **error)
{
	const char *only = o->source != NULL ? o->source : "default";
	bool all = strcmp(only, "default") == 0;
	bool known = all;
	int ret = BH_OK;

#define TRY(word, call)							\
	do {								\
		known = known || strcmp(only, (word)) == 0;		\
		if (ret == BH_OK && plan->base == PLAN_NONE &&		\
		    (all || strcmp(only, (word)) == 0))			\
			call;						\
	} while (0)
	TRY("static", ret = from_options(plan, o, error));
	/* A profile in the options is meant more than what lies around. */
	if (all && o->profile != NULL)
		TRY("profile", ret = from_profile(plan, o->profile, true,
		    error));
	TRY("environment", ret = from_environment(plan, error));
	TRY("web-identity", ret = from_web_identity(plan, error));
	TRY("profile", ret = from_profile(plan, o->profile, !all, error));
	TRY("container", from_container(plan));
	TRY("instance", from_instance(plan));
#undef TRY
	if (!known)
		return complain(error, "credentials \"%s\" is none of default, "
		    "static, environment, web-identity, profile, container, "
		    "instance", only);
	if (ret == BH_OK && plan->base == PLAN_NONE)
		return complain(error, "no AWS credentials found (%s): set "
		    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a "
		    "profile, or run where AWS gives a role", only);
	return ret;
}

int
plan_make(struct plan *out, const struct credentials_options *options,
    char **error)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = find(out, options, error);
	if (ret == BH_OK && options->assume_role != NULL) {
		if (out->roles_count == PLAN_ROLES)
			ret = complain(error, "assume-role: more than %d "
			    "roles deep", PLAN_ROLES);
		else
			set_role(&out->roles[out->roles_count++],
			    options->assume_role, options->external_id, NULL,
			    NULL);
	}
	if (ret != BH_OK)
		plan_release(out);
	return ret;
}

/* Plain http only where nobody can listen in between. */
static bool
http_allowed(const char *host, size_t len)
{
	static const char *const hosts[] = { "localhost", "[::1]",
		"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (strlen(hosts[i]) == len &&
		    strncasecmp(host, hosts[i], len) == 0)
			return true;
	return len > 4 && strncmp(host, "127.", 4) == 0 &&
	    strspn(host, "0123456789.") == len;
}

int
plan_container_url(struct bh_buf *url, const char **error)
{
	const char *relative =
	    variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *host;
	size_t len;

	if (relative != NULL) {
		if (*relative != '/') {
			*error = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must "
			    "begin with /";
			return BH_EINVAL;
		}
		bh_buf_add(url, "http://169.254.170.2%s", relative);
		return BH_OK;
	}
	if (full == NULL) {
		*error = "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set";
		return BH_EINVAL;
	}
	if (strncmp(full, "https://", 8) == 0) {
		bh_buf_puts(url, full);
		return BH_OK;
	}
	host = strncmp(full, "http://", 7) == 0 ? full + 7 : "";
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#@");
	if (!http_allowed(host, len) || host[strcspn(host, "@/")] == '@') {
		*error = "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, "
		    "or http to this machine or to 169.254.170.2 or .23";
		return BH_EINVAL;
	}
	bh_buf_puts(url, full);
	return BH_OK;
}
