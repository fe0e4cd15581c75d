/*
 * daemon/keyring.h — which key may speak for whom.
 *
 * Purpose: the registry folder in memory. A connection is let in if its key stands here, and speaks only for the
 * participants that have it; an envelope counts only if one of its sender's signing keys made it.
 *
 * The folder:
 *     server, server.pub              the engine's own pair
 *     master                          64 hexadecimal digits: wraps the keys of personal data
 *     participants/ID.pub             public keys of a participant; ID@LABEL.pub: further ones, valid beside it
 *     operators/NAME.pub              may ask and act on the query socket
 *     agents/NAME.pub                 may ask there
 *     privacy/NAME.pub                of the operators, those who may see and erase personal data
 *     revoked/                        participants' keys of the past, for whoever checks an old signature; not read
 *
 * Life cycle: keyring_load → keyring_reload (SIGHUP; on an error the old content stays), keyring_put, keyring_take →
 * keyring_destroy.
 * Threading: the loop's thread. Limits: KEYRING_*_MAX. Never: writes (registry.h does), logs a key.
 */
#ifndef KURATOR_DAEMON_KEYRING_H
#define KURATOR_DAEMON_KEYRING_H

#include <stdbool.h>

#include "casework/catalogue.h"
#include "runtime/runtime.h"
#include "wire/keys.h"

enum { KEYRING_KEYS_MAX = 20000, KEYRING_SIGNERS_MAX = 8, KEYRING_LABEL_MAX = 64 };

enum keyring_role {
  KEYRING_PARTICIPANT = 1,
  KEYRING_OPERATOR = 2,
  KEYRING_AGENT = 4,
  KEYRING_PRIVACY = 8,
};

struct keyring;

/* `catalogue` is borrowed: a key of somebody that it does not know is an error. ERR_CONFIG, ERR_NOT_FOUND,
 * ERR_FORBIDDEN … with the file in `fault`. */
enum err keyring_load(const char *folder, const struct catalogue *catalogue, struct keyring **ret_keyring,
                      struct fault *fault) MUST_CHECK;
enum err keyring_reload(struct keyring *keyring, struct fault *fault) MUST_CHECK;
void keyring_destroy(struct keyring **keyring);

/* One key more or less of a participant, in memory only. A label says which of several: empty for ID.pub. */
void keyring_put(struct keyring *keyring, struct span participant, struct span label, const struct key_public *key);
void keyring_take(struct keyring *keyring, struct span participant, struct span label);
/* A participant's keys; false from the callback stops. */
typedef bool (*keyring_visit)(void *arg, const char *label, const struct key_public *key);
void keyring_keys(const struct keyring *keyring, struct span participant, keyring_visit visit, void *arg);
const char *keyring_folder(const struct keyring *keyring);
bool keyring_full(const struct keyring *keyring);
bool keyring_knows(const struct keyring *keyring, struct span participant); /* the catalogue does */

const struct key_pair *keyring_server(const struct keyring *keyring);
const uint8_t *keyring_master(const struct keyring *keyring); /* RUNTIME_KEY_SIZE bytes */

/* The roles that a connection key has, or'ed; 0: unknown. */
unsigned keyring_roles(const struct keyring *keyring, const uint8_t key[KEY_CONNECTION]);
/* The same for a User-Id. */
unsigned keyring_roles_of_user(const struct keyring *keyring, struct span user_id);
bool keyring_speaks_for(const struct keyring *keyring, struct span user_id, struct span participant);
/* The operator or agent that a User-Id belongs to, empty if none. */
struct span keyring_name_of_user(const struct keyring *keyring, struct span user_id);
/* True while one of the participant's keys made such signatures. */
bool keyring_signs_for(const struct keyring *keyring, struct span participant, const uint8_t signer[SIGNING_PUBLIC]);
/* A participant's signing keys, at most KEYRING_SIGNERS_MAX; returns how many. */
size_t keyring_signers(const struct keyring *keyring, struct span participant,
                       uint8_t ret_keys[KEYRING_SIGNERS_MAX][SIGNING_PUBLIC]);

#endif
