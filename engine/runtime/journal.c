#include <string.h>

#include "runtime/engine.h"
#include "runtime/export.h"

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

/* What a rehearsal has to know to take the timers where they were taken: due.c. */
static void note_timers(struct runtime *runtime, struct record_journal *entry) {
  if (!span_empty(entry->sender) && entry->kind != RECORD_JOURNAL_CALENDAR) {
    entry->behind = runtime->behind && entry->kind != RECORD_JOURNAL_AUDIT;
  }
  if (export_takes(entry)) {
    entry->timers = entry->behind ? runtime->head.timers : 0;
    runtime->head.timers = 0;
  }
}

void journal_append(struct runtime *runtime, struct record_journal *entry) {
  note_timers(runtime, entry);
  runtime->head.journal++;
  runtime->head.recorded_at = entry->recorded_at;
  seal_salt(&runtime->seal, runtime->head.chain, entry->salt);
  put_entry(runtime, entry);
}

/* ---- the messages to one family ---- */

static struct case_slot *root_slot(struct runtime *runtime, struct span root) {
  struct case_slot *slot = NULL;
  struct fault unread = {.err = ERR_OK};
  return cases_get(&runtime->cases, root, &slot, &unread) == ERR_OK ? slot : NULL;
}

uint64_t journal_latest(struct runtime *runtime, struct span root) {
  const struct case_slot *slot = root_slot(runtime, root);
  return slot ? slot->latest : RECORD_NO_ENTRY;
}

/* The root's own record was written with it, if the message came to the root. */
void journal_link(struct runtime *runtime, struct span root, uint64_t number) {
  struct record_key key = record_case_key(root);
  struct case_slot *slot = span_empty(root) ? NULL : root_slot(runtime, root);
  struct record_case record;
  struct span bytes;
  if (!slot || slot->latest == number + 1 || !engine_read(runtime, STORE_CASE, &key, &bytes) ||
      record_case_read(arena_copy(&runtime->arena, bytes), &record) != ERR_OK) {
    return;
  }
  slot->latest = number + 1;
  record.latest = slot->latest;
  writer_reset(&runtime->scratch);
  record_case_write(&record, &runtime->scratch);
  engine_put(runtime, STORE_CASE, &key, writer_span(&runtime->scratch));
}
