#include "runtime/inbox.h"

#include <stdlib.h>
#include <string.h>

/* One block of memory per message: the message as bytes, in the order of `write_message`. */
struct inbox_item {
  uint8_t *block;
  size_t size;
  struct span sender; /* inside the block; with the next two, what the order of inbox_sort needs */
  uint64_t sequence;
  civil_moment occurred_at;
};

void inbox_init(struct inbox *inbox, size_t count_max, size_t bytes_max) {
  *inbox = (struct inbox){.capacity = count_max, .bytes_max = bytes_max};
  inbox->items = calloc(count_max, sizeof *inbox->items);
  ASSERT(inbox->items);
}

static struct inbox_item *item_at(const struct inbox *inbox, size_t position) {
  return &inbox->items[(inbox->first + position) % inbox->capacity];
}

static void drop_first(struct inbox *inbox) {
  struct inbox_item *item = item_at(inbox, 0);
  free(item->block);
  inbox->bytes -= item->size;
  inbox->first = (inbox->first + 1) % inbox->capacity;
  inbox->count--;
}

void inbox_finish(struct inbox *inbox) {
  if (!inbox || !inbox->items) {
    return;
  }
  while (inbox->count > 0) {
    drop_first(inbox);
  }
  free(inbox->items);
  inbox->items = NULL;
}

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
  ASSERT(!r.failed); /* our own bytes */
  memcpy(m->message.digest, digest.data, sizeof m->message.digest);
  enum err err = value_decode(&r, arena, &m->message.data);
  ASSERT(err == ERR_OK);
}

static void item_fill(struct inbox_item *item, struct writer *w, const struct runtime_message *m) {
  *item =
      (struct inbox_item){.block = w->data, .size = w->size, .sequence = m->sequence, .occurred_at = m->occurred_at};
  struct reader r = reader_of(writer_span(w));
  item->sender = reader_blob(&r);
}

static bool names_fit(const struct runtime_message *m) {
  return m->sender.size <= RUNTIME_NAME_MAX && m->event.size <= RUNTIME_NAME_MAX &&
         m->acting_for.size <= RUNTIME_NAME_MAX && m->case_id.size <= CASE_ID_MAX;
}

enum err inbox_put(struct inbox *inbox, const struct runtime_message *message, struct inbox_retry retry) {
  if (!names_fit(message) || !value_depth_fits(&message->data)) {
    return ERR_LIMIT;
  }
  if (inbox->count == inbox->capacity) {
    return ERR_BUSY;
  }
  struct writer w;
  writer_init(&w);
  write_message(message, retry, &w);
  enum err err = w.size > RUNTIME_MESSAGE_MAX               ? ERR_LIMIT
                 : w.size > inbox->bytes_max - inbox->bytes ? ERR_BUSY
                                                            : ERR_OK;
  if (err != ERR_OK) {
    writer_finish(&w);
    return err;
  }
  item_fill(item_at(inbox, inbox->count), &w, message); /* takes the writer's buffer */
  inbox->bytes += w.size;
  inbox->count++;
  return ERR_OK;
}

bool inbox_take(struct inbox *inbox, struct arena *arena, struct inbox_message *ret_message) {
  if (inbox->taken == inbox->count) {
    return false;
  }
  const struct inbox_item *item = item_at(inbox, inbox->taken++);
  read_message(span_of(item->block, item->size), arena, ret_message);
  return true;
}

void inbox_release(struct inbox *inbox, size_t count) {
  ASSERT(count <= inbox->taken);
  inbox->taken -= count;
  for (; count > 0; count--) {
    drop_first(inbox);
  }
}

void inbox_return(struct inbox *inbox, size_t count) {
  ASSERT(count <= inbox->taken);
  inbox->taken -= count;
}

size_t inbox_waiting(const struct inbox *inbox) {
  return inbox->count - inbox->taken;
}

static int item_compare(const void *left, const void *right) {
  const struct inbox_item *a = left;
  const struct inbox_item *b = right;
  if (a->occurred_at != b->occurred_at) {
    return a->occurred_at < b->occurred_at ? -1 : 1;
  }
  int senders = span_compare(a->sender, b->sender);
  if (senders != 0) {
    return senders;
  }
  return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* The ring is unrolled first, so that one qsort sees the waiting ones side by side. */
void inbox_sort(struct inbox *inbox) {
  struct inbox_item *items = calloc(inbox->capacity, sizeof *items);
  ASSERT(items);
  for (size_t i = 0; i < inbox->count; i++) {
    items[i] = *item_at(inbox, i);
  }
  free(inbox->items);
  inbox->items = items;
  inbox->first = 0;
  qsort(items + inbox->taken, inbox_waiting(inbox), sizeof *items, item_compare);
}
