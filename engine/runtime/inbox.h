/*
 * runtime/inbox.h — the messages that wait, bounded, and whose turn it is.
 *
 * States of a message: waiting → taken (in the batch) → released (the batch is durable, the memory goes) | waiting
 * again (the batch was not stored, or the store had no room).
 *
 * Whose turn. Each sender has a lane of its own. Lanes are served in a round, INBOX_VISIT messages at a time, and no
 * lane gives more than `share` messages to one batch: who sends little waits for about one batch, whatever others send.
 * The last quarter of the room is kept for lanes in which little waits. What the operator repeats has its own lane.
 * With `share` 0 there is one line for all, first come first served: for whoever brings messages in their final order.
 * inbox_sort makes such a line of what waits, too; it goes before all lanes, without limits.
 *
 * Invariants: (1) a sender's messages are taken in the order in which they were put, unless sorted; (2) those taken are
 * released in the order in which they were taken; (3) the first inbox_take after inbox_next_batch finds a message if
 * any waits.
 *
 * Ownership: copies on the way in; what inbox_take shows is borrowed until the message is released.
 * Threading: one owner. Limits: as given; ERR_BUSY is the back-pressure.
 */
#ifndef KURATOR_RUNTIME_INBOX_H
#define KURATOR_RUNTIME_INBOX_H

#include "base/arena.h"
#include "base/err.h"
#include "runtime/runtime.h"

enum {
  INBOX_VISIT = 8, /* messages that a lane gives before the next one has its turn */
  INBOX_FEW = 16,  /* waiting in a lane: so many find room in the last quarter, too */
};

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
struct inbox_queue {
  struct inbox_item *first, *last;
};
struct inbox_lane {
  struct span sender;
  struct inbox_queue waiting;
  size_t count;            /* waiting */
  size_t visit;            /* taken since its turn began */
  uint64_t batch;          /* the one of which `taken` tells */
  size_t taken;            /* for that batch */
  struct inbox_lane *next; /* in the round; NULL: nothing waits */
};
struct inbox_slot {
  struct inbox_lane *lane;
};

struct inbox {
  struct inbox_item *items; /* all there are */
  struct inbox_item *unused;
  struct inbox_queue taken;
  struct inbox_lane line;        /* goes first; not in the round */
  struct inbox_lane repeats;     /* of the operator */
  struct inbox_slot *lanes;      /* by sender, sorted; they stay */
  struct inbox_lane *round_last; /* its `next` is the lane whose turn it is; NULL: all are empty */
  size_t lanes_count, round_count;
  uint64_t batch;
  size_t share;
  size_t capacity;
  size_t count, taken_count; /* of `count`, so many are taken */
  size_t bytes, bytes_max;
};

struct inbox_limits {
  size_t count_max, bytes_max; /* taken ones included */
  size_t share;                /* of one sender in one batch; 0: one line for all */
};
void inbox_init(struct inbox *inbox, const struct inbox_limits *limits);
void inbox_finish(struct inbox *inbox); /* NULL-safe */
/* ERR_BUSY when full, ERR_LIMIT when larger than RUNTIME_MESSAGE_MAX, deeper than VALUE_DEPTH_MAX or with too long a
 * name. */
enum err inbox_put(struct inbox *inbox, const struct runtime_message *message, struct inbox_retry retry) MUST_CHECK;
/* The one whose turn it is; false if none waits, or none may go into this batch any more. Tables come from `arena`. */
bool inbox_take(struct inbox *inbox, struct arena *arena, struct inbox_message *ret_message);
/* From now on messages are taken for the next batch. */
void inbox_next_batch(struct inbox *inbox);
void inbox_release(struct inbox *inbox, size_t count); /* the first so many that were taken */
void inbox_return(struct inbox *inbox, size_t count);  /* the last so many that were taken wait again */
size_t inbox_waiting(const struct inbox *inbox);
/* Orders what waits by (occurred_at, sender, sequence). */
void inbox_sort(struct inbox *inbox);

#endif
