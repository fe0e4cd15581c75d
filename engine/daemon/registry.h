/*
 * daemon/registry.h — participants' keys come and go without a restart.
 *
 * Purpose: changes the registry folder and then the keyring in memory. A key is added beside others, so that a
 * participant's old and new key are valid together until the old one is revoked. A revoked key's file moves to
 * revoked/, because signatures of the past are checked against it.
 *
 * Threading: the loop's thread; a change is durable when it returns. Errors: nothing has changed; Russian texts.
 * Never: touches operators and agents, overwrites a file.
 */
#ifndef KURATOR_DAEMON_REGISTRY_H
#define KURATOR_DAEMON_REGISTRY_H

#include "base/civil.h"
#include "daemon/keyring.h"

struct registry_key {
  struct span participant;
  struct span label; /* empty: the file ID.pub */
};

/* The participant's first key, or with `beside` one more. ERR_NOT_FOUND, ERR_INVALID, ERR_EXISTS, ERR_LIMIT, ERR_IO. */
enum err registry_add(struct keyring *keyring, const struct registry_key *which, const struct key_public *key,
                      bool beside, struct fault *fault) MUST_CHECK;
/* `now` becomes part of the file's name in revoked/. ERR_NOT_FOUND, ERR_IO. */
enum err registry_revoke(struct keyring *keyring, const struct registry_key *which, civil_moment now,
                         struct fault *fault) MUST_CHECK;

#endif
