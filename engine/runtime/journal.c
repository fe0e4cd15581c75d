#include "runtime/engine.h"

#include <string.h>

void journal_append(struct runtime *runtime, struct record_journal *entry) {
  struct record_head *head = &runtime->head;
  head->journal++;
  head->recorded_at = entry->recorded_at;
  struct seal_link link = {head->journal, entry->recorded_at, entry->digest};
  seal_chain(head->chain, &link);
  memcpy(entry->chain, head->chain, sizeof entry->chain);

  struct record_key key = record_number_key(head->journal);
  writer_reset(&runtime->scratch);
  record_journal_write(entry, &runtime->scratch);
  engine_put(runtime, STORE_JOURNAL, &key, writer_span(&runtime->scratch));
}
