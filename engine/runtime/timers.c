#include "runtime/timers.h"

#include <stdlib.h>

#include "base/err.h"

/* ---- the heap ---- */

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

static void push(struct timers *timers, struct span key) {
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

/* Of a sorted heap: a shorter one stays one. */
static void shorten(struct timers *timers, size_t count) {
  while (timers->count > count) {
    free((void *)timers->keys[--timers->count].data);
  }
}

/* ---- the horizon ---- */

static void set_horizon(struct record_key *horizon, struct span key) {
  ASSERT(key.size <= sizeof horizon->bytes);
  memcpy(horizon->bytes, key.data, key.size);
  horizon->size = key.size;
}

static bool is_within(const struct timers *timers, struct span key) {
  return timers->complete || span_compare(key, record_key_span(&timers->horizon)) < 0;
}

static int compare_keys(const void *a, const void *b) {
  return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* The horizon moves back to the first key that is let go, and others like it go too. */
static void let_go(struct timers *timers) {
  qsort(timers->keys, timers->count, sizeof *timers->keys, compare_keys);
  size_t kept = timers->window;
  set_horizon(&timers->horizon, timers->keys[kept]);
  timers->complete = false;
  while (kept > 0 && !is_within(timers, timers->keys[kept - 1])) {
    kept--;
  }
  shorten(timers, kept);
}

struct filling {
  struct timers *timers;
  size_t count;
  struct record_key horizon;
  bool complete;
};

static bool fill_with(void *arg, struct span key, struct span value) {
  struct filling *filling = arg;
  (void)value;
  filling->complete = filling->count++ < filling->timers->window;
  if (filling->complete) {
    push(filling->timers, key);
  } else {
    set_horizon(&filling->horizon, key);
  }
  return filling->complete;
}

/* Those that lie between the horizon as it was and as it is. */
static void fill_from(struct timers *timers, const struct writer *list, struct span from) {
  for (struct reader r = reader_of(writer_span(list)); r.size > 0;) {
    struct span key = reader_blob(&r);
    ASSERT(!r.failed);
    if (span_compare(key, from) >= 0 && is_within(timers, key)) {
      push(timers, key);
    }
  }
}

static enum err fill(struct timers *timers) {
  const struct record_key from = timers->horizon;
  struct filling filling = {.timers = timers, .complete = true};
  TRY(store_scan(timers->store, STORE_TIMER, (struct span){NULL, 0}, record_key_span(&from), fill_with, &filling));
  timers->horizon = filling.horizon;
  timers->complete = filling.complete;
  fill_from(timers, &timers->flight, record_key_span(&from));
  fill_from(timers, &timers->open, record_key_span(&from));
  return ERR_OK;
}

enum err timers_first(struct timers *timers, struct span *ret_key) {
  while (timers->count == 0 && !timers->complete) {
    TRY(fill(timers));
  }
  if (timers->count == 0) {
    return ERR_NOT_FOUND;
  }
  *ret_key = timers->keys[0];
  return ERR_OK;
}

/* ---- the batches ---- */

void timers_set(struct timers *timers, struct span key) {
  writer_blob(&timers->open, key);
  if (is_within(timers, key)) {
    push(timers, key);
  }
  if (timers->count / 2 > timers->window) {
    let_go(timers);
  }
}

void timers_take_off(struct timers *timers) {
  ASSERT(timers->flight.size == 0);
  struct writer empty = timers->flight;
  timers->flight = timers->open;
  timers->open = empty;
}

void timers_stored(struct timers *timers) {
  writer_reset(&timers->flight);
}

/* ---- life ---- */

void timers_init(struct timers *timers, struct store *store, size_t window) {
  ASSERT(window > 0);
  *timers = (struct timers){.store = store, .window = window};
  writer_init(&timers->open);
  writer_init(&timers->flight);
}

void timers_recover(struct timers *timers) {
  shorten(timers, 0);
  timers->horizon.size = 0;
  timers->complete = false;
  writer_reset(&timers->open);
  writer_reset(&timers->flight);
}

void timers_finish(struct timers *timers) {
  if (!timers) {
    return;
  }
  shorten(timers, 0);
  free(timers->keys);
  writer_finish(&timers->open);
  writer_finish(&timers->flight);
}
