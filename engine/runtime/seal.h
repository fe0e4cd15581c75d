/*
 * runtime/seal.h — personal data at rest, and the chain that proves the journal.
 *
 * Purpose: one person (one root case) has one key; the key lies in the store wrapped by the master key, which lies
 * outside it. Whoever erases the wrapped key erases the person: every sealed part of every record is noise from then
 * on. The chain links the entries as they lie there, ciphertexts included, and stays valid after that. Primitives stand
 * behind these few functions: secretbox (XSalsa20-Poly1305) and BLAKE2b of libsodium. They are no certified ГОСТ means.
 *
 * Life cycle: seal_init → … → seal_finish (wipes the master key). Threading: one owner.
 * Never: logs, or returns a key.
 */
#ifndef KURATOR_RUNTIME_SEAL_H
#define KURATOR_RUNTIME_SEAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/span.h"

enum { SEAL_KEY_SIZE = 32, SEAL_HASH_SIZE = 32, SEAL_SALT_SIZE = 16 };

struct seal_options {
  const uint8_t *master_key;                           /* SEAL_KEY_SIZE bytes; NULL: nothing can be sealed */
  void (*random)(void *arg, void *bytes, size_t size); /* NULL: libsodium's */
  void *random_arg;
};
struct seal {
  bool enabled;
  uint8_t master_key[SEAL_KEY_SIZE];
  uint8_t mark_key[SEAL_KEY_SIZE], own_key[SEAL_KEY_SIZE]; /* derived from it */
  void (*random)(void *arg, void *bytes, size_t size);
  void *random_arg;
};

/* ERR_CONFIG: the library cannot start. */
enum err seal_init(struct seal *seal, const struct seal_options *options) MUST_CHECK;
void seal_finish(struct seal *seal);

/* A new person's key, wrapped: what is stored in space KEY. */
void seal_new_key(struct seal *seal, struct writer *ret_wrapped);
/* Appends nonce and ciphertext. ERR_CORRUPT: `wrapped` was not made under this master key. */
enum err seal_close(struct seal *seal, struct span wrapped, struct span plain, struct writer *w) MUST_CHECK;
/* ERR_CORRUPT: damaged, or another key. The plain bytes live in `arena`. */
enum err seal_open(struct seal *seal, struct span wrapped, struct span sealed, struct arena *arena,
                   struct span *ret_plain) MUST_CHECK;

void seal_hash(struct span bytes, uint8_t ret_hash[SEAL_HASH_SIZE]);

/* A keyed hash of a text that is found again by it: equal texts of one purpose give equal marks, and whoever lacks the
 * master key can neither read a mark nor try texts against it. */
enum { SEAL_MARK_SIZE = 16 };
void seal_mark(const struct seal *seal, const char *purpose, struct span text, uint8_t ret_mark[SEAL_MARK_SIZE]);
/* As seal_close and seal_open, under a key of the engine's own that is derived from the master key: for records that
 * belong to more than one person. */
void seal_own_close(struct seal *seal, struct span plain, struct writer *w);
enum err seal_own_open(const struct seal *seal, struct span sealed, struct arena *arena,
                       struct span *ret_plain) MUST_CHECK;

/* What nobody can guess who does not have the master key, and who has it finds again; zeros without one. It goes into
 * an entry of the journal, so that a proof may show the entry's hash and nothing of what stands in it. */
void seal_salt(const struct seal *seal, const uint8_t chain[SEAL_HASH_SIZE], uint8_t ret_salt[SEAL_SALT_SIZE]);

struct seal_link {
  uint64_t number;
  civil_moment recorded_at;
  const uint8_t *digest;  /* SEAL_HASH_SIZE bytes */
  const uint8_t *content; /* SEAL_HASH_SIZE bytes: hash of the whole entry; NULL: an entry of version 1 */
};
/* BLAKE2b-256("kurator/v1/link", zero byte, number, recorded_at, digest, content). */
void seal_link_hash(const struct seal_link *link, uint8_t ret_hash[SEAL_HASH_SIZE]);
/* chain = BLAKE2b-256("kurator/v1/chain", zero byte, chain before, hash of the link). */
void seal_chain_add(uint8_t chain[SEAL_HASH_SIZE], const uint8_t link[SEAL_HASH_SIZE]);
/* Both; of an entry of version 1: chain = BLAKE2b-256(chain before, number, recorded_at, digest). */
void seal_chain(uint8_t chain[SEAL_HASH_SIZE], const struct seal_link *link);

#endif
