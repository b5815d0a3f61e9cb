/* page.c - pages of lists, and the tokens between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A token names the last position shown, not an offset: rows that come or
 * go between two pages neither hide nor repeat others.  It also carries a
 * check over the rest of the request, since AWS refuses a token with other
 * parameters.
 */

#include "plugins/aws-sandbox/sandbox.h"

#define LONG_TOKEN	60000

/* A number that changes with everything but the token and the page size. */
static uint32_t
fingerprint(const struct call *c)
{
	uint32_t h = 2166136261u;
	struct bh_buf b = BH_BUF(16384);

	bh_buf_puts(&b, c->op->name);
	for (const struct field *f = c->op->fields; f != NULL &&
	    f->name != NULL; f++) {
		const char *s = call_text(c, f->name);

		if (s != NULL && strcmp(f->name, "NextToken") != 0)
			bh_buf_add(&b, "\n%s=%s", f->name, s);
	}
	for (size_t i = 0; i < b.len; i++)
		h = (h ^ (unsigned char)b.data[i]) * 16777619u;
	bh_buf_release(&b);
	return h;
}

bool
page_begin(struct page *p, struct call *c, size_t preset)
{
	const char *token = call_text(c, "NextToken");
	double want = call_number(c, "MaxResults", (double)preset);

	memset(p, 0, sizeof(*p));
	p->call = c;
	p->left = (size_t)want;
	/* An empty page with a token is legal, and Organizations sends them. */
	if (c->fault == FAULT_EMPTY_PAGE)
		p->left = 0;
	if (token == NULL || *token == '\0')
		return true;

	unsigned long long at;
	unsigned int check;
	char tail;

	if (sscanf(token, "AAMA%8x%16llx%c", &check, &at, &tail) >= 2 &&
	    check == fingerprint(c)) {
		p->from = p->last = at;
		return true;
	}
	if (c->op->service == ORG) {
		call_error(c, "InvalidInputException",
		    "You specified an invalid value for nextToken.");
		put_text(&c->extra, "Reason", "INVALID_NEXT_TOKEN");
	} else {
		call_error(c, "ValidationException", "Invalid nextToken");
	}
	return false;
}

bool
page_take(struct page *p, uint64_t position)
{
	assert(position > 0);
	if (position <= p->from)
		return false;
	if (p->left == 0) {
		p->more = true;
		return false;
	}
	p->left--;
	p->last = position;
	return true;
}

void
page_end(struct page *p)
{
	struct call *c = p->call;

	if (!p->more)
		return;
	put_comma(&c->out);
	bh_buf_add(&c->out, "\"NextToken\":\"AAMA%08x%016llx", fingerprint(c),
	    (unsigned long long)p->last);
	if (c->sb->long_tokens && c->op->service == STORE)
		for (size_t i = 0; i < LONG_TOKEN; i++)
			bh_buf_puts(&c->out, "_");
	bh_buf_puts(&c->out, "\"");
}
