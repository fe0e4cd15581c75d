/*
 * Imports: judged when they are asked for, taken when no timer is due, told when they are durable. The states stand in
 * runtime/calendars.h.
 *
 * Invariants
 * 1. What the casework counts by is the calendar of config/ with all imports of `record` over it, in their order.
 * 2. `record` equals what is committed when nothing is collected or in flight (calendars_load brings it back).
 * 3. One import at a time: none waits while a recount is under way.
 */
#include "runtime/calendars.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/engine.h"

#define EVENT_IMPORT    "calendar.import"
#define EVENT_RECOUNTED "calendar.recounted"

/* ---- what counts ---- */

const struct calendar *runtime_calendar(const struct runtime *runtime) {
  return casework_calendar(runtime->casework);
}

/* Takes `calendar`; NULL: that of config/ counts. */
static void use(struct runtime *runtime, struct calendar *calendar) {
  struct calendars *calendars = &runtime->calendars;
  (void)casework_calendar_swap(runtime->casework, calendar ? calendar : calendars->base);
  calendar_destroy(&calendars->current);
  calendars->current = calendar;
}

/* In the export a row is text of JSON: what has to be escaped there in six bytes has no business in a note. */
static enum err check_rows(struct span rows, struct fault *fault) {
  uint32_t line = 1;
  if (rows.size > RUNTIME_CALENDAR_MAX) {
    return fault_set(fault, ERR_LIMIT, "файл календаря больше %d КиБ: загружайте его по годам",
                     RUNTIME_CALENDAR_MAX >> 10);
  }
  for (size_t i = 0; i < rows.size; i++) {
    uint8_t c = rows.data[i];
    if ((c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7F) {
      return fault_set_at(fault, ERR_FORMAT, line, 0, "в строке управляющий символ: сохраните файл как обычный текст");
    }
    line += c == '\n';
  }
  return ERR_OK;
}

enum err calendars_amended(const struct runtime *runtime, struct span rows, struct calendar **ret_calendar,
                           struct fault *fault) {
  TRY(check_rows(rows, fault));
  return calendar_amend(runtime_calendar(runtime), rows, ret_calendar, fault);
}

/* ---- what the store keeps ---- */

static enum err read_entry(struct runtime *runtime, uint64_t number, struct arena *arena,
                           struct runtime_calendar_entry *ret_entry) {
  struct record_key key = record_number_key(number);
  struct record_journal entry;
  struct span bytes;
  struct value clear;
  TRY(store_get(runtime->store, STORE_JOURNAL, record_key_span(&key), &bytes));
  TRY(record_journal_read(arena_copy(arena, bytes), &entry));
  struct reader r = reader_of(entry.clear);
  TRY(value_decode(&r, arena, &clear));
  *ret_entry = (struct runtime_calendar_entry){
      .journal = number, .at = entry.recorded_at, .actor = entry.sender, .rows = value_get_text(&clear, "rows")};
  return entry.kind == RECORD_JOURNAL_CALENDAR && !span_empty(ret_entry->rows) ? ERR_OK : ERR_CORRUPT;
}

static enum err add_import(struct runtime *runtime, uint64_t number, struct fault *fault) {
  DEFER(arena_finish) struct arena arena;
  struct runtime_calendar_entry entry;
  struct calendar *with = NULL;
  struct fault why = {.err = ERR_OK};
  arena_init(&arena, 0);
  TRY(read_entry(runtime, number, &arena, &entry));
  if (calendar_amend(runtime_calendar(runtime), entry.rows, &with, &why) != ERR_OK) {
    return fault_set(fault, ERR_CONFIG,
                     "config/calendar не сходится с тем, что загружено поверх него (запись журнала %llu): %s. Верните "
                     "прежний файл",
                     (unsigned long long)number, why.text);
  }
  use(runtime, with);
  return ERR_OK;
}

static bool same_imports(const struct record_calendar *a, const struct record_calendar *b) {
  return a->imports_count == b->imports_count &&
         memcmp(a->imports, b->imports, a->imports_count * sizeof a->imports[0]) == 0;
}

enum err calendars_load(struct runtime *runtime, struct fault *fault) {
  struct calendars *calendars = &runtime->calendars;
  struct record_calendar found = {.imports_count = 0};
  struct span bytes;
  enum err err = store_get(runtime->store, STORE_META, RECORD_CALENDAR_KEY, &bytes);
  err = err == ERR_OK ? record_calendar_read(bytes, &found) : err == ERR_NOT_FOUND ? ERR_OK : err;
  TRY(err);
  bool same = same_imports(&found, &calendars->record);
  calendars->record = found;
  calendars->dirty = false;
  if (same) {
    return ERR_OK;
  }
  use(runtime, NULL);
  for (size_t i = 0; i < found.imports_count; i++) {
    TRY(add_import(runtime, found.imports[i], fault));
  }
  return ERR_OK;
}

void calendars_write(struct runtime *runtime) {
  struct calendars *calendars = &runtime->calendars;
  if (calendars->import) {
    calendars->import->written = calendars->import->taken;
  }
  if (!calendars->dirty) {
    return;
  }
  writer_reset(&runtime->scratch);
  record_calendar_write(&calendars->record, &runtime->scratch);
  store_put(runtime->store, STORE_META, RECORD_CALENDAR_KEY, writer_span(&runtime->scratch));
  calendars->dirty = false;
}

/* ---- an import ---- */

static struct span owned(struct span text) {
  uint8_t *copy = malloc(text.size + 1);
  ASSERT(copy);
  if (text.size > 0) {
    memcpy(copy, text.data, text.size);
  }
  return span_of(copy, text.size);
}

static void import_free(struct calendar_import *import) {
  if (import) {
    free((void *)import->actor.data);
    free((void *)import->rows.data);
    free(import);
  }
}

enum err calendars_check_turn(const struct runtime *runtime, struct fault *fault) {
  const struct calendars *calendars = &runtime->calendars;
  if (calendars->import) {
    return fault_set(fault, ERR_BUSY, "календарь уже загружается: повторите позже");
  }
  if (calendars->record.recounting) {
    return fault_set(fault, ERR_BUSY,
                     "сроки ещё пересчитываются по прошлой загрузке (%llu из %llu случаев): повторите, когда "
                     "пересчёт кончится (kurator calendar show)",
                     (unsigned long long)calendars->record.done, (unsigned long long)calendars->record.cases);
  }
  return calendars->record.imports_count < RECORD_IMPORTS_MAX
             ? ERR_OK
             : fault_set(fault, ERR_LIMIT, "календарь загружали уже %d раз", RECORD_IMPORTS_MAX);
}

static bool is_same(const struct runtime *runtime, const struct calendar *with) {
  return span_equal(calendar_source(with), calendar_source(runtime_calendar(runtime)));
}

enum err runtime_calendar_import(struct runtime *runtime, const struct runtime_import *import, uint64_t *ret_ticket,
                                 struct fault *fault) {
  struct calendars *calendars = &runtime->calendars;
  DEFER(calendar_destroy) struct calendar *with = NULL;
  if (runtime->failed != ERR_OK) {
    return ERR_CLOSED;
  }
  if (span_empty(import->actor) || import->actor.size > RUNTIME_NAME_MAX) {
    return fault_set(fault, ERR_INVALID, "не сказано, кто загружает календарь");
  }
  TRY(calendars_check_turn(runtime, fault));
  TRY(calendars_amended(runtime, import->rows, &with, fault));
  if (is_same(runtime, with)) {
    return fault_set(fault, ERR_EXISTS, "эти годы уже загружены в таком же виде: ничего не изменилось");
  }
  calendars->import = calloc(1, sizeof *calendars->import);
  ASSERT(calendars->import);
  *ret_ticket = ++runtime->acts.tickets;
  *calendars->import =
      (struct calendar_import){.actor = owned(import->actor), .rows = owned(import->rows), .ticket = *ret_ticket};
  return ERR_OK;
}

void runtime_calendar_told(struct runtime *runtime, bool told) {
  runtime->calendars.told = told;
}

bool calendars_waiting(const struct runtime *runtime) {
  return runtime->calendars.import && !runtime->calendars.import->taken;
}

/* An entry of this room, of values in the order of their names. */
static void append(struct runtime *runtime, struct record_journal *entry, const struct value_field *fields,
                   size_t count) {
  struct value_field *copy = ARENA_ARRAY(&runtime->arena, struct value_field, count);
  struct value clear;
  memcpy(copy, fields, count * sizeof *copy);
  enum err err = value_map(copy, count, &clear);
  ASSERT(err == ERR_OK);
  writer_reset(&runtime->body);
  value_encode(&clear, &runtime->body);
  entry->kind = RECORD_JOURNAL_CALENDAR;
  entry->clear = writer_span(&runtime->body);
  seal_hash(entry->clear, entry->digest);
  journal_append(runtime, entry);
}

static bool count_running(void *arg, const struct runtime_definition *definition) {
  *(uint64_t *)arg += definition->cases;
  return true;
}

static void begin_recount(struct runtime *runtime, civil_moment now) {
  struct record_calendar *record = &runtime->calendars.record;
  record->imports[record->imports_count++] = runtime->head.journal;
  record->at = now;
  record->recounting = true;
  record->root_size = 0;
  record->cases = record->done = record->changed = record->deadlines = record->failed = 0;
  runtime_definitions(runtime, count_running, &record->cases);
  runtime->calendars.dirty = true;
}

void calendars_take(struct runtime *runtime, civil_moment now) {
  struct calendar_import *import = runtime->calendars.import;
  struct calendar *with = NULL;
  if (!calendars_waiting(runtime) || due_waits(runtime, now)) {
    return;
  }
  struct fault fault = {.err = ERR_OK};
  enum err err = calendars_amended(runtime, import->rows, &with, &fault); /* judged before: no memory, at worst */
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return;
  }
  use(runtime, with);
  struct record_journal entry = {
      .recorded_at = now, .occurred_at = now, .sender = import->actor, .event = SPAN_LITERAL(EVENT_IMPORT)};
  const struct value_field fields[] = {
      {SPAN_LITERAL("calendar"), value_text(span_of_cstr(calendar_revision(with)))},
      {SPAN_LITERAL("rows"), value_text(import->rows)},
  };
  append(runtime, &entry, fields, sizeof fields / sizeof *fields);
  import->taken = true;
  import->journal = runtime->head.journal;
  begin_recount(runtime, now);
}

void calendars_recounted(struct runtime *runtime, civil_moment now) {
  struct record_calendar *record = &runtime->calendars.record;
  struct record_journal entry = {.recorded_at = now, .occurred_at = record->at, .event = SPAN_LITERAL(EVENT_RECOUNTED)};
  const struct value_field fields[] = {
      {SPAN_LITERAL("calendar"), value_text(span_of_cstr(calendar_revision(runtime_calendar(runtime))))},
      {SPAN_LITERAL("changed"), value_int((int64_t)record->changed)},
      {SPAN_LITERAL("deadlines"), value_int((int64_t)record->deadlines)},
      {SPAN_LITERAL("failed"), value_int((int64_t)record->failed)},
  };
  record->recounting = false;
  record->root_size = 0;
  record->done = record->cases;
  runtime->calendars.dirty = true;
  entry.behind = due_waits(runtime, now);
  append(runtime, &entry, fields, sizeof fields / sizeof *fields);
}

void calendars_settle(struct runtime *runtime, bool stored) {
  struct calendar_import *import = runtime->calendars.import;
  if (!import) {
    return;
  }
  if (!stored) {
    import->taken = import->written = false;
    return;
  }
  if (!import->written) {
    return;
  }
  const struct runtime_acted acted = {.ticket = import->ticket, .journal = import->journal, .err = ERR_OK};
  runtime->calendars.import = NULL;
  import_free(import);
  if (runtime->ports.acted) {
    runtime->ports.acted(runtime->ports.arg, &acted);
  }
}

/* ---- looking ---- */

struct runtime_calendar_state runtime_calendar_state(const struct runtime *runtime) {
  const struct record_calendar *record = &runtime->calendars.record;
  return (struct runtime_calendar_state){
      .imports = record->imports_count,
      .waiting = runtime->calendars.import != NULL,
      .recounting = record->recounting,
      .at = record->imports_count > 0 ? record->at : CIVIL_MOMENT_NONE,
      .cases = record->cases,
      .done = record->done < record->cases ? record->done : record->cases,
      .changed = record->changed,
      .deadlines = record->deadlines,
      .failed = record->failed,
  };
}

enum err runtime_calendar_entry(struct runtime *runtime, size_t index, struct arena *arena,
                                struct runtime_calendar_entry *ret_entry) {
  const struct record_calendar *record = &runtime->calendars.record;
  DEFER(calendar_destroy) struct calendar *rows = NULL;
  if (index >= record->imports_count) {
    return ERR_NOT_FOUND;
  }
  TRY(read_entry(runtime, record->imports[index], arena, ret_entry));
  TRY(calendar_create(ret_entry->rows, (struct calendar_options){0}, &rows, NULL));
  ret_entry->first_year = calendar_first_year(rows);
  ret_entry->last_year = calendar_last_year(rows);
  return ERR_OK;
}

/* ---- life ---- */

void calendars_init(struct runtime *runtime) {
  runtime->calendars = (struct calendars){.base = casework_calendar(runtime->casework)};
}

/* The casework may have gone on to another one: then it is not ours to take away. */
void calendars_finish(struct runtime *runtime) {
  struct calendars *calendars = &runtime->calendars;
  if (calendars->current && runtime_calendar(runtime) == calendars->current) {
    (void)casework_calendar_swap(runtime->casework, calendars->base);
  }
  calendar_destroy(&calendars->current);
  import_free(calendars->import);
  calendars->import = NULL;
}
