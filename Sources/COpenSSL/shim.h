// What Swift cannot call: OpenSSL's macros, as inline functions of the same meaning.
#pragma once
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static inline void dongbo_free(void *memory) { OPENSSL_free(memory); }

static inline int dongbo_set_versions(SSL_CTX *context, int least, int most) {
  return SSL_CTX_set_min_proto_version(context, least) &&
         SSL_CTX_set_max_proto_version(context, most);
}

static inline int dongbo_set_groups(SSL_CTX *context, const char *names) {
  return (int)SSL_CTX_set1_groups_list(context, names);
}

static inline int dongbo_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
  return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

// No tickets, no renegotiation, no compression, no session cache; writes may move and be partial;
// the own chain is what the file holds, not what the store could add.
static inline void dongbo_set_link_options(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void dongbo_limit_peer_chain(SSL_CTX *context, long bytes) {
  SSL_CTX_set_max_cert_list(context, bytes);
}

// HMAC over SHA-256, under this key.
static inline int dongbo_start_sha256_code(EVP_MAC_CTX *context, const unsigned char *key,
                                           size_t count) {
  char name[] = OSSL_DIGEST_NAME_SHA2_256;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_init(context, key, count, parameters);
}

static inline int dongbo_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int dongbo_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

// A name as one line of UTF-8 (RFC 2253), control characters escaped.
static inline int dongbo_print_name(BIO *bio, const X509_NAME *name) {
  return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}

// A slot of ours in every certificate store.
static inline int dongbo_store_slot(void) {
  return X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}
