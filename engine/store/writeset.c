#include "store/writeset.h"

#include <stdlib.h>

#include "base/err.h"
#include "store/key_order.h"

enum { BUCKETS_FIRST = 64 };

__extension__ typedef unsigned __int128 uint128;

/* Multiplies to 128 bits and folds the halves: every input bit reaches every output bit, in a few cycles. */
static uint64_t mix(uint64_t a, uint64_t b) {
  uint128 product = (uint128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const struct writeset *set, enum store_space space, struct span key) {
  const uint64_t odd = 0x9e3779b97f4a7c15u;
  uint64_t hash = mix(set->seed ^ (uint64_t)space, odd ^ key.size);
  struct span rest = key;
  while (rest.size > 0) {
    size_t step = rest.size < sizeof(uint64_t) ? rest.size : sizeof(uint64_t);
    hash = mix(hash ^ key_head(rest), odd ^ set->seed);
    rest = span_of(rest.data + step, rest.size - step);
  }
  return hash;
}

void writeset_init(struct writeset *set, uint64_t seed) {
  *set = (struct writeset){.seed = seed};
  arena_init(&set->arena, 0);
}

void writeset_finish(struct writeset *set) {
  if (!set) {
    return;
  }
  arena_finish(&set->arena);
  writeset_init(set, set->seed);
}

void writeset_reset(struct writeset *set) {
  arena_reset(&set->arena);
  set->buckets = NULL;
  set->sorted = NULL;
  set->bucket_count = set->count = set->bytes = 0;
}

static struct write *find(const struct writeset *set, uint64_t hash, enum store_space space, struct span key) {
  if (!set->buckets) {
    return NULL;
  }
  struct write *write = set->buckets[hash & (set->bucket_count - 1)];
  while (write && !(write->hash == hash && write->space == space && span_equal(write->key, key))) {
    write = write->next;
  }
  return write;
}

const struct write *writeset_find(const struct writeset *set, enum store_space space, struct span key) {
  return set->count == 0 ? NULL : find(set, hash_of(set, space, key), space, key);
}

static void link_write(struct write **buckets, size_t bucket_count, struct write *write) {
  struct write **bucket = &buckets[write->hash & (bucket_count - 1)];
  write->next = *bucket;
  *bucket = write;
}

/* The old table stays in the arena until the reset: all tables together take at most twice the last one. */
static void grow(struct writeset *set) {
  size_t count = set->bucket_count == 0 ? BUCKETS_FIRST : set->bucket_count * 2;
  struct write **buckets = ARENA_ARRAY(&set->arena, struct write *, count);
  for (size_t i = 0; i < set->bucket_count; i++) {
    struct write *next;
    for (struct write *write = set->buckets[i]; write; write = next) {
      next = write->next;
      link_write(buckets, count, write);
    }
  }
  set->buckets = buckets;
  set->bucket_count = count;
}

static struct write *add(struct writeset *set, uint64_t hash, enum store_space space, struct span key) {
  if (set->count >= set->bucket_count) {
    grow(set);
  }
  struct write *write = ARENA_NEW(&set->arena, struct write);
  write->hash = hash;
  write->space = space;
  write->key = arena_copy(&set->arena, key);
  write->head = key_head(key);
  link_write(set->buckets, set->bucket_count, write);
  set->count++;
  set->bytes += key.size;
  return write;
}

static struct write *find_or_add(struct writeset *set, enum store_space space, struct span key) {
  uint64_t hash = hash_of(set, space, key);
  struct write *write = find(set, hash, space, key);
  set->sorted = NULL;
  return write ? write : add(set, hash, space, key);
}

void writeset_put(struct writeset *set, enum store_space space, struct span key, struct span value) {
  /* Copied first: the value may be a span of the write that it replaces. */
  struct span copy = arena_copy(&set->arena, value);
  struct write *write = find_or_add(set, space, key);
  set->bytes += copy.size - write->value.size;
  write->value = copy;
  write->deleted = false;
}

void writeset_delete(struct writeset *set, enum store_space space, struct span key) {
  struct write *write = find_or_add(set, space, key);
  set->bytes -= write->value.size;
  write->value = (struct span){0};
  write->deleted = true;
}

static int by_space_and_key(const void *left, const void *right) {
  const struct write *a = *(const struct write *const *)left;
  const struct write *b = *(const struct write *const *)right;
  if (a->space != b->space) {
    return a->space < b->space ? -1 : 1;
  }
  return key_compare(a->head, a->key, b->head, b->key);
}

const struct write *const *writeset_sorted(struct writeset *set) {
  if (set->sorted) {
    return set->sorted;
  }
  set->sorted = ARENA_ARRAY(&set->arena, const struct write *, set->count + 1);
  size_t count = 0;
  for (size_t i = 0; i < set->bucket_count; i++) {
    for (const struct write *write = set->buckets[i]; write; write = write->next) {
      set->sorted[count++] = write;
    }
  }
  ASSERT(count == set->count);
  qsort(set->sorted, count, sizeof(struct write *), by_space_and_key);
  return set->sorted;
}
