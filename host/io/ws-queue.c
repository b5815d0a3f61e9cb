/* ws-queue.c - bytes that wait to go out, at addresses that do not move.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <assert.h>

#include "host/base/mem.h"
#include "host/io/ws-queue.h"

#define BLOCK_BYTES	(16u * 1024u - 64u)

struct ws_block {
	struct ws_block *next;
	size_t from, to;
	bool offered;
	char data[BLOCK_BYTES];
};

void
ws_queue_put(struct ws_queue *q, const void *data, size_t len)
{
	const char *at = data;

	q->len += len;
	while (len > 0) {
		struct ws_block *b = q->last;
		size_t n;

		if (b == NULL || b->offered || b->to == BLOCK_BYTES) {
			b = xcalloc(1, sizeof(*b));
			if (q->last != NULL)
				q->last->next = b;
			else
				q->first = b;
			q->last = b;
		}
		n = len < BLOCK_BYTES - b->to ? len : BLOCK_BYTES - b->to;
		memcpy(b->data + b->to, at, n);
		b->to += n;
		at += n;
		len -= n;
	}
}

const void *
ws_queue_front(struct ws_queue *q, size_t *len)
{
	struct ws_block *b = q->first;

	if (b == NULL)
		return NULL;
	b->offered = true;
	*len = b->to - b->from;
	return b->data + b->from;
}

void
ws_queue_sent(struct ws_queue *q, size_t len)
{
	struct ws_block *b = q->first;

	assert(b != NULL && len <= b->to - b->from);
	b->from += len;
	q->len -= len;
	if (b->from < b->to)
		return;
	q->first = b->next;
	if (q->first == NULL)
		q->last = NULL;
	xfree_secret(b, sizeof(*b));
}

void
ws_queue_release(struct ws_queue *q)
{
	while (q->first != NULL)
		ws_queue_sent(q, q->first->to - q->first->from);
}
