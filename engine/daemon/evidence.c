#include "daemon/evidence.h"

#include <string.h>

_Static_assert((int)RUNTIME_SIGNATURE_SIZE == (int)SIGNING_SIGNATURE, "one size of signatures");
_Static_assert((int)RUNTIME_KEY_ID_MAX >= (int)SIGNING_KEY_ID_TEXT, "a key's name has room");

void evidence_sign(void *arg, struct span statement, struct runtime_signature *ret_signature) {
  const struct daemon *daemon = arg;
  const struct signing_pair *pair = &keyring_server(daemon->keyring)->signing;
  memset(ret_signature, 0, sizeof *ret_signature);
  signing_key_id(pair->public_key, ret_signature->key_id);
  signing_sign(pair, EVIDENCE_DOMAIN, statement, ret_signature->bytes);
}
