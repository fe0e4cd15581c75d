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

/* What a case that charts keep is to have heard instead. */
struct told_change {
  struct told_list taken_back, added;
};

struct correction {
  struct runtime *runtime;
  struct arena arena;
  civil_moment now;
  struct span root;
  struct replay_entries entries;
  const struct replay_entry *named;  /* the one that was meant, */
  const struct replay_entry *target; /* or its repetition, which counts */
  bool begun_by_message;             /* not by another family's chart */
  struct replay as_it_was, without;
  struct family after; /* of without.runtime */
  struct replay_delivery *plan;
  size_t plan_count, plan_capacity;
  /* Cases that charts keep, which heard from the family what does not hold: gone through again as well. */
  struct correction **others;
  size_t others_count;
  struct told_change told; /* of such a one; then there is no target */
  /* What those hear that could not be gone through again. */
  struct replay_inform *heard;
  size_t heard_count, heard_capacity;
};

/* After both replays. */
void correct_plan(struct correction *correction);

/* Of what the family says, what was said and does not hold and what holds and was not said stay unmatched. */
void correct_match_informs(struct correction *correction);

/* ---- correct.c ---- */

struct correction *correction_new(struct runtime *runtime, civil_moment now);
/* `root`, `entries` and what it hears are set: both replays, the second without the entry of this number, and the plan.
 * Errors with a Russian text. */
enum err correct_compute(struct correction *correction, uint64_t without, struct fault *fault) MUST_CHECK;

/* ---- correct_told.c ---- */

/* After both replays: the cases that charts keep and that heard what does not hold. What could not be gone through
 * again stays among the unmatched. */
void correct_others(struct correction *correction);
/* All that a case was told, from its beginning; `slot` NULL: it is not there. ERR_NOT_FOUND: not from its beginning. */
enum err correct_heard(struct correction *correction, const struct case_slot *slot,
                       struct told_list *ret_all) MUST_CHECK;
/* Both replays hear what holds. */
void correct_hear_the_same(struct correction *correction, const struct told_list *all);

#endif
