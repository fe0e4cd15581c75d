#include <string.h>

#include "runtime/engine.h"

/* The chain covers the record as it will lie there, up to the chain itself. */
static void put_entry(struct runtime *runtime, struct record_journal *entry) {
  struct record_head *head = &runtime->head;
  struct record_key key = record_number_key(head->journal);
  uint8_t content[SEAL_HASH_SIZE];
  writer_reset(&runtime->scratch);
  record_journal_write_content(entry, &runtime->scratch);
  seal_hash(writer_span(&runtime->scratch), content);
  struct seal_link link = {head->journal, entry->recorded_at, entry->digest, content};
  seal_chain(head->chain, &link);
  memcpy(entry->chain, head->chain, sizeof entry->chain);
  writer_raw(&runtime->scratch, span_of(entry->chain, sizeof entry->chain));
  engine_put(runtime, STORE_JOURNAL, &key, writer_span(&runtime->scratch));
}

void journal_append(struct runtime *runtime, struct record_journal *entry) {
  runtime->head.journal++;
  runtime->head.recorded_at = entry->recorded_at;
  seal_salt(&runtime->seal, runtime->head.chain, entry->salt);
  put_entry(runtime, entry);
}
