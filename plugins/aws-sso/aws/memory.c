/* memory.c - memory that is there or ends the program.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

static void *
need(void *p)
{
	if (p == NULL) {
		fputs("aws-sso: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
aws_calloc(size_t count, size_t size)
{
	return need(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *
aws_realloc(void *old, size_t count, size_t size)
{
	if (count == 0 || size == 0 || count > SIZE_MAX / size)
		return need(NULL);
	return need(realloc(old, count * size));
}

char *
aws_strdup(const char *text)
{
	return text != NULL ? need(strdup(text)) : NULL;
}

char *
aws_strndup(const char *text, size_t len)
{
	return need(strndup(text, len));
}

void
aws_wipe(char **text)
{
	if (*text != NULL)
		OPENSSL_cleanse(*text, strlen(*text));
	free(*text);
	*text = NULL;
}
