#include "runtime/export.h"

#include "runtime/line.h"
#include "runtime/records.h"

struct export {
  struct store *store;
  line_sink sink;
  void *arg;
  struct arena arena; /* of one line */
  struct writer line;
  uint64_t number; /* of the entry */
  uint64_t last;   /* no further */
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

/* Refusals that the incident of this one stands for; its receipt says which that is. */
static uint64_t refusals_of(struct export *e, const struct record_journal *entry) {
  struct record_key key = record_pair_key(entry->sender, entry->sequence);
  struct span bytes;
  struct record_receipt receipt;
  struct record_incident incident;
  if (store_get(e->store, STORE_DEDUP, record_key_span(&key), &bytes) != ERR_OK ||
      record_receipt_read(bytes, &receipt) != ERR_OK) {
    return 1;
  }
  const struct span roots[] = {span_empty(entry->case_id) ? SPAN_LITERAL("-") : case_root(entry->case_id),
                               SPAN_LITERAL("-")};
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
    key = record_incident_key(roots[i], receipt.incident);
    if (store_get(e->store, STORE_INCIDENT, record_key_span(&key), &bytes) == ERR_OK &&
        record_incident_read(bytes, &incident) == ERR_OK) {
      return incident.count;
    }
  }
  return 1;
}

static void write_times(struct export *e, const struct record_journal *entry) {
  bool refused = entry->kind == RECORD_JOURNAL_UNREADABLE || entry->kind == RECORD_JOURNAL_REFUSED;
  uint64_t times = refused ? refusals_of(e, entry) : 1;
  if (times > 1) {
    line_value(&e->line, "times", value_int((int64_t)times));
  }
}

/* What its sender has named by its number is found again by it. */
static void write_sequence(struct export *e, const struct record_journal *entry) {
  struct record_key key = record_named_key(e->number);
  struct span by;
  if (entry->sequence > 0 && entry->sequence <= INT64_MAX &&
      store_get(e->store, STORE_INDEX, record_key_span(&key), &by) == ERR_OK) {
    line_value(&e->line, "sequence", value_int((int64_t)entry->sequence));
  }
}

static void write_timers(struct export *e, const struct record_journal *entry) {
  if (entry->behind) {
    line_value(&e->line, "timers", value_int((int64_t)entry->timers));
  }
}

/* Timers of a family that were taken before their turn: its message may have left no entry. */
static void write_family(struct export *e, const struct record_journal *entry) {
  line_moment(&e->line, "at", entry->recorded_at);
  line_text(&e->line, "case", case_root(entry->case_id));
  write_timers(e, entry);
  line_end(&e->line);
}

static enum err write_message(struct export *e, const struct record_journal *entry) {
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
  write_sequence(e, entry);
  write_times(e, entry);
  write_timers(e, entry);
  line_end(&e->line);
  return ERR_OK;
}

/* The calendar was amended: what a rehearsal amends it with. It says when each family was recounted. */
static void write_import(struct export *e, const struct record_journal *entry, struct value clear) {
  line_moment(&e->line, "at", entry->recorded_at);
  line_text(&e->line, "as", entry->sender);
  clear = value_with(&e->arena, &clear, SPAN_LITERAL("told"), value_bool(true));
  line_value(&e->line, "calendar", clear);
  line_end(&e->line);
}

static enum err write_calendar(struct export *e, const struct record_journal *entry) {
  struct value clear;
  TRY(clear_data(e, entry->clear, &clear));
  if (!span_empty(entry->sender)) {
    write_import(e, entry, clear);
    return ERR_OK;
  }
  line_moment(&e->line, "at", entry->recorded_at);
  line_text_if_any(&e->line, "case", entry->case_id);
  line_value(&e->line, entry->kind == RECORD_JOURNAL_RECOUNT ? "recount" : "recounted", clear);
  write_timers(e, entry);
  line_end(&e->line);
  return ERR_OK;
}

static bool is_of_calendar(const struct record_journal *entry) {
  return entry->kind == RECORD_JOURNAL_CALENDAR || entry->kind == RECORD_JOURNAL_RECOUNT;
}

static enum err write_entry(struct export *e, const struct record_journal *entry) {
  arena_reset(&e->arena);
  writer_reset(&e->line);
  if (is_of_calendar(entry)) {
    return write_calendar(e, entry);
  }
  if (!span_empty(entry->sender)) {
    return write_message(e, entry);
  }
  write_family(e, entry);
  return ERR_OK;
}

bool export_takes(const struct record_journal *entry) {
  if (is_of_calendar(entry)) {
    return entry->sequence == 0; /* what the operator had repeated is not, as with timers */
  }
  return entry->kind != RECORD_JOURNAL_AUDIT && (!span_empty(entry->sender) || entry->behind);
}

static bool visit(void *arg, struct span key, struct span value) {
  struct export *e = arg;
  struct record_journal entry;
  e->err = record_number_of_key(key, &e->number);
  if (e->number > e->last) {
    return false;
  }
  e->err = e->err == ERR_OK ? record_journal_read(value, &entry) : e->err;
  if (e->err != ERR_OK || !export_takes(&entry)) {
    return e->err == ERR_OK;
  }
  e->err = write_entry(e, &entry);
  return e->err == ERR_OK && e->sink(e->arg, writer_span(&e->line));
}

enum err export_write_to(struct store *store, uint64_t first, uint64_t last, line_sink sink, void *arg) {
  struct export e = {.store = store, .sink = sink, .arg = arg, .last = last};
  arena_init(&e.arena, 0);
  writer_init(&e.line);
  struct record_key from = record_number_key(first);
  enum err err = store_scan(store, STORE_JOURNAL, span_of(NULL, 0), record_key_span(&from), visit, &e);
  writer_finish(&e.line);
  arena_finish(&e.arena);
  return err != ERR_OK ? err : e.err;
}

enum err export_write(struct store *store, uint64_t first, line_sink sink, void *arg) {
  return export_write_to(store, first, UINT64_MAX, sink, arg);
}
