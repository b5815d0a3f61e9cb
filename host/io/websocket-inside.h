/* websocket-inside.h - what the files of our WebSockets share.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_IO_WEBSOCKET_INSIDE_H
#define HOST_IO_WEBSOCKET_INSIDE_H

#include <wslay/wslay.h>

#include "host/io/http-client-inside.h"
#include "host/io/websocket.h"
#include "host/io/ws-head.h"
#include "host/io/ws-queue.h"

/* What may wait to go out; while more does, nothing is read. */
#define WEBSOCKET_QUEUE_MAX	(8u * 1024u * 1024u)

enum websocket_stage {
	WEBSOCKET_NEW,		/* begins when the loop comes round */
	WEBSOCKET_CONNECTING,	/* libcurl's */
	WEBSOCKET_ASKING,	/* the request goes out, its answer comes */
	WEBSOCKET_OPEN,
	WEBSOCKET_CLOSING	/* a goodbye was said, by either side */
};

struct bh_socket {
	unsigned magic;		/* WEBSOCKET_MAGIC */
	struct http_client *client;
	struct bh_socket *next, **prev;
	enum websocket_stage stage;
	struct ws_url url;
	char key[WS_KEY_SIZE];
	struct bh_buf request;

	CURL *easy;
	char error[CURL_ERROR_SIZE];
	uv_poll_t *poll;
	int polled;		/* UV_READABLE, UV_WRITABLE */

	/* In: the head, and what came with it but belongs to the frames. */
	struct bh_buf head;
	size_t head_at;
	wslay_event_context_ptr frames;
	bool in_message;	/* the frame that is coming is data */
	struct bh_buf message;
	size_t budget;		/* bytes that may still be read this turn */
	int64_t heard;		/* the last byte of a frame, world_mono() */
	struct ws_queue out;

	/* How it ends, once that is known; the first cause counts. */
	bool ended;
	int result, code;
	char *why;

	unsigned busy;		/* our own code, or a call, is on the stack */
	bool gone;		/* dropped */
	bool again;		/* there is more to read than the budget took */
	bool dry;		/* there is nothing more to read now */
	int64_t timeout, ping, silence;
	struct bh_timer *deadline, *pinger, *watchdog, *soon;
	struct bh_socket_calls calls;
	void *arg;
	const char *who;
};

/* websocket.c */
/* It has ended, with this; the first word counts.  The call comes later. */
void websocket_end(struct bh_socket *s, int result, int code,
    const char *why);
/* curl_easy_recv(): bytes, 0 when there are none now, -1 after it failed. */
ssize_t websocket_receive(struct bh_socket *s, void *buf, size_t len);

/* websocket-frames.c */
void websocket_frames_init(struct bh_socket *s);
/* Takes in what there is, within the budget; messages are delivered. */
void websocket_frames_read(struct bh_socket *s);
/* Moves frames that wait into s->out. */
void websocket_frames_write(struct bh_socket *s);
void websocket_frames_ping(struct bh_socket *s);
int websocket_frames_text(struct bh_socket *s, const char *text, size_t len);
void websocket_frames_close(struct bh_socket *s, int code);

#endif /* HOST_IO_WEBSOCKET_INSIDE_H */
