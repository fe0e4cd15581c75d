/* The engine's public keys that an offline check believes. */
#include "trust.h"

#include <stdio.h>

#include "client.h"
#include "proto/signing.h"

static bool is_signed(void *arg, struct span key_id, struct span statement, const uint8_t *signature) {
  const struct trust *trust = arg;
  for (size_t i = 0; i < trust->count; i++) {
    char id[SIGNING_KEY_ID_TEXT];
    signing_key_id(trust->keys[i].signing, id);
    if (span_is(key_id, id) && signing_verify(trust->keys[i].signing, "kurator/v1/head", statement, signature)) {
      return true;
    }
  }
  return false;
}

int trust_load(const char *files, struct trust *trust) {
  char path[CLIENT_PATH_MAX];
  struct span rest = span_of_cstr(files);
  while (rest.size > 0) {
    struct span one = span_cut(rest, ',', &rest);
    struct fault fault = {.err = ERR_OK};
    if (trust->count == TRUST_KEYS_MAX || one.size >= sizeof path) {
      return cli_usage("слишком много ключей или слишком длинный путь");
    }
    (void)snprintf(path, sizeof path, "%.*s", SPAN_ARG(one));
    fault.err = key_public_load(path, &trust->keys[trust->count], &fault);
    if (fault.err != ERR_OK) {
      return cli_fail_fault(path, &fault);
    }
    trust->count++;
  }
  return signing_start() == ERR_OK ? CLI_OK : cli_fail(CLI_FAILURE, "криптография не запускается");
}

struct audit_ports trust_ports(struct trust *trust) {
  return (struct audit_ports){.arg = trust, .verify = is_signed};
}
