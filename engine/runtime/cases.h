/*
 * runtime/cases.h — the cases that are open in memory.
 *
 * Purpose: a case is read from its record once and then stays decoded while it is in use, least recently used out
 * first.
 *
 * States of a slot: clean (equals its record in the store, the open batch included) → touched (the present input looks
 * at it) → dirty (the present input changed it) → clean (its record was put) | gone (cases_forget: the input failed,
 * the record is the truth). Invariant: between two inputs every slot is clean.
 *
 * Ownership: slots and what hangs on them belong to the cache; pointers are valid until the next cases_trim, _forget or
 * _clear. A slot that is forgotten is kept for the next case: with more cases than it holds, the cache would ask malloc
 * for every message. Threading: one owner.
 */
#ifndef KURATOR_RUNTIME_CASES_H
#define KURATOR_RUNTIME_CASES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "casework/casework.h"
#include "store/store.h"

struct case_slot {
  struct span id; /* lies in `text` */
  uint8_t text[CASE_ID_MAX];
  struct case_file *file;
  uint64_t journal; /* entry that started it */
  uint64_t latest;  /* as in struct record_case */
  uint32_t parked;  /* as in its record */
  bool counted;     /* among the running cases of its definition, by its record */
  bool touched, dirty;
  struct span record;    /* while an input is being settled: the new record, in the batch's arena */
  civil_moment fired_at; /* with fired_count: timers at one moment, to stop a chart that sets them for ever */
  uint32_t fired_count;
  bool view_valid;
  struct case_view view;
  struct arena view_arena;
  struct case_slot *hash_next, *newer, *older;
};

struct cases {
  struct casework *casework;
  struct store *store;
  struct case_slot **table; /* power of two */
  size_t table_size, count, capacity;
  struct case_slot *newest, *oldest;
  struct case_slot *spares; /* forgotten ones with their arenas, by hash_next */
  size_t spares_count;
  uint64_t decoded; /* statistics */
  /* While cases are gone through again: on which revision one of this id and process began. NULL: on the present one.
   */
  struct span (*pin)(void *arg, struct span id, struct span process);
  void *pin_arg;
};

void cases_init(struct cases *cases, struct casework *casework, struct store *store, size_t capacity);
void cases_finish(struct cases *cases); /* NULL-safe */
/* ERR_NOT_FOUND; ERR_CORRUPT and others of case_decode, in `fault`. */
enum err cases_get(struct cases *cases, struct span id, struct case_slot **ret_slot, struct fault *fault) MUST_CHECK;
/* The slot of a case that is open in memory, NULL if it is not. */
struct case_slot *cases_cached(struct cases *cases, struct span id);
/* A case that does not exist yet; its slot is dirty. ERR_EXISTS, ERR_NOT_FOUND (process). */
enum err cases_open(struct cases *cases, const struct case_identity *identity, uint64_t journal,
                    struct case_slot **ret_slot, struct fault *fault) MUST_CHECK;
/* Valid until the slot is stepped. */
const struct case_view *case_slot_view(struct case_slot *slot);
void case_slot_changed(struct case_slot *slot);
void cases_forget(struct cases *cases, struct case_slot *slot);
void cases_trim(struct cases *cases);
void cases_clear(struct cases *cases);

#endif
