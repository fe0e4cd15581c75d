#include "proto/signing.h"

#include <sodium.h>
#include <stdlib.h>

_Static_assert(SIGNING_PUBLIC == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(SIGNING_SECRET == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");
_Static_assert(SIGNING_SIGNATURE == crypto_sign_BYTES, "Ed25519 signature");
_Static_assert(SIGNING_DIGEST == crypto_generichash_BYTES, "BLAKE2b-256");

enum err signing_start(void) {
  return sodium_init() < 0 ? ERR_IO : ERR_OK;
}

void signing_create(struct signing_pair *ret_pair) {
  crypto_sign_keypair(ret_pair->public_key, ret_pair->secret_key);
}

void signing_erase(struct signing_pair *pair) {
  sodium_memzero(pair, sizeof *pair);
}

void signing_random(void *ret_bytes, size_t size) {
  randombytes_buf(ret_bytes, size);
}

/* The tag with its terminating zero byte. */
static struct span tag_of(const char *domain) {
  return span_of(domain, strlen(domain) + 1);
}

void signing_digest(const char *domain, struct span bytes, uint8_t ret_digest[SIGNING_DIGEST]) {
  struct span tag = tag_of(domain);
  crypto_generichash_state state;
  crypto_generichash_init(&state, NULL, 0, SIGNING_DIGEST);
  crypto_generichash_update(&state, tag.data, tag.size);
  crypto_generichash_update(&state, bytes.data, bytes.size);
  crypto_generichash_final(&state, ret_digest, SIGNING_DIGEST);
}

void signing_key_id(const uint8_t public_key[SIGNING_PUBLIC], char ret_text[SIGNING_KEY_ID_TEXT]) {
  uint8_t digest[SIGNING_DIGEST];
  crypto_generichash(digest, sizeof digest, public_key, SIGNING_PUBLIC, NULL, 0);
  sodium_bin2hex(ret_text, SIGNING_KEY_ID_TEXT, digest, (SIGNING_KEY_ID_TEXT - 1) / 2);
}

/*
 * Plain Ed25519 (RFC 8032) signs one string; the tag is put before the bytes. Headers are small (kilobytes), so the
 * copy costs nothing beside the signature, and any Ed25519 library can check it.
 */
static uint8_t *tagged(const char *domain, struct span bytes, size_t *ret_size) {
  struct span tag = tag_of(domain);
  uint8_t *text = malloc(tag.size + bytes.size);
  ASSERT(text);
  memcpy(text, tag.data, tag.size);
  if (bytes.size > 0) {
    memcpy(text + tag.size, bytes.data, bytes.size);
  }
  *ret_size = tag.size + bytes.size;
  return text;
}

void signing_sign(const struct signing_pair *pair, const char *domain, struct span bytes,
                  uint8_t ret_signature[SIGNING_SIGNATURE]) {
  size_t size = 0;
  uint8_t *text = tagged(domain, bytes, &size);
  crypto_sign_detached(ret_signature, NULL, text, size, pair->secret_key);
  free(text);
}

bool signing_verify(const uint8_t public_key[SIGNING_PUBLIC], const char *domain, struct span bytes,
                    const uint8_t signature[SIGNING_SIGNATURE]) {
  size_t size = 0;
  uint8_t *text = tagged(domain, bytes, &size);
  bool good = crypto_sign_verify_detached(signature, text, size, public_key) == 0;
  free(text);
  return good;
}
