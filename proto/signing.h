/*
 * proto/signing.h — the cryptographic primitives of the exchange, in one place.
 *
 * Purpose: signature, digest and random bytes. Everything else calls these and never the library, so that certified
 * ГОСТ means can take the place of Ed25519 and BLAKE2b by replacing one file.
 *
 * Life cycle: signing_start once per process, before anything else here. Threading: all functions may run on any
 * thread. Never: logs, keeps a key.
 */
#ifndef KURATOR_PROTO_SIGNING_H
#define KURATOR_PROTO_SIGNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
  SIGNING_PUBLIC = 32,
  SIGNING_SECRET = 64,
  SIGNING_SIGNATURE = 64,
  SIGNING_DIGEST = 32,
  SIGNING_KEY_ID_TEXT = 17, /* 16 hexadecimal digits and NUL */
};

struct signing_pair {
  uint8_t public_key[SIGNING_PUBLIC];
  uint8_t secret_key[SIGNING_SECRET];
};

/* May be called again. ERR_IO: no source of randomness. */
enum err signing_start(void) MUST_CHECK;
void signing_create(struct signing_pair *ret_pair);
void signing_erase(struct signing_pair *pair); /* overwrites */
/* The name of a key: the first digits of its digest. */
void signing_key_id(const uint8_t public_key[SIGNING_PUBLIC], char ret_text[SIGNING_KEY_ID_TEXT]);

/* Both work over `domain`, a zero byte and `bytes`: what is signed for one purpose is worth nothing for another. */
void signing_sign(const struct signing_pair *pair, const char *domain, struct span bytes,
                  uint8_t ret_signature[SIGNING_SIGNATURE]);
bool signing_verify(const uint8_t public_key[SIGNING_PUBLIC], const char *domain, struct span bytes,
                    const uint8_t signature[SIGNING_SIGNATURE]) MUST_CHECK;
void signing_digest(const char *domain, struct span bytes, uint8_t ret_digest[SIGNING_DIGEST]);
void signing_random(void *ret_bytes, size_t size);

#endif
