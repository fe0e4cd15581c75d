/*
 * wire/keys.h — a participant's keys and the files that hold them.
 *
 * Purpose: one pair for the connection (CURVE) and a separate one for signing (Ed25519), made together, kept in a
 * text file that only its owner may read, with the public halves in a second file to be handed to the engine's
 * operator.
 *
 * File format (PATH, mode 0600; PATH.pub, mode 0644, has the first three lines only). Hexadecimal, lower case:
 *     kurator-keys 1
 *     connection-public: 64 digits
 *     signing-public: 64 digits
 *     connection-secret: 64 digits
 *     signing-secret: 128 digits
 *
 * Faults are told in Russian, since an administrator reads them; who shows one names the file.
 * Threading: no shared state. Never: logs a key, overwrites an existing file, reads a secret that others may read,
 * takes a file with secrets for a public one.
 */
#ifndef KURATOR_WIRE_KEYS_H
#define KURATOR_WIRE_KEYS_H

#include "base/err.h"
#include "base/span.h"
#include "proto/signing.h"

enum {
  KEY_CONNECTION = 32,      /* bytes of either half of a CURVE pair */
  KEY_CONNECTION_TEXT = 65, /* hexadecimal and NUL; also the User-Id of a connection */
};

struct key_public {
  uint8_t connection[KEY_CONNECTION];
  uint8_t signing[SIGNING_PUBLIC];
};
struct key_pair {
  uint8_t connection_public[KEY_CONNECTION];
  uint8_t connection_secret[KEY_CONNECTION];
  struct signing_pair signing;
};

/* In memory only. */
enum err key_pair_generate(struct key_pair *ret_pair) MUST_CHECK;
/* Generates and writes PATH and PATH.pub. ERR_EXISTS: one of them is there; ERR_IO. */
enum err key_pair_create(const char *path, struct key_pair *ret_pair, struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND, ERR_IO, ERR_FORBIDDEN (others may read it), ERR_FORMAT, ERR_INVALID (the halves do not fit). */
enum err key_pair_load(const char *path, struct key_pair *ret_pair, struct fault *fault) MUST_CHECK;
/* From PATH.pub. ERR_FORBIDDEN: the file holds secrets, which belong to their owner only; else as key_pair_load. */
enum err key_public_load(const char *path, struct key_public *ret_public, struct fault *fault) MUST_CHECK;
/* Writes the public halves only, as PATH itself. ERR_EXISTS, ERR_IO. */
enum err key_public_create(const char *path, const struct key_public *key, struct fault *fault) MUST_CHECK;
struct key_public key_pair_public(const struct key_pair *pair);
void key_pair_erase(struct key_pair *pair); /* overwrites */

/* A connection key as text, and back (ERR_FORMAT). */
void key_connection_format(const uint8_t key[KEY_CONNECTION], char ret_text[KEY_CONNECTION_TEXT]);
enum err key_connection_parse(struct span text, uint8_t ret_key[KEY_CONNECTION]) MUST_CHECK;

#endif
