/* aws.h - one Identity Center as seen by one open block of aws-sso.
 * SPDX-License-Identifier: Apache-2.0
 *
 * struct aws owns the credentials, the endpoints, the rate governor, the
 * corrected clock and every request under way.  Everything outside is
 * reached by the calls of `host`.  Callbacks never run from inside the
 * function that took them, and none runs after aws_close().
 */

#ifndef AWS_SSO_AWS_H
#define AWS_SSO_AWS_H

#include <bellhop/plugin.h>

struct aws;

/* Strict order: what stands first here is always sent first. */
enum aws_priority {
	AWS_REVOKE,		/* take access away */
	AWS_GRANT,		/* give it */
	AWS_STATUS,		/* polls of operations under way, verification */
	AWS_INTERACTIVE,	/* somebody waits for the answer */
	AWS_SWEEP,		/* background */
	AWS_PRIORITIES		/* how many there are */
};

enum aws_service {
	AWS_SSO_ADMIN,
	AWS_IDENTITY_STORE,
	AWS_ORGANIZATIONS,
	AWS_STS,
	AWS_SERVICES		/* how many there are */
};

/* The options of a block that this folder reads: put them into the plugin's
 * option table. */
#define AWS_OPTIONS							\
	{ .key = "region", .type = BH_STRING,				\
	  .help = "region of the Identity Center, eu-west-1" },		\
	{ .key = "endpoint", .type = BH_STRING,				\
	  .help = "URL for all AWS calls, or a published name" },	\
	{ .key = "credentials", .type = BH_STRING, .preset = "default",	\
	  .help = "default, static, environment, web-identity, profile, "\
	    "container or instance" },					\
	{ .key = "profile", .type = BH_STRING,				\
	  .help = "profile in the shared AWS files" },			\
	{ .key = "access-key-id", .type = BH_STRING,			\
	  .help = "static credentials: the key's id" },			\
	{ .key = "secret-access-key", .type = BH_SECRET,		\
	  .help = "static credentials: the key" },			\
	{ .key = "session-token", .type = BH_SECRET,			\
	  .help = "static credentials: the session token, if any" },	\
	{ .key = "assume-role", .type = BH_STRING,			\
	  .help = "ARN of a role to assume for all calls" },		\
	{ .key = "external-id", .type = BH_STRING,			\
	  .help = "external id for assume-role" },			\
	{ .key = "instance", .type = BH_STRING,				\
	  .help = "ARN of the Identity Center, if there are several" },	\
	{ .key = "identity-store", .type = BH_STRING,			\
	  .help = "id of its identity store (d-...)" },			\
	{ .key = "identity-mapping", .type = BH_TREE,			\
	  .help = "attribute that tells who a person is in AWS: "	\
	    "email, userName, externalId, ..." },			\
	{ .key = "calls-per-second", .type = BH_INT, .preset = "18",	\
	  .help = "sso-admin calls a second, of AWS's 20 for all" }

/* Reads the block's options.  Needs no network.  `*error` is set to a
 * sentence (valid until the next call) on failure. */
int aws_open(struct bh_host *host, struct aws **out, const char **error);

/* Ends every request under way without its callback, wipes the secrets.
 * Takes NULL. */
void aws_close(struct aws **aws);

struct bh_host *aws_host(const struct aws *aws);

/* What the Identity Center is called; NULL until it was found or told. */
const char *aws_instance_arn(const struct aws *aws);
const char *aws_identity_store(const struct aws *aws);
const char *aws_region(const struct aws *aws);

/* Tells what was found before (the directory keeps it in the store, so that
 * a restart needs no network).  `region` may be NULL.  A different value
 * under `instance` or `identity-store` of the configuration wins. */
void aws_set_instance(struct aws *aws, const char *instance_arn,
    const char *identity_store, const char *region);

/* Finds the Identity Center by ListInstances unless it is known.
 * `error` is NULL with BH_OK. */
typedef void aws_ready_cb(void *arg, int result, const char *error);
void aws_ready(struct aws *aws, enum aws_priority priority, aws_ready_cb *cb,
    void *arg);

/* Numbers for !status and /metrics. */
struct aws_figures {
	uint64_t calls[AWS_SERVICES], throttled, retried, failed;
	size_t waiting[AWS_PRIORITIES];	/* in the governor's queues */
	unsigned outstanding, outstanding_limit;	/* writes */
	double rate;			/* sso-admin calls a second, now */
	int64_t clock_offset;		/* ms to add to our clock */
};

void aws_figures(const struct aws *aws, struct aws_figures *out);

#endif
