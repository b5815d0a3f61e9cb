/* teams-sign.c - tokens by us: client assertions for the login service.
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 7523, RFC 7518 3.3 (RS256) and 3.5 (PS256);
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "plugins/teams/teams.h"

/* OpenSSL would ask the terminal. */
static int
no_password(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *
read_key(const char *pem, const char **why)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio != NULL ?
	    PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	if (key == NULL)
		*why = "the private key cannot be read: it must be PEM, "
		    "without a password";
	else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
	    EVP_PKEY_get_bits(key) < 2048) {
		*why = "the private key must be RSA of at least 2048 bits";
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static bool
sign(EVP_PKEY *key, const struct bh_buf *text, bool pss, struct bh_buf *out)
{
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	EVP_PKEY_CTX *way = NULL;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md != NULL &&
	    EVP_PKEY_get_size(key) <= (int)sizeof(signature) &&
	    EVP_DigestSignInit(md, &way, EVP_sha256(), NULL, key) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(way, pss ? RSA_PKCS1_PSS_PADDING :
	    RSA_PKCS1_PADDING) == 1 && (!pss ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(way,
	    RSA_PSS_SALTLEN_DIGEST) == 1) &&
	    EVP_DigestSign(md, signature, &len,
	    (const unsigned char *)text->data, text->len) == 1;

	EVP_MD_CTX_free(md);
	if (ok)
		bh_buf_base64(out, signature, len, true);
	return ok;
}

int
teams_jwt_assert(struct bh_buf *out, const char *header, const char *claims,
    const char *pem_key, bool pss, const char **why)
{
	struct bh_buf text = BH_BUF(16u * 1024u);
	EVP_PKEY *key = read_key(pem_key, why);
	int ret = BH_OK;

	if (key == NULL) {
		ERR_clear_error();
		return BH_EINVAL;
	}
	bh_buf_base64(&text, header, strlen(header), true);
	bh_buf_puts(&text, ".");
	bh_buf_base64(&text, claims, strlen(claims), true);
	if (!text.overflow) {
		bh_buf_put(out, text.data, text.len);
		bh_buf_puts(out, ".");
	}
	if (text.overflow || !sign(key, &text, pss, out) || out->overflow) {
		*why = "the private key cannot sign the assertion";
		ret = BH_EINVAL;
	}
	bh_buf_release(&text);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ret;
}
