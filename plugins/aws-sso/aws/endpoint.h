/* endpoint.h - which URL and which signing scope a service has.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef AWS_SSO_ENDPOINT_H
#define AWS_SSO_ENDPOINT_H

#include "plugins/aws-sso/aws/aws.h"

/* "amazonaws.com", "amazonaws.com.cn", ... for a region. */
const char *endpoint_suffix(const char *region);

/* The partition in ARNs of this region: "aws", "aws-cn", ... */
const char *endpoint_partition(const char *region);

/* The region that calls to this service are signed for. */
const char *endpoint_region(enum aws_service service, const char *region);

/* The service's name in signatures: "sso". */
const char *endpoint_signing_name(enum aws_service service);

/* Appends the URL, with its path, "/" at least.  In this order: `configured`
 * (the option; may be NULL), AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL,
 * the `services` section of the profile, its endpoint_url, AWS's own host.
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true skips all between.  `profile` may
 * be NULL. */
void endpoint_url(struct bh_buf *url, enum aws_service service,
    const char *region, const char *configured, const char *profile);

#endif
