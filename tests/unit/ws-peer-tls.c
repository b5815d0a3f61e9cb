/* ws-peer-tls.c - TLS for the tests' WebSocket server.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/unit/ws-peer.h"

static void
extend(X509 *cert, int what, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, what, value);

	ck_assert_ptr_nonnull(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

/* Signed by itself: its own authority. */
static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"ws-peer", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	extend(cert, NID_basic_constraints, "critical,CA:TRUE");
	extend(cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:slack.example");
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	return cert;
}

/* Notes what the client would talk, and takes its first wish: as a server
 * does that prefers what the client prefers. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned len, void *arg)
{
	struct ws_peer *peer = arg;
	size_t used = 0;

	(void)ssl;
	for (unsigned at = 0; at < len; at += in[at] + 1u)
		used += (size_t)snprintf(peer->offered + used,
		    sizeof(peer->offered) - used, "%s%.*s",
		    used > 0 ? " " : "", in[at], (const char *)in + at + 1);
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

void
ws_peer_tls(struct ws_peer *peer, const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key);
	FILE *f;

	peer->tls = SSL_CTX_new(TLS_server_method());
	ck_assert_int_eq(SSL_CTX_use_certificate(peer->tls, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(peer->tls, key), 1);
	SSL_CTX_set_mode(peer->tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_alpn_select_cb(peer->tls, choose_protocol, peer);
	if (path != NULL) {
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(PEM_write_X509(f, cert), 1);
		fclose(f);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
}
