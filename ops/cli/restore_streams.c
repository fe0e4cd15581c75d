/* restore_streams.c — see restore_streams.h: one batch over all cursors and what their streams keep. */
#include "restore_streams.h"

#include <stdlib.h>

#include "base/words.h"
#include "kurator/v1/deliveries.pb-c.h"
#include "runtime/records.h"
#include "store/store.h"

/* More than a participant is told between two copies; several restorations fit ten digits, as files are named. */
static const uint64_t LEAP = 10 * 1000 * 1000;

struct leap {
  struct store *store;
  struct span participant;
  uint64_t acknowledged;
  uint64_t base; /* all that was told stands at or below it */
  uint64_t moved;
  struct writer bytes, record;
  enum err err;
};

static enum err renumber(struct leap *leap, struct span delivery, uint64_t position) {
  Kurator__V1__Delivery *told = kurator__v1__delivery__unpack(NULL, delivery.size, delivery.data);
  if (!told) {
    return ERR_CORRUPT;
  }
  told->has_position = 1;
  told->position = position;
  size_t size = kurator__v1__delivery__get_packed_size(told);
  uint8_t *packed = malloc(size);
  ASSERT(packed);
  writer_reset(&leap->bytes);
  writer_raw(&leap->bytes, span_of(packed, kurator__v1__delivery__pack(told, packed)));
  free(packed);
  kurator__v1__delivery__free_unpacked(told, NULL);
  return ERR_OK;
}

static enum err move(struct leap *leap, struct span key, struct span value) {
  struct span participant;
  struct span delivery;
  uint64_t position;
  TRY(record_pair_of_key(key, &participant, &position));
  store_delete(leap->store, STORE_STREAM, key);
  if (position <= leap->acknowledged) {
    return ERR_OK;
  }
  TRY(record_bytes_read(value, &delivery));
  TRY(renumber(leap, delivery, leap->base + leap->moved + 1));
  leap->moved++;
  struct record_key place = record_pair_key(leap->participant, leap->base + leap->moved);
  writer_reset(&leap->record);
  record_bytes_write(writer_span(&leap->bytes), &leap->record);
  store_put(leap->store, STORE_STREAM, record_key_span(&place), writer_span(&leap->record));
  return ERR_OK;
}

static bool on_delivery(void *arg, struct span key, struct span value) {
  struct leap *leap = arg;
  leap->err = move(leap, key, value);
  return leap->err == ERR_OK;
}

static enum err leap_one(struct leap *leap, struct span participant, struct span value) {
  struct record_cursor cursor;
  TRY(record_cursor_read(value, &cursor));
  leap->participant = participant;
  leap->acknowledged = cursor.acknowledged;
  leap->base = cursor.head + LEAP;
  leap->moved = 0;
  struct record_key prefix = record_pair_prefix(participant);
  struct span all = {NULL, 0};
  TRY(store_scan(leap->store, STORE_STREAM, record_key_span(&prefix), all, on_delivery, leap));
  TRY(leap->err);
  cursor.acknowledged = cursor.dropped = leap->base;
  cursor.head = leap->base + leap->moved;
  writer_reset(&leap->record);
  record_cursor_write(&cursor, &leap->record);
  store_put(leap->store, STORE_CURSOR, span_of(participant.data, participant.size), writer_span(&leap->record));
  return ERR_OK;
}

static bool on_cursor(void *arg, struct span key, struct span value) {
  struct leap *leap = arg;
  leap->err = leap_one(leap, key, value);
  return leap->err == ERR_OK;
}

static void on_stored(void *arg, enum err result) {
  struct leap *leap = arg;
  leap->err = result;
}

static enum err leap_all(struct leap *leap) {
  struct span all = {NULL, 0};
  store_begin(leap->store);
  enum err err = store_scan(leap->store, STORE_CURSOR, all, all, on_cursor, leap);
  err = err == ERR_OK ? leap->err : err;
  if (err != ERR_OK) {
    store_abandon(leap->store);
    return err;
  }
  store_commit(leap->store, on_stored, leap);
  while (store_poll(leap->store)) {
  }
  return leap->err;
}

enum err restore_streams(const char *path, struct fault *fault) {
  const struct store_lmdb_options options = {.path = path};
  struct leap leap = {.err = ERR_OK};
  TRY(store_open_lmdb(&options, &leap.store, fault));
  writer_init(&leap.bytes);
  writer_init(&leap.record);
  enum err err = leap_all(&leap);
  writer_finish(&leap.bytes);
  writer_finish(&leap.record);
  store_close(&leap.store);
  return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", words_of_err(err));
}
