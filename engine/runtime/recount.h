/*
 * runtime/recount.h — one family by another calendar: what has changed in it. For recount.c and recount_preview.c.
 *
 * Ownership: everything that is collected lives in the runtime's arena of the batch.
 */
#ifndef KURATOR_RUNTIME_RECOUNT_H
#define KURATOR_RUNTIME_RECOUNT_H

#include "runtime/work.h"

enum { RECOUNT_LOOKED_MAX = 2000 /* records in one tick, or one page of a preview */ };

struct recount_changes {
  struct runtime_recount_change *items;
  size_t count, capacity;
};
/* Steps the living cases of a family by the calendar that the casework has now, at this moment. Nothing is put: the
 * caller commits or drops the work. ERR_*: of the step, in work->fault; work_is_stale asks before that. */
enum err recount_run(struct runtime *runtime, struct span root, civil_moment at, bool gated, struct work *work,
                     size_t *ret_cases) MUST_CHECK;
/* Before the work is committed: the deadlines that differ from what the store has, and moved reminders. */
void recount_changes_of(struct work *work, struct recount_changes *ret_changes);
/* The next family after `after` that has not ended as a whole; empty: none. `left` counts down the records on the way,
 * and when it is used up the walk stops with the last family it has seen (*ret_ended true: pass it over). A record that
 * cannot be read is passed over. In the batch's arena. ERR_*: of the store. */
enum err recount_next(struct runtime *runtime, struct span after, size_t *left, struct span *ret_root,
                      bool *ret_ended) MUST_CHECK;

#endif
