#include "runtime/export.h"

#include "runtime/line.h"
#include "runtime/records.h"

struct export {
  line_sink sink;
  void *arg;
  struct arena arena; /* of one line */
  struct writer line;
  enum err err;
};

static enum err clear_data(struct export *e, struct span clear, struct value *ret_data) {
  if (span_empty(clear)) {
    return value_map(NULL, 0, ret_data);
  }
  struct reader r = reader_of(clear);
  TRY(value_decode(&r, &e->arena, ret_data));
  return ret_data->kind == VALUE_MAP ? ERR_OK : ERR_CORRUPT;
}

static void write_refusal(struct export *e, const struct record_journal *entry) {
  struct value_field fields[] = {
      {SPAN_LITERAL("code"), value_text(span_of_cstr(err_name(entry->err)))},
      {SPAN_LITERAL("text"), value_text(entry->text)},
  };
  struct value refusal;
  enum err err = value_map(fields, 2, &refusal);
  ASSERT(err == ERR_OK);
  line_value(&e->line, "refused", refusal);
}

static enum err write_entry(struct export *e, const struct record_journal *entry) {
  arena_reset(&e->arena);
  writer_reset(&e->line);
  struct value data;
  TRY(clear_data(e, entry->clear, &data));
  line_moment(&e->line, "at", entry->recorded_at);
  line_text(&e->line, "as", entry->sender);
  line_text(&e->line, "event", entry->event);
  line_text(&e->line, "case", entry->case_id);
  line_value(&e->line, "data", data);
  if (entry->occurred_at != entry->recorded_at) {
    line_moment(&e->line, "occurred_at", entry->occurred_at);
  }
  if (entry->kind == RECORD_JOURNAL_UNREADABLE) {
    write_refusal(e, entry);
  }
  line_end(&e->line);
  return ERR_OK;
}

bool export_takes(const struct record_journal *entry) {
  return entry->kind != RECORD_JOURNAL_AUDIT && !span_empty(entry->sender);
}

static bool visit(void *arg, struct span key, struct span value) {
  struct export *e = arg;
  struct record_journal entry;
  (void)key;
  e->err = record_journal_read(value, &entry);
  if (e->err != ERR_OK || !export_takes(&entry)) {
    return e->err == ERR_OK;
  }
  e->err = write_entry(e, &entry);
  return e->err == ERR_OK && e->sink(e->arg, writer_span(&e->line));
}

enum err export_write(struct store *store, uint64_t first, line_sink sink, void *arg) {
  struct export e = {.sink = sink, .arg = arg};
  arena_init(&e.arena, 0);
  writer_init(&e.line);
  struct record_key from = record_number_key(first);
  enum err err = store_scan(store, STORE_JOURNAL, span_of(NULL, 0), record_key_span(&from), visit, &e);
  writer_finish(&e.line);
  arena_finish(&e.arena);
  return err != ERR_OK ? err : e.err;
}
