/* slack-seal.c - tokens at rest: sealed with a key that the store has not.
 * SPDX-License-Identifier: Apache-2.0
 *
 * AES-256-GCM under a key made of the client secret, which is needed to renew
 * a token anyway: a stolen store or backup alone gives nothing away.  The
 * instance's name is sealed in, so that rows cannot be swapped.
 */

#include "plugins/slack/slack.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define KEY_SIZE	32u
#define NONCE_SIZE	12u
#define TAG_SIZE	16u
#define TEXT_MOST	4096u

static bool
key_of(struct slack *s, unsigned char key[KEY_SIZE])
{
	static const char what[] = "bellhop slack token 1";
	const char *secret = bh_host_config(s->host, "client-secret");
	unsigned len = KEY_SIZE;

	return secret != NULL && *secret != '\0' &&
	    HMAC(EVP_sha256(), secret, (int)strlen(secret),
	    (const unsigned char *)what, sizeof(what) - 1, key, &len) !=
	    NULL && len == KEY_SIZE;
}

static void
put_hex(struct bh_buf *out, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bh_buf_add(out, "%02x", p[i]);
}

static size_t
take_hex(unsigned char *out, size_t size, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; hex[0] != '\0' && hex[1] != '\0' && n < size; hex += 2) {
		const char *a = strchr(digits, hex[0]);
		const char *b = strchr(digits, hex[1]);

		if (a == NULL || b == NULL)
			return 0;
		out[n++] = (unsigned char)((a - digits) << 4 | (b - digits));
	}
	return *hex == '\0' ? n : 0;
}

bool
slack_seal(struct slack *s, struct bh_buf *out, const char *text)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const char *name = bh_instance(s->host);
	unsigned char key[KEY_SIZE], nonce[NONCE_SIZE], tag[TAG_SIZE];
	unsigned char sealed[TEXT_MOST];
	size_t len = strlen(text);
	int n = 0, end = 0;
	bool ok;

	bh_random(s->host, nonce, sizeof(nonce));
	ok = ctx != NULL && len <= TEXT_MOST && key_of(s, key) &&
	    EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, NULL) ==
	    1 && EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)name,
	    (int)strlen(name)) == 1 && EVP_EncryptUpdate(ctx, sealed, &n,
	    (const unsigned char *)text, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(ctx, sealed + n, &end) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) ==
	    1;
	if (ok) {
		put_hex(out, nonce, sizeof(nonce));
		put_hex(out, tag, sizeof(tag));
		put_hex(out, sealed, (size_t)(n + end));
	}
	OPENSSL_cleanse(key, sizeof(key));
	EVP_CIPHER_CTX_free(ctx);
	return ok && !out->overflow;
}

char *
slack_unseal(struct slack *s, const char *hex)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const char *name = bh_instance(s->host);
	unsigned char key[KEY_SIZE], text[TEXT_MOST + 1];
	unsigned char in[NONCE_SIZE + TAG_SIZE + TEXT_MOST];
	const size_t head = NONCE_SIZE + TAG_SIZE;
	size_t len = hex != NULL ? take_hex(in, sizeof(in), hex) : 0;
	int n = 0, end = 0;
	char *copy = NULL;

	if (ctx != NULL && len > head && key_of(s, key) &&
	    EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, in, NULL) == 1 &&
	    EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)name,
	    (int)strlen(name)) == 1 && EVP_DecryptUpdate(ctx, text, &n,
	    in + head, (int)(len - head)) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE,
	    in + NONCE_SIZE) == 1 &&
	    EVP_DecryptFinal_ex(ctx, text + n, &end) == 1) {
		text[n + end] = '\0';
		copy = bh_copy((const char *)text);
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(text, sizeof(text));
	EVP_CIPHER_CTX_free(ctx);
	return copy;
}
