/*
 * runtime/timers.h — the order in which timers are due.
 *
 * Purpose: a heap of keys of space TIMER, so that the next timer is known also inside a batch, where the store cannot
 * be scanned. It is a hint, never the truth: a key may stand in it twice or after its timer was cleared, and whoever
 * pops one looks into the store whether it is still there. So nothing has to be taken back when an input fails, and
 * there is no memory of "already fired" that a restart could get wrong.
 *
 * Order: byte order of the keys, that is (due, case, slot). Threading: one owner.
 */
#ifndef KURATOR_RUNTIME_TIMERS_H
#define KURATOR_RUNTIME_TIMERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct timers {
  struct span *keys; /* binary heap; each span owns its bytes */
  size_t count, capacity;
};

void timers_init(struct timers *timers);
void timers_finish(struct timers *timers);                /* NULL-safe; leaves an empty heap */
void timers_push(struct timers *timers, struct span key); /* copies */
/* The least key, valid until the next push or pop; false when empty. */
bool timers_top(const struct timers *timers, struct span *ret_key);
void timers_pop(struct timers *timers);

#endif
