/*
 * http-response.h - our answers, as libmicrohttpd wants them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_IO_HTTP_RESPONSE_H
#define HOST_IO_HTTP_RESPONSE_H

#include <microhttpd.h>

#include <bellhop/plugin.h>

/* A copy of `out` with a Date of the world's clock.  Headers that would break
 * the line, or that are libmicrohttpd's business (Content-Length,
 * Transfer-Encoding), are left out.  MHD_destroy_response() it. */
struct MHD_Response *http_response_new(const struct bh_http_out *out);

/* One of our own refusals: "text\n", and the connection ends with it. */
struct MHD_Response *http_response_refusal(const char *text);

#endif /* HOST_IO_HTTP_RESPONSE_H */
