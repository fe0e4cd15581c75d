#include "runtime/timers.h"

#include <stdlib.h>

#include "base/err.h"

void timers_init(struct timers *timers) {
  *timers = (struct timers){NULL, 0, 0};
}

void timers_finish(struct timers *timers) {
  if (!timers) {
    return;
  }
  for (size_t i = 0; i < timers->count; i++) {
    free((void *)timers->keys[i].data);
  }
  free(timers->keys);
  timers_init(timers);
}

static void grow(struct timers *timers) {
  size_t capacity = timers->capacity ? timers->capacity * 2 : 256;
  struct span *keys = realloc(timers->keys, capacity * sizeof *keys);
  ASSERT(keys);
  timers->keys = keys;
  timers->capacity = capacity;
}

static void swap(struct timers *timers, size_t a, size_t b) {
  struct span key = timers->keys[a];
  timers->keys[a] = timers->keys[b];
  timers->keys[b] = key;
}

static bool before(const struct timers *timers, size_t a, size_t b) {
  return span_compare(timers->keys[a], timers->keys[b]) < 0;
}

void timers_push(struct timers *timers, struct span key) {
  if (timers->count == timers->capacity) {
    grow(timers);
  }
  uint8_t *bytes = malloc(key.size ? key.size : 1);
  ASSERT(bytes);
  memcpy(bytes, key.data, key.size);
  size_t at = timers->count++;
  timers->keys[at] = span_of(bytes, key.size);
  while (at > 0 && before(timers, at, (at - 1) / 2)) {
    swap(timers, at, (at - 1) / 2);
    at = (at - 1) / 2;
  }
}

bool timers_top(const struct timers *timers, struct span *ret_key) {
  if (timers->count == 0) {
    return false;
  }
  *ret_key = timers->keys[0];
  return true;
}

static size_t least_child(const struct timers *timers, size_t parent) {
  size_t left = 2 * parent + 1;
  size_t right = left + 1;
  return right < timers->count && before(timers, right, left) ? right : left;
}

void timers_pop(struct timers *timers) {
  ASSERT(timers->count > 0);
  free((void *)timers->keys[0].data);
  timers->keys[0] = timers->keys[--timers->count];
  for (size_t at = 0; 2 * at + 1 < timers->count;) {
    size_t child = least_child(timers, at);
    if (!before(timers, child, at)) {
      break;
    }
    swap(timers, at, child);
    at = child;
  }
}
