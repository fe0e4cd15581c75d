/*
 * runtime/correct_diff.h — a correction that has been prepared, and what it changes for those who read.
 *
 * Not for other rooms. The plan is a list of deliveries: what does not hold any more is withdrawn first, then comes
 * what holds now. Offers and tasks are compared as they stand before participants; notices and alarms as they went out,
 * by going through the family once as it was and once without the mistake.
 */
#ifndef KURATOR_RUNTIME_CORRECT_DIFF_H
#define KURATOR_RUNTIME_CORRECT_DIFF_H

#include "runtime/correct.h"
#include "runtime/correct_replay.h"

struct correction {
  struct runtime *runtime;
  struct arena arena;
  civil_moment now;
  struct span root;
  struct replay_entries entries;
  const struct replay_entry *target;
  struct replay as_it_was, without;
  struct family after; /* of without.runtime */
  struct replay_delivery *plan;
  size_t plan_count, plan_capacity;
};

/* After both replays. */
void correct_plan(struct correction *correction);

#endif
