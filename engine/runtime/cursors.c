#include "runtime/cursors.h"

#include <stdlib.h>

void cursors_init(struct cursors *cursors, const struct catalogue *catalogue) {
  *cursors = (struct cursors){.catalogue = catalogue};
  cursors->entries = calloc(catalogue->participants_count + 1, sizeof *cursors->entries);
  ASSERT(cursors->entries);
  for (size_t i = 0; i < catalogue->participants_count; i++) {
    cursors->entries[i].participant = &catalogue->participants[i];
  }
}

void cursors_finish(struct cursors *cursors) {
  if (cursors) {
    free(cursors->entries);
    cursors->entries = NULL;
  }
}

static enum err entry_load(struct cursor_entry *entry, struct store *store, bool *ret_is_new) {
  struct record_key key = record_name_key(entry->participant->id);
  struct span bytes;
  entry->record = (struct record_cursor){0};
  entry->dirty = false;
  enum err err = store_get(store, STORE_CURSOR, record_key_span(&key), &bytes);
  *ret_is_new = err == ERR_NOT_FOUND;
  return err == ERR_OK ? record_cursor_read(bytes, &entry->record) : *ret_is_new ? ERR_OK : err;
}

struct cursor_entry *cursors_find(const struct cursors *cursors, struct span participant) {
  const struct participant *found = catalogue_participant(cursors->catalogue, participant);
  return found ? &cursors->entries[found - cursors->catalogue->participants] : NULL;
}

void cursors_touch(struct cursors *cursors, struct cursor_entry *entry) {
  cursors->dirty += !entry->dirty;
  entry->dirty = true;
}

/* A participant has its record from the first batch on: a copy that is put back moves the streams that it knows. */
enum err cursors_load(struct cursors *cursors, struct store *store) {
  cursors->dirty = 0;
  for (size_t i = 0; i < cursors->catalogue->participants_count; i++) {
    bool is_new = false;
    TRY(entry_load(&cursors->entries[i], store, &is_new));
    if (is_new) {
      cursors_touch(cursors, &cursors->entries[i]);
    }
  }
  return ERR_OK;
}

void cursors_write(struct cursors *cursors, struct store *store, struct writer *scratch) {
  for (size_t i = 0; cursors->dirty > 0; i++) {
    struct cursor_entry *entry = &cursors->entries[i];
    if (!entry->dirty) {
      continue;
    }
    struct record_key key = record_name_key(entry->participant->id);
    writer_reset(scratch);
    record_cursor_write(&entry->record, scratch);
    store_put(store, STORE_CURSOR, record_key_span(&key), writer_span(scratch));
    entry->dirty = false;
    cursors->dirty--;
  }
}
