/*
 * Signed heads: what proves the chain to somebody who does not trust who holds the database.
 *
 * A chain alone can be made anew by whoever can write all of it. So the engine signs its head now and then, into the
 * batch that the head belongs to: a signed head is durable with the entries that it covers, and nothing waits for it.
 */
#include <string.h>

#include "runtime/engine.h"

static bool take_last(void *arg, struct span key, struct span value) {
  struct record_signed *last = arg;
  (void)key;
  if (record_signed_read(value, last) != ERR_OK) {
    last->at = CIVIL_MOMENT_NONE; /* the next one is signed at once; `kurator audit verify` names this one */
  }
  return false;
}

enum err signed_load(struct runtime *runtime) {
  struct record_signed last = {.at = CIVIL_MOMENT_NONE};
  struct record_key prefix = record_signed_prefix();
  TRY(store_scan_back(runtime->store, STORE_META, record_key_span(&prefix), take_last, &last));
  runtime->signed_head = (struct signed_head){last.journal, last.at};
  return ERR_OK;
}

bool signed_now(const struct runtime *runtime) {
  return runtime->head.journal == runtime->signed_head.journal;
}

bool signed_due(const struct runtime *runtime, civil_moment now) {
  const struct signed_head *last = &runtime->signed_head;
  if (!runtime->ports.sign || signed_now(runtime)) {
    return false;
  }
  return runtime->sign_each || last->at == CIVIL_MOMENT_NONE || now - last->at >= runtime->limits.signed_ms ||
         runtime->head.journal - last->journal >= runtime->limits.signed_entries;
}

static void sign(struct runtime *runtime) {
  civil_moment last = runtime->head.recorded_at;
  struct record_signed head = {.journal = runtime->head.journal, .at = runtime->now > last ? runtime->now : last};
  uint8_t statement[RECORD_STATEMENT_SIZE];
  struct runtime_signature signature = {.key_id = ""};
  memcpy(head.chain, runtime->head.chain, sizeof head.chain);
  record_signed_statement(&head, statement);
  runtime->ports.sign(runtime->ports.arg, span_of(statement, sizeof statement), &signature);
  head.key_id = span_of_cstr(signature.key_id);
  memcpy(head.signature, signature.bytes, sizeof head.signature);

  struct record_key key = record_signed_key(head.journal);
  writer_reset(&runtime->scratch);
  record_signed_write(&head, &runtime->scratch);
  engine_put(runtime, STORE_META, &key, writer_span(&runtime->scratch));
  runtime->signed_head = (struct signed_head){head.journal, head.at};
}

void signed_write(struct runtime *runtime) {
  if (signed_due(runtime, runtime->now)) {
    sign(runtime);
  }
}
