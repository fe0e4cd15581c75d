/*
 * Timers: which of them is taken when.
 *
 * In order. Timers are taken in the order of their keys, (due, case, slot), each at the moment at which it is due,
 * however late that happens. A slice of them is taken in each tick, up to a limit per batch. If more are due,
 * the engine is behind: messages do not wait for the rest (a hundred thousand deadlines fall at one midnight), only for
 * those of their own family, which are taken out of the order, right before the message.
 *
 * Why that is exact. What a message or a timer leads to are effects on parents and children: a family goes through the
 * same inputs in the same order, each at the same moment, whether the engine is behind or not: its timers in their
 * order, each message after all that were due before it. A deadline that was missed before the message is missed. Two
 * things reach across families. How many open referrals each participant has decides whom the next one is offered to;
 * and a chart may inform another family's case (k:inform), which then first fires what is due of its own (case_step).
 * So a timer of one family may mean something to another's message, and what comes out depends on which was first. For
 * this the journal says where the timers were, and a rehearsal takes them there too: the entry of a message that was
 * taken while timers waited says how many were taken in order since the entry before it of this kind; those of its
 * family need no saying. Where a message leaves no entry, or nobody can say beforehand whether it will, the first timer
 * that was taken for it says the same. Other entries say nothing, and a rehearsal takes all that are due before them.
 * The count is kept in the head, with each batch, so that it survives a restart.
 *
 * Where the record says later. Journal entries never go back in time: the entry of a timer that is taken late has the
 * moment of the entry before it (of its message, when it is taken out of the order), and `occurred_at` says when it was
 * due. The case itself, its deadlines and deliveries know only the latter.
 *
 * Failures. A timer that fails is gone from the store, and its case, whose record is the old one, still counts on it:
 * so any later input of the case makes up for it (case_step fires what is due first), and so does a repetition, which
 * then finds either the same timer or nothing left to do. A repetition that fails again is counted in the same
 * incident, since the journal's export does not hold it.
 */
#include <string.h>

#include "runtime/engine.h"
#include "runtime/work.h"

/* A timer that is still in the store, and how it is taken. */
struct due_timer {
  struct record_key key;
  uint8_t id[CASE_ID_MAX];
  struct record_timer timer;
  uint64_t generation;
  civil_moment recorded_at;
  bool first; /* of those that are taken out of the order for one message */
};

/* ---- stepping one ---- */

static void append_entry(struct runtime *runtime, const struct due_timer *due, const struct fault *fault) {
  struct record_journal entry = {
      .kind = fault ? RECORD_JOURNAL_PARKED : RECORD_JOURNAL_TIMER,
      .err = fault ? fault->err : ERR_OK,
      .recorded_at = due->recorded_at,
      .occurred_at = due->timer.due,
      .sequence = due->generation,
      .slot = due->timer.slot,
      .behind = due->first,
      .case_id = due->timer.case_id,
      .text = fault ? span_of_cstr(fault->text) : span_of(NULL, 0),
  };
  struct record_key key = record_timer_key(due->timer.due, due->timer.case_id, due->timer.slot);
  seal_hash(record_key_span(&key), entry.digest);
  journal_append(runtime, &entry);
  runtime->stats.timers++;
}

static enum err run(struct work *work, const struct record_timer *timer, uint64_t generation) {
  struct case_input input = {
      .kind = CASE_INPUT_TIMER,
      .occurred_at = work->now,
      .timer_slot = timer->slot,
      .timer_generation = generation,
  };
  work_add(work, &(struct case_identity){.id = timer->case_id}, &input);
  return work_run(work);
}

static void park(struct runtime *runtime, struct work *work) {
  struct span failed = arena_copy(&runtime->arena, work->failed_case);
  work_drop(work);
  incidents_open(runtime, &(struct incident_report){
                              .case_id = failed,
                              .reason = SPAN_LITERAL("timer-failed"),
                              .detail = span_of_cstr(work->fault.text),
                              .journal = work->journal,
                              .at = work->now,
                              .parks = true,
                          });
}

/* A family to which it has something to say may have to be recounted first. */
static enum err run_due(struct runtime *runtime, const struct due_timer *due, struct work *work) {
  for (;;) {
    work_begin(work, runtime, due->timer.due);
    enum err err = run(work, &due->timer, due->generation);
    if (span_empty(work->stale)) {
      return err;
    }
    work_recount_stale(work, due->recorded_at, true);
  }
}

static void step_due(struct runtime *runtime, struct due_timer *due) {
  struct work work;
  store_delete(runtime->store, STORE_TIMER, record_key_span(&due->key));
  due->timer.case_id = arena_copy(&runtime->arena, due->timer.case_id);
  enum err err = run_due(runtime, due, &work);
  if (err == ERR_OK) {
    work_commit(&work);
  } else {
    park(runtime, &work);
  }
  append_entry(runtime, due, err == ERR_OK ? NULL : &work.fault);
}

void due_again(struct runtime *runtime, const struct inbox_message *in, civil_moment now) {
  const struct due_timer due = {
      .timer = {.due = in->message.occurred_at,
                .case_id = in->message.case_id,
                .slot = (uint32_t)in->message.data.integer},
      .generation = in->message.sequence,
      .recorded_at = now,
  };
  struct work work;
  work_begin(&work, runtime, now);
  work.gated = false;
  enum err err = run(&work, &due.timer, due.generation);
  if (err == ERR_OK) {
    work_commit(&work);
    incidents_resolved(runtime, in->retry.root, in->retry.incident);
  } else {
    work_drop(&work);
    incidents_again(runtime, in->retry.root, in->retry.incident, now);
  }
  append_entry(runtime, &due, err == ERR_OK ? NULL : &work.fault);
}

/* ---- in order ---- */

/* False when the store has it no more. */
static bool read_due(struct runtime *runtime, struct span key, struct due_timer *ret_due) {
  struct span value;
  enum err err = store_get(runtime->store, STORE_TIMER, key, &value);
  if (err == ERR_NOT_FOUND) {
    return false;
  }
  err = err == ERR_OK ? record_generation_read(value, &ret_due->generation) : err;
  err = err == ERR_OK ? record_timer_of_key(key, ret_due->id, &ret_due->timer) : err;
  if (err != ERR_OK) {
    engine_fail(runtime, err);
    return false;
  }
  memcpy(ret_due->key.bytes, key.data, key.size);
  ret_due->key.size = key.size;
  return true;
}

/* False when there is none, or the store cannot tell. */
static bool first_key(struct runtime *runtime, struct span *ret_key) {
  enum err err = timers_first(&runtime->timers, ret_key);
  if (err != ERR_OK && err != ERR_NOT_FOUND) {
    engine_fail(runtime, err);
  }
  return err == ERR_OK;
}

/* The first one in order that the store still has; others are dropped on the way. */
static bool next_due(struct runtime *runtime, struct due_timer *ret_due) {
  struct span key;
  while (runtime->failed == ERR_OK && first_key(runtime, &key)) {
    if (read_due(runtime, key, ret_due)) {
      return true;
    }
    if (runtime->failed == ERR_OK) {
      timers_pop(&runtime->timers);
    }
  }
  return false;
}

civil_moment runtime_next_due(struct runtime *runtime) {
  struct due_timer due;
  return next_due(runtime, &due) ? due.timer.due : CIVIL_MOMENT_NONE;
}

bool due_waits(struct runtime *runtime, civil_moment now) {
  struct due_timer due;
  return next_due(runtime, &due) && due.timer.due <= now;
}

/* What a rehearsal was told to take is counted as the head counts it: a recount is none of these. */
static void count_taken(struct runtime *runtime) {
  runtime->head.timers++;
  runtime->held.left -= runtime->held.told;
}

/* A recount is a turn of its own: the timer may have moved by it. */
bool due_take_next(struct runtime *runtime, civil_moment now) {
  struct due_timer due = {.first = false};
  if (!next_due(runtime, &due) || due.timer.due > now) {
    return false;
  }
  civil_moment last = runtime->head.recorded_at;
  due.recorded_at = due.timer.due > last ? due.timer.due : last;
  if (recount_needed(runtime, case_root(due.timer.case_id))) {
    recount_family(runtime, case_root(due.timer.case_id), due.recorded_at, false);
    cases_trim(&runtime->cases);
    return true;
  }
  timers_pop(&runtime->timers);
  step_due(runtime, &due);
  count_taken(runtime);
  return true;
}

/* ---- out of order ---- */

/* What the case counts on may be gone from the store: it has failed. */
static bool is_earlier(struct runtime *runtime, const struct case_slot *slot, const struct case_due *set,
                       const struct due_timer *best, bool found, struct due_timer *ret_due) {
  struct record_key key = record_timer_key(set->moment, slot->id, set->slot);
  if (found && span_compare(record_key_span(&key), record_key_span(&best->key)) >= 0) {
    return false;
  }
  return read_due(runtime, record_key_span(&key), ret_due);
}

static bool first_of_case(struct runtime *runtime, const struct case_slot *slot, civil_moment now, bool found,
                          struct due_timer *best) {
  struct case_due set;
  struct due_timer due;
  for (size_t i = 0; case_due_at(slot->file, i, &set); i++) {
    if (set.moment != CIVIL_MOMENT_NONE && set.moment <= now && is_earlier(runtime, slot, &set, best, found, &due)) {
      due.timer.case_id = slot->id;
      *best = due;
      found = true;
    }
  }
  return found;
}

static bool first_of_family(struct runtime *runtime, struct span root, civil_moment now, struct due_timer *ret_due) {
  struct family family;
  bool found = false;
  family_all(runtime, root, &family);
  for (size_t i = 0; i < family.count; i++) {
    found = first_of_case(runtime, family.members[i], now, found, ret_due);
  }
  return found && runtime->failed == ERR_OK;
}

/* Taking one may set others, and begin cases: the family is looked at again. If none waits any more behind these, the
 * message itself overtakes nothing. */
void due_take_family(struct runtime *runtime, struct span case_id, civil_moment now) {
  if (!runtime->behind || span_empty(case_id)) {
    return;
  }
  struct due_timer due;
  for (bool first = true; first_of_family(runtime, case_root(case_id), now, &due); first = false) {
    due.recorded_at = now;
    due.first = first;
    step_due(runtime, &due);
  }
  runtime->behind = due_waits(runtime, now);
}
