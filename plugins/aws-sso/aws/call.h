/* call.h - one AWS call: governed, signed, sent, understood, tried again.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_CALL_H
#define AWS_SSO_CALL_H

#include "plugins/aws-sso/aws/aws.h"

struct aws_call;

struct aws_request {
	enum aws_service service;
	const char *operation;		/* "ListInstances" */
	/* The members of the JSON object, without its braces; InstanceArn
	 * (sso-admin) and IdentityStoreId (identitystore) are added, after
	 * the Identity Center was found if it has to be.  For STS: the form
	 * fields after Action and Version, each with its "&". */
	const char *body;
	enum aws_priority priority;
	/* A write: sent once, never tried again, and without asking the
	 * governor, since its slot was granted before. */
	bool once;
	bool bare;			/* add no InstanceArn */
	int64_t signed_at;		/* ms; 0: now.  Only with `once` */
	int (*gate)(void *arg);		/* as in struct bh_http; may be NULL */
};

struct aws_answer {
	int result;		/* BH_OK: a whole, well-formed 2xx came */
	bool sent;		/* false: certainly no byte of it was written */
	bool whole;		/* a whole HTTP answer came, whatever it says */
	bool well_formed;	/* and it is an AWS answer or AWS error */
	/* The signature was refused and what was wrong with it (our clock, an
	 * old key) is mended: the same call is worth another try. */
	bool mended;
	int status;		/* HTTP status; 0 if none */
	const char *error;	/* "ThrottlingException"; NULL if none */
	const char *message;	/* sentence with result other than BH_OK */
	const char *reason;	/* member Reason of the error; or NULL */
	const char *request_id;	/* NULL if none */
	int64_t retry_after;	/* ms; 0 if not said */
	const struct bh_value *value;	/* the JSON answer; NULL for STS */
	const char *body;	/* the answer as it came, never NULL */
};

/* Everything in the answer is valid until the callback returns. */
typedef void aws_call_cb(void *arg, const struct aws_answer *answer);

/* Starts a call.  The callback runs exactly once, later, unless the call is
 * cancelled.  The request is copied. */
struct aws_call *aws_call(struct aws *aws, const struct aws_request *request,
    aws_call_cb *cb, void *arg);

/* No callback after this.  Leaves NULL behind; NULL is fine. */
void aws_call_cancel(struct aws_call **call);

/* Kinds of error, by name. */
bool aws_error_is_throttle(const char *error);
bool aws_error_is_expired(const char *error);	/* refresh the credentials */
bool aws_error_is_skew(const char *error);	/* perhaps our clock */

/* All pages of a list: NextToken is added to the body.  page() sees each page
 * and returns 0 to go on; done() runs once, with the answer that ended it
 * (the last page, or the first failure).  Both get `arg`. */
typedef int aws_page_cb(void *arg, const struct bh_value *page);
void aws_pages(struct aws *aws, const struct aws_request *request,
    aws_page_cb *page, aws_call_cb *done, void *arg);

#endif
