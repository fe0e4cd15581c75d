/*
 * runtime/timers.h — the order in which timers are due.
 *
 * Purpose: the next timer, known also inside a batch, where the store cannot be scanned for what the batch has set. The
 * store holds millions of timers in their order; here is a window of them, so that neither the start nor the memory
 * grows with their number.
 *
 * The window: a heap of keys of space TIMER, all below a horizon (a key too). When the heap has run empty it is filled
 * with the next `window` keys from the horizon on, wherever that is needed, in the middle of a batch or of a commit;
 * when it has grown to more than twice the window, those at its far end are let go and the horizon moves back to them.
 * It is a hint, never the truth: a key may stand in it twice or after its timer was cleared, and whoever gets one looks
 * into the store whether it is still there. So nothing has to be taken back when an input fails, and there is no memory
 * of "already fired" that a restart could get wrong.
 *
 * Invariants. "In the store" means as store_get tells it, with the open batch and the one in flight.
 *  1. Each timer that is in the store and lies below the horizon is in the heap; nothing else than such keys, and those
 *     of timers that have gone, is in it.
 *  2. Each key that was set by the open batch or the one in flight is in `open` or `flight`, wherever it lies. A scan
 *     sees the committed state, which has all others. So what a scan from the horizon finds, and those two lists, are
 *     all that lies beyond it: filling keeps 1, whether or not the commit in flight has reached the disk, and letting
 *     go keeps it because nothing is lost that way.
 *  3. As long as the heap is not empty its least key is the least of all: every other timer lies beyond the horizon. So
 *     the order does not depend on the size of the window, nor on when it was filled.
 *  4. Filling raises the horizon by at least one key of the store, or ends in `complete` (no horizon, all are in the
 *     heap): looking for the first timer comes to an end, also behind any number of keys whose timers have gone.
 *  5. The heap holds no more than twice the window and what two batches have set.
 *
 * The timers of a family that are taken out of their order are not looked up here, but by its cases (due.c).
 *
 * Order: byte order of the keys, that is (due, case, slot). Threading: one owner.
 */
#ifndef KURATOR_RUNTIME_TIMERS_H
#define KURATOR_RUNTIME_TIMERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "runtime/records.h"
#include "store/store.h"

struct timers {
  struct store *store;
  size_t window;     /* keys */
  struct span *keys; /* binary heap; each span owns its bytes */
  size_t count, capacity;
  struct record_key horizon;  /* the first key that is not in the window; empty: before all keys */
  bool complete;              /* there is no horizon */
  struct writer open, flight; /* blobs: the keys set by the batch that is open, and by the one in flight */
};

/* Borrows the store. `window` ≥ 1: how many keys are read at once. Nothing is read before timers_first. */
void timers_init(struct timers *timers, struct store *store, size_t window);
void timers_finish(struct timers *timers); /* NULL-safe */
/* What is committed is all there is: no batch is open or in flight. */
void timers_recover(struct timers *timers);
/* The open batch puts a timer under this key. Copies. */
void timers_set(struct timers *timers, struct span key);
/* The open batch is in flight from now on, */
void timers_take_off(struct timers *timers);
/* and is stored. */
void timers_stored(struct timers *timers);
/* The least key, valid until the next call. ERR_NOT_FOUND: there is none. Otherwise what store_scan says. */
enum err timers_first(struct timers *timers, struct span *ret_key) MUST_CHECK;
/* Drops the key that timers_first gave. */
void timers_pop(struct timers *timers);

#endif
