/*
 * One timer: stepped when it is due, or once more when the operator repeats it.
 *
 * A timer that fails is gone from the store, and its case, whose record is the old one, still counts on it: so any
 * later input of the case makes up for it (case_step fires what is due first), and so does a repetition, which then
 * finds either the same timer or nothing left to do. A repetition that fails again is counted in the same incident,
 * since the journal's export does not hold it.
 */
#include "runtime/engine.h"
#include "runtime/work.h"

static void append_entry(struct runtime *runtime, const struct record_timer *timer, uint64_t generation,
                         civil_moment moment, const struct fault *fault) {
  struct record_journal entry = {
      .kind = fault ? RECORD_JOURNAL_PARKED : RECORD_JOURNAL_TIMER,
      .err = fault ? fault->err : ERR_OK,
      .recorded_at = moment,
      .occurred_at = timer->due,
      .sequence = generation,
      .slot = timer->slot,
      .case_id = timer->case_id,
      .text = fault ? span_of_cstr(fault->text) : span_of(NULL, 0),
  };
  struct record_key key = record_timer_key(timer->due, timer->case_id, timer->slot);
  seal_hash(record_key_span(&key), entry.digest);
  journal_append(runtime, &entry);
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

void timer_step(struct runtime *runtime, const struct record_timer *timer, uint64_t generation, civil_moment moment) {
  struct work work;
  work_begin(&work, runtime, moment);
  enum err err = run(&work, timer, generation);
  if (err == ERR_OK) {
    work_commit(&work);
  } else {
    park(runtime, &work);
  }
  append_entry(runtime, timer, generation, moment, err == ERR_OK ? NULL : &work.fault);
  runtime->stats.timers++;
}

void timer_again(struct runtime *runtime, const struct inbox_message *in, civil_moment now) {
  const struct record_timer timer = {
      .due = in->message.occurred_at,
      .case_id = in->message.case_id,
      .slot = (uint32_t)in->message.data.integer,
  };
  struct work work;
  work_begin(&work, runtime, now);
  enum err err = run(&work, &timer, in->message.sequence);
  if (err == ERR_OK) {
    work_commit(&work);
    incidents_resolved(runtime, in->retry.root, in->retry.incident);
  } else {
    work_drop(&work);
    incidents_again(runtime, in->retry.root, in->retry.incident, now);
  }
  append_entry(runtime, &timer, in->message.sequence, now, err == ERR_OK ? NULL : &work.fault);
  runtime->stats.timers++;
}
