/*
 * runtime/work.h — one input and everything that follows from it, all or nothing.
 *
 * Purpose: steps the cases that an input concerns; the effects on other cases (a child to start, an event for the
 * parent) are inputs themselves, stepped next, in order, never nested, and bounded.
 *
 * Life cycle: work_begin → work_add… → work_run → (work_commit | work_drop).
 * Until work_commit nothing of it stands in the write set: what fails is forgotten by dropping the decoded cases, whose
 * records are still the old ones.
 */
#ifndef KURATOR_RUNTIME_WORK_H
#define KURATOR_RUNTIME_WORK_H

#include "runtime/engine.h"

struct work_input;
struct work_load;

/* An effect that waits for the commit, with the case it came from. */
struct work_effect {
  struct case_slot *slot;
  const struct case_effect *effect;
  struct work_effect *next;
};

struct work {
  struct runtime *runtime;
  uint64_t journal; /* number that its entry will have */
  civil_moment now;
  struct span sender; /* who hears of an incident; empty for a timer */
  struct span event;
  struct span family; /* root of the one that the message is for: its record names the entry; empty: a timer */

  struct work_input *next, **inputs_end;
  struct work_effect *effects, **effects_end;
  struct work_load *loads; /* newest first */
  struct case_slot **touched;
  size_t touched_count, touched_capacity;
  uint32_t steps;

  bool gated;              /* no family is told anything that has to be recounted first (work_begin: yes) */
  struct span stale;       /* root of one that would have been: the run has failed, recount it and run again */
  struct span failed_case; /* of the step that failed */
  struct fault fault;
  struct value personal; /* of the family, read when first needed */
  bool personal_read;
};

void work_begin(struct work *work, struct runtime *runtime, civil_moment now);
/* For CASE_INPUT_START `identity` says what is started; otherwise its id says to whom it goes. Copied. */
void work_add(struct work *work, const struct case_identity *identity, const struct case_input *input);
/* Something would be put. After a work_run that succeeded. */
bool work_changes(const struct work *work);
/* After a work_run that failed for work->stale: drops the work and recounts that family (recount_family). */
void work_recount_stale(struct work *work, civil_moment recorded_at, bool behind);
/* An error: work->fault and work->failed_case say what happened; call work_drop. */
enum err work_run(struct work *work) MUST_CHECK;
/* Puts all records. After a work_run that succeeded; cannot fail. */
void work_commit(struct work *work);
void work_drop(struct work *work);

#endif
