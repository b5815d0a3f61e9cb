/* websocket-frames.c - frames and messages, by wslay.
 * SPDX-License-Identifier: Apache-2.0
 *
 * wslay knows the protocol: masks, lengths, fragments, UTF-8, pongs, codes.
 * Messages are put together here, so that their size has one limit whatever
 * they are cut into.
 */

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/base/world.h"
#include "host/io/loop-inside.h"
#include "host/io/websocket-inside.h"

#define KEPT_BYTES	(64u * 1024u)	/* of a message's memory */

static struct bh_socket *
socket_of(void *arg)
{
	return CAST(struct bh_socket, arg, WEBSOCKET_MAGIC);
}

static ssize_t
want_bytes(wslay_event_context_ptr frames, uint8_t *buf, size_t len,
    int flags, void *arg)
{
	struct bh_socket *s = socket_of(arg);
	size_t left = s->head.len - s->head_at;
	ssize_t n = 0;

	(void)flags;
	if (s->gone || s->ended) {
		wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
		return -1;
	}
	if (left > 0) {
		if (len > left)
			len = left;
		memcpy(buf, s->head.data + s->head_at, len);
		s->head_at += len;
		n = (ssize_t)len;
	} else if (s->budget == 0)
		s->again = true;
	else
		n = websocket_receive(s, buf, len < s->budget ? len :
		    s->budget);
	s->dry = n <= 0;
	if (n <= 0) {
		wslay_event_set_error(frames, n < 0 ?
		    WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (left == 0)
		s->budget -= (size_t)n;
	s->heard = world_mono();
	return n;
}

static ssize_t
give_bytes(wslay_event_context_ptr frames, const uint8_t *data, size_t len,
    int flags, void *arg)
{
	(void)frames;
	(void)flags;
	ws_queue_put(&socket_of(arg)->out, data, len);
	return (ssize_t)len;
}

static int
make_mask(wslay_event_context_ptr frames, uint8_t *buf, size_t len, void *arg)
{
	(void)frames;
	(void)arg;
	world_random(buf, len);
	return 0;
}

static void
frame_begins(wslay_event_context_ptr frames,
    const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
	struct bh_socket *s = socket_of(arg);

	(void)frames;
	s->in_message = !wslay_is_ctrl_frame(frame->opcode);
	if (s->in_message && frame->opcode != WSLAY_CONTINUATION_FRAME)
		bh_buf_clear(&s->message);
}

static void
refuse(struct bh_socket *s, uint16_t code, const char *why)
{
	wslay_event_queue_close(s->frames, code, NULL, 0);
	wslay_event_shutdown_read(s->frames);
	websocket_end(s, BH_EPARSE, code, why);
}

static void
frame_goes_on(wslay_event_context_ptr frames,
    const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *arg)
{
	struct bh_socket *s = socket_of(arg);

	(void)frames;
	if (!s->in_message)
		return;
	bh_buf_put(&s->message, chunk->data, chunk->data_length);
	if (s->message.overflow)
		refuse(s, WSLAY_CODE_MESSAGE_TOO_BIG,
		    "sent a message that is larger than allowed");
}

static void
message_came(wslay_event_context_ptr frames,
    const struct wslay_event_on_msg_recv_arg *msg, void *arg)
{
	struct bh_socket *s = socket_of(arg);
	struct loop_turn turn;

	(void)frames;
	if (wslay_is_ctrl_frame(msg->opcode) || s->ended || s->gone)
		return;
	if (msg->opcode != WSLAY_TEXT_FRAME) {
		refuse(s, WSLAY_CODE_UNSUPPORTED_DATA,
		    "sent binary data where text belongs");
		return;
	}
	if (!text_utf8_ok(bh_buf_text(&s->message), s->message.len)) {
		refuse(s, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA,
		    "sent text that is not UTF-8");
		return;
	}
	if (s->stage == WEBSOCKET_OPEN && s->calls.message != NULL) {
		turn = loop_enter(s->client->loop, s->who);
		s->calls.message(s->arg, bh_buf_text(&s->message),
		    s->message.len);
		loop_leave(turn);
	}
	bh_buf_clear(&s->message);
	if (s->message.size > KEPT_BYTES)
		bh_buf_release(&s->message);
	if (s->gone)
		wslay_event_shutdown_read(s->frames);
}

void
websocket_frames_init(struct bh_socket *s)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = want_bytes, .send_callback = give_bytes,
		.genmask_callback = make_mask,
		.on_frame_recv_start_callback = frame_begins,
		.on_frame_recv_chunk_callback = frame_goes_on,
		.on_msg_recv_callback = message_came,
	};

	if (wslay_event_context_client_init(&s->frames, &callbacks, s) != 0) {
		log_error("out of memory in a WebSocket");
		abort();
	}
	wslay_event_config_set_no_buffering(s->frames, 1);
	wslay_event_config_set_max_recv_msg_length(s->frames, s->message.max);
	s->heard = world_mono();
}

void
websocket_frames_read(struct bh_socket *s)
{
	int ret;

	/* wslay stops short where a frame's head is cut, although there may be
	 * more that no poll tells of: libcurl has it already. */
	do {
		s->dry = false;
		ret = wslay_event_recv(s->frames);
	} while (ret == 0 && !s->dry && !s->again && !s->ended && !s->gone &&
	    wslay_event_get_read_enabled(s->frames));
	if (s->ended || s->gone)
		return;
	if (ret == WSLAY_ERR_NOMEM)
		websocket_end(s, BH_ENET, WSLAY_CODE_ABNORMAL_CLOSURE,
		    "cannot be read from: out of memory");
	else if (ret != 0)
		websocket_end(s, BH_EPARSE, WSLAY_CODE_PROTOCOL_ERROR,
		    "sent a frame that is none");
	else if (wslay_event_get_close_received(s->frames)) {
		s->stage = WEBSOCKET_CLOSING;
	} else if (!wslay_event_get_read_enabled(s->frames)) {
		/* wslay queued a goodbye that says what was wrong. */
		websocket_frames_write(s);
		ret = wslay_event_get_status_code_sent(s->frames);
		websocket_end(s, BH_EPARSE, ret,
		    ret == WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA ?
		    "sent text that is not UTF-8" :
		    ret == WSLAY_CODE_MESSAGE_TOO_BIG ?
		    "sent a message that is larger than allowed" :
		    "broke the protocol");
	}
}

void
websocket_frames_write(struct bh_socket *s)
{
	if (wslay_event_want_write(s->frames) &&
	    wslay_event_send(s->frames) != 0)
		websocket_end(s, BH_ENET, WSLAY_CODE_ABNORMAL_CLOSURE,
		    "cannot be written to: out of memory");
}

void
websocket_frames_ping(struct bh_socket *s)
{
	const struct wslay_event_msg ping = { .opcode = WSLAY_PING };

	wslay_event_queue_msg(s->frames, &ping);
}

int
websocket_frames_text(struct bh_socket *s, const char *text, size_t len)
{
	const struct wslay_event_msg msg = {
		.opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text,
		.msg_length = len,
	};
	size_t waiting = s->out.len +
	    wslay_event_get_queued_msg_length(s->frames);

	if (!text_utf8_ok(text, len))
		return BH_EINVAL;
	if (waiting > WEBSOCKET_QUEUE_MAX ||
	    len > WEBSOCKET_QUEUE_MAX - waiting)
		return BH_EFULL;
	return wslay_event_queue_msg(s->frames, &msg) == 0 ? BH_OK : BH_ENET;
}

void
websocket_frames_close(struct bh_socket *s, int code)
{
	wslay_event_queue_close(s->frames, code >= 1000 && code <= 4999 ?
	    (uint16_t)code : WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
}
