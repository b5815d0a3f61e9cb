/*
 * mem.c - memory that is there or ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/base/mem.h"

#include <openssl/crypto.h>
#include <unistd.h>

static _Noreturn void
mem_die(const char *why)
{
	/* No formatting here: it might want memory itself. */
	ssize_t n = write(STDERR_FILENO, why, strlen(why));

	(void)n;
	abort();
}

static void
mem_gone(void)
{
	mem_die("bellhop: out of memory: give the service more "
	    "(MemoryMax= in its unit), it starts where it was\n");
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

	if (p == NULL)
		mem_gone();
	return p;
}

void *
xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		mem_die("bellhop: a size went over the machine's limit\n");
	void *q = realloc(p, bytes > 0 ? bytes : 1);
	if (q == NULL)
		mem_gone();
	return q;
}

char *
xstrdup(const char *s)
{
	size_t size = s != NULL ? strlen(s) + 1 : 0;

	return s != NULL ? memcpy(xrealloc(NULL, size, 1), s, size) : NULL;
}

char *
xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = xrealloc(NULL, len + 1, 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *
xjoin(const char *a, const char *between, const char *b)
{
	size_t a_len = strlen(a), len = a_len + strlen(between);
	size_t b_size = strlen(b) + 1;
	char *joined = xrealloc(NULL, len + b_size, 1);

	memcpy(joined, a, a_len);
	memcpy(joined + a_len, between, len - a_len);
	memcpy(joined + len, b, b_size);
	return joined;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *out = NULL;

	va_start(ap, fmt);
	if (vasprintf(&out, fmt, ap) < 0)
		mem_gone();
	va_end(ap);
	return out;
}

void
xfree_secret(void *p, size_t len)
{
	if (p != NULL)
		OPENSSL_cleanse(p, len);
	free(p);
}
