/*
 * Every family that ran when the calendar was amended goes through it once: each of its living cases is stepped by the
 * new calendar, at the moment of the import, whenever its turn comes.
 *
 * Why that is exact. A family whose turn has not come is recounted before anything else of it is taken: a message, a
 * timer, or what another family has to say to it. So it goes through the same inputs in the same order, each at the
 * same moment, however the slices fell. Across families the order is told by the journal, as with timers (due.c): a
 * family in which something changes has an entry, and a rehearsal recounts it there; one in which nothing changes is
 * left as it was, to the byte, and has none.
 *
 * What has been missed stays missed: the alarm is out, people have acted on it. The preview says which of these would
 * not be missed yet by the new calendar. A due day that has moved into the past is missed at once, at the import.
 *
 * How far the slices have come is the root of the last family (`record.root`); a family that is recounted before its
 * turn is kept in the index `recounted` until the slices have passed it. Both are durable with what they speak of.
 *
 * A family that cannot be stepped is parked with an incident, as by a message; the operator can have it repeated. So is
 * one of which a living case cannot be read. Where not even the head of a record opens nobody knows whether its case
 * lives: it is passed over, with a line in the log.
 */
#include "runtime/recount.h"

#include <string.h>

#include "base/log.h"
#include "base/words.h"

enum {
  SLICE = 16,       /* families in one tick, */
  SLICE_BESIDE = 4, /* and beside messages that wait for their receipts */
  BATCH_MAX = 256,  /* in one commit */
  BATCH_BYTES = 8 << 20,
};

/* ---- whose turn has not come ---- */

static bool is_under_way(const struct calendars *calendars, struct span root) {
  for (size_t i = 0; i < calendars->recounting_count; i++) {
    if (span_equal(calendars->recounting[i], root)) {
      return true;
    }
  }
  return false;
}

static uint64_t last_import(const struct runtime *runtime) {
  const struct record_calendar *record = &runtime->calendars.record;
  return record->imports[record->imports_count - 1];
}

static bool was_taken_out_of_turn(struct runtime *runtime, struct span root) {
  struct record_key key = record_recounted_key(root);
  struct span bytes;
  uint64_t import = 0;
  return engine_read(runtime, STORE_INDEX, &key, &bytes) && record_generation_read(bytes, &import) == ERR_OK &&
         import == last_import(runtime);
}

/* Of a case whose session cannot be read, too. */
static bool began_before_import(struct runtime *runtime, struct span root) {
  struct record_key key = record_case_key(root);
  struct case_slot *slot = cases_cached(&runtime->cases, root);
  struct record_case record;
  struct span bytes;
  if (slot) {
    return slot->journal <= last_import(runtime);
  }
  return engine_read(runtime, STORE_CASE, &key, &bytes) && record_case_read(bytes, &record) == ERR_OK &&
         record.journal <= last_import(runtime);
}

bool recount_needed(struct runtime *runtime, struct span root) {
  const struct calendars *calendars = &runtime->calendars;
  const struct record_calendar *record = &calendars->record;
  return record->recounting && !span_empty(root) && root.size <= sizeof record->root &&
         span_compare(root, span_of(record->root, record->root_size)) > 0 && !is_under_way(calendars, root) &&
         !was_taken_out_of_turn(runtime, root) && began_before_import(runtime, root);
}

/* ---- one family ---- */

/* By the head of its record, all that is left of it. */
static bool lives(struct runtime *runtime, struct span id) {
  struct record_key key = record_case_key(id);
  struct record_case record;
  struct case_view view;
  struct span bytes;
  return engine_read(runtime, STORE_CASE, &key, &bytes) && record_case_read(bytes, &record) == ERR_OK &&
         case_view_decode(arena_copy(&runtime->arena, record.body), &runtime->arena, &view) == ERR_OK && !view.ended;
}

static enum err check_read(struct work *work, const struct family *family) {
  if (span_empty(family->unread) || !lives(work->runtime, family->unread)) {
    return ERR_OK;
  }
  work->failed_case = family->unread;
  return fault_set(&work->fault, ERR_CORRUPT, "запись случая не читается: %s", words_of_err(ERR_CORRUPT));
}

enum err recount_run(struct runtime *runtime, struct span root, civil_moment at, bool gated, struct work *work,
                     size_t *ret_cases) {
  struct family family;
  const struct case_input input = {.kind = CASE_INPUT_CALENDAR, .occurred_at = at};
  *ret_cases = 0;
  family_all(runtime, root, &family);
  work_begin(work, runtime, at);
  work->gated = gated;
  work->failed_case = root;
  TRY(check_read(work, &family));
  for (size_t i = 0; i < family.count; i++) {
    if (!case_has_ended(family.members[i]->file)) {
      struct case_identity identity = {.id = arena_copy(&runtime->arena, family.members[i]->id)};
      work_add(work, &identity, &input);
      ++*ret_cases;
    }
  }
  return work_run(work);
}

/* ---- what has changed ---- */

struct changing {
  struct work *work;
  struct recount_changes changes;
};

static struct runtime_recount_change *change_add(struct changing *c) {
  struct recount_changes *changes = &c->changes;
  if (changes->count == changes->capacity) {
    changes->capacity = changes->capacity ? changes->capacity * 2 : 8;
    struct runtime_recount_change *grown =
        ARENA_ARRAY(&c->work->runtime->arena, struct runtime_recount_change, changes->capacity);
    if (changes->count > 0) {
      memcpy(grown, changes->items, changes->count * sizeof *grown);
    }
    changes->items = grown;
  }
  struct runtime_recount_change *change = &changes->items[changes->count++];
  *change = (struct runtime_recount_change){.old_due = CIVIL_DAY_NONE,
                                            .new_due = CIVIL_DAY_NONE,
                                            .old_reminder = CIVIL_MOMENT_NONE,
                                            .new_reminder = CIVIL_MOMENT_NONE};
  return change;
}

static bool read_before(struct runtime *runtime, const struct case_slot *slot, uint32_t number,
                        struct deadline *ret_deadline) {
  struct record_key key = record_deadline_key(slot->id, number);
  struct span bytes;
  return engine_read(runtime, STORE_DEADLINE, &key, &bytes) &&
         record_deadline_read(arena_copy(&runtime->arena, bytes), ret_deadline) == ERR_OK;
}

static void describe(struct changing *c, struct case_slot *slot, const struct deadline *d,
                     struct runtime_recount_change *change) {
  struct runtime *rt = c->work->runtime;
  change->case_id = arena_copy(&rt->arena, family_outside(rt, case_slot_view(slot), slot->id));
  change->process = arena_copy(&rt->arena, case_process(slot->file));
  change->deadline = d->id;
  change->key = d->key;
  change->title = d->title;
  change->new_due = d->due;
  change->state = deadline_state_name(d->state);
  change->explanation = deadline_explain(runtime_calendar(rt), d, &rt->arena);
}

static bool comes_again(const struct work_effect *of) {
  for (const struct work_effect *e = of->next; e; e = e->next) {
    if (e->slot == of->slot && e->effect->kind == CASE_EFFECT_DEADLINE && e->effect->slot == of->effect->slot) {
      return true;
    }
  }
  return false;
}

/* By the last word that the work has on it. */
static void compare_deadline(struct changing *c, const struct work_effect *e) {
  struct deadline before;
  bool was = read_before(c->work->runtime, e->slot, e->effect->slot, &before);
  const struct deadline *after = &e->effect->deadline;
  if (comes_again(e) || (was && before.due == after->due && before.state == after->state)) {
    return;
  }
  struct runtime_recount_change *change = change_add(c);
  describe(c, e->slot, after, change);
  change->old_due = was ? before.due : CIVIL_DAY_NONE;
  change->was = was ? deadline_state_name(before.state) : NULL;
}

static bool has_deadline_effect(const struct work *work, const struct case_slot *slot, uint32_t number) {
  for (const struct work_effect *e = work->effects; e; e = e->next) {
    if (e->slot == slot && e->effect->kind == CASE_EFFECT_DEADLINE && e->effect->slot == number) {
      return true;
    }
  }
  return false;
}

/* Each deadline has two timers, its end and, with an odd number, its next reminder. */
static civil_moment timer_of(const struct work *work, const struct case_slot *slot, enum case_effect_kind kind,
                             uint32_t number) {
  for (const struct work_effect *e = work->effects; e; e = e->next) {
    if (e->slot == slot && e->effect->kind == kind && e->effect->slot == number) {
      return e->effect->due;
    }
  }
  return CIVIL_MOMENT_NONE;
}

/* The due day is the same, the day of the reminder is not. */
static void compare_reminder(struct changing *c, struct case_slot *slot, const struct case_effect *effect) {
  uint32_t number = effect->slot / 2;
  struct deadline d;
  bool cleared = timer_of(c->work, slot, CASE_EFFECT_TIMER_CLEAR, effect->slot) != CIVIL_MOMENT_NONE;
  bool second = effect->kind == CASE_EFFECT_TIMER_SET && cleared;
  if (effect->slot % 2 == 0 || second || has_deadline_effect(c->work, slot, number) ||
      !read_before(c->work->runtime, slot, number, &d)) {
    return;
  }
  struct runtime_recount_change *change = change_add(c);
  describe(c, slot, &d, change);
  change->old_due = d.due;
  change->was = change->state;
  change->old_reminder = timer_of(c->work, slot, CASE_EFFECT_TIMER_CLEAR, effect->slot);
  change->new_reminder = timer_of(c->work, slot, CASE_EFFECT_TIMER_SET, effect->slot);
}

void recount_changes_of(struct work *work, struct recount_changes *ret_changes) {
  struct changing c = {.work = work};
  for (const struct work_effect *e = work->effects; e; e = e->next) {
    switch (e->effect->kind) {
    case CASE_EFFECT_DEADLINE:
      compare_deadline(&c, e);
      break;
    case CASE_EFFECT_TIMER_SET:
    case CASE_EFFECT_TIMER_CLEAR:
      compare_reminder(&c, e->slot, e->effect);
      break;
    default:
      break;
    }
  }
  *ret_changes = c.changes;
}

/* ---- its entry ---- */

static struct value day_value(struct runtime *runtime, civil_day day) {
  char text[CIVIL_DATE_TEXT];
  if (day == CIVIL_DAY_NONE) {
    return value_nil();
  }
  civil_day_format(day, text);
  return value_text(arena_copy(&runtime->arena, span_of_cstr(text)));
}

static struct value moment_day_value(struct runtime *runtime, civil_moment moment) {
  return moment == CIVIL_MOMENT_NONE ? value_nil() : day_value(runtime, civil_moment_day(moment));
}

static struct value text_value(struct span text) {
  return span_empty(text) ? value_nil() : value_text(text);
}

/* A map without the fields that are nil. */
static struct value map_of(struct runtime *runtime, const struct value_field *fields, size_t count) {
  struct value_field *some = ARENA_ARRAY(&runtime->arena, struct value_field, count);
  size_t kept = 0;
  struct value map;
  for (size_t i = 0; i < count; i++) {
    if (fields[i].value.kind != VALUE_NIL) {
      some[kept++] = fields[i];
    }
  }
  enum err err = value_map(some, kept, &map);
  ASSERT(err == ERR_OK);
  return map;
}

static struct value change_value(struct runtime *runtime, const struct runtime_recount_change *change) {
  const struct value_field fields[] = {
      {SPAN_LITERAL("case"), value_text(change->case_id)},
      {SPAN_LITERAL("process"), value_text(change->process)},
      {SPAN_LITERAL("deadline"), value_text(change->deadline)},
      {SPAN_LITERAL("key"), text_value(change->key)},
      {SPAN_LITERAL("old"), day_value(runtime, change->old_due)},
      {SPAN_LITERAL("new"), day_value(runtime, change->new_due)},
      {SPAN_LITERAL("was"), change->was ? value_text(span_of_cstr(change->was)) : value_nil()},
      {SPAN_LITERAL("state"), value_text(span_of_cstr(change->state))},
      {SPAN_LITERAL("old_reminder"), moment_day_value(runtime, change->old_reminder)},
      {SPAN_LITERAL("new_reminder"), moment_day_value(runtime, change->new_reminder)},
      {SPAN_LITERAL("explanation"), text_value(change->explanation)},
  };
  return map_of(runtime, fields, sizeof fields / sizeof *fields);
}

static struct value entry_value(struct runtime *runtime, const struct recount_changes *changes) {
  struct value *items = ARENA_ARRAY(&runtime->arena, struct value, changes->count);
  for (size_t i = 0; i < changes->count; i++) {
    items[i] = change_value(runtime, &changes->items[i]);
  }
  const struct value_field fields[] = {
      {SPAN_LITERAL("calendar"), value_text(span_of_cstr(calendar_revision(runtime_calendar(runtime))))},
      {SPAN_LITERAL("changes"), value_list(items, changes->count)},
  };
  return map_of(runtime, fields, sizeof fields / sizeof *fields);
}

struct recounted {
  struct span root;
  civil_moment recorded_at;
  bool behind, again;
  struct span text; /* why it failed */
  enum err err;
};

static void append(struct runtime *runtime, const struct recounted *what, const struct recount_changes *changes) {
  struct value clear = entry_value(runtime, changes);
  struct record_journal entry = {
      .kind = RECORD_JOURNAL_RECOUNT,
      .err = what->err,
      .recorded_at = what->recorded_at,
      .occurred_at = runtime->calendars.record.at,
      .sequence = what->again,
      .behind = what->behind || due_waits(runtime, what->recorded_at),
      .event = SPAN_LITERAL("calendar.recount"),
      .case_id = what->root,
      .text = what->text,
  };
  writer_reset(&runtime->body);
  value_encode(&clear, &runtime->body);
  entry.clear = writer_span(&runtime->body);
  seal_hash(entry.clear, entry.digest);
  journal_append(runtime, &entry);
}

/* ---- settled ---- */

static void park(struct runtime *runtime, struct work *work, const struct recounted *what) {
  struct span failed = arena_copy(&runtime->arena, work->failed_case);
  uint64_t journal = work->journal;
  const struct recount_changes none = {NULL, 0, 0};
  work_drop(work);
  incidents_open(runtime, &(struct incident_report){
                              .case_id = failed,
                              .reason = SPAN_LITERAL("recount-failed"),
                              .detail = what->text,
                              .journal = journal,
                              .at = what->recorded_at,
                              .parks = true,
                          });
  append(runtime, what, &none);
  runtime->calendars.record.failed++;
}

/* Nothing has happened: the cases are forgotten as they were. */
static void settle(struct runtime *runtime, struct work *work, const struct recounted *what) {
  struct recount_changes changes;
  if (!work_changes(work)) {
    work_drop(work);
    return;
  }
  recount_changes_of(work, &changes);
  work_commit(work);
  append(runtime, what, &changes);
  runtime->calendars.record.changed++;
  runtime->calendars.record.deadlines += changes.count;
}

static void mark(struct runtime *runtime, struct span root) {
  struct record_key key = record_recounted_key(root);
  writer_reset(&runtime->scratch);
  record_generation_write(last_import(runtime), &runtime->scratch);
  engine_put(runtime, STORE_INDEX, &key, writer_span(&runtime->scratch));
}

/* The innermost of those that are under way, or one more, to which it has something to say. */
static void recount_innermost(struct runtime *runtime, struct recounted what) {
  struct calendars *calendars = &runtime->calendars;
  struct work work;
  size_t cases;
  what.root = calendars->recounting[calendars->recounting_count - 1];
  bool gated = calendars->recounting_count < RECOUNT_DEPTH_MAX;
  enum err err = recount_run(runtime, what.root, calendars->record.at, gated, &work, &cases);
  if (err != ERR_OK && !span_empty(work.stale)) {
    calendars->recounting[calendars->recounting_count++] = arena_copy(&runtime->arena, work.stale);
    work_drop(&work);
    return;
  }
  if (err != ERR_OK) {
    what.err = err;
    what.text = arena_copy(&runtime->arena, span_of_cstr(work.fault.text));
    park(runtime, &work, &what);
  } else {
    settle(runtime, &work, &what);
  }
  mark(runtime, what.root);
  calendars->record.done += cases;
  calendars->recounting_count--;
}

void recount_family(struct runtime *runtime, struct span root, civil_moment recorded_at, bool behind) {
  struct calendars *calendars = &runtime->calendars;
  const struct recounted what = {.recorded_at = recorded_at, .behind = behind};
  ASSERT(calendars->recounting_count == 0);
  calendars->recounting[calendars->recounting_count++] = arena_copy(&runtime->arena, root);
  calendars->dirty = true;
  while (calendars->recounting_count > 0) {
    recount_innermost(runtime, what);
  }
}

void recount_again(struct runtime *runtime, const struct inbox_message *in, civil_moment now) {
  struct work work;
  size_t cases;
  struct recounted what = {.root = in->retry.root, .recorded_at = now, .again = true};
  enum err err = recount_run(runtime, what.root, now, false, &work, &cases);
  if (err == ERR_OK) {
    struct recount_changes changes;
    recount_changes_of(&work, &changes);
    work_commit(&work);
    incidents_resolved(runtime, in->retry.root, in->retry.incident);
    append(runtime, &what, &changes);
    return;
  }
  work_drop(&work);
  incidents_again(runtime, in->retry.root, in->retry.incident, now);
}

/* ---- the slices ---- */

struct next {
  struct arena view; /* of one record */
  uint8_t id[CASE_ID_MAX];
  struct span root; /* of the family that was looked at last, in `id` */
  size_t left;      /* records that may still be looked at */
  bool living, enough;
};

static bool is_living(struct next *next, struct span value) {
  struct record_case record;
  struct case_view view;
  arena_reset(&next->view);
  enum err err = record_case_read(value, &record);
  err = err == ERR_OK ? case_view_decode(record.body, &next->view, &view) : err;
  if (err != ERR_OK) {
    log_line(LOG_ERROR, "runtime", "the record of a case cannot be read, a recount passes it over: %s", err_text(err));
  }
  return err == ERR_OK && !view.ended;
}

/* Never stops in the middle of a family. */
static bool visit(void *arg, struct span key, struct span value) {
  struct next *next = arg;
  struct span rest;
  struct span root = span_cut(key, '\0', &rest);
  if (!span_equal(root, next->root)) {
    next->enough = next->left == 0 && !span_empty(next->root);
    if (next->enough) {
      return false;
    }
    ASSERT(root.size <= sizeof next->id);
    memcpy(next->id, root.data, root.size);
    next->root = span_of(next->id, root.size);
  }
  next->left -= next->left > 0;
  next->living = is_living(next, value);
  return !next->living;
}

/* Past all keys that are this root with a NUL and more behind it. What is committed may have ended since, not begun. */
static enum err scan(struct runtime *runtime, struct span after, struct next *next) {
  uint8_t from[CASE_ID_MAX];
  ASSERT(after.size < sizeof from);
  if (after.size > 0) {
    memcpy(from, after.data, after.size);
    from[after.size] = 1;
  }
  struct span all = {NULL, 0};
  return store_scan(runtime->store, STORE_CASE, all, span_of(from, after.size > 0 ? after.size + 1 : 0), visit, next);
}

enum err recount_next(struct runtime *runtime, struct span after, size_t *left, struct span *ret_root,
                      bool *ret_ended) {
  struct next next = {.left = *left};
  arena_init(&next.view, 0);
  enum err err = scan(runtime, after, &next);
  arena_finish(&next.view);
  *left = next.left;
  *ret_ended = !next.living;
  *ret_root = next.living || next.enough ? arena_copy(&runtime->arena, next.root) : span_of(NULL, 0);
  return err;
}

static void pass(struct runtime *runtime, struct span root) {
  struct record_calendar *record = &runtime->calendars.record;
  struct record_key key = record_recounted_key(root);
  struct span bytes;
  if (engine_read(runtime, STORE_INDEX, &key, &bytes)) {
    store_delete(runtime->store, STORE_INDEX, record_key_span(&key));
  }
  ASSERT(root.size <= sizeof record->root);
  memcpy(record->root, root.data, root.size);
  record->root_size = root.size;
  runtime->calendars.dirty = true;
}

/* False: all families are through. */
static bool take_next(struct runtime *runtime, civil_moment now, size_t *left) {
  const struct record_calendar *record = &runtime->calendars.record;
  struct span root;
  bool ended;
  enum err err = recount_next(runtime, span_of(record->root, record->root_size), left, &root, &ended);
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return false;
  }
  if (span_empty(root)) {
    calendars_recounted(runtime, now);
    return false;
  }
  if (!ended && recount_needed(runtime, root)) {
    recount_family(runtime, root, now, false);
  }
  pass(runtime, root);
  cases_trim(&runtime->cases);
  return true;
}

/* Families are looked for in what is committed: a case that began right before the import is there once the import is
 * durable. */
bool recount_waits(const struct runtime *runtime) {
  const struct calendars *calendars = &runtime->calendars;
  return calendars->record.recounting && !calendars->told && !calendars->import && runtime->batch_recounts < BATCH_MAX;
}

bool recount_slice(struct runtime *runtime, civil_moment now) {
  uint32_t share = runtime->batch_messages > 0 ? SLICE_BESIDE : SLICE;
  if (!recount_waits(runtime) || due_waits(runtime, now)) {
    return false;
  }
  size_t left = RECOUNT_LOOKED_MAX;
  for (uint32_t i = 0; i < share && left > 0 && recount_waits(runtime); i++) {
    if (runtime->failed != ERR_OK || store_batch_bytes(runtime->store) >= BATCH_BYTES ||
        !take_next(runtime, now, &left)) {
      return false;
    }
    runtime->batch_recounts++;
  }
  return recount_waits(runtime);
}

bool runtime_calendar_waiting(struct runtime *runtime, civil_moment now) {
  return (calendars_waiting(runtime) || recount_waits(runtime)) && !due_waits(runtime, now);
}

bool runtime_recounting(const struct runtime *runtime) {
  return runtime->calendars.record.recounting && !runtime->calendars.told;
}
