/*
 * runtime/inbox.h — the messages that wait, bounded.
 *
 * States of a message: waiting → taken (in the batch) → released (the batch is durable, the memory goes) | waiting
 * again (the batch was not stored). Invariant: taken messages stand before the waiting ones, in the order in which they
 * were taken.
 *
 * Ownership: copies on the way in; what inbox_take shows is borrowed until the message is released.
 * Threading: one owner. Limits: as given; ERR_BUSY is the back-pressure.
 */
#ifndef KURATOR_RUNTIME_INBOX_H
#define KURATOR_RUNTIME_INBOX_H

#include "base/arena.h"
#include "base/err.h"
#include "runtime/runtime.h"

/* The operator repeats the message of this incident; 0: a message from outside. */
struct inbox_retry {
  struct span root;
  uint64_t incident;
};
struct inbox_message {
  struct runtime_message message;
  struct fault refusal; /* what message.refusal points to */
  struct inbox_retry retry;
};

struct inbox_item;
struct inbox {
  struct inbox_item *items; /* ring */
  size_t capacity;
  size_t first; /* index of the oldest */
  size_t taken; /* of `count`, the first so many */
  size_t count;
  size_t bytes, bytes_max;
};

void inbox_init(struct inbox *inbox, size_t count_max, size_t bytes_max);
void inbox_finish(struct inbox *inbox); /* NULL-safe */
/* ERR_BUSY when full, ERR_LIMIT when larger than RUNTIME_MESSAGE_MAX, deeper than VALUE_DEPTH_MAX or with too long a
 * name. */
enum err inbox_put(struct inbox *inbox, const struct runtime_message *message, struct inbox_retry retry) MUST_CHECK;
/* The oldest that waits; false if none does. Tables come from `arena`. */
bool inbox_take(struct inbox *inbox, struct arena *arena, struct inbox_message *ret_message);
void inbox_release(struct inbox *inbox, size_t count); /* the first so many that were taken */
void inbox_return(struct inbox *inbox, size_t count);  /* the last so many that were taken wait again */
size_t inbox_waiting(const struct inbox *inbox);
/* Orders what waits by (occurred_at, sender, sequence). */
void inbox_sort(struct inbox *inbox);

#endif
