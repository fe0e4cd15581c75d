/*
 * daemon/handed.c — a sorted array with a moving beginning.
 *
 * Numbers ascend and receipts mostly come in that order, so that adding is appending and answering is stepping over the
 * first item. The virtual clock's order differs: then an answered item stays in its place until those before it have
 * gone. One number can stand here twice (with another digest: the runtime refuses it later).
 */
#include "daemon/handed.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

void handed_init(struct handed *handed, size_t count_max) {
  *handed = (struct handed){.count_max = count_max};
}

void handed_finish(struct handed *handed) {
  free(handed->items);
  *handed = (struct handed){.count_max = handed->count_max};
}

void handed_forget_link(struct handed *handed) {
  for (size_t i = handed->first; i < handed->end; i++) {
    handed->items[i].expected = false;
  }
  handed->expected = 0;
}

/* Index of the first item whose sequence is not below. */
static size_t find(const struct handed *handed, uint64_t sequence) {
  size_t low = handed->first;
  size_t high = handed->end;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (handed->items[middle].sequence < sequence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* The first unanswered item of this number; NULL if there is none. `digest` NULL: any. */
static struct handed_item *item_of(const struct handed *handed, uint64_t sequence, const uint8_t *digest) {
  for (size_t i = find(handed, sequence); i < handed->end && handed->items[i].sequence == sequence; i++) {
    struct handed_item *item = &handed->items[i];
    if (!item->answered && (!digest || memcmp(item->digest, digest, sizeof item->digest) == 0)) {
      return item;
    }
  }
  return NULL;
}

bool handed_again(struct handed *handed, uint64_t sequence, const uint8_t digest[RUNTIME_DIGEST_SIZE]) {
  struct handed_item *item = item_of(handed, sequence, digest);
  if (item && !item->expected) {
    item->expected = true;
    handed->expected++;
  }
  return item != NULL;
}

bool handed_full(const struct handed *handed) {
  return handed->count >= handed->count_max;
}

/* Drops all answered items, wherever they stand. */
static void compact(struct handed *handed) {
  size_t kept = 0;
  for (size_t i = handed->first; i < handed->end; i++) {
    if (!handed->items[i].answered) {
      handed->items[kept++] = handed->items[i];
    }
  }
  handed->first = 0;
  handed->end = kept;
}

/* At most half of the array is in use after a compaction without growth, so that compacting costs little per item. */
static void make_room(struct handed *handed) {
  if (handed->end < handed->capacity) {
    return;
  }
  compact(handed);
  if (handed->capacity > 0 && handed->end <= handed->capacity / 2) {
    return;
  }
  handed->capacity = handed->capacity ? handed->capacity * 2 : CAPACITY_FIRST;
  struct handed_item *grown = realloc(handed->items, handed->capacity * sizeof *grown);
  ASSERT(grown != NULL);
  handed->items = grown;
}

void handed_add(struct handed *handed, uint64_t sequence, const uint8_t digest[RUNTIME_DIGEST_SIZE]) {
  ASSERT(!handed_full(handed));
  make_room(handed);
  size_t at = find(handed, sequence);
  while (at < handed->end && handed->items[at].sequence == sequence) {
    at++;
  }
  struct handed_item *item = &handed->items[at];
  memmove(item + 1, item, (handed->end - at) * sizeof *item);
  *item = (struct handed_item){.sequence = sequence, .expected = true};
  memcpy(item->digest, digest, sizeof item->digest);
  handed->end++;
  handed->count++;
  handed->expected++;
}

void handed_answer(struct handed *handed, uint64_t sequence) {
  struct handed_item *item = item_of(handed, sequence, NULL);
  if (!item) {
    return;
  }
  item->answered = true;
  handed->count--;
  handed->expected -= item->expected ? 1 : 0;
  while (handed->first < handed->end && handed->items[handed->first].answered) {
    handed->first++;
  }
}
