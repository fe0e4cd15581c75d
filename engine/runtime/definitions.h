/*
 * runtime/definitions.h — the revisions of processes that cases run on.
 *
 * Purpose: counts the running cases of each (process, revision), and keeps its chart and settings in the store for as
 * long as there are any, so that a case that began under yesterday's chart goes on by it. At a start, what such cases
 * need and config/ no longer has is compiled from the store.
 *
 * States of an entry: present (config/ has it; new cases begin on it) | old (running cases need it) → forgotten (an old
 * one whose last case has ended; its record goes with the batch that ends the case). Present ones stay stored when
 * nobody runs on them, so that a process with few cases is not written again and again.
 * Invariant: between batches the counts equal the cases in the store that have not ended; records from before revisions
 * were kept are counted from their first step on.
 *
 * Not here: the migration of cases to another revision. A rehearsal starts from an empty store and so knows present
 * definitions only.
 *
 * Threading: one owner. Ownership: borrows the casework; owns its entries.
 */
#ifndef KURATOR_RUNTIME_DEFINITIONS_H
#define KURATOR_RUNTIME_DEFINITIONS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "casework/casework.h"
#include "store/store.h"

struct definition {
  struct span process, revision;
  uint64_t cases; /* that have not ended */
  bool present;
  bool stored; /* its record is in the store or in the open batch */
  bool dirty;
};
struct definitions {
  struct casework *casework;
  struct arena arena;
  struct definition *items; /* by process, then revision */
  size_t count, capacity;
  size_t dirty;
};

void definitions_init(struct definitions *definitions, struct casework *casework);
void definitions_finish(struct definitions *definitions); /* NULL-safe */
/* What is committed becomes what is in memory; old ones are defined in the casework. One that cannot be is logged: its
 * cases are parked when something concerns them. Not inside a batch. ERR_CORRUPT and the store's. */
enum err definitions_load(struct definitions *definitions, struct store *store) MUST_CHECK;
/* A case begins to run (+1), or has ended (-1). */
void definitions_count(struct definitions *definitions, struct span process, struct span revision, int delta);
/* Puts what has changed into the open batch. */
void definitions_write(struct definitions *definitions, struct store *store, struct writer *scratch);

#endif
