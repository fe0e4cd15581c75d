#include "runtime/seal.h"

#include <sodium.h>
#include <string.h>

_Static_assert(SEAL_KEY_SIZE == crypto_secretbox_KEYBYTES, "one key size");

enum { NONCE = crypto_secretbox_NONCEBYTES, MAC = crypto_secretbox_MACBYTES, OVERHEAD = NONCE + MAC };

static void sodium_random(void *arg, void *bytes, size_t size) {
  (void)arg;
  randombytes_buf(bytes, size);
}

/* A key for one purpose only, of which the master key cannot be told. */
static void derive(const struct seal *seal, const char *purpose, uint8_t ret_key[SEAL_KEY_SIZE]) {
  crypto_generichash(ret_key, SEAL_KEY_SIZE, (const uint8_t *)purpose, strlen(purpose), seal->master_key,
                     sizeof seal->master_key);
}

enum err seal_init(struct seal *seal, const struct seal_options *options) {
  *seal = (struct seal){.random = options->random ? options->random : sodium_random, .random_arg = options->random_arg};
  if (sodium_init() < 0) {
    return ERR_CONFIG;
  }
  if (options->master_key) {
    memcpy(seal->master_key, options->master_key, sizeof seal->master_key);
    derive(seal, "kurator/v1/key/mark", seal->mark_key);
    derive(seal, "kurator/v1/key/own", seal->own_key);
    seal->enabled = true;
  }
  return ERR_OK;
}

void seal_finish(struct seal *seal) {
  if (seal) {
    sodium_memzero(seal->master_key, sizeof seal->master_key);
    sodium_memzero(seal->mark_key, sizeof seal->mark_key);
    sodium_memzero(seal->own_key, sizeof seal->own_key);
    seal->enabled = false;
  }
}

/* nonce ‖ secretbox(plain) */
static void box_close(struct seal *seal, const uint8_t *key, struct span plain, struct writer *w) {
  uint8_t nonce[NONCE];
  seal->random(seal->random_arg, nonce, sizeof nonce);
  writer_raw(w, span_of(nonce, sizeof nonce));
  size_t at = w->size;
  static const uint8_t room[MAC];
  writer_raw(w, span_of(room, sizeof room));
  writer_raw(w, plain);
  int failed = crypto_secretbox_easy(w->data + at, w->data + at + MAC, plain.size, nonce, key);
  ASSERT(failed == 0);
}

static enum err box_open(const uint8_t *key, struct span box, uint8_t *plain) {
  if (box.size < OVERHEAD) {
    return ERR_CORRUPT;
  }
  int failed = crypto_secretbox_open_easy(plain, box.data + NONCE, box.size - NONCE, box.data, key);
  return failed ? ERR_CORRUPT : ERR_OK;
}

static enum err key_unwrap(const struct seal *seal, struct span wrapped, uint8_t key[SEAL_KEY_SIZE]) {
  if (!seal->enabled || wrapped.size != SEAL_KEY_SIZE + OVERHEAD) {
    return ERR_CORRUPT;
  }
  return box_open(seal->master_key, wrapped, key);
}

void seal_new_key(struct seal *seal, struct writer *ret_wrapped) {
  ASSERT(seal->enabled);
  uint8_t key[SEAL_KEY_SIZE];
  seal->random(seal->random_arg, key, sizeof key);
  box_close(seal, seal->master_key, span_of(key, sizeof key), ret_wrapped);
  sodium_memzero(key, sizeof key);
}

enum err seal_close(struct seal *seal, struct span wrapped, struct span plain, struct writer *w) {
  uint8_t key[SEAL_KEY_SIZE];
  TRY(key_unwrap(seal, wrapped, key));
  box_close(seal, key, plain, w);
  sodium_memzero(key, sizeof key);
  return ERR_OK;
}

enum err seal_open(struct seal *seal, struct span wrapped, struct span sealed, struct arena *arena,
                   struct span *ret_plain) {
  uint8_t key[SEAL_KEY_SIZE];
  TRY(key_unwrap(seal, wrapped, key));
  if (sealed.size < OVERHEAD) {
    return ERR_CORRUPT;
  }
  uint8_t *plain = arena_alloc(arena, sealed.size - OVERHEAD);
  enum err err = box_open(key, sealed, plain);
  sodium_memzero(key, sizeof key);
  TRY(err);
  *ret_plain = span_of(plain, sealed.size - OVERHEAD);
  return ERR_OK;
}

void seal_hash(struct span bytes, uint8_t ret_hash[SEAL_HASH_SIZE]) {
  crypto_generichash(ret_hash, SEAL_HASH_SIZE, bytes.data, bytes.size, NULL, 0);
}

static void hash_number(crypto_generichash_state *state, uint64_t number) {
  uint8_t bytes[8];
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (uint8_t)(number >> (8 * (7 - i)));
  }
  crypto_generichash_update(state, bytes, sizeof bytes);
}

/* What is hashed for one purpose never equals what is hashed for another. */
static void hash_begin(crypto_generichash_state *state, const char *domain) {
  crypto_generichash_init(state, NULL, 0, SEAL_HASH_SIZE);
  crypto_generichash_update(state, (const uint8_t *)domain, strlen(domain) + 1);
}

static void hash_link(crypto_generichash_state *state, const struct seal_link *link) {
  hash_number(state, link->number);
  hash_number(state, (uint64_t)link->recorded_at);
  crypto_generichash_update(state, link->digest, SEAL_HASH_SIZE);
}

void seal_link_hash(const struct seal_link *link, uint8_t ret_hash[SEAL_HASH_SIZE]) {
  crypto_generichash_state state;
  ASSERT(link->content);
  hash_begin(&state, "kurator/v1/link");
  hash_link(&state, link);
  crypto_generichash_update(&state, link->content, SEAL_HASH_SIZE);
  crypto_generichash_final(&state, ret_hash, SEAL_HASH_SIZE);
}

void seal_chain_add(uint8_t chain[SEAL_HASH_SIZE], const uint8_t link[SEAL_HASH_SIZE]) {
  crypto_generichash_state state;
  hash_begin(&state, "kurator/v1/chain");
  crypto_generichash_update(&state, chain, SEAL_HASH_SIZE);
  crypto_generichash_update(&state, link, SEAL_HASH_SIZE);
  crypto_generichash_final(&state, chain, SEAL_HASH_SIZE);
}

void seal_chain(uint8_t chain[SEAL_HASH_SIZE], const struct seal_link *link) {
  if (link->content) {
    uint8_t hash[SEAL_HASH_SIZE];
    seal_link_hash(link, hash);
    seal_chain_add(chain, hash);
    return;
  }
  crypto_generichash_state state;
  crypto_generichash_init(&state, NULL, 0, SEAL_HASH_SIZE);
  crypto_generichash_update(&state, chain, SEAL_HASH_SIZE);
  hash_link(&state, link);
  crypto_generichash_final(&state, chain, SEAL_HASH_SIZE);
}

void seal_salt(const struct seal *seal, const uint8_t chain[SEAL_HASH_SIZE], uint8_t ret_salt[SEAL_SALT_SIZE]) {
  memset(ret_salt, 0, SEAL_SALT_SIZE);
  if (seal->enabled) {
    crypto_generichash(ret_salt, SEAL_SALT_SIZE, chain, SEAL_HASH_SIZE, seal->master_key, SEAL_KEY_SIZE);
  }
}

void seal_mark(const struct seal *seal, const char *purpose, struct span text, uint8_t ret_mark[SEAL_MARK_SIZE]) {
  crypto_generichash_state state;
  ASSERT(seal->enabled);
  crypto_generichash_init(&state, seal->mark_key, sizeof seal->mark_key, SEAL_MARK_SIZE);
  crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
  crypto_generichash_update(&state, text.data, text.size);
  crypto_generichash_final(&state, ret_mark, SEAL_MARK_SIZE);
}

void seal_own_close(struct seal *seal, struct span plain, struct writer *w) {
  ASSERT(seal->enabled);
  box_close(seal, seal->own_key, plain, w);
}

enum err seal_own_open(const struct seal *seal, struct span sealed, struct arena *arena, struct span *ret_plain) {
  if (!seal->enabled || sealed.size < OVERHEAD) {
    return ERR_CORRUPT;
  }
  uint8_t *plain = arena_alloc(arena, sealed.size - OVERHEAD);
  TRY(box_open(seal->own_key, sealed, plain));
  *ret_plain = span_of(plain, sealed.size - OVERHEAD);
  return ERR_OK;
}
