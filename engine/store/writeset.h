/*
 * store/writeset.h — what one batch changes: a map from (space, key) to a put or a delete.
 *
 * Purpose: collects the changes of a batch so that they are committed all or none, and answers point reads from them
 * meanwhile. It is self-contained: replaying it in order over the state before the batch gives the state after, with
 * no script and no clock.
 *
 * Life cycle: writeset_init → (writeset_put | writeset_delete | writeset_find)* → writeset_sorted → writeset_reset …
 * → writeset_finish. Ownership: copies keys and values into its arena; what writeset_find and writeset_sorted return
 * is valid until the reset. A later write to the same key keeps the earlier value's bytes until then.
 * Threading: one owner; after writeset_sorted any number of threads may read until the reset.
 * Never: interprets a value, or lets the table's order be seen (the seed differs from run to run).
 */
#ifndef KURATOR_STORE_WRITESET_H
#define KURATOR_STORE_WRITESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "store/store.h"

struct write {
  struct write *next; /* in the same bucket */
  uint64_t hash;
  uint64_t head; /* key_head(key) */
  struct span key;
  struct span value; /* empty when deleted */
  enum store_space space;
  bool deleted;
};

struct writeset {
  struct arena arena;
  struct write **buckets; /* in the arena; NULL while the set is empty */
  size_t bucket_count;    /* a power of two */
  const struct write **sorted;
  size_t count;
  size_t bytes;  /* keys and values */
  uint64_t seed; /* unknown to senders, who choose parts of keys: no key can be aimed at a bucket */
};

void writeset_init(struct writeset *set, uint64_t seed);
void writeset_finish(struct writeset *set);
void writeset_reset(struct writeset *set);
void writeset_put(struct writeset *set, enum store_space space, struct span key, struct span value);
void writeset_delete(struct writeset *set, enum store_space space, struct span key);
/* NULL if the set says nothing about the key. */
const struct write *writeset_find(const struct writeset *set, enum store_space space, struct span key);
/* All writes by (space, key); `set->count` of them. */
const struct write *const *writeset_sorted(struct writeset *set);

#endif
