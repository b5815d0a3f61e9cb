/* identity-center.h - sso-admin: assignments, permission sets, instances.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The two writes are special: they are sent once, at once, signed with the
 * date that stands in the caller's committed intent, and what came of them
 * is told without guessing.  Before the first byte went out: SSO_NOT_SENT.
 * After it: SSO_UNKNOWN, unless a whole, well-formed answer to this very
 * request came.  Reads retry by themselves.
 *
 *   aws_slot -> (callback) commit the intent with signed_at = bh_now()
 *     -> sso_create/sso_delete -> poll -> aws_slot_free
 */

#ifndef AWS_SSO_IDENTITY_CENTER_H
#define AWS_SSO_IDENTITY_CENTER_H

#include "plugins/aws-sso/aws/aws.h"

enum sso_outcome {
	SSO_STATUS,	/* AWS answered: see status, request_id */
	/* Certainly without effect and worth another try with a new intent:
	 * no byte went out (also: the gate said no), or AWS refused the
	 * signature and the cause (clock, expired key) is mended. */
	SSO_NOT_SENT,
	SSO_UNKNOWN,	/* it may or may not have been done */
	SSO_CONFLICT,	/* another operation on the same tuple */
	SSO_THROTTLED,	/* see retry_after */
	SSO_DENIED,	/* our own rights do not suffice */
	SSO_INVALID,	/* refused for good: validation, quota of the account */
	SSO_NOT_FOUND,	/* no such account, permission set, request id ... */
	SSO_FAILED_5XX	/* a well-formed 5xx: of a write, as good as unknown */
};

enum sso_status { SSO_IN_PROGRESS, SSO_SUCCEEDED, SSO_FAILED };

/* `permission_set` is an ARN; `principal` a user's id. */
struct sso_tuple {
	const char *account, *permission_set, *principal;
};

struct sso_result {
	enum sso_outcome outcome;
	enum sso_status status;		/* with SSO_STATUS */
	const char *request_id;		/* of the operation, to poll by; or NULL */
	const char *aws_request_id;	/* of the HTTP call, for CloudTrail; or NULL */
	const char *error;		/* "ThrottlingException"; NULL if none */
	const char *reason;		/* FailureReason or error text; or NULL */
	int64_t retry_after;		/* ms AWS asked us to wait; 0 if not said */
	struct sso_tuple tuple;		/* as AWS has it; members may be NULL */
	int64_t created;		/* ms; 0 if not said */
};

/* The result is valid until the callback returns. */
typedef void sso_cb(void *arg, const struct sso_result *result);

/* A place among the outstanding writes plus the token to send one. */
struct aws_slot;
typedef void aws_slot_cb(void *arg, struct aws_slot *slot);

/* Waits for credentials, for the rate and for a place in the pool of
 * outstanding writes; AWS_REVOKE goes before AWS_GRANT, always.  Returns the
 * slot, which the callback gets again when it is granted.  There is no
 * failure: an AWS that cannot be reached shows when sending. */
struct aws_slot *aws_slot(struct aws *aws, enum aws_priority priority,
    aws_slot_cb *cb, void *arg);

/* Gives the place back when the operation is over (or stops waiting: then
 * there is no callback).  Leaves NULL behind; NULL is fine. */
void aws_slot_free(struct aws_slot **slot);

/* Sends CreateAccountAssignment / DeleteAccountAssignment once, signed with
 * the date `signed_at` (ms; moved by the known error of our clock against
 * AWS's, nothing else).  `gate(arg)` is asked right before the first byte;
 * anything but 0 gives SSO_NOT_SENT.  Needs aws_instance_arn(). */
void sso_create(struct aws *aws, const struct sso_tuple *tuple,
    int64_t signed_at, int (*gate)(void *arg), sso_cb *cb, void *arg);
void sso_delete(struct aws *aws, const struct sso_tuple *tuple,
    int64_t signed_at, int (*gate)(void *arg), sso_cb *cb, void *arg);

/* One operation by its request id. */
void sso_creation_status(struct aws *aws, const char *request_id,
    enum aws_priority priority, sso_cb *cb, void *arg);
void sso_deletion_status(struct aws *aws, const char *request_id,
    enum aws_priority priority, sso_cb *cb, void *arg);

/* All operations that AWS remembers, one call for up to 100: the shared
 * poll.  `filter` is "IN_PROGRESS", "SUCCEEDED", "FAILED" or NULL.  With an
 * outcome other than SSO_STATUS there are no rows, and `reason` says why. */
struct sso_status_row {
	enum sso_status status;
	const char *request_id;
	int64_t created;		/* ms */
};
typedef void sso_status_list_cb(void *arg, enum sso_outcome outcome,
    const char *reason, const struct sso_status_row *rows, size_t count);

void sso_list_creation_status(struct aws *aws, const char *filter,
    enum aws_priority priority, sso_status_list_cb *cb, void *arg);
void sso_list_deletion_status(struct aws *aws, const char *filter,
    enum aws_priority priority, sso_status_list_cb *cb, void *arg);

/* Who has this permission set in this account, all pages. */
struct sso_assignment {
	const char *principal;		/* id of the user or group */
	bool group;
};
typedef void sso_assignments_cb(void *arg, enum sso_outcome outcome,
    const char *reason, const struct sso_assignment *rows, size_t count);

void sso_list_assignments(struct aws *aws, const char *account,
    const char *permission_set, enum aws_priority priority,
    sso_assignments_cb *cb, void *arg);

/* Where a permission set is provisioned (account ids), or which permission
 * sets an account has (ARNs), all pages. */
typedef void sso_names_cb(void *arg, enum sso_outcome outcome,
    const char *reason, const char *const *names, size_t count);

void sso_list_accounts_of(struct aws *aws, const char *permission_set,
    enum aws_priority priority, sso_names_cb *cb, void *arg);
void sso_list_sets_of(struct aws *aws, const char *account,
    enum aws_priority priority, sso_names_cb *cb, void *arg);
void sso_list_permission_sets(struct aws *aws, enum aws_priority priority,
    sso_names_cb *cb, void *arg);

/* True for the FAILED reasons of a deletion that mean "it was not there":
 * AWS's own way to say that the access is gone. */
bool sso_reason_is_absent(const char *reason);

/* True for reasons that say the person no longer exists in the directory. */
bool sso_reason_is_orphan(const char *reason);

#endif
