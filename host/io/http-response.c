/*
 * http-response.c - our answers, as libmicrohttpd wants them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/world.h"
#include "host/io/http-response.h"

/* An answer that breaks off: for doubles that play a failing peer. */
struct broken {
	size_t cut;
	char body[];
};

static ssize_t
broken_read(void *arg, uint64_t at, char *out, size_t max)
{
	const struct broken *b = arg;

	if (at >= b->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > b->cut - at)
		max = (size_t)(b->cut - at);
	memcpy(out, b->body + at, max);
	return (ssize_t)max;
}

/* HTTP's own form, whatever the locale is; made once a second. */
static void
add_date(struct MHD_Response *response)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static char text[64];
	static time_t made = -1;
	time_t now = (time_t)(world_now() / 1000);
	struct tm tm;

	if (now != made && gmtime_r(&now, &tm) != NULL) {
		snprintf(text, sizeof(text),
		    "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
		    days + 3 * tm.tm_wday, tm.tm_mday,
		    months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		made = now;
	}
	MHD_add_response_header(response, "Date", text);
}

/* Adds "Name: value"; true if it was a Date. */
static bool
add_line(struct MHD_Response *response, const char *line)
{
	const char *colon = strchr(line, ':'), *value;
	BH_AUTO_FREE char *name = NULL;

	if (colon == NULL || colon == line || strpbrk(line, "\r\n") != NULL)
		return false;
	name = xstrndup(line, (size_t)(colon - line));
	value = colon + 1 + strspn(colon + 1, " \t");
	if (strcasecmp(name, "content-length") == 0 ||
	    strcasecmp(name, "transfer-encoding") == 0 || *value == '\0')
		return false;
	MHD_add_response_header(response, name, value);
	return strcasecmp(name, "date") == 0;
}

static struct MHD_Response *
whole_or_cut(const struct bh_http_out *out)
{
	struct broken *b;

	if (out->cut <= 0 || (size_t)out->cut >= out->body_len) {
		char *copy = NULL;

		if (out->body_len > 0)
			copy = memcpy(xcalloc(1, out->body_len), out->body,
			    out->body_len);
		return MHD_create_response_from_buffer(out->body_len, copy,
		    MHD_RESPMEM_MUST_FREE);
	}
	b = xcalloc(1, sizeof(*b) + out->body_len);
	b->cut = (size_t)out->cut;
	memcpy(b->body, out->body, out->body_len);
	return MHD_create_response_from_callback(out->body_len, 4096,
	    broken_read, b, free);
}

struct MHD_Response *
http_response_new(const struct bh_http_out *out)
{
	struct MHD_Response *response = whole_or_cut(out);
	bool dated = false;

	if (response == NULL) {
		log_error("out of memory in the HTTP server");
		abort();
	}
	for (const char *const *h = out->headers; h != NULL && *h != NULL; h++)
		dated = add_line(response, *h) || dated;
	if (!dated)
		add_date(response);
	return response;
}

struct MHD_Response *
http_response_refusal(const char *text)
{
	BH_AUTO_FREE char *body = xasprintf("%s\n", text);
	const char *const headers[] = {
		"Content-Type: text/plain; charset=utf-8", "Connection: close",
		NULL
	};
	const struct bh_http_out out = {
		.headers = headers, .body = body, .body_len = strlen(body),
	};

	return http_response_new(&out);
}
