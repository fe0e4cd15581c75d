/*
 * ops/cli/trust.h — the engine's public keys that an offline check of the journal believes.
 *
 * Ownership: by value. Limits: TRUST_KEYS_MAX keys.
 */
#ifndef KURATOR_CLI_TRUST_H
#define KURATOR_CLI_TRUST_H

#include "runtime/audit.h"
#include "wire/keys.h"

enum { TRUST_KEYS_MAX = 16 };

struct trust {
  struct key_public keys[TRUST_KEYS_MAX];
  size_t count;
};
/* Files divided by commas: an engine whose key was changed has signed with several. An exit code, told on stderr. */
int trust_load(const char *files, struct trust *trust);
struct audit_ports trust_ports(struct trust *trust); /* borrows */

#endif
