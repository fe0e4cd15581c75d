/*
 * What an import would change: the families are stepped by the calendar as it would be, looked at, and dropped.
 *
 * The store is not touched, and what is decoded is forgotten: runtime/work.h. What was missed and would not be missed
 * yet is told too, though an import leaves it missed: whether to correct it is for people to say.
 */
#include "runtime/recount.h"

#include <string.h>

struct previewing {
  struct runtime *runtime;
  const struct runtime_preview *preview;
  runtime_recount_visit visit;
  void *arg;
  const struct calendar *before;
  struct arena *arena;
  struct runtime_previewed result;
  bool enough;
};

static void tell(struct previewing *p, const struct runtime_recount_change *change) {
  p->enough = !p->visit(p->arg, change) || p->enough;
}

/* ---- what stays missed ---- */

static bool due_by(const struct calendar *calendar, const struct deadline *d, civil_day *ret_day) {
  struct term term;
  struct due due;
  const struct term held = {.parts = {{.count = d->held, .unit = TERM_WORKING_DAYS}}, .parts_count = 1};
  if (term_parse(d->term, &term, NULL) != ERR_OK || calendar_due(calendar, d->from, &term, d->shift, &due) != ERR_OK ||
      (d->held > 0 && calendar_due(calendar, due.day, &held, TERM_SHIFT_ON, &due) != ERR_OK)) {
    return false;
  }
  *ret_day = due.day;
  return true;
}

/* By the calendar that counts it is due when its record says (no date bounds it), by the other one later. */
static bool would_be_later(const struct previewing *p, const struct deadline *d, civil_day *ret_day) {
  civil_day now;
  return d->state == DEADLINE_MISSED && due_by(p->before, d, &now) && now == d->due &&
         due_by(runtime_calendar(p->runtime), d, ret_day) && *ret_day > d->due;
}

static void tell_missed(struct previewing *p, struct case_slot *slot, struct deadline *d, civil_day later) {
  struct runtime *rt = p->runtime;
  struct runtime_recount_change change = {
      .case_id = family_outside(rt, case_slot_view(slot), slot->id),
      .process = case_process(slot->file),
      .deadline = d->id,
      .key = d->key,
      .title = d->title,
      .old_due = d->due,
      .new_due = later,
      .was = deadline_state_name(DEADLINE_MISSED),
      .state = "stays-missed",
      .old_reminder = CIVIL_MOMENT_NONE,
      .new_reminder = CIVIL_MOMENT_NONE,
  };
  d->due = later;
  change.explanation = deadline_explain(runtime_calendar(rt), d, &rt->arena);
  tell(p, &change);
}

static void tell_missed_of(struct previewing *p, struct case_slot *slot) {
  struct runtime *rt = p->runtime;
  for (uint32_t number = 1; number <= case_slots(slot->file); number++) {
    struct record_key key = record_deadline_key(slot->id, number);
    struct span bytes;
    struct deadline d;
    civil_day later;
    if (engine_read(rt, STORE_DEADLINE, &key, &bytes) &&
        record_deadline_read(arena_copy(&rt->arena, bytes), &d) == ERR_OK && would_be_later(p, &d, &later)) {
      tell_missed(p, slot, &d, later);
    }
  }
}

/* ---- one family ---- */

static void tell_all_missed(struct previewing *p, struct span root) {
  struct family family;
  family_all(p->runtime, root, &family);
  for (size_t i = 0; i < family.count; i++) {
    if (!case_has_ended(family.members[i]->file)) {
      tell_missed_of(p, family.members[i]);
    }
  }
}

static void tell_failure(struct previewing *p, struct span root, const struct work *work) {
  const struct runtime_recount_change change = {.case_id = root, .failed = span_of_cstr(work->fault.text)};
  tell(p, &change);
}

static void look_at(struct previewing *p, struct span root) {
  struct work work;
  size_t cases;
  struct recount_changes changes = {.count = 0};
  enum err err = recount_run(p->runtime, root, p->preview->now, false, &work, &cases);
  if (err == ERR_OK) {
    recount_changes_of(&work, &changes);
  } else {
    tell_failure(p, root, &work);
  }
  for (size_t i = 0; i < changes.count; i++) {
    tell(p, &changes.items[i]);
  }
  work_drop(&work);
  tell_all_missed(p, root);
  p->result.families++;
  p->result.cases += cases;
}

static enum err look(struct previewing *p) {
  struct span after = p->preview->after;
  size_t left = RECOUNT_LOOKED_MAX;
  for (uint32_t i = 0; i < p->preview->families_max && left > 0 && !p->enough; i++) {
    struct span root;
    bool ended;
    TRY(recount_next(p->runtime, after, &left, &root, &ended));
    p->result.more = !span_empty(root);
    if (!p->result.more) {
      return ERR_OK;
    }
    if (!ended) {
      look_at(p, root);
    }
    after = p->result.last = arena_copy(p->arena, root);
    cases_trim(&p->runtime->cases);
  }
  return ERR_OK;
}

/* ---- all of it ---- */

static void describe(struct previewing *p, const struct calendar *with) {
  struct span revision = span_of_cstr(calendar_revision(with));
  ASSERT(revision.size < sizeof p->result.revision);
  memcpy(p->result.revision, revision.data, revision.size);
  p->result.first_year = calendar_first_year(with);
  p->result.last_year = calendar_last_year(with);
  p->result.same = span_equal(calendar_source(with), calendar_source(p->before));
}

/* Between batches nothing else lives in the batch's arena, and nobody would empty it. */
static void forget(struct runtime *runtime) {
  if (!store_in_batch(runtime->store)) {
    arena_reset(&runtime->arena);
  }
}

enum err runtime_calendar_preview(struct runtime *runtime, const struct runtime_preview *preview,
                                  runtime_recount_visit visit, void *arg, struct arena *arena,
                                  struct runtime_previewed *ret_previewed, struct fault *fault) {
  DEFER(calendar_destroy) struct calendar *with = NULL;
  struct previewing p = {.runtime = runtime, .preview = preview, .visit = visit, .arg = arg, .arena = arena};
  p.before = runtime_calendar(runtime);
  TRY(calendars_check_turn(runtime, fault));
  TRY(calendars_amended(runtime, preview->rows, &with, fault));
  describe(&p, with);
  if (!p.result.same) {
    (void)casework_calendar_swap(runtime->casework, with);
    enum err err = look(&p);
    (void)casework_calendar_swap(runtime->casework, p.before);
    forget(runtime);
    TRY(err);
  }
  *ret_previewed = p.result;
  return runtime->failed;
}
