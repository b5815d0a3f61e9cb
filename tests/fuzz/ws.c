/* ws.c - fuzz target: what a WebSocket server says, from its first byte on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: a head and frames, as they come; without a head, frames alone.
 */

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/io/loop-inside.h"
#include "host/io/websocket-inside.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGE_MAX	4000u

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";	/* of RFC 6455 */

/* The same, however it is cut into pieces. */
static long
head_of(const char *data, size_t len)
{
	const char *why = NULL, *other = NULL;
	int status = 0, again = 0;
	long ret = ws_head_answer(data, len, key, &status, &why), part = 0;

	check(ret <= (long)len);
	check((ret < 0) == (why != NULL));
	check((ret == BH_EPERM) == (status >= 200));
	for (size_t n = 0; n < len && part == 0; n += n < 600 ? 1 : 997)
		part = ws_head_answer(data, n, key, &again, &other);
	check(part == 0 || part == ret);
	return ret;
}

struct got { size_t messages; };

static void
message(void *arg, const char *text, size_t len)
{
	struct got *got = arg;

	check(len <= MESSAGE_MAX);
	check(text[len] == '\0');
	check(text_utf8_ok(text, len));
	got->messages++;
}

/* As if all had come with the head: nothing is asked of libcurl. */
static void
frames(const uint8_t *data, size_t len)
{
	static struct loop loop = { .magic = LOOP_MAGIC };
	static struct http_client client = { .magic = HTTP_CLIENT_MAGIC,
	    .loop = &loop };
	struct got got = { 0 };
	char *copy = xcalloc(1, len + 1);
	struct bh_socket s = {
		.magic = WEBSOCKET_MAGIC, .client = &client,
		.stage = WEBSOCKET_OPEN, .calls.message = message, .arg = &got,
		.message = BH_BUF(MESSAGE_MAX),
		.head = { copy, len, len + 1, len, false },
	};

	memcpy(copy, data, len);
	s.url.host = xstrdup("h");
	websocket_frames_init(&s);
	websocket_frames_read(&s);
	websocket_frames_write(&s);
	check(s.head_at <= len);
	check(got.messages <= len / 2);
	check(!s.ended || s.why != NULL);
	if (!s.ended && s.stage == WEBSOCKET_OPEN)
		check(s.head_at == len && s.again);
	wslay_event_context_free(s.frames);
	ws_queue_release(&s.out);
	bh_buf_release(&s.message);
	free(s.url.host);
	free(s.why);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	long head = 0;

	if (len >= 4 && memcmp(data, "HTTP", 4) == 0) {
		head = head_of((const char *)data, len);
		if (head <= 0)
			return 0;
	}
	frames(data + head, len - (size_t)head);
	return 0;
}
