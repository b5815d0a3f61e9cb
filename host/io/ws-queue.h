/* ws-queue.h - bytes that wait to go out, at addresses that do not move.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What libcurl could not send at once must be offered again as it was: the
 * same address, the same length.  So the bytes lie in blocks, and nothing is
 * added to one that was offered.
 */

#ifndef HOST_IO_WS_QUEUE_H
#define HOST_IO_WS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct ws_block;

struct ws_queue {
	struct ws_block *first, *last;
	size_t len;		/* bytes in all */
};

void ws_queue_put(struct ws_queue *q, const void *data, size_t len);

/* The bytes to send next, the same until ws_queue_sent(); NULL: none. */
const void *ws_queue_front(struct ws_queue *q, size_t *len);

/* So many of those are out. */
void ws_queue_sent(struct ws_queue *q, size_t len);

/* Wipes and forgets everything. */
void ws_queue_release(struct ws_queue *q);

#endif /* HOST_IO_WS_QUEUE_H */
