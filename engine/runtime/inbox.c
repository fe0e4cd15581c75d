#include "runtime/inbox.h"

#include <stdlib.h>
#include <string.h>

/* One block of memory per message: the message as bytes, in the order of `write_message`. */
struct inbox_item {
  struct inbox_item *next; /* in a lane, among the taken, or unused */
  struct inbox_lane *lane; /* in which it waits, or waited */
  uint8_t *block;          /* NULL: unused */
  size_t size;
  struct span sender; /* inside the block; with the next two, what the order of inbox_sort needs */
  uint64_t sequence;
  civil_moment occurred_at;
};

/* ---- queues ---- */

static void queue_push(struct inbox_queue *queue, struct inbox_item *item) {
  item->next = NULL;
  if (queue->last) {
    queue->last->next = item;
  } else {
    queue->first = item;
  }
  queue->last = item;
}

static void queue_push_front(struct inbox_queue *queue, struct inbox_item *item) {
  item->next = queue->first;
  queue->first = item;
  if (!queue->last) {
    queue->last = item;
  }
}

static struct inbox_item *queue_pop(struct inbox_queue *queue) {
  struct inbox_item *item = queue->first;
  queue->first = item->next;
  if (!queue->first) {
    queue->last = NULL;
  }
  return item;
}

/* ---- the round ---- */

/* At the end of the round: who comes back again and again overtakes nobody. */
static void round_enter(struct inbox *inbox, struct inbox_lane *lane) {
  if (lane == &inbox->line || lane->next) {
    return;
  }
  struct inbox_lane *last = inbox->round_last;
  lane->next = last ? last->next : lane;
  if (last) {
    last->next = lane;
  }
  lane->visit = 0;
  inbox->round_last = lane;
  inbox->round_count++;
}

/* The lane whose turn it is. */
static void round_leave(struct inbox *inbox) {
  struct inbox_lane *lane = inbox->round_last->next;
  inbox->round_last->next = lane->next;
  inbox->round_last = --inbox->round_count > 0 ? inbox->round_last : NULL;
  lane->next = NULL;
}

static bool lane_may_give(const struct inbox *inbox, struct inbox_lane *lane) {
  if (lane->batch != inbox->batch) {
    lane->batch = inbox->batch;
    lane->taken = 0;
  }
  return lane->taken < inbox->share;
}

/* NULL: nobody has anything to give to this batch. */
static struct inbox_lane *lane_next(struct inbox *inbox) {
  if (inbox->line.count > 0) {
    return &inbox->line;
  }
  for (size_t i = 0; i <= inbox->round_count && inbox->round_count > 0; i++) {
    struct inbox_lane *lane = inbox->round_last->next;
    if (lane->visit < INBOX_VISIT && lane_may_give(inbox, lane)) {
      return lane;
    }
    lane->visit = 0;
    inbox->round_last = lane;
  }
  return NULL;
}

static struct inbox_item *lane_pop(struct inbox *inbox, struct inbox_lane *lane) {
  struct inbox_item *item = queue_pop(&lane->waiting);
  lane->count--;
  lane->taken++;
  lane->visit++;
  if (lane != &inbox->line && lane->count == 0) {
    round_leave(inbox);
  }
  return item;
}

static void lane_push(struct inbox *inbox, struct inbox_item *item) {
  queue_push(&item->lane->waiting, item);
  item->lane->count++;
  round_enter(inbox, item->lane);
}

static void lane_push_front(struct inbox *inbox, struct inbox_item *item) {
  queue_push_front(&item->lane->waiting, item);
  item->lane->count++;
  round_enter(inbox, item->lane);
}

/* Index of the sender's lane, or where it would stand. */
static size_t lane_find(const struct inbox *inbox, struct span sender) {
  size_t low = 0;
  size_t high = inbox->lanes_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (span_compare(inbox->lanes[middle].lane->sender, sender) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Its name stands behind it. */
static struct inbox_lane *lane_new(struct span sender) {
  struct inbox_lane *lane = calloc(1, sizeof *lane + sender.size);
  ASSERT(lane);
  if (sender.size > 0) {
    memcpy(lane + 1, sender.data, sender.size);
  }
  lane->sender = span_of(lane + 1, sender.size);
  return lane;
}

static struct inbox_lane *lane_of(struct inbox *inbox, struct span sender, struct inbox_retry retry) {
  if (inbox->share == 0) {
    return &inbox->line;
  }
  if (retry.incident > 0) {
    return &inbox->repeats;
  }
  size_t at = lane_find(inbox, sender);
  if (at < inbox->lanes_count && span_equal(inbox->lanes[at].lane->sender, sender)) {
    return inbox->lanes[at].lane;
  }
  struct inbox_slot *grown = realloc(inbox->lanes, (inbox->lanes_count + 1) * sizeof *grown);
  ASSERT(grown);
  inbox->lanes = grown;
  memmove(grown + at + 1, grown + at, (inbox->lanes_count++ - at) * sizeof *grown);
  grown[at].lane = lane_new(sender);
  return grown[at].lane;
}

/* ---- life ---- */

void inbox_init(struct inbox *inbox, const struct inbox_limits *limits) {
  *inbox = (struct inbox){.capacity = limits->count_max, .bytes_max = limits->bytes_max, .share = limits->share};
  inbox->batch = 1;
  inbox->items = calloc(inbox->capacity, sizeof *inbox->items);
  ASSERT(inbox->items);
  for (size_t i = 0; i < inbox->capacity; i++) {
    inbox->items[i].next = i + 1 < inbox->capacity ? &inbox->items[i + 1] : NULL;
  }
  inbox->unused = inbox->items;
}

void inbox_finish(struct inbox *inbox) {
  if (!inbox || !inbox->items) {
    return;
  }
  for (size_t i = 0; i < inbox->capacity; i++) {
    free(inbox->items[i].block);
  }
  for (size_t i = 0; i < inbox->lanes_count; i++) {
    free(inbox->lanes[i].lane);
  }
  free(inbox->lanes);
  free(inbox->items);
  inbox->items = NULL;
}

/* ---- a message as bytes ---- */

static void write_message(const struct runtime_message *m, struct inbox_retry retry, struct writer *w) {
  writer_blob(w, m->sender);
  writer_varint(w, m->sequence);
  writer_raw(w, span_of(m->digest, sizeof m->digest));
  writer_blob(w, m->event);
  writer_blob(w, m->case_id);
  writer_blob(w, m->acting_for);
  writer_zigzag(w, m->occurred_at);
  writer_varint(w, retry.incident);
  writer_blob(w, retry.root);
  writer_varint(w, m->refusal ? (uint64_t)m->refusal->err : ERR_OK);
  writer_blob(w, m->refusal ? span_of_cstr(m->refusal->text) : span_of(NULL, 0));
  writer_varint(w, m->times);
  writer_varint(w, m->entry);
  value_encode(&m->data, w);
}

static void read_refusal(struct reader *r, struct inbox_message *m) {
  m->refusal.err = (enum err)reader_varint(r);
  struct span text = reader_blob(r);
  size_t size = text.size < FAULT_TEXT_MAX ? text.size : FAULT_TEXT_MAX - 1;
  if (size > 0) {
    memcpy(m->refusal.text, text.data, size);
  }
  m->message.refusal = m->refusal.err == ERR_OK ? NULL : &m->refusal;
}

static void read_message(struct span block, struct arena *arena, struct inbox_message *m) {
  struct reader r = reader_of(block);
  memset(m, 0, sizeof *m);
  m->message.sender = reader_blob(&r);
  m->message.sequence = reader_varint(&r);
  struct span digest = reader_raw(&r, sizeof m->message.digest);
  m->message.event = reader_blob(&r);
  m->message.case_id = reader_blob(&r);
  m->message.acting_for = reader_blob(&r);
  m->message.occurred_at = reader_zigzag(&r);
  m->retry.incident = reader_varint(&r);
  m->retry.root = reader_blob(&r);
  read_refusal(&r, m);
  m->message.times = reader_varint(&r);
  m->message.entry = reader_varint(&r);
  ASSERT(!r.failed); /* our own bytes */
  memcpy(m->message.digest, digest.data, sizeof m->message.digest);
  enum err err = value_decode(&r, arena, &m->message.data);
  ASSERT(err == ERR_OK);
}

/* ---- in and out ---- */

static bool names_fit(const struct runtime_message *m) {
  return m->sender.size <= RUNTIME_NAME_MAX && m->event.size <= RUNTIME_NAME_MAX &&
         m->acting_for.size <= RUNTIME_NAME_MAX && m->case_id.size <= CASE_ID_MAX;
}

/* A lane in which much waits leaves a quarter of the room to the others. */
static bool has_room(const struct inbox *inbox, const struct inbox_lane *lane, size_t size) {
  bool many = inbox->share > 0 && lane->count >= INBOX_FEW;
  size_t count_max = many ? inbox->capacity - inbox->capacity / 4 : inbox->capacity;
  size_t bytes_max = many ? inbox->bytes_max - inbox->bytes_max / 4 : inbox->bytes_max;
  return inbox->count < count_max && inbox->bytes + size <= bytes_max;
}

/* Takes the writer's buffer. */
static struct inbox_item *item_fill(struct inbox *inbox, struct writer *w, const struct runtime_message *m) {
  struct inbox_item *item = inbox->unused;
  inbox->unused = item->next;
  *item =
      (struct inbox_item){.block = w->data, .size = w->size, .sequence = m->sequence, .occurred_at = m->occurred_at};
  struct reader r = reader_of(writer_span(w));
  item->sender = reader_blob(&r);
  inbox->bytes += w->size;
  inbox->count++;
  return item;
}

enum err inbox_put(struct inbox *inbox, const struct runtime_message *message, struct inbox_retry retry) {
  if (!names_fit(message) || !value_depth_fits(&message->data)) {
    return ERR_LIMIT;
  }
  struct inbox_lane *lane = lane_of(inbox, message->sender, retry);
  if (!has_room(inbox, lane, 0)) {
    return ERR_BUSY;
  }
  struct writer w;
  writer_init(&w);
  write_message(message, retry, &w);
  enum err err = w.size > RUNTIME_MESSAGE_MAX ? ERR_LIMIT : !has_room(inbox, lane, w.size) ? ERR_BUSY : ERR_OK;
  if (err != ERR_OK) {
    writer_finish(&w);
    return err;
  }
  struct inbox_item *item = item_fill(inbox, &w, message);
  item->lane = lane;
  lane_push(inbox, item);
  return ERR_OK;
}

bool inbox_take(struct inbox *inbox, struct arena *arena, struct inbox_message *ret_message) {
  struct inbox_lane *lane = lane_next(inbox);
  if (!lane) {
    return false;
  }
  struct inbox_item *item = lane_pop(inbox, lane);
  queue_push(&inbox->taken, item);
  inbox->taken_count++;
  read_message(span_of(item->block, item->size), arena, ret_message);
  return true;
}

void inbox_next_batch(struct inbox *inbox) {
  inbox->batch++;
}

void inbox_release(struct inbox *inbox, size_t count) {
  ASSERT(count <= inbox->taken_count);
  inbox->taken_count -= count;
  inbox->count -= count;
  for (; count > 0; count--) {
    struct inbox_item *item = queue_pop(&inbox->taken);
    inbox->bytes -= item->size;
    free(item->block);
    *item = (struct inbox_item){.next = inbox->unused};
    inbox->unused = item;
  }
}

/* The last one first to the front of its lane, so that they stand there in their old order. */
void inbox_return(struct inbox *inbox, size_t count) {
  ASSERT(count <= inbox->taken_count);
  struct inbox_queue kept = {NULL, NULL};
  struct inbox_item *backwards = NULL;
  for (size_t i = inbox->taken_count - count; i > 0; i--) {
    queue_push(&kept, queue_pop(&inbox->taken));
  }
  while (inbox->taken.first) {
    struct inbox_item *item = queue_pop(&inbox->taken);
    item->next = backwards;
    backwards = item;
  }
  while (backwards) {
    struct inbox_item *item = backwards;
    backwards = item->next;
    lane_push_front(inbox, item);
  }
  inbox->taken = kept;
  inbox->taken_count -= count;
}

size_t inbox_waiting(const struct inbox *inbox) {
  return inbox->count - inbox->taken_count;
}

/* ---- the order of a virtual clock ---- */

struct waiter {
  struct inbox_item *item;
};

static int item_compare(const void *left, const void *right) {
  const struct inbox_item *a = ((const struct waiter *)left)->item;
  const struct inbox_item *b = ((const struct waiter *)right)->item;
  if (a->occurred_at != b->occurred_at) {
    return a->occurred_at < b->occurred_at ? -1 : 1;
  }
  int senders = span_compare(a->sender, b->sender);
  if (senders != 0) {
    return senders;
  }
  return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* All that waits leaves its lane. */
static size_t empty_lanes(struct inbox *inbox, struct waiter *ret_items) {
  size_t count = 0;
  while (inbox->line.count > 0) {
    ret_items[count++].item = lane_pop(inbox, &inbox->line);
  }
  while (inbox->round_last) {
    ret_items[count++].item = lane_pop(inbox, inbox->round_last->next);
  }
  return count;
}

void inbox_sort(struct inbox *inbox) {
  struct waiter *items = calloc(inbox_waiting(inbox) + 1, sizeof *items);
  ASSERT(items);
  size_t count = empty_lanes(inbox, items);
  qsort(items, count, sizeof *items, item_compare);
  for (size_t i = 0; i < count; i++) {
    items[i].item->lane = &inbox->line;
    lane_push(inbox, items[i].item);
  }
  free(items);
}
