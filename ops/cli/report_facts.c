/*
 * The facts of a report: the records that a rehearsal has left, as rows of named fields.
 *
 * Case, deadline and referral rows come from the same records as the outcome (runtime/outcome.h), so their numbers add
 * up with it; event rows are the entries of the journal that a case has taken. A row knows its root case; territory and
 * process of what belongs to a family are looked up among its cases when all have been read.
 */
#include <stdlib.h>

#include "report.h"
#include "runtime/records.h"

#define FACT(name, value)                                                                                              \
  (struct value_field) {                                                                                               \
    SPAN_LITERAL(name), (value)                                                                                        \
  }
enum { FACTS_MAX = 24 };

/* ---- rows ---- */

static struct value text_or_nil(struct arena *arena, struct span text) {
  return span_empty(text) ? value_nil() : value_text(arena_copy(arena, text));
}

static struct value day_or_nil(struct arena *arena, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  if (day == CIVIL_DAY_NONE) {
    return value_nil();
  }
  civil_day_format(day, text);
  return value_text(arena_copy(arena, span_of_cstr(text)));
}

static struct value moment_or_nil(struct arena *arena, civil_moment moment) {
  char text[CIVIL_MOMENT_TEXT];
  if (moment == CIVIL_MOMENT_NONE) {
    return value_nil();
  }
  civil_moment_format(moment, text);
  return value_text(arena_copy(arena, span_of_cstr(text)));
}

static struct value date_of(struct arena *arena, civil_moment moment) {
  return day_or_nil(arena, moment == CIVIL_MOMENT_NONE ? CIVIL_DAY_NONE : civil_moment_day(moment));
}

static void add_row(struct report *report, enum report_table_id id, struct span case_id,
                    const struct value_field *fields, size_t count) {
  struct report_table *table = &report->tables[id];
  if (table->count == table->capacity) {
    table->capacity = table->capacity ? table->capacity * 2 : 256;
    table->rows = realloc(table->rows, table->capacity * sizeof *table->rows);
    ASSERT(table->rows);
  }
  struct value_field *kept = ARENA_ARRAY(report->arena, struct value_field, count);
  memcpy(kept, fields, count * sizeof *fields);
  struct report_row *row = &table->rows[table->count];
  *row = (struct report_row){.case_id = arena_copy(report->arena, case_id),
                             .order = table->count,
                             .events = report->tables[REPORT_EVENTS].count};
  enum err err = value_map(kept, count, &row->value);
  ASSERT(err == ERR_OK);
  table->count++;
}

/* ---- cases and referrals ---- */

struct reading {
  struct report *report;
  struct store *store;
  struct arena arena; /* of one record */
  enum err err;
};

static struct value texts_value(struct arena *arena, const struct text_list *list) {
  struct value *items = ARENA_ARRAY(arena, struct value, list->count + 1);
  for (size_t i = 0; i < list->count; i++) {
    items[i] = value_text(arena_copy(arena, list->items[i]));
  }
  return value_list(items, list->count);
}

static void add_case(struct report *report, const struct case_view *view) {
  struct arena *arena = report->arena;
  const struct case_identity *identity = &view->identity;
  struct span root = case_root(identity->id);
  const struct value_field fields[] = {
      FACT("case", text_or_nil(arena, root)),
      FACT("part", text_or_nil(arena, identity->id)),
      FACT("root", value_bool(span_equal(root, identity->id))),
      FACT("process", text_or_nil(arena, identity->process)),
      FACT("key", text_or_nil(arena, identity->key)),
      FACT("territory", text_or_nil(arena, view->territory)),
      FACT("state", value_text(view->ended ? SPAN_LITERAL("ended") : SPAN_LITERAL("open"))),
      FACT("stage", text_or_nil(arena, view->stage)),
      FACT("ground", view->ended ? text_or_nil(arena, view->ground) : value_nil()),
      FACT("opened_on", date_of(arena, view->opened_at)),
      FACT("ended_on", view->ended ? date_of(arena, view->changed_at) : value_nil()),
      FACT("states", texts_value(arena, &view->states)),
      FACT("status", text_or_nil(arena, view->status)),
  };
  add_row(report, REPORT_CASES, root, fields, sizeof fields / sizeof *fields);
}

static void add_referral(struct report *report, const struct case_view *view) {
  struct arena *arena = report->arena;
  const struct case_identity *identity = &view->identity;
  civil_moment at = view->status_at != CIVIL_MOMENT_NONE ? view->status_at : view->opened_at;
  const struct value_field fields[] = {
      FACT("case", text_or_nil(arena, case_root(identity->id))),
      FACT("part", text_or_nil(arena, identity->id)),
      FACT("process", text_or_nil(arena, identity->process)),
      FACT("measure", text_or_nil(arena, identity->key)),
      FACT("territory", text_or_nil(arena, view->territory)),
      FACT("to", text_or_nil(arena, view->last_addressee)),
      FACT("status", text_or_nil(arena, view->status)),
      FACT("state", value_text(view->ended ? SPAN_LITERAL("ended") : SPAN_LITERAL("open"))),
      FACT("at", moment_or_nil(arena, at)),
      FACT("on", date_of(arena, at)),
      FACT("opened_on", date_of(arena, view->opened_at)),
      FACT("ended_on", view->ended ? date_of(arena, view->changed_at) : value_nil()),
      FACT("reason", text_or_nil(arena, view->reason)),
  };
  add_row(report, REPORT_REFERRALS, case_root(identity->id), fields, sizeof fields / sizeof *fields);
}

static enum err read_case(struct reading *reading, struct span value) {
  struct record_case record;
  struct case_view view;
  TRY(record_case_read(value, &record));
  TRY(case_view_decode(arena_copy(&reading->arena, record.body), &reading->arena, &view));
  if (view.identity.referral) {
    add_referral(reading->report, &view);
  } else {
    add_case(reading->report, &view);
  }
  return ERR_OK;
}

static bool visit_case(void *arg, struct span key, struct span value) {
  struct reading *reading = arg;
  (void)key;
  arena_reset(&reading->arena);
  reading->err = read_case(reading, value);
  return reading->err == ERR_OK;
}

/* ---- deadlines ---- */

static void add_deadline(struct report *report, struct span case_id, const struct deadline *d) {
  struct arena *arena = report->arena;
  const struct value_field fields[] = {
      FACT("case", text_or_nil(arena, case_root(case_id))),
      FACT("part", text_or_nil(arena, case_id)),
      FACT("id", text_or_nil(arena, d->id)),
      FACT("key", text_or_nil(arena, d->key)),
      FACT("measure", text_or_nil(arena, d->key)),
      FACT("title", text_or_nil(arena, d->title)),
      FACT("basis", text_or_nil(arena, d->basis)),
      FACT("owner", text_or_nil(arena, d->owner)),
      FACT("term", text_or_nil(arena, d->term)),
      FACT("from", day_or_nil(arena, d->from)),
      FACT("due", day_or_nil(arena, d->due)),
      FACT("state", value_text(span_of_cstr(deadline_state_name(d->state)))),
      FACT("at", moment_or_nil(arena, d->at)),
      FACT("on", date_of(arena, d->at)),
      FACT("done_on", day_or_nil(arena, d->done_on)),
      FACT("counted", value_bool(d->counted)),
  };
  add_row(report, REPORT_DEADLINES, case_root(case_id), fields, sizeof fields / sizeof *fields);
}

static enum err read_deadline(struct reading *reading, struct span key, struct span value) {
  uint8_t *text = arena_alloc(&reading->arena, CASE_ID_MAX);
  struct deadline deadline;
  struct span case_id;
  uint32_t slot;
  TRY(record_deadline_of_key(key, text, &case_id, &slot));
  TRY(record_deadline_read(value, &deadline));
  add_deadline(reading->report, case_id, &deadline);
  return ERR_OK;
}

static bool visit_deadline(void *arg, struct span key, struct span value) {
  struct reading *reading = arg;
  arena_reset(&reading->arena);
  reading->err = read_deadline(reading, key, value);
  return reading->err == ERR_OK;
}

/* ---- events ---- */

/* What an event's fields and those of its items begin with. */
static size_t event_fields(struct report *report, const struct record_journal *entry, struct span measure,
                           struct value data, struct value_field fields[FACTS_MAX]) {
  struct arena *arena = report->arena;
  const struct value_field event[] = {
      FACT("case", text_or_nil(arena, case_root(entry->case_id))),
      FACT("event", text_or_nil(arena, entry->event)),
      FACT("sender", text_or_nil(arena, entry->sender)),
      FACT("measure", text_or_nil(arena, measure)),
      FACT("at", moment_or_nil(arena, entry->recorded_at)),
      FACT("recorded_on", date_of(arena, entry->recorded_at)),
      FACT("on", date_of(arena, entry->occurred_at)),
      FACT("data", data),
  };
  memcpy(fields, event, sizeof event);
  return sizeof event / sizeof *event;
}

static void add_items(struct report *report, const struct record_journal *entry, const struct value *data) {
  struct value_field fields[FACTS_MAX];
  for (size_t i = 0; data->kind == VALUE_MAP && i < data->map.count; i++) {
    const struct value *list = &data->map.fields[i].value;
    for (size_t k = 0; list->kind == VALUE_LIST && k < list->list.count; k++) {
      const struct value *item = &list->list.items[k];
      if (item->kind != VALUE_MAP) {
        continue;
      }
      size_t count = event_fields(report, entry, value_get_text(item, "id"), *data, fields);
      fields[count++] = FACT("list", value_text(data->map.fields[i].name));
      fields[count++] = FACT("item", *item);
      add_row(report, REPORT_ITEMS, case_root(entry->case_id), fields, count);
    }
  }
}

/* A referral is named in the data, or by the last part of the case's number. */
static struct span measure_of(const struct record_journal *entry, const struct value *data) {
  struct span named = value_get_text(data, "measure");
  struct span root = case_root(entry->case_id);
  size_t at = entry->case_id.size;
  while (at > root.size && entry->case_id.data[at - 1] != '/') {
    at--;
  }
  return !span_empty(named) ? named : span_of(entry->case_id.data + at, at > root.size ? entry->case_id.size - at : 0);
}

/* An entry that was taken back tells nothing any more. */
static bool is_annulled(const struct reading *reading, uint64_t number) {
  struct record_key key = record_annulled_key(number);
  struct span by;
  return store_get(reading->store, STORE_INDEX, record_key_span(&key), &by) == ERR_OK;
}

static enum err read_entry(struct reading *reading, struct span key, struct span value) {
  struct report *report = reading->report;
  struct record_journal entry;
  struct value data = value_nil();
  struct value_field fields[FACTS_MAX];
  uint64_t number = 0;
  TRY(record_number_of_key(key, &number));
  TRY(record_journal_read(value, &entry));
  if (entry.kind != RECORD_JOURNAL_MESSAGE || is_annulled(reading, number)) {
    return ERR_OK;
  }
  if (!span_empty(entry.clear)) {
    struct reader r = reader_of(entry.clear);
    TRY(value_decode(&r, &reading->arena, &data));
    data = value_copy(report->arena, &data);
  }
  size_t count = event_fields(report, &entry, measure_of(&entry, &data), data, fields);
  add_row(report, REPORT_EVENTS, case_root(entry.case_id), fields, count);
  add_items(report, &entry, &data);
  return ERR_OK;
}

static bool visit_entry(void *arg, struct span key, struct span value) {
  struct reading *reading = arg;
  arena_reset(&reading->arena);
  reading->err = read_entry(reading, key, value);
  return reading->err == ERR_OK;
}

/* ---- families ---- */

static int compare_rows(const void *left, const void *right) {
  const struct report_row *a = *(const struct report_row *const *)left;
  const struct report_row *b = *(const struct report_row *const *)right;
  int order = span_compare(a->case_id, b->case_id);
  return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

static void index_table(struct report *report, struct report_table *table) {
  table->by_case = ARENA_ARRAY(report->arena, const struct report_row *, table->count + 1);
  for (size_t i = 0; i < table->count; i++) {
    table->by_case[i] = &table->rows[i];
  }
  if (table->count > 0) {
    qsort(table->by_case, table->count, sizeof(void *), compare_rows);
  }
}

/* A case that is kept for a participant has the number PROCESS.ID. */
static void join_participant(struct report *report, struct report_row *row, struct span process) {
  struct span id = row->case_id;
  if (id.size > process.size + 1 && span_starts_with(id, process) && id.data[process.size] == '.') {
    id = span_of(id.data + process.size + 1, id.size - process.size - 1);
    row->value = value_with(report->arena, &row->value, SPAN_LITERAL("participant"), value_text(id));
  }
}

/* First of the family's rows in by_case; the table's end if there is none. */
static size_t family_start(const struct report_table *table, struct span case_id) {
  size_t low = 0;
  size_t high = table->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (span_compare(table->by_case[middle]->case_id, case_id) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

struct report_rows report_family(const struct report_table *table, struct span case_id) {
  size_t start = family_start(table, case_id);
  size_t end = start;
  while (end < table->count && span_equal(table->by_case[end]->case_id, case_id)) {
    end++;
  }
  return (struct report_rows){table->by_case + start, end - start};
}

static const struct value *part_of(const struct report_table *table, const struct report_row *row) {
  struct report_rows family = report_family(table, row->case_id);
  struct span part = value_get_text(&row->value, "part");
  for (size_t i = 0; i < family.count; i++) {
    if (span_equal(value_get_text(&family.items[i]->value, "part"), part)) {
      return &family.items[i]->value;
    }
  }
  return NULL;
}

/* A deadline is one of a part of the family, which has a process, and is a measure or is not. */
static void join_part(struct report *report, struct report_row *row) {
  const struct value *part = part_of(&report->tables[REPORT_CASES], row);
  part = part ? part : part_of(&report->tables[REPORT_REFERRALS], row);
  const struct value *process = part ? value_get(part, "process") : NULL;
  const struct value *measure = part ? value_get(part, "measure") : NULL;
  if (process) {
    row->value = value_with(report->arena, &row->value, SPAN_LITERAL("process"), *process);
  }
  if (measure) {
    row->value = value_with(report->arena, &row->value, SPAN_LITERAL("measure"), *measure);
  }
}

/* Of what kind the measure is that a referral carries out: as it was told last. */
static void join_kind(struct report *report, struct report_row *row) {
  struct report_rows family = report_family(&report->tables[REPORT_ITEMS], row->case_id);
  struct span measure = value_get_text(&row->value, "measure");
  const struct value *kind = NULL;
  for (size_t i = 0; i < family.count; i++) {
    const struct value *item = value_get(&family.items[i]->value, "item");
    bool same = item && span_equal(value_get_text(&family.items[i]->value, "measure"), measure);
    const struct value *its = same ? value_get(item, "kind") : NULL;
    kind = its ? its : kind;
  }
  if (kind) {
    row->value = value_with(report->arena, &row->value, SPAN_LITERAL("kind"), *kind);
  }
}

/* What a row does not say of its family: process and territory of the root. */
static void join_root(struct report *report, struct report_row *row) {
  struct report_rows family = report_family(&report->tables[REPORT_CASES], row->case_id);
  const struct report_row *root = family.count > 0 ? family.items[0] : NULL; /* NULL: refusals only */
  const struct value *territory = root ? value_get(&root->value, "territory") : NULL;
  const struct value *process = root ? value_get(&root->value, "process") : NULL;
  if (territory && !value_get(&row->value, "territory")) {
    row->value = value_with(report->arena, &row->value, SPAN_LITERAL("territory"), *territory);
  }
  if (process) {
    row->value = value_with(report->arena, &row->value, SPAN_LITERAL("root_process"), *process);
    join_participant(report, row, process->text);
  }
}

static enum err scan(struct reading *reading, struct store *store, enum store_space space, store_visit visit) {
  struct span all = {NULL, 0};
  TRY(store_scan(store, space, all, all, visit, reading));
  return reading->err;
}

static enum err read_tables(struct reading *reading, struct store *store) {
  TRY(scan(reading, store, STORE_CASE, visit_case));
  TRY(scan(reading, store, STORE_DEADLINE, visit_deadline));
  return scan(reading, store, STORE_JOURNAL, visit_entry);
}

enum err report_facts_read(void *arg, struct store *store) {
  struct report *report = arg;
  struct reading reading = {.report = report, .store = store};
  arena_init(&reading.arena, 0);
  enum err err = read_tables(&reading, store);
  arena_finish(&reading.arena);
  TRY(err);
  for (int i = 0; i < REPORT_TABLES; i++) {
    index_table(report, &report->tables[i]);
  }
  for (size_t k = 0; k < report->tables[REPORT_DEADLINES].count; k++) {
    join_part(report, &report->tables[REPORT_DEADLINES].rows[k]);
  }
  for (size_t k = 0; k < report->tables[REPORT_REFERRALS].count; k++) {
    join_kind(report, &report->tables[REPORT_REFERRALS].rows[k]);
  }
  for (int i = 0; i < REPORT_TABLES; i++) {
    for (size_t k = 0; k < report->tables[i].count; k++) {
      join_root(report, &report->tables[i].rows[k]);
    }
  }
  return ERR_OK;
}

void report_facts_finish(struct report *report) {
  calendar_destroy(&report->calendar);
  for (int i = 0; i < REPORT_TABLES; i++) {
    free(report->tables[i].rows);
    report->tables[i] = (struct report_table){.rows = NULL};
  }
}

const struct value *report_field(const struct value *row, struct span path) {
  struct span rest;
  struct span name = span_cut(path, '.', &rest);
  const struct value *value = value_find(row, name);
  if (value && !span_empty(rest)) {
    value = value_find(value, rest);
  }
  return value && value->kind != VALUE_NIL ? value : NULL;
}
