/*
 * runtime/told.h — what families have told the cases that charts keep (k:inform), as it was told.
 *
 * Purpose: such a case (the account of a participant, the calendar of a body) goes through inputs that stand in no
 * entry of its own. They are kept here in the order in which they came, so that it can be gone through again without
 * one that was said by mistake (correct.h). Space INDEX, under "told": the case, then a number from 1; the number 0
 * tells how many there are. Not for other rooms. Deterministic; no personal data, as in any chart.
 *
 * Ownership: what is read lives in the arena that was given.
 */
#ifndef KURATOR_RUNTIME_TOLD_H
#define KURATOR_RUNTIME_TOLD_H

#include "runtime/engine.h"

/* Of one case; beyond that it is not gone through again: everybody waits meanwhile. */
enum { TOLD_MAX = 2000 };

struct told {
  uint64_t number;          /* place in the list of the case; 0: not in it yet */
  uint64_t journal;         /* entry that it came with; 0: not known, a timer's */
  civil_moment at;          /* when it was heard */
  civil_moment occurred_at; /* when it happened */
  struct span from;         /* root of the family that says it */
  struct span process, participant;
  struct span event; /* with its prefix */
  struct value data;
  struct span sender, cause; /* of the message that led to it; empty: a timer */
  bool taken_back;
};
struct told_list {
  struct told *items;
  size_t count, capacity;
};

/* Appends to the case's list, in the open batch. */
void told_put(struct runtime *runtime, struct span root, const struct told *told);
/* It does not hold: it stays in the list and is not gone through. */
void told_take_back(struct runtime *runtime, struct span root, const struct told *told);
/* Also those of the open batch, and those that were taken back. ERR_LIMIT: more than TOLD_MAX. ERR_CORRUPT. */
enum err told_read(struct runtime *runtime, struct span root, struct arena *arena,
                   struct told_list *ret_list) MUST_CHECK;
void told_add(struct arena *arena, struct told_list *list, const struct told *told);
/* In the order in which they are gone through: by moment, then by entry, a timer's first. */
void told_sort(struct told_list *list);

/* The case hears it at its moment, in a batch of its own: for a runtime that goes through a family again. What is due
 * before has been taken. */
enum err told_play(struct runtime *runtime, struct span root, const struct told *told) MUST_CHECK;

#endif
