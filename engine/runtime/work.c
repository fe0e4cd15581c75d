/*
 * The states of a work: open (inputs wait) → run (no input is left, the changed cases are encoded) → committed |
 * dropped.
 *
 * Invariants
 * 1. Before work_commit the write set is untouched; only the decoded cases and the load counters have moved, and
 *    work_drop brings both back.
 * 2. Inputs are stepped in the order in which they were added; those that a step adds come after all that wait.
 * 3. A case that is in `touched` is in the cache until the work is over.
 */
#include "runtime/work.h"

#include <string.h>

#include "base/words.h"
#include "runtime/told.h"

enum { TIMERS_AT_ONE_MOMENT = 1000 };

struct work_input {
  struct case_identity identity;
  struct case_input input;
  struct work_input *next;
};

struct work_load {
  struct cursor_entry *cursor;
  int64_t delta;
  struct work_load *next;
};

void work_begin(struct work *work, struct runtime *runtime, civil_moment now) {
  *work = (struct work){.runtime = runtime, .journal = runtime->head.journal + 1, .now = now, .gated = true};
  work->inputs_end = &work->next;
  work->effects_end = &work->effects;
}

void work_add(struct work *work, const struct case_identity *identity, const struct case_input *input) {
  struct work_input *added = ARENA_NEW(&work->runtime->arena, struct work_input);
  added->identity = *identity;
  added->input = *input;
  *work->inputs_end = added;
  work->inputs_end = &added->next;
}

/* ---- what a step leads to ---- */

static void add_start(struct work *work, const struct case_slot *parent, const struct case_effect *effect) {
  struct case_identity identity = {
      .id = effect->case_id,
      .process = effect->process,
      .parent = parent->id,
      .invoke = effect->invoke,
      .key = effect->key,
      .referral = effect->referral,
  };
  struct case_input input = {
      .kind = CASE_INPUT_START,
      .event = effect->event,
      .data = effect->data,
      .occurred_at = effect->occurred_at,
      .origin = parent->id,
  };
  work_add(work, &identity, &input);
}

static void add_event(struct work *work, const struct case_slot *from, const struct case_effect *effect) {
  struct case_identity identity = {.id = effect->case_id, .process = effect->process, .key = effect->case_id};
  struct case_input input = {
      .kind = CASE_INPUT_INTERNAL,
      .event = effect->event,
      .data = effect->data,
      .occurred_at = effect->occurred_at,
      .invokeid = effect->invoke,
      .origin = from->id,
      .participant = effect->participant,
  };
  work_add(work, &identity, &input);
}

/* Counted at once, since the next step of this very work may route by it. */
static void add_load(struct work *work, const struct case_effect *effect) {
  struct cursor_entry *cursor = cursors_find(&work->runtime->cursors, effect->participant);
  if (!cursor) {
    return;
  }
  struct work_load *load = ARENA_NEW(&work->runtime->arena, struct work_load);
  *load = (struct work_load){cursor, effect->delta, work->loads};
  work->loads = load;
  cursor->record.load += effect->delta;
}

static void add_effect(struct work *work, struct case_slot *slot, const struct case_effect *effect) {
  struct work_effect *added = ARENA_NEW(&work->runtime->arena, struct work_effect);
  *added = (struct work_effect){slot, effect, NULL};
  *work->effects_end = added;
  work->effects_end = &added->next;
}

static void distribute(struct work *work, struct case_slot *slot, const struct case_effects *effects) {
  for (size_t i = 0; i < effects->count; i++) {
    const struct case_effect *effect = &effects->items[i];
    switch (effect->kind) {
    case CASE_EFFECT_START:
      add_start(work, slot, effect);
      break;
    case CASE_EFFECT_EVENT:
      if (!span_empty(effect->process)) {
        add_effect(work, slot, effect);
      }
      if (!work->runtime->informed || span_empty(effect->process)) {
        add_event(work, slot, effect);
      }
      break;
    case CASE_EFFECT_LOAD:
      add_load(work, effect);
      break;
    default:
      add_effect(work, slot, effect);
    }
  }
}

/* ---- stepping ---- */

static void touch(struct work *work, struct case_slot *slot) {
  if (slot->touched) {
    return;
  }
  slot->touched = true;
  if (work->touched_count == work->touched_capacity) {
    size_t capacity = work->touched_capacity ? work->touched_capacity * 2 : 16;
    struct case_slot **touched = ARENA_ARRAY(&work->runtime->arena, struct case_slot *, capacity);
    if (work->touched_count > 0) {
      memcpy(touched, work->touched, work->touched_count * sizeof(struct case_slot *));
    }
    work->touched = touched;
    work->touched_capacity = capacity;
  }
  work->touched[work->touched_count++] = slot;
}

static enum err slot_of(struct work *work, const struct work_input *input, struct case_slot **ret_slot) {
  struct cases *cases = &work->runtime->cases;
  if (input->input.kind == CASE_INPUT_START) {
    return cases_open(cases, &input->identity, work->journal, ret_slot, &work->fault);
  }
  return cases_get(cases, input->identity.id, ret_slot, &work->fault);
}

/* An event for a case that is over or was never started has nobody left to hear it: its sender is told only of
 * what it sent itself, and that was checked before. */
static bool is_moot(struct work *work, const struct work_input *input, enum err found, struct case_slot *slot) {
  if (input->input.kind == CASE_INPUT_START) {
    return false;
  }
  if (found == ERR_NOT_FOUND) {
    work->fault.err = ERR_OK;
    return true;
  }
  return found == ERR_OK && case_slot_view(slot)->ended;
}

/* A chart that sets a timer for now each time it fires would hold up time itself. */
static enum err check_loop(struct work *work, struct case_slot *slot) {
  if (slot->fired_at != work->now) {
    slot->fired_at = work->now;
    slot->fired_count = 0;
  }
  if (++slot->fired_count > TIMERS_AT_ONE_MOMENT) {
    return fault_set(&work->fault, ERR_LIMIT, "в один момент у случая больше %d сроков", TIMERS_AT_ONE_MOMENT);
  }
  return ERR_OK;
}

static enum err step(struct work *work, const struct work_input *input, struct case_slot *slot) {
  const struct case_input *in = &input->input;
  if (in->kind == CASE_INPUT_TIMER) {
    TRY(check_loop(work, slot));
  }
  struct case_effects effects = {.arena = &work->runtime->arena};
  enum err err = case_step(slot->file, in, work->now, &effects, &work->fault);
  work->runtime->stats.steps++;
  if (err != ERR_OK) {
    return fault_set(work->fault.err == ERR_OK ? &work->fault : NULL, err, "шаг не удался: %s", words_of_err(err));
  }
  bool took = case_took(slot->file);
  bool may_be_idle = in->kind == CASE_INPUT_WATCHED || in->kind == CASE_INPUT_CALENDAR;
  if (!may_be_idle || took || effects.count > 0) {
    case_slot_changed(slot);
  }
  distribute(work, slot, &effects);
  return ERR_OK;
}

/* The first that a chart has to say to a case of this process begins it. */
static enum err begin_if_unknown(struct work *work, const struct work_input *input) {
  struct case_slot *slot = NULL;
  struct fault unread = {0};
  if (span_empty(input->identity.process) || input->input.kind != CASE_INPUT_INTERNAL ||
      cases_get(&work->runtime->cases, input->identity.id, &slot, &unread) != ERR_NOT_FOUND) {
    return ERR_OK;
  }
  struct work_input start = *input;
  start.input.kind = CASE_INPUT_START;
  start.input.event = (struct span){NULL, 0};
  TRY(slot_of(work, &start, &slot));
  touch(work, slot);
  return step(work, &start, slot);
}

/* What is said to a family that has to be recounted waits until it is. */
static enum err check_gate(struct work *work, const struct work_input *input) {
  struct span root = case_root(input->identity.id);
  if (!work->gated || !work->runtime->calendars.record.recounting || !recount_needed(work->runtime, root)) {
    return ERR_OK;
  }
  work->stale = arena_copy(&work->runtime->arena, root);
  return ERR_BUSY;
}

static enum err run_input(struct work *work, const struct work_input *input) {
  work->failed_case = input->identity.id;
  TRY(check_gate(work, input));
  if (++work->steps > work->runtime->limits.steps_max) {
    return fault_set(&work->fault, ERR_LIMIT, "одно сообщение вызвало больше %u шагов",
                     work->runtime->limits.steps_max);
  }
  TRY(begin_if_unknown(work, input));
  struct case_slot *slot = NULL;
  enum err found = slot_of(work, input, &slot);
  if (is_moot(work, input, found, slot)) {
    return ERR_OK;
  }
  TRY(found);
  touch(work, slot);
  return step(work, input, slot);
}

/* ---- the record of each changed case, before anything is put ---- */

static enum err encode_case(struct work *work, struct case_slot *slot, struct span *ret_record) {
  struct runtime *rt = work->runtime;
  writer_reset(&rt->body);
  TRY(case_encode(slot->file, &rt->body, &work->fault));
  if (span_equal(slot->id, work->family)) {
    slot->latest = work->journal + 1;
  }
  struct record_case record = {
      .parked = slot->parked, .journal = slot->journal, .latest = slot->latest, .body = writer_span(&rt->body)};
  writer_reset(&rt->scratch);
  record_case_write(&record, &rt->scratch);
  *ret_record = arena_copy(&rt->arena, writer_span(&rt->scratch));
  return ERR_OK;
}

static enum err encode_cases(struct work *work) {
  for (size_t i = 0; i < work->touched_count; i++) {
    struct case_slot *slot = work->touched[i];
    if (slot->dirty) {
      work->failed_case = slot->id;
      TRY(encode_case(work, slot, &slot->record));
    }
  }
  return ERR_OK;
}

enum err work_run(struct work *work) {
  for (; work->next; work->next = work->next->next) {
    TRY(run_input(work, work->next));
  }
  return encode_cases(work);
}

bool work_changes(const struct work *work) {
  bool changes = work->effects != NULL || work->loads != NULL;
  for (size_t i = 0; i < work->touched_count; i++) {
    changes = changes || work->touched[i]->dirty;
  }
  return changes;
}

void work_recount_stale(struct work *work, civil_moment recorded_at, bool behind) {
  work_drop(work);
  recount_family(work->runtime, work->stale, recorded_at, behind);
}

/* ---- the effects that are records ---- */

static void put_deadline(struct work *work, const struct case_slot *slot, const struct case_effect *effect) {
  struct record_key key = record_deadline_key(slot->id, effect->deadline.slot);
  writer_reset(&work->runtime->scratch);
  record_deadline_write(&effect->deadline, &work->runtime->scratch);
  engine_put(work->runtime, STORE_DEADLINE, &key, writer_span(&work->runtime->scratch));
}

static void set_timer(struct work *work, const struct case_slot *slot, const struct case_effect *effect) {
  struct record_key key = record_timer_key(effect->due, slot->id, effect->slot);
  writer_reset(&work->runtime->scratch);
  record_generation_write(effect->generation, &work->runtime->scratch);
  engine_put(work->runtime, STORE_TIMER, &key, writer_span(&work->runtime->scratch));
  timers_set(&work->runtime->timers, record_key_span(&key));
}

static void clear_timer(struct work *work, const struct case_slot *slot, const struct case_effect *effect) {
  struct record_key key = record_timer_key(effect->due, slot->id, effect->slot);
  store_delete(work->runtime->store, STORE_TIMER, record_key_span(&key));
}

static const enum runtime_delivery_kind delivery_kinds[] = {
    [DELIVERY_OFFER] = RUNTIME_DELIVERY_OFFER,   [DELIVERY_OFFER_WITHDRAWN] = RUNTIME_DELIVERY_OFFER_WITHDRAWN,
    [DELIVERY_TASK] = RUNTIME_DELIVERY_TASK,     [DELIVERY_TASK_WITHDRAWN] = RUNTIME_DELIVERY_TASK_WITHDRAWN,
    [DELIVERY_NOTICE] = RUNTIME_DELIVERY_NOTICE, [DELIVERY_DEADLINE] = RUNTIME_DELIVERY_DEADLINE,
};

static const struct value *personal_of(struct work *work, struct span case_id) {
  if (!work->personal_read) {
    work->personal = persons_read(work->runtime, case_root(case_id), &work->runtime->arena);
    work->personal_read = true;
  }
  return &work->personal;
}

/* Effects that put things before a participant; what its kind may not see is cut here, before it is stored. */
static void deliver(struct work *work, struct case_slot *slot, const struct case_effect *effect) {
  struct runtime *rt = work->runtime;
  const struct participant *to = catalogue_participant(rt->catalogue, effect->participant);
  if (!to || !rt->ports.delivery_encode) {
    return;
  }
  struct runtime_delivery delivery = {
      .kind = delivery_kinds[effect->delivery],
      .participant = to,
      .recorded_at = work->now,
      .journal = work->journal,
      .case_id = family_outside(rt, case_slot_view(slot), slot->id),
      .process = case_slot_view(slot)->identity.process,
      .subject = effect->subject,
      .event = effect->event,
      .data = streams_cut(rt, &effect->data, to->kind),
      .personal = catalogue_cut(rt->catalogue, personal_of(work, slot->id), to->kind, &rt->arena),
      .deadline = effect->delivery == DELIVERY_DEADLINE ? &effect->deadline : NULL,
      .reason = effect->reason,
      .detail = effect->detail,
  };
  streams_add(rt, &delivery);
}

static void notify_sender(struct work *work, struct case_slot *slot, const struct case_effect *effect) {
  const struct participant *to = catalogue_participant(work->runtime->catalogue, work->sender);
  if (!to) {
    return;
  }
  struct runtime_delivery delivery = {
      .kind = RUNTIME_DELIVERY_INCIDENT,
      .participant = to,
      .recorded_at = work->now,
      .journal = work->journal,
      .case_id = family_outside(work->runtime, case_slot_view(slot), slot->id),
      .event = work->event,
      .reason = effect->reason,
      .detail = effect->detail,
  };
  streams_add(work->runtime, &delivery);
}

static void open_incident(struct work *work, struct case_slot *slot, const struct case_effect *effect) {
  incidents_open(work->runtime, &(struct incident_report){
                                    .case_id = slot->id,
                                    .reason = effect->reason,
                                    .detail = effect->detail,
                                    .sender = work->sender,
                                    .event = work->event,
                                    .journal = work->journal,
                                    .at = work->now,
                                });
  notify_sender(work, slot, effect);
}

/* To whom an offer went depended on how many referrals everybody had then: who goes through the case again has to know
 * it (correct.h). */
static void keep_offer(struct work *work, const struct case_slot *slot, const struct case_effect *effect) {
  const struct value *number = value_get(&effect->data, "offer");
  if (effect->delivery != DELIVERY_OFFER || !number || number->kind != VALUE_INT) {
    return;
  }
  struct record_key key = record_offer_key(slot->id, number->integer);
  writer_reset(&work->runtime->scratch);
  record_bytes_write(effect->participant, &work->runtime->scratch);
  engine_put(work->runtime, STORE_INDEX, &key, writer_span(&work->runtime->scratch));
}

/* What a family is told stands in no entry of its own. */
static void tell_family(struct work *work, const struct case_slot *slot, const struct case_effect *effect) {
  if (work->runtime->informed) {
    work->runtime->informed(work->runtime->informed_arg, effect, work);
    return;
  }
  told_put(work->runtime, effect->case_id,
           &(struct told){
               .journal = work->journal,
               .at = work->now,
               .occurred_at = effect->occurred_at,
               .from = case_root(slot->id),
               .process = effect->process,
               .participant = effect->participant,
               .event = effect->event,
               .data = effect->data,
               .sender = work->sender,
               .cause = work->event,
           });
}

static void put_effect(struct work *work, struct case_slot *slot, const struct case_effect *effect) {
  switch (effect->kind) {
  case CASE_EFFECT_DEADLINE:
    put_deadline(work, slot, effect);
    break;
  case CASE_EFFECT_TIMER_SET:
    set_timer(work, slot, effect);
    break;
  case CASE_EFFECT_TIMER_CLEAR:
    clear_timer(work, slot, effect);
    break;
  case CASE_EFFECT_DELIVERY:
    keep_offer(work, slot, effect);
    deliver(work, slot, effect);
    break;
  case CASE_EFFECT_INCIDENT:
    open_incident(work, slot, effect);
    break;
  case CASE_EFFECT_EVENT:
    tell_family(work, slot, effect);
    break;
  default: /* ENDED stands in the case's own record; the others were inputs */
    break;
  }
}

static void release(struct work *work) {
  for (size_t i = 0; i < work->touched_count; i++) {
    work->touched[i]->touched = false;
    work->touched[i]->dirty = false;
  }
}

static void count_case(struct work *work, struct case_slot *slot) {
  bool runs = !case_has_ended(slot->file);
  if (runs != slot->counted) {
    definitions_count(&work->runtime->definitions, case_process(slot->file), case_revision(slot->file), runs ? 1 : -1);
    slot->counted = runs;
  }
}

void work_commit(struct work *work) {
  for (size_t i = 0; i < work->touched_count; i++) {
    struct case_slot *slot = work->touched[i];
    if (slot->dirty) {
      struct record_key key = record_case_key(slot->id);
      engine_put(work->runtime, STORE_CASE, &key, slot->record);
      count_case(work, slot);
    }
  }
  for (const struct work_effect *e = work->effects; e; e = e->next) {
    put_effect(work, e->slot, e->effect);
  }
  for (const struct work_load *load = work->loads; load; load = load->next) {
    cursors_touch(&work->runtime->cursors, load->cursor);
  }
  release(work);
}

void work_drop(struct work *work) {
  for (const struct work_load *load = work->loads; load; load = load->next) {
    load->cursor->record.load -= load->delta;
  }
  for (size_t i = 0; i < work->touched_count; i++) {
    cases_forget(&work->runtime->cases, work->touched[i]);
  }
  work->touched_count = 0;
}
